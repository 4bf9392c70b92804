// SPDX-License-Identifier: MIT
// Pairing of references: by object and tag, last taken first given back, until the object goes.
//
// An object that is deleted has no references left, whatever their tags say. To find them all at
// once would cost a look into every tag, so the deletion is noted, and what is older than it goes
// when it is next looked at.
#include "model/pairing_internal.h"

#include "base/alloc.h"
#include "base/time.h"

static bool hold(struct seep_pairing *pairing, struct live_block *block, uint32_t site,
                 uint64_t count)
{
    uint32_t top = (uint32_t)block->size_bytes;
    if (top && pairing->holds[top - 1].site == site) {
        pairing->holds[top - 1].count += count;
    } else {
        uint32_t index = pairing->free_hold;
        if (index) {
            pairing->free_hold = pairing->holds[index - 1].below;
        } else {
            if (pairing->n_holds >= UINT32_MAX - 1 ||
                !seep_grow(&pairing->holds, &pairing->holds_capacity, pairing->n_holds + 1,
                           sizeof *pairing->holds))
                return false;
            index = (uint32_t)++pairing->n_holds;
        }
        pairing->holds[index - 1] = (struct live_hold){
            .count = count, .t_ns = pairing->now_ns, .site = site, .below = top
        };
        block->size_bytes = index;
    }
    pairing->sites[site].allocs += count;
    pairing->sites[site].outstanding_count += count;
    pairing->totals.allocs += count;
    pairing->totals.outstanding_count += count;
    return seep_pairing_mark_dirty(pairing, site);
}

// Gives back up to `*count` references, last taken first; what could not be given is left in it.
bool seep_pairing_unhold(struct seep_pairing *pairing, struct live_block *block, uint64_t *count)
{
    bool ok = true;
    while (*count && block->size_bytes) {
        uint32_t top = (uint32_t)block->size_bytes;
        struct live_hold *held = &pairing->holds[top - 1];
        uint64_t n = *count < held->count ? *count : held->count;
        pairing->sites[held->site].frees += n;
        pairing->sites[held->site].outstanding_count -= n;
        pairing->totals.frees += n;
        pairing->totals.outstanding_count -= n;
        ok = seep_pairing_mark_dirty(pairing, held->site) && ok;
        held->count -= n;
        *count -= n;
        if (held->count == 0) {
            block->size_bytes = held->below;
            held->below = pairing->free_hold;
            pairing->free_hold = top;
        }
    }
    return ok;
}

// When the object at an address was last deleted; NULL = never, as far as is known. Only objects
// that something refers to are remembered.
static int64_t *deletion_of(struct seep_pairing *pairing, uint64_t object)
{
    uint32_t id = seep_intern_find(&pairing->objects, &object, sizeof object);
    return id ? &pairing->deleted[id - 1] : NULL;
}

static bool remember(struct seep_pairing *pairing, uint64_t object)
{
    uint32_t id = seep_intern(&pairing->objects, &object, sizeof object);
    if (!id ||
        !seep_grow(&pairing->deleted, &pairing->deleted_capacity, id, sizeof *pairing->deleted))
        return false;
    if (id > pairing->n_deleted)
        pairing->deleted[pairing->n_deleted++] = SEEP_NO_TIME;
    return true;
}

// Lets go of what referred to an object that was there before.
static bool forget_old(struct seep_pairing *pairing, struct live_block *block)
{
    const int64_t *deleted = deletion_of(pairing, block->address);
    uint64_t all = UINT64_MAX;
    return !deleted || *deleted == SEEP_NO_TIME || *deleted < block->t_ns ||
           seep_pairing_unhold(pairing, block, &all);
}

bool seep_pairing_object_deleted(struct seep_pairing *pairing, uint64_t object, int64_t t_ns)
{
    if (!seep_pairing_advance(pairing, t_ns))
        return false;
    int64_t *deleted = deletion_of(pairing, object);
    if (deleted)
        *deleted = pairing->now_ns;
    return true;
}

bool seep_pairing_forget_deleted(struct seep_pairing *pairing)
{
    bool ok = true;
    for (size_t s = 0; s < pairing->n_spaces; s++) {
        struct live_blocks *blocks = &pairing->spaces[s].blocks;
        for (size_t i = 0; pairing->spaces[s].kind == SEEP_SITE_REFERENCE && i < blocks->n_slots;
             i++)
            ok = (!blocks->slots[i].address || forget_old(pairing, &blocks->slots[i])) && ok;
    }
    return ok;
}

bool seep_pairing_reference(struct seep_pairing *pairing, const struct seep_pairing_origin *origin,
                            uint64_t object, int64_t count, int64_t t_ns)
{
    uint32_t site;
    if (!object || !count)
        return true;
    if (!seep_pairing_advance(pairing, t_ns))
        return false;
    struct live_space *space = seep_pairing_space_of(pairing, origin);
    struct live_block *block =
        space ? seep_pairing_block_at(&space->blocks, pairing->seed, object) : NULL;
    if (!block || (block->address && !forget_old(pairing, block)))
        return false;
    if (count > 0) {
        if (!seep_pairing_site_of(pairing, origin, &site))
            return false;
        if (!block->address) {
            if (!remember(pairing, object))
                return false;
            *block = (struct live_block){ .address = object };
            space->blocks.count++;
        }
        if (!block->size_bytes)
            block->t_ns = pairing->now_ns;
        return hold(pairing, block, site, (uint64_t)count);
    }
    uint64_t left = 0 - (uint64_t)count;
    if (block->address) {
        if (!seep_pairing_unhold(pairing, block, &left))
            return false;
        if (!block->size_bytes)
            seep_pairing_drop_block(&space->blocks, pairing->seed, block);
    }
    pairing->totals.unmatched_frees += left;
    return !left || seep_pairing_count_free(pairing, origin, left, 0, true, false);
}
