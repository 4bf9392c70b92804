// SPDX-License-Identifier: MIT
// A labelled generator of what counters of healthy and of leaking processes show over time, each
// with its truth. The same seed gives the same series on every platform.
//
// A family is a recipe: how the parts below are drawn. One generating process adds the parts up and
// shows the sum as a counter does (pages, allocator chunks, whole objects, modulo 2^32); it can be
// continued beyond the observation, so that the moment when a limit is reached is known.
//
// What can be judged was decided before anything was measured, by what an observation shows of a
// family and not by what a detector says of it:
//   - a rise that has not yet ended (warm-up under way, cache still filling, load still up, one
//     tooth of a sawtooth) is in the observation the same as a leak: not judgeable;
//   - an exponential warm-up has ended after four time constants: the last quarter of the
//     observation then adds less than 5 % of its height;
//   - a rhythm is judgeable from one whole period on, a leak under one too;
//   - a sawtooth is judgeable from two teeth on at four looks a tooth; the rising floor under one
//     from eight teeth on, because fewer give fewer than eight floors;
//   - a leak that comes in steps or bursts is judgeable from six of them on, one of them in the
//   last
//     quarter: fewer are what load does when it changes a few times and stays;
//   - a leak that begins late, or starts again with each life, needs eight looks after that;
//   - a random walk without reversion is not judgeable: it has no level to which it returns.
#ifndef SEEP_BENCH_OC_FAMILIES_H
#define SEEP_BENCH_OC_FAMILIES_H

#include "model/series.h"
#include "series_gen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OC_START_NS INT64_C(1772323200000000000) // Sunday 2026-03-01T00:00:00Z

struct oc_observation {
    const char *name;
    double tick_s;
    unsigned n;
    unsigned thin;                          // judged in one of so many runs: long ones cost most
    double least_growth_mb, most_growth_mb; // of a leak, over the observation
    double least_every_s, most_every_s;     // of a leak of single objects
};
extern const struct oc_observation oc_observations[];
extern const size_t oc_n_observations;

// Growth over the observation in standard deviations of the noise of one look.
enum oc_noise_level { OC_EASY = 0, OC_MEDIUM, OC_HARD, OC_N_NOISE_LEVELS };
extern const double oc_growth_over_noise[OC_N_NOISE_LEVELS];
extern const char *const oc_noise_level_names[OC_N_NOISE_LEVELS];

enum oc_leak {
    OC_LEAK_NONE = 0,
    OC_LEAK_LINE,
    OC_LEAK_POWER,       // growth * u^exponent
    OC_LEAK_EXPONENTIAL, // growth of the growth: (e^(k u) - 1) / (e^k - 1)
    OC_LEAK_STAIRS,      // `count` equal steps
    OC_LEAK_BURSTS,      // Poisson arrivals of exponential sizes
    OC_LEAK_WEIBULL,     // Weibull (shape 0.7) between arrivals, log-normal sizes
    OC_LEAK_VARYING,     // the rate changes at random by a factor of up to ten
    OC_LEAK_RATCHET,     // of each batch a part is released and a part is not
    OC_LEAK_OBJECTS,     // one at a time, at random moments
    OC_LEAK_WORKDAY,     // only from 9 to 17 h
};
enum oc_rise {
    OC_RISE_NONE = 0,
    OC_RISE_EXPONENTIAL,
    OC_RISE_LINE,
    OC_RISE_LOGISTIC,
    OC_RISE_DOUBLING
};
enum oc_saw { OC_SAW_NONE = 0, OC_SAW_LINE, OC_SAW_CONVEX, OC_SAW_TWO_GENERATIONS, OC_SAW_RANDOM };
enum oc_rhythm { OC_RHYTHM_NONE = 0, OC_RHYTHM_DAY, OC_RHYTHM_WEEK, OC_RHYTHM_OFFICE_HOURS };
enum oc_noise {
    OC_NOISE_NONE = 0,
    OC_NOISE_WHITE,
    OC_NOISE_AR1,
    OC_NOISE_REVERTING, // Ornstein-Uhlenbeck and a third of white noise
    OC_NOISE_WALK,
    OC_NOISE_LOG_NORMAL,
    OC_NOISE_STUDENT, // three degrees of freedom
    OC_NOISE_TELEGRAPH,
    OC_NOISE_MOVING_AVERAGE,
};

enum { OC_MAX_STEPS = 4, OC_MAX_LIVES = 4 };

// How one series is made. Places are shares of the observation, heights in the unit of the metric.
struct oc_recipe {
    enum seep_metric metric;
    double level, quantum, floor_of_noise;
    struct {
        enum oc_leak kind;
        double growth, onset, exponent, count;
    } leak;
    struct {
        enum oc_rise kind;
        double height, width; // time constant, or length
    } rise;
    struct {
        enum oc_saw kind;
        double height, looks; // a tooth
    } saw;
    struct {
        enum oc_rhythm kind;
        double height;
    } rhythm;
    struct {
        double at, height;
    } steps[OC_MAX_STEPS];
    struct {
        double from, full, fall, to, height;
    } pulses[OC_MAX_STEPS]; // trapezoids
    struct {
        double count, height, looks; // arrivals, mean height, time constant of their release
    } shots;
    struct {
        enum oc_noise kind;
        double sd, phi, looks; // looks: correlation time of the slow kinds
    } noise;
    struct {
        double gap_from, gap_to, drop, jump_at, jump_s, fail;
    } sampling;
    double life_at[OC_MAX_LIVES]; // when lives after the first one begin, in order; 0 = no more
    double life_level;            // added to the level with every life
    bool same_pid, other_image;
    bool wraps; // the level is put so that the series passes 2^32
    bool even;  // one rate from the onset on
    bool judgeable;
};

struct oc_draw {
    struct gen_random random;
    const struct oc_observation *o;
    double growth, sd;
};

struct oc_family {
    const char *name;
    bool leaks, held_out;
    void (*draw)(struct oc_draw *draw, struct oc_recipe *recipe);
};
// Both sets are one table; held-out families come last.
extern const struct oc_family oc_families[];
extern const size_t oc_n_families;
extern const struct oc_family oc_held_out[];
extern const size_t oc_n_held_out;

struct oc_truth {
    bool leaks, judgeable;
    bool even;              // one rate throughout: rates and times to exhaustion can be compared
    double rate_per_s;      // from the onset to the end of the observation
    double onset_s, growth; // from the start of the observation; over all lives
    double noise_sd;
};

struct oc_life {
    uint32_t pid;
    const char *image;
    int64_t start_ns, end_ns; // SEEP_NO_TIME = alive at the end
};

// One labelled series: what the recorder saw at each of its looks, in the order in which it looked
// (times go back where the clock did).
struct oc_case {
    const struct oc_family *family;
    const struct oc_observation *observation;
    enum oc_noise_level noise_level;
    uint64_t seed;
    enum seep_metric metric;
    struct oc_truth truth;
    struct oc_life lives[OC_MAX_LIVES];
    size_t n_lives;
    struct seep_points looks; // of the process that lived then
    unsigned *life;           // of each look: index into `lives`
    size_t life_capacity;
    double limit;         // a value of the series
    double limit_after_s; // from the last look until it is first reached; NaN = not asked, or never
    double trend_after_s; // until the series without noise, teeth and rhythm reaches it
};

void oc_draw_begin(struct oc_draw *draw, const struct oc_observation *o, enum oc_noise_level level,
                   uint64_t seed);
// What most recipes share: level, noise, quantum.
void oc_recipe_begin(struct oc_draw *draw, struct oc_recipe *recipe);
double oc_between(struct oc_draw *draw, double low, double high);
double oc_log_between(struct oc_draw *draw, double low, double high);
// Objects instead of bytes: a leak of one every `least_every_s` to `most_every_s`.
void oc_recipe_objects(struct oc_draw *draw, struct oc_recipe *recipe, enum seep_metric metric);

// Makes a series; storage in `c` is used again. With `room` > 0 the process is continued until it
// is `room` times the growth above its last value. The family decides with the recipe.
void oc_generate(const struct oc_family *family, const struct oc_observation *o,
                 enum oc_noise_level level, uint64_t seed, double room, struct oc_case *c);
void oc_case_clear(struct oc_case *c);

#endif
