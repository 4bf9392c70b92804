// SPDX-License-Identifier: MIT
// What makes a database a case, and how an older case becomes a current one.
//
// Each step takes a case from the version of its row to the next and runs in one transaction with
// the change of `user_version`. schema.sql is always the current version; a step's SQL says the
// same as schema.sql to the letter, because the check below compares the text.
#include "case/internal.h"
#include "case/schema.h"

#include <stdio.h>
#include <string.h>

static const struct {
    int from;
    const char *sql; // NULL: the rest of schema.sql that is missing is created
} steps[] = {
    { 1, NULL }, // the table `finding` and the index `event_by_time`
    { 2, NULL }, // the tables of snapshots
    { 3, NULL }, // the tables of stacks and sites
    { 4, NULL }, // the tables of pool tags, memory and zombies
};

static bool pragma_number(struct seep_case *c, const char *sql, int64_t *value,
                          struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, sql, err))
        return false;
    bool ok = sqlite3_step(stmt) == SQLITE_ROW;
    if (ok)
        *value = sqlite3_column_int64(stmt, 0);
    else
        (void)case_sql_fail(c, err, "is no case that can be read");
    sqlite3_finalize(stmt);
    return ok;
}

// Creates what schema.sql names and the database does not have yet.
static bool create_missing(struct seep_case *c, struct seep_err *err)
{
    const char *sql = seep_case_schema;
    while (*sql) {
        sqlite3_stmt *stmt = NULL;
        const char *rest = sql;
        int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, &rest);
        if (rc == SQLITE_ERROR && strstr(sqlite3_errmsg(c->db), "already exists")) {
            // The statement ends at the first ';' at the end of a line.
            const char *end = strstr(sql, ";\n");
            sql = end ? end + 2 : "";
            continue;
        }
        if (rc != SQLITE_OK)
            return case_sql_fail(c, err, "the schema cannot be made");
        if (stmt && sqlite3_step(stmt) != SQLITE_DONE) {
            sqlite3_finalize(stmt);
            return case_sql_fail(c, err, "the schema cannot be made");
        }
        sqlite3_finalize(stmt);
        sql = rest;
    }
    return true;
}

static bool set_version(struct seep_case *c, int version, struct seep_err *err)
{
    char sql[96];
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                   SEEP_CASE_APPLICATION_ID, version);
    return case_exec(c, sql, err);
}

static bool step_up(struct seep_case *c, int64_t version, struct seep_err *err)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].from != version)
            continue;
        if (!case_exec(c, "BEGIN IMMEDIATE", err))
            return false;
        bool ok = steps[i].sql ? case_exec(c, steps[i].sql, err) : create_missing(c, err);
        if (ok && set_version(c, (int)version + 1, err) && case_exec(c, "COMMIT", err))
            return true;
        (void)case_exec(c, "ROLLBACK", NULL);
        return false;
    }
    return seep_fail(err, SEEP_NO_OFFSET, "use the seep that made it",
                     "is a case of version %lld, which this seep cannot bring up to date",
                     (long long)version);
}

// Reads what marks the database; refuses what is no case, or one of a newer seep.
static bool read_marks(struct seep_case *c, int64_t *version, bool *empty, struct seep_err *err)
{
    int64_t id, n_objects;
    if (!pragma_number(c, "PRAGMA application_id", &id, err) ||
        !pragma_number(c, "PRAGMA user_version", version, err) ||
        !pragma_number(c, "SELECT count(*) FROM sqlite_master", &n_objects, err))
        return false;
    *empty = !c->read_only && id == 0 && n_objects == 0;
    if (!*empty && id != SEEP_CASE_APPLICATION_ID)
        return seep_fail(err, SEEP_NO_OFFSET, "name a file that seep made, or a new one",
                         "is a database, but not a case");
    if (!*empty && *version > SEEP_CASE_VERSION)
        return seep_fail(err, SEEP_NO_OFFSET, "use a newer seep",
                         "is a case of version %lld; this seep knows versions up to %d",
                         (long long)*version, SEEP_CASE_VERSION);
    return true;
}

bool case_migrate(struct seep_case *c, struct seep_err *err)
{
    int64_t version;
    bool empty;
    if (!read_marks(c, &version, &empty, err))
        return false;
    if (empty) {
        if (case_exec(c, "BEGIN IMMEDIATE", err) && create_missing(c, err) &&
            set_version(c, SEEP_CASE_VERSION, err) && case_exec(c, "COMMIT", err))
            return true;
        (void)case_exec(c, "ROLLBACK", NULL);
        return false;
    }
    for (; !c->read_only && version < SEEP_CASE_VERSION; version++) {
        if (!step_up(c, version, err))
            return false;
    }
    return case_check_schema(c, err);
}

// Whether a name is one of ours, in whatever letters: SQLite does not tell them apart.
static bool is_ours(const char *name)
{
    static const char *const names[] = {
        "source", "loss",    "machine",         "boot",          "process",
        "series", "tick",    "chunk",           "sample",        "event",
        "field",  "finding", "chunk_by_series", "event_by_time", "snapshot",
        "module", "region",  "handle",          "heap",          "blocks",
        "stack",  "site",    "site_frees",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (sqlite3_stricmp(names[i], name) == 0)
            return true;
    }
    return false;
}

bool case_check_schema(struct seep_case *c, struct seep_err *err)
{
    // A stranger's case may carry a trigger, or a view under a name of ours, which would run when
    // we read. What is named like ours must be ours to the letter; triggers are refused.
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, "SELECT type, name, sql FROM sqlite_master", err))
        return false;
    bool ok = true;
    int rc = SQLITE_DONE;
    while (ok && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(stmt, 0);
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        const char *sql = (const char *)sqlite3_column_text(stmt, 2);
        bool same = sql && strncmp(sql, "CREATE ", 7) == 0 && strstr(seep_case_schema, sql);
        if (!type || !name || strcmp(type, "trigger") == 0 || (is_ours(name) && !same))
            ok = seep_fail(err, SEEP_NO_OFFSET, "ask for the case as seep wrote it",
                           "is a case whose '%.60s' was changed", name ? name : "?");
    }
    if (ok && rc != SQLITE_DONE)
        ok = case_sql_fail(c, err, "is no case that can be read");
    sqlite3_finalize(stmt);
    return ok;
}
