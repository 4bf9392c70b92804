// SPDX-License-Identifier: MIT
// Tests of the report layer: the JSON contract, the text a person reads, facts as NDJSON.
#include "testkit.h"

#include "base/time.h"
#include "base/utf.h"
#include "report/plain.h"
#include "report_kit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void read_back(FILE *file, struct seep_buf *out)
{
    char room[4096];
    size_t n;
    rewind(file);
    while ((n = fread(room, 1, sizeof room, file)) > 0)
        seep_buf_add(out, room, n);
    fclose(file);
    assert_false(out->failed);
}

static struct seep_report report_of(const char *name)
{
    const struct report_case *found = report_case_find(name);
    assert_non_null(found);
    return (struct seep_report){ .command = "analyze",
                                 .data = &found->data,
                                 .judgement = &found->judgement,
                                 .now_ns = SEEP_NO_TIME };
}

static const char *render(const struct seep_report *report, const char *format,
                          struct seep_buf *out)
{
    FILE *file = tmpfile();
    struct seep_err err;
    assert_non_null(file);
    seep_buf_reset(out);
    assert_true(seep_report_write(report, format, file, &err));
    read_back(file, out);
    return seep_buf_text(out);
}

static void assert_has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("not there: %s\nin: %.3000s", part, text ? text : "");
}

static void assert_has_not(const char *text, const char *part)
{
    if (text && strstr(text, part))
        fail_msg("should not be there: %s\nin: %.3000s", part, text ? text : "");
}

static void assert_first_line(const char *text, const char *line)
{
    char first[1024];
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(text, "\n"), text);
    assert_string_equal(first, line);
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        n++;
    }
    return n;
}

static void json_has_the_contracted_parts(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("full");
    const char *text = render(&report, "json", &out);
    static const char *const parts[] = {
        "{\n  \"schema_version\": 1,\n  \"tool\": {\n    \"name\": \"seep\",\n    \"version\": \"",
        "\"command\": \"analyze\"",
        "\"path\": \"logs/a.blg\",\n      \"format\": \"blg\",\n      \"size_bytes\": 458752,\n"
        "      \"read_bytes\": 458752,\n      \"facts\": {\n        \"process\": 51,\n"
        "        \"sample\": 12345,\n        \"loss\": 2\n      },\n      \"losses\": [\n",
        "\"what\": \"lost-events\",\n          \"count\": 41,\n          \"bytes\": null,\n"
        "          \"offset\": \"0x12000\",\n          \"text\": \"41 events lost by the session\"",
        "\"format\": null",
        "\"machine\": {\n    \"host\": \"SRV01\",\n    \"os\": \"Windows\",\n"
        "    \"os_version\": \"10.0.20348\",\n    \"ram_bytes\": 17179869184,\n"
        "    \"commit_limit_bytes\": 25769803776,\n",
        "\"boot\": \"2026-02-26T12:00:00.000000000Z\"",
        "\"observed\": {\n    \"start\": \"2026-03-01T12:00:00.000000000Z\",\n"
        "    \"end\": \"2026-03-01T14:05:00.000000000Z\",\n    \"duration_s\": 7500,\n"
        "    \"series\": 1439\n  },\n  \"verdict\": \"leaking\",\n  \"findings\": [",
        "\"id\": \"private-data/explorer.exe:1948\",\n      \"class\": \"private-data\",\n"
        "      \"verdict\": \"leaking\",\n      \"subject\": {\n        \"kind\": \"process\",\n"
        "        \"name\": \"explorer.exe\",\n        \"pid\": 1948,\n"
        "        \"start\": \"2026-02-27T12:00:00.000000000Z\",\n        \"tag\": null,\n"
        "        \"driver\": null,\n",
        "\"metric\": \"private_bytes\",\n      \"rate\": {\n        \"value\": 1223.5,\n"
        "        \"low\": 1150.25,\n        \"high\": 1300.125,\n        \"unit\": \"bytes/s\"",
        "\"since\": \"2026-03-01T12:03:00.000000000Z\",\n      \"first\": 1000000,\n"
        "      \"last\": 9000000,\n",
        "\"limit\": \"commit\",\n        \"limit_value\": 25769803776,\n"
        "        \"at\": \"2026-03-04T14:00:00.000000000Z\"",
        "\"share\": 0.93,\n      \"q\": 0.0004,",
        "\"text\": \"floor rose in 58 of 60 windows\",\n          \"source\": 0,\n"
        "          \"offset\": null,\n          \"time\": null",
        "\"source\": 1,\n          \"offset\": \"0x11200\"",
        "\"caveats\": [\n        \"only 11 samples\"\n      ],\n      \"next\": [\n"
        "        \"seep attach 1948\",",
        "\"time\": \"2026-03-01T12:03:00.000000000Z\",\n"
        "      \"provider\": \"Microsoft-Windows-Resource-Exhaustion-Detector\",\n"
        "      \"id\": 2004,",
        "\"SystemCommitLimit\": 25769803776,\n            \"ProcessCommitCharge\": -1",
        "\"Data\": [\n          \"explorer.exe\",\n          null\n        ]",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_has(text, parts[i]);
    assert_has_not(text, "\"machines\"");
    assert_string_equal(text + out.len - 4, "]\n}\n");
    seep_buf_clear(&out);
}

static void json_says_null_for_what_is_unknown(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("bare");
    const char *text = render(&report, "json", &out);
    static const char *const nulls[] = {
        "size_bytes", "read_bytes", "host",   "os",
        "os_version", "ram_bytes",  "start",  "end",
        "duration_s", "boot",       "name",   "pid",
        "tag",        "driver",     "metric", "rate",
        "since",      "first",      "last",   "exhaustion",
        "share",      "q",          "time",   "provider",
        "channel",    "record_id",  "source", "commit_limit_bytes",
    };
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) {
        char key[64], null[64];
        (void)snprintf(key, sizeof key, "\"%s\": ", nulls[i]);
        (void)snprintf(null, sizeof null, "\"%s\": null", nulls[i]);
        assert_has(text, null);
        // "host" is also a string elsewhere, "name" that of the tool
        size_t others = strcmp(nulls[i], "name") == 0 ? 1 : 0;
        assert_int_equal(count_of(text, key), count_of(text, null) + others);
    }
    assert_has_not(text, "\"\"");
    report = report_of("empty");
    text = render(&report, "json", &out);
    assert_has(text, "\"sources\": [],\n  \"machine\": {\n    \"host\": null,");
    assert_has(text, "\"series\": 0\n  },\n  \"verdict\": \"unknown\",\n  \"findings\": [],");
    assert_has(text, "\"events\": []\n}\n");
    seep_buf_clear(&out);
}

static void json_cuts_and_hides_only_when_asked(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("full");
    const char *text = render(&report, "json", &out);
    assert_int_equal(count_of(text, "\"class\": "), 3);
    assert_has_not(text, "\"verdict\": \"steady\"");
    assert_has(text, "\"findings_left_out\": 0,");
    report.all = true;
    text = render(&report, "json", &out);
    assert_int_equal(count_of(text, "\"class\": "), 4);
    assert_has(text, "\"verdict\": \"steady\"");
    report.top = 1;
    text = render(&report, "json", &out);
    assert_int_equal(count_of(text, "\"class\": "), 1);
    assert_has(text, "\"id\": \"private-data/explorer.exe:1948\"");
    assert_has(text, "\"findings_left_out\": 3,");
    assert_int_equal(count_of(text, "\"provider\": "), 3);
    seep_buf_clear(&out);
}

static void json_survives_hostile_text(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("hostile");
    const char *text = render(&report, "json", &out);
    assert_true(seep_utf8_valid(seep_bytes(text, out.len)));
    for (size_t i = 0; i < out.len; i++)
        assert_true((unsigned char)text[i] >= 0x20 || text[i] == '\n');
    assert_has(text, "\"name\": \"a\\\"b\\\\c\\u001b[31mred\\u000d\\nLEAKING  fake\\t\\u009b"
                     "\xe2\x80\xae\\\\xFF\\\\xFE\\u007f%s%n\"");
    assert_has(text, "\"what\": \"bad-text\",\n          \"count\": ");
    assert_int_equal(count_of(text, "bad-text"), 1);
    report = report_of("full");
    assert_has_not(render(&report, "json", &out), "bad-text");
    seep_buf_clear(&out);
}

static void several_machines_are_named(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("fleet");
    const char *text = render(&report, "json", &out);
    assert_has(text, "\"machine\": {\n    \"host\": \"WEB2\"");
    assert_has(text, "\"machines\": [\n    {\n      \"host\": \"WEB1\"");
    assert_has(text, "\"host\": \"WEB2\"\n      },\n      \"metric\": \"handles\"");
    assert_has(text, "\"last\": 4101,"); // counts are integers
    text = render(&report, "text", &out);
    assert_first_line(text, "LEAKING  w3wp.exe (44) on WEB2: handles +36/h");
    seep_buf_clear(&out);
}

static void text_answers_in_the_first_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *line;
    } rows[] = {
        { "full", "LEAKING  explorer.exe (1948): private bytes +4.2 MB/h since 12:03, "
                  "out of commit in 3 d (2 d..5 d)" },
        { "steady", "STEADY   nothing leaks: 1439 series over 2 h 5 min judged" },
        { "short", "UNKNOWN  too little to judge: only 11 samples; record 40 more minutes" },
        { "empty", "UNKNOWN  nothing to judge: no series of memory, handles or threads and no "
                   "event of a leak was read" },
        { "bare", "SUSPECT  process without a name: heap" },
    };
    struct seep_buf out = { 0 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seep_report report = report_of(rows[i].name);
        assert_first_line(render(&report, "text", &out), rows[i].line);
    }
    seep_buf_clear(&out);
}

static void text_carries_every_claim(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("full");
    report.all = true;
    const char *text = render(&report, "text", &out);
    static const char *const parts[] = {
        "\n         class     private-data; 93 % of the machine's growth of this kind;\n"
        "                   started 2026-02-27 12:00\n",
        "\n         growth    from 977 KB to 8.58 MB; +3.9 MB/h .. +4.5 MB/h (95 %\n"
        "                   interval); q 0.0004\n",
        "\n         limit     commit 24.0 GB, reached 2026-03-04 14:00 (2026-03-03 14:00 ..\n"
        "                   2026-03-06 14:00)\n",
        "\n         evidence  floor rose in 58 of 60 windows (a.blg)\n"
        "                   Windows itself reported it: event 2004 (System.evtx at\n"
        "                   0x11200, 12:03)\n"
        "                   the series has no gap\n"
        "         caveat    only 11 samples\n"
        "         next      seep attach 1948\n"
        "                   seep map 1948\n",
        "\n\nSUSPECT  pool tag Leak (notmyfault.sys): paged pool +20 MB/s since 2026-02-28 12:00, "
        "out of paged pool in 25 min (0 s..never)\n",
        "\n\nUNKNOWN  cmd.exe (7): handles 53, only 11 samples\n",
        "\nSTEADY   svchost.exe: threads 12\n",
        "\nevents    12:03 .. 13:03, 2 times:\n"
        "          Microsoft-Windows-Resource-Exhaustion-Detector 2004, commit nearly\n"
        "          exhausted\n"
        "          12:04: srv 2020, paged pool empty\n",
        "\nobserved  SRV01, Windows 10.0.20348, 1439 series over 2 h 5 min, 2026-03-01\n"
        "          12:00:00 .. 14:05:00 (times are UTC)\n",
        "\nread      logs/a.blg (blg, 448 KB): 51 processes, 12345 samples\n"
        "  lost    41 events lost by the session (at 0x12000)\n"
        "  note    the log names no time zone\n"
        "read      logs/System.evtx (evtx, 68.0 KB of 1.07 MB): 3 events\n",
        "          ... and 22 more (--json lists them)\n"
        "read      notes.txt (not read, 0 B of 12 B): nothing\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_has(text, parts[i]);
    assert_int_equal(count_of(text, "a record is cut off"), 8);
    assert_has_not(text, "\033");
    seep_buf_clear(&out);
}

static void text_is_harmless_for_a_terminal(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("hostile");
    report.all = true;
    const char *text = render(&report, "text", &out);
    assert_true(seep_utf8_valid(seep_bytes(text, out.len)));
    for (size_t i = 0; i < out.len; i++) {
        unsigned char c = (unsigned char)text[i];
        assert_true((c >= 0x20 && c != 0x7f) || c == '\n');
    }
    assert_has_not(text, "\xc2\x9b");
    assert_has_not(text, "\xe2\x80\xae");
    assert_has_not(text, "\nLEAKING");
    assert_has(text, "LEAKING  a\"b\\c\\x1B[31mred\\x0D\\x0ALEAKING  fake\\x09\\x9B\\u202E\\xFF");
    assert_true(out.len < 20000);
    seep_buf_clear(&out);
}

static void colors_only_when_asked(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("full");
    report.color = true;
    const char *text = render(&report, "text", &out);
    assert_int_equal(strncmp(text, "\033[1;31mLEAKING \033[0m explorer.exe", 32), 0);
    assert_has_not(render(&report, "json", &out), "\033");
    seep_buf_clear(&out);
}

static void text_shows_twenty_and_counts_the_rest(void **state)
{
    (void)state;
    struct seep_finding findings[40];
    struct seep_finding one = report_of("full").judgement->findings[1];
    struct seep_finding unknown = report_of("full").judgement->findings[2];
    struct seep_buf out = { 0 };
    for (size_t i = 0; i < 40; i++)
        findings[i] = i < 24 ? one : unknown;
    struct seep_report report = report_of("full");
    struct seep_judgement judgement = { .verdict = SEEP_VERDICT_SUSPECT,
                                        .findings = findings,
                                        .n_findings = 40,
                                        .start_ns = report.judgement->start_ns,
                                        .end_ns = report.judgement->end_ns };
    report.judgement = &judgement;
    const char *text = render(&report, "text", &out);
    assert_int_equal(count_of(text, "SUSPECT  "), 20);
    assert_has(text, "\n4 more (--top N shows more of them): 4 suspect\n");
    assert_has(text, "\n16 more could not be judged (--all lists them)\n");
    report.all = true;
    report.top = 25;
    text = render(&report, "text", &out);
    assert_int_equal(count_of(text, "SUSPECT  "), 24);
    assert_int_equal(count_of(text, "UNKNOWN  "), 1);
    assert_has(text, "\n15 more (--top N shows more of them): 15 unknown\n");
    seep_buf_clear(&out);
}

static void short_observations_show_seconds(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("full");
    struct seep_judgement judgement = *report.judgement;
    judgement.end_ns = judgement.start_ns + 200 * SEEP_NS_PER_S;
    report.judgement = &judgement;
    assert_has(render(&report, "text", &out), " since 12:03:00, out of commit");
    judgement.end_ns = judgement.start_ns + 2 * 86400 * SEEP_NS_PER_S;
    assert_has(render(&report, "text", &out), " since 2026-03-01 12:03, out of commit in 1 d 2 h");
    seep_buf_clear(&out);
}

// An interval says how sure the number is, so its ends get what digits it takes to tell them apart.
static void close_intervals_are_told_apart(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("full");
    struct seep_judgement judgement = *report.judgement;
    struct seep_finding finding = judgement.findings[0];
    int64_t end_ns = judgement.end_ns, hour_ns = 3600 * SEEP_NS_PER_S;
    judgement.findings = &finding;
    judgement.n_findings = 1;
    report.judgement = &judgement;
    finding.rate = (struct seep_rate){ true, 17500, 17490, 17520 };
    finding.exhaustion = (struct seep_exhaustion){ "commit", 1e9, end_ns + 117 * hour_ns,
                                                   end_ns + 116 * hour_ns, end_ns + 118 * hour_ns };
    finding.q = 1.8e-52;
    const char *text = render(&report, "text", &out);
    assert_has(text, "out of commit in 4 d 21 h (4 d 20 h..4 d 22 h)\n");
    assert_has(text, "; +60.0 MB/h .. +60.2 MB/h (95 %\n                   interval); q<1e-6\n");
    finding.exhaustion.low_ns = finding.exhaustion.high_ns = finding.exhaustion.at_ns;
    finding.rate.high = finding.rate.low = finding.rate.value;
    text = render(&report, "text", &out);
    assert_has(text, "out of commit in 4 d 21 h\n");
    assert_has_not(text, "interval");
    // What lasts for years is below the first line only.
    finding.exhaustion.at_ns = end_ns + 3 * 8766 * hour_ns;
    text = render(&report, "text", &out);
    assert_has_not(text, "out of");
    assert_has(text, "\n         limit     commit 954 MB, reached 2029-");
    seep_buf_clear(&out);
}

// An event has no rate; what it says is the answer, with the place where it stands.
static void an_event_speaks_in_the_first_line(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("full");
    struct seep_judgement judgement = *report.judgement;
    struct seep_finding finding = judgement.findings[0];
    finding.verdict = SEEP_VERDICT_SUSPECT;
    finding.rate.known = false;
    finding.first = finding.last = NAN;
    finding.evidence++;
    finding.n_evidence--;
    judgement.findings = &finding;
    judgement.n_findings = 1;
    report.judgement = &judgement;
    const char *text = render(&report, "text", &out);
    assert_first_line(text, "SUSPECT  explorer.exe (1948): Windows itself reported it: event 2004 "
                            "(System.evtx at 0x11200, 12:03)");
    assert_int_equal(count_of(text, "Windows itself"), 1);
    assert_has(text, "\n         evidence  the series has no gap\n");
    // What does not leak has one line; why it does not stands in it.
    finding.verdict = SEEP_VERDICT_STEADY;
    finding.last = 9000000;
    finding.n_caveats = 0;
    report.all = true;
    assert_has(render(&report, "text", &out),
               "STEADY   explorer.exe (1948): private bytes 8.58 MB, Windows itself reported it: "
               "event 2004\n");
    seep_buf_clear(&out);
}

static void a_limit_in_the_past_is_said_to_be_past(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    struct seep_report report = report_of("full");
    assert_has_not(render(&report, "text", &out), "past");
    report.now_ns = report.judgement->end_ns + 4 * 86400 * SEEP_NS_PER_S;
    const char *text = render(&report, "text", &out);
    assert_int_equal(count_of(text, "past"), 2);
    assert_has(text, "out of commit in 3 d (2 d..5 d)");
    seep_buf_clear(&out);
}

static void failures_are_told(void **state)
{
    (void)state;
    struct seep_report report = report_of("full");
    struct seep_err err;
    assert_false(seep_report_write(&report, "html5", stdout, &err));
    assert_has(err.what, "html5");
    FILE *full = fopen("/dev/full", "w");
    if (!full)
        skip();
    assert_false(seep_report_write(&report, "text", full, &err));
    assert_false(seep_report_write(&report, "json", full, &err));
    assert_has(err.what, "could not be written");
    struct seep_facts_printer *printer = seep_facts_printer_open(full, SEEP_FACT_SAMPLE, false);
    (void)report_case_facts(seep_facts_printer_sink(printer));
    assert_false(seep_facts_printer_close(printer));
    fclose(full);
}

static void numbers_are_human(void **state)
{
    (void)state;
    char text[SEEP_HUMAN_TEXT];
    static const struct {
        double bytes;
        const char *text;
    } sizes[] = {
        { 0, "0 B" },
        { 686, "686 B" },
        { 1023, "1023 B" },
        { 1024, "1.00 KB" },
        { 458752, "448 KB" },
        { 1023.6 * 1024, "1.00 MB" },
        { 1.23 * 1073741824, "1.23 GB" },
        { -4096, "-4.00 KB" },
        { 99.96 * 1024, "100 KB" },
        { 9.996 * 1024, "10.0 KB" },
        { NAN, "unknown" },
        { INFINITY, "unknown" },
        { 18446744073709551615.0, "16.0 EB" },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        seep_human_bytes(sizes[i].bytes, text);
        assert_string_equal(text, sizes[i].text);
    }
    static const struct {
        double per_second;
        const char *unit, *text;
    } rates[] = {
        { 1223.5, "bytes", "+4.2 MB/h" },  { 20971520, "bytes", "+20 MB/s" },
        { -1223.5, "bytes", "-4.2 MB/h" }, { 0, "bytes", "0 B/h" },
        { 0.01, "bytes", "+864 B/d" },     { 0.01, "count", "+36/h" },
        { 0.0001, "count", "+8.6/d" },     { 50, "count", "+50/s" },
        { 0.00001, "ratio", "+3.6 %/h" },  { 0, "count", "0/h" },
        { NAN, "bytes", "unknown" },       { 0.5, NULL, "+1800/h" },
    };
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        seep_human_rate(rates[i].per_second, rates[i].unit, text);
        assert_string_equal(text, rates[i].text);
    }
    static const struct {
        double seconds;
        const char *text;
    } durations[] = {
        { 0, "0 s" },
        { 0.25, "0.25 s" },
        { 45, "45 s" },
        { 59.7, "1 min" },
        { 2400, "40 min" },
        { 3599, "1 h" },
        { 7500, "2 h 5 min" },
        { 40000, "11 h" },
        { 86399, "1 d" },
        { 108000, "1 d 6 h" },
        { 259200, "3 d" },
        { 172799, "2 d" },
        { 86400.0 * 3652.5, "10 years" },
        { -60, "-1 min" },
        { NAN, "unknown" },
    };
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        seep_human_duration(durations[i].seconds, text);
        assert_string_equal(text, durations[i].text);
    }
    static const struct {
        double seconds;
        const char *text;
    } fine[] = {
        { 45, "45 s" },          { 59.7, "1 min" },
        { 225, "3 min 45 s" },   { 3599.7, "1 h" },
        { 7500, "2 h 5 min" },   { 86399, "1 d" },
        { 421200, "4 d 21 h" },  { 259200, "3 d" },
        { -225, "-3 min 45 s" }, { 86400.0 * 3660, "10.0 years" },
        { NAN, "unknown" },
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        seep_human_duration_fine(fine[i].seconds, text);
        assert_string_equal(text, fine[i].text);
    }
    seep_human_rate_like(1223.5, 1300, true, "bytes", text);
    assert_string_equal(text, "+4.20 MB/h");
    seep_human_rate_like(900000, 1100000, false, "bytes", text);
    assert_string_equal(text, "+879 KB/s");
    seep_human_value(0.875, "ratio", text);
    assert_string_equal(text, "88 %");
    seep_human_value(1234567, "count", text);
    assert_string_equal(text, "1234567");
    seep_human_value(1e300, "bytes", text);
    assert_true(strlen(text) < SEEP_HUMAN_TEXT);
}

static void plain_text_wraps_between_words(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    seep_plain_wrap(&out, "one  two three", 2, 9);
    assert_string_equal(seep_buf_text(&out), "one two\n  three");
    seep_buf_reset(&out);
    seep_plain_wrap(&out, "a waytoolongword b", 1, 6);
    assert_string_equal(seep_buf_text(&out), "a\n waytoolongword\n b");
    seep_buf_reset(&out);
    // Columns are characters: five of two bytes fit into five columns.
    seep_plain_wrap(&out, "\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4", 0, 5);
    assert_string_equal(seep_buf_text(&out), "\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4");
    seep_buf_reset(&out);
    seep_plain_add(&out,
                   "\xc3\xa4"
                   "bcd",
                   2);
    seep_plain_add(&out, NULL, 0);
    seep_plain_add(&out, "ab", 2);
    assert_string_equal(seep_buf_text(&out), "\xc3\xa4"
                                             "b...ab");
    seep_buf_clear(&out);
}

static const char *print_facts(enum seep_fact_kind kind, struct seep_buf *out)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    struct seep_facts_printer *printer = seep_facts_printer_open(file, kind, false);
    assert_non_null(printer);
    seep_buf_reset(out);
    assert_true(report_case_facts(seep_facts_printer_sink(printer)));
    assert_true(seep_facts_printer_close(printer));
    read_back(file, out);
    return seep_buf_text(out);
}

static void facts_are_lines(void **state)
{
    (void)state;
    struct seep_buf out = { 0 };
    const char *text = print_facts(SEEP_FACT_SAMPLE, &out);
    assert_int_equal(count_of(text, "\n"), 5);
    assert_first_line(text,
                      "{\"kind\":\"sample\",\"subject\":{\"kind\":\"process\",\"name\":"
                      "\"explorer.exe\",\"pid\":1948,\"start\":null,\"tag\":null,\"driver\":null,"
                      "\"host\":\"SRV01\"},\"metric\":\"handles\",\"counter\":"
                      "\"\\\\Process(explorer)\\\\Handle Count\","
                      "\"time\":\"2026-03-01T12:00:00.000000000Z\",\"value\":686}");
    assert_has(text, "\"kind\":\"machine\",\"name\":\"SRV01\"");
    assert_has(text, "\"metric\":null,\"counter\":\"\\\\Memory\\\\a\\\"b");
    assert_has(text, "\"value\":9.378262382554}\n");
    assert_has(text, "\"time\":\"2026-03-01T12:00:00.500000000Z\",\"value\":-0.1}\n");
    assert_has(text, "\"kind\":\"pool-tag\",\"name\":\"Leak\",\"pid\":null,\"start\":null,"
                     "\"tag\":\"Leak\",");
    text = print_facts(SEEP_FACT_PROCESS, &out);
    assert_int_equal(count_of(text, "\n"), 2);
    assert_first_line(text, "{\"kind\":\"process\",\"pid\":1948,\"parent_pid\":700,\"start\":null,"
                            "\"end\":\"2026-03-01T12:01:00.000000000Z\",\"image\":\"explorer.exe\","
                            "\"architecture\":null,\"wow64\":null,\"host\":\"SRV01\"}");
    text = print_facts(SEEP_FACT_MACHINE, &out);
    assert_has(text, "{\"kind\":\"machine\",\"host\":\"SRV01\",");
    text = print_facts(SEEP_FACT_EVENT, &out);
    assert_int_equal(count_of(text, "\n"), 2);
    assert_has(text, "\"id\":2004,\"version\":0,\"channel\":\"System\",\"record_id\":77,");
    text = print_facts(SEEP_FACT_LOSS, &out);
    assert_first_line(text, "{\"kind\":\"loss\",\"what\":\"lost-events\",\"count\":41,"
                            "\"bytes\":null,\"offset\":\"0x12000\","
                            "\"text\":\"41 events lost by the session\",\"harmless\":false}");
    print_facts(SEEP_N_FACT_KINDS, &out);
    assert_int_equal(out.len, 0);
    seep_buf_clear(&out);
}

static void tallies_are_summed_and_sorted(void **state)
{
    (void)state;
    struct seep_json json = { 0 };
    struct seep_facts_printer *printer = seep_facts_printer_open(stdout, SEEP_N_FACT_KINDS, true);
    seep_facts_printer_tallies(printer, &json);
    assert_string_equal(seep_buf_text(&json.buf), "[]");
    seep_json_clear(&json);
    assert_true(report_case_facts(seep_facts_printer_sink(printer)));
    seep_facts_printer_tallies(printer, &json);
    assert_string_equal(
        seep_buf_text(&json.buf),
        "[{\"provider\":\"Windows Kernel\",\"name\":\"Image/DCStart\",\"id\":3,\"version\":2,"
        "\"count\":1763},{\"provider\":\"srv\",\"name\":null,\"id\":2019,\"version\":0,"
        "\"count\":2}]");
    seep_json_clear(&json);
    assert_true(seep_facts_printer_close(printer));
}

// Samples of one series that is longer than the printer's buffer, and more of them than fit.
static void long_lines_are_whole(void **state)
{
    (void)state;
    enum { LONG = 200000, N = 5 };
    struct seep_buf out = { 0 }, name = { 0 };
    for (int i = 0; i < LONG; i++)
        seep_buf_addc(&name, 'n');
    FILE *file = tmpfile();
    struct seep_facts_printer *printer = seep_facts_printer_open(file, SEEP_FACT_SAMPLE, false);
    struct seep_sink *sink = seep_facts_printer_sink(printer);
    struct seep_series series = { .counter = name.data };
    struct seep_series_id id;
    assert_true(seep_sink_series(sink, &series, &id));
    for (int i = 0; i < N; i++)
        assert_true(seep_sink_sample(sink, id, i));
    assert_true(seep_sink_sample(sink, (struct seep_series_id){ 99 }, 1));
    assert_true(seep_facts_printer_close(printer));
    read_back(file, &out);
    assert_int_equal(count_of(seep_buf_text(&out), "\n"), N);
    assert_has(seep_buf_text(&out), "\"time\":null,\"value\":4}\n");
    assert_true(out.len > (size_t)N * LONG);
    seep_buf_clear(&name);
    seep_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_the_contracted_parts),
        cmocka_unit_test(json_says_null_for_what_is_unknown),
        cmocka_unit_test(json_cuts_and_hides_only_when_asked),
        cmocka_unit_test(json_survives_hostile_text),
        cmocka_unit_test(several_machines_are_named),
        cmocka_unit_test(text_answers_in_the_first_line),
        cmocka_unit_test(text_carries_every_claim),
        cmocka_unit_test(text_is_harmless_for_a_terminal),
        cmocka_unit_test(colors_only_when_asked),
        cmocka_unit_test(text_shows_twenty_and_counts_the_rest),
        cmocka_unit_test(short_observations_show_seconds),
        cmocka_unit_test(close_intervals_are_told_apart),
        cmocka_unit_test(an_event_speaks_in_the_first_line),
        cmocka_unit_test(a_limit_in_the_past_is_said_to_be_past),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(numbers_are_human),
        cmocka_unit_test(plain_text_wraps_between_words),
        cmocka_unit_test(facts_are_lines),
        cmocka_unit_test(tallies_are_summed_and_sorted),
        cmocka_unit_test(long_lines_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
