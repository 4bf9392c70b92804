// SPDX-License-Identifier: MIT
// The facts about the heaps of a dump: their totals, and groups of their blocks.
#ifndef SEEP_SOURCE_MINIDUMP_HEAPS_H
#define SEEP_SOURCE_MINIDUMP_HEAPS_H

#include "source/minidump/reader.h"

// Nothing where the sink wants neither heaps nor blocks. Where it wants blocks all heaps are walked
// whole; where it wants heaps alone, only small ones are, so that it takes no longer for a larger
// dump: of the others the counts stay unknown. False when the sink is full or the user cancels.
bool dump_push_heaps(struct dump_reader *r);

#endif
