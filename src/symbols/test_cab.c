// SPDX-License-Identifier: MIT
// Tests of cabinets: every method that synth_cab.py writes, and what damaged ones do.
#include "testkit.h"

#include "symbols/expand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const cabinets[] = {
    "lzx-verbatim", "lzx-aligned",    "lzx-stored", "lzx-mixed", "lzx-calls", "lzx-large",
    "lzx-tiny",     "lzx-one-letter", "mszip",      "stored",    "reserve",   "second",
};

static bool add(void *ctx, const void *data, size_t len)
{
    struct seep_buf *out = ctx;
    seep_buf_add(out, data, len);
    return !out->failed;
}

static bool expand(struct seep_bytes cabinet, struct seep_buf *out, struct seep_err *err)
{
    const struct seep_expand to = { .take = add, .ctx = out };
    seep_buf_reset(out);
    return seep_cab_expand(cabinet, &to, err);
}

static struct seep_buf built(const char *name, const char *ending)
{
    char path[256];
    (void)snprintf(path, sizeof path, "src/symbols/cabinets/%s.%s", name, ending);
    return testkit_built_file(path);
}

static void every_method_gives_the_bytes_that_were_packed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cabinets / sizeof *cabinets; i++) {
        struct seep_buf cab = built(cabinets[i], "cab"), expected = built(cabinets[i], "bin");
        struct seep_buf out = { 0 };
        struct seep_err err = { 0 };
        bool ok = expand(seep_bytes(cab.data, cab.len), &out, &err);
        if (!ok)
            print_error("%s: %s\n", cabinets[i], err.what);
        assert_true(ok);
        assert_int_equal(out.len, expected.len);
        assert_memory_equal(out.data, expected.data, out.len);
        seep_buf_clear(&out);
        seep_buf_clear(&cab);
        seep_buf_clear(&expected);
    }
}

// Whatever is changed, the result is an error with words, or as many bytes as announced.
static void damaged_cabinets_are_refused(void **state)
{
    (void)state;
    enum { FLIPS = 400 };
    for (size_t i = 0; i < sizeof cabinets / sizeof *cabinets; i++) {
        struct seep_buf cab = built(cabinets[i], "cab"), out = { 0 };
        uint64_t random = 88172645463325252u;
        for (int k = 0; k < FLIPS; k++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Half of them in the structures at the start.
            size_t at = (size_t)(random >> 8) % (k % 2 && cab.len > 200 ? 200 : cab.len);
            char old = cab.data[at];
            cab.data[at] = (char)(random >> 40);
            if (k % 4 == 0) // the checksum of the first block would see everything
                memset(cab.data + 36 + 8 + 16 + 11, 0, cab.len > 100 ? 4 : 0);
            struct seep_err err = { 0 };
            if (!expand(seep_bytes(cab.data, cab.len), &out, &err))
                assert_string_not_equal(err.what, "");
            assert_true(out.len <= seep_expand_limit(cab.len));
            cab.data[at] = old;
        }
        for (size_t len = 0; len < cab.len; len += 1 + cab.len / 40) {
            uint8_t *copy = malloc(len + 1);
            struct seep_err err = { 0 };
            assert_non_null(copy);
            memcpy(copy, cab.data, len);
            assert_false(expand(seep_bytes(copy, len), &out, &err));
            assert_string_not_equal(err.what, "");
            free(copy);
        }
        seep_buf_clear(&cab);
        seep_buf_clear(&out);
    }
}

static void a_wrong_checksum_is_seen(void **state)
{
    (void)state;
    struct seep_buf cab = built("stored", "cab"), out = { 0 };
    struct seep_err err = { 0 };
    cab.data[cab.len - 1] ^= 1;
    assert_false(expand(seep_bytes(cab.data, cab.len), &out, &err));
    assert_non_null(strstr(err.what, "checksum"));
    seep_buf_clear(&cab);
    seep_buf_clear(&out);
}

static bool refuse(void *ctx, const void *data, size_t len)
{
    unsigned *n = ctx;
    (void)data;
    (void)len;
    return ++*n < 2;
}

static void a_full_disk_stops_it(void **state)
{
    (void)state;
    struct seep_buf cab = built("mszip", "cab");
    struct seep_err err = { 0 };
    unsigned n = 0;
    const struct seep_expand to = { .take = refuse, .ctx = &n };
    assert_false(seep_cab_expand(seep_bytes(cab.data, cab.len), &to, &err));
    assert_int_equal(n, 2);
    assert_string_equal(err.what, "");
    seep_buf_clear(&cab);
}

// 2 GiB of one letter announced in a few bytes.
static void a_file_out_of_proportion_is_refused(void **state)
{
    (void)state;
    struct seep_buf cab = built("lzx-one-letter", "cab"), out = { 0 };
    struct seep_err err = { 0 };
    const size_t folder = 36, file = 44;
    cab.data[folder + 4] = cab.data[folder + 5] = '\xff'; // 65,535 blocks
    memcpy(cab.data + file, "\0\0\0\x70", 4);
    assert_false(expand(seep_bytes(cab.data, cab.len), &out, &err));
    assert_non_null(strstr(err.what, "times its size"));
    assert_int_equal(out.len, 0);
    seep_buf_clear(&cab);
    seep_buf_clear(&out);
}

static void other_files_are_no_cabinets(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    struct seep_buf out = { 0 };
    assert_false(seep_cab_is(seep_bytes("MSC", 3)));
    assert_false(expand(seep_bytes("Microsoft C/C++ MSF 7.00", 24), &out, &err));
    assert_string_equal(err.what, "is not a cabinet");
    assert_false(expand(seep_bytes("", 0), &out, &err));
    seep_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_gives_the_bytes_that_were_packed),
        cmocka_unit_test(damaged_cabinets_are_refused),
        cmocka_unit_test(a_wrong_checksum_is_seen),
        cmocka_unit_test(a_full_disk_stops_it),
        cmocka_unit_test(a_file_out_of_proportion_is_refused),
        cmocka_unit_test(other_files_are_no_cabinets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
