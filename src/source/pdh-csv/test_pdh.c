// SPDX-License-Identifier: MIT
// The PDH text readers against logs of known content, and against damaged ones.
#include "testkit.h"

#include "base/alloc.h"
#include "base/time.h"
#include "source/pdh_number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct seep_source seep_source_pdh_csv, seep_source_pdh_tsv;

// Lines of a text, one after another; the line ends become NULs.
static char *next_line(char **at)
{
    char *line = *at;
    if (!line || !*line)
        return NULL;
    char *end = strchr(line, '\n');
    *at = end ? end + 1 : NULL;
    if (end)
        *end = '\0';
    return line;
}

static bool starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

// --- what the sink remembers, found again ---

// Counts the lines that start with `head` and, if `tail` is not NULL, end with it.
static unsigned count_lines(const char *text, const char *head, const char *tail)
{
    unsigned n = 0;
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        size_t length = end ? (size_t)(end - line) : strlen(line);
        size_t n_tail = tail ? strlen(tail) : 0;
        n += starts(line, head) && length >= n_tail &&
             memcmp(line + length - n_tail, tail ? tail : "", n_tail) == 0;
        line += length + (end != NULL);
    }
    return n;
}

struct wanted {
    const char *subject; // "process=3", "machine=1"; NULL = any
    const char *metric, *counter;
    int64_t t_ns; // SEEP_NO_TIME = any
};

// The samples that fit; the value of the last one goes to *value.
static unsigned find_samples(const char *text, const struct wanted *w, double *value)
{
    enum { SERIES_MAX = 1000 };
    static bool fits[SERIES_MAX];
    char *copy = seep_strndup(text, strlen(text)), *at = copy, *line;
    unsigned n = 0;
    int64_t now = SEEP_NO_TIME;
    memset(fits, 0, sizeof fits);
    while ((line = next_line(&at)) != NULL) {
        unsigned id;
        int len = 0;
        if (sscanf(line, "series %u %n", &id, &len) == 1 && len && id < SERIES_MAX) {
            char *metric = strstr(line, " metric="), *counter = strstr(line, " counter=");
            assert_true(metric && counter);
            *metric = *counter = '\0';
            fits[id] = (!w->subject || !strcmp(line + len, w->subject)) &&
                       (!w->metric || !strcmp(metric + 8, w->metric)) &&
                       (!w->counter || !strcmp(counter + 9, w->counter));
        } else if (starts(line, "tick ")) {
            assert_true(seep_time_parse(line + 5, &now));
        } else if (sscanf(line, "sample %u %n", &id, &len) == 1 && id < SERIES_MAX && fits[id] &&
                   (w->t_ns == SEEP_NO_TIME || now == w->t_ns)) {
            n++;
            *value = strtod(line + len, NULL);
        }
    }
    seep_free(copy);
    return n;
}

static void check_time(const char *text, const char *which, int64_t expected)
{
    char *copy = seep_strndup(text, strlen(text)), *at = copy, *line;
    int64_t first = SEEP_NO_TIME, last = SEEP_NO_TIME;
    while ((line = next_line(&at)) != NULL) {
        if (!starts(line, "tick "))
            continue;
        assert_true(seep_time_parse(line + 5, &last));
        if (first == SEEP_NO_TIME)
            first = last;
    }
    seep_free(copy);
    assert_int_equal(strcmp(which, "first") == 0 ? first : last, expected);
}

// Some process of a PID has a metric with that value at that time; the machine for "-".
static void check_value(const char *text, const char *pid, const char *metric, int64_t t_ns,
                        double expected)
{
    struct wanted w = { .metric = metric, .t_ns = t_ns };
    double value = NAN;
    if (strcmp(pid, "-") == 0) {
        w.subject = "machine=1";
        assert_int_equal(find_samples(text, &w, &value), 1);
    } else {
        char head[64], subject[64] = "";
        (void)snprintf(head, sizeof head, " pid=%s ", pid);
        const char *line = strstr(text, head);
        unsigned id = 0;
        assert_non_null(line);
        while (line > text && line[-1] != '\n')
            line--;
        assert_int_equal(sscanf(line, "process %u", &id), 1);
        (void)snprintf(subject, sizeof subject, "process=%u", id);
        w.subject = subject;
        assert_int_equal(find_samples(text, &w, &value), 1);
    }
    assert_true(value == expected);
}

// --- cases from the synthesizer ---

static void check_losses(const char *text, const char *facts)
{
    char *copy = seep_strndup(text, strlen(text)), *at = copy, *line;
    while ((line = next_line(&at)) != NULL) {
        if (!starts(line, "loss "))
            continue;
        *strchr(line + 5, ' ') = '\0';
        if (!strstr(facts, line))
            fail_msg("unexpected loss: %s", line + 5);
    }
    seep_free(copy);
}

static void check_fact(const char *text, char *fact)
{
    char a[64] = "", b[64] = "", c[64] = "", d[64] = "", key[64] = "", head[128], tail[160];
    (void)sscanf(fact, "%63s %63s %63s %63s %63s", key, a, b, c, d);
    double value = NAN;
    struct wanted w = { .t_ns = SEEP_NO_TIME };
    if (!strcmp(key, "samples")) {
        assert_int_equal(count_lines(text, "sample ", NULL), strtoul(a, NULL, 10));
    } else if (!strcmp(key, "first") || !strcmp(key, "last")) {
        check_time(text, key, strtoll(a, NULL, 10));
    } else if (!strcmp(key, "process") || !strcmp(key, "unknown")) {
        bool known = key[0] == 'p';
        (void)snprintf(tail, sizeof tail, " image=%s", strstr(fact, known ? b : a));
        (void)snprintf(head, sizeof head, " pid=%s ", known ? a : "-");
        char *at = strstr(text, head);
        bool found = false;
        for (; at && !found; at = strstr(at + 1, head)) {
            char *image = strstr(at, " image="), *end = strchr(at, '\n');
            size_t length = (size_t)(end - image);
            found = length == strlen(tail) && memcmp(image, tail, length) == 0;
        }
        assert_true(found);
    } else if (!strcmp(key, "processes")) {
        assert_int_equal(count_lines(text, "process ", NULL), strtoul(a, NULL, 10));
    } else if (!strcmp(key, "metric")) {
        w.metric = a;
        assert_int_equal(find_samples(text, &w, &value), strtoul(b, NULL, 10));
    } else if (!strcmp(key, "value")) {
        check_value(text, a, b, strtoll(c, NULL, 10), strtod(d, NULL));
    } else if (!strcmp(key, "loss")) {
        (void)snprintf(head, sizeof head, "loss %s count=", a);
        assert_int_equal(count_lines(text, head, NULL), 1);
    } else if (!strcmp(key, "machine")) {
        (void)snprintf(head, sizeof head, " host=%s os=", a);
        assert_non_null(strstr(text, head));
    } else if (!strcmp(key, "cell")) {
        (void)snprintf(head, sizeof head, "\\Test(%s)\\V", a);
        w.counter = head;
        assert_int_equal(find_samples(text, &w, &value), 1);
        assert_true(value == strtod(b, NULL));
    } else {
        fail_msg("a fact that the test does not know: %s", key);
    }
}

static void run_case(const char *path)
{
    char expect_path[4200];
    struct seep_buf data = { 0 }, facts = { 0 };
    (void)snprintf(expect_path, sizeof expect_path, "%s.expect", path);
    assert_true(testkit_read_file(path, &data));
    assert_true(testkit_read_file(expect_path, &facts));

    struct seep_err err = { 0 };
    const struct seep_source *source = seep_source_choose(seep_bytes(data.data, data.len), &err);
    assert_non_null(source);
    bool is_tsv = strstr(path, "/tsv") != NULL;
    assert_ptr_equal(source, is_tsv ? &seep_source_pdh_tsv : &seep_source_pdh_csv);

    struct testkit_sink sink;
    testkit_sink_init(&sink);
    enum seep_status status = testkit_read(source, data.data, data.len, &sink, &err);
    assert_int_equal(status, sink.sink.n_harmful_losses ? SEEP_PARTIAL : SEEP_OK);
    const char *text = seep_buf_text(&sink.text);
    check_losses(text, facts.data);
    char *copy = seep_strndup(facts.data, strlen(facts.data)), *at = copy, *fact;
    while ((fact = next_line(&at)) != NULL)
        check_fact(text, fact);
    seep_free(copy);
    testkit_sink_clear(&sink);
    seep_buf_clear(&data);
    seep_buf_clear(&facts);
}

static void test_cases(void **state)
{
    static const char *const names[] = {
        "logman",
        "relog",
        "typeperf",
        "tsv",
        "tsv-unquoted",
        "esxtop",
        "sar",
        "german",
        "german-names",
        "russian",
        "japanese",
        "japanese-instance",
        "utf16",
        "utf16be",
        "utf8-bom",
        "german-console",
        "blanks",
        "renumber",
        "no-pid",
        "process-v2",
        "pid-reuse",
        "hosts",
        "specials",
        "quotes",
        "units",
        "truncated",
        "nul-bytes",
        "no-final-newline",
        "long-line",
        "bad-cells",
        "bad-times",
        "wrong-columns",
        "clock-back",
        "header-only",
        "clock-forward",
        "precise",
        "duplicate-column",
        "appended",
        "finer-counter",
        "text-between",
        "spreadsheet",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/pdh-cases/%s", getenv("SEEP_BUILD_ROOT"), names[i]);
        print_message("case %s\n", names[i]);
        run_case(path);
    }
}

// --- damage ---

static const char small_log[] =
    "\"(PDH-CSV 4.0) (W. Europe Standard Time)(-60)\",\"\\\\H\\Process(a)\\ID Process\","
    "\"\\\\H\\Process(a)\\Private Bytes\",\"\\\\H\\Memory\\Committed Bytes\"\r\n"
    "\"03/01/2026 13:00:00.123\",\"12\",\"4096.5\",\"99\"\r\n"
    "\"03/01/2026 13:01:00.123\",\"12\",\" \",\"88.359340674585567\"\r\n";

static unsigned read_some(const char *data, size_t len, enum seep_status *status, char *losses,
                          size_t size)
{
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    char *copy = seep_alloc(len, 1); // so that a sanitizer sees one byte too many
    assert_non_null(copy);
    memcpy(copy, data, len);
    testkit_sink_init(&sink);
    *status = testkit_read(&seep_source_pdh_csv, copy, len, &sink, &err);
    assert_true(*status != SEEP_FAILED || err.what[0]);
    const char *loss = strstr(seep_buf_text(&sink.text), "loss ");
    (void)snprintf(losses, size, "%s", loss ? loss : "");
    unsigned n = count_lines(seep_buf_text(&sink.text), "sample ", NULL);
    testkit_sink_clear(&sink);
    seep_free(copy);
    return n;
}

// Cut anywhere, a log gives what stands before the cut, never a value that was not in it, and says
// that it is cut wherever that can be told.
static void test_truncated_everywhere(void **state)
{
    const size_t len = sizeof small_log - 1;
    const char *end_of_header = strchr(small_log, '\n');
    unsigned before = 0;
    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        enum seep_status status;
        char losses[1024];
        unsigned n = read_some(small_log, cut, &status, losses, sizeof losses);
        assert_in_range(n, before, before + 1);
        before = n;
        if (cut < 13) {
            assert_int_equal(status, SEEP_FAILED);
            continue;
        }
        assert_int_not_equal(status, SEEP_FAILED);
        bool on_edge = cut == 0 || small_log[cut] == '\r' || small_log[cut] == '\n' || cut == len ||
                       small_log[cut - 1] == '\n';
        if (cut > (size_t)(end_of_header - small_log) && !on_edge)
            assert_non_null(strstr(losses, "loss truncated"));
        if (on_edge && cut > (size_t)(end_of_header - small_log))
            assert_null(strstr(losses, "loss truncated"));
    }
    assert_int_equal(before, 5);
}

static void test_flipped_everywhere(void **state)
{
    static const unsigned char with[] = {
        0x00, 0xff, '"', ',', '\n', '(', ')', '\\', '#', '9', 'e'
    };
    char copy[sizeof small_log];
    (void)state;
    for (size_t at = 0; at < sizeof small_log - 1; at++) {
        for (size_t k = 0; k < sizeof with; k++) {
            enum seep_status status;
            char losses[1024];
            memcpy(copy, small_log, sizeof copy);
            copy[at] = (char)with[k];
            (void)read_some(copy, sizeof copy - 1, &status, losses, sizeof losses);
        }
    }
}

// --- bids and refusals ---

static unsigned bid(const struct seep_source *source, const char *text)
{
    return source->bid(seep_bytes(text, strlen(text)));
}

static void test_bids(void **state)
{
    (void)state;
    const struct seep_source *csv = &seep_source_pdh_csv, *tsv = &seep_source_pdh_tsv;
    assert_true(bid(csv, small_log) > SEEP_BID_STRUCTURE);
    assert_int_equal(bid(tsv, small_log), 0);
    assert_true(bid(csv, "\r\n\"(PDH-CSV 4.0)\",\"\\\\H\\Memory\\Commit Limit\"") >
                SEEP_BID_STRUCTURE);
    assert_true(bid(tsv, "(PDH-TSV 4.0) (UTC)(0)\t\\\\H\\M\\C") > SEEP_BID_STRUCTURE);
    assert_int_equal(bid(csv, "no termcap entry\"(PDH-CSV 4.0) (UTC)(0)\""), SEEP_BID_TEXT);
    assert_int_equal(bid(csv, "(PDH-CSV"), 0);
    assert_int_equal(bid(csv, "(PDH-BIN 4.0)"), 0);
    assert_int_equal(bid(csv, "time,value\n1,2\n"), 0);
    assert_int_equal(bid(csv, ""), 0);
}

static void test_refusal(void **state)
{
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    (void)state;
    testkit_sink_init(&sink);
    assert_int_equal(testkit_read(&seep_source_pdh_csv, "a,b\n1,2\n", 8, &sink, &err), SEEP_FAILED);
    assert_non_null(strstr(err.what, "no PDH-CSV"));
    testkit_sink_clear(&sink);
}

// A sink that refuses after some facts stops the reader, which says why.
static bool refuse(struct seep_sink *sink, struct seep_series_id id, double value)
{
    (void)id;
    (void)value;
    return seep_fail(&sink->error, SEEP_NO_OFFSET, NULL, "the disk is full");
}

static void test_sink_refuses(void **state)
{
    static const struct seep_sink_ops ops = { .sample = refuse };
    struct seep_sink sink = { .ops = &ops };
    struct seep_input input = { .path = "x", .view = seep_bytes(small_log, sizeof small_log - 1) };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    (void)state;
    assert_int_equal(seep_source_pdh_csv.read(&input, &sink, NULL, &read_bytes, &err), SEEP_FAILED);
    assert_string_equal(err.what, "the disk is full");
}

static void test_cancel(void **state)
{
    static const struct seep_sink_ops ops = { 0 };
    const size_t n_rows = 40000;
    volatile sig_atomic_t cancel = 1;
    struct seep_control control = { .cancel = &cancel };
    struct seep_sink sink = { .ops = &ops };
    struct seep_buf log = { 0 };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    (void)state;
    const char *row = strchr(small_log, '\n') + 1;
    seep_buf_add(&log, small_log, (size_t)(row - small_log));
    for (size_t i = 0; i < n_rows; i++)
        seep_buf_adds(&log, row);
    struct seep_input input = { .path = "x", .view = seep_bytes(log.data, log.len) };
    assert_int_equal(seep_source_pdh_csv.read(&input, &sink, &control, &read_bytes, &err),
                     SEEP_CANCELLED);
    assert_true(read_bytes < log.len);
    assert_true(sink.counts[SEEP_FACT_SAMPLE] > 0);
    seep_buf_clear(&log);
}

// --- numbers ---

static void check_number(const char *text)
{
    char *end;
    double value = NAN, expected = strtod(text, &end);
    const char *behind = seep_pdh_number(text, text + strlen(text), &value);
    assert_ptr_equal(behind, text + strlen(text));
    assert_memory_equal(&value, &expected, sizeof value);
}

static void test_numbers(void **state)
{
    static const char *const good[] = { "0",
                                        "-0",
                                        "1",
                                        "9007199254740993",
                                        "18446744073709551615",
                                        "88.359340674585567",
                                        "0.1",
                                        "1e22",
                                        "1e23",
                                        "123456789e-22",
                                        "0.000000000000000000000000000001",
                                        "5.",
                                        ".5",
                                        "1.7976931348623157e308",
                                        "4.9406564584124654e-324",
                                        "9007199254740992.5",
                                        "9007199254740993.5",
                                        "4503599627370497.5",
                                        "0.30000000000000004",
                                        "12345678901234567890123.5",
                                        "00000000000000000000000001.5" };
    static const char *const bad[] = { "", "-", ".", "e5", "inf", "nan", "1e999", "#", " 1", "x" };
    uint64_t random = 88172645463325252u;
    double value = 42;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check_number(good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(seep_pdh_number(bad[i], bad[i] + strlen(bad[i]), &value));
    assert_true(value == 42);
    for (int i = 0; i < 200000; i++) {
        char text[64];
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        double v = (double)(random >> (random & 31)) / (double)(1 + (random & 0xffff));
        (void)snprintf(text, sizeof text, "%.*g", 12 + (int)(random % 9), v);
        check_number(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_truncated_everywhere),
        cmocka_unit_test(test_flipped_everywhere),
        cmocka_unit_test(test_bids),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_sink_refuses),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
