// SPDX-License-Identifier: MIT
// What the program says about itself on stderr: nothing (-q), warnings, or details (-v). Never
// data.
#ifndef SEEP_BASE_LOG_H
#define SEEP_BASE_LOG_H

#include "base/err.h"

enum seep_log_level { SEEP_LOG_QUIET = 0, SEEP_LOG_WARN, SEEP_LOG_DETAIL };

// What is said from here on: messages of this level and graver. The start is SEEP_LOG_WARN.
void seep_log_set_level(enum seep_log_level level);

// One line `seep: message` on stderr, if the level is on.
void seep_log(enum seep_log_level level, const char *format, ...) SEEP_PRINTF(2, 3);

#endif
