// SPDX-License-Identifier: MIT
// Tests of the counter types and their formulas.
#include "testkit.h"

#include "nt/perf_counter.h"

struct formula_row {
    uint32_t type;
    uint64_t frequency;
    struct seep_perf_raw before, now;
    bool shown;
    double value;
};

// One row or more per formula; the numbers are worked out by hand from the documented formula.
static const struct formula_row rows[] = {
    { 0x00010000, 0, { 0 }, { 7, 0, 0 }, true, 7 },
    { 0x00000100, 0, { 0 }, { UINT64_C(1) << 40, 0, 0 }, true, 1099511627776.0 },
    { 0x00400400, 0, { 10, 0, 0 }, { 15, 0, 0 }, true, 5 },
    { 0x00400400, 0, { 15, 0, 0 }, { 10, 0, 0 }, true, 0 }, // a delta that fell shows 0
    { 0x10410400, 1000, { 10, 0, 0 }, { 30, 2000, 0 }, true, 10 },
    { 0x10410400, 1000, { 30, 0, 0 }, { 10, 2000, 0 }, false, 0 },    // wrapped or restarted
    { 0x10410400, 1000, { 10, 2000, 0 }, { 30, 2000, 0 }, false, 0 }, // time stood still
    { 0x10410400, 1000, { 10, 3000, 0 }, { 30, 2000, 0 }, false, 0 }, // time went back
    { 0x10410400, 0, { 10, 0, 0 }, { 30, 2000, 0 }, false, 0 },       // no frequency
    { 0x10410500, 1000, { 0, 0, 0 }, { 5000, 2000, 0 }, true, 2500 },
    { 0x00450500, 1000, { 0, 0, 0 }, { 500, 1000, 0 }, true, 0.5 },
    { 0x20410500, 1000, { 0, 0, 0 }, { 500, 2000, 0 }, true, 25 },
    { 0x21410500, 1000, { 0, 0, 0 }, { 500, 2000, 0 }, true, 75 },
    { 0x20510500, 0, { 0, 0, 0 }, { 25, 100, 0 }, true, 25 },
    { 0x21510500, 0, { 0, 0, 0 }, { 25, 100, 0 }, true, 75 },
    { 0x21510500, 0, { 0, 0, 0 }, { 150, 100, 0 }, false, 0 }, // PDH_CALC_NEGATIVE_VALUE
    { 0x22410500, 1000, { 0, 0, 4 }, { 1, 2000, 4 }, true, 12.5 },
    { 0x23410500, 1000, { 0, 0, 4 }, { 1, 2000, 4 }, true, 87.5 },
    { 0x22510500, 0, { 0, 0, 4 }, { 100, 100, 4 }, true, 25 },
    { 0x23510500, 0, { 0, 0, 4 }, { 100, 100, 4 }, true, 75 },
    { 0x22510500, 0, { 0, 0, 0 }, { 100, 100, 0 }, false, 0 }, // of no items
    { 0x20c20400, 0, { 0, 0, 0 }, { 1, 4, 0 }, true, 25 },
    { 0x20c20400, 0, { 1, 4, 0 }, { 1, 4, 0 }, true, 0 },
    { 0x20020400, 0, { 0 }, { 1, 4, 0 }, true, 25 },
    { 0x20020400, 0, { 0 }, { 1, 0, 0 }, false, 0 },
    { 0x30020400, 1000, { 0, 0, 0 }, { 3000, 2, 0 }, true, 1.5 },
    { 0x30020400, 1000, { 9, 2, 0 }, { 9, 2, 0 }, true, 0 }, // an idle disk
    { 0x40020500, 0, { 0, 0, 0 }, { 3000, 2, 0 }, true, 1500 },
    { 0x40020500, 0, { 0, 2, 0 }, { 3000, 2, 0 }, false, 0 },
    { 0x20570500, 0, { 0, 0, 0 }, { 25, 100, 0 }, true, 25 },
    { 0x30240500, 10000000, { 0 }, { 10000000, 25000000, 0 }, true, 1.5 },
    { 0x30240500, 10000000, { 0 }, { 25000000, 10000000, 0 }, false, 0 },
    { 0x40030402, 0, { 0 }, { 1, 0, 0 }, false, 0 },
    { 0x00000b00, 0, { 0 }, { 1, 0, 0 }, false, 0 },
};

static void formulas_are_the_documented_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct formula_row *r = &rows[i];
        const struct seep_perf_type *type = seep_perf_type_find(r->type);
        assert_non_null(type);
        double value = -1;
        bool shown = seep_perf_value(type, r->frequency, &r->before, &r->now, &value);
        if (shown != r->shown || (shown && value != r->value))
            fail_msg("row %u (%s): %d %.17g", (unsigned)i, type->name, shown, value);
        if (!shown)
            assert_true(value == -1);
    }
}

static void the_first_sample_of_a_rate_has_no_value(void **state)
{
    (void)state;
    struct seep_perf_raw now = { 5, 10, 1 };
    double value = -1;
    const struct seep_perf_type *rate = seep_perf_type_find(0x10410400);
    assert_true(seep_perf_needs_previous(rate));
    assert_false(seep_perf_value(rate, 1000, NULL, &now, &value));
    assert_true(value == -1);
    const struct seep_perf_type *number = seep_perf_type_find(0x00010100);
    assert_false(seep_perf_needs_previous(number));
    assert_true(seep_perf_value(number, 0, NULL, &now, &value));
    assert_true(value == 5);
}

static void types_are_found_by_number(void **state)
{
    (void)state;
    assert_string_equal(seep_perf_type_find(0)->name, "PERF_COUNTER_RAWCOUNT_HEX");
    assert_string_equal(seep_perf_type_find(0x80000000)->name, "PERF_COUNTER_HISTOGRAM_TYPE");
    assert_string_equal(seep_perf_type_find(0x21510500)->name, "PERF_100NSEC_TIMER_INV");
    assert_null(seep_perf_type_find(0x00a90500));
    assert_null(seep_perf_type_find(UINT32_MAX));
    assert_true(seep_perf_is_base(0x40030402));
    assert_true(seep_perf_is_base(0x42030500));
    assert_false(seep_perf_is_base(0x40020500));
    assert_true(seep_perf_is_large(0x00010100));
    assert_false(seep_perf_is_large(0x00010000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_are_the_documented_ones),
        cmocka_unit_test(the_first_sample_of_a_rate_has_no_value),
        cmocka_unit_test(types_are_found_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
