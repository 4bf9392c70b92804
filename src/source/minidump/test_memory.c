// SPDX-License-Identifier: MIT
// The memory of a minidump: ranges of both lists, apart, adjacent, overlapping, cut, many.
#include "testkit.h"

#include "memory/minidump_memory.h"
#include "source/minidump/test_build.h"

#include <string.h>

struct range {
    uint64_t address;
    uint32_t size, rva;
};

// A dump with a MemoryList of these ranges, over `content` bytes that count up.
static struct build *dump_of(const struct range *ranges, uint32_t n)
{
    struct build *b = build_new(8);
    build_begin(b, 5);
    build_u32(b, n);
    for (uint32_t i = 0; i < n; i++) {
        build_u64(b, ranges[i].address);
        build_u32(b, ranges[i].size);
        build_u32(b, ranges[i].rva);
    }
    build_end(b);
    build_finish(b, 1, false);
    return b;
}

static struct seep_minidump_memory open_memory(const struct build *b)
{
    struct seep_minidump dump;
    struct seep_minidump_memory m;
    struct seep_bytes file = seep_bytes(b->out.data, b->out.len);
    assert_true(seep_minidump_open(file, &dump, NULL));
    assert_true(seep_minidump_memory_open(&dump, 8, &m, NULL));
    return m;
}

static void pieces_are_found_and_gaps_are_not_invented(void **state)
{
    (void)state;
    // RVA 0 is the header "MDMP": known bytes
    static const struct range ranges[] = { { 0x3000, 2, 2 }, { 0x1000, 2, 0 }, { 0x1002, 2, 2 } };
    struct build *b = dump_of(ranges, 3);
    struct seep_minidump_memory m = open_memory(b);
    uint8_t got[8];
    uint64_t at;
    assert_int_equal(m.n_pieces, 2); // neighbours in memory and file are one
    assert_int_equal(m.held_bytes, 6);
    assert_int_equal(seep_memory_read(&m.memory, 0x1000, got, 8), 4);
    assert_memory_equal(got, "MDMP", 4);
    assert_int_equal(seep_memory_read(&m.memory, 0x3001, got, 8), 1);
    assert_int_equal(m.memory.span(&m.memory, 0x0fff).len, 0);
    assert_int_equal(m.memory.span(&m.memory, 0x1004).len, 0);
    assert_int_equal(m.memory.span(&m.memory, UINT64_MAX).len, 0);
    assert_true(m.memory.next(&m.memory, 0, &at));
    assert_int_equal(at, 0x1000);
    assert_true(m.memory.next(&m.memory, 0x1003, &at));
    assert_int_equal(at, 0x1003);
    assert_true(m.memory.next(&m.memory, 0x1004, &at));
    assert_int_equal(at, 0x3000);
    assert_false(m.memory.next(&m.memory, 0x3002, &at));
    seep_minidump_memory_close(&m);
    build_free(b);
}

static void what_is_there_twice_is_read_once(void **state)
{
    (void)state;
    static const struct range ranges[] = {
        { 0x1000, 4, 0 }, { 0x1002, 8, 0 }, { 0x1000, 4, 0 }, { 0x1001, 1, 3 }
    };
    struct build *b = dump_of(ranges, 4);
    struct seep_minidump_memory m = open_memory(b);
    uint8_t got[16];
    assert_int_equal(m.held_bytes, 10);
    assert_int_equal(m.n_twice, 3);
    assert_int_equal(seep_memory_read(&m.memory, 0x1000, got, sizeof got), 10);
    assert_memory_equal(got, "MDMPMP", 6);
    seep_minidump_memory_close(&m);
    build_free(b);
}

static void the_end_of_the_file_ends_a_range(void **state)
{
    (void)state;
    static const struct range ranges[] = { { 0x1000, 0x10000, 0 },
                                           { 0x90000, 16, UINT32_MAX },
                                           { UINT64_MAX - 3, 16, 0 } };
    struct build *b = dump_of(ranges, 3);
    struct seep_minidump_memory m = open_memory(b);
    uint64_t value;
    assert_int_equal(m.n_missing, 2);
    assert_int_equal(m.missing_bytes, 0x10000 - b->out.len + 16);
    assert_int_equal(m.memory.span(&m.memory, 0x1000).len, b->out.len);
    assert_int_equal(m.memory.span(&m.memory, UINT64_MAX - 3).len, 3);
    assert_false(seep_memory_u64(&m.memory, UINT64_MAX - 3, &value));
    seep_minidump_memory_close(&m);
    build_free(b);
}

// Many ranges in a random order against a table of who has which page.
static void many_ranges_in_any_order(void **state)
{
    (void)state;
    enum { N = 200000, PAGES = 1 << 20 };
    struct range *ranges = test_malloc(N * sizeof *ranges);
    uint8_t *has = test_calloc(PAGES, 1);
    uint64_t seed = 42;
    for (uint32_t i = 0; i < N; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint32_t page = (uint32_t)(seed >> 33) % PAGES;
        ranges[i] = (struct range){ UINT64_C(0x10000000000) + (uint64_t)page * 16, 16, 32 };
        has[page] = 1;
    }
    struct build *b = dump_of(ranges, N);
    struct seep_minidump_memory m = open_memory(b);
    uint64_t held = 0;
    for (uint32_t page = 0; page < PAGES; page++) {
        struct seep_bytes span =
            m.memory.span(&m.memory, UINT64_C(0x10000000000) + (uint64_t)page * 16 + 3);
        assert_int_equal(span.len > 0, has[page]);
        if (span.len)
            assert_ptr_equal(span.data, (const uint8_t *)b->out.data + 35);
        held += 16u * has[page];
    }
    assert_int_equal(m.held_bytes, held);
    assert_int_equal(m.n_ranges, N);
    seep_minidump_memory_close(&m);
    build_free(b);
    test_free(has);
    test_free(ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_found_and_gaps_are_not_invented),
        cmocka_unit_test(what_is_there_twice_is_read_once),
        cmocka_unit_test(the_end_of_the_file_ends_a_range),
        cmocka_unit_test(many_ranges_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
