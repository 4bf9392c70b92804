// SPDX-License-Identifier: MIT
// Interning: equal keys get equal small numbers; 0 = none. Keys are byte strings and may hold NULs.
//
// A zeroed struct is an empty table. Ids count up from 1 in the order of first sight, so they can
// index an array.
#ifndef SEEP_BASE_INTERN_H
#define SEEP_BASE_INTERN_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

struct seep_intern_entry {
    const char *text; // NUL-terminated copy owned by the table
    size_t len;
    uint64_t hash;
};

struct seep_intern {
    struct seep_arena arena;
    struct seep_intern_entry *entries; // entries[id - 1]
    size_t count, capacity;
    uint32_t *slots; // open addressing; 0 = free, otherwise an id
    size_t n_slots;  // a power of two
};

// The id of the key, new or old; 0 only when memory is out.
uint32_t seep_intern(struct seep_intern *table, const void *key, size_t len);

// The id of the key if it is there, else 0.
uint32_t seep_intern_find(const struct seep_intern *table, const void *key, size_t len);

// The text of an id, "" for 0 and for ids never handed out.
const char *seep_intern_text(const struct seep_intern *table, uint32_t id);

void seep_intern_clear(struct seep_intern *table);

// A fast, well-mixed 64-bit hash of `len` bytes. It is not keyed: tables that use it bound their
// probe length by the number of keys present, which is bounded by the bytes of the input.
uint64_t seep_hash(const void *key, size_t len);

#endif
