// SPDX-License-Identifier: MIT
// The address space of one process that runs: its regions, modules and threads as the system lists
// them, and its memory.
//
// Regions are in the words of VirtualQuery on every system, free ones included. The process is not
// stopped: what changes while it is listed may be seen before or after the change.
#ifndef SEEP_OS_SPACE_H
#define SEEP_OS_SPACE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_os_use {
    SEEP_OS_USE_UNKNOWN = 0, // the system does not say
    SEEP_OS_USE_HEAP,        // the C library's main heap
    SEEP_OS_USE_STACK,
    SEEP_OS_USE_SYSTEM, // pages that the kernel puts into every process
};

// Linux: a mapping. Private memory that nothing may access counts as reserved, everything else as
// committed; a file of which a part is executable, and that is an ELF file, is an image.
struct seep_os_region {
    uint64_t base, size_bytes;
    uint64_t allocation_base;      // of the reservation that it is part of; 0 = unknown
    uint32_t state, type, protect; // MEM_*, MEM_*, PAGE_* of Windows
    enum seep_os_use use;
    uint32_t thread;  // of a stack, where it is known; 0 = unknown
    const char *name; // of the file that is mapped, of the memory; UTF-8; NULL = none
};

struct seep_os_module {
    uint64_t base, size_bytes;
    const char *path; // UTF-8; NULL = unknown
};

struct seep_os_space_thread {
    uint32_t id;
    uint64_t teb; // 0 = unknown
};

struct seep_os_space {
    struct seep_os_region *regions; // ascending, none overlaps another
    size_t n_regions, regions_capacity;
    struct seep_os_module *modules; // as the system lists them
    size_t n_modules, modules_capacity;
    struct seep_os_space_thread *threads;
    size_t n_threads, threads_capacity;
    uint64_t n_threads_unread; // whose stack could not be found
    const char *architecture;  // "x64", "x86", "arm64"; NULL = unknown
    unsigned pointer_bytes;    // of the system's own code in the process
    bool wow64;
    bool has_blocks;       // Windows: threads have TEBs, the process a PEB
    uint32_t build;        // of Windows; 0 = none
    uint64_t peb32, peb64; // 0 = unknown
    struct seep_arena arena;
    void *process; // for the implementation
};

// Lists the address space of a process. False with `err` where there is no such process, it has no
// memory of its own, or it may not be looked at. The caller owns `space`: seep_os_space_close.
bool seep_os_space_open(uint32_t pid, struct seep_os_space *space, struct seep_err *err);
void seep_os_space_close(struct seep_os_space *space);

// Reads memory of the process; returns how many bytes could be read without a gap.
size_t seep_os_space_read(const struct seep_os_space *space, uint64_t address, void *out,
                          size_t len);

#endif
