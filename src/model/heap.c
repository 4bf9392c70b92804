// SPDX-License-Identifier: MIT
// The names of heaps and of what groups blocks.
#include "model/heap.h"

#include <assert.h>

static const char *const kinds[] = { [SEEP_HEAP_NT] = "nt", [SEEP_HEAP_SEGMENT] = "segment" };
static_assert(sizeof kinds / sizeof *kinds == SEEP_N_HEAP_KINDS, "a name for every kind of heap");

static const char *const groups[] = {
    [SEEP_BLOCKS_BY_SIZE] = "size",
    [SEEP_BLOCKS_BY_TYPE] = "type",
    [SEEP_BLOCKS_UNREACHABLE] = "unreachable",
    [SEEP_BLOCKS_BY_STACK] = "stack",
};
static_assert(sizeof groups / sizeof *groups == SEEP_N_BLOCKS_BY, "a name for every grouping");

const char *seep_heap_kind_name(enum seep_heap_kind kind)
{
    return kinds[kind];
}

const char *seep_blocks_by_name(enum seep_blocks_by by)
{
    return groups[by];
}
