// SPDX-License-Identifier: MIT
// The memory of a process that runs: what is read once, what cannot be read, how much is kept.
#include "testkit.h"

#include "memory/process_memory.h"

#include <string.h>

enum { PAGE = 0x1000, WINDOW = 0x10000 };

struct source {
    uint64_t fails_at; // the page that cannot be read; 0 = none
    unsigned reads;
};

// Each byte tells its address.
static size_t read_source(void *ctx, uint64_t address, void *out, size_t len)
{
    struct source *s = ctx;
    uint8_t *bytes = out;
    s->reads++;
    for (size_t i = 0; i < len; i++) {
        if (s->fails_at && address + i >= s->fails_at && address + i < s->fails_at + PAGE)
            return i;
        bytes[i] = (uint8_t)((address + i) * 31 >> 3);
    }
    return len;
}

static const struct seep_process_range ranges[] = {
    { 0x10000 + 3 * PAGE, 2 * PAGE },                // inside of a window
    { 0x10000 + 6 * PAGE, 30 * PAGE },               // to the third
    { UINT64_C(0x7fffffff0000), UINT64_C(1) << 36 }, // far away and large
    { UINT64_MAX - (2 * PAGE - 1), 2 * PAGE },       // to the end of the address space
};
enum { RANGES = sizeof ranges / sizeof *ranges };

static void open(struct source *s, uint64_t most, struct seep_process_memory *m)
{
    assert_true(seep_process_memory_open(ranges, RANGES, read_source, s, 8, most, m));
}

static bool right(const struct seep_memory *m, uint64_t address, size_t len)
{
    uint8_t got[4 * PAGE];
    struct source s = { 0 };
    uint8_t want[4 * PAGE];
    (void)read_source(&s, address, want, len);
    return seep_memory_read(m, address, got, len) == len && memcmp(got, want, len) == 0;
}

static void test_reads(void **state)
{
    (void)state;
    struct source s = { 0 };
    struct seep_process_memory m;
    uint8_t byte;
    open(&s, 1 << 20, &m);
    assert_true(right(&m.memory, 0x13000, 2 * PAGE));
    assert_true(right(&m.memory, 0x14ff0, 16));
    assert_int_equal(seep_memory_read(&m.memory, 0x12fff, &byte, 1), 0);
    assert_int_equal(seep_memory_read(&m.memory, 0x15000, &byte, 1), 0);
    assert_int_equal(m.memory.span(&m.memory, 0x14000).len, PAGE);
    // Across windows, and at the end of the address space.
    assert_true(right(&m.memory, 0x1f800, 4 * PAGE));
    assert_true(right(&m.memory, UINT64_MAX - 15, 16));
    assert_int_equal(m.memory.span(&m.memory, UINT64_MAX).len, 1);
    // Again costs nothing.
    unsigned reads = s.reads;
    assert_true(right(&m.memory, 0x13000, 2 * PAGE));
    assert_int_equal(s.reads, reads);
    assert_false(seep_process_memory_exhausted(&m));
    seep_process_memory_close(&m);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct source s = { .fails_at = 0x10000 + 8 * PAGE };
    struct seep_process_memory m;
    uint8_t bytes[4 * PAGE];
    uint64_t held;
    open(&s, 1 << 20, &m);
    assert_int_equal(seep_memory_read(&m.memory, 0x16000, bytes, sizeof bytes), 2 * PAGE);
    assert_int_equal(m.memory.span(&m.memory, s.fails_at).len, 0);
    // What lies behind it in the window is given up, the next window is not.
    assert_true(m.memory.next(&m.memory, s.fails_at, &held));
    assert_int_equal(held, 0x20000);
    assert_true(m.memory.next(&m.memory, 0x34000, &held));
    assert_int_equal(held, UINT64_C(0x7fffffff0000));
    assert_true(m.memory.next(&m.memory, 0, &held));
    assert_int_equal(held, 0x13000);
    seep_process_memory_close(&m);
}

static void test_limit(void **state)
{
    (void)state;
    struct source s = { 0 };
    struct seep_process_memory m;
    uint8_t byte;
    open(&s, 600 * WINDOW, &m);
    for (uint64_t i = 0; i < 600; i++)
        assert_int_equal(
            seep_memory_read(&m.memory, UINT64_C(0x7fffffff0000) + i * WINDOW, &byte, 1), 1);
    assert_false(seep_process_memory_exhausted(&m));
    assert_int_equal(seep_memory_read(&m.memory, 0x13000, &byte, 1), 0);
    assert_true(seep_process_memory_exhausted(&m));
    // What was read stays.
    assert_true(right(&m.memory, UINT64_C(0x7fffffff0000) + 300 * WINDOW, PAGE));
    seep_process_memory_close(&m);
}

static void test_nothing(void **state)
{
    (void)state;
    struct source s = { 0 };
    struct seep_process_memory m;
    uint64_t held;
    assert_true(seep_process_memory_open(NULL, 0, read_source, &s, 4, 0, &m));
    assert_int_equal(m.memory.span(&m.memory, 0x1000).len, 0);
    assert_false(m.memory.next(&m.memory, 0, &held));
    assert_int_equal(s.reads, 0);
    seep_process_memory_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
