// SPDX-License-Identifier: MIT
// What the last judgement said, for those who read the case with plain SQL.
#include "case/internal.h"

#include "base/time.h"

#include <math.h>

static void bind_number(sqlite3_stmt *stmt, int at, double value)
{
    if (isfinite(value))
        sqlite3_bind_double(stmt, at, value);
    else
        sqlite3_bind_null(stmt, at);
}

bool seep_case_set_findings(struct seep_case *c, const struct seep_case_finding *findings, size_t n,
                            struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_begin(c, err) || !case_exec(c, "DELETE FROM finding", err) ||
        !case_prepare(c, &stmt, "INSERT OR REPLACE INTO finding VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                      err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const struct seep_case_finding *f = &findings[i];
        const char *const texts[] = { f->id, f->class_, f->verdict, f->subject, f->name };
        sqlite3_reset(stmt);
        for (int k = 0; k < 5; k++)
            sqlite3_bind_text(stmt, k + 1, texts[k], -1, SQLITE_STATIC);
        if (f->has_pid)
            sqlite3_bind_int64(stmt, 6, f->pid);
        else
            sqlite3_bind_null(stmt, 6);
        sqlite3_bind_text(stmt, 7, f->metric, -1, SQLITE_STATIC);
        bind_number(stmt, 8, f->rate_per_s);
        if (f->since_ns == SEEP_NO_TIME)
            sqlite3_bind_null(stmt, 9);
        else
            sqlite3_bind_int64(stmt, 9, f->since_ns);
        bind_number(stmt, 10, f->share);
        sqlite3_bind_text(stmt, 11, f->evidence_json, -1, SQLITE_STATIC);
        ok = sqlite3_step(stmt) == SQLITE_DONE ||
             case_sql_fail(c, err, "the findings cannot be stored");
    }
    sqlite3_finalize(stmt);
    if (!ok)
        return false;
    c->in_transaction = false;
    return case_exec(c, "COMMIT", err);
}
