// SPDX-License-Identifier: MIT
// The symbol path in Windows' form, taken apart into places in the order in which they are
// searched.
//
// "Symbol path for Windows debuggers", "Advanced SymSrv Use", Windows documentation:
//
//     C:\dir                     a folder; also laid out as a store
//     app.pdb, nt.json.xz        one file (ours)
//     srv*S1*S2*URL              S1, S2 are stores; what is found further right is kept in those
//     left srv*URL, srv**URL          the same with the user's own store in front srv* the user's
//     own store, and Microsoft's server symsrv*symsrv.dll*...      as srv* cache*S, cache* a store
//     that keeps what any place further right has https://...                as srv*https://...
//     (ours)
#ifndef SEEP_SYMBOLS_PATH_H
#define SEEP_SYMBOLS_PATH_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_place_kind {
    SEEP_PLACE_FOLDER = 0, // or one file, if it is one when it is looked at
    SEEP_PLACE_STORE,
    SEEP_PLACE_SERVER,
};

struct seep_place {
    enum seep_place_kind kind;
    const char *where; // a path, or a URL without '/' at its end; NULL = the user's own store
    uint32_t chain;    // number of the element it comes from
    bool cache;        // of a cache* element
    // what was found out while it was used
    bool looked_at, skipped, two_tier, unwritable, forbidden;
};

struct seep_symbol_path {
    struct seep_arena arena;
    struct seep_place *places;
    size_t n, capacity;
    uint32_t n_elements;
};

// Appends the places of a path. False with `err` where an element has no sense, or memory is out.
bool seep_symbol_path_add(struct seep_symbol_path *path, const char *text, struct seep_err *err);

void seep_symbol_path_clear(struct seep_symbol_path *path);

// Whether what was found at place `found` is to be kept at place `at`.
bool seep_symbol_path_keeps(const struct seep_symbol_path *path, size_t at, size_t found);

// Whether a name may become part of a path and of a URL: no folder, no device, no stream.
bool seep_symbol_name_safe(const char *name);

// The part of a path of either system after its last separator.
const char *seep_symbol_base_name(const char *path);

#endif
