// SPDX-License-Identifier: MIT
// Filling a set of layouts: a reader (PDB, ISF, the built-in tables) tells structures and their
// members in any order; finishing it connects them.
//
//     seep_types_builder_struct(b, "_HEAP", 5, 0x2c0, 0);
//     seep_types_builder_member(b, &(struct seep_types_field){ .name = "Encoding", .name_len = 8,
//         .offset = 0x88, .count = 1, .type = "_HEAP_ENTRY", .type_len = 11 });
//     seep_types_builder_enum(b, "_POOL_TYPE", 10);
//     seep_types_builder_enumerator(b, "NonPagedPool", 12, 0);
//
// Each call returns false only when memory is out; then so does finishing. Of two structures with
// one name the first one counts.
#ifndef SEEP_SYMBOLS_TYPES_BUILD_H
#define SEEP_SYMBOLS_TYPES_BUILD_H

#include "base/err.h"
#include "symbols/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_types_builder;

// A member of a structure or union.
struct seep_types_field {
    const char *name;    // copied
    size_t name_len;     // 0 = unnamed (an unnamed union, a base class): looked into without a name
    uint32_t offset;     // bytes from the start of its structure
    uint32_t size_bytes; // of the whole member; 0 = that of its structure, times `count`
    uint8_t bit_offset, bit_length; // of a bit field; length 0 = none
    uint32_t count;   // elements of an array; 1 = no array; 0 = as many as `size_bytes` holds
    bool pointer;     // points to `type`: a path does not lead through it
    const char *type; // structure it is, or whose array, or to which it points; NULL = a number
    size_t type_len;
    uint32_t type_id; // the same by the id of the structure; 0 = by the name `type`
};

struct seep_types_builder *seep_types_builder_new(void);
void seep_types_builder_free(struct seep_types_builder *builder);

// Starts a structure or union; the members that follow belong to it. `id` is the reader's own
// number for it, by which fields may refer to it, before or after: names need not be unique
// ("<unnamed-tag>"); 0 = none. A structure of which nothing but the name is known is left out.
bool seep_types_builder_struct(struct seep_types_builder *builder, const char *name,
                               size_t name_len, uint64_t size_bytes, uint32_t id);
bool seep_types_builder_member(struct seep_types_builder *builder,
                               const struct seep_types_field *field);

// Starts an enumeration; the enumerators that follow belong to it.
bool seep_types_builder_enum(struct seep_types_builder *builder, const char *name, size_t name_len);
bool seep_types_builder_enumerator(struct seep_types_builder *builder, const char *name,
                                   size_t name_len, int64_t value);

// Makes the set; the builder is empty afterwards and only to be freed. NULL with `err` when memory
// is out. The caller owns the set: seep_types_free.
struct seep_types *seep_types_builder_finish(struct seep_types_builder *builder,
                                             struct seep_err *err);

#endif
