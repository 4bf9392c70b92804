// SPDX-License-Identifier: MIT
// Events of the NT kernel logger and of the heap, pool and object providers: which one a record is,
// and what it says.
//
// A record is known by its hook (group << 8 | type), whether it has a system header or a classic
// one with the group's GUID. Layouts: the event classes that Microsoft documents as
// MSNT_SystemTrace (Process_TypeGroup1, Image_Load, PageFault_VirtualAlloc, …), with the versions
// that PerfView's TraceEvent reads, checked against real traces where any are public; heap, virtual
// memory, pool and object events are synthetic only. Each reader returns false where the payload is
// too short; outputs are untouched then. Strings are views into the record.
#ifndef SEEP_NT_KERNEL_EVENT_H
#define SEEP_NT_KERNEL_EVENT_H

#include "nt/etl_buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum seep_hook {
    SEEP_HOOK_HEADER = 0x0000,
    SEEP_HOOK_HARD_FAULT = 0x0220,
    SEEP_HOOK_VIRTUAL_ALLOC = 0x0262,
    SEEP_HOOK_VIRTUAL_FREE = 0x0263,
    SEEP_HOOK_VIRTUAL_DC_START = 0x0280,
    SEEP_HOOK_VIRTUAL_DC_END = 0x0281,
    SEEP_HOOK_PROCESS_START = 0x0301,
    SEEP_HOOK_PROCESS_END = 0x0302,
    SEEP_HOOK_PROCESS_DC_START = 0x0303,
    SEEP_HOOK_PROCESS_DC_END = 0x0304,
    SEEP_HOOK_IMAGE_LOAD = 0x030a,
    SEEP_HOOK_PROCESS_DEFUNCT = 0x0327,
    SEEP_HOOK_THREAD_START = 0x0501,
    SEEP_HOOK_THREAD_END = 0x0502,
    SEEP_HOOK_THREAD_DC_START = 0x0503,
    SEEP_HOOK_THREAD_DC_END = 0x0504,
    SEEP_HOOK_POOL_ALLOC = 0x0e20,
    SEEP_HOOK_POOL_ALLOC_SESSION = 0x0e21,
    SEEP_HOOK_POOL_FREE = 0x0e22,
    SEEP_HOOK_POOL_FREE_SESSION = 0x0e23,
    SEEP_HOOK_HEAP_CREATE = 0x1020,
    SEEP_HOOK_HEAP_ALLOC = 0x1021,
    SEEP_HOOK_HEAP_REALLOC = 0x1022,
    SEEP_HOOK_HEAP_DESTROY = 0x1023,
    SEEP_HOOK_HEAP_FREE = 0x1024,
    SEEP_HOOK_HEAP_EXPAND = 0x1025,
    SEEP_HOOK_HEAP_SNAPSHOT = 0x1026,
    SEEP_HOOK_HEAP_CONTRACT = 0x102a,
    SEEP_HOOK_HANDLE_CREATE = 0x1120,
    SEEP_HOOK_HANDLE_CLOSE = 0x1121,
    SEEP_HOOK_HANDLE_DUPLICATE = 0x1122,
    SEEP_HOOK_TYPE_DC_START = 0x1124,
    SEEP_HOOK_TYPE_DC_END = 0x1125,
    SEEP_HOOK_HANDLE_DC_START = 0x1126,
    SEEP_HOOK_HANDLE_DC_END = 0x1127,
    SEEP_HOOK_OBJECT_CREATE = 0x1130,
    SEEP_HOOK_OBJECT_DELETE = 0x1131,
    SEEP_HOOK_OBJECT_REFERENCE = 0x1132,
    SEEP_HOOK_OBJECT_DEREFERENCE = 0x1133,
    SEEP_HOOK_IMAGE_UNLOAD = 0x1402,
    SEEP_HOOK_IMAGE_DC_START = 0x1403,
    SEEP_HOOK_IMAGE_DC_END = 0x1404,
    SEEP_HOOK_STACK = 0x1820,
    SEEP_HOOK_STACK_KEY_DELETE = 0x1823,
    SEEP_HOOK_STACK_KEY_RUNDOWN = 0x1824,
    SEEP_HOOK_STACK_KEY_KERNEL = 0x1825,
    SEEP_HOOK_STACK_KEY_USER = 0x1826,
    SEEP_HOOK_NONE = 0xffff,
};

// The hook of a record, SEEP_HOOK_NONE where it is no kernel event.
uint16_t seep_kernel_hook(const struct seep_etl_record *record);

// PerfView's name of an event, "Process/DCStart"; where the type is not known its group's and the
// number, "Memory/Opcode(37)"; where the group is not, "Group(33)/Opcode(1)".
enum { SEEP_KERNEL_NAME = 64 };
void seep_kernel_event_name(uint16_t hook, char name[SEEP_KERNEL_NAME]);

// Text in a record: bytes, or UTF-16 code units (little-endian), without its terminator.
struct seep_kernel_text {
    struct seep_bytes bytes;
    bool utf16;
};

struct seep_kernel_process {
    uint32_t pid, parent_pid;
    uint64_t key; // address of the EPROCESS; 0 = unknown
    int32_t exit_status;
    struct seep_kernel_text image;   // bytes
    struct seep_kernel_text command; // UTF-16; empty = unknown
};
bool seep_kernel_process_read(const struct seep_etl_record *record,
                              struct seep_kernel_process *process);

struct seep_kernel_thread {
    uint32_t pid, tid;
};
bool seep_kernel_thread_read(const struct seep_etl_record *record,
                             struct seep_kernel_thread *thread);

struct seep_kernel_image {
    uint64_t base, size_bytes;
    uint32_t pid;
    uint32_t checksum, timestamp; // 0 = unknown
    struct seep_kernel_text path; // UTF-16
};
bool seep_kernel_image_read(const struct seep_etl_record *record, struct seep_kernel_image *image);

// Virtual memory: MEM_* flags as winnt.h defines them.
enum {
    SEEP_MEM_COMMIT = 0x1000,
    SEEP_MEM_RESERVE = 0x2000,
    SEEP_MEM_DECOMMIT = 0x4000,
    SEEP_MEM_RELEASE = 0x8000,
};
struct seep_kernel_virtual {
    uint64_t base, size_bytes;
    uint32_t pid, flags;
    uint64_t commit_bytes; // of a rundown; else 0
};
bool seep_kernel_virtual_read(const struct seep_etl_record *record, uint16_t hook,
                              struct seep_kernel_virtual *memory);

// Heap events; what an event does not have is 0.
struct seep_kernel_heap {
    uint64_t heap, address, old_address, size_bytes, old_size_bytes;
};
bool seep_kernel_heap_read(const struct seep_etl_record *record, uint16_t hook,
                           struct seep_kernel_heap *heap);

// Bits of POOL_TYPE: bit 0 paged.
struct seep_kernel_pool {
    uint32_t type, tag;
    uint64_t size_bytes, address;
};
bool seep_kernel_pool_read(const struct seep_etl_record *record, struct seep_kernel_pool *pool);

struct seep_kernel_handle {
    uint64_t object;
    uint32_t handle, source_handle; // the latter of a duplication
    uint32_t pid; // of a duplication: the target; of a rundown: the holder; else 0
    uint16_t type;
    struct seep_kernel_text name; // UTF-16; of a type event: the name of the type
};
bool seep_kernel_handle_read(const struct seep_etl_record *record, uint16_t hook,
                             struct seep_kernel_handle *handle);

struct seep_kernel_reference {
    uint64_t object;
    uint32_t tag, count;
};
bool seep_kernel_reference_read(const struct seep_etl_record *record,
                                struct seep_kernel_reference *reference);

// A stack, or a reference to one by key: of the event at `time` of thread `tid`. The definition of
// a key has neither.
struct seep_kernel_stack {
    uint64_t time;
    uint32_t pid, tid;
    uint64_t key;
    struct seep_bytes addresses; // innermost first, `address_bytes` each
    uint8_t address_bytes;
};
bool seep_kernel_stack_read(const struct seep_etl_record *record, uint16_t hook,
                            struct seep_kernel_stack *stack);
uint64_t seep_kernel_stack_address(const struct seep_kernel_stack *stack, size_t index);

// What merged traces add about an image (KernelTraceControl ImageID, DbgID_RSDS).
struct seep_kernel_image_id {
    uint64_t base, size_bytes;
    uint32_t pid, timestamp;
    const uint8_t *guid; // of the PDB; NULL = this is the image's own record
    uint32_t age;
    struct seep_kernel_text name; // of the file, UTF-16; of the PDB, bytes
};
bool seep_kernel_image_id_read(const struct seep_etl_record *record,
                               struct seep_kernel_image_id *id);

#endif
