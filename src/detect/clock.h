// SPDX-License-Identifier: MIT
// When a recorder looked at a machine. A recording keeps a value only when it changed, so how often
// it looked shows in its busiest series, and how long a quiet one may be quiet in its quietest.
//
// Files of one format are taken to be of one recorder; growth curves of a trace have a clock of
// their own. So a trace of a second beside two looks at pool a day apart makes neither of them
// steady.
#ifndef SEEP_DETECT_CLOCK_H
#define SEEP_DETECT_CLOCK_H

#include "detect/floor.h"
#include "model/dataset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEP_MAX_CLOCKS = 16 };

struct seep_clock {
    const char *format; // of its sources
    bool sites;         // of a trace
    int64_t start_ns, end_ns;
    double tick, heartbeat;        // of the series seen so far, in ns
    int64_t tick_ns;               // between looks; 0 = unknown
    int64_t heartbeat_ns;          // the longest usual silence of a series, an estimate
    size_t busiest;                // index of its busiest series + 1; 0 = none
    struct seep_silences silences; // of that one
};

struct seep_scene;

// The clock of a series, a new one where there was none.
struct seep_clock *seep_clock_add(struct seep_scene *scene, size_t series);
// Takes a series into account that was seen from `first_ns` to `last_ns`.
void seep_clock_see(struct seep_clock *clock, const struct seep_dataset *data, size_t series,
                    int64_t first_ns, int64_t last_ns);
// To be called once all its series were seen.
void seep_clock_set(struct seep_clock *clock);

// The clock of a series that was seen.
const struct seep_clock *seep_clock_of(const struct seep_scene *scene, size_t series);
// When its recorder was off; NULL = not known.
const struct seep_silences *seep_clock_silences(const struct seep_clock *clock);

#endif
