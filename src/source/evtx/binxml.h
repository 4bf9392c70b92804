// SPDX-License-Identifier: MIT
// Binary XML as event logs hold it: names, elements, template instances and their values.
//
// All offsets are bytes from the start of a chunk, and a chunk is at most 64 KiB. Names and
// templates are stored once in a chunk and referred to by offset, so everything here takes the
// whole chunk and a limit up to which the current piece may be read. Every function checks before
// it reads; false means "not binary XML, or it leaves its piece".
// Source: libevtx documentation, "Windows XML Event Log (EVTX) format", and MS-EVEN6 2.2.12.
#ifndef SEEP_SOURCE_EVTX_BINXML_H
#define SEEP_SOURCE_EVTX_BINXML_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEEP_EVTX_EOF = 0x00,
    SEEP_EVTX_OPEN_START = 0x01,
    SEEP_EVTX_CLOSE_START = 0x02,
    SEEP_EVTX_CLOSE_EMPTY = 0x03,
    SEEP_EVTX_END = 0x04,
    SEEP_EVTX_TEXT = 0x05,
    SEEP_EVTX_ATTRIBUTE = 0x06,
    SEEP_EVTX_CDATA = 0x07,
    SEEP_EVTX_CHAR_REF = 0x08,
    SEEP_EVTX_ENTITY_REF = 0x09,
    SEEP_EVTX_PI_TARGET = 0x0a,
    SEEP_EVTX_PI_DATA = 0x0b,
    SEEP_EVTX_TEMPLATE = 0x0c,
    SEEP_EVTX_SUBSTITUTION = 0x0d,
    SEEP_EVTX_OPTIONAL = 0x0e,
    SEEP_EVTX_FRAGMENT = 0x0f,
    SEEP_EVTX_MORE = 0x40, // flag: more follows (attributes, content)
};

enum {
    SEEP_EVTX_TYPE_NULL = 0x00,
    SEEP_EVTX_TYPE_STRING = 0x01,
    SEEP_EVTX_TYPE_ANSI = 0x02,
    SEEP_EVTX_TYPE_INT8 = 0x03,
    SEEP_EVTX_TYPE_UINT8 = 0x04,
    SEEP_EVTX_TYPE_INT16 = 0x05,
    SEEP_EVTX_TYPE_UINT16 = 0x06,
    SEEP_EVTX_TYPE_INT32 = 0x07,
    SEEP_EVTX_TYPE_UINT32 = 0x08,
    SEEP_EVTX_TYPE_INT64 = 0x09,
    SEEP_EVTX_TYPE_UINT64 = 0x0a,
    SEEP_EVTX_TYPE_REAL32 = 0x0b,
    SEEP_EVTX_TYPE_REAL64 = 0x0c,
    SEEP_EVTX_TYPE_BOOL = 0x0d,
    SEEP_EVTX_TYPE_BINARY = 0x0e,
    SEEP_EVTX_TYPE_GUID = 0x0f,
    SEEP_EVTX_TYPE_SIZE = 0x10,
    SEEP_EVTX_TYPE_FILETIME = 0x11,
    SEEP_EVTX_TYPE_SYSTEMTIME = 0x12,
    SEEP_EVTX_TYPE_SID = 0x13,
    SEEP_EVTX_TYPE_HEX32 = 0x14,
    SEEP_EVTX_TYPE_HEX64 = 0x15,
    SEEP_EVTX_TYPE_BINXML = 0x21,
    SEEP_EVTX_TYPE_ARRAY = 0x80, // flag
};

enum {
    SEEP_EVTX_CHUNK_BYTES = 0x10000,
    SEEP_EVTX_CHUNK_HEADER_BYTES = 0x200,
    SEEP_EVTX_NO_DEPENDENCY = 0xffff,
};

// A value as it lies in the chunk; `bytes` has no terminator.
struct seep_evtx_value {
    uint8_t type;
    struct seep_bytes bytes;
};

// The values of one template instance. Their sizes add up, so a value is found by a sum.
struct seep_evtx_values {
    const uint8_t *descriptors; // 4 bytes each: size, type, 0
    uint32_t count;
    struct seep_bytes data; // from the first value to the limit of the piece
};

struct seep_evtx_template {
    size_t definition;     // where it is defined
    size_t body, body_end; // its binary XML
    struct seep_evtx_values values;
};

// An element's start tag.
struct seep_evtx_element {
    uint16_t dependency;    // index of the value without which there is no element
    struct seep_bytes name; // UTF-16LE
    size_t attributes, attributes_end;
    bool empty;     // <x/>: there is neither content nor end tag
    size_t content; // what follows the start tag
    size_t end;     // what follows the element, as its size says
};

// The name (UTF-16LE) at `offset`, and in `*after` (may be NULL) where it ends.
bool seep_evtx_name(struct seep_bytes chunk, size_t offset, struct seep_bytes *name, size_t *after);

// Whether a UTF-16LE text is the ASCII text.
bool seep_evtx_is(struct seep_bytes utf16, const char *ascii);

// Reads a reference to a name at `*pos` and moves behind it, and behind the name where that
// follows.
bool seep_evtx_name_reference(struct seep_bytes chunk, size_t *pos, size_t limit,
                              struct seep_bytes *name);

// Reads the start tag at `*pos` (token 0x01 or 0x41). `has_dependency`: elements of templates carry
// a dependency identifier.
bool seep_evtx_element(struct seep_bytes chunk, size_t pos, size_t limit, bool has_dependency,
                       struct seep_evtx_element *element);

// Whether the elements that follow `pos` in an embedded value carry dependency identifiers. Public
// readers differ on it, so the one reading that makes a start tag is taken.
bool seep_evtx_has_dependency(struct seep_bytes chunk, size_t pos, size_t limit);

// Reads the template instance at `pos` (token 0x0c), up to its values.
bool seep_evtx_template(struct seep_bytes chunk, size_t pos, size_t limit,
                        struct seep_evtx_template *instance);

// Where the values of an instance end. False when they do not fit.
bool seep_evtx_values_end(struct seep_bytes chunk, const struct seep_evtx_values *values,
                          size_t *end);

// The value at an index; false when there is none or it leaves the piece.
bool seep_evtx_value(const struct seep_evtx_values *values, uint32_t index,
                     struct seep_evtx_value *value);

// Skips a fragment header (token 0x0f) at `*pos` if there is one.
void seep_evtx_skip_fragment(struct seep_bytes chunk, size_t *pos, size_t limit);

// The unsigned number of an integer value of 1, 2, 4 or 8 bytes, or of a decimal text; false for
// anything else.
bool seep_evtx_number(const struct seep_evtx_value *value, uint64_t *number);

#endif
