// SPDX-License-Identifier: MIT
// What the regions of a Windows process are for.
#include "heap/usage.h"

#include "base/alloc.h"
#include "nt/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct space {
    struct seep_usage *u;
    const struct seep_nt_process_layout *layout;
    unsigned bytes; // of a pointer
};

static struct space space_of(struct seep_usage *u, unsigned pointer_bytes)
{
    return (struct space){ u, seep_nt_process_layout(pointer_bytes), pointer_bytes };
}

static bool pointer(const struct space *s, uint64_t address, uint64_t *value)
{
    return seep_memory_pointer(s->u->memory, address, s->bytes, value);
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
    struct seep_usage_claim claim = { wide(s, SEEP_USAGE_TEB32), SEEP_RANK_BLOCK, detail };
    uint64_t bytes = s->layout->teb.bytes;
    seep_usage_claim_range(&s->u->regions, teb, teb > UINT64_MAX - bytes ? teb : teb + bytes,
                           &claim);
}

static void claim_stack(const struct space *s, uint64_t address, const char *detail)
{
    struct seep_usage_claim claim = { wide(s, SEEP_USAGE_STACK32), SEEP_RANK_STACK, detail };
    (void)seep_usage_claim(&s->u->regions, address, &claim);
}

// Claims what a TEB tells of; gives its PEB.
static void read_teb(const struct space *s, uint64_t teb, const char *detail, uint64_t *peb)
{
    const struct seep_usage_claim claim = { wide(s, SEEP_USAGE_STACK32), SEEP_RANK_STACK, detail };
    uint64_t bottom = 0, limit = 0, base = 0, value;
    claim_teb(s, teb, detail);
    (void)pointer(s, teb + s->layout->teb.deallocation_stack, &bottom);
    (void)pointer(s, teb + s->layout->teb.stack_limit, &limit);
    (void)pointer(s, teb + s->layout->teb.stack_base, &base);
    if (s->u->regions.derived) {
        (void)seep_usage_claim_part(&s->u->regions, bottom ? bottom : limit, base, &claim);
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

uint64_t seep_usage_thread(struct seep_usage *u, uint64_t teb, uint64_t stack, const char *detail)
{
    uint64_t found32 = 0;
    struct space native = space_of(u, u->pointer_bytes), narrow = space_of(u, 4);
    uint64_t *peb = u->pointer_bytes == 8 ? &u->peb64 : &u->peb32, teb32;
    if (teb && is_teb(&native, teb)) {
        read_teb(&native, teb, detail, peb);
        if (u->pointer_bytes == 8 && u->wow64 &&
            pointer(&native, teb + SEEP_NT_TEB_EXCEPTION_LIST, &teb32) && teb32 <= UINT32_MAX &&
            is_teb(&narrow, teb32)) {
            found32 = teb32;
            read_teb(&narrow, teb32, detail, &u->peb32);
        }
    } else if (teb) {
        u->doubts.tebs_unread++;
        claim_teb(&native, teb, detail);
    }
    // In a WoW64 process this can be the stack of either kind; the TEBs have said which.
    if (stack)
        claim_stack(&native, stack, detail);
    return found32;
}

// --- heaps ---

// What the walk over a heap's lists tells. Each range lies on a page of its own: now and then pages
// are given back, so that long lists need no more memory than short ones.
struct heap_lists {
    struct seep_usage *u;
    const struct seep_usage_claim *claim;
    bool missing, bad;
};

static bool step(struct seep_usage *u)
{
    enum { RELEASE_STEP = 2048 };
    if (u->list_steps == 0 || seep_cancelled(u->control))
        return false;
    if (--u->list_steps % RELEASE_STEP == 0 && u->release)
        u->release(u->ctx);
    return u->list_steps > 0;
}

static bool on_range(void *ctx, const struct seep_heap *heap, uint64_t address, uint64_t size_bytes)
{
    struct heap_lists *lists = ctx;
    (void)heap;
    (void)seep_usage_claim_part(
        &lists->u->regions, address,
        size_bytes > UINT64_MAX - address ? UINT64_MAX : address + size_bytes, lists->claim);
    bool more = step(lists->u);
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
        lists->u->list_steps = 0;
    return step(lists->u);
}

struct seep_heap_process seep_usage_heap_process(const struct seep_usage *u, unsigned pointer_bytes)
{
    return (struct seep_heap_process){ .memory = u->memory,
                                       .held_bytes = u->held_bytes,
                                       .bits = 8 * pointer_bytes,
                                       .build = u->build };
}

static void read_lists(const struct space *s, struct seep_usage_heap *heap,
                       const struct seep_usage_claim *claim)
{
    struct seep_usage *u = s->u;
    struct seep_heap_process process = seep_usage_heap_process(u, s->bytes);
    struct heap_lists lists = { .u = u, .claim = claim };
    struct seep_heap_visitor visitor = { .range = on_range, .loss = on_loss, .ctx = &lists };
    enum seep_heap_kind kind;
    uint8_t head[0x200];
    heap->known = u->list_steps &&
                  seep_heap_ranges(&process, heap->facts.address, &visitor, &heap->facts, NULL);
    if (lists.bad && !u->doubts.heaps_bad++)
        u->doubts.first_bad_heap = heap->facts.address;
    if (heap->known && !lists.missing)
        return;
    if (u->list_steps && !lists.missing &&
        (seep_memory_read(process.memory, heap->facts.address, head, sizeof head) == sizeof head ||
         seep_heap_kind_at(&process, heap->facts.address, &kind)))
        u->doubts.heaps_foreign++;
    else
        u->doubts.heaps_unread++;
}

static void read_heap(const struct space *s, uint64_t address)
{
    struct seep_usage *u = s->u;
    char text[40];
    int len = snprintf(text, sizeof text, "heap 0x%" PRIx64, address);
    const char *detail = seep_arena_strndup(u->arena, text, (size_t)len);
    if (!detail || !seep_grow(&u->heaps, &u->heaps_capacity, u->n_heaps + 1, sizeof *u->heaps)) {
        u->no_memory = true;
        return;
    }
    struct seep_usage_heap *heap = &u->heaps[u->n_heaps++];
    *heap = (struct seep_usage_heap){ .facts = { .address = address,
                                                 .bits = (uint8_t)(8 * s->bytes) } };
    struct seep_usage_claim claim = { wide(s, SEEP_USAGE_HEAP32), SEEP_RANK_HEAP, detail };
    (void)seep_usage_claim(&u->regions, address, &claim);
    read_lists(s, heap, &claim);
}

static bool known_heap(const struct seep_usage *u, size_t from, uint64_t heap)
{
    for (size_t i = from; i < u->n_heaps; i++) {
        if (u->heaps[i].facts.address == heap)
            return true;
    }
    return false;
}

// The heaps of one PEB. Their number is that of a process's heaps, in the tens. False where the
// memory does not hold the PEB.
static bool read_heaps(const struct space *s, uint64_t peb)
{
    enum { HEAPS = 4096 };
    struct seep_usage *u = s->u;
    uint64_t list, heap;
    uint32_t n = 0;
    size_t from = u->n_heaps;
    if (!pointer(s, peb + s->layout->peb.heap, &heap))
        return false;
    if (heap)
        read_heap(s, heap);
    if (!seep_memory_u32(u->memory, peb + s->layout->peb.n_heaps, &n) ||
        !pointer(s, peb + s->layout->peb.heaps, &list))
        return true;
    for (uint32_t i = 0; i < n && !u->no_memory; i++) {
        if (u->n_heaps - from >= HEAPS || !pointer(s, list + (uint64_t)i * s->bytes, &heap)) {
            u->doubts.heaps_unread++;
            break;
        }
        if (heap && !known_heap(u, from, heap))
            read_heap(s, heap);
    }
    return true;
}

// --- the rest ---

// Sets `*at` to 0 where the memory does not hold it.
static void read_peb(const struct space *s, uint64_t *at)
{
    enum { PEB_BYTES = 0x1000 };
    struct seep_usage_claim claim = { wide(s, SEEP_USAGE_PEB32), SEEP_RANK_BLOCK, NULL };
    uint64_t address, peb = *at;
    seep_usage_claim_range(&s->u->regions, peb,
                           peb > UINT64_MAX - PEB_BYTES ? peb : peb + PEB_BYTES, &claim);
    if (!read_heaps(s, peb))
        *at = 0;
    for (size_t i = 0; i < seep_nt_n_peb_pointers; i++) {
        const struct seep_nt_peb_pointer *p = &seep_nt_peb_pointers[i];
        claim = (struct seep_usage_claim){ SEEP_USAGE_OTHER, SEEP_RANK_OTHER, p->what };
        if (pointer(s, peb + (s->bytes == 8 ? p->offset64 : p->offset32), &address) && address)
            (void)seep_usage_claim(&s->u->regions, address, &claim);
    }
}

bool seep_usage_finish(struct seep_usage *u)
{
    enum { LIST_STEPS = 4 << 20 }; // above what any process has of segments and large blocks
    struct space narrow = space_of(u, 4), full = space_of(u, 8);
    struct seep_usage_claim shared = { SEEP_USAGE_OTHER, SEEP_RANK_OTHER, "user shared data" };
    u->list_steps = LIST_STEPS;
    if (u->peb64)
        read_peb(&full, &u->peb64);
    if (u->peb32 && !u->no_memory)
        read_peb(&narrow, &u->peb32);
    (void)seep_usage_claim(&u->regions, SEEP_NT_USER_SHARED_DATA, &shared);
    if (!u->no_memory)
        u->no_memory = !seep_usage_settle(&u->regions, u->images, u->n_images);
    return !u->no_memory;
}

void seep_usage_clear(struct seep_usage *usage)
{
    seep_usage_regions_clear(&usage->regions);
    seep_free(usage->heaps);
    usage->heaps = NULL;
    usage->n_heaps = usage->heaps_capacity = 0;
}

bool seep_usage_totals(struct seep_usage *u, const struct seep_heap_process process[2],
                       uint64_t budget_bytes, const struct seep_heap_visitor *visitor,
                       bool (*heap)(void *ctx, const struct seep_heap *heap), uint64_t *n_unwalked)
{
    *n_unwalked = 0;
    for (size_t i = 0; i < u->n_heaps; i++) {
        struct seep_usage_heap *h = &u->heaps[i];
        uint64_t bytes = h->facts.committed_bytes;
        if (!h->known)
            continue;
        if (bytes <= budget_bytes && seep_heap_walk(&process[h->facts.bits == 64], h->facts.address,
                                                    visitor, u->control, &h->facts, NULL))
            budget_bytes -= bytes;
        else
            ++*n_unwalked;
        if (seep_cancelled(u->control) || !heap(visitor->ctx, &h->facts))
            return false;
    }
    return true;
}
