// SPDX-License-Identifier: MIT
// Where each page of physical memory lies in a kernel dump: runs (full and RDMP) or a bitmap.
//
// Sources: kdmp-parser (MIT) for the runs of a full dump, SDMP/FDMP and RDMP; the public type
// _SUMMARY_DUMP64 of the Windows kit for SDMP of old systems. formats of 32-bit dumps are the same,
// one page earlier (volatility3).
#include "memory/kernel_physical.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

enum {
    // A rank for every so many bits of a bitmap, unless the bitmap is so large that the ranks would
    // be more than MAX_RANKS.
    MIN_RANK_WORDS = 8,
    MAX_RANKS = 1 << 19,
};

struct run {
    uint64_t pfn, n_pages;
    const uint8_t *data; // of its first page
};

// Either runs, sorted, each with at least one page in the file (so there are at most as many as
// the file has pages), or a bitmap with ranks.
struct seep_physical {
    struct run *runs;
    size_t n_runs, capacity;

    const uint8_t *bits;
    uint64_t n_bits, n_words; // words of 8 bytes; the last one may be cut
    size_t bits_bytes;
    uint64_t *ranks; // pages before each block of 1 << rank_shift words
    size_t n_ranks;
    unsigned rank_shift;
    struct seep_bytes pages; // where the bitmap's pages lie

    uint64_t n_pages, n_missing;
};

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

// A run of pages whose first would lie at `*offset`; takes as much as the file has.
static bool add_run(struct seep_physical *p, struct seep_bytes file, uint64_t pfn, uint64_t n,
                    uint64_t *offset)
{
    uint64_t at = *offset, room = at < file.len ? (file.len - at) / SEEP_PAGE_BYTES : 0;
    uint64_t held = n < room ? n : room;
    *offset = n > (UINT64_MAX - at) / SEEP_PAGE_BYTES ? UINT64_MAX : at + n * SEEP_PAGE_BYTES;
    // Frames beyond 2^52 are no addresses.
    if (pfn >> 40 || held > (UINT64_C(1) << 40) - pfn)
        held = 0;
    p->n_missing = plus(p->n_missing, n - held);
    if (!held)
        return true;
    if (!seep_grow(&p->runs, &p->capacity, p->n_runs + 1, sizeof *p->runs))
        return false;
    p->runs[p->n_runs++] = (struct run){ pfn, held, file.data + at };
    p->n_pages += held;
    return true;
}

static int by_pfn(const void *left, const void *right)
{
    const struct run *a = left, *b = right;
    if (a->pfn != b->pfn)
        return a->pfn < b->pfn ? -1 : 1;
    return a->data < b->data ? -1 : a->data > b->data;
}

// Sorts runs, cuts what is there twice (the earlier frame wins), joins neighbours.
static void tidy(struct seep_physical *p)
{
    size_t n = 0;
    bool sorted = true;
    for (size_t i = 1; i < p->n_runs && sorted; i++)
        sorted = by_pfn(&p->runs[i - 1], &p->runs[i]) <= 0;
    if (!sorted)
        qsort(p->runs, p->n_runs, sizeof *p->runs, by_pfn);
    p->n_pages = 0;
    for (size_t i = 0; i < p->n_runs; i++) {
        struct run run = p->runs[i];
        struct run *last = n ? &p->runs[n - 1] : NULL;
        uint64_t end = last ? last->pfn + last->n_pages : 0;
        if (run.pfn < end) {
            uint64_t twice = end - run.pfn;
            if (twice >= run.n_pages)
                continue;
            run.pfn += twice;
            run.n_pages -= twice;
            run.data += twice * SEEP_PAGE_BYTES;
        }
        p->n_pages += run.n_pages;
        if (last && run.pfn == end && run.data == last->data + last->n_pages * SEEP_PAGE_BYTES)
            last->n_pages += run.n_pages;
        else
            p->runs[n++] = run;
    }
    p->n_runs = n;
}

// PHYSICAL_MEMORY_DESCRIPTOR in the header: u32 runs, the number of pages, then runs of {page,
// count}, each a pointer wide. The block has 700 bytes.
static bool open_full(struct seep_physical *p, struct seep_bytes file,
                      const struct seep_kernel_dump_header *header, struct seep_err *err)
{
    enum { BLOCK_BYTES = 700, UNSET = 0x45474150 };
    size_t width = header->wide ? 8 : 4, at = header->wide ? 0x88 : 0x64;
    struct seep_bytes block = seep_bytes_part(file, at, BLOCK_BYTES);
    uint32_t n = seep_bytes_u32(block, 0);
    uint64_t promised = 0, offset = header->size_bytes;
    if (n == 0 || n == UNSET)
        return seep_fail(err, at, "a dump of another kind has what seep needs",
                         "the kernel dump does not say where its pages are");
    for (uint32_t i = 0; i < n; i++) {
        size_t entry = 2 * width + (size_t)i * 2 * width;
        if (!seep_bytes_has(block, entry, 2 * width))
            break;
        const uint8_t *q = block.data + entry;
        uint64_t pfn = width == 8 ? seep_le64(q) : seep_le32(q);
        uint64_t pages = width == 8 ? seep_le64(q + 8) : seep_le32(q + 4);
        promised = plus(promised, pages);
        if (!add_run(p, file, pfn, pages, &offset))
            return seep_fail_memory(err);
    }
    // Runs that found no room in the block.
    if (header->n_pages != SEEP_UNKNOWN_FIELD && header->n_pages > promised)
        p->n_missing = plus(p->n_missing, header->n_pages - promised);
    return true;
}

static uint64_t word(const struct seep_physical *p, uint64_t index)
{
    size_t at = (size_t)index * 8;
    if (p->bits_bytes - at >= 8)
        return seep_le64(p->bits + at);
    uint64_t value = 0;
    for (size_t i = 0; at + i < p->bits_bytes; i++)
        value |= (uint64_t)p->bits[at + i] << (8 * i);
    return value;
}

// A word without the bits behind the last one.
static uint64_t whole_word(const struct seep_physical *p, uint64_t index)
{
    uint64_t value = word(p, index), left = p->n_bits - index * 64;
    return left < 64 ? value & ((UINT64_C(1) << left) - 1) : value;
}

// How many bits are set, in halves, quarters and so on: the compiler's own calls a function where
// it may not assume that the processor has an instruction for it.
static unsigned ones(uint64_t value)
{
    value -= value >> 1 & UINT64_C(0x5555555555555555);
    value = (value & UINT64_C(0x3333333333333333)) + (value >> 2 & UINT64_C(0x3333333333333333));
    value = (value + (value >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(value * UINT64_C(0x0101010101010101) >> 56);
}

static bool count_bits(struct seep_physical *p)
{
    uint64_t blocks, n = 0;
    p->rank_shift = 3;
    static_assert(MIN_RANK_WORDS == 1 << 3, "the shift of the smallest block");
    while ((blocks = (p->n_words >> p->rank_shift) + 1) > MAX_RANKS)
        p->rank_shift++;
    p->ranks = seep_alloc((size_t)blocks, sizeof *p->ranks);
    if (!p->ranks)
        return false;
    p->n_ranks = (size_t)blocks;
    uint64_t mask = (UINT64_C(1) << p->rank_shift) - 1;
    for (uint64_t i = 0; i < p->n_words; i++) {
        if (!(i & mask))
            p->ranks[i >> p->rank_shift] = n;
        n += ones(whole_word(p, i));
    }
    if (!(p->n_words & mask))
        p->ranks[p->n_words >> p->rank_shift] = n;
    p->n_pages = n;
    return true;
}

// SDMP or FDMP behind the header. Two layouts: since Windows 8, u64 at +0x20 offset of the first
// page, +0x28 pages present, +0x30 bits, bitmap at +0x38; before (_SUMMARY_DUMP32/64), u32 at +0xc
// offset, +0x10 bits, +0x14 pages, bitmap at +0x20 (32-bit) or +0x28.
static bool open_bitmap(struct seep_physical *p, struct seep_bytes file,
                        const struct seep_kernel_dump_header *header, struct seep_err *err)
{
    size_t base = header->size_bytes;
    uint64_t first = seep_bytes_u64(file, base + 0x20), present = seep_bytes_u64(file, base + 0x28);
    uint64_t bits = seep_bytes_u64(file, base + 0x30);
    size_t bitmap = base + 0x38;
    if (header->kind == SEEP_KERNEL_DUMP_SUMMARY && seep_bytes_u32(file, base + 0xc) &&
        seep_bytes_u32(file, base + 0x10) == seep_bytes_u32(file, base + 0x18)) {
        first = seep_bytes_u32(file, base + 0xc);
        bits = seep_bytes_u32(file, base + 0x10);
        present = seep_bytes_u32(file, base + 0x14);
        bitmap = base + (header->wide ? 0x28 : 0x20);
    }
    if (!seep_bytes_has(file, bitmap, 0) || bits == 0 || first < bitmap)
        return seep_fail(err, base, "copy the dump again",
                         "the header of the dump's bitmap of pages is damaged or cut off");
    // The bitmap ends where the pages start; what is left of it in the file is believed.
    uint64_t room = first - bitmap, most = bits / 8 + (bits % 8 != 0);
    p->bits = file.data + bitmap;
    p->bits_bytes = file.len - bitmap;
    if (p->bits_bytes > room)
        p->bits_bytes = (size_t)room;
    if (p->bits_bytes > most)
        p->bits_bytes = (size_t)most;
    p->n_bits = (uint64_t)p->bits_bytes * 8 < bits ? (uint64_t)p->bits_bytes * 8 : bits;
    p->n_words = p->n_bits / 64 + (p->n_bits % 64 != 0);
    p->pages = first < file.len ? seep_bytes_part(file, (size_t)first, SIZE_MAX)
                                : (struct seep_bytes){ 0 };
    if (!count_bits(p))
        return seep_fail_memory(err);
    uint64_t here = p->pages.len / SEEP_PAGE_BYTES;
    // More pages than bits is no promise.
    uint64_t promised = present <= bits && present > p->n_pages ? present : p->n_pages;
    if (p->n_pages > here)
        p->n_pages = here;
    p->n_missing = promised - p->n_pages;
    return true;
}

// RDMP, since 2022: u64 at +0x10 bytes of metadata behind the first 0x20, +0x18 offset of the first
// page; of a complete dump u64 at +0x28 its number of pages; from +0x30 on ranges of {first frame,
// count}, of which frame 0 is the end. In the dumps that kdmp-parser is tested with, a complete
// dump's ranges end where their pages reach that number.
static bool open_ranges(struct seep_physical *p, struct seep_bytes file,
                        const struct seep_kernel_dump_header *header, struct seep_err *err)
{
    enum { RANGES = 0x30, RANGE_BYTES = 16 };
    size_t base = header->size_bytes;
    uint64_t offset = seep_bytes_u64(file, base + 0x18), total = UINT64_MAX, promised = 0;
    uint64_t metadata = seep_bytes_u64(file, base + 0x10);
    if (header->kind == SEEP_KERNEL_DUMP_COMPLETE)
        total = seep_bytes_u64(file, base + 0x28);
    if (!seep_bytes_has(file, base + RANGES, 0) || offset < base + RANGES || metadata < 0x10)
        return seep_fail(err, base, "copy the dump again",
                         "the header of the dump's ranges of pages is damaged or cut off");
    struct seep_bytes list = seep_bytes_part(file, base + RANGES, SIZE_MAX);
    bool cut = true;
    if (list.len >= offset - (base + RANGES)) {
        list.len = (size_t)(offset - (base + RANGES));
        cut = false;
    }
    if (list.len >= metadata - 0x10) {
        list.len = (size_t)(metadata - 0x10);
        cut = false;
    }
    for (size_t at = 0; list.len - at >= RANGE_BYTES && promised < total; at += RANGE_BYTES) {
        uint64_t pfn = seep_le64(list.data + at), n = seep_le64(list.data + at + 8);
        if (pfn == 0) {
            cut = false;
            break;
        }
        if (n > total - promised)
            n = total - promised;
        promised = plus(promised, n);
        if (!add_run(p, file, pfn, n, &offset))
            return seep_fail_memory(err);
    }
    // Of a list that is cut off only a complete dump tells how much it lacks.
    if (header->kind == SEEP_KERNEL_DUMP_COMPLETE)
        p->n_missing = plus(p->n_missing, total - promised);
    else if (cut)
        p->n_missing = plus(p->n_missing, 1);
    return true;
}

static bool open_kind(struct seep_physical *p, struct seep_bytes file,
                      const struct seep_kernel_dump_header *header, struct seep_err *err)
{
    size_t base = header->size_bytes;
    // Behind the header, what the pages are listed by says what it is; but those of a full dump
    // start there.
    if (header->kind != SEEP_KERNEL_DUMP_FULL && header->kind != SEEP_KERNEL_DUMP_TRIAGE) {
        if (seep_bytes_match(file, base, "SDMPDUMP", 8) ||
            seep_bytes_match(file, base, "FDMPDUMP", 8))
            return open_bitmap(p, file, header, err);
        if (seep_bytes_match(file, base + 4, "RDMPDUMP", 8))
            return open_ranges(p, file, header, err);
    }
    if (header->kind == SEEP_KERNEL_DUMP_FULL || header->kind == SEEP_KERNEL_DUMP_UNKNOWN)
        return open_full(p, file, header, err);
    if (header->kind == SEEP_KERNEL_DUMP_TRIAGE || header->kind == SEEP_KERNEL_DUMP_HEADER)
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "a %s dump holds no pages",
                         seep_kernel_dump_kind_name(header->kind));
    return seep_fail(err, base, "copy the dump again",
                     file.len <= base ? "the kernel dump ends behind its header"
                                      : "the list of the dump's pages is damaged");
}

struct seep_physical *seep_physical_open(struct seep_bytes file,
                                         const struct seep_kernel_dump_header *header,
                                         struct seep_err *err)
{
    struct seep_physical *p = seep_alloc(1, sizeof *p);
    if (!p) {
        (void)seep_fail_memory(err);
        return NULL;
    }
    if (!open_kind(p, file, header, err)) {
        seep_physical_close(p);
        return NULL;
    }
    if (!p->bits)
        tidy(p);
    return p;
}

void seep_physical_close(struct seep_physical *physical)
{
    if (!physical)
        return;
    seep_free(physical->runs);
    seep_free(physical->ranks);
    seep_free(physical);
}

// The index of the first run that ends behind `pfn`.
static size_t find(const struct seep_physical *p, uint64_t pfn)
{
    size_t low = 0, high = p->n_runs;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->runs[middle].pfn + p->runs[middle].n_pages <= pfn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// How many pages lie before `pfn`, whose bit exists.
static uint64_t rank(const struct seep_physical *p, uint64_t pfn)
{
    uint64_t at = pfn / 64, block = at >> p->rank_shift, n = p->ranks[block];
    for (uint64_t i = block << p->rank_shift; i < at; i++)
        n += ones(word(p, i));
    return n + ones(word(p, at) & ((UINT64_C(1) << pfn % 64) - 1));
}

struct seep_bytes seep_physical_span(const struct seep_physical *physical, uint64_t pfn,
                                     size_t most)
{
    const struct seep_physical *p = physical;
    if (!p->bits) {
        size_t at = find(p, pfn);
        if (at == p->n_runs || p->runs[at].pfn > pfn)
            return (struct seep_bytes){ 0 };
        uint64_t skip = pfn - p->runs[at].pfn, left = p->runs[at].n_pages - skip;
        return seep_bytes(p->runs[at].data + skip * SEEP_PAGE_BYTES,
                          (left < most ? (size_t)left : most) * SEEP_PAGE_BYTES);
    }
    if (pfn >= p->n_bits || !(whole_word(p, pfn / 64) >> pfn % 64 & 1))
        return (struct seep_bytes){ 0 };
    uint64_t before = rank(p, pfn), n = 1;
    if (before >= p->n_pages)
        return (struct seep_bytes){ 0 };
    while (n < most && n < p->n_pages - before && pfn + n < p->n_bits &&
           whole_word(p, (pfn + n) / 64) >> (pfn + n) % 64 & 1)
        n++;
    return seep_bytes_part(p->pages, (size_t)before * SEEP_PAGE_BYTES, (size_t)n * SEEP_PAGE_BYTES);
}

struct seep_bytes seep_physical_page(const struct seep_physical *physical, uint64_t pfn)
{
    return seep_physical_span(physical, pfn, 1);
}

// The first block at or behind `block` that has a bit; n_ranks where there is none. The ranks do
// not fall: a search.
static uint64_t block_with_bit(const struct seep_physical *p, uint64_t block, uint64_t before)
{
    size_t low = (size_t)block, high = p->n_ranks - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->ranks[middle + 1] > before)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool next_bit(const struct seep_physical *p, uint64_t pfn, uint64_t *held)
{
    if (pfn >= p->n_bits)
        return false;
    uint64_t at = pfn / 64, value = whole_word(p, at) & (UINT64_MAX << pfn % 64);
    uint64_t per_block = UINT64_C(1) << p->rank_shift;
    while (!value) {
        if (++at >= p->n_words)
            return false;
        // At the start of a block, over all that are empty.
        if (!(at & (per_block - 1))) {
            uint64_t block = at >> p->rank_shift;
            at = block_with_bit(p, block, p->ranks[block]) << p->rank_shift;
            if (at >= p->n_words)
                return false;
        }
        value = whole_word(p, at);
    }
    uint64_t found = at * 64 + (unsigned)__builtin_ctzll(value);
    if (rank(p, found) >= p->n_pages)
        return false; // beyond the file, as all that follow
    *held = found;
    return true;
}

bool seep_physical_next(const struct seep_physical *physical, uint64_t pfn, uint64_t *held)
{
    if (physical->bits)
        return next_bit(physical, pfn, held);
    size_t at = find(physical, pfn);
    if (at == physical->n_runs)
        return false;
    *held = physical->runs[at].pfn > pfn ? physical->runs[at].pfn : pfn;
    return true;
}

uint64_t seep_physical_end(const struct seep_physical *physical)
{
    if (physical->bits)
        return physical->n_bits;
    const struct run *last = physical->n_runs ? &physical->runs[physical->n_runs - 1] : NULL;
    return last ? last->pfn + last->n_pages : 0;
}

uint64_t seep_physical_n_pages(const struct seep_physical *physical)
{
    return physical->n_pages;
}

uint64_t seep_physical_missing(const struct seep_physical *physical)
{
    return physical->n_missing;
}
