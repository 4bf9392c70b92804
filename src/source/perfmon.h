// SPDX-License-Identifier: MIT
// Perfmon's world: from counter paths and values to machines, processes, metrics and samples.
//
// Shared by every source whose numbers are Perfmon counters. A column is one counter instance of
// the log; in each tick the reader gives values for the columns that have one, in any order, and
// ends the tick. Which process a column of the object Process belongs to is decided at the end of
// the tick, from the `ID Process` (and `Elapsed Time`, `Creating Process ID`) columns of the same
// instance, because an instance name is renumbered when an earlier one exits and a PID is reused.
//
// Every value becomes a sample under its counter path "\Object(parent/instance#n)\Counter" (no
// host), as logged; if the counter has a metric (found by counter index, else by its name in the
// languages that Windows ships), the sample carries that metric and its value is converted to the
// metric's unit (MBytes to bytes, percent to a ratio). "_Total" and "Idle" are no processes: their
// samples belong to the machine and carry no metric, except Paging File(_Total)\% Usage.
//
// A process that gets another instance name keeps its series, under the path that it had first.
// Where a subject has the same amount by several counters (Available Bytes and MBytes, Private
// Bytes and Page File Bytes, Process and Process V2), the finest one carries the metric.
#ifndef SEEP_SOURCE_PERFMON_H
#define SEEP_SOURCE_PERFMON_H

#include "base/bytes.h"
#include "base/err.h"
#include "model/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_perfmon;

// A counter instance. Strings are UTF-8; NULL or "" = absent.
struct seep_perfmon_counter {
    const char *host;        // without backslashes
    const char *object;      // "Process"
    const char *parent;      // the part before '/' in "parent/instance"
    const char *instance;    // "explorer", "chrome#3", "_Total", "chrome:4711" (Process V2)
    uint32_t instance_index; // the n of "#n" where the log keeps it apart; 0 = none
    const char *counter;     // "Private Bytes"
    uint32_t object_index, counter_index; // Perflib title indexes (230, 186); 0 = unknown
};

struct seep_perfmon_column {
    uint32_t v; // 0 = none
};

// Starts a run over one log. Facts go to `sink`.
struct seep_perfmon *seep_perfmon_open(struct seep_sink *sink, struct seep_err *err);
void seep_perfmon_close(struct seep_perfmon *pm);

// Splits "\\HOST\Object(parent/instance#n)\Counter" (instances may hold parentheses, slashes and
// '#'; the host may be missing). The strings are copied into `room`. False when it is no counter
// path.
struct seep_arena;
bool seep_perfmon_split(struct seep_bytes path, struct seep_arena *room,
                        struct seep_perfmon_counter *counter);

// What is known of a machine besides its name, before its first column; may be left out.
bool seep_perfmon_machine(struct seep_perfmon *pm, const struct seep_machine *machine);

// Announces a column; equal counters give the same column. 0 only when memory is out or the sink
// refused.
struct seep_perfmon_column seep_perfmon_column(struct seep_perfmon *pm,
                                               const struct seep_perfmon_counter *counter);

// Opens a tick, gives values, ends it. Time may go backwards between ticks: each one is kept, and
// the reader records the loss.
bool seep_perfmon_tick(struct seep_perfmon *pm, int64_t t_ns);
void seep_perfmon_value(struct seep_perfmon *pm, struct seep_perfmon_column column, double value);
bool seep_perfmon_tick_end(struct seep_perfmon *pm);

// Records the losses that only the whole log shows (identities that could not be known). Call once,
// at the end.
bool seep_perfmon_finish(struct seep_perfmon *pm);

#endif
