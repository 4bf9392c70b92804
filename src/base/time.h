// SPDX-License-Identifier: MIT
// Time: signed nanoseconds since 1970-01-01T00:00:00Z (UTC, no leap seconds), written `t_ns` or
// `time_ns`.
//
// Windows files carry FILETIME (100 ns since 1601-01-01) and SYSTEMTIME (calendar fields); both are
// turned into nanoseconds at the door. The range is 1677..2262; what lies outside is clamped.
#ifndef SEEP_BASE_TIME_H
#define SEEP_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEP_NS_PER_S INT64_C(1000000000)
#define SEEP_NO_TIME INT64_MIN // unknown; `null` in a document

// Known times lie in 1900..2099: whatever a file says, two of them can be subtracted, and a span be
// added, without overflow.
#define SEEP_TIME_MIN (INT64_C(-2208988800) * SEEP_NS_PER_S)
#define SEEP_TIME_MAX (INT64_C(4102444800) * SEEP_NS_PER_S - 1)

// The known time that is nearest; SEEP_NO_TIME stays what it is.
int64_t seep_time_clamp(int64_t t_ns);

// FILETIME to nanoseconds, clamped; 0 (how Windows writes "never") is SEEP_NO_TIME.
int64_t seep_time_from_filetime(uint64_t filetime);

// A UTC calendar time to nanoseconds. `nanosecond` is 0..999,999,999. False (and `*t_ns` untouched)
// when a field is out of its range, or the year is none of 1900..2099.
bool seep_time_from_civil(int year, int month, int day, int hour, int minute, int second,
                          int nanosecond, int64_t *t_ns);

enum { SEEP_TIME_TEXT = 40 }; // bytes that a formatted time needs at most, NUL included

// RFC 3339 in UTC with nine digits of fraction: 2026-03-01T12:00:00.123456700Z.
void seep_time_format(int64_t t_ns, char text[SEEP_TIME_TEXT]);

// Reads RFC 3339 (`2026-03-01T12:00:00[.fraction](Z|+hh:mm)`, a date alone, or a space for the T);
// without a zone it is UTC. False when it is something else.
bool seep_time_parse(const char *text, int64_t *t_ns);

#endif
