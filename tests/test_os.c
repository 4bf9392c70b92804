// SPDX-License-Identifier: MIT
// Tests of the contract with the operating system: files, clocks, children, and one sample.
#include "testkit.h"

#include "base/time.h"
#include "os/os.h"
#include "os/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char program[4096];

static void scratch_path(char *path, size_t size, const char *name)
{
    const char *root = getenv("SEEP_BUILD_ROOT");
    (void)snprintf(path, size, "%s/tests/%s", root ? root : ".", name);
}

static void write_file(const char *path, size_t len)
{
    struct seep_err err = { 0 };
    FILE *file = seep_os_create(path, &err);
    assert_non_null(file);
    for (size_t i = 0; i < len; i++)
        assert_int_not_equal(fputc((int)(i % 251), file), EOF);
    assert_int_equal(fclose(file), 0);
}

static void files_are_mapped_whole(void **state)
{
    (void)state;
    enum { LEN = 300001 };
    char path[4096];
    // A name that is not ASCII, and one with bytes that a text mode would change.
    scratch_path(path, sizeof path, "os-m\xc3\xa4p-\xe6\xbc\x8f\xe3\x82\x8c.tmp");
    write_file(path, LEN);
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    assert_true(seep_os_map(path, &map, &err));
    assert_int_equal(map.view.len, LEN);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < LEN; i++)
            assert_int_equal(map.view.data[i], i % 251);
        // What was given back can still be read.
        seep_os_map_done(&map, LEN / 2);
        seep_os_map_done(&map, SIZE_MAX);
    }
    seep_os_unmap(&map);
    assert_null(map.view.data);
}

static void an_empty_file_is_an_empty_view(void **state)
{
    (void)state;
    char path[4096];
    scratch_path(path, sizeof path, "os-empty.tmp");
    write_file(path, 0);
    struct seep_os_map map = { .view = { .len = 7 } };
    struct seep_err err = { 0 };
    assert_true(seep_os_map(path, &map, &err));
    assert_int_equal(map.view.len, 0);
    seep_os_map_done(&map, 0);
    seep_os_unmap(&map);
    (void)remove(path);
}

struct listed {
    char paths[3][4096];
    size_t n, most;
};

static bool list_file(void *ctx, const char *path)
{
    struct listed *listed = ctx;
    if (listed->n == listed->most)
        return false;
    (void)snprintf(listed->paths[listed->n++], sizeof listed->paths[0], "%s", path);
    return true;
}

// Whoever starts a program expands patterns on POSIX, the program itself on Windows.
static void patterns_are_the_files_that_match(void **state)
{
    (void)state;
    char pattern[4096], first[4096], second[4096];
    bool windows = strlen(program) > 4 && strcmp(program + strlen(program) - 4, ".exe") == 0;
    scratch_path(pattern, sizeof pattern, "os-each-?\xc3\xa4*.tmp");
    scratch_path(first, sizeof first, "os-each-1\xc3\xa4.tmp");
    scratch_path(second, sizeof second,
                 "os-each-2\xc3\xa4"
                 "b.tmp");
    write_file(first, 1);
    write_file(second, 1);
    struct listed listed = { .most = 3 };
    assert_true(seep_os_each_file(pattern, list_file, &listed));
    assert_int_equal(listed.n, windows ? 2 : 1);
    for (size_t i = 0; i < listed.n && windows; i++)
        assert_true(strcmp(listed.paths[i], first) == 0 || strcmp(listed.paths[i], second) == 0);
    if (!windows)
        assert_string_equal(listed.paths[0], pattern);
    assert_true(!windows || strcmp(listed.paths[0], listed.paths[1]) != 0);
    listed = (struct listed){ .most = 0 };
    assert_false(seep_os_each_file(pattern, list_file, &listed));
    (void)remove(first);
    (void)remove(second);
    // What matches nothing stays what it is, for the message about it.
    listed = (struct listed){ .most = 3 };
    scratch_path(pattern, sizeof pattern, "os-none-?*.tmp");
    assert_true(seep_os_each_file(pattern, list_file, &listed));
    assert_int_equal(listed.n, 1);
    assert_string_equal(listed.paths[0], pattern);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    char path[4096];
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    scratch_path(path, sizeof path, "no-such-file.tmp");
    assert_false(seep_os_map(path, &map, &err));
    assert_non_null(strstr(err.what, "cannot be opened"));
    assert_null(map.view.data);
    scratch_path(path, sizeof path, "");
    err = (struct seep_err){ 0 };
    assert_false(seep_os_map(path, &map, &err));
    assert_string_equal(err.what, "is not a regular file");
    scratch_path(path, sizeof path, "no-such-folder/file.tmp");
    err = (struct seep_err){ 0 };
    assert_null(seep_os_create(path, &err));
    assert_non_null(strstr(err.what, "cannot be written"));
}

static void clocks_go_on(void **state)
{
    (void)state;
    const int64_t start = seep_os_monotonic_ns(), wall = seep_os_now_ns();
    const int64_t nap = 50000000;
    assert_true(wall > INT64_C(1577836800) * SEEP_NS_PER_S); // 2020
    seep_os_sleep_until(start + nap, NULL);
    assert_true(seep_os_monotonic_ns() - start >= nap);
    assert_true(seep_os_now_ns() - wall >= nap / 2);
    // A flag that is set ends the sleep at once.
    const volatile sig_atomic_t wake = 1;
    int64_t before = seep_os_monotonic_ns();
    seep_os_sleep_until(before + 60 * SEEP_NS_PER_S, &wake);
    assert_true(seep_os_monotonic_ns() - before < 10 * SEEP_NS_PER_S);
}

static void cpu_time_counts_work(void **state)
{
    (void)state;
    int64_t before = seep_os_cpu_ns(), start = seep_os_monotonic_ns();
    volatile unsigned work = 0;
    while (seep_os_monotonic_ns() - start < 200000000)
        work = work + 1;
    int64_t used = seep_os_cpu_ns() - before;
    assert_true(used > 20000000);
    before = seep_os_cpu_ns();
    seep_os_sleep_until(seep_os_monotonic_ns() + 200000000, NULL);
    assert_true(seep_os_cpu_ns() - before < 100000000);
}

static void an_interrupt_sets_the_flag(void **state)
{
    (void)state;
    const volatile sig_atomic_t *flag = seep_os_catch_interrupt();
    assert_int_equal(*flag, 0);
    if (strcmp(seep_os_live_name(), "live-linux") != 0)
        skip(); // Ctrl-C is no signal there
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(*flag, 1);
}

static int wait_for(struct seep_os_child *child)
{
    int status = -1;
    int64_t limit = seep_os_monotonic_ns() + 30 * SEEP_NS_PER_S;
    while (!seep_os_child_ended(child, &status)) {
        assert_true(seep_os_monotonic_ns() < limit);
        seep_os_sleep_until(seep_os_monotonic_ns() + 10000000, NULL);
    }
    return status;
}

static void children_start_and_end(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    struct seep_os_child child = { 0 };
    char *const argv[] = { program, (char *)"--exit", (char *)"7", NULL };
    assert_true(seep_os_spawn(argv, &child, &err));
    assert_int_not_equal(child.pid, 0);
    assert_int_equal(wait_for(&child), 7);
    int again = 0;
    assert_true(seep_os_child_ended(&child, &again));
    assert_int_equal(again, 7);
    seep_os_child_release(&child);
    assert_null(child.handle);
}

// The child checks that it got exactly these (see main).
static char *const hard_arguments[] = { (char *)"--echo",
                                        (char *)"",
                                        (char *)"two words",
                                        (char *)"quote \" inside",
                                        (char *)"back\\slash\\",
                                        (char *)"both \\\" and \\\\\"",
                                        (char *)"trailing space \\",
                                        (char *)"caf\xc3\xa9 \xe6\xbc\x8f\xe3\x82\x8c",
                                        (char *)"100% ^& | <x>",
                                        (char *)"tab\there" };
enum { N_HARD = sizeof hard_arguments / sizeof *hard_arguments };

static void arguments_arrive_as_given(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    struct seep_os_child child = { 0 };
    char *argv[N_HARD + 2] = { program };
    for (size_t i = 0; i < N_HARD; i++)
        argv[i + 1] = hard_arguments[i];
    assert_true(seep_os_spawn(argv, &child, &err));
    assert_int_equal(wait_for(&child), 42);
    seep_os_child_release(&child);
}

static int check_echo(int argc, char **argv)
{
    if (argc != N_HARD + 1)
        return 50;
    for (int i = 0; i < N_HARD; i++) {
        if (strcmp(argv[i + 1], hard_arguments[i]) != 0)
            return 51 + i;
    }
    return 42;
}

static void a_missing_program_is_an_error(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    struct seep_os_child child = { 0 };
    char *const argv[] = { (char *)"no-such-program-anywhere", NULL };
    assert_false(seep_os_spawn(argv, &child, &err));
    assert_non_null(strstr(err.what, "cannot start 'no-such-program-anywhere'"));
    assert_int_equal(child.pid, 0);
}

static void the_machine_is_known(void **state)
{
    (void)state;
    struct seep_os_machine m, again;
    struct seep_err err = { 0 };
    assert_true(seep_os_machine(&m, &err));
    assert_true(m.host[0] && m.os[0] && m.os_version[0]);
    assert_true(m.ram_bytes > 64 << 20);
    assert_true(m.page_size_bytes >= 4096);
    assert_true(m.n_processors >= 1);
    assert_true(m.boot_ns > 0 && m.boot_ns < seep_os_now_ns());
    assert_true(seep_os_machine(&again, &err));
    assert_true(again.boot_ns == m.boot_ns);
}

static const struct seep_os_process *find(const struct seep_os_sample *sample, uint32_t pid)
{
    for (size_t i = 0; i < sample->n_processes; i++) {
        if (sample->processes[i].pid == pid)
            return &sample->processes[i];
    }
    return NULL;
}

// A number is known exactly where the sampler names its field.
static void check_field(const char *field, uint64_t number)
{
    if (field)
        assert_true(number != SEEP_OS_UNKNOWN);
    else
        assert_true(number == SEEP_OS_UNKNOWN);
}

static void a_sample_shows_a_child(void **state)
{
    (void)state;
    struct seep_err err = { 0 };
    struct seep_os_sampler *sampler = NULL;
    struct seep_os_sample sample;
    struct seep_os_child child = { 0 };
    char *const argv[] = { program, (char *)"--sleep", NULL };
    int64_t before = seep_os_now_ns();
    assert_true(seep_os_spawn(argv, &child, &err));
    int64_t after = seep_os_now_ns();
    assert_true(seep_os_sampler_open(&sampler, &err));
    int64_t start = 0;
    for (int pass = 0; pass < 3; pass++) {
        assert_true(seep_os_sampler_take(sampler, &sample, &err));
        const struct seep_os_process *p = find(&sample, child.pid);
        assert_non_null(p);
        if (pass)
            assert_true(p->start_ns == start);
        start = p->start_ns;
        // The kernel counts starts in ticks, and the boot time may be in whole seconds.
        assert_true(start > before - 2 * SEEP_NS_PER_S && start < after + 2 * SEEP_NS_PER_S);
        assert_non_null(strstr(p->image, "test_os"));
        assert_false(p->zombie);
        struct seep_os_process_fields of;
        struct seep_os_totals_fields total;
        seep_os_sampler_fields(sampler, &of, &total);
        check_field(of.private_bytes, p->private_bytes);
        check_field(of.virtual_bytes, p->virtual_bytes);
        check_field(of.working_set_bytes, p->working_set_bytes);
        check_field(of.handles, p->handles);
        check_field(of.threads, p->threads);
        check_field(of.gdi_objects, p->gdi_objects);
        check_field(of.user_objects, p->user_objects);
        check_field(of.paged_pool_bytes, p->paged_pool_bytes);
        check_field(of.nonpaged_pool_bytes, p->nonpaged_pool_bytes);
        check_field(of.zombies, p->zombies);
        check_field(total.commit_bytes, sample.totals.commit_bytes);
        check_field(total.commit_limit_bytes, sample.totals.commit_limit_bytes);
        check_field(total.available_bytes, sample.totals.available_bytes);
        check_field(total.paged_pool_bytes, sample.totals.paged_pool_bytes);
        check_field(total.nonpaged_pool_bytes, sample.totals.nonpaged_pool_bytes);
        check_field(total.pagefile_usage, sample.totals.pagefile_used_bytes);
        check_field(total.zombies, sample.totals.zombies);
        assert_true(p->threads >= 1 && p->threads < 64);
        assert_true(p->private_bytes > 0 && p->private_bytes < (uint64_t)1 << 30);
        assert_true(p->virtual_bytes > p->private_bytes);
        assert_true(p->handles > 0 && p->handles < 1000);
        assert_true(sample.totals.available_bytes <= sample.totals.ram_bytes);
        assert_true(sample.t_ns >= before);
    }
    // A second sampler tells the same start.
    struct seep_os_sampler *other = NULL;
    assert_true(seep_os_sampler_open(&other, &err));
    assert_true(seep_os_sampler_take(other, &sample, &err));
    assert_true(find(&sample, child.pid)->start_ns == start);
    seep_os_sampler_close(other);
    assert_int_equal(wait_for(&child), 0);
    seep_os_child_release(&child);
    assert_true(seep_os_sampler_take(sampler, &sample, &err));
    assert_null(find(&sample, child.pid));
    seep_os_sampler_close(sampler);
}

static void the_samplers_own_files_are_not_counted(void **state)
{
    (void)state;
    enum { N = 12 };
    struct seep_err err = { 0 };
    struct seep_os_sampler *sampler = NULL;
    struct seep_os_sample sample;
    struct seep_os_child children[N];
    char *const argv[] = { program, (char *)"--sleep", NULL };
    assert_true(seep_os_sampler_open(&sampler, &err));
    assert_true(seep_os_sampler_take(sampler, &sample, &err));
    uint32_t own = 0;
    for (int i = 0; i < N; i++)
        assert_true(seep_os_spawn(argv, &children[i], &err));
    assert_true(seep_os_sampler_take(sampler, &sample, &err));
    own = find(&sample, children[0].pid)->parent_pid;
    uint64_t first = find(&sample, own)->handles;
    for (int i = 0; i < N; i++) {
        (void)wait_for(&children[i]);
        seep_os_child_release(&children[i]);
    }
    assert_true(seep_os_sampler_take(sampler, &sample, &err));
    uint64_t last = find(&sample, own)->handles;
    // A child's own handles are released above; what the sampler keeps for one would be more.
    assert_true(first >= last && first - last <= 2 * N);
    seep_os_sampler_close(sampler);
}

int main(int argc, char **argv)
{
    if (!seep_os_arguments(argc, argv, &argc, &argv))
        return 1;
    if (argc > 2 && strcmp(argv[1], "--exit") == 0)
        return (int)strtol(argv[2], NULL, 10);
    if (argc > 1 && strcmp(argv[1], "--echo") == 0)
        return check_echo(argc, argv);
    if (argc > 1 && strcmp(argv[1], "--sleep") == 0) {
        seep_os_sleep_until(seep_os_monotonic_ns() + SEEP_NS_PER_S, NULL);
        return 0;
    }
    (void)snprintf(program, sizeof program, "%s", argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_mapped_whole),
        cmocka_unit_test(an_empty_file_is_an_empty_view),
        cmocka_unit_test(patterns_are_the_files_that_match),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(clocks_go_on),
        cmocka_unit_test(cpu_time_counts_work),
        cmocka_unit_test(children_start_and_end),
        cmocka_unit_test(arguments_arrive_as_given),
        cmocka_unit_test(a_missing_program_is_an_error),
        cmocka_unit_test(the_machine_is_known),
        cmocka_unit_test(an_interrupt_sets_the_flag),
        cmocka_unit_test(a_sample_shows_a_child),
        cmocka_unit_test(the_samplers_own_files_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
