// SPDX-License-Identifier: MIT
// The container of trace logs; see the header.
#include "nt/etl_buffer.h"

#include "base/time.h"

#define TICKS_PER_SECOND 10000000
#define TICKS_PER_MINUTE (INT64_C(60) * TICKS_PER_SECOND)
#define TICKS_PER_DAY (INT64_C(1440) * TICKS_PER_MINUTE)

bool seep_etl_buffer_at(struct seep_bytes file, uint64_t offset, struct seep_etl_buffer *buffer)
{
    if (offset > file.len || file.len - offset < SEEP_ETL_BUFFER_HEADER)
        return false;
    const uint8_t *p = file.data + offset;
    struct seep_etl_buffer b = {
        .offset = offset,
        .size_bytes = seep_le32(p),
        .used_bytes = seep_le32(p + 4),
        .time = seep_le64(p + 0x10),
        .sequence = seep_le64(p + 0x18),
        .flags = seep_le16(p + 0x34),
        .type = seep_le16(p + 0x36),
    };
    b.cpu = b.flags & SEEP_ETL_FLAG_WIDE_CPU ? seep_le16(p + 0x28) : p[0x28];
    if (b.used_bytes == 0)
        b.used_bytes = seep_le32(p + 0x30);
    bool compressed = (b.flags & SEEP_ETL_FLAG_COMPRESSED) != 0;
    if (b.size_bytes < SEEP_ETL_BUFFER_HEADER || b.used_bytes < SEEP_ETL_BUFFER_HEADER ||
        (!compressed && b.used_bytes > b.size_bytes))
        return false;
    size_t here = (compressed ? b.size_bytes : b.used_bytes) - SEEP_ETL_BUFFER_HEADER;
    b.records = seep_bytes_part(file, (size_t)offset + SEEP_ETL_BUFFER_HEADER, here);
    b.cut = b.records.len < here;
    *buffer = b;
    return true;
}

// Bytes of a record's header by its type (byte 2), 0 = not known.
static size_t header_size(uint8_t type)
{
    switch (type) {
    case 0x01: // system, 32 and 64 bits
    case 0x02:
        return 32;
    case 0x03: // compact
    case 0x04:
        return 24;
    case 0x10: // perfinfo
    case 0x11:
        return 16;
    case 0x0a: // full, with a GUID
    case 0x14:
        return 48;
    case 0x12: // EVENT_HEADER
    case 0x13:
        return 80;
    default:
        return 0;
    }
}

static void read_header(const uint8_t *p, struct seep_etl_record *r)
{
    switch (r->header_type) {
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04:
        r->kind = SEEP_ETL_SYSTEM;
        r->is_64 = r->header_type % 2 == 0;
        r->version = seep_le16(p);
        r->hook = seep_le16(p + 6);
        r->tid = seep_le32(p + 8);
        r->pid = seep_le32(p + 12);
        r->time = seep_le64(p + 16);
        break;
    case 0x10:
    case 0x11:
        r->kind = SEEP_ETL_SYSTEM;
        r->is_64 = r->header_type == 0x11;
        r->version = seep_le16(p);
        r->hook = seep_le16(p + 6);
        r->time = seep_le64(p + 8);
        break;
    case 0x0a:
    case 0x14:
        r->kind = SEEP_ETL_CLASSIC;
        r->is_64 = r->header_type == 0x14;
        r->type = p[4];
        r->level = p[5];
        r->version = seep_le16(p + 6);
        r->tid = seep_le32(p + 8);
        r->pid = seep_le32(p + 12);
        r->time = seep_le64(p + 16);
        r->guid = p + 24;
        break;
    case 0x12:
    case 0x13:
        r->kind = SEEP_ETL_MANIFEST;
        r->is_64 = r->header_type == 0x13;
        r->tid = seep_le32(p + 8);
        r->pid = seep_le32(p + 12);
        r->time = seep_le64(p + 16);
        r->guid = p + 24;
        break;
    default:
        r->kind = SEEP_ETL_OTHER;
        break;
    }
}

enum seep_etl_next seep_etl_record_next(struct seep_cursor *records, struct seep_etl_record *record)
{
    size_t left = seep_cursor_left(records);
    if (left < 8)
        return SEEP_ETL_END;
    size_t at = records->pos;
    const uint8_t *p = records->view.data + at;
    if (seep_le32(p) == 0xffffffffu)
        return SEEP_ETL_END;
    struct seep_etl_record r = { .header_type = p[2], .offset = at };
    size_t head = header_size(r.header_type);
    bool short_header = r.header_type <= 0x04 || r.header_type == 0x10 || r.header_type == 0x11;
    r.size_bytes = seep_le16(short_header ? p + 4 : p);
    if (!(p[3] & 0x80))
        return SEEP_ETL_BAD;
    if (r.size_bytes < (head ? head : 8) || r.size_bytes > left)
        return SEEP_ETL_BAD;
    read_header(p, &r);
    size_t skip = r.kind == SEEP_ETL_MANIFEST ? 0 : head;
    r.payload = seep_bytes(p + skip, r.size_bytes - skip);
    size_t aligned = ((size_t)r.size_bytes + 7) & ~(size_t)7;
    seep_cursor_skip(records, aligned < left ? aligned : left);
    *record = r;
    return SEEP_ETL_RECORD;
}

static struct seep_etl_rule read_rule(struct seep_cursor *c)
{
    struct seep_etl_rule rule = { 0 };
    rule.year = seep_cursor_u16(c);
    rule.month = seep_cursor_u16(c);
    rule.weekday = seep_cursor_u16(c);
    rule.day = seep_cursor_u16(c);
    rule.hour = seep_cursor_u16(c);
    rule.minute = seep_cursor_u16(c);
    rule.second = seep_cursor_u16(c);
    seep_cursor_skip(c, 2);
    return rule;
}

static struct seep_etl_zone read_zone(struct seep_cursor *c)
{
    enum { NAME_BYTES = 64 };
    struct seep_etl_zone zone = { 0 };
    zone.bias = (int32_t)seep_cursor_u32(c);
    seep_cursor_skip(c, NAME_BYTES);
    zone.standard = read_rule(c);
    zone.standard_bias = (int32_t)seep_cursor_u32(c);
    seep_cursor_skip(c, NAME_BYTES);
    zone.daylight = read_rule(c);
    zone.daylight_bias = (int32_t)seep_cursor_u32(c);
    return zone;
}

bool seep_etl_trace_read(struct seep_bytes payload, struct seep_etl_trace *trace)
{
    struct seep_cursor c = seep_cursor(payload);
    struct seep_etl_trace t = { 0 };
    t.buffer_size_bytes = seep_cursor_u32(&c);
    t.os_major = seep_cursor_u8(&c);
    t.os_minor = seep_cursor_u8(&c);
    seep_cursor_skip(&c, 2);
    t.os_build = seep_cursor_u32(&c);
    t.n_processors = seep_cursor_u32(&c);
    t.end_time = seep_cursor_u64(&c);
    seep_cursor_skip(&c, 8); // timer resolution, maximum file size
    t.mode = seep_cursor_u32(&c);
    t.n_buffers = seep_cursor_u32(&c);
    t.n_start_buffers = seep_cursor_u32(&c);
    t.pointer_size = seep_cursor_u32(&c);
    t.events_lost = seep_cursor_u32(&c);
    t.processor_mhz = seep_cursor_u32(&c);
    if (t.pointer_size != 4 && t.pointer_size != 8)
        return false;
    seep_cursor_skip(&c, 2 * t.pointer_size); // logger name, file name
    t.zone = read_zone(&c);
    seep_cursor_skip(&c, (8 - c.pos % 8) % 8);
    t.boot_time = seep_cursor_u64(&c);
    t.frequency = seep_cursor_u64(&c);
    t.start_time = seep_cursor_u64(&c);
    t.clock = seep_cursor_u32(&c);
    t.buffers_lost = seep_cursor_u32(&c);
    if (c.failed || t.buffer_size_bytes < SEEP_ETL_BUFFER_HEADER)
        return false;
    *trace = t;
    return true;
}

bool seep_etl_open(struct seep_bytes file, struct seep_etl_buffer *first,
                   struct seep_etl_trace *trace)
{
    struct seep_etl_buffer b;
    if (!seep_etl_buffer_at(file, 0, &b) || b.type != SEEP_ETL_BUFFER_TYPE_HEADER ||
        b.flags & SEEP_ETL_FLAG_COMPRESSED)
        return false;
    struct seep_cursor records = seep_cursor(b.records);
    struct seep_etl_record r;
    if (seep_etl_record_next(&records, &r) != SEEP_ETL_RECORD || r.kind != SEEP_ETL_SYSTEM ||
        r.hook != 0 || !seep_etl_trace_read(r.payload, trace))
        return false;
    *first = b;
    return true;
}

// The year of a day since 1601-01-01 (Gregorian; 146,097 days are 400 years).
static int year_of_day(int64_t day)
{
    int64_t year = 1601 + day / 146097 * 400;
    day %= 146097;
    int64_t century = day / 36524;
    if (century > 3)
        century = 3;
    day -= century * 36524;
    int64_t four = day / 1461;
    day -= four * 1461;
    int64_t rest = day / 365;
    if (rest > 3)
        rest = 3;
    return (int)(year + century * 100 + four * 4 + rest);
}

// Ticks since 1601 of a calendar time; false when a field is out of its range.
static bool civil_ticks(int year, int month, int day, const struct seep_etl_rule *at,
                        int64_t *ticks)
{
    static const int days_before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    static const int days_in[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (month < 1 || month > 12 || at->hour > 23 || at->minute > 59 || at->second > 59)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int in_month = days_in[month - 1] + (leap && month == 2);
    if (day < 1 || day > in_month)
        return false;
    int64_t years = year - 1601;
    int64_t days = years * 365 + years / 4 - years / 100 + years / 400 + days_before[month - 1] +
                   (leap && month > 2) + day - 1;
    *ticks = days * TICKS_PER_DAY +
             (at->hour * INT64_C(3600) + at->minute * INT64_C(60) + at->second) * TICKS_PER_SECOND;
    return true;
}

// The moment of a rule in `year`, in the wall clock that is in force before it.
static bool rule_ticks(const struct seep_etl_rule *rule, int year, int64_t *ticks)
{
    int64_t first = 0;
    if (rule->year != 0)
        return rule->year == year && civil_ticks(year, rule->month, rule->day, rule, ticks);
    if (!civil_ticks(year, rule->month, 1, rule, &first) || rule->weekday > 6 || rule->day < 1 ||
        rule->day > 5)
        return false;
    int weekday = (int)((first / TICKS_PER_DAY + 1) % 7); // 1601-01-01 was a Monday
    int day = 1 + (rule->weekday - weekday + 7) % 7 + 7 * (rule->day - 1);
    while (day > 28 && !civil_ticks(year, rule->month, day, rule, ticks))
        day -= 7; // week 5 is the last one
    return civil_ticks(year, rule->month, day, rule, ticks);
}

uint64_t seep_etl_zone_utc(const struct seep_etl_zone *zone, uint64_t local, uint64_t previous)
{
    enum { DAY_MINUTES = 1440 };
    if (local > (uint64_t)INT64_MAX / 2 || zone->bias > DAY_MINUTES || zone->bias < -DAY_MINUTES ||
        zone->standard_bias > DAY_MINUTES || zone->standard_bias < -DAY_MINUTES ||
        zone->daylight_bias > DAY_MINUTES || zone->daylight_bias < -DAY_MINUTES)
        return local;
    int64_t t = (int64_t)local;
    int64_t standard = t + (zone->bias + zone->standard_bias) * TICKS_PER_MINUTE;
    int64_t daylight = t + (zone->bias + zone->daylight_bias) * TICKS_PER_MINUTE;
    int year = year_of_day(t / TICKS_PER_DAY);
    int64_t on = 0, off = 0;
    int64_t utc = zone->standard.month ? standard : t + zone->bias * TICKS_PER_MINUTE;
    if (rule_ticks(&zone->daylight, year, &on) && rule_ticks(&zone->standard, year, &off)) {
        bool in_daylight = on < off ? t >= on && t < off : t >= on || t < off;
        int64_t twice = (zone->standard_bias - zone->daylight_bias) * TICKS_PER_MINUTE;
        bool again = t < off && t >= off - twice && daylight <= (int64_t)previous;
        utc = in_daylight && !again ? daylight : standard;
    }
    return utc < 0 ? local : (uint64_t)utc;
}
