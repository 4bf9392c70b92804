// SPDX-License-Identifier: MIT
// Tests of the reader of poolmon's screens and snapshots: against what the synthesizer put into
// them, and against the screens that Microsoft's documentation shows.
#include "testkit.h"

#include "base/time.h"
#include "os/os.h"
#include "source/poolmon/when.h"

#include <stdio.h>
#include <string.h>

extern const struct seep_source seep_source_poolmon;

static struct seep_buf built(const char *name, const char *ending)
{
    char path[128];
    (void)snprintf(path, sizeof path, "poolmon-cases/%s%s", name, ending);
    return testkit_built_file(path);
}

// Finds `line` in `text` at or behind `*at`, at the start of a line, and moves `*at` behind it.
static bool find_line(const char *text, const char *line, size_t *at)
{
    for (const char *p = text + *at; (p = strstr(p, line)) != NULL; p++) {
        if (p == text || p[-1] == '\n') {
            *at = (size_t)(p - text) + strlen(line);
            return true;
        }
    }
    return false;
}

static uint64_t count_lines(const char *text, const char *start)
{
    uint64_t n = 0;
    for (size_t at = 0; find_line(text, start, &at);)
        n++;
    return n;
}

// Reads a case: every line that its twin wants is there, in their order but for losses, and no
// other tag, moment or loss is.
static enum seep_status check(const char *name)
{
    struct seep_buf file = built(name, ".log"), wanted = built(name, ".want");
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    testkit_sink_init(&sink);
    assert_ptr_equal(seep_source_choose(seep_bytes(file.data, file.len), &err),
                     &seep_source_poolmon);
    enum seep_status status = testkit_read(&seep_source_poolmon, file.data, file.len, &sink, &err);
    const char *got = seep_buf_text(&sink.text);
    static const char *const kinds[] = { "pool-tag ", "tick ", "vm ", "loss " };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (count_lines(got, kinds[i]) != count_lines(wanted.data, kinds[i]))
            fail_msg("%s: not as many \"%s\" in\n%s", name, kinds[i], got);
    }
    size_t at = 0;
    for (char *line = wanted.data, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        size_t anywhere = 0;
        bool is_loss = strncmp(line, "loss ", 5) == 0;
        if (*line && !find_line(got, line, is_loss ? &anywhere : &at))
            fail_msg("%s: no \"%s\" in\n%s", name, line, got);
    }
    testkit_sink_clear(&sink);
    seep_buf_clear(&file);
    seep_buf_clear(&wanted);
    return status;
}

// What loses something: all others are read whole.
static const char *const partial[] = { "bad-row",    "bad-diff",       "huge",  "cut",
                                       "cut-in-row", "narrow-console", "zeros", "localised" };

static void every_case_is_read_as_it_is(void **state)
{
    (void)state;
    struct seep_buf names = testkit_built_file("poolmon-cases/names.txt");
    size_t n = 0;
    for (char *name = names.data, *next; name && *name; name = next) {
        next = strchr(name, '\n');
        if (next)
            *next++ = '\0';
        enum seep_status want = SEEP_OK;
        for (size_t i = 0; i < sizeof partial / sizeof *partial; i++)
            want = strcmp(name, partial[i]) == 0 ? SEEP_PARTIAL : want;
        if (check(name) != want)
            fail_msg("%s is%s read whole", name, want == SEEP_OK ? " not" : "");
        n++;
    }
    assert_true(n > 40);
    seep_buf_clear(&names);
}

static void samples_go_with_the_tags(void **state)
{
    (void)state;
    static const char log[] = "2026-03-01T12:00:00Z\n"
                              " Tag  Type     Allocs     Frees      Diff   Bytes  Per Alloc\n"
                              " WCsc Paged    1912          0      1912  397696   208\n"
                              " WCsc Nonp       10         11        -1     300   0\n";
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    testkit_sink_init(&sink);
    assert_int_equal(testkit_read(&seep_source_poolmon, log, sizeof log - 1, &sink, &err), SEEP_OK);
    // What was freed before it was counted as allocated has no number of blocks.
    static const char *const lines[] = {
        "series 1 pool-tag=WCsc metric=paged_pool_bytes counter=SYSTEM_POOLTAG bytes",
        ("series 2 pool-tag=WCsc metric=outstanding_count counter=SYSTEM_POOLTAG "
         "PagedAllocs-PagedFrees"),
        "series 3 pool-tag=WCsc metric=nonpaged_pool_bytes counter=SYSTEM_POOLTAG bytes",
        ("series 4 pool-tag=WCsc metric=outstanding_count counter=SYSTEM_POOLTAG "
         "NonPagedAllocs-NonPagedFrees"),
        "tick 2026-03-01T12:00:00.000000000Z",
        "pool-tag 1 WCsc paged allocs=1912 frees=0 bytes=397696 wraps -",
        "sample 1 397696",
        "sample 2 1912",
        "pool-tag 1 WCsc nonpaged allocs=10 frees=11 bytes=300 wraps -",
        "sample 3 300",
    };
    size_t at = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!find_line(seep_buf_text(&sink.text), lines[i], &at))
            fail_msg("no \"%s\" in\n%s", lines[i], seep_buf_text(&sink.text));
    }
    assert_int_equal(sink.sink.counts[SEEP_FACT_SAMPLE], 3);
    testkit_sink_clear(&sink);
}

// ---- when

static void names_of_files_tell_the_time(void **state)
{
    (void)state;
    static const struct {
        const char *name, *time;
    } rows[] = {
        { "pool-20260301-1200.log", "2026-03-01T12:00:00" },
        { "C:\\logs\\20250101-0000\\2026-03-01_12-00-05.txt", "2026-03-01T12:00:05" },
        { "/tmp/2025-01-01_00-00/poolmon.20260301120005", "2026-03-01T12:00:05" },
        { "srv2_2026-03-01T12-00-05.log", "2026-03-01T12:00:05" },
        { "2026_03_01 12_00.log", "2026-03-01T12:00:00" },
        { "pool-20260301.log", NULL },
        { "pool-20261301-1200.log", NULL },
        { "pool-20260301-2500.log", NULL },
        { "pool-202603011200051.log", NULL },
        { "2026-03-01_12-00-05/pool.log", NULL },
        { "1234567890", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t t_ns, want;
        bool is = poolmon_when_named(rows[i].name, &t_ns);
        if (is != (rows[i].time != NULL) ||
            (is && (!seep_time_parse(rows[i].time, &want) || t_ns != want)))
            fail_msg("%s", rows[i].name);
    }
}

static void the_name_comes_before_the_file(void **state)
{
    (void)state;
    struct seep_buf file = built("modern", ".log");
    struct seep_os_map map = { .modified_ns = 1767225600 * SEEP_NS_PER_S }; // 2026-01-01
    struct seep_input input = { .path = "pool-20260301-1200.log",
                                .view = seep_bytes(file.data, file.len),
                                .map = &map };
    static const char *const ticks[] = { "tick 2026-03-01T12:00:00.000000000Z",
                                         "tick 2026-01-01T00:00:00.000000000Z" };
    static const char *const losses[] = { "loss time-zone-unknown", "loss time-from-file" };
    for (size_t i = 0; i < 2; i++) {
        struct testkit_sink sink;
        struct seep_err err = { 0 };
        uint64_t read_bytes;
        size_t at = 0;
        testkit_sink_init(&sink);
        assert_int_equal(seep_source_poolmon.read(&input, &sink.sink, NULL, &read_bytes, &err),
                         SEEP_OK);
        assert_true(find_line(seep_buf_text(&sink.text), ticks[i], &at));
        assert_true(find_line(seep_buf_text(&sink.text), losses[i], &at));
        assert_int_equal(sink.sink.n_harmful_losses, 0);
        testkit_sink_clear(&sink);
        input.path = "pool.log";
    }
    seep_buf_clear(&file);
}

// ---- the documented screens

// Reads the blocks of code of a page: a page has words around its screens.
static void read_page(const char *name, struct testkit_sink *sink, bool *there)
{
    char path[512];
    struct seep_buf page = { 0 }, screens = { 0 };
    struct seep_err err = { 0 };
    testkit_sink_init(sink);
    *there = testkit_data(name, path, sizeof path);
    if (!*there)
        return;
    assert_true(testkit_read_file(path, &page));
    bool code = false;
    for (const char *line = seep_buf_text(&page), *end; *line; line = end) {
        end = strchr(line, '\n');
        end = end ? end + 1 : line + strlen(line);
        const char *text = line;
        while (*text == ' ')
            text++;
        bool fence = strncmp(text, "```", 3) == 0;
        if (code && !fence)
            seep_buf_add(&screens, line, (size_t)(end - line));
        code = fence ? !code : code;
    }
    if (!screens.len)
        seep_buf_add(&screens, page.data, page.len);
    assert_int_equal(testkit_read(&seep_source_poolmon, screens.data, screens.len, sink, &err),
                     SEEP_OK);
    seep_buf_clear(&page);
    seep_buf_clear(&screens);
}

struct page {
    const char *name;
    uint64_t tags, heads, moments;
    const char *lines[8];
};

static const struct page pages[] = {
    { "poolmon/excerpt-modern-x64.txt",
      2,
      0,
      1,
      { "pool-tag 1 ConT nonpaged allocs=3097 frees=2409 bytes=42770432 wraps -",
        ("pool-tag 1 Thre nonpaged allocs=180351 frees=176602 bytes=13179648 wraps nt!ps - Thread "
         "objects") } },
    { "poolmon/wdd-example-9---detecting-a-pool-memory-leak.md",
      4,
      1,
      1,
      { ("vm 1 physical=16613376 available=4673536 committed=24719360 commit-limit=25550848 "
         "commit-peak=25530368 paged-pool=2232320 nonpaged-pool=761856"),
        "pool-tag 1 CM paged allocs=1283 frees=1002 bytes=1377312 wraps -",
        "pool-tag 1 Strg paged allocs=10385 frees=6658 bytes=317952 wraps -",
        "pool-tag 1 Fat paged allocs=6662 frees=4971 bytes=174560 wraps -",
        "pool-tag 1 MmSt paged allocs=614 frees=441 bytes=83456 wraps -" } },
    { "poolmon/wdd-poolmon-display.md",
      8,
      1,
      1,
      { ("vm 1 physical=266874880 available=98676736 committed=208384000 commit-limit=656297984 "
         "commit-peak=266887168 paged-pool=27873280 nonpaged-pool=8531968"),
        "pool-tag 1 Wait nonpaged allocs=3971107 frees=3971077 bytes=8456 wraps -",
        "pool-tag 1 ObSt nonpaged allocs=2791258 frees=2791258 bytes=0 wraps -",
        "pool-tag 1 Io nonpaged allocs=1021112 frees=1020985 bytes=91912 wraps -",
        "pool-tag 1 SePa nonpaged allocs=680348 frees=680321 bytes=3656 wraps -" } },
    { "poolmon/wdd-poolmon-examples.md",
      // NtF 13, MEM 3, Ip 8, Drsd twice, all sessions 16, session 0 16 and again 16
      13 + 3 + 8 + 2 + 16 + 16 + 16,
      8,
      9,
      { "pool-tag 1 NtFB paged allocs=3996 frees=3986 bytes=252088 wraps ntfs.sys - BitmpSup.c",
        "pool-tag 1 1MEM nonpaged allocs=1 frees=0 bytes=3344 wraps -",
        "pool-tag 1 IpEQ nonpaged allocs=1 frees=0 bytes=1808 wraps ipsec.sys - event queue",
        "pool-tag 1 Drsd paged allocs=560 frees=539 bytes=17472 wraps -",
        "pool-tag 1 Drsd paged allocs=737 frees=710 bytes=22464 wraps -",
        "pool-tag 1 Dh 2 paged allocs=344 frees=344 bytes=0 wraps session=4294967294 -",
        "pool-tag 1 Gcac paged allocs=3762 frees=3707 bytes=283632 wraps session=0 -",
        ("pool-tag 1 Gcac paged allocs=4722 frees=4666 bytes=305400 wraps session=0 Gdi glyph "
         "cache") } },
    { "poolmon/wdd-using-poolmon-to-find-a-kernel-mode-memory-leak.md",
      4 + 3,
      2,
      2,
      { "pool-tag 1 CM paged allocs=1283 frees=1002 bytes=1377312 wraps -",
        ("vm 1 physical=34276474880 available=20536455168 committed=15396622336 "
         "commit-limit=68636213248 commit-peak=17077702656 paged-pool=2002378752 "
         "nonpaged-pool=1047961600"),
        "pool-tag 1 HidC paged allocs=1667 frees=1659 bytes=896 wraps hidclass.sys - HID Class d",
        ("pool-tag 1 HidC nonpaged allocs=17375 frees=17256 bytes=19808 wraps hidclass.sys - HID "
         "Class d"),
        ("pool-tag 1 HidP nonpaged allocs=1014 frees=998 bytes=6704 wraps hidparse.sys - HID "
         "Parser") } },
};

static void documented_screens_are_read_to_the_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct testkit_sink sink;
        bool there;
        size_t at = 0;
        read_page(pages[i].name, &sink, &there);
        if (!there)
            skip();
        for (size_t k = 0; k < 8 && pages[i].lines[k]; k++) {
            if (!find_line(seep_buf_text(&sink.text), pages[i].lines[k], &at))
                fail_msg("%s: no \"%s\" in\n%s", pages[i].name, pages[i].lines[k],
                         seep_buf_text(&sink.text));
        }
        assert_int_equal(sink.sink.counts[SEEP_FACT_POOL_TAG], pages[i].tags);
        assert_int_equal(sink.sink.counts[SEEP_FACT_VM], pages[i].heads);
        assert_int_equal(count_lines(seep_buf_text(&sink.text), "tick "), pages[i].moments);
        testkit_sink_clear(&sink);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_read_as_it_is),
        cmocka_unit_test(samples_go_with_the_tags),
        cmocka_unit_test(names_of_files_tell_the_time),
        cmocka_unit_test(the_name_comes_before_the_file),
        cmocka_unit_test(documented_screens_are_read_to_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
