// SPDX-License-Identifier: MIT
// Symbols of a dump's images, each looked for once.
#ifndef SEEP_SOURCE_MINIDUMP_NAMES_H
#define SEEP_SOURCE_MINIDUMP_NAMES_H

#include "source/minidump/reader.h"

// The identity of an image; the name of its PDB lies in `pdb`.
bool dump_identity(const struct dump_reader *r, const struct seep_usage_image *image,
                   struct seep_image_identity *identity, struct seep_buf *pdb);

// The symbols of an image of r->images; NULL where there are none.
const struct seep_symbol_file *dump_symbols(struct dump_reader *r,
                                            const struct seep_usage_image *image);

// The image that holds an address and the symbol there. NULL where it is in none; `*found` says
// whether there is a symbol.
const struct seep_usage_image *dump_symbol_at(struct dump_reader *r, uint64_t address,
                                              struct seep_symbol *symbol, bool *found);

#endif
