// SPDX-License-Identifier: MIT
// Tests of the case: what goes in comes out, cases merge, strangers are refused, and SIGKILL loses
// nothing committed.
#include "testkit.h"

#include "base/intern.h"
#include "base/time.h"
#include "case/case.h"
#include "case/schema.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char case_path[512];

static void remove_case(void)
{
    static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char path[560];
        (void)snprintf(path, sizeof path, "%s%s", case_path, endings[i]);
        (void)remove(path);
    }
}

static int set_up(void **state)
{
    (void)state;
    const char *root = getenv("SEEP_BUILD_ROOT");
    (void)snprintf(case_path, sizeof case_path, "%s/test-case.seep", root ? root : ".");
    remove_case();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_case();
    return 0;
}

static struct seep_case *open_case(enum seep_case_mode mode)
{
    struct seep_err err = { 0 };
    struct seep_case *c = NULL;
    if (!seep_case_open(case_path, mode, &c, &err))
        fail_msg("%s", err.what);
    return c;
}

static struct seep_sink *begin(struct seep_case *c, const char *path,
                               enum seep_case_writing writing)
{
    struct seep_sink *sink = NULL;
    struct seep_err err = { 0 };
    if (!seep_case_begin_source(c, path, "blg", 1000, writing, &sink, &err))
        fail_msg("%s", err.what);
    return sink;
}

static struct seep_machine machine(const char *host)
{
    return (struct seep_machine){ .host = host, .os = "Windows", .boot_ns = SEEP_NO_TIME };
}

static struct seep_process process(struct seep_machine_id m, uint32_t pid, int64_t start_ns)
{
    return (struct seep_process){ .machine = m,
                                  .pid = pid,
                                  .has_pid = true,
                                  .start_ns = start_ns,
                                  .end_ns = SEEP_NO_TIME,
                                  .image = "app.exe" };
}

static struct seep_series handles_of(struct seep_machine_id m, struct seep_process_id p)
{
    return (struct seep_series){
        .subject = { .kind = SEEP_SUBJECT_PROCESS, .machine = m, .process = p },
        .metric = SEEP_METRIC_HANDLES,
        .counter = "\\Process(app)\\Handle Count",
    };
}

// A machine, a process and `n` samples of its handles, 1 s apart from `from_s`.
static void put_samples(struct seep_sink *sink, const char *host, int64_t from_s, int n)
{
    struct seep_machine m = machine(host);
    struct seep_machine_id mid;
    struct seep_process_id pid;
    struct seep_series_id sid;
    assert_true(seep_sink_machine(sink, &m, &mid));
    struct seep_process p = process(mid, 42, 5 * SEEP_NS_PER_S);
    assert_true(seep_sink_process(sink, &p, &pid));
    struct seep_series s = handles_of(mid, pid);
    assert_true(seep_sink_series(sink, &s, &sid));
    for (int i = 0; i < n; i++) {
        assert_true(seep_sink_tick(sink, mid, (from_s + i) * SEEP_NS_PER_S));
        assert_true(seep_sink_sample(sink, sid, (double)(100 + i) + (i % 3 == 0 ? 0.25 : 0)));
    }
}

static void end(struct seep_case *c)
{
    struct seep_err err = { 0 };
    if (!seep_case_end_source(c, SEEP_OK, 1000, &err))
        fail_msg("%s", err.what);
}

static struct seep_dataset load(struct seep_case *c)
{
    struct seep_dataset data = { 0 };
    struct seep_err err = { 0 };
    if (!seep_case_dataset(c, &data, &err))
        fail_msg("%s", err.what);
    return data;
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    struct seep_sink *sink = begin(c, "a.blg", SEEP_CASE_IMPORT);
    put_samples(sink, "SRV01", 1000, 5000);
    const struct seep_field fields[] = {
        { "Info/Big", SEEP_FIELD_UINT, { .uint = UINT64_MAX } },
        { "Info/Text", SEEP_FIELD_TEXT, { .text = "x" } },
        { "Info/Real", SEEP_FIELD_REAL, { .real = 0.1 } },
        { "When", SEEP_FIELD_TIME, { .time_ns = 123 } },
    };
    struct seep_event event = { .machine = { 1 },
                                .time_ns = 77,
                                .provider = "P",
                                .id = 2004,
                                .record_id = 9,
                                .offset = 512,
                                .fields = fields,
                                .n_fields = 4 };
    assert_true(seep_sink_event(sink, &event));
    assert_true(seep_sink_event(sink, &event)); // the same record from another copy of the log
    assert_true(seep_sink_lose(sink, "truncated", 1, SEEP_UNKNOWN_COUNT, 0x1200, "cut off"));
    end(c);
    seep_case_close(c);

    c = open_case(SEEP_CASE_READ);
    struct seep_dataset data = load(c);
    assert_int_equal(data.n_machines, 1);
    assert_string_equal(data.machines[0].host, "SRV01");
    assert_int_equal(data.n_processes, 1);
    assert_int_equal(data.processes[0].pid, 42);
    assert_true(data.processes[0].start_ns == 5 * SEEP_NS_PER_S);
    assert_int_equal(data.n_series, 1);
    assert_int_equal(data.series[0].n_points, 5000);
    assert_true(data.series[0].first_ns == 1000 * SEEP_NS_PER_S);
    assert_true(data.series[0].last_ns == 5999 * SEEP_NS_PER_S);
    assert_int_equal(data.series[0].series.metric, SEEP_METRIC_HANDLES);
    struct seep_points points = { 0 };
    assert_true(data.points(data.ctx, 0, &points, NULL));
    assert_int_equal(points.count, 5000);
    for (int i = 0; i < 5000; i++) {
        assert_true(points.at[i].t_ns == (1000 + i) * SEEP_NS_PER_S);
        assert_true(points.at[i].value == (double)(100 + i) + (i % 3 == 0 ? 0.25 : 0));
    }
    seep_points_clear(&points);
    assert_int_equal(data.n_events, 1);
    struct seep_json json = { 0 };
    seep_event_fields_json(&data.events[0], &json);
    assert_string_equal(seep_buf_text(&json.buf),
                        "{\"Info\":{\"Big\":18446744073709551615,\"Text\":\"x\",\"Real\":0.1},"
                        "\"When\":\"1970-01-01T00:00:00.000000123Z\"}");
    seep_json_clear(&json);
    assert_int_equal(data.n_sources, 1);
    assert_string_equal(data.sources[0].format, "blg");
    assert_int_equal(data.sources[0].facts[SEEP_FACT_SAMPLE], 5000);
    assert_int_equal(data.sources[0].n_losses, 1);
    assert_true(data.sources[0].losses[0].bytes == SEEP_UNKNOWN_COUNT);
    assert_true(data.sources[0].losses[0].offset == 0x1200);
    seep_case_close(c);
}

static void later_files_continue_the_same_series(void **state)
{
    (void)state;
    for (int day = 0; day < 3; day++) {
        struct seep_case *c = open_case(SEEP_CASE_WRITE);
        put_samples(begin(c, "day.csv", SEEP_CASE_IMPORT), day == 1 ? "srv01" : "SRV01", day * 100,
                    10);
        end(c);
        seep_case_close(c);
    }
    struct seep_case *c = open_case(SEEP_CASE_READ);
    struct seep_dataset data = load(c);
    assert_int_equal(data.n_sources, 3);
    assert_int_equal(data.n_machines, 1);
    assert_int_equal(data.n_processes, 1);
    assert_int_equal(data.n_series, 1);
    assert_int_equal(data.series[0].n_points, 30);
    seep_case_close(c);
}

static void hosts_are_matched_by_their_first_label(void **state)
{
    (void)state;
    static const char *const hosts[] = { "DC1", "dc1.example.com", "dc1.example.org",
                                         "DC2.example.com", "dc2" };
    static const uint32_t expected[] = { 1, 1, 1, 2, 2 };
    struct seep_case *c = open_case(SEEP_CASE_TEMPORARY);
    struct seep_sink *sink = begin(c, "x", SEEP_CASE_IMPORT);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct seep_machine m = machine(hosts[i]);
        struct seep_machine_id id;
        assert_true(seep_sink_machine(sink, &m, &id));
        assert_int_equal(id.v, expected[i]);
    }
    end(c);
    seep_case_close(c);
}

static void a_process_that_calls_exec_has_its_new_name(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_TEMPORARY);
    struct seep_sink *sink = begin(c, "x", SEEP_CASE_IMPORT);
    struct seep_machine m = machine("A");
    struct seep_machine_id mid;
    struct seep_process_id before, after;
    assert_true(seep_sink_machine(sink, &m, &mid));
    struct seep_process p = process(mid, 42, 1000 * SEEP_NS_PER_S);
    p.image = "bash";
    assert_true(seep_sink_process(sink, &p, &before));
    p.image = "server";
    assert_true(seep_sink_process(sink, &p, &after));
    assert_int_equal(before.v, after.v);
    end(c);
    assert_string_equal(load(c).processes[0].image, "server");
    seep_case_close(c);
}

static void a_reused_pid_is_another_process(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_TEMPORARY);
    struct seep_sink *sink = begin(c, "x", SEEP_CASE_IMPORT);
    struct seep_machine m = machine("A");
    struct seep_machine_id mid;
    struct seep_process_id a, b, again, unknown, other_image;
    assert_true(seep_sink_machine(sink, &m, &mid));
    struct seep_process p = process(mid, 42, 1000 * SEEP_NS_PER_S);
    assert_true(seep_sink_process(sink, &p, &a));
    p.start_ns = 2000 * SEEP_NS_PER_S;
    assert_true(seep_sink_process(sink, &p, &b));
    p.start_ns = 2001 * SEEP_NS_PER_S; // rounded differently by another tool
    assert_true(seep_sink_process(sink, &p, &again));
    p.start_ns = SEEP_NO_TIME;
    assert_true(seep_sink_process(sink, &p, &unknown));
    p.image = "other.exe";
    assert_true(seep_sink_process(sink, &p, &other_image));
    assert_int_not_equal(a.v, b.v);
    assert_int_equal(b.v, again.v);
    assert_int_equal(unknown.v, b.v);
    assert_int_not_equal(other_image.v, b.v);
    end(c);
    seep_case_close(c);
}

static void boots_are_kept_apart(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_TEMPORARY);
    uint32_t ids[3];
    const int64_t boots[] = { 1000, 1030, 90000 };
    for (int i = 0; i < 3; i++) {
        struct seep_sink *sink = begin(c, "x", SEEP_CASE_IMPORT);
        struct seep_machine m = machine("A");
        m.boot_ns = boots[i] * SEEP_NS_PER_S;
        struct seep_machine_id mid;
        struct seep_process_id pid;
        assert_true(seep_sink_machine(sink, &m, &mid));
        struct seep_process p = process(mid, 4, SEEP_NO_TIME);
        assert_true(seep_sink_process(sink, &p, &pid));
        ids[i] = pid.v;
        end(c);
    }
    assert_int_equal(ids[0], ids[1]);
    assert_int_not_equal(ids[0], ids[2]);
    struct seep_dataset data = load(c);
    assert_int_equal(data.n_machines, 1);
    seep_case_close(c);
}

static void cases_merge_by_machine(void **state)
{
    (void)state;
    struct seep_case *from = open_case(SEEP_CASE_TEMPORARY);
    put_samples(begin(from, "one", SEEP_CASE_IMPORT), "SRV01", 0, 100);
    end(from);
    put_samples(begin(from, "two", SEEP_CASE_IMPORT), "SRV02", 0, 50);
    end(from);

    struct seep_case *to = open_case(SEEP_CASE_WRITE);
    put_samples(begin(to, "zero", SEEP_CASE_IMPORT), "srv02", 1000, 7);
    end(to);
    struct seep_err err = { 0 };
    struct seep_sink *sink = begin(to, "from.seep", SEEP_CASE_IMPORT);
    assert_int_equal(seep_case_copy(from, sink, NULL, &err), SEEP_OK);
    end(to);
    struct seep_dataset data = load(to);
    assert_int_equal(data.n_machines, 2);
    assert_int_equal(data.n_series, 2);
    assert_int_equal(data.series[0].n_points + data.series[1].n_points, 157);
    seep_case_close(to);
    seep_case_close(from);
}

static void short_rows_are_joined(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    struct seep_sink *sink = begin(c, "live", SEEP_CASE_RECORDING);
    struct seep_machine m = machine("A");
    struct seep_machine_id mid;
    struct seep_process_id pid;
    struct seep_series_id sid;
    assert_true(seep_sink_machine(sink, &m, &mid));
    struct seep_process p = process(mid, 1, SEEP_NO_TIME);
    assert_true(seep_sink_process(sink, &p, &pid));
    struct seep_series s = handles_of(mid, pid);
    assert_true(seep_sink_series(sink, &s, &sid));
    for (int i = 0; i < 1000; i++) {
        assert_true(seep_sink_tick(sink, mid, i * SEEP_NS_PER_S));
        if (i % 3)
            assert_true(seep_sink_sample(sink, sid, i));
        assert_true(seep_case_commit(c, &err));
    }
    end(c);
    seep_case_close(c);

    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(case_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT (SELECT count(*) FROM chunk), count(*), sum(value),"
                                        " max(time_ns) FROM sample",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_true(sqlite3_column_int(stmt, 0) <= 1000 / 128 + 2);
    assert_int_equal(sqlite3_column_int(stmt, 1), 666);
    assert_int_equal(sqlite3_column_int(stmt, 2), 999 * 1000 / 2 - 3 * 333 * 334 / 2);
    assert_true(sqlite3_column_int64(stmt, 3) == 998 * SEEP_NS_PER_S);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void raw_sql(const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(case_path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
}

static void expect_refused(enum seep_case_mode mode, const char *part)
{
    struct seep_err err = { 0 };
    struct seep_case *c = NULL;
    assert_false(seep_case_open(case_path, mode, &c, &err));
    assert_null(c);
    if (!strstr(err.what, part))
        fail_msg("'%s' does not say '%s'", err.what, part);
}

static void an_older_case_is_brought_up_to_date(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    put_samples(begin(c, "a", SEEP_CASE_IMPORT), "A", 0, 10);
    end(c);
    seep_case_close(c);
    raw_sql("DROP TABLE finding;DROP INDEX event_by_time;DROP TABLE region;PRAGMA user_version=1");
    c = open_case(SEEP_CASE_READ); // what is older can be read as it is
    assert_int_equal(load(c).series[0].n_points, 10);
    seep_case_close(c);
    c = open_case(SEEP_CASE_WRITE);
    struct seep_case_finding finding = { .id = "x",
                                         .class_ = "heap",
                                         .verdict = "leaking",
                                         .subject = "process",
                                         .evidence_json = "[]",
                                         .since_ns = SEEP_NO_TIME };
    assert_true(seep_case_set_findings(c, &finding, 1, NULL));
    assert_int_equal(load(c).series[0].n_points, 10);
    seep_case_close(c);
    raw_sql("SELECT count(*) FROM finding, region");
}

static void strangers_are_refused(void **state)
{
    (void)state;
    raw_sql("CREATE TABLE t(x); PRAGMA application_id=7");
    expect_refused(SEEP_CASE_WRITE, "not a case");
    remove_case();
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    seep_case_close(c);
    raw_sql("PRAGMA user_version=99");
    expect_refused(SEEP_CASE_WRITE, "version 99");
    raw_sql("PRAGMA user_version=3; CREATE TRIGGER evil AFTER INSERT ON source BEGIN DELETE FROM "
            "loss; END");
    expect_refused(SEEP_CASE_READ, "'evil'");
    raw_sql("DROP TRIGGER evil; DROP TABLE chunk; CREATE VIEW Chunk AS SELECT 1 AS id, 1 AS "
            "series_id, 1 AS"
            " tick_id, 1 AS first_tick_id, 1 AS last_tick_id, 1 AS n_points, '{}' AS points");
    expect_refused(SEEP_CASE_READ, "'Chunk'");
}

static void damaged_cases_are_read_in_part(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    put_samples(begin(c, "a", SEEP_CASE_IMPORT), "A", 0, 10);
    end(c);
    put_samples(begin(c, "b", SEEP_CASE_IMPORT), "B", 0, 10);
    end(c);
    seep_case_close(c);
    raw_sql("UPDATE chunk SET points='{\"0\":1,\"7' WHERE id=1");
    c = open_case(SEEP_CASE_READ);
    struct testkit_sink sink;
    testkit_sink_init(&sink);
    struct seep_err err = { 0 };
    assert_int_equal(seep_case_copy(c, &sink.sink, NULL, &err), SEEP_PARTIAL);
    assert_int_equal(sink.sink.counts[SEEP_FACT_SAMPLE], 11);
    assert_non_null(strstr(seep_buf_text(&sink.text), "loss bad-record count=1"));
    testkit_sink_clear(&sink);
    seep_case_close(c);
    raw_sql("UPDATE chunk SET points='{}', tick_id=9000000000000000000 WHERE id=1;"
            "UPDATE tick SET id=4000000000 WHERE id=20");
    c = open_case(SEEP_CASE_READ);
    struct seep_dataset data;
    assert_false(seep_case_dataset(c, &data, &err));
    assert_non_null(strstr(err.what, "tick"));
    seep_case_close(c);
}

static void bytes_are_read_like_files(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    put_samples(begin(c, "a", SEEP_CASE_IMPORT), "A", 0, 300);
    end(c);
    seep_case_close(c);
    struct seep_buf file = { 0 };
    assert_true(testkit_read_file(case_path, &file));
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    testkit_sink_init(&sink);
    assert_int_equal(testkit_read(seep_source_named("seep"), file.data, file.len, &sink, &err),
                     SEEP_OK);
    assert_int_equal(sink.sink.counts[SEEP_FACT_SAMPLE], 300);
    testkit_sink_clear(&sink);
    for (size_t cut = 0; cut < file.len; cut += 509) {
        testkit_sink_init(&sink);
        err = (struct seep_err){ 0 };
        enum seep_status status =
            testkit_read(seep_source_named("seep"), file.data, cut, &sink, &err);
        assert_true(status == SEEP_FAILED ? err.what[0] != '\0' : true);
        testkit_sink_clear(&sink);
    }
    seep_buf_clear(&file);
}

static void a_program_of_another_name_is_another_process(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    struct seep_sink *sink = begin(c, "a", SEEP_CASE_IMPORT);
    struct seep_machine m = machine("A");
    struct seep_machine_id mid;
    struct seep_process_id first, other, cased, again, far;
    assert_true(seep_sink_machine(sink, &m, &mid));
    struct seep_process p = process(mid, 42, 5 * SEEP_NS_PER_S);
    assert_true(seep_sink_process(sink, &p, &first));
    p.start_ns += SEEP_NS_PER_S; // within what two sources may differ by
    p.image = "cl.exe";
    assert_true(seep_sink_process(sink, &p, &other));
    assert_int_not_equal(other.v, first.v);
    p.image = "App.EXE";
    p.start_ns += SEEP_NS_PER_S / 2;
    assert_true(seep_sink_process(sink, &p, &cased));
    assert_int_equal(cased.v, first.v);
    p.start_ns = 5 * SEEP_NS_PER_S; // exec
    p.image = "bash";
    assert_true(seep_sink_process(sink, &p, &again));
    assert_int_equal(again.v, first.v);
    p.start_ns = INT64_MAX;
    assert_true(seep_sink_process(sink, &p, &far));
    p.start_ns = INT64_MIN + 1;
    assert_true(seep_sink_process(sink, &p, &again));
    assert_int_not_equal(again.v, far.v);
    end(c);
    seep_case_close(c);
}

static uint64_t hash_of(const char *path)
{
    struct seep_buf file = { 0 };
    assert_true(testkit_read_file(path, &file));
    uint64_t hash = seep_hash(file.data, file.len);
    seep_buf_clear(&file);
    return hash;
}

// What on_process is to find, the plain way: the newest of those pushed before that is the same.
struct known {
    struct seep_process p;
    uint32_t row;
};

static bool is_same(const struct seep_process *a, const struct seep_process *b)
{
    bool named = strcmp(a->image, b->image) == 0;
    if (a->has_pid != b->has_pid || (a->has_pid ? a->pid != b->pid : !named))
        return false;
    if (a->start_ns == SEEP_NO_TIME || b->start_ns == SEEP_NO_TIME)
        return named;
    int64_t apart =
        a->start_ns > b->start_ns ? a->start_ns - b->start_ns : b->start_ns - a->start_ns;
    return apart <= SEEP_NS_PER_S / 100 || (named && apart <= 2 * SEEP_NS_PER_S);
}

static uint32_t plainly_found(struct known *known, size_t *n, const struct seep_process *p)
{
    for (size_t i = *n; i-- > 0;) {
        struct seep_process *old = &known[i].p;
        if (!is_same(old, p))
            continue;
        if (old->start_ns == SEEP_NO_TIME)
            old->start_ns = p->start_ns;
        else if (old->start_ns == p->start_ns)
            old->image = p->image;
        return known[i].row;
    }
    known[*n] = (struct known){ *p, (uint32_t)*n + 1 };
    return known[(*n)++].row;
}

static void lives_are_found_as_a_search_of_all_finds_them(void **state)
{
    (void)state;
    enum { N = 4000 };
    static const char *const images[] = { "a.exe", "b.exe", "c.exe" };
    static struct known known[N];
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    struct seep_sink *sink = begin(c, "a.blg", SEEP_CASE_IMPORT);
    struct seep_machine_id m;
    struct seep_machine srv = machine("SRV");
    assert_true(seep_sink_machine(sink, &srv, &m));
    uint64_t random = 88172645463325252u;
    size_t n = 0, again = 0;
    for (size_t i = 0; i < N; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        // Starts from before 1970 to after it, most a few milliseconds or seconds apart.
        int64_t start_ns = (int64_t)(random >> 8 & 1023) * (SEEP_NS_PER_S / 200 * 27) -
                           60 * SEEP_NS_PER_S + (int64_t)(random >> 20 & 3) * 6000000;
        struct seep_process p = process(m, 100 + (random >> 24 & 1), start_ns);
        p.image = images[(random >> 32) % 3];
        p.has_pid = (random >> 40) % 16 != 0;
        if ((random >> 48) % 8 == 0)
            p.start_ns = SEEP_NO_TIME;
        struct seep_process_id id;
        size_t before = n;
        uint32_t row = plainly_found(known, &n, &p);
        assert_true(seep_sink_process(sink, &p, &id));
        assert_int_equal(id.v, row);
        again += n == before;
    }
    assert_true(n > 300 && again > 300);
    end(c);
    seep_case_close(c);
}

// 200,000 lives of one PID: a search of all of them would take minutes.
static void a_pid_may_have_many_lives(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    struct seep_sink *sink = begin(c, "a.blg", SEEP_CASE_IMPORT);
    struct seep_machine_id m;
    struct seep_machine srv = machine("SRV");
    assert_true(seep_sink_machine(sink, &srv, &m));
    int64_t start = seep_os_monotonic_ns();
    for (uint32_t i = 0; i < N; i++) {
        struct seep_process_id id;
        struct seep_process p = process(m, 1948, i * (10 * SEEP_NS_PER_S));
        assert_true(seep_sink_process(sink, &p, &id));
        assert_int_equal(id.v, i + 1);
    }
    double took_s = (double)(seep_os_monotonic_ns() - start) / 1e9;
    print_message("%d lives of one PID in %.2f s\n", N, took_s);
    assert_true(took_s < 15);
    end(c);
    seep_case_close(c);
}

// Two sources that saw the same moments: what was written last counts, in whatever order they come.
static void of_equal_moments_the_last_written_counts(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    for (int source = 0; source < 3; source++) {
        struct seep_sink *sink = begin(c, "a.blg", SEEP_CASE_IMPORT);
        struct seep_machine_id m;
        struct seep_process_id p;
        struct seep_series_id handles;
        struct seep_machine srv = machine("SRV");
        assert_true(seep_sink_machine(sink, &srv, &m));
        struct seep_process app = process(m, 7, 1);
        assert_true(seep_sink_process(sink, &app, &p));
        struct seep_series series = handles_of(m, p);
        assert_true(seep_sink_series(sink, &series, &handles));
        for (int i = 0; i < N; i++) {
            assert_true(seep_sink_tick(sink, m, (int64_t)(i / 3) * SEEP_NS_PER_S));
            assert_true(seep_sink_sample(sink, handles, source * N + i + 1));
        }
        end(c);
    }
    struct seep_dataset data;
    struct seep_points points = { 0 };
    assert_true(seep_case_dataset(c, &data, NULL));
    assert_true(data.points(data.ctx, 0, &points, NULL));
    assert_int_equal(points.count, N / 3);
    for (size_t i = 0; i < points.count; i++) {
        assert_int_equal(points.at[i].t_ns, (int64_t)i * SEEP_NS_PER_S);
        assert_true(points.at[i].value == (double)(2 * N + 3 * i + 3));
    }
    seep_points_clear(&points);
    seep_case_close(c);
}

static void other_databases_are_left_alone(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(case_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    uint64_t before = hash_of(case_path);
    struct seep_err err = { 0 };
    struct seep_case *c = NULL;
    assert_false(seep_case_open(case_path, SEEP_CASE_WRITE, &c, &err));
    assert_non_null(strstr(err.what, "not a case"));
    assert_true(hash_of(case_path) == before);
}

static void change(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(case_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void absurd_numbers_are_bounded(void **state)
{
    (void)state;
    struct seep_case *c = open_case(SEEP_CASE_WRITE);
    put_samples(begin(c, "a", SEEP_CASE_IMPORT), "A", 0, 4);
    end(c);
    seep_case_close(c);
    change("UPDATE tick SET time_ns=CASE id WHEN 1 THEN -9223372036854775808 WHEN 2 THEN "
           "9223372036854775807 ELSE id END; UPDATE process SET start_ns=-9223372036854775807");
    c = open_case(SEEP_CASE_READ);
    struct seep_dataset data = load(c);
    struct seep_points points = { 0 };
    struct seep_err err = { 0 };
    assert_true(data.processes[0].start_ns == SEEP_TIME_MIN);
    assert_true(data.points(data.ctx, 0, &points, &err));
    assert_int_equal(points.count, 3); // one has no time
    assert_true(points.at[2].t_ns == SEEP_TIME_MAX);
    seep_case_close(c);
    change("UPDATE chunk SET tick_id=9223372036854775807, first_tick_id=-1");
    c = open_case(SEEP_CASE_READ);
    data = load(c);
    assert_int_equal(data.series[0].n_points, 0);
    assert_true(data.points(data.ctx, 0, &points, &err));
    assert_int_equal(points.count, 0);
    seep_points_clear(&points);
    seep_case_close(c);
}

// Two programs write to one case in turns, as an import does into a case that is being recorded.
static void two_writers_take_turns(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    struct seep_case *one = open_case(SEEP_CASE_WRITE);
    struct seep_sink *sink = begin(one, "live", SEEP_CASE_RECORDING);
    for (int i = 0; i < 300; i++) { // beyond the point where short rows are joined
        put_samples(sink, "A", 1000 + i, 1);
        assert_true(seep_case_commit(one, &err));
        if (i % 100 != 50)
            continue;
        struct seep_case *two = open_case(SEEP_CASE_WRITE);
        put_samples(begin(two, "other", SEEP_CASE_IMPORT), i == 50 ? "B" : "C", 0, 10);
        end(two);
        seep_case_close(two);
    }
    put_samples(sink, "D", 0, 5);
    end(one);
    seep_case_close(one);
    struct seep_case *c = open_case(SEEP_CASE_READ);
    struct seep_dataset data = load(c);
    static const size_t wanted[] = { 300, 10, 10, 5 }; // C twice, at the same moments
    assert_int_equal(data.n_machines, 4);
    assert_int_equal(data.n_series, 4);
    struct seep_points points = { 0 };
    for (size_t i = 0; i < 4; i++) {
        assert_true(data.points(data.ctx, i, &points, &err));
        assert_int_equal(points.count, wanted[i]);
    }
    seep_points_clear(&points);
    seep_case_close(c);
}

// What is read is of one moment, while a recording goes on.
static void a_reader_sees_one_moment(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    struct seep_case *one = open_case(SEEP_CASE_WRITE);
    struct seep_sink *sink = begin(one, "live", SEEP_CASE_RECORDING);
    put_samples(sink, "A", 0, 5);
    assert_true(seep_case_commit(one, &err));
    struct seep_buf file = { 0 };
    assert_true(testkit_read_file(case_path, &file));
    assert_true(seep_case_is_case(seep_bytes(file.data, file.len))); // without its log, too
    seep_buf_clear(&file);
    struct seep_case *reader = open_case(SEEP_CASE_READ);
    struct seep_dataset data = load(reader);
    assert_int_equal(data.sources[0].facts[SEEP_FACT_SAMPLE], 5);
    put_samples(sink, "B", 10, 5);
    assert_true(seep_case_commit(one, &err));
    sqlite3_stmt *stmt = NULL;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(case_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM tick", -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 0), 10);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    struct seep_points points = { 0 };
    assert_true(data.points(data.ctx, 1, &points, &err)); // which is not there yet
    assert_int_equal(points.count, 0);
    data = load(reader); // again: the newest
    assert_int_equal(data.sources[0].facts[SEEP_FACT_SAMPLE], 10);
    assert_true(data.points(data.ctx, 1, &points, &err));
    assert_int_equal(points.count, 5);
    seep_points_clear(&points);
    seep_case_close(reader);
    end(one);
    seep_case_close(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_goes_in_comes_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_files_continue_the_same_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hosts_are_matched_by_their_first_label, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_process_that_calls_exec_has_its_new_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_reused_pid_is_another_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(boots_are_kept_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cases_merge_by_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_rows_are_joined, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_older_case_is_brought_up_to_date, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strangers_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_cases_are_read_in_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_read_like_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_program_of_another_name_is_another_process, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lives_are_found_as_a_search_of_all_finds_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_pid_may_have_many_lives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_equal_moments_the_last_written_counts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(other_databases_are_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absurd_numbers_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_writers_take_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_sees_one_moment, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
