// SPDX-License-Identifier: MIT
// What a writer of reports is: a row of functions that are fed the parts of one document.
//
// The order of the calls is the order of the members below: begin, every source, machine, observed,
// every finding that is to be shown, left_out, every event, end. NULL = not interested; `finding`,
// `source` and `end` are not optional: they carry the claims and the losses behind them.
#ifndef SEEP_REPORT_WRITER_H
#define SEEP_REPORT_WRITER_H

#include "report/report.h"

enum { SEEP_N_VERDICTS = SEEP_VERDICT_LEAKING + 1 };

struct seep_writer {
    const struct seep_report *report;
    FILE *out;
    void *state; // `state_size` zeroed bytes
    bool dry;    // the first of two passes: write nothing
};

struct seep_writer_ops {
    const char *name; // as `seep_report_write` is asked for it
    size_t state_size;
    size_t default_top; // findings shown where the user names no number; 0 = all
    bool two_passes;    // fed twice, the first time with `dry` set and the same state

    void (*begin)(struct seep_writer *);
    void (*source)(struct seep_writer *, const struct seep_dataset_source *);
    // The machine with most series; NULL when none is known.
    void (*machine)(struct seep_writer *, const struct seep_machine *);
    void (*observed)(struct seep_writer *);
    // `rank` counts from 0, the gravest.
    void (*finding)(struct seep_writer *, const struct seep_finding *, size_t rank);
    // How many findings of each verdict the number of shown ones cut off.
    void (*left_out)(struct seep_writer *, const size_t counts[SEEP_N_VERDICTS]);
    void (*event)(struct seep_writer *, const struct seep_event *, struct seep_source_id);
    // Ends the document and frees what the state owns. Whether everything was written.
    bool (*end)(struct seep_writer *);
};

extern const struct seep_writer_ops seep_writer_text;
extern const struct seep_writer_ops seep_writer_json;

// The machine that an id names, NULL where the dataset has none of that id.
const struct seep_machine *seep_report_machine(const struct seep_report *report,
                                               struct seep_machine_id id);

// The head of a document in which `n_invalid` strings were not UTF-8.
void seep_report_head_checked(struct seep_json *json, const char *command,
                              const struct seep_dataset_source *sources, size_t n_sources,
                              uint64_t n_invalid);

#endif
