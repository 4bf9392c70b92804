// SPDX-License-Identifier: MIT
// What Windows itself noticed: findings from events. Provider and id are matched, never text.
//
//   Microsoft-Windows-Resource-Exhaustion-Detector 2004   low virtual memory, with its consumers
//   Microsoft-Windows-Resource-Exhaustion-Resolver 1014   a leak diagnosis that was dropped
//   Windows Error Reporting 1001                          RADAR_PRE_LEAK_*: the leak detector
//   srv 2019, 2020                                        nonpaged, paged pool empty
#include "detect/judge.h"

#include "base/alloc.h"
#include "base/time.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
    }
    return *a == *b;
}

// Image names are equal with or without ".exe", which Perfmon leaves out.
static bool same_image(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    size_t n = strlen(a), m = strlen(b);
    n -= n > 4 && same_text(a + n - 4, ".exe") ? 4 : 0;
    m -= m > 4 && same_text(b + m - 4, ".exe") ? 4 : 0;
    for (size_t i = 0; i < n && n == m; i++) {
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    }
    return n == m;
}

// The field whose path ends with these parts.
static const struct seep_field *field_at(const struct seep_event *event, const char *tail)
{
    size_t n = strlen(tail);
    for (size_t i = 0; i < event->n_fields; i++) {
        const char *path = event->fields[i].path;
        if (!path)
            continue;
        size_t m = strlen(path);
        if (m >= n && strcmp(path + m - n, tail) == 0 && (m == n || path[m - n - 1] == '/'))
            return &event->fields[i];
    }
    return NULL;
}

static double number_at(const struct seep_event *event, const char *tail)
{
    double value = NAN;
    (void)seep_field_number(field_at(event, tail), &value);
    return value;
}

static const char *text_at(const struct seep_event *event, const char *tail)
{
    const struct seep_field *field = field_at(event, tail);
    return field && field->type == SEEP_FIELD_TEXT && field->value.text ? field->value.text : "";
}

static int64_t time_at(const struct seep_event *event, const char *tail)
{
    const struct seep_field *field = field_at(event, tail);
    int64_t t_ns = SEEP_NO_TIME;
    if (field && field->type == SEEP_FIELD_TIME)
        return field->value.time_ns;
    if (field && field->type == SEEP_FIELD_TEXT && field->value.text)
        (void)seep_time_parse(field->value.text, &t_ns);
    return t_ns;
}

// A process as an event names it.
struct consumer {
    const char *image;
    uint32_t pid;
    int64_t start_ns;
    double commit, handles;
};

// Slots of one event 2004, and how many events of one kind are looked at, the newest of them: a
// machine that logs more than this has said it often enough.
enum { MAX_CONSUMERS = 6, MAX_EVENTS = 512 };

// One event 2004.
struct exhaustion {
    size_t event; // index into the dataset
    int64_t t_ns;
    double limit, charge;
    struct consumer consumers[MAX_CONSUMERS];
    size_t n_consumers;
};

static bool valid_pid(double pid)
{
    return pid >= 1 && pid <= UINT32_MAX;
}

static void read_exhaustion(const struct seep_event *event, size_t index, struct exhaustion *out)
{
    *out = (struct exhaustion){ .event = index,
                                .t_ns = event->time_ns,
                                .limit = number_at(event, "SystemInfo/SystemCommitLimit"),
                                .charge = number_at(event, "SystemInfo/SystemCommitCharge") };
    for (unsigned i = 1; i <= MAX_CONSUMERS; i++) {
        char tail[64];
        (void)snprintf(tail, sizeof tail, "ProcessInfo/Process_%u/Name", i);
        const char *image = text_at(event, tail);
        (void)snprintf(tail, sizeof tail, "ProcessInfo/Process_%u/ID", i);
        double pid = number_at(event, tail);
        (void)snprintf(tail, sizeof tail, "ProcessInfo/Process_%u/CommitCharge", i);
        double commit = number_at(event, tail);
        if (!*image || !valid_pid(pid) || !(commit > 0))
            continue;
        (void)snprintf(tail, sizeof tail, "ProcessInfo/Process_%u/HandleCount", i);
        double handles = number_at(event, tail);
        (void)snprintf(tail, sizeof tail, "ProcessInfo/Process_%u/CreationTime", i);
        out->consumers[out->n_consumers++] =
            (struct consumer){ image, (uint32_t)pid, time_at(event, tail), commit, handles };
    }
}

// Where an event's findings go: one of the machine's that is already there, or a new one.
static struct seep_draft *draft_for(struct seep_drafts *drafts, const struct seep_dataset *data,
                                    const struct seep_event *event, enum seep_class class_,
                                    const char *image, const struct consumer *who)
{
    struct seep_draft *match = NULL;
    size_t matches = 0;
    for (size_t i = 0; image && i < drafts->count; i++) {
        struct seep_draft *d = &drafts->at[i];
        const struct seep_finding *f = &d->finding;
        if (d->dropped || f->machine.v != event->machine.v || f->class_ != class_ ||
            f->subject != SEEP_SUBJECT_PROCESS || !same_image(f->name, image))
            continue;
        if (who && (!f->has_pid || f->pid != who->pid))
            continue;
        if (!who && f->verdict < SEEP_VERDICT_SUSPECT)
            continue;
        match = d;
        matches++;
    }
    if (matches == 1 && match->finding.verdict >= SEEP_VERDICT_SUSPECT)
        return match;
    const char *known = matches == 1 ? match->finding.name : NULL;
    int64_t known_start = matches == 1 ? match->finding.start_ns : SEEP_NO_TIME;
    if (matches == 1)
        match->dropped = true; // steady or unknown: the event says more
    struct seep_draft *draft = seep_draft_add(drafts);
    if (!draft)
        return NULL;
    struct seep_finding *f = &draft->finding;
    f->class_ = class_;
    f->verdict = seep_verdict_of_event();
    f->machine = event->machine;
    f->metric = SEEP_METRIC_PRIVATE_BYTES;
    f->subject = image ? SEEP_SUBJECT_PROCESS : SEEP_SUBJECT_MACHINE;
    if (image)
        f->name = known ? known : seep_say(drafts, "%s", image);
    else if (event->machine.v && event->machine.v <= data->n_machines &&
             data->machines[event->machine.v - 1].host)
        f->name = seep_say(drafts, "%s", data->machines[event->machine.v - 1].host);
    f->start_ns = known_start;
    if (who) {
        f->has_pid = true;
        f->pid = who->pid;
        f->start_ns = who->start_ns != SEEP_NO_TIME ? who->start_ns : known_start;
    }
    return draft;
}

static void cite(struct seep_drafts *drafts, const struct seep_dataset *data, size_t event,
                 struct seep_draft *draft, const char *text)
{
    seep_draft_evidence(drafts, draft, text,
                        data->event_sources ? data->event_sources[event]
                                            : (struct seep_source_id){ 0 },
                        data->events[event].offset, data->events[event].time_ns);
}

static bool same_process(const struct consumer *a, const struct consumer *b)
{
    return a->pid == b->pid && a->start_ns == b->start_ns && same_image(a->image, b->image);
}

static const struct consumer *find_consumer(const struct exhaustion *e, const struct consumer *who)
{
    for (size_t i = 0; i < e->n_consumers; i++) {
        if (same_process(&e->consumers[i], who))
            return &e->consumers[i];
    }
    return NULL;
}

// The run of events, ending with `at[n - 1]`, in each of which `who` held more than in the one
// before; `values` gets their charges, oldest last. Returns its length.
static size_t rising_run(const struct exhaustion *at, size_t n, const struct consumer *who,
                         struct seep_point *values, size_t most)
{
    size_t run = 0;
    double above = INFINITY;
    for (size_t i = n; i-- > 0 && run < most;) {
        const struct consumer *c = find_consumer(&at[i], who);
        if (!c || c->commit >= above || (run && at[i].t_ns >= values[run - 1].t_ns))
            break;
        above = c->commit;
        values[run++] = (struct seep_point){ at[i].t_ns, c->commit };
    }
    return run;
}

enum { MAX_RUN = 64 };

// A trend from events alone, for the process that grew most through the newest of them.
static void add_trend(struct seep_drafts *drafts, const struct seep_dataset *data,
                      const struct exhaustion *at, size_t n, struct seep_draft *draft,
                      const struct consumer *who)
{
    struct seep_point values[MAX_RUN];
    double x[MAX_RUN], y[MAX_RUN];
    size_t run = rising_run(at, n, who, values, MAX_RUN);
    struct seep_slope slope;
    if (run < 3)
        return;
    for (size_t i = 0; i < run; i++) {
        x[i] = ((double)values[run - 1 - i].t_ns - (double)values[run - 1].t_ns) / 1e9;
        y[i] = values[run - 1 - i].value;
    }
    if (!seep_theil_sen(x, y, run, 1, 1.96, &slope))
        return;
    double growth = y[run - 1] - y[0], charge = at[n - 1].charge - at[n - run].charge;
    struct seep_finding *f = &draft->finding;
    double share = growth / fmax(growth, charge > 0 ? charge : 0);
    enum seep_verdict verdict = seep_verdict_of_events(run, share);
    const char *grew = "";
    if (f->rate.known) // the finding's numbers are those of the samples
        grew =
            seep_say(drafts, ": %s to %s, %.0f %% of the growth of the commit charge",
                     seep_say_amount(drafts, SEEP_METRIC_PRIVATE_BYTES, y[0]),
                     seep_say_amount(drafts, SEEP_METRIC_PRIVATE_BYTES, y[run - 1]), share * 100);
    cite(drafts, data, at[n - 1].event, draft,
         seep_say(drafts, "%s held more in each of %zu exhaustion events in a row%s", who->image,
                  run, grew));
    if (f->verdict < verdict)
        f->verdict = verdict;
    if (f->rate.known)
        return; // the samples say more
    f->rate = (struct seep_rate){ true, slope.slope, slope.low, slope.high };
    f->since_ns = values[run - 1].t_ns;
    f->first = y[0];
    f->last = y[run - 1];
    f->share = share;
    if (at[n - 1].limit > 0 && at[n - 1].charge >= 0)
        f->exhaustion =
            seep_exhaustion_at("commit", at[n - 1].limit, at[n - 1].limit - at[n - 1].charge,
                               &f->rate, at[n - 1].t_ns);
    seep_draft_caveat(
        drafts, draft,
        seep_say(drafts, "only %zu samples, one of each event: the rate is rough", run));
}

static const struct consumer *top_consumer(const struct exhaustion *e)
{
    const struct consumer *top = NULL;
    for (size_t k = 0; k < e->n_consumers; k++) {
        if (!top || e->consumers[k].commit > top->commit)
            top = &e->consumers[k];
    }
    return top;
}

// All exhaustion events of one machine: a finding for each process that led one of them.
static void judge_exhaustion(struct seep_drafts *drafts, const struct seep_dataset *data,
                             const struct exhaustion *at, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        const struct exhaustion *e = &at[i];
        const struct seep_event *event = &data->events[e->event];
        const struct consumer *top = top_consumer(e);
        // Each process speaks once, at the newest event that it led.
        bool seen = false;
        for (size_t later = i + 1; top && later < n && !seen; later++) {
            const struct consumer *other = top_consumer(&at[later]);
            seen = other && same_process(other, top);
        }
        if (!top || seen)
            continue;
        struct seep_draft *draft =
            draft_for(drafts, data, event, SEEP_CLASS_PRIVATE_DATA, top->image, top);
        if (!draft)
            return;
        if (seep_unknown(draft->finding.last))
            draft->finding.last = top->commit;
        cite(drafts, data, e->event, draft,
             seep_say(drafts,
                      "Windows ran low on commit, event 2004: %s of %s charged, %s of it by %s "
                      "(PID %u), more than by any other",
                      seep_say_amount(drafts, SEEP_METRIC_COMMIT_BYTES, e->charge),
                      seep_say_amount(drafts, SEEP_METRIC_COMMIT_BYTES, e->limit),
                      seep_say_amount(drafts, SEEP_METRIC_COMMIT_BYTES, top->commit), top->image,
                      top->pid));
        add_trend(drafts, data, at, i + 1, draft, top);
        if (draft->finding.verdict == SEEP_VERDICT_SUSPECT && !draft->finding.rate.known)
            seep_draft_caveat(drafts, draft,
                              "one event shows who was largest, not who grew: record to be sure");
        seep_finding_next(drafts, draft);
    }
}

static bool in_time(const struct seep_detect_options *options, int64_t t_ns)
{
    return !options || ((options->since_ns == SEEP_NO_TIME || t_ns >= options->since_ns) &&
                        (options->until_ns == SEEP_NO_TIME || t_ns <= options->until_ns));
}

// Windows' own leak detector. The report's parameters come as an array without names, of which the
// event name is the third and the image the sixth, or by name.
static bool judge_radar(struct seep_drafts *drafts, const struct seep_dataset *data, size_t index)
{
    const struct seep_event *event = &data->events[index];
    static const char mark[] = "RADAR_PRE_LEAK_";
    const char *name = NULL, *image = NULL;
    for (size_t i = 0; i < event->n_fields && !name; i++) {
        const struct seep_field *field = &event->fields[i];
        if (field->type != SEEP_FIELD_TEXT || !field->value.text ||
            strncmp(field->value.text, mark, sizeof mark - 1) != 0)
            continue;
        const struct seep_field *p1 = field_at(event, "P1");
        if (p1 && p1->type == SEEP_FIELD_TEXT) {
            const struct seep_field *named = field_at(event, "EventName");
            if (named != field)
                continue; // the words stand in some other field
            image = p1->value.text;
        } else if (i == 2 && event->n_fields > 5 && event->fields[5].type == SEEP_FIELD_TEXT) {
            image = event->fields[5].value.text;
        } else {
            continue;
        }
        name = field->value.text;
    }
    if (!name || !image || !*image)
        return false;
    struct seep_draft *draft = draft_for(drafts, data, event, SEEP_CLASS_PRIVATE_DATA, image, NULL);
    if (!draft)
        return false;
    cite(drafts, data, index, draft,
         seep_say(drafts, "Windows' leak detector reported it: %s, Windows Error Reporting 1001",
                  name));
    if (!draft->finding.rate.known)
        seep_draft_caveat(drafts, draft,
                          "the event names the image, not how fast it grows: record to be sure");
    seep_finding_next(drafts, draft);
    return true;
}

static bool judge_resolver(struct seep_drafts *drafts, const struct seep_dataset *data,
                           size_t index)
{
    const struct seep_event *event = &data->events[index];
    const char *image = text_at(event, "DroppedLeakDiagnosisEventInfo/ProcessImageName");
    double pid = number_at(event, "DroppedLeakDiagnosisEventInfo/ProcessId");
    if (!*image)
        return false;
    struct consumer who = { image, valid_pid(pid) ? (uint32_t)pid : 0,
                            time_at(event, "DroppedLeakDiagnosisEventInfo/ProcessCreationTime"), 0,
                            0 };
    struct seep_draft *draft =
        draft_for(drafts, data, event, SEEP_CLASS_PRIVATE_DATA, image, who.pid ? &who : NULL);
    if (!draft)
        return false;
    cite(drafts, data, index, draft,
         seep_say(drafts, "Windows began to diagnose a leak in %s and dropped it, event 1014",
                  image));
    if (!draft->finding.rate.known)
        seep_draft_caveat(drafts, draft,
                          "the event names the process, not how fast it grows: record to be sure");
    seep_finding_next(drafts, draft);
    return true;
}

static bool judge_pool_empty(struct seep_drafts *drafts, const struct seep_dataset *data,
                             size_t index)
{
    const struct seep_event *event = &data->events[index];
    bool nonpaged = event->id == 2019;
    struct seep_draft *draft =
        draft_for(drafts, data, event, nonpaged ? SEEP_CLASS_NONPAGED_POOL : SEEP_CLASS_PAGED_POOL,
                  NULL, NULL);
    if (!draft)
        return false;
    draft->finding.metric =
        nonpaged ? SEEP_METRIC_NONPAGED_POOL_BYTES : SEEP_METRIC_PAGED_POOL_BYTES;
    cite(drafts, data, index, draft,
         seep_say(drafts, "the %s pool was empty for the Server service: srv %u",
                  nonpaged ? "nonpaged" : "paged", event->id));
    seep_draft_caveat(drafts, draft, "the event tells that the pool was empty, not who filled it");
    seep_finding_next(drafts, draft);
    return true;
}

static bool is_from(const struct seep_event *event, const char *provider)
{
    return event->provider && same_text(event->provider, provider);
}

static bool judge_exhaustion_of(struct seep_drafts *drafts, const struct seep_dataset *data,
                                const struct seep_detect_options *options, uint32_t machine)
{
    struct exhaustion *at = NULL;
    size_t n = 0, capacity = 0;
    for (size_t i = data->n_events; i-- > 0 && n < MAX_EVENTS;) {
        const struct seep_event *event = &data->events[i];
        if (event->id != 2004 || event->machine.v != machine || !in_time(options, event->time_ns) ||
            !is_from(event, "Microsoft-Windows-Resource-Exhaustion-Detector"))
            continue;
        if (!seep_grow(&at, &capacity, n + 1, sizeof *at)) {
            seep_free(at);
            return false;
        }
        read_exhaustion(event, i, &at[n++]);
    }
    for (size_t i = 0; i < n / 2; i++) { // oldest first
        struct exhaustion swap = at[i];
        at[i] = at[n - 1 - i];
        at[n - 1 - i] = swap;
    }
    judge_exhaustion(drafts, data, at, n);
    seep_free(at);
    return true;
}

bool seep_events_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                       const struct seep_detect_options *options)
{
    for (uint32_t m = 0; m <= data->n_machines; m++) {
        if (!judge_exhaustion_of(drafts, data, options, m))
            return false;
    }
    size_t n_radar = 0, n_resolver = 0, n_pool = 0;
    for (size_t i = data->n_events; i-- > 0;) {
        const struct seep_event *event = &data->events[i];
        if (!in_time(options, event->time_ns))
            continue;
        if (event->id == 1001 && n_radar < MAX_EVENTS && is_from(event, "Windows Error Reporting"))
            n_radar += judge_radar(drafts, data, i);
        else if (event->id == 1014 && n_resolver < MAX_EVENTS &&
                 is_from(event, "Microsoft-Windows-Resource-Exhaustion-Resolver"))
            n_resolver += judge_resolver(drafts, data, i);
        else if ((event->id == 2019 || event->id == 2020) && n_pool < MAX_EVENTS &&
                 is_from(event, "srv"))
            n_pool += judge_pool_empty(drafts, data, i);
    }
    return !drafts->failed;
}
