// SPDX-License-Identifier: MIT
// Regions that nobody listed: what is held is cut where its ranges and what threads
// and heaps say begin and end, and each part goes to the claim of the highest rank.
#include "heap/derived.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 0x1000 };

static int by_address(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int by_base(const void *left, const void *right)
{
    const struct seep_usage_region *a = left, *b = right;
    return (a->base > b->base) - (a->base < b->base);
}

// The highest rank first, of one rank what came first.
static int by_rank(const void *left, const void *right)
{
    const struct seep_usage_extent *a = left, *b = right;
    if (a->claim.rank != b->claim.rank)
        return a->claim.rank > b->claim.rank ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

// Adds the pages of a PEB or TEB that is not in the dump: that it is there is known.
static bool add_blocks(struct seep_usage_regions *r)
{
    size_t n = r->n;
    for (size_t i = 0; i < r->n_extents; i++) {
        const struct seep_usage_extent *e = &r->extents[i];
        if (e->claim.rank != SEEP_RANK_BLOCK || e->start % PAGE_BYTES || e->start >= e->end)
            continue;
        size_t at = 0, high = n; // the first region that ends behind the start
        while (at < high) {
            size_t middle = at + (high - at) / 2;
            if (r->at[middle].base + (r->at[middle].size_bytes - 1) < e->start)
                at = middle + 1;
            else
                high = middle;
        }
        if (at < n && r->at[at].base < e->end)
            continue;
        if (!seep_grow(&r->at, &r->capacity, r->n + 1, sizeof *r->at))
            return false;
        r->at[r->n++] = (struct seep_usage_region){ .base = e->start,
                                                    .size_bytes = e->end - e->start,
                                                    .state = SEEP_STATE_COMMIT };
    }
    if (r->n == n)
        return true;
    qsort(r->at, r->n, sizeof *r->at, by_base);
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) { // two threads may name the same TEB
        if (!kept || r->at[i].base - r->at[kept - 1].base >= r->at[kept - 1].size_bytes)
            r->at[kept++] = r->at[i];
    }
    r->n = kept;
    return true;
}

// Adds where claims begin and end to the borders, and sorts them. False when memory is out.
static bool sort_borders(struct seep_usage_regions *r)
{
    for (size_t i = 0; i < r->n_extents; i++) {
        if (r->extents[i].cuts && (!seep_usage_border(r, r->extents[i].start) ||
                                   !seep_usage_border(r, r->extents[i].end)))
            return false;
    }
    if (r->n_borders)
        qsort(r->borders, r->n_borders, sizeof *r->borders, by_address);
    return true;
}

// Cuts the regions at the borders inside of them; an image is one.
static bool cut(struct seep_usage_regions *r)
{
    const uint64_t *border = r->borders;
    size_t n_borders = r->n_borders;
    struct seep_usage_regions made = { 0 };
    size_t k = 0;
    for (size_t i = 0; i < r->n; i++) {
        struct seep_usage_region rest = r->at[i];
        uint64_t last = rest.base + (rest.size_bytes - 1);
        while (k < n_borders && border[k] <= rest.base)
            k++;
        for (; rest.type != SEEP_TYPE_IMAGE && k < n_borders && border[k] <= last; k++) {
            struct seep_usage_region part = rest;
            part.size_bytes = border[k] - rest.base;
            if (!part.size_bytes)
                continue;
            if (!seep_grow(&made.at, &made.capacity, made.n + 1, sizeof *made.at))
                goto out;
            made.at[made.n++] = part;
            rest.base = border[k];
            rest.size_bytes = last - rest.base + 1;
        }
        if (!seep_grow(&made.at, &made.capacity, made.n + 1, sizeof *made.at))
            goto out;
        made.at[made.n++] = rest;
    }
    seep_free(r->at);
    r->at = made.at;
    r->n = made.n;
    r->capacity = made.capacity;
    return true;
out:
    seep_free(made.at);
    return false;
}

// The next region from `i` on that nobody has, by the chain `next`, which is shortened on the way.
static size_t unclaimed(size_t *next, size_t i)
{
    size_t at = i;
    while (next[at] != at)
        at = next[at];
    while (next[i] != at) {
        size_t following = next[i];
        next[i] = at;
        i = following;
    }
    return at;
}

static bool share_out(struct seep_usage_regions *r)
{
    size_t *next = seep_alloc(r->n + 1, sizeof *next);
    if (!next)
        return false;
    for (size_t i = 0; i <= r->n; i++)
        next[i] = i;
    if (r->n_extents)
        qsort(r->extents, r->n_extents, sizeof *r->extents, by_rank);
    for (size_t i = 0; i < r->n_extents; i++) {
        const struct seep_usage_extent *e = &r->extents[i];
        const struct seep_usage_region *first = seep_usage_find(r, e->start);
        size_t at = first ? (size_t)(first - r->at) : 0, high = r->n;
        while (!first && at < high) { // the first region behind the start
            size_t middle = at + (high - at) / 2;
            if (r->at[middle].base < e->start)
                at = middle + 1;
            else
                high = middle;
        }
        for (at = unclaimed(next, at); at < r->n && r->at[at].base < e->end;
             at = unclaimed(next, at)) {
            r->at[at].rank = (uint8_t)e->claim.rank;
            r->at[at].usage = (uint8_t)e->claim.usage;
            r->at[at].detail = e->claim.detail;
            next[at] = at + 1;
        }
    }
    seep_free(next);
    return true;
}

bool seep_usage_share_out(struct seep_usage_regions *regions)
{
    return add_blocks(regions) && sort_borders(regions) && cut(regions) && share_out(regions);
}
