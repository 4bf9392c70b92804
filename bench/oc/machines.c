// SPDX-License-Identifier: MIT
// Whole machines, healthy and with leakers among their processes; and the memory of real machines.
#include "measure.h"

#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the processes of a healthy machine do: most of them nothing, the rest something each.
static const char *const healthy_mix[] = {
    "constant",
    "constant",
    "constant",
    "constant",
    "constant",
    "constant",
    "flat",
    "flat",
    "AR(1)",
    "AR(1)",
    "AR(1)",
    "reverting walk",
    "sawtooth",
    "sawtooth",
    "sawtooth",
    "reverting walk",
    "daily rhythm",
    "daily rhythm",
    "burst, released",
    "load step, stays",
    "load step, stays",
    "two load steps",
    "load ramp, falls back",
    "warm-up, quick",
    "warm-up, slow",
    "cache fills to its cap",
};
static const char *const leaking_mix[] = {
    "leak: line",          "leak: rare bursts",          "leak: varying rate",
    "leak: begins midway", "leak: under a sawtooth",     "leak: handles one by one",
    "leak: steps",         "leak: under a daily rhythm",
};
// The same of the hold-out's families.
static const char *const held_out_healthy[] = {
    "constant",
    "constant",
    "constant",
    "constant",
    "constant",
    "log-normal noise",
    "log-normal noise",
    "heavy tails",
    "heavy tails",
    "telegraph noise",
    "warm-up, logistic",
    "table that doubles",
    "office hours",
    "two generations",
    "two generations",
    "Poisson bursts, released",
    "cache with evictions",
    "down and up again",
    "two load ramps",
    "thread pool",
};
static const char *const held_out_leaking[] = {
    "leak: log-normal noise", "leak: heavy tails",        "leak: multiplies",
    "leak: Weibull bursts",   "leak: part of each batch", "leak: two generations",
    "leak: threads",          "leak: telegraph noise",
};

static const struct mix {
    const char *name;
    const char *const *healthy, *const *leaking;
    size_t n_healthy, n_leaking;
} mixes[] = {
    { "families", healthy_mix, leaking_mix, sizeof healthy_mix / sizeof *healthy_mix,
      sizeof leaking_mix / sizeof *leaking_mix },
    { "other shapes", held_out_healthy, held_out_leaking,
      sizeof held_out_healthy / sizeof *held_out_healthy,
      sizeof held_out_leaking / sizeof *held_out_leaking },
};

static const struct oc_family *named(const char *name)
{
    for (size_t f = 0; f < oc_n_families; f++) {
        if (strcmp(oc_families[f].name, name) == 0)
            return &oc_families[f];
    }
    for (size_t f = 0; f < oc_n_held_out; f++) {
        if (strcmp(oc_held_out[f].name, name) == 0)
            return &oc_held_out[f];
    }
    (void)fprintf(stderr, "operating-characteristic: no family %s\n", name);
    abort();
}

struct machine {
    const struct mix *mix;
    unsigned n_processes, n_leakers;
    const struct oc_observation *o;
    uint64_t seed;
};

static void add(struct seep_points *points, int64_t t_ns, double value)
{
    if (!seep_points_add(points, t_ns, value))
        abort();
}

static struct seep_points *add_series(struct gen_data *gen, struct seep_machine_id m,
                                      struct seep_process_id p, enum seep_metric metric)
{
    return gen_points(gen, gen_add(gen, m, SEEP_SUBJECT_PROCESS, p, NULL, metric));
}

// As a recorder keeps them: on change, and every tenth look.
static void thin(struct seep_points *points)
{
    size_t n = 0, silent = 0;
    for (size_t i = 0; i < points->count; i++) {
        if (n && points->at[i].value == points->at[n - 1].value && ++silent < 10 &&
            i + 1 < points->count)
            continue;
        silent = 0;
        points->at[n++] = points->at[i];
    }
    points->count = n;
}

static const char *kind_of(const struct machine *plan, unsigned i, struct gen_random *random)
{
    const struct mix *mix = plan->mix;
    return i < plan->n_leakers
               ? mix->leaking[(plan->seed + i) % mix->n_leaking]
               : mix->healthy[(size_t)(gen_uniform(random) * (double)mix->n_healthy)];
}

// A leak that cannot be judged (bursts of which there were too few, or none late enough) is drawn
// again.
static void draw_process(const struct machine *plan, const char *kind, unsigned i,
                         enum oc_noise_level level, struct oc_case *c)
{
    uint64_t seed = plan->seed * 4099 + i;
    do {
        oc_generate(named(kind), plan->o, level, seed, 0, c);
        seed += UINT64_C(1) << 40;
    } while (i < plan->n_leakers && !c->truth.judgeable);
}

// Leakers are the first processes. `commit` is what all hold, look by look.
static void add_process(struct gen_data *gen, const struct machine *plan, struct seep_machine_id m,
                        unsigned i, double *commit, struct oc_case *c)
{
    char image[32];
    struct gen_random random = { plan->seed * 1000003 + i };
    bool leaks = i < plan->n_leakers;
    const char *kind = kind_of(plan, i, &random);
    enum oc_noise_level level = (enum oc_noise_level)(gen_uniform(&random) * OC_N_NOISE_LEVELS);
    draw_process(plan, kind, i, level, c);
    (void)snprintf(image, sizeof image, leaks ? "leaker%u.exe" : "proc%u.exe", i);
    struct seep_process_id p =
        gen_process(gen, m, image, 1000 + 4 * i, OC_START_NS - INT64_C(3600000000000));
    bool objects = c->metric != SEEP_METRIC_PRIVATE_BYTES;
    double level_bytes = floor((5 + 200 * gen_uniform(&random)) * 256) * 4096;
    double handles = floor(60 + 900 * gen_uniform(&random)), wobble = 1 + 5 * gen_uniform(&random);
    struct seep_points *own = add_series(gen, m, p, c->metric);
    for (size_t k = 0; k < c->looks.count; k++) {
        add(own, c->looks.at[k].t_ns, c->looks.at[k].value);
        commit[k] += objects ? level_bytes : c->looks.at[k].value;
    }
    thin(own);
    struct seep_points *space = add_series(gen, m, p, SEEP_METRIC_VIRTUAL_BYTES);
    for (size_t k = 0; k < c->looks.count; k++)
        add(space, c->looks.at[k].t_ns, 2203318e6 + (objects ? 0 : c->looks.at[k].value));
    thin(space);
    struct seep_points *other =
        add_series(gen, m, p, objects ? SEEP_METRIC_PRIVATE_BYTES : SEEP_METRIC_HANDLES);
    for (size_t k = 0; k < c->looks.count; k++)
        add(other, c->looks.at[k].t_ns,
            objects ? level_bytes : handles + floor(wobble * gen_uniform(&random)));
    thin(other);
    struct seep_points *threads = add_series(gen, m, p, SEEP_METRIC_THREADS);
    double n_threads = floor(4 + 40 * gen_uniform(&random));
    for (size_t k = 0; k < c->looks.count; k++)
        add(threads, c->looks.at[k].t_ns, n_threads + (gen_uniform(&random) < 0.05));
    thin(threads);
}

static void make_machine(struct gen_data *gen, const struct machine *plan, struct oc_case *c)
{
    struct seep_machine_id m = gen_machine(gen, "SRV01");
    double *commit = calloc(plan->o->n, sizeof *commit);
    if (!commit)
        abort();
    for (unsigned i = 0; i < plan->n_processes; i++)
        add_process(gen, plan, m, i, commit, c);
    size_t total = gen_add(gen, m, SEEP_SUBJECT_MACHINE, (struct seep_process_id){ 0 }, NULL,
                           SEEP_METRIC_COMMIT_BYTES);
    for (size_t k = 0; k < c->looks.count; k++)
        add(gen_points(gen, total), c->looks.at[k].t_ns, 2e9 + commit[k]);
    gen->machines[0].commit_limit_bytes = (uint64_t)(commit[0] + 64e9);
    free(commit);
}

static void tell_false_finding(const struct machine *plan, const struct seep_finding *f)
{
    unsigned i = f->has_pid ? (f->pid - 1000) / 4 : 0;
    struct gen_random random = { plan->seed * 1000003 + i };
    printf("false finding: %s (%s) on machine %llu of %u processes with %u leakers: %s\n", f->id,
           f->has_pid ? kind_of(plan, i, &random) : "machine", (unsigned long long)plan->seed,
           plan->n_processes, plan->n_leakers, f->n_evidence ? f->evidence[0].text : "-");
}

struct outcome {
    uint64_t machines, leakers, named, suspected, all_named;
    uint64_t false_findings, false_suspects, machines_accused, series;
    double seconds;
};

// The gravest finding about process `i`; NULL = none.
static const struct seep_finding *about(const struct seep_judgement *j, unsigned i)
{
    const struct seep_finding *gravest = NULL;
    for (size_t k = 0; k < j->n_findings; k++) {
        const struct seep_finding *f = &j->findings[k];
        if (f->has_pid && f->pid == 1000 + 4 * i && (!gravest || f->verdict > gravest->verdict))
            gravest = f;
    }
    return gravest;
}

// A leaker that is not named: what is said of it, and what is where there are but four others.
static void tell_miss(const struct machine *plan, unsigned i, const struct seep_finding *said)
{
    struct machine few = *plan;
    struct oc_case c = { 0 };
    struct gen_data gen;
    struct seep_judgement j = { 0 };
    few.n_processes = plan->n_leakers + 4;
    gen_data_init(&gen);
    make_machine(&gen, &few, &c);
    if (!seep_detect(gen_finish(&gen), NULL, NULL, &j, NULL))
        abort();
    const struct seep_finding *alone = about(&j, i);
    printf("missed: %s of %u processes, machine %llu: %s (q %.2g: %s); among few: %s (q %.2g)\n",
           kind_of(plan, i, NULL), plan->n_processes, (unsigned long long)plan->seed,
           said ? seep_verdict_name(said->verdict) : "-", said ? said->q : 1,
           said && said->n_evidence ? said->evidence[0].text : "-",
           alone ? seep_verdict_name(alone->verdict) : "-", alone ? alone->q : 1);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
    oc_case_clear(&c);
}

static void judge_machine(const struct oc_options *options, const struct machine *plan,
                          struct outcome *sum)
{
    struct oc_case c = { 0 };
    struct gen_data gen;
    struct seep_judgement j = { 0 };
    gen_data_init(&gen);
    make_machine(&gen, plan, &c);
    const struct seep_dataset *data = gen_finish(&gen);
    double start = oc_now_s();
    if (!seep_detect(data, NULL, NULL, &j, NULL))
        abort();
    sum->seconds += oc_now_s() - start;
    sum->series += data->n_series;
    sum->machines++;
    sum->leakers += plan->n_leakers;
    uint64_t found = 0, wrong = 0;
    for (unsigned i = 0; i < plan->n_leakers; i++) {
        const struct seep_finding *said = about(&j, i);
        bool named_it = said && said->verdict == SEEP_VERDICT_LEAKING;
        found += named_it;
        sum->suspected += said && said->verdict == SEEP_VERDICT_SUSPECT;
        if (options->verbose && !named_it)
            tell_miss(plan, i, said);
    }
    for (size_t k = 0; k < j.n_findings; k++) {
        const struct seep_finding *f = &j.findings[k];
        bool leaker = f->has_pid && f->pid < 1000 + 4 * plan->n_leakers;
        if (leaker)
            continue;
        wrong += f->verdict == SEEP_VERDICT_LEAKING;
        sum->false_suspects += f->verdict == SEEP_VERDICT_SUSPECT;
        if (options->verbose && f->verdict == SEEP_VERDICT_LEAKING)
            tell_false_finding(plan, f);
    }
    sum->named += found;
    sum->all_named += found == plan->n_leakers && wrong == 0;
    sum->false_findings += wrong;
    sum->machines_accused += wrong > 0;
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
    oc_case_clear(&c);
}

// The exact interval of a Poisson mean (Garwood 1936), by Wilson and Hilferty's approximation.
static void poisson_interval(double count, double exposure, double *low, double *high)
{
    const double z = 1.959964;
    double a = 1 - 1 / (9 * fmax(count, 1)) - z / (3 * sqrt(fmax(count, 1)));
    double b = 1 - 1 / (9 * (count + 1)) + z / (3 * sqrt(count + 1));
    *low = count > 0 ? fmax(count * a * a * a, 0) / exposure : 0;
    *high = (count + 1) * b * b * b / exposure;
}

static void machines_row(const char *name, unsigned n_processes, unsigned leakers,
                         const struct outcome *sum)
{
    struct oc_share named_share = oc_share_of(sum->named, sum->leakers);
    struct oc_share right = oc_share_of(sum->all_named, sum->machines);
    double low, high, machines = (double)sum->machines;
    poisson_interval((double)sum->false_findings, machines, &low, &high);
    oc_cell("%s", name);
    oc_cell("%u", n_processes);
    oc_cell("%u", leakers);
    oc_cell("%llu", (unsigned long long)sum->machines);
    oc_cell_share(&named_share, true);
    oc_cell_share(&right, true);
    oc_cell("%.3f (%.3f-%.3f)", (double)sum->false_findings / machines, low, high);
    oc_cell("%.3f", (double)sum->false_suspects / machines);
    oc_cell("%.3f", 1000 * sum->seconds / (double)sum->series);
    oc_row_end();
}

void oc_measure_machines(const struct oc_options *options)
{
    static const struct {
        size_t mix;
        unsigned n_processes;
        double healthy, leaking; // machines in one run
    } rows[] = {
        { 0, 50, 20, 4 }, { 0, 500, 5, 0.8 }, { 0, 2000, 1.5, 0.2 },
        { 1, 50, 20, 4 }, { 1, 500, 5, 0.8 }, { 1, 2000, 1, 0.1 },
    };
    const struct oc_observation *day = oc_observations;
    while (strcmp(day->name, "1 d at 60 s") != 0)
        day++;
    oc_table_begin("whole machines, four series a process, a day at 60 s", options->markdown);
    oc_cell("processes of");
    oc_cell("processes");
    oc_cell("leakers");
    oc_cell("machines");
    oc_cell("leakers named, %%");
    oc_cell("all named and nobody else, %%");
    oc_cell("false findings a machine-day");
    oc_cell("false suspects a machine-day");
    oc_cell("ms a series");
    oc_row_end();
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (unsigned leakers = 0; leakers <= 3; leakers++) {
            struct outcome sum = { 0 };
            double runs = options->runs * (leakers ? rows[r].leaking : rows[r].healthy);
            for (unsigned k = 0; k < fmax(runs, 1); k++) {
                struct machine plan = { &mixes[rows[r].mix], rows[r].n_processes, leakers, day,
                                        options->first_seed + 100000 * leakers + k };
                judge_machine(options, &plan, &sum);
            }
            machines_row(mixes[rows[r].mix].name, rows[r].n_processes, leakers, &sum);
        }
    }
    oc_table_end();
}

// The share of a real machine's memory in use, as the commit charge of one with 96 GB. Two layouts:
// `seconds,percent` and `,machine,percent,label` with calendar times.
static bool read_real(const char *path, struct seep_points *points)
{
    char line[256];
    FILE *f = fopen(path, "r");
    points->count = 0;
    if (!f)
        return false;
    while (fgets(line, sizeof line, f)) {
        char *end;
        int64_t t_ns = 0;
        double percent;
        char *second = strchr(line, ','), *third = second ? strchr(second + 1, ',') : NULL;
        if (third) {
            *second = '\0';
            if (!seep_time_parse(line, &t_ns))
                continue;
            percent = strtod(third + 1, &end);
        } else {
            double t_s = strtod(line, &end);
            if (end == line || !second)
                continue;
            t_ns = (int64_t)(t_s * 1e9);
            percent = strtod(second + 1, &end);
        }
        add(points, t_ns, percent * 0.96e9);
    }
    (void)fclose(f);
    return points->count > 0;
}

static void judge_real(const char *name, struct seep_points *points, uint64_t totals[4])
{
    struct gen_data gen;
    struct seep_judgement j = { 0 };
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, name);
    size_t at = gen_add(&gen, m, SEEP_SUBJECT_MACHINE, (struct seep_process_id){ 0 }, NULL,
                        SEEP_METRIC_COMMIT_BYTES);
    for (size_t i = 0; i < points->count; i++)
        add(gen_points(&gen, at), points->at[i].t_ns, points->at[i].value);
    if (!seep_detect(gen_finish(&gen), NULL, NULL, &j, NULL))
        abort();
    totals[j.verdict]++;
    oc_cell("%s", name);
    oc_cell("%zu", points->count);
    oc_cell("%s", seep_verdict_name(j.verdict));
    oc_cell("%.80s",
            j.n_findings && j.findings[0].n_evidence ? j.findings[0].evidence[0].text : "");
    for (size_t r = 0; r < OC_N_REFERENCES; r++)
        oc_cell(oc_references[r].leaks(points, SEEP_METRIC_COMMIT_BYTES) ? "leaking" : "");
    oc_row_end();
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

void oc_measure_real_series(const struct oc_options *options)
{
    const char *root = getenv("SEEP_TEST_DATA");
    struct seep_points points = { 0 };
    uint64_t totals[4] = { 0 };
    unsigned files = 0;
    oc_table_begin("real machines: memory in use over 5 to 8 days", options->markdown);
    oc_cell("series");
    oc_cell("samples");
    oc_cell("seep");
    oc_cell("because");
    for (size_t r = 0; r < OC_N_REFERENCES; r++)
        oc_cell("%s", oc_references[r].name);
    oc_row_end();
    for (unsigned id = 0; id < 3000; id++) {
        char path[1024], name[32];
        (void)snprintf(name, sizeof name, "m_%u", id);
        (void)snprintf(path, sizeof path, "%s/series/%s.csv", root ? root : "../shared/data", name);
        if (!read_real(path, &points))
            continue;
        files++;
        judge_real(name, &points, totals);
    }
    if (files)
        oc_table_end();
    printf("\nreal series: %u; leaking %llu, suspect %llu, unknown %llu, steady %llu%s\n", files,
           (unsigned long long)totals[SEEP_VERDICT_LEAKING],
           (unsigned long long)totals[SEEP_VERDICT_SUSPECT],
           (unsigned long long)totals[SEEP_VERDICT_UNKNOWN],
           (unsigned long long)totals[SEEP_VERDICT_STEADY],
           files ? "" : " (none found: set SEEP_TEST_DATA)");
    seep_points_clear(&points);
}
