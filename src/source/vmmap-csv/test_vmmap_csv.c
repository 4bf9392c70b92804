// SPDX-License-Identifier: MIT
// Tests of the reader of VMMap CSV files, against what the synthesizer put into them.
#include "testkit.h"

#include "base/time.h"
#include "model/space.h"

#include <stdio.h>
#include <string.h>

extern const struct seep_source seep_source_vmmap_csv;

#define KIB(n) ((uint64_t)(n)*1024)

static struct seep_buf built(const char *name, const char *ending)
{
    char path[128];
    (void)snprintf(path, sizeof path, "vmmap-cases/%s%s", name, ending);
    return testkit_built_file(path);
}

// Reads a case and looks for every line that its twin wants.
static enum seep_status check(const char *name)
{
    struct seep_buf file = built(name, ".csv"), wanted = built(name, ".txt");
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    testkit_sink_init(&sink);
    assert_ptr_equal(seep_source_choose(seep_bytes(file.data, file.len), &err),
                     &seep_source_vmmap_csv);
    enum seep_status status =
        testkit_read(&seep_source_vmmap_csv, file.data, file.len, &sink, &err);
    size_t n = 0, n_regions = 0;
    for (char *line = wanted.data, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        n_regions += strncmp(line, "region ", 7) == 0;
        n++;
        if (*line && !strstr(seep_buf_text(&sink.text), line))
            fail_msg("%s: no \"%s\" in\n%s", name, line, seep_buf_text(&sink.text));
    }
    assert_true(n > 0);
    // All of them, where the twin names regions and nothing is lost.
    if (status == SEEP_OK && n_regions > 5)
        assert_int_equal(sink.sink.counts[SEEP_FACT_REGION], n_regions);
    testkit_sink_clear(&sink);
    seep_buf_clear(&file);
    seep_buf_clear(&wanted);
    return status;
}

static void whole_files_are_read_whole(void **state)
{
    (void)state;
    static const char *const names[] = { "small",  "crlf",        "lf",
                                         "mark",   "wide",        "separators",
                                         "german", "old-columns", "no-sub-blocks" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(check(names[i]), SEEP_OK);
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    static const char *const names[] = { "row-missing", "truncated", "no-regions",
                                         "bad-rows",    "types",     "huge-address" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(check(names[i]), SEEP_PARTIAL);
}

// Every beginning of a file, and every byte of it turned over: nothing crashes, nothing is read
// twice.
static void hostile_files_end(void **state)
{
    (void)state;
    struct seep_buf file = built("small", ".csv");
    for (size_t i = 0; i < file.len; i++) {
        struct testkit_sink sink;
        struct seep_err err = { 0 };
        testkit_sink_init(&sink);
        (void)testkit_read(&seep_source_vmmap_csv, file.data, i, &sink, &err);
        testkit_sink_clear(&sink);
        testkit_sink_init(&sink);
        file.data[i] = (char)(file.data[i] ^ 0x11);
        (void)seep_source_vmmap_csv.bid(seep_bytes(file.data, file.len));
        (void)testkit_read(&seep_source_vmmap_csv, file.data, file.len, &sink, &err);
        file.data[i] = (char)(file.data[i] ^ 0x11);
        assert_true(sink.sink.counts[SEEP_FACT_REGION] < 100);
        testkit_sink_clear(&sink);
    }
    seep_buf_clear(&file);
}

static void other_texts_are_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\"Process:\",\"a\"",
        "\"Process:\",\"a\"\r\n\"PID:\",\"no\"\r\n\r\n\"Type\",\"Size\",,,,,,,,,\r\n",
        "\"(PDH-CSV 4.0) (x)(0)\",\"\\\\A\\B\"\r\n\"1\",\"2\"\r\n",
        "a,b\n1,2\n3,4\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(seep_source_vmmap_csv.bid(seep_bytes(texts[i], strlen(texts[i]))), 0);
}

// The real file: what its summary says, to the byte.
static void a_real_file_adds_up(void **state)
{
    (void)state;
    char path[512];
    struct seep_buf file = { 0 };
    if (!testkit_data("vmmap/vmmap.csv", path, sizeof path))
        skip();
    assert_true(testkit_read_file(path, &file));
    struct seep_spaces spaces;
    struct seep_err err = { 0 };
    struct seep_input input = { .path = path, .view = seep_bytes(file.data, file.len) };
    uint64_t read_bytes = 0;
    seep_spaces_init(&spaces);
    assert_int_equal(seep_source_vmmap_csv.read(&input, &spaces.sink, NULL, &read_bytes, &err),
                     SEEP_OK);
    seep_spaces_finish(&spaces);
    assert_int_equal(spaces.sink.counts[SEEP_FACT_LOSS], 0);
    assert_int_equal(read_bytes, file.len);
    assert_int_equal(spaces.n, 1);
    const struct seep_space *s = &spaces.at[0];
    uint64_t heap = 0, image = 0, stack = 0, is_free = 0, mapped = 0, private_committed = 0;
    uint64_t committed = 0, end = 0;
    for (size_t i = 0; i < s->n_regions; i++) {
        const struct seep_region *r = &s->regions[i];
        assert_true(r->base == end); // no gap, nothing twice
        end = r->base + r->size_bytes;
        heap += r->usage == SEEP_USAGE_HEAP32 ? r->size_bytes : 0;
        image += r->type == SEEP_TYPE_IMAGE ? r->size_bytes : 0;
        stack +=
            r->usage == SEEP_USAGE_STACK32 || r->usage == SEEP_USAGE_STACK64 ? r->size_bytes : 0;
        mapped += r->usage == SEEP_USAGE_MAPPED_FILE ? r->size_bytes : 0;
        is_free += r->state == SEEP_STATE_FREE ? r->size_bytes : 0;
        committed += r->state == SEEP_STATE_COMMIT ? r->size_bytes : 0;
        if (r->state == SEEP_STATE_COMMIT && r->type == SEEP_TYPE_PRIVATE)
            private_committed += r->size_bytes;
    }
    assert_true(heap == KIB(87464));
    assert_true(image == KIB(586096));
    assert_true(stack == KIB(40704));
    assert_true(mapped == KIB(72124));
    assert_true(is_free == KIB(3131712 + 25228));
    assert_true(committed == KIB(898580 - 32368)); // without the page tables
    assert_true(private_committed == KIB(72356 + 108200 + 4192 + 19220));
    assert_true(s->counters[SEEP_METRIC_PRIVATE_BYTES] == 328964.0 * 1024);
    assert_true(s->process.wow64);
    assert_int_equal(s->n_modules, 564);
    seep_spaces_clear(&spaces);
    seep_buf_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files_are_read_whole), cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(hostile_files_end),          cmocka_unit_test(other_texts_are_left_alone),
        cmocka_unit_test(a_real_file_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
