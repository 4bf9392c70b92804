// SPDX-License-Identifier: MIT
// Names of what a machine's memory is used for.
#include "model/vm.h"

#include <assert.h>
#include <string.h>

static const char *const names[] = {
    [SEEP_VM_PHYSICAL] = "physical",
    [SEEP_VM_AVAILABLE] = "available",
    [SEEP_VM_RESIDENT_AVAILABLE] = "resident-available",
    [SEEP_VM_COMMITTED] = "committed",
    [SEEP_VM_COMMIT_LIMIT] = "commit-limit",
    [SEEP_VM_COMMIT_LIMIT_MAXIMUM] = "commit-limit-maximum",
    [SEEP_VM_COMMIT_PEAK] = "commit-peak",
    [SEEP_VM_PAGED_POOL] = "paged-pool",
    [SEEP_VM_PAGED_POOL_LIMIT] = "paged-pool-limit",
    [SEEP_VM_NONPAGED_POOL] = "nonpaged-pool",
    [SEEP_VM_NONPAGED_POOL_LIMIT] = "nonpaged-pool-limit",
    [SEEP_VM_PROCESS_PRIVATE] = "process-private",
    [SEEP_VM_SHARED] = "shared",
    [SEEP_VM_KERNEL_STACKS] = "kernel-stacks",
    [SEEP_VM_PAGE_TABLES] = "page-tables",
    [SEEP_VM_DRIVERS] = "drivers",
    [SEEP_VM_ZOMBIES] = "zombies",
};
static_assert(sizeof names / sizeof *names == SEEP_N_VM_ITEMS, "a name for each item");

const char *seep_vm_item_name(enum seep_vm_item item)
{
    return names[item];
}

enum seep_vm_item seep_vm_item_named(const char *name)
{
    size_t i = 0;
    while (i < SEEP_N_VM_ITEMS && strcmp(names[i], name) != 0)
        i++;
    return (enum seep_vm_item)i;
}
