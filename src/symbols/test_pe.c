// SPDX-License-Identifier: MIT
// Tests of the reader of images: files of known content (synth_pe.py), a real one, hostile bytes.
#include "testkit.h"

#include "symbols/pe.h"

#include <stdlib.h>
#include <string.h>

static void check_image(const char *name, bool mapped, bool wide)
{
    struct seep_buf bytes = testkit_built_file(name);
    struct seep_bytes view = seep_bytes(bytes.data, bytes.len);
    struct seep_pe_reader reader = mapped ? seep_pe_mapped(view) : seep_pe_file(view);
    struct seep_pe pe;
    struct seep_err err = { 0 };
    assert_true(seep_pe_read(&reader, &pe, &err));
    assert_int_equal(pe.machine, wide ? 0x8664 : 0x14c);
    assert_int_equal(pe.wide, wide);
    assert_int_equal(pe.n_sections, 2);
    assert_true(pe.image_base == (wide ? UINT64_C(0x140000000) : UINT64_C(0x400000)));
    assert_string_equal(pe.version, "10.0.22621.4317");
    struct seep_image_identity identity = seep_pe_identity(&pe, "app.exe");
    assert_int_equal(identity.timestamp, 0x5f5e1000);
    assert_int_equal(identity.size_bytes, 0x3000);
    assert_int_equal(identity.checksum, 0xabcdef);
    assert_string_equal(identity.pdb.name, "C:\\build\\app.pdb");
    assert_int_equal(identity.pdb.age, 7);
    assert_int_equal(identity.pdb.guid[0], 0x20);
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    size_t count = 0;
    assert_true(seep_pe_read_symbols(&reader, &pe, builder, &count));
    bool coff = wide && !mapped;
    assert_int_equal(count, coff ? 5 : 2);
    struct seep_symbol_table *table = seep_symbol_builder_finish(builder, NULL);
    seep_symbol_builder_free(builder);
    uint32_t rva = 0;
    struct seep_symbol s;
    assert_true(seep_symbol_table_find(table, "Alloc", &rva));
    assert_int_equal(rva, 0x1010);
    assert_false(seep_symbol_table_find(table, "Forward", &rva));
    assert_true(seep_symbol_table_at(table, 0x1045, &s));
    assert_string_equal(s.function, "Free");
    assert_int_equal(s.kind, SEEP_SYMBOL_EXPORT);
    assert_true(seep_symbol_table_at(table, 0x1081, &s));
    assert_string_equal(s.function, coff ? "_ZN3Foo1fEv" : "Free");
    assert_int_equal(seep_symbol_table_find(table, "g_data", &rva), coff);
    seep_symbol_table_free(table);
    seep_buf_clear(&bytes);
}

static void files_and_images_in_memory(void **state)
{
    (void)state;
    check_image("symbols-cases/pe/wide.exe", false, true);
    check_image("symbols-cases/pe/wide.mapped", true, true);
    check_image("symbols-cases/pe/narrow.exe", false, false);
    check_image("symbols-cases/pe/narrow.mapped", true, false);
}

static void read_all(const uint8_t *data, size_t len, bool mapped)
{
    struct seep_pe_reader reader =
        mapped ? seep_pe_mapped(seep_bytes(data, len)) : seep_pe_file(seep_bytes(data, len));
    struct seep_pe pe;
    struct seep_err err = { 0 };
    if (!seep_pe_read(&reader, &pe, &err)) {
        assert_true(err.what[0]);
        return;
    }
    struct seep_symbol_builder *builder = seep_symbol_builder_new();
    assert_true(seep_pe_read_symbols(&reader, &pe, builder, NULL));
    struct seep_symbol_table *table = seep_symbol_builder_finish(builder, NULL);
    assert_non_null(table);
    seep_symbol_table_free(table);
    seep_symbol_builder_free(builder);
}

static void cut_and_changed_images_do_no_harm(void **state)
{
    (void)state;
    static const char *const files[] = { "symbols-cases/pe/wide.exe",
                                         "symbols-cases/pe/narrow.mapped" };
    for (size_t f = 0; f < 2; f++) {
        struct seep_buf whole = testkit_built_file(files[f]);
        for (size_t len = 0; len < whole.len; len += len < 1024 ? 1 : 13) {
            uint8_t *copy = malloc(len + !len);
            assert_non_null(copy);
            memcpy(copy, whole.data, len);
            read_all(copy, len, f == 1);
            free(copy);
        }
        for (size_t i = 0; i < whole.len; i++) {
            char old = whole.data[i];
            if (!old && i % 8)
                continue;
            whole.data[i] = (char)(i & 1 ? 0xff : ~old);
            read_all((const uint8_t *)whole.data, whole.len, f == 1);
            whole.data[i] = old;
        }
        seep_buf_clear(&whole);
    }
}

static void a_header_alone_identifies(void **state)
{
    (void)state;
    struct seep_buf whole = testkit_built_file("symbols-cases/pe/wide.mapped");
    struct seep_pe_reader reader = seep_pe_mapped(seep_bytes(whole.data, 0x1000));
    struct seep_pe pe;
    assert_true(seep_pe_read(&reader, &pe, NULL));
    assert_int_equal(pe.timestamp, 0x5f5e1000);
    assert_int_equal(pe.size_bytes, 0x3000);
    assert_false(pe.has_pdb);
    assert_null(seep_pe_identity(&pe, "x").pdb.name);
    seep_buf_clear(&whole);
}

static void a_real_image(void **state)
{
    (void)state;
    char path[4096];
    struct seep_buf bytes = { 0 };
    if (!testkit_data("pdb/test-columns.exe", path, sizeof path) ||
        !testkit_read_file(path, &bytes))
        skip();
    struct seep_pe_reader reader = seep_pe_file(seep_bytes(bytes.data, bytes.len));
    struct seep_pe pe;
    char guid[SEEP_GUID_TEXT];
    assert_true(seep_pe_read(&reader, &pe, NULL));
    seep_guid_text(pe.pdb_guid, guid);
    assert_string_equal(guid, "21AC7081-1FDD-4641-84C3-A8CCCF2AF235");
    assert_int_equal(pe.pdb_age, 1);
    assert_int_equal(pe.n_sections, 8);
    seep_buf_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_images_in_memory),
        cmocka_unit_test(cut_and_changed_images_do_no_harm),
        cmocka_unit_test(a_header_alone_identifies),
        cmocka_unit_test(a_real_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
