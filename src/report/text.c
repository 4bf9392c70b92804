// SPDX-License-Identifier: MIT
// The report that a person reads in a terminal: the answer first, then why, then what it rests on.
#include "base/time.h"
#include "report/plain.h"
#include "report/text_state.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    LABEL_AT = 9,         // where the lines below a finding start
    VALUE_AT = 19,        // and their values
    MAX_TEXT_SHOWN = 600, // characters of one evidence, caveat or loss
    MAX_SOURCES = 20,     // lines
    MAX_LOSSES = 8,       // lines of one source
    MAX_UNKNOWN = 5,      // findings of their own; more become one line unless --all
};

#define FAR_S (2 * 365.25 * 86400) // seconds; what lasts longer is not said in the first line
#define SMALLEST_Q 1e-6            // below this the exact number says nothing more

static const char *const metric_words[SEEP_N_METRICS] = {
    [SEEP_METRIC_PRIVATE_BYTES] = "private bytes",
    [SEEP_METRIC_VIRTUAL_BYTES] = "virtual bytes",
    [SEEP_METRIC_WORKING_SET_BYTES] = "working set",
    [SEEP_METRIC_HANDLES] = "handles",
    [SEEP_METRIC_THREADS] = "threads",
    [SEEP_METRIC_GDI_OBJECTS] = "GDI objects",
    [SEEP_METRIC_USER_OBJECTS] = "USER objects",
    [SEEP_METRIC_PAGED_POOL_BYTES] = "paged pool",
    [SEEP_METRIC_NONPAGED_POOL_BYTES] = "nonpaged pool",
    [SEEP_METRIC_COMMIT_BYTES] = "commit",
    [SEEP_METRIC_COMMIT_LIMIT_BYTES] = "commit limit",
    [SEEP_METRIC_AVAILABLE_BYTES] = "available memory",
    [SEEP_METRIC_PAGEFILE_USAGE_RATIO] = "page file usage",
    [SEEP_METRIC_OUTSTANDING_BYTES] = "outstanding bytes",
    [SEEP_METRIC_OUTSTANDING_COUNT] = "outstanding allocations",
    [SEEP_METRIC_ZOMBIES] = "zombies",
};

static const char *const verdict_words[SEEP_N_VERDICTS] = {
    [SEEP_VERDICT_STEADY] = "STEADY",
    [SEEP_VERDICT_UNKNOWN] = "UNKNOWN",
    [SEEP_VERDICT_SUSPECT] = "SUSPECT",
    [SEEP_VERDICT_LEAKING] = "LEAKING",
};

static const char *const verdict_colors[SEEP_N_VERDICTS] = {
    [SEEP_VERDICT_STEADY] = "\033[1;32m",
    [SEEP_VERDICT_UNKNOWN] = "\033[1;36m",
    [SEEP_VERDICT_SUSPECT] = "\033[1;33m",
    [SEEP_VERDICT_LEAKING] = "\033[1;31m",
};

static void add_verdict(struct seep_writer *writer, enum seep_verdict verdict)
{
    bool color = writer->report->color;
    seep_buf_addf(&text_state_of(writer)->out, "%s%-8s%s ", color ? verdict_colors[verdict] : "",
                  verdict_words[verdict], color ? "\033[0m" : "");
}

// "3 d": the time from the end of the observation until `t_ns`.
static void until(const struct seep_writer *writer, int64_t t_ns, bool fine,
                  char text[SEEP_HUMAN_TEXT])
{
    double seconds = ((double)t_ns - (double)writer->report->judgement->end_ns) / 1e9;
    seconds = seconds > 0 ? seconds : 0;
    if (t_ns == SEEP_NO_TIME)
        (void)snprintf(text, SEEP_HUMAN_TEXT, "never");
    else if (fine)
        seep_human_duration_fine(seconds, text);
    else
        seep_human_duration(seconds, text);
}

static void add_label(struct seep_writer *writer, const char *label)
{
    bool color = writer->report->color;
    seep_buf_addf(&text_state_of(writer)->out, "%*s%s%-10s%s", LABEL_AT, "", color ? "\033[2m" : "",
                  label, color ? "\033[0m" : "");
}

// A labelled line below a finding, made of what stands in `work`.
static void add_work(struct seep_writer *writer, const char *label)
{
    struct text_state *state = text_state_of(writer);
    add_label(writer, label);
    seep_plain_wrap(&state->out, seep_buf_text(&state->work), VALUE_AT, WIDTH);
    seep_buf_addc(&state->out, '\n');
    text_reset_work(state);
}

static void add_subject(struct seep_writer *writer, const struct seep_finding *finding)
{
    struct text_state *state = text_state_of(writer);
    struct seep_buf *out = &state->out;
    const char *name = finding->name && *finding->name ? finding->name : NULL;
    const struct seep_machine *machine = seep_report_machine(writer->report, finding->machine);
    if (finding->subject == SEEP_SUBJECT_POOL_TAG && !name)
        name = finding->tag;
    if (finding->subject == SEEP_SUBJECT_DRIVER && !name)
        name = finding->driver;
    if (finding->subject == SEEP_SUBJECT_MACHINE && !name && machine)
        name = machine->host;
    if (finding->subject == SEEP_SUBJECT_SITE && name) {
        seep_plain_add(out, name, MAX_NAME_SHOWN);
        seep_buf_adds(out, finding->process || finding->has_pid ? " in " : " in the kernel");
        name = finding->process;
    } else if (finding->subject == SEEP_SUBJECT_POOL_TAG)
        seep_buf_adds(out, "pool tag ");
    else if (finding->subject != SEEP_SUBJECT_PROCESS || !name)
        seep_buf_addf(out, "%s ", seep_subject_kind_name(finding->subject));
    if (name)
        seep_plain_add(out, name, MAX_NAME_SHOWN);
    else if (finding->has_pid)
        seep_buf_addf(out, "%" PRIu32, finding->pid);
    else if (finding->subject != SEEP_SUBJECT_SITE)
        seep_buf_adds(out, "without a name");
    if (name && finding->has_pid)
        seep_buf_addf(out, " (%" PRIu32 ")", finding->pid);
    if (finding->subject == SEEP_SUBJECT_DRIVER && finding->tag) {
        seep_buf_adds(out, " (tag ");
        seep_plain_add(out, finding->tag, MAX_NAME_SHOWN);
        seep_buf_addc(out, ')');
    } else if (finding->driver && finding->driver != name) {
        seep_buf_adds(out, " (");
        seep_plain_add(out, finding->driver, MAX_NAME_SHOWN);
        seep_buf_addc(out, ')');
    }
    if (writer->report->data->n_machines > 1 && machine && machine->host && *machine->host &&
        finding->subject != SEEP_SUBJECT_MACHINE) {
        seep_buf_adds(out, " on ");
        seep_plain_add(out, machine->host, MAX_NAME_SHOWN);
    }
}

// The name of a limit, as words: "paged pool".
static void add_words(struct seep_buf *out, const char *name)
{
    char words[MAX_NAME_SHOWN];
    size_t n = 0;
    for (; name[n] && n + 1 < sizeof words; n++)
        words[n] = name[n] == '-' ? ' ' : name[n];
    words[n] = '\0';
    seep_plain_add(out, words, 0);
}

// How long it lasts, unless that is for years: then it is no answer, and the line "limit" has it.
static void add_exhaustion(struct seep_writer *writer, const struct seep_exhaustion *exhaustion)
{
    struct seep_buf *out = &text_state_of(writer)->out;
    int64_t end_ns = writer->report->judgement->end_ns;
    if (!exhaustion->limit || exhaustion->at_ns == SEEP_NO_TIME || end_ns == SEEP_NO_TIME ||
        (double)exhaustion->at_ns - (double)end_ns > FAR_S * 1e9)
        return;
    char at[SEEP_HUMAN_TEXT], low[SEEP_HUMAN_TEXT], high[SEEP_HUMAN_TEXT];
    for (int fine = 0; fine < 2; fine++) {
        until(writer, exhaustion->at_ns, fine, at);
        until(writer, exhaustion->low_ns, fine, low);
        until(writer, exhaustion->high_ns, fine, high);
        if (strcmp(low, high) != 0)
            break;
    }
    seep_buf_adds(out, ", out of ");
    add_words(out, exhaustion->limit);
    seep_buf_addf(out, " in %s", at);
    if (strcmp(low, high) != 0)
        seep_buf_addf(out, " (%s..%s)", low, high);
}

static const char *base_name(const char *path)
{
    const char *base = path;
    for (const char *p = path; *p; p++) {
        if ((*p == '/' || *p == '\\') && p[1])
            base = p + 1;
    }
    return base;
}

// Evidence with the file, the offset and the time that it came from. `told_ns`: a time that the
// reader knows already; beside an offset it is part of the place.
static void add_cited(struct seep_writer *writer, struct seep_buf *out,
                      const struct seep_evidence *evidence, int64_t told_ns)
{
    const struct seep_dataset *data = writer->report->data;
    char when[MOMENT_TEXT];
    bool has_source =
        evidence->source.v && evidence->source.v <= data->n_sources && data->n_sources > 1;
    bool has_offset = evidence->offset != SEEP_NO_OFFSET;
    bool has_time =
        evidence->time_ns != SEEP_NO_TIME && (has_offset || evidence->time_ns != told_ns);
    seep_plain_add(out, evidence->text, MAX_TEXT_SHOWN);
    if (has_source || has_offset || has_time)
        seep_buf_adds(out, " (");
    if (has_source) {
        const char *path = data->sources[evidence->source.v - 1].path;
        seep_plain_add(out, base_name(path ? path : "?"), MAX_NAME_SHOWN);
    }
    if (has_offset)
        seep_buf_addf(out, "%sat 0x%" PRIx64, has_source ? " " : "", evidence->offset);
    if (has_time) {
        text_moment(writer, evidence->time_ns, when);
        seep_buf_addf(out, "%s%s", has_source || has_offset ? ", " : "", when);
    }
    if (has_source || has_offset || has_time)
        seep_buf_addc(out, ')');
}

// Whether a finding has no number of its own, as one of an event: then its first evidence is the
// answer.
static bool is_bare(const struct seep_finding *finding)
{
    return finding->verdict >= SEEP_VERDICT_SUSPECT && !finding->rate.known &&
           !isfinite(finding->last) && finding->n_evidence;
}

// Whether a snapshot says more than a number: who has what, and what looks like a leak in it.
static bool has_gist(const struct seep_finding *finding)
{
    return finding->gist && !finding->rate.known;
}

static void add_headline(struct seep_writer *writer, const struct seep_finding *finding)
{
    struct seep_buf *out = &text_state_of(writer)->out;
    const char *unit = seep_metric_unit(finding->metric);
    char text[SEEP_HUMAN_TEXT], since[MOMENT_TEXT];
    bool grows = finding->verdict >= SEEP_VERDICT_SUSPECT;
    add_verdict(writer, finding->verdict);
    add_subject(writer, finding);
    if (is_bare(finding)) {
        seep_buf_adds(out, ": ");
        add_cited(writer, out, &finding->evidence[0], SEEP_NO_TIME);
        return;
    }
    if (has_gist(finding)) {
        seep_buf_adds(out, ": ");
        seep_plain_add(out, finding->gist, MAX_TEXT_SHOWN);
        if (!grows && finding->n_caveats) {
            seep_buf_adds(out, "; ");
            seep_plain_add(out, finding->caveats[0], MAX_TEXT_SHOWN);
        }
        return;
    }
    const char *what = metric_words[finding->metric];
    seep_buf_addf(out, ": %s", what ? what : seep_class_name(finding->class_));
    if (grows && finding->rate.known) {
        seep_human_rate(finding->rate.value, unit, text);
        seep_buf_addf(out, " %s", text);
    } else if (isfinite(finding->last)) {
        seep_human_value(finding->last, unit, text);
        seep_buf_addf(out, " %s", text);
    }
    if (grows && finding->since_ns != SEEP_NO_TIME) {
        text_moment(writer, finding->since_ns, since);
        seep_buf_addf(out, " since %s", since);
    }
    if (grows)
        add_exhaustion(writer, &finding->exhaustion);
    if (grows && finding->note) {
        seep_buf_adds(out, ", ");
        seep_plain_add(out, finding->note, MAX_TEXT_SHOWN);
    }
}

static void add_class(struct seep_writer *writer, const struct seep_finding *finding)
{
    struct seep_buf *work = &text_state_of(writer)->work;
    char when[MOMENT_TEXT];
    seep_buf_adds(work, seep_class_name(finding->class_));
    if (isfinite(finding->share))
        seep_buf_addf(work, "; %.0f %% of the machine's growth of this kind", finding->share * 100);
    if (finding->start_ns != SEEP_NO_TIME) {
        text_moment(writer, finding->start_ns, when);
        seep_buf_addf(work, "; started %s", when);
    }
    add_work(writer, "class");
}

static void add_numbers(struct seep_writer *writer, const struct seep_finding *finding)
{
    struct seep_buf *work = &text_state_of(writer)->work;
    const char *unit = seep_metric_unit(finding->metric);
    char a[SEEP_HUMAN_TEXT], b[SEEP_HUMAN_TEXT];
    // One moment has no growth; the headline says its number.
    bool one =
        !isfinite(finding->first) && !finding->rate.known && finding->since_ns == SEEP_NO_TIME;
    if (!one && (isfinite(finding->first) || isfinite(finding->last))) {
        seep_human_value(finding->first, unit, a);
        seep_human_value(finding->last, unit, b);
        seep_buf_addf(work, "from %s to %s", a, b);
    }
    if (finding->rate.known) {
        const struct seep_rate *rate = &finding->rate;
        for (int fine = 0; fine < 2; fine++) {
            seep_human_rate_like(rate->low, rate->value, fine, unit, a);
            seep_human_rate_like(rate->high, rate->value, fine, unit, b);
            if (strcmp(a, b) != 0)
                break;
        }
        if (strcmp(a, b) != 0)
            seep_buf_addf(work, "%s%s .. %s (95 %% interval)", work->len ? "; " : "", a, b);
    }
    if (finding->q < SMALLEST_Q)
        seep_buf_addf(work, "%sq<1e-6", work->len ? "; " : "");
    else if (isfinite(finding->q))
        seep_buf_addf(work, "%sq %.1g", work->len ? "; " : "", finding->q);
    if (work->len)
        add_work(writer, "growth");
}

static void add_limit(struct seep_writer *writer, const struct seep_exhaustion *exhaustion,
                      const char *unit)
{
    struct seep_buf *work = &text_state_of(writer)->work;
    char limit[SEEP_HUMAN_TEXT], at[MOMENT_TEXT], low[MOMENT_TEXT], high[MOMENT_TEXT];
    if (!exhaustion->limit)
        return;
    add_words(work, exhaustion->limit);
    if (isfinite(exhaustion->limit_value)) {
        seep_human_value(exhaustion->limit_value, unit, limit);
        seep_buf_addf(work, " %s", limit);
    }
    text_moment(writer, exhaustion->at_ns, at);
    text_moment(writer, exhaustion->low_ns, low);
    text_moment(writer, exhaustion->high_ns, high);
    seep_buf_addf(work, ", reached %s", at);
    if (strcmp(at, low) != 0 || strcmp(at, high) != 0)
        seep_buf_addf(work, " (%s .. %s)", low, high);
    if (exhaustion->at_ns != SEEP_NO_TIME && exhaustion->at_ns < writer->report->now_ns)
        seep_buf_adds(work, ", which is past by now");
    add_work(writer, "limit");
}

static void add_details(struct seep_writer *writer, const struct seep_finding *finding)
{
    struct text_state *state = text_state_of(writer);
    add_class(writer, finding);
    add_numbers(writer, finding);
    add_limit(writer, &finding->exhaustion, seep_metric_unit(finding->metric));
    size_t shown = is_bare(finding) || (has_gist(finding) && finding->n_evidence &&
                                        strcmp(finding->gist, finding->evidence[0].text) == 0);
    for (size_t i = shown; i < finding->n_evidence; i++) {
        add_cited(writer, &state->work, &finding->evidence[i], finding->since_ns);
        add_work(writer, i > shown ? "" : "evidence");
    }
    size_t told = has_gist(finding) && finding->verdict < SEEP_VERDICT_SUSPECT; // in the headline
    for (size_t i = told; i < finding->n_caveats; i++) {
        seep_plain_add(&state->work, finding->caveats[i], MAX_TEXT_SHOWN);
        add_work(writer, i > told ? "" : "caveat");
    }
    // A command stays on one line, so that it can be copied.
    for (size_t i = 0; i < finding->n_next; i++) {
        add_label(writer, i ? "" : "next");
        seep_plain_add(&state->out, finding->next[i], 0);
        seep_buf_addc(&state->out, '\n');
    }
}

static void flush(struct seep_writer *writer)
{
    struct seep_buf *out = &text_state_of(writer)->out;
    if (out->failed || (out->len && fwrite(out->data, 1, out->len, writer->out) != out->len))
        out->failed = true;
    else
        seep_buf_reset(out);
}

static void on_finding(struct seep_writer *writer, const struct seep_finding *finding, size_t rank)
{
    struct text_state *state = text_state_of(writer);
    // What cannot be judged may still say where the memory is.
    bool detailed = finding->verdict >= SEEP_VERDICT_SUSPECT ||
                    (finding->verdict == SEEP_VERDICT_UNKNOWN && finding->n_evidence);
    if (finding->verdict == SEEP_VERDICT_UNKNOWN && state->fold_unknown)
        return;
    if (rank && (detailed || state->detailed))
        seep_buf_addc(&state->out, '\n');
    state->detailed = detailed;
    add_headline(writer, finding);
    const char *why = finding->n_caveats ? finding->caveats[0] : NULL;
    if (!why && finding->n_evidence)
        why = finding->evidence[0].text;
    if (!detailed && why) {
        seep_buf_adds(&state->out, ", ");
        seep_plain_add(&state->out, why, MAX_TEXT_SHOWN);
    }
    seep_buf_addc(&state->out, '\n');
    if (detailed)
        add_details(writer, finding);
    flush(writer);
}

static void on_begin(struct seep_writer *writer)
{
    struct text_state *state = text_state_of(writer);
    const struct seep_judgement *judgement = writer->report->judgement;
    for (size_t i = 0; i < judgement->n_findings; i++) {
        state->n_unknown += judgement->findings[i].verdict == SEEP_VERDICT_UNKNOWN;
        state->n_steady += judgement->findings[i].verdict == SEEP_VERDICT_STEADY;
    }
    state->fold_unknown = !writer->report->all && state->n_unknown > MAX_UNKNOWN;
}

static void add_loss(struct text_state *state, const struct seep_loss *loss)
{
    seep_plain_add(&state->work, loss->text && *loss->text ? loss->text : loss->what,
                   MAX_TEXT_SHOWN);
    if (loss->offset != SEEP_NO_OFFSET)
        seep_buf_addf(&state->work, " (at 0x%" PRIx64 ")", loss->offset);
    seep_buf_addf(&state->tail, "  %-8s", loss->harmless ? "note" : "lost");
    seep_plain_wrap(&state->tail, seep_buf_text(&state->work), TAIL_VALUE_AT, WIDTH);
    seep_buf_addc(&state->tail, '\n');
    text_reset_work(state);
}

static const char *plural(uint64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static void add_facts(struct seep_buf *work, const struct seep_dataset_source *source)
{
    static const char *const many[] = {
        [SEEP_FACT_MACHINE] = "machines",
        [SEEP_FACT_PROCESS] = "processes",
        [SEEP_FACT_SAMPLE] = "samples",
        [SEEP_FACT_MODULE] = "modules",
        [SEEP_FACT_STACK] = "stacks",
        [SEEP_FACT_SITE] = "sites",
        [SEEP_FACT_REGION] = "regions",
        [SEEP_FACT_POOL_TAG] = "pool tags",
        [SEEP_FACT_HANDLE] = "handles",
        [SEEP_FACT_HEAP] = "heaps",
        [SEEP_FACT_BLOCKS] = "groups of blocks",
        [SEEP_FACT_VM] = "looks at memory",
        [SEEP_FACT_ZOMBIE] = "zombies",
        [SEEP_FACT_EVENT] = "events",
    };
    static_assert(sizeof many / sizeof *many == SEEP_FACT_LOSS, "a word for every kind");
    const char *before = ": ";
    for (int kind = 0; kind < SEEP_FACT_LOSS; kind++) {
        uint64_t n = source->facts[kind];
        if (n == 0)
            continue;
        const char *one = kind == SEEP_FACT_VM ? "look at memory"
                                               : seep_fact_kind_name((enum seep_fact_kind)kind);
        seep_buf_addf(work, "%s%" PRIu64 " %s", before, n, plural(n, one, many[kind]));
        before = ", ";
    }
    if (*before == ':')
        seep_buf_adds(work, ": nothing");
}

static void add_source(struct seep_writer *writer, const char *label,
                       const struct seep_dataset_source *source)
{
    struct text_state *state = text_state_of(writer);
    struct seep_buf *work = &state->work;
    char size[SEEP_HUMAN_TEXT], read[SEEP_HUMAN_TEXT];
    if (state->n_sources++ >= MAX_SOURCES)
        return;
    seep_plain_add(work, source->path, MAX_TEXT_SHOWN);
    seep_buf_addf(work, " (%s", source->format ? source->format : "not read");
    seep_human_bytes((double)source->size_bytes, size);
    seep_human_bytes((double)source->read_bytes, read);
    if (source->read_bytes < source->size_bytes)
        seep_buf_addf(work, ", %s of %s", read, size);
    else if (source->size_bytes)
        seep_buf_addf(work, ", %s", size);
    seep_buf_addc(work, ')');
    add_facts(work, source);
    seep_buf_addf(&state->tail, "%-*s", TAIL_VALUE_AT, label);
    seep_plain_wrap(&state->tail, seep_buf_text(work), TAIL_VALUE_AT, WIDTH);
    seep_buf_addc(&state->tail, '\n');
    text_reset_work(state);
    for (size_t i = 0; i < source->n_losses && i < MAX_LOSSES; i++)
        add_loss(state, &source->losses[i]);
    if (source->n_losses > MAX_LOSSES)
        seep_buf_addf(&state->tail, "%*s... and %" PRIu64 " more (--json lists them)\n",
                      TAIL_VALUE_AT, "", (uint64_t)(source->n_losses - MAX_LOSSES));
}

static void on_source(struct seep_writer *writer, const struct seep_dataset_source *source)
{
    add_source(writer, "read", source);
}

static void add_baselines(struct seep_writer *writer)
{
    struct text_state *state = text_state_of(writer);
    const struct seep_report *report = writer->report;
    for (size_t i = 0; i < report->n_baselines; i++) {
        for (size_t k = 0; k < report->baselines[i]->n_sources; k++)
            add_source(writer, "baseline", &report->baselines[i]->sources[k]);
    }
    uint64_t n = report->judgement->n_expected;
    if (n)
        seep_buf_addf(&state->tail,
                      "%*s%" PRIu64 " finding%s of growth that it shows, too: steady (--all)\n",
                      TAIL_VALUE_AT, "", n, n == 1 ? "" : "s");
}

static void on_machine(struct seep_writer *writer, const struct seep_machine *machine)
{
    text_state_of(writer)->machine = machine;
}

// What stands in the way of a verdict, and what to do: from the first finding that has none.
static void add_reason(struct seep_writer *writer)
{
    struct seep_buf *out = &text_state_of(writer)->out;
    const struct seep_judgement *judgement = writer->report->judgement;
    for (size_t i = 0; i < judgement->n_findings; i++) {
        const struct seep_finding *finding = &judgement->findings[i];
        if (finding->verdict != SEEP_VERDICT_UNKNOWN)
            continue;
        const char *before = ": ";
        if (finding->n_caveats) {
            seep_buf_adds(out, before);
            seep_plain_add(out, finding->caveats[0], MAX_TEXT_SHOWN);
            before = "; ";
        }
        if (finding->n_next) {
            seep_buf_adds(out, before);
            seep_plain_add(out, finding->next[0], MAX_TEXT_SHOWN);
        }
        return;
    }
}

// The first line where no finding gives it.
static void on_observed(struct seep_writer *writer)
{
    struct text_state *state = text_state_of(writer);
    struct seep_buf *out = &state->out;
    const struct seep_judgement *judgement = writer->report->judgement;
    char over[SEEP_HUMAN_TEXT];
    seep_human_duration(((double)judgement->end_ns - (double)judgement->start_ns) / 1e9, over);
    // A snapshot's finding is an answer, also where it is no verdict.
    if (judgement->verdict >= SEEP_VERDICT_SUSPECT ||
        (judgement->n_findings && has_gist(&judgement->findings[0]) && !state->fold_unknown))
        return;
    add_verdict(writer, judgement->verdict);
    if (judgement->verdict == SEEP_VERDICT_STEADY) {
        seep_buf_addf(out, "nothing leaks: %" PRIu64 " series", (uint64_t)judgement->n_series);
        if (judgement->end_ns != SEEP_NO_TIME && judgement->start_ns != SEEP_NO_TIME)
            seep_buf_addf(out, " over %s", over);
        seep_buf_adds(out, " judged");
    } else if (judgement->n_findings == 0) {
        seep_buf_adds(out, "nothing to judge: no series of memory, handles or threads and "
                           "no event of a leak was read");
    } else if (state->n_steady) {
        seep_buf_addf(out,
                      "nothing leaks in what could be judged, but %" PRIu64 " of %" PRIu64
                      " could not be",
                      (uint64_t)state->n_unknown, (uint64_t)judgement->n_findings);
        add_reason(writer);
    } else {
        seep_buf_adds(out, "too little to judge");
        add_reason(writer);
    }
    seep_buf_addc(out, '\n');
    flush(writer);
}

static void on_left_out(struct seep_writer *writer, const size_t counts[SEEP_N_VERDICTS])
{
    struct text_state *state = text_state_of(writer);
    struct seep_buf *out = &state->out;
    uint64_t total = 0;
    if (state->fold_unknown && writer->report->judgement->verdict != SEEP_VERDICT_UNKNOWN)
        seep_buf_addf(out, "\n%" PRIu64 " more could not be judged (--all lists them)\n",
                      (uint64_t)state->n_unknown);
    for (int i = 0; i < SEEP_N_VERDICTS; i++) {
        if (i != SEEP_VERDICT_UNKNOWN || !state->fold_unknown)
            total += counts[i];
    }
    if (!total)
        return;
    seep_buf_addf(out, "\n%" PRIu64 " more (--top N shows more of them):", total);
    const char *before = " ";
    for (int i = SEEP_N_VERDICTS - 1; i >= 0; i--) {
        if (!counts[i] || (i == SEEP_VERDICT_UNKNOWN && state->fold_unknown))
            continue;
        seep_buf_addf(out, "%s%" PRIu64 " %s", before, (uint64_t)counts[i],
                      seep_verdict_name((enum seep_verdict)i));
        before = ", ";
    }
    seep_buf_addc(out, '\n');
}

static void add_observed(struct seep_writer *writer)
{
    struct text_state *state = text_state_of(writer);
    const struct seep_judgement *judgement = writer->report->judgement;
    const struct seep_machine *machine = state->machine;
    struct seep_buf *work = &state->work;
    char over[SEEP_HUMAN_TEXT], start[SEEP_TIME_TEXT], end[SEEP_TIME_TEXT];
    if (machine && machine->host && *machine->host) {
        seep_plain_add(work, machine->host, MAX_NAME_SHOWN);
        seep_buf_adds(work, ", ");
    }
    if (machine && machine->os) {
        seep_plain_add(work, machine->os, MAX_NAME_SHOWN);
        seep_buf_adds(work, machine->os_version ? " " : "");
        seep_plain_add(work, machine->os_version, MAX_NAME_SHOWN);
        seep_buf_adds(work, ", ");
    }
    if (judgement->n_series)
        seep_buf_addf(work, "%" PRIu64 " series over ", (uint64_t)judgement->n_series);
    if (judgement->start_ns != SEEP_NO_TIME && judgement->end_ns != SEEP_NO_TIME) {
        seep_human_duration(((double)judgement->end_ns - (double)judgement->start_ns) / 1e9, over);
        seep_time_format(judgement->start_ns, start);
        seep_time_format(judgement->end_ns, end);
        bool same_day = strncmp(start, end, 10) == 0;
        seep_buf_addf(work, "%s, %.10s %.8s .. %.10s%s%.8s (times are UTC)", over, start,
                      start + 11, same_day ? "" : end, same_day ? "" : " ", end + 11);
    } else {
        seep_buf_adds(work, "no samples (times are UTC)");
    }
    text_add_tail(state, "observed");
}

static bool on_end(struct seep_writer *writer)
{
    struct text_state *state = text_state_of(writer);
    seep_buf_addc(&state->out, '\n');
    text_add_events(writer);
    add_observed(writer);
    add_baselines(writer);
    seep_buf_add(&state->out, seep_buf_text(&state->tail), state->tail.len);
    if (state->n_sources > MAX_SOURCES)
        seep_buf_addf(&state->out, "%*s... and %" PRIu64 " more (--json lists them)\n",
                      TAIL_VALUE_AT, "", (uint64_t)(state->n_sources - MAX_SOURCES));
    bool memory = !state->tail.failed && !state->work_failed;
    flush(writer);
    bool ok = memory && !state->out.failed;
    seep_buf_clear(&state->out);
    seep_buf_clear(&state->tail);
    seep_buf_clear(&state->work);
    return ok;
}

const struct seep_writer_ops seep_writer_text = {
    .name = "text",
    .state_size = sizeof(struct text_state),
    .default_top = 20,
    .begin = on_begin,
    .source = on_source,
    .machine = on_machine,
    .observed = on_observed,
    .finding = on_finding,
    .left_out = on_left_out,
    .event = text_on_event,
    .end = on_end,
};
