// SPDX-License-Identifier: MIT
// Walks over heaps: which kind, and what both kinds need.
#include "heap/walk.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// _HEAP_SEGMENT.SegmentSignature and _HEAP.Signature; _SEGMENT_HEAP.Signature.
#define NT_SEGMENT_SIGNATURE 0xffeeffeeu
#define NT_SIGNATURE 0xeeffeeffu
#define SEGMENT_HEAP_SIGNATURE 0xddeeddeeu

// blocks between two looks at the control
enum { STEPS = 4096 };

const uint8_t *seep_heap_bytes(struct seep_heap_walker *w, uint64_t address, size_t len,
                               uint8_t *scratch)
{
    uint64_t offset = address - w->window_at;
    if (address >= w->window_at && offset < w->window.len && len <= w->window.len - offset)
        return w->window.data + offset;
    struct seep_bytes span = w->memory->span(w->memory, address);
    if (len <= span.len) {
        w->window_at = address;
        w->window = span;
        return span.data;
    }
    return scratch && span.len && seep_memory_read(w->memory, address, scratch, len) == len
               ? scratch
               : NULL;
}

bool seep_heap_pointer(struct seep_heap_walker *w, uint64_t address, uint64_t *value)
{
    uint8_t scratch[8];
    const uint8_t *p = seep_heap_bytes(w, address, w->layout.pointer_bytes, scratch);
    if (!p)
        return false;
    *value = w->layout.pointer_bytes == 8 ? seep_le64(p) : seep_le32(p);
    return true;
}

void seep_heap_lose(struct seep_heap_walker *w, const char *what, uint64_t address,
                    const char *format, ...)
{
    char text[256];
    va_list args;
    if (!w->visitor || !w->visitor->loss || w->stopped)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!w->visitor->loss(w->visitor->ctx, what, address, text))
        w->stopped = true;
}

void seep_heap_list(struct seep_heap_walker *w)
{
    w->kept_link = 0;
    w->keep_for = 1;
    w->kept_for = 0;
}

bool seep_heap_link(struct seep_heap_walker *w, enum seep_heap_links kind, uint64_t address)
{
    // Each link lies in memory of its own, forward and backward pointer: a list that is longer than
    // the memory has room for is a circle.
    uint64_t room = w->process->held_bytes / (2 * (uint64_t)w->layout.pointer_bytes);
    uint32_t most = SEEP_HEAP_MAX_LINKS;
    if (w->process->held_bytes && room < most)
        most = (uint32_t)room;
    if (w->links[kind] >= most || address == w->kept_link) {
        seep_heap_lose(w, "heap-links", address,
                       "a list of the heap at 0x%" PRIx64 " does not end: it is cut off",
                       w->heap->address);
        return false;
    }
    w->links[kind]++;
    if (++w->kept_for == w->keep_for) {
        w->kept_link = address;
        w->keep_for *= 2;
        w->kept_for = 0;
    }
    return true;
}

void seep_heap_give_range(struct seep_heap_walker *w, uint64_t address, uint64_t size_bytes)
{
    if (w->visitor && w->visitor->range && !w->stopped &&
        !w->visitor->range(w->visitor->ctx, w->heap, address, size_bytes))
        w->stopped = true;
}

void seep_heap_give_block(struct seep_heap_walker *w, const struct seep_heap_block *block)
{
    if (++w->steps >= STEPS) {
        w->steps = 0;
        if (seep_cancelled(w->control))
            w->stopped = true;
    }
    if (w->visitor && w->visitor->block && !w->stopped &&
        !w->visitor->block(w->visitor->ctx, w->heap, block))
        w->stopped = true;
}

static int by_address(const void *a, const void *b)
{
    const struct seep_heap_extent *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->header < y->header ? -1 : x->header > y->header;
}

void seep_heap_sort_extents(struct seep_heap_walker *w, struct seep_heap_extent *extents,
                            size_t *n_extents)
{
    size_t kept = 0;
    if (*n_extents)
        qsort(extents, *n_extents, sizeof *extents, by_address);
    for (size_t i = 0; i < *n_extents; i++) {
        const struct seep_heap_extent *before = kept ? &extents[kept - 1] : NULL;
        if (before && extents[i].address - before->address < before->size_bytes) {
            seep_heap_lose(w, "heap-overlap", extents[i].address,
                           "a part of the heap at 0x%" PRIx64 " lies in another one of its parts",
                           w->heap->address);
            continue;
        }
        extents[kept++] = extents[i];
    }
    *n_extents = kept;
}

void seep_heap_add(uint64_t *total, uint64_t amount)
{
    if (*total == SEEP_UNKNOWN_BYTES)
        *total = 0;
    *total = amount < SEEP_UNKNOWN_BYTES - 1 - *total ? *total + amount : SEEP_UNKNOWN_BYTES - 1;
}

// The signatures lie at the same places in all builds that are known.
static bool kind_at(const struct seep_memory *memory, unsigned bits, uint64_t address,
                    enum seep_heap_kind *kind)
{
    uint32_t signature;
    if ((bits != 32 && bits != 64) ||
        !seep_memory_u32(memory, address + (bits == 64 ? 0x10 : 0x08), &signature))
        return false;
    if (signature != NT_SEGMENT_SIGNATURE && signature != SEGMENT_HEAP_SIGNATURE)
        return false;
    *kind = signature == NT_SEGMENT_SIGNATURE ? SEEP_HEAP_NT : SEEP_HEAP_SEGMENT;
    return true;
}

bool seep_heap_kind_at(const struct seep_heap_process *process, uint64_t address,
                       enum seep_heap_kind *kind)
{
    return kind_at(process->memory, process->bits, address, kind);
}

bool seep_heap_keys(const struct seep_heap_process *process, uint64_t globals, uint64_t *heap_key,
                    uint64_t *lfh_key)
{
    struct seep_heap_layout layout;
    uint64_t a, b;
    seep_heap_layout_fill(process->types, process->bits, process->build, &layout);
    if (!seep_heap_read(&layout, process->memory, globals, SEEP_HM_GLOBALS_HEAP_KEY, &a) ||
        !seep_heap_read(&layout, process->memory, globals, SEEP_HM_GLOBALS_LFH_KEY, &b))
        return false;
    *heap_key = a;
    *lfh_key = b;
    return true;
}

// Whether the layout's _HEAP has its signature where it says.
static bool nt_layout_fits(const struct seep_heap_layout *layout, const struct seep_memory *memory,
                           uint64_t address)
{
    uint64_t signature;
    return seep_heap_read(layout, memory, address, SEEP_HM_HEAP_SIGNATURE, &signature) &&
           signature == NT_SIGNATURE;
}

// An ntdll whose build is unknown, or one that moved _HEAP in an update: the row that fits.
static void fit_nt_layout(struct seep_heap_walker *w, uint64_t address)
{
    struct seep_heap_layout layout;
    if (nt_layout_fits(&w->layout, w->memory, address))
        return;
    for (unsigned i = 0; seep_heap_layout_builtin(w->process->bits, i, &layout); i++) {
        if (nt_layout_fits(&layout, w->memory, address)) {
            w->layout = layout;
            return;
        }
    }
}

// Whether what starts like an NT heap is none: Wine's begins with the same structure, and has no
// signature where every Windows has it.
static bool foreign(const struct seep_heap_walker *w, uint64_t address)
{
    uint64_t signature;
    return seep_heap_read(&w->layout, w->memory, address, SEEP_HM_HEAP_SIGNATURE, &signature) &&
           signature != NT_SIGNATURE;
}

static bool walk(struct seep_heap_walker *w, uint64_t address, struct seep_heap *heap,
                 struct seep_err *err)
{
    const struct seep_heap_process *process = w->process;
    enum seep_heap_kind kind;
    struct seep_heap result = {
        .address = address,
        .bits = (uint8_t)process->bits,
        .busy_blocks = SEEP_UNKNOWN_BYTES,
        .busy_bytes = SEEP_UNKNOWN_BYTES,
        .free_blocks = SEEP_UNKNOWN_BYTES,
        .free_bytes = SEEP_UNKNOWN_BYTES,
        .committed_bytes = SEEP_UNKNOWN_BYTES,
        .reserved_bytes = SEEP_UNKNOWN_BYTES,
    };
    if (!seep_heap_kind_at(process, address, &kind))
        return seep_fail(err, SEEP_NO_OFFSET, "a dump with full memory has its heaps",
                         "there is no heap at 0x%" PRIx64, address);
    result.kind = kind;
    w->memory = process->memory;
    w->heap = &result;
    seep_heap_layout_fill(process->types, process->bits, process->build, &w->layout);
    bool ok;
    if (kind == SEEP_HEAP_NT) {
        fit_nt_layout(w, address);
        if (foreign(w, address))
            return seep_fail(err, SEEP_NO_OFFSET, "no seep reads it",
                             "the heap at 0x%" PRIx64 " is not Windows' own", address);
        ok = seep_nt_heap_walk(w, address, err);
    } else {
        ok = seep_segment_heap_walk(w, address, err);
    }
    if (!ok)
        return false;
    if (w->no_memory)
        return seep_fail_memory(err);
    if (w->walked) {
        seep_heap_add(&result.busy_blocks, 0);
        seep_heap_add(&result.busy_bytes, 0);
        seep_heap_add(&result.free_blocks, 0);
        seep_heap_add(&result.free_bytes, 0);
    }
    result.process = heap->process;
    *heap = result;
    return true;
}

bool seep_heap_ranges(const struct seep_heap_process *process, uint64_t address,
                      const struct seep_heap_visitor *visitor, struct seep_heap *heap,
                      struct seep_err *err)
{
    struct seep_heap_walker w = { .process = process, .visitor = visitor, .ranges_only = true };
    return walk(&w, address, heap, err);
}

bool seep_heap_walk(const struct seep_heap_process *process, uint64_t address,
                    const struct seep_heap_visitor *visitor, const struct seep_control *control,
                    struct seep_heap *heap, struct seep_err *err)
{
    struct seep_heap_walker w = { .process = process, .visitor = visitor, .control = control };
    return walk(&w, address, heap, err);
}

size_t seep_heap_trace(const struct seep_heap_process *process, uint64_t trace,
                       uint64_t frames[SEEP_HEAP_MAX_FRAMES])
{
    struct seep_heap_layout layout;
    uint64_t depth = 0, other = 0;
    seep_heap_layout_fill(process->types, process->bits, process->build, &layout);
    // With +ust the depth stands where the types say Index, with page heap at Depth: HeapStat
    // (yoichi/HeapStat) and dlg_help_utils read it so. A depth is 1 to 32.
    if (!trace || !seep_heap_read(&layout, process->memory, trace, SEEP_HM_TRACE_INDEX, &depth) ||
        !seep_heap_read(&layout, process->memory, trace, SEEP_HM_TRACE_DEPTH, &other))
        return 0;
    if (other >= 1 && other <= SEEP_HEAP_MAX_FRAMES && (depth < 1 || depth > SEEP_HEAP_MAX_FRAMES))
        depth = other;
    if (depth < 1 || depth > SEEP_HEAP_MAX_FRAMES)
        return 0;
    size_t n = 0;
    uint64_t at = seep_heap_at(&layout, trace, SEEP_HM_TRACE_FRAMES);
    while (n < depth &&
           seep_memory_pointer(process->memory, at + n * layout.pointer_bytes, layout.pointer_bytes,
                               &frames[n]) &&
           frames[n])
        n++;
    return n;
}
