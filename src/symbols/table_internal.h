// SPDX-License-Identifier: MIT
// How a table of symbols lies in memory and in a cache: a head, then arrays of little-endian
// numbers of 32 bits one after the other, then the names.
//
// The ranges of all symbols are cut into segments that do not overlap: from `segment_start[i]` to
// the next one, the code is of symbol `segment_symbol[i]` (or none). Lines alike. Inlined calls are
// ordered by depth, then address, and do not overlap within a depth.
#ifndef SEEP_SYMBOLS_TABLE_INTERNAL_H
#define SEEP_SYMBOLS_TABLE_INTERNAL_H

#include "base/bytes.h"
#include "symbols/table.h"

#include <stdint.h>

#define SEEP_TABLE_NONE UINT32_MAX
#define SEEP_TABLE_MAGIC "SEEPSYM\2"

// The arrays in their order, and which count of the head says how many elements each has.
enum seep_table_array {
    SEGMENT_START,
    SEGMENT_SYMBOL,
    SYMBOL_RVA,
    SYMBOL_OFFSET, // of its first byte in the function: 0 but for parts that lie apart
    SYMBOL_NAME,
    SYMBOL_KIND,
    FIND_HASH, // of the names, sorted
    FIND_SYMBOL,
    FILE_NAME,
    LINE_START,
    LINE_FILE,
    LINE_NUMBER,
    DEPTH_START, // SEEP_MAX_INLINED + 1 indices into the inlined calls
    INLINE_START,
    INLINE_SIZE,
    INLINE_NAME,
    INLINE_FILE,
    INLINE_LINE,
    TO_SOURCE_RVA,
    TO_SOURCE_OTHER,
    FROM_SOURCE_RVA,
    FROM_SOURCE_OTHER,
    N_ARRAYS
};

enum seep_table_count {
    N_SEGMENTS,
    N_SYMBOLS,
    N_FILES,
    N_LINES,
    N_DEPTHS,
    N_INLINED,
    N_TO_SOURCE,
    N_FROM_SOURCE,
    N_COUNTS
};

extern const uint8_t seep_table_count_of[N_ARRAYS];

// The head: magic (8 bytes), hash of all that follows the hash (8), the counts, the length of the
// names in bytes.
enum {
    SEEP_TABLE_HASHED = 16,
    SEEP_TABLE_COUNTS = 16,
    SEEP_TABLE_HEAD = SEEP_TABLE_COUNTS + 4 * N_COUNTS + 4,
};

struct seep_symbol_table {
    struct seep_bytes bytes; // all of it
    uint8_t *owned;          // what `bytes` shows if the table was built here, else NULL
    const uint8_t *arrays[N_ARRAYS];
    uint32_t counts[N_COUNTS];
    const char *names;
    uint32_t names_len;
};

static inline uint32_t seep_table_get(const struct seep_symbol_table *table,
                                      enum seep_table_array array, size_t i)
{
    return seep_le32(table->arrays[array] + 4 * i);
}

// The hash by which names are found.
uint32_t seep_table_hash(const char *name, size_t len);

// Takes apart the bytes of a table; with `check` every number in them is checked, too.
struct seep_symbol_table *seep_table_view(struct seep_bytes bytes, bool check,
                                          struct seep_err *err);

#endif
