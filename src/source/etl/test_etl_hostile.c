// SPDX-License-Identifier: MIT
// The trace source against traces that are cut, damaged or lie about their sizes.
#include "source/etl/test_kit.h"

#include "base/alloc.h"
#include "nt/xpress.h"

#include <stdio.h>
#include <string.h>

extern const struct seep_source seep_source_etl;

static enum seep_status read_bytes(const void *data, size_t len, uint64_t *harmful)
{
    struct etl_kit kit;
    etl_kit_read(&kit, data, len, ETL_AS_FITS);
    enum seep_status status = kit.status;
    *harmful = kit.sink.n_harmful_losses;
    if (status == SEEP_FAILED)
        assert_true(kit.err.what[0] != '\0'); // it says why
    etl_kit_clear(&kit);
    return status;
}

// Cuts at every place: nothing is read past the end (each copy ends with its allocation), and a cut
// inside what is used is told.
static void cut_traces_give_what_they_hold(void **state)
{
    (void)state;
    static const char *const cases[] = { "heaps", "keys", "compressed-keys", "images", "story-32" };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seep_buf whole = etl_kit_bytes(cases[i]);
        uint64_t lost = 0, harmful;
        for (size_t len = 0; len < whole.len; len += 1 + len % 3) {
            char *copy = seep_alloc(len, 1);
            assert_non_null(copy);
            if (len)
                memcpy(copy, whole.data, len);
            if (read_bytes(copy, len, &harmful) != SEEP_FAILED)
                lost += harmful > 0;
            seep_free(copy);
        }
        assert_true(lost > 0);
        seep_buf_clear(&whole);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void flipped_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char *const cases[] = { "heaps",  "keys",       "virtual",        "handles",
                                         "images", "references", "wow64",          "story-32",
                                         "pids",   "compressed", "compressed-keys" };
    uint64_t random = 88172645463325252u, harmful;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seep_buf bytes = etl_kit_bytes(cases[i]);
        for (int run = 0; run < 400; run++) {
            size_t at[4];
            char old[4];
            for (int k = 0; k < 4; k++) {
                at[k] = (size_t)(next_random(&random) % bytes.len);
                old[k] = bytes.data[at[k]];
                bytes.data[at[k]] = (char)next_random(&random);
            }
            (void)read_bytes(bytes.data, bytes.len, &harmful);
            for (int k = 3; k >= 0; k--)
                bytes.data[at[k]] = old[k];
        }
        seep_buf_clear(&bytes);
    }
}

// A payload of all ones, whatever the event: sizes, addresses and counts as large as they go.
static void huge_numbers_do_no_harm(void **state)
{
    (void)state;
    static const char *const cases[] = { "heaps", "virtual", "handles", "references", "images" };
    uint64_t harmful;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seep_buf bytes = etl_kit_bytes(cases[i]);
        uint32_t step = seep_le32((const uint8_t *)bytes.data);
        for (size_t at = step; at + step <= bytes.len; at += step) {
            size_t used = seep_le32((const uint8_t *)bytes.data + at + 4);
            for (size_t p = at + 0x48; p + 24 < at + used;) {
                size_t size = seep_le16((const uint8_t *)bytes.data + p + 4);
                if (bytes.data[p + 2] != 4)
                    break; // no compact header
                memset(bytes.data + p + 24, 0xff, size - 24);
                p += (size + 7) & ~(size_t)7;
            }
        }
        assert_int_equal(read_bytes(bytes.data, bytes.len, &harmful), SEEP_OK);
        seep_buf_clear(&bytes);
    }
}

static void a_damaged_buffer_costs_only_itself(void **state)
{
    (void)state;
    struct seep_buf bytes = etl_kit_bytes("story");
    struct etl_kit kit;
    memset(bytes.data + 2 * 2048, 0xee, 0x48);
    etl_kit_read(&kit, bytes.data, bytes.len, ETL_AS_FITS);
    assert_int_equal(kit.status, SEEP_OK);
    etl_kit_has(&kit, "loss bad-buffer 1");
    assert_true(kit.n_lines >= 3);
    etl_kit_clear(&kit);
    seep_buf_clear(&bytes);
}

static void what_is_no_trace_is_refused(void **state)
{
    (void)state;
    uint64_t harmful;
    char bytes[4096];
    static const unsigned char fills[] = { 0, 0xff, 0x48, 'a' };
    assert_int_equal(read_bytes("", 0, &harmful), SEEP_FAILED);
    for (size_t i = 0; i < sizeof fills; i++) {
        memset(bytes, fills[i], sizeof bytes);
        assert_int_equal(seep_source_etl.bid(seep_bytes(bytes, sizeof bytes)), 0);
        assert_int_equal(read_bytes(bytes, sizeof bytes, &harmful), SEEP_FAILED);
    }
}

// Literals alone, matches of every length, and what contradicts itself.
static void compressed_bytes_are_checked(void **state)
{
    (void)state;
    // [MS-XCA] 3.1.1.1 and 3.1.1.2: "abc…z", and 300 times "abc".
    static const uint8_t letters[] = { 0x3f, 0x00, 0x00, 0x00, 'a', 'b', 'c', 'd', 'e', 'f',
                                       'g',  'h',  'i',  'j',  'k', 'l', 'm', 'n', 'o', 'p',
                                       'q',  'r',  's',  't',  'u', 'v', 'w', 'x', 'y', 'z' };
    static const uint8_t abc[] = { 0xff, 0xff, 0xff, 0x1f, 'a',  'b', 'c',
                                   0x17, 0x00, 0x0f, 0xff, 0x26, 0x01 };
    uint8_t out[400];
    assert_int_equal(seep_xpress_decompress(seep_bytes(letters, sizeof letters), out, 26), 26);
    assert_memory_equal(out, "abcdefghijklmnopqrstuvwxyz", 26);
    assert_int_equal(seep_xpress_decompress(seep_bytes(abc, sizeof abc), out, 300), 300);
    for (int i = 0; i < 300; i++)
        assert_int_equal(out[i], "abc"[i % 3]);
    for (size_t cut = 0; cut < sizeof abc; cut++)
        assert_true(seep_xpress_decompress(seep_bytes(abc, cut), out, 300) <= 3);
    // A match from before the beginning.
    static const uint8_t early[] = { 0xff, 0xff, 0xff, 0xff, 0x08, 0x00 };
    assert_int_equal(seep_xpress_decompress(seep_bytes(early, sizeof early), out, 10), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_traces_give_what_they_hold),
        cmocka_unit_test(flipped_bytes_do_no_harm),
        cmocka_unit_test(huge_numbers_do_no_harm),
        cmocka_unit_test(a_damaged_buffer_costs_only_itself),
        cmocka_unit_test(what_is_no_trace_is_refused),
        cmocka_unit_test(compressed_bytes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
