// SPDX-License-Identifier: MIT
// Values of binary XML as typed fields: numbers stay numbers, times become nanoseconds, GUIDs and
// SIDs their usual text, bytes hexadecimal digits.
#include "source/evtx/value.h"

#include "base/time.h"
#include "base/utf.h"

#include <inttypes.h>

static void add_hex(struct seep_buf *out, struct seep_bytes bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < bytes.len; i++) {
        seep_buf_addc(out, digits[bytes.data[i] >> 4]);
        seep_buf_addc(out, digits[bytes.data[i] & 15]);
    }
}

static void add_guid(struct seep_buf *out, const uint8_t *p)
{
    seep_buf_addf(out, "{%08" PRIx32 "-%04x-%04x-%02x%02x-", seep_le32(p), seep_le16(p + 4),
                  seep_le16(p + 6), p[8], p[9]);
    for (int i = 10; i < 16; i++)
        seep_buf_addf(out, "%02x", p[i]);
    seep_buf_addc(out, '}');
}

// A security identifier (MS-DTYP 2.4.2.2): revision, count, 48-bit authority (big-endian),
// sub-authorities.
static bool add_sid(struct seep_buf *out, struct seep_bytes b)
{
    if (b.len < 8 || b.len != 8 + (size_t)b.data[1] * 4)
        return false;
    uint64_t authority = 0;
    for (int i = 2; i < 8; i++)
        authority = authority << 8 | b.data[i];
    seep_buf_addf(out, "S-%u-%" PRIu64, b.data[0], authority);
    for (size_t at = 8; at < b.len; at += 4)
        seep_buf_addf(out, "-%" PRIu32, seep_le32(b.data + at));
    return true;
}

static bool set_text(struct seep_buf *scratch, struct seep_arena *arena, struct seep_field *field)
{
    if (scratch->failed)
        return false;
    field->type = SEEP_FIELD_TEXT;
    field->value.text = seep_arena_strndup(arena, seep_buf_text(scratch), scratch->len);
    return field->value.text != NULL;
}

static void set_uint(struct seep_field *field, enum seep_field_type type, uint64_t value)
{
    field->type = type;
    field->value.uint = value;
}

static void set_int(struct seep_field *field, int64_t value)
{
    field->type = SEEP_FIELD_INT;
    field->value.sint = value;
}

static void set_real(struct seep_field *field, double value)
{
    field->type = SEEP_FIELD_REAL;
    field->value.real = value;
}

static void set_time(struct seep_field *field, int64_t t_ns)
{
    field->type = SEEP_FIELD_TIME;
    field->value.time_ns = t_ns;
}

static bool set_systemtime(struct seep_field *field, const uint8_t *p)
{
    int64_t t_ns;
    int milliseconds = seep_le16(p + 14);
    if (milliseconds > 999 ||
        !seep_time_from_civil(seep_le16(p), seep_le16(p + 2), seep_le16(p + 6), seep_le16(p + 8),
                              seep_le16(p + 10), seep_le16(p + 12), milliseconds * 1000000, &t_ns))
        return false;
    set_time(field, t_ns);
    return true;
}

static double real32(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double real64(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// The bytes of a value of fixed size; 0 for types that have none.
static size_t fixed_size(uint8_t type)
{
    static const uint8_t sizes[] = {
        [SEEP_EVTX_TYPE_INT8] = 1,   [SEEP_EVTX_TYPE_UINT8] = 1,
        [SEEP_EVTX_TYPE_INT16] = 2,  [SEEP_EVTX_TYPE_UINT16] = 2,
        [SEEP_EVTX_TYPE_INT32] = 4,  [SEEP_EVTX_TYPE_UINT32] = 4,
        [SEEP_EVTX_TYPE_INT64] = 8,  [SEEP_EVTX_TYPE_UINT64] = 8,
        [SEEP_EVTX_TYPE_REAL32] = 4, [SEEP_EVTX_TYPE_REAL64] = 8,
        [SEEP_EVTX_TYPE_BOOL] = 4,   [SEEP_EVTX_TYPE_GUID] = 16,
        [SEEP_EVTX_TYPE_SIZE] = 8,   [SEEP_EVTX_TYPE_FILETIME] = 8,
        [SEEP_EVTX_TYPE_HEX32] = 4,  [SEEP_EVTX_TYPE_SYSTEMTIME] = 16,
        [SEEP_EVTX_TYPE_HEX64] = 8,
    };
    return type < sizeof sizes ? sizes[type] : 0;
}

// A value of fixed size whose size is right. False for what is no sound value of its type.
static bool set_fixed(uint8_t type, const uint8_t *p, struct seep_buf *scratch,
                      struct seep_field *field)
{
    switch (type) {
    case SEEP_EVTX_TYPE_INT8:
        set_int(field, p[0] < 0x80 ? p[0] : p[0] - 0x100);
        return true;
    case SEEP_EVTX_TYPE_UINT8:
        set_uint(field, SEEP_FIELD_UINT, p[0]);
        return true;
    case SEEP_EVTX_TYPE_INT16:
        set_int(field, (int16_t)seep_le16(p));
        return true;
    case SEEP_EVTX_TYPE_UINT16:
        set_uint(field, SEEP_FIELD_UINT, seep_le16(p));
        return true;
    case SEEP_EVTX_TYPE_INT32:
        set_int(field, (int32_t)seep_le32(p));
        return true;
    case SEEP_EVTX_TYPE_UINT32:
        set_uint(field, SEEP_FIELD_UINT, seep_le32(p));
        return true;
    case SEEP_EVTX_TYPE_INT64:
        set_int(field, (int64_t)seep_le64(p));
        return true;
    case SEEP_EVTX_TYPE_UINT64:
        set_uint(field, SEEP_FIELD_UINT, seep_le64(p));
        return true;
    case SEEP_EVTX_TYPE_REAL32:
        set_real(field, real32(seep_le32(p)));
        return true;
    case SEEP_EVTX_TYPE_REAL64:
        set_real(field, real64(seep_le64(p)));
        return true;
    case SEEP_EVTX_TYPE_BOOL:
        set_uint(field, SEEP_FIELD_BOOL, seep_le32(p) != 0);
        return true;
    case SEEP_EVTX_TYPE_GUID:
        add_guid(scratch, p);
        return true;
    case SEEP_EVTX_TYPE_FILETIME:
        set_time(field, seep_time_from_filetime(seep_le64(p)));
        return true;
    case SEEP_EVTX_TYPE_SYSTEMTIME:
        return set_systemtime(field, p);
    case SEEP_EVTX_TYPE_HEX32:
        set_uint(field, SEEP_FIELD_HEX, seep_le32(p));
        return true;
    case SEEP_EVTX_TYPE_SIZE:
    case SEEP_EVTX_TYPE_HEX64:
        set_uint(field, SEEP_FIELD_HEX, seep_le64(p));
        return true;
    default:
        return false;
    }
}

bool seep_evtx_field(const struct seep_evtx_value *value, struct seep_arena *arena,
                     struct seep_buf *scratch, struct seep_field *field, bool *sound)
{
    struct seep_field out = { .path = field->path, .type = SEEP_FIELD_NULL };
    seep_buf_reset(scratch);
    size_t size = fixed_size(value->type);
    bool good = true;
    if (value->type == SEEP_EVTX_TYPE_NULL) {
        *field = out;
        return true;
    }
    if (value->type == SEEP_EVTX_TYPE_STRING) {
        good = seep_utf16_add(scratch, seep_utf16_until_nul(value->bytes));
    } else if (value->type == SEEP_EVTX_TYPE_ANSI) {
        size_t len = 0;
        while (len < value->bytes.len && value->bytes.data[len])
            len++;
        good = seep_utf8_add(scratch, seep_bytes(value->bytes.data, len));
    } else if (value->type == SEEP_EVTX_TYPE_BINARY) {
        add_hex(scratch, value->bytes);
    } else if (value->type == SEEP_EVTX_TYPE_SID) {
        good = add_sid(scratch, value->bytes);
        if (!good)
            add_hex(scratch, value->bytes);
    } else if (value->type == SEEP_EVTX_TYPE_SIZE && value->bytes.len == 4) {
        set_uint(&out, SEEP_FIELD_HEX, seep_le32(value->bytes.data));
    } else if (size == 0 || value->bytes.len != size ||
               !set_fixed(value->type, value->bytes.data, scratch, &out)) {
        good = false;
        seep_buf_reset(scratch);
        add_hex(scratch, value->bytes);
    }
    if (!good)
        *sound = false;
    if (out.type == SEEP_FIELD_NULL && !set_text(scratch, arena, &out))
        return false;
    *field = out;
    return true;
}

// The length in bytes of the NUL-terminated item at `pos`, without its terminator.
static size_t item_length(struct seep_bytes all, size_t pos, size_t unit)
{
    size_t len = 0;
    while (all.len - pos - len >= unit) {
        const uint8_t *p = all.data + pos + len;
        if (p[0] == 0 && (unit == 1 || p[1] == 0))
            return len;
        len += unit;
    }
    return all.len - pos;
}

bool seep_evtx_array_next(const struct seep_evtx_value *array, size_t *pos,
                          struct seep_evtx_value *item)
{
    uint8_t type = array->type & (uint8_t)~SEEP_EVTX_TYPE_ARRAY;
    struct seep_bytes all = array->bytes;
    bool text = type == SEEP_EVTX_TYPE_STRING || type == SEEP_EVTX_TYPE_ANSI;
    if (all.len == 0 && *pos == 0) {
        *pos = 1;
        item->type = text ? type : SEEP_EVTX_TYPE_NULL;
        item->bytes = all;
        return true;
    }
    if (*pos >= all.len)
        return false;
    size_t len, step;
    if (text) {
        size_t unit = type == SEEP_EVTX_TYPE_STRING ? 2 : 1;
        len = item_length(all, *pos, unit);
        step = len + unit;
    } else {
        len = fixed_size(type);
        if (len == 0 || len > all.len - *pos)
            len = all.len - *pos;
        step = len;
    }
    item->type = type;
    item->bytes = seep_bytes_part(all, *pos, len);
    *pos += step;
    return true;
}

void seep_evtx_field_text(const struct seep_field *field, struct seep_buf *out)
{
    char time[SEEP_TIME_TEXT], number[SEEP_NUMBER_TEXT];
    switch (field->type) {
    case SEEP_FIELD_NULL:
        break;
    case SEEP_FIELD_TEXT:
        seep_buf_adds(out, field->value.text);
        break;
    case SEEP_FIELD_UINT:
        seep_buf_addf(out, "%" PRIu64, field->value.uint);
        break;
    case SEEP_FIELD_INT:
        seep_buf_addf(out, "%" PRId64, field->value.sint);
        break;
    case SEEP_FIELD_REAL:
        if (field->value.real - field->value.real == 0) {
            (void)seep_number_format(field->value.real, number);
            seep_buf_adds(out, number);
        }
        break;
    case SEEP_FIELD_BOOL:
        seep_buf_adds(out, field->value.uint ? "true" : "false");
        break;
    case SEEP_FIELD_HEX:
        seep_buf_addf(out, "0x%" PRIx64, field->value.uint);
        break;
    case SEEP_FIELD_TIME:
        if (field->value.time_ns != SEEP_NO_TIME) {
            seep_time_format(field->value.time_ns, time);
            seep_buf_adds(out, time);
        }
        break;
    }
}
