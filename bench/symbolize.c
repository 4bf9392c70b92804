// SPDX-License-Identifier: MIT
// Names of addresses, through the library alone: what bench_symbols.py times as a whole process.
//
//     symbolize [--no-inlines] [--types] FILE.pdb < ADDRESSES
//
// ADDRESSES are hexadecimal offsets from the image's start, one in a line. For each, the innermost
// inlined call comes first: a line "FUNCTION", a line "FILE:LINE"; an empty line ends it. "??" is
// what is not known.
#include "base/buf.h"
#include "os/os.h"
#include "symbols/pdb.h"
#include "symbols/readable.h"
#include "symbols/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct seep_buf *out, const char *function, const char *file, uint32_t line)
{
    (void)seep_symbol_readable(function, out);
    seep_buf_addf(out, "\n%s:%u\n", file ? file : "??", (unsigned)line);
}

static void put_address(struct seep_buf *out, const struct seep_symbol_table *table, uint32_t rva)
{
    struct seep_symbol s;
    if (!seep_symbol_table_at(table, rva, &s)) {
        seep_buf_adds(out, "??\n??:0\n\n");
        return;
    }
    for (uint32_t i = 0; i < s.n_inlined; i++)
        put(out, s.inlined[i].function, s.inlined[i].file, s.inlined[i].line);
    put(out, s.function, s.file, s.line);
    seep_buf_addc(out, '\n');
}

static int fail(const char *path, const struct seep_err *err)
{
    char line[SEEP_MAX_MESSAGE];
    seep_err_line(err, path, line, sizeof line);
    fprintf(stderr, "%s\n", line);
    return 3;
}

int main(int argc, char **argv)
{
    enum seep_pdb_parts parts = SEEP_PDB_ALL;
    bool types = false;
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--no-inlines") == 0)
            parts = SEEP_PDB_LINES;
        else if (strcmp(argv[i], "--types") == 0)
            types = true;
        else
            path = argv[i];
    }
    struct seep_err err = { 0 };
    struct seep_os_map file;
    if (!path || !seep_os_map(path, &file, &err))
        return fail(path, &err);
    struct seep_pdb *pdb = seep_pdb_open(file.view, &err);
    if (!pdb)
        return fail(path, &err);
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    enum seep_status status = SEEP_FAILED;
    if (builder)
        status = seep_pdb_read_symbols(pdb, parts, builder, &err);
    if (status != SEEP_OK)
        fail(path, &err);
    struct seep_symbol_table *table =
        status == SEEP_FAILED ? NULL : seep_symbol_builder_finish(builder, &err);
    if (types) {
        struct seep_types_builder *b = seep_types_builder_new();
        if (b && seep_pdb_read_types(pdb, b, &err) != SEEP_OK)
            fail(path, &err);
        seep_types_free(b ? seep_types_builder_finish(b, &err) : NULL);
        seep_types_builder_free(b);
    }
    if (!table)
        return fail(path, &err);
    struct seep_buf out = { 0 };
    char text[64];
    while (fgets(text, sizeof text, stdin)) {
        put_address(&out, table, (uint32_t)strtoul(text, NULL, 16));
        if (out.len > 65536) {
            fwrite(out.data, 1, out.len, stdout);
            seep_buf_reset(&out);
        }
    }
    fwrite(seep_buf_text(&out), 1, out.len, stdout);
    seep_buf_clear(&out);
    seep_symbol_table_free(table);
    seep_symbol_builder_free(builder);
    seep_pdb_close(pdb);
    seep_os_unmap(&file);
    return 0;
}
