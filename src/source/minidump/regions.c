// SPDX-License-Identifier: MIT
// The regions of a dumped process and what they are for.
#include "source/minidump/regions.h"

#include "base/alloc.h"
#include "source/minidump/derived.h"

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

static bool add(struct dump_regions *r, const struct dump_region *region)
{
    if (!seep_grow(&r->at, &r->capacity, r->n + 1, sizeof *r->at))
        return false;
    r->at[r->n++] = *region;
    return true;
}

static void bad(struct dump_regions *r, uint64_t offset)
{
    if (!r->n_bad++)
        r->first_bad = offset;
}

static bool from_entry(struct seep_bytes entry, struct dump_region *region)
{
    struct seep_minidump_region e = seep_minidump_region(entry);
    if (e.size_bytes == 0 || (e.base | e.size_bytes) % PAGE_BYTES ||
        e.size_bytes - 1 > UINT64_MAX - e.base)
        return false;
    *region = (struct dump_region){ .base = e.base,
                                    .size_bytes = e.size_bytes,
                                    .allocation_base = e.allocation_base,
                                    .protect = e.protect,
                                    .state = state_of(e.state),
                                    .type = type_of(e.type) };
    if (region->state == SEEP_STATE_FREE) {
        // VirtualQuery leaves the rest undefined
        region->allocation_base = 0;
        region->protect = 0;
        region->type = SEEP_TYPE_FREE;
        region->usage = SEEP_USAGE_FREE;
        region->rank = DUMP_RANK_FREE;
    } else if (region->state == SEEP_STATE_RESERVE) {
        region->protect = 0;
    }
    return true;
}

static int by_base(const void *left, const void *right)
{
    const struct dump_region *a = left, *b = right;
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    return a->size_bytes > b->size_bytes ? -1 : a->size_bytes < b->size_bytes;
}

// Sorts, and drops what overlaps the region before it: no address has two uses.
static void tidy(struct dump_regions *r)
{
    bool sorted = true;
    size_t n = 0;
    for (size_t i = 1; i < r->n && sorted; i++)
        sorted = by_base(&r->at[i - 1], &r->at[i]) <= 0;
    if (!sorted)
        qsort(r->at, r->n, sizeof *r->at, by_base);
    for (size_t i = 0; i < r->n; i++) {
        if (n && r->at[i].base - r->at[n - 1].base < r->at[n - 1].size_bytes)
            bad(r, r->list_offset);
        else
            r->at[n++] = r->at[i];
    }
    r->n = n;
}

static bool from_list(const struct seep_minidump_list *list, struct dump_regions *r)
{
    r->list_offset = list->offset;
    r->n_promised = list->promised;
    r->n_read = list->n;
    for (uint64_t i = 0; i < list->n; i++) {
        struct dump_region region;
        if (!from_entry(seep_minidump_entry(list, i), &region))
            bad(r, list->offset + i * list->entry_bytes);
        else if (!add(r, &region))
            return false;
    }
    tidy(r);
    return true;
}

// Without a list: each image, and what memory is held between them.
static bool derive(struct dump_regions *r, const struct dump_image *images, size_t n_images,
                   const struct seep_minidump_memory *memory)
{
    size_t image = 0, piece = 0;
    uint64_t done = 0; // everything below is settled
    while (image < n_images || piece < memory->n_pieces) {
        const struct dump_image *i = image < n_images ? &images[image] : NULL;
        const struct seep_minidump_piece *p =
            piece < memory->n_pieces ? &memory->pieces[piece] : NULL;
        struct dump_region region = { .state = SEEP_STATE_COMMIT };
        uint64_t start = p ? (p->address > done ? p->address : done) : 0;
        if (p && p->address + p->size_bytes <= done) {
            piece++;
            continue;
        }
        if (i && i->base < done) {
            image++;
            continue;
        }
        if (i && (!p || i->base <= start)) {
            region.base = region.allocation_base = i->base;
            region.size_bytes = i->size_bytes;
            region.type = SEEP_TYPE_IMAGE;
            image++;
        } else {
            uint64_t end = p->address + p->size_bytes;
            if (i && i->base < end)
                end = i->base;
            region.base = start;
            region.size_bytes = end - start;
        }
        done = region.base + region.size_bytes;
        if (region.size_bytes && !add(r, &region))
            return false;
    }
    return true;
}

bool dump_regions_load(const struct seep_minidump *dump, const struct dump_image *images,
                       size_t n_images, const struct seep_minidump_memory *memory,
                       struct dump_regions *regions)
{
    struct seep_minidump_list list;
    struct dump_regions r = { 0 };
    bool ok = true;
    if (seep_minidump_list(dump, SEEP_MINIDUMP_REGIONS, &list))
        ok = from_list(&list, &r);
    if (ok && r.n == 0) {
        enum { EXTENTS_AT_LEAST = 4096 };
        r.derived = true;
        r.max_extents =
            EXTENTS_AT_LEAST + memory->n_pieces + (size_t)(memory->held_bytes / PAGE_BYTES);
        ok = derive(&r, images, n_images, memory);
    }
    if (ok)
        *regions = r;
    else
        dump_regions_clear(&r);
    return ok;
}

void dump_regions_clear(struct dump_regions *regions)
{
    seep_free(regions->at);
    seep_free(regions->extents);
    *regions = (struct dump_regions){ 0 };
}

// The index of the first region that ends behind `address`.
static size_t find(const struct dump_regions *r, uint64_t address)
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

struct dump_region *dump_regions_find(const struct dump_regions *regions, uint64_t address)
{
    size_t at = find(regions, address);
    return at < regions->n && regions->at[at].base <= address ? &regions->at[at] : NULL;
}

static void claim_one(struct dump_region *region, const struct dump_claim *claim)
{
    if (region->rank >= claim->rank)
        return;
    region->rank = (uint8_t)claim->rank;
    region->usage = (uint8_t)claim->usage;
    region->detail = claim->detail;
}

static bool note(struct dump_regions *r, uint64_t start, uint64_t end, bool cuts,
                 const struct dump_claim *claim)
{
    if (start >= end || r->n_extents >= r->max_extents)
        return false;
    if (!seep_grow(&r->extents, &r->extents_capacity, r->n_extents + 1, sizeof *r->extents)) {
        r->failed = true;
        return false;
    }
    r->extents[r->n_extents] = (struct dump_extent){ start, end, r->n_extents, *claim, cuts };
    r->n_extents++;
    return true;
}

bool dump_regions_claim_part(struct dump_regions *regions, uint64_t start, uint64_t end,
                             const struct dump_claim *claim)
{
    return regions->derived ? note(regions, start, end, true, claim)
                            : dump_regions_claim(regions, start, claim);
}

bool dump_regions_claim(struct dump_regions *regions, uint64_t address,
                        const struct dump_claim *claim)
{
    if (regions->derived)
        return address < UINT64_MAX && note(regions, address, address + 1, false, claim);
    struct dump_region *at = dump_regions_find(regions, address);
    if (!at || at->state == SEEP_STATE_FREE)
        return false;
    // Every region of a reservation that was claimed has that rank: what is claimed again and again
    // costs nothing.
    if (at->rank >= claim->rank)
        return true;
    uint64_t base = at->allocation_base;
    const struct dump_region *end = regions->at + regions->n;
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
static void share(struct dump_region *region, const struct dump_claim *claim)
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

void dump_regions_claim_range(struct dump_regions *regions, uint64_t start, uint64_t end,
                              const struct dump_claim *claim)
{
    if (regions->derived) {
        (void)note(regions, start, end, true, claim);
        return;
    }
    for (size_t i = find(regions, start); i < regions->n && regions->at[i].base < end; i++) {
        struct dump_region *at = &regions->at[i];
        if (at->state == SEEP_STATE_FREE)
            continue;
        if (claim->rank == DUMP_RANK_BLOCK && at->rank == DUMP_RANK_BLOCK)
            share(at, claim);
        else
            claim_one(at, claim);
    }
}

const struct dump_image *dump_image_at(const struct dump_image *images, size_t n, uint64_t address)
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

bool dump_regions_settle(struct dump_regions *regions, const struct seep_minidump *dump,
                         const struct dump_image *images, size_t n_images)
{
    if (regions->failed || (regions->derived && !dump_regions_share_out(regions, dump)))
        return false;
    for (size_t i = 0; i < regions->n; i++) {
        struct dump_region *at = &regions->at[i];
        if (at->state == SEEP_STATE_FREE)
            continue;
        const struct dump_image *image = dump_image_at(images, n_images, at->base);
        struct dump_claim claim = { .usage = SEEP_USAGE_IMAGE,
                                    .rank = DUMP_RANK_IMAGE,
                                    .detail = image ? image->path : NULL };
        if (image || at->type == SEEP_TYPE_IMAGE)
            claim_one(at, &claim);
        else if (at->type == SEEP_TYPE_MAPPED && at->rank == DUMP_RANK_NONE)
            at->usage = SEEP_USAGE_MAPPED_FILE;
    }
    return true;
}
