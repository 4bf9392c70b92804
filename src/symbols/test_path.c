// SPDX-License-Identifier: MIT
// Tests of the symbol path: what Windows' forms mean, and which names may become files.
#include "testkit.h"

#include "symbols/path.h"

#include <stdio.h>
#include <string.h>

// The places as "F:where", "S:where" (store), "H:where" (server), '*' after a cache, parted by
// blanks.
static void describe(const struct seep_symbol_path *path, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < path->n; i++) {
        const struct seep_place *place = &path->places[i];
        int n = snprintf(out + len, size - len, "%s%c%s:%s", i ? " " : "", "FSH"[place->kind],
                         place -> cache ? "*" : "", place->where ? place->where : "OWN");
        assert_true(n > 0 && (size_t)n < size - len);
        len += (size_t)n;
    }
}

static void paths_are_taken_apart(void **state)
{
    (void)state;
    static const char microsoft[] = "H:https://msdl.microsoft.com/download/symbols";
    static const struct {
        const char *path, *places;
    } rows[] = {
        { "", "" },
        { ";;", "" },
        { "C:\\symbols", "F:C:\\symbols" },
        { "\\\\server\\share\\x;/srv/y", "F:\\\\server\\share\\x F:/srv/y" },
        { " /a b ; \"C:\\Program Files\\x\" ", "F:/a b F:C:\\Program Files\\x" },
        { "srv*c:\\cache*https://s/x/", "S:c:\\cache H:https://s/x" },
        { "SRV*c:\\a*\\\\b\\c*HTTP://s", "S:c:\\a S:\\\\b\\c H:HTTP://s" },
        { "srv*https://s", "S:OWN H:https://s" },
        { "srv**https://s", "S:OWN H:https://s" },
        { "srv*/store", "S:/store" },
        { "srv*/store*", "S:/store" },
        { "cache*", "S*:OWN" },
        { "cache*/c;/d;srv*/e", "S*:/c F:/d S:/e" },
        { "symsrv*symsrv.dll*/a*https://s", "S:/a H:https://s" },
        { "https://s/y", "S:OWN H:https://s/y" },
        { "C:\\x;app.pdb;nt.json.xz", "F:C:\\x F:app.pdb F:nt.json.xz" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seep_symbol_path path = { 0 };
        struct seep_err err = { 0 };
        char out[512];
        assert_true(seep_symbol_path_add(&path, rows[i].path, &err));
        describe(&path, out, sizeof out);
        assert_string_equal(out, rows[i].places);
        seep_symbol_path_clear(&path);
    }
    struct seep_symbol_path path = { 0 };
    char out[512];
    assert_true(seep_symbol_path_add(&path, "srv*", NULL));
    describe(&path, out, sizeof out);
    assert_memory_equal(out, "S:OWN ", 6);
    assert_string_equal(out + 6, microsoft);
    seep_symbol_path_clear(&path);
}

static void elements_without_sense_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *path, *what;
    } rows[] = {
        { "/a;foo*bar", "'foo*bar'" },        { "*", "'*'" },
        { "symsrv*", "'symsrv*'" },           { "symsrv*x.dll", "'symsrv*x.dll'" },
        { "srv*ftp://x", "'ftp://x'" },       { "debuginfod://x", "'debuginfod://x'" },
        { "cache*https://x", "on a server" }, { "cache*a*b", "'cache*a*b'" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seep_symbol_path path = { 0 };
        struct seep_err err = { 0 };
        assert_false(seep_symbol_path_add(&path, rows[i].path, &err));
        if (!strstr(err.what, rows[i].what))
            print_error("%s: %s\n", rows[i].path, err.what);
        assert_non_null(strstr(err.what, rows[i].what));
        seep_symbol_path_clear(&path);
    }
}

static void stores_keep_what_lies_right_of_them(void **state)
{
    (void)state;
    // 0 cache, 1 folder, 2 and 3 stores, 4 server; 5 store of another element
    struct seep_symbol_path path = { 0 };
    assert_true(seep_symbol_path_add(&path, "cache*/c;/d;srv*/a*/b*https://s;srv*/e", NULL));
    static const char *const keepers[] = { "", "0", "0", "02", "023", "0" };
    assert_int_equal(path.n, 6);
    for (size_t found = 0; found < path.n; found++) {
        char out[8] = "";
        size_t n = 0;
        for (size_t at = 0; at < path.n; at++) {
            if (seep_symbol_path_keeps(&path, at, found))
                out[n++] = (char)('0' + at);
        }
        out[n] = '\0';
        assert_string_equal(out, keepers[found]);
    }
    seep_symbol_path_clear(&path);
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
    (void)state;
    static const char *const good[] = { "ntdll.pdb", "a",       "Mein Programm.pdb", "x.y.z",
                                        "con1.pdb",  "com.pdb", "\xc3\xa4.pdb",      "nullpdb" };
    static const char *const bad[] = { "",         ".",       "..",       "../x", "a/b",
                                       "a\\b",     "C:x",     "a:stream", "x*",   "x?.pdb",
                                       "x\n.pdb",  "x.",      "x ",       "nul",  "NUL.pdb",
                                       "con.x.y",  "Aux",     "com1.pdb", "LPT9", "com\xc2\xb9",
                                       "nul .pdb", "..x.pdb", ". x.pdb",  "a|b",  "<x>",
                                       "\"x\"",    "x\x7f" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(seep_symbol_name_safe(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (seep_symbol_name_safe(bad[i]))
            print_error("'%s'\n", bad[i]);
        assert_false(seep_symbol_name_safe(bad[i]));
    }
    char name[400];
    memset(name, 'x', sizeof name);
    name[200] = '\0';
    assert_true(seep_symbol_name_safe(name));
    name[200] = 'x';
    name[201] = '\0';
    assert_false(seep_symbol_name_safe(name));
    assert_string_equal(seep_symbol_base_name("C:\\a/b\\c.pdb"), "c.pdb");
    assert_string_equal(seep_symbol_base_name("c.pdb"), "c.pdb");
    assert_string_equal(seep_symbol_base_name("a/"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_taken_apart),
        cmocka_unit_test(elements_without_sense_are_named),
        cmocka_unit_test(stores_keep_what_lies_right_of_them),
        cmocka_unit_test(names_that_lead_elsewhere_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
