// SPDX-License-Identifier: MIT
// NT heaps: segments with their uncommitted ranges, virtual blocks, the low-fragmentation front
// end.
//
// Facts: C. Valasek, Understanding the Low Fragmentation Heap (2010), C. Valasek and T. Mandt,
// Windows 8 Heap Internals (2012): the encoded entries and their checksum, the marks in
// UnusedBytes, the stores (UserBlocks) with entry flags (7) or a bitmap (8 and later). The header
// before a user's data with `gflags +ust`: HeapStat (yoichi/HeapStat), seen in `!heap -p -a`.
#include "heap/walk.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 4096,
    ENTRY_BUSY = 0x01,
    ENTRY_INTERNAL = 0x08,
    // _HEAP_ENTRY.UnusedBytes: below the size of a header it says what the entry is
    UNUSED_VIRTUAL = 0x04,  // the entry of a virtual block; its Size is the unused bytes
    UNUSED_EXTENDED = 0x05, // this is not an entry, the entry lies EntryOffset units before it
    UNUSED_LEAST = 0x08,    // of a block that was asked for: the header (of 16 bytes 8 are lent)
    UNUSED_MASK = 0x3f,
    UNUSED_ELSEWHERE = 0x3f, // too many to say here: the block's last word says it
    UNUSED_FRONT_END = 0x80, // a block of a store
    CODE_BYTES = 8,          // of an entry that are encoded
    MAX_FRONT_END = 1 << 24, // bytes reserved for a front end: some 100 KB
    CHECKED_BLOCKS = 16,     // of a store, to find where its first one begins
};

#define STORE_SIGNATURE 0xf0e0d0c0u

// The tables of a heap that its entries need.
struct nt {
    uint64_t address;
    uint8_t code_at; // where the encoded bytes of an entry begin: 0 or 8
    uint8_t key[CODE_BYTES];
    bool encoded;
    bool traced; // an interceptor is set: blocks may carry the stack that allocated them
    uint64_t front_end;
    struct seep_heap_extent *uncommitted; // of the segment at hand, ascending
    size_t n_uncommitted, uncommitted_capacity;
};

struct entry {
    uint64_t size_bytes; // whole
    uint8_t flags, unused;
};

static uint64_t get8(const struct seep_heap_walker *w, const struct nt *nt, const uint8_t *code,
                     enum seep_heap_member member)
{
    const struct seep_heap_field *f = &w->layout.fields[member];
    size_t at = (size_t)(f->offset - nt->code_at);
    return f->size_bytes == 2 ? seep_le16(code + at) : code[at];
}

// Decodes the code bytes of an entry; false where the checksum does not match.
static bool decode(const struct seep_heap_walker *w, const struct nt *nt, const uint8_t *raw,
                   uint8_t code[CODE_BYTES])
{
    memcpy(code, raw + nt->code_at, CODE_BYTES);
    if (!nt->encoded)
        return true;
    for (int i = 0; i < CODE_BYTES; i++)
        code[i] ^= nt->key[i];
    // SmallTagIndex is the sum of the three bytes before it.
    return (uint8_t)(code[0] ^ code[1] ^ code[2]) == get8(w, nt, code, SEEP_HM_ENTRY_CHECKSUM);
}

static bool read_entry(struct seep_heap_walker *w, const struct nt *nt, uint64_t at,
                       struct entry *entry, bool *present)
{
    uint8_t scratch[16], code[CODE_BYTES];
    const uint8_t *raw = seep_heap_bytes(w, at, w->layout.granule, scratch);
    *present = raw != NULL;
    if (!raw || !decode(w, nt, raw, code))
        return false;
    entry->size_bytes = get8(w, nt, code, SEEP_HM_ENTRY_SIZE) * w->layout.granule;
    entry->flags = (uint8_t)get8(w, nt, code, SEEP_HM_ENTRY_FLAGS);
    entry->unused = (uint8_t)get8(w, nt, code, SEEP_HM_ENTRY_UNUSED_BYTES);
    return entry->size_bytes != 0;
}

// The user's data behind a second header that carries the stack: entry, pointer to the stack,
// extended entry, data; each of the first three is as long as an entry.
static bool traced_block(struct seep_heap_walker *w, const struct nt *nt, uint64_t at,
                         uint64_t size_bytes, struct seep_heap_block *block)
{
    uint8_t scratch[16];
    uint64_t granule = w->layout.granule, trace;
    if (!nt->traced || size_bytes < 3 * granule)
        return false;
    const uint8_t *extended = seep_heap_bytes(w, at + 2 * granule, granule, scratch);
    if (!extended ||
        get8(w, nt, extended + nt->code_at, SEEP_HM_ENTRY_UNUSED_BYTES) != UNUSED_EXTENDED)
        return false;
    uint64_t unused = get8(w, nt, extended + nt->code_at, SEEP_HM_ENTRY_PREVIOUS_SIZE);
    // Of 16 bytes of the next header a block may use 8.
    uint64_t least = 3 * granule - (granule == 16 ? 8 : 0);
    if (unused < least || unused > size_bytes || !seep_heap_pointer(w, at + granule, &trace))
        return false;
    *block = (struct seep_heap_block){
        .address = at + 3 * granule, .size_bytes = size_bytes - unused, .trace = trace, .busy = true
    };
    return true;
}

// A busy block without such a header.
static void plain_block(struct seep_heap_walker *w, uint64_t at, uint64_t size_bytes, unsigned said,
                        struct seep_heap_block *block)
{
    uint64_t granule = w->layout.granule, unused = said, word;
    if (said == UNUSED_ELSEWHERE &&
        seep_heap_pointer(w, at + size_bytes - w->layout.pointer_bytes, &word) &&
        word >= UNUSED_ELSEWHERE && word <= size_bytes)
        unused = word;
    if (unused > size_bytes || unused < UNUSED_LEAST)
        unused = granule;
    *block = (struct seep_heap_block){ .address = at + granule,
                                       .size_bytes = size_bytes - unused,
                                       .busy = true };
}

static void free_block(struct seep_heap_walker *w, uint64_t at, uint64_t size_bytes)
{
    uint64_t granule = w->layout.granule;
    struct seep_heap_block block = { .address = at + granule, .size_bytes = size_bytes - granule };
    seep_heap_give_block(w, &block);
}

// --- the front end

struct store {
    uint64_t address, size_bytes; // of the user's data of the entry that holds it
    uint64_t stride, count;
    uint64_t first; // offset of the first block's entry
    uint64_t bits;  // address of the busy bitmap; 0 = entries say it
};

// Whether a store begins at the data of an entry: its signature, and that its subsegment points
// back to it. One that is kept for later use does not and holds no blocks.
static bool is_store(struct seep_heap_walker *w, uint64_t data, uint64_t size_bytes,
                     uint64_t *subsegment)
{
    const struct seep_heap_field *f = &w->layout.fields[SEEP_HM_STORE_SIGNATURE];
    uint8_t scratch[8];
    uint64_t back;
    if (f->offset == SEEP_HEAP_ABSENT || size_bytes < w->layout.sizes[SEEP_HS_STORE])
        return false;
    const uint8_t *p = seep_heap_bytes(w, data + f->offset, 4, scratch);
    return p && seep_le32(p) == STORE_SIGNATURE &&
           seep_heap_read(&w->layout, w->memory, data, SEEP_HM_STORE_SUBSEGMENT, subsegment) &&
           seep_heap_read(&w->layout, w->memory, *subsegment, SEEP_HM_SUBSEGMENT_STORE, &back) &&
           back == data;
}

// Whether blocks of a store begin at `first`: all of them bear the front end's mark.
static bool begins_at(struct seep_heap_walker *w, const struct store *s, uint64_t first)
{
    uint8_t scratch;
    uint64_t mark = w->layout.fields[SEEP_HM_ENTRY_UNUSED_BYTES].offset;
    uint64_t step = s->count > CHECKED_BLOCKS ? s->count / CHECKED_BLOCKS : 1;
    for (uint64_t i = 0; i < s->count; i += step) {
        const uint8_t *p =
            seep_heap_bytes(w, s->address + first + i * s->stride + mark, 1, &scratch);
        if (!p || !(*p & UNUSED_FRONT_END))
            return false;
    }
    return true;
}

// Where the first block is: behind the header and the bitmap. From Windows 8 on the offset is
// recorded, but encoded with a key of ntdll; so the first place at which the blocks fit is taken.
static bool find_first(struct seep_heap_walker *w, struct store *s)
{
    uint64_t granule = w->layout.granule, begin = w->layout.sizes[SEEP_HS_STORE], bits, buffer;
    if (w->layout.fields[SEEP_HM_STORE_BITMAP_BITS].offset != SEEP_HEAP_ABSENT) {
        if (!seep_heap_read(&w->layout, w->memory, s->address, SEEP_HM_STORE_BITMAP_BITS, &bits) ||
            !seep_heap_read(&w->layout, w->memory, s->address, SEEP_HM_STORE_BITMAP_BUFFER,
                            &buffer))
            return false;
        bits = w->layout.pointer_bytes == 4 ? (uint32_t)bits : bits;
        if (bits < s->count || bits > s->size_bytes * 8 || buffer < s->address ||
            buffer - s->address > s->size_bytes)
            return false;
        s->bits = buffer;
        begin = buffer - s->address + (s->count + 7) / 8;
    }
    begin = (begin + granule - 1) / granule * granule;
    // The blocks' bytes are there: at most one stride is left over, or the guard at the end.
    for (uint64_t first = begin; first < begin + s->stride + granule; first += granule) {
        if (first > s->size_bytes || s->count > (s->size_bytes - first) / s->stride)
            return false;
        if (begins_at(w, s, first)) {
            s->first = first;
            return true;
        }
    }
    return false;
}

static bool is_busy(struct seep_heap_walker *w, const struct store *s, uint64_t i, unsigned mark)
{
    uint8_t scratch;
    if (!s->bits)
        return (mark & UNUSED_MASK) != 0;
    const uint8_t *p = seep_heap_bytes(w, s->bits + i / 8, 1, &scratch);
    return p && (*p >> (i % 8) & 1);
}

static void walk_store(struct seep_heap_walker *w, const struct nt *nt, uint64_t data,
                       uint64_t size_bytes, uint64_t subsegment)
{
    struct store s = { .address = data, .size_bytes = size_bytes };
    uint8_t scratch[16];
    if (!seep_heap_read(&w->layout, w->memory, subsegment, SEEP_HM_SUBSEGMENT_BLOCK_SIZE,
                        &s.stride) ||
        !seep_heap_read(&w->layout, w->memory, subsegment, SEEP_HM_SUBSEGMENT_BLOCK_COUNT,
                        &s.count)) {
        seep_heap_lose(w, "heap-memory-missing", data,
                       "the subsegment of a store of the front end is not in the dump");
        return;
    }
    if (!s.stride) {
        seep_heap_lose(w, "heap-store", data, "a store of the front end has no subsegment");
        return;
    }
    s.stride *= w->layout.granule;
    if (!s.count)
        return;
    if (!find_first(w, &s)) {
        seep_heap_lose(w, "heap-store", data,
                       "a store of the front end holds no %" PRIu64 " blocks of %" PRIu64 " bytes",
                       s.count, s.stride);
        return;
    }
    for (uint64_t i = 0; i < s.count && !w->stopped; i++) {
        uint64_t at = s.address + s.first + i * s.stride;
        const uint8_t *raw = seep_heap_bytes(w, at, w->layout.granule, scratch);
        struct seep_heap_block block;
        if (!raw) {
            seep_heap_lose(w, "heap-memory-missing", at,
                           "a store of the front end is not whole in the dump");
            return;
        }
        unsigned mark = raw[w->layout.fields[SEEP_HM_ENTRY_UNUSED_BYTES].offset];
        if (!is_busy(w, &s, i, mark)) {
            free_block(w, at, s.stride);
            continue;
        }
        if (!traced_block(w, nt, at, s.stride, &block))
            plain_block(w, at, s.stride, mark & UNUSED_MASK, &block);
        seep_heap_give_block(w, &block);
    }
}

// --- segments

static void give_entry(struct seep_heap_walker *w, const struct nt *nt, uint64_t at,
                       const struct entry *entry)
{
    uint64_t granule = w->layout.granule, size = entry->size_bytes, subsegment;
    struct seep_heap_block block;
    if (!(entry->flags & ENTRY_BUSY)) {
        seep_heap_add(&w->heap->free_blocks, 1);
        seep_heap_add(&w->heap->free_bytes, size);
        free_block(w, at, size);
        return;
    }
    seep_heap_add(&w->heap->busy_blocks, 1);
    seep_heap_add(&w->heap->busy_bytes, size);
    if (!w->visitor || !w->visitor->block)
        return;
    if (is_store(w, at + granule, size - granule, &subsegment))
        walk_store(w, nt, at + granule, size - granule, subsegment);
    else if (entry->flags & ENTRY_INTERNAL)
        return;
    else if (traced_block(w, nt, at, size, &block))
        seep_heap_give_block(w, &block);
    else if (entry->unused >= UNUSED_LEAST) {
        plain_block(w, at, size, entry->unused, &block);
        seep_heap_give_block(w, &block);
    }
}

// Where the walk goes on after `at`, from which it cannot: behind the next uncommitted range.
static uint64_t resume(const struct nt *nt, size_t *next, uint64_t at, uint64_t last)
{
    while (*next < nt->n_uncommitted && nt->uncommitted[*next].address < at)
        ++*next;
    if (*next == nt->n_uncommitted)
        return last;
    const struct seep_heap_extent *u = &nt->uncommitted[(*next)++];
    return u->address + u->size_bytes;
}

static void walk_entries(struct seep_heap_walker *w, const struct nt *nt, uint64_t first,
                         uint64_t last)
{
    size_t next = 0;
    uint64_t at = first;
    while (at < last && !w->stopped) {
        struct entry entry = { 0 };
        bool present;
        while (next < nt->n_uncommitted && nt->uncommitted[next].address < at)
            next++;
        uint64_t end = next < nt->n_uncommitted ? nt->uncommitted[next].address : last;
        if (at == end) {
            at = resume(nt, &next, at, last);
            continue;
        }
        if (!read_entry(w, nt, at, &entry, &present) || entry.size_bytes > end - at) {
            if (present)
                seep_heap_lose(w, "heap-entry", at,
                               "an entry of the heap at 0x%" PRIx64 " does not hang together",
                               nt->address);
            else
                seep_heap_lose(w, "heap-memory-missing", at,
                               "memory of the heap at 0x%" PRIx64 " is not in the dump",
                               nt->address);
            at = resume(nt, &next, at, last);
            continue;
        }
        w->walked = true;
        give_entry(w, nt, at, &entry);
        at += entry.size_bytes;
    }
}

// The uncommitted ranges of a segment, ascending and inside of it.
static void read_uncommitted(struct seep_heap_walker *w, struct nt *nt,
                             const struct seep_heap_extent *segment)
{
    uint64_t head = seep_heap_at(&w->layout, segment->address, SEEP_HM_SEGMENT_UNCOMMITTED_LIST);
    uint64_t link, most = segment->size_bytes / PAGE;
    nt->n_uncommitted = 0;
    seep_heap_list(w);
    if (!seep_heap_pointer(w, head, &link))
        return;
    while (link != head && nt->n_uncommitted <= most &&
           seep_heap_link(w, SEEP_LINKS_UNCOMMITTED, link)) {
        uint64_t at = link - w->layout.fields[SEEP_HM_UNCOMMITTED_SEGMENT_ENTRY].offset;
        uint64_t address, size, offset;
        if (!seep_heap_read(&w->layout, w->memory, at, SEEP_HM_UNCOMMITTED_ADDRESS, &address) ||
            !seep_heap_read(&w->layout, w->memory, at, SEEP_HM_UNCOMMITTED_SIZE, &size)) {
            seep_heap_lose(w, "heap-memory-missing", at,
                           "an uncommitted range of the heap at 0x%" PRIx64 " is not described",
                           nt->address);
            break;
        }
        offset = address - segment->address;
        if (size && address >= segment->address && offset < segment->size_bytes &&
            size <= segment->size_bytes - offset) {
            if (!seep_grow(&nt->uncommitted, &nt->uncommitted_capacity, nt->n_uncommitted + 1,
                           sizeof *nt->uncommitted)) {
                w->no_memory = w->stopped = true;
                return;
            }
            nt->uncommitted[nt->n_uncommitted++] = (struct seep_heap_extent){ address, size, at };
        }
        if (!seep_heap_pointer(w, link, &link))
            break;
    }
    seep_heap_sort_extents(w, nt->uncommitted, &nt->n_uncommitted);
}

// Reads a segment's header; false (and a loss) where it is none of this heap.
static bool read_segment(struct seep_heap_walker *w, const struct nt *nt, uint64_t at,
                         struct seep_heap_extent *segment)
{
    uint64_t signature, heap, base, pages;
    if (!seep_heap_read(&w->layout, w->memory, at, SEEP_HM_HEAP_SEGMENT_SIGNATURE, &signature) ||
        !seep_heap_read(&w->layout, w->memory, at, SEEP_HM_SEGMENT_HEAP, &heap) ||
        !seep_heap_read(&w->layout, w->memory, at, SEEP_HM_SEGMENT_BASE, &base) ||
        !seep_heap_read(&w->layout, w->memory, at, SEEP_HM_SEGMENT_PAGES, &pages)) {
        seep_heap_lose(w, "heap-memory-missing", at,
                       "a segment of the heap at 0x%" PRIx64 " is not in the dump", nt->address);
        return false;
    }
    if (signature != 0xffeeffee || heap != nt->address || base != at || !pages ||
        pages > (UINT64_MAX - at) / PAGE) {
        seep_heap_lose(w, "heap-segment", at, "no segment of the heap at 0x%" PRIx64, nt->address);
        return false;
    }
    *segment = (struct seep_heap_extent){ at, pages * PAGE, at };
    return true;
}

static void walk_segment(struct seep_heap_walker *w, struct nt *nt,
                         const struct seep_heap_extent *segment)
{
    uint64_t first, last, uncommitted, end = segment->address + segment->size_bytes;
    seep_heap_add(&w->heap->reserved_bytes, segment->size_bytes);
    if (seep_heap_read(&w->layout, w->memory, segment->address, SEEP_HM_SEGMENT_UNCOMMITTED_PAGES,
                       &uncommitted) &&
        uncommitted <= segment->size_bytes / PAGE)
        seep_heap_add(&w->heap->committed_bytes, segment->size_bytes - uncommitted * PAGE);
    seep_heap_give_range(w, segment->address, segment->size_bytes);
    if (w->ranges_only || w->stopped)
        return;
    if (!seep_heap_read(&w->layout, w->memory, segment->address, SEEP_HM_SEGMENT_FIRST, &first) ||
        !seep_heap_read(&w->layout, w->memory, segment->address, SEEP_HM_SEGMENT_LAST, &last)) {
        seep_heap_lose(w, "heap-memory-missing", segment->address,
                       "a segment of the heap at 0x%" PRIx64 " is not in the dump", nt->address);
        return;
    }
    if (first < segment->address || last < first || last > end ||
        (first - segment->address) % w->layout.granule) {
        seep_heap_lose(w, "heap-segment", segment->address,
                       "a segment of the heap at 0x%" PRIx64 " does not say where its blocks are",
                       nt->address);
        return;
    }
    read_uncommitted(w, nt, segment);
    walk_entries(w, nt, first, last);
}

// Collects the segments: the heap itself is the first, the others hang in its list.
static struct seep_heap_extent *segments_of(struct seep_heap_walker *w, const struct nt *nt,
                                            size_t *n)
{
    struct seep_heap_extent *list = NULL, segment;
    size_t capacity = 0;
    uint64_t head = seep_heap_at(&w->layout, nt->address, SEEP_HM_HEAP_SEGMENT_LIST), link = head;
    uint64_t at = nt->address;
    *n = 0;
    seep_heap_list(w);
    for (;;) {
        if ((at != nt->address || link == head) && read_segment(w, nt, at, &segment)) {
            if (!seep_grow(&list, &capacity, *n + 1, sizeof *list)) {
                w->no_memory = w->stopped = true;
                break;
            }
            list[(*n)++] = segment;
        }
        if (!seep_heap_pointer(w, link, &link)) {
            seep_heap_lose(w, "heap-memory-missing", link,
                           "the list of segments of the heap at 0x%" PRIx64 " breaks off",
                           nt->address);
            break;
        }
        if (link == head || w->stopped || !seep_heap_link(w, SEEP_LINKS_SEGMENTS, link))
            break;
        at = link - w->layout.fields[SEEP_HM_SEGMENT_LIST_ENTRY].offset;
    }
    seep_heap_sort_extents(w, list, n);
    return list;
}

// --- virtual blocks: each its own reservation, for what is too large for a segment

static bool virtual_block(struct seep_heap_walker *w, const struct nt *nt, uint64_t at)
{
    uint64_t granule = w->layout.granule, commit, reserve;
    uint64_t entry_at = seep_heap_at(&w->layout, at, SEEP_HM_VIRTUAL_BLOCK),
             data = entry_at + granule;
    struct entry entry = { 0 };
    struct seep_heap_block block = { .address = data, .busy = true };
    bool present;
    if (!seep_heap_read(&w->layout, w->memory, at, SEEP_HM_VIRTUAL_COMMIT, &commit) ||
        !seep_heap_read(&w->layout, w->memory, at, SEEP_HM_VIRTUAL_RESERVE, &reserve))
        return false;
    (void)read_entry(w, nt, entry_at, &entry, &present);
    // Its Size is in bytes: what of the commitment was not asked for, headers included.
    uint64_t unused = entry.size_bytes / granule;
    if (!present || !(entry.flags & ENTRY_BUSY) || commit > reserve || unused > commit ||
        commit - unused > UINT64_MAX - data || unused < data - at - (granule == 16 ? 8 : 0)) {
        seep_heap_lose(w, "heap-entry", at,
                       "a virtual block of the heap at 0x%" PRIx64 " does not hang together",
                       nt->address);
        return true;
    }
    seep_heap_give_range(w, at, reserve);
    seep_heap_add(&w->heap->reserved_bytes, reserve);
    seep_heap_add(&w->heap->committed_bytes, commit);
    if (w->ranges_only || data == nt->front_end)
        return true;
    w->walked = true;
    seep_heap_add(&w->heap->busy_blocks, 1);
    seep_heap_add(&w->heap->busy_bytes, commit);
    if (!traced_block(w, nt, entry_at, commit - (entry_at - at), &block))
        block.size_bytes = commit - unused;
    seep_heap_give_block(w, &block);
    return true;
}

static void walk_virtual_blocks(struct seep_heap_walker *w, const struct nt *nt)
{
    uint64_t head = seep_heap_at(&w->layout, nt->address, SEEP_HM_HEAP_VIRTUAL_BLOCKS), link = head;
    seep_heap_list(w);
    for (;;) {
        if (!seep_heap_pointer(w, link, &link)) {
            seep_heap_lose(w, "heap-memory-missing", link,
                           "the list of virtual blocks of the heap at 0x%" PRIx64 " breaks off",
                           nt->address);
            return;
        }
        if (link == head || w->stopped || !seep_heap_link(w, SEEP_LINKS_LARGE, link))
            return;
        if (!virtual_block(w, nt, link - w->layout.fields[SEEP_HM_VIRTUAL_LIST_ENTRY].offset))
            seep_heap_lose(w, "heap-memory-missing", link,
                           "a virtual block of the heap at 0x%" PRIx64 " is not in the dump",
                           nt->address);
    }
}

static bool read_tables(struct seep_heap_walker *w, struct nt *nt, struct seep_err *err)
{
    uint64_t mask, interceptor;
    uint64_t key_at = seep_heap_at(&w->layout, nt->address, SEEP_HM_HEAP_ENCODING);
    nt->code_at = (uint8_t)w->layout.fields[SEEP_HM_ENTRY_SIZE].offset;
    if (!seep_heap_layout_has(&w->layout, SEEP_HM_ENTRY_SIZE, SEEP_HM_HEAP_SEGMENT_LIST) ||
        !seep_heap_layout_has(&w->layout, SEEP_HM_SEGMENT_LIST_ENTRY, SEEP_HM_VIRTUAL_BLOCK) ||
        nt->code_at + CODE_BYTES != w->layout.granule ||
        w->layout.fields[SEEP_HM_ENTRY_UNUSED_BYTES].offset != w->layout.granule - 1)
        return seep_fail(err, SEEP_NO_OFFSET, "give the symbols of its ntdll with --symbols",
                         "the layout of the heap at 0x%" PRIx64 " is not known", nt->address);
    if (!seep_heap_read(&w->layout, w->memory, nt->address, SEEP_HM_HEAP_ENCODE_FLAG_MASK, &mask) ||
        seep_memory_read(w->memory, key_at + nt->code_at, nt->key, CODE_BYTES) != CODE_BYTES)
        return seep_fail(err, SEEP_NO_OFFSET, NULL,
                         "the header of the heap at 0x%" PRIx64 " is not whole in the dump",
                         nt->address);
    nt->encoded = mask != 0;
    nt->traced = seep_heap_read(&w->layout, w->memory, nt->address, SEEP_HM_HEAP_INTERCEPTOR,
                                &interceptor) &&
                 interceptor != 0;
    if (!seep_heap_read(&w->layout, w->memory, nt->address, SEEP_HM_HEAP_FRONT_END, &nt->front_end))
        nt->front_end = 0;
    return true;
}

// The front end's own memory; on Windows 7 it is a virtual block.
static void give_front_end(struct seep_heap_walker *w, const struct nt *nt)
{
    uint64_t limit;
    if (nt->front_end &&
        seep_heap_read(&w->layout, w->memory, nt->front_end, SEEP_HM_FRONT_LIMIT, &limit) &&
        limit > nt->front_end && limit - nt->front_end <= MAX_FRONT_END)
        seep_heap_give_range(w, nt->front_end, limit - nt->front_end);
}

bool seep_nt_heap_walk(struct seep_heap_walker *w, uint64_t address, struct seep_err *err)
{
    struct nt nt = { .address = address };
    size_t n;
    if (!read_tables(w, &nt, err))
        return false;
    struct seep_heap_extent *segments = segments_of(w, &nt, &n);
    for (size_t i = 0; i < n && !w->stopped; i++)
        walk_segment(w, &nt, &segments[i]);
    if (!w->stopped)
        walk_virtual_blocks(w, &nt);
    if (!w->stopped)
        give_front_end(w, &nt);
    seep_free(nt.uncommitted);
    seep_free(segments);
    return true;
}
