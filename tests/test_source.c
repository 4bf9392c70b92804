// SPDX-License-Identifier: MIT
// Tests of the table of sources: who reads what, and when nobody can say.
#include "testkit.h"

#include <stdio.h>
#include <string.h>

static unsigned bid_low(struct seep_bytes file)
{
    return file.len ? 8 : 0;
}

static unsigned bid_high(struct seep_bytes file)
{
    return seep_bytes_match(file, 0, "AB", 2) ? 16 : 0;
}

static const struct seep_source low = { .name = "low", .bid = bid_low };
static const struct seep_source rival = { .name = "rival", .bid = bid_low };
static const struct seep_source high = { .name = "high", .bid = bid_high };

static const struct seep_source *choose(const char *text, struct seep_err *err)
{
    static const struct seep_source *const table[] = { &low, &high, &rival };
    *err = (struct seep_err){ 0 };
    return seep_source_choose_among(table, 3, seep_bytes(text, strlen(text)), err);
}

static void the_highest_bid_reads(void **state)
{
    (void)state;
    struct seep_err err;
    assert_ptr_equal(choose("ABC", &err), &high);
    assert_string_equal(err.what, "");
}

static void a_tie_is_an_error(void **state)
{
    (void)state;
    struct seep_err err;
    assert_null(choose("xyz", &err));
    assert_string_equal(err.what, "ambiguous: low or rival");
    assert_string_equal(err.hint, "say which with --as");
}

static void nobody_bids_for_nothing(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    assert_null(choose("", &err));
    assert_string_equal(err.what, "the file is empty");
    assert_null(seep_source_choose(seep_bytes("no format at all", 16), &err));
    assert_string_equal(err.what, "not a format that seep reads");
}

static void names_are_unique_and_found(void **state)
{
    (void)state;
    assert_true(seep_n_sources >= 5);
    for (size_t i = 0; i < seep_n_sources; i++) {
        assert_ptr_equal(seep_source_named(seep_sources[i]->name), seep_sources[i]);
        assert_non_null(seep_sources[i]->about);
        assert_int_equal(seep_sources[i]->bid(seep_bytes("", 0)), 0);
    }
    assert_null(seep_source_named("word"));
}

// Each format's own files are claimed by it and by nobody else, and so are the real ones.
static void files_find_their_source(void **state)
{
    (void)state;
    static const struct {
        const char *file, *format;
    } rows[] = {
        { "examples/srv01.blg", "blg" },
        { "examples/srv01.csv", "pdh-csv" },
        { "examples/System.evtx", "evtx" },
        { "src/source/seep/seeds/small.seep", "seep" },
        { "src/source/minidump/seeds/x64.dmp", "minidump" },
        { "src/source/kernel-dump/seeds/triage.dmp", "kernel-dump" },
        { "src/source/kernel-dump/seeds/header-32.dmp", "kernel-dump" },
        { "src/source/umdh/seeds/log.txt", "umdh" },
        { "src/source/umdh/seeds/utf16le.txt", "umdh" },
        { "src/source/umdh/seeds/compared.txt", "umdh" },
        { "src/source/umdh/seeds/old-form.txt", "umdh" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[512];
        struct seep_buf file = { 0 };
        struct seep_err err = { 0 };
        testkit_source_path(rows[i].file, path, sizeof path);
        assert_true(testkit_read_file(path, &file));
        const struct seep_source *source =
            seep_source_choose(seep_bytes(file.data, file.len), &err);
        assert_non_null(source);
        assert_string_equal(source->name, rows[i].format);
        seep_buf_clear(&file);
    }
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "pdb/fuzzed.pdb", "umdh/wdd-umdh.md", "series/m_1000.csv",
                                         "isf/kernels.csv" };
    bool any = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        struct seep_buf file = { 0 };
        struct seep_err err = { 0 };
        if (!testkit_data(names[i], path, sizeof path) || !testkit_read_file(path, &file))
            continue;
        any = true;
        if (seep_source_choose(seep_bytes(file.data, file.len), &err))
            fail_msg("%s is claimed", names[i]);
        seep_buf_clear(&file);
    }
    if (!any)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_bid_reads),   cmocka_unit_test(a_tie_is_an_error),
        cmocka_unit_test(nobody_bids_for_nothing), cmocka_unit_test(names_are_unique_and_found),
        cmocka_unit_test(files_find_their_source), cmocka_unit_test(foreign_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
