// SPDX-License-Identifier: MIT
// Processes of a kernel, alive and dead: the list of active processes (PsActiveProcessHead), the
// table of process and thread ids (PspCidTable) and the list of handle tables.
//
// A process leaves the list when its object is deleted, and the table of ids with it: one that has
// exited and is still referenced is found in both. Members by the public symbols of each build.
#include "kernel/process.h"

#include "kernel/walk.h"

#include "base/alloc.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

enum {
    DISPATCHER_PROCESS = 3,
    DISPATCHER_THREAD = 6,
    LOCK_BIT = 0x80,      // of the dispatcher header's type
    MAX_PID = 1 << 26,    // 2^24 handles in the table of ids, 4 to each
    SESSION_ID = 8,       // _MM_SESSION_SPACE.SessionId, 32 and 64 bits
    MAX_SESSION = 0xffff, // above any that a machine has ever had
};

static uint64_t number(const struct seep_kernel *kernel, uint64_t address, uint32_t offset,
                       unsigned bytes, uint64_t unknown)
{
    uint64_t value;
    return seep_kernel_member(kernel, address, offset, bytes, &value) ? value : unknown;
}

static bool is_kind(const struct seep_kernel *kernel, uint64_t address, uint8_t kind)
{
    uint64_t type;
    return seep_kernel_plausible(kernel, address) &&
           seep_kernel_member(kernel, address, 0, 1, &type) &&
           ((uint8_t)type & (uint8_t)~LOCK_BIT) == kind;
}

bool seep_kernel_is_thread(const struct seep_kernel *kernel, uint64_t address)
{
    return is_kind(kernel, address, DISPATCHER_THREAD);
}

static int64_t time_of(const struct seep_kernel *kernel, uint64_t address, uint32_t offset)
{
    return seep_time_from_filetime(number(kernel, address, offset, 8, 0));
}

static void read_image(const struct seep_kernel *kernel, uint64_t address, char image[16])
{
    uint32_t offset = kernel->layout.process.image_name;
    memset(image, 0, 16);
    if (offset == SEEP_KERNEL_NO_OFFSET || offset > UINT64_MAX - address)
        return;
    (void)seep_memory_read(kernel->memory, address + offset, image, 15);
    for (size_t i = 0; i < 15 && image[i]; i++) {
        if ((uint8_t)image[i] < 0x20 || image[i] == 0x7f)
            image[i] = '?';
    }
}

static uint32_t session_of(const struct seep_kernel *kernel, uint64_t address, unsigned pointer)
{
    uint64_t space, session;
    if (!seep_kernel_member(kernel, address, kernel->layout.process.session, pointer, &space) ||
        !seep_kernel_plausible(kernel, space) ||
        !seep_kernel_member(kernel, space, SESSION_ID, 4, &session) || session > MAX_SESSION)
        return UINT32_MAX;
    return (uint32_t)session;
}

bool seep_kernel_read_process(const struct seep_kernel *kernel, uint64_t address,
                              struct seep_kernel_process *process)
{
    const struct seep_kernel_layout *l = &kernel->layout;
    unsigned pointer = seep_kernel_pointer_bytes(kernel);
    uint64_t pid;
    if (!is_kind(kernel, address, DISPATCHER_PROCESS) ||
        !seep_kernel_member(kernel, address, l->process.pid, pointer, &pid) || !pid ||
        pid % 4 != 0 || pid >= MAX_PID)
        return false;
    uint64_t parent = number(kernel, address, l->process.parent_pid, pointer, 0);
    struct seep_kernel_process p = { .address = address, .pid = (uint32_t)pid };
    p.parent_pid = parent < MAX_PID ? (uint32_t)parent : 0;
    p.directory_table = number(kernel, address, l->process.directory_table, pointer, 0);
    p.handle_table = number(kernel, address, l->process.object_table, pointer, 0);
    p.create_ns = time_of(kernel, address, l->process.create_time);
    p.exit_ns = time_of(kernel, address, l->process.exit_time);
    p.commit_pages = number(kernel, address, l->process.commit_charge, pointer, UINT64_MAX);
    if (p.commit_pages >= seep_kernel_max_pages(kernel))
        p.commit_pages = UINT64_MAX;
    p.n_threads = number(kernel, address, l->process.active_threads, 4, UINT64_MAX);
    p.session = session_of(kernel, address, pointer);
    p.n_pointers = p.n_handles = UINT64_MAX;
    struct seep_kernel_object object;
    if (seep_kernel_read_object(kernel, seep_kernel_header_of(kernel, address), &object)) {
        p.n_pointers = object.n_pointers;
        p.n_handles = object.n_handles;
    }
    read_image(kernel, address, p.image);
    *process = p;
    return true;
}

enum seep_kernel_added seep_kernel_add_process(struct seep_kernel_finder *finder, uint64_t address,
                                               bool in_list)
{
    struct seep_kernel_processes *all = finder->processes;
    uint32_t at = seep_kernel_map_find(&finder->index, address);
    if (at != UINT32_MAX)
        return SEEP_KERNEL_KNOWN;
    struct seep_kernel_process process;
    if (all->n >= SEEP_KERNEL_MAX_PROCESSES ||
        !seep_kernel_read_process(finder->kernel, address, &process))
        return SEEP_KERNEL_NOT_ONE;
    process.in_list = in_list;
    if (!seep_grow(&all->at, &all->capacity, all->n + 1, sizeof *all->at) ||
        !seep_kernel_map_add(&finder->index, address, (uint32_t)all->n))
        return SEEP_KERNEL_NO_MEMORY;
    all->at[all->n++] = process;
    return SEEP_KERNEL_ADDED;
}

// Follows the list one way; `*whole` says whether it came back to its head.
static bool follow_list(struct seep_kernel_finder *finder, bool back, bool *whole)
{
    const struct seep_kernel *kernel = finder->kernel;
    unsigned pointer = seep_kernel_pointer_bytes(kernel);
    uint64_t head = kernel->symbols.active_processes, at = head, next;
    uint32_t links = kernel->layout.process.links;
    *whole = false;
    for (;;) {
        if (!seep_kernel_member(kernel, at, back ? pointer : 0, pointer, &next)) {
            seep_kernel_gap_unreadable(finder->gaps, at);
            return true;
        }
        if (next == head) {
            *whole = true;
            return true;
        }
        enum seep_kernel_added added = SEEP_KERNEL_NOT_ONE;
        if (next > links)
            added = seep_kernel_add_process(finder, next - links, true);
        if (added == SEEP_KERNEL_NO_MEMORY)
            return false;
        // What is known already was reached from the other end, or the list goes in a circle.
        if (added == SEEP_KERNEL_KNOWN && back)
            return true;
        if (added != SEEP_KERNEL_ADDED) {
            uint64_t byte;
            if (seep_kernel_member(kernel, next, 0, 1, &byte))
                seep_kernel_gap_bad(finder->gaps, next);
            else
                seep_kernel_gap_unreadable(finder->gaps, next);
            return true;
        }
        at = next;
    }
}

static bool read_list(struct seep_kernel_finder *finder)
{
    bool whole;
    if (!finder->kernel->symbols.active_processes ||
        finder->kernel->layout.process.links == SEEP_KERNEL_NO_OFFSET)
        return true;
    if (!follow_list(finder, false, &whole))
        return false;
    return whole || follow_list(finder, true, &whole);
}

struct id_walk {
    struct seep_kernel_finder *finder;
    bool no_memory;
};

// The table of ids points to processes and threads themselves, not to their headers.
static bool on_id(void *ctx, const struct seep_kernel_handle *entry)
{
    struct id_walk *walk = ctx;
    struct seep_kernel_finder *finder = walk->finder;
    if (finder->on_id && !finder->on_id(finder->ctx, entry)) {
        walk->no_memory = true;
        return false;
    }
    if (!is_kind(finder->kernel, entry->object, DISPATCHER_PROCESS))
        return true;
    if (seep_kernel_add_process(finder, entry->object, false) == SEEP_KERNEL_NO_MEMORY) {
        walk->no_memory = true;
        return false;
    }
    return true;
}

static bool read_ids(struct seep_kernel_finder *finder)
{
    const struct seep_kernel *kernel = finder->kernel;
    struct id_walk walk = { finder, false };
    uint64_t table;
    if (!kernel->symbols.cid_table)
        return true;
    if (!seep_kernel_pointer(kernel, kernel->symbols.cid_table, &table) || !table) {
        seep_kernel_gap_unreadable(finder->gaps, kernel->symbols.cid_table);
        return true;
    }
    (void)seep_kernel_each_handle(kernel, table, on_id, &walk, finder->gaps, NULL);
    return !walk.no_memory;
}

// Every handle table names the process that it is charged to.
static bool read_tables(struct seep_kernel_finder *finder)
{
    const struct seep_kernel *kernel = finder->kernel;
    unsigned pointer = seep_kernel_pointer_bytes(kernel);
    uint64_t head = kernel->symbols.handle_table_list, at = head, next, owner;
    uint32_t list = kernel->layout.handle_table.list;
    struct seep_kernel_map seen = { 0 };
    bool ok = true;
    if (!head || list == SEEP_KERNEL_NO_OFFSET)
        return true;
    while (ok && seen.n < SEEP_KERNEL_MAX_PROCESSES) {
        if (!seep_kernel_pointer(kernel, at, &next)) {
            seep_kernel_gap_unreadable(finder->gaps, at);
            break;
        }
        if (next == head)
            break;
        if (next <= list || seep_kernel_map_find(&seen, next) != UINT32_MAX) {
            seep_kernel_gap_bad(finder->gaps, next);
            break;
        }
        ok = seep_kernel_map_add(&seen, next, 0);
        if (ok &&
            seep_kernel_member(kernel, next - list, kernel->layout.handle_table.quota_process,
                               pointer, &owner) &&
            owner)
            ok = seep_kernel_add_process(finder, owner, false) != SEEP_KERNEL_NO_MEMORY;
        at = next;
    }
    seep_kernel_map_clear(&seen);
    return ok;
}

bool seep_kernel_find_processes(struct seep_kernel_finder *finder, struct seep_err *err)
{
    const struct seep_kernel_symbols *s = &finder->kernel->symbols;
    if (finder->kernel->layout.process.pid == SEEP_KERNEL_NO_OFFSET ||
        (!s->active_processes && !s->cid_table && !s->handle_table_list))
        return seep_fail(err, SEEP_NO_OFFSET, "give its PDB or ISF with --symbols",
                         "where this kernel keeps its processes is not known");
    if (!read_list(finder) || !read_ids(finder) || !read_tables(finder))
        return seep_fail_memory(err);
    if (!finder->processes->n)
        return seep_fail(
            err, SEEP_NO_OFFSET, NULL,
            "no process could be read: their list and tables are not held, or damaged");
    return true;
}

static int by_address(const void *left, const void *right)
{
    uint64_t a = ((const struct seep_kernel_process *)left)->address;
    uint64_t b = ((const struct seep_kernel_process *)right)->address;
    return (a > b) - (a < b);
}

void seep_kernel_sort_processes(struct seep_kernel_processes *processes)
{
    if (processes->n)
        qsort(processes->at, processes->n, sizeof *processes->at, by_address);
}

bool seep_kernel_read_processes(const struct seep_kernel *kernel,
                                struct seep_kernel_processes *processes,
                                struct seep_kernel_gaps *gaps, struct seep_err *err)
{
    struct seep_kernel_processes found = { 0 };
    struct seep_kernel_finder finder = { .kernel = kernel, .processes = &found, .gaps = gaps };
    bool ok = seep_kernel_find_processes(&finder, err);
    seep_kernel_map_clear(&finder.index);
    if (!ok) {
        seep_kernel_processes_clear(&found);
        return false;
    }
    seep_kernel_sort_processes(&found);
    *processes = found;
    return true;
}

void seep_kernel_processes_clear(struct seep_kernel_processes *processes)
{
    seep_free(processes->at);
    *processes = (struct seep_kernel_processes){ 0 };
}
