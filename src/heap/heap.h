// SPDX-License-Identifier: MIT
// Windows' heaps in a memory: every block of an NT heap (x86, x64) or a segment heap.
//
// Nothing here trusts what it reads: an entry that does not hang together ends its segment as a
// loss, and every walk is bounded by the bytes that are there.
#ifndef SEEP_HEAP_HEAP_H
#define SEEP_HEAP_HEAP_H

#include "base/err.h"
#include "memory/memory.h"
#include "model/control.h"
#include "model/heap.h"
#include "symbols/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One block of a heap, as the walk meets it.
struct seep_heap_block {
    uint64_t address;    // of the user's data
    uint64_t size_bytes; // of the user's data
    uint64_t trace;      // of its entry in the stack database; 0 = none was recorded
    bool busy;
};

// What a walk tells. Each returns false to stop the walk; `range` and `block` may be NULL.
struct seep_heap_visitor {
    // Address space that belongs to the heap, reserved or committed: a segment, a large block.
    // Comes before the blocks that lie in it, which come in ascending order.
    bool (*range)(void *ctx, const struct seep_heap *heap, uint64_t address, uint64_t size_bytes);
    bool (*block)(void *ctx, const struct seep_heap *heap, const struct seep_heap_block *block);
    // What could not be walked: `what` is a short name for programs, `text` a sentence;
    // SEEP_NO_OFFSET = no address.
    bool (*loss)(void *ctx, const char *what, uint64_t address, const char *text);
    void *ctx;
};

// What the address space is.
struct seep_heap_process {
    const struct seep_memory *memory;
    uint64_t held_bytes; // that the memory holds in all: lists are not longer; 0 = unknown
    unsigned bits;       // 32 or 64: of the heaps of this ntdll
    uint32_t build;      // Windows build number, for the built-in layouts; 0 = unknown
    const struct seep_types *types; // of that ntdll; NULL = the built-in layout of the build
    uint64_t heap_key; // the keys of segment heaps: seep_heap_keys; 0 = unknown, then they are
    uint64_t lfh_key;  // derived from what they encode and believed where the walk bears them out
};

// Which kind of heap starts at `address`; false where none does.
bool seep_heap_kind_at(const struct seep_heap_process *process, uint64_t address,
                       enum seep_heap_kind *kind);

// The keys of segment heaps from ntdll's RtlpHpHeapGlobals at `globals` (its address, by symbol).
bool seep_heap_keys(const struct seep_heap_process *process, uint64_t globals, uint64_t *heap_key,
                    uint64_t *lfh_key);

// The address space of one heap without its blocks: the time is that of its list of segments.
// `*heap` gets the kind, the bits, and the committed and reserved bytes; its counts are unknown.
bool seep_heap_ranges(const struct seep_heap_process *process, uint64_t address,
                      const struct seep_heap_visitor *visitor, struct seep_heap *heap,
                      struct seep_err *err);

// Walks one heap: gives every block to the visitor, and the totals. `*heap` (its process id is the
// caller's) is filled also when the walk ends early. False with `err` where no heap starts there,
// its layout is not known or memory is out.
//
// The totals of an NT heap are of the entries of its segments and its virtual blocks, as debuggers
// count them: whole entries, header and unused tail included, with each store of the
// low-fragmentation front end as one busy entry, and the front end's own bookkeeping left out. The
// blocks are what the program asked for: its own sizes, those of the front end one by one, none of
// the heap's internal ones. Of a segment heap both are the blocks; its totals count them with
// header and unused tail.
bool seep_heap_walk(const struct seep_heap_process *process, uint64_t address,
                    const struct seep_heap_visitor *visitor, const struct seep_control *control,
                    struct seep_heap *heap, struct seep_err *err);

// The most frames that an entry of the stack database has (_RTL_STACK_TRACE_ENTRY.BackTrace).
#define SEEP_HEAP_MAX_FRAMES 32

// The frames of a recorded stack, innermost first; returns how many, 0 where the memory that would
// tell is not there or is no such entry.
size_t seep_heap_trace(const struct seep_heap_process *process, uint64_t trace,
                       uint64_t frames[SEEP_HEAP_MAX_FRAMES]);

#endif
