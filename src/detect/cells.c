// SPDX-License-Identifier: MIT
// A series of any length on a bounded number of cells.
#include "detect/cells.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

// Spans are below 2^64 ns, so cells of 2^53 are wide enough.
#define WIDEST (UINT64_C(1) << 53)
static_assert(SEEP_CELLS_MAX == 2048, "the widest cells hold any span");

static bool fits(uint64_t span_ns, uint64_t width_ns)
{
    return span_ns == 0 || (span_ns - 1) / width_ns < SEEP_CELLS_MAX;
}

void seep_cells_begin(struct seep_cells *cells, int64_t start_ns, double value, uint64_t span_ns)
{
    cells->start_ns = start_ns;
    cells->width_ns = 1;
    cells->covered_ns = 0;
    cells->first = value;
    cells->value = value;
    cells->n = 0;
    while (cells->width_ns < WIDEST && !fits(span_ns, cells->width_ns))
        cells->width_ns *= 2;
}

// The last cell as it stands.
static void close_last(struct seep_cells *cells)
{
    size_t last = cells->n - 1;
    uint64_t covered = cells->covered_ns - last * cells->width_ns;
    cells->low[last] = (float)cells->open_low;
    cells->mean[last] = (float)(cells->open_area / (double)covered);
}

static void join_pairs(struct seep_cells *cells)
{
    size_t n = cells->n;
    if (n % 2 == 0 && n) { // the open cell has a neighbour on its left
        cells->open_low = fmin(cells->open_low, (double)cells->low[n - 2]);
        cells->open_area += (double)cells->mean[n - 2] * (double)cells->width_ns;
    }
    for (size_t i = 0; 2 * i + 1 < n; i++) {
        cells->low[i] = fminf(cells->low[2 * i], cells->low[2 * i + 1]);
        cells->mean[i] = (cells->mean[2 * i] + cells->mean[2 * i + 1]) / 2;
    }
    cells->n = (n + 1) / 2;
    cells->width_ns *= 2;
    if (cells->n)
        close_last(cells);
}

void seep_cells_hold(struct seep_cells *cells, int64_t t_ns)
{
    if (t_ns <= cells->start_ns)
        return;
    uint64_t to = (uint64_t)t_ns - (uint64_t)cells->start_ns;
    if (to <= cells->covered_ns)
        return;
    double value = cells->value - cells->first;
    while (cells->width_ns < WIDEST && !fits(to, cells->width_ns))
        join_pairs(cells);
    while (cells->covered_ns < to) {
        uint64_t at = cells->covered_ns, left = cells->width_ns - at % cells->width_ns;
        uint64_t step = left < to - at ? left : to - at;
        if ((size_t)(at / cells->width_ns) == cells->n) {
            cells->n++;
            cells->open_low = value;
            cells->open_area = 0;
        }
        cells->open_low = fmin(cells->open_low, value);
        cells->open_area += value * (double)step;
        cells->covered_ns += step;
        close_last(cells);
    }
}

void seep_cells_add(struct seep_cells *cells, int64_t t_ns, double value)
{
    seep_cells_hold(cells, t_ns);
    cells->value = value;
}
