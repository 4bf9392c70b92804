// SPDX-License-Identifier: MIT
// The one door through which facts pass from a source into whatever keeps, counts or prints them.
//
// A source announces a machine, processes and series (and gets ids that are valid for this run
// only), opens a *tick* (a moment of one machine at which samples were taken) and gives that tick's
// samples. Modules, regions, handles, threads, heaps and blocks are of the moment of the newest
// tick: a source that knows when a snapshot was taken opens that tick before them. What the system
// counts of a process at that moment are samples of its series. SEEP_NO_TIME is a moment, too: what
// follows such a tick is one snapshot, and nobody knows when it was.
//
// Strings are copied by the sink. Every call returns false when the sink cannot take more (out of
// memory, disk full, cancelled): the source stops then and returns SEEP_FAILED; `seep_sink_error`
// says why. A sink never fails because of what the facts say.
#ifndef SEEP_MODEL_SINK_H
#define SEEP_MODEL_SINK_H

#include "base/err.h"
#include "model/event.h"
#include "model/handle.h"
#include "model/heap.h"
#include "model/loss.h"
#include "model/machine.h"
#include "model/module.h"
#include "model/pool.h"
#include "model/process.h"
#include "model/region.h"
#include "model/series.h"
#include "model/site.h"
#include "model/stack.h"
#include "model/thread.h"
#include "model/vm.h"
#include "model/zombie.h"

struct seep_sink;

// NULL = this sink is not interested; ids are then handed out by the wrapper functions below. A
// source may look here before it does what is dear.
struct seep_sink_ops {
    bool (*machine)(struct seep_sink *, const struct seep_machine *, struct seep_machine_id *);
    bool (*process)(struct seep_sink *, const struct seep_process *, struct seep_process_id *);
    bool (*process_end)(struct seep_sink *, struct seep_process_id, int64_t end_ns);
    bool (*series)(struct seep_sink *, const struct seep_series *, struct seep_series_id *);
    bool (*tick)(struct seep_sink *, struct seep_machine_id, int64_t t_ns);
    bool (*sample)(struct seep_sink *, struct seep_series_id, double value);
    bool (*module)(struct seep_sink *, const struct seep_module *);
    bool (*region)(struct seep_sink *, const struct seep_region *);
    bool (*handle)(struct seep_sink *, const struct seep_handle *);
    bool (*thread)(struct seep_sink *, const struct seep_thread *);
    bool (*pool_tag)(struct seep_sink *, const struct seep_pool_tag *);
    bool (*vm)(struct seep_sink *, const struct seep_vm *);
    bool (*zombie)(struct seep_sink *, const struct seep_zombie *);
    bool (*heap)(struct seep_sink *, const struct seep_heap *);
    bool (*blocks)(struct seep_sink *, const struct seep_blocks *);
    bool (*stack)(struct seep_sink *, struct seep_stack_id parent, const struct seep_frame *,
                  struct seep_stack_id *);
    bool (*site)(struct seep_sink *, const struct seep_site *);
    // The blocks of the site before, by address. They are no facts: nobody keeps them but who looks
    // for survivors, and a source does not collect them for anybody else.
    bool (*site_blocks)(struct seep_sink *, const struct seep_site_block *, size_t n);
    bool (*site_frees)(struct seep_sink *, const struct seep_site_frees *);
    bool (*event)(struct seep_sink *, const struct seep_event *);
    bool (*tally)(struct seep_sink *, const struct seep_tally *);
    bool (*loss)(struct seep_sink *, const struct seep_loss *);
};

// Kinds of fact, as `seep facts --kind` and a document's "facts" name them.
enum seep_fact_kind {
    SEEP_FACT_MACHINE = 0,
    SEEP_FACT_PROCESS,
    SEEP_FACT_SAMPLE,
    SEEP_FACT_MODULE,
    SEEP_FACT_STACK,
    SEEP_FACT_SITE,
    SEEP_FACT_REGION,
    SEEP_FACT_POOL_TAG,
    SEEP_FACT_HANDLE,
    SEEP_FACT_HEAP,
    SEEP_FACT_BLOCKS,
    SEEP_FACT_VM,
    SEEP_FACT_ZOMBIE,
    SEEP_FACT_EVENT,
    SEEP_FACT_LOSS,
    SEEP_N_FACT_KINDS,
};

// "machine", "process", … "pool-tag", …
const char *seep_fact_kind_name(enum seep_fact_kind kind);

// A sink: embed it first in your own struct. Zero it, set `ops`.
struct seep_sink {
    const struct seep_sink_ops *ops;
    uint64_t counts[SEEP_N_FACT_KINDS]; // facts taken so far
    uint64_t n_harmful_losses;
    uint32_t last_id; // ids handed out where an operation is NULL
    struct seep_err error;
};

// What sources call. Ids are outputs; they may be NULL where the caller does not need them.
bool seep_sink_machine(struct seep_sink *, const struct seep_machine *, struct seep_machine_id *);
bool seep_sink_process(struct seep_sink *, const struct seep_process *, struct seep_process_id *);
bool seep_sink_process_end(struct seep_sink *, struct seep_process_id, int64_t end_ns);
bool seep_sink_series(struct seep_sink *, const struct seep_series *, struct seep_series_id *);
bool seep_sink_tick(struct seep_sink *, struct seep_machine_id, int64_t t_ns);
bool seep_sink_module(struct seep_sink *, const struct seep_module *);
bool seep_sink_region(struct seep_sink *, const struct seep_region *);
bool seep_sink_handle(struct seep_sink *, const struct seep_handle *);
// Not counted among the facts: no case keeps it.
bool seep_sink_thread(struct seep_sink *, const struct seep_thread *);
// Of the newest tick, as everything that is of one moment.
bool seep_sink_pool_tag(struct seep_sink *, const struct seep_pool_tag *);
bool seep_sink_vm(struct seep_sink *, const struct seep_vm *);
bool seep_sink_zombie(struct seep_sink *, const struct seep_zombie *);
bool seep_sink_heap(struct seep_sink *, const struct seep_heap *);
bool seep_sink_blocks(struct seep_sink *, const struct seep_blocks *);
// A frame under its caller's node; equal frames under equal parents get equal ids.
bool seep_sink_stack(struct seep_sink *, struct seep_stack_id parent, const struct seep_frame *,
                     struct seep_stack_id *);
bool seep_sink_site(struct seep_sink *, const struct seep_site *);
bool seep_sink_site_blocks(struct seep_sink *, const struct seep_site_block *, size_t n);
bool seep_sink_site_frees(struct seep_sink *, const struct seep_site_frees *);
bool seep_sink_event(struct seep_sink *, const struct seep_event *);
bool seep_sink_tally(struct seep_sink *, const struct seep_tally *);
bool seep_sink_loss(struct seep_sink *, const struct seep_loss *);

// One value of a series at the current tick. NaN and infinities are not samples and are dropped.
static inline bool seep_sink_sample(struct seep_sink *sink, struct seep_series_id series,
                                    double value)
{
    if (!(value - value == 0))
        return true;
    sink->counts[SEEP_FACT_SAMPLE]++;
    return !sink->ops->sample || sink->ops->sample(sink, series, value);
}

// A loss in one call; `format` makes its text.
bool seep_sink_lose(struct seep_sink *, const char *what, uint64_t count, uint64_t bytes,
                    uint64_t offset, const char *format, ...) SEEP_PRINTF(6, 7);

// The same for what is normal for such a file (a dirty log, a zone that the format does not carry):
// it is said, but the read counts as whole.
bool seep_sink_note(struct seep_sink *, const char *what, uint64_t count, uint64_t bytes,
                    uint64_t offset, const char *format, ...) SEEP_PRINTF(6, 7);

#endif
