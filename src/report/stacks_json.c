// SPDX-License-Identifier: MIT
// The document of `seep stacks` as JSON, and its stacks as a file of speedscope.
#include "report/stacks.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <string.h>

static void key_null(struct seep_json *json, const char *key)
{
    seep_json_key(json, key);
    seep_json_null(json);
}

static void key_int(struct seep_json *json, const char *key, int64_t value, bool known)
{
    seep_json_key(json, key);
    if (known)
        seep_json_int(json, value);
    else
        seep_json_null(json);
}

static void key_known(struct seep_json *json, const char *key, uint64_t value)
{
    if (value == UINT64_MAX)
        key_null(json, key);
    else
        seep_json_key_uint(json, key, value);
}

static void process_json(const struct seep_stacks_doc *doc, struct seep_json *json,
                         uint32_t process)
{
    const struct seep_profile_process *own = &doc->profile->processes[process - 1];
    seep_json_begin_object(json);
    seep_json_key_string(json, "image", own->process.image);
    if (own->process.has_pid)
        seep_json_key_uint(json, "pid", own->process.pid);
    else
        key_null(json, "pid");
    seep_json_end_object(json);
}

static void frame_json(struct seep_json *json, const struct seep_stacks_frame *f)
{
    seep_json_begin_object(json);
    seep_json_key(json, "address");
    if (f->address)
        seep_json_address(json, f->address);
    else
        seep_json_null(json);
    seep_json_key_string(json, "module", f->module);
    seep_json_key_string(json, "function", f->function);
    key_int(json, "offset", (int64_t)f->offset, f->has_offset);
    seep_json_key_string(json, "file", f->file);
    key_int(json, "line", f->line, f->line != 0);
    seep_json_end_object(json);
}

static void growth_json(struct seep_json *json, const struct seep_stacks_row *row)
{
    bool counted = seep_profile_metric(row->site.kind) == SEEP_METRIC_OUTSTANDING_COUNT;
    seep_json_begin_object(json);
    seep_json_key_string(json, "verdict", row->judged ? seep_verdict_name(row->verdict) : NULL);
    seep_json_key(json, "rate");
    if (row->judged && row->rate.known) {
        seep_json_begin_object(json);
        seep_json_key_number(json, "value", row->rate.value);
        seep_json_key_number(json, "low", row->rate.low);
        seep_json_key_number(json, "high", row->rate.high);
        seep_json_key_string(json, "unit", counted ? "count/s" : "bytes/s");
        seep_json_end_object(json);
    } else {
        seep_json_null(json);
    }
    seep_json_end_object(json);
}

static bool row_json(struct seep_stacks_doc *doc, struct seep_json *json,
                     const struct seep_stacks_row *row, struct seep_stacks_path *path)
{
    bool diff = doc->mode == SEEP_STACKS_DIFF;
    if (!seep_stacks_path(doc, row, path))
        return false;
    seep_json_begin_object(json);
    seep_json_key(json, "process");
    process_json(doc, json, row->process);
    seep_json_key_string(json, "kind", seep_site_kind_name(row->site.kind));
    seep_json_key(json, "heap");
    if (row->site.heap)
        seep_json_address(json, row->site.heap);
    else
        seep_json_null(json);
    seep_json_key_string(json, "tag", row->site.tag);
    if (row->site.kind == SEEP_SITE_POOL)
        seep_json_key_string(json, "pool", row->site.paged ? "paged" : "nonpaged");
    else
        key_null(json, "pool");
    seep_json_key_uint(json, "outstanding_bytes", row->now.outstanding_bytes);
    seep_json_key_uint(json, "outstanding_count", row->now.outstanding_count);
    seep_json_key_uint(json, "allocs", row->now.allocs);
    seep_json_key_uint(json, "frees", row->now.frees);
    seep_json_key_uint(json, "allocated_bytes", row->now.alloc_bytes);
    key_int(json, "delta_bytes", (int64_t)(row->now.outstanding_bytes - row->old.outstanding_bytes),
            diff);
    key_int(json, "delta_count", (int64_t)(row->now.outstanding_count - row->old.outstanding_count),
            diff);
    key_int(json, "overhead_bytes", (int64_t)row->now.overhead_bytes,
            row->now.overhead_bytes || row->old.overhead_bytes);
    key_int(json, "delta_overhead_bytes",
            (int64_t)(row->now.overhead_bytes - row->old.overhead_bytes),
            diff && (row->now.overhead_bytes || row->old.overhead_bytes));
    key_int(json, "before_bytes", (int64_t)row->old.outstanding_bytes, diff);
    key_int(json, "before_count", (int64_t)row->old.outstanding_count, diff);
    key_known(json, "survivor_bytes", row->survivor_bytes);
    key_known(json, "survivor_count", row->survivor_count);
    if (row->site.kind == SEEP_SITE_REFERENCE)
        seep_json_key_uint(json, "dead_count", row->now.dead_count);
    else
        key_null(json, "dead_count");
    seep_json_key_time(json, "oldest", row->now.oldest_ns);
    seep_json_key(json, "growth");
    growth_json(json, row);
    size_t blamed = seep_stacks_blamed(doc, path);
    key_int(json, "blamed", (int64_t)blamed, blamed < path->n);
    seep_json_key(json, "stack");
    seep_json_begin_array(json);
    for (size_t i = 0; i < path->n; i++)
        frame_json(json, &doc->frames[path->at[i]]);
    seep_json_end_array(json);
    seep_json_end_object(json);
    return true;
}

static void totals_json(const struct seep_stacks_doc *doc, struct seep_json *json)
{
    const struct seep_profile_sums *t = &doc->total, *old = &doc->old_total;
    bool diff = doc->mode == SEEP_STACKS_DIFF, survivors = doc->mode == SEEP_STACKS_SURVIVORS;
    seep_json_begin_object(json);
    seep_json_key_uint(json, "outstanding_bytes", t->outstanding_bytes);
    seep_json_key_uint(json, "outstanding_count", t->outstanding_count);
    seep_json_key_uint(json, "allocs", t->allocs);
    seep_json_key_uint(json, "frees", t->frees);
    seep_json_key_uint(json, "unmatched_frees", doc->unmatched_frees);
    key_int(json, "delta_bytes", (int64_t)(t->outstanding_bytes - old->outstanding_bytes), diff);
    key_int(json, "delta_count", (int64_t)(t->outstanding_count - old->outstanding_count), diff);
    key_int(json, "overhead_bytes", (int64_t)t->overhead_bytes,
            t->overhead_bytes || old->overhead_bytes);
    key_int(json, "delta_overhead_bytes", (int64_t)(t->overhead_bytes - old->overhead_bytes),
            diff && (t->overhead_bytes || old->overhead_bytes));
    key_int(json, "survivor_bytes", (int64_t)doc->survivor_bytes, survivors);
    key_int(json, "survivor_count", (int64_t)doc->survivor_count, survivors);
    seep_json_end_object(json);
}

// What freed memory, with the stacks where they are known: no other tool shows these.
static bool frees_json(struct seep_stacks_doc *doc, struct seep_json *json,
                       struct seep_stacks_path *path)
{
    const struct seep_profile *p = doc->profile;
    bool ok = true;
    seep_json_begin_array(json);
    for (size_t i = 0; ok && i < p->n_frees; i++) {
        const struct seep_site_frees *f = &p->frees[i];
        if (p->frees_moment[i] + 1 != p->n_moments || !seep_stacks_wants_frees(doc, f))
            continue;
        ok = seep_stacks_path_of(doc, f->process.v, f->stack, doc->options.blame, path);
        seep_json_begin_object(json);
        seep_json_key(json, "process");
        process_json(doc, json, f->process.v);
        seep_json_key_string(json, "kind", seep_site_kind_name(f->kind));
        seep_json_key_uint(json, "frees", f->frees);
        if (f->bytes)
            seep_json_key_uint(json, "bytes", f->bytes);
        else
            key_null(json, "bytes");
        seep_json_key(json, "unmatched");
        seep_json_bool(json, f->unmatched);
        seep_json_key(json, "decommit");
        seep_json_bool(json, f->decommit);
        seep_json_key(json, "stack");
        seep_json_begin_array(json);
        for (size_t k = 0; ok && k < path->n; k++)
            frame_json(json, &doc->frames[path->at[k]]);
        seep_json_end_array(json);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    return ok;
}

static bool tree_json(struct seep_stacks_doc *doc, struct seep_json *json)
{
    struct seep_stacks_tree tree = { .n = 0 };
    struct seep_buf name = { 0 };
    if (!seep_stacks_tree(doc, strcmp(doc->options.tree, "callers") == 0, &tree))
        return false;
    seep_json_begin_object(json);
    seep_json_key_string(json, "direction", doc->options.tree);
    seep_json_key(json, "nodes");
    seep_json_begin_array(json);
    for (size_t i = 0; i < tree.n; i++) {
        const struct seep_stacks_tree_node *node = &tree.at[i];
        seep_buf_reset(&name);
        if (node->frame == UINT32_MAX)
            seep_stacks_process_name(doc, node->process, &name);
        else
            seep_stacks_full_name(&doc->frames[node->frame], &name);
        seep_json_begin_object(json);
        key_int(json, "parent", (int64_t)node->parent - 1, node->parent != 0);
        seep_json_key_uint(json, "depth", node->depth);
        seep_json_key_string(json, "name", seep_buf_text(&name));
        key_int(json, "bytes", node->bytes, true);
        key_int(json, "count", node->count, true);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_json_end_object(json);
    bool ok = !name.failed;
    seep_buf_clear(&name);
    seep_stacks_tree_clear(&tree);
    return ok;
}

bool seep_stacks_json(struct seep_stacks_doc *doc, FILE *out)
{
    static const char *const modes[] = { "outstanding", "diff", "survivors" };
    struct seep_json json = { .write = seep_report_to_file, .ctx = out, .pretty = true };
    struct seep_stacks_path path = { 0 };
    size_t n = doc->options.top && doc->options.top < doc->n_rows ? doc->options.top : doc->n_rows;
    bool ok = true;
    seep_report_head(&json, "stacks", doc->sources, doc->n_sources);
    seep_json_key_string(&json, "mode", modes[doc->mode]);
    seep_json_key_string(&json, "verdict", doc->n_rows ? seep_verdict_name(doc->verdict) : NULL);
    seep_json_key(&json, "messages");
    seep_json_begin_array(&json);
    for (size_t i = 0; i < doc->n_messages; i++)
        seep_json_string(&json, doc->messages[i]);
    seep_json_end_array(&json);
    seep_json_key(&json, "totals");
    totals_json(doc, &json);
    seep_json_key_uint(&json, "sites_total", doc->n_rows);
    seep_json_key(&json, "sites");
    seep_json_begin_array(&json);
    for (size_t i = 0; ok && i < n; i++)
        ok = row_json(doc, &json, &doc->rows[i], &path);
    seep_json_end_array(&json);
    seep_json_key(&json, "frees");
    ok = ok && frees_json(doc, &json, &path);
    if (ok && doc->options.tree) {
        seep_json_key(&json, "tree");
        ok = tree_json(doc, &json);
    }
    seep_json_end_object(&json);
    ok = ok && seep_json_flush(&json);
    seep_json_clear(&json);
    seep_stacks_path_clear(&path);
    return ok;
}

// ---- speedscope: https://www.speedscope.app/file-format-schema.json

static bool speedscope_samples(struct seep_stacks_doc *doc, struct seep_json *json, size_t n)
{
    struct seep_stacks_path path = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const struct seep_stacks_row *row = &doc->rows[i];
        if (seep_stacks_bytes(doc, row) <= 0 && seep_stacks_count(doc, row) <= 0)
            continue;
        ok = seep_stacks_path(doc, row, &path);
        seep_json_begin_array(json);
        // The first frames are the processes.
        seep_json_uint(json, row->process - 1);
        for (size_t k = path.n; ok && k-- > 0;)
            seep_json_uint(json, doc->profile->n_processes + path.at[k]);
        seep_json_end_array(json);
    }
    seep_stacks_path_clear(&path);
    return ok;
}

static bool speedscope_profile(struct seep_stacks_doc *doc, struct seep_json *json, size_t n,
                               bool counts)
{
    int64_t total = 0;
    seep_json_begin_object(json);
    seep_json_key_string(json, "type", "sampled");
    seep_json_key_string(json, "name", counts ? "allocations" : "bytes");
    seep_json_key_string(json, "unit", counts ? "none" : "bytes");
    seep_json_key(json, "samples");
    seep_json_begin_array(json);
    bool ok = speedscope_samples(doc, json, n);
    seep_json_end_array(json);
    seep_json_key(json, "weights");
    seep_json_begin_array(json);
    for (size_t i = 0; ok && i < n; i++) {
        int64_t bytes = seep_stacks_bytes(doc, &doc->rows[i]);
        int64_t count = seep_stacks_count(doc, &doc->rows[i]);
        if (bytes <= 0 && count <= 0)
            continue;
        int64_t weight = counts ? count : bytes;
        weight = weight > 0 ? weight : 0; // what shrank has no width
        total += weight;
        seep_json_int(json, weight);
    }
    seep_json_end_array(json);
    seep_json_key_uint(json, "startValue", 0);
    key_int(json, "endValue", total, true);
    seep_json_end_object(json);
    return ok;
}

static void speedscope_frames(struct seep_stacks_doc *doc, struct seep_json *json)
{
    struct seep_buf name = { 0 };
    seep_json_key(json, "shared");
    seep_json_begin_object(json);
    seep_json_key(json, "frames");
    seep_json_begin_array(json);
    for (size_t i = 0; i < doc->profile->n_processes; i++) {
        seep_buf_reset(&name);
        seep_stacks_process_name(doc, (uint32_t)(i + 1), &name);
        seep_json_begin_object(json);
        seep_json_key_string(json, "name", seep_buf_text(&name));
        seep_json_end_object(json);
    }
    for (size_t i = 0; i < doc->n_frames; i++) {
        const struct seep_stacks_frame *f = &doc->frames[i];
        seep_buf_reset(&name);
        seep_stacks_full_name(f, &name);
        seep_json_begin_object(json);
        seep_json_key_string(json, "name", seep_buf_text(&name));
        if (f->file)
            seep_json_key_string(json, "file", f->file);
        if (f->line)
            seep_json_key_uint(json, "line", f->line);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_json_end_object(json);
    json->failed |= name.failed;
    seep_buf_clear(&name);
}

bool seep_stacks_speedscope(struct seep_stacks_doc *doc, FILE *out)
{
    struct seep_json json = { .write = seep_report_to_file, .ctx = out };
    size_t n = doc->options.top && doc->options.top < doc->n_rows ? doc->options.top : doc->n_rows;
    seep_json_begin_object(&json);
    seep_json_key_string(&json, "$schema", "https://www.speedscope.app/file-format-schema.json");
    seep_json_key_string(&json, "exporter", "seep " SEEP_VERSION);
    seep_json_key_string(&json, "name",
                         doc->n_sources ? doc->sources[doc->n_sources - 1].path : "seep");
    seep_json_key_uint(&json, "activeProfileIndex", doc->options.by_count ? 1 : 0);
    seep_json_key(&json, "profiles");
    seep_json_begin_array(&json);
    bool ok = speedscope_profile(doc, &json, n, false) && speedscope_profile(doc, &json, n, true);
    seep_json_end_array(&json);
    if (ok)
        speedscope_frames(doc, &json);
    seep_json_end_object(&json);
    ok = ok && seep_json_flush(&json);
    seep_json_clear(&json);
    return ok && fflush(out) == 0;
}
