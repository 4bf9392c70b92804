// SPDX-License-Identifier: MIT
// The live source: samples of this machine as facts.
#include "source/live/live.h"

#include "base/alloc.h"
#include "base/intern.h"
#include "base/time.h"
#include "os/os.h"
#include "os/sample.h"
#include "source/live/columns.h"
#include "source/live/filter.h"
#include "source/live/looks.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

enum {
    FIRST_ROOM = 1024, // processes that fit without another allocation
    CLOCK_JUMP_S = 2,  // the wall and the monotonic clock may part this far between two samples
    N_TAG_VALUES = 4,  // bytes and blocks, paged and nonpaged
    BLOCKS_EVERY = 8,  // samples: blocks of a tag change nearly always, and are there to compare
                       // tags with each other over hours
};

#define TOTAL(name, metric_)                                                                       \
    {                                                                                              \
        offsetof(struct seep_os_totals, name), offsetof(struct seep_os_totals_fields, name),       \
            SEEP_METRIC_##metric_                                                                  \
    }
// The use of the page file is a ratio of two numbers: value_at is not used for it.
static const struct live_column total_columns[] = {
    TOTAL(commit_bytes, COMMIT_BYTES),
    TOTAL(commit_limit_bytes, COMMIT_LIMIT_BYTES),
    TOTAL(available_bytes, AVAILABLE_BYTES),
    TOTAL(paged_pool_bytes, PAGED_POOL_BYTES),
    TOTAL(nonpaged_pool_bytes, NONPAGED_POOL_BYTES),
    TOTAL(zombies, ZOMBIES),
    { 0, offsetof(struct seep_os_totals_fields, pagefile_usage), SEEP_METRIC_PAGEFILE_USAGE_RATIO },
};
enum { N_TOTAL_VALUES = sizeof total_columns / sizeof *total_columns };

// A series and what was last known of it. Zeroed = no series yet.
struct value {
    struct seep_series_id series;
    double last, stored;        // in the newest sample, in the newest point
    int64_t seen_ns, stored_ns; // of these
};

enum wanted { UNDECIDED = 0, VISITED, UNWANTED, NAMED, FOLLOWED };

struct tracked {
    uint32_t pid, parent_pid;
    int64_t start_ns;
    uint64_t generation, first_generation; // of the samples that showed it last and first
    uint64_t image_hash;
    enum wanted wanted;
    struct seep_process_id id;
    struct value values[LIVE_PROCESS_VALUES];
};

struct tag {
    uint64_t first_generation;
    struct value values[N_TAG_VALUES];
};

struct root {
    uint32_t pid;
    bool taken; // its process was seen; a later one with this PID is another
};

struct seep_live {
    struct seep_os_sampler *sampler;
    struct seep_sink *sink;
    struct root *roots;
    size_t n_roots;
    char *pattern;
    int64_t heartbeat_ns, every_look_ns;
    struct seep_os_process_fields process_fields;
    struct seep_os_totals_fields total_fields;
    struct seep_machine_id machine;
    struct value totals[N_TOTAL_VALUES];
    struct tracked *tracked; // every process of the last sample, wanted or not
    size_t n_tracked, tracked_room;
    uint32_t *slots;  // open addressing by PID: 0 = free, otherwise an index into tracked, plus 1
    size_t n_slots;   // a power of two, at least twice n_tracked
    uint32_t *places; // places[i] tells which tracked process is processes[i] of the sample
    size_t places_room;
    struct seep_intern tag_names;
    struct tag *tags; // tags[id - 1]
    size_t n_tags, tags_room;
    uint64_t generation;
    int64_t last_ns, last_monotonic_ns, look_ns;
    struct seep_os_sample last; // its lists are the sampler's, until it takes the next one:
    bool has_last;              // false then
    bool tick_reopened, said_unreadable, finished;
    size_t n_processes;
};

static bool refused(const struct seep_live *live, struct seep_err *err)
{
    if (err)
        *err = live->sink->error;
    return false;
}

static size_t slot_of(uint32_t pid, size_t n_slots)
{
    return (size_t)((pid * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (n_slots - 1);
}

// The slot of a process, or the free slot where it belongs. SEEP_NO_TIME as the start stands for
// any start, but of a process that the current sample shows.
static uint32_t *find_slot(const struct seep_live *live, uint32_t pid, int64_t start_ns)
{
    for (size_t i = slot_of(pid, live->n_slots);; i = (i + 1) & (live->n_slots - 1)) {
        uint32_t *slot = &live->slots[i];
        if (!*slot)
            return slot;
        const struct tracked *t = &live->tracked[*slot - 1];
        if (t->pid == pid && (start_ns == SEEP_NO_TIME ? t->generation == live->generation
                                                       : t->start_ns == start_ns))
            return slot;
    }
}

static void fill_slots(struct seep_live *live)
{
    memset(live->slots, 0, live->n_slots * sizeof *live->slots);
    for (size_t i = 0; i < live->n_tracked; i++)
        *find_slot(live, live->tracked[i].pid, live->tracked[i].start_ns) = (uint32_t)i + 1;
}

// Makes room for `n` more processes, so that a sample of them allocates nothing later.
static bool reserve(struct seep_live *live, size_t n)
{
    size_t need = live->n_tracked + n;
    if (!seep_grow(&live->places, &live->places_room, n, sizeof *live->places) ||
        !seep_grow(&live->tracked, &live->tracked_room, need, sizeof *live->tracked))
        return false;
    size_t n_slots = live->n_slots ? live->n_slots : 2;
    while (n_slots / 2 < need)
        n_slots *= 2;
    if (n_slots == live->n_slots)
        return true;
    uint32_t *slots = seep_alloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    seep_free(live->slots);
    live->slots = slots;
    live->n_slots = n_slots;
    fill_slots(live);
    return true;
}

bool seep_live_open(struct seep_live **live, const struct seep_live_options *options,
                    struct seep_sink *sink, struct seep_err *err)
{
    struct seep_live *l = seep_alloc(1, sizeof *l);
    if (!l)
        return seep_fail_memory(err);
    *l = (struct seep_live){
        .sink = sink,
        .heartbeat_ns = options->heartbeat_ns,
        .every_look_ns = options->look_ns ? options->look_ns : 3600 * SEEP_NS_PER_S,
        .last_ns = SEEP_NO_TIME,
        .look_ns = SEEP_NO_TIME,
        .finished = true, // until a sample was taken
    };
    bool ok = reserve(l, FIRST_ROOM);
    if (ok && options->name_pattern) {
        l->pattern = seep_strndup(options->name_pattern, strlen(options->name_pattern));
        ok = l->pattern != NULL;
    }
    if (ok && options->n_pids) {
        l->roots = seep_alloc(options->n_pids, sizeof *l->roots);
        ok = l->roots != NULL;
        for (size_t i = 0; ok && i < options->n_pids; i++)
            l->roots[l->n_roots++].pid = options->pids[i];
    }
    if (!ok)
        (void)seep_fail_memory(err);
    ok = ok && seep_os_sampler_open(&l->sampler, err);
    if (!ok) {
        seep_live_close(l);
        return false;
    }
    *live = l;
    return true;
}

size_t seep_live_n_processes(const struct seep_live *live)
{
    return live->n_processes;
}

int64_t seep_live_last_ns(const struct seep_live *live)
{
    return live->last_ns;
}

// Opens the tick of the previous sample again, for points and looks at its time.
static bool reopen(struct seep_live *live)
{
    if (live->tick_reopened)
        return true;
    live->tick_reopened = true;
    return seep_sink_tick(live->sink, live->machine, live->last_ns);
}

static bool store_earlier(struct seep_live *live, struct value *v, double number)
{
    if (!reopen(live))
        return false;
    v->stored_ns = live->last_ns;
    v->stored = number;
    return seep_sink_sample(live->sink, v->series, number);
}

// The last point of a series that ends or pauses, unless the last sample made one.
static bool store_last(struct seep_live *live, struct value *v)
{
    if (!v->series.v || v->seen_ns != live->last_ns || v->stored_ns == live->last_ns)
        return true;
    return store_earlier(live, v, v->last);
}

static bool store_all_last(struct seep_live *live, struct value *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!store_last(live, &values[i]))
            return false;
    }
    return true;
}

// `due` false: the number becomes a point later, with the last sample at the latest.
static bool store(struct seep_live *live, struct value *v, double number, int64_t t_ns, bool due)
{
    bool point =
        !v->seen_ns || (due && (number != v->stored || t_ns - v->stored_ns >= live->heartbeat_ns));
    v->last = number;
    v->seen_ns = t_ns;
    if (!point)
        return true;
    v->stored_ns = t_ns;
    v->stored = number;
    return seep_sink_sample(live->sink, v->series, number);
}

static bool announce(struct seep_live *live, const struct seep_subject *subject,
                     enum seep_metric metric, const char *field, struct value *v)
{
    const struct seep_series series = { .subject = *subject, .metric = metric, .counter = field };
    return seep_sink_series(live->sink, &series, &v->series);
}

static bool push_machine(struct seep_live *live, const struct seep_os_totals *totals,
                         struct seep_err *err)
{
    struct seep_os_machine m;
    seep_os_sampler_fields(live->sampler, &live->process_fields, &live->total_fields);
    if (!live_push_machine(live->sink, totals, &live->machine, &m, err))
        return false;
    if ((live->pattern || live->roots) &&
        !seep_sink_note(live->sink, "processes-chosen", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                        "only the processes that were asked for were recorded: what others held "
                        "is not known"))
        return refused(live, err);
    bool has_limit = totals->commit_limit_bytes != SEEP_OS_UNKNOWN && totals->commit_limit_bytes;
    if (!m.commit_limit_binds && has_limit &&
        !seep_sink_note(live->sink, "commit-limit-not-enforced", 1, SEEP_UNKNOWN_COUNT,
                        SEEP_NO_OFFSET,
                        "this system does not refuse memory beyond its commit limit of %.1f GB, "
                        "so it can be exceeded",
                        (double)totals->commit_limit_bytes / (1 << 30)))
        return refused(live, err);
    return true;
}

// The time of a sample. It is after the last one, whatever was done to the clock.
static bool tell_time(struct seep_live *live, int64_t wall_ns, int64_t *t_ns)
{
    int64_t monotonic_ns = seep_os_monotonic_ns();
    int64_t passed_ns = monotonic_ns - live->last_monotonic_ns;
    live->last_monotonic_ns = monotonic_ns;
    *t_ns = wall_ns;
    if (live->last_ns == SEEP_NO_TIME)
        return true;
    int64_t jump_ns = wall_ns - live->last_ns - passed_ns;
    if (wall_ns > live->last_ns) {
        if (jump_ns / SEEP_NS_PER_S < CLOCK_JUMP_S)
            return true;
        return seep_sink_note(live->sink, "clock-jump", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                              "the clock went %" PRId64
                              " s ahead: it was set, or the machine slept",
                              jump_ns / SEEP_NS_PER_S);
    }
    *t_ns = live->last_ns + (passed_ns > 0 ? passed_ns : 1);
    return seep_sink_note(live->sink, "clock-jump", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                          "the clock was set back by %" PRId64
                          " s: the times of the samples go on without the step",
                          -jump_ns / SEEP_NS_PER_S);
}

// Whether the options name this process itself.
static enum wanted named(struct seep_live *live, const struct seep_os_process *p)
{
    if (!live->n_roots && !live->pattern)
        return NAMED;
    for (size_t i = 0; i < live->n_roots; i++) {
        if (live->roots[i].pid == p->pid && !live->roots[i].taken) {
            live->roots[i].taken = true;
            return FOLLOWED;
        }
    }
    return live->pattern && seep_live_name_fits(live->pattern, p->image) ? NAMED : UNDECIDED;
}

// Finds the processes of a sample among the tracked ones and adds those that are new.
static void match(struct seep_live *live, const struct seep_os_sample *sample)
{
    for (size_t i = 0; i < sample->n_processes; i++) {
        const struct seep_os_process *p = &sample->processes[i];
        live->places[i] = 0;
        if (p->zombie)
            continue;
        uint32_t *slot = find_slot(live, p->pid, p->start_ns);
        if (!*slot) {
            live->tracked[live->n_tracked++] = (struct tracked){
                .pid = p->pid, .start_ns = p->start_ns, .first_generation = live->generation
            };
            *slot = (uint32_t)live->n_tracked;
        }
        live->places[i] = *slot;
        struct tracked *t = &live->tracked[*slot - 1];
        t->generation = live->generation;
        t->parent_pid = p->parent_pid;
        if (t->wanted == UNDECIDED)
            t->wanted = named(live, p);
    }
}

// The parent of a process in the same sample, if that PID is not another, later process.
static struct tracked *parent_of(struct seep_live *live, const struct tracked *t)
{
    uint32_t slot = *find_slot(live, t->parent_pid, SEEP_NO_TIME);
    struct tracked *parent = slot ? &live->tracked[slot - 1] : NULL;
    return parent && parent != t && parent->start_ns <= t->start_ns ? parent : NULL;
}

// Decides for a process that nobody named, and for its ancestors on the way: wanted with the
// nearest ancestor that is decided. Every process is walked over at most twice in its life.
static void follow(struct seep_live *live, struct tracked *t)
{
    struct tracked *at = t;
    while (at && at->wanted == UNDECIDED) {
        at->wanted = VISITED;
        at = parent_of(live, at);
    }
    enum wanted decided = at && at->wanted == FOLLOWED ? FOLLOWED : UNWANTED;
    for (at = t; at && at->wanted == VISITED; at = parent_of(live, at))
        at->wanted = decided;
}

// Pushes a process that is new or has changed its image (exec). A sink knows it again by PID and
// start; one that does not gets its series anew.
static bool push_process(struct seep_live *live, struct tracked *t, const struct seep_os_process *p)
{
    uint64_t hash = seep_hash(p->image, strlen(p->image));
    if (t->id.v && (!*p->image || hash == t->image_hash))
        return true;
    struct seep_process process = {
        .machine = live->machine,
        .pid = p->pid,
        .has_pid = true,
        .parent_pid = p->parent_pid,
        .start_ns = p->start_ns,
        .end_ns = SEEP_NO_TIME,
        .image = p->image,
    };
    struct seep_process_id id;
    if (!seep_sink_process(live->sink, &process, &id))
        return false;
    if (id.v != t->id.v)
        memset(t->values, 0, sizeof t->values);
    t->id = id;
    t->image_hash = hash;
    return true;
}

// Pushes the new processes that are wanted, and the series that begin with a 0 in the past.
static bool push_processes(struct seep_live *live, const struct seep_os_sample *sample)
{
    live->n_processes = 0;
    for (size_t i = 0; i < live->n_tracked; i++) {
        if (live->tracked[i].wanted == UNDECIDED)
            follow(live, &live->tracked[i]);
    }
    for (size_t i = 0; i < sample->n_processes; i++) {
        if (!live->places[i])
            continue;
        struct tracked *t = &live->tracked[live->places[i] - 1];
        if (t->wanted == UNWANTED && live->pattern)
            t->wanted =
                seep_live_name_fits(live->pattern, sample->processes[i].image) ? NAMED : UNWANTED;
        if (t->wanted == UNWANTED)
            continue;
        live->n_processes++;
        if (!push_process(live, t, &sample->processes[i]))
            return false;
    }
    return true;
}

// Ends the processes that the sample no longer shows, and forgets them.
static bool push_ends(struct seep_live *live, const struct seep_os_sample *sample, int64_t t_ns)
{
    size_t before = live->n_tracked;
    for (size_t i = 0; i < live->n_tracked;) {
        struct tracked *t = &live->tracked[i];
        if (t->generation == live->generation) {
            i++;
            continue;
        }
        if (t->id.v && (!store_all_last(live, t->values, LIVE_PROCESS_VALUES) ||
                        !seep_sink_process_end(live->sink, t->id, t_ns)))
            return false;
        *t = live->tracked[--live->n_tracked];
    }
    if (live->n_tracked == before)
        return true;
    fill_slots(live);
    for (size_t i = 0; i < sample->n_processes; i++) {
        if (live->places[i])
            live->places[i] =
                *find_slot(live, sample->processes[i].pid, sample->processes[i].start_ns);
    }
    return true;
}

// Every series gets its last point: before a gap that is longer than the heartbeat, and at the end.
static bool push_last(struct seep_live *live)
{
    bool ok = store_all_last(live, live->totals, N_TOTAL_VALUES);
    for (size_t i = 0; ok && i < live->n_tags; i++)
        ok = store_all_last(live, live->tags[i].values, N_TAG_VALUES);
    for (size_t i = 0; ok && i < live->n_tracked; i++)
        ok = store_all_last(live, live->tracked[i].values, LIVE_PROCESS_VALUES);
    return ok;
}

// Makes the series of a number that has none yet. One that waited to be something else than 0 gets
// that 0 at the sample before, if its subject was there then.
static bool begin(struct seep_live *live, const struct seep_subject *subject,
                  const struct live_column *column, const char *field, uint64_t number,
                  bool was_there, struct value *v)
{
    if (v->series.v || number == SEEP_OS_UNKNOWN || (column->from_first_nonzero && !number))
        return true;
    if (!announce(live, subject, column->metric, field, v))
        return false;
    if (!column->from_first_nonzero || !was_there)
        return true;
    v->seen_ns = live->last_ns;
    return store_earlier(live, v, 0);
}

static bool begin_processes(struct seep_live *live, const struct seep_os_sample *sample)
{
    for (size_t i = 0; i < sample->n_processes; i++) {
        struct tracked *t = live->places[i] ? &live->tracked[live->places[i] - 1] : NULL;
        if (!t || t->wanted == UNWANTED)
            continue;
        const struct seep_subject subject = { .kind = SEEP_SUBJECT_PROCESS,
                                              .machine = live->machine,
                                              .process = t->id };
        for (size_t c = 0; c < LIVE_PROCESS_VALUES; c++) {
            const struct live_column *column = &live_process_columns[c];
            if (!begin(live, &subject, column,
                       live_text_at(&live->process_fields, column->field_at),
                       live_number_at(&sample->processes[i], column->value_at),
                       t->first_generation != live->generation, &t->values[c]))
                return false;
        }
    }
    return true;
}

#define TAG(number, field, metric_)                                                                \
    {                                                                                              \
        offsetof(struct seep_os_pool_tag, number), offsetof(struct seep_os_totals_fields, field),  \
            SEEP_METRIC_##metric_, .from_first_nonzero = true                                      \
    }
static const struct live_column tag_columns[N_TAG_VALUES] = {
    TAG(paged.bytes, tag_bytes, PAGED_POOL_BYTES),
    TAG(nonpaged.bytes, tag_bytes, NONPAGED_POOL_BYTES),
    TAG(paged.blocks, tag_paged_blocks, OUTSTANDING_COUNT),
    TAG(nonpaged.blocks, tag_nonpaged_blocks, OUTSTANDING_COUNT),
};

// The entry of a tag, old or new; NULL when memory is out.
static struct tag *tag_of(struct seep_live *live, const struct seep_os_pool_tag *tag)
{
    uint32_t id = seep_intern(&live->tag_names, tag->name, strlen(tag->name));
    if (!id || !seep_grow(&live->tags, &live->tags_room, id, sizeof *live->tags))
        return NULL;
    if (id > live->n_tags)
        live->tags[live->n_tags++] = (struct tag){ .first_generation = live->generation };
    return &live->tags[id - 1];
}

static bool begin_tags(struct seep_live *live, const struct seep_os_sample *sample,
                       struct seep_err *err)
{
    for (size_t i = 0; i < sample->n_tags; i++) {
        struct tag *tag = tag_of(live, &sample->tags[i]);
        if (!tag)
            return seep_fail_memory(err);
        const struct seep_subject subject = { .kind = SEEP_SUBJECT_POOL_TAG,
                                              .machine = live->machine,
                                              .name = sample->tags[i].name };
        for (size_t c = 0; c < N_TAG_VALUES; c++) {
            if (!begin(live, &subject, &tag_columns[c],
                       live_text_at(&live->total_fields, tag_columns[c].field_at),
                       live_number_at(&sample->tags[i], tag_columns[c].value_at),
                       tag->first_generation != live->generation, &tag->values[c]))
                return refused(live, err);
        }
    }
    return true;
}

static bool begin_totals(struct seep_live *live, const uint64_t *numbers)
{
    const struct seep_subject subject = { .kind = SEEP_SUBJECT_MACHINE, .machine = live->machine };
    for (size_t c = 0; c < N_TOTAL_VALUES; c++) {
        if (!begin(live, &subject, &total_columns[c],
                   live_text_at(&live->total_fields, total_columns[c].field_at), numbers[c], false,
                   &live->totals[c]))
            return false;
    }
    return true;
}

// The numbers of a record under its columns; those that are unknown now leave their series alone.
static bool store_all(struct seep_live *live, struct value *values,
                      const struct live_column *columns, size_t n, const void *record, int64_t t_ns)
{
    bool blocks_due = live->generation % BLOCKS_EVERY == 1;
    for (size_t c = 0; c < n; c++) {
        uint64_t number = live_number_at(record, columns[c].value_at);
        bool due = columns[c].metric != SEEP_METRIC_OUTSTANDING_COUNT || blocks_due;
        if (number != SEEP_OS_UNKNOWN && values[c].series.v &&
            !store(live, &values[c], (double)number, t_ns, due))
            return false;
    }
    return true;
}

// Everything that is counted of every tag, and of the memory, at a tick that is open.
static bool push_look(struct seep_live *live, const struct seep_os_sample *sample, int64_t t_ns)
{
    live->look_ns = t_ns;
    return live_push_vm(live->sink, live->machine, sample) &&
           live_push_pool_tags(live->sink, live->machine, sample);
}

static bool store_sample(struct seep_live *live, const struct seep_os_sample *sample,
                         const uint64_t *totals, int64_t t_ns)
{
    if (!seep_sink_tick(live->sink, live->machine, t_ns))
        return false;
    for (size_t c = 0; c < N_TOTAL_VALUES; c++) {
        if (totals[c] == SEEP_OS_UNKNOWN)
            continue;
        double number = (double)totals[c];
        if (total_columns[c].metric == SEEP_METRIC_PAGEFILE_USAGE_RATIO)
            number /= (double)sample->totals.pagefile_total_bytes;
        if (!store(live, &live->totals[c], number, t_ns, true))
            return false;
    }
    if ((live->look_ns == SEEP_NO_TIME || t_ns - live->look_ns >= live->every_look_ns) &&
        !push_look(live, sample, t_ns))
        return false;
    for (size_t i = 0; i < sample->n_tags; i++) {
        struct tag *tag = tag_of(live, &sample->tags[i]);
        if (tag && !store_all(live, tag->values, tag_columns, N_TAG_VALUES, &sample->tags[i], t_ns))
            return false;
    }
    for (size_t i = 0; i < sample->n_processes; i++) {
        struct tracked *t = live->places[i] ? &live->tracked[live->places[i] - 1] : NULL;
        if (t && t->wanted != UNWANTED &&
            !store_all(live, t->values, live_process_columns, LIVE_PROCESS_VALUES,
                       &sample->processes[i], t_ns))
            return false;
    }
    return true;
}

bool seep_live_take(struct seep_live *live, struct seep_err *err)
{
    struct seep_os_sample sample;
    int64_t t_ns;
    live->has_last = false;
    if (!seep_os_sampler_take(live->sampler, &sample, err))
        return false;
    if (!reserve(live, sample.n_processes))
        return seep_fail_memory(err);
    if (live->last_ns == SEEP_NO_TIME && !push_machine(live, &sample.totals, err))
        return false;
    live->generation++;
    live->tick_reopened = false;
    match(live, &sample);
    uint64_t totals[N_TOTAL_VALUES];
    for (size_t c = 0; c < N_TOTAL_VALUES; c++)
        totals[c] = live_number_at(&sample.totals, total_columns[c].value_at);
    totals[N_TOTAL_VALUES - 1] =
        sample.totals.pagefile_total_bytes ? sample.totals.pagefile_used_bytes : SEEP_OS_UNKNOWN;
    if (!tell_time(live, sample.t_ns, &t_ns) || !push_ends(live, &sample, t_ns) ||
        (live->last_ns != SEEP_NO_TIME && t_ns - live->last_ns >= live->heartbeat_ns &&
         !push_last(live)) ||
        !push_processes(live, &sample) || !begin_processes(live, &sample) ||
        !begin_totals(live, totals))
        return refused(live, err);
    if (!begin_tags(live, &sample, err))
        return false;
    if (!store_sample(live, &sample, totals, t_ns))
        return refused(live, err);
    live->last_ns = t_ns;
    live->last = sample;
    live->has_last = true;
    live->finished = false;
    if (sample.n_unreadable && !live->said_unreadable) {
        live->said_unreadable = true;
        if (!seep_sink_note(live->sink, "unreadable-processes", sample.n_unreadable,
                            SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                            "%" PRIu64 " processes could not be looked at in full: run seep with "
                            "more rights to see them",
                            sample.n_unreadable))
            return refused(live, err);
    }
    return true;
}

bool seep_live_finish(struct seep_live *live, struct seep_err *err)
{
    if (live->finished)
        return true;
    live->finished = true;
    live->tick_reopened = false;
    bool look = live->has_last && live->look_ns != live->last_ns;
    bool ok =
        push_last(live) && (!look || (reopen(live) && push_look(live, &live->last, live->last_ns)));
    return ok || refused(live, err);
}

void seep_live_close(struct seep_live *live)
{
    if (!live)
        return;
    (void)seep_live_finish(live, NULL);
    seep_os_sampler_close(live->sampler);
    seep_intern_clear(&live->tag_names);
    seep_free(live->tags);
    seep_free(live->tracked);
    seep_free(live->slots);
    seep_free(live->places);
    seep_free(live->roots);
    seep_free(live->pattern);
    seep_free(live);
}
