// SPDX-License-Identifier: MIT
// The debugger's block (KDDEBUGGER_DATA64) in a kernel's memory.
//
// Since Windows 8 it may be encoded while the system runs; a bugcheck writes it in clear. The code,
// as QEMU's elf2dmp and Volatility document it (facts): each of its 64-bit numbers v is
//     KiWaitAlways ^ byteswap(address of KdpDataBlockEncoded ^ rotl(v ^ KiWaitNever, KiWaitNever))
// with the rotation by the lowest six bits.
#include "kernel/identify.h"

#include <stdio.h>

enum {
    BLOCK_BYTES = 0x380,  // up to OffsetKPriQueueThreadListHead of 19041
    NEEDED_BYTES = 0x1c0, // up to PoolTrackTable
};

static void put64(uint8_t *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t swap_bytes(uint64_t value)
{
    uint64_t swapped = 0;
    for (unsigned i = 0; i < 8; i++)
        swapped = swapped << 8 | (value >> (8 * i) & 0xff);
    return swapped;
}

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    bits &= 63;
    return bits ? value << bits | value >> (64 - bits) : value;
}

bool seep_kernel_debugger_data_at(const struct seep_memory *memory, uint64_t address,
                                  struct seep_debugger_data *data)
{
    uint8_t block[BLOCK_BYTES];
    if (!address)
        return false;
    size_t n = seep_memory_read(memory, address, block, sizeof block);
    return n >= NEEDED_BYTES && seep_debugger_data_read(seep_bytes(block, n), data);
}

bool seep_kernel_symbol(const struct seep_symbol_table *table, const char *name, uint32_t *rva)
{
    char decorated[64];
    (void)snprintf(decorated, sizeof decorated, "_%s", name);
    return seep_symbol_table_find(table, name, rva) ||
           seep_symbol_table_find(table, decorated, rva);
}

static bool number(const struct seep_memory *memory, uint64_t base,
                   const struct seep_symbol_table *table, const char *name, uint64_t *value)
{
    uint32_t rva;
    return seep_kernel_symbol(table, name, &rva) && seep_memory_u64(memory, base + rva, value);
}

bool seep_kernel_debugger_data_decode(const struct seep_memory *memory, uint64_t base,
                                      const struct seep_symbol_table *table,
                                      struct seep_debugger_data *data)
{
    uint8_t block[BLOCK_BYTES];
    uint64_t never, always;
    uint32_t encoded, place;
    if (!base || !table || !number(memory, base, table, "KiWaitNever", &never) ||
        !number(memory, base, table, "KiWaitAlways", &always) ||
        !seep_kernel_symbol(table, "KdpDataBlockEncoded", &encoded) ||
        !seep_kernel_symbol(table, "KdDebuggerDataBlock", &place))
        return false;
    size_t n = seep_memory_read(memory, base + place, block, sizeof block) & ~(size_t)7;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t v = rotate_left(seep_le64(block + i) ^ never, (unsigned)(never & 63));
        put64(block + i, always ^ swap_bytes((base + encoded) ^ v));
    }
    return n >= NEEDED_BYTES && seep_debugger_data_read(seep_bytes(block, n), data);
}
