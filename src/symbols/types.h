// SPDX-License-Identifier: MIT
// Layouts of structures by name, whatever they were read from: a PDB's TPI stream, an ISF file, a
// table that is compiled in.
//
// The set is immutable once built; strings belong to it.
#ifndef SEEP_SYMBOLS_TYPES_H
#define SEEP_SYMBOLS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_types;

// Where a member lies in its structure.
struct seep_member {
    uint32_t offset;     // bytes from the start of the structure that was asked for
    uint32_t size_bytes; // of the whole member; of an array, of all its elements; 0 = unknown
    uint8_t bit_offset;  // of a bit field, from the least significant bit of `size_bytes` at
    uint8_t bit_length;  // `offset`; length 0 = not a bit field
    uint32_t count;      // elements of an array; 1 = no array
    const char *type; // name of the structure that it is (or whose array, or to which it points);
                      // NULL for a plain number
};

// The size of a structure or union in bytes; false where there is none of that name.
bool seep_types_size(const struct seep_types *types, const char *structure, uint64_t *size_bytes);

// A member by its path, "Encoding" or "Encoding.Size": through nested structures, unnamed unions
// and structures are looked into without being named. False and `*member` untouched where it is not
// there.
bool seep_types_member(const struct seep_types *types, const char *structure, const char *path,
                       struct seep_member *member);

// The value of an enumerator ("_POOL_TYPE", "NonPagedPool"); false where it is not there.
bool seep_types_enumerator(const struct seep_types *types, const char *enumeration,
                           const char *name, int64_t *value);

void seep_types_free(struct seep_types *types);

#endif
