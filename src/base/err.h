// SPDX-License-Identifier: MIT
// What went wrong: one line that says what, in which file, at which offset, and what to do.
//
// A function that can fail takes `struct seep_err *err` last and returns false (or a status); its
// other outputs are untouched then. `err` may be NULL where the caller does not want to know.
#ifndef SEEP_BASE_ERR_H
#define SEEP_BASE_ERR_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__MINGW32__)
#define SEEP_PRINTF(at, first) __attribute__((format(gnu_printf, at, first)))
#else
#define SEEP_PRINTF(at, first) __attribute__((format(printf, at, first)))
#endif

// How a job ended. "Usable, but say so" is a result of its own.
enum seep_status {
    SEEP_OK = 0,
    SEEP_PARTIAL,   // something was read, and the losses say what was not
    SEEP_FAILED,    // nothing could be read; the error says why
    SEEP_CANCELLED, // the user asked to stop; what was read before stays
};

#define SEEP_NO_OFFSET UINT64_MAX

struct seep_err {
    char what[SEEP_MAX_MESSAGE / 2]; // "the chunk is cut off after 100 bytes"; "" = no error
    char hint[SEEP_MAX_MESSAGE / 4]; // what to do; "" where there is nothing to say
    uint64_t offset;                 // byte in the file, SEEP_NO_OFFSET where it has no meaning
};

// Sets `err` (if not NULL) and returns false, so that a function can end with it. `hint` may be
// NULL.
bool seep_fail(struct seep_err *err, uint64_t offset, const char *hint, const char *format, ...)
    SEEP_PRINTF(4, 5);

// The failure that needs no words: an allocation did not succeed.
bool seep_fail_memory(struct seep_err *err);

// Compilers and analysers see one file at a time: this tells them that both return false, so they
// do not take the way on which a failed function's outputs are used.
static inline bool seep_is_false(bool value)
{
    (void)value;
    return false;
}
#define seep_fail(...) seep_is_false(seep_fail(__VA_ARGS__))
#define seep_fail_memory(err) seep_is_false(seep_fail_memory(err))

// Writes `seep: FILE: what (at 0xOFFSET): hint` without a line end into `line`; parts that are
// empty are left out, control characters of `file` are replaced. `file` may be NULL.
void seep_err_line(const struct seep_err *err, const char *file, char *line, size_t size);

// Replaces what could break a line or command a terminal (controls, bytes that are no UTF-8) by
// '?'.
void seep_err_plain(char *text);

#endif
