// SPDX-License-Identifier: MIT
// What went wrong, as one line.
#include "base/err.h"

#include "base/utf.h"

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

// The length of the UTF-8 sequence at `text`, 0 where there is none.
static size_t sequence(const char *text)
{
    for (size_t n = 1; n <= 4 && (n == 1 || text[n - 1]); n++) {
        if (seep_utf8_valid(seep_bytes(text, n)))
            return n;
    }
    return 0;
}

void seep_err_plain(char *text)
{
    while (*text) {
        size_t len = sequence(text);
        unsigned char first = (unsigned char)text[0], second = (unsigned char)text[len > 1];
        bool control = len == 1 ? first < 0x20 || first == 0x7f
                                : len == 2 && first == 0xc2 && second < 0xa0; // C1
        len = len ? len : 1;
        if (control || (len == 1 && first >= 0x80))
            memset(text, '?', len);
        text += len;
    }
}

void seep_err_line(const struct seep_err *err, const char *file, char *line, size_t size)
{
    char place[40] = "";
    if (err->offset != SEEP_NO_OFFSET)
        (void)snprintf(place, sizeof place, " (at 0x%" PRIx64 ")", err->offset);
    (void)snprintf(line, size, "seep: %s%s%s%s%s%s", file ? file : "", file ? ": " : "", err->what,
                   place, err->hint[0] ? ": " : "", err->hint);
    seep_err_plain(line);
}
