// SPDX-License-Identifier: MIT
// The lines of a PDH text log, whatever its encoding: bytes of an unknown code page, or UTF-16.
#ifndef SEEP_SOURCE_PDH_LINES_H
#define SEEP_SOURCE_PDH_LINES_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "source/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_pdh_kind { SEEP_PDH_NONE = 0, SEEP_PDH_CSV, SEEP_PDH_TSV };

enum seep_pdh_encoding { SEEP_PDH_BYTES = 0, SEEP_PDH_UTF16LE, SEEP_PDH_UTF16BE };

// Where a log starts in a file.
struct seep_pdh_start {
    enum seep_pdh_kind kind;
    enum seep_pdh_encoding encoding;
    size_t offset;   // of the first cell, its quote included
    bool first_text; // nothing but a byte order mark and white space stands before it
};

// Finds the header `(PDH-CSV 4.0)` or `(PDH-TSV 4.0)` in the first 4,096 bytes. False (and `*start`
// untouched) where there is none.
bool seep_pdh_find_start(struct seep_bytes file, struct seep_pdh_start *start);

// Whether a line begins a log: it has the header, with or without a quote before it.
enum seep_pdh_kind seep_pdh_header_kind(const char *text, size_t length);

struct seep_pdh_lines {
    struct seep_bytes file;
    size_t pos;
    enum seep_pdh_encoding encoding;
    struct seep_buf text, swapped; // of a UTF-16 line
};

struct seep_pdh_line {
    const char *text; // without its line end; valid until the next call; not NUL-terminated
    size_t length;
    size_t offset;     // in the file
    size_t zero_bytes; // NULs that were skipped before it
    bool ended;        // has a line end: false only at the end of the file
};

// Goes through a text of any kind from its start: the byte order mark tells the encoding, or zeros
// where UTF-16 has them.
struct seep_pdh_lines seep_pdh_text_lines(struct seep_bytes file);

// The next line, false at the end of the file or when memory is out (lines->text.failed). NULs
// before a line (what a power cut leaves) are skipped and counted; a line may then be empty.
bool seep_pdh_next_line(struct seep_pdh_lines *lines, struct seep_pdh_line *line);

// Puts one line after another into `*line` and calls `take`, which returns false to stop. Tells the
// system what was read, and the user how far; asks now and then whether to go on. SEEP_FAILED where
// `take` stopped or memory is out.
enum seep_status seep_pdh_each_line(struct seep_pdh_lines *lines, struct seep_pdh_line *line,
                                    const struct seep_input *input,
                                    const struct seep_control *control, bool (*take)(void *ctx),
                                    void *ctx);

void seep_pdh_lines_clear(struct seep_pdh_lines *lines);

#endif
