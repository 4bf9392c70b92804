// SPDX-License-Identifier: MIT
// The fact *region*: a run of pages of one process with one state, type and protection, as
// VirtualQueryEx gives them.
#ifndef SEEP_MODEL_REGION_H
#define SEEP_MODEL_REGION_H

#include "model/ids.h"

#include <stdint.h>

enum seep_region_state {
    SEEP_STATE_UNKNOWN = 0,
    SEEP_STATE_COMMIT,
    SEEP_STATE_RESERVE,
    SEEP_STATE_FREE,
    SEEP_N_REGION_STATES,
};

enum seep_region_type {
    SEEP_TYPE_UNKNOWN = 0,
    SEEP_TYPE_PRIVATE,
    SEEP_TYPE_MAPPED,
    SEEP_TYPE_IMAGE,
    SEEP_TYPE_FREE,
    SEEP_N_REGION_TYPES,
};

// What the pages are for, in the words of WinDbg's !address.
enum seep_region_usage {
    SEEP_USAGE_UNKNOWN = 0, // "<unknown>": VirtualAlloc and whatever nobody else claims
    SEEP_USAGE_FREE,
    SEEP_USAGE_IMAGE,
    SEEP_USAGE_STACK32,
    SEEP_USAGE_STACK64,
    SEEP_USAGE_HEAP32,
    SEEP_USAGE_HEAP64,
    SEEP_USAGE_TEB32,
    SEEP_USAGE_TEB64,
    SEEP_USAGE_PEB32,
    SEEP_USAGE_PEB64,
    SEEP_USAGE_MAPPED_FILE,
    SEEP_USAGE_OTHER,
    SEEP_N_REGION_USAGES,
};

struct seep_region {
    struct seep_process_id process;
    uint64_t base;
    uint64_t size_bytes;
    uint64_t allocation_base; // of the reservation that it is part of; 0 = unknown
    enum seep_region_state state;
    enum seep_region_type type;
    enum seep_region_usage usage;
    uint32_t protect;   // PAGE_* bits as Windows defines them; 0 = none or unknown
    const char *detail; // module path, "thread 1234", "heap 0x500000"; NULL = nothing to say
};

// "Commit", "Private", "<unknown>", "Heap64", … as `seep map` names them.
const char *seep_region_state_name(enum seep_region_state state);
const char *seep_region_type_name(enum seep_region_type type);
const char *seep_region_usage_name(enum seep_region_usage usage);

// The name of a protection: "ReadWrite", "ExecuteRead|Guard"; "" for 0. `text` holds at least
// SEEP_PROTECT_TEXT bytes.
enum { SEEP_PROTECT_TEXT = 64 };
void seep_region_protect_name(uint32_t protect, char text[SEEP_PROTECT_TEXT]);

#endif
