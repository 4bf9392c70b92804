// SPDX-License-Identifier: MIT
// The end of pairing: what is still live is summed up, sites of one stack become one, and all of it
// goes to the sink.
#include "model/pairing_internal.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A site as the sink gets it.
struct final_site {
    struct live_site *site; // the first of those that are one; it holds their sums
    struct seep_process_id process;
    struct seep_stack_id stack;
    uint64_t fingerprint;
    struct seep_series_id series;
    char name[48];
};

struct finish {
    struct seep_pairing *pairing;
    const struct seep_pairing_names *names;
    struct seep_sink *sink;
    struct seep_intern known; // a resolved origin -> index + 1 in `sites`
    struct final_site *sites;
    size_t n_sites, capacity;
};

static void survives(struct seep_pairing *pairing, uint32_t index, uint64_t count, uint64_t bytes,
                     int64_t t_ns)
{
    struct live_site *site = &pairing->sites[index];
    if (site->oldest_ns == SEEP_NO_TIME || t_ns < site->oldest_ns)
        site->oldest_ns = t_ns;
    if (t_ns > pairing->start_ns + (pairing->now_ns - pairing->start_ns) / 2)
        return;
    site->survivor_count += count;
    site->survivor_bytes += bytes;
}

// What is live: how old it is.
static void look_at_live(struct seep_pairing *pairing, const struct seep_pairing_names *names)
{
    for (size_t i = 0; i < pairing->n_sites; i++)
        pairing->sites[i].oldest_ns = SEEP_NO_TIME;
    for (size_t s = 0; s < pairing->n_spaces; s++) {
        const struct live_space *space = &pairing->spaces[s];
        for (size_t i = 0; i < space->blocks.n_slots; i++) {
            const struct live_block *block = &space->blocks.slots[i];
            if (!block->address)
                continue;
            if (space->kind != SEEP_SITE_REFERENCE) {
                survives(pairing, block->site, 1, block->size_bytes, block->t_ns);
                continue;
            }
            bool dead = names && names->is_dead && names->is_dead(names->ctx, block->address);
            for (uint32_t at = (uint32_t)block->size_bytes; at; at = pairing->holds[at - 1].below) {
                const struct live_hold *hold = &pairing->holds[at - 1];
                survives(pairing, hold->site, hold->count, 0, hold->t_ns);
                if (dead)
                    pairing->sites[hold->site].dead_count += hold->count;
            }
        }
        const struct seep_range *range = seep_ranges_at(&space->ranges, 0);
        for (; range; range = seep_ranges_at(&space->ranges, range->end))
            survives(pairing, range->site, 1, range->end - range->base, range->t_ns);
    }
}

void seep_pairing_sum_up(struct live_site *into, const struct live_site *from)
{
    into->allocs += from->allocs;
    into->frees += from->frees;
    into->alloc_bytes += from->alloc_bytes;
    into->outstanding_count += from->outstanding_count;
    into->outstanding_bytes += from->outstanding_bytes;
    into->survivor_count += from->survivor_count;
    into->survivor_bytes += from->survivor_bytes;
    into->dead_count += from->dead_count;
    if (from->oldest_ns != SEEP_NO_TIME &&
        (into->oldest_ns == SEEP_NO_TIME || from->oldest_ns < into->oldest_ns))
        into->oldest_ns = from->oldest_ns;
}

// Adds the growth of a site to that of the first one of its stack; takes the storage over where
// that has none.
void seep_pairing_sum_up_curve(struct live_site *into, struct live_site *from)
{
    if (!from->curve)
        return;
    if (!into->curve) {
        into->curve = from->curve;
        from->curve = NULL;
        return;
    }
    for (size_t i = 0; i < SEEP_PAIRING_MOMENTS; i++) {
        into->curve[i].bytes += from->curve[i].bytes;
        into->curve[i].count += from->curve[i].count;
    }
}

static bool resolve(const struct finish *f, struct seep_process_id of, struct seep_stack_id *stack,
                    uint64_t *fingerprint)
{
    *fingerprint = stack->v;
    return !stack->v || !f->names || !f->names->resolve ||
           f->names->resolve(f->names->ctx, of, *stack, stack, fingerprint);
}

static bool resolve_process(const struct finish *f, struct seep_process_id *process)
{
    return !process->v || !f->names || !f->names->process ||
           f->names->process(f->names->ctx, *process, process);
}

static bool add_site(struct finish *f, struct live_site *site)
{
    struct seep_stack_id stack = site->origin.stack;
    struct seep_process_id process = site->origin.process;
    uint64_t fingerprint;
    if (!resolve(f, process, &stack, &fingerprint) || !resolve_process(f, &process))
        return false;
    struct {
        uint64_t heap;
        uint32_t process, stack, tag, kind;
    } key = { site->origin.heap, process.v, stack.v, site->origin.tag,
              (uint32_t)site->origin.kind << 1 | (uint32_t)site->origin.paged };
    uint32_t id = seep_intern(&f->known, &key, sizeof key);
    if (!id)
        return false;
    if (site->curve)
        seep_pairing_fill_curve(site, f->pairing->moment);
    if (id <= f->n_sites) {
        seep_pairing_sum_up(f->sites[id - 1].site, site);
        seep_pairing_sum_up_curve(f->sites[id - 1].site, site);
        return true;
    }
    if (!seep_grow(&f->sites, &f->capacity, f->n_sites + 1, sizeof *f->sites))
        return false;
    f->sites[f->n_sites++] = (struct final_site){
        .site = site, .process = process, .stack = stack, .fingerprint = fingerprint
    };
    return true;
}

// What makes a site worth watching: bytes, or where it has none (handles, references), how many.
static uint64_t weight(const struct live_site *site)
{
    bool counted =
        site->origin.kind == SEEP_SITE_HANDLE || site->origin.kind == SEEP_SITE_REFERENCE;
    return counted ? site->outstanding_count : site->outstanding_bytes;
}

static int heavier(const void *left, const void *right)
{
    const struct final_site *a = left, *b = right;
    uint64_t wa = weight(a->site), wb = weight(b->site);
    if (wa != wb)
        return wa < wb ? 1 : -1;
    return (a->site > b->site) - (a->site < b->site);
}

static void name_site(struct final_site *final)
{
    const struct seep_pairing_origin *o = &final->site->origin;
    uint64_t key[4] = { final->fingerprint, o->heap, (uint64_t)o->tag << 1 | (uint64_t)o->paged,
                        (uint64_t)o->kind };
    (void)snprintf(final->name, sizeof final->name, "%s %016" PRIx64, seep_site_kind_name(o->kind),
                   seep_hash(key, sizeof key));
}

static const char *tag_text(const struct finish *f, const struct seep_pairing_origin *o,
                            char text[SEEP_TAG_TEXT])
{
    const char *named = NULL;
    if (!o->tag)
        return NULL;
    if (f->names && f->names->tag_name)
        named = f->names->tag_name(f->names->ctx, o->kind, o->tag);
    if (named)
        return named;
    return seep_pool_tag_text(o->tag, text);
}

static bool give_site(struct finish *f, struct final_site *final, bool watched,
                      struct seep_machine_id machine)
{
    const struct live_site *s = final->site;
    const struct seep_pairing_origin *o = &s->origin;
    char tag[SEEP_TAG_TEXT];
    if (watched)
        name_site(final);
    struct seep_site site = {
        .process = final->process,
        .kind = o->kind,
        .name = watched ? final->name : NULL,
        .heap = o->kind == SEEP_SITE_HEAP ? o->heap : 0,
        .tag = tag_text(f, o, tag),
        .paged = o->paged,
        .stack = final->stack,
        .allocs = s->allocs,
        .frees = s->frees,
        .alloc_bytes = s->alloc_bytes,
        .outstanding_count = s->outstanding_count,
        .outstanding_bytes = s->outstanding_bytes,
        .survivor_count = s->survivor_count,
        .survivor_bytes = s->survivor_bytes,
        .dead_count = s->dead_count,
        .oldest_ns = s->oldest_ns,
    };
    if (!seep_sink_site(f->sink, &site))
        return false;
    if (!watched)
        return true;
    bool counted = o->kind == SEEP_SITE_HANDLE || o->kind == SEEP_SITE_REFERENCE;
    struct seep_series series = {
        .subject = { .kind = SEEP_SUBJECT_SITE,
                     .machine = machine,
                     .process = final->process,
                     .name = final->name },
        .metric = counted ? SEEP_METRIC_OUTSTANDING_COUNT : SEEP_METRIC_OUTSTANDING_BYTES,
    };
    return seep_sink_series(f->sink, &series, &final->series);
}

static bool give_moment(struct finish *f, size_t n_watched, uint32_t moment)
{
    bool last = moment == f->pairing->moment;
    for (size_t i = 0; i < n_watched; i++) {
        const struct live_site *s = f->sites[i].site;
        bool counted = s->origin.kind == SEEP_SITE_HANDLE || s->origin.kind == SEEP_SITE_REFERENCE;
        uint64_t bytes = 0, count = 0;
        if (last) {
            bytes = s->outstanding_bytes;
            count = s->outstanding_count;
        } else if (s->curve) {
            bytes = s->curve[moment].bytes;
            count = s->curve[moment].count;
        }
        if (!seep_sink_sample(f->sink, f->sites[i].series, (double)(counted ? count : bytes)))
            return false;
    }
    return true;
}

static bool give_growth(struct finish *f, size_t n_watched, struct seep_machine_id machine)
{
    const struct seep_pairing *pairing = f->pairing;
    int64_t previous = SEEP_NO_TIME;
    for (uint32_t moment = 0; n_watched && moment <= pairing->moment; moment++) {
        int64_t t_ns =
            moment < pairing->moment ? seep_pairing_moment_ns(pairing, moment) : pairing->now_ns;
        if (moment && t_ns <= previous)
            continue;
        previous = t_ns;
        if (!seep_sink_tick(f->sink, machine, t_ns) || !give_moment(f, n_watched, moment))
            return false;
    }
    return true;
}

static bool give_frees(struct finish *f)
{
    for (size_t i = 0; i < f->pairing->n_frees; i++) {
        const struct live_free *from = &f->pairing->frees[i];
        struct seep_stack_id stack = from->stack;
        struct seep_process_id process = from->process;
        uint64_t fingerprint;
        if (!resolve(f, process, &stack, &fingerprint) || !resolve_process(f, &process))
            return false;
        struct seep_site_frees frees = {
            .process = process,
            .kind = from->kind,
            .stack = stack,
            .frees = from->frees,
            .bytes = from->bytes,
            .unmatched = from->unmatched,
            .decommit = from->decommit,
        };
        if (!seep_sink_site_frees(f->sink, &frees))
            return false;
    }
    return true;
}

bool seep_pairing_finish(struct seep_pairing *pairing, struct seep_machine_id machine,
                         const struct seep_pairing_names *names, struct seep_sink *sink,
                         struct seep_pairing_totals *totals)
{
    struct finish f = { .pairing = pairing, .names = names, .sink = sink };
    bool ok = seep_pairing_forget_deleted(pairing);
    look_at_live(pairing, names);
    for (size_t i = 0; ok && i < pairing->n_sites; i++)
        ok = add_site(&f, &pairing->sites[i]);
    if (ok && f.n_sites)
        qsort(f.sites, f.n_sites, sizeof *f.sites, heavier);
    size_t n_watched = 0;
    for (size_t i = 0; ok && i < f.n_sites; i++) {
        bool watched = i < SEEP_PAIRING_SERIES && weight(f.sites[i].site) > 0;
        n_watched += watched;
        ok = give_site(&f, &f.sites[i], watched, machine);
    }
    ok = ok && give_growth(&f, n_watched, machine) && give_frees(&f);
    pairing->totals.n_sites = f.n_sites;
    *totals = pairing->totals;
    seep_intern_clear(&f.known);
    seep_free(f.sites);
    return ok;
}
