// SPDX-License-Identifier: MIT
// Payloads of kernel events; see the header.
#include "nt/kernel_event.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    uint8_t guid[16]; // as it lies in the record
    uint8_t group;
} groups[] = {
    // Process 3d6fa8d0-fe05-11d0-9dda-00c04fd7ba7c, and Thread, PageFault of the same kind
    { { 0xd0, 0xa8, 0x6f, 0x3d, 0x05, 0xfe, 0xd0, 0x11, 0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba,
        0x7c },
      0x03 },
    { { 0xd1, 0xa8, 0x6f, 0x3d, 0x05, 0xfe, 0xd0, 0x11, 0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba,
        0x7c },
      0x05 },
    { { 0xd3, 0xa8, 0x6f, 0x3d, 0x05, 0xfe, 0xd0, 0x11, 0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba,
        0x7c },
      0x02 },
    // ImageLoad 2cb15d1d-5fc1-11d2-abe1-00a0c911f518
    { { 0x1d, 0x5d, 0xb1, 0x2c, 0xc1, 0x5f, 0xd2, 0x11, 0xab, 0xe1, 0x00, 0xa0, 0xc9, 0x11, 0xf5,
        0x18 },
      0x14 },
    // Heap 222962ab-6180-4b88-a825-346b75f2a24a
    { { 0xab, 0x62, 0x29, 0x22, 0x80, 0x61, 0x88, 0x4b, 0xa8, 0x25, 0x34, 0x6b, 0x75, 0xf2, 0xa2,
        0x4a },
      0x10 },
    // Pool 0268a8b6-74fd-4302-9dd0-6e8f1795c0cf
    { { 0xb6, 0xa8, 0x68, 0x02, 0xfd, 0x74, 0x02, 0x43, 0x9d, 0xd0, 0x6e, 0x8f, 0x17, 0x95, 0xc0,
        0xcf },
      0x0e },
    // Object 89497f50-effe-4440-8cf2-ce6b1cdcaca7
    { { 0x50, 0x7f, 0x49, 0x89, 0xfe, 0xef, 0x40, 0x44, 0x8c, 0xf2, 0xce, 0x6b, 0x1c, 0xdc, 0xac,
        0xa7 },
      0x11 },
    // StackWalk def2fe46-7bd6-4b80-bd94-f57fe20d0ce3
    { { 0x46, 0xfe, 0xf2, 0xde, 0xd6, 0x7b, 0x80, 0x4b, 0xbd, 0x94, 0xf5, 0x7f, 0xe2, 0x0d, 0x0c,
        0xe3 },
      0x18 },
};

// KernelTraceControl's ImageID b3e675d7-2554-4f18-830b-2762732560de
static const uint8_t image_id[16] = { 0xd7, 0x75, 0xe6, 0xb3, 0x54, 0x25, 0x18, 0x4f,
                                      0x83, 0x0b, 0x27, 0x62, 0x73, 0x25, 0x60, 0xde };

uint16_t seep_kernel_hook(const struct seep_etl_record *record)
{
    if (record->kind == SEEP_ETL_SYSTEM)
        return record->hook;
    if (record->kind != SEEP_ETL_CLASSIC)
        return SEEP_HOOK_NONE;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (memcmp(groups[i].guid, record->guid, sizeof groups[i].guid) != 0)
            continue;
        // The kernel gives loads the hook of the process group.
        if (groups[i].group == 0x14 && record->type == 0x0a)
            return SEEP_HOOK_IMAGE_LOAD;
        return (uint16_t)(groups[i].group << 8 | record->type);
    }
    return SEEP_HOOK_NONE;
}

// ---- names

static const struct {
    uint16_t hook;
    const char *name;
} names[] = {
    { 0x0000, "EventTrace" },
    { 0x0005, "EventTrace/Extension" },
    { 0x0008, "EventTrace/RundownComplete" },
    { 0x0020, "EventTrace/EndExtension" },
    { 0x010a, "DiskIO/Read" },
    { 0x010b, "DiskIO/Write" },
    { 0x010c, "DiskIO/ReadInit" },
    { 0x010d, "DiskIO/WriteInit" },
    { 0x010e, "DiskIO/FlushBuffers" },
    { 0x010f, "DiskIO/FlushInit" },
    { 0x020a, "Memory/TransitionFault" },
    { 0x020b, "Memory/DemandZeroFault" },
    { 0x020c, "Memory/CopyOnWrite" },
    { 0x020d, "Memory/GuardMemory" },
    { 0x020e, "Memory/HardMemory" },
    { 0x020f, "Memory/AccessViolation" },
    { 0x0220, "Memory/HardFault" },
    { 0x0262, "VirtualMem/Alloc" },
    { 0x0263, "VirtualMem/Free" },
    { 0x0269, "Memory/ImageLoadBacked" },
    { 0x0270, "Memory/SystemMemInfo" },
    { 0x0276, "Memory/InMemory" },
    { 0x0277, "Memory/InMemoryActive" },
    { 0x027d, "Memory/ProcessMemInfo" },
    { 0x0280, "VirtualMem/AllocDCStart" },
    { 0x0281, "VirtualMem/AllocDCEnd" },
    { 0x0301, "Process/Start" },
    { 0x0302, "Process/Stop" },
    { 0x0303, "Process/DCStart" },
    { 0x0304, "Process/DCStop" },
    { 0x030a, "Image/Load" },
    { 0x030b, "Process/Terminate" },
    { 0x0320, "Process/PerfCtr" },
    { 0x0321, "Process/PerfCtrRundown" },
    { 0x0327, "Process/Defunct" },
    { 0x0400, "FileIO/Name" },
    { 0x0420, "FileIO/FileCreate" },
    { 0x0423, "FileIO/FileDelete" },
    { 0x0424, "FileIO/FileRundown" },
    { 0x0501, "Thread/Start" },
    { 0x0502, "Thread/Stop" },
    { 0x0503, "Thread/DCStart" },
    { 0x0504, "Thread/DCStop" },
    { 0x0524, "Thread/CSwitch" },
    { 0x0548, "Thread/SetName" },
    { 0x060a, "TcpIp/Send" },
    { 0x060b, "TcpIp/Recv" },
    { 0x060c, "TcpIp/Connect" },
    { 0x060d, "TcpIp/Disconnect" },
    { 0x061a, "TcpIp/SendIPV6" },
    { 0x061b, "TcpIp/RecvIPV6" },
    { 0x080a, "UdpIp/Send" },
    { 0x080b, "UdpIp/Recv" },
    { 0x081a, "UdpIp/SendIPV6" },
    { 0x081b, "UdpIp/RecvIPV6" },
    { 0x0b0a, "SystemConfig/CPU" },
    { 0x0b0b, "SystemConfig/PhyDisk" },
    { 0x0b0c, "SystemConfig/LogDisk" },
    { 0x0b0d, "SystemConfig/NIC" },
    { 0x0b0e, "SystemConfig/Video" },
    { 0x0b0f, "SystemConfig/Services" },
    { 0x0b10, "SystemConfig/Power" },
    { 0x0b11, "SystemConfig/Network" },
    { 0x0b15, "SystemConfig/IRQ" },
    { 0x0b16, "SystemConfig/PnP" },
    { 0x0b17, "SystemConfig/IDEChannel" },
    { 0x0b19, "SystemConfig/Platform" },
    { 0x0e20, "Pool/Alloc" },
    { 0x0e21, "Pool/AllocSession" },
    { 0x0e22, "Pool/Free" },
    { 0x0e23, "Pool/FreeSession" },
    { 0x0f2e, "PerfInfo/Sample" },
    { 0x0f33, "PerfInfo/SysClEnter" },
    { 0x0f34, "PerfInfo/SysClExit" },
    { 0x0f43, "PerfInfo/ISR" },
    { 0x0f44, "PerfInfo/DPC" },
    { 0x0f49, "PerfInfo/CollectionStart" },
    { 0x0f4a, "PerfInfo/CollectionEnd" },
    { 0x1020, "Heap/Create" },
    { 0x1021, "Heap/Alloc" },
    { 0x1022, "Heap/ReAlloc" },
    { 0x1023, "Heap/Destroy" },
    { 0x1024, "Heap/Free" },
    { 0x1025, "Heap/Expand" },
    { 0x1026, "Heap/SnapShot" },
    { 0x102a, "Heap/Contract" },
    { 0x1033, "Heap/Commit" },
    { 0x1034, "Heap/Decommit" },
    { 0x1120, "Object/CreateHandle" },
    { 0x1121, "Object/CloseHandle" },
    { 0x1122, "Object/DuplicateHandle" },
    { 0x1124, "Object/TypeDCStart" },
    { 0x1125, "Object/TypeDCEnd" },
    { 0x1126, "Object/HandleDCStart" },
    { 0x1127, "Object/HandleDCEnd" },
    { 0x1130, "Object/Create" },
    { 0x1131, "Object/Delete" },
    { 0x1132, "Object/Reference" },
    { 0x1133, "Object/Dereference" },
    { 0x1402, "Image/Unload" },
    { 0x1403, "Image/DCStart" },
    { 0x1404, "Image/DCStop" },
    { 0x1421, "Image/KernelBase" },
    { 0x1422, "Image/HypercallPage" },
    { 0x1820, "StackWalk/Stack" },
    { 0x1823, "StackWalk/KeyDelete" },
    { 0x1824, "StackWalk/KeyRundown" },
    { 0x1825, "StackWalk/StackKeyKernel" },
    { 0x1826, "StackWalk/StackKeyUser" },
};

static const char *const group_names[] = {
    [0x00] = "EventTrace",
    [0x01] = "DiskIO",
    [0x02] = "Memory",
    [0x03] = "Process",
    [0x04] = "FileIO",
    [0x05] = "Thread",
    [0x06] = "TcpIp",
    [0x07] = "Job",
    [0x08] = "UdpIp",
    [0x09] = "Registry",
    [0x0a] = "DbgPrint",
    [0x0b] = "SystemConfig",
    [0x0e] = "Pool",
    [0x0f] = "PerfInfo",
    [0x10] = "Heap",
    [0x11] = "Object",
    [0x12] = "Power",
    [0x14] = "Image",
    [0x16] = "CriticalSection",
    [0x18] = "StackWalk",
};

void seep_kernel_event_name(uint16_t hook, char name[SEEP_KERNEL_NAME])
{
    size_t low = 0, high = sizeof names / sizeof *names;
    unsigned group = hook >> 8, type = hook & 0xff;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (names[middle].hook == hook) {
            (void)snprintf(name, SEEP_KERNEL_NAME, "%s", names[middle].name);
            return;
        }
        if (names[middle].hook < hook)
            low = middle + 1;
        else
            high = middle;
    }
    if (group < sizeof group_names / sizeof *group_names && group_names[group])
        (void)snprintf(name, SEEP_KERNEL_NAME, "%s/Opcode(%u)", group_names[group], type);
    else
        (void)snprintf(name, SEEP_KERNEL_NAME, "Group(%u)/Opcode(%u)", group, type);
}

// ---- fields

static uint64_t pointer(struct seep_cursor *c, const struct seep_etl_record *record)
{
    return record->is_64 ? seep_cursor_u64(c) : seep_cursor_u32(c);
}

// Text up to its terminator, or to the end of the record where that is missing.
static struct seep_kernel_text text8(struct seep_cursor *c)
{
    struct seep_bytes rest = seep_bytes_part(c->view, c->pos, c->failed ? 0 : c->view.len);
    const uint8_t *end = rest.len ? memchr(rest.data, 0, rest.len) : NULL;
    size_t len = end ? (size_t)(end - rest.data) : rest.len;
    seep_cursor_skip(c, len + (end != NULL));
    return (struct seep_kernel_text){ .bytes = seep_bytes(rest.data, len) };
}

static struct seep_kernel_text text16(struct seep_cursor *c)
{
    struct seep_bytes rest = seep_bytes_part(c->view, c->pos, c->failed ? 0 : c->view.len);
    size_t len = 0;
    while (rest.len - len >= 2 && seep_le16(rest.data + len))
        len += 2;
    bool ended = rest.len - len >= 2;
    seep_cursor_skip(c, len + (ended ? 2 : 0));
    return (struct seep_kernel_text){ .bytes = seep_bytes(rest.data, len), .utf16 = true };
}

// A security identifier as event classes hold it: a null of four bytes, or a TOKEN_USER (two
// pointers) and the SID itself: revision, number of authorities, 6 bytes, 4 an authority.
static void skip_sid(struct seep_cursor *c, const struct seep_etl_record *record)
{
    struct seep_cursor ahead = *c;
    if (seep_cursor_u32(&ahead) == 0) {
        seep_cursor_skip(c, 4);
        return;
    }
    seep_cursor_skip(c, record->is_64 ? 16 : 8);
    seep_cursor_skip(c, 1);
    size_t n = seep_cursor_u8(c);
    seep_cursor_skip(c, 6 + 4 * n);
}

bool seep_kernel_process_read(const struct seep_etl_record *record,
                              struct seep_kernel_process *process)
{
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_process p = { 0 };
    unsigned version = record->version;
    if (version == 0) {
        p.pid = (uint32_t)pointer(&c, record);
        p.parent_pid = (uint32_t)pointer(&c, record);
    } else {
        p.key = pointer(&c, record);
        p.pid = seep_cursor_u32(&c);
        p.parent_pid = seep_cursor_u32(&c);
        seep_cursor_skip(&c, 4); // session
        p.exit_status = (int32_t)seep_cursor_u32(&c);
        if (version == 1)
            p.key = 0; // was the page directory
        if (version >= 3)
            (void)pointer(&c, record); // page directory
        if (version >= 4)
            seep_cursor_skip(&c, 4); // flags
    }
    skip_sid(&c, record);
    if (c.failed)
        return false;
    p.image = text8(&c);
    if (version >= 2)
        p.command = text16(&c);
    *process = p;
    return true;
}

bool seep_kernel_thread_read(const struct seep_etl_record *record,
                             struct seep_kernel_thread *thread)
{
    struct seep_cursor c = seep_cursor(record->payload);
    uint32_t first = seep_cursor_u32(&c), second = seep_cursor_u32(&c);
    if (c.failed)
        return false;
    *thread = record->version == 0 ? (struct seep_kernel_thread){ .pid = second, .tid = first }
                                   : (struct seep_kernel_thread){ .pid = first, .tid = second };
    return true;
}

bool seep_kernel_image_read(const struct seep_etl_record *record, struct seep_kernel_image *image)
{
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_image i = { .pid = record->pid };
    i.base = pointer(&c, record);
    i.size_bytes = record->version == 0 ? seep_cursor_u32(&c) : pointer(&c, record);
    if (record->version >= 1)
        i.pid = seep_cursor_u32(&c);
    if (record->version >= 2) {
        i.checksum = seep_cursor_u32(&c);
        i.timestamp = seep_cursor_u32(&c);
        seep_cursor_skip(&c, 4);
        (void)pointer(&c, record); // preferred base
        seep_cursor_skip(&c, 16);
    }
    if (c.failed)
        return false;
    i.path = text16(&c);
    *image = i;
    return true;
}

bool seep_kernel_virtual_read(const struct seep_etl_record *record, uint16_t hook,
                              struct seep_kernel_virtual *memory)
{
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_virtual v = { 0 };
    v.base = pointer(&c, record);
    v.size_bytes = pointer(&c, record);
    v.pid = seep_cursor_u32(&c);
    v.flags = seep_cursor_u32(&c);
    if (hook == SEEP_HOOK_VIRTUAL_DC_START || hook == SEEP_HOOK_VIRTUAL_DC_END)
        v.commit_bytes = pointer(&c, record);
    if (c.failed)
        return false;
    *memory = v;
    return true;
}

bool seep_kernel_heap_read(const struct seep_etl_record *record, uint16_t hook,
                           struct seep_kernel_heap *heap)
{
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_heap h = { .heap = pointer(&c, record) };
    switch (hook) {
    case SEEP_HOOK_HEAP_ALLOC:
        h.size_bytes = pointer(&c, record);
        h.address = pointer(&c, record);
        break;
    case SEEP_HOOK_HEAP_REALLOC:
        h.address = pointer(&c, record);
        h.old_address = pointer(&c, record);
        h.size_bytes = pointer(&c, record);
        h.old_size_bytes = pointer(&c, record);
        break;
    case SEEP_HOOK_HEAP_FREE:
        h.address = pointer(&c, record);
        break;
    default:
        break;
    }
    if (c.failed)
        return false;
    *heap = h;
    return true;
}

bool seep_kernel_pool_read(const struct seep_etl_record *record, struct seep_kernel_pool *pool)
{
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_pool p = { 0 };
    p.type = seep_cursor_u32(&c);
    p.tag = seep_cursor_u32(&c);
    p.size_bytes = pointer(&c, record);
    p.address = pointer(&c, record);
    if (c.failed)
        return false;
    *pool = p;
    return true;
}

bool seep_kernel_handle_read(const struct seep_etl_record *record, uint16_t hook,
                             struct seep_kernel_handle *handle)
{
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_handle h = { 0 };
    if (hook == SEEP_HOOK_TYPE_DC_START || hook == SEEP_HOOK_TYPE_DC_END) {
        h.type = seep_cursor_u16(&c);
        seep_cursor_skip(&c, 2);
    } else {
        h.object = pointer(&c, record);
        switch (hook) {
        case SEEP_HOOK_HANDLE_DUPLICATE:
            h.source_handle = seep_cursor_u32(&c);
            h.handle = seep_cursor_u32(&c);
            h.pid = seep_cursor_u32(&c);
            break;
        case SEEP_HOOK_HANDLE_DC_START:
        case SEEP_HOOK_HANDLE_DC_END:
            h.pid = seep_cursor_u32(&c);
            h.handle = seep_cursor_u32(&c);
            break;
        case SEEP_HOOK_OBJECT_CREATE:
        case SEEP_HOOK_OBJECT_DELETE:
            break;
        default:
            h.handle = seep_cursor_u32(&c);
            break;
        }
        h.type = seep_cursor_u16(&c);
    }
    if (c.failed)
        return false;
    h.name = text16(&c);
    *handle = h;
    return true;
}

bool seep_kernel_reference_read(const struct seep_etl_record *record,
                                struct seep_kernel_reference *reference)
{
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_reference r = { .object = pointer(&c, record) };
    r.tag = seep_cursor_u32(&c);
    r.count = seep_cursor_u32(&c);
    if (c.failed)
        return false;
    *reference = r;
    return true;
}

bool seep_kernel_stack_read(const struct seep_etl_record *record, uint16_t hook,
                            struct seep_kernel_stack *stack)
{
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_stack s = { .address_bytes = record->is_64 ? 8 : 4 };
    bool definition = hook == SEEP_HOOK_STACK_KEY_DELETE || hook == SEEP_HOOK_STACK_KEY_RUNDOWN;
    if (!definition) {
        s.time = seep_cursor_u64(&c);
        s.pid = seep_cursor_u32(&c);
        s.tid = seep_cursor_u32(&c);
    }
    // A key is the address of the cached stack in the kernel.
    if (hook != SEEP_HOOK_STACK)
        s.key = pointer(&c, record);
    if (c.failed)
        return false;
    s.addresses = seep_bytes_part(c.view, c.pos, c.view.len);
    s.addresses.len -= s.addresses.len % s.address_bytes;
    *stack = s;
    return true;
}

uint64_t seep_kernel_stack_address(const struct seep_kernel_stack *stack, size_t index)
{
    return stack->address_bytes == 8 ? seep_bytes_u64(stack->addresses, index * 8)
                                     : seep_bytes_u32(stack->addresses, index * 4);
}

bool seep_kernel_image_id_read(const struct seep_etl_record *record,
                               struct seep_kernel_image_id *id)
{
    enum { IMAGE = 0, RSDS = 36 };
    struct seep_cursor c = seep_cursor(record->payload);
    struct seep_kernel_image_id i = { 0 };
    if (record->kind != SEEP_ETL_CLASSIC || memcmp(record->guid, image_id, sizeof image_id) != 0)
        return false;
    i.base = pointer(&c, record);
    switch (record->type) {
    case IMAGE:
        i.size_bytes = pointer(&c, record);
        i.pid = seep_cursor_u32(&c);
        i.timestamp = seep_cursor_u32(&c);
        if (c.failed)
            return false;
        i.name = text16(&c);
        break;
    case RSDS: {
        i.pid = seep_cursor_u32(&c);
        i.guid = seep_cursor_take(&c, 16).data;
        i.age = seep_cursor_u32(&c);
        if (c.failed)
            return false;
        i.name = text8(&c);
        break;
    }
    default:
        return false;
    }
    *id = i;
    return true;
}
