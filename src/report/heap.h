// SPDX-License-Identifier: MIT
// What the heaps of one process hold: what `seep heap` prints.
#ifndef SEEP_REPORT_HEAP_H
#define SEEP_REPORT_HEAP_H

#include "model/dataset.h"
#include "model/space.h"
#include "report/report.h"

// Blocks that have something in common, of one kind of grouping: most bytes first.
struct seep_heap_groups {
    const struct seep_blocks **at;
    size_t n, capacity;
    uint64_t blocks, bytes; // of all
};

struct seep_heap_summary {
    const struct seep_space *space;
    struct seep_heap_groups groups[SEEP_N_BLOCKS_BY];
    // What the program has of each of space->heaps: the blocks of all its sizes.
    struct seep_heap_use {
        uint64_t blocks, bytes;
    } * uses;
    uint64_t heads;         // of the unreachable blocks
    bool counted;           // the heaps were walked block by block
    bool unreachable_known; // and so were the roots
};

// Sums up a space. `losses` are those of its source: they say what is not known. False when memory
// is out; the caller clears the summary whatever the result.
bool seep_heap_summary_make(const struct seep_space *space, const struct seep_loss *losses,
                            size_t n_losses, struct seep_heap_summary *summary);
void seep_heap_summary_clear(struct seep_heap_summary *summary);

// Blocks with something in common, in two snapshots; all 0 where there were none.
struct seep_heap_change {
    const char *type; // or the stack; NULL = of no type, or of any
    uint64_t size_bytes;
    uint64_t old_blocks, old_bytes, blocks, bytes;
};

struct seep_heap_changes {
    struct seep_heap_change *at; // those that differ, what grew most bytes first
    size_t n;
};

// Compares the groups of one kind, whichever heap they are in: the heaps of another run of the
// program lie elsewhere. O(n log n). False when memory is out; the caller owns the result:
// seep_heap_changes_clear.
bool seep_heap_compare(const struct seep_heap_summary *old, const struct seep_heap_summary *new_,
                       enum seep_blocks_by by, struct seep_heap_changes *changes);
void seep_heap_changes_clear(struct seep_heap_changes *changes);

struct seep_heap_report {
    const struct seep_dataset_source *sources;
    size_t n_sources;
    const struct seep_heap_summary *summary;
    const struct seep_heap_summary *old;     // what it is compared with; NULL = nothing
    const struct seep_heap_changes *changes; // with `old`: of each seep_blocks_by
    size_t top; // rows of each list; 0 = the writer's default (text: 20, JSON: all)
    bool peek;
};

// The parts that two snapshots add.
void seep_heap_delta_json(struct seep_json *json, const struct seep_heap_report *report);
void seep_heap_delta_text(struct seep_buf *out, const struct seep_heap_report *report, size_t top);

// Write the document of `seep heap` (docs/schema/heap.schema.json). False when the output failed or
// memory is out.
bool seep_heap_report_json(const struct seep_heap_report *report, FILE *out);
bool seep_heap_report_text(const struct seep_heap_report *report, FILE *out);

#endif
