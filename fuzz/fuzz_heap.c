// SPDX-License-Identifier: MIT
// A fuzz target for the walkers of heaps and the census: the bytes are a list of memory ranges.
//
// Format: u8 bits (0 = 32, else 64); u8 n, n times u64 address of a heap; then ranges until the
// end: u64 address, u32 bytes of memory, u32 bytes that follow here, the rest of the memory is
// zero.
#include "base/alloc.h"
#include "heap/census.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_HEAPS = 8, MAX_RANGES = 64, MAX_MEMORY = 4 << 20 };

struct ranges {
    struct seep_memory memory; // first
    struct {
        uint64_t address;
        uint8_t *bytes;
        size_t len;
    } at[MAX_RANGES];
    size_t n, total;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct seep_bytes span(const struct seep_memory *memory, uint64_t address)
{
    const struct ranges *r = (const struct ranges *)memory;
    for (size_t i = 0; i < r->n; i++) {
        uint64_t offset = address - r->at[i].address;
        if (offset < r->at[i].len)
            return seep_bytes(r->at[i].bytes + offset, r->at[i].len - (size_t)offset);
    }
    return (struct seep_bytes){ 0 };
}

static bool next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    const struct ranges *r = (const struct ranges *)memory;
    bool found = false;
    for (size_t i = 0; i < r->n; i++) {
        uint64_t start = r->at[i].address;
        if (address - start < r->at[i].len)
            start = address;
        if (start >= address && r->at[i].len && (!found || start < *held)) {
            *held = start;
            found = true;
        }
    }
    return found;
}

static void read_ranges(struct seep_cursor *c, struct ranges *r)
{
    while (r->n < MAX_RANGES && seep_cursor_left(c) >= 16) {
        uint64_t address = seep_cursor_u64(c);
        uint32_t len = seep_cursor_u32(c), here = seep_cursor_u32(c);
        if (len > MAX_MEMORY - r->total || len > UINT64_MAX - address)
            return;
        struct seep_bytes bytes = seep_cursor_take(c, here < len ? here : len);
        uint8_t *copy = len ? seep_alloc(len, 1) : NULL;
        if (!copy)
            return;
        if (bytes.len)
            memcpy(copy, bytes.data, bytes.len);
        r->at[r->n].address = address;
        r->at[r->n].bytes = copy;
        r->at[r->n++].len = len;
        r->total += len;
    }
}

// The blocks of a walk: each lies where it may, and there are no more than there can be.
struct counts {
    uint64_t blocks;
    size_t memory;
};

static bool on_block(void *ctx, const struct seep_heap *heap, const struct seep_heap_block *block)
{
    struct counts *counts = ctx;
    (void)heap;
    if (block->size_bytes > UINT64_MAX - block->address || ++counts->blocks > MAX_MEMORY)
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seep_cursor c = seep_cursor(seep_bytes(data, size));
    struct ranges r = { .memory = { .span = span, .next = next } };
    unsigned bits = seep_cursor_u8(&c) ? 64 : 32;
    struct seep_heap_process process = { .memory = &r.memory, .bits = bits };
    struct seep_census_heap heaps[MAX_HEAPS];
    struct seep_census_root roots[MAX_RANGES];
    struct seep_census_image images[MAX_RANGES];
    size_t n = seep_cursor_u8(&c) % (MAX_HEAPS + 1);
    r.memory.pointer_bytes = (uint8_t)(bits / 8);
    for (size_t i = 0; i < n; i++)
        heaps[i] = (struct seep_census_heap){ seep_cursor_u64(&c), &process };
    read_ranges(&c, &r);
    for (size_t i = 0; i < r.n; i++) {
        roots[i] = (struct seep_census_root){ r.at[i].address, r.at[i].len, (uint8_t)(bits / 8) };
        images[i] = (struct seep_census_image){ r.at[i].address, r.at[i].len };
    }
    for (size_t i = 0; i < n; i++) {
        struct counts counts = { .memory = r.total };
        struct seep_heap_visitor visitor = { .block = on_block, .ctx = &counts };
        struct seep_heap heap = { 0 };
        struct seep_err err = { 0 };
        if (!seep_heap_walk(&process, heaps[i].address, &visitor, NULL, &heap, &err) &&
            !err.what[0])
            abort(); // a walk that fails says why
    }
    struct seep_census census = { .memory = &r.memory,
                                  .heaps = heaps,
                                  .n_heaps = n,
                                  .roots = roots,
                                  .n_roots = r.n,
                                  .images = images,
                                  .n_images = r.n,
                                  .peek = true };
    struct seep_census_visitor visitor = { 0 };
    struct seep_census_totals totals = { 0 };
    if (seep_heap_census(&census, &visitor, &totals, NULL) &&
        totals.unreachable_blocks > totals.blocks)
        abort();
    for (size_t i = 0; i < r.n; i++)
        seep_free(r.at[i].bytes);
    return 0;
}
