// SPDX-License-Identifier: MIT
// The summary of the heaps of one process.
#include "report/heap.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static int by_bytes(const void *left, const void *right)
{
    const struct seep_blocks *a = *(const struct seep_blocks *const *)left;
    const struct seep_blocks *b = *(const struct seep_blocks *const *)right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    if (a->blocks != b->blocks)
        return a->blocks > b->blocks ? -1 : 1;
    if (a->heap != b->heap)
        return a->heap < b->heap ? -1 : 1;
    if (a->size_bytes != b->size_bytes)
        return a->size_bytes > b->size_bytes ? -1 : 1;
    return strcmp(a->type ? a->type : "", b->type ? b->type : "");
}

// Adds the sizes up by heap; space->heaps are by address.
static bool make_uses(struct seep_heap_summary *summary)
{
    const struct seep_space *space = summary->space;
    const struct seep_heap_groups *sizes = &summary->groups[SEEP_BLOCKS_BY_SIZE];
    summary->uses = seep_alloc(space->n_heaps ? space->n_heaps : 1, sizeof *summary->uses);
    if (!summary->uses)
        return false;
    for (size_t i = 0; i < sizes->n; i++) {
        size_t low = 0, high = space->n_heaps;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (space->heaps[middle].address < sizes->at[i]->heap)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == space->n_heaps || space->heaps[low].address != sizes->at[i]->heap)
            continue;
        summary->uses[low].blocks += sizes->at[i]->blocks;
        summary->uses[low].bytes += sizes->at[i]->bytes;
    }
    return true;
}

bool seep_heap_summary_make(const struct seep_space *space, const struct seep_loss *losses,
                            size_t n_losses, struct seep_heap_summary *summary)
{
    bool no_roots = false;
    memset(summary, 0, sizeof *summary);
    summary->space = space;
    for (size_t i = 0; i < space->n_blocks; i++) {
        const struct seep_blocks *b = &space->blocks[i];
        struct seep_heap_groups *g = &summary->groups[b->by];
        if (!seep_grow(&g->at, &g->capacity, g->n + 1, sizeof *g->at))
            return false;
        g->at[g->n++] = b;
        g->blocks += b->blocks;
        g->bytes += b->bytes;
        summary->heads += b->heads;
    }
    for (int i = 0; i < SEEP_N_BLOCKS_BY; i++) {
        if (summary->groups[i].n)
            qsort(summary->groups[i].at, summary->groups[i].n, sizeof *summary->groups[i].at,
                  by_bytes);
    }
    for (size_t i = 0; i < n_losses; i++)
        no_roots |= strcmp(losses[i].what, "heap-roots") == 0 ||
                    strcmp(losses[i].what, "unreachable-unknown") == 0;
    summary->counted = summary->groups[SEEP_BLOCKS_BY_SIZE].n != 0;
    summary->unreachable_known = summary->counted && !no_roots;
    return make_uses(summary);
}

void seep_heap_summary_clear(struct seep_heap_summary *summary)
{
    for (int i = 0; i < SEEP_N_BLOCKS_BY; i++)
        seep_free(summary->groups[i].at);
    seep_free(summary->uses);
    memset(summary, 0, sizeof *summary);
}

// By what is the same, then what was before what is.
static int by_key(const void *left, const void *right)
{
    const struct seep_heap_change *a = left, *b = right;
    if (a->size_bytes != b->size_bytes)
        return a->size_bytes < b->size_bytes ? -1 : 1;
    return strcmp(a->type ? a->type : "", b->type ? b->type : "");
}

static int64_t grown(const struct seep_heap_change *c)
{
    return (int64_t)(c->bytes - c->old_bytes);
}

static int by_growth(const void *left, const void *right)
{
    const struct seep_heap_change *a = left, *b = right;
    int64_t x = grown(a), y = grown(b);
    if (x != y)
        return x > y ? -1 : 1;
    x = (int64_t)(a->blocks - a->old_blocks);
    y = (int64_t)(b->blocks - b->old_blocks);
    return x != y ? (x > y ? -1 : 1) : by_key(left, right);
}

static void put(const struct seep_heap_groups *g, bool old, struct seep_heap_change *at, size_t *n)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct seep_blocks *b = g->at[i];
        struct seep_heap_change c = { .type = b->by == SEEP_BLOCKS_BY_STACK ? b->stack : b->type,
                                      .size_bytes = b->size_bytes };
        *(old ? &c.old_blocks : &c.blocks) = b->blocks;
        *(old ? &c.old_bytes : &c.bytes) = b->bytes;
        at[(*n)++] = c;
    }
}

bool seep_heap_compare(const struct seep_heap_summary *old, const struct seep_heap_summary *new_,
                       enum seep_blocks_by by, struct seep_heap_changes *changes)
{
    size_t n = 0, kept = 0;
    struct seep_heap_change *at =
        seep_alloc(old->groups[by].n + new_->groups[by].n + 1, sizeof *at);
    if (!at)
        return false;
    put(&old->groups[by], true, at, &n);
    put(&new_->groups[by], false, at, &n);
    qsort(at, n, sizeof *at, by_key);
    for (size_t i = 0; i < n;) {
        struct seep_heap_change c = at[i++];
        for (; i < n && by_key(&c, &at[i]) == 0; i++) {
            c.old_blocks += at[i].old_blocks;
            c.old_bytes += at[i].old_bytes;
            c.blocks += at[i].blocks;
            c.bytes += at[i].bytes;
        }
        if (c.blocks != c.old_blocks || c.bytes != c.old_bytes)
            at[kept++] = c;
    }
    qsort(at, kept, sizeof *at, by_growth);
    *changes = (struct seep_heap_changes){ at, kept };
    return true;
}

void seep_heap_changes_clear(struct seep_heap_changes *changes)
{
    seep_free(changes->at);
    *changes = (struct seep_heap_changes){ .n = 0 };
}
