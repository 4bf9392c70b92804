// SPDX-License-Identifier: MIT
// The lines of UMDH's logs and comparisons, one at a time. The facts: note.md.
//
// Text is not NUL-terminated. Every function is given one line without its end and may be given
// anything; outputs are untouched where the line is of another kind.
#ifndef SEEP_SOURCE_UMDH_ROWS_H
#define SEEP_SOURCE_UMDH_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UMDH_ID_TEXT = 17 };

struct umdh_id {
    uint64_t value;
    char text[UMDH_ID_TEXT]; // its digits as the log has them, leading zeros included
};

// `18 bytes + 18 at 3D07E0 by BackTrace0`: one block of a heap.
struct umdh_block {
    uint64_t bytes, overhead_bytes, address;
    struct umdh_id trace;
};
// `base` (16 or 10) is that of sizes; addresses are always hexadecimal.
bool umdh_block(const char *text, size_t len, unsigned base, struct umdh_block *block);

// `00005320 bytes in 0x14 allocations (@ 0x00000428) by: BackTrace00B53`: blocks of one size.
struct umdh_blocks {
    uint64_t bytes, count, overhead_bytes; // of all of them; overhead 0 where the line has none
    struct umdh_id trace;
};
bool umdh_blocks(const char *text, size_t len, struct umdh_blocks *blocks);

// `+  6f8178 ( 7e5f88 - ede10)    70a allocs BackTrace7E5CE0`, or with `of_counts` the row below
// it, `+     636 (   70a -    d4)  BackTrace7E5CE0  allocations`.
struct umdh_change {
    bool of_counts, is_less; // `is_less`: its sign is '-'
    uint64_t delta, now, old;
    uint64_t count; // blocks in the newer log; of the first row only
    struct umdh_id trace;
};
bool umdh_change(const char *text, size_t len, unsigned base, struct umdh_change *change);

// Whether the numbers of a row hang together as the tool makes them.
bool umdh_change_adds_up(const struct umdh_change *change);

// `Total increase == bb0f00 requested +  92580 overhead = c43480`; older ones end after the first
// number.
struct umdh_total {
    bool is_less, has_overhead;
    uint64_t bytes, overhead_bytes, sum_bytes;
};
bool umdh_total(const char *text, size_t len, unsigned base, struct umdh_total *total);

// `// UMDH: version 6.1.7015.0: Logtime 2010-07-23 12:26 - Machine=SRV01 - PID=6424`.
struct umdh_head {
    int64_t t_ns; // local time, taken as UTC; SEEP_NO_TIME = not readable
    uint32_t pid;
    bool has_pid;
    const char *machine; // into the line; NULL = none
    size_t machine_len;
};
bool umdh_head(const char *text, size_t len, struct umdh_head *head);

// `//            77610000   180000 C:\Windows\SysWOW64\ntdll.dll`
struct umdh_module {
    uint64_t base, size_bytes;
    const char *path; // into the line
    size_t path_len;
};
bool umdh_module(const char *text, size_t len, struct umdh_module *module);

// The heap that a line of asterisk and dashes names: `*- - - Start of data for heap @ 3D0000 - -`.
bool umdh_heap(const char *text, size_t len, uint64_t *heap);

// One frame of a stack: an address, or a text (then `*address` is 0).
bool umdh_frame(const char *text, size_t len, uint64_t *address, const char **name,
                size_t *name_len);

// Whether a line has `word` in it, whatever the letters; `word` is in small letters.
bool umdh_has(const char *text, size_t len, const char *word);

// Whether a number of the line that ends before the word "BackTrace" or "requested" has a digit
// above 9, so that it can only be hexadecimal.
bool umdh_has_letters(const char *text, size_t len);

#endif
