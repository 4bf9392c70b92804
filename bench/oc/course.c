// SPDX-License-Identifier: MIT
// What is only seen over time: how soon a leak is named, whether a verdict stays, and whether the
// limit is reached when it was said.
#include "measure.h"

#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PREFIXES = 40 };

struct course {
    uint64_t n, found;        // leaks; found at all
    struct oc_values delay;   // from onset to verdict, as a share of the observation
    struct oc_values leaked;  // growth at that moment over the noise
    uint64_t relapses, after; // prefixes after the first `leaking` that are not
    uint64_t healthy, ever;   // series without leak; called `leaking` at some prefix
};

// The first prefix on which a detector says leaking, counted from 1; 0 = none.
static unsigned first_prefix(struct course *sum, const bool says[PREFIXES])
{
    unsigned first = 0;
    for (unsigned k = 0; k < PREFIXES; k++) {
        if (says[k] && !first)
            first = k + 1;
        else if (first) {
            sum->after++;
            sum->relapses += !says[k];
        }
    }
    return first;
}

static void note(struct course *sum, const struct oc_case *c, const bool says[PREFIXES])
{
    unsigned first = first_prefix(sum, says);
    double span_s = c->observation->n * c->observation->tick_s;
    if (!c->truth.leaks) {
        sum->healthy++;
        sum->ever += first > 0;
        return;
    }
    sum->n++;
    if (!first)
        return;
    double after_s = fmax(span_s * first / PREFIXES - c->truth.onset_s, 0);
    sum->found++;
    oc_values_add(&sum->delay, after_s / span_s);
    oc_values_add(&sum->leaked, after_s * c->truth.rate_per_s / c->truth.noise_sd);
}

static void judge_prefixes(const struct oc_options *options, const struct oc_case *c,
                           struct course sums[OC_N_REFERENCES + 1])
{
    struct oc_scene scene = { .c = c, .companions = options->companions };
    struct seep_points looks = { 0 };
    struct gen_data gen;
    bool says[OC_N_REFERENCES + 1][PREFIXES];
    double span_ns = c->observation->n * c->observation->tick_s * 1e9;
    gen_data_init(&gen);
    oc_scene_to_dataset(&scene, &gen);
    const struct seep_dataset *data = gen_finish(&gen);
    oc_sorted_looks(c, &looks);
    size_t all = looks.count;
    for (unsigned k = 0; k < PREFIXES; k++) {
        int64_t until = OC_START_NS + (int64_t)(span_ns * (k + 1) / PREFIXES);
        struct seep_detect_options until_then = { SEEP_NO_TIME, until };
        struct seep_judgement j = { 0 };
        says[0][k] = false;
        if (seep_detect(data, &until_then, NULL, &j, NULL)) {
            struct oc_answer a = oc_answer_of(&j);
            says[0][k] = a.verdict == SEEP_VERDICT_LEAKING;
            seep_judgement_clear(&j);
        }
        looks.count = 0;
        while (looks.count < all && looks.at[looks.count].t_ns <= until)
            looks.count++;
        for (size_t r = 0; r < OC_N_REFERENCES; r++)
            says[r + 1][k] = looks.count && oc_references[r].leaks(&looks, c->metric);
    }
    for (size_t r = 0; r <= OC_N_REFERENCES; r++)
        note(&sums[r], c, says[r]);
    seep_points_clear(&looks);
    gen_data_clear(&gen);
}

// Families of which every prefix is judgeable: nothing in them begins or ends.
static bool stationary(const struct oc_family *f)
{
    static const char *const names[] = { "flat",        "AR(1)",    "reverting walk",
                                         "tied counts", "constant", "wraps at 2^32" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(f->name, names[i]) == 0)
            return true;
    }
    return false;
}

static void report_course(const struct oc_options *options, const char *name,
                          struct course sums[OC_N_REFERENCES + 1])
{
    char title[160];
    (void)snprintf(title, sizeof title,
                   "time to detection, %s, judged at each fortieth: %llu leaks, %llu others", name,
                   (unsigned long long)sums[0].n, (unsigned long long)sums[0].healthy);
    oc_table_begin(title, options->markdown);
    oc_cell("detector");
    oc_cell("ever named");
    oc_cell("after onset, median %% of observation");
    oc_cell("90 %%");
    oc_cell("grown by then, median noises");
    oc_cell("taken back later");
    oc_cell("others ever accused");
    oc_row_end();
    for (size_t r = 0; r <= OC_N_REFERENCES; r++) {
        struct course *s = &sums[r];
        struct oc_share found = oc_share_of(s->found, s->n);
        struct oc_share back = oc_share_of(s->relapses, s->after);
        struct oc_share ever = oc_share_of(s->ever, s->healthy);
        oc_cell("%s", r ? oc_references[r - 1].name : "seep");
        oc_cell_share(&found, true);
        oc_cell("%.0f", 100 * oc_quantile(&s->delay, 0.5));
        oc_cell("%.0f", 100 * oc_quantile(&s->delay, 0.9));
        oc_cell("%.1f", oc_quantile(&s->leaked, 0.5));
        oc_cell_share(&back, false);
        oc_cell_share(&ever, true);
        oc_row_end();
        oc_values_clear(&s->delay);
        oc_values_clear(&s->leaked);
    }
    oc_table_end();
}

void oc_measure_detection_time(const struct oc_options *options)
{
    static const char *const lengths[] = { "4 h at 60 s", "1 d at 60 s" };
    struct oc_case c = { 0 };
    unsigned runs = options->runs / 5 ? options->runs / 5 : 1;
    for (size_t o = 0; o < oc_n_observations; o++) {
        struct course sums[OC_N_REFERENCES + 1] = { 0 };
        bool used = false;
        for (size_t i = 0; i < 2; i++)
            used |= strcmp(oc_observations[o].name, lengths[i]) == 0;
        if (!used || !oc_observation_wanted(options, o))
            continue;
        for (size_t f = 0; f < oc_n_families; f++) {
            if (!oc_families[f].leaks && !stationary(&oc_families[f]))
                continue;
            for (unsigned r = 0; r < runs * OC_N_NOISE_LEVELS; r++) {
                oc_generate(&oc_families[f], &oc_observations[o],
                            (enum oc_noise_level)(r % OC_N_NOISE_LEVELS),
                            options->first_seed + 5000 + r, 0, &c);
                if (c.truth.judgeable)
                    judge_prefixes(options, &c, sums);
            }
        }
        report_course(options, oc_observations[o].name, sums);
    }
    oc_case_clear(&c);
}

struct exhaustion {
    uint64_t n, covered, early, late; // truth before, after the interval
    uint64_t trend_covered;
    struct oc_values error; // |at / truth - 1|, of the time left
    struct oc_values width; // of the interval over the time left
};

// Whether the interval holds the truth, or none is given.
static bool note_exhaustion(struct exhaustion *sum, const struct oc_case *c,
                            const struct seep_judgement *j)
{
    struct oc_answer a = oc_answer_of(j);
    const struct seep_finding *f = a.finding;
    if (a.verdict != SEEP_VERDICT_LEAKING || !f->exhaustion.limit ||
        strcmp(f->exhaustion.limit, "commit") != 0)
        return true;
    double now = (double)j->end_ns, low = ((double)f->exhaustion.low_ns - now) / 1e9;
    double high = ((double)f->exhaustion.high_ns - now) / 1e9;
    double at = ((double)f->exhaustion.at_ns - now) / 1e9, truth = c->limit_after_s;
    low = f->exhaustion.low_ns == SEEP_NO_TIME ? INFINITY : low;
    high = f->exhaustion.high_ns == SEEP_NO_TIME ? INFINITY : high;
    // The truth is known to one look.
    bool early = truth<low, late = truth - c->observation->tick_s> high;
    sum->n++;
    sum->early += early;
    sum->late += late;
    sum->covered += !early && !late;
    sum->trend_covered +=
        c->trend_after_s >= low && c->trend_after_s - c->observation->tick_s <= high;
    oc_values_add(&sum->error, fabs(at / truth - 1));
    oc_values_add(&sum->width, (high - low) / truth);
    return !early && !late;
}

static void tell_exhaustion(const struct oc_case *c, const struct seep_judgement *j)
{
    const struct seep_finding *f = oc_answer_of(j).finding;
    double now = (double)j->end_ns;
    printf("%s, %s, growth over noise %s, seed %llu: reached after %.3g h (its trend %.3g h), told "
           "%.3g (%.3g to %.3g) h; rate %.3g (%.3g to %.3g) of the true one\n",
           c->family->name, c->observation->name, oc_noise_level_names[c->noise_level],
           (unsigned long long)c->seed, c->limit_after_s / 3600, c->trend_after_s / 3600,
           ((double)f->exhaustion.at_ns - now) / 3.6e12,
           ((double)f->exhaustion.low_ns - now) / 3.6e12,
           ((double)f->exhaustion.high_ns - now) / 3.6e12, f->rate.value / c->truth.rate_per_s,
           f->rate.low / c->truth.rate_per_s, f->rate.high / c->truth.rate_per_s);
}

static void exhaustion_row(const char *name, struct exhaustion *s)
{
    struct oc_share covered = oc_share_of(s->covered, s->n);
    if (s->n) {
        oc_cell("%s", name);
        oc_cell("%llu", (unsigned long long)s->n);
        oc_cell_share(&covered, true);
        oc_cell("%.1f", 100 * (double)s->early / (double)s->n);
        oc_cell("%.1f", 100 * (double)s->late / (double)s->n);
        oc_cell("%.1f", 100 * (double)s->trend_covered / (double)s->n);
        oc_cell("%.1f", 100 * oc_quantile(&s->error, 0.5));
        oc_cell("%.0f", 100 * oc_quantile(&s->width, 0.5));
        oc_row_end();
    }
    oc_values_clear(&s->error);
    oc_values_clear(&s->width);
}

void oc_measure_exhaustion(const struct oc_options *options)
{
    static struct exhaustion by_family[OC_MAX_FAMILIES], by_observation[OC_MAX_OBSERVATIONS],
        by_level[OC_N_NOISE_LEVELS], all;
    struct oc_case c = { 0 };
    for (size_t f = 0; f < oc_n_families; f++) {
        for (size_t o = 0; o < oc_n_observations; o++) {
            unsigned runs = options->runs / oc_observations[o].thin;
            for (unsigned r = 0; r < runs * OC_N_NOISE_LEVELS; r++) {
                uint64_t seed = options->first_seed + 7000 + r;
                struct gen_random random = { seed * 31 + f };
                double room = 0.3 * exp(3 * gen_uniform(&random)); // 0.3 to 6 times the growth
                struct gen_data gen;
                struct seep_judgement j = { 0 };
                if (!oc_families[f].leaks || oc_observations[o].n < 200 ||
                    !oc_observation_wanted(options, o) ||
                    (options->family && !strstr(oc_families[f].name, options->family)))
                    continue;
                oc_generate(&oc_families[f], &oc_observations[o],
                            (enum oc_noise_level)(r % OC_N_NOISE_LEVELS), seed, room, &c);
                // What is neither even nor of bytes or of one life has no such truth.
                if (!c.truth.even || !c.truth.judgeable || c.n_lives > 1 ||
                    c.metric != SEEP_METRIC_PRIVATE_BYTES || c.limit_after_s != c.limit_after_s ||
                    strstr(c.family->name, "2^32"))
                    continue;
                struct oc_scene scene = { &c, options->companions, true };
                if (!oc_judge(&scene, &gen, &j, NULL))
                    continue;
                note_exhaustion(&by_family[f], &c, &j);
                note_exhaustion(&by_observation[o], &c, &j);
                note_exhaustion(&by_level[c.noise_level], &c, &j);
                bool covered = note_exhaustion(&all, &c, &j);
                if (options->verbose && !covered)
                    tell_exhaustion(&c, &j);
                seep_judgement_clear(&j);
                gen_data_clear(&gen);
            }
        }
    }
    oc_table_begin("time to exhaustion: the moment when the process, continued, first reaches the "
                   "commit limit; percent",
                   options->markdown);
    oc_cell("leaks");
    oc_cell("series");
    oc_cell("95 %% interval holds");
    oc_cell("reached before it");
    oc_cell("after it");
    oc_cell("holds the trend's");
    oc_cell("error, median");
    oc_cell("width, median");
    oc_row_end();
    for (size_t f = 0; f < oc_n_families; f++)
        exhaustion_row(oc_families[f].name, &by_family[f]);
    for (size_t o = 0; o < oc_n_observations; o++)
        exhaustion_row(oc_observations[o].name, &by_observation[o]);
    for (size_t l = 0; l < OC_N_NOISE_LEVELS; l++) {
        char name[40];
        (void)snprintf(name, sizeof name, "growth over noise %s", oc_noise_level_names[l]);
        exhaustion_row(name, &by_level[l]);
    }
    exhaustion_row("all", &all);
    oc_table_end();
    oc_case_clear(&c);
}
