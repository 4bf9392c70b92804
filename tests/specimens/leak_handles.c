// SPDX-License-Identifier: MIT
// Leaks handles (file descriptors, events); --rate in handles a second.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "leak_handles", 20);
    uint64_t leaked = 0;
    while (specimen_goes_on(&s)) {
        uint64_t due = specimen_due(&s, SPECIMEN_MAX_HANDLES);
        while (leaked < due && specimen_leak_handle())
            leaked++;
    }
    return specimen_end(&s);
}
