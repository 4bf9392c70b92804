// SPDX-License-Identifier: MIT
// Buffers opened in the order of their first records, and a heap of the open ones.
#include "nt/etl_merge.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/time.h"
#include "nt/xpress.h"

#include <stdlib.h>
#include <string.h>

enum {
    SYSTEM_TIME = 2, // of TRACE_LOGFILE_HEADER.ReservedFlags
    CYCLES = 3,
    // Windows' limit of a buffer is 16 MB (EVENT_TRACE_PROPERTIES.BufferSize); a larger promise of
    // a compressed one is a lie.
    MAX_UNPACKED = 16 << 20,
    // Buffers held open at once. A machine has fewer processors; a trace that wants more gets its
    // oldest one emptied first.
    MAX_OPEN = 2048,
    AHEAD = 512,              // bytes
    RELEASE_EVERY = 32 << 20, // bytes
};
#define MAX_HELD ((size_t)256 << 20) // bytes of them that are decompressed

struct waiting {
    uint64_t time; // of the first record
    uint64_t offset;
};

struct open_buffer {
    uint64_t time; // of `next`
    struct seep_etl_buffer buffer;
    struct seep_cursor records;
    struct seep_etl_record next;
    uint8_t *unpacked; // NULL where the records lie in the file
    size_t unpacked_bytes;
};

struct seep_etl_merge {
    struct seep_bytes file;
    struct seep_etl_trace trace;
    uint64_t start;
    struct waiting *waiting; // by time
    size_t n_waiting, capacity, at;
    struct open_buffer **heap; // the earliest first
    size_t n_open, heap_capacity;
    struct open_buffer *current; // whose record was given last
    size_t held_bytes;
    uint64_t promised_bytes; // that compressed buffers expand to
    uint64_t done_bytes, last_time;
    uint64_t second; // in readings of the clock
    struct seep_etl_lack lack;
};

// ---- the buffers of the file

static size_t unpack(const struct seep_etl_buffer *buffer, uint8_t *out, size_t len)
{
    return seep_xpress_decompress(buffer->records, out, len);
}

// The time of the first record; false where there is none.
static bool first_time(const struct seep_etl_buffer *buffer, uint64_t *time)
{
    enum { HEAD = 80 }; // the longest header
    uint8_t head[HEAD];
    struct seep_bytes records = buffer->records;
    size_t used = buffer->used_bytes - SEEP_ETL_BUFFER_HEADER;
    if (buffer->flags & SEEP_ETL_FLAG_COMPRESSED)
        records = seep_bytes(head, unpack(buffer, head, used < HEAD ? used : HEAD));
    if (records.len < 24)
        return false;
    // Only the header is here, so the size is not judged: that of the whole record is checked
    // later.
    switch (records.data[2]) {
    case 0x10:
    case 0x11:
        *time = seep_le64(records.data + 8);
        return true;
    default:
        *time = seep_le64(records.data + 16);
        return true;
    }
}

static int earlier(const void *left, const void *right)
{
    const struct waiting *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

// The next place behind `offset` where a buffer may begin, after one that is none: buffers of
// traces that are not compressed lie at multiples of their size.
static uint64_t resume(const struct seep_etl_merge *m, uint64_t offset)
{
    uint32_t step = m->trace.buffer_size_bytes;
    if (m->trace.mode & SEEP_ETL_MODE_COMPRESSED || step < SEEP_ETL_BUFFER_HEADER)
        return m->file.len;
    uint64_t next = offset - offset % step + step;
    return next < m->file.len ? next : m->file.len;
}

static void lack_bytes(struct seep_etl_merge *m, uint64_t offset, uint64_t bytes)
{
    if (m->lack.bad_buffers++ == 0)
        m->lack.first_bad_offset = offset;
    m->lack.bad_bytes += bytes;
}

static bool all_zero(struct seep_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i])
            return false;
    }
    return true;
}

// Whether a compressed buffer may be expanded: a few bytes can promise MAX_UNPACKED, so that all
// of them together are held to what a trace of this size can be.
static bool within_promise(struct seep_etl_merge *m, const struct seep_etl_buffer *buffer)
{
    if (!(buffer->flags & SEEP_ETL_FLAG_COMPRESSED))
        return true;
    m->promised_bytes += buffer->used_bytes;
    if (m->promised_bytes <=
        2 * (uint64_t)MAX_UNPACKED + (uint64_t)SEEP_MAX_TRACE_EXPANSION * m->file.len)
        return true;
    if (m->lack.short_buffers++ == 0)
        m->lack.first_short_offset = buffer->offset;
    return false;
}

static bool note_buffer(struct seep_etl_merge *m, const struct seep_etl_buffer *buffer)
{
    struct waiting waiting = { .offset = buffer->offset };
    if (buffer->flags & SEEP_ETL_FLAG_LOST)
        m->lack.lossy_buffers++;
    if (buffer->cut)
        m->lack.cut_bytes += buffer->size_bytes - (m->file.len - buffer->offset);
    if (!within_promise(m, buffer) || !first_time(buffer, &waiting.time))
        return true;
    if (!seep_grow(&m->waiting, &m->capacity, m->n_waiting + 1, sizeof *m->waiting))
        return false;
    m->waiting[m->n_waiting++] = waiting;
    return true;
}

static bool look_at_buffers(struct seep_etl_merge *m, void (*release)(void *ctx), void *ctx)
{
    struct seep_etl_buffer buffer;
    uint64_t released = 0;
    for (uint64_t at = 0; at < m->file.len;) {
        // The system maps more than the headers: a quarter of the file and more.
        if (release && at - released >= RELEASE_EVERY) {
            release(ctx);
            released = at;
        }
        if (!seep_etl_buffer_at(m->file, at, &buffer) ||
            (buffer.flags & SEEP_ETL_FLAG_COMPRESSED && buffer.used_bytes > MAX_UNPACKED)) {
            uint64_t next = resume(m, at);
            // Space that was set aside and never written is no loss.
            if (!all_zero(seep_bytes_part(m->file, (size_t)at, (size_t)(next - at))))
                lack_bytes(m, at, next - at);
            at = next;
            continue;
        }
        if (!note_buffer(m, &buffer))
            return false;
        at += buffer.size_bytes;
    }
    if (m->n_waiting)
        qsort(m->waiting, m->n_waiting, sizeof *m->waiting, earlier);
    return true;
}

struct seep_etl_merge *seep_etl_merge_open(struct seep_bytes file, void (*release)(void *ctx),
                                           void *ctx, struct seep_err *err)
{
    struct seep_etl_buffer first;
    struct seep_etl_record header;
    struct seep_etl_merge *m = seep_alloc(1, sizeof *m);
    if (!m) {
        (void)seep_fail_memory(err);
        return NULL;
    }
    m->file = file;
    if (!seep_etl_open(file, &first, &m->trace)) {
        (void)seep_fail(err, 0, NULL, "is no trace: its first buffer holds no trace header");
        seep_etl_merge_close(m);
        return NULL;
    }
    struct seep_cursor records = seep_cursor(first.records);
    if (seep_etl_record_next(&records, &header) == SEEP_ETL_RECORD)
        m->start = header.time;
    m->second = m->trace.clock == SYSTEM_TIME ? 10000000 : seep_etl_merge_clock(m).frequency;
    if (!look_at_buffers(m, release, ctx)) {
        (void)seep_fail_memory(err);
        seep_etl_merge_close(m);
        return NULL;
    }
    return m;
}

// ---- the open ones

static void close_buffer(struct seep_etl_merge *m, struct open_buffer *open)
{
    m->held_bytes -= open->unpacked_bytes;
    seep_free(open->unpacked);
    seep_free(open);
}

void seep_etl_merge_close(struct seep_etl_merge *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_open; i++)
        close_buffer(m, m->heap[i]);
    if (m->current)
        close_buffer(m, m->current);
    seep_free(m->heap);
    seep_free(m->waiting);
    seep_free(m);
}

static bool before(const struct open_buffer *a, const struct open_buffer *b)
{
    return a->time != b->time ? a->time < b->time : a->buffer.offset < b->buffer.offset;
}

static bool push(struct seep_etl_merge *m, struct open_buffer *open)
{
    if (!seep_grow(&m->heap, &m->heap_capacity, m->n_open + 1, sizeof *m->heap))
        return false;
    size_t at = m->n_open++;
    while (at > 0 && before(open, m->heap[(at - 1) / 2])) {
        m->heap[at] = m->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    m->heap[at] = open;
    return true;
}

static struct open_buffer *pop(struct seep_etl_merge *m)
{
    struct open_buffer *top = m->heap[0], *last = m->heap[--m->n_open];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= m->n_open)
            break;
        if (child + 1 < m->n_open && before(m->heap[child + 1], m->heap[child]))
            child++;
        if (!before(m->heap[child], last))
            break;
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = last;
    return top;
}

// Moves an open buffer to its next record; false at its end.
static bool advance(struct seep_etl_merge *m, struct open_buffer *open)
{
    // Buffers take turns, so the processor does not see that each is read from front to back.
    if (seep_cursor_left(&open->records) > AHEAD + 64) {
        const uint8_t *ahead = open->records.view.data + open->records.pos + AHEAD;
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + 64);
    }
    switch (seep_etl_record_next(&open->records, &open->next)) {
    case SEEP_ETL_RECORD:
        if (open->next.kind == SEEP_ETL_OTHER)
            open->next.time = open->time; // its header is not known: it stays where it is
        open->time = open->next.time;
        return true;
    case SEEP_ETL_BAD:
        if (m->lack.bad_records++ == 0)
            m->lack.first_bad_record_offset =
                open->buffer.offset + SEEP_ETL_BUFFER_HEADER + open->records.pos;
        return false;
    case SEEP_ETL_END:
        break;
    }
    return false;
}

// Opens the next waiting buffer; `*open` is NULL where it holds no record. False when memory is
// out.
static bool open_next(struct seep_etl_merge *m, struct open_buffer **result)
{
    struct open_buffer *open = seep_alloc(1, sizeof *open);
    *result = NULL;
    if (!open)
        return false;
    (void)seep_etl_buffer_at(m->file, m->waiting[m->at].offset, &open->buffer);
    open->time = m->waiting[m->at].time;
    m->at++;
    m->done_bytes += open->buffer.size_bytes;
    struct seep_bytes records = open->buffer.records;
    if (open->buffer.flags & SEEP_ETL_FLAG_COMPRESSED) {
        size_t len = open->buffer.used_bytes - SEEP_ETL_BUFFER_HEADER;
        open->unpacked = seep_alloc(len + 1, 1);
        if (!open->unpacked) {
            seep_free(open);
            return false;
        }
        open->unpacked_bytes = len;
        m->held_bytes += len;
        records = seep_bytes(open->unpacked, unpack(&open->buffer, open->unpacked, len));
        if (records.len < len && m->lack.short_buffers++ == 0)
            m->lack.first_short_offset = open->buffer.offset;
    }
    open->records = seep_cursor(records);
    if (advance(m, open))
        *result = open;
    else
        close_buffer(m, open);
    return true;
}

// Whether the next waiting buffer has to be opened before the earliest record can be given.
static bool must_open(const struct seep_etl_merge *m)
{
    if (m->at >= m->n_waiting)
        return false;
    if (m->n_open == 0)
        return true;
    return m->waiting[m->at].time <= m->heap[0]->time && m->n_open < MAX_OPEN &&
           m->held_bytes < MAX_HELD;
}

// Whether a buffer's next record comes before all that others have.
static bool still_first(const struct seep_etl_merge *m, const struct open_buffer *open)
{
    return (m->n_open == 0 || before(open, m->heap[0])) &&
           (m->at >= m->n_waiting || m->waiting[m->at].time > open->time);
}

static enum seep_etl_next give(struct seep_etl_merge *m, struct seep_etl_item *item)
{
    const struct open_buffer *open = m->current;
    if (open->time >= m->last_time)
        m->last_time = open->time;
    else if (m->last_time - open->time > m->second)
        m->lack.early_records++;
    item->record = open->next;
    item->offset = open->buffer.offset;
    item->cpu = open->buffer.cpu;
    return SEEP_ETL_RECORD;
}

enum seep_etl_next seep_etl_merge_next(struct seep_etl_merge *m, struct seep_etl_item *item)
{
    struct open_buffer *open = m->current;
    if (open) {
        bool more = advance(m, open);
        if (more && still_first(m, open))
            return give(m, item);
        m->current = NULL;
        if (!more) {
            close_buffer(m, open);
        } else if (!push(m, open)) {
            close_buffer(m, open);
            return SEEP_ETL_BAD;
        }
    }
    while (must_open(m)) {
        if (!open_next(m, &open))
            return SEEP_ETL_BAD;
        if (open && !push(m, open)) {
            close_buffer(m, open);
            return SEEP_ETL_BAD;
        }
    }
    if (m->n_open == 0)
        return SEEP_ETL_END;
    m->current = pop(m);
    return give(m, item);
}

// ---- what it knows

const struct seep_etl_trace *seep_etl_merge_trace(const struct seep_etl_merge *m)
{
    return &m->trace;
}

uint64_t seep_etl_merge_done(const struct seep_etl_merge *m)
{
    return m->done_bytes;
}

const struct seep_etl_lack *seep_etl_merge_lack(const struct seep_etl_merge *m)
{
    return &m->lack;
}

// `ticks` of a clock of `frequency` per second, in ns; exact for any 64-bit count.
static int64_t ticks_ns(int64_t ticks, uint64_t frequency)
{
    if (!frequency || frequency > INT64_MAX / 1000000000)
        return 0;
    int64_t f = (int64_t)frequency;
    int64_t whole = ticks / f, rest = ticks % f;
    if (whole > INT64_MAX / 2000000000 || whole < -INT64_MAX / 2000000000)
        return 0;
    return whole * 1000000000 + rest * 1000000000 / f;
}

struct seep_etl_clock seep_etl_merge_clock(const struct seep_etl_merge *m)
{
    struct seep_etl_clock clock = {
        .kind = m->trace.clock,
        .start = m->start,
        .start_ns = seep_time_from_filetime(m->trace.start_time),
        .frequency = m->trace.clock == CYCLES ? m->trace.processor_mhz * UINT64_C(1000000)
                                              : m->trace.frequency,
    };
    if (clock.frequency && SEEP_NS_PER_S % clock.frequency == 0)
        clock.tick_ns = SEEP_NS_PER_S / clock.frequency;
    return clock;
}

int64_t seep_etl_clock_ns(const struct seep_etl_clock *clock, uint64_t reading)
{
    int64_t since = (int64_t)(reading - clock->start), limit = INT64_MAX / SEEP_NS_PER_S;
    if (clock->kind == SYSTEM_TIME) // the readings are FILETIMEs
        return seep_time_from_filetime(reading);
    if (clock->tick_ns && since < limit && since > -limit)
        since *= (int64_t)clock->tick_ns;
    else
        since = ticks_ns(since, clock->frequency);
    int64_t start = clock->start_ns;
    if (start == SEEP_NO_TIME)
        return SEEP_NO_TIME;
    if (since > 0 ? start > INT64_MAX - since : start < INT64_MIN + 1 - since)
        return SEEP_NO_TIME;
    return seep_time_clamp(start + since);
}
