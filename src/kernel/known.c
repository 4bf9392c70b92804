// SPDX-License-Identifier: MIT
// The kernels whose symbols are compiled in: known.inc, made by known.py.
#include "kernel/identify.h"

#include <string.h>

#define ERA(...)
#define KERNEL(number, build_number, last, high, low, ...)                                         \
    { .era = number,                                                                               \
      .build = build_number,                                                                       \
      .revision = last,                                                                            \
      .guid = { high, low },                                                                       \
      .rva = { __VA_ARGS__ } },
static const struct seep_known_kernel kernels[] = {
#include "kernel/known.inc"
};
#undef ERA
#undef KERNEL

#define ERA(build, ...) build,
#define KERNEL(...)
static const uint32_t era_builds[] = {
#include "kernel/known.inc"
};

enum { N_KERNELS = sizeof kernels / sizeof *kernels };

size_t seep_known_count(void)
{
    return N_KERNELS;
}

const struct seep_known_kernel *seep_known_at(size_t index)
{
    return &kernels[index];
}

// A GUID's first three fields lie in the file with their lowest byte first; as text all digits come
// from the highest.
static void halves(const uint8_t guid[SEEP_GUID_BYTES], uint64_t half[2])
{
    half[0] =
        (uint64_t)seep_le32(guid) << 32 | (uint64_t)seep_le16(guid + 4) << 16 | seep_le16(guid + 6);
    half[1] = 0;
    for (size_t i = 8; i < SEEP_GUID_BYTES; i++)
        half[1] = half[1] << 8 | guid[i];
}

const struct seep_known_kernel *seep_known_by_guid(const uint8_t guid[SEEP_GUID_BYTES])
{
    uint64_t half[2];
    size_t low = 0, high = N_KERNELS;
    halves(guid, half);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const uint64_t *at = kernels[middle].guid;
        if (at[0] == half[0] && at[1] == half[1])
            return &kernels[middle];
        if (at[0] < half[0] || (at[0] == half[0] && at[1] < half[1]))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void seep_known_guid(const struct seep_known_kernel *known, uint8_t guid[SEEP_GUID_BYTES])
{
    static const uint8_t order[8] = { 3, 2, 1, 0, 5, 4, 7, 6 };
    for (size_t i = 0; i < 8; i++) {
        guid[order[i]] = (uint8_t)(known->guid[0] >> (56 - 8 * i));
        guid[8 + i] = (uint8_t)(known->guid[1] >> (56 - 8 * i));
    }
}

bool seep_known_alike(const struct seep_known_kernel *a, const struct seep_known_kernel *b)
{
    return a->era == b->era && memcmp(a->rva, b->rva, sizeof a->rva) == 0;
}

uint32_t seep_known_era_build(const struct seep_known_kernel *known)
{
    return era_builds[known->era];
}

const struct seep_known_kernel *seep_known_of_build(uint32_t build)
{
    // Windows 10 1909 and 20H2 to 22H2 are 1903 and 2004 with features switched on.
    if (build == 18363)
        build = 18362;
    if (build > 19041 && build <= 19045)
        build = 19041;
    for (size_t i = 0; i < N_KERNELS; i++) {
        if (kernels[i].build == build)
            return &kernels[i];
    }
    return NULL;
}
