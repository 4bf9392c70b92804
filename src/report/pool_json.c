// SPDX-License-Identifier: MIT
// The JSON document of `seep pool`.
#include "report/pool.h"

#include <math.h>
#include <string.h>

static const char *pool_name(bool paged)
{
    return paged ? "paged" : "nonpaged";
}

static void write_owner(struct seep_json *json, const struct seep_tag_owner *owner)
{
    seep_json_begin_object(json);
    seep_key_text(json, "name", owner->name);
    seep_json_key_string(json, "how", seep_owner_how_name(owner->how));
    seep_json_key_number(json, "confidence", owner->confidence);
    seep_key_text(json, "version", owner->version);
    seep_key_text(json, "company", owner->company);
    seep_key_text(json, "signer", owner->signer);
    seep_key_text(json, "path", owner->path);
    seep_key_text(json, "evidence", owner->evidence);
    seep_key_bool(json, "inbox", owner->inbox);
    seep_json_end_object(json);
}

// "a < b < c" as an array of its parts.
static void write_parts(struct seep_json *json, const char *stack)
{
    static const char between[] = " < ";
    seep_json_begin_array(json);
    while (*stack) {
        const char *end = strstr(stack, between);
        size_t len = end ? (size_t)(end - stack) : strlen(stack);
        seep_json_string_n(json, stack, len);
        stack += len + (end ? sizeof between - 1 : 0);
    }
    seep_json_end_array(json);
}

static void write_site(struct seep_json *json, const struct seep_pool *pool,
                       const struct seep_pool_site *site)
{
    struct seep_buf function = { 0 }, stack = { 0 };
    const struct seep_dataset *data = pool->data;
    if (!data->blame || !data->blame(data->blame_ctx, site->index, &function, &stack)) {
        seep_buf_reset(&function);
        seep_buf_reset(&stack);
    }
    seep_json_begin_object(json);
    seep_key_text(json, "function", seep_buf_text(&function));
    seep_json_key(json, "stack");
    write_parts(json, seep_buf_text(&stack));
    seep_json_key_uint(json, "outstanding_bytes", site->site->outstanding_bytes);
    seep_json_key_uint(json, "outstanding_count", site->site->outstanding_count);
    seep_json_key_uint(json, "allocs", site->site->allocs);
    seep_json_key_uint(json, "frees", site->site->frees);
    seep_json_end_object(json);
    seep_buf_clear(&function);
    seep_buf_clear(&stack);
}

static void write_since(struct seep_json *json, const struct seep_pool *pool,
                        const struct seep_pool_row *row)
{
    double delta;
    seep_key_delta(json, "delta", row->old_bytes, row->bytes);
    seep_key_delta(json, "delta_diff", row->old_diff, row->diff);
    seep_key_count(json, "allocs_since", row->allocs_since);
    seep_key_count(json, "frees_since", row->frees_since);
    seep_json_key(json, "bytes_per_s");
    if (isfinite(pool->span_s) && seep_pool_row_delta(pool, row, &delta))
        seep_json_number(json, delta / pool->span_s);
    else
        seep_json_null(json);
    seep_json_key(json, "is_new");
    if (pool->compared)
        seep_json_bool(json, row->is_new);
    else
        seep_json_null(json);
}

static void write_row(struct seep_json *json, const struct seep_pool *pool,
                      const struct seep_pool_row *row)
{
    size_t n_sites = pool->options.stacks && pool->options.stacks < row->n_sites
                         ? pool->options.stacks
                         : row->n_sites;
    seep_json_begin_object(json);
    seep_json_key_string(json, "tag", row->tag);
    seep_json_key_string(json, "pool", pool_name(row->paged));
    seep_json_key(json, "session");
    if (row->session == SEEP_NO_SESSION)
        seep_json_null(json);
    else
        seep_json_uint(json, row->session);
    seep_key_count(json, "allocs", row->allocs);
    seep_key_count(json, "frees", row->frees);
    seep_key_count(json, "diff", row->diff);
    seep_key_count(json, "bytes", row->bytes);
    seep_key_count(json, "per_alloc", row->per_alloc);
    write_since(json, pool, row);
    seep_key_text(json, "driver", row->driver);
    seep_json_key(json, "drivers");
    seep_json_begin_array(json);
    for (size_t i = 0; row->owners && i < row->owners->n; i++)
        write_owner(json, &row->owners->at[i]);
    if (row->logged.name)
        write_owner(json, &row->logged);
    seep_json_end_array(json);
    seep_key_text(json, "description", row->description);
    seep_key_verdict(json, row->judged, row->verdict);
    seep_key_text(json, "finding", row->finding ? row->finding->id : NULL);
    seep_key_text(json, "follows", row->follows);
    seep_json_key(json, "sites");
    seep_json_begin_array(json);
    for (size_t i = 0; i < n_sites; i++)
        write_site(json, pool, &row->sites[i]);
    seep_json_end_array(json);
    seep_json_end_object(json);
}

static void write_sum(struct seep_json *json, const struct seep_pool *pool, bool paged)
{
    const struct seep_pool_sum *sum = &pool->sums[paged];
    uint64_t old = pool->compared ? sum->old_bytes : SEEP_UNKNOWN_COUNT;
    seep_json_key(json, pool_name(paged));
    seep_json_begin_object(json);
    seep_json_key_uint(json, "tags", sum->n_tags);
    seep_key_count(json, "allocs", sum->allocs);
    seep_key_count(json, "frees", sum->frees);
    seep_key_count(json, "diff", sum->diff);
    seep_key_count(json, "bytes", sum->bytes);
    seep_key_delta(json, "delta", old, sum->bytes);
    seep_json_end_object(json);
}

static void write_clusters(struct seep_json *json, const struct seep_pool *pool)
{
    seep_json_key(json, "clusters");
    seep_json_begin_array(json);
    const struct seep_pool_cluster *cluster;
    for (size_t at = 0; (cluster = seep_pool_next_cluster(pool, &at));) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "source", cluster->source);
        seep_json_key(json, "members");
        seep_json_begin_array(json);
        for (size_t i = 0; i < cluster->n_members; i++)
            seep_json_string(json, cluster->members[i].tag);
        seep_json_end_array(json);
        seep_json_key(json, "ratio");
        seep_json_begin_array(json);
        for (size_t i = 0; i < cluster->n_members; i++)
            seep_json_number(json, cluster->members[i].ratio);
        seep_json_end_array(json);
        seep_key_verdict(json, true, cluster->verdict);
        seep_key_text(json, "finding", cluster->finding);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void write_compared(struct seep_json *json, const struct seep_pool *pool)
{
    seep_json_key_uint(json, "looks", pool->n_looks);
    seep_json_key(json, "compared");
    if (!pool->compared) {
        seep_json_null(json);
        return;
    }
    seep_json_begin_object(json);
    seep_json_key_time(json, "taken", pool->old_ns);
    seep_json_key_number(json, "duration_s", pool->span_s);
    seep_json_end_object(json);
}

static void write_body(const void *ctx, struct seep_json *json)
{
    const struct seep_pool *pool = ctx;
    size_t top = pool->options.top ? pool->options.top : pool->n_rows;
    seep_key_machine(json, pool->data, pool->machine, pool->taken_ns, pool->n_other_machines);
    seep_key_verdict(json, true, seep_pool_verdict(pool));
    write_compared(json, pool);
    seep_json_key_string(json, "counted", pool->traced ? "trace" : "boot");
    seep_json_key(json, "tags");
    seep_json_begin_array(json);
    for (size_t i = 0; i < pool->n_rows && i < top; i++)
        write_row(json, pool, &pool->rows[i]);
    seep_json_end_array(json);
    seep_json_key_uint(json, "tags_total", pool->n_rows);
    seep_json_key(json, "totals");
    seep_json_begin_object(json);
    write_sum(json, pool, true);
    write_sum(json, pool, false);
    seep_json_end_object(json);
    write_clusters(json, pool);
}

bool seep_pool_json(const struct seep_pool *pool, FILE *out)
{
    return seep_look_json("pool", pool->data, write_body, pool, out);
}
