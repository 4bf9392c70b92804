// SPDX-License-Identifier: MIT
// Pool tags that grow together are one leak: which of them, and under whose name.
#include "detect/driver.h"
#include "detect/judge.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The share of a tag's growth that a process must have grown by to be why.
#define EXPLAINS 0.5

// Series grow in lockstep when what they gain from window to window goes up and down together, or
// when both grow so evenly that there is nothing to go up and down and begin at the same time.
#define TOGETHER 0.9
#define EVEN 0.05 // standard deviation of the gains over their mean
// What one object is made of grows by one block each; then noise may hide the ups and downs, if the
// shares of the growth that are reached at any time differ by no more than this.
#define ASTRAY 0.08
// Fewer windows say nothing of how gains go together.
enum { MIN_WINDOWS = 6 };
// And fewer blocks more nothing of a ratio.
#define FEW_BLOCKS 1000

// One accused series, or a tag that may be the source of one.
struct follower {
    struct seep_judged *judged;
    struct seep_tag_role role; // of a tag
};

struct lockstep {
    struct seep_drafts *drafts;
    struct seep_scene *scene;
    struct follower *all; // the likeliest source last
    size_t n;
};

// Correlation of the gains of two series from window `from` on, and how uneven the gains are.
static double correlation(const struct seep_shape *a, const struct seep_shape *b, size_t from,
                          double *uneven)
{
    size_t end = a->n_course - 1;
    double n = (double)(end - from), aa = 0, bb = 0, ab = 0;
    double ma = (a->course[end] - a->course[from]) / n;
    double mb = (b->course[end] - b->course[from]) / n;
    for (size_t i = from; i < end; i++) {
        double x = a->course[i + 1] - a->course[i] - ma, y = b->course[i + 1] - b->course[i] - mb;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    *uneven = fmax(sqrt(aa / n) / fabs(ma), sqrt(bb / n) / fabs(mb));
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

// How far apart the two get on their way from 0 to 1.
static double astray(const struct seep_shape *a, const struct seep_shape *b)
{
    size_t end = a->n_course - 1;
    double ga = a->course[end] - a->course[0], gb = b->course[end] - b->course[0], most = 0;
    if (!(ga > 0) || !(gb > 0))
        return INFINITY;
    for (size_t i = 1; i < end; i++)
        most = fmax(most,
                    fabs((a->course[i] - a->course[0]) / ga - (b->course[i] - b->course[0]) / gb));
    return most;
}

// Windows are the same windows only where both were seen from the same moment on.
static bool are_comparable(const struct seep_scene *scene, const struct seep_judged *a,
                           const struct seep_judged *b)
{
    double tick = (double)seep_clock_of(scene, a->series)->tick_ns;
    return a->shape.n_course >= SEEP_SHAPE_MIN_LOOKS && a->shape.n_course == b->shape.n_course &&
           fabs((double)a->first_ns - (double)b->first_ns) <= tick &&
           fabs((double)a->last_ns - (double)b->last_ns) <= tick;
}

static bool in_lockstep(const struct lockstep *l, const struct follower *x,
                        const struct follower *y, bool even)
{
    const struct seep_judged *a = x->judged, *b = y->judged;
    const struct seep_shape *s = &a->shape, *t = &b->shape;
    if (!are_comparable(l->scene, a, b))
        return false;
    double window_ns = s->span_s * 1e9 / SEEP_SHAPE_COURSE, uneven;
    bool counted = !seep_unknown(x->role.grown) && !seep_unknown(y->role.grown);
    bool one = counted && seep_tags_are_one_to_one(&x->role, &y->role);
    bool begin = fabs((double)s->since_ns - (double)t->since_ns) <= window_ns;
    double r = correlation(s, t, 0, &uneven);
    if (even && begin && one && astray(s, t) <= ASTRAY)
        return true;
    if (r < TOGETHER) {
        // Two that leak evenly all the time begin together by nothing but the observation's start.
        bool throughout = (double)s->since_ns - (double)a->first_ns <= window_ns;
        return even && uneven < EVEN && begin && (!counted || one || !throughout);
    }
    // What begins at different times, and goes together by that alone, does not.
    double later = fmax((double)s->since_ns, (double)t->since_ns) - (double)a->first_ns;
    double windows = fmax(ceil(later / window_ns), 0);
    if (begin || !(windows + MIN_WINDOWS < (double)s->n_course))
        return true;
    return correlation(s, t, (size_t)windows, &uneven) >= TOGETHER;
}

// Whether `process` may be why pool tags grow: it holds more handles or threads, or its quota grew
// by as much.
static bool holds_objects(const struct seep_judged *process, const struct seep_judged *tag)
{
    return process->kind == SEEP_SUBJECT_PROCESS && seep_accused(process) &&
           (process->metric == SEEP_METRIC_HANDLES || process->metric == SEEP_METRIC_THREADS ||
            (process->metric == tag->metric && process->delta >= EXPLAINS * tag->delta));
}

// Or because its memory does: what the kernel keeps of it is less. That both grow evenly says
// nothing here, for memory leaks evenly for many reasons.
static bool takes_with_it(const struct seep_judged *process, const struct seep_judged *tag)
{
    return process->kind == SEEP_SUBJECT_PROCESS && seep_accused(process) &&
           process->metric == SEEP_METRIC_PRIVATE_BYTES && process->delta >= tag->delta;
}

static bool is_same_tag(const struct follower *a, const struct follower *b)
{
    return a->judged->kind == SEEP_SUBJECT_POOL_TAG && b->judged->kind == SEEP_SUBJECT_POOL_TAG &&
           a->role.tag && b->role.tag && strcmp(a->role.tag, b->role.tag) == 0;
}

// What a tag's growth comes from, if it grows in lockstep with something: a process that holds the
// objects, else the tag that is likeliest to be the source. A tag in both pools is one subject.
static struct follower *leader_of(const struct lockstep *l, size_t at)
{
    const struct follower *tag = &l->all[at];
    struct follower *leader = NULL;
    unsigned rank = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct follower *f = &l->all[i];
        struct seep_judged *j = f->judged;
        bool likelier = j->kind == SEEP_SUBJECT_POOL_TAG && i > at;
        unsigned its = holds_objects(j, tag->judged)   ? 3
                       : takes_with_it(j, tag->judged) ? 2
                                                       : likelier;
        if (its == 0 || its < rank || (its == rank && its > 1 && j->delta <= leader->judged->delta))
            continue;
        // What is not accused itself was only found by its counts.
        bool goes = seep_accused(j)
                        ? is_same_tag(f, tag) || in_lockstep(l, tag, f, its != 2)
                        : !is_same_tag(f, tag) && seep_tags_are_one_to_one(&f->role, &tag->role);
        if (!goes)
            continue;
        leader = f;
        rank = its;
    }
    return leader;
}

static int by_likelihood(const void *a, const void *b)
{
    const struct follower *x = a, *y = b;
    const struct seep_judged *j = x->judged, *k = y->judged;
    if (j->kind == SEEP_SUBJECT_POOL_TAG && k->kind == SEEP_SUBJECT_POOL_TAG) {
        int order = seep_tag_outranks(&x->role, &y->role);
        if (order)
            return order;
    } else if (j->kind != k->kind) {
        return j->kind == SEEP_SUBJECT_POOL_TAG ? 1 : -1;
    }
    if (j->delta != k->delta)
        return j->delta < k->delta ? -1 : 1;
    return (j->series > k->series) - (j->series < k->series);
}

static const char *name_of(const struct seep_drafts *drafts, const struct seep_judged *judged)
{
    const struct seep_draft *draft = seep_draft_of(drafts, judged);
    return draft && draft->finding.name ? draft->finding.name : "?";
}

// Accuses a source that by its own curve is too small, or not sure enough, to be accused.
static bool promote(struct lockstep *l, struct seep_judged *source, enum seep_verdict verdict)
{
    struct seep_draft *old = seep_draft_of(l->drafts, source);
    if (seep_accused(source))
        return true;
    if (old)
        old->dropped = true;
    source->verdict = verdict;
    return seep_finding_write(l->drafts, l->scene, source) != NULL;
}

// One accusation of both: as grave as the graver one, with the share of both.
static void join(struct lockstep *l, struct seep_judged *member, struct follower *with)
{
    struct seep_judged *leader = with->judged;
    if (!promote(l, leader, member->verdict))
        return;
    struct seep_draft *from = seep_draft_of(l->drafts, member);
    struct seep_draft *into = seep_draft_of(l->drafts, leader);
    if (leader->verdict < member->verdict)
        leader->verdict = into->finding.verdict = member->verdict;
    if (leader->metric == member->metric && leader->kind == member->kind)
        into->finding.share = fmin(into->finding.share + from->finding.share, 1);
    member->led_by = (size_t)(leader - l->scene->judged) + 1;
    seep_clear_of(l->drafts, member,
                  seep_say(l->drafts, "it grows in lockstep with %s %s",
                           leader->kind == SEEP_SUBJECT_PROCESS ? "process" : "pool tag",
                           name_of(l->drafts, leader)));
}

static bool follows(const struct lockstep *l, const struct follower *f,
                    const struct seep_judged *leader)
{
    return f->judged->led_by && &l->scene->judged[f->judged->led_by - 1] == leader;
}

// The member that grew by the most bytes, if that is more than the source did.
static const struct seep_tag_role *largest_of(const struct lockstep *l,
                                              const struct follower *leader)
{
    const struct seep_tag_role *largest = NULL;
    double most = leader->role.growth.bytes_last - leader->role.growth.bytes_first;
    for (size_t i = 0; i < l->n; i++) {
        const struct seep_tag_growth *g = &l->all[i].role.growth;
        if (!follows(l, &l->all[i], leader->judged) || !l->all[i].role.looks ||
            is_same_tag(&l->all[i], leader) || !(g->bytes_last - g->bytes_first > most))
            continue;
        most = g->bytes_last - g->bytes_first;
        largest = &l->all[i].role;
    }
    return largest;
}

// Names the members, the largest first: some with their numbers, the rest by name.
static void name_members(struct lockstep *l, const struct follower *leader)
{
    enum { WITH_NUMBERS = 12 };
    struct seep_drafts *drafts = l->drafts;
    size_t n_members = 0, n_more = 0;
    const char *more = NULL;
    for (size_t i = l->n; i-- > 0;) {
        const struct follower *f = &l->all[i];
        const struct seep_judged *j = f->judged;
        if (!follows(l, f, leader->judged))
            continue;
        if (n_members++ >= WITH_NUMBERS) {
            const char *name = name_of(drafts, j);
            more = more ? seep_say(drafts, "%s, %s", more, name) : name;
            n_more++;
            continue;
        }
        const char *blocks =
            is_same_tag(f, leader) ? "" : seep_say_ratio(drafts, &leader->role, &f->role);
        seep_draft_evidence(
            drafts, seep_draft_of(drafts, leader->judged),
            seep_say(drafts, "%s %s grows in lockstep with it: %s%s%s more, %s",
                     is_same_tag(f, leader) ? "the other pool's tag" : "pool tag",
                     name_of(drafts, j), blocks, *blocks ? "; " : "",
                     seep_say_amount(drafts, j->metric, j->shape.growth),
                     seep_say_rate(drafts, j->metric, j->shape.rate, j->shape.rate)),
            l->scene->data->series[j->series].source, SEEP_NO_OFFSET, j->shape.since_ns);
    }
    if (n_more)
        seep_draft_evidence(drafts, seep_draft_of(drafts, leader->judged),
                            seep_say(drafts, "so do %zu more pool tags: %s", n_more, more),
                            (struct seep_source_id){ 0 }, SEEP_NO_OFFSET, SEEP_NO_TIME);
}

static bool is_among(const struct lockstep *l, const char *tag)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->all[i].role.tag && strcmp(l->all[i].role.tag, tag) == 0)
            return true;
    }
    return false;
}

// Tags that grow by as many blocks but by too little to be accused.
static void name_small_ones(struct lockstep *l, const struct follower *leader,
                            struct seep_tag_group *group)
{
    enum { MOST = 6 };
    const struct seep_looks *looks = l->scene->looks;
    size_t n = 0;
    for (size_t i = 0; looks && i < looks->n && n < MOST; i++) {
        struct seep_tag_role role;
        if (is_among(l, looks->at[i].tag))
            continue;
        seep_tag_role_find(NULL, looks, looks->at[i].tag, &role);
        if (!(role.grown >= FEW_BLOCKS) || !seep_tags_are_one_to_one(&leader->role, &role))
            continue;
        seep_draft_evidence(l->drafts, seep_draft_of(l->drafts, leader->judged),
                            seep_say(l->drafts, "pool tag %s goes with it: %s", role.tag,
                                     seep_say_ratio(l->drafts, &leader->role, &role)),
                            role.looks->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
        seep_tag_group_add(l->drafts, group, &leader->role, &role);
        n++;
    }
}

static void write_leader(struct lockstep *l, const struct follower *leader)
{
    struct seep_draft *draft = seep_draft_of(l->drafts, leader->judged);
    struct seep_tag_group group = { 0 };
    if (leader->judged->kind != SEEP_SUBJECT_POOL_TAG) {
        name_members(l, leader);
        return;
    }
    seep_driver_write(l->drafts, l->scene->data, l->scene->looks, draft, &leader->role,
                      largest_of(l, leader));
    name_members(l, leader);
    for (size_t i = l->n; i-- > 0;) {
        if (follows(l, &l->all[i], leader->judged) && !is_same_tag(&l->all[i], leader))
            seep_tag_group_add(l->drafts, &group, &leader->role, &l->all[i].role);
    }
    name_small_ones(l, leader, &group);
    seep_tag_group_end(l->drafts, &group, leader->judged->finding);
}

// Whether a tag that is not accused may be the source of others: it grows as a leak does and is
// never freed.
static bool may_be_source(const struct seep_judged *judged, const struct seep_tag_role *role)
{
    return judged->shape.form >= SEEP_FORM_SLOWING && role->never_freed && !role->victim &&
           role->grown >= FEW_BLOCKS;
}

// False when there are too many, or memory is out.
static bool collect(struct lockstep *l)
{
    enum { AT_MOST = 256 }; // where more grow, it is not one thing
    struct seep_scene *scene = l->scene;
    if (!scene->n_judged)
        return false;
    l->all = seep_alloc(scene->n_judged < AT_MOST ? scene->n_judged : AT_MOST, sizeof *l->all);
    if (!l->all) {
        l->drafts->failed = true;
        return false;
    }
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        struct seep_tag_role role = { .freed = NAN, .grown = NAN };
        bool tag = j->kind == SEEP_SUBJECT_POOL_TAG;
        if (!j->finding || (!seep_accused(j) && !(tag && scene->looks)) ||
            (!tag && j->kind != SEEP_SUBJECT_PROCESS))
            continue;
        const char *name = scene->data->series[j->series].series.subject.name;
        if (tag)
            seep_tag_role_find(NULL, scene->looks, name ? name : "", &role);
        if (!seep_accused(j) && !may_be_source(j, &role))
            continue;
        if (tag)
            seep_tag_role_find(scene->data, scene->looks, name ? name : "", &role);
        if (l->n == AT_MOST)
            return false;
        l->all[l->n++] = (struct follower){ j, role };
    }
    qsort(l->all, l->n, sizeof *l->all, by_likelihood);
    return true;
}

void seep_relate_lockstep(struct seep_drafts *drafts, struct seep_scene *scene)
{
    struct lockstep l = { .drafts = drafts, .scene = scene };
    bool fits = collect(&l);
    // The least likely source first, so that one that others follow is still there for them.
    for (size_t i = 0; fits && i < l.n; i++) {
        struct follower *f = &l.all[i];
        bool tag = f->judged->kind == SEEP_SUBJECT_POOL_TAG && seep_accused(f->judged);
        struct follower *leader = tag ? leader_of(&l, i) : NULL;
        if (leader)
            join(&l, f->judged, leader);
    }
    // Who follows a tag that follows another one follows that.
    for (size_t i = l.n; fits && i-- > 0;) {
        struct seep_judged *j = l.all[i].judged;
        while (j->led_by && scene->judged[j->led_by - 1].led_by)
            j->led_by = scene->judged[j->led_by - 1].led_by;
    }
    for (size_t i = 0; fits && i < l.n && !drafts->failed; i++) {
        if (seep_accused(l.all[i].judged))
            write_leader(&l, &l.all[i]);
    }
    seep_free(l.all);
}
