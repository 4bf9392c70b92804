// SPDX-License-Identifier: MIT
// An arena: many small pieces that die together, as the strings of one run of a source do.
//
// Pieces are zeroed and aligned for any type. Nothing is freed one by one. A zeroed struct is an
// empty arena.
#ifndef SEEP_BASE_ARENA_H
#define SEEP_BASE_ARENA_H

#include <stddef.h>

struct seep_arena_block;

struct seep_arena {
    struct seep_arena_block *head;
    size_t used_bytes; // handed out so far, for accounting
};

// `count` elements of `size` bytes, zeroed; NULL when memory is out or the product overflows.
void *seep_arena_alloc(struct seep_arena *arena, size_t count, size_t size);

// A NUL-terminated copy of `len` bytes.
char *seep_arena_strndup(struct seep_arena *arena, const char *text, size_t len);

// Frees every piece; the arena is empty and usable again.
void seep_arena_clear(struct seep_arena *arena);

#endif
