// SPDX-License-Identifier: MIT
// Statistics of one sequence: rank correlation, a robust slope, and a test for drift.
#include "detect/trend.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Below this, insertion is the fastest sort.
enum { SMALL = 24 };

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void seep_sort(double *y, size_t n)
{
    if (n > SMALL) {
        qsort(y, n, sizeof *y, by_value);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        double v = y[i];
        size_t k = i;
        for (; k > 0 && y[k - 1] > v; k--)
            y[k] = y[k - 1];
        y[k] = v;
    }
}

static double largest(const double *y, size_t n)
{
    double most = y[0];
    for (size_t i = 1; i < n; i++)
        most = y[i] > most ? y[i] : most;
    return most;
}

double seep_median(const double *y, size_t n)
{
    double room[SEEP_TREND_MAX];
    double *copy = room;
    if (n == 0)
        return NAN;
    if (n > SEEP_TREND_MAX && !(copy = seep_alloc(n, sizeof *copy)))
        return NAN;
    memcpy(copy, y, n * sizeof *copy);
    double median = seep_select(copy, n, n / 2);
    if (n % 2 == 0) // what is left of the middle is not larger
        median = median / 2 + largest(copy, n / 2) / 2;
    if (copy != room)
        seep_free(copy);
    return median;
}

double seep_select(double *y, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;
    if (n <= SMALL) {
        seep_sort(y, n);
        return y[k];
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        double a = y[low], b = y[middle], c = y[high];
        double pivot = a < b ? (b < c ? b : (a < c ? c : a)) : (a < c ? a : (b < c ? c : b));
        size_t i = low, j = high;
        for (;;) {
            while (y[i] < pivot)
                i++;
            while (y[j] > pivot)
                j--;
            if (i >= j)
                break;
            double swap = y[i];
            y[i++] = y[j];
            y[j--] = swap;
        }
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return y[k];
}

// Sorts `y` by merging, bottom up, and counts the pairs that stood in the wrong order.
static double count_inversions(double *y, double *room, size_t n)
{
    double inversions = 0;
    double *from = y, *to = room;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t at = 0; at < n; at += 2 * width) {
            size_t middle = at + width < n ? at + width : n;
            size_t end = middle + width < n ? middle + width : n;
            size_t i = at, j = middle;
            for (size_t k = at; k < end; k++) {
                if (i < middle && (j >= end || from[i] <= from[j])) {
                    to[k] = from[i++];
                } else {
                    inversions += (double)(middle - i);
                    to[k] = from[j++];
                }
            }
        }
        double *swap = from;
        from = to;
        to = swap;
    }
    if (from != y)
        memcpy(y, from, n * sizeof *y);
    return inversions;
}

bool seep_kendall(const double *y, size_t n, struct seep_kendall *result)
{
    if (n < 2) {
        *result = (struct seep_kendall){ 0 };
        return true;
    }
    double room[2 * SEEP_TREND_MAX];
    double *copy = room;
    if (n > SEEP_TREND_MAX && !(copy = seep_alloc(2 * n, sizeof *copy)))
        return false;
    memcpy(copy, y, n * sizeof *copy);
    double inversions = count_inversions(copy, copy + n, n);
    double pairs = (double)n * (double)(n - 1) / 2, tied = 0, ties = 0;
    for (size_t i = 0; i < n;) {
        size_t same = i + 1;
        while (same < n && copy[same] == copy[i])
            same++;
        double k = (double)(same - i);
        tied += k * (k - 1) / 2;
        ties += k * (k - 1) * (2 * k + 5);
        i = same;
    }
    if (copy != room)
        seep_free(copy);
    double m = (double)n;
    result->s = pairs - tied - 2 * inversions;
    result->tau_b = pairs > tied ? result->s / sqrt(pairs * (pairs - tied)) : 0;
    result->variance = (m * (m - 1) * (2 * m + 5) - ties) / 18;
    return true;
}

// Neighbouring values made into `to` medians; times likewise.
static void reduce(const double *x, const double *y, size_t n, double *rx, double *ry, size_t to)
{
    for (size_t i = 0; i < to; i++) {
        size_t at = i * n / to, end = (i + 1) * n / to;
        rx[i] = seep_median(x + at, end - at);
        ry[i] = seep_median(y + at, end - at);
    }
}

bool seep_theil_sen(const double *x, const double *y, size_t n, double inflate, double z,
                    struct seep_slope *result)
{
    double rx[SEEP_SLOPE_EXACT], ry[SEEP_SLOPE_EXACT];
    if (n > SEEP_SLOPE_EXACT) {
        reduce(x, y, n, rx, ry, SEEP_SLOPE_EXACT);
        x = rx;
        y = ry;
        n = SEEP_SLOPE_EXACT;
    }
    struct seep_kendall order;
    if (n < 2 || !seep_kendall(y, n, &order))
        return false;
    double slopes[SEEP_SLOPE_EXACT * (SEEP_SLOPE_EXACT - 1) / 2];
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n; k++) {
            if (x[k] > x[i])
                slopes[m++] = (y[k] - y[i]) / (x[k] - x[i]);
        }
    }
    if (m == 0)
        return false;
    // Sen 1968: the slopes of rank (m -+ z sd(s)) / 2 bound the interval.
    double spread = z * sqrt(order.variance * inflate);
    double low = ((double)m - spread) / 2, high = ((double)m + spread) / 2;
    size_t at_low = low > 0 ? (size_t)low : 0;
    size_t at_high = high < (double)(m - 1) ? (size_t)ceil(high) : m - 1;
    double upper = seep_select(slopes, m, m / 2);
    double middle = m % 2 ? upper : (seep_select(slopes, m, m / 2 - 1) + upper) / 2;
    result->slope = middle;
    result->low = seep_select(slopes, m, at_low);
    result->high = seep_select(slopes, m, at_high);
    return true;
}

// The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), evaluated
// by Lentz's method.
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m <= 300; m++) {
        double k = m;
        double even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
        double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        double step = d * c;
        h *= step;
        if (fabs(step - 1) < 1e-14)
            break;
    }
    return h;
}

static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double seep_student_tail(double t, double df)
{
    double half = incomplete_beta(df / 2, 0.5, df / (df + t * t)) / 2;
    return t >= 0 ? half : 1 - half;
}

// The t test of the mean step, with one step of zero added.
static void step_test(const double *y, const bool *broken, size_t n, struct seep_drift *result)
{
    double sum = 0, squares = 0, count = 1;
    for (size_t i = 1; i < n; i++) {
        if (broken && broken[i])
            continue;
        double d = y[i] - y[i - 1];
        sum += d;
        squares += d * d;
        count++;
    }
    double mean = sum / count;
    double variance = count > 1 ? (squares - count * mean * mean) / (count - 1) : 0;
    result->phi = 1;
    result->df = (size_t)count - 1;
    result->t = variance > 0 ? mean / sqrt(variance / count) : 0;
    result->p = result->df ? seep_student_tail(result->t, (double)result->df) : 1;
}

// Where the stretch without a gap that begins at `from` ends.
static size_t unbroken(const bool *broken, size_t n, size_t from)
{
    size_t end = from + 1;
    while (end < n && !(broken && broken[end]))
        end++;
    return end;
}

// Least squares with one slope and a level for each stretch between gaps.
struct fitted {
    size_t pieces;
    double slope, rest; // the sum of squares of the residuals
};

static struct fitted detrend(const double *y, const bool *broken, size_t n, double *residual)
{
    struct fitted f = { 0 };
    double cross = 0, across = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t from = 0, end; from < n; from = end) {
            end = unbroken(broken, n, from);
            double middle = (double)(from + end - 1) / 2, mean = 0;
            for (size_t i = from; i < end; i++)
                mean += y[i] / (double)(end - from);
            for (size_t i = from; i < end; i++) {
                double x = (double)i - middle;
                if (pass == 0) {
                    cross += x * (y[i] - mean);
                    across += x * x;
                } else {
                    residual[i] = y[i] - mean - f.slope * x;
                    f.rest += residual[i] * residual[i];
                }
            }
            f.pieces += pass == 0;
        }
        f.slope = across > 0 ? cross / across : 0;
    }
    return f;
}

// The slope's t after quasi-differencing with phi (Prais and Winsten 1954), begun anew in each
// stretch between gaps.
static void gls_test(const double *y, const bool *broken, size_t n, double phi,
                     struct seep_drift *result)
{
    double slopes = 0, cross = 0, rest = 0, pieces = 0;
    for (size_t from = 0, end; from < n; from = end) {
        end = unbroken(broken, n, from);
        double s11 = 0, s12 = 0, s22 = 0, r1 = 0, r2 = 0, ry = 0;
        double base = y[from]; // keeps the sums small beside what they differ by
        for (size_t i = from; i < end; i++) {
            double at = (double)(i - from), scale = sqrt(1 - phi * phi);
            double one = i > from ? 1 - phi : scale;
            double x = i > from ? at - phi * (at - 1) : 0;
            double v = i > from ? y[i] - base - phi * (y[i - 1] - base) : 0;
            s11 += one * one;
            s12 += one * x;
            s22 += x * x;
            r1 += one * v;
            r2 += x * v;
            ry += v * v;
        }
        // What the level does not explain.
        slopes += s22 - s12 * s12 / s11;
        cross += r2 - s12 * r1 / s11;
        rest += ry - r1 * r1 / s11;
        pieces++;
    }
    double slope = slopes > 0 ? cross / slopes : 0, df = (double)n - pieces - 2;
    rest -= slope * cross;
    result->phi = phi;
    result->df = (size_t)df;
    result->t = rest > 0 && slopes > 0 ? slope / sqrt(rest / df / slopes) : 0;
    result->p = seep_student_tail(result->t, df);
}

// How likely a random walk is to look as mean-reverting as `phi`, the least-squares autocorrelation
// of its n detrended values: the tail of the Dickey-Fuller distribution of n (phi - 1) with a
// trend, whose 1 % point is -29.4 (Fuller 1976, table 8.5.1) and which falls by e about every 4.8.
// Each further stretch with a level of its own moves that point by 3.7 (simulated, 32 and 256
// values in up to four stretches).
static double walk_tail(double phi, size_t n, size_t pieces)
{
    double point = 29.4 + 3.7 * ((double)pieces - 1);
    double p = 0.01 * exp(((double)n * (phi - 1) + point) / 4.8);
    return p < 1 ? p : 1;
}

bool seep_drift_steps(const double *y, const bool *broken, size_t n, struct seep_drift *result)
{
    if (n < 2)
        return false;
    step_test(y, broken, n, result);
    return true;
}

// First-order autocorrelation of `u`, its least-squares estimate; negative where there is none.
static double autocorrelation(const double *u, const bool *broken, size_t n)
{
    double lagged = 0, before = 0;
    for (size_t i = 1; i < n; i++) {
        if (broken && broken[i])
            continue;
        lagged += u[i] * u[i - 1];
        before += u[i - 1] * u[i - 1];
    }
    return before > 0 ? lagged / before : -1;
}

// Means of about `parts` parts of y, none of them across a gap; returns how many there are.
enum { MOST_PARTS = 2 * SEEP_STATIONARY_STRETCHES };
static size_t means_of_parts(const double *y, const bool *broken, size_t n, size_t parts,
                             double mean[MOST_PARTS], bool apart[MOST_PARTS])
{
    size_t made = 0;
    for (size_t from = 0, end; from < n; from = end) {
        end = unbroken(broken, n, from);
        size_t size = end - from, m = (size * parts + n / 2) / n;
        m = m < MOST_PARTS - made ? m : MOST_PARTS - made;
        for (size_t i = 0; i < m; i++) {
            size_t at = from + i * size / m, to = from + (i + 1) * size / m;
            apart[made] = i == 0 && made > 0;
            mean[made] = 0;
            for (size_t k = at; k < to; k++)
                mean[made] += y[k] / (double)(to - at);
            made++;
        }
    }
    return made;
}

// How likely a random walk, with white noise on it, is to look as stationary as y. White noise
// makes a walk look stationary from one value to the next; it averages out over stretches, and the
// walk does not.
static double walk_tail_of_stretches(const double *y, const bool *broken, size_t n)
{
    double mean[MOST_PARTS], u[MOST_PARTS];
    bool apart[MOST_PARTS];
    size_t m = means_of_parts(y, broken, n, SEEP_STATIONARY_STRETCHES, mean, apart);
    size_t pieces = detrend(mean, apart, m, u).pieces;
    return walk_tail(autocorrelation(u, apart, m), m, pieces);
}

// The p value of the test of steps between the means of twelve stretches.
static double coarse_steps(const double *y, const bool *broken, size_t n)
{
    double mean[MOST_PARTS];
    bool apart[MOST_PARTS];
    size_t m = means_of_parts(y, broken, n, 12, mean, apart);
    struct seep_drift steps;
    step_test(mean, apart, m, &steps);
    return steps.p;
}

bool seep_drift_stationary(const double *y, const bool *broken, size_t n, struct seep_drift *result)
{
    if (n < SEEP_STATIONARY_MIN || n > SEEP_TREND_MAX)
        return false;
    double u[SEEP_TREND_MAX], m = (double)n;
    struct fitted f = detrend(y, broken, n, u);
    double raw = autocorrelation(u, broken, n), pieces = (double)f.pieces;
    if (!(f.rest > 0) || f.pieces > SEEP_STATIONARY_PIECES ||
        f.slope * (m - pieces) < SEEP_STATIONARY_RISE * sqrt(f.rest / m))
        return false;
    // The least-squares estimate from detrended residuals is too low: by (1 + 3 phi) / n for each
    // level, by (1 + phi) / n for the slope.
    double phi = (raw * m + pieces + 1) / (m - 3 * pieces - 1);
    phi = phi < 0 ? 0 : phi;
    double walk = fmax(walk_tail(raw, n, f.pieces), walk_tail_of_stretches(y, broken, n));
    *result = (struct seep_drift){ .phi = phi, .p = 1, .df = n };
    if (phi > 0.9)
        return true; // as good as a walk
    gls_test(y, broken, n, phi, result);
    // Where a walk ends is independent of the way there less the straight line to it (the Brownian
    // bridge), so how far it went and how stationary it looks are two witnesses (Fisher).
    double both = fmax(walk * coarse_steps(y, broken, n), 1e-300);
    result->p = fmax(result->p, both * (1 - log(both)));
    return true;
}
