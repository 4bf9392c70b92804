// SPDX-License-Identifier: MIT
// Findings about pool tags say which call stack took most of the tag, where a trace of the same
// case saw it.
#include "base/time.h"
#include "report/pool.h"

#include <inttypes.h>
#include <string.h>

static bool is_of(const struct seep_finding *f, const struct seep_site *site)
{
    enum seep_class other = site->paged ? SEEP_CLASS_NONPAGED_POOL : SEEP_CLASS_PAGED_POOL;
    enum seep_metric not_of =
        site->paged ? SEEP_METRIC_NONPAGED_POOL_BYTES : SEEP_METRIC_PAGED_POOL_BYTES;
    return site->kind == SEEP_SITE_POOL && site->tag && strcmp(site->tag, f->tag) == 0 &&
           f->class_ != other && f->metric != not_of;
}

// The site that holds most of what the finding is about; n_sites where no trace saw any.
static size_t heaviest(const struct seep_dataset *data, const struct seep_finding *f)
{
    size_t best = data->n_sites;
    for (size_t i = 0; i < data->n_sites; i++) {
        const struct seep_site *site = &data->sites[i].site;
        if (is_of(f, site) && site->outstanding_bytes &&
            (best == data->n_sites ||
             site->outstanding_bytes > data->sites[best].site.outstanding_bytes))
            best = i;
    }
    return best;
}

static bool names_a_stack(const struct seep_finding *f)
{
    bool is = f->site != 0;
    for (size_t i = 0; i < f->n_evidence; i++)
        is = is || strncmp(f->evidence[i].text, "stack: ", 7) == 0;
    return is;
}

static const char *keep(struct seep_judgement *judgement, struct seep_buf *text)
{
    const char *kept =
        text->failed ? NULL : seep_arena_strndup(&judgement->arena, seep_buf_text(text), text->len);
    seep_buf_clear(text);
    return kept;
}

static bool add_site(const struct seep_dataset *data, struct seep_judgement *judgement,
                     struct seep_finding *f, size_t index)
{
    const struct seep_dataset_site *row = &data->sites[index];
    const struct seep_site *site = &row->site;
    struct seep_buf function = { 0 }, stack = { 0 }, text = { 0 };
    char bytes[SEEP_HUMAN_TEXT];
    struct seep_evidence *evidence =
        seep_arena_alloc(&judgement->arena, f->n_evidence + 2, sizeof *evidence);
    bool named = data->blame(data->blame_ctx, index, &function, &stack) && stack.len;
    bool ok = evidence != NULL;
    if (ok && named) {
        seep_human_bytes((double)site->outstanding_bytes, bytes);
        seep_buf_addf(&text,
                      "most of what a trace saw of tag %s comes from %s: %s in %" PRIu64
                      " blocks, %" PRIu64 " of %" PRIu64 " allocations freed",
                      f->tag, seep_buf_text(&function), bytes, site->outstanding_count, site->frees,
                      site->allocs);
        seep_buf_clear(&function);
        seep_buf_addf(&function, "stack: %s", seep_buf_text(&stack));
        if (f->n_evidence)
            memcpy(evidence, f->evidence, f->n_evidence * sizeof *evidence);
        for (size_t i = 0; ok && i < 2; i++) {
            const char *kept = keep(judgement, i ? &function : &text);
            evidence[f->n_evidence + i] =
                (struct seep_evidence){ kept, row->source, SEEP_NO_OFFSET, SEEP_NO_TIME };
            ok = kept != NULL;
        }
        f->evidence = ok ? evidence : f->evidence;
        f->n_evidence += ok ? 2 : 0;
    }
    seep_buf_clear(&function);
    seep_buf_clear(&stack);
    seep_buf_clear(&text);
    return ok;
}

bool seep_pool_name_sites(const struct seep_dataset *data, struct seep_judgement *judgement)
{
    bool ok = true;
    for (size_t i = 0; ok && data->blame && i < judgement->n_findings; i++) {
        struct seep_finding *f = &judgement->findings[i];
        if (f->verdict < SEEP_VERDICT_SUSPECT || !f->tag || !seep_pool_concerns(f) ||
            names_a_stack(f))
            continue;
        size_t site = heaviest(data, f);
        ok = site == data->n_sites || add_site(data, judgement, f, site);
    }
    return ok;
}
