// SPDX-License-Identifier: MIT
// Counting, intervals, and tables as aligned text or as Markdown.
#ifndef SEEP_BENCH_OC_TALLY_H
#define SEEP_BENCH_OC_TALLY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A share with Wilson's 95 % interval (Wilson 1927). n = 0: all NaN.
struct oc_share {
    double value, low, high;
};
struct oc_share oc_share_of(uint64_t hits, uint64_t n);

// How a detector did: true and false positives and negatives.
struct oc_confusion {
    uint64_t tp, fp, tn, fn;
};
void oc_confusion_add(struct oc_confusion *sum, const struct oc_confusion *more);
struct oc_share oc_precision(const struct oc_confusion *c);
struct oc_share oc_recall(const struct oc_confusion *c);
// Its interval by resampling: 2,000 draws of hits among leaks and alarms among others.
struct oc_share oc_f1(const struct oc_confusion *c);

// Numbers of which quantiles are asked.
struct oc_values {
    double *at;
    size_t count, capacity;
};
void oc_values_add(struct oc_values *values, double value);
double oc_quantile(struct oc_values *values, double share); // NaN for none
void oc_values_clear(struct oc_values *values);

// A table: the head, then rows of cells; printed at the end.
void oc_table_begin(const char *title, bool markdown);
void oc_cell(const char *format, ...) SEEP_PRINTF(1, 2);
void oc_cell_share(const struct oc_share *share, bool with_interval);
void oc_row_end(void);
void oc_table_end(void);

#endif
