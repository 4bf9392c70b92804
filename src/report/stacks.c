// SPDX-License-Identifier: MIT
// The document of `seep stacks`: rows with their numbers, and frames with their names.
#include "report/stacks.h"

#include "base/alloc.h"
#include "base/time.h"
#include "model/blame.h"
#include "report/pool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Names inlined into one address: more than that tell a reader nothing.
enum { MAX_INLINED = 17, MAX_MESSAGES = 8 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_names(const char *a, const char *b)
{
    for (; *a && lower(*a) == lower(*b); a++)
        b++;
    return !*a && !*b;
}

// Whether a process is the one asked for: by PID, or by its image with or without ".exe".
static bool is_wanted(const struct seep_stacks_doc *doc, const struct seep_profile_process *own)
{
    const char *asked = doc->options.process, *image = own->process.image;
    char *end;
    if (!asked)
        return true;
    unsigned long long pid = strtoull(asked, &end, 10);
    if (end != asked && !*end)
        return own->process.has_pid && own->process.pid == pid;
    if (!image)
        return false;
    if (equal_names(asked, image))
        return true;
    size_t len = strlen(asked), all = strlen(image);
    bool same = all == len + 4 && equal_names(image + len, ".exe");
    for (size_t i = 0; same && i < len; i++)
        same = lower(asked[i]) == lower(image[i]);
    return same;
}

static const char *keep(struct seep_stacks_doc *doc, const char *text, size_t len)
{
    uint32_t id = seep_intern(&doc->strings, text, len);
    return id ? seep_intern_text(&doc->strings, id) : NULL;
}

// ---- rows

int64_t seep_stacks_bytes(const struct seep_stacks_doc *doc, const struct seep_stacks_row *row)
{
    if (doc->mode == SEEP_STACKS_DIFF)
        return (int64_t)(row->now.outstanding_bytes - row->old.outstanding_bytes);
    return (int64_t)(doc->mode == SEEP_STACKS_SURVIVORS ? row->survivor_bytes
                                                        : row->now.outstanding_bytes);
}

int64_t seep_stacks_count(const struct seep_stacks_doc *doc, const struct seep_stacks_row *row)
{
    if (doc->mode == SEEP_STACKS_DIFF)
        return (int64_t)(row->now.outstanding_count - row->old.outstanding_count);
    return (int64_t)(doc->mode == SEEP_STACKS_SURVIVORS ? row->survivor_count
                                                        : row->now.outstanding_count);
}

static void add_sums(struct seep_profile_sums *total, const struct seep_profile_sums *more)
{
    total->outstanding_bytes += more->outstanding_bytes;
    total->outstanding_count += more->outstanding_count;
    total->allocs += more->allocs;
    total->frees += more->frees;
    total->alloc_bytes += more->alloc_bytes;
    total->dead_count += more->dead_count;
    total->overhead_bytes += more->overhead_bytes;
}

// What is there in every moment is at most the least that any of them has.
static void survive(struct seep_stacks_row *row, const struct seep_profile_sums *sums)
{
    if (sums->outstanding_bytes < row->survivor_bytes)
        row->survivor_bytes = sums->outstanding_bytes;
    if (sums->outstanding_count < row->survivor_count)
        row->survivor_count = sums->outstanding_count;
}

static bool take_row(struct seep_stacks_doc *doc, size_t index)
{
    const struct seep_profile *p = doc->profile;
    const struct seep_profile_site *newest = NULL;
    struct seep_stacks_row row = { .row = index,
                                   .survivor_bytes = UINT64_MAX,
                                   .survivor_count = UINT64_MAX };
    for (uint32_t m = 0; m < p->n_moments; m++) {
        struct seep_profile_sums sums;
        const struct seep_profile_site *site = seep_profile_sum(p, index, m, &sums);
        if (site)
            newest = site;
        if (m == 0)
            row.old = sums;
        row.now = sums;
        if (doc->mode == SEEP_STACKS_SURVIVORS)
            survive(&row, &sums);
    }
    if (!newest || !is_wanted(doc, &p->processes[newest->site.process.v - 1]) ||
        (doc->options.kind >= 0 && (int)newest->site.kind != doc->options.kind) ||
        (doc->options.tag &&
         (!newest->site.tag || !seep_pool_tag_fits(doc->options.tag, newest->site.tag))))
        return true;
    // Logs that list their blocks tell exactly.
    if (doc->mode == SEEP_STACKS_SURVIVORS)
        (void)seep_profile_survivors(p, index, &row.survivor_count, &row.survivor_bytes);
    // In one trace the source itself says what stayed.
    if (doc->mode == SEEP_STACKS_OUTSTANDING) {
        row.survivor_bytes = row.now.survivor_bytes;
        row.survivor_count = row.now.survivor_count;
    }
    row.process = newest->site.process.v;
    row.site = newest->site;
    row.weight =
        doc->options.by_count || seep_profile_metric(row.site.kind) == SEEP_METRIC_OUTSTANDING_COUNT
            ? seep_stacks_count(doc, &row)
            : seep_stacks_bytes(doc, &row);
    add_sums(&doc->total, &row.now);
    add_sums(&doc->old_total, &row.old);
    if (doc->mode == SEEP_STACKS_SURVIVORS) {
        doc->survivor_bytes += row.survivor_bytes;
        doc->survivor_count += row.survivor_count;
    }
    // What did not change is not part of a difference.
    if (doc->mode == SEEP_STACKS_DIFF && !seep_stacks_bytes(doc, &row) &&
        !seep_stacks_count(doc, &row))
        return true;
    if (!seep_grow(&doc->rows, &doc->rows_capacity, doc->n_rows + 1, sizeof row))
        return false;
    doc->rows[doc->n_rows++] = row;
    return true;
}

static int heavier(const void *left, const void *right)
{
    const struct seep_stacks_row *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    if (a->now.outstanding_bytes != b->now.outstanding_bytes)
        return a->now.outstanding_bytes > b->now.outstanding_bytes ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static const char *say(struct seep_stacks_doc *doc, const char *before, const char *what,
                       const char *behind)
{
    struct seep_buf text = { 0 };
    seep_buf_addf(&text, "%s%s%s", before, what, behind);
    const char *kept = seep_arena_strndup(&doc->arena, seep_buf_text(&text), text.len);
    seep_buf_clear(&text);
    return kept ? kept : "";
}

// What a missing process, or missing heap events, most likely means (formats of traces: a heap
// trace has only the processes that were started after their registry value was set).
static bool find_messages(struct seep_stacks_doc *doc)
{
    const struct seep_profile *p = doc->profile;
    const char **messages = seep_arena_alloc(&doc->arena, MAX_MESSAGES, sizeof *messages);
    const char *asked = doc->options.process;
    bool there = false, heap_facts = false, any = false, wants_heap, is_trace = true;
    if (!messages)
        return false;
    for (size_t i = 0; i < doc->n_sources; i++)
        is_trace = is_trace && doc->sources[i].format && strcmp(doc->sources[i].format, "etl") == 0;
    const char *image = asked;
    for (size_t i = 0; asked && i < p->n_processes; i++) {
        const struct seep_profile_process *own = &p->processes[i];
        if (own->kernel || !is_wanted(doc, own))
            continue;
        there = true;
        heap_facts = heap_facts || own->n_heap_facts;
        if (own->process.image)
            image = own->process.image;
    }
    for (size_t i = 0; i < p->n_moments; i++) {
        for (int k = 0; k < SEEP_N_SITE_KINDS; k++)
            any = any || p->moments[i].n_kinds[k];
    }
    wants_heap = doc->options.kind < 0 || doc->options.kind == SEEP_SITE_HEAP;
    doc->messages = messages;
    doc->missing = asked && !there;
    if (asked && !there)
        messages[doc->n_messages++] = say(doc, "no process '", asked, "' is in the file");
    if (asked && is_trace && wants_heap && !heap_facts && (!doc->n_rows || !there)) {
        messages[doc->n_messages++] =
            say(doc, "no heap events for this process (", image,
                "): was the registry value set and the process restarted?");
        messages[doc->n_messages++] =
            say(doc, "record it so: wpr -heaptracingconfig ", image,
                " enable; restart it; wpr -start Heap; wpr -stop heap.etl");
    }
    if (!any)
        messages[doc->n_messages++] =
            is_trace ? "the trace has no events about allocations: record it with `wpr -start "
                       "VirtualAllocation`, or with `wpr -start Heap` after `wpr "
                       "-heaptracingconfig app.exe enable`"
                     : "the file says nothing about allocations";
    return true;
}

bool seep_stacks_wants_frees(const struct seep_stacks_doc *doc, const struct seep_site_frees *frees)
{
    // Which tag a free was of is known with its allocation only.
    return !doc->options.tag && is_wanted(doc, &doc->profile->processes[frees->process.v - 1]) &&
           (doc->options.kind < 0 || (int)frees->kind == doc->options.kind);
}

bool seep_stacks_make(const struct seep_profile *profile, const struct seep_dataset_source *sources,
                      size_t n_sources, const struct seep_stacks_options *options,
                      const struct seep_stacks_namer *namer, struct seep_stacks_doc *doc)
{
    size_t n = profile->n_moments, nodes = profile->stacks.count;
    *doc = (struct seep_stacks_doc){ .profile = profile,
                                     .sources = sources,
                                     .n_sources = n_sources,
                                     .options = *options,
                                     .namer = *namer };
    doc->mode =
        n > 2 ? SEEP_STACKS_SURVIVORS : (n == 2 ? SEEP_STACKS_DIFF : SEEP_STACKS_OUTSTANDING);
    doc->group_of = seep_alloc(nodes + 1, sizeof *doc->group_of);
    doc->group_process = seep_alloc(nodes + 1, sizeof *doc->group_process);
    bool ok = doc->group_of && doc->group_process;
    for (size_t i = 0; ok && i < profile->n_rows; i++)
        ok = take_row(doc, i);
    for (size_t i = 0; ok && i < profile->n_frees; i++) {
        const struct seep_site_frees *f = &profile->frees[i];
        if (f->unmatched && profile->frees_moment[i] + 1 == n && seep_stacks_wants_frees(doc, f))
            doc->unmatched_frees += f->frees;
    }
    if (ok && doc->n_rows)
        qsort(doc->rows, doc->n_rows, sizeof *doc->rows, heavier);
    ok = ok && find_messages(doc);
    if (!ok)
        seep_stacks_doc_clear(doc);
    return ok;
}

void seep_stacks_doc_clear(struct seep_stacks_doc *doc)
{
    seep_arena_clear(&doc->arena);
    seep_intern_clear(&doc->keys);
    seep_intern_clear(&doc->strings);
    seep_free(doc->rows);
    seep_free(doc->groups);
    seep_free(doc->frames);
    seep_free(doc->group_of);
    seep_free(doc->group_process);
    *doc = (struct seep_stacks_doc){ .n_rows = 0 };
}

// ---- frames

static const char *module_name(const struct seep_module *m)
{
    const char *path = m->identity.name ? m->identity.name : m->path, *name = path;
    for (const char *c = path; c && *c; c++) {
        if (*c == '\\' || *c == '/')
            name = c + 1;
    }
    return name;
}

// The frame of a log that was symbolized by its writer.
static bool name_by_text(struct seep_stacks_doc *doc, const char *text, struct seep_stacks_frame *f)
{
    struct seep_frame_text parts;
    bool ok = true;
    seep_frame_text_parse(text, &parts);
    if (parts.module_len)
        ok = (f->module = keep(doc, parts.module, parts.module_len)) != NULL;
    if (ok && parts.function_len)
        ok = (f->function = keep(doc, parts.function, parts.function_len)) != NULL;
    if (ok && parts.file_len)
        ok = (f->file = keep(doc, parts.file, parts.file_len)) != NULL;
    f->line = parts.line;
    f->offset = parts.offset;
    f->has_offset = parts.has_offset;
    return ok;
}

static bool add_group(struct seep_stacks_doc *doc, uint32_t process, const struct seep_frame *frame)
{
    struct seep_stacks_frame named[MAX_INLINED] = { { 0 } };
    const struct seep_module *module = seep_profile_module(doc->profile, process, frame);
    size_t n = 0;
    if (frame->text) {
        if (!name_by_text(doc, frame->text, &named[0]))
            return false;
        n = 1;
    } else if (module && doc->namer.name) {
        n = doc->namer.name(doc->namer.ctx, module, frame->address, named, MAX_INLINED);
    }
    if (n == 0) {
        n = 1;
        if (module)
            named[0] = (struct seep_stacks_frame){ .offset = frame->address - module->base,
                                                   .has_offset = true };
    }
    if (!seep_grow(&doc->frames, &doc->frames_capacity, doc->n_frames + n, sizeof *doc->frames) ||
        !seep_grow(&doc->groups, &doc->groups_capacity, doc->n_groups + 1, sizeof *doc->groups))
        return false;
    doc->groups[doc->n_groups++] = (struct seep_stacks_group){
        .first = doc->n_frames, .n = n, .address = frame->address, .module = module
    };
    for (size_t i = 0; i < n; i++) {
        struct seep_stacks_frame *f = &doc->frames[doc->n_frames++];
        *f = named[i];
        f->address = frame->address;
        if (!f->module && module)
            f->module = module_name(module);
        f->passes_on = seep_blame_passes_on(f->module, f->function);
    }
    return true;
}

// The group of a node in a process, by number + 1; 0 when memory is out.
static uint32_t group_of(struct seep_stacks_doc *doc, uint32_t process, struct seep_stack_id node)
{
    if (doc->group_of[node.v] && doc->group_process[node.v] == process)
        return doc->group_of[node.v];
    const struct seep_frame *frame = &seep_stacks_node(&doc->profile->stacks, node)->frame;
    const struct seep_module *module = seep_profile_module(doc->profile, process, frame);
    // Equal addresses of one module have equal names; without a module they are only addresses.
    struct {
        uint64_t address, module, text;
    } key = { frame->address, (uint64_t)(uintptr_t)module, (uint64_t)(uintptr_t)frame->text };
    uint32_t id = 0;
    if (frame->text) {
        key.text = seep_intern(&doc->strings, frame->text, strlen(frame->text));
        if (!key.text)
            return 0;
    }
    id = seep_intern(&doc->keys, &key, sizeof key);
    if (!id || (id > doc->n_groups && !add_group(doc, process, frame)))
        return 0;
    doc->group_of[node.v] = id;
    doc->group_process[node.v] = process;
    return id;
}

bool seep_stacks_path_of(struct seep_stacks_doc *doc, uint32_t process, struct seep_stack_id stack,
                         bool blame, struct seep_stacks_path *path)
{
    const struct seep_stacks_doc *own = doc;
    path->n = 0;
    const struct seep_stack_node *node;
    for (; (node = seep_stacks_node(&own->profile->stacks, stack)); stack = node->parent) {
        uint32_t id = group_of(doc, process, stack);
        if (!id)
            return false;
        const struct seep_stacks_group *group = &doc->groups[id - 1];
        if (!seep_grow(&path->at, &path->capacity, path->n + group->n, sizeof *path->at) ||
            !seep_grow(&path->groups, &path->groups_capacity, path->n + group->n,
                       sizeof *path->groups))
            return false;
        for (size_t i = 0; i < group->n; i++) {
            path->groups[path->n] = id - 1;
            path->at[path->n++] = (uint32_t)(group->first + i);
        }
    }
    size_t first = blame ? seep_stacks_blamed(doc, path) : 0;
    // Where nothing is the application's own, the whole stack is all that can be shown.
    if (first && first < path->n) {
        path->n -= first;
        memmove(path->at, path->at + first, path->n * sizeof *path->at);
        memmove(path->groups, path->groups + first, path->n * sizeof *path->groups);
    }
    return true;
}

bool seep_stacks_path(struct seep_stacks_doc *doc, const struct seep_stacks_row *row,
                      struct seep_stacks_path *path)
{
    return seep_stacks_path_of(doc, row->process, row->site.stack, doc->options.blame, path);
}

void seep_stacks_path_clear(struct seep_stacks_path *path)
{
    seep_free(path->at);
    seep_free(path->groups);
    *path = (struct seep_stacks_path){ .n = 0 };
}

size_t seep_stacks_blamed(const struct seep_stacks_doc *doc, const struct seep_stacks_path *path)
{
    for (size_t i = 0; i < path->n; i++) {
        const struct seep_stacks_frame *f = &doc->frames[path->at[i]];
        if (!f->passes_on && (f->module || f->function))
            return i;
    }
    return path->n;
}

void seep_stacks_name(const struct seep_stacks_frame *frame, struct seep_buf *out)
{
    if (frame->function)
        seep_buf_adds(out, frame->function);
    else if (frame->module && frame->has_offset)
        seep_buf_addf(out, "%s+0x%" PRIx64, frame->module, frame->offset);
    else if (frame->module)
        seep_buf_adds(out, frame->module);
    else
        seep_buf_addf(out, "0x%" PRIx64, frame->address);
}

void seep_stacks_full_name(const struct seep_stacks_frame *frame, struct seep_buf *out)
{
    if (frame->function && frame->module)
        seep_buf_addf(out, "%s!", frame->module);
    seep_stacks_name(frame, out);
}

void seep_stacks_process_name(const struct seep_stacks_doc *doc, uint32_t process,
                              struct seep_buf *out)
{
    const struct seep_profile_process *own = &doc->profile->processes[process - 1];
    if (own->kernel) {
        seep_buf_adds(out, "kernel");
        return;
    }
    seep_buf_adds(out, own->process.image && *own->process.image ? own->process.image : "process");
    if (own->process.has_pid)
        seep_buf_addf(out, " (%" PRIu32 ")", own->process.pid);
}

bool seep_stacks_write(struct seep_stacks_doc *doc, const char *format, FILE *out)
{
    static const struct {
        const char *name;
        bool (*write)(struct seep_stacks_doc *doc, FILE *out);
    } writers[] = {
        { "text", seep_stacks_text },
        { "json", seep_stacks_json },
        { "folded", seep_stacks_folded },
        { "pprof", seep_stacks_pprof },
        { "speedscope", seep_stacks_speedscope },
    };
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        if (strcmp(format, writers[i].name) == 0)
            return writers[i].write(doc, out);
    }
    return false;
}
