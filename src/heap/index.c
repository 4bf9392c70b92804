// SPDX-License-Identifier: MIT
// Blocks by address: runs, and for each run a table that leads close to a block in one step.
#include "heap/index.h"

#include "base/alloc.h"

#include <stdlib.h>

enum {
    BLOCKS_PER_SLOT = 4, // on average: a find looks at some two of them
    MAX_HEAPS = 1 << 24,
};

#define MAX_SIZE ((UINT64_C(1) << 40) - 1)

void seep_index_break(struct seep_index *index)
{
    index->broken = true;
}

static uint64_t end_of(uint64_t address, uint64_t size_bytes)
{
    uint64_t bytes = size_bytes ? size_bytes : 1;
    return bytes > UINT64_MAX - address ? UINT64_MAX : address + bytes;
}

bool seep_index_add(struct seep_index *index, uint64_t address, uint64_t size_bytes, uint32_t heap)
{
    struct seep_index_run *run = index->n_runs ? &index->runs[index->n_runs - 1] : NULL;
    if (size_bytes > MAX_SIZE)
        size_bytes = MAX_SIZE;
    if (index->n >= SEEP_INDEX_NONE || heap >= MAX_HEAPS ||
        !seep_grow(&index->blocks, &index->capacity, index->n + 1, sizeof *index->blocks))
        return false;
    if (!run || index->broken || address < run->high) {
        if (!seep_grow(&index->runs, &index->runs_capacity, index->n_runs + 1, sizeof *index->runs))
            return false;
        run = &index->runs[index->n_runs++];
        *run = (struct seep_index_run){ .low = address, .first = (uint32_t)index->n };
        index->broken = false;
    }
    run->high = end_of(address, size_bytes);
    run->n++;
    index->blocks[index->n++] =
        (struct seep_index_block){ .address = address,
                                   .size_and_heap = size_bytes | (uint64_t)heap << 40 };
    return true;
}

static int by_low(const void *a, const void *b)
{
    const struct seep_index_run *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void drop(struct seep_index *index, const struct seep_index_run *run)
{
    for (uint32_t i = 0; i < run->n; i++) {
        struct seep_index_block *block = &index->blocks[run->first + i];
        block->size_and_heap &= ~MAX_SIZE;
        block->address = 0;
    }
}

// A run's table: how many slots, of which width.
static size_t plan(struct seep_index_run *run)
{
    uint64_t width = run->high - run->low, slots = run->n / BLOCKS_PER_SLOT + 1;
    while (run->shift < 63 && width >> run->shift > slots)
        run->shift++;
    return (size_t)(width >> run->shift) + 2;
}

static void fill(struct seep_index *index, const struct seep_index_run *run, size_t slots)
{
    uint32_t *table = index->table + run->slots, block = 0;
    for (size_t s = 0; s < slots; s++) {
        uint64_t step = (uint64_t)s << run->shift;
        while (block < run->n && index->blocks[run->first + block].address - run->low < step)
            block++;
        table[s] = block;
    }
    table[slots - 1] = run->n;
}

bool seep_index_finish(struct seep_index *index, uint64_t *dropped)
{
    size_t kept = 0, slots = 0;
    *dropped = 0;
    if (index->n_runs)
        qsort(index->runs, index->n_runs, sizeof *index->runs, by_low);
    for (size_t i = 0; i < index->n_runs; i++) {
        struct seep_index_run run = index->runs[i];
        if (kept && run.low < index->runs[kept - 1].high) {
            *dropped += run.n;
            drop(index, &run);
            continue;
        }
        size_t more = plan(&run);
        if (more > SEEP_INDEX_NONE - slots)
            return false;
        run.slots = (uint32_t)slots;
        slots += more;
        index->runs[kept++] = run;
    }
    index->n_runs = kept;
    index->n_table = slots;
    if (!kept)
        return true;
    index->low = index->runs[0].low;
    index->high = index->runs[kept - 1].high;
    index->table = seep_alloc(slots, sizeof *index->table);
    if (!index->table)
        return false;
    for (size_t i = 0; i < kept; i++) {
        size_t next = i + 1 < kept ? index->runs[i + 1].slots : slots;
        fill(index, &index->runs[i], next - index->runs[i].slots);
    }
    return true;
}

// The run that holds an address; NULL where none does.
static const struct seep_index_run *run_at(struct seep_index *index, uint64_t address)
{
    const struct seep_index_run *run = &index->runs[index->recent];
    if (address >= run->low && address < run->high)
        return run;
    size_t low = 0, high = index->n_runs;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->runs[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || address >= index->runs[low - 1].high)
        return NULL;
    index->recent = (uint32_t)(low - 1);
    return &index->runs[low - 1];
}

uint32_t seep_index_find(struct seep_index *index, uint64_t address, bool exact)
{
    const struct seep_index_run *run;
    if (!index->n_runs || address < index->low || address >= index->high ||
        !(run = run_at(index, address)))
        return SEEP_INDEX_NONE;
    const struct seep_index_block *blocks = index->blocks + run->first;
    uint64_t step = (address - run->low) >> run->shift;
    // The block begins in this step, or is the last one that began before it.
    uint32_t low = index->table[run->slots + step], high = index->table[run->slots + step + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (blocks[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return SEEP_INDEX_NONE;
    const struct seep_index_block *block = &blocks[low - 1];
    uint64_t offset = address - block->address, size = seep_index_size(block);
    if (exact ? offset != 0 : offset >= (size ? size : 1))
        return SEEP_INDEX_NONE;
    return run->first + low - 1;
}

size_t seep_index_bytes(const struct seep_index *index)
{
    return index->capacity * sizeof *index->blocks + index->runs_capacity * sizeof *index->runs +
           index->n_table * sizeof *index->table;
}

void seep_index_clear(struct seep_index *index)
{
    seep_free(index->blocks);
    seep_free(index->runs);
    seep_free(index->table);
    *index = (struct seep_index){ 0 };
}
