// SPDX-License-Identifier: MIT
// The .blg reader against logs that are cut, damaged or lie about their sizes.
#include "testkit.h"

#include "base/alloc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct seep_source seep_source_blg;

static struct seep_buf blg_case(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "blg-cases/%s.blg", name);
    return testkit_built_file(path);
}

static enum seep_status read_bytes(const void *data, size_t len, struct testkit_sink *sink)
{
    struct seep_err err = { 0 };
    testkit_sink_init(sink);
    sink->quiet_samples = true;
    enum seep_status status = testkit_read(&seep_source_blg, data, len, sink, &err);
    if (status == SEEP_FAILED)
        assert_true(err.what[0] != '\0'); // it says why
    return status;
}

static uint32_t get32(const char *p)
{
    return (uint32_t)(uint8_t)p[0] | (uint32_t)(uint8_t)p[1] << 8 | (uint32_t)(uint8_t)p[2] << 16 |
           (uint32_t)(uint8_t)p[3] << 24;
}

// A log without the space behind the used bytes of its buffers, so that every byte counts.
static struct seep_buf dense_case(const char *name)
{
    struct seep_buf bytes = blg_case(name), dense = { 0 };
    for (size_t at = 0; at + 0x48 <= bytes.len;) {
        uint32_t size = get32(bytes.data + at), used = (get32(bytes.data + at + 4) + 7) & ~7u;
        const char head[4] = { (char)used, (char)(used >> 8), (char)(used >> 16), 0 };
        seep_buf_add(&dense, head, 4);
        seep_buf_add(&dense, bytes.data + at + 4, used - 4);
        at += size;
    }
    seep_buf_clear(&bytes);
    return dense;
}

// Cuts at every eighth byte, which is every record boundary and much between them, and at odd
// places: nothing is read past the end (each copy ends with its allocation), and what was whole
// before the cut stays.
static void cut_logs_give_what_they_hold(void **state)
{
    (void)state;
    static const char *const cases[] = { "all", "types", "threads" };
    for (int i = 0; i < 3; i++) {
        struct seep_buf whole = dense_case(cases[i]);
        uint64_t before = 0, lost = 0;
        for (size_t len = 0; len <= whole.len; len += len % 16 ? 3 : 5) {
            char *copy = seep_alloc(len ? len : 1, 1);
            assert_non_null(copy);
            if (len)
                memcpy(copy, whole.data, len);
            struct testkit_sink sink;
            enum seep_status status = read_bytes(copy, len, &sink);
            if (status != SEEP_FAILED) {
                assert_true(sink.sink.counts[SEEP_FACT_SAMPLE] >= before);
                before = sink.sink.counts[SEEP_FACT_SAMPLE];
                lost += sink.sink.n_harmful_losses;
            }
            testkit_sink_clear(&sink);
            seep_free(copy);
        }
        assert_true(before > 0);
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
    static const char *const cases[] = { "all", "threads", "bad-status", "localized" };
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 4; i++) {
        struct seep_buf bytes = dense_case(cases[i]);
        for (int run = 0; run < 500; run++) {
            size_t at[4];
            char old[4];
            for (int k = 0; k < 4; k++) {
                at[k] = (size_t)(next_random(&random) % bytes.len);
                old[k] = bytes.data[at[k]];
                bytes.data[at[k]] = (char)next_random(&random);
            }
            struct testkit_sink sink;
            (void)read_bytes(bytes.data, bytes.len, &sink);
            // a record of n bytes has no more than n values in it
            assert_true(sink.sink.counts[SEEP_FACT_SAMPLE] <= bytes.len);
            testkit_sink_clear(&sink);
            for (int k = 3; k >= 0; k--)
                bytes.data[at[k]] = old[k];
        }
        seep_buf_clear(&bytes);
    }
}

static void counts_are_believed_only_with_their_bytes(void **state)
{
    (void)state;
    static const char *const cases[] = { "huge-counters",      "huge-instances",    "huge-objects",
                                         "huge-object-length", "huge-block-length", "huge-items",
                                         "huge-record-length", "huge-parts" };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seep_buf bytes = blg_case(cases[i]);
        struct seep_err err = { 0 };
        struct testkit_sink sink;
        testkit_sink_init(&sink);
        assert_int_equal(testkit_read(&seep_source_blg, bytes.data, bytes.len, &sink, &err),
                         SEEP_PARTIAL);
        seep_buf_clear(&bytes);
        const char *facts = seep_buf_text(&sink.text);
        // the samples before and behind the liar are there: 3 processes at 12:00 and 12:02
        assert_non_null(strstr(facts, "tick 2026-03-01T12:00:00"));
        assert_non_null(strstr(facts, "tick 2026-03-01T12:02:00"));
        assert_true(sink.sink.counts[SEEP_FACT_SAMPLE] >= 92);
        testkit_sink_clear(&sink);
    }
}

static void a_damaged_buffer_costs_only_itself(void **state)
{
    (void)state;
    struct seep_buf bytes = blg_case("demo");
    size_t size = get32(bytes.data), n = bytes.len / size;
    assert_true(n >= 4);
    memset(bytes.data + 2 * size, 0xee, 0x48);
    struct testkit_sink sink;
    assert_int_equal(read_bytes(bytes.data, bytes.len, &sink), SEEP_PARTIAL);
    const char *facts = seep_buf_text(&sink.text);
    assert_non_null(strstr(facts, "\nloss bad-buffer count=1 bytes=65536 offset=0x20000 "));
    assert_non_null(strstr(facts, "\nloss missing-samples "));
    assert_true(sink.sink.counts[SEEP_FACT_SAMPLE] > 5000);
    testkit_sink_clear(&sink);
    memset(bytes.data + 2 * size, 0, size); // nothing there is as bad
    assert_int_equal(read_bytes(bytes.data, bytes.len, &sink), SEEP_PARTIAL);
    assert_non_null(strstr(seep_buf_text(&sink.text), "\nloss bad-buffer count=1 "));
    testkit_sink_clear(&sink);
    // reserved at the end and never written: said, but the read is whole
    memset(bytes.data + 3 * size, 0, (n - 3) * size);
    assert_int_equal(read_bytes(bytes.data, bytes.len, &sink), SEEP_OK);
    assert_non_null(strstr(seep_buf_text(&sink.text), "\nloss unused-space count="));
    testkit_sink_clear(&sink);
    seep_buf_clear(&bytes);
}

static void what_is_no_log_is_refused_in_one_line(void **state)
{
    (void)state;
    struct testkit_sink sink;
    assert_int_equal(read_bytes("", 0, &sink), SEEP_FAILED);
    testkit_sink_clear(&sink);
    static const char text[] = "This is BibTeX, Version 0.99d (TeX Live 2022/Debian)\n";
    assert_int_equal(read_bytes(text, sizeof text, &sink), SEEP_FAILED);
    testkit_sink_clear(&sink);
    // a trace with no Perfmon event in it
    struct seep_buf bytes = blg_case("empty");
    assert_int_equal(read_bytes(bytes.data, get32(bytes.data), &sink), SEEP_FAILED);
    testkit_sink_clear(&sink);
    seep_buf_clear(&bytes);
}

static void a_cancelled_read_keeps_what_it_has(void **state)
{
    (void)state;
    struct seep_buf bytes = blg_case("demo");
    volatile sig_atomic_t cancel = 1;
    struct seep_control control = { .cancel = &cancel };
    struct seep_input input = { .path = "demo", .view = seep_bytes(bytes.data, bytes.len) };
    struct testkit_sink sink;
    testkit_sink_init(&sink);
    struct seep_err err = { 0 };
    uint64_t read = 0;
    assert_int_equal(seep_source_blg.read(&input, &sink.sink, &control, &read, &err),
                     SEEP_CANCELLED);
    testkit_sink_clear(&sink);
    seep_buf_clear(&bytes);
}

static bool refuse(struct seep_sink *sink, struct seep_series_id id, double value)
{
    (void)id;
    (void)value;
    return seep_fail(&sink->error, SEEP_NO_OFFSET, NULL, "the disk is full");
}

static void a_sink_that_refuses_ends_the_read(void **state)
{
    (void)state;
    struct seep_buf bytes = blg_case("demo");
    static const struct seep_sink_ops ops = { .sample = refuse };
    struct seep_sink sink = { .ops = &ops };
    struct seep_input input = { .path = "demo", .view = seep_bytes(bytes.data, bytes.len) };
    struct seep_err err = { 0 };
    uint64_t read = 0;
    assert_int_equal(seep_source_blg.read(&input, &sink, NULL, &read, &err), SEEP_FAILED);
    assert_string_equal(err.what, "the disk is full");
    seep_buf_clear(&bytes);
}

// Long names that many instances share make no more text than a few times the file.
static void shared_names_cost_no_more_than_the_file(void **state)
{
    (void)state;
    static const char *const cases[] = { "shared-names", "shared-parents" };
    for (int i = 0; i < 2; i++) {
        struct seep_buf bytes = blg_case(cases[i]);
        struct testkit_sink sink;
        assert_int_not_equal(read_bytes(bytes.data, bytes.len, &sink), SEEP_FAILED);
        assert_true(sink.sink.n_harmful_losses >= 1);
        assert_true(sink.sink.counts[SEEP_FACT_SAMPLE] > 100);
        assert_true(sink.text.len < 16 * bytes.len);
        testkit_sink_clear(&sink);
        seep_buf_clear(&bytes);
    }
}

static void counters_do_not_share_their_bytes(void **state)
{
    (void)state;
    struct seep_buf bytes = blg_case("shared-counters");
    struct testkit_sink sink;
    assert_int_not_equal(read_bytes(bytes.data, bytes.len, &sink), SEEP_FAILED);
    assert_true(sink.sink.counts[SEEP_FACT_SAMPLE] < bytes.len / 2);
    assert_non_null(strstr(seep_buf_text(&sink.text), "loss bad-record"));
    testkit_sink_clear(&sink);
    seep_buf_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_logs_give_what_they_hold),
        cmocka_unit_test(flipped_bytes_do_no_harm),
        cmocka_unit_test(counts_are_believed_only_with_their_bytes),
        cmocka_unit_test(a_damaged_buffer_costs_only_itself),
        cmocka_unit_test(what_is_no_log_is_refused_in_one_line),
        cmocka_unit_test(a_cancelled_read_keeps_what_it_has),
        cmocka_unit_test(a_sink_that_refuses_ends_the_read),
        cmocka_unit_test(shared_names_cost_no_more_than_the_file),
        cmocka_unit_test(counters_do_not_share_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
