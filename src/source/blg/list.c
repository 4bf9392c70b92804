// SPDX-License-Identifier: MIT
// Names: texts, hosts, the name table (type 36) and the counter list (type 32).
#include "source/blg/blg.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/utf.h"
#include "nt/counter_names.h"

#include <string.h>

enum {
    LIST_HEADER = 8,      // bytes before the first entry
    ENTRY_STRINGS = 0x34, // the strings of an entry start here; offsets count from here
    NONE = -1,
};

static uint32_t intern(struct seep_blg *b, struct seep_intern *table, const void *key, size_t len)
{
    uint32_t id = seep_intern(table, key, len);
    if (!id)
        b->failed = true;
    return id;
}

uint32_t seep_blg_text(struct seep_blg *b, struct seep_bytes utf16)
{
    struct seep_bytes text = seep_utf16_until_nul(utf16);
    if (text.len > SEEP_MAX_NAME) {
        text.len = SEEP_MAX_NAME;
        seep_blg_lose(b, SEEP_BLG_BAD_TEXT, 0, 0, 0);
    }
    seep_buf_reset(&b->text);
    if (!seep_utf16_add(&b->text, text))
        seep_blg_lose(b, SEEP_BLG_BAD_TEXT, 0, 0, 0);
    if (b->text.failed) {
        b->failed = true;
        return 0;
    }
    return intern(b, &b->strings, seep_buf_text(&b->text), b->text.len);
}

// The machine of the log. What the trace header says belongs to the machine that wrote the log; of
// several hosts it is taken to be the first.
static void announce(struct seep_blg *b, const char *host, bool first)
{
    char version[40];
    (void)snprintf(version, sizeof version, "%u.%u.%u", (unsigned)b->trace.os_major,
                   (unsigned)b->trace.os_minor, (unsigned)b->trace.os_build);
    struct seep_machine machine = { .host = host, .os = "Windows", .boot_ns = SEEP_NO_TIME };
    if (first) {
        machine.os_version = version;
        machine.boot_ns = seep_time_from_filetime(b->trace.boot_time);
    }
    if (!seep_perfmon_machine(b->pm, &machine))
        b->failed = true;
}

uint32_t seep_blg_host(struct seep_blg *b, struct seep_bytes utf16)
{
    struct seep_bytes raw = seep_utf16_until_nul(utf16);
    while (raw.len >= 2 && raw.data[0] == '\\' && raw.data[1] == 0)
        raw = seep_bytes_part(raw, 2, raw.len);
    size_t known = b->host_names.count;
    uint32_t id = intern(b, &b->host_names, raw.data ? (const void *)raw.data : "", raw.len);
    if (!id || !seep_grow(&b->host_texts, &b->host_texts_capacity, id, sizeof *b->host_texts)) {
        b->failed = true;
        return 0;
    }
    if (b->host_names.count > known) {
        b->host_texts[id - 1] = seep_blg_text(b, raw);
        if (!b->failed)
            announce(b, seep_intern_text(&b->strings, b->host_texts[id - 1]), known == 0);
    }
    return b->host_texts[id - 1];
}

static void set_number(struct seep_blg *b, uint32_t host, uint32_t number, uint32_t text)
{
    uint32_t key[2] = { host, number };
    uint32_t id = intern(b, &b->number_keys, key, sizeof key);
    if (!id ||
        !seep_grow(&b->number_texts, &b->number_texts_capacity, id, sizeof *b->number_texts)) {
        b->failed = true;
        return;
    }
    b->number_texts[id - 1] = text;
}

static uint32_t get_number(const struct seep_blg *b, uint32_t host, uint32_t number)
{
    uint32_t key[2] = { host, number };
    uint32_t id = seep_intern_find(&b->number_keys, key, sizeof key);
    return id ? b->number_texts[id - 1] : 0;
}

uint32_t seep_blg_number(struct seep_blg *b, uint32_t host, uint32_t object, uint32_t counter)
{
    uint32_t text = get_number(b, host, counter ? counter : object);
    if (text)
        return text;
    enum seep_perf_object known = seep_perf_object_by_index(object);
    const char *name = seep_perf_object_name(known);
    if (counter)
        name = seep_perf_counter_name(seep_perf_counter_by_index(known, counter));
    char number[16];
    if (!name[0]) {
        (void)snprintf(number, sizeof number, "#%u", (unsigned)(counter ? counter : object));
        name = number;
        seep_blg_lose(b, SEEP_BLG_UNNAMED, 0, 0, counter ? counter : object);
    }
    return intern(b, &b->strings, name, strlen(name));
}

// The UTF-16 string at the cursor; moves behind its NUL. Empty at the end of the data.
static struct seep_bytes take_string(struct seep_cursor *c)
{
    struct seep_bytes rest = seep_bytes_part(c->view, c->pos, seep_cursor_left(c));
    struct seep_bytes text = seep_utf16_until_nul(rest);
    size_t step = text.len + 2;
    seep_cursor_skip(c, step < rest.len ? step : rest.len);
    return text;
}

// A decimal number in UTF-16; false when it is something else.
static bool parse_number(struct seep_bytes text, uint32_t *number)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 20)
        return false;
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        unsigned unit = seep_le16(text.data + i);
        if (unit < '0' || unit > '9')
            return false;
        value = value * 10 + (unit - '0');
    }
    if (value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

void seep_blg_names(struct seep_blg *b, struct seep_bytes data)
{
    struct seep_cursor c = seep_cursor(data);
    uint32_t host = seep_blg_host(b, take_string(&c));
    while (!b->failed && seep_cursor_left(&c) >= 2) {
        size_t at = c.pos;
        struct seep_bytes key = take_string(&c);
        if (key.len == 0)
            break; // an empty string ends the table
        uint32_t number = 0;
        if (!parse_number(key, &number)) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, data.len - at, at, 0);
            break;
        }
        set_number(b, host, number, seep_blg_text(b, take_string(&c)));
    }
}

void seep_blg_list_clear(struct seep_blg *b)
{
    for (size_t i = 0; i < b->n_entries; i++)
        seep_blg_group_clear(&b->entries[i].group);
    b->n_entries = 0;
    b->seeks_utc = false;
}

// The text of an entry at an offset of its strings; 0 where there is none.
static uint32_t entry_text(struct seep_blg *b, struct seep_bytes strings, uint32_t offset)
{
    if (offset == (uint32_t)NONE || offset >= strings.len)
        return 0;
    return seep_blg_text(b, seep_bytes_part(strings, offset, strings.len));
}

static bool add_entry(struct seep_blg *b, struct seep_bytes record)
{
    struct seep_cursor c = seep_cursor(record);
    struct seep_blg_entry e = { 0 };
    seep_cursor_skip(&c, 4); // length
    e.flags = seep_cursor_u32(&c);
    seep_cursor_skip(&c, 4);
    e.type_number = seep_cursor_u32(&c);
    e.frequency = seep_cursor_u64(&c);
    seep_cursor_skip(&c, 4); // default scale
    uint32_t machine = seep_cursor_u32(&c);
    uint32_t object = seep_cursor_u32(&c);
    uint32_t instance = seep_cursor_u32(&c);
    uint32_t parent = seep_cursor_u32(&c);
    e.index = seep_cursor_u32(&c);
    uint32_t counter = seep_cursor_u32(&c);
    if (c.failed)
        return false;
    struct seep_bytes strings = seep_bytes_part(record, ENTRY_STRINGS, record.len);
    e.host = seep_blg_host(b, seep_bytes_part(strings, machine, strings.len));
    e.object = entry_text(b, strings, object);
    e.instance = entry_text(b, strings, instance);
    e.parent = entry_text(b, strings, parent);
    e.counter = entry_text(b, strings, counter);
    e.type = seep_perf_type_find(e.type_number);
    if (b->failed ||
        !seep_grow(&b->entries, &b->entries_capacity, b->n_entries + 1, sizeof *b->entries))
        return false;
    b->entries[b->n_entries++] = e;
    return true;
}

// Makes the entry a group of one counter.
static bool make_group(struct seep_blg *b, struct seep_blg_entry *e)
{
    enum { WHOLE_OBJECT = 0x10 };
    if (e->flags & WHOLE_OBJECT)
        return true; // its blocks describe themselves
    if (!e->type) {
        seep_blg_lose(b, SEEP_BLG_UNKNOWN_TYPE, 0, 0, e->type_number);
        return true;
    }
    e->group = (struct seep_blg_group){ .host = e->host, .object = e->object };
    e->group.counters = seep_alloc(1, sizeof *e->group.counters);
    if (!e->group.counters)
        return false;
    e->group.counters[0] = (struct seep_blg_counter){ .type = e->type, .name = e->counter };
    e->group.n_counters = 1;
    if (e->type->second == SEEP_PERF_SECOND_100NS)
        b->seeks_utc = true;
    return true;
}

void seep_blg_list(struct seep_blg *b, struct seep_bytes data)
{
    if (b->list.len && b->list.len == data.len && memcmp(b->list.data, data.data, data.len) == 0)
        return; // the same again: what was seen of it goes on
    seep_blg_list_clear(b);
    seep_buf_reset(&b->list);
    seep_buf_add(&b->list, data.data, data.len);
    size_t at = LIST_HEADER;
    while (!b->failed && at < data.len) {
        uint32_t len = seep_bytes_u32(data, at);
        if (len < ENTRY_STRINGS || len > data.len - at) {
            seep_blg_lose(b, SEEP_BLG_BAD_RECORD, data.len - at, at, 0);
            break;
        }
        if (!add_entry(b, seep_bytes_part(data, at, len)) ||
            !make_group(b, &b->entries[b->n_entries - 1]))
            b->failed = true;
        at += len;
    }
}
