// SPDX-License-Identifier: MIT
// The tables of the grid, and what has to hold of them.
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool empty(const struct oc_grid *grid, size_t o)
{
    uint64_t n = 0;
    for (size_t f = 0; f < grid->n_families; f++)
        n += grid->tally[f][o].n + grid->tally[f][o].n_not_judgeable;
    return n == 0;
}

static void cells_of_confusion(const struct oc_confusion *c)
{
    struct oc_share precision = oc_precision(c), recall = oc_recall(c), f1 = oc_f1(c);
    struct oc_share alarms = oc_share_of(c->fp, c->fp + c->tn);
    oc_cell_share(&precision, true);
    oc_cell_share(&recall, true);
    oc_cell_share(&f1, true);
    oc_cell_share(&alarms, true);
}

static void report_detectors(const struct oc_options *options, const struct oc_grid *grid, size_t o,
                             const char *set)
{
    char title[160];
    uint64_t n = 0;
    for (size_t f = 0; f < grid->n_families; f++) {
        for (size_t k = 0; k < oc_n_observations; k++)
            n += k == o || o >= oc_n_observations ? grid->tally[f][k].n : 0;
    }
    (void)snprintf(title, sizeof title, "%s, %s: %llu series; percent, with 95 %% intervals", set,
                   o < oc_n_observations ? oc_observations[o].name : "all observations",
                   (unsigned long long)n);
    oc_table_begin(title, options->markdown);
    oc_cell("detector");
    oc_cell("precision");
    oc_cell("recall");
    oc_cell("F1");
    oc_cell("false alarms");
    oc_row_end();
    for (int r = -1; r < OC_N_REFERENCES; r++) {
        struct oc_confusion c = oc_confusion_of(grid, o, r);
        oc_cell("%s", r < 0 ? "seep" : oc_references[r].name);
        cells_of_confusion(&c);
        oc_row_end();
    }
    oc_table_end();
}

static void cell_of_three(const struct oc_confusion *c)
{
    double tp = (double)c->tp, wrong = (double)(c->fp + c->fn);
    double precision = oc_precision(c).value, recall = oc_recall(c).value;
    if (precision == precision)
        oc_cell("%.1f / %.1f / %.1f", 100 * precision, 100 * recall,
                100 * 2 * tp / (2 * tp + wrong));
    else
        oc_cell("- / %.1f / 0", 100 * recall);
}

// All observations in one table, for a document: precision / recall / F1.
static void report_summary(const struct oc_options *options, const struct oc_grid *grid,
                           const char *set)
{
    char title[160];
    (void)snprintf(title, sizeof title, "%s, by observation: precision / recall / F1, percent",
                   set);
    oc_table_begin(title, options->markdown);
    oc_cell("detector");
    for (size_t o = 0; o < oc_n_observations; o++) {
        if (!empty(grid, o))
            oc_cell("%s", oc_observations[o].name);
    }
    oc_cell("all");
    oc_row_end();
    for (int r = -1; r < OC_N_REFERENCES; r++) {
        oc_cell("%s", r < 0 ? "seep" : oc_references[r].name);
        for (size_t o = 0; o <= oc_n_observations; o++) {
            if (o < oc_n_observations && empty(grid, o))
                continue;
            struct oc_confusion c = oc_confusion_of(grid, o, r);
            cell_of_three(&c);
        }
        oc_row_end();
    }
    oc_table_end();
}

static void report_levels(const struct oc_options *options, const struct oc_grid *grid,
                          const char *set)
{
    char title[160];
    (void)snprintf(title, sizeof title,
                   "%s, all observations, by growth over noise: precision / recall / F1, percent",
                   set);
    oc_table_begin(title, options->markdown);
    oc_cell("detector");
    for (size_t l = 0; l < OC_N_NOISE_LEVELS; l++)
        oc_cell("%s", oc_noise_level_names[l]);
    oc_row_end();
    for (size_t r = 0; r <= OC_N_REFERENCES; r++) {
        oc_cell("%s", r ? oc_references[r - 1].name : "seep");
        for (size_t l = 0; l < OC_N_NOISE_LEVELS; l++)
            cell_of_three(&grid->by_level[l][r]);
        oc_row_end();
    }
    oc_table_end();
}

static void family_head(const struct oc_grid *grid)
{
    oc_cell("family");
    for (size_t o = 0; o < oc_n_observations; o++) {
        if (!empty(grid, o))
            oc_cell("%s", oc_observations[o].name);
    }
}

static void report_families(const struct oc_options *options, const struct oc_grid *grid,
                            bool leaks, const char *set)
{
    char title[160];
    (void)snprintf(title, sizeof title, "%s, %s: `leaking` / `suspect`, percent", set,
                   leaks ? "leaks" : "what is no leak");
    oc_table_begin(title, options->markdown);
    family_head(grid);
    oc_cell("all `leaking`");
    oc_row_end();
    for (size_t f = 0; f < grid->n_families; f++) {
        uint64_t hits = 0, n = 0;
        if (grid->families[f].leaks != leaks)
            continue;
        for (size_t o = 0; o < oc_n_observations; o++) {
            n += grid->tally[f][o].n;
            hits += grid->tally[f][o].leaking;
        }
        if (n == 0)
            continue;
        oc_cell("%s", grid->families[f].name);
        for (size_t o = 0; o < oc_n_observations; o++) {
            const struct oc_tally *t = &grid->tally[f][o];
            if (empty(grid, o))
                continue;
            if (t->n == 0)
                oc_cell("-");
            else
                oc_cell("%.3g / %.3g", 100.0 * (double)t->leaking / (double)t->n,
                        100.0 * (double)t->suspect / (double)t->n);
        }
        struct oc_share all = oc_share_of(hits, n);
        oc_cell_share(&all, true);
        oc_row_end();
    }
    oc_table_end();
}

static void report_not_judgeable(const struct oc_options *options, const struct oc_grid *grid,
                                 const char *set)
{
    char title[160];
    (void)snprintf(title, sizeof title,
                   "%s, not judgeable (what ends the growth lies outside): `leaking` / `suspect`, "
                   "percent",
                   set);
    oc_table_begin(title, options->markdown);
    family_head(grid);
    oc_row_end();
    for (size_t f = 0; f < grid->n_families; f++) {
        uint64_t n = 0;
        for (size_t o = 0; o < oc_n_observations; o++)
            n += grid->tally[f][o].n_not_judgeable;
        if (n == 0)
            continue;
        oc_cell("%s", grid->families[f].name);
        for (size_t o = 0; o < oc_n_observations; o++) {
            const struct oc_tally *t = &grid->tally[f][o];
            double all = (double)t->n_not_judgeable;
            if (empty(grid, o))
                continue;
            if (t->n_not_judgeable == 0)
                oc_cell("-");
            else
                oc_cell("%.3g / %.3g", 100 * (double)t->not_judgeable_leaking / all,
                        100 * (double)t->not_judgeable_suspect / all);
        }
        oc_row_end();
    }
    oc_table_end();
}

// What seep says, of leaks and of others, by observation.
static void report_verdicts(const struct oc_options *options, const struct oc_grid *grid,
                            const char *set)
{
    char title[160];
    (void)snprintf(
        title, sizeof title,
        "%s: what seep says of the process; leaking / suspect / unknown / steady, percent", set);
    oc_table_begin(title, options->markdown);
    oc_cell("observation");
    oc_cell("leaks");
    oc_cell("others");
    oc_row_end();
    for (size_t o = 0; o < oc_n_observations; o++) {
        if (empty(grid, o))
            continue;
        oc_cell("%s", oc_observations[o].name);
        for (int leaks = 1; leaks >= 0; leaks--) {
            double n = 0, leaking = 0, suspect = 0, unknown = 0;
            for (size_t f = 0; f < grid->n_families; f++) {
                const struct oc_tally *t = &grid->tally[f][o];
                if (grid->families[f].leaks != leaks)
                    continue;
                n += (double)t->n;
                leaking += (double)t->leaking;
                suspect += (double)t->suspect;
                unknown += (double)t->unknown;
            }
            if (n > 0)
                oc_cell("%.1f / %.1f / %.1f / %.1f", 100 * leaking / n, 100 * suspect / n,
                        100 * unknown / n, 100 * (n - leaking - suspect - unknown) / n);
            else
                oc_cell("-");
        }
        oc_row_end();
    }
    oc_table_end();
}

static void rate_row(const char *name, struct oc_rates *r)
{
    if (r->n == 0)
        return;
    struct oc_share covered = oc_share_of(r->covered, r->n);
    oc_cell("%s", name);
    oc_cell("%llu", (unsigned long long)r->n);
    oc_cell("%.1f", 100 * oc_quantile(&r->error, 0.5));
    oc_cell("%.1f", 100 * oc_quantile(&r->error, 0.9));
    oc_cell_share(&covered, true);
    oc_cell("%.1f", 100 * oc_quantile(&r->onset_error, 0.5));
    oc_cell("%.1f", 100 * oc_quantile(&r->onset_error, 0.9));
    oc_row_end();
}

static void report_rates(const struct oc_options *options, struct oc_grid *grid, const char *set)
{
    char title[200];
    (void)snprintf(title, sizeof title,
                   "%s, leaks found or suspected: error of the rate, its 95 %% interval, error of "
                   "the onset (of the observation); percent",
                   set);
    oc_table_begin(title, options->markdown);
    oc_cell("family");
    oc_cell("series");
    oc_cell("rate, median");
    oc_cell("rate, 90 %%");
    oc_cell("interval holds");
    oc_cell("onset, median");
    oc_cell("onset, 90 %%");
    oc_row_end();
    for (size_t f = 0; f < grid->n_families; f++)
        rate_row(grid->families[f].name, &grid->rates[f]);
    for (size_t o = 0; o < oc_n_observations; o++) {
        char name[64];
        (void)snprintf(name, sizeof name, "one rate, %s", oc_observations[o].name);
        rate_row(name, &grid->by_observation[o]);
    }
    oc_table_end();
}

void oc_report_grid(const struct oc_options *options, struct oc_grid *grid, const char *set,
                    bool brief)
{
    for (size_t o = 0; o <= oc_n_observations; o++) {
        // The summary has the others; a document needs no more.
        if (o == oc_n_observations || (!brief && !options->markdown && !empty(grid, o)))
            report_detectors(options, grid, o, set);
    }
    report_summary(options, grid, set);
    report_levels(options, grid, set);
    report_verdicts(options, grid, set);
    if (brief)
        return;
    report_families(options, grid, true, set);
    report_families(options, grid, false, set);
    report_not_judgeable(options, grid, set);
    report_rates(options, grid, set);
    oc_table_begin("speed: series judged in a second", options->markdown);
    oc_cell("detector");
    oc_cell("series/s");
    oc_cell("rule");
    oc_row_end();
    oc_cell("seep");
    oc_cell("%.0f", (double)grid->n_series / grid->seep_s);
    oc_cell("the whole judgement");
    oc_row_end();
    for (size_t r = 0; r < OC_N_REFERENCES; r++) {
        oc_cell("%s", oc_references[r].name);
        oc_cell("%.0f", (double)grid->n_reference_series / grid->reference_s[r]);
        oc_cell("%s", oc_references[r].rule);
        oc_row_end();
    }
    oc_table_end();
}

static void bar(const char *what, bool holds, const char *measured)
{
    oc_cell("%s", what);
    oc_cell("%s", measured);
    oc_cell(holds ? "holds" : "MISSED");
    oc_row_end();
}

// Precision and recall of all observations whose name begins like this.
static void bar_of_length(const struct oc_grid *grid, const char *prefix, double precision,
                          double recall)
{
    struct oc_confusion sum = { 0 };
    char what[120], measured[80];
    for (size_t o = 0; o < oc_n_observations; o++) {
        struct oc_confusion one = oc_confusion_of(grid, o, -1);
        if (strncmp(oc_observations[o].name, prefix, strlen(prefix)) == 0)
            oc_confusion_add(&sum, &one);
    }
    struct oc_share p = oc_precision(&sum), r = oc_recall(&sum);
    if (p.value != p.value || r.value != r.value)
        return;
    (void)snprintf(what, sizeof what, "%sprecision >= %.2f, recall >= %.2f", prefix, precision,
                   recall);
    (void)snprintf(measured, sizeof measured, "%.4f, %.4f", p.value, r.value);
    bar(what, p.value >= precision && r.value >= recall, measured);
}

void oc_report_bars(const struct oc_options *options, struct oc_grid *grid, const char *set)
{
    char measured[80], title[80];
    const char *worst = "-", *worst_family = "-", *worst_observation = "-";
    double most = 0, most_of_cell = 0;
    (void)snprintf(title, sizeof title, "bars, %s", set);
    oc_table_begin(title, options->markdown);
    oc_cell("bar");
    oc_cell("measured");
    oc_cell("%s", "");
    oc_row_end();
    bar_of_length(grid, "1 d ", 0.99, 0.97);
    bar_of_length(grid, "4 h ", 0.97, 0.85);
    bar_of_length(grid, "7 d ", 0.99, 0.97);
    for (size_t f = 0; f < grid->n_families; f++) {
        struct oc_confusion c = oc_confusion_of_family(grid, f);
        double alarms = c.fp + c.tn ? (double)c.fp / (double)(c.fp + c.tn) : 0;
        if (!grid->families[f].leaks && alarms > most) {
            most = alarms;
            worst = grid->families[f].name;
        }
        for (size_t o = 0; o < oc_n_observations && !grid->families[f].leaks; o++) {
            const struct oc_tally *t = &grid->tally[f][o];
            double share = t->n ? (double)t->leaking / (double)t->n : 0;
            if (share > most_of_cell) {
                most_of_cell = share;
                worst_family = grid->families[f].name;
                worst_observation = oc_observations[o].name;
            }
        }
    }
    (void)snprintf(measured, sizeof measured, "%.4f (%s)", most, worst);
    bar("no family above 2 % false alarms", most <= 0.02, measured);
    (void)snprintf(measured, sizeof measured, "%.4f (%s, %s)", most_of_cell, worst_family,
                   worst_observation);
    bar("nor in one observation (few series each)", most_of_cell <= 0.02, measured);
    struct oc_confusion ten = { 0 };
    for (size_t o = 0; o < oc_n_observations; o++) {
        struct oc_confusion one = oc_confusion_of(grid, o, -1);
        if (oc_observations[o].n == 10)
            oc_confusion_add(&ten, &one);
    }
    double alarms = ten.fp + ten.tn ? (double)ten.fp / (double)(ten.fp + ten.tn) : 0;
    (void)snprintf(measured, sizeof measured, "%.4f", alarms);
    bar("10 samples: false alarms <= 1 %", alarms <= 0.01, measured);
    struct oc_values errors = { 0 };
    for (size_t f = 0; f < grid->n_families; f++) {
        for (size_t i = 0; i < grid->rates[f].error.count; i++)
            oc_values_add(&errors, grid->rates[f].error.at[i]);
    }
    double median = oc_quantile(&errors, 0.5);
    (void)snprintf(measured, sizeof measured, "%.4f", median);
    bar("rate: median error <= 10 %", median <= 0.1, measured);
    oc_values_clear(&errors);
    if (grid->n_longest) {
        double ms = 1000 * grid->longest_s / (double)grid->n_longest;
        (void)snprintf(measured, sizeof measured, "%.3f ms", ms);
        bar("a series of 10,080 samples: < 1 ms", ms < 1, measured);
    }
    oc_table_end();
}
