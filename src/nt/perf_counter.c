// SPDX-License-Identifier: MIT
// Performance counter types and their formulas; see the header for the sources.
#include "nt/perf_counter.h"

#include <stddef.h>

// Bit fields of a counter type, winperf.h.
#define SIZE_MASK 0x00000300u
#define SIZE_LARGE 0x00000100u
#define KIND_MASK 0x00000c00u
#define KIND_COUNTER 0x00000400u
#define SUBKIND_MASK 0x00070000u
#define SUBKIND_BASE 0x00030000u

#define NONE SEEP_PERF_SECOND_NONE
#define TICK SEEP_PERF_SECOND_TICK
#define NS100 SEEP_PERF_SECOND_100NS
#define OBJECT SEEP_PERF_SECOND_OBJECT
#define BASE SEEP_PERF_SECOND_BASE

// Sorted by type, for the binary search.
static const struct seep_perf_type types[] = {
    { 0x00000000u, "PERF_COUNTER_RAWCOUNT_HEX", SEEP_PERF_NUMBER, NONE },
    { 0x00000100u, "PERF_COUNTER_LARGE_RAWCOUNT_HEX", SEEP_PERF_NUMBER, NONE },
    { 0x00000b00u, "PERF_COUNTER_TEXT", SEEP_PERF_NOT_SHOWN, NONE },
    { 0x00010000u, "PERF_COUNTER_RAWCOUNT", SEEP_PERF_NUMBER, NONE },
    { 0x00010100u, "PERF_COUNTER_LARGE_RAWCOUNT", SEEP_PERF_NUMBER, NONE },
    { 0x00400400u, "PERF_COUNTER_DELTA", SEEP_PERF_DELTA, NONE },
    { 0x00400500u, "PERF_COUNTER_LARGE_DELTA", SEEP_PERF_DELTA, NONE },
    { 0x00410400u, "PERF_SAMPLE_COUNTER", SEEP_PERF_RATE, TICK },
    { 0x00450400u, "PERF_COUNTER_QUEUELEN_TYPE", SEEP_PERF_QUEUE, TICK },
    { 0x00450500u, "PERF_COUNTER_LARGE_QUEUELEN_TYPE", SEEP_PERF_QUEUE, TICK },
    { 0x00550500u, "PERF_COUNTER_100NS_QUEUELEN_TYPE", SEEP_PERF_QUEUE, NS100 },
    { 0x00650500u, "PERF_COUNTER_OBJ_TIME_QUEUELEN_TYPE", SEEP_PERF_QUEUE, OBJECT },
    { 0x10410400u, "PERF_COUNTER_COUNTER", SEEP_PERF_RATE, TICK },
    { 0x10410500u, "PERF_COUNTER_BULK_COUNT", SEEP_PERF_RATE, TICK },
    { 0x20020400u, "PERF_RAW_FRACTION", SEEP_PERF_RAW_PERCENT, BASE },
    { 0x20020500u, "PERF_LARGE_RAW_FRACTION", SEEP_PERF_RAW_PERCENT, BASE },
    { 0x20410500u, "PERF_COUNTER_TIMER", SEEP_PERF_PERCENT, TICK },
    { 0x20470500u, "PERF_PRECISION_SYSTEM_TIMER", SEEP_PERF_PERCENT, BASE },
    { 0x20510500u, "PERF_100NSEC_TIMER", SEEP_PERF_PERCENT, NS100 },
    { 0x20570500u, "PERF_PRECISION_100NS_TIMER", SEEP_PERF_PERCENT, BASE },
    { 0x20610500u, "PERF_OBJ_TIME_TIMER", SEEP_PERF_PERCENT, OBJECT },
    { 0x20670500u, "PERF_PRECISION_OBJECT_TIMER", SEEP_PERF_PERCENT, BASE },
    { 0x20c20400u, "PERF_SAMPLE_FRACTION", SEEP_PERF_SAMPLE_PERCENT, BASE },
    { 0x21410500u, "PERF_COUNTER_TIMER_INV", SEEP_PERF_PERCENT_INVERSE, TICK },
    { 0x21510500u, "PERF_100NSEC_TIMER_INV", SEEP_PERF_PERCENT_INVERSE, NS100 },
    { 0x22410500u, "PERF_COUNTER_MULTI_TIMER", SEEP_PERF_MULTI, TICK },
    { 0x22510500u, "PERF_100NSEC_MULTI_TIMER", SEEP_PERF_MULTI_100NS, NS100 },
    { 0x23410500u, "PERF_COUNTER_MULTI_TIMER_INV", SEEP_PERF_MULTI_INVERSE, TICK },
    { 0x23510500u, "PERF_100NSEC_MULTI_TIMER_INV", SEEP_PERF_MULTI_100NS_INV, NS100 },
    { 0x30020400u, "PERF_AVERAGE_TIMER", SEEP_PERF_AVERAGE_SECONDS, BASE },
    { 0x30240500u, "PERF_ELAPSED_TIME", SEEP_PERF_ELAPSED, OBJECT },
    { 0x40000200u, "PERF_COUNTER_NODATA", SEEP_PERF_NOT_SHOWN, NONE },
    { 0x40020500u, "PERF_AVERAGE_BULK", SEEP_PERF_AVERAGE_QUANTITY, BASE },
    { 0x40030401u, "PERF_SAMPLE_BASE", SEEP_PERF_NOT_SHOWN, NONE },
    { 0x40030402u, "PERF_AVERAGE_BASE", SEEP_PERF_NOT_SHOWN, NONE },
    { 0x40030403u, "PERF_RAW_BASE", SEEP_PERF_NOT_SHOWN, NONE },
    { 0x40030500u, "PERF_LARGE_RAW_BASE", SEEP_PERF_NOT_SHOWN, NONE },
    { 0x42030500u, "PERF_COUNTER_MULTI_BASE", SEEP_PERF_NOT_SHOWN, NONE },
    { 0x80000000u, "PERF_COUNTER_HISTOGRAM_TYPE", SEEP_PERF_NOT_SHOWN, NONE },
};

const struct seep_perf_type *seep_perf_type_find(uint32_t type)
{
    size_t low = 0, high = sizeof types / sizeof types[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (types[middle].type == type)
            return &types[middle];
        if (types[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool seep_perf_needs_previous(const struct seep_perf_type *row)
{
    switch (row->formula) {
    case SEEP_PERF_NUMBER:
    case SEEP_PERF_RAW_PERCENT:
    case SEEP_PERF_ELAPSED:
    case SEEP_PERF_NOT_SHOWN:
        return false;
    default:
        return true;
    }
}

bool seep_perf_is_base(uint32_t type)
{
    return (type & KIND_MASK) == KIND_COUNTER && (type & SUBKIND_MASK) == SUBKIND_BASE;
}

bool seep_perf_is_large(uint32_t type)
{
    return (type & SIZE_MASK) == SIZE_LARGE;
}

// The formulas over one sample.
static bool single_value(enum seep_perf_formula formula, double frequency,
                         const struct seep_perf_raw *now, double *value)
{
    switch (formula) {
    case SEEP_PERF_NUMBER:
        *value = (double)now->first;
        return true;
    case SEEP_PERF_RAW_PERCENT:
        if (now->second == 0)
            return false;
        *value = 100.0 * (double)now->first / (double)now->second;
        return true;
    case SEEP_PERF_ELAPSED:
        if (now->second < now->first || frequency <= 0)
            return false;
        *value = (double)(now->second - now->first) / frequency;
        return true;
    default:
        return false;
    }
}

// The formulas over two samples; `n` and `d` are the differences, d > 0.
static double pair_value(enum seep_perf_formula formula, double frequency, double n, double d,
                         double multi)
{
    switch (formula) {
    case SEEP_PERF_RATE:
        return n / (d / frequency);
    case SEEP_PERF_PERCENT:
    case SEEP_PERF_SAMPLE_PERCENT:
        return 100.0 * n / d;
    case SEEP_PERF_PERCENT_INVERSE:
        return 100.0 * (1.0 - n / d);
    case SEEP_PERF_MULTI:
        return 100.0 * (n / (d / frequency)) / multi;
    case SEEP_PERF_MULTI_INVERSE:
        return 100.0 * (multi - n / (d / frequency)) / multi;
    case SEEP_PERF_MULTI_100NS:
        return 100.0 * (n / d) / multi;
    case SEEP_PERF_MULTI_100NS_INV:
        return 100.0 * (multi - n / d) / multi;
    case SEEP_PERF_AVERAGE_SECONDS:
        return n / frequency / d;
    default: // SEEP_PERF_QUEUE, SEEP_PERF_AVERAGE_QUANTITY
        return n / d;
    }
}

static bool uses_frequency(enum seep_perf_formula formula)
{
    return formula == SEEP_PERF_RATE || formula == SEEP_PERF_MULTI ||
           formula == SEEP_PERF_MULTI_INVERSE || formula == SEEP_PERF_AVERAGE_SECONDS;
}

static bool uses_multi(enum seep_perf_formula formula)
{
    return formula >= SEEP_PERF_MULTI && formula <= SEEP_PERF_MULTI_100NS_INV;
}

// The formulas whose denominator counts operations: nothing over nothing shows as 0.
static bool counts_operations(enum seep_perf_formula formula)
{
    return formula == SEEP_PERF_AVERAGE_SECONDS || formula == SEEP_PERF_AVERAGE_QUANTITY ||
           formula == SEEP_PERF_SAMPLE_PERCENT;
}

bool seep_perf_value(const struct seep_perf_type *row, uint64_t frequency,
                     const struct seep_perf_raw *previous, const struct seep_perf_raw *current,
                     double *value)
{
    if (!seep_perf_needs_previous(row))
        return single_value(row->formula, (double)frequency, current, value);
    if (previous == NULL)
        return false;
    if (row->formula == SEEP_PERF_DELTA) {
        *value =
            current->first < previous->first ? 0.0 : (double)(current->first - previous->first);
        return true;
    }
    if (current->first < previous->first || current->second < previous->second)
        return false;
    if (uses_frequency(row->formula) && frequency == 0)
        return false;
    if (uses_multi(row->formula) && current->multi == 0)
        return false;
    uint64_t n = current->first - previous->first;
    uint64_t d = current->second - previous->second;
    if (d == 0) {
        if (n != 0 || !counts_operations(row->formula))
            return false;
        *value = 0.0;
        return true;
    }
    double result =
        pair_value(row->formula, (double)frequency, (double)n, (double)d, (double)current->multi);
    if (result < 0.0)
        return false;
    *value = result;
    return true;
}
