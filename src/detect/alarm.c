// SPDX-License-Identifier: MIT
// Alarms about findings.
#include "detect/alarm.h"

#include "base/alloc.h"
#include "detect/stream.h"

#include <string.h>

// A subject and what was said of it. A process is known by PID and start (its name may change), a
// pool tag by its tag, and all by the class of what leaks.
struct seep_alarm {
    enum seep_class class_;
    enum seep_subject_kind subject;
    struct seep_machine_id machine;
    bool has_pid, raised;
    uint32_t pid;
    int64_t start_ns;
    char *name;         // of what has no PID; NULL = none
    unsigned run;       // judgements in a row that speak for a change
    unsigned needs;     // of them, to raise it
    double evidence_ns; // how long it had grown when it was raised
    int64_t steady_ns;  // since when it is called steady
};

// What doubles with every withdrawal stays below this.
enum { MOST_NEEDED = 64 };

static const char *name_of(const struct seep_finding *f)
{
    return f->has_pid ? NULL : f->tag ? f->tag : f->driver ? f->driver : f->name;
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct seep_alarm *find(const struct seep_alarms *alarms, const struct seep_finding *f)
{
    for (size_t i = 0; i < alarms->n; i++) {
        struct seep_alarm *a = &alarms->at[i];
        if (a->class_ == f->class_ && a->subject == f->subject && a->machine.v == f->machine.v &&
            a->has_pid == f->has_pid && a->pid == f->pid && a->start_ns == f->start_ns &&
            same_name(a->name, name_of(f)))
            return a;
    }
    return NULL;
}

static struct seep_alarm *add(struct seep_alarms *alarms, const struct seep_finding *f)
{
    const char *name = name_of(f);
    char *copy = name ? seep_strndup(name, strlen(name)) : NULL;
    if ((name && !copy) ||
        !seep_grow(&alarms->at, &alarms->capacity, alarms->n + 1, sizeof *alarms->at)) {
        seep_free(copy);
        return NULL;
    }
    struct seep_alarm *a = &alarms->at[alarms->n++];
    *a = (struct seep_alarm){ .class_ = f->class_,
                              .subject = f->subject,
                              .machine = f->machine,
                              .has_pid = f->has_pid,
                              .pid = f->pid,
                              .start_ns = f->start_ns,
                              .name = copy,
                              .needs = SEEP_STREAM_RAISE };
    return a;
}

// Whether the judgements in a row are enough to raise or to withdraw it.
static bool is_due(const struct seep_alarm *a, int64_t now_ns)
{
    if (!a->raised)
        return a->run >= a->needs;
    return a->run >= SEEP_STREAM_WITHDRAW &&
           (double)now_ns - (double)a->steady_ns >= a->evidence_ns;
}

bool seep_alarms_hear(struct seep_alarms *alarms, const struct seep_finding *finding,
                      int64_t start_ns, int64_t now_ns, enum seep_alarm_change *change)
{
    *change = SEEP_ALARM_SAME;
    bool leaking = finding->verdict == SEEP_VERDICT_LEAKING;
    if (!leaking && !alarms->n)
        return true;
    struct seep_alarm *a = find(alarms, finding);
    if (!a && leaking && !(a = add(alarms, finding)))
        return false;
    if (!a)
        return true;
    bool speaks_for_change = a->raised ? finding->verdict == SEEP_VERDICT_STEADY : leaking;
    if (!a->run)
        a->steady_ns = now_ns;
    a->run = speaks_for_change ? a->run + 1 : 0;
    if (!is_due(a, now_ns))
        return true;
    a->run = 0;
    a->raised = !a->raised;
    if (a->raised) {
        int64_t since_ns = finding->since_ns > start_ns ? finding->since_ns : start_ns;
        a->evidence_ns = (double)now_ns - (double)since_ns;
        alarms->n_raised++;
        *change = SEEP_ALARM_RAISED;
    } else {
        alarms->n_raised--;
        a->needs = a->needs < MOST_NEEDED ? 2 * a->needs : a->needs;
        *change = SEEP_ALARM_WITHDRAWN;
    }
    return true;
}

bool seep_alarms_raised(const struct seep_alarms *alarms, const struct seep_finding *finding)
{
    const struct seep_alarm *a = find(alarms, finding);
    return a && a->raised;
}

void seep_alarms_clear(struct seep_alarms *alarms)
{
    for (size_t i = 0; i < alarms->n; i++)
        seep_free(alarms->at[i].name);
    seep_free(alarms->at);
    *alarms = (struct seep_alarms){ 0 };
}
