// SPDX-License-Identifier: MIT
// One sample (type 34): its time, and the counters and item blocks in it.
#include "source/blg/blg.h"

#include "base/time.h"
#include "base/utf.h"

#define TAG_OUTER 0x00034c42u
#define TAG_COUNTER 0x01034c42u
#define TAG_ITEMS 0x02034c42u
#define TAG_BLOCK 0x05034c42u

#define TICKS_PER_SECOND INT64_C(10000000)

enum {
    RECORD_HEADER = 8,
    RAW_COUNTER = 40, // PDH_RAW_COUNTER
    ITEMS_HEADER = 24,
    ITEM = 24,
    NAMES_PER_BYTE = 4, // bytes of names that are read for each byte of a record
};

// Only these two states carry a value ("Checking Counter Data Status Codes").
static bool valid_status(uint32_t status)
{
    return status <= 1;
}

static void raw_value(struct seep_blg *b, struct seep_blg_entry *e, const struct seep_blg_who *who,
                      const struct seep_perf_raw *raw)
{
    struct seep_blg_instance *instance = seep_blg_group_next(b, &e->group, who);
    if (!instance)
        return;
    struct seep_blg_cell *cell = &e->group.cells[instance->cells];
    // a rate is over two samples that follow each other
    bool follows = cell->has_raw && instance->sample + 1 == b->sample;
    double value = 0;
    bool shown = seep_perf_value(e->type, e->frequency, follows ? &cell->raw : NULL, raw, &value);
    cell->raw = *raw;
    cell->has_raw = true;
    instance->sample = b->sample;
    if (shown)
        seep_blg_value(b, &e->group, instance, who, &e->group.counters[0], cell, value);
}

// A NULL entry is one of which nothing is known.
static struct seep_blg_entry *entry_of(struct seep_blg *b, size_t index, size_t at)
{
    if (index >= b->n_entries) {
        seep_blg_lose(b, SEEP_BLG_NO_LIST, 0, at, 0);
        return NULL;
    }
    struct seep_blg_entry *e = &b->entries[index];
    if (e->group.n_counters)
        return e;
    if (e->type) // the list says that a whole object comes here
        seep_blg_lose(b, SEEP_BLG_NO_LIST, 0, at, 0);
    return NULL;
}

static struct seep_bytes text_bytes(const struct seep_blg *b, uint32_t id)
{
    const struct seep_intern_entry *e = id ? &b->strings.entries[id - 1] : NULL;
    return e ? seep_bytes(e->text, e->len) : (struct seep_bytes){ 0 };
}

static void read_counter(struct seep_blg *b, size_t index, struct seep_bytes body, size_t at)
{
    struct seep_blg_entry *e = entry_of(b, index, at);
    if (body.len < RAW_COUNTER - 4) {
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, body.len, at, 0);
        return;
    }
    if (!e || !valid_status(seep_le32(body.data)))
        return;
    struct seep_perf_raw raw = { .first = seep_le64(body.data + 16),
                                 .second = seep_le64(body.data + 24),
                                 .multi = seep_le32(body.data + 32) };
    struct seep_blg_who who = { .parent = text_bytes(b, e->parent),
                                .name = text_bytes(b, e->instance),
                                .utf8 = true,
                                .index = e->index };
    seep_blg_group_begin(b, &e->group);
    raw_value(b, e, &who, &raw);
}

static void read_items(struct seep_blg *b, size_t index, struct seep_bytes body, size_t at)
{
    struct seep_blg_entry *e = entry_of(b, index, at);
    struct seep_cursor c = seep_cursor(body);
    uint32_t len = seep_cursor_u32(&c);
    uint32_t count = seep_cursor_u32(&c);
    uint32_t status = seep_cursor_u32(&c);
    if (len < ITEMS_HEADER || len > body.len) {
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, body.len, at, 0);
        return;
    }
    if (count > (len - ITEMS_HEADER) / ITEM) {
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, body.len, at, 0);
        count = 0; // where the names begin is not known: no item can be told from a name
    }
    if (!e || !valid_status(status))
        return;
    body.len = len;
    // Each item has a name of its own; items that share the bytes of long ones would cost more
    // memory than the file has bytes.
    size_t names = NAMES_PER_BYTE * (size_t)len;
    seep_blg_group_begin(b, &e->group);
    for (uint32_t i = 0; i < count && !b->failed; i++) {
        const uint8_t *item = body.data + ITEMS_HEADER + (size_t)i * ITEM;
        uint32_t name = seep_le32(item);
        if (name >= len) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, ITEM, at, 0);
            continue;
        }
        struct seep_perf_raw raw = { .first = seep_le64(item + 8),
                                     .second = seep_le64(item + 16),
                                     .multi = seep_le32(item + 4) };
        struct seep_blg_who who = { .name = seep_utf16_until_nul(
                                        seep_bytes_part(body, name, SEEP_MAX_NAME + 2)) };
        if (who.name.len > names) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, (uint64_t)(count - i) * ITEM, at, 0);
            return;
        }
        names -= who.name.len;
        raw_value(b, e, &who, &raw);
    }
}

// The next inner record at `*at` of the outer one; false at the end or where none fits.
static bool next_record(struct seep_bytes outer, size_t *at, uint32_t *tag, struct seep_bytes *body)
{
    if (!seep_bytes_has(outer, *at, RECORD_HEADER))
        return false;
    uint32_t len = seep_le32(outer.data + *at + 4);
    if (len < RECORD_HEADER || len > outer.len - *at)
        return false;
    *tag = seep_le32(outer.data + *at);
    *body = seep_bytes(outer.data + *at + RECORD_HEADER, len - RECORD_HEADER);
    *at += len;
    return true;
}

// A UTC time (100 ns) that the records carry beside their local one, 0 = none: whole objects do,
// and counters on the system clock do.
static uint64_t find_utc(const struct seep_blg *b, struct seep_bytes outer)
{
    enum { UTC_OF_BLOCK = 72, FIRST_ITEM_SECOND = ITEMS_HEADER + 16 };
    size_t at = RECORD_HEADER;
    uint32_t tag = 0;
    struct seep_bytes body;
    for (size_t i = 0; next_record(outer, &at, &tag, &body); i++) {
        if (tag == TAG_BLOCK)
            return seep_bytes_u64(body, UTC_OF_BLOCK);
        if (!b->seeks_utc)
            continue;
        const struct seep_perf_type *type = i < b->n_entries ? b->entries[i].type : NULL;
        if (!type || type->second != SEEP_PERF_SECOND_100NS)
            continue;
        uint64_t utc = seep_bytes_u64(body, tag == TAG_ITEMS ? FIRST_ITEM_SECOND : 24);
        if (utc)
            return utc;
    }
    return 0;
}

// The UTC time (100 ns) of a sample. Zones lie at quarters of an hour from UTC, so a UTC time that
// was taken within minutes of the local one tells the distance exactly; without one the zone of the
// trace header has to do.
static uint64_t sample_utc(const struct seep_blg *b, struct seep_bytes outer, uint64_t local)
{
    const int64_t quarter = 900 * TICKS_PER_SECOND, near = 300 * TICKS_PER_SECOND;
    enum { MAX_QUARTERS = 15 * 4 };
    uint64_t utc = find_utc(b, outer);
    if (utc && utc < INT64_MAX && local < INT64_MAX) {
        int64_t apart = (int64_t)utc - (int64_t)local;
        int64_t quarters = (apart + (apart < 0 ? -quarter : quarter) / 2) / quarter;
        int64_t rest = apart - quarters * quarter;
        if (quarters <= MAX_QUARTERS && quarters >= -MAX_QUARTERS && rest <= near && rest >= -near)
            return (uint64_t)((int64_t)local + quarters * quarter);
    }
    return seep_etl_zone_utc(&b->trace.zone, local, b->last_utc);
}

static void read_records(struct seep_blg *b, struct seep_bytes outer, size_t base)
{
    size_t at = RECORD_HEADER, start = at;
    uint32_t tag = 0;
    struct seep_bytes body;
    for (size_t i = 0; !b->failed && next_record(outer, &at, &tag, &body); i++, start = at) {
        if (tag == TAG_COUNTER)
            read_counter(b, i, body, base + start);
        else if (tag == TAG_ITEMS)
            read_items(b, i, body, base + start);
        else if (tag == TAG_BLOCK)
            seep_blg_block(b, body, base + start + RECORD_HEADER);
        else
            seep_blg_lose(b, SEEP_BLG_UNKNOWN_RECORD, body.len, base + start, tag);
    }
    if (start < outer.len && !b->failed)
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, outer.len - start, base + start, 0);
}

// The event's time; where the trace does not run on the system clock, that of the first record.
static uint64_t local_time(const struct seep_blg *b, struct seep_bytes outer, uint64_t event_time)
{
    enum { SYSTEM_CLOCK = 2, TIME_OF_COUNTER = 4, TIME_OF_ITEMS = 16 };
    if (b->trace.clock == SYSTEM_CLOCK || b->trace.clock == 0)
        return event_time;
    size_t at = RECORD_HEADER;
    uint32_t tag = 0;
    struct seep_bytes body;
    while (next_record(outer, &at, &tag, &body)) {
        if (tag == TAG_COUNTER || tag == TAG_ITEMS)
            return seep_bytes_u64(body, tag == TAG_ITEMS ? TIME_OF_ITEMS : TIME_OF_COUNTER);
    }
    return find_utc(b, outer);
}

void seep_blg_sample(struct seep_blg *b, struct seep_bytes data, uint64_t event_time)
{
    b->sample++;
    size_t at = 0;
    uint32_t tag = 0;
    struct seep_bytes body, outer;
    if (!next_record(data, &at, &tag, &body) || tag != TAG_OUTER) {
        // a damaged length of the outer record leaves the inner ones where they are
        if (!seep_bytes_has(data, 0, RECORD_HEADER) || seep_le32(data.data) != TAG_OUTER) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, data.len, 0, 0);
            return;
        }
        seep_blg_lose(b, SEEP_BLG_BAD_RECORD, 0, 0, 0);
        at = data.len;
    }
    outer = seep_bytes_part(data, 0, at);
    uint64_t utc = sample_utc(b, outer, local_time(b, outer, event_time));
    if (b->last_utc && utc <= b->last_utc)
        seep_blg_lose(b, SEEP_BLG_CLOCK_JUMP, 0, 0, 0);
    b->last_utc = utc;
    if (!seep_perfmon_tick(b->pm, seep_time_from_filetime(utc))) {
        b->failed = true;
        return;
    }
    read_records(b, outer, 0);
    if (!seep_perfmon_tick_end(b->pm))
        b->failed = true;
    b->n_samples++;
}
