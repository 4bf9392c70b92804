// SPDX-License-Identifier: MIT
// JSON as it is read: one token at a time over bytes in memory, without a tree (RFC 8259).
//
// Containers may be SEEP_MAX_DEPTH deep. An error is sticky: every later token is
// SEEP_JSON_BROKEN, and it is asked for once at the end.
#ifndef SEEP_SYMBOLS_JSON_IN_H
#define SEEP_SYMBOLS_JSON_IN_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum seep_json_token {
    SEEP_JSON_BROKEN = 0, // not JSON, cut off, too deep, or memory is out: see `err`
    SEEP_JSON_END,        // after the one value of the document
    SEEP_JSON_OBJECT,     // '{': keys and values follow until SEEP_JSON_CLOSE
    SEEP_JSON_ARRAY,      // '[': values follow until SEEP_JSON_CLOSE
    SEEP_JSON_CLOSE,      // of the innermost container
    SEEP_JSON_KEY,        // its value is the next token
    SEEP_JSON_STRING,
    SEEP_JSON_NUMBER, // `text` is as it stands in the document
    SEEP_JSON_TRUE,
    SEEP_JSON_FALSE,
    SEEP_JSON_NULL,
};

struct seep_json_in {
    struct seep_bytes view;
    size_t pos;       // bytes read so far
    const char *text; // of a key, a string (escapes resolved) or a number; no NUL at its end;
    size_t text_len;  // valid until the next token
    unsigned depth;   // open containers
    // private
    uint64_t is_object; // a bit for each open container, the innermost one lowest
    bool wants_value, after_value, done;
    struct seep_buf unescaped;
    struct seep_err err;
    bool failed;
};

void seep_json_in_init(struct seep_json_in *in, struct seep_bytes view);
void seep_json_in_clear(struct seep_json_in *in);

enum seep_json_token seep_json_in_next(struct seep_json_in *in);

// Reads over the value that comes next (after a key, or as an element).
void seep_json_in_skip(struct seep_json_in *in);

// Reads on to the end of the container that was open at `depth` (in->depth when it was entered).
void seep_json_in_leave(struct seep_json_in *in, unsigned depth);

// The next key of an object that is open; false at its end, or when the document is broken.
bool seep_json_in_key(struct seep_json_in *in);

// Enters the object that comes next as a value; another value is skipped, and the result is false.
bool seep_json_in_object(struct seep_json_in *in);

// The next value as a whole number; another value is skipped, and the result is false.
bool seep_json_in_whole(struct seep_json_in *in, uint64_t *value);
// The same with a sign.
bool seep_json_in_signed(struct seep_json_in *in, int64_t *value);

// The next value as a string in `text`; another value is skipped, and the result is false.
bool seep_json_in_string(struct seep_json_in *in);

// Whether the last key or string is this text.
bool seep_json_in_is(const struct seep_json_in *in, const char *text);

#endif
