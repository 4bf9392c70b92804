// SPDX-License-Identifier: MIT
// One image, several lives: a service that leaks, is restarted and leaks again.
#include "detect/judge.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Lives have to fill so much of the observation: a tool that is started now and then is no service.
#define COVERAGE 0.6
#define EXPECTED 0.4 // of the rate at which the other lives grew

struct life {
    const char *image;
    int64_t first_ns;
    size_t at; // index into the scene's series
    enum seep_metric metric;
};

static int by_image(const void *a, const void *b)
{
    const struct life *x = a, *y = b;
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
    int order = strcmp(x->image, y->image);
    if (order)
        return order;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

// Fisher's combination of k p values: the tail of chi-squared with 2 k degrees of freedom, which
// for even degrees is a finite sum.
static double combine(double sum_of_logs, size_t k)
{
    double half = -sum_of_logs, term = 1, sum = 1;
    for (size_t i = 1; i < k; i++) {
        term *= half / (double)i;
        sum += term;
    }
    return fmin(exp(-half) * sum, 1);
}

// Whether lives follow each other and fill enough of the observation, and those that grow as a leak
// does are half of it: what they gained in how much time.
static bool one_service(const struct seep_scene *scene, const struct life *lives, size_t n,
                        double *gained, double *grew_s)
{
    double covered = 0, judged = 0, span = (double)scene->end_ns - (double)scene->start_ns;
    int64_t last_ns = INT64_MIN;
    *gained = *grew_s = 0;
    for (size_t i = 0; i < n; i++) {
        const struct seep_judged *j = &scene->judged[lives[i].at];
        if (last_ns != INT64_MIN && j->first_ns < last_ns)
            return false; // two at once
        last_ns = j->last_ns;
        covered += (double)j->last_ns - (double)j->first_ns;
        if (j->shape.form == SEEP_FORM_SHORT)
            continue;
        judged += j->shape.span_s;
        if (j->shape.form == SEEP_FORM_GROWING) {
            *gained += j->shape.growth;
            *grew_s += j->shape.span_s;
        }
    }
    return covered >= COVERAGE * span && *grew_s > 0 && *grew_s >= judged / 2;
}

// A life in which the noise hides the form of growth says nothing (p = 1) if it gained what one
// expects of it; if it did not, the others did not leak either.
static void join(struct seep_scene *scene, const struct life *lives, size_t n)
{
    double logs = 0, gained, grew_s;
    size_t k = 0, speaker = 0;
    if (!one_service(scene, lives, n, &gained, &grew_s))
        return;
    for (size_t i = 0; i < n; i++) {
        const struct seep_judged *j = &scene->judged[lives[i].at];
        if (j->shape.form == SEEP_FORM_SHORT)
            continue;
        k++;
        if (j->shape.form == SEEP_FORM_GROWING) {
            // The share of series that wander is paid once.
            logs += log(fmin(fmax(j->shape.p / SEEP_WALK_SHARE, 1e-300), 1));
            speaker = lives[i].at;
        } else if (j->shape.last - j->shape.first < EXPECTED * gained / grew_s * j->shape.span_s) {
            return;
        }
    }
    if (k < 2)
        return;
    for (size_t i = 0; i < n; i++) {
        struct seep_judged *j = &scene->judged[lives[i].at];
        if (lives[i].at != speaker && j->shape.form != SEEP_FORM_SHORT)
            j->life_of = speaker + 1;
    }
    scene->judged[speaker].speaks = true;
    scene->judged[speaker].shape.p = SEEP_WALK_SHARE * combine(logs, k);
}

bool seep_join_lives(struct seep_scene *scene)
{
    struct life *lives = seep_alloc(scene->n_judged + 1, sizeof *lives);
    if (!lives)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->kind != SEEP_SUBJECT_PROCESS || !j->process)
            continue;
        const char *image = scene->data->processes[j->process - 1].image;
        if (image && *image)
            lives[n++] = (struct life){ image, j->first_ns, i, j->metric };
    }
    qsort(lives, n, sizeof *lives, by_image);
    for (size_t i = 0; i < n;) {
        size_t same = i + 1;
        while (same < n && lives[same].metric == lives[i].metric &&
               strcmp(lives[same].image, lives[i].image) == 0)
            same++;
        if (same - i >= 2)
            join(scene, &lives[i], same - i);
        i = same;
    }
    seep_free(lives);
    return true;
}

void seep_write_lives(struct seep_drafts *drafts, struct seep_scene *scene)
{
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        if (!j->life_of)
            continue;
        const struct seep_judged *speaker = &scene->judged[j->life_of - 1];
        if (speaker->verdict < SEEP_VERDICT_SUSPECT || !speaker->finding)
            continue;
        struct seep_draft *draft = &drafts->at[speaker->finding - 1];
        const struct seep_process *p = &scene->data->processes[j->process - 1];
        if (j->finding)
            drafts->at[j->finding - 1].dropped = true;
        if (j->shape.form != SEEP_FORM_GROWING)
            continue; // it says nothing of its own
        const char *pid = p->has_pid ? seep_say(drafts, " as PID %u", p->pid) : "";
        seep_draft_evidence(
            drafts, draft,
            seep_say(drafts, "an earlier life of it%s grew by %s in %s, %s", pid,
                     seep_say_amount(drafts, j->metric, j->shape.growth),
                     seep_say_seconds(drafts, j->shape.span_s),
                     seep_say_rate(drafts, j->metric, j->shape.rate, j->shape.rate)),
            scene->data->series[j->series].source, SEEP_NO_OFFSET, j->shape.since_ns);
    }
}
