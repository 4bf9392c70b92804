// SPDX-License-Identifier: MIT
// The fact *sample*: subject x metric x time -> value. What does not change from sample to sample
// is a *series*.
//
// Two series are the same when machine, subject, metric and counter are equal. A sample's value is
// in the base unit of its metric (bytes, count, ratio 0..1); for a series without a metric it is
// the number that the source's own tool would show.
#ifndef SEEP_MODEL_SERIES_H
#define SEEP_MODEL_SERIES_H

#include "model/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_metric {
    SEEP_METRIC_NONE = 0, // a counter that is kept under its path only
    SEEP_METRIC_PRIVATE_BYTES,
    SEEP_METRIC_VIRTUAL_BYTES,
    SEEP_METRIC_WORKING_SET_BYTES,
    SEEP_METRIC_HANDLES,
    SEEP_METRIC_THREADS,
    SEEP_METRIC_GDI_OBJECTS,
    SEEP_METRIC_USER_OBJECTS,
    SEEP_METRIC_PAGED_POOL_BYTES,
    SEEP_METRIC_NONPAGED_POOL_BYTES,
    SEEP_METRIC_COMMIT_BYTES,
    SEEP_METRIC_COMMIT_LIMIT_BYTES,
    SEEP_METRIC_AVAILABLE_BYTES,
    SEEP_METRIC_PAGEFILE_USAGE_RATIO,
    SEEP_METRIC_OUTSTANDING_BYTES,
    SEEP_METRIC_OUTSTANDING_COUNT,
    SEEP_METRIC_ZOMBIES,
    SEEP_N_METRICS,
};

// The name in the documents ("private_bytes"), NULL for SEEP_METRIC_NONE.
const char *seep_metric_name(enum seep_metric metric);

// What a value is counted in: "bytes", "count" or "ratio"; NULL for SEEP_METRIC_NONE.
const char *seep_metric_unit(enum seep_metric metric);

// The metric of a name, SEEP_METRIC_NONE if there is none.
enum seep_metric seep_metric_from_name(const char *name);

enum seep_subject_kind {
    SEEP_SUBJECT_MACHINE = 0,
    SEEP_SUBJECT_PROCESS,
    SEEP_SUBJECT_POOL_TAG, // on Linux: a slab cache
    SEEP_SUBJECT_DRIVER,
    SEEP_SUBJECT_SITE,
    SEEP_SUBJECT_HEAP,
    SEEP_N_SUBJECT_KINDS,
};

// "machine", "process", "pool-tag", "driver", "site", "heap".
const char *seep_subject_kind_name(enum seep_subject_kind kind);

struct seep_subject {
    enum seep_subject_kind kind;
    struct seep_machine_id machine;
    struct seep_process_id process; // for a process and what lives in one; 0 = none
    const char *name; // the pool tag, driver, site or heap; NULL for machine and process
};

struct seep_series {
    struct seep_subject subject;
    enum seep_metric metric;
    const char *counter; // where the number comes from: "\Process(explorer)\Private Bytes",
                         // "/proc/PID/statm resident-shared"
};

struct seep_point {
    int64_t t_ns;
    double value;
};

// The points of one series in the order of time; storage belongs to the holder (seep_points_clear).
struct seep_points {
    struct seep_point *at;
    size_t count, capacity;
};

bool seep_points_add(struct seep_points *points, int64_t t_ns, double value);
void seep_points_clear(struct seep_points *points);

#endif
