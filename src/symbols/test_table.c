// SPDX-License-Identifier: MIT
// Tests of tables of symbols: which name an address has, saving and opening, hostile bytes.
#include "testkit.h"

#include "symbols/table.h"
#include "symbols/table_build.h"

#include <stdlib.h>
#include <string.h>

static void add(struct seep_symbol_builder *b, enum seep_symbol_kind kind, uint32_t rva,
                uint32_t size, const char *name)
{
    assert_true(seep_symbol_builder_add(b, kind, rva, size, name, strlen(name)));
}

static struct seep_symbol_table *finish(struct seep_symbol_builder *b)
{
    struct seep_symbol_table *table = seep_symbol_builder_finish(b, NULL);
    assert_non_null(table);
    seep_symbol_builder_free(b);
    return table;
}

// "name+offset", or "?" where no symbol is.
static const char *at(const struct seep_symbol_table *table, uint32_t rva)
{
    static char text[128];
    struct seep_symbol s;
    if (!seep_symbol_table_at(table, rva, &s))
        return "?";
    snprintf(text, sizeof text, "%s+%u", s.function, (unsigned)s.offset);
    return text;
}

static void the_better_name_wins_and_ranges_nest(void **state)
{
    (void)state;
    struct seep_symbol_builder *b = seep_symbol_builder_new();
    add(b, SEEP_SYMBOL_PUBLIC, 100, 0, "?f@@YAXXZ");
    add(b, SEEP_SYMBOL_PROCEDURE, 100, 50, "f");
    add(b, SEEP_SYMBOL_EXPORT, 100, 0, "F");
    add(b, SEEP_SYMBOL_PUBLIC, 120, 0, "label");     // in f
    add(b, SEEP_SYMBOL_PROCEDURE, 130, 10, "inner"); // in f
    add(b, SEEP_SYMBOL_PUBLIC, 200, 0, "g");
    add(b, SEEP_SYMBOL_PUBLIC, 200, 0, "g"); // twice
    add(b, SEEP_SYMBOL_PUBLIC, 300, 0, "last");
    add(b, SEEP_SYMBOL_PROCEDURE, 310, 20, "crossing");
    add(b, SEEP_SYMBOL_PROCEDURE, 320, 20, "crossed");
    assert_true(seep_symbol_builder_section(b, 0, 280));
    assert_true(seep_symbol_builder_section(b, 290, 100));
    struct seep_symbol_table *t = finish(b);
    assert_int_equal(seep_symbol_table_count(t), 9);
    assert_string_equal(at(t, 99), "?");
    assert_string_equal(at(t, 100), "f+0");
    assert_string_equal(at(t, 129), "f+29");
    assert_string_equal(at(t, 130), "inner+0");
    assert_string_equal(at(t, 139), "inner+9");
    assert_string_equal(at(t, 140), "f+40");
    assert_string_equal(at(t, 149), "f+49");
    assert_string_equal(at(t, 150), "?");
    assert_string_equal(at(t, 200), "g+0");
    assert_string_equal(at(t, 279), "g+79"); // to the end of its section
    assert_string_equal(at(t, 280), "?");
    assert_string_equal(at(t, 309), "last+9");
    assert_string_equal(at(t, 325), "crossed+5");
    assert_string_equal(at(t, 339), "crossed+19");
    assert_string_equal(at(t, 340), "?");
    assert_string_equal(at(t, UINT32_MAX), "?");
    uint32_t rva = 0;
    assert_true(seep_symbol_table_find(t, "label", &rva));
    assert_int_equal(rva, 120);
    assert_true(seep_symbol_table_find(t, "?f@@YAXXZ", &rva));
    assert_int_equal(rva, 100);
    assert_false(seep_symbol_table_find(t, "f@", &rva));
    assert_false(seep_symbol_table_find(t, "", &rva));
    seep_symbol_table_free(t);
}

static void the_lowest_of_one_name_is_found(void **state)
{
    (void)state;
    struct seep_symbol_builder *b = seep_symbol_builder_new();
    add(b, SEEP_SYMBOL_PROCEDURE, 900, 5, "twice");
    add(b, SEEP_SYMBOL_PROCEDURE, 50, 5, "twice");
    assert_true(seep_symbol_builder_part(b, 1900, 8, 900));
    assert_true(seep_symbol_builder_part(b, 20, 8, 50));
    assert_true(seep_symbol_builder_part(b, 2000, 8, 51)); // of nothing
    struct seep_symbol_table *t = finish(b);
    uint32_t rva = 0;
    assert_true(seep_symbol_table_find(t, "twice", &rva));
    assert_int_equal(rva, 50); // not a part
    assert_string_equal(at(t, 1901), "twice+1001");
    assert_string_equal(at(t, 1908), "?");
    assert_string_equal(at(t, 21), "twice$part+1");
    assert_string_equal(at(t, 2001), "?");
    seep_symbol_table_free(t);
}

static void jumps_of_the_linker_have_their_targets_name(void **state)
{
    (void)state;
    struct seep_symbol_builder *b = seep_symbol_builder_new();
    add(b, SEEP_SYMBOL_PUBLIC, 500, 0, "main");
    assert_true(seep_symbol_builder_thunk(b, 105, 5, 500));
    assert_true(seep_symbol_builder_thunk(b, 100, 5, 501));
    struct seep_symbol_table *t = finish(b);
    assert_string_equal(at(t, 101), "ILT+0(?)+1");
    assert_string_equal(at(t, 107), "ILT+5(main)+2");
    assert_string_equal(at(t, 110), "?");
    uint32_t rva = 0;
    assert_true(seep_symbol_table_find(t, "main", &rva));
    assert_int_equal(rva, 500);
    seep_symbol_table_free(t);
}

static struct seep_symbol_table *with_lines(void)
{
    struct seep_symbol_builder *b = seep_symbol_builder_new();
    uint32_t a, c;
    add(b, SEEP_SYMBOL_PROCEDURE, 100, 100, "outer");
    assert_true(seep_symbol_builder_file(b, "a.c", 3, &a));
    assert_true(seep_symbol_builder_file(b, "c.h", 3, &c));
    assert_true(seep_symbol_builder_line(b, 110, 20, a, 11));
    assert_true(seep_symbol_builder_line(b, 100, 10, a, 10));
    assert_true(seep_symbol_builder_line(b, 140, 60, a, 12));
    assert_true(seep_symbol_builder_line(b, 150, 10, 99, 13)); // a file that is none
    assert_true(seep_symbol_builder_inline(b, 112, 10, 1, "mid", 3, c, 5));
    assert_true(seep_symbol_builder_inline(b, 114, 2, 2, "deep", 4, c, 77));
    assert_true(seep_symbol_builder_inline(b, 114, 2, SEEP_MAX_INLINED + 1, "x", 1, c, 77));
    return finish(b);
}

static void lines_and_inlined_calls(void **state)
{
    (void)state;
    struct seep_symbol_table *t = with_lines();
    struct seep_symbol s;
    assert_true(seep_symbol_table_at(t, 105, &s));
    assert_string_equal(s.file, "a.c");
    assert_int_equal(s.line, 10);
    assert_int_equal(s.n_inlined, 0);
    assert_true(seep_symbol_table_at(t, 135, &s)); // between two lines
    assert_null(s.file);
    assert_int_equal(s.line, 0);
    assert_true(seep_symbol_table_at(t, 155, &s));
    assert_null(s.file);
    assert_int_equal(s.line, 13);
    assert_true(seep_symbol_table_at(t, 115, &s));
    assert_int_equal(s.line, 11);
    assert_int_equal(s.n_inlined, 2);
    assert_string_equal(s.inlined[0].function, "deep");
    assert_int_equal(s.inlined[0].line, 77);
    assert_string_equal(s.inlined[1].function, "mid");
    assert_string_equal(s.inlined[1].file, "c.h");
    assert_true(seep_symbol_table_at(t, 116, &s));
    assert_int_equal(s.n_inlined, 1);
    seep_symbol_table_free(t);
}

static void reordered_images_translate_both_ways(void **state)
{
    (void)state;
    struct seep_symbol_builder *b = seep_symbol_builder_new();
    add(b, SEEP_SYMBOL_PUBLIC, 100, 0, "f");
    add(b, SEEP_SYMBOL_PUBLIC, 200, 0, "g");
    // linked: f 100..199, g 200..299; in the image: g 1000, the second half of f 1100, its first
    // half 2000, and code of nobody at 1050
    assert_true(seep_symbol_builder_omap(b, true, 1000, 200));
    assert_true(seep_symbol_builder_omap(b, true, 1050, 0));
    assert_true(seep_symbol_builder_omap(b, true, 2000, 100));
    assert_true(seep_symbol_builder_omap(b, true, 1100, 150));
    assert_true(seep_symbol_builder_omap(b, false, 100, 2000));
    assert_true(seep_symbol_builder_omap(b, false, 150, 1100));
    assert_true(seep_symbol_builder_omap(b, false, 200, 1000));
    struct seep_symbol_table *t = finish(b);
    assert_string_equal(at(t, 999), "?");
    assert_string_equal(at(t, 1001), "g+1");
    assert_string_equal(at(t, 1060), "?");
    assert_string_equal(at(t, 1100), "f+50");
    assert_string_equal(at(t, 2003), "f+3");
    uint32_t rva = 0;
    assert_true(seep_symbol_table_find(t, "f", &rva));
    assert_int_equal(rva, 2000);
    assert_true(seep_symbol_table_find(t, "g", &rva));
    assert_int_equal(rva, 1000);
    seep_symbol_table_free(t);
}

static void a_saved_table_is_the_same(void **state)
{
    (void)state;
    struct seep_symbol_table *t = with_lines();
    struct seep_buf saved = { 0 }, again = { 0 };
    assert_true(seep_symbol_table_save(t, &saved));
    struct seep_symbol_table *u = seep_symbol_table_open(seep_bytes(saved.data, saved.len), NULL);
    assert_non_null(u);
    for (uint32_t rva = 90; rva < 210; rva++) {
        struct seep_symbol x = { 0 }, y = { 0 };
        assert_int_equal(seep_symbol_table_at(t, rva, &x), seep_symbol_table_at(u, rva, &y));
        assert_int_equal(x.offset, y.offset);
        assert_int_equal(x.line, y.line);
        assert_int_equal(x.n_inlined, y.n_inlined);
    }
    assert_true(seep_symbol_table_save(u, &again));
    assert_int_equal(saved.len, again.len);
    assert_memory_equal(saved.data, again.data, saved.len);
    seep_symbol_table_free(t);
    seep_symbol_table_free(u);
    seep_buf_clear(&saved);
    seep_buf_clear(&again);
}

static void damaged_tables_are_refused(void **state)
{
    (void)state;
    struct seep_symbol_table *t = with_lines();
    struct seep_buf saved = { 0 };
    assert_true(seep_symbol_table_save(t, &saved));
    seep_symbol_table_free(t);
    for (size_t len = 0; len < saved.len; len++) {
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, saved.data, len);
        struct seep_err err = { 0 };
        assert_null(seep_symbol_table_open(seep_bytes(copy, len), &err));
        assert_true(err.what[0]);
        free(copy);
    }
    for (size_t i = 0; i < saved.len; i++) {
        saved.data[i] = (char)(saved.data[i] ^ 0x10);
        assert_null(seep_symbol_table_open(seep_bytes(saved.data, saved.len), NULL));
        saved.data[i] = (char)(saved.data[i] ^ 0x10);
    }
    seep_buf_clear(&saved);
}

static void an_empty_table_answers(void **state)
{
    (void)state;
    struct seep_symbol_table *t = finish(seep_symbol_builder_new());
    struct seep_symbol s;
    uint32_t rva;
    assert_false(seep_symbol_table_at(t, 0, &s));
    assert_false(seep_symbol_table_find(t, "x", &rva));
    assert_int_equal(seep_symbol_table_count(t), 0);
    seep_symbol_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_better_name_wins_and_ranges_nest),
        cmocka_unit_test(the_lowest_of_one_name_is_found),
        cmocka_unit_test(jumps_of_the_linker_have_their_targets_name),
        cmocka_unit_test(lines_and_inlined_calls),
        cmocka_unit_test(reordered_images_translate_both_ways),
        cmocka_unit_test(a_saved_table_is_the_same),
        cmocka_unit_test(damaged_tables_are_refused),
        cmocka_unit_test(an_empty_table_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
