// SPDX-License-Identifier: MIT
// Performance counter types and the formula by which Perfmon turns raw values into the shown one.
//
// A counter type is a 32-bit number made of bit fields (winperf.h): size, kind, sub-kind, time
// base, delta, inverse, multi, display suffix. What to do with a type stands in one table, one row
// per documented type.
//
// Formulas: "Calculating Counter Values" and "Retrieving Counter Data" (learn.microsoft.com,
// Win32, Performance Counters) and the counter types of the Windows Server deployment kit
// (cc776490). N is the raw value, D its time, B its base, F ticks per second; 1 is the newer
// sample.
#ifndef SEEP_NT_PERF_COUNTER_H
#define SEEP_NT_PERF_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

// What the second raw value of a counter type is.
enum seep_perf_second {
    SEEP_PERF_SECOND_NONE,   // not used
    SEEP_PERF_SECOND_TICK,   // performance counter ticks (PERF_DATA_BLOCK.PerfTime)
    SEEP_PERF_SECOND_100NS,  // 100 ns system time (PERF_DATA_BLOCK.PerfTime100nSec)
    SEEP_PERF_SECOND_OBJECT, // the object's own time (PERF_OBJECT_TYPE.PerfTime)
    SEEP_PERF_SECOND_BASE,   // the counter that follows in the object, a base type
};

// The formulas.
enum seep_perf_formula {
    SEEP_PERF_NUMBER,           // N
    SEEP_PERF_DELTA,            // N1 - N0
    SEEP_PERF_RATE,             // (N1 - N0) / ((D1 - D0) / F)
    SEEP_PERF_QUEUE,            // (N1 - N0) / (D1 - D0)
    SEEP_PERF_PERCENT,          // 100 (N1 - N0) / (D1 - D0)
    SEEP_PERF_PERCENT_INVERSE,  // 100 (1 - (N1 - N0) / (D1 - D0))
    SEEP_PERF_MULTI,            // 100 ((N1 - N0) / ((D1 - D0) / F)) / M1
    SEEP_PERF_MULTI_INVERSE,    // 100 (M1 - (N1 - N0) / ((D1 - D0) / F)) / M1
    SEEP_PERF_MULTI_100NS,      // 100 ((N1 - N0) / (D1 - D0)) / M1
    SEEP_PERF_MULTI_100NS_INV,  // 100 (M1 - (N1 - N0) / (D1 - D0)) / M1
    SEEP_PERF_SAMPLE_PERCENT,   // 100 (N1 - N0) / (B1 - B0)
    SEEP_PERF_RAW_PERCENT,      // 100 N / B
    SEEP_PERF_AVERAGE_SECONDS,  // ((N1 - N0) / F) / (B1 - B0)
    SEEP_PERF_AVERAGE_QUANTITY, // (N1 - N0) / (B1 - B0)
    SEEP_PERF_ELAPSED,          // (D1 - N1) / F
    SEEP_PERF_NOT_SHOWN,        // bases, text, histograms: no value of their own
};

// One documented counter type.
struct seep_perf_type {
    uint32_t type;
    const char *name; // as in winperf.h
    enum seep_perf_formula formula;
    enum seep_perf_second second;
};

// The raw values of one counter at one time (PDH_RAW_COUNTER holds the same three).
struct seep_perf_raw {
    uint64_t first;  // N
    uint64_t second; // D or B
    uint32_t multi;  // M: number of items of a PERF_MULTI_COUNTER type
};

// Returns the row of `type`, or NULL for a type that is not documented.
const struct seep_perf_type *seep_perf_type_find(uint32_t type);

// Returns whether the formula of `row` needs the sample before.
bool seep_perf_needs_previous(const struct seep_perf_type *row);

// Returns whether `type` is a base, which belongs to the counter before it and is never shown.
bool seep_perf_is_base(uint32_t type);

// Returns whether the raw value of `type` is 64 bits wide; otherwise it is 32.
bool seep_perf_is_large(uint32_t type);

// Computes the value that Perfmon shows.
//   row        the counter's type
//   frequency  F, ticks per second of the time in `second`; used by rates, averages in seconds
//              and elapsed times
//   previous   the sample before, or NULL at the first
//   current    the sample
//   value      in the unit of the counter: per second for rates, seconds, or percent
// Returns false, and leaves `value` alone, where Perfmon shows none: no sample before where one is
// needed, a raw value that went down (PDH_CALC_NEGATIVE_VALUE; a delta shows 0 instead, as
// PerformanceCounterType documents), time that stood still or went back
// (PDH_CALC_NEGATIVE_DENOMINATOR), no frequency, or a type that is not shown. An average over no
// operation at all is 0, as Perfmon writes it for an idle disk.
bool seep_perf_value(const struct seep_perf_type *row, uint64_t frequency,
                     const struct seep_perf_raw *previous, const struct seep_perf_raw *current,
                     double *value);

#endif
