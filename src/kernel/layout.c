// SPDX-License-Identifier: MIT
// Where the members of the kernel's structures lie.
//
// By types: PDB or ISF. By table: what known.inc has, and per era of layouts what the structures'
// declarations say that ntdiff (github.com/ntdiff/headers, generated from Microsoft's PDBs) shows
// for Windows 7 SP1, 8.1, 10 1607 and 1809, and the ISF of 10.0.19041.804 (Windows-Symbol-Tables).
// Of 18362 the members of a process lie 0x158 bytes before those of 19041, as the ones do that
// known.inc has; in 20348 and 22000 those lie as in 19041.
#include "kernel/identify.h"

#include <assert.h>
#include <string.h>

#define NONE SEEP_KERNEL_NO_OFFSET

void seep_kernel_layout_none(struct seep_kernel_layout *layout, unsigned pointer_bytes)
{
    memset(layout, 0xff, sizeof *layout); // every offset is SEEP_KERNEL_NO_OFFSET
    layout->pointer_bytes = pointer_bytes;
    layout->tracker.count_bytes = layout->tracker.size_bytes = 0;
    layout->refcounts_in_entries = layout->type_index_encoded = false;
}

// What known.inc says of an era, in the order of its columns.
struct era {
    uint32_t build, tracker_size, nonpaged_bytes, nonpaged_allocs, links, object_table, image_name;
    uint32_t exit_time, commit_charge, vad_root, pid, directory_table, table_code, table_list;
    uint32_t partition, committed, commit_limit, available;
};

#define ERA(...) { __VA_ARGS__ },
#define KERNEL(...)
static const struct era eras[] = {
#include "kernel/known.inc"
};
#undef ERA
#undef KERNEL

enum { N_ERAS = sizeof eras / sizeof *eras };

// And what it does not. Thread's lists and times only where a declaration of the same servicing
// level is public.
struct more {
    uint32_t build, create_time, parent_pid, private_pages, thread_list, active_threads, peb;
    uint32_t exit_status, session;
    uint32_t thread_process, thread_links, thread_create, thread_exit;
    uint32_t shared_commit; // in Vp
    uint32_t peak;          // in _MI_PARTITION; the limit's maximum follows
};

static const struct more mores[] = {
    { 7601, 0x168, 0x290, 0x248, 0x308, 0x328, 0x338, 0x444, 0x2d8, 0x210, NONE, NONE, NONE, NONE,
      NONE },
    { 9600, 0x2d0, 0x3d0, 0x388, 0x470, 0x480, 0x3e8, 0x5d4, 0x3f0, 0x220, NONE, NONE, NONE, NONE,
      NONE },
    { 14393, 0x308, 0x3e0, 0x398, 0x488, 0x498, 0x3f8, 0x61c, 0x400, 0x220, NONE, NONE, NONE, NONE,
      NONE },
    { 17763, 0x308, 0x3e0, 0x398, 0x488, 0x498, 0x3f8, 0x624, 0x400, 0x220, 0x6a8, 0x5f0, 0x5f8,
      0x2c8, 0x1900 },
    { 18362, 0x310, 0x3e8, 0x3a0, 0x488, 0x498, 0x3f8, 0x654, 0x400, 0x220, NONE, NONE, NONE, 0x2c8,
      NONE },
    { 19041, 0x468, 0x540, 0x4f8, 0x5e0, 0x5f0, 0x550, 0x7d4, 0x558, 0x220, 0x4e8, 0x430, 0x438,
      0x2c8, 0x1840 },
    { 20348, 0x468, 0x540, 0x4f8, 0x5e0, 0x5f0, 0x550, 0x7d4, 0x558, 0x220, NONE, NONE, NONE, NONE,
      NONE },
};

static_assert(sizeof mores / sizeof *mores == N_ERAS, "a row for each era");

// The tables of pool trackers: 32-bit counts up to 15063, 64-bit ones since, and since 20348 with
// limits between them.
static void tracker_known(const struct era *era, struct seep_kernel_layout *layout)
{
    layout->tracker.size = era->tracker_size;
    layout->tracker.key = 0;
    layout->tracker.nonpaged_bytes = era->nonpaged_bytes;
    layout->tracker.nonpaged_allocs = era->nonpaged_allocs;
    layout->tracker.size_bytes = 8;
    if (era->tracker_size == 0x28) {
        layout->tracker.count_bytes = 4;
        layout->tracker.nonpaged_frees = 8;
        layout->tracker.paged_allocs = 0x18;
        layout->tracker.paged_frees = 0x1c;
        layout->tracker.paged_bytes = 0x20;
        return;
    }
    layout->tracker.count_bytes = 8;
    layout->tracker.nonpaged_frees = 0x18;
    layout->tracker.paged_bytes = 0x20;
    layout->tracker.paged_allocs = 0x28;
    layout->tracker.paged_frees = 0x30;
}

static uint32_t sum(uint32_t a, uint32_t b)
{
    return a == NONE || b == NONE ? NONE : a + b;
}

static void partition_known(const struct era *era, const struct more *more,
                            struct seep_kernel_layout *layout)
{
    layout->partition.committed = sum(era->partition, era->committed);
    layout->partition.commit_limit = sum(era->partition, era->commit_limit);
    layout->partition.available = sum(era->partition, era->available);
    layout->partition.resident_available = sum(era->partition, 0x100);
    layout->partition.n_physical = sum(era->partition, 0x10);
    layout->partition.shared_commit = sum(era->partition, more->shared_commit);
    layout->partition.peak = more->peak;
    layout->partition.commit_limit_maximum = sum(more->peak, 8);
}

void seep_kernel_layout_known(const struct seep_known_kernel *known,
                              struct seep_kernel_layout *layout)
{
    const struct era *era = &eras[known->era];
    const struct more *more = &mores[known->era];
    seep_kernel_layout_none(layout, 8);
    tracker_known(era, layout);
    partition_known(era, more, layout);
    layout->process.directory_table = era->directory_table;
    layout->process.links = era->links;
    layout->process.pid = era->pid;
    layout->process.object_table = era->object_table;
    layout->process.image_name = era->image_name;
    layout->process.exit_time = era->exit_time;
    layout->process.commit_charge = era->commit_charge;
    layout->process.vad_root = era->vad_root;
    layout->process.create_time = more->create_time;
    layout->process.parent_pid = more->parent_pid;
    layout->process.private_pages = more->private_pages;
    layout->process.thread_list = more->thread_list;
    layout->process.active_threads = more->active_threads;
    layout->process.peb = more->peb;
    layout->process.exit_status = more->exit_status;
    layout->process.session = more->session;
    layout->thread.process = more->thread_process;
    layout->thread.links = more->thread_links;
    layout->thread.create_time = more->thread_create;
    layout->thread.exit_time = more->thread_exit;
    bool old = era->build < 9600; // HANDLE_TABLE before Windows 8
    layout->handle_table.table_code = era->table_code;
    layout->handle_table.list = era->table_list;
    layout->handle_table.quota_process = old ? 8 : 0x10;
    layout->handle_table.pid = old ? 0x10 : 0x28;
    layout->handle_table.count = old ? 0x58 : NONE;
    layout->object_header.size = 0x30;
    layout->object_header.pointer_count = 0;
    layout->object_header.handle_count = 8;
    layout->object_header.type_index = 0x18;
    layout->object_header.info_mask = 0x1a;
    layout->refcounts_in_entries = !old;
    layout->type_index_encoded = known->rva[SEEP_KNOWN_OBJECT_HEADER_COOKIE] != 0;
}

// A member's offset, and its width where asked for.
static uint32_t member(const struct seep_types *types, const char *structure, const char *path,
                       unsigned *bytes)
{
    struct seep_member found;
    if (!seep_types_member(types, structure, path, &found))
        return NONE;
    if (bytes)
        *bytes = found.size_bytes;
    return found.offset;
}

static void tracker_types(const struct seep_types *types, struct seep_kernel_layout *layout)
{
    static const char name[] = "_POOL_TRACKER_TABLE";
    uint64_t size;
    unsigned paged = 0;
    if (!seep_types_size(types, name, &size) || size > UINT16_MAX)
        return;
    layout->tracker.size = (uint32_t)size;
    layout->tracker.key = member(types, name, "Key", NULL);
    layout->tracker.nonpaged_bytes =
        member(types, name, "NonPagedBytes", &layout->tracker.size_bytes);
    layout->tracker.nonpaged_allocs =
        member(types, name, "NonPagedAllocs", &layout->tracker.count_bytes);
    layout->tracker.nonpaged_frees = member(types, name, "NonPagedFrees", NULL);
    layout->tracker.paged_bytes = member(types, name, "PagedBytes", NULL);
    layout->tracker.paged_allocs = member(types, name, "PagedAllocs", &paged);
    layout->tracker.paged_frees = member(types, name, "PagedFrees", NULL);
    // What a tracker without these members, or of other widths, would say is not known.
    if (paged != layout->tracker.count_bytes)
        layout->tracker.size = NONE;
}

static void process_types(const struct seep_types *types, struct seep_kernel_layout *layout)
{
    static const char process[] = "_EPROCESS";
    const struct {
        uint32_t *offset;
        const char *path;
    } rows[] = {
        { &layout->process.directory_table, "Pcb.DirectoryTableBase" },
        { &layout->process.links, "ActiveProcessLinks" },
        { &layout->process.pid, "UniqueProcessId" },
        { &layout->process.parent_pid, "InheritedFromUniqueProcessId" },
        { &layout->process.object_table, "ObjectTable" },
        { &layout->process.image_name, "ImageFileName" },
        { &layout->process.create_time, "CreateTime" },
        { &layout->process.exit_time, "ExitTime" },
        { &layout->process.commit_charge, "CommitCharge" },
        { &layout->process.private_pages, "NumberOfPrivatePages" },
        { &layout->process.vad_root, "VadRoot" },
        { &layout->process.thread_list, "ThreadListHead" },
        { &layout->process.active_threads, "ActiveThreads" },
        { &layout->process.peb, "Peb" },
        { &layout->process.exit_status, "ExitStatus" },
        { &layout->process.session, "Session" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rows[i].offset = member(types, process, rows[i].path, NULL);
    layout->thread.process = member(types, "_ETHREAD", "Tcb.Process", NULL);
    layout->thread.links = member(types, "_ETHREAD", "ThreadListEntry", NULL);
    layout->thread.create_time = member(types, "_ETHREAD", "CreateTime", NULL);
    layout->thread.exit_time = member(types, "_ETHREAD", "ExitTime", NULL);
}

static void object_types(const struct seep_types *types, uint32_t build,
                         struct seep_kernel_layout *layout)
{
    uint64_t size;
    static const char table[] = "_HANDLE_TABLE", header[] = "_OBJECT_HEADER";
    layout->handle_table.table_code = member(types, table, "TableCode", NULL);
    layout->handle_table.quota_process = member(types, table, "QuotaProcess", NULL);
    layout->handle_table.pid = member(types, table, "UniqueProcessId", NULL);
    layout->handle_table.list = member(types, table, "HandleTableList", NULL);
    layout->handle_table.count = member(types, table, "HandleCount", NULL);
    layout->object_header.size = member(types, header, "Body", NULL);
    layout->object_header.pointer_count = member(types, header, "PointerCount", NULL);
    layout->object_header.handle_count = member(types, header, "HandleCount", NULL);
    layout->object_header.type_index = member(types, header, "TypeIndex", NULL);
    layout->object_header.info_mask = member(types, header, "InfoMask", NULL);
    // Symbols that leave the entries out say nothing of them: then the build does.
    layout->refcounts_in_entries =
        seep_types_size(types, "_HANDLE_TABLE_ENTRY", &size)
            ? member(types, "_HANDLE_TABLE_ENTRY", "RefCnt", NULL) != NONE
            : build >= 9600;
}

static void partition_types(const struct seep_types *types, struct seep_kernel_layout *layout)
{
    static const char partition[] = "_MI_PARTITION";
    const struct {
        uint32_t *offset;
        const char *path;
    } rows[] = {
        { &layout->partition.committed, "Vp.TotalCommittedPages" },
        { &layout->partition.commit_limit, "Vp.TotalCommitLimit" },
        { &layout->partition.available, "Vp.AvailablePages" },
        { &layout->partition.resident_available, "Vp.ResidentAvailablePages" },
        { &layout->partition.n_physical, "Vp.NumberOfPhysicalPages" },
        { &layout->partition.shared_commit, "Vp.SharedCommit" },
        { &layout->partition.peak, "Commit.PeakCommitment" },
        { &layout->partition.commit_limit_maximum, "Commit.TotalCommitLimitMaximum" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rows[i].offset = member(types, partition, rows[i].path, NULL);
}

void seep_kernel_layout_types(const struct seep_types *types, unsigned pointer_bytes,
                              uint32_t build, struct seep_kernel_layout *layout)
{
    seep_kernel_layout_none(layout, pointer_bytes);
    tracker_types(types, layout);
    process_types(types, layout);
    object_types(types, build, layout);
    partition_types(types, layout);
}
