// SPDX-License-Identifier: MIT
// What a machine's memory was used for at its newest look, against its limits, and where its commit
// went: what `seep vm` prints. Lines are those of WinDbg's !vm.
#ifndef SEEP_REPORT_VM_H
#define SEEP_REPORT_VM_H

#include "base/arena.h"
#include "detect/ledger.h"
#include "model/vm.h"
#include "report/look.h"

struct seep_vm_process {
    const struct seep_process *process;
    uint64_t private_bytes;
};

struct seep_vm_options {
    size_t top; // processes shown; 0 = the writer's default (text: 20, JSON: all)
    bool color;
};

struct seep_vm_doc {
    const struct seep_dataset *data;
    const struct seep_judgement *judgement; // NULL = nothing was judged
    struct seep_vm_options options;
    struct seep_arena arena;
    struct seep_machine_id machine;
    size_t n_other_machines;
    bool known; // anything is
    int64_t taken_ns;
    struct seep_vm vm;
    unsigned flags; // as seep_vm_flags gives them
    struct seep_ledger ledger;
    uint64_t page_bytes;
    struct seep_vm_process *processes; // by private bytes, the largest first
    size_t n_processes;
    uint64_t private_bytes; // of them all
};

// Makes the document; everything given outlives it. The caller clears it. `known` is false where
// the dataset says nothing about the memory of a machine. False when memory is out.
bool seep_vm_doc_make(const struct seep_dataset *data, const struct seep_judgement *judgement,
                      const struct seep_vm_options *options, struct seep_vm_doc *doc);
void seep_vm_doc_clear(struct seep_vm_doc *doc);

// The findings about the machine's own totals that are more than steady, one a call, the gravest
// first; `*at` starts at 0. NULL at the end.
const struct seep_finding *seep_vm_next_finding(const struct seep_vm_doc *doc, size_t *at);

// The gravest verdict of them; unknown where there is none.
enum seep_verdict seep_vm_doc_verdict(const struct seep_vm_doc *doc);

// Write the document of `seep vm` (docs/schema/vm.schema.json). False when the output failed or
// memory is out.
bool seep_vm_doc_json(const struct seep_vm_doc *doc, FILE *out);
bool seep_vm_doc_text(const struct seep_vm_doc *doc, FILE *out);

#endif
