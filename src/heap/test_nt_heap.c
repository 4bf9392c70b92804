// SPDX-License-Identifier: MIT
// Tests of the walk over NT heaps: a real dump of Windows 7 with both bitnesses, damaged ones.
#include "heap/test_kit.h"

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

// How many blocks the front end's stores have is in their subsegments, five of them.
static void blocks_of_the_front_end_one_by_one(void **state)
{
    struct kit_memory m;
    struct seep_heap heap;
    struct kit_walk walk;
    (void)state;
    if (!kit_memory_load(&m, dump, 8))
        skip();
    walk_one(&m, &truths[1], 7601, &heap, &walk);
    print_message("busy %llu %llu free %llu\n", (unsigned long long)walk.busy,
                  (unsigned long long)walk.busy_bytes, (unsigned long long)walk.free);
    kit_memory_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heaps_of_a_real_dump_to_the_byte),
        cmocka_unit_test(blocks_of_the_front_end_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
