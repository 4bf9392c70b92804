// SPDX-License-Identifier: MIT
// The regions of a dumped process and what they are for.
//
// Sorted by address, none overlaps another; 48 bytes each. Where the dump has no list of them,
// claims are only noted, and shared out when all are known (derived.h). Claims of a higher rank
// win; of two of the same rank the first does. All claims together cost as much as the regions are
// many, times the ranks.
#ifndef SEEP_SOURCE_MINIDUMP_REGIONS_H
#define SEEP_SOURCE_MINIDUMP_REGIONS_H

#include "memory/minidump_memory.h"
#include "model/sink.h"

enum dump_rank {
    DUMP_RANK_NONE = 0,
    DUMP_RANK_OTHER,
    DUMP_RANK_HEAP,
    DUMP_RANK_STACK,
    DUMP_RANK_BLOCK, // PEB, TEB
    DUMP_RANK_IMAGE,
    DUMP_RANK_FREE,
};

struct dump_region {
    uint64_t base, size_bytes, allocation_base;
    const char *detail; // belongs to the reader
    uint32_t protect;
    uint8_t state, type, usage, rank;
};

// Where an image lies; sorted by base.
struct dump_image {
    uint64_t base, size_bytes;
    const char *path;
    uint64_t index; // in the list of modules
};

// The image that contains `address`, NULL where none does.
const struct dump_image *dump_image_at(const struct dump_image *images, size_t n, uint64_t address);

struct dump_claim {
    enum seep_region_usage usage;
    enum dump_rank rank;
    const char *detail;
};

// A claim on [start, end) of regions that are made from what is held.
struct dump_extent {
    uint64_t start, end;
    size_t order;
    struct dump_claim claim;
    bool cuts; // a region begins at its start, and one behind its end
};

struct dump_regions {
    struct dump_region *at;
    size_t n, capacity;
    bool derived;         // there was no list of regions: these are only what is known to be there
    uint64_t n_bad;       // entries of the list that are no region
    uint64_t first_bad;   // offset of the first in the file
    uint64_t n_promised;  // that the list speaks of
    uint64_t n_read;      // entries that are there
    uint64_t list_offset; // of the first entry
    struct dump_extent *extents; // where `derived`
    size_t n_extents, extents_capacity;
    size_t max_extents; // in proportion to what is held: what is beyond is not noted
    bool failed;        // memory is out
};

// Reads the list of regions, or makes one from the images and the memory that is held. False when
// memory is out.
bool dump_regions_load(const struct seep_minidump *dump, const struct dump_image *images,
                       size_t n_images, const struct seep_minidump_memory *memory,
                       struct dump_regions *regions);
void dump_regions_clear(struct dump_regions *regions);

// The region that contains `address`, NULL where none does.
struct dump_region *dump_regions_find(const struct dump_regions *regions, uint64_t address);

// Claims the whole reservation around `address`; false where no region is there.
bool dump_regions_claim(struct dump_regions *regions, uint64_t address,
                        const struct dump_claim *claim);

// Claims what is known to be [start, end) of one purpose: the whole reservation where reservations
// are known, else just that.
bool dump_regions_claim_part(struct dump_regions *regions, uint64_t start, uint64_t end,
                             const struct dump_claim *claim);

// Claims the regions that have part of [start, end). What a rank of DUMP_RANK_BLOCK claims twice
// gets the detail of both.
void dump_regions_claim_range(struct dump_regions *regions, uint64_t start, uint64_t end,
                              const struct dump_claim *claim);

// Says what is left: images, mapped files. To be called once, after the last claim. False when
// memory is out.
bool dump_regions_settle(struct dump_regions *regions, const struct seep_minidump *dump,
                         const struct dump_image *images, size_t n_images);

#endif
