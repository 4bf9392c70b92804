// SPDX-License-Identifier: MIT
// Virtual memory of kernel dumps: every paging, entries that Windows wrote and the processor does
// not follow, and tables that lead nowhere.
#include "testkit.h"

#include "memory/kernel_memory.h"
#include "memory/test_dump_kit.h"

#include <stdlib.h>
#include <string.h>

// A dump in memory, opened.
struct opened {
    uint8_t *file;
    struct seep_kernel_dump_header header;
    struct seep_physical *physical;
    struct seep_kernel_memory m;
    uint64_t n_absent, n_paged_out;
};

static void open_kit(const struct kit *kit, struct opened *o)
{
    size_t len;
    struct seep_err err = { 0 };
    *o = (struct opened){ 0 };
    // A bitmap: there is no end of runs.
    o->file = kit_write(kit, SEEP_KERNEL_DUMP_BITMAP, &len);
    assert_true(seep_kernel_dump_read(seep_bytes(o->file, len), &o->header, &err));
    o->physical = seep_physical_open(seep_bytes(o->file, len), &o->header, &err);
    assert_non_null(o->physical);
    assert_true(seep_kernel_memory_open(o->physical, &o->header, kit->paging,
                                        o->header.directory_table, &o->m, &err));
    o->m.n_absent = &o->n_absent;
    o->m.n_paged_out = &o->n_paged_out;
}

static void shut(struct opened *o)
{
    seep_kernel_memory_close(&o->m);
    seep_physical_close(o->physical);
    free(o->file);
}

// Whether the bytes at an address are those of a frame, from `offset` on.
static bool reads(struct opened *o, uint64_t address, uint64_t frame, unsigned offset)
{
    uint8_t bytes[64];
    uint64_t physical;
    if (seep_memory_read(&o->m.memory, address, bytes, sizeof bytes) != sizeof bytes ||
        !seep_kernel_memory_translate(&o->m, address, &physical) ||
        physical != frame * KIT_PAGE + offset)
        return false;
    for (unsigned i = 0; i < sizeof bytes; i++) {
        if (bytes[i] != kit_byte(frame + (offset + i) / KIT_PAGE, (offset + i) % KIT_PAGE))
            return false;
    }
    return true;
}

static bool nothing(struct opened *o, uint64_t address)
{
    uint64_t physical;
    return o->m.memory.span(&o->m.memory, address).len == 0 &&
           !seep_kernel_memory_translate(&o->m, address, &physical);
}

static uint64_t next(struct opened *o, uint64_t address)
{
    uint64_t held = 0;
    return o->m.memory.next(&o->m.memory, address, &held) ? held : UINT64_MAX;
}

// What each paging is tried with: a page alone and two that are neighbours in file and memory, far
// apart; a large page, and the largest one, of which the dump holds but some frames.
struct scene {
    enum seep_paging paging;
    uint64_t low, high, large, largest;
    unsigned large_shift, largest_shift; // 0 = there is none
};

static const struct scene scenes[] = {
    { SEEP_PAGING_X86, 0x00403000, 0x82005000, 0x80400000, 0, 22, 0 },
    { SEEP_PAGING_X86_PAE, 0x00403000, 0x82005000, 0xc0600000, 0, 21, 0 },
    { SEEP_PAGING_X64, 0x7ff612345000, UINT64_C(0xfffff80312345000), UINT64_C(0xfffff80400200000),
      UINT64_C(0xffffaa0040000000), 21, 30 },
    { SEEP_PAGING_X64_LA57, UINT64_C(0x00ff123456789000), UINT64_C(0xffa1f80312345000),
      UINT64_C(0xfffff80400200000), UINT64_C(0xff23aa0040000000), 21, 30 },
    { SEEP_PAGING_ARM64, 0x7ff612345000, UINT64_C(0xfffff80312345000), UINT64_C(0xfffff80400200000),
      UINT64_C(0xffffaa0040000000), 21, 30 },
};
enum { SCENES = sizeof scenes / sizeof *scenes };

// Frames of the scenes. Large pages start at multiples of their size.
enum { FIRST = 0x100, TABLES = 0x110, ALONE = 0x140, PAIR = 0x142, LARGE = 0x400, END = 0x800 };

static void build(const struct scene *s, struct kit *kit)
{
    kit_init(kit, s->paging, FIRST, END - FIRST, TABLES);
    kit_fill(kit, ALONE);
    kit_fill(kit, PAIR);
    kit_fill(kit, PAIR + 1);
    kit_fill(kit, LARGE);
    kit_fill(kit, LARGE + 1);
    kit_fill(kit, LARGE + 300);
    kit_map(kit, s->low, ALONE, 12);
    kit_map(kit, s->high, PAIR, 12);
    kit_map(kit, s->high + KIT_PAGE, PAIR + 1, 12);
    kit_map(kit, s->high + 2 * KIT_PAGE, 0x120, 12); // not held
    kit_map(kit, s->high + 7 * KIT_PAGE, ALONE, 12);
    kit_map(kit, s->large, LARGE, s->large_shift);
    if (s->largest)
        kit_map(kit, s->largest, 0, s->largest_shift);
}

static void test_pagings(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENES; i++) {
        const struct scene *s = &scenes[i];
        struct kit kit;
        struct opened o;
        build(s, &kit);
        open_kit(&kit, &o);
        for (int twice = 0; twice < 2; twice++) {
            assert_true(reads(&o, s->low, ALONE, 0));
            assert_true(reads(&o, s->low + 0x123, ALONE, 0x123));
            assert_true(reads(&o, s->high + 0xff0, PAIR, 0xff0)); // over the border
            assert_true(reads(&o, s->high + 7 * KIT_PAGE, ALONE, 0));
            assert_true(reads(&o, s->large + 0x10, LARGE, 0x10));
            assert_true(reads(&o, s->large + KIT_PAGE * 300, LARGE + 300, 0));
            assert_int_equal(o.m.memory.span(&o.m.memory, s->high + 1).len, 2 * KIT_PAGE - 1);
            assert_int_equal(o.m.memory.span(&o.m.memory, s->large).len, 2 * KIT_PAGE);
            assert_int_equal(o.m.memory.span(&o.m.memory, s->low).len, KIT_PAGE);
            assert_true(nothing(&o, s->low - 1));
            assert_true(nothing(&o, s->high + 3 * KIT_PAGE));
            assert_true(nothing(&o, s->large + 2 * KIT_PAGE));
        }
        // Not held, but named: counted for each read.
        assert_int_equal(o.n_absent, 2);
        assert_true(nothing(&o, s->high + 2 * KIT_PAGE));
        assert_int_equal(o.n_absent, 3);
        if (s->largest)
            assert_true(reads(&o, s->largest + (uint64_t)PAIR * KIT_PAGE, PAIR, 0));
        shut(&o);
        kit_clear(&kit);
    }
}

static void test_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENES; i++) {
        const struct scene *s = &scenes[i];
        struct kit kit;
        struct opened o;
        build(s, &kit);
        open_kit(&kit, &o);
        // What is passed over from the middle of a table on says nothing of its beginning.
        uint64_t end = s->large + (UINT64_C(1) << s->large_shift);
        if (s->high > s->large)
            end = s->high + 8 * KIT_PAGE;
        (void)next(&o, end);
        (void)next(&o, s->low + KIT_PAGE);
        assert_int_equal(next(&o, 0), s->low);
        assert_int_equal(next(&o, s->low + 5), s->low + 5);
        assert_int_equal(next(&o, s->high + 1), s->high + 1);
        assert_int_equal(next(&o, s->high + 2 * KIT_PAGE), s->high + 7 * KIT_PAGE);
        assert_int_equal(next(&o, s->large + 2 * KIT_PAGE + 9), s->large + 300 * KIT_PAGE);
        assert_int_equal(next(&o, s->large - 1), s->large);
        if (s->largest) // the first frame that is held is a table
            assert_int_equal(next(&o, s->largest), s->largest + (uint64_t)TABLES * KIT_PAGE);
        // Every page is found once, in order.
        uint64_t at = 0, last = 0, n = 0;
        while ((at = next(&o, at)) != UINT64_MAX) {
            struct seep_bytes span = o.m.memory.span(&o.m.memory, at);
            assert_true(span.len && at % KIT_PAGE == 0 && (!n || at > last));
            last = at;
            n += span.len / KIT_PAGE;
            at += span.len;
        }
        uint64_t expected = 7; // and what the largest page shows: all frames that are held
        for (uint64_t j = 0; s->largest && j < kit.n_frames; j++)
            expected += kit.held[j];
        assert_int_equal(n, expected);
        assert_int_equal(next(&o, UINT64_MAX), UINT64_MAX);
        assert_int_equal(o.n_absent, 0); // looking for what is there misses nothing
        shut(&o);
        kit_clear(&kit);
    }
}

static void test_addresses(void **state)
{
    (void)state;
    struct kit kit;
    struct opened o;
    build(&scenes[1], &kit); // PAE
    open_kit(&kit, &o);
    assert_true(reads(&o, UINT64_C(0xffffffff00000000) + scenes[1].high, PAIR, 0));
    assert_true(nothing(&o, UINT64_C(0x100000000) + scenes[1].low));
    assert_true(nothing(&o, UINT64_C(0xffffffff00000000) + scenes[1].low));
    assert_int_equal(next(&o, UINT64_C(0x100000000)), UINT64_MAX);
    assert_int_equal(o.m.memory.pointer_bytes, 4);
    shut(&o);
    kit_clear(&kit);
    build(&scenes[2], &kit); // x64
    open_kit(&kit, &o);
    assert_true(nothing(&o, UINT64_C(0x0001000000000000) + scenes[2].low));
    assert_true(nothing(&o, scenes[2].high & UINT64_C(0x0000ffffffffffff)));
    assert_int_equal(next(&o, UINT64_C(0x0000800000000000)), scenes[2].largest + TABLES * KIT_PAGE);
    assert_int_equal(o.m.memory.pointer_bytes, 8);
    shut(&o);
    kit_clear(&kit);
}

enum { SLOT = 0xfffff803 }; // high half of the addresses of what follows
static uint64_t slot(unsigned i)
{
    return (uint64_t)SLOT << 32 | (uint64_t)i << 12;
}

enum { TRANSITION = 0x800, PROTOTYPE = 0x400, READ_WRITE = 4 << 5 };

static uint64_t proto(uint64_t address)
{
    return address << 16 | PROTOTYPE;
}

static void test_software(void **state)
{
    (void)state;
    static const enum seep_paging pagings[] = { SEEP_PAGING_X64, SEEP_PAGING_ARM64 };
    for (size_t i = 0; i < 2; i++) {
        enum { TABLE = 0x150, DATA = 0x160, PROTOS = 0x170 };
        struct kit kit;
        struct opened o;
        kit_init(&kit, pagings[i], FIRST, 0x200, TABLES);
        for (unsigned j = 0; j < 4; j++)
            kit_fill(&kit, DATA + 2 * j);
        uint8_t *protos = kit_frame(&kit, PROTOS);
        uint64_t there = UINT64_C(0xffff8a0100000000);
        kit_map(&kit, there, PROTOS, 12);
        kit_entry(&kit, slot(0), 12, (uint64_t)DATA << 12 | TRANSITION | READ_WRITE);
        kit_entry(&kit, slot(1), 12, (uint64_t)0x155 << 12 | TRANSITION);  // not held
        kit_entry(&kit, slot(2), 12, (uint64_t)0x1234 << 32 | READ_WRITE); // in the page file
        kit_entry(&kit, slot(3), 12, READ_WRITE);                          // demand zero
        kit_entry(&kit, slot(4), 12, proto(there));
        kit_entry(&kit, slot(5), 12, proto(there + 8));
        kit_entry(&kit, slot(6), 12, proto(there + 16));
        kit_entry(&kit, slot(7), 12, proto(there + 24));
        kit_entry(&kit, slot(8), 12, proto(there + 32));
        kit_entry(&kit, slot(9), 12, proto(UINT64_C(0xffff8a0200000000))); // not mapped
        kit_entry(&kit, slot(10), 12, UINT64_C(0xffffffff00000480));       // see the VAD
        kit_entry(&kit, slot(11), 12, proto(slot(11)));                    // itself
        kit_entry(&kit, slot(12), 12, proto(there + 3));
        kit_entry(&kit, slot(13), 12, proto(slot(4)));
        kit_entry(&kit, slot(14), 12, proto(there + 40));
        kit_put64(protos, kit_valid(&kit, DATA + 2, 12));
        kit_put64(protos + 8, (uint64_t)(DATA + 4) << 12 | TRANSITION);
        kit_put64(protos + 16, (uint64_t)0x77 << 32 | READ_WRITE);
        kit_put64(protos + 24, proto(UINT64_C(0xffff8a0300000000))); // a subsection: in a file
        kit_put64(protos + 32, 0);
        kit_put64(protos + 40, proto(there + 40)); // to itself
        // A table that is itself in transition, and one in the page file.
        kit_frame(&kit, TABLE);
        kit_entry(&kit, slot(0x200), 21, (uint64_t)TABLE << 12 | TRANSITION);
        kit_put64(kit_frame(&kit, TABLE), kit_valid(&kit, DATA + 6, 12));
        kit_entry(&kit, slot(0x400), 21, (uint64_t)0x99 << 32);
        open_kit(&kit, &o);
        assert_true(reads(&o, slot(0) + 8, DATA, 8));
        assert_true(reads(&o, slot(4), DATA + 2, 0));
        assert_true(reads(&o, slot(5), DATA + 4, 0));
        assert_true(reads(&o, slot(0x200), DATA + 6, 0));
        assert_int_equal(o.n_absent + o.n_paged_out, 0);
        static const uint8_t absent[] = { 1, 7, 9, 10, 11, 12, 13, 14 };
        for (size_t j = 0; j < sizeof absent; j++) {
            assert_true(nothing(&o, slot(absent[j])));
            assert_int_equal(o.n_absent, j + 1);
        }
        assert_int_equal(o.n_paged_out, 0);
        assert_true(nothing(&o, slot(2)) && nothing(&o, slot(6)) && nothing(&o, slot(0x400)));
        assert_int_equal(o.n_paged_out, 3);
        assert_true(nothing(&o, slot(3)) && nothing(&o, slot(8)));
        assert_int_equal(o.n_absent, sizeof absent);
        assert_int_equal(o.n_paged_out, 3);
        // What is held is found over all of them.
        assert_int_equal(next(&o, slot(1)), slot(4));
        assert_int_equal(next(&o, slot(6)), slot(0x200));
        assert_int_equal(next(&o, slot(0x201)), UINT64_MAX);
        shut(&o);
        kit_clear(&kit);
    }
}

enum { NOT_SWIZZLED = 0x10 };
static const uint64_t mask = UINT64_C(1) << 45;

static void test_swizzled(void **state)
{
    (void)state;
    enum { DATA = 0x160, PROTOS = 0x170 };
    struct kit kit;
    struct opened o;
    // Addresses whose entries do not have the mask's bit, and do.
    uint64_t without = UINT64_C(0xffff8a0300000000), with = UINT64_C(0xffff8a0120000000);
    kit_init(&kit, SEEP_PAGING_X64, FIRST, 0x200, TABLES);
    kit_fill(&kit, DATA);
    kit_put64(kit_frame(&kit, PROTOS), kit_valid(&kit, DATA, 12));
    kit_map(&kit, without, PROTOS, 12);
    kit_map(&kit, with, PROTOS, 12);
    kit_entry(&kit, slot(0), 12, mask | (uint64_t)DATA << 12 | TRANSITION);
    kit_entry(&kit, slot(1), 12, (uint64_t)DATA << 12 | TRANSITION | NOT_SWIZZLED);
    kit_entry(&kit, slot(2), 12, proto(with) | NOT_SWIZZLED);
    kit_entry(&kit, slot(3), 12, proto(without) | mask);
    kit_entry(&kit, slot(4), 12, mask | READ_WRITE); // demand zero
    // Alone in its table.
    kit_entry(&kit, slot(0x200), 12, mask | (uint64_t)DATA << 12 | TRANSITION);
    open_kit(&kit, &o);
    assert_true(nothing(&o, slot(0)) && reads(&o, slot(1), DATA, 0));
    assert_int_equal(next(&o, slot(0)), slot(1));
    assert_int_equal(next(&o, slot(3)), UINT64_MAX);
    assert_true(nothing(&o, slot(4)));
    assert_int_equal(o.n_paged_out, 1); // as far as one can know
    // The mask becomes known later: what was found barren before is forgotten.
    o.m.invalid_pte_mask = mask;
    assert_int_equal(next(&o, slot(4)), slot(0x200));
    assert_true(reads(&o, slot(0), DATA, 0) && reads(&o, slot(1), DATA, 0));
    assert_true(reads(&o, slot(2), DATA, 0) && reads(&o, slot(3), DATA, 0));
    assert_int_equal(next(&o, slot(0)), slot(0));
    assert_true(nothing(&o, slot(4)));
    assert_int_equal(o.n_paged_out, 1);
    shut(&o);
    kit_clear(&kit);
}

// ARM64 has no swizzle; entries that its processor does not know lead nowhere.
static void test_arm64_entries(void **state)
{
    (void)state;
    enum { DATA = 0x160, PROTOS = 0x170 };
    struct kit kit;
    struct opened o;
    uint64_t with = UINT64_C(0xffff8a0120000000);
    kit_init(&kit, SEEP_PAGING_ARM64, FIRST, 0x200, TABLES);
    kit_fill(&kit, DATA);
    kit_put64(kit_frame(&kit, PROTOS), kit_valid(&kit, DATA, 12));
    kit_map(&kit, with, PROTOS, 12);
    kit_entry(&kit, slot(0), 12, proto(with));
    kit_entry(&kit, slot(1), 12, (uint64_t)DATA << 12 | 1);
    kit_entry(&kit, UINT64_C(0xffff900000000000), 39, (uint64_t)DATA << 12 | 1);
    open_kit(&kit, &o);
    o.m.invalid_pte_mask = mask;
    assert_true(reads(&o, slot(0), DATA, 0));
    assert_true(nothing(&o, slot(1)));
    assert_true(nothing(&o, UINT64_C(0xffff900000000000)));
    shut(&o);
    kit_clear(&kit);
}

// Where nobody says what the mask is, entries in transition show it.
static void test_inferred_mask(void **state)
{
    (void)state;
    enum { DATA = 0x160 };
    for (unsigned n = 0; n < 6; n++) {
        struct kit kit;
        struct opened o;
        kit_init(&kit, SEEP_PAGING_X64, FIRST, 0x200, TABLES);
        for (unsigned i = 0; i < n; i++) {
            kit_fill(&kit, DATA + i);
            kit_entry(&kit, slot(i), 12, mask | (uint64_t)(DATA + i) << 12 | TRANSITION);
        }
        // These say nothing: a page that is not held, one that needed the bits, a file's.
        kit_entry(&kit, slot(6), 12, mask << 1 | UINT64_C(0x1ff000) | TRANSITION);
        kit_entry(&kit, slot(7), 12, mask << 1 | DATA << 12 | TRANSITION | NOT_SWIZZLED);
        kit_entry(&kit, slot(8), 12, UINT64_C(0x1234) << 32);
        open_kit(&kit, &o);
        assert_int_equal(seep_kernel_infer_mask(&o.m), n >= 3 ? mask : 0);
        shut(&o);
        // One that has none of the bits speaks against it.
        kit_entry(&kit, slot(9), 12, (uint64_t)DATA << 12 | TRANSITION);
        open_kit(&kit, &o);
        assert_int_equal(seep_kernel_infer_mask(&o.m), 0);
        shut(&o);
        kit_clear(&kit);
    }
}

static void test_software32(void **state)
{
    (void)state;
    enum { DATA = 0x160, PROTOS = 0x170 };
    struct kit kit;
    struct opened o;
    kit_init(&kit, SEEP_PAGING_X86_PAE, FIRST, 0x200, TABLES);
    kit_fill(&kit, DATA);
    kit_put64(kit_frame(&kit, PROTOS), (uint64_t)DATA << 12 | TRANSITION);
    kit_map(&kit, 0x8a001000, PROTOS, 12);
    kit_entry(&kit, 0x82000000, 12, (uint64_t)DATA << 12 | TRANSITION);
    kit_entry(&kit, 0x82001000, 12, UINT64_C(0x8a00100000000000) | PROTOTYPE);
    kit_entry(&kit, 0x82002000, 12, UINT64_C(0x0000123400000000));
    // The processor knows only valid ones of the four; so does Windows.
    kit_entry(&kit, 0x40000000, 30, (uint64_t)PROTOS << 12 | TRANSITION);
    open_kit(&kit, &o);
    assert_true(nothing(&o, 0x40000000) && o.n_absent == 0);
    assert_true(reads(&o, 0x82000000, DATA, 0) && reads(&o, 0x82001004, DATA, 4));
    assert_true(nothing(&o, 0x82002000) && o.n_paged_out == 1);
    shut(&o);
    kit_clear(&kit);
    kit_init(&kit, SEEP_PAGING_X86, FIRST, 0x200, TABLES);
    kit_fill(&kit, DATA);
    kit_entry(&kit, 0x82000000, 12, DATA << 12 | TRANSITION);
    kit_entry(&kit, 0x82001000, 12, 0x80001400);
    kit_entry(&kit, 0x82002000, 12, 0x00123080);
    kit_entry(&kit, 0x82003000, 12, 0x00000080);
    open_kit(&kit, &o);
    assert_true(reads(&o, 0x82000000, DATA, 0));
    assert_true(nothing(&o, 0x82001000) && o.n_absent == 1);
    assert_true(nothing(&o, 0x82002000) && o.n_paged_out == 1);
    assert_true(nothing(&o, 0x82003000) && o.n_absent == 1 && o.n_paged_out == 1);
    shut(&o);
    kit_clear(&kit);
}

// 2^20 frames of 4 KiB are 32 bits: with PSE-36 a large page lies higher.
static void test_pse36(void **state)
{
    (void)state;
    struct kit kit;
    struct opened o;
    uint64_t frame = UINT64_C(0x500000) + 0x400;
    kit_init(&kit, SEEP_PAGING_X86, 0x100, 0x10, 0x100);
    kit_map(&kit, 0x80400000, frame, 22);
    open_kit(&kit, &o);
    assert_true(nothing(&o, 0x80400000));
    shut(&o);
    kit_clear(&kit);
    // A dump of frames that high: runs, not a bitmap of 5 million bits.
    kit_init(&kit, SEEP_PAGING_X86, frame, 4, frame + 2);
    kit.root = (frame + 2) * KIT_PAGE;
    kit_fill(&kit, frame);
    kit_map(&kit, 0x80400000, frame, 22);
    size_t len;
    uint8_t *file = kit_write(&kit, SEEP_KERNEL_DUMP_KERNEL, &len);
    struct seep_kernel_dump_header header;
    assert_true(seep_kernel_dump_read(seep_bytes(file, len), &header, NULL));
    struct seep_physical *p = seep_physical_open(seep_bytes(file, len), &header, NULL);
    struct seep_kernel_memory m;
    uint64_t physical;
    assert_true(seep_kernel_memory_open(p, &header, SEEP_PAGING_X86, kit.root, &m, NULL));
    assert_true(seep_kernel_memory_translate(&m, 0x80400123, &physical));
    assert_int_equal(physical, frame * KIT_PAGE + 0x123);
    seep_kernel_memory_close(&m);
    seep_physical_close(p);
    free(file);
    kit_clear(&kit);
}

// Every entry of every table leads to the next level's one table, and the last one nowhere: 2^36
// (2^45) pages that are not held. A walk that looked at each would take days.
static void test_maze(void **state)
{
    (void)state;
    static const enum seep_paging pagings[] = { SEEP_PAGING_X64, SEEP_PAGING_X64_LA57,
                                                SEEP_PAGING_ARM64 };
    for (size_t i = 0; i < 3; i++) {
        struct kit kit;
        struct opened o;
        kit_init(&kit, pagings[i], FIRST, 0x200, TABLES);
        unsigned levels = pagings[i] == SEEP_PAGING_X64_LA57 ? 5 : 4;
        for (unsigned level = 0; level < levels; level++) {
            uint8_t *table = kit_frame(&kit, TABLES + level);
            uint64_t frame = level + 1 < levels ? TABLES + level + 1 : 0x1000;
            for (unsigned j = 0; j < 512; j++)
                kit_put64(table + 8 * j, kit_valid(&kit, frame, 12));
        }
        open_kit(&kit, &o);
        assert_int_equal(next(&o, 0), UINT64_MAX);
        assert_int_equal(next(&o, UINT64_C(0xfffff80312345678)), UINT64_MAX);
        assert_int_equal(next(&o, 0x123456), UINT64_MAX);
        shut(&o);
        // The tables are their own pages: everything is held, and shows tables.
        uint8_t *top = kit_frame(&kit, TABLES);
        for (unsigned j = 0; j < 512; j++)
            kit_put64(top + 8 * j, kit_valid(&kit, TABLES, 12));
        open_kit(&kit, &o);
        assert_int_equal(next(&o, 0), 0);
        assert_int_equal(next(&o, UINT64_C(0xfffff80312345678)), UINT64_C(0xfffff80312345678));
        assert_int_equal(o.m.memory.span(&o.m.memory, 0x5000).len, KIT_PAGE);
        shut(&o);
        kit_clear(&kit);
    }
}

// Many tables that lead nowhere, more than any cache has room for.
static void test_wide_maze(void **state)
{
    (void)state;
    struct kit kit;
    struct opened o;
    enum { MANY = 1000 };
    kit_init(&kit, SEEP_PAGING_X64, FIRST, MANY + 0x100, FIRST);
    for (uint64_t i = 0; i < MANY; i++)
        kit_map(&kit, UINT64_C(0xffff900000000000) + (i << 21), 0x100000 + i, 12);
    kit_fill(&kit, FIRST + MANY + 0x80);
    kit_map(&kit, UINT64_C(0xfffff80000003000), FIRST + MANY + 0x80, 12);
    open_kit(&kit, &o);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(next(&o, 0), UINT64_C(0xfffff80000003000));
    shut(&o);
    kit_clear(&kit);
}

static void test_arm64_halves(void **state)
{
    (void)state;
    struct kit kit;
    struct opened o;
    kit_init(&kit, SEEP_PAGING_ARM64, FIRST, 0x100, TABLES);
    kit_fill(&kit, 0x180);
    kit_fill(&kit, 0x182);
    kit_map(&kit, 0x400000, 0x180, 12);
    kit_map(&kit, UINT64_C(0xfffff80000000000), 0x180, 12);
    uint64_t kernel = kit.root;
    kit.root = kit.next_table * KIT_PAGE;
    (void)kit_frame(&kit, kit.next_table++);
    kit_map(&kit, 0x500000, 0x182, 12);
    kit.root = kernel;
    open_kit(&kit, &o);
    assert_true(reads(&o, 0x400000, 0x180, 0));
    o.m.directory_table_user = kernel;
    o.m.directory_table = kernel | UINT64_C(0x0040000000000000); // with an address space's number
    assert_true(reads(&o, UINT64_C(0xfffff80000000000), 0x180, 0));
    assert_true(reads(&o, 0x400000, 0x180, 0));
    shut(&o);
    kit_clear(&kit);
}

// A process has its own lower half; a cache of the other one's must not answer.
static void test_directories(void **state)
{
    (void)state;
    struct kit kit;
    struct opened o;
    kit_init(&kit, SEEP_PAGING_X64, FIRST, 0x100, TABLES);
    kit_fill(&kit, 0x180);
    kit_fill(&kit, 0x182);
    kit_map(&kit, 0x400000, 0x180, 12);
    uint64_t first = kit.root, second = kit.next_table * KIT_PAGE;
    (void)kit_frame(&kit, kit.next_table++);
    kit.root = second;
    kit_map(&kit, 0x400000, 0x182, 12);
    kit.root = first;
    open_kit(&kit, &o);
    assert_true(reads(&o, 0x400000, 0x180, 0));
    o.m.directory_table = second;
    assert_true(reads(&o, 0x400000, 0x182, 0));
    o.m.directory_table = first | 0x2; // with PCID
    assert_true(reads(&o, 0x400000, 0x180, 0));
    struct seep_kernel_memory none;
    struct seep_err err = { 0 };
    assert_false(
        seep_kernel_memory_open(o.physical, &o.header, SEEP_PAGING_X64, 0x999000, &none, &err));
    assert_string_equal(err.what, "the dump does not hold the page directory at 0x999000");
    shut(&o);
    kit_clear(&kit);
}

static void test_which_paging(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENES; i++) {
        struct kit kit;
        struct opened o;
        uint64_t list = scenes[i].high + 0x100, entry = scenes[i].low;
        build(&scenes[i], &kit);
        kit.loaded_modules = list;
        kit_put64(kit_frame(&kit, PAIR) + 0x100, entry);
        kit_put64(kit_frame(&kit, ALONE) + 8, list);
        open_kit(&kit, &o);
        assert_int_equal(seep_kernel_paging(o.physical, &o.header), scenes[i].paging);
        shut(&o);
        // The list's first entry is not held: that it can be read is all there is.
        kit_put64(kit_frame(&kit, PAIR) + 0x100, 0x1000);
        open_kit(&kit, &o);
        assert_int_equal(seep_kernel_paging(o.physical, &o.header), scenes[i].paging);
        shut(&o);
        // Nothing to go by: four levels.
        kit.loaded_modules = 0;
        open_kit(&kit, &o);
        if (scenes[i].paging == SEEP_PAGING_X64_LA57)
            assert_int_equal(seep_kernel_paging(o.physical, &o.header), SEEP_PAGING_X64);
        shut(&o);
        kit_clear(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pagings),       cmocka_unit_test(test_next),
        cmocka_unit_test(test_addresses),     cmocka_unit_test(test_software),
        cmocka_unit_test(test_swizzled),      cmocka_unit_test(test_software32),
        cmocka_unit_test(test_pse36),         cmocka_unit_test(test_maze),
        cmocka_unit_test(test_wide_maze),     cmocka_unit_test(test_arm64_halves),
        cmocka_unit_test(test_directories),   cmocka_unit_test(test_arm64_entries),
        cmocka_unit_test(test_inferred_mask), cmocka_unit_test(test_which_paging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
