// SPDX-License-Identifier: MIT
// Dates and times that a script wrote before a snapshot, and those in a file's name. The facts:
// note.md.
#ifndef SEEP_SOURCE_POOLMON_WHEN_H
#define SEEP_SOURCE_POOLMON_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// In which order a date has day and month when nothing in it says so (03/01/2026).
enum poolmon_order { POOLMON_ORDER_UNKNOWN = 0, POOLMON_DAY_FIRST, POOLMON_MONTH_FIRST };

// What was found so far; zeroed = nothing.
struct poolmon_when {
    bool has_date, has_time, has_zone;
    bool either;             // day and month may be the other way round: `month` is the first
    enum poolmon_order says; // the order that this date shows
    int year, month, day, hour, minute, second, nanosecond;
    int weekday;      // 1 = Sunday .. 7; 0 = not said
    int zone_minutes; // east of UTC
};

// Adds the date and the time that stand in a line (the later of several); false where it has
// neither.
bool poolmon_when_add(struct poolmon_when *when, const char *text, size_t len);

// The moment, in ns since 1970, local time taken as UTC unless a zone was said. False where the
// date or the time is missing, wrong, or ambiguous (`order` settles that).
bool poolmon_when_time(const struct poolmon_when *when, enum poolmon_order order, int64_t *t_ns);

// The moment in the name of a file ("pool-20260301-1200.log", "2026-03-01_12-00-00.txt"): year,
// month, day, hour, minute and maybe second, all digits there. `path` may have folders.
bool poolmon_when_named(const char *path, int64_t *t_ns);

#endif
