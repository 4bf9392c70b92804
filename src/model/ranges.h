// SPDX-License-Identifier: MIT
// Ranges of addresses that do not overlap, each owned by a site: what virtual memory is made of.
//
// Kept as sorted runs of at most a few hundred, so that an insertion moves little however many
// there are. A zeroed struct is an empty set.
#ifndef SEEP_MODEL_RANGES_H
#define SEEP_MODEL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_range {
    uint64_t base, end; // end is the first address behind it
    int64_t t_ns;       // since when
    uint32_t site;
};

struct seep_range_run;

struct seep_ranges {
    struct seep_range_run **runs;
    size_t n_runs, capacity;
};

// What happened to a part of the set: `bytes` of `site` came or went, and so many pieces.
struct seep_range_change {
    void (*changed)(void *ctx, uint32_t site, int64_t bytes, int64_t pieces);
    void *ctx;
};

// Adds what of [base, end) is in no range yet; tells how many bytes those were. A range that covers
// more than SEEP_RANGES_SPAN others takes them over: no input makes this cost more than it adds.
// False when memory is out; the set stays whole.
enum { SEEP_RANGES_SPAN = 4096 };
bool seep_ranges_add(struct seep_ranges *ranges, uint64_t base, uint64_t end, uint32_t site,
                     int64_t t_ns, const struct seep_range_change *change);

// Takes [base, end) out, from the middle of ranges too; `*bytes` says how many were there.
bool seep_ranges_remove(struct seep_ranges *ranges, uint64_t base, uint64_t end,
                        const struct seep_range_change *change, uint64_t *bytes);

// The first range that ends above `address`, NULL where there is none; valid until the next change.
const struct seep_range *seep_ranges_at(const struct seep_ranges *ranges, uint64_t address);

// Gives every range of site `i` the site map[i].
void seep_ranges_renumber(struct seep_ranges *ranges, const uint32_t *map);

void seep_ranges_clear(struct seep_ranges *ranges);

#endif
