// SPDX-License-Identifier: MIT
// A labelled series on a machine: as a dataset, as a PDH-CSV log, as a case.
#ifndef SEEP_BENCH_OC_SCENE_H
#define SEEP_BENCH_OC_SCENE_H

#include "detect/detect.h"
#include "families.h"
#include "series_gen.h"

#include <stdbool.h>

// The machine has the process in question and `companions` healthy ones with one series each, all
// seen at the same looks. With `commit`, it also has its commit charge, of which the process is a
// part, and a limit that is reached when the process reaches c->limit.
struct oc_scene {
    const struct oc_case *c;
    unsigned companions;
    bool commit;
};

enum { OC_MAX_COMPANIONS = 64 };

// Adds a machine to `gen` (initialised); the caller calls gen_finish().
void oc_scene_to_dataset(const struct oc_scene *scene, struct gen_data *gen);
bool oc_scene_to_pdh_csv(const struct oc_scene *scene, const char *path);
bool oc_scene_to_case(const struct oc_scene *scene, const char *path);

// The looks in the order of time, one a moment: what a case makes of a clock that went back.
void oc_sorted_looks(const struct oc_case *c, struct seep_points *points);

// What a judgement says of the case: the gravest verdict about its process in the metric in
// question (or about what stands for it), and how many others are accused.
struct oc_answer {
    enum seep_verdict verdict;               // about the process
    unsigned others_leaking, others_suspect; // findings about anything else
    const struct seep_finding *finding;      // the one behind `verdict`; NULL = none
};
struct oc_answer oc_answer_of(const struct seep_judgement *judgement);

#endif
