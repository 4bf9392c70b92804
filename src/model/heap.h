// SPDX-License-Identifier: MIT
// The facts *heap* and *blocks*: what a heap of a process holds at one moment.
//
// A heap's blocks reach the model as groups, never one by one: by size, by type, by whether
// anything points to them, by the stack that allocated them.
#ifndef SEEP_MODEL_HEAP_H
#define SEEP_MODEL_HEAP_H

#include "model/ids.h"

#include <stdbool.h>
#include <stdint.h>

#define SEEP_UNKNOWN_BYTES UINT64_MAX

enum seep_heap_kind {
    SEEP_HEAP_NT = 0,  // "nt"
    SEEP_HEAP_SEGMENT, // "segment"
    SEEP_N_HEAP_KINDS,
};

// Numbers are SEEP_UNKNOWN_BYTES where the memory that would tell is not in the dump. A block's
// bytes are what the program asked for (the size without header and unused tail).
struct seep_heap {
    struct seep_process_id process;
    uint64_t address;
    enum seep_heap_kind kind;
    uint8_t bits; // 32 or 64
    uint64_t busy_blocks, busy_bytes;
    uint64_t free_blocks, free_bytes;
    uint64_t committed_bytes, reserved_bytes;
};

enum seep_blocks_by {
    SEEP_BLOCKS_BY_SIZE = 0, // one size of one heap
    SEEP_BLOCKS_BY_TYPE,     // one C++ type, of all heaps
    SEEP_BLOCKS_UNREACHABLE, // one type and size to which nothing points
    SEEP_BLOCKS_BY_STACK,    // one allocation stack of one heap
    SEEP_N_BLOCKS_BY,
};

// Busy blocks that have something in common.
struct seep_blocks {
    struct seep_process_id process;
    enum seep_blocks_by by;
    uint64_t heap;       // address; 0 = of all heaps
    uint64_t size_bytes; // of each block; 0 = of any size
    const char *type;    // "Foo::`vftable'", "class Foo"; NULL = no vtable at its start
    const char *stack;   // frames, innermost first, parted by ';'; NULL = unknown
    uint64_t blocks, bytes;
    uint64_t heads;      // of unreachable blocks those to which nothing points at all, else 0
    const char *content; // a look into one of them, printable; NULL unless it was asked for
};

// "nt", "segment"; "size", "type", "unreachable", "stack".
const char *seep_heap_kind_name(enum seep_heap_kind kind);
const char *seep_blocks_by_name(enum seep_blocks_by by);

#endif
