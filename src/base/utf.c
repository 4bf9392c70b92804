// SPDX-License-Identifier: MIT
// UTF-8 and UTF-16LE (The Unicode Standard, chapter 3.9, table 3-7).
#include "base/utf.h"

// The length of the well-formed sequence that starts at `p` with `left` bytes, 0 where there is
// none.
static size_t sequence(const uint8_t *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
            return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
            return 0;
        return 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
            return 0;
        if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

bool seep_utf8_valid(struct seep_bytes text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = sequence(text.data + at, text.len - at);
        if (!len)
            return false;
        at += len;
    }
    return true;
}

bool seep_utf8_add(struct seep_buf *out, struct seep_bytes text)
{
    bool valid = true;
    size_t at = 0, start = 0;
    while (at < text.len) {
        size_t len = sequence(text.data + at, text.len - at);
        if (len) {
            at += len;
            continue;
        }
        seep_buf_add(out, text.data + start, at - start);
        seep_buf_addf(out, "\\x%02X", text.data[at]);
        start = ++at;
        valid = false;
    }
    if (at > start)
        seep_buf_add(out, text.data + start, at - start);
    return valid;
}

void seep_utf8_add_point(struct seep_buf *out, uint32_t point)
{
    char room[4];
    size_t len = 0;
    if (point < 0x80) {
        room[len++] = (char)point;
    } else if (point < 0x800) {
        room[len++] = (char)(0xc0 | point >> 6);
        room[len++] = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        room[len++] = (char)(0xe0 | point >> 12);
        room[len++] = (char)(0x80 | (point >> 6 & 0x3f));
        room[len++] = (char)(0x80 | (point & 0x3f));
    } else {
        room[len++] = (char)(0xf0 | point >> 18);
        room[len++] = (char)(0x80 | (point >> 12 & 0x3f));
        room[len++] = (char)(0x80 | (point >> 6 & 0x3f));
        room[len++] = (char)(0x80 | (point & 0x3f));
    }
    seep_buf_add(out, room, len);
}

bool seep_utf16_add(struct seep_buf *out, struct seep_bytes text)
{
    bool valid = true;
    size_t at = 0;
    while (text.len - at >= 2) {
        uint32_t unit = seep_le16(text.data + at);
        at += 2;
        if (unit < 0xd800 || unit > 0xdfff) {
            seep_utf8_add_point(out, unit);
            continue;
        }
        uint32_t low = text.len - at >= 2 ? seep_le16(text.data + at) : 0;
        if (unit <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
            seep_utf8_add_point(out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            at += 2;
        } else {
            seep_buf_addf(out, "\\u%04X", (unsigned)unit);
            valid = false;
        }
    }
    if (at < text.len) {
        seep_buf_addf(out, "\\x%02X", text.data[at]);
        valid = false;
    }
    return valid;
}

struct seep_bytes seep_utf16_until_nul(struct seep_bytes text)
{
    size_t at = 0;
    while (text.len - at >= 2 && (text.data[at] || text.data[at + 1]))
        at += 2;
    return text.len - at >= 2 ? seep_bytes(text.data, at) : text;
}
