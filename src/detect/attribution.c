// SPDX-License-Identifier: MIT
// Whose growth is it: the share of the machine's growth, and what processes do not explain.
#include "detect/judge.h"

#include <math.h>

void seep_scene_sum(struct seep_scene *scene)
{
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_PROCESS) {
            scene->has_processes[j->metric] = true;
            scene->grown[j->metric] += j->delta;
            scene->rising[j->metric] += fmax(j->delta, 0);
        } else if (j->kind == SEEP_SUBJECT_MACHINE) {
            const struct seep_judged **own = &scene->of_machine[j->metric];
            if (!*own || (*own)->shape.n_looks < j->shape.n_looks)
                *own = j;
        }
    }
}

const struct seep_judged *seep_sibling(const struct seep_scene *scene,
                                       const struct seep_judged *judged, enum seep_metric metric)
{
    const struct seep_judged *best = NULL;
    for (size_t i = 0; judged->process && i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->metric == metric && j->kind == judged->kind && j->process == judged->process &&
            (!best || best->shape.n_looks < j->shape.n_looks))
            best = j;
    }
    return best;
}

// The machine's series that a metric adds up to.
static enum seep_metric total_of(enum seep_metric metric)
{
    switch (metric) {
    case SEEP_METRIC_PRIVATE_BYTES:
        return SEEP_METRIC_COMMIT_BYTES;
    case SEEP_METRIC_PAGED_POOL_BYTES:
    case SEEP_METRIC_NONPAGED_POOL_BYTES:
    case SEEP_METRIC_HANDLES:
    case SEEP_METRIC_THREADS:
    case SEEP_METRIC_ZOMBIES:
        return metric;
    default:
        return SEEP_METRIC_NONE;
    }
}

double seep_share_of(const struct seep_scene *scene, const struct seep_judged *judged)
{
    double growth = judged->delta;
    if (judged->kind == SEEP_SUBJECT_MACHINE || !(growth > 0))
        return NAN;
    const struct seep_judged *total = scene->of_machine[total_of(judged->metric)];
    double of = total && total->delta > 0 ? total->delta : 0;
    if (!total && judged->kind == SEEP_SUBJECT_PROCESS)
        of = scene->rising[judged->metric];
    // Where others gave back what this one took, the machine grew by less than this one.
    if (of < growth)
        return total || judged->kind == SEEP_SUBJECT_PROCESS ? 1 : NAN;
    return growth / of;
}

double seep_explained(const struct seep_scene *scene, enum seep_metric metric)
{
    const struct seep_judged *total = scene->of_machine[metric];
    if (!total || !(total->delta > 0) || scene->chosen_only)
        return NAN;
    if (metric != SEEP_METRIC_COMMIT_BYTES)
        return scene->has_processes[metric] ? fmax(scene->grown[metric], 0) / total->delta : NAN;
    if (!scene->has_processes[SEEP_METRIC_PRIVATE_BYTES])
        return NAN;
    double sum = scene->grown[SEEP_METRIC_PRIVATE_BYTES];
    static const enum seep_metric pools[] = { SEEP_METRIC_PAGED_POOL_BYTES,
                                              SEEP_METRIC_NONPAGED_POOL_BYTES };
    for (size_t i = 0; i < 2; i++) {
        if (scene->of_machine[pools[i]])
            sum += scene->of_machine[pools[i]]->delta;
    }
    return fmax(sum, 0) / total->delta;
}
