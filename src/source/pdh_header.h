// SPDX-License-Identifier: MIT
// The header of a PDH text log: its time zone and its columns.
#ifndef SEEP_SOURCE_PDH_HEADER_H
#define SEEP_SOURCE_PDH_HEADER_H

#include "source/pdh_lines.h"
#include "source/perfmon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_pdh_header {
    char delimiter;
    bool has_bias;
    int bias_minutes;                    // UTC = local time + bias
    struct seep_perfmon_column *columns; // 0 = not a counter, or one that came before
    size_t n_columns, capacity;
    unsigned codepage;    // that the names were decoded with; 0 = UTF-8
    uint64_t n_escaped;   // names with bytes that could not be decoded
    uint64_t n_duplicate; // columns whose counter an earlier column has
    uint64_t n_unknown;   // columns that are not empty and not a counter path
    bool is_cut;          // the last name does not end: it is left out
    uint32_t *used;       // by counter: the header that has it
    size_t n_used;
    uint32_t n_headers;
};

// Reads a header line and announces its counters. `header` may hold an earlier header of the same
// log; a zeroed struct is none. False when memory is out or the sink refused.
bool seep_pdh_read_header(struct seep_pdh_header *header, const struct seep_pdh_line *line,
                          enum seep_pdh_kind kind, struct seep_perfmon *pm);

void seep_pdh_header_clear(struct seep_pdh_header *header);

// The cell at `at`: `*cell` is what stands in it, quotes not included. Returns the place behind the
// cell (the delimiter or `end`). A quote ends a cell only before a delimiter or the line's end,
// because PDH does not double the quotes in names. `*closed` is false where the quote never ends.
const char *seep_pdh_cell(const char *at, const char *end, char delimiter, struct seep_bytes *cell,
                          bool *closed);

#endif
