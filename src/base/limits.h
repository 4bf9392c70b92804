// SPDX-License-Identifier: MIT
// Every cap of the program in one place, each with its unit, its meaning and its reason.
//
// A cap never stands in for a check against the bytes that are present: counts that come from a
// file are believed only as far as that many minimal records fit into what is left of it. The caps
// below keep what is *not* proportional to a file (messages, names, nesting) from growing without
// end.
#ifndef SEEP_BASE_LIMITS_H
#define SEEP_BASE_LIMITS_H

#include <stddef.h>

enum {
    // bytes of one error message, file name and hint included; one line of a terminal, with room
    // for a path
    SEEP_MAX_MESSAGE = 1024,
    // bytes of a name (image, counter path, tag, provider) that is kept; longer ones are cut and
    // marked
    SEEP_MAX_NAME = 4096,
    // depth to which nested input (BinXML elements, JSON) is followed; real inputs stay below 20
    SEEP_MAX_DEPTH = 64,
    // losses kept one by one for a source; further ones are counted into the last one of their kind
    SEEP_MAX_LOSSES = 256,
    // how many bytes a compressed file of symbols (.xz, .pd_) may expand to for each of its own,
    // besides a first MiB; real ones stay below 40, a bomb of zeros has thousands
    SEEP_MAX_EXPANSION = 200,
    // the same for all compressed buffers of a trace together, which hold a time of their own in
    // each record: real ones stay below 20
    SEEP_MAX_TRACE_EXPANSION = 40,
};

// Bytes that one growable buffer may hold: far above any document that seep prints, far below what
// would hurt a machine whose commit is nearly exhausted.
#define SEEP_MAX_BUFFER ((size_t)1 << 30)

#endif
