// SPDX-License-Identifier: MIT
// The fact *handle*: who holds what.
#ifndef SEEP_MODEL_HANDLE_H
#define SEEP_MODEL_HANDLE_H

#include "model/ids.h"

#include <stdint.h>

struct seep_handle {
    struct seep_process_id holder;
    uint64_t value;                // the handle itself
    const char *type;              // "Event", "Process", "Key"; NULL = unknown
    const char *name;              // of the object; NULL = none or unknown
    uint32_t access;               // granted access
    uint64_t n_handles;            // to the object, of all processes; 0 = unknown
    uint64_t n_pointers;           // references to the object; 0 = unknown
    struct seep_process_id target; // the process that a Process handle is of; 0 = none or unknown
};

#endif
