// SPDX-License-Identifier: MIT
// Numbers into text, fast: what seep_number_format says, without printf where that is possible.
#ifndef SEEP_REPORT_NUMBER_H
#define SEEP_REPORT_NUMBER_H

#include "base/json.h"

// Writes a finite `value` to `out` (SEEP_NUMBER_TEXT bytes, no NUL). Returns the length.
size_t seep_number_put(double value, char *out);

#endif
