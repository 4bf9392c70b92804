// SPDX-License-Identifier: MIT
// A machine's memory at one moment: flags, the ledger, zombies and who holds them.
#include "testkit.h"

#include "base/time.h"
#include "detect/detect.h"
#include "detect/ledger.h"
#include "series_gen.h"

#include <stdio.h>
#include <string.h>

#define T0 INT64_C(1772366400000000000) // 2026-03-01T12:00:00Z
#define S INT64_C(1000000000)
#define MIB ((uint64_t)1 << 20)

static struct seep_judgement judge(struct gen_data *gen)
{
    struct seep_judgement judgement = { 0 };
    struct seep_err err;
    if (!seep_detect(gen_finish(gen), NULL, NULL, &judgement, &err))
        fail_msg("%s", err.what);
    return judgement;
}

static size_t count(const struct seep_judgement *judgement, enum seep_verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < judgement->n_findings; i++)
        n += judgement->findings[i].verdict == verdict;
    return n;
}

static bool has_text(const struct seep_finding *f, const char *part)
{
    for (size_t i = 0; i < f->n_evidence; i++) {
        if (strstr(f->evidence[i].text, part))
            return true;
    }
    for (size_t i = 0; i < f->n_caveats; i++) {
        if (strstr(f->caveats[i], part))
            return true;
    }
    for (size_t i = 0; i < f->n_next; i++) {
        if (strstr(f->next[i], part))
            return true;
    }
    return false;
}

static void flags_go_up_at_their_limits(void **state)
{
    (void)state;
    static const struct {
        enum seep_vm_item item, limit;
        enum seep_vm_flag flag;
        uint64_t below, at; // of 1,000
    } rows[] = {
        { SEEP_VM_PAGED_POOL, SEEP_VM_PAGED_POOL_LIMIT, SEEP_VM_PAGED_POOL_NEAR_LIMIT, 799, 800 },
        { SEEP_VM_NONPAGED_POOL, SEEP_VM_NONPAGED_POOL_LIMIT, SEEP_VM_NONPAGED_POOL_NEAR_LIMIT, 799,
          800 },
        { SEEP_VM_COMMITTED, SEEP_VM_COMMIT_LIMIT, SEEP_VM_COMMIT_NEAR_LIMIT, 899, 900 },
        { SEEP_VM_COMMIT_PEAK, SEEP_VM_COMMIT_LIMIT, SEEP_VM_COMMIT_PEAK_AT_LIMIT, 979, 980 },
        { SEEP_VM_AVAILABLE, SEEP_VM_PHYSICAL, SEEP_VM_AVAILABLE_LOW, 50, 49 },
    };
    static const char *const names[] = { "paged-pool-near-limit", "nonpaged-pool-near-limit",
                                         "commit-near-limit", "commit-peak-at-limit",
                                         "available-low" };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct seep_vm vm = seep_vm_unknown((struct seep_machine_id){ 1 });
        assert_int_equal(seep_vm_flags(&vm), 0);
        vm.bytes[rows[r].item] = rows[r].at * MIB;
        assert_int_equal(seep_vm_flags(&vm), 0); // no limit is known
        vm.bytes[rows[r].limit] = 1000 * MIB;
        assert_int_equal(seep_vm_flags(&vm), 1u << rows[r].flag);
        assert_string_equal(seep_vm_flag_name(rows[r].flag), names[r]);
        vm.bytes[rows[r].item] = rows[r].below * MIB;
        assert_int_equal(seep_vm_flags(&vm), 0);
        vm.bytes[rows[r].item] = rows[r].at * MIB;
        if (rows[r].limit == SEEP_VM_COMMIT_LIMIT) { // the page files may grow
            vm.bytes[SEEP_VM_COMMIT_LIMIT_MAXIMUM] = 2000 * MIB;
            assert_int_equal(seep_vm_flags(&vm), 0);
        }
        vm.bytes[rows[r].limit] = 0; // "not recorded", not 0
        vm.bytes[SEEP_VM_COMMIT_LIMIT_MAXIMUM] = SEEP_UNKNOWN_COUNT;
        assert_int_equal(seep_vm_flags(&vm), 0);
    }
    // At today's limit, however far the page files may grow.
    struct seep_vm vm = seep_vm_unknown((struct seep_machine_id){ 1 });
    vm.bytes[SEEP_VM_COMMITTED] = 980 * MIB;
    vm.bytes[SEEP_VM_COMMIT_LIMIT] = 1000 * MIB;
    vm.bytes[SEEP_VM_COMMIT_LIMIT_MAXIMUM] = 2000 * MIB;
    assert_int_equal(seep_vm_flags(&vm), 1u << SEEP_VM_COMMIT_NEAR_LIMIT);
}

static struct seep_vm full(void)
{
    struct seep_vm vm = seep_vm_unknown((struct seep_machine_id){ 1 });
    vm.bytes[SEEP_VM_COMMITTED] = 10000 * MIB;
    vm.bytes[SEEP_VM_PROCESS_PRIVATE] = 6000 * MIB;
    vm.bytes[SEEP_VM_SHARED] = 900 * MIB;
    vm.bytes[SEEP_VM_PAGED_POOL] = 700 * MIB;
    vm.bytes[SEEP_VM_NONPAGED_POOL] = 500 * MIB;
    vm.bytes[SEEP_VM_KERNEL_STACKS] = 60 * MIB;
    vm.bytes[SEEP_VM_PAGE_TABLES] = 100 * MIB;
    vm.bytes[SEEP_VM_DRIVERS] = 40 * MIB;
    vm.bytes[SEEP_VM_ZOMBIES] = 0;
    return vm;
}

static void the_ledger_balances(void **state)
{
    (void)state;
    struct seep_ledger ledger;
    struct seep_buf text = { 0 };
    struct seep_vm vm = full();
    seep_ledger_make(&vm, NULL, SEEP_UNKNOWN_COUNT, &ledger);
    assert_true(ledger.balances);
    int64_t sum = 0;
    for (size_t i = 0; i < SEEP_N_LEDGER_ITEMS; i++)
        sum += ledger.bytes[i];
    assert_true((uint64_t)sum == ledger.committed);
    assert_int_equal(ledger.bytes[SEEP_LEDGER_UNATTRIBUTED], 1700 * MIB);
    seep_ledger_say(&ledger, &text);
    assert_int_equal(text.len, 0);

    // What is unknown is named, not 0.
    vm.bytes[SEEP_VM_SHARED] = vm.bytes[SEEP_VM_DRIVERS] = SEEP_UNKNOWN_COUNT;
    vm.bytes[SEEP_VM_ZOMBIES] = SEEP_UNKNOWN_COUNT;
    seep_ledger_make(&vm, NULL, 1000, &ledger);
    assert_false(ledger.known[SEEP_LEDGER_SHARED]);
    assert_true(ledger.estimated[SEEP_LEDGER_ZOMBIES]);
    assert_int_equal(ledger.bytes[SEEP_LEDGER_ZOMBIES], 1000 * 67 * 1024); // 79 KB less its pool
    seep_ledger_say(&ledger, &text);
    assert_non_null(strstr(text.data, "shared and drivers are not known"));
    assert_non_null(strstr(text.data, "79 KB of commit each, 12 KB of it pool"));

    // More than is committed is said.
    vm = full();
    vm.bytes[SEEP_VM_PROCESS_PRIVATE] = 9000 * MIB;
    seep_ledger_make(&vm, NULL, SEEP_UNKNOWN_COUNT, &ledger);
    assert_true(ledger.bytes[SEEP_LEDGER_UNATTRIBUTED] == -(int64_t)(1300 * MIB));
    seep_buf_reset(&text);
    seep_ledger_say(&ledger, &text);
    assert_non_null(strstr(text.data, "more than is committed"));

    // Linux commits less.
    const struct seep_machine linux_machine = { .os = "Linux" };
    vm = full();
    seep_ledger_make(&vm, &linux_machine, 1000, &ledger);
    assert_false(ledger.known[SEEP_LEDGER_PAGED_POOL] || ledger.known[SEEP_LEDGER_ZOMBIES]);
    assert_true(ledger.uncharged[SEEP_LEDGER_PAGE_TABLES] && ledger.known[SEEP_LEDGER_SHARED]);
    seep_buf_reset(&text);
    seep_ledger_say(&ledger, &text);
    assert_int_equal(text.len, 0);

    vm = seep_vm_unknown((struct seep_machine_id){ 1 });
    seep_ledger_make(&vm, NULL, 5, &ledger);
    assert_false(ledger.balances);
    assert_false(ledger.known[SEEP_LEDGER_UNATTRIBUTED]);
    for (size_t i = 0; i < SEEP_N_VM_ITEMS; i++)
        vm.bytes[i] = UINT64_MAX - 1;
    seep_ledger_make(&vm, NULL, UINT64_MAX - 1, &ledger); // no overflow (UBSan)
    assert_true(ledger.balances);
    assert_string_equal(seep_ledger_item_name(SEEP_LEDGER_UNATTRIBUTED), "unattributed");
    seep_buf_clear(&text);
}

static void a_hole_in_the_commit(void **state)
{
    (void)state;
    for (int hole = 0; hole < 2; hole++) {
        struct gen_data gen;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        struct seep_vm *vm = gen_vm(&gen, m, T0);
        *vm = full();
        vm->machine = m;
        vm->bytes[SEEP_VM_SHARED] = SEEP_UNKNOWN_COUNT;
        if (hole)
            vm->bytes[SEEP_VM_COMMITTED] = 20000 * MIB;
        struct seep_judgement j = judge(&gen);
        assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), hole);
        if (hole) {
            assert_string_equal(j.findings[0].id, "commit-unattributed/machine");
            assert_true(has_text(&j.findings[0], "the ledger: process-private 5.86 GB"));
            assert_true(has_text(&j.findings[0], "shared is not known here"));
        }
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
}

// `n` processes that exited `ago_s` before the look, a minute apart.
static void add_zombies(struct gen_data *gen, struct seep_machine_id m,
                        struct seep_process_id holder, unsigned n, double ago_s, uint64_t n_found)
{
    for (unsigned i = 0; i < n; i++) {
        struct seep_process_id p = gen_process(gen, m, i % 4 ? "cl.exe" : "link.exe", 60000 + 4 * i,
                                               T0 - (int64_t)(ago_s + 60 * i) * S);
        gen->processes[p.v - 1].end_ns = T0 - (int64_t)(ago_s + 30 * i) * S;
        struct seep_zombie *z = gen_zombie(gen, p, T0);
        z->n_handles = z->n_found = n_found;
        z->n_unexplained = n_found == 0;
        if (holder.v)
            gen_hold(gen, holder, p, 2);
    }
}

static void many_zombies_name_their_holder(void **state)
{
    (void)state;
    static const struct {
        unsigned n;
        double ago_s;
        bool suspect;
    } rows[] = { { 5000, 3600, true }, { 50, 3600, true }, { 49, 3600, false }, { 20, 1, false } };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct gen_data gen;
        gen_data_init(&gen);
        struct seep_machine_id m = gen_machine(&gen, "SRV01");
        struct seep_process_id holder = gen_process(&gen, m, "agent.exe", 4321, T0 - 864000 * S);
        add_zombies(&gen, m, holder, rows[r].n, rows[r].ago_s, 2);
        struct seep_judgement j = judge(&gen);
        assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), rows[r].suspect);
        if (rows[r].suspect) {
            const struct seep_finding *f = &j.findings[0];
            assert_string_equal(f->id, "process-zombies/agent.exe:4321");
            assert_true(f->last == rows[r].n);
            assert_true(has_text(f, "cl.exe") && has_text(f, "by 79 KB for each"));
            assert_true(has_text(f, "process numbers go up to"));
            assert_true(has_text(f, "seep zombies "));
            if (rows[r].n == 5000) {
                assert_non_null(
                    strstr(f->gist, "holds 5000 processes that have exited, with 10000"));
                assert_true(has_text(f, "3750 cl.exe, 1250 link.exe"));
            }
        }
        seep_judgement_clear(&j);
        gen_data_clear(&gen);
    }
}

static void zombies_that_just_exited_are_none(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    struct seep_process_id holder = gen_process(&gen, m, "make.exe", 4321, T0 - 864000 * S);
    for (unsigned i = 0; i < 200; i++) {
        struct seep_process_id p = gen_process(&gen, m, "cl.exe", 500 + i, T0 - 60 * S);
        gen.processes[p.v - 1].end_ns = T0 - S;
        gen_zombie(&gen, p, T0)->n_found = 1;
        gen_hold(&gen, holder, p, 1);
    }
    struct seep_judgement j = judge(&gen);
    assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 0);
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

static void what_no_handle_explains_is_a_driver(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    add_zombies(&gen, m, (struct seep_process_id){ 0 }, 300, 3600, 0);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 1);
    const struct seep_finding *f = &j.findings[0];
    assert_int_equal(f->class_, SEEP_CLASS_PROCESS_ZOMBIES);
    assert_int_equal(f->subject, SEEP_SUBJECT_DRIVER);
    assert_null(f->name);
    assert_non_null(strstr(f->gist, "a driver holds a reference"));
    seep_judgement_clear(&j);
    gen_data_clear(&gen);

    // Where no handle table is known, nobody is blamed.
    gen_data_init(&gen);
    m = gen_machine(&gen, "SRV01");
    add_zombies(&gen, m, (struct seep_process_id){ 0 }, 300, 3600, SEEP_UNKNOWN_COUNT);
    j = judge(&gen);
    assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 1);
    assert_string_equal(j.findings[0].id, "process-zombies/machine");
    assert_true(has_text(&j.findings[0], "who holds them is not known"));
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

// The same process leaks handles by its series: one finding, as grave as that.
static void handles_of_the_holder_are_the_same_finding(void **state)
{
    (void)state;
    struct gen_data gen;
    gen_data_init(&gen);
    struct seep_machine_id m = gen_machine(&gen, "SRV01");
    struct seep_process_id holder = gen_process(&gen, m, "agent.exe", 4321, T0 - 864000 * S);
    size_t at = gen_add(&gen, m, SEEP_SUBJECT_PROCESS, holder, NULL, SEEP_METRIC_HANDLES);
    struct gen_spec leak = { .family = GEN_LEAK_COUNT,
                             .seed = 5,
                             .start_ns = T0 - 240 * 60 * S,
                             .tick_s = 60,
                             .n = 240,
                             .level = 200,
                             .noise = 1,
                             .growth = 700 };
    gen_series(&leak, gen_points(&gen, at));
    add_zombies(&gen, m, holder, 350, 3600, 2);
    struct seep_judgement j = judge(&gen);
    assert_int_equal(count(&j, SEEP_VERDICT_LEAKING), 1);
    assert_int_equal(count(&j, SEEP_VERDICT_SUSPECT), 0);
    assert_string_equal(j.findings[0].id, "process-zombies/agent.exe:4321");
    seep_judgement_clear(&j);
    gen_data_clear(&gen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_go_up_at_their_limits),
        cmocka_unit_test(the_ledger_balances),
        cmocka_unit_test(a_hole_in_the_commit),
        cmocka_unit_test(many_zombies_name_their_holder),
        cmocka_unit_test(zombies_that_just_exited_are_none),
        cmocka_unit_test(what_no_handle_explains_is_a_driver),
        cmocka_unit_test(handles_of_the_holder_are_the_same_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
