// SPDX-License-Identifier: MIT
// Image names and the patterns that a user gives for them.
#ifndef SEEP_SOURCE_LIVE_FILTER_H
#define SEEP_SOURCE_LIVE_FILTER_H

#include <stdbool.h>

// Whether `name` fits `pattern`: as a glob where the pattern holds `*` or `?`, otherwise as a part
// of it. ASCII letters match without regard to case.
bool seep_live_name_fits(const char *pattern, const char *name);

#endif
