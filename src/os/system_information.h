// SPDX-License-Identifier: MIT
// The tables that NtQuerySystemInformation and NtQueryObject return on 64-bit Windows, read from
// bytes.
//
// Layouts: winternl.h and "NtQuerySystemInformation function" of the Windows documentation for what
// is public, ntexapi.h and ntobapi.h of System Informer's native API headers (MIT) for the rest.
// Names inside a table are pointers into the buffer that was queried, so the readers take the
// address that the buffer had. A table that does not fit its bytes ends early; nothing is read
// outside.
#ifndef SEEP_OS_SYSTEM_INFORMATION_H
#define SEEP_OS_SYSTEM_INFORMATION_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

// SYSTEM_INFORMATION_CLASS and OBJECT_INFORMATION_CLASS.
enum {
    SEEP_NT_PERFORMANCE = 2,
    SEEP_NT_TIME_OF_DAY = 3,
    SEEP_NT_PROCESSES = 5,
    SEEP_NT_PAGE_FILES = 18,
    SEEP_NT_POOL_TAGS = 22,
    SEEP_NT_HANDLES = 64, // SystemExtendedHandleInformation
    SEEP_NT_OBJECT_TYPES = 3,
};

// SYSTEM_PERFORMANCE_INFORMATION, in pages. UINT64_MAX = this version does not have it.
struct seep_nt_performance {
    uint64_t committed, commit_limit, commit_peak, drivers;
    uint64_t resident_available, shared_committed; // Windows 8
    uint64_t system_page_tables;                   // Windows 10
};

// False where the table is shorter than any version's.
bool seep_nt_performance(struct seep_bytes table, struct seep_nt_performance *performance);

// SYSTEM_PROCESS_INFORMATION. Sizes in bytes (also PrivatePageCount, whatever its name says).
struct seep_nt_process {
    uint32_t pid, parent_pid;
    uint32_t n_threads, n_handles;
    uint64_t create_time; // FILETIME
    uint64_t virtual_size, working_set_size, pagefile_usage, private_page_count;
    uint64_t quota_paged_pool_usage, quota_nonpaged_pool_usage;
    struct seep_bytes image; // UTF-16LE, empty for the idle process
};

// Reads the process at `*offset` (0 for the first) and moves `*offset` to the next one, SIZE_MAX
// after the last. False at the end and where the table is broken.
bool seep_nt_process(struct seep_bytes table, uint64_t address, size_t *offset,
                     struct seep_nt_process *process);

// SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX.
struct seep_nt_handle {
    uint64_t object; // address; 0 where the system hides it
    uint64_t value;
    uint32_t pid, access;
    uint16_t type; // ObjectTypeIndex
};

// How many handles a table of class 64 holds, and its `index`-th one.
size_t seep_nt_n_handles(struct seep_bytes table);
struct seep_nt_handle seep_nt_handle(struct seep_bytes table, size_t index);

// SYSTEM_POOLTAG. Counts are modulo 2^32.
struct seep_nt_pool_tag {
    char tag[4];
    uint32_t paged_allocs, paged_frees, nonpaged_allocs, nonpaged_frees;
    uint64_t paged_bytes, nonpaged_bytes;
};

size_t seep_nt_n_pool_tags(struct seep_bytes table);
struct seep_nt_pool_tag seep_nt_pool_tag(struct seep_bytes table, size_t index);

// The pages in use and the size in pages over all page files (SYSTEM_PAGEFILE_INFORMATION). False
// where the table is broken.
bool seep_nt_page_files(struct seep_bytes table, uint64_t *used_pages, uint64_t *total_pages);

// TotalNumberOfObjects of the object type of this name (ASCII) in an OBJECT_TYPES_INFORMATION;
// false where there is none.
bool seep_nt_object_total(struct seep_bytes table, uint64_t address, const char *type,
                          uint32_t *total);

#endif
