// SPDX-License-Identifier: MIT
// No leak: grows for four seconds at --rate bytes a second, then stays, with a little noise.
#include "specimen.h"

int main(int argc, char **argv)
{
    static struct specimen s;
    specimen_start(&s, argc, argv, "warmup", 8e6);
    const double warm_s = 4;
    const size_t noise = 8;
    while (specimen_goes_on(&s)) {
        double active = specimen_active_s(&s);
        size_t n = (size_t)((active < warm_s ? active : warm_s) * s.rate / SPECIMEN_CHUNK_BYTES);
        if (active > warm_s)
            n += specimen_random(&s, (uint32_t)noise);
        specimen_hold(&s, n);
    }
    return specimen_end(&s);
}
