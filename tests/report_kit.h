// SPDX-License-Identifier: MIT
// Datasets and judgements made by hand, for the tests of reports and for the samples that are
// checked against the schema.
#ifndef SEEP_TESTS_REPORT_KIT_H
#define SEEP_TESTS_REPORT_KIT_H

#include "report/report.h"

struct report_case {
    const char *name;
    struct seep_dataset data;
    struct seep_judgement judgement;
};

// The case of a name: "full" (all verdicts, losses, events), "steady", "short" (nothing could be
// judged), "empty" (no facts at all), "bare" (facts with everything unknown), "hostile" (names that
// attack terminals and JSON), "fleet" (two machines). NULL if there is none.
const struct report_case *report_case_find(const char *name);
extern const char *const report_case_names[]; // ends with NULL

// Feeds facts of every kind, with known and unknown parts, to a sink.
bool report_case_facts(struct seep_sink *sink);

#endif
