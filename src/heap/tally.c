// SPDX-License-Identifier: MIT
// A hash table of counts. Its keys come from the file, so its slots are probed one after the other
// and it is never more than half full.
#include "heap/tally.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash(uint64_t a, uint64_t b)
{
    // The finalizer of MurmurHash3 (A. Appleby, public domain) over both.
    uint64_t h = a * UINT64_C(0x9e3779b97f4a7c15) ^ (b + UINT64_C(0x632be59bd9b4e019));
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static size_t slot_of(const struct seep_tally *tally, uint64_t a, uint64_t b)
{
    size_t mask = tally->n_slots - 1, slot = (size_t)hash(a, b) & mask;
    while (tally->slots[slot]) {
        const struct seep_tally_row *row = &tally->rows[tally->slots[slot] - 1];
        if (row->a == a && row->b == b)
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

static bool widen(struct seep_tally *tally)
{
    size_t n = tally->n_slots ? tally->n_slots * 2 : 64;
    uint32_t *slots = seep_alloc(n, sizeof *slots);
    if (!slots)
        return false;
    seep_free(tally->slots);
    tally->slots = slots;
    tally->n_slots = n;
    for (size_t i = 0; i < tally->n; i++)
        slots[slot_of(tally, tally->rows[i].a, tally->rows[i].b)] = (uint32_t)(i + 1);
    return true;
}

const struct seep_tally_row *seep_tally_find(const struct seep_tally *tally, uint64_t a, uint64_t b)
{
    if (!tally->n_slots)
        return NULL;
    size_t slot = slot_of(tally, a, b);
    return tally->slots[slot] ? &tally->rows[tally->slots[slot] - 1] : NULL;
}

struct seep_tally_row *seep_tally_row(struct seep_tally *tally, uint64_t a, uint64_t b)
{
    if (tally->n_slots) {
        size_t slot = slot_of(tally, a, b);
        if (tally->slots[slot])
            return &tally->rows[tally->slots[slot] - 1];
    }
    if (tally->n >= UINT32_MAX - 1 ||
        !seep_grow(&tally->rows, &tally->capacity, tally->n + 1, sizeof *tally->rows) ||
        (tally->n_slots < 2 * (tally->n + 1) && !widen(tally)))
        return NULL;
    struct seep_tally_row *row = &tally->rows[tally->n];
    *row = (struct seep_tally_row){ .a = a, .b = b };
    tally->slots[slot_of(tally, a, b)] = (uint32_t)++tally->n;
    return row;
}

bool seep_tally_add(struct seep_tally *tally, uint64_t a, uint64_t b, uint64_t bytes,
                    uint64_t example)
{
    struct seep_tally_row *row = seep_tally_row(tally, a, b);
    if (!row)
        return false;
    if (!row->blocks++)
        row->example = example;
    row->bytes += bytes;
    return true;
}

static int by_bytes(const void *x, const void *y)
{
    const struct seep_tally_row *p = x, *q = y;
    if (p->bytes != q->bytes)
        return p->bytes > q->bytes ? -1 : 1;
    if (p->blocks != q->blocks)
        return p->blocks > q->blocks ? -1 : 1;
    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    return p->b < q->b ? -1 : p->b > q->b;
}

void seep_tally_sort(struct seep_tally *tally)
{
    if (tally->n)
        qsort(tally->rows, tally->n, sizeof *tally->rows, by_bytes);
    seep_free(tally->slots);
    tally->slots = NULL;
    tally->n_slots = 0;
}

size_t seep_tally_bytes(const struct seep_tally *tally)
{
    return tally->capacity * sizeof *tally->rows + tally->n_slots * sizeof *tally->slots;
}

void seep_tally_clear(struct seep_tally *tally)
{
    seep_free(tally->rows);
    seep_free(tally->slots);
    memset(tally, 0, sizeof *tally);
}
