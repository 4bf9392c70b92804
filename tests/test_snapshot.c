// SPDX-License-Identifier: MIT
// Tests of what one moment says: healthy processes are left alone, what is odd is suspect and never
// more, two moments show what grew; and of the summary that `seep map` prints.
#include "testkit.h"

#include "base/alloc.h"
#include "base/time.h"
#include "case/case.h"
#include "detect/detect.h"
#include "report/map.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

struct scene {
    struct seep_case *c;
    struct seep_sink *sink;
    struct seep_machine_id machine;
    struct seep_process_id process;
    struct seep_judgement judgement;
};

static void begin(struct scene *scene, const char *path, int64_t t_ns, const char *architecture)
{
    struct seep_machine m = { .host = "SRV01", .boot_ns = SEEP_NO_TIME };
    if (!scene->c)
        assert_true(seep_case_open(NULL, SEEP_CASE_TEMPORARY, &scene->c, NULL));
    assert_true(seep_case_begin_source(scene->c, path, "minidump", 1, SEEP_CASE_IMPORT,
                                       &scene->sink, NULL));
    assert_true(seep_sink_machine(scene->sink, &m, &scene->machine));
    struct seep_process p = { .machine = scene->machine,
                              .pid = 42,
                              .has_pid = true,
                              .start_ns = 7,
                              .end_ns = SEEP_NO_TIME,
                              .architecture = architecture,
                              .image = "app.exe" };
    assert_true(seep_sink_process(scene->sink, &p, &scene->process));
    assert_true(seep_sink_tick(scene->sink, scene->machine, t_ns));
}

static void put(struct scene *scene, uint64_t base, uint64_t size, enum seep_region_state state,
                enum seep_region_type type, enum seep_region_usage usage)
{
    struct seep_region r = { .process = scene->process,
                             .base = base,
                             .size_bytes = size,
                             .allocation_base = base,
                             .state = state,
                             .type = type,
                             .usage = usage,
                             .protect = 4 };
    assert_true(seep_sink_region(scene->sink, &r));
}

// `n` private allocations of one size, a gap of the same size between two.
static void put_many(struct scene *scene, uint64_t base, uint64_t size, size_t n,
                     enum seep_region_state state, enum seep_region_usage usage)
{
    for (size_t i = 0; i < n; i++)
        put(scene, base + 2 * i * size, size, state, SEEP_TYPE_PRIVATE, usage);
}

// A small healthy process: some heap, a stack, an image, free memory.
static void put_small(struct scene *scene)
{
    put(scene, 0x10000, 4 * MIB, SEEP_STATE_COMMIT, SEEP_TYPE_PRIVATE, SEEP_USAGE_HEAP64);
    put(scene, 0x1000000, MIB, SEEP_STATE_COMMIT, SEEP_TYPE_PRIVATE, SEEP_USAGE_STACK64);
    put(scene, 0x2000000, 8 * MIB, SEEP_STATE_COMMIT, SEEP_TYPE_IMAGE, SEEP_USAGE_IMAGE);
    put(scene, 0x3000000, 2 * MIB, SEEP_STATE_COMMIT, SEEP_TYPE_PRIVATE, SEEP_USAGE_UNKNOWN);
    put(scene, 0x40000000, 512 * MIB, SEEP_STATE_FREE, SEEP_TYPE_FREE, SEEP_USAGE_FREE);
}

static void put_heap(struct scene *scene, uint64_t blocks, uint64_t bytes)
{
    struct seep_heap h = { .process = scene->process,
                           .address = 0x10000,
                           .bits = 64,
                           .busy_blocks = blocks,
                           .busy_bytes = bytes,
                           .free_blocks = SEEP_UNKNOWN_BYTES,
                           .free_bytes = SEEP_UNKNOWN_BYTES,
                           .committed_bytes = SEEP_UNKNOWN_BYTES,
                           .reserved_bytes = SEEP_UNKNOWN_BYTES };
    assert_true(seep_sink_heap(scene->sink, &h));
}

static void put_blocks(struct scene *scene, enum seep_blocks_by by, const char *type,
                       uint64_t blocks, uint64_t bytes)
{
    struct seep_blocks b = { .process = scene->process,
                             .by = by,
                             .size_bytes = bytes / blocks,
                             .type = type,
                             .blocks = blocks,
                             .bytes = bytes };
    assert_true(seep_sink_blocks(scene->sink, &b));
}

static void put_handles(struct scene *scene, size_t n, const char *type)
{
    for (size_t i = 0; i < n; i++) {
        struct seep_handle h = { .holder = scene->process, .value = 4 * (i + 1), .type = type };
        assert_true(seep_sink_handle(scene->sink, &h));
    }
}

static void end(struct scene *scene)
{
    assert_true(seep_case_end_source(scene->c, SEEP_OK, 1, NULL));
}

static void judge(struct scene *scene)
{
    struct seep_dataset data;
    struct seep_err err = { 0 };
    struct seep_detect_options options = { SEEP_NO_TIME, SEEP_NO_TIME, NULL, 0 };
    assert_true(seep_case_dataset(scene->c, &data, &err));
    if (!seep_detect(&data, &options, NULL, &scene->judgement, &err))
        fail_msg("%s", err.what);
    for (size_t i = 0; i < scene->judgement.n_findings; i++)
        assert_true(scene->judgement.findings[i].verdict < SEEP_VERDICT_LEAKING);
}

static void clear(struct scene *scene)
{
    seep_judgement_clear(&scene->judgement);
    seep_case_close(scene->c);
}

// The finding of a class; fails where there is none.
static const struct seep_finding *found(const struct scene *scene, enum seep_class class_)
{
    for (size_t i = 0; i < scene->judgement.n_findings; i++) {
        if (scene->judgement.findings[i].class_ == class_)
            return &scene->judgement.findings[i];
    }
    fail_msg("no finding of class %s", seep_class_name(class_));
    return NULL;
}

static void expect_evidence(const struct seep_finding *f, const char *part)
{
    for (size_t i = 0; i < f->n_evidence; i++) {
        if (strstr(f->evidence[i].text, part))
            return;
    }
    fail_msg("no evidence with \"%s\"; the first is \"%s\"", part,
             f->n_evidence ? f->evidence[0].text : "");
}

static void expect_suspect(const struct scene *scene, enum seep_class class_, const char *part)
{
    const struct seep_finding *f = found(scene, class_);
    assert_int_equal(f->verdict, SEEP_VERDICT_SUSPECT);
    assert_string_equal(f->name, "app.exe");
    assert_int_equal(f->pid, 42);
    assert_true(f->n_caveats > 0 && f->n_next > 0);
    assert_non_null(f->gist);
    expect_evidence(f, part);
}

static void a_healthy_process_is_left_alone(void **state)
{
    (void)state;
    struct scene scene = { .c = NULL };
    begin(&scene, "a.dmp", 1000, "x64");
    put_small(&scene);
    put_heap(&scene, 900, MIB);
    // A third of a small heap of one size and a few lost blocks are what any program has.
    put_blocks(&scene, SEEP_BLOCKS_BY_SIZE, NULL, 800, 900000);
    put_blocks(&scene, SEEP_BLOCKS_UNREACHABLE, NULL, 90, 90000);
    put_handles(&scene, 900, "Event");
    end(&scene);
    judge(&scene);
    assert_int_equal(scene.judgement.verdict, SEEP_VERDICT_UNKNOWN);
    assert_int_equal(scene.judgement.n_findings, 1);
    const struct seep_finding *f = found(&scene, SEEP_CLASS_HEAP); // where most of it is
    expect_evidence(f, "committed: 7.00 MB private (heaps 4.00 MB, stacks 1.00 MB, other");
    assert_string_equal(f->caveats[0], "one moment cannot show growth");
    assert_string_equal(f->next[0], "seep heap a.dmp");
    assert_string_equal(f->gist, "7.00 MB private, most of it heaps (4.00 MB)");
    clear(&scene);
}

static void the_gist_names_what_most_of_it_is(void **state)
{
    (void)state;
    struct scene scene = { .c = NULL };
    begin(&scene, "a.dmp", 1000, "x64");
    put_small(&scene);
    put_many(&scene, 0x2000000000, 0x100000, 300, SEEP_STATE_COMMIT, SEEP_USAGE_STACK64);
    end(&scene);
    judge(&scene);
    const struct seep_finding *f = found(&scene, SEEP_CLASS_THREADS);
    assert_string_equal(f->gist, "307 MB private, most of it stacks of 301 threads (301 MB)");
    clear(&scene);
    // No heap among the regions: the PEB was not in the dump.
    scene = (struct scene){ .c = NULL };
    begin(&scene, "a.dmp", 1000, "x64");
    put(&scene, 0x10000, 5 * MIB, SEEP_STATE_COMMIT, SEEP_TYPE_PRIVATE, SEEP_USAGE_UNKNOWN);
    end(&scene);
    judge(&scene);
    f = found(&scene, SEEP_CLASS_PRIVATE_DATA);
    assert_string_equal(f->gist, "5.00 MB private, most of it heaps or other allocations, which "
                                 "cannot be told apart (5.00 MB)");
    expect_evidence(f, "(stacks 0 B, heaps and other allocations 5.00 MB)");
    clear(&scene);
    // Images and what was saved of the memory: no list of regions.
    scene = (struct scene){ .c = NULL };
    begin(&scene, "a.dmp", 1000, "x64");
    put(&scene, 0x10000, 5 * MIB, SEEP_STATE_COMMIT, SEEP_TYPE_IMAGE, SEEP_USAGE_IMAGE);
    end(&scene);
    judge(&scene);
    f = found(&scene, SEEP_CLASS_PRIVATE_DATA);
    assert_string_equal(f->gist, "the file does not list the memory of the process");
    assert_string_equal(f->next[0], "procdump -ma app.exe");
    clear(&scene);
}

static void blocks_that_nothing_points_to_are_suspect(void **state)
{
    (void)state;
    struct scene scene = { .c = NULL };
    begin(&scene, "a.dmp", 1000, "x64");
    put_small(&scene);
    put_heap(&scene, 20000, 4 * MIB);
    put_blocks(&scene, SEEP_BLOCKS_UNREACHABLE, "Foo::`vftable'", 10000, 2 * MIB);
    put_blocks(&scene, SEEP_BLOCKS_UNREACHABLE, NULL, 10, 1000);
    end(&scene);
    judge(&scene);
    expect_suspect(&scene, SEEP_CLASS_HEAP,
                   "nothing points to 10010 blocks of 2.00 MB, 50 % of the heap, most of them Foo");
    clear(&scene);
}

static void a_type_that_fills_the_heap_is_suspect(void **state)
{
    (void)state;
    struct scene scene = { .c = NULL };
    begin(&scene, "a.dmp", 1000, "x64");
    put_small(&scene);
    put_heap(&scene, 600000, 64 * MIB);
    put_blocks(&scene, SEEP_BLOCKS_BY_TYPE, "class Node", 500000, 48 * MIB);
    put_blocks(&scene, SEEP_BLOCKS_BY_SIZE, NULL, 500000, 48 * MIB);
    end(&scene);
    judge(&scene);
    expect_suspect(&scene, SEEP_CLASS_HEAP, "500000 objects of class Node take 48.0 MB, 75 %");
    expect_suspect(&scene, SEEP_CLASS_HEAP, "500000 blocks of 100 bytes take 48.0 MB");
    clear(&scene);
    // One large buffer is no crowd.
    scene = (struct scene){ .c = NULL };
    begin(&scene, "a.dmp", 1000, "x64");
    put_small(&scene);
    put_heap(&scene, 600, 64 * MIB);
    put_blocks(&scene, SEEP_BLOCKS_BY_SIZE, NULL, 1, 60 * MIB);
    end(&scene);
    judge(&scene);
    assert_int_equal(scene.judgement.verdict, SEEP_VERDICT_UNKNOWN);
    clear(&scene);
}

static void many_allocations_of_one_size_are_suspect(void **state)
{
    (void)state;
    struct scene scene = { .c = NULL };
    begin(&scene, "a.dmp", 1000, "x64");
    put_small(&scene);
    put_many(&scene, 0x100000000, 0x40000, 2000, SEEP_STATE_COMMIT, SEEP_USAGE_UNKNOWN);
    put_many(&scene, 0x900000000, MIB, 3000, SEEP_STATE_RESERVE, SEEP_USAGE_UNKNOWN);
    put_handles(&scene, 100, "Key");
    put_handles(&scene, 12000, "Event");
    put_many(&scene, 0x2000000000, 0x10000, 1100, SEEP_STATE_COMMIT, SEEP_USAGE_STACK64);
    end(&scene);
    judge(&scene);
    expect_suspect(&scene, SEEP_CLASS_PRIVATE_DATA, "2000 allocations of 256 KB outside of heaps");
    expect_suspect(&scene, SEEP_CLASS_ADDRESS_SPACE, "3000 reservations of 1.00 MB have 2.93 GB");
    expect_suspect(&scene, SEEP_CLASS_HANDLES, "12100 handles, 12000 of them of the type Event");
    expect_suspect(&scene, SEEP_CLASS_THREADS, "1101 threads");
    clear(&scene);
}

static void a_full_address_space_is_suspect(void **state)
{
    (void)state;
    struct scene scene = { .c = NULL };
    begin(&scene, "a.dmp", 1000, "x86");
    put(&scene, 0x10000, 1900 * MIB, SEEP_STATE_COMMIT, SEEP_TYPE_PRIVATE, SEEP_USAGE_UNKNOWN);
    put(&scene, 0x7f000000, 8 * MIB, SEEP_STATE_FREE, SEEP_TYPE_FREE, SEEP_USAGE_FREE);
    end(&scene);
    judge(&scene);
    expect_suspect(&scene, SEEP_CLASS_ADDRESS_SPACE, "the largest free range of this 32-bit");
    clear(&scene);
}

static void two_moments_show_what_grew(void **state)
{
    (void)state;
    struct scene scene = { .c = NULL };
    begin(&scene, "b.dmp", 3600 * SEEP_NS_PER_S, "x64"); // the later one first
    put_small(&scene);
    put(&scene, 0x100000000, 200 * MIB, SEEP_STATE_COMMIT, SEEP_TYPE_PRIVATE, SEEP_USAGE_HEAP64);
    end(&scene);
    begin(&scene, "a.dmp", 0, "x64");
    put_small(&scene);
    put(&scene, 0x100000000, 100 * MIB, SEEP_STATE_COMMIT, SEEP_TYPE_PRIVATE, SEEP_USAGE_HEAP64);
    end(&scene);
    judge(&scene);
    expect_suspect(&scene, SEEP_CLASS_HEAP, "private +100 MB (heaps +100 MB, stacks 0 B");
    const struct seep_finding *f = found(&scene, SEEP_CLASS_HEAP);
    assert_true(f->since_ns == 0);
    assert_string_equal(f->gist, "207 MB private, +100 MB in 60 min, most of it heaps (+100 MB)");
    assert_true(f->first == 107.0 * (double)MIB && f->last == 207.0 * (double)MIB);
    clear(&scene);
    // The same twice is not growth.
    scene = (struct scene){ .c = NULL };
    for (int i = 0; i < 2; i++) {
        begin(&scene, "a.dmp", i * SEEP_NS_PER_S, "x64");
        put_small(&scene);
        end(&scene);
    }
    judge(&scene);
    assert_int_equal(scene.judgement.verdict, SEEP_VERDICT_UNKNOWN);
    clear(&scene);
}

// The summary of `seep map`.

static struct seep_space space_of(struct seep_region *regions, size_t n)
{
    return (struct seep_space){ .process = { .architecture = "x64" },
                                .regions = regions,
                                .n_regions = n };
}

static void sums_are_exact_up_to_the_last_address(void **state)
{
    (void)state;
    struct seep_region r[] = {
        { .base = 0, .size_bytes = 0x10000, .state = SEEP_STATE_FREE, .type = SEEP_TYPE_FREE },
        { .base = 0x10000,
          .size_bytes = 0x1000,
          .state = SEEP_STATE_COMMIT,
          .type = SEEP_TYPE_PRIVATE,
          .usage = SEEP_USAGE_HEAP64,
          .protect = 4 },
        { .base = 0x11000,
          .size_bytes = 0xf000,
          .state = SEEP_STATE_RESERVE,
          .type = SEEP_TYPE_PRIVATE,
          .usage = SEEP_USAGE_HEAP64 },
        { .base = 0x20000,
          .size_bytes = UINT64_MAX - 0x20000,
          .state = SEEP_STATE_FREE,
          .type = SEEP_TYPE_FREE },
    };
    struct seep_space s = space_of(r, 4);
    struct seep_map map;
    seep_map_make(&s, &map);
    assert_true(map.total_bytes == UINT64_MAX);
    assert_int_equal(map.busy_bytes, 0x10000);
    assert_int_equal(map.split.private_bytes, 0x1000);
    assert_int_equal(map.split.reserved_bytes, 0xf000);
    assert_int_equal(map.usage[SEEP_USAGE_HEAP64].regions, 2);
    assert_int_equal(map.usage[SEEP_USAGE_HEAP64].largest_base, 0x11000);
    assert_int_equal(map.n_protect, 1);
    // Who has a heap but no stack, TEB and PEB does not tell them.
    assert_true(map.usage[SEEP_USAGE_STACK64].regions == SEEP_UNKNOWN_BYTES);
    assert_int_equal(map.n_unknown, 3);
}

static void reservations_are_compared_by_their_base(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct seep_region *old = seep_alloc(N, sizeof *old), *now = seep_alloc(N, sizeof *now);
    assert_non_null(old);
    assert_non_null(now);
    for (uint64_t i = 0; i < N; i++) {
        // Two regions a reservation.
        old[i] = (struct seep_region){ .base = i << 16,
                                       .size_bytes = 0x1000,
                                       .allocation_base = (i | 1) << 16,
                                       .state = i % 2 ? SEEP_STATE_RESERVE : SEEP_STATE_COMMIT };
        now[i] = old[i];
    }
    now[10].size_bytes = 0x3000;                                           // grew
    now[20].state = SEEP_STATE_RESERVE;                                    // was decommitted
    now[31].allocation_base = now[30].allocation_base = UINT64_C(1) << 40; // moved
    struct seep_space a = space_of(old, N), b = space_of(now, N);
    struct seep_map_changes changes;
    assert_true(seep_map_compare(&a, &b, &changes));
    assert_int_equal(changes.n, 4);
    assert_true(changes.at[0].base == (UINT64_C(11) << 16));
    assert_int_equal(changes.at[0].committed_bytes - changes.at[0].old_committed_bytes, 0x2000);
    assert_true(changes.at[1].base == UINT64_C(1) << 40);
    assert_int_equal(changes.at[1].old_size_bytes, 0);
    assert_int_equal(changes.at[2].committed_bytes, 0);
    assert_int_equal(changes.at[3].size_bytes, 0);
    seep_map_changes_clear(&changes);
    seep_free(old);
    seep_free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_process_is_left_alone),
        cmocka_unit_test(the_gist_names_what_most_of_it_is),
        cmocka_unit_test(blocks_that_nothing_points_to_are_suspect),
        cmocka_unit_test(a_type_that_fills_the_heap_is_suspect),
        cmocka_unit_test(many_allocations_of_one_size_are_suspect),
        cmocka_unit_test(a_full_address_space_is_suspect),
        cmocka_unit_test(two_moments_show_what_grew),
        cmocka_unit_test(sums_are_exact_up_to_the_last_address),
        cmocka_unit_test(reservations_are_compared_by_their_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
