// SPDX-License-Identifier: MIT
// The keys of a segment heap, derived from what they encode.
//
// As M. V. Yason, Windows 10 Segment Heap Internals (Black Hat 2016), and C. Bayet and P. Fariello,
// Scoop the Windows 10 pool (SSTIC 2020), are said to describe it; the papers were not opened, and
// nothing here has been checked on a real segment heap: a page segment's signature is its address,
// its context's address, the heap key and a constant, XORed; a chunk's header is XORed with the
// heap key and the chunk's address; the offsets of an LFH subsegment with the LFH key and its page
// number. So:
//
// - the signature of any page segment gives the whole heap key;
// - where it does not fit, two neighbouring chunks give the bits that matter: the first chunk of a
//   subsegment has no chunk before it, so the field of the previous size gives its key bits, and
//   the size of a chunk must be found again as the previous size of the one that follows;
// - an LFH subsegment's blocks begin behind its bitmap and fill it, so few pairs of first
//   offset and block size are possible; only one key makes all subsegments possible.
#include "heap/segment_heap.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_SAMPLES = 64, // subsegments that are looked at for a key
    CHAIN = 8,        // chunks of each that must hang together
    ENOUGH_LINKS = 2, // that must agree with a heap key
    MAX_FIRST = 64,   // places after the bitmap where blocks may begin
    MAX_CANDIDATES = 2048,
    MAX_BLOCKS = 64,        // of an LFH subsegment that are looked at
    ENOUGH_SUBSEGMENTS = 3, // or
    ENOUGH_BLOCKS = 8,      // that must agree with an LFH key that was derived
};

#define SIGNATURE_CONSTANT UINT64_C(0xa2e64eada2e64ead)

struct samples {
    struct seep_page_range at[MAX_SAMPLES];
    size_t n;
    enum seep_range_kind kind;
};

static bool take_sample(void *ctx, const struct seep_page_range *range)
{
    struct samples *s = ctx;
    if (range->kind == s->kind)
        s->at[s->n++] = *range;
    return s->n < MAX_SAMPLES;
}

static void collect(struct seep_heap_walker *w, const struct seep_segment_heap *heap,
                    enum seep_range_kind kind, struct samples *s)
{
    s->n = 0;
    s->kind = kind;
    for (size_t i = 0; i < heap->n_segments && s->n < MAX_SAMPLES; i++)
        seep_page_ranges(w, heap, &heap->segments[i], take_sample, s);
}

// How many chunks of a subsegment hang together under a key, at most CHAIN; `whole` where they
// reach its end.
static unsigned chain(struct seep_heap_walker *w, uint64_t key, const struct seep_page_range *range,
                      bool *whole)
{
    uint64_t at, end, previous = 0;
    unsigned n = 0;
    (void)seep_vs_chunks(w, range, &at, &end);
    *whole = false;
    while (n < CHAIN && at < end) {
        struct seep_vs_chunk chunk;
        if (!seep_vs_read(w, key, at, &chunk) || !chunk.size_bytes || chunk.size_bytes > end - at ||
            (n && chunk.previous_bytes != previous))
            return n;
        previous = chunk.size_bytes;
        at += chunk.size_bytes;
        n++;
    }
    *whole = at == end;
    return n;
}

// How many chunks of all samples hang together with the one before them under a key; a subsegment
// whose end they reach counts for two more. By accident each one does with a probability of 1 in
// 32,768.
static size_t links(struct seep_heap_walker *w, uint64_t key, const struct samples *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        bool whole;
        unsigned hanging = chain(w, key, &s->at[i], &whole);
        n += (hanging ? hanging - 1 : 0) + (whole ? 2 : 0);
    }
    return n;
}

// The key that the signature of a page segment gives.
static bool signature_key(struct seep_heap_walker *w, const struct seep_segment_heap *heap,
                          const struct seep_page_segment *segment, uint64_t *key)
{
    uint64_t signature, mask = w->layout.pointer_bytes == 8 ? UINT64_MAX : UINT32_MAX;
    if (!seep_heap_read(&w->layout, w->memory, segment->address, SEEP_HM_PAGE_SEGMENT_SIGNATURE,
                        &signature))
        return false;
    uint64_t base = heap->contexts ? segment->address : segment->address >> 20;
    *key = (signature ^ base ^ segment->context ^ SIGNATURE_CONSTANT) & mask;
    return true;
}

// The key bits of a bit field of the chunk header, put where they belong.
static uint64_t field_key(const struct seep_heap_field *f, uint64_t value)
{
    return value << (f->offset * 8 + f->bit_offset);
}

// How often two free chunks lie side by side under a key, or a chunk is neither free nor in use:
// never where the key is right.
static size_t contradictions(struct seep_heap_walker *w, uint64_t key, const struct samples *s)
{
    const struct seep_heap_field *allocated = &w->layout.fields[SEEP_HM_CHUNK_ALLOCATED];
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        uint64_t at, end;
        struct seep_vs_chunk chunk;
        bool was_free = false;
        (void)seep_vs_chunks(w, &s->at[i], &at, &end);
        while (at < end && seep_vs_read(w, key, at, &chunk) && chunk.size_bytes &&
               chunk.size_bytes <= end - at) {
            n += (was_free && !chunk.allocated) ||
                 (allocated->bit_length > 1 && chunk.allocated_as > 1);
            was_free = !chunk.allocated;
            at += chunk.size_bytes;
        }
    }
    return n;
}

// From the first chunk (no chunk before it) and each size that the following chunk confirms; then
// whether the first chunk is in use or free, of which only one goes with the others.
static bool chunk_key(struct seep_heap_walker *w, const struct samples *s, uint64_t *key)
{
    const struct seep_heap_field *units = &w->layout.fields[SEEP_HM_CHUNK_UNITS];
    const struct seep_heap_field *before = &w->layout.fields[SEEP_HM_CHUNK_PREVIOUS_UNITS];
    const struct seep_heap_field *allocated = &w->layout.fields[SEEP_HM_CHUNK_ALLOCATED];
    uint64_t granule = w->layout.sizes[SEEP_HS_CHUNK];
    for (size_t i = 0; i < s->n && i < CHAIN; i++) {
        uint64_t at, end;
        struct seep_vs_chunk plain;
        bool whole;
        (void)seep_vs_chunks(w, &s->at[i], &at, &end);
        // With the key 0 the fields are their key bits, XORed with what they hold.
        if (!seep_vs_read(w, 0, at, &plain))
            continue;
        uint64_t base = field_key(before, plain.previous_bytes / granule);
        uint64_t most = (end - at) / granule, raw = plain.size_bytes / granule;
        for (uint64_t n = 1; n < most && n >> units->bit_length == 0; n++) {
            uint64_t candidate = base | field_key(units, raw ^ n);
            if (chain(w, candidate, &s->at[i], &whole) < 3 || links(w, candidate, s) <= s->n)
                continue;
            uint64_t in_use = candidate | field_key(allocated, plain.allocated_as ^ 1);
            uint64_t free = candidate | field_key(allocated, plain.allocated_as);
            bool is_in_use = !contradictions(w, in_use, s), is_free = !contradictions(w, free, s);
            *key = is_in_use ? in_use : free;
            return is_in_use != is_free;
        }
    }
    return false;
}

static void find_heap_key(struct seep_heap_walker *w, struct seep_segment_heap *heap,
                          struct samples *s)
{
    uint64_t best = 0, key;
    size_t best_links = 0;
    collect(w, heap, SEEP_RANGE_VS, s);
    if (!s->n)
        return;
    for (size_t i = 0; i <= heap->n_segments && i <= MAX_SAMPLES; i++) {
        if (i == 0)
            key = w->process->heap_key;
        else if (!signature_key(w, heap, &heap->segments[i - 1], &key))
            continue;
        if (!key || (best_links && key == best))
            continue;
        size_t n = links(w, key, s);
        if (n > best_links) {
            best = key;
            best_links = n;
        }
    }
    if (best_links < ENOUGH_LINKS && chunk_key(w, s, &key)) {
        best = key;
        best_links = ENOUGH_LINKS;
    }
    heap->heap_key = best;
    heap->has_heap_key = best_links >= ENOUGH_LINKS;
}

// --- the LFH key

// Whether a subsegment can be so under a key; counts the blocks whose last bytes bear it out.
static bool lfh_fits(struct seep_heap_walker *w, uint32_t key, const struct seep_page_range *range,
                     size_t *borne_out)
{
    uint64_t first, block, count;
    uint8_t scratch[2];
    if (!seep_lfh_read(w, key, range->address, range->size_bytes, &first, &block, &count))
        return false;
    uint64_t bitmap = seep_heap_at(&w->layout, range->address, SEEP_HM_LFH_BITMAP);
    for (uint64_t i = 0; i < count && i < MAX_BLOCKS; i++) {
        const uint8_t *p = seep_heap_bytes(w, bitmap + i / 4, 1, scratch);
        if (!p || (*p >> (2 * (i % 4)) & 3) != SEEP_LFH_BUSY_UNUSED)
            continue;
        p = seep_heap_bytes(w, range->address + first + (i + 1) * block - 2, 2, scratch);
        unsigned word = p ? seep_le16(p) : 0;
        if (!(word & SEEP_UNUSED_ONE) &&
            (!(word & SEEP_UNUSED_MASK_LFH) || (word & SEEP_UNUSED_MASK_LFH) >= block))
            return false;
        ++*borne_out;
    }
    return true;
}

static size_t fitting(struct seep_heap_walker *w, uint32_t key, const struct samples *s,
                      size_t *borne_out)
{
    size_t n = 0;
    *borne_out = 0;
    for (size_t i = 0; i < s->n; i++)
        n += lfh_fits(w, key, &s->at[i], borne_out);
    return n;
}

// The keys under which the first sample is possible, those with the least first offset first.
static size_t lfh_candidates(struct seep_heap_walker *w, const struct seep_page_range *range,
                             uint32_t *keys)
{
    uint64_t count, encoded, granule = w->layout.granule;
    size_t n = 0;
    if (!seep_heap_read(&w->layout, w->memory, range->address, SEEP_HM_LFH_BLOCK_COUNT, &count) ||
        !seep_heap_read(&w->layout, w->memory, range->address, SEEP_HM_LFH_OFFSETS, &encoded) ||
        !count)
        return 0;
    uint64_t bitmap = w->layout.fields[SEEP_HM_LFH_BITMAP].offset + (count + 3) / 4;
    uint64_t first = (bitmap + granule - 1) / granule * granule;
    for (int i = 0; i < MAX_FIRST && first < range->size_bytes && first <= UINT16_MAX; i++) {
        uint64_t largest = (range->size_bytes - first) / count / granule * granule;
        // Blocks may be left out where they would cross pages: the size may be less by some.
        for (uint64_t block = largest;
             block && block * 2 > largest && block <= UINT16_MAX && n < MAX_CANDIDATES;
             block -= granule)
            keys[n++] = (uint32_t)encoded ^ (uint32_t)(range->address >> 12) ^
                        (uint32_t)(block | first << 16);
        first += granule;
    }
    return n;
}

static void find_lfh_key(struct seep_heap_walker *w, struct seep_segment_heap *heap,
                         struct samples *s)
{
    uint64_t own = 0;
    size_t borne_out;
    collect(w, heap, SEEP_RANGE_LFH, s);
    // Subsegments that lie in chunks are not among the samples: a key is then only believed.
    (void)seep_heap_read(&w->layout, w->memory, heap->address, SEEP_HM_SH_LFH_KEY, &own);
    uint32_t known[2] = { (uint32_t)w->process->lfh_key, (uint32_t)own };
    for (int i = 0; i < 2; i++) {
        if (known[i] && (!s->n || fitting(w, known[i], s, &borne_out) * 2 > s->n)) {
            heap->lfh_key = known[i];
            heap->has_lfh_key = true;
            return;
        }
    }
    if (!s->n)
        return;
    uint32_t *keys = seep_alloc(MAX_CANDIDATES, sizeof *keys);
    if (!keys) {
        w->no_memory = w->stopped = true;
        return;
    }
    size_t n = lfh_candidates(w, &s->at[0], keys), fits = 0;
    for (size_t i = 0; i < n; i++) {
        if (fitting(w, keys[i], s, &borne_out) != s->n ||
            (s->n < ENOUGH_SUBSEGMENTS && borne_out < ENOUGH_BLOCKS))
            continue;
        fits += fits == 0 || keys[i] != heap->lfh_key;
        if (fits == 1)
            heap->lfh_key = keys[i];
    }
    seep_free(keys);
    heap->has_lfh_key = fits == 1;
}

void seep_segment_heap_keys(struct seep_heap_walker *w, struct seep_segment_heap *heap)
{
    struct samples *s = seep_alloc(1, sizeof *s);
    if (!s) {
        w->no_memory = w->stopped = true;
        return;
    }
    find_heap_key(w, heap, s);
    if (!w->stopped)
        find_lfh_key(w, heap, s);
    seep_free(s);
}
