// SPDX-License-Identifier: MIT
// Tests of plain LZ77: the examples of [MS-XCA] 3.1, every form of length, and a real trace.
#include "testkit.h"

#include "nt/etl_buffer.h"
#include "nt/xpress.h"
#include "os/os.h"

#include <stdlib.h>

static size_t decompress(const void *packed, size_t n, uint8_t *out, size_t len)
{
    return seep_xpress_decompress(seep_bytes(packed, n), out, len);
}

static void test_documented_examples(void **state)
{
    (void)state;
    static const char alphabet[] = "\x3f\0\0\0abcdefghijklmnopqrstuvwxyz";
    static const uint8_t abc[] = { 0xff, 0xff, 0xff, 0x1f, 'a',  'b', 'c',
                                   0x17, 0x00, 0x0f, 0xff, 0x26, 0x01 };
    uint8_t out[300];
    assert_int_equal(decompress(alphabet, sizeof alphabet - 1, out, 26), 26);
    assert_memory_equal(out, "abcdefghijklmnopqrstuvwxyz", 26);
    assert_int_equal(decompress(abc, sizeof abc, out, 300), 300);
    for (int i = 0; i < 300; i++)
        assert_int_equal(out[i], "abc"[i % 3]);
}

static void test_lengths(void **state)
{
    (void)state;
    // One literal and one match at distance 1, of each form of length; flags: literal, match.
    static const struct {
        uint8_t packed[16];
        size_t n, made;
    } rows[] = {
        { { 0, 0, 0, 0x40, 'x', 0x00, 0 }, 7, 1 + 3 },
        { { 0, 0, 0, 0x40, 'x', 0x06, 0 }, 7, 1 + 9 },
        { { 0, 0, 0, 0x40, 'x', 0x07, 0, 0x00 }, 8, 1 + 10 },
        { { 0, 0, 0, 0x40, 'x', 0x07, 0, 0x0e }, 8, 1 + 24 },
        { { 0, 0, 0, 0x40, 'x', 0x07, 0, 0x0f, 5 }, 9, 1 + 30 },
        { { 0, 0, 0, 0x40, 'x', 0x07, 0, 0x0f, 255, 0x2c, 0x01 }, 11, 1 + 303 },
        { { 0, 0, 0, 0x40, 'x', 0x07, 0, 0x0f, 255, 0, 0, 0x58, 2, 0, 0 }, 15, 1 + 603 },
        { { 0, 0, 0, 0x40, 'x', 0x07, 0, 0x0f, 255, 21, 0 }, 11, 1 }, // shorter than its form
        { { 0, 0, 0, 0x40, 'x', 0x08, 0 }, 7, 1 },                    // before the beginning
        { { 0, 0, 0, 0x80, 0x00, 0 }, 6, 0 },
        { { 0, 0, 0 }, 3, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *packed = malloc(rows[i].n), out[1000];
        assert_non_null(packed);
        memcpy(packed, rows[i].packed, rows[i].n);
        assert_int_equal(decompress(packed, rows[i].n, out, rows[i].made), rows[i].made);
        for (size_t k = 0; k < rows[i].made; k++)
            assert_int_equal(out[k], 'x');
        // Cut anywhere it gives what is there and reads no further.
        for (size_t cut = 0; cut < rows[i].n; cut++) {
            uint8_t *part = malloc(cut + 1);
            assert_non_null(part);
            memcpy(part, packed, cut);
            assert_true(decompress(part, cut, out, sizeof out) <= sizeof out);
            free(part);
        }
        free(packed);
    }
}

// Every buffer of a real compressed trace gives exactly the bytes that its header promises, and
// records from end to end.
static void test_real_trace(void **state)
{
    (void)state;
    char path[1024];
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    if (!testkit_data("etl/net.4.5.2.x64.etl", path, sizeof path))
        skip();
    assert_true(seep_os_map(path, &map, &err));
    struct seep_etl_buffer buffer;
    size_t n_buffers = 0, n_records = 0;
    for (uint64_t at = 0; seep_etl_buffer_at(map.view, at, &buffer); at += buffer.size_bytes) {
        if (!(buffer.flags & SEEP_ETL_FLAG_COMPRESSED) || buffer.cut)
            continue;
        size_t len = buffer.used_bytes - SEEP_ETL_BUFFER_HEADER;
        uint8_t *out = malloc(len);
        assert_non_null(out);
        assert_int_equal(seep_xpress_decompress(buffer.records, out, len), len);
        struct seep_cursor records = seep_cursor(seep_bytes(out, len));
        struct seep_etl_record record;
        enum seep_etl_next next;
        while ((next = seep_etl_record_next(&records, &record)) == SEEP_ETL_RECORD)
            n_records++;
        assert_int_equal(next, SEEP_ETL_END);
        free(out);
        n_buffers++;
    }
    print_message("%u buffers, %u records\n", (unsigned)n_buffers, (unsigned)n_records);
    assert_int_equal(n_buffers, 359); // of 360: the first one is not compressed
    assert_true(n_records > 179000);
    seep_os_unmap(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_examples),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_real_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
