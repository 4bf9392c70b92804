// SPDX-License-Identifier: MIT
// The reader that the sources pdh-csv and pdh-tsv share.
#ifndef SEEP_SOURCE_PDH_TEXT_H
#define SEEP_SOURCE_PDH_TEXT_H

#include "source/pdh_lines.h"
#include "source/source.h"

// How likely a file is a log of this kind.
unsigned seep_pdh_bid(struct seep_bytes file, enum seep_pdh_kind kind);

// Reads a log of either kind; see struct seep_source.
enum seep_status seep_pdh_read(const struct seep_input *input, struct seep_sink *sink,
                               const struct seep_control *control, uint64_t *read_bytes,
                               struct seep_err *err);

#endif
