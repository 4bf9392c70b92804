// SPDX-License-Identifier: MIT
// The fact *process*. A PID alone is reused: identity is PID + start time on one machine.
//
// Where the start is unknown, (PID, image) stand in for it; where the PID is unknown too (a Perfmon
// log without `ID Process`), the instance name does, and the source records the loss
// `identity-unknown`.
#ifndef SEEP_MODEL_PROCESS_H
#define SEEP_MODEL_PROCESS_H

#include "model/ids.h"

#include <stdbool.h>
#include <stdint.h>

struct seep_process {
    struct seep_machine_id machine;
    uint32_t pid;
    bool has_pid;
    uint32_t parent_pid;      // 0 = unknown
    int64_t start_ns;         // SEEP_NO_TIME = unknown
    int64_t end_ns;           // SEEP_NO_TIME = unknown or still alive
    const char *architecture; // "x86", "x64", "arm64"; NULL = unknown
    bool wow64;               // a 32-bit process on a 64-bit system
    const char *image; // "explorer.exe"; on Linux the comm; "explorer.exe#1" where only an instance
                       // name is known
};

#endif
