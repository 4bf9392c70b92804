// SPDX-License-Identifier: MIT
// The fact *allocation site*: everything that one call stack of one process allocated, of one kind
// and in one heap, over the observation of one source.
//
// Aggregation happens at the door: the model never sees single allocations. How outstanding bytes
// grew over time goes the way of all series: subject SEEP_SUBJECT_SITE, metric outstanding_bytes or
// outstanding_count.
#ifndef SEEP_MODEL_SITE_H
#define SEEP_MODEL_SITE_H

#include "model/ids.h"

#include <stdbool.h>
#include <stdint.h>

enum seep_site_kind {
    SEEP_SITE_HEAP = 0,  // HeapAlloc and what stands on it
    SEEP_SITE_VIRTUAL,   // VirtualAlloc: committed bytes
    SEEP_SITE_POOL,      // kernel pool, by tag
    SEEP_SITE_HANDLE,    // handles created and not closed, by object type
    SEEP_SITE_REFERENCE, // references to kernel objects, netted by tag
    SEEP_N_SITE_KINDS,
};

struct seep_site {
    struct seep_process_id process; // 0 = the kernel's
    enum seep_site_kind kind;
    const char *name; // what its series are named; equal for the same stack, heap and tag of
                      // one process in every file; NULL = no series
    uint64_t heap;    // address of the heap; 0 = none
    const char *tag;  // of pool and references; the object type of handles; NULL = none
    bool paged;       // of pool: which one
    struct seep_stack_id stack;                    // 0 = unknown
    uint64_t allocs, frees;                        // of this site, within the observation
    uint64_t alloc_bytes;                          // all that was ever allocated
    uint64_t outstanding_count, outstanding_bytes; // at its end
    uint64_t overhead_bytes; // what the heap holds besides those for its own ends, where a source
                             // counts it apart; 0 = unknown
    uint64_t survivor_count, survivor_bytes; // there at every moment since the middle of the
                                             // observation; UINT64_MAX = not known
    uint64_t dead_count;                     // of references: those to processes that have ended
    int64_t oldest_ns;                       // start of the oldest outstanding one, or
                                             // SEEP_NO_TIME
};

// Frees whose allocation was not seen, by process and kind: they belong to what was allocated
// before the trace. And what freed memory: a site's stack is then the one that freed.
struct seep_site_frees {
    struct seep_process_id process;
    enum seep_site_kind kind;
    struct seep_stack_id stack; // of the freeing call; 0 = of all
    uint64_t frees, bytes;      // bytes 0 = unknown (a heap free does not say its size)
    bool unmatched;             // no allocation was seen
    bool decommit;              // of virtual memory: only decommitted, the address space stays
};

// One outstanding block of a site, where a source lists them (a UMDH log). A block that is there at
// several moments, at the same address and of the same size and site, survived.
struct seep_site_block {
    uint64_t address, size_bytes;
};

// "heap", "virtual", "pool", "handle", "reference".
const char *seep_site_kind_name(enum seep_site_kind kind);

#endif
