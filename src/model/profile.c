// SPDX-License-Identifier: MIT
// Collecting who allocates: a sink that keeps what it is told, and the rows over all files.
#include "model/profile.h"

#include "base/alloc.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

static struct seep_profile *profile_of(struct seep_sink *sink)
{
    return (struct seep_profile *)sink;
}

// The same string once; NULL stays NULL. `*ok` becomes false when memory is out.
static const char *keep(struct seep_profile *p, const char *text, bool *ok)
{
    if (!text)
        return NULL;
    uint32_t id = seep_intern(&p->strings, text, strlen(text));
    *ok = *ok && id != 0;
    return id ? seep_intern_text(&p->strings, id) : NULL;
}

static bool on_machine(struct seep_sink *sink, const struct seep_machine *machine,
                       struct seep_machine_id *id)
{
    struct seep_profile *p = profile_of(sink);
    bool ok = p->n_machines < UINT32_MAX && seep_grow(&p->machines, &p->machines_capacity,
                                                      p->n_machines + 1, sizeof *p->machines);
    if (!ok)
        return seep_fail_memory(&sink->error);
    struct seep_machine *m = &p->machines[p->n_machines++];
    *m = *machine;
    m->host = keep(p, machine->host, &ok);
    m->os = keep(p, machine->os, &ok);
    m->os_version = keep(p, machine->os_version, &ok);
    id->v = (uint32_t)p->n_machines;
    return ok || seep_fail_memory(&sink->error);
}

static bool add_process(struct seep_profile *p, const struct seep_process *process, bool kernel,
                        uint32_t *id)
{
    bool ok =
        p->n_processes < UINT32_MAX - 1 &&
        seep_grow(&p->processes, &p->processes_capacity, p->n_processes + 1, sizeof *p->processes);
    if (!ok)
        return seep_fail_memory(&p->sink.error);
    struct seep_profile_process *own = &p->processes[p->n_processes++];
    *own = (struct seep_profile_process){ .process = *process,
                                          .moment = (uint32_t)(p->n_moments - 1),
                                          .kernel = kernel };
    own->process.image = keep(p, process->image, &ok);
    own->process.architecture = keep(p, process->architecture, &ok);
    *id = (uint32_t)p->n_processes;
    return ok || seep_fail_memory(&p->sink.error);
}

static bool on_process(struct seep_sink *sink, const struct seep_process *process,
                       struct seep_process_id *id)
{
    return add_process(profile_of(sink), process, false, &id->v);
}

static bool on_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    struct seep_profile *p = profile_of(sink);
    if (id.v && id.v <= p->n_processes)
        p->processes[id.v - 1].process.end_ns = end_ns;
    return true;
}

// What a source calls the kernel, and ids that were never handed out, is this moment's kernel.
static struct seep_process_id own_process(const struct seep_profile *p, struct seep_process_id id)
{
    if (id.v && id.v <= p->n_processes)
        return id;
    return (struct seep_process_id){ p->moments[p->n_moments - 1].kernel };
}

static bool on_series(struct seep_sink *sink, const struct seep_series *series,
                      struct seep_series_id *id)
{
    struct seep_profile *p = profile_of(sink);
    const char *name = series->subject.kind == SEEP_SUBJECT_SITE ? series->subject.name : NULL;
    struct seep_profile_growth growth = { .metric = series->metric,
                                          .process = own_process(p, series->subject.process).v };
    if (p->n_growth >= UINT32_MAX - 1 ||
        !seep_grow(&p->growth, &p->growth_capacity, p->n_growth + 1, sizeof growth))
        return seep_fail_memory(&sink->error);
    if (name) {
        growth.name = seep_intern(&p->strings, name, strlen(name));
        if (!growth.name)
            return seep_fail_memory(&sink->error);
    }
    p->growth[p->n_growth++] = growth;
    id->v = (uint32_t)p->n_growth;
    return true;
}

static bool on_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    struct seep_profile *p = profile_of(sink);
    struct seep_profile_moment *m = &p->moments[p->n_moments - 1];
    (void)machine;
    p->tick_ns = t_ns;
    if (!p->next.is && p->n_sites && p->sites[p->n_sites - 1].moment + 1 == p->n_moments) {
        p->next.is = true;
        p->next.start_ns = m->start_ns;
        p->next.end_ns = m->end_ns;
        p->next.first_process = p->n_processes;
    }
    if (t_ns == SEEP_NO_TIME)
        return true;
    if (m->start_ns == SEEP_NO_TIME || t_ns < m->start_ns)
        m->start_ns = t_ns;
    if (m->end_ns == SEEP_NO_TIME || t_ns > m->end_ns)
        m->end_ns = t_ns;
    return true;
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id id, double value)
{
    struct seep_profile *p = profile_of(sink);
    if (id.v == 0 || id.v > p->n_growth || !p->growth[id.v - 1].name || p->tick_ns == SEEP_NO_TIME)
        return true;
    return seep_points_add(&p->growth[id.v - 1].points, p->tick_ns, value) ||
           seep_fail_memory(&sink->error);
}

static bool on_module(struct seep_sink *sink, const struct seep_module *module)
{
    struct seep_profile *p = profile_of(sink);
    bool ok = true;
    if (!seep_grow(&p->modules, &p->modules_capacity, p->n_modules + 1, sizeof *p->modules))
        return seep_fail_memory(&sink->error);
    struct seep_module *m = &p->modules[p->n_modules++];
    *m = *module;
    m->process = own_process(p, module->process);
    m->path = keep(p, module->path, &ok);
    m->version = keep(p, module->version, &ok);
    m->identity.name = keep(p, module->identity.name, &ok);
    m->identity.pdb.name = keep(p, module->identity.pdb.name, &ok);
    return ok || seep_fail_memory(&sink->error);
}

static bool on_stack(struct seep_sink *sink, struct seep_stack_id parent,
                     const struct seep_frame *frame, struct seep_stack_id *id)
{
    *id = seep_stacks_add(&profile_of(sink)->stacks, parent, frame);
    return id->v != 0 || seep_fail_memory(&sink->error);
}

static bool begin_moment(struct seep_profile *p);

// Sites came, a tick, and now sites again: what was told since the tick is of another moment.
static bool split_moment(struct seep_profile *p)
{
    struct seep_profile_moment *old = &p->moments[p->n_moments - 1];
    size_t first = p->next.first_process, end = p->n_processes;
    old->start_ns = p->next.start_ns;
    old->end_ns = p->next.end_ns;
    if (!begin_moment(p))
        return false;
    struct seep_profile_moment *m = &p->moments[p->n_moments - 1];
    m->start_ns = m->end_ns = p->tick_ns;
    for (size_t i = first; i < end; i++)
        p->processes[i].moment = (uint32_t)(p->n_moments - 1);
    return true;
}

static bool on_site(struct seep_sink *sink, const struct seep_site *site)
{
    struct seep_profile *p = profile_of(sink);
    bool ok = true;
    if (p->next.is && !split_moment(p))
        return false;
    if (p->n_sites >= UINT32_MAX - 1 ||
        !seep_grow(&p->sites, &p->sites_capacity, p->n_sites + 1, sizeof *p->sites))
        return seep_fail_memory(&sink->error);
    struct seep_profile_site *own = &p->sites[p->n_sites++];
    *own = (struct seep_profile_site){ .site = *site, .moment = (uint32_t)(p->n_moments - 1) };
    own->site.process = own_process(p, site->process);
    own->site.name = keep(p, site->name, &ok);
    own->site.tag = keep(p, site->tag, &ok);
    if (!seep_stacks_node(&p->stacks, site->stack))
        own->site.stack.v = 0;
    struct seep_profile_process *process = &p->processes[own->site.process.v - 1];
    process->n_sites++;
    process->n_heap_facts += site->kind == SEEP_SITE_HEAP;
    p->moments[own->moment].n_kinds[site->kind]++;
    return ok || seep_fail_memory(&sink->error);
}

static bool on_site_blocks(struct seep_sink *sink, const struct seep_site_block *blocks, size_t n)
{
    struct seep_profile *p = profile_of(sink);
    if (!p->n_sites)
        return true;
    struct seep_profile_site *own = &p->sites[p->n_sites - 1];
    if (!seep_grow(&p->blocks, &p->blocks_capacity, p->n_blocks + n, sizeof *p->blocks))
        return seep_fail_memory(&sink->error);
    own->lists_blocks = true;
    own->first_block = p->n_blocks;
    own->n_blocks = n;
    if (n)
        memcpy(p->blocks + p->n_blocks, blocks, n * sizeof *blocks);
    p->n_blocks += n;
    return true;
}

static bool on_site_frees(struct seep_sink *sink, const struct seep_site_frees *frees)
{
    struct seep_profile *p = profile_of(sink);
    if (!seep_grow(&p->frees, &p->frees_capacity, p->n_frees + 1, sizeof *p->frees) ||
        !seep_grow(&p->frees_moment, &p->frees_moment_capacity, p->n_frees + 1,
                   sizeof *p->frees_moment))
        return seep_fail_memory(&sink->error);
    struct seep_site_frees *own = &p->frees[p->n_frees];
    *own = *frees;
    own->process = own_process(p, frees->process);
    if (!seep_stacks_node(&p->stacks, frees->stack))
        own->stack.v = 0;
    p->processes[own->process.v - 1].n_heap_facts += frees->kind == SEEP_SITE_HEAP;
    p->frees_moment[p->n_frees++] = (uint32_t)(p->n_moments - 1);
    p->moments[p->n_moments - 1].n_kinds[frees->kind]++;
    return true;
}

static const struct seep_sink_ops ops = {
    .machine = on_machine,
    .process = on_process,
    .process_end = on_process_end,
    .series = on_series,
    .tick = on_tick,
    .sample = on_sample,
    .module = on_module,
    .stack = on_stack,
    .site = on_site,
    .site_blocks = on_site_blocks,
    .site_frees = on_site_frees,
};

void seep_profile_init(struct seep_profile *profile)
{
    *profile = (struct seep_profile){ .sink = { .ops = &ops }, .tick_ns = SEEP_NO_TIME };
}

static bool begin_moment(struct seep_profile *p)
{
    struct seep_process kernel = { .start_ns = SEEP_NO_TIME, .end_ns = SEEP_NO_TIME };
    if (p->n_moments >= UINT32_MAX - 1 ||
        !seep_grow(&p->moments, &p->moments_capacity, p->n_moments + 1, sizeof *p->moments))
        return seep_fail_memory(&p->sink.error);
    struct seep_profile_moment *m = &p->moments[p->n_moments++];
    *m = (struct seep_profile_moment){ .source = p->n_files - 1,
                                       .start_ns = SEEP_NO_TIME,
                                       .end_ns = SEEP_NO_TIME };
    p->next.is = false;
    return add_process(p, &kernel, true, &m->kernel);
}

bool seep_profile_begin(struct seep_profile *p)
{
    p->n_files++;
    p->tick_ns = SEEP_NO_TIME;
    return begin_moment(p);
}

// ---- what is the same in several moments

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static uint64_t hash_lower(const char *text)
{
    char buffer[64];
    size_t n = 0;
    for (; text && text[n] && n < sizeof buffer; n++)
        buffer[n] = lower(text[n]);
    return seep_hash(buffer, n);
}

// The key of a process: its image, and its PID where `pid` says so.
static uint32_t subject_key(struct seep_intern *keys, const struct seep_profile_process *own,
                            bool pid)
{
    struct seep_buf key = { 0 };
    seep_buf_addc(&key, own->kernel ? 'k' : 'p');
    for (const char *c = own->process.image; c && *c; c++)
        seep_buf_addc(&key, lower(*c));
    if (pid && own->process.has_pid) {
        seep_buf_addc(&key, '\0');
        seep_buf_add(&key, &own->process.pid, sizeof own->process.pid);
    }
    uint32_t id = key.failed ? 0 : seep_intern(keys, key.data, key.len);
    seep_buf_clear(&key);
    return id;
}

// Which processes of the moments are one.
static bool find_subjects(struct seep_profile *p)
{
    struct seep_intern images = { 0 }, keys = { 0 };
    struct {
        uint32_t moment, pid;
        bool several, differ, has_sites;
    } *image = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true;
    // Whether every moment has one process of an image at most that has sites.
    for (size_t i = 0; ok && i < p->n_processes; i++) {
        const struct seep_profile_process *own = &p->processes[i];
        uint32_t id = subject_key(&images, own, false);
        ok = id && seep_grow(&image, &capacity, id, sizeof *image);
        if (!ok)
            break;
        for (; n < id; n++)
            memset(&image[n], 0, sizeof *image);
        if (!own->n_sites)
            continue;
        if (image[id - 1].has_sites) {
            image[id - 1].several |= image[id - 1].moment == own->moment;
            image[id - 1].differ |= image[id - 1].pid != own->process.pid;
        }
        image[id - 1].has_sites = true;
        image[id - 1].moment = own->moment;
        image[id - 1].pid = own->process.pid;
    }
    for (size_t i = 0; ok && i < p->n_processes; i++) {
        struct seep_profile_process *own = &p->processes[i];
        uint32_t id = subject_key(&images, own, false);
        bool by_image = own->n_sites && !image[id - 1].several;
        uint32_t subject = subject_key(&keys, own, !by_image);
        ok =
            subject && seep_grow(&p->subjects, &p->subjects_capacity, subject, sizeof *p->subjects);
        if (!ok)
            break;
        own->subject = subject - 1;
        if (subject > p->n_subjects)
            p->subjects[p->n_subjects++] = (struct seep_profile_subject){ .same_life = true };
        p->subjects[subject - 1].newest = (uint32_t)i;
        if (by_image)
            p->subjects[subject - 1].same_life = !image[id - 1].differ;
    }
    seep_intern_clear(&images);
    seep_intern_clear(&keys);
    seep_free(image);
    return ok;
}

static int by_module(const void *left, const void *right)
{
    const struct seep_module *a = left, *b = right;
    if (a->process.v != b->process.v)
        return a->process.v < b->process.v ? -1 : 1;
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    return (a->unloaded > b->unloaded) - (a->unloaded < b->unloaded);
}

static void sort_modules(struct seep_profile *p)
{
    if (p->n_modules)
        qsort(p->modules, p->n_modules, sizeof *p->modules, by_module);
    for (size_t i = 0; i < p->n_modules; i++) {
        struct seep_profile_process *own = &p->processes[p->modules[i].process.v - 1];
        if (own->n_modules++ == 0)
            own->first_module = i;
    }
}

// Whether two modules are one binary as far as names go.
static bool same_binary(const struct seep_module *a, const struct seep_module *b)
{
    const struct seep_image_identity *x = &a->identity, *y = &b->identity;
    return a->size_bytes == b->size_bytes && x->timestamp == y->timestamp &&
           memcmp(x->pdb.guid, y->pdb.guid, sizeof x->pdb.guid) == 0 && x->pdb.age == y->pdb.age &&
           hash_lower(x->name) == hash_lower(y->name);
}

// The module of one process at a base. `*several` where different ones were there.
static const struct seep_module *module_of(const struct seep_profile *p, uint32_t process,
                                           const struct seep_frame *frame, bool *several)
{
    const struct seep_profile_process *own = &p->processes[process - 1];
    const struct seep_module *modules = p->modules + own->first_module, *found = NULL;
    size_t low = 0, high = own->n_modules;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (modules[middle].base < frame->module_base)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < own->n_modules && modules[low].base == frame->module_base; low++) {
        const struct seep_module *m = &modules[low];
        if (frame->address - m->base >= m->size_bytes)
            continue;
        *several = *several || (found && !same_binary(found, m));
        if (!found)
            found = m;
    }
    return found;
}

const struct seep_module *seep_profile_module(const struct seep_profile *p, uint32_t process,
                                              const struct seep_frame *frame)
{
    bool several = false;
    if (!process || process > p->n_processes || !frame->module_base ||
        frame->address < frame->module_base || !p->n_modules)
        return NULL;
    const struct seep_module *m = module_of(p, process, frame, &several);
    if (!m)
        m = module_of(p, p->moments[p->processes[process - 1].moment].kernel, frame, &several);
    return several ? NULL : m;
}

// What stands for a stack in every moment: module and offset of each frame.
static uint64_t fingerprint(const struct seep_profile *p, const struct seep_site *site)
{
    uint64_t mixed[2] = { 0, 0 };
    const struct seep_stack_node *node = seep_stacks_node(&p->stacks, site->stack);
    for (; node; node = seep_stacks_node(&p->stacks, node->parent)) {
        const struct seep_frame *frame = &node->frame;
        const struct seep_module *m = seep_profile_module(p, site->process.v, frame);
        if (frame->text)
            mixed[1] = seep_hash(frame->text, strlen(frame->text));
        else if (m)
            mixed[1] = hash_lower(m->identity.name) + (frame->address - m->base);
        else
            mixed[1] = frame->address;
        mixed[0] = seep_hash(mixed, sizeof mixed);
    }
    return mixed[0];
}

struct row_keys {
    struct seep_intern names, looks; // key -> row + 1
    uint32_t *of_name, *of_look;
    size_t names_capacity, looks_capacity, n_names, n_looks;
    bool *named; // by row: it has a name
    size_t named_capacity;
};

// The place where the row of a key stands, 0 = none yet; NULL when memory is out.
static uint32_t *row_of(struct seep_intern *keys, uint32_t **rows, size_t *n, size_t *capacity,
                        const void *key, size_t len)
{
    uint32_t id = seep_intern(keys, key, len);
    if (!id || !seep_grow(rows, capacity, id, sizeof **rows))
        return NULL;
    for (; *n < id; (*n)++)
        (*rows)[*n] = 0;
    return &(*rows)[id - 1];
}

static bool put_into_row(struct seep_profile *p, struct row_keys *keys,
                         struct seep_profile_site *own)
{
    const struct seep_site *s = &own->site;
    uint32_t subject = p->processes[s->process.v - 1].subject;
    bool life = p->subjects[subject].same_life;
    struct {
        uint64_t look, heap, tag;
        uint32_t subject, kind;
    } look = { .look = fingerprint(p, s),
               .heap = life ? s->heap : 0,
               // The tag of a heap's site is a number that another life gives to another stack.
               .tag = s->tag && (life || s->kind != SEEP_SITE_HEAP)
                          ? seep_hash(s->tag, strlen(s->tag))
                          : 0,
               .subject = subject,
               .kind = (uint32_t)s->kind << 1 | (uint32_t)s->paged };
    struct {
        uint64_t name;
        uint32_t subject, kind;
    } name = { .subject = subject, .kind = (uint32_t)s->kind };
    uint32_t *by_name = NULL, *by_look = row_of(&keys->looks, &keys->of_look, &keys->n_looks,
                                                &keys->looks_capacity, &look, sizeof look);
    if (!by_look)
        return false;
    if (s->name && life) {
        // Interned, so the address is the name.
        name.name = (uint64_t)(uintptr_t)s->name;
        by_name = row_of(&keys->names, &keys->of_name, &keys->n_names, &keys->names_capacity, &name,
                         sizeof name);
        if (!by_name)
            return false;
    }
    uint32_t row = by_name ? *by_name : *by_look;
    if (!row && by_name && *by_look && !keys->named[*by_look - 1])
        row = *by_look;
    if (!row) {
        if (!seep_grow(&p->rows, &p->rows_capacity, p->n_rows + 1, sizeof *p->rows) ||
            !seep_grow(&keys->named, &keys->named_capacity, p->n_rows + 1, sizeof *keys->named))
            return false;
        keys->named[p->n_rows] = false;
        p->rows[p->n_rows++] = (struct seep_profile_row){ .subject = subject };
        row = (uint32_t)p->n_rows;
    }
    if (by_name) {
        *by_name = row;
        keys->named[row - 1] = true;
    }
    if (!*by_look)
        *by_look = row;
    own->row = row - 1;
    p->rows[row - 1].n++;
    return true;
}

static bool find_rows(struct seep_profile *p)
{
    struct row_keys keys = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < p->n_sites; i++)
        ok = put_into_row(p, &keys, &p->sites[i]);
    p->order = ok ? seep_alloc(p->n_sites + 1, sizeof *p->order) : NULL;
    ok = p->order != NULL;
    size_t at = 0;
    for (size_t i = 0; ok && i < p->n_rows; i++) {
        p->rows[i].first = at;
        at += p->rows[i].n;
        p->rows[i].n = 0;
    }
    // Sites came moment by moment, and stay so in each row.
    for (size_t i = 0; ok && i < p->n_sites; i++) {
        struct seep_profile_row *row = &p->rows[p->sites[i].row];
        p->order[row->first + row->n++] = i;
    }
    seep_intern_clear(&keys.names);
    seep_intern_clear(&keys.looks);
    seep_free(keys.of_name);
    seep_free(keys.of_look);
    seep_free(keys.named);
    return ok;
}

static bool counted(enum seep_site_kind kind)
{
    return kind == SEEP_SITE_HANDLE || kind == SEEP_SITE_REFERENCE;
}

enum seep_metric seep_profile_metric(enum seep_site_kind kind)
{
    return counted(kind) ? SEEP_METRIC_OUTSTANDING_COUNT : SEEP_METRIC_OUTSTANDING_BYTES;
}

// Which series is whose.
static bool link_growth(struct seep_profile *p)
{
    struct seep_intern keys = { 0 };
    uint32_t *of = seep_alloc(p->n_growth + 1, sizeof *of);
    bool ok = of != NULL;
    for (size_t i = 0; ok && i < p->n_growth; i++) {
        const struct seep_profile_growth *g = &p->growth[i];
        uint32_t key[3] = { g->process, g->name, (uint32_t)g->metric };
        uint32_t id = g->name ? seep_intern(&keys, key, sizeof key) : 1;
        ok = id != 0;
        if (ok && g->name)
            of[id - 1] = (uint32_t)(i + 1);
    }
    for (size_t i = 0; ok && i < p->n_sites; i++) {
        struct seep_profile_site *own = &p->sites[i];
        const char *name = own->site.name;
        if (!name)
            continue;
        uint32_t key[3] = { own->site.process.v, seep_intern_find(&p->strings, name, strlen(name)),
                            (uint32_t)seep_profile_metric(own->site.kind) };
        uint32_t id = seep_intern_find(&keys, key, sizeof key);
        own->growth = id ? of[id - 1] : 0;
    }
    seep_intern_clear(&keys);
    seep_free(of);
    return ok;
}

bool seep_profile_finish(struct seep_profile *profile)
{
    sort_modules(profile);
    return (find_subjects(profile) && find_rows(profile) && link_growth(profile)) ||
           seep_fail_memory(&profile->sink.error);
}

void seep_profile_clear(struct seep_profile *p)
{
    for (size_t i = 0; i < p->n_growth; i++)
        seep_points_clear(&p->growth[i].points);
    seep_free(p->growth);
    seep_free(p->machines);
    seep_free(p->moments);
    seep_free(p->processes);
    seep_free(p->modules);
    seep_free(p->sites);
    seep_free(p->frees);
    seep_free(p->blocks);
    seep_free(p->frees_moment);
    seep_free(p->subjects);
    seep_free(p->rows);
    seep_free(p->order);
    seep_stacks_clear(&p->stacks);
    seep_intern_clear(&p->strings);
    *p = (struct seep_profile){ .n_moments = 0 };
}

// ---- asking

static uint64_t sum_known(uint64_t sum, uint64_t more)
{
    return sum == UINT64_MAX || more == UINT64_MAX ? UINT64_MAX : sum + more;
}

const struct seep_profile_site *seep_profile_sum(const struct seep_profile *p, size_t row,
                                                 uint32_t moment, struct seep_profile_sums *sums)
{
    const struct seep_profile_row *r = &p->rows[row];
    const struct seep_profile_site *found = NULL;
    *sums = (struct seep_profile_sums){ .oldest_ns = SEEP_NO_TIME };
    for (size_t i = r->first; i < r->first + r->n; i++) {
        const struct seep_profile_site *own = &p->sites[p->order[i]];
        const struct seep_site *s = &own->site;
        if (own->moment != moment)
            continue;
        found = own;
        sums->outstanding_count += s->outstanding_count;
        sums->outstanding_bytes += s->outstanding_bytes;
        sums->allocs += s->allocs;
        sums->frees += s->frees;
        sums->alloc_bytes += s->alloc_bytes;
        sums->dead_count += s->dead_count;
        sums->overhead_bytes += s->overhead_bytes;
        sums->survivor_count = sum_known(sums->survivor_count, s->survivor_count);
        sums->survivor_bytes = sum_known(sums->survivor_bytes, s->survivor_bytes);
        if (s->oldest_ns != SEEP_NO_TIME &&
            (sums->oldest_ns == SEEP_NO_TIME || s->oldest_ns < sums->oldest_ns))
            sums->oldest_ns = s->oldest_ns;
    }
    return found;
}

static int by_address(const void *left, const void *right)
{
    const struct seep_site_block *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->size_bytes > b->size_bytes) - (a->size_bytes < b->size_bytes);
}

// The blocks of a row in one moment, by address; the caller frees them. NULL where a site lists
// none, or memory is out.
static struct seep_site_block *blocks_of(const struct seep_profile *p, size_t row, uint32_t moment,
                                         size_t *n)
{
    const struct seep_profile_row *r = &p->rows[row];
    size_t total = 0;
    for (size_t i = r->first; i < r->first + r->n; i++) {
        const struct seep_profile_site *own = &p->sites[p->order[i]];
        if (own->moment != moment)
            continue;
        if (!own->lists_blocks)
            return NULL;
        total += own->n_blocks;
    }
    struct seep_site_block *blocks = seep_alloc(total + 1, sizeof *blocks);
    *n = 0;
    for (size_t i = r->first; blocks && i < r->first + r->n; i++) {
        const struct seep_profile_site *own = &p->sites[p->order[i]];
        if (own->moment != moment || !own->n_blocks)
            continue;
        memcpy(blocks + *n, p->blocks + own->first_block, own->n_blocks * sizeof *blocks);
        *n += own->n_blocks;
    }
    if (blocks && *n)
        qsort(blocks, *n, sizeof *blocks, by_address);
    return blocks;
}

// Keeps of `kept` what `others` has, too; both are by address.
static size_t keep_common(struct seep_site_block *kept, size_t n,
                          const struct seep_site_block *others, size_t n_others)
{
    size_t common = 0, k = 0;
    for (size_t i = 0; i < n; i++) {
        while (k < n_others && by_address(&others[k], &kept[i]) < 0)
            k++;
        if (k < n_others && by_address(&others[k], &kept[i]) == 0)
            kept[common++] = others[k++];
    }
    return common;
}

bool seep_profile_survivors(const struct seep_profile *p, size_t row, uint64_t *count,
                            uint64_t *bytes)
{
    size_t n = 0, n_others;
    if (!p->n_blocks || !p->subjects[p->rows[row].subject].same_life)
        return false;
    struct seep_site_block *kept = blocks_of(p, row, 0, &n);
    for (uint32_t m = 1; kept && m < p->n_moments; m++) {
        struct seep_site_block *others = blocks_of(p, row, m, &n_others);
        if (!others) {
            seep_free(kept);
            return false;
        }
        n = keep_common(kept, n, others, n_others);
        seep_free(others);
    }
    if (!kept)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += kept[i].size_bytes;
    *count = n;
    *bytes = sum;
    seep_free(kept);
    return true;
}

struct dated {
    struct seep_point point;
    uint32_t moment;
};

static int by_time(const void *left, const void *right)
{
    const struct dated *a = left, *b = right;
    if (a->point.t_ns != b->point.t_ns)
        return a->point.t_ns < b->point.t_ns ? -1 : 1;
    return (a->moment > b->moment) - (a->moment < b->moment);
}

static bool add_dated(struct dated **all, size_t *n, size_t *capacity, struct dated one)
{
    if (one.point.t_ns == SEEP_NO_TIME)
        return true;
    if (!seep_grow(all, capacity, *n + 1, sizeof one))
        return false;
    (*all)[(*n)++] = one;
    return true;
}

bool seep_profile_points(const struct seep_profile *p, size_t row, struct seep_points *points)
{
    const struct seep_profile_row *r = &p->rows[row];
    struct dated *all = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true;
    for (size_t i = r->first; ok && i < r->first + r->n; i++) {
        const struct seep_profile_site *own = &p->sites[p->order[i]];
        const struct seep_points *series = own->growth ? &p->growth[own->growth - 1].points : NULL;
        const struct seep_site *s = &own->site;
        for (size_t k = 0; ok && series && k < series->count; k++)
            ok = add_dated(&all, &n, &capacity, (struct dated){ series->at[k], own->moment });
        uint64_t end = counted(s->kind) ? s->outstanding_count : s->outstanding_bytes;
        if (ok && (!series || !series->count))
            ok = add_dated(
                &all, &n, &capacity,
                (struct dated){ { p->moments[own->moment].end_ns, (double)end }, own->moment });
    }
    if (ok && n)
        qsort(all, n, sizeof *all, by_time);
    points->count = 0;
    for (size_t i = 0; ok && i < n; i++) {
        struct seep_point *last = points->count ? &points->at[points->count - 1] : NULL;
        if (!last || last->t_ns != all[i].point.t_ns)
            ok = seep_points_add(points, all[i].point.t_ns, all[i].point.value);
        else if (all[i].moment == all[i - 1].moment)
            last->value += all[i].point.value; // two sites of one row
        else
            last->value = all[i].point.value; // what was read last of that time
    }
    seep_free(all);
    return ok;
}
