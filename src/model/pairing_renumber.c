// SPDX-License-Identifier: MIT
// Stacks that have become one: their sites become one too, and everything live follows.
#include "model/pairing_internal.h"

#include "base/alloc.h"
#include "base/time.h"

#include <string.h>

static void renumber_stack(struct seep_stack_id *stack, const uint32_t *map, size_t n)
{
    if (stack->v && stack->v <= n)
        stack->v = map[stack->v - 1];
}

// Puts all sites into the table anew; `to[i]` is where the site that was at `i` is now.
static bool renumber_sites(struct seep_pairing *pairing, const uint32_t *map, size_t n,
                           uint32_t *to)
{
    size_t n_old = pairing->n_sites;
    memset(pairing->site_slots, 0, pairing->n_site_slots * sizeof *pairing->site_slots);
    pairing->n_sites = 0;
    pairing->n_dirty = 0;
    for (size_t i = 0; i < n_old; i++) {
        // There are no more of them than there were: a new one never takes the place of one that
        // has not been looked at.
        struct live_site site = pairing->sites[i];
        size_t before = pairing->n_sites;
        renumber_stack(&site.origin.stack, map, n);
        pairing->sites[i].curve = NULL;
        if (!seep_pairing_site_of(pairing, &site.origin, &to[i])) {
            seep_free(site.curve);
            return false;
        }
        struct live_site *into = &pairing->sites[to[i]];
        bool dirty = site.dirty;
        site.dirty = false;
        if (pairing->n_sites > before) {
            *into = site;
        } else {
            seep_pairing_fill_curve(into, into->curve ? pairing->moment : into->n_moments);
            seep_pairing_fill_curve(&site, site.curve ? pairing->moment : site.n_moments);
            bool curve = into->curve || site.curve;
            seep_pairing_sum_up(into, &site);
            seep_pairing_sum_up_curve(into, &site);
            into->curve_bytes += site.curve_bytes;
            into->curve_count += site.curve_count;
            into->n_moments = curve ? pairing->moment : 0;
            seep_free(site.curve);
        }
        if (dirty && !seep_pairing_mark_dirty(pairing, to[i]))
            return false;
    }
    return true;
}

// What freed, too, is told by its stack.
static bool renumber_frees(struct seep_pairing *pairing, const uint32_t *map, size_t n)
{
    size_t n_old = pairing->n_frees;
    if (!n_old)
        return true;
    memset(pairing->free_slots, 0, pairing->n_free_slots * sizeof *pairing->free_slots);
    pairing->n_frees = 0;
    for (size_t i = 0; i < n_old; i++) {
        struct live_free old = pairing->frees[i];
        struct seep_pairing_origin origin = { .process = old.process,
                                              .kind = old.kind,
                                              .stack = old.stack };
        renumber_stack(&origin.stack, map, n);
        if (!seep_pairing_count_free(pairing, &origin, old.frees, old.bytes, old.unmatched,
                                     old.decommit))
            return false;
    }
    return true;
}

bool seep_pairing_renumber(struct seep_pairing *pairing, const uint32_t *map, size_t n)
{
    uint32_t *to = seep_alloc(pairing->n_sites, sizeof *to);
    bool ok = to && (!pairing->n_sites || renumber_sites(pairing, map, n, to)) &&
              renumber_frees(pairing, map, n);
    for (size_t s = 0; ok && s < pairing->n_spaces; s++) {
        struct live_blocks *blocks = &pairing->spaces[s].blocks;
        for (size_t i = 0; pairing->spaces[s].kind != SEEP_SITE_REFERENCE && i < blocks->n_slots;
             i++) {
            if (blocks->slots[i].address)
                blocks->slots[i].site = to[blocks->slots[i].site];
        }
        seep_ranges_renumber(&pairing->spaces[s].ranges, to);
    }
    for (size_t i = 0; ok && i < pairing->n_holds; i++)
        pairing->holds[i].site = to[pairing->holds[i].site];
    seep_free(to);
    return ok;
}
