// SPDX-License-Identifier: MIT
// The names and Perflib indexes of the few performance counters that tell about memory and handles.
//
// Counter logs carry names in the language of the machine that wrote them; some carry the Perflib
// index instead. Indexes below 1848 are fixed for all languages and versions of Windows. Only names
// seen in a public source are listed; a name that is not listed is simply not recognized.
#ifndef SEEP_NT_COUNTER_NAMES_H
#define SEEP_NT_COUNTER_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum seep_perf_object {
    SEEP_PERF_OBJECT_NONE = 0, // not an object that matters here
    SEEP_PERF_PROCESS,         // instances `name` or `name#n`, `#n` renumbered on exit
    SEEP_PERF_PROCESS_V2,      // instances `name:pid` (recent versions of Windows)
    SEEP_PERF_MEMORY,          // no instances
    SEEP_PERF_PAGING_FILE,     // instances: a page file's path, `_Total`
    SEEP_PERF_OBJECT_COUNT_,
};

enum seep_perf_counter {
    SEEP_PERF_COUNTER_NONE = 0,
    SEEP_PERF_PRIVATE_BYTES,
    SEEP_PERF_VIRTUAL_BYTES,
    SEEP_PERF_POOL_PAGED_BYTES,    // of a process, or of the machine
    SEEP_PERF_POOL_NONPAGED_BYTES, // of a process, or of the machine
    SEEP_PERF_HANDLE_COUNT,
    SEEP_PERF_THREAD_COUNT,
    SEEP_PERF_WORKING_SET,
    SEEP_PERF_WORKING_SET_PRIVATE,
    SEEP_PERF_PAGE_FILE_BYTES,
    SEEP_PERF_ID_PROCESS,
    SEEP_PERF_CREATING_PROCESS_ID,
    SEEP_PERF_ELAPSED_TIME, // seconds since the process started
    SEEP_PERF_COMMITTED_BYTES,
    SEEP_PERF_COMMIT_LIMIT,
    SEEP_PERF_AVAILABLE_BYTES,
    SEEP_PERF_AVAILABLE_KBYTES,
    SEEP_PERF_AVAILABLE_MBYTES,
    SEEP_PERF_POOL_PAGED_RESIDENT_BYTES,
    SEEP_PERF_FREE_SYSTEM_PTES,
    SEEP_PERF_CACHE_BYTES,
    SEEP_PERF_MODIFIED_PAGE_LIST_BYTES,
    SEEP_PERF_COMMITTED_IN_USE, // percent
    SEEP_PERF_PAGING_USAGE,     // percent
    SEEP_PERF_COUNTER_COUNT_,
};

// The object or counter that has a Perflib index, or *_NONE. A counter index means something only
// together with its object.
enum seep_perf_object seep_perf_object_by_index(uint32_t index);
enum seep_perf_counter seep_perf_counter_by_index(enum seep_perf_object object, uint32_t index);

// The object or counter that has a name, in any of the listed languages, or *_NONE. `name` is
// `length` bytes of UTF-8 without an end mark; upper and lower case are the same (Latin and
// Cyrillic letters), as they are to Perfmon.
enum seep_perf_object seep_perf_object_by_name(const char *name, size_t length);
enum seep_perf_counter seep_perf_counter_by_name(enum seep_perf_object object, const char *name,
                                                 size_t length);

// The English name; static, never NULL ("" for *_NONE or a value out of range).
const char *seep_perf_object_name(enum seep_perf_object object);
const char *seep_perf_counter_name(enum seep_perf_counter counter);

#endif
