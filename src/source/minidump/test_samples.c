// SPDX-License-Identifier: MIT
// Dumps of known content. Addresses are made up; offsets of PEB, TEB and heaps are those of the
// public symbols of ntdll.
#include "source/minidump/test_kit.h"

#include <string.h>

enum {
    COMMIT = 0x1000,
    RESERVE = 0x2000,
    FREE = 0x10000,
    PRIVATE = 0x20000,
    MAPPED = 0x40000,
    IMAGE = 0x1000000,
    READ = 2,
    READ_WRITE = 4,
    GUARDED = 0x104,
    AMD64 = 9,
    X86 = 0,
    WINDOWS = 2,
};

// --- parts ---

struct module {
    uint64_t base;
    uint32_t size;
    const char *path;
    uint16_t version[4];
    const char *pdb; // NULL = no CodeView record, as Wine writes it
};

static void modules(struct build *b, const struct module *m, unsigned n, bool padded)
{
    build_label name[8], record[8];
    uint32_t bytes[8];
    for (unsigned i = 0; i < n; i++) {
        name[i] = build_string(b, m[i].path);
        record[i] = build_new_label(b);
        bytes[i] = 0;
        if (!m[i].pdb)
            continue;
        build_place(b, record[i]);
        seep_buf_adds(&b->out, "RSDS");
        for (uint8_t k = 0; k < 16; k++)
            build_u8(b, (uint8_t)(0x10 * (i + 1) + k));
        build_u32(b, i + 1);
        seep_buf_add(&b->out, m[i].pdb, strlen(m[i].pdb) + 1);
        bytes[i] = (uint32_t)(24 + strlen(m[i].pdb) + 1);
    }
    build_begin(b, 4);
    build_u32(b, n);
    if (padded)
        build_u32(b, 0);
    for (unsigned i = 0; i < n; i++) {
        build_u64(b, m[i].base);
        build_u32(b, m[i].size);
        build_u32(b, 0xc0de + i);
        build_u32(b, 0x5f000000 + i);
        build_ref(b, name[i]);
        build_u32(b, 0xfeef04bd);
        build_u32(b, 0x10000);
        build_u32(b, (uint32_t)m[i].version[0] << 16 | m[i].version[1]);
        build_u32(b, (uint32_t)m[i].version[2] << 16 | m[i].version[3]);
        build_zero(b, 36);
        build_u32(b, bytes[i]);
        if (bytes[i])
            build_ref(b, record[i]);
        else
            build_u32(b, 0);
        build_zero(b, 24);
    }
    build_end(b);
}

// A TEB at `teb`: self, PEB, stack.
static void teb(struct build *b, unsigned pointer_bytes, uint64_t at, uint64_t peb, uint64_t bottom,
                uint64_t limit, uint64_t top)
{
    bool wide = pointer_bytes == 8;
    build_poke(b, at + (wide ? 0x8 : 0x4), pointer_bytes, top);
    build_poke(b, at + (wide ? 0x10 : 0x8), pointer_bytes, limit);
    build_poke(b, at + (wide ? 0x30 : 0x18), pointer_bytes, at);
    build_poke(b, at + (wide ? 0x60 : 0x30), pointer_bytes, peb);
    build_poke(b, at + (wide ? 0x1478 : 0xe0c), pointer_bytes, bottom);
}

static void peb(struct build *b, unsigned pointer_bytes, uint64_t at, const uint64_t *heaps,
                unsigned n_heaps, uint64_t list)
{
    bool wide = pointer_bytes == 8;
    build_poke(b, at + (wide ? 0x30 : 0x18), pointer_bytes, heaps[0]);
    build_poke(b, at + (wide ? 0xe8 : 0x88), 4, n_heaps);
    build_poke(b, at + (wide ? 0xec : 0x8c), 4, 16);
    build_poke(b, at + (wide ? 0xf0 : 0x90), pointer_bytes, list);
    for (unsigned i = 0; i < n_heaps; i++)
        build_poke(b, list + (uint64_t)i * pointer_bytes, pointer_bytes, heaps[i]);
}

// The chain of a doubly linked list through `n` addresses; the first is the head.
static void chain(struct build *b, unsigned pointer_bytes, const uint64_t *at, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        build_poke(b, at[i], pointer_bytes, at[(i + 1) % n]);
        build_poke(b, at[(i + 1) % n] + pointer_bytes, pointer_bytes, at[i]);
    }
}

struct nt_offsets {
    uint64_t segment_signature, entry, heap, signature, virtual_blocks, segments;
};

static const struct nt_offsets w10_64 = { 0x10, 0x18, 0x28, 0x98, 0x110, 0x120 };
static const struct nt_offsets w7_64 = { 0x10, 0x18, 0x28, 0xa0, 0x118, 0x128 };
static const struct nt_offsets w7_32 = { 0x8, 0x10, 0x18, 0x64, 0xa0, 0xa8 };

// An NT heap: its own first segment, `more` segments, `blocks` virtual blocks.
static void nt_heap(struct build *b, unsigned pointer_bytes, const struct nt_offsets *o,
                    uint64_t heap, const uint64_t *more, unsigned n_more, const uint64_t *blocks,
                    unsigned n_blocks)
{
    uint64_t list[8] = { heap + o->segments, heap + o->entry },
             large[8] = { heap + o->virtual_blocks };
    build_poke(b, heap + o->signature, 4, 0xeeffeeff);
    for (unsigned i = 0; i <= n_more; i++) {
        uint64_t segment = i ? more[i - 1] : heap;
        build_poke(b, segment + o->segment_signature, 4, 0xffeeffee);
        build_poke(b, segment + o->heap, pointer_bytes, heap);
        build_poke(b, segment + o->heap + pointer_bytes, pointer_bytes, segment);
        build_poke(b, segment + o->heap + 2 * pointer_bytes, 4, 0x10); // pages
        list[i + 1] = segment + o->entry;
    }
    for (unsigned i = 0; i < n_blocks; i++) { // of x64
        large[i + 1] = blocks[i];
        build_poke(b, blocks[i] + 0x20, 8, 0x90000); // committed
        build_poke(b, blocks[i] + 0x28, 8, 0x90000);
        build_poke(b, blocks[i] + 0x38, 2, 0x40); // unused bytes, the headers among them
        build_poke(b, blocks[i] + 0x3a, 1, 1);    // busy
    }
    chain(b, pointer_bytes, list, n_more + 2);
    chain(b, pointer_bytes, large, n_blocks + 1);
}

// --- dumps ---

static void x64_handles(struct build *b)
{
    build_label type = build_string(b, "Event"), name = build_string(b, "\\Sessions\\1\\Ready");
    build_begin(b, 12);
    build_u32(b, 16);
    build_u32(b, 40); // MINIDUMP_HANDLE_DESCRIPTOR_2
    build_u32(b, 2);
    build_u32(b, 0);
    for (unsigned i = 0; i < 2; i++) {
        build_u64(b, 0x40 + 4 * i);
        build_ref(b, type);
        if (i)
            build_u32(b, 0);
        else
            build_ref(b, name);
        build_u32(b, 0);
        build_u32(b, 0x1f0003);
        build_u32(b, 3);
        build_u32(b, 65537);
        build_zero(b, 8);
    }
    build_end(b);
}

static void x64_counters(struct build *b)
{
    build_begin(b, 22);
    build_u16(b, 2);
    build_u16(b, 0xf);
    build_u32(b, 1000);
    build_u64(b, 9 << 20); // peak working set
    build_u64(b, 8 << 20); // working set
    for (unsigned i = 0; i < 4; i++)
        build_u64(b, 0x1000 * (i + 1)); // pool: peak paged, paged, peak nonpaged, nonpaged
    build_u64(b, 5 << 20);
    build_u64(b, 6 << 20);
    build_u64(b, 900 << 20);
    build_u64(b, 800 << 20); // virtual
    build_u64(b, 4 << 20);   // private
    build_zero(b, 56);
    build_end(b);
}

static void x64_regions(struct build *b)
{
    static const uint64_t stack = 0x500000, teb_page = 0x7f0000;
    build_regions_begin(b, 20);
    build_region(b, 0, 0x10000, 0, FREE, 0, 1);
    build_region(b, 0x10000, 0x10000, 0x10000, COMMIT, MAPPED, READ);
    build_region(b, 0x20000, 0x1e0000, 0, FREE, 0, 1);
    build_region(b, 0x200000, 0x8000, 0x200000, COMMIT, PRIVATE, READ_WRITE); // heap
    build_region(b, 0x208000, 0xf8000, 0x200000, RESERVE, PRIVATE, 0);
    build_region(b, 0x300000, 0x4000, 0x300000, COMMIT, PRIVATE, READ_WRITE); // its second segment
    build_region(b, 0x304000, 0xfc000, 0x300000, RESERVE, PRIVATE, 0);
    build_region(b, 0x400000, 0x90000, 0x400000, COMMIT, PRIVATE, READ_WRITE); // a virtual block
    build_region(b, 0x490000, 0x70000, 0, FREE, 0, 1);
    build_region(b, stack, 0xf0000, stack, RESERVE, PRIVATE, 0);
    build_region(b, 0x5f0000, 0x3000, stack, COMMIT, PRIVATE, GUARDED);
    build_region(b, 0x5f3000, 0xd000, stack, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x600000, 0x20000, 0x600000, COMMIT, PRIVATE, READ_WRITE); // VirtualAlloc
    build_region(b, 0x620000, 0x1d0000, 0, FREE, 0, 1);
    build_region(b, teb_page, 0x5000, teb_page, COMMIT, PRIVATE, READ_WRITE); // PEB, two TEBs
    build_region(b, 0x7f5000, 0x7f7eb000, 0, FREE, 0, 1);
    build_region(b, 0x7ffe0000, 0x1000, 0x7ffe0000, COMMIT, PRIVATE, READ);
    build_region(b, UINT64_C(0x7ff700000000), 0x1000, UINT64_C(0x7ff700000000), COMMIT, IMAGE,
                 READ);
    build_region(b, UINT64_C(0x7ff700001000), 0x1f000, UINT64_C(0x7ff700000000), COMMIT, IMAGE,
                 0x20);
    build_region(b, UINT64_C(0x7ff800000000), 0x30000, UINT64_C(0x7ff800000000), COMMIT, IMAGE,
                 READ);
    build_end(b);
}

struct build *sample_x64(bool memory, bool unaligned)
{
    static const struct module two[] = {
        { UINT64_C(0x7ff700000000), 0x20000, "C:\\app\\Leaky.exe", { 1, 2, 3, 4 }, "Leaky.pdb" },
        { UINT64_C(0x7ff800000000),
          0x30000,
          "C:\\Windows\\System32\\ntdll.dll",
          { 10, 0, 19041, 804 },
          NULL },
    };
    static const uint64_t heaps[] = { 0x200000 }, segment[] = { 0x300000 }, block[] = { 0x400000 };
    struct build *b = build_new(8);
    b->unaligned = unaligned;
    build_system(b, AMD64, 10, 0, 19041, WINDOWS);
    build_misc(b, 4711, 1600000000);
    modules(b, two, 2, unaligned);
    build_label gone = build_string(b, "gone.dll"), name = build_string(b, "worker");
    build_begin(b, 14);
    build_u32(b, 12);
    build_u32(b, 24);
    build_u32(b, 1);
    build_u64(b, 0x10000000);
    build_u32(b, 0x4000);
    build_u32(b, 7);
    build_u32(b, 8);
    build_ref(b, gone);
    build_end(b);
    build_begin(b, 3);
    build_u32(b, 2);
    build_thread(b, 100, 0x7f1000, 0x5fff00, 0x100, 0);
    build_thread(b, 200, 0x7f3000, 0, 0, 0);
    build_end(b);
    build_begin(b, 24);
    build_u32(b, 1);
    build_u32(b, 100);
    build_ref(b, name);
    build_u32(b, 0);
    build_end(b);
    x64_handles(b);
    x64_counters(b);
    x64_regions(b);
    if (memory) {
        teb(b, 8, 0x7f1000, 0x7f0000, 0x500000, 0x5f3000, 0x600000);
        teb(b, 8, 0x7f3000, 0x7f0000, 0, 0, 0);
        peb(b, 8, 0x7f0000, heaps, 1, 0x200800);
        nt_heap(b, 8, &w10_64, 0x200000, segment, 1, block, 1);
    }
    build_finish(b, 1600003600, memory);
    return b;
}

struct build *sample_wow64(void)
{
    static const struct module three[] = {
        { 0x400000, 0x10000, "C:\\app\\old.exe", { 0 }, NULL },
        { 0x400000, 0x10000, "C:\\app\\old.exe", { 0 }, NULL },
        { 0x74000000, 0x10000, "C:\\Windows\\System32\\WoW64.dll", { 6, 1, 7601, 1 }, NULL },
    };
    static const uint64_t wide[] = { 0x100000 }, narrow[] = { 0x200000, 0x300000 };
    struct build *b = build_new(8);
    build_system(b, AMD64, 6, 1, 7601, WINDOWS);
    build_misc(b, 12, 1600000000);
    modules(b, three, 3, false);
    build_begin(b, 3);
    build_u32(b, 1);
    build_thread(b, 5, 0x7efdb000, 0x5ff000, 0x1000, 0); // the 32-bit stack
    build_end(b);
    build_regions_begin(b, 9);
    build_region(b, 0x100000, 0x10000, 0x100000, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x200000, 0x20000, 0x200000, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x300000, 0x30000, 0x300000, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x400000, 0x10000, 0x400000, COMMIT, IMAGE, READ);
    build_region(b, 0x480000, 0x40000, 0x480000, COMMIT, PRIVATE, READ_WRITE);  // 64-bit stack
    build_region(b, 0x500000, 0x100000, 0x500000, COMMIT, PRIVATE, READ_WRITE); // 32-bit stack
    build_region(b, 0x7efdb000, 0x3000, 0x7efdb000, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x7efde000, 0x1000, 0x7efde000, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x7efdf000, 0x1000, 0x7efdf000, COMMIT, PRIVATE, READ_WRITE);
    build_end(b);
    teb(b, 8, 0x7efdb000, 0x7efdf000, 0x480000, 0x4b0000, 0x4c0000);
    build_poke(b, 0x7efdb000, 8, 0x7efdd000);
    teb(b, 4, 0x7efdd000, 0x7efde000, 0x500000, 0x5f0000, 0x600000);
    peb(b, 8, 0x7efdf000, wide, 1, 0x7efdf800);
    peb(b, 4, 0x7efde000, narrow, 2, 0x7efde800);
    nt_heap(b, 8, &w7_64, 0x100000, NULL, 0, NULL, 0);
    nt_heap(b, 4, &w7_32, 0x200000, NULL, 0, NULL, 0);
    nt_heap(b, 4, &w7_32, 0x300000, NULL, 0, NULL, 0);
    build_finish(b, 1600003600, true);
    return b;
}

// A node of the tree of large blocks, at `node`.
static void large(struct build *b, uint64_t node, uint64_t left, uint64_t right, uint64_t block,
                  bool encoded)
{
    uint64_t key = encoded ? node : 0;
    build_poke(b, node, 8, left ? left ^ key : 0);
    build_poke(b, node + 8, 8, right ? right ^ key : 0);
    build_poke(b, node + 0x18, 8, block | 0x123); // unused bytes in the low 16 bits
    build_poke(b, node + 0x20, 8, 0x20 << 12);    // pages
}

// Segments of 1 MB with units of a page, and of 16 MB with units of 64 KB.
static void segment_contexts(struct build *b, uint64_t heap)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t context = heap + 0x100 + (uint64_t)i * 0xc0;
        build_poke(b, context, 8, i ? ~UINT64_C(0xffffff) : ~UINT64_C(0xfffff));
        build_poke(b, context + 8, 1, i ? 16 : 12);
        build_poke(b, context + 10, 1, 2);
    }
}

struct build *sample_segment_heap(bool encoded)
{
    static const struct module one[] = {
        { UINT64_C(0x7ff700000000), 0x20000, "C:\\app\\new.exe", { 0 }, NULL },
    };
    static const uint64_t heaps[] = { 0x200000 };
    const uint64_t heap = 0x200000, tree = heap + 0x48, small = heap + 0x100 + 0x48;
    const uint64_t segments[] = { small, 0x300000, 0x400000 };
    const uint64_t none[] = { heap + 0x100 + 0xc0 + 0x48 };
    struct build *b = build_new(8);
    build_system(b, AMD64, 10, 0, 19045, WINDOWS);
    modules(b, one, 1, false);
    build_begin(b, 3);
    build_u32(b, 1);
    build_thread(b, 5, 0x7f1000, 0, 0, 0);
    build_end(b);
    build_regions_begin(b, 7);
    build_region(b, heap, 0x10000, heap, COMMIT, PRIVATE, READ_WRITE);
    for (uint64_t at = 0x300000; at <= 0x700000; at += 0x100000)
        build_region(b, at, 0x20000, at, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x7f0000, 0x3000, 0x7f0000, COMMIT, PRIVATE, READ_WRITE);
    build_end(b);
    teb(b, 8, 0x7f1000, 0x7f0000, 0, 0, 0);
    peb(b, 8, 0x7f0000, heaps, 1, 0x7f0800);
    build_poke(b, heap + 0x10, 4, 0xddeeddee);
    segment_contexts(b, heap);
    chain(b, 8, segments, 3);
    chain(b, 8, none, 1);
    build_poke(b, tree, 8, encoded ? UINT64_C(0x200a00) ^ tree : 0x200a00);
    build_poke(b, tree + 8, 8, 0x200a40 | (encoded ? 1 : 0));
    large(b, 0x200a00, 0x200a40, 0x200a80, 0x600000, encoded);
    large(b, 0x200a40, 0, 0, 0x500000, encoded);
    large(b, 0x200a80, 0, 0, 0x700000, encoded);
    build_finish(b, 1600003600, true);
    return b;
}

struct build *sample_thin_x86(void)
{
    static const struct module two[] = {
        { 0x400000, 0x10000, "C:\\app\\thin.exe", { 0 }, NULL },
        { 0x77000000, 0x180000, "C:\\Windows\\SysWOW64\\ntdll.dll", { 6, 1, 7600, 1 }, NULL },
    };
    struct build *b = build_new(4);
    build_label stack = build_new_label(b);
    build_system(b, X86, 6, 1, 7600, WINDOWS);
    modules(b, two, 2, false);
    build_place(b, stack);
    build_zero(b, 0x200);
    uint32_t rva = (uint32_t)b->out.len - 0x200;
    build_begin(b, 3);
    build_u32(b, 1);
    build_thread(b, 9, 0x7efdd000, 0x12fe00, 0x200, rva);
    build_end(b);
    build_begin(b, 5); // the stack again, and a piece that an image has, and one that is cut
    build_u32(b, 3);
    build_u64(b, 0x12fe00);
    build_u32(b, 0x200);
    build_ref(b, stack);
    build_u64(b, 0x40ff00);
    build_u32(b, 0x200);
    build_ref(b, stack);
    build_u64(b, 0x900000);
    build_u32(b, 0x100);
    build_ref(b, stack);
    build_end(b);
    build_finish(b, 1600003600, false);
    return b;
}

struct build *sample_hostile(unsigned which)
{
    static const uint64_t heaps[] = { 0x200000 };
    static const struct module huge[] = {
        { UINT64_C(0xfffffffffffff000), 0x10000, "a.exe", { 0 }, NULL },
        { 0x1000, 0xffffffff, "b\x01.dll", { 0 }, "../../x" },
        { 0x2000, 0, "c.dll", { 0 }, NULL },
    };
    struct build *b = build_new(8);
    build_system(b, AMD64, 10, 0, 19041, WINDOWS);
    modules(b, huge, 3, false);
    build_begin(b, 3);
    build_u32(b, which == 0 ? UINT32_MAX : 1); // a count beyond everything
    build_thread(b, 5, 0x7f1000, UINT64_MAX - 4, UINT32_MAX, 8);
    build_end(b);
    build_regions_begin(b, which == 1 ? UINT64_MAX : 5);
    build_region(b, 0x200000, 0x10000, 0x200000, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x208000, 0x10000, 0x200000, COMMIT, PRIVATE, READ_WRITE); // overlaps
    build_region(b, 0x7f0000, 0x3000, 0x7f0000, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, UINT64_C(0xfffffffffffff000), 0x2000, 0x1000, COMMIT, PRIVATE, READ_WRITE);
    build_region(b, 0x100000, 0x1000, 0x100000, COMMIT, PRIVATE, READ_WRITE); // not in order
    build_end(b);
    teb(b, 8, 0x7f1000, which == 2 ? UINT64_MAX - 7 : 0x7f0000, 1, UINT64_MAX, 0);
    peb(b, 8, 0x7f0000, heaps, 1, 0x7f0800);
    if (which == 3)
        build_poke(b, 0x7f00e8, 4, UINT32_MAX);
    nt_heap(b, 8, &w10_64, 0x200000, NULL, 0, NULL, 0);
    if (which == 4) { // a list that never comes back to its head
        build_poke(b, 0x200110, 8, 0x200400);
        build_poke(b, 0x200400, 8, 0x200400);
    }
    if (which == 5) { // a tree whose nodes are their own children
        build_poke(b, 0x200010, 4, 0xddeeddee);
        segment_contexts(b, 0x200000);
        for (uint64_t head = 0x200148; head <= 0x200208; head += 0xc0)
            chain(b, 8, &head, 1);
        build_poke(b, 0x200048, 8, 0x200a00);
        large(b, 0x200a00, 0x200a00, 0x200a00, 0x200000, false);
    }
    build_finish(b, 0, true);
    return b;
}
