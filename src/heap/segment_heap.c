// SPDX-License-Identifier: MIT
// Segment heaps: page segments and their ranges, chunks of variable size, LFH subsegments, large
// blocks.
//
// Facts: the papers named in segment_keys.c; the names of the flags of a range in dlg_help_utils;
// the bit fields of unused bytes in ntdll's public symbols. No dump with such a heap was at hand.
#include "heap/segment_heap.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 4096,
    // _HEAP_PAGE_RANGE_DESCRIPTOR.RangeFlags with contexts (1709 and later)
    RANGE_IN_USE = 0x01,
    RANGE_FIRST = 0x02,
    RANGE_KIND = 0x0c,
    RANGE_KIND_LFH = 0x08,
    RANGE_KIND_VS = 0x0c,
    // without (1607)
    OLD_RANGE_LFH = 0x01,
    OLD_RANGE_IN_USE = 0x04,
    OLD_RANGE_FIRST = 0x08,
    OLD_RANGE_VS = 0x20,
    OLD_FIRST_DESCRIPTOR = 2,
    OLD_SEGMENT_BYTES = 1 << 20,
    // the last two bytes of a block, where a flag says that they count what is not used
    UNUSED_MASK_VS = 0x1fff,
    UNUSED_IS_LFH = 0x2000, // the chunk is an LFH subsegment
    VS_SIGNATURE = 0x2bed,  // Size ^ Signature of a VS subsegment, 15 bits
    MAX_OWN = 1 << 24,      // bytes reserved for a heap's structure: some 100 KB
    MAX_UNITS = 4096,       // descriptors of a page segment; 256 in all builds that are known
    N_CONTEXTS = 2,
};

bool seep_vs_chunks(struct seep_heap_walker *w, const struct seep_page_range *range,
                    uint64_t *first, uint64_t *end)
{
    uint64_t granule = w->layout.granule, size, signature;
    uint64_t begin = (w->layout.sizes[SEEP_HS_VS] + granule - 1) / granule * granule;
    *first = range->address + begin;
    *end = range->address + range->size_bytes;
    if (!seep_heap_read(&w->layout, w->memory, range->address, SEEP_HM_VS_SIZE, &size) ||
        !seep_heap_read(&w->layout, w->memory, range->address, SEEP_HM_VS_SIGNATURE, &signature) ||
        ((size ^ signature) & 0x7fff) != VS_SIGNATURE ||
        size * w->layout.sizes[SEEP_HS_CHUNK] > range->size_bytes - begin)
        return false;
    *end = *first + size * w->layout.sizes[SEEP_HS_CHUNK];
    return true;
}

bool seep_vs_read(struct seep_heap_walker *w, uint64_t key, uint64_t at,
                  struct seep_vs_chunk *chunk)
{
    uint8_t scratch[32], bytes[32] = { 0 };
    size_t len = w->layout.sizes[SEEP_HS_CHUNK], encoded = w->layout.pointer_bytes;
    uint64_t units, previous, allocated, flag;
    const uint8_t *p = len <= sizeof bytes ? seep_heap_bytes(w, at, len, scratch) : NULL;
    if (!p)
        return false;
    memcpy(bytes, p, len);
    for (size_t i = 0; i < encoded; i++)
        bytes[i] ^= (uint8_t)((key ^ at) >> (8 * i));
    struct seep_bytes header = seep_bytes(bytes, len);
    if (!seep_heap_get(&w->layout, header, SEEP_HM_CHUNK_UNITS, &units) ||
        !seep_heap_get(&w->layout, header, SEEP_HM_CHUNK_PREVIOUS_UNITS, &previous) ||
        !seep_heap_get(&w->layout, header, SEEP_HM_CHUNK_ALLOCATED, &allocated))
        return false;
    *chunk = (struct seep_vs_chunk){ .size_bytes = units * len,
                                     .previous_bytes = previous * len,
                                     .allocated_as = allocated,
                                     .allocated = allocated != 0 };
    if (chunk->allocated) {
        if (seep_heap_get(&w->layout, header, SEEP_HM_CHUNK_HAS_UNUSED, &flag))
            chunk->has_unused = flag != 0;
        if (seep_heap_get(&w->layout, header, SEEP_HM_CHUNK_SKIP, &flag))
            chunk->skip = flag != 0;
    }
    return true;
}

bool seep_lfh_read(struct seep_heap_walker *w, uint32_t key, uint64_t at, uint64_t size_bytes,
                   uint64_t *first, uint64_t *block_bytes, uint64_t *count)
{
    uint64_t encoded, n, granule = w->layout.granule;
    if (!seep_heap_read(&w->layout, w->memory, at, SEEP_HM_LFH_OFFSETS, &encoded) ||
        !seep_heap_read(&w->layout, w->memory, at, SEEP_HM_LFH_BLOCK_COUNT, &n))
        return false;
    uint32_t plain = (uint32_t)encoded ^ key ^ (uint32_t)(at >> 12);
    uint64_t block = plain & UINT16_MAX, begin = plain >> 16;
    uint64_t bitmap = w->layout.fields[SEEP_HM_LFH_BITMAP].offset + (n + 3) / 4;
    if (!n || !block || block % granule || begin % granule || begin < bitmap ||
        begin > size_bytes || n > (size_bytes - begin) / block)
        return false;
    *first = begin;
    *block_bytes = block;
    *count = n;
    return true;
}

// What of a block was not asked for.
static uint64_t unused_of(struct seep_heap_walker *w, uint64_t at, uint64_t size_bytes,
                          unsigned mask, bool *is_lfh)
{
    uint8_t scratch[2];
    const uint8_t *p = size_bytes >= 2 ? seep_heap_bytes(w, at + size_bytes - 2, 2, scratch) : NULL;
    if (!p)
        return 0;
    unsigned word = seep_le16(p);
    *is_lfh = mask == UNUSED_MASK_VS && (word & UNUSED_IS_LFH) != 0 && !(word & SEEP_UNUSED_ONE);
    uint64_t unused = word & SEEP_UNUSED_ONE ? 1 : word & mask;
    return unused <= size_bytes ? unused : 0;
}

static void give(struct seep_heap_walker *w, uint64_t at, uint64_t whole, uint64_t size, bool busy)
{
    struct seep_heap_block block = { .address = at, .size_bytes = size, .busy = busy };
    w->walked = true;
    seep_heap_add(busy ? &w->heap->busy_blocks : &w->heap->free_blocks, 1);
    seep_heap_add(busy ? &w->heap->busy_bytes : &w->heap->free_bytes, whole);
    seep_heap_give_block(w, &block);
}

// --- subsegments

static void walk_lfh(struct seep_heap_walker *w, const struct seep_segment_heap *heap, uint64_t at,
                     uint64_t size_bytes)
{
    uint64_t first, block, count;
    uint8_t scratch;
    if (!heap->has_lfh_key) {
        seep_heap_lose(w, "heap-key", at,
                       "an LFH subsegment of the heap at 0x%" PRIx64
                       " is encoded with a key that is not known",
                       heap->address);
        return;
    }
    if (!seep_lfh_read(w, heap->lfh_key, at, size_bytes, &first, &block, &count)) {
        seep_heap_lose(w, "heap-lfh", at,
                       "an LFH subsegment of the heap at 0x%" PRIx64 " does not hang together",
                       heap->address);
        return;
    }
    uint64_t bitmap = seep_heap_at(&w->layout, at, SEEP_HM_LFH_BITMAP);
    for (uint64_t i = 0; i < count && !w->stopped; i++) {
        const uint8_t *bits = seep_heap_bytes(w, bitmap + i / 4, 1, &scratch);
        if (!bits) {
            seep_heap_lose(w, "heap-memory-missing", at,
                           "an LFH subsegment of the heap at 0x%" PRIx64 " is not in the dump",
                           heap->address);
            return;
        }
        // two bits a block: busy, has unused bytes
        unsigned state = *bits >> (2 * (i % 4)) & 3;
        uint64_t data = at + first + i * block;
        bool ignored = false, busy = state & 1;
        if (busy && !seep_heap_bytes(w, data, 1, &scratch)) {
            seep_heap_lose(w, "heap-memory-missing", data,
                           "blocks of the heap at 0x%" PRIx64 " are not in the dump",
                           heap->address);
            return;
        }
        uint64_t unused = state == SEEP_LFH_BUSY_UNUSED
                              ? unused_of(w, data, block, SEEP_UNUSED_MASK_LFH, &ignored)
                              : 0;
        give(w, data, block, block - unused, busy);
    }
}

static void walk_vs(struct seep_heap_walker *w, const struct seep_segment_heap *heap,
                    const struct seep_page_range *range)
{
    uint64_t header = w->layout.sizes[SEEP_HS_CHUNK], at, end, previous = 0;
    if (!heap->has_heap_key) {
        seep_heap_lose(w, "heap-key", range->address,
                       "a VS subsegment of the heap at 0x%" PRIx64
                       " is encoded with a key that is not known",
                       heap->address);
        return;
    }
    if (!seep_vs_chunks(w, range, &at, &end))
        seep_heap_lose(w, "heap-vs", range->address,
                       "a VS subsegment of the heap at 0x%" PRIx64 " has another signature",
                       heap->address);
    while (end - at >= header && !w->stopped) {
        struct seep_vs_chunk chunk;
        bool is_lfh = false;
        if (!seep_vs_read(w, heap->heap_key, at, &chunk)) {
            seep_heap_lose(w, "heap-memory-missing", at,
                           "a VS subsegment of the heap at 0x%" PRIx64 " is not in the dump",
                           heap->address);
            return;
        }
        if (chunk.size_bytes <= header || chunk.size_bytes > end - at ||
            (previous && chunk.previous_bytes != previous)) {
            seep_heap_lose(w, "heap-chunk", at,
                           "a chunk of the heap at 0x%" PRIx64 " does not hang together",
                           heap->address);
            return;
        }
        uint64_t data = at + header, data_bytes = chunk.size_bytes - header;
        uint64_t unused =
            chunk.has_unused ? unused_of(w, data, data_bytes, UNUSED_MASK_VS, &is_lfh) : 0;
        if (is_lfh)
            walk_lfh(w, heap, data, data_bytes);
        else if (!chunk.skip)
            give(w, data, chunk.size_bytes, data_bytes - unused, chunk.allocated);
        previous = chunk.size_bytes;
        at += chunk.size_bytes;
    }
}

// --- page segments

void seep_page_ranges(struct seep_heap_walker *w, const struct seep_segment_heap *heap,
                      const struct seep_page_segment *segment,
                      bool (*take)(void *ctx, const struct seep_page_range *range), void *ctx)
{
    uint8_t scratch[64];
    size_t step = w->layout.sizes[SEEP_HS_RANGE];
    for (uint32_t i = segment->first_unit; i < segment->n_units;) {
        const uint8_t *p = step <= sizeof scratch
                               ? seep_heap_bytes(w, segment->address + i * step, step, scratch)
                               : NULL;
        struct seep_bytes descriptor = seep_bytes(p, p ? step : 0);
        uint64_t flags, units, unused = 0;
        if (!seep_heap_get(&w->layout, descriptor, SEEP_HM_RANGE_FLAGS, &flags) ||
            !seep_heap_get(&w->layout, descriptor, SEEP_HM_RANGE_UNITS, &units))
            return;
        bool first, lfh, vs;
        if (heap->contexts) {
            first = (flags & (RANGE_IN_USE | RANGE_FIRST)) == (RANGE_IN_USE | RANGE_FIRST);
            lfh = (flags & RANGE_KIND) == RANGE_KIND_LFH;
            vs = (flags & RANGE_KIND) == RANGE_KIND_VS;
        } else {
            first = (flags & OLD_RANGE_IN_USE) && (flags & OLD_RANGE_FIRST);
            lfh = flags & OLD_RANGE_LFH;
            vs = flags & OLD_RANGE_VS;
        }
        if (!first || !units || units > segment->n_units - i) {
            i++;
            continue;
        }
        (void)seep_heap_get(&w->layout, descriptor, SEEP_HM_RANGE_UNUSED_BYTES, &unused);
        struct seep_page_range range = {
            .address = segment->address + ((uint64_t)i << segment->unit_shift),
            .size_bytes = units << segment->unit_shift,
            .unused_bytes = unused,
            .kind = vs    ? SEEP_RANGE_VS
                    : lfh ? SEEP_RANGE_LFH
                          : SEEP_RANGE_BLOCK,
        };
        if (!take(ctx, &range))
            return;
        i += (uint32_t)units;
    }
}

struct walk {
    struct seep_heap_walker *w;
    const struct seep_segment_heap *heap;
};

static bool walk_range(void *ctx, const struct seep_page_range *range)
{
    struct walk *walk = ctx;
    struct seep_heap_walker *w = walk->w;
    if (range->kind == SEEP_RANGE_VS)
        walk_vs(w, walk->heap, range);
    else if (range->kind == SEEP_RANGE_LFH)
        walk_lfh(w, walk->heap, range->address, range->size_bytes);
    else
        give(w, range->address, range->size_bytes,
             range->size_bytes -
                 (range->unused_bytes < range->size_bytes ? range->unused_bytes : 0),
             true);
    return !w->stopped;
}

// The segments that hang in one list.
static void collect_segments(struct seep_heap_walker *w, struct seep_segment_heap *heap,
                             uint64_t head, const struct seep_page_segment *like)
{
    uint64_t link = head;
    seep_heap_list(w);
    for (;;) {
        if (!seep_heap_pointer(w, link, &link)) {
            seep_heap_lose(w, "heap-memory-missing", link,
                           "a list of segments of the heap at 0x%" PRIx64 " breaks off",
                           heap->address);
            return;
        }
        if (link == head || !seep_heap_link(w, SEEP_LINKS_SEGMENTS, link))
            return;
        struct seep_page_segment segment = *like;
        segment.address = link - w->layout.fields[SEEP_HM_PAGE_SEGMENT_LIST_ENTRY].offset;
        if (segment.address & (segment.size_bytes - 1)) {
            seep_heap_lose(w, "heap-segment", segment.address,
                           "no page segment of the heap at 0x%" PRIx64, heap->address);
            return;
        }
        if (!seep_grow(&heap->segments, &heap->capacity, heap->n_segments + 1,
                       sizeof *heap->segments)) {
            w->no_memory = w->stopped = true;
            return;
        }
        heap->segments[heap->n_segments++] = segment;
    }
}

// What a context says about its segments; false where it says nothing that can be.
static bool read_context(const struct seep_heap_layout *layout, const struct seep_memory *memory,
                         uint64_t at, struct seep_page_segment *like)
{
    uint64_t mask, shift, first;
    if (!seep_heap_read(layout, memory, at, SEEP_HM_CONTEXT_MASK, &mask) ||
        !seep_heap_read(layout, memory, at, SEEP_HM_CONTEXT_UNIT_SHIFT, &shift) ||
        !seep_heap_read(layout, memory, at, SEEP_HM_CONTEXT_FIRST_DESCRIPTOR, &first))
        return false;
    uint64_t size = (layout->pointer_bytes == 4 ? (uint32_t)-mask : -mask);
    if (!size || (size & (size - 1)) || shift < 12 || shift > 20 || size >> shift < 2 ||
        size >> shift > MAX_UNITS || !first || first >= size >> shift)
        return false;
    *like = (struct seep_page_segment){ .size_bytes = size,
                                        .context = at,
                                        .first_unit = (uint32_t)first,
                                        .n_units = (uint32_t)(size >> shift),
                                        .unit_shift = (uint8_t)shift };
    return true;
}

// Whether a list head is one: its neighbours point back to it.
static bool is_head(const struct seep_memory *memory, unsigned bytes, uint64_t head)
{
    uint64_t next, back, of_next, of_back;
    return seep_memory_pointer(memory, head, bytes, &next) &&
           seep_memory_pointer(memory, head + bytes, bytes, &back) &&
           seep_memory_pointer(memory, next + bytes, bytes, &of_next) &&
           seep_memory_pointer(memory, back, bytes, &of_back) && of_next == head && of_back == head;
}

// Whether a layout describes the heap at `address`: contexts that can be, lists that are lists.
static bool fits(const struct seep_heap_layout *layout, const struct seep_memory *memory,
                 uint64_t address)
{
    unsigned bytes = layout->pointer_bytes;
    struct seep_page_segment like;
    if (!seep_heap_layout_has(layout, SEEP_HM_PAGE_SEGMENT_LIST_ENTRY, SEEP_HM_LFH_BITMAP) ||
        !layout->sizes[SEEP_HS_RANGE] || !layout->sizes[SEEP_HS_VS] ||
        layout->sizes[SEEP_HS_CHUNK] != layout->granule)
        return false;
    if (layout->fields[SEEP_HM_SH_CONTEXTS].offset == SEEP_HEAP_ABSENT)
        return layout->fields[SEEP_HM_SH_SEGMENT_LIST].offset != SEEP_HEAP_ABSENT &&
               is_head(memory, bytes, seep_heap_at(layout, address, SEEP_HM_SH_SEGMENT_LIST));
    if (!layout->sizes[SEEP_HS_CONTEXT] ||
        !seep_heap_layout_has(layout, SEEP_HM_CONTEXT_MASK, SEEP_HM_CONTEXT_SEGMENT_LIST))
        return false;
    for (uint64_t i = 0; i < N_CONTEXTS; i++) {
        uint64_t at =
            seep_heap_at(layout, address, SEEP_HM_SH_CONTEXTS) + i * layout->sizes[SEEP_HS_CONTEXT];
        if (!read_context(layout, memory, at, &like) ||
            !is_head(memory, bytes, seep_heap_at(layout, at, SEEP_HM_CONTEXT_SEGMENT_LIST)))
            return false;
    }
    return true;
}

// The layout of the heap: its own, or the built-in row that fits.
static bool find_layout(struct seep_heap_walker *w, uint64_t address)
{
    struct seep_heap_layout layout;
    if (fits(&w->layout, w->memory, address))
        return true;
    for (unsigned i = 0; seep_heap_layout_builtin(w->process->bits, i, &layout); i++) {
        if (fits(&layout, w->memory, address)) {
            w->layout = layout;
            return true;
        }
    }
    return false;
}

static int by_address(const void *a, const void *b)
{
    const struct seep_page_segment *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static void sort_segments(struct seep_heap_walker *w, struct seep_segment_heap *heap)
{
    size_t kept = 0;
    if (heap->n_segments)
        qsort(heap->segments, heap->n_segments, sizeof *heap->segments, by_address);
    for (size_t i = 0; i < heap->n_segments; i++) {
        const struct seep_page_segment *s = &heap->segments[i];
        const struct seep_page_segment *before = kept ? &heap->segments[kept - 1] : NULL;
        if (before && s->address - before->address < before->size_bytes)
            seep_heap_lose(w, "heap-overlap", s->address,
                           "two page segments of the heap at 0x%" PRIx64 " overlap", heap->address);
        else
            heap->segments[kept++] = *s;
    }
    heap->n_segments = kept;
}

static void find_segments(struct seep_heap_walker *w, struct seep_segment_heap *heap)
{
    struct seep_page_segment like = { .size_bytes = OLD_SEGMENT_BYTES,
                                      .context = heap->address,
                                      .first_unit = OLD_FIRST_DESCRIPTOR,
                                      .n_units = OLD_SEGMENT_BYTES / PAGE,
                                      .unit_shift = 12 };
    if (!heap->contexts) {
        collect_segments(w, heap, seep_heap_at(&w->layout, heap->address, SEEP_HM_SH_SEGMENT_LIST),
                         &like);
    }
    for (uint64_t i = 0; heap->contexts && i < N_CONTEXTS; i++) {
        uint64_t at = seep_heap_at(&w->layout, heap->address, SEEP_HM_SH_CONTEXTS) +
                      i * w->layout.sizes[SEEP_HS_CONTEXT];
        if (read_context(&w->layout, w->memory, at, &like))
            collect_segments(w, heap, seep_heap_at(&w->layout, at, SEEP_HM_CONTEXT_SEGMENT_LIST),
                             &like);
    }
    sort_segments(w, heap);
}

// --- large blocks: a tree of what describes them

// A node that another one (or the tree) points to; pointers are XORed with where they stand in
// trees that are encoded.
static uint64_t child(struct seep_heap_walker *w, uint64_t at, uint64_t owner)
{
    uint64_t value, ignored;
    if (!seep_heap_pointer(w, at, &value) || !value)
        return 0;
    if (seep_heap_pointer(w, value, &ignored))
        return value;
    return seep_heap_pointer(w, value ^ owner, &ignored) ? value ^ owner : 0;
}

static void give_large(struct seep_heap_walker *w, uint64_t node, uint64_t *node_page)
{
    uint64_t address, unused, pages;
    if (!seep_heap_read(&w->layout, w->memory, node, SEEP_HM_LARGE_ADDRESS, &address) ||
        !seep_heap_read(&w->layout, w->memory, node, SEEP_HM_LARGE_UNUSED_BYTES, &unused) ||
        !seep_heap_read(&w->layout, w->memory, node, SEEP_HM_LARGE_PAGES, &pages))
        return;
    address &= ~(uint64_t)UINT16_MAX;
    if (!address || !pages || pages > (UINT64_MAX - address) / PAGE || unused > pages * PAGE ||
        (w->layout.pointer_bytes == 4 && pages > UINT32_MAX / PAGE)) {
        seep_heap_lose(w, "heap-large", node,
                       "a large block of the heap at 0x%" PRIx64 " does not hang together",
                       w->heap->address);
        return;
    }
    // The page of the node is the heap's own too: else the node would hold its block.
    if (node / PAGE != *node_page)
        seep_heap_give_range(w, node / PAGE * PAGE, PAGE);
    *node_page = node / PAGE;
    seep_heap_give_range(w, address, pages * PAGE);
    seep_heap_add(&w->heap->reserved_bytes, pages * PAGE);
    if (!w->ranges_only && !w->stopped)
        give(w, address, pages * PAGE, pages * PAGE - unused, true);
}

static void walk_large(struct seep_heap_walker *w, const struct seep_segment_heap *heap)
{
    uint64_t *stack = NULL;
    size_t n = 0, capacity = 0;
    uint64_t node_page = 0;
    if (!seep_heap_layout_has(&w->layout, SEEP_HM_LARGE_ADDRESS, SEEP_HM_LARGE_PAGES) ||
        w->layout.fields[SEEP_HM_SH_LARGE_TREE].offset == SEEP_HEAP_ABSENT)
        return;
    uint64_t tree = seep_heap_at(&w->layout, heap->address, SEEP_HM_SH_LARGE_TREE);
    uint64_t node = child(w, tree, tree);
    seep_heap_list(w);
    while ((node || n) && !w->stopped) {
        if (!node)
            node = stack[--n];
        if (!seep_heap_link(w, SEEP_LINKS_LARGE, node))
            break;
        give_large(w, node, &node_page);
        uint64_t left = child(w, node, node);
        uint64_t right = child(w, node + w->layout.pointer_bytes, node);
        if (right) {
            if (!seep_grow(&stack, &capacity, n + 1, sizeof *stack)) {
                w->no_memory = w->stopped = true;
                break;
            }
            stack[n++] = right;
        }
        node = left;
    }
    seep_free(stack);
}

// Pages that the heap says are committed: those of its segments, and of its large blocks where that
// number does not have them already (it would be more than is reserved).
static void read_committed(struct seep_heap_walker *w, const struct seep_segment_heap *heap)
{
    uint64_t pages, large = 0, reserved = w->heap->reserved_bytes;
    if (!seep_heap_read(&w->layout, w->memory, heap->address, SEEP_HM_SH_COMMITTED, &pages) ||
        pages > reserved / PAGE)
        return;
    if (w->layout.fields[SEEP_HM_SH_LARGE_RESERVED].offset != SEEP_HEAP_ABSENT)
        (void)seep_heap_pointer(w,
                                seep_heap_at(&w->layout, heap->address, SEEP_HM_SH_LARGE_RESERVED) +
                                    w->layout.pointer_bytes,
                                &large);
    w->heap->committed_bytes = (pages + (large <= reserved / PAGE - pages ? large : 0)) * PAGE;
}

// The heap's own structure and what it adds behind it: buckets, slots.
static void give_own(struct seep_heap_walker *w, uint64_t address)
{
    uint64_t limit;
    if (!seep_heap_read(&w->layout, w->memory, address, SEEP_HM_SH_LIMIT, &limit) ||
        limit <= address || limit - address > MAX_OWN)
        return;
    seep_heap_give_range(w, address, limit - address);
    seep_heap_add(&w->heap->reserved_bytes, limit - address);
}

bool seep_segment_heap_walk(struct seep_heap_walker *w, uint64_t address, struct seep_err *err)
{
    struct seep_segment_heap heap = { .address = address };
    if (!find_layout(w, address))
        return seep_fail(err, SEEP_NO_OFFSET, "give the symbols of its ntdll with --symbols",
                         "the layout of the segment heap at 0x%" PRIx64 " is not known", address);
    give_own(w, address);
    heap.contexts = w->layout.fields[SEEP_HM_SH_CONTEXTS].offset != SEEP_HEAP_ABSENT;
    find_segments(w, &heap);
    if (!w->ranges_only && !w->stopped)
        seep_segment_heap_keys(w, &heap);
    for (size_t i = 0; i < heap.n_segments && !w->stopped; i++) {
        seep_heap_give_range(w, heap.segments[i].address, heap.segments[i].size_bytes);
        seep_heap_add(&w->heap->reserved_bytes, heap.segments[i].size_bytes);
        if (!w->ranges_only && !w->stopped)
            seep_page_ranges(w, &heap, &heap.segments[i], walk_range,
                             &(struct walk){ .w = w, .heap = &heap });
    }
    if (!w->stopped)
        walk_large(w, &heap);
    read_committed(w, &heap);
    seep_free(heap.segments);
    return true;
}
