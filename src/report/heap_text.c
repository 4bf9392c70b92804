// SPDX-License-Identifier: MIT
// `seep heap` for a person: the answer first, then the heaps, what dominates them, what nothing
// points to.
#include "report/heap.h"
#include "report/plain.h"

#include <inttypes.h>
#include <string.h>

enum {
    DEFAULT_TOP = 20,
    MAX_TYPE = 100,   // characters of a type's name
    MAX_STACK = 2000, // of a stack
};

struct text {
    const struct seep_heap_report *report;
    const struct seep_heap_summary *summary;
    struct seep_buf out;
    size_t top;
};

static void add_count(struct text *t, uint64_t value, int width)
{
    if (value == SEEP_UNKNOWN_BYTES)
        seep_buf_addf(&t->out, "%*s", width, "?");
    else
        seep_buf_addf(&t->out, "%*" PRIu64, width, value);
}

static void add_bytes(struct text *t, uint64_t bytes, int width)
{
    char size[SEEP_HUMAN_TEXT] = "?";
    if (bytes != SEEP_UNKNOWN_BYTES)
        seep_human_bytes((double)bytes, size);
    seep_buf_addf(&t->out, "%*s", width, size);
}

static void add_percent(struct text *t, uint64_t part, uint64_t whole)
{
    if (whole)
        seep_buf_addf(&t->out, "%.1f %%", 100.0 * (double)part / (double)whole);
}

// "blocks of 264 bytes of net::Buffer", "blocks of 264 bytes"
static void add_kind(struct text *t, const struct seep_blocks *b)
{
    seep_buf_addf(&t->out, "blocks of %" PRIu64 " bytes", b->size_bytes);
    if (b->type) {
        seep_buf_adds(&t->out, " of ");
        seep_plain_add(&t->out, b->type, MAX_TYPE);
    }
}

static void add_process(struct text *t)
{
    const struct seep_process *p = &t->summary->space->process;
    seep_plain_add(&t->out, p->image ? p->image : "the process", MAX_TYPE);
    if (p->has_pid)
        seep_buf_addf(&t->out, " (%" PRIu32 ")", p->pid);
}

// The line in which the answer stands.
static void add_answer(struct text *t)
{
    const struct seep_heap_summary *s = t->summary;
    const struct seep_heap_groups *sizes = &s->groups[SEEP_BLOCKS_BY_SIZE];
    const struct seep_heap_groups *lost = &s->groups[SEEP_BLOCKS_UNREACHABLE];
    char size[SEEP_HUMAN_TEXT];
    add_process(t);
    if (!s->counted) {
        seep_buf_adds(&t->out, ": the file has no blocks of heaps to count\n");
        return;
    }
    seep_human_bytes((double)sizes->bytes, size);
    seep_buf_addf(&t->out, ": %" PRIu64 " block%s in use, %s", sizes->blocks,
                  sizes->blocks == 1 ? "" : "s", size);
    if (!s->unreachable_known) {
        seep_buf_adds(&t->out, "; whether something points to them is not known\n");
        return;
    }
    if (!lost->blocks) {
        seep_buf_adds(&t->out, "; something points to each of them\n");
        return;
    }
    seep_human_bytes((double)lost->bytes, size);
    seep_buf_addf(&t->out, "; nothing points to %" PRIu64 " of them, %s (", lost->blocks, size);
    add_percent(t, lost->bytes, sizes->bytes);
    seep_buf_adds(&t->out, "), most of it ");
    add_kind(t, lost->at[0]);
    seep_buf_addc(&t->out, '\n');
}

static void add_heaps(struct text *t)
{
    const struct seep_space *space = t->summary->space;
    size_t n = space->n_heaps < t->top ? space->n_heaps : t->top;
    if (!n)
        return;
    seep_buf_addf(&t->out, "\n%-18s %-7s %4s %10s %10s %10s %10s %10s %10s\n", "heap", "kind",
                  "bits", "blocks", "bytes", "busy", "free", "committed", "reserved");
    for (size_t i = 0; i < n; i++) {
        const struct seep_heap *h = &space->heaps[i];
        bool counted = t->summary->counted;
        seep_buf_addf(&t->out, "0x%-16" PRIx64 " %-7s %4u ", h->address,
                      seep_heap_kind_name(h->kind), h->bits);
        add_count(t, counted ? t->summary->uses[i].blocks : SEEP_UNKNOWN_BYTES, 10);
        seep_buf_addc(&t->out, ' ');
        add_bytes(t, counted ? t->summary->uses[i].bytes : SEEP_UNKNOWN_BYTES, 10);
        seep_buf_addc(&t->out, ' ');
        add_bytes(t, h->busy_bytes, 10);
        seep_buf_addc(&t->out, ' ');
        add_bytes(t, h->free_bytes, 10);
        seep_buf_addc(&t->out, ' ');
        add_bytes(t, h->committed_bytes, 10);
        seep_buf_addc(&t->out, ' ');
        add_bytes(t, h->reserved_bytes, 10);
        seep_buf_addc(&t->out, '\n');
    }
    if (n < space->n_heaps)
        seep_buf_addf(&t->out, "and %zu more: --top 0 shows all\n", space->n_heaps - n);
}

static void add_rest(struct text *t, const struct seep_heap_groups *g, size_t n)
{
    uint64_t bytes = 0;
    if (n >= g->n)
        return;
    for (size_t i = n; i < g->n; i++)
        bytes += g->at[i]->bytes;
    add_bytes(t, bytes, 10);
    seep_buf_addf(&t->out, " %*s  in %zu more: --top 0 shows all\n", 10, "", g->n - n);
}

static void add_content(struct text *t, const struct seep_blocks *b)
{
    if (!t->report->peek || !b->content)
        return;
    seep_buf_addf(&t->out, "%24s", "");
    seep_plain_add(&t->out, b->content, MAX_TYPE);
    seep_buf_addc(&t->out, '\n');
}

static void add_stack(struct text *t, const char *stack)
{
    struct seep_buf frame = { 0 };
    for (const char *p = stack; p && *p;) {
        size_t len = strcspn(p, ";");
        seep_buf_reset(&frame);
        seep_buf_add(&frame, p, len < MAX_STACK ? len : MAX_STACK);
        seep_buf_addf(&t->out, "%24s", "");
        seep_plain_add(&t->out, seep_buf_text(&frame), MAX_TYPE);
        seep_buf_addc(&t->out, '\n');
        p += len + (p[len] == ';');
    }
    t->out.failed |= frame.failed;
    seep_buf_clear(&frame);
}

// What stands behind the columns of bytes and blocks.
static void add_tail(struct text *t, enum seep_blocks_by by, const struct seep_blocks *b)
{
    switch (by) {
    case SEEP_BLOCKS_BY_SIZE:
        seep_buf_addf(&t->out, "of %" PRIu64 " bytes, heap 0x%" PRIx64, b->size_bytes, b->heap);
        break;
    case SEEP_BLOCKS_BY_TYPE:
        seep_plain_add(&t->out, b->type, MAX_TYPE);
        break;
    case SEEP_BLOCKS_UNREACHABLE:
        seep_buf_addf(&t->out, "of %" PRIu64 " bytes", b->size_bytes);
        if (b->type) {
            seep_buf_adds(&t->out, ", ");
            seep_plain_add(&t->out, b->type, MAX_TYPE);
        }
        if (!b->heads)
            seep_buf_adds(&t->out, " (held by leaked blocks only)");
        else if (b->heads < b->blocks)
            seep_buf_addf(&t->out, " (%" PRIu64 " of them held by leaked blocks)",
                          b->blocks - b->heads);
        break;
    default:
        seep_buf_addf(&t->out, "heap 0x%" PRIx64, b->heap);
        break;
    }
}

static void add_groups(struct text *t, enum seep_blocks_by by, const char *title)
{
    const struct seep_heap_groups *g = &t->summary->groups[by];
    size_t n = g->n < t->top ? g->n : t->top;
    if (!g->n)
        return;
    seep_buf_addf(&t->out, "\n%s\n%10s %10s\n", title, "bytes", "blocks");
    for (size_t i = 0; i < n; i++) {
        add_bytes(t, g->at[i]->bytes, 10);
        seep_buf_addc(&t->out, ' ');
        add_count(t, g->at[i]->blocks, 10);
        seep_buf_adds(&t->out, "  ");
        add_tail(t, by, g->at[i]);
        seep_buf_addc(&t->out, '\n');
        if (by == SEEP_BLOCKS_BY_STACK)
            add_stack(t, g->at[i]->stack);
        add_content(t, g->at[i]);
    }
    add_rest(t, g, n);
}

static void add_losses(struct text *t)
{
    bool first = true;
    for (size_t i = 0; i < t->report->n_sources; i++) {
        const struct seep_dataset_source *s = &t->report->sources[i];
        for (size_t k = 0; k < s->n_losses; k++) {
            seep_buf_adds(&t->out, first ? "\n" : "");
            first = false;
            if (t->report->n_sources > 1) {
                seep_plain_add(&t->out, s->path, 0);
                seep_buf_adds(&t->out, ": ");
            }
            seep_buf_adds(&t->out, s->losses[k].harmless ? "note: " : "lost: ");
            seep_plain_add(&t->out, s->losses[k].text, 0);
            seep_buf_addc(&t->out, '\n');
        }
    }
}

bool seep_heap_report_text(const struct seep_heap_report *report, FILE *out)
{
    struct text t = { .report = report,
                      .summary = report->summary,
                      .top = report->top ? report->top : DEFAULT_TOP };
    if (report->old)
        seep_heap_delta_text(&t.out, report, t.top);
    add_answer(&t);
    add_groups(&t, SEEP_BLOCKS_UNREACHABLE, "Nothing points to, by type and size:");
    add_groups(&t, SEEP_BLOCKS_BY_TYPE, "In use, by type:");
    add_groups(&t, SEEP_BLOCKS_BY_SIZE, "In use, by size:");
    add_groups(&t, SEEP_BLOCKS_BY_STACK, "In use, by the stack that allocated them:");
    add_heaps(&t);
    add_losses(&t);
    bool ok = !t.out.failed && fwrite(seep_buf_text(&t.out), 1, t.out.len, out) == t.out.len;
    seep_buf_clear(&t.out);
    return ok;
}
