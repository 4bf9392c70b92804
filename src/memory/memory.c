// SPDX-License-Identifier: MIT
// Reads across the pieces of a memory.
#include "memory/memory.h"

#include <string.h>

size_t seep_memory_read(const struct seep_memory *memory, uint64_t address, void *out, size_t len)
{
    size_t done = 0;
    while (done < len) {
        if (done > UINT64_MAX - address)
            break;
        struct seep_bytes piece = memory->span(memory, address + done);
        if (!piece.len)
            break;
        size_t n = piece.len < len - done ? piece.len : len - done;
        memcpy((uint8_t *)out + done, piece.data, n);
        done += n;
    }
    return done;
}

bool seep_memory_u16(const struct seep_memory *memory, uint64_t address, uint16_t *value)
{
    uint8_t bytes[2];
    if (seep_memory_read(memory, address, bytes, sizeof bytes) != sizeof bytes)
        return false;
    *value = seep_le16(bytes);
    return true;
}

bool seep_memory_u32(const struct seep_memory *memory, uint64_t address, uint32_t *value)
{
    uint8_t bytes[4];
    if (seep_memory_read(memory, address, bytes, sizeof bytes) != sizeof bytes)
        return false;
    *value = seep_le32(bytes);
    return true;
}

bool seep_memory_u64(const struct seep_memory *memory, uint64_t address, uint64_t *value)
{
    uint8_t bytes[8];
    if (seep_memory_read(memory, address, bytes, sizeof bytes) != sizeof bytes)
        return false;
    *value = seep_le64(bytes);
    return true;
}

bool seep_memory_pointer(const struct seep_memory *memory, uint64_t address, unsigned bytes,
                         uint64_t *value)
{
    uint32_t narrow;
    if (bytes == 8)
        return seep_memory_u64(memory, address, value);
    if (!seep_memory_u32(memory, address, &narrow))
        return false;
    *value = narrow;
    return true;
}
