// SPDX-License-Identifier: MIT
// Tests of folders and stores on disk. The files are texts; "good" is what is looked for.
#include "testkit.h"

#include "os/files.h"
#include "os/os.h"
#include "symbols/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct seep_symbols_options options;
    struct seep_store store;
    char root[512]; // of everything that the test writes
    char found[1024];
    unsigned n_offered;
    struct seep_buf said;
};

static bool accept_good(void *ctx, const char *path, bool named)
{
    struct session *s = ctx;
    struct seep_buf text = { 0 };
    (void)named;
    s->n_offered++;
    bool ok = testkit_read_file(path, &text) && text.len == 4 && memcmp(text.data, "good", 4) == 0;
    if (ok)
        (void)snprintf(s->found, sizeof s->found, "%s", path);
    seep_buf_clear(&text);
    return ok;
}

static void hear(void *ctx, const char *line)
{
    struct session *s = ctx;
    seep_buf_addf(&s->said, "%s\n", line);
}

static void put(const struct session *s, const char *name, const void *data, size_t len)
{
    char path[1024], folder[1024];
    struct seep_err err = { 0 };
    (void)snprintf(path, sizeof path, "%s/%s", s->root, name);
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    assert_true(seep_os_make_folder(folder, &err));
    struct seep_os_new_file file;
    assert_true(seep_os_new_file_begin(path, &file, &err));
    assert_int_equal(fwrite(data, 1, len, file.file), len);
    assert_true(seep_os_new_file_keep(&file, &err));
}

static void put_text(const struct session *s, const char *name, const char *text)
{
    put(s, name, text, strlen(text));
}

static bool is_good(const struct session *s, const char *name)
{
    char path[1024];
    struct seep_buf text = { 0 };
    (void)snprintf(path, sizeof path, "%s/%s", s->root, name);
    bool ok = testkit_read_file(path, &text) && text.len == 4 && memcmp(text.data, "good", 4) == 0;
    seep_buf_clear(&text);
    return ok;
}

// Takes away all that is below a folder, and nothing else.
static bool remove_entry(void *ctx, const char *name)
{
    char path[1024];
    struct seep_os_file_info info;
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    if (seep_os_file_info(path, &info) && info.folder)
        (void)seep_os_each_entry(path, remove_entry, path, NULL);
    else
        seep_os_remove(path);
    return true;
}

// A new session in a folder of its own; `path` has '@' for that folder.
static void begin(struct session *s, const char *name, const char *path)
{
    const char *build = getenv("SEEP_BUILD_ROOT");
    *s = (struct session){ 0 };
    (void)snprintf(s->root, sizeof s->root, "%s/src/symbols/store-test/%s", build ? build : "build",
                   name);
    struct seep_err err = { 0 };
    assert_true(seep_os_make_folder(s->root, &err));
    (void)seep_os_each_entry(s->root, remove_entry, s->root, NULL);
    s->options.say = hear;
    s->options.ctx = s;
    s->options.offline = true;
    s->store.options = &s->options;
    seep_buf_addf(&s->store.own, "%s/own", s->root);
    struct seep_buf full = { 0 };
    for (; *path; path++) {
        if (*path == '@')
            seep_buf_adds(&full, s->root);
        else
            seep_buf_addc(&full, *path);
    }
    assert_true(seep_symbol_path_add(&s->store.path, seep_buf_text(&full), &err));
    seep_buf_clear(&full);
}

static void end(struct session *s)
{
    seep_store_clear(&s->store);
    seep_buf_clear(&s->said);
}

static bool look(struct session *s)
{
    static const char *const also[] = { "App-ID-1.json", NULL };
    const struct seep_store_query query = { .file = "App.pdb",
                                            .id = "ABCDEF01",
                                            .subfolder = "dll",
                                            .also = also,
                                            .accept = accept_good,
                                            .ctx = s };
    s->found[0] = '\0';
    return seep_store_find(&s->store, &query);
}

static void expect_found(struct session *s, const char *name)
{
    char expected[1024];
    bool ok = look(s);
    if (!ok && s->said.len)
        print_error("%s", s->said.data);
    assert_true(ok);
    (void)snprintf(expected, sizeof expected, "%s/%s", s->root, name);
    for (char *at = s->found; *at; at++)
        *at = *at == '\\' ? '/' : *at;
    for (char *at = expected; *at; at++)
        *at = *at == '\\' ? '/' : *at;
    assert_string_equal(s->found, expected);
}

static void folders_are_searched_as_debuggers_do(void **state)
{
    (void)state;
    static const char *const places[] = {
        "dir/App.pdb",       "dir/symbols/dll/App.pdb",      "dir/dll/App.pdb",
        "dir/App-ID-1.json", "dir/App.pdb/ABCDEF01/App.pdb",
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct session s;
        char name[16];
        (void)snprintf(name, sizeof name, "folders-%u", (unsigned)i);
        begin(&s, name, "@/dir");
        put_text(&s, places[i], "good");
        expect_found(&s, places[i]);
        assert_int_equal(s.said.len, 0);
        end(&s);
    }
}

static void a_file_that_is_not_the_one_is_passed_over(void **state)
{
    (void)state;
    struct session s;
    begin(&s, "passed-over", "@/one;@/two");
    put_text(&s, "one/App.pdb", "evil");
    put_text(&s, "one/App.pdb-is-no-folder", "x");
    put_text(&s, "two/App.pdb/ABCDEF01/App.pdb", "good");
    expect_found(&s, "two/App.pdb/ABCDEF01/App.pdb");
    assert_int_equal(s.n_offered, 2);
    end(&s);
}

static void stores_have_one_or_two_tiers(void **state)
{
    (void)state;
    struct session s;
    begin(&s, "two-tier", "srv*@/store");
    put_text(&s, "store/index2.txt", "");
    put_text(&s, "store/App.pdb/ABCDEF01/App.pdb", "evil");
    assert_false(look(&s));
    end(&s);
    begin(&s, "two-tier", "srv*@/store");
    put_text(&s, "store/index2.txt", "");
    put_text(&s, "store/Ap/App.pdb/ABCDEF01/App.pdb", "good");
    expect_found(&s, "store/Ap/App.pdb/ABCDEF01/App.pdb");
    end(&s);
}

static void letters_of_either_case_are_the_same(void **state)
{
    (void)state;
    struct session s;
    begin(&s, "case", "srv*@/store");
    put_text(&s, "store/app.PDB/abcdef01/APP.pdb", "good");
    assert_true(look(&s));
    end(&s);
}

static void what_is_found_is_kept_in_the_stores_to_the_left(void **state)
{
    (void)state;
    struct session s;
    begin(&s, "cascade", "cache*@/cache;srv*@/near*@/far*@/share");
    put_text(&s, "near/index2.txt", "");
    put_text(&s, "share/App.pdb/ABCDEF01/App.pdb", "good");
    put_text(&s, "far/App.pdb/ABCDEF01/App.pdb", "damaged");
    expect_found(&s, "share/App.pdb/ABCDEF01/App.pdb");
    assert_true(is_good(&s, "far/App.pdb/ABCDEF01/App.pdb"));
    assert_true(is_good(&s, "near/Ap/App.pdb/ABCDEF01/App.pdb"));
    assert_true(is_good(&s, "cache/App.pdb/ABCDEF01/App.pdb"));
    expect_found(&s, "cache/App.pdb/ABCDEF01/App.pdb");
    assert_int_equal(s.said.len, 0);
    end(&s);
}

static void an_isf_file_is_not_kept_as_a_pdb(void **state)
{
    (void)state;
    struct session s;
    begin(&s, "isf-kept", "cache*@/cache;@/dir");
    put_text(&s, "dir/App-ID-1.json", "good");
    expect_found(&s, "dir/App-ID-1.json");
    assert_false(is_good(&s, "cache/App.pdb/ABCDEF01/App.pdb"));
    end(&s);
}

// A cabinet with the stored bytes "good".
static size_t make_cabinet(uint8_t out[128], const char *content)
{
    static const uint8_t head[] = {
        'M', 'S', 'C', 'F', 0,   0, 0, 0, 88, 0, 0,    0,    0, 0, 0,    0, 44,  0,
        0,   0,   0,   0,   0,   0, 3, 1, 1,  0, 1,    0,    0, 0, 0,    0, 0,   0, // header
        68,  0,   0,   0,   1,   0, 0, 0, // folder: stored
        4,   0,   0,   0,   0,   0, 0, 0, 0,  0, 0x21, 0x5a, 0, 0, 0x20, 0, 'A', 'p',
        'p', '.', 'p', 'd', 'b', 0,       // file
        0,   0,   0,   0,   4,   0, 4, 0, // block
    };
    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, content, 4);
    return sizeof head + 4;
}

static void compressed_files_are_unpacked_into_a_store(void **state)
{
    (void)state;
    uint8_t cab[128];
    size_t len = make_cabinet(cab, "good");
    struct session s;
    begin(&s, "packed", "srv*@/cache*@/share");
    put(&s, "share/App.pdb/ABCDEF01/App.pd_", cab, len);
    expect_found(&s, "cache/App.pdb/ABCDEF01/App.pdb");
    end(&s);
    // Without a store to the left, into the user's own.
    begin(&s, "packed", "srv*@/share");
    put(&s, "share/App.pdb/ABCDEF01/App.pd_", cab, len);
    expect_found(&s, "own/App.pdb/ABCDEF01/App.pdb");
    end(&s);
    // What is not the file leaves nothing behind.
    len = make_cabinet(cab, "evil");
    begin(&s, "packed", "srv*@/cache*@/share");
    put(&s, "share/App.pdb/ABCDEF01/App.pd_", cab, len);
    assert_false(look(&s));
    struct seep_os_file_info info;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/cache/App.pdb/ABCDEF01/App.pdb", s.root);
    assert_false(seep_os_file_info(path, &info));
    end(&s);
    begin(&s, "packed", "srv*@/cache*@/share");
    put(&s, "share/App.pdb/ABCDEF01/App.pd_", cab, len - 1);
    assert_false(look(&s));
    assert_non_null(strstr(seep_buf_text(&s.said), "App.pd_: the cabinet is cut off"));
    end(&s);
}

// The packed file of another build neither replaces nor takes away what the store has.
static void a_packed_stranger_leaves_a_good_file_alone(void **state)
{
    (void)state;
    uint8_t cab[128];
    size_t len = make_cabinet(cab, "evil");
    struct session s;
    begin(&s, "packed", "@/share;srv*@/share");
    put(&s, "share/App.pd_", cab, len);
    put_text(&s, "own/App.pdb/ABCDEF01/App.pdb", "good");
    expect_found(&s, "own/App.pdb/ABCDEF01/App.pdb");
    assert_true(is_good(&s, "own/App.pdb/ABCDEF01/App.pdb"));
    end(&s);
}

static void pointers_are_followed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct session s;
        char text[1024];
        begin(&s, "pointer", "srv*@/store");
        put_text(&s, "elsewhere/App.pdb", "good");
        (void)snprintf(text, sizeof text,
                       i ? "%s/elsewhere/App.pdb\r\n" : "PATH:%s/elsewhere/App.pdb", s.root);
        put_text(&s, "store/App.pdb/ABCDEF01/file.ptr", text);
        expect_found(&s, "elsewhere/App.pdb");
        end(&s);
    }
    struct session s;
    begin(&s, "pointer", "srv*@/store");
    put_text(&s, "store/App.pdb/ABCDEF01/file.ptr", "MSG: ask the\x1b team");
    assert_false(look(&s));
    assert_non_null(strstr(seep_buf_text(&s.said), "the store says:  ask the? team"));
    end(&s);
    begin(&s, "pointer", "srv*@/store");
    put_text(&s, "store/App.pdb/ABCDEF01/file.ptr", "");
    assert_false(look(&s));
    end(&s);
}

static unsigned n_lines(const struct session *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->said.len; i++)
        n += s->said.data[i] == '\n';
    return n;
}

static void places_that_cannot_be_used_are_said_once(void **state)
{
    (void)state;
    struct session s;
    begin(&s, "unusable", "@/missing;srv*@/gone;srv*@/made*https://127.0.0.1:1/x;@/dir");
    put_text(&s, "dir/App.pdb", "evil");
    assert_false(look(&s));
    assert_false(look(&s));
    assert_int_equal(n_lines(&s), 3); // not the store that would be made when it is needed
    assert_non_null(
        strstr(s.said.data, "missing in the symbol path cannot be used (no such folder)"));
    assert_non_null(strstr(s.said.data, "gone in the symbol path"));
    assert_non_null(strstr(s.said.data, "https://127.0.0.1:1/x cannot be used (seep is to stay "
                                        "offline)"));
    end(&s);
}

static void the_folders_of_images_come_first(void **state)
{
    (void)state;
    struct session s;
    char folder[1024];
    const char *folders[] = { folder };
    begin(&s, "beside", "@/dir");
    (void)snprintf(folder, sizeof folder, "%s/beside", s.root);
    s.options.folders = folders;
    s.options.n_folders = 1;
    put_text(&s, "dir/App.pdb", "good");
    expect_found(&s, "dir/App.pdb");
    put_text(&s, "beside/App.pdb", "good");
    expect_found(&s, "beside/App.pdb");
    end(&s);
}

static void one_file_may_stand_in_the_path(void **state)
{
    (void)state;
    struct session s;
    begin(&s, "file", "@/any.name;@/dir");
    put_text(&s, "any.name", "good");
    expect_found(&s, "any.name");
    end(&s);
}

static void a_store_that_cannot_be_written_does_no_harm(void **state)
{
    (void)state;
    struct session s;
    // The name of the store is that of a file.
    begin(&s, "unwritable", "cache*@/file/below;@/dir");
    put_text(&s, "file", "x");
    put_text(&s, "dir/App.pdb", "good");
    expect_found(&s, "dir/App.pdb");
    expect_found(&s, "dir/App.pdb");
    assert_int_equal(n_lines(&s), 1);
    assert_non_null(strstr(s.said.data, "nothing is kept there"));
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_searched_as_debuggers_do),
        cmocka_unit_test(a_file_that_is_not_the_one_is_passed_over),
        cmocka_unit_test(stores_have_one_or_two_tiers),
        cmocka_unit_test(letters_of_either_case_are_the_same),
        cmocka_unit_test(what_is_found_is_kept_in_the_stores_to_the_left),
        cmocka_unit_test(an_isf_file_is_not_kept_as_a_pdb),
        cmocka_unit_test(compressed_files_are_unpacked_into_a_store),
        cmocka_unit_test(a_packed_stranger_leaves_a_good_file_alone),
        cmocka_unit_test(pointers_are_followed),
        cmocka_unit_test(places_that_cannot_be_used_are_said_once),
        cmocka_unit_test(the_folders_of_images_come_first),
        cmocka_unit_test(one_file_may_stand_in_the_path),
        cmocka_unit_test(a_store_that_cannot_be_written_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
