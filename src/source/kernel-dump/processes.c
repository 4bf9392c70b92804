// SPDX-License-Identifier: MIT
// The processes of a kernel dump: alive, and dead but still held.
#include "source/kernel-dump/reader.h"

#include "base/alloc.h"
#include "base/time.h"
#include "base/utf.h"

#include <inttypes.h>
#include <string.h>

enum { PAGE = SEEP_PAGE_BYTES, CANCEL_STEP = 4096 };

static uint64_t in_bytes(uint64_t pages)
{
    return pages > UINT64_MAX / PAGE - 1 ? SEEP_UNKNOWN_COUNT : pages * PAGE;
}

static bool push_process(struct kdump *k, const struct seep_kernel_process *p, uint64_t n_handles,
                         struct seep_process_id *id)
{
    const char *image = NULL;
    if (p->image[0]) {
        seep_buf_reset(&k->text);
        if (!seep_utf8_add(&k->text, seep_bytes(p->image, strlen(p->image))))
            k->n_escaped++;
        image = seep_buf_text(&k->text);
    }
    struct seep_process process = {
        .machine = k->machine,
        .pid = p->pid,
        .has_pid = true,
        .parent_pid = p->parent_pid,
        .start_ns = p->create_ns,
        .end_ns = p->exit_ns,
        .image = image,
    };
    if (!seep_sink_process(k->sink, &process, id))
        return false;
    const struct seep_subject subject = { .kind = SEEP_SUBJECT_PROCESS,
                                          .machine = k->machine,
                                          .process = *id };
    if (p->exit_ns != SEEP_NO_TIME) { // what is left of it says the zombie
        if (seep_kernel_is_zombie(p) && p->commit_pages != UINT64_MAX)
            k->zombie_pages += p->commit_pages;
        return true;
    }
    return kdump_sample(k, &subject, SEEP_METRIC_PRIVATE_BYTES, "EPROCESS CommitCharge",
                        in_bytes(p->commit_pages)) &&
           kdump_sample(k, &subject, SEEP_METRIC_HANDLES, "HANDLE_TABLE", n_handles) &&
           kdump_sample(k, &subject, SEEP_METRIC_THREADS, "EPROCESS ActiveThreads", p->n_threads);
}

// The processes, their ids in `k->processes`.
static bool push_all(struct kdump *k, const struct seep_kernel_processes *processes,
                     const uint64_t *n_handles)
{
    k->zombie_pages = 0;
    k->processes = seep_alloc(processes->n, sizeof *k->processes);
    if (!k->processes)
        return kdump_stop(k);
    for (size_t i = 0; i < processes->n; i++) {
        if (!push_process(k, &processes->at[i], n_handles ? n_handles[i] : SEEP_UNKNOWN_COUNT,
                          &k->processes[i]) ||
            (i % CANCEL_STEP == 0 && seep_cancelled(k->control)))
            return false;
    }
    return true;
}

// How much memory exited processes still have, as far as the kernel counts it.
static bool push_zombies(struct kdump *k, const struct seep_kernel_zombies *z)
{
    const struct seep_subject subject = { .kind = SEEP_SUBJECT_MACHINE, .machine = k->machine };
    uint64_t n = 0;
    for (size_t i = 0; i < z->processes.n; i++) {
        const struct seep_kernel_process *p = &z->processes.at[i];
        if (!seep_kernel_is_zombie(p))
            continue;
        struct seep_zombie zombie = {
            .process = k->processes[i],
            .n_handles = z->held[i].n_handles,
            .n_found = z->held[i].n_found,
            .n_pointers = p->n_pointers,
            .n_unexplained = z->held[i].n_unexplained,
            .commit_bytes = in_bytes(p->commit_pages),
        };
        if (!seep_sink_zombie(k->sink, &zombie) ||
            (n++ % CANCEL_STEP == 0 && seep_cancelled(k->control)))
            return false;
    }
    return kdump_sample(k, &subject, SEEP_METRIC_ZOMBIES, "EPROCESS ExitTime", n);
}

// A fact for each handle; of several to one process the value of the first is known.
static bool push_hold(struct kdump *k, const struct seep_kernel_zombies *z,
                      const struct seep_kernel_hold *hold)
{
    const struct seep_kernel_process *target = &z->processes.at[hold->target];
    struct seep_handle handle = {
        .holder = k->processes[hold->holder],
        .value = hold->handle,
        .type = hold->by_thread ? "Thread" : "Process",
        .access = hold->access,
        .target = k->processes[hold->target],
    };
    if (!hold->by_thread && target->n_handles != UINT64_MAX)
        handle.n_handles = target->n_handles;
    if (!hold->by_thread && target->n_pointers != UINT64_MAX)
        handle.n_pointers = target->n_pointers;
    for (uint64_t i = 0; i < hold->n_handles; i++) {
        if (!seep_sink_handle(k->sink, &handle) ||
            (i % CANCEL_STEP == 0 && seep_cancelled(k->control)))
            return false;
        handle.value = 0;
    }
    return true;
}

static bool read_zombies(struct kdump *k)
{
    struct seep_kernel_zombies z = { 0 };
    struct seep_kernel_gaps gaps = { 0 };
    struct seep_err err = { 0 };
    bool ok = true;
    if (seep_kernel_read_zombies(&k->kernel, &z, &gaps, &err)) {
        ok = push_all(k, &z.processes, z.n_of_process) && push_zombies(k, &z);
        for (size_t i = 0; ok && i < z.n_holds; i++)
            ok = push_hold(k, &z, &z.holds[i]);
        seep_kernel_zombies_clear(&z);
    } else {
        ok = seep_sink_lose(k->sink, "no-processes", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET, "processes cannot be read: %s", err.what);
    }
    return ok && kdump_gaps(k, "the lists of processes and handles", &gaps);
}

static bool read_processes(struct kdump *k)
{
    struct seep_kernel_processes processes = { 0 };
    struct seep_kernel_gaps gaps = { 0 };
    struct seep_err err = { 0 };
    bool ok = true;
    if (seep_kernel_read_processes(&k->kernel, &processes, &gaps, &err)) {
        ok = push_all(k, &processes, NULL);
        seep_kernel_processes_clear(&processes);
    } else {
        ok = seep_sink_lose(k->sink, "no-processes", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET, "processes cannot be read: %s", err.what);
    }
    return ok && kdump_gaps(k, "the lists of processes", &gaps);
}

static uint64_t member(struct seep_bytes process, uint32_t offset)
{
    return offset == SEEP_KERNEL_NO_OFFSET ? 0 : seep_bytes_u64(process, offset);
}

// A triage dump holds the EPROCESS of the process that ran.
static bool push_current(struct kdump *k)
{
    const struct seep_kernel_layout *l = &k->kernel.layout;
    uint32_t at = k->triage.process_offset;
    struct seep_bytes bytes = seep_bytes_part(k->input->view, at, PAGE);
    struct seep_kernel_process p = { .n_threads = UINT64_MAX };
    struct seep_process_id id;
    if (!at || !k->header.wide || l->process.pid == SEEP_KERNEL_NO_OFFSET ||
        l->process.image_name == SEEP_KERNEL_NO_OFFSET ||
        !seep_bytes_has(bytes, l->process.image_name, 15))
        return true;
    p.pid = (uint32_t)member(bytes, l->process.pid);
    p.parent_pid = (uint32_t)member(bytes, l->process.parent_pid);
    p.create_ns = seep_time_from_filetime(member(bytes, l->process.create_time));
    p.exit_ns = seep_time_from_filetime(member(bytes, l->process.exit_time));
    p.commit_pages = seep_bytes_has(bytes, l->process.commit_charge, 8)
                         ? member(bytes, l->process.commit_charge)
                         : UINT64_MAX;
    if (l->process.active_threads != SEEP_KERNEL_NO_OFFSET &&
        seep_bytes_has(bytes, l->process.active_threads, 4))
        p.n_threads = seep_bytes_u32(bytes, l->process.active_threads);
    memcpy(p.image, bytes.data + l->process.image_name, 15);
    return !p.pid || push_process(k, &p, SEEP_UNKNOWN_COUNT, &id);
}

bool kdump_push_processes(struct kdump *k)
{
    const uint32_t all = UINT32_C(1) << SEEP_FACT_PROCESS;
    const uint32_t dear = UINT32_C(1) << SEEP_FACT_ZOMBIE;
    bool ok;
    if (!k->has_memory || k->input->leave_out & all)
        return true;
    if (k->has_triage)
        return push_current(k);
    const struct seep_kernel_symbols *s = &k->kernel.symbols;
    if (k->kernel.layout.process.pid == SEEP_KERNEL_NO_OFFSET ||
        (k->kernel.known_by == SEEP_KERNEL_UNKNOWN && !s->active_processes && !s->cid_table))
        return true; // that the kernel is not known is said once
    ok = k->input->leave_out & dear ? read_processes(k) : read_zombies(k);
    seep_free(k->processes);
    k->processes = NULL;
    return ok;
}
