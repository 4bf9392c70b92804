// SPDX-License-Identifier: MIT
// One process at one moment: its regions, modules, handles, heaps and blocks, in memory.
//
// A sink collects them from any source, so that what only looks at a snapshot needs no case. What
// came at one tick is one space: a source that gives the same process at two ticks gives two.
// Facts before the first tick are of the time of that tick; without a tick the time is unknown.
#ifndef SEEP_MODEL_SPACE_H
#define SEEP_MODEL_SPACE_H

#include "base/arena.h"
#include "base/intern.h"
#include "model/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Arrays and strings belong to the struct seep_spaces that it is in.
struct seep_space {
    struct seep_process process;
    struct seep_process_id id; // of the process, in the sink that collected it
    struct seep_machine machine;
    int64_t taken_ns; // SEEP_NO_TIME = unknown

    struct seep_region *regions; // by base, once seep_spaces_finish was called
    size_t n_regions, regions_capacity;
    struct seep_module *modules; // by base
    size_t n_modules, modules_capacity;
    struct seep_handle *handles; // by value
    size_t n_handles, handles_capacity;
    struct seep_thread *threads; // as they came
    size_t n_threads, threads_capacity;
    struct seep_heap *heaps; // by address
    size_t n_heaps, heaps_capacity;
    struct seep_blocks *blocks; // as they came
    size_t n_blocks, blocks_capacity;

    double
        counters[SEEP_N_METRICS]; // what the system counts of the process at this moment
                                  // (ProcessVmCounters: SEEP_METRIC_PRIVATE_BYTES); NaN = unknown
};

struct seep_spaces {
    struct seep_sink sink; // first; give &spaces.sink to the source
    struct seep_space *at; // in the order of their first facts
    size_t n, capacity;
    struct seep_intern strings;
    struct seep_machine *machines; // machines[id - 1]
    size_t n_machines, machines_capacity;
    struct seep_space_process *processes; // processes[id - 1]
    size_t n_processes, processes_capacity;
    struct seep_space_series *series; // series[id - 1]
    size_t n_series, series_capacity;
    uint64_t n_ticks;
    int64_t tick_ns;
};

// Makes an empty collection; the caller owns it: seep_spaces_clear.
void seep_spaces_init(struct seep_spaces *spaces);

// Asks for no blocks: a source need not take the heaps apart more than their totals want.
void seep_spaces_without_blocks(struct seep_spaces *spaces);

// Sorts what was collected. To be called once, after the last fact.
void seep_spaces_finish(struct seep_spaces *spaces);

void seep_spaces_clear(struct seep_spaces *spaces);

#endif
