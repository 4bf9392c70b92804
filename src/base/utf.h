// SPDX-License-Identifier: MIT
// Text that comes from outside: everything inside seep is valid UTF-8.
//
// What is not valid is escaped as `\xHH` (bytes) or `\uHHHH` (lone surrogates); the callers of
// these functions learn that it happened and record a loss, so that a name in a document is never
// silently not the name in the file.
#ifndef SEEP_BASE_UTF_H
#define SEEP_BASE_UTF_H

#include "base/buf.h"
#include "base/bytes.h"

// Whether the bytes are valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool seep_utf8_valid(struct seep_bytes text);

// Appends the bytes, with those that are not UTF-8 escaped. Returns whether all were valid.
bool seep_utf8_add(struct seep_buf *out, struct seep_bytes text);

// Appends UTF-16LE text as UTF-8; a trailing odd byte and lone surrogates are escaped. Stops at
// nothing: cut the view at the terminator first (seep_utf16_until_nul). Returns whether all was
// valid.
bool seep_utf16_add(struct seep_buf *out, struct seep_bytes text);

// The part of a UTF-16LE view before its first NUL unit, or all of it.
struct seep_bytes seep_utf16_until_nul(struct seep_bytes text);

// Appends one code point (at most U+10FFFF, no surrogate) as UTF-8.
void seep_utf8_add_point(struct seep_buf *out, uint32_t point);

#endif
