// SPDX-License-Identifier: MIT
// No leak: grows for two seconds at --rate bytes a second, then gives all of it back.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "sawtooth", 8e6);
    const double period_s = 2;
    while (specimen_goes_on(&s)) {
        double active = specimen_active_s(&s);
        double phase = active - period_s * (double)(uint64_t)(active / period_s);
        specimen_hold(&s, (size_t)(phase * s.rate / SPECIMEN_CHUNK_BYTES));
    }
    return specimen_end(&s);
}
