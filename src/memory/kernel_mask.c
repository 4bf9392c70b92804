// SPDX-License-Identifier: MIT
// What Windows sets in page table entries that are not valid, against the L1 terminal fault, seen
// from the entries themselves.
//
// An entry in transition has a frame number. Where that is beyond all memory of the machine, and
// without its bits above what memory needs it names a page that is held, those bits are the mask.
#include "memory/kernel_memory.h"
#include "memory/kernel_physical.h"

enum {
    MAX_LEVELS = 5,
    ENTRIES = SEEP_PAGE_BYTES / 8,
    MAX_TABLES = 4096, // that are looked into
    ENOUGH = 64,       // entries that say something
    LEAST = 3,         // that must agree
    VALID = 1 << 0,
    NOT_SWIZZLED = 1 << 4,
    LARGE = 1 << 7,
    PROTOTYPE = 1 << 10,
    TRANSITION = 1 << 11,
};

#define FRAMES UINT64_C(0x0000fffffffff000)

struct votes {
    const struct seep_physical *physical;
    uint64_t above; // bits of an entry's frame that no memory of this machine has
    uint64_t mask;
    unsigned n_same, n_other;
};

static void vote(struct votes *v, uint64_t value)
{
    if (value & (VALID | PROTOTYPE | NOT_SWIZZLED) || !(value & TRANSITION))
        return;
    uint64_t above = value & v->above;
    if (above && !seep_physical_page(v->physical, (value & FRAMES & ~above) >> 12).len)
        return;
    if (above && !v->mask)
        v->mask = above;
    if (above && above == v->mask)
        v->n_same++;
    else
        v->n_other++;
}

static const uint8_t *table_at(const struct seep_physical *physical, uint64_t value)
{
    struct seep_bytes page = seep_physical_page(physical, (value & FRAMES) >> 12);
    return page.len == SEEP_PAGE_BYTES ? page.data : NULL;
}

uint64_t seep_kernel_infer_mask(const struct seep_kernel_memory *m)
{
    struct {
        const uint8_t *table;
        unsigned next;
    } stack[MAX_LEVELS];
    if (!m->physical || (m->paging != SEEP_PAGING_X64 && m->paging != SEEP_PAGING_X64_LA57))
        return 0;
    struct votes v = { .physical = m->physical, .above = FRAMES };
    for (uint64_t end = seep_physical_end(m->physical); end; end >>= 1)
        v.above = v.above << 1 & FRAMES;
    unsigned depth = 0, last = m->paging == SEEP_PAGING_X64 ? 3 : 4, n_tables = 1;
    stack[0].table = table_at(m->physical, m->directory_table);
    stack[0].next = ENTRIES / 2; // the kernel's half
    while (stack[0].table && v.n_same + v.n_other < ENOUGH) {
        if (stack[depth].next == ENTRIES) {
            if (depth-- == 0)
                break;
            continue;
        }
        uint64_t value = seep_le64(stack[depth].table + stack[depth].next++ * (size_t)8);
        if (depth == last) {
            vote(&v, value);
            continue;
        }
        // An entry of the top table that names it maps the tables themselves.
        bool itself = depth == 0 && !((value ^ m->directory_table) & FRAMES);
        if (!(value & VALID) || value & LARGE || itself || n_tables == MAX_TABLES)
            continue;
        const uint8_t *table = table_at(m->physical, value);
        if (table) {
            n_tables++;
            stack[++depth].table = table;
            stack[depth].next = 0;
        }
    }
    return v.n_same >= LEAST && v.n_same > 8 * v.n_other ? v.mask : 0;
}
