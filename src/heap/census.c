// SPDX-License-Identifier: MIT
// The census: one walk over all heaps, a mark, and groups.
#include "heap/census.h"

#include "base/alloc.h"
#include "heap/classes.h"
#include "heap/index.h"
#include "heap/mark.h"
#include "heap/tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PEEK_BYTES = 64, // of a block that are looked into
    PEEK_LEAST = 4,  // characters that make a text
};

struct census {
    const struct seep_census *in;
    const struct seep_census_visitor *visitor;
    struct seep_index index;
    struct seep_mark mark;
    struct seep_classes classes;
    struct seep_tally sizes;          // (heap, size)
    struct seep_tally types;          // (class, 0)
    struct seep_tally leaked;         // (class, size)
    struct seep_tally stacks;         // (heap, trace)
    struct seep_mark_extent *extents; // of all heaps
    size_t n_extents, extents_capacity;
    uint8_t *bits_of; // of each heap: 32 or 64
    uint32_t heap;    // at hand
    struct seep_census_totals totals;
    bool stopped, no_memory;
};

static void lose(struct census *c, const char *what, uint64_t address, const char *text)
{
    if (!c->stopped && c->visitor->loss && !c->visitor->loss(c->visitor->ctx, what, address, text))
        c->stopped = true;
}

// --- the walk

static bool on_range(void *ctx, const struct seep_heap *heap, uint64_t address, uint64_t size)
{
    struct census *c = ctx;
    (void)heap;
    seep_index_break(&c->index);
    if (!seep_grow(&c->extents, &c->extents_capacity, c->n_extents + 1, sizeof *c->extents))
        return !(c->no_memory = true);
    c->extents[c->n_extents++] = (struct seep_mark_extent){ address, size };
    return true;
}

static bool on_loss(void *ctx, const char *what, uint64_t address, const char *text)
{
    struct census *c = ctx;
    lose(c, what, address, text);
    return !c->stopped;
}

// The class of a block by its first word.
static uint32_t class_of(struct census *c, uint64_t address, uint64_t size_bytes, unsigned bits)
{
    uint64_t word;
    if (!c->in->n_images || size_bytes < bits / 8 || address % (bits / 8) ||
        !seep_memory_pointer(c->in->memory, address, bits / 8, &word))
        return 0;
    return seep_classes_of(&c->classes, word, bits / 8);
}

// What there is to be done, for progress: what the dump holds is looked at once for the blocks and
// once for what they point to. 0 = unknown.
static uint64_t work_bytes(const struct census *c)
{
    return c->in->n_heaps ? 2 * c->in->heaps[0].process->held_bytes : 0;
}

static bool on_block(void *ctx, const struct seep_heap *heap, const struct seep_heap_block *block)
{
    struct census *c = ctx;
    if (!block->busy)
        return true;
    uint32_t class = class_of(c, block->address, block->size_bytes, heap->bits);
    enum { BLOCKS_PER_LOOK = 65536 };
    if (++c->totals.blocks % BLOCKS_PER_LOOK == 0)
        seep_progress(c->in->control, c->totals.bytes, work_bytes(c));
    c->totals.bytes += block->size_bytes;
    if (!seep_index_add(&c->index, block->address, block->size_bytes, c->heap) ||
        !seep_tally_add(&c->sizes, c->heap, block->size_bytes, block->size_bytes, block->address) ||
        (class && !seep_tally_add(&c->types, class, 0, block->size_bytes, block->address)) ||
        (block->trace &&
         !seep_tally_add(&c->stacks, c->heap, block->trace, block->size_bytes, block->address)) ||
        c->classes.no_memory)
        return !(c->no_memory = true);
    return true;
}

// A heap that was not walked: where its first bytes are not held there is nothing wrong with it.
static void lose_heap(struct census *c, const struct seep_census_heap *from,
                      const struct seep_err *err)
{
    enum { HEAD_BYTES = 0xa4 }; // up to the signatures of either kind, in each layout
    uint8_t head[HEAD_BYTES];
    bool held = seep_memory_read(c->in->memory, from->address, head, sizeof head) == sizeof head;
    if (held)
        lose(c, "heap", from->address, err->what);
    else
        lose(c, "heap-memory-missing", from->address, "the memory of a heap is not in the dump");
}

static void walk_heaps(struct census *c)
{
    struct seep_heap_visitor visitor = {
        .range = on_range, .block = on_block, .loss = on_loss, .ctx = c
    };
    for (size_t i = 0; i < c->in->n_heaps && !c->stopped && !c->no_memory; i++) {
        const struct seep_census_heap *from = &c->in->heaps[i];
        struct seep_heap heap = { 0 };
        struct seep_err err = { 0 };
        c->heap = (uint32_t)i;
        c->bits_of[i] = (uint8_t)from->process->bits;
        seep_index_break(&c->index);
        if (!seep_heap_walk(from->process, from->address, &visitor, c->in->control, &heap, &err))
            lose_heap(c, from, &err);
        else if (c->visitor->heap && !c->visitor->heap(c->visitor->ctx, &heap))
            c->stopped = true;
        c->stopped |= seep_cancelled(c->in->control);
    }
}

// --- roots

static int by_address(const void *a, const void *b)
{
    const struct seep_mark_extent *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

// Heaps' address space, ascending and joined.
static void sort_extents(struct census *c)
{
    size_t kept = 0;
    if (c->n_extents)
        qsort(c->extents, c->n_extents, sizeof *c->extents, by_address);
    for (size_t i = 0; i < c->n_extents; i++) {
        struct seep_mark_extent e = c->extents[i], *before = kept ? &c->extents[kept - 1] : NULL;
        if (e.size_bytes > UINT64_MAX - e.address)
            e.size_bytes = UINT64_MAX - e.address;
        if (!before || e.address - before->address > before->size_bytes) {
            c->extents[kept++] = e;
            continue;
        }
        uint64_t offset = e.address - before->address;
        if (offset + e.size_bytes > before->size_bytes)
            before->size_bytes = offset + e.size_bytes;
    }
    c->n_extents = kept;
}

// The first extent that ends behind an address.
static size_t extent_after(const struct census *c, uint64_t address)
{
    size_t low = 0, high = c->n_extents;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct seep_mark_extent *e = &c->extents[middle];
        if (e->address <= address && address - e->address >= e->size_bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Marks from what of a root belongs to no heap.
static void mark_root(struct census *c, const struct seep_census_root *root)
{
    uint64_t at = root->address, end = at + root->size_bytes;
    if (root->size_bytes > UINT64_MAX - at)
        end = UINT64_MAX;
    for (size_t i = extent_after(c, at); at < end; i++) {
        uint64_t stop = i < c->n_extents ? c->extents[i].address : end;
        if (stop > end)
            stop = end;
        if (stop > at)
            seep_mark_memory(&c->mark, at, stop - at, root->pointer_bytes);
        if (i >= c->n_extents || c->extents[i].address >= end)
            break;
        uint64_t behind = c->extents[i].address + c->extents[i].size_bytes;
        at = behind > at ? behind : at;
    }
}

static bool mark_all(struct census *c)
{
    char text[160];
    uint64_t roots = 0;
    if (!c->in->n_roots)
        return true;
    sort_extents(c);
    if (!seep_mark_init(&c->mark, c->in, &c->index))
        return false;
    for (size_t i = 0; i < c->in->n_roots; i++) {
        mark_root(c, &c->in->roots[i]);
        roots += c->in->roots[i].size_bytes;
    }
    for (size_t i = 0; i < c->in->n_registers; i++)
        seep_mark_word(&c->mark, c->in->registers[i]);
    if (!c->mark.looked_bytes && c->index.n) {
        lose(c, "heap-roots", SEEP_NO_OFFSET,
             "the memory that may point to blocks is not in the dump: what is unreachable is not "
             "known");
        return true;
    }
    if (c->mark.missing_bytes) {
        (void)snprintf(text, sizeof text,
                       "%" PRIu64 " of %" PRIu64 " bytes that may point to blocks are not in the "
                       "dump: what seems unreachable may not be",
                       c->mark.missing_bytes, roots);
        lose(c, "heap-roots-partial", SEEP_NO_OFFSET, text);
    }
    c->mark.missing_bytes = 0;
    c->mark.progress_bytes = c->totals.bytes;
    c->mark.total_bytes = work_bytes(c);
    seep_mark_follow(&c->mark, c->bits_of);
    seep_mark_heads(&c->mark, c->bits_of);
    c->stopped |= c->mark.cancelled;
    c->totals.marked = !c->mark.cancelled;
    return !c->mark.no_memory;
}

static bool tally_unreachable(struct census *c)
{
    for (uint32_t i = 0; i < c->index.n; i++) {
        const struct seep_index_block *b = &c->index.blocks[i];
        uint64_t size = seep_index_size(b);
        if (!b->address || seep_mark_has(c->mark.marked, i))
            continue;
        uint32_t class = class_of(c, b->address, size, c->bits_of[seep_index_heap(b)]);
        bool head = !seep_mark_has(c->mark.pointed, i);
        struct seep_tally_row *row;
        if (!seep_tally_add(&c->leaked, class, size, size, b->address) ||
            !(row = seep_tally_row(&c->leaked, class, size)))
            return false;
        row->heads += head;
        // What is told is best a block that nothing holds: from there the others hang.
        if (head && row->heads == 1)
            row->example = b->address;
        c->totals.unreachable_blocks++;
        c->totals.unreachable_bytes += size;
        c->totals.head_blocks += head;
    }
    return true;
}

// --- what is told

// A text in a block: ASCII or UTF-16 from its first byte on, else its bytes in hexadecimal.
static void peek(struct census *c, uint64_t address, uint64_t size_bytes, struct seep_buf *out)
{
    uint8_t bytes[PEEK_BYTES];
    size_t n = size_bytes < sizeof bytes ? (size_t)size_bytes : sizeof bytes, ascii = 0, wide = 0;
    n = seep_memory_read(c->in->memory, address, bytes, n);
    while (ascii < n && bytes[ascii] >= ' ' && bytes[ascii] <= '~')
        ascii++;
    while (2 * wide + 1 < n && bytes[2 * wide] >= ' ' && bytes[2 * wide] <= '~' &&
           bytes[2 * wide + 1] == 0)
        wide++;
    if (ascii >= PEEK_LEAST || wide >= PEEK_LEAST) {
        seep_buf_addc(out, '"');
        for (size_t i = 0; i < (ascii > wide ? ascii : wide); i++)
            seep_buf_addc(out, (char)bytes[ascii > wide ? i : 2 * i]);
        seep_buf_addc(out, '"');
        return;
    }
    for (size_t i = 0; i < n && i < PEEK_BYTES / 2; i++)
        seep_buf_addf(out, i && i % 8 == 0 ? " %02x" : "%02x", bytes[i]);
}

static void frames(struct census *c, uint32_t heap, uint64_t trace, struct seep_buf *out)
{
    uint64_t at[SEEP_HEAP_MAX_FRAMES];
    size_t n = seep_heap_trace(c->in->heaps[heap].process, trace, at);
    for (size_t i = 0; i < n; i++) {
        if (i)
            seep_buf_addc(out, ';');
        if (c->in->frame)
            c->in->frame(c->in->ctx, at[i], out);
        else
            seep_buf_addf(out, "0x%" PRIx64, at[i]);
    }
}

// Tells the rows of one tally.
static bool tell(struct census *c, enum seep_blocks_by by, struct seep_tally *tally)
{
    struct seep_buf text = { 0 }, content = { 0 };
    bool ok = true;
    seep_tally_sort(tally);
    for (size_t i = 0; ok && i < tally->n && !c->stopped; i++) {
        const struct seep_tally_row *row = &tally->rows[i];
        struct seep_blocks blocks = { .by = by, .blocks = row->blocks, .bytes = row->bytes };
        uint64_t each = row->blocks ? row->bytes / row->blocks : 0;
        seep_buf_reset(&text);
        seep_buf_reset(&content);
        if (by == SEEP_BLOCKS_BY_SIZE || by == SEEP_BLOCKS_BY_STACK)
            blocks.heap = c->in->heaps[row->a].address;
        if (by == SEEP_BLOCKS_BY_SIZE || by == SEEP_BLOCKS_UNREACHABLE)
            blocks.size_bytes = row->b;
        if ((by == SEEP_BLOCKS_BY_TYPE || by == SEEP_BLOCKS_UNREACHABLE) && row->a)
            blocks.type = seep_intern_text(&c->classes.names, (uint32_t)row->a);
        if (by == SEEP_BLOCKS_UNREACHABLE)
            blocks.heads = row->heads;
        if (by == SEEP_BLOCKS_BY_STACK) {
            frames(c, (uint32_t)row->a, row->b, &text);
            blocks.stack = text.len ? seep_buf_text(&text) : NULL;
        }
        if (c->in->peek && by != SEEP_BLOCKS_BY_SIZE) {
            peek(c, row->example, each, &content);
            blocks.content = content.len ? seep_buf_text(&content) : NULL;
        }
        ok = !text.failed && !content.failed;
        if (ok && c->visitor->blocks && !c->visitor->blocks(c->visitor->ctx, &blocks))
            c->stopped = true;
    }
    seep_buf_clear(&text);
    seep_buf_clear(&content);
    return ok;
}

static bool run(struct census *c)
{
    uint64_t dropped;
    c->bits_of = seep_alloc(c->in->n_heaps ? c->in->n_heaps : 1, 1);
    if (!c->bits_of || !seep_classes_init(&c->classes, c->in))
        return false;
    walk_heaps(c);
    if (c->no_memory || !seep_index_finish(&c->index, &dropped))
        return false;
    if (dropped)
        lose(c, "heap-overlap", SEEP_NO_OFFSET, "blocks of two heaps lie at the same addresses");
    if (!c->stopped && (!mark_all(c) || (c->totals.marked && !tally_unreachable(c))))
        return false;
    c->totals.memory_bytes = seep_index_bytes(&c->index) + c->mark.peak_bytes +
                             seep_tally_bytes(&c->sizes) + seep_tally_bytes(&c->types) +
                             seep_tally_bytes(&c->leaked) + seep_tally_bytes(&c->stacks) +
                             seep_classes_bytes(&c->classes);
    return tell(c, SEEP_BLOCKS_BY_SIZE, &c->sizes) && tell(c, SEEP_BLOCKS_BY_TYPE, &c->types) &&
           (!c->totals.marked || tell(c, SEEP_BLOCKS_UNREACHABLE, &c->leaked)) &&
           tell(c, SEEP_BLOCKS_BY_STACK, &c->stacks);
}

bool seep_heap_census(const struct seep_census *census, const struct seep_census_visitor *visitor,
                      struct seep_census_totals *totals, struct seep_err *err)
{
    struct census c = { .in = census, .visitor = visitor };
    bool ok = run(&c);
    if (ok && totals)
        *totals = c.totals;
    seep_index_clear(&c.index);
    seep_mark_clear(&c.mark);
    seep_classes_clear(&c.classes);
    seep_tally_clear(&c.sizes);
    seep_tally_clear(&c.types);
    seep_tally_clear(&c.leaked);
    seep_tally_clear(&c.stacks);
    seep_free(c.extents);
    seep_free(c.bits_of);
    return ok || seep_fail_memory(err);
}
