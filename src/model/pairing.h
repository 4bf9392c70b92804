// SPDX-License-Identifier: MIT
// Pairing: which allocations are live, and to which site each belongs.
//
// Fed with allocations and frees in the order of time, it holds the live ones only, so its memory
// is O(live + sites), however long the trace. Heap blocks, pool blocks and handles are paired by
// (process, heap, address); virtual memory by ranges of pages, of which parts can be freed. Nothing
// here trusts its input: an address that is allocated twice was freed unseen (counted), a free
// without an allocation belongs to what was there before the trace (counted), sizes may be
// anything.
#ifndef SEEP_MODEL_PAIRING_H
#define SEEP_MODEL_PAIRING_H

#include "base/err.h"
#include "model/ids.h"
#include "model/sink.h"
#include "model/site.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Growth is kept at this many moments, evenly over the observation.
enum { SEEP_PAIRING_MOMENTS = 64 };

struct seep_pairing;

// `start_ns`..`end_ns` is the observation as far as it is known beforehand (a trace's header
// tells); where its end comes later than announced the moments are spread out again.
struct seep_pairing *seep_pairing_new(int64_t start_ns, int64_t end_ns);
void seep_pairing_free(struct seep_pairing *pairing);

// What allocates: one (process, kind, heap, tag, pool, stack).
struct seep_pairing_origin {
    struct seep_process_id process; // 0 = the kernel's
    enum seep_site_kind kind;
    uint64_t heap; // heap; for the other kinds what their addresses are unique in, 0 = one
                   // space for the process
    uint32_t tag;  // pool tag, tag of references, object type; 0 = none
    bool paged;    // of pool
    struct seep_stack_id stack; // 0 = unknown
};

// Each returns false only when memory is out. Times must not fall; one that does counts as the last
// one before.
bool seep_pairing_alloc(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                        uint64_t address, uint64_t size_bytes, int64_t t_ns);

// `origin.stack` is the stack that frees. A free of pool and of handles names the tag or type where
// it is known.
bool seep_pairing_release(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                          uint64_t address, int64_t t_ns);

// One block becomes another, maybe at the same place: the new one belongs to the new stack.
bool seep_pairing_realloc(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                          uint64_t old_address, uint64_t new_address, uint64_t size_bytes,
                          int64_t t_ns);

// Virtual memory: commits of parts of a reservation, decommits and releases of parts of those. What
// was committed already is not counted again.
bool seep_pairing_commit(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                         uint64_t base, uint64_t size_bytes, int64_t t_ns);
// `release`: also the address space is given back (MEM_RELEASE), else MEM_DECOMMIT.
bool seep_pairing_decommit(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                           uint64_t base, uint64_t size_bytes, bool release, int64_t t_ns);

// References to one object, up (`count` > 0) or down, netted by (object, tag): the sites that took
// them share what is left in the order last taken, first given back.
bool seep_pairing_reference(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                            uint64_t object, int64_t count, int64_t t_ns);

// An object is gone, and all references to it: another may come at its address.
bool seep_pairing_object_deleted(struct seep_pairing *pairing, uint64_t object, int64_t t_ns);

// Everything of a heap, or of a process, is gone.
bool seep_pairing_heap_destroyed(struct seep_pairing *pairing, struct seep_process_id process,
                                 uint64_t heap, int64_t t_ns);
bool seep_pairing_process_ended(struct seep_pairing *pairing, struct seep_process_id process,
                                int64_t t_ns);

// Says that an act on this address is near: what it will touch may come into the cache meanwhile.
void seep_pairing_prefetch(const struct seep_pairing *pairing,
                           const struct seep_pairing_origin *origin, uint64_t address);

// Gives the stacks that were fed so far (ids 1..n) the ids map[id - 1]: those that have become one
// are one from now on, and so are their sites. Costs as much as looking at all that is live.
bool seep_pairing_renumber(struct seep_pairing *pairing, const uint32_t *map, size_t n);

struct seep_pairing_totals {
    uint64_t allocs, frees, unmatched_frees, replaced; // `replaced`: allocated twice without a free
    uint64_t outstanding_count, outstanding_bytes;
    uint64_t n_sites;
};

// What stands behind the ids that were fed, asked at the end, so that what comes late (frames, the
// name of a process) is known. NULL functions = the ids are the sink's own.
struct seep_pairing_names {
    // The process in the sink.
    bool (*process)(void *ctx, struct seep_process_id fed, struct seep_process_id *id);
    // The stack in the sink and a fingerprint of its frames, equal for equal stacks wherever they
    // are met; stacks that were fed under several ids become one here. `of` is whose site it is, as
    // fed: a stack may be that of a thread of another process.
    bool (*resolve)(void *ctx, struct seep_process_id of, struct seep_stack_id fed,
                    struct seep_stack_id *id, uint64_t *fingerprint);
    // Whether an object is a process that has ended: references to it keep a zombie.
    bool (*is_dead)(void *ctx, uint64_t object);
    // Text of a tag as documents show it ("Leak", "Event"); NULL = its four letters.
    const char *(*tag_name)(void *ctx, enum seep_site_kind kind, uint32_t tag);
    void *ctx;
};

// Gives every site, and what frees, to the sink: facts `site` and `site_frees`, and for those that
// hold most at the end (SEEP_PAIRING_SERIES of them) their growth: series of the subject that
// seep_site.name names, with samples at the moments. Call once, at the end.
enum { SEEP_PAIRING_SERIES = 2000 };
bool seep_pairing_finish(struct seep_pairing *pairing, struct seep_machine_id machine,
                         const struct seep_pairing_names *names, struct seep_sink *sink,
                         struct seep_pairing_totals *totals);

#endif
