// SPDX-License-Identifier: MIT
// Physical pages of a dump, for those who walk page tables: besides kernel_memory.h, runs of pages
// that lie side by side in the file, and the way over those that are not held.
#ifndef SEEP_MEMORY_KERNEL_PHYSICAL_H
#define SEEP_MEMORY_KERNEL_PHYSICAL_H

#include "memory/kernel_memory.h"

// The pages from `pfn` on that are held and lie side by side in the file, at most `most` (1..512);
// empty where the first is not held.
struct seep_bytes seep_physical_span(const struct seep_physical *physical, uint64_t pfn,
                                     size_t most);

// The lowest frame at or above `pfn` that is held; false where there is none.
bool seep_physical_next(const struct seep_physical *physical, uint64_t pfn, uint64_t *held);

// The frame behind the highest one that the dump can hold; 0 = none.
uint64_t seep_physical_end(const struct seep_physical *physical);

#endif
