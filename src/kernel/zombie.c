// SPDX-License-Identifier: MIT
// Processes that have exited and are still referenced, who holds them with handles, and what no
// handle explains. One pass over all handle tables, however many processes there are.
//
// What keeps the object of an exited process, and how it shows in its PointerCount:
//   a handle to it       one reference, and since Windows 8.1 what the entry's RefCnt says: taken
//                        in advance (32,767 at first), given back as the handle is used
//   a thread's object    one each, for as long as something keeps the thread: a handle, or the
//                        kernel
//   its id's entry       none of its own, but since Windows 8.1 it can hold some in advance, too
//   a driver             one for each that was taken (PsLookupProcessByProcessId) and not given
//   back
// So PointerCount less the first three is what the kernel holds. That such references come and go
// with work under way (a debugger, error reporting, a look-up on another processor) is allowed for:
// TRANSIENT of them say nothing where handles or threads keep the process in any case. Where
// nothing else keeps it, every one counts, for without it the object would be gone.
#include "kernel/process.h"

#include "base/alloc.h"
#include "base/time.h"

#include <stdlib.h>

enum {
    TRANSIENT = 2,
    MAX_THREADS_OF_ONE = 1 << 16,
    // Of one machine, as page tables can show one page of handles at many places.
    MAX_THREADS = 1 << 20,
    MAX_HOLDS = 1 << 21,
    NO_TYPE = -1,
};

struct thread {
    uint64_t address, n_handles, n_pointers;
    uint64_t n_found; // handles to it
    uint32_t process;
    bool listed; // met in its process's list
};

struct reader {
    const struct seep_kernel *kernel;
    struct seep_kernel_gaps *gaps;
    struct seep_kernel_finder finder;
    struct seep_kernel_zombies z;
    struct seep_kernel_map holds;   // holder, target, by thread -> hold
    struct seep_kernel_map threads; // address -> thread
    struct seep_kernel_map prepaid; // address of a process or thread -> of its id's entry
    struct thread *thread_at;
    size_t n_threads, threads_capacity, n_of_capacity;
    uint64_t *ids; // threads that have one
    size_t n_ids, ids_capacity;
    int process_type, thread_type; // as the header has it, less what depends on its address
    uint32_t holder;               // whose table is read
    uint64_t n_entries, left;
    bool no_memory;
};

// The type of an object, the same of all of one type, whether the cookie is known or not.
static int type_of(const struct reader *r, uint64_t header)
{
    uint64_t type;
    if (!seep_kernel_member(r->kernel, header, r->kernel->layout.object_header.type_index, 1,
                            &type))
        return NO_TYPE;
    if (r->kernel->layout.type_index_encoded)
        type ^= header >> 8 & 0xff;
    return (int)type;
}

// What is behind an id: references that its entry holds in advance, and threads, whose type is
// learned and whose processes are looked up when these are all known.
static bool on_id(void *ctx, const struct seep_kernel_handle *entry)
{
    struct reader *r = ctx;
    if (entry->prepaid && seep_kernel_map_find(&r->prepaid, entry->object) == UINT32_MAX &&
        !seep_kernel_map_add(&r->prepaid, entry->object, (uint32_t)entry->prepaid))
        return false;
    if (r->n_ids >= MAX_THREADS || !seep_kernel_is_thread(r->kernel, entry->object))
        return true;
    if (!seep_grow(&r->ids, &r->ids_capacity, r->n_ids + 1, sizeof *r->ids))
        return false;
    r->ids[r->n_ids++] = entry->object;
    return true;
}

// The address of the first thread in a process's list; 0 where there is none.
static uint64_t first_thread(const struct seep_kernel *kernel, uint64_t process)
{
    uint32_t list = kernel->layout.process.thread_list, links = kernel->layout.thread.links;
    uint64_t next;
    if (links == SEEP_KERNEL_NO_OFFSET ||
        !seep_kernel_member(kernel, process, list, seep_kernel_pointer_bytes(kernel), &next) ||
        next == process + list || next <= links || !seep_kernel_is_thread(kernel, next - links))
        return 0;
    return next - links;
}

static int most_frequent(const uint32_t counts[256])
{
    int best = 0;
    for (int i = 1; i < 256; i++) {
        if (counts[i] > counts[best])
            best = i;
    }
    return counts[best] ? best : NO_TYPE;
}

// Which type is that of processes, and of threads, is told by those that lists lead to.
static void learn_types(struct reader *r)
{
    uint32_t processes[256] = { 0 }, threads[256] = { 0 };
    for (size_t i = 0; i < r->z.processes.n; i++) {
        uint64_t address = r->z.processes.at[i].address;
        int type = type_of(r, seep_kernel_header_of(r->kernel, address));
        if (type >= 0)
            processes[type]++;
        uint64_t thread = first_thread(r->kernel, address);
        type = thread ? type_of(r, seep_kernel_header_of(r->kernel, thread)) : NO_TYPE;
        if (type >= 0)
            threads[type]++;
    }
    for (size_t i = 0; i < r->n_ids; i++) {
        int type = type_of(r, seep_kernel_header_of(r->kernel, r->ids[i]));
        if (type >= 0)
            threads[type]++;
    }
    r->process_type = most_frequent(processes);
    r->thread_type = most_frequent(threads);
}

static struct thread *note_thread(struct reader *r, uint64_t address, uint32_t process)
{
    uint32_t at = seep_kernel_map_find(&r->threads, address);
    if (at != UINT32_MAX)
        return &r->thread_at[at];
    at = (uint32_t)r->n_threads;
    if (at >= MAX_THREADS) {
        seep_kernel_gap_bad(r->gaps, address);
        return NULL;
    }
    if (!seep_grow(&r->thread_at, &r->threads_capacity, r->n_threads + 1, sizeof *r->thread_at) ||
        !seep_kernel_map_add(&r->threads, address, at)) {
        r->no_memory = true;
        return NULL;
    }
    struct thread *thread = &r->thread_at[r->n_threads++];
    struct seep_kernel_object object = { .n_pointers = UINT64_MAX, .n_handles = UINT64_MAX };
    (void)seep_kernel_read_object(r->kernel, seep_kernel_header_of(r->kernel, address), &object);
    *thread = (struct thread){ .address = address,
                               .n_handles = object.n_handles,
                               .n_pointers = object.n_pointers,
                               .process = process };
    return thread;
}

// The threads of a process that has exited, as far as their objects are still there.
static bool read_threads(struct reader *r, uint32_t process)
{
    const struct seep_kernel *kernel = r->kernel;
    uint64_t address = r->z.processes.at[process].address, next;
    uint64_t head = address + kernel->layout.process.thread_list;
    uint32_t links = kernel->layout.thread.links;
    unsigned pointer = seep_kernel_pointer_bytes(kernel);
    uint64_t thread = first_thread(kernel, address);
    for (size_t i = 0; thread && i < MAX_THREADS_OF_ONE; i++) {
        uint64_t owner;
        if (seep_kernel_member(kernel, thread, kernel->layout.thread.process, pointer, &owner) &&
            owner != address) {
            seep_kernel_gap_bad(r->gaps, thread);
            break;
        }
        struct thread *t = note_thread(r, thread, process);
        if (!t)
            return !r->no_memory;
        if (t->listed) {
            seep_kernel_gap_bad(r->gaps, thread); // the list goes in a circle
            break;
        }
        t->listed = true;
        if (!seep_kernel_member(kernel, thread, links, pointer, &next) || next == head)
            break;
        thread = next > links && seep_kernel_is_thread(kernel, next - links) ? next - links : 0;
    }
    return true;
}

// The same of threads that an id leads to: builds differ in what is public of their lists.
static bool read_thread_ids(struct reader *r)
{
    unsigned pointer = seep_kernel_pointer_bytes(r->kernel);
    for (size_t i = 0; i < r->n_ids; i++) {
        uint64_t owner;
        if (!seep_kernel_member(r->kernel, r->ids[i], r->kernel->layout.thread.process, pointer,
                                &owner))
            continue;
        uint32_t at = seep_kernel_map_find(&r->finder.index, owner);
        if (at != UINT32_MAX && seep_kernel_is_zombie(&r->z.processes.at[at]) &&
            !note_thread(r, r->ids[i], at) && r->no_memory)
            return false;
    }
    return true;
}

static bool note_hold(struct reader *r, uint32_t target, const struct seep_kernel_handle *handle,
                      bool by_thread)
{
    uint64_t key = (uint64_t)r->holder << 32 | (uint64_t)target << 1 | by_thread;
    uint32_t at = seep_kernel_map_find(&r->holds, key);
    if (at == UINT32_MAX) {
        at = (uint32_t)r->z.n_holds;
        if (at >= MAX_HOLDS) {
            seep_kernel_gap_bad(r->gaps, r->z.processes.at[target].address);
            return true;
        }
        if (!seep_grow(&r->z.holds, &r->z.holds_capacity, r->z.n_holds + 1, sizeof *r->z.holds) ||
            !seep_kernel_map_add(&r->holds, key, at)) {
            r->no_memory = true;
            return false;
        }
        r->z.holds[r->z.n_holds++] = (struct seep_kernel_hold){ .holder = r->holder,
                                                                .target = target,
                                                                .handle = handle->value,
                                                                .access = handle->access,
                                                                .by_thread = by_thread };
    }
    r->z.holds[at].n_handles++;
    r->z.holds[at].n_prepaid += handle->prepaid;
    return true;
}

// The place of the process at an address, added where it is new; UINT32_MAX where there is none,
// which is damage only where something `certain` led there.
static uint32_t process_at(struct reader *r, uint64_t address, bool certain)
{
    uint32_t at = seep_kernel_map_find(&r->finder.index, address);
    if (at != UINT32_MAX)
        return at;
    switch (seep_kernel_add_process(&r->finder, address, false)) {
    case SEEP_KERNEL_ADDED:
        return (uint32_t)r->z.processes.n - 1;
    case SEEP_KERNEL_NO_MEMORY:
        r->no_memory = true;
        return UINT32_MAX;
    default:
        if (certain)
            seep_kernel_gap_bad(r->gaps, address);
        return UINT32_MAX;
    }
}

static bool on_thread_handle(struct reader *r, uint64_t thread,
                             const struct seep_kernel_handle *handle)
{
    const struct seep_kernel *kernel = r->kernel;
    uint64_t owner;
    if (!seep_kernel_member(kernel, thread, kernel->layout.thread.process,
                            seep_kernel_pointer_bytes(kernel), &owner))
        return true;
    uint32_t target = process_at(r, owner, r->thread_type != NO_TYPE);
    if (target == UINT32_MAX || !seep_kernel_is_zombie(&r->z.processes.at[target]))
        return !r->no_memory;
    struct thread *t = note_thread(r, thread, target);
    if (!t)
        return !r->no_memory;
    t->n_found++;
    return note_hold(r, t->process, handle, true);
}

static bool on_handle(void *ctx, const struct seep_kernel_handle *handle)
{
    struct reader *r = ctx;
    uint64_t body = seep_kernel_body_of(r->kernel, handle->object);
    r->n_entries++;
    if (!body)
        return true;
    uint32_t target = seep_kernel_map_find(&r->finder.index, body);
    if (target == UINT32_MAX) {
        // Objects in paged pool may not be held; processes and threads always are with the rest.
        int type = type_of(r, handle->object);
        if (type == NO_TYPE)
            return true;
        if ((r->thread_type == NO_TYPE || type == r->thread_type) &&
            seep_kernel_is_thread(r->kernel, body))
            return on_thread_handle(r, body, handle);
        if (type != r->process_type)
            return true;
        target = process_at(r, body, true);
    }
    if (target == UINT32_MAX || !seep_kernel_is_zombie(&r->z.processes.at[target]))
        return !r->no_memory;
    return note_hold(r, target, handle, false);
}

// Every table once; processes that a table leads to come after the others.
static bool read_tables(struct reader *r)
{
    struct seep_kernel_map seen = { 0 };
    bool ok = true;
    for (uint32_t i = 0; ok && i < r->z.processes.n; i++) {
        uint64_t table = r->z.processes.at[i].handle_table;
        ok = seep_grow(&r->z.n_of_process, &r->n_of_capacity, (size_t)i + 1,
                       sizeof *r->z.n_of_process);
        if (!ok)
            break;
        r->z.n_of_process[i] = table ? UINT64_MAX : 0;
        if (!table)
            continue;
        if (seep_kernel_map_find(&seen, table) != UINT32_MAX) {
            seep_kernel_gap_bad(r->gaps, table);
            continue;
        }
        ok = seep_kernel_map_add(&seen, table, 0);
        r->holder = i;
        r->n_entries = 0;
        if (ok && seep_kernel_walk_handles(r->kernel, table, on_handle, r, &r->left, r->gaps, NULL))
            r->z.n_of_process[i] = r->n_entries;
        ok = ok && !r->no_memory;
    }
    seep_kernel_map_clear(&seen);
    return ok;
}

struct sums {
    uint64_t n_found, n_prepaid, thread_handles, thread_found, n_threads, kernel_threads;
    bool threads_unknown;
};

// A thread that nobody has a handle to is there for the kernel, and so is what it keeps.
static bool kept_by_kernel(const struct reader *r, const struct thread *t)
{
    uint32_t prepaid = seep_kernel_map_find(&r->prepaid, t->address);
    uint64_t own = prepaid == UINT32_MAX ? 0 : prepaid;
    return t->n_handles == 0 && t->n_pointers != UINT64_MAX && t->n_pointers > own;
}

static uint64_t unexplained(const struct reader *r, const struct seep_kernel_process *p,
                            const struct sums *s)
{
    if (p->n_pointers == UINT64_MAX || p->n_handles == UINT64_MAX)
        return UINT64_MAX;
    uint64_t left = p->n_pointers;
    uint32_t prepaid = seep_kernel_map_find(&r->prepaid, p->address);
    if (prepaid != UINT32_MAX && prepaid <= left)
        left -= prepaid;
    // Handles that were not found stand for what each can stand for: what is more than that is
    // certain, and what is less cannot be told.
    uint64_t missing = p->n_handles > s->n_found ? p->n_handles - s->n_found : 0;
    uint64_t most = seep_kernel_most_prepaid(r->kernel); // 1 where there are none
    if (missing > left / most)
        return UINT64_MAX;
    uint64_t explained = s->n_found + s->n_prepaid + missing * most;
    uint64_t threads = s->n_threads - s->kernel_threads;
    explained += threads;
    left = left > explained ? left - explained : 0;
    bool kept = p->n_handles || s->n_found || threads;
    if (kept && left <= TRANSIENT)
        left = 0;
    // Where nothing leads to its threads, they may be what holds it.
    bool threads_known = r->n_ids || r->kernel->layout.thread.links != SEEP_KERNEL_NO_OFFSET;
    if (kept && left && !threads_known)
        return UINT64_MAX;
    return missing && most > 1 && !left ? UINT64_MAX : left;
}

static bool judge(struct reader *r)
{
    size_t n = r->z.processes.n;
    struct sums *sums = seep_alloc(n, sizeof *sums);
    r->z.held = seep_alloc(n, sizeof *r->z.held);
    if (!sums || !r->z.held) {
        seep_free(sums);
        return false;
    }
    for (size_t i = 0; i < r->z.n_holds; i++) {
        const struct seep_kernel_hold *hold = &r->z.holds[i];
        if (hold->by_thread)
            continue;
        sums[hold->target].n_found += hold->n_handles;
        sums[hold->target].n_prepaid += hold->n_prepaid;
    }
    for (size_t i = 0; i < r->n_threads; i++) {
        const struct thread *t = &r->thread_at[i];
        struct sums *s = &sums[t->process];
        s->n_threads++;
        s->thread_found += t->n_found;
        s->threads_unknown |= t->n_handles == UINT64_MAX;
        s->thread_handles += t->n_handles;
        s->kernel_threads += kept_by_kernel(r, t);
    }
    for (size_t i = 0; i < n; i++) {
        const struct seep_kernel_process *p = &r->z.processes.at[i];
        struct seep_kernel_held held = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
        if (seep_kernel_is_zombie(p)) {
            if (p->n_handles != UINT64_MAX && !sums[i].threads_unknown)
                held.n_handles = p->n_handles + sums[i].thread_handles;
            held.n_found = sums[i].n_found + sums[i].thread_found;
            held.n_threads = sums[i].n_threads;
            held.n_unexplained = unexplained(r, p, &sums[i]);
        }
        r->z.held[i] = held;
    }
    seep_free(sums);
    return true;
}

static int by_holder(const void *left, const void *right)
{
    const struct seep_kernel_hold *a = left, *b = right;
    if (a->holder != b->holder)
        return (a->holder > b->holder) - (a->holder < b->holder);
    if (a->target != b->target)
        return (a->target > b->target) - (a->target < b->target);
    return a->by_thread - b->by_thread;
}

// Processes in the order of their addresses; whatever speaks of them by number follows.
static bool put_in_order(struct reader *r)
{
    size_t n = r->z.processes.n;
    uint32_t *places = seep_alloc(n, sizeof *places);
    uint64_t *counts = seep_alloc(n, sizeof *counts);
    struct seep_kernel_held *held = seep_alloc(n, sizeof *held);
    bool ok = places && counts && held;
    seep_kernel_sort_processes(&r->z.processes);
    for (size_t i = 0; ok && i < n; i++) {
        uint32_t was = seep_kernel_map_find(&r->finder.index, r->z.processes.at[i].address);
        places[was] = (uint32_t)i;
        counts[i] = r->z.n_of_process[was];
        held[i] = r->z.held[was];
    }
    for (size_t i = 0; ok && i < r->z.n_holds; i++) {
        r->z.holds[i].holder = places[r->z.holds[i].holder];
        r->z.holds[i].target = places[r->z.holds[i].target];
    }
    if (ok && r->z.n_holds)
        qsort(r->z.holds, r->z.n_holds, sizeof *r->z.holds, by_holder);
    if (ok) {
        seep_free(r->z.n_of_process);
        seep_free(r->z.held);
        r->z.n_of_process = counts;
        r->z.held = held;
    } else {
        seep_free(counts);
        seep_free(held);
    }
    seep_free(places);
    return ok;
}

static bool read_all(struct reader *r, struct seep_err *err)
{
    if (!seep_kernel_find_processes(&r->finder, err))
        return false;
    learn_types(r);
    if (!read_tables(r))
        return seep_fail_memory(err);
    for (uint32_t i = 0; i < r->z.processes.n; i++) {
        if (seep_kernel_is_zombie(&r->z.processes.at[i]) && !read_threads(r, i))
            return seep_fail_memory(err);
    }
    if (!read_thread_ids(r) || !judge(r) || !put_in_order(r))
        return seep_fail_memory(err);
    return true;
}

bool seep_kernel_read_zombies(const struct seep_kernel *kernel, struct seep_kernel_zombies *zombies,
                              struct seep_kernel_gaps *gaps, struct seep_err *err)
{
    struct reader r = { .kernel = kernel, .gaps = gaps, .left = SEEP_KERNEL_MAX_ALL_HANDLES };
    r.finder = (struct seep_kernel_finder){
        .kernel = kernel, .processes = &r.z.processes, .gaps = gaps, .on_id = on_id, .ctx = &r
    };
    bool ok = read_all(&r, err);
    seep_kernel_map_clear(&r.finder.index);
    seep_kernel_map_clear(&r.holds);
    seep_kernel_map_clear(&r.threads);
    seep_kernel_map_clear(&r.prepaid);
    seep_free(r.thread_at);
    seep_free(r.ids);
    if (ok)
        *zombies = r.z;
    else
        seep_kernel_zombies_clear(&r.z);
    return ok;
}

void seep_kernel_zombies_clear(struct seep_kernel_zombies *zombies)
{
    seep_kernel_processes_clear(&zombies->processes);
    seep_free(zombies->holds);
    seep_free(zombies->n_of_process);
    seep_free(zombies->held);
    *zombies = (struct seep_kernel_zombies){ 0 };
}
