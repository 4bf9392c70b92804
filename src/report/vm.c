// SPDX-License-Identifier: MIT
// Memory of a machine: the numbers of the newest look and the processes that commit most.
#include "report/vm.h"

#include "base/alloc.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 4096,
    // Fewer processes are those that somebody picked (a triage dump has one), not all: what they
    // hold says nothing about the machine. Windows itself runs more than these.
    WHOLE_MACHINE = 8,
};

// Metrics of the machine that say the same as an item.
static const struct {
    enum seep_metric metric;
    enum seep_vm_item item;
} same[] = {
    { SEEP_METRIC_AVAILABLE_BYTES, SEEP_VM_AVAILABLE },
    { SEEP_METRIC_COMMIT_BYTES, SEEP_VM_COMMITTED },
    { SEEP_METRIC_COMMIT_LIMIT_BYTES, SEEP_VM_COMMIT_LIMIT },
    { SEEP_METRIC_PAGED_POOL_BYTES, SEEP_VM_PAGED_POOL },
    { SEEP_METRIC_NONPAGED_POOL_BYTES, SEEP_VM_NONPAGED_POOL },
};

enum { N_SAME = sizeof same / sizeof *same };

static bool is_ours(const struct seep_dataset_series *s)
{
    bool is = false;
    for (size_t i = 0; i < N_SAME; i++)
        is = is || s->series.metric == same[i].metric;
    return is && s->series.subject.kind == SEEP_SUBJECT_MACHINE && s->n_points;
}

static bool choose_machine(struct seep_vm_doc *doc)
{
    const struct seep_dataset *data = doc->data;
    uint64_t *counts = seep_alloc(data->n_machines + 1, sizeof *counts);
    if (!counts)
        return false;
    for (size_t i = 0; i < data->n_vms; i++) {
        uint32_t id = data->vms[i].vm.machine.v;
        counts[id <= data->n_machines ? id : 0]++;
    }
    for (size_t i = 0; !data->n_vms && i < data->n_series; i++) {
        uint32_t id = data->series[i].series.subject.machine.v;
        if (is_ours(&data->series[i]))
            counts[id <= data->n_machines ? id : 0]++;
    }
    doc->machine = seep_look_machine(counts, data->n_machines, &doc->n_other_machines);
    doc->known = counts[doc->machine.v] > 0;
    seep_free(counts);
    return true;
}

// The newest fact, completed by the newest samples of what it does not say.
static void take_numbers(struct seep_vm_doc *doc)
{
    const struct seep_dataset *data = doc->data;
    doc->vm = seep_vm_unknown(doc->machine);
    for (size_t i = 0; i < data->n_vms; i++) {
        const struct seep_dataset_vm *v = &data->vms[i];
        if (v->vm.machine.v == doc->machine.v && v->taken_ns >= doc->taken_ns) {
            doc->vm = v->vm;
            doc->taken_ns = v->taken_ns;
        }
    }
    for (size_t i = 0; i < N_SAME; i++) {
        const struct seep_process_id machine = { 0 };
        double value;
        int64_t t_ns;
        if (doc->vm.bytes[same[i].item] != SEEP_UNKNOWN_COUNT ||
            !seep_look_last(data, doc->machine, machine, same[i].metric, &value, &t_ns) ||
            !(value >= 0 && value < 1.8e19))
            continue;
        doc->vm.bytes[same[i].item] = (uint64_t)value;
        if (!data->n_vms && t_ns > doc->taken_ns)
            doc->taken_ns = t_ns;
    }
    const struct seep_machine *m = doc->machine.v && doc->machine.v <= data->n_machines
                                       ? &data->machines[doc->machine.v - 1]
                                       : NULL;
    doc->page_bytes = m && m->page_size_bytes ? m->page_size_bytes : PAGE;
    if (m && m->ram_bytes && doc->vm.bytes[SEEP_VM_PHYSICAL] == SEEP_UNKNOWN_COUNT)
        doc->vm.bytes[SEEP_VM_PHYSICAL] = m->ram_bytes;
    if (m && m->commit_limit_bytes && doc->vm.bytes[SEEP_VM_COMMIT_LIMIT] == SEEP_UNKNOWN_COUNT)
        doc->vm.bytes[SEEP_VM_COMMIT_LIMIT] = m->commit_limit_bytes;
}

static int by_private(const void *left, const void *right)
{
    const struct seep_vm_process *a = left, *b = right;
    if (a->private_bytes != b->private_bytes)
        return a->private_bytes > b->private_bytes ? -1 : 1;
    return (a->process > b->process) - (a->process < b->process);
}

// The processes that were there at the look, with the newest number of each.
static bool take_processes(struct seep_vm_doc *doc)
{
    const struct seep_dataset *data = doc->data;
    struct seep_points points = { 0 };
    struct seep_err err;
    uint64_t *bytes = seep_alloc(data->n_processes + 1, sizeof *bytes);
    int64_t *times = seep_alloc(data->n_processes + 1, sizeof *times);
    doc->processes = seep_arena_alloc(&doc->arena, data->n_processes + 1, sizeof *doc->processes);
    bool ok = bytes && times && doc->processes;
    for (size_t i = 0; ok && i <= data->n_processes; i++) {
        bytes[i] = SEEP_UNKNOWN_COUNT;
        times[i] = SEEP_NO_TIME;
    }
    for (size_t i = 0; ok && data->points && i < data->n_series; i++) {
        const struct seep_dataset_series *s = &data->series[i];
        uint32_t id = s->series.subject.process.v;
        if (s->series.metric != SEEP_METRIC_PRIVATE_BYTES || !id || id > data->n_processes ||
            s->series.subject.machine.v != doc->machine.v || s->last_ns < times[id] ||
            !data->points(data->ctx, i, &points, &err) || !points.count)
            continue;
        double value = points.at[points.count - 1].value;
        if (!(value >= 0 && value < 1.8e19))
            continue;
        bytes[id] = (uint64_t)value;
        times[id] = s->last_ns;
    }
    for (size_t i = 0; ok && i < data->n_processes; i++) {
        const struct seep_process *p = &data->processes[i];
        bool ended = p->end_ns != SEEP_NO_TIME && p->end_ns < doc->taken_ns;
        if (bytes[i + 1] == SEEP_UNKNOWN_COUNT || ended)
            continue;
        doc->processes[doc->n_processes++] = (struct seep_vm_process){ p, bytes[i + 1] };
        doc->private_bytes += bytes[i + 1];
    }
    if (ok && doc->n_processes)
        qsort(doc->processes, doc->n_processes, sizeof *doc->processes, by_private);
    seep_points_clear(&points);
    seep_free(times);
    seep_free(bytes);
    return ok;
}

// Exited processes at the newest moment that shows any; unknown where none does.
static uint64_t n_zombies(const struct seep_vm_doc *doc)
{
    const struct seep_dataset *data = doc->data;
    int64_t newest = SEEP_NO_TIME;
    uint64_t n = 0;
    for (size_t i = 0; i < data->n_zombies; i++) {
        const struct seep_dataset_zombie *z = &data->zombies[i];
        if (data->processes[z->zombie.process.v - 1].machine.v != doc->machine.v)
            continue;
        if (z->taken_ns > newest)
            n = 0;
        newest = z->taken_ns > newest ? z->taken_ns : newest;
        n += z->taken_ns == newest;
    }
    return n ? n : SEEP_UNKNOWN_COUNT;
}

static void judge_numbers(struct seep_vm_doc *doc)
{
    uint64_t *private_bytes = &doc->vm.bytes[SEEP_VM_PROCESS_PRIVATE];
    if (*private_bytes == SEEP_UNKNOWN_COUNT && doc->n_processes >= WHOLE_MACHINE)
        *private_bytes = doc->private_bytes;
    doc->flags = seep_vm_flags(&doc->vm);
    const struct seep_machine *machine =
        doc->machine.v ? &doc->data->machines[doc->machine.v - 1] : NULL;
    seep_ledger_make(&doc->vm, machine, n_zombies(doc), &doc->ledger);
}

bool seep_vm_doc_make(const struct seep_dataset *data, const struct seep_judgement *judgement,
                      const struct seep_vm_options *options, struct seep_vm_doc *doc)
{
    *doc = (struct seep_vm_doc){
        .data = data, .judgement = judgement, .options = *options, .taken_ns = SEEP_NO_TIME
    };
    bool ok = choose_machine(doc);
    if (ok)
        take_numbers(doc);
    ok = ok && take_processes(doc);
    if (ok && doc->known)
        judge_numbers(doc);
    if (!ok)
        seep_vm_doc_clear(doc);
    return ok;
}

const struct seep_finding *seep_vm_next_finding(const struct seep_vm_doc *doc, size_t *at)
{
    const struct seep_judgement *j = doc->judgement;
    while (j && *at < j->n_findings) {
        const struct seep_finding *f = &j->findings[(*at)++];
        if (f->subject == SEEP_SUBJECT_MACHINE && f->verdict >= SEEP_VERDICT_SUSPECT &&
            (!f->machine.v || f->machine.v == doc->machine.v))
            return f;
    }
    return NULL;
}

enum seep_verdict seep_vm_doc_verdict(const struct seep_vm_doc *doc)
{
    size_t at = 0;
    const struct seep_finding *worst = seep_vm_next_finding(doc, &at);
    return worst ? worst->verdict : SEEP_VERDICT_UNKNOWN;
}

void seep_vm_doc_clear(struct seep_vm_doc *doc)
{
    seep_arena_clear(&doc->arena);
    *doc = (struct seep_vm_doc){ .n_processes = 0 };
}
