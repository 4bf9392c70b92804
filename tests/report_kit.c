// SPDX-License-Identifier: MIT
// Datasets and judgements made by hand.
#include "report_kit.h"

#include "base/time.h"

#include <math.h>
#include <string.h>

#define NOON INT64_C(1772366400000000000) // 2026-03-01T12:00:00Z
#define S(seconds) (NOON + (int64_t)(seconds)*SEEP_NS_PER_S)
#define DAY 86400
#define GB ((uint64_t)1 << 30)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct seep_loss losses[] = {
    { "lost-events", 41, SEEP_UNKNOWN_COUNT, 0x12000, "41 events lost by the session", false },
    { "no-zone", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET, "the log names no time zone", true },
};

static struct seep_loss many_losses[30];

static const struct seep_dataset_source sources[] = {
    { "logs/a.blg",
      "blg",
      458752,
      458752,
      { [SEEP_FACT_SAMPLE] = 12345, [SEEP_FACT_PROCESS] = 51, [SEEP_FACT_LOSS] = 2 },
      losses,
      COUNT(losses) },
    { "logs/System.evtx",
      "evtx",
      1118208,
      69632,
      { [SEEP_FACT_EVENT] = 3 },
      many_losses,
      COUNT(many_losses) },
    { "notes.txt", NULL, 12, 0, { 0 }, NULL, 0 },
};

static const struct seep_machine server = { .host = "SRV01",
                                            .os = "Windows",
                                            .os_version = "10.0.20348",
                                            .ram_bytes = 16 * GB,
                                            .commit_limit_bytes = 24 * GB,
                                            .page_size_bytes = 4096,
                                            .n_processors = 8,
                                            .boot_ns = S(-3 * DAY) };

static const struct seep_evidence evidence[] = {
    { "floor rose in 58 of 60 windows", { 1 }, SEEP_NO_OFFSET, SEEP_NO_TIME },
    { "Windows itself reported it: event 2004", { 2 }, 0x11200, S(180) },
    { "the series has no gap", { 0 }, SEEP_NO_OFFSET, SEEP_NO_TIME },
};
static const char *const few_samples[] = { "only 11 samples" };
static const char *const attach[] = { "seep attach 1948", "seep map 1948" };
static const char *const record_on[] = { "record 40 more minutes" };

#define NOTHING_KNOWN                                                                              \
    .start_ns = SEEP_NO_TIME, .since_ns = SEEP_NO_TIME, .share = NAN, .q = NAN,                    \
    .exhaustion = { NULL, NAN, SEEP_NO_TIME, SEEP_NO_TIME, SEEP_NO_TIME }

static struct seep_finding full_findings[] = {
    { .id = "private-data/explorer.exe:1948",
      .class_ = SEEP_CLASS_PRIVATE_DATA,
      .verdict = SEEP_VERDICT_LEAKING,
      .subject = SEEP_SUBJECT_PROCESS,
      .name = "explorer.exe",
      .pid = 1948,
      .has_pid = true,
      .start_ns = S(-2 * DAY),
      .machine = { 1 },
      .metric = SEEP_METRIC_PRIVATE_BYTES,
      .rate = { true, 1223.5, 1150.25, 1300.125 },
      .since_ns = S(180),
      .first = 1000000.4,
      .last = 9000000,
      .exhaustion = { "commit", 25769803776.0, S(3 * DAY + 7200), S(2 * DAY + 7200),
                      S(5 * DAY + 7200) },
      .share = 0.93,
      .q = 0.0004,
      .evidence = evidence,
      .n_evidence = COUNT(evidence),
      .caveats = few_samples,
      .n_caveats = 1,
      .next = attach,
      .n_next = 2 },
    { .id = "driver/Leak",
      .class_ = SEEP_CLASS_DRIVER,
      .verdict = SEEP_VERDICT_SUSPECT,
      .subject = SEEP_SUBJECT_POOL_TAG,
      .tag = "Leak",
      .driver = "notmyfault.sys",
      .machine = { 1 },
      .metric = SEEP_METRIC_PAGED_POOL_BYTES,
      .rate = { true, 20.0 * 1024 * 1024, NAN, INFINITY },
      .first = NAN,
      .last = 1e9,
      .start_ns = SEEP_NO_TIME,
      .since_ns = S(-DAY),
      .share = NAN,
      .q = 0.03,
      .exhaustion = { "paged-pool", NAN, S(9000), S(7260), SEEP_NO_TIME } },
    { .id = "handles/cmd.exe:7",
      .class_ = SEEP_CLASS_HANDLES,
      .verdict = SEEP_VERDICT_UNKNOWN,
      .subject = SEEP_SUBJECT_PROCESS,
      .name = "cmd.exe",
      .pid = 7,
      .has_pid = true,
      .machine = { 1 },
      .metric = SEEP_METRIC_HANDLES,
      .first = 52,
      .last = 53,
      .caveats = few_samples,
      .n_caveats = 1,
      NOTHING_KNOWN },
    { .id = "threads/svchost.exe",
      .class_ = SEEP_CLASS_THREADS,
      .verdict = SEEP_VERDICT_STEADY,
      .subject = SEEP_SUBJECT_PROCESS,
      .name = "svchost.exe",
      .machine = { 1 },
      .metric = SEEP_METRIC_THREADS,
      .rate = { true, 0, -0.001, 0.001 },
      .first = 12,
      .last = 12,
      NOTHING_KNOWN },
};

static const struct seep_field exhaustion_fields[] = {
    { "MemoryExhaustionInfo/SystemInfo/SystemCommitLimit",
      SEEP_FIELD_UINT,
      { .uint = 25769803776 } },
    { "MemoryExhaustionInfo/SystemInfo/ProcessCommitCharge", SEEP_FIELD_INT, { .sint = -1 } },
    { "Data", SEEP_FIELD_TEXT, { .text = "explorer.exe" } },
    { "Data", SEEP_FIELD_REAL, { .real = NAN } },
};

static const struct seep_event events[] = {
    { { 1 },
      S(180),
      "Microsoft-Windows-Resource-Exhaustion-Detector",
      "System",
      2004,
      0,
      77,
      0x11200,
      exhaustion_fields,
      COUNT(exhaustion_fields) },
    { { 1 }, S(240), "srv", NULL, 2020, 0, 0, SEEP_NO_OFFSET, NULL, 0 },
    { { 1 },
      S(3780),
      "Microsoft-Windows-Resource-Exhaustion-Detector",
      "System",
      2004,
      0,
      78,
      0x11800,
      exhaustion_fields,
      COUNT(exhaustion_fields) },
};
static const struct seep_source_id event_sources[] = { { 2 }, { 0 }, { 2 } };

static const struct seep_dataset_series two_hosts[] = {
    { .series = { .subject = { .machine = { 1 } } } },
    { .series = { .subject = { .machine = { 2 } } } },
    { .series = { .subject = { .machine = { 2 } } } },
};
static const struct seep_machine fleet[] = {
    { .host = "WEB1", .boot_ns = SEEP_NO_TIME },
    { .host = "WEB2", .os = "Linux", .boot_ns = SEEP_NO_TIME },
};

static struct seep_finding fleet_findings[] = {
    { .id = "handles/w3wp.exe:44",
      .class_ = SEEP_CLASS_HANDLES,
      .verdict = SEEP_VERDICT_LEAKING,
      .subject = SEEP_SUBJECT_PROCESS,
      .name = "w3wp.exe",
      .pid = 44,
      .has_pid = true,
      .machine = { 2 },
      .metric = SEEP_METRIC_HANDLES,
      .rate = { true, 0.01, 0.009, 0.011 },
      .first = 100,
      .last = 4100.5,
      NOTHING_KNOWN },
};

static struct seep_finding short_findings[] = {
    { .id = "private-data/a.exe:1",
      .class_ = SEEP_CLASS_PRIVATE_DATA,
      .verdict = SEEP_VERDICT_UNKNOWN,
      .subject = SEEP_SUBJECT_PROCESS,
      .name = "a.exe",
      .pid = 1,
      .has_pid = true,
      .metric = SEEP_METRIC_PRIVATE_BYTES,
      .first = 1,
      .last = 2,
      .caveats = few_samples,
      .n_caveats = 1,
      .next = record_on,
      .n_next = 1,
      NOTHING_KNOWN },
};

// A finding and a machine of which nothing is known.
static struct seep_finding bare_findings[] = {
    { .id = "heap/",
      .class_ = SEEP_CLASS_HEAP,
      .verdict = SEEP_VERDICT_SUSPECT,
      .subject = SEEP_SUBJECT_PROCESS,
      .first = NAN,
      .last = NAN,
      NOTHING_KNOWN },
};
static const struct seep_machine nobody = { .host = "", .boot_ns = SEEP_NO_TIME };
static const struct seep_event no_event = { .time_ns = SEEP_NO_TIME, .offset = SEEP_NO_OFFSET };
static const struct seep_dataset_source live = { .path = "live", .format = "live-linux" };

// An escape sequence, quotes, line ends, a C1 control, an override of the reading order, bytes that
// are not UTF-8.
#define HOSTILE "a\"b\\c\x1b[31mred\r\nLEAKING  fake\t\xc2\x9b\xe2\x80\xae\xff\xfe\x7f%s%n"
static char very_long[5000];
static const char *const hostile_texts[] = { HOSTILE, very_long };
static const struct seep_evidence hostile_evidence[] = {
    { HOSTILE, { 1 }, UINT64_MAX - 1, INT64_MAX },
    { very_long, { 9 }, 0, INT64_MIN + 1 },
};
static const struct seep_loss hostile_losses[] = {
    { "bad-name", UINT64_MAX - 1, 0, 0, HOSTILE, false },
};
static const struct seep_dataset_source hostile_sources[] = {
    { HOSTILE, "blg", UINT64_MAX, UINT64_MAX - 1, { 0 }, hostile_losses, 1 },
    { very_long, "blg", 0, 0, { 0 }, NULL, 0 },
};
static const struct seep_machine hostile_machine = {
    .host = HOSTILE, .os = HOSTILE, .os_version = very_long, .boot_ns = INT64_MAX
};
static const struct seep_field hostile_fields[] = {
    { HOSTILE "/" HOSTILE, SEEP_FIELD_TEXT, { .text = HOSTILE } },
};
static const struct seep_event hostile_event = { { 1 }, INT64_MAX, HOSTILE, HOSTILE,        1,
                                                 2,     3,         4,       hostile_fields, 1 };
static struct seep_finding hostile_findings[] = {
    { .id = HOSTILE,
      .class_ = SEEP_CLASS_PRIVATE_DATA,
      .verdict = SEEP_VERDICT_LEAKING,
      .subject = SEEP_SUBJECT_PROCESS,
      .name = HOSTILE,
      .pid = UINT32_MAX,
      .has_pid = true,
      .start_ns = INT64_MIN + 1,
      .tag = HOSTILE,
      .driver = HOSTILE,
      .machine = { 77 },
      .metric = SEEP_METRIC_PRIVATE_BYTES,
      .rate = { true, 1e300, -1e300, NAN },
      .since_ns = INT64_MIN + 1,
      .first = -1e300,
      .last = 1e300,
      .exhaustion = { HOSTILE, 1e300, INT64_MAX, INT64_MIN + 1, SEEP_NO_TIME },
      .share = 2,
      .q = 1,
      .evidence = hostile_evidence,
      .n_evidence = COUNT(hostile_evidence),
      .caveats = hostile_texts,
      .n_caveats = COUNT(hostile_texts),
      .next = hostile_texts,
      .n_next = COUNT(hostile_texts) },
    { .id = very_long,
      .class_ = SEEP_CLASS_HANDLES,
      .verdict = SEEP_VERDICT_UNKNOWN,
      .subject = SEEP_SUBJECT_PROCESS,
      .name = very_long,
      .metric = SEEP_METRIC_HANDLES,
      .first = NAN,
      .last = NAN,
      .caveats = hostile_texts,
      .n_caveats = COUNT(hostile_texts),
      NOTHING_KNOWN },
};

#define OBSERVED .start_ns = S(0), .end_ns = S(7500), .n_series = 1439

static const struct report_case cases[] = {
    { "full",
      { .sources = sources,
        .n_sources = COUNT(sources),
        .machines = &server,
        .n_machines = 1,
        .events = events,
        .event_sources = event_sources,
        .n_events = COUNT(events) },
      { .verdict = SEEP_VERDICT_LEAKING,
        .findings = full_findings,
        .n_findings = COUNT(full_findings),
        OBSERVED } },
    { "steady",
      { .sources = sources, .n_sources = 1, .machines = &server, .n_machines = 1 },
      { .verdict = SEEP_VERDICT_STEADY,
        .findings = full_findings + 3,
        .n_findings = 1,
        OBSERVED } },
    { "short",
      { .sources = sources, .n_sources = 1 },
      { .verdict = SEEP_VERDICT_UNKNOWN,
        .findings = short_findings,
        .n_findings = 1,
        .start_ns = S(0),
        .end_ns = S(300),
        .n_series = 1 } },
    { "empty",
      { 0 },
      { .verdict = SEEP_VERDICT_UNKNOWN, .start_ns = SEEP_NO_TIME, .end_ns = SEEP_NO_TIME } },
    { "bare",
      { .sources = &live,
        .n_sources = 1,
        .machines = &nobody,
        .n_machines = 1,
        .events = &no_event,
        .n_events = 1 },
      { .verdict = SEEP_VERDICT_SUSPECT,
        .findings = bare_findings,
        .n_findings = 1,
        .start_ns = SEEP_NO_TIME,
        .end_ns = SEEP_NO_TIME } },
    { "hostile",
      { .sources = hostile_sources,
        .n_sources = COUNT(hostile_sources),
        .machines = &hostile_machine,
        .n_machines = 1,
        .events = &hostile_event,
        .n_events = 1 },
      { .verdict = SEEP_VERDICT_LEAKING,
        .findings = hostile_findings,
        .n_findings = COUNT(hostile_findings),
        OBSERVED } },
    { "fleet",
      { .sources = sources,
        .n_sources = 1,
        .machines = fleet,
        .n_machines = COUNT(fleet),
        .series = two_hosts,
        .n_series = COUNT(two_hosts) },
      { .verdict = SEEP_VERDICT_LEAKING,
        .findings = fleet_findings,
        .n_findings = COUNT(fleet_findings),
        OBSERVED } },
};

const char *const report_case_names[] = { "full", "steady",  "short", "empty",
                                          "bare", "hostile", "fleet", NULL };

const struct report_case *report_case_find(const char *name)
{
    const struct seep_loss bad = { "bad-record", 1, 16, 0x40, "a record is cut off", false };
    memset(very_long, 'x', sizeof very_long - 1);
    for (size_t i = 0; i < COUNT(many_losses); i++)
        many_losses[i] = bad;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    }
    return NULL;
}

static bool feed_samples(struct seep_sink *sink, struct seep_machine_id machine,
                         struct seep_process_id process)
{
    struct seep_series_id handles, bare, tag;
    struct seep_series series = { .subject = { SEEP_SUBJECT_PROCESS, machine, process, NULL },
                                  .metric = SEEP_METRIC_HANDLES,
                                  .counter = "\\Process(explorer)\\Handle Count" };
    struct seep_series without = { .subject = { .machine = machine },
                                   .counter = "\\Memory\\" HOSTILE };
    struct seep_series pool = { .subject = { SEEP_SUBJECT_POOL_TAG, machine, { 0 }, "Leak" },
                                .metric = SEEP_METRIC_PAGED_POOL_BYTES };
    return seep_sink_series(sink, &series, &handles) && seep_sink_series(sink, &without, &bare) &&
           seep_sink_series(sink, &pool, &tag) && seep_sink_tick(sink, machine, S(0)) &&
           seep_sink_sample(sink, handles, 686) && seep_sink_sample(sink, bare, 9.378262382554) &&
           seep_sink_sample(sink, bare, NAN) && seep_sink_tick(sink, machine, S(0) + 500000000) &&
           seep_sink_sample(sink, handles, 687) && seep_sink_sample(sink, bare, -0.1) &&
           seep_sink_sample(sink, tag, 4096);
}

bool report_case_facts(struct seep_sink *sink)
{
    struct seep_machine_id machine;
    struct seep_process_id process, unknown;
    struct seep_process explorer = { .pid = 1948,
                                     .has_pid = true,
                                     .parent_pid = 700,
                                     .start_ns = SEEP_NO_TIME,
                                     .end_ns = SEEP_NO_TIME,
                                     .image = "explorer.exe" };
    struct seep_process nameless = { .start_ns = S(-5), .end_ns = SEEP_NO_TIME };
    struct seep_tally tallies[] = {
        { "srv", NULL, 2019, 0, 2 },
        { "Windows Kernel", "Image/DCStart", 3, 2, 1700 },
        { "Windows Kernel", "Image/DCStart", 3, 2, 63 },
    };
    if (!seep_sink_machine(sink, &server, &machine))
        return false;
    explorer.machine = machine;
    if (!seep_sink_process(sink, &explorer, &process) ||
        !seep_sink_process(sink, &nameless, &unknown) || !feed_samples(sink, machine, process) ||
        !seep_sink_process_end(sink, process, S(60)) || !seep_sink_event(sink, &events[0]) ||
        !seep_sink_event(sink, &hostile_event) || !seep_sink_loss(sink, &losses[0]) ||
        !seep_sink_loss(sink, &losses[1]))
        return false;
    for (size_t i = 0; i < COUNT(tallies); i++) {
        if (!seep_sink_tally(sink, &tallies[i]))
            return false;
    }
    return true;
}
