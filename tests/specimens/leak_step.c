// SPDX-License-Identifier: MIT
// Leaks in steps: --rate bytes at once, every second.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "leak_step", 4e6);
    while (specimen_goes_on(&s))
        specimen_hold(
            &s, (size_t)((double)(uint64_t)specimen_active_s(&s) * s.rate / SPECIMEN_CHUNK_BYTES));
    return specimen_end(&s);
}
