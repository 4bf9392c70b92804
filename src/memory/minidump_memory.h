// SPDX-License-Identifier: MIT
// The memory that a user minidump holds: its memory lists (both kinds) and the stacks of its
// threads, as one address space.
//
// The index costs 24 bytes a range. Ranges are sorted; where two hold the same address the one that
// starts lower wins, and neighbours in address and file become one. Only the lists themselves are
// touched, not what they describe.
#ifndef SEEP_MEMORY_MINIDUMP_MEMORY_H
#define SEEP_MEMORY_MINIDUMP_MEMORY_H

#include "memory/memory.h"
#include "nt/minidump.h"

struct seep_minidump_piece {
    uint64_t address;
    uint64_t size_bytes;
    uint64_t offset; // in the file
};

struct seep_minidump_memory {
    struct seep_memory memory; // first: the functions get it
    struct seep_bytes file;
    struct seep_minidump_piece *pieces; // sorted, none overlaps another
    size_t n_pieces, capacity;
    uint64_t held_bytes;    // that can be read
    size_t first_offset;    // in the file: no memory lies before it
    uint64_t n_ranges;      // of the lists
    uint64_t missing_bytes; // that a list speaks of and the file does not have
    uint64_t n_missing;     // ranges that this is about
    uint64_t n_twice;       // ranges (or parts) that were there twice
};

// Makes the index; false with `err` only when memory is out.
bool seep_minidump_memory_open(const struct seep_minidump *dump, unsigned pointer_bytes,
                               struct seep_minidump_memory *memory, struct seep_err *err);
void seep_minidump_memory_close(struct seep_minidump_memory *memory);

#endif
