// SPDX-License-Identifier: MIT
// One run: every series of every machine is measured, tested together with the others, related to
// them, and written down.
#include "detect/baseline.h"
#include "detect/judge.h"
#include "detect/looks.h"

#include "base/alloc.h"
#include "base/time.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const class_names[] = {
    [SEEP_CLASS_HEAP] = "heap",
    [SEEP_CLASS_PRIVATE_DATA] = "private-data",
    [SEEP_CLASS_ADDRESS_SPACE] = "address-space",
    [SEEP_CLASS_HANDLES] = "handles",
    [SEEP_CLASS_GDI_USER] = "gdi-user",
    [SEEP_CLASS_THREADS] = "threads",
    [SEEP_CLASS_PROCESS_ZOMBIES] = "process-zombies",
    [SEEP_CLASS_PAGED_POOL] = "paged-pool",
    [SEEP_CLASS_NONPAGED_POOL] = "nonpaged-pool",
    [SEEP_CLASS_DRIVER] = "driver",
    [SEEP_CLASS_SHARED_MEMORY] = "shared-memory",
    [SEEP_CLASS_COMMIT_UNATTRIBUTED] = "commit-unattributed",
    [SEEP_CLASS_FILE_CACHE] = "file-cache",
};
static_assert(sizeof class_names / sizeof *class_names == SEEP_N_CLASSES, "a name for each class");

static const char *const verdict_names[] = {
    [SEEP_VERDICT_STEADY] = "steady",
    [SEEP_VERDICT_UNKNOWN] = "unknown",
    [SEEP_VERDICT_SUSPECT] = "suspect",
    [SEEP_VERDICT_LEAKING] = "leaking",
};

const char *seep_class_name(enum seep_class class_)
{
    return (unsigned)class_ < SEEP_N_CLASSES ? class_names[class_] : "unknown";
}

const char *seep_verdict_name(enum seep_verdict verdict)
{
    return (unsigned)verdict <= SEEP_VERDICT_LEAKING ? verdict_names[verdict] : "unknown";
}

// What one run holds while it works.
struct run {
    const struct seep_dataset *data;
    const struct seep_detect_options *options;
    const struct seep_control *control;
    struct seep_err *err;
    struct seep_drafts drafts;
    const struct seep_tracks *tracks; // NULL = made from the dataset's points, one after another
    struct seep_points points;
    struct seep_track track;
    struct seep_grid grid;
    struct constant { // of this machine: a series that had one value, and its shape
        bool known;
        int64_t first_ns, last_ns;
        struct seep_shape shape;
    } constant;
    struct seep_baselines *baselines; // NULL = none
    struct seep_sites sites;
    struct seep_looks looks; // of this machine
    size_t n_expected;       // findings that they explain
    struct span {            // of each process, over all its series
        int64_t first_ns, last_ns;
    } * lives;
    size_t *first, *next;     // series of each machine in their order; n_series of the data = end
    uint64_t done, total;     // series read, for progress
    int64_t start_ns, end_ns; // of the observation of all machines
    size_t n_series;
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// The part of a series that lies in the time asked for; false when there is none.
static bool clip(const struct run *run, const struct seep_dataset_series *s, int64_t *first,
                 int64_t *last)
{
    if (s->n_points == 0)
        return false;
    *first = s->first_ns;
    *last = s->last_ns;
    if (run->options && run->options->since_ns != SEEP_NO_TIME)
        *first = later(*first, run->options->since_ns);
    if (run->options && run->options->until_ns != SEEP_NO_TIME)
        *last = earlier(*last, run->options->until_ns);
    return *first <= *last;
}

static bool judged_metric(enum seep_metric metric, enum seep_subject_kind kind)
{
    switch (metric) {
    case SEEP_METRIC_PRIVATE_BYTES:
    case SEEP_METRIC_VIRTUAL_BYTES:
    case SEEP_METRIC_GDI_OBJECTS:
    case SEEP_METRIC_USER_OBJECTS:
        return kind == SEEP_SUBJECT_PROCESS;
    case SEEP_METRIC_HANDLES:
    case SEEP_METRIC_THREADS:
        return kind == SEEP_SUBJECT_PROCESS || kind == SEEP_SUBJECT_MACHINE;
    case SEEP_METRIC_ZOMBIES:
        return kind == SEEP_SUBJECT_PROCESS || kind == SEEP_SUBJECT_MACHINE;
    case SEEP_METRIC_PAGED_POOL_BYTES:
    case SEEP_METRIC_NONPAGED_POOL_BYTES:
        return kind == SEEP_SUBJECT_PROCESS || kind == SEEP_SUBJECT_MACHINE ||
               kind == SEEP_SUBJECT_POOL_TAG;
    case SEEP_METRIC_COMMIT_BYTES:
    case SEEP_METRIC_AVAILABLE_BYTES:
        return kind == SEEP_SUBJECT_MACHINE;
    case SEEP_METRIC_OUTSTANDING_BYTES:
    case SEEP_METRIC_OUTSTANDING_COUNT:
        return kind == SEEP_SUBJECT_SITE;
    default:
        return false;
    }
}

// When the machine was observed, how often its recorders looked, and each process's life.
static void survey(struct run *run, struct seep_scene *scene)
{
    scene->start_ns = INT64_MAX;
    scene->end_ns = INT64_MIN;
    for (size_t i = run->first[scene->machine.v]; i < run->data->n_series; i = run->next[i]) {
        const struct seep_dataset_series *s = &run->data->series[i];
        int64_t first, last;
        if (!clip(run, s, &first, &last))
            continue;
        scene->start_ns = earlier(scene->start_ns, first);
        scene->end_ns = later(scene->end_ns, last);
        seep_clock_see(seep_clock_add(scene, i), run->data, i, first, last);
        size_t process = s->series.subject.process.v;
        if (process && process <= run->data->n_processes) {
            struct span *life = &run->lives[process - 1];
            life->first_ns = earlier(life->first_ns, first);
            life->last_ns = later(life->last_ns, last);
        }
    }
    for (size_t i = 0; i < scene->n_clocks; i++) {
        struct seep_clock *c = &scene->clocks[i];
        if (run->tracks) {
            c->tick = fmin(c->tick, run->tracks->tick_ns);
            c->heartbeat = fmax(c->heartbeat, run->tracks->heartbeat_ns);
        }
        seep_clock_set(c);
    }
}

// Until when the last value of a subject holds. A process of which nothing was heard for several
// heartbeats is taken to be gone; before that, silence means that nothing changed.
static int64_t held_until(const struct run *run, const struct seep_scene *scene,
                          struct seep_judged *judged)
{
    const struct seep_clock *clock = seep_clock_of(scene, judged->series);
    judged->alive = true;
    if (judged->kind != SEEP_SUBJECT_PROCESS || !judged->process)
        return clock->end_ns;
    const struct seep_process *p = &run->data->processes[judged->process - 1];
    int64_t heard = run->lives[judged->process - 1].last_ns;
    if (p->end_ns != SEEP_NO_TIME && p->end_ns < clock->end_ns) {
        judged->alive = false;
        return later(heard, p->end_ns);
    }
    if ((clock->end_ns - heard) / 3 > later(clock->heartbeat_ns, clock->tick_ns)) {
        judged->alive = false;
        return heard;
    }
    return clock->end_ns;
}

// Drops the points outside the time asked for; the value held at its start stays as a point there.
static void clip_points(const struct run *run, struct seep_points *points)
{
    const struct seep_detect_options *o = run->options;
    size_t from = 0;
    if (o && o->until_ns != SEEP_NO_TIME) {
        while (points->count && points->at[points->count - 1].t_ns > o->until_ns)
            points->count--;
    }
    if (!o || o->since_ns == SEEP_NO_TIME || points->count == 0)
        return;
    while (from + 1 < points->count && points->at[from + 1].t_ns <= o->since_ns)
        from++;
    memmove(points->at, points->at + from, (points->count - from) * sizeof *points->at);
    points->count -= from;
    points->at[0].t_ns = later(points->at[0].t_ns, o->since_ns);
}

// The track of a series; NULL when it could not be read.
static const struct seep_track *track_of(struct run *run, size_t index)
{
    const struct seep_track *track = NULL;
    if (run->tracks) {
        track = run->tracks->at(run->tracks->ctx, index);
        if (!track)
            (void)seep_fail_memory(run->err);
        return track;
    }
    if (!run->data->points(run->data->ctx, index, &run->points, run->err))
        return NULL;
    clip_points(run, &run->points);
    seep_track_reset(&run->track, seep_track_is_negated(run->data->series[index].series.metric));
    for (size_t i = 0; i < run->points.count; i++) {
        if (!seep_track_add(&run->track, run->points.at[i].t_ns, run->points.at[i].value)) {
            (void)seep_fail_memory(run->err);
            return NULL;
        }
    }
    return &run->track;
}

// When the recorders were off, and how often they looked when they were on.
static bool find_silences(struct run *run, struct seep_scene *scene)
{
    for (size_t i = 0; i < scene->n_clocks; i++) {
        struct seep_clock *c = &scene->clocks[i];
        const struct seep_track *track = c->busiest ? track_of(run, c->busiest - 1) : NULL;
        if (c->busiest && !track)
            return false;
        if (track)
            seep_track_silences(track, c->start_ns, c->end_ns, false, &c->silences);
        if (c->silences.n && c->silences.tick_ns > 0)
            c->tick_ns = earlier(c->tick_ns, c->silences.tick_ns);
        if (c->tick_ns > 0 && (!scene->tick_ns || c->tick_ns < scene->tick_ns))
            scene->tick_ns = c->tick_ns;
    }
    return true;
}

static void find_shape(struct run *run, const struct seep_scene *scene,
                       const struct seep_track *track, struct seep_judged *judged)
{
    struct constant *known = &run->constant;
    // Most series of a machine never change. Of those that were there for the same time one tells
    // the shape of all.
    if (!track->constant || !known->known || known->first_ns != judged->first_ns ||
        known->last_ns != judged->last_ns) {
        const struct seep_clock *clock = seep_clock_of(scene, judged->series);
        if (seep_track_grid(track, judged->last_ns, clock->tick_ns, seep_clock_silences(clock),
                            &run->grid))
            seep_shape_find(&run->grid, &judged->shape);
        else
            judged->shape = (struct seep_shape){ .n_looks = 1,
                                                 .p = 1,
                                                 .first = judged->newest,
                                                 .last = judged->newest,
                                                 .start = judged->newest,
                                                 .since_ns = judged->first_ns };
        if (track->constant)
            *known = (struct constant){ true, judged->first_ns, judged->last_ns, judged->shape };
        return;
    }
    judged->shape = known->shape;
    judged->shape.first = judged->shape.last = judged->shape.start = judged->newest;
}

// Measures one series. False only when reading failed.
static bool measure(struct run *run, struct seep_scene *scene, size_t index)
{
    const struct seep_dataset_series *s = &run->data->series[index];
    const struct seep_track *track = track_of(run, index);
    if (!track)
        return false;
    if (track->n == 0)
        return true;
    struct seep_judged judged = { .series = index,
                                  .process = s->series.subject.process.v,
                                  .metric = s->series.metric,
                                  .kind = s->series.subject.kind };
    if (judged.process > run->data->n_processes)
        judged.process = 0;
    if (!seep_sites_find(&run->sites, run->data, &judged))
        return seep_fail_memory(run->err);
    const struct seep_clock *clock = seep_clock_of(scene, index);
    struct seep_track_ends ends;
    seep_track_ends(track, &ends);
    judged.n_wraps = ends.n_wraps;
    judged.first_ns = track->first_ns;
    judged.last_ns = held_until(run, scene, &judged);
    judged.newest = ends.newest;
    bool born = judged.kind == SEEP_SUBJECT_PROCESS && judged.process &&
                (judged.first_ns - clock->start_ns) / 2 > later(clock->tick_ns, 1);
    judged.delta = (judged.alive ? ends.newest : 0) - (born ? 0 : ends.first);
    find_shape(run, scene, track, &judged);
    double observed_s = ((double)clock->end_ns - (double)clock->start_ns) / 1e9;
    judged.lived =
        observed_s > 0 ? ((double)judged.last_ns - (double)judged.first_ns) / 1e9 / observed_s : 1;
    if (!seep_seen_enough(&judged, observed_s)) {
        judged.shape.form = SEEP_FORM_SHORT;
        judged.shape.p = 1;
    }
    if (run->baselines) { // it wants the points themselves, as they were measured
        (void)seep_unwrap32(run->points.at, run->points.count);
        for (size_t i = 0; track->negated && i < run->points.count; i++)
            run->points.at[i].value = -run->points.at[i].value;
    }
    if (!seep_baselines_compare(run->baselines, run->drafts.arena, scene, &judged, &run->points,
                                run->err))
        return false;
    if (!seep_grow(&scene->judged, &scene->capacity, scene->n_judged + 1, sizeof judged))
        return seep_fail_memory(run->err);
    scene->judged[scene->n_judged++] = judged;
    return true;
}

// The newest value of one of the machine's own series; NaN when there is none.
static bool newest_of(struct run *run, const struct seep_scene *scene, enum seep_metric metric,
                      double *value)
{
    *value = NAN;
    for (size_t i = run->first[scene->machine.v]; i < run->data->n_series; i = run->next[i]) {
        const struct seep_dataset_series *s = &run->data->series[i];
        if (s->series.metric != metric || s->series.subject.kind != SEEP_SUBJECT_MACHINE ||
            s->n_points == 0)
            continue;
        const struct seep_track *track = track_of(run, i);
        if (!track)
            return false;
        struct seep_track_ends ends;
        seep_track_ends(track, &ends);
        if (track->n)
            *value = ends.newest;
    }
    return true;
}

static double known(uint64_t bytes)
{
    return bytes == SEEP_UNKNOWN_COUNT ? 0 : (double)bytes;
}

// The newest limits that were told with a look at the machine's memory.
static void find_vm_limits(const struct seep_dataset *data, struct seep_scene *scene)
{
    for (size_t i = 0; i < data->n_vms; i++) {
        const struct seep_vm *vm = &data->vms[i].vm;
        if (vm->machine.v != scene->machine.v)
            continue;
        scene->pool_limit[SEEP_NONPAGED] = known(vm->bytes[SEEP_VM_NONPAGED_POOL_LIMIT]);
        scene->pool_limit[SEEP_PAGED] = known(vm->bytes[SEEP_VM_PAGED_POOL_LIMIT]);
        scene->pool_now[SEEP_NONPAGED] = known(vm->bytes[SEEP_VM_NONPAGED_POOL]);
        scene->pool_now[SEEP_PAGED] = known(vm->bytes[SEEP_VM_PAGED_POOL]);
    }
}

static bool find_limits(struct run *run, struct seep_scene *scene)
{
    if (!newest_of(run, scene, SEEP_METRIC_COMMIT_LIMIT_BYTES, &scene->commit_limit) ||
        !newest_of(run, scene, SEEP_METRIC_COMMIT_BYTES, &scene->commit_now))
        return false;
    if (!(scene->commit_limit > 0)) {
        size_t m = scene->machine.v;
        scene->commit_limit = m && m <= run->data->n_machines
                                  ? (double)run->data->machines[m - 1].commit_limit_bytes
                                  : 0;
    }
    find_vm_limits(run->data, scene);
    return true;
}

struct life_reader {
    struct run *run;
    const struct seep_scene *scene;
};

static bool grid_of_life(void *ctx, const struct seep_judged *judged, struct seep_grid *grid)
{
    struct life_reader *reader = ctx;
    const struct seep_scene *scene = reader->scene;
    const struct seep_clock *clock = seep_clock_of(scene, judged->series);
    const struct seep_track *track = track_of(reader->run, judged->series);
    if (!track)
        return false;
    if (!seep_track_grid(track, judged->last_ns, clock->tick_ns, seep_clock_silences(clock), grid))
        grid->n = 0;
    return true;
}

// The counts of a tag tell growth by load from growth by a leak where its curve does not.
static void ask_for_load(const struct seep_scene *scene, struct seep_judged *judged)
{
    const char *tag = scene->data->series[judged->series].series.subject.name;
    double use, allocs;
    if (judged->kind != SEEP_SUBJECT_POOL_TAG || judged->verdict < SEEP_VERDICT_SUSPECT ||
        !scene->looks)
        return;
    const struct seep_tag_looks *looks = seep_looks_find(scene->looks, tag);
    bool paged = judged->metric == SEEP_METRIC_PAGED_POOL_BYTES;
    if (!looks || !looks->in[paged].known ||
        !seep_tag_halves(scene->looks, &looks->in[paged], &use, &allocs))
        return;
    judged->verdict = seep_verdict_of_load(judged->verdict, judged->shape.span_s, use, allocs,
                                           seep_freed_share(&looks->in[paged]));
    judged->loaded = judged->verdict < SEEP_VERDICT_SUSPECT;
}

static bool judge_machine(struct run *run, struct seep_scene *scene)
{
    run->constant.known = false;
    survey(run, scene);
    if (scene->end_ns < scene->start_ns)
        return true;
    if (!find_silences(run, scene))
        return false;
    run->start_ns = earlier(run->start_ns, scene->start_ns);
    run->end_ns = later(run->end_ns, scene->end_ns);
    for (size_t i = run->first[scene->machine.v]; i < run->data->n_series; i = run->next[i]) {
        const struct seep_dataset_series *s = &run->data->series[i];
        int64_t first, last;
        if (!clip(run, s, &first, &last) ||
            !judged_metric(s->series.metric, s->series.subject.kind))
            continue;
        if (seep_cancelled(run->control))
            return seep_fail(run->err, SEEP_NO_OFFSET, NULL, "stopped");
        if (!measure(run, scene, i))
            return false;
        seep_progress(run->control, ++run->done, run->total);
    }
    if (!find_limits(run, scene))
        return false;
    struct life_reader reader = { run, scene };
    if (!seep_join_lives(scene, &(struct seep_life_grids){ grid_of_life, &reader }) ||
        !seep_adjust_machine(scene) || (run->baselines && !seep_baselines_adjust(scene)))
        return seep_fail_memory(run->err);
    seep_scene_sum(scene);
    size_t n_tested = 0;
    for (size_t i = 0; i < scene->n_judged; i++)
        n_tested += scene->judged[i].shape.form != SEEP_FORM_SHORT;
    run->n_series += n_tested;
    for (size_t i = 0; i < scene->n_judged; i++) {
        struct seep_judged *j = &scene->judged[i];
        j->verdict = seep_verdict_of(j, scene->chosen_only);
        bool accused = j->verdict >= SEEP_VERDICT_SUSPECT;
        j->verdict = seep_verdict_beside(j, scene->chosen_only);
        run->n_expected += accused && j->verdict < SEEP_VERDICT_SUSPECT;
        ask_for_load(scene, j);
        // A process that lived for a moment is no finding where others could be judged.
        if (j->shape.form == SEEP_FORM_SHORT && n_tested)
            continue;
        struct seep_draft *draft = seep_finding_write(&run->drafts, scene, j);
        if (!draft)
            return seep_fail_memory(run->err);
        seep_baselines_write(run->baselines, &run->drafts, j, draft);
    }
    seep_relate(&run->drafts, scene);
    seep_write_lives(&run->drafts, scene);
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->finding && j->verdict != SEEP_VERDICT_STEADY)
            seep_finding_next(&run->drafts, &run->drafts.at[j->finding - 1]);
    }
    return true;
}

// By what two findings about the same thing are brought together.
static int by_subject(const void *a, const void *b)
{
    const struct seep_draft *x = *(struct seep_draft *const *)a,
                            *y = *(struct seep_draft *const *)b;
    int order = strcmp(x->finding.id, y->finding.id);
    if (order)
        return order;
    if (x->finding.start_ns != y->finding.start_ns)
        return x->finding.start_ns < y->finding.start_ns ? -1 : 1;
    if (x->finding.verdict != y->finding.verdict)
        return x->finding.verdict > y->finding.verdict ? -1 : 1;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return (x > y) - (x < y);
}

// Starts of one process: a log may know it to the second only, or not at all.
static bool same_start(int64_t a, int64_t b)
{
    if (a == SEEP_NO_TIME || b == SEEP_NO_TIME)
        return true;
    return (a > b ? (double)a - (double)b : (double)b - (double)a) < 2e9;
}

// Folds findings with the same subject and class, and makes the ids of what remains unique.
static bool settle(struct run *run)
{
    struct seep_drafts *drafts = &run->drafts;
    struct seep_draft **order = seep_alloc(drafts->count + 1, sizeof(struct seep_draft *));
    if (!order)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < drafts->count; i++) {
        struct seep_draft *d = &drafts->at[i];
        if (d->dropped)
            continue;
        d->finding.id = seep_finding_id(drafts, run->data, &d->finding);
        order[n++] = d;
    }
    qsort(order, n, sizeof(struct seep_draft *), by_subject);
    for (size_t i = 0; i < n;) {
        size_t same = i + 1;
        struct seep_draft *keep = order[i];
        for (; same < n && strcmp(keep->finding.id, order[same]->finding.id) == 0 &&
               same_start(keep->finding.start_ns, order[same]->finding.start_ns);
             same++) {
            struct seep_draft *other = order[same];
            if (other->finding.verdict > keep->finding.verdict) {
                struct seep_draft *swap = keep;
                keep = other;
                other = swap;
            }
            if (keep->finding.start_ns == SEEP_NO_TIME)
                keep->finding.start_ns = other->finding.start_ns;
            if (other->finding.verdict >= SEEP_VERDICT_SUSPECT)
                seep_fold(drafts, keep, other);
            other->dropped = true;
        }
        i = same;
    }
    // A PID that was used twice: the start tells the two apart.
    const char *before = NULL;
    for (size_t i = 0; i < n; i++) {
        struct seep_finding *f = &order[i]->finding;
        if (order[i]->dropped)
            continue;
        const char *id = f->id;
        if (before && strcmp(before, id) == 0) {
            char text[SEEP_TIME_TEXT] = "unknown";
            if (f->start_ns != SEEP_NO_TIME)
                seep_time_format(f->start_ns, text);
            f->id = seep_say(drafts, "%s/%s", id, text);
        }
        before = id;
    }
    seep_free(order);
    return true;
}

static int by_gravity(const void *a, const void *b)
{
    const struct seep_finding *x = a, *y = b;
    if (x->verdict != y->verdict)
        return x->verdict > y->verdict ? -1 : 1;
    double sx = seep_unknown(x->share) ? -1 : x->share, sy = seep_unknown(y->share) ? -1 : y->share;
    if (sx != sy)
        return sx > sy ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int by_cluster(const void *a, const void *b)
{
    const struct seep_pool_cluster *x = a, *y = b;
    if (x->verdict != y->verdict)
        return x->verdict > y->verdict ? -1 : 1;
    return strcmp(x->finding, y->finding);
}

static bool hand_over_clusters(const struct seep_drafts *drafts, struct seep_judgement *out)
{
    struct seep_pool_cluster *all =
        seep_arena_alloc(drafts->arena, drafts->n_clusters + 1, sizeof *all);
    if (!all)
        return false;
    for (size_t i = 0; i < drafts->n_clusters; i++) {
        const struct seep_draft_cluster *c = &drafts->clusters[i];
        const struct seep_draft *d = &drafts->at[c->draft - 1];
        if (d->dropped)
            continue;
        all[out->n_clusters++] = (struct seep_pool_cluster){ .machine = d->finding.machine,
                                                             .source = c->members[0].tag,
                                                             .members = c->members,
                                                             .n_members = c->n_members,
                                                             .verdict = d->finding.verdict,
                                                             .finding = d->finding.id };
    }
    if (out->n_clusters)
        qsort(all, out->n_clusters, sizeof *all, by_cluster);
    out->clusters = all;
    return true;
}

static bool hand_over(struct run *run, struct seep_judgement *out)
{
    struct seep_drafts *drafts = &run->drafts;
    out->findings = seep_arena_alloc(drafts->arena, drafts->count + 1, sizeof *out->findings);
    if (!out->findings)
        return false;
    for (size_t i = 0; i < drafts->count; i++) {
        struct seep_draft *d = &drafts->at[i];
        if (d->dropped)
            continue;
        d->finding.evidence = d->evidence;
        d->finding.n_evidence = d->n_evidence;
        d->finding.caveats = d->caveats;
        d->finding.n_caveats = d->n_caveats;
        d->finding.next = d->next;
        d->finding.n_next = d->n_next;
        out->findings[out->n_findings++] = d->finding;
    }
    qsort(out->findings, out->n_findings, sizeof *out->findings, by_gravity);
    if (!hand_over_clusters(drafts, out))
        return false;
    out->verdict = out->n_findings ? out->findings[0].verdict : SEEP_VERDICT_UNKNOWN;
    if (run->n_series == 0 && out->verdict == SEEP_VERDICT_STEADY)
        out->verdict = SEEP_VERDICT_UNKNOWN;
    out->n_series = run->n_series;
    out->n_expected = run->n_expected;
    bool observed = run->start_ns <= run->end_ns;
    out->start_ns = observed ? run->start_ns : SEEP_NO_TIME;
    out->end_ns = observed ? run->end_ns : SEEP_NO_TIME;
    return !drafts->failed;
}

static bool has_loss(const struct seep_dataset *data, const char *what)
{
    for (size_t i = 0; i < data->n_sources; i++) {
        for (size_t l = 0; l < data->sources[i].n_losses; l++) {
            if (strcmp(data->sources[i].losses[l].what, what) == 0)
                return true;
        }
    }
    return false;
}

static bool sort_by_machine(struct run *run)
{
    const struct seep_dataset *data = run->data;
    run->first = seep_alloc(data->n_machines + 1, sizeof *run->first);
    run->next = seep_alloc(data->n_series + 1, sizeof *run->next);
    if (!run->first || !run->next)
        return false;
    for (size_t m = 0; m <= data->n_machines; m++)
        run->first[m] = data->n_series;
    for (size_t i = data->n_series; i-- > 0;) {
        size_t m = data->series[i].series.subject.machine.v;
        if (m > data->n_machines)
            continue;
        run->next[i] = run->first[m];
        run->first[m] = i;
    }
    return true;
}

static bool judge(struct run *run, struct seep_judgement *out)
{
    const struct seep_dataset *data = run->data;
    if (!seep_sites_open(data, &run->sites) || !sort_by_machine(run))
        return seep_fail_memory(run->err);
    run->lives = seep_alloc(data->n_processes + 1, sizeof *run->lives);
    if (!run->lives)
        return seep_fail_memory(run->err);
    for (size_t i = 0; i < data->n_processes; i++)
        run->lives[i] = (struct span){ INT64_MAX, INT64_MIN };
    // Machine 0 holds what no machine was named for.
    for (uint32_t m = 0; m <= data->n_machines; m++) {
        struct seep_scene scene = { .data = data,
                                    .machine = { m },
                                    .chosen_only = has_loss(data, "processes-chosen") };
        seep_looks_clear(&run->looks);
        if (!seep_looks_read(data, scene.machine, run->options, &run->looks))
            return seep_fail_memory(run->err);
        scene.looks = run->looks.n_looks ? &run->looks : NULL;
        bool done = judge_machine(run, &scene);
        seep_free(scene.judged);
        if (!done)
            return false;
        seep_pools_judge(&run->drafts, data, scene.machine, &run->looks);
    }
    if (!seep_events_judge(&run->drafts, data, run->options))
        return seep_fail_memory(run->err);
    if (!seep_snapshots_judge(&run->drafts, data, run->options, run->err))
        return false;
    if (!seep_zombies_judge(&run->drafts, data, run->options) ||
        !seep_memory_judge(&run->drafts, data, run->options))
        return seep_fail_memory(run->err);
    if (!settle(run) || !hand_over(run, out) || run->drafts.failed)
        return seep_fail_memory(run->err);
    return true;
}

bool seep_judge(const struct seep_dataset *data, const struct seep_tracks *tracks,
                const struct seep_detect_options *options, const struct seep_control *control,
                struct seep_judgement *judgement, struct seep_err *err)
{
    struct seep_judgement out = { 0 };
    struct run run = { .data = data,
                       .tracks = tracks,
                       .options = options,
                       .control = control,
                       .err = err,
                       .drafts = { .arena = &out.arena },
                       .total = data->n_series,
                       .start_ns = INT64_MAX,
                       .end_ns = INT64_MIN };
    bool done = seep_baselines_open(data, options, &run.baselines, err) && judge(&run, &out);
    seep_baselines_close(run.baselines);
    seep_sites_close(&run.sites);
    seep_looks_clear(&run.looks);
    seep_free(run.drafts.clusters);
    seep_points_clear(&run.points);
    seep_track_clear(&run.track);
    seep_free(run.drafts.at);
    seep_free(run.lives);
    seep_free(run.first);
    seep_free(run.next);
    if (done)
        *judgement = out;
    else
        seep_arena_clear(&out.arena);
    return done;
}

bool seep_detect(const struct seep_dataset *data, const struct seep_detect_options *options,
                 const struct seep_control *control, struct seep_judgement *judgement,
                 struct seep_err *err)
{
    return seep_judge(data, NULL, options, control, judgement, err);
}

void seep_judgement_clear(struct seep_judgement *judgement)
{
    seep_arena_clear(&judgement->arena);
    *judgement = (struct seep_judgement){ 0 };
}
