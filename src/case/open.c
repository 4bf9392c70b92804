// SPDX-License-Identifier: MIT
// Opening and closing a case, and the small helpers around SQLite.
#include "case/internal.h"

#include "base/alloc.h"
#include "case/schema.h"

#include <stdio.h>
#include <string.h>

bool case_sql_fail(struct seep_case *c, struct seep_err *err, const char *doing)
{
    int rc = c->db ? sqlite3_errcode(c->db) : SQLITE_NOMEM;
    const char *hint = rc == SQLITE_FULL                          ? "free some disk space"
                       : rc == SQLITE_BUSY || rc == SQLITE_LOCKED ? "another seep is using it"
                       : rc == SQLITE_READONLY || rc == SQLITE_CANTOPEN
                           ? "check the folder and your permissions"
                           : NULL;
    (void)seep_fail(err, SEEP_NO_OFFSET, hint, "%s (%s)", doing,
                    c->db ? sqlite3_errmsg(c->db) : "out of memory");
    if (c->in_transaction) {
        // The batch is gone, by SQLite's doing or by this; what followed would not fit to what is
        // there.
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
        c->in_transaction = false;
        c->broken = true;
    }
    return false;
}

bool case_exec(struct seep_case *c, const char *sql, struct seep_err *err)
{
    if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return case_sql_fail(c, err, "the case cannot be written");
}

bool case_prepare(struct seep_case *c, sqlite3_stmt **stmt, const char *sql, struct seep_err *err)
{
    if (*stmt) {
        sqlite3_reset(*stmt);
        return true;
    }
    if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) == SQLITE_OK)
        return true;
    return case_sql_fail(c, err, "the case cannot be used");
}

const char *case_text(struct seep_arena *arena, sqlite3_stmt *stmt, int column)
{
    const void *text = sqlite3_column_text(stmt, column);
    int len = sqlite3_column_bytes(stmt, column);
    return text ? seep_arena_strndup(arena, text, (size_t)len) : NULL;
}

// A number that changes when another connection has written to the database.
static int64_t data_version(struct seep_case *c)
{
    if (!case_prepare(c, &c->select_version, "PRAGMA data_version", NULL))
        return 0;
    int64_t version = 0;
    if (sqlite3_step(c->select_version) == SQLITE_ROW)
        version = sqlite3_column_int64(c->select_version, 0);
    sqlite3_reset(c->select_version);
    return version;
}

bool case_begin(struct seep_case *c, struct seep_err *err)
{
    if (c->in_transaction)
        return true;
    if (c->broken)
        return seep_fail(err, SEEP_NO_OFFSET, "free some disk space, and start again",
                         "nothing more can be written after an error");
    if (!case_exec(c, "BEGIN IMMEDIATE", err))
        return false;
    c->in_transaction = true;
    int64_t version = data_version(c);
    if (version == c->data_version)
        return true;
    c->data_version = version;
    return case_remember_again(c, err);
}

static bool set_up(struct seep_case *c, enum seep_case_mode mode, struct seep_err *err)
{
    // A recording waits for an import that has the file rather than end.
    sqlite3_busy_timeout(c->db, mode == SEEP_CASE_WRITE ? 60000 : 5000);
    sqlite3_extended_result_codes(c->db, 0);
    // The case may come from a stranger: its schema may not run functions with side effects, and
    // its cells are checked.
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    if (!case_exec(c, "PRAGMA cell_size_check=ON", err))
        return false;
    if (mode == SEEP_CASE_TEMPORARY &&
        !case_exec(c, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32768",
                   err))
        return false;
    // A new case is made, and an old one checked, before the log is turned on: so the file itself
    // says from its start what it is, and nothing is changed in a file that is no case.
    if (!case_migrate(c, err))
        return false;
    if (mode == SEEP_CASE_WRITE &&
        !case_exec(c, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", err))
        return false;
    c->data_version = c->read_only ? 0 : data_version(c);
    return c->read_only || case_remember(c, err);
}

// A file URI of a path, for the parameters that only URIs have.
static void add_uri(struct seep_buf *out, const char *path, const char *query)
{
    seep_buf_adds(out, path[0] == '/' ? "file://" : "file:");
    for (; *path; path++) {
        if (*path == '%' || *path == '?' || *path == '#')
            seep_buf_addf(out, "%%%02X", (unsigned)(unsigned char)*path);
        else
            seep_buf_addc(out, *path);
    }
    seep_buf_adds(out, query);
}

// Whether a log with something in it lies beside a database.
static bool has_log(const char *path)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    struct seep_buf name = { 0 };
    int there = 0;
    seep_buf_adds(&name, path);
    seep_buf_adds(&name, "-wal");
    if (vfs)
        (void)vfs->xAccess(vfs, seep_buf_text(&name), SQLITE_ACCESS_EXISTS, &there);
    seep_buf_clear(&name);
    return there != 0;
}

static bool connect(struct seep_case *c, const char *path, enum seep_case_mode mode,
                    struct seep_err *err)
{
    int rc;
    if (mode == SEEP_CASE_READ) {
        // A database in WAL mode on a medium that cannot be written has to be opened as one that
        // nobody changes; what only its log has would be missing then.
        rc = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READONLY, NULL);
        int first = rc == SQLITE_OK
                        ? sqlite3_exec(c->db, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL)
                        : SQLITE_OK;
        if (first == SQLITE_CANTOPEN || first == SQLITE_READONLY) {
            if (has_log(path))
                return seep_fail(
                    err, SEEP_NO_OFFSET, "copy both files into a folder that you can write to",
                    "is a case whose newest part is in the log (-wal) beside it, which "
                    "cannot be read in this folder");
            struct seep_buf uri = { 0 };
            add_uri(&uri, path, "?immutable=1");
            (void)sqlite3_close_v2(c->db);
            c->db = NULL;
            rc = sqlite3_open_v2(seep_buf_text(&uri), &c->db,
                                 SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
            seep_buf_clear(&uri);
        }
    } else {
        rc = sqlite3_open_v2(mode == SEEP_CASE_TEMPORARY ? "" : path, &c->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    }
    return rc == SQLITE_OK || case_sql_fail(c, err, "the case cannot be opened");
}

bool seep_case_open(const char *path, enum seep_case_mode mode, struct seep_case **out,
                    struct seep_err *err)
{
    struct seep_case *c = seep_alloc(1, sizeof *c);
    if (!c)
        return seep_fail_memory(err);
    c->sink.ops = &case_sink_ops;
    c->read_only = mode == SEEP_CASE_READ;
    if (!connect(c, path, mode, err) || !set_up(c, mode, err)) {
        seep_case_close(c);
        return false;
    }
    *out = c;
    return true;
}

bool seep_case_is_case(struct seep_bytes bytes)
{
    static const char magic[] =
        "SQLite format 3"; // with its NUL; the application id is at offset 68, big-endian
    static const uint8_t id[] = { 's', 'e', 'e', 'p' };
    return seep_bytes_match(bytes, 0, magic, sizeof magic) && seep_bytes_match(bytes, 68, id, 4);
}

bool seep_case_open_bytes(struct seep_bytes bytes, struct seep_case **out, struct seep_err *err)
{
    if (!seep_case_is_case(bytes))
        return seep_fail(err, 0, "name a file that seep made", "is no case");
    struct seep_case *c = seep_alloc(1, sizeof *c);
    unsigned char *copy = c ? sqlite3_malloc64(bytes.len) : NULL;
    if (!copy) {
        seep_free(c);
        return seep_fail_memory(err);
    }
    memcpy(copy, bytes.data, bytes.len);
    copy[18] = copy[19] = 1; // "needs a WAL" has no meaning in memory
    c->sink.ops = &case_sink_ops;
    c->read_only = true;
    if (sqlite3_open_v2(":memory:", &c->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_deserialize(c->db, "main", copy, (sqlite3_int64)bytes.len, (sqlite3_int64)bytes.len,
                            SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) !=
            SQLITE_OK) {
        (void)case_sql_fail(c, err, "the case cannot be opened");
        seep_case_close(c);
        return false;
    }
    if (!set_up(c, SEEP_CASE_READ, err)) {
        seep_case_close(c);
        return false;
    }
    *out = c;
    return true;
}

void seep_case_close(struct seep_case *c)
{
    if (!c)
        return;
    sqlite3_stmt *stmts[] = { c->insert_tick,    c->insert_chunk,  c->insert_series,
                              c->insert_process, c->insert_event,  c->insert_field,
                              c->insert_loss,    c->select_points, c->select_version };
    for (size_t i = 0; i < sizeof stmts / sizeof *stmts; i++)
        sqlite3_finalize(stmts[i]);
    case_snapshots_clear(c);
    case_looks_clear(c);
    case_sites_clear(c);
    (void)sqlite3_close_v2(c->db);
    case_tails_clear(c);
    seep_free(c->machines);
    seep_free(c->boots);
    case_processes_clear(c);
    seep_free(c->rows);
    seep_free(c->tick_times);
    seep_intern_clear(&c->keys);
    seep_intern_clear(&c->images);
    seep_arena_clear(&c->arena);
    seep_free(c);
}
