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
};

struct seep_os_pool_tag { // Linux: a slab cache
    char name[64];
    uint64_t paged_bytes, nonpaged_bytes; // SEEP_OS_UNKNOWN where the tag has none of that pool
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

// Which system field each number of a sample comes from
// ("SYSTEM_PROCESS_INFORMATION.PagefileUsage", "/proc/PID/statm resident-shared"); NULL where this
// system does not give it. Valid after the first sample.
struct seep_os_process_fields {
    const char *private_bytes, *virtual_bytes, *working_set_bytes, *handles, *threads;
    const char *gdi_objects, *user_objects, *paged_pool_bytes, *nonpaged_pool_bytes, *zombies;
};

struct seep_os_totals_fields {
    const char *commit_bytes, *commit_limit_bytes, *available_bytes, *paged_pool_bytes;
    const char *nonpaged_pool_bytes, *pagefile_usage, *zombies, *tag_bytes;
};

void seep_os_sampler_fields(const struct seep_os_sampler *sampler,
                            struct seep_os_process_fields *process,
                            struct seep_os_totals_fields *totals);

// The name of the live source: "live-linux" or "live-windows".
const char *seep_os_live_name(void);

#endif
