// SPDX-License-Identifier: MIT
// Regions of a process of which nobody listed them: those of a dump without such a list.
#ifndef SEEP_HEAP_DERIVED_H
#define SEEP_HEAP_DERIVED_H

#include "heap/regions.h"

// Cuts the regions at their borders and where the extents that were claimed begin and end, and
// gives each part to the claim of the highest rank. O((n + m) log(n + m)). False when memory is
// out.
bool seep_usage_share_out(struct seep_usage_regions *regions);

#endif
