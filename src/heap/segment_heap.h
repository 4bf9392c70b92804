// SPDX-License-Identifier: MIT
// The parts of the walk over segment heaps: contexts and ranges on one side, the keys that encode
// chunks and subsegments on the other.
#ifndef SEEP_HEAP_SEGMENT_HEAP_H
#define SEEP_HEAP_SEGMENT_HEAP_H

#include "heap/walk.h"

enum {
    SEEP_LFH_BUSY_UNUSED = 3, // two bits of a block's state: busy, and its last bytes count what is
                              // not used
    SEEP_UNUSED_ONE = 0x8000, // in those two bytes: one byte, this one
    SEEP_UNUSED_MASK_LFH = 0x3fff,
};

// A run of pages of a page segment that is one thing.
enum seep_range_kind {
    SEEP_RANGE_BLOCK, // one block of the backend
    SEEP_RANGE_VS,    // a subsegment of chunks of variable size
    SEEP_RANGE_LFH,   // a subsegment of blocks of one size
};

struct seep_page_range {
    uint64_t address, size_bytes;
    uint64_t unused_bytes; // of a block of the backend
    enum seep_range_kind kind;
};

struct seep_page_segment {
    uint64_t address, size_bytes;
    uint64_t context; // address of the structure that its signature names
    uint32_t first_unit, n_units;
    uint8_t unit_shift;
};

struct seep_segment_heap {
    uint64_t address;
    bool contexts; // has _HEAP_SEG_CONTEXT, from 1709 on; else all is in the heap itself (1607)
    struct seep_page_segment *segments; // ascending, disjoint
    size_t n_segments, capacity;
    uint64_t heap_key; // of chunks
    uint32_t lfh_key;  // of subsegments
    bool has_heap_key, has_lfh_key;
};

// A chunk of a VS subsegment.
struct seep_vs_chunk {
    uint64_t size_bytes, previous_bytes; // whole
    uint64_t allocated_as;               // the field as it is: 0 or 1
    bool allocated, has_unused, skip;
};

// Where the chunks of a VS subsegment begin and end (in front of its guard page). False where its
// signature does not match its size: then they are taken to fill the range.
bool seep_vs_chunks(struct seep_heap_walker *w, const struct seep_page_range *range,
                    uint64_t *first, uint64_t *end);

// Decodes the header of a chunk; false where it is not in the dump.
bool seep_vs_read(struct seep_heap_walker *w, uint64_t key, uint64_t at,
                  struct seep_vs_chunk *chunk);

// Decodes where the blocks of an LFH subsegment of `size_bytes` lie; false where they cannot.
bool seep_lfh_read(struct seep_heap_walker *w, uint32_t key, uint64_t at, uint64_t size_bytes,
                   uint64_t *first, uint64_t *block_bytes, uint64_t *count);

// Calls `take` for each range in use, in ascending order, until it returns false.
void seep_page_ranges(struct seep_heap_walker *w, const struct seep_segment_heap *heap,
                      const struct seep_page_segment *segment,
                      bool (*take)(void *ctx, const struct seep_page_range *range), void *ctx);

// Finds the keys: those of the process where they fit, else what the known plaintext gives: the
// signature of a page segment, the sizes of neighbouring chunks, the geometry of subsegments.
void seep_segment_heap_keys(struct seep_heap_walker *w, struct seep_segment_heap *heap);

#endif
