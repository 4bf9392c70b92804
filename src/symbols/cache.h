// SPDX-License-Identifier: MIT
// Tables of symbols that are ready to be used, kept from run to run in a folder of the user's.
//
// A cached table is of one file of symbols: the identity, and the size and the time of change of
// the file it was made from. It is checked when it is opened, for it may be damaged or forged. All
// of it may be lost at any time, and nothing depends on its being written.
#ifndef SEEP_SYMBOLS_CACHE_H
#define SEEP_SYMBOLS_CACHE_H

#include "base/identity.h"
#include "os/files.h"
#include "os/os.h"
#include "symbols/table.h"

#include <stdbool.h>

struct seep_cache_key {
    const char *name; // of the PDB, without a folder: seep_symbol_name_safe
    uint8_t guid[SEEP_GUID_BYTES];
    uint32_t age;
    struct seep_os_file_info source;
};

// The table, which reads the bytes of `*map`; the caller frees both, the table first. NULL where
// there is none.
struct seep_symbol_table *seep_cache_open(const char *folder, const struct seep_cache_key *key,
                                          struct seep_os_map *map);

void seep_cache_keep(const char *folder, const struct seep_cache_key *key,
                     const struct seep_symbol_table *table);

#endif
