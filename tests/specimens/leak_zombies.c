// SPDX-License-Identifier: MIT
// Keeps ended children: unreaped, or by a handle; --rate in children a second.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "leak_zombies", 4);
    uint64_t leaked = 0;
    while (specimen_goes_on(&s)) {
        uint64_t due = specimen_due(&s, SPECIMEN_MAX_ZOMBIES);
        while (leaked < due && specimen_leak_zombie())
            leaked++;
    }
    return specimen_end(&s);
}
