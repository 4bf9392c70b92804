// SPDX-License-Identifier: MIT
// All busy blocks of a process by address: 16 bytes each, in runs that ascend.
//
// Blocks are added as a walk meets them. A run is broken where a new range begins or where an
// address goes back; runs are put in order at the end, blocks never move.
#ifndef SEEP_HEAP_INDEX_H
#define SEEP_HEAP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEP_INDEX_NONE UINT32_MAX

struct seep_index_block {
    uint64_t address;
    uint64_t size_and_heap; // 40 bits size in bytes, 24 bits number of the heap
};

struct seep_index_run {
    uint64_t low, high; // addresses: of the first block, behind the last one
    uint32_t first, n;  // blocks
    uint32_t slots;     // in the table: for each step of addresses the first block at or behind it
    uint8_t shift;      // of a step
};

struct seep_index {
    struct seep_index_block *blocks;
    size_t n, capacity;
    struct seep_index_run *runs;
    size_t n_runs, runs_capacity;
    uint32_t *table;
    size_t n_table;
    uint64_t low, high;
    bool broken;     // the next block begins a run
    uint32_t recent; // run of the last find
};

static inline uint64_t seep_index_size(const struct seep_index_block *block)
{
    return block->size_and_heap & ((UINT64_C(1) << 40) - 1);
}

static inline uint32_t seep_index_heap(const struct seep_index_block *block)
{
    return (uint32_t)(block->size_and_heap >> 40);
}

// The next block begins a new run.
void seep_index_break(struct seep_index *index);

// Adds a block; false when memory is out or there are too many.
bool seep_index_add(struct seep_index *index, uint64_t address, uint64_t size_bytes, uint32_t heap);

// Puts the runs in order; `*dropped` = blocks of runs that overlap another one: they are taken out
// (their heap stays, their size becomes 0, no address finds them). False when memory is out.
bool seep_index_finish(struct seep_index *index, uint64_t *dropped);

// The block that holds an address (`exact`: that begins there); SEEP_INDEX_NONE. A block of no
// bytes holds its address.
uint32_t seep_index_find(struct seep_index *index, uint64_t address, bool exact);

size_t seep_index_bytes(const struct seep_index *index);

void seep_index_clear(struct seep_index *index);

#endif
