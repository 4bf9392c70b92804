// SPDX-License-Identifier: MIT
// The generating process: what a recipe comes to, look by look.
#include "families.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400.0
#define TWO_PI 6.283185307179586
#define TWO_32 4294967296.0
#define MB 1e6

// A leak of objects needs 16 to be seen at all; the intervals of short observations give 20 or
// more.
const struct oc_observation oc_observations[] = {
    { "10 at 1 s", 1, 10, 1, 6, 60, 0.2, 0.5 },
    { "10 at 60 s", 60, 10, 1, 8, 60, 10, 30 },
    { "30 at 1 s", 1, 30, 1, 6, 60, 0.4, 1.5 },
    { "1 h at 10 s", 10, 360, 1, 8, 120, 40, 150 },
    { "1 h at 60 s", 60, 60, 1, 8, 120, 40, 150 },
    { "4 h at 60 s", 60, 240, 1, 8, 200, 90, 400 },
    { "1 d at 60 s", 60, 1440, 1, 16, 400, 120, 600 },
    { "1 d at 300 s", 300, 288, 1, 16, 400, 120, 600 },
    { "7 d at 300 s", 300, 2016, 2, 32, 1000, 300, 1200 },
    { "7 d at 60 s", 60, 10080, 8, 32, 1000, 300, 1200 },
};
const size_t oc_n_observations = sizeof oc_observations / sizeof *oc_observations;

const double oc_growth_over_noise[OC_N_NOISE_LEVELS] = { 60, 24, 10 };
const char *const oc_noise_level_names[OC_N_NOISE_LEVELS] = { "60", "24", "10" };

struct process {
    struct gen_random random;
    const struct oc_recipe *r;
    const struct oc_observation *o;
    double phase, place, week;
    double leaked, rate, next_at, batch, burst_at;
    unsigned bursts;
    double saw, saw_limit;
    double slow, before, telegraph;
    double shots;
    double leak_base; // what earlier lives took and the system got back
    double life_start;
    unsigned life;
    double offset; // of a counter that passes 2^32
};

static double exponential(struct process *p)
{
    return -log(1 - gen_uniform(&p->random));
}

static double share_of_day(double x)
{
    return x - floor(x);
}

// Seconds between 9 and 17 h until t.
static double worked_s(double t_s)
{
    double day = floor(t_s / DAY_S), of_day = t_s - day * DAY_S;
    return (day + fmin(fmax(of_day - 9 * 3600, 0) / (8 * 3600), 1)) * 8 * 3600;
}

static void advance_leak(struct process *p, double at, double step)
{
    const double growth = p->r->leak.growth, count = p->r->leak.count, onset = p->r->leak.onset;
    if (at < onset)
        return;
    double share = step / (1 - onset); // of the leaking time, in one look
    switch (p->r->leak.kind) {
    case OC_LEAK_BURSTS:
        if (gen_uniform(&p->random) < count * share) {
            p->leaked += growth / count * (0.4 + 0.6 * exponential(p));
            p->bursts++;
            p->burst_at = at;
        }
        return;
    case OC_LEAK_WEIBULL:
        for (unsigned k = 0; at >= p->next_at && k < 64; k++) {
            // The mean of a Weibull variable of shape 0.7 is 1.2658 scales; of this log-normal 1.2.
            p->next_at += pow(exponential(p), 1 / 0.7) / 1.2658 * (1 - onset) / count;
            p->leaked += growth / count * exp(0.6 * gen_normal(&p->random)) / 1.2;
            p->bursts++;
            p->burst_at = at;
        }
        return;
    case OC_LEAK_VARYING:
        if (gen_uniform(&p->random) < 24 * share)
            p->rate = pow(10, gen_uniform(&p->random) - 0.5) / 1.236;
        p->leaked += growth * share * p->rate;
        return;
    case OC_LEAK_RATCHET:
        p->batch *= 0.7;
        if (gen_uniform(&p->random) < count * share) {
            p->leaked += growth / count;
            p->batch += 2.5 * growth / count;
            p->bursts++;
            p->burst_at = at;
        }
        return;
    case OC_LEAK_OBJECTS:
        for (double t = exponential(p); t < growth * share; t += exponential(p))
            p->leaked++;
        return;
    default:
        return;
    }
}

static double leak_of(const struct process *p, double at)
{
    const struct oc_recipe *r = p->r;
    double u = fmax((at - r->leak.onset) / (1 - r->leak.onset), 0), k = r->leak.exponent;
    double span_s = p->o->tick_s * p->o->n, growth = r->leak.growth;
    switch (r->leak.kind) {
    case OC_LEAK_NONE:
        return 0;
    case OC_LEAK_LINE:
        return growth * u;
    case OC_LEAK_POWER:
        return growth * pow(u, k);
    case OC_LEAK_EXPONENTIAL:
        return growth * (exp(k * u) - 1) / (exp(k) - 1);
    case OC_LEAK_STAIRS:
        return growth * floor(u * r->leak.count + p->phase) / r->leak.count;
    case OC_LEAK_WORKDAY:
        return growth * worked_s(at * span_s) / worked_s(span_s);
    default:
        return p->leaked;
    }
}

static double rise_of(const struct process *p, double at)
{
    double width = p->r->rise.width, height = p->r->rise.height, u = (at - p->life_start) / width;
    switch (p->r->rise.kind) {
    case OC_RISE_EXPONENTIAL:
        return height * (1 - exp(-u));
    case OC_RISE_LINE:
        return height * fmin(u, 1);
    case OC_RISE_LOGISTIC:
        return height / (1 + exp(-12 * (u - 0.5)));
    case OC_RISE_DOUBLING: // a table that doubles whenever it is full
        return height * exp2(floor(log2(1 + 31 * fmin(u, 1)))) / 32;
    default:
        return 0;
    }
}

static double saw_of(struct process *p, unsigned i)
{
    double height = p->r->saw.height, x = i / p->r->saw.looks + p->phase, tooth = share_of_day(x);
    switch (p->r->saw.kind) {
    case OC_SAW_LINE:
        return height * tooth;
    case OC_SAW_CONVEX:
        return height * tooth * tooth;
    case OC_SAW_TWO_GENERATIONS:
        return height * (0.7 * tooth + 0.3 * share_of_day(x * 5.3));
    case OC_SAW_RANDOM: // collected when it is full, and how full that is varies
        p->saw += height / p->r->saw.looks * (0.6 + 0.8 * gen_uniform(&p->random));
        if (p->saw >= p->saw_limit) {
            p->saw = 0;
            p->saw_limit = height * (0.6 + 0.4 * gen_uniform(&p->random));
        }
        return p->saw;
    default:
        return 0;
    }
}

static double rhythm_of(const struct process *p, double t_s)
{
    double day = t_s / DAY_S + p->phase, height = p->r->rhythm.height;
    bool weekend = fmod(floor(day + p->week), 7) >= 5;
    switch (p->r->rhythm.kind) {
    case OC_RHYTHM_DAY:
        return height / 2 * (1 + sin(TWO_PI * day));
    case OC_RHYTHM_WEEK:
        return height / 2 * (weekend ? 0.2 : 1) * (1 + sin(TWO_PI * day));
    case OC_RHYTHM_OFFICE_HOURS:
        return !weekend && share_of_day(day) > 0.375 && share_of_day(day) < 0.71 ? height : 0;
    default:
        return 0;
    }
}

static double events_of(struct process *p, double at, double step)
{
    const struct oc_recipe *r = p->r;
    double sum = 0;
    for (size_t i = 0; i < OC_MAX_STEPS; i++) {
        if (r->steps[i].height != 0 && at >= r->steps[i].at)
            sum += r->steps[i].height;
        double from = r->pulses[i].from, full = r->pulses[i].full, fall = r->pulses[i].fall,
               to = r->pulses[i].to;
        if (r->pulses[i].height == 0 || at < from || at >= to)
            continue;
        double up = full > from ? fmin((at - from) / (full - from), 1) : 1;
        double down = to > fall ? fmin((to - at) / (to - fall), 1) : 1;
        sum += r->pulses[i].height * fmin(up, down);
    }
    if (r->shots.count > 0) {
        p->shots *= exp(-1 / r->shots.looks);
        if (gen_uniform(&p->random) < r->shots.count * step)
            p->shots += r->shots.height * exponential(p);
    }
    return sum + p->shots;
}

static double noise_of(struct process *p)
{
    const double sd = p->r->noise.sd, phi = p->r->noise.phi;
    double white = gen_normal(&p->random);
    switch (p->r->noise.kind) {
    case OC_NOISE_WHITE:
        return sd * white;
    case OC_NOISE_AR1:
        p->slow = phi * p->slow + sqrt(1 - phi * phi) * white;
        return sd * p->slow;
    case OC_NOISE_REVERTING: {
        double pull = 1 / p->r->noise.looks;
        p->slow = (1 - pull) * p->slow + sqrt(2 * pull) * white;
        return sd * (p->slow + 0.3 * gen_normal(&p->random));
    }
    case OC_NOISE_WALK:
        p->slow += white / sqrt(p->r->noise.looks);
        return sd * p->slow;
    case OC_NOISE_LOG_NORMAL: // of that standard deviation, skewed upwards
        return sd * (exp(0.8 * white) - 1.377) / 1.306;
    case OC_NOISE_STUDENT: {
        double a = gen_normal(&p->random), b = gen_normal(&p->random), c = gen_normal(&p->random);
        return sd * white / sqrt(a * a + b * b + c * c + 1e-3);
    }
    case OC_NOISE_TELEGRAPH:
        if (gen_uniform(&p->random) < 1 / p->r->noise.looks)
            p->telegraph = -p->telegraph;
        return sd * (p->telegraph + 0.2 * white);
    case OC_NOISE_MOVING_AVERAGE: {
        double value = (white + p->before) / 1.4142;
        p->before = white;
        return sd * value;
    }
    default:
        return 0;
    }
}

static unsigned life_at(const struct oc_recipe *r, double at)
{
    unsigned life = 0;
    while (life + 1 < OC_MAX_LIVES && r->life_at[life] > 0 && at >= r->life_at[life])
        life++;
    return life;
}

// The value that the counter shows at look i; looks come in order.
static double next_value(struct process *p, unsigned i)
{
    const struct oc_recipe *r = p->r;
    double step = 1.0 / p->o->n, at = i * step;
    unsigned life = life_at(r, at);
    advance_leak(p, at, step);
    if (life != p->life) {
        p->life = life;
        p->life_start = at;
        p->leak_base = leak_of(p, at);
        p->slow = 0;
    }
    double sum = r->level + r->life_level * life + leak_of(p, at) - p->leak_base + p->batch;
    sum += rise_of(p, at) + saw_of(p, i) + rhythm_of(p, i * p->o->tick_s);
    sum += events_of(p, at, step) + noise_of(p) + p->offset;
    if (r->sampling.fail > 0 && gen_uniform(&p->random) < r->sampling.fail)
        return 0; // a look that failed
    sum = floor(fmax(sum, 0) / r->quantum) * r->quantum;
    return r->wraps ? fmod(sum, TWO_32) : sum;
}

static double trend_of(const struct process *p, unsigned i)
{
    double at = (double)i / p->o->n;
    return p->r->level + p->offset + leak_of(p, at) - p->leak_base + rise_of(p, at);
}

static void process_begin(struct process *p, const struct oc_recipe *r,
                          const struct oc_observation *o, uint64_t seed)
{
    *p = (struct process){ .random = { seed }, .r = r, .o = o, .rate = 1, .telegraph = 1 };
    p->phase = gen_uniform(&p->random);
    p->place = gen_uniform(&p->random);
    p->week = floor(7 * gen_uniform(&p->random));
    p->next_at = r->leak.onset + (1 - r->leak.onset) / fmax(r->leak.count, 1) * p->place;
    p->saw_limit = r->saw.height * (0.6 + 0.4 * gen_uniform(&p->random));
    p->saw = p->saw_limit * p->place;
    p->slow = r->noise.kind == OC_NOISE_WALK ? 0 : gen_normal(&p->random);
    if (r->wraps)
        p->offset = TWO_32 - r->level - (r->leak.growth > 0 ? r->leak.growth * p->place : 0);
}

static void *grown(void *array, size_t *capacity, size_t need, size_t size)
{
    if (!seep_grow(array, capacity, need, size)) {
        (void)fprintf(stderr, "out of memory\n");
        abort();
    }
    void *moved;
    memcpy(&moved, array, sizeof moved);
    return moved;
}

static void add_look(struct oc_case *c, int64_t t_ns, double value, unsigned life)
{
    size_t at = c->looks.count;
    if (!seep_points_add(&c->looks, t_ns, value))
        abort();
    c->life = grown(&c->life, &c->life_capacity, at + 1, sizeof *c->life);
    c->life[at] = life;
}

static void name_lives(struct oc_case *c, const struct oc_recipe *r)
{
    static const char *const images[] = { "app.exe", "host.exe", "worker.exe", "tool.exe" };
    double span_s = c->observation->tick_s * c->observation->n;
    c->n_lives = life_at(r, 1) + 1;
    for (size_t i = 0; i < c->n_lives; i++) {
        int64_t start =
            i ? OC_START_NS +
                    (int64_t)((r->life_at[i - 1] * span_s - 0.4 * c->observation->tick_s) * 1e9)
              : OC_START_NS - INT64_C(7200000000000);
        c->lives[i] = (struct oc_life){ .pid = 4000 + (r->same_pid ? 0 : 4 * (uint32_t)i),
                                        .image = images[r->other_image ? i : 0],
                                        .start_ns = start,
                                        .end_ns = SEEP_NO_TIME };
        if (i)
            c->lives[i - 1].end_ns = start;
    }
}

static void find_truth(struct oc_case *c, const struct oc_recipe *r, const struct process *p)
{
    double span_s = c->observation->tick_s * c->observation->n;
    struct oc_truth *t = &c->truth;
    *t = (struct oc_truth){ .leaks = r->leak.kind != OC_LEAK_NONE,
                            .judgeable = r->judgeable,
                            .even = r->even,
                            .onset_s = r->leak.onset * span_s,
                            .noise_sd = r->noise.sd };
    if (!t->leaks)
        return;
    t->growth = leak_of(p, 1);
    if (r->leak.kind == OC_LEAK_STAIRS)
        t->growth = r->leak.growth; // of whole steps, whatever the phase
    t->rate_per_s = t->growth / (span_s - t->onset_s);
    bool comes_in_bursts = r->leak.kind == OC_LEAK_BURSTS || r->leak.kind == OC_LEAK_WEIBULL ||
                           r->leak.kind == OC_LEAK_RATCHET;
    if (comes_in_bursts && (p->bursts < 6 || p->burst_at < 0.75))
        t->judgeable = false;
}

void oc_generate(const struct oc_family *family, const struct oc_observation *o,
                 enum oc_noise_level level, uint64_t seed, double room, struct oc_case *c)
{
    struct oc_recipe r = { 0 };
    struct oc_draw draw;
    struct process p;
    uint64_t mixed = seed * UINT64_C(0x9E3779B97F4A7C15) + 17;
    for (const char *s = family->name; *s; s++)
        mixed = (mixed ^ (uint64_t)(unsigned char)*s) * UINT64_C(0x100000001B3);
    mixed += (uint64_t)o->n * 131 + (uint64_t)(o->tick_s * 1000) + (uint64_t)level * 7919;
    oc_draw_begin(&draw, o, level, mixed);
    family->draw(&draw, &r);
    process_begin(&p, &r, o, draw.random.state);
    c->family = family;
    c->observation = o;
    c->noise_level = level;
    c->seed = seed;
    c->metric = r.metric;
    c->looks.count = 0;
    c->limit_after_s = c->trend_after_s = NAN;
    name_lives(c, &r);
    double value = 0;
    for (unsigned i = 0; i < o->n; i++) {
        double at = (double)i / o->n, late = 0.02 * gen_uniform(&p.random);
        value = next_value(&p, i);
        if (at >= r.sampling.gap_from && at < r.sampling.gap_to)
            continue;
        if (r.sampling.drop > 0 && i > 0 && i + 1 < o->n &&
            gen_uniform(&p.random) < r.sampling.drop)
            continue;
        double t_s = (i + late) * o->tick_s;
        if (r.sampling.jump_at > 0 && at >= r.sampling.jump_at)
            t_s += r.sampling.jump_s;
        add_look(c, OC_START_NS + (int64_t)(t_s * 1e3) * 1000000, value, p.life);
    }
    find_truth(c, &r, &p);
    c->limit = value + room * fmax(r.leak.growth, 1);
    for (unsigned i = o->n; room > 0 && i < 40 * o->n; i++) {
        double after_s = (i - o->n + 1) * o->tick_s;
        if (next_value(&p, i) >= c->limit && c->limit_after_s != c->limit_after_s)
            c->limit_after_s = after_s;
        if (trend_of(&p, i) >= c->limit) {
            c->trend_after_s = after_s;
            break;
        }
    }
}

void oc_case_clear(struct oc_case *c)
{
    seep_points_clear(&c->looks);
    seep_free(c->life);
    *c = (struct oc_case){ 0 };
}
