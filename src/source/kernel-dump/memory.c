// SPDX-License-Identifier: MIT
// What a kernel dump says of the machine's memory and of pool tags.
#include "source/kernel-dump/reader.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = SEEP_PAGE_BYTES };

static uint64_t in_bytes(uint64_t pages)
{
    return pages > UINT64_MAX / PAGE - 1 ? SEEP_UNKNOWN_COUNT : pages * PAGE;
}

static void take(struct seep_vm *vm, enum seep_vm_item item, uint64_t pages)
{
    if (vm->bytes[item] == SEEP_UNKNOWN_COUNT)
        vm->bytes[item] = in_bytes(pages);
}

// Limits that no dump records are said to be taken from a document.
static bool say_limit(struct kdump *k, const char *pool, const char *from)
{
    return !from || seep_sink_note(k->sink, "pool-limit", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                                   SEEP_NO_OFFSET, "the limit of the %s pool is %s", pool, from);
}

// Numbers of the kernel itself; where it gives none, those of a triage dump's own record.
static bool read_vm(struct kdump *k, struct seep_vm *vm)
{
    struct seep_kernel_vm read;
    struct seep_kernel_gaps gaps = { 0 };
    const struct seep_triage_memory *record = &k->record;
    bool ok = true;
    if (k->has_memory && seep_kernel_read_vm(&k->kernel, &read, &gaps)) {
        const struct {
            enum seep_vm_item item;
            uint64_t pages;
        } rows[] = {
            { SEEP_VM_PHYSICAL, read.physical },
            { SEEP_VM_AVAILABLE, read.available },
            { SEEP_VM_RESIDENT_AVAILABLE, read.resident_available },
            { SEEP_VM_COMMITTED, read.committed },
            { SEEP_VM_COMMIT_LIMIT, read.commit_limit },
            { SEEP_VM_COMMIT_LIMIT_MAXIMUM, read.commit_limit_maximum },
            { SEEP_VM_COMMIT_PEAK, read.commit_peak },
            { SEEP_VM_PAGED_POOL, read.paged_pool },
            { SEEP_VM_PAGED_POOL_LIMIT, read.paged_pool_limit },
            { SEEP_VM_NONPAGED_POOL, read.nonpaged_pool },
            { SEEP_VM_NONPAGED_POOL_LIMIT, read.nonpaged_pool_limit },
            { SEEP_VM_PROCESS_PRIVATE, read.process_private },
            { SEEP_VM_SHARED, read.shared },
            { SEEP_VM_KERNEL_STACKS, read.kernel_stacks },
            { SEEP_VM_PAGE_TABLES, read.page_tables },
            { SEEP_VM_DRIVERS, read.drivers },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            take(vm, rows[i].item, rows[i].pages);
        ok = say_limit(k, "paged", read.paged_pool_limit_from) &&
             say_limit(k, "nonpaged", read.nonpaged_pool_limit_from);
    }
    // A triage dump has of the kernel's numbers what it happens to have.
    if (ok && !k->has_triage)
        ok = kdump_gaps(k, "the counters of memory", &gaps);
    take(vm, SEEP_VM_NONPAGED_POOL, record->nonpaged);
    take(vm, SEEP_VM_PAGED_POOL, record->paged);
    take(vm, SEEP_VM_COMMITTED, record->committed);
    take(vm, SEEP_VM_COMMIT_PEAK, record->peak_committed);
    take(vm, SEEP_VM_COMMIT_LIMIT_MAXIMUM, record->commit_limit_maximum);
    take(vm, SEEP_VM_PHYSICAL, k->header.n_pages);
    take(vm, SEEP_VM_ZOMBIES, k->zombie_pages);
    return ok;
}

// The sum of a pool's tags, of the system and of its sessions.
static uint64_t tagged(const struct kdump *k, bool paged)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < k->tags.n; i++) {
        const struct seep_kernel_tag *tag = &k->tags.at[i].tag;
        if (tag->paged == paged && tag->bytes != UINT64_MAX && bytes <= UINT64_MAX / 2)
            bytes += tag->bytes < UINT64_MAX / 2 ? tag->bytes : 0;
    }
    return bytes;
}

// Where the kernel's own sums are not to be had, what its tags use stands for them.
static bool pools_by_tags(struct kdump *k, struct seep_vm *vm)
{
    const enum seep_vm_item items[] = { SEEP_VM_NONPAGED_POOL, SEEP_VM_PAGED_POOL };
    bool any = false;
    for (int paged = 0; paged < 2; paged++) {
        uint64_t *bytes = &vm->bytes[items[paged]];
        if ((*bytes && *bytes != SEEP_UNKNOWN_COUNT) || !k->tags.n)
            continue;
        *bytes = tagged(k, paged);
        any = true;
    }
    return !any || seep_sink_note(k->sink, "pool-by-tags", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                                  SEEP_NO_OFFSET,
                                  "what a pool uses is the sum of its tags: pages that it has in "
                                  "reserve are not in it");
}

bool kdump_push_vm(struct kdump *k)
{
    struct seep_vm vm = seep_vm_unknown(k->machine);
    const struct seep_subject subject = { .kind = SEEP_SUBJECT_MACHINE, .machine = k->machine };
    static const struct {
        enum seep_metric metric;
        enum seep_vm_item item;
        const char *counter;
    } rows[] = {
        { SEEP_METRIC_AVAILABLE_BYTES, SEEP_VM_AVAILABLE, "kernel AvailablePages" },
        { SEEP_METRIC_COMMIT_BYTES, SEEP_VM_COMMITTED, "kernel TotalCommittedPages" },
        { SEEP_METRIC_COMMIT_LIMIT_BYTES, SEEP_VM_COMMIT_LIMIT, "kernel TotalCommitLimit" },
        { SEEP_METRIC_PAGED_POOL_BYTES, SEEP_VM_PAGED_POOL, "kernel PagedPool" },
        { SEEP_METRIC_NONPAGED_POOL_BYTES, SEEP_VM_NONPAGED_POOL, "kernel NonPagedPool" },
    };
    bool any = false;
    if (!read_vm(k, &vm) || !pools_by_tags(k, &vm))
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!kdump_sample(k, &subject, rows[i].metric, rows[i].counter, vm.bytes[rows[i].item]))
            return false;
    }
    // How much memory there is says the machine; a fact is what it is used for.
    for (size_t i = 0; i < SEEP_N_VM_ITEMS; i++)
        any |= i != SEEP_VM_PHYSICAL && i != SEEP_VM_ZOMBIES && vm.bytes[i] != SEEP_UNKNOWN_COUNT;
    return !any || seep_sink_vm(k->sink, &vm);
}

static bool take_tag(void *ctx, const struct seep_kernel_tag *tag)
{
    struct kdump_tags *rows = ctx;
    if (!seep_grow(&rows->at, &rows->capacity, rows->n + 1, sizeof *rows->at)) {
        rows->no_memory = true;
        return false;
    }
    struct kdump_tag *row = &rows->at[rows->n++];
    row->tag = *tag;
    (void)seep_pool_tag_text(tag->key, row->text);
    return true;
}

static int by_tag(const void *left, const void *right)
{
    const struct kdump_tag *a = left, *b = right;
    int order = strcmp(a->text, b->text);
    if (order)
        return order;
    if (a->tag.session != b->tag.session)
        return a->tag.session > b->tag.session ? -1 : 1; // the system's first
    return a->tag.paged - b->tag.paged;
}

static uint64_t sum(uint64_t a, uint64_t b, bool wraps)
{
    if (a == UINT64_MAX || b == UINT64_MAX)
        return UINT64_MAX;
    return wraps ? (uint32_t)(a + b) : a + b;
}

// Tags that are not printable may read alike: they are one for whoever reads them.
static void join(struct kdump_tags *rows)
{
    size_t n = 0;
    if (rows->n)
        qsort(rows->at, rows->n, sizeof *rows->at, by_tag);
    for (size_t i = 0; i < rows->n; i++) {
        if (n && by_tag(&rows->at[n - 1], &rows->at[i]) == 0) {
            struct seep_kernel_tag *to = &rows->at[n - 1].tag;
            const struct seep_kernel_tag *from = &rows->at[i].tag;
            to->allocs = sum(to->allocs, from->allocs, to->wraps);
            to->frees = sum(to->frees, from->frees, to->wraps);
            to->bytes = sum(to->bytes, from->bytes, false);
        } else {
            rows->at[n++] = rows->at[i];
        }
    }
    rows->n = n;
}

static void counter_name(char *out, size_t size, uint32_t session, const char *counter)
{
    if (session == SEEP_NO_SESSION)
        (void)snprintf(out, size, "%s", counter);
    else if (session == SEEP_ALL_SESSIONS)
        (void)snprintf(out, size, "All sessions %s", counter);
    else
        (void)snprintf(out, size, "Session %u %s", (unsigned)session, counter);
}

static bool push_row(struct kdump *k, const struct kdump_tag *row)
{
    char bytes[80], blocks[80];
    const struct seep_kernel_tag *t = &row->tag;
    struct seep_pool_tag tag = {
        .machine = k->machine,
        .tag = row->text,
        .paged = t->paged,
        .allocs = t->allocs,
        .frees = t->frees,
        .bytes = t->bytes,
        .wraps = t->wraps,
        .session = t->session,
    };
    const struct seep_subject subject = { .kind = SEEP_SUBJECT_POOL_TAG,
                                          .machine = k->machine,
                                          .name = row->text };
    counter_name(bytes, sizeof bytes, t->session, SEEP_POOL_BYTES_COUNTER);
    counter_name(blocks, sizeof blocks, t->session,
                 t->paged ? SEEP_POOL_PAGED_COUNTER : SEEP_POOL_NONPAGED_COUNTER);
    return seep_sink_pool_tag(k->sink, &tag) &&
           kdump_sample(k, &subject,
                        t->paged ? SEEP_METRIC_PAGED_POOL_BYTES : SEEP_METRIC_NONPAGED_POOL_BYTES,
                        bytes, t->bytes) &&
           kdump_sample(k, &subject, SEEP_METRIC_OUTSTANDING_COUNT, blocks,
                        seep_pool_tag_diff(&tag));
}

bool kdump_read_pool(struct kdump *k)
{
    struct kdump_tags *rows = &k->tags;
    struct seep_kernel_gaps gaps = { 0 };
    struct seep_err err = { 0 };
    const uint32_t unwanted = UINT32_C(1) << SEEP_FACT_POOL_TAG | UINT32_C(1) << SEEP_FACT_VM;
    bool ok = true;
    if (!k->has_memory || k->has_triage || k->kernel.known_by == SEEP_KERNEL_UNKNOWN ||
        (k->input->leave_out & unwanted) == unwanted)
        return true;
    bool read = seep_kernel_each_tag(&k->kernel, take_tag, rows, &gaps, &err);
    if (rows->no_memory)
        return kdump_stop(k);
    join(rows);
    if (!read)
        ok = seep_sink_lose(k->sink, "no-pool-tags", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET, "pool tags cannot be read: %s", err.what);
    else if (!k->kernel.symbols.pool_track_table_expansion)
        ok = seep_sink_note(k->sink, "pool-expansion", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "tags that the kernel counts apart, as its table of tags was full, are "
                            "only read with symbols");
    if (ok && gaps.session_missing)
        ok = seep_sink_note(k->sink, "pool-of-sessions", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                            SEEP_NO_OFFSET,
                            "pool tags that sessions count for themselves are in the memory of "
                            "their processes and are not read");
    return ok && kdump_gaps(k, "the tables of pool tags", &gaps);
}

bool kdump_push_pool(struct kdump *k)
{
    bool ok = true;
    if (k->input->leave_out & UINT32_C(1) << SEEP_FACT_POOL_TAG)
        return true;
    for (size_t i = 0; ok && i < k->tags.n; i++)
        ok = push_row(k, &k->tags.at[i]) && !seep_cancelled(k->control);
    return ok;
}

void kdump_clear_pool(struct kdump *k)
{
    seep_free(k->tags.at);
}
