// SPDX-License-Identifier: MIT
// Tests of the readers of NtQuerySystemInformation's tables, on tables made here.
#include "testkit.h"

#include "os/system_information.h"

#include <string.h>

// A table under construction: fields are put at absolute places of the documented layouts.
struct table {
    uint8_t bytes[4096];
    size_t len;
};

static const uint64_t address = UINT64_C(0x1f2e3d4c5000);

static void put(struct table *t, size_t at, uint64_t value, size_t size)
{
    assert_true(at + size <= sizeof t->bytes);
    for (size_t i = 0; i < size; i++)
        t->bytes[at + i] = (uint8_t)(value >> 8 * i);
    if (t->len < at + size)
        t->len = at + size;
}

static size_t put_utf16(struct table *t, size_t at, const char *ascii)
{
    for (size_t i = 0; ascii[i]; i++)
        put(t, at + 2 * i, (uint8_t)ascii[i], 2);
    return 2 * strlen(ascii);
}

static struct seep_bytes view(const struct table *t)
{
    return seep_bytes(t->bytes, t->len);
}

// Two processes, each with one thread record (80 bytes) and its name behind it.
static void make_processes(struct table *t)
{
    for (size_t i = 0; i < 2; i++) {
        size_t at = i * 0x200;
        put(t, at + 0x1ff, 0, 1);
        put(t, at, i == 0 ? 0x200 : 0, 4);
        put(t, at + 0x04, 7 + i, 4);
        put(t, at + 0x20, 133000000000000000 + i, 8);
        size_t len = put_utf16(t, at + 0x150, i == 0 ? "smss.exe" : "leaky.exe");
        put(t, at + 0x38, len, 2);
        put(t, at + 0x3a, len + 2, 2);
        put(t, at + 0x40, address + at + 0x150, 8);
        put(t, at + 0x50, 400 + 4 * i, 8);
        put(t, at + 0x58, 4, 8);
        put(t, at + 0x60, 55 + i, 4);
        put(t, at + 0x78, 0x20100000000 + i, 8);
        put(t, at + 0x90, 0x500000 + i, 8);
        put(t, at + 0xa0, 0x11000 + i, 8);
        put(t, at + 0xb0, 0x3300 + i, 8);
        put(t, at + 0xb8, 0x700000 + i, 8);
        put(t, at + 0xc8, 0x701000 + i, 8);
    }
}

static void processes_are_read(void **state)
{
    (void)state;
    static struct table t;
    t = (struct table){ .len = 0 };
    make_processes(&t);
    size_t offset = 0;
    struct seep_nt_process p;
    for (size_t i = 0; i < 2; i++) {
        assert_true(seep_nt_process(view(&t), address, &offset, &p));
        assert_int_equal(p.pid, 400 + 4 * i);
        assert_int_equal(p.parent_pid, 4);
        assert_int_equal(p.n_threads, 7 + i);
        assert_int_equal(p.n_handles, 55 + i);
        assert_int_equal(p.create_time, 133000000000000000 + i);
        assert_int_equal(p.virtual_size, 0x20100000000 + i);
        assert_int_equal(p.working_set_size, 0x500000 + i);
        assert_int_equal(p.quota_paged_pool_usage, 0x11000 + i);
        assert_int_equal(p.quota_nonpaged_pool_usage, 0x3300 + i);
        assert_int_equal(p.pagefile_usage, 0x700000 + i);
        assert_int_equal(p.private_page_count, 0x701000 + i);
        assert_int_equal(p.image.len, i == 0 ? 16 : 18);
        assert_int_equal(p.image.data[0], i == 0 ? 's' : 'l');
    }
    assert_false(seep_nt_process(view(&t), address, &offset, &p));
}

static void broken_process_tables_end_early(void **state)
{
    (void)state;
    static struct table t;
    struct seep_nt_process p;
    // Cut off anywhere: whole records only.
    t = (struct table){ .len = 0 };
    make_processes(&t);
    for (size_t len = 0; len <= t.len; len++) {
        size_t offset = 0, n = 0;
        while (seep_nt_process(seep_bytes(t.bytes, len), address, &offset, &p))
            n++;
        assert_int_equal(n, (len >= 0x100) + (len >= 0x300));
    }
    // Names that point before, behind and across the end of the table.
    const uint64_t wrong[] = { 0, address - 1, address + t.len + 1, address + t.len - 2,
                               UINT64_MAX };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t offset = 0;
        put(&t, 0x40, wrong[i], 8);
        assert_true(seep_nt_process(view(&t), address, &offset, &p));
        assert_int_equal(p.image.len, 0);
    }
    // The next record lies outside.
    size_t offset = 0;
    put(&t, 0, UINT32_MAX, 4);
    assert_true(seep_nt_process(view(&t), address, &offset, &p));
    assert_false(seep_nt_process(view(&t), address, &offset, &p));
}

static void handles_are_read(void **state)
{
    (void)state;
    static struct table t;
    t = (struct table){ .len = 0 };
    put(&t, 0, 3, 8);
    for (size_t i = 0; i < 3; i++) {
        size_t at = 16 + 40 * i;
        put(&t, at + 39, 0, 1);
        put(&t, at, 0xffff8000aabb0000 + i, 8);
        put(&t, at + 0x08, 4 + i, 8);
        put(&t, at + 0x10, 0x5c + 4 * i, 8);
        put(&t, at + 0x18, 0x1fffff, 4);
        put(&t, at + 0x1e, 7, 2);
    }
    assert_int_equal(seep_nt_n_handles(view(&t)), 3);
    struct seep_nt_handle h = seep_nt_handle(view(&t), 2);
    assert_true(h.object == 0xffff8000aabb0002);
    assert_int_equal(h.pid, 6);
    assert_int_equal(h.value, 0x64);
    assert_int_equal(h.type, 7);
    assert_int_equal(h.access, 0x1fffff);
    // A count that the bytes do not bear out.
    put(&t, 0, UINT64_MAX, 8);
    assert_int_equal(seep_nt_n_handles(view(&t)), 3);
    assert_int_equal(seep_nt_n_handles(seep_bytes(t.bytes, t.len - 1)), 2);
    assert_int_equal(seep_nt_n_handles(seep_bytes(t.bytes, 8)), 0);
    assert_int_equal(seep_nt_n_handles(seep_bytes(t.bytes, 0)), 0);
}

static void memory_is_read_as_far_as_it_is_told(void **state)
{
    (void)state;
    static struct table t;
    struct seep_nt_performance p = { .committed = 1 };
    t = (struct table){ .len = 0 };
    put(&t, 0x30, 5000, 4);
    put(&t, 0x34, 9000, 4);
    put(&t, 0x38, 6000, 4);
    put(&t, 0x90, 700, 4);
    put(&t, 0x137, 0, 1);
    // Windows 7: 312 bytes
    assert_true(seep_nt_performance(view(&t), &p));
    assert_int_equal(p.committed, 5000);
    assert_int_equal(p.commit_limit, 9000);
    assert_int_equal(p.commit_peak, 6000);
    assert_int_equal(p.drivers, 700);
    assert_true(p.resident_available == UINT64_MAX && p.shared_committed == UINT64_MAX);
    // Windows 10
    put(&t, 0x148, 0x100000001, 8);
    put(&t, 0x150, 300, 8);
    put(&t, 0x168, 40, 8);
    assert_true(seep_nt_performance(view(&t), &p));
    assert_true(p.resident_available == 0x100000001);
    assert_int_equal(p.shared_committed, 300);
    assert_int_equal(p.system_page_tables, 40);
    assert_true(seep_nt_performance(seep_bytes(t.bytes, t.len - 1), &p));
    assert_true(p.system_page_tables == UINT64_MAX);
    assert_false(seep_nt_performance(seep_bytes(t.bytes, 0x137), &p));
    assert_true(p.system_page_tables == UINT64_MAX);
}

static void pool_tags_are_read(void **state)
{
    (void)state;
    static struct table t;
    t = (struct table){ .len = 0 };
    put(&t, 0, 2, 4);
    size_t at = 8 + 40;
    memcpy(t.bytes + at, "Leak", 4);
    put(&t, at + 0x04, 100, 4);
    put(&t, at + 0x08, 1, 4);
    put(&t, at + 0x10, 99 << 12, 8);
    put(&t, at + 0x18, 20, 4);
    put(&t, at + 0x1c, 15, 4);
    put(&t, at + 0x20, 5 << 12, 8);
    assert_int_equal(seep_nt_n_pool_tags(view(&t)), 2);
    struct seep_nt_pool_tag tag = seep_nt_pool_tag(view(&t), 1);
    assert_memory_equal(tag.tag, "Leak", 4);
    assert_int_equal(tag.paged_allocs, 100);
    assert_int_equal(tag.paged_frees, 1);
    assert_int_equal(tag.paged_bytes, 99 << 12);
    assert_int_equal(tag.nonpaged_allocs, 20);
    assert_int_equal(tag.nonpaged_frees, 15);
    assert_int_equal(tag.nonpaged_bytes, 5 << 12);
    put(&t, 0, UINT32_MAX, 4);
    assert_int_equal(seep_nt_n_pool_tags(view(&t)), 2);
}

static void page_files_are_added_up(void **state)
{
    (void)state;
    static struct table t;
    t = (struct table){ .len = 0 };
    uint64_t used = 0, total = 0;
    put(&t, 0, 64, 4);
    put(&t, 4, 1000, 4);
    put(&t, 8, 10, 4);
    put(&t, 64 + 31, 0, 1);
    put(&t, 64 + 4, 500, 4);
    put(&t, 64 + 8, 5, 4);
    assert_true(seep_nt_page_files(view(&t), &used, &total));
    assert_int_equal(used, 15);
    assert_int_equal(total, 1500);
    used = 1;
    assert_false(seep_nt_page_files(seep_bytes(t.bytes, t.len - 1), &used, &total));
    put(&t, 0, UINT32_MAX, 4);
    assert_false(seep_nt_page_files(view(&t), &used, &total));
    assert_int_equal(used, 1);
}

static void objects_of_a_type_are_found(void **state)
{
    (void)state;
    static struct table t;
    static const char *const names[] = { "Type", "Directory", "Process" };
    t = (struct table){ .len = 0 };
    put(&t, 0, 3, 4);
    size_t at = 8;
    for (size_t i = 0; i < 3; i++) {
        size_t len = put_utf16(&t, at + 104, names[i]);
        put(&t, at, len, 2);
        put(&t, at + 2, len + 2, 2);
        put(&t, at + 8, address + at + 104, 8);
        put(&t, at + 0x10, 70 + i, 4);
        at += 104 + (len + 2 + 7) / 8 * 8;
    }
    put(&t, at - 1, 0, 1);
    uint32_t total = 0;
    assert_true(seep_nt_object_total(view(&t), address, "Process", &total));
    assert_int_equal(total, 72);
    assert_true(seep_nt_object_total(view(&t), address, "Type", &total));
    assert_int_equal(total, 70);
    assert_false(seep_nt_object_total(view(&t), address, "Proces", &total));
    put(&t, 0, UINT32_MAX, 4);
    assert_false(seep_nt_object_total(view(&t), address, "Thread", &total));
    for (size_t len = 0; len < t.len - 24; len++)
        assert_false(seep_nt_object_total(seep_bytes(t.bytes, len), address, "Process", &total));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_are_read),
        cmocka_unit_test(broken_process_tables_end_early),
        cmocka_unit_test(handles_are_read),
        cmocka_unit_test(memory_is_read_as_far_as_it_is_told),
        cmocka_unit_test(pool_tags_are_read),
        cmocka_unit_test(page_files_are_added_up),
        cmocka_unit_test(objects_of_a_type_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
