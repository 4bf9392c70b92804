// SPDX-License-Identifier: MIT
// Handle tables (_HANDLE_TABLE): up to three levels of pages, entries of two pointers' size.
//
// The low bits of TableCode say how many levels lie above the pages of entries. Entries, by the
// public symbols of each build:
//   Windows 7            pointer to the header, its low three bits lock and attributes; access
//   since 8, 64 bits     bit 0 lock, then RefCnt, three bits of attributes, and the header's
//   address
//                        without its low four bits: from bit 23 in Windows 8, 20 since 8.1, 11
//                        where page tables have five levels (ntkrla57); access in bits 0..24 of
//                        the second word
//   since 8, 32 bits     bit 0 lock, 1..2 attributes, 3..31 the address; second word: access in
//                        bits 0..24, RefCnt in 27..31
// RefCnt is what the handle has left of the references that were taken in advance when it was made
// (32,767 at first; see "The Case Of The Bloated Reference Count", A. Ionescu, 2014).
#include "kernel/walk.h"

#include <inttypes.h>
#include <string.h>

enum {
    PAGE_BYTES = 4096,
    ACCESS_BITS = 0x1ffffff,
    LEVELS = 3,
    // First builds.
    WINDOWS_8 = 9200,
    WINDOWS_8_1 = 9600,
};

// Where the parts of an entry lie.
struct format {
    unsigned refs_first, refs_bits; // RefCnt; 0 bits = there is none
    bool refs_in_access;            // in the second word
    unsigned object_first;          // the address, from this bit of the first word on
};

struct walk {
    const struct seep_kernel *kernel;
    bool (*take)(void *ctx, const struct seep_kernel_handle *);
    void *ctx;
    struct seep_kernel_gaps *gaps;
    uint64_t *left;   // entries that may still be looked at
    unsigned pointer; // bytes
    struct format format;
    bool any, stopped;
};

static uint64_t sign_extend(uint64_t value, unsigned bits)
{
    return value >> (bits - 1) & 1 ? value | UINT64_MAX << bits : value;
}

static struct format format_of(const struct seep_kernel *kernel)
{
    static const char entry[] = "_HANDLE_TABLE_ENTRY";
    struct format f = { .refs_first = 1, .refs_bits = 16, .object_first = 20 };
    struct seep_member refs, object;
    if (!kernel->layout.refcounts_in_entries)
        return (struct format){ 0 };
    if (seep_kernel_pointer_bytes(kernel) == 4)
        return (struct format){ .refs_first = 27, .refs_bits = 5, .refs_in_access = true };
    if (kernel->types && seep_types_member(kernel->types, entry, "RefCnt", &refs) &&
        seep_types_member(kernel->types, entry, "ObjectPointerBits", &object) && refs.offset == 0 &&
        object.offset == 0 && refs.bit_length && refs.bit_length < 32 && refs.bit_offset < 32 &&
        object.bit_offset >= 4 && object.bit_offset < 32)
        return (struct format){ .refs_first = refs.bit_offset,
                                .refs_bits = refs.bit_length,
                                .object_first = object.bit_offset };
    if (strncmp(kernel->pdb_name, "ntkrla57", 8) == 0)
        f = (struct format){ .refs_first = 1, .refs_bits = 7, .object_first = 11 };
    else if (kernel->build >= WINDOWS_8 && kernel->build < WINDOWS_8_1)
        f = (struct format){ .refs_first = 1, .refs_bits = 19, .object_first = 23 };
    return f;
}

uint64_t seep_kernel_most_prepaid(const struct seep_kernel *kernel)
{
    return UINT64_C(1) << format_of(kernel).refs_bits;
}

// 0 in `object` is a free entry.
static struct seep_kernel_handle decode(const struct walk *walk, const uint8_t *entry)
{
    const struct format *f = &walk->format;
    uint64_t low = walk->pointer == 8 ? seep_le64(entry) : seep_le32(entry);
    uint32_t high = seep_le32(entry + walk->pointer);
    struct seep_kernel_handle h = { .access = f->refs_bits ? high & ACCESS_BITS : high };
    uint64_t refs = f->refs_in_access ? high : low;
    h.prepaid = refs >> f->refs_first & ((UINT64_C(1) << f->refs_bits) - 1);
    if (f->object_first)
        h.object = sign_extend(low >> f->object_first << 4, 68 - f->object_first);
    else
        h.object = low & ~UINT64_C(7);
    return h;
}

// One page of entries; the first of each page is the kernel's own.
static void read_leaf(struct walk *walk, uint64_t page, uint64_t first)
{
    uint8_t bytes[PAGE_BYTES];
    size_t size = 2 * (size_t)walk->pointer;
    if (*walk->left < sizeof bytes / size) {
        *walk->left = 0;
        return;
    }
    *walk->left -= sizeof bytes / size;
    size_t held = seep_memory_read(walk->kernel->memory, page, bytes, sizeof bytes);
    if (held < sizeof bytes)
        seep_kernel_gap_unreadable(walk->gaps, page + held);
    walk->any |= held != 0;
    for (size_t i = 1; i < held / size && !walk->stopped; i++) {
        struct seep_kernel_handle handle = decode(walk, bytes + i * size);
        if (!handle.object)
            continue;
        handle.value = (first + i) * 4;
        walk->stopped = !walk->take(walk->ctx, &handle);
    }
}

// A page of pointers to pages; what it holds of them is in `pointers`.
static size_t read_pointers(struct walk *walk, uint64_t page, uint64_t *pointers, size_t n)
{
    uint8_t bytes[PAGE_BYTES];
    size_t held = seep_memory_read(walk->kernel->memory, page, bytes, n * walk->pointer);
    if (held < n * walk->pointer)
        seep_kernel_gap_unreadable(walk->gaps, page + held);
    walk->any |= held != 0;
    for (size_t i = 0; i < held / walk->pointer; i++)
        pointers[i] = walk->pointer == 8 ? seep_le64(bytes + i * 8) : seep_le32(bytes + i * 4);
    return held / walk->pointer;
}

static bool is_page(struct walk *walk, uint64_t address)
{
    if (!address)
        return false; // not needed yet
    if (seep_kernel_plausible(walk->kernel, address))
        return true;
    seep_kernel_gap_bad(walk->gaps, address);
    return false;
}

static void read_middle(struct walk *walk, uint64_t page, uint64_t first)
{
    uint64_t pointers[PAGE_BYTES / 4];
    size_t entries = PAGE_BYTES / (2 * (size_t)walk->pointer);
    size_t n = read_pointers(walk, page, pointers, PAGE_BYTES / walk->pointer);
    for (size_t i = 0; i < n && !walk->stopped && *walk->left; i++) {
        // The same page again holds the same handles: such a table is damaged.
        if (i && pointers[i] && pointers[i] == pointers[i - 1]) {
            seep_kernel_gap_bad(walk->gaps, page);
            return;
        }
        if (is_page(walk, pointers[i]))
            read_leaf(walk, pointers[i], first + i * entries);
    }
}

// The uppermost of three levels has as many pointers as 2^24 handles need, no whole page.
static void read_top(struct walk *walk, uint64_t page)
{
    uint64_t pointers[PAGE_BYTES / 4];
    size_t entries = PAGE_BYTES / (2 * (size_t)walk->pointer), middle = PAGE_BYTES / walk->pointer;
    size_t n = SEEP_KERNEL_MAX_HANDLES / (entries * middle);
    n = read_pointers(walk, page, pointers, n);
    for (size_t i = 0; i < n && !walk->stopped && *walk->left; i++) {
        if (i && pointers[i] && pointers[i] == pointers[i - 1]) {
            seep_kernel_gap_bad(walk->gaps, page);
            return;
        }
        if (is_page(walk, pointers[i]))
            read_middle(walk, pointers[i], i * entries * middle);
    }
}

bool seep_kernel_walk_handles(const struct seep_kernel *kernel, uint64_t handle_table,
                              bool (*take)(void *ctx, const struct seep_kernel_handle *), void *ctx,
                              uint64_t *left, struct seep_kernel_gaps *gaps, struct seep_err *err)
{
    struct walk walk = { .kernel = kernel,
                         .take = take,
                         .ctx = ctx,
                         .gaps = gaps,
                         .left = left,
                         .pointer = seep_kernel_pointer_bytes(kernel),
                         .format = format_of(kernel) };
    uint64_t code;
    if (!seep_kernel_member(kernel, handle_table, kernel->layout.handle_table.table_code,
                            walk.pointer, &code)) {
        seep_kernel_gap_unreadable(gaps, handle_table);
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "the handle table at 0x%" PRIx64 " is not held",
                         handle_table);
    }
    unsigned level = (unsigned)(code & 3);
    uint64_t page = code & ~UINT64_C(7);
    if (level >= LEVELS || !seep_kernel_plausible(kernel, page)) {
        seep_kernel_gap_bad(gaps, handle_table);
        return seep_fail(err, SEEP_NO_OFFSET, NULL,
                         "the handle table at 0x%" PRIx64 " is damaged: its code is 0x%" PRIx64,
                         handle_table, code);
    }
    if (level == 0)
        read_leaf(&walk, page, 0);
    else if (level == 1)
        read_middle(&walk, page, 0);
    else
        read_top(&walk, page);
    if (walk.stopped)
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "reading the handle table was stopped");
    if (!*left)
        seep_kernel_gap_bad(gaps, handle_table);
    if (!walk.any)
        return seep_fail(err, SEEP_NO_OFFSET, NULL,
                         "no page of the handle table at 0x%" PRIx64 " is held", handle_table);
    return true;
}

bool seep_kernel_each_handle(const struct seep_kernel *kernel, uint64_t handle_table,
                             bool (*take)(void *ctx, const struct seep_kernel_handle *), void *ctx,
                             struct seep_kernel_gaps *gaps, struct seep_err *err)
{
    // More than Windows allows by one page: a table that is full is no damaged one.
    uint64_t left = SEEP_KERNEL_MAX_HANDLES + 2 * PAGE_BYTES;
    return seep_kernel_walk_handles(kernel, handle_table, take, ctx, &left, gaps, err);
}
