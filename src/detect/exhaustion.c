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

// Seconds until the series, `ahead` above its line, gets to `limit`; infinite where it never does.
static double until(const struct seep_shape *s, double limit, double rate, double ahead)
{
    // A line of another slope turns about the middle of what was observed.
    double line = s->trend + (rate - s->rate) * s->pivot_s;
    return rate > 0 ? fmax(limit - line - ahead, 0) / rate : INFINITY;
}

// Of a series of which `room` is left above its newest value. What the rate and what the noise
// leave open are independent, so their deviations from the likeliest moment add up as squares.
static struct seep_exhaustion reached(const char *name, double limit_value, double room,
                                      const struct seep_judged *judged, int64_t now_ns)
{
    const struct seep_shape *s = &judged->shape;
    double limit = judged->newest + room, at = until(s, limit, s->rate, s->ahead);
    double soon = hypot(at - until(s, limit, s->rate, s->ahead_most),
                        at - until(s, limit, s->rate_high, s->ahead));
    double late = hypot(until(s, limit, s->rate, s->ahead_least) - at,
                        until(s, limit, s->rate_low, s->ahead) - at);
    struct seep_exhaustion e = { .limit = name, .limit_value = limit_value };
    e.at_ns = when(at, 1, now_ns);
    e.low_ns = when(at - soon, 1, now_ns);
    e.high_ns = when(at + late, 1, now_ns);
    return e;
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
    default:
        return none;
    }
}
