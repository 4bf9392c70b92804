// SPDX-License-Identifier: MIT
// The facts about the heaps of a dump.
#include "source/minidump/heaps.h"

#include "base/alloc.h"
#include "heap/census.h"
#include "source/minidump/names.h"
#include "source/minidump/threads.h"
#include "symbols/readable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_NO_ACCESS = 0x01,
    PAGE_WRITABLE = 0x04 | 0x08 | 0x40 | 0x80,
    PAGE_GUARD = 0x100,
    SINGLE_LOSSES = 64, // of heaps, that are said one by one
};
// Bytes of heaps that are walked for their totals alone: well below a second.
#define WALK_BYTES ((uint64_t)64 << 20)

struct heaps {
    struct dump_reader *r;
    struct seep_heap_process process[2]; // of 32 and of 64 bits
    uint64_t losses;
};

static bool on_heap(void *ctx, const struct seep_heap *heap)
{
    struct heaps *h = ctx;
    struct seep_heap fact = *heap;
    fact.process = h->r->process;
    return seep_sink_heap(h->r->sink, &fact) || dump_stop(h->r);
}

static bool on_blocks(void *ctx, const struct seep_blocks *blocks)
{
    struct heaps *h = ctx;
    struct seep_blocks fact = *blocks;
    fact.process = h->r->process;
    return seep_sink_blocks(h->r->sink, &fact) || dump_stop(h->r);
}

// What of a heap's memory is not in the dump its writer left out.
static bool on_loss(void *ctx, const char *what, uint64_t address, const char *text)
{
    struct heaps *h = ctx;
    char line[SEEP_MAX_MESSAGE / 2];
    if (h->losses++ >= SINGLE_LOSSES)
        return true;
    if (address == SEEP_NO_OFFSET)
        (void)snprintf(line, sizeof line, "%.400s", text);
    else
        (void)snprintf(line, sizeof line, "%.400s (at address 0x%" PRIx64 ")", text, address);
    struct seep_loss loss = {
        .what = what,
        .count = 1,
        .bytes = SEEP_UNKNOWN_COUNT,
        .offset = SEEP_NO_OFFSET,
        .text = line,
        .harmless = strcmp(what, "heap-memory-missing") == 0,
    };
    return seep_sink_loss(h->r->sink, &loss) || dump_stop(h->r);
}

// --- symbols

// The ntdll of 32-bit or of 64-bit code; a WoW64 process has both.
static const struct seep_usage_image *find_ntdll(const struct dump_reader *r, unsigned bits)
{
    const struct seep_usage_image *found = NULL;
    for (size_t i = 0; i < r->n_images; i++) {
        const char *path = r->images[i].path;
        if (!path || !dump_ends_with(path, "ntdll.dll"))
            continue;
        bool narrow = dump_ends_with(path, "\\syswow64\\ntdll.dll") || r->usage.pointer_bytes == 4;
        if (narrow == (bits == 32))
            found = &r->images[i];
    }
    return found;
}

static void find_types(struct heaps *h, unsigned bits, struct seep_heap_process *process)
{
    *process = seep_usage_heap_process(&h->r->usage, bits / 8);
    const struct seep_usage_image *ntdll = find_ntdll(h->r, bits);
    struct seep_symbols *symbols = h->r->input->symbols;
    struct seep_image_identity identity;
    struct seep_buf pdb = { 0 };
    uint32_t rva;
    if (!ntdll || !symbols)
        return;
    if (dump_identity(h->r, ntdll, &identity, &pdb))
        process->types = seep_symbols_types(symbols, &identity, NULL);
    seep_buf_clear(&pdb);
    const struct seep_symbol_file *file = dump_symbols(h->r, ntdll);
    if (file && file->table && seep_symbol_table_find(file->table, "RtlpHpHeapGlobals", &rva))
        (void)seep_heap_keys(process, ntdll->base + rva, &process->heap_key, &process->lfh_key);
}

static bool symbol_at(void *ctx, uint64_t address, const char **name, uint64_t *offset)
{
    struct heaps *h = ctx;
    struct seep_symbol symbol;
    bool found;
    (void)dump_symbol_at(h->r, address, &symbol, &found);
    if (!found)
        return false;
    *name = symbol.function;
    *offset = symbol.offset;
    return true;
}

static void add_frame(void *ctx, uint64_t address, struct seep_buf *out)
{
    struct heaps *h = ctx;
    struct seep_symbol symbol;
    bool found;
    const struct seep_usage_image *image = dump_symbol_at(h->r, address, &symbol, &found);
    if (!image || !image->path) {
        seep_buf_addf(out, "0x%" PRIx64, address);
        return;
    }
    seep_buf_adds(out, dump_file_name(image->path));
    if (found) {
        seep_buf_addc(out, '!');
        (void)seep_symbol_readable(symbol.function, out);
        seep_buf_addf(out, "+0x%" PRIx32, symbol.offset);
    } else {
        seep_buf_addf(out, "+0x%" PRIx64, address - image->base);
    }
}

// --- roots

struct roots {
    struct seep_census_root *at;
    size_t n, capacity;
    uint64_t *registers;
    size_t n_registers, registers_capacity;
    uint64_t *stack_pointers; // ascending
    size_t n_stack_pointers, pointers_capacity;
    uint64_t n_missing; // regions that the dump does not hold whole
};

static void roots_clear(struct roots *roots)
{
    seep_free(roots->at);
    seep_free(roots->registers);
    seep_free(roots->stack_pointers);
}

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static bool add_context(struct roots *roots, const struct seep_minidump_registers *own)
{
    if (!seep_grow(&roots->registers, &roots->registers_capacity, roots->n_registers + own->n,
                   sizeof *roots->registers) ||
        !seep_grow(&roots->stack_pointers, &roots->pointers_capacity, roots->n_stack_pointers + 1,
                   sizeof *roots->stack_pointers))
        return false;
    memcpy(roots->registers + roots->n_registers, own->values, own->n * sizeof *own->values);
    roots->n_registers += own->n;
    if (own->stack_pointer)
        roots->stack_pointers[roots->n_stack_pointers++] = own->stack_pointer;
    return true;
}

// A WoW64 thread has two stacks and the registers of both.
static bool add_registers(struct dump_reader *r, struct roots *roots)
{
    struct seep_minidump_registers own;
    for (size_t i = 0; i < r->n_threads; i++) {
        const struct dump_thread *thread = &r->threads[i];
        if ((dump_thread_registers(r, thread, &own) && !add_context(roots, &own)) ||
            (dump_thread_registers32(r, thread, &own) && !add_context(roots, &own)))
            return false;
    }
    if (roots->n_stack_pointers)
        qsort(roots->stack_pointers, roots->n_stack_pointers, sizeof *roots->stack_pointers,
              by_value);
    return true;
}

// Below the stack pointer a stack holds only what was: the part that is in use begins there.
static uint64_t stack_in_use(const struct roots *roots, const struct seep_usage_region *region)
{
    size_t low = 0, high = roots->n_stack_pointers;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (roots->stack_pointers[middle] < region->base)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == roots->n_stack_pointers ||
        roots->stack_pointers[low] - region->base >= region->size_bytes)
        return region->base;
    return roots->stack_pointers[low] & ~UINT64_C(7);
}

// Whether the dump holds all of a range.
static bool held(const struct dump_reader *r, uint64_t address, uint64_t size_bytes)
{
    const struct seep_memory *memory = &r->memory.memory;
    while (size_bytes) {
        struct seep_bytes piece = memory->span(memory, address);
        if (!piece.len)
            return false;
        if (piece.len >= size_bytes)
            break;
        address += piece.len;
        size_bytes -= piece.len;
    }
    return true;
}

// Everything that can be written and does not belong to a heap: what the census knows of heaps it
// leaves out by itself. Where the protection is unknown, all that is held.
static bool add_regions(struct dump_reader *r, struct roots *roots)
{
    for (size_t i = 0; i < r->usage.regions.n; i++) {
        const struct seep_usage_region *at = &r->usage.regions.at[i];
        if (at->state != SEEP_STATE_COMMIT || (at->protect & (PAGE_NO_ACCESS | PAGE_GUARD)) ||
            (at->protect && !(at->protect & PAGE_WRITABLE)))
            continue;
        uint64_t base = at->base;
        if (at->usage == SEEP_USAGE_STACK32 || at->usage == SEEP_USAGE_STACK64)
            base = stack_in_use(roots, at);
        if (!seep_grow(&roots->at, &roots->capacity, roots->n + 1, sizeof *roots->at))
            return false;
        if (!held(r, base, at->size_bytes - (base - at->base)))
            roots->n_missing++;
        roots->at[roots->n++] = (struct seep_census_root){
            .address = base,
            .size_bytes = at->size_bytes - (base - at->base),
            .pointer_bytes = r->usage.wow64 ? 4 : (uint8_t)r->usage.pointer_bytes,
        };
    }
    return true;
}

// --- what is told

// Whether the writer put all memory into the dump (MiniDumpWithFullMemory).
static bool is_full(const struct dump_reader *r)
{
    enum { WITH_FULL_MEMORY = 2 };
    return r->dump.flags & WITH_FULL_MEMORY && r->memory.n_missing == 0;
}

static bool push_census(struct heaps *h)
{
    struct dump_reader *r = h->r;
    struct roots roots = { 0 };
    struct seep_census_heap *heaps = seep_alloc(r->usage.n_heaps, sizeof *heaps);
    struct seep_census_image *images = seep_alloc(r->n_images + 1, sizeof *images);
    size_t n = 0;
    bool ok = heaps && images && add_registers(r, &roots) && add_regions(r, &roots);
    for (size_t i = 0; ok && i < r->usage.n_heaps; i++) {
        if (r->usage.heaps[i].known)
            heaps[n++] =
                (struct seep_census_heap){ r->usage.heaps[i].facts.address,
                                           &h->process[r->usage.heaps[i].facts.bits == 64] };
    }
    bool whole = roots.n && !roots.n_missing && (!r->list.derived || is_full(r));
    for (size_t i = 0; ok && i < r->n_images; i++)
        images[i] = (struct seep_census_image){ r->images[i].base, r->images[i].size_bytes };
    struct seep_census census = {
        .memory = &r->memory.memory,
        .heaps = heaps,
        .n_heaps = n,
        .roots = roots.at,
        .n_roots = whole ? roots.n : 0,
        .registers = roots.registers,
        .n_registers = whole ? roots.n_registers : 0,
        .images = images,
        .n_images = r->n_images,
        .symbol = r->input->symbols ? symbol_at : NULL,
        .frame = add_frame,
        .ctx = h,
        .peek = r->input->peek,
        .control = r->control,
    };
    struct seep_census_visitor visitor = {
        .heap = on_heap, .blocks = on_blocks, .loss = on_loss, .ctx = h
    };
    if (ok && n && !whole)
        ok = seep_sink_note(r->sink, "unreachable-unknown", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "the dump does not hold all memory that may point into heaps: what "
                            "nothing points to cannot be told");
    if (ok && n)
        ok = seep_heap_census(&census, &visitor, NULL, &r->sink->error);
    roots_clear(&roots);
    seep_free(images);
    seep_free(heaps);
    return ok && !r->stopped;
}

// The totals alone.
static bool push_totals(struct heaps *h)
{
    struct dump_reader *r = h->r;
    struct seep_heap_visitor visitor = { .loss = on_loss, .ctx = h };
    uint64_t unwalked;
    if (!seep_usage_totals(&r->usage, h->process, WALK_BYTES, &visitor, on_heap, &unwalked) ||
        r->stopped)
        return false;
    return !unwalked || seep_sink_note(r->sink, "heaps-not-counted", unwalked, SEEP_UNKNOWN_COUNT,
                                       SEEP_NO_OFFSET,
                                       "the blocks of %" PRIu64
                                       " large heaps were not counted: `seep heap` does",
                                       unwalked);
}

bool dump_push_heaps(struct dump_reader *r)
{
    const struct seep_sink_ops *ops = r->sink->ops;
    struct heaps h = { .r = r };
    if ((!ops->heap && !ops->blocks) || r->usage.n_heaps == 0)
        return true;
    find_types(&h, 32, &h.process[0]);
    find_types(&h, 64, &h.process[1]);
    bool ok = ops->blocks && !r->input->brief ? push_census(&h) : push_totals(&h);
    if (ok && h.losses > SINGLE_LOSSES)
        ok = seep_sink_lose(r->sink, "heap-losses", h.losses - SINGLE_LOSSES, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET, "%" PRIu64 " more places of heaps could not be read",
                            h.losses - SINGLE_LOSSES);
    return ok;
}
