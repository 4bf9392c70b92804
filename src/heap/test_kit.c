// SPDX-License-Identifier: MIT
// A memory made of ranges for tests; a visitor that counts.
#include "heap/test_kit.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_MEMORY64 = 9 };

static struct seep_bytes span(const struct seep_memory *memory, uint64_t address)
{
    const struct kit_memory *m = (const struct kit_memory *)memory;
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (m->ranges[mid].address <= address)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return (struct seep_bytes){ 0 };
    const struct kit_range *r = &m->ranges[lo - 1];
    uint64_t offset = address - r->address;
    if (offset >= r->len)
        return (struct seep_bytes){ 0 };
    return seep_bytes(r->bytes + offset, r->len - (size_t)offset);
}

static bool next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    const struct kit_memory *m = (const struct kit_memory *)memory;
    for (size_t i = 0; i < m->n; i++) {
        if (m->ranges[i].len && address - m->ranges[i].address < m->ranges[i].len) {
            *held = address;
            return true;
        }
        if (m->ranges[i].address > address && m->ranges[i].len) {
            *held = m->ranges[i].address;
            return true;
        }
    }
    return false;
}

void kit_memory_init(struct kit_memory *m, unsigned pointer_bytes)
{
    memset(m, 0, sizeof *m);
    m->memory =
        (struct seep_memory){ .span = span, .next = next, .pointer_bytes = (uint8_t)pointer_bytes };
}

void kit_memory_clear(struct kit_memory *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->ranges[i].owned)
            seep_free(m->ranges[i].bytes);
    }
    seep_free(m->ranges);
    seep_buf_clear(&m->file);
}

static void insert(struct kit_memory *m, struct kit_range range)
{
    assert_true(seep_grow(&m->ranges, &m->capacity, m->n + 1, sizeof *m->ranges));
    size_t i = m->n++;
    for (; i > 0 && m->ranges[i - 1].address > range.address; i--)
        m->ranges[i] = m->ranges[i - 1];
    m->ranges[i] = range;
}

uint8_t *kit_memory_add(struct kit_memory *m, uint64_t address, size_t len)
{
    uint8_t *bytes = seep_alloc(len, 1);
    assert_non_null(bytes);
    insert(m, (struct kit_range){ address, bytes, len, true });
    return bytes;
}

uint8_t *kit_memory_at(struct kit_memory *m, uint64_t address)
{
    for (size_t i = 0; i < m->n; i++) {
        if (address - m->ranges[i].address < m->ranges[i].len)
            return m->ranges[i].bytes + (address - m->ranges[i].address);
    }
    fail_msg("no memory at 0x%llx", (unsigned long long)address);
    return NULL;
}

void kit_put(struct kit_memory *m, uint64_t address, unsigned bytes, uint64_t value)
{
    uint8_t *p = kit_memory_at(m, address);
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

bool kit_memory_load(struct kit_memory *m, const char *name, unsigned pointer_bytes)
{
    char path[4096];
    kit_memory_init(m, pointer_bytes);
    if (!testkit_data(name, path, sizeof path) || !testkit_read_file(path, &m->file))
        return false;
    struct seep_bytes file = seep_bytes(m->file.data, m->file.len);
    uint32_t n = seep_bytes_u32(file, 8), directory = seep_bytes_u32(file, 12);
    for (uint32_t i = 0; i < n; i++) {
        if (seep_bytes_u32(file, directory + 12 * i) != STREAM_MEMORY64)
            continue;
        uint32_t at = seep_bytes_u32(file, directory + 12 * i + 8);
        uint64_t count = seep_bytes_u64(file, at), base = seep_bytes_u64(file, at + 8);
        for (uint64_t r = 0; r < count; r++) {
            uint64_t address = seep_bytes_u64(file, at + 16 + 16 * (size_t)r);
            uint64_t len = seep_bytes_u64(file, at + 24 + 16 * (size_t)r);
            assert_true(seep_bytes_has(file, (size_t)base, (size_t)len));
            insert(m, (struct kit_range){ address, (uint8_t *)m->file.data + base, (size_t)len,
                                          false });
            base += len;
        }
    }
    return m->n != 0;
}

static bool on_range(void *ctx, const struct seep_heap *heap, uint64_t address, uint64_t size)
{
    struct kit_walk *walk = ctx;
    (void)heap;
    (void)address;
    walk->ranges++;
    walk->range_bytes += size;
    walk->last_end = 0;
    return true;
}

static bool on_block(void *ctx, const struct seep_heap *heap, const struct seep_heap_block *block)
{
    struct kit_walk *walk = ctx;
    (void)heap;
    walk->disordered |= block->address < walk->last_end;
    walk->last_end = block->address + block->size_bytes;
    if (walk->max_size < block->size_bytes)
        walk->max_size = block->size_bytes;
    walk->traced += block->trace != 0;
    if (block->busy) {
        walk->busy++;
        walk->busy_bytes += block->size_bytes;
        if (walk->n_blocks < sizeof walk->blocks / sizeof walk->blocks[0])
            walk->blocks[walk->n_blocks++] = *block;
    } else {
        walk->free++;
        walk->free_bytes += block->size_bytes;
    }
    return true;
}

static bool on_loss(void *ctx, const char *what, uint64_t address, const char *text)
{
    struct kit_walk *walk = ctx;
    walk->losses++;
    (void)snprintf(walk->loss, sizeof walk->loss, "%s: %s (0x%llx)", what, text,
                   (unsigned long long)address);
    return true;
}

void kit_walk_init(struct kit_walk *walk)
{
    memset(walk, 0, sizeof *walk);
    walk->visitor = (struct seep_heap_visitor){
        .range = on_range, .block = on_block, .loss = on_loss, .ctx = walk
    };
}
