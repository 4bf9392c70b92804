// SPDX-License-Identifier: MIT
// Perfmon's world: counter paths, names in several languages, identity over time.
#include "testkit.h"

#include "base/arena.h"
#include "base/codepage.h"
#include "base/time.h"
#include "nt/counter_names.h"
#include "source/perfmon.h"
#include "source/perfmon_names.h"

#include <string.h>

// --- paths ---

static void check_split(const char *path, const char *host, const char *object, const char *parent,
                        const char *instance, const char *counter)
{
    struct seep_arena room = { 0 };
    struct seep_perfmon_counter c = { 0 };
    bool ok = seep_perfmon_split(seep_bytes(path, strlen(path)), &room, &c);
    assert_int_equal(ok, counter != NULL);
    if (ok) {
        assert_string_equal(c.host, host);
        assert_string_equal(c.object, object);
        assert_string_equal(c.parent, parent);
        assert_string_equal(c.instance, instance);
        assert_string_equal(c.counter, counter);
    }
    seep_arena_clear(&room);
}

static void test_split(void **state)
{
    (void)state;
    check_split("\\\\SRV01\\Memory\\Commit Limit", "SRV01", "Memory", "", "", "Commit Limit");
    check_split("\\Memory\\Commit Limit", "", "Memory", "", "", "Commit Limit");
    check_split("\\\\H\\Process(app#3)\\% Processor Time", "H", "Process", "", "app#3",
                "% Processor Time");
    check_split("\\\\H\\Thread(app/0#2)\\ID Thread", "H", "Thread", "app", "0#2", "ID Thread");
    check_split("\\\\H\\Paging File(\\??\\C:\\pagefile.sys)\\% Usage", "H", "Paging File", "",
                "\\??\\C:\\pagefile.sys", "% Usage");
    check_split("\\\\H\\Memory\\Memory Overcommit (1 Minute Avg)", "H", "Memory", "", "",
                "Memory Overcommit (1 Minute Avg)");
    check_split("\\\\H\\DC Locator (Client)(x)\\Errors (total)/sec", "H", "DC Locator (Client)", "",
                "x", "Errors (total)/sec");
    check_split("\\\\H\\Vcpu(1:web(prod):5:vmx)\\% Used", "H", "Vcpu", "", "1:web(prod):5:vmx",
                "% Used");
    check_split("\\\\H\\Process(a(b)\\ID Process", "H", "Process", "", "a(b", "ID Process");
    check_split("\\\\H\\Process(a)b)\\ID Process", "H", "Process", "", "a)b", "ID Process");
    check_split("\\\\H\\Process()\\ID Process", "H", "Process", "", "", "ID Process");
    check_split("\\\\a.b-c\\N(x\\y(z)\\w)\\C", "a.b-c", "N", "", "x\\y(z)\\w", "C");
    check_split("", NULL, NULL, NULL, NULL, NULL);
    check_split("Memory", NULL, NULL, NULL, NULL, NULL);
    check_split("\\\\H", NULL, NULL, NULL, NULL, NULL);
    check_split("\\\\H\\Memory", NULL, NULL, NULL, NULL, NULL);
    check_split("\\\\H\\Memory\\", NULL, NULL, NULL, NULL, NULL);
    check_split("\\\\H\\\\Counter", NULL, NULL, NULL, NULL, NULL);
    check_split("\\\\H\\(x)\\Counter", NULL, NULL, NULL, NULL, NULL);
    check_split("\\\\\\\\\\", NULL, NULL, NULL, NULL, NULL);
}

// --- names ---

static enum seep_perf_object object(const char *name)
{
    return seep_perf_object_by_name(name, strlen(name));
}

static enum seep_perf_counter counter(enum seep_perf_object o, const char *name)
{
    return seep_perf_counter_by_name(o, name, strlen(name));
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(object("Process"), SEEP_PERF_PROCESS);
    assert_int_equal(object("process"), SEEP_PERF_PROCESS);
    assert_int_equal(object("Prozess"), SEEP_PERF_PROCESS);
    assert_int_equal(object("ПРОЦЕСС"), SEEP_PERF_PROCESS);
    assert_int_equal(object("Process V2"), SEEP_PERF_PROCESS_V2);
    assert_int_equal(object("Prozess V2"), SEEP_PERF_PROCESS_V2);
    assert_int_equal(object("mémoire"), SEEP_PERF_MEMORY);
    assert_int_equal(object("Process V3"), SEEP_PERF_OBJECT_NONE);
    assert_int_equal(object("Processo r"), SEEP_PERF_OBJECT_NONE);
    assert_int_equal(object(""), SEEP_PERF_OBJECT_NONE);
    assert_int_equal(counter(SEEP_PERF_PROCESS, "Private Bytes"), SEEP_PERF_PRIVATE_BYTES);
    assert_int_equal(counter(SEEP_PERF_MEMORY, "Private Bytes"), SEEP_PERF_COUNTER_NONE);
    assert_int_equal(counter(SEEP_PERF_PROCESS_V2, "handle count"), SEEP_PERF_HANDLE_COUNT);
    assert_int_equal(counter(SEEP_PERF_MEMORY, "Pool Paged Bytes"), SEEP_PERF_POOL_PAGED_BYTES);
    assert_int_equal(counter(SEEP_PERF_PROCESS, "Virtuelle Größe"), SEEP_PERF_VIRTUAL_BYTES);
    assert_int_equal(counter(SEEP_PERF_MEMORY, "Verfügbare MB"), SEEP_PERF_AVAILABLE_MBYTES);
    assert_int_equal(counter(SEEP_PERF_MEMORY, "доступно мб"), SEEP_PERF_AVAILABLE_MBYTES);
    assert_int_equal(counter(SEEP_PERF_MEMORY, "Verf\xfcgbare MB"), SEEP_PERF_COUNTER_NONE);
    assert_int_equal(counter(SEEP_PERF_OBJECT_NONE, "Private Bytes"), SEEP_PERF_COUNTER_NONE);

    assert_int_equal(seep_perf_object_by_index(230), SEEP_PERF_PROCESS);
    assert_int_equal(seep_perf_object_by_index(0), SEEP_PERF_OBJECT_NONE);
    assert_int_equal(seep_perf_counter_by_index(SEEP_PERF_MEMORY, 26), SEEP_PERF_COMMITTED_BYTES);
    assert_int_equal(seep_perf_counter_by_index(SEEP_PERF_PROCESS, 26), SEEP_PERF_COUNTER_NONE);
    assert_int_equal(seep_perf_counter_by_index(SEEP_PERF_PROCESS, 784), SEEP_PERF_ID_PROCESS);
    assert_string_equal(seep_perf_counter_name(SEEP_PERF_PAGING_USAGE), "% Usage");
    assert_string_equal(seep_perf_object_name(SEEP_PERF_OBJECT_COUNT_), "");
    // Every English name leads back to its counter.
    for (int c = 1; c < SEEP_PERF_COUNTER_COUNT_; c++) {
        const char *name = seep_perf_counter_name((enum seep_perf_counter)c);
        bool found = false;
        for (int o = 1; o < SEEP_PERF_OBJECT_COUNT_; o++)
            found |= (int)counter((enum seep_perf_object)o, name) == c;
        assert_true(found);
    }
}

static void test_codepages(void **state)
{
    (void)state;
    assert_int_equal(seep_codepage_decode(seep_codepage_find(1251), 0xcf), 0x41f); // П
    assert_int_equal(seep_codepage_decode(seep_codepage_find(1252), 0x80), 0x20ac);
    assert_int_equal(seep_codepage_decode(seep_codepage_find(866), 0x8f), 0x41f);
    assert_int_equal(seep_codepage_decode(seep_codepage_find(850), 0x81), 0xfc);
    assert_int_equal(seep_codepage_decode(seep_codepage_find(1252), 0x81), 0);
    assert_int_equal(seep_codepage_decode(seep_codepage_find(437), 'A'), 'A');
    assert_null(seep_codepage_find(932));
}

static void check_instance(enum seep_perf_object o, const char *name, bool is_process, int64_t pid,
                           const char *image)
{
    struct seep_perfmon_instance instance;
    struct seep_buf buf = { 0 };
    seep_perfmon_instance(o, name, true, &instance, &buf);
    assert_int_equal(instance.is_process, is_process);
    assert_int_equal(instance.pid, pid);
    if (is_process)
        assert_string_equal(seep_buf_text(&buf), image);
    seep_buf_clear(&buf);
}

static void test_instances(void **state)
{
    (void)state;
    check_instance(SEEP_PERF_PROCESS, "explorer", true, -1, "explorer.exe");
    check_instance(SEEP_PERF_PROCESS, "svchost#12", true, -1, "svchost.exe#12");
    check_instance(SEEP_PERF_PROCESS, "C#", true, -1, "C#.exe");
    check_instance(SEEP_PERF_PROCESS, "#1", true, -1, "#1.exe");
    check_instance(SEEP_PERF_PROCESS, "setup.tmp#1", true, -1, "setup.tmp#1");
    check_instance(SEEP_PERF_PROCESS, "system", true, -1, "system");
    check_instance(SEEP_PERF_PROCESS, "_Total", false, -1, NULL);
    check_instance(SEEP_PERF_PROCESS, "idle", false, -1, NULL);
    check_instance(SEEP_PERF_PROCESS, "", false, -1, NULL);
    check_instance(SEEP_PERF_PROCESS, "a:12", true, -1, "a:12.exe");
    check_instance(SEEP_PERF_PROCESS_V2, "explorer:1948", true, 1948, "explorer.exe");
    check_instance(SEEP_PERF_PROCESS_V2, "a:b:4294967295", true, 4294967295, "a:b.exe");
    check_instance(SEEP_PERF_PROCESS_V2, "a:4294967296", true, -1, "a:4294967296.exe");
    check_instance(SEEP_PERF_PROCESS_V2, "a:99999999999999999999", true, -1,
                   "a:99999999999999999999.exe");
    check_instance(SEEP_PERF_PROCESS_V2, "Idle:0", false, 0, NULL);
    check_instance(SEEP_PERF_PROCESS_V2, "_Total", false, -1, NULL);
}

// --- identity ---

struct run {
    struct testkit_sink kit;
    struct seep_perfmon *pm;
};

static void start_run(struct run *r)
{
    struct seep_err err = { 0 };
    testkit_sink_init(&r->kit);
    r->pm = seep_perfmon_open(&r->kit.sink, &err);
    assert_non_null(r->pm);
}

static struct seep_perfmon_column add(struct run *r, const char *instance, const char *name)
{
    const struct seep_perfmon_counter c = {
        .host = "SRV01", .object = "Process", .instance = instance, .counter = name
    };
    struct seep_perfmon_column column = seep_perfmon_column(r->pm, &c);
    assert_int_not_equal(column.v, 0);
    return column;
}

static const char *end_run(struct run *r)
{
    assert_true(seep_perfmon_finish(r->pm));
    seep_perfmon_close(r->pm);
    return seep_buf_text(&r->kit.text);
}

static void tick(struct run *r, int second)
{
    assert_true(seep_perfmon_tick(r->pm, INT64_C(1772366400000000000) + second * SEEP_NS_PER_S));
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}

static void test_same_column(void **state)
{
    struct run r;
    (void)state;
    start_run(&r);
    assert_int_equal(add(&r, "a", "Handle Count").v, add(&r, "a", "Handle Count").v);
    assert_int_not_equal(add(&r, "a", "Handle Count").v, add(&r, "a#1", "Handle Count").v);
    const struct seep_perfmon_counter by_index = { .host = "SRV01",
                                                   .object = "?",
                                                   .instance = "b",
                                                   .counter = "?",
                                                   .object_index = 230,
                                                   .counter_index = 952 };
    struct seep_perfmon_column c = seep_perfmon_column(r.pm, &by_index);
    tick(&r, 0);
    seep_perfmon_value(r.pm, c, 5);
    seep_perfmon_value(r.pm, c, 7); // the later value of a tick counts
    seep_perfmon_value(r.pm, (struct seep_perfmon_column){ 0 }, 1);
    seep_perfmon_value(r.pm, (struct seep_perfmon_column){ 99 }, 1);
    assert_true(seep_perfmon_tick_end(r.pm));
    const char *text = end_run(&r);
    assert_non_null(strstr(text, "metric=handles counter=\\?(b)\\?\n"));
    assert_int_equal(count(text, "sample "), 1);
    assert_non_null(strstr(text, " 7\n"));
    testkit_sink_clear(&r.kit);
}

// The value comes before the ID Process of the same tick: the process is known at the tick's end.
static void test_order_within_tick(void **state)
{
    struct run r;
    (void)state;
    start_run(&r);
    struct seep_perfmon_column bytes = add(&r, "a", "Private Bytes");
    struct seep_perfmon_column pid = add(&r, "a", "ID Process");
    struct seep_perfmon_column parent = add(&r, "a", "Creating Process ID");
    struct seep_perfmon_column elapsed = add(&r, "a", "Elapsed Time");
    tick(&r, 60);
    seep_perfmon_value(r.pm, bytes, 4096);
    seep_perfmon_value(r.pm, pid, 1948);
    seep_perfmon_value(r.pm, parent, 700);
    seep_perfmon_value(r.pm, elapsed, 30.5);
    assert_true(seep_perfmon_tick_end(r.pm));
    const char *text = end_run(&r);
    assert_non_null(
        strstr(text, "process 1 pid=1948 start=2026-03-01T12:00:29.500000000Z image=a.exe\n"));
    assert_non_null(strstr(text, "machine 1 host=SRV01 os=Windows"));
    assert_null(strstr(text, "loss "));
    testkit_sink_clear(&r.kit);
}

// svc exits, svc#1 becomes svc: its series goes on, and the old process has an end.
static void test_renumbered(void **state)
{
    struct run r;
    (void)state;
    start_run(&r);
    struct seep_perfmon_column pid[2], bytes[2];
    static const char *const names[] = { "svc", "svc#1" };
    for (int i = 0; i < 2; i++) {
        pid[i] = add(&r, names[i], "ID Process");
        bytes[i] = add(&r, names[i], "Private Bytes");
    }
    for (int t = 0; t < 4; t++) {
        tick(&r, t * 60);
        seep_perfmon_value(r.pm, pid[0], t < 2 ? 100 : 200);
        seep_perfmon_value(r.pm, bytes[0], t < 2 ? 1000 + t : 2000 + t);
        if (t < 2) {
            seep_perfmon_value(r.pm, pid[1], 200);
            seep_perfmon_value(r.pm, bytes[1], 2000 + t);
        }
        assert_true(seep_perfmon_tick_end(r.pm));
    }
    const char *text = end_run(&r);
    assert_int_equal(count(text, "process "), 2);
    assert_int_equal(count(text, "metric=private_bytes"), 2);
    assert_non_null(strstr(text, "series 4 process=2 metric=private_bytes "
                                 "counter=\\Process(svc#1)\\Private Bytes\n"));
    for (int t = 0; t < 4; t++) {
        char line[32];
        (void)snprintf(line, sizeof line, "sample 4 %d\n", 2000 + t);
        assert_non_null(strstr(text, line));
    }
    assert_non_null(strstr(text, "process-end 1 2026-03-01T12:02:00"));
    assert_int_equal(count(text, "process-end "), 1);
    testkit_sink_clear(&r.kit);
}

struct life {
    int second;
    double pid, parent, elapsed_s;
};

static unsigned processes_of(const struct life *lives, size_t n)
{
    struct run r;
    start_run(&r);
    struct seep_perfmon_column pid = add(&r, "a", "ID Process");
    struct seep_perfmon_column parent = add(&r, "a", "Creating Process ID");
    struct seep_perfmon_column elapsed = add(&r, "a", "Elapsed Time");
    for (size_t i = 0; i < n; i++) {
        tick(&r, lives[i].second);
        seep_perfmon_value(r.pm, pid, lives[i].pid);
        if (lives[i].parent >= 0)
            seep_perfmon_value(r.pm, parent, lives[i].parent);
        if (lives[i].elapsed_s >= 0)
            seep_perfmon_value(r.pm, elapsed, lives[i].elapsed_s);
        assert_true(seep_perfmon_tick_end(r.pm));
    }
    unsigned n_processes = count(end_run(&r), "process ");
    testkit_sink_clear(&r.kit);
    return n_processes;
}

static void test_lives(void **state)
{
    (void)state;
    // seconds of the clock, PID, parent, elapsed seconds
    const struct life steady[] = { { 0, 5, 1, 100 }, { 60, 5, 1, 160 }, { 120, 5, 1, 220.9 } };
    assert_int_equal(processes_of(steady, 3), 1);
    const struct life reused[] = { { 0, 5, 1, 100 }, { 60, 5, 1, 160 }, { 120, 5, 1, 10 } };
    assert_int_equal(processes_of(reused, 3), 2);
    const struct life other_parent[] = { { 0, 5, 1, -1 }, { 60, 5, 1, -1 }, { 120, 5, 2, -1 } };
    assert_int_equal(processes_of(other_parent, 3), 2);
    const struct life clock_back[] = { { 7200, 5, 1, 100 }, { 3660, 5, 1, 160 } };
    assert_int_equal(processes_of(clock_back, 2), 1);
    const struct life clock_forward[] = { { 0, 5, 1, 100 }, { 3660, 5, 1, 160 } };
    assert_int_equal(processes_of(clock_forward, 2), 1);
    // Ten minutes without a sample, and a life of five: not the process that was 20 s old before.
    const struct life in_the_gap[] = { { 0, 5, 1, 20 }, { 600, 5, 1, 300 } };
    assert_int_equal(processes_of(in_the_gap, 2), 2);
    const struct life absurd[] = { { 0, 5, -1, 1e300 }, { 60, 1e12, -1, 3 }, { 120, 5.5, -1, 3 } };
    assert_int_equal(processes_of(absurd, 3), 1);
}

// A blank row of all counters is a failed collection, not the death of everybody.
static void test_blank_row(void **state)
{
    struct run r;
    (void)state;
    start_run(&r);
    struct seep_perfmon_column pid = add(&r, "a", "ID Process");
    for (int t = 0; t < 3; t++) {
        tick(&r, t * 60);
        if (t != 1)
            seep_perfmon_value(r.pm, pid, 5);
        assert_true(seep_perfmon_tick_end(r.pm));
    }
    const char *text = end_run(&r);
    assert_int_equal(count(text, "process-end "), 0);
    assert_int_equal(count(text, "tick "), 2);
    testkit_sink_clear(&r.kit);
}

// The same process as Process and as Process V2: one process, and one series with the metric.
static void test_both_objects(void **state)
{
    struct run r;
    (void)state;
    start_run(&r);
    struct seep_perfmon_column pid = add(&r, "a", "ID Process");
    struct seep_perfmon_column bytes = add(&r, "a", "Private Bytes");
    const struct seep_perfmon_counter v2 = {
        .host = "srv01", .object = "Process V2", .instance = "a:5", .counter = "Private Bytes"
    };
    struct seep_perfmon_column bytes2 = seep_perfmon_column(r.pm, &v2);
    // A second instance that claims the same PID cannot be it.
    struct seep_perfmon_column pid_again = add(&r, "a#1", "ID Process");
    tick(&r, 0);
    seep_perfmon_value(r.pm, pid, 5);
    seep_perfmon_value(r.pm, bytes, 10);
    seep_perfmon_value(r.pm, bytes2, 10);
    seep_perfmon_value(r.pm, pid_again, 5);
    assert_true(seep_perfmon_tick_end(r.pm));
    const char *text = end_run(&r);
    assert_int_equal(count(text, "machine 1"), 1);
    assert_int_equal(count(text, "process "), 1);
    assert_int_equal(count(text, "metric=private_bytes"), 1);
    assert_int_equal(count(text, "sample "), 4);
    assert_non_null(strstr(text, "machine=1 metric=- counter=\\Process(a#1)\\ID Process\n"));
    testkit_sink_clear(&r.kit);
}

static void test_long_name(void **state)
{
    struct run r;
    static char name[SEEP_MAX_NAME * 2];
    (void)state;
    memset(name, 'x', sizeof name - 1);
    start_run(&r);
    struct seep_perfmon_column c = add(&r, name, "Handle Count");
    tick(&r, 0);
    seep_perfmon_value(r.pm, c, 1);
    assert_true(seep_perfmon_tick_end(r.pm));
    const char *text = end_run(&r);
    assert_non_null(strstr(text, "loss name-cut count=1"));
    assert_non_null(strstr(text, "loss identity-unknown count=1"));
    testkit_sink_clear(&r.kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),       cmocka_unit_test(test_names),
        cmocka_unit_test(test_codepages),   cmocka_unit_test(test_instances),
        cmocka_unit_test(test_same_column), cmocka_unit_test(test_order_within_tick),
        cmocka_unit_test(test_renumbered),  cmocka_unit_test(test_lives),
        cmocka_unit_test(test_blank_row),   cmocka_unit_test(test_both_objects),
        cmocka_unit_test(test_long_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
