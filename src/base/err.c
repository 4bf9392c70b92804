// SPDX-License-Identifier: MIT
// What went wrong, as one line.
#include "base/err.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool(seep_fail)(struct seep_err *err, uint64_t offset, const char *hint, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->what, sizeof err->what, format, args);
    va_end(args);
    (void)snprintf(err->hint, sizeof err->hint, "%s", hint ? hint : "");
    err->offset = offset;
    return false;
}

bool(seep_fail_memory)(struct seep_err *err)
{
    return seep_fail(err, SEEP_NO_OFFSET, "close other programs or give seep a smaller input",
                     "out of memory");
}

static void replace_controls(char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            *text = '?';
    }
}

void seep_err_line(const struct seep_err *err, const char *file, char *line, size_t size)
{
    char place[40] = "";
    if (err->offset != SEEP_NO_OFFSET)
        (void)snprintf(place, sizeof place, " (at 0x%" PRIx64 ")", err->offset);
    (void)snprintf(line, size, "seep: %s%s%s%s%s%s", file ? file : "", file ? ": " : "", err->what,
                   place, err->hint[0] ? ": " : "", err->hint);
    replace_controls(line);
}
