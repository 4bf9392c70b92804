// SPDX-License-Identifier: MIT
// Allocation sites: what a series of one says beyond its numbers.
#include "detect/judge.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"

#include <math.h>
#include <string.h>

// The share of a process's growth from which one stack explains it.
#define EXPLAINS 0.5

// Losses that leave frees out, so that what was freed looks outstanding.
static bool loses_frees(const struct seep_loss *loss)
{
    static const char *const names[] = { "lost-events",     "lost-buffers", "lossy-buffers",
                                         "bad-compression", "bad-buffer",   "bad-record",
                                         "bad-event" };
    for (size_t i = 0; loss->what && i < sizeof names / sizeof *names; i++) {
        if (strcmp(loss->what, names[i]) == 0)
            return true;
    }
    return false;
}

static bool put(struct seep_sites *sites, const struct seep_dataset *data, size_t index)
{
    const struct seep_site *s = &data->sites[index].site;
    struct seep_buf key = { 0 };
    seep_buf_add(&key, &s->process.v, sizeof s->process.v);
    seep_buf_adds(&key, s->name);
    uint32_t id = key.failed ? 0 : seep_intern(&sites->keys, key.data, key.len);
    seep_buf_clear(&key);
    if (!id || !seep_grow(&sites->at, &sites->capacity, id, sizeof *sites->at))
        return false;
    sites->at[id - 1] = index; // of several files the newest
    return true;
}

bool seep_sites_open(const struct seep_dataset *data, struct seep_sites *sites)
{
    bool ok = true;
    for (size_t i = 0; ok && i < data->n_sites; i++)
        ok = !data->sites[i].site.name || put(sites, data, i);
    return ok;
}

void seep_sites_close(struct seep_sites *sites)
{
    seep_intern_clear(&sites->keys);
    seep_free(sites->at);
    *sites = (struct seep_sites){ .capacity = 0 };
}

bool seep_sites_find(const struct seep_sites *sites, const struct seep_dataset *data,
                     struct seep_judged *judged)
{
    const struct seep_subject *subject = &data->series[judged->series].series.subject;
    struct seep_buf key = { 0 };
    if (judged->kind != SEEP_SUBJECT_SITE)
        return true;
    seep_buf_add(&key, &subject->process.v, sizeof subject->process.v);
    seep_buf_adds(&key, subject->name ? subject->name : "");
    bool ok = !key.failed;
    uint32_t id = ok ? seep_intern_find(&sites->keys, key.data, key.len) : 0;
    seep_buf_clear(&key);
    if (!id)
        return ok;
    const struct seep_dataset_site *site = &data->sites[sites->at[id - 1]];
    judged->site = sites->at[id - 1] + 1;
    judged->site_kind = site->site.kind;
    judged->paged = site->site.paged;
    judged->dead = site->site.dead_count > 0;
    if (site->source.v && site->source.v <= data->n_sources) {
        const struct seep_dataset_source *source = &data->sources[site->source.v - 1];
        for (size_t i = 0; i < source->n_losses; i++)
            judged->lossy = judged->lossy || loses_frees(&source->losses[i]);
    }
    return ok;
}

enum seep_class seep_class_of_site(const struct seep_judged *judged)
{
    switch (judged->site_kind) {
    case SEEP_SITE_HEAP:
        return SEEP_CLASS_HEAP;
    case SEEP_SITE_VIRTUAL:
        return SEEP_CLASS_PRIVATE_DATA;
    case SEEP_SITE_POOL:
        return judged->paged ? SEEP_CLASS_PAGED_POOL : SEEP_CLASS_NONPAGED_POOL;
    case SEEP_SITE_REFERENCE:
        return judged->dead ? SEEP_CLASS_PROCESS_ZOMBIES : SEEP_CLASS_HANDLES;
    default:
        return SEEP_CLASS_HANDLES;
    }
}

double seep_share_of_site(const struct seep_scene *scene, const struct seep_judged *judged)
{
    double all = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->kind == SEEP_SUBJECT_SITE && j->site_kind == judged->site_kind)
            all += fmax(j->delta, 0);
    }
    return all > 0 && judged->delta > 0 ? judged->delta / all : NAN;
}

static const char *what_it_is(struct seep_drafts *drafts, const struct seep_site *site)
{
    const char *tag = site->tag ? site->tag : "?";
    switch (site->kind) {
    case SEEP_SITE_VIRTUAL:
        return "virtual memory";
    case SEEP_SITE_POOL:
        return seep_say(drafts, "%s pool, tag %s", site->paged ? "paged" : "nonpaged", tag);
    case SEEP_SITE_HANDLE:
        return seep_say(drafts, "handles of type %s", tag);
    case SEEP_SITE_REFERENCE:
        return seep_say(drafts, "references with tag %s", tag);
    default:
        return seep_say(drafts, "heap 0x%llx", (unsigned long long)site->heap);
    }
}

void seep_site_write(struct seep_drafts *drafts, const struct seep_scene *scene,
                     const struct seep_judged *judged, struct seep_draft *draft)
{
    const struct seep_dataset *data = scene->data;
    struct seep_finding *f = &draft->finding;
    if (judged->process) {
        const struct seep_process *p = &data->processes[judged->process - 1];
        f->process = p->image ? seep_say(drafts, "%s", p->image) : NULL;
    }
    f->site_name = f->name;
    if (!judged->site)
        return;
    const struct seep_dataset_site *row = &data->sites[judged->site - 1];
    const struct seep_site *site = &row->site;
    struct seep_buf function = { 0 }, stack = { 0 };
    f->site = judged->site;
    if (site->kind == SEEP_SITE_POOL && site->tag)
        f->tag = seep_say(drafts, "%s", site->tag);
    bool told = data->blame && f->verdict >= SEEP_VERDICT_SUSPECT &&
                data->blame(data->blame_ctx, judged->site - 1, &function, &stack);
    if (told && function.len)
        f->name = seep_say(drafts, "%s", seep_buf_text(&function));
    if (f->verdict >= SEEP_VERDICT_SUSPECT) {
        seep_draft_evidence(drafts, draft,
                            seep_say(drafts, "%s: %llu allocated, %llu freed, %s outstanding",
                                     what_it_is(drafts, site), (unsigned long long)site->allocs,
                                     (unsigned long long)site->frees,
                                     seep_say_amount(drafts, judged->metric, judged->newest)),
                            row->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
        if (told && stack.len)
            seep_draft_evidence(drafts, draft, seep_say(drafts, "stack: %s", seep_buf_text(&stack)),
                                row->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
        if (judged->lossy)
            seep_draft_caveat(drafts, draft,
                              "the trace lost events: what was freed unseen looks outstanding");
        seep_draft_next(
            drafts, draft,
            seep_say(drafts, "seep stacks %s --blame", seep_source_word(data, row->source)));
    }
    seep_buf_clear(&function);
    seep_buf_clear(&stack);
}

// Whether what a site holds is part of what a series of its process, or of its tag, shows.
static bool is_part_of(const struct seep_dataset *data, const struct seep_judged *site,
                       const struct seep_judged *whole)
{
    if (whole->kind == SEEP_SUBJECT_SITE)
        // Heaps take their memory as virtual memory.
        return site->site_kind == SEEP_SITE_HEAP && whole->site_kind == SEEP_SITE_VIRTUAL &&
               whole->process && whole->process == site->process;
    if (whole->kind == SEEP_SUBJECT_POOL_TAG) {
        const char *tag = data->series[whole->series].series.subject.name;
        const char *own = data->sites[site->site - 1].site.tag;
        return site->site_kind == SEEP_SITE_POOL && tag && own && strcmp(tag, own) == 0 &&
               (whole->metric == SEEP_METRIC_PAGED_POOL_BYTES) == site->paged;
    }
    if (whole->kind != SEEP_SUBJECT_PROCESS || !whole->process || whole->process != site->process)
        return false;
    switch (site->site_kind) {
    case SEEP_SITE_HEAP:
    case SEEP_SITE_VIRTUAL:
        return whole->metric == SEEP_METRIC_PRIVATE_BYTES ||
               whole->metric == SEEP_METRIC_VIRTUAL_BYTES;
    case SEEP_SITE_HANDLE:
        return whole->metric == SEEP_METRIC_HANDLES;
    default:
        return false;
    }
}

const struct seep_judged *seep_site_behind(const struct seep_scene *scene,
                                           const struct seep_judged *whole)
{
    const struct seep_judged *worst = NULL;
    double grown = 0;
    for (size_t i = 0; i < scene->n_judged; i++) {
        const struct seep_judged *j = &scene->judged[i];
        if (j->kind != SEEP_SUBJECT_SITE || !j->site || j == whole ||
            j->verdict < SEEP_VERDICT_SUSPECT || !is_part_of(scene->data, j, whole))
            continue;
        grown += fmax(j->delta, 0);
        if (!worst || j->delta > worst->delta)
            worst = j;
    }
    return grown >= EXPLAINS * whole->delta ? worst : NULL;
}
