// SPDX-License-Identifier: MIT
// Tests of the layouts: the built-in rows against the public symbols that they were read from.
#include "testkit.h"

#include "heap/layout.h"
#include "symbols/pdb.h"
#include "symbols/types_build.h"

#include <string.h>

// The layout of an ntdll by its PDB; false where the file is not there.
static bool from_pdb(const char *name, unsigned bits, struct seep_heap_layout *layout)
{
    char path[4096];
    struct seep_buf file = { 0 };
    struct seep_err err = { 0 };
    if (!testkit_data(name, path, sizeof path) || !testkit_read_file(path, &file))
        return false;
    struct seep_pdb *pdb = seep_pdb_open(seep_bytes(file.data, file.len), &err);
    assert_non_null(pdb);
    struct seep_types_builder *builder = seep_types_builder_new();
    assert_non_null(builder);
    assert_int_equal(seep_pdb_read_types(pdb, builder, &err), SEEP_OK);
    struct seep_types *types = seep_types_builder_finish(builder, &err);
    assert_non_null(types);
    seep_heap_layout_fill(types, bits, 0, layout);
    seep_types_free(types);
    seep_types_builder_free(builder);
    seep_pdb_close(pdb);
    seep_buf_clear(&file);
    return true;
}

static void same(const struct seep_heap_layout *real, const struct seep_heap_layout *built_in)
{
    assert_true(real->from_types);
    assert_false(built_in->from_types);
    assert_int_equal(real->granule, built_in->granule);
    for (int i = 0; i < SEEP_N_HEAP_MEMBERS; i++) {
        const struct seep_heap_field *r = &real->fields[i], *b = &built_in->fields[i];
        if (r->offset != b->offset || r->bit_offset != b->bit_offset ||
            r->bit_length != b->bit_length)
            fail_msg("member %d: the types say %u:%u+%u, the table %u:%u+%u", i, r->offset,
                     r->bit_offset, r->bit_length, b->offset, b->bit_offset, b->bit_length);
        if (r->offset != SEEP_HEAP_ABSENT && i != SEEP_HM_HEAP_ENCODING &&
            i != SEEP_HM_VIRTUAL_BLOCK && i != SEEP_HM_SH_CONTEXTS &&
            r->size_bytes != b->size_bytes)
            fail_msg("member %d: the types say %u bytes, the table %u", i, r->size_bytes,
                     b->size_bytes);
    }
    for (int i = 0; i < SEEP_N_HEAP_STRUCTURES; i++)
        assert_int_equal(real->sizes[i], built_in->sizes[i]);
}

static void the_table_says_what_the_symbols_of_19041_say(void **state)
{
    struct seep_heap_layout real, built_in;
    (void)state;
    if (!from_pdb("pdb/ntdll-x64.pdb", 64, &real))
        skip();
    seep_heap_layout_fill(NULL, 64, 19045, &built_in);
    same(&real, &built_in);
    assert_true(from_pdb("pdb/wntdll-x86.pdb", 32, &real));
    seep_heap_layout_fill(NULL, 32, 19045, &built_in);
    same(&real, &built_in);
}

static void a_build_takes_the_newest_row_that_is_not_newer(void **state)
{
    static const struct {
        unsigned bits;
        uint32_t build, row;
    } cases[] = {
        { 64, 7601, 7600 },   { 64, 9600, 9200 },   { 64, 10240, 9200 },  { 64, 14393, 14393 },
        { 64, 15063, 14393 }, { 64, 17134, 16299 }, { 64, 17763, 17763 }, { 64, 18363, 17763 },
        { 64, 22621, 19041 }, { 64, 26200, 26100 }, { 64, 0, 26100 },     { 64, 6002, 7600 },
        { 32, 7601, 7600 },   { 32, 17763, 9200 },  { 32, 0, 19041 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct seep_heap_layout layout;
        seep_heap_layout_fill(NULL, cases[i].bits, cases[i].build, &layout);
        assert_int_equal(layout.build, cases[i].row);
        assert_int_equal(layout.pointer_bytes, cases[i].bits / 8);
        assert_true(seep_heap_layout_has(&layout, SEEP_HM_ENTRY_SIZE, SEEP_HM_HEAP_SEGMENT_LIST));
    }
}

static void rows_are_counted(void **state)
{
    struct seep_heap_layout layout;
    (void)state;
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        unsigned n = seep_heap_layouts(bits);
        assert_in_range(n, 3, 16);
        assert_true(seep_heap_layout_builtin(bits, n - 1, &layout));
        assert_int_equal(layout.build, 7600);
        assert_false(seep_heap_layout_builtin(bits, n, &layout));
    }
    assert_int_equal(seep_heap_layouts(16), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_says_what_the_symbols_of_19041_say),
        cmocka_unit_test(a_build_takes_the_newest_row_that_is_not_newer),
        cmocka_unit_test(rows_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
