// SPDX-License-Identifier: MIT
// Walks page tables of x86 (2 levels, PAE), x64 (4 and 5 levels) and ARM64 (4 KiB granule).
//
// Sources: Intel SDM volume 3 chapter 4 and Arm ARM D8 for entries that are valid; for those that
// are not, the public types _MMPTE_SOFTWARE, _MMPTE_TRANSITION and _MMPTE_PROTOTYPE of Windows 7 to
// 11. On ARM64 Windows keeps both halves in one page, TTBR1 = TTBR0 + 0x800 with T0SZ = T1SZ = 17
// (printed by a debugger in volatility3's issue 161), so its upper table is indexed as x64's is.
#include "memory/kernel_paging.h"

#include "base/alloc.h"
#include "memory/kernel_physical.h"

enum {
    MAX_LEVELS = 5,
    TABLE_SLOTS = 64, // of the cache of last-level tables; a power of 2
    PAGE_SLOTS = 128, // of the cache of pages; a power of 2
    JOINED_PAGES = 8, // most pages of a view: more would cost those who want a number
};

struct level {
    uint8_t shift, bits;
    bool large; // an entry can map a large page
};

struct paging {
    struct level levels[MAX_LEVELS];
    uint8_t n, entry_bytes;
    uint8_t address_bits;      // of which the highest is copied upwards; 32 = not
    uint64_t frames, software; // which bits of an entry are a physical address: valid, transition
};

#define BITS(low, high) ((UINT64_MAX >> (63 - (high))) & (UINT64_MAX << (low)))

static const struct paging pagings[] = {
    [SEEP_PAGING_X86] = { .levels = { { 22, 10, true }, { 12, 10, false } },
                          .n = 2,
                          .entry_bytes = 4,
                          .address_bits = 32,
                          .frames = BITS(12, 31),
                          .software = BITS(12, 31) },
    [SEEP_PAGING_X86_PAE] = { .levels = { { 30, 2, false }, { 21, 9, true }, { 12, 9, false } },
                              .n = 3,
                              .entry_bytes = 8,
                              .address_bits = 32,
                              .frames = BITS(12, 51),
                              .software = BITS(12, 37) },
    [SEEP_PAGING_X64] = { .levels = { { 39, 9, false },
                                      { 30, 9, true },
                                      { 21, 9, true },
                                      { 12, 9, false } },
                          .n = 4,
                          .entry_bytes = 8,
                          .address_bits = 48,
                          .frames = BITS(12, 51),
                          .software = BITS(12, 47) },
    [SEEP_PAGING_X64_LA57] = { .levels = { { 48, 9, false },
                                           { 39, 9, false },
                                           { 30, 9, true },
                                           { 21, 9, true },
                                           { 12, 9, false } },
                               .n = 5,
                               .entry_bytes = 8,
                               .address_bits = 57,
                               .frames = BITS(12, 51),
                               .software = BITS(12, 51) },
    [SEEP_PAGING_ARM64] = { .levels = { { 39, 9, false },
                                        { 30, 9, true },
                                        { 21, 9, true },
                                        { 12, 9, false } },
                            .n = 4,
                            .entry_bytes = 8,
                            .address_bits = 48,
                            .frames = BITS(12, 47),
                            .software = BITS(12, 47) },
};

// Entries, by what they say.
enum {
    VALID = 1 << 0,
    LARGE = 1 << 7,        // x86 and x64
    NOT_BLOCK = 1 << 1,    // ARM64: a table, or at the last level a page
    NOT_SWIZZLED = 1 << 4, // of software entries
    PROTOTYPE = 1 << 10,
    TRANSITION = 1 << 11,
};

// LOST: its page is in a file, or nobody can say where.
enum entry_kind { EMPTY, TABLE, PAGE, PROTO, PAGED_OUT, LOST };

struct entry {
    enum entry_kind kind;
    uint64_t address; // physical, of the table or the page; of a prototype entry virtual
};

struct seep_page_cache {
    // What it was filled for.
    uint64_t directory_table, directory_table_user, invalid_pte_mask;
    // Last-level tables by what they map; address is that + 1, 0 = unused.
    struct {
        uint64_t address;
        const uint8_t *table;
    } tables[TABLE_SLOTS];
    // Pages by their number, which is that + 1.
    struct {
        uint64_t page;
        struct seep_bytes view;
    } pages[PAGE_SLOTS];
    // Tables of a level that map no page that is held: physical address | level, 0 = unused. A hash
    // set with open addressing.
    uint64_t *barren;
    size_t n_barren, barren_slots; // a power of 2
};

struct seep_page_cache *seep_page_cache_new(void)
{
    return seep_alloc(1, sizeof(struct seep_page_cache));
}

void seep_page_cache_free(struct seep_page_cache *cache)
{
    if (cache)
        seep_free(cache->barren);
    seep_free(cache);
}

// The cache of an address space, emptied where that is not the one that it was filled for.
static struct seep_page_cache *cache_of(const struct seep_kernel_memory *m)
{
    struct seep_page_cache *c = m->cache;
    if (c && (c->directory_table != m->directory_table ||
              c->directory_table_user != m->directory_table_user ||
              c->invalid_pte_mask != m->invalid_pte_mask)) {
        seep_free(c->barren);
        *c = (struct seep_page_cache){ .directory_table = m->directory_table,
                                       .directory_table_user = m->directory_table_user,
                                       .invalid_pte_mask = m->invalid_pte_mask };
    }
    return c;
}

static size_t barren_slot(const struct seep_page_cache *c, uint64_t key)
{
    size_t slot = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (c->barren_slots - 1);
    while (c->barren[slot] && c->barren[slot] != key)
        slot = (slot + 1) & (c->barren_slots - 1);
    return slot;
}

static bool is_barren(const struct seep_page_cache *c, uint64_t key)
{
    return c && c->n_barren && c->barren[barren_slot(c, key)];
}

static void set_barren(struct seep_page_cache *c, uint64_t key)
{
    if (!c)
        return;
    if (c->n_barren >= c->barren_slots / 2) {
        size_t slots = c->barren_slots ? c->barren_slots * 2 : 64;
        struct seep_page_cache grown = { .barren = seep_alloc(slots, sizeof *grown.barren),
                                         .barren_slots = slots };
        if (!grown.barren)
            return; // harmless: it is looked at again
        for (size_t i = 0; i < c->barren_slots; i++) {
            if (c->barren[i])
                grown.barren[barren_slot(&grown, c->barren[i])] = c->barren[i];
        }
        seep_free(c->barren);
        c->barren = grown.barren;
        c->barren_slots = slots;
    }
    size_t slot = barren_slot(c, key);
    c->n_barren += !c->barren[slot];
    c->barren[slot] = key;
}

static const struct paging *paging_of(const struct seep_kernel_memory *m)
{
    return &pagings[m->paging];
}

static uint64_t sign_extend(uint64_t value, unsigned bits)
{
    uint64_t sign = UINT64_C(1) << (bits - 1);
    value &= (sign << 1) - 1;
    return (value ^ sign) - sign;
}

bool seep_page_address(const struct seep_kernel_memory *m, uint64_t address, uint64_t *native)
{
    const struct paging *p = paging_of(m);
    if (p->address_bits == 32) {
        // Debuggers write addresses of 32-bit kernels with their highest bit copied upwards.
        if (address >> 32 && address >> 31 != UINT64_C(0x1ffffffff))
            return false;
        *native = (uint32_t)address;
        return true;
    }
    *native = address;
    return address == sign_extend(address, p->address_bits);
}

static uint64_t load(const struct paging *p, const uint8_t *table, size_t index)
{
    return p->entry_bytes == 8 ? seep_le64(table + index * 8) : seep_le32(table + index * 4);
}

// What an entry that the processor does not follow means to Windows. A prototype entry's own entry
// has the same form, but its prototype bit says that the page is in a file.
static struct entry software_entry(const struct seep_kernel_memory *m, uint64_t value, bool last)
{
    const struct paging *p = paging_of(m);
    // Since 2018 bits that no physical address has are set in such entries of x86 and x64 (against
    // the L1 terminal fault), unless the entry needed them: then bit 4 is set (IntroVirt). ARM64
    // has no such bit (public type _MMPTE_SOFTWARE of build 19569).
    if (!(value & NOT_SWIZZLED) && m->paging != SEEP_PAGING_ARM64)
        value &= ~m->invalid_pte_mask;
    if (value & PROTOTYPE) {
        // Without PAE the address is relative to something that no public source tells.
        if (!last || p->entry_bytes == 4)
            return (struct entry){ LOST, 0 };
        return (struct entry){ PROTO,
                               p->address_bits == 32 ? value >> 32 : sign_extend(value >> 16, 48) };
    }
    if (value & TRANSITION)
        return (struct entry){ last ? PAGE : TABLE, value & p->software };
    uint64_t page_file = p->entry_bytes == 4 ? value >> 12 : value >> 32;
    return (struct entry){ page_file ? PAGED_OUT : EMPTY, 0 };
}

static struct entry decode(const struct seep_kernel_memory *m, unsigned level, uint64_t value)
{
    const struct paging *p = paging_of(m);
    const struct level *l = &p->levels[level];
    bool last = level + 1 == p->n;
    if (value == 0)
        return (struct entry){ EMPTY, 0 };
    if (!(value & VALID)) {
        if (p->n == 3 && level == 0)
            return (struct entry){ EMPTY, 0 }; // the four entries of PAE know only valid
        return software_entry(m, value, last);
    }
    bool large;
    if (m->paging == SEEP_PAGING_ARM64) {
        large = !(value & NOT_BLOCK);
        if (large && !l->large)
            return (struct entry){ EMPTY, 0 }; // reserved
    } else {
        large = l->large && value & LARGE;
    }
    if (!large)
        return (struct entry){ last ? PAGE : TABLE, value & p->frames };
    uint64_t address = value & p->frames & (UINT64_MAX << l->shift);
    if (m->paging == SEEP_PAGING_X86)
        address |= (value >> 13 & 0xff) << 32; // PSE-36
    return (struct entry){ PAGE, address };
}

// The table that the walk starts with: the page, or for PAE the 32 bytes, or NULL.
static const uint8_t *top_table(const struct seep_kernel_memory *m, uint64_t address)
{
    const struct paging *p = paging_of(m);
    uint64_t base = m->directory_table;
    if (m->paging == SEEP_PAGING_ARM64 && m->directory_table_user && !(address >> 63))
        base = m->directory_table_user;
    base &= BITS(0, 51);
    if (m->paging == SEEP_PAGING_ARM64)
        base &= BITS(0, 47); // above is the address space's identifier
    struct seep_bytes page = seep_physical_page(m->physical, base >> 12);
    if (!page.len)
        return NULL;
    return page.data + (p->n == 3 ? base & 0xfe0 : 0);
}

bool seep_page_top_held(const struct seep_kernel_memory *m)
{
    return top_table(m, UINT64_MAX) != NULL;
}

static size_t index_of(const struct level *level, uint64_t address)
{
    return (size_t)(address >> level->shift) & (((size_t)1 << level->bits) - 1);
}

// Where a walk ended: the entry, its level, and the table that it is in.
struct place {
    struct entry entry;
    unsigned level;
    const uint8_t *table;
};

// Walks to the entry that maps `address`, which is native. An entry of kind TABLE is the place of a
// table that is not held.
static struct place walk(const struct seep_kernel_memory *m, uint64_t address)
{
    const struct paging *p = paging_of(m);
    struct seep_page_cache *c = cache_of(m);
    struct place at = { .level = p->n - 1u };
    uint64_t last = address >> p->levels[p->n - 2].shift;
    size_t slot = (size_t)last & (TABLE_SLOTS - 1);
    if (c && c->tables[slot].address == last + 1) {
        at.table = c->tables[slot].table;
    } else {
        at.table = top_table(m, address);
        at.level = 0;
    }
    while (at.table) {
        const struct level *level = &p->levels[at.level];
        at.entry = decode(m, at.level, load(p, at.table, index_of(level, address)));
        if (at.entry.kind != TABLE)
            break;
        struct seep_bytes page = seep_physical_page(m->physical, at.entry.address >> 12);
        if (!page.len)
            break;
        at.table = page.data;
        if (++at.level + 1 == p->n && c) {
            c->tables[slot].address = last + 1;
            c->tables[slot].table = page.data;
        }
    }
    return at;
}

// The page behind a prototype entry: the address is that of another entry, in paged pool. It is
// followed once.
static struct entry follow(const struct seep_kernel_memory *m, uint64_t address)
{
    const struct paging *p = paging_of(m);
    static const struct entry lost = { LOST, 0 };
    uint64_t native;
    if (!seep_page_address(m, address, &native) || native % p->entry_bytes)
        return lost;
    struct place at = walk(m, native);
    if (at.entry.kind == PAGED_OUT)
        return at.entry;
    if (at.entry.kind != PAGE)
        return lost;
    uint64_t offset = native & (BITS(0, 63) >> (64 - p->levels[at.level].shift));
    uint64_t physical = at.entry.address + offset;
    struct seep_bytes page = seep_physical_page(m->physical, physical >> 12);
    if (!page.len)
        return lost;
    struct entry entry = decode(m, p->n - 1u, load(p, page.data + (physical & 0xfff), 0));
    return entry.kind == PROTO ? lost : entry; // that is a subsection: in a file
}

// The frame at `address` and how many behind it the same entry, or its neighbours in the same
// table, map side by side, at most `most`.
static enum seep_page_state find(const struct seep_kernel_memory *m, uint64_t address, size_t most,
                                 uint64_t *frame, size_t *n_frames)
{
    const struct paging *p = paging_of(m);
    struct place at = walk(m, address);
    if (at.entry.kind == PROTO)
        at.entry = follow(m, at.entry.address);
    if (at.entry.kind == TABLE || at.entry.kind == LOST)
        return SEEP_PAGE_ABSENT;
    if (at.entry.kind != PAGE)
        return at.entry.kind == PAGED_OUT ? SEEP_PAGE_PAGED_OUT : SEEP_PAGE_NONE;
    const struct level *level = &p->levels[at.level];
    uint64_t in_page = (address & ((UINT64_C(1) << level->shift) - 1)) >> 12;
    uint64_t first = (at.entry.address >> 12) + in_page;
    size_t n = 1;
    if (level->shift > 12) {
        uint64_t left = (UINT64_C(1) << (level->shift - 12)) - in_page;
        n = left < most ? (size_t)left : most;
    } else {
        size_t index = index_of(level, address), end = (size_t)1 << level->bits;
        while (n < most && index + n < end) {
            struct entry next = decode(m, at.level, load(p, at.table, index + n));
            if (next.kind != PAGE || next.address >> 12 != first + n)
                break;
            n++;
        }
    }
    *frame = first;
    *n_frames = n;
    return SEEP_PAGE_HELD;
}

enum seep_page_state seep_page_view(const struct seep_kernel_memory *m, uint64_t address,
                                    struct seep_bytes *view)
{
    struct seep_page_cache *c = cache_of(m);
    uint64_t page = address >> 12, frame;
    size_t slot = (size_t)page & (PAGE_SLOTS - 1), n;
    if (c && c->pages[slot].page == page + 1) {
        *view = c->pages[slot].view;
        return SEEP_PAGE_HELD;
    }
    enum seep_page_state state = find(m, address, JOINED_PAGES, &frame, &n);
    if (state != SEEP_PAGE_HELD)
        return state;
    struct seep_bytes bytes = seep_physical_span(m->physical, frame, n);
    if (!bytes.len)
        return SEEP_PAGE_ABSENT;
    if (c) {
        c->pages[slot].page = page + 1;
        c->pages[slot].view = bytes;
    }
    *view = bytes;
    return SEEP_PAGE_HELD;
}

enum seep_page_state seep_page_frame(const struct seep_kernel_memory *m, uint64_t address,
                                     uint64_t *frame)
{
    uint64_t found;
    size_t n;
    enum seep_page_state state = find(m, address, 1, &found, &n);
    if (state == SEEP_PAGE_HELD && !seep_physical_page(m->physical, found).len)
        return SEEP_PAGE_ABSENT;
    if (state == SEEP_PAGE_HELD)
        *frame = found;
    return state;
}

// A table on the way, and the entry of it that is looked at.
struct step {
    const uint8_t *table;
    uint64_t address; // physical, of the table
    size_t index;
    bool whole; // entered at its first entry
};

static uint64_t address_of(const struct paging *p, const struct step *steps, unsigned level)
{
    uint64_t address = 0;
    for (unsigned i = 0; i <= level; i++)
        address |= (uint64_t)steps[i].index << p->levels[i].shift;
    return p->address_bits == 32 ? address : sign_extend(address, p->address_bits);
}

// Whether an entry that maps pages has one that is held at or above `from`, and where.
static bool page_held(const struct seep_kernel_memory *m, struct entry entry, unsigned shift,
                      uint64_t start, uint64_t from, uint64_t *held)
{
    if (entry.kind == PROTO)
        entry = follow(m, entry.address);
    if (entry.kind != PAGE)
        return false;
    uint64_t skip = from > start ? (from - start) >> 12 : 0, first = entry.address >> 12, found;
    uint64_t n = UINT64_C(1) << (shift - 12);
    if (!seep_physical_next(m->physical, first + skip, &found) || found - first >= n)
        return false;
    uint64_t address = start + ((found - first) << 12);
    *held = address > from ? address : from;
    return true;
}

// The next native address at or above: over the gap between the halves.
static bool round_up(const struct paging *p, uint64_t *address)
{
    if (p->address_bits == 32) {
        if (*address >> 32 && *address >> 31 != UINT64_C(0x1ffffffff))
            return false;
        *address = (uint32_t)*address;
    } else if (*address != sign_extend(*address, p->address_bits)) {
        *address = UINT64_MAX << (p->address_bits - 1);
    }
    return true;
}

bool seep_page_next(const struct seep_kernel_memory *m, uint64_t address, uint64_t *held)
{
    const struct paging *p = paging_of(m);
    struct seep_page_cache *c = cache_of(m);
    struct step steps[MAX_LEVELS] = { 0 };
    unsigned level = 0;
    if (!round_up(p, &address))
        return false;
    steps[0].index = index_of(&p->levels[0], address);
    for (;;) {
        struct step *s = &steps[level];
        const struct level *l = &p->levels[level];
        if (s->index >> l->bits) { // behind the last entry
            if (level == 0)
                return false;
            if (s->whole)
                set_barren(c, s->address | level);
            steps[--level].index++;
            continue;
        }
        uint64_t start = address_of(p, steps, level);
        if (level == 0)
            s->table = top_table(m, start);
        struct entry entry = { EMPTY, 0 };
        if (s->table)
            entry = decode(m, level, load(p, s->table, s->index));
        if (entry.kind == TABLE && !is_barren(c, entry.address | (level + 1))) {
            struct seep_bytes page = seep_physical_page(m->physical, entry.address >> 12);
            if (page.len) {
                bool on_way = start <= address;
                steps[level + 1] = (struct step){
                    .table = page.data,
                    .address = entry.address,
                    .index = on_way ? index_of(&p->levels[level + 1], address) : 0,
                    .whole = !on_way || !(address & ((UINT64_C(1) << l->shift) - 1)),
                };
                level++;
                continue;
            }
        }
        if ((entry.kind == PAGE || entry.kind == PROTO) &&
            page_held(m, entry, l->shift, start, address, held))
            return true;
        s->index++;
    }
}
