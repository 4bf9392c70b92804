// SPDX-License-Identifier: MIT
// Text for a terminal. Names come from files and are hostile: what would move the cursor, change
// colours, reverse the reading order or break a line is shown as an escape instead.
#ifndef SEEP_REPORT_PLAIN_H
#define SEEP_REPORT_PLAIN_H

#include "base/buf.h"

// Appends `text` with control characters (C0, DEL, C1), line and paragraph separators, marks that
// steer the reading order, invisible characters and bytes that are not UTF-8 as `\xHH` or `\uHHHH`.
// Of more than `max` characters (0 = no limit) the rest is replaced by "...". NULL appends nothing.
void seep_plain_add(struct seep_buf *out, const char *text, size_t max);

// Appends plain text broken between words where a line would pass column `width`; following lines
// start at column `indent`, and the first one is taken to be there already. A word that is longer
// than a line stays whole.
void seep_plain_wrap(struct seep_buf *out, const char *plain, size_t indent, size_t width);

#endif
