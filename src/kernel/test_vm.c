// SPDX-License-Identifier: MIT
// Tests of the machine's numbers: partition and variables, counters that make no sense, limits.
#include "kernel/test_build.h"

#include <string.h>

enum { POOL = 1 << 20 };

#define GB_PAGES (UINT64_C(1) << 18)

static void put_member(struct kit_kernel *k, uint32_t offset, uint64_t pages)
{
    kit_pointer(k, k->kernel.symbols.system_partition + offset, pages);
}

// The numbers of a real machine of 32 GB.
static void fill(struct kit_kernel *k)
{
    const struct seep_kernel_symbols *s = &k->kernel.symbols;
    const struct seep_kernel_layout *l = &k->era->layout;
    if (k->era->partition) {
        put_member(k, l->partition.n_physical, 8366927);
        put_member(k, l->partition.available, 8023204);
        put_member(k, l->partition.resident_available, 8100000);
        put_member(k, l->partition.committed, 363348);
        put_member(k, l->partition.commit_limit, 9612111);
        put_member(k, l->partition.peak, 370000);
        put_member(k, l->partition.commit_limit_maximum, 33478412);
        put_member(k, l->partition.shared_commit, 0);
        return;
    }
    kit_pointer(k, s->n_physical_pages, 8366927);
    kit_pointer(k, s->available_pages, 8023204);
    kit_pointer(k, s->resident_available_pages, 8100000);
    kit_pointer(k, s->committed_pages, 363348);
    kit_pointer(k, s->commit_limit, 9612111);
    kit_pointer(k, s->peak_commitment, 370000);
    kit_pointer(k, s->commit_limit_maximum, 33478412);
    kit_pointer(k, s->nonpaged_pool_pages, 16102);
    kit_pointer(k, s->paged_pool_pages, 25856);
    kit_pointer(k, s->driver_commit, 5000);
    kit_pointer(k, s->process_commit, 70000);
}

static void the_numbers_of_every_era(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIT_N_ERAS; i++) {
        struct kit_kernel k;
        struct seep_kernel_vm vm;
        struct seep_kernel_gaps gaps = { 0 };
        kit_kernel_init(&k, kit_era(i), POOL);
        fill(&k);
        assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
        assert_int_equal(vm.physical, 8366927);
        assert_int_equal(vm.available, 8023204);
        assert_int_equal(vm.resident_available, 8100000);
        assert_int_equal(vm.committed, 363348);
        assert_int_equal(vm.commit_limit, 9612111);
        assert_int_equal(vm.commit_limit_maximum, 33478412);
        assert_int_equal(vm.commit_peak, 370000);
        assert_int_equal(vm.shared, 0);
        bool globals = !kit_era(i)->partition;
        assert_int_equal(vm.nonpaged_pool, globals ? 16102 : UINT64_MAX);
        assert_int_equal(vm.paged_pool, globals ? 25856 : UINT64_MAX);
        assert_int_equal(vm.drivers, globals ? 5000 : UINT64_MAX);
        assert_int_equal(vm.process_private, globals ? 70000 : UINT64_MAX);
        assert_int_equal(vm.kernel_stacks, UINT64_MAX);
        assert_int_equal(vm.page_tables, UINT64_MAX);
        assert_int_equal(gaps.n_bad + gaps.n_unreadable, 0);
        kit_kernel_clear(&k);
    }
}

static void counters_below_zero_say_nothing(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_vm vm;
    struct seep_kernel_gaps gaps = { 0 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    fill(&k);
    // As a debugger prints it: 18446735300397918280 pages.
    put_member(&k, k.era->layout.partition.resident_available, UINT64_C(18446735300397918280));
    put_member(&k, k.era->layout.partition.shared_commit, UINT64_MAX);
    assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
    assert_int_equal(vm.resident_available, UINT64_MAX);
    assert_int_equal(vm.shared, UINT64_MAX);
    assert_int_equal(vm.committed, 363348);
    assert_int_equal(gaps.n_bad, 2);
    kit_kernel_clear(&k);
    kit_kernel_init(&k, kit_era_named("7601-x86"), POOL);
    fill(&k);
    kit_pointer(&k, k.kernel.symbols.available_pages, 0xfffffff0);
    memset(&gaps, 0, sizeof gaps);
    assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
    assert_int_equal(vm.available, UINT64_MAX);
    assert_int_equal(gaps.n_bad, 1);
    kit_kernel_clear(&k);
}

static void what_is_not_held_or_not_kept_is_unknown(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_vm vm;
    struct seep_kernel_gaps gaps = { 0 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    fill(&k);
    // Variables of the debugger's block that this kernel no longer fills.
    k.kernel.symbols.committed_pages = k.image + 0x800;
    k.kernel.symbols.nonpaged_pool_pages = UINT64_C(0xffffb00000000000);
    put_member(&k, k.era->layout.partition.committed, 0);
    assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
    assert_int_equal(vm.committed, UINT64_MAX);
    assert_int_equal(vm.nonpaged_pool, UINT64_MAX);
    assert_int_equal(gaps.n_unreadable, 1);
    assert_int_equal(gaps.first, UINT64_C(0xffffb00000000000));
    // No offsets at all, or an address that wraps.
    struct seep_kernel_layout none = { .pointer_bytes = 8 };
    k.kernel.layout = none;
    k.kernel.symbols.nonpaged_pool_pages = k.kernel.symbols.committed_pages = 0;
    k.kernel.symbols.system_partition = UINT64_MAX - 4;
    assert_false(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
    assert_int_equal(vm.physical, UINT64_MAX);
    assert_int_equal(vm.paged_pool_limit, UINT64_MAX);
    assert_null(vm.paged_pool_limit_from);
    kit_kernel_clear(&k);
}

struct limit {
    const char *era;
    uint32_t build;
    uint64_t ram, commit_limit; // pages
    uint64_t paged, nonpaged;
    const char *paged_from, *nonpaged_from;
};

// "Memory Limits for Windows and Windows Server Releases".
static const struct limit limits[] = {
    { "7601", 6000, 100 * GB_PAGES, 300 * GB_PAGES, 128 * GB_PAGES, 40 * GB_PAGES, "128 GB",
      "40 %" },
    { "7601", 7601, 8 * GB_PAGES, 16 * GB_PAGES, 16 * GB_PAGES, 6 * GB_PAGES, "128 GB", "75 %" },
    { "7601", 7601, 512 * GB_PAGES, 600 * GB_PAGES, 128 * GB_PAGES, 128 * GB_PAGES, "128 GB",
      "75 %" },
    { "7601", 9200, 512 * GB_PAGES, 600 * GB_PAGES, 384 * GB_PAGES, 128 * GB_PAGES, "384 GB",
      "RAM or 128 GB" },
    { "9600", 9600, 512 * GB_PAGES, 600 * GB_PAGES, 600 * GB_PAGES, 512 * GB_PAGES, "15.5 TB",
      "16 TB" },
    { "19041", 19041, 24576 * GB_PAGES, 60000 * GB_PAGES, 15872 * GB_PAGES, 16384 * GB_PAGES,
      "15.5 TB", "16 TB" },
    { "7601-x86", 7601, 4 * GB_PAGES, 8 * GB_PAGES, 2 * GB_PAGES, 2 * GB_PAGES, "2 GB", "75 %" },
    { "7601-x86", 7601, 1 * GB_PAGES, 1 * GB_PAGES, 1 * GB_PAGES, 3 * GB_PAGES / 4, "2 GB",
      "75 %" },
    { "17763-x86", 17763, 1 * GB_PAGES, 2 * GB_PAGES, 2 * GB_PAGES, 1 * GB_PAGES, "2 GB", "RAM" },
};

static void limits_by_version_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct limit *l = &limits[i];
        struct kit_kernel k;
        struct seep_kernel_vm vm;
        struct seep_kernel_gaps gaps = { 0 };
        kit_kernel_init(&k, kit_era_named(l->era), POOL);
        fill(&k);
        k.kernel.build = l->build;
        if (k.era->partition) {
            put_member(&k, k.era->layout.partition.n_physical, l->ram);
            put_member(&k, k.era->layout.partition.commit_limit, l->commit_limit);
        } else {
            kit_pointer(&k, k.kernel.symbols.n_physical_pages, l->ram);
            kit_pointer(&k, k.kernel.symbols.commit_limit, l->commit_limit);
        }
        assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
        assert_int_equal(vm.paged_pool_limit, l->paged);
        assert_int_equal(vm.nonpaged_pool_limit, l->nonpaged);
        assert_non_null(strstr(vm.paged_pool_limit_from, l->paged_from));
        assert_non_null(strstr(vm.nonpaged_pool_limit_from, l->nonpaged_from));
        // Of a build that is not known, nothing is documented.
        k.kernel.build = 0;
        assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
        assert_int_equal(vm.paged_pool_limit, UINT64_MAX);
        assert_int_equal(vm.nonpaged_pool_limit, UINT64_MAX);
        kit_kernel_clear(&k);
    }
}

static void the_kernels_own_limits_come_first(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_vm vm;
    struct seep_kernel_gaps gaps = { 0 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("7601"), POOL);
    fill(&k);
    kit_pointer(&k, k.kernel.symbols.maximum_nonpaged_pool, UINT64_C(6) << 30); // bytes
    kit_pointer(&k, k.kernel.symbols.paged_pool_size, UINT64_C(128) << 30);
    assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
    assert_int_equal(vm.nonpaged_pool_limit, 6 * GB_PAGES);
    assert_int_equal(vm.paged_pool_limit, 128 * GB_PAGES);
    assert_null(vm.nonpaged_pool_limit_from);
    assert_null(vm.paged_pool_limit_from);
    kit_kernel_clear(&k);
}

static void private_memory_is_summed_over_running_processes(void **state)
{
    struct kit_kernel k;
    struct seep_kernel_vm vm;
    struct seep_kernel_gaps gaps = { 0 };
    (void)state;
    kit_kernel_init(&k, kit_era_named("19041"), POOL);
    fill(&k);
    kit_ids(&k, 0, 64);
    uint64_t a = kit_process(&k, 4, "System", 0), b = kit_process(&k, 8, "a.exe", 0);
    kit_process(&k, 12, "dead.exe", UINT64_C(133900000000000000));
    kit_pointer(&k, a + k.era->layout.process.commit_charge, 50);
    kit_pointer(&k, b + k.era->layout.process.commit_charge, 7000);
    assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
    assert_int_equal(vm.process_private, 7050);
    // More than all that is committed cannot be.
    kit_pointer(&k, b + k.era->layout.process.commit_charge, 400000);
    assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
    assert_int_equal(vm.process_private, UINT64_MAX);
    // A list that is broken has lost some.
    kit_pointer(&k, b + k.era->layout.process.commit_charge, 7000);
    kit_put(&k.m, b, 1, 99);
    assert_true(seep_kernel_read_vm(&k.kernel, &vm, &gaps));
    assert_int_equal(vm.process_private, UINT64_MAX);
    kit_kernel_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_of_every_era),
        cmocka_unit_test(counters_below_zero_say_nothing),
        cmocka_unit_test(what_is_not_held_or_not_kept_is_unknown),
        cmocka_unit_test(limits_by_version_as_documented),
        cmocka_unit_test(the_kernels_own_limits_come_first),
        cmocka_unit_test(private_memory_is_summed_over_running_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
