// SPDX-License-Identifier: MIT
// How a set of layouts lies in memory: between its builder and its look-ups.
#ifndef SEEP_SYMBOLS_TYPES_INTERNAL_H
#define SEEP_SYMBOLS_TYPES_INTERNAL_H

#include "symbols/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEP_NO_TYPE UINT32_MAX

struct seep_types_struct {
    uint64_t size_bytes;
    uint32_t name, id;
    uint32_t first, count; // of `members`
};

struct seep_types_member {
    uint32_t name, type_name;
    uint32_t type; // until finished the id of a structure, then its index or SEEP_NO_TYPE
    uint32_t offset, size_bytes, count;
    uint8_t bit_offset, bit_length;
    bool pointer;
};

struct seep_types_enum {
    uint32_t name, first, count; // of `enumerators`
};

struct seep_types_enumerator {
    int64_t value;
    uint32_t name;
};

// A map from names (or ids) to indices: open addressing, at most half full, index + 1 or 0.
struct seep_types_map {
    uint32_t *slots;
    size_t n_slots; // a power of two; 0 = an empty map
};

static inline size_t seep_types_slot(uint32_t key, size_t n_slots)
{
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (n_slots - 1);
}

struct seep_types {
    struct seep_names names;
    struct seep_types_struct *structs;
    struct seep_types_member *members;
    struct seep_types_enum *enums;
    struct seep_types_enumerator *enumerators;
    size_t n_structs, n_members, n_enums, n_enumerators;
    struct seep_types_map by_name, enum_by_name;
};

#endif
