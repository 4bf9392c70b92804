// SPDX-License-Identifier: MIT
// Pool by tag in the newest look at a machine, and what changed since the first one: what `seep
// pool` prints. Columns are those of PoolMon and WinDbg's !poolused.
#ifndef SEEP_REPORT_POOL_H
#define SEEP_REPORT_POOL_H

#include "base/arena.h"
#include "detect/pool.h"
#include "report/look.h"

enum seep_pool_sort {
    SEEP_POOL_BY_BYTES = 0,
    SEEP_POOL_BY_DIFF,
    SEEP_POOL_BY_ALLOCS,
    SEEP_POOL_BY_FREES,
    SEEP_POOL_BY_PER_ALLOC,
    SEEP_POOL_BY_TAG,
    SEEP_POOL_BY_DELTA,
    SEEP_N_POOL_SORTS,
};

// "bytes", "diff", "allocs", "frees", "per-alloc", "tag", "delta"; SEEP_N_POOL_SORTS for another.
enum seep_pool_sort seep_pool_sort_named(const char *name);

// Whether a tag fits a pattern in which `*` stands for any characters and `?` for one. Case counts,
// as it does for tags.
bool seep_pool_tag_fits(const char *pattern, const char *tag);

struct seep_pool_options {
    enum seep_pool_sort sort;
    int pool;         // 1 = paged, 0 = nonpaged, -1 = both
    const char *glob; // of tags; NULL = all
    size_t top;       // rows that are shown; 0 = the writer's default (text: 20, JSON: all)
    size_t stacks;    // call stacks shown of a tag; 0 = the writer's default (text: 3, JSON: all)
    bool color;
};

// What one call stack took of a tag, as a trace saw it.
struct seep_pool_site {
    size_t index; // of the dataset's sites
    const struct seep_site *site;
};

// A tag in one pool. Numbers are SEEP_UNKNOWN_COUNT where they are unknown.
struct seep_pool_row {
    const char *tag;
    bool paged;
    uint32_t session;                     // SEEP_NO_SESSION = the system's
    uint64_t allocs, frees, diff, bytes;  // since the machine started
    uint64_t per_alloc;                   // bytes of a block
    bool is_new;                          // the old look does not have it
    uint64_t old_diff, old_bytes;         // in the old look
    uint64_t allocs_since, frees_since;   // since it
    const char *mapped_driver;            // what the log itself says; NULL = nothing
    const struct seep_tag_owners *owners; // NULL = nobody is known
    struct seep_tag_owner logged;         // made of mapped_driver; its name NULL = none
    const char *driver, *description;     // the likeliest; NULL = unknown
    const struct seep_finding *finding;   // NULL = none
    bool judged;
    enum seep_verdict verdict;          // of its finding, or of its cluster's
    const char *follows;                // the tag whose growth this one's is part of; NULL
    const struct seep_pool_site *sites; // the heaviest first
    size_t n_sites;
    double order; // what it is sorted by
};

struct seep_pool_sum {
    size_t n_tags;
    uint64_t allocs, frees, diff, bytes; // SEEP_UNKNOWN_COUNT where one of the rows' is
    uint64_t old_bytes;
};

struct seep_pool {
    const struct seep_dataset *data;
    const struct seep_judgement *judgement; // NULL = nothing was judged
    struct seep_pool_options options;
    struct seep_arena arena;
    struct seep_machine_id machine;
    size_t n_other_machines;
    int64_t taken_ns, old_ns; // SEEP_NO_TIME = unknown
    double span_s;            // from the old look to the new one; NaN = unknown
    size_t n_looks;
    bool known;                 // the dataset says anything of pool tags
    bool compared;              // there is an old look
    bool traced;                // numbers are those of allocations that a trace saw
    struct seep_pool_row *rows; // those asked for, sorted
    size_t n_rows;
    struct seep_pool_sum sums[2];     // of the rows: nonpaged, paged
    const struct seep_finding *worst; // the gravest about a tag or a driver; NULL = none
};

// Makes the document; everything given outlives it. The caller clears it. False when memory is out.
bool seep_pool_make(const struct seep_dataset *data, const struct seep_judgement *judgement,
                    const struct seep_pool_options *options, struct seep_pool *pool);
void seep_pool_clear(struct seep_pool *pool);

// Whether a finding is about pool that a tag or a driver takes.
bool seep_pool_concerns(const struct seep_finding *finding);

// The gravest verdict of a tag or driver; `unknown` where none was judged.
enum seep_verdict seep_pool_verdict(const struct seep_pool *pool);

// The clusters of the machine, one a call; `*at` starts at 0. NULL at the end.
const struct seep_pool_cluster *seep_pool_next_cluster(const struct seep_pool *pool, size_t *at);

// Adds to each finding about a pool tag that is more than steady which call stack took most of the
// tag, where the dataset has sites of it and can name them. False when memory is out.
bool seep_pool_name_sites(const struct seep_dataset *data, struct seep_judgement *judgement);

// By how much the bytes of a row grew since the old look; false where that is unknown.
bool seep_pool_row_delta(const struct seep_pool *pool, const struct seep_pool_row *row,
                         double *delta);

// Write the document of `seep pool` (docs/schema/pool.schema.json). False when the output failed or
// memory is out.
bool seep_pool_json(const struct seep_pool *pool, FILE *out);
bool seep_pool_text(const struct seep_pool *pool, FILE *out);

#endif
