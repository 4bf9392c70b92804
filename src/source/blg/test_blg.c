// SPDX-License-Identifier: MIT
// The .blg reader against real logs (where they are present) and against synthetic ones.
#include "testkit.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <math.h>
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

static enum seep_status read_case(const char *name, struct testkit_sink *sink)
{
    struct seep_buf bytes = blg_case(name);
    struct seep_err err = { 0 };
    testkit_sink_init(sink);
    enum seep_status status = testkit_read(&seep_source_blg, bytes.data, bytes.len, sink, &err);
    seep_buf_clear(&bytes);
    return status;
}

// A case, read. The status must be what the losses make it.
static struct testkit_sink blg_facts(const char *name)
{
    struct testkit_sink sink;
    enum seep_status status = read_case(name, &sink);
    assert_int_equal(status, sink.sink.n_harmful_losses ? SEEP_PARTIAL : SEEP_OK);
    return sink;
}

// A value of a counter, and at which tick (from 0) it stood.
struct seen {
    size_t tick;
    double value;
};

// The values that a counter path has in the facts, of whatever subject, in the order of the log.
static size_t values(const char *facts, const char *counter, struct seen *out, size_t max)
{
    char want[512];
    (void)snprintf(want, sizeof want, " counter=%s", counter);
    size_t want_len = strlen(want), n = 0, tick = 0;
    bool *ours = seep_alloc(100000, sizeof *ours);
    assert_non_null(ours);
    for (const char *line = facts; *line;) {
        const char *end = strchr(line, '\n');
        size_t len = end ? (size_t)(end - line) : strlen(line);
        unsigned id = 0;
        if (strncmp(line, "tick ", 5) == 0) {
            tick++;
        } else if (strncmp(line, "series ", 7) == 0) {
            id = (unsigned)strtoul(line + 7, NULL, 10);
            if (len >= want_len && memcmp(line + len - want_len, want, want_len) == 0)
                ours[id] = true;
        } else if (strncmp(line, "sample ", 7) == 0) {
            char *rest = NULL;
            id = (unsigned)strtoul(line + 7, &rest, 10);
            if (ours[id] && n < max)
                out[n++] = (struct seen){ tick - 1, strtod(rest, NULL) };
        }
        line += len + (end != NULL);
    }
    seep_free(ours);
    return n;
}

static void expect(const char *facts, const char *counter, size_t n, const double *wanted)
{
    struct seen got[64];
    size_t count = values(facts, counter, got, 64);
    if (count != n)
        fail_msg("%s: %u values, not %u", counter, (unsigned)count, (unsigned)n);
    for (size_t i = 0; i < n; i++) {
        if (fabs(got[i].value - wanted[i]) > 1e-9 * fabs(wanted[i]))
            fail_msg("%s: value %u is %.17g, not %.17g", counter, (unsigned)i, got[i].value,
                     wanted[i]);
    }
}

#define EXPECT(facts, counter, ...)                                                                \
    expect(facts, counter, sizeof((double[]){ __VA_ARGS__ }) / sizeof(double),                     \
           (double[]){ __VA_ARGS__ })

static size_t count_lines(const char *facts, const char *start)
{
    size_t n = 0, len = strlen(start);
    for (const char *line = facts; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        n += strncmp(line, start, len) == 0;
        if (!*line)
            break;
    }
    return n;
}

static void assert_has(const char *facts, const char *text)
{
    if (!strstr(facts, text))
        fail_msg("the facts do not say: %s", text);
}

static void assert_has_not(const char *facts, const char *text)
{
    const char *found = strstr(facts, text);
    if (found)
        fail_msg("the facts say: %.80s", found);
}

static bool read_real(const char *name, struct testkit_sink *sink)
{
    char path[4096];
    if (!testkit_data(name, path, sizeof path))
        return false;
    struct seep_buf bytes = { 0 };
    assert_true(testkit_read_file(path, &bytes));
    struct seep_err err = { 0 };
    testkit_sink_init(sink);
    assert_int_equal(seep_source_blg.bid(seep_bytes(bytes.data, bytes.len)), 176);
    assert_int_equal(testkit_read(&seep_source_blg, bytes.data, bytes.len, sink, &err), SEEP_OK);
    seep_buf_clear(&bytes);
    return true;
}

// Perfmon's own numbers of this log: the first ones as PDH gives them to 15 digits, and the last,
// average, minimum and maximum that Performance Monitor shows.
static void real_rates_are_perfmons(void **state)
{
    (void)state;
    struct testkit_sink sink;
    if (!read_real("blg/Tx-BasicPerfCounters.blg", &sink))
        skip();
    const char *facts = seep_buf_text(&sink.text);
    struct seen v[700];
    size_t n = values(facts, "\\Processor(_Total)\\% Processor Time", v, 700);
    assert_int_equal(n, 600);
    char text[40];
    static const char *const first[] = { "9.37826238255423", "5.86541344045712", "8.20410303650782",
                                         "3.1283808195094" };
    for (int i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof text, "%.15g", v[i].value);
        assert_string_equal(text, first[i]);
    }
    double sum = 0, low = v[0].value, high = low;
    for (size_t i = 0; i < n; i++) {
        sum += v[i].value;
        low = fmin(low, v[i].value);
        high = fmax(high, v[i].value);
        assert_int_equal(v[i].tick, i);
    }
    (void)snprintf(text, sizeof text, "%.3f %.3f %.3f %.3f", v[n - 1].value, sum / (double)n, low,
                   high);
    assert_string_equal(text, "32.816 11.527 1.569 53.908");
    // 2/19/2013 6:50:18 PM on the screen, in a zone 8 hours west
    // and no value at the first sample, which has none before it
    assert_has(facts, "tick 2013-02-20T02:50:18.844000000Z\n");
    assert_has_not(facts, "tick 2013-02-20T02:50:17.844000000Z\n");
    assert_int_equal(count_lines(facts, "tick "), 600);
    assert_int_equal(count_lines(facts, "series "), 10);
    assert_has(facts, "machine 1 host=GEORGIS3 os=Windows");
    assert_has(facts, "tally Perfmon 32 1\ntally Perfmon 34 601\n");
    assert_has_not(facts, "\nloss ");
    // an idle disk's average is 0, and there is one in every interval
    assert_int_equal(values(facts, "\\PhysicalDisk(0 C:)\\Avg. Disk Bytes/Read", v, 700), 600);
    assert_true(v[0].value == 0);
    testkit_sink_clear(&sink);
}

static void real_whole_objects(void **state)
{
    (void)state;
    struct testkit_sink sink;
    if (!read_real("blg/PAL-SampleLog.blg", &sink))
        skip();
    const char *facts = seep_buf_text(&sink.text);
    EXPECT(facts, "\\Process(explorer)\\Handle Count", 686, 689, 689, 692, 690, 690, 748, 690, 690,
           683, 680);
    struct seen v[16];
    assert_int_equal(values(facts, "\\Process(explorer)\\Private Bytes", v, 16), 11);
    assert_true(v[0].value == 36818944 && v[6].value == 57470976);
    EXPECT(facts, "\\Process(explorer)\\ID Process", 1948, 1948, 1948, 1948, 1948, 1948, 1948, 1948,
           1948, 1948, 1948);
    assert_int_equal(count_lines(facts, "tick "), 11);
    assert_has(facts, "tick 2007-08-14T19:40:38.659000000Z\n");
    assert_has(facts, "machine 1 host=ZACH-PC os=Windows");
    assert_has(facts, "pid=1948");
    // all 35 counters of Memory (the 36th is a base), each with a sane value at each tick
    static const char *const memory[] = { "Available Bytes",     "Committed Bytes",
                                          "Commit Limit",        "Pool Paged Bytes",
                                          "Pool Nonpaged Bytes", "Free System Page Table Entries",
                                          "Cache Bytes" };
    static const double first[] = { 83587072, 571310080, 1512824832, 77242368,
                                    28422144, 362456,    152088576 };
    char path[80];
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        (void)snprintf(path, sizeof path, "\\Memory\\%s", memory[i]);
        assert_int_equal(values(facts, path, v, 16), 11);
        assert_true(v[0].value == first[i]);
    }
    assert_int_equal(values(facts, "\\Memory\\% Committed Bytes In Use", v, 16), 11);
    // 139480 / 369342, which is 571310080 / 1512824832; a ratio where a metric wants one
    assert_true(fabs(v[0].value - 37.764456790725) < 1e-9 ||
                fabs(v[0].value - 0.37764456790725) < 1e-11);
    // 51 instances in the first sample, _Total among them; thirteen of them are svchost
    assert_int_equal(values(facts, "\\Process(svchost#12)\\Handle Count", v, 16), 11);
    assert_int_equal(values(facts, "\\Process(svchost#13)\\Handle Count", v, 16), 0);
    assert_int_equal(values(facts, "\\Process(_Total)\\Handle Count", v, 16), 11);
    assert_true(v[0].value == 15014);
    // % Processor Time over one minute: (Idle) is a percentage of one processor
    assert_int_equal(values(facts, "\\Process(Idle)\\% Processor Time", v, 16), 10);
    for (int i = 0; i < 10; i++)
        assert_true(v[i].value > 0 && v[i].value <= 100.5);
    assert_has(facts, "tally Perfmon 36 14\ntally Perfmon 32 1\ntally Perfmon 34 33\n");
    assert_has_not(facts, "\nloss truncated");
    assert_has_not(facts, "\nloss bad-record");
    testkit_sink_clear(&sink);
}

static void the_demo_holds_its_leak(void **state)
{
    (void)state;
    static const char *const cases[] = { "demo", "counters" };
    for (int i = 0; i < 2; i++) {
        struct testkit_sink sink = blg_facts(cases[i]);
        const char *facts = seep_buf_text(&sink.text);
        struct seen v[64];
        // fleet()[11]: 16 MiB at the start, 1 MiB a minute, PID 344
        assert_int_equal(values(facts, "\\Process(LeakyService)\\Private Bytes", v, 64), 61);
        for (int s = 0; s <= 60; s++)
            assert_true(v[s].value == (16 + s) * 1048576.0 + 4096 * ((s * 7 + 344) % 13));
        assert_int_equal(values(facts, "\\Process(csrss#1)\\Handle Count", v, 64), 61);
        // 900 a minute
        assert_int_equal(values(facts, "\\Memory\\Page Faults/sec", v, 64), 60);
        assert_true(v[0].value == 15 && v[59].value == 15);
        // a share of one processor: 344 % 7 + 1 = 2 hundredths
        assert_int_equal(values(facts, "\\Process(LeakyService)\\% Processor Time", v, 64), 60);
        assert_true(fabs(v[30].value - 2) < 1e-9);
        assert_int_equal(count_lines(facts, "tick "), 61);
        assert_has(facts, "tick 2026-03-01T13:00:00.000000000Z\n");
        assert_has(facts, "pid=344 start=2026-03-01T11:00:11.000000000Z");
        assert_has_not(facts, "\nloss ");
        testkit_sink_clear(&sink);
    }
}

static void every_counter_type(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("types");
    const char *facts = seep_buf_text(&sink.text);
    EXPECT(facts, "\\Types\\raw", 7, 8, 9);
    EXPECT(facts, "\\Types\\large", 0x1p40, 0x1p41, 3 * 0x1p40);
    EXPECT(facts, "\\Types\\hex", 255, 256, 257);
    EXPECT(facts, "\\Types\\large hex", 0x1p33, 0x1p34, 0x1p35);
    EXPECT(facts, "\\Types\\counter", 10, 0);
    EXPECT(facts, "\\Types\\bulk", 2500, 5000);
    EXPECT(facts, "\\Types\\sample counter", 2, 2);
    EXPECT(facts, "\\Types\\timer", 25, 50);
    EXPECT(facts, "\\Types\\timer inv", 75, 50);
    EXPECT(facts, "\\Types\\100ns", 25, 50);
    EXPECT(facts, "\\Types\\100ns inv", 75); // then negative: no value
    EXPECT(facts, "\\Types\\obj timer", 10, 20);
    EXPECT(facts, "\\Types\\multi timer", 12.5, 25);
    EXPECT(facts, "\\Types\\multi timer inv", 87.5, 75);
    EXPECT(facts, "\\Types\\multi 100ns", 25, 50);
    EXPECT(facts, "\\Types\\multi 100ns inv", 75, 50);
    EXPECT(facts, "\\Types\\queue", 0.5, 2);
    EXPECT(facts, "\\Types\\large queue", 0.5, 2);
    EXPECT(facts, "\\Types\\100ns queue", 0.5, 2);
    EXPECT(facts, "\\Types\\obj queue", 0.5, 2);
    EXPECT(facts, "\\Types\\delta", 5, 0);
    EXPECT(facts, "\\Types\\large delta", 9, 0x1p40 - 9);
    EXPECT(facts, "\\Types\\fraction", 25, 50, 75);
    EXPECT(facts, "\\Types\\large fraction", 25, 25, 0);
    EXPECT(facts, "\\Types\\sample fraction", 25, 0);
    EXPECT(facts, "\\Types\\average timer", 1.5, 0);
    EXPECT(facts, "\\Types\\average bulk", 1500, 3000);
    EXPECT(facts, "\\Types\\precision system", 25, 50);
    EXPECT(facts, "\\Types\\precision 100ns", 25, 50);
    EXPECT(facts, "\\Types\\precision obj", 25, 50);
    EXPECT(facts, "\\Types\\elapsed", 1, 2, 3);
    assert_has_not(facts, "\\Types\\text");
    assert_has_not(facts, "\\Types\\undocumented");
    assert_has(facts, "\nloss unknown-counter-type count=1 ");
    testkit_sink_clear(&sink);
}

static void every_record_kind(void **state)
{
    (void)state;
    static const char *const cases[] = { "all", "all32" };
    char *before = NULL;
    for (int i = 0; i < 2; i++) {
        struct testkit_sink sink = blg_facts(cases[i]);
        const char *facts = seep_buf_text(&sink.text);
        EXPECT(facts, "\\Memory\\Committed Bytes", 1073741824.0, 1073741825.0, 1073741826.0);
        // the item block and the whole object are of one process each
        EXPECT(facts, "\\Process(app)\\Handle Count", 10, 11, 12);
        EXPECT(facts, "\\Process(app#1)\\Handle Count", 20, 20, 20);
        EXPECT(facts, "\\Process(app)\\Private Bytes", 10 * 1048576.0, 11 * 1048576.0,
               12 * 1048576.0);
        EXPECT(facts, "\\Process(app#1)\\Private Bytes", 20 * 1048576.0, 21 * 1048576.0,
               22 * 1048576.0);
        EXPECT(facts, "\\Thread(app/0#2)\\Context Switches/sec", 100, 100);
        assert_int_equal(count_lines(facts, "process "), 2);
        assert_has(facts, "tally Perfmon 36 1\ntally Perfmon 32 1\ntally Perfmon 34 3\n"
                          "tally Perfmon 35 1\n");
        assert_has_not(facts, "\nloss truncated");
        assert_has_not(facts, "\nloss bad");
        if (before)
            assert_string_equal(facts, before); // the pointer size changes nothing
        else
            before = seep_strndup(facts, strlen(facts));
        testkit_sink_clear(&sink);
    }
    seep_free(before);
}

static void split_blocks_are_joined_or_missed(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("missing-part");
    const char *facts = seep_buf_text(&sink.text);
    assert_int_equal(count_lines(facts, "tick "), 4);
    assert_has_not(facts, "tick 2026-03-01T12:02:00");
    assert_has(facts, "\nloss missing-part count=1 ");
    assert_has_not(facts, "\nloss missing-samples");
    testkit_sink_clear(&sink);

    sink = blg_facts("out-of-order");
    facts = seep_buf_text(&sink.text);
    assert_int_equal(count_lines(facts, "tick "), 5);
    assert_has_not(facts, "\nloss ");
    struct seen v[8];
    assert_int_equal(values(facts, "\\Process(worker49#3)\\Thread Count", v, 8), 5);
    testkit_sink_clear(&sink);
}

static void circular_logs_start_at_the_oldest_buffer(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("circular");
    const char *facts = seep_buf_text(&sink.text);
    assert_int_equal(count_lines(facts, "tick "), 20);
    assert_has(facts, "tick 2026-03-01T12:39:00");
    assert_has_not(facts, "tick 2026-03-01T12:19:00");
    assert_has_not(facts, "\nloss "); // in order of time, and all names are known
    struct seen v[64];
    assert_int_equal(values(facts, "\\Process(LeakyService)\\Private Bytes", v, 64), 20);
    for (int i = 1; i < 20; i++)
        assert_true(v[i].value > v[0].value);
    testkit_sink_clear(&sink);
}

static void localized_names_stay_as_logged(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("localized");
    const char *facts = seep_buf_text(&sink.text);
    struct seen v[8];
    assert_int_equal(values(facts, "\\Prozess(explorer)\\Handleanzahl", v, 8), 4);
    assert_int_equal(values(facts, "\\Arbeitsspeicher\\Zugesicherte Bytes", v, 8), 4);
    assert_has(facts, "metric=handles counter=\\Prozess(explorer)\\Handleanzahl\n"); // by index
    assert_has(facts, "metric=virtual_bytes counter=\\Prozess(explorer)\\Virtuelle Gr\xc3\xb6\xc3"
                      "\x9f"
                      "e\n");
    assert_has_not(facts, "\nloss ");
    testkit_sink_clear(&sink);

    sink = blg_facts("localized-counters");
    facts = seep_buf_text(&sink.text);
    assert_int_equal(values(facts, "\\Prozess(explorer)\\Handleanzahl", v, 8), 4);
    testkit_sink_clear(&sink);
}

// Three svchost (PIDs 100, 104, 108; 10, 20, 30 MiB); the first ends after sample 3, and the others
// take over the names before them. What belongs to a process follows it.
static void renumbered_instances_keep_their_process(void **state)
{
    (void)state;
    static const char *const cases[] = { "instance-exit", "instance-exit-counters" };
    for (int i = 0; i < 2; i++) {
        struct testkit_sink sink = blg_facts(cases[i]);
        const char *facts = seep_buf_text(&sink.text);
        assert_int_equal(count_lines(facts, "process "), 3);
        assert_has(facts, "pid=100 ");
        assert_has(facts, "pid=104 ");
        assert_has(facts, "pid=108 ");
        struct seen v[16];
        // a series is of its process, under the path it had first
        assert_int_equal(values(facts, "\\Process(svchost)\\Private Bytes", v, 16), 4);
        assert_int_equal(values(facts, "\\Process(svchost#1)\\Private Bytes", v, 16), 8);
        for (int s = 0; s < 8; s++) {
            assert_int_equal(v[s].tick, s);
            assert_true(v[s].value == 20 * 1048576.0 + 4096 * ((s * 7 + 104) % 13));
        }
        testkit_sink_clear(&sink);
    }
}

// A rate over two samples is of one process, also over the samples between which its name changed.
static void rates_follow_their_process(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("instance-exit");
    const char *facts = seep_buf_text(&sink.text);
    struct seen v[16];
    assert_int_equal(values(facts, "\\Process(svchost)\\% Processor Time", v, 16), 3);
    assert_true(fabs(v[0].value - 3) < 1e-9); // 100 % 7 + 1
    assert_int_equal(values(facts, "\\Process(svchost#1)\\% Processor Time", v, 16), 7);
    for (int i = 0; i < 7; i++)
        assert_true(fabs(v[i].value - 7) < 1e-9); // 104 % 7 + 1
    testkit_sink_clear(&sink);
}

static void a_reused_pid_is_another_process(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("pid-reuse");
    const char *facts = seep_buf_text(&sink.text);
    assert_has(facts, "pid=1000 start=2026-03-01T11:59:10.000000000Z");
    assert_has(facts, "pid=1000 start=2026-03-01T12:04:30.000000000Z");
    assert_int_equal(count_lines(facts, "process "), 2);
    testkit_sink_clear(&sink);
}

static void local_times_become_utc(void **state)
{
    (void)state;
    // hourly over the end of daylight saving time; with UTC in the records, and without
    static const char *const cases[] = { "dst", "dst-rule" };
    for (int i = 0; i < 2; i++) {
        struct testkit_sink sink = blg_facts(cases[i]);
        const char *facts = seep_buf_text(&sink.text);
        char tick[64];
        for (int hour = 2; hour <= 10; hour++) {
            (void)snprintf(tick, sizeof tick, "tick 2026-11-01T%02d:00:00.000000000Z\n", hour);
            assert_has(facts, tick);
        }
        assert_int_equal(count_lines(facts, "tick "), 9);
        assert_has_not(facts, "\nloss ");
        testkit_sink_clear(&sink);
    }
}

static void threads_have_parents(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("threads");
    const char *facts = seep_buf_text(&sink.text);
    EXPECT(facts, "\\Thread(app/0)\\ID Thread", 1, 1);
    EXPECT(facts, "\\Thread(app/1)\\ID Thread", 2, 2);
    EXPECT(facts, "\\Thread(app/0#1)\\ID Thread", 3, 3);
    testkit_sink_clear(&sink);
}

static void instance_names_in_code_pages(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("code-page");
    const char *facts = seep_buf_text(&sink.text);
    EXPECT(facts, "\\Queue(B\xc3\xbcro)\\Length", 1);
    EXPECT(facts, "\\Line(\\x93\\xFA)\\Length", 2); // a double-byte page: escaped, and said
    EXPECT(facts, "\\Port(443)\\Length", 3);
    assert_has(facts, "\nloss bad-text count=1 ");
    testkit_sink_clear(&sink);
}

static void losses_are_told(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("lost");
    assert_has(seep_buf_text(&sink.text), "\nloss lost-events count=41 ");
    assert_has(seep_buf_text(&sink.text), "\nloss lost-buffers count=2 ");
    testkit_sink_clear(&sink);

    sink = blg_facts("truncated");
    assert_has(seep_buf_text(&sink.text), "\nloss truncated count=1 bytes=- offset=0x24321 ");
    testkit_sink_clear(&sink);

    sink = blg_facts("unknown-kind");
    const char *facts = seep_buf_text(&sink.text);
    assert_has(facts, "\nloss unknown-record count=3 ");
    assert_has(facts, "the first is 0x07034c42");
    assert_has(facts, "\nloss unknown-event count=1 ");
    assert_has(facts, "tally Perfmon 77 1\n");
    EXPECT(facts, "\\Memory\\Committed Bytes", 1000, 1001, 1002);
    EXPECT(facts, "\\Memory\\Available Bytes", 2000, 2001, 2002); // what follows is not shifted
    testkit_sink_clear(&sink);

    sink = blg_facts("no-list");
    assert_has(seep_buf_text(&sink.text), "\nloss no-counter-list count=57 ");
    assert_int_equal(sink.sink.counts[SEEP_FACT_SAMPLE], 0);
    testkit_sink_clear(&sink);

    sink = blg_facts("empty");
    assert_has(seep_buf_text(&sink.text), "\nloss no-samples ");
    assert_int_equal(sink.sink.n_harmful_losses, 0);
    testkit_sink_clear(&sink);

    sink = blg_facts("no-names");
    facts = seep_buf_text(&sink.text);
    assert_has(facts, "\nloss unnamed count=3 ");
    assert_has(facts, "metric=private_bytes counter=\\Process(smss)\\Private Bytes\n");
    assert_has(facts, "counter=\\Process(smss)\\#6\n");
    testkit_sink_clear(&sink);
}

static void values_without_a_good_status_are_none(void **state)
{
    (void)state;
    struct testkit_sink sink = blg_facts("bad-status");
    EXPECT(seep_buf_text(&sink.text), "\\Memory\\Committed Bytes", 1000, 1002);
    EXPECT(seep_buf_text(&sink.text), "\\Process(app)\\Handle Count", 5, 7);
    testkit_sink_clear(&sink);
    sink = blg_facts("wrap32");
    EXPECT(seep_buf_text(&sink.text), "\\Memory\\Page Faults/sec", 255, 60);
    testkit_sink_clear(&sink);
}

static void other_files_get_no_bid(void **state)
{
    (void)state;
    static const char bibtex[] = "This is BibTeX, Version 0.99d\nThe top-level auxiliary file: a\n";
    assert_int_equal(seep_source_blg.bid(seep_bytes(bibtex, sizeof bibtex - 1)), 0);
    assert_int_equal(seep_source_blg.bid(seep_bytes(NULL, 0)), 0);
    static const char *const traces[] = { "etl/diaghub.etl", "etl/net.4.5.2.x64.etl" };
    for (int i = 0; i < 2; i++) {
        char path[4096];
        struct seep_buf bytes = { 0 };
        if (testkit_data(traces[i], path, sizeof path) && testkit_read_file(path, &bytes))
            assert_int_equal(seep_source_blg.bid(seep_bytes(bytes.data, bytes.len)), 0);
        seep_buf_clear(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_rates_are_perfmons),
        cmocka_unit_test(real_whole_objects),
        cmocka_unit_test(the_demo_holds_its_leak),
        cmocka_unit_test(every_counter_type),
        cmocka_unit_test(every_record_kind),
        cmocka_unit_test(split_blocks_are_joined_or_missed),
        cmocka_unit_test(circular_logs_start_at_the_oldest_buffer),
        cmocka_unit_test(localized_names_stay_as_logged),
        cmocka_unit_test(renumbered_instances_keep_their_process),
        cmocka_unit_test(rates_follow_their_process),
        cmocka_unit_test(a_reused_pid_is_another_process),
        cmocka_unit_test(local_times_become_utc),
        cmocka_unit_test(threads_have_parents),
        cmocka_unit_test(instance_names_in_code_pages),
        cmocka_unit_test(losses_are_told),
        cmocka_unit_test(values_without_a_good_status_are_none),
        cmocka_unit_test(other_files_get_no_bid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
