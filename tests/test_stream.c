// SPDX-License-Identifier: MIT
// Tests of judging while recording: it says what the batch judge says, alarms do not flicker, and
// neither memory nor cost grows with the length of the recording.
#include "testkit.h"

#include "base/alloc.h"
#include "base/time.h"
#include "detect/alarm.h"
#include "detect/judge.h"
#include "detect/stream.h"
#include "series_gen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 INT64_C(1772366400000000000)
#define S SEEP_NS_PER_S
#define MB 1e6

enum { MAX_SERIES = 256, HEARTBEAT = 180 };

// A sink that keeps what a case would, so that the batch judge can be asked about it.
struct keeper {
    struct seep_sink sink;
    struct gen_data gen;
    int64_t tick_ns;
    bool refuse;
};

static struct keeper *self(struct seep_sink *sink)
{
    return (struct keeper *)sink;
}

static bool on_machine(struct seep_sink *sink, const struct seep_machine *machine,
                       struct seep_machine_id *id)
{
    *id = gen_machine(&self(sink)->gen, machine->host);
    return true;
}

static bool on_process(struct seep_sink *sink, const struct seep_process *process,
                       struct seep_process_id *id)
{
    *id = gen_process(&self(sink)->gen, process->machine, process->image, process->pid,
                      process->start_ns);
    return true;
}

static bool on_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    self(sink)->gen.processes[id.v - 1].end_ns = end_ns;
    return true;
}

static bool on_series(struct seep_sink *sink, const struct seep_series *series,
                      struct seep_series_id *id)
{
    const struct seep_subject *s = &series->subject;
    id->v = (uint32_t)gen_add(&self(sink)->gen, s->machine, s->kind, s->process, s->name,
                              series->metric) +
            1;
    return true;
}

static bool on_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    (void)machine;
    self(sink)->tick_ns = t_ns;
    return true;
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id id, double value)
{
    struct keeper *k = self(sink);
    if (k->refuse)
        return seep_fail(&sink->error, SEEP_NO_OFFSET, NULL, "the disk is full");
    return seep_points_add(gen_points(&k->gen, id.v - 1), k->tick_ns, value);
}

static const struct seep_sink_ops keeper_ops = { .machine = on_machine,
                                                 .process = on_process,
                                                 .process_end = on_process_end,
                                                 .series = on_series,
                                                 .tick = on_tick,
                                                 .sample = on_sample };

// A recorder as the live source is one: points on change, a heartbeat, a last point at the end.
struct subject {
    struct seep_process_id process;
    struct seep_series_id series;
    double last;
    int64_t seen_ns;
    unsigned stored; // look of its newest point
    bool there;
};

struct recorder {
    struct keeper keeper;
    struct seep_stream *stream;
    struct seep_sink *sink;
    struct seep_machine_id machine;
    struct subject subjects[MAX_SERIES];
    size_t n;
    unsigned look;
    int64_t t_ns;
    unsigned n_raised, n_withdrawn;
    unsigned raised_at, withdrawn_at; // looks of the newest
    char said[256];
};

static void on_alarm(void *ctx, const struct seep_stream_alarm *alarm)
{
    struct recorder *r = ctx;
    if (alarm->raised) {
        r->n_raised++;
        r->raised_at = r->look;
        (void)snprintf(r->said, sizeof r->said, "%s (%u): %s after %.0f s", alarm->finding->name,
                       alarm->finding->pid, alarm->metric_words, alarm->after_s);
    } else {
        r->n_withdrawn++;
        r->withdrawn_at = r->look;
    }
}

static void recorder_open(struct recorder *r)
{
    *r = (struct recorder){ .keeper = { .sink = { .ops = &keeper_ops } }, .t_ns = T0 };
    gen_data_init(&r->keeper.gen);
    const struct seep_stream_options options = { on_alarm, r };
    assert_true(seep_stream_open(&r->stream, &r->keeper.sink, &options, NULL));
    r->sink = seep_stream_sink(r->stream);
    const struct seep_machine machine = { .host = "SRV01", .boot_ns = SEEP_NO_TIME };
    assert_true(seep_sink_machine(r->sink, &machine, &r->machine));
}

static void recorder_close(struct recorder *r)
{
    seep_stream_close(r->stream);
    gen_data_clear(&r->keeper.gen);
}

// A process with one series, or (pid 0) a series of the machine.
static struct subject *begin(struct recorder *r, const char *image, uint32_t pid,
                             enum seep_metric metric)
{
    struct subject *s = NULL;
    for (size_t i = 0; i < r->n && !s; i++)
        s = r->subjects[i].series.v ? NULL : &r->subjects[i];
    if (!s) {
        assert_true(r->n < MAX_SERIES);
        s = &r->subjects[r->n++];
    }
    *s = (struct subject){ .there = true };
    if (pid) {
        const struct seep_process process = { .machine = r->machine,
                                              .pid = pid,
                                              .has_pid = true,
                                              .start_ns = r->t_ns,
                                              .end_ns = SEEP_NO_TIME,
                                              .image = image };
        assert_true(seep_sink_process(r->sink, &process, &s->process));
    }
    const struct seep_series series = { .subject = { pid ? SEEP_SUBJECT_PROCESS
                                                         : SEEP_SUBJECT_MACHINE,
                                                     r->machine, s->process, NULL },
                                        .metric = metric };
    assert_true(seep_sink_series(r->sink, &series, &s->series));
    return s;
}

static void end(struct recorder *r, struct subject *s)
{
    if (s->stored < r->look) {
        assert_true(seep_sink_tick(r->sink, r->machine, r->t_ns));
        assert_true(seep_sink_sample(r->sink, s->series, s->last));
    }
    assert_true(seep_sink_process_end(r->sink, s->process, r->t_ns + S / 2));
    *s = (struct subject){ 0 };
}

static void next_look(struct recorder *r, double after_s)
{
    r->t_ns += (int64_t)(after_s * 1e9);
    r->look++;
    assert_true(seep_sink_tick(r->sink, r->machine, r->t_ns));
}

static void see(struct recorder *r, struct subject *s, double value)
{
    bool point = !s->seen_ns || value != s->last || r->look - s->stored >= HEARTBEAT;
    s->last = value;
    s->seen_ns = r->t_ns;
    if (!point)
        return;
    s->stored = r->look;
    assert_true(seep_sink_sample(r->sink, s->series, value));
}

// What the batch judge says of the recording if it ended here.
static struct seep_judgement batch(struct recorder *r)
{
    struct gen_data *gen = &r->keeper.gen;
    static bool added[65536];
    struct seep_judgement judgement;
    assert_true(gen->data.n_series < sizeof added);
    memset(added, 0, sizeof added);
    for (size_t i = 0; i < r->n; i++) {
        const struct subject *s = &r->subjects[i];
        if (!s->series.v || s->stored == r->look || !s->seen_ns)
            continue;
        assert_true(seep_points_add(gen_points(gen, s->series.v - 1), r->t_ns, s->last));
        added[s->series.v - 1] = true;
    }
    assert_true(seep_detect(gen_finish(gen), NULL, NULL, &judgement, NULL));
    for (size_t i = 0; i < gen->data.n_series; i++)
        gen_points(gen, i)->count -= added[i];
    return judgement;
}

static bool same_number(double a, double b)
{
    return a == b || (a != a && b != b);
}

// To the last bit; returns the number of findings that are leaking.
static size_t assert_agreement(struct recorder *r)
{
    struct seep_judgement want = batch(r);
    assert_true(seep_stream_judge(r->stream, NULL));
    const struct seep_judgement *got = seep_stream_judgement(r->stream);
    size_t n_leaking = 0;
    assert_int_equal(got->n_findings, want.n_findings);
    assert_int_equal(got->n_series, want.n_series);
    assert_int_equal(got->verdict, want.verdict);
    assert_true(got->start_ns == want.start_ns && got->end_ns == want.end_ns);
    for (size_t i = 0; i < want.n_findings; i++) {
        const struct seep_finding *a = &want.findings[i], *b = &got->findings[i];
        n_leaking += a->verdict == SEEP_VERDICT_LEAKING;
        assert_string_equal(a->id, b->id);
        if (a->verdict != b->verdict || !same_number(a->q, b->q))
            fail_msg("look %u, %s: batch %s q %g, stream %s q %g", r->look, a->id,
                     seep_verdict_name(a->verdict), a->q, seep_verdict_name(b->verdict), b->q);
        assert_int_equal(a->rate.known, b->rate.known);
        assert_true(!a->rate.known || (a->rate.value == b->rate.value &&
                                       a->rate.low == b->rate.low && a->rate.high == b->rate.high));
        assert_true(a->since_ns == b->since_ns && same_number(a->share, b->share));
        assert_true(same_number(a->first, b->first) && same_number(a->last, b->last));
        assert_int_equal(a->n_evidence, b->n_evidence);
        for (size_t e = 0; e < a->n_evidence; e++)
            assert_string_equal(a->evidence[e].text, b->evidence[e].text);
    }
    seep_judgement_clear(&want);
    return n_leaking;
}

// The values of a family at each of `n` looks, held where it has none.
static double *values_of(enum gen_family family, uint64_t seed, unsigned n, double growth)
{
    bool counts = family == GEN_COUNT_FLAT || family == GEN_LEAK_COUNT;
    const struct gen_spec spec = { .family = family,
                                   .seed = seed,
                                   .start_ns = T0,
                                   .tick_s = 60,
                                   .n = n,
                                   .level = counts ? 300 : 200 * MB,
                                   .noise = counts ? 1 : growth / 24,
                                   .growth = counts ? 100 : growth };
    struct seep_points points = { 0 };
    gen_series(&spec, &points);
    double *values = seep_alloc(n, sizeof *values);
    assert_true(values && points.count);
    for (size_t i = 0, at = 0; i < n; i++) {
        int64_t until = T0 + (int64_t)i * 60 * S + 30 * S;
        while (at + 1 < points.count && points.at[at + 1].t_ns <= until)
            at++;
        values[i] = points.at[at].value;
    }
    seep_points_clear(&points);
    return values;
}

static enum seep_metric metric_of(enum gen_family family)
{
    return family == GEN_COUNT_FLAT || family == GEN_LEAK_COUNT ? SEEP_METRIC_HANDLES
                                                                : SEEP_METRIC_PRIVATE_BYTES;
}

static bool is_checkpoint(unsigned look)
{
    static const unsigned at[] = {
        1,   2,   7,    8,    9,    12,   30,   100,  300,  511,  512,
        513, 700, 1025, 1536, 1537, 1538, 2049, 3500, 5000, 9000, 12000
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        if (at[i] == look)
            return true;
    }
    return false;
}

// Every family on one machine, at lengths from one look to 12,000.
static void batch_and_stream_agree(void **state)
{
    (void)state;
    enum { N = 12000, COPIES = 2, ALL = GEN_N_FAMILIES * COPIES };
    static struct recorder r;
    struct subject *subjects[ALL];
    double *values[ALL];
    size_t compared = 0, leaking = 0;
    recorder_open(&r);
    struct subject *commit = begin(&r, NULL, 0, SEEP_METRIC_COMMIT_BYTES);
    struct subject *available = begin(&r, NULL, 0, SEEP_METRIC_AVAILABLE_BYTES);
    for (unsigned i = 0; i < ALL; i++) {
        enum gen_family family = (enum gen_family)(i % GEN_N_FAMILIES);
        subjects[i] = begin(&r, gen_family_name(family), 1000 + i, metric_of(family));
        values[i] = values_of(family, 50 + i, N, 60 * MB);
    }
    struct gen_random random = { 4 };
    for (unsigned k = 0; k < N; k++) {
        next_look(&r, 60 + 0.5 * gen_uniform(&random));
        double sum = 0;
        for (unsigned i = 0; i < ALL; i++) {
            bool failed = i % 5 == 0 && gen_uniform(&random) < 0.01; // a look shows nothing
            see(&r, subjects[i], failed ? 0 : values[i][k]);
            sum += values[i][k];
        }
        see(&r, commit, sum);
        see(&r, available, 64e9 - sum);
        seep_stream_look(r.stream);
        if (is_checkpoint(r.look)) {
            leaking += assert_agreement(&r);
            compared++;
        }
    }
    print_message("%u comparisons of %d series agree to the last bit; %u leaking in all\n",
                  (unsigned)compared, ALL + 2, (unsigned)leaking);
    assert_true(leaking > 50);
    for (unsigned i = 0; i < ALL; i++)
        seep_free(values[i]);
    recorder_close(&r);
}

// Processes that come and go, a PID that is used again, a service that is restarted, a recorder
// that was off, a clock that jumped, intervals that change.
static void they_agree_when_processes_come_and_go(void **state)
{
    (void)state;
    static struct recorder r;
    struct gen_random random = { 12 };
    recorder_open(&r);
    struct subject *commit = begin(&r, NULL, 0, SEEP_METRIC_COMMIT_BYTES);
    struct subject *steady = begin(&r, "steady.exe", 500, SEEP_METRIC_PRIVATE_BYTES);
    struct subject *idle = begin(&r, "idle.exe", 4, SEEP_METRIC_PRIVATE_BYTES);
    struct subject *service = begin(&r, "service.exe", 600, SEEP_METRIC_PRIVATE_BYTES);
    struct subject *worker = NULL;
    double held = 100 * MB;
    size_t leaking = 0;
    for (unsigned k = 0; k < 4000; k++) {
        if (k % 900 == 899) { // the same PID, another process
            end(&r, service);
            service = begin(&r, "service.exe", 600, SEEP_METRIC_PRIVATE_BYTES);
            held = 100 * MB;
        }
        if (k % 50 == 10)
            worker = begin(&r, "worker.exe", 10000 + k % 200, SEEP_METRIC_PRIVATE_BYTES);
        if (worker && (k % 50 == 49 || (k % 100 == 13))) {
            end(&r, worker);
            worker = NULL;
        }
        double apart = k < 2000 ? 10 : 15;
        if (k == 1200)
            apart = 6 * 3600; // the machine slept
        if (k == 2600)
            apart = 4 * 86400; // the clock was set
        next_look(&r, apart + 0.1 * gen_uniform(&random));
        held += 0.2 * MB * gen_uniform(&random);
        see(&r, service, floor(held));
        see(&r, steady, floor(80 * MB + MB * gen_normal(&random)));
        see(&r, idle, 1 * MB);
        if (worker)
            see(&r, worker, floor(5 * MB + MB * gen_uniform(&random)));
        see(&r, commit, floor(held + 400 * MB + MB * gen_normal(&random)));
        seep_stream_look(r.stream);
        if (k % 97 == 0 || k == 1201 || k == 2601)
            leaking += assert_agreement(&r);
    }
    struct seep_stream_cost cost;
    seep_stream_cost(r.stream, &cost);
    assert_true(leaking > 0);
    assert_in_range(cost.forgotten, 30, 45); // those that were seen four times
    print_message("%u leaking judgements, %u alarms, %u withdrawn, %u forgotten\n",
                  (unsigned)leaking, r.n_raised, r.n_withdrawn, (unsigned)cost.forgotten);
    recorder_close(&r);
}

// Runs one family among steady neighbours and counts what was said of it.
struct run {
    unsigned raised, withdrawn, raised_at, changes;
    bool standing;
    enum seep_verdict last; // of the batch judge at the end
};

static struct run watch(enum gen_family family, uint64_t seed, unsigned n, double growth)
{
    enum { NEIGHBOURS = 9 };
    static struct recorder r;
    struct subject *neighbours[NEIGHBOURS];
    struct run run = { 0 };
    double *values = values_of(family, seed, n, growth);
    struct gen_random random = { seed + 77 };
    recorder_open(&r);
    struct subject *subject = begin(&r, "subject.exe", 1234, metric_of(family));
    for (size_t i = 0; i < NEIGHBOURS; i++)
        neighbours[i] = begin(&r, "neighbour.exe", (uint32_t)(2000 + i), SEEP_METRIC_PRIVATE_BYTES);
    enum seep_verdict verdict = SEEP_VERDICT_UNKNOWN;
    for (unsigned k = 0; k < n; k++) {
        next_look(&r, 60);
        see(&r, subject, values[k]);
        for (size_t i = 0; i < NEIGHBOURS; i++)
            see(&r, neighbours[i], floor(50 * MB + MB * gen_normal(&random)));
        seep_stream_look(r.stream);
        const struct seep_judgement *j = seep_stream_judgement(r.stream);
        for (size_t i = 0; i < j->n_findings; i++) {
            if (j->findings[i].pid != 1234)
                continue;
            run.changes += (j->findings[i].verdict == SEEP_VERDICT_LEAKING) !=
                           (verdict == SEEP_VERDICT_LEAKING);
            verdict = j->findings[i].verdict;
        }
    }
    struct seep_judgement last = batch(&r);
    for (size_t i = 0; i < last.n_findings; i++) {
        if (last.findings[i].pid == 1234) {
            run.last = last.findings[i].verdict;
            run.standing = seep_stream_raised(r.stream, &last.findings[i]);
        }
    }
    run.raised = r.n_raised;
    run.withdrawn = r.n_withdrawn;
    run.raised_at = r.raised_at;
    seep_judgement_clear(&last);
    recorder_close(&r);
    seep_free(values);
    return run;
}

static void alarms_do_not_flicker(void **state)
{
    (void)state;
    static const unsigned lengths[] = { 60, 240, 1440 };
    unsigned runs = 0, agree = 0, more_than_once = 0, unexplained = 0;
    print_message("%-16s raised withdrawn standing leaking  verdict changes (of 12 runs)\n", "");
    for (int f = 0; f < GEN_N_FAMILIES; f++) {
        unsigned raised = 0, withdrawn = 0, standing = 0, leaking = 0, changes = 0;
        for (uint64_t seed = 1; seed <= 4; seed++) {
            for (size_t k = 0; k < 3; k++) {
                struct run run = watch((enum gen_family)f, seed, lengths[k], 60 * MB);
                bool leaks = run.last == SEEP_VERDICT_LEAKING;
                raised += run.raised > 0;
                withdrawn += run.withdrawn;
                standing += run.standing;
                leaking += leaks;
                changes += run.changes;
                runs++;
                agree += run.standing == leaks;
                more_than_once += run.raised > 1;
                // An alarm is raised again only after it was withdrawn, and stands otherwise.
                unexplained +=
                    run.raised > run.withdrawn + 1 || run.standing != (run.raised > run.withdrawn);
            }
        }
        print_message("%-16s %6u %9u %8u %7u  %u\n", gen_family_name((enum gen_family)f), raised,
                      withdrawn, standing, leaking, changes);
    }
    print_message("%u runs: alarm and last verdict agree in %u, raised more than once in %u\n",
                  runs, agree, more_than_once);
    assert_int_equal(unexplained, 0);
    assert_true(agree * 100 >= runs * 90);
    assert_true(more_than_once * 100 <= runs * 3);
}

// What fluctuates, steps once or comes back raises no alarm at any moment of the recording; a leak
// does long before its end.
static void alarms_come_early_and_not_for_noise(void **state)
{
    (void)state;
    static const enum gen_family healthy[] = { GEN_FLAT,     GEN_AR1,       GEN_REVERTING_WALK,
                                               GEN_CONSTANT, GEN_STEP,      GEN_TWO_STEPS,
                                               GEN_BURST,    GEN_COUNT_FLAT };
    unsigned runs = 0, raised = 0, found = 0, late = 0;
    for (size_t f = 0; f < sizeof healthy / sizeof *healthy; f++) {
        for (uint64_t seed = 101; seed <= 125; seed++, runs++)
            raised += watch(healthy[f], seed, 480, 60 * MB).raised > 0;
    }
    for (uint64_t seed = 101; seed <= 140; seed++) {
        struct run run = watch(seed % 2 ? GEN_LEAK : GEN_LEAK_COUNT, seed, 480, 60 * MB);
        found += run.raised == 1 && !run.withdrawn;
        late += run.raised_at > 240;
    }
    print_message("alarms in %u of %u healthy recordings; %u of 40 leaks told once, %u after half "
                  "of the time\n",
                  raised, runs, found, late);
    assert_true(raised * 100 <= runs);
    assert_true(found >= 38 && late <= 4);
}

// Under noise the verdict itself goes to and fro for as long as the leak stands out little; whoever
// waits for the alarm (`seep record --until-leaking`) hears of it once. A warm-up is told, too, for
// it looks the same; it is taken back when it is over, and a leak that goes on is told anew.
static void a_leak_under_noise_is_told_once(void **state)
{
    (void)state;
    static const enum gen_family noisy[] = { GEN_LEAK,        GEN_LEAK_AR1,  GEN_LEAK_SAWTOOTH,
                                             GEN_LEAK_STEPS,  GEN_LEAK_LATE, GEN_LEAK_BURSTY,
                                             GEN_LEAK_COUNT,  GEN_LEAK_WRAP, GEN_LEAK_IRREGULAR,
                                             GEN_LEAK_WARM_UP };
    unsigned runs = 0, told = 0, again = 0, taken_back = 0, changes = 0, most = 0;
    for (size_t f = 0; f < sizeof noisy / sizeof *noisy; f++) {
        for (uint64_t seed = 201; seed <= 212; seed++) {
            double growth = (double)(seed % 4 + 1) * 10 * MB;
            struct run run = watch(noisy[f], seed, seed % 3 ? 240 : 960, growth);
            if (noisy[f] == GEN_LEAK_WARM_UP) {
                assert_true(run.raised <= 2 && run.withdrawn <= 1);
                continue;
            }
            runs++;
            told += run.raised > 0;
            again += run.raised > 1;
            taken_back += run.withdrawn > 0;
            changes += run.changes;
            most = run.changes > most ? run.changes : most;
        }
    }
    print_message(
        "%u leaks under noise: told %u, again %u, taken back %u; the verdict changed %.1f "
        "times each, %u at most\n",
        runs, told, again, taken_back, (double)changes / runs, most);
    assert_true(told * 100 >= runs * 90);
    assert_true(again <= 1 && taken_back <= 1);
    assert_true(most >= 5);
}

static void the_rule_of_alarms_holds(void **state)
{
    (void)state;
    struct seep_alarms alarms = { 0 };
    struct seep_finding f = { .subject = SEEP_SUBJECT_PROCESS,
                              .class_ = SEEP_CLASS_HANDLES,
                              .name = "a.exe",
                              .pid = 7,
                              .has_pid = true,
                              .start_ns = T0,
                              .since_ns = T0 + 5 * S };
    // l = leaking, s = steady, x = suspect, u = unknown; a capital is a judgement after which the
    // alarm changes. It is raised at 11 s, after 6 s of growth: steady from 22 s to 28 s takes it
    // back, and four in a row raise it again.
    static const char said[] = "sssssssssslLxsslssxsslssssssSslllLlllxs";
    for (size_t i = 0; i < sizeof said - 1; i++) {
        enum seep_alarm_change change, want = SEEP_ALARM_SAME;
        char c = said[i];
        if (c == 'L')
            want = SEEP_ALARM_RAISED;
        if (c == 'S')
            want = SEEP_ALARM_WITHDRAWN;
        f.verdict = c == 'l' || c == 'L'   ? SEEP_VERDICT_LEAKING
                    : c == 's' || c == 'S' ? SEEP_VERDICT_STEADY
                    : c == 'x'             ? SEEP_VERDICT_SUSPECT
                                           : SEEP_VERDICT_UNKNOWN;
        assert_true(seep_alarms_hear(&alarms, &f, T0, T0 + (int64_t)i * S, &change));
        if (change != want)
            fail_msg("judgement %u (%c): change %d", (unsigned)i, c, (int)change);
    }
    assert_int_equal(alarms.n_raised, 1);
    // The same PID with another start, another class, another name: another alarm.
    struct seep_finding other = f;
    enum seep_alarm_change change;
    other.verdict = SEEP_VERDICT_LEAKING;
    other.start_ns = T0 + S;
    for (int i = 0; i < 2; i++)
        assert_true(seep_alarms_hear(&alarms, &other, T0, T0 + 60 * S, &change));
    assert_int_equal(change, SEEP_ALARM_RAISED);
    assert_int_equal(alarms.n_raised, 2);
    assert_true(seep_alarms_raised(&alarms, &other));
    other.name = "renamed.exe"; // exec
    assert_true(seep_alarms_raised(&alarms, &other));
    seep_alarms_clear(&alarms);
}

// Memory does not grow with the length, nor with the number of processes that come and go.
static void memory_is_bounded(void **state)
{
    (void)state;
    static struct recorder r;
    struct gen_random random = { 2 };
    struct seep_stream_cost cost;
    size_t bytes = 0;
    recorder_open(&r);
    struct subject *busy = begin(&r, "busy.exe", 8, SEEP_METRIC_PRIVATE_BYTES);
    struct subject *commit = begin(&r, NULL, 0, SEEP_METRIC_COMMIT_BYTES);
    struct subject *brief[4] = { NULL };
    for (unsigned k = 0; k < 20000; k++) {
        for (unsigned i = 0; i < 4 && k < 20000 - 100; i++) {
            if (brief[i] && k % 3 == 0)
                end(&r, brief[i]);
            if (k % 3 == 0)
                brief[i] = begin(&r, "cc1.exe", 100 + (k * 4 + i) % 30000, SEEP_METRIC_HANDLES);
        }
        next_look(&r, 10);
        see(&r, busy, floor(100 * MB + MB * gen_normal(&random)));
        see(&r, commit, floor(900 * MB + MB * gen_normal(&random)));
        for (unsigned i = 0; i < 4; i++)
            see(&r, brief[i], 100 + k % 7);
        seep_stream_look(r.stream);
        if (r.look == 2000 || r.look == 19000) {
            seep_stream_cost(r.stream, &cost);
            print_message("look %u: %u series, %u processes, %u bytes, %u forgotten\n", r.look,
                          (unsigned)cost.n_series, (unsigned)cost.n_processes, (unsigned)cost.bytes,
                          (unsigned)cost.forgotten);
            assert_true(cost.n_series < 150);
            bytes = bytes ? bytes : cost.bytes;
        }
    }
    // What an id stands for is all that grows: four bytes.
    seep_stream_cost(r.stream, &cost);
    assert_true(cost.bytes < bytes + 2 * 4 * 2 * cost.forgotten + 40000);
    assert_true(cost.forgotten > 26000);
    struct seep_track track = { 0 };
    for (int i = 0; i < 50000; i++) {
        assert_true(seep_track_add(&track, i * S, gen_normal(&random)));
        assert_true(seep_track_bytes(&track) <= 36 * 1024);
    }
    seep_track_clear(&track);
    recorder_close(&r);
}

// The cells are what the points give at once: the least value and the mean over each.
static void cells_agree_with_points(void **state)
{
    (void)state;
    static struct seep_grid grid, want;
    struct seep_points points = { 0 };
    struct seep_track track = { 0 };
    struct gen_random random = { 31 };
    int64_t t = T0;
    for (int i = 0; i < 30000; i++) {
        double value = floor(1e9 + 1e4 * i + 1e6 * gen_normal(&random));
        assert_true(seep_points_add(&points, t, value) && seep_track_add(&track, t, value));
        t += (int64_t)(1e9 * (0.5 + gen_uniform(&random)));
    }
    assert_true(seep_track_grid(&track, t, S, NULL, &grid));
    assert_true(seep_grid_build(points.at, points.count, T0, t, S, NULL, &want));
    assert_int_equal(grid.n, want.n);
    for (size_t i = 0; i < grid.n; i++) {
        assert_true(llabs((long long)(grid.t_ns[i] - want.t_ns[i])) < S / 1000);
        assert_true(fabs(grid.level[i] - want.level[i]) < 2e5); // noise of a mean: 1.3e5
        assert_true(fabs(grid.low[i] - want.low[i]) < 4e6);
    }
    // Points at or before the last one are no points.
    uint64_t n = track.n;
    assert_true(seep_track_add(&track, track.last_ns, 5) && seep_track_add(&track, T0, 5));
    assert_int_equal(track.n, n);
    seep_track_clear(&track);
    seep_points_clear(&points);
    // The ends of time.
    static struct seep_cells cells;
    seep_cells_begin(&cells, INT64_MIN, 1, 0);
    seep_cells_add(&cells, INT64_MAX - 1, 3);
    seep_cells_hold(&cells, INT64_MAX);
    assert_true(cells.n <= SEEP_CELLS_MAX && cells.low[0] == 0 && cells.first == 1);
}

// The lowest value of a track of `n` looks of which a share failed, each for `looks` looks.
static double lowest_of(unsigned n, double share, int looks)
{
    static struct seep_grid grid;
    struct seep_track track = { 0 };
    struct gen_random random = { 77 };
    int failing = 0;
    for (unsigned i = 0; i < n; i++) {
        if (failing == 0 && i > 0 && i + 1 < n && gen_uniform(&random) < share)
            failing = looks;
        assert_true(seep_track_add(&track, T0 + i * 60 * S, failing ? 0 : 1e8 + i));
        failing -= failing > 0;
    }
    assert_true(seep_track_grid(&track, T0 + n * 60 * S, 60 * S, NULL, &grid));
    double low = INFINITY;
    for (size_t i = 0; i < grid.n; i++)
        low = fmin(low, grid.low[i]);
    seep_track_clear(&track);
    return low;
}

static void looks_that_failed_are_no_floor(void **state)
{
    (void)state;
    static const unsigned lengths[] = { 400, 1400, 12000 }; // a cell each; points; cells
    for (size_t k = 0; k < 3; k++) {
        assert_true(lowest_of(lengths[k], 0.003, 1) >= 1e8);
        // What lasts, or comes often, is how the series is.
        assert_true(lowest_of(lengths[k], 0.003, 9) < 1);
        assert_true(k == 0 || lowest_of(lengths[k], 0.4, 1) < 1);
    }
    struct seep_point few[] = { { 0, 50 }, { S, 0 }, { 2 * S, 40 }, { 3 * S, 8 }, { 4 * S, 60 } };
    seep_mend_failed_looks(few, 5);
    assert_true(few[1].value == 40 && few[3].value == 8);
}

// What the inner sink refuses, the stream refuses, and says why.
static void a_full_disk_is_passed_on(void **state)
{
    (void)state;
    static struct recorder r;
    recorder_open(&r);
    struct subject *s = begin(&r, "a.exe", 9, SEEP_METRIC_HANDLES);
    next_look(&r, 1);
    see(&r, s, 1);
    r.keeper.refuse = true;
    assert_false(seep_sink_sample(r.sink, s->series, 2));
    assert_string_equal(r.sink->error.what, "the disk is full");
    recorder_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_and_stream_agree),
        cmocka_unit_test(they_agree_when_processes_come_and_go),
        cmocka_unit_test(alarms_do_not_flicker),
        cmocka_unit_test(alarms_come_early_and_not_for_noise),
        cmocka_unit_test(a_leak_under_noise_is_told_once),
        cmocka_unit_test(the_rule_of_alarms_holds),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(cells_agree_with_points),
        cmocka_unit_test(looks_that_failed_are_no_floor),
        cmocka_unit_test(a_full_disk_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
