// SPDX-License-Identifier: MIT
// A pool of names: each kept once, NUL-terminated, in one piece of memory, known by its offset.
//
// Offset 0 is "". A zeroed struct is an empty pool.
#ifndef SEEP_SYMBOLS_NAMES_H
#define SEEP_SYMBOLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_names {
    char *text;
    size_t len, capacity; // bytes of `text`
    uint32_t *slots;      // open addressing; 0 = free, otherwise an offset
    size_t n_slots;       // a power of two
    size_t count;
};

#define SEEP_NO_NAME UINT32_MAX

// The offset of a name, new or old: up to the first NUL, at most SEEP_MAX_NAME bytes of it.
// SEEP_NO_NAME only when memory is out or the pool is full (4 GiB).
uint32_t seep_names_add(struct seep_names *names, const char *text, size_t len);

// The offset of a name that is there, else SEEP_NO_NAME.
uint32_t seep_names_find(const struct seep_names *names, const char *text, size_t len);

void seep_names_clear(struct seep_names *names);

#endif
