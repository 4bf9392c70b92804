// SPDX-License-Identifier: MIT
// The source "minidump" against dumps of known content and against real ones.
//
// With "--seeds FOLDER" it writes those dumps as seeds instead.
#include "source/minidump/test_kit.h"

#include "os/os.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum seep_status read_sample(struct kit *kit, struct build *b)
{
    enum seep_status status = kit_read_dump(kit, b);
    build_free(b);
    return status;
}

static void expect_region(const struct kit *k, uint64_t base, enum seep_region_usage usage,
                          const char *detail)
{
    const struct seep_region *r = kit_region(k, base);
    assert_string_equal(seep_region_usage_name(r->usage), seep_region_usage_name(usage));
    if (!detail)
        assert_null(r->detail);
    else
        assert_string_equal(r->detail, detail);
}

static void who_and_what(void **state)
{
    (void)state;
    for (int unaligned = 0; unaligned < 2; unaligned++) {
        struct kit k = { 0 };
        assert_int_equal(read_sample(&k, sample_x64(true, unaligned)), SEEP_OK);
        kit_expect(&k, "machine Windows 10.0.19041 processors=8 ram=0 limit=0\n");
        kit_expect(&k, "process Leaky.exe pid=1/4711 x64 wow64=0 start=1600000000\n");
        kit_expect(&k, "module 0x7ff700000000 0x20000 C:\\app\\Leaky.exe 1.2.3.4 Leaky.exe "
                       "time=5f000000 sum=c0de pdb=Leaky.pdb "
                       "13121110-1514-1716-1819-1A1B1C1D1E1F 1\n");
        kit_expect(&k, "module 0x7ff800000000 0x30000 C:\\Windows\\System32\\ntdll.dll "
                       "10.0.19041.804 ntdll.dll time=5f000001 sum=c0df pdb=- "
                       "00000000-0000-0000-0000-000000000000 0\n");
        kit_expect(&k, "module 0x10000000 0x4000 gone.dll - gone.dll time=8 sum=7 pdb=- "
                       "00000000-0000-0000-0000-000000000000 0 unloaded\n");
        kit_expect(&k, "handle 0x40 Event \\Sessions\\1\\Ready access=1f0003 3 65537\n");
        kit_expect(&k, "handle 0x44 Event - access=1f0003 3 65537\n");
        kit_expect(&k, "tick 1600003600\nprocess private_bytes 4194304\n"
                       "process virtual_bytes 838860800\nprocess working_set_bytes 8388608\n"
                       "process paged_pool_bytes 8192\nprocess nonpaged_pool_bytes 16384\n"
                       "process handles 2\nprocess threads 2\n");
        kit_expect(&k, "tally minidump 12 HandleData, 96 bytes 1\n");
        kit_expect_not(&k, "loss");
        kit_expect_not(&k, "note");
        kit_clear(&k);
    }
}

static void regions_by_usage(void **state)
{
    (void)state;
    struct kit k = { 0 };
    assert_int_equal(read_sample(&k, sample_x64(true, false)), SEEP_OK);
    assert_int_equal(k.n_regions, 20);
    expect_region(&k, 0, SEEP_USAGE_FREE, NULL);
    expect_region(&k, 0x10000, SEEP_USAGE_MAPPED_FILE, NULL);
    expect_region(&k, 0x200000, SEEP_USAGE_HEAP64, "heap 0x200000");
    expect_region(&k, 0x208000, SEEP_USAGE_HEAP64, "heap 0x200000");
    expect_region(&k, 0x304000, SEEP_USAGE_HEAP64, "heap 0x200000");
    expect_region(&k, 0x400000, SEEP_USAGE_HEAP64, "heap 0x200000");
    expect_region(&k, 0x500000, SEEP_USAGE_STACK64, "thread 100 (worker)");
    expect_region(&k, 0x5f0000, SEEP_USAGE_STACK64, "thread 100 (worker)");
    expect_region(&k, 0x600000, SEEP_USAGE_UNKNOWN, NULL);
    expect_region(&k, 0x7f0000, SEEP_USAGE_TEB64, "PEB and TEBs");
    expect_region(&k, 0x7ffe0000, SEEP_USAGE_OTHER, "user shared data");
    expect_region(&k, UINT64_C(0x7ff700001000), SEEP_USAGE_IMAGE, "C:\\app\\Leaky.exe");
    assert_int_equal(k.usage[SEEP_USAGE_HEAP64][SEEP_STATE_COMMIT], 0x8000 + 0x4000 + 0x90000);
    assert_int_equal(k.usage[SEEP_USAGE_HEAP64][SEEP_STATE_RESERVE], 0xf8000 + 0xfc000);
    assert_int_equal(k.usage[SEEP_USAGE_STACK64][SEEP_STATE_COMMIT], 0x10000);
    assert_int_equal(kit_region(&k, 0x5f0000)->protect, 0x104);
    assert_int_equal(kit_region(&k, 0x5f0000)->allocation_base, 0x500000);
    assert_int_equal(kit_region(&k, 0)->protect, 0);
    assert_int_equal(kit_region(&k, 0)->type, SEEP_TYPE_FREE);
    kit_clear(&k);
}

static void without_memory_the_split_is_partial_and_said(void **state)
{
    (void)state;
    struct kit k = { 0 };
    assert_int_equal(read_sample(&k, sample_x64(false, false)), SEEP_OK);
    kit_expect(&k, "note usage-partial");
    kit_expect(&k, "the dump does not hold the PEB");
    kit_expect(&k, "the TEBs of 2 threads");
    kit_expect_not(&k, "loss");
    expect_region(&k, 0x200000, SEEP_USAGE_UNKNOWN, NULL);
    // the thread's own record says which reservation its stack is, and where its TEB is
    expect_region(&k, 0x500000, SEEP_USAGE_STACK64, "thread 100 (worker)");
    expect_region(&k, 0x7f0000, SEEP_USAGE_TEB64, "TEBs of several threads");
    kit_clear(&k);
}

static void wow64_has_two_of_everything(void **state)
{
    (void)state;
    struct kit k = { 0 };
    assert_int_equal(read_sample(&k, sample_wow64()), SEEP_OK);
    kit_expect(&k, "process old.exe pid=1/12 x86 wow64=1 start=1600000000\n");
    expect_region(&k, 0x100000, SEEP_USAGE_HEAP64, "heap 0x100000");
    expect_region(&k, 0x200000, SEEP_USAGE_HEAP32, "heap 0x200000");
    expect_region(&k, 0x300000, SEEP_USAGE_HEAP32, "heap 0x300000");
    expect_region(&k, 0x480000, SEEP_USAGE_STACK64, "thread 5");
    expect_region(&k, 0x500000, SEEP_USAGE_STACK32, "thread 5");
    expect_region(&k, 0x7efdb000, SEEP_USAGE_TEB64, "thread 5");
    expect_region(&k, 0x7efde000, SEEP_USAGE_PEB32, NULL);
    expect_region(&k, 0x7efdf000, SEEP_USAGE_PEB64, NULL);
    kit_expect_not(&k, "note");
    // the program is listed by both loaders and is one module
    const char *first = strstr(seep_buf_text(&k.text), "module 0x400000 ");
    assert_non_null(first);
    assert_null(strstr(first + 1, "module 0x400000 "));
    kit_clear(&k);
}

static void segment_heaps_claim_segments_and_large_blocks(void **state)
{
    (void)state;
    for (int encoded = 0; encoded < 2; encoded++) {
        struct kit k = { 0 };
        assert_int_equal(read_sample(&k, sample_segment_heap(encoded)), SEEP_OK);
        for (uint64_t base = 0x200000; base <= 0x700000; base += 0x100000)
            expect_region(&k, base, SEEP_USAGE_HEAP64, "heap 0x200000");
        kit_expect_not(&k, "note");
        kit_clear(&k);
    }
}

static void a_thin_dump_gives_what_it_has(void **state)
{
    (void)state;
    struct kit k = { 0 };
    assert_int_equal(read_sample(&k, sample_thin_x86()), SEEP_OK);
    kit_expect(&k, "process thin.exe pid=0/0 x86 wow64=1 start=-1\n");
    kit_expect(&k, "note regions-partial");
    assert_int_equal(k.n_regions, 6);
    expect_region(&k, 0x7efdd000, SEEP_USAGE_TEB32, "thread 9"); // by the list of threads
    expect_region(&k, 0x12fe00, SEEP_USAGE_STACK32, "thread 9");
    expect_region(&k, 0x400000, SEEP_USAGE_IMAGE, "C:\\app\\thin.exe");
    // what an image has already is not counted again
    assert_int_equal(kit_region(&k, 0x410000)->size_bytes, 0x100);
    assert_int_equal(kit_region(&k, 0x900000)->size_bytes, 0x100);
    kit_clear(&k);
}

static void other_systems_are_refused_in_one_line(void **state)
{
    (void)state;
    static const struct {
        uint32_t platform;
        const char *what;
    } rows[] = { { 0x8101, "this is a minidump of macOS" },
                 { 0x8201, "this is a minidump of Linux" },
                 { 0x8203, "this is a minidump of Android" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit k = { 0 };
        struct build *b = build_new(8);
        build_system(b, 9, 0, 0, 0, rows[i].platform);
        build_finish(b, 1, true);
        assert_int_equal(read_sample(&k, b), SEEP_FAILED);
        assert_string_equal(k.err.what, rows[i].what);
        assert_int_equal(k.n_facts, 0);
        kit_clear(&k);
    }
}

static void every_cut_is_survived_and_said(void **state)
{
    (void)state;
    struct build *b = sample_x64(true, true);
    for (size_t len = 0; len < b->out.len; len += len < 6000 ? 7 : 501) {
        struct kit k = { 0 };
        enum seep_status status = kit_read(&k, b->out.data, len);
        if (status == SEEP_FAILED)
            assert_true(k.err.what[0] != '\0');
        else
            kit_expect(&k, "loss truncated");
        kit_clear(&k);
    }
    build_free(b);
}

static void every_flip_is_survived(void **state)
{
    (void)state;
    struct build *b = sample_wow64();
    for (size_t i = 0; i < b->out.len; i += i < 3000 ? 1 : 37) {
        struct kit k = { 0 };
        uint8_t *byte = (uint8_t *)b->out.data + i, was = *byte;
        *byte = (uint8_t)~was;
        enum seep_status status = kit_read_dump(&k, b);
        assert_true(status == SEEP_OK || k.err.what[0]);
        *byte = was;
        kit_clear(&k);
    }
    build_free(b);
}

static void hostile_lists_end(void **state)
{
    (void)state;
    static const char *const expected[SAMPLES_HOSTILE] = {
        "loss truncated 4294967294 ", "loss truncated",   "note usage-partial",
        "note usage-partial",         "loss bad-heap 1 ", "loss bad-heap 1 ",
    };
    for (unsigned i = 0; i < SAMPLES_HOSTILE; i++) {
        struct kit k = { 0 };
        assert_int_equal(read_sample(&k, sample_hostile(i)), SEEP_OK);
        kit_expect(&k, expected[i]);
        kit_expect(&k, "entries of the list of regions are no regions");
        kit_expect(&k, "loss bad-record 2 at 0xffffffffffffffff: 2 modules have no size");
        assert_int_equal(k.n_regions, 3);
        kit_clear(&k);
    }
}

static void a_full_sink_stops_the_run(void **state)
{
    (void)state;
    for (uint64_t after = 1; after < 50; after += 4) {
        struct kit k = { .fail_after = after };
        assert_int_equal(read_sample(&k, sample_x64(true, false)), SEEP_FAILED);
        assert_string_equal(k.err.what, "the sink is full");
        assert_int_equal(k.n_facts, after);
        kit_clear(&k);
    }
}

static void no_streams_no_facts(void **state)
{
    (void)state;
    struct kit k = { 0 };
    struct build *b = build_new(8);
    build_finish(b, 1, false);
    assert_int_equal(read_sample(&k, b), SEEP_FAILED);
    assert_string_equal(k.err.what, "the minidump has no streams");
    kit_clear(&k);
    b = build_new(8);
    build_begin(b, 0x12345);
    build_zero(b, 8);
    build_end(b);
    build_finish(b, 1, false);
    assert_int_equal(read_sample(&k, b), SEEP_FAILED);
    assert_string_equal(k.err.what, "none of the minidump's 1 streams can be read");
    kit_clear(&k);
    assert_int_equal(kit_read(&k, "MDMP\x93\xa7", 6), SEEP_FAILED);
    assert_string_equal(k.err.what, "the minidump is cut off inside its header");
    kit_clear(&k);
}

static void bids_by_magic(void **state)
{
    (void)state;
    assert_int_equal(seep_source_minidump.bid(seep_bytes("MDMP\x93\xa7", 6)), 48);
    assert_int_equal(seep_source_minidump.bid(seep_bytes("MDMP", 4)), 32);
    assert_int_equal(seep_source_minidump.bid(seep_bytes("MDM", 3)), 0);
    assert_int_equal(seep_source_minidump.bid(seep_bytes("PMDM\x93\xa7", 6)), 0);
}

static void old_counters_and_the_machine(void **state)
{
    (void)state;
    struct kit k = { 0 };
    struct build *b = build_new(8);
    build_system(b, 12, 10, 0, 22000, 2);
    build_begin(b, 22);
    build_u16(b, 1);
    build_u16(b, 0);
    build_u32(b, 0);
    for (uint64_t i = 1; i <= 9; i++)
        build_u64(b, i);
    build_end(b);
    build_begin(b, 21);
    build_u16(b, 1);
    build_u16(b, 15);
    build_u32(b, 156250);
    build_u32(b, 4096);
    build_u32(b, 1000); // pages of RAM
    build_zero(b, 116 - 16);
    build_u64(b, 300);
    build_u64(b, 400);
    build_u64(b, 900);
    build_u64(b, 500);
    build_zero(b, 44);
    build_u32(b, 300);
    build_zero(b, 64);
    build_u32(b, 20);
    build_u32(b, 10);
    build_zero(b, 212);
    build_end(b);
    build_finish(b, 1600003600, false);
    assert_int_equal(read_sample(&k, b), SEEP_OK);
    kit_expect(&k, "machine Windows 10.0.22000 processors=8 ram=4096000 limit=3686400\n");
    kit_expect(&k, "process private_bytes 9\nprocess working_set_bytes 2\n");
    kit_expect(&k, "process paged_pool_bytes 4\nprocess nonpaged_pool_bytes 6\n");
    kit_expect(&k, "machine available_bytes 1228800\nmachine commit_bytes 1638400\n"
                   "machine commit_limit_bytes 3686400\nmachine paged_pool_bytes 81920\n"
                   "machine nonpaged_pool_bytes 40960\n");
    kit_expect_not(&k, "virtual_bytes");
    kit_clear(&k);
}

// --- real dumps ---

static bool read_real(struct kit *k, const char *name, enum seep_status *status)
{
    char path[1024], file[128];
    struct seep_buf bytes = { 0 };
    (void)snprintf(file, sizeof file, "minidump/%s", name);
    if (!testkit_data(file, path, sizeof path))
        return false;
    assert_true(testkit_read_file(path, &bytes));
    *status = kit_read(k, bytes.data, bytes.len);
    seep_buf_clear(&bytes);
    return true;
}

static uint64_t reserved(const struct kit *k)
{
    uint64_t sum = 0;
    for (int i = 0; i < SEEP_N_REGION_TYPES; i++)
        sum += k->types[i][SEEP_STATE_RESERVE];
    return sum;
}

static void truth_of_a_full_wow64_dump(void **state)
{
    (void)state;
    struct kit k = { 0 };
    enum seep_status status;
    if (!read_real(&k, "fizzbuzz_wow64.dmp", &status))
        skip();
    assert_int_equal(status, SEEP_OK);
    kit_expect(&k, "process fizzbuzz.exe pid=1/7836 x86 wow64=1 start=1456272578\n");
    assert_int_equal(k.n_regions, 168);
    assert_int_equal(k.types[SEEP_TYPE_PRIVATE][SEEP_STATE_COMMIT], 1073152);
    assert_int_equal(k.types[SEEP_TYPE_MAPPED][SEEP_STATE_COMMIT], 737280);
    assert_int_equal(k.types[SEEP_TYPE_IMAGE][SEEP_STATE_COMMIT], 7471104);
    assert_int_equal(reserved(&k), 22839296);
    expect_region(&k, 0x10000, SEEP_USAGE_HEAP64, "heap 0x10000");
    expect_region(&k, 0x20000, SEEP_USAGE_HEAP64, "heap 0x20000");
    expect_region(&k, 0x500000, SEEP_USAGE_HEAP64, "heap 0x500000");
    expect_region(&k, 0x460000, SEEP_USAGE_HEAP32, "heap 0x460000");
    expect_region(&k, 0x700000, SEEP_USAGE_HEAP32, "heap 0x700000");
    expect_region(&k, 0xe0000, SEEP_USAGE_HEAP32, "heap 0x700000"); // a virtual block
    expect_region(&k, 0x1d0000, SEEP_USAGE_STACK64, "thread 13456");
    expect_region(&k, 0x280000, SEEP_USAGE_STACK32, "thread 13456");
    expect_region(&k, 0x7efde000, SEEP_USAGE_PEB32, NULL);
    kit_expect_not(&k, "note");
    kit_clear(&k);
}

static void truth_of_heaps(void **state)
{
    (void)state;
    for (int blocks = 0; blocks < 2; blocks++) {
        struct kit k = { .heaps = true, .blocks = blocks };
        enum seep_status status;
        if (!read_real(&k, "fizzbuzz_wow64.dmp", &status))
            skip();
        assert_int_equal(status, SEEP_OK);
        kit_expect(&k, "heap 0x500000 nt 64 25 20432 3 9648 32768 524288\n");
        kit_expect(&k, "heap 0x700000 nt 32 161 77120 4 ");
        kit_expect(&k, "heap 0x460000 nt 32 9 10944 2 ");
        kit_expect(&k, "heap 0x10000 nt 64 1 ");
        kit_expect(&k, "heap 0x20000 nt 64 1 ");
        kit_expect_not(&k, "loss");
        kit_expect_not(&k, "unreachable-unknown");
        if (blocks) // a class of its C++ library, by the type information in its image
            kit_expect(&k, "blocks type 0x0 0 std::locale::_Locimp::`vftable' 1 32\n");
        else
            kit_expect_not(&k, "blocks");
        kit_clear(&k);
    }
}

static void heaps_only_where_they_are_wanted(void **state)
{
    (void)state;
    struct kit k = { .heaps = true };
    assert_int_equal(read_sample(&k, sample_segment_heap(false)), SEEP_OK);
    kit_expect(&k, "heap 0x200000 segment 64 ");
    kit_clear(&k);
    k.blocks = true;
    assert_int_equal(read_sample(&k, sample_x64(true, false)), SEEP_OK);
    kit_expect_not(&k, "heap 0x2"); // groups alone were asked for
    // the stack and the VirtualAlloc are not in this dump
    kit_expect(&k, "note unreachable-unknown");
    kit_clear(&k);
}

static void truth_of_a_crashpad_dump(void **state)
{
    (void)state;
    struct kit k = { 0 };
    enum seep_status status;
    if (!read_real(&k, "electron.dmp", &status))
        skip();
    assert_int_equal(status, SEEP_OK);
    uint64_t commit = 0;
    for (int i = 0; i < SEEP_N_REGION_TYPES; i++)
        commit += k.types[i][SEEP_STATE_COMMIT];
    assert_int_equal(k.n_regions, 22014);
    assert_int_equal(commit, 476332032);
    assert_int_equal(k.types[SEEP_TYPE_PRIVATE][SEEP_STATE_COMMIT], 69525504);
    assert_int_equal(k.types[SEEP_TYPE_MAPPED][SEEP_STATE_COMMIT], 84553728);
    assert_int_equal(k.types[SEEP_TYPE_IMAGE][SEEP_STATE_COMMIT], 322252800);
    assert_true(reserved(&k) == UINT64_C(3711078211584));
    kit_expect(&k, "process handles 676\nprocess threads 47\n");
    kit_expect(&k, "process electron.exe pid=1/18224 x64 wow64=0");
    kit_clear(&k);
}

static void all_real_dumps_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *what; // NULL = read; else the error
    } rows[] = {
        { "broken-1.mdmp", "the minidump's directory lies outside of the file" },
        { "broken-2.dmp", "the minidump's directory lies outside of the file" },
        { "cpp-crash-2.dmp", NULL },
        { "electron.dmp", NULL },
        { "fizzbuzz_wow64.dmp", NULL },
        { "linux_overflow.dmp", "this is a minidump of Linux" },
        { "mac.dmp", "this is a minidump of macOS" },
        { "null_read_av-x86.dmp", NULL },
        { "sigsegv.dmp", NULL },
        { "tiny-exe.dmp", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit k = { 0 };
        enum seep_status status;
        if (!read_real(&k, rows[i].name, &status))
            skip();
        assert_int_equal(status, rows[i].what ? SEEP_FAILED : SEEP_OK);
        if (rows[i].what)
            assert_string_equal(k.err.what, rows[i].what);
        else
            kit_expect_not(&k, "loss");
        kit_clear(&k);
    }
}

// --- seeds ---

static bool write_seed(const char *folder, const char *name, struct build *b)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s.dmp", folder, name);
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(b->out.data, 1, b->out.len, file) == b->out.len;
    if (file && fclose(file) != 0)
        ok = false;
    build_free(b);
    return ok;
}

static int write_seeds(const char *folder)
{
    bool ok = write_seed(folder, "x64", sample_x64(true, false)) &&
              write_seed(folder, "unaligned", sample_x64(true, true)) &&
              write_seed(folder, "no-memory", sample_x64(false, false)) &&
              write_seed(folder, "wow64", sample_wow64()) &&
              write_seed(folder, "segment-heap", sample_segment_heap(true)) &&
              write_seed(folder, "thin-x86", sample_thin_x86());
    for (unsigned i = 0; ok && i < SAMPLES_HOSTILE; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "hostile-%u", i);
        ok = write_seed(folder, name, sample_hostile(i));
    }
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_and_what),
        cmocka_unit_test(regions_by_usage),
        cmocka_unit_test(without_memory_the_split_is_partial_and_said),
        cmocka_unit_test(wow64_has_two_of_everything),
        cmocka_unit_test(segment_heaps_claim_segments_and_large_blocks),
        cmocka_unit_test(a_thin_dump_gives_what_it_has),
        cmocka_unit_test(other_systems_are_refused_in_one_line),
        cmocka_unit_test(every_cut_is_survived_and_said),
        cmocka_unit_test(every_flip_is_survived),
        cmocka_unit_test(hostile_lists_end),
        cmocka_unit_test(a_full_sink_stops_the_run),
        cmocka_unit_test(no_streams_no_facts),
        cmocka_unit_test(bids_by_magic),
        cmocka_unit_test(old_counters_and_the_machine),
        cmocka_unit_test(truth_of_a_full_wow64_dump),
        cmocka_unit_test(truth_of_heaps),
        cmocka_unit_test(heaps_only_where_they_are_wanted),
        cmocka_unit_test(truth_of_a_crashpad_dump),
        cmocka_unit_test(all_real_dumps_are_read_or_refused),
    };
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        return write_seeds(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
