// SPDX-License-Identifier: MIT
// A labelled generator of series: families of healthy and leaking behaviour, each with its truth,
// the same for the same seed on every platform; and a dataset made of arrays.
#ifndef SEEP_TESTS_SERIES_GEN_H
#define SEEP_TESTS_SERIES_GEN_H

#include "base/arena.h"
#include "model/dataset.h"

#include <stdbool.h>
#include <stdint.h>

struct gen_random {
    uint64_t state;
};
double gen_uniform(struct gen_random *random); // 0 <= u < 1
double gen_normal(struct gen_random *random);  // mean 0, variance 1

enum gen_family {
    // healthy
    GEN_FLAT = 0,       // white noise
    GEN_AR1,            // noise with autocorrelation 0.9 from sample to sample
    GEN_REVERTING_WALK, // a random walk that is pulled back over a tenth of the observation
    GEN_CONSTANT,
    GEN_WARM_UP,        // quick exponential approach, then a plateau
    GEN_SLOW_WARM_UP,   // the same with a time constant of a quarter of the observation
    GEN_LINEAR_WARM_UP, // a straight rise over the first half, then a plateau
    GEN_SAWTOOTH,       // a collector: sawtooth over a flat floor, four looks a tooth at least
    GEN_STEP,           // one step, which stays
    GEN_TWO_STEPS,
    GEN_BURST,      // taken and released again
    GEN_DAILY,      // a rhythm of a day
    GEN_COUNT_FLAT, // small integers, mostly tied
    GEN_N_HEALTHY,
    // leaking
    GEN_LEAK = GEN_N_HEALTHY, // a straight line under noise
    GEN_LEAK_AR1,             // under autocorrelated noise
    GEN_LEAK_SAWTOOTH,        // sawtooth over a rising floor
    GEN_LEAK_STEPS,           // rare steps (every twentieth of the observation), never released
    GEN_LEAK_LATE,            // begins in the middle
    GEN_LEAK_WARM_UP,         // after a warm-up
    GEN_LEAK_BURSTY,          // the rate changes at random by a factor of ten
    GEN_LEAK_DAILY,           // under a daily rhythm
    GEN_LEAK_COUNT,           // one more every few samples
    GEN_LEAK_WRAP,            // passes 2^32 on a 32-bit counter
    GEN_LEAK_GAP,             // the recorder was off for a fifth of the time
    GEN_LEAK_IRREGULAR,       // sampled at random times
    GEN_N_FAMILIES,
};
const char *gen_family_name(enum gen_family family);

struct gen_spec {
    enum gen_family family;
    uint64_t seed;
    int64_t start_ns;
    double tick_s;
    unsigned n;     // looks of the recorder
    double level;   // at the start
    double noise;   // standard deviation of the noise
    double growth;  // of a leak, over the whole observation
    bool on_change; // keep a point only where the value changed, and every tenth look
};
// Adds the points; storage belongs to the caller.
void gen_series(const struct gen_spec *spec, struct seep_points *points);
// When its growth began, in seconds from the start (0 for families that leak throughout).
double gen_onset_s(const struct gen_spec *spec);

// A dataset that owns what it is told.
struct gen_data {
    struct seep_dataset data;
    struct seep_arena arena;
    struct seep_machine *machines;
    struct seep_process *processes;
    struct seep_dataset_series *series;
    struct seep_points *points;
    struct seep_event *events;
    struct seep_source_id *event_sources;
    struct seep_dataset_source source;
    struct seep_dataset_pool_tag *tags;
    struct seep_dataset_vm *vms;
    struct seep_dataset_zombie *zombies;
    struct seep_dataset_hold *holds;
    size_t tag_cap, vm_cap, zombie_cap, hold_cap;
    size_t machine_cap, process_cap, series_cap, points_cap, event_cap, event_source_cap;
};
void gen_data_init(struct gen_data *gen);
void gen_data_clear(struct gen_data *gen);
struct seep_machine_id gen_machine(struct gen_data *gen, const char *host);
struct seep_process_id gen_process(struct gen_data *gen, struct seep_machine_id machine,
                                   const char *image, uint32_t pid, int64_t start_ns);
// An empty series; its points go to gen_points(). `process` and `name` as in struct seep_subject.
size_t gen_add(struct gen_data *gen, struct seep_machine_id machine, enum seep_subject_kind kind,
               struct seep_process_id process, const char *name, enum seep_metric metric);
struct seep_points *gen_points(struct gen_data *gen, size_t series);
struct seep_event *gen_event(struct gen_data *gen, struct seep_machine_id machine, int64_t t_ns,
                             const char *provider, uint32_t id, size_t n_fields);
// What is counted of a tag at look `look` (from 1); all tags of a look after those of the one
// before. Counts are kept as they are given; `frees` and `bytes` as the case has them.
struct seep_pool_tag *gen_tag(struct gen_data *gen, struct seep_machine_id machine, uint32_t look,
                              int64_t t_ns, const char *tag, bool paged, uint64_t allocs,
                              uint64_t frees, uint64_t bytes);
// Of nothing is known yet; the caller fills it in before the next one is added.
struct seep_vm *gen_vm(struct gen_data *gen, struct seep_machine_id machine, int64_t t_ns);
struct seep_zombie *gen_zombie(struct gen_data *gen, struct seep_process_id process, int64_t t_ns);
// By holder and zombie.
void gen_hold(struct gen_data *gen, struct seep_process_id holder, struct seep_process_id zombie,
              uint64_t n_handles);
// Call it after everything was added: counts and times of the series, pointers.
const struct seep_dataset *gen_finish(struct gen_data *gen);

#endif
