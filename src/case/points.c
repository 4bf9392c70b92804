// SPDX-License-Identifier: MIT
// Points as JSON text: compact, fast to write and read, and open to plain SQL through json_each.
//
// A recording commits at every tick, so its rows are short at first; after SEAL_COMMITS commits
// they are replaced by one row a series. An import writes one row a series and batch.
#include "case/internal.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Writes a number at `at`, which has room for SEEP_NUMBER_TEXT bytes; returns the end.
static char *put_uint(char *at, uint64_t value)
{
    char room[20];
    size_t first = sizeof room;
    do {
        room[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    memcpy(at, room + first, sizeof room - first);
    return at + (sizeof room - first);
}

static char *put_value(char *at, double value)
{
    if (value >= 0 && value < 9007199254740992.0 && value == (double)(uint64_t)value)
        return put_uint(at, (uint64_t)value);
    return at + seep_number_format(value, at);
}

static bool list_dirty(struct seep_case *c, uint32_t series)
{
    if (!seep_grow(&c->dirty, &c->dirty_capacity, c->n_dirty + 1, sizeof *c->dirty))
        return seep_fail_memory(&c->sink.error);
    c->dirty[c->n_dirty++] = series;
    c->tails[series - 1].dirty = true;
    return true;
}

bool case_tail_add(struct seep_case *c, uint32_t series, int64_t tick, double value)
{
    size_t had = c->tails_capacity;
    if (!seep_grow(&c->tails, &c->tails_capacity, series, sizeof *c->tails))
        return seep_fail_memory(&c->sink.error);
    if (c->tails_capacity > had)
        memset(c->tails + had, 0, (c->tails_capacity - had) * sizeof *c->tails);
    if (series > c->n_tails)
        c->n_tails = series;
    struct case_tail *tail = &c->tails[series - 1];
    uint32_t offset = (uint32_t)(tick - c->base_tick);
    if (!tail->dirty) {
        if (!list_dirty(c, series))
            return false;
        tail->first_unwritten = offset;
    }
    char point[3 * SEEP_NUMBER_TEXT], *at = point;
    if (tail->n == 0)
        tail->first = offset;
    else
        *at++ = ',';
    *at++ = '"';
    at = put_uint(at, offset);
    *at++ = '"';
    *at++ = ':';
    at = put_value(at, value);
    seep_buf_add(&tail->text, point, (size_t)(at - point));
    tail->last = offset;
    tail->n++;
    c->pending_points++;
    return !tail->text.failed || seep_fail_memory(&c->sink.error);
}

static bool insert_chunk(struct seep_case *c, uint32_t series, uint32_t first, uint32_t last,
                         uint32_t n, const char *text, size_t len, struct seep_buf *room,
                         struct seep_err *err)
{
    if (!case_prepare(
            c, &c->insert_chunk,
            "INSERT INTO chunk(series_id,tick_id,first_tick_id,last_tick_id,n_points,points)"
            " VALUES(?,?,?,?,?,?)",
            err))
        return false;
    seep_buf_reset(room);
    seep_buf_addc(room, '{');
    seep_buf_add(room, text, len);
    seep_buf_addc(room, '}');
    if (room->failed || room->len > INT32_MAX)
        return seep_fail_memory(err);
    sqlite3_stmt *s = c->insert_chunk;
    sqlite3_bind_int64(s, 1, series);
    sqlite3_bind_int64(s, 2, c->base_tick);
    sqlite3_bind_int64(s, 3, c->base_tick + first);
    sqlite3_bind_int64(s, 4, c->base_tick + last);
    sqlite3_bind_int64(s, 5, n);
    sqlite3_bind_text(s, 6, room->data, (int)room->len, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_DONE)
        return case_sql_fail(c, err, "points cannot be stored");
    if (!c->tail_first_chunk)
        c->tail_first_chunk = sqlite3_last_insert_rowid(c->db);
    sqlite3_reset(s);
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool write_unwritten(struct seep_case *c, struct seep_buf *room, struct seep_err *err)
{
    if (c->n_dirty)
        qsort(c->dirty, c->n_dirty, sizeof *c->dirty, by_number);
    for (size_t i = 0; i < c->n_dirty; i++) {
        struct case_tail *tail = &c->tails[c->dirty[i] - 1];
        size_t from = tail->written_len + (tail->written_len ? 1 : 0); // past the comma
        if (!insert_chunk(c, c->dirty[i], tail->first_unwritten, tail->last,
                          tail->n - tail->n_written, tail->text.data + from, tail->text.len - from,
                          room, err))
            return false;
        tail->written_len = tail->text.len;
        tail->n_written = tail->n;
        tail->dirty = false;
    }
    c->n_dirty = 0;
    return true;
}

static bool write_sealed(struct seep_case *c, struct seep_buf *room, struct seep_err *err)
{
    char sql[80];
    (void)snprintf(sql, sizeof sql, "DELETE FROM chunk WHERE id >= %lld",
                   (long long)c->tail_first_chunk);
    if (c->tail_first_chunk && !case_exec(c, sql, err))
        return false;
    for (uint32_t series = 1; series <= c->n_tails; series++) {
        const struct case_tail *tail = &c->tails[series - 1];
        if (tail->n && !insert_chunk(c, series, tail->first, tail->last, tail->n, tail->text.data,
                                     tail->text.len, room, err))
            return false;
    }
    return true;
}

bool case_tails_write(struct seep_case *c, bool seal, struct seep_err *err)
{
    struct seep_buf room = { 0 };
    bool again = c->tail_first_chunk != 0; // rows of this tail stand in the table
    bool ok = seal && again ? write_sealed(c, &room, err) : write_unwritten(c, &room, err);
    seep_buf_clear(&room);
    if (!ok)
        return false;
    c->pending_points = 0;
    if (!seal)
        return true;
    for (size_t i = 0; i < c->n_tails; i++) {
        struct case_tail *tail = &c->tails[i];
        seep_buf_reset(&tail->text);
        struct seep_buf text = tail->text;
        *tail = (struct case_tail){ .text = text };
    }
    c->n_dirty = 0;
    c->tail_first_chunk = 0;
    c->n_tail_commits = 0;
    c->base_tick = c->next_tick;
    return true;
}

void case_tails_clear(struct seep_case *c)
{
    for (size_t i = 0; i < c->n_tails; i++)
        seep_buf_clear(&c->tails[i].text);
    seep_free(c->tails);
    seep_free(c->dirty);
    c->tails = NULL;
    c->dirty = NULL;
    c->n_tails = c->tails_capacity = c->n_dirty = c->dirty_capacity = 0;
}

static bool read_uint(const char **at, const char *end, uint64_t *value)
{
    const char *p = *at;
    uint64_t sum = 0;
    while (p < end && *p >= '0' && *p <= '9' && p - *at < 18)
        sum = sum * 10 + (uint64_t)(*p++ - '0');
    if (p == *at)
        return false;
    *at = p;
    *value = sum;
    return true;
}

static bool read_value(const char **at, const char *end, double *value)
{
    const char *p = *at;
    uint64_t whole;
    if (read_uint(&p, end, &whole) && p < end && (*p == ',' || *p == '}') && whole < 1ull << 53) {
        *value = (double)whole;
        *at = p;
        return true;
    }
    // The text is followed by a NUL, which strtod does not pass.
    char *stop;
    double number = strtod(*at, &stop);
    if (stop == *at || stop > end || !(number - number == 0))
        return false;
    *value = number;
    *at = stop;
    return true;
}

bool case_point_next(const char **at, const char *end, uint32_t *offset, double *value, bool *bad)
{
    const char *p = *at;
    uint64_t key;
    if (p < end && (*p == '{' || *p == ','))
        p++;
    if (p < end && *p == '}' && p + 1 == end)
        return false;
    bool good = p < end && *p++ == '"' && read_uint(&p, end, &key) && key < INT32_MAX &&
                end - p >= 2 && p[0] == '"' && p[1] == ':';
    p += good ? 2 : 0;
    if (!good || !read_value(&p, end, value)) {
        *bad = true;
        return false;
    }
    *offset = (uint32_t)key;
    *at = p;
    return true;
}
