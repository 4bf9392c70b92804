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
    bool busy;
};

// What a walk tells. Each returns false to stop the walk; `block` may be NULL.
struct seep_heap_visitor {
    bool (*block)(void *ctx, const struct seep_heap *heap, const struct seep_heap_block *block);
    // What could not be walked: `what` is a short name for programs, `text` a sentence.
    bool (*loss)(void *ctx, const char *what, uint64_t address, const char *text);
    void *ctx;
};

// What the address space is.
struct seep_heap_process {
    const struct seep_memory *memory;
    unsigned bits;                  // 32 or 64: of the heaps of this ntdll
    uint32_t build;                 // Windows build number, for the built-in layouts; 0 = unknown
    const struct seep_types *types; // of that ntdll; NULL = the built-in layout of the build
    uint64_t heap_key;              // RtlpHPHeapGlobals.HeapKey and the LFH key where they are
    uint64_t lfh_key;               // known; 0 = unknown: then only what needs no key is walked
};

// Which kind of heap starts at `address`; false where none does.
bool seep_heap_kind_at(const struct seep_heap_process *process, uint64_t address,
                       enum seep_heap_kind *kind);

// Walks one heap: gives every block to the visitor, and the totals. `*heap` (its process id is the
// caller's) is filled also when the walk ends early. False with `err` where no heap starts there.
bool seep_heap_walk(const struct seep_heap_process *process, uint64_t address,
                    const struct seep_heap_visitor *visitor, const struct seep_control *control,
                    struct seep_heap *heap, struct seep_err *err);

#endif
