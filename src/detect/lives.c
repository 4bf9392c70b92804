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

// The lives of one image that can say something, as one service.
struct service {
    const struct life *lives;
    size_t n;
    double gained, grew_s;          // of those that grow as a leak does
    double first_half, second_half; // what all of them together gained in each half of a life
    double least_rate;              // gained in a second by the one that gained least
    struct seep_shape joined;       // of the lives put end to end
};

// Whether lives follow each other and fill enough of the observation.
static bool one_after_another(const struct seep_scene *scene, const struct service *service)
{
    double covered = 0, span = (double)scene->end_ns - (double)scene->start_ns;
    size_t known = 0;
    int64_t last_ns = INT64_MIN;
    for (size_t i = 0; i < service->n; i++) {
        const struct seep_judged *j = &scene->judged[service->lives[i].at];
        if (last_ns != INT64_MIN && j->first_ns < last_ns)
            return false; // two at once
        last_ns = j->last_ns;
        covered += (double)j->last_ns - (double)j->first_ns;
        known += j->shape.form != SEEP_FORM_SHORT;
    }
    return known >= 2 && covered >= COVERAGE * span;
}

// Puts a life, in cells of about `width_ns`, behind the ones before it; what it had at its start is
// put where they ended, so that what was given back between them is no fall.
static void append(struct seep_grid *joined, const struct seep_grid *life, double width_ns)
{
    size_t size = (size_t)fmax(ceil(width_ns / life->cell_ns - 0.01), 1), n = life->n / size;
    size_t at = joined->n, edge = n / 16 ? n / 16 : 1;
    n = n < SEEP_TREND_MAX - at ? n : SEEP_TREND_MAX - at;
    for (size_t i = 0; i < n; i++) {
        size_t from = life->n - (n - i) * size;
        struct seep_grid *to = joined;
        to->t_ns[at + i] = life->t_ns[from + size / 2];
        to->low[at + i] = life->low[from];
        to->level[at + i] = 0;
        to->broken[at + i] = i == 0 && at > 0;
        for (size_t k = from; k < from + size; k++) {
            to->low[at + i] = fmin(to->low[at + i], life->low[k]);
            to->level[at + i] += life->level[k] / (double)size;
            to->broken[at + i] = to->broken[at + i] || (k > from - (i > 0) && life->broken[k]);
        }
    }
    if (n == 0)
        return;
    double start = seep_median(joined->level + at, edge);
    double end =
        at ? seep_median(joined->level + at - (edge < at ? edge : at), edge < at ? edge : at)
           : start;
    for (size_t i = at; i < at + n; i++) {
        joined->low[i] += end - start;
        joined->level[i] += end - start;
    }
    joined->n = at + n;
    joined->n_gaps = at ? joined->n_gaps + 1 : 0;
    joined->start_ns = at ? joined->start_ns : life->start_ns;
    joined->end_ns = life->end_ns;
}

// Puts the lives end to end and takes the shape of that. False only when one could not be read.
static bool measure(const struct seep_scene *scene, const struct seep_life_grids *grids,
                    struct service *service)
{
    struct seep_grid joined = { 0 }, life;
    struct seep_windows w;
    double lived_ns = 0, slope, curve;
    for (size_t i = 0; i < service->n; i++) {
        const struct seep_judged *j = &scene->judged[service->lives[i].at];
        if (j->shape.form != SEEP_FORM_SHORT)
            lived_ns += j->shape.span_s * 1e9;
    }
    const struct seep_judged *one = &scene->judged[service->lives[0].at];
    joined.cell_ns =
        fmax(lived_ns / SEEP_TREND_MAX, (double)seep_clock_of(scene, one->series)->tick_ns);
    service->least_rate = INFINITY;
    for (size_t i = 0; i < service->n; i++) {
        const struct seep_judged *j = &scene->judged[service->lives[i].at];
        if (j->shape.form == SEEP_FORM_SHORT)
            continue;
        if (!grids->at(grids->ctx, j, &life))
            return false;
        if (life.n < SEEP_SHAPE_MIN_LOOKS)
            continue;
        seep_windows_make(&life, 0, life.n, life.n < 32 ? life.n : 32, SEEP_WINDOW_LEVEL, &w);
        seep_parabola(w.y, w.n, &slope, &curve);
        service->first_half += slope - curve;
        service->second_half += slope + curve;
        service->least_rate = fmin(service->least_rate, 2 * slope / j->shape.span_s);
        append(&joined, &life, joined.cell_ns);
    }
    if (joined.n >= SEEP_SHAPE_MIN_LOOKS && joined.end_ns > joined.start_ns)
        seep_shape_find(&joined, &service->joined);
    else
        service->joined = (struct seep_shape){ .p = 1 };
    return true;
}

// Whether the lives together have the form of a leak, and each gained what one expects of it: the
// growth of a start comes with each life too, but it stops in each.
static bool grows_as_one(const struct service *service)
{
    return service->joined.form == SEEP_FORM_GROWING && service->joined.rate_low > 0 &&
           service->second_half >= SEEP_SHAPE_SLOWING * service->first_half &&
           service->least_rate >= EXPECTED * service->joined.rate;
}

// The same life by life, from the p of those that grow as a leak does: they are half of the time,
// and the others, which say nothing (p = 1), gained what one expects of them. -1 where it is not.
static double tail_of_each(const struct seep_scene *scene, const struct service *service)
{
    double logs = 0, judged_s = 0, gained = 0, grew_s = 0;
    size_t k = 0;
    for (size_t i = 0; i < service->n; i++) {
        const struct seep_judged *j = &scene->judged[service->lives[i].at];
        judged_s += j->shape.form == SEEP_FORM_SHORT ? 0 : j->shape.span_s;
        if (j->shape.form == SEEP_FORM_GROWING) {
            gained += j->shape.growth;
            grew_s += j->shape.span_s;
        }
    }
    if (!(grew_s > 0) || grew_s < judged_s / 2)
        return -1;
    for (size_t i = 0; i < service->n; i++) {
        const struct seep_judged *j = &scene->judged[service->lives[i].at];
        if (j->shape.form == SEEP_FORM_SHORT)
            continue;
        k++;
        if (j->shape.form == SEEP_FORM_GROWING) // the share of series that wander is paid once
            logs += log(fmin(fmax(j->shape.p / SEEP_WALK_SHARE, 1e-300), 1));
        else if (j->shape.last - j->shape.first < EXPECTED * gained / grew_s * j->shape.span_s)
            return -1;
    }
    return combine(logs, k);
}

// What the last life, in whose noise the form of growth is hidden, says for all of them.
static void lend_shape(struct seep_shape *own, const struct seep_shape *joined)
{
    struct seep_shape shape = *joined;
    shape.n_looks = own->n_looks;
    shape.span_s = own->span_s;
    shape.first = own->first;
    shape.last = own->last;
    shape.start = own->first;
    shape.growth = shape.retained = joined->rate * own->span_s;
    shape.trend = own->last;
    shape.pivot_s = own->span_s / 2;
    shape.since_ns = own->since_ns;
    shape.warmed_up = false;
    shape.n_course = 0;
    shape.n_gaps = own->n_gaps;
    shape.gap_s = own->gap_s;
    *own = shape;
}

static bool join(struct seep_scene *scene, const struct seep_life_grids *grids,
                 const struct life *lives, size_t n)
{
    struct service service = { .lives = lives, .n = n };
    if (!one_after_another(scene, &service))
        return true;
    if (!measure(scene, grids, &service))
        return false;
    double each = tail_of_each(scene, &service);
    bool as_one = grows_as_one(&service);
    if (!as_one && each < 0)
        return true;
    size_t speaker = 0, last = 0;
    bool grows = false;
    for (size_t i = 0; i < n; i++) {
        const struct seep_shape *s = &scene->judged[lives[i].at].shape;
        if (s->form == SEEP_FORM_SHORT)
            continue;
        last = lives[i].at;
        if (s->form == SEEP_FORM_GROWING) {
            grows = true;
            speaker = lives[i].at;
        }
    }
    if (!grows) {
        speaker = last;
        lend_shape(&scene->judged[speaker].shape, &service.joined);
    }
    for (size_t i = 0; i < n; i++) {
        struct seep_judged *j = &scene->judged[lives[i].at];
        if (lives[i].at != speaker && j->shape.form != SEEP_FORM_SHORT)
            j->life_of = speaker + 1;
    }
    scene->judged[speaker].speaks = true;
    double whole = as_one ? service.joined.p / SEEP_WALK_SHARE : 1;
    scene->judged[speaker].shape.p = SEEP_WALK_SHARE * seep_cauchy_mean(whole, each < 0 ? 1 : each);
    return true;
}

bool seep_join_lives(struct seep_scene *scene, const struct seep_life_grids *grids)
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
        if (same - i >= 2 && !join(scene, grids, &lives[i], same - i)) {
            seep_free(lives);
            return false;
        }
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
