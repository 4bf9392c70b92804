// SPDX-License-Identifier: MIT
// The profile: what is the same in several files, and what a frame lies in.
#include "model/profile.h"
#include "testkit.h"

#include "base/time.h"

#define S SEEP_NS_PER_S

struct moment {
    struct seep_profile *p;
    struct seep_process_id process;
    struct seep_stack_id stack;
};

// Begins a file with one process, one module at `base`, and a stack of two frames in it.
static struct moment begin(struct seep_profile *p, const char *image, uint32_t pid, uint64_t base)
{
    struct moment m = { .p = p };
    struct seep_process process = { .pid = pid,
                                    .has_pid = true,
                                    .start_ns = SEEP_NO_TIME,
                                    .end_ns = SEEP_NO_TIME,
                                    .image = image };
    assert_true(seep_profile_begin(p));
    assert_true(seep_sink_process(&p->sink, &process, &m.process));
    struct seep_module module = {
        .process = m.process, .base = base, .size_bytes = 0x10000, .identity = { .name = "App.exe" }
    };
    assert_true(seep_sink_module(&p->sink, &module));
    struct seep_frame outer = { .address = base + 0x100, .module_base = base };
    struct seep_frame inner = { .address = base + 0x200, .module_base = base };
    assert_true(seep_sink_stack(&p->sink, m.stack, &outer, &m.stack));
    assert_true(seep_sink_stack(&p->sink, m.stack, &inner, &m.stack));
    return m;
}

static void add_site(const struct moment *m, const char *name, uint64_t heap, uint64_t bytes)
{
    struct seep_site site = { .process = m->process,
                              .kind = SEEP_SITE_HEAP,
                              .name = name,
                              .heap = heap,
                              .stack = m->stack,
                              .allocs = bytes / 8,
                              .outstanding_bytes = bytes,
                              .outstanding_count = bytes / 8,
                              .oldest_ns = SEEP_NO_TIME };
    assert_true(seep_sink_site(&m->p->sink, &site));
}

static void equal_frames_of_two_loads_are_one_row(void **state)
{
    struct seep_profile p;
    struct seep_profile_sums sums;
    (void)state;
    seep_profile_init(&p);
    struct moment old = begin(&p, "app.exe", 7, 0x400000);
    add_site(&old, NULL, 0x10000, 80);
    struct moment new_ = begin(&p, "APP.exe", 9, 0x7f0000);
    add_site(&new_, NULL, 0x20000, 240);
    assert_true(seep_profile_finish(&p));
    assert_int_equal(p.n_rows, 1);
    assert_false(p.subjects[p.rows[0].subject].same_life);
    assert_non_null(seep_profile_sum(&p, 0, 0, &sums));
    assert_int_equal(sums.outstanding_bytes, 80);
    assert_non_null(seep_profile_sum(&p, 0, 1, &sums));
    assert_int_equal(sums.outstanding_bytes, 240);
    assert_int_equal(p.subjects[p.rows[0].subject].newest + 1, new_.process.v);
    seep_profile_clear(&p);
}

static void heaps_of_one_life_are_told_apart(void **state)
{
    struct seep_profile p;
    (void)state;
    seep_profile_init(&p);
    struct moment old = begin(&p, "app.exe", 7, 0x400000);
    add_site(&old, NULL, 0x10000, 80);
    add_site(&old, NULL, 0x20000, 8);
    struct moment new_ = begin(&p, "app.exe", 7, 0x400000);
    add_site(&new_, NULL, 0x20000, 16);
    assert_true(seep_profile_finish(&p));
    assert_int_equal(p.n_rows, 2);
    assert_int_equal(p.sites[1].row, p.sites[2].row);
    assert_int_not_equal(p.sites[0].row, p.sites[2].row);
    seep_profile_clear(&p);
}

static void a_name_tells_equal_looks_apart(void **state)
{
    struct seep_profile p;
    struct seep_profile_sums sums;
    (void)state;
    seep_profile_init(&p);
    struct moment old = begin(&p, "app.exe", 7, 0x400000);
    add_site(&old, "one", 0, 80);
    add_site(&old, "two", 0, 8);
    struct moment new_ = begin(&p, "app.exe", 7, 0x400000);
    add_site(&new_, "two", 0, 16);
    struct moment last = begin(&p, "app.exe", 7, 0x400000);
    add_site(&last, NULL, 0, 4); // too small to be named there
    assert_true(seep_profile_finish(&p));
    assert_int_equal(p.n_rows, 2);
    assert_int_equal(p.sites[1].row, p.sites[2].row);
    assert_int_equal(p.sites[0].row, p.sites[3].row);
    assert_null(seep_profile_sum(&p, p.sites[0].row, 1, &sums));
    seep_profile_clear(&p);
}

static void two_processes_of_an_image_are_known_by_pid(void **state)
{
    struct seep_profile p;
    (void)state;
    seep_profile_init(&p);
    struct moment one = begin(&p, "app.exe", 7, 0x400000);
    add_site(&one, NULL, 0, 80);
    struct seep_process second = { .pid = 8,
                                   .has_pid = true,
                                   .start_ns = SEEP_NO_TIME,
                                   .end_ns = SEEP_NO_TIME,
                                   .image = "app.exe" };
    struct moment two = one;
    assert_true(seep_sink_process(&p.sink, &second, &two.process));
    add_site(&two, NULL, 0, 16);
    struct moment later = begin(&p, "app.exe", 8, 0x400000);
    // The module is of the first file's other process: the frames are only addresses to this one.
    add_site(&later, NULL, 0, 24);
    assert_true(seep_profile_finish(&p));
    assert_int_equal(p.processes[two.process.v - 1].subject,
                     p.processes[later.process.v - 1].subject);
    assert_int_not_equal(p.processes[one.process.v - 1].subject,
                         p.processes[later.process.v - 1].subject);
    seep_profile_clear(&p);
}

static void two_images_at_one_place_are_no_module(void **state)
{
    struct seep_profile p;
    (void)state;
    seep_profile_init(&p);
    struct moment m = begin(&p, "app.exe", 7, 0x400000);
    struct seep_module other = { .process = m.process,
                                 .base = 0x500000,
                                 .size_bytes = 0x1000,
                                 .identity = { .name = "a.dll" } };
    struct seep_module there = other;
    assert_true(seep_sink_module(&p.sink, &other));
    there.identity.name = "b.dll";
    there.unloaded = true;
    assert_true(seep_sink_module(&p.sink, &there));
    assert_true(seep_profile_finish(&p));
    struct seep_frame frame = { .address = 0x500010, .module_base = 0x500000 };
    assert_null(seep_profile_module(&p, m.process.v, &frame));
    frame = (struct seep_frame){ .address = 0x40ffff, .module_base = 0x400000 };
    const struct seep_module *module = seep_profile_module(&p, m.process.v, &frame);
    assert_non_null(module);
    assert_string_equal(module->identity.name, "App.exe");
    frame.address = 0x410000; // one behind its end
    assert_null(seep_profile_module(&p, m.process.v, &frame));
    seep_profile_clear(&p);
}

static void growth_comes_from_series_or_else_from_the_moments(void **state)
{
    struct seep_profile p;
    struct seep_points points = { 0 };
    (void)state;
    seep_profile_init(&p);
    struct moment one = begin(&p, "app.exe", 7, 0x400000);
    struct seep_machine_id machine = { 0 };
    struct seep_series_id series;
    add_site(&one, "s", 0, 80);
    struct seep_series s = {
        .subject = { .kind = SEEP_SUBJECT_SITE, .process = one.process, .name = "s" },
        .metric = SEEP_METRIC_OUTSTANDING_BYTES
    };
    assert_true(seep_sink_series(&p.sink, &s, &series));
    for (int i = 1; i <= 2; i++) {
        assert_true(seep_sink_tick(&p.sink, machine, i * S));
        assert_true(seep_sink_sample(&p.sink, series, 40.0 * i));
    }
    struct moment two = begin(&p, "app.exe", 7, 0x400000);
    assert_true(seep_sink_tick(&p.sink, machine, 9 * S));
    add_site(&two, "s", 0, 96);
    assert_true(seep_profile_finish(&p));
    assert_int_equal(p.n_rows, 1);
    assert_true(seep_profile_points(&p, 0, &points));
    assert_int_equal(points.count, 3);
    assert_true(points.at[1].t_ns == 2 * S && points.at[1].value == 80);
    assert_true(points.at[2].t_ns == 9 * S && points.at[2].value == 96);
    seep_points_clear(&points);
    seep_profile_clear(&p);
}

static void ids_that_were_never_handed_out_are_the_kernel(void **state)
{
    struct seep_profile p;
    (void)state;
    seep_profile_init(&p);
    struct moment m = begin(&p, "app.exe", 7, 0x400000);
    m.process.v = 4711;
    m.stack.v = 4711;
    add_site(&m, NULL, 0, 8);
    assert_true(seep_profile_finish(&p));
    assert_int_equal(p.sites[0].site.process.v, p.moments[0].kernel);
    assert_int_equal(p.sites[0].site.stack.v, 0);
    seep_profile_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_frames_of_two_loads_are_one_row),
        cmocka_unit_test(heaps_of_one_life_are_told_apart),
        cmocka_unit_test(a_name_tells_equal_looks_apart),
        cmocka_unit_test(two_processes_of_an_image_are_known_by_pid),
        cmocka_unit_test(two_images_at_one_place_are_no_module),
        cmocka_unit_test(growth_comes_from_series_or_else_from_the_moments),
        cmocka_unit_test(ids_that_were_never_handed_out_are_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
