// SPDX-License-Identifier: MIT
// Looking for a file of symbols along the symbol path, place by place; what a place gives is kept
// in the stores left of it.
//
// Layout of stores: "Symbol Storage Format", "Symbol Store Folder Tree", Windows documentation. A
// store is read in plain and two-tier form (index2.txt), with whole files, compressed ones (.pd_)
// and pointers (file.ptr). Pointers of servers are not followed: a server must not choose files on
// this machine.
#ifndef SEEP_SYMBOLS_STORE_H
#define SEEP_SYMBOLS_STORE_H

#include "base/buf.h"
#include "os/files.h"
#include "os/http.h"
#include "symbols/path.h"
#include "symbols/symbols.h"

struct seep_store {
    struct seep_symbol_path path;
    const struct seep_symbols_options *options;
    struct seep_buf own; // root of the user's own store; empty = none
    struct seep_http *http;
    bool no_http; // it cannot be opened
    bool own_unwritable;
    size_t n_unusable; // places that were skipped
    uint64_t n_said;   // lines
};

// What is looked for.
struct seep_store_query {
    const char *file;      // "ntdll.pdb": seep_symbol_name_safe
    const char *id;        // "<GUID><age>": its folder in a store
    const char *subfolder; // "dll": folders are searched in FOLDER, FOLDER\dll, FOLDER\symbols\dll
    // Further files that would do, below a folder; '/' parts folders. NULL-terminated.
    const char *const *also;
    // Takes a file that was found: false = it is another one, or broken, and the search goes on.
    // `named`: it has the name that was looked for.
    bool (*accept)(void *ctx, const char *path, bool named);
    void *ctx;
};

// Searches; true as soon as a file was accepted.
bool seep_store_find(struct seep_store *store, const struct seep_store_query *query);

void seep_store_clear(struct seep_store *store);

// For fetch.c. Says a line, if anybody listens.
void seep_store_say(struct seep_store *store, const char *format, ...) SEEP_PRINTF(2, 3);

// Begins the file `name`, found at place `found`, in the query's folder of the nearest store that
// keeps it and can be written, else of the user's own; its path in `*path`. False where there is
// none. Stores that cannot be written are said once.
bool seep_store_begin(struct seep_store *store, size_t found, const struct seep_store_query *query,
                      const char *name, struct seep_buf *path, struct seep_os_new_file *file);

// Unpacks the file at `from`, found at place `found`, into such a store, and offers it. Where it is
// not accepted, nothing is left.
bool seep_store_unpack(struct seep_store *store, size_t found, const struct seep_store_query *query,
                       const char *from, struct seep_buf *path);

// "ntdll.pd_"; false where the name has no ending.
bool seep_store_packed_name(const char *file, struct seep_buf *name);

// fetch.c: asks the server at place `at` for the file, has it kept, and offers it; where it is
// then, in `*path`.
bool seep_store_fetch(struct seep_store *store, size_t at, const struct seep_store_query *query,
                      struct seep_buf *path);

#endif
