// SPDX-License-Identifier: MIT
// Crash dumps of the kernel (DUMP_HEADER32, DUMP_HEADER64): the header, where the pages of physical
// memory are, and what a triage dump holds instead of pages.
//
// Sources: WDBGEXTS.H and DbgEng.h as published in win32metadata; kdmp-parser (MIT); QEMU's
// win_dump; rizin's dmp_specs.h (facts), checked against real dumps.
#ifndef SEEP_NT_KERNEL_DUMP_H
#define SEEP_NT_KERNEL_DUMP_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_kernel_dump_kind {
    SEEP_KERNEL_DUMP_UNKNOWN = 0,
    SEEP_KERNEL_DUMP_FULL = 1,
    SEEP_KERNEL_DUMP_SUMMARY = 2, // "kernel" of old systems
    SEEP_KERNEL_DUMP_HEADER = 3,
    SEEP_KERNEL_DUMP_TRIAGE = 4,
    SEEP_KERNEL_DUMP_BITMAP = 5, // the active or kernel memory, one bit a page
    SEEP_KERNEL_DUMP_LIVE = 6,   // the same, of a running system
    SEEP_KERNEL_DUMP_KERNEL = 8, // RDMP, since 2022
    SEEP_KERNEL_DUMP_KERNEL_AND_USER = 9,
    SEEP_KERNEL_DUMP_COMPLETE = 10,
};

// "full", "bitmap", "triage", …
const char *seep_kernel_dump_kind_name(enum seep_kernel_dump_kind kind);

// Fields that the writer left unset (they hold the text PAGE) are SEEP_UNKNOWN_FIELD; addresses
// are 0 then.
#define SEEP_UNKNOWN_FIELD UINT64_MAX

struct seep_kernel_dump_run {
    uint64_t pfn, n_pages;
    uint64_t offset; // of its first page in the file
};

struct seep_kernel_dump_header {
    bool wide; // 64-bit
    bool pae;  // of a 32-bit one
    enum seep_kernel_dump_kind kind;
    uint32_t major, build; // 15 (free) or 12 (checked); 19041
    uint32_t machine;      // IMAGE_FILE_MACHINE_*
    uint32_t n_processors; // 0 = unknown
    uint64_t directory_table;
    uint64_t pfn_database, loaded_modules, active_processes, debugger_data; // virtual addresses
    uint64_t bugcheck, bugcheck_parameters[4];
    int64_t time_ns;        // when it was written; SEEP_NO_TIME = unknown
    int64_t boot_ns;        // SEEP_NO_TIME = unknown
    uint64_t n_pages;       // of physical memory, as its runs say; SEEP_UNKNOWN_FIELD
    uint64_t required_size; // bytes that the file should have; SEEP_UNKNOWN_FIELD
    size_t size_bytes;      // of the header: 0x1000 or 0x2000
};

// Whether bytes start such a dump.
bool seep_kernel_dump_is(struct seep_bytes file);

// Reads the header; false with `err` where there is none, or less of it than its fields need.
bool seep_kernel_dump_read(struct seep_bytes file, struct seep_kernel_dump_header *header,
                           struct seep_err *err);

// A triage dump's own header (after the other); offsets are in the file, 0 = absent.
struct seep_triage {
    uint32_t size_of_dump, valid_offset, context_offset, exception_offset, memory_record_offset;
    uint32_t unloaded_offset, prcb_offset, process_offset, thread_offset;
    uint32_t stack_offset, stack_bytes, drivers_offset, n_drivers, strings_offset, strings_bytes;
    uint32_t options, debugger_data_offset, debugger_data_bytes, blocks_offset, n_blocks;
};
bool seep_triage_read(struct seep_bytes file, const struct seep_kernel_dump_header *header,
                      struct seep_triage *triage, struct seep_err *err);

struct seep_triage_driver {
    uint64_t base;
    uint32_t size_bytes, checksum, timestamp;
    struct seep_bytes name; // UTF-16LE, may be empty
};
// Entry `index` of the list; false where it, or its name, is not in the file.
bool seep_triage_driver(struct seep_bytes file, const struct seep_kernel_dump_header *header,
                        const struct seep_triage *triage, uint32_t index,
                        struct seep_triage_driver *driver);

// Pages; SEEP_UNKNOWN_FIELD where it was not recorded (a record of zeros says nothing).
struct seep_triage_memory {
    uint64_t nonpaged_maximum, nonpaged, paged_maximum, paged;
    uint64_t committed, peak_committed, commit_limit_maximum;
};
// Meaning inferred from two real dumps; see the note of the source.
bool seep_triage_memory_read(struct seep_bytes file, const struct seep_triage *triage,
                             struct seep_triage_memory *memory);

// KDDEBUGGER_DATA64, in clear. Addresses of variables of the kernel; 0 = absent.
struct seep_debugger_data {
    uint64_t kernel_base, loaded_modules, active_processes, cid_table, paged_pool_descriptor;
    uint64_t pfn_database, n_physical_pages, maximum_nonpaged_pool, paged_pool_size;
    uint64_t total_commit_limit, total_committed, shared_commit, driver_commit, process_commit;
    uint64_t paged_pool_commit, available_pages, resident_available_pages, pool_track_table;
    uint64_t unloaded_drivers, allocated_nonpaged_pool, peak_commitment, commit_limit_maximum;
    uint64_t physical_memory_block;
    uint32_t page_size;
};
// From the bytes of the block; false where the tag `KDBG` is not at its place.
bool seep_debugger_data_read(struct seep_bytes block, struct seep_debugger_data *data);

#endif
