// SPDX-License-Identifier: MIT
// Tags and drivers of Windows itself: the table in inbox.def.
#include "drivers/inbox.h"

#include <string.h>

struct inbox {
    const char *tag, *file, *part, *text;
};

#define INBOX(tag, file, part, text) { tag, file, part, text },
#define DRIVER(file)
static const struct inbox rows[] = {
#include "drivers/inbox.def"
};
#undef INBOX
#undef DRIVER

#define INBOX(tag, file, part, text)
#define DRIVER(file) file,
static const char *const drivers[] = {
#include "drivers/inbox.def"
};
#undef INBOX
#undef DRIVER

bool seep_inbox_read(struct seep_pooltags *tags)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seep_pooltag row = { .binary = rows[i].file[0] ? rows[i].file : NULL,
                                    .description = rows[i].text,
                                    .note = rows[i].part };
        if (!seep_pooltags_add(tags, rows[i].tag, strlen(rows[i].tag), 0, &row))
            return false;
    }
    return true;
}

static bool same(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a | 32) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b | 32) : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

bool seep_inbox_knows(const char *name)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        if (same(drivers[i], name))
            return true;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].file[0] && same(rows[i].file, name))
            return true;
    }
    return false;
}
