// SPDX-License-Identifier: MIT
// The rhythm of a day, taken out of a series that saw at least two of them.
#include "detect/floor.h"

#include <math.h>

#define DAY_S 86400.0
#define TAU 6.283185307179586
#define EXPLAINS 0.5 // of the squared error about a straight line; less is not a rhythm

enum { TERMS = 6 }; // level, slope, and sine and cosine of a day and of half a day

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

bool seep_grid_remove_rhythm(struct seep_grid *grid)
{
    double span_s = ((double)grid->end_ns - (double)grid->start_ns) / 1e9;
    if (span_s < 2 * DAY_S || grid->n < 8 * TERMS || grid->cell_ns > DAY_S / 8 * 1e9)
        return false;
    double m[TERMS][TERMS] = { { 0 } }, r[TERMS] = { 0 }, x[TERMS], v[TERMS], all = 0, mean = 0;
    for (size_t i = 0; i < grid->n; i++)
        mean += grid->level[i] / (double)grid->n;
    for (size_t i = 0; i < grid->n; i++) {
        double t_s = ((double)grid->t_ns[i] - (double)grid->start_ns) / 1e9;
        double y = grid->level[i] - mean;
        terms_at(t_s, span_s, x);
        all += y * y;
        for (int j = 0; j < TERMS; j++) {
            r[j] += x[j] * y;
            for (int k = 0; k < TERMS; k++)
                m[j][k] += x[j] * x[k];
        }
    }
    double line = fit(m, r, all, 2, v), rhythm = fit(m, r, all, TERMS, v);
    if (line < 0 || rhythm < 0 || rhythm > (1 - EXPLAINS) * line)
        return false;
    for (size_t i = 0; i < grid->n; i++) {
        double t_s = ((double)grid->t_ns[i] - (double)grid->start_ns) / 1e9;
        terms_at(t_s, span_s, x);
        double part = v[2] * x[2] + v[3] * x[3] + v[4] * x[4] + v[5] * x[5];
        grid->low[i] -= part;
        grid->level[i] -= part;
    }
    return true;
}
