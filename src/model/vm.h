// SPDX-License-Identifier: MIT
// The fact *vm*: what a machine's memory was used for at one moment, and its limits. All in bytes.
//
// Numbers that are also metrics (commit_bytes, available_bytes, …) go the way of all series, too.
#ifndef SEEP_MODEL_VM_H
#define SEEP_MODEL_VM_H

#include "model/ids.h"
#include "model/loss.h"

#include <stddef.h>
#include <stdint.h>

enum seep_vm_item {
    SEEP_VM_PHYSICAL = 0,
    SEEP_VM_AVAILABLE,
    SEEP_VM_RESIDENT_AVAILABLE,
    SEEP_VM_COMMITTED,
    SEEP_VM_COMMIT_LIMIT,
    SEEP_VM_COMMIT_LIMIT_MAXIMUM, // after the page files have grown
    SEEP_VM_COMMIT_PEAK,
    SEEP_VM_PAGED_POOL,
    SEEP_VM_PAGED_POOL_LIMIT,
    SEEP_VM_NONPAGED_POOL,
    SEEP_VM_NONPAGED_POOL_LIMIT,
    // Parts of what is committed, besides the two pools.
    SEEP_VM_PROCESS_PRIVATE,
    SEEP_VM_SHARED,
    SEEP_VM_KERNEL_STACKS,
    SEEP_VM_PAGE_TABLES,
    SEEP_VM_DRIVERS,
    SEEP_VM_ZOMBIES, // an estimate: what exited processes still hold
    SEEP_N_VM_ITEMS,
};

struct seep_vm {
    struct seep_machine_id machine;
    uint64_t bytes[SEEP_N_VM_ITEMS]; // SEEP_UNKNOWN_COUNT = unknown
};

// "physical", "available", … "process-private", … "zombies": as the case and `seep facts` name it.
const char *seep_vm_item_name(enum seep_vm_item item);

// The item of a name, SEEP_N_VM_ITEMS if there is none.
enum seep_vm_item seep_vm_item_named(const char *name);

// A fact of which nothing is known yet.
static inline struct seep_vm seep_vm_unknown(struct seep_machine_id machine)
{
    struct seep_vm vm = { .machine = machine };
    for (size_t i = 0; i < SEEP_N_VM_ITEMS; i++)
        vm.bytes[i] = SEEP_UNKNOWN_COUNT;
    return vm;
}

#endif
