// SPDX-License-Identifier: MIT
// Tests of snapshots in a case: what goes in comes out, once more is not twice, copies keep
// moments.
#include "testkit.h"

#include "base/time.h"
#include "case/case.h"
#include "model/space.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct seep_machine machine = { .host = "SRV01", .boot_ns = SEEP_NO_TIME };

static struct seep_case *open_temporary(void)
{
    struct seep_case *c = NULL;
    assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &c, NULL));
    return c;
}

static struct seep_sink *begin(struct seep_case *c, const char *path)
{
    struct seep_sink *sink = NULL;
    assert_true(seep_case_begin_source(c, path, "minidump", 10, SEEP_CASE_IMPORT, &sink, NULL));
    return sink;
}

static void end(struct seep_case *c)
{
    struct seep_err err = { 0 };
    if (!seep_case_end_source(c, SEEP_OK, 10, &err))
        fail_msg("%s", err.what);
}

// A dump as its source tells it: a process at `t_ns` (SEEP_NO_TIME = no tick), `n` regions, one of
// each other fact, `private_bytes` as the system counts them.
static void put_dump(struct seep_sink *sink, int64_t t_ns, size_t n, double private_bytes)
{
    struct seep_machine_id m;
    struct seep_process_id p, other;
    struct seep_series_id s;
    assert_true(seep_sink_machine(sink, &machine, &m));
    struct seep_process process = { .machine = m,
                                    .pid = 7,
                                    .has_pid = true,
                                    .start_ns = SEEP_NS_PER_S,
                                    .end_ns = SEEP_NO_TIME,
                                    .architecture = "x86",
                                    .wow64 = true,
                                    .image = "app.exe" };
    assert_true(seep_sink_process(sink, &process, &p));
    process.pid = 8;
    process.image = "child.exe";
    assert_true(seep_sink_process(sink, &process, &other));
    struct seep_series series = {
        .subject = { .kind = SEEP_SUBJECT_PROCESS, .machine = m, .process = p },
        .metric = SEEP_METRIC_PRIVATE_BYTES,
        .counter = "private"
    };
    if (t_ns != SEEP_NO_TIME) {
        assert_true(seep_sink_series(sink, &series, &s));
        assert_true(seep_sink_tick(sink, m, t_ns));
        assert_true(seep_sink_sample(sink, s, private_bytes));
    }
    for (size_t i = 0; i < n; i++) {
        struct seep_region r = { .process = p,
                                 .base = UINT64_MAX - 0x10000 * (i + 1),
                                 .size_bytes = 0x1000,
                                 .allocation_base = UINT64_MAX - 0x10000 * (i + 1),
                                 .state = SEEP_STATE_COMMIT,
                                 .type = SEEP_TYPE_PRIVATE,
                                 .usage = i ? SEEP_USAGE_HEAP32 : SEEP_USAGE_UNKNOWN,
                                 .protect = 0x104,
                                 .detail = "x" };
        assert_true(seep_sink_region(sink, &r));
    }
    struct seep_module module = {
        .process = p,
        .base = 0x400000,
        .size_bytes = 0x1000,
        .path = "C:\\app.exe",
        .identity = { .timestamp = 1,
                      .pdb = { .name = "app.pdb", .guid = { 1, 2, 3, 255 }, .age = 2 } }
    };
    assert_true(seep_sink_module(sink, &module));
    module.process.v = 0;
    module.path = "ntoskrnl.exe";
    assert_true(seep_sink_module(sink, &module));
    struct seep_handle handle = { .holder = p, .value = 4, .type = "Process", .target = other };
    assert_true(seep_sink_handle(sink, &handle));
    struct seep_heap heap = { .process = p,
                              .address = 0x500000,
                              .kind = SEEP_HEAP_SEGMENT,
                              .bits = 32,
                              .busy_blocks = 3,
                              .busy_bytes = 72,
                              .free_blocks = SEEP_UNKNOWN_BYTES,
                              .free_bytes = SEEP_UNKNOWN_BYTES,
                              .committed_bytes = 4096,
                              .reserved_bytes = SEEP_UNKNOWN_BYTES };
    assert_true(seep_sink_heap(sink, &heap));
    struct seep_blocks blocks = { .process = p,
                                  .by = SEEP_BLOCKS_UNREACHABLE,
                                  .size_bytes = 24,
                                  .type = "class Foo",
                                  .blocks = 3,
                                  .bytes = 72,
                                  .heads = 2 };
    assert_true(seep_sink_blocks(sink, &blocks));
}

static struct seep_dataset load(struct seep_case *c)
{
    struct seep_dataset data;
    struct seep_err err = { 0 };
    if (!seep_case_dataset(c, &data, &err))
        fail_msg("%s", err.what);
    return data;
}

static void expect_space(const struct seep_dataset *data, size_t index, int64_t t_ns, size_t n,
                         double private_bytes)
{
    struct seep_spaces spaces;
    struct seep_err err = { 0 };
    assert_true(data->snapshots[index].taken_ns == t_ns);
    if (!data->space(data->ctx, index, &spaces, &err))
        fail_msg("%s", err.what);
    assert_int_equal(spaces.n, 1);
    const struct seep_space *s = &spaces.at[0];
    assert_true(s->taken_ns == t_ns);
    assert_string_equal(s->process.image, "app.exe");
    assert_string_equal(s->process.architecture, "x86");
    assert_true(s->process.wow64);
    assert_int_equal(s->n_regions, n);
    assert_true(s->regions[0].base == UINT64_MAX - 0x10000 * n);
    assert_int_equal(s->regions[0].usage, SEEP_USAGE_HEAP32);
    assert_int_equal(s->regions[n - 1].usage, SEEP_USAGE_UNKNOWN);
    assert_int_equal(s->regions[0].state, SEEP_STATE_COMMIT);
    assert_int_equal(s->regions[0].type, SEEP_TYPE_PRIVATE);
    assert_int_equal(s->regions[0].protect, 0x104);
    assert_string_equal(s->regions[0].detail, "x");
    assert_int_equal(s->n_modules, 1);
    assert_string_equal(s->modules[0].path, "C:\\app.exe");
    assert_int_equal(s->modules[0].identity.pdb.guid[3], 255);
    assert_int_equal(s->modules[0].identity.pdb.age, 2);
    assert_int_equal(s->n_handles, 1);
    assert_string_equal(s->handles[0].type, "Process");
    assert_int_equal(data->processes[s->handles[0].target.v - 1].pid, 8);
    assert_int_equal(s->n_heaps, 1);
    assert_int_equal(s->heaps[0].kind, SEEP_HEAP_SEGMENT);
    assert_int_equal(s->heaps[0].bits, 32);
    assert_true(s->heaps[0].free_bytes == SEEP_UNKNOWN_BYTES);
    assert_int_equal(s->heaps[0].committed_bytes, 4096);
    assert_int_equal(s->n_blocks, 1);
    assert_int_equal(s->blocks[0].by, SEEP_BLOCKS_UNREACHABLE);
    assert_string_equal(s->blocks[0].type, "class Foo");
    assert_int_equal(s->blocks[0].heads, 2);
    if (isnan(private_bytes))
        assert_true(isnan(s->counters[SEEP_METRIC_PRIVATE_BYTES]));
    else
        assert_true(s->counters[SEEP_METRIC_PRIVATE_BYTES] == private_bytes);
    seep_spaces_clear(&spaces);
}

// Of app.exe: the kernel's modules make snapshots of their own.
static size_t n_of_processes(const struct seep_dataset *data)
{
    size_t n = 0;
    for (size_t i = 0; i < data->n_snapshots; i++)
        n += data->snapshots[i].process.v != 0;
    return n;
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    struct seep_case *c = open_temporary();
    put_dump(begin(c, "a.dmp"), 100, 20, 1000);
    end(c);
    put_dump(begin(c, "b.dmp"), 200, 30, 2000);
    end(c);
    put_dump(begin(c, "no-time.dmp"), SEEP_NO_TIME, 5, 0);
    end(c);
    struct seep_dataset data = load(c);
    assert_int_equal(n_of_processes(&data), 3);
    assert_int_equal(data.n_snapshots, 6);
    assert_int_equal(data.n_processes, 2);
    expect_space(&data, 0, 100, 20, 1000);
    expect_space(&data, 2, 200, 30, 2000);
    expect_space(&data, 4, SEEP_NO_TIME, 5, (double)NAN);
    struct seep_spaces kernel;
    assert_true(data.space(data.ctx, 1, &kernel, NULL));
    assert_int_equal(kernel.n, 0);
    seep_spaces_clear(&kernel);
    seep_case_close(c);
}

static void a_dump_read_again_takes_its_place(void **state)
{
    (void)state;
    struct seep_case *c = open_temporary();
    put_dump(begin(c, "a.dmp"), 100, 20, 1000);
    end(c);
    put_dump(begin(c, "copy-of-a.dmp"), 100, 21, 1000);
    end(c);
    struct seep_dataset data = load(c);
    assert_int_equal(n_of_processes(&data), 1);
    expect_space(&data, 0, 100, 21, 1000);
    assert_int_equal(data.snapshots[0].source.v, 2);
    seep_case_close(c);
}

static void a_copy_keeps_moments(void **state)
{
    (void)state;
    struct seep_case *a = open_temporary(), *b = open_temporary();
    struct seep_err err = { 0 };
    put_dump(begin(a, "late.dmp"), 300, 4, 3000);
    end(a);
    put_dump(begin(a, "no-time.dmp"), SEEP_NO_TIME, 6, 0);
    end(a);
    put_dump(begin(a, "early.dmp"), 100, 5, 1000);
    end(a);
    struct seep_sink *sink = begin(b, "a.seep");
    assert_int_equal(seep_case_copy(a, sink, NULL, &err), SEEP_OK);
    end(b);
    struct seep_dataset data = load(b);
    assert_int_equal(n_of_processes(&data), 3);
    for (size_t i = 0; i < data.n_snapshots; i++) {
        int64_t t_ns = data.snapshots[i].taken_ns;
        if (!data.snapshots[i].process.v)
            continue;
        if (t_ns == SEEP_NO_TIME)
            expect_space(&data, i, t_ns, 6, (double)NAN);
        else
            expect_space(&data, i, t_ns, t_ns == 300 ? 4 : 5, t_ns == 300 ? 3000 : 1000);
    }
    // Once more changes nothing but what has no time.
    sink = begin(b, "a.seep");
    assert_int_equal(seep_case_copy(a, sink, NULL, &err), SEEP_OK);
    end(b);
    data = load(b);
    assert_int_equal(n_of_processes(&data), 4);
    seep_case_close(a);
    seep_case_close(b);
}

static void facts_before_the_first_tick_have_its_time(void **state)
{
    (void)state;
    struct seep_case *c = open_temporary();
    struct seep_sink *sink = begin(c, "a.dmp");
    struct seep_machine_id m;
    struct seep_process_id p;
    assert_true(seep_sink_machine(sink, &machine, &m));
    struct seep_process process = { .machine = m, .pid = 1, .has_pid = true, .image = "a" };
    assert_true(seep_sink_process(sink, &process, &p));
    struct seep_region r = { .process = p, .base = 1 };
    assert_true(seep_sink_region(sink, &r));
    assert_true(seep_sink_tick(sink, m, 100));
    assert_true(seep_sink_region(sink, &r));
    assert_true(seep_sink_tick(sink, m, 200));
    assert_true(seep_sink_region(sink, &r));
    end(c);
    struct seep_dataset data = load(c);
    assert_int_equal(data.n_snapshots, 2);
    assert_true(data.snapshots[0].taken_ns == 100);
    assert_true(data.snapshots[1].taken_ns == 200);
    struct seep_spaces spaces;
    assert_true(data.space(data.ctx, 0, &spaces, NULL));
    assert_int_equal(spaces.at[0].n_regions, 2);
    seep_spaces_clear(&spaces);
    seep_case_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(a_dump_read_again_takes_its_place),
        cmocka_unit_test(a_copy_keeps_moments),
        cmocka_unit_test(facts_before_the_first_tick_have_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
