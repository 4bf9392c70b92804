// SPDX-License-Identifier: MIT
// Tests of processes: the list, the table of ids, the list of handle tables; lists that are broken,
// go in circles or are made up.
#include "kernel/test_build.h"

#include "base/time.h"

#include <string.h>

enum { POOL = 1 << 20 };

#define EXITED UINT64_C(133900000000000000)

static const struct seep_kernel_process *by_pid(const struct seep_kernel_processes *all,
                                                uint32_t pid)
{
    const struct seep_kernel_process *found = NULL;
    for (size_t i = 0; i < all->n; i++) {
        assert_true(i == 0 || all->at[i - 1].address < all->at[i].address);
        if (all->at[i].pid == pid) {
            assert_null(found);
            found = &all->at[i];
        }
    }
    return found;
}

static void read_all(struct kit_kernel *k, struct seep_kernel_processes *all,
                     struct seep_kernel_gaps *gaps)
{
    struct seep_err err = { 0 };
    memset(gaps, 0, sizeof *gaps);
    memset(all, 0, sizeof *all);
    if (!seep_kernel_read_processes(&k->kernel, all, gaps, &err))
        fail_msg("%s: %s", k->era->name, err.what);
}

static void put(struct kit_kernel *k, uint64_t process, uint32_t offset, uint64_t value)
{
    kit_pointer(k, process + offset, value);
}

static void every_member_in_every_era(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct kit_kernel k;
        struct seep_kernel_processes all;
        struct seep_kernel_gaps gaps;
        kit_kernel_init(&k, kit_era(i), POOL);
        kit_ids(&k, 0, 0x400);
        uint64_t system = kit_process(&k, 4, "System", 0);
        uint64_t p = kit_process(&k, 0x123c, "a-name-of-15-ch", 0);
        uint64_t dead = kit_process(&k, 0x1244, "gone\x01.exe", EXITED);
        uint64_t table = kit_table(&k, p, 0, 10, true), space = kit_alloc(&k, 64, 16);
        kit_thread(&k, p);
        kit_thread(&k, p);
        put(&k, p, k.era->layout.process.parent_pid, 0x80);
        put(&k, p, k.era->layout.process.session, space);
        kit_put(&k.m, space + 8, 4, 2);
        put(&k, dead, k.era->layout.process.commit_charge, UINT64_MAX - 3); // wrapped
        kit_put(&k.m, dead, 1, 3 | 0x80); // its dispatcher lock is taken
        read_all(&k, &all, &gaps);
        assert_int_equal(all.n, 3);
        const struct seep_kernel_process *row = by_pid(&all, 0x123c);
        assert_int_equal(row->address, p);
        assert_int_equal(row->directory_table, 0x1000 + 0x123c);
        assert_int_equal(row->handle_table, table);
        assert_int_equal(row->parent_pid, 0x80);
        assert_string_equal(row->image, "a-name-of-15-ch");
        assert_int_equal(row->create_ns,
                         seep_time_from_filetime(UINT64_C(133800000000000000) + 0x123c));
        assert_true(row->exit_ns == SEEP_NO_TIME);
        assert_int_equal(row->commit_pages, 20);
        assert_int_equal(row->session, 2);
        assert_int_equal(row->n_threads, 2);
        assert_int_equal(row->n_pointers, 3);
        assert_int_equal(row->n_handles, 0);
        assert_true(row->in_list);
        assert_false(seep_kernel_is_zombie(row));
        row = by_pid(&all, 0x1244);
        assert_int_equal(row->address, dead);
        assert_int_equal(row->exit_ns, seep_time_from_filetime(EXITED));
        assert_string_equal(row->image, "gone?.exe");
        assert_int_equal(row->commit_pages, UINT64_MAX);
        assert_int_equal(row->session, UINT32_MAX);
        assert_int_equal(row->n_threads, 0);
        assert_true(seep_kernel_is_zombie(row));
        assert_int_equal(by_pid(&all, 4)->address, system);
        assert_int_equal(gaps.n_bad + gaps.n_unreadable, 0);
        seep_kernel_processes_clear(&all);
        kit_kernel_clear(&k);
    }
}

static void tables_know_what_the_list_does_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct kit_kernel k;
        struct seep_kernel_processes all;
        struct seep_kernel_gaps gaps;
        kit_kernel_init(&k, kit_era(i), POOL);
        uint64_t ids = kit_ids(&k, 1, 0x2000);
        uint64_t p[5];
        for (uint32_t n = 0; n < 5; n++) {
            p[n] = kit_process(&k, 0x1004 + 4 * n, "some.exe", n == 2 ? EXITED : 0);
            kit_table(&k, p[n], 0, 10, n != 1);
        }
        kit_entry(&k, ids, 0x1004, p[0], 0, 0);
        kit_entry(&k, ids, 0x1008, p[1], 0, 0); // in the table of ids only
        kit_entry(&k, ids, 0x1600, kit_thread(&k, p[0]), 0, 0);
        kit_unlink(&k, p[1]);
        kit_unlink(&k, p[3]); // in the list of handle tables only
        read_all(&k, &all, &gaps);
        assert_int_equal(all.n, 5);
        assert_true(by_pid(&all, 0x1004)->in_list);
        assert_false(by_pid(&all, 0x1008)->in_list);
        assert_true(by_pid(&all, 0x100c)->in_list);
        assert_false(by_pid(&all, 0x1010)->in_list);
        assert_int_equal(gaps.n_bad + gaps.n_unreadable, 0);
        seep_kernel_processes_clear(&all);
        kit_kernel_clear(&k);
    }
}

enum { N = 6 };

static void build_list(struct kit_kernel *k, uint64_t p[N])
{
    kit_kernel_init(k, kit_era_named("19041"), POOL);
    for (uint32_t i = 0; i < N; i++)
        p[i] = kit_process(k, 4 + 4 * i, "p.exe", 0);
    k->kernel.symbols.cid_table = 0;
    k->kernel.symbols.handle_table_list = 0;
}

static void a_broken_list_is_followed_from_both_ends(void **state)
{
    static const uint8_t types[] = { 0, 6, 5 };
    struct kit_kernel k;
    struct seep_kernel_processes all;
    struct seep_kernel_gaps gaps;
    uint64_t p[N];
    (void)state;
    for (size_t i = 0; i < sizeof types; i++) {
        build_list(&k, p);
        kit_put(&k.m, p[2], 1, types[i]); // no process any more
        read_all(&k, &all, &gaps);
        assert_int_equal(all.n, N - 1);
        assert_null(by_pid(&all, 12));
        assert_int_equal(gaps.n_bad, 2); // met from either end
        seep_kernel_processes_clear(&all);
        kit_kernel_clear(&k);
    }
    build_list(&k, p);
    put(&k, p[3], k.era->layout.process.links, UINT64_C(0xffffb00000000000)); // not held
    read_all(&k, &all, &gaps);
    assert_int_equal(all.n, N);
    assert_int_equal(gaps.n_unreadable, 1);
    seep_kernel_processes_clear(&all);
    kit_kernel_clear(&k);
}

static void lists_that_go_in_circles_end(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_processes all;
    struct seep_kernel_gaps gaps;
    uint64_t p[N];
    (void)state;
    for (size_t to = 0; to < N; to++) {
        build_list(&k, p);
        uint32_t links = k.era->layout.process.links;
        put(&k, p[4], links, p[to] + links); // to itself, back, over one
        read_all(&k, &all, &gaps);
        assert_int_equal(all.n, N); // the last one by the way back
        assert_int_equal(gaps.n_bad, to != 5);
        seep_kernel_processes_clear(&all);
        kit_kernel_clear(&k);
    }
    // Both ends in circles of their own.
    build_list(&k, p);
    uint32_t links = k.era->layout.process.links;
    put(&k, p[1], links, p[0] + links);
    put(&k, p[5], links + 8, p[5] + links);
    read_all(&k, &all, &gaps);
    assert_int_equal(all.n, 3);
    seep_kernel_processes_clear(&all);
    kit_kernel_clear(&k);
}

static void what_no_process_can_be_is_none(void **state)
{
    static const uint64_t pids[] = { 0, 7, UINT64_C(1) << 26, UINT64_C(0x100000004) };
    struct kit_kernel k;
    struct seep_kernel_processes all;
    struct seep_kernel_gaps gaps;
    uint64_t p[N];
    (void)state;
    for (size_t i = 0; i < sizeof pids / sizeof pids[0]; i++) {
        build_list(&k, p);
        put(&k, p[5], k.era->layout.process.pid, pids[i]);
        read_all(&k, &all, &gaps);
        assert_int_equal(all.n, N - 1);
        assert_true(gaps.n_bad > 0);
        seep_kernel_processes_clear(&all);
        kit_kernel_clear(&k);
    }
    // Links that are not aligned, in user's half, or before all memory.
    static const uint64_t links[] = { 1, 0x7ff612340000, 0, UINT64_MAX };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        build_list(&k, p);
        put(&k, p[2], k.era->layout.process.links, links[i]);
        read_all(&k, &all, &gaps);
        assert_int_equal(all.n, N);
        assert_int_equal(gaps.n_bad + gaps.n_unreadable, 1);
        seep_kernel_processes_clear(&all);
        kit_kernel_clear(&k);
    }
}

static void a_list_of_tables_that_is_damaged_ends(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_processes all;
    struct seep_kernel_gaps gaps;
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    k.kernel.symbols.cid_table = 0;
    uint64_t a = kit_process(&k, 4, "System", 0), b = kit_process(&k, 8, "b.exe", 0);
    uint64_t ta = kit_table(&k, a, 0, 1, true), tb = kit_table(&k, b, 0, 1, true);
    uint32_t list = k.era->layout.handle_table.list;
    put(&k, tb, list, ta + list);                              // back to the first
    put(&k, ta, k.era->layout.handle_table.quota_process, ta); // no process
    read_all(&k, &all, &gaps);
    assert_int_equal(all.n, 2);
    assert_int_equal(gaps.n_bad, 1);
    seep_kernel_processes_clear(&all);
    put(&k, tb, list, 8);
    read_all(&k, &all, &gaps);
    assert_int_equal(gaps.n_bad, 1);
    seep_kernel_processes_clear(&all);
    kit_kernel_clear(&k);
}

static void nothing_to_read_is_said(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_processes all = { 0 };
    struct seep_kernel_gaps gaps = { 0 };
    struct seep_err err = { 0 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    // Lists that are empty, a table of ids that is not there.
    assert_false(seep_kernel_read_processes(&k.kernel, &all, &gaps, &err));
    assert_non_null(strstr(err.what, "no process could be read"));
    k.kernel.symbols.active_processes = UINT64_C(0xffffb00000000000);
    assert_false(seep_kernel_read_processes(&k.kernel, &all, &gaps, &err));
    assert_true(gaps.n_unreadable > 0);
    k.kernel.layout.process.pid = SEEP_KERNEL_NO_OFFSET;
    assert_false(seep_kernel_read_processes(&k.kernel, &all, &gaps, &err));
    assert_non_null(strstr(err.what, "not known"));
    assert_null(all.at);
    kit_kernel_clear(&k);
}

static void what_the_layout_lacks_is_unknown(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_processes all;
    struct seep_kernel_gaps gaps;
    uint64_t p[N];
    (void)state;
    build_list(&k, p);
    struct seep_kernel_layout *l = &k.kernel.layout;
    l->process.commit_charge = l->process.session = l->process.active_threads =
        SEEP_KERNEL_NO_OFFSET;
    l->process.image_name = l->process.create_time = l->process.exit_time = SEEP_KERNEL_NO_OFFSET;
    l->process.object_table = l->process.parent_pid = SEEP_KERNEL_NO_OFFSET;
    l->object_header.pointer_count = SEEP_KERNEL_NO_OFFSET;
    read_all(&k, &all, &gaps);
    assert_int_equal(all.n, N);
    const struct seep_kernel_process *row = by_pid(&all, 8);
    assert_int_equal(row->commit_pages, UINT64_MAX);
    assert_int_equal(row->n_threads, UINT64_MAX);
    assert_int_equal(row->session, UINT32_MAX);
    assert_int_equal(row->n_pointers, UINT64_MAX);
    assert_int_equal(row->n_handles, 0);
    assert_int_equal(row->handle_table, 0);
    assert_true(row->create_ns == SEEP_NO_TIME && row->exit_ns == SEEP_NO_TIME);
    assert_string_equal(row->image, "");
    seep_kernel_processes_clear(&all);
    kit_kernel_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_in_every_era),
        cmocka_unit_test(tables_know_what_the_list_does_not),
        cmocka_unit_test(a_broken_list_is_followed_from_both_ends),
        cmocka_unit_test(lists_that_go_in_circles_end),
        cmocka_unit_test(what_no_process_can_be_is_none),
        cmocka_unit_test(a_list_of_tables_that_is_damaged_ends),
        cmocka_unit_test(nothing_to_read_is_said),
        cmocka_unit_test(what_the_layout_lacks_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
