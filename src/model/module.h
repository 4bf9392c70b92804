// SPDX-License-Identifier: MIT
// The fact *module*: an image that is, or was, mapped into a process.
#ifndef SEEP_MODEL_MODULE_H
#define SEEP_MODEL_MODULE_H

#include "base/identity.h"
#include "model/ids.h"

#include <stdbool.h>
#include <stdint.h>

struct seep_module {
    struct seep_process_id process; // 0 = the kernel's
    uint64_t base;
    uint64_t size_bytes;
    const char *path;                    // as the process sees it; NULL = unknown
    const char *version;                 // file version "10.0.19041.804"; NULL = unknown
    struct seep_image_identity identity; // its size_bytes may be 0 where only the mapping is known
    bool unloaded;                       // no longer there at the moment of the snapshot
};

#endif
