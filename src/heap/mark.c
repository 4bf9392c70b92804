// SPDX-License-Identifier: MIT
// The conservative mark. Each block is looked into once, each root word once.
#include "heap/mark.h"

#include "base/alloc.h"

#include <string.h>

// What is done with a block that a word points to.
enum action { MARK, POINT };

enum { BLOCKS_PER_LOOK = 65536 }; // between two looks at the control

bool seep_mark_init(struct seep_mark *mark, const struct seep_census *census,
                    struct seep_index *index)
{
    size_t words = index->n / 64 + 1;
    memset(mark, 0, sizeof *mark);
    mark->memory = census->memory;
    mark->control = census->control;
    mark->exact = census->exact;
    mark->index = index;
    mark->marked = seep_alloc(words, sizeof *mark->marked);
    mark->pointed = seep_alloc(words, sizeof *mark->pointed);
    return mark->marked && mark->pointed;
}

static void push(struct seep_mark *mark, uint32_t block)
{
    if (!seep_grow(&mark->stack, &mark->stack_capacity, mark->n_stack + 1, sizeof *mark->stack)) {
        mark->no_memory = true;
        return;
    }
    mark->stack[mark->n_stack++] = block;
}

static void act(struct seep_mark *mark, uint64_t word, enum action action, uint32_t from)
{
    uint32_t block = seep_index_find(mark->index, word, mark->exact);
    if (block == SEEP_INDEX_NONE)
        return;
    if (action == POINT) {
        if (block != from)
            mark->pointed[block / 64] |= UINT64_C(1) << (block % 64);
        return;
    }
    if (!seep_mark_has(mark->marked, block)) {
        mark->marked[block / 64] |= UINT64_C(1) << (block % 64);
        push(mark, block);
    }
}

static void words(struct seep_mark *mark, struct seep_bytes bytes, unsigned pointer_bytes,
                  enum action action, uint32_t from)
{
    uint64_t low = mark->index->low, range = mark->index->high - low;
    for (size_t at = 0; at + pointer_bytes <= bytes.len; at += pointer_bytes) {
        uint64_t word =
            pointer_bytes == 8 ? seep_le64(bytes.data + at) : seep_le32(bytes.data + at);
        if (word - low < range)
            act(mark, word, action, from);
    }
}

// All aligned words of a piece of memory.
static void scan(struct seep_mark *mark, uint64_t address, uint64_t size_bytes,
                 unsigned pointer_bytes, enum action action, uint32_t from)
{
    uint64_t skip = (uint64_t)-address & (pointer_bytes - 1);
    if (size_bytes > UINT64_MAX - address)
        size_bytes = UINT64_MAX - address;
    if (size_bytes < skip + pointer_bytes)
        return;
    uint64_t at = address + skip, end = address + size_bytes;
    while (end - at >= pointer_bytes && !mark->no_memory) {
        struct seep_bytes span = mark->memory->span(mark->memory, at);
        if (span.len > end - at)
            span.len = (size_t)(end - at);
        if (span.len >= pointer_bytes) {
            words(mark, span, pointer_bytes, action, from);
            at += span.len - span.len % pointer_bytes;
            mark->looked_bytes += span.len;
            continue;
        }
        uint64_t next, word;
        if (span.len) { // a word that lies in two ranges of the dump
            if (seep_memory_pointer(mark->memory, at, pointer_bytes, &word))
                act(mark, word, action, from);
            at += pointer_bytes;
            continue;
        }
        if (!mark->memory->next(mark->memory, at, &next) || next >= end) {
            mark->missing_bytes += end - at;
            return;
        }
        mark->missing_bytes += next - at;
        at = next + ((uint64_t)-next & (pointer_bytes - 1));
    }
}

void seep_mark_memory(struct seep_mark *mark, uint64_t address, uint64_t size_bytes,
                      unsigned pointer_bytes)
{
    if (mark->index->n_runs && (pointer_bytes == 4 || pointer_bytes == 8))
        scan(mark, address, size_bytes, pointer_bytes, MARK, 0);
}

void seep_mark_word(struct seep_mark *mark, uint64_t word)
{
    act(mark, word, MARK, 0);
}

static bool look(struct seep_mark *mark, uint32_t *left)
{
    if (--*left == 0) {
        *left = BLOCKS_PER_LOOK;
        mark->cancelled |= seep_cancelled(mark->control);
        uint64_t done = mark->progress_bytes + mark->looked_bytes;
        seep_progress(mark->control, done < mark->total_bytes ? done : mark->total_bytes,
                      mark->total_bytes);
    }
    return !mark->cancelled && !mark->no_memory;
}

void seep_mark_follow(struct seep_mark *mark, const uint8_t *bits_of)
{
    uint32_t left = BLOCKS_PER_LOOK;
    while (mark->n_stack && look(mark, &left)) {
        uint32_t block = mark->stack[--mark->n_stack];
        const struct seep_index_block *b = &mark->index->blocks[block];
        scan(mark, b->address, seep_index_size(b), bits_of[seep_index_heap(b)] / 8, MARK, block);
    }
    mark->peak_bytes = mark->stack_capacity * sizeof *mark->stack +
                       2 * (mark->index->n / 64 + 1) * sizeof *mark->marked;
}

void seep_mark_heads(struct seep_mark *mark, const uint8_t *bits_of)
{
    uint32_t left = BLOCKS_PER_LOOK;
    for (uint32_t block = 0; block < mark->index->n && look(mark, &left); block++) {
        const struct seep_index_block *b = &mark->index->blocks[block];
        if (!seep_mark_has(mark->marked, block))
            scan(mark, b->address, seep_index_size(b), bits_of[seep_index_heap(b)] / 8, POINT,
                 block);
    }
}

void seep_mark_clear(struct seep_mark *mark)
{
    seep_free(mark->marked);
    seep_free(mark->pointed);
    seep_free(mark->stack);
    memset(mark, 0, sizeof *mark);
}
