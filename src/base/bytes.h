// SPDX-License-Identifier: MIT
// Bytes that come from outside: a view (where, how many) and a cursor that reads it without
// over-reading.
//
// The cursor is sticky: a read that does not fit yields 0, moves to no other place and marks the
// cursor failed; all later reads yield 0 too. A record is read whole and `failed` is asked once at
// its end. All numbers are little-endian, whatever machine reads them.
#ifndef SEEP_BASE_BYTES_H
#define SEEP_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct seep_bytes {
    const uint8_t *data;
    size_t len; // bytes
};

struct seep_cursor {
    struct seep_bytes view;
    size_t pos; // bytes from the start of the view
    bool failed;
};

static inline struct seep_bytes seep_bytes(const void *data, size_t len)
{
    return (struct seep_bytes){ .data = data, .len = len };
}

// The part of `all` that starts at `offset` and has at most `len` bytes; empty where `offset` is
// outside.
static inline struct seep_bytes seep_bytes_part(struct seep_bytes all, size_t offset, size_t len)
{
    if (!all.data || offset > all.len)
        return (struct seep_bytes){ .data = all.data, .len = 0 };
    if (len > all.len - offset)
        len = all.len - offset;
    return (struct seep_bytes){ .data = all.data + offset, .len = len };
}

// Whether `all` has `len` bytes at `offset`.
static inline bool seep_bytes_has(struct seep_bytes all, size_t offset, size_t len)
{
    return offset <= all.len && len <= all.len - offset;
}

// Whether `all` has the bytes `magic` at `offset`.
static inline bool seep_bytes_match(struct seep_bytes all, size_t offset, const void *magic,
                                    size_t len)
{
    return seep_bytes_has(all, offset, len) && memcmp(all.data + offset, magic, len) == 0;
}

// Little-endian numbers at a place that the caller has already checked.
static inline uint16_t seep_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t seep_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t seep_le64(const uint8_t *p)
{
    return (uint64_t)seep_le32(p) | (uint64_t)seep_le32(p + 4) << 32;
}

// Numbers at `offset` of a view; 0 where they do not fit.
static inline uint32_t seep_bytes_u32(struct seep_bytes all, size_t offset)
{
    return seep_bytes_has(all, offset, 4) ? seep_le32(all.data + offset) : 0;
}

static inline uint64_t seep_bytes_u64(struct seep_bytes all, size_t offset)
{
    return seep_bytes_has(all, offset, 8) ? seep_le64(all.data + offset) : 0;
}

static inline struct seep_cursor seep_cursor(struct seep_bytes view)
{
    return (struct seep_cursor){ .view = view };
}

// Bytes from the cursor to the end of its view; 0 once it failed.
static inline size_t seep_cursor_left(const struct seep_cursor *c)
{
    return c->failed ? 0 : c->view.len - c->pos;
}

// The next `len` bytes, or an empty view (and a failed cursor) where there are not that many.
static inline struct seep_bytes seep_cursor_take(struct seep_cursor *c, size_t len)
{
    if (c->failed || len > c->view.len - c->pos) {
        c->failed = true;
        return (struct seep_bytes){ 0 };
    }
    struct seep_bytes part = { .data = c->view.data, .len = len };
    if (part.data) // an empty view may have none, and NULL + 0 is undefined
        part.data += c->pos;
    c->pos += len;
    return part;
}

static inline void seep_cursor_skip(struct seep_cursor *c, size_t len)
{
    (void)seep_cursor_take(c, len);
}

// Moves to `offset` of the view, forwards or back.
static inline void seep_cursor_seek(struct seep_cursor *c, size_t offset)
{
    if (c->failed || offset > c->view.len)
        c->failed = true;
    else
        c->pos = offset;
}

static inline uint8_t seep_cursor_u8(struct seep_cursor *c)
{
    struct seep_bytes b = seep_cursor_take(c, 1);
    return b.data ? b.data[0] : 0;
}

static inline uint16_t seep_cursor_u16(struct seep_cursor *c)
{
    struct seep_bytes b = seep_cursor_take(c, 2);
    return b.data ? seep_le16(b.data) : 0;
}

static inline uint32_t seep_cursor_u32(struct seep_cursor *c)
{
    struct seep_bytes b = seep_cursor_take(c, 4);
    return b.data ? seep_le32(b.data) : 0;
}

static inline uint64_t seep_cursor_u64(struct seep_cursor *c)
{
    struct seep_bytes b = seep_cursor_take(c, 8);
    return b.data ? seep_le64(b.data) : 0;
}

// Whether `count` records of at least `size` bytes each can still follow: a count from a file is
// believed only then.
static inline bool seep_cursor_fits(const struct seep_cursor *c, uint64_t count, size_t size)
{
    return size == 0 || count <= seep_cursor_left(c) / size;
}

#endif
