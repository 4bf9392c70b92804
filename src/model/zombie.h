// SPDX-License-Identifier: MIT
// The fact *zombie*: a process that has exited and is still referenced, at one moment.
//
// Who holds it with a handle are facts of their own (struct seep_handle with a `target`). What no
// handle explains is a reference of the kernel's: a driver.
#ifndef SEEP_MODEL_ZOMBIE_H
#define SEEP_MODEL_ZOMBIE_H

#include "model/ids.h"
#include "model/loss.h"

#include <stdint.h>

struct seep_zombie {
    struct seep_process_id process; // its `end_ns` says when it exited
    uint64_t n_handles;             // to it, as the object itself counts them; of its threads, too,
                                    // where these are known; SEEP_UNKNOWN_COUNT = unknown
    uint64_t n_found;       // handles to it (or its threads) that were found in handle tables;
                            // SEEP_UNKNOWN_COUNT = the tables are not in this source
    uint64_t n_pointers;    // references to it; SEEP_UNKNOWN_COUNT = unknown
    uint64_t n_unexplained; // references that neither handles nor what every exited process has
                            // explain; SEEP_UNKNOWN_COUNT = cannot be told
    uint64_t commit_bytes;  // still charged to it, as the kernel counts; SEEP_UNKNOWN_COUNT
};

#endif
