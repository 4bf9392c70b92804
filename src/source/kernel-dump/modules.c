// SPDX-License-Identifier: MIT
// The drivers of a kernel dump, loaded and unloaded.
#include "source/kernel-dump/reader.h"

#include "kernel/identify.h"

#include <string.h>

enum {
    MAX_DRIVERS = 1 << 16, // Windows has hundreds; a list that leads in circles ends here
    NAME_BYTES = 2048,     // of UTF-16 that are looked at
    UNLOADED = 50,         // entries of MmUnloadedDrivers (MI_UNLOADED_DRIVERS)
};

// Where the members of KLDR_DATA_TABLE_ENTRY lie: 64 bits (public symbols of Windows 10), 32 bits
// (public symbols of Windows 7).
struct entry_layout {
    uint32_t base, size, full_name, base_name, checksum;
};
static const struct entry_layout entry64 = { 0x30, 0x40, 0x48, 0x58, 0x78 };
static const struct entry_layout entry32 = { 0x18, 0x20, 0x24, 0x2c, 0x40 };

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '\\');
    return slash ? slash + 1 : path;
}

// Fills in what the image's own pages say, where the dump holds them.
static void from_image(const struct kdump *k, struct seep_pe *pe, struct seep_module *module)
{
    if (!k->has_memory || module->unloaded ||
        !seep_kernel_image_at(&k->memory.memory, module->base, pe))
        return;
    const char *name = module->identity.name;
    uint32_t checksum = module->identity.checksum;
    module->identity = seep_pe_identity(pe, name);
    if (!module->identity.checksum)
        module->identity.checksum = checksum;
    if (pe->version[0])
        module->version = pe->version;
}

static bool push_module(struct kdump *k, const struct seep_module *given, const char *path)
{
    struct seep_pe pe;
    struct seep_module module = *given;
    if (path && *path) {
        module.path = path;
        module.identity.name = file_name(path);
    }
    if (!module.identity.size_bytes && module.size_bytes <= UINT32_MAX)
        module.identity.size_bytes = (uint32_t)module.size_bytes;
    from_image(k, &pe, &module);
    // The kernel's own record may have been found in another way.
    if (module.base == k->kernel.base && !seep_guid_known(module.identity.pdb.guid) &&
        seep_guid_known(k->kernel.pdb.guid)) {
        module.identity.pdb = k->kernel.pdb;
        if (!module.identity.pdb.name)
            module.identity.pdb.name = "ntkrnlmp.pdb";
    }
    if (!module.version && module.base == k->kernel.base && k->kernel.version[0] &&
        k->kernel.known_by == SEEP_KERNEL_BY_TABLE)
        module.version = k->kernel.version;
    return seep_sink_module(k->sink, &module);
}

void kdump_kernel_driver(const struct kdump *k, struct seep_kernel_hints *hints)
{
    struct seep_triage_driver driver;
    if (!seep_triage_driver(k->input->view, &k->header, &k->triage, 0, &driver))
        return;
    hints->kernel_base = driver.base;
    hints->image.size_bytes = driver.size_bytes;
    hints->image.timestamp = driver.timestamp;
    hints->image.checksum = driver.checksum;
}

static bool push_triage_drivers(struct kdump *k)
{
    uint64_t n_bad = 0;
    bool ok = true;
    for (uint32_t i = 0; ok && i < k->triage.n_drivers; i++) {
        struct seep_triage_driver driver;
        if (!seep_triage_driver(k->input->view, &k->header, &k->triage, i, &driver)) {
            n_bad = k->triage.n_drivers - i; // nor is any behind it
            break;
        }
        struct seep_module module = {
            .base = driver.base,
            .size_bytes = driver.size_bytes,
            .identity = { .timestamp = driver.timestamp, .checksum = driver.checksum },
        };
        ok = push_module(k, &module, kdump_text(k, driver.name)) && !k->stopped;
    }
    if (ok && n_bad)
        ok = seep_sink_lose(k->sink, "truncated", n_bad, SEEP_UNKNOWN_COUNT,
                            k->triage.drivers_offset,
                            "%u of %u drivers of the list are not in the file", (unsigned)n_bad,
                            (unsigned)k->triage.n_drivers);
    return ok;
}

// A UNICODE_STRING of the kernel's memory in `room`; empty where it is not held.
static struct seep_bytes unicode(const struct kdump *k, uint64_t address, uint8_t *room)
{
    const struct seep_memory *memory = &k->memory.memory;
    unsigned width = memory->pointer_bytes;
    uint16_t len;
    uint64_t buffer;
    if (!seep_memory_u16(memory, address, &len) ||
        !seep_memory_pointer(memory, address + width, width, &buffer) || !buffer)
        return seep_bytes(room, 0);
    if (len > NAME_BYTES)
        len = NAME_BYTES;
    size_t n = seep_memory_read(memory, buffer, room, len);
    return seep_bytes(room, n & ~(size_t)1);
}

// One entry; `*sane` is false where it cannot be one.
static bool push_loaded(struct kdump *k, uint64_t entry, bool *sane)
{
    const struct seep_memory *memory = &k->memory.memory;
    const struct entry_layout *at = memory->pointer_bytes == 8 ? &entry64 : &entry32;
    uint8_t room[NAME_BYTES];
    uint32_t size = 0, checksum = 0;
    uint64_t base;
    *sane = true;
    if (!seep_memory_pointer(memory, entry + at->base, memory->pointer_bytes, &base))
        return true;
    *sane = base && base % SEEP_PAGE_BYTES == 0;
    if (!*sane)
        return true;
    (void)seep_memory_u32(memory, entry + at->size, &size);
    (void)seep_memory_u32(memory, entry + at->checksum, &checksum);
    struct seep_bytes name = unicode(k, entry + at->full_name, room);
    if (!name.len)
        name = unicode(k, entry + at->base_name, room);
    struct seep_module module = { .base = base,
                                  .size_bytes = size,
                                  .identity = { .checksum = checksum } };
    return push_module(k, &module, kdump_text(k, name)) && !k->stopped;
}

static bool push_list(struct kdump *k)
{
    const struct seep_memory *memory = &k->memory.memory;
    unsigned width = memory->pointer_bytes;
    uint64_t head = k->kernel.symbols.loaded_modules, entry, next, mark;
    struct seep_kernel_gaps gaps = { 0 };
    bool sane = true;
    if (!head)
        return true;
    if (!seep_memory_pointer(memory, head, width, &entry)) {
        gaps = (struct seep_kernel_gaps){ .n_unreadable = 1, .first = head };
        return kdump_gaps(k, "the list of drivers", &gaps);
    }
    mark = head;
    for (uint32_t n = 1; entry != head; n++, entry = next) {
        bool held = seep_memory_pointer(memory, entry, width, &next);
        // A circle without the head comes back to what was marked, at the latest one turn after
        // the mark has come into it.
        bool bad = entry % width || entry == mark || n == MAX_DRIVERS;
        if (held && !bad && !push_loaded(k, entry, &sane))
            return false;
        if (!held || bad || !sane) {
            gaps.first = entry;
            *(held ? &gaps.n_bad : &gaps.n_unreadable) = 1;
            break;
        }
        if ((n & (n - 1)) == 0)
            mark = entry;
    }
    return kdump_gaps(k, "the list of drivers", &gaps);
}

// Of a triage dump: a count in 4 or 8 bytes, then {UNICODE_STRING, 12 characters, start, end}, as
// DUMP_UNLOADED_DRIVERS of the debugger's headers.
static bool push_triage_unloaded(struct kdump *k)
{
    struct seep_bytes file = k->input->view;
    unsigned width = k->header.wide ? 8 : 4;
    size_t entry = width == 8 ? 0x38 : 0x28, text = width == 8 ? 0x10 : 8;
    uint64_t offset = k->triage.unloaded_offset;
    uint32_t n = offset ? seep_bytes_u32(file, offset) : 0;
    bool ok = true;
    for (uint32_t i = 0; ok && i < n; i++) {
        uint64_t at = offset + width + (uint64_t)i * entry;
        if (!seep_bytes_has(file, at, entry))
            return seep_sink_lose(k->sink, "truncated", n - i, SEEP_UNKNOWN_COUNT, offset,
                                  "%u of %u unloaded drivers are not in the file",
                                  (unsigned)(n - i), (unsigned)n);
        uint16_t len = seep_le16(file.data + at);
        uint64_t start =
            width == 8 ? seep_bytes_u64(file, at + 0x28) : seep_bytes_u32(file, at + 0x20);
        uint64_t end =
            width == 8 ? seep_bytes_u64(file, at + 0x30) : seep_bytes_u32(file, at + 0x24);
        struct seep_module module = { .base = start,
                                      .size_bytes = end > start ? end - start : 0,
                                      .unloaded = true };
        struct seep_bytes name = seep_bytes_part(file, at + text, len < 24 ? len & ~1u : 24);
        ok = push_module(k, &module, kdump_text(k, name)) && !k->stopped;
    }
    return ok;
}

// MmUnloadedDrivers: a pointer to {UNICODE_STRING, start, end, time}.
static bool push_unloaded(struct kdump *k)
{
    const struct seep_memory *memory = &k->memory.memory;
    unsigned width = memory->pointer_bytes;
    uint64_t variable = k->kernel.has_debugger_data ? k->kernel.debugger_data.unloaded_drivers : 0;
    uint64_t table, start, end;
    uint8_t room[NAME_BYTES];
    bool ok = true;
    if (!variable || !seep_memory_pointer(memory, variable, width, &table) || !table)
        return true;
    for (uint64_t i = 0; ok && i < UNLOADED; i++) {
        uint64_t at = table + i * (width == 8 ? 0x28 : 0x18);
        if (!seep_memory_pointer(memory, at + 2 * width, width, &start) ||
            !seep_memory_pointer(memory, at + 3 * width, width, &end) || !start)
            break;
        struct seep_module module = { .base = start,
                                      .size_bytes = end > start ? end - start : 0,
                                      .unloaded = true };
        ok = push_module(k, &module, kdump_text(k, unicode(k, at, room))) && !k->stopped;
    }
    return ok;
}

bool kdump_push_modules(struct kdump *k)
{
    if (k->input->leave_out & (UINT32_C(1) << SEEP_FACT_MODULE))
        return true;
    if (k->has_triage)
        return push_triage_drivers(k) && push_triage_unloaded(k);
    return !k->has_memory || (push_list(k) && push_unloaded(k));
}
