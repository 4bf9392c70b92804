// SPDX-License-Identifier: MIT
// The door: counts what passes and hands out ids where a sink does not care.
#include "model/sink.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const kinds[] = {
    [SEEP_FACT_MACHINE] = "machine", [SEEP_FACT_PROCESS] = "process",
    [SEEP_FACT_SAMPLE] = "sample",   [SEEP_FACT_MODULE] = "module",
    [SEEP_FACT_STACK] = "stack",     [SEEP_FACT_SITE] = "site",
    [SEEP_FACT_REGION] = "region",   [SEEP_FACT_POOL_TAG] = "pool-tag",
    [SEEP_FACT_HANDLE] = "handle",   [SEEP_FACT_HEAP] = "heap",
    [SEEP_FACT_BLOCKS] = "blocks",   [SEEP_FACT_EVENT] = "event",
    [SEEP_FACT_LOSS] = "loss",       [SEEP_FACT_VM] = "vm",
    [SEEP_FACT_ZOMBIE] = "zombie",
};
static_assert(sizeof kinds / sizeof *kinds == SEEP_N_FACT_KINDS, "a name for every kind of fact");

const char *seep_fact_kind_name(enum seep_fact_kind kind)
{
    return kinds[kind];
}

bool seep_sink_machine(struct seep_sink *sink, const struct seep_machine *machine,
                       struct seep_machine_id *id)
{
    struct seep_machine_id own = { 0 };
    sink->counts[SEEP_FACT_MACHINE]++;
    if (sink->ops->machine) {
        if (!sink->ops->machine(sink, machine, &own))
            return false;
    } else {
        own.v = ++sink->last_id;
    }
    if (id)
        *id = own;
    return true;
}

bool seep_sink_process(struct seep_sink *sink, const struct seep_process *process,
                       struct seep_process_id *id)
{
    struct seep_process_id own = { 0 };
    sink->counts[SEEP_FACT_PROCESS]++;
    if (sink->ops->process) {
        if (!sink->ops->process(sink, process, &own))
            return false;
    } else {
        own.v = ++sink->last_id;
    }
    if (id)
        *id = own;
    return true;
}

bool seep_sink_process_end(struct seep_sink *sink, struct seep_process_id process, int64_t end_ns)
{
    return !sink->ops->process_end || sink->ops->process_end(sink, process, end_ns);
}

bool seep_sink_series(struct seep_sink *sink, const struct seep_series *series,
                      struct seep_series_id *id)
{
    struct seep_series_id own = { 0 };
    if (sink->ops->series) {
        if (!sink->ops->series(sink, series, &own))
            return false;
    } else {
        own.v = ++sink->last_id;
    }
    if (id)
        *id = own;
    return true;
}

bool seep_sink_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    return !sink->ops->tick || sink->ops->tick(sink, machine, t_ns);
}

bool seep_sink_module(struct seep_sink *sink, const struct seep_module *module)
{
    sink->counts[SEEP_FACT_MODULE]++;
    return !sink->ops->module || sink->ops->module(sink, module);
}

bool seep_sink_region(struct seep_sink *sink, const struct seep_region *region)
{
    sink->counts[SEEP_FACT_REGION]++;
    return !sink->ops->region || sink->ops->region(sink, region);
}

bool seep_sink_handle(struct seep_sink *sink, const struct seep_handle *handle)
{
    sink->counts[SEEP_FACT_HANDLE]++;
    return !sink->ops->handle || sink->ops->handle(sink, handle);
}

bool seep_sink_thread(struct seep_sink *sink, const struct seep_thread *thread)
{
    return !sink->ops->thread || sink->ops->thread(sink, thread);
}

bool seep_sink_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *tag)
{
    sink->counts[SEEP_FACT_POOL_TAG]++;
    return !sink->ops->pool_tag || sink->ops->pool_tag(sink, tag);
}

bool seep_sink_vm(struct seep_sink *sink, const struct seep_vm *vm)
{
    sink->counts[SEEP_FACT_VM]++;
    return !sink->ops->vm || sink->ops->vm(sink, vm);
}

bool seep_sink_zombie(struct seep_sink *sink, const struct seep_zombie *zombie)
{
    sink->counts[SEEP_FACT_ZOMBIE]++;
    return !sink->ops->zombie || sink->ops->zombie(sink, zombie);
}

bool seep_sink_heap(struct seep_sink *sink, const struct seep_heap *heap)
{
    sink->counts[SEEP_FACT_HEAP]++;
    return !sink->ops->heap || sink->ops->heap(sink, heap);
}

bool seep_sink_blocks(struct seep_sink *sink, const struct seep_blocks *blocks)
{
    sink->counts[SEEP_FACT_BLOCKS]++;
    return !sink->ops->blocks || sink->ops->blocks(sink, blocks);
}

bool seep_sink_stack(struct seep_sink *sink, struct seep_stack_id parent,
                     const struct seep_frame *frame, struct seep_stack_id *id)
{
    struct seep_stack_id own = { 0 };
    sink->counts[SEEP_FACT_STACK]++;
    if (sink->ops->stack) {
        if (!sink->ops->stack(sink, parent, frame, &own))
            return false;
    } else {
        own.v = ++sink->last_id;
    }
    if (id)
        *id = own;
    return true;
}

bool seep_sink_site(struct seep_sink *sink, const struct seep_site *site)
{
    sink->counts[SEEP_FACT_SITE]++;
    return !sink->ops->site || sink->ops->site(sink, site);
}

bool seep_sink_site_blocks(struct seep_sink *sink, const struct seep_site_block *blocks, size_t n)
{
    return !sink->ops->site_blocks || sink->ops->site_blocks(sink, blocks, n);
}

bool seep_sink_site_frees(struct seep_sink *sink, const struct seep_site_frees *frees)
{
    return !sink->ops->site_frees || sink->ops->site_frees(sink, frees);
}

bool seep_sink_event(struct seep_sink *sink, const struct seep_event *event)
{
    sink->counts[SEEP_FACT_EVENT]++;
    return !sink->ops->event || sink->ops->event(sink, event);
}

bool seep_sink_tally(struct seep_sink *sink, const struct seep_tally *tally)
{
    return !sink->ops->tally || sink->ops->tally(sink, tally);
}

bool seep_sink_loss(struct seep_sink *sink, const struct seep_loss *loss)
{
    sink->counts[SEEP_FACT_LOSS]++;
    if (!loss->harmless)
        sink->n_harmful_losses++;
    return !sink->ops->loss || sink->ops->loss(sink, loss);
}

bool seep_sink_lose(struct seep_sink *sink, const char *what, uint64_t count, uint64_t bytes,
                    uint64_t offset, const char *format, ...)
{
    char text[SEEP_MAX_MESSAGE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct seep_loss loss = {
        .what = what, .count = count, .bytes = bytes, .offset = offset, .text = text
    };
    return seep_sink_loss(sink, &loss);
}

bool seep_sink_note(struct seep_sink *sink, const char *what, uint64_t count, uint64_t bytes,
                    uint64_t offset, const char *format, ...)
{
    char text[SEEP_MAX_MESSAGE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct seep_loss loss = { .what = what,
                              .count = count,
                              .bytes = bytes,
                              .offset = offset,
                              .text = text,
                              .harmless = true };
    return seep_sink_loss(sink, &loss);
}
