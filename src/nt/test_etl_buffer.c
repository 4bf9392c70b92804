// SPDX-License-Identifier: MIT
// Tests of the container of trace logs.
#include "testkit.h"

#include "nt/etl_buffer.h"

#include <string.h>

#define SECOND UINT64_C(10000000)
#define HOUR (3600 * SECOND)

// 100 ns since 1601 of a time on 2026-MM-DD; `day` counts from 2026-01-01 = 0.
static uint64_t at(unsigned day, unsigned hour, unsigned minute)
{
    const uint64_t start_2026 = UINT64_C(134116992000000000);
    return start_2026 + (day * UINT64_C(24) + hour) * HOUR + minute * 60 * SECOND;
}

enum { MARCH_8 = 66, JULY_1 = 181, NOVEMBER_1 = 304, JANUARY_9 = 8 };

static const struct seep_etl_zone eastern = {
    .bias = 300,
    .daylight_bias = -60,
    .standard = { .month = 11, .day = 1, .hour = 2 }, // first Sunday
    .daylight = { .month = 3, .day = 2, .hour = 2 },  // second Sunday
};

static void local_time_becomes_utc(void **state)
{
    (void)state;
    assert_int_equal(seep_etl_zone_utc(&eastern, at(JANUARY_9, 12, 0), 0), at(JANUARY_9, 17, 0));
    assert_int_equal(seep_etl_zone_utc(&eastern, at(JULY_1, 12, 0), 0), at(JULY_1, 16, 0));
    assert_int_equal(seep_etl_zone_utc(&eastern, at(MARCH_8, 1, 59), 0), at(MARCH_8, 6, 59));
    assert_int_equal(seep_etl_zone_utc(&eastern, at(MARCH_8, 3, 0), 0), at(MARCH_8, 7, 0));
    assert_int_equal(seep_etl_zone_utc(&eastern, at(NOVEMBER_1, 2, 0), 0), at(NOVEMBER_1, 7, 0));
}

static void the_hour_that_happens_twice_follows_the_order_of_the_log(void **state)
{
    (void)state;
    uint64_t local = at(NOVEMBER_1, 1, 30);
    uint64_t first = seep_etl_zone_utc(&eastern, local, at(NOVEMBER_1, 5, 0));
    assert_int_equal(first, at(NOVEMBER_1, 5, 30));
    assert_int_equal(seep_etl_zone_utc(&eastern, local, first), at(NOVEMBER_1, 6, 30));
}

static void rules_of_the_southern_half_and_last_weeks(void **state)
{
    (void)state;
    // eastern Australia: standard from the first Sunday of April, daylight from that of October
    struct seep_etl_zone south = { .bias = -600,
                                   .daylight_bias = -60,
                                   .standard = { .month = 4, .day = 1, .hour = 3 },
                                   .daylight = { .month = 10, .day = 1, .hour = 2 } };
    assert_int_equal(seep_etl_zone_utc(&south, at(JANUARY_9, 12, 0), 0), at(JANUARY_9, 1, 0));
    assert_int_equal(seep_etl_zone_utc(&south, at(JULY_1, 12, 0), 0), at(JULY_1, 2, 0));
    // central Europe: last Sundays; 2026-03-29 is day 87
    struct seep_etl_zone central = { .bias = -60,
                                     .daylight_bias = -60,
                                     .standard = { .month = 10, .day = 5, .hour = 3 },
                                     .daylight = { .month = 3, .day = 5, .hour = 2 } };
    assert_int_equal(seep_etl_zone_utc(&central, at(87, 1, 0), 0), at(87, 0, 0));
    assert_int_equal(seep_etl_zone_utc(&central, at(87, 4, 0), 0), at(87, 2, 0));
    assert_int_equal(seep_etl_zone_utc(&central, at(86, 4, 0), 0), at(86, 3, 0));
}

static void zones_without_a_sane_rule_use_their_bias(void **state)
{
    (void)state;
    struct seep_etl_zone fixed = { .bias = -330 };
    assert_int_equal(seep_etl_zone_utc(&fixed, at(JULY_1, 12, 0), 0), at(JULY_1, 6, 30));
    struct seep_etl_zone odd = eastern;
    odd.daylight.month = 13;
    assert_int_equal(seep_etl_zone_utc(&odd, at(JULY_1, 12, 0), 0), at(JULY_1, 17, 0));
    odd.daylight = (struct seep_etl_rule){ .month = 2, .day = 9, .hour = 99 };
    assert_int_equal(seep_etl_zone_utc(&odd, at(JULY_1, 12, 0), 0), at(JULY_1, 17, 0));
    odd.bias = INT32_MIN;
    assert_int_equal(seep_etl_zone_utc(&odd, at(JULY_1, 12, 0), 0), at(JULY_1, 12, 0));
    assert_int_equal(seep_etl_zone_utc(&eastern, UINT64_MAX, 0), UINT64_MAX);
    assert_int_equal(seep_etl_zone_utc(&fixed, 0, 0), 0);
}

static void put32(uint8_t *p, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(n >> 8 * i);
}

static void buffers_need_sizes_that_agree(void **state)
{
    (void)state;
    uint8_t bytes[256] = { 0 };
    struct seep_bytes file = seep_bytes(bytes, sizeof bytes);
    struct seep_etl_buffer b;
    assert_false(seep_etl_buffer_at(file, 0, &b));
    put32(bytes, 256);
    put32(bytes + 4, 300);
    assert_false(seep_etl_buffer_at(file, 0, &b)); // uses more than it has
    put32(bytes + 4, 0x47);
    assert_false(seep_etl_buffer_at(file, 0, &b)); // uses less than its header
    put32(bytes + 4, 0x60);
    assert_true(seep_etl_buffer_at(file, 0, &b));
    assert_int_equal(b.records.len, 0x60 - SEEP_ETL_BUFFER_HEADER);
    assert_false(b.cut);
    put32(bytes + 4, 0);
    put32(bytes + 0x30, 0x58); // the first buffer of some logs
    assert_true(seep_etl_buffer_at(file, 0, &b));
    assert_int_equal(b.used_bytes, 0x58);
    put32(bytes, 512);
    put32(bytes + 4, 512);
    assert_true(seep_etl_buffer_at(file, 0, &b));
    assert_true(b.cut);
    assert_int_equal(b.records.len, sizeof bytes - SEEP_ETL_BUFFER_HEADER);
    assert_false(seep_etl_buffer_at(file, 200, &b));
    assert_false(seep_etl_buffer_at(file, UINT64_MAX, &b));
}

static void records_stop_at_what_does_not_fit(void **state)
{
    (void)state;
    uint8_t bytes[128];
    memset(bytes, 0xff, sizeof bytes);
    struct seep_etl_record r;
    struct seep_cursor c = seep_cursor(seep_bytes(bytes, sizeof bytes));
    assert_int_equal(seep_etl_record_next(&c, &r), SEEP_ETL_END);
    // a full header of 52 bytes: the payload is 4, the next record at 56
    memset(bytes, 0, 56);
    bytes[0] = 52;
    bytes[2] = 0x14;
    bytes[3] = 0xc0;
    bytes[4] = 34;
    bytes[24] = 0xb3;
    assert_int_equal(seep_etl_record_next(&c, &r), SEEP_ETL_RECORD);
    assert_int_equal(r.kind, SEEP_ETL_CLASSIC);
    assert_int_equal(r.type, 34);
    assert_int_equal(r.guid[0], 0xb3);
    assert_int_equal(r.payload.len, 4);
    assert_true(r.is_64);
    assert_int_equal(c.pos, 56);
    assert_int_equal(seep_etl_record_next(&c, &r), SEEP_ETL_END);
    bytes[0] = 47; // less than its header
    c.pos = 0;
    assert_int_equal(seep_etl_record_next(&c, &r), SEEP_ETL_BAD);
    bytes[0] = 129; // more than there is
    assert_int_equal(seep_etl_record_next(&c, &r), SEEP_ETL_BAD);
    bytes[2] = 0x01; // system: the size stands elsewhere
    bytes[4] = 40;
    bytes[6] = 0x0a;
    bytes[7] = 0x03;
    assert_int_equal(seep_etl_record_next(&c, &r), SEEP_ETL_RECORD);
    assert_int_equal(r.kind, SEEP_ETL_SYSTEM);
    assert_int_equal(r.hook, 0x030a);
    assert_int_equal(r.payload.len, 8);
}

static void trace_headers_of_both_pointer_sizes(void **state)
{
    (void)state;
    for (unsigned pointer = 4; pointer <= 8; pointer += 4) {
        uint8_t bytes[0x118] = { 0 };
        size_t zone = 0x38 + 2 * pointer, boot = (zone + 172 + 7) / 8 * 8;
        put32(bytes, 0x10000);
        bytes[4] = 10;
        put32(bytes + 8, 20348);
        put32(bytes + 0x2c, pointer);
        put32(bytes + 0x30, 41);
        put32(bytes + zone, 300);
        put32(bytes + zone + 168, (uint32_t)-60);
        put32(bytes + boot, 77);
        put32(bytes + boot + 24, 2);
        put32(bytes + boot + 28, 3);
        struct seep_etl_trace t;
        assert_true(seep_etl_trace_read(seep_bytes(bytes, boot + 32), &t));
        assert_int_equal(t.os_major, 10);
        assert_int_equal(t.os_build, 20348);
        assert_int_equal(t.events_lost, 41);
        assert_int_equal(t.zone.bias, 300);
        assert_int_equal(t.zone.daylight_bias, -60);
        assert_int_equal(t.boot_time, 77);
        assert_int_equal(t.clock, 2);
        assert_int_equal(t.buffers_lost, 3);
        assert_false(seep_etl_trace_read(seep_bytes(bytes, boot + 31), &t));
        put32(bytes + 0x2c, 5);
        assert_false(seep_etl_trace_read(seep_bytes(bytes, boot + 32), &t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_time_becomes_utc),
        cmocka_unit_test(the_hour_that_happens_twice_follows_the_order_of_the_log),
        cmocka_unit_test(rules_of_the_southern_half_and_last_weeks),
        cmocka_unit_test(zones_without_a_sane_rule_use_their_bias),
        cmocka_unit_test(buffers_need_sizes_that_agree),
        cmocka_unit_test(records_stop_at_what_does_not_fit),
        cmocka_unit_test(trace_headers_of_both_pointer_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
