// SPDX-License-Identifier: MIT
// Tables of pool tags as people write them: pooltag.txt, localtag.txt, and seep's own.
//
// A line is `<tag> - <binary> - <description>`. `rem` and `//` start a comment. A `?` of the tag
// stands for any one character. A tag has one to four characters; shorter ones mean blanks at the
// end. The binary may be missing, `<unknown>`, or name a part of a file (`nt!mm`).
// Source: learn.microsoft.com/windows-hardware/drivers/devtest/poolmon (the files, their place);
// the form of the lines is what the files that come with the tools have.
#ifndef SEEP_DRIVERS_POOLTAG_H
#define SEEP_DRIVERS_POOLTAG_H

#include "base/arena.h"
#include "base/bytes.h"
#include "model/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_pooltag {
    const char *binary;      // as written; NULL = none, or <unknown>
    const char *description; // NULL = none
    const char *note;        // what only seep's own table says: the part of Windows; NULL = none
    uint32_t next;           // the next entry with the same pattern, by its place; 0 = none
    uint16_t file;           // which of the files it is from, in the order of reading
    uint8_t wild;            // how many characters are `?`
    char pattern[SEEP_TAG_TEXT];
};

// A zeroed struct is an empty table.
struct seep_pooltags {
    struct seep_arena arena;
    struct seep_pooltag *entries; // entries[0] is nobody's
    size_t n_entries, capacity;
    uint32_t *slots; // open addressing; 0 = free, otherwise the place of the first of a pattern
    size_t n_slots;  // a power of two
    uint16_t masks;  // which sets of `?` there are: bit m is set where one has `?` at m's bits
};

// Adds one entry. `tag` is of `len` bytes, at most four. False only when memory is out.
bool seep_pooltags_add(struct seep_pooltags *tags, const char *tag, size_t len, unsigned file,
                       const struct seep_pooltag *row);

// Reads the text of a file (Latin-1, UTF-8 or UTF-16, lines that end in CR LF or LF). How many
// lines are no entries and no comments goes into `*n_bad`. False only when memory is out.
bool seep_pooltags_read(struct seep_pooltags *tags, struct seep_bytes text, unsigned file,
                        size_t *n_bad);

// The entry that fits the tag (text as seep_pool_tag_text makes it) with the fewest `?`, of the
// first file that has one; NULL where there is none. Others with the same pattern follow by `next`.
const struct seep_pooltag *seep_pooltags_find(const struct seep_pooltags *tags, const char *tag);

// The file that a binary names, from `*at` on, which moves behind it: several may be named with
// commas. "nt!mm" and "ntoskrnl.exe" are "nt", "win32k!InitHeap" is "win32k.sys". False at the end.
bool seep_pooltag_file(const char **at, char name[64]);

void seep_pooltags_clear(struct seep_pooltags *tags);

#endif
