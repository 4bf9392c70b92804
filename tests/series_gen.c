// SPDX-License-Identifier: MIT
// A labelled generator of series, and a dataset made of arrays.
#include "series_gen.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// splitmix64 (Steele, Lea and Flood 2014).
static uint64_t next_random(struct gen_random *random)
{
    uint64_t z = (random->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double gen_uniform(struct gen_random *random)
{
    return (double)(next_random(random) >> 11) / 9007199254740992.0;
}

double gen_normal(struct gen_random *random)
{
    double u = gen_uniform(random), v = gen_uniform(random);
    return sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
}

static const char *const family_names[GEN_N_FAMILIES] = {
    "flat",
    "ar1",
    "reverting walk",
    "constant",
    "warm-up",
    "slow warm-up",
    "linear warm-up",
    "sawtooth",
    "step",
    "two steps",
    "burst",
    "daily rhythm",
    "flat counts",
    "leak",
    "leak, ar1",
    "leak, sawtooth",
    "leak, steps",
    "leak, late",
    "leak, warm-up",
    "leak, bursty",
    "leak, daily",
    "leak, counts",
    "leak, wrap",
    "leak, gap",
    "leak, irregular",
};

const char *gen_family_name(enum gen_family family)
{
    return family_names[family];
}

double gen_onset_s(const struct gen_spec *spec)
{
    return spec->family == GEN_LEAK_LATE ? spec->tick_s * spec->n / 2 : 0;
}

// What changes from look to look.
struct state {
    struct gen_random random;
    double walk, noise, leaked, rate, phase, place;
};

static double noise_of(const struct gen_spec *spec, struct state *s)
{
    const double phi = 0.9;
    switch (spec->family) {
    case GEN_CONSTANT:
    case GEN_COUNT_FLAT:
    case GEN_LEAK_COUNT:
        return 0;
    case GEN_AR1:
    case GEN_LEAK_AR1:
        s->noise = phi * s->noise + sqrt(1 - phi * phi) * gen_normal(&s->random);
        return s->noise * spec->noise;
    case GEN_REVERTING_WALK: {
        double pull = 10.0 / spec->n;
        s->walk = (1 - pull) * s->walk + sqrt(2 * pull) * gen_normal(&s->random);
        return (s->walk + 0.3 * gen_normal(&s->random)) * spec->noise;
    }
    default:
        return gen_normal(&s->random) * spec->noise;
    }
}

// The shape without noise at `at`, 0..1 of the observation.
static double shape_of(const struct gen_spec *spec, struct state *s, double at)
{
    double height = spec->growth, rhythm_s = 86400;
    double rhythm = sin(6.283185307179586 * (at * spec->tick_s * spec->n / rhythm_s + s->phase));
    switch (spec->family) {
    case GEN_WARM_UP:
        return height * (1 - exp(-at / 0.06));
    case GEN_SLOW_WARM_UP:
        return height * (1 - exp(-at / 0.25));
    case GEN_LINEAR_WARM_UP:
        return height * fmin(at * 2, 1);
    case GEN_SAWTOOTH: {
        double teeth = fmin(6 + 20 * s->place, spec->n / 4.0), x = at * teeth + s->phase;
        return height * (x - floor(x));
    }
    case GEN_STEP:
        return at >= 0.15 + 0.7 * s->place ? height : 0;
    case GEN_TWO_STEPS:
        return (at >= 0.1 + 0.4 * s->place ? height / 2 : 0) +
               (at >= 0.5 + 0.4 * s->phase ? height / 2 : 0);
    case GEN_BURST:
        return at >= 0.1 + 0.5 * s->place && at < 0.3 + 0.5 * s->place ? height : 0;
    case GEN_DAILY:
        return height / 2 * rhythm;
    case GEN_LEAK_SAWTOOTH: {
        double x = at * fmin(12 + 20 * s->place, spec->n / 4.0) + s->phase;
        return height * at + height / 2 * (x - floor(x));
    }
    case GEN_LEAK_STEPS:
        return height * floor(at * 20 + s->phase) / 20;
    case GEN_LEAK_LATE:
        return height * fmax(at - 0.5, 0) * 2;
    case GEN_LEAK_WARM_UP:
        return height * at + height * (1 - exp(-at / 0.04));
    case GEN_LEAK_BURSTY:
        return s->leaked;
    case GEN_LEAK_DAILY:
        return height * at + height / 8 * rhythm;
    case GEN_LEAK:
    case GEN_LEAK_AR1:
    case GEN_LEAK_COUNT:
    case GEN_LEAK_WRAP:
    case GEN_LEAK_GAP:
    case GEN_LEAK_IRREGULAR:
        return height * at;
    default:
        return 0;
    }
}

// The value as the counter shows it.
static double value_of(const struct gen_spec *spec, struct state *s, double at)
{
    if (spec->family == GEN_LEAK_BURSTY) {
        if (gen_uniform(&s->random) < 24.0 / spec->n)
            s->rate = pow(10, gen_uniform(&s->random) - 0.5);
        s->leaked += spec->growth / spec->n * s->rate;
    }
    double value = spec->level + shape_of(spec, s, at) + noise_of(spec, s);
    if (spec->family == GEN_COUNT_FLAT)
        value += floor(gen_uniform(&s->random) * 4) - floor(gen_uniform(&s->random) * 1.2);
    if (spec->family == GEN_LEAK_COUNT)
        value = floor(value) + floor(gen_uniform(&s->random) * 1.3);
    if (spec->family == GEN_LEAK_WRAP)
        value += 4294967296.0 - spec->level - spec->growth / 2;
    value = fmax(value, 0);
    if (spec->family == GEN_LEAK_WRAP && value >= 4294967296.0)
        value -= 4294967296.0;
    // Pages or objects, not fractions.
    return spec->noise > 4096 ? floor(value / 4096) * 4096 : floor(value);
}

void gen_series(const struct gen_spec *spec, struct seep_points *points)
{
    struct state s = { .random = { spec->seed * 977 + (uint64_t)spec->family * 7919 + 1 },
                       .rate = 1 };
    s.phase = gen_uniform(&s.random);
    s.place = gen_uniform(&s.random);
    double before = NAN;
    unsigned silent = 0;
    for (unsigned i = 0; i < spec->n; i++) {
        double at = (double)i / spec->n, jitter = 0.02 * gen_uniform(&s.random);
        double value = value_of(spec, &s, at);
        if (spec->family == GEN_LEAK_GAP && at > 0.3 && at < 0.5)
            continue;
        if (spec->family == GEN_LEAK_IRREGULAR && gen_uniform(&s.random) < 0.6)
            continue;
        if (spec->on_change && value == before && ++silent < 10 && i + 1 < spec->n)
            continue;
        silent = 0;
        before = value;
        (void)seep_points_add(points, spec->start_ns + (int64_t)((i + jitter) * spec->tick_s * 1e9),
                              value);
    }
}

static void out_of_memory(void)
{
    (void)fprintf(stderr, "out of memory\n");
    abort();
}

static void *grown(void *array, size_t *capacity, size_t need, size_t size)
{
    if (!seep_grow(array, capacity, need, size))
        out_of_memory();
    void *moved;
    memcpy(&moved, array, sizeof moved);
    return moved;
}

void gen_data_init(struct gen_data *gen)
{
    *gen = (struct gen_data){ .source = { .path = "generated", .format = "test" } };
}

void gen_data_clear(struct gen_data *gen)
{
    for (size_t i = 0; i < gen->data.n_series; i++)
        seep_points_clear(&gen->points[i]);
    seep_free(gen->machines);
    seep_free(gen->processes);
    seep_free(gen->series);
    seep_free(gen->points);
    seep_free(gen->events);
    seep_free(gen->event_sources);
    seep_free(gen->tags);
    seep_free(gen->vms);
    seep_free(gen->zombies);
    seep_free(gen->holds);
    seep_arena_clear(&gen->arena);
    *gen = (struct gen_data){ 0 };
}

static const char *keep(struct gen_data *gen, const char *text)
{
    char *copy = text ? seep_arena_strndup(&gen->arena, text, strlen(text)) : NULL;
    if (text && !copy)
        out_of_memory();
    return copy;
}

struct seep_machine_id gen_machine(struct gen_data *gen, const char *host)
{
    size_t at = gen->data.n_machines++;
    gen->machines = grown(&gen->machines, &gen->machine_cap, at + 1, sizeof *gen->machines);
    gen->machines[at] =
        (struct seep_machine){ .host = keep(gen, host), .os = "Windows", .boot_ns = SEEP_NO_TIME };
    return (struct seep_machine_id){ (uint32_t)at + 1 };
}

struct seep_process_id gen_process(struct gen_data *gen, struct seep_machine_id machine,
                                   const char *image, uint32_t pid, int64_t start_ns)
{
    size_t at = gen->data.n_processes++;
    gen->processes = grown(&gen->processes, &gen->process_cap, at + 1, sizeof *gen->processes);
    gen->processes[at] = (struct seep_process){ .machine = machine,
                                                .pid = pid,
                                                .has_pid = pid != 0,
                                                .start_ns = start_ns,
                                                .end_ns = SEEP_NO_TIME,
                                                .image = keep(gen, image) };
    return (struct seep_process_id){ (uint32_t)at + 1 };
}

size_t gen_add(struct gen_data *gen, struct seep_machine_id machine, enum seep_subject_kind kind,
               struct seep_process_id process, const char *name, enum seep_metric metric)
{
    size_t at = gen->data.n_series++;
    gen->series = grown(&gen->series, &gen->series_cap, at + 1, sizeof *gen->series);
    gen->points = grown(&gen->points, &gen->points_cap, at + 1, sizeof *gen->points);
    gen->points[at] = (struct seep_points){ 0 };
    gen->series[at] = (struct seep_dataset_series){
        .series = { .subject = { kind, machine, process, keep(gen, name) }, .metric = metric },
        .source = { 1 }
    };
    return at;
}

struct seep_points *gen_points(struct gen_data *gen, size_t series)
{
    return &gen->points[series];
}

struct seep_event *gen_event(struct gen_data *gen, struct seep_machine_id machine, int64_t t_ns,
                             const char *provider, uint32_t id, size_t n_fields)
{
    size_t at = gen->data.n_events++;
    gen->events = grown(&gen->events, &gen->event_cap, at + 1, sizeof *gen->events);
    gen->event_sources =
        grown(&gen->event_sources, &gen->event_source_cap, at + 1, sizeof *gen->event_sources);
    struct seep_field *fields = seep_arena_alloc(&gen->arena, n_fields + 1, sizeof *fields);
    if (!fields)
        out_of_memory();
    gen->event_sources[at] = (struct seep_source_id){ 1 };
    gen->events[at] = (struct seep_event){ .machine = machine,
                                           .time_ns = t_ns,
                                           .provider = keep(gen, provider),
                                           .id = id,
                                           .offset = 4096 + 512 * at,
                                           .fields = fields,
                                           .n_fields = n_fields };
    return &gen->events[at];
}

struct seep_pool_tag *gen_tag(struct gen_data *gen, struct seep_machine_id machine, uint32_t look,
                              int64_t t_ns, const char *tag, bool paged, uint64_t allocs,
                              uint64_t frees, uint64_t bytes)
{
    size_t at = gen->data.n_pool_tags++;
    gen->tags = grown(&gen->tags, &gen->tag_cap, at + 1, sizeof *gen->tags);
    gen->tags[at] = (struct seep_dataset_pool_tag){ .tag = { .machine = machine,
                                                             .tag = keep(gen, tag),
                                                             .paged = paged,
                                                             .allocs = allocs,
                                                             .frees = frees,
                                                             .bytes = bytes,
                                                             .session = SEEP_NO_SESSION },
                                                    .source = { 1 },
                                                    .taken_ns = t_ns,
                                                    .look = look };
    return &gen->tags[at].tag;
}

struct seep_vm *gen_vm(struct gen_data *gen, struct seep_machine_id machine, int64_t t_ns)
{
    size_t at = gen->data.n_vms++;
    gen->vms = grown(&gen->vms, &gen->vm_cap, at + 1, sizeof *gen->vms);
    gen->vms[at] = (struct seep_dataset_vm){ seep_vm_unknown(machine), { 1 }, t_ns };
    return &gen->vms[at].vm;
}

struct seep_zombie *gen_zombie(struct gen_data *gen, struct seep_process_id process, int64_t t_ns)
{
    size_t at = gen->data.n_zombies++;
    gen->zombies = grown(&gen->zombies, &gen->zombie_cap, at + 1, sizeof *gen->zombies);
    const uint64_t unknown = SEEP_UNKNOWN_COUNT;
    gen->zombies[at] = (struct seep_dataset_zombie){
        { process, unknown, unknown, unknown, unknown, unknown }, { 1 }, t_ns
    };
    return &gen->zombies[at].zombie;
}

void gen_hold(struct gen_data *gen, struct seep_process_id holder, struct seep_process_id zombie,
              uint64_t n_handles)
{
    size_t at = gen->data.n_holds++;
    gen->holds = grown(&gen->holds, &gen->hold_cap, at + 1, sizeof *gen->holds);
    gen->holds[at] = (struct seep_dataset_hold){ holder, zombie, { 1 }, n_handles };
}

static bool load(void *ctx, size_t index, struct seep_points *points, struct seep_err *err)
{
    const struct gen_data *gen = ctx;
    points->count = 0;
    for (size_t i = 0; i < gen->points[index].count; i++) {
        if (!seep_points_add(points, gen->points[index].at[i].t_ns, gen->points[index].at[i].value))
            return seep_fail_memory(err);
    }
    return true;
}

const struct seep_dataset *gen_finish(struct gen_data *gen)
{
    for (size_t i = 0; i < gen->data.n_series; i++) {
        struct seep_dataset_series *s = &gen->series[i];
        const struct seep_points *p = &gen->points[i];
        s->n_points = p->count;
        s->first_ns = p->count ? p->at[0].t_ns : SEEP_NO_TIME;
        s->last_ns = p->count ? p->at[p->count - 1].t_ns : SEEP_NO_TIME;
    }
    gen->data.sources = &gen->source;
    gen->data.n_sources = 1;
    gen->data.machines = gen->machines;
    gen->data.processes = gen->processes;
    gen->data.series = gen->series;
    gen->data.events = gen->events;
    gen->data.event_sources = gen->event_sources;
    gen->data.pool_tags = gen->tags;
    gen->data.vms = gen->vms;
    gen->data.zombies = gen->zombies;
    gen->data.holds = gen->holds;
    gen->data.points = load;
    gen->data.ctx = gen;
    return &gen->data;
}
