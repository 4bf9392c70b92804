// SPDX-License-Identifier: MIT
// How long until a limit is reached, if it goes on like this.
#include "detect/judge.h"

#include "base/time.h"

#include <math.h>

// Handles of one process (16 Mi; M. Russinovich, "Pushing the Limits of Windows: Handles"), and the
// default GDIProcessHandleQuota and USERProcessHandleQuota.
#define MAX_HANDLES 16777216.0
#define MAX_GDI_USER 10000.0

static int64_t when(double room, double rate, int64_t now_ns)
{
    const double century_s = 100 * 365.25 * 86400;
    double seconds = rate > 0 ? fmax(room, 0) / rate : INFINITY;
    if (!(seconds < century_s))
        return SEEP_NO_TIME;
    double left = ((double)INT64_MAX - (double)now_ns) / 1e9;
    return seconds < left ? now_ns + (int64_t)(seconds * 1e9) : SEEP_NO_TIME;
}

struct seep_exhaustion seep_exhaustion_at(const char *limit, double limit_value, double room,
                                          const struct seep_rate *rate, int64_t now_ns)
{
    struct seep_exhaustion e = { .limit = limit, .limit_value = limit_value };
    e.at_ns = when(room, rate->value, now_ns);
    e.low_ns = when(room, rate->high, now_ns);
    e.high_ns = when(room, rate->low, now_ns);
    return e;
}

// How early a limit is reached by what goes up and down about the line: while the line is still s
// seconds away from it, a look reaches it with the chance that a value lies rate * s above the
// line. Looks that do not depend on each other, every d seconds, add up to the hazard E[(e - x)+] /
// (rate d) until the line is x below. By hazard ln 2 half of all series have reached the limit.
#define HAZARD_EARLY 0.0253 // 2.5 %
#define HAZARD_HALF 0.6931
#define HAZARD_LATE 3.69 // 97.5 %

// E[(e - x)+]
static double excess_over(const struct seep_shape *s, double x)
{
    double sum = 0;
    for (size_t k = 0; k < SEEP_SHAPE_ABOUT; k++)
        sum += fmax(s->about[k] - x, 0);
    return sum / SEEP_SHAPE_ABOUT;
}

// The x at which it is `excess`.
static double height_of(const struct seep_shape *s, double excess)
{
    double sum = 0, x = 0;
    for (size_t k = SEEP_SHAPE_ABOUT; k-- > 0;) {
        sum += s->about[k];
        x = (sum - excess * SEEP_SHAPE_ABOUT) / (double)(SEEP_SHAPE_ABOUT - k);
        if (k == 0 || x >= s->about[k - 1])
            break;
    }
    return x;
}

// The share of values that lie above x.
static double share_above(const struct seep_shape *s, double x)
{
    size_t low = 0, high = SEEP_SHAPE_ABOUT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->about[middle] > x)
            high = middle;
        else
            low = middle + 1;
    }
    return (double)(SEEP_SHAPE_ABOUT - low) / SEEP_SHAPE_ABOUT;
}

// The same about a line with a rhythm: the hazard is added up in steps, from the moment when the
// limit can be reached at all on. `room` is left above the line at the end of the observation.
static double until_with_wave(const struct seep_shape *s, double room, double rate, double apart_s,
                              double hazard)
{
    enum { STEPS = 4000 };
    const double quarter_s = 900;
    const double *w = s->wave.part;
    double height = hypot(w[0], w[1]) + hypot(w[2], w[3]), sum = 0;
    double first = fmax((room - height - s->about[SEEP_SHAPE_ABOUT - 1]) / rate, 0);
    double last = fmax((room + height - s->about[0]) / rate, first) + (hazard + 1) * apart_s;
    double step_s = fmax(fmin(apart_s / 2, quarter_s), (last - first) / STEPS);
    if (!(last < 1e12)) // no rhythm matters in ten thousand years
        return room / rate;
    double t_s = first;
    while (t_s < last) {
        double wave = seep_wave_at(&s->wave, s->span_s + t_s);
        double more = share_above(s, room - rate * t_s - wave) * step_s / apart_s;
        if (sum + more >= hazard)
            return t_s + step_s * (hazard - sum) / more;
        sum += more;
        t_s += step_s;
    }
    return last;
}

// Seconds from the end of the observation until the limit has been reached with that hazard;
// infinite where it never is.
static double until(const struct seep_shape *s, double limit, double rate, double hazard)
{
    // A line of another slope turns about the middle of what was observed.
    double room = limit - s->trend - (rate - s->rate) * s->pivot_s;
    double apart_s = hazard > HAZARD_HALF ? s->apart_s : s->apart_high_s;
    if (!(rate > 0))
        return INFINITY;
    if (s->wave.known)
        return until_with_wave(s, room, rate, apart_s, hazard);
    // It has not been reached yet, however high the series sometimes gets.
    return fmax(room - height_of(s, hazard * rate * apart_s + excess_over(s, room)), 0) / rate;
}

// Of a series of which `room` is left above its newest value. What the rate and what the noise
// leave open are independent, so their deviations from the likeliest moment add up as squares.
static struct seep_exhaustion reached(const char *name, double limit_value, double room,
                                      const struct seep_judged *judged, int64_t now_ns)
{
    const struct seep_shape *s = &judged->shape;
    double limit = judged->newest + room, at = until(s, limit, s->rate, HAZARD_HALF);
    double soon = hypot(at - until(s, limit, s->rate, HAZARD_EARLY),
                        at - until(s, limit, s->rate_high, HAZARD_HALF));
    double late = hypot(until(s, limit, s->rate, HAZARD_LATE) - at,
                        until(s, limit, s->rate_low, HAZARD_HALF) - at);
    struct seep_exhaustion e = { .limit = name, .limit_value = limit_value };
    e.at_ns = when(at, 1, now_ns);
    e.low_ns = when(at - soon, 1, now_ns);
    e.high_ns = when(at + late, 1, now_ns);
    return e;
}

// A pool's own limit where it is known, else the commit that it takes.
static struct seep_exhaustion pool_reached(const struct seep_scene *scene,
                                           const struct seep_judged *judged)
{
    bool paged = judged->metric == SEEP_METRIC_PAGED_POOL_BYTES;
    const struct seep_judged *own = scene->of_machine[judged->metric];
    double limit = scene->pool_limit[paged], now = own ? own->newest : scene->pool_now[paged];
    if (limit > 0 && now > 0)
        return reached(paged ? "paged-pool" : "nonpaged-pool", limit, limit - now, judged,
                       scene->end_ns);
    if (scene->commit_limit > 0 && scene->commit_now >= 0)
        return reached("commit", scene->commit_limit, scene->commit_limit - scene->commit_now,
                       judged, scene->end_ns);
    return (struct seep_exhaustion){ NULL, 0, SEEP_NO_TIME, SEEP_NO_TIME, SEEP_NO_TIME };
}

struct seep_exhaustion seep_exhaustion_of(const struct seep_scene *scene,
                                          const struct seep_judged *judged)
{
    const struct seep_exhaustion none = { NULL, 0, SEEP_NO_TIME, SEEP_NO_TIME, SEEP_NO_TIME };
    const struct seep_shape *s = &judged->shape;
    if (s->form < SEEP_FORM_SLOWING || !(s->rate > 0))
        return none;
    switch (judged->metric) {
    case SEEP_METRIC_PRIVATE_BYTES:
    case SEEP_METRIC_COMMIT_BYTES:
        if (scene->commit_limit > 0 && scene->commit_now >= 0)
            return reached("commit", scene->commit_limit, scene->commit_limit - scene->commit_now,
                           judged, scene->end_ns);
        return none;
    case SEEP_METRIC_HANDLES:
        if (judged->kind != SEEP_SUBJECT_PROCESS)
            return none;
        return reached("handles", MAX_HANDLES, MAX_HANDLES - judged->newest, judged, scene->end_ns);
    case SEEP_METRIC_GDI_OBJECTS:
    case SEEP_METRIC_USER_OBJECTS:
        return reached("handles", MAX_GDI_USER, MAX_GDI_USER - judged->newest, judged,
                       scene->end_ns);
    case SEEP_METRIC_PAGED_POOL_BYTES:
    case SEEP_METRIC_NONPAGED_POOL_BYTES:
        return judged->kind == SEEP_SUBJECT_PROCESS ? none : pool_reached(scene, judged);
    default:
        return none;
    }
}
