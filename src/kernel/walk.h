// SPDX-License-Identifier: MIT
// What the readers of a kernel's structures share: members by their offsets, gaps, and a map of
// addresses that have been seen, so that no list goes around for ever.
#ifndef SEEP_KERNEL_WALK_H
#define SEEP_KERNEL_WALK_H

#include "kernel/kernel.h"

// How far input is followed, whatever it says. Each is far above what any real machine has, and low
// enough that page tables which show one page at 2^36 places do not keep a reader busy.
enum {
    SEEP_KERNEL_MAX_PROCESSES = 1 << 20,    // of a list; PIDs end at 2^26, four to a process
    SEEP_KERNEL_MAX_PROCESSORS = 2048,      // of Windows Server 2022
    SEEP_KERNEL_MAX_TAGS = 1 << 18,         // tags of one machine; real ones have some 2,000
    SEEP_KERNEL_MAX_TRACKERS = 1 << 20,     // entries of one table; real ones have 2^12 to 2^16
    SEEP_KERNEL_MAX_ALL_TRACKERS = 1 << 25, // of all tables of all processors
    SEEP_KERNEL_MAX_HANDLES = 1 << 24,      // of one table: Windows' own limit
    SEEP_KERNEL_MAX_ALL_HANDLES = 1 << 25,  // entries of all tables together
};

void seep_kernel_gap_unreadable(struct seep_kernel_gaps *gaps, uint64_t address);
void seep_kernel_gap_bad(struct seep_kernel_gaps *gaps, uint64_t address);

// The member at `offset` of a structure, `bytes` (1, 2, 4 or 8) wide. False, and `*value`
// untouched, where the offset is not known or the memory not held.
bool seep_kernel_member(const struct seep_kernel *kernel, uint64_t address, uint32_t offset,
                        unsigned bytes, uint64_t *value);

// A variable or member of pointer size at an address; false where the address is 0 or not held.
bool seep_kernel_pointer(const struct seep_kernel *kernel, uint64_t address, uint64_t *value);

// 4 or 8.
unsigned seep_kernel_pointer_bytes(const struct seep_kernel *kernel);

// Pages that no machine has: 52 bits of physical address, or half of 32-bit numbers. Counters that
// went below zero lie above.
uint64_t seep_kernel_max_pages(const struct seep_kernel *kernel);

// Whether an address may be that of a structure of the kernel: in its half of the address space,
// aligned as the pool aligns.
bool seep_kernel_plausible(const struct seep_kernel *kernel, uint64_t address);

// seep_kernel_each_handle with a number of entries, free ones included, that may still be looked
// at.
bool seep_kernel_walk_handles(const struct seep_kernel *kernel, uint64_t handle_table,
                              bool (*take)(void *ctx, const struct seep_kernel_handle *), void *ctx,
                              uint64_t *left, struct seep_kernel_gaps *gaps, struct seep_err *err);

// What a handle can stand for at most: the references that it has in advance, and its own.
uint64_t seep_kernel_most_prepaid(const struct seep_kernel *kernel);

// A map from 64-bit keys to 32-bit values. A zeroed struct is empty.
struct seep_kernel_map {
    struct seep_kernel_slot {
        uint64_t key;
        uint32_t value; // one more than what was added; 0 = free
    } * slots;
    size_t n, capacity; // a power of two
};

// The value of a key, UINT32_MAX where there is none.
uint32_t seep_kernel_map_find(const struct seep_kernel_map *map, uint64_t key);

// Adds a key that is not there yet; values are below UINT32_MAX. False when memory is out.
bool seep_kernel_map_add(struct seep_kernel_map *map, uint64_t key, uint32_t value);
void seep_kernel_map_clear(struct seep_kernel_map *map);

#endif
