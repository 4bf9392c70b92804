// SPDX-License-Identifier: MIT
// The memory of a process that runs, read as it is asked for.
//
// What was read once is kept: a page is the same however often it is asked for. Pages that could
// not be read are not there.
#ifndef SEEP_MEMORY_PROCESS_MEMORY_H
#define SEEP_MEMORY_PROCESS_MEMORY_H

#include "memory/memory.h"

// Memory that may be read: committed, accessible. Ascending, none touches or overlaps another; of
// whole pages of 4 KiB.
struct seep_process_range {
    uint64_t address, size_bytes;
};

// Reads memory; returns how many bytes could be read without a gap.
typedef size_t (*seep_process_read)(void *ctx, uint64_t address, void *out, size_t len);

struct seep_process_cache;

struct seep_process_memory {
    struct seep_memory memory; // first: the functions get it
    const struct seep_process_range *ranges;
    size_t n_ranges;
    struct seep_process_cache *cache;
};

// Memory that is read with `read(ctx, ...)`, of which at most `most_bytes` are kept: what is asked
// for beyond them is not there. The ranges are the caller's and stay. False when memory is out.
bool seep_process_memory_open(const struct seep_process_range *ranges, size_t n_ranges,
                              seep_process_read read, void *ctx, unsigned pointer_bytes,
                              uint64_t most_bytes, struct seep_process_memory *memory);
void seep_process_memory_close(struct seep_process_memory *memory);

// Whether something was not there because `most_bytes` were read, or memory was out.
bool seep_process_memory_exhausted(const struct seep_process_memory *memory);

#endif
