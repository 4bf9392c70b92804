// SPDX-License-Identifier: MIT
// The symbols of one module, in the form that look-ups want: sorted by address, searched in
// O(log n), written to a cache as they lie in memory.
//
// A reader (PDB, ISF, a PE's export table) fills a builder in any order; finishing it sorts, drops
// what is there twice, and gives an immutable table. A cached table is the bytes of a file of
// strangers: it is checked when it is opened.
#ifndef SEEP_SYMBOLS_TABLE_H
#define SEEP_SYMBOLS_TABLE_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where a name comes from: where two symbols start at one address the higher kind wins.
enum seep_symbol_kind {
    SEEP_SYMBOL_EXPORT = 0,
    SEEP_SYMBOL_DATA,
    SEEP_SYMBOL_PUBLIC,
    SEEP_SYMBOL_PROCEDURE,
};

struct seep_symbol_builder;
struct seep_symbol_table;

struct seep_symbol_builder *seep_symbol_builder_new(void);
void seep_symbol_builder_free(struct seep_symbol_builder *builder);

// Each returns false only when memory is out (or the builder is over its cap: base/limits.h).
// `size_bytes` 0 = up to the next symbol. Names are copied; they are undecorated for look-up by the
// caller if at all, and stored as given.
bool seep_symbol_builder_add(struct seep_symbol_builder *builder, enum seep_symbol_kind kind,
                             uint32_t rva, uint32_t size_bytes, const char *name, size_t name_len);
// A line: the code from `rva` for `size_bytes` bytes comes from `file`, `line`.
bool seep_symbol_builder_line(struct seep_symbol_builder *builder, uint32_t rva,
                              uint32_t size_bytes, uint32_t file, uint32_t line);
// A source file; its number for the calls above and below.
bool seep_symbol_builder_file(struct seep_symbol_builder *builder, const char *path, size_t len,
                              uint32_t *file);
// An inlined call: the code from `rva` for `size_bytes` bytes is of `name`, inlined at `depth` (1 =
// directly into the procedure); `file` and `line` are its own place, 0 = unknown.
bool seep_symbol_builder_inline(struct seep_symbol_builder *builder, uint32_t rva,
                                uint32_t size_bytes, uint32_t depth, const char *name,
                                size_t name_len, uint32_t file, uint32_t line);

// Makes the table; the builder is empty afterwards. NULL with `err` when memory is out.
struct seep_symbol_table *seep_symbol_builder_finish(struct seep_symbol_builder *builder,
                                                     struct seep_err *err);
void seep_symbol_table_free(struct seep_symbol_table *table);

enum { SEEP_MAX_INLINED = 16 };

struct seep_symbol_frame {
    const char *function;
    const char *file; // NULL = unknown
    uint32_t line;    // 0 = unknown
};

struct seep_symbol {
    const char *function; // of the procedure or public that contains the address
    uint32_t offset;      // bytes into it
    const char *file;     // NULL = unknown
    uint32_t line;        // 0 = unknown
    enum seep_symbol_kind kind;
    uint32_t n_inlined; // calls inlined at this address, innermost first; the procedure's own file
    struct seep_symbol_frame inlined[SEEP_MAX_INLINED]; // and line above are then the call site's
};

// The symbol at an RVA; false where none covers it. Strings belong to the table.
bool seep_symbol_table_at(const struct seep_symbol_table *table, uint32_t rva,
                          struct seep_symbol *symbol);

// The RVA of a name, exactly as it is stored; false where there is none. With several, the lowest.
bool seep_symbol_table_find(const struct seep_symbol_table *table, const char *name, uint32_t *rva);

size_t seep_symbol_table_count(const struct seep_symbol_table *table);

// The table as bytes for a cache, and back: `bytes` must stay valid as long as the table does, and
// may be hostile.
bool seep_symbol_table_save(const struct seep_symbol_table *table, struct seep_buf *out);
struct seep_symbol_table *seep_symbol_table_open(struct seep_bytes bytes, struct seep_err *err);

#endif
