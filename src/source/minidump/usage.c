// SPDX-License-Identifier: MIT
// What the regions are for, as WinDbg's !address finds it: from the TEBs, the PEBs and the lists of
// the heaps. Only what is asked for is read: a page of each.
#include "base/alloc.h"
#include "nt/process.h"
#include "source/minidump/threads.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct space {
    struct dump_reader *r;
    const struct seep_nt_process_layout *layout;
    unsigned bytes; // of a pointer
};

static struct space space_of(struct dump_reader *r, unsigned pointer_bytes)
{
    return (struct space){ r, seep_nt_process_layout(pointer_bytes), pointer_bytes };
}

static bool pointer(const struct space *s, uint64_t address, uint64_t *value)
{
    return seep_memory_pointer(&s->r->memory.memory, address, s->bytes, value);
}

static enum seep_region_usage wide(const struct space *s, enum seep_region_usage usage32)
{
    // each usage of 32 bits is followed by the one of 64
    return s->bytes == 8 ? (enum seep_region_usage)(usage32 + 1) : usage32;
}

// --- threads ---

// Whether a TEB of these offsets is at `teb`: it points to itself.
static bool is_teb(const struct space *s, uint64_t teb)
{
    uint64_t self;
    return pointer(s, teb + s->layout->teb.self, &self) && self == teb;
}

static void claim_teb(const struct space *s, uint64_t teb, const char *detail)
{
    struct dump_claim claim = { wide(s, SEEP_USAGE_TEB32), DUMP_RANK_BLOCK, detail };
    uint64_t bytes = s->layout->teb.bytes;
    dump_regions_claim_range(&s->r->regions, teb, teb > UINT64_MAX - bytes ? teb : teb + bytes,
                             &claim);
}

static void claim_stack(const struct space *s, uint64_t address, const char *detail)
{
    struct dump_claim claim = { wide(s, SEEP_USAGE_STACK32), DUMP_RANK_STACK, detail };
    (void)dump_regions_claim(&s->r->regions, address, &claim);
}

// Claims what a TEB tells of; gives its PEB.
static void read_teb(const struct space *s, uint64_t teb, const char *detail, uint64_t *peb)
{
    const struct dump_claim claim = { wide(s, SEEP_USAGE_STACK32), DUMP_RANK_STACK, detail };
    uint64_t bottom = 0, limit = 0, base = 0, value;
    claim_teb(s, teb, detail);
    (void)pointer(s, teb + s->layout->teb.deallocation_stack, &bottom);
    (void)pointer(s, teb + s->layout->teb.stack_limit, &limit);
    (void)pointer(s, teb + s->layout->teb.stack_base, &base);
    if (s->r->regions.derived) {
        (void)dump_regions_claim_part(&s->r->regions, bottom ? bottom : limit, base, &claim);
    } else {
        if (bottom)
            claim_stack(s, bottom, detail);
        if (limit)
            claim_stack(s, limit, detail);
        if (base)
            claim_stack(s, base - 1, detail);
    }
    if (!*peb && pointer(s, teb + s->layout->teb.peb, &value))
        *peb = value;
}

static void read_thread(struct dump_reader *r, struct dump_thread *thread)
{
    const char *detail = thread->detail;
    const struct seep_minidump_thread *record = &thread->record;
    struct space native = space_of(r, r->pointer_bytes), narrow = space_of(r, 4);
    uint64_t *peb = r->pointer_bytes == 8 ? &r->peb64 : &r->peb32, teb32;
    if (record->teb && is_teb(&native, record->teb)) {
        read_teb(&native, record->teb, detail, peb);
        if (r->pointer_bytes == 8 && r->wow64 &&
            pointer(&native, record->teb + SEEP_NT_TEB_EXCEPTION_LIST, &teb32) &&
            teb32 <= UINT32_MAX && is_teb(&narrow, teb32)) {
            thread->teb32 = teb32;
            read_teb(&narrow, teb32, detail, &r->peb32);
        }
    } else if (record->teb) {
        r->doubts.tebs_unread++;
        claim_teb(&native, record->teb, detail);
    }
    // In a WoW64 process this can be the stack of either kind; the TEBs have said which.
    if (record->stack)
        claim_stack(&native, record->stack, detail);
}

// --- heaps ---

// What the walk over a heap's lists tells. Each range lies on a page of its own: now and then pages
// are given back, so that long lists need no more memory than short ones.
struct heap_lists {
    struct dump_reader *r;
    const struct dump_claim *claim;
    bool missing, bad;
};

static bool step(struct dump_reader *r)
{
    enum { RELEASE_STEP = 2048 };
    if (r->list_steps == 0 || seep_cancelled(r->control))
        return false;
    if (--r->list_steps % RELEASE_STEP == 0)
        seep_input_release(r->input);
    return r->list_steps > 0;
}

static bool on_range(void *ctx, const struct seep_heap *heap, uint64_t address, uint64_t size_bytes)
{
    struct heap_lists *lists = ctx;
    (void)heap;
    (void)dump_regions_claim_part(
        &lists->r->regions, address,
        size_bytes > UINT64_MAX - address ? UINT64_MAX : address + size_bytes, lists->claim);
    bool more = step(lists->r);
    lists->bad |= !more;
    return more;
}

static bool on_loss(void *ctx, const char *what, uint64_t address, const char *text)
{
    struct heap_lists *lists = ctx;
    (void)address;
    (void)text;
    if (strcmp(what, "heap-memory-missing") == 0)
        lists->missing = true;
    else
        lists->bad = true;
    // A list that does not end has cost enough: the other heaps are known by their address.
    if (strcmp(what, "heap-links") == 0)
        lists->r->list_steps = 0;
    return step(lists->r);
}

struct seep_heap_process dump_heap_process(const struct dump_reader *r, unsigned pointer_bytes)
{
    return (struct seep_heap_process){ .memory = &r->memory.memory,
                                       .held_bytes = r->memory.held_bytes,
                                       .bits = 8 * pointer_bytes,
                                       .build = r->has_system ? r->system.build : 0 };
}

static void read_lists(const struct space *s, struct dump_heap *heap,
                       const struct dump_claim *claim)
{
    struct dump_reader *r = s->r;
    struct seep_heap_process process = dump_heap_process(r, s->bytes);
    struct heap_lists lists = { .r = r, .claim = claim };
    struct seep_heap_visitor visitor = { .range = on_range, .loss = on_loss, .ctx = &lists };
    enum seep_heap_kind kind;
    uint8_t head[0x200];
    heap->known = r->list_steps &&
                  seep_heap_ranges(&process, heap->facts.address, &visitor, &heap->facts, NULL);
    if (heap->known)
        heap->facts.process = r->process;
    if (lists.bad && !r->doubts.heaps_bad++)
        r->doubts.first_bad_heap = heap->facts.address;
    if (heap->known && !lists.missing)
        return;
    if (r->list_steps && !lists.missing &&
        (seep_memory_read(process.memory, heap->facts.address, head, sizeof head) == sizeof head ||
         seep_heap_kind_at(&process, heap->facts.address, &kind)))
        r->doubts.heaps_foreign++;
    else
        r->doubts.heaps_unread++;
}

static void read_heap(const struct space *s, uint64_t address)
{
    struct dump_reader *r = s->r;
    char text[40];
    int len = snprintf(text, sizeof text, "heap 0x%" PRIx64, address);
    const char *detail = seep_arena_strndup(&r->arena, text, (size_t)len);
    if (!detail || !seep_grow(&r->heaps, &r->heaps_capacity, r->n_heaps + 1, sizeof *r->heaps)) {
        (void)dump_stop(r);
        return;
    }
    struct dump_heap *heap = &r->heaps[r->n_heaps++];
    *heap = (struct dump_heap){ .facts = { .address = address, .bits = (uint8_t)(8 * s->bytes) } };
    struct dump_claim claim = { wide(s, SEEP_USAGE_HEAP32), DUMP_RANK_HEAP, detail };
    (void)dump_regions_claim(&r->regions, address, &claim);
    read_lists(s, heap, &claim);
}

static bool known_heap(const struct dump_reader *r, size_t from, uint64_t heap)
{
    for (size_t i = from; i < r->n_heaps; i++) {
        if (r->heaps[i].facts.address == heap)
            return true;
    }
    return false;
}

// The heaps of one PEB. Their number is that of a process's heaps, in the tens. False where the
// dump does not hold the PEB.
static bool read_heaps(const struct space *s, uint64_t peb)
{
    enum { HEAPS = 4096 };
    struct dump_reader *r = s->r;
    uint64_t list, heap;
    uint32_t n = 0;
    size_t from = r->n_heaps;
    if (!pointer(s, peb + s->layout->peb.heap, &heap))
        return false;
    if (heap)
        read_heap(s, heap);
    if (!seep_memory_u32(&r->memory.memory, peb + s->layout->peb.n_heaps, &n) ||
        !pointer(s, peb + s->layout->peb.heaps, &list))
        return true;
    for (uint32_t i = 0; i < n && !r->stopped; i++) {
        if (r->n_heaps - from >= HEAPS || !pointer(s, list + (uint64_t)i * s->bytes, &heap)) {
            r->doubts.heaps_unread++;
            break;
        }
        if (heap && !known_heap(r, from, heap))
            read_heap(s, heap);
    }
    return true;
}

// --- the rest ---

// Sets `*at` to 0 where the dump does not hold it.
static void read_peb(const struct space *s, uint64_t *at)
{
    enum { PEB_BYTES = 0x1000 };
    struct dump_claim claim = { wide(s, SEEP_USAGE_PEB32), DUMP_RANK_BLOCK, NULL };
    uint64_t address, peb = *at;
    dump_regions_claim_range(&s->r->regions, peb,
                             peb > UINT64_MAX - PEB_BYTES ? peb : peb + PEB_BYTES, &claim);
    if (!read_heaps(s, peb))
        *at = 0;
    for (size_t i = 0; i < seep_nt_n_peb_pointers; i++) {
        const struct seep_nt_peb_pointer *p = &seep_nt_peb_pointers[i];
        claim = (struct dump_claim){ SEEP_USAGE_OTHER, DUMP_RANK_OTHER, p->what };
        if (pointer(s, peb + (s->bytes == 8 ? p->offset64 : p->offset32), &address) && address)
            (void)dump_regions_claim(&s->r->regions, address, &claim);
    }
}

void dump_usage(struct dump_reader *r)
{
    enum { LIST_STEPS = 4 << 20 }; // above what any process has of segments and large blocks
    struct space narrow = space_of(r, 4), full = space_of(r, 8);
    struct dump_claim shared = { SEEP_USAGE_OTHER, DUMP_RANK_OTHER, "user shared data" };
    r->list_steps = LIST_STEPS;
    dump_threads_load(r);
    for (size_t i = 0; i < r->n_threads && !r->stopped; i++)
        read_thread(r, &r->threads[i]);
    if (r->peb64 && !r->stopped)
        read_peb(&full, &r->peb64);
    if (r->peb32 && !r->stopped)
        read_peb(&narrow, &r->peb32);
    (void)dump_regions_claim(&r->regions, SEEP_NT_USER_SHARED_DATA, &shared);
    if (!r->stopped && !dump_regions_settle(&r->regions, &r->dump, r->images, r->n_images))
        (void)dump_stop(r);
}
