// SPDX-License-Identifier: MIT
// Tests of the walk over NT heaps: a real dump of Windows 7 with both bitnesses, damaged ones.
#include "heap/test_build.h"

#include <string.h>

static const char dump[] = "minidump/fizzbuzz_wow64.dmp";

struct truth {
    uint64_t address;
    unsigned bits;
    uint64_t busy_blocks, busy_bytes, free_blocks, free_bytes, committed, reserved;
    uint64_t user_blocks; // what the program asked for, the front end's blocks one by one
};

// The first three were counted by a debugger; committed and reserved are in their segments.
static const struct truth truths[] = {
    { 0x500000, 64, 25, 20432, 3, 9648, 8 * 4096, 128 * 4096, 23 },
    { 0x700000, 32, 161, 77120, 4, 3384, 20 * 4096 + 0xd4000, 256 * 4096 + 0xd4000, 0 },
    { 0x460000, 32, 9, 10944, 2, 8120, 5 * 4096, 16 * 4096, 7 },
    { 0x10000, 64, 1, 64, 1, 1344, 4096, 16 * 4096, 0 },
    { 0x20000, 64, 1, 64, 1, 62784, 16 * 4096, 16 * 4096, 0 },
};

static void walk_one(struct kit_memory *m, const struct truth *t, uint32_t build,
                     struct seep_heap *heap, struct kit_walk *walk)
{
    struct seep_heap_process process = { .memory = &m->memory, .bits = t->bits, .build = build };
    struct seep_err err = { 0 };
    kit_walk_init(walk);
    memset(heap, 0, sizeof *heap);
    if (!seep_heap_walk(&process, t->address, &walk->visitor, NULL, heap, &err))
        fail_msg("0x%llx: %s", (unsigned long long)t->address, err.what);
}

static void the_heaps_of_a_real_dump_to_the_byte(void **state)
{
    struct kit_memory m;
    (void)state;
    if (!kit_memory_load(&m, dump, 8))
        skip();
    // The build by number, no build at all, a wrong one: the signature tells.
    static const uint32_t builds[] = { 7601, 0, 19045 };
    for (size_t b = 0; b < sizeof builds / sizeof builds[0]; b++) {
        for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
            const struct truth *t = &truths[i];
            struct seep_heap heap;
            struct kit_walk walk;
            walk_one(&m, t, builds[b], &heap, &walk);
            assert_int_equal(heap.kind, SEEP_HEAP_NT);
            assert_int_equal(heap.bits, t->bits);
            assert_int_equal(heap.busy_blocks, t->busy_blocks);
            assert_int_equal(heap.busy_bytes, t->busy_bytes);
            assert_int_equal(heap.free_blocks, t->free_blocks);
            assert_int_equal(heap.free_bytes, t->free_bytes);
            assert_int_equal(heap.committed_bytes, t->committed);
            assert_int_equal(heap.reserved_bytes, t->reserved);
            assert_int_equal(walk.losses, 0);
            assert_false(walk.disordered);
            if (t->user_blocks)
                assert_int_equal(walk.busy, t->user_blocks);
        }
    }
    kit_memory_clear(&m);
}

// 161 entries: 5 stores, 4 of the heap itself, 152 of the program; the stores' subsegments have 254
// blocks, 152 of them in use by the marks of their entries.
static void blocks_of_the_front_end_one_by_one(void **state)
{
    struct kit_memory m;
    struct seep_heap heap;
    struct kit_walk walk;
    (void)state;
    if (!kit_memory_load(&m, dump, 8))
        skip();
    walk_one(&m, &truths[1], 7601, &heap, &walk);
    assert_int_equal(walk.busy, 152 + 152);
    assert_int_equal(walk.free, 4 + 102);
    kit_memory_clear(&m);
}

// Of the ranges without the walk: the same address space.
static void ranges_alone(void **state)
{
    struct kit_memory m;
    (void)state;
    if (!kit_memory_load(&m, dump, 8))
        skip();
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        struct seep_heap_process process = { .memory = &m.memory, .bits = truths[i].bits };
        struct seep_heap heap = { 0 };
        struct kit_walk walk;
        kit_walk_init(&walk);
        assert_true(seep_heap_ranges(&process, truths[i].address, &walk.visitor, &heap, NULL));
        assert_int_equal(walk.range_bytes, truths[i].reserved);
        assert_int_equal(heap.reserved_bytes, truths[i].reserved);
        assert_int_equal(heap.committed_bytes, truths[i].committed);
        assert_int_equal(heap.busy_blocks, SEEP_UNKNOWN_BYTES);
        assert_int_equal(walk.busy, 0);
    }
    kit_memory_clear(&m);
}

static const struct build_entry entries[] = {
    { 4, BUILD_BUSY, 12 },     { 40, BUILD_FREE, 0 },  { 9, BUILD_BUSY, 8 },
    { 30, BUILD_INTERNAL, 8 }, { 100, BUILD_BUSY, 9 }, { 2, BUILD_BUSY, 0x08 },
    { 5, BUILD_FREE, 0 },      { 6, BUILD_BUSY, 15 },
};
enum { N_ENTRIES = sizeof entries / sizeof entries[0], BASE = 0x10000000 };

static void walk_built(struct kit_memory *m, unsigned bits, struct seep_heap *heap,
                       struct kit_walk *walk)
{
    struct truth t = { .address = BASE, .bits = bits };
    walk_one(m, &t, 19045, heap, walk);
}

static void sizes_that_were_asked_for(void **state)
{
    (void)state;
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        struct kit_memory m;
        struct seep_heap heap;
        struct kit_walk walk;
        uint64_t at[N_ENTRIES], granule = build_granule(bits);
        kit_memory_init(&m, bits / 8);
        build_nt_heap(&m, bits, BASE, entries, N_ENTRIES, at);
        walk_built(&m, bits, &heap, &walk);
        assert_int_equal(walk.losses, 0);
        assert_int_equal(walk.busy, 5);
        assert_int_equal(walk.busy_bytes, (4 + 9 + 100 + 2 + 6) * granule - 12 - 8 - 9 - 8 - 15);
        assert_int_equal(walk.blocks[2].address, at[4] + granule);
        assert_int_equal(walk.blocks[2].size_bytes, 100 * granule - 9);
        assert_int_equal(heap.busy_blocks, 7); // with the internal one and the descriptor's
        assert_int_equal(heap.free_blocks, 3);
        kit_memory_clear(&m);
    }
}

// gflags +ust: entry, pointer to the stack, extended entry, data.
static void blocks_with_their_stacks(void **state)
{
    static const struct build_entry traced[] = { { 20, BUILD_BUSY, 2 }, { 9, BUILD_BUSY, 8 } };
    (void)state;
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        struct kit_memory m;
        struct seep_heap heap;
        struct kit_walk walk;
        uint64_t at[2], granule = build_granule(bits), frames[SEEP_HEAP_MAX_FRAMES];
        uint64_t trace = 0x20000040;
        unsigned pointer = bits / 8;
        kit_memory_init(&m, pointer);
        build_nt_heap(&m, bits, BASE, traced, 2, at);
        kit_put(&m, BASE + (bits == 64 ? 0x90 : 0x58), 4, 1); // Interceptor
        kit_put(&m, at[0] + granule, pointer, trace);
        uint64_t extended = at[0] + 2 * granule + (bits == 64 ? 8 : 0);
        kit_put(&m, extended + 4, 2, bits == 64 ? 0x33 : 0x1f); // unused bytes, headers included
        kit_put(&m, extended + 6, 1, 2);
        kit_put(&m, extended + 7, 1, 5);
        (void)kit_memory_add(&m, 0x20000000, 4096);
        kit_put(&m, trace + (bits == 64 ? 0x0c : 8), 2, 3);
        for (unsigned i = 0; i < 3; i++)
            kit_put(&m, trace + (bits == 64 ? 0x10 : 0x0c) + i * pointer, pointer, 0x77001000 + i);
        walk_built(&m, bits, &heap, &walk);
        assert_int_equal(walk.losses, 0);
        assert_int_equal(walk.busy, 2);
        assert_int_equal(walk.traced, 1);
        assert_int_equal(walk.blocks[0].trace, trace);
        assert_int_equal(walk.blocks[0].address, at[0] + 3 * granule);
        assert_int_equal(walk.blocks[0].size_bytes, 20 * granule - (bits == 64 ? 0x33 : 0x1f));
        struct seep_heap_process process = { .memory = &m.memory, .bits = bits };
        assert_int_equal(seep_heap_trace(&process, trace, frames), 3);
        assert_int_equal(frames[2], 0x77001002);
        assert_int_equal(seep_heap_trace(&process, trace + 8, frames), 0);
        assert_int_equal(seep_heap_trace(&process, 0x30000000, frames), 0);
        kit_memory_clear(&m);
    }
}

static void a_bad_entry_ends_its_run_and_no_more(void **state)
{
    struct kit_memory m;
    struct seep_heap heap;
    struct kit_walk walk;
    uint64_t at[N_ENTRIES];
    (void)state;
    kit_memory_init(&m, 8);
    build_nt_heap(&m, 64, BASE, entries, N_ENTRIES, at);
    *kit_memory_at(&m, at[4] + 8) ^= 0x10;
    walk_built(&m, 64, &heap, &walk);
    assert_int_equal(walk.losses, 1);
    assert_memory_equal(walk.loss, "heap-entry:", 11);
    assert_int_equal(walk.busy, 2);
    assert_int_equal(heap.busy_blocks, 3);
    kit_memory_clear(&m);
}

static void lists_that_do_not_end(void **state)
{
    struct kit_memory m;
    struct seep_heap heap;
    struct kit_walk walk;
    (void)state;
    // segments that lead to each other, never back to the head
    kit_memory_init(&m, 8);
    build_nt_heap(&m, 64, BASE, entries, N_ENTRIES, NULL);
    kit_put(&m, BASE + 0x18, 8, BASE + 0x18);
    walk_built(&m, 64, &heap, &walk);
    assert_int_equal(heap.busy_blocks, 7);
    assert_memory_equal(walk.loss, "heap-links:", 11);
    // uncommitted ranges
    kit_put(&m, BASE + 0x18, 8, BASE + 0x120);
    kit_put(&m, BASE + 4 * 4096 - 48 + 16, 8, BASE + 4 * 4096 - 48 + 16);
    walk_built(&m, 64, &heap, &walk);
    assert_true(walk.losses >= 1);
    assert_int_equal(heap.busy_blocks, 7);
    // virtual blocks
    kit_put(&m, BASE + 0x110, 8, BASE + 0x800);
    kit_put(&m, BASE + 0x800, 8, BASE + 0x800);
    walk_built(&m, 64, &heap, &walk);
    assert_int_equal(heap.busy_blocks, 7);
    kit_memory_clear(&m);
}

static void memory_that_is_not_in_the_dump(void **state)
{
    struct kit_memory m;
    struct seep_heap heap;
    struct kit_walk walk;
    (void)state;
    kit_memory_init(&m, 8);
    build_nt_heap(&m, 64, BASE, entries, N_ENTRIES, NULL);
    for (size_t len = 4 * 4096; len > 0; len -= 64) {
        m.ranges[0].len = len;
        struct seep_heap_process process = { .memory = &m.memory, .bits = 64 };
        kit_walk_init(&walk);
        bool is_there = seep_heap_walk(&process, BASE, &walk.visitor, NULL, &heap, NULL);
        assert_true(!is_there || walk.losses >= 1 || len == 4 * 4096);
        if (is_there && len <= 0x740)
            assert_int_equal(heap.busy_blocks, SEEP_UNKNOWN_BYTES);
    }
    kit_memory_clear(&m);
}

// Every 3rd byte of a real heap of each bitness, flipped: nothing crashes or hangs, and no more is
// found than fits into it.
static void flips_in_a_real_heap(void **state)
{
    struct kit_memory m;
    (void)state;
    if (!kit_memory_load(&m, dump, 8))
        skip();
    for (size_t i = 0; i < 2; i++) {
        uint64_t size = truths[i].address == 0x700000 ? 0x14000 : 0x8000;
        for (uint64_t at = 0; at < size; at += at < 0x1000 ? 3 : 31) {
            uint8_t *byte = kit_memory_at(&m, truths[i].address + at), before = *byte;
            struct seep_heap_process process = { .memory = &m.memory, .bits = truths[i].bits };
            struct seep_heap heap;
            struct kit_walk walk;
            *byte ^= (uint8_t)(1u << (at % 8));
            kit_walk_init(&walk);
            if (seep_heap_walk(&process, truths[i].address, &walk.visitor, NULL, &heap, NULL))
                assert_true(walk.busy + walk.free < 0x14000 / 8 + 1000);
            *byte = before;
        }
    }
    kit_memory_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heaps_of_a_real_dump_to_the_byte),
        cmocka_unit_test(blocks_of_the_front_end_one_by_one),
        cmocka_unit_test(ranges_alone),
        cmocka_unit_test(sizes_that_were_asked_for),
        cmocka_unit_test(blocks_with_their_stacks),
        cmocka_unit_test(a_bad_entry_ends_its_run_and_no_more),
        cmocka_unit_test(lists_that_do_not_end),
        cmocka_unit_test(memory_that_is_not_in_the_dump),
        cmocka_unit_test(flips_in_a_real_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
