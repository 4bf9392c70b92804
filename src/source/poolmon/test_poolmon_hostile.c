// SPDX-License-Identifier: MIT
// Hostile texts for the reader of poolmon's: every beginning, every byte turned over, files made to
// cost much, and texts of others.
#include "testkit.h"

#include "base/time.h"
#include "os/os.h"

#include <string.h>

extern const struct seep_source seep_source_poolmon;

static const char *const names[] = { "poolmon-cases/mapped.log",   "poolmon-cases/screen.log",
                                     "poolmon-cases/utf16le.log",  "poolmon-cases/learned.log",
                                     "poolmon-cases/sessions.log", "poolmon-cases/poolmonx.log" };

static uint64_t tags_of(const char *data, size_t len, uint64_t *harmful)
{
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    testkit_sink_init(&sink);
    enum seep_status status = testkit_read(&seep_source_poolmon, data, len, &sink, &err);
    assert_true(status != SEEP_FAILED || err.what[0]);
    uint64_t n = sink.sink.counts[SEEP_FACT_POOL_TAG];
    *harmful = sink.sink.n_harmful_losses;
    testkit_sink_clear(&sink);
    return n;
}

static void every_beginning_and_every_turned_byte(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        struct seep_buf file = testkit_built_file(names[f]);
        uint64_t harmful, whole = tags_of(file.data, file.len, &harmful);
        assert_true(whole > 0);
        for (size_t i = 0; i < file.len; i++) {
            assert_true(tags_of(file.data, i, &harmful) <= whole);
            file.data[i] = (char)(file.data[i] ^ 0x11);
            (void)seep_source_poolmon.bid(seep_bytes(file.data, file.len));
            assert_true(tags_of(file.data, file.len, &harmful) <= whole);
            file.data[i] = (char)(file.data[i] ^ 0x11);
        }
        seep_buf_clear(&file);
    }
}

// A file that was cut inside its last rows is never taken for a whole one, and no number of it is
// wrong: the last row is either as it was or missing.
static void a_cut_row_is_said(void **state)
{
    (void)state;
    struct seep_buf file = testkit_built_file("poolmon-cases/modern.log");
    const char *last = NULL;
    for (const char *p = file.data; (p = strstr(p, "Paged")) != NULL; p++)
        last = p;
    assert_non_null(last);
    uint64_t harmful, whole = tags_of(file.data, file.len, &harmful);
    size_t from = (size_t)(last - file.data) - 4;
    for (size_t i = from; i + 2 < file.len; i++) {
        assert_int_equal(tags_of(file.data, i, &harmful), whole - 1);
        if (!harmful)
            fail_msg("cut at %u", (unsigned)i);
    }
    seep_buf_clear(&file);
}

static void cost_is_linear(void **state)
{
    (void)state;
    static const char *const rows[] = {
        " Leak Nonp 1 0 1 1 1\n",
        "03/04/2026 12:00\n Leak Nonp 1 0 1 1 1\n",
        "Memory: 1K Avail: 1K\n",
        "Nonp Nonp Nonp Nonp ",
        " Leak Nonp 1 0 1 1 1 [",
        "1/1/1 2-2-2 3.3.3 12:12:12 Jan Feb Sunday ",
        "Commit: 1K Limit: 1K Commit: Limit:",
        " Session 1 pool information\n",
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct seep_buf file = { 0 };
        uint64_t harmful;
        while (file.len < 400000)
            seep_buf_adds(&file, rows[r]);
        int64_t start = seep_os_monotonic_ns();
        (void)seep_source_poolmon.bid(seep_bytes(file.data, file.len));
        (void)tags_of(file.data, file.len, &harmful);
        // A square of it takes minutes.
        assert_true(seep_os_monotonic_ns() - start < 20 * SEEP_NS_PER_S);
        seep_buf_clear(&file);
    }
}

static void other_texts_are_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\xff\xfe",
        " Memory: 260620K\n",
        " Memory: K Avail: 1K\n",
        "Tag Type Allocs\n",
        // !poolused of a debugger
        "               NonPaged                  Paged\n"
        " Tag     Allocs         Used     Allocs         Used\n"
        " Thre       100       128000          0            0\tThread objects\n",
        " Sorting by NonPaged Pool Consumed\n\n  Pool Used:\n            NonPaged            "
        "Paged\n"
        " Tag    Allocs     Used    Allocs     Used\n R100        3  9437184        15   695744\n",
        // Counts that do not hang together
        " Leak Nonp 10 0 9 1 1\n",
        " Leaks Nonp 1 0 1 1 1\n",
        " Leak Nonpaged 1 0 1 1 1\n",
        "\"(PDH-CSV 4.0) (x)(0)\",\"\\\\A\\B\"\r\n\"1\",\"2\"\r\n",
        "a,b\n1,2\n3,4\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (seep_source_poolmon.bid(seep_bytes(texts[i], strlen(texts[i]))))
            fail_msg("text %u is claimed", (unsigned)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_beginning_and_every_turned_byte),
        cmocka_unit_test(a_cut_row_is_said),
        cmocka_unit_test(cost_is_linear),
        cmocka_unit_test(other_texts_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
