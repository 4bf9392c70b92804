// SPDX-License-Identifier: MIT
// A series on an even grid of time, and its floor: what stays in use when everything that can be
// given back has been given back.
//
// Points are irregular (kept on change, with a heartbeat), so a value is held until the next point
// and every statistic is taken over time, not over points.
#ifndef SEEP_DETECT_FLOOR_H
#define SEEP_DETECT_FLOOR_H

#include "detect/cells.h"
#include "detect/trend.h"
#include "model/series.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_grid {
    size_t n;       // cells, at most SEEP_TREND_MAX; those inside gaps are left out
    double cell_ns; // width of a cell
    int64_t start_ns, end_ns;
    int64_t t_ns[SEEP_TREND_MAX]; // the middle of each cell
    double low[SEEP_TREND_MAX];   // the least value held in it
    double level[SEEP_TREND_MAX]; // the mean over time
    bool broken[SEEP_TREND_MAX];  // a gap lies between this cell and the one before
    size_t n_gaps;
    double gap_ns; // in all
};

// Adds 2^32 after every wrap of a 32-bit counter, in place. A fall counts as a wrap when every
// value is below 2^32, it goes from the uppermost sixteenth of the range to the lowest, and the
// step modulo 2^32 is no larger than eight times the usual steps of the series. Returns the wraps.
size_t seep_unwrap32(struct seep_point *points, size_t n);
#define SEEP_WRAP32 4294967296.0
// Its parts: whether no 32-bit counter shows the value; and the wraps after `value`, which followed
// `before` when there had been `wraps` and steps were `usual`ly this large.
bool seep_is_wide32(double value);
size_t seep_wraps32(size_t wraps, double before, double value, double usual);

// Whether `value` is a look that failed, if it was held no longer than looks are apart: a counter
// that could not be read shows 0, and no program gives back nine tenths of what it has and takes it
// again between one look and the next.
static inline bool seep_is_failed_look(double before, double value, double after)
{
    return value < before / 10 && value < after / 10;
}
// Of so many looks so many failed: whether that is still rare. If not, it is how the series is.
bool seep_is_rare_failure(uint64_t failed, uint64_t looks);
// Puts the lesser neighbour in the place of each look that failed, unless they are many.
void seep_mend_failed_looks(struct seep_point *points, size_t n);

// Times in which nothing was written, much longer than usual.
enum { SEEP_MAX_SILENCES = 32 };
struct seep_silences {
    struct {
        int64_t from_ns, to_ns;
    } at[SEEP_MAX_SILENCES];
    size_t n;
    bool too_many;
    int64_t tick_ns; // mean time between points outside them; 0 = unknown
};

// Finds them between start_ns and end_ns. With `jumped` only those across which the value changed
// by more than it usually does. More than fit: none, for that is how the series is sampled.
void seep_silences_find(const struct seep_point *points, size_t n, int64_t start_ns, int64_t end_ns,
                        bool jumped, struct seep_silences *silences);
// Its parts: takes one pause in if it is a silence by the limits (`jump` -1 = whatever the value
// did), and ends with the tick of `n` points.
struct seep_silence_limits {
    double silence_ns, jump;
    int64_t start_ns, end_ns;
};
void seep_silences_add(struct seep_silences *silences, const struct seep_silence_limits *limits,
                       int64_t from_ns, int64_t to_ns, double step);
void seep_silences_end(struct seep_silences *silences, size_t n, int64_t first_ns, int64_t last_ns);

// Puts points on a grid of [start_ns, end_ns]; `tick_ns` is the interval at which the recorder
// looked, so that cells are never narrower. Points before the start give the value held at it. A
// silence across which the value jumped is a gap, if the machine was silent too: `machine` are the
// silences of its busiest series, NULL where there is no other series. False when there is no point
// at or before the end, or no time between start and end.
bool seep_grid_build(const struct seep_point *points, size_t n, int64_t start_ns, int64_t end_ns,
                     int64_t tick_ns, const struct seep_silences *machine, struct seep_grid *grid);

// The same from cells that hold until the end of the observation; `silences` are those of the
// series across which its value jumped.
bool seep_grid_of_cells(const struct seep_cells *cells, const struct seep_silences *silences,
                        const struct seep_silences *machine, struct seep_grid *grid);

// Takes a daily rhythm (a day's and half a day's sine) out of the levels and lows of a grid that
// spans two days or more, when it explains at least half of what a straight line leaves. The line
// is fitted with it, so that growth stays. Returns whether it did, and then what it took.
struct seep_wave {
    bool known;     // false: there is none
    double part[4]; // cosine and sine of a day and of half a day since the grid's start
    double common;  // share of a line's variation that the terms could show as well, below 1
};
bool seep_grid_remove_rhythm(struct seep_grid *grid, struct seep_wave *wave);
// Seconds after the grid's start.
double seep_wave_at(const struct seep_wave *wave, double t_s);

// Windows over the cells [from, to): x in seconds since the grid's start, y the floor (the lowest
// tenth of the cells' lows) or the median level. The cells that do not divide evenly are left off
// at the beginning. `n` at most to - from.
struct seep_windows {
    size_t n;
    double x[SEEP_TREND_MAX], y[SEEP_TREND_MAX];
    bool broken[SEEP_TREND_MAX];
};
enum seep_window_kind {
    SEEP_WINDOW_FLOOR,
    SEEP_WINDOW_LEVEL,
};
void seep_windows_make(const struct seep_grid *grid, size_t from, size_t to, size_t n,
                       enum seep_window_kind kind, struct seep_windows *windows);

#endif
