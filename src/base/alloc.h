// SPDX-License-Identifier: MIT
// Memory: the only place that calls the C allocator.
//
// Every function may fail and returns NULL then; sizes are checked for overflow. In a build with
// `-Dalloc_failure=true` the environment variable SEEP_FAIL_ALLOC=N makes the N-th and every later
// allocation fail, so that each failure path can be walked.
#ifndef SEEP_BASE_ALLOC_H
#define SEEP_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

// Zeroed storage for `count` elements of `size` bytes. The caller owns it: seep_free.
void *seep_alloc(size_t count, size_t size);

// Resizes `*array` (its elements are `size` bytes each) so that at least `need` elements fit;
// `*capacity` is in elements. Growth is geometric. On failure nothing changes and the result is
// false.
bool seep_grow(void *array, size_t *capacity, size_t need, size_t size);

#ifdef __clang_analyzer__
// Growing goes through a pointer to any pointer, which the analyzer does not follow: it is told
// what every caller relies on.
#define seep_grow(array, capacity, need, size)                                                     \
    (seep_grow(array, capacity, need, size) && (*(array) != NULL || (__builtin_unreachable(), 0)))
#endif

// A NUL-terminated copy of `len` bytes. The caller owns it.
char *seep_strndup(const char *text, size_t len);

void seep_free(void *memory);

#endif
