// SPDX-License-Identifier: MIT
// A plan: where the System part of an event has its provider, id, version, time, channel and
// computer.
//
// A template's System part says the same of all its records: each of these is either text in the
// template or a value by index. It is worked out once a template and chunk; a record then costs a
// few look-ups and none of its XML is read.
#ifndef SEEP_SOURCE_EVTX_PLAN_H
#define SEEP_SOURCE_EVTX_PLAN_H

#include "source/evtx/binxml.h"

enum seep_evtx_ref_kind { SEEP_EVTX_REF_NONE = 0, SEEP_EVTX_REF_TEXT, SEEP_EVTX_REF_VALUE };

struct seep_evtx_ref {
    enum seep_evtx_ref_kind kind;
    uint16_t index;         // of the value
    struct seep_bytes text; // UTF-16LE, in the template
};

enum seep_evtx_part {
    SEEP_EVTX_PROVIDER = 0,
    SEEP_EVTX_ID,
    SEEP_EVTX_VERSION,
    SEEP_EVTX_TIME,
    SEEP_EVTX_RECORD_ID,
    SEEP_EVTX_CHANNEL,
    SEEP_EVTX_COMPUTER,
    SEEP_EVTX_N_PARTS,
};

struct seep_evtx_plan {
    struct seep_evtx_ref part[SEEP_EVTX_N_PARTS];
    uint32_t provider_key, computer_key; // the caller's, for parts that are text
};

// Makes the plan of the event at [pos, limit): a template's body, or a record without a template.
// False when there is no System with a provider and an id.
bool seep_evtx_plan_make(struct seep_bytes chunk, size_t pos, size_t limit,
                         struct seep_evtx_plan *plan);

// A part of one record: false when it has none. Text of a template comes as a string value.
bool seep_evtx_plan_get(const struct seep_evtx_plan *plan, enum seep_evtx_part part,
                        const struct seep_evtx_values *values, struct seep_evtx_value *value);

#endif
