// SPDX-License-Identifier: MIT
// Whole machines: one leaker among many, healthy ones, drivers, dead processes' heirs, events.
#include "testkit.h"

#include "base/time.h"
#include "detect/detect.h"
#include "series_gen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 INT64_C(1772366400000000000) // 2026-03-01T12:00:00Z
#define S INT64_C(1000000000)
#define MIB 1048576.0

static struct seep_judgement judge(struct gen_data *gen)
{
    struct seep_judgement judgement = { 0 };
    struct seep_err err;
    if (!seep_detect(gen_finish(gen), NULL, NULL, &judgement, &err))
        fail_msg("%s", err.what);
    return judgement;
}

static const struct seep_finding *finding(const struct seep_judgement *judgement, const char *id)
{
    for (size_t i = 0; i < judgement->n_findings; i++) {
        if (strcmp(judgement->findings[i].id, id) == 0)
            return &judgement->findings[i];
    }
    return NULL;
}

static size_t count(const struct seep_judgement *judgement, enum seep_verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < judgement->n_findings; i++) {
        n += judgement->findings[i].verdict == verdict;
        if (judgement->findings[i].verdict == verdict && verdict >= SEEP_VERDICT_SUSPECT)
            print_message("  %s %s\n", seep_verdict_name(verdict), judgement->findings[i].id);
    }
    return n;
}

static bool has_text(const struct seep_finding *f, const char *part)
{
    for (size_t i = 0; i < f->n_evidence; i++) {
        if (strstr(f->evidence[i].text, part))
            return true;
    }
    for (size_t i = 0; i < f->n_caveats; i++) {
        if (strstr(f->caveats[i], part))
            return true;
    }
    for (size_t i = 0; i < f->n_next; i++) {
        if (strstr(f->next[i], part))
            return true;
    }
    return false;
}

static void add_process_series(struct gen_data *gen, struct seep_machine_id m,
                               struct seep_process_id p, enum seep_metric metric,
                               struct gen_spec spec)
{
    size_t at = gen_add(gen, m, SEEP_SUBJECT_PROCESS, p, NULL, metric);
    spec.on_change = true;
    gen_series(&spec, gen_points(gen, at));
}

struct plan {
    unsigned n_processes, n;
    double tick_s, growth; // of the one leaker; 0 = none
    uint64_t seed;
};

// A machine of healthy processes of every kind, and one that leaks private bytes: the first.
static void make_machine(struct gen_data *gen, const struct plan *plan)
{
    static const enum gen_family kinds[] = {
        GEN_FLAT, GEN_AR1,   GEN_CONSTANT, GEN_REVERTING_WALK, GEN_WARM_UP,     GEN_LINEAR_WARM_UP,
        GEN_STEP, GEN_BURST, GEN_SAWTOOTH, GEN_CONSTANT,       GEN_SLOW_WARM_UP
    };
    struct gen_random random = { plan->seed };
    struct seep_machine_id m = gen_machine(gen, "SRV01");
    struct gen_spec base = { .start_ns = T0, .tick_s = plan->tick_s, .n = plan->n };
    for (unsigned i = 0; i < plan->n_processes; i++) {
        char image[32];
        (void)snprintf(image, sizeof image, i == 0 ? "leaky.exe" : "proc%u.exe", i);
        struct seep_process_id p = gen_process(gen, m, image, 1000 + 4 * i, T0 - 3600 * S);
        bool leaks = i == 0 && plan->growth > 0;
        struct gen_spec spec = base;
        spec.seed = plan->seed * 100003 + i;
        spec.family = leaks ? GEN_LEAK : kinds[i % 11];
        spec.level = (5 + 300 * gen_uniform(&random)) * MIB;
        spec.noise = leaks ? plan->growth / 60 : spec.level * 0.01 * gen_uniform(&random);
        spec.growth = leaks ? plan->growth : spec.level * (0.05 + 0.3 * gen_uniform(&random));
        add_process_series(gen, m, p, SEEP_METRIC_PRIVATE_BYTES, spec);
        spec.level += 2e9;
        add_process_series(gen, m, p, SEEP_METRIC_VIRTUAL_BYTES, spec);
        spec.family = i % 3 ? GEN_COUNT_FLAT : GEN_CONSTANT;
        spec.level = 100 + floor(800 * gen_uniform(&random));
        spec.noise = 1;
        add_process_series(gen, m, p, SEEP_METRIC_HANDLES, spec);
        spec.family = GEN_CONSTANT;
        spec.level = 5 + floor(40 * gen_uniform(&random));
        add_process_series(gen, m, p, SEEP_METRIC_THREADS, spec);
    }
    size_t commit = gen_add(gen, m, SEEP_SUBJECT_MACHINE, (struct seep_process_id){ 0 }, NULL,
                            SEEP_METRIC_COMMIT_BYTES);
    base.family = plan->growth > 0 ? GEN_LEAK : GEN_AR1;
    base.level = 8e9;
    base.noise = plan->growth > 0 ? plan->growth / 40 : 20 * MIB;
    base.growth = plan->growth;
    base.seed = plan->seed;
    gen_series(&base, gen_points(gen, commit));
    gen->machines[0].commit_limit_bytes = UINT64_C(16) << 30;
}

static void one_leaker_is_found_and_no_other(void **state)
{
    (void)state;
    const struct {
        unsigned n_processes, n, runs;
        double tick_s, growth;
    } rows[] = { { 50, 30, 10, 1, 30 * MIB },  { 50, 20, 10, 1, 20 * MIB },
                 { 50, 11, 10, 60, 22 * MIB }, { 50, 1440, 4, 60, 60 * MIB },
                 { 500, 30, 4, 1, 30 * MIB },  { 500, 1440, 1, 60, 60 * MIB } };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (unsigned k = 0; k < rows[r].runs; k++) {
            struct plan plan = { rows[r].n_processes, rows[r].n, rows[r].tick_s, rows[r].growth,
                                 k + 1 };
            struct gen_data gen;
            gen_data_init(&gen);
            make_machine(&gen, &plan);
            struct seep_judgement j = judge(&gen);
            print_message("%u processes, %u x %.0f s, seed %u\n", plan.n_processes, plan.n,
                          plan.tick_s, k + 1);
            assert_int_equal(j.verdict, SEEP_VERDICT_LEAKING);
            assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
            const struct seep_finding *f = &j.findings[0];
            assert_string_equal(f->id, "private-data/leaky.exe:1000");
            double truth = plan.growth / (plan.n * plan.tick_s);
            assert_true(f->rate.known && fabs(f->rate.value / truth - 1) < 0.15);
            assert_true(f->rate.low <= f->rate.value && f->rate.value <= f->rate.high);
            assert_true(f->q >= 0 && f->q < 0.01);
            assert_true(f->share > 0.7 && f->share <= 1);
            assert_string_equal(f->exhaustion.limit, "commit");
            double left = (16.0 * 1073741824 - 8e9 - plan.growth) / truth;
            double got = (double)(f->exhaustion.at_ns - j.end_ns) / 1e9;
            assert_true(fabs(got / left - 1) < 0.25);
            assert_true(f->exhaustion.low_ns <= f->exhaustion.at_ns);
            assert_true(has_text(f, "the floor rose in") && has_text(f, "seep record --pid 1000 "));
            seep_judgement_clear(&j);
            gen_data_clear(&gen);
        }
    }
}

static void healthy_machines_are_steady(void **state)
{
    (void)state;
    const struct {
        unsigned n_processes, n, runs;
        double tick_s;
    } rows[] = { { 50, 30, 40, 1 },
                 { 50, 11, 40, 60 },
                 { 50, 240, 10, 60 },
                 { 50, 1440, 8, 60 },
                 { 500, 30, 4, 1 } };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        size_t suspects = 0;
        for (unsigned k = 0; k < rows[r].runs; k++) {
            struct plan plan = { rows[r].n_processes, rows[r].n, rows[r].tick_s, 0, 50 + k };
            struct gen_data gen;
            gen_data_init(&gen);
            make_machine(&gen, &plan);
            struct seep_judgement j = judge(&gen);
            assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 0);
            suspects += count(&j, SEEP_VERDICT_SUSPECT);
            assert_int_equal(j.n_series, plan.n_processes * 4 + 1);
            seep_judgement_clear(&j);
            gen_data_clear(&gen);
        }
        print_message("%u x %.0f s: %u suspects in %u machines\n", rows[r].n, rows[r].tick_s,
                      (unsigned)suspects, rows[r].runs);
        assert_true(suspects <= rows[r].runs / 4);
    }
}

// Caches that fill for up to three quarters of the day and are full then, under noise with a memory
// that hides the stop from a few windows.
static void full_caches_under_noise_do_not_leak(void **state)
{
    (void)state;
    enum { N_MACHINES = 8, N_CACHES = 250, N_LOOKS = 1440 };
    size_t leaking = 0;
    for (uint64_t k = 0; k < N_MACHINES; k++) {
        struct gen_data gen;
        struct gen_random random = { 31 + k };
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        for (unsigned c = 0; c < N_CACHES; c++) {
            struct seep_process_id p = gen_process(&gen, m, "cache.exe", 400 + c, T0 - S);
            size_t at = gen_add(&gen, m, SEEP_SUBJECT_PROCESS, p, NULL, SEEP_METRIC_PRIVATE_BYTES);
            double full = N_LOOKS * (0.55 + 0.2 * gen_uniform(&random));
            double height = (50 + 300 * gen_uniform(&random)) * MIB, noise = 0;
            for (unsigned i = 0; i < N_LOOKS; i++) {
                noise = 0.9 * noise + 0.44 * height / 10 * gen_normal(&random);
                double value = 500 * MIB + height * fmin(i / full, 1) + noise;
                assert_true(seep_points_add(gen_points(&gen, at), T0 + i * 60 * S,
                                            floor(value / 4096) * 4096));
            }
        }
        struct seep_judgement j = judge(&gen);
        for (size_t i = 0; i < j.n_findings; i++)
            leaking += j.findings[i].verdict == SEEP_VERDICT_LEAKING;
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
    print_message("%u of %u full caches leaking\n", (unsigned)leaking, N_MACHINES * N_CACHES);
    assert_true(leaking * 50 <= N_MACHINES * N_CACHES);
}

// What stirs too little to be accused, whatever it did, takes no evidence from a leak; what stirs
// more does.
static void quiet_series_are_no_tests(void **state)
{
    (void)state;
    double q[3];
    for (int kind = 0; kind < 3; kind++) { // alone, among quiet ones, among loud ones
        struct gen_data gen;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        for (unsigned i = 0; i < (kind ? 400 : 1); i++) {
            struct seep_process_id p =
                gen_process(&gen, m, i ? "svc.exe" : "leaky.exe", 400 + i, T0 - S);
            struct gen_spec spec = { .family = i ? GEN_AR1 : GEN_LEAK_AR1,
                                     .seed = 5 + i,
                                     .start_ns = T0,
                                     .tick_s = 60,
                                     .n = 240,
                                     .level = 200 * MIB,
                                     .noise = i == 0 ? 3 * MIB : (kind == 1 ? 8192 : 3 * MIB),
                                     .growth = i ? 0 : 40 * MIB };
            add_process_series(&gen, m, p, SEEP_METRIC_PRIVATE_BYTES, spec);
        }
        struct seep_judgement j = judge(&gen);
        const struct seep_finding *f = finding(&j, "private-data/leaky.exe:400");
        assert_non_null(f);
        q[kind] = f->q;
        if (kind < 2)
            assert_int_equal(f->verdict, SEEP_VERDICT_LEAKING);
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
    print_message("q alone %.2g, among 399 quiet %.2g, among 399 loud ones %.2g\n", q[0], q[1],
                  q[2]);
    assert_true(q[0] == q[1] && q[2] > 100 * q[0]);
}

static void judgements_are_deterministic(void **state)
{
    (void)state;
    const struct plan plan = { 50, 30, 1, 30 * MIB, 3 };
    struct gen_data gen;
    gen_data_init(&gen);
    make_machine(&gen, &plan);
    struct seep_judgement a = judge(&gen), b = judge(&gen);
    assert_int_equal(a.n_findings, b.n_findings);
    for (size_t i = 0; i < a.n_findings; i++) {
        assert_string_equal(a.findings[i].id, b.findings[i].id);
        assert_int_equal(a.findings[i].n_evidence, b.findings[i].n_evidence);
        for (size_t k = 0; k < a.findings[i].n_evidence; k++)
            assert_string_equal(a.findings[i].evidence[k].text, b.findings[i].evidence[k].text);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(a.findings[i].id, a.findings[k].id);
    }
    seep_judgement_clear(&a);
    seep_judgement_clear(&b);
    gen_data_clear(&gen);
}

static void too_little_is_unknown(void **state)
{
    (void)state;
    const struct plan plan = { 3, 5, 1, 50 * MIB, 3 };
    struct gen_data gen;
    gen_data_init(&gen);
    make_machine(&gen, &plan);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.verdict, SEEP_VERDICT_UNKNOWN);
    assert_int_equal(j.n_series, 0);
    const struct seep_finding *f = finding(&j, "private-data/leaky.exe:1000");
    assert_non_null(f);
    assert_true(has_text(f, "more are needed"));
    assert_true(isnan(f->q) && !f->rate.known);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
    gen_data_init(&gen);
    j = judge(&gen); // nothing at all
    assert_int_equal(j.verdict, SEEP_VERDICT_UNKNOWN);
    assert_true(j.start_ns == SEEP_NO_TIME);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static size_t add_machine_series(struct gen_data *gen, struct seep_machine_id m,
                                 enum seep_metric metric, struct gen_spec spec)
{
    size_t at = gen_add(gen, m, SEEP_SUBJECT_MACHINE, (struct seep_process_id){ 0 }, NULL, metric);
    gen_series(&spec, gen_points(gen, at));
    return at;
}

// The field's decision: the pool grows and no process's quota does.
static void pool_growth_is_a_drivers_or_a_processes(void **state)
{
    (void)state;
    for (int by = 0; by < 3; by++) { // 0 driver, 1 a process by its handles, 2 driver with tags
        struct gen_data gen;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        struct gen_spec leak = { .family = GEN_LEAK,
                                 .seed = 5,
                                 .start_ns = T0,
                                 .tick_s = 60,
                                 .n = 240,
                                 .level = 200 * MIB,
                                 .noise = 0.5 * MIB,
                                 .growth = 80 * MIB };
        (void)add_machine_series(&gen, m, SEEP_METRIC_NONPAGED_POOL_BYTES, leak);
        for (unsigned i = 0; i < 10; i++) {
            struct seep_process_id p =
                gen_process(&gen, m, i ? "svc.exe" : "opener.exe", 400 + i, T0 - S);
            struct gen_spec quota = leak;
            quota.level = MIB;
            quota.noise = 5000;
            quota.growth = 70 * MIB;
            quota.family = i == 0 && by == 1 ? GEN_LEAK : GEN_FLAT;
            add_process_series(&gen, m, p, SEEP_METRIC_NONPAGED_POOL_BYTES, quota);
            struct gen_spec handles = quota;
            handles.family = i == 0 && by == 1 ? GEN_LEAK_COUNT : GEN_COUNT_FLAT;
            handles.level = 500;
            handles.growth = 20000;
            handles.noise = 1;
            add_process_series(&gen, m, p, SEEP_METRIC_HANDLES, handles);
        }
        for (unsigned i = 0; by == 2 && i < 5; i++) {
            static const char *const tags[] = { "Leak", "File", "MmSt", "Ntff", "EtwB" };
            size_t at = gen_add(&gen, m, SEEP_SUBJECT_POOL_TAG, (struct seep_process_id){ 0 },
                                tags[i], SEEP_METRIC_NONPAGED_POOL_BYTES);
            struct gen_spec tag = leak;
            tag.family = i ? GEN_FLAT : GEN_LEAK;
            tag.level = 20 * MIB;
            tag.noise = 50000;
            tag.growth = 75 * MIB;
            gen_series(&tag, gen_points(&gen, at));
        }
        struct seep_judgement j = judge(&gen);
        assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
        const struct seep_finding *f = &j.findings[0];
        if (by == 0) {
            assert_string_equal(f->id, "nonpaged-pool/machine");
            assert_true(has_text(f, "no process explains it") && has_text(f, "seep record -i"));
        } else if (by == 1) {
            assert_string_equal(f->id, "handles/opener.exe:400");
            assert_true(has_text(f, "nonpaged pool"));
            assert_string_equal(f->exhaustion.limit, "handles");
        } else {
            assert_string_equal(f->id, "nonpaged-pool/Leak");
            assert_string_equal(f->tag, "Leak");
            assert_true(f->share > 0.8);
        }
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
}

// Three tags whose objects are made together, another that grows by itself, and with `opener` the
// process that holds them.
static void tags_in_lockstep_are_one_finding(void **state)
{
    (void)state;
    static const char *const tags[] = { "Filt", "File", "IoNm", "Else" };
    static const double sizes[] = { 4000, 700, 300, 4000 };
    for (int opener = 0; opener < 2; opener++) {
        struct gen_data gen;
        struct gen_random random = { 11 }, other = { 12 };
        double objects = 0, alone = 0;
        size_t at[4], handles = 0;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        for (unsigned k = 0; k < 4; k++)
            at[k] = gen_add(&gen, m, SEEP_SUBJECT_POOL_TAG, (struct seep_process_id){ 0 }, tags[k],
                            SEEP_METRIC_NONPAGED_POOL_BYTES);
        if (opener)
            handles =
                gen_add(&gen, m, SEEP_SUBJECT_PROCESS,
                        gen_process(&gen, m, "opener.exe", 400, T0 - S), NULL, SEEP_METRIC_HANDLES);
        for (int i = 0; i < 240; i++) {
            objects += floor(400 * gen_uniform(&random) * gen_uniform(&random));
            alone += floor(200 * gen_uniform(&other) * gen_uniform(&other));
            for (unsigned k = 0; k < 4; k++)
                assert_true(seep_points_add(gen_points(&gen, at[k]), T0 + i * 60 * S,
                                            MIB + sizes[k] * (k == 3 ? alone : objects)));
            if (opener)
                assert_true(
                    seep_points_add(gen_points(&gen, handles), T0 + i * 60 * S, 300 + objects));
        }
        struct seep_judgement j = judge(&gen);
        assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 2);
        const struct seep_finding *f =
            finding(&j, opener ? "handles/opener.exe:400" : "nonpaged-pool/Filt");
        assert_non_null(f);
        assert_int_equal(f->verdict, SEEP_VERDICT_LEAKING);
        assert_true(has_text(f, "pool tag File grows in lockstep with it"));
        assert_true(has_text(f, "pool tag IoNm grows in lockstep with it"));
        assert_false(has_text(f, "Else"));
        f = finding(&j, "nonpaged-pool/Else");
        assert_non_null(f);
        assert_int_equal(f->verdict, SEEP_VERDICT_LEAKING);
        f = finding(&j, "nonpaged-pool/File");
        assert_non_null(f);
        assert_int_equal(f->verdict, SEEP_VERDICT_STEADY);
        assert_true(has_text(f, "in lockstep with"));
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
}

// What cannot be told yet says how much longer to record.
static void says_how_much_longer(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    struct gen_spec few = { .family = GEN_LEAK,
                            .seed = 5,
                            .start_ns = T0,
                            .tick_s = 60,
                            .n = 4,
                            .level = 200 * MIB,
                            .noise = 0.1 * MIB,
                            .growth = 20 * MIB };
    add_process_series(&gen, m, gen_process(&gen, m, "app.exe", 400, T0 - S),
                       SEEP_METRIC_PRIVATE_BYTES, few);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.verdict, SEEP_VERDICT_UNKNOWN);
    assert_true(has_text(&j.findings[0], "record 5 min more"));
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void commit_that_nobody_explains(void **state)
{
    (void)state;
    for (int logged = 0; logged < 2; logged++) {
        struct gen_data gen;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        struct gen_spec leak = { .family = GEN_LEAK,
                                 .seed = 5,
                                 .start_ns = T0,
                                 .tick_s = 60,
                                 .n = 240,
                                 .level = 4e9,
                                 .noise = 2 * MIB,
                                 .growth = 900 * MIB };
        (void)add_machine_series(&gen, m, SEEP_METRIC_COMMIT_BYTES, leak);
        leak.family = GEN_FLAT;
        for (unsigned i = 0; logged && i < 10; i++) {
            leak.level = 80 * MIB;
            leak.noise = MIB;
            add_process_series(&gen, m, gen_process(&gen, m, "svc.exe", 400 + i, T0 - S),
                               SEEP_METRIC_PRIVATE_BYTES, leak);
        }
        struct seep_judgement j = judge(&gen);
        assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
        const struct seep_finding *f = finding(&j, "commit-unattributed/machine");
        assert_non_null(f);
        assert_int_equal(f->class_, SEEP_CLASS_COMMIT_UNATTRIBUTED);
        assert_true(has_text(f, logged ? "no counter shows" : "were not recorded"));
        assert_true(has_text(f, "seep record -i"));
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
}

// A recording of chosen processes accuses those, and of the machine it says only what it saw.
static void chosen_processes_do_not_blame_the_machine(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    const struct seep_loss loss = { .what = "processes-chosen", .text = "-", .harmless = true };
    gen.source.losses = &loss;
    gen.source.n_losses = 1;
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    struct gen_spec spec = { .family = GEN_LEAK,
                             .seed = 5,
                             .start_ns = T0,
                             .tick_s = 60,
                             .n = 240,
                             .level = 4e9,
                             .noise = 2 * MIB,
                             .growth = 900 * MIB };
    (void)add_machine_series(&gen, m, SEEP_METRIC_COMMIT_BYTES, spec);
    spec.family = GEN_FLAT;
    spec.level = 80 * MIB;
    add_process_series(&gen, m, gen_process(&gen, m, "svc.exe", 400, T0 - S),
                       SEEP_METRIC_PRIVATE_BYTES, spec);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.verdict, SEEP_VERDICT_SUSPECT);
    assert_non_null(finding(&j, "commit-unattributed/machine"));
    assert_false(has_text(finding(&j, "commit-unattributed/machine"), "no counter shows"));
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

// Two seconds are a moment of a program's life, however often it was looked at.
static void a_moment_is_no_leak(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct gen_data gen;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        struct gen_spec leak = { .family = GEN_LEAK,
                                 .seed = 5,
                                 .start_ns = T0,
                                 .tick_s = slow ? 1 : 0.1,
                                 .n = 21,
                                 .level = 80 * MIB,
                                 .noise = 10000,
                                 .growth = 40 * MIB };
        add_process_series(&gen, m, gen_process(&gen, m, "app.exe", 400, T0 - S),
                           SEEP_METRIC_PRIVATE_BYTES, leak);
        struct seep_judgement j = judge(&gen);
        assert_int_equal(j.verdict, slow ? SEEP_VERDICT_LEAKING : SEEP_VERDICT_SUSPECT);
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
}

// Reserved and not committed is a class of its own; what private bytes explain is not.
static void address_space_alone(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    struct gen_spec s = { .seed = 5,
                          .start_ns = T0,
                          .tick_s = 60,
                          .n = 240,
                          .level = 2e9,
                          .noise = 100000,
                          .growth = 900 * MIB };
    struct seep_process_id a = gen_process(&gen, m, "reserver.exe", 400, T0 - S);
    struct seep_process_id b = gen_process(&gen, m, "committer.exe", 500, T0 - S);
    s.family = GEN_LEAK;
    add_process_series(&gen, m, a, SEEP_METRIC_VIRTUAL_BYTES, s);
    add_process_series(&gen, m, b, SEEP_METRIC_VIRTUAL_BYTES, s);
    add_process_series(&gen, m, b, SEEP_METRIC_PRIVATE_BYTES, s);
    s.family = GEN_FLAT;
    add_process_series(&gen, m, a, SEEP_METRIC_PRIVATE_BYTES, s);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 2);
    assert_non_null(finding(&j, "address-space/reserver.exe:400"));
    assert_int_equal(finding(&j, "address-space/reserver.exe:400")->verdict, SEEP_VERDICT_LEAKING);
    assert_int_equal(finding(&j, "private-data/committer.exe:500")->verdict, SEEP_VERDICT_LEAKING);
    assert_int_equal(finding(&j, "address-space/committer.exe:500")->verdict, SEEP_VERDICT_STEADY);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

// Restarted in the middle: one finding, with the other lives as evidence.
static void lives_of_one_image_are_joined(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    for (unsigned life = 0; life < 3; life++) {
        int64_t start = T0 + life * 120 * 60 * S;
        struct seep_process_id p = gen_process(&gen, m, "svc.exe", 700 + life % 2, start);
        struct gen_spec s = { .family = GEN_LEAK,
                              .seed = life + 1,
                              .start_ns = start,
                              .tick_s = 60,
                              .n = 118,
                              .level = 60 * MIB,
                              .noise = MIB,
                              .growth = 50 * MIB };
        add_process_series(&gen, m, p, SEEP_METRIC_PRIVATE_BYTES, s);
        gen.processes[p.v - 1].end_ns = start + 119 * 60 * S;
    }
    struct gen_spec flat = { .family = GEN_FLAT,
                             .seed = 9,
                             .start_ns = T0,
                             .tick_s = 60,
                             .n = 360,
                             .level = 60 * MIB,
                             .noise = MIB };
    add_process_series(&gen, m, gen_process(&gen, m, "other.exe", 9, T0 - S),
                       SEEP_METRIC_PRIVATE_BYTES, flat);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
    const struct seep_finding *f = &j.findings[0];
    assert_int_equal(f->pid, 700);
    assert_true(f->start_ns == T0 + 240 * 60 * S);
    assert_true(has_text(f, "an earlier life of it"));
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

// A job that starts during a short look and grows while it works is no leak; nor, for sure, is one
// that ended long before a long look did.
static void young_and_dead_processes_are_not_accused(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct gen_data gen;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        struct gen_spec s = { .family = GEN_FLAT,
                              .seed = 1,
                              .start_ns = T0,
                              .tick_s = late ? 60 : 1,
                              .n = late ? 240 : 30,
                              .level = 60 * MIB,
                              .noise = MIB };
        add_process_series(&gen, m, gen_process(&gen, m, "svc.exe", 9, T0 - S),
                           SEEP_METRIC_PRIVATE_BYTES, s);
        int64_t born = late ? T0 : T0 + 14 * S;
        struct seep_process_id job = gen_process(&gen, m, "link.exe", 77, born);
        s.family = GEN_LEAK;
        s.start_ns = born;
        s.n = late ? 60 : 16;
        s.growth = 60 * MIB;
        s.noise = MIB / 4;
        add_process_series(&gen, m, job, SEEP_METRIC_PRIVATE_BYTES, s);
        if (late)
            gen.processes[job.v - 1].end_ns = T0 + 3601 * S;
        struct seep_judgement j = judge(&gen);
        assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 0);
        assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), late);
        assert_int_equal(j.verdict, late ? SEEP_VERDICT_SUSPECT : SEEP_VERDICT_STEADY);
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
}

static void machines_are_judged_by_themselves(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    for (int i = 0; i < 2; i++) {
        struct seep_machine_id m = gen_machine(&gen, i ? "WEB02" : "SRV01");
        struct gen_spec s = { .family = i ? GEN_LEAK : GEN_FLAT,
                              .seed = 3,
                              .start_ns = T0,
                              .tick_s = 60,
                              .n = 240,
                              .level = 60 * MIB,
                              .noise = MIB,
                              .growth = 60 * MIB };
        add_process_series(&gen, m, gen_process(&gen, m, "w3wp.exe", 8, T0),
                           SEEP_METRIC_PRIVATE_BYTES, s);
    }
    struct seep_judgement j = judge(&gen);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
    assert_string_equal(j.findings[0].id, "private-data/w3wp.exe:8@WEB02");
    assert_int_equal(j.findings[0].machine.v, 2);
    assert_non_null(finding(&j, "private-data/w3wp.exe:8@SRV01"));
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void losses_become_caveats(void **state)
{
    (void)state;
    const struct plan plan = { 3, 240, 60, 50 * MIB, 3 };
    const struct seep_loss losses[] = {
        { .what = "identity-unknown", .text = "no ID Process", .harmless = true },
        { .what = "clock-jump", .text = "back by 3600 s", .harmless = true },
        { .what = "truncated", .text = "the file ends inside a record" },
    };
    struct gen_data gen;
    gen_data_init(&gen);
    make_machine(&gen, &plan);
    gen.source.losses = losses;
    gen.source.n_losses = 3;
    struct seep_judgement j = judge(&gen);
    const struct seep_finding *f = &j.findings[0];
    assert_int_equal(f->verdict, SEEP_VERDICT_LEAKING);
    assert_true(has_text(f, "by name only") && has_text(f, "clock jumped") &&
                has_text(f, "the file ends inside a record"));
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void time_asked_for_is_kept_to(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    struct gen_spec s = { .family = GEN_LEAK_LATE,
                          .seed = 3,
                          .start_ns = T0,
                          .tick_s = 60,
                          .n = 480,
                          .level = 60 * MIB,
                          .noise = MIB / 4,
                          .growth = 60 * MIB };
    add_process_series(&gen, m, gen_process(&gen, m, "late.exe", 8, T0), SEEP_METRIC_PRIVATE_BYTES,
                       s);
    const struct seep_dataset *data = gen_finish(&gen);
    struct seep_judgement j = { 0 };
    struct seep_detect_options half = { SEEP_NO_TIME, T0 + 239 * 60 * S };
    assert_true(seep_detect(data, &half, NULL, &j, NULL));
    assert_int_equal(j.verdict, SEEP_VERDICT_STEADY);
    assert_true(j.end_ns <= half.until_ns);
    seep_judgement_clear(&j);
    half = (struct seep_detect_options){ T0 + 240 * 60 * S, SEEP_NO_TIME };
    assert_true(seep_detect(data, &half, NULL, &j, NULL));
    assert_int_equal(j.verdict, SEEP_VERDICT_LEAKING);
    assert_true(j.start_ns >= half.since_ns);
    seep_judgement_clear(&j);
    assert_true(seep_detect(data, NULL, NULL, &j, NULL));
    assert_int_equal(j.verdict, SEEP_VERDICT_LEAKING);
    double since = (double)(j.findings[0].since_ns - T0) / 1e9 / 60;
    assert_true(since > 200 && since < 280); // began at minute 240
    seep_judgement_clear(&j);
    volatile sig_atomic_t stop = 1;
    struct seep_control control = { .cancel = &stop };
    struct seep_err err;
    assert_false(seep_detect(data, NULL, &control, &j, &err));
    gen_data_clear(&gen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_leaker_is_found_and_no_other),
        cmocka_unit_test(healthy_machines_are_steady),
        cmocka_unit_test(full_caches_under_noise_do_not_leak),
        cmocka_unit_test(quiet_series_are_no_tests),
        cmocka_unit_test(judgements_are_deterministic),
        cmocka_unit_test(too_little_is_unknown),
        cmocka_unit_test(pool_growth_is_a_drivers_or_a_processes),
        cmocka_unit_test(tags_in_lockstep_are_one_finding),
        cmocka_unit_test(says_how_much_longer),
        cmocka_unit_test(commit_that_nobody_explains),
        cmocka_unit_test(chosen_processes_do_not_blame_the_machine),
        cmocka_unit_test(a_moment_is_no_leak),
        cmocka_unit_test(address_space_alone),
        cmocka_unit_test(lives_of_one_image_are_joined),
        cmocka_unit_test(young_and_dead_processes_are_not_accused),
        cmocka_unit_test(machines_are_judged_by_themselves),
        cmocka_unit_test(losses_become_caveats),
        cmocka_unit_test(time_asked_for_is_kept_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
