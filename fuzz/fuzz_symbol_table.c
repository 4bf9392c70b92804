// SPDX-License-Identifier: MIT
// A fuzz target for saved tables of symbols. Their hash is made right first: else every change
// would end at it, and the checks behind it would never run.
#include "base/intern.h"
#include "symbols/table_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    if (size > SEEP_TABLE_HASHED) {
        uint64_t hash = seep_hash(copy + SEEP_TABLE_HASHED, size - SEEP_TABLE_HASHED);
        for (int i = 0; i < 8; i++)
            copy[8 + i] = (uint8_t)(hash >> (8 * i));
    }
    struct seep_err err = { 0 };
    struct seep_symbol_table *table = seep_symbol_table_open(seep_bytes(copy, size), &err);
    if (!table && !err.what[0])
        abort();
    for (uint32_t rva = 0; table && rva < 0x4000; rva += 3) {
        struct seep_symbol symbol;
        uint32_t found;
        if (seep_symbol_table_at(table, rva, &symbol))
            (void)seep_symbol_table_find(table, symbol.function, &found);
    }
    seep_symbol_table_free(table);
    free(copy);
    return 0;
}
