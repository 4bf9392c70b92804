// SPDX-License-Identifier: MIT
// When growth began: warm-up before it, or nothing.
#include "detect/shape.h"

#include <math.h>

// Least squares of y on 1, min(x - k, 0), max(x - k, 0), from the sums over both sides.
struct sums {
    double n, x, y, xx, xy, yy;
};

static void add(struct sums *s, double x, double y)
{
    s->n++;
    s->x += x;
    s->y += y;
    s->xx += x * x;
    s->xy += x * y;
    s->yy += y * y;
}

// Solves the symmetric 3 x 3 system m v = r; false when it is singular.
static bool solve3(double m[3][3], double r[3], double v[3])
{
    for (int i = 0; i < 3; i++) {
        if (!(fabs(m[i][i]) > 1e-12))
            return false;
        for (int j = i + 1; j < 3; j++) {
            double f = m[j][i] / m[i][i];
            for (int k = i; k < 3; k++)
                m[j][k] -= f * m[i][k];
            r[j] -= f * r[i];
        }
    }
    for (int i = 2; i >= 0; i--) {
        v[i] = r[i];
        for (int k = i + 1; k < 3; k++)
            v[i] -= m[i][k] * v[k];
        v[i] /= m[i][i];
    }
    return true;
}

// The squared error of two lines that meet at x = k.
static double hinge_error(const struct sums *left, const struct sums *right, double k, double v[3])
{
    double la = left->x - k * left->n, ra = right->x - k * right->n;
    double laa = left->xx - 2 * k * left->x + k * k * left->n;
    double raa = right->xx - 2 * k * right->x + k * k * right->n;
    double lay = left->xy - k * left->y, ray = right->xy - k * right->y;
    double y = left->y + right->y;
    double m[3][3] = { { left->n + right->n, la, ra }, { la, laa, 0 }, { ra, 0, raa } };
    double r[3] = { y, lay, ray };
    if (!solve3(m, r, v))
        return INFINITY;
    return left->yy + right->yy - v[0] * y - v[1] * lay - v[2] * ray;
}

bool seep_knot_find(const double *x, const double *y, size_t n, struct seep_knot *knot)
{
    if (n < 8 || n > SEEP_TREND_MAX || !(x[n - 1] > x[0]))
        return false;
    // Times and values on 0..1, so that the sums keep their digits.
    double width = x[n - 1] - x[0], low = y[0], high = y[0];
    for (size_t i = 1; i < n; i++) {
        low = fmin(low, y[i]);
        high = fmax(high, y[i]);
    }
    double height = high > low ? high - low : 1;
    struct sums left = { 0 }, right = { 0 };
    for (size_t i = 0; i < n; i++)
        add(&right, (x[i] - x[0]) / width, (y[i] - low) / height);
    double sxx = right.xx - right.x * right.x / right.n;
    double sxy = right.xy - right.x * right.y / right.n;
    double syy = right.yy - right.y * right.y / right.n;
    double line = fmax(syy - sxy * sxy / sxx, 0), best = INFINITY;
    *knot = (struct seep_knot){ .before = sxy / sxx * height / width };
    knot->after = knot->before;
    for (size_t i = 0; i + 4 < n; i++) {
        double at = (x[i] - x[0]) / width, value = (y[i] - low) / height;
        add(&left, at, value);
        right.n--;
        right.x -= at;
        right.y -= value;
        right.xx -= at * at;
        right.xy -= at * value;
        right.yy -= value * value;
        double v[3];
        if (i < 3)
            continue;
        double error = hinge_error(&left, &right, at, v);
        if (error < best) {
            best = error;
            knot->at = i;
            knot->before = v[1] * height / width;
            knot->after = v[2] * height / width;
        }
    }
    knot->error = sqrt(line / (double)n) * height;
    knot->gain = line > 1e-9 && best < line ? 1 - fmax(best, 0) / line : 0;
    return true;
}

void seep_step_or_line(const double *y, size_t n, double *step_rest, double *line_rest)
{
    double middle = (double)(n - 1) / 2, mean = 0, cross = 0, across = 0, all = 0;
    for (size_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double x = (double)i - middle, v = y[i] - mean;
        cross += x * v;
        across += x * x;
        all += v * v;
    }
    double left = 0, best = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        left += y[i] - mean;
        double k = (double)(i + 1), m = (double)n;
        best = fmax(best, left * left / k + left * left / (m - k));
    }
    *step_rest = all > 0 ? fmax(1 - best / all, 0) : 1;
    *line_rest = all > 0 && across > 0 ? fmax(1 - cross * cross / across / all, 0) : 1;
}
