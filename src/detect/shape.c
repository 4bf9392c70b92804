// SPDX-License-Identifier: MIT
// What one series did: how much its floor grew, how surely, since when, and in which shape.
#include "detect/shape.h"

#include <math.h>

// Limits of the shapes. They are ratios of a series to itself, so they hold for every metric; the
// measured operating characteristic is in docs/detection.md.
#define SLOWING SEEP_SHAPE_SLOWING
#define STOPPED 0.25     // growth in the last quarter over a quarter of the growth
#define LOG_ODDS 7.0     // 1,000 to 1: leaks that pause are as common as caches that fill all day
#define CHI_SQUARED 3.84 // its 95 % point with one degree of freedom
#define RETAINED                                                                                   \
    0.4           // least floor of the last quarter above the start, over the growth; a line: 0.75
#define KNOWN 0.5 // what growth that began lately must add to the highest floor before it
#define ORDER 0.5 // Kendall's tau of the floors
#define ONE_STEP 0.5   // of the growth at once; less, and it is the largest of several
#define CRUMB 0.2      // of the whole range's growth
#define FEW_LUMPS 5.0  // fewer are what load does
#define FALLS 0.05     // of the squares of the steps between windows; more, and lumps may be noise
#define EARLY 2.0      // standard deviations, and
#define BY_CHANCE 0.05 // a probability: what chance does in one of twenty it did not do here
// So much likelier (by a logarithm) has a cap, reached two looks before the end or earlier, to be
// than a line. A quarter of ten looks is two steps, in which noise looks like growth; one of thirty
// is seven, and a line that looks like a cap there is the commoner mistake.
#define CAP_OF_FEW 1.0
#define CAP_OF_SHORT 4.0
enum { FEW_LOOKS = 16, SHORT_LOOKS = 48 };

// The range of cells from `from` to the end of the grid.
struct range {
    size_t from;
    double evidence; // mean of the tests' Cauchy scores, see cauchy_score()
    enum seep_form form;
    double start, growth;
    double reach; // root of the sum of squares of the steps, times that of their number
    double ratio; // growth of the second half over that of the first
    bool lumps;   // it comes in lumps, and may have slowed down by chance
};

// How many windows of the same size, at most `most`, leave out as few of the cells as can be.
static size_t windows_of(size_t cells, size_t most)
{
    size_t size = (cells + most - 1) / most;
    return size ? cells / size : 1;
}

static double middle_of(const double *y, size_t from, size_t n)
{
    return seep_median(y + from, n);
}

// Tests of the same growth through different windows agree or fail together, so paying for each of
// them (Bonferroni) would pay many times for one look. The tail of a mean of Cauchy variables is
// that of one of them whatever their dependence (Liu and Xie 2020), so p values are added up as the
// Cauchy variables that they are quantiles of. Below zero, where a test says nothing, is zero.
static double cauchy_score(double p)
{
    const double pi = 3.14159265358979323846;
    return p < 0.5 ? 1 / tan(fmax(p, 1e-300) * pi) : 0;
}

static double cauchy_tail(double score)
{
    const double pi = 3.14159265358979323846;
    return score > 0 ? atan2(1, score) / pi : 1;
}

double seep_cauchy_mean(double p, double other)
{
    return cauchy_tail((cauchy_score(p) + cauchy_score(other)) / 2);
}

// The tests on one range: of steps between windows of several widths, floors and medians, and of
// the slope where the noise is stationary.
static void test_range(const struct seep_grid *grid, struct range *range)
{
    static const size_t fine[] = { 48, 24, 16, 10 };
    size_t cells = grid->n - range->from;
    size_t counts[] = { cells, cells / 2, cells / 3, cells / 5 };
    unsigned n_tests = 0;
    double sum = 0, stationary = 0;
    struct seep_windows w;
    struct seep_drift drift;
    range->evidence = 0;
    if (range->form < SEEP_FORM_SLOWING)
        return;
    for (unsigned i = 0; i < 4; i++) {
        size_t n = cells >= 96 ? windows_of(cells, fine[i]) : counts[i];
        if (n < SEEP_SHAPE_MIN_LOOKS)
            continue;
        for (int kind = SEEP_WINDOW_FLOOR; kind <= SEEP_WINDOW_LEVEL; kind++) {
            if (kind == SEEP_WINDOW_LEVEL && cells / n < 3)
                continue; // nothing that the floor does not say
            n_tests++;
            seep_windows_make(grid, range->from, grid->n, n, (enum seep_window_kind)kind, &w);
            if (seep_drift_steps(w.y, w.broken, w.n, &drift))
                sum += cauchy_score(drift.p);
        }
    }
    bool tries_slope = cells >= 3 * SEEP_STATIONARY_STRETCHES;
    if (tries_slope) {
        seep_windows_make(grid, range->from, grid->n, windows_of(cells, 256), SEEP_WINDOW_LEVEL,
                          &w);
        if (seep_drift_stationary(w.y, w.broken, w.n, &drift)) {
            stationary = cauchy_score(drift.p);
        } else { // what goes up and down by as much as it grows: the floors may not
            seep_windows_make(grid, range->from, grid->n, windows_of(cells, 48), SEEP_WINDOW_FLOOR,
                              &w);
            if (seep_drift_stationary(w.y, w.broken, w.n, &drift))
                stationary = cauchy_score(drift.p);
        }
    }
    // A third is for the one test of the other kind.
    range->evidence = n_tests ? sum / n_tests : 0;
    if (tries_slope)
        range->evidence += (stationary - range->evidence) / 3;
}

void seep_parabola(const double *y, size_t n, double *slope, double *curve)
{
    // On x = -1..1 the polynomials 1, x, x^2 - mean(x^2) are orthogonal.
    double m = (double)n, square = 0, across = 0, bend = 0, mean = 0;
    *slope = *curve = 0;
    for (size_t i = 0; i < n; i++) {
        double x = 2 * (double)i / (m - 1) - 1;
        square += x * x / m;
        mean += y[i] / m;
    }
    for (size_t i = 0; i < n; i++) {
        double x = 2 * (double)i / (m - 1) - 1, q = x * x - square;
        across += x * x;
        bend += q * q;
        *slope += x * (y[i] - mean);
        *curve += q * (y[i] - mean);
    }
    *slope /= across;
    *curve /= bend;
}

// Growth of the second half over that of the first, by a parabola through the median levels of
// `range`: all of them say it more surely than the floors at three places.
static void find_slowing(const struct seep_grid *grid, struct range *range)
{
    size_t cells = grid->n - range->from;
    struct seep_windows w;
    double slope, curve;
    seep_windows_make(grid, range->from, grid->n, windows_of(cells, 32), SEEP_WINDOW_LEVEL, &w);
    seep_parabola(w.y, w.n, &slope, &curve);
    range->ratio = slope > curve ? (slope + curve) / (slope - curve) : INFINITY;
}

// Growth that comes in few lumps may come early by chance. Whether it may have here: lumps of equal
// chance at every moment have their centre of mass at half the time, with a deviation of
// 1 / sqrt(12 k) of k of them, and none in the last share x with probability (1 - x)^k. `k` is the
// number of equal lumps whose squares add up to as much. Only where the lumps stand out of the
// noise, which is what falls, is anything said.
static bool may_be_chance(const double *y, size_t n, double end)
{
    double steps = (double)(n - 1), sum = y[n - 1] - y[0], squares = 0, falls = 0, centre = 0;
    for (size_t i = 1; i < n; i++) {
        double d = y[i] - y[i - 1];
        squares += d * d;
        falls += d < 0 ? d * d : 0;
        centre += d * ((double)i - 0.5) / steps;
    }
    if (!(sum > 0) || falls > FALLS * squares)
        return false;
    double k = sum * sum / squares;
    size_t there = 0; // but for half a lump
    while (there + 1 < n && y[there] < end - sum / (2 * k))
        there++;
    double x = (double)(n - there) / (double)n;
    double early = (0.5 - centre / sum) * sqrt(12 * k);
    return k >= FEW_LUMPS && k <= steps / 2 && early < EARLY && pow(1 - x, k) > BY_CHANCE;
}

// What a rise that ends at `cap` leaves of y, and how the rest hangs together.
static double left_by_cap(const double *y, size_t n, size_t cap, double *phi)
{
    double mx = 0, my = 0, xx = 0, xy = 0, yy = 0, lagged = 0, before = 0, m = (double)n;
    for (size_t i = 0; i < n; i++) {
        mx += (double)(i < cap ? i : cap) / m;
        my += y[i] / m;
    }
    for (size_t i = 0; i < n; i++) {
        double x = (double)(i < cap ? i : cap) - mx, v = y[i] - my;
        xx += x * x;
        xy += x * v;
        yy += v * v;
    }
    for (size_t i = 0; i < n; i++) {
        double e = y[i] - my - xy / xx * ((double)(i < cap ? i : cap) - mx);
        lagged += i ? e * before : 0;
        before = e;
    }
    double left = fmax(yy - xy * xy / xx, 0);
    *phi = left > 0 ? lagged / left : 0;
    return left;
}

// Whether a rise to a level, which lasts for a fifth or more, explains the floors clearly better
// than a line, and two lines that meet hardly better than that: where noise hides the stop from
// four windows at the end, all of them show it. The likelihoods are those of so many values as do
// not depend on each other, for what grows in lumps bends by chance.
static bool levels_off(const struct seep_windows *w)
{
    struct seep_knot knot;
    size_t n = w->n;
    double phi, its_phi = 0, m = (double)n, best = INFINITY;
    double line = n ? left_by_cap(w->y, n, n - 1, &phi) : 0;
    if (n < 16 || !(line > 0) || !seep_knot_find(w->x, w->y, n, &knot))
        return false;
    for (size_t cap = n / 4; cap <= n - n / 5; cap++) {
        double left = left_by_cap(w->y, n, cap, &phi);
        if (left < best) {
            best = left;
            its_phi = phi;
        }
    }
    its_phi = fmin(fmax((its_phi * m + 2) / (m - 4), 0), 0.9);
    double looks = m * (1 - its_phi) / (1 + its_phi), better = log(line / fmax(best, line * 1e-9));
    double bent = -log(fmax(1 - knot.gain, 1e-9));
    return looks * better > 2 * LOG_ODDS && looks * (bent - better) < CHI_SQUARED;
}

// How much likelier a rise that ends at a cap, two looks before the end or earlier, makes y than a
// straight line does: half the logarithm of the ratio of the squared errors, for each value.
static double cap_over_line(const double *y, size_t n)
{
    double phi, best = INFINITY, line = left_by_cap(y, n, n - 1, &phi);
    for (size_t cap = n / 2; cap + 3 <= n; cap++) // one look is no level
        best = fmin(best, left_by_cap(y, n, cap, &phi));
    return best > 0 ? log(line / best) / 2 : INFINITY;
}

// Growth in quarters of the range and what it says.
static enum seep_form form_of(const struct seep_grid *grid, struct range *range)
{
    size_t cells = grid->n - range->from;
    struct seep_windows w;
    seep_windows_make(grid, range->from, grid->n, windows_of(cells, 32), SEEP_WINDOW_FLOOR, &w);
    size_t n = w.n, edge = n / 8 ? n / 8 : 1;
    double start = middle_of(w.y, 0, edge), end = middle_of(w.y, n - edge, edge);
    double late = middle_of(w.y, (n - edge) * 3 / 4, edge);
    double least = end;
    for (size_t i = n - (n / 4 ? n / 4 : 1); i < n; i++)
        least = fmin(least, w.y[i]);
    range->start = start;
    range->growth = end - start;
    range->reach = 0;
    for (size_t i = 1; i < n; i++)
        range->reach += (w.y[i] - w.y[i - 1]) * (w.y[i] - w.y[i - 1]);
    range->reach = sqrt(range->reach * (double)(n - 1));
    find_slowing(grid, range);
    struct seep_kendall order;
    if (!(range->growth > 0))
        return SEEP_FORM_FLAT;
    if (!seep_kendall(w.y, n, &order) || order.tau_b < ORDER ||
        least - start < RETAINED * range->growth)
        return SEEP_FORM_RELEASED;
    double step_rest, line_rest;
    seep_step_or_line(w.y, n, &step_rest, &line_rest);
    range->lumps = cells > SHORT_LOOKS && may_be_chance(w.y, n, end);
    if (!range->lumps && (end - late < STOPPED * range->growth / 4 || levels_off(&w)))
        return SEEP_FORM_STOPPED;
    if (cells <= SHORT_LOOKS &&
        (double)n * cap_over_line(w.y, n) > (cells < FEW_LOOKS ? CAP_OF_FEW : CAP_OF_SHORT))
        return SEEP_FORM_SLOWING;
    double most = 0;
    for (size_t i = 1; i < n; i++)
        most = fmax(most, w.y[i] - w.y[i - 1]);
    if (step_rest < line_rest && most > ONE_STEP * range->growth)
        return SEEP_FORM_STEP;
    if (!range->lumps && range->ratio < SLOWING)
        return range->ratio < SLOWING / 2 ? SEEP_FORM_STOPPED : SEEP_FORM_SLOWING;
    return SEEP_FORM_GROWING;
}

// The highest floor before the range, above which growth is news.
static double highest_before(const struct seep_grid *grid, size_t from)
{
    struct seep_windows w;
    seep_windows_make(grid, 0, from, windows_of(from, 24), SEEP_WINDOW_FLOOR, &w);
    double highest = w.y[0];
    for (size_t i = 1; i < w.n; i++)
        highest = fmax(highest, w.y[i]);
    return highest;
}

// A later range counts as growing only when it grows on where the whole range slowed down: of an
// exponential approach the later half slows by the square root of the whole's ratio, after a
// warm-up that is over not at all.
static enum seep_form later_form(const struct seep_grid *grid, const struct range *whole,
                                 struct range *range)
{
    enum seep_form form = form_of(grid, range);
    if (form != SEEP_FORM_GROWING)
        return form;
    if (range->start + range->growth < highest_before(grid, range->from) + KNOWN * range->growth)
        return SEEP_FORM_KNOWN;
    double share = (double)(grid->n - range->from) / (double)grid->n;
    double tail = pow(fmax(whole->ratio, 0), share);
    if (whole->form != SEEP_FORM_GROWING && whole->growth > 0 && whole->ratio < 1 &&
        (range->ratio < (1 + tail) / 2 || range->growth < CRUMB * whole->growth))
        return SEEP_FORM_SLOWING;
    return form;
}

// Mean length of the runs above `level`, over that of independent values of which `share` lie
// there.
static double run_above(const double *e, size_t n, double level, double share)
{
    size_t above = 0, runs = 0;
    for (size_t i = 0; i < n; i++) {
        above += e[i] > level;
        runs += e[i] > level && (i == 0 || e[i - 1] <= level);
    }
    return runs ? fmax((double)above / (double)runs * (1 - share), 1) : 1;
}

static void find_about(const struct seep_grid *grid, size_t from, double base,
                       struct seep_shape *shape)
{
    double e[SEEP_TREND_MAX], sorted[SEEP_TREND_MAX];
    size_t n = grid->n - from;
    // The highest value of a cell is usually as far above its mean as the lowest is below it.
    for (size_t i = 0; i < n; i++)
        e[i] = grid->level[from + i] - grid->low[from + i];
    double half = seep_median(e, n);
    for (size_t i = 0; i < n; i++) {
        double t_s = ((double)grid->t_ns[from + i] - (double)grid->start_ns) / 1e9;
        double above = fmin(grid->level[from + i] - grid->low[from + i], 2 * half);
        sorted[i] = e[i] = grid->level[from + i] + above - base - shape->rate * t_s;
    }
    seep_sort(sorted, n);
    shape->apart_s = grid->cell_ns / 1e9 * run_above(e, n, sorted[n / 2], 0.5);
    shape->apart_high_s = grid->cell_ns / 1e9 * run_above(e, n, sorted[n - 1 - n / 10], 0.1);
    for (size_t k = 0; k < SEEP_SHAPE_ABOUT; k++) {
        size_t at = k * n / SEEP_SHAPE_ABOUT, end = (k + 1) * n / SEEP_SHAPE_ABOUT;
        shape->about[k] = 0;
        end = end > at ? end : at + 1;
        for (size_t i = at; i < end; i++)
            shape->about[k] += sorted[i] / (double)(end - at);
    }
}

// The rate from `from` on, and how the steps went. `grid` is without its rhythm.
static void measure(const struct seep_grid *grid, size_t from, struct seep_shape *shape)
{
    size_t cells = grid->n - from;
    struct seep_windows w;
    struct seep_slope slope;
    seep_windows_make(grid, from, grid->n, windows_of(cells, 48), SEEP_WINDOW_FLOOR, &w);
    if (w.n == 0 || !seep_theil_sen(w.x, w.y, w.n, 1, 1.96, &slope))
        return;
    size_t size = cells / w.n;
    double rest[SEEP_TREND_MAX], lagged = 0, squares = 0, base = 0;
    for (size_t i = 0; i < w.n; i++)
        rest[i] = w.y[i] - slope.slope * w.x[i];
    base = seep_median(rest, w.n);
    for (size_t i = 0; i < w.n; i++) {
        rest[i] -= base;
        squares += rest[i] * rest[i];
        lagged += i ? rest[i] * rest[i - 1] : 0;
    }
    // Corrected for its bias in short sequences, as in seep_drift_stationary.
    double phi = squares > 0 ? lagged / squares : 0, m = (double)w.n;
    phi = m > 8 ? fmin(fmax((phi * m + 2) / (m - 4), 0), 0.85) : fmin(fmax(phi, 0), 0.85);
    if (phi > 0)
        (void)seep_theil_sen(w.x, w.y, w.n, (1 + phi) / (1 - phi), 1.96, &slope);
    shape->noise = sqrt(squares / (double)w.n);
    // A value is known to one unit (a page) at best, a moment to one look.
    double unit = fabs(shape->start) >= 1 << 20 ? 4096 : 1, width = w.x[w.n - 1] - w.x[0];
    double blur = width > 0 ? (unit + fabs(slope.slope) * grid->cell_ns / 1e9 / 10) / width : 0;
    // What the rhythm took may have been growth, and the other way round.
    double wider = 1 / sqrt(1 - shape->wave.common);
    shape->rate = slope.slope;
    shape->rate_low = slope.slope - (slope.slope - slope.low) * wider - blur;
    shape->rate_high = slope.slope + (slope.high - slope.slope) * wider + blur;
    double end_s = ((double)grid->end_ns - (double)grid->start_ns) / 1e9;
    shape->trend = base + shape->rate * end_s;
    shape->pivot_s = end_s - (w.x[0] + w.x[w.n - 1]) / 2;
    find_about(grid, from, base, shape);
    shape->window_s = grid->cell_ns / 1e9 * (double)size;
    shape->n_steps = w.n - 1;
    shape->n_up = 0;
    for (size_t i = 1; i < w.n; i++)
        shape->n_up += w.y[i] > w.y[i - 1];
}

// Moves the start of the growth to where the floor bends, if it clearly does. Returns the cell.
static size_t find_onset(const struct seep_grid *grid, size_t from, double growth,
                         struct seep_shape *shape)
{
    size_t cells = grid->n;
    struct seep_windows w;
    struct seep_knot knot;
    size_t n = windows_of(cells, 64);
    seep_windows_make(grid, 0, cells, n, SEEP_WINDOW_FLOOR, &w);
    size_t size = cells / n, first = cells - size * n, at = from;
    if (seep_knot_find(w.x, w.y, n, &knot) && knot.gain > 0.5 && knot.error > 0.01 * growth &&
        knot.after > 0 && n - knot.at >= 6) {
        if (knot.before < 0.35 * knot.after || knot.before > 2.5 * knot.after) {
            shape->warmed_up = knot.before > knot.after;
            at = first + knot.at * size;
        }
    }
    shape->since_ns = grid->t_ns[at];
    return at;
}

void seep_shape_find(const struct seep_grid *grid, struct seep_shape *shape)
{
    *shape = (struct seep_shape){ .n_looks = grid->n, .p = 1 };
    size_t n = grid->n, edge = n / 32 ? n / 32 : 1;
    shape->span_s = ((double)grid->end_ns - (double)grid->start_ns) / 1e9;
    shape->first = seep_median(grid->level, edge);
    shape->last = seep_median(grid->level + n - edge, edge);
    shape->start = shape->first;
    shape->growth = shape->last - shape->first;
    shape->since_ns = grid->t_ns[0];
    shape->n_gaps = grid->n_gaps;
    shape->gap_s = grid->gap_ns / 1e9;
    if (n < SEEP_SHAPE_MIN_LOOKS)
        return;
    // From here on without the rhythm of the day.
    const struct seep_grid *raw = grid;
    struct seep_grid calm = *grid;
    if (seep_grid_remove_rhythm(&calm, &shape->wave))
        grid = &calm;
    struct range ranges[3] = { { .from = 0 }, { .from = n / 2 }, { .from = n - n / 4 } };
    static const double weights[3][3] = { { 1 }, { 0.7, 0.3 }, { 0.6, 0.2, 0.2 } };
    unsigned n_ranges = n >= 96 ? 3 : (n >= 2 * SEEP_SHAPE_MIN_LOOKS ? 2 : 1);
    double evidence = 0;
    // What the whole observation says stands, unless a later part grows as a leak does.
    size_t best = 0;
    for (unsigned i = 0; i < n_ranges; i++) {
        ranges[i].form = i ? later_form(grid, &ranges[0], &ranges[i]) : form_of(grid, &ranges[i]);
        test_range(grid, &ranges[i]);
        shape->reach = fmax(shape->reach, ranges[i].reach);
        evidence += weights[n_ranges - 1][i] * ranges[i].evidence;
        if (i && ranges[i].form == SEEP_FORM_GROWING && ranges[best].form != SEEP_FORM_GROWING)
            best = i;
    }
    struct range *range = &ranges[best];
    shape->form = range->form;
    shape->p = SEEP_WALK_SHARE * cauchy_tail(evidence);
    shape->start = range->start;
    shape->growth = range->growth;
    shape->retained = fmax(ranges[0].growth, 0);
    if (range->form < SEEP_FORM_SLOWING) {
        shape->p = 1;
        return;
    }
    struct seep_windows w;
    shape->n_course = n < SEEP_SHAPE_COURSE ? n : SEEP_SHAPE_COURSE;
    seep_windows_make(raw, 0, n, shape->n_course, SEEP_WINDOW_LEVEL, &w);
    for (size_t i = 0; i < w.n; i++)
        shape->course[i] = w.y[i];
    size_t from = find_onset(grid, range->from, range->growth, shape);
    // A start approaches its level for longer than until the lines meet: what is left of it then,
    // is small after as long again, twice.
    if (shape->warmed_up)
        from = from * 3 < n / 2 ? from * 3 : (from > n / 2 ? from : n / 2);
    measure(grid, from, shape);
    if (from != range->from && range->lumps && !(shape->rate_low > 0)) {
        // A bend between lumps is as much by chance as they are.
        shape->since_ns = grid->t_ns[range->from];
        shape->warmed_up = false;
        measure(grid, range->from, shape);
    }
}
