// SPDX-License-Identifier: MIT
// A fuzz target for images, as files and as they lie in memory.
#include "symbols/pe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seep_bytes view = seep_bytes(data, size);
    struct seep_pe_reader readers[2] = { seep_pe_file(view), seep_pe_mapped(view) };
    for (size_t i = 0; i < 2; i++) {
        struct seep_err err = { 0 };
        struct seep_pe pe;
        if (!seep_pe_read(&readers[i], &pe, &err)) {
            if (!err.what[0])
                abort();
            continue;
        }
        struct seep_symbol_builder *builder = seep_symbol_builder_new();
        if (!builder || !seep_pe_read_symbols(&readers[i], &pe, builder, NULL))
            abort();
        struct seep_symbol_table *table = seep_symbol_builder_finish(builder, &err);
        seep_symbol_table_free(table);
        seep_symbol_builder_free(builder);
    }
    return 0;
}
