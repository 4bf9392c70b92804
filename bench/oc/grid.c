// SPDX-License-Identifier: MIT
// Every family in every observation at every level of noise, judged by seep and by the references.
#include "measure.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

double oc_now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool oc_judge(const struct oc_scene *scene, struct gen_data *gen, struct seep_judgement *judgement,
              double *seconds)
{
    struct seep_err err = { 0 };
    gen_data_init(gen);
    oc_scene_to_dataset(scene, gen);
    const struct seep_dataset *data = gen_finish(gen);
    double start = oc_now_s();
    bool done = seep_detect(data, NULL, NULL, judgement, &err);
    if (seconds)
        *seconds = oc_now_s() - start;
    if (done)
        return true;
    (void)fprintf(stderr, "operating-characteristic: %s\n", err.what);
    return false;
}

bool oc_observation_wanted(const struct oc_options *options, size_t index)
{
    return !options->observation ||
           strstr(oc_observations[index].name, options->observation) != NULL;
}

static void tell(const struct oc_case *c, const struct oc_answer *a)
{
    printf("%s: %s, %s, growth over noise %s, seed %llu: %s, others %u leaking; growth %.3g over "
           "%.3g, rate %.3g",
           c->truth.leaks ? "missed" : "false alarm", c->family->name, c->observation->name,
           oc_noise_level_names[c->noise_level], (unsigned long long)c->seed,
           seep_verdict_name(a->verdict), a->others_leaking, c->truth.growth, c->truth.noise_sd,
           c->truth.rate_per_s);
    if (a->finding)
        printf("; q %.2g, rate %.3g (%.3g..%.3g): %s", a->finding->q, a->finding->rate.value,
               a->finding->rate.low, a->finding->rate.high,
               a->finding->n_evidence ? a->finding->evidence[0].text : "-");
    printf("\n");
}

static void note_rate(struct oc_rates *rates, const struct oc_case *c, const struct seep_finding *f)
{
    const struct oc_truth *t = &c->truth;
    if (!f || f->verdict < SEEP_VERDICT_SUSPECT || !f->rate.known)
        return;
    oc_values_add(&rates->error, fabs(f->rate.value / t->rate_per_s - 1));
    rates->n++;
    rates->covered += f->rate.low <= t->rate_per_s && t->rate_per_s <= f->rate.high;
    // Among several lives a finding speaks of the last one.
    if (f->since_ns == SEEP_NO_TIME || c->n_lives > 1)
        return;
    double since_s = (double)(f->since_ns - OC_START_NS) / 1e9;
    oc_values_add(&rates->onset_error,
                  fabs(since_s - t->onset_s) / (c->observation->n * c->observation->tick_s));
}

static void note_level(struct oc_grid *grid, const struct oc_case *c, size_t detector, bool leaking,
                       unsigned others)
{
    struct oc_confusion *sum = &grid->by_level[c->noise_level][detector];
    sum->tp += c->truth.leaks && leaking;
    sum->fn += c->truth.leaks && !leaking;
    sum->fp += c->truth.leaks ? others : leaking;
    sum->tn += !c->truth.leaks && !leaking;
}

static void judge_case(const struct oc_options *options, const struct oc_case *c, size_t family,
                       size_t observation, struct oc_grid *grid)
{
    struct oc_tally *t = &grid->tally[family][observation];
    struct oc_scene scene = { .c = c, .companions = options->companions };
    struct gen_data gen;
    struct seep_judgement j = { 0 };
    double seconds, start;
    if (!oc_judge(&scene, &gen, &j, &seconds))
        return;
    grid->seep_s += seconds;
    grid->n_series += gen.data.n_series;
    if (observation + 1 == oc_n_observations) {
        grid->longest_s += seconds;
        grid->n_longest += gen.data.n_series;
    }
    struct oc_answer a = oc_answer_of(&j);
    bool leaking = a.verdict == SEEP_VERDICT_LEAKING;
    bool alarm = leaking || a.others_leaking;
    if (!c->truth.judgeable) {
        t->n_not_judgeable++;
        t->not_judgeable_leaking += alarm;
        t->not_judgeable_suspect += a.verdict == SEEP_VERDICT_SUSPECT;
    } else {
        t->n++;
        t->leaking += c->truth.leaks ? leaking : alarm;
        t->suspect += a.verdict == SEEP_VERDICT_SUSPECT;
        t->unknown += a.verdict == SEEP_VERDICT_UNKNOWN;
        note_level(grid, c, 0, c->truth.leaks ? leaking : alarm, a.others_leaking);
        t->others_leaking += a.others_leaking;
        t->others_suspect += a.others_suspect;
        if (options->verbose && (c->truth.leaks ? !leaking : alarm))
            tell(c, &a);
        if (c->truth.leaks)
            note_rate(&grid->rates[family], c, a.finding);
        if (c->truth.leaks && c->truth.even)
            note_rate(&grid->by_observation[observation], c, a.finding);
    }
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
    if (!c->truth.judgeable)
        return;
    struct seep_points looks = { 0 };
    oc_sorted_looks(c, &looks);
    grid->n_reference_series++;
    for (size_t r = 0; r < OC_N_REFERENCES; r++) {
        start = oc_now_s();
        bool says = oc_references[r].leaks(&looks, c->metric);
        grid->reference_s[r] += oc_now_s() - start;
        t->by_reference[r] += says;
        note_level(grid, c, r + 1, says, 0);
    }
    seep_points_clear(&looks);
}

void oc_grid_run(const struct oc_options *options, const struct oc_family *families, size_t n,
                 struct oc_grid *grid)
{
    struct oc_case c = { 0 };
    *grid = (struct oc_grid){ .families = families, .n_families = n };
    for (size_t f = 0; f < n; f++) {
        if (options->family && !strstr(families[f].name, options->family))
            continue;
        for (size_t o = 0; o < oc_n_observations; o++) {
            if (!oc_observation_wanted(options, o))
                continue;
            unsigned runs = options->runs / oc_observations[o].thin;
            runs = runs ? runs : 1;
            for (unsigned r = 0; r < runs * OC_N_NOISE_LEVELS; r++) {
                oc_generate(&families[f], &oc_observations[o],
                            (enum oc_noise_level)(r % OC_N_NOISE_LEVELS),
                            options->first_seed + r / OC_N_NOISE_LEVELS, 0, &c);
                judge_case(options, &c, f, o, grid);
            }
        }
    }
    oc_case_clear(&c);
}

static void clear_rates(struct oc_rates *rates)
{
    oc_values_clear(&rates->error);
    oc_values_clear(&rates->onset_error);
}

void oc_grid_clear(struct oc_grid *grid)
{
    for (size_t f = 0; f < OC_MAX_FAMILIES; f++)
        clear_rates(&grid->rates[f]);
    for (size_t o = 0; o < OC_MAX_OBSERVATIONS; o++)
        clear_rates(&grid->by_observation[o]);
}

// An accusation of somebody else counts as a false alarm of seep in every family.
static struct oc_confusion confusion_of(const struct oc_grid *grid, size_t f, size_t o,
                                        int reference)
{
    const struct oc_tally *t = &grid->tally[f][o];
    struct oc_confusion c = { 0 };
    uint64_t hits = reference < 0 ? t->leaking : t->by_reference[reference];
    if (grid->families[f].leaks) {
        c.tp = hits;
        c.fn = t->n - hits;
        c.fp = reference < 0 ? t->others_leaking : 0;
    } else {
        c.fp = hits;
        c.tn = t->n - hits;
    }
    return c;
}

struct oc_confusion oc_confusion_of(const struct oc_grid *grid, size_t observation, int reference)
{
    struct oc_confusion sum = { 0 };
    for (size_t f = 0; f < grid->n_families; f++) {
        for (size_t o = 0; o < oc_n_observations; o++) {
            struct oc_confusion one = confusion_of(grid, f, o, reference);
            if (o == observation || observation >= oc_n_observations)
                oc_confusion_add(&sum, &one);
        }
    }
    return sum;
}

struct oc_confusion oc_confusion_of_family(const struct oc_grid *grid, size_t family)
{
    struct oc_confusion sum = { 0 };
    for (size_t o = 0; o < oc_n_observations; o++) {
        struct oc_confusion one = confusion_of(grid, family, o, -1);
        oc_confusion_add(&sum, &one);
    }
    return sum;
}
