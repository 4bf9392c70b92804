// SPDX-License-Identifier: MIT
// A thread of a process at one moment, and where it is in the code.
//
// Only for who looks at a snapshot: a case does not keep it.
#ifndef SEEP_MODEL_THREAD_H
#define SEEP_MODEL_THREAD_H

#include "model/ids.h"

#include <stdbool.h>
#include <stdint.h>

struct seep_thread {
    struct seep_process_id process;
    uint32_t id;
    const char *name; // NULL = it has none, or nobody says so
    bool crashed;     // the snapshot was taken for an exception of this thread
    uint32_t exception;
    // What it executes, of a crashed thread where the exception was; unknown where
    // `has_instruction` is false.
    bool has_instruction;
    uint64_t instruction;
    const char *module;   // "ntdll.dll"; NULL = in none
    const char *function; // as people read it; NULL = no symbols
    uint64_t offset;      // into the function, into the module where there is none
    const char *file;     // NULL = unknown
    uint32_t line;        // 0 = unknown
};

#endif
