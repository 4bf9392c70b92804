// SPDX-License-Identifier: MIT
// Compressed files of symbols: cabinets (.pd_) and .xz.
//
// The bytes are handed on in pieces, so a PDB of gigabytes needs no memory. What a file expands to
// is bounded by its own size (SEEP_MAX_EXPANSION).
#ifndef SEEP_SYMBOLS_EXPAND_H
#define SEEP_SYMBOLS_EXPAND_H

#include "base/bytes.h"
#include "base/err.h"

struct seep_expand {
    bool (*take)(void *ctx, const void *data, size_t len); // false = stop; it sets its own error
    void *ctx;
};

// The most that `len` bytes may expand to.
static inline uint64_t seep_expand_limit(size_t len)
{
    uint64_t slack = 1 << 20;
    return len < (UINT64_MAX - slack) / SEEP_MAX_EXPANSION
               ? len * (uint64_t)SEEP_MAX_EXPANSION + slack
               : UINT64_MAX;
}

bool seep_cab_is(struct seep_bytes file);
bool seep_xz_is(struct seep_bytes file);

// The first file of a cabinet: stored, MSZIP or LZX ([MS-CAB], [MS-MCI], [MS-PATCH]). False where
// it is damaged, or `take` stopped (then `err` is not touched).
bool seep_cab_expand(struct seep_bytes cabinet, const struct seep_expand *to, struct seep_err *err);

// An .xz file ("The .xz File Format").
bool seep_xz_expand(struct seep_bytes file, const struct seep_expand *to, struct seep_err *err);

#endif
