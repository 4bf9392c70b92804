// SPDX-License-Identifier: MIT
// What the tests of the heaps share: a memory made of ranges, and what a walk tells, counted.
#ifndef SEEP_HEAP_TEST_KIT_H
#define SEEP_HEAP_TEST_KIT_H

#include "testkit.h"

#include "base/buf.h"
#include "heap/heap.h"
#include "memory/memory.h"

struct kit_range {
    uint64_t address;
    uint8_t *bytes;
    size_t len;
    bool owned;
};

struct kit_memory {
    struct seep_memory memory; // first
    struct kit_range *ranges;  // ascending
    size_t n, capacity;
    struct seep_buf file;
};

void kit_memory_init(struct kit_memory *m, unsigned pointer_bytes);
void kit_memory_clear(struct kit_memory *m);

// Adds zeroed bytes at an address and returns them.
uint8_t *kit_memory_add(struct kit_memory *m, uint64_t address, size_t len);

// The bytes at an address of a range that was added; fails the test where there are none.
uint8_t *kit_memory_at(struct kit_memory *m, uint64_t address);

// Writes a little-endian number of 1, 2, 4 or 8 bytes.
void kit_put(struct kit_memory *m, uint64_t address, unsigned bytes, uint64_t value);

// The Memory64List of a minidump as memory; false where the file is not there.
bool kit_memory_load(struct kit_memory *m, const char *name, unsigned pointer_bytes);

// What a walk told.
struct kit_walk {
    struct seep_heap_visitor visitor;
    uint64_t busy, busy_bytes, free, free_bytes, ranges, range_bytes, traced, losses;
    uint64_t last_end, max_size;
    bool disordered; // a block began before the last one of its range ended
    char loss[128];  // the last one: "what: text"
    struct seep_heap_block blocks[64];
    size_t n_blocks;
};

void kit_walk_init(struct kit_walk *walk);

#endif
