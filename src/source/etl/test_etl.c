// SPDX-License-Identifier: MIT
// The trace source over traces whose content is known: synthetic ones, and real ones with what
// PerfView says of them.
#include "source/etl/test_kit.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const char *name, const char *const *lines)
{
    struct etl_kit kit;
    etl_kit_case(&kit, name);
    for (; *lines; lines++)
        etl_kit_has(&kit, *lines);
    etl_kit_clear(&kit);
}

// ---- envelopes

static const char *const story[] = {
    "process 1000 app.exe start=- end=-",
    "frees virtual 1000 n=4 bytes=262144 -",
    "site heap 1000 heap=0x150000 tag=- live=10/500 all=10/500 frees=0 dead=0 "
    "ntdll.dll+0x100<app.exe+0x200<app.exe+0x300",
    "site heap 1000 heap=0x150000 tag=- live=5/250 all=10/500 frees=5 dead=0 "
    "ntdll.dll+0x100<app.exe+0x201<app.exe+0x300",
    "site pool 0 heap=0x0 tag=Leak live=20/2560 all=20/2560 frees=0 dead=0 -",
    "site virtual 1000 heap=0x0 tag=- live=16/1048576 all=20/1310720 frees=4 dead=0 "
    "ntoskrnl.exe+0x111<ntoskrnl.exe+0x222<ntdll.dll+0x400<app.exe+0x500",
    NULL,
};

// One story in every kind of envelope: header kinds, pointer sizes, clocks, compression, order.
static void every_envelope_tells_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {
        "story",      "system-headers",  "classic-headers", "relogged", "system-time", "cycles",
        "compressed", "compressed-keys", "story-keys",      "circular", "merged",      "wide-cpu",
        "one-cpu",    "odd-frequency",   "story-32",        "lossy",    "not-closed",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct etl_kit kit;
        etl_kit_case(&kit, names[i]);
        for (size_t k = 0; story[k]; k++)
            etl_kit_has(&kit, story[k]);
        assert_int_equal(kit.n_lines, 5);
        // What is outstanding in the end is where the growth ends: 10 and 5 blocks, pages, pool.
        assert_true(kit.last_sum == 500 + 250 + 1048576 + 2560);
        if (strcmp(names[i], "lossy") != 0)
            assert_int_equal(kit.sink.n_harmful_losses, 0);
        etl_kit_clear(&kit);
    }
}

static void losses_of_the_session_are_told(void **state)
{
    (void)state;
    static const char *const lossy[] = { "loss lost-events 7", "loss lost-buffers 2", NULL };
    static const char *const closed[] = { "loss not-closed", NULL };
    check("lossy", lossy);
    check("not-closed", closed);
}

static void times_come_from_every_clock(void **state)
{
    (void)state;
    static const char *const names[] = { "story", "system-time", "cycles", "odd-frequency" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct etl_kit kit;
        etl_kit_case(&kit, names[i]);
        // The last event that is paired: 204 ms after the start.
        int64_t off = kit.last_tick_ns - INT64_C(1772366400204000000);
        assert_true(off < 1000 && off > -1000);
        etl_kit_clear(&kit);
    }
}

// ---- stacks

static void keys_are_told_apart(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "site heap 1000 heap=0x150000 tag=- live=2/20 all=2/20 frees=0 dead=0 "
        "ntdll.dll+0x10<app.exe+0x20",
        "site heap 1000 heap=0x150000 tag=- live=2/20 all=2/20 frees=0 dead=0 "
        "ntdll.dll+0x30<app.exe+0x40",
        "site heap 1000 heap=0x150000 tag=- live=1/20 all=1/20 frees=0 dead=0 ntdll.dll+0x55",
        "site heap 2000 heap=0x150000 tag=- live=1/20 all=1/20 frees=0 dead=0 ntdll.dll+0x55",
        "site heap 1000 heap=0x150000 tag=- live=1/30 all=1/30 frees=0 dead=0 -",
        "loss no-stack 1",
        NULL,
    };
    check("keys", lines);
}

// 40,000 keys for 5 stacks: they become one in between, and no number suffers.
static void keys_that_come_again_become_one(void **state)
{
    (void)state;
    struct etl_kit kit;
    char line[200];
    etl_kit_case(&kit, "key-churn");
    for (int i = 0; i < 5; i++) {
        (void)snprintf(line, sizeof line,
                       "site heap 1000 heap=0x150000 tag=- live=20/320 all=8000/128000 frees=7980 "
                       "dead=0 ntdll.dll+0x10<app.exe+0x2%d",
                       i);
        etl_kit_has(&kit, line);
    }
    etl_kit_has(&kit,
                "frees virtual 1000 n=1137 bytes=4657152 decommit ntdll.dll+0x10<app.exe+0x21");
    assert_int_equal(kit.n_lines, 20);
    etl_kit_clear(&kit);
}

static void late_halves_find_their_event(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "site heap 1000 heap=0x150000 tag=- live=1/10 all=1/10 frees=0 dead=0 "
        "ntdll.dll+0x1<app.exe+0x2",
        "site heap 1000 heap=0x150000 tag=- live=1/20 all=1/20 frees=0 dead=0 -",
        NULL,
    };
    static const char *const wow64[] = {
        "site virtual 1000 heap=0x0 tag=- live=1/4096 all=1/4096 frees=0 dead=0 "
        "ntoskrnl.exe+0x1<ntoskrnl.exe+0x2<wow64.dll+0x10<wow64.dll+0x20<plugin.dll+0x30"
        "<plugin.dll+0x40",
        NULL,
    };
    check("late", lines);
    check("wow64", wow64);
}

static void an_address_means_the_image_of_its_time(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "module 1000 0x10000000 other.dll pdb=other.pdb",
        "module 1000 0x20000000 again.dll pdb=- unloaded",
        "site heap 1000 heap=0x150000 tag=- live=1/10 all=1/10 frees=0 dead=0 "
        "[plugin.dll+0x123]<app.exe+0x1",
        "site heap 1000 heap=0x150000 tag=- live=1/10 all=1/10 frees=0 dead=0 "
        "other.dll+0x123<app.exe+0x1",
        "site heap 1000 heap=0x150000 tag=- live=3/30 all=3/30 frees=0 dead=0 "
        "again.dll+0x123<app.exe+0x1",
        NULL,
    };
    struct etl_kit kit;
    check("images", lines);
    etl_kit_case(&kit, "images");
    assert_int_equal(kit.n_modules, 6);
    etl_kit_clear(&kit);
}

// ---- what allocates

static void virtual_memory_is_paired_by_pages(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "frees virtual 1000 n=1 bytes=16384 unmatched decommit ntdll.dll+0x2<app.exe+0x5",
        "frees virtual 1000 n=1 bytes=32768 decommit ntdll.dll+0x2<app.exe+0x4",
        "frees virtual 1000 n=1 bytes=32768 ntdll.dll+0x2<app.exe+0x7",
        "frees virtual 1000 n=1 bytes=4096 unmatched ntdll.dll+0x2<app.exe+0x7",
        "site virtual 1000 heap=0x0 tag=- live=0/0 all=1/32768 frees=1 dead=0 "
        "ntdll.dll+0x1<app.exe+0x6",
        "site virtual 1000 heap=0x0 tag=- live=1/16384 all=1/16384 frees=0 dead=0 -",
        "site virtual 1000 heap=0x0 tag=- live=1/32768 all=1/32768 frees=0 dead=0 "
        "ntdll.dll+0x1<app.exe+0x3",
        "site virtual 1000 heap=0x0 tag=- live=2/32768 all=1/65536 frees=0 dead=0 "
        "ntdll.dll+0x1<app.exe+0x2",
        NULL,
    };
    check("virtual", lines);
}

static void heaps_are_told_apart(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "frees heap 1000 n=1 bytes=0 unmatched -",
        "site heap 1000 heap=0x150000 tag=- live=0/0 all=1/100 frees=1 dead=0 "
        "ntdll.dll+0x1<app.exe+0x1",
        "site heap 1000 heap=0x150000 tag=- live=1/400 all=1/400 frees=0 dead=0 "
        "ntdll.dll+0x1<app.exe+0x3",
        "site heap 1000 heap=0x160000 tag=- live=0/0 all=1/200 frees=1 dead=0 "
        "ntdll.dll+0x1<app.exe+0x2",
        "site heap 1000 heap=0x160000 tag=- live=1/250 all=1/250 frees=0 dead=0 "
        "ntdll.dll+0x1<app.exe+0x4",
        "site heap 2000 heap=0x150000 tag=- live=1/300 all=1/300 frees=0 dead=0 ntdll.dll+0x1",
        "site heap 2000 heap=0x160000 tag=- live=0/0 all=1/50 frees=1 dead=0 ntdll.dll+0x2",
        "site heap 2000 heap=0x160008 tag=- live=1/70 all=2/130 frees=1 dead=0 ntdll.dll+0x3",
        NULL,
    };
    check("heaps", lines);
}

static void pool_is_told_by_tag(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "frees pool 0 n=1 bytes=0 unmatched -",
        "site pool 0 heap=0x0 tag=Leak live=1/100 all=2/300 frees=1 dead=0 "
        "ntoskrnl.exe+0x10<ntoskrnl.exe+0x20",
        "site pool 0 heap=0x0 tag=Page paged live=1/300 all=1/300 frees=0 dead=0 "
        "ntoskrnl.exe+0x10<ntoskrnl.exe+0x20",
        "site pool 0 heap=0x0 tag=Sess paged live=0/0 all=1/400 frees=1 dead=0 "
        "ntoskrnl.exe+0x10<ntoskrnl.exe+0x20",
        "site pool 0 heap=0x0 tag=Prot live=1/500 all=1/500 frees=0 dead=0 "
        "ntoskrnl.exe+0x10<ntoskrnl.exe+0x20",
        "site pool 0 heap=0x0 tag=Info live=1/600 all=1/600 frees=0 dead=0 "
        "ntoskrnl.exe+0x10<ntoskrnl.exe+0x20",
        NULL,
    };
    check("pools", lines);
}

static void handles_belong_to_who_holds_them(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "frees handle 2000 n=1 bytes=0 unmatched -",
        "site handle 1000 heap=0x0 tag=Event live=1/0 all=1/0 frees=0 dead=0 -",
        "site handle 1000 heap=0x0 tag=Event live=1/0 all=2/0 frees=1 dead=0 "
        "ntdll.dll+0x1<app.exe+0x1",
        "site handle 1000 heap=0x0 tag=Key live=1/0 all=1/0 frees=0 dead=0 "
        "ntdll.dll+0x1<app.exe+0x2",
        // duplicated into it by another process, closed by the system after its end
        "site handle 2000 heap=0x0 tag=Event live=0/0 all=1/0 frees=1 dead=0 "
        "[ntdll.dll+0x1]<[app.exe+0x3]",
        "site handle 2000 heap=0x0 tag=Event live=0/0 all=1/0 frees=1 dead=0 ntdll.dll+0x5",
        "site handle 4 heap=0x0 tag=Event live=1/0 all=1/0 frees=0 dead=0 "
        "[ntdll.dll+0x1]<[app.exe+0x4]",
        NULL,
    };
    check("handles", lines);
}

static void references_are_netted_by_tag(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "frees reference 0 n=1 bytes=0 unmatched -",
        "site reference 0 heap=0x0 tag=Dflt live=1/0 all=2/0 frees=1 dead=1 ntoskrnl.exe+0x10",
        "site reference 0 heap=0x0 tag=DrvA live=8/0 all=8/0 frees=0 dead=3 ntoskrnl.exe+0x30",
        // deleted objects hold nothing, and an address is used again
        "site reference 0 heap=0x0 tag=File live=0/0 all=4/0 frees=4 dead=0 ntoskrnl.exe+0x70",
        "site reference 0 heap=0x0 tag=File live=0/0 all=7/0 frees=7 dead=0 ntoskrnl.exe+0x50",
        "site reference 0 heap=0x0 tag=File live=1/0 all=1/0 frees=0 dead=0 ntoskrnl.exe+0x60",
        NULL,
    };
    check("references", lines);
}

static void a_pid_is_one_life_after_another(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "process 3000 first.exe start=2 end=4",
        "process 3000 second.exe start=6 end=-",
        "process 4000 late.exe start=- end=-",
        "process 5000 - start=- end=-",
        "site heap 3000 heap=0x150000 tag=- live=0/0 all=1/10 frees=1 dead=0 -",
        "site heap 3000 heap=0x150000 tag=- live=1/20 all=1/20 frees=0 dead=0 -",
        "site heap 4000 heap=0x150000 tag=- live=1/30 all=1/30 frees=0 dead=0 -",
        "site heap 5000 heap=0x150000 tag=- live=1/40 all=1/40 frees=0 dead=0 -",
        // its memory goes with it: what the system frees afterwards is no free of before the trace
        "site virtual 3000 heap=0x0 tag=- live=0/0 all=1/4096 frees=1 dead=0 -",
        "site virtual 3000 heap=0x0 tag=- live=1/8192 all=1/8192 frees=0 dead=0 -",
        // the object at the address of the first is the second, which lives
        "site reference 0 heap=0x0 tag=Dflt live=1/0 all=1/0 frees=0 dead=0 -",
        NULL,
    };
    struct etl_kit kit;
    check("pids", lines);
    etl_kit_case(&kit, "pids");
    etl_kit_lacks(&kit, "unmatched");
    etl_kit_clear(&kit);
}

static void short_events_cost_only_themselves(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "loss bad-event 11",
        "site heap 1000 heap=0x150000 tag=- live=2/20 all=2/20 frees=0 dead=0 -",
        NULL,
    };
    check("short", lines);
}

static void events_are_counted_by_provider(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "tally Windows Kernel 3 v4 n=3 Process/DCStart",
        "tally {22FB2CD6-0E7B-422B-A0C7-2FAD1FD0E716} 300 v1 n=3 -",
        "tally {22FB2CD6-0E7B-422B-A0C7-2FAD1FD0E716} 301 v1 n=2 -",
        "tally {22FB2CD6-0E7B-422B-A0C7-2FAD1FD0E716} 7 v3 n=5 -",
        NULL,
    };
    check("providers", lines);
}

// ---- two threads

static void two_threads_tell_what_one_tells(void **state)
{
    (void)state;
    static const char *const names[] = { "leak", "key-churn", "references", "virtual" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct seep_buf bytes = etl_kit_bytes(names[i]);
        struct etl_kit one, two;
        etl_kit_read(&one, bytes.data, bytes.len, ETL_ONE_THREAD);
        etl_kit_read(&two, bytes.data, bytes.len, ETL_TWO_THREADS);
        assert_int_equal(one.status, SEEP_OK);
        assert_int_equal(two.status, SEEP_OK);
        assert_true(one.n_lines > 0);
        assert_string_equal(seep_buf_text(&one.text), seep_buf_text(&two.text));
        assert_int_equal(one.n_samples, two.n_samples);
        assert_true(one.last_sum == two.last_sum);
        etl_kit_clear(&one);
        etl_kit_clear(&two);
        seep_buf_clear(&bytes);
    }
}

static void the_planted_leak_is_the_largest_growth(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "site heap 4242 heap=0x1d0a2340000 tag=- live=384/196608 all=1150/588800 frees=766 dead=0 "
        "ntdll.dll+0x1e3b0<ucrtbase.dll+0x1a2b0<session.dll+0x3310<server.exe+0x3810"
        "<server.exe+0x17180<server.exe+0x17291<server.exe+0x173a2<server.exe+0x174b3"
        "<server.exe+0x175c4<server.exe+0x176d5<server.exe+0x177e6<server.exe+0x178f7"
        "<server.exe+0x17a08<server.exe+0x17b19<kernel32.dll+0x17034<ntdll.dll+0x52651",
        NULL,
    };
    check("leak", lines);
}

// ---- real traces

static uint64_t baseline_count(const struct seep_buf *text, const char *event)
{
    char key[128];
    (void)snprintf(key, sizeof key, "COUNT Windows Kernel/%s:", event);
    const char *at = strstr(seep_buf_text(text), key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void counts_are_those_of_perfview(void **state)
{
    (void)state;
    static const char *const events[] = {
        "Process/Start", "Process/Stop", "Process/DCStart",  "Process/DCStop",
        "Image/Load",    "Image/Unload", "Image/DCStart",    "Image/DCStop",
        "Thread/Start",  "Thread/Stop",  "Memory/HardFault",
    };
    char path[512], line[128];
    struct seep_buf text = { 0 }, bytes = { 0 };
    struct etl_kit kit;
    if (!testkit_data("etl/net.4.5.2.x64.baseline.txt", path, sizeof path))
        skip();
    assert_true(testkit_read_file(path, &text));
    assert_true(testkit_data("etl/net.4.5.2.x64.etl", path, sizeof path));
    assert_true(testkit_read_file(path, &bytes));
    etl_kit_read(&kit, bytes.data, bytes.len, ETL_AS_FITS);
    assert_int_equal(kit.status, SEEP_OK);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        uint64_t n = baseline_count(&text, events[i]);
        (void)snprintf(line, sizeof line, " n=%" PRIu64 " %s\n", n, events[i]);
        if (n && !strstr(seep_buf_text(&kit.text), line))
            fail_msg("%s: PerfView counts %" PRIu64, events[i], n);
        if (!n)
            etl_kit_lacks(&kit, events[i]);
    }
    etl_kit_clear(&kit);
    seep_buf_clear(&bytes);
    seep_buf_clear(&text);
}

// The number behind "NAME=" in a line of the baseline, where digits are parted by commas.
static uint64_t field(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    assert_non_null(at);
    at += strlen(name);
    if (strncmp(at, "0x", 2) == 0)
        return strtoull(at, NULL, 16);
    uint64_t value = 0;
    bool negative = *at == '-';
    for (at += negative; *at == ',' || (*at >= '0' && *at <= '9'); at++)
        value = *at == ',' ? value : value * 10 + (uint64_t)(*at - '0');
    return negative ? 0 - value : value;
}

// Of each kind of event the baseline shows the first five only.
static bool check_process(const struct seep_buf *text, const struct seep_kernel_process *p,
                          const char *event)
{
    char key[96], image[64];
    (void)snprintf(key, sizeof key, "Windows Kernel/%s PID=%" PRIu32 ";", event, p->pid);
    const char *line = strstr(seep_buf_text(text), key);
    if (!line)
        return false;
    char copy[1024];
    (void)snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\n"), line);
    assert_int_equal(field(copy, " ProcessID="), p->pid);
    assert_int_equal(field(copy, " ParentID="), p->parent_pid);
    assert_int_equal(field(copy, " UniqueProcessKey="), p->key);
    assert_int_equal((int32_t)field(copy, " ExitStatus="), p->exit_status);
    (void)snprintf(image, sizeof image, " ImageFileName=%.*s;", (int)p->image.bytes.len,
                   (const char *)p->image.bytes.data);
    assert_non_null(strstr(copy, image));
    // PerfView cuts a long command line; what it shows is its beginning.
    const char *command = strstr(copy, " CommandLine=") + strlen(" CommandLine=");
    size_t len = strcspn(command, ";"), dots = strcspn(command, ".");
    bool cut = dots < len && strncmp(command + len - 3, "...", 3) == 0;
    size_t n = cut ? len - 3 : len;
    assert_true(cut ? p->command.bytes.len / 2 > n : p->command.bytes.len / 2 == n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(seep_le16(p->command.bytes.data + 2 * i), (uint8_t)command[i]);
    return true;
}

static void fields_are_those_of_perfview(void **state)
{
    (void)state;
    char path[512];
    struct seep_buf text = { 0 }, bytes = { 0 };
    struct seep_etl_item item;
    unsigned n = 0;
    if (!testkit_data("etl/net.4.5.2.x64.baseline.txt", path, sizeof path))
        skip();
    assert_true(testkit_read_file(path, &text));
    assert_true(testkit_data("etl/net.4.5.2.x64.etl", path, sizeof path));
    assert_true(testkit_read_file(path, &bytes));
    struct seep_etl_merge *merge =
        seep_etl_merge_open(seep_bytes(bytes.data, bytes.len), NULL, NULL, NULL);
    while (seep_etl_merge_next(merge, &item) == SEEP_ETL_RECORD) {
        uint16_t hook = seep_kernel_hook(&item.record);
        struct seep_kernel_process process;
        if (hook != SEEP_HOOK_PROCESS_START && hook != SEEP_HOOK_PROCESS_DC_START)
            continue;
        assert_true(seep_kernel_process_read(&item.record, &process));
        bool start = hook == SEEP_HOOK_PROCESS_START;
        n += check_process(&text, &process, start ? "Process/Start" : "Process/DCStart");
    }
    assert_int_equal(n, 6);
    seep_etl_merge_close(merge);
    seep_buf_clear(&bytes);
    seep_buf_clear(&text);
}

// Every stack belongs to an event, and every reference to a key is resolved by a definition that
// comes later.
static void real_stacks_find_their_events(void **state)
{
    (void)state;
    char path[512];
    struct seep_buf bytes = { 0 };
    struct seep_intern times = { 0 }, waiting = { 0 };
    struct seep_etl_item item;
    uint64_t n_stacks = 0, n_references = 0, *open = NULL, n_open = 0;
    size_t capacity = 0;
    if (!testkit_data("etl/net.4.5.2.x64.etl", path, sizeof path))
        skip();
    assert_true(testkit_read_file(path, &bytes));
    for (int pass = 0; pass < 2; pass++) {
        struct seep_etl_merge *merge =
            seep_etl_merge_open(seep_bytes(bytes.data, bytes.len), NULL, NULL, NULL);
        while (seep_etl_merge_next(merge, &item) == SEEP_ETL_RECORD) {
            uint16_t hook = seep_kernel_hook(&item.record);
            struct seep_kernel_stack stack;
            if (hook < SEEP_HOOK_STACK || hook > SEEP_HOOK_STACK_KEY_USER) {
                if (!pass)
                    assert_true(seep_intern(&times, &item.record.time, 8));
                continue;
            }
            if (!pass)
                continue;
            assert_true(seep_kernel_stack_read(&item.record, hook, &stack));
            bool defines =
                hook == SEEP_HOOK_STACK_KEY_DELETE || hook == SEEP_HOOK_STACK_KEY_RUNDOWN;
            if (!defines) {
                n_stacks++;
                assert_true(seep_intern_find(&times, &stack.time, sizeof stack.time) != 0);
            }
            if (hook == SEEP_HOOK_STACK)
                continue;
            uint32_t id = seep_intern(&waiting, &stack.key, sizeof stack.key);
            assert_true(seep_grow(&open, &capacity, id, sizeof *open));
            if (id > n_open)
                open[n_open++] = 0;
            if (defines)
                open[id - 1] = 0;
            else
                open[id - 1]++;
            n_references += !defines;
        }
        seep_etl_merge_close(merge);
    }
    assert_true(n_stacks > 0 && n_references > 0);
    for (uint64_t i = 0; i < n_open; i++)
        assert_int_equal(open[i], 0);
    seep_intern_clear(&times);
    seep_intern_clear(&waiting);
    seep_free(open);
    seep_buf_clear(&bytes);
}

static void real_traces_have_no_loss_of_ours(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t losses; // that the session itself notes
    } files[] = {
        { "SelfDescribingSingleEvent", 0 },
        { "ShutdownPerfDiagLogger", 0 },
        { "diaghub", 0 },
        { "diaghub.kernel.1", 0 },
        { "image_data_32_v0", 0 },
        { "image_data_64_v2", 0 },
        { "net.4.5.2.x64", 0 },
        { "primitive-types", 0 },
        { "process_data_32_v3", 0 },
        { "process_data_64_v3", 0 },
        { "smallEtlFile-compressed-32", 0 },
        { "waasmedic-win11", 0 },
        { "WindowsUpdate-win11-4k-buffers", 1 },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512], name[80];
        struct seep_buf bytes = { 0 };
        struct etl_kit kit;
        (void)snprintf(name, sizeof name, "etl/%s.etl", files[i].name);
        if (!testkit_data(name, path, sizeof path))
            skip();
        assert_true(testkit_read_file(path, &bytes));
        etl_kit_read(&kit, bytes.data, bytes.len, ETL_AS_FITS);
        assert_int_equal(kit.status, SEEP_OK);
        assert_int_equal(kit.sink.n_harmful_losses, files[i].losses);
        if (files[i].losses)
            etl_kit_has(&kit, "loss lost-events 41");
        etl_kit_clear(&kit);
        seep_buf_clear(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_envelope_tells_the_same),
        cmocka_unit_test(losses_of_the_session_are_told),
        cmocka_unit_test(times_come_from_every_clock),
        cmocka_unit_test(keys_are_told_apart),
        cmocka_unit_test(keys_that_come_again_become_one),
        cmocka_unit_test(late_halves_find_their_event),
        cmocka_unit_test(an_address_means_the_image_of_its_time),
        cmocka_unit_test(virtual_memory_is_paired_by_pages),
        cmocka_unit_test(heaps_are_told_apart),
        cmocka_unit_test(pool_is_told_by_tag),
        cmocka_unit_test(handles_belong_to_who_holds_them),
        cmocka_unit_test(references_are_netted_by_tag),
        cmocka_unit_test(a_pid_is_one_life_after_another),
        cmocka_unit_test(short_events_cost_only_themselves),
        cmocka_unit_test(events_are_counted_by_provider),
        cmocka_unit_test(two_threads_tell_what_one_tells),
        cmocka_unit_test(the_planted_leak_is_the_largest_growth),
        cmocka_unit_test(counts_are_those_of_perfview),
        cmocka_unit_test(fields_are_those_of_perfview),
        cmocka_unit_test(real_stacks_find_their_events),
        cmocka_unit_test(real_traces_have_no_loss_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
