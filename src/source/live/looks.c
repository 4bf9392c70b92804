// SPDX-License-Identifier: MIT
// The counts of every pool tag, and what a machine's memory is used for.
#include "source/live/looks.h"

static bool push_counts(struct seep_sink *sink, struct seep_machine_id machine, const char *name,
                        bool paged, const struct seep_os_pool_counts *counts)
{
    // A slab cache that was never used says nothing.
    if (counts->bytes == SEEP_OS_UNKNOWN || (counts->allocs == SEEP_OS_UNKNOWN && !counts->bytes))
        return true;
    struct seep_pool_tag tag = {
        .machine = machine,
        .tag = name,
        .paged = paged,
        .allocs = counts->allocs,
        .frees = counts->frees,
        .bytes = counts->bytes,
        .wraps = counts->allocs != SEEP_OS_UNKNOWN,
        .session = SEEP_NO_SESSION,
    };
    return seep_sink_pool_tag(sink, &tag);
}

bool live_push_pool_tags(struct seep_sink *sink, struct seep_machine_id machine,
                         const struct seep_os_sample *sample)
{
    for (size_t i = 0; i < sample->n_tags; i++) {
        const struct seep_os_pool_tag *tag = &sample->tags[i];
        if (!push_counts(sink, machine, tag->name, true, &tag->paged) ||
            !push_counts(sink, machine, tag->name, false, &tag->nonpaged))
            return false;
    }
    return true;
}

// What all processes have committed for themselves; unknown where it is of one of them.
static uint64_t process_private(const struct seep_os_sample *sample)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sample->n_processes; i++) {
        const struct seep_os_process *p = &sample->processes[i];
        // A process without memory is one that is just ending.
        if (p->zombie ||
            (p->private_bytes == SEEP_OS_UNKNOWN && p->virtual_bytes == p->private_bytes))
            continue;
        if (p->private_bytes == SEEP_OS_UNKNOWN)
            return SEEP_UNKNOWN_COUNT;
        sum += p->private_bytes;
    }
    return sum;
}

bool live_push_vm(struct seep_sink *sink, struct seep_machine_id machine,
                  const struct seep_os_sample *sample)
{
    const struct seep_os_totals *t = &sample->totals;
    struct seep_vm vm = seep_vm_unknown(machine);
    vm.bytes[SEEP_VM_PHYSICAL] = t->ram_bytes;
    vm.bytes[SEEP_VM_AVAILABLE] = t->available_bytes;
    vm.bytes[SEEP_VM_RESIDENT_AVAILABLE] = t->resident_available_bytes;
    vm.bytes[SEEP_VM_COMMITTED] = t->commit_bytes;
    vm.bytes[SEEP_VM_COMMIT_LIMIT] = t->commit_limit_bytes;
    vm.bytes[SEEP_VM_COMMIT_PEAK] = t->commit_peak_bytes;
    vm.bytes[SEEP_VM_PAGED_POOL] = t->paged_pool_bytes;
    vm.bytes[SEEP_VM_NONPAGED_POOL] = t->nonpaged_pool_bytes;
    vm.bytes[SEEP_VM_PROCESS_PRIVATE] = process_private(sample);
    vm.bytes[SEEP_VM_SHARED] = t->shared_bytes;
    vm.bytes[SEEP_VM_KERNEL_STACKS] = t->kernel_stack_bytes;
    vm.bytes[SEEP_VM_PAGE_TABLES] = t->page_table_bytes;
    vm.bytes[SEEP_VM_DRIVERS] = t->driver_bytes;
    return seep_sink_vm(sink, &vm);
}
