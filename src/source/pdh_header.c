// SPDX-License-Identifier: MIT
// Splitting, decoding and announcing the columns of a PDH text log.
#include "source/pdh_header.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/codepage.h"
#include "base/utf.h"
#include "nt/counter_names.h"

#include <string.h>

enum {
    // columns with localized names that are tried with each code page: enough to tell them apart
    GUESS_COLUMNS = 200,
    // an hour's offset from UTC is at most 14; more than a day is no offset
    BIAS_MAX_MINUTES = 24 * 60,
    ARENA_COLUMNS = 256, // columns between two clearings of the scratch memory
};

const char *seep_pdh_cell(const char *at, const char *end, char delimiter, struct seep_bytes *cell,
                          bool *closed)
{
    *closed = true;
    if (at == end || *at != '"') {
        const char *stop = at == end ? NULL : memchr(at, delimiter, (size_t)(end - at));
        if (!stop)
            stop = end;
        *cell = seep_bytes(at, (size_t)(stop - at));
        return stop;
    }
    const char *from = at + 1, *p = from;
    while (p < end && (p = memchr(p, '"', (size_t)(end - p))) != NULL) {
        if (p + 1 == end || p[1] == delimiter) {
            *cell = seep_bytes(from, (size_t)(p - from));
            return p + 1;
        }
        p += p[1] == '"' ? 2 : 1;
    }
    *closed = false;
    *cell = seep_bytes(from, (size_t)(end - from));
    return end;
}

static bool is_ascii(struct seep_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= 0x80)
            return false;
    }
    return true;
}

// The minutes in the last parentheses of "(PDH-CSV 4.0) (W. Europe Standard Time)(-60)". PDH writes
// UTC minus local time, as TIME_ZONE_INFORMATION has it: (240) for Eastern Daylight Time.
static bool parse_bias(struct seep_bytes cell, int *bias)
{
    const uint8_t *s = cell.data;
    size_t i = cell.len;
    if (i == 0 || s[i - 1] != ')')
        return false;
    size_t end = --i;
    while (i > 0 && s[i - 1] >= '0' && s[i - 1] <= '9')
        i--;
    if (i == end || end - i > 4)
        return false;
    int minutes = 0;
    for (size_t j = i; j < end; j++)
        minutes = minutes * 10 + (s[j] - '0');
    bool negative = i > 0 && s[i - 1] == '-';
    i -= negative;
    // The zone's own parentheses stand before; those of the signature hold no whole number.
    if (i < 2 || s[i - 1] != '(' || s[i - 2] != ')' || minutes > BIAS_MAX_MINUTES)
        return false;
    *bias = negative ? -minutes : minutes;
    return true;
}

// What parts the cells of this log: what stands behind its first cell.
static char find_delimiter(const char *text, const char *end, enum seep_pdh_kind kind)
{
    static const char choices[] = ",\t;";
    char usual = kind == SEEP_PDH_TSV ? '\t' : ',';
    if (text < end && *text == '"') {
        for (const char *p = text + 1; p + 1 < end; p++) {
            if (*p == '"' && p[1] && strchr(choices, p[1]))
                return p[1];
        }
        return usual;
    }
    size_t length = (size_t)(end - text);
    if (memchr(text, usual, length))
        return usual;
    for (const char *c = choices; *c; c++) {
        if (memchr(text, *c, length))
            return *c;
    }
    return usual;
}

// Appends a name with doubled quotes made single.
static void add_unquoted(struct seep_buf *out, struct seep_bytes cell)
{
    for (size_t i = 0; i < cell.len; i++) {
        seep_buf_addc(out, (char)cell.data[i]);
        if (cell.data[i] == '"' && i + 1 < cell.len && cell.data[i + 1] == '"')
            i++;
    }
}

static bool decode(struct seep_buf *out, struct seep_bytes text, const struct seep_codepage *page)
{
    bool whole = true;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t point = seep_codepage_decode(page, text.data[i]);
        if (point || !text.data[i])
            seep_utf8_add_point(out, point);
        else
            seep_buf_addf(out, "\\x%02X", text.data[i]);
        whole &= point != 0;
    }
    return whole;
}

// How many localized names of one path a code page makes known ones.
static unsigned known_names(struct seep_bytes path, const struct seep_codepage *page,
                            struct seep_arena *room, struct seep_buf *text)
{
    struct seep_perfmon_counter c;
    seep_buf_reset(text);
    (void)decode(text, path, page);
    if (text->failed || !seep_perfmon_split(seep_bytes(text->data, text->len), room, &c))
        return 0;
    enum seep_perf_object object = seep_perf_object_by_name(c.object, strlen(c.object));
    unsigned n = object && !is_ascii(seep_bytes(c.object, strlen(c.object)));
    n += seep_perf_counter_by_name(object, c.counter, strlen(c.counter)) &&
         !is_ascii(seep_bytes(c.counter, strlen(c.counter)));
    return n;
}

// The code page that makes most of the names known; NULL where none makes any.
static const struct seep_codepage *guess_codepage(const struct seep_bytes *cells, size_t n_cells)
{
    unsigned scores[64] = { 0 };
    size_t n_tried = 0, n_pages = seep_codepages_count < 64 ? seep_codepages_count : 64;
    struct seep_buf text = { 0 };
    for (size_t i = 0; i < n_cells && n_tried < GUESS_COLUMNS; i++) {
        if (cells[i].len > SEEP_MAX_NAME || is_ascii(cells[i]))
            continue;
        struct seep_arena room = { 0 };
        n_tried++;
        for (size_t k = 0; k < n_pages; k++)
            scores[k] += known_names(cells[i], &seep_codepages[k], &room, &text);
        seep_arena_clear(&room);
    }
    seep_buf_clear(&text);
    size_t best = 0;
    for (size_t k = 1; k < n_pages; k++) {
        if (scores[k] > scores[best])
            best = k;
    }
    return scores[best] ? &seep_codepages[best] : NULL;
}

static bool announce(struct seep_pdh_header *h, struct seep_bytes cell,
                     const struct seep_codepage *page, struct seep_arena *room,
                     struct seep_buf *text, struct seep_perfmon *pm,
                     struct seep_perfmon_column *column)
{
    struct seep_perfmon_counter counter;
    struct seep_buf unquoted = { 0 };
    *column = (struct seep_perfmon_column){ 0 };
    seep_buf_reset(text);
    if (memchr(cell.data, '"', cell.len)) {
        add_unquoted(&unquoted, cell);
        cell = seep_bytes(unquoted.data, unquoted.len);
    }
    bool whole = true;
    if (seep_utf8_valid(cell) || !page)
        whole = seep_utf8_add(text, cell);
    else
        whole = decode(text, cell, page);
    bool failed = text->failed || unquoted.failed;
    seep_buf_clear(&unquoted);
    if (failed)
        return false;
    if (!seep_perfmon_split(seep_bytes(seep_buf_text(text), text->len), room, &counter)) {
        h->n_unknown += strspn(seep_buf_text(text), " ") < text->len;
        return true;
    }
    h->n_escaped += !whole;
    *column = seep_perfmon_column(pm, &counter);
    if (!column->v)
        return false;
    size_t before = h->n_used;
    if (!seep_grow(&h->used, &h->n_used, column->v, sizeof *h->used))
        return false;
    if (h->n_used > before)
        memset(h->used + before, 0, (h->n_used - before) * sizeof *h->used);
    if (h->used[column->v - 1] == h->n_headers) {
        h->n_duplicate++;
        column->v = 0;
    } else {
        h->used[column->v - 1] = h->n_headers;
    }
    return true;
}

static bool announce_all(struct seep_pdh_header *h, const struct seep_bytes *cells, size_t n_cells,
                         const struct seep_codepage *page, struct seep_perfmon *pm)
{
    struct seep_arena room = { 0 };
    struct seep_buf text = { 0 };
    bool ok = seep_grow(&h->columns, &h->capacity, n_cells ? n_cells : 1, sizeof *h->columns);
    for (size_t i = 0; ok && i < n_cells; i++) {
        ok = announce(h, cells[i], page, &room, &text, pm, &h->columns[i]);
        if (i % ARENA_COLUMNS == ARENA_COLUMNS - 1)
            seep_arena_clear(&room);
    }
    seep_arena_clear(&room);
    seep_buf_clear(&text);
    return ok;
}

bool seep_pdh_read_header(struct seep_pdh_header *h, const struct seep_pdh_line *line,
                          enum seep_pdh_kind kind, struct seep_perfmon *pm)
{
    const char *at = line->text, *end = line->text + line->length;
    struct seep_bytes *cells = NULL;
    size_t n_cells = 0, capacity = 0;
    struct seep_bytes cell;
    bool closed, ok = true, is_utf8 = true;
    h->delimiter = find_delimiter(at, end, kind);
    h->n_headers++;
    at = seep_pdh_cell(at, end, h->delimiter, &cell, &closed);
    h->has_bias = parse_bias(cell, &h->bias_minutes);
    while (ok && at < end) {
        at = seep_pdh_cell(at + 1, end, h->delimiter, &cell, &closed);
        h->is_cut |= !closed || (!line->ended && at == end && at[-1] != '"');
        if (at == end && h->is_cut)
            break;
        is_utf8 &= seep_utf8_valid(cell);
        ok = seep_grow(&cells, &capacity, n_cells + 1, sizeof *cells);
        if (ok)
            cells[n_cells++] = cell;
    }
    const struct seep_codepage *page = is_utf8 || !ok ? NULL : guess_codepage(cells, n_cells);
    h->codepage = page ? page->number : 0;
    ok = ok && announce_all(h, cells, n_cells, page, pm);
    h->n_columns = ok ? n_cells : 0;
    seep_free(cells);
    return ok;
}

void seep_pdh_header_clear(struct seep_pdh_header *header)
{
    seep_free(header->columns);
    seep_free(header->used);
    *header = (struct seep_pdh_header){ 0 };
}
