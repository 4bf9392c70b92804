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

struct seep_exhaustion seep_exhaustion_of(const struct seep_scene *scene,
                                          const struct seep_judged *judged)
{
    const struct seep_exhaustion none = { NULL, 0, SEEP_NO_TIME, SEEP_NO_TIME, SEEP_NO_TIME };
    const struct seep_shape *s = &judged->shape;
    struct seep_rate rate = { true, s->rate, s->rate_low, s->rate_high };
    if (s->form < SEEP_FORM_SLOWING || !(rate.value > 0))
        return none;
    switch (judged->metric) {
    case SEEP_METRIC_PRIVATE_BYTES:
    case SEEP_METRIC_COMMIT_BYTES:
        if (scene->commit_limit > 0 && scene->commit_now >= 0)
            return seep_exhaustion_at("commit", scene->commit_limit,
                                      scene->commit_limit - scene->commit_now, &rate,
                                      scene->end_ns);
        return none;
    case SEEP_METRIC_HANDLES:
        if (judged->kind != SEEP_SUBJECT_PROCESS)
            return none;
        return seep_exhaustion_at("handles", MAX_HANDLES, MAX_HANDLES - judged->newest, &rate,
                                  scene->end_ns);
    case SEEP_METRIC_GDI_OBJECTS:
    case SEEP_METRIC_USER_OBJECTS:
        return seep_exhaustion_at("handles", MAX_GDI_USER, MAX_GDI_USER - judged->newest, &rate,
                                  scene->end_ns);
    default:
        return none;
    }
}
