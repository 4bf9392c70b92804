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

struct seep_heap_report {
    const struct seep_dataset_source *sources;
    size_t n_sources;
    const struct seep_heap_summary *summary;
    size_t top; // rows of each list; 0 = the writer's default (text: 20, JSON: all)
    bool peek;
};

// Write the document of `seep heap` (docs/schema/heap.schema.json). False when the output failed or
// memory is out.
bool seep_heap_report_json(const struct seep_heap_report *report, FILE *out);
bool seep_heap_report_text(const struct seep_heap_report *report, FILE *out);

#endif
