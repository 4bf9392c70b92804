// SPDX-License-Identifier: MIT
// Writes minidumps for the tests.
#include "source/minidump/test_build.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 32, DIRECTORY_ENTRY = 12 };

static void need(bool ok)
{
    if (!ok)
        abort();
}

struct build *build_new(unsigned pointer_bytes)
{
    struct build *b = calloc(1, sizeof *b);
    need(b != NULL);
    b->pointer_bytes = pointer_bytes;
    build_zero(b, HEADER + BUILD_STREAMS * DIRECTORY_ENTRY);
    return b;
}

void build_free(struct build *b)
{
    seep_buf_clear(&b->out);
    free(b);
}

static void put(uint8_t *to, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static void add(struct build *b, unsigned bytes, uint64_t value)
{
    uint8_t room[8];
    put(room, bytes, value);
    seep_buf_add(&b->out, room, bytes);
}

void build_u8(struct build *b, uint8_t value)
{
    add(b, 1, value);
}

void build_u16(struct build *b, uint16_t value)
{
    add(b, 2, value);
}

void build_u32(struct build *b, uint32_t value)
{
    add(b, 4, value);
}

void build_u64(struct build *b, uint64_t value)
{
    add(b, 8, value);
}

void build_zero(struct build *b, size_t n)
{
    while (n--)
        seep_buf_addc(&b->out, 0);
}

build_label build_new_label(struct build *b)
{
    need(b->n_labels < BUILD_LABELS);
    return (build_label)b->n_labels++;
}

void build_place(struct build *b, build_label label)
{
    b->at[label] = (uint32_t)b->out.len;
}

void build_ref(struct build *b, build_label label)
{
    need(b->n_uses < BUILD_LABELS);
    b->uses[b->n_uses].where = b->out.len;
    b->uses[b->n_uses++].label = label;
    build_u32(b, 0);
}

static void align(struct build *b)
{
    while (b->out.len % 4 != (b->unaligned ? 3u : 0u))
        build_u8(b, 0xee);
}

build_label build_string(struct build *b, const char *text)
{
    build_label label = build_new_label(b);
    align(b);
    build_place(b, label);
    build_u32(b, (uint32_t)(2 * strlen(text)));
    for (const char *c = text; *c; c++)
        build_u16(b, (uint8_t)*c);
    build_u16(b, 0);
    return label;
}

void build_begin(struct build *b, uint32_t type)
{
    need(b->n_streams < BUILD_STREAMS);
    align(b);
    b->streams[b->n_streams].type = type;
    b->streams[b->n_streams].rva = (uint32_t)b->out.len;
}

void build_end(struct build *b)
{
    b->streams[b->n_streams].size = (uint32_t)b->out.len - b->streams[b->n_streams].rva;
    b->n_streams++;
}

void build_system(struct build *b, uint16_t architecture, uint32_t major, uint32_t minor,
                  uint32_t build_number, uint32_t platform)
{
    build_begin(b, 7);
    build_u16(b, architecture);
    build_u16(b, 6);
    build_u16(b, 0x0102);
    build_u8(b, 8); // processors
    build_u8(b, 1);
    build_u32(b, major);
    build_u32(b, minor);
    build_u32(b, build_number);
    build_u32(b, platform);
    build_zero(b, 32);
    build_end(b);
}

void build_misc(struct build *b, uint32_t pid, uint32_t start_s)
{
    build_begin(b, 15);
    build_u32(b, 24);
    build_u32(b, 3);
    build_u32(b, pid);
    build_u32(b, start_s);
    build_zero(b, 8);
    build_end(b);
}

void build_page(struct build *b, uint64_t address)
{
    build_poke(b, address, 0, 0);
}

void build_poke(struct build *b, uint64_t address, unsigned bytes, uint64_t value)
{
    uint64_t page = address & ~(uint64_t)(BUILD_PAGE - 1);
    size_t i = 0;
    while (i < b->n_pages && b->pages[i].address != page)
        i++;
    if (i == b->n_pages) {
        need(b->n_pages < BUILD_PAGES);
        b->pages[b->n_pages++].address = page;
    }
    need(address - page + bytes <= BUILD_PAGE);
    put(b->pages[i].bytes + (address - page), bytes, value);
}

void build_poke_pointer(struct build *b, uint64_t address, uint64_t value)
{
    build_poke(b, address, b->pointer_bytes, value);
}

void build_regions_begin(struct build *b, uint64_t count)
{
    build_begin(b, 16);
    build_u32(b, 16);
    build_u32(b, 48);
    build_u64(b, count);
}

void build_region(struct build *b, uint64_t base, uint64_t size, uint64_t allocation_base,
                  uint32_t state, uint32_t type, uint32_t protect)
{
    build_u64(b, base);
    build_u64(b, allocation_base);
    build_u32(b, 4);
    build_u32(b, 0);
    build_u64(b, size);
    build_u32(b, state);
    build_u32(b, protect);
    build_u32(b, type);
    build_u32(b, 0);
}

void build_thread(struct build *b, uint32_t id, uint64_t teb, uint64_t stack, uint32_t stack_bytes,
                  uint32_t stack_rva)
{
    build_u32(b, id);
    build_zero(b, 12);
    build_u64(b, teb);
    build_u64(b, stack);
    build_u32(b, stack_bytes);
    build_u32(b, stack_rva);
    build_zero(b, 8);
}

static void memory(struct build *b)
{
    build_begin(b, 9);
    build_u64(b, b->n_pages);
    size_t base = b->out.len;
    build_u64(b, 0);
    for (size_t i = 0; i < b->n_pages; i++) {
        build_u64(b, b->pages[i].address);
        build_u64(b, BUILD_PAGE);
    }
    build_end(b);
    put((uint8_t *)b->out.data + base, 8, b->out.len);
    for (size_t i = 0; i < b->n_pages; i++)
        seep_buf_add(&b->out, b->pages[i].bytes, BUILD_PAGE);
}

void build_finish(struct build *b, uint32_t time_s, bool with_memory)
{
    if (with_memory)
        memory(b);
    need(!b->out.failed);
    uint8_t *p = (uint8_t *)b->out.data;
    memcpy(p, "MDMP", 4);
    put(p + 4, 4, 0xa793);
    put(p + 8, 4, b->n_streams);
    put(p + 12, 4, HEADER);
    put(p + 20, 4, time_s);
    for (size_t i = 0; i < b->n_streams; i++) {
        put(p + HEADER + i * DIRECTORY_ENTRY, 4, b->streams[i].type);
        put(p + HEADER + i * DIRECTORY_ENTRY + 4, 4, b->streams[i].size);
        put(p + HEADER + i * DIRECTORY_ENTRY + 8, 4, b->streams[i].rva);
    }
    for (size_t i = 0; i < b->n_uses; i++)
        put(p + b->uses[i].where, 4, b->at[b->uses[i].label]);
}
