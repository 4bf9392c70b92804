// SPDX-License-Identifier: MIT
// Tests of JSON as it is read, of ISF, and of .xz.
#include "testkit.h"

#include "symbols/expand.h"
#include "symbols/isf.h"
#include "symbols/json_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The tokens of a document as letters, up to its end ('.') or where it is broken ('!').
static void tokens(const char *json, char *out, size_t size)
{
    static const char letters[] = "!.{[)ksntfz";
    struct seep_json_in in;
    size_t n = 0;
    seep_json_in_init(&in, seep_bytes(json, strlen(json)));
    for (;;) {
        enum seep_json_token token = seep_json_in_next(&in);
        assert_true(n + 1 < size);
        out[n++] = letters[token];
        if (token == SEEP_JSON_END || token == SEEP_JSON_BROKEN)
            break;
    }
    out[n] = '\0';
    if (in.failed)
        assert_string_not_equal(in.err.what, "");
    seep_json_in_clear(&in);
}

static void documents_are_read_token_by_token(void **state)
{
    (void)state;
    static const struct {
        const char *json, *tokens;
    } rows[] = {
        { "{}", "{)." },
        { " [ ] ", "[)." },
        { "7", "n." },
        { "\"\"", "s." },
        { "{\"a\":1,\"b\":[true,false,null,-0.5e+7,{}]}", "{knk[tfzn{)))." },
        { "\xef\xbb\xbf[0]", "[n)." },
        { "[[],[]]", "[[)[))." },
        // not JSON
        { "", "!" },
        { "  ", "!" },
        { "[", "[!" },
        { "{", "{!" },
        { "{\"a\"", "{!" },
        { "{\"a\":", "{k!" },
        { "{\"a\":}", "{k!" },
        { "{\"a\":1,}", "{kn!" },
        { "{\"a\" 1}", "{!" },
        { "{1:2}", "{!" },
        { "[1,]", "[n!" },
        { "[,1]", "[!" },
        { "[1 2]", "[n!" },
        { "[1}", "[n!" },
        { "{\"a\":1]", "{kn!" },
        { "1 2", "n!" },
        { "[01]", "[!" },
        { "[1.]", "[!" },
        { "[.5]", "[!" },
        { "[+1]", "[!" },
        { "[-]", "[!" },
        { "[1e]", "[!" },
        { "[tru]", "[!" },
        { "[NaN]", "[!" },
        { "['a']", "[!" },
        { "[\"a]", "[!" },
        { "[\"a\nb\"]", "[!" },
        { "[\"\\x\"]", "[!" },
        { "[\"\\u12\"]", "[!" },
        { "[\"\\", "[!" },
        { "]", "!" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[64];
        tokens(rows[i].json, out, sizeof out);
        if (strcmp(out, rows[i].tokens) != 0)
            print_error("%s: %s\n", rows[i].json, out);
        assert_string_equal(out, rows[i].tokens);
    }
}

static void strings_lose_their_escapes(void **state)
{
    (void)state;
    static const char json[] =
        "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20AC\\ud83d\\ude00\\ud800z\"";
    static const char text[] = "a\"\\/\b\f\n\r\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbdz";
    struct seep_json_in in;
    seep_json_in_init(&in, seep_bytes(json, sizeof json - 1));
    assert_int_equal(seep_json_in_next(&in), SEEP_JSON_STRING);
    assert_int_equal(in.text_len, sizeof text - 1);
    assert_memory_equal(in.text, text, in.text_len);
    assert_true(seep_json_in_is(&in, text));
    seep_json_in_clear(&in);
}

static void depth_has_an_end(void **state)
{
    (void)state;
    char json[3 * SEEP_MAX_DEPTH], out[4 * SEEP_MAX_DEPTH];
    memset(json, '[', sizeof json);
    json[sizeof json - 1] = '\0';
    tokens(json, out, sizeof out);
    assert_int_equal(strlen(out), SEEP_MAX_DEPTH + 1);
    memset(json + SEEP_MAX_DEPTH, ']', SEEP_MAX_DEPTH);
    json[(size_t)2 * SEEP_MAX_DEPTH] = '\0';
    tokens(json, out, sizeof out);
    assert_int_equal(out[strlen(out) - 1], '.');
}

static void numbers_have_their_range(void **state)
{
    (void)state;
    static const char json[] = "[18446744073709551615,18446744073709551616,-1,1.0,"
                               "-9223372036854775808,-9223372036854775809,\"x\",[1,[2]],{},7]";
    struct seep_json_in in;
    uint64_t value = 0;
    int64_t number = 0;
    seep_json_in_init(&in, seep_bytes(json, sizeof json - 1));
    assert_int_equal(seep_json_in_next(&in), SEEP_JSON_ARRAY);
    assert_true(seep_json_in_whole(&in, &value));
    assert_true(value == UINT64_MAX);
    assert_false(seep_json_in_whole(&in, &value));
    assert_false(seep_json_in_whole(&in, &value));
    assert_false(seep_json_in_signed(&in, &number));
    assert_true(seep_json_in_signed(&in, &number));
    assert_true(number == INT64_MIN);
    assert_false(seep_json_in_signed(&in, &number));
    assert_false(seep_json_in_whole(&in, &value));
    assert_false(seep_json_in_whole(&in, &value)); // reads over all of the array
    assert_false(seep_json_in_string(&in));
    assert_true(seep_json_in_whole(&in, &value));
    assert_int_equal(value, 7);
    assert_int_equal(seep_json_in_next(&in), SEEP_JSON_CLOSE);
    assert_int_equal(seep_json_in_next(&in), SEEP_JSON_END);
    seep_json_in_clear(&in);
}

static void check_synth(struct seep_bytes file)
{
    struct seep_buf text = { 0 }, name = { 0 };
    struct seep_bytes json;
    struct seep_pdb_identity identity;
    struct seep_symbol_table *table = NULL;
    struct seep_types *types = NULL;
    struct seep_err err = { 0 };
    char guid[SEEP_GUID_TEXT];
    assert_true(seep_isf_is(file));
    assert_true(seep_isf_unpack(file, &text, &json, &err));
    assert_true(seep_isf_identity(json, &name, &identity, &err));
    seep_guid_text(identity.guid, guid);
    assert_string_equal(guid, "5A1D0E2B-4C3F-4D5E-8F90-A1B2C3D4E5F6");
    assert_int_equal(identity.age, 3);
    assert_string_equal(identity.name, "synth.pdb");
    assert_true(seep_isf_read(json, &table, &types, &err));
    // Everything is copied.
    seep_buf_clear(&text);

    uint32_t rva = 0;
    assert_int_equal(seep_symbol_table_count(table), 2);
    assert_true(seep_symbol_table_find(table, "Second", &rva));
    assert_int_equal(rva, 4112);
    struct seep_symbol symbol;
    assert_true(seep_symbol_table_at(table, 4100, &symbol));
    assert_string_equal(symbol.function, "First");
    assert_int_equal(symbol.offset, 4);

    static const struct {
        const char *path;
        struct seep_member member;
    } rows[] = {
        { "Number", { 0, 4, 0, 0, 1, NULL } },
        { "Inner", { 8, 16, 0, 0, 1, "_INNER" } },
        { "Inner.Low", { 8, 4, 0, 0, 1, NULL } },
        { "Inner.AsNumber", { 16, 8, 0, 0, 1, NULL } },
        { "Link", { 24, 8, 0, 0, 1, "_OUTER" } },
        { "Any", { 32, 8, 0, 0, 1, NULL } },
        { "Names", { 40, 16, 0, 0, 8, NULL } },
        { "Parts", { 56, 32, 0, 0, 2, "_INNER" } },
        { "Links", { 88, 24, 0, 0, 3, "_INNER" } },
        { "Flags", { 112, 4, 3, 5, 1, NULL } },
        { "Kind", { 116, 4, 0, 0, 1, NULL } },
        { "Call", { 120, 8, 0, 0, 1, NULL } },
        { "\xc3\xa4\"quoted\"", { 4, 4, 0, 0, 1, NULL } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct seep_member *expected = &rows[i].member;
        struct seep_member member = { 0 };
        bool found = seep_types_member(types, "_OUTER", rows[i].path, &member);
        if (!found || member.size_bytes != expected->size_bytes)
            print_error("%s: %d %u\n", rows[i].path, found, member.size_bytes);
        assert_true(found);
        assert_int_equal(member.offset, expected->offset);
        assert_int_equal(member.size_bytes, expected->size_bytes);
        assert_int_equal(member.bit_offset, expected->bit_offset);
        assert_int_equal(member.bit_length, expected->bit_length);
        assert_int_equal(member.count, expected->count);
        if (expected->type)
            assert_string_equal(member.type, expected->type);
        else
            assert_null(member.type);
    }
    struct seep_member none;
    assert_false(seep_types_member(types, "_OUTER", "Link.Number", &none)); // through a pointer
    uint64_t size = 0;
    assert_true(seep_types_size(types, "_INNER", &size));
    assert_int_equal(size, 16);
    int64_t value = 0;
    assert_true(seep_types_enumerator(types, "_KIND", "KindLast", &value));
    assert_true(value == -1);
    assert_true(seep_types_enumerator(types, "_KIND", "KindHigh", &value));
    assert_true(value == INT64_MIN + 1);
    seep_types_free(types);
    seep_symbol_table_free(table);
    seep_buf_clear(&name);
}

static struct seep_buf built(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "src/symbols/isf/%s", name);
    return testkit_built_file(path);
}

static void symbols_and_layouts_are_read(void **state)
{
    (void)state;
    static const char *const names[] = { "synth.json",
                                         "synth-5A1D0E2B4C3F4D5E8F90A1B2C3D4E5F6-3.json.xz",
                                         "two-streams.json.xz" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct seep_buf file = built(names[i]);
        check_synth(seep_bytes(file.data, file.len));
        seep_buf_clear(&file);
    }
}

// A whole document only; an error with words otherwise.
static void try_isf(struct seep_bytes json, bool *identity, bool *tables)
{
    struct seep_buf name = { 0 };
    struct seep_pdb_identity found;
    struct seep_symbol_table *table = NULL;
    struct seep_types *types = NULL;
    struct seep_err err = { 0 };
    *identity = seep_isf_identity(json, &name, &found, &err);
    if (!*identity)
        assert_string_not_equal(err.what, "");
    *tables = seep_isf_read(json, &table, &types, &err);
    if (*tables) {
        seep_symbol_table_free(table);
        seep_types_free(types);
    } else {
        assert_null(table);
        assert_string_not_equal(err.what, "");
    }
    seep_buf_clear(&name);
}

static void broken_documents_give_nothing(void **state)
{
    (void)state;
    struct seep_buf file = built("synth.json");
    bool identity, tables;
    for (size_t len = 0; len < file.len; len += 61) {
        uint8_t *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, file.data, len);
        try_isf(seep_bytes(copy, len), &identity, &tables);
        assert_false(identity || tables);
        free(copy);
    }
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 2000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t at = (size_t)(random >> 16) % file.len;
        char old = file.data[at];
        file.data[at] = (char)(random >> 8 | (i & 1 ? '0' : 0));
        try_isf(seep_bytes(file.data, file.len), &identity, &tables);
        file.data[at] = old;
    }
    seep_buf_clear(&file);
}

static void parts_of_other_kinds_are_nothing(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "{}",
        "{\"symbols\":7,\"user_types\":[],\"enums\":null,\"base_types\":\"x\",\"metadata\":{}}",
        "{\"symbols\":{\"a\":1,\"b\":{\"address\":\"x\"},\"c\":{\"address\":-1}}}",
        "{\"user_types\":{\"a\":[],\"b\":{\"size\":[1],\"fields\":{\"x\":1,\"y\":{\"type\":2},"
        "\"z\":{\"offset\":1,\"type\":{\"kind\":\"array\",\"count\":4294967296,"
        "\"subtype\":{\"kind\":\"array\",\"count\":4294967296}}}}}}}",
        "{\"enums\":{\"a\":{\"constants\":[1]},\"b\":2,\"c\":{\"constants\":{\"d\":\"e\"}}}}",
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        bool identity, tables;
        try_isf(seep_bytes(documents[i], strlen(documents[i])), &identity, &tables);
        assert_false(identity);
        assert_true(tables);
    }
    bool identity, tables;
    try_isf(seep_bytes("[]", 2), &identity, &tables);
    assert_false(identity || tables);
}

// A pointer to a pointer to ... deeper than is kept.
static void deep_types_are_numbers(void **state)
{
    (void)state;
    struct seep_buf json = { 0 };
    seep_buf_adds(&json, "{\"base_types\":{\"pointer\":{\"size\":4}},"
                         "\"user_types\":{\"s\":{\"size\":8,\"fields\":{\"m\":{\"offset\":4,"
                         "\"type\":");
    for (int i = 0; i < 40; i++)
        seep_buf_adds(&json, "{\"kind\":\"pointer\",\"subtype\":");
    seep_buf_adds(&json, "{\"kind\":\"base\",\"name\":\"int\"}");
    for (int i = 0; i < 40; i++)
        seep_buf_addc(&json, '}');
    seep_buf_adds(&json, "}}}}}");
    struct seep_symbol_table *table = NULL;
    struct seep_types *types = NULL;
    struct seep_err err = { 0 };
    struct seep_member member;
    assert_true(seep_isf_read(seep_bytes(json.data, json.len), &table, &types, &err));
    assert_true(seep_types_member(types, "s", "m", &member));
    assert_int_equal(member.offset, 4);
    assert_int_equal(member.size_bytes, 4);
    seep_types_free(types);
    seep_symbol_table_free(table);
    seep_buf_clear(&json);
}

static bool count(void *ctx, const void *data, size_t len)
{
    (void)data;
    *(uint64_t *)ctx += len;
    return true;
}

static void damaged_xz_is_refused(void **state)
{
    (void)state;
    struct seep_buf file = built("bomb.json.xz");
    struct seep_err err = { 0 };
    uint64_t n = 0;
    const struct seep_expand to = { .take = count, .ctx = &n };
    assert_false(seep_xz_expand(seep_bytes(file.data, file.len), &to, &err));
    assert_non_null(strstr(err.what, "times its size"));
    assert_true(n <= seep_expand_limit(file.len));
    seep_buf_clear(&file);
    file = built("two-streams.json.xz");
    for (size_t len = 0; len < file.len - 4; len += 37) {
        err = (struct seep_err){ 0 };
        bool ok = seep_xz_expand(seep_bytes(file.data, len), &to, &err);
        // The end of the first stream is one of the file too.
        assert_true(ok == (err.what[0] == '\0'));
    }
    for (size_t at = 0; at < file.len; at += 11) {
        file.data[at] ^= 0x55;
        err = (struct seep_err){ 0 };
        assert_false(seep_xz_expand(seep_bytes(file.data, file.len), &to, &err));
        assert_string_not_equal(err.what, "");
        file.data[at] ^= 0x55;
    }
    seep_buf_clear(&file);
}

// Values of the real kernel, as another reader gave them.
static void the_real_kernel_is_read(void **state)
{
    (void)state;
    char path[4096];
    struct seep_buf file = { 0 }, text = { 0 };
    struct seep_bytes json;
    struct seep_symbol_table *table = NULL;
    struct seep_types *types = NULL;
    struct seep_err err = { 0 };
    if (!testkit_data("isf/ntkrnlmp-5278AFF86C341677D7D7835C85B7B844-1.json.xz", path, sizeof path))
        skip();
    assert_true(testkit_read_file(path, &file));
    assert_true(seep_isf_unpack(seep_bytes(file.data, file.len), &text, &json, &err));
    assert_true(seep_isf_read(json, &table, &types, &err));
    static const struct {
        const char *name;
        uint32_t rva;
    } symbols[] = { { "PoolTrackTable", 0xc168a8 },      { "PoolTrackTableSize", 0xc19128 },
                    { "PsActiveProcessHead", 0xc1e200 }, { "PspCidTable", 0xcfc5c8 },
                    { "ObHeaderCookie", 0xcfc71c },      { "KdDebuggerDataBlock", 0xc00b20 } };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        uint32_t rva = 0;
        assert_true(seep_symbol_table_find(table, symbols[i].name, &rva));
        assert_int_equal(rva, symbols[i].rva);
    }
    static const struct {
        const char *structure, *path;
        uint32_t offset;
    } members[] = { { "_POOL_TRACKER_TABLE", "NonPagedBytes", 8 },
                    { "_EPROCESS", "ActiveProcessLinks", 1096 },
                    { "_EPROCESS", "ObjectTable", 1392 },
                    { "_EPROCESS", "ImageFileName", 1448 },
                    { "_EPROCESS", "VadRoot", 2008 },
                    { "_KPROCESS", "DirectoryTableBase", 40 },
                    { "_HANDLE_TABLE", "HandleTableList", 24 },
                    { "_MI_PARTITION", "Vp", 6912 } };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct seep_member member;
        assert_true(seep_types_member(types, members[i].structure, members[i].path, &member));
        assert_int_equal(member.offset, members[i].offset);
    }
    uint64_t size = 0;
    assert_true(seep_types_size(types, "_POOL_TRACKER_TABLE", &size));
    assert_int_equal(size, 56);
    int64_t value = -1;
    assert_true(seep_types_enumerator(types, "_POOL_TYPE", "PagedPool", &value));
    assert_int_equal(value, 1);
    struct seep_member name;
    assert_true(seep_types_member(types, "_EPROCESS", "ImageFileName", &name));
    assert_int_equal(name.count, 15);
    seep_symbol_table_free(table);
    seep_types_free(types);
    seep_buf_clear(&text);
    seep_buf_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read_token_by_token),
        cmocka_unit_test(strings_lose_their_escapes),
        cmocka_unit_test(depth_has_an_end),
        cmocka_unit_test(numbers_have_their_range),
        cmocka_unit_test(symbols_and_layouts_are_read),
        cmocka_unit_test(broken_documents_give_nothing),
        cmocka_unit_test(parts_of_other_kinds_are_nothing),
        cmocka_unit_test(deep_types_are_numbers),
        cmocka_unit_test(damaged_xz_is_refused),
        cmocka_unit_test(the_real_kernel_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
