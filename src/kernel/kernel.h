// SPDX-License-Identifier: MIT
// A Windows kernel in some memory: which one it is, where its variables and the members of its
// structures lie, and what they say of pool, memory and processes.
//
// Nothing here knows what a dump is: it reads through struct seep_memory. Where a layout comes from
// (table of known kernels, PDB, ISF) is decided once, in identify.c; readers ask struct
// seep_kernel_layout and are told `known` or not.
#ifndef SEEP_KERNEL_KERNEL_H
#define SEEP_KERNEL_KERNEL_H

#include "base/err.h"
#include "base/identity.h"
#include "base/time.h"
#include "memory/memory.h"
#include "nt/kernel_dump.h"
#include "symbols/symbols.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEP_KERNEL_NO_ADDRESS 0
#define SEEP_KERNEL_NO_OFFSET UINT32_MAX

// Variables of the kernel: virtual addresses, 0 = unknown.
struct seep_kernel_symbols {
    uint64_t pool_track_table, pool_track_table_size;
    uint64_t pool_track_table_expansion, pool_track_table_expansion_size;
    uint64_t pool_tag_tables;     // ExPoolTagTables: an array of pointers, one a processor
    uint64_t pool_tag_tables_end; // the next symbol behind it; 0 = unknown
    uint64_t session_pool_track_table, session_pool_track_table_size;
    uint64_t system_partition; // MiSystemPartition
    uint64_t active_processes, cid_table, handle_table_list, loaded_modules;
    uint64_t object_header_cookie, debugger_data, type_index_table;
    // Globals of kernels that have no partitions (Windows 7), and what the debugger's block names.
    uint64_t committed_pages, commit_limit, peak_commitment, available_pages, n_physical_pages;
    uint64_t resident_available_pages, paged_pool_pages, nonpaged_pool_pages;
    uint64_t maximum_nonpaged_pool, paged_pool_size, shared_commit, driver_commit, process_commit;
    uint64_t commit_limit_maximum;
    uint64_t invalid_pte_mask; // what is set in page table entries that are not valid
};

// Offsets of members in bytes, SEEP_KERNEL_NO_OFFSET = unknown.
struct seep_kernel_layout {
    unsigned pointer_bytes;
    struct { // _POOL_TRACKER_TABLE
        uint32_t size, key, nonpaged_bytes, nonpaged_allocs, nonpaged_frees;
        uint32_t paged_bytes, paged_allocs, paged_frees;
        unsigned count_bytes, size_bytes; // width of the counts and of the byte numbers: 4 or 8
    } tracker;
    struct { // _EPROCESS
        uint32_t directory_table, links, pid, parent_pid, object_table, image_name, create_time;
        uint32_t exit_time, commit_charge, private_pages, vad_root, thread_list, active_threads;
        uint32_t peb, exit_status, session;
    } process;
    struct { // _ETHREAD
        uint32_t process, links, create_time, exit_time;
    } thread;
    struct { // _HANDLE_TABLE
        uint32_t table_code, quota_process, pid, list, count;
    } handle_table;
    struct { // _OBJECT_HEADER
        uint32_t size, pointer_count, handle_count, type_index, info_mask;
    } object_header; // size: with the first 8 bytes of the body, as symbols say it, or without
    bool refcounts_in_entries; // of handles, since Windows 8.1: unused ones are prepaid references
                               // and count in PointerCount
    bool type_index_encoded;   // since Windows 10
    struct {                   // _MI_PARTITION, absolute offsets of its Vp's members
        uint32_t committed, commit_limit, available, resident_available, n_physical, peak;
        uint32_t shared_commit, nonpaged_pool, paged_pool, commit_limit_maximum;
    } partition;
};

// Where the layout comes from, for people: "known kernel 10.0.19041.804", "symbols PATH".
enum seep_kernel_known_by {
    SEEP_KERNEL_UNKNOWN = 0,
    SEEP_KERNEL_BY_TABLE,
    SEEP_KERNEL_BY_SYMBOLS,
};

struct seep_kernel {
    const struct seep_memory *memory; // the caller's
    uint64_t base;                    // of the image; 0 = not found
    uint64_t size_bytes;
    uint32_t machine, build;      // build 19041; 0 = unknown
    char version[24];             // "10.0.19041.804"; "" = unknown
    struct seep_pdb_identity pdb; // guid all zero = unknown
    char pdb_name[64];
    uint32_t timestamp;
    enum seep_kernel_known_by known_by;
    bool by_pair; // identified by where its variables lie, not by its PDB record
    struct seep_kernel_symbols symbols;
    struct seep_kernel_layout layout;
    struct seep_debugger_data debugger_data;
    bool has_debugger_data, debugger_data_decoded;
    const struct seep_types *types; // NULL unless by symbols
    const struct seep_symbol_table *table;
    char why[256]; // why it is not known, one sentence
};

struct seep_kernel_hints {
    const struct seep_kernel_dump_header *header; // NULL = none
    struct seep_bytes debugger_data;              // from the file itself (triage); may be empty
    uint64_t kernel_base;                         // from a list of drivers; 0 = unknown
    struct seep_image_identity image;             // the kernel's, where the source knows it
    struct seep_symbols *symbols;                 // NULL = none
};

// Finds the kernel in a memory: its image, PDB record, debugger block (in clear, or decoded with
// the help of symbols), then layout and symbols, from the table of known kernels or from `symbols`.
// False only when memory is out; what could not be found is in `known_by` and `why`.
bool seep_kernel_identify(const struct seep_memory *memory, const struct seep_kernel_hints *hints,
                          struct seep_kernel *kernel, struct seep_err *err);

// What could not be read while something was, with one place for each.
struct seep_kernel_gaps {
    uint64_t n_unreadable; // structures, or parts of tables, whose memory is not held
    uint64_t n_bad;        // that make no sense
    uint64_t first;        // address of the first one; 0 = none
    bool session_missing;  // a session's own table of pool tags, which shows in the address spaces
                           // of its processes only: no defect
};

// pool.c: every tag of every table, summed over processors. `take` gets one row for a tag and pool
// that was ever used; false from it stops. False when it stopped, memory is out or no table could
// be read (`err` says which).
#define SEEP_KERNEL_SYSTEM_SESSION UINT32_MAX        // the system's own pool
#define SEEP_KERNEL_SESSION_UNKNOWN (UINT32_MAX - 1) // a session's; which one cannot be told
struct seep_kernel_tag {
    uint32_t key; // without the mark of protected tags
    bool paged;
    uint64_t allocs, frees, bytes; // UINT64_MAX = makes no sense: negative over all tables
    bool wraps;                    // 32-bit counts
    uint32_t session;
};
bool seep_kernel_each_tag(const struct seep_kernel *kernel,
                          bool (*take)(void *ctx, const struct seep_kernel_tag *), void *ctx,
                          struct seep_kernel_gaps *gaps, struct seep_err *err);

// vm.c: numbers of memory, in pages; UINT64_MAX = unknown. True where any is known.
struct seep_kernel_vm {
    uint64_t physical, available, resident_available, committed, commit_limit;
    uint64_t commit_limit_maximum, commit_peak, paged_pool, paged_pool_limit, nonpaged_pool;
    uint64_t nonpaged_pool_limit, process_private, shared, drivers, kernel_stacks, page_tables;
    const char *paged_pool_limit_from, *nonpaged_pool_limit_from; // "documented for Windows 10";
                                                                  // NULL = the kernel says so
};
bool seep_kernel_read_vm(const struct seep_kernel *kernel, struct seep_kernel_vm *vm,
                         struct seep_kernel_gaps *gaps);

// process.c: processes, alive and dead.
struct seep_kernel_process {
    uint64_t address; // of the EPROCESS
    uint64_t directory_table, handle_table;
    uint32_t pid, parent_pid;
    char image[16];
    int64_t create_ns, exit_ns;     // SEEP_NO_TIME = unknown; exit: has not exited
    uint64_t commit_pages;          // UINT64_MAX = unknown
    uint64_t n_pointers, n_handles; // of the object; UINT64_MAX = unknown
    uint32_t session;               // UINT32_MAX = unknown
    uint64_t n_threads;             // UINT64_MAX = unknown
    bool in_list;                   // of active processes
};

struct seep_kernel_processes {
    struct seep_kernel_process *at; // by address
    size_t n, capacity;
};

// The list of active processes, and what the table of ids and the list of handle tables add. The
// caller frees it: seep_kernel_processes_clear.
bool seep_kernel_read_processes(const struct seep_kernel *kernel,
                                struct seep_kernel_processes *processes,
                                struct seep_kernel_gaps *gaps, struct seep_err *err);
void seep_kernel_processes_clear(struct seep_kernel_processes *processes);

// handle.c: every entry in use of one handle table (its address is `handle_table` of a process).
struct seep_kernel_handle {
    uint64_t value;  // of the handle
    uint64_t object; // address of the object's header
    uint32_t access;
    uint64_t prepaid; // references that the entry holds besides its own; 0 where entries have none
};
bool seep_kernel_each_handle(const struct seep_kernel *kernel, uint64_t handle_table,
                             bool (*take)(void *ctx, const struct seep_kernel_handle *), void *ctx,
                             struct seep_kernel_gaps *gaps, struct seep_err *err);

// object.c: what an object's header says.
struct seep_kernel_object {
    uint64_t body;
    uint8_t type_index; // decoded; 0 = cannot be: the cookie is not known
    uint64_t n_pointers, n_handles;
};
bool seep_kernel_read_object(const struct seep_kernel *kernel, uint64_t header,
                             struct seep_kernel_object *object);

// zombie.c: every process that has exited, with its holders.
struct seep_kernel_hold {
    uint32_t holder, target; // indexes into the processes
    uint64_t n_handles, n_prepaid;
    uint64_t handle; // the first one
    uint32_t access; // of that one
    bool by_thread;  // to a thread of the target
};

// What keeps one process; of those that are no zombies, all is UINT64_MAX.
struct seep_kernel_held {
    uint64_t n_handles; // to it and to its threads, as the objects count them; UINT64_MAX = unknown
    uint64_t n_found;   // of these, in handle tables
    uint64_t n_threads; // objects of its threads that are still there: a reference each
    // References that neither handles nor its threads explain: the kernel's. Where something else
    // keeps the process anyway, one or two are not counted: they come and go. UINT64_MAX = cannot
    // be told, as not all handles to it were found.
    uint64_t n_unexplained;
};
struct seep_kernel_zombies {
    struct seep_kernel_processes processes; // those that were found through handles included
    struct seep_kernel_hold *holds;         // by holder and target
    size_t n_holds, holds_capacity;
    uint64_t *n_of_process; // handles in all of each process's table; UINT64_MAX = not readable
    struct seep_kernel_held *held; // by process
};

// It has exited, and its handles are closed: what is left is the object.
static inline bool seep_kernel_is_zombie(const struct seep_kernel_process *process)
{
    return process->exit_ns != SEEP_NO_TIME && process->handle_table == 0;
}

// One pass over all handle tables. False when memory is out or no process could be read.
bool seep_kernel_read_zombies(const struct seep_kernel *kernel, struct seep_kernel_zombies *zombies,
                              struct seep_kernel_gaps *gaps, struct seep_err *err);
void seep_kernel_zombies_clear(struct seep_kernel_zombies *zombies);

#endif
