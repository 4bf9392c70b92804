// SPDX-License-Identifier: MIT
// What the parts of the sampler on Windows share.
#ifndef SEEP_OS_SAMPLE_WIN32_H
#define SEEP_OS_SAMPLE_WIN32_H

#include "base/buf.h"
#include "base/bytes.h"
#include "os/sample.h"
#include "os/system_information.h"

#include <windows.h>

// A buffer that is reserved once and committed as tables grow.
struct seep_win32_query {
    uint8_t *data;
    size_t committed;
    struct seep_bytes table; // the last answer
};

struct seep_win32_held {
    uint32_t holder, zombie; // PIDs
};

typedef DWORD(WINAPI *seep_win32_gui_fn)(HANDLE, DWORD);

struct seep_os_sampler {
    struct seep_win32_query processes_query, query; // the second one for everything else
    bool has_private_pages, has_pool_quotas, has_handle_counts, has_kernel_pools, has_page_files;
    bool has_handle_types, has_pool_tags, has_object_totals, has_performance;
    uint16_t process_type;           // ObjectTypeIndex of processes, where has_handle_types
    seep_win32_gui_fn gui_resources; // NULL where it tells nothing
    int64_t boot_ns;
    uint64_t page_bytes;
    uint32_t own_pid;
    struct seep_os_process *processes;
    size_t *name_at; // offsets into names
    size_t n_processes, processes_room, name_at_room;
    struct seep_buf names;
    struct seep_os_pool_tag *tags;
    size_t n_tags, tags_room;
    struct seep_win32_held *held; // of the last look, in the order of holders; one row a zombie
    size_t n_held, held_room;
    uint32_t *closed_holders; // PIDs whose handles could not be looked at
    size_t n_closed, closed_room;
    uint64_t n_zombies_held;
    struct seep_os_zombie *zombies; // all of them, where they were asked for
    size_t *zombie_name_at;         // offsets into zombie_names
    size_t n_zombies, zombies_room, zombie_name_at_room;
    struct seep_os_zombie_handle *zombie_handles;
    size_t n_zombie_handles, zombie_handles_room;
    struct seep_buf zombie_names;
    int64_t zombies_due_ns; // monotonic
    uint64_t n_unreadable;
};

enum seep_win32_what { SEEP_WIN32_SYSTEM, SEEP_WIN32_OBJECTS };

// Queries one table, with a larger buffer as long as it does not fit. False where the system does
// not give it; `q->table` is empty then.
bool seep_win32_query(struct seep_win32_query *q, enum seep_win32_what what, int class_);

// The process of this PID in the sample, NULL if it is not there.
struct seep_os_process *seep_win32_process(struct seep_os_sampler *s, uint32_t pid);

#endif
