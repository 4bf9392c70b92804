// SPDX-License-Identifier: MIT
// Binary XML: names, start tags, template instances and their values.
#include "source/evtx/binxml.h"

#include <string.h>

enum {
    NAME_HEADER = 8,        // next, hash, number of units
    DEFINITION_HEADER = 24, // next, GUID, size of the body
};

bool seep_evtx_name(struct seep_bytes chunk, size_t offset, struct seep_bytes *name, size_t *after)
{
    if (!seep_bytes_has(chunk, offset, NAME_HEADER))
        return false;
    size_t len = (size_t)seep_le16(chunk.data + offset + 6) * 2;
    if (!seep_bytes_has(chunk, offset + NAME_HEADER, len + 2))
        return false;
    *name = seep_bytes(chunk.data + offset + NAME_HEADER, len);
    if (after)
        *after = offset + NAME_HEADER + len + 2;
    return true;
}

bool seep_evtx_is(struct seep_bytes utf16, const char *ascii)
{
    size_t n = utf16.len / 2;
    for (size_t i = 0; i < n; i++) {
        if (!ascii[i] || seep_le16(utf16.data + 2 * i) != (uint8_t)ascii[i])
            return false;
    }
    return !ascii[n];
}

bool seep_evtx_name_reference(struct seep_bytes chunk, size_t *pos, size_t limit,
                              struct seep_bytes *name)
{
    if (limit > chunk.len || *pos > limit || limit - *pos < 4)
        return false;
    size_t offset = seep_le32(chunk.data + *pos), after;
    if (!seep_evtx_name(chunk, offset, name, &after))
        return false;
    *pos += 4;
    if (offset == *pos) {
        if (after > limit)
            return false;
        *pos = after;
    }
    return true;
}

bool seep_evtx_element(struct seep_bytes chunk, size_t pos, size_t limit, bool has_dependency,
                       struct seep_evtx_element *element)
{
    struct seep_evtx_element e = { .dependency = SEEP_EVTX_NO_DEPENDENCY };
    size_t head = has_dependency ? 7 : 5;
    if (limit > chunk.len || pos > limit || limit - pos < head)
        return false;
    uint8_t token = chunk.data[pos];
    if ((token & ~SEEP_EVTX_MORE) != SEEP_EVTX_OPEN_START)
        return false;
    if (has_dependency)
        e.dependency = seep_le16(chunk.data + pos + 1);
    size_t size = seep_le32(chunk.data + pos + head - 4);
    pos += head;
    if (size > limit - pos)
        return false;
    e.end = pos + size;
    if (!seep_evtx_name_reference(chunk, &pos, e.end, &e.name))
        return false;
    if (token & SEEP_EVTX_MORE) {
        if (e.end - pos < 4)
            return false;
        size_t list = seep_le32(chunk.data + pos);
        pos += 4;
        if (list > e.end - pos)
            return false;
        e.attributes = pos;
        pos += list;
    } else {
        e.attributes = pos;
    }
    e.attributes_end = pos;
    if (pos >= e.end)
        return false;
    if (chunk.data[pos] == SEEP_EVTX_CLOSE_EMPTY)
        e.empty = true;
    else if (chunk.data[pos] != SEEP_EVTX_CLOSE_START)
        return false;
    e.content = pos + 1;
    *element = e;
    return true;
}

bool seep_evtx_has_dependency(struct seep_bytes chunk, size_t pos, size_t limit)
{
    struct seep_evtx_element e;
    return !seep_evtx_element(chunk, pos, limit, false, &e);
}

bool seep_evtx_template(struct seep_bytes chunk, size_t pos, size_t limit,
                        struct seep_evtx_template *instance)
{
    struct seep_evtx_template t = { 0 };
    if (limit > chunk.len || pos > limit || limit - pos < 10)
        return false;
    t.definition = seep_le32(chunk.data + pos + 6);
    pos += 10;
    if (!seep_bytes_has(chunk, t.definition, DEFINITION_HEADER))
        return false;
    size_t size = seep_le32(chunk.data + t.definition + 20);
    t.body = t.definition + DEFINITION_HEADER;
    if (size > chunk.len - t.body)
        return false;
    t.body_end = t.body + size;
    if (t.definition == pos)
        pos = t.body_end;
    if (pos > limit || limit - pos < 4)
        return false;
    t.values.count = seep_le32(chunk.data + pos);
    pos += 4;
    if (t.values.count > (limit - pos) / 4)
        return false;
    t.values.descriptors = chunk.data + pos;
    pos += (size_t)t.values.count * 4;
    t.values.data = seep_bytes(chunk.data + pos, limit - pos);
    *instance = t;
    return true;
}

// The bytes before value `index`; at most 64 Ki values of 64 KiB, so the sum does not overflow.
static size_t values_before(const struct seep_evtx_values *values, uint32_t index)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < index; i++)
        sum += seep_le16(values->descriptors + 4 * (size_t)i);
    return sum;
}

bool seep_evtx_values_end(struct seep_bytes chunk, const struct seep_evtx_values *values,
                          size_t *end)
{
    size_t sum = values_before(values, values->count);
    if (sum > values->data.len)
        return false;
    *end = (size_t)(values->data.data - chunk.data) + sum;
    return true;
}

bool seep_evtx_value(const struct seep_evtx_values *values, uint32_t index,
                     struct seep_evtx_value *value)
{
    if (index >= values->count)
        return false;
    size_t before = values_before(values, index);
    const uint8_t *descriptor = values->descriptors + 4 * (size_t)index;
    size_t len = seep_le16(descriptor);
    if (!seep_bytes_has(values->data, before, len))
        return false;
    value->type = descriptor[2];
    value->bytes = seep_bytes(values->data.data + before, len);
    return true;
}

void seep_evtx_skip_fragment(struct seep_bytes chunk, size_t *pos, size_t limit)
{
    if (limit <= chunk.len && *pos <= limit && limit - *pos >= 4 &&
        chunk.data[*pos] == SEEP_EVTX_FRAGMENT)
        *pos += 4;
}

bool seep_evtx_number(const struct seep_evtx_value *value, uint64_t *number)
{
    const uint8_t *p = value->bytes.data;
    size_t len = value->bytes.len;
    switch (value->type) {
    case SEEP_EVTX_TYPE_INT8:
    case SEEP_EVTX_TYPE_UINT8:
    case SEEP_EVTX_TYPE_INT16:
    case SEEP_EVTX_TYPE_UINT16:
    case SEEP_EVTX_TYPE_INT32:
    case SEEP_EVTX_TYPE_UINT32:
    case SEEP_EVTX_TYPE_INT64:
    case SEEP_EVTX_TYPE_UINT64:
    case SEEP_EVTX_TYPE_HEX32:
    case SEEP_EVTX_TYPE_HEX64:
        if (len != 1 && len != 2 && len != 4 && len != 8)
            return false;
        *number = len == 1   ? p[0]
                  : len == 2 ? seep_le16(p)
                  : len == 4 ? seep_le32(p)
                             : seep_le64(p);
        return true;
    case SEEP_EVTX_TYPE_STRING: {
        uint64_t n = 0;
        size_t units = len / 2;
        for (size_t i = 0; i < units; i++) {
            unsigned c = seep_le16(p + 2 * i);
            if (c < '0' || c > '9' || n > UINT64_MAX / 10 - 1)
                return false;
            n = n * 10 + (c - '0');
        }
        if (!units)
            return false;
        *number = n;
        return true;
    }
    default:
        return false;
    }
}
