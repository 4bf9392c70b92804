// SPDX-License-Identifier: MIT
// Writes the seeds of fuzz_heap: heaps of known content, both kinds, both bitnesses.
//
//     seed_heap NT32 NT64 SEGMENT32 SEGMENT64
#include "heap/test_build.h"

#include <stdio.h>
#include <string.h>

enum { HEAP = 0x10000, SEGMENT = 0x400000, DATA = 0x20000 };

static void put(FILE *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        (void)fputc((int)(value >> (8 * i) & 0xff), out);
}

// The zeros at the end of a range are left out.
static int write_seed(const char *path, unsigned bits, struct kit_memory *m)
{
    FILE *out = fopen(path, "wb");
    if (!out)
        return 1;
    put(out, bits == 64, 1);
    put(out, 1, 1);
    put(out, HEAP, 8);
    for (size_t i = 0; i < m->n; i++) {
        size_t here = m->ranges[i].len;
        while (here && m->ranges[i].bytes[here - 1] == 0)
            here--;
        put(out, m->ranges[i].address, 8);
        put(out, m->ranges[i].len, 4);
        put(out, here, 4);
        (void)fwrite(m->ranges[i].bytes, 1, here, out);
    }
    kit_memory_clear(m);
    return fclose(out) != 0;
}

static int nt(const char *path, unsigned bits)
{
    static const struct build_entry entries[] = { { 6, BUILD_BUSY, 12 },
                                                  { 20, BUILD_BUSY, 2 },
                                                  { 9, BUILD_FREE, 0 },
                                                  { 40, BUILD_BUSY, 9 },
                                                  { 5, BUILD_INTERNAL, 8 } };
    struct kit_memory m;
    uint64_t at[5], granule = build_granule(bits);
    kit_memory_init(&m, bits / 8);
    build_nt_heap(&m, bits, HEAP, entries, 5, at);
    kit_put(&m, HEAP + (bits == 64 ? 0x90 : 0x58), 4, 1);
    kit_put(&m, at[1] + granule, bits / 8, DATA + 64);
    kit_put(&m, at[1] + 2 * granule + (bits == 64 ? 12 : 4), 2, 0x30);
    kit_put(&m, at[1] + 2 * granule + (bits == 64 ? 15 : 7), 1, 5);
    (void)kit_memory_add(&m, DATA, 256);
    kit_put(&m, DATA, bits / 8, at[0] + granule);
    kit_put(&m, DATA + 64 + (bits == 64 ? 12 : 8), 2, 3);
    return write_seed(path, bits, &m);
}

static int segments(const char *path, unsigned bits)
{
    static const struct build_chunk chunks[] = {
        { 4, true, 0 }, { 9, true, 5 }, { 3, false, 0 }, { 33, true, 1 }, { 17, true, 7 }
    };
    struct kit_memory m;
    struct build_segments b;
    kit_memory_init(&m, bits / 8);
    build_segment_heap(&b, &m, bits, HEAP, SEGMENT, 0x9f3c5a7be1d20864, 0xc41d93a7);
    build_vs(&b, 2, chunks, 5, NULL);
    (void)build_lfh(&b, 48, 20, 0xf0ff1, 3);
    (void)build_lfh(&b, 64, 8, 0x3, 1);
    (void)build_lfh(&b, 128, 4, 0xf, 0);
    (void)build_range(&b, 3, 0x03, 96);
    (void)kit_memory_add(&m, DATA, 256);
    build_large(&b, DATA, DATA + 64, 0, 0x1000000, 3, 16);
    build_large(&b, DATA + 64, 0, 0, 0x2000000, 5, 0);
    build_large_root(&b, DATA);
    return write_seed(path, bits, &m);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    return nt(argv[1], 32) || nt(argv[2], 64) || segments(argv[3], 32) || segments(argv[4], 64);
}
