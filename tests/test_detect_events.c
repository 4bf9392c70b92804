// SPDX-License-Identifier: MIT
// Findings from what Windows itself noticed.
#include "testkit.h"

#include "base/time.h"
#include "detect/detect.h"
#include "series_gen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define T0 INT64_C(1772366400000000000) // 2026-03-01T12:00:00Z
#define S INT64_C(1000000000)
#define MIB 1048576.0
#define DETECTOR "Microsoft-Windows-Resource-Exhaustion-Detector"

static struct seep_field *fields_of(struct seep_event *event)
{
    // The generator's own arrays; the event shows them as constant.
    struct seep_field *fields;
    memcpy(&fields, &event->fields, sizeof fields);
    return fields;
}

static struct seep_field number(const char *path, double value)
{
    return (struct seep_field){ path, SEEP_FIELD_UINT, { .uint = (uint64_t)value } };
}

static struct seep_field text(const char *path, const char *value)
{
    return (struct seep_field){ path, SEEP_FIELD_TEXT, { .text = value } };
}

// One event 2004 with a leader and a second process.
static void exhaustion(struct gen_data *gen, struct seep_machine_id m, int64_t t_ns, double charge,
                       const char *image, uint32_t pid, double commit)
{
#define P "MemoryExhaustionInfo/"
    struct seep_event *e = gen_event(gen, m, t_ns, DETECTOR, 2004, 13);
    struct seep_field *f = fields_of(e);
    f[0] = number(P "SystemInfo/SystemCommitLimit", 40e9);
    f[1] = number(P "SystemInfo/SystemCommitCharge", charge);
    f[2] = text(P "ProcessInfo/Process_1/Name", image);
    f[3] = number(P "ProcessInfo/Process_1/ID", pid);
    f[4] = (struct seep_field){ P "ProcessInfo/Process_1/CreationTime",
                                SEEP_FIELD_TIME,
                                { .time_ns = T0 - 3600 * S } };
    f[5] = number(P "ProcessInfo/Process_1/CommitCharge", commit);
    f[6] = text(P "ProcessInfo/Process_2/Name", "MsMpEng.exe");
    f[7] = number(P "ProcessInfo/Process_2/ID", 4036);
    f[8] = number(P "ProcessInfo/Process_2/CommitCharge", 325e6);
    f[9] = text(P "ProcessInfo/Process_3/Name", "");
    f[10] = number(P "ProcessInfo/Process_3/ID", 0);
    f[11] = number(P "ProcessInfo/Process_3/CommitCharge", 0);
    f[12] = number(P "SystemInfo/Processes", 142);
#undef P
}

static void radar(struct gen_data *gen, struct seep_machine_id m, int64_t t_ns, const char *name,
                  const char *image)
{
    struct seep_event *e = gen_event(gen, m, t_ns, "Windows Error Reporting", 1001, 7);
    const char *const values[] = {
        "1558037469283901116", "5", name, "Not available", "0", image, "0.0.0.0"
    };
    for (size_t i = 0; i < 7; i++)
        fields_of(e)[i] = text("Data", values[i]);
}

static struct seep_judgement judge(struct gen_data *gen)
{
    struct seep_judgement judgement = { 0 };
    struct seep_err err;
    if (!seep_detect(gen_finish(gen), NULL, NULL, &judgement, &err))
        fail_msg("%s", err.what);
    return judgement;
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
    return false;
}

static void one_exhaustion_event_is_a_hint(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    exhaustion(&gen, m, T0, 39e9, "rustc.exe", 11372, 1446383616);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.verdict, SEEP_VERDICT_SUSPECT);
    assert_int_equal(j.n_findings, 1);
    const struct seep_finding *f = &j.findings[0];
    assert_string_equal(f->id, "private-data/rustc.exe:11372");
    assert_true(f->start_ns == T0 - 3600 * S);
    assert_true(f->evidence[0].time_ns == T0 && f->evidence[0].source.v == 1 &&
                f->evidence[0].offset == 4096);
    assert_true(has_text(f, "1.35 GB of it by rustc.exe"));
    assert_true(isnan(f->q) && !f->rate.known);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void rising_exhaustion_events_are_a_trend(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 5; n++) {
        struct gen_data gen;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        for (unsigned i = 0; i < n; i++)
            exhaustion(&gen, m, T0 + i * 600 * S, 36e9 + 0.6e9 * i, "leaky.exe", 1948,
                       10e9 + 0.5e9 * i);
        struct seep_judgement j = judge(&gen);
        assert_int_equal(j.n_findings, 1);
        const struct seep_finding *f = &j.findings[0];
        assert_int_equal(f->verdict, n >= 3 ? SEEP_VERDICT_LEAKING : SEEP_VERDICT_SUSPECT);
        assert_true(f->rate.known == (n >= 3));
        if (n >= 3) {
            assert_true(fabs(f->rate.value / (0.5e9 / 600) - 1) < 1e-9);
            assert_true(has_text(f, "held more in each of") && has_text(f, "samples"));
            assert_true(fabs(f->share - 0.5 / 0.6) < 1e-9);
            assert_string_equal(f->exhaustion.limit, "commit");
        }
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
    // A process that shrank in between proves nothing.
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    const double sizes[] = { 10e9, 11e9, 9e9, 9.5e9 };
    for (unsigned i = 0; i < 4; i++)
        exhaustion(&gen, m, T0 + i * 600 * S, 39e9, "big.exe", 7, sizes[i]);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.verdict, SEEP_VERDICT_SUSPECT);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void windows_leak_detector_is_heard(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    radar(&gen, m, T0, "RADAR_PRE_LEAK_64", "rust-analyzer.exe");
    radar(&gen, m, T0 + 900 * S, "RADAR_PRE_LEAK_64", "rust-analyzer.exe");
    radar(&gen, m, T0 + 901 * S, "APPCRASH", "other.exe");
    struct seep_event *named = gen_event(&gen, m, T0 + 902 * S, "Windows Error Reporting", 1001, 3);
    fields_of(named)[0] = text("EventName", "RADAR_PRE_LEAK_WOW64");
    fields_of(named)[1] = text("P1", "old & $(x).exe");
    fields_of(named)[2] = text("P2", "1.2.3.4");
    struct seep_event *trap = gen_event(&gen, m, T0 + 903 * S, "Windows Error Reporting", 1001, 2);
    fields_of(trap)[0] = text("EventName", "APPCRASH");
    fields_of(trap)[1] = text("P1", "RADAR_PRE_LEAK_64");
    struct seep_event *bug = gen_event(&gen, m, T0 + 904 * S, "BugCheck", 1001, 1);
    fields_of(bug)[0] = text("param2", "RADAR_PRE_LEAK_64");
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.n_findings, 2);
    assert_string_equal(j.findings[0].id, "private-data/old & $(x).exe");
    assert_string_equal(j.findings[0].next[0], "seep record -i 10s -d 1h");
    assert_string_equal(j.findings[1].id, "private-data/rust-analyzer.exe");
    assert_int_equal(j.findings[1].n_evidence, 2);
    assert_int_equal(j.findings[1].verdict, SEEP_VERDICT_SUSPECT);
    assert_false(j.findings[1].has_pid);
    // Without a PID the image is named, where a shell cannot take it for anything else.
    assert_string_equal(j.findings[1].next[0], "seep record --name rust-analyzer.exe -i 10s -d 1h");
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void events_join_what_the_samples_say(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    struct seep_process_id p =
        gen_process(&gen, m, "leaky", 1948, T0 - 3600 * S); // as Perfmon names
    struct gen_spec s = { .family = GEN_LEAK,
                          .seed = 3,
                          .start_ns = T0,
                          .tick_s = 60,
                          .n = 240,
                          .level = 60 * MIB,
                          .noise = MIB,
                          .growth = 300 * MIB };
    gen_series(&s, gen_points(&gen, gen_add(&gen, m, SEEP_SUBJECT_PROCESS, p, NULL,
                                            SEEP_METRIC_PRIVATE_BYTES)));
    exhaustion(&gen, m, T0 + 14000 * S, 39e9, "leaky.exe", 1948, 350 * MIB);
    radar(&gen, m, T0 + 14001 * S, "RADAR_PRE_LEAK_64", "Leaky.exe");
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.n_findings, 1);
    assert_int_equal(j.findings[0].verdict, SEEP_VERDICT_LEAKING);
    assert_true(has_text(&j.findings[0], "event 2004") &&
                has_text(&j.findings[0], "RADAR_PRE_LEAK"));
    assert_true(has_text(&j.findings[0], "the floor rose"));
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void empty_pools_accuse_the_machine(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    for (unsigned i = 0; i < 3; i++)
        (void)gen_event(&gen, m, T0 + i * S, i ? "Srv" : "srv", 2019, 0);
    (void)gen_event(&gen, m, T0 + 9 * S, "srv", 2020, 0);
    (void)gen_event(&gen, m, T0 + 10 * S, "srvnet", 2019, 0);
    (void)gen_event(&gen, m, T0 + 11 * S, "Microsoft-Windows-Setup", 2004, 0);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.n_findings, 2);
    assert_string_equal(j.findings[0].id, "nonpaged-pool/machine");
    assert_int_equal(j.findings[0].n_evidence, 3);
    assert_string_equal(j.findings[1].id, "paged-pool/machine");
    assert_string_equal(j.findings[1].next[0], "seep record -i 10s -d 1h");
    assert_int_equal(j.verdict, SEEP_VERDICT_SUSPECT);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void a_flood_of_events_stays_bounded(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    static char images[20000][16];
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(images[i], sizeof images[i], "p%u.exe", i);
        exhaustion(&gen, m, T0 + i * S, 39e9, images[i], i + 1, 1e9);
        radar(&gen, m, T0 + i * S, "RADAR_PRE_LEAK_64", images[i]);
    }
    struct seep_judgement j = judge(&gen);
    assert_int_equal(j.verdict, SEEP_VERDICT_SUSPECT);
    assert_true(j.n_findings <= 1024);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_exhaustion_event_is_a_hint),
        cmocka_unit_test(rising_exhaustion_events_are_a_trend),
        cmocka_unit_test(windows_leak_detector_is_heard),
        cmocka_unit_test(events_join_what_the_samples_say),
        cmocka_unit_test(empty_pools_accuse_the_machine),
        cmocka_unit_test(a_flood_of_events_stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
