// SPDX-License-Identifier: MIT
// How the sites of a profile grew: its rows as a dataset, judged as every series is.
#include "report/stacks.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>

// Rows that are judged: those that hold most, as many as a source gives series of.
enum { MAX_JUDGED = 2000, NAME_BYTES = 24 };

struct dataset {
    struct seep_stacks_doc *doc;
    struct seep_dataset data;
    struct seep_process *processes;
    struct seep_dataset_series *series;
    struct seep_dataset_site *sites;
    size_t *rows; // of the document, by index of the series
};

static bool points_of(void *ctx, size_t index, struct seep_points *points, struct seep_err *err)
{
    struct dataset *d = ctx;
    return seep_profile_points(d->doc->profile, d->doc->rows[d->rows[index]].row, points) ||
           seep_fail_memory(err);
}

static bool add_series(struct dataset *d, size_t row, struct seep_points *points)
{
    struct seep_stacks_doc *doc = d->doc;
    const struct seep_stacks_row *r = &doc->rows[row];
    size_t n = d->data.n_series;
    if (!seep_profile_points(doc->profile, r->row, points))
        return false;
    if (points->count < 2)
        return true;
    char *name = seep_arena_alloc(&doc->arena, NAME_BYTES, 1);
    if (!name)
        return false;
    (void)snprintf(name, NAME_BYTES, "%zu", row);
    uint32_t moment = doc->profile->processes[r->process - 1].moment;
    d->series[n] = (struct seep_dataset_series){
        .series = { .subject = { .kind = SEEP_SUBJECT_SITE,
                                 .process = { r->process },
                                 .name = name },
                    .metric = seep_profile_metric(r->site.kind) },
        .source = { doc->profile->moments[moment].source + 1 },
        .n_points = points->count,
        .first_ns = points->at[0].t_ns,
        .last_ns = points->at[points->count - 1].t_ns,
    };
    d->sites[n] = (struct seep_dataset_site){ .site = r->site, .source = d->series[n].source };
    d->sites[n].site.name = name;
    d->rows[n] = row;
    d->data.n_series = d->data.n_sites = n + 1;
    return true;
}

static void take_findings(struct dataset *d, const struct seep_judgement *judgement)
{
    for (size_t i = 0; i < judgement->n_findings; i++) {
        const struct seep_finding *f = &judgement->findings[i];
        if (!f->site || f->site > d->data.n_sites)
            continue;
        struct seep_stacks_row *row = &d->doc->rows[d->rows[f->site - 1]];
        row->judged = true;
        row->verdict = f->verdict;
        row->rate = f->rate;
        if (f->verdict > d->doc->verdict)
            d->doc->verdict = f->verdict;
    }
}

bool seep_stacks_judge(struct seep_stacks_doc *doc, struct seep_err *err)
{
    const struct seep_profile *p = doc->profile;
    size_t n = doc->n_rows < MAX_JUDGED ? doc->n_rows : MAX_JUDGED;
    struct dataset d = { .doc = doc };
    struct seep_points points = { 0 };
    struct seep_judgement judgement = { .n_findings = 0 };
    struct seep_detect_options options = { .since_ns = SEEP_NO_TIME, .until_ns = SEEP_NO_TIME };
    d.processes = seep_alloc(p->n_processes + 1, sizeof *d.processes);
    d.series = seep_alloc(n + 1, sizeof *d.series);
    d.sites = seep_alloc(n + 1, sizeof *d.sites);
    d.rows = seep_alloc(n + 1, sizeof *d.rows);
    bool ok = d.processes && d.series && d.sites && d.rows;
    doc->verdict = SEEP_VERDICT_UNKNOWN;
    for (size_t i = 0; ok && i < p->n_processes; i++) {
        d.processes[i] = p->processes[i].process;
        d.processes[i].machine.v = 0;
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = add_series(&d, i, &points);
    if (!ok)
        (void)seep_fail_memory(err);
    d.data.sources = doc->sources;
    d.data.n_sources = doc->n_sources;
    d.data.processes = d.processes;
    d.data.n_processes = p->n_processes;
    d.data.series = d.series;
    d.data.sites = d.sites;
    d.data.points = points_of;
    d.data.ctx = &d;
    if (ok && d.data.n_series) {
        ok = seep_detect(&d.data, &options, NULL, &judgement, err);
        if (ok) {
            doc->verdict = SEEP_VERDICT_STEADY;
            take_findings(&d, &judgement);
            seep_judgement_clear(&judgement);
        }
    }
    seep_points_clear(&points);
    seep_free(d.processes);
    seep_free(d.series);
    seep_free(d.sites);
    seep_free(d.rows);
    return ok;
}
