// SPDX-License-Identifier: MIT
// What Perfmon's names mean: which metric a counter is, and which process an instance names.
#ifndef SEEP_SOURCE_PERFMON_NAMES_H
#define SEEP_SOURCE_PERFMON_NAMES_H

#include "base/buf.h"
#include "model/series.h"
#include "nt/counter_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The metric of a counter, SEEP_METRIC_NONE if it has none. `*factor` converts a logged value to
// the metric's unit: value * factor, or value / -factor where it is below 0. `instance` may be
// NULL.
enum seep_metric seep_perfmon_metric(enum seep_perf_object object, enum seep_perf_counter counter,
                                     const char *instance, double *factor);

// Whether one of the counters (bits of enum seep_perf_counter, of the same subject) gives the
// metric of `counter` more exactly: bytes instead of megabytes, private bytes instead of page file
// bytes.
bool seep_perfmon_has_finer(uint32_t counters, enum seep_perf_counter counter);

struct seep_perfmon_instance {
    bool is_process;  // not "_Total", not "Idle"
    bool shares_name; // "svchost#1": an earlier instance of the same image exists
    int64_t pid;      // of a Process V2 instance, -1 = the name tells none
};

// What an instance name of a process object says; its image goes to `image` (emptied first). The
// image of a Process instance without a PID has the suffix "#n" only if `numbered` is set.
void seep_perfmon_instance(enum seep_perf_object object, const char *name, bool numbered,
                           struct seep_perfmon_instance *instance, struct seep_buf *image);

#endif
