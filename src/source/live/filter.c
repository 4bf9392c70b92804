// SPDX-License-Identifier: MIT
// Image names and the patterns that a user gives for them.
#include "source/live/filter.h"

#include <stddef.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

// One `*` back-track point is enough: a later `*` can take over whatever an earlier one matched.
static bool glob(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
        } else if (*pattern == '?' || lower(*pattern) == lower(*name)) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool seep_live_name_fits(const char *pattern, const char *name)
{
    if (strpbrk(pattern, "*?"))
        return glob(pattern, name);
    for (;; name++) {
        size_t i = 0;
        while (pattern[i] && lower(pattern[i]) == lower(name[i]))
            i++;
        if (!pattern[i])
            return true;
        if (!*name)
            return false;
    }
}
