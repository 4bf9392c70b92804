// SPDX-License-Identifier: MIT
// Who allocates, in one or several files: processes, modules, stacks, sites and how they grew, in
// memory.
//
// A sink collects them; each file is one *moment*, in the order in which they are read, or several
// where it gives sites, then a tick, and then sites again (logs of UMDH, one after another). What
// is the same in several moments becomes one *row*. A process is the same in two moments when image
// and PID are equal, or, where every moment has one process of that image with sites, when the
// image is. Its sites are the same when their names are equal, or else kind, heap, tag and frames
// (module and offset, or the text); of two lives of a program the address of the heap means
// nothing.
#ifndef SEEP_MODEL_PROFILE_H
#define SEEP_MODEL_PROFILE_H

#include "base/intern.h"
#include "model/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A process of one moment, or that moment's kernel. Ids of processes in the facts below are indexes
// of them, counted from 1.
struct seep_profile_process {
    struct seep_process process;
    uint32_t moment;
    bool kernel;
    uint32_t subject;    // what it is in all moments: index into `subjects`
    size_t first_module; // into `modules`, by base, once seep_profile_finish was called
    size_t n_modules, n_sites, n_heap_facts;
};

// A process over all moments.
struct seep_profile_subject {
    uint32_t newest; // index of its process in the last moment that has it
    bool same_life;  // it has one PID in all of them
};

struct seep_profile_site {
    struct seep_site site; // ids are the profile's, strings its own
    uint32_t moment, row;
    uint32_t growth; // 1 + index of its series, once seep_profile_finish was called; 0 = none
    bool lists_blocks;
    size_t first_block, n_blocks; // into `blocks`, by address
};

// A site over all moments: sites[order[first]] .. are its own, those of one moment together.
struct seep_profile_row {
    size_t first, n;
    uint32_t subject;
};

// How one site of one moment grew.
struct seep_profile_growth {
    uint32_t process; // id
    uint32_t name;    // in `strings`
    enum seep_metric metric;
    struct seep_points points;
};

// One file, or a part of one.
struct seep_profile_moment {
    uint32_t source;                   // index of the file
    int64_t start_ns, end_ns;          // of its ticks; SEEP_NO_TIME = unknown
    uint32_t kernel;                   // id of the process that stands for the kernel
    size_t n_kinds[SEEP_N_SITE_KINDS]; // facts about sites and frees, by kind
};

struct seep_profile {
    struct seep_sink sink; // first; give &profile.sink to the source
    struct seep_intern strings;
    struct seep_stacks stacks;
    struct seep_machine *machines;
    size_t n_machines, machines_capacity;
    struct seep_profile_moment *moments;
    size_t n_moments, moments_capacity;
    struct seep_profile_process *processes; // processes[id - 1]
    size_t n_processes, processes_capacity;
    struct seep_module *modules;
    size_t n_modules, modules_capacity;
    struct seep_profile_site *sites;
    size_t n_sites, sites_capacity;
    struct seep_site_frees *frees;
    uint32_t *frees_moment; // the same indexes
    size_t n_frees, frees_capacity, frees_moment_capacity;
    struct seep_profile_growth *growth; // growth[series id - 1]
    size_t n_growth, growth_capacity;
    struct seep_site_block *blocks;
    size_t n_blocks, blocks_capacity;
    int64_t tick_ns;
    uint32_t n_files;
    // Since the newest tick came after sites: what is to be undone, and what belongs to a new
    // moment, if more sites follow.
    struct {
        bool is;
        int64_t start_ns, end_ns; // of the moment before it
        size_t first_process;     // announced since
    } next;

    // Made by seep_profile_finish.
    struct seep_profile_subject *subjects;
    size_t n_subjects, subjects_capacity;
    struct seep_profile_row *rows;
    size_t n_rows, rows_capacity;
    size_t *order;
};

// Makes an empty collection; the caller owns it: seep_profile_clear.
void seep_profile_init(struct seep_profile *profile);

// Begins the next file; to be called before its first fact. False when memory is out.
bool seep_profile_begin(struct seep_profile *profile);

// Sorts and brings together what was collected. To be called once, after the last fact. False when
// memory is out.
bool seep_profile_finish(struct seep_profile *profile);

void seep_profile_clear(struct seep_profile *profile);

// What a row amounts to in one moment: the sums of its sites there. `*newest` is one of them, or
// NULL where the moment has none.
struct seep_profile_sums {
    uint64_t outstanding_count, outstanding_bytes, allocs, frees, alloc_bytes, dead_count;
    uint64_t survivor_count, survivor_bytes; // UINT64_MAX = not known
    uint64_t overhead_bytes;                 // 0 = unknown
    int64_t oldest_ns;
};
const struct seep_profile_site *seep_profile_sum(const struct seep_profile *profile, size_t row,
                                                 uint32_t moment, struct seep_profile_sums *sums);

// The module that a frame of a process of the profile lies in: one with the frame's module base, of
// the process or the kernel. NULL where none is known, or where two different ones were there.
const struct seep_module *seep_profile_module(const struct seep_profile *profile, uint32_t process,
                                              const struct seep_frame *frame);

// The blocks of a row that every moment has, at the same address and of the same size. False (and
// the outputs untouched) where not every moment lists blocks, where the process was restarted in
// between, and when memory is out.
bool seep_profile_survivors(const struct seep_profile *profile, size_t row, uint64_t *count,
                            uint64_t *bytes);

// What sites of a kind are weighed by: outstanding bytes, or where they have none (handles,
// references) how many.
enum seep_metric seep_profile_metric(enum seep_site_kind kind);

// How a row grew over all moments, into `points` (emptied first): the points of its series, and one
// a moment, at its end, where there is no series. False when memory is out.
bool seep_profile_points(const struct seep_profile *profile, size_t row,
                         struct seep_points *points);

#endif
