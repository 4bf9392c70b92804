// SPDX-License-Identifier: MIT
// `seep stacks` for a person: the stack that leaks first, with exact numbers.
#include "base/alloc.h"
#include "base/time.h"
#include "report/plain.h"
#include "report/stacks.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// Frames and lines of a tree that are shown where nobody asked for all.
enum { DEFAULT_TOP = 20, MAX_TREE = 200, MAX_DEPTH_SHOWN = 60, MAX_NAME_SHOWN = 200 };

struct text {
    struct seep_stacks_doc *doc;
    struct seep_buf out, work;
    struct seep_stacks_path path;
    size_t top;
    bool ok;
};

static void add_plain(struct text *t, const char *name)
{
    seep_plain_add(&t->out, name, MAX_NAME_SHOWN);
}

static bool is_counted(const struct seep_stacks_row *row)
{
    return seep_profile_metric(row->site.kind) == SEEP_METRIC_OUTSTANDING_COUNT;
}

static void add_frame(struct text *t, const struct seep_stacks_frame *f, const char *mark)
{
    seep_buf_reset(&t->work);
    seep_stacks_full_name(f, &t->work);
    seep_buf_addf(&t->out, "    %s", mark);
    add_plain(t, seep_buf_text(&t->work));
    if (f->function && f->has_offset && f->offset)
        seep_buf_addf(&t->out, "+0x%" PRIx64, f->offset);
    if (f->file) {
        seep_buf_adds(&t->out, " [");
        add_plain(t, f->file);
        if (f->line)
            seep_buf_addf(&t->out, " @ %" PRIu32, f->line);
        seep_buf_adds(&t->out, "]");
    }
    seep_buf_addc(&t->out, '\n');
}

static const char *what_it_counts(const struct seep_stacks_row *row)
{
    switch (row->site.kind) {
    case SEEP_SITE_HANDLE:
        return "handles";
    case SEEP_SITE_REFERENCE:
        return "references";
    default:
        return "allocations";
    }
}

static void add_bytes(struct text *t, int64_t bytes, bool sign)
{
    char size[SEEP_HUMAN_TEXT];
    seep_human_bytes((double)bytes, size);
    seep_buf_addf(&t->out, "%s%s", sign && bytes > 0 ? "+" : "", size);
}

// The numbers of a site: exact where they are the difference of two files, so that they can be
// compared with what umdh says.
static void add_numbers(struct text *t, const struct seep_stacks_row *row)
{
    struct seep_buf *out = &t->out;
    const struct seep_profile_sums *now = &row->now, *old = &row->old;
    const char *what = what_it_counts(row);
    if (t->doc->mode == SEEP_STACKS_DIFF) {
        int64_t bytes = seep_stacks_bytes(t->doc, row), count = seep_stacks_count(t->doc, row);
        if (!is_counted(row)) {
            add_bytes(t, bytes, true);
            seep_buf_addf(out, "  %+" PRId64 " bytes (%" PRIu64 " - %" PRIu64 "), ", bytes,
                          now->outstanding_bytes, old->outstanding_bytes);
        }
        seep_buf_addf(out, "%+" PRId64 " %s (%" PRIu64 " - %" PRIu64 ")", count, what,
                      now->outstanding_count, old->outstanding_count);
    } else if (t->doc->mode == SEEP_STACKS_SURVIVORS) {
        if (!is_counted(row)) {
            add_bytes(t, (int64_t)row->survivor_bytes, false);
            seep_buf_adds(out, " in ");
        }
        seep_buf_addf(out, "%" PRIu64 " %s there in all %zu files", row->survivor_count, what,
                      t->doc->profile->n_moments);
        if (!is_counted(row)) {
            seep_buf_adds(out, ", ");
            add_bytes(t, (int64_t)now->outstanding_bytes, false);
            seep_buf_adds(out, " at the end");
        }
    } else {
        if (!is_counted(row)) {
            add_bytes(t, (int64_t)now->outstanding_bytes, false);
            seep_buf_adds(out, " in ");
        }
        seep_buf_addf(out, "%" PRIu64 " %s", now->outstanding_count, what);
        if (now->allocs)
            seep_buf_addf(out, " (%" PRIu64 " made, %" PRIu64 " freed)", now->allocs, now->frees);
        if (row->site.kind == SEEP_SITE_REFERENCE && now->dead_count)
            seep_buf_addf(out, ", %" PRIu64 " to processes that have ended", now->dead_count);
    }
}

static void add_owner(struct text *t, const struct seep_stacks_row *row)
{
    seep_buf_reset(&t->work);
    seep_stacks_process_name(t->doc, row->process, &t->work);
    add_plain(t, seep_buf_text(&t->work));
    seep_buf_addf(&t->out, " %s", seep_site_kind_name(row->site.kind));
    if (row->site.kind == SEEP_SITE_POOL)
        seep_buf_adds(&t->out, row->site.paged ? " (paged)" : " (nonpaged)");
    if (row->site.tag) {
        seep_buf_addc(&t->out, ' ');
        add_plain(t, row->site.tag);
    }
    if (row->site.heap)
        seep_buf_addf(&t->out, " 0x%" PRIx64, row->site.heap);
}

static const char *color_of(const struct text *t, enum seep_verdict verdict)
{
    if (!t->doc->options.color)
        return "";
    return verdict == SEEP_VERDICT_LEAKING   ? "\033[1;31m"
           : verdict == SEEP_VERDICT_SUSPECT ? "\033[33m"
                                             : "";
}

static void add_growth(struct text *t, const struct seep_stacks_row *row)
{
    char rate[SEEP_HUMAN_TEXT];
    if (!row->judged || row->verdict == SEEP_VERDICT_UNKNOWN)
        return;
    const char *color = color_of(t, row->verdict);
    seep_buf_addf(&t->out, "  %s%s%s", color,
                  row->verdict == SEEP_VERDICT_LEAKING ? "LEAKING"
                                                       : seep_verdict_name(row->verdict),
                  *color ? "\033[0m" : "");
    if (row->rate.known && row->verdict >= SEEP_VERDICT_SUSPECT) {
        seep_human_rate(row->rate.value, is_counted(row) ? "count" : "bytes", rate);
        seep_buf_addf(&t->out, " %s", rate);
    }
}

static void add_row(struct text *t, const struct seep_stacks_row *row)
{
    if (!seep_stacks_path(t->doc, row, &t->path)) {
        t->ok = false;
        return;
    }
    seep_buf_addc(&t->out, '\n');
    add_numbers(t, row);
    seep_buf_adds(&t->out, "  ");
    add_owner(t, row);
    add_growth(t, row);
    seep_buf_addc(&t->out, '\n');
    size_t blamed = seep_stacks_blamed(t->doc, &t->path), n = t->path.n;
    for (size_t i = 0; i < n && i < MAX_DEPTH_SHOWN; i++)
        add_frame(t, &t->doc->frames[t->path.at[i]], i == blamed ? "> " : "  ");
    if (n > MAX_DEPTH_SHOWN)
        seep_buf_addf(&t->out, "      and %zu more frames\n", n - MAX_DEPTH_SHOWN);
    if (n == 0)
        seep_buf_adds(&t->out, "      no stack is known\n");
}

// The worst site in one line: the answer.
static void add_answer(struct text *t)
{
    const struct seep_stacks_row *worst = NULL;
    char rate[SEEP_HUMAN_TEXT];
    for (size_t i = 0; i < t->doc->n_rows; i++) {
        const struct seep_stacks_row *row = &t->doc->rows[i];
        if (row->judged && row->verdict >= SEEP_VERDICT_SUSPECT &&
            (!worst || row->verdict > worst->verdict))
            worst = row;
    }
    if (!worst || !seep_stacks_path(t->doc, worst, &t->path))
        return;
    size_t blamed = seep_stacks_blamed(t->doc, &t->path);
    const char *color = color_of(t, worst->verdict);
    seep_buf_addf(&t->out, "%s%s%s  ", color,
                  worst->verdict == SEEP_VERDICT_LEAKING ? "LEAKING" : "SUSPECT",
                  *color ? "\033[0m" : "");
    if (blamed < t->path.n || t->path.n) {
        seep_buf_reset(&t->work);
        seep_stacks_full_name(&t->doc->frames[t->path.at[blamed < t->path.n ? blamed : 0]],
                              &t->work);
        add_plain(t, seep_buf_text(&t->work));
        seep_buf_adds(&t->out, " in ");
    }
    add_owner(t, worst);
    if (worst->rate.known) {
        seep_human_rate(worst->rate.value, is_counted(worst) ? "count" : "bytes", rate);
        seep_buf_addf(&t->out, ": %s", rate);
    }
    seep_buf_addc(&t->out, '\n');
}

static void add_totals(struct text *t)
{
    const struct seep_stacks_doc *doc = t->doc;
    const struct seep_profile_sums *now = &doc->total, *old = &doc->old_total;
    struct seep_buf *out = &t->out;
    if (doc->mode == SEEP_STACKS_DIFF) {
        int64_t bytes = (int64_t)(now->outstanding_bytes - old->outstanding_bytes);
        int64_t count = (int64_t)(now->outstanding_count - old->outstanding_count);
        seep_buf_adds(out, "Total increase: ");
        add_bytes(t, bytes, true);
        seep_buf_addf(out,
                      "  %+" PRId64 " bytes (%" PRIu64 " - %" PRIu64 "), %+" PRId64
                      " allocations (%" PRIu64 " - %" PRIu64 "), %zu sites changed\n",
                      bytes, now->outstanding_bytes, old->outstanding_bytes, count,
                      now->outstanding_count, old->outstanding_count, doc->n_rows);
        int64_t overhead = (int64_t)(now->overhead_bytes - old->overhead_bytes);
        // umdh's total: requested + overhead = both.
        if (now->overhead_bytes || old->overhead_bytes)
            seep_buf_addf(out,
                          "%+" PRId64 " bytes requested and %+" PRId64
                          " of the heap's overhead are %+" PRId64 " bytes\n",
                          bytes, overhead, bytes + overhead);
        return;
    }
    if (doc->mode == SEEP_STACKS_SURVIVORS) {
        seep_buf_adds(out, "Survivors: ");
        add_bytes(t, (int64_t)doc->survivor_bytes, false);
        seep_buf_addf(out, " in %" PRIu64 " allocations there in all %zu files; ",
                      doc->survivor_count, doc->profile->n_moments);
    }
    seep_buf_adds(out, "Outstanding: ");
    add_bytes(t, (int64_t)now->outstanding_bytes, false);
    seep_buf_addf(out, " in %" PRIu64 " allocations of %zu sites", now->outstanding_count,
                  doc->n_rows);
    if (now->allocs)
        seep_buf_addf(out, "; %" PRIu64 " made, %" PRIu64 " freed", now->allocs, now->frees);
    if (doc->unmatched_frees)
        seep_buf_addf(out, ", %" PRIu64 " frees of what was there before", doc->unmatched_frees);
    seep_buf_addc(out, '\n');
}

static void add_frees(struct text *t)
{
    const struct seep_profile *p = t->doc->profile;
    size_t n = 0, shown = t->top < 5 ? t->top : 5;
    for (size_t i = 0; i < p->n_frees; i++) {
        const struct seep_site_frees *f = &p->frees[i];
        if (p->frees_moment[i] + 1 != p->n_moments || !f->stack.v ||
            !seep_stacks_wants_frees(t->doc, f))
            continue;
        if (n++ >= shown)
            continue;
        if (n == 1)
            seep_buf_adds(&t->out, "\nWhat gave memory back:\n");
        if (!seep_stacks_path_of(t->doc, f->process.v, f->stack, t->doc->options.blame, &t->path)) {
            t->ok = false;
            return;
        }
        seep_buf_addf(&t->out, "\n%" PRIu64 " %s of ", f->frees,
                      f->decommit ? "decommits" : "frees");
        add_bytes(t, (int64_t)f->bytes, false);
        seep_buf_adds(&t->out, f->unmatched ? " that was there before the trace  " : "  ");
        seep_buf_reset(&t->work);
        seep_stacks_process_name(t->doc, f->process.v, &t->work);
        add_plain(t, seep_buf_text(&t->work));
        seep_buf_addf(&t->out, " %s\n", seep_site_kind_name(f->kind));
        for (size_t k = 0; k < t->path.n && k < MAX_DEPTH_SHOWN; k++)
            add_frame(t, &t->doc->frames[t->path.at[k]], "  ");
    }
    if (n > shown)
        seep_buf_addf(&t->out, "\nand %zu more that gave memory back (--json lists them)\n",
                      n - shown);
}

static void add_tree(struct text *t)
{
    struct seep_stacks_tree tree = { .n = 0 };
    bool by_count = t->doc->options.by_count;
    if (!seep_stacks_tree(t->doc, strcmp(t->doc->options.tree, "callers") == 0, &tree)) {
        t->ok = false;
        return;
    }
    size_t most = t->doc->options.top ? SIZE_MAX : MAX_TREE, shown = 0;
    seep_buf_addf(&t->out, "\n%12s %10s  %s\n", "bytes", "count", t->doc->options.tree);
    for (size_t i = 0; i < tree.n; i++) {
        const struct seep_stacks_tree_node *node = &tree.at[i];
        const struct seep_stacks_tree_node *root = node;
        while (root->parent)
            root = &tree.at[root->parent - 1];
        // What is less than a hundredth of its process is not what somebody looks for.
        int64_t weight = by_count ? node->count : node->bytes;
        int64_t whole = by_count ? root->count : root->bytes;
        if (shown >= most || (!t->doc->options.top && weight * 100 < whole))
            continue;
        shown++;
        seep_buf_reset(&t->work);
        if (node->frame == UINT32_MAX)
            seep_stacks_process_name(t->doc, node->process, &t->work);
        else
            seep_stacks_full_name(&t->doc->frames[node->frame], &t->work);
        char size[SEEP_HUMAN_TEXT];
        seep_human_bytes((double)node->bytes, size);
        seep_buf_addf(&t->out, "%12s %10" PRId64 "  %*s", size, node->count,
                      (int)(node->depth < 60 ? node->depth : 60) * 2, "");
        add_plain(t, seep_buf_text(&t->work));
        seep_buf_addc(&t->out, '\n');
    }
    if (shown < tree.n)
        seep_buf_addf(&t->out, "%zu smaller ones are not shown (--top 0 shows all)\n",
                      tree.n - shown);
    seep_stacks_tree_clear(&tree);
}

bool seep_stacks_text(struct seep_stacks_doc *doc, FILE *out)
{
    struct text t = { .doc = doc, .ok = true };
    t.top = doc->options.top ? doc->options.top : DEFAULT_TOP;
    for (size_t i = 0; i < doc->n_messages; i++) {
        add_plain(&t, doc->messages[i]);
        seep_buf_addc(&t.out, '\n');
    }
    add_answer(&t);
    add_totals(&t);
    if (doc->options.tree)
        add_tree(&t);
    // Rows are in the order of weight: those that hold nothing are the last.
    size_t n_all = 0;
    while (n_all < doc->n_rows && (doc->mode == SEEP_STACKS_DIFF || doc->rows[n_all].weight > 0))
        n_all++;
    size_t n = n_all < t.top ? n_all : t.top;
    for (size_t i = 0; t.ok && !doc->options.tree && i < n; i++)
        add_row(&t, &doc->rows[i]);
    if (!doc->options.tree && n < n_all)
        seep_buf_addf(&t.out, "\nand %zu more sites (--top 0 shows all)\n", n_all - n);
    if (t.ok && !doc->options.tree)
        add_frees(&t);
    bool ok = t.ok && !t.out.failed && !t.work.failed &&
              fwrite(seep_buf_text(&t.out), 1, t.out.len, out) == t.out.len && fflush(out) == 0;
    seep_buf_clear(&t.out);
    seep_buf_clear(&t.work);
    seep_stacks_path_clear(&t.path);
    return ok;
}
