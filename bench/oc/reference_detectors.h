// SPDX-License-Identifier: MIT
// What others use to say "leak", plainly implemented, on the same series that seep judges.
#ifndef SEEP_BENCH_OC_REFERENCE_DETECTORS_H
#define SEEP_BENCH_OC_REFERENCE_DETECTORS_H

#include "model/series.h"

#include <stdbool.h>
#include <stddef.h>

struct oc_reference {
    const char *name;
    const char *rule; // in words, for the table's legend
    bool (*leaks)(const struct seep_points *points, enum seep_metric metric);
};

enum { OC_N_REFERENCES = 5 };
extern const struct oc_reference oc_references[OC_N_REFERENCES];

#endif
