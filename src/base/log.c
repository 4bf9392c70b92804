// SPDX-License-Identifier: MIT
// What the program says about itself on stderr.
#include "base/log.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static enum seep_log_level current = SEEP_LOG_WARN;

void seep_log_set_level(enum seep_log_level level)
{
    current = level;
}

void seep_log(enum seep_log_level level, const char *format, ...)
{
    if (level > current)
        return;
    char line[SEEP_MAX_MESSAGE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    seep_err_plain(line);
    (void)fprintf(stderr, "seep: %s\n", line);
}
