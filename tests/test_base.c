// SPDX-License-Identifier: MIT
// Tests of the base layer: cursor, buffers, arenas, interning, time, text, JSON.
#include "testkit.h"

#include "base/arena.h"
#include "base/intern.h"
#include "base/json.h"
#include "base/time.h"
#include "base/utf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void cursor_is_sticky(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 1, 2, 3, 4, 5 };
    struct seep_cursor c = seep_cursor(seep_bytes(bytes, sizeof bytes));
    assert_int_equal(seep_cursor_u32(&c), 0x04030201);
    assert_int_equal(seep_cursor_u16(&c), 0);
    assert_true(c.failed);
    assert_int_equal(seep_cursor_u8(&c), 0);
    assert_int_equal(seep_cursor_left(&c), 0);
    c = seep_cursor(seep_bytes(bytes, sizeof bytes));
    assert_false(seep_cursor_fits(&c, UINT64_MAX, 1));
    assert_true(seep_cursor_fits(&c, 5, 1));
    assert_false(seep_cursor_fits(&c, 3, 2));
    seep_cursor_seek(&c, 6);
    assert_true(c.failed);
}

static void parts_never_leave_their_view(void **state)
{
    (void)state;
    const uint8_t bytes[8] = { 0 };
    struct seep_bytes all = seep_bytes(bytes, sizeof bytes);
    assert_int_equal(seep_bytes_part(all, 4, SIZE_MAX).len, 4);
    assert_int_equal(seep_bytes_part(all, 9, 1).len, 0);
    assert_false(seep_bytes_has(all, SIZE_MAX, 2));
    assert_int_equal(seep_bytes_u32(all, 5), 0);
}

static void buffers_stop_at_their_maximum(void **state)
{
    (void)state;
    struct seep_buf buf = { .max = 16 };
    seep_buf_adds(&buf, "0123456789");
    assert_false(buf.failed);
    seep_buf_adds(&buf, "0123456789");
    assert_true(buf.failed);
    assert_string_equal(seep_buf_text(&buf), "0123456789");
    seep_buf_reset(&buf);
    seep_buf_addf(&buf, "%s-%d", "x", 7);
    assert_string_equal(seep_buf_text(&buf), "x-7");
    seep_buf_clear(&buf);
    char long_text[600];
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    struct seep_buf free_buf = { 0 };
    seep_buf_addf(&free_buf, "%s", long_text);
    assert_string_equal(seep_buf_text(&free_buf), long_text);
    seep_buf_clear(&free_buf);
}

static void arena_pieces_are_zeroed_and_apart(void **state)
{
    (void)state;
    struct seep_arena arena = { 0 };
    assert_null(seep_arena_alloc(&arena, SIZE_MAX / 2, 4));
    for (size_t i = 1; i < 2000; i++) {
        uint8_t *piece = seep_arena_alloc(&arena, i, 1);
        assert_non_null(piece);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(piece[k], 0);
        memset(piece, 0xff, i);
    }
    seep_arena_clear(&arena);
}

static void interning_gives_equal_keys_equal_ids(void **state)
{
    (void)state;
    struct seep_intern table = { 0 };
    char key[32];
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            int len = snprintf(key, sizeof key, "key %u", i);
            assert_int_equal(seep_intern(&table, key, (size_t)len), i + 1);
        }
    }
    assert_string_equal(seep_intern_text(&table, 4712), "key 4711");
    assert_string_equal(seep_intern_text(&table, 0), "");
    assert_int_equal(seep_intern_find(&table, "nothing", 7), 0);
    uint32_t with_nul = seep_intern(&table, "a\0b", 3);
    assert_int_not_equal(with_nul, seep_intern(&table, "a\0c", 3));
    seep_intern_clear(&table);
}

static void times_convert_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        { "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000000Z" },
        { "2026-03-01T12:00:00.1234567Z", "2026-03-01T12:00:00.123456700Z" },
        { "2024-02-29 23:59:59", "2024-02-29T23:59:59.000000000Z" },
        { "1960-12-31T23:00:00.5-01:00", "1961-01-01T00:00:00.500000000Z" },
        { "2000-01-01", "2000-01-01T00:00:00.000000000Z" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t t_ns;
        char text[SEEP_TIME_TEXT];
        assert_true(seep_time_parse(rows[i].text, &t_ns));
        seep_time_format(t_ns, text);
        assert_string_equal(text, rows[i].canonical);
    }
    int64_t t_ns = 7;
    assert_false(seep_time_parse("2023-02-29T00:00:00Z", &t_ns));
    assert_false(seep_time_parse("2023-02-28T00:00:00Zx", &t_ns));
    assert_false(seep_time_parse("", &t_ns));
    assert_false(seep_time_parse("1899-12-31T23:59:59Z", &t_ns));
    assert_false(seep_time_parse("2100-01-01T00:00:00Z", &t_ns));
    assert_int_equal(t_ns, 7);
    assert_true(seep_time_parse("1900-01-01T00:00:00Z", &t_ns));
    assert_true(t_ns == SEEP_TIME_MIN);
    assert_true(seep_time_parse("2099-12-31T23:59:59.999999999-10:00", &t_ns));
    assert_true(t_ns == SEEP_TIME_MAX);
    assert_true(seep_time_clamp(INT64_MIN + 1) == SEEP_TIME_MIN);
    assert_true(seep_time_from_filetime(0) == SEEP_NO_TIME);
    assert_true(seep_time_from_filetime(116444736000000001u) == 100);
    assert_true(seep_time_from_filetime(UINT64_MAX) == SEEP_TIME_MAX);
    assert_true(seep_time_from_filetime(1) == SEEP_TIME_MIN);
}

static void bad_text_is_escaped(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    assert_false(seep_utf8_add(&out, seep_bytes("a\xff\xc3\xa4\xe2\x82", 6)));
    assert_string_equal(seep_buf_text(&out), "a\\xFF\xc3\xa4\\xE2\\x82");
    seep_buf_reset(&out);
    assert_true(seep_utf16_add(&out, seep_bytes("a\0\x3d\xd8\x00\xde", 6)));
    assert_string_equal(seep_buf_text(&out), "a\xf0\x9f\x98\x80");
    seep_buf_reset(&out);
    assert_false(seep_utf16_add(&out, seep_bytes("\x3d\xd8z", 3)));
    assert_string_equal(seep_buf_text(&out), "\\uD83D\\x7A");
    assert_false(seep_utf8_valid(seep_bytes("\xed\xa0\x80", 3)));
    assert_false(seep_utf8_valid(seep_bytes("\xc0\x80", 2)));
    seep_buf_clear(&out);
}

static void json_is_well_formed(void **state)
{
    (void)state;
    struct seep_json json = { 0 };
    seep_json_begin_object(&json);
    seep_json_key_string(&json, "a\"\n", "\x01\xff\xc2\x9b\xc2\xa0");
    seep_json_key(&json, "list");
    seep_json_begin_array(&json);
    seep_json_number(&json, 0.1);
    seep_json_number(&json, 1e300 * 1e300);
    seep_json_number(&json, 4096);
    seep_json_string(&json, NULL);
    seep_json_begin_object(&json);
    seep_json_end_object(&json);
    seep_json_end_array(&json);
    seep_json_key_time(&json, "t", 0);
    seep_json_end_object(&json);
    assert_true(seep_json_flush(&json));
    assert_int_equal(json.n_invalid, 1);
    assert_string_equal(
        seep_buf_text(&json.buf),
        "{\"a\\\"\\n\":\"\\u0001\\\\xFF\\u009b\xc2\xa0\",\"list\":[0.1,null,4096,null,{}],"
        "\"t\":\"1970-01-01T00:00:00.000000000Z\"}\n");
    seep_json_clear(&json);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 11 | *seed << 53;
}

static void assert_same_number(double value)
{
    char fast[SEEP_NUMBER_TEXT], slow[SEEP_NUMBER_TEXT];
    size_t len = seep_number_format(value, fast);
    assert_int_equal(len, strlen(fast));
    if (fabs(value) < 9.2e18 && value == floor(value)) {
        (void)snprintf(slow, sizeof slow, "%" PRId64, (int64_t)value);
    } else {
        int digits = 15;
        do {
            (void)snprintf(slow, sizeof slow, "%.*g", digits, value);
        } while (strtod(slow, NULL) != value && digits++ < 17);
    }
    assert_string_equal(fast, slow);
}

static void numbers_are_the_shortest_that_read_back(void **state)
{
    (void)state;
    uint64_t seed = 20260301;
    const double edges[] = { 0,      -0.0,    1,      -1,
                             0.5,    1e-4,    1e-5,   99999999999999.5,
                             1e15,   1e22,    9.2e18, 9.3e18,
                             5e-324, 1.7e308, 0.1,    123456789012345678.0,
                             1.0 / 3 };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        assert_same_number(edges[i]);
    for (int i = -80; i < 80; i++)
        assert_same_number(ldexp(1, i));
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            assert_same_number(value);
        double power = (double)(1u << (bits & 31)) / 10;
        assert_same_number((double)(int64_t)(next_random(&seed) >> 40) / power);
        assert_same_number((double)(next_random(&seed) % 1000000007) / 1e6);
        // All 53 bits, at each size that is written without an exponent.
        assert_same_number(ldexp((double)(next_random(&seed) >> 11), (int)(bits % 64) - 66));
    }
}

static void events_nest_their_fields(void **state)
{
    (void)state;
    const struct seep_field fields[] = {
        { "Info/System/Limit", SEEP_FIELD_UINT, { .uint = 5 } },
        { "Info/System/Charge", SEEP_FIELD_INT, { .sint = -1 } },
        { "Info/Name", SEEP_FIELD_TEXT, { .text = "x" } },
        { "Data", SEEP_FIELD_TEXT, { .text = "1" } },
        { "Data", SEEP_FIELD_NULL, { 0 } },
        { "a\\/b", SEEP_FIELD_HEX, { .uint = 255 } },
    };
    struct seep_event event = { .fields = fields, .n_fields = sizeof fields / sizeof *fields };
    struct seep_json json = { 0 };
    seep_event_fields_json(&event, &json);
    assert_string_equal(seep_buf_text(&json.buf),
                        "{\"Info\":{\"System\":{\"Limit\":5,\"Charge\":-1},\"Name\":\"x\"},"
                        "\"Data\":[\"1\",null],\"a/b\":\"0xff\"}");
    seep_json_clear(&json);
    double value = 0;
    assert_true(seep_field_number(seep_event_field(&event, "Info/System/Charge"), &value));
    assert_true(value == -1);
    assert_false(seep_field_number(seep_event_field(&event, "Info/Name"), &value));
}

static void errors_are_one_line(void **state)
{
    (void)state;
    struct seep_err err;
    char line[SEEP_MAX_MESSAGE];
    assert_false(seep_fail(&err, 0x1200, "copy it again", "cut off after %d bytes", 7));
    seep_err_line(&err, "a\nb.blg", line, sizeof line);
    assert_string_equal(line, "seep: a?b.blg: cut off after 7 bytes (at 0x1200): copy it again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursor_is_sticky),
        cmocka_unit_test(parts_never_leave_their_view),
        cmocka_unit_test(buffers_stop_at_their_maximum),
        cmocka_unit_test(arena_pieces_are_zeroed_and_apart),
        cmocka_unit_test(interning_gives_equal_keys_equal_ids),
        cmocka_unit_test(times_convert_both_ways),
        cmocka_unit_test(bad_text_is_escaped),
        cmocka_unit_test(json_is_well_formed),
        cmocka_unit_test(numbers_are_the_shortest_that_read_back),
        cmocka_unit_test(events_nest_their_fields),
        cmocka_unit_test(errors_are_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
