// SPDX-License-Identifier: MIT
// Which blocks are reachable: a conservative mark from roots, without recursion.
#ifndef SEEP_HEAP_MARK_H
#define SEEP_HEAP_MARK_H

#include "heap/census.h"
#include "heap/index.h"

#include <stdbool.h>
#include <stdint.h>

struct seep_mark_extent {
    uint64_t address, size_bytes;
};

struct seep_mark {
    const struct seep_memory *memory;
    struct seep_index *index;
    const struct seep_control *control;
    bool exact;
    uint64_t *marked;  // a bit for each block: reachable
    uint64_t *pointed; // a bit for each block: an unreachable block points to it
    uint32_t *stack;   // blocks that are marked and not looked into yet
    size_t n_stack, stack_capacity;
    uint64_t missing_bytes; // of roots and of blocks, that the dump does not hold
    uint64_t looked_bytes;
    size_t peak_bytes;
    uint64_t progress_bytes, total_bytes; // what was done before, and all there is: for progress
    bool no_memory, cancelled;
};

static inline bool seep_mark_has(const uint64_t *bits, uint32_t block)
{
    return bits[block / 64] >> (block % 64) & 1;
}

// Makes room; false when memory is out.
bool seep_mark_init(struct seep_mark *mark, const struct seep_census *census,
                    struct seep_index *index);

// Marks what the words of a root lead to.
void seep_mark_memory(struct seep_mark *mark, uint64_t address, uint64_t size_bytes,
                      unsigned pointer_bytes);
void seep_mark_word(struct seep_mark *mark, uint64_t word);

// Follows what was marked to the end; `bits_of[heap]` is 32 or 64.
void seep_mark_follow(struct seep_mark *mark, const uint8_t *bits_of);

// Afterwards: sets `pointed` for what unreachable blocks point to, other than to themselves.
void seep_mark_heads(struct seep_mark *mark, const uint8_t *bits_of);

void seep_mark_clear(struct seep_mark *mark);

#endif
