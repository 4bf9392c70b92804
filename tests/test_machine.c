// SPDX-License-Identifier: MIT
// Tests of one look at the live machine, and of the looks of a recording.
#include "testkit.h"

#include "base/time.h"
#include "os/os.h"
#include "os/sample.h"
#include "source/live/live.h"
#include "source/live/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void nap(double seconds)
{
    seep_os_sleep_until(seep_os_monotonic_ns() + (int64_t)(seconds * 1e9), NULL);
}

static enum seep_status look(struct testkit_sink *sink, uint32_t leave_out)
{
    struct seep_input input = { .path = "this machine", .leave_out = leave_out };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 1;
    testkit_sink_init(sink);
    enum seep_status status =
        seep_live_machine_source()->read(&input, &sink->sink, NULL, &read_bytes, &err);
    assert_int_equal(read_bytes, 0);
    return status;
}

static uint64_t count(const char *text, const char *start)
{
    uint64_t n = 0;
    for (const char *p = text; (p = strstr(p, start)) != NULL; p++)
        n += p == text || p[-1] == '\n';
    return n;
}

static void a_look_tells_of_memory_and_tags(void **state)
{
    (void)state;
    struct testkit_sink sink;
    struct seep_os_machine machine;
    struct seep_err err = { 0 };
    char text[64];
    assert_true(seep_os_machine(&machine, &err));
    assert_int_equal(look(&sink, UINT32_C(1) << SEEP_FACT_ZOMBIE), SEEP_OK);
    const char *got = seep_buf_text(&sink.text);
    assert_int_equal(count(got, "tick "), 1);
    assert_int_equal(count(got, "vm 1 "), 1);
    (void)snprintf(text, sizeof text, "vm 1 physical=%" PRIu64 " available=", machine.ram_bytes);
    assert_int_equal(count(got, text), 1);
    assert_true(count(got, "process ") > 1);
    assert_int_equal(sink.sink.counts[SEEP_FACT_ZOMBIE], 0);
    // Where the system tells of its pools, each tag has a fact and its samples; else that is said.
    uint64_t tags = count(got, "pool-tag "), notes = count(got, "loss no-pool-tags ");
    assert_true(tags ? !notes && tags <= count(got, "series ") : notes == 1);
    assert_int_equal(sink.sink.n_harmful_losses, 0);
    testkit_sink_clear(&sink);
}

static void zombies_are_found_with_their_holder(void **state)
{
    (void)state;
    char path[4096], want[64];
    const char *root = getenv("SEEP_BUILD_ROOT");
    struct seep_os_child child = { 0 };
    struct seep_err err = { 0 };
    struct testkit_sink sink = { .text = { 0 } };
    (void)snprintf(path, sizeof path, "%s/tests/specimens/leak_zombies", root ? root : ".");
    char *const argv[] = { path, (char *)"--rate", (char *)"20", (char *)"--seconds", (char *)"8",
                           NULL };
    assert_true(seep_os_spawn(argv, &child, &err));
    uint64_t held = 0;
    for (int i = 0; i < 12 && held < 5; i++) { // a busy machine starts fewer than asked for
        nap(0.5);
        testkit_sink_clear(&sink);
        assert_int_equal(look(&sink, 0), SEEP_OK);
        const char *got = seep_buf_text(&sink.text);
        (void)snprintf(want, sizeof want, " pid=%u start=", child.pid);
        const char *line = strstr(got, want);
        assert_non_null(line);
        while (line > got && line[-1] != '\n')
            line--;
        assert_memory_equal(line, "process ", 8);
        unsigned long id = strtoul(line + 8, NULL, 10);
        (void)snprintf(want, sizeof want, "handle %lu ", id);
        held = count(got, want);
        assert_true(sink.sink.counts[SEEP_FACT_ZOMBIE] >= held);
        assert_int_equal(count(got, "zombie "), sink.sink.counts[SEEP_FACT_ZOMBIE]);
        // Each is there because of a handle that was found.
        assert_true(count(got, "handle ") >= held);
    }
    assert_true(held >= 5);
    assert_non_null(strstr(seep_buf_text(&sink.text), " Process access=0x"));
    testkit_sink_clear(&sink);
    int status;
    int64_t limit = seep_os_monotonic_ns() + 30 * SEEP_NS_PER_S;
    while (!seep_os_child_ended(&child, &status) && seep_os_monotonic_ns() < limit)
        nap(0.05);
    seep_os_child_release(&child);
}

static void a_recording_begins_and_ends_with_a_look(void **state)
{
    (void)state;
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    struct seep_live *live = NULL;
    const struct seep_live_options options = { .heartbeat_ns = 3600 * SEEP_NS_PER_S };
    testkit_sink_init(&sink);
    assert_true(seep_live_open(&live, &options, &sink.sink, &err));
    for (int i = 0; i < 4; i++) {
        assert_true(seep_live_take(live, &err));
        assert_int_equal(sink.sink.counts[SEEP_FACT_VM], 1);
        nap(0.05);
    }
    uint64_t tags = sink.sink.counts[SEEP_FACT_POOL_TAG];
    size_t before = sink.text.len;
    int64_t last_ns = seep_live_last_ns(live);
    assert_true(seep_live_finish(live, &err));
    assert_int_equal(sink.sink.counts[SEEP_FACT_VM], 2);
    assert_true(tags ? sink.sink.counts[SEEP_FACT_POOL_TAG] > tags
                     : sink.sink.counts[SEEP_FACT_POOL_TAG] == 0);
    // At the time of the last sample, not later.
    char text[SEEP_TIME_TEXT];
    seep_time_format(last_ns, text);
    const char *end = seep_buf_text(&sink.text) + before;
    assert_int_equal(count(end, "tick "), 1);
    assert_non_null(strstr(end, text));
    seep_live_close(live);
    assert_int_equal(sink.sink.counts[SEEP_FACT_VM], 2);
    testkit_sink_clear(&sink);
}

static void looks_come_as_often_as_asked_for(void **state)
{
    (void)state;
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    struct seep_live *live = NULL;
    const struct seep_live_options options = { .heartbeat_ns = 3600 * SEEP_NS_PER_S,
                                               .look_ns = SEEP_NS_PER_S / 2 };
    testkit_sink_init(&sink);
    assert_true(seep_live_open(&live, &options, &sink.sink, &err));
    assert_true(seep_live_take(live, &err));
    assert_true(seep_live_take(live, &err));
    uint64_t before = sink.sink.counts[SEEP_FACT_VM];
    nap(0.6);
    assert_true(seep_live_take(live, &err));
    assert_int_equal(sink.sink.counts[SEEP_FACT_VM], before + 1);
    // The last sample has its look already.
    assert_true(seep_live_finish(live, &err));
    assert_int_equal(sink.sink.counts[SEEP_FACT_VM], before + 1);
    seep_live_close(live);
    testkit_sink_clear(&sink);
}

// A tag's blocks become points in every eighth sample and at the end, so that they cost little:
// however often they change, nine samples make three points at most.
static void blocks_of_tags_are_thinned(void **state)
{
    (void)state;
    enum { SAMPLES = 9, FILES = 60 };
    static FILE *files[SAMPLES][FILES];
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    struct seep_live *live = NULL;
    const struct seep_live_options options = { .heartbeat_ns = 3600 * SEEP_NS_PER_S };
    testkit_sink_init(&sink);
    assert_true(seep_live_open(&live, &options, &sink.sink, &err));
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < FILES; k++) // open files are objects of the kernel
            files[i][k] = fopen("/dev/null", "r");
        assert_true(seep_live_take(live, &err));
    }
    assert_true(seep_live_finish(live, &err));
    seep_live_close(live);
    for (int i = 0; i < SAMPLES * FILES; i++) {
        if (files[i / FILES][i % FILES])
            fclose(files[i / FILES][i % FILES]);
    }
    uint64_t most = 0, n_series = 0;
    for (const char *line = seep_buf_text(&sink.text); *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        const char *metric = strstr(line, " metric=outstanding_count ");
        char want[32];
        assert_non_null(end);
        if (strncmp(line, "series ", 7) != 0 || !metric || metric > end)
            continue;
        (void)snprintf(want, sizeof want, "sample %lu ", strtoul(line + 7, NULL, 10));
        uint64_t n = count(seep_buf_text(&sink.text), want);
        most = n > most ? n : most;
        n_series++;
    }
    testkit_sink_clear(&sink);
    if (!n_series)
        skip(); // the system does not tell its tags
    assert_in_range(most, 2, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_tells_of_memory_and_tags),
        cmocka_unit_test(zombies_are_found_with_their_holder),
        cmocka_unit_test(a_recording_begins_and_ends_with_a_look),
        cmocka_unit_test(looks_come_as_often_as_asked_for),
        cmocka_unit_test(blocks_of_tags_are_thinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
