// SPDX-License-Identifier: MIT
// The memory that a user minidump holds.
#include "memory/minidump_memory.h"

#include "base/alloc.h"

#include <stdlib.h>

// Takes a range as far as the file has it; what lies beyond the end of the address space is no
// memory.
static bool add(struct seep_minidump_memory *m, struct seep_minidump_range range)
{
    if (range.size_bytes == 0)
        return true;
    uint64_t there = range.size_bytes, room = UINT64_MAX - range.address;
    if (range.offset >= m->file.len)
        there = 0;
    else if (there > m->file.len - range.offset)
        there = m->file.len - range.offset;
    if (there < range.size_bytes) {
        m->n_missing++;
        uint64_t lacks = range.size_bytes - there;
        m->missing_bytes =
            lacks > UINT64_MAX - m->missing_bytes ? UINT64_MAX : m->missing_bytes + lacks;
    }
    if (there > room)
        there = room;
    if (there == 0)
        return true;
    if (!seep_grow(&m->pieces, &m->capacity, m->n_pieces + 1, sizeof *m->pieces))
        return false;
    m->pieces[m->n_pieces++] = (struct seep_minidump_piece){ range.address, there, range.offset };
    return true;
}

static bool add_list64(const struct seep_minidump *dump, struct seep_minidump_memory *m)
{
    struct seep_minidump_list list;
    if (!seep_minidump_list(dump, SEEP_MINIDUMP_MEMORY64, &list))
        return true;
    uint64_t offset = list.base;
    for (uint64_t i = 0; i < list.n; i++) {
        struct seep_bytes entry = seep_minidump_entry(&list, i);
        struct seep_minidump_range range = { seep_bytes_u64(entry, 0), seep_bytes_u64(entry, 8),
                                             offset };
        if (!add(m, range))
            return false;
        // A sum that overflows lies behind every file.
        offset = range.size_bytes > UINT64_MAX - offset ? UINT64_MAX : offset + range.size_bytes;
    }
    m->n_ranges += list.n;
    return true;
}

static bool add_list(const struct seep_minidump *dump, struct seep_minidump_memory *m)
{
    struct seep_minidump_list list;
    if (!seep_minidump_list(dump, SEEP_MINIDUMP_MEMORY, &list))
        return true;
    for (uint64_t i = 0; i < list.n; i++) {
        if (!add(m, seep_minidump_range(seep_minidump_entry(&list, i))))
            return false;
    }
    m->n_ranges += list.n;
    return true;
}

// Some writers leave the stacks out of the memory list. In a full dump the RVA is 0: the
// Memory64List has them.
static bool add_stacks(const struct seep_minidump *dump, struct seep_minidump_memory *m)
{
    struct seep_minidump_list list;
    if (!seep_minidump_list(dump, SEEP_MINIDUMP_THREADS, &list))
        return true;
    for (uint64_t i = 0; i < list.n; i++) {
        struct seep_minidump_thread t = seep_minidump_thread(seep_minidump_entry(&list, i));
        struct seep_minidump_range range = { t.stack, t.stack_bytes, t.stack_rva };
        if (t.stack_rva && seep_bytes_has(dump->file, t.stack_rva, t.stack_bytes) && !add(m, range))
            return false;
    }
    return true;
}

static int by_address(const void *left, const void *right)
{
    const struct seep_minidump_piece *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->size_bytes != b->size_bytes)
        return a->size_bytes > b->size_bytes ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

// Cuts what is there twice, joins neighbours.
static void tidy(struct seep_minidump_memory *m)
{
    struct seep_minidump_piece *p = m->pieces;
    size_t n = 0;
    bool sorted = true;
    for (size_t i = 1; i < m->n_pieces && sorted; i++)
        sorted = by_address(&p[i - 1], &p[i]) <= 0;
    if (!sorted)
        qsort(p, m->n_pieces, sizeof *p, by_address);
    for (size_t i = 0; i < m->n_pieces; i++) {
        struct seep_minidump_piece piece = p[i];
        struct seep_minidump_piece *last = n ? &p[n - 1] : NULL;
        uint64_t end = last ? last->address + last->size_bytes : 0;
        if (piece.address < end) {
            uint64_t twice = end - piece.address;
            m->n_twice++;
            if (twice >= piece.size_bytes)
                continue;
            piece.address += twice;
            piece.offset += twice;
            piece.size_bytes -= twice;
        }
        m->held_bytes += piece.size_bytes;
        if (piece.offset < m->first_offset)
            m->first_offset = (size_t)piece.offset;
        if (last && piece.address == end && piece.offset == last->offset + last->size_bytes)
            last->size_bytes += piece.size_bytes;
        else
            p[n++] = piece;
    }
    m->n_pieces = n;
}

// The index of the first piece that ends behind `address`; n_pieces where there is none.
static size_t find(const struct seep_minidump_memory *m, uint64_t address)
{
    size_t low = 0, high = m->n_pieces;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct seep_minidump_piece *p = &m->pieces[middle];
        if (p->address + p->size_bytes <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct seep_bytes span(const struct seep_memory *memory, uint64_t address)
{
    const struct seep_minidump_memory *m = (const struct seep_minidump_memory *)memory;
    size_t at = find(m, address);
    if (at == m->n_pieces || m->pieces[at].address > address)
        return (struct seep_bytes){ 0 };
    const struct seep_minidump_piece *p = &m->pieces[at];
    uint64_t skip = address - p->address;
    return seep_bytes_part(m->file, (size_t)(p->offset + skip), (size_t)(p->size_bytes - skip));
}

static bool next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    const struct seep_minidump_memory *m = (const struct seep_minidump_memory *)memory;
    size_t at = find(m, address);
    if (at == m->n_pieces)
        return false;
    *held = m->pieces[at].address > address ? m->pieces[at].address : address;
    return true;
}

bool seep_minidump_memory_open(const struct seep_minidump *dump, unsigned pointer_bytes,
                               struct seep_minidump_memory *memory, struct seep_err *err)
{
    struct seep_minidump_memory m = {
        .memory = { .span = span, .next = next, .pointer_bytes = (uint8_t)pointer_bytes },
        .file = dump->file,
        .first_offset = dump->file.len,
    };
    if (!add_list64(dump, &m) || !add_list(dump, &m) || !add_stacks(dump, &m)) {
        seep_minidump_memory_close(&m);
        return seep_fail_memory(err);
    }
    tidy(&m);
    *memory = m;
    return true;
}

void seep_minidump_memory_close(struct seep_minidump_memory *memory)
{
    seep_free(memory->pieces);
    memory->pieces = NULL;
    memory->n_pieces = memory->capacity = 0;
}
