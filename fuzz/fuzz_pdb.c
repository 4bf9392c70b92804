// SPDX-License-Identifier: MIT
// A fuzz target for PDBs: opened, symbols and types read, every address that begins something
// asked.
#include "symbols/pdb.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seep_err err = { 0 };
    struct seep_pdb *pdb = seep_pdb_open(seep_bytes(data, size), &err);
    if (!pdb) {
        if (!err.what[0])
            abort(); // what is refused must be told why
        return 0;
    }
    struct seep_symbol_builder *symbols = seep_symbol_builder_new();
    struct seep_types_builder *types = seep_types_builder_new();
    if (!symbols || !types)
        abort();
    enum seep_status status = seep_pdb_read_symbols(pdb, SEEP_PDB_ALL, symbols, &err);
    if (status != SEEP_OK && !err.what[0])
        abort();
    (void)seep_pdb_read_types(pdb, types, &err);
    struct seep_symbol_table *table = seep_symbol_builder_finish(symbols, &err);
    struct seep_types *done = seep_types_builder_finish(types, &err);
    for (uint32_t rva = 0; table && rva < 0x4000; rva += 7) {
        struct seep_symbol symbol;
        (void)seep_symbol_table_at(table, rva, &symbol);
    }
    struct seep_member member;
    (void)seep_types_member(done, "Derived", "nodes.next", &member);
    seep_types_free(done);
    seep_symbol_table_free(table);
    seep_types_builder_free(types);
    seep_symbol_builder_free(symbols);
    seep_pdb_close(pdb);
    return 0;
}
