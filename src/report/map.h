// SPDX-License-Identifier: MIT
// The summary of one space, or of what changed between two: what `seep map` prints.
//
// Rows and columns are those of WinDbg's !address -summary. A number that the snapshot cannot tell
// is SEEP_UNKNOWN_BYTES, and `unknown` says why.
#ifndef SEEP_REPORT_MAP_H
#define SEEP_REPORT_MAP_H

#include "base/arena.h"
#include "model/dataset.h"
#include "model/space.h"
#include "report/report.h"

enum { SEEP_MAP_PROTECTIONS = 64, SEEP_MAP_UNKNOWN = SEEP_N_REGION_USAGES + 4 };

// Regions that have something in common.
struct seep_map_row {
    uint64_t regions, size_bytes;
    uint64_t largest_bytes, largest_base; // the largest one of them
};

struct seep_map_split {
    uint64_t private_bytes, mapped_bytes, image_bytes; // committed, by type
    uint64_t reserved_bytes;
};

struct seep_map_protect {
    uint32_t protect;
    struct seep_map_row row;
};

// What cannot be known, and why.
struct seep_map_unknown {
    const char *what, *why;
};

struct seep_map {
    const struct seep_space *space;
    struct seep_map_row usage[SEEP_N_REGION_USAGES];
    struct seep_map_row type[SEEP_N_REGION_TYPES]; // the unknown one: of busy regions
    struct seep_map_row state[SEEP_N_REGION_STATES];
    struct seep_map_protect protect[SEEP_MAP_PROTECTIONS]; // of committed regions, largest first
    size_t n_protect; // the last one may stand for all that found no place
    struct seep_map_split split;
    uint64_t busy_bytes, total_bytes; // all but free ones; with the free ones
    struct seep_map_unknown unknown[SEEP_MAP_UNKNOWN];
    size_t n_unknown;
};

// Sums up a space, whose regions are sorted. O(n).
void seep_map_make(const struct seep_space *space, struct seep_map *map);

// A reservation (all regions with one allocation base) in two snapshots; bytes are 0 where it was
// not there.
struct seep_map_change {
    uint64_t base;
    enum seep_region_usage usage;
    enum seep_region_type type;
    const char *detail; // of its first region that has one
    uint64_t old_committed_bytes, old_size_bytes;
    uint64_t committed_bytes, size_bytes;
};

struct seep_map_changes {
    struct seep_map_change *at; // those that differ, what grew most first
    size_t n;
};

// Compares the reservations of two spaces. O(n log n). False when memory is out; the caller owns
// the result: seep_map_changes_clear.
bool seep_map_compare(const struct seep_space *old, const struct seep_space *new_,
                      struct seep_map_changes *changes);
void seep_map_changes_clear(struct seep_map_changes *changes);

struct seep_map_report {
    const struct seep_dataset_source *sources;
    size_t n_sources;
    const struct seep_map *map;
    const struct seep_map *old;             // what it is compared with; NULL = nothing
    const struct seep_map_changes *changes; // with `old`
    bool regions;                           // list them
    bool threads;                           // the text lists them (the JSON does always)
    size_t top; // rows of each list; 0 = the writer's default (text: 20, JSON: all)
};

// Write the document of `seep map` (docs/schema/map.schema.json). False when the output failed or
// memory is out.
bool seep_map_json(const struct seep_map_report *report, FILE *out);
bool seep_map_text(const struct seep_map_report *report, FILE *out);

// Shared with the text: the difference of two numbers, either of which may be unknown; *known says
// whether there is one.
int64_t seep_map_delta(uint64_t old, uint64_t new_, bool *known);

// Which regions a list of `top` shows (0 = all): the largest ones that are not free. Gives how many
// there are to choose from, and what seep_map_shows wants for each region, in their order.
size_t seep_map_cut(const struct seep_space *space, size_t top, uint64_t *least_bytes,
                    size_t *n_of_least);
bool seep_map_shows(const struct seep_region *region, size_t top, uint64_t least_bytes,
                    size_t *n_of_least);

#endif
