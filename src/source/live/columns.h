// SPDX-License-Identifier: MIT
// What the files of the live source share: the numbers of a sample by their metrics, the machine.
#ifndef SEEP_SOURCE_LIVE_COLUMNS_H
#define SEEP_SOURCE_LIVE_COLUMNS_H

#include "model/sink.h"
#include "os/sample.h"

#include <stddef.h>

// A number of a sample struct and the words for it: where it lies, its system field, its metric.
struct live_column {
    size_t value_at, field_at;
    enum seep_metric metric;
    bool from_first_nonzero;
};

// Those of struct seep_os_process and struct seep_os_process_fields.
enum { LIVE_PROCESS_VALUES = 10 };
extern const struct live_column live_process_columns[LIVE_PROCESS_VALUES];

uint64_t live_number_at(const void *record, size_t at);
const char *live_text_at(const void *record, size_t at);

// Pushes the machine; `totals` are those of a sample of it. `*os` (may be NULL) is what the system
// said. False with `err` where the system does not tell, or the sink refused (its error).
bool live_push_machine(struct seep_sink *sink, const struct seep_os_totals *totals,
                       struct seep_machine_id *id, struct seep_os_machine *os,
                       struct seep_err *err);

#endif
