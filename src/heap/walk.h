// SPDX-License-Identifier: MIT
// What the walkers of NT heaps and segment heaps share.
//
// A walk never goes back: ranges are disjoint, blocks of a range ascend, links are counted. So its
// time is bounded by the bytes of the ranges that are held, whatever they say.
#ifndef SEEP_HEAP_WALK_H
#define SEEP_HEAP_WALK_H

#include "heap/heap.h"
#include "heap/layout.h"

// Links of one kind that are followed in one heap: real heaps have one per segment, per uncommitted
// range and per large block, some 10,000 in 100 GB.
#define SEEP_HEAP_MAX_LINKS (1u << 22)

enum seep_heap_links {
    SEEP_LINKS_SEGMENTS,
    SEEP_LINKS_UNCOMMITTED,
    SEEP_LINKS_LARGE, // large and virtual blocks
    SEEP_N_HEAP_LINKS,
};

// Address space of a heap: a segment or a large block.
struct seep_heap_extent {
    uint64_t address, size_bytes;
    uint64_t header; // of the structure that describes it
};

struct seep_heap_walker {
    const struct seep_heap_process *process;
    const struct seep_memory *memory;
    struct seep_heap_layout layout;
    const struct seep_heap_visitor *visitor; // NULL = the totals only
    const struct seep_control *control;
    struct seep_heap *heap;
    bool ranges_only;
    bool stopped;                      // by the visitor, the control, or because memory is out
    bool no_memory;                    // an allocation failed
    uint32_t links[SEEP_N_HEAP_LINKS]; // followed so far, of each kind
    // R. Brent's search for a cycle: a link that is kept, for how many more, and how many so far.
    uint64_t kept_link;
    uint32_t keep_for, kept_for;
    uint32_t steps; // blocks since the control was asked
    bool walked;    // something of the contents was read
    // The run of memory that was read last.
    uint64_t window_at;
    struct seep_bytes window;
};

// `len` bytes at `address` in one piece; NULL where they are not there, or not in one piece (pages
// that a dump holds as separate ranges: then `scratch` of at least `len` bytes is filled).
const uint8_t *seep_heap_bytes(struct seep_heap_walker *w, uint64_t address, size_t len,
                               uint8_t *scratch);

// A pointer of the process.
bool seep_heap_pointer(struct seep_heap_walker *w, uint64_t address, uint64_t *value);

// Tells a loss; the text is a format.
void seep_heap_lose(struct seep_heap_walker *w, const char *what, uint64_t address,
                    const char *format, ...) SEEP_PRINTF(4, 5);

// Begins a list (no tree: its links do not repeat).
void seep_heap_list(struct seep_heap_walker *w);

// Whether one more link may be followed: there are not too many, the list does not go round without
// its head. Tells the loss when not.
bool seep_heap_link(struct seep_heap_walker *w, enum seep_heap_links kind, uint64_t address);

void seep_heap_give_range(struct seep_heap_walker *w, uint64_t address, uint64_t size_bytes);
void seep_heap_give_block(struct seep_heap_walker *w, const struct seep_heap_block *block);

// Sorts extents by address and drops those that overlap the one before: each loses a line.
void seep_heap_sort_extents(struct seep_heap_walker *w, struct seep_heap_extent *extents,
                            size_t *n_extents);

// Adds to a number of the heap that may be unknown so far.
void seep_heap_add(uint64_t *total, uint64_t amount);

// The two kinds; both return false only where no heap of the kind is there.
bool seep_nt_heap_walk(struct seep_heap_walker *w, uint64_t address, struct seep_err *err);
bool seep_segment_heap_walk(struct seep_heap_walker *w, uint64_t address, struct seep_err *err);

#endif
