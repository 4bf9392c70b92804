// SPDX-License-Identifier: MIT
// Tests of the source "kernel-dump" on real dumps, on seeds of known content and on damage.
#include "testkit.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct seep_source seep_source_kernel_dump;

// What a sink was told, and how the read ended.
struct run {
    struct testkit_sink sink;
    struct seep_err err;
    enum seep_status status;
};

static void read_with(struct run *r, const void *data, size_t len, const struct seep_input *with)
{
    struct seep_input input = *with;
    uint64_t read_bytes = 0;
    // A copy that ends where its allocation ends, so that a sanitizer sees one byte too many.
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, data, len);
    input.path = "test";
    input.view = seep_bytes(copy, len);
    memset(r, 0, sizeof *r);
    testkit_sink_init(&r->sink);
    r->status = seep_source_kernel_dump.read(&input, &r->sink.sink, NULL, &read_bytes, &r->err);
    if (r->status == SEEP_OK && r->sink.sink.n_harmful_losses)
        r->status = SEEP_PARTIAL;
    assert_true(read_bytes <= len);
    assert_true(r->status != SEEP_FAILED || r->err.what[0]);
    free(copy);
}

static void end(struct run *r)
{
    testkit_sink_clear(&r->sink);
}

static bool real(const char *name, struct seep_buf *file)
{
    char path[4096];
    *file = (struct seep_buf){ 0 };
    return testkit_data(name, path, sizeof path) && testkit_read_file(path, file);
}

static bool read_real(const char *name, struct run *r)
{
    struct seep_buf file;
    if (!real(name, &file))
        return false;
    read_with(r, file.data, file.len, &(struct seep_input){ 0 });
    seep_buf_clear(&file);
    return true;
}

static void read_seed(const char *name, struct run *r)
{
    char path[4096], seed[128];
    struct seep_buf file = { 0 };
    (void)snprintf(seed, sizeof seed, "src/source/kernel-dump/seeds/%s", name);
    testkit_source_path(seed, path, sizeof path);
    assert_true(testkit_read_file(path, &file));
    assert_true(seep_source_kernel_dump.bid(seep_bytes(file.data, file.len)) > 0);
    read_with(r, file.data, file.len, &(struct seep_input){ 0 });
    seep_buf_clear(&file);
}

#define EXPECT(r, line)                                                                            \
    do {                                                                                           \
        if (!strstr(seep_buf_text(&(r)->sink.text), line))                                         \
            fail_msg("not there: %s\nbut:\n%.6000s", line, seep_buf_text(&(r)->sink.text));        \
    } while (0)

#define REFUSE(r, line)                                                                            \
    do {                                                                                           \
        if (strstr(seep_buf_text(&(r)->sink.text), line))                                          \
            fail_msg("there, but should not be: %s", line);                                        \
    } while (0)

static void a_real_triage_dump_says_what_its_blocks_hold(void **state)
{
    struct run r;
    (void)state;
    if (!read_real("kdump/triage_x64.dmp", &r))
        skip();
    assert_int_equal(r.status, SEEP_OK);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_MODULE], 151 + 4);
    EXPECT(&r, "machine 1 host=- os=Windows ram=0 limit=0\n");
    EXPECT(&r, "tick 2021-02-21T01:38:22.987765700Z\n");
    EXPECT(&r, "event 2021-02-21T01:38:22.987765700Z bugcheck 268435582 "
               "{\"parameter1\":\"0xffffffffc0000005\",");
    EXPECT(&r, "module 0 base=0xfffff8047ba00000 size=17063936 "
               "pdb=ntkrnlmp.pdb/5278AFF8-6C34-1677-D7D7-835C85B7B844/1 "
               "\\SystemRoot\\system32\\ntoskrnl.exe\n");
    EXPECT(&r, " unloaded dam.sys\n");
    // The counters of MiSystemPartition: 8,366,927, 8,023,204 and 363,348 pages.
    EXPECT(&r, "vm 1 physical=34270932992 available=32863043584 committed=1488273408 ");
    EXPECT(&r, "process 1 pid=4 start=2021-02-21T01:38:22.069864800Z image=System\n");
    EXPECT(&r, "loss triage-dump ");
    // A record of zeros is not recorded, and not 0.
    REFUSE(&r, "nonpaged-pool=0");
    REFUSE(&r, "commit-peak=");
    end(&r);
}

static void the_same_with_symbols(void **state)
{
    char path[4096];
    struct seep_buf file;
    struct run r;
    struct seep_err err;
    (void)state;
    if (!real("kdump/triage_x64.dmp", &file) ||
        !testkit_data("isf/ntkrnlmp-5278AFF86C341677D7D7835C85B7B844-1.json.xz", path, sizeof path))
        skip();
    const char *paths[] = { path };
    struct seep_symbols_options options = {
        .paths = paths, .n_paths = 1, .offline = true, .cache_folder = ""
    };
    struct seep_symbols *symbols = seep_symbols_open(&options, &err);
    assert_non_null(symbols);
    read_with(&r, file.data, file.len, &(struct seep_input){ .symbols = symbols });
    assert_int_equal(r.status, SEEP_OK);
    EXPECT(&r, "vm 1 physical=34270932992 available=32863043584 committed=1488273408 ");
    EXPECT(&r, "process 1 pid=4 ");
    end(&r);
    seep_symbols_close(symbols);
    seep_buf_clear(&file);
}

static void the_record_of_memory_of_a_triage_dump_is_read(void **state)
{
    struct run r;
    (void)state;
    if (!read_real("kdump/triage_mm-record.dmp", &r))
        skip();
    assert_int_equal(r.status, SEEP_OK);
    // 0x3ee6, 0x6500, 0x77d59, 0x97b64 and 0x1fff8d pages.
    EXPECT(&r, "vm 1 physical=2147012608 committed=2010484736 commit-limit-maximum=8589463552 "
               "commit-peak=2545303552 paged-pool=105906176 nonpaged-pool=65953792\n");
    EXPECT(&r, "metric=commit_bytes counter=kernel TotalCommittedPages\nsample ");
    EXPECT(&r, "process 1 pid=3244 start=2025-08-31T21:32:03.561904700Z image=notmyfault64.e\n");
    end(&r);
}

static void a_triage_dump_of_arm64_is_read_as_far_as_it_goes(void **state)
{
    struct run r;
    (void)state;
    if (!read_real("kdump/triage_arm64.dmp", &r))
        skip();
    assert_int_equal(r.status, SEEP_OK);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_MODULE], 245 + 11);
    EXPECT(&r, "tick 2021-09-14T02:51:58.146709500Z\n");
    EXPECT(&r, "bugcheck 456 {");
    EXPECT(&r, "module 0 base=0xfffff803f2e00000 size=17031168 ");
    EXPECT(&r, "loss unknown-kernel count=1 bytes=- offset=- the kernel 10.0.22000 is not among "
               "those that seep knows: give its symbols with --symbols\n");
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_VM], 0);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_PROCESS], 0);
    end(&r);
}

static void headers_alone_say_that_the_rest_is_missing(void **state)
{
    struct run r;
    (void)state;
    if (!read_real("kdump/coredump_win10_64bit_stripped.raw", &r))
        skip();
    assert_int_equal(r.status, SEEP_PARTIAL);
    EXPECT(&r, "machine 1 host=- os=Windows ram=17176129536 limit=0\n");
    EXPECT(&r, "loss no-memory ");
    EXPECT(&r, "loss truncated count=4193391 ");
    end(&r);
    assert_true(read_real("kdump/coredump_win7_32bit_stripped.raw", &r));
    assert_int_equal(r.status, SEEP_PARTIAL);
    EXPECT(&r, "machine 1 host=- os=Windows ram=3220688896 limit=0\n");
    EXPECT(&r, "loss truncated count=786301 ");
    end(&r);
}

// The same on files of our own, so that the code is run where the real ones are not at hand.
static void a_triage_dump_of_known_content(void **state)
{
    struct run r;
    (void)state;
    read_seed("triage.dmp", &r);
    assert_int_equal(r.status, SEEP_OK);
    EXPECT(&r, "tick 2025-11-18T16:20:34.567890100Z\n");
    EXPECT(&r, "bugcheck 226 {\"parameter1\":\"0x1\",\"parameter2\":\"0x2\",\"parameter3\":\"0x3\","
               "\"parameter4\":\"0x4\"}\n");
    EXPECT(&r, "module 0 base=0xfffff80312200000 size=17063936 "
               "pdb=ntkrnlmp.pdb/5278AFF8-6C34-1677-D7D7-835C85B7B844/1 "
               "\\SystemRoot\\system32\\ntoskrnl.exe\n");
    EXPECT(&r, "module 0 base=0xfffff80322200000 size=36864 pdb=-/-/0 \\SystemRoot\\leak.sys\n");
    EXPECT(&r, "module 0 base=0xfffff80400000000 size=32768 pdb=-/-/0 unloaded dam.sys\n");
    EXPECT(&r, "module 0 base=0xfffff80400010000 size=32768 pdb=-/-/0 unloaded WdBoot.sys\n");
    EXPECT(&r, "physical=34270932992 available=32863043584 resident-available=28672000000 "
               "committed=1488273408 commit-limit=36864000000 commit-limit-maximum=8589463552 "
               "commit-peak=2545303552 paged-pool=105906176 ");
    EXPECT(&r, " nonpaged-pool=65953792 ");
    EXPECT(&r, " shared=204800000\n");
    EXPECT(&r, "process 1 pid=4242 start=2025-11-18T15:20:34.567890100Z image=server.exe\n");
    EXPECT(&r, "metric=private_bytes counter=EPROCESS CommitCharge\nsample 1 4096000\n");
    end(&r);
}

static void counts_are_believed_only_as_far_as_the_file_goes(void **state)
{
    struct run r;
    (void)state;
    read_seed("triage-counts.dmp", &r);
    assert_int_equal(r.status, SEEP_PARTIAL);
    EXPECT(&r, "of 4294967295 drivers of the list are not in the file\n");
    EXPECT(&r, "of 4294967295 unloaded drivers are not in the file\n");
    end(&r);
    read_seed("bitmap-huge.dmp", &r);
    assert_int_equal(r.status, SEEP_PARTIAL);
    EXPECT(&r, "loss truncated count=1099511627775 ");
    end(&r);
}

// Page tables that lead into themselves show one page everywhere.
static void lists_that_lead_in_circles_end(void **state)
{
    static const char *const names[] = { "circle-64.dmp", "circle-32.dmp", "circle-pae.dmp",
                                         "circle-arm64.dmp" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct run r;
        read_seed(names[i], &r);
        assert_int_equal(r.status, SEEP_PARTIAL);
        assert_true(r.sink.sink.counts[SEEP_FACT_MODULE] < 100);
        end(&r);
    }
}

static void what_is_no_dump_is_refused_in_one_line(void **state)
{
    struct run r;
    (void)state;
    read_with(&r, "", 0, &(struct seep_input){ 0 });
    assert_int_equal(r.status, SEEP_FAILED);
    end(&r);
    read_with(&r, "PAGEDU64", 8, &(struct seep_input){ 0 });
    assert_int_equal(r.status, SEEP_FAILED);
    assert_null(strchr(r.err.what, '\n'));
    end(&r);
    assert_int_equal(seep_source_kernel_dump.bid(seep_bytes("MDMP\x93\xa7\0\0", 8)), 0);
    assert_int_equal(seep_source_kernel_dump.bid(seep_bytes("PAGEDU6", 7)), 0);
}

static void what_nobody_wants_is_left_out(void **state)
{
    char path[4096];
    struct seep_buf file = { 0 };
    struct run r;
    (void)state;
    testkit_source_path("src/source/kernel-dump/seeds/triage.dmp", path, sizeof path);
    assert_true(testkit_read_file(path, &file));
    read_with(&r, file.data, file.len,
              &(struct seep_input){ .leave_out = UINT32_C(1) << SEEP_FACT_MODULE |
                                                 UINT32_C(1) << SEEP_FACT_PROCESS });
    assert_int_equal(r.status, SEEP_OK);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_MODULE], 0);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_PROCESS], 0);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_VM], 1);
    end(&r);
    seep_buf_clear(&file);
}

static void handle_tables_are_walked_only_for_who_wants_zombies(void **state)
{
    struct seep_buf file = testkit_built_file("kernel-dump-cases/x64-bitmap.dmp");
    struct run all, r;
    (void)state;
    read_with(&all, file.data, file.len, &(struct seep_input){ 0 });
    const uint64_t *counts = all.sink.sink.counts;
    assert_int_equal(all.status, SEEP_OK);
    assert_true(counts[SEEP_FACT_ZOMBIE] && counts[SEEP_FACT_HANDLE] && counts[SEEP_FACT_POOL_TAG]);
    EXPECT(&all, "metric=handles counter=HANDLE_TABLE\n");
    read_with(&r, file.data, file.len,
              &(struct seep_input){ .leave_out = UINT32_C(1) << SEEP_FACT_ZOMBIE });
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_ZOMBIE], 0);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_HANDLE], 0);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_PROCESS], counts[SEEP_FACT_PROCESS]);
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_POOL_TAG], counts[SEEP_FACT_POOL_TAG]);
    REFUSE(&r, "metric=handles");
    end(&r);
    read_with(&r, file.data, file.len,
              &(struct seep_input){ .leave_out = UINT32_C(1) << SEEP_FACT_POOL_TAG });
    assert_int_equal(r.sink.sink.counts[SEEP_FACT_POOL_TAG], 0);
    REFUSE(&r, "SYSTEM_POOLTAG");
    EXPECT(&r, " nonpaged-pool=");
    end(&r);
    end(&all);
    seep_buf_clear(&file);
}

// A block that reaches behind the file is a loss, though the file is as long as it says it is.
static void blocks_behind_the_end_are_lost(void **state)
{
    enum { BLOCKS_AT = 0x2078, BLOCK_SIZE_AT = 12, BEHIND = 0x100 };
    struct run r;
    (void)state;
    struct seep_buf file = testkit_built_file("kernel-dump-cases/triage.dmp");
    read_with(&r, file.data, file.len, &(struct seep_input){ 0 });
    REFUSE(&r, "loss truncated");
    end(&r);
    uint8_t *block = (uint8_t *)file.data + seep_le32((uint8_t *)file.data + BLOCKS_AT);
    uint32_t size = (uint32_t)file.len - seep_le32(block + 8) + BEHIND;
    for (unsigned i = 0; i < 4; i++)
        block[BLOCK_SIZE_AT + i] = (uint8_t)(size >> 8 * i);
    read_with(&r, file.data, file.len, &(struct seep_input){ 0 });
    EXPECT(&r, "loss truncated count=- bytes=256 ");
    end(&r);
    seep_buf_clear(&file);
}

// Real dumps cut and flipped: nothing but losses.
static void damage_ends_in_losses(void **state)
{
    static const char *const names[] = { "kdump/triage_x64.dmp", "kdump/triage_mm-record.dmp",
                                         "kdump/triage_arm64.dmp",
                                         "kdump/coredump_win10_64bit_stripped.raw",
                                         "kdump/coredump_win7_32bit_stripped.raw" };
    enum { CUTS = 20, FLIPS = 60 };
    uint64_t random = 88172645463325252u;
    bool any = false;
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct seep_buf file;
        struct run r;
        if (!real(names[n], &file))
            continue;
        any = true;
        for (size_t i = 0; i < CUTS; i++) {
            size_t len = file.len * i / CUTS;
            read_with(&r, file.data, len, &(struct seep_input){ 0 });
            // Behind the end that a triage dump's header tells, streams follow that nobody needs.
            bool whole = len > 0x2008 && n < 3 &&
                         len >= seep_bytes_u32(seep_bytes(file.data, file.len), 0x2004);
            assert_true(r.status == SEEP_FAILED || r.status == (whole ? SEEP_OK : SEEP_PARTIAL));
            end(&r);
        }
        for (size_t i = 0; i < FLIPS; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Most of what is believed stands at the front.
            size_t at = (size_t)(random >> 16) % (i % 2 ? file.len : 0x2200);
            if (at >= file.len)
                continue;
            char was = file.data[at];
            file.data[at] = (char)random;
            read_with(&r, file.data, file.len, &(struct seep_input){ 0 });
            file.data[at] = was;
            end(&r);
        }
        seep_buf_clear(&file);
    }
    if (!any)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_triage_dump_says_what_its_blocks_hold),
        cmocka_unit_test(the_same_with_symbols),
        cmocka_unit_test(the_record_of_memory_of_a_triage_dump_is_read),
        cmocka_unit_test(a_triage_dump_of_arm64_is_read_as_far_as_it_goes),
        cmocka_unit_test(headers_alone_say_that_the_rest_is_missing),
        cmocka_unit_test(a_triage_dump_of_known_content),
        cmocka_unit_test(counts_are_believed_only_as_far_as_the_file_goes),
        cmocka_unit_test(lists_that_lead_in_circles_end),
        cmocka_unit_test(what_is_no_dump_is_refused_in_one_line),
        cmocka_unit_test(what_nobody_wants_is_left_out),
        cmocka_unit_test(handle_tables_are_walked_only_for_who_wants_zombies),
        cmocka_unit_test(blocks_behind_the_end_are_lost),
        cmocka_unit_test(damage_ends_in_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
