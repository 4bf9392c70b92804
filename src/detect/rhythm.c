// SPDX-License-Identifier: MIT
// The rhythm of a day, taken out of a series that saw at least two of them.
#include "detect/shape.h"

#include <math.h>

#define DAY_S 86400.0
#define TAU 6.283185307179586
#define EXPLAINS 0.5 // of the squared error about a straight line; less is not a rhythm
#define LOG_ODDS 3.0 // of a single day: 20 to 1 against what else looks like a wave seen once

enum {
    TERMS = 6, // level, slope, and sine and cosine of a day and of half a day
    ONE_WAVE = 4,
    STRETCHES = 48,
};

static void terms_at(double t_s, double span_s, double x[TERMS])
{
    x[0] = 1;
    x[1] = t_s / span_s - 0.5;
    double angle = fmod(t_s, DAY_S) / DAY_S * TAU, c = cos(angle), s = sin(angle);
    x[2] = c;
    x[3] = s;
    x[4] = c * c - s * s; // of twice the angle
    x[5] = 2 * s * c;
}

// Solves the normal equations of the first `n` terms (Gauss with no pivoting: they are positive
// definite); returns the squared error that is left, or a negative number when they are singular.
static double fit(double m[TERMS][TERMS], double r[TERMS], double all, int n, double v[TERMS])
{
    double a[TERMS][TERMS] = { { 0 } }, b[TERMS] = { 0 };
    for (int i = 0; i < n; i++) {
        b[i] = r[i];
        for (int k = 0; k < n; k++)
            a[i][k] = m[i][k];
    }
    for (int i = 0; i < n; i++) {
        if (!(a[i][i] > 1e-9))
            return -1;
        for (int j = i + 1; j < n; j++) {
            double f = a[j][i] / a[i][i];
            for (int k = i; k < n; k++)
                a[j][k] -= f * a[i][k];
            b[j] -= f * b[i];
        }
    }
    double left = all;
    for (int i = n - 1; i >= 0; i--) {
        v[i] = b[i];
        for (int k = i + 1; k < n; k++)
            v[i] -= a[i][k] * v[k];
        v[i] /= a[i][i];
        left -= v[i] * r[i];
    }
    return fmax(left, 0);
}

// What two steps, wherever they fit best, leave of the variation of y.
static double left_by_two_steps(const double *y, size_t n)
{
    double sum[STRETCHES + 1] = { 0 }, mean = 0, all = 0, best = 0; // sums of what comes before
    for (size_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        sum[i + 1] = sum[i] + y[i] - mean;
        all += (y[i] - mean) * (y[i] - mean);
    }
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i + 1; k < n; k++) {
            double a = sum[i], b = sum[k] - sum[i], c = sum[n] - sum[k];
            best =
                fmax(best, a * a / (double)i + b * b / (double)(k - i) + c * c / (double)(n - k));
        }
    }
    return all > 0 ? fmax(1 - best / all, 0) : 1;
}

// The squared error about a straight line and about the first `n_terms` terms; `v` is what they are
// multiplied by. Times are seconds from the start of the observation.
static bool fit_rhythm(const double *t_s, const double *y, size_t n, double span_s, int n_terms,
                       double v[TERMS], double *line, double *rhythm)
{
    double m[TERMS][TERMS] = { { 0 } }, r[TERMS] = { 0 }, x[TERMS], all = 0, mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        terms_at(t_s[i], span_s, x);
        all += (y[i] - mean) * (y[i] - mean);
        for (int j = 0; j < TERMS; j++) {
            r[j] += x[j] * (y[i] - mean);
            for (int k = 0; k < TERMS; k++)
                m[j][k] += x[j] * x[k];
        }
    }
    *line = fit(m, r, all, 2, v);
    *rhythm = fit(m, r, all, n_terms, v);
    return *line >= 0 && *rhythm >= 0;
}

// What an exponential approach to a level, of the time constant that fits best, leaves.
static double left_by_approach(const double *x, const double *y, size_t n, double span_s)
{
    double best = INFINITY, share = 1.0 / 32;
    while (share < 2) {
        double m[TERMS][TERMS] = { { 0 } }, r[TERMS] = { 0 }, v[TERMS], all = 0, mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += y[i] / (double)n;
        for (size_t i = 0; i < n; i++) {
            double e = exp(-x[i] / (share * span_s)), z = y[i] - mean;
            all += z * z;
            m[0][0]++;
            m[0][1] += e;
            m[1][0] += e;
            m[1][1] += e * e;
            r[0] += z;
            r[1] += e * z;
        }
        double left = fit(m, r, all, 2, v);
        if (left >= 0)
            best = fmin(best, left);
        share *= 1.4142135623730951;
    }
    return best;
}

// One day is one wave, and a warm-up, a cache that fills or a change of load is like a wave that
// was seen once. Only what a bend, an approach or two steps do not explain nearly as well is taken
// for a rhythm: all have about as many parameters, so it is the likelihoods that are compared.
static bool is_wave(const struct seep_grid *grid, double span_s)
{
    struct seep_windows w;
    struct seep_knot knot;
    double v[TERMS], line, rhythm, step, straight;
    seep_windows_make(grid, 0, grid->n, STRETCHES, SEEP_WINDOW_LEVEL, &w);
    if (!fit_rhythm(w.x, w.y, w.n, span_s, ONE_WAVE, v, &line, &rhythm) ||
        !seep_knot_find(w.x, w.y, w.n, &knot))
        return false;
    double x[TERMS], mean = 0, lagged = 0, squares = 0, before = 0;
    for (size_t i = 0; i < w.n; i++)
        mean += w.y[i] / (double)w.n;
    for (size_t i = 0; i < w.n; i++) {
        terms_at(w.x[i], span_s, x);
        double e = w.y[i] - mean;
        for (int k = 0; k < ONE_WAVE; k++)
            e -= v[k] * x[k];
        squares += e * e;
        lagged += i ? e * before : 0;
        before = e;
    }
    double m = (double)w.n, phi = squares > 0 ? lagged / squares : 0;
    phi = fmin(fmax((phi * m + 2) / (m - 4), 0), 0.9);
    double looks = m * (1 - phi) / (1 + phi);
    seep_step_or_line(w.y, w.n, &step, &straight);
    double bend = line * (1 - knot.gain), steps = INFINITY,
           approach = left_by_approach(w.x, w.y, w.n, span_s);
    if (straight > 0)
        steps = line * left_by_two_steps(w.y, w.n) / straight;
    double other = fmin(fmin(bend, steps), approach);
    return looks * log(line / rhythm) >= 2 * LOG_ODDS &&
           looks * log(other / rhythm) >= 2 * LOG_ODDS;
}

double seep_wave_at(const struct seep_wave *wave, double t_s)
{
    double x[TERMS];
    if (!wave->known)
        return 0;
    terms_at(t_s, 1, x);
    return wave->part[0] * x[2] + wave->part[1] * x[3] + wave->part[2] * x[4] +
           wave->part[3] * x[5];
}

bool seep_grid_remove_rhythm(struct seep_grid *grid, struct seep_wave *wave)
{
    double span_s = ((double)grid->end_ns - (double)grid->start_ns) / 1e9;
    bool once = span_s < 2 * DAY_S;
    // A day of looks ends one look short of a day.
    if (span_s < 0.98 * DAY_S || grid->n < STRETCHES || grid->cell_ns > DAY_S / 8 * 1e9 ||
        (once && !is_wave(grid, span_s)))
        return false;
    double t_s[SEEP_TREND_MAX], v[TERMS] = { 0 }, line, rhythm;
    for (size_t i = 0; i < grid->n; i++)
        t_s[i] = ((double)grid->t_ns[i] - (double)grid->start_ns) / 1e9;
    if (!fit_rhythm(t_s, grid->level, grid->n, span_s, once ? ONE_WAVE : TERMS, v, &line,
                    &rhythm) ||
        (!once && rhythm > (1 - EXPLAINS) * line))
        return false;
    // A line over k whole days and the sine of a day have in common 6 / (pi k)^2 of the line's
    // variation; of half a day, a quarter of that.
    double days = span_s / DAY_S, common = 6 / (9.869604401089358 * days * days);
    *wave = (struct seep_wave){ .known = true,
                                .part = { v[2], v[3], v[4], v[5] },
                                .common = fmin(once ? common : 1.25 * common, 0.75) };
    for (size_t i = 0; i < grid->n; i++) {
        double part = seep_wave_at(wave, t_s[i]);
        grid->low[i] -= part;
        grid->level[i] -= part;
    }
    return true;
}
