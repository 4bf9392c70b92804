// SPDX-License-Identifier: MIT
// Regions of a dump that has no list of them.
#ifndef SEEP_SOURCE_MINIDUMP_DERIVED_H
#define SEEP_SOURCE_MINIDUMP_DERIVED_H

#include "source/minidump/regions.h"

// Cuts the regions where the ranges of `dump` and the extents that were claimed begin and end, and
// gives each part to the claim of the highest rank. O((n + m) log(n + m)). False when memory is
// out.
bool dump_regions_share_out(struct dump_regions *regions, const struct seep_minidump *dump);

#endif
