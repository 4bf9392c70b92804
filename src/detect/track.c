// SPDX-License-Identifier: MIT
// A series as the judge needs it, in bounded memory.
#include "detect/track.h"

#include "base/alloc.h"
#include "detect/cells.h"

#include <assert.h>
#include <math.h>
#include <string.h>

// How often steps of each size came: two buckets an octave, the first one for what is below 1.
enum { N_BUCKETS = 128 };
struct sizes {
    uint32_t count[N_BUCKETS];
};

// More of them cannot be longer than a fiftieth of the time each (seep_silences_find).
enum { MAX_PAUSES = 64 };
struct pause {
    int64_t from_ns, to_ns;
    double step; // of the value across it
};

struct seep_track_cells {
    struct seep_cells cells;
    struct sizes steps, times;
    struct pause pauses[MAX_PAUSES];
    size_t n_pauses, n_wraps;
    double first;
    double before; // the value before the one that is held
    uint64_t looks, failed;
    double raw; // the newest value as the counter showed it
    bool wide;  // it showed what no 32-bit counter does
};
static_assert(sizeof(struct seep_track_cells) + sizeof(struct seep_track) <= 20480,
              "what the header promises");
static_assert(SEEP_TRACK_POINTS * sizeof(struct seep_point) <= 24576, "what the header promises");

static void count_size(struct sizes *sizes, double size)
{
    int octave = 0;
    double part = frexp(size, &octave);
    int at = size < 1 ? 0 : 2 * octave + (part >= 0.70710678118654752);
    uint32_t *count = &sizes->count[at < N_BUCKETS ? at : N_BUCKETS - 1];
    *count += *count < UINT32_MAX;
}

// The size that nine tenths do not exceed: the middle of its bucket.
static double usual_size(const struct sizes *sizes)
{
    double all = 0, below = 0;
    for (size_t i = 0; i < N_BUCKETS; i++)
        all += sizes->count[i];
    for (size_t i = 0; i < N_BUCKETS; i++) {
        below += sizes->count[i];
        if (below > 0.9 * all)
            return i ? exp2(((double)i - 1.5) / 2) : 0;
    }
    return 0;
}

void seep_track_reset(struct seep_track *track, bool negated)
{
    seep_free(track->cells);
    track->cells = NULL;
    track->n = 0;
    track->negated = negated;
}

void seep_track_clear(struct seep_track *track)
{
    seep_free(track->cells);
    seep_free(track->points);
    *track = (struct seep_track){ 0 };
}

// Adds what the wraps so far make of a value, and counts a new one.
static double unwrap(struct seep_track_cells *c, double value)
{
    c->wide = c->wide || seep_is_wide32(value);
    if (!c->wide && fabs(value - c->raw) > SEEP_WRAP32 / 2)
        c->n_wraps = seep_wraps32(c->n_wraps, c->raw, value, usual_size(&c->steps));
    c->raw = value;
    return value + SEEP_WRAP32 * (double)c->n_wraps;
}

// What the newest point was is known when the next one has come: until then it is in no cell.
static void mend(struct seep_track *track, int64_t t_ns, double value)
{
    struct seep_track_cells *c = track->cells;
    double held_ns = (double)t_ns - (double)track->last_ns;
    if (!track->negated && seep_is_failed_look(c->before, c->cells.value, value) &&
        held_ns <= 2 * usual_size(&c->times)) {
        c->failed++;
        if (seep_is_rare_failure(c->failed, c->looks))
            c->cells.value = fmin(c->before, value);
    }
    c->before = c->cells.value;
    c->looks++;
}

static void add_to_cells(struct seep_track *track, int64_t t_ns, double value)
{
    struct seep_track_cells *c = track->cells;
    double step = fabs(value - c->cells.value), wide = (double)t_ns - (double)track->last_ns;
    double least = ((double)t_ns - (double)track->first_ns) / 50;
    count_size(&c->steps, step);
    count_size(&c->times, wide);
    if (wide > least) {
        size_t kept = 0;
        for (size_t i = 0; c->n_pauses == MAX_PAUSES && i < MAX_PAUSES; i++) {
            if ((double)c->pauses[i].to_ns - (double)c->pauses[i].from_ns > least)
                c->pauses[kept++] = c->pauses[i];
        }
        if (c->n_pauses == MAX_PAUSES)
            c->n_pauses = kept < MAX_PAUSES ? kept : MAX_PAUSES - 1;
        c->pauses[c->n_pauses++] = (struct pause){ track->last_ns, t_ns, step };
    }
    mend(track, t_ns, value);
    seep_cells_add(&c->cells, t_ns, value);
    track->last_ns = t_ns;
}

// The points with wraps added and the sign that the judge wants; `at` has room for all of them.
static size_t count_points(const struct seep_track *track, struct seep_point *at)
{
    size_t n = (size_t)track->n;
    if (n)
        memcpy(at, track->points, n * sizeof *at);
    size_t wraps = seep_unwrap32(at, n);
    if (!track->negated) // there a low value is a peak of what is used
        seep_mend_failed_looks(at, n);
    for (size_t i = 0; track->negated && i < n; i++)
        at[i].value = -at[i].value;
    return wraps;
}

// From points to cells, once.
static bool change_over(struct seep_track *track)
{
    struct seep_track_cells *c = seep_alloc(1, sizeof *c);
    struct seep_point at[SEEP_TRACK_POINTS];
    size_t n = (size_t)track->n;
    if (!c)
        return false;
    c->n_wraps = count_points(track, at);
    c->raw = track->points[n - 1].value;
    for (size_t i = 0; i < n; i++)
        c->wide = c->wide || seep_is_wide32(track->points[i].value);
    c->first = c->before = at[0].value;
    seep_cells_begin(&c->cells, at[0].t_ns, at[0].value,
                     (uint64_t)at[n - 1].t_ns - (uint64_t)at[0].t_ns);
    track->cells = c;
    track->last_ns = at[0].t_ns;
    for (size_t i = 1; i < n; i++)
        add_to_cells(track, at[i].t_ns, at[i].value);
    seep_free(track->points);
    track->points = NULL;
    track->capacity = 0;
    return true;
}

double seep_track_raw(const struct seep_track *track)
{
    return track->cells ? track->cells->raw : track->points[track->n - 1].value;
}

bool seep_track_add(struct seep_track *track, int64_t t_ns, double value)
{
    if (track->n && t_ns <= track->last_ns)
        return true;
    if (!track->cells && track->n == SEEP_TRACK_POINTS && !change_over(track))
        return false;
    track->constant = !track->n || (track->constant && value == seep_track_raw(track));
    if (track->cells) {
        double counted = unwrap(track->cells, value);
        add_to_cells(track, t_ns, track->negated ? -counted : counted);
    } else {
        size_t n = (size_t)track->n;
        if (!seep_grow(&track->points, &track->capacity, n + 1, sizeof *track->points))
            return false;
        track->points[n] = (struct seep_point){ t_ns, value };
        track->first_ns = n ? track->first_ns : t_ns;
        track->last_ns = t_ns;
    }
    track->n++;
    return true;
}

bool seep_track_copy(struct seep_track *to, const struct seep_track *from)
{
    size_t n = from->cells ? 0 : (size_t)from->n;
    if (from->cells && !to->cells) {
        to->cells = seep_alloc(1, sizeof *to->cells);
        if (!to->cells)
            return false;
    }
    if (!seep_grow(&to->points, &to->capacity, n, sizeof *to->points))
        return false;
    if (n)
        memcpy(to->points, from->points, n * sizeof *to->points);
    if (from->cells) {
        *to->cells = *from->cells;
    } else {
        seep_free(to->cells);
        to->cells = NULL;
    }
    to->n = from->n;
    to->first_ns = from->first_ns;
    to->last_ns = from->last_ns;
    to->negated = from->negated;
    to->constant = from->constant;
    return true;
}

size_t seep_track_bytes(const struct seep_track *track)
{
    return sizeof *track + track->capacity * sizeof *track->points +
           (track->cells ? sizeof *track->cells : 0);
}

void seep_track_ends(const struct seep_track *track, struct seep_track_ends *ends)
{
    struct seep_point at[SEEP_TRACK_POINTS];
    *ends = (struct seep_track_ends){ NAN, NAN, 0 };
    if (track->cells) {
        ends->first = track->cells->first;
        ends->newest = track->cells->cells.value;
        ends->n_wraps = track->cells->n_wraps;
    } else if (track->n) {
        ends->n_wraps = count_points(track, at);
        ends->first = at[0].value;
        ends->newest = at[track->n - 1].value;
    }
}

void seep_track_silences(const struct seep_track *track, int64_t start_ns, int64_t end_ns,
                         bool jumped, struct seep_silences *silences)
{
    const struct seep_track_cells *c = track->cells;
    if (!c) {
        seep_silences_find(track->points, (size_t)track->n, start_ns, end_ns, jumped, silences);
        return;
    }
    struct seep_silence_limits limits = { .silence_ns = 12 * usual_size(&c->times),
                                          .jump = jumped ? 4 * usual_size(&c->steps) : -1,
                                          .start_ns = start_ns,
                                          .end_ns = end_ns };
    *silences = (struct seep_silences){ 0 };
    for (size_t i = 0; i < c->n_pauses; i++)
        seep_silences_add(silences, &limits, c->pauses[i].from_ns, c->pauses[i].to_ns,
                          c->pauses[i].step);
    seep_silences_end(silences, (size_t)track->n, track->first_ns, track->last_ns);
}

bool seep_track_grid(const struct seep_track *track, int64_t end_ns, int64_t tick_ns,
                     const struct seep_silences *machine, struct seep_grid *grid)
{
    if (track->cells) {
        struct seep_silences silences;
        struct seep_cells cells = track->cells->cells;
        seep_cells_hold(&cells, end_ns);
        seep_track_silences(track, track->first_ns, end_ns, true, &silences);
        return seep_grid_of_cells(&cells, &silences, machine, grid);
    }
    struct seep_point at[SEEP_TRACK_POINTS];
    (void)count_points(track, at);
    return track->n &&
           seep_grid_build(at, (size_t)track->n, at[0].t_ns, end_ns, tick_ns, machine, grid);
}
