// SPDX-License-Identifier: MIT
// seep record: live samples -> case -> findings.
#include "base/intern.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/cli.h"
#include "detect/stream.h"
#include "os/sample.h"
#include "report/plain.h"
#include "report/report.h"
#include "source/live/live.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_INTERVAL_NS (10 * SEEP_NS_PER_S)
// A number that does not change is repeated as often, so that a gap is told from standing still.
#define HEARTBEAT_NS (1800 * SEEP_NS_PER_S)

struct recording {
    const struct cli_args *args;
    struct seep_case *c;
    struct seep_live *live;
    struct seep_stream *stream; // NULL = there was no memory for it
    struct cli_baselines *baselines;
    struct seep_intern told;    // with baselines: ids of findings that were said to leak
    uint64_t next_beside;       // samples after which it is judged beside them again
    bool leaks_beside;          // what it said last
    struct seep_os_child child; // pid 0 = none
    const volatile sig_atomic_t *stop;
    int64_t interval_ns, start_ns, end_ns; // monotonic; end INT64_MAX = none
    uint64_t n_samples;
    bool show, shown;
};

enum { LINE_WIDTH = 78, NAME_WIDTH = 40 };

static void clear_progress(struct recording *r)
{
    if (r->shown)
        (void)fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
    r->shown = false;
}

// "leak_private (1234): private bytes +1.0 MB/s"
static void add_finding(struct seep_buf *out, const struct seep_finding *f, const char *words,
                        bool with_rate)
{
    char rate[SEEP_HUMAN_TEXT];
    if (f->name)
        seep_plain_add(out, f->name, NAME_WIDTH);
    else
        seep_buf_adds(out, f->subject == SEEP_SUBJECT_MACHINE ? "the machine" : "unknown");
    if (f->tag && (!f->name || strcmp(f->tag, f->name) != 0)) {
        seep_buf_adds(out, " ");
        seep_plain_add(out, f->tag, NAME_WIDTH);
    }
    if (f->has_pid)
        seep_buf_addf(out, " (%" PRIu32 ")", f->pid);
    seep_buf_addf(out, ": %s", words);
    if (with_rate && f->rate.known) {
        seep_human_rate(f->rate.value, seep_metric_unit(f->metric), rate);
        seep_buf_addf(out, " %s", rate);
    }
}

// A message, not progress: it is said whether stderr is a terminal or not.
static void say(struct recording *r, const struct seep_finding *f, const char *words, bool raised,
                double after_s)
{
    if (cli_has(r->args, CLI_QUIET))
        return;
    struct seep_buf line = { 0 };
    char after[SEEP_HUMAN_TEXT];
    seep_human_duration(after_s, after);
    add_finding(&line, f, words, raised);
    clear_progress(r);
    if (!line.failed)
        (void)fprintf(stderr, "seep: %s %s %s %s\n",
                      raised ? "LEAKING" : "no longer leaking:", line.data,
                      raised ? "after" : "is steady after", after);
    seep_buf_clear(&line);
}

// Beside baselines an alarm is but the reason to look whether they show the same.
static bool was_told(const struct recording *r, const struct seep_finding *f)
{
    return !cli_has(r->args, CLI_BASELINE) || seep_intern_find(&r->told, f->id, strlen(f->id));
}

static void say_alarm(void *ctx, const struct seep_stream_alarm *alarm)
{
    struct recording *r = ctx;
    if (was_told(r, alarm->finding))
        say(r, alarm->finding, alarm->metric_words, alarm->raised, alarm->after_s);
}

// While something is alarming, the case is judged beside the baselines whenever a tenth more
// samples have come, as the stream itself does, so that a sample costs no more the longer it goes.
static bool judge_beside(struct recording *r, struct seep_err *err)
{
    struct seep_judgement judgement = { 0 };
    if (!seep_stream_n_raised(r->stream)) {
        r->leaks_beside = false;
        return true;
    }
    if (r->n_samples < r->next_beside)
        return true;
    r->next_beside = r->n_samples + r->n_samples / 10 + 1;
    if (!cli_judge_now(r->c, r->baselines, &judgement, err))
        return false;
    r->leaks_beside = judgement.verdict == SEEP_VERDICT_LEAKING;
    for (size_t i = 0; i < judgement.n_findings; i++) {
        const struct seep_finding *f = &judgement.findings[i];
        if (f->verdict != SEEP_VERDICT_LEAKING || was_told(r, f))
            continue;
        say(r, f, seep_class_name(f->class_), true,
            ((double)judgement.end_ns - (double)judgement.start_ns) / 1e9);
        (void)seep_intern(&r->told, f->id, strlen(f->id));
    }
    seep_judgement_clear(&judgement);
    return true;
}

static bool found_leak(const struct recording *r)
{
    return cli_has(r->args, CLI_BASELINE) ? r->leaks_beside
                                          : r->stream && seep_stream_n_raised(r->stream);
}

// What is worst so far, for the progress line: an alarm, else a suspect.
static void add_worst(const struct recording *r, struct seep_buf *out)
{
    const struct seep_judgement *judgement = r->stream ? seep_stream_judgement(r->stream) : NULL;
    const struct seep_finding *worst = NULL;
    bool raised = false;
    for (size_t i = 0; judgement && i < judgement->n_findings && !raised; i++) {
        const struct seep_finding *f = &judgement->findings[i];
        raised =
            seep_stream_n_raised(r->stream) && seep_stream_raised(r->stream, f) && was_told(r, f);
        if (raised || (!worst && f->verdict >= SEEP_VERDICT_SUSPECT))
            worst = f;
    }
    if (!worst)
        return;
    seep_buf_adds(out, raised ? "; LEAKING " : "; suspect ");
    add_finding(out, worst, seep_class_name(worst->class_), raised);
}

static void show_progress(struct recording *r)
{
    if (!r->show)
        return;
    char gone[SEEP_HUMAN_TEXT], left[SEEP_HUMAN_TEXT] = "";
    struct seep_buf line = { 0 };
    int64_t now = seep_os_monotonic_ns();
    seep_human_duration((double)(now - r->start_ns) / 1e9, gone);
    if (r->end_ns != INT64_MAX)
        seep_human_duration((double)(r->end_ns > now ? r->end_ns - now : 0) / 1e9, left);
    seep_buf_addf(&line, "recording: %" PRIu64 " samples of %zu processes in %s%s%s", r->n_samples,
                  seep_live_n_processes(r->live), gone, *left ? ", left " : "", left);
    size_t len = line.len;
    add_worst(r, &line);
    if (line.len == len)
        seep_buf_adds(&line, "; Ctrl-C stops");
    if (!line.failed)
        (void)fprintf(stderr, "\r%-*.*s", LINE_WIDTH, LINE_WIDTH, line.data);
    (void)fflush(stderr);
    seep_buf_clear(&line);
    r->shown = true;
}

static bool take(struct recording *r, struct seep_err *err)
{
    if (!seep_live_take(r->live, err) || !seep_case_commit(r->c, err))
        return false;
    r->n_samples++;
    if (r->stream)
        seep_stream_look(r->stream);
    if (r->stream && cli_has(r->args, CLI_BASELINE) && !judge_beside(r, err))
        return false;
    show_progress(r);
    return true;
}

// Samples until the time is over, the child has ended, the user stops it, or a leak has been found
// if that is what is waited for. The last sample is taken at the end.
static bool record(struct recording *r, struct seep_err *err)
{
    int status;
    int64_t next = r->start_ns;
    for (;;) {
        if (!take(r, err))
            return false;
        if (cli_has(r->args, CLI_UNTIL_LEAKING) && found_leak(r))
            return true;
        next += r->interval_ns;
        int64_t now = seep_os_monotonic_ns();
        if (next < now) // the machine slept or was too busy: go on from here instead of catching up
            next = now + r->interval_ns;
        if (next > r->end_ns)
            break;
        bool ended = false;
        while (!*r->stop && !ended && seep_os_monotonic_ns() < next) {
            enum { LOOK_NS = 100000000 };
            int64_t look = seep_os_monotonic_ns() + LOOK_NS;
            seep_os_sleep_until(r->child.pid && look < next ? look : next, r->stop);
            ended = r->child.pid && seep_os_child_ended(&r->child, &status);
        }
        if (*r->stop || ended)
            return true;
    }
    return true;
}

static bool open_live(struct recording *r, struct seep_sink *sink, struct seep_err *err)
{
    const struct cli_args *args = r->args;
    struct seep_live_options options = { .pids = args->pids,
                                         .n_pids = args->n_pids,
                                         .name_pattern = args->text[CLI_NAME],
                                         .heartbeat_ns = HEARTBEAT_NS };
    if (args->command) {
        // The document has standard output for itself.
        r->child.output_to_stderr = cli_has(args, CLI_JSON);
        if (!seep_os_spawn(args->command, &r->child, err))
            return false;
        options.pids = &r->child.pid;
        options.n_pids = 1;
    }
    return seep_live_open(&r->live, &options, sink, err);
}

static enum seep_status watch(struct recording *r, struct seep_sink *sink, struct seep_err *err)
{
    const struct seep_stream_options options = { .alarm = say_alarm, .ctx = r };
    // Without memory to judge as it goes, it is still recorded.
    if (seep_stream_open(&r->stream, sink, &options, NULL))
        sink = seep_stream_sink(r->stream);
    bool ok = open_live(r, sink, err);
    r->start_ns = seep_os_monotonic_ns();
    if (cli_has(r->args, CLI_DURATION))
        r->end_ns = r->start_ns + r->args->number[CLI_DURATION];
    ok = ok && record(r, err);
    if (r->live && !seep_live_finish(r->live, ok ? err : NULL))
        ok = false;
    seep_live_close(r->live);
    seep_stream_close(r->stream);
    r->stream = NULL;
    seep_os_child_release(&r->child);
    clear_progress(r);
    return ok ? SEEP_OK : r->n_samples ? SEEP_PARTIAL : SEEP_FAILED;
}

static enum cli_exit run(const struct cli_args *args)
{
    struct seep_err err = { 0 };
    enum cli_exit status = CLI_EXIT_OK;
    const char *name = cli_has(args, CLI_OUTPUT) ? args->text[CLI_OUTPUT] : args->text[CLI_CASE];
    struct recording r = {
        .args = args,
        .stop = seep_os_catch_interrupt(),
        .interval_ns =
            cli_has(args, CLI_INTERVAL) ? args->number[CLI_INTERVAL] : DEFAULT_INTERVAL_NS,
        .end_ns = INT64_MAX,
        .show = !cli_has(args, CLI_QUIET) && seep_os_is_terminal(2),
    };
    struct seep_sink *sink;
    // A baseline that cannot be read is told now, and not after two days.
    if (!cli_baselines_open(&r.baselines, args, &status, &err)) {
        cli_complain(&err, NULL);
        return CLI_EXIT_INPUT;
    }
    if (cli_has(args, CLI_BASELINE) && !cli_baselines_usable(r.baselines)) {
        cli_baselines_close(r.baselines);
        return CLI_EXIT_INPUT;
    }
    bool ok = seep_case_open(name, name ? SEEP_CASE_WRITE : SEEP_CASE_TEMPORARY, &r.c, &err) &&
              seep_case_begin_source(r.c, "live", seep_os_live_name(), 0,
                                     name ? SEEP_CASE_RECORDING : SEEP_CASE_IMPORT, &sink, &err);
    if (ok) {
        enum seep_status how = watch(&r, sink, &err);
        if (how != SEEP_OK) {
            status = CLI_EXIT_INPUT;
            cli_complain(&err, name);
        }
        // Where the disk is full, what was kept is judged.
        bool ended = seep_case_end_source(r.c, how, 0, how == SEEP_OK ? &err : NULL);
        ok = how != SEEP_FAILED && (ended || how == SEEP_PARTIAL);
        struct cli_judge judge = { .c = r.c,
                                   .args = args,
                                   .baselines = r.baselines,
                                   .command = "record",
                                   .format = cli_has(args, CLI_JSON) ? "json" : "text",
                                   .store = name && ended,
                                   .out = stdout };
        ok = ok && cli_judge(&judge, &status, &err);
        if (!ok && how == SEEP_OK && !cli_output_failed())
            cli_complain(&err, name);
    } else {
        cli_complain(&err, name);
    }
    seep_case_close(r.c);
    cli_baselines_close(r.baselines);
    seep_intern_clear(&r.told);
    return ok ? status : CLI_EXIT_INPUT;
}

const struct cli_command cli_record = {
    .name = "record",
    .group = "watch",
    .arguments = "[-- CMD...]",
    .about = "watch this machine live, then say what was seen",
    .details =
        "Samples every process and the machine's totals until the time is over, Ctrl-C, or "
        "the end of CMD,\n"
        "and prints the findings. With -o the recording is kept as a case, which `seep "
        "report` and\n"
        "`seep analyze` read on any system; an existing case is added to. Killing the "
        "recording at any\n"
        "moment loses at most the sample that was being taken.\n"
        "What leaks is said on stderr as soon as it is sure; --until-leaking stops there, with "
        "status 1.\n"
        "With --baseline it is judged beside a known-good run, while it goes on and at its end: "
        "growth that\n"
        "the run shows, too, at the same age is expected.\n",
    .examples =
        "  seep record -i 1s -d 30s                  a first look\n"
        "  seep record -i 60s -d 2d -o srv01.seep    two days, kept\n"
        "  seep record --name sqlservr -i 10s -d 1h  one program\n"
        "  seep record -i 1s -- ./my-test            a program from its start to its end\n"
        "  seep record -i 1s -d 10m --until-leaking -- ./my-test    the same, in a pipeline\n"
        "  seep record -i 60s -d 8h --baseline good.seep            is it as it was then\n",
    .options = CLI_BIT(CLI_INTERVAL) | CLI_BIT(CLI_DURATION) | CLI_BIT(CLI_OUTPUT) |
               CLI_BIT(CLI_CASE) | CLI_BIT(CLI_PID) | CLI_BIT(CLI_NAME) | CLI_BIT(CLI_JSON) |
               CLI_BIT(CLI_TOP) | CLI_BIT(CLI_ALL) | CLI_BIT(CLI_UNTIL_LEAKING) |
               CLI_BIT(CLI_BASELINE),
    .takes_command = true,
    .run = run,
};
