// SPDX-License-Identifier: MIT
// What the tests of the trace source share: a sink that writes down sites with their stacks.
//
//   process 1000 app.exe start=- end=-
//   module 1000 0x7ff610000000 app.exe pdb=app.pdb unloaded
//   site heap 1000 heap=0x150000 tag=- live=2/150 all=3/250 frees=1 dead=0
//   ntdll.dll+0x10<app.exe+0x2 frees virtual 1000 n=1 bytes=4096 unmatched decommit STACK tally
//   {GUID} 7 v3 n=5 NAME loss lost-events 7
//
// A frame that no module holds is an address. Sites and frees come in the order of the text, so
// that two readings can be compared.
#ifndef SEEP_SOURCE_ETL_TEST_KIT_H
#define SEEP_SOURCE_ETL_TEST_KIT_H

#include "testkit.h"

#include "source/etl/etl.h"

struct etl_kit {
    struct seep_sink sink;
    struct seep_process *processes; // by id - 1; their images are copies
    size_t n_processes, processes_capacity;
    struct seep_module *modules;
    size_t n_modules, modules_capacity;
    struct seep_stacks stacks;
    struct seep_arena arena;
    char **lines; // of sites and frees
    size_t n_lines, lines_capacity;
    struct seep_buf text;
    uint64_t n_series, n_samples;
    int64_t last_tick_ns;
    double last_sum; // of the samples of the last tick
    enum seep_status status;
    struct seep_err err;
};

// Reads bytes; `text` holds everything then. The caller clears the kit.
void etl_kit_read(struct etl_kit *kit, const void *data, size_t len, enum etl_threads threads);
// A case of the synthesizer.
void etl_kit_case(struct etl_kit *kit, const char *name);
struct seep_buf etl_kit_bytes(const char *name);
void etl_kit_clear(struct etl_kit *kit);

// Fails with the whole text where a line is not there.
void etl_kit_has(const struct etl_kit *kit, const char *line);
void etl_kit_lacks(const struct etl_kit *kit, const char *text);

#endif
