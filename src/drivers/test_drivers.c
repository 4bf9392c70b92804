// SPDX-License-Identifier: MIT
// Tests of who is behind a tag: tables and scanned files together, the cache, bad input.
#include "testkit.h"

#include "drivers/drivers.h"
#include "os/files.h"
#include "os/os.h"

#include <stdio.h>
#include <string.h>

static char folder[4096];

static void write_file(const char *name, const void *data, size_t len)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = seep_os_create(path, NULL);
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void copy_case(const char *from, const char *to)
{
    struct seep_buf bytes = testkit_built_file(from);
    write_file(to, bytes.data, bytes.len);
    seep_buf_clear(&bytes);
}

// A folder with drivers in it and in folders below, one broken, and other files.
static int make_folder(void **state)
{
    (void)state;
    char below[4200];
    testkit_built_path("drivers-test", folder, sizeof folder);
    snprintf(below, sizeof below, "%s/a/b", folder);
    assert_true(seep_os_make_folder(below, NULL));
    copy_case("sys-cases/forms64.sys", "leaky.sys");
    copy_case("sys-cases/forms86.sys", "a/Old.SYS");
    copy_case("sys-cases/formsarm.sys", "a/b/arm.sys");
    copy_case("sys-cases/formsarm.sys", "a/b/arm.dll");
    write_file("a/broken.sys", "MZ but no more", 14);
    static const char tags[] = "rem ours\r\nReg1 - leaky.sys - made by the caller\r\n"
                               "Wi?? - other.sys - wild\r\nTwo2 - a.sys, b.sys - two\r\n"
                               "Proc - mine.sys - not the kernel's\r\nnonsense\r\n";
    write_file("pooltag.txt", tags, sizeof tags - 1);
    return 0;
}

static void remember(void *ctx, const char *line)
{
    seep_buf_addf(ctx, "%s\n", line);
}

static struct seep_drivers *open_all(const char *cache, struct seep_buf *said)
{
    static char path[4200];
    static const char *folders[1], *pooltags[1];
    snprintf(path, sizeof path, "%s/pooltag.txt", folder);
    folders[0] = folder;
    pooltags[0] = path;
    struct seep_drivers_options options = { .pooltags = pooltags,
                                            .n_pooltags = 1,
                                            .folders = folders,
                                            .n_folders = 1,
                                            .cache_path = cache,
                                            .say = remember,
                                            .ctx = said };
    struct seep_err err = { 0 };
    struct seep_drivers *drivers = seep_drivers_open(&options, NULL, &err);
    if (!drivers)
        fail_msg("%s", err.what);
    return drivers;
}

static const struct seep_tag_owner *owner(const struct seep_tag_owners *owners, const char *name)
{
    for (size_t i = 0; owners && i < owners->n; i++) {
        if (strcmp(owners->at[i].name, name) == 0)
            return &owners->at[i];
    }
    fail_msg("no %s", name);
    return NULL;
}

static void check_owners(struct seep_drivers *drivers)
{
    // A table and a scan that agree make one owner, surer than either alone.
    const struct seep_tag_owners *owners = seep_drivers_of(drivers, "Reg1");
    assert_int_equal(owners->n, 1);
    assert_string_equal(owners->description, "made by the caller");
    const struct seep_tag_owner *o = &owners->at[0];
    assert_string_equal(o->name, "leaky.sys");
    assert_int_equal(o->how, SEEP_OWNER_IMPORT);
    assert_true(o->confidence > 0.98 && o->confidence < 1);
    assert_string_equal(o->version, "1.2.3.4");
    assert_string_equal(o->company, "Example GmbH \xc3\xa4\xc3\xb6");
    assert_string_equal(o->signer, "Example Signing");
    assert_false(o->inbox);
    assert_non_null(strstr(o->path, "leaky.sys"));
    assert_string_equal(o->evidence, "operand before a call of ExAllocatePoolWithTag at "
                                     "0x1400010c5; pooltag.txt names it");
    // A tag in three files: none of them is likely.
    owners = seep_drivers_of(drivers, "Wrap");
    assert_int_equal(owners->n, 3);
    assert_true(owners->at[0].confidence < 0.34);
    assert_non_null(strstr(owners->at[0].evidence, "its own function over"));
    // A user's table says otherwise than seep's own: both are there, the sum is not above 1.
    owners = seep_drivers_of(drivers, "Proc");
    assert_string_equal(owners->description, "not the kernel's");
    assert_true(owner(owners, "nt")->inbox);
    assert_false(owner(owners, "mine.sys")->inbox);
    assert_true(owners->at[0].confidence + owners->at[1].confidence < 1.0001);
    // Two files in one line share its weight; wild lines weigh less.
    owners = seep_drivers_of(drivers, "Two2");
    assert_int_equal(owners->n, 3);
    assert_string_equal(owners->at[0].name, "Old.SYS");
    assert_true(owner(owners, "a.sys")->confidence < 0.41);
    assert_true(owners->at[0].confidence > 0.85); // and take little from an operand of a call
    owners = seep_drivers_of(drivers, "Wild");
    assert_int_equal(owners->n, 1);
    assert_true(owners->at[0].confidence < 0.6);
    assert_int_equal(owners->at[0].how, SEEP_OWNER_POOLTAG);
    assert_string_equal(owners->at[0].evidence, "pooltag.txt names it for \"Wi??\"");
    // Short tags, and those with a character that cannot be shown.
    assert_int_equal(seep_drivers_of(drivers, "abc.")->n, 1);
    assert_null(seep_drivers_of(drivers, "abc"));
    assert_string_equal(seep_drivers_of(drivers, "Irp")->at[0].name, "nt");
    assert_true(seep_drivers_of(drivers, "Irp")->at[0].inbox);
    assert_null(seep_drivers_of(drivers, "zZzZ"));
    assert_null(seep_drivers_of(drivers, ""));
    // Weak evidence is weak.
    owners = seep_drivers_of(drivers, "Dat1");
    assert_int_equal(owners->at[0].how, SEEP_OWNER_SCAN);
    assert_true(owners->at[0].confidence < 0.2);
    owners = seep_drivers_of(drivers, "Loos");
    assert_int_equal(owners->at[0].how, SEEP_OWNER_SCAN);
    assert_true(owners->at[0].confidence < 0.4);
}

static void tables_and_files(void **state)
{
    (void)state;
    struct seep_buf said = { 0 };
    struct seep_drivers *drivers = open_all("", &said);
    size_t n_files, n_cached;
    seep_drivers_counts(drivers, &n_files, &n_cached);
    assert_int_equal(n_files, 4);
    assert_int_equal(n_cached, 0);
    check_owners(drivers);
    // What was given stays, whatever is asked after it.
    const struct seep_tag_owners *call = seep_drivers_of(drivers, "Reg1");
    char tag[SEEP_TAG_TEXT];
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(tag, sizeof tag, "%04x", i);
        (void)seep_drivers_of(drivers, tag);
    }
    assert_ptr_equal(call, seep_drivers_of(drivers, "Reg1"));
    assert_non_null(strstr(seep_buf_text(&said), "broken.sys: not an image"));
    assert_non_null(
        strstr(seep_buf_text(&said), "pooltag.txt: 1 line that is no entry was left out"));
    seep_drivers_close(drivers);
    seep_buf_clear(&said);
}

static void the_cache_answers_the_same(void **state)
{
    (void)state;
    char cache[4200];
    struct seep_buf said = { 0 }, bytes = { 0 };
    size_t n_files, n_cached;
    snprintf(cache, sizeof cache, "%s/drivers.cache", folder);
    seep_os_remove(cache);
    for (int round = 0; round < 3; round++) {
        struct seep_drivers *drivers = open_all(cache, &said);
        seep_drivers_counts(drivers, &n_files, &n_cached);
        assert_int_equal(n_files, 4);
        assert_int_equal(n_cached, round ? 3 : 0);
        check_owners(drivers);
        seep_drivers_close(drivers);
    }
    // A file that changed is scanned again, the others are not.
    copy_case("sys-cases/forms64.sys", "a/Old.SYS");
    struct seep_drivers *drivers = open_all(cache, &said);
    seep_drivers_counts(drivers, &n_files, &n_cached);
    assert_int_equal(n_cached, 2);
    seep_drivers_close(drivers);
    copy_case("sys-cases/forms86.sys", "a/Old.SYS");
    // A damaged cache, wherever, is none.
    assert_true(testkit_read_file(cache, &bytes));
    for (size_t i = 0; i < bytes.len; i += 37) {
        bytes.data[i] ^= 0x55;
        write_file("drivers.cache", bytes.data, i % 2 ? bytes.len : i);
        bytes.data[i] ^= 0x55;
        drivers = open_all(cache, &said);
        seep_drivers_counts(drivers, &n_files, &n_cached);
        assert_int_equal(n_cached, 0);
        if (i % 5 == 0)
            check_owners(drivers);
        seep_drivers_close(drivers);
    }
    seep_os_remove(cache);
    seep_buf_clear(&bytes);
    seep_buf_clear(&said);
}

static void what_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    static const char *const missing[] = { "/nowhere/at/all" };
    static const struct seep_drivers_options rows[] = {
        { .folders = missing, .n_folders = 1, .cache_path = "" },
        { .pooltags = missing, .n_pooltags = 1, .cache_path = "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seep_err err = { 0 };
        assert_null(seep_drivers_open(&rows[i], NULL, &err));
        assert_non_null(strstr(err.what, "/nowhere/at/all"));
    }
    // A file that holds no tags at all is not what was meant.
    char path[4200];
    const char *pooltags[] = { path };
    struct seep_drivers_options options = { .pooltags = pooltags,
                                            .n_pooltags = 1,
                                            .cache_path = "" };
    struct seep_err err = { 0 };
    snprintf(path, sizeof path, "%s/a/broken.sys", folder);
    assert_null(seep_drivers_open(&options, NULL, &err));
    assert_non_null(strstr(err.what, "no line of it names a pool tag"));
    // One with comments alone is a table that happens to be empty.
    write_file("empty.txt", "rem nothing yet\r\n", 17);
    snprintf(path, sizeof path, "%s/empty.txt", folder);
    struct seep_drivers *none = seep_drivers_open(&options, NULL, &err);
    assert_non_null(none);
    seep_drivers_close(none);
    // Nothing named at all: seep's own table answers.
    options.n_pooltags = 0;
    struct seep_drivers *drivers = seep_drivers_open(&options, NULL, &err);
    assert_non_null(drivers);
    assert_string_equal(seep_drivers_of(drivers, "File")->at[0].name, "nt");
    seep_drivers_close(drivers);
}

static uint64_t progress_done, progress_total;

static void progress(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    assert_true(done >= progress_done && done <= total);
    progress_done = done;
    progress_total = total;
}

static void cancel_and_progress(void **state)
{
    (void)state;
    static const char *folders[1];
    folders[0] = folder;
    struct seep_drivers_options options = { .folders = folders, .n_folders = 1, .cache_path = "" };
    volatile sig_atomic_t stop = 0;
    struct seep_control control = { .cancel = &stop, .progress = progress };
    struct seep_err err = { 0 };
    struct seep_drivers *drivers = seep_drivers_open(&options, &control, &err);
    assert_non_null(drivers);
    seep_drivers_close(drivers);
    assert_true(progress_total > 0 && progress_done > 0);
    stop = 1;
    assert_null(seep_drivers_open(&options, &control, &err));
    assert_non_null(strstr(err.what, "stopped"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_files),
        cmocka_unit_test(the_cache_answers_the_same),
        cmocka_unit_test(what_cannot_be_read_is_an_error),
        cmocka_unit_test(cancel_and_progress),
    };
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
