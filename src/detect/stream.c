// SPDX-License-Identifier: MIT
// Judging while the recording goes on: the sink, what it keeps, and when it judges.
#include "detect/stream.h"

#include "base/alloc.h"
#include "base/time.h"
#include "detect/alarm.h"
#include "detect/judge.h"

#include <math.h>
#include <string.h>

// What an id of the sink stands for: an index plus one, 0 = nothing (any more).
struct places {
    uint32_t *at;
    size_t n, capacity;
};

enum { MAX_LOSSES = 32 };

// When a process was there, in looks: from the one that came after it was told, to the one that
// came after its end was (0 = it has not ended).
struct stay {
    uint64_t from, to;
};

// Who came and went within fewer looks than this is too short to judge: the batch judge neither
// tests it nor adds it to the machine's growth.
enum { MIN_STAY = 5 };
#define LONG_PAUSE 4 // times the usual time between looks

struct seep_stream {
    struct seep_sink sink; // first
    struct seep_sink *inner;
    struct seep_stream_options options;
    bool failed;

    struct seep_machine *machines;
    struct seep_process *processes;
    struct seep_dataset_series *series; // counts and times are filled in for each judgement
    struct seep_track *tracks;          // beside `series`
    struct stay *stays;                 // beside `processes`
    size_t n_machines, n_processes, n_series;
    size_t machines_room, processes_room, series_room, tracks_room, stays_room;
    struct places machine_at, process_at, series_at;
    struct seep_arena texts; // of machines and losses, which stay
    struct seep_loss losses[MAX_LOSSES];
    struct seep_dataset_source source;

    int64_t tick_ns, first_look_ns, look_ns; // of the tick that is open; of looks
    uint64_t n_looks, next;                  // the look at which to judge
    uint64_t pause;                          // the first look after the newest long pause
    double apart_ns;                         // usual time between looks
    struct seep_track seen;                  // a track as if it had been told at this look
    struct seep_judgement judgement;
    double forgotten_tick_ns, forgotten_heartbeat_ns; // see struct seep_tracks
    struct seep_alarms alarms;
    struct seep_stream_cost cost;
};

static struct seep_stream *self(struct seep_sink *sink)
{
    return (struct seep_stream *)sink;
}

// A failure of the inner sink is the recording's; one of ours is not.
static bool passed(struct seep_stream *s, bool ok)
{
    if (!ok)
        s->sink.error = s->inner->error;
    return ok;
}

static bool fail(struct seep_stream *s)
{
    s->failed = true;
    return true;
}

static uint32_t place_of(const struct places *places, uint32_t id)
{
    return id < places->n ? places->at[id] : 0;
}

static bool put(struct places *places, uint32_t id, size_t index)
{
    if (!seep_grow(&places->at, &places->capacity, (size_t)id + 1, sizeof *places->at))
        return false;
    for (; places->n <= id; places->n++)
        places->at[places->n] = 0;
    places->at[id] = (uint32_t)index + 1;
    return true;
}

static const char *keep(struct seep_arena *arena, const char *text)
{
    return text ? seep_arena_strndup(arena, text, strlen(text)) : NULL;
}

static bool on_machine(struct seep_sink *sink, const struct seep_machine *machine,
                       struct seep_machine_id *id)
{
    struct seep_stream *s = self(sink);
    if (s->inner && !passed(s, seep_sink_machine(s->inner, machine, id)))
        return false;
    if (!s->inner)
        id->v = (uint32_t)s->n_machines + 1;
    uint32_t at = place_of(&s->machine_at, id->v);
    if (!at) {
        if (!put(&s->machine_at, id->v, s->n_machines) ||
            !seep_grow(&s->machines, &s->machines_room, s->n_machines + 1, sizeof *s->machines))
            return fail(s);
        at = (uint32_t)++s->n_machines;
    }
    struct seep_machine *m = &s->machines[at - 1];
    *m = *machine;
    m->host = keep(&s->texts, machine->host);
    m->os = keep(&s->texts, machine->os);
    m->os_version = keep(&s->texts, machine->os_version);
    return true;
}

static bool on_process(struct seep_sink *sink, const struct seep_process *process,
                       struct seep_process_id *id)
{
    struct seep_stream *s = self(sink);
    if (s->inner && !passed(s, seep_sink_process(s->inner, process, id)))
        return false;
    if (!s->inner)
        id->v = ++sink->last_id;
    if (s->failed)
        return true;
    char *image = process->image ? seep_strndup(process->image, strlen(process->image)) : NULL;
    if (process->image && !image)
        return fail(s);
    uint32_t at = place_of(&s->process_at, id->v);
    if (!at) {
        if (!put(&s->process_at, id->v, s->n_processes) ||
            !seep_grow(&s->stays, &s->stays_room, s->n_processes + 1, sizeof *s->stays) ||
            !seep_grow(&s->processes, &s->processes_room, s->n_processes + 1,
                       sizeof *s->processes)) {
            seep_free(image);
            return fail(s);
        }
        s->stays[s->n_processes] = (struct stay){ s->n_looks + 1, 0 };
        at = (uint32_t)++s->n_processes;
    } else {
        seep_free((void *)(uintptr_t)s->processes[at - 1].image);
    }
    struct seep_process *p = &s->processes[at - 1];
    *p = *process;
    p->image = image;
    p->machine.v = place_of(&s->machine_at, process->machine.v);
    return true;
}

static bool on_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    struct seep_stream *s = self(sink);
    uint32_t at = place_of(&s->process_at, id.v);
    if (at) {
        s->processes[at - 1].end_ns = end_ns;
        s->stays[at - 1].to = s->n_looks + 1;
    }
    return !s->inner || passed(s, seep_sink_process_end(s->inner, id, end_ns));
}

static bool on_series(struct seep_sink *sink, const struct seep_series *series,
                      struct seep_series_id *id)
{
    struct seep_stream *s = self(sink);
    if (s->inner && !passed(s, seep_sink_series(s->inner, series, id)))
        return false;
    if (!s->inner)
        id->v = ++sink->last_id;
    if (s->failed || place_of(&s->series_at, id->v))
        return true;
    size_t n = s->n_series;
    const char *name = series->subject.name;
    char *copy = name ? seep_strndup(name, strlen(name)) : NULL;
    if ((name && !copy) || !put(&s->series_at, id->v, n) ||
        !seep_grow(&s->series, &s->series_room, n + 1, sizeof *s->series) ||
        !seep_grow(&s->tracks, &s->tracks_room, n + 1, sizeof *s->tracks)) {
        seep_free(copy);
        return fail(s);
    }
    s->series[n] = (struct seep_dataset_series){ .series = *series, .source = { 1 } };
    struct seep_subject *subject = &s->series[n].series.subject;
    s->series[n].series.counter = NULL; // not read by a judge
    subject->name = copy;
    subject->machine.v = place_of(&s->machine_at, subject->machine.v);
    subject->process.v = place_of(&s->process_at, subject->process.v);
    s->tracks[n] = (struct seep_track){ .negated = seep_track_is_negated(series->metric) };
    s->n_series++;
    return true;
}

static bool on_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    struct seep_stream *s = self(sink);
    s->tick_ns = t_ns;
    return !s->inner || passed(s, seep_sink_tick(s->inner, machine, t_ns));
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id id, double value)
{
    struct seep_stream *s = self(sink);
    uint32_t at = place_of(&s->series_at, id.v);
    if (at && !s->failed && !seep_track_add(&s->tracks[at - 1], s->tick_ns, value))
        s->failed = true;
    return !s->inner || passed(s, seep_sink_sample(s->inner, id, value));
}

// What was counted at one moment is not judged as it comes.
static bool on_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *tag)
{
    struct seep_stream *s = self(sink);
    return !s->inner || passed(s, seep_sink_pool_tag(s->inner, tag));
}

static bool on_vm(struct seep_sink *sink, const struct seep_vm *vm)
{
    struct seep_stream *s = self(sink);
    return !s->inner || passed(s, seep_sink_vm(s->inner, vm));
}

static bool on_event(struct seep_sink *sink, const struct seep_event *event)
{
    struct seep_stream *s = self(sink);
    return !s->inner || passed(s, seep_sink_event(s->inner, event));
}

static bool on_tally(struct seep_sink *sink, const struct seep_tally *tally)
{
    struct seep_stream *s = self(sink);
    return !s->inner || passed(s, seep_sink_tally(s->inner, tally));
}

static bool on_loss(struct seep_sink *sink, const struct seep_loss *loss)
{
    struct seep_stream *s = self(sink);
    if (s->source.n_losses < MAX_LOSSES) {
        struct seep_loss *kept = &s->losses[s->source.n_losses];
        *kept = *loss;
        kept->what = keep(&s->texts, loss->what);
        kept->text = keep(&s->texts, loss->text);
        if (!kept->what || (loss->text && !kept->text))
            s->failed = true;
        else
            s->source.n_losses++;
    }
    return !s->inner || passed(s, seep_sink_loss(s->inner, loss));
}

static const struct seep_sink_ops ops = {
    .machine = on_machine,
    .process = on_process,
    .process_end = on_process_end,
    .series = on_series,
    .tick = on_tick,
    .sample = on_sample,
    .pool_tag = on_pool_tag,
    .vm = on_vm,
    .event = on_event,
    .tally = on_tally,
    .loss = on_loss,
};

bool seep_stream_open(struct seep_stream **stream, struct seep_sink *inner,
                      const struct seep_stream_options *options, struct seep_err *err)
{
    struct seep_stream *s = seep_alloc(1, sizeof *s);
    if (!s)
        return seep_fail_memory(err);
    s->sink.ops = &ops;
    s->inner = inner;
    s->options = options ? *options : (struct seep_stream_options){ 0 };
    s->source = (struct seep_dataset_source){ .path = "live", .losses = s->losses };
    s->next = SEEP_STREAM_FIRST;
    s->forgotten_tick_ns = INFINITY;
    s->tick_ns = s->first_look_ns = s->look_ns = SEEP_NO_TIME;
    *stream = s;
    return true;
}

static void drop_series(struct seep_stream *s, size_t i)
{
    seep_free((void *)(uintptr_t)s->series[i].series.subject.name);
    seep_track_clear(&s->tracks[i]);
}

void seep_stream_close(struct seep_stream *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_series; i++)
        drop_series(s, i);
    for (size_t i = 0; i < s->n_processes; i++)
        seep_free((void *)(uintptr_t)s->processes[i].image);
    seep_free(s->machines);
    seep_free(s->processes);
    seep_free(s->stays);
    seep_free(s->series);
    seep_free(s->tracks);
    seep_free(s->machine_at.at);
    seep_free(s->process_at.at);
    seep_free(s->series_at.at);
    seep_track_clear(&s->seen);
    seep_alarms_clear(&s->alarms);
    seep_judgement_clear(&s->judgement);
    seep_arena_clear(&s->texts);
    seep_free(s);
}

struct seep_sink *seep_stream_sink(struct seep_stream *stream)
{
    return &stream->sink;
}

// Marks the processes that ended and need no more be judged: who came and went, and all but the
// newest SEEP_STREAM_ENDED of the others. Returns how many are marked.
static size_t mark_ended(const struct seep_stream *s, bool *gone)
{
    size_t n_gone = 0, n_kept = 0;
    for (size_t i = s->n_processes; i-- > 0;) {
        const struct stay *stay = &s->stays[i];
        if (!stay->to)
            continue;
        bool paused = s->pause >= stay->from && s->pause <= stay->to;
        bool brief = stay->from > MIN_STAY && stay->to - stay->from < MIN_STAY && !paused;
        gone[i] = brief || ++n_kept > SEEP_STREAM_ENDED;
        n_gone += gone[i];
    }
    return n_gone;
}

static void renumber(struct places *places, const uint32_t *now_at)
{
    for (size_t i = 0; i < places->n; i++)
        places->at[i] = places->at[i] ? now_at[places->at[i] - 1] : 0;
}

static void note_interval(struct seep_stream *s, const struct seep_track *track)
{
    if (track->n < 3)
        return;
    double apart = ((double)track->last_ns - (double)track->first_ns) / (double)(track->n - 1);
    s->forgotten_tick_ns = fmin(s->forgotten_tick_ns, apart);
    s->forgotten_heartbeat_ns = fmax(s->forgotten_heartbeat_ns, apart);
}

// Forgets the marked processes and their series; the others keep their order. `now_at` has room
// for the places of all processes and series.
static void forget(struct seep_stream *s, const bool *gone, uint32_t *now_at)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s->n_processes; i++) {
        now_at[i] = gone[i] ? 0 : n + 1;
        if (gone[i]) {
            seep_free((void *)(uintptr_t)s->processes[i].image);
        } else {
            s->stays[n] = s->stays[i];
            s->processes[n++] = s->processes[i];
        }
    }
    renumber(&s->process_at, now_at);
    uint32_t *series_now_at = now_at + s->n_processes;
    s->cost.forgotten += s->n_processes - n;
    s->n_processes = n;
    n = 0;
    for (size_t i = 0; i < s->n_series; i++) {
        struct seep_process_id *process = &s->series[i].series.subject.process;
        bool drop = process->v && !now_at[process->v - 1];
        series_now_at[i] = drop ? 0 : n + 1;
        if (drop) {
            note_interval(s, &s->tracks[i]);
            drop_series(s, i);
            continue;
        }
        if (process->v)
            process->v = now_at[process->v - 1];
        s->series[n] = s->series[i];
        s->tracks[n++] = s->tracks[i];
    }
    renumber(&s->series_at, series_now_at);
    s->n_series = n;
}

// Keeps what ended from piling up. Without memory for it, everything stays.
static void forget_ended(struct seep_stream *s)
{
    size_t n_ended = 0, n = s->n_processes;
    for (size_t i = 0; i < n; i++)
        n_ended += s->processes[i].end_ns != SEEP_NO_TIME;
    if (!n_ended)
        return;
    bool *gone = seep_alloc(n, sizeof *gone);
    uint32_t *now_at = seep_alloc(n + s->n_series, sizeof *now_at);
    if (gone && now_at && mark_ended(s, gone))
        forget(s, gone, now_at);
    seep_free(gone);
    seep_free(now_at);
}

// Whether the last look saw the subject of a series without a point being made of it.
static bool still_holds(const struct seep_stream *s, size_t i)
{
    size_t process = s->series[i].series.subject.process.v;
    return s->tracks[i].n && s->look_ns != SEEP_NO_TIME && s->tracks[i].last_ns < s->look_ns &&
           (!process || s->processes[process - 1].end_ns == SEEP_NO_TIME);
}

static const struct seep_track *track_at(void *ctx, size_t i)
{
    struct seep_stream *s = ctx;
    if (!still_holds(s, i))
        return &s->tracks[i];
    if (!seep_track_copy(&s->seen, &s->tracks[i]) ||
        !seep_track_add(&s->seen, s->look_ns, seep_track_raw(&s->seen)))
        return NULL;
    return &s->seen;
}

bool seep_stream_judge(struct seep_stream *s, struct seep_err *err)
{
    if (s->failed)
        return seep_fail_memory(err);
    forget_ended(s);
    for (size_t i = 0; i < s->n_series; i++) {
        const struct seep_track *track = &s->tracks[i];
        bool holds = still_holds(s, i);
        s->series[i].n_points = track->n + holds;
        s->series[i].first_ns = track->first_ns;
        s->series[i].last_ns = holds ? s->look_ns : track->last_ns;
    }
    const struct seep_dataset data = { .sources = &s->source,
                                       .n_sources = 1,
                                       .machines = s->machines,
                                       .n_machines = s->n_machines,
                                       .processes = s->processes,
                                       .n_processes = s->n_processes,
                                       .series = s->series,
                                       .n_series = s->n_series };
    const struct seep_tracks tracks = { track_at, s, s->forgotten_tick_ns,
                                        s->forgotten_heartbeat_ns };
    struct seep_judgement judgement = { 0 };
    if (!seep_judge(&data, &tracks, NULL, NULL, &judgement, err))
        return false;
    seep_judgement_clear(&s->judgement);
    s->judgement = judgement;
    s->cost.n_judgements++;
    s->cost.n_series_judged += s->n_series;
    return true;
}

static void tell(struct seep_stream *s)
{
    for (size_t i = 0; i < s->judgement.n_findings; i++) {
        const struct seep_finding *finding = &s->judgement.findings[i];
        enum seep_alarm_change change;
        if (!seep_alarms_hear(&s->alarms, finding, s->first_look_ns, s->look_ns, &change)) {
            s->failed = true;
            return;
        }
        if (change == SEEP_ALARM_SAME || !s->options.alarm)
            continue;
        const struct seep_stream_alarm alarm = {
            .raised = change == SEEP_ALARM_RAISED,
            .finding = finding,
            .metric_words = seep_metric_words(finding->metric),
            .after_s = ((double)s->look_ns - (double)s->first_look_ns) / 1e9,
        };
        s->options.alarm(s->options.ctx, &alarm);
    }
}

// A tenth more looks; in a long recording as many as pay for judging every series once.
static uint64_t looks_to_next(const struct seep_stream *s)
{
    uint64_t tenth = (s->n_looks + 9) / 10, most = s->n_series / SEEP_STREAM_SERIES;
    if (most < SEEP_STREAM_LEAST)
        most = SEEP_STREAM_LEAST;
    return tenth < most ? tenth : most;
}

static void note_look(struct seep_stream *s)
{
    double apart = s->n_looks ? (double)s->tick_ns - (double)s->look_ns : 0;
    s->n_looks++;
    if (s->n_looks == 1)
        s->first_look_ns = s->tick_ns;
    s->look_ns = s->tick_ns;
    if (s->n_looks > 2 && apart > LONG_PAUSE * s->apart_ns) {
        s->pause = s->n_looks;
        apart = LONG_PAUSE * s->apart_ns;
    }
    s->apart_ns = s->n_looks > 2 ? 0.9 * s->apart_ns + 0.1 * apart : apart;
}

void seep_stream_look(struct seep_stream *s)
{
    if (s->tick_ns == SEEP_NO_TIME || (s->n_looks && s->tick_ns <= s->look_ns))
        return; // nothing was seen
    note_look(s);
    if (s->failed || s->n_looks < s->next)
        return;
    s->next = s->n_looks + looks_to_next(s);
    if (seep_stream_judge(s, NULL))
        tell(s);
    else
        s->failed = true;
}

bool seep_stream_failed(const struct seep_stream *stream)
{
    return stream->failed;
}

const struct seep_judgement *seep_stream_judgement(const struct seep_stream *stream)
{
    return &stream->judgement;
}

bool seep_stream_raised(const struct seep_stream *stream, const struct seep_finding *finding)
{
    return seep_alarms_raised(&stream->alarms, finding);
}

size_t seep_stream_n_raised(const struct seep_stream *stream)
{
    return stream->alarms.n_raised;
}

void seep_stream_cost(const struct seep_stream *stream, struct seep_stream_cost *cost)
{
    const struct seep_stream *s = stream;
    *cost = s->cost;
    cost->n_looks = s->n_looks;
    cost->n_series = s->n_series;
    cost->n_processes = s->n_processes;
    cost->bytes = sizeof *s + s->series_room * sizeof *s->series +
                  s->processes_room * sizeof *s->processes +
                  (s->process_at.capacity + s->series_at.capacity) * sizeof(uint32_t);
    for (size_t i = 0; i < s->n_series; i++)
        cost->bytes += seep_track_bytes(&s->tracks[i]);
    cost->bytes += (s->tracks_room - s->n_series) * sizeof *s->tracks;
}
