// SPDX-License-Identifier: MIT
// Typed ids: small numbers that a sink hands out for what it was told. 0 = none.
#ifndef SEEP_MODEL_IDS_H
#define SEEP_MODEL_IDS_H

#include <stdint.h>

struct seep_machine_id {
    uint32_t v;
};

struct seep_process_id {
    uint32_t v;
};

struct seep_series_id {
    uint32_t v;
};

struct seep_stack_id {
    uint32_t v;
};

struct seep_source_id {
    uint32_t v;
};

#endif
