// SPDX-License-Identifier: MIT
// The families that detection may be tuned with.
#include "families.h"

#include <math.h>

#define MB 1e6

double oc_between(struct oc_draw *draw, double low, double high)
{
    return low + (high - low) * gen_uniform(&draw->random);
}

double oc_log_between(struct oc_draw *draw, double low, double high)
{
    return low * exp(log(high / low) * gen_uniform(&draw->random));
}

static bool chance(struct oc_draw *draw, double share)
{
    return gen_uniform(&draw->random) < share;
}

void oc_draw_begin(struct oc_draw *draw, const struct oc_observation *o, enum oc_noise_level level,
                   uint64_t seed)
{
    *draw = (struct oc_draw){ .random = { seed }, .o = o };
    (void)gen_uniform(&draw->random);
    draw->growth = oc_log_between(draw, o->least_growth_mb, o->most_growth_mb) * MB;
    draw->sd = draw->growth / oc_growth_over_noise[level];
}

// Half of the series have white noise, half one with a memory of a few looks.
static void draw_noise(struct oc_draw *draw, struct oc_recipe *r)
{
    r->noise.kind = chance(draw, 0.5) ? OC_NOISE_WHITE : OC_NOISE_AR1;
    r->noise.phi = oc_between(draw, 0.3, 0.9);
    r->noise.sd = draw->sd;
}

void oc_recipe_begin(struct oc_draw *draw, struct oc_recipe *r)
{
    r->metric = SEEP_METRIC_PRIVATE_BYTES;
    r->level = oc_log_between(draw, 30 * MB, 1000 * MB) + 6 * draw->sd;
    // Pages; or a heap that commits by 64 KiB.
    r->quantum = chance(draw, 0.3) ? 65536 : 4096;
    draw_noise(draw, r);
    r->judgeable = true;
}

void oc_recipe_objects(struct oc_draw *draw, struct oc_recipe *r, enum seep_metric metric)
{
    const struct oc_observation *o = draw->o;
    double over_noise = draw->growth / draw->sd;
    draw->growth = o->n * o->tick_s / oc_log_between(draw, o->least_every_s, o->most_every_s);
    draw->sd = draw->growth / over_noise;
    r->metric = metric;
    r->level = floor(oc_log_between(draw, 60, 3000) + 6 * draw->sd);
    r->quantum = 1;
    draw_noise(draw, r);
    r->judgeable = true;
}

static double span_s(const struct oc_draw *draw)
{
    return draw->o->n * draw->o->tick_s;
}

static void leaks(struct oc_draw *draw, struct oc_recipe *r, enum oc_leak kind)
{
    oc_recipe_begin(draw, r);
    r->leak.kind = kind;
    r->leak.growth = draw->growth;
    r->leak.count = fmin(oc_between(draw, 10, 24), draw->o->n / 2.0);
    r->even = kind == OC_LEAK_LINE;
}

// Leaks.

static void leak_line(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
}

static void leak_curved(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_POWER);
    r->leak.exponent = oc_between(draw, 0.65, 0.85);
}

static void leak_accelerating(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_POWER);
    r->leak.exponent = oc_between(draw, 1.5, 2.2);
}

static void leak_steps(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_STAIRS);
    r->leak.count = floor(r->leak.count);
    r->judgeable = draw->o->n >= 30;
}

static void leak_bursts(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_BURSTS);
    r->judgeable = draw->o->n >= 30;
}

static void leak_varying(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_VARYING);
}

static void leak_under_rhythm(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->rhythm.kind = OC_RHYTHM_DAY;
    r->rhythm.height = draw->growth * oc_between(draw, 0.2, span_s(draw) > 2 * 86400 ? 1 : 0.4);
    r->judgeable = span_s(draw) >= 86400;
}

static void leak_sawtooth(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->saw.kind = chance(draw, 0.5) ? OC_SAW_LINE : OC_SAW_RANDOM;
    r->saw.height = draw->growth * oc_log_between(draw, 0.3, 2);
    r->saw.looks = fmax(draw->o->n / oc_between(draw, 12, 60), 4);
    r->judgeable = draw->o->n >= 8 * r->saw.looks;
}

static void leak_objects(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_objects(draw, r, SEEP_METRIC_HANDLES);
    r->leak.kind = OC_LEAK_OBJECTS;
    r->leak.growth = draw->growth;
    r->even = true;
}

static void leak_late(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->leak.onset = oc_between(draw, 0.3, 0.65);
    r->judgeable = draw->o->n * (1 - r->leak.onset) >= 8;
}

static void leak_restarts(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    bool twice = chance(draw, 0.5);
    r->life_at[0] = twice ? oc_between(draw, 0.25, 0.4) : oc_between(draw, 0.4, 0.6);
    r->life_at[1] = twice ? oc_between(draw, 0.6, 0.75) : 0;
    r->same_pid = chance(draw, 0.3);
    r->judgeable = draw->o->n >= 60;
}

static void leak_warm_up(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->rise.kind = OC_RISE_EXPONENTIAL;
    r->rise.height = draw->growth * oc_between(draw, 0.3, 1);
    r->rise.width = 1 / oc_between(draw, 12, 60);
    r->judgeable = draw->o->n >= 30;
}

static void leak_wraps(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->wraps = true;
}

static void leak_gaps(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->sampling.gap_from = oc_between(draw, 0.2, 0.6);
    r->sampling.gap_to = r->sampling.gap_from + oc_between(draw, 0.1, 0.25);
    r->judgeable = draw->o->n >= 30;
}

static void leak_irregular(struct oc_draw *draw, struct oc_recipe *r)
{
    leaks(draw, r, OC_LEAK_LINE);
    r->sampling.drop = oc_between(draw, 0.2, 0.6);
    r->judgeable = draw->o->n >= 30;
}

// What is no leak.

static void flat(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->noise.kind = OC_NOISE_WHITE;
}

static void constant(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->noise.kind = OC_NOISE_NONE;
}

static void ar1(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->noise.kind = OC_NOISE_AR1;
    r->noise.phi = oc_between(draw, 0.5, 0.97);
}

static void reverting(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->noise.kind = OC_NOISE_REVERTING;
    r->noise.sd = draw->sd * oc_log_between(draw, 1, 6);
    r->level += 6 * r->noise.sd;
    r->noise.looks = fmax(draw->o->n / oc_log_between(draw, 10, 100), 1.5);
}

static void warm_up(struct oc_draw *draw, struct oc_recipe *r, double times, bool judgeable)
{
    oc_recipe_begin(draw, r);
    r->rise.kind = OC_RISE_EXPONENTIAL;
    r->rise.height = draw->growth * oc_between(draw, 0.5, 2);
    r->rise.width = 1 / times;
    r->judgeable = judgeable;
}

static void warm_up_quick(struct oc_draw *draw, struct oc_recipe *r)
{
    warm_up(draw, r, oc_between(draw, 10, 40), true);
}

static void warm_up_slow(struct oc_draw *draw, struct oc_recipe *r)
{
    warm_up(draw, r, oc_between(draw, 4, 8), true);
}

static void warm_up_under_way(struct oc_draw *draw, struct oc_recipe *r)
{
    warm_up(draw, r, oc_between(draw, 0.7, 3), false);
}

static void cache(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->rise.kind = OC_RISE_LINE;
    r->rise.height = draw->growth * oc_between(draw, 0.5, 2);
    r->rise.width = oc_between(draw, 0.15, 0.75);
}

static void cache_filling(struct oc_draw *draw, struct oc_recipe *r)
{
    cache(draw, r);
    r->rise.width = oc_between(draw, 0.97, 3);
    r->judgeable = false;
}

static void sawtooth(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->saw.kind = chance(draw, 0.5) ? OC_SAW_LINE : OC_SAW_RANDOM;
    r->saw.height = draw->growth * oc_between(draw, 0.3, 2);
    r->saw.looks = fmax(draw->o->n / oc_log_between(draw, 2, 80), 4);
    r->judgeable = draw->o->n >= 2 * r->saw.looks;
}

static void one_tooth(struct oc_draw *draw, struct oc_recipe *r)
{
    sawtooth(draw, r);
    r->saw.kind = OC_SAW_LINE;
    r->saw.looks = draw->o->n * oc_between(draw, 1, 4);
    r->judgeable = false;
}

static void daily(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->rhythm.kind = OC_RHYTHM_DAY;
    r->rhythm.height = draw->growth * oc_between(draw, 0.5, 2);
    r->judgeable = span_s(draw) >= 86400;
}

static void weekly(struct oc_draw *draw, struct oc_recipe *r)
{
    daily(draw, r);
    r->rhythm.kind = OC_RHYTHM_WEEK;
    r->judgeable = span_s(draw) >= 7 * 86400;
}

static void burst(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    double from = oc_between(draw, 0.05, 0.5), to = from + oc_between(draw, 0.1, 0.35);
    r->pulses[0].from = r->pulses[0].full = from;
    r->pulses[0].fall = r->pulses[0].to = to;
    r->pulses[0].height = draw->growth * oc_between(draw, 0.5, 2);
}

static void load_step(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->steps[0].at = oc_between(draw, 0.1, 0.85);
    r->steps[0].height = draw->growth * oc_between(draw, 0.5, 2);
}

static void two_steps(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->steps[0].at = oc_between(draw, 0.1, 0.45);
    r->steps[1].at = oc_between(draw, 0.5, 0.85);
    r->steps[0].height = draw->growth * oc_between(draw, 0.3, 1);
    r->steps[1].height = draw->growth * oc_between(draw, 0.3, 1);
}

static void ramp(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->pulses[0].from = oc_between(draw, 0.02, 0.15);
    r->pulses[0].full = oc_between(draw, 0.35, 0.55);
    r->pulses[0].fall = r->pulses[0].full + oc_between(draw, 0.02, 0.15);
    r->pulses[0].to = oc_between(draw, 0.75, 0.92);
    r->pulses[0].height = draw->growth * oc_between(draw, 0.5, 2);
}

static void ramp_up(struct oc_draw *draw, struct oc_recipe *r)
{
    ramp(draw, r);
    r->pulses[0].full = oc_between(draw, 0.85, 1.2);
    r->pulses[0].fall = 1.3;
    r->pulses[0].to = 1.6;
    r->judgeable = false;
}

static void objects(struct oc_draw *draw, struct oc_recipe *r)
{
    static const enum seep_metric metrics[] = { SEEP_METRIC_HANDLES, SEEP_METRIC_THREADS,
                                                SEEP_METRIC_HANDLES };
    oc_recipe_objects(draw, r, metrics[(size_t)oc_between(draw, 0, 3)]);
    r->noise.sd = oc_between(draw, 0.2, 1.5);
}

static void wraps(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->wraps = true;
}

static void clock_jump(struct oc_draw *draw, struct oc_recipe *r)
{
    if (chance(draw, 0.5))
        sawtooth(draw, r);
    else
        ar1(draw, r);
    r->sampling.jump_at = oc_between(draw, 0.2, 0.8);
    double far = chance(draw, 0.5) ? 3600 : oc_between(draw, 0.05, 0.4) * span_s(draw);
    r->sampling.jump_s = chance(draw, 0.5) ? far : -fmin(far, 0.9 * span_s(draw));
}

static void gaps(struct oc_draw *draw, struct oc_recipe *r)
{
    ar1(draw, r);
    r->sampling.gap_from = oc_between(draw, 0.2, 0.6);
    r->sampling.gap_to = r->sampling.gap_from + oc_between(draw, 0.1, 0.35);
    // While nobody looked, the load changed.
    r->steps[0].at = r->sampling.gap_from + 0.03;
    r->steps[0].height = chance(draw, 0.6) ? draw->growth * oc_between(draw, 0.3, 1.5) : 0;
}

static void irregular(struct oc_draw *draw, struct oc_recipe *r)
{
    if (chance(draw, 0.5))
        sawtooth(draw, r);
    else
        ar1(draw, r);
    r->sampling.drop = oc_between(draw, 0.2, 0.6);
}

static void pid_reuse(struct oc_draw *draw, struct oc_recipe *r)
{
    ar1(draw, r);
    r->life_at[0] = oc_between(draw, 0.2, 0.8);
    r->same_pid = true;
    r->other_image = true;
    r->life_level = draw->growth * oc_between(draw, 0.3, 2);
}

static void restarts(struct oc_draw *draw, struct oc_recipe *r)
{
    warm_up(draw, r, oc_between(draw, 20, 60), true);
    r->life_at[0] = oc_between(draw, 0.25, 0.45);
    r->life_at[1] = chance(draw, 0.5) ? oc_between(draw, 0.55, 0.75) : 0;
    r->same_pid = chance(draw, 0.3);
}

// Four lives, in each of which the warm-up takes a good part of it and ends.
static void restarts_often(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    for (unsigned i = 0; i < 3; i++)
        r->life_at[i] = 0.25 * (i + 1);
    r->rise.kind = OC_RISE_EXPONENTIAL;
    r->rise.height = draw->growth * oc_between(draw, 0.2, 1);
    r->rise.width = 0.25 / oc_log_between(draw, 4, 40);
    r->same_pid = chance(draw, 0.3);
}

static void walk(struct oc_draw *draw, struct oc_recipe *r)
{
    oc_recipe_begin(draw, r);
    r->noise.kind = OC_NOISE_WALK;
    r->noise.sd = draw->growth;
    r->level += 4 * draw->growth;
    r->noise.looks = draw->o->n;
    r->judgeable = false;
}

const struct oc_family oc_families[] = {
    { "leak: line", true, false, leak_line },
    { "leak: curved", true, false, leak_curved },
    { "leak: accelerating", true, false, leak_accelerating },
    { "leak: steps", true, false, leak_steps },
    { "leak: rare bursts", true, false, leak_bursts },
    { "leak: varying rate", true, false, leak_varying },
    { "leak: under a daily rhythm", true, false, leak_under_rhythm },
    { "leak: under a sawtooth", true, false, leak_sawtooth },
    { "leak: handles one by one", true, false, leak_objects },
    { "leak: begins midway", true, false, leak_late },
    { "leak: across restarts", true, false, leak_restarts },
    { "leak: after a warm-up", true, false, leak_warm_up },
    { "leak: passes 2^32", true, false, leak_wraps },
    { "leak: recorder was off", true, false, leak_gaps },
    { "leak: irregular looks", true, false, leak_irregular },
    { "flat", false, false, flat },
    { "constant", false, false, constant },
    { "AR(1)", false, false, ar1 },
    { "reverting walk", false, false, reverting },
    { "warm-up, quick", false, false, warm_up_quick },
    { "warm-up, slow", false, false, warm_up_slow },
    { "cache fills to its cap", false, false, cache },
    { "sawtooth", false, false, sawtooth },
    { "daily rhythm", false, false, daily },
    { "weekly rhythm", false, false, weekly },
    { "burst, released", false, false, burst },
    { "load step, stays", false, false, load_step },
    { "two load steps", false, false, two_steps },
    { "load ramp, falls back", false, false, ramp },
    { "tied counts", false, false, objects },
    { "wraps at 2^32", false, false, wraps },
    { "clock jumps", false, false, clock_jump },
    { "recorder was off", false, false, gaps },
    { "irregular looks", false, false, irregular },
    { "PID reuse", false, false, pid_reuse },
    { "restarts", false, false, restarts },
    { "restarts, slow starts", false, false, restarts_often },
    { "warm-up under way", false, false, warm_up_under_way },
    { "cache still filling", false, false, cache_filling },
    { "part of a tooth", false, false, one_tooth },
    { "load still rising", false, false, ramp_up },
    { "random walk", false, false, walk },
};
const size_t oc_n_families = sizeof oc_families / sizeof *oc_families;
