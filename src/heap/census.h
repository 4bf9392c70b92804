// SPDX-License-Identifier: MIT
// A census of all heaps of a process: how many blocks of which size and type there are, which of
// them nothing points to, and which stacks allocated them.
//
// Reachable is what `!heap -l` calls so: a block to which a word points that lies in a root
// (stacks, registers, writable data of modules, other private memory) or in a reachable block. The
// mark is conservative: any aligned word that has the value of an address in the block counts, so a
// leaked block may be held by a number that only looks like a pointer, but none that is in use is
// called leaked as long as the roots are complete. Pointers into the middle of a block count too,
// unless `exact`: arrays of objects (new[] keeps their number in front), objects with several bases
// and aligned allocations are often held by such pointers alone.
//
// Memory: 16 bytes a busy block, a byte for the index, 4 bytes while marking, two bits; the blocks
// are not kept beyond the call.
#ifndef SEEP_HEAP_CENSUS_H
#define SEEP_HEAP_CENSUS_H

#include "base/buf.h"
#include "heap/heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_census_heap {
    uint64_t address;
    const struct seep_heap_process *process; // 32 and 64 bits in one census: WoW64
};

// Memory that may point into heaps. What of it belongs to a heap is left out by the census, so
// that whole regions may be given.
struct seep_census_root {
    uint64_t address, size_bytes;
    uint8_t pointer_bytes; // 4 or 8; 4 where both may be: it finds both below 4 GB
};

// An image in memory: where vtables are.
struct seep_census_image {
    uint64_t address, size_bytes;
};

struct seep_census {
    const struct seep_memory *memory;
    const struct seep_census_heap *heaps;
    size_t n_heaps;
    const struct seep_census_root *roots;
    size_t n_roots;            // 0 = not known: then nothing is called unreachable
    const uint64_t *registers; // the values of all threads' registers
    size_t n_registers;
    const struct seep_census_image *images; // in any order
    size_t n_images;
    // The symbol that begins at or before an address of an image, decorated as it is; `*name` stays
    // valid until the next call. NULL = no symbols; then the type information in the image tells.
    bool (*symbol)(void *ctx, uint64_t address, const char **name, uint64_t *offset);
    // Appends "module!function" for an address of code; NULL = the address in hexadecimal.
    void (*frame)(void *ctx, uint64_t address, struct seep_buf *out);
    void *ctx;
    bool exact; // only a pointer to a block's first byte keeps it
    bool peek;  // give a look into one block of each group
    const struct seep_control *control;
};

// What is told; each returns false to stop. Strings are valid during the call. `blocks` is called
// with the groups of one kind after the other, those with the most bytes first; the process of what
// is told is the caller's to set. `heap` comes before the groups of the blocks; a loss without an
// address has SEEP_NO_OFFSET.
struct seep_census_visitor {
    bool (*heap)(void *ctx, const struct seep_heap *heap);
    bool (*blocks)(void *ctx, const struct seep_blocks *blocks);
    bool (*loss)(void *ctx, const char *what, uint64_t address, const char *text);
    void *ctx;
};

// What a census found in all.
struct seep_census_totals {
    uint64_t blocks, bytes; // busy, of all heaps, as the program asked for
    uint64_t unreachable_blocks, unreachable_bytes;
    uint64_t head_blocks; // of these, those to which nothing points at all, not even a leaked block
    bool marked;          // false where there were no roots: then nothing is called unreachable
    size_t memory_bytes;  // that the census held at most
};

// Walks all heaps. False with `err` only where memory is out; a heap that cannot be walked is a
// loss. `totals` may be NULL.
bool seep_heap_census(const struct seep_census *census, const struct seep_census_visitor *visitor,
                      struct seep_census_totals *totals, struct seep_err *err);

#endif
