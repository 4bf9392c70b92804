// SPDX-License-Identifier: MIT
// What the regions are for, as WinDbg's !address finds it: from the TEBs, the PEBs and the lists of
// the heaps. Only what is asked for is read: a page of each.
#include "base/alloc.h"
#include "nt/process.h"
#include "source/minidump/reader.h"

#include <inttypes.h>
#include <stdlib.h>

struct space {
    struct dump_reader *r;
    const struct seep_nt_process_layout *layout;
    const struct seep_heap_layout *heap;
    unsigned bytes; // of a pointer
};

static struct space space_of(struct dump_reader *r, unsigned pointer_bytes)
{
    return (struct space){ r, seep_nt_process_layout(pointer_bytes),
                           &r->layouts[pointer_bytes == 8], pointer_bytes };
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

struct thread_name {
    uint32_t id, rva;
};

static int by_id(const void *left, const void *right)
{
    const struct thread_name *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

// The names of the threads by id; `*n` 0 where the dump has none.
static struct thread_name *thread_names(struct dump_reader *r, size_t *n)
{
    struct seep_minidump_list list;
    *n = 0;
    if (!seep_minidump_list(&r->dump, SEEP_MINIDUMP_THREAD_NAMES, &list) || list.n == 0)
        return NULL;
    struct thread_name *names = seep_alloc((size_t)list.n, sizeof *names);
    if (!names) {
        (void)dump_stop(r);
        return NULL;
    }
    for (uint64_t i = 0; i < list.n; i++) {
        struct seep_bytes entry = seep_minidump_entry(&list, i);
        uint64_t rva = seep_bytes_u64(entry, 4);
        if (rva && rva <= UINT32_MAX)
            names[(*n)++] = (struct thread_name){ seep_bytes_u32(entry, 0), (uint32_t)rva };
    }
    qsort(names, *n, sizeof *names, by_id);
    return names;
}

// "thread 1234 (name)" that lives as long as the run; NULL when memory is out.
static const char *thread_detail(struct dump_reader *r, uint32_t id,
                                 const struct thread_name *names, size_t n_names)
{
    struct thread_name key = { .id = id };
    const struct thread_name *found =
        n_names ? bsearch(&key, names, n_names, sizeof key, by_id) : NULL;
    const char *name = found ? dump_text(r, found->rva) : NULL;
    struct seep_buf text = { 0 };
    seep_buf_addf(&text, "thread %" PRIu32, id);
    if (name && *name) {
        seep_buf_adds(&text, " (");
        seep_buf_adds(&text, name);
        seep_buf_addc(&text, ')');
    }
    const char *kept =
        text.failed ? NULL : seep_arena_strndup(&r->arena, seep_buf_text(&text), text.len);
    seep_buf_clear(&text);
    if (!kept)
        (void)dump_stop(r);
    return kept;
}

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
    uint64_t value;
    claim_teb(s, teb, detail);
    if (pointer(s, teb + s->layout->teb.deallocation_stack, &value) && value)
        claim_stack(s, value, detail);
    if (pointer(s, teb + s->layout->teb.stack_limit, &value) && value)
        claim_stack(s, value, detail);
    if (pointer(s, teb + s->layout->teb.stack_base, &value) && value)
        claim_stack(s, value - 1, detail);
    if (!*peb && pointer(s, teb + s->layout->teb.peb, &value))
        *peb = value;
}

static void read_thread(struct dump_reader *r, const struct seep_minidump_thread *thread,
                        const char *detail)
{
    struct space native = space_of(r, r->pointer_bytes), narrow = space_of(r, 4);
    uint64_t *peb = r->pointer_bytes == 8 ? &r->peb64 : &r->peb32, teb32;
    if (thread->teb && is_teb(&native, thread->teb)) {
        read_teb(&native, thread->teb, detail, peb);
        if (r->pointer_bytes == 8 && r->wow64 &&
            pointer(&native, thread->teb + SEEP_NT_TEB_EXCEPTION_LIST, &teb32) &&
            teb32 <= UINT32_MAX && is_teb(&narrow, teb32))
            read_teb(&narrow, teb32, detail, &r->peb32);
    } else if (thread->teb) {
        r->doubts.tebs_unread++;
        claim_teb(&native, thread->teb, detail);
    }
    // In a WoW64 process this can be the stack of either kind; the TEBs have said which.
    if (thread->stack)
        claim_stack(&native, thread->stack, detail);
}

static void read_threads(struct dump_reader *r)
{
    struct seep_minidump_list list;
    size_t n_names;
    if (!seep_minidump_list(&r->dump, SEEP_MINIDUMP_THREADS, &list))
        return;
    struct thread_name *names = thread_names(r, &n_names);
    for (uint64_t i = 0; i < list.n && !r->stopped; i++) {
        struct seep_minidump_thread thread = seep_minidump_thread(seep_minidump_entry(&list, i));
        const char *detail = thread_detail(r, thread.id, names, n_names);
        if (detail)
            read_thread(r, &thread, detail);
    }
    seep_free(names);
}

// --- heaps ---

// One more entry of a list of the process. Each lies on a page of its own: now and then they are
// given back, so that long lists need no more memory than short ones.
static bool step(const struct space *s)
{
    enum { RELEASE_STEP = 2048 };
    if (s->r->list_steps == 0 || seep_cancelled(s->r->control))
        return false;
    if (--s->r->list_steps % RELEASE_STEP == 0)
        seep_input_release(s->r->input);
    return true;
}

enum walk {
    WALKED,
    UNREAD, // a part is not in the dump
    BROKEN, // it does not hang together
};

// Claims for each entry of the list at `head` the reservation around it. Where `check` is given it
// says whether an entry is what it should be.
static enum walk walk_list(const struct space *s, uint64_t head, const struct dump_claim *claim,
                           bool (*check)(const struct space *, uint64_t heap, uint64_t entry),
                           uint64_t heap)
{
    uint64_t entry, back;
    if (!pointer(s, head, &entry))
        return UNREAD;
    if (entry == 0)
        return BROKEN;
    while (entry != head) {
        if (!step(s))
            return BROKEN;
        if (!pointer(s, entry + s->bytes, &back))
            return UNREAD;
        if (check && !check(s, heap, entry))
            return BROKEN;
        if (!dump_regions_claim(&s->r->regions, entry, claim) || !pointer(s, entry, &entry))
            return BROKEN;
    }
    return WALKED;
}

static bool is_segment(const struct space *s, uint64_t heap, uint64_t entry)
{
    const struct seep_memory *memory = &s->r->memory.memory;
    uint64_t segment = entry - s->heap->fields[SEEP_HM_SEGMENT_LIST_ENTRY].offset;
    uint64_t signature, owner;
    // a heap is its own first segment: their signatures stand at one place
    return seep_heap_read(s->heap, memory, segment, SEEP_HM_HEAP_SEGMENT_SIGNATURE, &signature) &&
           signature == SEEP_NT_HEAP_SEGMENT_SIGNATURE &&
           seep_heap_read(s->heap, memory, segment, SEEP_HM_SEGMENT_HEAP, &owner) && owner == heap;
}

static enum walk worse(enum walk a, enum walk b)
{
    return a > b ? a : b;
}

static enum walk nt_heap(const struct space *s, uint64_t heap, const struct dump_claim *claim)
{
    uint64_t signature;
    if (!seep_heap_read(s->heap, &s->r->memory.memory, heap, SEEP_HM_HEAP_SIGNATURE, &signature))
        return UNREAD;
    if (signature != SEEP_NT_HEAP_SIGNATURE) {
        s->r->doubts.heaps_foreign++;
        return WALKED;
    }
    enum walk segments = walk_list(s, seep_heap_at(s->heap, heap, SEEP_HM_HEAP_SEGMENT_LIST), claim,
                                   is_segment, heap);
    enum walk blocks =
        walk_list(s, seep_heap_at(s->heap, heap, SEEP_HM_HEAP_VIRTUAL_BLOCKS), claim, NULL, heap);
    return worse(segments, blocks);
}

// The large blocks of a segment heap: a tree of their data, which says where they lie. Its pointers
// may be XORed with the address of what holds them (RTL_RB_TREE.Encoded).
static enum walk large_blocks(const struct space *s, uint64_t tree, const struct dump_claim *claim)
{
    enum { DEPTH = 128 }; // of a red-black tree with 2^64 nodes
    uint64_t todo[DEPTH], root, lowest;
    unsigned n = 0;
    if (!pointer(s, tree, &root) || !pointer(s, tree + s->bytes, &lowest))
        return UNREAD;
    bool encoded = lowest & 1;
    if (encoded && root)
        root ^= tree;
    if (root)
        todo[n++] = root;
    while (n) {
        uint64_t node = todo[--n], child[2], address;
        if (!step(s))
            return BROKEN;
        if (!pointer(s, node, &child[0]) || !pointer(s, node + s->bytes, &child[1]) ||
            !pointer(s, seep_heap_at(s->heap, node, SEEP_HM_LARGE_ADDRESS), &address))
            return UNREAD;
        address &= ~UINT64_C(0xffff);
        if (!dump_regions_claim(&s->r->regions, address, claim))
            return BROKEN;
        for (unsigned i = 0; i < 2; i++) {
            if (!child[i])
                continue;
            if (n == DEPTH)
                return BROKEN;
            todo[n++] = encoded ? child[i] ^ node : child[i];
        }
    }
    return WALKED;
}

// The heads of a segment heap's lists of segments by one layout; false where it has none.
static bool segment_heads(const struct seep_heap_layout *layout, uint64_t heap, uint64_t head[2],
                          unsigned *n)
{
    uint16_t context = layout->fields[SEEP_HM_CONTEXT_SEGMENT_LIST].offset;
    if (!seep_heap_layout_has(layout, SEEP_HM_SH_LARGE_TREE, SEEP_HM_SH_LARGE_TREE) ||
        !seep_heap_layout_has(layout, SEEP_HM_LARGE_ADDRESS, SEEP_HM_LARGE_ADDRESS))
        return false;
    *n = 0;
    if (layout->fields[SEEP_HM_SH_SEGMENT_LIST].offset != SEEP_HEAP_ABSENT)
        head[(*n)++] = seep_heap_at(layout, heap, SEEP_HM_SH_SEGMENT_LIST);
    else if (layout->fields[SEEP_HM_SH_CONTEXTS].offset != SEEP_HEAP_ABSENT &&
             context != SEEP_HEAP_ABSENT)
        while (*n < 2) { // of small and of big units
            head[*n] = seep_heap_at(layout, heap, SEEP_HM_SH_CONTEXTS) + context +
                       (uint64_t)*n * layout->sizes[SEEP_HS_CONTEXT];
            ++*n;
        }
    return *n > 0;
}

// Whether all of a layout's heads are heads of lists: the first entry points back.
static enum walk heads_fit(const struct space *s, const struct seep_heap_layout *layout,
                           uint64_t heap)
{
    uint64_t head[2], first, back;
    unsigned n;
    if (!segment_heads(layout, heap, head, &n))
        return BROKEN;
    for (unsigned i = 0; i < n; i++) {
        if (!pointer(s, head[i], &first) || !pointer(s, first + s->bytes, &back))
            return UNREAD;
        if (back != head[i])
            return BROKEN;
    }
    return WALKED;
}

// The layout of a segment heap moved between builds that share a number in no table: the one of the
// build, or else whichever fits, says where its lists are.
static enum walk segment_heap(struct space *s, uint64_t heap, const struct dump_claim *claim)
{
    struct seep_heap_layout other;
    enum walk all = heads_fit(s, s->heap, heap);
    for (unsigned i = 0; all != WALKED && seep_heap_layout_builtin(8 * s->bytes, i, &other); i++) {
        if (heads_fit(s, &other, heap) == WALKED) {
            s->heap = &other;
            all = WALKED;
        }
    }
    if (all != WALKED)
        return all;
    uint64_t head[2];
    unsigned n;
    if (segment_heads(s->heap, heap, head, &n))
        while (n)
            all = worse(all, walk_list(s, head[--n], claim, NULL, heap));
    return worse(all, large_blocks(s, seep_heap_at(s->heap, heap, SEEP_HM_SH_LARGE_TREE), claim));
}

static void read_heap(const struct space *s, uint64_t heap)
{
    struct dump_reader *r = s->r;
    char text[40];
    uint64_t signature;
    int len = snprintf(text, sizeof text, "heap 0x%" PRIx64, heap);
    const char *detail = seep_arena_strndup(&r->arena, text, (size_t)len);
    if (!detail || !seep_grow(&r->heaps, &r->heaps_capacity, r->n_heaps + 1, sizeof *r->heaps)) {
        (void)dump_stop(r);
        return;
    }
    r->heaps[r->n_heaps++] = (struct dump_heap){ heap, (uint8_t)s->bytes };
    struct dump_claim claim = { wide(s, SEEP_USAGE_HEAP32), DUMP_RANK_HEAP, detail };
    (void)dump_regions_claim(&r->regions, heap, &claim);
    struct space own = *s;
    enum walk how = UNREAD;
    // both kinds have their signature at the same place
    if (seep_heap_read(s->heap, &r->memory.memory, heap, SEEP_HM_HEAP_SEGMENT_SIGNATURE,
                       &signature)) {
        how = WALKED;
        if (signature == SEEP_NT_HEAP_SEGMENT_SIGNATURE)
            how = nt_heap(s, heap, &claim);
        else if (signature == SEEP_NT_SEGMENT_HEAP_SIGNATURE)
            how = segment_heap(&own, heap, &claim);
        else
            r->doubts.heaps_foreign++;
    }
    if (how == UNREAD)
        r->doubts.heaps_unread++;
    if (how == BROKEN && !r->doubts.heaps_bad++)
        r->doubts.first_bad_heap = heap;
}

static bool known_heap(const struct dump_reader *r, size_t from, uint64_t heap)
{
    for (size_t i = from; i < r->n_heaps; i++) {
        if (r->heaps[i].address == heap)
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
    uint32_t build = r->has_system ? r->system.build : 0;
    r->list_steps = LIST_STEPS;
    seep_heap_layout_fill(NULL, 32, build, &r->layouts[0]);
    seep_heap_layout_fill(NULL, 64, build, &r->layouts[1]);
    read_threads(r);
    if (r->peb64 && !r->stopped)
        read_peb(&full, &r->peb64);
    if (r->peb32 && !r->stopped)
        read_peb(&narrow, &r->peb32);
    (void)dump_regions_claim(&r->regions, SEEP_NT_USER_SHARED_DATA, &shared);
    if (!r->stopped)
        dump_regions_settle(&r->regions, r->images, r->n_images);
}
