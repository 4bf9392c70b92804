// SPDX-License-Identifier: MIT
// What the series of one machine say about each other: one cause, one accusation.
#include "detect/judge.h"

#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The share of a total's growth from which its parts explain it.
#define EXPLAINS 0.5

// Series grow in lockstep when what they gain from window to window goes up and down together, or
// when both grow so evenly that there is nothing to go up and down and begin at the same time.
#define TOGETHER 0.9
#define EVEN 0.05 // standard deviation of the gains over their mean

void seep_fold(struct seep_drafts *drafts, struct seep_draft *into, struct seep_draft *from)
{
    for (size_t i = 0; i < from->n_evidence; i++) {
        const struct seep_evidence *e = &from->evidence[i];
        seep_draft_evidence(drafts, into, e->text, e->source, e->offset, e->time_ns);
    }
    for (size_t i = 0; i < from->n_caveats; i++)
        seep_draft_caveat(drafts, into, from->caveats[i]);
    for (size_t i = 0; i < from->n_next; i++)
        seep_draft_next(drafts, into, from->next[i]);
    from->dropped = true;
}

static bool accused(const struct seep_judged *judged)
{
    return judged && judged->verdict >= SEEP_VERDICT_SUSPECT;
}

static struct seep_draft *draft_of(const struct seep_drafts *drafts,
                                   const struct seep_judged *judged)
{
    return judged && judged->finding ? &drafts->at[judged->finding - 1] : NULL;
}

// Takes back the accusation of `judged`, and says why.
static void clear_of(struct seep_drafts *drafts, struct seep_judged *judged, const char *why)
{
    struct seep_draft *draft = draft_of(drafts, judged);
    judged->verdict = SEEP_VERDICT_STEADY;
    if (!draft)
        return;
    draft->finding.verdict = SEEP_VERDICT_STEADY;
    draft->finding.exhaustion.limit = NULL;
    draft->n_caveats = 0;
    draft->n_evidence = 0;
    seep_draft_evidence(drafts, draft, why, (struct seep_source_id){ 0 }, SEEP_NO_OFFSET,
                        SEEP_NO_TIME);
}

// The numbers of a series that grows because of another one.
static const char *grew_with(struct seep_drafts *drafts, const struct seep_judged *judged)
{
    const struct seep_shape *s = &judged->shape;
    enum seep_metric metric = judged->metric;
    bool fell = metric == SEEP_METRIC_AVAILABLE_BYTES; // judged upside down
    return seep_say(drafts, "%s%s %s with it: %s to %s (%s%s)",
                    judged->kind == SEEP_SUBJECT_MACHINE ? "the machine's " : "",
                    fell ? "available memory" : seep_metric_words(metric), fell ? "fell" : "grew",
                    seep_say_amount(drafts, metric, fell ? -s->first : s->first),
                    seep_say_amount(drafts, metric, fell ? -s->last : s->last), fell ? "-" : "+",
                    seep_say_rate(drafts, metric, s->rate, s->rate));
}

// `judged` is the shadow of what `cause` shows: its numbers become evidence there.
static void explain(struct seep_drafts *drafts, const struct seep_scene *scene,
                    struct seep_judged *judged, const struct seep_judged *cause)
{
    struct seep_draft *into = draft_of(drafts, cause);
    if (into)
        seep_draft_evidence(drafts, into, grew_with(drafts, judged),
                            scene->data->series[judged->series].source, SEEP_NO_OFFSET,
                            judged->shape.since_ns);
    clear_of(drafts, judged,
             seep_say(drafts, "its growth of %s is explained by %s",
                      seep_say_amount(drafts, judged->metric, judged->shape.growth),
                      seep_metric_words(cause->metric)));
}

static void relate_process(struct seep_drafts *drafts, const struct seep_scene *scene,
                           struct seep_judged *judged)
{
    if (judged->metric == SEEP_METRIC_VIRTUAL_BYTES) {
        const struct seep_judged *private_bytes =
            seep_sibling(scene, judged, SEEP_METRIC_PRIVATE_BYTES);
        const struct seep_judged *threads = seep_sibling(scene, judged, SEEP_METRIC_THREADS);
        if (private_bytes &&
            (accused(private_bytes) || private_bytes->delta >= EXPLAINS * judged->delta))
            explain(drafts, scene, judged, private_bytes);
        else if (accused(threads))
            explain(drafts, scene, judged, threads);
    }
    // The quota charges for the objects behind handles and threads.
    if (judged->metric == SEEP_METRIC_PAGED_POOL_BYTES ||
        judged->metric == SEEP_METRIC_NONPAGED_POOL_BYTES) {
        const struct seep_judged *handles = seep_sibling(scene, judged, SEEP_METRIC_HANDLES);
        const struct seep_judged *threads = seep_sibling(scene, judged, SEEP_METRIC_THREADS);
        if (accused(handles))
            explain(drafts, scene, judged, handles);
        else if (accused(threads))
            explain(drafts, scene, judged, threads);
    }
}

// What stands for the growth of a pool tag: itself, or what it follows. NULL where neither is
// accused.
static const struct seep_judged *culprit_of(const struct seep_scene *scene,
                                            const struct seep_judged *tag)
{
    const struct seep_judged *culprit = tag->led_by ? &scene->judged[tag->led_by - 1] : tag;
    return accused(culprit) ? culprit : NULL;
}

// What the pool tags of one culprit grew by.
static double grown_by(const struct seep_scene *scene, enum seep_metric metric,
                       const struct seep_judged *culprit)
{
    double grown = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_POOL_TAG && j->metric == metric &&
            culprit_of(scene, j) == culprit)
            grown += fmax(j->delta, 0);
    }
    return grown;
}

// The culprit whose pool tags grew most, and what those of all grew by.
static const struct seep_judged *worst_of_tags(const struct seep_scene *scene,
                                               enum seep_metric metric, double *all)
{
    const struct seep_judged *worst = NULL;
    double most = 0;
    *all = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        const struct seep_judged *culprit =
            j->kind == SEEP_SUBJECT_POOL_TAG && j->metric == metric ? culprit_of(scene, j) : NULL;
        if (!culprit)
            continue;
        *all += fmax(j->delta, 0);
        if (culprit == worst)
            continue;
        double grown = grown_by(scene, metric, culprit);
        if (!worst || grown > most) {
            worst = culprit;
            most = grown;
        }
    }
    return worst;
}

// The accused process with the largest growth of a metric.
static const struct seep_judged *worst_process(const struct seep_scene *scene,
                                               enum seep_metric metric)
{
    const struct seep_judged *worst = NULL;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_PROCESS && j->metric == metric && accused(j) &&
            (!worst || j->delta > worst->delta))
            worst = j;
    }
    return worst;
}

static void say(struct seep_drafts *drafts, struct seep_draft *draft, const char *text)
{
    seep_draft_evidence(drafts, draft, text, (struct seep_source_id){ 0 }, SEEP_NO_OFFSET,
                        SEEP_NO_TIME);
}

// The field's decision between driver and process.
static void relate_pool(struct seep_drafts *drafts, const struct seep_scene *scene,
                        struct seep_judged *judged)
{
    enum seep_metric metric = judged->metric;
    double grown;
    const struct seep_judged *tag = worst_of_tags(scene, metric, &grown);
    const char *words = seep_metric_words(metric);
    double explained = seep_explained(scene, metric);
    struct seep_draft *draft = draft_of(drafts, judged);
    if (tag && grown >= EXPLAINS * judged->delta) {
        explain(drafts, scene, judged, tag);
        if (tag->kind == SEEP_SUBJECT_POOL_TAG && draft_of(drafts, tag) &&
            !seep_unknown(explained) && explained < EXPLAINS)
            say(drafts, draft_of(drafts, tag),
                seep_say(drafts,
                         "processes' quotas explain %.0f %% of the growth: a driver or the kernel",
                         explained * 100));
        return;
    }
    if (!draft)
        return;
    if (seep_unknown(explained)) {
        seep_draft_caveat(
            drafts, draft,
            "the pool quotas of all processes were not recorded: driver or process cannot "
            "be told from this");
        return;
    }
    if (explained < EXPLAINS) {
        say(drafts, draft,
            seep_say(drafts,
                     "no process explains it: their %s quotas grew by %s, %.0f %% of it; it is "
                     "a driver or the kernel",
                     words, seep_say_amount(drafts, metric, scene->grown[metric]),
                     explained * 100));
        return;
    }
    const struct seep_judged *process = worst_process(scene, metric);
    if (!process)
        process = worst_process(scene, SEEP_METRIC_HANDLES);
    if (process)
        explain(drafts, scene, judged, process);
    else
        say(drafts, draft,
            seep_say(drafts, "the %s quotas of processes grew by %s, %.0f %% of it", words,
                     seep_say_amount(drafts, metric, scene->grown[metric]), explained * 100));
}

static void relate_commit(struct seep_drafts *drafts, const struct seep_scene *scene,
                          struct seep_judged *judged)
{
    static const enum seep_metric parts[] = { SEEP_METRIC_PRIVATE_BYTES,
                                              SEEP_METRIC_NONPAGED_POOL_BYTES,
                                              SEEP_METRIC_PAGED_POOL_BYTES };
    double explained = seep_explained(scene, SEEP_METRIC_COMMIT_BYTES);
    struct seep_draft *draft = draft_of(drafts, judged);
    if (!seep_unknown(explained) && explained >= EXPLAINS) {
        clear_of(drafts, judged,
                 seep_say(drafts, "processes and pools explain %.0f %% of the growth of %s",
                          fmin(explained, 1) * 100,
                          seep_say_amount(drafts, SEEP_METRIC_COMMIT_BYTES, judged->delta)));
        return;
    }
    for (size_t i = 0; seep_unknown(explained) && i < 3; i++) {
        const struct seep_judged *part =
            i ? scene->of_machine[parts[i]] : worst_process(scene, parts[0]);
        if (accused(part) && part->delta >= EXPLAINS * judged->delta) {
            explain(drafts, scene, judged, part);
            return;
        }
    }
    if (!draft)
        return;
    if (seep_unknown(explained))
        seep_draft_caveat(
            drafts, draft,
            "the private bytes of all processes were not recorded: who holds it cannot be "
            "told from this");
    else
        say(drafts, draft,
            seep_say(drafts,
                     "the private bytes of processes and the pools explain %.0f %% of it: it is "
                     "shared memory, a driver, or what no counter shows",
                     explained * 100));
}

// Correlation of the gains of two series from window to window, and how uneven the gains are.
static double correlation(const struct seep_shape *a, const struct seep_shape *b, double *uneven)
{
    size_t n = a->n_course - 1;
    double ma = (a->course[n] - a->course[0]) / (double)n;
    double mb = (b->course[n] - b->course[0]) / (double)n, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < n; i++) {
        double x = a->course[i + 1] - a->course[i] - ma, y = b->course[i + 1] - b->course[i] - mb;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    *uneven = fmax(sqrt(aa / (double)n) / fabs(ma), sqrt(bb / (double)n) / fabs(mb));
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static bool in_lockstep(const struct seep_scene *scene, const struct seep_judged *a,
                        const struct seep_judged *b, bool even)
{
    const struct seep_shape *s = &a->shape, *t = &b->shape;
    double window_ns = s->span_s * 1e9 / SEEP_SHAPE_COURSE, uneven;
    // Windows are the same windows only where both were seen from the same moment on.
    if (s->n_course < SEEP_SHAPE_MIN_LOOKS || s->n_course != t->n_course ||
        fabs((double)a->first_ns - (double)b->first_ns) > (double)scene->tick_ns ||
        fabs((double)a->last_ns - (double)b->last_ns) > (double)scene->tick_ns)
        return false;
    double r = correlation(s, t, &uneven);
    return r >= TOGETHER ||
           (even && uneven < EVEN && fabs((double)s->since_ns - (double)t->since_ns) <= window_ns);
}

// Whether `process` may be why pool tags grow: it holds more handles or threads, or its quota grew
// by as much.
static bool holds_objects(const struct seep_judged *process, const struct seep_judged *tag)
{
    return process->kind == SEEP_SUBJECT_PROCESS && accused(process) &&
           (process->metric == SEEP_METRIC_HANDLES || process->metric == SEEP_METRIC_THREADS ||
            (process->metric == tag->metric && process->delta >= EXPLAINS * tag->delta));
}

// Or because its memory does: what the kernel keeps of it is less. That both grow evenly says
// nothing here, for memory leaks evenly for many reasons.
static bool takes_with_it(const struct seep_judged *process, const struct seep_judged *tag)
{
    return process->kind == SEEP_SUBJECT_PROCESS && accused(process) &&
           process->metric == SEEP_METRIC_PRIVATE_BYTES && process->delta >= tag->delta;
}

// What a tag's growth comes from, if it grows in lockstep with something: a process that holds the
// objects, else the tag that grew most.
static struct seep_judged *leader_of(const struct seep_scene *scene, struct seep_judged **all,
                                     size_t n, const struct seep_judged *tag)
{
    struct seep_judged *leader = NULL;
    unsigned rank = 0;
    for (size_t i = 0; i < n; i++) {
        struct seep_judged *j = all[i];
        bool larger = j->kind == SEEP_SUBJECT_POOL_TAG && accused(j) && j->delta > tag->delta;
        unsigned its = holds_objects(j, tag) ? 3 : (takes_with_it(j, tag) ? 2 : larger);
        if (its == 0 || its < rank || (its == rank && j->delta <= leader->delta) ||
            !in_lockstep(scene, tag, j, its != 2))
            continue;
        leader = j;
        rank = its;
    }
    return leader;
}

static int by_delta(const void *a, const void *b)
{
    const struct seep_judged *x = *(struct seep_judged *const *)a;
    const struct seep_judged *y = *(struct seep_judged *const *)b;
    if (x->delta != y->delta)
        return x->delta < y->delta ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

static const char *name_of(const struct seep_drafts *drafts, const struct seep_judged *judged)
{
    const struct seep_draft *draft = draft_of(drafts, judged);
    return draft && draft->finding.name ? draft->finding.name : "?";
}

// One accusation of both: as grave as the graver one, with the share of both.
static void join(struct seep_drafts *drafts, const struct seep_scene *scene,
                 struct seep_judged *member, struct seep_judged *leader)
{
    struct seep_draft *from = draft_of(drafts, member), *into = draft_of(drafts, leader);
    if (leader->verdict < member->verdict)
        leader->verdict = into->finding.verdict = member->verdict;
    if (leader->metric == member->metric && leader->kind == member->kind)
        into->finding.share = fmin(into->finding.share + from->finding.share, 1);
    member->led_by = (size_t)(leader - scene->judged) + 1;
    clear_of(drafts, member,
             seep_say(drafts, "it grows in lockstep with %s %s",
                      leader->kind == SEEP_SUBJECT_PROCESS ? "process" : "pool tag",
                      name_of(drafts, leader)));
}

// Names the members, the largest first: some with their numbers, the rest by name.
static void name_members(struct seep_drafts *drafts, const struct seep_scene *scene,
                         struct seep_judged **all, size_t n, const struct seep_judged *leader)
{
    enum { WITH_NUMBERS = 12 };
    size_t n_members = 0, n_more = 0;
    const char *more = NULL;
    for (size_t i = n; i-- > 0;) {
        const struct seep_judged *j = all[i];
        if (!j->led_by || &scene->judged[j->led_by - 1] != leader)
            continue;
        if (n_members++ >= WITH_NUMBERS) {
            const char *name = name_of(drafts, j);
            more = more ? seep_say(drafts, "%s, %s", more, name) : name;
            n_more++;
            continue;
        }
        seep_draft_evidence(
            drafts, draft_of(drafts, leader),
            seep_say(drafts, "pool tag %s grows in lockstep with it: %s more, %s",
                     name_of(drafts, j), seep_say_amount(drafts, j->metric, j->shape.growth),
                     seep_say_rate(drafts, j->metric, j->shape.rate, j->shape.rate)),
            scene->data->series[j->series].source, SEEP_NO_OFFSET, j->shape.since_ns);
    }
    if (n_more)
        say(drafts, draft_of(drafts, leader),
            seep_say(drafts, "so do %zu more pool tags: %s", n_more, more));
}

static void relate_lockstep(struct seep_drafts *drafts, struct seep_scene *scene)
{
    enum { AT_MOST = 256 }; // where more grow, it is not one thing
    struct seep_judged *all[AT_MOST];
    size_t n = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (!accused(j) || !j->finding ||
            (j->kind != SEEP_SUBJECT_POOL_TAG && j->kind != SEEP_SUBJECT_PROCESS))
            continue;
        if (n == AT_MOST)
            return;
        all[n++] = j;
    }
    // The smallest first, so that one that others follow is still there for them.
    qsort(all, n, sizeof all[0], by_delta);
    for (size_t i = 0; i < n; i++) {
        struct seep_judged *leader =
            all[i]->kind == SEEP_SUBJECT_POOL_TAG ? leader_of(scene, all, n, all[i]) : NULL;
        if (leader)
            join(drafts, scene, all[i], leader);
    }
    // Who follows a tag that follows another one follows that.
    for (size_t i = n; i-- > 0;) {
        while (all[i]->led_by && scene->judged[all[i]->led_by - 1].led_by)
            all[i]->led_by = scene->judged[all[i]->led_by - 1].led_by;
    }
    for (size_t i = 0; i < n; i++)
        name_members(drafts, scene, all, n, all[i]);
}

void seep_relate(struct seep_drafts *drafts, struct seep_scene *scene)
{
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_PROCESS && accused(j))
            relate_process(drafts, scene, j);
    }
    // A stack says more than the counter that it is part of.
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        const struct seep_judged *site = accused(j) ? seep_site_behind(scene, j) : NULL;
        if (site)
            explain(drafts, scene, j, site);
    }
    relate_lockstep(drafts, scene);
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_MACHINE && accused(j) &&
            (j->metric == SEEP_METRIC_PAGED_POOL_BYTES ||
             j->metric == SEEP_METRIC_NONPAGED_POOL_BYTES))
            relate_pool(drafts, scene, j);
    }
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (j->kind != SEEP_SUBJECT_MACHINE || !accused(j))
            continue;
        if (j->metric == SEEP_METRIC_COMMIT_BYTES) {
            relate_commit(drafts, scene, j);
        } else if (j->metric == SEEP_METRIC_AVAILABLE_BYTES) {
            const struct seep_judged *commit = scene->of_machine[SEEP_METRIC_COMMIT_BYTES];
            if (commit)
                explain(drafts, scene, j, commit);
        } else if (j->metric == SEEP_METRIC_HANDLES || j->metric == SEEP_METRIC_THREADS ||
                   j->metric == SEEP_METRIC_ZOMBIES) {
            const struct seep_judged *process = worst_process(scene, j->metric);
            if (process)
                explain(drafts, scene, j, process);
        }
    }
}
