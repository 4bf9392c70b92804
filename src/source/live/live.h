// SPDX-License-Identifier: MIT
// The live source: samples of this machine as facts.
//
// A number becomes a point when it changed, when it has not been repeated for `heartbeat_ns`, and
// once more with the last sample before its process ended, before a gap in the recording and before
// the end. So a value holds until the next point of its series, and the last point tells how far
// the series reaches. For the last points the tick of the previous sample is opened again.
//
// The blocks that a pool tag has in use change nearly always: of them every eighth sample can
// become a point. At the first sample, the last one and one of each hour (`look_ns`) stands a look:
// all counts of all tags, and what the memory is used for.
//
// Numbers that are 0 on almost every process or pool tag (`zombies`, what a tag has) become
// series when they are first not 0.
#ifndef SEEP_SOURCE_LIVE_LIVE_H
#define SEEP_SOURCE_LIVE_LIVE_H

#include "base/err.h"
#include "model/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_live;

// Which processes become facts; the machine's totals and pool tags always do. Without `pids` and
// `name_pattern` all do, otherwise those that either of them names.
struct seep_live_options {
    // These and their descendants: a process belongs to them when its parent does at its first
    // sample, and stays even if the parent ends. A child whose parent ended before the first sample
    // that shows the child is not found. A PID stands for the first process seen with it.
    const uint32_t *pids;
    size_t n_pids;
    // A glob (`*`, `?`) for the whole image name, or, without such a character, a part of it; ASCII
    // letters match without regard to case. NULL = none.
    const char *name_pattern;
    int64_t heartbeat_ns; // 0 = every number of every sample becomes a point
    int64_t look_ns;      // between two looks; 0 = an hour
};

// Opens a sampler. The options are copied; `sink` must live longer than the result, which
// seep_live_close frees.
bool seep_live_open(struct seep_live **live, const struct seep_live_options *options,
                    struct seep_sink *sink, struct seep_err *err);

// Takes one sample and pushes it: the machine and new processes, the ends of those that are gone
// (their end is the time of the first sample without them), a tick and its samples. Time never goes
// back: where the wall clock was set back, times go on with the monotonic clock.
// False when no sample could be taken (nothing was pushed) or the sink refused.
bool seep_live_take(struct seep_live *live, struct seep_err *err);

// Processes of the last sample that became facts, and its time (SEEP_NO_TIME before the first).
size_t seep_live_n_processes(const struct seep_live *live);
int64_t seep_live_last_ns(const struct seep_live *live);

// Pushes the last points. Nothing can be taken afterwards.
bool seep_live_finish(struct seep_live *live, struct seep_err *err);

// Finishes, if that has not been done, and frees. NULL is allowed.
void seep_live_close(struct seep_live *live);

#endif
