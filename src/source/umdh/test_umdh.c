// SPDX-License-Identifier: MIT
// Tests of the reader of UMDH's logs and comparisons: against what the synthesizer put into them,
// and against what UMDH itself made of two real logs.
#include "testkit.h"

#include "model/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct seep_source seep_source_umdh;

static struct seep_buf built(const char *name, const char *ending)
{
    char path[128];
    (void)snprintf(path, sizeof path, "umdh-cases/%s%s", name, ending);
    return testkit_built_file(path);
}

// Reads a case and looks for every line that its twin wants, in their order.
static enum seep_status check(const char *name)
{
    struct seep_buf file = built(name, ".txt"), wanted = built(name, ".want");
    struct testkit_sink sink;
    struct seep_err err = { 0 };
    testkit_sink_init(&sink);
    assert_ptr_equal(seep_source_choose(seep_bytes(file.data, file.len), &err), &seep_source_umdh);
    enum seep_status status = testkit_read(&seep_source_umdh, file.data, file.len, &sink, &err);
    size_t n = 0, n_sites = 0, n_blocks = 0;
    for (char *line = wanted.data, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        n_sites += strncmp(line, "site ", 5) == 0;
        n_blocks += strncmp(line, "block ", 6) == 0;
        n++;
        if (*line && !strstr(seep_buf_text(&sink.text), line))
            fail_msg("%s: no \"%s\" in\n%s", name, line, seep_buf_text(&sink.text));
    }
    assert_true(n > 0);
    // Where the twin names all blocks it names all sites.
    if (n_blocks && strcmp(name, "several") != 0)
        assert_int_equal(sink.sink.counts[SEEP_FACT_SITE], n_sites);
    testkit_sink_clear(&sink);
    seep_buf_clear(&file);
    seep_buf_clear(&wanted);
    return status;
}

static void whole_files_are_read_whole(void **state)
{
    (void)state;
    static const char *const names[] = {
        "log",
        "second",
        "third",
        "lf",
        "utf16le",
        "utf16be",
        "utf16-no-mark",
        "mark",
        "german",
        "decimal",
        "no-letters",
        "alias",
        "no-head",
        "code-page",
        "wide",
        "several",
        "no-stacks",
        "nothing",
        "old-form",
        "compared",
        "documented",
        "compared-back",
        "compared-utf16",
        "compared-decimal",
        "compared-no-counts",
        "compared-with-nothing",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (check(names[i]) != SEEP_OK)
            fail_msg("%s is not read whole", names[i]);
    }
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    static const char *const names[] = {
        "cut",   "cut-head",    "bad-row",  "orphan",  "huge",
        "zeros", "row-missing", "no-total", "bad-sum", "long-stack"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (check(names[i]) != SEEP_PARTIAL)
            fail_msg("%s is read as if it were whole", names[i]);
    }
}

static void read_into(struct seep_profile *profile, const struct seep_buf *file)
{
    struct seep_input input = { .path = "test", .view = seep_bytes(file->data, file->len) };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    assert_true(seep_profile_begin(profile));
    assert_int_equal(seep_source_umdh.read(&input, &profile->sink, NULL, &read_bytes, &err),
                     SEEP_OK);
    assert_int_equal(read_bytes, file->len);
    assert_int_equal(profile->sink.n_harmful_losses, 0);
}

struct found {
    struct seep_profile_sums sums[3];
    const struct seep_profile_site *site;
    size_t row;
};

// The row of a trace, and what it comes to in each moment.
static struct found find_trace(const struct seep_profile *p, const char *tag)
{
    struct found found = { .site = NULL };
    for (size_t row = 0; row < p->n_rows; row++) {
        const struct seep_profile_site *site = &p->sites[p->order[p->rows[row].first]];
        if (strcmp(site->site.tag, tag) != 0)
            continue;
        assert_null(found.site);
        found.site = site;
        found.row = row;
        for (uint32_t m = 0; m < p->n_moments && m < 3; m++)
            (void)seep_profile_sum(p, row, m, &found.sums[m]);
    }
    return found;
}

static void several_moments_and_survivors(void **state)
{
    (void)state;
    static const char *const names[] = { "log", "second", "third" };
    struct seep_profile profile;
    struct seep_points points = { 0 };
    uint64_t count = 0, bytes = 0;
    seep_profile_init(&profile);
    for (size_t i = 0; i < 3; i++) {
        struct seep_buf file = built(names[i], ".txt");
        read_into(&profile, &file);
        seep_buf_clear(&file);
    }
    assert_true(seep_profile_finish(&profile));
    assert_int_equal(profile.n_moments, 3);
    assert_int_equal(profile.n_rows, 4);
    // The first block has another size in the third log, so none survived all three.
    struct found leak = find_trace(&profile, "BackTrace7E5CE0");
    assert_true(seep_profile_survivors(&profile, leak.row, &count, &bytes));
    assert_int_equal(count, 0);
    assert_int_equal(leak.sums[2].outstanding_count, 5);
    assert_true(seep_profile_points(&profile, leak.row, &points));
    assert_int_equal(points.count, 3);
    assert_true(points.at[0].value == 0x100 && points.at[2].value == 0x108 + 4 * 0xF0);
    assert_true(points.at[2].t_ns - points.at[0].t_ns == INT64_C(1800000000000));
    // Two blocks are in all of them, a third one came later.
    struct found cache = find_trace(&profile, "BackTrace1B10F4");
    assert_true(seep_profile_survivors(&profile, cache.row, &count, &bytes));
    assert_int_equal(count, 2);
    assert_int_equal(bytes, 0x21C + 0x10);
    assert_int_equal(cache.sums[1].overhead_bytes, 0x1C + 0x18 + 0x18);
    // What the second log did not have cannot have survived.
    struct found freed = find_trace(&profile, "BackTrace1B1148");
    assert_true(seep_profile_survivors(&profile, freed.row, &count, &bytes));
    assert_int_equal(count, 0);
    seep_points_clear(&points);
    seep_profile_clear(&profile);
}

// Logs one after another in one file are the same moments as logs in several.
static void logs_may_stand_in_one_file(void **state)
{
    (void)state;
    struct seep_buf all = { 0 };
    struct seep_profile profile;
    static const char *const names[] = { "log", "second" };
    for (size_t i = 0; i < 2; i++) {
        struct seep_buf file = built(names[i], ".txt");
        seep_buf_add(&all, file.data, file.len);
        seep_buf_clear(&file);
    }
    seep_profile_init(&profile);
    read_into(&profile, &all);
    assert_true(seep_profile_finish(&profile));
    assert_int_equal(profile.n_moments, 2);
    struct found leak = find_trace(&profile, "BackTrace7E5CE0");
    assert_int_equal(leak.sums[0].outstanding_bytes, 0x100);
    assert_int_equal(leak.sums[1].outstanding_bytes, 0x100 + 5 * 0xF0);
    assert_true(profile.moments[0].end_ns < profile.moments[1].start_ns);
    assert_int_equal(profile.moments[1].source, 0);
    for (size_t i = 0; i < profile.n_modules; i++)
        assert_true(profile.modules[i].process.v != 0);
    seep_profile_clear(&profile);
    seep_buf_clear(&all);
}

// ---- the real logs

struct row {
    uint64_t now, old, count, old_count;
    char tag[32];
};

// Takes UMDH's own comparison apart, in a way of its own. The caller frees the rows.
static struct row *real_rows(const char *text, size_t *n, uint64_t total[3])
{
    struct row *rows = calloc(100, sizeof *rows);
    unsigned long long delta, now, old, count;
    char tag[32];
    assert_non_null(rows);
    *n = 0;
    for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL) {
        char line[200];
        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\r\n"), text);
        if (sscanf(line, "+ %llx ( %llx - %llx) %llx allocs %31s", &delta, &now, &old, &count,
                   tag) == 5) {
            assert_true(*n < 100 && delta == now - old);
            rows[*n] = (struct row){ .now = now, .old = old, .count = count };
            (void)snprintf(rows[(*n)++].tag, sizeof tag, "%s", tag);
        } else if (*n && sscanf(line, "+ %llx ( %llx - %llx) %31s allocations", &delta, &now, &old,
                                tag) == 4) {
            rows[*n - 1].old_count = old;
        } else if (sscanf(line, "Total increase == %llx requested + %llx overhead = %llx", &delta,
                          &now, &old) == 3) {
            total[0] = delta;
            total[1] = now;
            total[2] = old;
        }
    }
    return rows;
}

static bool real_file(const char *name, struct seep_buf *file)
{
    char path[512];
    return testkit_data(name, path, sizeof path) && testkit_read_file(path, file);
}

// The sums of both logs are the rows and the totals of the comparison that UMDH made of them.
static void real_logs_give_the_real_comparison(void **state)
{
    (void)state;
    struct seep_buf first = { 0 }, second = { 0 }, result = { 0 };
    if (!real_file("umdh/Debug-FirstDump.txt", &first) ||
        !real_file("umdh/Debug-SecondDump.txt", &second) ||
        !real_file("umdh/Debug-Result.txt", &result))
        skip();
    size_t n = 0, changed = 0;
    uint64_t total[3] = { 0 }, requested = 0, overhead = 0;
    struct row *rows = real_rows(result.data, &n, total);
    assert_int_equal(n, 4);
    struct seep_profile profile;
    seep_profile_init(&profile);
    read_into(&profile, &first);
    read_into(&profile, &second);
    assert_true(seep_profile_finish(&profile));
    assert_int_equal(profile.n_modules, 2 * 28);
    assert_int_equal(profile.n_rows, 705);
    for (size_t i = 0; i < n; i++) {
        struct found found = find_trace(&profile, rows[i].tag);
        assert_non_null(found.site);
        assert_int_equal(found.sums[0].outstanding_bytes, rows[i].old);
        assert_int_equal(found.sums[1].outstanding_bytes, rows[i].now);
        assert_int_equal(found.sums[0].outstanding_count, rows[i].old_count);
        assert_int_equal(found.sums[1].outstanding_count, rows[i].count);
    }
    for (size_t i = 0; i < profile.n_rows; i++) {
        struct seep_profile_sums a, b;
        (void)seep_profile_sum(&profile, i, 0, &a);
        (void)seep_profile_sum(&profile, i, 1, &b);
        requested += b.outstanding_bytes - a.outstanding_bytes;
        overhead += b.overhead_bytes - a.overhead_bytes;
        changed += b.outstanding_bytes != a.outstanding_bytes;
    }
    assert_int_equal(changed, n); // and no row more
    assert_int_equal(requested, total[0]);
    assert_int_equal(overhead, total[1]);
    assert_int_equal(requested + overhead, total[2]);
    free(rows);
    seep_profile_clear(&profile);
    seep_buf_clear(&first);
    seep_buf_clear(&second);
    seep_buf_clear(&result);
}

// Frames of the logs, as modules and offsets, are the functions of the comparison, frame by frame.
static void the_real_comparison_is_two_moments(void **state)
{
    (void)state;
    struct seep_buf result = { 0 }, second = { 0 };
    if (!real_file("umdh/Debug-Result.txt", &result) ||
        !real_file("umdh/Debug-SecondDump.txt", &second))
        skip();
    struct seep_profile compared, log;
    seep_profile_init(&compared);
    seep_profile_init(&log);
    read_into(&compared, &result);
    read_into(&log, &second);
    assert_true(seep_profile_finish(&compared) && seep_profile_finish(&log));
    assert_int_equal(compared.n_moments, 2);
    assert_int_equal(compared.n_rows, 4);
    for (size_t i = 0; i < compared.n_rows; i++) {
        const struct seep_profile_site *site =
            &compared.sites[compared.order[compared.rows[i].first]];
        struct found in_log = find_trace(&log, site->site.tag), here;
        here = find_trace(&compared, site->site.tag);
        assert_int_equal(here.sums[1].outstanding_bytes, in_log.sums[0].outstanding_bytes);
        assert_int_equal(here.sums[1].outstanding_count, in_log.sums[0].outstanding_count);
        struct seep_stack_id a = site->site.stack, b = in_log.site->site.stack;
        const struct seep_stack_node *x, *y;
        while ((x = seep_stacks_node(&compared.stacks, a)) != NULL) {
            y = seep_stacks_node(&log.stacks, b);
            assert_non_null(y);
            const struct seep_module *m =
                seep_profile_module(&log, in_log.site->site.process.v, &y->frame);
            assert_non_null(m);
            size_t len = strcspn(x->frame.text, "!");
            const char *name = m->identity.name;
            assert_true(strncmp(x->frame.text, name, len) == 0 && name[len] == '.');
            a = x->parent;
            b = y->parent;
        }
        assert_int_equal(b.v, 0);
    }
    seep_profile_clear(&compared);
    seep_profile_clear(&log);
    seep_buf_clear(&result);
    seep_buf_clear(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files_are_read_whole),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(several_moments_and_survivors),
        cmocka_unit_test(logs_may_stand_in_one_file),
        cmocka_unit_test(real_logs_give_the_real_comparison),
        cmocka_unit_test(the_real_comparison_is_two_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
