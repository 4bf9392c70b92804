// SPDX-License-Identifier: MIT
// SIGKILL at any moment: a child writes a case and tells through a pipe what it has committed; the
// parent kills it after a random while and finds every committed batch in the case, which is whole.
// Both ways of writing, many times.
#include "testkit.h"

#include "base/time.h"
#include "case/case.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 40, N_SERIES = 40 };

static _Noreturn void write_until_killed(const char *path, enum seep_case_writing writing, int tell)
{
    struct seep_err err = { 0 };
    struct seep_case *c = NULL;
    struct seep_sink *sink = NULL;
    struct seep_machine m = { .host = "A", .boot_ns = SEEP_NO_TIME };
    struct seep_machine_id mid;
    struct seep_series_id ids[N_SERIES];
    bool ok = seep_case_open(path, SEEP_CASE_WRITE, &c, &err) &&
              seep_case_begin_source(c, "live", "live-linux", 0, writing, &sink, &err) &&
              seep_sink_machine(sink, &m, &mid);
    for (int i = 0; ok && i < N_SERIES; i++) {
        char counter[32];
        (void)snprintf(counter, sizeof counter, "counter %d", i);
        struct seep_series s = { .subject = { .machine = mid }, .counter = counter };
        ok = seep_sink_series(sink, &s, &ids[i]);
    }
    for (uint32_t n = 1; ok; n++) {
        ok = seep_sink_tick(sink, mid, n * SEEP_NS_PER_S);
        for (int i = 0; ok && i < N_SERIES; i++)
            ok = seep_sink_sample(sink, ids[i], n);
        if (writing == SEEP_CASE_RECORDING || n % 50 == 0)
            ok = ok && seep_case_commit(c, &err) && write(tell, &n, sizeof n) == (ssize_t)sizeof n;
    }
    _exit(1); // reached only when something failed
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static void check(const char *path, uint32_t committed)
{
    struct seep_err err = { 0 };
    struct seep_case *c = NULL;
    struct seep_dataset data;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (number(db, "PRAGMA application_id") == 0) {
        assert_int_equal(committed, 0); // killed before the case was made
        sqlite3_close(db);
        return;
    }
    assert_int_equal(
        number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
    assert_true(number(db, "SELECT count(*) FROM sample") >= (int64_t)committed * N_SERIES);
    assert_int_equal(number(db,
                            "SELECT count(*) FROM (SELECT 1 FROM sample GROUP BY series_id, time_ns"
                            " HAVING count(*) > 1)"),
                     0);
    sqlite3_close(db);
    if (!seep_case_open(path, SEEP_CASE_WRITE, &c, &err) || !seep_case_dataset(c, &data, &err))
        fail_msg("%s", err.what);
    assert_true(!committed || data.n_series == N_SERIES);
    struct seep_points points = { 0 };
    for (size_t i = 0; committed && i < data.n_series; i++) {
        assert_true(data.points(data.ctx, i, &points, &err));
        assert_true(points.count >= committed);
        for (size_t k = 0; k < points.count; k++)
            assert_true(points.at[k].value == (double)(k + 1));
    }
    seep_points_clear(&points);
    seep_case_close(c);
}

static void remove_case(const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        char name[600];
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)remove(name);
    }
}

static void kill_many_times(enum seep_case_writing writing)
{
    const char *root = getenv("SEEP_BUILD_ROOT");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/test-kill-%d.seep", root ? root : ".", (int)writing);
    uint64_t random = 0x9e3779b97f4a7c15u;
    uint32_t most = 0;
    for (int i = 0; i < KILLS; i++) {
        int tell[2];
        remove_case(path);
        assert_int_equal(pipe(tell), 0);
        pid_t child = fork();
        if (child == 0) {
            close(tell[0]);
            write_until_killed(path, writing, tell[1]);
        }
        close(tell[1]);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        struct timespec nap = { .tv_nsec = (long)(random % 120000000) };
        (void)nanosleep(&nap, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); // and not ended by a failure of its own
        uint32_t n, committed = 0;
        while (read(tell[0], &n, sizeof n) == (ssize_t)sizeof n)
            committed = n;
        close(tell[0]);
        check(path, committed);
        most = committed > most ? committed : most;
    }
    remove_case(path);
    assert_true(most > 0); // the kills came after work had been done
}

static void a_killed_recording_keeps_its_batches(void **state)
{
    (void)state;
    kill_many_times(SEEP_CASE_RECORDING);
}

static void a_killed_import_keeps_its_batches(void **state)
{
    (void)state;
    kill_many_times(SEEP_CASE_IMPORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_recording_keeps_its_batches),
        cmocka_unit_test(a_killed_import_keeps_its_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
