// SPDX-License-Identifier: MIT
// Which pool tags are one leak.
//
// A tag that is counted in both pools is one subject. A cluster has one source, the tag that is
// accused; the others grow because it does, and have no finding of their own.
#ifndef SEEP_DETECT_POOL_H
#define SEEP_DETECT_POOL_H

#include "detect/detect.h"
#include "model/ids.h"

#include <stdbool.h>
#include <stddef.h>

struct seep_pool_member {
    const char *tag;
    double ratio; // what its blocks grew by over what those of the source did; NaN = unknown
};

struct seep_pool_cluster {
    struct seep_machine_id machine;
    const char *source;                     // its tag
    const struct seep_pool_member *members; // the source first (ratio 1), then the likest
    size_t n_members;                       // two at least
    enum seep_verdict verdict;
    const char *finding; // its id
};

#endif
