// SPDX-License-Identifier: MIT
// The memory of a triage dump: its data blocks, the debugger's block and the stack.
#include "memory/kernel_triage.h"

#include "base/alloc.h"
#include "memory/kernel_memory.h"

#include <stdlib.h>

struct block {
    uint64_t address, size_bytes;
    const uint8_t *data;
};

// Sorted by address, none over another.
struct seep_physical_blocks {
    struct block *at;
    size_t n, capacity;
    uint64_t missing_bytes;
};

static bool add(struct seep_physical_blocks *blocks, struct seep_bytes file, bool wide,
                uint64_t address, uint32_t offset, uint32_t size)
{
    struct seep_bytes data = seep_bytes_part(file, offset, size);
    if (!wide)
        address = (uint32_t)address; // they are written with the highest bit copied upwards
    blocks->missing_bytes += size - data.len;
    uint64_t room = (wide ? UINT64_MAX : UINT32_MAX) - address;
    uint64_t there = data.len < room ? data.len : room;
    if (!address || !offset || !there)
        return true;
    if (!seep_grow(&blocks->at, &blocks->capacity, blocks->n + 1, sizeof *blocks->at))
        return false;
    blocks->at[blocks->n++] = (struct block){ address, there, data.data };
    return true;
}

static int by_address(const void *left, const void *right)
{
    const struct block *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->size_bytes != b->size_bytes)
        return a->size_bytes > b->size_bytes ? -1 : 1;
    return a->data < b->data ? -1 : a->data > b->data;
}

// Cuts what is there twice, joins neighbours.
static void tidy(struct seep_physical_blocks *blocks)
{
    size_t n = 0;
    if (blocks->n)
        qsort(blocks->at, blocks->n, sizeof *blocks->at, by_address);
    for (size_t i = 0; i < blocks->n; i++) {
        struct block block = blocks->at[i];
        struct block *last = n ? &blocks->at[n - 1] : NULL;
        uint64_t end = last ? last->address + last->size_bytes : 0;
        if (block.address < end) {
            uint64_t twice = end - block.address;
            if (twice >= block.size_bytes)
                continue;
            block.address += twice;
            block.data += twice;
            block.size_bytes -= twice;
        }
        if (last && block.address == end && block.data == last->data + last->size_bytes)
            last->size_bytes += block.size_bytes;
        else
            blocks->at[n++] = block;
    }
    blocks->n = n;
}

// The index of the first block that ends behind `address`.
static size_t find(const struct seep_physical_blocks *blocks, uint64_t address)
{
    size_t low = 0, high = blocks->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (blocks->at[middle].address + blocks->at[middle].size_bytes <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t native(const struct seep_memory *memory, uint64_t address)
{
    bool extended = memory->pointer_bytes == 4 && address >> 31 == UINT64_C(0x1ffffffff);
    return extended ? (uint32_t)address : address;
}

static struct seep_bytes span(const struct seep_memory *memory, uint64_t address)
{
    const struct seep_physical_blocks *blocks = ((const struct seep_kernel_memory *)memory)->blocks;
    address = native(memory, address);
    size_t at = find(blocks, address);
    if (at == blocks->n || blocks->at[at].address > address)
        return (struct seep_bytes){ 0 };
    size_t skip = (size_t)(address - blocks->at[at].address);
    return seep_bytes(blocks->at[at].data + skip, (size_t)blocks->at[at].size_bytes - skip);
}

static bool next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    const struct seep_physical_blocks *blocks = ((const struct seep_kernel_memory *)memory)->blocks;
    address = native(memory, address);
    size_t at = find(blocks, address);
    if (at == blocks->n)
        return false;
    *held = blocks->at[at].address > address ? blocks->at[at].address : address;
    return true;
}

static bool add_all(struct seep_physical_blocks *blocks, struct seep_bytes file,
                    const struct seep_kernel_dump_header *header, const struct seep_triage *triage)
{
    // TopOfStack of the triage header, 4 or 8 bytes.
    enum { TOP_OF_STACK = 0x48, BLOCK_BYTES = 16 };
    size_t top = header->size_bytes + TOP_OF_STACK;
    uint64_t stack = header->wide ? seep_bytes_u64(file, top) : seep_bytes_u32(file, top);
    struct seep_bytes list = seep_bytes_part(file, triage->blocks_offset, SIZE_MAX);
    if (!triage->blocks_offset)
        list.len = 0;
    if (!add(blocks, file, header->wide, header->debugger_data, triage->debugger_data_offset,
             triage->debugger_data_bytes) ||
        !add(blocks, file, header->wide, stack, triage->stack_offset, triage->stack_bytes))
        return false;
    for (size_t i = 0; i < triage->n_blocks && i < list.len / BLOCK_BYTES; i++) {
        const uint8_t *p = list.data + i * BLOCK_BYTES;
        if (!add(blocks, file, header->wide, seep_le64(p), seep_le32(p + 8), seep_le32(p + 12)))
            return false;
    }
    return true;
}

bool seep_triage_memory_open(struct seep_bytes file, const struct seep_kernel_dump_header *header,
                             const struct seep_triage *triage, struct seep_kernel_memory *m,
                             struct seep_err *err)
{
    struct seep_physical_blocks *blocks = seep_alloc(1, sizeof *blocks);
    if (!blocks || !add_all(blocks, file, header, triage)) {
        seep_triage_blocks_free(blocks);
        return seep_fail_memory(err);
    }
    tidy(blocks);
    *m = (struct seep_kernel_memory){
        .memory = { .span = span, .next = next, .pointer_bytes = header->wide ? 8 : 4 },
        .blocks = blocks,
    };
    return true;
}

uint64_t seep_triage_memory_missing(const struct seep_kernel_memory *m)
{
    return m->blocks ? m->blocks->missing_bytes : 0;
}

void seep_triage_blocks_free(struct seep_physical_blocks *blocks)
{
    if (blocks)
        seep_free(blocks->at);
    seep_free(blocks);
}
