// SPDX-License-Identifier: MIT
// The fact *loss*: what a source could not give. Silence about missing data is a defect.
#ifndef SEEP_MODEL_LOSS_H
#define SEEP_MODEL_LOSS_H

#include "base/err.h"

#include <stdint.h>

#define SEEP_UNKNOWN_COUNT UINT64_MAX

struct seep_loss {
    const char *what; // a short name that programs can match: "truncated", "lost-events",
                      // "bad-record", "clock-jump", …
    uint64_t count;   // how many of it; SEEP_UNKNOWN_COUNT = unknown
    uint64_t bytes;   // how many bytes were skipped; SEEP_UNKNOWN_COUNT = unknown
    uint64_t offset;  // byte in the source; SEEP_NO_OFFSET = no place
    const char *text; // one sentence for a person
    bool harmless;    // the file is as its writer meant it to be: this loss does not make the read
                      // partial (exit 3)
};

#endif
