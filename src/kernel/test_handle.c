// SPDX-License-Identifier: MIT
// Tests of handle tables and object headers: levels, entries of every era, damaged tables.
#include "kernel/test_build.h"

#include <string.h>

enum { POOL = 8 << 20 };

struct seen {
    struct seep_kernel_handle at[64];
    size_t n, stop_after;
};

static bool on_handle(void *ctx, const struct seep_kernel_handle *handle)
{
    struct seen *seen = ctx;
    if (seen->stop_after && seen->n >= seen->stop_after)
        return false;
    if (seen->n < sizeof seen->at / sizeof seen->at[0])
        seen->at[seen->n] = *handle;
    seen->n++;
    return true;
}

static void assert_seen(const struct kit_kernel *k, const struct seep_kernel_handle *handle,
                        uint64_t value, uint64_t object, uint32_t access, uint64_t prepaid)
{
    assert_int_equal(handle->value, value);
    assert_int_equal(handle->object, kit_header(k, object));
    assert_int_equal(handle->access, access);
    assert_int_equal(handle->prepaid, prepaid);
}

static void all_levels_of_every_era(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        for (unsigned levels = 0; levels < 3; levels++) {
            struct kit_kernel k;
            struct seen seen = { 0 };
            struct seep_kernel_gaps gaps = { 0 };
            struct seep_err err = { 0 };
            kit_kernel_init(&k, kit_era(i), POOL);
            uint64_t file = kit_file(&k), process = kit_process(&k, 8, "a.exe", 0);
            // Two levels hold 2^17 handles of 64 bits, 2^19 of 32.
            uint64_t per_leaf = 4096 / (2 * k.era->pointer);
            uint64_t last = levels == 0 ? per_leaf - 1 : levels == 1 ? 3 * per_leaf : 140000;
            uint64_t table = kit_table(&k, process, levels, last + 2, false);
            uint32_t full = kit_prepaid(&k);
            kit_open(&k, table, 4, file, 0x12019f, 0);
            kit_open(&k, table, 0x1c, process, 0x1fffff, full > 5 ? 5 : 0);
            kit_open(&k, table, (per_leaf - 1) * 4, file, 0x1, full > 5 ? full : 0);
            if (levels)
                kit_open(&k, table, (last + 1) * 4, file, 0x2, 0);
            bool ok = seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, &err);
            if (!ok)
                fail_msg("%s, %u levels: %s", k.era->name, levels, err.what);
            assert_int_equal(seen.n, levels ? 4 : 3);
            assert_seen(&k, &seen.at[0], 4, file, 0x12019f, full);
            assert_seen(&k, &seen.at[1], 0x1c, process, 0x1fffff, full > 5 ? full - 5 : full);
            assert_seen(&k, &seen.at[2], (per_leaf - 1) * 4, file, 1, 0);
            if (levels)
                assert_seen(&k, &seen.at[3], (last + 1) * 4, file, 2, full);
            assert_int_equal(gaps.n_bad + gaps.n_unreadable, 0);
            kit_kernel_clear(&k);
        }
    }
}

static void entries_to_the_bit(void **state)
{
    struct kit_kernel k;
    struct seen seen = { 0 };
    struct seep_kernel_gaps gaps = { 0 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    uint64_t table = kit_table(&k, 0, 0, 10, false), at = kit_entry_address(&k, table, 4);
    kit_put(&k.m, at, 8, UINT64_C(0xd30ab2c030c6fff9));
    kit_put(&k.m, at + 8, 8, UINT64_C(0x021fffff) | UINT64_C(0xdeadbeef00000000));
    // Half of the address space is the user's: an address below is not extended.
    kit_put(&k.m, at + 16, 8, UINT64_C(0x0123456789a00001));
    assert_true(seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, NULL));
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.at[0].object, UINT64_C(0xffffd30ab2c030c0));
    assert_int_equal(seen.at[0].prepaid, 0x7ffc);
    assert_int_equal(seen.at[0].access, 0x1fffff);
    assert_int_equal(seen.at[1].object, UINT64_C(0x0123456789a0));
    assert_int_equal(seen.at[1].prepaid, 0);
    // A kernel with five levels of page tables has more bits of address and fewer of references.
    memcpy(k.kernel.pdb_name, "ntkrla57.pdb", sizeof "ntkrla57.pdb");
    uint64_t header = UINT64_C(0xff12345678abcde0);
    kit_put(&k.m, at, 8, header >> 4 << 11 | 2 << 8 | 0x55 << 1 | 1);
    kit_put(&k.m, at + 16, 8, 0);
    memset(&seen, 0, sizeof seen);
    assert_true(seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, NULL));
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.at[0].object, header);
    assert_int_equal(seen.at[0].prepaid, 0x55);
    // Windows 8, before 8.1: more of references, fewer of the address.
    k.kernel.pdb_name[0] = '\0';
    k.kernel.build = 9200;
    header = UINT64_C(0xfffffa8012345670);
    kit_put(&k.m, at, 8, header >> 4 << 23 | 5 << 20 | 0x4abcd << 1 | 1);
    memset(&seen, 0, sizeof seen);
    assert_true(seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, NULL));
    assert_int_equal(seen.at[0].object, header);
    assert_int_equal(seen.at[0].prepaid, 0x4abcd);
    kit_kernel_clear(&k);
}

static void damaged_tables_end_and_say_so(void **state)
{
    struct kit_kernel k;
    struct seen seen = { 0 };
    struct seep_kernel_gaps gaps = { 0 };
    struct seep_err err = { 0 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    uint64_t file = kit_file(&k), table = kit_table(&k, 0, 1, 1000, false);
    uint64_t code = table + k.era->layout.handle_table.table_code;
    uint64_t middle = kit_number(&k, code, 8) & ~UINT64_C(7);
    kit_open(&k, table, 4, file, 1, 0);
    kit_open(&k, table, 0xc04, file, 1, 0);
    // A fourth level, no address, a table that is not there.
    static const uint64_t codes[] = { 3, 0, 0x1000, 0x7ff612340001 };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        kit_pointer(&k, code, codes[i] == 3 ? middle | 3 : codes[i]);
        memset(&gaps, 0, sizeof gaps);
        assert_false(seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, &err));
        assert_non_null(strstr(err.what, "damaged"));
        assert_int_equal(gaps.n_bad, 1);
    }
    assert_false(seep_kernel_each_handle(&k.kernel, UINT64_C(0xffffb00000000000), on_handle, &seen,
                                         &gaps, &err));
    assert_non_null(strstr(err.what, "not held"));
    kit_pointer(&k, code, UINT64_C(0xffffb00000000001));
    assert_false(seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, &err));
    assert_non_null(strstr(err.what, "no page"));
    assert_int_equal(seen.n, 0);
    // One page of entries is away: the others are there.
    kit_pointer(&k, code, middle | 1);
    kit_pointer(&k, middle + 8, UINT64_C(0xffffb00000000000));
    kit_pointer(&k, middle + 16, 0x123);
    memset(&gaps, 0, sizeof gaps);
    assert_true(seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, &err));
    assert_int_equal(seen.n, 2);
    assert_int_equal(gaps.n_unreadable, 1);
    assert_int_equal(gaps.n_bad, 1);
    // A table that is its own page of entries, at every level, ends.
    for (unsigned level = 0; level < 3; level++) {
        for (uint64_t i = 0; i < 512; i++)
            kit_pointer(&k, middle + i * 8, middle);
        kit_pointer(&k, code, middle | level);
        memset(&seen, 0, sizeof seen);
        memset(&gaps, 0, sizeof gaps);
        (void)seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, NULL);
        assert_true(seen.n <= 255);
        assert_int_equal(gaps.n_bad > 0, level > 0);
    }
    kit_kernel_clear(&k);
}

static void it_stops_when_told(void **state)
{
    struct kit_kernel k;
    struct seen seen = { .stop_after = 1 };
    struct seep_kernel_gaps gaps = { 0 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    uint64_t file = kit_file(&k), table = kit_table(&k, 0, 0, 10, false);
    kit_open(&k, table, 4, file, 1, 0);
    kit_open(&k, table, 8, file, 1, 0);
    assert_false(seep_kernel_each_handle(&k.kernel, table, on_handle, &seen, &gaps, NULL));
    assert_int_equal(seen.n, 1);
    kit_kernel_clear(&k);
}

static void headers_of_every_era(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct kit_kernel k;
        struct seep_kernel_object object;
        kit_kernel_init(&k, kit_era(i), POOL);
        uint64_t file = kit_file(&k), table = kit_table(&k, 0, 0, 10, false);
        kit_open(&k, table, 4, file, 1, 0);
        kit_open(&k, table, 8, file, 1, kit_prepaid(&k) > 100 ? 100 : 0);
        kit_reference(&k, file, 3);
        assert_true(seep_kernel_read_object(&k.kernel, kit_header(&k, file), &object));
        assert_int_equal(object.body, file);
        assert_int_equal(object.type_index, KIT_TYPE_FILE);
        assert_int_equal(object.n_handles, 2);
        uint64_t used = kit_prepaid(&k) > 100 ? 100 : 0;
        assert_int_equal(object.n_pointers, 2 * ((uint64_t)kit_prepaid(&k) + 1) - used + 3);
        // A layout may say the header without the body's first bytes.
        k.kernel.layout.object_header.size -= 8;
        assert_true(seep_kernel_read_object(&k.kernel, kit_header(&k, file), &object));
        assert_int_equal(object.body, file);
        kit_kernel_clear(&k);
    }
}

static void headers_that_say_nothing(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_object object = { .body = 42 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    uint64_t file = kit_file(&k), header = kit_header(&k, file);
    assert_false(seep_kernel_read_object(&k.kernel, 0, &object));
    assert_false(seep_kernel_read_object(&k.kernel, UINT64_MAX - 7, &object));
    assert_false(seep_kernel_read_object(&k.kernel, UINT64_C(0xffffb00000000000), &object));
    assert_int_equal(object.body, 42);
    kit_pointer(&k, header, UINT64_MAX); // one reference too few
    k.kernel.symbols.object_header_cookie = 0;
    assert_true(seep_kernel_read_object(&k.kernel, header, &object));
    assert_int_equal(object.n_pointers, UINT64_MAX);
    assert_int_equal(object.type_index, 0);
    kit_kernel_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_levels_of_every_era),       cmocka_unit_test(entries_to_the_bit),
        cmocka_unit_test(damaged_tables_end_and_say_so), cmocka_unit_test(it_stops_when_told),
        cmocka_unit_test(headers_of_every_era),          cmocka_unit_test(headers_that_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
