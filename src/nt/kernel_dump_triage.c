// SPDX-License-Identifier: MIT
// What a triage dump ("small memory dump") holds behind its first header.
//
// The 64-bit layout is checked against real dumps; the 32-bit one is that of the public types
// _TRIAGE_DUMP32 and _DUMP_DRIVER_ENTRY32, and has met synthetic dumps only.
#include "nt/kernel_dump.h"

enum {
    TRIAGE64_BYTES = 0x80,
    TRIAGE32_BYTES = 0x68,
    DEBUGGER_DATA64 = 0x70, // offset, size, then the data blocks' offset and count
    DEBUGGER_DATA32 = 0x58,
};

bool seep_triage_read(struct seep_bytes file, const struct seep_kernel_dump_header *header,
                      struct seep_triage *triage, struct seep_err *err)
{
    struct seep_bytes own = seep_bytes_part(file, header->size_bytes, SIZE_MAX);
    if (header->kind != SEEP_KERNEL_DUMP_TRIAGE)
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "not a triage dump");
    if (own.len < (header->wide ? TRIAGE64_BYTES : TRIAGE32_BYTES))
        return seep_fail(err, file.len, "copy the dump again",
                         "the triage dump is cut off inside its second header");
    const uint8_t *p = own.data, *q = p + (header->wide ? DEBUGGER_DATA64 : DEBUGGER_DATA32);
    *triage = (struct seep_triage){
        .size_of_dump = seep_le32(p + 4),
        .valid_offset = seep_le32(p + 8),
        .context_offset = seep_le32(p + 0xc),
        .exception_offset = seep_le32(p + 0x10),
        .memory_record_offset = seep_le32(p + 0x14),
        .unloaded_offset = seep_le32(p + 0x18),
        .prcb_offset = seep_le32(p + 0x1c),
        .process_offset = seep_le32(p + 0x20),
        .thread_offset = seep_le32(p + 0x24),
        .stack_offset = seep_le32(p + 0x28),
        .stack_bytes = seep_le32(p + 0x2c),
        .drivers_offset = seep_le32(p + 0x30),
        .n_drivers = seep_le32(p + 0x34),
        .strings_offset = seep_le32(p + 0x38),
        .strings_bytes = seep_le32(p + 0x3c),
        .options = seep_le32(p + 0x44),
        .debugger_data_offset = seep_le32(q),
        .debugger_data_bytes = seep_le32(q + 4),
        .blocks_offset = seep_le32(q + 8),
        .n_blocks = seep_le32(q + 12),
    };
    return true;
}

// DUMP_DRIVER_ENTRY32/64: u32 offset of the name, then the loader's entry of the driver.
struct driver_layout {
    uint8_t entry_bytes, base, size, checksum, timestamp;
};
static const struct driver_layout driver32 = { 0x4c, 0x1c, 0x24, 0x44, 0x48 };
static const struct driver_layout driver64 = { 0x90, 0x38, 0x48, 0x80, 0x88 };

bool seep_triage_driver(struct seep_bytes file, const struct seep_kernel_dump_header *header,
                        const struct seep_triage *triage, uint32_t index,
                        struct seep_triage_driver *driver)
{
    const struct driver_layout *layout = header->wide ? &driver64 : &driver32;
    struct seep_bytes list = seep_bytes_part(file, triage->drivers_offset, SIZE_MAX);
    if (!triage->drivers_offset || index >= triage->n_drivers ||
        index >= list.len / layout->entry_bytes)
        return false;
    const uint8_t *p = list.data + (size_t)index * layout->entry_bytes;
    uint32_t name = seep_le32(p);
    if (!name || !seep_bytes_has(file, name, 4))
        return false;
    // DUMP_STRING: a count of characters, then UTF-16.
    uint32_t n = seep_le32(file.data + name);
    struct seep_bytes text = seep_bytes_part(file, (size_t)name + 4, SIZE_MAX);
    if (n > text.len / 2)
        return false;
    *driver = (struct seep_triage_driver){
        .base = header->wide ? seep_le64(p + layout->base) : seep_le32(p + layout->base),
        .size_bytes = seep_le32(p + layout->size),
        .checksum = seep_le32(p + layout->checksum),
        .timestamp = seep_le32(p + layout->timestamp),
        .name = seep_bytes_part(text, 0, (size_t)n * 2),
    };
    return true;
}

static uint64_t recorded(struct seep_bytes record, size_t offset)
{
    uint64_t value = seep_bytes_u64(record, offset);
    return value ? value : SEEP_UNKNOWN_FIELD;
}

bool seep_triage_memory_read(struct seep_bytes file, const struct seep_triage *triage,
                             struct seep_triage_memory *memory)
{
    enum { VERSION = 1, BYTES = 0x50 };
    struct seep_bytes record = seep_bytes_part(file, triage->memory_record_offset, BYTES);
    if (!triage->memory_record_offset || record.len < BYTES || seep_le32(record.data) != VERSION ||
        seep_le32(record.data + 4) != BYTES)
        return false;
    struct seep_triage_memory m = {
        .nonpaged_maximum = recorded(record, 0x18),
        .nonpaged = recorded(record, 0x20),
        .paged_maximum = recorded(record, 0x28),
        .paged = recorded(record, 0x30),
        .committed = recorded(record, 0x38),
        .peak_committed = recorded(record, 0x40),
        .commit_limit_maximum = recorded(record, 0x48),
    };
    *memory = m;
    return true;
}
