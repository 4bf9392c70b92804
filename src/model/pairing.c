// SPDX-License-Identifier: MIT
// Pairing: live allocations by address, what they belong to, and how it grew.
#include "model/pairing.h"

#include "base/alloc.h"
#include "model/pairing_internal.h"

#include <string.h>

static const int64_t FIRST_STEP_NS = 1000000000; // between moments where no end is announced

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
    return x ^ x >> 32;
}

struct seep_pairing *seep_pairing_new(int64_t start_ns, int64_t end_ns)
{
    struct seep_pairing *pairing = seep_alloc(1, sizeof *pairing);
    if (!pairing)
        return NULL;
    pairing->seed = mix((uint64_t)(uintptr_t)pairing);
    pairing->start_ns = pairing->now_ns = start_ns;
    pairing->step_ns =
        end_ns > start_ns ? (end_ns - start_ns) / SEEP_PAIRING_MOMENTS + 1 : FIRST_STEP_NS;
    return pairing;
}

void seep_pairing_free(struct seep_pairing *pairing)
{
    if (!pairing)
        return;
    for (size_t i = 0; i < pairing->n_spaces; i++) {
        seep_free(pairing->spaces[i].blocks.slots);
        seep_ranges_clear(&pairing->spaces[i].ranges);
    }
    for (size_t i = 0; i < pairing->n_sites; i++)
        seep_free(pairing->sites[i].curve);
    seep_free(pairing->spaces);
    seep_free(pairing->space_slots);
    seep_free(pairing->sites);
    seep_free(pairing->site_slots);
    seep_free(pairing->dirty);
    seep_free(pairing->frees);
    seep_free(pairing->free_slots);
    seep_free(pairing->holds);
    seep_free(pairing->heads);
    seep_free(pairing->deleted);
    seep_intern_clear(&pairing->objects);
    seep_intern_clear(&pairing->processes);
    seep_free(pairing);
}

// ---- growth

// Carries what a site held at its last known moment forward to moment `upto`.
void seep_pairing_fill_curve(struct live_site *site, uint32_t upto)
{
    for (uint32_t i = site->n_moments; i < upto; i++) {
        site->curve[i].bytes = site->curve_bytes;
        site->curve[i].count = site->curve_count;
    }
    if (upto > site->n_moments)
        site->n_moments = upto;
}

// Twice the step: every second moment stays.
static void halve_moments(struct seep_pairing *pairing)
{
    for (size_t i = 0; i < pairing->n_sites; i++) {
        struct live_site *site = &pairing->sites[i];
        if (!site->curve)
            continue;
        seep_pairing_fill_curve(site, pairing->moment);
        for (uint32_t k = 0; k < SEEP_PAIRING_MOMENTS / 2; k++)
            site->curve[k] = site->curve[2 * k + 1];
        site->n_moments = pairing->moment / 2;
    }
    pairing->moment /= 2;
    pairing->step_ns *= 2;
}

// Notes what the sites that changed hold now, for the moment that has come.
static bool take_moment(struct seep_pairing *pairing)
{
    for (size_t i = 0; i < pairing->n_dirty; i++) {
        struct live_site *site = &pairing->sites[pairing->dirty[i]];
        if (!site->curve) {
            site->curve = seep_alloc(SEEP_PAIRING_MOMENTS, sizeof *site->curve);
            if (!site->curve)
                return false;
        }
        seep_pairing_fill_curve(site, pairing->moment);
        site->curve_bytes = site->outstanding_bytes;
        site->curve_count = site->outstanding_count;
        site->dirty = false;
    }
    pairing->n_dirty = 0;
    pairing->moment++;
    return true;
}

int64_t seep_pairing_moment_ns(const struct seep_pairing *pairing, uint32_t moment)
{
    return pairing->start_ns + pairing->step_ns * (int64_t)(moment + 1);
}

// Lets time come to `t_ns`: takes the moments on the way.
bool seep_pairing_advance(struct seep_pairing *pairing, int64_t t_ns)
{
    if (t_ns <= pairing->now_ns)
        return true;
    while (t_ns >= seep_pairing_moment_ns(pairing, pairing->moment)) {
        if (pairing->moment == SEEP_PAIRING_MOMENTS) {
            if (pairing->step_ns > INT64_MAX / (4 * SEEP_PAIRING_MOMENTS))
                break;
            halve_moments(pairing);
            continue;
        }
        if (!take_moment(pairing))
            return false;
    }
    pairing->now_ns = t_ns;
    return true;
}

bool seep_pairing_mark_dirty(struct seep_pairing *pairing, uint32_t site)
{
    if (pairing->sites[site].dirty)
        return true;
    if (!seep_grow(&pairing->dirty, &pairing->dirty_capacity, pairing->n_dirty + 1,
                   sizeof *pairing->dirty))
        return false;
    pairing->dirty[pairing->n_dirty++] = site;
    pairing->sites[site].dirty = true;
    return true;
}

// ---- sites, spaces

static uint64_t origin_hash(const struct seep_pairing_origin *o)
{
    uint64_t a = (uint64_t)o->process.v << 32 | o->stack.v;
    uint64_t b = o->heap ^ (uint64_t)o->tag << 32 ^ (uint64_t)o->kind << 1 ^ (uint64_t)o->paged;
    return mix(a + mix(b));
}

static bool same_origin(const struct seep_pairing_origin *a, const struct seep_pairing_origin *b)
{
    return a->stack.v == b->stack.v && a->process.v == b->process.v && a->heap == b->heap &&
           a->tag == b->tag && a->kind == b->kind && a->paged == b->paged;
}

static bool grow_site_slots(struct seep_pairing *pairing)
{
    size_t n_slots = pairing->n_site_slots ? pairing->n_site_slots * 2 : 1024;
    uint32_t *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < pairing->n_sites; i++) {
        size_t slot = (size_t)origin_hash(&pairing->sites[i].origin) & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = (uint32_t)(i + 1);
    }
    seep_free(pairing->site_slots);
    pairing->site_slots = slots;
    pairing->n_site_slots = n_slots;
    return true;
}

// The index of the site of an origin, new or old.
bool seep_pairing_site_of(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                          uint32_t *site)
{
    if (pairing->n_sites * 2 >= pairing->n_site_slots && !grow_site_slots(pairing))
        return false;
    size_t slot = (size_t)origin_hash(origin) & (pairing->n_site_slots - 1);
    for (; pairing->site_slots[slot]; slot = (slot + 1) & (pairing->n_site_slots - 1)) {
        uint32_t index = pairing->site_slots[slot] - 1;
        if (same_origin(&pairing->sites[index].origin, origin)) {
            *site = index;
            return true;
        }
    }
    if (pairing->n_sites >= UINT32_MAX - 1 ||
        !seep_grow(&pairing->sites, &pairing->sites_capacity, pairing->n_sites + 1,
                   sizeof *pairing->sites))
        return false;
    pairing->sites[pairing->n_sites] = (struct live_site){ .origin = *origin };
    pairing->site_slots[slot] = (uint32_t)++pairing->n_sites;
    *site = (uint32_t)pairing->n_sites - 1;
    return true;
}

// Whether addresses of this kind are unique only together with their tag.
static uint32_t space_tag(const struct seep_pairing_origin *o)
{
    return o->kind == SEEP_SITE_VIRTUAL || o->kind == SEEP_SITE_REFERENCE ? o->tag : 0;
}

static uint64_t space_hash(const struct seep_pairing_origin *o)
{
    uint64_t key = (uint64_t)o->process.v << 32 | (uint64_t)o->kind << 28 | 1;
    return mix(key + mix(o->heap ^ space_tag(o)));
}

static bool same_space(const struct live_space *space, const struct seep_pairing_origin *o)
{
    return space->process.v == o->process.v && space->kind == o->kind && space->heap == o->heap &&
           space->tag == space_tag(o);
}

static bool grow_space_slots(struct seep_pairing *pairing)
{
    size_t n_slots = pairing->n_space_slots ? pairing->n_space_slots * 2 : 64;
    uint32_t *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < pairing->n_spaces; i++) {
        const struct live_space *s = &pairing->spaces[i];
        struct seep_pairing_origin o = {
            .process = s->process, .kind = s->kind, .heap = s->heap, .tag = s->tag
        };
        size_t slot = (size_t)space_hash(&o) & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = (uint32_t)(i + 1);
    }
    seep_free(pairing->space_slots);
    pairing->space_slots = slots;
    pairing->n_space_slots = n_slots;
    return true;
}

// Hangs a space into the list of its process, unless it is there; NULL when memory is out.
static struct live_space *chain_space(struct seep_pairing *pairing, size_t index)
{
    struct live_space *space = &pairing->spaces[index];
    if (space->chained)
        return space;
    uint32_t key = space->process.v;
    uint32_t process = seep_intern(&pairing->processes, &key, sizeof key);
    if (!process ||
        !seep_grow(&pairing->heads, &pairing->heads_capacity, process, sizeof *pairing->heads))
        return NULL;
    if (process > pairing->n_heads)
        pairing->heads[pairing->n_heads++] = 0;
    space->next = pairing->heads[process - 1];
    pairing->heads[process - 1] = (uint32_t)(index + 1);
    space->chained = true;
    return space;
}

// The space of an origin; NULL when memory is out. Valid until the next call.
struct live_space *seep_pairing_space_of(struct seep_pairing *pairing,
                                         const struct seep_pairing_origin *origin)
{
    if (pairing->last_space < pairing->n_spaces &&
        same_space(&pairing->spaces[pairing->last_space], origin))
        return chain_space(pairing, pairing->last_space);
    if (pairing->n_spaces * 2 >= pairing->n_space_slots && !grow_space_slots(pairing))
        return NULL;
    size_t slot = (size_t)space_hash(origin) & (pairing->n_space_slots - 1);
    for (; pairing->space_slots[slot]; slot = (slot + 1) & (pairing->n_space_slots - 1)) {
        uint32_t index = pairing->space_slots[slot] - 1;
        if (same_space(&pairing->spaces[index], origin)) {
            pairing->last_space = index;
            return chain_space(pairing, index);
        }
    }
    if (pairing->n_spaces >= UINT32_MAX - 1 ||
        !seep_grow(&pairing->spaces, &pairing->spaces_capacity, pairing->n_spaces + 1,
                   sizeof *pairing->spaces))
        return NULL;
    pairing->spaces[pairing->n_spaces] = (struct live_space){ .process = origin->process,
                                                              .kind = origin->kind,
                                                              .heap = origin->heap,
                                                              .tag = space_tag(origin) };
    pairing->space_slots[slot] = (uint32_t)++pairing->n_spaces;
    pairing->last_space = pairing->n_spaces - 1;
    return chain_space(pairing, pairing->last_space);
}

// ---- what frees

bool seep_pairing_count_free(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                             uint64_t frees, uint64_t bytes, bool unmatched, bool decommit)
{
    struct live_free key = { .process = origin->process,
                             .kind = origin->kind,
                             .unmatched = unmatched,
                             .decommit = decommit };
    if (origin->kind == SEEP_SITE_VIRTUAL)
        key.stack = origin->stack;
    struct seep_pairing_origin hashed = { .process = key.process,
                                          .kind = key.kind,
                                          .stack = key.stack,
                                          .tag = (uint32_t)unmatched << 1 | (uint32_t)decommit };
    if (pairing->n_frees * 2 >= pairing->n_free_slots) {
        size_t n_slots = pairing->n_free_slots ? pairing->n_free_slots * 2 : 64;
        uint32_t *slots = seep_alloc(n_slots, sizeof *slots);
        if (!slots)
            return false;
        for (size_t i = 0; i < pairing->n_frees; i++) {
            size_t slot = (size_t)pairing->frees[i].hash & (n_slots - 1);
            while (slots[slot])
                slot = (slot + 1) & (n_slots - 1);
            slots[slot] = (uint32_t)(i + 1);
        }
        seep_free(pairing->free_slots);
        pairing->free_slots = slots;
        pairing->n_free_slots = n_slots;
    }
    key.hash = origin_hash(&hashed);
    size_t slot = (size_t)key.hash & (pairing->n_free_slots - 1);
    for (; pairing->free_slots[slot]; slot = (slot + 1) & (pairing->n_free_slots - 1)) {
        struct live_free *f = &pairing->frees[pairing->free_slots[slot] - 1];
        if (f->process.v != key.process.v || f->kind != key.kind || f->stack.v != key.stack.v ||
            f->unmatched != unmatched || f->decommit != decommit)
            continue;
        f->frees += frees;
        f->bytes += bytes;
        return true;
    }
    if (!seep_grow(&pairing->frees, &pairing->frees_capacity, pairing->n_frees + 1,
                   sizeof *pairing->frees))
        return false;
    key.frees = frees;
    key.bytes = bytes;
    pairing->frees[pairing->n_frees++] = key;
    pairing->free_slots[slot] = (uint32_t)pairing->n_frees;
    return true;
}

// ---- blocks

static size_t block_slot(const struct live_blocks *blocks, uint64_t seed, uint64_t address)
{
    return (size_t)mix(address ^ seed) & (blocks->n_slots - 1);
}

// A table begins small: a trace may speak of a space in each of its events.
static bool grow_blocks(struct live_blocks *blocks, uint64_t seed)
{
    struct live_blocks grown = { .n_slots = blocks->n_slots ? blocks->n_slots * 2 : 8,
                                 .count = blocks->count };
    grown.slots = seep_alloc(grown.n_slots, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < blocks->n_slots; i++) {
        if (!blocks->slots[i].address)
            continue;
        size_t slot = block_slot(&grown, seed, blocks->slots[i].address);
        while (grown.slots[slot].address)
            slot = (slot + 1) & (grown.n_slots - 1);
        grown.slots[slot] = blocks->slots[i];
    }
    seep_free(blocks->slots);
    *blocks = grown;
    return true;
}

// The slot of an address, or the free one where it would go; NULL when memory is out.
struct live_block *seep_pairing_block_at(struct live_blocks *blocks, uint64_t seed,
                                         uint64_t address)
{
    if (blocks->count >= blocks->n_slots - blocks->n_slots / 4 && !grow_blocks(blocks, seed))
        return NULL;
    size_t slot = block_slot(blocks, seed, address);
    while (blocks->slots[slot].address && blocks->slots[slot].address != address)
        slot = (slot + 1) & (blocks->n_slots - 1);
    return &blocks->slots[slot];
}

// Empties a slot and moves back what had to make way for it: no tombstones, so that a table does
// not wear out however long the trace.
void seep_pairing_drop_block(struct live_blocks *blocks, uint64_t seed, struct live_block *block)
{
    size_t mask = blocks->n_slots - 1, hole = (size_t)(block - blocks->slots), at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (!blocks->slots[at].address)
            break;
        size_t home = block_slot(blocks, seed, blocks->slots[at].address);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            blocks->slots[hole] = blocks->slots[at];
            hole = at;
        }
    }
    blocks->slots[hole].address = 0;
    blocks->count--;
}

void seep_pairing_prefetch(const struct seep_pairing *pairing,
                           const struct seep_pairing_origin *origin, uint64_t address)
{
    if (pairing->last_space >= pairing->n_spaces ||
        !same_space(&pairing->spaces[pairing->last_space], origin))
        return;
    const struct live_blocks *blocks = &pairing->spaces[pairing->last_space].blocks;
    if (blocks->n_slots)
        __builtin_prefetch(&blocks->slots[block_slot(blocks, pairing->seed, address)], 1);
}

static bool leaves(struct seep_pairing *pairing, const struct live_block *block)
{
    struct live_site *site = &pairing->sites[block->site];
    site->frees++;
    site->outstanding_count--;
    site->outstanding_bytes -= block->size_bytes;
    pairing->totals.frees++;
    pairing->totals.outstanding_count--;
    pairing->totals.outstanding_bytes -= block->size_bytes;
    return seep_pairing_mark_dirty(pairing, block->site);
}

static bool enters(struct seep_pairing *pairing, uint32_t index, uint64_t size_bytes)
{
    struct live_site *site = &pairing->sites[index];
    site->allocs++;
    site->alloc_bytes += size_bytes;
    site->outstanding_count++;
    site->outstanding_bytes += size_bytes;
    pairing->totals.allocs++;
    pairing->totals.outstanding_count++;
    pairing->totals.outstanding_bytes += size_bytes;
    return seep_pairing_mark_dirty(pairing, index);
}

bool seep_pairing_alloc(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                        uint64_t address, uint64_t size_bytes, int64_t t_ns)
{
    uint32_t site;
    if (!address)
        return true; // it failed: nothing is held
    if (!seep_pairing_advance(pairing, t_ns) || !seep_pairing_site_of(pairing, origin, &site))
        return false;
    struct live_space *space = seep_pairing_space_of(pairing, origin);
    struct live_block *block =
        space ? seep_pairing_block_at(&space->blocks, pairing->seed, address) : NULL;
    if (!block)
        return false;
    if (block->address) {
        pairing->totals.replaced++;
        if (!leaves(pairing, block))
            return false;
    } else {
        space->blocks.count++;
    }
    *block = (struct live_block){ address, size_bytes, pairing->now_ns, site };
    return enters(pairing, site, size_bytes);
}

bool seep_pairing_release(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                          uint64_t address, int64_t t_ns)
{
    if (!address)
        return true;
    if (!seep_pairing_advance(pairing, t_ns))
        return false;
    struct live_space *space = seep_pairing_space_of(pairing, origin);
    struct live_block *block =
        space ? seep_pairing_block_at(&space->blocks, pairing->seed, address) : NULL;
    if (!block)
        return false;
    if (!block->address) {
        pairing->totals.unmatched_frees++;
        return seep_pairing_count_free(pairing, origin, 1, 0, true, false);
    }
    if (!leaves(pairing, block))
        return false;
    seep_pairing_drop_block(&space->blocks, pairing->seed, block);
    return true;
}

bool seep_pairing_realloc(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                          uint64_t old_address, uint64_t new_address, uint64_t size_bytes,
                          int64_t t_ns)
{
    // A failed one leaves the old block as it is.
    if (!new_address)
        return true;
    return seep_pairing_release(pairing, origin, old_address, t_ns) &&
           seep_pairing_alloc(pairing, origin, new_address, size_bytes, t_ns);
}

// ---- virtual memory

struct range_change {
    struct seep_pairing *pairing;
    bool failed;
};

static void range_changed(void *ctx, uint32_t index, int64_t bytes, int64_t pieces)
{
    struct range_change *change = ctx;
    struct seep_pairing *pairing = change->pairing;
    struct live_site *site = &pairing->sites[index];
    site->outstanding_bytes += (uint64_t)bytes;
    site->outstanding_count += (uint64_t)pieces;
    pairing->totals.outstanding_bytes += (uint64_t)bytes;
    pairing->totals.outstanding_count += (uint64_t)pieces;
    if (bytes > 0)
        site->alloc_bytes += (uint64_t)bytes;
    if (pieces < 0)
        site->frees++;
    change->failed |= !seep_pairing_mark_dirty(pairing, index);
}

static uint64_t range_end(uint64_t base, uint64_t size_bytes)
{
    return size_bytes > UINT64_MAX - base ? UINT64_MAX : base + size_bytes;
}

bool seep_pairing_commit(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                         uint64_t base, uint64_t size_bytes, int64_t t_ns)
{
    uint32_t site;
    if (!size_bytes)
        return true;
    if (!seep_pairing_advance(pairing, t_ns) || !seep_pairing_site_of(pairing, origin, &site))
        return false;
    struct live_space *space = seep_pairing_space_of(pairing, origin);
    struct range_change change = { .pairing = pairing };
    struct seep_range_change told = { range_changed, &change };
    pairing->sites[site].allocs++;
    pairing->totals.allocs++;
    return space &&
           seep_ranges_add(&space->ranges, base, range_end(base, size_bytes), site, pairing->now_ns,
                           &told) &&
           !change.failed;
}

bool seep_pairing_decommit(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                           uint64_t base, uint64_t size_bytes, bool release, int64_t t_ns)
{
    if (!seep_pairing_advance(pairing, t_ns))
        return false;
    struct live_space *space = seep_pairing_space_of(pairing, origin);
    struct range_change change = { .pairing = pairing };
    struct seep_range_change told = { range_changed, &change };
    uint64_t bytes = 0, end = range_end(base, size_bytes);
    if (!space || !seep_ranges_remove(&space->ranges, base, end, &told, &bytes) || change.failed)
        return false;
    pairing->totals.frees++;
    if (bytes == 0) {
        pairing->totals.unmatched_frees++;
        return seep_pairing_count_free(pairing, origin, 1, size_bytes, true, !release);
    }
    return seep_pairing_count_free(pairing, origin, 1, bytes, false, !release);
}

// ---- ends

static bool empty_space(struct seep_pairing *pairing, struct live_space *space)
{
    struct range_change change = { .pairing = pairing };
    struct seep_range_change told = { range_changed, &change };
    uint64_t bytes;
    bool ok = seep_ranges_remove(&space->ranges, 0, UINT64_MAX, &told, &bytes);
    for (size_t i = 0; i < space->blocks.n_slots; i++) {
        struct live_block *block = &space->blocks.slots[i];
        uint64_t all = UINT64_MAX;
        if (!block->address)
            continue;
        if (space->kind == SEEP_SITE_REFERENCE)
            ok = seep_pairing_unhold(pairing, block, &all) && ok;
        else
            ok = leaves(pairing, block) && ok;
    }
    seep_free(space->blocks.slots);
    space->blocks = (struct live_blocks){ 0 };
    seep_ranges_clear(&space->ranges);
    return ok && !change.failed;
}

bool seep_pairing_heap_destroyed(struct seep_pairing *pairing, struct seep_process_id process,
                                 uint64_t heap, int64_t t_ns)
{
    struct seep_pairing_origin origin = { .process = process,
                                          .kind = SEEP_SITE_HEAP,
                                          .heap = heap };
    if (!seep_pairing_advance(pairing, t_ns))
        return false;
    struct live_space *space = seep_pairing_space_of(pairing, &origin);
    return space && empty_space(pairing, space);
}

bool seep_pairing_process_ended(struct seep_pairing *pairing, struct seep_process_id process,
                                int64_t t_ns)
{
    if (!process.v)
        return true;
    if (!seep_pairing_advance(pairing, t_ns))
        return false;
    uint32_t known = seep_intern_find(&pairing->processes, &process.v, sizeof process.v);
    uint32_t kept = 0, next = known ? pairing->heads[known - 1] : 0;
    bool ok = true;
    // What was emptied leaves the list until it is used again, so that a process that ends over
    // and over costs no more than what it takes between.
    while (next) {
        uint32_t at = next;
        struct live_space *space = &pairing->spaces[at - 1];
        next = space->next;
        // What the kernel holds for a process outlives it.
        if (space->kind == SEEP_SITE_REFERENCE || space->kind == SEEP_SITE_POOL) {
            space->next = kept;
            kept = at;
            continue;
        }
        ok = empty_space(pairing, space) && ok;
        space->chained = false;
    }
    if (known)
        pairing->heads[known - 1] = kept;
    return ok;
}
