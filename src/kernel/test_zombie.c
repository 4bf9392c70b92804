// SPDX-License-Identifier: MIT
// Tests of exited processes: who holds them, by process and by thread, and what no handle explains.
#include "kernel/test_build.h"

#include <string.h>

enum { POOL = 4 << 20, ALL_ACCESS = 0x1fffff };

#define EXITED UINT64_C(133900000000000000)

struct scene {
    struct kit_kernel k;
    struct seep_kernel_zombies z;
    struct seep_kernel_gaps gaps;
    uint64_t system, service, other; // running
    uint64_t system_table, service_table, other_table, ids;
    uint32_t next_pid;
};

static void init(struct scene *s, const struct kit_era *era)
{
    memset(s, 0, sizeof *s);
    kit_kernel_init(&s->k, era, POOL);
    s->ids = kit_ids(&s->k, 1, 0x4000);
    s->next_pid = 0x1004; // no id is at the start of a page of entries
    s->system = kit_process(&s->k, 4, "System", 0);
    s->service = kit_process(&s->k, 8, "service.exe", 0);
    s->other = kit_process(&s->k, 12, "other.exe", 0);
    kit_thread(&s->k, s->system);
    kit_thread(&s->k, s->service);
    s->system_table = kit_table(&s->k, s->system, 0, 10, true);
    s->service_table = kit_table(&s->k, s->service, 1, 2000, true);
    s->other_table = kit_table(&s->k, s->other, 0, 100, true);
}

static uint64_t dead(struct scene *s)
{
    uint64_t p = kit_process(&s->k, s->next_pid, "dead.exe", EXITED);
    kit_entry(&s->k, s->ids, s->next_pid, p, 0, 0);
    s->next_pid += 4;
    return p;
}

static void read_all(struct scene *s)
{
    struct seep_err err = { 0 };
    seep_kernel_zombies_clear(&s->z);
    memset(&s->gaps, 0, sizeof s->gaps);
    if (!seep_kernel_read_zombies(&s->k.kernel, &s->z, &s->gaps, &err))
        fail_msg("%s: %s", s->k.era->name, err.what);
}

static void done(struct scene *s)
{
    seep_kernel_zombies_clear(&s->z);
    kit_kernel_clear(&s->k);
}

static uint32_t place(const struct scene *s, uint64_t address)
{
    for (size_t i = 0; i < s->z.processes.n; i++) {
        if (s->z.processes.at[i].address == address)
            return (uint32_t)i;
    }
    fail_msg("no process at 0x%llx", (unsigned long long)address);
    return 0;
}

static const struct seep_kernel_held *held(const struct scene *s, uint64_t address)
{
    return &s->z.held[place(s, address)];
}

static const struct seep_kernel_hold *hold(const struct scene *s, uint64_t holder, uint64_t target,
                                           bool by_thread)
{
    const struct seep_kernel_hold *found = NULL;
    for (size_t i = 0; i < s->z.n_holds; i++) {
        const struct seep_kernel_hold *h = &s->z.holds[i];
        if (s->z.processes.at[h->holder].address == holder &&
            s->z.processes.at[h->target].address == target && h->by_thread == by_thread) {
            assert_null(found);
            found = h;
        }
    }
    return found;
}

static void assert_no_gaps(const struct scene *s)
{
    assert_int_equal(s->gaps.n_bad, 0);
    assert_int_equal(s->gaps.n_unreadable, 0);
}

static void assert_held(const struct scene *s, uint64_t address, uint64_t n_handles,
                        uint64_t n_found, uint64_t n_threads, uint64_t n_unexplained)
{
    const struct seep_kernel_held *h = held(s, address);
    assert_int_equal(h->n_handles, n_handles);
    assert_int_equal(h->n_found, n_found);
    assert_int_equal(h->n_threads, n_threads);
    assert_int_equal(h->n_unexplained, n_unexplained);
}

static void holders_in_every_era(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct scene s;
        init(&s, kit_era(i));
        uint32_t half = kit_prepaid(&s.k) / 2;
        uint64_t by_handles = dead(&s), by_both = dead(&s), by_thread = dead(&s);
        uint64_t by_driver = dead(&s), thread = kit_thread(&s.k, by_thread);
        uint64_t thread_of_both = kit_thread(&s.k, by_both), running = kit_thread(&s.k, s.other);
        kit_open(&s.k, s.service_table, 0x1004, by_handles, ALL_ACCESS, half);
        kit_open(&s.k, s.service_table, 0x1008, by_handles, 0x1000, 0);
        kit_open(&s.k, s.other_table, 0x20, by_handles, 0x400, 0);
        kit_open(&s.k, s.system_table, 8, by_both, ALL_ACCESS, half);
        kit_open(&s.k, s.other_table, 0x30, thread_of_both, 0x40, half);
        kit_open(&s.k, s.other_table, 0x34, thread, 0x1fffff, half);
        kit_reference(&s.k, by_driver, 1);
        // Handles that hold nothing that has exited.
        kit_open(&s.k, s.service_table, 0x10, s.other, ALL_ACCESS, 0);
        kit_open(&s.k, s.service_table, 0x14, running, ALL_ACCESS, 0);
        kit_open(&s.k, s.service_table, 0x18, kit_file(&s.k), ALL_ACCESS, 0);
        read_all(&s);
        assert_no_gaps(&s);
        assert_int_equal(s.z.processes.n, 7);
        assert_int_equal(s.z.n_holds, 5);
        const struct seep_kernel_hold *h = hold(&s, s.service, by_handles, false);
        assert_int_equal(h->n_handles, 2);
        assert_int_equal(h->n_prepaid, 2 * kit_prepaid(&s.k) - half);
        assert_int_equal(h->handle, 0x1004);
        assert_int_equal(h->access, ALL_ACCESS);
        assert_int_equal(hold(&s, s.other, by_handles, false)->n_handles, 1);
        assert_int_equal(hold(&s, s.system, by_both, false)->n_handles, 1);
        assert_int_equal(hold(&s, s.other, by_both, true)->handle, 0x30);
        assert_int_equal(hold(&s, s.other, by_thread, true)->n_handles, 1);
        assert_held(&s, by_handles, 3, 3, 0, 0);
        assert_held(&s, by_both, 2, 2, 1, 0);
        assert_held(&s, by_thread, 1, 1, 1, 0);
        assert_held(&s, by_driver, 0, 0, 0, 1);
        assert_held(&s, s.other, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX);
        assert_int_equal(s.z.n_of_process[place(&s, s.service)], 5);
        assert_int_equal(s.z.n_of_process[place(&s, s.other)], 3);
        assert_int_equal(s.z.n_of_process[place(&s, s.system)], 1);
        assert_int_equal(s.z.n_of_process[place(&s, by_driver)], 0);
        for (size_t n = 1; n < s.z.n_holds; n++) {
            const struct seep_kernel_hold *a = &s.z.holds[n - 1], *b = &s.z.holds[n];
            assert_true(a->holder < b->holder ||
                        (a->holder == b->holder &&
                         (a->target < b->target ||
                          (a->target == b->target && a->by_thread < b->by_thread))));
        }
        done(&s);
    }
}

static void references_that_come_and_go_are_allowed_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct scene s;
        init(&s, kit_era(i));
        uint64_t p[6], alone[3];
        for (uint32_t n = 0; n < 6; n++) {
            p[n] = dead(&s);
            kit_open(&s.k, s.service_table, 0x100 + 4 * n, p[n], ALL_ACCESS, 3 * n);
            kit_reference(&s.k, p[n], n);
        }
        for (uint32_t n = 0; n < 3; n++) {
            alone[n] = dead(&s);
            kit_reference(&s.k, alone[n], n + 1);
        }
        read_all(&s);
        for (uint32_t n = 0; n < 6; n++)
            assert_held(&s, p[n], 1, 1, 0, n > 2 ? n : 0);
        for (uint32_t n = 0; n < 3; n++)
            assert_held(&s, alone[n], 0, 0, 0, n + 1);
        assert_no_gaps(&s);
        done(&s);
    }
}

static void a_thread_that_the_kernel_keeps_keeps_its_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct scene s;
        init(&s, kit_era(i));
        uint64_t a = dead(&s), b = dead(&s);
        kit_reference(&s.k, kit_thread(&s.k, a), 1); // a driver's
        uint64_t kept = kit_thread(&s.k, b);
        kit_open(&s.k, s.other_table, 0x10, kept, 0x40, 0);
        kit_thread(&s.k, b); // on its way out: nobody's
        read_all(&s);
        assert_held(&s, a, 0, 0, 1, 1);
        assert_held(&s, b, 1, 1, 2, 0);
        assert_no_gaps(&s);
        done(&s);
    }
}

static void threads_that_only_ids_lead_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct scene s;
        init(&s, kit_era(i));
        uint64_t p = dead(&s), t[4];
        for (uint32_t n = 0; n < 4; n++) {
            t[n] = kit_thread(&s.k, p);
            kit_entry(&s.k, s.ids, 0x2004 + 4 * n, t[n], 0, 0);
        }
        kit_open(&s.k, s.service_table, 0x100, p, ALL_ACCESS, 0);
        kit_open(&s.k, s.service_table, 0x104, t[0], ALL_ACCESS, 0);
        s.k.kernel.layout.thread.links = SEEP_KERNEL_NO_OFFSET; // as of most known kernels
        // Something that begins like a thread, and what it would name as its process.
        uint64_t odd = kit_file(&s.k);
        kit_put(&s.k.m, odd, 1, 6);
        kit_pointer(&s.k, odd + s.k.era->layout.thread.process, 0x1234);
        kit_open(&s.k, s.service_table, 0x108, odd, ALL_ACCESS, 0);
        read_all(&s);
        assert_held(&s, p, 2, 2, 4, 0);
        assert_no_gaps(&s);
        // No id of a thread either: what they hold cannot be told, and what is odd is no damage.
        for (uint32_t n = 0; n < 4; n++)
            kit_pointer(&s.k, kit_entry_address(&s.k, s.ids, 0x2004 + 4 * n), 0);
        read_all(&s);
        assert_held(&s, p, 2, 2, 1, UINT64_MAX);
        assert_no_gaps(&s);
        done(&s);
    }
}

static void what_an_ids_entry_holds_in_advance_is_no_drivers(void **state)
{
    struct scene s;
    (void)state;
    init(&s, kit_era_named("19041"));
    uint64_t p = dead(&s), q = dead(&s);
    uint32_t pid = s.next_pid - 8;
    kit_open(&s.k, s.service_table, 0x100, p, ALL_ACCESS, 7);
    kit_entry(&s.k, s.ids, pid, p, 0, 32751);
    kit_reference(&s.k, p, 32751 + 1);
    kit_open(&s.k, s.service_table, 0x104, q, ALL_ACCESS, 7);
    kit_entry(&s.k, s.ids, pid + 4, q, 0, 32751);
    kit_reference(&s.k, q, 32751 + 40); // and forty of a driver's
    read_all(&s);
    assert_held(&s, p, 1, 1, 0, 0);
    assert_held(&s, q, 1, 1, 0, 40);
    done(&s);
}

static void handles_that_were_not_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct scene s;
        init(&s, kit_era(i));
        uint64_t p = dead(&s), q = dead(&s), r = dead(&s);
        kit_open(&s.k, s.service_table, 0x100, p, ALL_ACCESS, 0);
        kit_open(&s.k, s.other_table, 0x10, p, ALL_ACCESS, kit_prepaid(&s.k));
        kit_open(&s.k, s.other_table, 0x14, q, ALL_ACCESS, 0);
        kit_open(&s.k, s.other_table, 0x18, r, ALL_ACCESS, 0);
        kit_reference(&s.k, r, 100000);
        // That table is not held.
        kit_pointer(&s.k, s.other_table + s.k.era->layout.handle_table.table_code,
                    s.k.era->pointer == 8 ? UINT64_C(0xffffb00000000000) : 0xb0000000);
        read_all(&s);
        bool counted = kit_prepaid(&s.k) != 0;
        assert_held(&s, p, 2, 1, 0, counted ? UINT64_MAX : 0);
        assert_held(&s, q, 1, 0, 0, counted ? UINT64_MAX : 0);
        // More than any handle can stand for is certain.
        const struct seep_kernel_held *h = held(&s, r);
        assert_int_equal(h->n_handles, 1);
        assert_true(h->n_unexplained >= 100000 - 0x8000 && h->n_unexplained <= 100000);
        assert_int_equal(s.z.n_of_process[place(&s, s.other)], UINT64_MAX);
        assert_true(s.gaps.n_unreadable > 0);
        done(&s);
    }
}

static void processes_that_only_handles_lead_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct scene s;
        init(&s, kit_era(i));
        uint64_t a = kit_process(&s.k, 0x2000, "a.exe", EXITED);
        uint64_t b = kit_process(&s.k, 0x2004, "b.exe", EXITED);
        uint64_t hidden = kit_process(&s.k, 0x2008, "hidden.exe", 0);
        kit_unlink(&s.k, a);
        kit_unlink(&s.k, b);
        kit_unlink(&s.k, hidden);
        uint64_t table = kit_table(&s.k, hidden, 0, 10, false);
        kit_open(&s.k, s.service_table, 0x100, a, ALL_ACCESS, 0);
        kit_open(&s.k, s.service_table, 0x104, kit_thread(&s.k, b), ALL_ACCESS, 0);
        kit_open(&s.k, s.service_table, 0x108, hidden, ALL_ACCESS, 0);
        kit_open(&s.k, table, 4, a, ALL_ACCESS, 0);
        read_all(&s);
        assert_int_equal(s.z.processes.n, 6);
        assert_false(s.z.processes.at[place(&s, a)].in_list);
        assert_held(&s, a, 2, 2, 0, 0);
        assert_held(&s, b, 1, 1, 1, 0);
        assert_int_equal(hold(&s, hidden, a, false)->n_handles, 1);
        assert_int_equal(s.z.n_of_process[place(&s, hidden)], 1);
        assert_no_gaps(&s);
        done(&s);
    }
}

static void other_types_are_no_processes(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        for (int cookie = 0; cookie < 2; cookie++) {
            struct scene s;
            init(&s, kit_era(i));
            uint64_t p = dead(&s), t = dead(&s);
            kit_open(&s.k, s.service_table, 0x100, p, ALL_ACCESS, 0);
            kit_open(&s.k, s.service_table, 0x104, kit_thread(&s.k, t), ALL_ACCESS, 0);
            // Objects that begin like a process and a thread, as devices and others do.
            uint64_t fake = kit_process(&s.k, 0x3000, "fake.exe", EXITED), file = kit_file(&s.k);
            kit_unlink(&s.k, fake);
            uint64_t type = kit_header(&s.k, fake) + s.k.era->layout.object_header.type_index;
            kit_put(&s.k.m, type, 1, kit_number(&s.k, type, 1) ^ 0x15);
            kit_put(&s.k.m, file, 1, 6);
            kit_pointer(&s.k, file + s.k.era->layout.thread.process, p);
            kit_open(&s.k, s.service_table, 0x108, fake, ALL_ACCESS, 0);
            kit_open(&s.k, s.service_table, 0x10c, file, ALL_ACCESS, 0);
            if (cookie)
                s.k.kernel.symbols.object_header_cookie = 0; // not needed
            read_all(&s);
            assert_int_equal(s.z.processes.n, 5);
            assert_held(&s, p, 1, 1, 0, 0);
            assert_held(&s, t, 1, 1, 1, 0);
            assert_int_equal(s.z.n_of_process[place(&s, s.service)], 4);
            assert_no_gaps(&s);
            done(&s);
        }
    }
}

static void damage_is_said_and_does_not_spread(void **state)
{
    struct scene s;
    (void)state;
    init(&s, kit_era_named("19041"));
    const struct seep_kernel_layout *l = &s.k.era->layout;
    uint64_t p = dead(&s), q = dead(&s);
    uint64_t a = kit_thread(&s.k, p), b = kit_thread(&s.k, p);
    kit_open(&s.k, s.service_table, 0x100, p, ALL_ACCESS, 0);
    kit_open(&s.k, s.service_table, 0x104, q, ALL_ACCESS, 0);
    // Two processes with one handle table.
    kit_pointer(&s.k, s.other + l->process.object_table, s.service_table);
    // A list of threads that goes in a circle.
    kit_pointer(&s.k, b + l->thread.links, a + l->thread.links);
    // A handle to a process that is none any more.
    uint64_t gone = kit_process(&s.k, 0x2000, "gone.exe", EXITED);
    kit_unlink(&s.k, gone);
    kit_open(&s.k, s.service_table, 0x108, gone, ALL_ACCESS, 0);
    kit_put(&s.k.m, gone, 1, 0x7f);
    read_all(&s);
    assert_int_equal(s.gaps.n_bad, 3);
    assert_int_equal(s.z.processes.n, 5);
    assert_held(&s, p, 1, 1, 2, 0);
    assert_held(&s, q, 1, 1, 0, 0);
    assert_int_equal(s.z.n_holds, 2);
    done(&s);
}

static void what_is_not_known_is_not_claimed(void **state)
{
    struct scene s;
    (void)state;
    init(&s, kit_era_named("19041"));
    uint64_t p = dead(&s);
    kit_open(&s.k, s.service_table, 0x100, p, ALL_ACCESS, 0);
    // One that is still closing its handles is no zombie yet.
    uint64_t closing = dead(&s);
    kit_table(&s.k, closing, 0, 10, true);
    kit_open(&s.k, s.service_table, 0x104, closing, ALL_ACCESS, 0);
    read_all(&s);
    assert_held(&s, closing, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    assert_int_equal(s.z.n_holds, 1);
    // Counts below zero.
    kit_pointer(&s.k, kit_header(&s.k, p), UINT64_MAX - 1);
    read_all(&s);
    assert_held(&s, p, 1, 1, 0, UINT64_MAX);
    // Threads whose process the layout does not tell.
    s.k.kernel.layout.thread.process = SEEP_KERNEL_NO_OFFSET;
    s.k.kernel.layout.thread.links = SEEP_KERNEL_NO_OFFSET;
    uint64_t q = dead(&s);
    kit_open(&s.k, s.service_table, 0x108, kit_thread(&s.k, q), ALL_ACCESS, 0);
    read_all(&s);
    assert_held(&s, q, 0, 0, 0, 1);
    done(&s);
}

static void lists_that_are_not_known_are_said(void **state)
{
    struct scene s;
    struct seep_err err = { 0 };
    (void)state;
    init(&s, kit_era_named("19041"));
    s.k.kernel.symbols.active_processes = 0;
    s.k.kernel.symbols.cid_table = 0;
    s.k.kernel.symbols.handle_table_list = 0;
    assert_false(seep_kernel_read_zombies(&s.k.kernel, &s.z, &s.gaps, &err));
    assert_non_null(strstr(err.what, "not known"));
    assert_null(s.z.processes.at);
    done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holders_in_every_era),
        cmocka_unit_test(references_that_come_and_go_are_allowed_for),
        cmocka_unit_test(a_thread_that_the_kernel_keeps_keeps_its_process),
        cmocka_unit_test(threads_that_only_ids_lead_to),
        cmocka_unit_test(what_an_ids_entry_holds_in_advance_is_no_drivers),
        cmocka_unit_test(handles_that_were_not_found),
        cmocka_unit_test(processes_that_only_handles_lead_to),
        cmocka_unit_test(other_types_are_no_processes),
        cmocka_unit_test(damage_is_said_and_does_not_spread),
        cmocka_unit_test(what_is_not_known_is_not_claimed),
        cmocka_unit_test(lists_that_are_not_known_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
