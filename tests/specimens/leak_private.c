// SPDX-License-Identifier: MIT
// Leaks private memory that it has touched; --rate in bytes a second.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "leak_private", 1e6);
    const uint64_t cap = (uint64_t)SPECIMEN_MAX_CHUNKS * SPECIMEN_CHUNK_BYTES;
    while (specimen_goes_on(&s))
        specimen_hold(&s, (size_t)(specimen_due(&s, cap) / SPECIMEN_CHUNK_BYTES));
    return specimen_end(&s);
}
