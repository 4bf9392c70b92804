// SPDX-License-Identifier: MIT
// One look at the whole machine: totals and every process. What the live sources are made of.
//
// A sampler reserves what it needs when it is opened (seep runs on machines whose commit is
// exhausted) and reuses it. A number that this system does not give is SEEP_OS_UNKNOWN, never 0.
// Which system field a number came from is constant for one sampler and told by
// seep_os_sampler_fields.
#ifndef SEEP_OS_SAMPLE_H
#define SEEP_OS_SAMPLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEP_OS_UNKNOWN UINT64_MAX

struct seep_os_process {
    uint32_t pid, parent_pid;
    int64_t start_ns;       // UTC; equal for the same process in every sample
    const char *image;      // valid until the next sample
    bool zombie;            // dead, but still held (Linux: state Z; Windows: see `zombies`)
    uint64_t private_bytes; // committed private memory (Linux: anonymous resident + swapped)
    uint64_t virtual_bytes, working_set_bytes;
    uint64_t handles; // Linux: file descriptors
    uint64_t threads;
    uint64_t gdi_objects, user_objects;
    uint64_t paged_pool_bytes, nonpaged_pool_bytes;
    uint64_t zombies; // dead processes that this one still holds (Linux: unreaped children)
};

struct seep_os_totals {
    uint64_t commit_bytes, commit_limit_bytes;
    uint64_t ram_bytes, available_bytes;
    uint64_t paged_pool_bytes, nonpaged_pool_bytes; // Linux: reclaimable and unreclaimable slab
    uint64_t pagefile_used_bytes, pagefile_total_bytes;
    uint64_t zombies;
    // What else is known of the commit.
    uint64_t commit_peak_bytes, resident_available_bytes, shared_bytes, kernel_stack_bytes;
    uint64_t page_table_bytes; // Windows: those of the kernel
    uint64_t driver_bytes;
};

// What one pool has of a tag. SEEP_OS_UNKNOWN where the tag never was in that pool, or the system
// does not count.
struct seep_os_pool_counts {
    uint64_t bytes, blocks; // in use
    uint64_t allocs, frees; // modulo 2^32
};

struct seep_os_pool_tag { // Linux: a slab cache
    char name[64];        // Windows: four characters, '.' for what is not printable, no blanks at
                          // the end
    struct seep_os_pool_counts paged, nonpaged; // Linux: what can be reclaimed, and what cannot
};

struct seep_os_sample {
    int64_t t_ns; // UTC
    struct seep_os_totals totals;
    const struct seep_os_process *processes; // valid until the next sample
    size_t n_processes;
    const struct seep_os_pool_tag *tags;
    size_t n_tags;
    uint64_t n_unreadable; // processes that could not be looked at in full (no permission)
};

struct seep_os_machine {
    char host[256], os[32], os_version[64];
    uint64_t ram_bytes;
    uint32_t page_size_bytes, n_processors;
    int64_t boot_ns;
    bool
        commit_limit_binds; // the system refuses commit beyond its limit (Linux: strict overcommit)
};

struct seep_os_sampler;

bool seep_os_sampler_open(struct seep_os_sampler **sampler, struct seep_err *err);
void seep_os_sampler_close(struct seep_os_sampler *sampler);

bool seep_os_machine(struct seep_os_machine *machine, struct seep_err *err);

// Takes one sample. On failure `sample` is untouched.
bool seep_os_sampler_take(struct seep_os_sampler *sampler, struct seep_os_sample *sample,
                          struct seep_err *err);

// A process that has exited and is still referenced. Linux: one that nobody has waited for.
struct seep_os_zombie {
    uint32_t pid, parent_pid; // parent: 0 = unknown
    int64_t start_ns, end_ns; // UTC; INT64_MIN = unknown
    const char *image;        // "" = unknown
    uint64_t n_handles;       // to it, as the object itself counts them; SEEP_OS_UNKNOWN
    uint64_t n_found;         // of these in the handle tables
};

struct seep_os_zombie_handle {
    uint32_t holder_pid;
    size_t zombie; // index of the zombie
    uint64_t value;
    uint32_t access;
};

struct seep_os_zombies {
    const struct seep_os_zombie *at; // valid until the next call
    size_t n;
    const struct seep_os_zombie_handle *handles; // Linux: the parent, with the handle 0
    size_t n_handles;
    uint64_t n_closed; // processes whose handles could not be looked at (no permission)
};

// Looks for all zombies and who holds them, after a sample. On Windows this goes through every
// process handle and every PID: it takes from milliseconds to seconds. This process's own handles
// are left out. On failure `zombies` is untouched.
bool seep_os_sampler_zombies(struct seep_os_sampler *sampler, struct seep_os_zombies *zombies,
                             struct seep_err *err);

// Which system field each number of a sample comes from
// ("SYSTEM_PROCESS_INFORMATION.PagefileUsage", "/proc/PID/statm resident-shared"); NULL where this
// system does not give it. Valid after the first sample.
struct seep_os_process_fields {
    const char *private_bytes, *virtual_bytes, *working_set_bytes, *handles, *threads;
    const char *gdi_objects, *user_objects, *paged_pool_bytes, *nonpaged_pool_bytes, *zombies;
};

struct seep_os_totals_fields {
    const char *commit_bytes, *commit_limit_bytes, *available_bytes, *paged_pool_bytes;
    const char *nonpaged_pool_bytes, *pagefile_usage, *zombies;
    const char *tag_bytes, *tag_paged_blocks, *tag_nonpaged_blocks;
};

void seep_os_sampler_fields(const struct seep_os_sampler *sampler,
                            struct seep_os_process_fields *process,
                            struct seep_os_totals_fields *totals);

// The name of the live source: "live-linux" or "live-windows".
const char *seep_os_live_name(void);

#endif
