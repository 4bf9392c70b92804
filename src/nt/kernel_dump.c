// SPDX-License-Identifier: MIT
// The header of a kernel crash dump, and the block of addresses that the kernel leaves for
// debuggers.
#include "nt/kernel_dump.h"

#include "base/time.h"

#include <string.h>

// What the writer fills the header with before it sets fields: the text PAGE.
#define UNSET32 UINT32_C(0x45474150)
#define UNSET64 UINT64_C(0x4547415045474150)

enum { TICK_NS = 100 };

// Where the fields of DUMP_HEADER32 and DUMP_HEADER64 lie. Sources: the structures in the public
// Windows SDK metadata, rekall's and volatility's overlays; all but the 32-bit times checked
// against real headers.
struct layout {
    uint16_t size, pointer_bytes;
    uint16_t directory_table, pfn_database, loaded_modules, active_processes, machine, processors;
    uint16_t bugcheck, parameters, debugger_data, runs, type, required, time, up_time;
};

static const struct layout layout32 = {
    .size = 0x1000,
    .pointer_bytes = 4,
    .directory_table = 0x10,
    .pfn_database = 0x14,
    .loaded_modules = 0x18,
    .active_processes = 0x1c,
    .machine = 0x20,
    .processors = 0x24,
    .bugcheck = 0x28,
    .parameters = 0x2c,
    .debugger_data = 0x60,
    .runs = 0x64,
    .type = 0xf88,
    .required = 0xfa0,
    .time = 0xfc0,
    .up_time = 0xfb8,
};

static const struct layout layout64 = {
    .size = 0x2000,
    .pointer_bytes = 8,
    .directory_table = 0x10,
    .pfn_database = 0x18,
    .loaded_modules = 0x20,
    .active_processes = 0x28,
    .machine = 0x30,
    .processors = 0x34,
    .bugcheck = 0x38,
    .parameters = 0x40,
    .debugger_data = 0x80,
    .runs = 0x88,
    .type = 0xf98,
    .required = 0xfa0,
    .time = 0xfa8,
    .up_time = 0x1030,
};

enum { PAE_ENABLED = 0x5c }; // u8 of the 32-bit header

const char *seep_kernel_dump_kind_name(enum seep_kernel_dump_kind kind)
{
    switch (kind) {
    case SEEP_KERNEL_DUMP_FULL:
        return "full";
    case SEEP_KERNEL_DUMP_SUMMARY:
        return "summary";
    case SEEP_KERNEL_DUMP_HEADER:
        return "header";
    case SEEP_KERNEL_DUMP_TRIAGE:
        return "triage";
    case SEEP_KERNEL_DUMP_BITMAP:
        return "bitmap";
    case SEEP_KERNEL_DUMP_LIVE:
        return "live";
    case SEEP_KERNEL_DUMP_KERNEL:
        return "kernel";
    case SEEP_KERNEL_DUMP_KERNEL_AND_USER:
        return "kernel and user";
    case SEEP_KERNEL_DUMP_COMPLETE:
        return "complete";
    case SEEP_KERNEL_DUMP_UNKNOWN:
        break;
    }
    return "unknown";
}

bool seep_kernel_dump_is(struct seep_bytes file)
{
    return seep_bytes_match(file, 0, "PAGEDU64", 8) || seep_bytes_match(file, 0, "PAGEDUMP", 8);
}

static uint32_t number32(struct seep_bytes file, size_t offset, uint32_t otherwise)
{
    uint32_t value = seep_bytes_u32(file, offset);
    return value == UNSET32 ? otherwise : value;
}

static uint64_t number64(struct seep_bytes file, size_t offset, uint64_t otherwise)
{
    uint64_t value = seep_bytes_u64(file, offset);
    return value == UNSET64 ? otherwise : value;
}

// A pointer of the dump's width.
static uint64_t pointer(struct seep_bytes file, const struct layout *layout, size_t offset,
                        uint64_t otherwise)
{
    if (layout->pointer_bytes == 8)
        return number64(file, offset, otherwise);
    uint32_t value = seep_bytes_u32(file, offset);
    return value == UNSET32 ? otherwise : value;
}

static enum seep_kernel_dump_kind kind(uint32_t type)
{
    switch (type) {
    case SEEP_KERNEL_DUMP_FULL:
    case SEEP_KERNEL_DUMP_SUMMARY:
    case SEEP_KERNEL_DUMP_HEADER:
    case SEEP_KERNEL_DUMP_TRIAGE:
    case SEEP_KERNEL_DUMP_BITMAP:
    case SEEP_KERNEL_DUMP_LIVE:
    case SEEP_KERNEL_DUMP_KERNEL:
    case SEEP_KERNEL_DUMP_KERNEL_AND_USER:
    case SEEP_KERNEL_DUMP_COMPLETE:
        return (enum seep_kernel_dump_kind)type;
    default:
        return SEEP_KERNEL_DUMP_UNKNOWN;
    }
}

static void read_times(struct seep_bytes file, const struct layout *layout,
                       struct seep_kernel_dump_header *header)
{
    uint64_t time = number64(file, layout->time, 0), up = number64(file, layout->up_time, 0);
    header->time_ns = seep_time_from_filetime(time);
    header->boot_ns = SEEP_NO_TIME;
    // SystemUpTime counts 100 ns, as SystemTime does; 0 is no time at all.
    if (time && up && up < time)
        header->boot_ns = seep_time_from_filetime(time - up);
}

bool seep_kernel_dump_read(struct seep_bytes file, struct seep_kernel_dump_header *header,
                           struct seep_err *err)
{
    if (!seep_kernel_dump_is(file))
        return seep_fail(err, 0, "see `seep sources` for what seep reads", "not a kernel dump");
    bool wide = seep_bytes_match(file, 4, "DU64", 4);
    const struct layout *layout = wide ? &layout64 : &layout32;
    if (file.len < layout->size)
        return seep_fail(err, file.len, "copy the dump again",
                         "the kernel dump is cut off inside its header");
    struct seep_kernel_dump_header h = {
        .wide = wide,
        .pae = !wide && file.data[PAE_ENABLED] == 1,
        .kind = kind(number32(file, layout->type, 0)),
        .major = number32(file, 8, 0),
        .build = number32(file, 12, 0),
        .machine = number32(file, layout->machine, 0),
        .n_processors = number32(file, layout->processors, 0),
        .directory_table = pointer(file, layout, layout->directory_table, 0),
        .pfn_database = pointer(file, layout, layout->pfn_database, 0),
        .loaded_modules = pointer(file, layout, layout->loaded_modules, 0),
        .active_processes = pointer(file, layout, layout->active_processes, 0),
        .debugger_data = pointer(file, layout, layout->debugger_data, 0),
        .bugcheck = SEEP_UNKNOWN_FIELD,
        .n_pages = SEEP_UNKNOWN_FIELD,
        .required_size = number64(file, layout->required, SEEP_UNKNOWN_FIELD),
        .size_bytes = layout->size,
    };
    if (seep_le32(file.data + layout->bugcheck) != UNSET32)
        h.bugcheck = seep_le32(file.data + layout->bugcheck);
    for (size_t i = 0; i < 4; i++) {
        size_t at = layout->parameters + i * layout->pointer_bytes;
        h.bugcheck_parameters[i] = pointer(file, layout, at, SEEP_UNKNOWN_FIELD);
    }
    // The count of runs stands before: unset together with it.
    if (seep_le32(file.data + layout->runs) != UNSET32)
        h.n_pages = pointer(file, layout, layout->runs + layout->pointer_bytes, SEEP_UNKNOWN_FIELD);
    read_times(file, layout, &h);
    *header = h;
    return true;
}

// KDDEBUGGER_DATA64 of WDBGEXTS.H; every field is 8 bytes wide, also in 32-bit dumps.
enum { KDBG_TAG = 0x10, KDBG_SIZE = 0x14, KDBG_PAGE_SIZE = 0x138 };

static const struct {
    uint16_t offset;
    uint16_t member;
} debugger_fields[] = {
    { 0x18, offsetof(struct seep_debugger_data, kernel_base) },
    { 0x48, offsetof(struct seep_debugger_data, loaded_modules) },
    { 0x50, offsetof(struct seep_debugger_data, active_processes) },
    { 0x58, offsetof(struct seep_debugger_data, cid_table) },
    { 0x68, offsetof(struct seep_debugger_data, paged_pool_descriptor) },
    { 0xc0, offsetof(struct seep_debugger_data, pfn_database) },
    { 0xf8, offsetof(struct seep_debugger_data, n_physical_pages) },
    { 0x100, offsetof(struct seep_debugger_data, maximum_nonpaged_pool) },
    { 0x140, offsetof(struct seep_debugger_data, paged_pool_size) },
    { 0x148, offsetof(struct seep_debugger_data, total_commit_limit) },
    { 0x150, offsetof(struct seep_debugger_data, total_committed) },
    { 0x158, offsetof(struct seep_debugger_data, shared_commit) },
    { 0x160, offsetof(struct seep_debugger_data, driver_commit) },
    { 0x168, offsetof(struct seep_debugger_data, process_commit) },
    { 0x170, offsetof(struct seep_debugger_data, paged_pool_commit) },
    { 0x1a8, offsetof(struct seep_debugger_data, available_pages) },
    { 0x1b0, offsetof(struct seep_debugger_data, resident_available_pages) },
    { 0x1b8, offsetof(struct seep_debugger_data, pool_track_table) },
    { 0x220, offsetof(struct seep_debugger_data, unloaded_drivers) },
    { 0x250, offsetof(struct seep_debugger_data, allocated_nonpaged_pool) },
    { 0x258, offsetof(struct seep_debugger_data, peak_commitment) },
    { 0x260, offsetof(struct seep_debugger_data, commit_limit_maximum) },
    { 0x270, offsetof(struct seep_debugger_data, physical_memory_block) },
};

bool seep_debugger_data_read(struct seep_bytes block, struct seep_debugger_data *data)
{
    if (!seep_bytes_match(block, KDBG_TAG, "KDBG", 4) || !seep_bytes_has(block, KDBG_SIZE, 4))
        return false;
    // What the block's own size leaves out, older systems do not have.
    struct seep_bytes own = seep_bytes_part(block, 0, seep_le32(block.data + KDBG_SIZE));
    struct seep_debugger_data d = { .page_size = seep_bytes_u32(own, KDBG_PAGE_SIZE) };
    for (size_t i = 0; i < sizeof debugger_fields / sizeof *debugger_fields; i++) {
        uint64_t value = seep_bytes_u64(own, debugger_fields[i].offset);
        memcpy((uint8_t *)&d + debugger_fields[i].member, &value, sizeof value);
    }
    *data = d;
    return true;
}
