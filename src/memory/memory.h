// SPDX-License-Identifier: MIT
// "Read n bytes at a virtual address": one interface over whatever holds memory: the ranges of a
// user dump, the page tables of a kernel dump, plain bytes in a test.
//
// Nothing is ever invented: an address that the dump does not hold gives no bytes, and a read ends
// before the first one that is missing.
#ifndef SEEP_MEMORY_MEMORY_H
#define SEEP_MEMORY_MEMORY_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_memory {
    // The longest run of bytes that lie in one piece from `address` on, empty where the first is
    // not there. The view stays valid as long as the memory does.
    struct seep_bytes (*span)(const struct seep_memory *, uint64_t address);
    // The lowest address at or above `address` that is held; false where there is none. What comes
    // between held runs is skipped this way, however wide the gap.
    bool (*next)(const struct seep_memory *, uint64_t address, uint64_t *held);
    uint8_t pointer_bytes; // 4 or 8: of the address space's native pointers
};

// Copies up to `len` bytes from `address` on; returns how many were there without a gap.
size_t seep_memory_read(const struct seep_memory *memory, uint64_t address, void *out, size_t len);

// Little-endian numbers; false and `*value` untouched where they are not all there.
bool seep_memory_u16(const struct seep_memory *memory, uint64_t address, uint16_t *value);
bool seep_memory_u32(const struct seep_memory *memory, uint64_t address, uint32_t *value);
bool seep_memory_u64(const struct seep_memory *memory, uint64_t address, uint64_t *value);

// A pointer of `bytes` bytes (4 or 8), widened.
bool seep_memory_pointer(const struct seep_memory *memory, uint64_t address, unsigned bytes,
                         uint64_t *value);

#endif
