// SPDX-License-Identifier: MIT
// The generator is the same for the same seed and keeps its own word; and a reduced grid of the
// operating characteristic stays within its margins.
#include "testkit.h"

#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t digest(const struct oc_case *c)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < c->looks.count; i++) {
        uint64_t parts[2] = { (uint64_t)c->looks.at[i].t_ns, (uint64_t)c->looks.at[i].value };
        for (size_t k = 0; k < 2; k++)
            h = (h ^ parts[k]) * UINT64_C(1099511628211);
    }
    return h;
}

static void the_same_seed_gives_the_same_series(void **state)
{
    (void)state;
    struct oc_case a = { 0 }, b = { 0 };
    const struct oc_observation *o = &oc_observations[3];
    for (size_t f = 0; f < oc_n_families + oc_n_held_out; f++) {
        const struct oc_family *family =
            f < oc_n_families ? &oc_families[f] : &oc_held_out[f - oc_n_families];
        oc_generate(family, o, OC_MEDIUM, 7, 0, &a);
        oc_generate(family, o, OC_MEDIUM, 7, 0, &b);
        assert_true(a.looks.count > o->n / 4 && a.looks.count <= o->n);
        assert_true(digest(&a) == digest(&b));
        oc_generate(family, o, OC_MEDIUM, 8, 0, &b);
        assert_true(digest(&a) != digest(&b));
    }
    oc_case_clear(&a);
    oc_case_clear(&b);
}

// The truth is what the series does: where the noise is small, its ends differ by the growth.
static void the_truth_is_that_of_the_series(void **state)
{
    (void)state;
    struct oc_case c = { 0 };
    static const char *const exact[] = { "leak: line", "leak: curved", "leak: accelerating",
                                         "leak: begins midway", "leak: steps" };
    for (size_t f = 0; f < oc_n_families + oc_n_held_out; f++) {
        const struct oc_family *family =
            f < oc_n_families ? &oc_families[f] : &oc_held_out[f - oc_n_families];
        for (size_t o = 0; o < oc_n_observations; o++) {
            for (uint64_t seed = 1; seed <= 3; seed++) {
                oc_generate(family, &oc_observations[o], OC_EASY, seed, 0, &c);
                assert_true(c.truth.leaks == family->leaks);
                assert_true(!c.truth.leaks || c.truth.rate_per_s > 0 || !c.truth.judgeable);
                for (size_t i = 0; i < c.looks.count; i++)
                    assert_true(c.looks.at[i].value >= 0 && c.life[i] < c.n_lives);
                for (size_t k = 0; k < sizeof exact / sizeof *exact; k++) {
                    if (strcmp(family->name, exact[k]) != 0)
                        continue;
                    double grown = c.looks.at[c.looks.count - 1].value - c.looks.at[0].value;
                    double last_step = c.truth.growth * 2.2 / oc_observations[o].n;
                    if (k == 4) // steps: one may be about to come
                        last_step = c.truth.growth / 5;
                    assert_true(fabs(grown - c.truth.growth) <
                                last_step + 8 * c.truth.noise_sd + 70000);
                }
            }
        }
    }
    oc_case_clear(&c);
}

static void the_limit_is_reached_when_the_truth_says(void **state)
{
    (void)state;
    struct oc_case c = { 0 };
    oc_generate(&oc_families[0], &oc_observations[6], OC_EASY, 3, 2, &c);
    assert_string_equal(c.family->name, "leak: line");
    double span_s = c.observation->n * c.observation->tick_s;
    // Twice the growth takes twice the time; noise reaches it a little sooner.
    assert_true(c.limit_after_s > 1.8 * span_s && c.limit_after_s < 2.1 * span_s);
    oc_case_clear(&c);
}

// A few runs of three lengths; docs/detection.md has all of them.
static void the_reduced_grid_stays_within_its_margins(void **state)
{
    (void)state;
    static struct oc_grid grid;
    struct oc_options options = { .runs = 8, .first_seed = 31, .companions = 4 };
    static const struct {
        const char *observation;
        double precision, recall;
    } rows[] = {
        { "10 at 60 s", 0.99, 0.55 },
        { "4 h at 60 s", 0.99, 0.80 },
        { "1 d at 60 s", 0.99, 0.82 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        options.observation = rows[i].observation;
        for (int held_out = 0; held_out < 2; held_out++) {
            if (held_out)
                oc_grid_run(&options, oc_held_out, oc_n_held_out, &grid);
            else
                oc_grid_run(&options, oc_families, oc_n_families, &grid);
            struct oc_confusion c = oc_confusion_of(&grid, oc_n_observations, -1);
            struct oc_share precision = oc_precision(&c), recall = oc_recall(&c);
            print_message("%s, %s: precision %.3f, recall %.3f of %u leaks\n", rows[i].observation,
                          held_out ? "hold-out" : "families", precision.value, recall.value,
                          (unsigned)(c.tp + c.fn));
            assert_true(precision.value >= rows[i].precision);
            assert_true(recall.value >= rows[i].recall);
            assert_true(c.fp * 100 <= c.fp + c.tn);
            // The others were asked about the same series.
            for (int r = 0; r < OC_N_REFERENCES; r++) {
                struct oc_confusion other = oc_confusion_of(&grid, oc_n_observations, r);
                assert_true(other.tp + other.fn == c.tp + c.fn);
            }
            oc_grid_clear(&grid);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_series),
        cmocka_unit_test(the_truth_is_that_of_the_series),
        cmocka_unit_test(the_limit_is_reached_when_the_truth_says),
        cmocka_unit_test(the_reduced_grid_stays_within_its_margins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
