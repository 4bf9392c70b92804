// SPDX-License-Identifier: MIT
// Where the variables of the kernel lie.
#include "kernel/identify.h"

static uint64_t at(const struct seep_kernel *kernel, uint32_t rva)
{
    return rva && kernel->base ? kernel->base + rva : SEEP_KERNEL_NO_ADDRESS;
}

void seep_kernel_variables_known(struct seep_kernel *kernel, const struct seep_known_kernel *known)
{
    struct seep_kernel_symbols *s = &kernel->symbols;
    s->pool_track_table = at(kernel, known->rva[SEEP_KNOWN_POOL_TRACK_TABLE]);
    s->pool_track_table_size = at(kernel, known->rva[SEEP_KNOWN_POOL_TRACK_TABLE_SIZE]);
    s->pool_tag_tables = at(kernel, known->rva[SEEP_KNOWN_POOL_TAG_TABLES]);
    s->system_partition = at(kernel, known->rva[SEEP_KNOWN_SYSTEM_PARTITION]);
    s->active_processes = at(kernel, known->rva[SEEP_KNOWN_ACTIVE_PROCESSES]);
    s->cid_table = at(kernel, known->rva[SEEP_KNOWN_CID_TABLE]);
    s->object_header_cookie = at(kernel, known->rva[SEEP_KNOWN_OBJECT_HEADER_COOKIE]);
    s->debugger_data = at(kernel, known->rva[SEEP_KNOWN_DEBUGGER_DATA]);
}

static uint64_t named(const struct seep_kernel *kernel, const char *name)
{
    uint32_t rva;
    return seep_kernel_symbol(kernel->table, name, &rva) ? at(kernel, rva) : SEEP_KERNEL_NO_ADDRESS;
}

// The symbol behind the array, so that it is not read farther than it reaches.
static uint64_t tables_end(const struct seep_kernel *kernel, uint64_t tables)
{
    enum { MOST = 2048 }; // pointers: Windows has at most 2,048 processors
    struct seep_symbol symbol;
    if (!tables)
        return 0;
    uint32_t start = (uint32_t)(tables - kernel->base);
    for (uint32_t rva = start + 8; rva <= start + 8 * MOST; rva += 8) {
        if (seep_symbol_table_at(kernel->table, rva, &symbol) && symbol.offset < rva - start)
            return kernel->base + rva - symbol.offset;
    }
    return tables + (uint64_t)8 * MOST;
}

// Since Windows 10 some numbers of the whole system are members of MiState.
static void state_variables(struct seep_kernel *kernel)
{
    static const char state[] = "_MI_SYSTEM_INFORMATION";
    struct seep_kernel_symbols *s = &kernel->symbols;
    const struct {
        uint64_t *address;
        const char *path;
    } rows[] = {
        { &s->paged_pool_pages, "Vs.PagedPoolInfo.AllocatedPagedPool" },
        { &s->nonpaged_pool_pages, "Pools.AllocatedNonPagedPool" },
        { &s->invalid_pte_mask, "Hardware.InvalidPteMask" },
    };
    uint64_t base = named(kernel, "MiState");
    for (size_t i = 0; base && kernel->types && i < sizeof rows / sizeof *rows; i++) {
        struct seep_member member;
        if (!*rows[i].address && seep_types_member(kernel->types, state, rows[i].path, &member))
            *rows[i].address = base + member.offset;
    }
}

// MmProcessCommit is left out: it is what !vm calls "Shared Process", a small part of what
// processes cost, and not what they have committed.
void seep_kernel_variables_table(struct seep_kernel *kernel)
{
    struct seep_kernel_symbols *s = &kernel->symbols;
    const struct {
        uint64_t *address;
        const char *name;
    } rows[] = {
        { &s->pool_track_table, "PoolTrackTable" },
        { &s->pool_track_table_size, "PoolTrackTableSize" },
        { &s->pool_track_table_expansion, "PoolTrackTableExpansion" },
        { &s->pool_track_table_expansion_size, "PoolTrackTableExpansionSize" },
        { &s->pool_tag_tables, "ExPoolTagTables" },
        { &s->session_pool_track_table, "ExpSessionPoolTrackTable" },
        { &s->session_pool_track_table_size, "ExpSessionPoolTrackTableSize" },
        { &s->system_partition, "MiSystemPartition" },
        { &s->active_processes, "PsActiveProcessHead" },
        { &s->cid_table, "PspCidTable" },
        { &s->handle_table_list, "HandleTableListHead" },
        { &s->loaded_modules, "PsLoadedModuleList" },
        { &s->object_header_cookie, "ObHeaderCookie" },
        { &s->debugger_data, "KdDebuggerDataBlock" },
        { &s->type_index_table, "ObTypeIndexTable" },
        { &s->committed_pages, "MmTotalCommittedPages" },
        { &s->commit_limit, "MmTotalCommitLimit" },
        { &s->commit_limit_maximum, "MmTotalCommitLimitMaximum" },
        { &s->peak_commitment, "MmPeakCommitment" },
        { &s->available_pages, "MmAvailablePages" },
        { &s->n_physical_pages, "MmNumberOfPhysicalPages" },
        { &s->resident_available_pages, "MmResidentAvailablePages" },
        { &s->nonpaged_pool_pages, "MmAllocatedNonPagedPool" },
        { &s->maximum_nonpaged_pool, "MmMaximumNonPagedPoolInBytes" },
        { &s->paged_pool_size, "MmSizeOfPagedPoolInBytes" },
        { &s->shared_commit, "MmSharedCommit" },
        { &s->driver_commit, "MmDriverCommit" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rows[i].address = named(kernel, rows[i].name);
    s->pool_tag_tables_end = tables_end(kernel, s->pool_tag_tables);
    state_variables(kernel);
}

void seep_kernel_variables_debugger(struct seep_kernel *kernel)
{
    struct seep_kernel_symbols *s = &kernel->symbols;
    const struct seep_debugger_data *d = &kernel->debugger_data;
    const struct {
        uint64_t *address;
        uint64_t value;
    } rows[] = {
        { &s->pool_track_table, d->pool_track_table },
        { &s->active_processes, d->active_processes },
        { &s->loaded_modules, d->loaded_modules },
        { &s->cid_table, d->cid_table },
        { &s->committed_pages, d->total_committed },
        { &s->commit_limit, d->total_commit_limit },
        { &s->commit_limit_maximum, d->commit_limit_maximum },
        { &s->peak_commitment, d->peak_commitment },
        { &s->available_pages, d->available_pages },
        { &s->resident_available_pages, d->resident_available_pages },
        { &s->n_physical_pages, d->n_physical_pages },
        { &s->nonpaged_pool_pages, d->allocated_nonpaged_pool },
        { &s->maximum_nonpaged_pool, d->maximum_nonpaged_pool },
        { &s->paged_pool_size, d->paged_pool_size },
        { &s->shared_commit, d->shared_commit },
        { &s->driver_commit, d->driver_commit },
    };
    for (size_t i = 0; kernel->has_debugger_data && i < sizeof rows / sizeof *rows; i++) {
        if (!*rows[i].address)
            *rows[i].address = rows[i].value;
    }
    // Since Windows 10 it points to something else in MiState.
    if (kernel->has_debugger_data && !s->system_partition && !s->paged_pool_pages)
        s->paged_pool_pages = d->paged_pool_commit;
}
