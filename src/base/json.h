// SPDX-License-Identifier: MIT
// JSON as it is written: commas, escapes and numbers are right whatever the caller passes.
//
// The text goes to a sink function in pieces, so a document need not fit into memory. Strings must
// be UTF-8; bytes that are not are escaped as `\xHH` and counted in `n_invalid`. Numbers that JSON
// cannot say (NaN, infinities) become null. A writer after a failure of its output does nothing
// more.
#ifndef SEEP_BASE_JSON_H
#define SEEP_BASE_JSON_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/number.h"

#include <stdint.h>

struct seep_json {
    bool (*write)(void *ctx, const char *data, size_t len); // NULL: everything stays in `buf`
    void *ctx;
    struct seep_buf buf;
    bool pretty;        // line breaks and two spaces an indent; otherwise one line
    uint64_t n_invalid; // strings that were not UTF-8
    unsigned depth;
    bool has_items[SEEP_MAX_DEPTH + 8];
    bool after_key, failed;
};

void seep_json_begin_object(struct seep_json *json);
void seep_json_end_object(struct seep_json *json);
void seep_json_begin_array(struct seep_json *json);
void seep_json_end_array(struct seep_json *json);
void seep_json_key(struct seep_json *json, const char *key);

void seep_json_string(struct seep_json *json, const char *text); // NULL = null
void seep_json_string_n(struct seep_json *json, const char *text, size_t len);
void seep_json_uint(struct seep_json *json, uint64_t value);
void seep_json_int(struct seep_json *json, int64_t value);
void seep_json_number(struct seep_json *json,
                      double value); // the shortest form that reads back the same
void seep_json_bool(struct seep_json *json, bool value);
void seep_json_null(struct seep_json *json);
void seep_json_time(struct seep_json *json, int64_t t_ns);      // RFC 3339, SEEP_NO_TIME = null
void seep_json_address(struct seep_json *json, uint64_t value); // "0x7ff6a0001000"
void seep_json_raw(struct seep_json *json, const char *text);   // one value that is JSON already

// `key` and value in one call.
void seep_json_key_string(struct seep_json *json, const char *key, const char *text);
void seep_json_key_uint(struct seep_json *json, const char *key, uint64_t value);
void seep_json_key_number(struct seep_json *json, const char *key, double value);
void seep_json_key_time(struct seep_json *json, const char *key, int64_t t_ns);

// Ends the line of a finished value and hands the rest to `write`. Returns whether everything was
// written.
bool seep_json_flush(struct seep_json *json);

void seep_json_clear(struct seep_json *json);

#endif
