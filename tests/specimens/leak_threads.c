// SPDX-License-Identifier: MIT
// Leaks threads that wait for ever; --rate in threads a second.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "leak_threads", 4);
    uint64_t leaked = 0;
    while (specimen_goes_on(&s)) {
        uint64_t due = specimen_due(&s, SPECIMEN_MAX_THREADS);
        while (leaked < due && specimen_leak_thread())
            leaked++;
    }
    return specimen_end(&s);
}
