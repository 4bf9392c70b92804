// SPDX-License-Identifier: MIT
// Tests of merging: interleaved and shuffled buffers, damage, and real traces.
#include "testkit.h"

#include "base/time.h"
#include "nt/etl_merge.h"
#include "os/os.h"

#include <stdlib.h>

enum { BUFFER = 1024, HEADER = 0x48, RECORD = 32, FREQUENCY = 1000 };

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v & 0xffff);
    put16(p + 2, v >> 16);
}

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

static void put_buffer(uint8_t *p, unsigned cpu, unsigned type, size_t used)
{
    put32(p, BUFFER);
    put32(p + 4, (uint32_t)used);
    p[0x28] = (uint8_t)cpu;
    put16(p + 0x36, type);
    memset(p + used, 0xff, BUFFER - used);
}

// A system record: hook and time; the payload is empty.
static void put_record(uint8_t *p, unsigned hook, uint64_t time, size_t size)
{
    memset(p, 0, RECORD);
    put16(p, 2);
    p[2] = 2;
    p[3] = 0xc0;
    put16(p + 4, (unsigned)size);
    put16(p + 6, hook);
    put64(p + 16, time);
}

// The header buffer of a trace whose clock shows 5,000 at its start, 2020-01-01, and ticks at 1
// kHz.
static void put_trace(uint8_t *p)
{
    enum { TRACE = 0x120 };
    uint8_t *t = p + HEADER + RECORD;
    memset(p, 0, BUFFER);
    put_record(p + HEADER, 0, 5000, RECORD + TRACE);
    put32(t, BUFFER);
    put32(t + 12, 4);
    put32(t + 44, 8);
    put64(t + 256, FREQUENCY);
    put64(t + 264, UINT64_C(132223104000000000));
    put32(t + 272, 1);
    put_buffer(p, 0, 4, HEADER + RECORD + TRACE);
}

enum { PER_BUFFER = 20 };

// A buffer of records at start, start + step, …
static void put_records(uint8_t *p, unsigned cpu, uint64_t start, uint64_t step)
{
    for (unsigned i = 0; i < PER_BUFFER; i++)
        put_record(p + HEADER + i * RECORD, 0x100 + cpu, start + i * step, RECORD);
    put_buffer(p, cpu, 0, HEADER + PER_BUFFER * RECORD);
}

static struct seep_etl_lack walk(const uint8_t *file, size_t len, size_t *n, bool *sorted)
{
    struct seep_err err = { 0 };
    struct seep_etl_item item;
    uint64_t last = 0;
    uint8_t *exact = malloc(len); // so that reading behind its end shows
    assert_non_null(exact);
    memcpy(exact, file, len);
    struct seep_etl_merge *m = seep_etl_merge_open(seep_bytes(exact, len), NULL, NULL, &err);
    *n = 0;
    *sorted = true;
    assert_non_null(m);
    while (seep_etl_merge_next(m, &item) == SEEP_ETL_RECORD) {
        if (item.record.time < last)
            *sorted = false;
        last = item.record.time;
        (*n)++;
    }
    struct seep_etl_lack lack = *seep_etl_merge_lack(m);
    seep_etl_merge_close(m);
    free(exact);
    return lack;
}

static void test_order(void **state)
{
    (void)state;
    static uint8_t file[7 * BUFFER];
    size_t n;
    bool sorted;
    put_trace(file);
    // Two processors at the same time; a third one's buffers in the wrong order.
    put_records(file + 1 * BUFFER, 0, 5010, 10);
    put_records(file + 2 * BUFFER, 1, 5015, 10);
    put_records(file + 3 * BUFFER, 0, 5400, 10);
    put_records(file + 4 * BUFFER, 1, 5405, 10);
    put_records(file + 5 * BUFFER, 2, 5300, 5);
    put_records(file + 6 * BUFFER, 2, 5011, 5);
    struct seep_etl_lack lack = walk(file, sizeof file, &n, &sorted);
    assert_int_equal(n, 1 + 6 * PER_BUFFER);
    assert_true(sorted);
    assert_int_equal(lack.bad_buffers + lack.bad_records + lack.cut_bytes, 0);
}

static void test_clock(void **state)
{
    (void)state;
    static uint8_t file[BUFFER];
    struct seep_err err = { 0 };
    int64_t expected;
    put_trace(file);
    struct seep_etl_merge *m = seep_etl_merge_open(seep_bytes(file, sizeof file), NULL, NULL, &err);
    assert_non_null(m);
    assert_true(seep_time_parse("2020-01-01T00:00:01.5Z", &expected));
    struct seep_etl_clock clock = seep_etl_merge_clock(m);
    assert_int_equal(seep_etl_clock_ns(&clock, 6500), expected);
    assert_int_equal(seep_etl_clock_ns(&clock, 3500), expected - 3 * SEEP_NS_PER_S);
    seep_etl_merge_close(m);
    put32(file + HEADER + RECORD + 272, 2); // readings are FILETIMEs
    m = seep_etl_merge_open(seep_bytes(file, sizeof file), NULL, NULL, &err);
    clock = seep_etl_merge_clock(m);
    assert_int_equal(seep_etl_clock_ns(&clock, UINT64_C(132223104015000000)), expected);
    seep_etl_merge_close(m);
}

static void test_damage(void **state)
{
    (void)state;
    static uint8_t file[5 * BUFFER], spoilt[5 * BUFFER];
    size_t n;
    bool sorted;
    put_trace(file);
    for (unsigned i = 1; i < 5; i++)
        put_records(file + i * BUFFER, i, 5000 + i, 10);
    // A header that is none: the buffer is lost, those behind it are not.
    memcpy(spoilt, file, sizeof file);
    put32(spoilt + 2 * BUFFER, 3);
    struct seep_etl_lack lack = walk(spoilt, sizeof spoilt, &n, &sorted);
    assert_int_equal(n, 1 + 3 * PER_BUFFER);
    assert_int_equal(lack.bad_buffers, 1);
    assert_int_equal(lack.bad_bytes, BUFFER);
    assert_int_equal(lack.first_bad_offset, 2 * BUFFER);
    // A record that is none: the rest of its buffer is lost.
    memcpy(spoilt, file, sizeof file);
    put16(spoilt + 3 * BUFFER + HEADER + 5 * RECORD + 4, 9999);
    lack = walk(spoilt, sizeof spoilt, &n, &sorted);
    assert_int_equal(n, 1 + 3 * PER_BUFFER + 5);
    assert_int_equal(lack.bad_records, 1);
    assert_int_equal(lack.first_bad_record_offset, 3 * BUFFER + HEADER + 5 * RECORD);
    // Zeros at the end are space that was set aside.
    memcpy(spoilt, file, sizeof file);
    memset(spoilt + 4 * BUFFER, 0, BUFFER);
    lack = walk(spoilt, sizeof spoilt, &n, &sorted);
    assert_int_equal(n, 1 + 3 * PER_BUFFER);
    assert_int_equal(lack.bad_buffers, 0);
    // Cut anywhere.
    for (size_t len = HEADER + RECORD + 0x120; len < sizeof file; len += 7) {
        lack = walk(file, len, &n, &sorted);
        assert_true(n <= 1 + 4 * PER_BUFFER);
        if (len > BUFFER && len % BUFFER > HEADER && len % BUFFER < HEADER + PER_BUFFER * RECORD)
            assert_int_equal(lack.cut_bytes, BUFFER - len % BUFFER);
    }
}

// Every record of real traces comes out once, whatever the order of their buffers.
static void test_real_traces(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t n_records; // 0 = only what a plain walk of the buffers finds
    } traces[] = {
        { "etl/net.4.5.2.x64.etl", 179473 + 1 },     { "etl/diaghub.etl", 0 },
        { "etl/diaghub.kernel.1.etl", 0 },           { "etl/ShutdownPerfDiagLogger.etl", 0 },
        { "etl/image_data_32_v0.etl", 0 },           { "etl/process_data_64_v3.etl", 0 },
        { "etl/smallEtlFile-compressed-32.etl", 0 }, { "etl/waasmedic-win11.etl", 0 },
    };
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        char path[1024];
        struct seep_os_map map = { 0 };
        struct seep_err err = { 0 };
        size_t n, early = 0;
        bool sorted;
        if (!testkit_data(traces[i].name, path, sizeof path))
            skip();
        assert_true(seep_os_map(path, &map, &err));
        struct seep_etl_lack lack = walk(map.view.data, map.view.len, &n, &sorted);
        early = (size_t)lack.early_records;
        print_message("%s: %u records, %u early, %u bad buffers, %u bad records\n", traces[i].name,
                      (unsigned)n, (unsigned)early, (unsigned)lack.bad_buffers,
                      (unsigned)lack.bad_records);
        assert_true(n > 0);
        if (traces[i].n_records)
            assert_int_equal(n, traces[i].n_records);
        assert_int_equal(lack.bad_buffers + lack.bad_records + lack.short_buffers, 0);
        seep_os_unmap(&map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_real_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
