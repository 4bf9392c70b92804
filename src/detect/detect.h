// SPDX-License-Identifier: MIT
// Detectors: from the facts of a dataset to findings with their evidence.
//
// A judgement owns its findings and their strings (one arena); it stays valid after the dataset is
// gone. Only verdict.c says "leaking". What the words mean, and why: docs/detection.md.
#ifndef SEEP_DETECT_DETECT_H
#define SEEP_DETECT_DETECT_H

#include "base/arena.h"
#include "base/err.h"
#include "model/control.h"
#include "model/dataset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What leaks. The names in a document are the same words with '-': seep_class_name.
enum seep_class {
    SEEP_CLASS_HEAP = 0,
    SEEP_CLASS_PRIVATE_DATA,
    SEEP_CLASS_ADDRESS_SPACE,
    SEEP_CLASS_HANDLES,
    SEEP_CLASS_GDI_USER,
    SEEP_CLASS_THREADS,
    SEEP_CLASS_PROCESS_ZOMBIES,
    SEEP_CLASS_PAGED_POOL,
    SEEP_CLASS_NONPAGED_POOL,
    SEEP_CLASS_DRIVER,
    SEEP_CLASS_SHARED_MEMORY,
    SEEP_CLASS_COMMIT_UNATTRIBUTED,
    SEEP_CLASS_FILE_CACHE,
    SEEP_N_CLASSES,
};

// In the order of gravity.
enum seep_verdict {
    SEEP_VERDICT_STEADY = 0,
    SEEP_VERDICT_UNKNOWN,
    SEEP_VERDICT_SUSPECT,
    SEEP_VERDICT_LEAKING,
};

const char *seep_class_name(enum seep_class class_);
const char *seep_verdict_name(enum seep_verdict verdict);

// A number with its 95 % interval, in units of the metric per second. `known` false = null.
struct seep_rate {
    bool known;
    double value, low, high;
};

// When a limit is reached if it goes on like this. A bound that lies beyond a hundred years is
// SEEP_NO_TIME (never).
struct seep_exhaustion {
    const char *limit; // "commit", "handles", "paged-pool", "nonpaged-pool", "address-space"; NULL
                       // = no limit is known
    double limit_value;
    int64_t at_ns, low_ns, high_ns;
};

struct seep_evidence {
    const char *text;             // "floor rose in 58 of 60 windows"
    struct seep_source_id source; // 0 = none
    uint64_t offset;              // SEEP_NO_OFFSET = none
    int64_t time_ns;              // SEEP_NO_TIME = none
};

// By what a run and its baseline were brought together.
enum seep_alignment {
    SEEP_ALIGNED_BY_AGE = 0, // time since the process, or the machine, was started
    SEEP_ALIGNED_BY_DAY,     // time of day (UTC)
    SEEP_ALIGNED_BY_LOOK,    // time since it was first seen
};

const char *
seep_alignment_name(enum seep_alignment alignment); // "age", "time-of-day", "first-seen"

// What the same thing did in a known-good run, in the time that both show. Numbers are in the unit
// of the metric.
struct seep_beside {
    bool known; // false = nothing was compared; the rest is not set then
    enum seep_alignment aligned;
    double covered;            // of the time that the finding is about, 0..1
    double growth, own_growth; // of the floors: the baseline's and the finding's
    struct seep_rate rate;     // of the baseline; its bounds may be NaN
    struct seep_rate excess;   // at which the difference grows; not known where it does not
    double explained;          // growth over own_growth, 0..1; NaN = it did not grow
    double q;                  // of the difference, adjusted as the finding's own
    bool leaks;                // the baseline leaks by itself
    const char *path;          // of the source that it is from; NULL = unknown
    const char *host, *name;   // where and what it is there; NULL = unknown
    uint32_t pid;
    bool has_pid;
};

struct seep_finding {
    const char *id; // "private-data/explorer.exe:1948"; unique in a judgement, stable between runs
                    // on the same case
    enum seep_class class_;
    enum seep_verdict verdict;
    enum seep_subject_kind subject;
    const char *name; // image, tag, driver or host; NULL = unknown
    uint32_t pid;
    bool has_pid;
    int64_t start_ns;         // of the process; SEEP_NO_TIME = unknown
    const char *tag, *driver; // NULL = none
    const char *process;      // image of the process that a site is of; NULL = none
    const char *site_name;    // as its series is named
    size_t site;              // index into the dataset's + 1; 0 = none
    struct seep_machine_id machine;
    enum seep_metric metric;
    struct seep_rate rate;
    int64_t since_ns;   // when the growth began; SEEP_NO_TIME = unknown
    double first, last; // values at the ends of the observation; NaN = unknown
    struct seep_exhaustion exhaustion;
    double share;     // of the machine's growth of the same kind, 0..1; NaN = unknown
    double q;         // p adjusted over all series tested (Benjamini-Hochberg); NaN = not tested
    const char *note; // ends the first line: "never freed"; NULL = none
    const char *gist; // of a snapshot: what the first line says where there is no rate; NULL = none
    const struct seep_evidence *evidence;
    size_t n_evidence;
    const char *const *caveats;
    size_t n_caveats;
    const char *const *next; // exact commands
    size_t n_next;
    struct seep_beside baseline;
};

struct seep_pool_cluster;

struct seep_judgement {
    struct seep_arena arena;
    enum seep_verdict verdict;
    struct seep_finding *findings; // by gravity, then by share, then by id; steady ones included
    size_t n_findings;
    int64_t start_ns, end_ns; // of the observation; SEEP_NO_TIME = no samples
    size_t n_series;          // judged
    size_t n_expected;        // findings that are no accusation because a baseline shows the same
    const struct seep_pool_cluster *clusters; // of pool tags, the gravest first: pool.h
    size_t n_clusters;
};

struct seep_detect_options {
    int64_t since_ns, until_ns; // SEEP_NO_TIME = open
    // Known-good runs; what any of them shows is expected. One without series could not be read,
    // and its findings say so. They are not clipped to the times above.
    const struct seep_dataset *const *baselines;
    size_t n_baselines;
};

// Judges everything in the dataset. `judgement` is untouched on failure; the caller owns it:
// seep_judgement_clear.
bool seep_detect(const struct seep_dataset *data, const struct seep_detect_options *options,
                 const struct seep_control *control, struct seep_judgement *judgement,
                 struct seep_err *err);

void seep_judgement_clear(struct seep_judgement *judgement);

#endif
