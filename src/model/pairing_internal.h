// SPDX-License-Identifier: MIT
// What the parts of pairing share: pairing.c feeds it, pairing_finish.c sums it up.
#ifndef SEEP_MODEL_PAIRING_INTERNAL_H
#define SEEP_MODEL_PAIRING_INTERNAL_H

#include "base/intern.h"
#include "model/pairing.h"
#include "model/ranges.h"

// One live allocation; 32 bytes, so that a look-up touches one line of the cache. For references:
// an object, and `size_bytes` is the hold on top, counted from 1.
struct live_block {
    uint64_t address; // 0 = a free slot
    uint64_t size_bytes;
    int64_t t_ns;
    uint32_t site;
};

// Open addressing by address.
struct live_blocks {
    struct live_block *slots;
    size_t n_slots, count;
};

// Where addresses are unique: a heap, a process's virtual memory, the pools.
struct live_space {
    struct seep_process_id process;
    enum seep_site_kind kind;
    uint64_t heap;
    uint32_t tag;
    uint32_t next; // of the same process, counted from 1; 0 = the last
    bool chained;  // it is in the list of its process
    struct live_blocks blocks;
    struct seep_ranges ranges;
};

struct live_moment {
    uint64_t bytes, count;
};

struct live_site {
    struct seep_pairing_origin origin;
    uint64_t allocs, frees, alloc_bytes;
    uint64_t outstanding_count, outstanding_bytes;
    struct live_moment *curve; // SEEP_PAIRING_MOMENTS of them; NULL = never held anything at one
    uint32_t n_moments;        // of the curve that are filled
    bool dirty;                // changed since the last moment
    uint64_t curve_bytes, curve_count; // held at moment `n_moments` and on, until it changes
    // At the end only:
    uint64_t survivor_count, survivor_bytes, dead_count;
    int64_t oldest_ns;
};

// References of one object and tag that one site took.
struct live_hold {
    uint64_t count;
    int64_t t_ns;
    uint32_t site;
    uint32_t below; // the hold beneath, or the next free one; counted from 1
};

struct live_free {
    struct seep_process_id process;
    enum seep_site_kind kind;
    struct seep_stack_id stack;
    bool unmatched, decommit;
    uint64_t frees, bytes, hash;
};

struct seep_pairing {
    uint64_t seed; // of the blocks' slots, so that no file can have all addresses share one
    int64_t start_ns, now_ns, step_ns;
    uint32_t moment; // the next one to come
    struct live_site *sites;
    size_t n_sites, sites_capacity;
    uint32_t *site_slots;
    size_t n_site_slots;
    struct live_space *spaces;
    size_t n_spaces, spaces_capacity, last_space;
    uint32_t *space_slots;
    size_t n_space_slots;
    struct seep_intern processes; // of spaces; their lists begin at heads[id - 1]
    uint32_t *heads;
    size_t n_heads, heads_capacity;
    uint32_t *dirty; // sites
    size_t n_dirty, dirty_capacity;
    struct live_free *frees;
    size_t n_frees, frees_capacity;
    uint32_t *free_slots;
    size_t n_free_slots;
    struct live_hold *holds;
    size_t n_holds, holds_capacity;
    uint32_t free_hold;
    struct seep_intern objects; // that were referred to; deleted[id - 1] is when, SEEP_NO_TIME =
    int64_t *deleted;           // not yet
    size_t n_deleted, deleted_capacity;
    struct seep_pairing_totals totals;
};

int64_t seep_pairing_moment_ns(const struct seep_pairing *pairing, uint32_t moment);

// Carries what a site held at its last known moment forward to moment `upto`.
void seep_pairing_fill_curve(struct live_site *site, uint32_t upto);

// Puts the numbers of a site, and its growth, into another's.
void seep_pairing_sum_up(struct live_site *into, const struct live_site *from);
void seep_pairing_sum_up_curve(struct live_site *into, struct live_site *from);

// Lets time come to `t_ns`: takes the moments on the way.
bool seep_pairing_advance(struct seep_pairing *pairing, int64_t t_ns);
bool seep_pairing_mark_dirty(struct seep_pairing *pairing, uint32_t site);
// The index of the site of an origin, new or old.
bool seep_pairing_site_of(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                          uint32_t *site);
// The space of an origin; NULL when memory is out. Valid until the next call.
struct live_space *seep_pairing_space_of(struct seep_pairing *pairing,
                                         const struct seep_pairing_origin *origin);
// The slot of an address, or the free one where it would go; NULL when memory is out.
struct live_block *seep_pairing_block_at(struct live_blocks *blocks, uint64_t seed,
                                         uint64_t address);
void seep_pairing_drop_block(struct live_blocks *blocks, uint64_t seed, struct live_block *block);
bool seep_pairing_count_free(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                             uint64_t frees, uint64_t bytes, bool unmatched, bool decommit);
// Gives back up to `*count` references, last taken first; what could not be given is left in it.
bool seep_pairing_unhold(struct seep_pairing *pairing, struct live_block *block, uint64_t *count);
// Lets go of all references to objects that were deleted.
bool seep_pairing_forget_deleted(struct seep_pairing *pairing);

#endif
