// SPDX-License-Identifier: MIT
// The lines of a VMMap CSV file, taken apart into cells and words.
#ifndef SEEP_SOURCE_VMMAP_CSV_ROWS_H
#define SEEP_SOURCE_VMMAP_CSV_ROWS_H

#include "base/buf.h"
#include "base/bytes.h"
#include "model/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMMAP_MAX_CELLS = 24 };

struct vmmap_lines {
    struct seep_bytes file;
    size_t pos;
    struct seep_buf text; // of the cells, each with its NUL
};

struct vmmap_line {
    size_t offset; // in the file
    size_t n;      // cells; 0 = a blank line. More than VMMAP_MAX_CELLS are left out
    const char *cells[VMMAP_MAX_CELLS]; // valid until the next line; "" beyond `n`
    bool whole;                         // ends with a line end, and no quote stays open
};

// The next line, false at the end of the file or when memory is out (lines->text.failed).
bool vmmap_next(struct vmmap_lines *lines, struct vmmap_line *line);

// "1,094,896" in KiB to bytes; "" is 0. Whatever stands between digits groups them. False where it
// is no number or too large.
bool vmmap_kib(const char *text, uint64_t *bytes);

// "00110000", with blanks before it in sub-rows.
bool vmmap_address(const char *text, uint64_t *address, bool *is_sub);

// "Execute/Read/Write/Guard" to PAGE_* bits; 0 for "" and "Reserved". False for other words.
bool vmmap_protect(const char *text, uint32_t *protect);

// The rows of the summary.
enum vmmap_type {
    VMMAP_TOTAL = 0,
    VMMAP_IMAGE,
    VMMAP_MAPPED_FILE,
    VMMAP_SHAREABLE,
    VMMAP_HEAP,
    VMMAP_MANAGED_HEAP,
    VMMAP_STACK,
    VMMAP_PRIVATE_DATA,
    VMMAP_PAGE_TABLE,
    VMMAP_UNUSABLE,
    VMMAP_FREE,
    VMMAP_N_TYPES,
};

// "Heap (Private Data)", "Thread Stack", … ; VMMAP_N_TYPES for other words. `*backing` is the type
// of memory that it means.
enum vmmap_type vmmap_type(const char *text, enum seep_region_type *backing);

#endif
