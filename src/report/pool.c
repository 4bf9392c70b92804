// SPDX-License-Identifier: MIT
// Pool by tag: the rows of the newest look, beside the first one, with who is behind them.
#include "report/pool.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const sort_names[SEEP_N_POOL_SORTS] = {
    [SEEP_POOL_BY_BYTES] = "bytes",         [SEEP_POOL_BY_DIFF] = "diff",
    [SEEP_POOL_BY_ALLOCS] = "allocs",       [SEEP_POOL_BY_FREES] = "frees",
    [SEEP_POOL_BY_PER_ALLOC] = "per-alloc", [SEEP_POOL_BY_TAG] = "tag",
    [SEEP_POOL_BY_DELTA] = "delta",
};

enum seep_pool_sort seep_pool_sort_named(const char *name)
{
    int i = 0;
    while (i < SEEP_N_POOL_SORTS && strcmp(sort_names[i], name) != 0)
        i++;
    return (enum seep_pool_sort)i;
}

bool seep_pool_tag_fits(const char *pattern, const char *tag)
{
    const char *star = NULL, *from = NULL;
    while (*tag) {
        if (*pattern == '*') {
            star = ++pattern;
            from = tag;
        } else if (*pattern == '?' || *pattern == *tag) {
            pattern++;
            tag++;
        } else if (star) {
            pattern = star;
            tag = ++from;
        } else {
            return false;
        }
    }
    // A tag is padded with blanks: "AGP " is the tag AGP.
    while (*pattern == '*' || *pattern == ' ')
        pattern++;
    return *pattern == '\0';
}

bool seep_pool_concerns(const struct seep_finding *f)
{
    bool of_tag =
        f->subject == SEEP_SUBJECT_POOL_TAG || f->subject == SEEP_SUBJECT_DRIVER || f->tag;
    return f->class_ == SEEP_CLASS_DRIVER || (of_tag && (f->class_ == SEEP_CLASS_PAGED_POOL ||
                                                         f->class_ == SEEP_CLASS_NONPAGED_POOL));
}

static bool same_machine(const struct seep_pool *pool, struct seep_machine_id machine)
{
    return !machine.v || !pool->machine.v || machine.v == pool->machine.v;
}

// ---- which looks

static bool choose_machine(struct seep_pool *pool)
{
    const struct seep_dataset *data = pool->data;
    uint64_t *counts = seep_alloc(data->n_machines + 1, sizeof *counts);
    if (!counts)
        return false;
    for (size_t i = 0; i < data->n_pool_tags; i++) {
        uint32_t id = data->pool_tags[i].tag.machine.v;
        counts[id <= data->n_machines ? id : 0]++;
    }
    pool->machine = seep_look_machine(counts, data->n_machines, &pool->n_other_machines);
    seep_free(counts);
    return true;
}

// When the machine was started; looks before that counted from another start.
static int64_t boot_of(const struct seep_pool *pool)
{
    const struct seep_dataset *data = pool->data;
    bool known = pool->machine.v && pool->machine.v <= data->n_machines;
    return known ? data->machines[pool->machine.v - 1].boot_ns : SEEP_NO_TIME;
}

// The newest look, and the first one that counts from the same start.
static void choose_looks(struct seep_pool *pool, uint32_t *now, uint32_t *old)
{
    const struct seep_dataset *data = pool->data;
    int64_t boot = boot_of(pool);
    uint32_t last = 0;
    *now = *old = 0;
    for (size_t i = 0; i < data->n_pool_tags; i++) {
        const struct seep_dataset_pool_tag *t = &data->pool_tags[i];
        if (t->tag.machine.v != pool->machine.v)
            continue;
        pool->n_looks += t->look != last;
        last = t->look;
        if (t->look >= *now) {
            *now = t->look;
            pool->taken_ns = t->taken_ns;
        }
        bool before = t->taken_ns != SEEP_NO_TIME && boot != SEEP_NO_TIME && t->taken_ns < boot;
        if (!before && (!*old || t->look < *old)) {
            *old = t->look;
            pool->old_ns = t->taken_ns;
        }
    }
    pool->compared = *old && *old < *now;
    pool->span_s = NAN;
    if (pool->compared && pool->taken_ns != SEEP_NO_TIME && pool->old_ns != SEEP_NO_TIME &&
        pool->taken_ns > pool->old_ns)
        pool->span_s = (double)(pool->taken_ns - pool->old_ns) / 1e9;
}

static int by_key(const void *left, const void *right)
{
    const struct seep_pool_tag *a = &(*(const struct seep_dataset_pool_tag *const *)left)->tag;
    const struct seep_pool_tag *b = &(*(const struct seep_dataset_pool_tag *const *)right)->tag;
    int order = strcmp(a->tag, b->tag);
    if (order)
        return order;
    if (a->paged != b->paged)
        return a->paged ? 1 : -1;
    return (a->session > b->session) - (a->session < b->session);
}

// The tags of a look by their key, in the arena.
static const struct seep_dataset_pool_tag **tags_of(struct seep_pool *pool, uint32_t look,
                                                    size_t *n)
{
    const struct seep_dataset *data = pool->data;
    const struct seep_dataset_pool_tag **tags;
    *n = 0;
    for (size_t i = 0; i < data->n_pool_tags; i++)
        *n +=
            data->pool_tags[i].look == look && data->pool_tags[i].tag.machine.v == pool->machine.v;
    tags = seep_arena_alloc(&pool->arena, *n + 1, sizeof(struct seep_dataset_pool_tag *));
    if (!tags)
        return NULL;
    *n = 0;
    for (size_t i = 0; i < data->n_pool_tags; i++) {
        if (data->pool_tags[i].look == look && data->pool_tags[i].tag.machine.v == pool->machine.v)
            tags[(*n)++] = &data->pool_tags[i];
    }
    if (*n)
        qsort(tags, *n, sizeof(struct seep_dataset_pool_tag *), by_key);
    return tags;
}

// ---- rows

static bool is_wanted(const struct seep_pool *pool, const char *tag, bool paged)
{
    const struct seep_pool_options *o = &pool->options;
    return (o->pool < 0 || (o->pool > 0) == paged) &&
           (!o->glob || seep_pool_tag_fits(o->glob, tag));
}

static void divide(struct seep_pool_row *row)
{
    bool known = row->bytes != SEEP_UNKNOWN_COUNT && row->diff != SEEP_UNKNOWN_COUNT && row->diff;
    row->per_alloc = known ? row->bytes / row->diff : SEEP_UNKNOWN_COUNT;
}

static void compare(struct seep_pool *pool, struct seep_pool_row *row,
                    const struct seep_pool_tag *now, const struct seep_pool_tag *old)
{
    row->old_diff = row->old_bytes = row->allocs_since = row->frees_since = SEEP_UNKNOWN_COUNT;
    if (old) {
        row->old_diff = seep_pool_tag_diff(old);
        row->old_bytes = old->bytes;
        row->allocs_since = seep_pool_count_growth(old->allocs, now->allocs, now->wraps);
        row->frees_since = seep_pool_count_growth(old->frees, now->frees, now->wraps);
    } else if (now && pool->compared) {
        // The kernel begins to count a tag when it is first used: before, nothing was.
        row->is_new = true;
        row->old_diff = row->old_bytes = 0;
        row->allocs_since = now->allocs;
        row->frees_since = now->frees;
    }
}

static bool take_look(struct seep_pool *pool, uint32_t now, uint32_t old)
{
    size_t n, n_old = 0, at = 0;
    const struct seep_dataset_pool_tag **tags = tags_of(pool, now, &n), **before = NULL;
    if (tags && pool->compared)
        before = tags_of(pool, old, &n_old);
    if (!tags || (pool->compared && !before))
        return false;
    pool->rows = seep_arena_alloc(&pool->arena, n + 1, sizeof *pool->rows);
    if (!pool->rows)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct seep_pool_tag *tag = &tags[i]->tag;
        while (at < n_old && by_key(&before[at], &tags[i]) < 0)
            at++;
        bool there = at < n_old && by_key(&before[at], &tags[i]) == 0;
        if (!is_wanted(pool, tag->tag, tag->paged))
            continue;
        struct seep_pool_row *row = &pool->rows[pool->n_rows++];
        *row = (struct seep_pool_row){ .tag = tag->tag,
                                       .paged = tag->paged,
                                       .session = tag->session,
                                       .allocs = tag->allocs,
                                       .frees = tag->frees,
                                       .diff = seep_pool_tag_diff(tag),
                                       .bytes = tag->bytes,
                                       .mapped_driver = tag->mapped_driver };
        divide(row);
        compare(pool, row, tag, there ? &before[at]->tag : NULL);
    }
    return true;
}

// ---- what a trace saw

static int by_tag_and_weight(const void *left, const void *right)
{
    const struct seep_pool_site *x = left, *y = right;
    const struct seep_site *a = x->site, *b = y->site;
    int order = strcmp(a->tag, b->tag);
    if (order)
        return order;
    if (a->paged != b->paged)
        return a->paged ? 1 : -1;
    if (a->outstanding_bytes != b->outstanding_bytes)
        return a->outstanding_bytes > b->outstanding_bytes ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

// The sites of pool that a trace saw, by tag and pool, the heaviest first.
static bool collect_sites(struct seep_pool *pool, struct seep_pool_site **sites, size_t *n)
{
    const struct seep_dataset *data = pool->data;
    *n = 0;
    *sites = seep_arena_alloc(&pool->arena, data->n_sites + 1, sizeof **sites);
    for (size_t i = 0; *sites && i < data->n_sites; i++) {
        const struct seep_site *s = &data->sites[i].site;
        if (s->kind == SEEP_SITE_POOL && s->tag && is_wanted(pool, s->tag, s->paged))
            (*sites)[(*n)++] = (struct seep_pool_site){ i, s };
    }
    if (*sites && *n)
        qsort(*sites, *n, sizeof **sites, by_tag_and_weight);
    return *sites != NULL;
}

static bool of_row(const struct seep_pool_site *site, const struct seep_pool_row *row)
{
    return site->site->paged == row->paged && strcmp(site->site->tag, row->tag) == 0;
}

// Rows of what a trace saw, where nobody counted tags.
static bool rows_of_sites(struct seep_pool *pool, const struct seep_pool_site *sites, size_t n)
{
    pool->rows = seep_arena_alloc(&pool->arena, n + 1, sizeof *pool->rows);
    if (!pool->rows)
        return false;
    pool->traced = n > 0;
    // A trace is of one machine.
    if (pool->traced && !pool->machine.v && pool->data->n_machines == 1)
        pool->machine.v = 1;
    for (size_t i = 0; i < n; i++) {
        const struct seep_site *s = sites[i].site;
        struct seep_pool_row *row = pool->n_rows ? &pool->rows[pool->n_rows - 1] : NULL;
        if (!row || !of_row(&sites[i], row)) {
            row = &pool->rows[pool->n_rows++];
            *row = (struct seep_pool_row){ .tag = s->tag,
                                           .paged = s->paged,
                                           .session = SEEP_NO_SESSION };
            compare(pool, row, NULL, NULL);
        }
        row->allocs += s->allocs;
        row->frees += s->frees;
        row->diff += s->outstanding_count;
        row->bytes += s->outstanding_bytes;
        divide(row);
    }
    return true;
}

static void join_sites(struct seep_pool *pool, const struct seep_pool_site *sites, size_t n)
{
    for (size_t r = 0; n && r < pool->n_rows; r++) {
        struct seep_pool_row *row = &pool->rows[r];
        const struct seep_site key = { .tag = row->tag,
                                       .paged = row->paged,
                                       .outstanding_bytes = UINT64_MAX };
        const struct seep_pool_site wanted = { 0, &key };
        size_t low = 0, high = n;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (by_tag_and_weight(&sites[middle], &wanted) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        row->sites = sites + low;
        while (low + row->n_sites < n && of_row(&row->sites[row->n_sites], row))
            row->n_sites++;
    }
}

// ---- who is behind a row

// The driver in what a log says: "nt!ps - Process objects", "wcifs.sys", "a.sys b.sys".
static bool read_mapped(struct seep_pool *pool, struct seep_pool_row *row)
{
    const char *text = row->mapped_driver, *dash = text ? strstr(text, " - ") : NULL;
    size_t len = text ? strcspn(text, "![],; ") : 0;
    if (!len)
        return true;
    char *name = seep_arena_strndup(&pool->arena, text, len);
    if (!name)
        return false;
    row->logged = (struct seep_tag_owner){ .name = name, .how = SEEP_OWNER_LOG, .confidence = 0.5 };
    if (dash && dash[3])
        row->description = dash + 3;
    return true;
}

// What a judgement says of a tag: a finding, or that it is in a cluster.
struct said {
    const char *tag;
    const struct seep_finding *finding;
    const struct seep_pool_cluster *cluster; // where `finding` is NULL
    size_t order;                            // as the judgement gives them: the gravest first
};

struct says {
    struct said *at; // by tag
    size_t n;
};

static int by_said(const void *left, const void *right)
{
    const struct said *a = left, *b = right;
    int order = strcmp(a->tag, b->tag);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

const struct seep_pool_cluster *seep_pool_next_cluster(const struct seep_pool *pool, size_t *at)
{
    const struct seep_judgement *j = pool->judgement;
    while (j && *at < j->n_clusters) {
        const struct seep_pool_cluster *cluster = &j->clusters[(*at)++];
        if (same_machine(pool, cluster->machine))
            return cluster;
    }
    return NULL;
}

static bool collect_says(struct seep_pool *pool, struct says *says)
{
    const struct seep_judgement *j = pool->judgement;
    const struct seep_pool_cluster *cluster;
    size_t n = j ? j->n_findings : 0;
    for (size_t at = 0; (cluster = seep_pool_next_cluster(pool, &at));)
        n += cluster->n_members;
    *says = (struct says){ .at = seep_arena_alloc(&pool->arena, n + 1, sizeof *says->at) };
    if (!says->at)
        return false;
    for (size_t at = 0; (cluster = seep_pool_next_cluster(pool, &at));) {
        for (size_t i = 0; i < cluster->n_members; i++) {
            says->at[says->n] = (struct said){ cluster->members[i].tag, NULL, cluster, says->n };
            says->n++;
        }
    }
    for (size_t i = 0; j && i < j->n_findings; i++) {
        const struct seep_finding *f = &j->findings[i];
        if (seep_pool_concerns(f) && f->tag && same_machine(pool, f->machine)) {
            says->at[says->n] = (struct said){ f->tag, f, NULL, says->n };
            says->n++;
        }
    }
    if (says->n)
        qsort(says->at, says->n, sizeof *says->at, by_said);
    return true;
}

static bool is_of_pool(const struct seep_finding *f, bool paged)
{
    return f->metric != (paged ? SEEP_METRIC_NONPAGED_POOL_BYTES : SEEP_METRIC_PAGED_POOL_BYTES) &&
           f->class_ != (paged ? SEEP_CLASS_NONPAGED_POOL : SEEP_CLASS_PAGED_POOL);
}

// The verdict of a row is its cluster's, else that of the gravest finding about the tag, unless a
// stack that takes it is accused of more.
static void judge_row(const struct says *says, struct seep_pool_row *row)
{
    const struct said key = { .tag = row->tag };
    const struct seep_finding *of_site = NULL;
    size_t low = 0, high = says->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(says->at[middle].tag, key.tag) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < says->n && strcmp(says->at[low].tag, key.tag) == 0; low++) {
        const struct seep_finding *f = says->at[low].finding;
        const struct seep_pool_cluster *cluster = says->at[low].cluster;
        if (cluster && !row->judged) {
            row->judged = true;
            row->verdict = cluster->verdict;
            row->follows = strcmp(cluster->source, row->tag) == 0 ? NULL : cluster->source;
        }
        if (!f || !is_of_pool(f, row->paged))
            continue;
        if (f->subject != SEEP_SUBJECT_SITE && !row->finding)
            row->finding = f;
        if (f->subject == SEEP_SUBJECT_SITE && !of_site && f->verdict >= SEEP_VERDICT_SUSPECT)
            of_site = f;
    }
    if (row->follows && row->finding && row->finding->verdict < SEEP_VERDICT_SUSPECT)
        row->finding = NULL; // it is the cluster's that tells
    if (row->finding && !row->judged) {
        row->judged = true;
        row->verdict = row->finding->verdict;
    }
    if (of_site && (!row->judged || of_site->verdict > row->verdict)) {
        row->judged = true;
        row->verdict = of_site->verdict;
        row->finding = of_site;
    }
}

static bool name_row(struct seep_pool *pool, const struct says *says, struct seep_pool_row *row)
{
    const struct seep_dataset *data = pool->data;
    if (!read_mapped(pool, row))
        return false;
    row->owners = data->owners ? data->owners(data->owners_ctx, row->tag) : NULL;
    judge_row(says, row);
    row->driver = row->logged.name;
    if (row->owners && row->owners->n)
        row->driver = row->owners->at[0].name;
    if (row->finding && row->finding->driver)
        row->driver = row->finding->driver;
    if (row->owners && row->owners->description && *row->owners->description)
        row->description = row->owners->description;
    return true;
}

// ---- order and sums

bool seep_pool_row_delta(const struct seep_pool *pool, const struct seep_pool_row *row,
                         double *delta)
{
    return pool->compared && seep_look_delta(row->old_bytes, row->bytes, delta);
}

// What a row is sorted by, so that what is unknown comes last.
static double sort_key(const struct seep_pool *pool, const struct seep_pool_row *row)
{
    uint64_t value = row->bytes;
    double delta = 0;
    switch (pool->options.sort) {
    case SEEP_POOL_BY_DIFF:
        value = row->diff;
        break;
    case SEEP_POOL_BY_ALLOCS:
        value = row->allocs;
        break;
    case SEEP_POOL_BY_FREES:
        value = row->frees;
        break;
    case SEEP_POOL_BY_PER_ALLOC:
        value = row->per_alloc;
        break;
    case SEEP_POOL_BY_DELTA:
        return seep_pool_row_delta(pool, row, &delta) ? delta : -INFINITY;
    case SEEP_POOL_BY_BYTES:
    case SEEP_POOL_BY_TAG:
    case SEEP_N_POOL_SORTS:
        break;
    }
    return value == SEEP_UNKNOWN_COUNT ? -1 : (double)value;
}

static int by_order(const void *left, const void *right)
{
    const struct seep_pool_row *a = left, *b = right;
    if (a->order != b->order)
        return a->order > b->order ? -1 : 1;
    int tags = strcmp(a->tag, b->tag);
    if (tags)
        return tags;
    if (a->paged != b->paged)
        return a->paged ? 1 : -1;
    return (a->session > b->session) - (a->session < b->session);
}

static void add(uint64_t *sum, uint64_t value)
{
    bool unknown = *sum == SEEP_UNKNOWN_COUNT || value == SEEP_UNKNOWN_COUNT;
    *sum = unknown || value > SEEP_UNKNOWN_COUNT - 1 - *sum ? SEEP_UNKNOWN_COUNT : *sum + value;
}

static void sum_up(struct seep_pool *pool)
{
    for (size_t i = 0; i < pool->n_rows; i++) {
        struct seep_pool_row *row = &pool->rows[i];
        struct seep_pool_sum *sum = &pool->sums[row->paged];
        row->order = pool->options.sort == SEEP_POOL_BY_TAG ? 0 : sort_key(pool, row);
        sum->n_tags++;
        // Of counts that went round at 2^32 only the blocks in use are right.
        bool known = row->frees != SEEP_UNKNOWN_COUNT && row->diff != SEEP_UNKNOWN_COUNT;
        add(&sum->allocs, known ? row->frees + row->diff : row->allocs);
        add(&sum->frees, row->frees);
        add(&sum->diff, row->diff);
        add(&sum->bytes, row->bytes);
        add(&sum->old_bytes, row->old_bytes);
    }
    if (pool->n_rows)
        qsort(pool->rows, pool->n_rows, sizeof *pool->rows, by_order);
}

static void find_worst(struct seep_pool *pool)
{
    const struct seep_judgement *j = pool->judgement;
    for (size_t i = 0; j && !pool->worst && i < j->n_findings; i++) {
        const struct seep_finding *f = &j->findings[i];
        if (seep_pool_concerns(f) && same_machine(pool, f->machine) &&
            f->verdict >= SEEP_VERDICT_SUSPECT)
            pool->worst = f;
    }
}

enum seep_verdict seep_pool_verdict(const struct seep_pool *pool)
{
    bool judged = false;
    enum seep_verdict worst = SEEP_VERDICT_STEADY;
    if (pool->worst)
        return pool->worst->verdict;
    for (size_t i = 0; i < pool->n_rows; i++) {
        const struct seep_pool_row *row = &pool->rows[i];
        judged = judged || (row->judged && row->verdict != SEEP_VERDICT_UNKNOWN);
        worst = row->judged && row->verdict > worst ? row->verdict : worst;
    }
    return judged ? worst : SEEP_VERDICT_UNKNOWN;
}

bool seep_pool_make(const struct seep_dataset *data, const struct seep_judgement *judgement,
                    const struct seep_pool_options *options, struct seep_pool *pool)
{
    uint32_t now, old;
    struct seep_pool_site *sites;
    struct says says;
    size_t n_sites;
    *pool = (struct seep_pool){ .data = data,
                                .judgement = judgement,
                                .options = *options,
                                .taken_ns = SEEP_NO_TIME,
                                .old_ns = SEEP_NO_TIME,
                                .span_s = NAN };
    bool ok = choose_machine(pool);
    choose_looks(pool, &now, &old);
    ok = ok && collect_sites(pool, &sites, &n_sites) &&
         (now ? take_look(pool, now, old) : rows_of_sites(pool, sites, n_sites)) &&
         collect_says(pool, &says);
    for (size_t i = 0; ok && i < pool->n_rows; i++)
        ok = name_row(pool, &says, &pool->rows[i]);
    if (!ok) {
        seep_pool_clear(pool);
        return false;
    }
    pool->known = now || n_sites;
    join_sites(pool, sites, n_sites);
    sum_up(pool);
    find_worst(pool);
    return true;
}

void seep_pool_clear(struct seep_pool *pool)
{
    seep_arena_clear(&pool->arena);
    *pool = (struct seep_pool){ .n_rows = 0 };
}
