// SPDX-License-Identifier: MIT
// Tests of layouts by name.
#include "testkit.h"

#include "symbols/types.h"
#include "symbols/types_build.h"

#include <string.h>

static void begin(struct seep_types_builder *b, const char *name, uint64_t size, uint32_t id)
{
    assert_true(seep_types_builder_struct(b, name, strlen(name), size, id));
}

static void add(struct seep_types_builder *b, struct seep_types_field field)
{
    field.name_len = field.name ? strlen(field.name) : 0;
    field.type_len = field.type ? strlen(field.type) : 0;
    field.count = field.count ? field.count : 1;
    assert_true(seep_types_builder_member(b, &field));
}

static struct seep_types *finish(struct seep_types_builder *b)
{
    struct seep_types *types = seep_types_builder_finish(b, NULL);
    assert_non_null(types);
    seep_types_builder_free(b);
    return types;
}

static struct seep_types *heap_types(void)
{
    struct seep_types_builder *b = seep_types_builder_new();
    assert_non_null(b);
    begin(b, "_HEAP", 0x2c0, 0);
    add(b, (struct seep_types_field){ .name = "Segment", .type = "_HEAP_SEGMENT" });
    add(b, (struct seep_types_field){ .name = "Encoding", .offset = 0x88, .type = "_HEAP_ENTRY" });
    add(b, (struct seep_types_field){
               .name = "Lists", .offset = 0x100, .count = 3, .type = "_HEAP_ENTRY" });
    add(b,
        (struct seep_types_field){
            .name = "Next", .offset = 0x150, .size_bytes = 8, .pointer = true, .type = "_HEAP" });
    begin(b, "_HEAP_ENTRY", 16, 0);
    add(b, (struct seep_types_field){ .offset = 8, .type = "<unnamed-tag>", .type_id = 77 });
    begin(b, "<unnamed-tag>", 4, 76);
    add(b, (struct seep_types_field){ .name = "Wrong", .size_bytes = 4 });
    begin(b, "<unnamed-tag>", 8, 77);
    add(b, (struct seep_types_field){ .name = "Size", .size_bytes = 2 });
    add(b, (struct seep_types_field){
               .name = "Flag", .offset = 2, .size_bytes = 1, .bit_offset = 3, .bit_length = 2 });
    begin(b, "_HEAP_SEGMENT", 0x70, 0);
    begin(b, "_HEAP_SEGMENT", 0x99, 0);
    assert_true(seep_types_builder_enum(b, "_KIND", 5));
    assert_true(seep_types_builder_enumerator(b, "Low", 3, -5));
    assert_true(seep_types_builder_enumerator(b, "High", 4, 900));
    return finish(b);
}

static void members_are_found_by_their_path(void **state)
{
    (void)state;
    struct seep_types *types = heap_types();
    uint64_t size = 0;
    assert_true(seep_types_size(types, "_HEAP_SEGMENT", &size));
    assert_int_equal(size, 0x70); // the first of two
    assert_false(seep_types_size(types, "_HEAP_", &size));
    struct seep_member m = { 0 };
    assert_true(seep_types_member(types, "_HEAP", "Encoding.Size", &m));
    assert_int_equal(m.offset, 0x90);
    assert_int_equal(m.size_bytes, 2);
    assert_null(m.type);
    assert_true(seep_types_member(types, "_HEAP_ENTRY", "Flag", &m));
    assert_int_equal(m.offset, 10);
    assert_int_equal(m.bit_offset, 3);
    assert_int_equal(m.bit_length, 2);
    assert_true(seep_types_member(types, "_HEAP", "Lists", &m));
    assert_int_equal(m.size_bytes, 48);
    assert_int_equal(m.count, 3);
    assert_string_equal(m.type, "_HEAP_ENTRY");
    seep_types_free(types);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct seep_types *types = heap_types();
    struct seep_member m = { .offset = 7 };
    assert_false(seep_types_member(types, "_HEAP", "Encoding.Wrong", &m));
    assert_false(seep_types_member(types, "_HEAP", "Next.Encoding", &m)); // a pointer
    assert_false(seep_types_member(types, "_HEAP", "Encoding.", &m));
    assert_false(seep_types_member(types, "_HEAP", "", &m));
    assert_false(seep_types_member(types, "", "Size", &m));
    assert_false(seep_types_member(NULL, "_HEAP", "Size", &m));
    assert_int_equal(m.offset, 7);
    seep_types_free(types);
}

static void enumerators_have_their_value(void **state)
{
    (void)state;
    struct seep_types *types = heap_types();
    int64_t value = 1;
    assert_true(seep_types_enumerator(types, "_KIND", "Low", &value));
    assert_int_equal(value, -5);
    assert_true(seep_types_enumerator(types, "_KIND", "High", &value));
    assert_int_equal(value, 900);
    assert_false(seep_types_enumerator(types, "_KIND", "Size", &value));
    assert_false(seep_types_enumerator(types, "_HEAP", "Low", &value));
    seep_types_free(types);
}

static void structures_that_contain_each_other_end(void **state)
{
    (void)state;
    struct seep_types_builder *b = seep_types_builder_new();
    begin(b, "A", 16, 0);
    for (uint32_t i = 0; i < 40; i++)
        add(b, (struct seep_types_field){ .offset = UINT32_MAX, .type = i & 1 ? "B" : "A" });
    begin(b, "B", 16, 0);
    for (uint32_t i = 0; i < 40; i++)
        add(b, (struct seep_types_field){ .offset = i, .type = "A" });
    add(b, (struct seep_types_field){ .name = "x", .size_bytes = 1 });
    begin(b, "Empty", 0, 0);
    struct seep_types *types = finish(b);
    struct seep_member m;
    uint64_t size;
    assert_false(seep_types_member(types, "A", "y", &m));
    assert_true(seep_types_member(types, "A", "x", &m));
    assert_false(seep_types_size(types, "Empty", &size));
    seep_types_free(types);
    types = finish(seep_types_builder_new());
    assert_false(seep_types_size(types, "A", &size));
    seep_types_free(types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_their_path),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(enumerators_have_their_value),
        cmocka_unit_test(structures_that_contain_each_other_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
