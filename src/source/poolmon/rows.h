// SPDX-License-Identifier: MIT
// The lines of poolmon's screens and snapshots, one at a time. The facts: note.md.
//
// Text is not NUL-terminated. Every function is given one line without its end and may be given
// anything; outputs are untouched where the line is of another kind.
#ifndef SEEP_SOURCE_POOLMON_ROWS_H
#define SEEP_SOURCE_POOLMON_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POOLMON_TAG = 4 };

struct poolmon_row {
    char tag[POOLMON_TAG]; // as shown; a character that is not ASCII is '\xff'
    bool paged;
    bool consistent; // the last number is the one that the others say
    uint64_t allocs, frees, bytes;
    const char *driver; // the column Mapped_Driver, into the line; NULL = nothing
    size_t driver_len;
};

// ` Thre Nonp  180351 (   3)  176602 (   1)  3749 13179648 (  128)  3515 [nt!ps - Thread objects]`,
// with or without what is in parentheses. False also where Diff is not Allocs - Frees.
bool poolmon_row(const char *text, size_t len, struct poolmon_row *row);

// A row of PoolMonX's CSV: `Thre,Non Paged,180351,176602,3749,13179648,12871 KB,3515,nt!ps,Thread
// objects,`.
bool poolmon_csv_row(const char *text, size_t len, struct poolmon_row *row);

// The numbers of the head, in bytes; UINT64_MAX = not in it.
struct poolmon_head {
    uint64_t memory, available, commit, limit, peak, nonpaged, paged;
};

// ` Memory: 260620K Avail: 96364K …`
bool poolmon_memory(const char *text, size_t len, struct poolmon_head *head);
// ` Commit: 203500K Limit: 640916K Peak: 260632K  Pool N: 8332K P:27220K`
bool poolmon_commit(const char *text, size_t len, struct poolmon_head *head);

// ` System pool information`, `All sessions pool information`, ` Session 0 pool information`.
// `*session` is SEEP_NO_SESSION, SEEP_ALL_SESSIONS or the session.
bool poolmon_title(const char *text, size_t len, uint32_t *session);

// ` Tag  Type     Allocs …`, and the same of PoolMonX's CSV.
bool poolmon_columns(const char *text, size_t len, bool *csv);

// Whether a line that is nothing of the above looks as if it had been a row.
bool poolmon_broken_row(const char *text, size_t len);

#endif
