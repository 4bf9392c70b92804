// SPDX-License-Identifier: MIT
// Collecting spaces: a sink that keeps what it is told, one struct a process and moment.
#include "model/space.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// What is known of a process between the facts about it.
struct seep_space_process {
    struct seep_process process;
    size_t space;          // 1 + index of its newest space, 0 = none yet
    uint64_t space_tick;   // n_ticks when that one began
    uint64_t counter_tick; // n_ticks of the numbers below
    double counters[SEEP_N_METRICS];
};

struct seep_space_series {
    uint32_t process; // 0 = not of a process
    enum seep_metric metric;
};

static struct seep_spaces *spaces_of(struct seep_sink *sink)
{
    return (struct seep_spaces *)sink;
}

// The same string once; NULL stays NULL. `*ok` becomes false when memory is out.
static const char *keep(struct seep_spaces *s, const char *text, bool *ok)
{
    if (!text)
        return NULL;
    uint32_t id = seep_intern(&s->strings, text, strlen(text));
    *ok = *ok && id != 0;
    return id ? seep_intern_text(&s->strings, id) : NULL;
}

static void forget(double counters[SEEP_N_METRICS])
{
    for (int i = 0; i < SEEP_N_METRICS; i++)
        counters[i] = (double)NAN;
}

static bool on_machine(struct seep_sink *sink, const struct seep_machine *machine,
                       struct seep_machine_id *id)
{
    struct seep_spaces *s = spaces_of(sink);
    bool ok = s->n_machines < UINT32_MAX && seep_grow(&s->machines, &s->machines_capacity,
                                                      s->n_machines + 1, sizeof *s->machines);
    if (!ok)
        return seep_fail_memory(&sink->error);
    struct seep_machine *m = &s->machines[s->n_machines++];
    *m = *machine;
    m->host = keep(s, machine->host, &ok);
    m->os = keep(s, machine->os, &ok);
    m->os_version = keep(s, machine->os_version, &ok);
    id->v = (uint32_t)s->n_machines;
    return ok || seep_fail_memory(&sink->error);
}

static bool on_process(struct seep_sink *sink, const struct seep_process *process,
                       struct seep_process_id *id)
{
    struct seep_spaces *s = spaces_of(sink);
    bool ok = s->n_processes < UINT32_MAX && seep_grow(&s->processes, &s->processes_capacity,
                                                       s->n_processes + 1, sizeof *s->processes);
    if (!ok)
        return seep_fail_memory(&sink->error);
    struct seep_space_process *p = &s->processes[s->n_processes++];
    *p = (struct seep_space_process){ .process = *process };
    p->process.image = keep(s, process->image, &ok);
    p->process.architecture = keep(s, process->architecture, &ok);
    forget(p->counters);
    id->v = (uint32_t)s->n_processes;
    return ok || seep_fail_memory(&sink->error);
}

static bool on_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    struct seep_spaces *s = spaces_of(sink);
    if (id.v == 0 || id.v > s->n_processes)
        return true;
    struct seep_space_process *p = &s->processes[id.v - 1];
    p->process.end_ns = end_ns;
    if (p->space)
        s->at[p->space - 1].process.end_ns = end_ns;
    return true;
}

static bool on_series(struct seep_sink *sink, const struct seep_series *series,
                      struct seep_series_id *id)
{
    struct seep_spaces *s = spaces_of(sink);
    if (s->n_series >= UINT32_MAX ||
        !seep_grow(&s->series, &s->series_capacity, s->n_series + 1, sizeof *s->series))
        return seep_fail_memory(&sink->error);
    bool of_process =
        series->subject.kind == SEEP_SUBJECT_PROCESS && series->subject.process.v <= s->n_processes;
    s->series[s->n_series++] =
        (struct seep_space_series){ .process = of_process ? series->subject.process.v : 0,
                                    .metric = series->metric };
    id->v = (uint32_t)s->n_series;
    return true;
}

static bool on_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    struct seep_spaces *s = spaces_of(sink);
    (void)machine;
    s->n_ticks++;
    s->tick_ns = t_ns;
    for (size_t i = 0; s->n_ticks == 1 && i < s->n; i++)
        s->at[i].taken_ns = t_ns;
    for (size_t i = 0; s->n_ticks == 1 && i < s->n_processes; i++)
        s->processes[i].space_tick = 1;
    return true;
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id id, double value)
{
    struct seep_spaces *s = spaces_of(sink);
    if (id.v == 0 || id.v > s->n_series || !s->series[id.v - 1].process)
        return true;
    struct seep_space_process *p = &s->processes[s->series[id.v - 1].process - 1];
    if (p->counter_tick != s->n_ticks)
        forget(p->counters);
    p->counter_tick = s->n_ticks;
    p->counters[s->series[id.v - 1].metric] = value;
    if (p->space && p->space_tick == s->n_ticks)
        s->at[p->space - 1].counters[s->series[id.v - 1].metric] = value;
    return true;
}

// The space that a fact of the current tick belongs to. NULL with `*ok` where the fact is of no
// process that was announced (the kernel's modules), NULL without it when memory is out.
static struct seep_space *space_for(struct seep_spaces *s, struct seep_process_id id, bool *ok)
{
    *ok = true;
    if (id.v == 0 || id.v > s->n_processes)
        return NULL;
    struct seep_space_process *p = &s->processes[id.v - 1];
    if (p->space && p->space_tick == s->n_ticks)
        return &s->at[p->space - 1];
    if (!seep_grow(&s->at, &s->capacity, s->n + 1, sizeof *s->at)) {
        *ok = seep_fail_memory(&s->sink.error);
        return NULL;
    }
    struct seep_space *space = &s->at[s->n++];
    *space = (struct seep_space){ .process = p->process, .id = id, .taken_ns = s->tick_ns };
    if (p->process.machine.v && p->process.machine.v <= s->n_machines)
        space->machine = s->machines[p->process.machine.v - 1];
    else
        space->machine.boot_ns = SEEP_NO_TIME;
    forget(space->counters);
    if (p->counter_tick == s->n_ticks)
        memcpy(space->counters, p->counters, sizeof space->counters);
    p->space = s->n;
    p->space_tick = s->n_ticks;
    return space;
}

// Adds an element to an array of the space; false when memory is out.
#define ADD(space, what)                                                                           \
    seep_grow(&(space)->what, &(space)->what##_capacity, (space)->n_##what + 1,                    \
              sizeof *(space)->what)

static bool on_module(struct seep_sink *sink, const struct seep_module *module)
{
    struct seep_spaces *s = spaces_of(sink);
    bool ok;
    struct seep_space *space = space_for(s, module->process, &ok);
    if (!space)
        return ok;
    if (!ADD(space, modules))
        return seep_fail_memory(&sink->error);
    struct seep_module *m = &space->modules[space->n_modules++];
    *m = *module;
    m->path = keep(s, module->path, &ok);
    m->version = keep(s, module->version, &ok);
    m->identity.name = keep(s, module->identity.name, &ok);
    m->identity.pdb.name = keep(s, module->identity.pdb.name, &ok);
    return ok || seep_fail_memory(&sink->error);
}

static bool on_region(struct seep_sink *sink, const struct seep_region *region)
{
    struct seep_spaces *s = spaces_of(sink);
    bool ok;
    struct seep_space *space = space_for(s, region->process, &ok);
    if (!space)
        return ok;
    if (!ADD(space, regions))
        return seep_fail_memory(&sink->error);
    struct seep_region *r = &space->regions[space->n_regions++];
    *r = *region;
    r->detail = keep(s, region->detail, &ok);
    return ok || seep_fail_memory(&sink->error);
}

static bool on_handle(struct seep_sink *sink, const struct seep_handle *handle)
{
    struct seep_spaces *s = spaces_of(sink);
    bool ok;
    struct seep_space *space = space_for(s, handle->holder, &ok);
    if (!space)
        return ok;
    if (!ADD(space, handles))
        return seep_fail_memory(&sink->error);
    struct seep_handle *h = &space->handles[space->n_handles++];
    *h = *handle;
    h->type = keep(s, handle->type, &ok);
    h->name = keep(s, handle->name, &ok);
    return ok || seep_fail_memory(&sink->error);
}

static bool on_thread(struct seep_sink *sink, const struct seep_thread *thread)
{
    struct seep_spaces *s = spaces_of(sink);
    bool ok;
    struct seep_space *space = space_for(s, thread->process, &ok);
    if (!space)
        return ok;
    if (!ADD(space, threads))
        return seep_fail_memory(&sink->error);
    struct seep_thread *t = &space->threads[space->n_threads++];
    *t = *thread;
    t->name = keep(s, thread->name, &ok);
    t->module = keep(s, thread->module, &ok);
    t->function = keep(s, thread->function, &ok);
    t->file = keep(s, thread->file, &ok);
    return ok || seep_fail_memory(&sink->error);
}

static bool on_heap(struct seep_sink *sink, const struct seep_heap *heap)
{
    bool ok;
    struct seep_space *space = space_for(spaces_of(sink), heap->process, &ok);
    if (!space)
        return ok;
    if (!ADD(space, heaps))
        return seep_fail_memory(&sink->error);
    space->heaps[space->n_heaps++] = *heap;
    return true;
}

static bool on_blocks(struct seep_sink *sink, const struct seep_blocks *blocks)
{
    struct seep_spaces *s = spaces_of(sink);
    bool ok;
    struct seep_space *space = space_for(s, blocks->process, &ok);
    if (!space)
        return ok;
    if (!ADD(space, blocks))
        return seep_fail_memory(&sink->error);
    struct seep_blocks *b = &space->blocks[space->n_blocks++];
    *b = *blocks;
    b->type = keep(s, blocks->type, &ok);
    b->stack = keep(s, blocks->stack, &ok);
    b->content = keep(s, blocks->content, &ok);
    return ok || seep_fail_memory(&sink->error);
}

#define OPS                                                                                        \
    .machine = on_machine, .process = on_process, .process_end = on_process_end,                   \
    .series = on_series, .tick = on_tick, .sample = on_sample, .module = on_module,                \
    .region = on_region, .handle = on_handle, .thread = on_thread, .heap = on_heap

static const struct seep_sink_ops all_ops = { OPS, .blocks = on_blocks };
static const struct seep_sink_ops ops_without_blocks = { OPS };

void seep_spaces_init(struct seep_spaces *spaces)
{
    *spaces = (struct seep_spaces){ .sink = { .ops = &all_ops }, .tick_ns = SEEP_NO_TIME };
}

void seep_spaces_without_blocks(struct seep_spaces *spaces)
{
    spaces->sink.ops = &ops_without_blocks;
}

// Compares two elements by a number of theirs and, where that is equal, by another.
#define BY(name, type, first, second)                                                              \
    static int name(const void *left, const void *right)                                           \
    {                                                                                              \
        const type *a = left, *b = right;                                                          \
        if (a->first != b->first)                                                                  \
            return a->first < b->first ? -1 : 1;                                                   \
        return (a->second > b->second) - (a->second < b->second);                                  \
    }

BY(by_base, struct seep_region, base, size_bytes)
BY(by_module, struct seep_module, base, unloaded)
BY(by_value, struct seep_handle, value, access)
BY(by_address, struct seep_heap, address, bits)

static void sort(void *at, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    // Nearly every writer sorts already, and qsort may be slowest then.
    const char *bytes = at;
    for (size_t i = 1; i < n; i++) {
        if (compare(bytes + (i - 1) * size, bytes + i * size) > 0) {
            qsort(at, n, size, compare);
            return;
        }
    }
}

void seep_spaces_finish(struct seep_spaces *spaces)
{
    for (size_t i = 0; i < spaces->n; i++) {
        struct seep_space *s = &spaces->at[i];
        sort(s->regions, s->n_regions, sizeof *s->regions, by_base);
        sort(s->modules, s->n_modules, sizeof *s->modules, by_module);
        sort(s->handles, s->n_handles, sizeof *s->handles, by_value);
        sort(s->heaps, s->n_heaps, sizeof *s->heaps, by_address);
    }
}

void seep_spaces_clear(struct seep_spaces *spaces)
{
    for (size_t i = 0; i < spaces->n; i++) {
        struct seep_space *s = &spaces->at[i];
        seep_free(s->regions);
        seep_free(s->modules);
        seep_free(s->handles);
        seep_free(s->threads);
        seep_free(s->heaps);
        seep_free(s->blocks);
    }
    seep_free(spaces->at);
    seep_free(spaces->machines);
    seep_free(spaces->processes);
    seep_free(spaces->series);
    seep_intern_clear(&spaces->strings);
    *spaces = (struct seep_spaces){ .n = 0 };
}
