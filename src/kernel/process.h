// SPDX-License-Identifier: MIT
// How processes are found, for those readers of a kernel that look for more than the list of them.
#ifndef SEEP_KERNEL_PROCESS_H
#define SEEP_KERNEL_PROCESS_H

#include "kernel/kernel.h"
#include "kernel/walk.h"

struct seep_kernel_finder {
    const struct seep_kernel *kernel;
    struct seep_kernel_processes *processes; // in the order they are found
    struct seep_kernel_map index;            // address of an EPROCESS -> place in `processes`
    struct seep_kernel_gaps *gaps;
    // Every entry of the table of ids (its `object` is a process or thread itself); false = memory
    // is out. NULL = not wanted.
    bool (*on_id)(void *ctx, const struct seep_kernel_handle *entry);
    void *ctx;
};

enum seep_kernel_added {
    SEEP_KERNEL_ADDED,
    SEEP_KERNEL_KNOWN,
    SEEP_KERNEL_NOT_ONE, // no process is at that address
    SEEP_KERNEL_NO_MEMORY,
};

// Adds the process at an address, unless it is known or none.
enum seep_kernel_added seep_kernel_add_process(struct seep_kernel_finder *finder, uint64_t address,
                                               bool in_list);

// All that the list of processes, the table of ids and the list of handle tables lead to. The
// caller clears `index`, and `processes` also on failure.
bool seep_kernel_find_processes(struct seep_kernel_finder *finder, struct seep_err *err);

// One process; false where the address is none's: another kind of dispatcher object, or an id that
// no process can have.
bool seep_kernel_read_process(const struct seep_kernel *kernel, uint64_t address,
                              struct seep_kernel_process *process);

// Whether a dispatcher header says that a thread is there.
bool seep_kernel_is_thread(const struct seep_kernel *kernel, uint64_t address);

void seep_kernel_sort_processes(struct seep_kernel_processes *processes);

// Where the header of an object begins, and the body of a header; 0 where that would wrap.
uint64_t seep_kernel_header_of(const struct seep_kernel *kernel, uint64_t body);
uint64_t seep_kernel_body_of(const struct seep_kernel *kernel, uint64_t header);

#endif
