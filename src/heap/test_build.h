// SPDX-License-Identifier: MIT
// Heaps of known content for tests, laid out by hand: the offsets stand here a second time.
#ifndef SEEP_HEAP_TEST_BUILD_H
#define SEEP_HEAP_TEST_BUILD_H

#include "heap/test_kit.h"

// An entry of an NT heap.
struct build_entry {
    unsigned units; // of 8 or 16 bytes
    uint8_t flags, unused;
};

enum { BUILD_FREE = 0, BUILD_BUSY = 1, BUILD_INTERNAL = 9 };

// An NT heap of Windows 10 at `base`: one segment of 16 pages of which the first 4 are committed.
// The entries follow the header; the rest is one free entry and the one that describes what is not
// committed. Fills `at` with the addresses of the entries.
void build_nt_heap(struct kit_memory *m, unsigned bits, uint64_t base,
                   const struct build_entry *entries, size_t n, uint64_t *at);

// Writes one encoded entry of the heap at `base`.
void build_nt_entry(struct kit_memory *m, unsigned bits, uint64_t base, uint64_t at, unsigned units,
                    uint8_t flags, unsigned previous, uint8_t unused);

// Bytes from an entry to its data.
static inline uint64_t build_granule(unsigned bits)
{
    return bits / 4;
}

// A segment heap of Windows 10 2004 with one page segment of 1 MB behind it.
struct build_segments {
    struct kit_memory *m;
    unsigned bits;
    uint64_t heap, segment;
    uint64_t heap_key;
    uint32_t lfh_key;
    unsigned next_unit; // the first one that is not in use
};

void build_segment_heap(struct build_segments *b, struct kit_memory *m, unsigned bits,
                        uint64_t heap, uint64_t segment, uint64_t heap_key, uint32_t lfh_key);

// A range of `units` pages; returns its address. `flags` as in RangeFlags.
uint64_t build_range(struct build_segments *b, unsigned units, uint8_t flags, uint32_t unused);

// A chunk of a VS subsegment: units of 8 or 16 bytes, header included.
struct build_chunk {
    unsigned units;
    bool busy;
    unsigned unused; // bytes
};

// A VS subsegment that the chunks and a free one fill; fills `at` with the addresses of the data.
void build_vs(struct build_segments *b, unsigned pages, const struct build_chunk *chunks, size_t n,
              uint64_t *at);

// An LFH subsegment of blocks of one size, of which bit i of `busy` says whether block i is in use;
// `unused` bytes of each are not. Returns the address of the first block.
uint64_t build_lfh(struct build_segments *b, unsigned block, unsigned count, uint64_t busy,
                   unsigned unused);

// A large block (its memory is the caller's) with its node at `node`; `left` and `right` are nodes.
void build_large(struct build_segments *b, uint64_t node, uint64_t left, uint64_t right,
                 uint64_t address, uint64_t pages, unsigned unused);
void build_large_root(struct build_segments *b, uint64_t node);

#endif
