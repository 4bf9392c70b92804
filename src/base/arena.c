// SPDX-License-Identifier: MIT
// An arena: blocks that grow from 4 KiB to 1 MiB, pieces handed out from the newest.
#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

struct seep_arena_block {
    struct seep_arena_block *next;
    size_t size, used;
    alignas(max_align_t) uint8_t bytes[];
};

enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20, ALIGN = alignof(max_align_t) };

void *seep_arena_alloc(struct seep_arena *arena, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX / 2) / size)
        return NULL;
    size_t need = (count * size + ALIGN - 1) / ALIGN * ALIGN;
    struct seep_arena_block *block = arena->head;
    if (!block || need > block->size - block->used) {
        size_t room = block ? block->size * 2 : BLOCK_MIN;
        if (room > BLOCK_MAX)
            room = BLOCK_MAX;
        if (room < need)
            room = need;
        block = seep_alloc(1, sizeof *block + room);
        if (!block)
            return NULL;
        block->size = room;
        block->next = arena->head;
        arena->head = block;
    }
    void *piece = block->bytes + block->used;
    block->used += need;
    arena->used_bytes += need;
    return piece;
}

char *seep_arena_strndup(struct seep_arena *arena, const char *text, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : seep_arena_alloc(arena, len + 1, 1);
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

void seep_arena_clear(struct seep_arena *arena)
{
    struct seep_arena_block *block = arena->head;
    while (block) {
        struct seep_arena_block *next = block->next;
        seep_free(block);
        block = next;
    }
    *arena = (struct seep_arena){ 0 };
}
