// SPDX-License-Identifier: MIT
// What one series did: how much its floor grew, how surely, since when, and in which shape.
#ifndef SEEP_DETECT_SHAPE_H
#define SEEP_DETECT_SHAPE_H

#include "detect/floor.h"
#include "model/series.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Why growth is or is not the growth of a leak.
enum seep_form {
    SEEP_FORM_SHORT = 0, // too few looks to say
    SEEP_FORM_FLAT,      // no growth to speak of
    SEEP_FORM_RELEASED,  // it grew, and the floor came back
    SEEP_FORM_KNOWN,     // it grew lately, to a level where it had been before
    SEEP_FORM_STEP,      // one step explains it better than steady growth
    SEEP_FORM_STOPPED,   // it grew and stopped: warm-up
    SEEP_FORM_SLOWING,   // it grows, ever more slowly: perhaps warm-up
    SEEP_FORM_GROWING,   // it grows on, and nothing of it is released
};

enum { SEEP_SHAPE_ABOUT = 64, SEEP_SHAPE_COURSE = 24 };

struct seep_shape {
    enum seep_form form;
    size_t n_looks;       // cells of the grid that were seen
    double span_s;        // of the observation
    double first, last;   // levels at the ends of the observation
    double start, growth; // floor where the judged range starts, and how much it rose until the end
    double retained;      // floor at the end above that at the start of the whole observation
    double noise;         // standard deviation of the floor about its line
    double reach;         // its growth if all steps of its floors had gone up; see multiplicity.c
    double p; // of the drift of a healthy series, all ranges and windows paid for; 1 if none
    size_t n_up, n_steps;             // steps between windows that went up, of how many
    double window_s;                  // width of those windows
    double rate, rate_low, rate_high; // per second, with the 95 % interval
    // The line at the end of the observation, and how long before that it would turn if its slope
    // were another one.
    double trend, pivot_s;
    struct seep_wave wave; // the rhythm that goes on about it
    // What else goes up and down about it: means of equal shares of the values above it, in order;
    // and how far apart values are that do not depend on each other, high ones and all of them.
    double about[SEEP_SHAPE_ABOUT];
    double apart_high_s, apart_s;
    int64_t since_ns;                 // when the growth began
    bool warmed_up;                   // faster growth came before `since_ns`
    double course[SEEP_SHAPE_COURSE]; // levels of equal windows of the whole; n_course of them
    size_t n_course;                  // 0 where it does not grow
    size_t n_gaps;
    double gap_s;
};

// The fewest looks at which anything can be said.
enum { SEEP_SHAPE_MIN_LOOKS = 8 };

// The tests are made for noise that wanders like a random walk, under which they keep their p.
// Noise that returns to a level within half of the observation passes them, and the forms, hardly
// ever. So of healthy series only those that wander count: one in five is taken to.
#define SEEP_WALK_SHARE 0.2

void seep_shape_find(const struct seep_grid *grid, struct seep_shape *shape);

// Two p values of the same growth, however they depend on each other, as one (Liu and Xie 2020).
double seep_cauchy_mean(double p, double other);

// Growth of the second half over that of the first below which it is slowing: e^(-T / 2 tau) for a
// warm-up with time constant tau, so 0.5 lets through what tau > 0.72 T does.
#define SEEP_SHAPE_SLOWING 0.5

// The parabola through y at even steps: it grows by slope - curve in the first half and by slope +
// curve in the second. n >= 3.
void seep_parabola(const double *y, size_t n, double *slope, double *curve);

// onset.c: the best split of y over x into two straight lines that meet.
struct seep_knot {
    size_t at;            // window at which they meet
    double before, after; // slopes
    double gain;          // share of the straight line's squared error that the knot takes away
    double error;         // the straight line's standard error
};
// False for n < 8 or constant x.
bool seep_knot_find(const double *x, const double *y, size_t n, struct seep_knot *knot);

// Share of the variation of y that is left by a single step, and by the straight line.
void seep_step_or_line(const double *y, size_t n, double *step_rest, double *line_rest);

#endif
