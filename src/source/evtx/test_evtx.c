// SPDX-License-Identifier: MIT
// The evtx reader against real logs (where they are present) and against synthetic ones.
#include "testkit.h"

#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct seep_source seep_source_evtx;

static void read_into(const char *path, struct testkit_sink *sink, enum seep_status want)
{
    struct seep_buf file = { 0 };
    struct seep_err err = { 0 };
    assert_true(testkit_read_file(path, &file));
    testkit_sink_init(sink);
    assert_int_equal(seep_source_evtx.bid(seep_bytes(file.data, file.len)), 64);
    assert_int_equal(testkit_read(&seep_source_evtx, file.data, file.len, sink, &err), want);
    seep_buf_clear(&file);
}

static void case_path(const char *name, char *path, size_t size)
{
    char built[256];
    (void)snprintf(built, sizeof built, "src/source/evtx/%s.evtx", name);
    testkit_built_path(built, path, size);
}

static void read_case(const char *name, struct testkit_sink *sink, enum seep_status want)
{
    char path[1024];
    case_path(name, path, sizeof path);
    read_into(path, sink, want);
}

// How many lines of the sink's text start with `prefix`.
static unsigned lines(const struct testkit_sink *sink, const char *prefix)
{
    unsigned n = 0;
    for (const char *p = seep_buf_text(&sink->text); *p;) {
        n += strncmp(p, prefix, strlen(prefix)) == 0;
        const char *end = strchr(p, '\n');
        if (!end)
            break;
        p = end + 1;
    }
    return n;
}

static bool has(const struct testkit_sink *sink, const char *part)
{
    return strstr(seep_buf_text(&sink->text), part) != NULL;
}

static void expect(const struct testkit_sink *sink, const char *part)
{
    if (!has(sink, part))
        fail_msg("not found: %s\nin:\n%.6000s", part, seep_buf_text(&sink->text));
}

static uint64_t tallied(const struct testkit_sink *sink)
{
    uint64_t sum = 0;
    for (const char *p = seep_buf_text(&sink->text); *p;) {
        const char *end = strchr(p, '\n');
        if (!end)
            break;
        if (strncmp(p, "tally ", 6) == 0) {
            const char *number = end;
            while (number[-1] != ' ')
                number--;
            sum += strtoull(number, NULL, 10);
        }
        p = end + 1;
    }
    return sum;
}

// The counts are those of `evtxexport FILE | grep -c '^Event number'` (libevtx 20181227); the
// events were looked at by hand in `evtxexport -f xml FILE`.
static const struct {
    const char *file;
    unsigned n_records, n_events;
    const char *host;
} real_logs[] = {
    { "evtx/Application.evtx", 613, 0, "GoldPaperW11" },
    { "evtx/Microsoft-Windows-Kernel-WHEA%4Operational.evtx", 25, 0, "GoldPaperW11" },
    { "evtx/Microsoft-Windows-Resource-Exhaustion-Detector%4Operational.evtx", 9, 0,
      "GoldPaperW11" },
    { "evtx/System-dirty.evtx", 1881, 1, "DESKTOP-2KGM189" },
    { "evtx/System-plaso.evtx", 5009, 1, "DC1.internal.greendale.edu" },
    { "evtx/System.evtx", 1077, 0, "GoldPaperW11" },
    { "evtx/application-radar-64.evtx", 551, 1, "DESKTOP-EIS938N" },
};

static void real_logs_have_every_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof real_logs / sizeof *real_logs; i++) {
        char path[1024], host[128];
        struct testkit_sink sink;
        if (!testkit_data(real_logs[i].file, path, sizeof path))
            skip();
        read_into(path, &sink, SEEP_OK);
        assert_int_equal(tallied(&sink), real_logs[i].n_records);
        assert_int_equal(lines(&sink, "event "), real_logs[i].n_events);
        assert_int_equal(lines(&sink, "sample "), 0);
        assert_false(has(&sink, " 2004 {"));
        (void)snprintf(host, sizeof host, "machine 1 host=%s ", real_logs[i].host);
        expect(&sink, host);
        assert_false(has(&sink, "loss bad"));
        testkit_sink_clear(&sink);
    }
}

static void real_system_log_tallies(void **state)
{
    (void)state;
    char path[1024];
    struct testkit_sink sink;
    if (!testkit_data("evtx/System-plaso.evtx", path, sizeof path))
        skip();
    read_into(path, &sink, SEEP_OK);
    // evtxexport -f xml FILE | grep -A1 'Provider Name="EventLog"' | grep -c ">6013<", and so on
    expect(&sink, "\ntally EventLog 6013 48\n");
    expect(&sink, "\ntally EventLog 6005 8\n");
    expect(&sink, "\ntally EventLog 6008 1\n");
    testkit_sink_clear(&sink);
}

// A sink that looks at each event with its fields.
struct looker {
    struct seep_sink sink;
    void (*look)(const struct seep_event *);
    unsigned n_events;
};

static bool on_event(struct seep_sink *sink, const struct seep_event *event)
{
    struct looker *l = (struct looker *)sink;
    l->n_events++;
    l->look(event);
    return true;
}

static const struct seep_sink_ops looker_ops = { .event = on_event };

static void look_at(const char *path, void (*look)(const struct seep_event *), unsigned n_events)
{
    struct looker l = { .sink = { .ops = &looker_ops }, .look = look };
    struct seep_buf file = { 0 };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    assert_true(testkit_read_file(path, &file));
    struct seep_input input = { .path = path, .view = seep_bytes(file.data, file.len) };
    assert_int_equal(seep_source_evtx.read(&input, &l.sink, NULL, &read_bytes, &err), SEEP_OK);
    assert_int_equal(read_bytes, file.len);
    assert_int_equal(l.n_events, n_events);
    seep_buf_clear(&file);
}

static void is_the_radar_event(const struct seep_event *event)
{
    // evtxexport -f xml application-radar-64.evtx, the record 551
    static const char *const data[] = {
        "1558037469283901116",
        "5",
        "RADAR_PRE_LEAK_64",
        "Not available",
        "0",
        "rust-analyzer.exe",
        "0.0.0.0",
        "10.0.19044.2.0.0",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "\r\n\\\\?\\C:\\Users\\bob\\AppData\\Local\\Temp\\RDRED64.tmp\\empty.txt"
        "\r\n\\\\?\\C:\\ProgramData\\Microsoft\\Windows\\WER\\Temp\\WEREDC3.tmp"
        ".WERInternalMetadata.xml"
        "\r\n\\\\?\\C:\\ProgramData\\Microsoft\\Windows\\WER\\Temp\\WEREE31.tmp.xml"
        "\r\n\\\\?\\C:\\ProgramData\\Microsoft\\Windows\\WER\\Temp\\WEREE8D.tmp.csv"
        "\r\n\\\\?\\C:\\ProgramData\\Microsoft\\Windows\\WER\\Temp\\WEREF0B.tmp.txt",
        "",
        "",
        "0",
        "83c81b46-0064-4efa-afd2-50bd79da481a",
        "268435456",
        "3841512806c093cde59f42d2cf6a5ebc",
        "0"
    };
    char time[SEEP_TIME_TEXT];
    assert_string_equal(event->provider, "Windows Error Reporting");
    assert_string_equal(event->channel, "Application");
    assert_int_equal(event->id, 1001);
    assert_int_equal(event->version, 0);
    assert_int_equal(event->record_id, 551);
    seep_time_format(event->time_ns, time);
    assert_string_equal(time, "2022-11-03T02:47:15.035957800Z");
    assert_int_equal(event->n_fields, sizeof data / sizeof *data);
    for (size_t i = 0; i < event->n_fields; i++) {
        assert_string_equal(event->fields[i].path, "Data");
        assert_int_equal(event->fields[i].type, SEEP_FIELD_TEXT);
        assert_string_equal(event->fields[i].value.text, data[i]);
    }
}

static void real_radar_event(void **state)
{
    (void)state;
    char path[1024];
    if (!testkit_data("evtx/application-radar-64.evtx", path, sizeof path))
        skip();
    look_at(path, is_the_radar_event, 1);
}

// The fields of the published decode of a real event 2004, in its order.
#define INFO "MemoryExhaustionInfo/"
static const struct {
    const char *path;
    enum seep_field_type type;
    const char *text; // numbers and times as text; NULL = unknown time
} exhaustion_fields[] = {
    { INFO "SystemInfo/SystemCommitLimit", SEEP_FIELD_UINT, "47906598912" },
    { INFO "SystemInfo/SystemCommitCharge", SEEP_FIELD_UINT, "47858802688" },
    { INFO "SystemInfo/ProcessCommitCharge", SEEP_FIELD_UINT, "3422089216" },
    { INFO "SystemInfo/PagedPoolUsage", SEEP_FIELD_UINT, "240447488" },
    { INFO "SystemInfo/PhysicalMemorySize", SEEP_FIELD_UINT, "17159340032" },
    { INFO "SystemInfo/PhysicalMemoryUsage", SEEP_FIELD_UINT, "3671191552" },
    { INFO "SystemInfo/NonPagedPoolUsage", SEEP_FIELD_UINT, "248324096" },
    { INFO "SystemInfo/Processes", SEEP_FIELD_UINT, "142" },
    { INFO "PagedPoolInfo/Tag_1/Name", SEEP_FIELD_TEXT, "MmSt" },
    { INFO "PagedPoolInfo/Tag_1/PoolUsed", SEEP_FIELD_UINT, "34301200" },
    { INFO "PagedPoolInfo/Tag_2/Name", SEEP_FIELD_TEXT, "Ntff" },
    { INFO "PagedPoolInfo/Tag_2/PoolUsed", SEEP_FIELD_UINT, "25314432" },
    { INFO "PagedPoolInfo/Tag_3/Name", SEEP_FIELD_TEXT, "FMfn" },
    { INFO "PagedPoolInfo/Tag_3/PoolUsed", SEEP_FIELD_UINT, "23435776" },
    { INFO "NonPagedPoolInfo/Tag_1/Name", SEEP_FIELD_TEXT, "EtwB" },
    { INFO "NonPagedPoolInfo/Tag_1/PoolUsed", SEEP_FIELD_UINT, "127418624" },
    { INFO "NonPagedPoolInfo/Tag_2/Name", SEEP_FIELD_TEXT, "FMsc" },
    { INFO "NonPagedPoolInfo/Tag_2/PoolUsed", SEEP_FIELD_UINT, "10174592" },
    { INFO "NonPagedPoolInfo/Tag_3/Name", SEEP_FIELD_TEXT, "File" },
    { INFO "NonPagedPoolInfo/Tag_3/PoolUsed", SEEP_FIELD_UINT, "7281872" },
#define PROCESS(n, name, id, created, commit, handles, version, type)                              \
    { INFO "ProcessInfo/Process_" n "/Name", SEEP_FIELD_TEXT, name },                              \
        { INFO "ProcessInfo/Process_" n "/ID", SEEP_FIELD_UINT, id },                              \
        { INFO "ProcessInfo/Process_" n "/CreationTime", SEEP_FIELD_TIME, created },               \
        { INFO "ProcessInfo/Process_" n "/CommitCharge", SEEP_FIELD_UINT, commit },                \
        { INFO "ProcessInfo/Process_" n "/HandleCount", SEEP_FIELD_UINT, handles },                \
        { INFO "ProcessInfo/Process_" n "/Version", SEEP_FIELD_TEXT, version },                    \
    {                                                                                              \
        INFO "ProcessInfo/Process_" n "/TypeInfo", SEEP_FIELD_UINT, type                           \
    }
    PROCESS("1", "rustc.exe", "11372", "2024-08-03T06:49:52.779537000Z", "1446383616", "406",
            "0.0.0.0", "201"),
    PROCESS("2", "MsMpEng.exe", "4036", "2024-08-03T06:49:02.860027000Z", "325812224", "997",
            "0.0.0.0", "66"),
    PROCESS("3", "msedge.exe", "4276", "2024-08-03T06:49:34.094588000Z", "109355008", "580",
            "127.0.2651.86", "211"),
    PROCESS("4", "cargo.exe", "11212", "2024-08-03T06:49:32.391991000Z", "107757568", "159",
            "0.0.0.0", "152"),
    PROCESS("5", "", "0", NULL, "0", "0", "0.0.0.0", "0"),
    PROCESS("6", "", "0", NULL, "0", "0", "0.0.0.0", "0"),
    { INFO "ExhaustionEventInfo/Time", SEEP_FIELD_TIME, "2024-08-03T06:50:03.060374000Z" },
};

static void is_the_exhaustion_event(const struct seep_event *event)
{
    char text[64];
    assert_string_equal(event->provider, "Microsoft-Windows-Resource-Exhaustion-Detector");
    assert_string_equal(event->channel, "System");
    assert_int_equal(event->id, 2004);
    assert_int_equal(event->version, 0);
    assert_int_equal(event->record_id, 1719);
    assert_int_equal(event->offset % 8, 0);
    seep_time_format(event->time_ns, text);
    assert_string_equal(text, "2024-08-03T06:50:04.072688000Z");
    assert_int_equal(event->n_fields, sizeof exhaustion_fields / sizeof *exhaustion_fields);
    for (size_t i = 0; i < event->n_fields; i++) {
        const struct seep_field *f = &event->fields[i];
        assert_string_equal(f->path, exhaustion_fields[i].path);
        assert_int_equal(f->type, exhaustion_fields[i].type);
        if (f->type == SEEP_FIELD_TEXT)
            (void)snprintf(text, sizeof text, "%s", f->value.text);
        else if (f->type == SEEP_FIELD_UINT)
            (void)snprintf(text, sizeof text, "%" PRIu64, f->value.uint);
        else if (f->value.time_ns != SEEP_NO_TIME)
            seep_time_format(f->value.time_ns, text);
        else if (!exhaustion_fields[i].text)
            continue;
        assert_non_null(exhaustion_fields[i].text);
        assert_string_equal(text, exhaustion_fields[i].text);
    }
}

static void exhaustion_fields_are_all_there(void **state)
{
    (void)state;
    char path[1024];
    case_path("event-2004", path, sizeof path);
    look_at(path, is_the_exhaustion_event, 1);
}

static void exhaustion_becomes_samples(void **state)
{
    (void)state;
    struct testkit_sink sink;
    read_case("event-2004", &sink, SEEP_OK);
    static const char *const expected[] = {
        "host=SRV01 os=Windows ram=17159340032 limit=47906598912\n",
        "\ntick 2024-08-03T06:50:04.072688000Z\n"
        "series 1 machine=1 metric=commit_limit_bytes "
        "counter=Event 2004/SystemInfo/SystemCommitLimit\nsample 1 47906598912\n"
        "series 2 machine=1 metric=commit_bytes "
        "counter=Event 2004/SystemInfo/SystemCommitCharge\nsample 2 47858802688\n"
        "series 3 machine=1 metric=paged_pool_bytes "
        "counter=Event 2004/SystemInfo/PagedPoolUsage\nsample 3 240447488\n"
        "series 4 machine=1 metric=nonpaged_pool_bytes "
        "counter=Event 2004/SystemInfo/NonPagedPoolUsage\nsample 4 248324096\n",
        " pool-tag=MmSt metric=paged_pool_bytes counter=Event 2004/PagedPoolInfo/PoolUsed\n"
        "sample 5 34301200\n",
        " pool-tag=EtwB metric=nonpaged_pool_bytes counter=Event 2004/NonPagedPoolInfo/PoolUsed\n"
        "sample 8 127418624\n",
        "process 1 pid=11372 start=2024-08-03T06:49:52.779537000Z image=rustc.exe\n"
        "series 11 process=1 metric=private_bytes "
        "counter=Event 2004/ProcessInfo/CommitCharge\nsample 11 1446383616\n"
        "series 12 process=1 metric=handles counter=Event 2004/ProcessInfo/HandleCount\n"
        "sample 12 406\n",
        "process 4 pid=11212 start=2024-08-03T06:49:32.391991000Z image=cargo.exe\n",
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        expect(&sink, expected[i]);
    assert_int_equal(lines(&sink, "process "), 4); // the two empty slots are none
    assert_int_equal(lines(&sink, "sample "), 4 + 6 + 8);
    testkit_sink_clear(&sink);
}

static void back_references_and_inline_templates_agree(void **state)
{
    (void)state;
    static const char *const names[] = { "event-2004-inline", "back-reference" };
    static const unsigned n_events[] = { 3, 5 };
    for (size_t i = 0; i < 2; i++) {
        struct testkit_sink sink;
        read_case(names[i], &sink, SEEP_OK);
        assert_int_equal(lines(&sink, "event "), n_events[i]);
        assert_int_equal(lines(&sink, "process "), 4); // announced once
        assert_int_equal(lines(&sink, "series "), 18);
        assert_int_equal(lines(&sink, "sample "), 18 * n_events[i]);
        testkit_sink_clear(&sink);
    }
}

static void the_demonstration_log(void **state)
{
    (void)state;
    struct testkit_sink sink;
    read_case("demo", &sink, SEEP_OK);
    // evtxexport demo.evtx | grep -c '^Event number'
    assert_int_equal(tallied(&sink), 745);
    assert_int_equal(lines(&sink, "event "), 8);
    assert_int_equal(lines(&sink, "tick "), 3);
    expect(&sink, "tally Microsoft-Windows-Resource-Exhaustion-Detector 2004 3\n");
    expect(&sink, "tally Microsoft-Windows-Setup 2004 1\n");
    expect(&sink, "tally Microsoft-Windows-Kernel-Boot 26 1\n");
    expect(&sink, "\nevent 2026-03-01T13:10:00.000000000Z srv 2019 {");
    expect(&sink, "\nevent 2026-03-01T13:12:00.000000000Z srv 2020 {");
    expect(&sink, "process 1 pid=4712 start=2026-03-01T08:03:11.250000000Z "
                  "image=ReportService.exe\n");
    expect(&sink, "sample 11 12884901888\n"); // 12, 12.5, 12.94 GiB
    expect(&sink, "sample 11 13421772800\n");
    expect(&sink, "sample 11 13891534848\n");
    testkit_sink_clear(&sink);
}

static void other_providers_are_only_counted(void **state)
{
    (void)state;
    struct testkit_sink sink;
    read_case("traps", &sink, SEEP_OK);
    assert_int_equal(lines(&sink, "event "), 0);
    expect(&sink, "tally Microsoft-Windows-Setup 2004 1\n");
    expect(&sink, "tally BugCheck 1001 1\n");
    expect(&sink, "tally srvnet 2019 1\n");
    testkit_sink_clear(&sink);
}

// A case of the synthesizer, the status, what must be there and what must not.
struct outcome {
    const char *name;
    enum seep_status status;
    unsigned n_records, n_events;
    const char *part[3];
};

static const struct outcome outcomes[] = {
    { "plain", SEEP_OK, 12, 0, { "machine 1 host=SRV01 " } },
    { "empty", SEEP_OK, 0, 0, { NULL } },
    { "many-chunks", SEEP_OK, 1501, 1, { NULL } },
    { "pool",
      SEEP_OK,
      6,
      2,
      { "srv 2019 {\"Data\":\"\\\\Device\\\\LanmanServer\",\"Binary\":\"0000", "srv 2020 {" } },
    { "radar",
      SEEP_OK,
      8,
      3,
      { "\"RADAR_PRE_LEAK_64\",\"Not available\",\"0\",\"leaky.exe\"", "\"RADAR_PRE_LEAK_WOW64\"",
        "\"RADAR_PRE_LEAK_32\"" } },
    { "radar-named",
      SEEP_OK,
      6,
      1,
      { "{\"Bucket\":\"1\",\"BucketType\":\"5\",\"EventName\":\"RADAR_PRE_LEAK_64\","
        "\"P1\":\"leaky.exe\",\"P2\":\"1.2.3.4\"}" } },
    { "resolver",
      SEEP_OK,
      5,
      1,
      { "Microsoft-Windows-Resource-Exhaustion-Resolver 1014 {\"DroppedLeakDiagnosisEventInfo\":"
        "{\"ProcessImageName\":\"leaky.exe\",\"ProcessId\":4712,\"ProcessCreationTime\":"
        "\"2026-03-01T08:00:01.500000000Z\",\"DropReasonCode\":3}}" } },
    { "context",
      SEEP_OK,
      7,
      3,
      { "Application Popup 26 {\"Data\":[\"Windows - Virtual Memory Minimum Too Low\",",
        "Application Popup 333 {\"Data\":\"\"}", "EventLog 6008 {\"Data\":[\"11:02:03\"," } },
    { "dirty", SEEP_OK, 501, 1, { "loss dirty count=- bytes=- offset=0x78 " } },
    { "full", SEEP_OK, 60, 0, { "loss log-full count=- bytes=- offset=0x78 " } },
    { "truncated",
      SEEP_PARTIAL,
      12,
      0,
      { "loss truncated count=1 bytes=", "the last chunk is cut off after" } },
    { "slack", SEEP_OK, 12, 0, { NULL } },
    { "data-crc",
      SEEP_PARTIAL,
      5,
      1,
      { "loss checksum count=1 bytes=- offset=0x1000 the records" } },
    { "chunk-header-crc",
      SEEP_PARTIAL,
      4,
      1,
      { "loss checksum count=1 bytes=- offset=0x1000 a chunk's header" } },
    { "file-header-crc", SEEP_PARTIAL, 5, 1, { "loss checksum count=1 bytes=- offset=0x0 " } },
    { "chunk-signature",
      SEEP_PARTIAL,
      400,
      0,
      { "loss bad-chunk count=1 bytes=65536 offset=0x1000 " } },
    { "record-size", SEEP_PARTIAL, 11, 0, { "loss bad-record count=1 bytes=1168 offset=0x1" } },
    { "unknown-template", SEEP_PARTIAL, 5, 1, { "loss bad-event count=1 " } },
    { "huge-counts", SEEP_PARTIAL, 5, 1, { "loss bad-event count=3 " } },
    { "self-template", SEEP_PARTIAL, 5, 1, { "loss bad-event count=1 " } },
    { "deep", SEEP_PARTIAL, 5, 1, { "loss bad-event count=1 ", "nested too deep" } },
    { "nested", SEEP_PARTIAL, 5, 1, { "loss bad-event count=1 ", "nested too deep" } },
    { "direct", SEEP_OK, 6, 2, { "srv 2020 {\"A\":\"1\",\"Data\":[\"2\",\"3\"]}" } },
    { "direct-crate", SEEP_OK, 5, 1, { "srv 2020 {\"Data\":\"4\"}" } },
    { "no-template", SEEP_OK, 5, 1, { "srv 2020 {\"Data\":\"only\"}" } },
    { "unnamed", SEEP_OK, 5, 1, { "{\"Data\":[\"first\",7,\"p\",\"q\"],\"Named\":5}" } },
    { "tokens",
      SEEP_OK,
      5,
      1,
      { "{\"A&B\":\"x<yA<raw>z\",\"Mixed\":\"n=3 of seven\",\"Beyond\":null,\"Binary\":\"01\"}" } },
    { "renamed", SEEP_OK, 2, 1, { "machine 1 host=SRV01 " } },
    { "forwarded", SEEP_OK, 2, 2, { "machine 1 host=A ", "machine 2 host=B " } },
    { "odd-values",
      SEEP_OK,
      5,
      1,
      { "{\"Short\":\"010203\",\"Odd\":\"a\\\\x62\",\"Unknown\":\"0102\",\"EmptyInt\":\"\"",
        "\"Null\":null,\"Bools\":[true,false],\"Good\":5}", "loss bad-value count=1 " } },
    { "types",
      SEEP_OK,
      5,
      1,
      { "\"Text\":\"\303\244\342\202\254\360\237\230\200\\\"<&\",\"Ansi\":\"caf\\\\xE9\","
        "\"I8\":-1,\"U8\":200,\"I16\":-300,\"U16\":65000,\"I32\":-70000,\"U32\":4000000000,"
        "\"I64\":-5000000000000000,\"U64\":18446744073709551615,\"F32\":1.5,\"F64\":-0.1,"
        "\"True\":true,\"False\":false,\"Binary\":\"00FF10\","
        "\"Guid\":\"{00112233-4455-6677-8899-aabbccddeeff}\",\"Size\":\"0x1234567890\","
        "\"FileTime\":\"2026-03-01T12:00:00.123456700Z\","
        "\"SystemTime\":\"2026-03-01T12:34:56.789000000Z\","
        "\"Sid\":\"S-1-5-21-1004336348-1177238915-682003330-512\",\"Hex32\":\"0xc0000005\","
        "\"Hex64\":\"0xfffff80000000000\"",
        "\"Texts\":[\"one\",\"\",\"three\"],\"U16s\":[1,2,65535],\"I64s\":[-1,0,1],",
        "\"Times\":[\"2026-03-01T12:00:00.123456700Z\",\"2026-03-01T12:00:01.123456700Z\"],"
        "\"Hexes\":[\"0x1\",\"0xff\"]}" } },
};

static void every_case_has_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        const struct outcome *o = &outcomes[i];
        struct testkit_sink sink;
        print_message("case %s\n", o->name);
        read_case(o->name, &sink, o->status);
        assert_int_equal(tallied(&sink), o->n_records);
        assert_int_equal(lines(&sink, "event "), o->n_events);
        for (size_t k = 0; k < 3 && o->part[k]; k++)
            expect(&sink, o->part[k]);
        testkit_sink_clear(&sink);
    }
}

static void hostile_names_stay_names(void **state)
{
    (void)state;
    struct testkit_sink sink;
    read_case("hostile-names", &sink, SEEP_OK);
    expect(&sink, "evil\\\"\\n\\u001b[31m\\\\uD800.exe");
    expect(&sink, "loss bad-value count=1 ");
    expect(&sink, "pid=77 "); // a slot without a name is a process all the same
    testkit_sink_clear(&sink);
}

static void what_is_no_log_is_refused(void **state)
{
    (void)state;
    static uint8_t zeros[0x3000];
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    struct seep_buf file = { 0 };
    char path[1024];
    assert_int_equal(seep_source_evtx.bid(seep_bytes(zeros, sizeof zeros)), 0);
    assert_int_equal(seep_source_evtx.bid(seep_bytes("ElfFile", 7)), 0);
    testkit_sink_init(&sink);
    assert_int_equal(testkit_read(&seep_source_evtx, zeros, sizeof zeros, &sink, &err),
                     SEEP_FAILED);
    assert_non_null(strstr(err.what, "not an event log"));
    assert_int_equal(testkit_read(&seep_source_evtx, "ElfFile", 8, &sink, &err), SEEP_FAILED);
    assert_non_null(strstr(err.what, "cut off inside its header"));
    case_path("no-chunks", path, sizeof path);
    assert_true(testkit_read_file(path, &file));
    assert_int_equal(testkit_read(&seep_source_evtx, file.data, file.len, &sink, &err),
                     SEEP_FAILED);
    assert_non_null(strstr(err.what, "none of its chunks"));
    seep_buf_clear(&file);
    testkit_sink_clear(&sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_logs_have_every_record),
        cmocka_unit_test(real_system_log_tallies),
        cmocka_unit_test(real_radar_event),
        cmocka_unit_test(exhaustion_fields_are_all_there),
        cmocka_unit_test(exhaustion_becomes_samples),
        cmocka_unit_test(back_references_and_inline_templates_agree),
        cmocka_unit_test(the_demonstration_log),
        cmocka_unit_test(other_providers_are_only_counted),
        cmocka_unit_test(every_case_has_its_outcome),
        cmocka_unit_test(hostile_names_stay_names),
        cmocka_unit_test(what_is_no_log_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
