// SPDX-License-Identifier: MIT
// Tests of the live source, on programs that really leak (tests/specimens).
#include "testkit.h"

#include "base/alloc.h"
#include "base/time.h"
#include "os/os.h"
#include "os/sample.h"
#include "source/live/filter.h"
#include "source/live/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PROCESSES = 8192, MAX_SERIES = 65536, MAX_IMAGE = 64 };

// A sink that keeps everything, so that tests can ask for it.
struct recorded_process {
    uint32_t pid, parent_pid;
    int64_t start_ns, end_ns;
    char image[MAX_IMAGE];
};

struct recorded_series {
    struct seep_subject subject;
    enum seep_metric metric;
    char name[MAX_IMAGE];
    struct seep_points points;
};

struct recorder {
    struct seep_sink sink;
    struct recorded_process processes[MAX_PROCESSES];
    struct recorded_series series[MAX_SERIES];
    size_t n_processes, n_series, n_ticks;
    int64_t tick_ns;
    char host[256];
    char notes[4096];
};

static struct recorder *self(struct seep_sink *sink)
{
    return (struct recorder *)sink;
}

static bool on_machine(struct seep_sink *sink, const struct seep_machine *m,
                       struct seep_machine_id *id)
{
    (void)snprintf(self(sink)->host, sizeof self(sink)->host, "%s", m->host);
    id->v = 1;
    return true;
}

static bool on_process(struct seep_sink *sink, const struct seep_process *p,
                       struct seep_process_id *id)
{
    struct recorder *r = self(sink);
    size_t i = 0;
    while (i < r->n_processes &&
           (r->processes[i].pid != p->pid || r->processes[i].start_ns != p->start_ns))
        i++;
    assert_true(i < MAX_PROCESSES);
    if (i == r->n_processes)
        r->n_processes++;
    struct recorded_process *kept = &r->processes[i];
    *kept = (struct recorded_process){
        .pid = p->pid, .parent_pid = p->parent_pid, .start_ns = p->start_ns, .end_ns = SEEP_NO_TIME
    };
    (void)snprintf(kept->image, sizeof kept->image, "%s", p->image);
    id->v = (uint32_t)i + 1;
    return true;
}

static bool on_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    struct recorded_process *p = &self(sink)->processes[id.v - 1];
    assert_true(p->end_ns == SEEP_NO_TIME);
    p->end_ns = end_ns;
    return true;
}

static bool on_series(struct seep_sink *sink, const struct seep_series *s,
                      struct seep_series_id *id)
{
    struct recorder *r = self(sink);
    assert_true(r->n_series < MAX_SERIES);
    assert_non_null(s->counter);
    struct recorded_series *kept = &r->series[r->n_series++];
    kept->subject = s->subject;
    kept->metric = s->metric;
    (void)snprintf(kept->name, sizeof kept->name, "%s", s->subject.name ? s->subject.name : "");
    id->v = (uint32_t)r->n_series;
    return true;
}

static bool on_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    struct recorder *r = self(sink);
    assert_int_equal(machine.v, 1);
    assert_true(t_ns >= r->tick_ns); // time never goes back
    r->tick_ns = t_ns;
    r->n_ticks++;
    return true;
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id id, double value)
{
    struct recorder *r = self(sink);
    assert_true(id.v >= 1 && id.v <= r->n_series);
    struct seep_points *points = &r->series[id.v - 1].points;
    // One value a moment.
    if (points->count)
        assert_true(points->at[points->count - 1].t_ns < r->tick_ns);
    return seep_points_add(points, r->tick_ns, value);
}

static bool on_loss(struct seep_sink *sink, const struct seep_loss *loss)
{
    struct recorder *r = self(sink);
    size_t len = strlen(r->notes);
    (void)snprintf(r->notes + len, sizeof r->notes - len, "%s: %s\n", loss->what, loss->text);
    return true;
}

static const struct seep_sink_ops recorder_ops = {
    .machine = on_machine,
    .process = on_process,
    .process_end = on_process_end,
    .series = on_series,
    .tick = on_tick,
    .sample = on_sample,
    .loss = on_loss,
};

// What a test works with: a recorder, the live source on top, a child.
struct fixture {
    struct recorder *recorder;
    struct seep_live *live;
    struct seep_os_child child;
    struct seep_err err;
};

static int set_up(void **state)
{
    struct fixture *f = seep_alloc(1, sizeof *f);
    f->recorder = seep_alloc(1, sizeof *f->recorder);
    f->recorder->sink.ops = &recorder_ops;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    seep_live_close(f->live);
    seep_os_child_release(&f->child);
    for (size_t i = 0; i < f->recorder->n_series; i++)
        seep_points_clear(&f->recorder->series[i].points);
    seep_free(f->recorder);
    seep_free(f);
    return 0;
}

static void nap(double seconds)
{
    seep_os_sleep_until(seep_os_monotonic_ns() + (int64_t)(seconds * 1e9), NULL);
}

static void spawn(struct fixture *f, const char *name, const char *rate, const char *seconds)
{
    char path[4096];
    const char *root = getenv("SEEP_BUILD_ROOT");
    (void)snprintf(path, sizeof path, "%s/tests/specimens/%s", root ? root : ".", name);
    char *const argv[] = { path,
                           (char *)"--rate",
                           (char *)(uintptr_t)rate,
                           (char *)"--seconds",
                           (char *)(uintptr_t)seconds,
                           NULL };
    assert_true(seep_os_spawn(argv, &f->child, &f->err));
    nap(0.3);
}

static void end_child(struct fixture *f)
{
    int status = -1;
    int64_t limit = seep_os_monotonic_ns() + 30 * SEEP_NS_PER_S;
    while (!seep_os_child_ended(&f->child, &status)) {
        assert_true(seep_os_monotonic_ns() < limit);
        nap(0.01);
    }
    assert_int_equal(status, 0);
    seep_os_child_release(&f->child);
}

static void open_live(struct fixture *f, uint32_t pid, const char *pattern, double heartbeat_s)
{
    const struct seep_live_options options = { .pids = &pid,
                                               .n_pids = pid != 0,
                                               .name_pattern = pattern,
                                               .heartbeat_ns = (int64_t)(heartbeat_s * 1e9) };
    assert_true(seep_live_open(&f->live, &options, &f->recorder->sink, &f->err));
    assert_true(seep_live_last_ns(f->live) == SEEP_NO_TIME);
}

static void take(struct fixture *f)
{
    if (!seep_live_take(f->live, &f->err))
        fail_msg("no sample: %s", f->err.what);
}

static const struct recorded_process *process(const struct fixture *f, uint32_t pid)
{
    for (size_t i = f->recorder->n_processes; i-- > 0;) {
        if (f->recorder->processes[i].pid == pid)
            return &f->recorder->processes[i];
    }
    return NULL;
}

// Whether the image begins like this: on Windows it ends in ".exe".
static bool is_image(const struct recorded_process *p, const char *name)
{
    return p && strstr(p->image, name) == p->image;
}

static const struct seep_points *points(const struct fixture *f, uint32_t pid,
                                        enum seep_metric metric)
{
    const struct recorder *r = f->recorder;
    for (size_t i = 0; i < r->n_series; i++) {
        const struct recorded_series *s = &r->series[i];
        if (s->metric != metric)
            continue;
        if (pid == 0 ? s->subject.kind == SEEP_SUBJECT_MACHINE
                     : s->subject.kind == SEEP_SUBJECT_PROCESS &&
                           r->processes[s->subject.process.v - 1].pid == pid)
            return &s->points;
    }
    return NULL;
}

// Watches a specimen for a while: the number that leaks has to grow at about its rate.
static void check_growth(struct fixture *f, const char *name, const char *rate,
                         enum seep_metric metric)
{
    spawn(f, name, rate, "2.5");
    uint32_t pid = f->child.pid;
    open_live(f, pid, NULL, 0);
    for (int i = 0; i < 8; i++) {
        take(f);
        nap(0.2);
    }
    assert_int_equal(seep_live_n_processes(f->live), 1);
    const struct seep_points *p = points(f, pid, metric);
    assert_non_null(p);
    assert_int_equal(p->count, 8);
    double grown = p->at[7].value - p->at[0].value;
    double seconds = (double)(p->at[7].t_ns - p->at[0].t_ns) / 1e9;
    double expected = strtod(rate, NULL) * seconds;
    if (!(grown > 0.6 * expected && grown < 1.5 * expected))
        fail_msg("%s grew by %g in %g s, expected %g", name, grown, seconds, expected);
    for (size_t i = 1; i < p->count; i++)
        assert_true(p->at[i].value >= p->at[i - 1].value);
    end_child(f);
}

static void private_memory_grows_with_a_leak(void **state)
{
    check_growth(*state, "leak_private", "20000000", SEEP_METRIC_PRIVATE_BYTES);
}

static void address_space_grows_with_a_leak(void **state)
{
    struct fixture *f = *state;
    check_growth(f, "leak_reserve", "50000000", SEEP_METRIC_VIRTUAL_BYTES);
}

static void handles_grow_with_a_leak(void **state)
{
    check_growth(*state, "leak_handles", "200", SEEP_METRIC_HANDLES);
}

static void threads_grow_with_a_leak(void **state)
{
    check_growth(*state, "leak_threads", "40", SEEP_METRIC_THREADS);
}

static void zombies_count_for_their_holder(void **state)
{
    struct fixture *f = *state;
    spawn(f, "leak_zombies", "20", "6");
    uint32_t pid = f->child.pid;
    open_live(f, pid, NULL, 0);
    const struct seep_points *held = NULL;
    double grown = 0;
    for (int i = 0; i < 12 && grown <= 12; i++) { // a busy machine starts fewer than asked for
        take(f);
        nap(0.4);
        held = points(f, pid, SEEP_METRIC_ZOMBIES);
        grown = held ? held->at[held->count - 1].value - held->at[0].value : 0;
    }
    const struct seep_points *all = points(f, 0, SEEP_METRIC_ZOMBIES);
    assert_non_null(held);
    assert_non_null(all);
    assert_true(grown > 12 && grown < 60);
    assert_true(all->at[all->count - 1].value >= held->at[held->count - 1].value);
    end_child(f);
    take(f);
    assert_true(process(f, pid)->end_ns == seep_live_last_ns(f->live));
}

static void a_process_is_told_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct seep_os_machine machine;
    assert_true(seep_os_machine(&machine, &f->err));
    spawn(f, "steady", "1", "1.5");
    open_live(f, 0, NULL, 60);
    take(f);
    const struct recorded_process *child = process(f, f->child.pid);
    assert_non_null(child);
    assert_true(is_image(child, "steady"));
    int64_t age = seep_os_now_ns() - child->start_ns;
    assert_true(age > -2 * SEEP_NS_PER_S && age < 10 * SEEP_NS_PER_S);
    const struct recorded_process *own = process(f, child->parent_pid);
    assert_non_null(own);
    assert_true(is_image(own, "test_live"));
    assert_true(own->start_ns <= child->start_ns);
    const struct seep_points *threads = points(f, child->parent_pid, SEEP_METRIC_THREADS);
    assert_non_null(threads);
    assert_true(threads->at[0].value >= 1);
    assert_string_equal(f->recorder->host, machine.host);
    assert_int_equal(seep_live_n_processes(f->live), f->recorder->n_processes);
    assert_true(f->recorder->n_processes >= 2);
    end_child(f);
}

static void only_changes_are_stored(void **state)
{
    struct fixture *f = *state;
    spawn(f, "steady", "0", "2");
    uint32_t pid = f->child.pid;
    open_live(f, pid, NULL, 3600);
    for (int i = 0; i < 5; i++) {
        take(f);
        nap(0.05);
    }
    const struct seep_points *threads = points(f, pid, SEEP_METRIC_THREADS);
    const struct seep_points *memory = points(f, pid, SEEP_METRIC_PRIVATE_BYTES);
    assert_int_equal(threads->count, 1);
    assert_in_range(memory->count, 1, 2);
    assert_true(memory->at[0].value >= 16 << 20);
    int64_t last_ns = seep_live_last_ns(f->live);
    end_child(f);
    take(f);
    // The end tells how far the series reaches: to the last sample that saw the process.
    const struct recorded_process *child = process(f, pid);
    assert_true(child->end_ns == seep_live_last_ns(f->live));
    assert_int_equal(threads->count, 2);
    assert_true(threads->at[1].t_ns == last_ns && threads->at[1].value == threads->at[0].value);
    assert_int_equal(seep_live_n_processes(f->live), 0);
    assert_true(seep_live_finish(f->live, &f->err));
    assert_int_equal(threads->count, 2);
    const struct seep_points *limit = points(f, 0, SEEP_METRIC_COMMIT_LIMIT_BYTES);
    assert_int_equal(limit->count, 2);
    assert_true(limit->at[1].t_ns == seep_live_last_ns(f->live));
}

static void a_heartbeat_repeats_values(void **state)
{
    struct fixture *f = *state;
    spawn(f, "steady", "0", "2");
    open_live(f, f->child.pid, NULL, 0.25);
    for (int i = 0; i < 10; i++) {
        take(f);
        nap(0.1);
    }
    const struct seep_points *threads = points(f, f->child.pid, SEEP_METRIC_THREADS);
    assert_in_range(threads->count, 3, 5);
    // A pause longer than the heartbeat is seen: a point at each side of it.
    size_t before = threads->count;
    int64_t last_ns = seep_live_last_ns(f->live);
    take(f);
    last_ns = seep_live_last_ns(f->live);
    before = threads->count;
    bool was_stored = threads->at[before - 1].t_ns == last_ns;
    nap(0.4);
    take(f);
    assert_int_equal(threads->count, before + (was_stored ? 1 : 2));
    assert_true(threads->at[threads->count - 2].t_ns == last_ns);
    assert_true(threads->at[threads->count - 1].t_ns == seep_live_last_ns(f->live));
    end_child(f);
}

static void a_name_selects_processes(void **state)
{
    struct fixture *f = *state;
    spawn(f, "steady", "1", "1");
    open_live(f, 0, "STEAD?*", 60);
    take(f);
    assert_true(seep_live_n_processes(f->live) >= 1);
    assert_non_null(process(f, f->child.pid));
    for (size_t i = 0; i < f->recorder->n_processes; i++)
        assert_true(is_image(&f->recorder->processes[i], "steady"));
    assert_non_null(points(f, 0, SEEP_METRIC_COMMIT_BYTES));
    end_child(f);
}

static void an_exec_renames_a_process(void **state)
{
    struct fixture *f = *state;
    if (strcmp(seep_os_live_name(), "live-linux") != 0)
        skip(); // a process keeps its image there
    char *const argv[] = { (char *)"sh", (char *)"-c", (char *)"sleep 0.5; exec sleep 0.7", NULL };
    assert_true(seep_os_spawn(argv, &f->child, &f->err));
    uint32_t pid = f->child.pid;
    open_live(f, pid, NULL, 60);
    nap(0.1);
    take(f);
    take(f);
    assert_true(is_image(process(f, pid), "sh"));
    int64_t start_ns = process(f, pid)->start_ns;
    nap(0.7);
    take(f);
    assert_true(is_image(process(f, pid), "sleep"));
    assert_true(process(f, pid)->start_ns == start_ns);
    assert_non_null(points(f, pid, SEEP_METRIC_PRIVATE_BYTES));
    end_child(f);
}

static char program[4096];

static void the_children_of_a_pid_are_followed(void **state)
{
    struct fixture *f = *state;
    // The first child starts another one soon after the first sample.
    char *const argv[] = { program, (char *)"--parent", NULL };
    assert_true(seep_os_spawn(argv, &f->child, &f->err));
    uint32_t pid = f->child.pid;
    open_live(f, pid, NULL, 60);
    take(f);
    size_t at_first = f->recorder->n_processes;
    assert_true(at_first >= 1);
    nap(1.0);
    take(f);
    assert_int_equal(seep_live_n_processes(f->live), 2);
    bool found = false;
    for (size_t i = 0; i < f->recorder->n_processes; i++) {
        const struct recorded_process *p = &f->recorder->processes[i];
        found = found || (p->parent_pid == pid && is_image(p, "test_live"));
        assert_true(p->pid == pid || p->parent_pid == pid);
    }
    assert_true(found);
    end_child(f);
}

static int be_parent(void)
{
    struct seep_err err;
    struct seep_os_child child;
    char *const argv[] = { program, (char *)"--sleep", NULL };
    nap(0.4);
    if (!seep_os_spawn(argv, &child, &err))
        return 1;
    nap(1.5);
    int status;
    while (!seep_os_child_ended(&child, &status))
        nap(0.05);
    return status;
}

static void names_fit_patterns(void **state)
{
    (void)state;
    assert_true(seep_live_name_fits("note", "Notepad.exe"));
    assert_true(seep_live_name_fits("PAD.EXE", "notepad.exe"));
    assert_true(seep_live_name_fits("", "x"));
    assert_true(seep_live_name_fits("", ""));
    assert_false(seep_live_name_fits("notepad.exe2", "notepad.exe"));
    assert_true(seep_live_name_fits("aab", "aaab"));
    assert_true(seep_live_name_fits("*.exe", "notepad.EXE"));
    assert_false(seep_live_name_fits("note?", "notepad"));
    assert_true(seep_live_name_fits("n*t*d", "notepad"));
    assert_true(seep_live_name_fits("*ab*ab?", "abababx"));
    assert_false(seep_live_name_fits("*ab*ac", "ababab"));
    assert_true(seep_live_name_fits("*", ""));
    assert_false(seep_live_name_fits("?", ""));
    char name[2048], pattern[2048];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i + 2 < sizeof pattern; i += 2)
        memcpy(pattern + i, "*a", 3);
    memcpy(pattern + 1000, "*b", 3);
    assert_false(seep_live_name_fits(pattern, name)); // and soon
}

static bool refuse_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    (void)machine;
    (void)t_ns;
    return seep_fail(&sink->error, SEEP_NO_OFFSET, NULL, "the disk is full");
}

static void a_sink_that_refuses_ends_it(void **state)
{
    struct fixture *f = *state;
    static const struct seep_sink_ops refusing = { .tick = refuse_tick };
    f->recorder->sink.ops = &refusing;
    open_live(f, 0, NULL, 60);
    assert_false(seep_live_take(f->live, &f->err));
    assert_string_equal(f->err.what, "the disk is full");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    if (!seep_os_arguments(argc, argv, &argc, &argv))
        return 1;
    (void)snprintf(program, sizeof program, "%s", argv[0]);
    if (argc > 1 && strcmp(argv[1], "--sleep") == 0) {
        nap(1.0);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--parent") == 0)
        return be_parent();
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(private_memory_grows_with_a_leak),
        WITH_FIXTURE(address_space_grows_with_a_leak),
        WITH_FIXTURE(handles_grow_with_a_leak),
        WITH_FIXTURE(threads_grow_with_a_leak),
        WITH_FIXTURE(zombies_count_for_their_holder),
        WITH_FIXTURE(a_process_is_told_as_it_is),
        WITH_FIXTURE(only_changes_are_stored),
        WITH_FIXTURE(a_heartbeat_repeats_values),
        WITH_FIXTURE(a_name_selects_processes),
        WITH_FIXTURE(the_children_of_a_pid_are_followed),
        WITH_FIXTURE(an_exec_renames_a_process),
        WITH_FIXTURE(a_sink_that_refuses_ends_it),
        cmocka_unit_test(names_fit_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
