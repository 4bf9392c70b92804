// SPDX-License-Identifier: MIT
// The records of a minidump's streams. Offsets are those of minidumpapiset.h, which packs its
// structures to 4 bytes.
#include "base/utf.h"
#include "nt/minidump.h"

#include <string.h>

bool seep_minidump_system(const struct seep_minidump *dump, struct seep_minidump_system *system)
{
    struct seep_minidump_stream stream;
    if (!seep_minidump_stream(dump, SEEP_MINIDUMP_SYSTEM, &stream) || stream.bytes.len < 24)
        return false;
    const uint8_t *p = stream.bytes.data;
    *system = (struct seep_minidump_system){
        .architecture = seep_le16(p),
        .n_processors = p[6],
        .major = seep_le32(p + 8),
        .minor = seep_le32(p + 12),
        .build = seep_le32(p + 16),
        .platform = seep_le32(p + 20),
    };
    return true;
}

const char *seep_minidump_foreign(uint32_t platform)
{
    // Breakpad's minidump_format.h, MDOSPlatform
    switch (platform) {
    case 0x8101:
        return "macOS";
    case 0x8102:
        return "iOS";
    case 0x8201:
        return "Linux";
    case 0x8202:
        return "Solaris";
    case 0x8203:
        return "Android";
    case 0x8204:
        return "PlayStation 3";
    case 0x8205:
        return "Native Client";
    case 0x8206:
        return "Fuchsia";
    default:
        return platform >= 0x8000 ? "another system" : NULL;
    }
}

unsigned seep_minidump_pointer_bytes(uint16_t architecture)
{
    return architecture == SEEP_MINIDUMP_AMD64 || architecture == SEEP_MINIDUMP_ARM64 ||
                   architecture == SEEP_MINIDUMP_ARM64_BREAKPAD ||
                   architecture == SEEP_MINIDUMP_IA64
               ? 8
               : 4;
}

bool seep_minidump_misc(const struct seep_minidump *dump, struct seep_minidump_misc *misc)
{
    enum { HAS_PID = 1, HAS_TIMES = 2 };
    struct seep_minidump_stream stream;
    if (!seep_minidump_stream(dump, SEEP_MINIDUMP_MISC, &stream) || stream.bytes.len < 12)
        return false;
    uint32_t flags = seep_bytes_u32(stream.bytes, 4);
    *misc = (struct seep_minidump_misc){
        .has_pid = flags & HAS_PID,
        .has_start = (flags & HAS_TIMES) && stream.bytes.len >= 16,
        .pid = seep_bytes_u32(stream.bytes, 8),
        .start_s = seep_bytes_u32(stream.bytes, 12),
    };
    return true;
}

struct seep_minidump_thread seep_minidump_thread(struct seep_bytes entry)
{
    return (struct seep_minidump_thread){
        .id = seep_bytes_u32(entry, 0),
        .teb = seep_bytes_u64(entry, 16),
        .stack = seep_bytes_u64(entry, 24),
        .stack_bytes = seep_bytes_u32(entry, 32),
        .stack_rva = seep_bytes_u32(entry, 36),
        .context_bytes = seep_bytes_u32(entry, 40),
        .context_rva = seep_bytes_u32(entry, 44),
    };
}

bool seep_minidump_context(struct seep_bytes context, uint16_t architecture,
                           struct seep_minidump_registers *registers)
{
    // CONTEXT of winnt.h: where its integer registers are, the stack pointer and the program
    // counter among them
    static const struct {
        uint16_t architecture, first, last, stack_pointer, instruction;
        uint8_t bytes;
    } rows[] = {
        { SEEP_MINIDUMP_AMD64, 0x78, 0xf8, 0x98, 0xf8, 8 }, // Rax .. Rip
        { SEEP_MINIDUMP_X86, 0x9c, 0xc4, 0xc4, 0xb8, 4 },   // Edi .. Esp
        { SEEP_MINIDUMP_X86_ON_WIN64, 0x9c, 0xc4, 0xc4, 0xb8, 4 },
        { SEEP_MINIDUMP_ARM, 0x04, 0x40, 0x38, 0x40, 4 },      // R0 .. Pc
        { SEEP_MINIDUMP_ARM64, 0x08, 0x108, 0x100, 0x108, 8 }, // X0 .. Pc
    };
    enum { AMD64_CS = 0x38, CS_OF_CODE32 = 0x23 };
    size_t row = 0;
    while (row < sizeof rows / sizeof *rows && rows[row].architecture != architecture)
        row++;
    if (row == sizeof rows / sizeof *rows || context.len < (size_t)rows[row].last + rows[row].bytes)
        return false;
    struct seep_minidump_registers r = { 0 };
    for (size_t at = rows[row].first; at <= rows[row].last; at += rows[row].bytes) {
        uint64_t value = rows[row].bytes == 8 ? seep_bytes_u64(context, at)
                                              : (uint64_t)seep_bytes_u32(context, at);
        r.values[r.n++] = value;
        if (at == rows[row].stack_pointer)
            r.stack_pointer = value;
        if (at == rows[row].instruction)
            r.instruction = value;
    }
    r.code32 =
        architecture == SEEP_MINIDUMP_AMD64 && seep_le16(context.data + AMD64_CS) == CS_OF_CODE32;
    *registers = r;
    return true;
}

bool seep_minidump_registers(const struct seep_minidump *dump, uint16_t architecture,
                             const struct seep_minidump_thread *thread,
                             struct seep_minidump_registers *registers)
{
    return thread->context_rva &&
           seep_minidump_context(
               seep_bytes_part(dump->file, thread->context_rva, thread->context_bytes),
               architecture, registers);
}

bool seep_minidump_exception(const struct seep_minidump *dump,
                             struct seep_minidump_exception *exception)
{
    // MINIDUMP_EXCEPTION_STREAM: thread, alignment, MINIDUMP_EXCEPTION (152 bytes), context
    enum { RECORD = 8, CONTEXT = 160, BYTES = 168 };
    struct seep_minidump_stream stream;
    if (!seep_minidump_stream(dump, SEEP_MINIDUMP_EXCEPTION, &stream) || stream.bytes.len < BYTES)
        return false;
    *exception = (struct seep_minidump_exception){
        .thread = seep_bytes_u32(stream.bytes, 0),
        .code = seep_bytes_u32(stream.bytes, RECORD),
        .context_bytes = seep_bytes_u32(stream.bytes, CONTEXT),
        .context_rva = seep_bytes_u32(stream.bytes, CONTEXT + 4),
    };
    return true;
}

struct seep_minidump_module seep_minidump_module(struct seep_bytes entry)
{
    enum { VERSION_INFO = 24 };
    const uint32_t magic = 0xfeef04bd; // of VS_FIXEDFILEINFO
    struct seep_minidump_module module = {
        .base = seep_bytes_u64(entry, 0),
        .size_bytes = seep_bytes_u32(entry, 8),
        .checksum = seep_bytes_u32(entry, 12),
        .timestamp = seep_bytes_u32(entry, 16),
        .name_rva = seep_bytes_u32(entry, 20),
        .codeview_bytes = seep_bytes_u32(entry, 76),
        .codeview_rva = seep_bytes_u32(entry, 80),
    };
    uint32_t high = seep_bytes_u32(entry, VERSION_INFO + 8);
    uint32_t low = seep_bytes_u32(entry, VERSION_INFO + 12);
    if (seep_bytes_u32(entry, VERSION_INFO) == magic && (high || low)) {
        module.has_version = true;
        module.version[0] = (uint16_t)(high >> 16);
        module.version[1] = (uint16_t)high;
        module.version[2] = (uint16_t)(low >> 16);
        module.version[3] = (uint16_t)low;
    }
    return module;
}

struct seep_minidump_module seep_minidump_unloaded(struct seep_bytes entry)
{
    return (struct seep_minidump_module){
        .base = seep_bytes_u64(entry, 0),
        .size_bytes = seep_bytes_u32(entry, 8),
        .checksum = seep_bytes_u32(entry, 12),
        .timestamp = seep_bytes_u32(entry, 16),
        .name_rva = seep_bytes_u32(entry, 20),
    };
}

bool seep_minidump_codeview(const struct seep_minidump *dump,
                            const struct seep_minidump_module *module,
                            uint8_t guid[SEEP_GUID_BYTES], uint32_t *age, struct seep_buf *name)
{
    enum { RSDS_BYTES = 24 }; // "RSDS", GUID, age; then the name
    if (!module->codeview_rva || module->codeview_bytes < RSDS_BYTES ||
        !seep_bytes_has(dump->file, module->codeview_rva, module->codeview_bytes))
        return false;
    struct seep_bytes record =
        seep_bytes_part(dump->file, module->codeview_rva, module->codeview_bytes);
    if (!record.data || memcmp(record.data, "RSDS", 4) != 0)
        return false;
    memcpy(guid, record.data + 4, SEEP_GUID_BYTES);
    *age = seep_le32(record.data + 20);
    struct seep_bytes text = seep_bytes_part(record, RSDS_BYTES, SEEP_MAX_NAME);
    const uint8_t *end = text.len ? memchr(text.data, 0, text.len) : NULL;
    if (end)
        text.len = (size_t)(end - text.data);
    (void)seep_utf8_add(name, text);
    return true;
}

struct seep_minidump_range seep_minidump_range(struct seep_bytes entry)
{
    return (struct seep_minidump_range){
        .address = seep_bytes_u64(entry, 0),
        .size_bytes = seep_bytes_u32(entry, 8),
        .offset = seep_bytes_u32(entry, 12),
    };
}

struct seep_minidump_region seep_minidump_region(struct seep_bytes entry)
{
    return (struct seep_minidump_region){
        .base = seep_bytes_u64(entry, 0),
        .allocation_base = seep_bytes_u64(entry, 8),
        .size_bytes = seep_bytes_u64(entry, 24),
        .state = seep_bytes_u32(entry, 32),
        .protect = seep_bytes_u32(entry, 36),
        .type = seep_bytes_u32(entry, 40),
    };
}

struct seep_minidump_handle seep_minidump_handle(struct seep_bytes entry)
{
    return (struct seep_minidump_handle){
        .value = seep_bytes_u64(entry, 0),
        .type_rva = seep_bytes_u32(entry, 8),
        .name_rva = seep_bytes_u32(entry, 12),
        .access = seep_bytes_u32(entry, 20),
        .n_handles = seep_bytes_u32(entry, 24),
        .n_pointers = seep_bytes_u32(entry, 28),
    };
}

bool seep_minidump_vm_revision(const struct seep_minidump *dump, uint16_t *revision)
{
    struct seep_minidump_stream stream;
    if (!seep_minidump_stream(dump, SEEP_MINIDUMP_VM_COUNTERS, &stream) || stream.bytes.len < 2)
        return false;
    *revision = seep_le16(stream.bytes.data);
    return true;
}

bool seep_minidump_vm(const struct seep_minidump *dump, struct seep_minidump_vm *vm)
{
    enum { VIRTUAL_SIZE = 2, EX = 4 }; // Flags of revision 2: which fields are filled
    struct seep_minidump_stream stream;
    if (!seep_minidump_stream(dump, SEEP_MINIDUMP_VM_COUNTERS, &stream) || stream.bytes.len < 80)
        return false;
    uint16_t revision = seep_le16(stream.bytes.data), flags = seep_le16(stream.bytes.data + 2);
    if (revision == 0 || revision > 2 || (revision == 2 && stream.bytes.len < 96))
        return false;
    *vm = (struct seep_minidump_vm){
        .working_set_bytes = seep_bytes_u64(stream.bytes, 16),
        .paged_pool_bytes = seep_bytes_u64(stream.bytes, 32),
        .nonpaged_pool_bytes = seep_bytes_u64(stream.bytes, 48),
        .private_bytes = seep_bytes_u64(stream.bytes, revision == 1 ? 72 : 88),
        .virtual_bytes = UINT64_MAX,
    };
    if (revision >= 2 && (flags & VIRTUAL_SIZE))
        vm->virtual_bytes = seep_bytes_u64(stream.bytes, 80);
    if (revision >= 2 && !(flags & EX))
        vm->private_bytes = UINT64_MAX;
    return true;
}

static uint64_t pages(uint64_t n, uint32_t page_bytes)
{
    return n > UINT64_MAX / page_bytes ? UINT64_MAX : n * page_bytes;
}

bool seep_minidump_system_memory(const struct seep_minidump *dump,
                                 struct seep_minidump_system_memory *memory)
{
    // MINIDUMP_SYSTEM_MEMORY_INFO_1: u16 revision, u16 flags, basic information (52 bytes), file
    // cache (60), basic performance (32), performance (344).
    enum { HAS_BASIC_PERFORMANCE = 2, BASIC = 4, BASIC_PERFORMANCE = 116, PERFORMANCE = 148 };
    struct seep_minidump_stream stream;
    if (!seep_minidump_stream(dump, SEEP_MINIDUMP_SYSTEM_MEMORY, &stream) ||
        stream.bytes.len < PERFORMANCE)
        return false;
    struct seep_bytes b = stream.bytes;
    uint16_t flags = seep_le16(b.data + 2);
    uint32_t page = seep_bytes_u32(b, BASIC + 4);
    if (seep_le16(b.data) == 0 || page < 4096 || page > 65536 || (page & (page - 1)))
        return false;
    struct seep_minidump_system_memory m = {
        .page_bytes = page,
        .ram_bytes = pages(seep_bytes_u32(b, BASIC + 8), page),
        .available_bytes = UINT64_MAX,
        .commit_bytes = UINT64_MAX,
        .commit_limit_bytes = UINT64_MAX,
        .paged_pool_bytes = UINT64_MAX,
        .nonpaged_pool_bytes = UINT64_MAX,
    };
    if (flags & HAS_BASIC_PERFORMANCE) {
        uint64_t available = seep_bytes_u64(b, BASIC_PERFORMANCE);
        m.available_bytes = pages(available, page);
        m.commit_bytes = pages(seep_bytes_u64(b, BASIC_PERFORMANCE + 8), page);
        m.commit_limit_bytes = pages(seep_bytes_u64(b, BASIC_PERFORMANCE + 16), page);
        // The performance block repeats what is available: where it does, it is what it seems.
        if (b.len >= PERFORMANCE + 120 && seep_bytes_u32(b, PERFORMANCE + 44) == available) {
            m.paged_pool_bytes = pages(seep_bytes_u32(b, PERFORMANCE + 112), page);
            m.nonpaged_pool_bytes = pages(seep_bytes_u32(b, PERFORMANCE + 116), page);
        }
    }
    *memory = m;
    return true;
}
