// SPDX-License-Identifier: MIT
// What the looks at a machine's pool tags say together: how often each tag was allocated and freed
// from the first look to the last.
//
// Counts of 32 bits begin again at 2^32, so growth is added up from look to look, modulo 2^32. How
// many blocks are in use is right however often the counts went round, for both go round; how many
// were allocated is right if they went round no more than once between two looks.
#ifndef SEEP_DETECT_LOOKS_H
#define SEEP_DETECT_LOOKS_H

#include "base/intern.h"
#include "detect/detect.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One tag in one pool, of all sessions. NaN = unknown.
struct seep_tag_growth {
    bool known;                       // it was counted in this pool
    double allocs, frees;             // from the first look to the last
    double allocs_ever, frees_ever;   // since the machine started; less where the counts went round
    double blocks_first, blocks_last; // in use
    // At the look in the middle: in use, and allocated until then; NaN with less than four.
    double blocks_middle, allocs_middle;
    double bytes_first, bytes_last; // in use
};

enum { SEEP_NONPAGED = 0, SEEP_PAGED };

struct seep_tag_looks {
    const char *tag;
    const char *mapped; // what a log itself calls its driver; NULL = nothing
    struct seep_tag_growth in[2];
    struct seep_source_id source; // of the last look
};

// Of one machine. With a single look, growth is since the machine started.
struct seep_looks {
    struct seep_intern tags; // -> at[id - 1]
    struct seep_tag_looks *at;
    size_t n, capacity;
    size_t n_looks;                       // since the machine was last started
    int64_t first_ns, middle_ns, last_ns; // SEEP_NO_TIME = unknown
    struct seep_source_id first_source, last_source;
    double pool_bytes[2], pool_grown[2]; // all tags: in use at the end; the sum of what grew
};

// Reads the looks at one machine, of the time asked for. False when memory is out. The caller owns
// it, also then: seep_looks_clear.
bool seep_looks_read(const struct seep_dataset *data, struct seep_machine_id machine,
                     const struct seep_detect_options *options, struct seep_looks *looks);
void seep_looks_clear(struct seep_looks *looks);

// NULL where the tag was never counted. Blanks at the end of a tag do not count.
const struct seep_tag_looks *seep_looks_find(const struct seep_looks *looks, const char *tag);

// The growth of both pools together.
struct seep_tag_growth seep_tag_growth_of(const struct seep_tag_looks *tag);

// Of what was allocated in that time the share that was freed, and of what was ever; NaN where
// nothing was allocated, or counts are unknown.
double seep_freed_share(const struct seep_tag_growth *growth);
double seep_freed_ever(const struct seep_tag_growth *growth);

// How much more was in use in the second half of the time than in the first, and how much more was
// allocated in a second: ratios. False where that is not known.
bool seep_tag_halves(const struct seep_looks *looks, const struct seep_tag_growth *growth,
                     double *use, double *allocs);

#endif
