// SPDX-License-Identifier: MIT
// What the series of one machine say about each other: one cause, one accusation.
#include "detect/judge.h"

#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The share of a total's growth from which its parts explain it.
#define EXPLAINS 0.5

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

bool seep_accused(const struct seep_judged *judged)
{
    return judged && judged->verdict >= SEEP_VERDICT_SUSPECT;
}

struct seep_draft *seep_draft_of(const struct seep_drafts *drafts, const struct seep_judged *judged)
{
    return judged && judged->finding ? &drafts->at[judged->finding - 1] : NULL;
}

void seep_clear_of(struct seep_drafts *drafts, struct seep_judged *judged, const char *why)
{
    struct seep_draft *draft = seep_draft_of(drafts, judged);
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
    struct seep_draft *into = seep_draft_of(drafts, cause);
    if (into)
        seep_draft_evidence(drafts, into, grew_with(drafts, judged),
                            scene->data->series[judged->series].source, SEEP_NO_OFFSET,
                            judged->shape.since_ns);
    seep_clear_of(drafts, judged,
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
            (seep_accused(private_bytes) || private_bytes->delta >= EXPLAINS * judged->delta))
            explain(drafts, scene, judged, private_bytes);
        else if (seep_accused(threads))
            explain(drafts, scene, judged, threads);
    }
    // The quota charges for the objects behind handles and threads.
    if (judged->metric == SEEP_METRIC_PAGED_POOL_BYTES ||
        judged->metric == SEEP_METRIC_NONPAGED_POOL_BYTES) {
        const struct seep_judged *handles = seep_sibling(scene, judged, SEEP_METRIC_HANDLES);
        const struct seep_judged *threads = seep_sibling(scene, judged, SEEP_METRIC_THREADS);
        if (seep_accused(handles))
            explain(drafts, scene, judged, handles);
        else if (seep_accused(threads))
            explain(drafts, scene, judged, threads);
    }
}

// What stands for the growth of a pool tag: itself, or what it follows. NULL where neither is
// accused.
static const struct seep_judged *culprit_of(const struct seep_scene *scene,
                                            const struct seep_judged *tag)
{
    const struct seep_judged *culprit = tag->led_by ? &scene->judged[tag->led_by - 1] : tag;
    return seep_accused(culprit) ? culprit : NULL;
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

// What pool tags grew by that only hold more because more is done.
static double grown_by_load(const struct seep_scene *scene, enum seep_metric metric)
{
    double grown = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_POOL_TAG && j->metric == metric && j->loaded)
            grown += fmax(j->delta, 0);
    }
    return grown;
}

// The accused process with the largest growth of a metric.
static const struct seep_judged *worst_process(const struct seep_scene *scene,
                                               enum seep_metric metric)
{
    const struct seep_judged *worst = NULL;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_PROCESS && j->metric == metric && seep_accused(j) &&
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
    struct seep_draft *draft = seep_draft_of(drafts, judged);
    if (tag && grown >= EXPLAINS * judged->delta) {
        explain(drafts, scene, judged, tag);
        if (tag->kind == SEEP_SUBJECT_POOL_TAG && seep_draft_of(drafts, tag) &&
            !seep_unknown(explained) && explained < EXPLAINS)
            say(drafts, seep_draft_of(drafts, tag),
                seep_say(drafts,
                         "processes' quotas explain %.0f %% of the growth: a driver or the kernel",
                         explained * 100));
        return;
    }
    if (!tag && grown_by_load(scene, metric) >= EXPLAINS * judged->delta) {
        seep_clear_of(drafts, judged, "pool tags explain it that grew by load");
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

// What of the two pools, together, explains the growth of the commit: the culprit of the tags that
// grew most, else the pool that did. NULL = they do not.
static const struct seep_judged *behind_commit(const struct seep_scene *scene,
                                               const struct seep_judged *commit)
{
    static const enum seep_metric pools[] = { SEEP_METRIC_NONPAGED_POOL_BYTES,
                                              SEEP_METRIC_PAGED_POOL_BYTES };
    const struct seep_judged *worst = NULL;
    double all = 0, most = 0;
    for (size_t i = 0; i < 2; i++) {
        double grown;
        const struct seep_judged *own = scene->of_machine[pools[i]];
        const struct seep_judged *culprit = worst_of_tags(scene, pools[i], &grown);
        if (!culprit && seep_accused(own)) {
            culprit = own;
            grown = own->delta;
        }
        all += fmax(grown, 0);
        if (culprit && (!worst || grown > most)) {
            worst = culprit;
            most = grown;
        }
    }
    return all >= EXPLAINS * commit->delta ? worst : NULL;
}

static void relate_commit(struct seep_drafts *drafts, const struct seep_scene *scene,
                          struct seep_judged *judged)
{
    static const enum seep_metric parts[] = { SEEP_METRIC_PRIVATE_BYTES,
                                              SEEP_METRIC_NONPAGED_POOL_BYTES,
                                              SEEP_METRIC_PAGED_POOL_BYTES };
    double explained = seep_explained(scene, SEEP_METRIC_COMMIT_BYTES);
    struct seep_draft *draft = seep_draft_of(drafts, judged);
    if (!seep_unknown(explained) && explained >= EXPLAINS) {
        seep_clear_of(drafts, judged,
                      seep_say(drafts, "processes and pools explain %.0f %% of the growth of %s",
                               fmin(explained, 1) * 100,
                               seep_say_amount(drafts, SEEP_METRIC_COMMIT_BYTES, judged->delta)));
        return;
    }
    for (size_t i = 0; seep_unknown(explained) && i < 3; i++) {
        const struct seep_judged *part =
            i ? scene->of_machine[parts[i]] : worst_process(scene, parts[0]);
        if (seep_accused(part) && part->delta >= EXPLAINS * judged->delta) {
            explain(drafts, scene, judged, part);
            return;
        }
    }
    const struct seep_judged *pool = behind_commit(scene, judged);
    if (seep_unknown(explained) && pool) {
        explain(drafts, scene, judged, pool);
        return;
    }
    double load = grown_by_load(scene, SEEP_METRIC_PAGED_POOL_BYTES) +
                  grown_by_load(scene, SEEP_METRIC_NONPAGED_POOL_BYTES);
    if (seep_unknown(explained) && load >= EXPLAINS * judged->delta) {
        seep_clear_of(drafts, judged, "pool tags explain it that grew by load");
        return;
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

void seep_relate(struct seep_drafts *drafts, struct seep_scene *scene)
{
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_PROCESS && seep_accused(j))
            relate_process(drafts, scene, j);
    }
    // A stack says more than the counter that it is part of.
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        const struct seep_judged *site = seep_accused(j) ? seep_site_behind(scene, j) : NULL;
        if (site)
            explain(drafts, scene, j, site);
    }
    seep_relate_lockstep(drafts, scene);
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_MACHINE && seep_accused(j) &&
            (j->metric == SEEP_METRIC_PAGED_POOL_BYTES ||
             j->metric == SEEP_METRIC_NONPAGED_POOL_BYTES))
            relate_pool(drafts, scene, j);
    }
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (j->kind != SEEP_SUBJECT_MACHINE || !seep_accused(j))
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
