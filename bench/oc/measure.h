// SPDX-License-Identifier: MIT
// What `operating-characteristic` measures.
#ifndef SEEP_BENCH_OC_MEASURE_H
#define SEEP_BENCH_OC_MEASURE_H

#include "families.h"
#include "reference_detectors.h"
#include "scene.h"
#include "tally.h"

#include <stdbool.h>
#include <stdint.h>

struct oc_options {
    unsigned runs;       // of each family, observation and noise level
    uint64_t first_seed; // runs use this one and those after it
    unsigned companions; // healthy series beside the one in question
    bool markdown, quick;
    const char *family;      // NULL, or part of the names of the families to run
    const char *observation; // the same of observations
    const char *seep;        // the program to judge files with; NULL = none
    const char *write_to;    // folder; NULL = none
    bool cases;              // write cases beside the logs
    bool verbose;            // names each wrong answer
};

enum { OC_MAX_FAMILIES = 48, OC_MAX_OBSERVATIONS = 12 };

// Answers about one family in one observation.
struct oc_tally {
    uint64_t n, leaking, suspect, unknown, others_leaking, others_suspect;
    uint64_t by_reference[OC_N_REFERENCES];
    uint64_t n_not_judgeable, not_judgeable_leaking, not_judgeable_suspect;
};

// Of the leaks that were found, or at least suspected.
struct oc_rates {
    struct oc_values error;       // |rate / truth - 1|
    struct oc_values onset_error; // |since - onset| as a share of the observation
    uint64_t n, covered;          // intervals that hold the truth
};

struct oc_grid {
    const struct oc_family *families;
    size_t n_families;
    struct oc_tally tally[OC_MAX_FAMILIES][OC_MAX_OBSERVATIONS];
    struct oc_rates rates[OC_MAX_FAMILIES];
    struct oc_rates by_observation[OC_MAX_OBSERVATIONS];                  // of even leaks
    struct oc_confusion by_level[OC_N_NOISE_LEVELS][OC_N_REFERENCES + 1]; // seep first
    double seep_s, reference_s[OC_N_REFERENCES];                          // time spent
    uint64_t n_series, n_reference_series;
    double longest_s; // of them, judging the series of the longest observation
    uint64_t n_longest;
};

// grid.c
void oc_grid_run(const struct oc_options *options, const struct oc_family *families, size_t n,
                 struct oc_grid *grid);
void oc_grid_clear(struct oc_grid *grid);
bool oc_observation_wanted(const struct oc_options *options, size_t index);
// Judges one case; false (with a message) when detection failed. `gen` and `judgement` are the
// caller's to clear; the judgement alone took `*seconds` (may be NULL).
bool oc_judge(const struct oc_scene *scene, struct gen_data *gen, struct seep_judgement *judgement,
              double *seconds);
double oc_now_s(void); // of this process: what else runs on the machine does not count
struct oc_confusion oc_confusion_of(const struct oc_grid *grid, size_t observation,
                                    int reference); // -1 = seep
struct oc_confusion oc_confusion_of_family(const struct oc_grid *grid, size_t family);

// report.c
void oc_report_grid(const struct oc_options *options, struct oc_grid *grid, const char *set,
                    bool brief);
void oc_report_bars(const struct oc_options *options, struct oc_grid *grid, const char *set);

// course.c: what is only seen over time.
void oc_measure_detection_time(const struct oc_options *options);
void oc_measure_exhaustion(const struct oc_options *options);

// machines.c
void oc_measure_machines(const struct oc_options *options);
void oc_measure_real_series(const struct oc_options *options);

// files.c: the whole program.
bool oc_through_program(const struct oc_options *options);
bool oc_write_labelled_set(const struct oc_options *options);

#endif
