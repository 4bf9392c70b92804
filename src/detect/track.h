// SPDX-License-Identifier: MIT
// A series as the judge needs it, in bounded memory: its points while they are few, its cells when
// they have become many. Points are added in the order of time as they come.
//
// The batch judge and the streaming one both judge tracks, and a track depends on nothing but the
// points added to it. So they agree on the same points to the last bit.
#ifndef SEEP_DETECT_TRACK_H
#define SEEP_DETECT_TRACK_H

#include "detect/floor.h"
#include "model/series.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_track_cells;

// Points that are kept as they came: a day at one a minute. Where each look of the recorder has a
// cell of its own in the grid, there are fewer of them.
enum { SEEP_TRACK_POINTS = 1536 };

// Zeroed = empty. The holder owns its storage: seep_track_clear.
struct seep_track {
    uint64_t n;                // points added
    int64_t first_ns, last_ns; // of them
    bool negated;
    bool constant;             // every point has the same value
    struct seep_point *points; // the first n as they came, while n <= SEEP_TRACK_POINTS
    size_t capacity;
    struct seep_track_cells *cells; // the rest of the time
};

// Memory to be had is judged by what is gone of it.
static inline bool seep_track_is_negated(enum seep_metric metric)
{
    return metric == SEEP_METRIC_AVAILABLE_BYTES;
}

// Empties it and keeps its storage.
void seep_track_reset(struct seep_track *track, bool negated);
void seep_track_clear(struct seep_track *track);

// A point at or before the last one is ignored. False when memory is out; nothing has changed then.
bool seep_track_add(struct seep_track *track, int64_t t_ns, double value);

// Makes `*to` (which keeps its storage) the same as `*from`. False when memory is out.
bool seep_track_copy(struct seep_track *to, const struct seep_track *from);

// Bytes of memory that it holds, itself included; never more than 36 KiB.
size_t seep_track_bytes(const struct seep_track *track);

// The first and the newest value, the wraps of a 32-bit counter added (seep_unwrap32). Of many
// points a wrap is judged by the steps that came before it; of few, by all.
struct seep_track_ends {
    double first, newest;
    size_t n_wraps;
};
void seep_track_ends(const struct seep_track *track, struct seep_track_ends *ends);

// The newest value as it was added; the track is not empty.
double seep_track_raw(const struct seep_track *track);

// As seep_silences_find. Of many points the usual steps are known to the half of an octave.
void seep_track_silences(const struct seep_track *track, int64_t start_ns, int64_t end_ns,
                         bool jumped, struct seep_silences *silences);

// As seep_grid_build, from the first point to `end_ns`, which is not before the last one.
bool seep_track_grid(const struct seep_track *track, int64_t end_ns, int64_t tick_ns,
                     const struct seep_silences *machine, struct seep_grid *grid);

#endif
