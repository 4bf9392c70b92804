// SPDX-License-Identifier: MIT
// The moment when a limit is reached: beside series that were continued until they reached it.
#include "testkit.h"

#include "base/time.h"
#include "detect/detect.h"
#include "series_gen.h"

#include <math.h>
#include <string.h>

#define T0 INT64_C(1772366400000000000) // 2026-03-01T12:00:00Z
#define MB 1e6
#define DAY_S 86400.0

struct leak {
    double days, per_day, rhythm, noise, phase;
    uint64_t seed;
    double start; // height of the approach with which it starts
};

// What the process holds t seconds after the first look, without noise.
static double without_noise(const struct leak *leak, double t_s)
{
    double day = t_s / DAY_S, start = leak->start * (1 - exp(-day * 15 / leak->days));
    return 500 * MB + start + leak->per_day * day +
           leak->rhythm * sin(6.283185307179586 * (day + leak->phase));
}

struct answer {
    double truth_s, at_s, low_s, high_s; // from the last look
};

// Judged is a process of which so much is left until the commit limit is reached; then it goes on
// until it has reached it. False when it is not called a leak.
static bool ask(const struct leak *leak, double room, struct answer *answer)
{
    struct gen_data gen;
    struct gen_random random = { leak->seed };
    struct seep_judgement j = { 0 };
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    struct seep_process_id p = gen_process(&gen, m, "orders.exe", 4812, T0 - SEEP_NS_PER_S);
    size_t own = gen_add(&gen, m, SEEP_SUBJECT_PROCESS, p, NULL, SEEP_METRIC_PRIVATE_BYTES);
    size_t all = gen_add(&gen, m, SEEP_SUBJECT_MACHINE, (struct seep_process_id){ 0 }, NULL,
                         SEEP_METRIC_COMMIT_BYTES);
    const double others = 4e9, tick_s = 60;
    double t_s = 0, value = 0, limit = without_noise(leak, leak->days * DAY_S) + room;
    for (; t_s < leak->days * DAY_S; t_s += tick_s) {
        value = without_noise(leak, t_s) + leak->noise * gen_normal(&random);
        int64_t t_ns = T0 + (int64_t)t_s * SEEP_NS_PER_S;
        assert_true(seep_points_add(gen_points(&gen, own), t_ns, floor(value / 4096) * 4096));
        assert_true(
            seep_points_add(gen_points(&gen, all), t_ns, others + floor(value / 4096) * 4096));
    }
    gen.machines[0].commit_limit_bytes = (uint64_t)(others + limit);
    double last_s = t_s - tick_s;
    while (without_noise(leak, t_s) + leak->noise * gen_normal(&random) < limit)
        t_s += tick_s;
    assert_true(seep_detect(gen_finish(&gen), NULL, NULL, &j, NULL));
    const struct seep_finding *f = NULL;
    for (size_t i = 0; i < j.n_findings && !f; i++) {
        if (j.findings[i].has_pid && j.findings[i].verdict == SEEP_VERDICT_LEAKING)
            f = &j.findings[i];
    }
    bool found = f && f->exhaustion.limit;
    if (found) {
        assert_string_equal(f->exhaustion.limit, "commit");
        assert_true(f->exhaustion.low_ns <= f->exhaustion.at_ns);
        assert_true(f->exhaustion.at_ns <= f->exhaustion.high_ns);
        *answer = (struct answer){ t_s - last_s, (double)(f->exhaustion.at_ns - j.end_ns) / 1e9,
                                   (double)(f->exhaustion.low_ns - j.end_ns) / 1e9,
                                   (double)(f->exhaustion.high_ns - j.end_ns) / 1e9 };
    }
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
    return found;
}

// Under a rhythm the limit is reached at the top of a day: hours before the line, or after it.
static void a_rhythm_is_followed_to_the_limit(void **state)
{
    (void)state;
    unsigned holds = 0, close_to = 0;
    for (int i = 0; i < 24; i++) {
        struct leak leak = { 4, 100 * MB, 60 * MB, 2 * MB, i / 7.0, 40 + (uint64_t)i, 0 };
        struct answer a;
        double room = (150 + 40.0 * i) * MB;
        assert_true(ask(&leak, room, &a));
        double wave = leak.rhythm * sin(6.283185307179586 * leak.phase);
        double line_s = (room + wave) / leak.per_day * DAY_S;
        if (i % 6 == 0)
            print_message("reached after %.1f h, told %.1f (%.1f to %.1f), its line %.1f h\n",
                          a.truth_s / 3600, a.at_s / 3600, a.low_s / 3600, a.high_s / 3600,
                          line_s / 3600);
        close_to += fabs(a.at_s - a.truth_s) < 2 * 3600; // or it is the top of the next day
        assert_true(a.high_s - a.low_s < 26 * 3600);
        holds += a.low_s <= a.truth_s && a.truth_s <= a.high_s + 60;
    }
    assert_true(holds >= 21 && close_to >= 21);
}

// Of 95 % intervals about 95 % hold the truth.
static void intervals_hold_the_truth(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double days, rhythm, noise, start;
    } kinds[] = {
        { "a line, a day", 1, 0, 5 * MB, 0 },
        { "a line, four days", 4, 0, 15 * MB, 0 },
        { "under a rhythm, a day", 1, 35 * MB, 1.5 * MB, 0 },
        { "under a rhythm, two days", 2, 70 * MB, 6 * MB, 0 },
        { "under a rhythm, a week", 7, 60 * MB, 10 * MB, 0 },
        { "after a warm-up, a day", 1, 0, 1.5 * MB, 80 * MB },
        { "after a warm-up, four days", 4, 0, 12 * MB, 250 * MB },
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        unsigned n = 0, holds = 0;
        struct gen_random random = { 99 + k };
        for (unsigned i = 0; i < 60; i++) {
            struct leak leak = { kinds[k].days,        100 * MB,
                                 kinds[k].rhythm,      kinds[k].noise,
                                 gen_uniform(&random), 1000 * k + i,
                                 kinds[k].start };
            struct answer a;
            if (!ask(&leak, kinds[k].days * 100 * MB * (0.5 + 3 * gen_uniform(&random)), &a))
                continue;
            n++;
            holds += a.low_s <= a.truth_s && a.truth_s <= a.high_s + 60;
        }
        print_message("%s: %u of %u intervals hold\n", kinds[k].name, holds, n);
        assert_true(n >= 54);
        assert_true(holds >= 0.87 * n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rhythm_is_followed_to_the_limit),
        cmocka_unit_test(intervals_hold_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
