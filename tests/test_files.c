// SPDX-License-Identifier: MIT
// Tests of folders and of files that appear whole.
#include "testkit.h"

#include "base/alloc.h"
#include "os/files.h"
#include "os/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void scratch(char *path, size_t size, const char *name)
{
    const char *root = getenv("SEEP_BUILD_ROOT");
    (void)snprintf(path, size, "%s/tests/files-test/%s", root ? root : ".", name);
}

static void write_new(const char *path, const char *text, bool keep)
{
    struct seep_os_new_file file;
    struct seep_err err = { 0 };
    assert_true(seep_os_new_file_begin(path, &file, &err));
    assert_int_equal(fwrite(text, 1, strlen(text), file.file), strlen(text));
    if (keep)
        assert_true(seep_os_new_file_keep(&file, &err));
    seep_os_new_file_drop(&file);
    assert_null(file.file);
}

static void assert_content(const char *path, const char *text)
{
    struct seep_buf content = { 0 };
    assert_true(testkit_read_file(path, &content));
    assert_string_equal(seep_buf_text(&content), text);
    seep_buf_clear(&content);
}

static bool count_entry(void *ctx, const char *name)
{
    unsigned *n = ctx;
    assert_string_not_equal(name, ".");
    assert_string_not_equal(name, "..");
    ++*n;
    return true;
}

static bool stop_at_once(void *ctx, const char *name)
{
    (void)name;
    ++*(unsigned *)ctx;
    return false;
}

static void folders_are_made_with_those_above(void **state)
{
    (void)state;
    char path[4096];
    struct seep_os_file_info info;
    struct seep_err err = { 0 };
    scratch(path, sizeof path, "a/\xc3\xa4 b/c");
    for (int i = 0; i < 2; i++) // the second time they are there
        assert_true(seep_os_make_folder(path, &err));
    assert_true(seep_os_file_info(path, &info));
    assert_true(info.folder);
    assert_true(info.readable);
    assert_false(seep_os_is_link(path));
    assert_false(seep_os_is_link("/nowhere/at/all"));
    scratch(path, sizeof path, "a/file");
    write_new(path, "x", true);
    scratch(path, sizeof path, "a/file/below");
    assert_false(seep_os_make_folder(path, &err));
    assert_string_not_equal(err.what, "");
    assert_false(seep_os_make_folder("", &err) && seep_os_file_info("", &info));
}

static void a_new_file_appears_whole_or_not_at_all(void **state)
{
    (void)state;
    char path[4096], folder[4096];
    struct seep_os_file_info info;
    struct seep_err err = { 0 };
    unsigned n = 0;
    scratch(folder, sizeof folder, "new");
    assert_true(seep_os_make_folder(folder, &err));
    scratch(path, sizeof path, "new/file");
    seep_os_remove(path);
    seep_os_remove(path); // nothing there is no harm
    write_new(path, "dropped", false);
    assert_false(seep_os_file_info(path, &info));
    write_new(path, "one", true);
    assert_content(path, "one");
    write_new(path, "three", true); // replaces
    assert_content(path, "three");
    write_new(path, "dropped", false);
    assert_content(path, "three");
    assert_true(seep_os_file_info(path, &info));
    assert_int_equal(info.size_bytes, 5);
    assert_false(info.folder);
    assert_true(info.modified_ns <= seep_os_now_ns() + 2000000000);
    assert_true(info.modified_ns > seep_os_now_ns() - 600000000000);
    // No temporary file stays.
    assert_true(seep_os_each_entry(folder, count_entry, &n, &err));
    assert_int_equal(n, 1);
    scratch(path, sizeof path, "missing/file");
    struct seep_os_new_file file;
    assert_false(seep_os_new_file_begin(path, &file, &err));
    assert_non_null(strstr(err.what, "cannot be written"));
}

static void two_writers_of_one_file_do_not_mix(void **state)
{
    (void)state;
    char path[4096];
    struct seep_os_new_file one, two;
    struct seep_err err = { 0 };
    scratch(path, sizeof path, "a");
    assert_true(seep_os_make_folder(path, &err));
    scratch(path, sizeof path, "a/shared");
    assert_true(seep_os_new_file_begin(path, &one, &err));
    assert_true(seep_os_new_file_begin(path, &two, &err));
    (void)fputs("first", one.file);
    (void)fputs("second", two.file);
    assert_true(seep_os_new_file_keep(&two, &err));
    assert_true(seep_os_new_file_keep(&one, &err));
    assert_content(path, "first");
}

static void entries_are_found_in_any_case(void **state)
{
    (void)state;
    char path[4096], folder[4096];
    struct seep_buf found = { 0 };
    struct seep_err err = { 0 };
    scratch(folder, sizeof folder, "case");
    assert_true(seep_os_make_folder(folder, &err));
    scratch(path, sizeof path, "case/NtDll.PDB");
    write_new(path, "x", true);
    assert_true(seep_os_find_entry(folder, "ntdll.pdb", &found));
    assert_content(found.data, "x");
    assert_true(seep_os_find_entry(folder, "NtDll.PDB", &found));
    // The result may replace the folder that it was found in.
    seep_buf_reset(&found);
    seep_buf_adds(&found, folder);
    assert_true(seep_os_find_entry(found.data, "NTDLL.pdb", &found));
    assert_content(found.data, "x");
    assert_false(seep_os_find_entry(folder, "ntdll", &found));
    assert_false(seep_os_find_entry(path, "x", &found));
    assert_content(found.data, "x"); // untouched
    seep_buf_clear(&found);
}

static void listing_stops_when_asked(void **state)
{
    (void)state;
    char folder[4096];
    struct seep_err err = { 0 };
    unsigned n = 0;
    scratch(folder, sizeof folder, "case");
    assert_true(seep_os_make_folder(folder, &err));
    assert_true(seep_os_each_entry(folder, stop_at_once, &n, &err));
    assert_int_equal(n, 1);
    scratch(folder, sizeof folder, "no-such-folder");
    assert_false(seep_os_each_entry(folder, stop_at_once, &n, &err));
    assert_string_not_equal(err.what, "");
}

static void places_of_this_user_are_known(void **state)
{
    (void)state;
    struct seep_buf cache = { 0 };
    if (seep_os_cache_folder(&cache))
        assert_string_equal(cache.data + cache.len - 4, "seep");
    seep_buf_clear(&cache);
    assert_null(seep_os_environment("SEEP_THERE_IS_NO_SUCH_VARIABLE"));
    char *root = seep_os_environment("SEEP_BUILD_ROOT");
    if (getenv("SEEP_BUILD_ROOT"))
        assert_non_null(root);
    seep_free(root);
    assert_false(seep_os_path_is_local("relative/x"));
    assert_false(seep_os_path_is_local("\\\\server\\share\\x"));
    assert_false(seep_os_path_is_local("//server/share/x"));
    assert_false(seep_os_path_is_local("\\\\.\\pipe\\x"));
    assert_false(seep_os_path_is_local(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_made_with_those_above),
        cmocka_unit_test(a_new_file_appears_whole_or_not_at_all),
        cmocka_unit_test(two_writers_of_one_file_do_not_mix),
        cmocka_unit_test(entries_are_found_in_any_case),
        cmocka_unit_test(listing_stops_when_asked),
        cmocka_unit_test(places_of_this_user_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
