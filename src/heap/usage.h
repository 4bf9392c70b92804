// SPDX-License-Identifier: MIT
// What the regions of a Windows process are for, as WinDbg's !address finds it: from the TEBs, the
// PEBs and the lists of the heaps. The same for a dump and for a process that runs.
//
// Only what is asked for is read: a page of each.
#ifndef SEEP_HEAP_USAGE_H
#define SEEP_HEAP_USAGE_H

#include "base/arena.h"
#include "heap/heap.h"
#include "heap/regions.h"

struct seep_usage_heap {
    struct seep_heap facts; // the counts unknown; only address and bits where it is not `known`
    bool known;
};

// What could not be told; for the caller to say.
struct seep_usage_doubts {
    uint64_t heaps_unread; // heaps whose lists are not in the memory
    uint64_t heaps_bad;    // heaps whose lists do not hang together
    uint64_t first_bad_heap;
    uint64_t heaps_foreign; // heaps of no known layout
    uint64_t tebs_unread;
};

// Zero it, fill the first part, call seep_usage_thread for each thread and seep_usage_finish once.
struct seep_usage {
    const struct seep_memory *memory;
    uint64_t held_bytes; // that the memory holds in all; 0 = unknown
    uint32_t build;      // of Windows; 0 = unknown
    unsigned pointer_bytes;
    bool wow64;                            // 32-bit code on a 64-bit system
    const struct seep_usage_image *images; // by base
    size_t n_images;
    struct seep_usage_regions regions;
    struct seep_arena *arena; // for texts; the caller's
    const struct seep_control *control;
    void (*release)(void *ctx); // called now and then in long lists; may be NULL
    void *ctx;
    uint64_t peb32, peb64; // 0 = the TEBs tell; once finished, 0 = the memory does not hold it

    struct seep_usage_heap *heaps;
    size_t n_heaps, heaps_capacity;
    struct seep_usage_doubts doubts;
    uint64_t list_steps; // that may still be walked in lists of the process
    bool no_memory;
};

// A thread: the address of its native TEB and of a part of its stack (0 = unknown). Returns the
// address of its 32-bit TEB where it runs 32-bit code on a 64-bit system, else 0.
uint64_t seep_usage_thread(struct seep_usage *usage, uint64_t teb, uint64_t stack,
                           const char *detail);

// Reads the PEBs and heaps, and says what the rest of the regions is. False when memory is out.
bool seep_usage_finish(struct seep_usage *usage);

// Frees the regions and the heaps.
void seep_usage_clear(struct seep_usage *usage);

// What the heap layer has to know about the process for heaps of code of that width.
struct seep_heap_process seep_usage_heap_process(const struct seep_usage *usage,
                                                 unsigned pointer_bytes);

// Counts the blocks of the known heaps, smallest effort: heaps are walked until `budget_bytes` of
// committed memory were. `process` are those of 32 and of 64 bits; `heap` gets each heap's totals;
// losses go to `visitor`. `*n_unwalked` is how many heaps were too large. False when `heap` or the
// control said stop.
bool seep_usage_totals(struct seep_usage *usage, const struct seep_heap_process process[2],
                       uint64_t budget_bytes, const struct seep_heap_visitor *visitor,
                       bool (*heap)(void *ctx, const struct seep_heap *heap), uint64_t *n_unwalked);

#endif
