// SPDX-License-Identifier: MIT
// Tests of the PDB reader: files of known content (synth_pdb.py), real ones, and hostile bytes.
#include "testkit.h"

#include "symbols/pdb.h"

#include <stdlib.h>
#include <string.h>

struct loaded {
    struct seep_buf bytes;
    struct seep_pdb *pdb;
    struct seep_symbol_table *table;
    struct seep_types *types;
    enum seep_status symbols_status, types_status;
    struct seep_err err;
};

static void load_bytes(struct loaded *l, const void *data, size_t len)
{
    l->pdb = seep_pdb_open(seep_bytes(data, len), &l->err);
    if (!l->pdb)
        return;
    struct seep_symbol_builder *symbols = seep_symbol_builder_new();
    struct seep_types_builder *types = seep_types_builder_new();
    assert_true(symbols && types);
    l->symbols_status = seep_pdb_read_symbols(l->pdb, SEEP_PDB_ALL, symbols, &l->err);
    l->types_status = seep_pdb_read_types(l->pdb, types, &l->err);
    l->table = seep_symbol_builder_finish(symbols, NULL);
    l->types = seep_types_builder_finish(types, NULL);
    seep_symbol_builder_free(symbols);
    seep_types_builder_free(types);
    assert_true(l->table && l->types);
}

static void unload(struct loaded *l)
{
    seep_symbol_table_free(l->table);
    seep_types_free(l->types);
    seep_pdb_close(l->pdb);
    seep_buf_clear(&l->bytes);
}

static void load_built(struct loaded *l, const char *name)
{
    char path[256];
    *l = (struct loaded){ 0 };
    snprintf(path, sizeof path, "symbols-cases/pdb/%s", name);
    l->bytes = testkit_built_file(path);
    load_bytes(l, l->bytes.data, l->bytes.len);
}

static bool load_real(struct loaded *l, const char *name)
{
    char path[4096];
    *l = (struct loaded){ 0 };
    if (!testkit_data(name, path, sizeof path) || !testkit_read_file(path, &l->bytes))
        return false;
    load_bytes(l, l->bytes.data, l->bytes.len);
    return true;
}

// "FUNCTION+OFFSET FILE:LINE" of each frame, inner ones first, with '|' between.
static const char *at(const struct seep_symbol_table *table, uint32_t rva)
{
    static char text[512];
    struct seep_symbol s;
    if (!seep_symbol_table_at(table, rva, &s))
        return "?";
    size_t n = 0;
    for (uint32_t i = 0; i < s.n_inlined; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %s:%u|", s.inlined[i].function,
                              s.inlined[i].file ? s.inlined[i].file : "-",
                              (unsigned)s.inlined[i].line);
    snprintf(text + n, sizeof text - n, "%s+%u %s:%u", s.function, (unsigned)s.offset,
             s.file ? s.file : "-", (unsigned)s.line);
    return text;
}

static void check_whole(const char *name)
{
    struct loaded l;
    load_built(&l, name);
    assert_int_equal(l.symbols_status, SEEP_OK);
    assert_int_equal(l.types_status, SEEP_OK);
    const struct seep_symbol_table *t = l.table;
    assert_string_equal(at(t, 0x1012), "main+2 c:\\src\\main.cpp:10");
    assert_string_equal(at(t, 0x1020), "Foo::get c:\\src\\foo.h:7|main+16 c:\\src\\main.cpp:11");
    assert_string_equal(at(t, 0x102c), "ns::deep c:\\src\\main.cpp:50|Foo::get c:\\src\\foo.h:7|"
                                       "main+28 c:\\src\\main.cpp:11");
    assert_string_equal(at(t, 0x102f), "ns::deep c:\\src\\main.cpp:50|Foo::get c:\\src\\foo.h:8|"
                                       "main+31 c:\\src\\main.cpp:11");
    assert_string_equal(at(t, 0x1030), "Foo::get c:\\src\\foo.h:8|main+32 c:\\src\\main.cpp:11");
    assert_string_equal(at(t, 0x1040), "main+48 c:\\src\\main.cpp:11");
    assert_string_equal(at(t, 0x1057), "Foo::get c:\\src\\foo.h:8|main+71 c:\\src\\main.cpp:11");
    assert_string_equal(at(t, 0x1058), "main+72 c:\\src\\main.cpp:11");
    assert_string_equal(at(t, 0x1070), "main+96 -:0"); // hidden from debuggers
    assert_string_equal(at(t, 0x1078), "main+104 -:0");
    assert_string_equal(at(t, 0x1090), "?");
    assert_string_equal(at(t, 0x1101), "Foo::f+1 c:\\src\\foo.h:21"); // the later of two lines
    assert_string_equal(at(t, 0x1110), "Foo::f+16 c:\\src\\main.cpp:30");
    assert_string_equal(at(t, 0x1803), "Foo::f+1795 -:0"); // a part that lies apart
    assert_string_equal(at(t, 0x1402), "thunk+2 -:0");
    assert_string_equal(at(t, 0x1501), "ILT+0(Foo::f)+1 -:0");
    assert_string_equal(at(t, 0x1700), "?"); // no hash knows this public
    assert_string_equal(at(t, 0x3021), "??_7Foo@@6B@+1 -:0");
    assert_string_equal(at(t, 0x3100), "g_count+0 -:0");
    assert_string_equal(at(t, 0x3205), "local_data+5 -:0");
    assert_string_equal(at(t, 0x37ff), "local_data+1535 -:0");
    assert_string_equal(at(t, 0x3800), "?"); // the section's end
    uint32_t rva;
    assert_true(seep_symbol_table_find(t, "?f@Foo@@QEAAXXZ", &rva));
    assert_int_equal(rva, 0x1100);
    assert_false(seep_symbol_table_find(t, "discarded", &rva));
    unload(&l);
}

static void symbols_lines_and_inlined_calls(void **state)
{
    (void)state;
    check_whole("whole.pdb");
    check_whole("in-order.pdb");
}

static void blocks_of_every_size(void **state)
{
    (void)state;
    check_whole("whole-1024.pdb");
    check_whole("whole-2048.pdb");
    check_whole("whole-4096.pdb");
    check_whole("whole-8192.pdb");
    check_whole("whole-32768.pdb");
}

static void it_says_which_image_it_is_of(void **state)
{
    (void)state;
    struct loaded l;
    load_built(&l, "whole.pdb");
    const struct seep_pdb_info *info = seep_pdb_info(l.pdb);
    struct seep_pdb_identity identity = { .age = 1 };
    for (int i = 0; i < SEEP_GUID_BYTES; i++)
        identity.guid[i] = (uint8_t)(0x10 + i);
    assert_int_equal(info->machine, 0x8664);
    assert_int_equal(info->block_size, 512);
    assert_true(seep_pdb_matches(l.pdb, &identity));
    identity.age = 2;
    assert_false(seep_pdb_matches(l.pdb, &identity));
    identity.age = 1;
    identity.guid[15]++;
    assert_false(seep_pdb_matches(l.pdb, &identity));
    unload(&l);
}

static void check_member(const struct seep_types *types, const char *structure, const char *path,
                         uint32_t offset, uint32_t size, uint32_t count, const char *type)
{
    struct seep_member m = { 0 };
    assert_true(seep_types_member(types, structure, path, &m));
    assert_int_equal(m.offset, offset);
    assert_int_equal(m.size_bytes, size);
    assert_int_equal(m.count, count);
    if (type)
        assert_string_equal(m.type, type);
    else
        assert_null(m.type);
}

static void types_by_name(void **state)
{
    (void)state;
    struct loaded l;
    struct seep_member m = { 0 };
    int64_t value = 0;
    uint64_t size = 0;
    load_built(&l, "whole.pdb");
    assert_true(seep_types_size(l.types, "Node", &size));
    assert_int_equal(size, 0x50);
    check_member(l.types, "Node", "next", 0, 8, 1, "Node");
    check_member(l.types, "Node", "grid", 12, 24, 6, NULL);
    check_member(l.types, "Node", "kids", 40, 16, 2, "Node");
    check_member(l.types, "Node", "all", 36, 4, 1, NULL); // of the unnamed union
    check_member(l.types, "Node", "part.high", 38, 2, 1, NULL);
    check_member(l.types, "Node", "colour", 56, 4, 1, NULL);
    check_member(l.types, "Node", "raw", 56, 8, 1, NULL);
    check_member(l.types, "Node", "tail", 0x40, 8, 1, NULL); // of the list that continues
    check_member(l.types, "Node", "const_tail", 0x48, 8, 1, NULL);
    check_member(l.types, "Derived", "tag", 12, 4, 1, NULL); // of its base
    check_member(l.types, "Derived", "own.wrong", 24, 4, 1, NULL);
    check_member(l.types, "Derived", "nodes", 32, 0xa0, 2, "Node"); // through the forward one
    assert_true(seep_types_member(l.types, "Node", "flags", &m));
    assert_int_equal(m.bit_offset, 5);
    assert_int_equal(m.bit_length, 3);
    assert_int_equal(m.size_bytes, 4);
    assert_false(seep_types_member(l.types, "Node", "instances", &m));  // static
    assert_false(seep_types_member(l.types, "Node", "next.flags", &m)); // behind a pointer
    assert_true(seep_types_enumerator(l.types, "Colour", "Blue", &value));
    assert_int_equal(value, -7);
    unload(&l);
}

static void reordered_images(void **state)
{
    (void)state;
    struct loaded l;
    uint32_t rva;
    load_built(&l, "reordered.pdb");
    assert_int_equal(l.symbols_status, SEEP_OK);
    assert_true(seep_pdb_info(l.pdb)->reordered);
    assert_string_equal(at(l.table, 0x2001), "second+1 -:0");
    assert_string_equal(at(l.table, 0x2102), "first+2 -:0");
    assert_string_equal(at(l.table, 0x2180), "?"); // behind the procedure
    assert_string_equal(at(l.table, 0x2300), "?"); // what was added later
    assert_true(seep_symbol_table_find(l.table, "second", &rva));
    assert_int_equal(rva, 0x2000);
    unload(&l);
}

static void old_files(void **state)
{
    (void)state;
    struct loaded l;
    load_built(&l, "old.pdb");
    assert_int_equal(l.symbols_status, SEEP_OK);
    assert_int_equal(l.types_status, SEEP_OK);
    assert_int_equal(seep_pdb_info(l.pdb)->machine, 0);
    assert_string_equal(at(l.table, 0x1041), "main+1 -:0");
    assert_string_equal(at(l.table, 0x1081), "_g+1 -:0");
    check_member(l.types, "Point", "y", 4, 4, 1, NULL);
    unload(&l);
    load_built(&l, "jg.pdb");
    assert_null(l.pdb);
    assert_non_null(strstr(l.err.what, "2.00"));
    unload(&l);
}

static void hostile_files_are_read_as_far_as_they_go(void **state)
{
    (void)state;
    struct loaded l;
    load_built(&l, "hostile.pdb");
    assert_non_null(l.pdb);
    assert_int_equal(l.symbols_status, SEEP_PARTIAL);
    assert_int_equal(l.types_status, SEEP_PARTIAL);
    assert_true(l.err.what[0]);
    unload(&l);
}

// Each cut of a small file: never read as if it were whole, unless nothing is missing; the copy
// ends where its allocation does.
static void every_cut_is_refused_or_partial(void **state)
{
    (void)state;
    struct loaded all;
    load_built(&all, "whole.pdb");
    size_t n_symbols = seep_symbol_table_count(all.table), n_complete = 0;
    unload(&all);
    struct seep_buf whole = testkit_built_file("symbols-cases/pdb/whole.pdb");
    for (size_t len = 0; len < whole.len; len += len < 1024 ? 1 : 7) {
        struct loaded l = { 0 };
        uint8_t *copy = malloc(len + !len);
        assert_non_null(copy);
        memcpy(copy, whole.data, len);
        load_bytes(&l, copy, len);
        bool complete = l.pdb && l.symbols_status == SEEP_OK && l.types_status == SEEP_OK;
        assert_true(complete || l.err.what[0]);
        if (complete)
            assert_int_equal(seep_symbol_table_count(l.table), n_symbols);
        n_complete += complete;
        unload(&l);
        free(copy);
    }
    assert_in_range(n_complete, 0, 100); // cuts in what fills the last block
    seep_buf_clear(&whole);
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char *const files[] = { "whole.pdb", "reordered.pdb", "old.pdb" };
    static const uint8_t values[] = { 0x00, 0xff, 0x7f, 0x01 };
    for (size_t f = 0; f < 3; f++) {
        char path[256];
        snprintf(path, sizeof path, "symbols-cases/pdb/%s", files[f]);
        struct seep_buf whole = testkit_built_file(path);
        for (size_t i = 0; i < whole.len; i++) {
            char old = whole.data[i];
            char new = (char)values[i % sizeof values];
            // zeros that stay zeros are half of the file
            if (new == old && (new = (char)~old, i % 16))
                continue;
            struct loaded l = { 0 };
            whole.data[i] = new;
            load_bytes(&l, whole.data, whole.len);
            unload(&l);
            whole.data[i] = old;
        }
        seep_buf_clear(&whole);
    }
}

static void real_public_symbols_of_windows(void **state)
{
    (void)state;
    struct loaded l;
    uint32_t rva;
    uint64_t size = 0;
    if (!load_real(&l, "pdb/ntdll-x64.pdb"))
        skip();
    char guid[SEEP_GUID_TEXT];
    seep_guid_text(seep_pdb_info(l.pdb)->guid, guid);
    assert_string_equal(guid, "CCC0E361-20F4-24BE-044D-E630C3BD80C4");
    assert_int_equal(l.symbols_status, SEEP_OK);
    assert_int_equal(l.types_status, SEEP_OK);
    assert_true(seep_symbol_table_count(l.table) >= 6312); // S_PUB32 alone
    assert_true(seep_symbol_table_find(l.table, "RtlAllocateHeap", &rva));
    assert_string_equal(at(l.table, rva), "RtlAllocateHeap+0 -:0");
    assert_true(seep_types_size(l.types, "_HEAP", &size));
    assert_int_equal(size, 0x2c0);
    check_member(l.types, "_HEAP", "Encoding", 0x80, 16, 1, "_HEAP_ENTRY");
    check_member(l.types, "_HEAP_ENTRY", "Size", 8, 2, 1, NULL);
    unload(&l);
    if (!load_real(&l, "pdb/wntdll-x86.pdb"))
        skip();
    assert_int_equal(l.symbols_status, SEEP_OK);
    assert_true(seep_types_size(l.types, "_HEAP_ENTRY", &size));
    assert_int_equal(size, 8);
    unload(&l);
}

static void a_real_private_file(void **state)
{
    (void)state;
    struct loaded l;
    if (!load_real(&l, "pdb/test-columns.pdb"))
        skip();
    assert_int_equal(l.symbols_status, SEEP_OK);
    assert_int_equal(l.types_status, SEEP_OK);
    assert_int_equal(seep_pdb_info(l.pdb)->age, 1);
    // two ranges of one inlined call, the second counted from the first one's start
    assert_non_null(strstr(at(l.table, 0xd570), "operator+ "));
    assert_non_null(strstr(at(l.table, 0x1bdfc), "__BuildCatchObject+4"));
    assert_non_null(strstr(at(l.table, 0x1bdfc), "frame.cpp:1957"));
    unload(&l);
    if (!load_real(&l, "pdb/cpp-crash-2-CppConsoleApplication.pdb"))
        skip();
    assert_int_equal(l.symbols_status, SEEP_OK);
    unload(&l);
}

static void a_real_reordered_and_a_damaged_one(void **state)
{
    (void)state;
    struct loaded l;
    if (!load_real(&l, "pdb/omap_reorder_funcs.pdb"))
        skip();
    assert_int_equal(l.symbols_status, SEEP_OK);
    assert_true(seep_pdb_info(l.pdb)->reordered);
    uint32_t rva = 0;
    assert_true(seep_symbol_table_find(l.table, "_main", &rva) ||
                seep_symbol_table_find(l.table, "_wmain", &rva));
    assert_true(rva != 0);
    unload(&l);
    if (!load_real(&l, "pdb/fuzzed.pdb"))
        skip();
    assert_null(l.pdb);
    assert_true(l.err.what[0]);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols_lines_and_inlined_calls),
        cmocka_unit_test(blocks_of_every_size),
        cmocka_unit_test(it_says_which_image_it_is_of),
        cmocka_unit_test(types_by_name),
        cmocka_unit_test(reordered_images),
        cmocka_unit_test(old_files),
        cmocka_unit_test(hostile_files_are_read_as_far_as_they_go),
        cmocka_unit_test(every_cut_is_refused_or_partial),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(real_public_symbols_of_windows),
        cmocka_unit_test(a_real_private_file),
        cmocka_unit_test(a_real_reordered_and_a_damaged_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
