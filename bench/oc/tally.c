// SPDX-License-Identifier: MIT
// Counting, intervals and tables.
#include "tally.h"

#include "base/alloc.h"
#include "detect/trend.h"
#include "series_gen.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct oc_share oc_share_of(uint64_t hits, uint64_t n)
{
    const double z = 1.959964;
    if (n == 0)
        return (struct oc_share){ NAN, NAN, NAN };
    double m = (double)n, p = (double)hits / m, d = 1 + z * z / m;
    double middle = (p + z * z / (2 * m)) / d;
    double half = z * sqrt(p * (1 - p) / m + z * z / (4 * m * m)) / d;
    return (struct oc_share){ p, fmax(middle - half, 0), fmin(middle + half, 1) };
}

void oc_confusion_add(struct oc_confusion *sum, const struct oc_confusion *more)
{
    sum->tp += more->tp;
    sum->fp += more->fp;
    sum->tn += more->tn;
    sum->fn += more->fn;
}

struct oc_share oc_precision(const struct oc_confusion *c)
{
    return oc_share_of(c->tp, c->tp + c->fp);
}

struct oc_share oc_recall(const struct oc_confusion *c)
{
    return oc_share_of(c->tp, c->tp + c->fn);
}

static double f1(double tp, double fp, double fn)
{
    return tp > 0 ? 2 * tp / (2 * tp + fp + fn) : 0;
}

// A binomial draw, by the normal where that is good enough for an interval.
static double binomial(struct gen_random *random, double n, double p)
{
    double mean = n * p, sd = sqrt(n * p * (1 - p));
    if (mean > 30 && n - mean > 30)
        return fmin(fmax(floor(mean + sd * gen_normal(random) + 0.5), 0), n);
    double hits = 0;
    for (double i = 0; i < n; i++)
        hits += gen_uniform(random) < p;
    return hits;
}

struct oc_share oc_f1(const struct oc_confusion *c)
{
    double leaks = (double)(c->tp + c->fn), others = (double)(c->fp + c->tn);
    struct oc_share share = { NAN, NAN, NAN };
    if (!(leaks > 0))
        return share;
    struct gen_random random = { 1 };
    struct oc_values draws = { 0 };
    for (int i = 0; i < 2000; i++) {
        double tp = binomial(&random, leaks, (double)c->tp / leaks);
        double fp = others > 0 ? binomial(&random, others, (double)c->fp / others) : 0;
        oc_values_add(&draws, f1(tp, fp, leaks - tp));
    }
    share.value = f1((double)c->tp, (double)c->fp, (double)c->fn);
    share.low = oc_quantile(&draws, 0.025);
    share.high = oc_quantile(&draws, 0.975);
    oc_values_clear(&draws);
    return share;
}

static void out_of_memory(void)
{
    (void)fprintf(stderr, "out of memory\n");
    abort();
}

void oc_values_add(struct oc_values *values, double value)
{
    if (!seep_grow(&values->at, &values->capacity, values->count + 1, sizeof *values->at))
        out_of_memory();
    values->at[values->count++] = value;
}

double oc_quantile(struct oc_values *values, double share)
{
    if (values->count == 0)
        return NAN;
    size_t k = (size_t)(share * (double)(values->count - 1) + 0.5);
    return seep_select(values->at, values->count, k);
}

void oc_values_clear(struct oc_values *values)
{
    seep_free(values->at);
    *values = (struct oc_values){ 0 };
}

enum { MAX_COLUMNS = 24, MAX_ROWS = 128, CELL = 120 };
static struct {
    char cells[MAX_ROWS][MAX_COLUMNS][CELL];
    size_t n_rows, n_columns, column;
    bool markdown;
} table;

void oc_table_begin(const char *title, bool markdown)
{
    table.n_rows = table.n_columns = table.column = 0;
    table.markdown = markdown;
    memset(table.cells, 0, sizeof table.cells);
    printf(markdown ? "\n**%s**\n\n" : "\n%s\n", title);
}

void oc_cell(const char *format, ...)
{
    va_list args;
    if (table.n_rows >= MAX_ROWS || table.column >= MAX_COLUMNS)
        return;
    va_start(args, format);
    (void)vsnprintf(table.cells[table.n_rows][table.column++], CELL, format, args);
    va_end(args);
    if (table.column > table.n_columns)
        table.n_columns = table.column;
}

// With as many digits as keep it from looking like never or always.
static const char *percent(double share, char text[16])
{
    double edge = fmin(share, 1 - share);
    int digits = edge < 1e-9 ? 0 : edge < 0.005 ? 2 : 1;
    (void)snprintf(text, 16, "%.*f", digits, share * 100);
    return text;
}

void oc_cell_share(const struct oc_share *share, bool with_interval)
{
    char a[16], b[16], c[16];
    if (share->value != share->value)
        oc_cell("-");
    else if (with_interval)
        oc_cell("%s (%s-%s)", percent(share->value, a), percent(share->low, b),
                percent(share->high, c));
    else
        oc_cell("%s", percent(share->value, a));
}

void oc_row_end(void)
{
    if (table.n_rows < MAX_ROWS)
        table.n_rows++;
    table.column = 0;
}

void oc_table_end(void)
{
    size_t width[MAX_COLUMNS] = { 0 };
    for (size_t r = 0; r < table.n_rows; r++) {
        for (size_t k = 0; k < table.n_columns; k++) {
            size_t n = strlen(table.cells[r][k]);
            width[k] = n > width[k] ? n : width[k];
        }
    }
    for (size_t r = 0; r < table.n_rows; r++) {
        for (size_t k = 0; k < table.n_columns; k++) {
            const char *cell = table.cells[r][k];
            if (table.markdown)
                printf("| %s ", cell);
            else if (k == 0)
                printf("%-*s", (int)width[k], cell);
            else
                printf("  %*s", (int)width[k], cell);
        }
        printf(table.markdown ? "|\n" : "\n");
        for (size_t k = 0; table.markdown && r == 0 && k < table.n_columns; k++)
            printf("|---%s", k + 1 == table.n_columns ? "|\n" : "");
    }
    (void)fflush(stdout);
}
