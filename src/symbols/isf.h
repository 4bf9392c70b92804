// SPDX-License-Identifier: MIT
// ISF: symbol tables in JSON as Volatility 3 keeps them (its documentation, "Symbol tables"; schema
// versions 4 to 6). Symbols of Windows lie at RVAs.
#ifndef SEEP_SYMBOLS_ISF_H
#define SEEP_SYMBOLS_ISF_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/identity.h"
#include "symbols/table.h"
#include "symbols/types.h"

// Whether the bytes can be the start of a JSON document, or of an .xz file.
bool seep_isf_is(struct seep_bytes file);

// The document in a file: `*json` is the file itself, or shows `text`, which holds it unpacked.
bool seep_isf_unpack(struct seep_bytes file, struct seep_buf *text, struct seep_bytes *json,
                     struct seep_err *err);

// Which PDB the tables were made from: metadata.windows.pdb. `name` gets the PDB's name and
// `identity->name` points to it. False where the document does not say, or is no JSON.
bool seep_isf_identity(struct seep_bytes json, struct seep_buf *name,
                       struct seep_pdb_identity *identity, struct seep_err *err);

// Reads the tables; each may be NULL where the document has none of its kind. The caller owns them.
// A document that is broken gives nothing.
bool seep_isf_read(struct seep_bytes json, struct seep_symbol_table **table,
                   struct seep_types **types, struct seep_err *err);

#endif
