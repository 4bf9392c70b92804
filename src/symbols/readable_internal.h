// SPDX-License-Identifier: MIT
// What the two readers of decorated names share: pieces of text in a pool.
//
// A name is put together from its innermost parts outwards. A short decorated name can stand for a
// very long one, as it may repeat its parts; so the pool has a maximum, and nesting has one too.
#ifndef SEEP_SYMBOLS_READABLE_INTERNAL_H
#define SEEP_SYMBOLS_READABLE_INTERNAL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SEEP_READABLE_POOL = 65536, // bytes of all parts of one name
    SEEP_READABLE_DEPTH = 48,   // of templates, types and functions within each other
};

struct seep_piece {
    size_t at, len; // in the pool
    size_t hole; // of a type such as "int (*)(void)": where a pointer to it has its mark; 0 = none
};

struct seep_reading_name {
    const char *p; // what is next; a NUL ends it
    struct seep_buf pool;
    unsigned depth;
    bool failed; // it is not understood: nothing that follows matters
};

static inline void seep_piece_text(struct seep_reading_name *r, const char *text, size_t len)
{
    seep_buf_add(&r->pool, text, len);
    if (r->pool.failed)
        r->failed = true;
}

static inline void seep_piece_copy(struct seep_reading_name *r, struct seep_piece piece)
{
    // byte by byte, as the pool may move while it grows
    for (size_t i = 0; i < piece.len && !r->failed; i++) {
        char c = r->pool.data[piece.at + i];
        seep_piece_text(r, &c, 1);
    }
}

static inline struct seep_piece seep_piece_begin(const struct seep_reading_name *r)
{
    return (struct seep_piece){ .at = r->pool.len };
}

static inline struct seep_piece seep_piece_end(const struct seep_reading_name *r,
                                               struct seep_piece piece)
{
    piece.len = r->pool.len - piece.at;
    return piece;
}

// Writes a piece: in `format`, %p is the next of `pieces`; everything else stands for itself.
struct seep_piece seep_piece_make(struct seep_reading_name *r, const char *format,
                                  const struct seep_piece *pieces);

// The next character is `c`: takes it.
static inline bool seep_take(struct seep_reading_name *r, char c)
{
    if (r->failed || *r->p != c)
        return false;
    r->p++;
    return true;
}

static inline struct seep_piece seep_not_understood(struct seep_reading_name *r)
{
    r->failed = true;
    return (struct seep_piece){ 0 };
}

// Each reads a whole decorated name from `r->p` on ("?..." and "_Z...").
struct seep_piece seep_readable_msvc(struct seep_reading_name *r);
struct seep_piece seep_readable_itanium(struct seep_reading_name *r);

#endif
