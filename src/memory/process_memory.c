// SPDX-License-Identifier: MIT
// The memory of a process that runs: windows of 64 KiB in a hash table.
#include "memory/process_memory.h"

#include "base/alloc.h"
#include "base/arena.h"

#include <string.h>

enum { PAGE_BYTES = 0x1000, PAGES = 16, WINDOW_BYTES = PAGES * PAGE_BYTES, FIRST_SLOTS = 256 };

struct window {
    uint64_t address;
    uint32_t readable; // a bit for each page
    uint8_t *bytes;    // NULL where none is
};

struct seep_process_cache {
    seep_process_read read;
    void *ctx;
    struct seep_arena arena;
    struct window **slots; // open addressing; NULL = free
    size_t n_slots;        // a power of two
    size_t n_windows;
    uint64_t left_bytes;
    bool exhausted;
};

static struct window **slot_of(const struct seep_process_cache *c, uint64_t address)
{
    size_t at = (size_t)((address / WINDOW_BYTES * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
    for (;; at++) {
        struct window **slot = &c->slots[at & (c->n_slots - 1)];
        if (!*slot || (*slot)->address == address)
            return slot;
    }
}

static bool make_room(struct seep_process_cache *c)
{
    if (c->n_slots && c->n_windows < c->n_slots / 2)
        return true;
    struct seep_process_cache grown = *c;
    grown.n_slots = c->n_slots ? c->n_slots * 2 : FIRST_SLOTS;
    grown.slots = seep_alloc(grown.n_slots, sizeof(struct window *));
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < c->n_slots; i++) {
        if (c->slots[i])
            *slot_of(&grown, c->slots[i]->address) = c->slots[i];
    }
    seep_free(c->slots);
    c->slots = grown.slots;
    c->n_slots = grown.n_slots;
    return true;
}

// The index of the first range that ends behind `address`.
static size_t range_at(const struct seep_process_memory *m, uint64_t address)
{
    size_t low = 0, high = m->n_ranges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct seep_process_range *r = &m->ranges[middle];
        if (r->address <= address && address - r->address >= r->size_bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Reads what may be read of a window.
static bool fill(const struct seep_process_memory *m, struct window *w)
{
    struct seep_process_cache *c = m->cache;
    uint64_t last = w->address + (WINDOW_BYTES - 1);
    for (size_t i = range_at(m, w->address); i < m->n_ranges && m->ranges[i].address <= last; i++) {
        const struct seep_process_range *r = &m->ranges[i];
        size_t from = r->address > w->address ? (size_t)(r->address - w->address) : 0;
        uint64_t in_range = w->address + from - r->address;
        size_t len = WINDOW_BYTES - from;
        if (r->size_bytes - in_range < len)
            len = (size_t)(r->size_bytes - in_range);
        if (!w->bytes) {
            if (c->left_bytes < WINDOW_BYTES)
                return false;
            w->bytes = seep_arena_alloc(&c->arena, 1, WINDOW_BYTES);
            if (!w->bytes)
                return false;
            c->left_bytes -= WINDOW_BYTES;
        }
        size_t got = c->read(c->ctx, w->address + from, w->bytes + from, len);
        for (size_t page = from / PAGE_BYTES; (page + 1) * PAGE_BYTES <= from + got; page++)
            w->readable |= 1u << page;
    }
    return true;
}

static const struct window *window_of(const struct seep_process_memory *m, uint64_t address)
{
    struct seep_process_cache *c = m->cache;
    uint64_t start = address & ~(uint64_t)(WINDOW_BYTES - 1);
    if (c->n_slots && *slot_of(c, start))
        return *slot_of(c, start);
    struct window *w = make_room(c) ? seep_arena_alloc(&c->arena, 1, sizeof *w) : NULL;
    if (!w) {
        c->exhausted = true;
        return NULL;
    }
    *w = (struct window){ .address = start };
    if (!fill(m, w))
        c->exhausted = true;
    *slot_of(c, start) = w;
    c->n_windows++;
    return w;
}

static struct seep_bytes span(const struct seep_memory *memory, uint64_t address)
{
    const struct seep_process_memory *m = (const struct seep_process_memory *)memory;
    size_t i = range_at(m, address);
    if (i == m->n_ranges || m->ranges[i].address > address)
        return (struct seep_bytes){ 0 };
    const struct window *w = window_of(m, address);
    if (!w || !w->bytes)
        return (struct seep_bytes){ 0 };
    size_t from = (size_t)(address - w->address), to = from;
    while (to < WINDOW_BYTES && (w->readable >> to / PAGE_BYTES & 1))
        to = (to / PAGE_BYTES + 1) * PAGE_BYTES;
    return seep_bytes(w->bytes + from, to - from);
}

static bool next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    const struct seep_process_memory *m = (const struct seep_process_memory *)memory;
    for (size_t i = range_at(m, address); i < m->n_ranges; i++) {
        const struct seep_process_range *r = &m->ranges[i];
        uint64_t at = r->address > address ? r->address : address;
        while (at - r->address < r->size_bytes) {
            if (span(memory, at).len) {
                *held = at;
                return true;
            }
            uint64_t page = (at | (PAGE_BYTES - 1));
            if (page == UINT64_MAX)
                return false;
            at = page + 1;
        }
    }
    return false;
}

bool seep_process_memory_open(const struct seep_process_range *ranges, size_t n_ranges,
                              seep_process_read read, void *ctx, unsigned pointer_bytes,
                              uint64_t most_bytes, struct seep_process_memory *memory)
{
    struct seep_process_cache *c = seep_alloc(1, sizeof *c);
    if (!c)
        return false;
    c->read = read;
    c->ctx = ctx;
    c->left_bytes = most_bytes;
    *memory = (struct seep_process_memory){
        .memory = { .span = span, .next = next, .pointer_bytes = (uint8_t)pointer_bytes },
        .ranges = ranges,
        .n_ranges = n_ranges,
        .cache = c,
    };
    return true;
}

void seep_process_memory_close(struct seep_process_memory *memory)
{
    if (memory->cache) {
        seep_arena_clear(&memory->cache->arena);
        seep_free(memory->cache->slots);
    }
    seep_free(memory->cache);
    *memory = (struct seep_process_memory){ .n_ranges = 0 };
}

bool seep_process_memory_exhausted(const struct seep_process_memory *memory)
{
    return memory->cache && memory->cache->exhausted;
}
