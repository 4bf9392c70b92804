// SPDX-License-Identifier: MIT
// The fact *event*: time, provider, id and typed fields; never text matched by language.
//
// Fields are a list of rows; a nested field's name is its path, parts parted by '/'
// ("MemoryExhaustionInfo/SystemInfo/SystemCommitLimit"). Several rows of the same path are an
// array, in their order. A '/' or '\' inside a part stands as '\/' or '\\'.
#ifndef SEEP_MODEL_EVENT_H
#define SEEP_MODEL_EVENT_H

#include "base/json.h"
#include "model/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seep_field_type {
    SEEP_FIELD_NULL = 0,
    SEEP_FIELD_TEXT, // text: UTF-8; also GUIDs, SIDs and binary (as hexadecimal digits)
    SEEP_FIELD_UINT, // uint
    SEEP_FIELD_INT,  // sint
    SEEP_FIELD_REAL, // real
    SEEP_FIELD_BOOL, // uint: 0 or 1
    SEEP_FIELD_HEX,  // uint, shown as "0x..."
    SEEP_FIELD_TIME, // time_ns
};

struct seep_field {
    const char *path;
    enum seep_field_type type;
    union {
        const char *text;
        uint64_t uint;
        int64_t sint;
        double real;
        int64_t time_ns;
    } value;
};

struct seep_event {
    struct seep_machine_id machine;
    int64_t time_ns;
    const char *provider;
    const char *channel; // NULL = unknown
    uint32_t id, version;
    uint64_t record_id; // the number of the record in its log; 0 = unknown
    uint64_t offset;    // byte in the source, SEEP_NO_OFFSET = unknown
    const struct seep_field *fields;
    size_t n_fields;
};

// The field at a path, NULL if the event has none.
const struct seep_field *seep_event_field(const struct seep_event *event, const char *path);

// A number from a numeric or numeric-text field; false (and `*value` untouched) for anything else.
bool seep_field_number(const struct seep_field *field, double *value);

// Writes the fields as one nested JSON object, `{}` when there are none.
void seep_event_fields_json(const struct seep_event *event, struct seep_json *json);

// How often a source saw an event: what `seep facts --events` prints.
struct seep_tally {
    const char *provider; // a name, or a GUID where no name is known
    const char *name;     // "Image/DCStart"; NULL = none
    uint32_t id, version;
    uint64_t count;
};

#endif
