// SPDX-License-Identifier: MIT
// Symbols of a PDB: the time to read it, to open its saved table, and look-ups a second.
//
// bench_symbols [FILE.pdb]: by default test-columns.pdb of SEEP_TEST_DATA. The yardstick is
// bench_symbols.py, which runs whole processes. Budget: 1 million look-ups a second.
#include "os/os.h"
#include "symbols/pdb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOOKUPS = 5000000, ROUNDS = 5 };

static const double budget_per_s = 1e6;

static struct seep_symbol_table *read_table(struct seep_bytes file, enum seep_pdb_parts parts)
{
    struct seep_err err = { 0 };
    struct seep_symbol_table *table = NULL;
    struct seep_pdb *pdb = seep_pdb_open(file, &err);
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    if (pdb && builder && seep_pdb_read_symbols(pdb, parts, builder, &err) != SEEP_FAILED)
        table = seep_symbol_builder_finish(builder, &err);
    if (!table)
        (void)fprintf(stderr, "bench_symbols: %s\n", err.what);
    seep_symbol_builder_free(builder);
    seep_pdb_close(pdb);
    return table;
}

static void time_reading(struct seep_bytes file, const char *what, enum seep_pdb_parts parts)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start_ns = seep_os_monotonic_ns();
        seep_symbol_table_free(read_table(file, parts));
        int64_t ns = seep_os_monotonic_ns() - start_ns;
        best = ns < best ? ns : best;
    }
    (void)printf("%-34s %9.2f ms %8.1f MB/s\n", what, (double)best / 1e6,
                 (double)file.len * 1e3 / (double)best);
}

static void time_types(struct seep_bytes file)
{
    struct seep_err err = { 0 };
    int64_t start_ns = seep_os_monotonic_ns();
    struct seep_pdb *pdb = seep_pdb_open(file, &err);
    struct seep_types_builder *builder = seep_types_builder_new();
    struct seep_types *types = NULL;
    if (pdb && builder && seep_pdb_read_types(pdb, builder, &err) != SEEP_FAILED)
        types = seep_types_builder_finish(builder, &err);
    (void)printf("%-34s %9.2f ms\n", "read types",
                 (double)(seep_os_monotonic_ns() - start_ns) / 1e6);
    seep_types_free(types);
    seep_types_builder_free(builder);
    seep_pdb_close(pdb);
}

static void time_saved(const struct seep_symbol_table *table)
{
    struct seep_buf saved = { 0 };
    if (!seep_symbol_table_save(table, &saved))
        return;
    int64_t start_ns = seep_os_monotonic_ns();
    struct seep_symbol_table *again =
        seep_symbol_table_open(seep_bytes(saved.data, saved.len), NULL);
    (void)printf("%-34s %9.2f ms, %.2f MB\n", "open the saved table, checked",
                 (double)(seep_os_monotonic_ns() - start_ns) / 1e6, (double)saved.len / 1e6);
    seep_symbol_table_free(again);
    seep_buf_clear(&saved);
}

int main(int argc, char **argv)
{
    char path[4096];
    const char *data = getenv("SEEP_TEST_DATA");
    (void)snprintf(path, sizeof path, "%s/pdb/test-columns.pdb", data ? data : "../shared/data");
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    if (!seep_os_map(argc > 1 ? argv[1] : path, &map, &err)) {
        (void)fprintf(stderr, "bench_symbols: %s\n", err.what);
        return 1;
    }
    time_reading(map.view, "read names", SEEP_PDB_NAMES);
    time_reading(map.view, "read names, lines, inlined calls", SEEP_PDB_ALL);
    time_types(map.view);
    struct seep_symbol_table *table = read_table(map.view, SEEP_PDB_ALL);
    if (!table)
        return 1;
    time_saved(table);
    uint64_t random = 88172645463325252u, found = 0;
    int64_t start_ns = seep_os_monotonic_ns();
    for (int i = 0; i < LOOKUPS; i++) {
        struct seep_symbol symbol;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        found += seep_symbol_table_at(table, (uint32_t)(0x1000 + random % 0x6b000), &symbol);
    }
    double per_s = LOOKUPS * 1e9 / (double)(seep_os_monotonic_ns() - start_ns);
    (void)printf("%-34s %9.2f million/s (%.0f %% found), budget %.0f million: %s\n",
                 "look-ups with lines and inlines", per_s / 1e6, (double)found * 100 / LOOKUPS,
                 budget_per_s / 1e6, per_s >= budget_per_s ? "met" : "MISSED");
    seep_symbol_table_free(table);
    seep_os_unmap(&map);
    return per_s >= budget_per_s ? 0 : 1;
}
