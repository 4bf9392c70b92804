// SPDX-License-Identifier: MIT
// `seep pool` for a person: PoolMon's columns, with the driver behind each tag.
#include "report/plain.h"
#include "report/pool.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// Tags of Windows have four characters; names of Linux's slab caches have more.
enum {
    TAG_WIDTH = 4,
    MAX_TAG_WIDTH = 24,
    DEFAULT_TOP = 20,
    DEFAULT_STACKS = 3,
    DRIVER_WIDTH = 16,
    DESCRIPTION_WIDTH = 60
};

struct text {
    const struct seep_pool *pool;
    struct seep_buf out;
    size_t top, stacks;
    int tag_width;
    bool judged; // a row that is shown has a verdict worth a column
};

static void add_pool(struct text *t, bool paged)
{
    seep_buf_adds(&t->out, paged ? "paged pool" : "nonpaged pool");
}

static void add_bytes(struct text *t, uint64_t bytes)
{
    char text[SEEP_HUMAN_TEXT] = "?";
    if (bytes != SEEP_UNKNOWN_COUNT)
        seep_human_bytes((double)bytes, text);
    seep_buf_adds(&t->out, text);
}

// "tag WCsc, paged pool: 123 MB in 503677 blocks, 503677 allocations, none freed"
static void add_gist(struct text *t, const struct seep_pool_row *row)
{
    seep_buf_adds(&t->out, "tag ");
    seep_plain_add(&t->out, row->tag, 0);
    seep_buf_adds(&t->out, ", ");
    add_pool(t, row->paged);
    seep_buf_adds(&t->out, ": ");
    add_bytes(t, row->bytes);
    if (row->diff != SEEP_UNKNOWN_COUNT)
        seep_buf_addf(&t->out, " in %" PRIu64 " block%s", row->diff, row->diff == 1 ? "" : "s");
    if (row->allocs != SEEP_UNKNOWN_COUNT && row->frees == 0)
        seep_buf_adds(&t->out, t->pool->traced ? ", none was freed" : ", none was ever freed");
}

static void add_rate(struct text *t, const struct seep_pool_row *row)
{
    char text[SEEP_HUMAN_TEXT];
    double delta;
    const struct seep_finding *f = row->finding;
    const char *unit = f ? seep_metric_unit(f->metric) : NULL;
    if (!seep_pool_row_delta(t->pool, row, &delta))
        return;
    // What was judged is surer than what lies between two looks.
    if (f && f->rate.known && unit && strcmp(unit, "bytes") == 0)
        seep_human_rate(f->rate.value, unit, text);
    else if (isfinite(t->pool->span_s))
        seep_human_rate(delta / t->pool->span_s, "bytes", text);
    else
        seep_human_bytes(delta, text);
    seep_buf_addf(&t->out, ", %s%s", isfinite(t->pool->span_s) || delta < 0 ? "" : "+", text);
}

static const struct seep_pool_row *row_of(const struct seep_pool *pool,
                                          const struct seep_finding *f)
{
    for (size_t i = 0; i < pool->n_rows; i++) {
        if (pool->rows[i].finding == f)
            return &pool->rows[i];
    }
    return NULL;
}

// The row with most bytes, whatever the order.
static const struct seep_pool_row *biggest(const struct seep_pool *pool)
{
    const struct seep_pool_row *best = NULL;
    for (size_t i = 0; i < pool->n_rows; i++) {
        const struct seep_pool_row *row = &pool->rows[i];
        if (row->bytes != SEEP_UNKNOWN_COUNT && (!best || row->bytes > best->bytes))
            best = row;
    }
    return best;
}

static void add_members(struct text *t, const struct seep_pool_cluster *cluster)
{
    size_t n = 0;
    seep_buf_adds(&t->out, "         with it grow");
    for (size_t i = 0; i < cluster->n_members; i++) {
        const struct seep_pool_member *member = &cluster->members[i];
        if (strcmp(member->tag, cluster->source) == 0)
            continue;
        seep_buf_adds(&t->out, n++ ? ", " : " ");
        seep_plain_add(&t->out, member->tag, 0);
        if (isfinite(member->ratio))
            seep_buf_addf(&t->out, " (%.2f of its blocks)", member->ratio);
    }
    seep_buf_addc(&t->out, '\n');
}

static void add_answer(struct text *t)
{
    const struct seep_pool *pool = t->pool;
    const struct seep_finding *f = pool->worst;
    const struct seep_pool_row *row = f ? row_of(pool, f) : biggest(pool);
    const char *driver = f && f->driver ? f->driver : (row ? row->driver : NULL);
    if (f) {
        seep_look_add_verdict(&t->out, f->verdict, pool->options.color);
    } else if (row) {
        seep_look_add_verdict(&t->out, seep_pool_verdict(pool), pool->options.color);
        seep_buf_adds(&t->out, "largest: ");
    } else {
        seep_buf_adds(&t->out, "UNKNOWN  no tag is as asked for\n");
        return;
    }
    if (driver) {
        seep_plain_add(&t->out, driver, 64);
        seep_buf_adds(&t->out, ", ");
    }
    if (row) {
        add_gist(t, row);
        add_rate(t, row);
    } else if (f) {
        seep_buf_adds(&t->out, "tag ");
        seep_plain_add(&t->out, f->tag ? f->tag : f->name, 64);
    }
    seep_buf_addc(&t->out, '\n');
    const struct seep_pool_cluster *cluster;
    for (size_t at = 0; row && (cluster = seep_pool_next_cluster(pool, &at));) {
        if (strcmp(cluster->source, row->tag) == 0)
            add_members(t, cluster);
    }
}

static void add_head(struct text *t)
{
    const struct seep_pool *pool = t->pool;
    seep_buf_addc(&t->out, '\n');
    seep_look_add_moment(&t->out, pool->data, pool->machine, pool->taken_ns);
    if (pool->traced)
        seep_buf_adds(&t->out, ": what a trace saw allocated and freed");
    else
        seep_buf_addf(&t->out, ": %zu look%s", pool->n_looks, pool->n_looks == 1 ? "" : "s");
    if (pool->compared) {
        seep_buf_adds(&t->out, "; Delta is since the first one");
        if (isfinite(pool->span_s)) {
            char text[SEEP_HUMAN_TEXT];
            seep_human_duration_fine(pool->span_s, text);
            seep_buf_addf(&t->out, ", %s before", text);
        }
    } else if (!pool->traced) {
        seep_buf_adds(&t->out, ": what grows is shown by two");
    }
    if (pool->n_other_machines)
        seep_buf_addf(&t->out, "; %zu more machines are not shown", pool->n_other_machines);
    seep_buf_adds(&t->out, "\n\n");
}

static void add_signed(struct text *t, bool known, double value, int width)
{
    char number[SEEP_HUMAN_TEXT];
    if (known)
        (void)snprintf(number, sizeof number, "%+.0f", value);
    else
        (void)snprintf(number, sizeof number, "?");
    seep_buf_addf(&t->out, " %*s", width, number);
}

static void add_titles(struct text *t)
{
    seep_buf_addf(&t->out, "%-*s %-8s %11s %11s %11s %14s %8s", t->tag_width, "Tag", "Pool",
                  "Allocs", "Frees", "Diff", "Bytes", "PerAlloc");
    if (t->pool->compared)
        seep_buf_addf(&t->out, " %14s", "Delta");
    if (isfinite(t->pool->span_s))
        seep_buf_addf(&t->out, " %12s", "Rate");
    if (t->judged)
        seep_buf_addf(&t->out, " %-7s", "Verdict");
    seep_buf_addf(&t->out, " %-*s %s\n", DRIVER_WIDTH, "Driver", "Description");
}

static void add_changes(struct text *t, bool known, double delta)
{
    char text[SEEP_HUMAN_TEXT] = "?";
    if (t->pool->compared)
        add_signed(t, known, delta, 14);
    if (!isfinite(t->pool->span_s))
        return;
    if (known)
        seep_human_rate(delta / t->pool->span_s, "bytes", text);
    seep_buf_addf(&t->out, " %12s", text);
}

static void add_site(struct text *t, const struct seep_pool_site *site)
{
    const struct seep_dataset *data = t->pool->data;
    struct seep_buf function = { 0 }, stack = { 0 };
    char bytes[SEEP_HUMAN_TEXT];
    bool named = data->blame && data->blame(data->blame_ctx, site->index, &function, &stack);
    seep_human_bytes((double)site->site->outstanding_bytes, bytes);
    seep_buf_addf(&t->out, "       %s in %" PRIu64 " block%s from ", bytes,
                  site->site->outstanding_count, site->site->outstanding_count == 1 ? "" : "s");
    seep_plain_add(&t->out, named && stack.len ? seep_buf_text(&stack) : "a stack without names",
                   0);
    seep_buf_addc(&t->out, '\n');
    seep_buf_clear(&function);
    seep_buf_clear(&stack);
}

static void add_row(struct text *t, const struct seep_pool_row *row)
{
    double delta = 0;
    bool known = seep_pool_row_delta(t->pool, row, &delta);
    struct seep_buf tag = { 0 };
    seep_plain_add(&tag, row->tag, 0);
    seep_buf_addf(&t->out, "%-*s ", t->tag_width, seep_buf_text(&tag));
    t->out.failed = t->out.failed || tag.failed;
    seep_buf_clear(&tag);
    if (row->session == SEEP_NO_SESSION)
        seep_buf_addf(&t->out, "%-8s", row->paged ? "Paged" : "Nonpaged");
    else
        seep_buf_addf(&t->out, "%s %-3" PRIu32, row->paged ? "Sess" : "SesN", row->session);
    seep_look_add_count(&t->out, row->allocs, 11);
    seep_look_add_count(&t->out, row->frees, 11);
    seep_look_add_count(&t->out, row->diff, 11);
    seep_look_add_count(&t->out, row->bytes, 14);
    seep_look_add_count(&t->out, row->per_alloc, 8);
    add_changes(t, known, delta);
    if (t->judged) {
        bool shown = row->judged && row->verdict >= SEEP_VERDICT_SUSPECT;
        const char *word = shown ? seep_verdict_name(row->verdict) : "";
        if (row->follows)
            word = "member";
        seep_buf_addf(&t->out, " %-7s", word);
    }
    seep_look_add_cell(&t->out, row->driver ? row->driver : "?", DRIVER_WIDTH);
    seep_look_add_cell(&t->out, row->description ? row->description : "", DESCRIPTION_WIDTH);
    seep_look_end_line(&t->out);
    for (size_t i = 0; i < row->n_sites && i < t->stacks; i++)
        add_site(t, &row->sites[i]);
    if (row->n_sites > t->stacks)
        seep_buf_addf(&t->out, "       %zu more stacks: --stacks %zu\n", row->n_sites - t->stacks,
                      row->n_sites);
}

static void add_sum(struct text *t, bool paged)
{
    const struct seep_pool_sum *sum = &t->pool->sums[paged];
    double delta = 0;
    bool known = seep_look_delta(sum->old_bytes, sum->bytes, &delta);
    if (!sum->n_tags)
        return;
    seep_buf_addf(&t->out, "%-*s %-8s", t->tag_width, "SUM", paged ? "Paged" : "Nonpaged");
    seep_look_add_count(&t->out, sum->allocs, 11);
    seep_look_add_count(&t->out, sum->frees, 11);
    seep_look_add_count(&t->out, sum->diff, 11);
    seep_look_add_count(&t->out, sum->bytes, 14);
    seep_buf_addf(&t->out, " %8s", "");
    add_changes(t, known, delta);
    seep_buf_addf(&t->out, " %zu tag%s, ", sum->n_tags, sum->n_tags == 1 ? "" : "s");
    add_bytes(t, sum->bytes);
    seep_look_end_line(&t->out);
}

static void add_findings(struct text *t)
{
    const struct seep_judgement *j = t->pool->judgement;
    size_t n = 0;
    for (size_t i = 0; j && i < j->n_findings; i++) {
        const struct seep_finding *f = &j->findings[i];
        if (!seep_pool_concerns(f) || f->verdict < SEEP_VERDICT_SUSPECT || ++n > t->top)
            continue;
        seep_buf_addc(&t->out, '\n');
        seep_look_add_finding(&t->out, f, t->pool->options.color);
    }
}

bool seep_pool_text(const struct seep_pool *pool, FILE *out)
{
    struct text t = { .pool = pool,
                      .top = pool->options.top ? pool->options.top : DEFAULT_TOP,
                      .stacks = pool->options.stacks ? pool->options.stacks : DEFAULT_STACKS };
    t.tag_width = TAG_WIDTH;
    for (size_t i = 0; i < pool->n_rows && i < t.top; i++) {
        const struct seep_pool_row *row = &pool->rows[i];
        size_t len = strlen(row->tag);
        if (len > (size_t)t.tag_width)
            t.tag_width = len < MAX_TAG_WIDTH ? (int)len : MAX_TAG_WIDTH;
        t.judged =
            t.judged || row->follows || (row->judged && row->verdict >= SEEP_VERDICT_SUSPECT);
    }
    add_answer(&t);
    add_head(&t);
    if (pool->n_rows)
        add_titles(&t);
    for (size_t i = 0; i < pool->n_rows && i < t.top; i++)
        add_row(&t, &pool->rows[i]);
    add_sum(&t, false);
    add_sum(&t, true);
    if (pool->n_rows > t.top)
        seep_buf_addf(&t.out, "%zu more tags: --top 0 shows all\n", pool->n_rows - t.top);
    add_findings(&t);
    seep_look_add_losses(&t.out, pool->data);
    return seep_look_write(&t.out, out);
}
