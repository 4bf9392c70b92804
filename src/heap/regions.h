// SPDX-License-Identifier: MIT
// The regions of a process and what they are for, whoever listed them.
//
// Sorted by address, none overlaps another; 48 bytes each. Where nobody listed them, claims are
// only noted, and shared out when all are known (derived.h). Claims of a higher rank win; of two of
// the same rank the first does. All claims together cost as much as the regions are many, times the
// ranks.
#ifndef SEEP_HEAP_REGIONS_H
#define SEEP_HEAP_REGIONS_H

#include "model/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_usage_rank {
    SEEP_RANK_NONE = 0,
    SEEP_RANK_OTHER,
    SEEP_RANK_HEAP,
    SEEP_RANK_STACK,
    SEEP_RANK_BLOCK, // PEB, TEB
    SEEP_RANK_IMAGE,
    SEEP_RANK_FREE,
};

struct seep_usage_region {
    uint64_t base, size_bytes, allocation_base;
    const char *detail; // belongs to whoever claimed it
    uint32_t protect;
    uint8_t state, type, usage, rank;
};

// Where an image lies; sorted by base.
struct seep_usage_image {
    uint64_t base, size_bytes;
    const char *path;
    uint64_t index; // in the caller's list of modules
};

// The image that contains `address`, NULL where none does.
const struct seep_usage_image *seep_usage_image_at(const struct seep_usage_image *images, size_t n,
                                                   uint64_t address);

struct seep_usage_claim {
    enum seep_region_usage usage;
    enum seep_usage_rank rank;
    const char *detail;
};

// A claim on [start, end) of regions that are made from what is held.
struct seep_usage_extent {
    uint64_t start, end;
    size_t order;
    struct seep_usage_claim claim;
    bool cuts; // a region begins at its start, and one behind its end
};

struct seep_usage_regions {
    struct seep_usage_region *at;
    size_t n, capacity;
    bool derived; // nobody listed them: these are only what is known to be there
    // Of derived ones:
    struct seep_usage_extent *extents;
    size_t n_extents, extents_capacity;
    size_t max_extents; // seep_usage_max_extents: what is beyond is not noted
    uint64_t *borders;  // where regions may begin
    size_t n_borders, borders_capacity;
    bool failed; // memory is out
};

// A region in the words of VirtualQuery (MEM_COMMIT, MEM_PRIVATE, PAGE_READWRITE, …), before
// anything claims it. False where it is none: no size, not of whole pages, beyond the end.
bool seep_usage_region(uint64_t base, uint64_t size_bytes, uint64_t allocation_base, uint32_t state,
                       uint32_t type, uint32_t protect, struct seep_usage_region *region);

// Appends; false when memory is out.
bool seep_usage_add(struct seep_usage_regions *regions, const struct seep_usage_region *region);

// Sorts what was appended, and drops what overlaps the region before it: no address has two uses.
// Returns how many were dropped.
size_t seep_usage_tidy(struct seep_usage_regions *regions);

void seep_usage_regions_clear(struct seep_usage_regions *regions);

// The region that contains `address`, NULL where none does.
struct seep_usage_region *seep_usage_find(const struct seep_usage_regions *regions,
                                          uint64_t address);

// Claims the whole reservation around `address`; false where no region is there.
bool seep_usage_claim(struct seep_usage_regions *regions, uint64_t address,
                      const struct seep_usage_claim *claim);

// Claims what is known to be [start, end) of one purpose: the whole reservation around its start
// where reservations are known, else just that.
bool seep_usage_claim_part(struct seep_usage_regions *regions, uint64_t start, uint64_t end,
                           const struct seep_usage_claim *claim);

// Notes that a derived region may begin at `address`. False when memory is out.
bool seep_usage_border(struct seep_usage_regions *regions, uint64_t address);

// How many claims on derived regions are worth noting, in proportion to what is held.
size_t seep_usage_max_extents(size_t n_pieces, uint64_t held_bytes);

// Claims the regions that have part of [start, end). What a rank of SEEP_RANK_BLOCK claims twice
// gets the detail of both.
void seep_usage_claim_range(struct seep_usage_regions *regions, uint64_t start, uint64_t end,
                            const struct seep_usage_claim *claim);

// Says what is left: images, mapped files. To be called once, after the last claim. False when
// memory is out.
bool seep_usage_settle(struct seep_usage_regions *regions, const struct seep_usage_image *images,
                       size_t n_images);

#endif
