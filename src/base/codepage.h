// SPDX-License-Identifier: MIT
// The single-byte code pages of Windows, ANSI (125x, 874) and console (437, 850, 852, 866).
//
// Bytes below 0x80 are ASCII in all of them. The double-byte code pages (932, 936, 949, 950) are
// not here: their tables are large, and the logs that need them carry English counter names.
#ifndef SEEP_BASE_CODEPAGE_H
#define SEEP_BASE_CODEPAGE_H

#include <stddef.h>
#include <stdint.h>

struct seep_codepage {
    uint16_t number;    // as Windows numbers it, e.g. 1251
    uint16_t high[128]; // Unicode value of the bytes 0x80..0xff; 0 = not assigned
};

// All of them; the ANSI code pages first, the commonest before the others.
extern const struct seep_codepage seep_codepages[];
extern const size_t seep_codepages_count;

// The code page with that number, or NULL.
const struct seep_codepage *seep_codepage_find(unsigned number);

// The Unicode value of one byte; 0 for byte 0 and for a byte that is not assigned.
uint32_t seep_codepage_decode(const struct seep_codepage *page, uint8_t byte);

#endif
