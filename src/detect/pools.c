// SPDX-License-Identifier: MIT
// What one look at pool tags says, or two, where there are no series that show the course.
//
// Nothing here is more than a suspicion: verdict.c holds the thresholds.
#include "detect/driver.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_BLOCKS = 1000, MAX_NAMED = 10 };

struct pools {
    struct seep_drafts *drafts;
    const struct seep_dataset *data;
    struct seep_machine_id machine;
    const struct seep_looks *looks;
    struct seep_intern judged;   // tags that have a verdict
    struct seep_tag_role *found; // that stand out, the likeliest source first
    size_t n, capacity;
    double limit[2]; // of the pools; NaN = unknown
};

static bool mark(struct pools *p, const char *tag)
{
    return seep_intern(&p->judged, tag, strlen(tag)) != 0;
}

// Tags that their series have judged. Findings that a sample or two could not be judged say less
// than the looks.
static bool mark_judged(struct pools *p)
{
    for (size_t i = 0; i < p->drafts->count; i++) {
        struct seep_draft *d = &p->drafts->at[i];
        const struct seep_finding *f = &d->finding;
        if (d->dropped || f->machine.v != p->machine.v || !f->tag ||
            (f->subject != SEEP_SUBJECT_POOL_TAG && f->subject != SEEP_SUBJECT_DRIVER))
            continue;
        if (f->verdict == SEEP_VERDICT_UNKNOWN)
            d->dropped = true;
        else if (!mark(p, f->tag))
            return false;
    }
    for (size_t i = 0; i < p->drafts->n_clusters; i++) {
        const struct seep_draft_cluster *c = &p->drafts->clusters[i];
        bool own = p->drafts->at[c->draft - 1].finding.machine.v == p->machine.v;
        for (size_t k = 0; own && k < c->n_members; k++) {
            if (!mark(p, c->members[k].tag))
                return false;
        }
    }
    return true;
}

static bool is_judged(const struct pools *p, const char *tag)
{
    return seep_intern_find(&p->judged, tag, strlen(tag)) != 0;
}

static double grown_bytes(const struct seep_tag_growth *g)
{
    return g->bytes_last - g->bytes_first;
}

// The pool in which a tag grew most.
static int pool_of(const struct seep_tag_looks *tag)
{
    const struct seep_tag_growth *np = &tag->in[SEEP_NONPAGED], *pp = &tag->in[SEEP_PAGED];
    if (!np->known || !pp->known)
        return pp->known ? SEEP_PAGED : SEEP_NONPAGED;
    return grown_bytes(pp) > grown_bytes(np) ? SEEP_PAGED : SEEP_NONPAGED;
}

static enum seep_verdict verdict_of(const struct pools *p, const struct seep_tag_looks *tag,
                                    double *share)
{
    struct seep_tag_growth g = seep_tag_growth_of(tag);
    int pool = pool_of(tag);
    double own = grown_bytes(&tag->in[pool]);
    double of = p->looks->n_looks > 1 ? p->looks->pool_grown[pool] : p->looks->pool_bytes[pool];
    *share = of > 0 ? own / of : 0;
    struct seep_tag_sign sign = { .n_looks = p->looks->n_looks,
                                  .blocks = g.blocks_last - g.blocks_first,
                                  .bytes = grown_bytes(&g),
                                  .bytes_before = g.bytes_first,
                                  .freed = seep_freed_share(&g),
                                  .freed_ever = seep_freed_ever(&g),
                                  .share = *share,
                                  .of_limit = tag->in[pool].bytes_last / p->limit[pool] };
    return seep_verdict_of_tag(&sign);
}

static int likeliest_first(const void *a, const void *b)
{
    const struct seep_tag_role *x = a, *y = b;
    int order = seep_tag_outranks(y, x);
    if (order)
        return order;
    double gx = grown_bytes(&x->growth), gy = grown_bytes(&y->growth);
    return gx != gy ? (gx > gy ? -1 : 1) : strcmp(x->tag, y->tag);
}

static bool find_tags(struct pools *p)
{
    for (size_t i = 0; i < p->looks->n; i++) {
        const struct seep_tag_looks *tag = &p->looks->at[i];
        double share;
        if (is_judged(p, tag->tag) || verdict_of(p, tag, &share) < SEEP_VERDICT_SUSPECT)
            continue;
        if (!seep_grow(&p->found, &p->capacity, p->n + 1, sizeof *p->found))
            return false;
        seep_tag_role_find(p->data, p->looks, tag->tag, &p->found[p->n++]);
    }
    if (p->n)
        qsort(p->found, p->n, sizeof *p->found, likeliest_first);
    return true;
}

static bool is_timed(const struct seep_looks *looks)
{
    return looks->n_looks > 1 && looks->first_ns != SEEP_NO_TIME &&
           looks->last_ns != SEEP_NO_TIME && looks->last_ns > looks->first_ns;
}

static const char *gist(const struct pools *p, const struct seep_tag_role *role,
                        enum seep_metric metric)
{
    struct seep_drafts *drafts = p->drafts;
    const struct seep_tag_growth *g = &role->looks->in[metric == SEEP_METRIC_PAGED_POOL_BYTES];
    const char *pool = seep_metric_words(metric);
    const char *freed =
        seep_unknown(role->freed)  ? ""
        : role->growth.frees < 0.5 ? ", never freed"
        : role->freed < 0.001
            ? ", hardly ever freed"
            : seep_say(drafts, ", %.2g %% of what it allocates freed", role->freed * 100);
    if (p->looks->n_looks < 2)
        return seep_say(drafts, "%s %s, %.0f %% of the pool%s", pool,
                        seep_say_amount(drafts, metric, g->bytes_last),
                        g->bytes_last /
                            fmax(p->looks->pool_bytes[metric == SEEP_METRIC_PAGED_POOL_BYTES], 1) *
                            100,
                        freed);
    const char *more = seep_say_amount(drafts, metric, grown_bytes(g));
    if (!is_timed(p->looks))
        return seep_say(drafts, "%s +%s%s", pool, more, freed);
    double s = ((double)p->looks->last_ns - (double)p->looks->first_ns) / 1e9;
    double rate = grown_bytes(g) / s;
    return seep_say(drafts, "%s +%s in %s (%s)%s", pool, more, seep_say_seconds(drafts, s),
                    seep_say_rate(drafts, metric, rate, rate), freed);
}

// Those that go one for one with a source, named in its finding.
static bool name_members(struct pools *p, const struct seep_tag_role *source, size_t draft)
{
    struct seep_tag_group group = { 0 };
    size_t n = 0, n_more = 0;
    for (size_t i = 0; p->looks->n_looks > 1 && i < p->looks->n; i++) {
        struct seep_tag_role role;
        if (strcmp(p->looks->at[i].tag, source->tag) == 0)
            continue;
        seep_tag_role_find(NULL, p->looks, p->looks->at[i].tag, &role);
        if (!(role.grown >= FEW_BLOCKS) || !seep_tags_are_one_to_one(source, &role))
            continue;
        if (!mark(p, role.tag))
            return false;
        seep_tag_group_add(p->drafts, &group, source, &role);
        if (n++ >= MAX_NAMED) {
            n_more++;
            continue;
        }
        seep_draft_evidence(p->drafts, &p->drafts->at[draft - 1],
                            seep_say(p->drafts,
                                     "pool tag %s grows in lockstep with it: %s; %s more", role.tag,
                                     seep_say_ratio(p->drafts, source, &role),
                                     seep_say_amount(p->drafts, SEEP_METRIC_NONPAGED_POOL_BYTES,
                                                     grown_bytes(&role.growth))),
                            role.looks->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
    }
    if (n_more)
        seep_draft_evidence(p->drafts, &p->drafts->at[draft - 1],
                            seep_say(p->drafts, "so do %zu more pool tags", n_more),
                            p->looks->last_source, SEEP_NO_OFFSET, SEEP_NO_TIME);
    seep_tag_group_end(p->drafts, &group, draft);
    return true;
}

static const struct seep_tag_role *largest_of(const struct pools *p,
                                              const struct seep_tag_role *source)
{
    const struct seep_tag_role *largest = NULL;
    for (size_t i = 0; p->looks->n_looks > 1 && i < p->n; i++) {
        const struct seep_tag_role *r = &p->found[i];
        if (r != source && seep_tags_are_one_to_one(source, r) &&
            grown_bytes(&r->growth) >
                fmax(grown_bytes(&source->growth), largest ? grown_bytes(&largest->growth) : 0))
            largest = r;
    }
    return largest;
}

static bool write_tag(struct pools *p, const struct seep_tag_role *role)
{
    const struct seep_tag_looks *tag = role->looks;
    bool one = p->looks->n_looks < 2;
    int pool = pool_of(tag);
    double share;
    enum seep_verdict verdict = verdict_of(p, tag, &share);
    struct seep_draft *draft = seep_draft_add(p->drafts);
    if (!draft)
        return false;
    size_t index = p->drafts->count;
    struct seep_finding *f = &draft->finding;
    f->class_ = pool == SEEP_PAGED ? SEEP_CLASS_PAGED_POOL : SEEP_CLASS_NONPAGED_POOL;
    f->metric = pool == SEEP_PAGED ? SEEP_METRIC_PAGED_POOL_BYTES : SEEP_METRIC_NONPAGED_POOL_BYTES;
    f->verdict = verdict;
    f->subject = SEEP_SUBJECT_POOL_TAG;
    f->machine = p->machine;
    f->name = f->tag = seep_say(p->drafts, "%s", role->tag);
    f->last = tag->in[pool].bytes_last;
    if (!one) {
        f->share = fmin(share, 1);
        f->first = tag->in[pool].bytes_first;
        f->since_ns = p->looks->first_ns;
    }
    f->gist = gist(p, role, f->metric);
    seep_driver_write(p->drafts, p->data, p->looks, draft, role, largest_of(p, role));
    if (!seep_unknown(p->limit[pool]))
        seep_draft_evidence(p->drafts, draft,
                            seep_say(p->drafts, "it takes %.0f %% of the limit of the %s",
                                     tag->in[pool].bytes_last / p->limit[pool] * 100,
                                     seep_metric_words(f->metric)),
                            tag->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
    seep_draft_caveat(p->drafts, draft,
                      one ? "one look cannot show growth: look again after some hours"
                          : "two looks show growth, not its course: a cache that fills looks the "
                            "same");
    seep_finding_next(p->drafts, draft);
    return name_members(p, role, index);
}

// Where nothing else is said of a machine: that its tags were looked at.
static bool write_nothing(struct pools *p)
{
    for (size_t i = 0; i < p->drafts->count; i++) {
        if (!p->drafts->at[i].dropped && p->drafts->at[i].finding.machine.v == p->machine.v)
            return true;
    }
    struct seep_draft *draft = seep_draft_add(p->drafts);
    if (!draft)
        return false;
    struct seep_finding *f = &draft->finding;
    f->class_ = SEEP_CLASS_NONPAGED_POOL;
    f->metric = SEEP_METRIC_NONPAGED_POOL_BYTES;
    f->verdict = SEEP_VERDICT_UNKNOWN;
    f->subject = SEEP_SUBJECT_MACHINE;
    f->machine = p->machine;
    if (p->machine.v && p->data->machines[p->machine.v - 1].host)
        f->name = seep_say(p->drafts, "%s", p->data->machines[p->machine.v - 1].host);
    bool one = p->looks->n_looks < 2;
    seep_draft_caveat(p->drafts, draft,
                      seep_say(p->drafts, "%zu pool tags in %s, and none stands out: %s",
                               p->looks->n, one ? "one look" : "few looks",
                               one ? "growth needs a second look" : "a slow leak needs more"));
    seep_finding_next(p->drafts, draft);
    return true;
}

static void find_limits(struct pools *p)
{
    p->limit[SEEP_NONPAGED] = p->limit[SEEP_PAGED] = NAN;
    for (size_t i = 0; i < p->data->n_vms; i++) {
        const struct seep_vm *vm = &p->data->vms[i].vm;
        uint64_t nonpaged = vm->bytes[SEEP_VM_NONPAGED_POOL_LIMIT];
        uint64_t paged = vm->bytes[SEEP_VM_PAGED_POOL_LIMIT];
        if (vm->machine.v != p->machine.v)
            continue;
        if (nonpaged && nonpaged != SEEP_UNKNOWN_COUNT)
            p->limit[SEEP_NONPAGED] = (double)nonpaged;
        if (paged && paged != SEEP_UNKNOWN_COUNT)
            p->limit[SEEP_PAGED] = (double)paged;
    }
}

void seep_pools_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                      struct seep_machine_id machine, const struct seep_looks *looks)
{
    struct pools p = { .drafts = drafts, .data = data, .machine = machine, .looks = looks };
    if (looks->n_looks == 0)
        return;
    find_limits(&p);
    bool ok = mark_judged(&p) && find_tags(&p);
    for (size_t i = 0; ok && i < p.n; i++)
        ok = is_judged(&p, p.found[i].tag) || write_tag(&p, &p.found[i]);
    if (!ok || !write_nothing(&p))
        drafts->failed = true;
    seep_intern_clear(&p.judged);
    seep_free(p.found);
}
