// SPDX-License-Identifier: MIT
// Cells and words of VMMap CSV files. The facts: note.md.
#include "source/vmmap-csv/rows.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

// Whether `text` starts with `word` (in small letters), whatever its letters.
static bool starts(const char *text, const char *word)
{
    for (; *word; word++, text++) {
        if (lower(*text) != *word)
            return false;
    }
    return true;
}

// Copies one cell into the buffer, its quotes resolved; returns how many bytes of the line it took.
static size_t take_cell(struct seep_buf *text, const uint8_t *at, size_t len, bool *open)
{
    size_t i = 0;
    bool quoted = len && at[0] == '"';
    *open = quoted;
    for (i = quoted; i < len; i++) {
        if (quoted && *open && at[i] == '"') {
            if (i + 1 < len && at[i + 1] == '"')
                i++;
            else {
                *open = false;
                continue;
            }
        } else if (at[i] == ',' && !*open) {
            break;
        }
        seep_buf_addc(text, at[i] ? (char)at[i] : ' ');
    }
    seep_buf_addc(text, '\0');
    return i;
}

bool vmmap_next(struct vmmap_lines *lines, struct vmmap_line *line)
{
    struct seep_bytes file = lines->file;
    size_t start = lines->pos, end, starts_at[VMMAP_MAX_CELLS] = { 0 };
    if (start >= file.len)
        return false;
    const uint8_t *found = memchr(file.data + start, '\n', file.len - start);
    end = found ? (size_t)(found - file.data) : file.len;
    lines->pos = found ? end + 1 : end;
    *line = (struct vmmap_line){ .offset = start, .whole = found != NULL };
    while (end > start && file.data[end - 1] == '\r')
        end--;
    seep_buf_reset(&lines->text);
    for (size_t at = start; at < end && line->n < VMMAP_MAX_CELLS;) {
        bool open;
        starts_at[line->n++] = lines->text.len;
        at += take_cell(&lines->text, file.data + at, end - at, &open) + 1;
        line->whole = line->whole && !open;
    }
    if (lines->text.failed) {
        line->n = 0;
        return false;
    }
    for (size_t i = 0; i < VMMAP_MAX_CELLS; i++)
        line->cells[i] = i < line->n ? lines->text.data + starts_at[i] : "";
    return true;
}

bool vmmap_kib(const char *text, uint64_t *bytes)
{
    uint64_t value = 0;
    for (const char *at = text; *at; at++) {
        if (*at >= '0' && *at <= '9') {
            if (value > (UINT64_MAX >> 14) / 10) // more than any address space
                return false;
            value = value * 10 + (uint64_t)(*at - '0');
        } else if (lower(*at) >= 'a' && lower(*at) <= 'z') {
            return false;
        }
    }
    *bytes = value * 1024;
    return true;
}

bool vmmap_address(const char *text, uint64_t *address, bool *is_sub)
{
    uint64_t value = 0;
    size_t n = 0;
    const char *at = text;
    while (*at == ' ')
        at++;
    bool sub = at > text;
    for (; *at; at++, n++) {
        char c = lower(*at);
        if (n == 16)
            return false;
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    if (n == 0)
        return false;
    *address = value;
    *is_sub = sub;
    return true;
}

bool vmmap_protect(const char *text, uint32_t *protect)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } names[] = {
        // The longest of those that start alike comes first. PAGE_*: winnt.h, as documented.
        { "execute/read/write", 0x40 },
        { "execute/copy on write", 0x80 },
        { "execute/read", 0x20 },
        { "execute", 0x10 },
        { "read/write", 0x04 },
        { "read", 0x02 },
        { "copy on write", 0x08 },
        { "no access", 0x01 },
        { "reserved", 0 },
    };
    static const struct {
        const char *name;
        uint32_t bits;
    } modifiers[] = {
        { "/guard", 0x100 },        { "/no cache", 0x200 },      { "/nocache", 0x200 },
        { "/writecombine", 0x400 }, { "/write combine", 0x400 },
    };
    uint32_t bits = 0;
    bool known = *text == '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names && !known; i++) {
        known = starts(text, names[i].name);
        if (known) {
            text += strlen(names[i].name);
            bits = names[i].bits;
        }
    }
    while (known && *text) {
        known = false;
        for (size_t i = 0; i < sizeof modifiers / sizeof *modifiers && !known; i++) {
            known = starts(text, modifiers[i].name);
            if (known) {
                text += strlen(modifiers[i].name);
                bits |= modifiers[i].bits;
            }
        }
    }
    if (known)
        *protect = bits;
    return known;
}

enum vmmap_type vmmap_type(const char *text, enum seep_region_type *backing)
{
    static const struct {
        const char *name;
        enum vmmap_type type;
        enum seep_region_type backing;
    } names[] = {
        { "total", VMMAP_TOTAL, SEEP_TYPE_UNKNOWN },
        { "image", VMMAP_IMAGE, SEEP_TYPE_IMAGE }, // "Image (ASLR)"
        { "mapped file", VMMAP_MAPPED_FILE, SEEP_TYPE_MAPPED },
        { "shareable", VMMAP_SHAREABLE, SEEP_TYPE_MAPPED },
        { "heap (shareable", VMMAP_HEAP, SEEP_TYPE_MAPPED },
        { "heap (mapped", VMMAP_HEAP, SEEP_TYPE_MAPPED },
        { "heap", VMMAP_HEAP, SEEP_TYPE_PRIVATE }, // "Heap (Private Data)"
        { "managed heap", VMMAP_MANAGED_HEAP, SEEP_TYPE_PRIVATE },
        { "thread stack", VMMAP_STACK, SEEP_TYPE_PRIVATE },
        { "stack", VMMAP_STACK, SEEP_TYPE_PRIVATE },
        { "private data", VMMAP_PRIVATE_DATA, SEEP_TYPE_PRIVATE },
        { "page table", VMMAP_PAGE_TABLE, SEEP_TYPE_UNKNOWN },
        { "unusable", VMMAP_UNUSABLE, SEEP_TYPE_FREE },
        { "free", VMMAP_FREE, SEEP_TYPE_FREE },
    };
    *backing = SEEP_TYPE_UNKNOWN;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!starts(text, names[i].name))
            continue;
        *backing = names[i].backing;
        return names[i].type;
    }
    return VMMAP_N_TYPES;
}
