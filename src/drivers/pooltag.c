// SPDX-License-Identifier: MIT
// Tables of pool tags: their lines, and finding the most specific entry for a tag.
#include "drivers/pooltag.h"

#include "base/alloc.h"
#include "base/codepage.h"
#include "base/intern.h"
#include "base/utf.h"

#include <string.h>

enum {
    TAG = SEEP_TAG_TEXT - 1,
    MAX_LINE = 4096, // bytes of a line that are looked at; real ones have fewer than 200
    LATIN_1 = 1252,  // what Windows means by it
};

static uint64_t hash_of(const char pattern[SEEP_TAG_TEXT])
{
    return seep_hash(pattern, TAG);
}

static unsigned mask_of(const char pattern[SEEP_TAG_TEXT])
{
    unsigned mask = 0;
    for (unsigned i = 0; i < TAG; i++)
        mask |= pattern[i] == '?' ? 1u << i : 0;
    return mask;
}

// The place of the first entry with that pattern, or the free slot where it goes.
static uint32_t *slot_of(const struct seep_pooltags *tags, const char pattern[SEEP_TAG_TEXT])
{
    size_t at = (size_t)hash_of(pattern) & (tags->n_slots - 1);
    while (tags->slots[at] && memcmp(tags->entries[tags->slots[at]].pattern, pattern, TAG) != 0)
        at = (at + 1) & (tags->n_slots - 1);
    return &tags->slots[at];
}

static bool make_room(struct seep_pooltags *tags)
{
    size_t n = tags->n_entries ? tags->n_entries : 1;
    if (n >= UINT32_MAX / 2 ||
        !seep_grow(&tags->entries, &tags->capacity, n + 1, sizeof *tags->entries))
        return false;
    if (!tags->n_entries) {
        memset(&tags->entries[0], 0, sizeof tags->entries[0]);
        tags->n_entries = 1;
    }
    if (tags->n_slots / 2 > tags->n_entries)
        return true;
    size_t n_slots = tags->n_slots ? tags->n_slots * 2 : 1024;
    uint32_t *old = tags->slots, *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    size_t n_old = tags->n_slots;
    tags->slots = slots;
    tags->n_slots = n_slots;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i])
            *slot_of(tags, tags->entries[old[i]].pattern) = old[i];
    }
    seep_free(old);
    return true;
}

bool seep_pooltags_add(struct seep_pooltags *tags, const char *tag, size_t len, unsigned file,
                       const struct seep_pooltag *row)
{
    if (!make_room(tags))
        return false;
    struct seep_pooltag entry = *row;
    memset(entry.pattern, ' ', TAG);
    entry.pattern[TAG] = '\0';
    memcpy(entry.pattern, tag, len < TAG ? len : TAG);
    unsigned mask = mask_of(entry.pattern);
    entry.wild = (uint8_t)((mask & 1) + (mask >> 1 & 1) + (mask >> 2 & 1) + (mask >> 3 & 1));
    entry.file = (uint16_t)(file < UINT16_MAX ? file : UINT16_MAX);
    entry.next = 0;
    uint32_t place = (uint32_t)tags->n_entries;
    uint32_t *slot = slot_of(tags, entry.pattern);
    if (*slot) {
        // The tail of a chain is short: who lists one tag more than a few times lists it no better.
        uint32_t at = *slot;
        unsigned n = 1;
        for (; tags->entries[at].next; n++)
            at = tags->entries[at].next;
        if (n >= 8)
            return true;
        tags->entries[at].next = place;
    } else {
        *slot = place;
    }
    tags->entries[place] = entry;
    tags->n_entries++;
    tags->masks |= (uint16_t)(1u << mask);
    return true;
}

const struct seep_pooltag *seep_pooltags_find(const struct seep_pooltags *tags, const char *tag)
{
    // By the number of `?`, few first; among equals, with the `?` at the end first.
    static const uint8_t masks[] = { 0, 8, 4, 2, 1, 12, 10, 6, 9, 5, 3, 14, 13, 11, 7, 15 };
    if (!tags->n_slots)
        return NULL;
    const struct seep_pooltag *best = NULL;
    for (size_t i = 0; i < sizeof masks; i++) {
        if (!(tags->masks >> masks[i] & 1))
            continue;
        char pattern[SEEP_TAG_TEXT] = "    ";
        memcpy(pattern, tag, strnlen(tag, TAG));
        for (unsigned k = 0; k < TAG; k++) {
            if (masks[i] >> k & 1)
                pattern[k] = '?';
        }
        uint32_t place = *slot_of(tags, pattern);
        const struct seep_pooltag *entry = place ? &tags->entries[place] : NULL;
        // A chain is in the order of the files, so its first is of the most trusted. A tag may hold
        // a `?` itself: then what fits with fewer of them can come later.
        if (entry && (!best || entry->wild < best->wild ||
                      (entry->wild == best->wild && entry->file < best->file)))
            best = entry;
    }
    return best;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **text, size_t *len)
{
    while (*len && is_blank(**text)) {
        ++*text;
        --*len;
    }
    while (*len && is_blank((*text)[*len - 1]))
        --*len;
}

// Where a '-' with blanks around it (or the end after it) is, or `len`.
static size_t find_dash(const char *line, size_t from, size_t len)
{
    for (size_t i = from; i < len; i++) {
        if (line[i] == '-' && i && is_blank(line[i - 1]) && (i + 1 == len || is_blank(line[i + 1])))
            return i;
    }
    return len;
}

static bool is_comment(const char *line, size_t len)
{
    return (len >= 2 && line[0] == '/' && line[1] == '/') ||
           (len >= 3 && (line[0] | 32) == 'r' && (line[1] | 32) == 'e' && (line[2] | 32) == 'm' &&
            (len == 3 || is_blank(line[3])) && find_dash(line, 3, len) != 4) ||
           (len && line[0] == ';');
}

// Whether text is the name of a binary, where a line has only one part besides the tag.
static bool looks_binary(const char *text, size_t len)
{
    return memchr(text, '!', len) || text[0] == '<' ||
           (!memchr(text, ' ', len) && memchr(text, '.', len) && text[len - 1] != '.');
}

static bool keep(struct seep_pooltags *tags, const char *text, size_t len, const char **out)
{
    trim(&text, &len);
    if (!len)
        return true;
    *out = seep_arena_strndup(&tags->arena, text, len);
    return *out != NULL;
}

// The tag's characters: one for each of the text, '.' for what no tag shows.
static size_t tag_of(const char *text, size_t len, char out[SEEP_TAG_TEXT])
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c & 0xc0) == 0x80)
            continue; // the rest of a character that takes several bytes
        if (n == TAG)
            return 0;
        out[n++] = c >= 0x20 && c < 0x7f ? (char)c : '.';
    }
    return n;
}

static bool read_line(struct seep_pooltags *tags, const char *line, size_t len, unsigned file,
                      size_t *n_bad)
{
    while (len && (is_blank(line[len - 1]) || line[len - 1] == '\r' || !line[len - 1]))
        len--;
    const char *start = line;
    size_t start_len = len;
    trim(&start, &start_len);
    if (!start_len || is_comment(start, start_len))
        return true;
    size_t dash = find_dash(line, 1, len);
    // The tag ends with the blanks before the dash; blanks at its start are its own where it has no
    // more than four characters with them.
    size_t tag_len = dash;
    while (tag_len && is_blank(line[tag_len - 1]))
        tag_len--;
    char tag[SEEP_TAG_TEXT];
    size_t n = dash < len && !memchr(line, '\t', tag_len) ? tag_of(line, tag_len, tag) : 0;
    size_t indent = (size_t)(start - line);
    if (!n && dash < len && indent && tag_len > indent)
        n = tag_of(start, tag_len - indent, tag);
    if (!n) {
        ++*n_bad;
        return true;
    }
    const char *rest = line + dash + 1;
    size_t rest_len = len - dash - 1;
    size_t second = find_dash(rest, 0, rest_len);
    const char *binary = rest;
    size_t binary_len = second;
    trim(&binary, &binary_len);
    struct seep_pooltag row = { 0 };
    bool has_binary = binary_len && (second < rest_len || looks_binary(binary, binary_len));
    if (has_binary && binary[0] != '<' && !keep(tags, binary, binary_len, &row.binary))
        return false;
    const char *text = rest;
    size_t text_len = rest_len;
    if (has_binary || (second < rest_len && !binary_len)) {
        size_t skip = second < rest_len ? second + 1 : rest_len;
        text += skip;
        text_len -= skip;
    }
    return keep(tags, text, text_len, &row.description) &&
           seep_pooltags_add(tags, tag, n, file, &row);
}

// One line as UTF-8 into `out`, from text in one of the encodings.
enum encoding { ENCODING_UTF8, ENCODING_LATIN_1, ENCODING_UTF16 };

static void decode(struct seep_bytes line, enum encoding encoding, struct seep_buf *out)
{
    const struct seep_codepage *page = seep_codepage_find(LATIN_1);
    seep_buf_reset(out);
    if (encoding == ENCODING_UTF16) {
        (void)seep_utf16_add(out, line);
    } else if (encoding == ENCODING_UTF8 || !page) {
        (void)seep_utf8_add(out, line);
    } else {
        for (size_t i = 0; i < line.len; i++) {
            uint32_t point = seep_codepage_decode(page, line.data[i]);
            seep_utf8_add_point(out, point ? point : '.');
        }
    }
}

// UTF-16 with its bytes the other way round is turned first: such files are rare and small.
static bool turn_bytes(struct seep_bytes *text, uint8_t **turned)
{
    *turned = seep_alloc(text->len + 1, 1);
    if (!*turned)
        return false;
    for (size_t i = 0; i + 1 < text->len; i += 2) {
        (*turned)[i] = text->data[i + 1];
        (*turned)[i + 1] = text->data[i];
    }
    *text = seep_bytes(*turned, text->len & ~(size_t)1);
    return true;
}

// Bytes before the end of the line that starts at `at`.
static size_t line_length(struct seep_bytes text, size_t at, size_t unit)
{
    if (unit == 1) {
        const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
        return end ? (size_t)(end - text.data) - at : text.len - at;
    }
    size_t i = at;
    while (i + 1 < text.len && (text.data[i] != '\n' || text.data[i + 1]))
        i += 2;
    return i + 1 < text.len ? i - at : text.len - at;
}

bool seep_pooltags_read(struct seep_pooltags *tags, struct seep_bytes text, unsigned file,
                        size_t *n_bad)
{
    enum encoding encoding = ENCODING_UTF8;
    uint8_t *turned = NULL;
    *n_bad = 0;
    if (seep_bytes_match(text, 0, "\xff\xfe", 2)) {
        encoding = ENCODING_UTF16;
        text = seep_bytes_part(text, 2, SIZE_MAX);
    } else if (seep_bytes_match(text, 0, "\xfe\xff", 2)) {
        encoding = ENCODING_UTF16;
        text = seep_bytes_part(text, 2, SIZE_MAX);
        if (!turn_bytes(&text, &turned))
            return false;
    } else if (seep_bytes_match(text, 0, "\xef\xbb\xbf", 3)) {
        text = seep_bytes_part(text, 3, SIZE_MAX);
    } else if (!seep_utf8_valid(text)) {
        encoding = ENCODING_LATIN_1;
    }
    size_t unit = encoding == ENCODING_UTF16 ? 2 : 1;
    struct seep_buf line = { 0 };
    bool ok = true;
    for (size_t at = 0; ok && at < text.len;) {
        size_t len = line_length(text, at, unit);
        decode(seep_bytes_part(text, at, len < MAX_LINE ? len : MAX_LINE), encoding, &line);
        ok = !line.failed && read_line(tags, seep_buf_text(&line), line.len, file, n_bad);
        at += len + unit;
    }
    seep_buf_clear(&line);
    seep_free(turned);
    return ok;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);
    if (n > len)
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((text[len - n + i] | 32) != end[i])
            return false;
    }
    return true;
}

static bool is_kernel(const char *name, size_t len)
{
    static const char *const names[] = { "nt",           "ntoskrnl",     "ntoskrnl.exe",
                                         "ntkrnlmp.exe", "ntkrnlpa.exe", "ntkrpamp.exe" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (len == strlen(names[i]) && ends_with(name, len, names[i]))
            return true;
    }
    return false;
}

bool seep_pooltag_file(const char **at, char name[64])
{
    for (;;) {
        *at += strspn(*at, " \t,;");
        size_t len = strcspn(*at, ",;");
        if (!len)
            return false;
        const char *start = *at;
        *at += len;
        size_t part = 0;
        while (part < len && start[part] != '!')
            part++;
        bool in_file = part < len;
        size_t n = part;
        while (n && is_blank(start[n - 1]))
            n--;
        if (!n || n > 58 || start[0] == '<')
            continue;
        if (is_kernel(start, n)) {
            memcpy(name, "nt", 3);
            return true;
        }
        memcpy(name, start, n);
        // A part of a file is named without the file's extension: "win32k!InitHeap".
        bool extension = n > 4 && start[n - 4] == '.';
        if (in_file && !extension) {
            memcpy(name + n, ".sys", 4);
            n += 4;
        }
        name[n] = '\0';
        return true;
    }
}

void seep_pooltags_clear(struct seep_pooltags *tags)
{
    seep_arena_clear(&tags->arena);
    seep_free(tags->entries);
    seep_free(tags->slots);
    *tags = (struct seep_pooltags){ 0 };
}
