// SPDX-License-Identifier: MIT
// Finding the header of a PDH text log and going through its lines.
#include "source/pdh_lines.h"

#include "base/utf.h"

#include <string.h>

enum { START_WINDOW = 4096, SIGNATURE_LENGTH = 12 }; // of "(PDH-CSV 4.0"

static size_t unit_size(enum seep_pdh_encoding encoding)
{
    return encoding == SEEP_PDH_BYTES ? 1 : 2;
}

// The unit at `at`, which must be inside.
static unsigned unit_at(struct seep_bytes file, enum seep_pdh_encoding encoding, size_t at)
{
    const uint8_t *p = file.data + at;
    if (encoding == SEEP_PDH_BYTES)
        return p[0];
    return encoding == SEEP_PDH_UTF16LE ? p[0] | (unsigned)p[1] << 8 : p[1] | (unsigned)p[0] << 8;
}

static enum seep_pdh_kind kind_at(struct seep_bytes file, enum seep_pdh_encoding encoding,
                                  size_t at)
{
    char text[SIGNATURE_LENGTH];
    size_t size = unit_size(encoding);
    if (!seep_bytes_has(file, at, SIGNATURE_LENGTH * size))
        return SEEP_PDH_NONE;
    for (size_t i = 0; i < SIGNATURE_LENGTH; i++) {
        unsigned unit = unit_at(file, encoding, at + i * size);
        text[i] = unit < 0x80 ? (char)unit : '?';
    }
    if (memcmp(text, "(PDH-", 5) != 0 || memcmp(text + 6, "SV ", 3) != 0 || text[9] < '0' ||
        text[9] > '9' || text[10] != '.')
        return SEEP_PDH_NONE;
    return text[5] == 'C' ? SEEP_PDH_CSV : text[5] == 'T' ? SEEP_PDH_TSV : SEEP_PDH_NONE;
}

static bool find_in(struct seep_bytes file, enum seep_pdh_encoding encoding,
                    struct seep_pdh_start *start)
{
    size_t size = unit_size(encoding), at = 0, end = file.len, n_text = 0;
    if (encoding == SEEP_PDH_BYTES && seep_bytes_match(file, 0, "\xef\xbb\xbf", 3))
        at = 3;
    else if (encoding != SEEP_PDH_BYTES && file.len >= 2 && unit_at(file, encoding, 0) == 0xfeff)
        at = 2;
    if (end > START_WINDOW)
        end = START_WINDOW;
    unsigned before = 0;
    for (; end >= size && at <= end - size; at += size) {
        unsigned unit = unit_at(file, encoding, at);
        enum seep_pdh_kind kind = unit == '(' ? kind_at(file, encoding, at) : SEEP_PDH_NONE;
        if (kind) {
            bool quoted = before == '"';
            *start = (struct seep_pdh_start){
                .kind = kind,
                .encoding = encoding,
                .offset = quoted ? at - size : at,
                .first_text = n_text == quoted,
            };
            return true;
        }
        n_text += unit > ' ';
        before = unit;
    }
    return false;
}

bool seep_pdh_find_start(struct seep_bytes file, struct seep_pdh_start *start)
{
    return find_in(file, SEEP_PDH_BYTES, start) || find_in(file, SEEP_PDH_UTF16LE, start) ||
           find_in(file, SEEP_PDH_UTF16BE, start);
}

enum seep_pdh_kind seep_pdh_header_kind(const char *text, size_t length)
{
    size_t at = length && *text == '"';
    return kind_at(seep_bytes(text, length), SEEP_PDH_BYTES, at);
}

struct seep_pdh_lines seep_pdh_text_lines(struct seep_bytes file)
{
    struct seep_pdh_lines lines = { .file = file };
    if (seep_bytes_match(file, 0, "\xff\xfe", 2)) {
        lines.encoding = SEEP_PDH_UTF16LE;
        lines.pos = 2;
    } else if (seep_bytes_match(file, 0, "\xfe\xff", 2)) {
        lines.encoding = SEEP_PDH_UTF16BE;
        lines.pos = 2;
    } else if (seep_bytes_match(file, 0, "\xef\xbb\xbf", 3)) {
        lines.pos = 3;
    } else if (seep_bytes_has(file, 0, 2) && file.data[0] && !file.data[1]) {
        lines.encoding = SEEP_PDH_UTF16LE; // the mark was lost
    }
    return lines;
}

static bool next_bytes(struct seep_pdh_lines *lines, struct seep_pdh_line *line)
{
    const uint8_t *start = lines->file.data + lines->pos;
    size_t left = lines->file.len - lines->pos;
    const uint8_t *end = memchr(start, '\n', left);
    line->ended = end != NULL;
    line->text = (const char *)start;
    line->length = end ? (size_t)(end - start) : left;
    lines->pos += line->length + line->ended;
    return true;
}

static bool next_wide(struct seep_pdh_lines *lines, struct seep_pdh_line *line)
{
    size_t from = lines->pos, at = from, even = lines->file.len - (lines->file.len - from) % 2;
    while (at < even && unit_at(lines->file, lines->encoding, at) != '\n')
        at += 2;
    line->ended = at < even;
    lines->pos = line->ended ? at + 2 : lines->file.len;
    struct seep_bytes wide = seep_bytes_part(lines->file, from, at - from);
    if (lines->encoding == SEEP_PDH_UTF16BE) {
        seep_buf_reset(&lines->swapped);
        for (size_t i = 0; i + 1 < wide.len; i += 2) {
            seep_buf_addc(&lines->swapped, (char)wide.data[i + 1]);
            seep_buf_addc(&lines->swapped, (char)wide.data[i]);
        }
        wide = seep_bytes(lines->swapped.data, lines->swapped.len);
    }
    seep_buf_reset(&lines->text);
    (void)seep_utf16_add(&lines->text, wide);
    lines->text.failed |= lines->swapped.failed;
    line->text = seep_buf_text(&lines->text);
    line->length = lines->text.len;
    return !lines->text.failed;
}

bool seep_pdh_next_line(struct seep_pdh_lines *lines, struct seep_pdh_line *line)
{
    size_t from = lines->pos;
    while (lines->pos < lines->file.len && lines->file.data[lines->pos] == 0)
        lines->pos++;
    // The zero half of a UTF-16BE unit belongs to the text.
    if (lines->encoding != SEEP_PDH_BYTES && lines->pos < lines->file.len)
        lines->pos -= (lines->pos - from) % 2;
    line->zero_bytes = lines->pos - from;
    line->offset = lines->pos;
    line->text = "";
    line->length = 0;
    line->ended = false;
    if (lines->pos >= lines->file.len)
        return line->zero_bytes != 0;
    if (!(lines->encoding == SEEP_PDH_BYTES ? next_bytes(lines, line) : next_wide(lines, line)))
        return false;
    if (line->length && line->text[line->length - 1] == '\r')
        line->length--;
    return true;
}

enum seep_status seep_pdh_each_line(struct seep_pdh_lines *lines, struct seep_pdh_line *line,
                                    const struct seep_input *input,
                                    const struct seep_control *control, bool (*take)(void *ctx),
                                    void *ctx)
{
    enum { STEP_BYTES = 1 << 20 }; // between two looks at the cancel flag
    size_t next_step = STEP_BYTES;
    while (seep_pdh_next_line(lines, line)) {
        if (!take(ctx))
            return SEEP_FAILED;
        if (lines->pos >= next_step) {
            next_step = lines->pos + STEP_BYTES;
            seep_input_done(input, line->offset);
            seep_progress(control, lines->pos, lines->file.len);
            if (seep_cancelled(control))
                return SEEP_CANCELLED;
        }
    }
    return lines->text.failed ? SEEP_FAILED : SEEP_OK;
}

void seep_pdh_lines_clear(struct seep_pdh_lines *lines)
{
    seep_buf_clear(&lines->text);
    seep_buf_clear(&lines->swapped);
}
