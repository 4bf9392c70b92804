// SPDX-License-Identifier: MIT
// Text for a terminal: escapes and line breaks.
#include "report/plain.h"

#include "base/utf.h"

#include <string.h>

static const struct {
    uint32_t first, last;
} hostile[] = {
    { 0x00, 0x1f },       // C0: escape sequences, line ends, tabs
    { 0x7f, 0x9f },       // DEL and C1: U+009B starts an escape sequence by itself
    { 0xad, 0xad },       // soft hyphen
    { 0x61c, 0x61c },     // Arabic letter mark
    { 0x200b, 0x200b },   // zero width space
    { 0x200e, 0x200f },   // left-to-right and right-to-left marks
    { 0x2028, 0x202e },   // separators; embeddings and overrides of the reading order
    { 0x2060, 0x206f },   // invisible operators, isolates
    { 0xfeff, 0xfeff },   // byte order mark
    { 0xfff9, 0xfffb },   // interlinear annotation
    { 0xe0000, 0xe007f }, // tags
};

static bool is_hostile(uint32_t point)
{
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        if (point >= hostile[i].first && point <= hostile[i].last)
            return true;
    }
    return false;
}

// Decodes the sequence at `p`, which is known to be well formed. Returns its length.
static size_t decode(const uint8_t *p, uint32_t *point)
{
    if (p[0] < 0x80) {
        *point = p[0];
        return 1;
    }
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    *point = p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        *point = *point << 6 | (p[i] & 0x3fu);
    return len;
}

void seep_plain_add(struct seep_buf *out, const char *text, size_t max)
{
    if (!text)
        return;
    struct seep_buf valid = { 0 };
    (void)seep_utf8_add(&valid, seep_bytes(text, strlen(text)));
    if (valid.failed)
        out->failed = true;
    const uint8_t *p = (const uint8_t *)seep_buf_text(&valid);
    size_t at = 0;
    for (size_t n = 0; at < valid.len; n++) {
        uint32_t point;
        size_t len = decode(p + at, &point);
        if (max && n == max) {
            seep_buf_adds(out, "...");
            break;
        }
        if (!is_hostile(point))
            seep_buf_add(out, p + at, len);
        else if (point < 0x100)
            seep_buf_addf(out, "\\x%02X", (unsigned)point);
        else
            seep_buf_addf(out, "\\u%04X", (unsigned)point);
        at += len;
    }
    seep_buf_clear(&valid);
}

// The length of the word at `text` in bytes, and the columns that it takes.
static size_t word(const char *text, size_t *columns)
{
    size_t len = 0;
    *columns = 0;
    for (; text[len] && text[len] != ' '; len++)
        *columns += ((unsigned char)text[len] & 0xc0) != 0x80;
    return len;
}

void seep_plain_wrap(struct seep_buf *out, const char *plain, size_t indent, size_t width)
{
    size_t column = indent;
    bool first = true;
    while (*plain) {
        size_t columns;
        plain += strspn(plain, " ");
        size_t len = word(plain, &columns);
        if (len == 0)
            break;
        if (first) {
            first = false;
        } else if (column + 1 + columns > width) {
            seep_buf_addc(out, '\n');
            for (size_t i = 0; i < indent; i++)
                seep_buf_addc(out, ' ');
            column = indent;
        } else {
            seep_buf_addc(out, ' ');
            column++;
        }
        seep_buf_add(out, plain, len);
        column += columns;
        plain += len;
    }
}
