// SPDX-License-Identifier: MIT
// Datasets of looks at a machine, made by hand, for the tests of `seep pool`, `vm` and `zombies`
// and for the samples that are checked against their schemas.
#ifndef SEEP_TESTS_LOOK_KIT_H
#define SEEP_TESTS_LOOK_KIT_H

#include "detect/detect.h"
#include "model/dataset.h"

struct look_case {
    const char *name;
    struct seep_dataset data;
    struct seep_judgement judgement;
};

// The case of a name, NULL if there is none: "full" (two looks, a leaking driver with what it drags
// along, sites, zombies that a service and a driver hold), "one" (a single look, much unknown),
// "empty" (no facts), "hostile" (names that attack terminals and JSON).
const struct look_case *look_case_find(const char *name);

#endif
