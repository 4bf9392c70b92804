// SPDX-License-Identifier: MIT
// Writes the seeds of fuzz_kernel_memory: one small dump of each kind, over all pagings.
//
//     seed_kernel_memory FULL32 SUMMARY32 BITMAP KERNEL COMPLETE TRIAGE
#include "memory/test_dump_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_file(const char *path, const uint8_t *file, size_t len)
{
    FILE *out = fopen(path, "wb");
    if (!out)
        return 1;
    bool whole = fwrite(file, 1, len, out) == len;
    return fclose(out) != 0 || !whole;
}

// A page, a large one, one in transition, one by a prototype entry, one in the page file.
static int pages(const char *path, enum seep_paging paging, enum seep_kernel_dump_kind kind)
{
    enum { FIRST = 0x1f8, TABLES = 0x1f8, LARGE = 0x200 };
    bool wide = paging != SEEP_PAGING_X86 && paging != SEEP_PAGING_X86_PAE;
    uint64_t at = wide ? UINT64_C(0xfffff80000003000) : 0x82003000;
    unsigned proto_shift = wide ? 16 : 32;
    struct kit kit;
    size_t len;
    kit_init(&kit, paging, FIRST, 0x10, TABLES);
    kit_map(&kit, at, LARGE, 12);
    kit_map(&kit, at + 0x1000, LARGE + 1, 12);
    kit_entry(&kit, at + 0x2000, 12, LARGE << 12 | 0x880);
    kit_entry(&kit, at + 0x3000, 12, at << proto_shift | 0x400);
    kit_entry(&kit, at + 0x4000, 12, UINT64_C(0x1234) << (paging == SEEP_PAGING_X86 ? 12 : 32));
    if (paging == SEEP_PAGING_X86)
        kit_map(&kit, at + 0x400000, LARGE / 0x400 * 0x400, 22);
    else
        kit_map(&kit, at - 0x3000 + 0x200000, LARGE, 21);
    kit_put64(kit_frame(&kit, LARGE), kit_valid(&kit, LARGE + 1, 12));
    kit_put64(kit_frame(&kit, LARGE) + 8, at);
    (void)kit_frame(&kit, LARGE + 1);
    kit.loaded_modules = at;
    uint8_t *file = kit_write(&kit, kind, &len);
    int failed = write_file(path, file, len);
    free(file);
    kit_clear(&kit);
    return failed;
}

static int triage(const char *path)
{
    enum { LEN = 0x2400 };
    uint8_t *file = kit_header(true, SEEP_KERNEL_DUMP_TRIAGE, 0x8664, LEN), *at = file + 0x2000;
    memset(at, 0, LEN - 0x2000);
    kit_put64(file + 0x80, UINT64_C(0xfffff80000004000));
    kit_put32(at + 0x14, 0x2080);
    kit_put32(file + 0x2080, 1);
    kit_put32(file + 0x2084, 0x50);
    kit_put64(file + 0x20a0, 0x3ee6);
    kit_put32(at + 0x30, 0x20e0);
    kit_put32(at + 0x34, 1);
    kit_put32(file + 0x20e0, 0x2180);
    kit_put64(file + 0x20e0 + 0x38, UINT64_C(0xfffff80000000000));
    kit_put32(file + 0x2180, 2);
    file[0x2184] = 'n';
    file[0x2186] = 't';
    kit_put32(at + 0x70, 0x2200);
    kit_put32(at + 0x74, 0x40);
    kit_text(file + 0x2210, "KDBG");
    kit_put32(file + 0x2214, 0x40);
    kit_put32(at + 0x78, 0x2300);
    kit_put32(at + 0x7c, 2);
    kit_put64(file + 0x2300, UINT64_C(0xfffff80000001000));
    kit_put32(file + 0x2308, 0x2380);
    kit_put32(file + 0x230c, 0x40);
    kit_put64(file + 0x2310, UINT64_C(0xfffff80000001020));
    kit_put32(file + 0x2318, 0x23c0);
    kit_put32(file + 0x231c, 0x40);
    int failed = write_file(path, file, LEN);
    free(file);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    return pages(argv[1], SEEP_PAGING_X86_PAE, SEEP_KERNEL_DUMP_FULL) ||
           pages(argv[2], SEEP_PAGING_X86, SEEP_KERNEL_DUMP_SUMMARY) ||
           pages(argv[3], SEEP_PAGING_X64, SEEP_KERNEL_DUMP_BITMAP) ||
           pages(argv[4], SEEP_PAGING_X64_LA57, SEEP_KERNEL_DUMP_KERNEL) ||
           pages(argv[5], SEEP_PAGING_ARM64, SEEP_KERNEL_DUMP_COMPLETE) || triage(argv[6]);
}
