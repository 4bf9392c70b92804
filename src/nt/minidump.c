// SPDX-License-Identifier: MIT
// The container of a user minidump: header, directory, lists, strings.
#include "nt/minidump.h"

#include "base/utf.h"

enum {
    HEADER_BYTES = 32,
    VERSION = 0xa793, // low word of the header's second field
    DIRECTORY_ENTRY = 12,
};

bool seep_minidump_is(struct seep_bytes file)
{
    return seep_bytes_match(file, 0, "MDMP", 4);
}

bool seep_minidump_open(struct seep_bytes file, struct seep_minidump *dump, struct seep_err *err)
{
    static const char again[] = "copy the dump again, or write it again";
    if (!seep_minidump_is(file))
        return seep_fail(err, 0, "see `seep sources` for what seep reads", "not a minidump");
    if (file.len < HEADER_BYTES)
        return seep_fail(err, file.len, again, "the minidump is cut off inside its header");
    uint32_t promised = seep_le32(file.data + 8), directory = seep_le32(file.data + 12);
    if ((seep_le32(file.data + 4) & 0xffff) != VERSION)
        return seep_fail(err, 4, again, "the minidump has a damaged header or an unknown version");
    if (!seep_bytes_has(file, directory, DIRECTORY_ENTRY))
        return seep_fail(err, 12, again,
                         promised ? "the minidump's directory lies outside of the file"
                                  : "the minidump has no streams");
    size_t room = (file.len - directory) / DIRECTORY_ENTRY;
    *dump = (struct seep_minidump){
        .file = file,
        .directory = directory,
        .n_streams = promised < room ? promised : (uint32_t)room,
        .n_promised = promised,
        .time_s = seep_le32(file.data + 20),
        .flags = seep_le64(file.data + 24),
    };
    if (!promised)
        return seep_fail(err, 8, again, "the minidump has no streams");
    return true;
}

struct seep_minidump_stream seep_minidump_stream_at(const struct seep_minidump *dump,
                                                    uint32_t index)
{
    const uint8_t *entry = dump->file.data + dump->directory + (size_t)index * DIRECTORY_ENTRY;
    struct seep_minidump_stream stream = {
        .type = seep_le32(entry),
        .promised_bytes = seep_le32(entry + 4),
        .offset = seep_le32(entry + 8),
    };
    stream.bytes = seep_bytes_part(dump->file, stream.offset, stream.promised_bytes);
    return stream;
}

bool seep_minidump_stream(const struct seep_minidump *dump, uint32_t type,
                          struct seep_minidump_stream *stream)
{
    for (uint32_t i = 0; i < dump->n_streams; i++) {
        struct seep_minidump_stream one = seep_minidump_stream_at(dump, i);
        if (one.type == type) {
            *stream = one;
            return true;
        }
    }
    return false;
}

const char *seep_minidump_type_name(uint32_t type)
{
    static const char *const names[] = {
        [3] = "ThreadList",
        [4] = "ModuleList",
        [5] = "MemoryList",
        [6] = "Exception",
        [7] = "SystemInfo",
        [8] = "ThreadExList",
        [9] = "Memory64List",
        [10] = "CommentA",
        [11] = "CommentW",
        [12] = "HandleData",
        [13] = "FunctionTable",
        [14] = "UnloadedModuleList",
        [15] = "MiscInfo",
        [16] = "MemoryInfoList",
        [17] = "ThreadInfoList",
        [18] = "HandleOperationList",
        [19] = "Token",
        [20] = "JavaScriptData",
        [21] = "SystemMemoryInfo",
        [22] = "ProcessVmCounters",
        [23] = "IptTrace",
        [24] = "ThreadNames",
    };
    static const struct {
        uint32_t type;
        const char *name;
    } others[] = {
        { 0x43500001, "CrashpadInfo" },    { 0x47670001, "BreakpadInfo" },
        { 0x47670002, "AssertionInfo" },   { 0x47670003, "LinuxCpuInfo" },
        { 0x47670004, "LinuxProcStatus" }, { 0x47670005, "LinuxLsbRelease" },
        { 0x47670006, "LinuxCmdLine" },    { 0x47670007, "LinuxEnviron" },
        { 0x47670008, "LinuxAuxv" },       { 0x47670009, "LinuxMaps" },
        { 0x4767000a, "LinuxDsoDebug" },
    };
    if (type < sizeof names / sizeof *names)
        return names[type];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i].type == type)
            return others[i].name;
    }
    return NULL;
}

// How the lists start. Where the header tells its own size and that of an entry, these are the
// least that they may be.
struct shape {
    uint32_t type;
    uint8_t header_bytes;    // without padding
    uint8_t entry_bytes;     // the whole entry, or what of it is needed
    bool tells;              // sizes of header and entry stand in the header
    uint8_t count, count_of; // where the count stands, its bytes
};

static const struct shape shapes[] = {
    { SEEP_MINIDUMP_THREADS, 4, 48, false, 0, 4 },
    { SEEP_MINIDUMP_THREADS_EX, 4, 64, false, 0, 4 },
    { SEEP_MINIDUMP_MODULES, 4, 108, false, 0, 4 },
    { SEEP_MINIDUMP_MEMORY, 4, 16, false, 0, 4 },
    { SEEP_MINIDUMP_THREAD_NAMES, 4, 12, false, 0, 4 },
    { SEEP_MINIDUMP_MEMORY64, 16, 16, false, 0, 8 },
    { SEEP_MINIDUMP_HANDLES, 16, 32, true, 8, 4 },
    { SEEP_MINIDUMP_UNLOADED, 12, 24, true, 8, 4 },
    { SEEP_MINIDUMP_REGIONS, 16, 48, true, 8, 8 },
    { SEEP_MINIDUMP_THREAD_INFO, 12, 24, true, 8, 4 },
};

// A bare count can be padded to 8 bytes: the stream is then 4 bytes longer than it needs to be
// (Breakpad on some systems; its reader knows both).
static size_t padding(const struct shape *shape, const struct seep_minidump_stream *stream,
                      uint64_t count)
{
    uint64_t need = shape->header_bytes + count * shape->entry_bytes;
    return shape->header_bytes == 4 && stream->promised_bytes == need + 4 ? 4 : 0;
}

bool seep_minidump_list(const struct seep_minidump *dump, uint32_t type,
                        struct seep_minidump_list *list)
{
    struct seep_minidump_stream stream;
    size_t i = 0;
    while (i < sizeof shapes / sizeof *shapes && shapes[i].type != type)
        i++;
    if (i == sizeof shapes / sizeof *shapes || !seep_minidump_stream(dump, type, &stream))
        return false;
    const struct shape *shape = &shapes[i];
    size_t header = shape->header_bytes, entry = shape->entry_bytes;
    *list = (struct seep_minidump_list){ .promised = SEEP_MINIDUMP_BROKEN,
                                         .offset = stream.offset,
                                         .entry_bytes = entry };
    if (stream.bytes.len < header)
        return true;
    uint64_t count = shape->count_of == 8 ? seep_bytes_u64(stream.bytes, shape->count)
                                          : seep_bytes_u32(stream.bytes, shape->count);
    if (shape->tells) {
        if (seep_bytes_u32(stream.bytes, 0) < header || seep_bytes_u32(stream.bytes, 4) < entry)
            return true;
        header = seep_bytes_u32(stream.bytes, 0);
        entry = seep_bytes_u32(stream.bytes, 4);
    } else if (count <= UINT32_MAX) {
        header += padding(shape, &stream, count);
    }
    // The directory's size bounds the list; what lies behind it belongs to others.
    list->bytes = seep_bytes_part(stream.bytes, header, SIZE_MAX);
    list->entry_bytes = entry;
    list->offset = stream.offset + (uint64_t)header;
    list->promised = count == SEEP_MINIDUMP_BROKEN ? count - 1 : count;
    list->n = entry ? list->bytes.len / entry : 0;
    if (count < list->n)
        list->n = count;
    if (type == SEEP_MINIDUMP_MEMORY64)
        list->base = seep_bytes_u64(stream.bytes, 8);
    return true;
}

struct seep_bytes seep_minidump_entry(const struct seep_minidump_list *list, uint64_t index)
{
    return seep_bytes_part(list->bytes, (size_t)index * list->entry_bytes, list->entry_bytes);
}

bool seep_minidump_text(const struct seep_minidump *dump, uint32_t rva, struct seep_buf *out,
                        uint64_t *n_escaped)
{
    if (rva == 0 || !seep_bytes_has(dump->file, rva, 4))
        return false;
    uint32_t len = seep_le32(dump->file.data + rva);
    if (!seep_bytes_has(dump->file, (size_t)rva + 4, len))
        return false;
    if (len > SEEP_MAX_NAME)
        len = SEEP_MAX_NAME;
    struct seep_bytes text = seep_bytes_part(dump->file, (size_t)rva + 4, len & ~1u);
    if (!seep_utf16_add(out, seep_utf16_until_nul(text)) && n_escaped)
        ++*n_escaped;
    return !out->failed;
}
