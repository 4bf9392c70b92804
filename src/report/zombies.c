// SPDX-License-Identifier: MIT
// Exited processes that are still referenced: by whom, what they were, what they cost.
#include "report/zombies.h"

#include "base/alloc.h"
#include "base/time.h"
#include "detect/ledger.h"

#include <stdlib.h>
#include <string.h>

// A zombie of the moment that is shown, with its holder (0: none).
struct held {
    uint32_t holder, zombie; // ids of processes
    uint64_t n_handles;
};

struct work {
    struct seep_zombies *doc;
    struct held *at; // by holder
    size_t n;
    bool *shown; // by process id: it is one of the zombies
    bool *found; // by process id: a handle explains it
    const char **names;
    uint32_t *pids;
};

static const struct seep_process *process_of(const struct seep_dataset *data,
                                             struct seep_process_id id)
{
    return id.v && id.v <= data->n_processes ? &data->processes[id.v - 1] : NULL;
}

static uint32_t machine_of(const struct seep_dataset *data, struct seep_process_id id)
{
    const struct seep_process *p = process_of(data, id);
    return p && p->machine.v <= data->n_machines ? p->machine.v : 0;
}

// The machine with most zombies; without any, the one whose number of them was counted.
static bool choose_machine(struct seep_zombies *doc)
{
    const struct seep_dataset *data = doc->data;
    uint64_t *counts = seep_alloc(data->n_machines + 1, sizeof *counts);
    if (!counts)
        return false;
    for (size_t i = 0; i < data->n_zombies; i++)
        counts[machine_of(data, data->zombies[i].zombie.process)]++;
    for (size_t i = 0; !data->n_zombies && i < data->n_series; i++) {
        const struct seep_dataset_series *s = &data->series[i];
        uint32_t id = s->series.subject.machine.v;
        if (s->series.metric == SEEP_METRIC_ZOMBIES && id <= data->n_machines)
            counts[id]++;
    }
    doc->machine = seep_look_machine(counts, data->n_machines, &doc->n_other_machines);
    doc->known = counts[doc->machine.v] > 0;
    seep_free(counts);
    return true;
}

// Whether a zombie is one of the moment that is shown: the newest.
static bool is_shown(const struct seep_zombies *doc, const struct seep_dataset_zombie *z,
                     struct seep_source_id source)
{
    return machine_of(doc->data, z->zombie.process) == doc->machine.v &&
           z->taken_ns == doc->taken_ns && z->source.v == source.v;
}

static struct seep_source_id choose_moment(struct seep_zombies *doc)
{
    const struct seep_dataset *data = doc->data;
    struct seep_source_id source = { 0 };
    for (size_t i = 0; i < data->n_zombies; i++) {
        const struct seep_dataset_zombie *z = &data->zombies[i];
        if (machine_of(data, z->zombie.process) != doc->machine.v)
            continue;
        if (!source.v || z->taken_ns > doc->taken_ns ||
            (z->taken_ns == doc->taken_ns && z->source.v > source.v)) {
            doc->taken_ns = z->taken_ns;
            source = z->source;
        }
    }
    return source;
}

static int by_holder(const void *left, const void *right)
{
    const struct held *a = left, *b = right;
    if (a->holder != b->holder)
        return a->holder < b->holder ? -1 : 1;
    return (a->zombie > b->zombie) - (a->zombie < b->zombie);
}

// The zombies of the moment, and who holds each.
static bool collect(struct work *w)
{
    struct seep_zombies *doc = w->doc;
    const struct seep_dataset *data = doc->data;
    struct seep_source_id source = choose_moment(doc);
    bool counted = true, tables = false;
    uint64_t commit = 0;
    for (size_t i = 0; i < data->n_zombies; i++) {
        const struct seep_zombie *z = &data->zombies[i].zombie;
        if (!is_shown(doc, &data->zombies[i], source) || w->shown[z->process.v])
            continue;
        w->shown[z->process.v] = true;
        doc->n++;
        counted = counted && z->commit_bytes != SEEP_UNKNOWN_COUNT &&
                  z->commit_bytes < SEEP_UNKNOWN_COUNT - commit;
        commit += counted ? z->commit_bytes : 0;
        tables = tables || z->n_found != SEEP_UNKNOWN_COUNT;
    }
    // What is charged to a process is the least part of what keeping it costs.
    doc->charged_bytes = counted && doc->n ? commit : SEEP_UNKNOWN_COUNT;
    doc->commit_bytes = doc->n * SEEP_ZOMBIE_COMMIT_BYTES;
    if (counted && commit > doc->commit_bytes)
        doc->commit_bytes = commit;
    for (size_t i = 0; i < data->n_holds; i++) {
        const struct seep_dataset_hold *h = &data->holds[i];
        if (h->source.v != source.v || h->zombie.v > data->n_processes || !w->shown[h->zombie.v] ||
            !process_of(data, h->holder))
            continue;
        tables = true;
        w->found[h->zombie.v] = true;
        w->at[w->n++] = (struct held){ h->holder.v, h->zombie.v, h->n_handles };
    }
    doc->n_unheld = tables || !doc->n ? 0 : SEEP_UNKNOWN_COUNT;
    for (size_t i = 0; tables && i < data->n_zombies; i++) {
        const struct seep_zombie *z = &data->zombies[i].zombie;
        if (!is_shown(doc, &data->zombies[i], source) || w->found[z->process.v] ||
            z->n_found == SEEP_UNKNOWN_COUNT || z->n_found > 0)
            continue;
        w->found[z->process.v] = true;
        if (z->n_handles != SEEP_UNKNOWN_COUNT && z->n_handles > 0) {
            doc->n_elsewhere++;
            continue;
        }
        doc->n_unheld++;
        w->at[w->n++] = (struct held){ 0, z->process.v, 0 };
    }
    if (w->n)
        qsort(w->at, w->n, sizeof *w->at, by_holder);
    return true;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int by_pid(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static int by_most(const void *left, const void *right)
{
    const struct seep_zombies_image *a = left, *b = right;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return strcmp(a->image, b->image);
}

// What `n` zombies were: their images, counted, and their PIDs.
static bool describe(struct work *w, const struct held *at, size_t n,
                     struct seep_zombies_group *group)
{
    const struct seep_dataset *data = w->doc->data;
    size_t n_images = 0, n_pids = 0;
    for (size_t i = 0; i < n; i++) {
        const struct seep_process *p = &data->processes[at[i].zombie - 1];
        w->names[i] = p->image ? p->image : "";
        if (p->has_pid)
            w->pids[n_pids++] = p->pid;
        group->n_handles += at[i].n_handles;
    }
    qsort(w->names, n, sizeof *w->names, by_name);
    if (n_pids)
        qsort(w->pids, n_pids, sizeof *w->pids, by_pid);
    for (size_t i = 0; i < n; i++)
        n_images += i == 0 || strcmp(w->names[i], w->names[i - 1]) != 0;
    struct seep_zombies_image *images =
        seep_arena_alloc(&w->doc->arena, n_images + 1, sizeof *images);
    uint32_t *pids = seep_arena_alloc(&w->doc->arena, n_pids + 1, sizeof *pids);
    if (!images || !pids)
        return false;
    size_t at_image = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(w->names[i], w->names[i - 1]) != 0)
            images[at_image++] = (struct seep_zombies_image){ w->names[i], 0 };
        images[at_image - 1].n++;
    }
    qsort(images, n_images, sizeof *images, by_most);
    memcpy(pids, w->pids, n_pids * sizeof *pids);
    group->n = n;
    group->images = images;
    group->n_images = n_images;
    group->pids = pids;
    group->n_pids = n_pids;
    return true;
}

static int by_zombies(const void *left, const void *right)
{
    const struct seep_zombies_group *a = left, *b = right;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return (a->process > b->process) - (a->process < b->process);
}

static bool group(struct work *w)
{
    struct seep_zombies *doc = w->doc;
    size_t n_groups = 0;
    for (size_t i = 0; i < w->n; i++)
        n_groups += i == 0 || w->at[i].holder != w->at[i - 1].holder;
    doc->holders = seep_arena_alloc(&doc->arena, n_groups + 1, sizeof *doc->holders);
    if (!doc->holders)
        return false;
    for (size_t i = 0, end; i < w->n; i = end) {
        const struct seep_process_id holder = { w->at[i].holder };
        for (end = i + 1; end < w->n && w->at[end].holder == holder.v;)
            end++;
        struct seep_zombies_group *g = holder.v ? &doc->holders[doc->n_holders++] : &doc->unheld;
        g->process = process_of(doc->data, holder);
        g->n_handles_in_all = SEEP_UNKNOWN_COUNT;
        if (!describe(w, w->at + i, end - i, g))
            return false;
    }
    if (doc->n_holders)
        qsort(doc->holders, doc->n_holders, sizeof *doc->holders, by_zombies);
    return true;
}

static int by_handles(const void *left, const void *right)
{
    const struct seep_zombies_busy *a = left, *b = right;
    if (a->n_handles != b->n_handles)
        return a->n_handles > b->n_handles ? -1 : 1;
    return (a->process > b->process) - (a->process < b->process);
}

// Who has how many handles in all, as the newest samples say.
static bool count_handles(struct seep_zombies *doc)
{
    const struct seep_dataset *data = doc->data;
    struct seep_zombies_busy *busy =
        seep_arena_alloc(&doc->arena, data->n_processes + 1, sizeof *busy);
    uint64_t *handles = seep_arena_alloc(&doc->arena, data->n_processes + 1, sizeof *handles);
    struct seep_points points = { 0 };
    struct seep_err err;
    if (!busy || !handles)
        return false;
    for (size_t i = 0; i < data->n_processes; i++)
        handles[i] = SEEP_UNKNOWN_COUNT;
    for (size_t i = 0; data->points && i < data->n_series; i++) {
        const struct seep_dataset_series *s = &data->series[i];
        const struct seep_process *p = process_of(data, s->series.subject.process);
        if (s->series.metric != SEEP_METRIC_HANDLES || !p || p->machine.v != doc->machine.v ||
            (p->end_ns != SEEP_NO_TIME && p->end_ns < doc->taken_ns) ||
            !data->points(data->ctx, i, &points, &err) || !points.count)
            continue;
        double value = points.at[points.count - 1].value;
        uint64_t n = value >= 0 && value < 1e15 ? (uint64_t)value : 0;
        handles[p - data->processes] = n;
        if (n > SEEP_ZOMBIES_MANY_HANDLES && doc->n_busy < data->n_processes)
            busy[doc->n_busy++] = (struct seep_zombies_busy){ p, n };
    }
    seep_points_clear(&points);
    for (size_t i = 0; i < doc->n_holders; i++)
        doc->holders[i].n_handles_in_all = handles[doc->holders[i].process - data->processes];
    if (doc->n_busy)
        qsort(busy, doc->n_busy, sizeof *busy, by_handles);
    doc->busy = busy;
    return true;
}

static void conclude(struct seep_zombies *doc)
{
    const struct seep_dataset *data = doc->data;
    const struct seep_judgement *j = doc->judgement;
    doc->pid_high = SEEP_UNKNOWN_COUNT;
    for (size_t i = 0; i < data->n_processes; i++) {
        const struct seep_process *p = &data->processes[i];
        if (p->has_pid && p->machine.v == doc->machine.v &&
            (doc->pid_high == SEEP_UNKNOWN_COUNT || p->pid > doc->pid_high))
            doc->pid_high = p->pid;
    }
    // On a machine whose zombies are only counted.
    double value;
    int64_t t_ns;
    const struct seep_process_id machine = { 0 };
    if (doc->known && !data->n_zombies &&
        seep_look_last(data, doc->machine, machine, SEEP_METRIC_ZOMBIES, &value, &t_ns)) {
        doc->taken_ns = t_ns;
        doc->n = value >= 0 && value < 1e15 ? (uint64_t)value : 0;
        doc->n_unheld = doc->n ? SEEP_UNKNOWN_COUNT : 0;
        doc->commit_bytes = doc->n * SEEP_ZOMBIE_COMMIT_BYTES;
        doc->charged_bytes = SEEP_UNKNOWN_COUNT;
    }
    if (doc->machine.v && !seep_charges_as_windows(&data->machines[doc->machine.v - 1]))
        doc->commit_bytes = doc->charged_bytes = SEEP_UNKNOWN_COUNT;
    uint64_t by_process = doc->n_holders ? doc->holders[0].n : 0;
    uint64_t by_none = doc->n_unheld == SEEP_UNKNOWN_COUNT ? 0 : doc->n_unheld;
    if (by_process || by_none)
        doc->suspect = by_none > by_process ? SEEP_ZOMBIES_DRIVER : SEEP_ZOMBIES_PROCESS;
    for (size_t i = 0; j && !doc->worst && i < j->n_findings; i++) {
        const struct seep_finding *f = &j->findings[i];
        if (f->class_ == SEEP_CLASS_PROCESS_ZOMBIES && f->verdict >= SEEP_VERDICT_SUSPECT &&
            (!f->machine.v || f->machine.v == doc->machine.v))
            doc->worst = f;
    }
}

bool seep_zombies_make(const struct seep_dataset *data, const struct seep_judgement *judgement,
                       const struct seep_zombies_options *options, struct seep_zombies *zombies)
{
    *zombies = (struct seep_zombies){
        .data = data, .judgement = judgement, .options = *options, .taken_ns = SEEP_NO_TIME
    };
    size_t most = data->n_holds + data->n_zombies;
    struct work w = { .doc = zombies };
    w.at = seep_alloc(most + 1, sizeof *w.at);
    w.shown = seep_alloc(data->n_processes + 1, sizeof *w.shown);
    w.found = seep_alloc(data->n_processes + 1, sizeof *w.found);
    w.names = seep_alloc(most + 1, sizeof *w.names);
    w.pids = seep_alloc(most + 1, sizeof *w.pids);
    bool ok = w.at && w.shown && w.found && w.names && w.pids && choose_machine(zombies) &&
              collect(&w) && group(&w) && count_handles(zombies);
    if (ok)
        conclude(zombies);
    else
        seep_zombies_clear(zombies);
    seep_free(w.at);
    seep_free(w.shown);
    seep_free(w.found);
    seep_free(w.names);
    seep_free(w.pids);
    return ok;
}

void seep_zombies_clear(struct seep_zombies *zombies)
{
    seep_arena_clear(&zombies->arena);
    *zombies = (struct seep_zombies){ .n_holders = 0 };
}
