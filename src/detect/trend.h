// SPDX-License-Identifier: MIT
// Statistics of one sequence: rank correlation, a robust slope, and a test for drift.
//
// Nothing here knows what a leak is. Arrays are the caller's and are not changed. `y[i]` is the
// value of the i-th window, `x[i]` its time in any unit; windows are in the order of time.
#ifndef SEEP_DETECT_TREND_H
#define SEEP_DETECT_TREND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Windows that one sequence can have; what scratch space of the functions below is sized for.
enum { SEEP_TREND_MAX = 512 };

// Kendall's rank correlation of y with its order (Kendall 1938), ties in y allowed; O(n log n) by
// merge sort (Knight 1966). `s` = concordant minus discordant pairs, `tau_b` = s over the square
// root of the pairs not tied (0 where all are), `variance` of s when the order is random, with the
// correction for ties (Kendall 1975; as in the Mann-Kendall test).
struct seep_kendall {
    double s, tau_b, variance;
};

// False when memory is out; `*result` is untouched then.
bool seep_kendall(const double *y, size_t n, struct seep_kendall *result);

// The Theil-Sen slope (median of the slopes of all pairs; Theil 1950, Sen 1968) with an interval.
struct seep_slope {
    double slope, low, high;
};

// n <= SEEP_SLOPE_EXACT: every pair. More: the sequence is first reduced to SEEP_SLOPE_EXACT
// medians of neighbouring values, which is deterministic and keeps the cost bounded. `inflate` >= 1
// widens the variance of Kendall's s in Sen's interval for autocorrelation; `z` is the normal
// quantile (1.96 for 95 %). False for n < 2, equal times throughout, or no memory.
enum { SEEP_SLOPE_EXACT = 96 };
bool seep_theil_sen(const double *x, const double *y, size_t n, double inflate, double z,
                    struct seep_slope *result);

// Two one-sided tests for upward drift of y. H0 of both: no drift, whatever the noise, from white
// to a random walk; what a trend test for independent values calls significant, a random walk does
// every day.
struct seep_drift {
    double t, p; // the statistic and its one-sided p value
    double phi;  // first-order autocorrelation that the noise was taken to have, 0..1
    size_t df;   // degrees of freedom
};

// For noise that may be a random walk: the t test of the mean step between windows, to which one
// step of zero is added so that a handful of equal steps cannot look like certainty. A single jump
// gives t = 1 however high it is, k equal jumps about the square root of k, n equal steps t = n.
// `broken[i]` (may be NULL) says that the step from i - 1 to i lies across a gap: it does not
// count.
bool seep_drift_steps(const double *y, const bool *broken, size_t n, struct seep_drift *result);

// For noise that reverts to its mean: the t test of the slope with the noise's first-order
// autocorrelation taken out (feasible GLS, Prais and Winsten 1954). Its p is never below the
// probability that a random walk looks as stationary as this (Dickey and Fuller 1979) and goes as
// far (the test of steps between twelve means). Both are seen between the means of
// SEEP_STATIONARY_STRETCHES stretches too, because white noise hides a slow walk from value to
// value. `broken` as above: each stretch between gaps has a level of its own. It does not apply
// (false) unless the line rises by at least SEEP_STATIONARY_RISE standard deviations of the rest,
// and to at most SEEP_STATIONARY_PIECES stretches; p = 1 where phi is above 0.9.
enum {
    SEEP_STATIONARY_STRETCHES = 32,
    SEEP_STATIONARY_MIN = 32,
    SEEP_STATIONARY_RISE = 4,
    SEEP_STATIONARY_PIECES = 6,
};
bool seep_drift_stationary(const double *y, const bool *broken, size_t n,
                           struct seep_drift *result);

// P(T > t) for Student's t with df degrees of freedom.
double seep_student_tail(double t, double df);

double seep_median(const double *y, size_t n); // NaN for n = 0 or no memory

// The k-th smallest (k < n, counted from 0), by Hoare's selection; afterwards no value before y[k]
// is larger and none behind it smaller.
double seep_select(double *y, size_t n, size_t k);

// Sorts in place, smallest first.
void seep_sort(double *y, size_t n);

#endif
