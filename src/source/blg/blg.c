// SPDX-License-Identifier: MIT
// Perfmon binary logs: the source, the walk over buffers and events, the joining of split blocks.
#include "source/blg/blg.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// 933f3bb3-943e-490d-9ced-3cbb14c14479
static const uint8_t perfmon[16] = { 0xb3, 0x3b, 0x3f, 0x93, 0x3e, 0x94, 0x0d, 0x49,
                                     0x9c, 0xed, 0x3c, 0xbb, 0x14, 0xc1, 0x44, 0x79 };

enum {
    EVENT_LIST = 32,
    EVENT_DATA = 34,
    EVENT_CATALOG = 35,
    EVENT_NAMES = 36,
    PART_HEADER = 24,      // log GUID, part, parts
    DONE_EVERY = 16 << 20, // bytes between two notes to the system
};

static const struct {
    const char *what, *text; // where there is a count, it follows the text
    bool harmless, counted;
} losses[] = {
    [SEEP_BLG_LOST_EVENTS] = { "lost-events", "events that the session lost", false, true },
    [SEEP_BLG_LOST_BUFFERS] = { "lost-buffers", "buffers that the session lost", false, true },
    [SEEP_BLG_TRUNCATED] = { "truncated", "the log ends before its last buffer", false, false },
    [SEEP_BLG_BAD_BUFFER] = { "bad-buffer", "damaged buffers", false, true },
    [SEEP_BLG_COMPRESSED] = { "compressed", "compressed buffers, which are not read", false, true },
    [SEEP_BLG_BAD_EVENT] = { "bad-event", "damaged events", false, true },
    [SEEP_BLG_UNKNOWN_EVENT] = { "unknown-event", "Perfmon events of an unknown type", false,
                                 true },
    [SEEP_BLG_MISSING_PART] = { "missing-part",
                                "samples left out because a part of them is not there", false,
                                true },
    [SEEP_BLG_MISSING_SAMPLE] = { "missing-samples",
                                  "samples that the log counts and does not have", false, true },
    [SEEP_BLG_BAD_RECORD] = { "bad-record", "damaged records", false, true },
    [SEEP_BLG_UNKNOWN_RECORD] = { "unknown-record", "records of an unknown kind", false, true },
    [SEEP_BLG_NO_LIST] = { "no-counter-list", "records of counters that the log does not list",
                           false, true },
    [SEEP_BLG_UNKNOWN_TYPE] = { "unknown-counter-type", "counters of an unknown type", false,
                                true },
    [SEEP_BLG_UNNAMED] = { "unnamed", "objects or counters that have a number but no name", true,
                           true },
    [SEEP_BLG_BAD_TEXT] = { "bad-text", "names that are no valid text, escaped or cut", false,
                            true },
    [SEEP_BLG_CLOCK_JUMP] = { "clock-jump", "samples not later than the one before", false, true },
    [SEEP_BLG_UNUSED] = { "unused-space", "buffers that were reserved and never written", true,
                          true },
    [SEEP_BLG_NOT_CLOSED] = { "not-closed", "the log was still being written", true, false },
    [SEEP_BLG_NO_SAMPLE] = { "no-samples", "the log has no sample", true, false },
};
_Static_assert(sizeof losses / sizeof *losses == SEEP_BLG_N_LOSSES, "a row for every loss");

void seep_blg_lose_at(struct seep_blg *b, enum seep_blg_loss loss, uint64_t count, uint64_t bytes,
                      uint64_t offset, uint32_t detail)
{
    struct seep_blg_lost *lost = &b->lost[loss];
    if (lost->count == 0) {
        lost->offset = offset;
        lost->detail = detail;
    }
    lost->count = count > UINT64_MAX - lost->count ? UINT64_MAX : lost->count + count;
    lost->bytes = bytes > UINT64_MAX - lost->bytes ? UINT64_MAX : lost->bytes + bytes;
}

void seep_blg_lose(struct seep_blg *b, enum seep_blg_loss loss, uint64_t bytes, size_t offset,
                   uint32_t detail)
{
    seep_blg_lose_at(b, loss, 1, bytes, b->contiguous ? b->data_offset + offset : b->data_offset,
                     detail);
}

bool seep_blg_report(struct seep_blg *b)
{
    for (int i = 0; i < SEEP_BLG_N_LOSSES; i++) {
        const struct seep_blg_lost *lost = &b->lost[i];
        if (lost->count == 0)
            continue;
        char count[32] = "", first[40] = "", text[160];
        if (losses[i].counted)
            (void)snprintf(count, sizeof count, ": %" PRIu64, lost->count);
        if (lost->detail && (i == SEEP_BLG_UNKNOWN_RECORD || i == SEEP_BLG_UNKNOWN_TYPE))
            (void)snprintf(first, sizeof first, ", the first is 0x%08" PRIx32, lost->detail);
        else if (lost->detail)
            (void)snprintf(first, sizeof first, ", the first is %" PRIu32, lost->detail);
        (void)snprintf(text, sizeof text, "%s%s%s", losses[i].text, count, first);
        struct seep_loss loss = { .what = losses[i].what,
                                  .count = lost->count,
                                  .bytes = lost->bytes ? lost->bytes : SEEP_UNKNOWN_COUNT,
                                  .offset = lost->offset,
                                  .text = text,
                                  .harmless = losses[i].harmless };
        if (!seep_sink_loss(b->sink, &loss))
            return false;
    }
    return true;
}

static void tally(struct seep_blg *b, const struct seep_etl_record *r)
{
    for (size_t i = 0; i < b->n_tallies; i++) {
        struct seep_blg_tally *t = &b->tallies[i];
        if (t->type == r->type && t->version == r->version &&
            memcmp(t->guid, r->guid, sizeof t->guid) == 0) {
            t->count++;
            return;
        }
    }
    if (b->n_tallies == SEEP_BLG_MAX_TALLIES)
        return;
    struct seep_blg_tally *t = &b->tallies[b->n_tallies++];
    memcpy(t->guid, r->guid, sizeof t->guid);
    t->type = r->type;
    t->version = r->version;
    t->count = 1;
}

static bool report_tallies(struct seep_blg *b)
{
    for (size_t i = 0; i < b->n_tallies; i++) {
        const struct seep_blg_tally *t = &b->tallies[i];
        const uint8_t *g = t->guid;
        char guid[40];
        (void)snprintf(guid, sizeof guid,
                       "%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", seep_le32(g),
                       (unsigned)seep_le16(g + 4), (unsigned)seep_le16(g + 6), g[8], g[9], g[10],
                       g[11], g[12], g[13], g[14], g[15]);
        bool ours = memcmp(g, perfmon, sizeof perfmon) == 0;
        const char *name = NULL;
        if (ours)
            name = t->type == EVENT_LIST      ? "CounterList"
                   : t->type == EVENT_DATA    ? "Data"
                   : t->type == EVENT_CATALOG ? "Catalog"
                   : t->type == EVENT_NAMES   ? "Names"
                                              : NULL;
        struct seep_tally out = { .provider = ours ? "Perfmon" : guid,
                                  .name = name,
                                  .id = t->type,
                                  .version = t->version,
                                  .count = t->count };
        if (!seep_sink_tally(b->sink, &out))
            return false;
    }
    return true;
}

static void read_catalog(struct seep_blg *b, struct seep_bytes data)
{
    b->promised += seep_bytes_u32(data, 16);
}

// What one event, or the joined parts of several, carries.
static void read_data(struct seep_blg *b, uint8_t type, uint64_t time, struct seep_bytes data)
{
    if (b->only_preamble && type != EVENT_LIST && type != EVENT_NAMES)
        return;
    switch (type) {
    case EVENT_LIST:
        seep_blg_list(b, data);
        break;
    case EVENT_DATA:
        seep_blg_sample(b, data, time);
        break;
    case EVENT_CATALOG:
        read_catalog(b, data);
        break;
    case EVENT_NAMES:
        seep_blg_names(b, data);
        break;
    default:
        seep_blg_lose(b, SEEP_BLG_UNKNOWN_EVENT, data.len, 0, type);
        break;
    }
}

static void drop_join(struct seep_blg *b)
{
    struct seep_blg_join *j = &b->join;
    if (!j->active)
        return;
    uint64_t bytes = 0;
    for (size_t i = 0; i < j->n_parts; i++)
        bytes += j->parts[i].data.len;
    seep_blg_lose_at(b, SEEP_BLG_MISSING_PART, 1, bytes, j->offset, 0);
    b->n_dropped += j->type == EVENT_DATA;
    j->active = false;
    j->n_parts = 0;
}

static int compare_parts(const void *a, const void *b)
{
    const struct seep_blg_part *one = a, *two = b;
    return (one->number > two->number) - (one->number < two->number);
}

static void finish_join(struct seep_blg *b)
{
    struct seep_blg_join *j = &b->join;
    if (!j->in_order) {
        qsort(j->parts, j->n_parts, sizeof *j->parts, compare_parts);
        for (size_t i = 0; i < j->n_parts; i++) {
            if (j->parts[i].number != i + 1) { // one came twice, so one is missing
                drop_join(b);
                return;
            }
        }
    }
    seep_buf_reset(&j->bytes);
    for (size_t i = 0; i < j->n_parts; i++)
        seep_buf_add(&j->bytes, j->parts[i].data.data, j->parts[i].data.len);
    j->active = false;
    j->n_parts = 0;
    b->data_offset = j->offset;
    b->contiguous = false;
    if (j->bytes.failed) {
        seep_blg_lose(b, SEEP_BLG_BAD_EVENT, 0, 0, 0);
        return;
    }
    read_data(b, j->type, j->time, seep_bytes(j->bytes.data, j->bytes.len));
}

// Keeps a part until the others of its block are there. Parts are known to be of one block by
// their type, time and count.
static void add_part(struct seep_blg *b, const struct seep_etl_record *r, uint64_t offset,
                     uint32_t number, uint32_t count)
{
    struct seep_blg_join *j = &b->join;
    const uint8_t *guid = r->payload.data;
    if (j->active && (j->type != r->type || j->time != r->time || j->count != count ||
                      memcmp(j->guid, guid, sizeof j->guid) != 0))
        drop_join(b);
    if (!j->active) {
        j->active = j->in_order = true;
        j->type = r->type;
        j->time = r->time;
        j->count = count;
        j->offset = offset;
        memcpy(j->guid, guid, sizeof j->guid);
    }
    if (!seep_grow(&j->parts, &j->capacity, j->n_parts + 1, sizeof *j->parts)) {
        b->failed = true;
        return;
    }
    j->in_order = j->in_order && number == j->n_parts + 1;
    struct seep_bytes data = seep_bytes_part(r->payload, PART_HEADER, r->payload.len);
    j->parts[j->n_parts++] = (struct seep_blg_part){ number, data };
    if (j->n_parts == count)
        finish_join(b);
}

static void read_event(struct seep_blg *b, const struct seep_etl_record *r, uint64_t offset)
{
    b->n_events++;
    if (r->payload.len < PART_HEADER) {
        seep_blg_lose_at(b, SEEP_BLG_BAD_EVENT, 1, r->payload.len, offset, 0);
        return;
    }
    uint32_t number = seep_le32(r->payload.data + 16), count = seep_le32(r->payload.data + 20);
    if (number == 0 || number > count) {
        seep_blg_lose_at(b, SEEP_BLG_BAD_EVENT, 1, r->payload.len, offset, 0);
        return;
    }
    if (count > 1) {
        add_part(b, r, offset, number, count);
        return;
    }
    b->contiguous = true;
    b->data_offset = offset + (uint64_t)(r->size_bytes - r->payload.len) + PART_HEADER;
    read_data(b, r->type, r->time, seep_bytes_part(r->payload, PART_HEADER, r->payload.len));
}

static void read_buffer(struct seep_blg *b, const struct seep_etl_buffer *buffer)
{
    if (buffer->flags & SEEP_ETL_FLAG_COMPRESSED) {
        seep_blg_lose_at(b, SEEP_BLG_COMPRESSED, 1, buffer->size_bytes, buffer->offset, 0);
        return;
    }
    if (buffer->flags & SEEP_ETL_FLAG_LOST && b->trace.events_lost == 0)
        seep_blg_lose_at(b, SEEP_BLG_LOST_EVENTS, 1, 0, buffer->offset, 0);
    uint64_t base = buffer->offset + SEEP_ETL_BUFFER_HEADER;
    struct seep_cursor records = seep_cursor(buffer->records);
    struct seep_etl_record r;
    enum seep_etl_next next = SEEP_ETL_END;
    while (!b->failed && (next = seep_etl_record_next(&records, &r)) == SEEP_ETL_RECORD) {
        if (r.kind != SEEP_ETL_CLASSIC)
            continue;
        tally(b, &r);
        if (memcmp(r.guid, perfmon, sizeof perfmon) == 0)
            read_event(b, &r, base + r.offset);
    }
    if (next == SEEP_ETL_BAD && !buffer->cut)
        seep_blg_lose_at(b, SEEP_BLG_BAD_EVENT, 1, buffer->records.len - records.pos,
                         base + records.pos, 0);
    if (buffer->cut)
        seep_blg_lose_at(b, SEEP_BLG_TRUNCATED, 1, 0, base + buffer->records.len, 0);
}

// Where the next buffer starts when the one at `offset` has no sane header.
static uint64_t skip_buffer(struct seep_blg *b, uint64_t offset)
{
    struct seep_bytes file = b->input->view;
    uint64_t size = b->trace.buffer_size_bytes;
    uint64_t next = offset - offset % size + size;
    if (next > file.len)
        next = file.len;
    static const uint8_t zeros[SEEP_ETL_BUFFER_HEADER];
    bool unused = seep_bytes_match(file, (size_t)offset, zeros, sizeof zeros);
    if (file.len - offset < SEEP_ETL_BUFFER_HEADER)
        seep_blg_lose_at(b, SEEP_BLG_TRUNCATED, 1, 0, file.len, 0);
    else
        seep_blg_lose_at(b, unused ? SEEP_BLG_UNUSED : SEEP_BLG_BAD_BUFFER, 1, next - offset,
                         offset, 0);
    return next;
}

// Space that was reserved lies at the end: in front of a buffer it is one that was lost.
static void not_unused(struct seep_blg *b)
{
    struct seep_blg_lost *unused = &b->lost[SEEP_BLG_UNUSED];
    if (unused->count)
        seep_blg_lose_at(b, SEEP_BLG_BAD_BUFFER, unused->count, unused->bytes, unused->offset, 0);
    *unused = (struct seep_blg_lost){ 0 };
}

// Tells the system which bytes will not be read again.
static void release(struct seep_blg *b, uint64_t offset, uint64_t *done)
{
    if (b->join.active && b->join.offset < offset)
        offset = b->join.offset;
    if (offset < *done + DONE_EVERY)
        return;
    seep_input_done(b->input, (size_t)offset);
    *done = offset;
}

// Reads the buffers from `from` to `to`. `*reached` is the end of the last one.
static enum seep_status walk(struct seep_blg *b, uint64_t from, uint64_t to,
                             const struct seep_control *control, uint64_t *reached)
{
    uint64_t done = from;
    for (uint64_t at = from; at < to;) {
        if (seep_cancelled(control))
            return SEEP_CANCELLED;
        struct seep_etl_buffer buffer;
        if (!seep_etl_buffer_at(b->input->view, at, &buffer) ||
            buffer.size_bytes > b->trace.buffer_size_bytes) {
            at = skip_buffer(b, at);
        } else {
            not_unused(b);
            read_buffer(b, &buffer);
            if (b->failed)
                return SEEP_FAILED;
            at += buffer.size_bytes;
        }
        if (at > b->input->view.len)
            at = b->input->view.len;
        *reached = at;
        if (at >= done + DONE_EVERY)
            seep_progress(control, at, b->input->view.len);
        release(b, at, &done);
    }
    return SEEP_OK;
}

// Where a circular log starts: at the buffer whose number is lower than that of the one before it.
static uint64_t find_start(struct seep_blg *b, uint64_t first)
{
    struct seep_etl_buffer buffer;
    uint64_t at = first, done = first, before = 0;
    while (seep_etl_buffer_at(b->input->view, at, &buffer)) {
        if (buffer.sequence < before)
            return at;
        before = buffer.sequence;
        at += buffer.size_bytes;
        release(b, at, &done);
    }
    return first;
}

// Where names and list of a circular log have survived is not known: they are looked for in all of
// it before the samples are read.
static enum seep_status find_preamble(struct seep_blg *b, uint64_t first,
                                      const struct seep_control *control)
{
    uint64_t reached = 0;
    b->only_preamble = true;
    enum seep_status status = walk(b, first, b->input->view.len, control, &reached);
    b->only_preamble = false;
    b->join.active = false;
    b->join.n_parts = 0;
    b->n_events = 0;
    b->n_tallies = 0;
    memset(b->lost, 0, sizeof b->lost);
    return status;
}

static enum seep_status walk_all(struct seep_blg *b, uint64_t first,
                                 const struct seep_control *control, uint64_t *reached)
{
    uint64_t start = first;
    enum seep_status status = SEEP_OK;
    if (b->circular) {
        status = find_preamble(b, first, control);
        start = find_start(b, first);
    }
    if (status == SEEP_OK)
        status = walk(b, start, b->input->view.len, control, reached);
    if (status == SEEP_OK && start > first) {
        uint64_t second = 0;
        status = walk(b, first, start, control, &second);
    }
    return status;
}

// What only the whole log shows.
static void read_end(struct seep_blg *b)
{
    const struct seep_etl_trace *t = &b->trace;
    uint64_t len = b->input->view.len;
    drop_join(b);
    if (t->events_lost)
        seep_blg_lose_at(b, SEEP_BLG_LOST_EVENTS, t->events_lost, 0, SEEP_NO_OFFSET, 0);
    if (t->buffers_lost)
        seep_blg_lose_at(b, SEEP_BLG_LOST_BUFFERS, t->buffers_lost, 0, SEEP_NO_OFFSET, 0);
    uint64_t whole = (uint64_t)t->n_buffers * t->buffer_size_bytes;
    if (t->end_time && !b->circular && !(t->mode & SEEP_ETL_MODE_COMPRESSED) && whole > len &&
        len % t->buffer_size_bytes == 0 && b->lost[SEEP_BLG_TRUNCATED].count == 0)
        seep_blg_lose_at(b, SEEP_BLG_TRUNCATED, (whole - len) / t->buffer_size_bytes, whole - len,
                         len, 0);
    uint64_t known = b->n_samples + b->n_dropped;
    if (b->promised > known && !b->circular)
        seep_blg_lose_at(b, SEEP_BLG_MISSING_SAMPLE, b->promised - known, 0, SEEP_NO_OFFSET, 0);
    if (t->end_time == 0)
        seep_blg_lose_at(b, SEEP_BLG_NOT_CLOSED, 1, 0, 0, 0);
    if (b->n_samples == 0)
        seep_blg_lose_at(b, SEEP_BLG_NO_SAMPLE, 1, 0, SEEP_NO_OFFSET, 0);
}

static void clear(struct seep_blg *b)
{
    seep_perfmon_close(b->pm);
    seep_blg_list_clear(b);
    seep_free(b->entries);
    for (size_t i = 0; i < b->group_keys.count && i < b->groups_capacity; i++) {
        if (b->groups[i])
            seep_blg_group_clear(b->groups[i]);
        seep_free(b->groups[i]);
    }
    seep_free(b->groups);
    seep_free(b->number_texts);
    seep_free(b->host_texts);
    seep_free(b->join.parts);
    seep_buf_clear(&b->join.bytes);
    seep_buf_clear(&b->list);
    seep_buf_clear(&b->text);
    seep_buf_clear(&b->text2);
    seep_intern_clear(&b->strings);
    seep_intern_clear(&b->number_keys);
    seep_intern_clear(&b->host_names);
    seep_intern_clear(&b->group_keys);
    seep_free(b);
}

// Why the run stopped: the sink's reason where it has one.
static enum seep_status stopped(const struct seep_blg *b, struct seep_err *err)
{
    if (b->sink->error.what[0] && err)
        *err = b->sink->error;
    else
        (void)seep_fail_memory(err);
    return SEEP_FAILED;
}

static enum seep_status blg_read(const struct seep_input *input, struct seep_sink *sink,
                                 const struct seep_control *control, uint64_t *read_bytes,
                                 struct seep_err *err)
{
    struct seep_blg *b = seep_alloc(1, sizeof *b);
    if (!b) {
        (void)seep_fail_memory(err);
        return SEEP_FAILED;
    }
    b->input = input;
    b->sink = sink;
    enum seep_status status = SEEP_FAILED;
    uint64_t reached = 0;
    struct seep_etl_buffer first;
    if (!seep_etl_open(input->view, &first, &b->trace)) {
        (void)seep_fail(err, 0, "copy the log again, or record a new one",
                        "no trace header at the start of the log");
        goto out;
    }
    b->circular = (b->trace.mode & SEEP_ETL_MODE_CIRCULAR) != 0;
    b->pm = seep_perfmon_open(sink, err);
    if (!b->pm)
        goto out;
    status = walk_all(b, first.size_bytes, control, &reached);
    if (status == SEEP_FAILED) {
        status = stopped(b, err);
        goto out;
    }
    if (status == SEEP_OK && b->n_events == 0) {
        status = SEEP_FAILED;
        (void)seep_fail(err, SEEP_NO_OFFSET, "read it as a trace with --as etl",
                        "the trace holds no Perfmon event");
        goto out;
    }
    if (status == SEEP_OK)
        read_end(b);
    else
        drop_join(b);
    if (!seep_perfmon_finish(b->pm) || !report_tallies(b) || !seep_blg_report(b))
        status = stopped(b, err);
    *read_bytes = reached > input->view.len ? input->view.len : reached;
out:
    clear(b);
    return status;
}

// A trace header, and a Perfmon event among the first of the second buffer.
static unsigned blg_bid(struct seep_bytes file)
{
    enum { LOOK_AT = 16, GUID_BITS = 128 };
    struct seep_etl_buffer buffer;
    struct seep_etl_trace trace;
    if (!seep_etl_open(file, &buffer, &trace) ||
        !seep_etl_buffer_at(file, buffer.size_bytes, &buffer))
        return SEEP_BID_NONE;
    struct seep_cursor records = seep_cursor(buffer.records);
    struct seep_etl_record r;
    for (int i = 0; i < LOOK_AT && seep_etl_record_next(&records, &r) == SEEP_ETL_RECORD; i++) {
        if (r.kind == SEEP_ETL_CLASSIC && memcmp(r.guid, perfmon, sizeof perfmon) == 0)
            return SEEP_BID_STRUCTURE + GUID_BITS;
    }
    return SEEP_BID_NONE;
}

const struct seep_source seep_source_blg = {
    .name = "blg",
    .about = "Perfmon binary log",
    .bid = blg_bid,
    .read = blg_read,
};
