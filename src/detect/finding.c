// SPDX-License-Identifier: MIT
// The finding about one series: its evidence, its caveats and what to do next.
#include "detect/judge.h"

#include "base/time.h"

#include <math.h>
#include <string.h>

enum seep_class seep_class_of(const struct seep_judged *judged)
{
    if (judged->kind == SEEP_SUBJECT_SITE)
        return seep_class_of_site(judged);
    switch (judged->metric) {
    case SEEP_METRIC_VIRTUAL_BYTES:
        return SEEP_CLASS_ADDRESS_SPACE;
    case SEEP_METRIC_HANDLES:
        return SEEP_CLASS_HANDLES;
    case SEEP_METRIC_GDI_OBJECTS:
    case SEEP_METRIC_USER_OBJECTS:
        return SEEP_CLASS_GDI_USER;
    case SEEP_METRIC_THREADS:
        return SEEP_CLASS_THREADS;
    case SEEP_METRIC_ZOMBIES:
        return SEEP_CLASS_PROCESS_ZOMBIES;
    case SEEP_METRIC_PAGED_POOL_BYTES:
        return SEEP_CLASS_PAGED_POOL;
    case SEEP_METRIC_NONPAGED_POOL_BYTES:
        return SEEP_CLASS_NONPAGED_POOL;
    case SEEP_METRIC_COMMIT_BYTES:
    case SEEP_METRIC_AVAILABLE_BYTES:
        return SEEP_CLASS_COMMIT_UNATTRIBUTED;
    default:
        return SEEP_CLASS_PRIVATE_DATA;
    }
}

const char *seep_finding_id(struct seep_drafts *drafts, const struct seep_dataset *data,
                            const struct seep_finding *f)
{
    const char *host = NULL;
    if (data->n_machines > 1 && f->machine.v && f->machine.v <= data->n_machines)
        host = data->machines[f->machine.v - 1].host;
    const char *name = f->tag ? f->tag : f->name;
    if (f->subject == SEEP_SUBJECT_MACHINE || !name)
        name = f->subject == SEEP_SUBJECT_MACHINE ? "machine" : "unknown";
    const char *at = host && *host ? "@" : "";
    host = host ? host : "";
    // Who is to blame may be named differently once there are symbols; its series is not.
    if (f->subject == SEEP_SUBJECT_SITE)
        return seep_say(drafts, "%s/%s:%u/%s%s%s", seep_class_name(f->class_),
                        f->process ? f->process : "kernel", f->pid,
                        f->site_name ? f->site_name : "unknown", at, host);
    if (f->has_pid)
        return seep_say(drafts, "%s/%s:%u%s%s", seep_class_name(f->class_), name, f->pid, at, host);
    return seep_say(drafts, "%s/%s%s%s", seep_class_name(f->class_), name, at, host);
}

static const char *or_text(const char *text, const char *other)
{
    return text && *text ? text : other;
}

static void set_subject(struct seep_drafts *drafts, const struct seep_scene *scene,
                        const struct seep_judged *judged, struct seep_finding *f)
{
    const struct seep_dataset *data = scene->data;
    const struct seep_subject *subject = &data->series[judged->series].series.subject;
    f->subject = judged->kind;
    f->machine = scene->machine;
    f->metric = judged->metric;
    const char *name = subject->name;
    if (judged->kind == SEEP_SUBJECT_MACHINE && scene->machine.v)
        name = data->machines[scene->machine.v - 1].host;
    if (judged->process) {
        const struct seep_process *p = &data->processes[judged->process - 1];
        f->has_pid = p->has_pid;
        f->pid = p->has_pid ? p->pid : 0;
        f->start_ns = p->start_ns;
        if (judged->kind == SEEP_SUBJECT_PROCESS)
            name = p->image;
    }
    if (name && *name)
        f->name = seep_say(drafts, "%s", name);
    if (judged->kind == SEEP_SUBJECT_POOL_TAG)
        f->tag = f->name;
}

// Whether a name means the same to every shell as it stands, so that a command with it can be
// copied.
static bool is_plain_word(const char *name)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    return name && *name && *name != '-' && strspn(name, plain) == strlen(name);
}

void seep_finding_next(struct seep_drafts *drafts, struct seep_draft *draft)
{
    const struct seep_finding *f = &draft->finding;
    const char *whom = "";
    if (f->subject == SEEP_SUBJECT_SITE)
        return; // a recorder of counters cannot say more about it
    if (f->subject == SEEP_SUBJECT_PROCESS && f->verdict != SEEP_VERDICT_UNKNOWN) {
        if (f->has_pid && !draft->ended)
            whom = seep_say(drafts, "--pid %u ", f->pid);
        else if (is_plain_word(f->name))
            whom = seep_say(drafts, "--name %s ", f->name);
    }
    double hours = fmin(fmax(ceil(draft->needed_s / 3600), 1), 168);
    seep_draft_next(drafts, draft, seep_say(drafts, "seep record %s-i 10s -d %.0fh", whom, hours));
}

// Losses that make a curve less sure, in the words of their source.
static void add_losses(struct seep_drafts *drafts, const struct seep_scene *scene,
                       const struct seep_judged *judged, struct seep_draft *draft)
{
    struct seep_source_id id = scene->data->series[judged->series].source;
    if (id.v == 0 || id.v > scene->data->n_sources)
        return;
    const struct seep_dataset_source *source = &scene->data->sources[id.v - 1];
    for (size_t i = 0; i < source->n_losses; i++) {
        const struct seep_loss *loss = &source->losses[i];
        const char *what = or_text(loss->what, "loss"), *text = or_text(loss->text, what);
        if (strcmp(what, "identity-unknown") == 0)
            seep_draft_caveat(drafts, draft,
                              judged->kind == SEEP_SUBJECT_PROCESS
                                  ? "instances are known by name only: two processes of one image "
                                    "may have been taken for one"
                                  : "processes are known by name only");
        else if (strcmp(what, "clock-jump") == 0)
            seep_draft_caveat(
                drafts, draft,
                seep_say(drafts, "the clock jumped (%s): times and rates are less sure", text));
        else if (!loss->harmless)
            seep_draft_caveat(drafts, draft, seep_say(drafts, "incomplete source: %s", text));
    }
}

// Says how much longer to record, where that is known.
static void add_needed(struct seep_drafts *drafts, const struct seep_judged *judged,
                       struct seep_draft *draft)
{
    double more = seep_seconds_needed(judged) - judged->shape.span_s;
    draft->needed_s = judged->shape.span_s + fmax(more, 0);
    if (more >= 1)
        seep_draft_caveat(
            drafts, draft,
            seep_say(drafts, "record %s more to be surer", seep_say_seconds(drafts, more)));
}

static void add_caveats(struct seep_drafts *drafts, const struct seep_scene *scene,
                        const struct seep_judged *judged, struct seep_draft *draft)
{
    const struct seep_shape *s = &judged->shape;
    if (s->form == SEEP_FORM_SLOWING)
        seep_draft_caveat(drafts, draft,
                          "the growth is slowing down: it may be warm-up; observe for longer");
    if (draft->finding.verdict == SEEP_VERDICT_SUSPECT && judged->q >= 0.01)
        seep_draft_caveat(
            drafts, draft,
            seep_say(drafts,
                     "not yet sure: %.0f in 100 such findings would be false; observe for longer",
                     fmax(1, judged->q * 100)));
    if (draft->finding.verdict == SEEP_VERDICT_SUSPECT)
        add_needed(drafts, judged, draft);
    if (s->n_looks < 30)
        seep_draft_caveat(drafts, draft, seep_say(drafts, "only %zu samples", s->n_looks));
    if (s->span_s < 3600)
        seep_draft_caveat(drafts, draft,
                          seep_say(drafts,
                                   "observed for %s only: growth that ends later, such as a cache "
                                   "that fills, looks the same",
                                   seep_say_seconds(drafts, s->span_s)));
    else if (s->span_s < 86400)
        seep_draft_caveat(
            drafts, draft,
            "less than a day was observed: the rising part of a daily rhythm looks the "
            "same");
    if (s->n_gaps)
        seep_draft_caveat(
            drafts, draft,
            seep_say(drafts, "%zu gap%s of %s in all: what happened there does not count",
                     s->n_gaps, s->n_gaps == 1 ? "" : "s", seep_say_seconds(drafts, s->gap_s)));
    if (judged->n_wraps)
        seep_draft_caveat(drafts, draft,
                          seep_say(drafts,
                                   "the counter has 32 bits and wrapped %zu time%s; 4 GB were "
                                   "added for each",
                                   judged->n_wraps, judged->n_wraps == 1 ? "" : "s"));
    if (draft->ended)
        seep_draft_caveat(drafts, draft, "the process ended before the observation did");
    add_losses(drafts, scene, judged, draft);
}

// What speaks for the verdict beyond the numbers that the finding has fields for.
static void add_growth(struct seep_drafts *drafts, const struct seep_scene *scene,
                       const struct seep_judged *judged, struct seep_draft *draft)
{
    const struct seep_shape *s = &judged->shape;
    struct seep_source_id source = scene->data->series[judged->series].source;
    seep_draft_evidence(drafts, draft,
                        seep_say(drafts,
                                 "the floor rose in %zu of %zu windows of %s; %s never released",
                                 s->n_up, s->n_steps, seep_say_seconds(drafts, s->window_s),
                                 seep_say_amount(drafts, judged->metric, s->retained)),
                        source, SEEP_NO_OFFSET, s->since_ns);
    if (s->warmed_up)
        seep_draft_evidence(drafts, draft,
                            "a faster warm-up came before it and is not part of the rate", source,
                            SEEP_NO_OFFSET, s->since_ns);
}

// One sentence on why it is no leak.
static void add_steady(struct seep_drafts *drafts, const struct seep_scene *scene,
                       const struct seep_judged *judged, struct seep_draft *draft)
{
    const struct seep_shape *s = &judged->shape;
    const char *why = "no growth";
    const char *why_not;
    switch (s->form) {
    case SEEP_FORM_RELEASED:
        why = "what it took it gave back";
        break;
    case SEEP_FORM_KNOWN:
        why = "it only came back to a level where it had been before";
        break;
    case SEEP_FORM_STEP:
        why = "one step, and no growth before or after it";
        break;
    case SEEP_FORM_STOPPED:
        why = "it grew and stopped, as a warm-up does";
        break;
    case SEEP_FORM_SLOWING:
    case SEEP_FORM_GROWING:
        if (judged->loaded)
            why = "as much more was allocated as it holds more: it is the load";
        else if (!seep_growth_matters(judged, &why_not))
            why = why_not;
        else
            why = "its growth cannot be told from noise";
        break;
    default:
        break;
    }
    const char *over = seep_say_seconds(drafts, s->span_s);
    const char *text = seep_say(drafts, "%s (%s more after %s)", why,
                                seep_say_amount(drafts, judged->metric, s->growth), over);
    if (!(s->growth > 0))
        text = seep_say(drafts, "no growth in %s", over);
    seep_draft_evidence(drafts, draft, text, scene->data->series[judged->series].source,
                        SEEP_NO_OFFSET, SEEP_NO_TIME);
}

// What is missing before anything can be said.
static void add_unknown(struct seep_drafts *drafts, const struct seep_scene *scene,
                        const struct seep_judged *judged, struct seep_draft *draft)
{
    size_t looks = judged->shape.n_looks;
    if (looks >= SEEP_SHAPE_MIN_LOOKS)
        seep_draft_caveat(
            drafts, draft,
            "it was there for a part of a short observation only: observe for longer");
    else
        seep_draft_caveat(drafts, draft,
                          seep_say(drafts,
                                   "only %zu sample%s: at least %zu more are needed, 30 are better",
                                   looks, looks == 1 ? "" : "s", SEEP_SHAPE_MIN_LOOKS - looks));
    add_needed(drafts, judged, draft);
    add_losses(drafts, scene, judged, draft);
}

struct seep_draft *seep_finding_write(struct seep_drafts *drafts, const struct seep_scene *scene,
                                      struct seep_judged *judged)
{
    struct seep_draft *draft = seep_draft_add(drafts);
    if (!draft)
        return NULL;
    judged->finding = drafts->count;
    const struct seep_shape *s = &judged->shape;
    struct seep_finding *f = &draft->finding;
    double sign = judged->metric == SEEP_METRIC_AVAILABLE_BYTES ? -1 : 1;
    f->class_ = seep_class_of(judged);
    f->verdict = judged->verdict;
    set_subject(drafts, scene, judged, f);
    f->first = sign * s->first;
    f->last = sign * s->last;
    draft->weight = (double)s->n_looks;
    draft->ended = judged->kind == SEEP_SUBJECT_PROCESS && !judged->alive;
    if (s->form != SEEP_FORM_SHORT)
        f->q = judged->q;
    if (s->form >= SEEP_FORM_SLOWING) {
        f->rate = (struct seep_rate){ true, s->rate, s->rate_low, s->rate_high };
        if (sign < 0)
            f->rate = (struct seep_rate){ true, -s->rate, -s->rate_high, -s->rate_low };
    }
    if (f->verdict >= SEEP_VERDICT_SUSPECT) {
        f->since_ns = s->since_ns;
        f->share = seep_share_of(scene, judged);
        f->exhaustion = seep_exhaustion_of(scene, judged);
        add_growth(drafts, scene, judged, draft);
        if (judged->kind == SEEP_SUBJECT_SITE)
            f->share = seep_share_of_site(scene, judged);
        add_caveats(drafts, scene, judged, draft);
    } else if (f->verdict == SEEP_VERDICT_UNKNOWN) {
        add_unknown(drafts, scene, judged, draft);
    } else {
        add_steady(drafts, scene, judged, draft);
    }
    if (judged->kind == SEEP_SUBJECT_SITE)
        seep_site_write(drafts, scene, judged, draft);
    return draft;
}
