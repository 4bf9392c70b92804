// SPDX-License-Identifier: MIT
// Tests of pairing: the cases by hand, and long random histories against a plain reference.
#include "testkit.h"

#include "base/time.h"
#include "model/pairing.h"
#include "model/ranges.h"

#include <inttypes.h>
#include <stdlib.h>

static const int64_t SECOND = 1000000000;

// What came out of a pairing: the sites, by stack.
struct outcome {
    struct seep_sink sink;
    struct seep_site sites[64];
    size_t n_sites;
    struct seep_site_frees frees[64];
    size_t n_frees;
    double last[64]; // last sample of a series
    size_t n_series, n_samples;
    double first;
};

static bool on_site(struct seep_sink *sink, const struct seep_site *site)
{
    struct outcome *out = (struct outcome *)sink;
    assert_true(out->n_sites < 64);
    out->sites[out->n_sites++] = *site;
    return true;
}

static bool on_frees(struct seep_sink *sink, const struct seep_site_frees *frees)
{
    struct outcome *out = (struct outcome *)sink;
    assert_true(out->n_frees < 64);
    out->frees[out->n_frees++] = *frees;
    return true;
}

static bool on_series(struct seep_sink *sink, const struct seep_series *series,
                      struct seep_series_id *id)
{
    struct outcome *out = (struct outcome *)sink;
    assert_int_equal(series->subject.kind, SEEP_SUBJECT_SITE);
    id->v = (uint32_t)++out->n_series;
    return true;
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id id, double value)
{
    struct outcome *out = (struct outcome *)sink;
    if (out->n_samples++ == 0)
        out->first = value;
    out->last[id.v - 1] = value;
    return true;
}

static const struct seep_sink_ops ops = {
    .site = on_site, .site_frees = on_frees, .series = on_series, .sample = on_sample
};

static struct seep_pairing_totals finish(struct seep_pairing *pairing, struct outcome *out)
{
    struct seep_pairing_totals totals;
    memset(out, 0, sizeof *out);
    out->sink.ops = &ops;
    assert_true(
        seep_pairing_finish(pairing, (struct seep_machine_id){ 1 }, NULL, &out->sink, &totals));
    seep_pairing_free(pairing);
    return totals;
}

static const struct seep_site *by_stack(const struct outcome *out, uint32_t stack)
{
    for (size_t i = 0; i < out->n_sites; i++) {
        if (out->sites[i].stack.v == stack)
            return &out->sites[i];
    }
    fail_msg("no site of stack %u", stack);
    return NULL;
}

static struct seep_pairing_origin heap(uint32_t stack)
{
    return (struct seep_pairing_origin){
        .process = { 1 }, .kind = SEEP_SITE_HEAP, .heap = 0x10000, .stack = { stack }
    };
}

static struct seep_pairing_origin virtual_memory(uint32_t stack)
{
    return (struct seep_pairing_origin){ .process = { 1 },
                                         .kind = SEEP_SITE_VIRTUAL,
                                         .stack = { stack } };
}

static void test_blocks(void **state)
{
    (void)state;
    struct seep_pairing *p = seep_pairing_new(0, 64 * SECOND);
    struct outcome out;
    struct seep_pairing_origin a = heap(1), b = heap(2), c = heap(3);
    assert_true(seep_pairing_alloc(p, &a, 0x100, 10, 1 * SECOND));
    assert_true(seep_pairing_alloc(p, &a, 0x200, 20, 2 * SECOND));
    assert_true(seep_pairing_release(p, &b, 0x100, 3 * SECOND));
    assert_true(seep_pairing_alloc(p, &b, 0x100, 30, 4 * SECOND)); // the address again
    assert_true(seep_pairing_release(p, &b, 0x999, 5 * SECOND));   // from before
    assert_true(seep_pairing_alloc(p, &b, 0x200, 40, 6 * SECOND)); // its free was not seen
    assert_true(seep_pairing_realloc(p, &c, 0x100, 0x300, 50, 40 * SECOND));
    assert_true(seep_pairing_realloc(p, &c, 0x300, 0, 60, 41 * SECOND)); // failed
    assert_true(seep_pairing_alloc(p, &c, 0, 70, 42 * SECOND));          // failed
    struct seep_pairing_totals totals = finish(p, &out);
    assert_int_equal(totals.allocs, 5);
    assert_int_equal(totals.frees, 3);
    assert_int_equal(totals.unmatched_frees, 1);
    assert_int_equal(totals.replaced, 1);
    assert_int_equal(totals.outstanding_count, 2);
    assert_int_equal(totals.outstanding_bytes, 90);
    assert_int_equal(out.n_sites, 3);
    assert_int_equal(by_stack(&out, 1)->allocs, 2);
    assert_int_equal(by_stack(&out, 1)->frees, 2);
    assert_int_equal(by_stack(&out, 1)->outstanding_count, 0);
    assert_null(by_stack(&out, 1)->name);
    assert_int_equal(by_stack(&out, 2)->outstanding_bytes, 40);
    assert_int_equal(by_stack(&out, 2)->survivor_bytes, 40); // before the middle, at 20.5 s
    assert_int_equal(by_stack(&out, 2)->oldest_ns, 6 * SECOND);
    assert_int_equal(by_stack(&out, 3)->outstanding_bytes, 50);
    assert_int_equal(by_stack(&out, 3)->survivor_bytes, 0);
    assert_int_equal(by_stack(&out, 3)->alloc_bytes, 50);
    assert_int_equal(out.n_frees, 1);
    assert_true(out.frees[0].unmatched);
    assert_int_equal(out.frees[0].frees, 1);
}

static void test_ends(void **state)
{
    (void)state;
    struct seep_pairing *p = seep_pairing_new(0, 10 * SECOND);
    struct outcome out;
    struct seep_pairing_origin first = heap(1), second = heap(2), other = heap(3);
    struct seep_pairing_origin handle = { .process = { 1 },
                                          .kind = SEEP_SITE_HANDLE,
                                          .stack = { 4 } };
    struct seep_pairing_origin pool = { .kind = SEEP_SITE_POOL, .tag = 0x6b61654c, .stack = { 5 } };
    struct seep_pairing_origin pages = virtual_memory(6);
    second.heap = 0x20000;
    other.process.v = 2;
    assert_true(seep_pairing_alloc(p, &first, 0x100, 1, 0));
    assert_true(seep_pairing_alloc(p, &second, 0x100, 2, 0)); // the same address, another heap
    assert_true(seep_pairing_alloc(p, &other, 0x100, 4, 0));
    assert_true(seep_pairing_alloc(p, &handle, 0x44, 0, 0));
    assert_true(seep_pairing_alloc(p, &pool, 0x100, 8, 0));
    assert_true(seep_pairing_commit(p, &pages, 0x1000, 0x3000, 0));
    assert_true(seep_pairing_heap_destroyed(p, (struct seep_process_id){ 1 }, 0x20000, SECOND));
    assert_true(seep_pairing_process_ended(p, (struct seep_process_id){ 1 }, 2 * SECOND));
    assert_true(seep_pairing_process_ended(p, (struct seep_process_id){ 9 }, 2 * SECOND));
    struct seep_pairing_totals totals = finish(p, &out);
    assert_int_equal(totals.outstanding_bytes, 4 + 8);
    assert_int_equal(totals.outstanding_count, 2);
    assert_int_equal(by_stack(&out, 2)->frees, 1);
    assert_int_equal(by_stack(&out, 4)->outstanding_count, 0);
    assert_int_equal(by_stack(&out, 6)->outstanding_bytes, 0);
    assert_non_null(by_stack(&out, 5)->name);
}

static void test_virtual_memory(void **state)
{
    (void)state;
    struct seep_pairing *p = seep_pairing_new(0, 10 * SECOND);
    struct outcome out;
    struct seep_pairing_origin a = virtual_memory(1), b = virtual_memory(2), c = virtual_memory(3);
    assert_true(seep_pairing_commit(p, &a, 0x10000, 0x4000, 0));
    assert_true(seep_pairing_commit(p, &b, 0x12000, 0x4000, 0));          // half of it is new
    assert_true(seep_pairing_decommit(p, &c, 0x11000, 0x1000, false, 1)); // a hole
    assert_true(seep_pairing_decommit(p, &c, 0x13000, 0x2000, true, 2));  // over an edge
    assert_true(seep_pairing_decommit(p, &c, 0x90000, 0x1000, true, 3));  // from before
    struct seep_pairing_totals totals = finish(p, &out);
    assert_int_equal(by_stack(&out, 1)->outstanding_bytes, 0x2000);
    assert_int_equal(by_stack(&out, 1)->outstanding_count, 2);
    assert_int_equal(by_stack(&out, 2)->alloc_bytes, 0x2000);
    assert_int_equal(by_stack(&out, 2)->outstanding_bytes, 0x1000);
    assert_int_equal(totals.outstanding_bytes, 0x3000);
    assert_int_equal(totals.unmatched_frees, 1);
    assert_int_equal(out.n_frees, 3);
    for (size_t i = 0; i < out.n_frees; i++) {
        assert_int_equal(out.frees[i].stack.v, 3);
        assert_int_equal(out.frees[i].bytes, i == 1 ? 0x2000 : 0x1000);
        assert_int_equal(out.frees[i].decommit, i == 0);
    }
}

// References are netted by object and tag: one that another tag takes does not give this one back.
static void test_references(void **state)
{
    (void)state;
    struct seep_pairing *p = seep_pairing_new(0, 10 * SECOND);
    struct outcome out;
    struct seep_pairing_origin good = { .kind = SEEP_SITE_REFERENCE, .tag = 1, .stack = { 1 } };
    struct seep_pairing_origin bad = { .kind = SEEP_SITE_REFERENCE, .tag = 2, .stack = { 2 } };
    struct seep_pairing_origin giver = { .kind = SEEP_SITE_REFERENCE, .tag = 1, .stack = { 3 } };
    for (int i = 0; i < 10; i++) {
        assert_true(seep_pairing_reference(p, &good, 0xffff0000, 1, i));
        assert_true(seep_pairing_reference(p, &bad, 0xffff0000, 2, i));
        assert_true(seep_pairing_reference(p, &giver, 0xffff0000, -1, i));
    }
    assert_true(seep_pairing_reference(p, &giver, 0xffff0000, -5, 11));
    struct seep_pairing_totals totals = finish(p, &out);
    assert_int_equal(totals.outstanding_count, 20);
    assert_int_equal(totals.unmatched_frees, 5);
    assert_int_equal(by_stack(&out, 1)->outstanding_count, 0);
    assert_int_equal(by_stack(&out, 2)->outstanding_count, 20);
    assert_int_equal(out.n_series, 1);
    assert_int_equal((int)out.last[0], 20);
}

// A line of one block a second over ten times the announced length: the moments are spread again.
static void test_growth(void **state)
{
    (void)state;
    struct seep_pairing *p = seep_pairing_new(0, 100 * SECOND);
    struct outcome out;
    struct seep_pairing_origin a = heap(1);
    for (int i = 1; i <= 1000; i++)
        assert_true(seep_pairing_alloc(p, &a, (uint64_t)i * 16, 100, i * SECOND));
    (void)finish(p, &out);
    assert_int_equal(out.n_series, 1);
    assert_in_range(out.n_samples, SEEP_PAIRING_MOMENTS / 2, SEEP_PAIRING_MOMENTS + 1);
    // The first moment is one step from the start, and every step adds the same.
    assert_in_range((int)out.first, 100000 / (SEEP_PAIRING_MOMENTS + 1) - 100,
                    200000 / (SEEP_PAIRING_MOMENTS + 1) * 2);
    assert_int_equal((int)out.last[0], 100000);
}

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

enum { ADDRESSES = 512, STACKS = 16 };

static void test_random_blocks(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        uint64_t sizes[ADDRESSES] = { 0 };
        uint32_t owners[ADDRESSES] = { 0 };
        struct seep_pairing *p = seep_pairing_new(0, SECOND);
        struct outcome out;
        random_state = seed;
        for (int step = 0; step < 20000; step++) {
            uint32_t at = random_below(ADDRESSES), stack = 1 + random_below(STACKS);
            struct seep_pairing_origin o = heap(stack);
            uint64_t size = 1 + random_below(1000);
            // Addresses that share their low bits collide where a hash is weak.
            uint64_t address = (uint64_t)(at + 1) << (seed % 2 ? 4 : 32);
            if (random_below(2)) {
                assert_true(seep_pairing_alloc(p, &o, address, size, step));
                sizes[at] = size;
                owners[at] = stack;
            } else {
                assert_true(seep_pairing_release(p, &o, address, step));
                sizes[at] = owners[at] = 0;
            }
        }
        (void)finish(p, &out);
        uint64_t bytes[STACKS + 1] = { 0 }, counts[STACKS + 1] = { 0 };
        for (int i = 0; i < ADDRESSES; i++) {
            bytes[owners[i]] += sizes[i];
            counts[owners[i]] += owners[i] != 0;
        }
        for (uint32_t stack = 1; stack <= STACKS; stack++) {
            assert_int_equal(by_stack(&out, stack)->outstanding_bytes, bytes[stack]);
            assert_int_equal(by_stack(&out, stack)->outstanding_count, counts[stack]);
        }
    }
}

enum { PAGES = 4096 };

static void test_random_ranges(void **state)
{
    (void)state;
    static uint8_t owners[PAGES];
    for (uint32_t seed = 1; seed <= 10; seed++) {
        memset(owners, 0, sizeof owners);
        struct seep_pairing *p = seep_pairing_new(0, SECOND);
        struct outcome out;
        random_state = seed;
        for (int step = 0; step < 20000; step++) {
            uint32_t base = random_below(PAGES), n = 1 + random_below(step % 97 ? 4 : PAGES);
            uint32_t stack = 1 + random_below(STACKS);
            struct seep_pairing_origin o = virtual_memory(stack);
            if (n > PAGES - base)
                n = PAGES - base;
            bool commit = random_below(2) != 0;
            if (commit)
                assert_true(seep_pairing_commit(p, &o, base, n, step));
            else
                assert_true(seep_pairing_decommit(p, &o, base, n, false, step));
            for (uint32_t i = base; i < base + n; i++) {
                if (!commit || !owners[i])
                    owners[i] = commit ? (uint8_t)stack : 0;
            }
        }
        (void)finish(p, &out);
        for (uint32_t stack = 1; stack <= STACKS; stack++) {
            uint64_t pages = 0;
            for (int i = 0; i < PAGES; i++)
                pages += owners[i] == stack;
            assert_int_equal(by_stack(&out, stack)->outstanding_bytes, pages);
        }
    }
}

static void ignore_change(void *ctx, uint32_t site, int64_t bytes, int64_t pieces)
{
    int64_t *sums = ctx;
    (void)site;
    sums[0] += bytes;
    sums[1] += pieces;
}

// A range over more pieces than one call may look at takes them over, so that a hostile log of such
// ranges costs what it adds.
static void test_wide_range(void **state)
{
    (void)state;
    struct seep_ranges ranges = { 0 };
    int64_t sums[2] = { 0, 0 };
    struct seep_range_change change = { ignore_change, sums };
    uint64_t n = SEEP_RANGES_SPAN * 3;
    for (uint64_t i = 0; i < n; i++)
        assert_true(seep_ranges_add(&ranges, i * 4, i * 4 + 1, 0, 0, &change));
    assert_int_equal(sums[0], n);
    assert_true(seep_ranges_add(&ranges, 0, UINT64_MAX, 1, 0, &change));
    assert_int_equal(sums[0], INT64_MAX - 0);
    assert_int_equal(sums[1], 1);
    assert_non_null(seep_ranges_at(&ranges, 77));
    seep_ranges_clear(&ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),         cmocka_unit_test(test_ends),
        cmocka_unit_test(test_virtual_memory), cmocka_unit_test(test_references),
        cmocka_unit_test(test_growth),         cmocka_unit_test(test_random_blocks),
        cmocka_unit_test(test_random_ranges),  cmocka_unit_test(test_wide_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
