// SPDX-License-Identifier: MIT
// No leak: 16 MB, of which up to 2 MB come and go; --rate is how often a second.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "steady", 10);
    const size_t base = 256;
    const uint32_t noise = 32;
    uint64_t changes = 0;
    specimen_hold(&s, base);
    while (specimen_goes_on(&s)) {
        uint64_t due = specimen_due(&s, UINT32_MAX);
        if (due > changes)
            specimen_hold(&s, base + specimen_random(&s, noise));
        changes = due;
    }
    return specimen_end(&s);
}
