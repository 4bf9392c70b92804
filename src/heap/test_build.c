// SPDX-License-Identifier: MIT
// Heaps of known content. Offsets: `dt` of the public symbols of ntdll 10.0.19041, x64 and x86.
#include "heap/test_build.h"

#include <string.h>

enum { PAGE = 4096, PAGES = 16, COMMITTED = 4, CODE1 = 0x5a17c3e9, CODE2 = 0x91b4 };

struct nt_offsets {
    unsigned first, code, mask, key, signature, virtual_blocks, segment_list, list_entry, heap,
        base, pages, first_entry, last_entry, bare, uncommitted;
};

static const struct nt_offsets nt64 = { 0x740, 8,    0x7c, 0x80, 0x98, 0x110, 0x120, 0x18,
                                        0x28,  0x30, 0x38, 0x40, 0x48, 0x50,  0x60 };
static const struct nt_offsets nt32 = { 0x4a0, 0,    0x4c, 0x50, 0x60, 0x9c, 0xa4, 0x10,
                                        0x18,  0x1c, 0x20, 0x24, 0x28, 0x2c, 0x38 };

static void link_empty(struct kit_memory *m, unsigned pointer, uint64_t head)
{
    kit_put(m, head, pointer, head);
    kit_put(m, head + pointer, pointer, head);
}

static void link_one(struct kit_memory *m, unsigned pointer, uint64_t head, uint64_t entry)
{
    kit_put(m, head, pointer, entry);
    kit_put(m, head + pointer, pointer, entry);
    kit_put(m, entry, pointer, head);
    kit_put(m, entry + pointer, pointer, head);
}

void build_nt_entry(struct kit_memory *m, unsigned bits, uint64_t base, uint64_t at, unsigned units,
                    uint8_t flags, unsigned previous, uint8_t unused)
{
    uint64_t code = at + (bits == 64 ? 8 : 0);
    uint8_t sum = (uint8_t)(units ^ units >> 8 ^ flags);
    uint32_t plain = units | (uint32_t)flags << 16 | (uint32_t)sum << 24;
    (void)base;
    kit_put(m, code, 4, plain ^ CODE1);
    kit_put(m, code + 4, 2, previous ^ CODE2);
    kit_put(m, code + 6, 1, 0);
    kit_put(m, code + 7, 1, unused);
}

void build_nt_heap(struct kit_memory *m, unsigned bits, uint64_t base,
                   const struct build_entry *entries, size_t n, uint64_t *at)
{
    const struct nt_offsets *o = bits == 64 ? &nt64 : &nt32;
    unsigned pointer = bits / 8, granule = (unsigned)build_granule(bits), previous = 0;
    uint64_t end = base + COMMITTED * PAGE, place = base + o->first;
    unsigned last = bits == 64 ? 4 : 4; // units of the entry that holds the descriptor
    (void)kit_memory_add(m, base, COMMITTED * PAGE);
    kit_put(m, base + (bits == 64 ? 0x10 : 8), 4, 0xffeeffee);
    kit_put(m, base + o->mask, 4, 0x100000);
    kit_put(m, base + o->key + o->code, 4, CODE1);
    kit_put(m, base + o->key + o->code + 4, 2, CODE2);
    kit_put(m, base + o->signature, 4, 0xeeffeeff);
    kit_put(m, base + o->heap, pointer, base);
    kit_put(m, base + o->base, pointer, base);
    kit_put(m, base + o->pages, 4, PAGES);
    kit_put(m, base + o->first_entry, pointer, place);
    kit_put(m, base + o->last_entry, pointer, base + PAGES * PAGE);
    kit_put(m, base + o->bare, 4, PAGES - COMMITTED);
    link_empty(m, pointer, base + o->virtual_blocks);
    link_one(m, pointer, base + o->segment_list, base + o->list_entry);
    for (size_t i = 0; i < n; i++) {
        if (at)
            at[i] = place;
        build_nt_entry(m, bits, base, place, entries[i].units, entries[i].flags, previous,
                       entries[i].unused);
        previous = entries[i].units;
        place += entries[i].units * granule;
    }
    unsigned rest = (unsigned)((end - place) / granule) - last;
    build_nt_entry(m, bits, base, place, rest, BUILD_FREE, previous, 0);
    uint64_t descriptor = end - last * granule;
    build_nt_entry(m, bits, base, descriptor, last, BUILD_BUSY, rest, 3);
    descriptor += granule;
    link_one(m, pointer, base + o->uncommitted, descriptor + 2 * pointer);
    kit_put(m, descriptor + 4 * pointer, pointer, end);
    kit_put(m, descriptor + 5 * pointer, pointer, (PAGES - COMMITTED) * PAGE);
}

struct segment_offsets {
    unsigned signature, large, contexts, context_bytes, shift, first, list, page_signature,
        range_bytes, unused, flags, units, vs_bytes, vs_size, chunk, count, offsets, bitmap,
        large_address, large_pages;
};

static const struct segment_offsets s64 = { 0x10, 0x48, 0x100, 0xc0, 8,    10,   0x48,
                                            0x10, 0x20, 4,     0x18, 0x1f, 0x30, 0x20,
                                            16,   0x22, 0x28,  0x30, 0x18, 0x20 };
static const struct segment_offsets s32 = {
    8,  0x44, 0x100, 0x80, 4, 6,    0x44, 8,    0x10, 4,
    12, 15,   0x18,  0x14, 8, 0x12, 0x18, 0x20, 0x0c, 0x10
};

static const struct segment_offsets *offsets_of(unsigned bits)
{
    return bits == 64 ? &s64 : &s32;
}

static uint64_t narrow(const struct build_segments *b, uint64_t value)
{
    return b->bits == 64 ? value : (uint32_t)value;
}

void build_segment_heap(struct build_segments *b, struct kit_memory *m, unsigned bits,
                        uint64_t heap, uint64_t segment, uint64_t heap_key, uint32_t lfh_key)
{
    const struct segment_offsets *o = offsets_of(bits);
    unsigned pointer = bits / 8;
    *b = (struct build_segments){ m, bits, heap, segment, heap_key, lfh_key, bits == 64 ? 2 : 1 };
    (void)kit_memory_add(m, heap, 0x1000);
    (void)kit_memory_add(m, segment, 0x100000);
    kit_put(m, heap + o->signature, 4, 0xddeeddee);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t context = heap + o->contexts + i * o->context_bytes;
        kit_put(m, context, pointer, narrow(b, i ? ~UINT64_C(0xffffff) : ~UINT64_C(0xfffff)));
        kit_put(m, context + o->shift, 1, i ? 16 : 12);
        kit_put(m, context + o->first, 1, i || bits == 32 ? 1 : 2);
        link_empty(m, pointer, context + o->list);
    }
    uint64_t context = heap + o->contexts;
    link_one(m, pointer, context + o->list, segment);
    kit_put(m, segment + o->page_signature, pointer,
            narrow(b, segment ^ context ^ heap_key ^ UINT64_C(0xa2e64eada2e64ead)));
}

uint64_t build_range(struct build_segments *b, unsigned units, uint8_t flags, uint32_t unused)
{
    const struct segment_offsets *o = offsets_of(b->bits);
    unsigned first = b->next_unit;
    assert_true(first + units <= 256);
    for (unsigned i = 0; i < units; i++) {
        uint64_t at = b->segment + (first + i) * o->range_bytes;
        kit_put(b->m, at + o->flags, 1, i ? flags & ~2u : flags);
        kit_put(b->m, at + o->units, 1, i ? i : units);
        if (!i)
            kit_put(b->m, at + o->unused, 4, unused);
    }
    b->next_unit += units;
    return b->segment + first * UINT64_C(4096);
}

static void put_chunk(struct build_segments *b, uint64_t at, unsigned units, unsigned previous,
                      bool busy, unsigned unused)
{
    if (b->bits == 64) {
        uint64_t plain = (uint64_t)units << 16 | (uint64_t)previous << 32 | (uint64_t)busy << 48;
        kit_put(b->m, at, 8, plain ^ at ^ b->heap_key);
        kit_put(b->m, at + 8, 4, busy && unused ? 0x100 : 0);
    } else {
        uint32_t plain = units << 1 | previous << 16 | (uint32_t)busy << 31;
        kit_put(b->m, at, 4, plain ^ (uint32_t)at ^ (uint32_t)b->heap_key);
        kit_put(b->m, at + 4, 4, busy && unused ? 0x100 : 0);
    }
    uint64_t end = at + units * (uint64_t)offsets_of(b->bits)->chunk;
    if (busy && unused == 1)
        kit_put(b->m, end - 1, 1, 0x80);
    else if (busy && unused)
        kit_put(b->m, end - 2, 2, unused);
}

void build_vs(struct build_segments *b, unsigned pages, const struct build_chunk *chunks, size_t n,
              uint64_t *at)
{
    const struct segment_offsets *o = offsets_of(b->bits);
    uint64_t range = build_range(b, pages, 0x0f, PAGE); // the last page is a guard
    uint64_t place = range + o->vs_bytes, end = range + (pages - 1) * UINT64_C(4096);
    unsigned previous = 0, size = (unsigned)((end - place) / o->chunk);
    kit_put(b->m, range + o->vs_size, 2, size);
    kit_put(b->m, range + o->vs_size + 2, 2, ((size ^ 0x2bed) & 0x7fff) | 0x8000);
    for (size_t i = 0; i < n; i++) {
        put_chunk(b, place, chunks[i].units, previous, chunks[i].busy, chunks[i].unused);
        if (at)
            at[i] = place + o->chunk;
        previous = chunks[i].units;
        place += chunks[i].units * (uint64_t)o->chunk;
    }
    assert_true(place < end);
    put_chunk(b, place, (unsigned)((end - place) / o->chunk), previous, false, 0);
}

uint64_t build_lfh(struct build_segments *b, unsigned block, unsigned count, uint64_t busy,
                   unsigned unused)
{
    const struct segment_offsets *o = offsets_of(b->bits);
    unsigned word = b->bits / 8, granule = (unsigned)build_granule(b->bits);
    unsigned bitmap = (2 * count + 8 * word - 1) / (8 * word) * word;
    unsigned first = (o->bitmap + bitmap + granule - 1) / granule * granule;
    unsigned pages = (first + block * count + PAGE - 1) / PAGE;
    uint64_t range = build_range(b, pages, 0x0b, 0);
    kit_put(b->m, range + o->count, 2, count);
    kit_put(b->m, range + o->offsets, 4,
            (block | first << 16) ^ b->lfh_key ^ (uint32_t)(range >> 12));
    for (unsigned i = 0; i < count; i++) {
        bool in_use = i < 64 ? busy >> i & 1 : false;
        uint8_t *bits = kit_memory_at(b->m, range + o->bitmap + i / 4);
        *bits |= (uint8_t)((in_use ? (unused ? 3 : 1) : 0) << (2 * (i % 4)));
        if (in_use && unused == 1)
            kit_put(b->m, range + first + (i + 1) * (uint64_t)block - 1, 1, 0x80);
        else if (in_use && unused)
            kit_put(b->m, range + first + (i + 1) * (uint64_t)block - 2, 2, unused);
    }
    return range + first;
}

void build_large(struct build_segments *b, uint64_t node, uint64_t left, uint64_t right,
                 uint64_t address, uint64_t pages, unsigned unused)
{
    const struct segment_offsets *o = offsets_of(b->bits);
    unsigned pointer = b->bits / 8;
    kit_put(b->m, node, pointer, left);
    kit_put(b->m, node + pointer, pointer, right);
    kit_put(b->m, node + o->large_address, pointer, address | unused);
    kit_put(b->m, node + o->large_pages, pointer, pages << 12);
}

void build_large_root(struct build_segments *b, uint64_t node)
{
    kit_put(b->m, b->heap + offsets_of(b->bits)->large, b->bits / 8, node);
}
