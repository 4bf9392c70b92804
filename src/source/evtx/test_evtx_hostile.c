// SPDX-License-Identifier: MIT
// The evtx reader against damage: every cut, random flips, and counts of records that survive.
#include "testkit.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct seep_source seep_source_evtx;

enum { HEADER = 0x1000, CHUNK = 0x10000, CHUNK_HEADER = 0x200 };

// A sink that counts what the tallies say.
struct counter {
    struct seep_sink sink;
    uint64_t n_records;
};

static bool on_tally(struct seep_sink *sink, const struct seep_tally *tally)
{
    ((struct counter *)sink)->n_records += tally->count;
    return true;
}

static bool on_event(struct seep_sink *sink, const struct seep_event *event)
{
    (void)sink;
    struct seep_json json = { 0 };
    seep_event_fields_json(event, &json); // the fields must be readable whatever they are
    assert_int_equal(json.n_invalid, 0);
    assert_false(json.failed);
    seep_json_clear(&json);
    return true;
}

static const struct seep_sink_ops ops = { .tally = on_tally, .event = on_event };

// Reads a copy that ends where its allocation ends, so that a sanitizer sees one byte too many.
static enum seep_status run(const void *data, size_t len, struct counter *counter)
{
    uint8_t *copy = seep_alloc(len, 1);
    assert_non_null(copy);
    memcpy(copy, data, len);
    *counter = (struct counter){ .sink = { .ops = &ops } };
    struct seep_input input = { .path = "test", .view = seep_bytes(copy, len) };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    enum seep_status status =
        seep_source_evtx.read(&input, &counter->sink, NULL, &read_bytes, &err);
    assert_true(read_bytes <= len);
    assert_true(status == SEEP_OK || err.what[0]);
    if (status == SEEP_OK && counter->sink.n_harmful_losses)
        status = SEEP_PARTIAL;
    seep_free(copy);
    return status;
}

static void read_case(const char *name, struct seep_buf *file)
{
    char path[256];
    (void)snprintf(path, sizeof path, "src/source/evtx/%s.evtx", name);
    *file = testkit_built_file(path);
}

static uint32_t get32(const struct seep_buf *file, size_t at)
{
    return seep_le32((const uint8_t *)file->data + at);
}

static void a_cut_keeps_the_records_before_it(void **state)
{
    (void)state;
    struct seep_buf file = { 0 };
    struct counter c;
    uint64_t n = 0;
    read_case("demo", &file);
    for (size_t chunk = HEADER; chunk + CHUNK <= file.len; chunk += CHUNK) {
        size_t end = chunk + get32(&file, chunk + 48);
        for (size_t at = chunk + CHUNK_HEADER; at < end && get32(&file, at) == 0x2a2a;) {
            size_t size = get32(&file, at + 4);
            // one byte before the record's end, and at its end
            assert_int_equal(run(file.data, at + size - 1, &c), SEEP_PARTIAL);
            assert_int_equal(c.n_records, n);
            enum seep_status want = at + size == end ? SEEP_OK : SEEP_PARTIAL;
            at += size;
            n++;
            assert_int_equal(run(file.data, at, &c), want);
            assert_int_equal(c.n_records, n);
        }
    }
    assert_int_equal(n, 745);
    seep_buf_clear(&file);
}

static void any_cut_is_survived(void **state)
{
    (void)state;
    struct seep_buf file = { 0 };
    struct counter c;
    uint64_t before = 0;
    read_case("demo", &file);
    for (size_t len = 0; len < file.len; len += 997) {
        enum seep_status status = run(file.data, len, &c);
        assert_true(len > HEADER ? status != SEEP_FAILED : status == SEEP_FAILED);
        assert_true(c.n_records >= before);
        before = c.n_records;
    }
    for (size_t len = 0; len < 600; len++) {
        (void)run(file.data, len, &c);
        assert_int_equal(run(file.data, HEADER + CHUNK + len, &c),
                         len == 0 ? SEEP_OK : SEEP_PARTIAL);
    }
    seep_buf_clear(&file);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const char *const flipped[] = { "event-2004", "types",  "tokens",      "radar",
                                       "nested",     "direct", "huge-counts", "unnamed" };

static void flips_are_survived(void **state)
{
    (void)state;
    uint64_t random = 0x5eed5eed5eed5eed;
    for (size_t i = 0; i < sizeof flipped / sizeof *flipped; i++) {
        struct seep_buf file = { 0 };
        struct counter c;
        read_case(flipped[i], &file);
        // only where the records are: the rest of the chunk is free space
        size_t end = HEADER + get32(&file, HEADER + 48);
        for (int round = 0; round < 400; round++) {
            struct {
                size_t at;
                char old;
            } undo[4];
            for (int k = 0; k < 4; k++) {
                undo[k].at = HEADER + (size_t)(next_random(&random) % (end - HEADER));
                undo[k].old = file.data[undo[k].at];
                file.data[undo[k].at] = (char)(next_random(&random) >> 32);
            }
            (void)run(file.data, file.len, &c);
            for (int k = 3; k >= 0; k--)
                file.data[undo[k].at] = undo[k].old;
        }
        seep_buf_clear(&file);
    }
}

static void a_flip_in_the_records_is_seen(void **state)
{
    (void)state;
    struct seep_buf file = { 0 };
    struct counter c;
    read_case("plain", &file);
    assert_int_equal(run(file.data, file.len, &c), SEEP_OK);
    size_t end = HEADER + get32(&file, HEADER + 48);
    for (size_t at = HEADER + CHUNK_HEADER; at < end; at += 101) {
        file.data[at] ^= 0x10;
        assert_int_equal(run(file.data, file.len, &c), SEEP_PARTIAL);
        file.data[at] ^= 0x10;
    }
    seep_buf_clear(&file);
}

// Every 32-bit word in turn says that there is far more than there is.
static void huge_numbers_cost_nothing(void **state)
{
    (void)state;
    struct seep_buf file = { 0 };
    struct counter c;
    read_case("event-2004", &file);
    size_t end = HEADER + get32(&file, HEADER + 48);
    for (size_t at = HEADER; at + 4 <= end; at += 3) {
        char old[4];
        memcpy(old, file.data + at, 4);
        memset(file.data + at, 0xff, 4);
        (void)run(file.data, file.len, &c);
        memcpy(file.data + at, "\xf0\xff\xff\x7f", 4);
        (void)run(file.data, file.len, &c);
        memcpy(file.data + at, old, 4);
    }
    seep_buf_clear(&file);
}

static void cancelling_keeps_what_was_read(void **state)
{
    (void)state;
    struct seep_buf file = { 0 };
    read_case("demo", &file);
    static const volatile sig_atomic_t yes = 1;
    struct seep_control control = { .cancel = &yes };
    struct counter c = { .sink = { .ops = &ops } };
    struct seep_input input = { .path = "test", .view = seep_bytes(file.data, file.len) };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    assert_int_equal(seep_source_evtx.read(&input, &c.sink, &control, &read_bytes, &err),
                     SEEP_CANCELLED);
    assert_int_equal(read_bytes, HEADER);
    seep_buf_clear(&file);
}

static bool refuse(struct seep_sink *sink, const struct seep_event *event)
{
    (void)event;
    return seep_fail(&sink->error, SEEP_NO_OFFSET, NULL, "the disk is full");
}

static void a_full_sink_ends_the_read(void **state)
{
    (void)state;
    static const struct seep_sink_ops full = { .event = refuse };
    struct seep_buf file = { 0 };
    read_case("demo", &file);
    struct seep_sink sink = { .ops = &full };
    struct seep_input input = { .path = "test", .view = seep_bytes(file.data, file.len) };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    assert_int_equal(seep_source_evtx.read(&input, &sink, NULL, &read_bytes, &err), SEEP_FAILED);
    assert_string_equal(err.what, "the disk is full");
    seep_buf_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_keeps_the_records_before_it),
        cmocka_unit_test(any_cut_is_survived),
        cmocka_unit_test(flips_are_survived),
        cmocka_unit_test(a_flip_in_the_records_is_seen),
        cmocka_unit_test(huge_numbers_cost_nothing),
        cmocka_unit_test(cancelling_keeps_what_was_read),
        cmocka_unit_test(a_full_sink_ends_the_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
