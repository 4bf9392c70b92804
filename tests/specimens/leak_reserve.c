// SPDX-License-Identifier: MIT
// Leaks address space only: reserved, never committed; --rate in bytes a second.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "leak_reserve", 16e6);
    uint64_t reserved = 0;
    while (specimen_goes_on(&s)) {
        uint64_t due = specimen_due(&s, SPECIMEN_MAX_RESERVED);
        while (reserved + SPECIMEN_CHUNK_BYTES <= due && specimen_reserve(SPECIMEN_CHUNK_BYTES))
            reserved += SPECIMEN_CHUNK_BYTES;
    }
    return specimen_end(&s);
}
