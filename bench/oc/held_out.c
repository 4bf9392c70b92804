// SPDX-License-Identifier: MIT
// The hold-out: other shapes, other noise, other ranges. Nothing is tuned with these; what is
// reported of them says how far the numbers of the other families can be trusted.
#include "families.h"

#include <math.h>

static bool chance(struct oc_draw *draw, double share)
{
    return gen_uniform(&draw->random) < share;
}

// Other noise than the tuning families have.
static void begin(struct oc_draw *draw, struct oc_recipe *r)
{
    static const enum oc_noise kinds[] = { OC_NOISE_LOG_NORMAL, OC_NOISE_STUDENT,
                                           OC_NOISE_MOVING_AVERAGE };
    oc_recipe_begin(draw, r);
    r->noise.kind = kinds[(size_t)oc_between(draw, 0, 3)];
    r->quantum = chance(draw, 0.3) ? 1 << 18 : 4096;
}

static void leaks(struct oc_draw *draw, struct oc_recipe *r, enum oc_leak kind)
{
    begin(draw, r);
    r->leak.kind = kind;
    r->leak.growth = draw->growth;
    r->leak.count = oc_between(draw, 12, 40);
    r->even = kind == OC_LEAK_LINE;
}

static double span_s(const struct oc_draw *draw)
{
    return draw->o->n * draw->o->tick_s;
}

static void leak_log_normal(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->noise.kind = OC_NOISE_LOG_NORMAL;
}

static void leak_heavy_tails(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->noise.kind = OC_NOISE_STUDENT;
}

static void leak_telegraph(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->noise.kind = OC_NOISE_TELEGRAPH;
    r->noise.looks = oc_between(draw, 2, 6);
}

static void leak_multiplies(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_EXPONENTIAL);
    r->leak.exponent = oc_between(draw, 0.4, 2);
}

static void leak_weibull(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_WEIBULL);
    r->judgeable = draw->o->n >= 60;
}

static void leak_ratchet(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_RATCHET);
    r->judgeable = draw->o->n >= 200;
}

static void leak_generations(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->saw.kind = chance(draw, 0.5) ? OC_SAW_CONVEX : OC_SAW_TWO_GENERATIONS;
    r->saw.height = draw->growth * oc_between(draw, 0.2, 1.5);
    r->saw.looks = fmax(draw->o->n / oc_between(draw, 10, 40), 6);
    r->judgeable = draw->o->n >= 8 * r->saw.looks;
}

// In a day it leaks for eight hours and rests: like a step. From two days on it can be seen.
static void leak_office_hours(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_WORKDAY);
    r->judgeable = span_s(draw) > 5 * 86400;
}

static void leak_under_office_hours(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->rhythm.kind = OC_RHYTHM_OFFICE_HOURS;
    r->rhythm.height = draw->growth * oc_between(draw, 0.2, 0.8);
    r->judgeable = span_s(draw) >= 2 * 86400;
}

static void leak_threads(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_objects(draw, r, SEEP_METRIC_THREADS);
    r->leak.kind = OC_LEAK_OBJECTS;
    r->leak.growth = draw->growth;
    r->even = true;
}

static void leak_nightly_restart(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    for (unsigned i = 0; i < 3; i++)
        r->life_at[i] = 0.25 * (i + 1);
    r->rise.kind = OC_RISE_EXPONENTIAL;
    r->rise.height = 0.1 * draw->growth;
    r->rise.width = 0.01;
    r->judgeable = draw->o->n >= 200;
}

static void leak_failed_looks(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->sampling.fail = 0.01;
    r->judgeable = draw->o->n >= 60;
}

static void log_normal(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->noise.kind = OC_NOISE_LOG_NORMAL;
}

static void heavy_tails(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->noise.kind = OC_NOISE_STUDENT;
}

static void telegraph(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->noise.kind = OC_NOISE_TELEGRAPH;
    r->noise.sd = draw->sd * oc_between(draw, 1, 5);
    r->level += 6 * r->noise.sd;
    r->noise.looks = fmax(draw->o->n / oc_log_between(draw, 8, 100), 1.5);
}

static void logistic(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->rise.kind = OC_RISE_LOGISTIC;
    r->rise.height = draw->growth * oc_between(draw, 0.5, 2);
    r->rise.width = oc_between(draw, 0.1, 0.6);
}

static void doubling(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->rise.kind = OC_RISE_DOUBLING;
    r->rise.height = draw->growth * oc_between(draw, 0.5, 2);
    r->rise.width = oc_between(draw, 0.2, 0.7);
}

static void office_hours(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->rhythm.kind = OC_RHYTHM_OFFICE_HOURS;
    r->rhythm.height = draw->growth * oc_between(draw, 0.3, 2);
    r->judgeable = span_s(draw) >= 86400;
}

static void generations(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->saw.kind = chance(draw, 0.5) ? OC_SAW_CONVEX : OC_SAW_TWO_GENERATIONS;
    r->saw.height = draw->growth * oc_between(draw, 0.3, 2);
    r->saw.looks = fmax(draw->o->n / oc_log_between(draw, 2, 60), 6);
    r->judgeable = draw->o->n >= 2 * r->saw.looks;
}

static void shots(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->shots.count = oc_log_between(draw, 10, 60);
    r->shots.height = draw->growth * oc_between(draw, 0.2, 1);
    r->shots.looks = fmax(draw->o->n / oc_log_between(draw, 15, 100), 1);
}

static void eviction(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->rise.kind = OC_RISE_EXPONENTIAL;
    r->rise.height = draw->growth;
    r->rise.width = 1 / oc_between(draw, 4.5, 20);
    r->saw.kind = OC_SAW_RANDOM;
    r->saw.height = draw->growth * oc_between(draw, 0.05, 0.3);
    r->saw.looks = fmax(draw->o->n / oc_between(draw, 6, 40), 4);
}

static void down_and_up(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->level += 1.5 * draw->growth;
    r->steps[0].at = oc_between(draw, 0.1, 0.4);
    r->steps[0].height = -draw->growth;
    r->steps[1].at = oc_between(draw, 0.5, 0.9);
    r->steps[1].height = draw->growth;
}

static void two_ramps(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    for (unsigned i = 0; i < 2; i++) {
        double from = 0.05 + 0.45 * i;
        r->pulses[i].from = from;
        r->pulses[i].full = from + oc_between(draw, 0.1, 0.2);
        r->pulses[i].fall = from + oc_between(draw, 0.2, 0.25);
        r->pulses[i].to = from + oc_between(draw, 0.3, 0.4);
        r->pulses[i].height = draw->growth * oc_between(draw, 0.5, 2);
    }
}

static void thread_pool(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_objects(draw, r, SEEP_METRIC_THREADS);
    r->noise.sd = 0.6;
    for (unsigned i = 0; i < 3; i++) {
        double from = oc_between(draw, 0.05, 0.6), to = from + oc_between(draw, 0.05, 0.3);
        r->pulses[i].from = from;
        r->pulses[i].full = fmin(from + 0.03, to);
        r->pulses[i].fall = r->pulses[i].full;
        r->pulses[i].to = to;
        r->pulses[i].height = floor(oc_between(draw, 8, 60));
    }
}

static void failed_looks(struct oc_draw *draw, struct oc_recipe *r)
{
    begin(draw, r);
    r->sampling.fail = oc_between(draw, 0.005, 0.05);
}

static void logistic_under_way(struct oc_draw *draw, struct oc_recipe *r)
{
    logistic(draw, r);
    r->rise.width = oc_between(draw, 1.2, 2);
    r->judgeable = false;
}

const struct oc_family oc_held_out[] = {
    { "leak: log-normal noise", true, true, leak_log_normal },
    { "leak: heavy tails", true, true, leak_heavy_tails },
    { "leak: telegraph noise", true, true, leak_telegraph },
    { "leak: multiplies", true, true, leak_multiplies },
    { "leak: Weibull bursts", true, true, leak_weibull },
    { "leak: part of each batch", true, true, leak_ratchet },
    { "leak: two generations", true, true, leak_generations },
    { "leak: in office hours", true, true, leak_office_hours },
    { "leak: under office hours", true, true, leak_under_office_hours },
    { "leak: threads", true, true, leak_threads },
    { "leak: four lives", true, true, leak_nightly_restart },
    { "leak: failed looks", true, true, leak_failed_looks },
    { "log-normal noise", false, true, log_normal },
    { "heavy tails", false, true, heavy_tails },
    { "telegraph noise", false, true, telegraph },
    { "warm-up, logistic", false, true, logistic },
    { "table that doubles", false, true, doubling },
    { "office hours", false, true, office_hours },
    { "two generations", false, true, generations },
    { "Poisson bursts, released", false, true, shots },
    { "cache with evictions", false, true, eviction },
    { "down and up again", false, true, down_and_up },
    { "two load ramps", false, true, two_ramps },
    { "thread pool", false, true, thread_pool },
    { "failed looks", false, true, failed_looks },
    { "logistic, under way", false, true, logistic_under_way },
};
const size_t oc_n_held_out = sizeof oc_held_out / sizeof *oc_held_out;
