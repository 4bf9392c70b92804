// SPDX-License-Identifier: MIT
// Hostile logs of UMDH: every beginning, every byte turned over, and files made to cost much.
#include "testkit.h"

#include "base/time.h"
#include "os/os.h"

#include <stdio.h>
#include <string.h>

extern const struct seep_source seep_source_umdh;

static const char *const names[] = { "umdh-cases/log.txt", "umdh-cases/utf16le.txt",
                                     "umdh-cases/compared.txt", "umdh-cases/old-form.txt",
                                     "umdh-cases/several.txt" };

static uint64_t sites_of(const char *data, size_t len, uint64_t *harmful)
{
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    testkit_sink_init(&sink);
    enum seep_status status = testkit_read(&seep_source_umdh, data, len, &sink, &err);
    assert_true(status != SEEP_FAILED || err.what[0]);
    uint64_t n = sink.sink.counts[SEEP_FACT_SITE];
    *harmful = sink.sink.n_harmful_losses;
    testkit_sink_clear(&sink);
    return n;
}

static void every_beginning_and_every_turned_byte(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        struct seep_buf file = testkit_built_file(names[f]);
        for (size_t i = 0; i < file.len; i++) {
            uint64_t harmful;
            (void)sites_of(file.data, i, &harmful);
            file.data[i] = (char)(file.data[i] ^ 0x11);
            (void)seep_source_umdh.bid(seep_bytes(file.data, file.len));
            assert_true(sites_of(file.data, file.len, &harmful) < 100);
            file.data[i] = (char)(file.data[i] ^ 0x11);
        }
        seep_buf_clear(&file);
    }
}

// A log that was cut anywhere is never taken for a whole one. Only the blank line at its end may be
// missing.
static void a_cut_is_always_said(void **state)
{
    (void)state;
    struct seep_buf file = testkit_built_file("umdh-cases/log.txt");
    const char *first = strstr(file.data, "18 bytes");
    assert_non_null(first);
    for (size_t i = (size_t)(first - file.data) + 40; i + 20 < file.len; i++) {
        uint64_t harmful;
        (void)sites_of(file.data, i, &harmful);
        // Between two heaps nothing shows that one is missing.
        const char *last_end = NULL, *last_start = NULL;
        for (const char *p = file.data; (p = strstr(p, "*- - -")) && p < file.data + i; p++) {
            const char *eol = strchr(p, '@');
            size_t digits = eol ? (size_t)(eol - file.data) + 3 : file.len;
            if (strncmp(p + 12, "End", 3) == 0 && digits < i)
                last_end = p;
            if (strncmp(p + 12, "Sta", 3) == 0 && digits < i)
                last_start = p;
        }
        if (last_start > last_end && !harmful)
            fail_msg("cut at %u", (unsigned)i);
    }
    seep_buf_clear(&file);
}

// Looking ahead for the base of the numbers, and names without end, cost no more than the file is
// long.
static void cost_is_linear(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "10 bytes + 10 at 10 by BackTrace1\n+ 10 ( 20 - 10) 1 allocs\tBackTrace1\n",
        "+ 10 ( 20 - 10) 1 allocs\tBackTrace1\n10 bytes + 10 at 10 by BackTrace1\n",
        "// UMDH: Logtime 2010-07-23 12:26 - Machine=A - PID=1\n10 bytes + 10 at 1 by BackTrace1\n",
        "10 bytes + 10 at 10 by BackTrace1\n\tf!g+1\n\tf!g+2\n",
        "*- @ 1\n*- @ 2\n",
        "// 1000 1000 a\n",
        "UMDH= UMDH= // UMDH=2010-10-10 10:10 2010 2010",
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct seep_buf file = { 0 };
        uint64_t harmful;
        while (file.len < 400000)
            seep_buf_adds(&file, rows[r]);
        int64_t start = seep_os_monotonic_ns();
        (void)seep_source_umdh.bid(seep_bytes(file.data, file.len));
        (void)sites_of(file.data, file.len, &harmful);
        assert_true(seep_os_monotonic_ns() - start <
                    20 * SEEP_NS_PER_S); // a square of it takes minutes
        seep_buf_clear(&file);
    }
}

static void other_texts_are_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\xff\xfe",
        "// UMDH\n",
        "// a program's comment = 1\n",
        "+ 1 ( 2 - 1)\n",
        "Total increase == 5320\n",
        "18 bytes + 18 at 3D07E0 by BackTrace\n",
        "18 bytes + 18 at 3D07E0 by BackTrace00000000000000001\n",
        "18 bytes + 18 at 11111111111111111 by BackTrace1\n",
        "18 bytes of text at the beginning\n",
        "+ 5320 ( f110 - 9df0) 3a allocs BackTraceZZ\n",
        "\"(PDH-CSV 4.0) (x)(0)\",\"\\\\A\\B\"\r\n\"1\",\"2\"\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (seep_source_umdh.bid(seep_bytes(texts[i], strlen(texts[i]))))
            fail_msg("text %u is claimed", (unsigned)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_beginning_and_every_turned_byte),
        cmocka_unit_test(a_cut_is_always_said),
        cmocka_unit_test(cost_is_linear),
        cmocka_unit_test(other_texts_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
