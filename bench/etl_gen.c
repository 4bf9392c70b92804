// SPDX-License-Identifier: MIT
// Writes a heap trace of any size: allocations with stacks of 16 frames and their frees, over a
// live set of constant size.
//
// etl_gen OUT.etl [MEGABYTES [LIVE [STACKS [keys]]]]: with "keys" stacks are named by keys that are
// deleted, and given to others, all the time. Prints how many events of each kind were written.
//
// Shares nothing with the reader; layouts: src/source/etl/note.md.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER = 256 << 10,
    HEAD = 0x48,
    DEPTH = 16,
    CPUS = 4,
    PID = 4242,
    PIECE = 16, // bytes of the finest size class
};

struct buffer {
    uint8_t at[BUFFER];
    size_t used;
};

struct block {
    uint64_t address;
    uint32_t slot;
};

static struct {
    FILE *out;
    struct buffer cpu[CPUS];
    uint64_t n_buffers, clock, random;
    uint64_t n_allocs, n_frees;
} g = { .clock = 50000000, .random = 88172645463325252u };

static uint64_t next_random(void)
{
    g.random ^= g.random << 13;
    g.random ^= g.random >> 7;
    g.random ^= g.random << 17;
    return g.random;
}

static void put(uint8_t *p, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static void flush(struct buffer *b, unsigned cpu, unsigned type)
{
    uint8_t *p = b->at;
    memset(p, 0, HEAD);
    put(p, BUFFER, 4);
    put(p + 4, b->used, 4);
    put(p + 8, b->used, 4);
    put(p + 0x18, ++g.n_buffers, 8);
    p[0x28] = (uint8_t)cpu;
    put(p + 0x30, b->used, 4);
    put(p + 0x36, type, 2);
    memset(p + b->used, 0xff, BUFFER - b->used);
    if (fwrite(p, 1, BUFFER, g.out) != BUFFER) {
        perror("etl_gen");
        exit(1);
    }
    b->used = HEAD;
}

// Room for a record of a compact header, which is filled.
static uint8_t *record(unsigned cpu, unsigned hook, unsigned version, uint32_t tid, size_t payload)
{
    struct buffer *b = &g.cpu[cpu];
    size_t size = 24 + payload, aligned = (size + 7) & ~(size_t)7;
    if (b->used + aligned > BUFFER)
        flush(b, cpu, 0);
    uint8_t *p = b->at + b->used;
    b->used += aligned;
    put(p, version, 2);
    p[2] = 4;
    p[3] = 0xc0;
    put(p + 4, size, 2);
    put(p + 6, hook, 2);
    put(p + 8, tid, 4);
    put(p + 12, PID, 4);
    put(p + 16, g.clock, 8);
    memset(p + size, 0, aligned - size);
    return p + 24;
}

static void trace_header(uint64_t end_clock)
{
    struct buffer *b = &g.cpu[0];
    uint8_t *p = b->at + HEAD + 32;
    const uint64_t start = 134168616000000000u; // 2026-03-01 12:00 UTC
    memset(b->at + HEAD, 0, 512);
    put(p - 30, 0xc002, 2);
    put(p - 32, 2, 2);
    put(p - 28, 32 + 360, 2);
    put(p - 16, 50000000, 8);
    put(p, BUFFER, 4);
    p[4] = 10;
    put(p + 8, 19045, 4);
    put(p + 12, CPUS, 4);
    put(p + 16, start + end_clock - 50000000, 8);
    put(p + 32, 1, 4); // sequential
    put(p + 44, 8, 4);
    put(p + 0x34, 2400, 4);
    put(p + 0x100, start, 8);
    put(p + 0x108, 10000000, 8);
    put(p + 0x110, start, 8);
    put(p + 0x118, 1, 4); // performance counter
    b->used = HEAD + 32 + 360;
    flush(b, 0, 4);
}

static void image(uint64_t base, const char *name)
{
    uint8_t *p = record(0, 0x1403, 3, 8, 56 + 2 * (strlen(name) + 1));
    memset(p, 0, 56);
    put(p, base, 8);
    put(p + 8, 0x100000, 8);
    put(p + 16, PID, 4);
    put(p + 24, 0x60000000, 4);
    for (size_t i = 0; i <= strlen(name); i++)
        put(p + 56 + 2 * i, (uint8_t)name[i], 2);
}

static void put_frames(uint8_t *p, uint32_t stack)
{
    static const uint64_t bases[4] = { 0x7ff800000000, 0x7ff800400000, 0x140000000, 0x180000000 };
    uint64_t at = stack * 2654435761u;
    for (unsigned i = 0; i < DEPTH; i++) {
        at = at * 6364136223846793005u + 1442695040888963407u;
        // Stacks differ in their inner frames and share the outer ones.
        uint64_t offset = i < DEPTH / 2 ? at >> 44 : (uint64_t)i * 0x321;
        put(p + 8 * i, bases[i * 4 / DEPTH] + offset % 0x100000, 8);
    }
}

// A stack by one of a few keys, each of which is deleted, and so defined, with its next use.
static void put_key(unsigned cpu, uint32_t tid, uint64_t of, uint32_t stack)
{
    enum { KEYS = 512 };
    static uint32_t named[KEYS]; // stack + 1
    uint64_t slot = next_random() % KEYS, key = 0xffffe00000000000 + slot * 64;
    uint8_t *p;
    if (named[slot]) {
        p = record(cpu, 0x1823, 2, 0, 8 + 8 * DEPTH);
        put(p, key, 8);
        put_frames(p + 8, named[slot] - 1);
    }
    named[slot] = stack + 1;
    p = record(cpu, 0x1826, 2, tid, 24);
    put(p, of, 8);
    put(p + 8, PID, 4);
    put(p + 12, tid, 4);
    put(p + 16, key, 8);
}

static void alloc(struct block *block, uint32_t stack, int keys)
{
    unsigned cpu = (unsigned)(next_random() % CPUS);
    uint32_t tid = 1000 + 4 * cpu;
    uint8_t *p = record(cpu, 0x1021, 2, tid, 28);
    put(p, 0x1d0a2340000, 8);
    put(p + 8, (stack % 64 + 1) * PIECE, 8);
    put(p + 16, block->address, 8);
    put(p + 24, 2, 4);
    uint64_t of = g.clock;
    g.clock += 2;
    if (keys) {
        put_key(cpu, tid, of, stack);
    } else {
        p = record(cpu, 0x1820, 2, tid, 16 + 8 * DEPTH);
        put(p, of, 8);
        put(p + 8, PID, 4);
        put(p + 12, tid, 4);
        put_frames(p + 16, stack);
    }
    g.n_allocs++;
}

static void release(const struct block *block)
{
    unsigned cpu = (unsigned)(next_random() % CPUS);
    uint8_t *p = record(cpu, 0x1024, 2, 1000 + 4 * cpu, 20);
    put(p, 0x1d0a2340000, 8);
    put(p + 8, block->address, 8);
    put(p + 16, 2, 4);
    g.n_frees++;
}

int main(int argc, char **argv)
{
    uint64_t bytes = (argc > 2 ? strtoull(argv[2], NULL, 10) : 200) << 20;
    size_t n_live = argc > 3 ? strtoull(argv[3], NULL, 10) : 100000;
    uint32_t n_stacks = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 5000;
    struct block *live = n_live ? calloc(n_live, sizeof *live) : NULL;
    g.out = argc > 1 ? fopen(argv[1], "wb") : NULL;
    if (!g.out || !live || !n_stacks || n_live > UINT32_MAX) {
        (void)fprintf(stderr, "usage: etl_gen OUT.etl [MEGABYTES [LIVE [STACKS [keys]]]]\n");
        return 2;
    }
    for (unsigned i = 0; i < CPUS; i++)
        g.cpu[i].used = HEAD;
    // 48 bytes a free, 52 and 168 an allocation, at five readings of the clock a pair.
    trace_header(50000000 + bytes / 272 * 5);
    image(0x7ff800000000, "\\Windows\\System32\\ntdll.dll");
    image(0x7ff800400000, "\\Windows\\System32\\ucrtbase.dll");
    image(0x140000000, "\\Server\\server.exe");
    image(0x180000000, "\\Server\\session.dll");
    for (size_t i = 0; i < n_live; i++)
        live[i].address = 0x1d0a2350000 + i * 64 * PIECE;
    for (uint64_t n = 0; g.n_buffers * BUFFER < bytes; n++) {
        struct block *block = &live[n < n_live ? n : next_random() % n_live];
        if (n >= n_live)
            release(block);
        g.clock += 3;
        alloc(block, (uint32_t)(next_random() % n_stacks), argc > 5);
    }
    for (unsigned i = 0; i < CPUS; i++)
        flush(&g.cpu[i], i, 0);
    printf("%" PRIu64 " allocations, %" PRIu64 " frees\n", g.n_allocs, g.n_frees);
    free(live);
    return fclose(g.out) == 0 ? 0 : 1;
}
