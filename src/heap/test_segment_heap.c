// SPDX-License-Identifier: MIT
// Tests of the walk over segment heaps, x64 and x86, with and without their keys, damaged.
#include "heap/test_build.h"

#include <string.h>

enum { HEAP = 0x10000, SEGMENT = 0x400000, NODES = 0x20000, LARGE = 0x1000000 };

static const uint64_t heap_keys[] = { UINT64_C(0x9f3c5a7be1d20864), 0x7be1d208 };
static const uint32_t lfh_key = 0xc41d93a7;

struct built {
    struct kit_memory m;
    struct build_segments s;
    uint64_t chunks[64];
    uint64_t lfh[3];
};

static const struct build_chunk chunks[] = {
    { 4, true, 0 },  { 9, true, 5 }, { 3, false, 0 },  { 33, true, 1 },
    { 17, true, 7 }, { 2, true, 3 }, { 5, true, 0 },   { 40, true, 2 },
    { 6, false, 0 }, { 8, true, 4 }, { 120, true, 0 }, { 77, true, 6 },
};
enum { N_CHUNKS = sizeof chunks / sizeof chunks[0] };

static void build(struct built *b, unsigned bits)
{
    kit_memory_init(&b->m, bits / 8);
    build_segment_heap(&b->s, &b->m, bits, HEAP, SEGMENT, heap_keys[bits == 32], lfh_key);
    build_vs(&b->s, 17, chunks, N_CHUNKS, b->chunks);
    b->lfh[0] = build_lfh(&b->s, 48, 60, UINT64_C(0x0f0f00ffff00f0f1), 3);
    b->lfh[1] = build_lfh(&b->s, 64, 100, UINT64_C(0x3), 1);
    b->lfh[2] = build_lfh(&b->s, 128, 30, UINT64_C(0x3fffffff), 0);
    (void)build_range(&b->s, 3, 0x03, 96);
    (void)kit_memory_add(&b->m, NODES, 4096);
    (void)kit_memory_add(&b->m, LARGE, 3 * 4096);
    build_large(&b->s, NODES + 0x40, NODES + 0x80, NODES + 0xc0, LARGE, 3, 16);
    build_large(&b->s, NODES + 0x80, 0, 0, 2 * LARGE, 5, 0);
    build_large(&b->s, NODES + 0xc0, 0, 0, 3 * LARGE, 7, 4095);
    build_large_root(&b->s, NODES + 0x40);
}

static bool walk(struct built *b, uint64_t key, uint64_t lfh, struct seep_heap *heap,
                 struct kit_walk *told, struct seep_err *err)
{
    struct seep_heap_process process = {
        .memory = &b->m.memory, .bits = b->s.bits, .build = 19045, .heap_key = key, .lfh_key = lfh
    };
    kit_walk_init(told);
    memset(heap, 0, sizeof *heap);
    return seep_heap_walk(&process, HEAP, &told->visitor, NULL, heap, err);
}

// What the blocks above are in all.
static void expect_all(const struct built *b, const struct kit_walk *told)
{
    uint64_t unit = b->s.bits / 4, busy = 0, bytes = 0;
    for (size_t i = 0; i < N_CHUNKS; i++) {
        busy += chunks[i].busy;
        if (chunks[i].busy)
            bytes += (chunks[i].units - 1) * unit - chunks[i].unused;
    }
    unsigned first = 0;
    for (uint64_t bits = UINT64_C(0x0f0f00ffff00f0f1) & ((UINT64_C(1) << 60) - 1); bits; bits >>= 1)
        first += bits & 1;
    busy += first + 2 + 30 + 1 + 3;
    bytes += first * 45 + 2 * 63 + 30 * 128 + (3 * 4096 - 96);
    bytes += 3 * 4096 - 16 + 5 * 4096 + 7 * 4096 - 4095;
    assert_int_equal(told->busy, busy);
    assert_int_equal(told->busy_bytes, bytes);
    assert_int_equal(told->free, 3 + (60 - first) + 98);
    assert_int_equal(told->losses, 0);
    assert_false(told->disordered);
}

static void blocks_of_every_kind_x64_and_x86(void **state)
{
    (void)state;
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        struct built b;
        struct seep_heap heap;
        struct kit_walk told;
        build(&b, bits);
        assert_true(walk(&b, heap_keys[bits == 32], lfh_key, &heap, &told, NULL));
        assert_int_equal(heap.kind, SEEP_HEAP_SEGMENT);
        expect_all(&b, &told);
        // Keys that are not known are derived, ones that are wrong are not believed.
        assert_true(walk(&b, 0, 0, &heap, &told, NULL));
        expect_all(&b, &told);
        assert_true(walk(&b, 0x123456789abcdef0, 0x76543210, &heap, &told, NULL));
        expect_all(&b, &told);
        assert_int_equal(heap.reserved_bytes, 0x100000 + (3 + 5 + 7) * 4096);
        assert_int_equal(told.blocks[0].address, b.chunks[0]);
        kit_memory_clear(&b.m);
    }
}

// Where also the signature of the page segment is of another build, chunks give the key.
static void the_key_of_chunks_from_neighbouring_chunks(void **state)
{
    (void)state;
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        struct built b;
        struct seep_heap heap;
        struct kit_walk told;
        build(&b, bits);
        kit_put(&b.m, SEGMENT + (bits == 64 ? 0x10 : 8), 4, 0x11223344);
        assert_true(walk(&b, 0, lfh_key, &heap, &told, NULL));
        expect_all(&b, &told);
        kit_memory_clear(&b.m);
    }
}

static void a_chunk_that_does_not_hang_together_ends_its_subsegment(void **state)
{
    struct built b;
    struct seep_heap heap;
    struct kit_walk told;
    (void)state;
    build(&b, 64);
    // the size of the fourth chunk
    *kit_memory_at(&b.m, b.chunks[3] - 16 + 2) ^= 0x40;
    assert_true(walk(&b, heap_keys[0], lfh_key, &heap, &told, NULL));
    assert_int_equal(told.losses, 1);
    assert_memory_equal(told.loss, "heap-chunk:", 11);
    assert_true(told.busy > 60); // the other ranges are walked
    kit_memory_clear(&b.m);
}

static void a_tree_of_large_blocks_that_is_no_tree_ends(void **state)
{
    struct built b;
    struct seep_heap heap;
    struct kit_walk told;
    (void)state;
    build(&b, 64);
    build_large(&b.s, NODES + 0xc0, NODES + 0x40, NODES + 0x80, 3 * LARGE, 7, 0);
    assert_true(walk(&b, heap_keys[0], lfh_key, &heap, &told, NULL));
    assert_memory_equal(told.loss, "heap-links:", 11);
    kit_memory_clear(&b.m);
}

static void a_heap_of_an_unknown_layout_is_said(void **state)
{
    struct built b;
    struct seep_heap heap;
    struct kit_walk told;
    struct seep_err err = { 0 };
    (void)state;
    build(&b, 64);
    kit_put(&b.m, HEAP + 0x100 + 8, 1, 77); // UnitShift
    assert_false(walk(&b, 0, 0, &heap, &told, &err));
    assert_non_null(strstr(err.what, "is not known"));
    assert_non_null(strstr(err.hint, "--symbols"));
    kit_memory_clear(&b.m);
}

// Each byte of what describes the heap, one after the other: no flip crashes, hangs or invents more
// than the memory holds.
static void flips_in_what_describes_the_heap(void **state)
{
    (void)state;
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        struct built b;
        build(&b, bits);
        static const struct {
            uint64_t at;
            unsigned len;
        } parts[] = { { HEAP, 0x300 }, { SEGMENT, 0x800 }, { NODES, 0x100 } };
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            for (unsigned i = 0; i < parts[p].len; i++) {
                struct seep_heap heap;
                struct kit_walk told;
                uint8_t *byte = kit_memory_at(&b.m, parts[p].at + i), before = *byte;
                *byte ^= (uint8_t)(0x81 >> (i % 5));
                if (walk(&b, 0, 0, &heap, &told, NULL))
                    assert_true(told.busy + told.free < 100000);
                *byte = before;
            }
        }
        kit_memory_clear(&b.m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_every_kind_x64_and_x86),
        cmocka_unit_test(the_key_of_chunks_from_neighbouring_chunks),
        cmocka_unit_test(a_chunk_that_does_not_hang_together_ends_its_subsegment),
        cmocka_unit_test(a_tree_of_large_blocks_that_is_no_tree_ends),
        cmocka_unit_test(a_heap_of_an_unknown_layout_is_said),
        cmocka_unit_test(flips_in_what_describes_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
