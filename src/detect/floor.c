// SPDX-License-Identifier: MIT
// A series on an even grid of time, and its floor.
#include "detect/floor.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

// Fewer points have no usual step.
enum { MIN_POINTS = 8 };

// The `share` quantile of the steps between neighbours, by size, from at most 256 of them;
// `in_time` takes the times instead of the values.
static double usual_step(const struct seep_point *points, size_t n, double share, bool in_time)
{
    enum { AT_MOST = 256 };
    double steps[AT_MOST];
    size_t m = 0, stride = n / AT_MOST + 1;
    for (size_t i = 1; i < n && m < AT_MOST; i += stride)
        steps[m++] = in_time ? (double)points[i].t_ns - (double)points[i - 1].t_ns
                             : fabs(points[i].value - points[i - 1].value);
    if (m == 0)
        return 0;
    seep_sort(steps, m);
    size_t at = (size_t)(share * (double)m);
    return steps[at < m ? at : m - 1];
}

bool seep_is_wide32(double value)
{
    return value >= SEEP_WRAP32 || value < 0;
}

size_t seep_wraps32(size_t wraps, double before, double value, double usual)
{
    double up = value + SEEP_WRAP32 - before, down = before + SEEP_WRAP32 - value;
    if (before >= SEEP_WRAP32 * 15 / 16 && value <= SEEP_WRAP32 / 16 && up <= 8 * usual)
        return wraps + 1;
    if (wraps && value >= SEEP_WRAP32 * 15 / 16 && before <= SEEP_WRAP32 / 16 && down <= 8 * usual)
        return wraps - 1;
    return wraps;
}

size_t seep_unwrap32(struct seep_point *points, size_t n)
{
    bool falls = false;
    for (size_t i = 0; i < n; i++) {
        if (seep_is_wide32(points[i].value))
            return 0;
        falls = falls || (i && points[i - 1].value - points[i].value > SEEP_WRAP32 / 2);
    }
    if (!falls)
        return 0;
    double usual = usual_step(points, n, 0.9, false);
    size_t wraps = 0;
    double before = points[0].value;
    for (size_t i = 1; i < n; i++) {
        wraps = seep_wraps32(wraps, before, points[i].value, usual);
        before = points[i].value;
        points[i].value += SEEP_WRAP32 * (double)wraps;
    }
    return wraps;
}

bool seep_is_rare_failure(uint64_t failed, uint64_t looks)
{
    return failed <= looks / 10 + 2;
}

void seep_mend_failed_looks(struct seep_point *points, size_t n)
{
    uint64_t failed = 0;
    double usual_ns = usual_step(points, n, 0.9, true);
    for (int mending = 0; mending < 2; mending++) {
        for (size_t i = 1; i + 1 < n; i++) {
            double before = points[i - 1].value, after = points[i + 1].value;
            double held_ns = (double)points[i + 1].t_ns - (double)points[i].t_ns;
            if (!seep_is_failed_look(before, points[i].value, after) || held_ns > 2 * usual_ns)
                continue;
            failed += !mending;
            if (mending)
                points[i].value = fmin(before, after);
        }
        if (failed == 0 || !seep_is_rare_failure(failed, n))
            return;
    }
}

void seep_silences_add(struct seep_silences *silences, const struct seep_silence_limits *limits,
                       int64_t from_ns, int64_t to_ns, double step)
{
    double wide = (double)to_ns - (double)from_ns;
    double least = ((double)limits->end_ns - (double)limits->start_ns) / 50;
    if (silences->too_many || wide <= limits->silence_ns || wide <= least ||
        to_ns <= limits->start_ns || from_ns >= limits->end_ns || step <= limits->jump)
        return;
    if (silences->n == SEEP_MAX_SILENCES) {
        silences->n = 0;
        silences->too_many = true;
        return;
    }
    silences->at[silences->n].from_ns = from_ns;
    silences->at[silences->n++].to_ns = to_ns;
}

void seep_silences_end(struct seep_silences *silences, size_t n, int64_t first_ns, int64_t last_ns)
{
    double silent = 0;
    for (size_t i = 0; i < silences->n; i++)
        silent += (double)silences->at[i].to_ns - (double)silences->at[i].from_ns;
    if (n > silences->n + 1)
        silences->tick_ns = (int64_t)(((double)last_ns - (double)first_ns - silent) /
                                      (double)(n - 1 - silences->n));
}

void seep_silences_find(const struct seep_point *points, size_t n, int64_t start_ns, int64_t end_ns,
                        bool jumped, struct seep_silences *silences)
{
    struct seep_silence_limits limits = { .silence_ns = 12 * usual_step(points, n, 0.9, true),
                                          .jump =
                                              jumped ? 4 * usual_step(points, n, 0.9, false) : -1,
                                          .start_ns = start_ns,
                                          .end_ns = end_ns };
    *silences = (struct seep_silences){ 0 };
    for (size_t i = 1; n >= MIN_POINTS && i < n; i++)
        seep_silences_add(silences, &limits, points[i - 1].t_ns, points[i].t_ns,
                          fabs(points[i].value - points[i - 1].value));
    if (n)
        seep_silences_end(silences, n, points[0].t_ns, points[n - 1].t_ns);
}

// Whether the machine was silent for at least half of [from, to).
static bool was_silent(const struct seep_silences *machine, int64_t from, int64_t to)
{
    double silent = 0;
    for (size_t i = 0; machine && i < machine->n; i++) {
        double start = fmax((double)machine->at[i].from_ns, (double)from);
        double end = fmin((double)machine->at[i].to_ns, (double)to);
        silent += fmax(end - start, 0);
    }
    return !machine || silent >= ((double)to - (double)from) / 2;
}

// A cell that falls below half of both its neighbours is a sample that went wrong (a counter read
// as 0 while a process was being torn down), not memory given back and taken again.
static void mend_dips(double *y, const bool *broken, size_t n)
{
    for (size_t i = 1; i + 1 < n; i++) {
        double beside = fmin(y[i - 1], y[i + 1]);
        if (!broken[i] && !broken[i + 1] && beside > 0 && y[i] < beside / 2)
            y[i] = beside;
    }
}

static bool in_gap(const struct seep_silences *gaps, size_t *next, int64_t from, int64_t to)
{
    while (*next < gaps->n && gaps->at[*next].to_ns <= from)
        ++*next;
    return *next < gaps->n && gaps->at[*next].from_ns < to && gaps->at[*next].to_ns > to;
}

// Keeps of the silences of a series those in which the machine was silent too.
static void confirm_gaps(struct seep_silences *gaps, const struct seep_silences *machine,
                         struct seep_grid *grid)
{
    grid->n_gaps = 0;
    grid->gap_ns = 0;
    for (size_t i = 0; i < gaps->n; i++) {
        if (!was_silent(machine, gaps->at[i].from_ns, gaps->at[i].to_ns))
            continue;
        gaps->at[grid->n_gaps++] = gaps->at[i];
        grid->gap_ns += (double)gaps->at[i].to_ns - (double)gaps->at[i].from_ns;
    }
    gaps->n = grid->n_gaps;
}

static bool mend(struct seep_grid *grid)
{
    mend_dips(grid->low, grid->broken, grid->n);
    mend_dips(grid->level, grid->broken, grid->n);
    return grid->n > 0;
}

// Where the cells that are read make the grid's: least value and mean over [from, to). A cell of
// the source lends its least value where its middle lies; `*at` is the first one not yet passed.
static void merge_cells(const struct seep_cells *cells, size_t *at, double from, double to,
                        double *low, double *level)
{
    double width = (double)cells->width_ns, area = 0, least = INFINITY;
    size_t i = *at;
    for (; i < cells->n && (double)i * width < to; i++) {
        double left = (double)i * width, right = fmin(left + width, (double)cells->covered_ns);
        double middle = (left + right) / 2;
        area += (double)cells->mean[i] * fmax(fmin(right, to) - fmax(left, from), 0);
        if (middle >= from && middle < to)
            least = fmin(least, (double)cells->low[i]);
    }
    size_t last = i ? i - 1 : 0;
    *low = cells->first + (least < INFINITY ? least : (double)cells->low[last]);
    *level = cells->first + area / (to - from);
    *at = last; // it may reach into the next one
}

bool seep_grid_of_cells(const struct seep_cells *cells, const struct seep_silences *silences,
                        const struct seep_silences *machine, struct seep_grid *grid)
{
    struct seep_silences gaps = *silences;
    size_t n = cells->n < SEEP_TREND_MAX ? cells->n : SEEP_TREND_MAX, next_gap = 0, at = 0;
    bool broken = false;
    if (n == 0)
        return false;
    confirm_gaps(&gaps, machine, grid);
    double span = (double)cells->covered_ns, width = span / (double)n;
    grid->n = 0;
    grid->cell_ns = width;
    grid->start_ns = cells->start_ns;
    grid->end_ns = (int64_t)((uint64_t)cells->start_ns + cells->covered_ns);
    for (size_t i = 0; i < n; i++) {
        double left = (double)i * width, right = left + width;
        int64_t from = (int64_t)((uint64_t)cells->start_ns + (uint64_t)left);
        int64_t to = (int64_t)((uint64_t)cells->start_ns + (uint64_t)fmin(right, span));
        size_t k = grid->n;
        merge_cells(cells, &at, left, right, &grid->low[k], &grid->level[k]);
        if (in_gap(&gaps, &next_gap, from, to)) {
            broken = true;
            continue;
        }
        grid->n++;
        grid->t_ns[k] = (int64_t)((uint64_t)cells->start_ns + (uint64_t)(left + width / 2));
        grid->broken[k] = broken && k > 0;
        broken = false;
    }
    return mend(grid);
}

// Least value and mean over [from, to) with values held; `*at` is the last point at or before
// `from` and moves on to the last one before `to`.
static void cell(const struct seep_point *points, size_t n, size_t *at, int64_t from, int64_t to,
                 double *low, double *level)
{
    while (*at + 1 < n && points[*at + 1].t_ns <= from)
        ++*at;
    double least = points[*at].value, area = 0;
    int64_t t = from;
    while (*at + 1 < n && points[*at + 1].t_ns < to) {
        area += points[*at].value * ((double)points[*at + 1].t_ns - (double)t);
        t = points[++*at].t_ns;
        least = fmin(least, points[*at].value);
    }
    area += points[*at].value * ((double)to - (double)t);
    *low = least;
    *level = area / ((double)to - (double)from);
}

bool seep_grid_build(const struct seep_point *points, size_t n, int64_t start_ns, int64_t end_ns,
                     int64_t tick_ns, const struct seep_silences *machine, struct seep_grid *grid)
{
    if (n == 0 || points[0].t_ns > end_ns)
        return false;
    if (points[0].t_ns > start_ns)
        start_ns = points[0].t_ns;
    if (end_ns <= start_ns)
        return false;
    double span = (double)end_ns - (double)start_ns;
    double ticks = tick_ns > 0 ? floor(span / (double)tick_ns + 0.5) : (double)n;
    bool each = ticks <= SEEP_TREND_MAX - 1; // a cell for each look of the recorder
    size_t cells = each ? (size_t)ticks + 1 : SEEP_TREND_MAX;
    double width = each ? span / (double)(cells > 1 ? cells - 1 : 1) : span / (double)cells;
    struct seep_silences gaps;
    size_t at = 0, next_gap = 0;
    bool broken = false;
    grid->n = 0;
    seep_silences_find(points, n, start_ns, end_ns, true, &gaps);
    confirm_gaps(&gaps, machine, grid);
    grid->cell_ns = width;
    grid->start_ns = start_ns;
    grid->end_ns = end_ns;
    for (size_t i = 0; i < cells; i++) {
        double left = each ? ((double)i - 0.5) * width : (double)i * width;
        int64_t from = start_ns + (int64_t)left, to = start_ns + (int64_t)(left + width);
        if (to <= from)
            to = from + 1;
        if (in_gap(&gaps, &next_gap, from, to)) {
            broken = true;
            continue;
        }
        size_t k = grid->n++;
        cell(points, n, &at, from, to, &grid->low[k], &grid->level[k]);
        if (each) // the newest value in it: looks come a little early or late
            grid->low[k] = grid->level[k] = points[at].value;
        grid->t_ns[k] = start_ns + (int64_t)(left + width / 2);
        grid->broken[k] = broken && k > 0;
        broken = false;
    }
    return mend(grid);
}

void seep_windows_make(const struct seep_grid *grid, size_t from, size_t to, size_t n,
                       enum seep_window_kind kind, struct seep_windows *windows)
{
    double copy[SEEP_TREND_MAX];
    size_t size = (to - from) / n;
    from = to - size * n;
    windows->n = n;
    bool spoiled = false;
    for (size_t i = 0; i < n; i++) {
        size_t at = from + i * size;
        const double *y = kind == SEEP_WINDOW_FLOOR ? &grid->low[at] : &grid->level[at];
        // A gap spoils the step into its window and the one out of it.
        bool broken = i && grid->broken[at];
        bool inside = false;
        double time = 0;
        for (size_t k = 0; k < size; k++) {
            time += ((double)grid->t_ns[at + k] - (double)grid->start_ns) / 1e9 / (double)size;
            inside = inside || (k && grid->broken[at + k]);
        }
        windows->x[i] = time;
        windows->broken[i] = broken || inside || spoiled;
        spoiled = inside;
        if (size == 1) {
            windows->y[i] = y[0];
            continue;
        }
        memcpy(copy, y, size * sizeof *copy);
        // From six cells on, one odd cell does not make the floor.
        size_t tenth = size / 10 ? size / 10 : (size >= 6);
        windows->y[i] = seep_select(copy, size, kind == SEEP_WINDOW_FLOOR ? tenth : size / 2);
    }
}
