// SPDX-License-Identifier: MIT
// A run beside known-good ones: what is expected, what is not, and how often that is wrong.
#include "testkit.h"

#include "base/time.h"
#include "detect/detect.h"
#include "series_gen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define T0 INT64_C(1772366400000000000) // 2026-03-01T12:00:00Z
#define S INT64_C(1000000000)
#define H (3600 * S)
#define DAY (24 * H)
#define MIB 1048576.0

// What a process does, as a function of its age and of the time of day.
struct curve {
    double level, leak_mib_h;    // from the start on
    double warm_mib, warm_tau_s; // 1 - e^(-age / tau)
    double step_mib, step_s;     // once, at this age
    double day_mib;              // sine of the day, highest at 18:00
    double noise_mib;
    double leak_from_s; // age at which the leak begins
};

// Looks of a recorder.
struct looks {
    int64_t from_ns;
    double tick_s;
    unsigned n;
};

static void draw(struct gen_data *gen, size_t series, const struct curve *c, int64_t born_ns,
                 const struct looks *looks, uint64_t seed)
{
    struct gen_random random = { seed * 7919 + 11 };
    for (unsigned i = 0; i < looks->n; i++) {
        int64_t t = looks->from_ns + (int64_t)(i * looks->tick_s * 1e9);
        double age = (double)(t - born_ns) / 1e9, hour = (double)(t % DAY) / (double)H;
        if (age < 0)
            continue;
        double mib = c->level + c->leak_mib_h * fmax(age - c->leak_from_s, 0) / 3600 +
                     c->noise_mib * gen_normal(&random);
        mib += c->warm_tau_s > 0 ? c->warm_mib * (1 - exp(-age / c->warm_tau_s)) : 0;
        mib += c->step_mib > 0 && age >= c->step_s ? c->step_mib : 0;
        mib += c->day_mib * sin((hour - 12) / 24 * 6.283185307179586);
        double value = floor(fmax(mib, 0) * MIB / 4096) * 4096;
        assert_true(seep_points_add(gen_points(gen, series), t, value));
    }
}

static size_t add(struct gen_data *gen, struct seep_machine_id m, const char *image, uint32_t pid,
                  int64_t start_ns, int64_t born_ns, const struct curve *c,
                  const struct looks *looks)
{
    struct seep_process_id p = gen_process(gen, m, image, pid, start_ns);
    size_t at = gen_add(gen, m, SEEP_SUBJECT_PROCESS, p, NULL, SEEP_METRIC_PRIVATE_BYTES);
    draw(gen, at, c, born_ns, looks, pid * 31 + gen->data.n_series);
    return at;
}

// A machine with one process of interest and three that do nothing.
static void make(struct gen_data *gen, const char *host, const char *image, uint32_t pid,
                 int64_t born_ns, const struct curve *c, const struct looks *looks)
{
    gen_data_init(gen);
    struct seep_machine_id m = gen_machine(gen, host);
    struct curve flat = { .level = 50, .noise_mib = 0.2 };
    add(gen, m, image, pid, born_ns, born_ns, c, looks);
    for (uint32_t i = 0; i < 3; i++)
        add(gen, m, "idle.exe", 4000 + i + pid, T0 - 30 * DAY, T0 - 30 * DAY, &flat, looks);
}

static struct seep_judgement judge(struct gen_data *run, struct gen_data *const *good, size_t n)
{
    const struct seep_dataset *baselines[8];
    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++)
        baselines[i] = gen_finish(good[i]);
    struct seep_detect_options options = { SEEP_NO_TIME, SEEP_NO_TIME, baselines, n };
    struct seep_judgement judgement = { 0 };
    struct seep_err err;
    if (!seep_detect(gen_finish(run), &options, NULL, &judgement, &err))
        fail_msg("%s", err.what);
    return judgement;
}

static struct seep_judgement judge_one(struct gen_data *run, struct gen_data *good)
{
    return judge(run, &good, good ? 1 : 0);
}

static const struct seep_finding *of(const struct seep_judgement *j, const char *name)
{
    for (size_t i = 0; i < j->n_findings; i++) {
        if (j->findings[i].name && strcmp(j->findings[i].name, name) == 0)
            return &j->findings[i];
    }
    fail_msg("no finding about %s", name);
    return NULL;
}

static bool says(const struct seep_finding *f, const char *part)
{
    for (size_t i = 0; i < f->n_evidence; i++) {
        if (strstr(f->evidence[i].text, part))
            return true;
    }
    for (size_t i = 0; i < f->n_caveats; i++) {
        if (strstr(f->caveats[i], part))
            return true;
    }
    return false;
}

static void show(const struct seep_finding *f)
{
    print_message("  %s %s\n", seep_verdict_name(f->verdict), f->id);
    for (size_t i = 0; i < f->n_evidence; i++)
        print_message("    %s\n", f->evidence[i].text);
    for (size_t i = 0; i < f->n_caveats; i++)
        print_message("    (%s)\n", f->caveats[i]);
}

// Judges a run alone and beside one baseline.
struct both {
    struct gen_data run, good;
    struct seep_judgement alone, beside;
    const struct seep_finding *before, *after;
};

static void compare(struct both *b, const char *name)
{
    b->alone = judge_one(&b->run, NULL);
    b->beside = judge_one(&b->run, &b->good);
    b->before = of(&b->alone, name);
    b->after = of(&b->beside, name);
    print_message("%s alone: %s\n", name, seep_verdict_name(b->before->verdict));
    show(b->after);
}

static void clear(struct both *b)
{
    seep_judgement_clear(&b->alone);
    seep_judgement_clear(&b->beside);
    gen_data_clear(&b->run);
    gen_data_clear(&b->good);
}

static const struct looks an_hour = { T0, 10, 361 }, an_hour_later = { T0 + 9 * DAY, 10, 361 };
static const struct curve warm = { 100, 0, 200, 2000, 0, 0, 0, 0.3 };

static void the_same_warm_up_is_expected(void **state)
{
    (void)state;
    struct both b;
    struct curve larger = warm; // another load: another level, the same growth
    larger.level = 700;
    make(&b.good, "SRV01", "app.exe", 10, T0, &larger, &an_hour);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &warm, &an_hour_later);
    compare(&b, "app.exe");
    assert_true(b.before->verdict >= SEEP_VERDICT_SUSPECT);
    assert_int_equal(b.after->verdict, SEEP_VERDICT_STEADY);
    assert_int_equal(b.beside.verdict, SEEP_VERDICT_STEADY);
    assert_int_equal(b.beside.n_expected, 1);
    assert_true(says(b.after, "the baseline grew by "));
    assert_true(says(b.after, "at the same age"));
    assert_true(b.after->baseline.known);
    assert_int_equal(b.after->baseline.aligned, SEEP_ALIGNED_BY_AGE);
    assert_true(b.after->baseline.explained > 0.95);
    assert_false(b.after->baseline.leaks);
    assert_int_equal(b.after->baseline.pid, 10);
    assert_false(b.before->baseline.known);
    clear(&b);
}

// Over an hour it is a line in both. That it ends, only a longer baseline shows.
static void a_start_that_outlasts_the_run_needs_a_longer_baseline(void **state)
{
    (void)state;
    struct curve slow = { .level = 100, .warm_mib = 200, .warm_tau_s = 7200, .noise_mib = 0.3 };
    struct looks whole = { T0, 10, 5 * 360 + 1 };
    struct both b;
    make(&b.good, "SRV01", "app.exe", 10, T0, &slow, &an_hour);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &slow, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.before->verdict, SEEP_VERDICT_LEAKING);
    assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
    assert_true(says(b.after, "a longer baseline can tell"));
    clear(&b);
    make(&b.good, "SRV01", "app.exe", 10, T0, &slow, &whole);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &slow, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.after->verdict, SEEP_VERDICT_STEADY);
    assert_false(b.after->baseline.leaks);
    clear(&b);
}

static void a_new_leak_under_the_same_warm_up_is_found(void **state)
{
    (void)state;
    struct both b;
    struct curve leaky = warm;
    leaky.leak_mib_h = 25;
    make(&b.good, "SRV01", "app.exe", 10, T0, &warm, &an_hour);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &leaky, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.before->verdict, SEEP_VERDICT_SUSPECT); // it slows down
    assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
    assert_true(says(b.after, "the difference grows by "));
    const struct seep_beside *beside = &b.after->baseline;
    assert_true(beside->excess.known);
    double rate = 25 * MIB / 3600;
    assert_true(beside->excess.low <= rate && rate <= beside->excess.high);
    assert_true(fabs(beside->excess.value - rate) < 0.1 * rate);
    assert_true(beside->q < 0.01);
    clear(&b);
}

static void a_leaking_baseline_is_not_normal(void **state)
{
    (void)state;
    struct both b;
    struct curve leak = { .level = 100, .leak_mib_h = 60, .noise_mib = 0.3 };
    struct curve worse = leak;
    worse.leak_mib_h = 180;
    make(&b.good, "SRV01", "app.exe", 10, T0, &leak, &an_hour);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &leak, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.before->verdict, SEEP_VERDICT_LEAKING);
    assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
    assert_true(says(b.after, "the baseline leaks too: 60"));
    assert_true(b.after->baseline.leaks);
    assert_true(fabs(b.after->baseline.rate.value - 60 * MIB / 3600) < 0.05 * 60 * MIB / 3600);
    assert_int_equal(b.beside.n_expected, 0);
    clear(&b);

    make(&b.good, "SRV01", "app.exe", 10, T0, &leak, &an_hour);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &worse, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
    assert_true(says(b.after, "the baseline leaks too: 60"));
    assert_true(says(b.after, "the difference grows by 120 MB/h"));
    clear(&b);
}

static void another_host_and_other_names_of_an_instance_do_not_matter(void **state)
{
    (void)state;
    static const char *const names[] = { "App", "APP.EXE", "app#2", "app.exe" };
    for (size_t i = 0; i < 4; i++) {
        struct both b;
        make(&b.good, i % 2 ? "REFERENCE" : NULL, names[i], 10, T0, &warm, &an_hour);
        make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &warm, &an_hour_later);
        compare(&b, "app.exe");
        assert_int_equal(b.after->verdict, SEEP_VERDICT_STEADY);
        assert_true(b.after->baseline.explained > 0.95);
        clear(&b);
    }
    struct both b;
    make(&b.good, "SRV01", "apple.exe", 10, T0, &warm, &an_hour);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &warm, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.after->verdict, b.before->verdict);
    assert_true(says(b.after, "the baseline does not show it"));
    assert_false(b.after->baseline.known);
    clear(&b);
}

// One of the baseline's lives is enough; the run's restart is compared with a start, too.
static void restarts_are_compared_by_age(void **state)
{
    (void)state;
    struct both b;
    struct looks day = { T0, 60, 1441 };
    struct curve slow = { 100, 0, 300, 2 * 3600, 0, 0, 0, 0.3 };
    gen_data_init(&b.good);
    struct seep_machine_id m = gen_machine(&b.good, "SRV01");
    for (uint32_t i = 0; i < 4; i++) {
        struct looks life = { T0 + i * 6 * H, 60, 355 };
        add(&b.good, m, "svc.exe", 100 + i, life.from_ns, life.from_ns, &slow, &life);
    }
    add(&b.good, m, "idle.exe", 9, T0 - DAY, T0 - DAY, &(struct curve){ .level = 9 }, &day);
    gen_data_init(&b.run);
    m = gen_machine(&b.run, "SRV01");
    struct looks first = { T0 + DAY, 60, 180 }, second = { T0 + DAY + 3 * H + 60 * S, 60, 300 };
    // Starts that no source told: from the look at which the process was there.
    add(&b.run, m, "svc.exe", 200, SEEP_NO_TIME, first.from_ns, &slow, &first);
    add(&b.run, m, "svc.exe", 201, SEEP_NO_TIME, second.from_ns, &slow, &second);
    compare(&b, "svc.exe");
    assert_true(b.before->verdict >= SEEP_VERDICT_SUSPECT);
    assert_int_equal(b.beside.verdict, SEEP_VERDICT_STEADY);
    clear(&b);
}

static void what_the_baseline_does_not_cover_is_not_explained(void **state)
{
    (void)state;
    struct both b;
    struct looks part = { T0, 10, 130 }, old = { T0 + 20 * DAY, 10, 361 };
    make(&b.good, "SRV01", "app.exe", 10, T0, &warm, &part);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &warm, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.after->verdict, b.before->verdict);
    assert_true(says(b.after, "the baseline covers only 3"));
    assert_true(b.after->baseline.covered > 0.3 && b.after->baseline.covered < 0.4);
    clear(&b);
    // The leak begins where the baseline ends.
    struct looks half = { T0, 10, 181 };
    struct curve good = { .level = 100, .warm_mib = 100, .warm_tau_s = 400, .noise_mib = 0.3 };
    struct curve late = good;
    late.leak_mib_h = 60;
    late.leak_from_s = 1700;
    make(&b.good, "SRV01", "app.exe", 10, T0, &good, &half);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &late, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.before->verdict, SEEP_VERDICT_LEAKING);
    assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
    assert_true(b.after->baseline.explained > 0.7);
    clear(&b);
    // A start beside an old process: nothing can be said.
    make(&b.good, "SRV01", "app.exe", 10, T0, &warm, &old);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &warm, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.after->verdict, b.before->verdict);
    assert_true(says(b.after, "the baseline does not show it at the same age"));
    clear(&b);
    // Too few looks of the baseline in that time.
    struct looks few = { T0, 720, 6 };
    make(&b.good, "SRV01", "app.exe", 10, T0, &warm, &few);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &warm, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.after->verdict, b.before->verdict);
    assert_true(says(b.after, "too few looks"));
    clear(&b);
}

static void sampling_intervals_may_differ(void **state)
{
    (void)state;
    struct looks rough = { T0, 60, 97 }, fine = { T0 + 9 * DAY, 1, 5761 };
    struct curve slow = { 100, 0, 200, 3000, 0, 0, 0, 0.3 }, leaky = slow;
    leaky.leak_mib_h = 40;
    for (int turn = 0; turn < 2; turn++) {
        struct looks good = turn ? fine : rough, run = turn ? rough : fine;
        struct both b;
        make(&b.good, "SRV01", "app.exe", 10, good.from_ns, &slow, &good);
        make(&b.run, "SRV01", "app.exe", 77, run.from_ns, &slow, &run);
        compare(&b, "app.exe");
        assert_int_equal(b.after->verdict, SEEP_VERDICT_STEADY);
        clear(&b);
        make(&b.good, "SRV01", "app.exe", 10, good.from_ns, &slow, &good);
        make(&b.run, "SRV01", "app.exe", 77, run.from_ns, &leaky, &run);
        compare(&b, "app.exe");
        assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
        assert_true(says(b.after, "the difference grows by "));
        clear(&b);
    }
}

// A baseline that grew by as much, but otherwise, explains nothing.
static void a_step_does_not_explain_a_line(void **state)
{
    (void)state;
    for (int at = 1; at <= 9; at++) {
        struct both b;
        struct curve step = { .level = 100, .step_mib = 60, .noise_mib = 0.3 };
        struct curve leak = { .level = 100, .leak_mib_h = 60, .noise_mib = 0.3 };
        step.step_s = 360 * at;
        make(&b.good, "SRV01", "app.exe", 10, T0, &step, &an_hour);
        make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &leak, &an_hour_later);
        compare(&b, "app.exe");
        assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
        clear(&b);
    }
}

// What the baseline gave back is no growth of the run.
static void a_falling_baseline_accuses_nobody(void **state)
{
    (void)state;
    struct both b;
    struct curve falling = { .level = 500, .leak_mib_h = -60, .noise_mib = 0.3 };
    struct curve slow = { 100, 0, 20, 2000, 0, 0, 0, 0.1, 0 };
    make(&b.good, "SRV01", "app.exe", 10, T0, &falling, &an_hour);
    make(&b.run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &slow, &an_hour_later);
    compare(&b, "app.exe");
    assert_int_equal(b.before->verdict, SEEP_VERDICT_SUSPECT);
    assert_int_equal(b.after->verdict, b.before->verdict);
    clear(&b);
}

// The rising half of a daily rhythm looks like a leak; a baseline of a day knows it.
static void a_rhythm_is_compared_at_the_time_of_day(void **state)
{
    (void)state;
    struct both b;
    struct curve rhythm = { .level = 300, .day_mib = 80, .noise_mib = 0.5 };
    struct looks afternoon = { T0 + 30 * DAY - 3 * H, 60, 361 }; // 09:00 to 15:00
    struct looks whole = { T0 - 5 * H, 60, 2881 };               // two days, from 07:00
    make(&b.good, "SRV01", "app.exe", 10, T0 - 10 * DAY, &rhythm, &whole);
    make(&b.run, "SRV01", "app.exe", 77, T0 - 3 * DAY, &rhythm, &afternoon);
    compare(&b, "app.exe");
    assert_true(b.before->verdict >= SEEP_VERDICT_SUSPECT);
    assert_int_equal(b.after->verdict, SEEP_VERDICT_STEADY);
    assert_int_equal(b.after->baseline.aligned, SEEP_ALIGNED_BY_DAY);
    assert_true(says(b.after, "at the same time of day"));
    clear(&b);
    rhythm.leak_mib_h = 10;
    struct curve good = rhythm;
    good.leak_mib_h = 0;
    make(&b.good, "SRV01", "app.exe", 10, T0 - 10 * DAY, &good, &whole);
    make(&b.run, "SRV01", "app.exe", 77, T0 - 3 * DAY, &rhythm, &afternoon);
    compare(&b, "app.exe");
    assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
    assert_true(says(b.after, "the difference grows by "));
    clear(&b);
}

// Several baselines: what one of them shows is expected.
static void several_baselines_are_an_envelope(void **state)
{
    (void)state;
    struct gen_data run, good[3], *list[3] = { &good[0], &good[1], &good[2] };
    struct curve flat = { .level = 100, .noise_mib = 0.3 }, leaky = warm;
    leaky.leak_mib_h = 60;
    make(&good[0], "A", "app.exe", 10, T0, &flat, &an_hour);
    make(&good[1], "B", "app.exe", 11, T0, &warm, &an_hour);
    make(&good[2], "C", "other.exe", 12, T0, &flat, &an_hour);
    make(&run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &warm, &an_hour_later);
    struct seep_judgement j = judge(&run, list, 3);
    const struct seep_finding *f = of(&j, "app.exe");
    show(f);
    assert_int_equal(f->verdict, SEEP_VERDICT_STEADY);
    assert_string_equal(f->baseline.host, "B");
    seep_judgement_clear(&j);
    gen_data_clear(&run);
    make(&run, "SRV01", "app.exe", 77, T0 + 9 * DAY, &leaky, &an_hour_later);
    j = judge(&run, list, 3);
    f = of(&j, "app.exe");
    show(f);
    assert_int_equal(f->verdict, SEEP_VERDICT_LEAKING);
    assert_string_equal(f->baseline.host, "B");
    assert_true(says(f, "the likest of 2"));
    seep_judgement_clear(&j);
    gen_data_clear(&run);
    for (size_t i = 0; i < 3; i++)
        gen_data_clear(&good[i]);
}

static size_t child(struct gen_data *gen, struct seep_machine_id m, uint32_t pid, uint32_t parent,
                    int64_t start, const struct curve *c, const struct looks *looks)
{
    size_t at = add(gen, m, "svchost.exe", pid, start, start, c, looks);
    gen->processes[gen->data.n_processes - 1].parent_pid = parent;
    return at;
}

// Three svchosts: the second warms up; a like one of another parent does not count.
static void make_hosts(struct gen_data *gen, const char *host, uint32_t pid, int64_t from,
                       const struct curve *const *of, unsigned n, const struct curve *stranger)
{
    struct looks looks = { from, 10, 361 };
    struct curve flat = { .level = 30, .noise_mib = 0.1 };
    gen_data_init(gen);
    struct seep_machine_id m = gen_machine(gen, host);
    add(gen, m, "services.exe", pid, from - H, from - H, &flat, &looks);
    add(gen, m, "launcher.exe", pid + 1, from - H, from - H, &flat, &looks);
    child(gen, m, pid + 2, pid + 1, from - 20 * S, stranger, &looks);
    for (unsigned i = 0; i < n; i++)
        child(gen, m, pid + 10 - i, pid, from - (10 - i) * S, of[i], &looks);
}

static void instances_are_told_apart_by_parent_and_order(void **state)
{
    (void)state;
    struct curve flat = { .level = 30, .noise_mib = 0.1 }, leaky = warm;
    leaky.leak_mib_h = 60;
    struct both b;
    const struct curve *good[] = { &flat, &warm, &flat }, *same[] = { &flat, &warm, &flat };
    make_hosts(&b.good, "A", 100, T0, good, 3, &leaky);
    make_hosts(&b.run, "B", 500, T0 + DAY, same, 3, &flat);
    struct seep_judgement j = judge_one(&b.run, &b.good);
    assert_int_equal(j.verdict, SEEP_VERDICT_STEADY);
    assert_int_equal(j.n_expected, 1);
    seep_judgement_clear(&j);
    gen_data_clear(&b.run);
    // The third warms up, which the third of the baseline does not.
    const struct curve *third[] = { &flat, &flat, &warm };
    make_hosts(&b.run, "B", 500, T0 + DAY, third, 3, &flat);
    j = judge_one(&b.run, &b.good);
    show(&j.findings[0]);
    assert_true(j.verdict >= SEEP_VERDICT_SUSPECT);
    assert_true(j.findings[0].baseline.explained < 0.1);
    assert_int_equal(j.findings[0].baseline.pid, 100 + 8);
    seep_judgement_clear(&j);
    gen_data_clear(&b.run);
    // Two of three: which is missing is not known, so it may be any.
    const struct curve *two[] = { &flat, &leaky };
    make_hosts(&b.run, "B", 500, T0 + DAY, two, 2, &flat);
    j = judge_one(&b.run, &b.good);
    show(&j.findings[0]);
    assert_int_equal(j.verdict, SEEP_VERDICT_LEAKING);
    assert_true(says(&j.findings[0], "which is the same one is not known"));
    seep_judgement_clear(&j);
    gen_data_clear(&b.run);
    gen_data_clear(&b.good);
    // The stranger of the baseline warms up: another parent's child explains nothing.
    const struct curve *calm[] = { &flat, &flat };
    make_hosts(&b.good, "A", 100, T0, calm, 2, &warm);
    make_hosts(&b.run, "B", 500, T0 + DAY, third, 3, &flat);
    j = judge_one(&b.run, &b.good);
    assert_true(j.verdict >= SEEP_VERDICT_SUSPECT);
    seep_judgement_clear(&j);
    gen_data_clear(&b.run);
    gen_data_clear(&b.good);
}

static void a_baseline_without_samples_is_said(void **state)
{
    (void)state;
    struct both b;
    struct curve leak = { .level = 100, .leak_mib_h = 60, .noise_mib = 0.3 };
    gen_data_init(&b.good);
    make(&b.run, "SRV01", "app.exe", 77, T0, &leak, &an_hour);
    compare(&b, "app.exe");
    assert_int_equal(b.after->verdict, SEEP_VERDICT_LEAKING);
    assert_true(says(b.after, "could not be read"));
    clear(&b);
}

static void the_machine_and_its_tags_have_baselines_too(void **state)
{
    (void)state;
    struct both b;
    for (int i = 0; i < 2; i++) {
        struct gen_data *gen = i ? &b.run : &b.good;
        struct looks looks = { T0 + i * 7 * DAY, 60, 241 };
        struct curve commit = { 4000, 0, 4000, 2 * 3600, 0, 0, 0, 2 };
        struct curve tag = { 10, 0, 50, 2 * 3600, 0, 0, 0, 0.1 };
        gen_data_init(gen);
        struct seep_machine_id m = gen_machine(gen, i ? "NEW" : "OLD");
        gen->machines[0].boot_ns = looks.from_ns - 60 * S;
        struct seep_process_id none = { 0 };
        size_t at = gen_add(gen, m, SEEP_SUBJECT_MACHINE, none, NULL, SEEP_METRIC_COMMIT_BYTES);
        draw(gen, at, &commit, gen->machines[0].boot_ns, &looks, 3 + (uint64_t)i);
        at = gen_add(gen, m, SEEP_SUBJECT_POOL_TAG, none, "Thre", SEEP_METRIC_NONPAGED_POOL_BYTES);
        draw(gen, at, &tag, gen->machines[0].boot_ns, &looks, 5 + (uint64_t)i);
    }
    compare(&b, "Thre");
    assert_true(b.alone.verdict >= SEEP_VERDICT_SUSPECT);
    assert_int_equal(b.beside.verdict, SEEP_VERDICT_STEADY);
    assert_int_equal(of(&b.beside, "Thre")->baseline.aligned, SEEP_ALIGNED_BY_AGE);
    clear(&b);
}

// How often: every family beside every healthy one, of other seeds.
struct tally {
    unsigned n, leaking, suspect, before, lowered, raised;
};

static void judge_pair(enum gen_family family, enum gen_family good, unsigned n, double tick_s,
                       uint64_t seed, struct tally *tally)
{
    struct gen_data run, base, *list = &base;
    struct gen_data *both[] = { &base, &run };
    for (int i = 0; i < 2; i++) {
        struct gen_spec spec = { .family = i ? family : good,
                                 .seed = seed * 2 + (uint64_t)i,
                                 .start_ns = T0 + i * 3 * DAY,
                                 .tick_s = tick_s,
                                 .n = n,
                                 .level = 200 * MIB,
                                 .noise = MIB,
                                 .growth = 24 * MIB };
        gen_data_init(both[i]);
        struct seep_machine_id m = gen_machine(both[i], i ? "NEW" : "OLD");
        struct seep_process_id p = gen_process(both[i], m, "app.exe", 5, spec.start_ns);
        size_t at = gen_add(both[i], m, SEEP_SUBJECT_PROCESS, p, NULL, SEEP_METRIC_PRIVATE_BYTES);
        gen_series(&spec, gen_points(both[i], at));
        for (unsigned k = 0; k < 9; k++) {
            struct gen_spec calm = spec;
            calm.family = k % 2 ? GEN_FLAT : GEN_AR1;
            calm.seed = spec.seed * 10 + k;
            char image[16];
            (void)snprintf(image, sizeof image, "calm%u.exe", k);
            p = gen_process(both[i], m, image, 100 + k, spec.start_ns);
            at = gen_add(both[i], m, SEEP_SUBJECT_PROCESS, p, NULL, SEEP_METRIC_PRIVATE_BYTES);
            gen_series(&calm, gen_points(both[i], at));
        }
    }
    struct seep_judgement alone = judge(&run, NULL, 0), j = judge(&run, &list, 1);
    enum seep_verdict before = of(&alone, "app.exe")->verdict, after = of(&j, "app.exe")->verdict;
    tally->n++;
    tally->leaking += after == SEEP_VERDICT_LEAKING;
    tally->suspect += after == SEEP_VERDICT_SUSPECT;
    tally->before += before == SEEP_VERDICT_LEAKING;
    tally->lowered += after < before;
    if (after < before && family >= GEN_N_HEALTHY)
        print_message("  %s beside %s\n", gen_family_name(family), gen_family_name(good));
    tally->raised += after > before;
    seep_judgement_clear(&alone);
    seep_judgement_clear(&j);
    gen_data_clear(&run);
    gen_data_clear(&base);
}

static void it_lowers_no_leak_and_raises_no_healthy_series(void **state)
{
    (void)state;
    static const struct {
        unsigned n;
        double tick_s;
    } sizes[] = { { 361, 10 }, { 240, 60 }, { 1440, 60 } };
    for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++) {
        struct tally healthy = { 0 }, leaks = { 0 };
        for (int f = 0; f < GEN_N_FAMILIES; f++) {
            struct tally own = { 0 };
            for (int g = 0; g < GEN_N_HEALTHY; g++) {
                for (uint64_t seed = 1; seed <= 3; seed++)
                    judge_pair((enum gen_family)f, (enum gen_family)g, sizes[z].n, sizes[z].tick_s,
                               seed, &own);
            }
            struct tally *sum = f < GEN_N_HEALTHY ? &healthy : &leaks;
            sum->n += own.n;
            sum->leaking += own.leaking;
            sum->suspect += own.suspect;
            sum->before += own.before;
            sum->lowered += own.lowered;
            sum->raised += own.raised;
            if (own.lowered || own.raised || (f < GEN_N_HEALTHY && own.leaking))
                print_message("  %4u x %.0f s  %-16s %3u pairs: leaking %u -> %u, suspect %u, "
                              "lowered %u, raised %u\n",
                              sizes[z].n, sizes[z].tick_s, gen_family_name((enum gen_family)f),
                              own.n, own.before, own.leaking, own.suspect, own.lowered, own.raised);
        }
        print_message("%u x %.0f s: healthy %u: leaking %u -> %u; leaks %u: leaking %u -> %u, "
                      "lowered %u, raised %u\n",
                      sizes[z].n, sizes[z].tick_s, healthy.n, healthy.before, healthy.leaking,
                      leaks.n, leaks.before, leaks.leaking, leaks.lowered, leaks.raised);
        assert_true(healthy.leaking <= healthy.before + healthy.n / 500);
        assert_true(leaks.lowered * 100 <= leaks.n * 2);
    }
}

// The same thing again, of other noise and another level, without and with a leak under it.
enum again { WARM_UP, LONG_WARM_UP, RISE_OF_THE_DAY, N_AGAIN };

static void judge_again(enum again kind, bool leaks, uint64_t seed, unsigned alone[4],
                        unsigned beside[4])
{
    struct gen_random random = { seed * 104729 + (uint64_t)kind };
    struct looks run = { T0 + 9 * DAY, 10, 361 }, good = { T0, kind == WARM_UP ? 10 : 20, 361 };
    struct curve c = { .level = 100, .noise_mib = 0.2 + 2 * gen_uniform(&random) };
    double tau = kind == WARM_UP ? 0.3 + 0.2 * gen_uniform(&random) : 0.5 + gen_uniform(&random);
    int64_t born = 0;
    if (kind == RISE_OF_THE_DAY) {
        c.day_mib = 40 + 80 * gen_uniform(&random);
        run = (struct looks){ T0 + 9 * DAY - 3 * H, 60, 361 };
        good = (struct looks){ T0 - 5 * H, 60, 2881 };
        born = -40 * DAY;
    } else {
        c.warm_mib = 60 + 200 * gen_uniform(&random);
        c.warm_tau_s = 3600 * tau;
        good.n = kind == WARM_UP ? 361 : 1441;
    }
    struct both b;
    make(&b.good, "OLD", "app.exe", (uint32_t)seed, good.from_ns + born, &c, &good);
    c.level = 50 + 500 * gen_uniform(&random);
    c.leak_mib_h = leaks ? (kind == RISE_OF_THE_DAY ? 6 : 30) : 0;
    c.leak_from_s = -(double)born / 1e9;
    make(&b.run, "NEW", "app.exe", (uint32_t)seed + 5000, run.from_ns + born, &c, &run);
    b.alone = judge_one(&b.run, NULL);
    b.beside = judge_one(&b.run, &b.good);
    alone[of(&b.alone, "app.exe")->verdict]++;
    beside[of(&b.beside, "app.exe")->verdict]++;
    clear(&b);
}

static void the_same_again_is_steady_and_a_leak_under_it_leaks(void **state)
{
    (void)state;
    static const char *const names[] = { "warm-up, equal lengths", "long warm-up, 8 h of baseline",
                                         "morning, 2 d of baseline" };
    enum { RUNS = 100 };
    for (int kind = 0; kind < N_AGAIN; kind++) {
        for (int leaks = 0; leaks < 2; leaks++) {
            unsigned alone[4] = { 0 }, beside[4] = { 0 };
            for (uint64_t seed = 1; seed <= RUNS; seed++)
                judge_again((enum again)kind, leaks, seed, alone, beside);
            print_message("%-30s %-8s alone: leaking %3u suspect %3u   beside: leaking %3u "
                          "suspect %3u\n",
                          names[kind], leaks ? "leak" : "healthy", alone[SEEP_VERDICT_LEAKING],
                          alone[SEEP_VERDICT_SUSPECT], beside[SEEP_VERDICT_LEAKING],
                          beside[SEEP_VERDICT_SUSPECT]);
            if (leaks)
                assert_true(beside[SEEP_VERDICT_LEAKING] >= RUNS * 85 / 100);
            else
                assert_true(beside[SEEP_VERDICT_LEAKING] <= RUNS / 100 &&
                            beside[SEEP_VERDICT_SUSPECT] <= RUNS * 10 / 100);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_warm_up_is_expected),
        cmocka_unit_test(a_start_that_outlasts_the_run_needs_a_longer_baseline),
        cmocka_unit_test(a_new_leak_under_the_same_warm_up_is_found),
        cmocka_unit_test(a_leaking_baseline_is_not_normal),
        cmocka_unit_test(another_host_and_other_names_of_an_instance_do_not_matter),
        cmocka_unit_test(restarts_are_compared_by_age),
        cmocka_unit_test(what_the_baseline_does_not_cover_is_not_explained),
        cmocka_unit_test(sampling_intervals_may_differ),
        cmocka_unit_test(a_step_does_not_explain_a_line),
        cmocka_unit_test(a_falling_baseline_accuses_nobody),
        cmocka_unit_test(a_rhythm_is_compared_at_the_time_of_day),
        cmocka_unit_test(several_baselines_are_an_envelope),
        cmocka_unit_test(instances_are_told_apart_by_parent_and_order),
        cmocka_unit_test(a_baseline_without_samples_is_said),
        cmocka_unit_test(the_machine_and_its_tags_have_baselines_too),
        cmocka_unit_test(it_lowers_no_leak_and_raises_no_healthy_series),
        cmocka_unit_test(the_same_again_is_steady_and_a_leak_under_it_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
