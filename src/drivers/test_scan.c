// SPDX-License-Identifier: MIT
// Tests of the scanner of drivers: each way of passing a tag, in code written as bytes
// (synth_sys.py) and in what compilers make (tests/specimens/drivers); hostile bytes.
#include "testkit.h"

#include "drivers/facts.h"
#include "drivers/scan.h"

#include <stdlib.h>
#include <string.h>

struct expected {
    const char *tag;
    int how; // enum seep_scan_how; -1 = it is not to be found
    const char *api;
    bool wrapped;
};

static const struct seep_scan_tag *find(const struct seep_scan *scan, const char *tag)
{
    char text[SEEP_TAG_TEXT];
    for (size_t i = 0; i < scan->n_tags; i++) {
        if (strcmp(seep_pool_tag_text(scan->tags[i].key, text), tag) == 0)
            return &scan->tags[i];
    }
    return NULL;
}

static void check(const struct seep_scan *scan, const struct expected *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct seep_scan_tag *tag = find(scan, rows[i].tag);
        if (rows[i].how < 0 && tag)
            fail_msg("%s: found as %d", rows[i].tag, tag->how);
        if (rows[i].how < 0)
            continue;
        if (!tag) {
            fail_msg("%s: not found", rows[i].tag);
            return;
        }
        if (tag->how != rows[i].how || tag->wrapped != rows[i].wrapped ||
            strcmp(seep_scan_api_name(tag->api), rows[i].api) != 0)
            fail_msg("%s: found as %d %s", rows[i].tag, tag->how, seep_scan_api_name(tag->api));
    }
}

static void scan_bytes(struct seep_buf *bytes, const char *stem, struct seep_scan *scan)
{
    struct seep_image *image = calloc(1, sizeof *image);
    assert_non_null(image);
    assert_true(seep_image_read(seep_bytes(bytes->data, bytes->len), image, NULL));
    assert_true(seep_scan_image(image, stem, scan));
    free(image);
}

#define POOL "ExAllocatePoolWithTag"

static void each_form_of_x64(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        { "Call", SEEP_SCAN_CALL, POOL, false },
        { "Rex1", SEEP_SCAN_CALL, "ExAllocatePool2", false },
        { "Stub", SEEP_SCAN_CALL, POOL, false }, // through `jmp [slot]`
        { "Rax1", SEEP_SCAN_CALL, POOL, false }, // through the guard's dispatcher
        { "R101", SEEP_SCAN_CALL, POOL, false }, // through a retpoline
        { "Reg1", SEEP_SCAN_CALL, POOL, false }, // call rbx
        { "Kept", SEEP_SCAN_CALL, POOL, false }, // in a register over another call
        { "Free", SEEP_SCAN_FREE, "ExFreePoolWithTag", false },
        { "Stck", SEEP_SCAN_CALL, "ExInitializeLookasideListEx", false }, // on the stack
        { "Late", SEEP_SCAN_CALL, "NdisAllocateMemoryWithTag", false },   // a delayed import
        { "Wrap", SEEP_SCAN_CALL, POOL, true },
        { "Outr", SEEP_SCAN_CALL, POOL, true }, // over two functions
        { "Prot", SEEP_SCAN_CALL, POOL, false },
        { "abc.", SEEP_SCAN_CALL, POOL, false },
        { "Stor", SEEP_SCAN_CALL, "StorPortExtendedFunction", false },
        { "NotS", SEEP_SCAN_CODE, "", false },
        { "Vari", SEEP_SCAN_VARIABLE, POOL, false },
        { "Tb_1", SEEP_SCAN_TABLE, POOL, false },
        { "Tb_3", SEEP_SCAN_TABLE, POOL, false },
        { "Fold", SEEP_SCAN_CALL, POOL, false },
        { "Xor1", -1, "", false }, // put together when it runs
        { "Loos", SEEP_SCAN_CODE, "", false },
        { "Genu", -1, "", false }, // of the name of a processor
        { "WdfM", SEEP_SCAN_CALL, "WdfMemoryCreate", false },
        { "NoWd", SEEP_SCAN_CODE, "", false },
        { "CtxA", SEEP_SCAN_FILTER, "FltRegisterFilter", false },
        { "CtxB", SEEP_SCAN_FILTER, "FltRegisterFilter", false },
        { "form", SEEP_SCAN_NAME, "", false },
        { "None", SEEP_SCAN_NAME, "ExAllocatePool", false },
        { "Dat1", SEEP_SCAN_DATA, "", false },
        { "Long", -1, "", false }, // the start of a text
        { "Unal", -1, "", false }, // not at an address that 4 divides
        { "NULL", -1, "", false },
    };
    struct seep_buf bytes = testkit_built_file("sys-cases/forms64.sys");
    struct seep_scan scan;
    scan_bytes(&bytes, "forms64", &scan);
    check(&scan, rows, sizeof rows / sizeof *rows);
    assert_true(scan.imports_allocators);
    seep_scan_clear(&scan);
    seep_buf_clear(&bytes);
}

static void each_form_of_x86(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        { "Push", SEEP_SCAN_CALL, POOL, false },
        { "Stub", SEEP_SCAN_CALL, POOL, false },
        { "Regi", SEEP_SCAN_CALL, POOL, false },
        { "Two2", SEEP_SCAN_CALL, "ExAllocatePool2", false },
        { "Vari", SEEP_SCAN_VARIABLE, POOL, false },
        { "Wrap", SEEP_SCAN_CALL, POOL, true },
        { "Free", SEEP_SCAN_FREE, "ExFreePoolWithTag", false },
    };
    struct seep_buf bytes = testkit_built_file("sys-cases/forms86.sys");
    struct seep_scan scan;
    scan_bytes(&bytes, "forms86", &scan);
    check(&scan, rows, sizeof rows / sizeof *rows);
    assert_int_equal(scan.n_tags, sizeof rows / sizeof *rows); // and nothing else
    seep_scan_clear(&scan);
    seep_buf_clear(&bytes);
}

static void each_form_of_arm64(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        { "Pair", SEEP_SCAN_CALL, POOL, false },
        { "Stub", SEEP_SCAN_CALL, POOL, false },
        { "Litl", SEEP_SCAN_CALL, "ExAllocatePool2", false },
        { "Vari", SEEP_SCAN_VARIABLE, POOL, false },
        { "Wrap", SEEP_SCAN_CALL, POOL, true },
        { "Kept", SEEP_SCAN_CALL, POOL, false }, // through the guard, from x19
        { "Free", SEEP_SCAN_FREE, "ExFreePoolWithTag", false },
    };
    struct seep_buf bytes = testkit_built_file("sys-cases/formsarm.sys");
    struct seep_scan scan;
    scan_bytes(&bytes, "formsarm", &scan);
    check(&scan, rows, sizeof rows / sizeof *rows);
    assert_int_equal(scan.n_tags, sizeof rows / sizeof *rows);
    seep_scan_clear(&scan);
    seep_buf_clear(&bytes);
}

static void facts_of_files(void **state)
{
    (void)state;
    static const struct {
        const char *file, *company, *signer;
    } rows[] = {
        { "sys-cases/forms64.sys", "Example GmbH \xc3\xa4\xc3\xb6", "Example Signing" },
        { "sys-cases/forms86.sys", NULL, "Wide Name" }, // in UTF-16
        { "sys-cases/formsarm.sys", NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seep_buf bytes = testkit_built_file(rows[i].file);
        struct seep_image image;
        char text[128];
        assert_true(seep_image_read(seep_bytes(bytes.data, bytes.len), &image, NULL));
        assert_int_equal(seep_facts_company(&image, text, sizeof text), rows[i].company != NULL);
        if (rows[i].company)
            assert_string_equal(text, rows[i].company);
        assert_int_equal(seep_facts_signer(&image, text, sizeof text), rows[i].signer != NULL);
        if (rows[i].signer)
            assert_string_equal(text, rows[i].signer);
        if (rows[i].company) { // cut, but not in the middle of a character
            assert_true(seep_facts_company(&image, text, 15));
            assert_string_equal(text, "Example GmbH ");
        }
        seep_buf_clear(&bytes);
    }
}

// One source, compiled at each level of optimization for each machine: what is found is the same
// but for the table without optimization on x86, which is reached by pointer arithmetic there.
static void what_compilers_make(void **state)
{
    (void)state;
    static const char *const machines[] = { "x64", "x86", "arm64", "mingw" };
    static const struct expected rows[] = {
        { "Imm1", SEEP_SCAN_CALL, POOL, false },
        { "Imm2", SEEP_SCAN_CALL, "ExAllocatePool2", false },
        { "Look", SEEP_SCAN_CALL, "ExInitializeNPagedLookasideList", false },
        { "gVar", SEEP_SCAN_VARIABLE, POOL, false },
        { "Tab1", SEEP_SCAN_TABLE, POOL, false },
        { "Tab3", SEEP_SCAN_TABLE, POOL, false },
        { "Wrp1", SEEP_SCAN_CALL, POOL, true },
        { "Fer1", SEEP_SCAN_FREE, "ExFreePoolWithTag", false },
    };
    unsigned n = 0;
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        for (int level = 0; level < 3; level++) {
            char name[128], path[4096];
            struct seep_buf bytes = { 0 };
            struct seep_scan scan;
            snprintf(name, sizeof name, "drivers-built/tags-%s-O%d.sys", machines[m], level);
            testkit_built_path(name, path, sizeof path);
            if (!testkit_read_file(path, &bytes))
                continue;
            n++;
            scan_bytes(&bytes, "tags", &scan);
            check(&scan, rows, sizeof rows / sizeof *rows);
            // Put together when it runs: never as an operand of the call.
            const struct seep_scan_tag *computed = find(&scan, "Run1");
            assert_true(!computed || computed->how <= SEEP_SCAN_CODE);
            seep_scan_clear(&scan);
            seep_buf_clear(&bytes);
        }
    }
    if (!n) {
        print_message("no compiler for drivers here\n");
        skip();
    }
    print_message("%u drivers that compilers made\n", n);
}

static void scan_copy(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len + !len);
    struct seep_image *image = calloc(1, sizeof *image);
    struct seep_err err = { 0 };
    struct seep_scan scan;
    char text[128];
    assert_non_null(copy);
    assert_non_null(image);
    if (len)
        memcpy(copy, data, len);
    if (seep_image_read(seep_bytes(copy, len), image, &err)) {
        assert_true(seep_scan_image(image, "x", &scan));
        seep_scan_clear(&scan);
        (void)seep_facts_company(image, text, sizeof text);
        (void)seep_facts_signer(image, text, sizeof text);
    } else {
        assert_true(err.what[0]);
    }
    free(image);
    free(copy);
}

static void cut_and_changed_files_do_no_harm(void **state)
{
    (void)state;
    static const char *const files[] = { "sys-cases/forms64.sys", "sys-cases/forms86.sys",
                                         "sys-cases/formsarm.sys" };
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct seep_buf whole = testkit_built_file(files[f]);
        for (size_t len = 0; len < whole.len; len += len < 1024 ? 3 : 29)
            scan_copy((const uint8_t *)whole.data, len);
        for (size_t i = 0; i < whole.len; i++) {
            char old = whole.data[i];
            if (!old && i % 16)
                continue;
            whole.data[i] = (char)(i & 1 ? 0xff : ~old);
            scan_copy((const uint8_t *)whole.data, whole.len);
            whole.data[i] = old;
        }
        seep_buf_clear(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_x64),    cmocka_unit_test(each_form_of_x86),
        cmocka_unit_test(each_form_of_arm64),  cmocka_unit_test(facts_of_files),
        cmocka_unit_test(what_compilers_make), cmocka_unit_test(cut_and_changed_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
