// SPDX-License-Identifier: MIT
// Memory: the only place that calls the C allocator.
#include "base/alloc.h"

#undef seep_grow // the analyzer's word for it

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef SEEP_ALLOC_FAILURE
static bool must_fail(void)
{
    static long left = -2;
    if (left == -2) {
        const char *text = getenv("SEEP_FAIL_ALLOC");
        left = text ? strtol(text, NULL, 10) : -1;
    }
    if (left < 0)
        return false;
    if (left > 0)
        left--;
    return left == 0;
}
#else
static bool must_fail(void)
{
    return false;
}
#endif

void *seep_alloc(size_t count, size_t size)
{
    if (must_fail())
        return NULL;
    return calloc(count ? count : 1, size ? size : 1);
}

bool seep_grow(void *array, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return true;
    size_t wanted = *capacity < 8 ? 8 : *capacity;
    while (wanted < need) {
        if (wanted > SIZE_MAX / 2)
            return false;
        wanted *= 2;
    }
    if (wanted > SIZE_MAX / size || must_fail())
        return false;
    void *old;
    memcpy(&old, array, sizeof old);
    void *grown = realloc(old, wanted * size);
    if (!grown)
        return false;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

char *seep_strndup(const char *text, size_t len)
{
    if (len == SIZE_MAX || must_fail())
        return NULL;
    char *copy = malloc(len + 1);
    if (!copy)
        return NULL;
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void seep_free(void *memory)
{
    free(memory);
}
