// SPDX-License-Identifier: MIT
// Tests of the pool tracker tables: every era's entries, sums over processors, hostile tables.
#include "kernel/test_build.h"

#include <string.h>

enum { POOL = 1 << 20, ENTRIES = 128 };

struct rows {
    struct seep_kernel_tag at[256];
    size_t n, stop_after;
};

static bool on_tag(void *ctx, const struct seep_kernel_tag *tag)
{
    struct rows *rows = ctx;
    if (rows->stop_after && rows->n >= rows->stop_after)
        return false;
    if (rows->n < sizeof rows->at / sizeof rows->at[0])
        rows->at[rows->n] = *tag;
    rows->n++;
    return true;
}

static uint32_t key_of(const char *tag)
{
    return seep_le32((const uint8_t *)tag);
}

static const struct seep_kernel_tag *row(const struct rows *rows, const char *tag, bool paged,
                                         uint32_t session)
{
    const struct seep_kernel_tag *found = NULL;
    for (size_t i = 0; i < rows->n; i++) {
        const struct seep_kernel_tag *t = &rows->at[i];
        if (t->key == key_of(tag) && t->paged == paged && t->session == session) {
            assert_null(found); // one row for each
            found = t;
        }
    }
    return found;
}

static void read_all(struct kit_kernel *k, struct rows *rows, struct seep_kernel_gaps *gaps)
{
    struct seep_err err = { 0 };
    memset(rows, 0, sizeof *rows);
    memset(gaps, 0, sizeof *gaps);
    if (!seep_kernel_each_tag(&k->kernel, on_tag, rows, gaps, &err))
        fail_msg("%s: %s", k->era->name, err.what);
}

static void assert_row(const struct rows *rows, const char *tag, bool paged, uint64_t allocs,
                       uint64_t frees, uint64_t bytes)
{
    const struct seep_kernel_tag *t = row(rows, tag, paged, SEEP_KERNEL_SYSTEM_SESSION);
    assert_non_null(t);
    assert_int_equal(t->allocs, allocs);
    assert_int_equal(t->frees, frees);
    assert_int_equal(t->bytes, bytes);
}

static void assert_no_gaps(const struct seep_kernel_gaps *gaps)
{
    assert_int_equal(gaps->n_unreadable, 0);
    assert_int_equal(gaps->n_bad, 0);
    assert_int_equal(gaps->first, 0);
}

// Four processors, one that is not there, an expansion table; a block of `Leak` is allocated here
// and freed there.
static void build(struct kit_kernel *k, const struct kit_era *era)
{
    kit_kernel_init(k, era, POOL);
    uint64_t tables[3];
    (void)kit_alloc(k, 8, 8); // entries across pages, at no round place
    for (size_t i = 0; i < 3; i++)
        tables[i] = kit_trackers(k, ENTRIES);
    kit_track(k, tables[0], 3, &(struct kit_tracked){ "Leak", 1000, 0, 640000, 5, 0, 80 });
    kit_track(k, tables[1], 3, &(struct kit_tracked){ "Leak", 0, 400, -256000, 0, 2, -32 });
    kit_track(k, tables[2], 3, &(struct kit_tracked){ "Leak", 7, 100, -59520, 0, 0, 0 });
    kit_track(k, tables[0], 9, &(struct kit_tracked){ "Proc", 0, 0, 0, 30, 20, 25600 });
    // The mark of protected tags: the same tag, however it was freed.
    kit_track(k, tables[0], 10, &(struct kit_tracked){ "Nt\x66\xe8", 4, 1, 300, 0, 0, 0 });
    kit_track(k, tables[1], 11, &(struct kit_tracked){ "Nt\x66\x68", 0, 2, -200, 0, 0, 0 });
    // Never used: no row. No key: nothing, whatever stands there.
    kit_track(k, tables[1], 20, &(struct kit_tracked){ "None", 0, 0, 0, 0, 0, 0 });
    kit_track(k, tables[2], 21, &(struct kit_tracked){ "\0\0\0\0", 9, 9, 9, 9, 9, 9 });
    kit_track(k, tables[2], ENTRIES - 1, &(struct kit_tracked){ "Last", 1, 1, 0, 0, 0, 0 });
    kit_set_pool_table(k, tables[0], ENTRIES);
    kit_set_processor_table(k, 0, tables[0]); // the first processor's is PoolTrackTable
    kit_set_processor_table(k, 1, tables[1]);
    kit_set_processor_table(k, 3, tables[2]);
    kit_set_processor_table(k, 4, tables[1]); // twice
    uint64_t expansion = kit_trackers(k, 4);
    kit_track(k, expansion, 2, &(struct kit_tracked){ "Expn", 2, 1, 16, 0, 0, 0 });
    kit_track(k, expansion, 3, &(struct kit_tracked){ "Leak", 1, 0, 64, 0, 0, 0 });
    kit_pointer(k, k->kernel.symbols.pool_track_table_expansion, expansion);
    kit_pointer(k, k->kernel.symbols.pool_track_table_expansion_size, 4);
}

static void sums_over_processors_in_every_era(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct kit_kernel k;
        struct rows rows;
        struct seep_kernel_gaps gaps;
        build(&k, kit_era(i));
        read_all(&k, &rows, &gaps);
        assert_row(&rows, "Leak", false, 1008, 500, 640000 - 256000 - 59520 + 64);
        assert_row(&rows, "Leak", true, 5, 2, 48);
        assert_row(&rows, "Proc", true, 30, 20, 25600);
        assert_row(&rows, "Nt\x66\x68", false, 4, 3, 100);
        assert_row(&rows, "Last", false, 1, 1, 0);
        assert_row(&rows, "Expn", false, 2, 1, 16);
        assert_int_equal(rows.n, 6);
        assert_int_equal(rows.at[0].wraps, kit_era(i)->layout.tracker.count_bytes == 4);
        assert_no_gaps(&gaps);
        kit_kernel_clear(&k);
    }
}

static void counts_of_32_bits_are_added_modulo_their_width(void **state)
{
    struct kit_kernel k;
    struct rows rows;
    struct seep_kernel_gaps gaps;
    (void)state;
    kit_kernel_init(&k, kit_era_named("7601"), POOL);
    uint64_t a = kit_trackers(&k, 4), b = kit_trackers(&k, 4);
    kit_track(&k, a, 0, &(struct kit_tracked){ "Wrap", 0xfffffff0, 0xffffffff, 4096, 0, 0, 0 });
    kit_track(&k, b, 0, &(struct kit_tracked){ "Wrap", 0x20, 0x5, 64, 0, 0, 0 });
    kit_set_pool_table(&k, a, 4);
    kit_set_processor_table(&k, 0, a);
    kit_set_processor_table(&k, 1, b);
    read_all(&k, &rows, &gaps);
    assert_row(&rows, "Wrap", false, 0x10, 4, 4160);
    assert_true(rows.at[0].wraps);
    assert_no_gaps(&gaps);
    kit_kernel_clear(&k);
}

static void less_than_nothing_is_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct kit_kernel k;
        struct rows rows;
        struct seep_kernel_gaps gaps;
        kit_kernel_init(&k, kit_era(i), POOL);
        uint64_t a = kit_trackers(&k, 4);
        kit_track(&k, a, 0, &(struct kit_tracked){ "Odd1", 10, 20, -4096, 0, 0, 0 });
        kit_set_pool_table(&k, a, 4);
        read_all(&k, &rows, &gaps);
        assert_row(&rows, "Odd1", false, 10, 20, UINT64_MAX);
        assert_int_equal(gaps.n_bad, 1);
        kit_kernel_clear(&k);
    }
}

static void a_hole_in_a_table_is_one_gap(void **state)
{
    struct kit_kernel k;
    struct rows rows;
    struct seep_kernel_gaps gaps;
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    uint64_t size = k.era->layout.tracker.size, low = UINT64_C(0xffff900000000000);
    // Three pages of entries, the middle one is not held.
    kit_memory_add(&k.m, low, 4096);
    kit_memory_add(&k.m, low + 8192, 4096);
    uint64_t n = 3 * 4096 / size, first = (8192 + size - 1) / size;
    kit_track(&k, low, 4096 / size - 1, &(struct kit_tracked){ "Low1", 1, 0, 8, 0, 0, 0 });
    kit_track(&k, low, first, &(struct kit_tracked){ "High", 2, 0, 8, 0, 0, 0 });
    kit_set_pool_table(&k, low, n);
    read_all(&k, &rows, &gaps);
    assert_row(&rows, "Low1", false, 1, 0, 8);
    assert_row(&rows, "High", false, 2, 0, 8);
    assert_int_equal(rows.n, 2);
    assert_int_equal(gaps.n_unreadable, 1);
    assert_int_equal(gaps.first, low + 4096 / size * size);
    kit_kernel_clear(&k);
}

static void counts_are_believed_as_far_as_memory_goes(void **state)
{
    static const uint64_t counts[] = { UINT64_C(1) << 60, UINT64_MAX, UINT64_C(1) << 21, 5000 };
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct kit_kernel k;
        struct rows rows;
        struct seep_kernel_gaps gaps;
        kit_kernel_init(&k, kit_era_named("20348"), POOL);
        uint64_t end = UINT64_C(0xffff900000000000);
        kit_memory_add(&k.m, end, 4096);
        kit_track(&k, end, 50, &(struct kit_tracked){ "Here", 3, 1, 128, 0, 0, 0 });
        kit_set_pool_table(&k, end, counts[i]);
        read_all(&k, &rows, &gaps);
        assert_row(&rows, "Here", false, 3, 1, 128);
        assert_int_equal(gaps.n_unreadable, 1);
        assert_int_equal(gaps.n_bad, counts[i] > 1 << 20);
        kit_kernel_clear(&k);
    }
}

static void a_table_ends_where_addresses_do(void **state)
{
    struct kit_kernel k;
    struct rows rows;
    struct seep_kernel_gaps gaps;
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    uint64_t last = UINT64_MAX - 4095;
    kit_memory_add(&k.m, last, 4095); // the kit, too, has no byte at the very end
    kit_track(&k, last, 2, &(struct kit_tracked){ "Edge", 3, 1, 128, 0, 0, 0 });
    kit_set_pool_table(&k, last, UINT64_C(1) << 40);
    read_all(&k, &rows, &gaps);
    assert_row(&rows, "Edge", false, 3, 1, 128);
    assert_true(gaps.n_bad >= 1);
    kit_kernel_clear(&k);
}

static void tables_that_are_none_are_gaps(void **state)
{
    struct kit_kernel k;
    struct rows rows;
    struct seep_kernel_gaps gaps;
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    uint64_t a = kit_trackers(&k, 4);
    kit_track(&k, a, 0, &(struct kit_tracked){ "Good", 10, 2, 4096, 0, 0, 0 });
    kit_set_pool_table(&k, a, 4);
    kit_set_processor_table(&k, 0, a);
    kit_set_processor_table(&k, 1, 0x12345);                      // user's half
    kit_set_processor_table(&k, 2, a + 4);                        // not aligned
    kit_set_processor_table(&k, 3, UINT64_MAX - 7);               // wraps
    kit_set_processor_table(&k, 4, UINT64_C(0xffffb00000000000)); // not held
    read_all(&k, &rows, &gaps);
    assert_row(&rows, "Good", false, 10, 2, 4096);
    assert_int_equal(rows.n, 1);
    assert_int_equal(gaps.n_bad, 3);
    assert_int_equal(gaps.n_unreadable, 1);
    kit_kernel_clear(&k);
}

static void what_follows_the_processors_is_no_table(void **state)
{
    struct kit_kernel k;
    struct rows rows;
    struct seep_kernel_gaps gaps;
    (void)state;
    build(&k, kit_era_named("19041"));
    // The array's end is known by PoolTrackTableSize only: a mask and pointers come before it.
    k.kernel.symbols.pool_track_table_expansion = 0;
    k.kernel.symbols.pool_track_table_expansion_size = 0;
    read_all(&k, &rows, &gaps);
    assert_row(&rows, "Leak", false, 1007, 500, 640000 - 256000 - 59520);
    assert_int_equal(rows.n, 5); // all but what the expansion alone has
    assert_no_gaps(&gaps);
    kit_kernel_clear(&k);
    // Nothing behind it is known: it ends with the first processor that is not there.
    build(&k, kit_era_named("19041"));
    struct seep_kernel_symbols *s = &k.kernel.symbols;
    s->active_processes = s->cid_table = s->handle_table_list = s->object_header_cookie = 0;
    s->system_partition = s->pool_track_table_expansion = 0;
    s->pool_track_table_expansion_size = s->pool_track_table;
    s->pool_track_table_size = s->pool_track_table + 16;
    kit_put(&k.m, s->pool_track_table_size, 8, ENTRIES);
    read_all(&k, &rows, &gaps);
    assert_row(&rows, "Leak", false, 1000, 400, 640000 - 256000);
    kit_kernel_clear(&k);
}

static void the_array_of_processors_may_not_be_held_whole(void **state)
{
    struct kit_kernel k;
    struct rows rows;
    struct seep_kernel_gaps gaps;
    (void)state;
    for (unsigned zeros = 0; zeros < 100; zeros += 99) {
        kit_kernel_init(&k, kit_era_named("19041"), POOL);
        uint64_t a = kit_trackers(&k, 4), page = UINT64_C(0xffff900000000000);
        kit_memory_add(&k.m, page, 4096);
        kit_track(&k, a, 0, &(struct kit_tracked){ "Good", 10, 2, 4096, 0, 0, 0 });
        kit_set_pool_table(&k, a, 4);
        // The page's last places are processors', or zeros; the next page is away.
        k.kernel.symbols.pool_tag_tables = page + 4096 - 8 * (1 + zeros);
        k.kernel.symbols.pool_tag_tables_end = k.kernel.symbols.pool_tag_tables + 8 * 1280;
        kit_set_processor_table(&k, 0, a);
        read_all(&k, &rows, &gaps);
        assert_row(&rows, "Good", false, 10, 2, 4096);
        assert_int_equal(gaps.n_unreadable, zeros == 0);
        kit_kernel_clear(&k);
    }
}

static void a_sessions_table_where_it_shows(void **state)
{
    struct kit_kernel k;
    struct rows rows;
    struct seep_kernel_gaps gaps;
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    uint64_t a = kit_trackers(&k, 4), session = kit_trackers(&k, 4);
    kit_track(&k, a, 0, &(struct kit_tracked){ "Gh05", 10, 2, 4096, 0, 0, 0 });
    kit_track(&k, session, 1, &(struct kit_tracked){ "Gh05", 0, 0, 0, 7, 3, 512 });
    kit_set_pool_table(&k, a, 4);
    k.kernel.symbols.session_pool_track_table = k.image + 0x310;
    k.kernel.symbols.session_pool_track_table_size = k.image + 0x320;
    kit_pointer(&k, k.image + 0x310, session);
    kit_pointer(&k, k.image + 0x320, 4);
    read_all(&k, &rows, &gaps);
    const struct seep_kernel_tag *t = row(&rows, "Gh05", true, SEEP_KERNEL_SESSION_UNKNOWN);
    assert_non_null(t);
    assert_int_equal(t->bytes, 512);
    assert_row(&rows, "Gh05", false, 10, 2, 4096);
    // One session only: it is that one.
    uint64_t process = kit_process(&k, 8, "csrss.exe", 0), space = kit_alloc(&k, 64, 16);
    kit_pointer(&k, process + k.era->layout.process.session, space);
    kit_put(&k.m, space + 8, 4, 3);
    read_all(&k, &rows, &gaps);
    assert_non_null(row(&rows, "Gh05", true, 3));
    assert_no_gaps(&gaps);
    // Two: the table does not say which.
    process = kit_process(&k, 12, "csrss.exe", 0);
    space = kit_alloc(&k, 64, 16);
    kit_pointer(&k, process + k.era->layout.process.session, space);
    kit_put(&k.m, space + 8, 4, 4);
    read_all(&k, &rows, &gaps);
    assert_non_null(row(&rows, "Gh05", true, SEEP_KERNEL_SESSION_UNKNOWN));
    // In another address space it does not show: said, and the rest is there.
    kit_pointer(&k, k.image + 0x310, UINT64_C(0xffffff8a40000000));
    read_all(&k, &rows, &gaps);
    assert_int_equal(rows.n, 1);
    assert_true(gaps.session_missing); // which is no defect
    assert_no_gaps(&gaps);
    kit_kernel_clear(&k);
}

static void without_layout_or_table_it_says_so(void **state)
{
    struct kit_kernel k;
    struct rows rows = { 0 };
    struct seep_kernel_gaps gaps = { 0 };
    struct seep_err err = { 0 };
    (void)state;
    build(&k, kit_era_named("19041"));
    struct seep_kernel good = k.kernel;
    k.kernel.layout.tracker.size = SEEP_KERNEL_NO_OFFSET;
    assert_false(seep_kernel_each_tag(&k.kernel, on_tag, &rows, &gaps, &err));
    assert_non_null(strstr(err.what, "not known"));
    assert_non_null(strstr(err.hint, "--symbols"));
    k.kernel = good;
    k.kernel.layout.tracker.paged_frees = k.kernel.layout.tracker.size - 4; // 8 bytes wide
    assert_false(seep_kernel_each_tag(&k.kernel, on_tag, &rows, &gaps, &err));
    k.kernel = good;
    k.kernel.symbols.pool_track_table = 0;
    assert_false(seep_kernel_each_tag(&k.kernel, on_tag, &rows, &gaps, &err));
    k.kernel = good;
    k.kernel.symbols.pool_tag_tables = 0;
    k.kernel.symbols.pool_track_table_expansion = 0;
    kit_set_pool_table(&k, UINT64_C(0xffffb00000000000), 128);
    assert_false(seep_kernel_each_tag(&k.kernel, on_tag, &rows, &gaps, &err));
    assert_non_null(strstr(err.what, "0xffffb00000000000"));
    assert_int_equal(rows.n, 0);
    kit_kernel_clear(&k);
}

static void it_stops_when_told(void **state)
{
    struct kit_kernel k;
    struct rows rows = { .stop_after = 2 };
    struct seep_kernel_gaps gaps = { 0 };
    (void)state;
    build(&k, kit_era_named("19041"));
    assert_false(seep_kernel_each_tag(&k.kernel, on_tag, &rows, &gaps, NULL));
    assert_int_equal(rows.n, 2);
    kit_kernel_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_over_processors_in_every_era),
        cmocka_unit_test(counts_of_32_bits_are_added_modulo_their_width),
        cmocka_unit_test(less_than_nothing_is_unknown),
        cmocka_unit_test(a_hole_in_a_table_is_one_gap),
        cmocka_unit_test(counts_are_believed_as_far_as_memory_goes),
        cmocka_unit_test(a_table_ends_where_addresses_do),
        cmocka_unit_test(tables_that_are_none_are_gaps),
        cmocka_unit_test(what_follows_the_processors_is_no_table),
        cmocka_unit_test(the_array_of_processors_may_not_be_held_whole),
        cmocka_unit_test(a_sessions_table_where_it_shows),
        cmocka_unit_test(without_layout_or_table_it_says_so),
        cmocka_unit_test(it_stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
