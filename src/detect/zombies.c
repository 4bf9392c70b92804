// SPDX-License-Identifier: MIT
// Exited processes that are still referenced: who holds them, or that no handle does.
#include "detect/judge.h"
#include "detect/ledger.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define A_WHILE_NS INT64_C(600000000000) // who starts programs closes its handles by then
#define ONE_LOOK_NS INT64_C(60000000000)
#define HALF 0.5
// Numbers of processes are used again, so they stay small unless many are in use (the largest ones
// of healthy machines are some ten thousands).
enum { HIGH_PID = 50000, MANY_HANDLES = 10000, IMAGES_NAMED = 3 };

struct zombies {
    struct seep_drafts *drafts;
    const struct seep_dataset *data;
    size_t *last; // of each process: index + 1 of its newest fact, of the newest look; 0 = none
    const char **images; // scratch
};

// A number of exited processes: what they are and when they exited.
struct crowd {
    size_t n, n_old; // `n_old`: not just now
    int64_t first_ns, last_ns;
    uint64_t n_handles;
    double charged; // commit that the kernel still charges
    size_t n_images;
};

static bool in_time(const struct seep_detect_options *o, int64_t t_ns)
{
    return !o || t_ns == SEEP_NO_TIME ||
           ((o->since_ns == SEEP_NO_TIME || t_ns >= o->since_ns) &&
            (o->until_ns == SEEP_NO_TIME || t_ns <= o->until_ns));
}

static uint32_t machine_of(const struct zombies *z, struct seep_process_id id)
{
    uint32_t m = id.v && id.v <= z->data->n_processes ? z->data->processes[id.v - 1].machine.v : 0;
    return m <= z->data->n_machines ? m : 0;
}

// Finds those that were there at the newest look at each machine.
static bool find_newest(struct zombies *z, const struct seep_detect_options *options)
{
    const struct seep_dataset *data = z->data;
    int64_t *newest = seep_alloc(data->n_machines + 1, sizeof *newest);
    if (!newest)
        return false;
    for (size_t m = 0; m <= data->n_machines; m++)
        newest[m] = SEEP_NO_TIME;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < data->n_zombies; i++) {
            const struct seep_dataset_zombie *d = &data->zombies[i];
            uint32_t id = d->zombie.process.v, m = machine_of(z, d->zombie.process);
            if (id == 0 || id > data->n_processes || m > data->n_machines ||
                !in_time(options, d->taken_ns))
                continue;
            if (pass == 0 && d->taken_ns != SEEP_NO_TIME &&
                (newest[m] == SEEP_NO_TIME || d->taken_ns > newest[m]))
                newest[m] = d->taken_ns;
            if (pass == 1 &&
                (d->taken_ns == SEEP_NO_TIME || d->taken_ns >= newest[m] - ONE_LOOK_NS))
                z->last[id - 1] = i + 1;
        }
    }
    seep_free(newest);
    return true;
}

static void add_zombie(struct zombies *z, struct crowd *crowd, const struct seep_dataset_zombie *d)
{
    const struct seep_process *p = &z->data->processes[d->zombie.process.v - 1];
    bool timed = p->end_ns != SEEP_NO_TIME && d->taken_ns != SEEP_NO_TIME;
    crowd->n++;
    crowd->n_old += !timed || d->taken_ns - p->end_ns >= A_WHILE_NS;
    if (p->end_ns != SEEP_NO_TIME) {
        if (crowd->first_ns == SEEP_NO_TIME || p->end_ns < crowd->first_ns)
            crowd->first_ns = p->end_ns;
        if (crowd->last_ns == SEEP_NO_TIME || p->end_ns > crowd->last_ns)
            crowd->last_ns = p->end_ns;
    }
    if (d->zombie.commit_bytes != SEEP_UNKNOWN_COUNT)
        crowd->charged += (double)d->zombie.commit_bytes;
    if (crowd->n_images < z->data->n_processes)
        z->images[crowd->n_images++] = p->image ? p->image : "?";
}

static struct crowd nobody(void)
{
    return (struct crowd){ .first_ns = SEEP_NO_TIME, .last_ns = SEEP_NO_TIME };
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// "4,812 cl.exe, 120 link.exe and 68 others"
static const char *name_images(struct zombies *z, const struct crowd *crowd)
{
    const char *names[IMAGES_NAMED] = { NULL };
    size_t counts[IMAGES_NAMED] = { 0 }, told = 0;
    qsort(z->images, crowd->n_images, sizeof *z->images, by_text);
    for (size_t i = 0, n; i < crowd->n_images; i += n) {
        for (n = 1; i + n < crowd->n_images && strcmp(z->images[i], z->images[i + n]) == 0;)
            n++;
        size_t at = IMAGES_NAMED;
        while (at && n > counts[at - 1])
            at--;
        for (size_t k = IMAGES_NAMED - 1; k > at && at < IMAGES_NAMED; k--) {
            names[k] = names[k - 1];
            counts[k] = counts[k - 1];
        }
        if (at < IMAGES_NAMED) {
            names[at] = z->images[i];
            counts[at] = n;
        }
    }
    const char *text = "";
    for (size_t k = 0; k < IMAGES_NAMED && counts[k]; k++) {
        text = seep_say(z->drafts, "%s%s%zu %.60s", text, *text ? ", " : "", counts[k], names[k]);
        told += counts[k];
    }
    if (told < crowd->n_images)
        text = seep_say(z->drafts, "%s and %zu more", text, crowd->n_images - told);
    return text;
}

static const char *estimate(struct zombies *z, const struct crowd *crowd)
{
    return seep_say_amount(z->drafts, SEEP_METRIC_COMMIT_BYTES,
                           (double)crowd->n * (double)SEEP_ZOMBIE_COMMIT_BYTES);
}

static bool is_windows(const struct zombies *z, struct seep_machine_id machine)
{
    return !machine.v || seep_charges_as_windows(&z->data->machines[machine.v - 1]);
}

// What all findings about zombies say besides who holds them.
static void say_crowd(struct zombies *z, struct seep_draft *draft, const struct crowd *crowd,
                      const struct seep_dataset_zombie *one)
{
    struct seep_drafts *drafts = z->drafts;
    seep_draft_evidence(drafts, draft, name_images(z, crowd), one->source, SEEP_NO_OFFSET,
                        one->taken_ns);
    if (crowd->first_ns != SEEP_NO_TIME) {
        char first[SEEP_TIME_TEXT], last[SEEP_TIME_TEXT];
        seep_time_format(crowd->first_ns, first);
        seep_time_format(crowd->last_ns, last);
        double s = ((double)crowd->last_ns - (double)crowd->first_ns) / 1e9;
        const char *each =
            s >= 3600 && crowd->n > 1
                ? seep_say(drafts, ", %.*f an hour", (double)crowd->n * 3600 / s < 10 ? 1 : 0,
                           (double)crowd->n * 3600 / s)
                : "";
        seep_draft_evidence(
            drafts, draft, seep_say(drafts, "they exited from %.16s to %.16s%s", first, last, each),
            one->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
    }
    if (is_windows(z, draft->finding.machine))
        seep_draft_evidence(
            drafts, draft,
            seep_say(
                drafts,
                "about %s of commit, by %u KB for each, %u KB of it pool, as measured in public",
                estimate(z, crowd), (unsigned)(SEEP_ZOMBIE_COMMIT_BYTES / 1024),
                (unsigned)(SEEP_ZOMBIE_POOL_BYTES / 1024)),
            one->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
    if (crowd->charged > 0)
        seep_draft_evidence(
            drafts, draft,
            seep_say(drafts, "the kernel still charges %s to them",
                     seep_say_amount(drafts, SEEP_METRIC_COMMIT_BYTES, crowd->charged)),
            one->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
    seep_draft_caveat(drafts, draft, "one moment cannot show growth");
    seep_draft_next(
        drafts, draft,
        seep_source_is_live(z->data, one->source)
            ? "seep zombies"
            : seep_say(drafts, "seep zombies %s", seep_source_word(z->data, one->source)));
}

// Process numbers that are high because so many are still taken.
static void say_pids(struct zombies *z, struct seep_draft *draft, uint32_t machine)
{
    uint32_t high = 0;
    for (size_t i = 0; i < z->data->n_processes; i++) {
        const struct seep_process *p = &z->data->processes[i];
        if (p->machine.v == machine && p->has_pid && p->pid > high)
            high = p->pid;
    }
    if (high > HIGH_PID)
        seep_draft_evidence(
            z->drafts, draft,
            seep_say(z->drafts,
                     "process numbers go up to %" PRIu32 ": the lower ones are still taken", high),
            (struct seep_source_id){ 0 }, SEEP_NO_OFFSET, SEEP_NO_TIME);
}

static struct seep_draft *add_draft(struct zombies *z, enum seep_verdict verdict, size_t n,
                                    uint32_t machine)
{
    struct seep_draft *draft = seep_draft_add(z->drafts);
    if (!draft)
        return NULL;
    struct seep_finding *f = &draft->finding;
    f->class_ = SEEP_CLASS_PROCESS_ZOMBIES;
    f->metric = SEEP_METRIC_ZOMBIES;
    f->verdict = verdict;
    f->machine.v = machine;
    f->last = (double)n;
    return draft;
}

// What is said of the same holder by its handles, or of the machine by its number of zombies, is
// the same thing.
static void fold_others(struct zombies *z, size_t at, const struct crowd *crowd, size_t n_machine)
{
    struct seep_draft *own = &z->drafts->at[at];
    struct seep_finding *f = &own->finding;
    for (size_t i = 0; i < at; i++) {
        struct seep_draft *d = &z->drafts->at[i];
        const struct seep_finding *g = &d->finding;
        if (d->dropped || g->machine.v != f->machine.v || g->verdict < SEEP_VERDICT_SUSPECT)
            continue;
        bool handles = g->class_ == SEEP_CLASS_HANDLES && g->subject == SEEP_SUBJECT_PROCESS &&
                       g->has_pid == f->has_pid && g->pid == f->pid && g->start_ns == f->start_ns &&
                       (double)crowd->n_handles >= HALF * g->last;
        bool number = g->class_ == SEEP_CLASS_PROCESS_ZOMBIES &&
                      g->subject == SEEP_SUBJECT_MACHINE &&
                      (double)crowd->n >= HALF * (double)n_machine;
        if (!handles && !number)
            continue;
        if (g->verdict > f->verdict)
            f->verdict = g->verdict;
        seep_fold(z->drafts, own, d);
    }
}

static bool write_holder(struct zombies *z, uint32_t holder, const struct crowd *crowd,
                         const struct seep_dataset_zombie *one, size_t n_machine)
{
    struct seep_sign sign = { .kind = SEEP_SIGN_ZOMBIES_HELD, .count = (double)crowd->n_old };
    enum seep_verdict verdict = seep_verdict_of_sign(&sign);
    const struct seep_process *p = &z->data->processes[holder - 1];
    if (verdict < SEEP_VERDICT_SUSPECT)
        return true;
    struct seep_draft *draft = add_draft(z, verdict, crowd->n, p->machine.v);
    if (!draft)
        return false;
    struct seep_finding *f = &draft->finding;
    f->subject = SEEP_SUBJECT_PROCESS;
    f->name = p->image ? seep_say(z->drafts, "%s", p->image) : NULL;
    f->pid = p->pid;
    f->has_pid = p->has_pid;
    f->start_ns = p->start_ns;
    const char *cost = is_windows(z, p->machine)
                           ? seep_say(z->drafts, ": about %s of commit", estimate(z, crowd))
                           : "";
    f->gist =
        seep_say(z->drafts, "holds %zu processes that have exited, with %" PRIu64 " handles%s",
                 crowd->n, crowd->n_handles, cost);
    say_crowd(z, draft, crowd, one);
    say_pids(z, draft, p->machine.v);
    if (crowd->n_handles > MANY_HANDLES)
        seep_draft_evidence(z->drafts, draft,
                            "more than 10,000 handles in one process are a leak of handles",
                            one->source, SEEP_NO_OFFSET, SEEP_NO_TIME);
    if (p->has_pid && p->pid == 4)
        seep_draft_caveat(z->drafts, draft,
                          "handles of System are those of drivers: which one opened them this "
                          "does not tell");
    fold_others(z, z->drafts->count - 1, crowd, n_machine);
    return true;
}

static bool judge_holders(struct zombies *z, const size_t *n_machine)
{
    const struct seep_dataset *data = z->data;
    for (size_t i = 0, end; i < data->n_holds; i = end) {
        uint32_t holder = data->holds[i].holder.v, before = 0;
        struct crowd crowd = nobody();
        const struct seep_dataset_zombie *one = NULL;
        for (end = i; end < data->n_holds && data->holds[end].holder.v == holder; end++) {
            uint32_t zombie = data->holds[end].zombie.v;
            size_t at = zombie && zombie <= data->n_processes ? z->last[zombie - 1] : 0;
            if (!at || zombie == before) // several files may tell the same
                continue;
            before = zombie;
            one = &data->zombies[at - 1];
            add_zombie(z, &crowd, one);
            crowd.n_handles += data->holds[end].n_handles;
        }
        if (one && holder && holder <= data->n_processes &&
            !write_holder(z, holder, &crowd, one, n_machine[machine_of(z, data->holds[i].holder)]))
            return false;
    }
    return true;
}

static bool is_unheld(const struct seep_zombie *zombie, bool held)
{
    return !held && zombie->n_found == 0 &&
           (zombie->n_handles == 0 || zombie->n_handles == SEEP_UNKNOWN_COUNT) &&
           zombie->n_unexplained != 0;
}

// Those of one machine that no handle explains, or of which no handles are known.
static bool judge_rest(struct zombies *z, uint32_t machine, const bool *held, bool unheld)
{
    const struct seep_dataset *data = z->data;
    struct crowd crowd = nobody();
    const struct seep_dataset_zombie *one = NULL;
    for (size_t i = 0; i < data->n_processes; i++) {
        const struct seep_dataset_zombie *d = z->last[i] ? &data->zombies[z->last[i] - 1] : NULL;
        if (!d || data->processes[i].machine.v != machine ||
            !(unheld ? is_unheld(&d->zombie, held[i])
                     : !held[i] && d->zombie.n_found == SEEP_UNKNOWN_COUNT))
            continue;
        one = d;
        add_zombie(z, &crowd, d);
    }
    struct seep_sign sign = { .kind = unheld ? SEEP_SIGN_ZOMBIES_UNHELD : SEEP_SIGN_ZOMBIES_HELD,
                              .count = (double)crowd.n_old };
    enum seep_verdict verdict = seep_verdict_of_sign(&sign);
    if (!one || verdict < SEEP_VERDICT_SUSPECT)
        return true;
    struct seep_draft *draft = add_draft(z, verdict, crowd.n, machine);
    if (!draft)
        return false;
    struct seep_finding *f = &draft->finding;
    f->subject = unheld ? SEEP_SUBJECT_DRIVER : SEEP_SUBJECT_MACHINE;
    if (!unheld && machine && data->machines[machine - 1].host)
        f->name = seep_say(z->drafts, "%s", data->machines[machine - 1].host);
    f->gist =
        unheld ? seep_say(z->drafts,
                          "%zu processes have exited and no handle explains that they are "
                          "still there: a driver holds a reference to each",
                          crowd.n)
               : seep_say(z->drafts, "%zu processes have exited and are still referenced", crowd.n);
    say_crowd(z, draft, &crowd, one);
    say_pids(z, draft, machine);
    seep_draft_caveat(z->drafts, draft,
                      unheld ? "which driver it is a reference does not tell: those that watch "
                               "processes (antivirus, monitoring) are the usual ones"
                             : "who holds them is not known: the handle tables are not in this "
                               "source");
    return true;
}

bool seep_zombies_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                        const struct seep_detect_options *options)
{
    if (data->n_zombies == 0)
        return true;
    struct zombies z = { .drafts = drafts, .data = data };
    z.last = seep_alloc(data->n_processes + 1, sizeof *z.last);
    z.images = seep_alloc(data->n_processes + 1, sizeof *z.images);
    bool *held = seep_alloc(data->n_processes + 1, sizeof *held);
    size_t *n_machine = seep_alloc(data->n_machines + 1, sizeof *n_machine);
    bool ok = z.last && z.images && held && n_machine && find_newest(&z, options);
    for (size_t i = 0; ok && i < data->n_processes; i++) {
        uint32_t m = data->processes[i].machine.v;
        if (z.last[i] && m <= data->n_machines)
            n_machine[m]++;
    }
    for (size_t i = 0; ok && i < data->n_holds; i++) {
        uint32_t zombie = data->holds[i].zombie.v;
        if (zombie && zombie <= data->n_processes)
            held[zombie - 1] = true;
    }
    ok = ok && judge_holders(&z, n_machine);
    for (uint32_t m = 0; ok && m <= data->n_machines; m++)
        ok = n_machine[m] == 0 || (judge_rest(&z, m, held, true) && judge_rest(&z, m, held, false));
    seep_free(z.last);
    seep_free(z.images);
    seep_free(held);
    seep_free(n_machine);
    return ok;
}
