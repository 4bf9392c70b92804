// SPDX-License-Identifier: MIT
// A run beside known-good ones: the same role, the same metric, at the same age.
#ifndef SEEP_DETECT_BASELINE_H
#define SEEP_DETECT_BASELINE_H

#include "detect/judge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_against_state {
    SEEP_AGAINST_ABSENT = 0, // no baseline has the like of it
    SEEP_AGAINST_APART,      // they do, at no comparable age or time
    SEEP_AGAINST_SHORT,      // too few looks in the time that both show
    SEEP_AGAINST_COMPARED,
};

struct seep_against {
    enum seep_against_state state;
    struct seep_beside beside; // bytes are what the series counts, not what the counter shows
    struct seep_shape shape;   // of what is left when the baseline's growth is taken off
    double astray;    // the furthest that the rest rose on its way, over the growth to be explained
    double p;         // the least sure of all that were compared
    size_t n_alike;   // candidates in all baselines
    size_t n_leaking; // of them
    bool certain;     // which of them is the same one is known
    uint32_t n_compared; // candidates that could be compared
};

struct seep_baselines;

// Reads the baselines' tables. `*out` is NULL where the options name none. The caller owns it.
bool seep_baselines_open(const struct seep_dataset *data, const struct seep_detect_options *options,
                         struct seep_baselines **out, struct seep_err *err);
void seep_baselines_close(struct seep_baselines *baselines);

// Compares one measured series, whose points are given as they were measured, if its growth is
// worth a question; sets `judged->against`, in the arena. `baselines` may be NULL. False when
// memory is out or a baseline's points cannot be read.
bool seep_baselines_compare(struct seep_baselines *baselines, struct seep_arena *arena,
                            const struct seep_scene *scene, struct seep_judged *judged,
                            const struct seep_points *points, struct seep_err *err);

// Adjusts the p of all differences over the series that were tested, those that were not compared
// counting with 1. False when memory is out.
bool seep_baselines_adjust(struct seep_scene *scene);

// Says in the finding of `judged` what came of it.
void seep_baselines_write(const struct seep_baselines *baselines, struct seep_drafts *drafts,
                          const struct seep_judged *judged, struct seep_draft *draft);

// verdict.c: whether the growth is what the baseline leads to expect.
bool seep_against_explains(const struct seep_against *against);

#endif
