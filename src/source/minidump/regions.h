// SPDX-License-Identifier: MIT
// The list of regions of a dump, or what can be known without one.
#ifndef SEEP_SOURCE_MINIDUMP_REGIONS_H
#define SEEP_SOURCE_MINIDUMP_REGIONS_H

#include "heap/regions.h"
#include "memory/minidump_memory.h"

// How the list of regions was read.
struct dump_region_list {
    bool derived;         // there was no list: the regions are only what is known to be there
    uint64_t n_bad;       // entries of the list that are no region
    uint64_t first_bad;   // offset of the first in the file
    uint64_t list_offset; // of the first entry
};

// Reads the list of regions, or makes one from the images and the memory that is held. False when
// memory is out.
bool dump_regions_load(const struct seep_minidump *dump, const struct seep_usage_image *images,
                       size_t n_images, const struct seep_minidump_memory *memory,
                       struct seep_usage_regions *regions, struct dump_region_list *list);

#endif
