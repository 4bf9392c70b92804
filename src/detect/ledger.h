// SPDX-License-Identifier: MIT
// Where a machine's commit went, and what is near its limit.
//
// Nothing here is a verdict: a flag says that a number is near another one, a ledger adds up.
#ifndef SEEP_DETECT_LEDGER_H
#define SEEP_DETECT_LEDGER_H

#include "base/buf.h"
#include "model/machine.h"
#include "model/vm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_vm_flag {
    SEEP_VM_PAGED_POOL_NEAR_LIMIT = 0,
    SEEP_VM_NONPAGED_POOL_NEAR_LIMIT,
    SEEP_VM_COMMIT_NEAR_LIMIT,
    SEEP_VM_COMMIT_PEAK_AT_LIMIT,
    SEEP_VM_AVAILABLE_LOW,
    SEEP_N_VM_FLAGS,
};

// "paged-pool-near-limit", "nonpaged-pool-near-limit", "commit-near-limit", "commit-peak-at-limit",
// "available-low".
const char *seep_vm_flag_name(enum seep_vm_flag flag);

// The flags that are up, as bits 1 << flag. What is unknown raises none. Where it is known how far
// the page files may grow, the commit is near its limit only when it is near that one, or at
// today's.
unsigned seep_vm_flags(const struct seep_vm *vm);

// What a process that has exited and is still referenced costs: an estimate, by what was measured
// in public (79 KB of commit each, 12 KB of it pool).
#define SEEP_ZOMBIE_COMMIT_BYTES ((uint64_t)79 * 1024)
#define SEEP_ZOMBIE_POOL_BYTES ((uint64_t)12 * 1024)

// Whether a machine (NULL = unknown) charges as Windows does. Linux charges neither slabs, page
// tables and kernel stacks nor what its zombies keep.
bool seep_charges_as_windows(const struct seep_machine *machine);

enum seep_ledger_item {
    SEEP_LEDGER_PROCESS_PRIVATE = 0,
    SEEP_LEDGER_SHARED,
    SEEP_LEDGER_PAGED_POOL,
    SEEP_LEDGER_NONPAGED_POOL,
    SEEP_LEDGER_KERNEL_STACKS,
    SEEP_LEDGER_PAGE_TABLES,
    SEEP_LEDGER_DRIVERS,
    SEEP_LEDGER_ZOMBIES, // without their pool, which is counted above
    SEEP_LEDGER_UNATTRIBUTED,
    SEEP_N_LEDGER_ITEMS,
};

// "process-private", "shared", … "unattributed".
const char *seep_ledger_item_name(enum seep_ledger_item item);

struct seep_ledger {
    bool balances;      // what is committed is known, and of the items one at least: the items add
                        // up to it, `unattributed` included
    uint64_t committed; // bytes; SEEP_UNKNOWN_COUNT = unknown
    bool known[SEEP_N_LEDGER_ITEMS];
    bool uncharged[SEEP_N_LEDGER_ITEMS]; // this system does not count it as committed
    // `unattributed` is what is committed less all others. It is negative where they come to more
    // than that: something is counted twice, or was read at another moment.
    int64_t bytes[SEEP_N_LEDGER_ITEMS];
    bool estimated[SEEP_N_LEDGER_ITEMS];
};

// `machine` may be NULL: unknown. `n_zombies`: exited processes that are still referenced, for an
// estimate where `vm` has none; SEEP_UNKNOWN_COUNT = unknown.
void seep_ledger_make(const struct seep_vm *vm, const struct seep_machine *machine,
                      uint64_t n_zombies, struct seep_ledger *ledger);

// What its reader must know, as sentences: items that are unknown and so part of `unattributed`,
// an `unattributed` below zero, estimates. Nothing is added where there is nothing to say.
void seep_ledger_say(const struct seep_ledger *ledger, struct seep_buf *text);

#endif
