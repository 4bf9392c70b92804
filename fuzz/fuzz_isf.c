// SPDX-License-Identifier: MIT
// A fuzz target for ISF files, packed or not.
#include "symbols/isf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seep_buf text = { .max = 16 << 20 }, name = { 0 };
    struct seep_bytes json;
    struct seep_pdb_identity identity;
    struct seep_symbol_table *table = NULL;
    struct seep_types *types = NULL;
    struct seep_err err = { 0 };
    if (!seep_isf_unpack(seep_bytes(data, size), &text, &json, &err)) {
        if (!err.what[0])
            abort(); // what fails must say why
    } else {
        (void)seep_isf_identity(json, &name, &identity, &err);
        err = (struct seep_err){ 0 };
        if (!seep_isf_read(json, &table, &types, &err) && !err.what[0])
            abort();
        seep_symbol_table_free(table);
        seep_types_free(types);
    }
    seep_buf_clear(&text);
    seep_buf_clear(&name);
    return 0;
}
