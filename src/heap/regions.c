// SPDX-License-Identifier: MIT
// The regions of a process and what they are for, whoever listed them.
#include "heap/regions.h"

#include "base/alloc.h"
#include "heap/derived.h"

#include <stdlib.h>

enum {
    PAGE_BYTES = 0x1000,
    MEM_COMMIT = 0x1000,
    MEM_RESERVE = 0x2000,
    MEM_FREE = 0x10000,
    MEM_PRIVATE = 0x20000,
    MEM_MAPPED = 0x40000,
    MEM_IMAGE = 0x1000000,
};

static uint8_t state_of(uint32_t state)
{
    return state == MEM_COMMIT    ? SEEP_STATE_COMMIT
           : state == MEM_RESERVE ? SEEP_STATE_RESERVE
           : state == MEM_FREE    ? SEEP_STATE_FREE
                                  : SEEP_STATE_UNKNOWN;
}

static uint8_t type_of(uint32_t type)
{
    return type == MEM_PRIVATE  ? SEEP_TYPE_PRIVATE
           : type == MEM_MAPPED ? SEEP_TYPE_MAPPED
           : type == MEM_IMAGE  ? SEEP_TYPE_IMAGE
                                : SEEP_TYPE_UNKNOWN;
}

bool seep_usage_region(uint64_t base, uint64_t size_bytes, uint64_t allocation_base, uint32_t state,
                       uint32_t type, uint32_t protect, struct seep_usage_region *region)
{
    if (size_bytes == 0 || (base | size_bytes) % PAGE_BYTES || size_bytes - 1 > UINT64_MAX - base)
        return false;
    *region = (struct seep_usage_region){ .base = base,
                                          .size_bytes = size_bytes,
                                          .allocation_base = allocation_base,
                                          .protect = protect,
                                          .state = state_of(state),
                                          .type = type_of(type) };
    if (region->state == SEEP_STATE_FREE) {
        // VirtualQuery leaves the rest undefined
        region->allocation_base = 0;
        region->protect = 0;
        region->type = SEEP_TYPE_FREE;
        region->usage = SEEP_USAGE_FREE;
        region->rank = SEEP_RANK_FREE;
    } else if (region->state == SEEP_STATE_RESERVE) {
        region->protect = 0;
    }
    return true;
}

bool seep_usage_add(struct seep_usage_regions *regions, const struct seep_usage_region *region)
{
    if (!seep_grow(&regions->at, &regions->capacity, regions->n + 1, sizeof *regions->at))
        return false;
    regions->at[regions->n++] = *region;
    return true;
}

static int by_base(const void *left, const void *right)
{
    const struct seep_usage_region *a = left, *b = right;
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    return a->size_bytes > b->size_bytes ? -1 : a->size_bytes < b->size_bytes;
}

size_t seep_usage_tidy(struct seep_usage_regions *regions)
{
    struct seep_usage_region *at = regions->at;
    bool sorted = true;
    size_t n = 0, all = regions->n;
    for (size_t i = 1; i < all && sorted; i++)
        sorted = by_base(&at[i - 1], &at[i]) <= 0;
    if (!sorted)
        qsort(at, all, sizeof *at, by_base);
    for (size_t i = 0; i < all; i++) {
        if (!n || at[i].base - at[n - 1].base >= at[n - 1].size_bytes)
            at[n++] = at[i];
    }
    regions->n = n;
    return all - n;
}

void seep_usage_regions_clear(struct seep_usage_regions *regions)
{
    seep_free(regions->at);
    seep_free(regions->extents);
    seep_free(regions->borders);
    *regions = (struct seep_usage_regions){ 0 };
}

// The index of the first region that ends behind `address`.
static size_t find(const struct seep_usage_regions *r, uint64_t address)
{
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        // in this order nothing overflows where a region ends with the address space
        if (r->at[middle].base <= address &&
            address - r->at[middle].base >= r->at[middle].size_bytes)
            low = middle + 1;
        else if (r->at[middle].base > address)
            high = middle;
        else
            return middle;
    }
    return low;
}

struct seep_usage_region *seep_usage_find(const struct seep_usage_regions *regions,
                                          uint64_t address)
{
    size_t at = find(regions, address);
    return at < regions->n && regions->at[at].base <= address ? &regions->at[at] : NULL;
}

static void claim_one(struct seep_usage_region *region, const struct seep_usage_claim *claim)
{
    if (region->rank >= claim->rank)
        return;
    region->rank = (uint8_t)claim->rank;
    region->usage = (uint8_t)claim->usage;
    region->detail = claim->detail;
}

static bool note(struct seep_usage_regions *r, uint64_t start, uint64_t end, bool cuts,
                 const struct seep_usage_claim *claim)
{
    if (start >= end || r->n_extents >= r->max_extents)
        return false;
    if (!seep_grow(&r->extents, &r->extents_capacity, r->n_extents + 1, sizeof *r->extents)) {
        r->failed = true;
        return false;
    }
    r->extents[r->n_extents] = (struct seep_usage_extent){ start, end, r->n_extents, *claim, cuts };
    r->n_extents++;
    return true;
}

size_t seep_usage_max_extents(size_t n_pieces, uint64_t held_bytes)
{
    enum { AT_LEAST = 4096 };
    return AT_LEAST + n_pieces + (size_t)(held_bytes / PAGE_BYTES);
}

bool seep_usage_border(struct seep_usage_regions *r, uint64_t address)
{
    if (!seep_grow(&r->borders, &r->borders_capacity, r->n_borders + 1, sizeof *r->borders))
        return false;
    r->borders[r->n_borders++] = address;
    return true;
}

bool seep_usage_claim_part(struct seep_usage_regions *regions, uint64_t start, uint64_t end,
                           const struct seep_usage_claim *claim)
{
    return regions->derived ? note(regions, start, end, true, claim)
                            : seep_usage_claim(regions, start, claim);
}

bool seep_usage_claim(struct seep_usage_regions *regions, uint64_t address,
                      const struct seep_usage_claim *claim)
{
    if (regions->derived)
        return address < UINT64_MAX && note(regions, address, address + 1, false, claim);
    struct seep_usage_region *at = seep_usage_find(regions, address);
    if (!at || at->state == SEEP_STATE_FREE)
        return false;
    // Every region of a reservation that was claimed has that rank: what is claimed again and again
    // costs nothing.
    if (at->rank >= claim->rank)
        return true;
    uint64_t base = at->allocation_base;
    const struct seep_usage_region *end = regions->at + regions->n;
    if (base) {
        while (at > regions->at && at[-1].allocation_base == base)
            at--;
    }
    do {
        claim_one(at, claim);
        at++;
    } while (base && at < end && at->allocation_base == base);
    return true;
}

// The kernel lays the PEB and the TEBs side by side: what one region holds of them has the usage of
// the TEBs.
static void share(struct seep_usage_region *region, const struct seep_usage_claim *claim)
{
    static const char both[] = "PEB and TEBs", tebs[] = "TEBs of several threads";
    bool peb = region->usage == SEEP_USAGE_PEB32 || region->usage == SEEP_USAGE_PEB64;
    bool other = claim->usage == SEEP_USAGE_PEB32 || claim->usage == SEEP_USAGE_PEB64;
    if (region->detail == claim->detail)
        return; // both TEBs of one thread
    if (peb || other || region->detail == both)
        region->detail = both;
    else
        region->detail = tebs;
    if (peb && !other)
        region->usage = (uint8_t)claim->usage;
}

void seep_usage_claim_range(struct seep_usage_regions *regions, uint64_t start, uint64_t end,
                            const struct seep_usage_claim *claim)
{
    if (regions->derived) {
        (void)note(regions, start, end, true, claim);
        return;
    }
    for (size_t i = find(regions, start); i < regions->n && regions->at[i].base < end; i++) {
        struct seep_usage_region *at = &regions->at[i];
        if (at->state == SEEP_STATE_FREE)
            continue;
        if (claim->rank == SEEP_RANK_BLOCK && at->rank == SEEP_RANK_BLOCK)
            share(at, claim);
        else
            claim_one(at, claim);
    }
}

const struct seep_usage_image *seep_usage_image_at(const struct seep_usage_image *images, size_t n,
                                                   uint64_t address)
{
    size_t low = 0, high = n; // the last one that starts at or below
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (images[middle].base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address - images[low - 1].base >= images[low - 1].size_bytes)
        return NULL;
    return &images[low - 1];
}

bool seep_usage_settle(struct seep_usage_regions *regions, const struct seep_usage_image *images,
                       size_t n_images)
{
    if (regions->failed || (regions->derived && !seep_usage_share_out(regions)))
        return false;
    for (size_t i = 0; i < regions->n; i++) {
        struct seep_usage_region *at = &regions->at[i];
        if (at->state == SEEP_STATE_FREE)
            continue;
        const struct seep_usage_image *image = seep_usage_image_at(images, n_images, at->base);
        struct seep_usage_claim claim = { .usage = SEEP_USAGE_IMAGE,
                                          .rank = SEEP_RANK_IMAGE,
                                          .detail = image ? image->path : NULL };
        if (image || at->type == SEEP_TYPE_IMAGE)
            claim_one(at, &claim);
        else if (at->type == SEEP_TYPE_MAPPED && at->rank == SEEP_RANK_NONE)
            at->usage = SEEP_USAGE_MAPPED_FILE;
    }
    return true;
}
