// SPDX-License-Identifier: MIT
// What the files of the source "kernel-dump" share: one dump that is being read.
#ifndef SEEP_SOURCE_KERNEL_DUMP_READER_H
#define SEEP_SOURCE_KERNEL_DUMP_READER_H

#include "base/buf.h"
#include "kernel/kernel.h"
#include "memory/kernel_memory.h"
#include "nt/kernel_dump.h"
#include "source/source.h"

// A pool tag as it reads.
struct kdump_tag {
    char text[SEEP_TAG_TEXT];
    struct seep_kernel_tag tag;
};

struct kdump_tags {
    struct kdump_tag *at; // by text; the system's before those of sessions
    size_t n, capacity;
    bool no_memory;
};

struct kdump {
    const struct seep_input *input;
    struct seep_sink *sink;
    const struct seep_control *control;
    struct seep_kernel_dump_header header;
    struct seep_triage triage;
    bool has_triage;
    struct seep_triage_memory record; // of a triage dump; every member may be unknown
    struct seep_physical *physical;   // NULL: none
    struct seep_kernel_memory memory;
    bool has_memory;
    uint64_t n_absent, n_paged_out;
    struct seep_kernel kernel;
    struct seep_machine_id machine;
    struct seep_process_id *processes; // of seep_kernel_processes, as long as these are pushed
    struct kdump_tags tags;
    uint64_t zombie_pages; // that exited processes are charged for; SEEP_UNKNOWN_FIELD
    struct seep_buf text;  // of one fact
    uint64_t n_escaped;    // texts that were no UTF-16
    bool stopped;          // the sink is full, or memory is out
};

// Stops the run: the sink is full, or memory is out. Returns false.
bool kdump_stop(struct kdump *k);

// A number that may be unknown: SEEP_UNKNOWN_FIELD gives nothing.
bool kdump_sample(struct kdump *k, const struct seep_subject *subject, enum seep_metric metric,
                  const char *counter, uint64_t value);

// Says what could not be read of `what`: "tables of pool tags".
bool kdump_gaps(struct kdump *k, const char *what, const struct seep_kernel_gaps *gaps);

// UTF-16 in `k->text`, as UTF-8.
const char *kdump_text(struct kdump *k, struct seep_bytes utf16);

// The base of the kernel and its identity, as a triage dump's list of drivers has them.
void kdump_kernel_driver(const struct kdump *k, struct seep_kernel_hints *hints);

// modules.c, memory.c, processes.c: the facts. False stops.
bool kdump_push_modules(struct kdump *k);
bool kdump_read_pool(struct kdump *k); // before what follows
bool kdump_push_processes(struct kdump *k);
bool kdump_push_vm(struct kdump *k);
bool kdump_push_pool(struct kdump *k);
void kdump_clear_pool(struct kdump *k);

#endif
