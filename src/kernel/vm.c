// SPDX-License-Identifier: MIT
// The machine's memory in numbers: what the system partition counts (_MI_PARTITION, Windows 10 and
// later), or the variables of kernels that have none; and how far each pool can grow.
//
// Limits of the pools are the kernel's own where it has them (Windows 7), else those that Microsoft
// documents: "Memory Limits for Windows and Windows Server Releases", Memory and Address Space
// Limits. It speaks of Windows 8.1 last; nothing newer is documented, and that limit is the end of
// what 64 bits of that layout can map.
#include "kernel/process.h"

#include "base/time.h"

enum { PAGE_SHIFT = 12 };

#define GB_PAGES (UINT64_C(1) << (30 - PAGE_SHIFT))
#define TB_PAGES (UINT64_C(1) << (40 - PAGE_SHIFT))

// First builds.
enum { VISTA = 6000, SERVER_2008 = 6001, WINDOWS_7 = 7600, WINDOWS_8 = 9200, WINDOWS_8_1 = 9600 };

struct vm_reader {
    const struct seep_kernel *kernel;
    struct seep_kernel_gaps *gaps;
    bool any;
};

// A number of pages at an address. Below zero, or more than memory can have, it says nothing: such
// counters wrap when pages are given back twice.
static void read_pages(struct vm_reader *r, uint64_t address, bool zero_is_known, uint64_t *value)
{
    uint64_t pages;
    if (!address)
        return;
    if (!seep_kernel_pointer(r->kernel, address, &pages)) {
        seep_kernel_gap_unreadable(r->gaps, address);
        return;
    }
    if (pages >= seep_kernel_max_pages(r->kernel)) {
        seep_kernel_gap_bad(r->gaps, address);
        return;
    }
    if (!pages && !zero_is_known)
        return; // the kernel does not keep it there
    *value = pages;
    r->any = true;
}

static void read_bytes(struct vm_reader *r, uint64_t address, uint64_t *value)
{
    uint64_t bytes;
    if (!address)
        return;
    if (!seep_kernel_pointer(r->kernel, address, &bytes)) {
        seep_kernel_gap_unreadable(r->gaps, address);
        return;
    }
    if (bytes >> PAGE_SHIFT && bytes >> PAGE_SHIFT < seep_kernel_max_pages(r->kernel))
        *value = bytes >> PAGE_SHIFT;
}

static void read_globals(struct vm_reader *r, struct seep_kernel_vm *vm)
{
    const struct seep_kernel_symbols *s = &r->kernel->symbols;
    read_pages(r, s->n_physical_pages, false, &vm->physical);
    read_pages(r, s->available_pages, true, &vm->available);
    read_pages(r, s->resident_available_pages, true, &vm->resident_available);
    read_pages(r, s->committed_pages, false, &vm->committed);
    read_pages(r, s->commit_limit, false, &vm->commit_limit);
    read_pages(r, s->commit_limit_maximum, false, &vm->commit_limit_maximum);
    read_pages(r, s->peak_commitment, false, &vm->commit_peak);
    read_pages(r, s->paged_pool_pages, true, &vm->paged_pool);
    read_pages(r, s->nonpaged_pool_pages, true, &vm->nonpaged_pool);
    read_pages(r, s->shared_commit, true, &vm->shared);
    read_pages(r, s->driver_commit, true, &vm->drivers);
    read_pages(r, s->process_commit, true, &vm->process_private);
    read_bytes(r, s->maximum_nonpaged_pool, &vm->nonpaged_pool_limit);
    read_bytes(r, s->paged_pool_size, &vm->paged_pool_limit);
}

static void read_partition(struct vm_reader *r, struct seep_kernel_vm *vm)
{
    const struct seep_kernel_layout *l = &r->kernel->layout;
    uint64_t partition = r->kernel->symbols.system_partition;
    const struct {
        uint32_t offset;
        bool zero_is_known;
        uint64_t *value;
    } members[] = {
        { l->partition.n_physical, false, &vm->physical },
        { l->partition.available, true, &vm->available },
        { l->partition.resident_available, true, &vm->resident_available },
        { l->partition.committed, false, &vm->committed },
        { l->partition.commit_limit, false, &vm->commit_limit },
        { l->partition.commit_limit_maximum, false, &vm->commit_limit_maximum },
        { l->partition.peak, false, &vm->commit_peak },
        { l->partition.shared_commit, true, &vm->shared },
        { l->partition.paged_pool, true, &vm->paged_pool },
        { l->partition.nonpaged_pool, true, &vm->nonpaged_pool },
    };
    if (!partition)
        return;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        // Offset 0 is that of the partition's core, no counter: a layout that was never filled.
        if (members[i].offset == SEEP_KERNEL_NO_OFFSET || members[i].offset == 0 ||
            members[i].offset > UINT64_MAX - partition)
            continue;
        read_pages(r, partition + members[i].offset, members[i].zero_is_known, members[i].value);
    }
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void limit_paged(const struct seep_kernel *kernel, struct seep_kernel_vm *vm)
{
    uint64_t most;
    const char *from;
    if (vm->paged_pool_limit != UINT64_MAX || kernel->build < VISTA)
        return;
    if (seep_kernel_pointer_bytes(kernel) == 4) {
        // "384 GB" and "15.5 TB" of the document's x86 column are beyond its 2 GB of address space.
        most = 2 * GB_PAGES;
        from = "documented for 32 bits: kernel-mode address space of 2 GB, or the commit limit";
    } else if (kernel->build >= WINDOWS_8_1) {
        most = 31 * TB_PAGES / 2;
        from = "documented for Windows 8.1 (the last that is): 15.5 TB or the commit limit";
    } else if (kernel->build >= WINDOWS_8) {
        most = 384 * GB_PAGES;
        from = "documented for Windows 8: 384 GB or the commit limit";
    } else {
        most = 128 * GB_PAGES;
        from = "documented for Windows Vista and 7: 128 GB or the commit limit";
    }
    vm->paged_pool_limit = smaller(most, vm->commit_limit);
    vm->paged_pool_limit_from = from;
}

static void limit_nonpaged(const struct seep_kernel *kernel, struct seep_kernel_vm *vm)
{
    uint64_t ram = vm->physical, most;
    const char *from;
    if (vm->nonpaged_pool_limit != UINT64_MAX || kernel->build < VISTA || ram == UINT64_MAX)
        return;
    if (seep_kernel_pointer_bytes(kernel) == 4) {
        bool all = kernel->build >= WINDOWS_8_1;
        most = smaller(all ? ram : ram / 4 * 3, 2 * GB_PAGES);
        from = all ? "documented for 32 bits, Windows 8.1: RAM, in 2 GB of address space"
                   : "documented for 32 bits: 75 % of RAM or 2 GB";
    } else if (kernel->build >= WINDOWS_8_1) {
        most = smaller(ram, 16 * TB_PAGES);
        from = "documented for Windows 8.1 (the last that is): RAM or 16 TB";
    } else if (kernel->build >= WINDOWS_8) {
        most = smaller(ram, 128 * GB_PAGES);
        from = "documented for Windows 8: RAM or 128 GB";
    } else if (kernel->build >= SERVER_2008) {
        // Vista with its first service pack has Server 2008's kernel and number.
        most = smaller(ram / 4 * 3, 128 * GB_PAGES);
        from = "documented for Windows 7 and Server 2008: 75 % of RAM up to 128 GB";
    } else {
        most = smaller(ram / 5 * 2, 128 * GB_PAGES);
        from = "documented for Windows Vista: 40 % of RAM up to 128 GB";
    }
    vm->nonpaged_pool_limit = most;
    vm->nonpaged_pool_limit_from = from;
}

// What running processes are charged; unknown where one of them, or a part of their list, is not.
static void sum_processes(const struct seep_kernel *kernel, struct seep_kernel_vm *vm)
{
    struct seep_kernel_processes processes = { 0 };
    struct seep_kernel_gaps gaps = { 0 };
    uint64_t sum = 0;
    if (vm->process_private != UINT64_MAX ||
        !seep_kernel_read_processes(kernel, &processes, &gaps, NULL))
        return;
    bool whole = !gaps.n_unreadable && !gaps.n_bad;
    for (size_t i = 0; i < processes.n; i++) {
        const struct seep_kernel_process *p = &processes.at[i];
        if (p->exit_ns != SEEP_NO_TIME)
            continue;
        whole &= p->commit_pages != UINT64_MAX;
        sum += whole ? p->commit_pages : 0;
    }
    // Together they are a part of what is committed.
    if (whole && processes.n && sum < seep_kernel_max_pages(kernel) &&
        (vm->committed == UINT64_MAX || sum <= vm->committed))
        vm->process_private = sum;
    seep_kernel_processes_clear(&processes);
}

bool seep_kernel_read_vm(const struct seep_kernel *kernel, struct seep_kernel_vm *vm,
                         struct seep_kernel_gaps *gaps)
{
    struct vm_reader r = { .kernel = kernel, .gaps = gaps };
    struct seep_kernel_vm read = {
        .physical = UINT64_MAX,
        .available = UINT64_MAX,
        .resident_available = UINT64_MAX,
        .committed = UINT64_MAX,
        .commit_limit = UINT64_MAX,
        .commit_limit_maximum = UINT64_MAX,
        .commit_peak = UINT64_MAX,
        .paged_pool = UINT64_MAX,
        .paged_pool_limit = UINT64_MAX,
        .nonpaged_pool = UINT64_MAX,
        .nonpaged_pool_limit = UINT64_MAX,
        .process_private = UINT64_MAX,
        .shared = UINT64_MAX,
        .drivers = UINT64_MAX,
        .kernel_stacks = UINT64_MAX,
        .page_tables = UINT64_MAX,
    };
    read_globals(&r, &read);
    read_partition(&r, &read);
    if (r.any) {
        limit_paged(kernel, &read);
        limit_nonpaged(kernel, &read);
    }
    sum_processes(kernel, &read);
    *vm = read;
    return r.any;
}
