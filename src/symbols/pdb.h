// SPDX-License-Identifier: MIT
// Program databases (PDB, MSF 7.0): which image a file belongs to, its symbols, lines, inlined
// calls and types.
//
// Nothing is copied that need not be: a PDB reads the bytes that it was opened with, which must
// stay valid. A file that is damaged or cut off gives what can be read, and says what could not.
//
// Source of the format: https://llvm.org/docs/PDB/ and github.com/microsoft/microsoft-pdb (MIT).
#ifndef SEEP_SYMBOLS_PDB_H
#define SEEP_SYMBOLS_PDB_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/identity.h"
#include "symbols/table.h"
#include "symbols/types_build.h"

#include <stdbool.h>
#include <stdint.h>

struct seep_pdb;

// NULL with `err` when the file is no PDB of this kind, or damaged where everything hangs on it.
struct seep_pdb *seep_pdb_open(struct seep_bytes file, struct seep_err *err);
void seep_pdb_close(struct seep_pdb *pdb);

struct seep_pdb_info {
    uint8_t guid[SEEP_GUID_BYTES];
    uint32_t age;        // that the image's record carries: of the DBI stream
    uint32_t info_age;   // of the PDB stream: counts what was done to the file
    uint32_t timestamp;  // seconds since 1970
    uint16_t machine;    // as in a PE header; 0 = not said
    uint32_t block_size; // bytes
    bool reordered;      // has OMAP streams
};

const struct seep_pdb_info *seep_pdb_info(const struct seep_pdb *pdb);

// Whether the file belongs to the image that carries `identity`: GUID and age are the same.
bool seep_pdb_matches(const struct seep_pdb *pdb, const struct seep_pdb_identity *identity);

// What to read; the rest costs nothing.
enum seep_pdb_parts {
    SEEP_PDB_NAMES = 0,  // publics, procedures, data, thunks
    SEEP_PDB_LINES = 1,  // and source lines
    SEEP_PDB_INLINE = 2, // and inlined calls
    SEEP_PDB_ALL = 3,
};

// Puts the symbols into `builder`. SEEP_PARTIAL with `err` saying the first thing that could not be
// read when the rest was; SEEP_FAILED when memory is out or there is no way from sections to
// addresses.
enum seep_status seep_pdb_read_symbols(struct seep_pdb *pdb, enum seep_pdb_parts parts,
                                       struct seep_symbol_builder *builder, struct seep_err *err);

// Puts structures, unions and enumerations into `builder`; the results as above. A file without
// types gives none and is SEEP_OK.
enum seep_status seep_pdb_read_types(struct seep_pdb *pdb, struct seep_types_builder *builder,
                                     struct seep_err *err);

#endif
