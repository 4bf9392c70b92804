// SPDX-License-Identifier: MIT
// The machine around a labelled series, in the three forms in which seep can be given it.
#include "scene.h"

#include "base/alloc.h"
#include "base/time.h"
#include "case/case.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "SRV01"
#define COMMIT_OF_OTHERS 3.5e9

static const char *counter_of(enum seep_metric metric)
{
    return metric == SEEP_METRIC_HANDLES   ? "Handle Count"
           : metric == SEEP_METRIC_THREADS ? "Thread Count"
                                           : "Private Bytes";
}

// Healthy neighbours: what they show at one look depends on nothing but their number and the look.
struct companion {
    uint32_t pid;
    enum seep_metric metric;
    char image[24], instance[20];
    struct gen_random random;
    double slow;
};

static void companion_begin(struct companion *p, const struct oc_case *c, unsigned k)
{
    static const enum seep_metric metrics[] = { SEEP_METRIC_HANDLES, SEEP_METRIC_PRIVATE_BYTES,
                                                SEEP_METRIC_PRIVATE_BYTES, SEEP_METRIC_THREADS };
    *p = (struct companion){ .pid = 600 + 4 * k,
                             .metric = metrics[k % 4],
                             .random = { c->seed * 1000003 + k * 7919 + 5 } };
    (void)snprintf(p->instance, sizeof p->instance, "svc%u", k);
    (void)snprintf(p->image, sizeof p->image, "svc%u.exe", k);
}

static double companion_next(struct companion *p)
{
    switch (p->metric) {
    case SEEP_METRIC_HANDLES:
        return 400 + floor(6 * gen_uniform(&p->random));
    case SEEP_METRIC_THREADS:
        return 12;
    default:
        p->slow = 0.8 * p->slow + 0.6 * gen_normal(&p->random);
        return floor((2e8 + 1e6 * p->slow) / 4096) * 4096;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct seep_point *x = a, *y = b;
    return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

static void sort_looks(struct seep_points *points)
{
    size_t n = 0;
    for (size_t i = 1; i < points->count; i++) {
        if (points->at[i].t_ns < points->at[i - 1].t_ns) {
            qsort(points->at, points->count, sizeof *points->at, by_time);
            break;
        }
    }
    for (size_t i = 0; i < points->count; i++) {
        if (n == 0 || points->at[i].t_ns != points->at[n - 1].t_ns)
            points->at[n++] = points->at[i];
    }
    points->count = n;
}

static void add(struct seep_points *points, int64_t t_ns, double value)
{
    if (!seep_points_add(points, t_ns, value))
        abort();
}

void oc_sorted_looks(const struct oc_case *c, struct seep_points *points)
{
    points->count = 0;
    for (size_t i = 0; i < c->looks.count; i++)
        add(points, c->looks.at[i].t_ns, c->looks.at[i].value);
    sort_looks(points);
}

void oc_scene_to_dataset(const struct oc_scene *scene, struct gen_data *gen)
{
    const struct oc_case *c = scene->c;
    const struct seep_process_id nobody = { 0 };
    struct seep_machine_id m = gen_machine(gen, HOST);
    for (size_t l = 0; l < c->n_lives; l++) {
        struct seep_process_id p =
            gen_process(gen, m, c->lives[l].image, c->lives[l].pid, c->lives[l].start_ns);
        gen->processes[p.v - 1].end_ns = c->lives[l].end_ns;
        size_t at = gen_add(gen, m, SEEP_SUBJECT_PROCESS, p, NULL, c->metric);
        struct seep_points *points = gen_points(gen, at);
        for (size_t i = 0; i < c->looks.count; i++) {
            if (c->life[i] == l)
                add(points, c->looks.at[i].t_ns, c->looks.at[i].value);
        }
        sort_looks(points);
    }
    for (unsigned k = 0; k < scene->companions; k++) {
        struct companion n;
        companion_begin(&n, c, k);
        struct seep_process_id p = gen_process(gen, m, n.image, n.pid, OC_START_NS - 1);
        size_t at = gen_add(gen, m, SEEP_SUBJECT_PROCESS, p, NULL, n.metric);
        struct seep_points *points = gen_points(gen, at);
        for (size_t i = 0; i < c->looks.count; i++)
            add(points, c->looks.at[i].t_ns, companion_next(&n));
        sort_looks(points);
    }
    if (!scene->commit)
        return;
    size_t commit = gen_add(gen, m, SEEP_SUBJECT_MACHINE, nobody, NULL, SEEP_METRIC_COMMIT_BYTES);
    for (size_t i = 0; i < c->looks.count; i++)
        add(gen_points(gen, commit), c->looks.at[i].t_ns, COMMIT_OF_OTHERS + c->looks.at[i].value);
    sort_looks(gen_points(gen, commit));
    gen->machines[m.v - 1].commit_limit_bytes = (uint64_t)(COMMIT_OF_OTHERS + c->limit);
}

static const char *instance_of(const char *image, char text[24])
{
    (void)snprintf(text, 24, "%.*s", (int)strcspn(image, "."), image);
    return text;
}

// Images of the lives, each once: columns of a log.
static size_t columns_of(const struct oc_case *c, const char *images[OC_MAX_LIVES])
{
    size_t n = 0;
    for (size_t l = 0; l < c->n_lives; l++) {
        size_t k = 0;
        while (k < n && strcmp(images[k], c->lives[l].image) != 0)
            k++;
        if (k == n)
            images[n++] = c->lives[l].image;
    }
    return n;
}

static void write_process_columns(FILE *f, const char *instance, enum seep_metric metric)
{
    (void)fprintf(f,
                  ",\"\\\\" HOST "\\Process(%s)\\ID Process\",\"\\\\" HOST
                  "\\Process(%s)\\Elapsed Time\",\"\\\\" HOST "\\Process(%s)\\%s\"",
                  instance, instance, instance, counter_of(metric));
}

static void write_process_cells(FILE *f, uint32_t pid, int64_t age_ns, double value)
{
    (void)fprintf(f, ",\"%u\",\"%.7f\",\"%.0f\"", pid, (double)age_ns / 1e9, value);
}

static void write_time(FILE *f, int64_t t_ns)
{
    char t[SEEP_TIME_TEXT];
    seep_time_format(t_ns, t); // 2026-03-01T12:00:00.000000000Z
    (void)fprintf(f, "\r\n\"%.2s/%.2s/%.4s %.8s.%.3s\"", t + 5, t + 8, t, t + 11, t + 20);
}

bool oc_scene_to_pdh_csv(const struct oc_scene *scene, const char *path)
{
    const struct oc_case *c = scene->c;
    const char *images[OC_MAX_LIVES];
    struct companion companions[OC_MAX_COMPANIONS];
    size_t n_columns = columns_of(c, images);
    char text[24];
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    (void)fprintf(f, "\"(PDH-CSV 4.0) (Coordinated Universal Time)(0)\"");
    for (size_t k = 0; k < n_columns; k++)
        write_process_columns(f, instance_of(images[k], text), c->metric);
    for (unsigned k = 0; k < scene->companions; k++) {
        companion_begin(&companions[k], c, k);
        write_process_columns(f, companions[k].instance, companions[k].metric);
    }
    if (scene->commit)
        (void)fprintf(f, ",\"\\\\" HOST "\\Memory\\Committed Bytes\",\"\\\\" HOST
                         "\\Memory\\Commit Limit\"");
    for (size_t i = 0; i < c->looks.count; i++) {
        const struct oc_life *life = &c->lives[c->life[i]];
        const struct seep_point *look = &c->looks.at[i];
        write_time(f, look->t_ns);
        for (size_t k = 0; k < n_columns; k++) {
            if (strcmp(images[k], life->image) == 0)
                write_process_cells(f, life->pid, look->t_ns - life->start_ns, look->value);
            else
                (void)fprintf(f, ",\" \",\" \",\" \"");
        }
        for (unsigned k = 0; k < scene->companions; k++)
            write_process_cells(f, companions[k].pid, look->t_ns - OC_START_NS + 1,
                                companion_next(&companions[k]));
        if (scene->commit)
            (void)fprintf(f, ",\"%.0f\",\"%.0f\"", COMMIT_OF_OTHERS + look->value,
                          COMMIT_OF_OTHERS + c->limit);
    }
    (void)fprintf(f, "\r\n");
    bool good = !ferror(f);
    return fclose(f) == 0 && good;
}

static bool fill_case(const struct oc_scene *scene, struct seep_sink *sink)
{
    const struct oc_case *c = scene->c;
    struct seep_machine_id m;
    struct seep_series_id lives[OC_MAX_LIVES], others[OC_MAX_COMPANIONS], commit;
    struct companion companions[OC_MAX_COMPANIONS];
    struct seep_machine machine = { .host = HOST, .os = "Windows", .boot_ns = SEEP_NO_TIME };
    if (scene->commit)
        machine.commit_limit_bytes = (uint64_t)(COMMIT_OF_OTHERS + c->limit);
    if (!seep_sink_machine(sink, &machine, &m))
        return false;
    for (size_t l = 0; l < c->n_lives + scene->companions; l++) {
        bool own = l < c->n_lives;
        struct companion *n = own ? NULL : &companions[l - c->n_lives];
        if (n)
            companion_begin(n, c, (unsigned)(l - c->n_lives));
        struct seep_process_id p;
        struct seep_process process = { .machine = m,
                                        .pid = own ? c->lives[l].pid : n->pid,
                                        .has_pid = true,
                                        .start_ns = own ? c->lives[l].start_ns : OC_START_NS - 1,
                                        .end_ns = own ? c->lives[l].end_ns : SEEP_NO_TIME,
                                        .image = own ? c->lives[l].image : n->image };
        if (!seep_sink_process(sink, &process, &p))
            return false;
        struct seep_series series = { .subject = { SEEP_SUBJECT_PROCESS, m, p, NULL },
                                      .metric = own ? c->metric : n->metric,
                                      .counter = counter_of(own ? c->metric : n->metric) };
        if (!seep_sink_series(sink, &series, own ? &lives[l] : &others[l - c->n_lives]))
            return false;
    }
    struct seep_series total = { .subject = { .kind = SEEP_SUBJECT_MACHINE, .machine = m },
                                 .metric = SEEP_METRIC_COMMIT_BYTES,
                                 .counter = "Committed Bytes" };
    if (scene->commit && !seep_sink_series(sink, &total, &commit))
        return false;
    for (size_t i = 0; i < c->looks.count; i++) {
        double value = c->looks.at[i].value;
        if (!seep_sink_tick(sink, m, c->looks.at[i].t_ns) ||
            !seep_sink_sample(sink, lives[c->life[i]], value))
            return false;
        for (unsigned k = 0; k < scene->companions; k++) {
            if (!seep_sink_sample(sink, others[k], companion_next(&companions[k])))
                return false;
        }
        if (scene->commit && !seep_sink_sample(sink, commit, COMMIT_OF_OTHERS + value))
            return false;
    }
    return true;
}

bool oc_scene_to_case(const struct oc_scene *scene, const char *path)
{
    struct seep_err err = { 0 };
    struct seep_case *file = NULL;
    struct seep_sink *sink = NULL;
    if (!seep_case_open(path, SEEP_CASE_WRITE, &file, &err))
        return false;
    bool good =
        seep_case_begin_source(file, "generated", "pdh-csv", 0, SEEP_CASE_IMPORT, &sink, &err) &&
        fill_case(scene, sink) && seep_case_end_source(file, SEEP_OK, 0, &err);
    seep_case_close(file);
    return good;
}

struct oc_answer oc_answer_of(const struct seep_judgement *judgement)
{
    struct oc_answer answer = { .verdict = SEEP_VERDICT_STEADY };
    for (size_t i = 0; i < judgement->n_findings; i++) {
        const struct seep_finding *f = &judgement->findings[i];
        bool own = f->subject == SEEP_SUBJECT_PROCESS && f->has_pid && f->pid >= 4000 &&
                   f->pid < 4000 + 4 * OC_MAX_LIVES;
        // With nothing but the commit and this process, either names the leak; the process counts.
        if (own && (!answer.finding || f->verdict > answer.verdict)) {
            answer.verdict = f->verdict;
            answer.finding = f;
        } else if (!own) {
            answer.others_leaking += f->verdict == SEEP_VERDICT_LEAKING;
            answer.others_suspect += f->verdict == SEEP_VERDICT_SUSPECT;
        }
    }
    return answer;
}
