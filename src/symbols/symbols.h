// SPDX-License-Identifier: MIT
// Symbols of any module: found along the symbol path by GUID and age, read once, kept.
//
// Never a wrong name: a file that does not match is not used, and `seep_symbols_why` says what was
// tried. One session serves one run; it is not shared between threads.
#ifndef SEEP_SYMBOLS_SYMBOLS_H
#define SEEP_SYMBOLS_SYMBOLS_H

#include "base/err.h"
#include "base/identity.h"
#include "symbols/table.h"
#include "symbols/types.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_symbols;

struct seep_symbols_options {
    // Symbol paths in Windows' form, ';' between elements: "srv*cache*https://server;C:\\pdbs".
    // Searched in this order; NULL = none. The caller puts --symbols, _NT_ALT_SYMBOL_PATH and
    // _NT_SYMBOL_PATH here.
    const char *const *paths;
    size_t n_paths;
    // Folders of the images and dumps that are looked at: searched first, themselves only.
    const char *const *folders;
    size_t n_folders;
    // Of ready tables and, below it, of downloads where the path names no store for them; NULL =
    // the user's own (os); "" = none.
    const char *cache_folder;
    bool offline;                        // no HTTP
    int64_t timeout_ms;                  // of a server that does not answer; 0 = 30 s
    const volatile sig_atomic_t *cancel; // becomes nonzero to stop a download; NULL = never
    // NULL, or called with one line about what is being done or was skipped ("an unreadable store
    // is skipped and said").
    void (*say)(void *ctx, const char *line);
    // NULL, or called while a file is fetched, for a line that is written over; `total_bytes` 0 =
    // not known.
    void (*progress)(void *ctx, const char *name, uint64_t done_bytes, uint64_t total_bytes);
    void *ctx;
};

// NULL with `err` set only when memory is out or a path has no sense.
struct seep_symbols *seep_symbols_open(const struct seep_symbols_options *options,
                                       struct seep_err *err);
void seep_symbols_close(struct seep_symbols *symbols);

// The symbols of one module. Belongs to the session.
struct seep_symbol_file {
    const struct seep_symbol_table *table;
    const char *path; // where it was found
};

// Finds and reads the symbols that match `identity`; asked again, the same answer at once. NULL
// where there is none: `why` (may be NULL) then says in one sentence what is missing or mismatched.
const struct seep_symbol_file *seep_symbols_for(struct seep_symbols *symbols,
                                                const struct seep_image_identity *identity,
                                                struct seep_err *why);

// The layouts of structures that the same file holds, read when they are first asked for: most
// modules are only asked for names. NULL with `why` (may be NULL) where there are none.
const struct seep_types *seep_symbols_types(struct seep_symbols *symbols,
                                            const struct seep_image_identity *identity,
                                            struct seep_err *why);

// Which PDB the files are, or were made from, that the symbol path names one by one (no folders, no
// stores), counted from 0 in its order; what cannot be read has an unknown GUID. The name is unset.
// False where there are no more.
bool seep_symbols_named(struct seep_symbols *symbols, size_t index,
                        struct seep_pdb_identity *identity);

#endif
