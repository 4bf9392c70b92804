// SPDX-License-Identifier: MIT
// A series of any length on a bounded number of cells of equal width, filled as points come.
//
// The width is a power of two of nanoseconds. When the cells are used up, neighbours are joined and
// the width doubles; so the width follows from the time covered alone, and what was asked in
// between leaves no trace. Storage is constant, and so is the mean cost of a point: a doubling
// touches 1,024 pairs and comes after at least as many new cells.
//
// Values are kept as single-precision differences from the first one: the error is below 2^-20 of
// the change, and a quarter of the storage of doubles and times is enough.
#ifndef SEEP_DETECT_CELLS_H
#define SEEP_DETECT_CELLS_H

#include <stddef.h>
#include <stdint.h>

// Four times the cells of a grid, so that the grid's even cells of any width can be made of them.
enum { SEEP_CELLS_MAX = 2048 };

struct seep_cells {
    int64_t start_ns;
    uint64_t width_ns;
    uint64_t covered_ns;        // since the start
    double first;               // what `low` and `mean` are counted from
    double value;               // held from covered_ns on
    size_t n;                   // cells that are covered, the last one perhaps in part
    double open_low, open_area; // of the last one: least value, and value times nanoseconds
    float low[SEEP_CELLS_MAX];  // the least value held in it
    float mean[SEEP_CELLS_MAX]; // over time
};

// Starts with `value` at `start_ns`; `span_ns` is what is expected (0 = unknown) and only saves
// doublings.
void seep_cells_begin(struct seep_cells *cells, int64_t start_ns, double value, uint64_t span_ns);

// Holds the last value until `t_ns`. Times before what is covered already change nothing.
void seep_cells_hold(struct seep_cells *cells, int64_t t_ns);

// Holds it until `t_ns`, and `value` from there on.
void seep_cells_add(struct seep_cells *cells, int64_t t_ns, double value);

#endif
