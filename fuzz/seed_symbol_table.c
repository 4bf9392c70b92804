// SPDX-License-Identifier: MIT
// Writes a saved table of symbols with something in each of its arrays: seed_symbol_table FILE.
#include "symbols/table_build.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct seep_symbol_builder *b = seep_symbol_builder_new();
    struct seep_err err = { 0 };
    struct seep_buf bytes = { 0 };
    uint32_t file = 0;
    bool done = argc == 2 && b && seep_symbol_builder_file(b, "c:\\a.c", 6, &file) &&
                seep_symbol_builder_section(b, 0x1000, 0x1000) &&
                seep_symbol_builder_add(b, SEEP_SYMBOL_PROCEDURE, 0x1010, 0x80, "main", 4) &&
                seep_symbol_builder_add(b, SEEP_SYMBOL_PUBLIC, 0x1100, 0, "?f@@YAXXZ", 9) &&
                seep_symbol_builder_thunk(b, 0x1500, 5, 0x1100) &&
                seep_symbol_builder_part(b, 0x1600, 5, 0x1010) &&
                seep_symbol_builder_line(b, 0x1010, 0x40, file, 7) &&
                seep_symbol_builder_inline(b, 0x1020, 8, 1, "get", 3, file, 9) &&
                seep_symbol_builder_inline(b, 0x1022, 2, 2, "deep", 4, file, 8) &&
                seep_symbol_builder_omap(b, true, 0, 0x1000) &&
                seep_symbol_builder_omap(b, false, 0x1000, 0x800);
    struct seep_symbol_table *table = done ? seep_symbol_builder_finish(b, &err) : NULL;
    FILE *out = table && seep_symbol_table_save(table, &bytes) ? fopen(argv[1], "wb") : NULL;
    done = out && fwrite(bytes.data, 1, bytes.len, out) == bytes.len;
    done = out && fclose(out) == 0 && done;
    seep_symbol_table_free(table);
    seep_symbol_builder_free(b);
    seep_buf_clear(&bytes);
    return done ? 0 : 1;
}
