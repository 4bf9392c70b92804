// SPDX-License-Identifier: MIT
// Tests of allocation sites in a case, and of their judgement.
#include "testkit.h"

#include "base/time.h"
#include "case/case.h"
#include "detect/detect.h"
#include "model/profile.h"

#include <string.h>

#define START_NS (INT64_C(1700000000) * SEEP_NS_PER_S)

static struct seep_case *open_temporary(void)
{
    struct seep_case *c = NULL;
    assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &c, NULL));
    return c;
}

// What the sites of a trace are: one that grows from `slope` bytes a second, one that is constant.
struct story {
    double slope;
    bool lossy;
    double private_slope; // of the process itself; 0 = it has no series
    enum seep_site_kind kind;
    const char *tag;
};

static void put_trace(struct seep_case *c, const struct story *story)
{
    struct seep_sink *sink = NULL;
    struct seep_machine machine = { .host = "SRV01", .boot_ns = SEEP_NO_TIME };
    struct seep_machine_id m;
    struct seep_process_id p;
    struct seep_series_id series[3];
    assert_true(seep_case_begin_source(c, "heap.etl", "etl", 10, SEEP_CASE_IMPORT, &sink, NULL));
    assert_true(seep_sink_machine(sink, &machine, &m));
    struct seep_process process = { .machine = m,
                                    .pid = 42,
                                    .has_pid = true,
                                    .start_ns = START_NS,
                                    .end_ns = SEEP_NO_TIME,
                                    .image = "app.exe" };
    assert_true(seep_sink_process(sink, &process, &p));
    struct seep_module module = {
        .process = p, .base = 0x400000, .size_bytes = 0x1000, .identity = { .name = "app.exe" }
    };
    assert_true(seep_sink_module(sink, &module));
    module.process.v = 0;
    module.base = 0xfffff80000000000u;
    module.identity.name = "drv.sys";
    assert_true(seep_sink_module(sink, &module));
    struct seep_stack_id outer = { 0 }, inner = { 0 };
    struct seep_frame frame = { .address = 0x400100, .module_base = 0x400000 };
    assert_true(seep_sink_stack(sink, outer, &frame, &outer));
    frame.address = 0x400200;
    assert_true(seep_sink_stack(sink, outer, &frame, &inner));
    const char *const names[] = { "one 1", "one 2" };
    for (int i = 0; i < 2; i++) {
        struct seep_site site = { .process = p,
                                  .kind = story->kind,
                                  .name = names[i],
                                  .heap = 0x10000,
                                  .tag = story->tag,
                                  .stack = i ? outer : inner,
                                  .allocs = 100,
                                  .outstanding_count = 50,
                                  .outstanding_bytes = UINT64_C(1) << 40,
                                  .survivor_count = UINT64_MAX,
                                  .survivor_bytes = UINT64_MAX,
                                  .overhead_bytes = 7,
                                  .oldest_ns = START_NS };
        assert_true(seep_sink_site(sink, &site));
        struct seep_series s = {
            .subject = { .kind = SEEP_SUBJECT_SITE, .machine = m, .process = p, .name = names[i] },
            .metric = seep_profile_metric(story->kind)
        };
        assert_true(seep_sink_series(sink, &s, &series[i]));
    }
    struct seep_site_frees frees = {
        .kind = SEEP_SITE_POOL, .stack = outer, .frees = 3, .unmatched = true
    };
    assert_true(seep_sink_site_frees(sink, &frees));
    struct seep_series own = {
        .subject = { .kind = SEEP_SUBJECT_PROCESS, .machine = m, .process = p },
        .metric = SEEP_METRIC_PRIVATE_BYTES,
        .counter = "private"
    };
    if (story->private_slope > 0)
        assert_true(seep_sink_series(sink, &own, &series[2]));
    for (int i = 0; i < 64; i++) {
        assert_true(seep_sink_tick(sink, m, START_NS + i * 60 * SEEP_NS_PER_S));
        double noise = (i * 37 % 11) * 100.0;
        assert_true(seep_sink_sample(sink, series[0],
                                     1e5 + story->slope * i * 60 + (story->slope > 1 ? noise : 0)));
        assert_true(seep_sink_sample(sink, series[1], 5e5 + noise));
        if (story->private_slope > 0)
            assert_true(
                seep_sink_sample(sink, series[2], 5e6 + story->private_slope * i * 60 + noise));
    }
    if (story->lossy)
        assert_true(seep_sink_lose(sink, "lost-events", 7, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                                   "events that the session lost: 7"));
    struct seep_err err = { 0 };
    if (!seep_case_end_source(c, SEEP_OK, 10, &err))
        fail_msg("%s", err.what);
}

static bool blame(void *ctx, size_t index, struct seep_buf *function, struct seep_buf *stack)
{
    (void)ctx;
    seep_buf_addf(function, "app.exe!leak%zu", index);
    seep_buf_adds(stack, "app.exe!leak < app.exe!main");
    return true;
}

static struct seep_judgement judge(struct seep_case *c)
{
    struct seep_dataset data;
    struct seep_judgement judgement = { .n_findings = 0 };
    struct seep_detect_options options = { .since_ns = SEEP_NO_TIME, .until_ns = SEEP_NO_TIME };
    assert_true(seep_case_dataset(c, &data, NULL));
    data.blame = blame;
    assert_true(seep_detect(&data, &options, NULL, &judgement, NULL));
    assert_true(judgement.n_findings > 0);
    return judgement;
}

static void sites_come_back_and_are_copied(void **state)
{
    struct seep_case *c = open_temporary(), *copy = open_temporary();
    struct seep_sink *sink = NULL;
    struct seep_profile profile;
    (void)state;
    put_trace(c, &(struct story){ .slope = 100 });
    // A second source of the same case: its stacks are rows of their own.
    put_trace(c, &(struct story){ .slope = 100, .kind = SEEP_SITE_POOL, .tag = "Leak" });
    assert_true(seep_case_begin_source(copy, "x.seep", "seep", 1, SEEP_CASE_IMPORT, &sink, NULL));
    assert_int_equal(seep_case_copy(c, sink, NULL, NULL), SEEP_OK);
    assert_true(seep_case_end_source(copy, SEEP_OK, 1, NULL));
    struct seep_case *const both[] = { c, copy };
    for (int i = 0; i < 2; i++) {
        struct seep_dataset data;
        struct seep_err err = { 0 };
        assert_true(seep_case_dataset(both[i], &data, NULL));
        assert_int_equal(data.n_sites, 4);
        assert_string_equal(data.sites[3].site.tag, "Leak");
        assert_int_equal(data.sites[0].row, 0);
        seep_profile_init(&profile);
        assert_true(seep_profile_begin(&profile));
        if (!seep_case_push_sites(both[i], &profile.sink, &err))
            fail_msg("%s", err.what);
        assert_true(seep_profile_finish(&profile));
        assert_int_equal(profile.n_sites, 4);
        assert_int_equal(profile.n_frees, 2);
        assert_true(profile.frees[0].unmatched);
        const struct seep_site *site = &profile.sites[2].site;
        assert_int_equal(site->kind, SEEP_SITE_POOL);
        assert_true(site->outstanding_bytes == UINT64_C(1) << 40);
        assert_int_equal(site->overhead_bytes, 7);
        assert_true(site->survivor_bytes == UINT64_MAX);
        const struct seep_stack_node *node = seep_stacks_node(&profile.stacks, site->stack);
        assert_non_null(node);
        assert_int_equal(node->frame.address, 0x400200);
        assert_int_equal(node->depth, 2);
        const struct seep_module *m = seep_profile_module(&profile, site->process.v, &node->frame);
        assert_non_null(m);
        assert_string_equal(m->identity.name, "app.exe");
        struct seep_frame kernel = { .address = 0xfffff80000000010u,
                                     .module_base = 0xfffff80000000000u };
        m = seep_profile_module(&profile, site->process.v, &kernel);
        assert_non_null(m);
        assert_string_equal(m->identity.name, "drv.sys");
        seep_profile_clear(&profile);
    }
    seep_case_close(c);
    seep_case_close(copy);
}

static void the_site_that_grows_leaks(void **state)
{
    struct seep_case *c = open_temporary();
    (void)state;
    put_trace(c, &(struct story){ .slope = 1000 });
    struct seep_judgement j = judge(c);
    assert_int_equal(j.verdict, SEEP_VERDICT_LEAKING);
    assert_int_equal(j.findings[0].subject, SEEP_SUBJECT_SITE);
    assert_int_equal(j.findings[0].class_, SEEP_CLASS_HEAP);
    assert_string_equal(j.findings[0].name, "app.exe!leak0");
    assert_string_equal(j.findings[0].id, "heap/app.exe:42/one 1");
    assert_true(j.findings[0].rate.value > 990 && j.findings[0].rate.value < 1010);
    for (size_t i = 1; i < j.n_findings; i++) {
        if (j.findings[i].verdict != SEEP_VERDICT_STEADY)
            fail_msg("%s is %s: %s", j.findings[i].id, seep_verdict_name(j.findings[i].verdict),
                     j.findings[i].n_caveats ? j.findings[i].caveats[0] : "");
    }
    seep_judgement_clear(&j);
    seep_case_close(c);
}

static void lost_events_make_it_a_suspicion(void **state)
{
    struct seep_case *c = open_temporary();
    (void)state;
    put_trace(c, &(struct story){ .slope = 1000, .lossy = true });
    struct seep_judgement j = judge(c);
    assert_int_equal(j.verdict, SEEP_VERDICT_SUSPECT);
    bool said = false;
    for (size_t i = 0; i < j.findings[0].n_caveats; i++)
        said = said || strstr(j.findings[0].caveats[i], "lost events");
    assert_true(said);
    seep_judgement_clear(&j);
    seep_case_close(c);
}

static void a_site_explains_its_process(void **state)
{
    struct seep_case *c = open_temporary();
    (void)state;
    put_trace(c, &(struct story){ .slope = 1000, .private_slope = 1300 });
    struct seep_judgement j = judge(c);
    assert_int_equal(j.findings[0].subject, SEEP_SUBJECT_SITE);
    assert_int_equal(j.findings[0].verdict, SEEP_VERDICT_LEAKING);
    for (size_t i = 1; i < j.n_findings; i++)
        assert_int_equal(j.findings[i].verdict, SEEP_VERDICT_STEADY);
    seep_judgement_clear(&j);
    seep_case_close(c);

    // But not where the process grew by far more.
    c = open_temporary();
    put_trace(c, &(struct story){ .slope = 1000, .private_slope = 5000 });
    j = judge(c);
    size_t n_leaking = 0;
    for (size_t i = 0; i < j.n_findings; i++)
        n_leaking += j.findings[i].verdict == SEEP_VERDICT_LEAKING;
    assert_int_equal(n_leaking, 2);
    seep_judgement_clear(&j);
    seep_case_close(c);
}

static void the_class_is_that_of_what_leaks(void **state)
{
    static const struct {
        enum seep_site_kind kind;
        enum seep_class class_;
    } rows[] = {
        { SEEP_SITE_VIRTUAL, SEEP_CLASS_PRIVATE_DATA },
        { SEEP_SITE_POOL, SEEP_CLASS_NONPAGED_POOL },
        { SEEP_SITE_HANDLE, SEEP_CLASS_HANDLES },
        { SEEP_SITE_REFERENCE, SEEP_CLASS_HANDLES },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seep_case *c = open_temporary();
        put_trace(c, &(struct story){ .slope = 1000, .kind = rows[i].kind, .tag = "Leak" });
        struct seep_judgement j = judge(c);
        assert_int_equal(j.verdict, SEEP_VERDICT_LEAKING);
        assert_int_equal(j.findings[0].class_, rows[i].class_);
        seep_judgement_clear(&j);
        seep_case_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_come_back_and_are_copied),
        cmocka_unit_test(the_site_that_grows_leaks),
        cmocka_unit_test(lost_events_make_it_a_suspicion),
        cmocka_unit_test(a_site_explains_its_process),
        cmocka_unit_test(the_class_is_that_of_what_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
