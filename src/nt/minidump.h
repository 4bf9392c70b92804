// SPDX-License-Identifier: MIT
// The container of a user minidump ("MDMP"): header, directory, lists, strings; and the records of
// its streams.
//
// Everything is a view of the file. Entry sizes are taken from the stream's own header where it has
// one, counts are believed only as far as the bytes are there, and no getter reads outside of what
// it was given; a field that an older writer's shorter entry lacks is zero. RVAs may be unaligned.
// Source of the layouts: minidumpapiset.h as documented by Microsoft; what real writers do
// otherwise is in source/minidump/note.md.
#ifndef SEEP_NT_MINIDUMP_H
#define SEEP_NT_MINIDUMP_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_minidump_type {
    SEEP_MINIDUMP_THREADS = 3,
    SEEP_MINIDUMP_MODULES = 4,
    SEEP_MINIDUMP_MEMORY = 5,
    SEEP_MINIDUMP_EXCEPTION = 6,
    SEEP_MINIDUMP_SYSTEM = 7,
    SEEP_MINIDUMP_THREADS_EX = 8,
    SEEP_MINIDUMP_MEMORY64 = 9,
    SEEP_MINIDUMP_HANDLES = 12,
    SEEP_MINIDUMP_UNLOADED = 14,
    SEEP_MINIDUMP_MISC = 15,
    SEEP_MINIDUMP_REGIONS = 16,
    SEEP_MINIDUMP_THREAD_INFO = 17,
    SEEP_MINIDUMP_SYSTEM_MEMORY = 21,
    SEEP_MINIDUMP_VM_COUNTERS = 22,
    SEEP_MINIDUMP_THREAD_NAMES = 24,
};

struct seep_minidump {
    struct seep_bytes file;
    size_t directory;    // offset of the first entry
    uint32_t n_streams;  // entries that are there
    uint32_t n_promised; // entries that the header speaks of
    uint32_t time_s;     // when it was written, s since 1970
    uint64_t flags;      // MINIDUMP_TYPE
};

struct seep_minidump_stream {
    uint32_t type;
    uint32_t offset;         // RVA
    uint32_t promised_bytes; // by the directory
    struct seep_bytes bytes; // what of it is there
};

// Whether the bytes start like a minidump.
bool seep_minidump_is(struct seep_bytes file);

// Reads the header and finds the directory. False with `err` where there is none.
bool seep_minidump_open(struct seep_bytes file, struct seep_minidump *dump, struct seep_err *err);

// The stream of a directory entry; `index` is below n_streams.
struct seep_minidump_stream seep_minidump_stream_at(const struct seep_minidump *dump,
                                                    uint32_t index);

// The first stream of a type, as every other reader takes it; false where there is none.
bool seep_minidump_stream(const struct seep_minidump *dump, uint32_t type,
                          struct seep_minidump_stream *stream);

// "ThreadListStream" as minidumpapiset.h has it, without "Stream"; NULL for a type without a name.
const char *seep_minidump_type_name(uint32_t type);

// The entries of a stream that is a list.
struct seep_minidump_list {
    struct seep_bytes bytes; // from the first entry on
    size_t entry_bytes;
    uint64_t n;        // entries that are there
    uint64_t promised; // entries that the stream speaks of
    uint64_t offset;   // of the first entry, in the file
    uint64_t base;     // of a Memory64List: offset of its first range's bytes
};

// The list of a stream of one of the types above that are lists. False where there is no such
// stream; an empty list with `promised` SEEP_MINIDUMP_BROKEN where its header makes no sense.
#define SEEP_MINIDUMP_BROKEN UINT64_MAX
bool seep_minidump_list(const struct seep_minidump *dump, uint32_t type,
                        struct seep_minidump_list *list);

// The bytes of an entry; `index` is below n.
struct seep_bytes seep_minidump_entry(const struct seep_minidump_list *list, uint64_t index);

// Appends a MINIDUMP_STRING at `rva` as UTF-8, at most SEEP_MAX_NAME bytes of the file. False where
// it is not there (an RVA of 0 is none) or memory is out; `*n_escaped` (may be NULL) counts texts
// that were no UTF-16 and are now escaped.
bool seep_minidump_text(const struct seep_minidump *dump, uint32_t rva, struct seep_buf *out,
                        uint64_t *n_escaped);

// --- records ---

struct seep_minidump_system {
    uint16_t architecture; // PROCESSOR_ARCHITECTURE_*
    uint8_t n_processors;
    uint32_t major, minor, build;
    uint32_t platform; // 2 = Windows NT; from 0x8000 on Breakpad's numbers of other systems
};

enum {
    SEEP_MINIDUMP_X86 = 0,
    SEEP_MINIDUMP_ARM = 5,
    SEEP_MINIDUMP_IA64 = 6,
    SEEP_MINIDUMP_AMD64 = 9,
    SEEP_MINIDUMP_X86_ON_WIN64 = 10,
    SEEP_MINIDUMP_ARM64 = 12,
    SEEP_MINIDUMP_ARM64_BREAKPAD = 0x8003,
    SEEP_MINIDUMP_PLATFORM_NT = 2,
};

bool seep_minidump_system(const struct seep_minidump *dump, struct seep_minidump_system *system);

// The name of a Breakpad platform ("Linux", "macOS", ...), NULL for Windows and for unknown ones.
const char *seep_minidump_foreign(uint32_t platform);

// Bytes of a pointer of the dumped address space: 4 or 8.
unsigned seep_minidump_pointer_bytes(uint16_t architecture);

struct seep_minidump_misc {
    bool has_pid, has_start;
    uint32_t pid;
    uint32_t start_s; // s since 1970
};

bool seep_minidump_misc(const struct seep_minidump *dump, struct seep_minidump_misc *misc);

struct seep_minidump_thread {
    uint32_t id;
    uint64_t teb;
    uint64_t stack; // address of the part of the stack that the dump holds
    uint32_t stack_bytes, stack_rva;
    uint32_t context_bytes, context_rva;
};

struct seep_minidump_thread seep_minidump_thread(struct seep_bytes entry);

// The integer registers that a thread's context holds.
struct seep_minidump_registers {
    uint64_t values[40];
    unsigned n;
    uint64_t stack_pointer; // 0 = unknown
    uint64_t instruction;   // the program counter
    bool code32;            // a 64-bit context that was taken in 32-bit code (WoW64)
};

// The registers in the bytes of a CONTEXT. False where it is too short or of another architecture.
bool seep_minidump_context(struct seep_bytes context, uint16_t architecture,
                           struct seep_minidump_registers *registers);

// The same of a thread. False, too, where the context is not there.
bool seep_minidump_registers(const struct seep_minidump *dump, uint16_t architecture,
                             const struct seep_minidump_thread *thread,
                             struct seep_minidump_registers *registers);

// What a dump was written for.
struct seep_minidump_exception {
    uint32_t thread, code;
    uint32_t context_bytes, context_rva;
};

bool seep_minidump_exception(const struct seep_minidump *dump,
                             struct seep_minidump_exception *exception);

struct seep_minidump_module {
    uint64_t base;
    uint32_t size_bytes, checksum, timestamp, name_rva;
    uint16_t version[4]; // "10.0.19041.804" in order
    bool has_version;
    uint32_t codeview_bytes, codeview_rva;
};

struct seep_minidump_module seep_minidump_module(struct seep_bytes entry);
struct seep_minidump_module seep_minidump_unloaded(struct seep_bytes entry);

// The identity in a CodeView record of kind RSDS; appends the PDB's name to `name`, escaped where
// it is no UTF-8. False and outputs untouched for any other record.
bool seep_minidump_codeview(const struct seep_minidump *dump,
                            const struct seep_minidump_module *module,
                            uint8_t guid[SEEP_GUID_BYTES], uint32_t *age, struct seep_buf *name);

struct seep_minidump_range {
    uint64_t address;
    uint64_t size_bytes;
    uint64_t offset; // in the file
};

// An entry of the memory list. (Those of a Memory64List have no offset: it is the sum of the sizes
// before them, from the list's base on.)
struct seep_minidump_range seep_minidump_range(struct seep_bytes entry);

struct seep_minidump_region {
    uint64_t base, size_bytes, allocation_base;
    uint32_t state, type, protect; // MEM_*, MEM_*, PAGE_*
};

struct seep_minidump_region seep_minidump_region(struct seep_bytes entry);

struct seep_minidump_handle {
    uint64_t value;
    uint32_t type_rva, name_rva;
    uint32_t access, n_handles, n_pointers;
};

struct seep_minidump_handle seep_minidump_handle(struct seep_bytes entry);

// Counters of the process; UINT64_MAX where the dump does not say.
struct seep_minidump_vm {
    uint64_t working_set_bytes, private_bytes, virtual_bytes;
    uint64_t paged_pool_bytes, nonpaged_pool_bytes;
};

// The revision of the counters that are read: others are not. False where the dump has none.
bool seep_minidump_vm_revision(const struct seep_minidump *dump, uint16_t *revision);

// False where there are none, of a known revision.
bool seep_minidump_vm(const struct seep_minidump *dump, struct seep_minidump_vm *vm);

// Memory of the whole machine; UINT64_MAX where the dump does not say.
struct seep_minidump_system_memory {
    uint32_t page_bytes;
    uint64_t ram_bytes, available_bytes, commit_bytes, commit_limit_bytes;
    uint64_t paged_pool_bytes, nonpaged_pool_bytes;
};

bool seep_minidump_system_memory(const struct seep_minidump *dump,
                                 struct seep_minidump_system_memory *memory);

#endif
