// SPDX-License-Identifier: MIT
// Tests of the statistics of the detectors, each against a plain reference or a known value.
#include "testkit.h"

#include "detect/judge.h"
#include "series_gen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void kendall_agrees_with_counting_pairs(void **state)
{
    (void)state;
    struct gen_random random = { 7 };
    static double y[700];
    for (size_t n = 0; n < 700; n = n * 5 / 4 + 1) {
        for (int ties = 0; ties < 3; ties++) {
            for (size_t i = 0; i < n; i++)
                y[i] = ties ? floor(gen_uniform(&random) * 6 / ties) + (double)i / 100 * (ties == 2)
                            : gen_normal(&random);
            double s = 0, tied = 0, pairs = (double)n * ((double)n - 1) / 2;
            for (size_t i = 0; i < n; i++) {
                for (size_t k = i + 1; k < n; k++) {
                    s += (y[k] > y[i]) - (y[k] < y[i]);
                    tied += y[k] == y[i];
                }
            }
            struct seep_kendall got;
            assert_true(seep_kendall(y, n, &got));
            assert_float_equal(got.s, s, 0);
            double tau = pairs > tied ? s / sqrt(pairs * (pairs - tied)) : 0;
            assert_true(fabs(got.tau_b - tau) < 1e-12);
        }
    }
    // Kendall 1975: n = 4 without ties has the variance 4 * 3 * 13 / 18.
    const double four[] = { 1, 2, 3, 4 }, tied[] = { 1, 1, 2, 2 };
    struct seep_kendall got;
    assert_true(seep_kendall(four, 4, &got));
    assert_true(fabs(got.variance - 156.0 / 18) < 1e-12 && got.tau_b == 1);
    assert_true(seep_kendall(tied, 4, &got));
    assert_true(fabs(got.variance - (156.0 - 18 - 18) / 18) < 1e-12);
}

static void theil_sen_agrees_with_all_pairs(void **state)
{
    (void)state;
    struct gen_random random = { 11 };
    double x[SEEP_SLOPE_EXACT], y[SEEP_SLOPE_EXACT];
    static double slopes[SEEP_SLOPE_EXACT * SEEP_SLOPE_EXACT];
    for (size_t n = 2; n <= SEEP_SLOPE_EXACT; n += 3) {
        double t = 0;
        size_t m = 0;
        for (size_t i = 0; i < n; i++) {
            t += 0.1 + gen_uniform(&random);
            x[i] = t;
            y[i] = 3 * t + gen_normal(&random) + (gen_uniform(&random) < 0.1 ? 50 : 0);
        }
        for (size_t i = 0; i < n; i++) {
            for (size_t k = i + 1; k < n; k++)
                slopes[m++] = (y[k] - y[i]) / (x[k] - x[i]);
        }
        qsort(slopes, m, sizeof *slopes, by_value);
        double median = m % 2 ? slopes[m / 2] : (slopes[m / 2 - 1] + slopes[m / 2]) / 2;
        struct seep_slope got;
        assert_true(seep_theil_sen(x, y, n, 1, 1.96, &got));
        assert_true(fabs(got.slope - median) <= 1e-12 * fabs(median));
        assert_true(got.low <= got.slope && got.slope <= got.high);
    }
    struct seep_slope got;
    const double same[] = { 5, 5, 5 };
    assert_false(seep_theil_sen(x, y, 1, 1, 1.96, &got));
    assert_false(seep_theil_sen(same, y, 3, 1, 1.96, &got));
}

static void theil_sen_interval_covers_the_slope(void **state)
{
    (void)state;
    struct gen_random random = { 3 };
    double x[400], y[400];
    unsigned covered = 0, runs = 400;
    for (unsigned r = 0; r < runs; r++) {
        for (size_t i = 0; i < 400; i++) {
            x[i] = (double)i;
            y[i] = 0.01 * (double)i + gen_normal(&random);
        }
        struct seep_slope got;
        assert_true(seep_theil_sen(x, y, 400, 1, 1.96, &got)); // reduced to medians
        covered += got.low <= 0.01 && got.high >= 0.01;
    }
    assert_in_range(covered, runs * 90 / 100, runs * 99 / 100);
}

// Quantiles from Student's tables.
static void student_agrees_with_the_tables(void **state)
{
    (void)state;
    const struct {
        double t, df, p;
    } rows[] = { { 12.706, 1, 0.025 }, { 2.571, 5, 0.025 },   { 2.228, 10, 0.025 },
                 { 2.764, 10, 0.01 },  { 3.646, 30, 0.0005 }, { 1.980, 120, 0.025 },
                 { 0, 7, 0.5 },        { -1.812, 10, 0.95 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(fabs(seep_student_tail(rows[i].t, rows[i].df) - rows[i].p) <
                    0.0005 * rows[i].p + 0.00005);
    // Far out: one degree of freedom is Cauchy's distribution, 1/(pi t).
    assert_true(fabs(seep_student_tail(1e6, 1) * 3.14159265358979 * 1e6 - 1) < 1e-6);
}

static void steps_are_counted_not_their_height(void **state)
{
    (void)state;
    double y[30] = { 0 };
    struct seep_drift drift;
    for (size_t i = 11; i < 30; i++)
        y[i] = 1e12; // one jump
    assert_true(seep_drift_steps(y, NULL, 30, &drift));
    assert_true(fabs(drift.t - 1) < 1e-9);
    for (size_t i = 0; i < 30; i++)
        y[i] = 7.0 * (double)i; // 29 equal steps
    assert_true(seep_drift_steps(y, NULL, 30, &drift));
    assert_true(fabs(drift.t - 29) < 1e-9 && drift.p < 1e-20);
    assert_true(seep_drift_steps(y, NULL, 4, &drift));
    assert_true(drift.p > 0.01); // three steps prove nothing
    bool broken[30] = { false };
    for (size_t i = 10; i < 30; i++)
        y[i] += i == 10 ? 0 : 1e9; // a jump inside a gap
    broken[11] = true;
    assert_true(seep_drift_steps(y, broken, 30, &drift));
    assert_true(fabs(drift.t - 28) < 1e-9);
    assert_false(seep_drift_steps(y, NULL, 1, &drift));
}

// The size of both tests under their null hypotheses: white noise, autocorrelated noise, a walk,
// and a walk under white noise.
static void drift_tests_keep_their_size(void **state)
{
    (void)state;
    struct gen_random random = { 5 };
    const double phis[] = { 0, 0.5, 0.9, 1 };
    enum { RUNS = 4000 };
    for (int white = 0; white < 2; white++) {
        for (size_t k = 0; k < 4; k++) {
            unsigned steps = 0, rare = 0, stationary = 0;
            for (unsigned r = 0; r < RUNS; r++) {
                double y[128], v = 0;
                for (size_t i = 0; i < 128; i++) {
                    v = phis[k] * v + gen_normal(&random) * (white ? 0.5 : 1);
                    y[i] = v + (white ? gen_normal(&random) : 0);
                }
                struct seep_drift drift;
                assert_true(seep_drift_steps(y, NULL, 24, &drift));
                steps += drift.p < 0.05;
                rare += drift.p < 0.001;
                stationary += seep_drift_stationary(y, NULL, 128, &drift) && drift.p < 0.001;
            }
            print_message(
                "phi %.1f %s: steps %.4f at 0.05, %.4f at 0.001; stationary %.4f at 0.001\n",
                phis[k], white ? "+ white" : "       ", (double)steps / RUNS, (double)rare / RUNS,
                (double)stationary / RUNS);
            assert_true(steps <= RUNS * 0.065);
            assert_true(rare <= RUNS * 0.002 + 2);
            assert_true(stationary <= RUNS * 0.012); // the walk under noise is the worst
        }
    }
}

static void adjusted_p_is_benjamini_and_hochbergs(void **state)
{
    (void)state;
    const double p[] = { 0.01, 0.04, 0.03, 0.005, 1 };
    double q[5];
    assert_true(seep_adjust_p(p, 5, q));
    const double want[] = { 0.025, 0.05, 0.05, 0.025, 1 };
    for (size_t i = 0; i < 5; i++)
        assert_true(fabs(q[i] - want[i]) < 1e-12);
    assert_true(seep_adjust_p(p, 0, q));
    // Against the definition: q_i = min over j with p_j >= p_i of p_j n / rank_j.
    struct gen_random random = { 9 };
    double many[200], got[200];
    for (size_t i = 0; i < 200; i++)
        many[i] = floor(gen_uniform(&random) * 50) / 50;
    assert_true(seep_adjust_p(many, 200, got));
    for (size_t i = 0; i < 200; i++) {
        double least = 1;
        for (size_t j = 0; j < 200; j++) {
            double rank = 0;
            for (size_t k = 0; k < 200; k++)
                rank += many[k] <= many[j];
            if (many[j] >= many[i])
                least = fmin(least, many[j] * 200 / rank);
        }
        assert_true(fabs(got[i] - least) < 1e-12);
    }
}

#define S INT64_C(1000000000)

static void values_are_held_between_points(void **state)
{
    (void)state;
    static struct seep_grid grid;
    // 10 for 90 s, 20 for 10 s: as many points of either must not matter.
    struct seep_point points[] = { { 0, 10 },      { 90 * S, 20 }, { 91 * S, 20 },
                                   { 92 * S, 20 }, { 95 * S, 20 }, { 100 * S, 20 } };
    assert_true(seep_grid_build(points, 6, 0, 100 * S, S, NULL, &grid));
    assert_int_equal(grid.n, 101);
    double sum = 0;
    for (size_t i = 0; i < grid.n; i++)
        sum += grid.low[i];
    assert_true(fabs(sum - (90 * 10 + 11 * 20)) <= 10);
    // Many more looks than cells: the mean over time, and the least.
    struct seep_points many = { 0 };
    for (int i = 0; i < 20000; i++)
        assert_true(seep_points_add(&many, i * S, i % 10 == 3 ? 5 : 15));
    assert_true(seep_grid_build(many.at, many.count, 0, 19999 * S, S, NULL, &grid));
    assert_int_equal(grid.n, SEEP_TREND_MAX);
    for (size_t i = 0; i < grid.n; i++) {
        assert_true(grid.low[i] == 5);
        assert_true(fabs(grid.level[i] - 14) < 0.5);
    }
    seep_points_clear(&many);
    assert_false(seep_grid_build(points, 0, 0, S, S, NULL, &grid));
    assert_false(seep_grid_build(points, 6, 200 * S, 100 * S, S, NULL, &grid));
}

static void gaps_and_dips_are_no_evidence(void **state)
{
    (void)state;
    static struct seep_grid grid;
    struct seep_points points = { 0 };
    for (int i = 0; i < 200; i++) {
        if (i < 80 || i >= 150)
            assert_true(seep_points_add(&points, i * S, 100 + i + (i % 3)));
    }
    points.at[20].value = 0; // a sample that failed
    assert_true(seep_grid_build(points.at, points.count, 0, 199 * S, S, NULL, &grid));
    assert_int_equal(grid.n_gaps, 1);
    assert_in_range(grid.n, 128, 132);
    assert_true(grid.low[20] > 100);
    unsigned broken = 0;
    for (size_t i = 0; i < grid.n; i++)
        broken += grid.broken[i];
    assert_int_equal(broken, 1);
    seep_points_clear(&points);
}

static void a_wrap_is_told_from_a_fall(void **state)
{
    (void)state;
    struct seep_point points[100];
    for (int i = 0; i < 100; i++)
        points[i] = (struct seep_point){ i * S, fmod(4294967296.0 - 5e6 + 1e5 * i, 4294967296.0) };
    assert_int_equal(seep_unwrap32(points, 100), 1);
    for (int i = 1; i < 100; i++)
        assert_true(points[i].value > points[i - 1].value);
    for (int i = 0; i < 100; i++) // released, not wrapped
        points[i].value = i < 60 ? 4.2e9 - 1e5 * (60 - i) : 2e8;
    assert_int_equal(seep_unwrap32(points, 100), 0);
    for (int i = 0; i < 100; i++) // a 64-bit counter
        points[i].value = i < 60 ? 5e9 : 1e6;
    assert_int_equal(seep_unwrap32(points, 100), 0);
}

static void the_knot_is_found(void **state)
{
    (void)state;
    struct gen_random random = { 21 };
    double x[64], y[64];
    for (size_t i = 0; i < 64; i++) {
        x[i] = 60.0 * (double)i;
        y[i] = 1e9 + (i > 40 ? 5e4 * ((double)i - 40) : 0) + 1e3 * gen_normal(&random);
    }
    struct seep_knot knot;
    assert_true(seep_knot_find(x, y, 64, &knot));
    assert_in_range(knot.at, 38, 42);
    assert_true(fabs(knot.after - 5e4 / 60) < 20 && fabs(knot.before) < 20 && knot.gain > 0.9);
    double step_rest, line_rest;
    for (size_t i = 0; i < 64; i++)
        y[i] = i < 20 ? 3 : 8;
    seep_step_or_line(y, 64, &step_rest, &line_rest);
    assert_true(step_rest < 1e-12 && line_rest > 0.2);
    for (size_t i = 0; i < 64; i++)
        y[i] = (double)i;
    seep_step_or_line(y, 64, &step_rest, &line_rest);
    assert_true(line_rest < 1e-12 && step_rest > 0.2);
}

static void the_rhythm_of_a_day_is_taken_out(void **state)
{
    (void)state;
    static struct seep_grid grid;
    struct seep_points points = { 0 };
    struct seep_wave wave;
    for (int i = 0; i < 5 * 1440; i++) // 100 a day under a rhythm of +-300
        assert_true(seep_points_add(&points, i * 60 * S,
                                    5000 + i / 14.4 + 300 * sin(6.283185307179586 * i / 1440 + 1)));
    assert_true(seep_grid_build(points.at, points.count, 0, points.at[points.count - 1].t_ns,
                                60 * S, NULL, &grid));
    assert_true(seep_grid_remove_rhythm(&grid, &wave));
    for (size_t i = 0; i < grid.n; i++) {
        double line = 5000 + (double)grid.t_ns[i] / (60.0 * 1e9) / 14.4;
        assert_true(fabs(grid.level[i] - line) < 5);
    }
    assert_true(wave.known && wave.common > 0.02 && wave.common < 0.05);
    for (int i = 0; i < 48; i++) // it goes on after the observation
        assert_true(fabs(seep_wave_at(&wave, 5 * 86400 + i * 1800) -
                         300 * sin(6.283185307179586 * i / 48 + 1)) < 5);
    assert_false(seep_grid_remove_rhythm(&grid, &wave)); // none is left
    seep_points_clear(&points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kendall_agrees_with_counting_pairs),
        cmocka_unit_test(theil_sen_agrees_with_all_pairs),
        cmocka_unit_test(theil_sen_interval_covers_the_slope),
        cmocka_unit_test(student_agrees_with_the_tables),
        cmocka_unit_test(steps_are_counted_not_their_height),
        cmocka_unit_test(drift_tests_keep_their_size),
        cmocka_unit_test(adjusted_p_is_benjamini_and_hochbergs),
        cmocka_unit_test(values_are_held_between_points),
        cmocka_unit_test(gaps_and_dips_are_no_evidence),
        cmocka_unit_test(a_wrap_is_told_from_a_fall),
        cmocka_unit_test(the_knot_is_found),
        cmocka_unit_test(the_rhythm_of_a_day_is_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
