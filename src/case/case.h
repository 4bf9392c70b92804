// SPDX-License-Identifier: MIT
// The case: what is known about machines, kept in one SQLite file.
//
// A case that is written is always in a state that opens and holds every batch that was committed,
// whatever kills the program. Sources write through the sink of seep_case_begin_source; detectors
// and reports read the dataset.
#ifndef SEEP_CASE_CASE_H
#define SEEP_CASE_CASE_H

#include "base/bytes.h"
#include "base/err.h"
#include "model/control.h"
#include "model/dataset.h"
#include "model/sink.h"

#include <stdbool.h>

struct seep_case;

enum seep_case_mode {
    SEEP_CASE_TEMPORARY = 0, // no name; kept in memory and, where it grows large, in a temporary
                             // file; gone at the end
    SEEP_CASE_WRITE,         // opened, or created where there is none
    SEEP_CASE_READ,          // opened for reading only
};

// Opens a case; `path` is not used for SEEP_CASE_TEMPORARY. The caller owns it: seep_case_close.
bool seep_case_open(const char *path, enum seep_case_mode mode, struct seep_case **out,
                    struct seep_err *err);

// Opens a case whose bytes are in memory, for reading only. The bytes are copied.
bool seep_case_open_bytes(struct seep_bytes bytes, struct seep_case **out, struct seep_err *err);

// Whether bytes could be a case: the database's magic and application id.
bool seep_case_is_case(struct seep_bytes bytes);

void seep_case_close(struct seep_case *c);

// How a source is written. A recording commits every batch durably and keeps small batches together
// later; an import commits by itself when enough has come in.
enum seep_case_writing { SEEP_CASE_IMPORT = 0, SEEP_CASE_RECORDING };

// Starts a source; its facts go to the sink, which belongs to the case and is valid until
// seep_case_end_source.
bool seep_case_begin_source(struct seep_case *c, const char *path, const char *format,
                            uint64_t size_bytes, enum seep_case_writing writing,
                            struct seep_sink **sink, struct seep_err *err);

// Ends the batch: what the sink took so far is kept from here on.
bool seep_case_commit(struct seep_case *c, struct seep_err *err);

// Ends the source and commits. `status` says how its reading went.
bool seep_case_end_source(struct seep_case *c, enum seep_status status, uint64_t read_bytes,
                          struct seep_err *err);

// Loads the tables (not the points). Valid until the case is written to or closed.
bool seep_case_dataset(struct seep_case *c, struct seep_dataset *data, struct seep_err *err);

// Pushes every fact of the case into a sink, ticks in the order in which they were written.
// `*status` is SEEP_PARTIAL where some of it could not be read.
enum seep_status seep_case_copy(struct seep_case *c, struct seep_sink *sink,
                                const struct seep_control *control, struct seep_err *err);

// Pushes machines, processes, snapshots, stacks and sites (no samples or events) into a sink:
// what is needed to name who allocates. Sites come in the order of their rows. Of the dataset that
// was loaded last, which stays valid.
bool seep_case_push_sites(struct seep_case *c, struct seep_sink *sink, struct seep_err *err);

// A row of the table `finding`.
struct seep_case_finding {
    const char *id, *class_, *verdict, *subject, *name, *metric, *evidence_json;
    uint32_t pid;
    bool has_pid;
    double rate_per_s, share; // NaN = unknown
    int64_t since_ns;
};

// Replaces the findings of the case.
bool seep_case_set_findings(struct seep_case *c, const struct seep_case_finding *findings, size_t n,
                            struct seep_err *err);

#endif
