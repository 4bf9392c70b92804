// SPDX-License-Identifier: MIT
// Where a machine's commit went, and what is near its limit.
#include "detect/ledger.h"

#include "base/bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

// From this share of its limit on a pool is near it: there the memory manager begins to trim paged
// pool (PoolUsageMaximum, 80 by default; Microsoft KB 312362), and PAL calls both critical.
#define POOL_NEAR 0.80
// Here Windows begins to enlarge page files that it manages ("How to determine the appropriate page
// file size for 64-bit versions of Windows").
#define COMMIT_NEAR 0.90
// What failed for want of commit was an allocation that did not fit, so the peak stays a little
// below the limit.
#define PEAK_AT 0.98
// PAL's critical threshold of available memory; the kernel's own low-memory notification comes
// later, at 32 MB for each 4 GB and 64 MB at most (CreateMemoryResourceNotification).
#define AVAILABLE_LOW 0.05

static const char *const flag_names[] = {
    [SEEP_VM_PAGED_POOL_NEAR_LIMIT] = "paged-pool-near-limit",
    [SEEP_VM_NONPAGED_POOL_NEAR_LIMIT] = "nonpaged-pool-near-limit",
    [SEEP_VM_COMMIT_NEAR_LIMIT] = "commit-near-limit",
    [SEEP_VM_COMMIT_PEAK_AT_LIMIT] = "commit-peak-at-limit",
    [SEEP_VM_AVAILABLE_LOW] = "available-low",
};
static_assert(sizeof flag_names / sizeof *flag_names == SEEP_N_VM_FLAGS, "a name for each flag");

static const char *const item_names[] = {
    [SEEP_LEDGER_PROCESS_PRIVATE] = "process-private",
    [SEEP_LEDGER_SHARED] = "shared",
    [SEEP_LEDGER_PAGED_POOL] = "paged-pool",
    [SEEP_LEDGER_NONPAGED_POOL] = "nonpaged-pool",
    [SEEP_LEDGER_KERNEL_STACKS] = "kernel-stacks",
    [SEEP_LEDGER_PAGE_TABLES] = "page-tables",
    [SEEP_LEDGER_DRIVERS] = "drivers",
    [SEEP_LEDGER_ZOMBIES] = "zombies",
    [SEEP_LEDGER_UNATTRIBUTED] = "unattributed",
};
static_assert(sizeof item_names / sizeof *item_names == SEEP_N_LEDGER_ITEMS, "a name for each");

// Where in a vm fact an item is.
static const enum seep_vm_item item_of[SEEP_LEDGER_UNATTRIBUTED] = {
    [SEEP_LEDGER_PROCESS_PRIVATE] = SEEP_VM_PROCESS_PRIVATE,
    [SEEP_LEDGER_SHARED] = SEEP_VM_SHARED,
    [SEEP_LEDGER_PAGED_POOL] = SEEP_VM_PAGED_POOL,
    [SEEP_LEDGER_NONPAGED_POOL] = SEEP_VM_NONPAGED_POOL,
    [SEEP_LEDGER_KERNEL_STACKS] = SEEP_VM_KERNEL_STACKS,
    [SEEP_LEDGER_PAGE_TABLES] = SEEP_VM_PAGE_TABLES,
    [SEEP_LEDGER_DRIVERS] = SEEP_VM_DRIVERS,
    [SEEP_LEDGER_ZOMBIES] = SEEP_VM_ZOMBIES,
};

const char *seep_vm_flag_name(enum seep_vm_flag flag)
{
    return flag_names[flag];
}

const char *seep_ledger_item_name(enum seep_ledger_item item)
{
    return item_names[item];
}

static bool reaches(uint64_t bytes, double share, uint64_t limit)
{
    return bytes != SEEP_UNKNOWN_COUNT && limit != SEEP_UNKNOWN_COUNT && limit &&
           (double)bytes >= share * (double)limit;
}

unsigned seep_vm_flags(const struct seep_vm *vm)
{
    const uint64_t *b = vm->bytes;
    uint64_t limit = b[SEEP_VM_COMMIT_LIMIT], most = b[SEEP_VM_COMMIT_LIMIT_MAXIMUM];
    if (limit == SEEP_UNKNOWN_COUNT || (most != SEEP_UNKNOWN_COUNT && most > limit))
        limit = most;
    unsigned flags = 0;
    if (reaches(b[SEEP_VM_PAGED_POOL], POOL_NEAR, b[SEEP_VM_PAGED_POOL_LIMIT]))
        flags |= 1u << SEEP_VM_PAGED_POOL_NEAR_LIMIT;
    if (reaches(b[SEEP_VM_NONPAGED_POOL], POOL_NEAR, b[SEEP_VM_NONPAGED_POOL_LIMIT]))
        flags |= 1u << SEEP_VM_NONPAGED_POOL_NEAR_LIMIT;
    // At today's limit an allocation waits for the page files to grow, if they can.
    if (reaches(b[SEEP_VM_COMMITTED], COMMIT_NEAR, limit) ||
        reaches(b[SEEP_VM_COMMITTED], PEAK_AT, b[SEEP_VM_COMMIT_LIMIT]))
        flags |= 1u << SEEP_VM_COMMIT_NEAR_LIMIT;
    if (reaches(b[SEEP_VM_COMMIT_PEAK], PEAK_AT, limit))
        flags |= 1u << SEEP_VM_COMMIT_PEAK_AT_LIMIT;
    if (b[SEEP_VM_AVAILABLE] != SEEP_UNKNOWN_COUNT && b[SEEP_VM_PHYSICAL] != SEEP_UNKNOWN_COUNT &&
        (double)b[SEEP_VM_AVAILABLE] < AVAILABLE_LOW * (double)b[SEEP_VM_PHYSICAL])
        flags |= 1u << SEEP_VM_AVAILABLE_LOW;
    return flags;
}

// Numbers of a hostile file, so that sums of a handful stay in range.
static int64_t in_range(uint64_t bytes)
{
    const uint64_t most = (uint64_t)1 << 59;
    return (int64_t)(bytes < most ? bytes : most);
}

bool seep_charges_as_windows(const struct seep_machine *machine)
{
    return !machine || !machine->os || strcmp(machine->os, "Linux") != 0;
}

// Committed_AS of Linux is what processes may write to for themselves, and shared memory.
static bool is_charged(enum seep_ledger_item item, bool windows)
{
    return windows || item == SEEP_LEDGER_PROCESS_PRIVATE || item == SEEP_LEDGER_SHARED;
}

void seep_ledger_make(const struct seep_vm *vm, const struct seep_machine *machine,
                      uint64_t n_zombies, struct seep_ledger *ledger)
{
    bool windows = seep_charges_as_windows(machine);
    *ledger = (struct seep_ledger){ .committed = vm->bytes[SEEP_VM_COMMITTED] };
    bool any = false;
    int64_t rest = ledger->committed == SEEP_UNKNOWN_COUNT ? 0 : in_range(ledger->committed);
    for (size_t i = 0; i < SEEP_LEDGER_UNATTRIBUTED; i++) {
        uint64_t bytes = vm->bytes[item_of[i]];
        ledger->estimated[i] = bytes == SEEP_UNKNOWN_COUNT && i == SEEP_LEDGER_ZOMBIES &&
                               n_zombies != SEEP_UNKNOWN_COUNT;
        if (ledger->estimated[i])
            bytes = (n_zombies < UINT32_MAX ? n_zombies : UINT32_MAX) *
                    (SEEP_ZOMBIE_COMMIT_BYTES - SEEP_ZOMBIE_POOL_BYTES);
        ledger->uncharged[i] = !is_charged((enum seep_ledger_item)i, windows);
        ledger->known[i] = bytes != SEEP_UNKNOWN_COUNT && !ledger->uncharged[i];
        if (!ledger->known[i])
            continue;
        ledger->bytes[i] = in_range(bytes);
        rest -= ledger->bytes[i];
        any = any || i != SEEP_LEDGER_ZOMBIES;
    }
    ledger->balances = any && ledger->committed != SEEP_UNKNOWN_COUNT;
    ledger->known[SEEP_LEDGER_UNATTRIBUTED] = ledger->balances;
    if (ledger->balances)
        ledger->bytes[SEEP_LEDGER_UNATTRIBUTED] = rest;
}

void seep_ledger_say(const struct seep_ledger *ledger, struct seep_buf *text)
{
    const char *unknown[SEEP_N_LEDGER_ITEMS];
    size_t n = 0;
    for (size_t i = 0; i < SEEP_LEDGER_UNATTRIBUTED; i++) {
        if (!ledger->known[i] && !ledger->uncharged[i])
            unknown[n++] = item_names[i];
    }
    if (!ledger->balances) {
        seep_buf_adds(text, ledger->committed == SEEP_UNKNOWN_COUNT
                                ? "How much is committed is not known here."
                                : "What is committed is known, but not what for.");
        return;
    }
    if (n) {
        for (size_t i = 0; i < n; i++)
            seep_buf_addf(text, "%s%s", i == 0 ? "" : (i + 1 < n ? ", " : " and "), unknown[i]);
        seep_buf_addf(text, " %s not known here and part of what is unattributed.",
                      n == 1 ? "is" : "are");
    }
    if (ledger->bytes[SEEP_LEDGER_UNATTRIBUTED] < 0)
        seep_buf_addf(text,
                      "%sThe items come to more than is committed: some of it is counted twice, or "
                      "was read at another moment.",
                      text->len ? " " : "");
    if (ledger->known[SEEP_LEDGER_ZOMBIES] && ledger->estimated[SEEP_LEDGER_ZOMBIES] &&
        ledger->bytes[SEEP_LEDGER_ZOMBIES])
        seep_buf_addf(text,
                      "%sWhat zombies hold is an estimate: %" PRIu64 " KB of commit each, %" PRIu64
                      " KB of it pool, was measured in public.",
                      text->len ? " " : "", SEEP_ZOMBIE_COMMIT_BYTES / 1024,
                      SEEP_ZOMBIE_POOL_BYTES / 1024);
}
