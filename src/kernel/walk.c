// SPDX-License-Identifier: MIT
// Members by their offsets, gaps, and a map of addresses.
#include "kernel/walk.h"

#include "base/alloc.h"

void seep_kernel_gap_unreadable(struct seep_kernel_gaps *gaps, uint64_t address)
{
    if (!gaps->first)
        gaps->first = address;
    gaps->n_unreadable++;
}

void seep_kernel_gap_bad(struct seep_kernel_gaps *gaps, uint64_t address)
{
    if (!gaps->first)
        gaps->first = address;
    gaps->n_bad++;
}

unsigned seep_kernel_pointer_bytes(const struct seep_kernel *kernel)
{
    if (kernel->layout.pointer_bytes == 4 || kernel->layout.pointer_bytes == 8)
        return kernel->layout.pointer_bytes;
    return kernel->memory->pointer_bytes == 4 ? 4 : 8;
}

bool seep_kernel_member(const struct seep_kernel *kernel, uint64_t address, uint32_t offset,
                        unsigned bytes, uint64_t *value)
{
    uint8_t raw[8] = { 0 };
    if (offset == SEEP_KERNEL_NO_OFFSET || !address || offset > UINT64_MAX - address)
        return false;
    if (seep_memory_read(kernel->memory, address + offset, raw, bytes) != bytes)
        return false;
    *value = seep_le64(raw);
    return true;
}

bool seep_kernel_pointer(const struct seep_kernel *kernel, uint64_t address, uint64_t *value)
{
    return seep_kernel_member(kernel, address, 0, seep_kernel_pointer_bytes(kernel), value);
}

uint64_t seep_kernel_max_pages(const struct seep_kernel *kernel)
{
    return UINT64_C(1) << (seep_kernel_pointer_bytes(kernel) == 8 ? 40 : 31);
}

bool seep_kernel_plausible(const struct seep_kernel *kernel, uint64_t address)
{
    unsigned bytes = seep_kernel_pointer_bytes(kernel);
    if (bytes == 8)
        return address >> 63 && address % 8 == 0;
    // The kernel's part of 32 bits begins at 2 GB; only user memory can be given more of it.
    return address >= UINT32_C(0x80000000) && address <= UINT32_MAX && address % 8 == 0;
}

// The finalizer of SplitMix64: every bit of the key moves every bit of the place.
static size_t place(uint64_t key, size_t capacity)
{
    key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(key ^ key >> 31) & (capacity - 1);
}

uint32_t seep_kernel_map_find(const struct seep_kernel_map *map, uint64_t key)
{
    if (!map->capacity)
        return UINT32_MAX;
    for (size_t i = place(key, map->capacity);; i = (i + 1) & (map->capacity - 1)) {
        if (!map->slots[i].value)
            return UINT32_MAX;
        if (map->slots[i].key == key)
            return map->slots[i].value - 1;
    }
}

static void put(struct seep_kernel_map *map, uint64_t key, uint32_t stored)
{
    size_t i = place(key, map->capacity);
    while (map->slots[i].value)
        i = (i + 1) & (map->capacity - 1);
    map->slots[i].key = key;
    map->slots[i].value = stored;
}

bool seep_kernel_map_add(struct seep_kernel_map *map, uint64_t key, uint32_t value)
{
    if (map->n >= map->capacity / 2) {
        struct seep_kernel_map wider = { .capacity = map->capacity ? map->capacity * 2 : 256 };
        wider.slots = seep_alloc(wider.capacity, sizeof *wider.slots);
        if (!wider.slots)
            return false;
        for (size_t i = 0; i < map->capacity; i++) {
            if (map->slots[i].value)
                put(&wider, map->slots[i].key, map->slots[i].value);
        }
        seep_free(map->slots);
        map->slots = wider.slots;
        map->capacity = wider.capacity;
    }
    put(map, key, value + 1);
    map->n++;
    return true;
}

void seep_kernel_map_clear(struct seep_kernel_map *map)
{
    seep_free(map->slots);
    *map = (struct seep_kernel_map){ 0 };
}
