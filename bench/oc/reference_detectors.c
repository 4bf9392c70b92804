// SPDX-License-Identifier: MIT
// Mann-Kendall, a regression line, fixed hourly limits, change points, and the script everybody
// writes. Each rule is a public one in its usual form; constants that the source leaves open are
// stated in `rule`.
#include "reference_detectors.h"

#include "base/alloc.h"
#include "detect/trend.h"

#include <math.h>
#include <string.h>

struct line {
    double slope, start, r2, rise;
};

// Least squares through points [from, to), time in seconds.
static struct line fit(const struct seep_point *p, size_t from, size_t to)
{
    double n = (double)(to - from), x = 0, y = 0, xx = 0, xy = 0, yy = 0;
    struct line line = { 0 };
    for (size_t i = from; i < to; i++) {
        double t = (double)(p[i].t_ns - p[from].t_ns) / 1e9, v = p[i].value - p[from].value;
        x += t;
        y += v;
        xx += t * t;
        xy += t * v;
        yy += v * v;
    }
    double sxx = xx - x * x / n, sxy = xy - x * y / n, syy = yy - y * y / n;
    if (to - from < 3 || !(sxx > 0))
        return line;
    line.slope = sxy / sxx;
    line.start = p[from].value + (y - line.slope * x) / n;
    line.r2 = syy > 0 ? sxy * sxy / (sxx * syy) : 0;
    line.rise = line.slope * (double)(p[to - 1].t_ns - p[from].t_ns) / 1e9;
    return line;
}

static double *values_of(const struct seep_points *points)
{
    double *y = seep_alloc(points->count + 1, sizeof *y);
    for (size_t i = 0; y && i < points->count; i++)
        y[i] = points->at[i].value;
    return y;
}

// Mann 1945, Kendall 1975; one-sided at 5 %, with the correction for ties and for continuity.
static bool mann_kendall(const struct seep_points *points, enum seep_metric metric)
{
    (void)metric;
    struct seep_kendall k = { 0 };
    double *y = values_of(points);
    bool done = y && points->count >= 4 && seep_kendall(y, points->count, &k);
    seep_free(y);
    return done && k.variance > 0 && (k.s - 1) / sqrt(k.variance) > 1.645;
}

static bool regression(const struct seep_points *points, enum seep_metric metric)
{
    (void)metric;
    struct line line = fit(points->at, 0, points->count);
    return line.slope > 0 && line.r2 >= 0.8;
}

// The thresholds of PAL (Performance Analysis of Logs): increasing by more than 100 MB or 100
// handles (here also threads) an hour, the trend of the whole log taken to an hour.
static bool hourly_limit(const struct seep_points *points, enum seep_metric metric)
{
    bool bytes = metric == SEEP_METRIC_PRIVATE_BYTES || metric == SEEP_METRIC_COMMIT_BYTES;
    struct line line = fit(points->at, 0, points->count);
    return line.slope * 3600 > (bytes ? 100 * 1048576.0 : 100);
}

// Where one mean becomes another with the largest gain in squared error, by binary segmentation;
// the first sums are passed in so that each split costs one pass.
static size_t best_split(const double *sum, const double *squares, size_t from, size_t to,
                         size_t least, double *gain)
{
    double n = (double)(to - from), whole = sum[to] - sum[from];
    double error = squares[to] - squares[from] - whole * whole / n;
    size_t best = 0;
    *gain = 0;
    for (size_t i = from + least; i + least <= to; i++) {
        double a = sum[i] - sum[from], b = sum[to] - sum[i];
        double left = a * a / (double)(i - from), right = b * b / (double)(to - i);
        double taken = left + right - whole * whole / n;
        if (taken > *gain) {
            *gain = taken;
            best = i;
        }
    }
    *gain = error > 0 ? *gain / error : 0;
    return best;
}

// After Jindal and others 2021 (Precog, LBRCPD), without their training on healthy machines: the
// change points of the slope cut the series; it is a leak when the last piece is a fifth of it or
// more, is a line with R2 above 0.75 and rises by a tenth of the level.
static bool change_points(const struct seep_points *points, enum seep_metric metric)
{
    enum { PARTS = 64 };
    double sum[PARTS + 1] = { 0 }, squares[PARTS + 1] = { 0 }, mean[PARTS + 1];
    size_t n = points->count < 2 * PARTS ? points->count / 2 : PARTS, from = 0;
    (void)metric;
    if (n < 4)
        return false;
    for (size_t i = 0; i < n; i++) {
        double total = 0;
        size_t a = points->count * i / n, b = points->count * (i + 1) / n;
        for (size_t k = a; k < b; k++)
            total += points->at[k].value;
        mean[i] = total / (double)(b - a);
    }
    for (size_t i = 0; i + 1 < n; i++) { // of the differences, so that a piece is a slope
        double d = mean[i + 1] - mean[i];
        sum[i + 1] = sum[i] + d;
        squares[i + 1] = squares[i] + d * d;
    }
    for (int cuts = 0; cuts < 4; cuts++) {
        double gain;
        size_t at = best_split(sum, squares, from, n - 1, 2, &gain);
        if (!at || gain < 0.25)
            break;
        from = at;
    }
    struct line line = fit(points->at, points->count * from / n, points->count);
    return (double)(n - from) >= 0.2 * (double)n && line.slope > 0 && line.r2 > 0.75 &&
           line.rise > 0.1 * fabs(line.start);
}

// Floors are the lowest tenth of 16 windows: they rise over all (tau 0.7) and over the second half
// (tau 0.5), and each quarter adds a twentieth of the whole or more.
static bool floor_script(const struct seep_points *points, enum seep_metric metric)
{
    enum { WINDOWS = 16 };
    double floors[WINDOWS];
    struct seep_kendall all = { 0 }, half = { 0 };
    size_t n = points->count < WINDOWS ? points->count : WINDOWS;
    double *y = values_of(points);
    (void)metric;
    for (size_t i = 0; y && i < n; i++) {
        size_t a = points->count * i / n, b = points->count * (i + 1) / n;
        floors[i] = seep_select(y + a, b - a, (b - a) / 10);
    }
    bool done = y && n >= 8 && seep_kendall(floors, n, &all) &&
                seep_kendall(floors + n / 2, n - n / 2, &half);
    seep_free(y);
    if (!done || all.tau_b < 0.7 || half.tau_b < 0.5)
        return false;
    for (size_t q = 0; q < 4; q++) {
        double grown = floors[(n - 1) * (q + 1) / 4] - floors[(n - 1) * q / 4];
        if (grown < 0.05 * (floors[n - 1] - floors[0]))
            return false;
    }
    return true;
}

const struct oc_reference oc_references[OC_N_REFERENCES] = {
    { "Mann-Kendall", "on samples, one-sided at 5 %", mann_kendall },
    { "least squares", "slope > 0 and R2 >= 0.8", regression },
    { "PAL's limits", "trend > 100 MB or 100 handles or threads an hour", hourly_limit },
    { "change points",
      "after Precog: the last piece is 20 % or more, R2 > 0.75, rises by 10 % of the "
      "level",
      change_points },
    { "floor script",
      "10 % floors of 16 windows: tau 0.7 over all, 0.5 over the second half, every quarter grew",
      floor_script },
};
