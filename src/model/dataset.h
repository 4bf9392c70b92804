// SPDX-License-Identifier: MIT
// What the detectors and reports read: the facts of a case, one series at a time.
//
// Whoever holds facts implements this (the case does). Arrays belong to the holder and stay valid
// until it closes; ids are indexes into them, counted from 1. Points are loaded for one series
// after another, so memory does not grow with the length of a log.
#ifndef SEEP_MODEL_DATASET_H
#define SEEP_MODEL_DATASET_H

#include "base/buf.h"
#include "base/err.h"
#include "model/event.h"
#include "model/loss.h"
#include "model/machine.h"
#include "model/pool.h"
#include "model/process.h"
#include "model/series.h"
#include "model/site.h"
#include "model/space.h"
#include "model/vm.h"
#include "model/zombie.h"

#include <stddef.h>
#include <stdint.h>

// A file or a recording that facts came from.
struct seep_dataset_source {
    const char *path, *format;
    uint64_t size_bytes, read_bytes;
    uint64_t facts[16]; // by enum seep_fact_kind
    const struct seep_loss *losses;
    size_t n_losses;
};

struct seep_dataset_series {
    struct seep_series series;
    struct seep_source_id source; // the first one that gave a point
    uint64_t n_points;
    int64_t first_ns, last_ns;
};

// A process at one moment, of which regions, modules, handles, heaps or blocks are known.
struct seep_dataset_snapshot {
    struct seep_source_id source;
    struct seep_process_id process; // 0 = the kernel
    int64_t taken_ns;               // SEEP_NO_TIME = unknown
};

// An allocation site whose growth is a series (subject SEEP_SUBJECT_SITE of the same process and
// name). Its stack is the holder's: see `blame`.
struct seep_dataset_site {
    struct seep_site site;
    struct seep_source_id source;
    size_t row; // among all sites of the holder, counted from 0
};

// What was counted of a tag in one look (tags of the same `look` were counted together; looks are
// numbered from 1 in the order of their time, those of no known time by file and place in it).
struct seep_dataset_pool_tag {
    struct seep_pool_tag tag;
    struct seep_source_id source;
    int64_t taken_ns; // SEEP_NO_TIME = unknown
    uint32_t look;
};

struct seep_dataset_vm {
    struct seep_vm vm;
    struct seep_source_id source;
    int64_t taken_ns;
};

struct seep_dataset_zombie {
    struct seep_zombie zombie;
    struct seep_source_id source;
    int64_t taken_ns;
};

// All handles that one process holds to another that has exited, or to threads of it.
struct seep_dataset_hold {
    struct seep_process_id holder, zombie;
    struct seep_source_id source;
    uint64_t n_handles;
};

struct seep_dataset {
    const struct seep_dataset_source *sources;
    size_t n_sources;
    const struct seep_machine *machines;
    size_t n_machines;
    const struct seep_process *processes;
    size_t n_processes;
    const struct seep_dataset_series *series;
    size_t n_series;
    const struct seep_event *events; // in the order of time
    const struct seep_source_id *event_sources;
    size_t n_events;

    // Puts the points of series `index + 1` into `points` (emptied first), in the order of time,
    // one value a moment.
    bool (*points)(void *ctx, size_t index, struct seep_points *points, struct seep_err *err);

    // In the order in which they came.
    const struct seep_dataset_snapshot *snapshots;
    size_t n_snapshots;

    // Loads snapshot `index + 1` into an empty collection that the caller owns: `spaces->at[0]`,
    // and no space at all where it has no facts or is the kernel's. Process ids are those of the
    // dataset.
    bool (*space)(void *ctx, size_t index, struct seep_spaces *spaces, struct seep_err *err);
    void *ctx;

    const struct seep_dataset_site *sites;
    size_t n_sites;
    // Names who is to blame for site `index + 1`, for people: the first frame that is the
    // application's own, and the stack from there on, parted by " < ". False where nothing is
    // known. NULL = nobody knows.
    bool (*blame)(void *ctx, size_t index, struct seep_buf *function, struct seep_buf *stack);
    void *blame_ctx;

    const struct seep_dataset_pool_tag *pool_tags; // by machine, look, tag, session, pool
    size_t n_pool_tags;
    const struct seep_dataset_vm *vms; // by machine and time
    size_t n_vms;
    const struct seep_dataset_zombie *zombies; // by process and time
    size_t n_zombies;
    const struct seep_dataset_hold *holds; // by holder and zombie
    size_t n_holds;
    // Who is behind a pool tag; what it gives is valid as long as the holder of the context is.
    // NULL = nobody knows.
    const struct seep_tag_owners *(*owners)(void *ctx, const char *tag);
    void *owners_ctx;
};

#endif
