// SPDX-License-Identifier: MIT
// From counter columns and values to machines, processes, series and samples.
#include "source/perfmon.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/intern.h"
#include "base/time.h"
#include "nt/counter_names.h"
#include "source/perfmon_names.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    // seconds by which a start computed from a tick's time and `Elapsed Time` may differ from the
    // one computed from another tick: the two are not read at the same moment
    ELAPSED_TOLERANCE_S = 2,
    SECONDS_PER_HOUR = 3600,
};

// What is touched for each value of a tick.
struct column {
    double value;
    double factor;  // value * factor is in the unit of `series`; below 0: value / -factor
    uint32_t tick;  // the tick that `value` is of
    uint32_t next;  // next column of the same machine that has a value in this tick
    uint32_t group; // the process instance it belongs to; 0 = none
    uint32_t machine : 31;
    uint32_t tells_identity : 1; // ID Process, Creating Process ID or Elapsed Time
    uint32_t process;            // the process that `series` belongs to; 0 = the machine
    struct seep_series_id series;
};

struct column_info {
    uint32_t path, slot; // interned
    enum seep_metric metric;
    enum seep_perf_object object;
    enum seep_perf_counter counter;
    double factor;                        // to the unit of `metric`
    struct seep_series_id machine_series; // for the ticks without a process
};

struct machine {
    struct seep_machine known; // strings interned
    struct seep_machine_id id; // 0 = not announced yet
    uint32_t first, last;      // columns with a value in this tick
    uint32_t next;             // machine that has values in this tick
    uint32_t n_seen;           // processes with a PID in this tick
    uint32_t memory_counters;  // bits of enum seep_perf_counter that have a column
    bool windows;              // has a counter that only Windows has
    uint32_t *alive;           // processes with a PID that were there in the last tick
    size_t n_alive, alive_capacity;
};

// All columns of one instance of a process object.
struct group {
    uint32_t machine;
    uint32_t image;          // "svchost.exe"
    uint32_t numbered_image; // "svchost.exe#1": what stands in for an identity without a PID
    enum seep_perf_object object;
    bool is_process; // not _Total, not Idle
    bool has_pid_column, was_seen, shares_name;
    int64_t name_pid;  // the PID in a Process V2 instance, -1 = none
    uint32_t counters; // bits of enum seep_perf_counter that have a column
    uint32_t pid_tick, parent_tick, elapsed_tick, resolved_tick;
    double pid, parent, elapsed_s; // of those ticks
    uint32_t process;              // 0 = none now
};

struct process {
    struct seep_process_id id;
    uint32_t machine, image, pid, parent_pid;
    bool has_pid, is_alive;
    bool has_elapsed;
    double elapsed_s; // at `seen_ns`
    int64_t seen_ns, gone_ns;
    uint32_t seen_tick[2]; // the last tick in which a Process (0), a Process V2 (1) instance was it
    uint32_t seen_group[2];
    uint32_t metrics; // bits of enum seep_metric that have a series
};

struct seep_perfmon {
    struct seep_sink *sink;
    struct seep_intern strings, slots, hosts, keys, group_keys, pids;
    struct machine *machines; // [host id - 1]
    size_t n_machines, machine_capacity;
    uint32_t first_machine, last_machine; // with values in this tick
    struct column *columns;               // [column - 1]
    struct column_info *infos;
    size_t n_columns, column_capacity, info_capacity;
    struct group *groups; // [group - 1]
    size_t n_groups, group_capacity;
    struct process *processes; // [process - 1]
    size_t n_processes, process_capacity;
    uint32_t *latest; // process by id of (machine, PID)
    size_t latest_capacity;
    struct seep_intern series_keys; // process, slot
    uint32_t *series;               // by id of `series_keys`, minus 1
    size_t series_capacity;
    struct seep_buf key;
    uint64_t n_cut_names;
    int64_t t_ns;
    uint32_t tick;
    bool failed;
};

static bool out_of_memory(struct seep_perfmon *pm)
{
    pm->failed = true;
    return seep_fail_memory(&pm->sink->error);
}

static bool refused(struct seep_perfmon *pm)
{
    pm->failed = true;
    return false;
}

struct seep_perfmon *seep_perfmon_open(struct seep_sink *sink, struct seep_err *err)
{
    struct seep_perfmon *pm = seep_alloc(1, sizeof *pm);
    if (!pm) {
        (void)seep_fail_memory(err);
        return NULL;
    }
    pm->sink = sink;
    return pm;
}

void seep_perfmon_close(struct seep_perfmon *pm)
{
    if (!pm)
        return;
    for (size_t i = 0; i < pm->n_machines; i++)
        seep_free(pm->machines[i].alive);
    seep_free(pm->machines);
    seep_free(pm->columns);
    seep_free(pm->infos);
    seep_free(pm->groups);
    seep_free(pm->processes);
    seep_free(pm->latest);
    seep_free(pm->series);
    seep_intern_clear(&pm->strings);
    seep_intern_clear(&pm->slots);
    seep_intern_clear(&pm->hosts);
    seep_intern_clear(&pm->keys);
    seep_intern_clear(&pm->group_keys);
    seep_intern_clear(&pm->pids);
    seep_intern_clear(&pm->series_keys);
    seep_buf_clear(&pm->key);
    seep_free(pm);
}

static const char *text_of(const struct seep_perfmon *pm, uint32_t id)
{
    return seep_intern_text(&pm->strings, id);
}

static bool is_empty(const char *text)
{
    return !text || !*text;
}

// --- machines ---

static uint32_t machine_of(struct seep_perfmon *pm, const char *host)
{
    seep_buf_reset(&pm->key);
    for (const char *c = host ? host : ""; *c; c++)
        seep_buf_addc(&pm->key, *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c);
    uint32_t id =
        pm->key.failed ? 0 : seep_intern(&pm->hosts, seep_buf_text(&pm->key), pm->key.len);
    if (!id || !seep_grow(&pm->machines, &pm->machine_capacity, id, sizeof *pm->machines))
        return 0;
    while (pm->n_machines < id) {
        uint32_t name = is_empty(host) ? 0 : seep_intern(&pm->strings, host, strlen(host));
        pm->machines[pm->n_machines++] = (struct machine){
            .known = { .host = name ? text_of(pm, name) : NULL, .boot_ns = SEEP_NO_TIME },
        };
    }
    return id;
}

static const char *keep(struct seep_perfmon *pm, const char *text)
{
    uint32_t id = is_empty(text) ? 0 : seep_intern(&pm->strings, text, strlen(text));
    return id ? text_of(pm, id) : NULL;
}

bool seep_perfmon_machine(struct seep_perfmon *pm, const struct seep_machine *machine)
{
    uint32_t id = pm->failed ? 0 : machine_of(pm, machine->host);
    if (!id)
        return pm->failed ? false : out_of_memory(pm);
    struct machine *m = &pm->machines[id - 1];
    const char *host = m->known.host;
    m->known = *machine;
    m->known.host = host;
    m->known.os = keep(pm, machine->os);
    m->known.os_version = keep(pm, machine->os_version);
    return true;
}

static bool announce(struct seep_perfmon *pm, struct machine *m)
{
    if (m->id.v)
        return true;
    // The first tick is there already: it may hold the commit limit.
    for (uint32_t v = m->first; v && !m->known.commit_limit_bytes; v = pm->columns[v - 1].next) {
        double value = pm->columns[v - 1].value;
        if (pm->infos[v - 1].metric == SEEP_METRIC_COMMIT_LIMIT_BYTES && value >= 1 && value < 1e18)
            m->known.commit_limit_bytes = (uint64_t)value;
    }
    if (!m->known.os && m->windows)
        m->known.os = "Windows";
    return seep_sink_machine(pm->sink, &m->known, &m->id) || refused(pm);
}

// --- columns ---

// The path under which samples are kept, without the host. Interned; 0 when memory is out.
static uint32_t path_of(struct seep_perfmon *pm, const struct seep_perfmon_counter *c)
{
    struct seep_buf *b = &pm->key;
    seep_buf_reset(b);
    seep_buf_addc(b, '\\');
    seep_buf_adds(b, c->object);
    if (!is_empty(c->instance) || !is_empty(c->parent)) {
        seep_buf_addc(b, '(');
        if (!is_empty(c->parent)) {
            seep_buf_adds(b, c->parent);
            seep_buf_addc(b, '/');
        }
        seep_buf_adds(b, c->instance ? c->instance : "");
        if (c->instance_index)
            seep_buf_addf(b, "#%" PRIu32, c->instance_index);
        seep_buf_addc(b, ')');
    }
    seep_buf_addc(b, '\\');
    seep_buf_adds(b, c->counter);
    if (b->failed)
        return 0;
    size_t length = b->len;
    if (length > SEEP_MAX_NAME) {
        length = SEEP_MAX_NAME;
        while (length && ((uint8_t)b->data[length] & 0xc0) == 0x80)
            length--;
        pm->n_cut_names++;
    }
    return seep_intern(&pm->strings, b->data, length);
}

static bool group_init(struct seep_perfmon *pm, struct group *g, const char *name)
{
    struct seep_perfmon_instance instance;
    seep_perfmon_instance(g->object, name, false, &instance, &pm->key);
    g->image = pm->key.failed ? 0 : seep_intern(&pm->strings, pm->key.data, pm->key.len);
    seep_perfmon_instance(g->object, name, true, &instance, &pm->key);
    g->numbered_image = pm->key.failed ? 0 : seep_intern(&pm->strings, pm->key.data, pm->key.len);
    g->is_process = instance.is_process;
    g->shares_name = instance.shares_name;
    g->name_pid = instance.pid;
    return g->image && g->numbered_image;
}

static uint32_t group_of(struct seep_perfmon *pm, uint32_t machine, enum seep_perf_object object,
                         const struct seep_perfmon_counter *c)
{
    struct seep_buf name = { 0 };
    uint32_t id = 0;
    if (!is_empty(c->parent)) {
        seep_buf_adds(&name, c->parent);
        seep_buf_addc(&name, '/');
    }
    seep_buf_adds(&name, c->instance ? c->instance : "");
    if (c->instance_index)
        seep_buf_addf(&name, "#%" PRIu32, c->instance_index);
    seep_buf_reset(&pm->key);
    seep_buf_addf(&pm->key, "%" PRIu32 ":%d:", machine, (int)object);
    seep_buf_add(&pm->key, seep_buf_text(&name), name.len);
    if (!name.failed && !pm->key.failed)
        id = seep_intern(&pm->group_keys, pm->key.data, pm->key.len);
    if (id && !seep_grow(&pm->groups, &pm->group_capacity, id, sizeof *pm->groups))
        id = 0;
    if (id > pm->n_groups) {
        struct group *g = &pm->groups[pm->n_groups++];
        *g = (struct group){ .machine = machine, .object = object };
        if (!group_init(pm, g, seep_buf_text(&name)))
            id = 0;
    }
    seep_buf_clear(&name);
    return id;
}

static bool column_init(struct seep_perfmon *pm, const struct seep_perfmon_counter *c,
                        struct column *column, struct column_info *info)
{
    const char *object = c->object, *counter = c->counter;
    info->object = seep_perf_object_by_index(c->object_index);
    if (!info->object)
        info->object = seep_perf_object_by_name(object, strlen(object));
    info->counter = seep_perf_counter_by_index(info->object, c->counter_index);
    if (!info->counter)
        info->counter = seep_perf_counter_by_name(info->object, counter, strlen(counter));
    info->metric = seep_perfmon_metric(info->object, info->counter, c->instance, &info->factor);
    column->factor = 1;
    uint32_t machine = machine_of(pm, c->host);
    column->machine = machine & INT32_MAX;
    info->path = path_of(pm, c);
    seep_buf_reset(&pm->key);
    seep_buf_addf(&pm->key, "%s\\%s", object, counter);
    info->slot = pm->key.failed ? 0 : seep_intern(&pm->slots, pm->key.data, pm->key.len);
    if (!column->machine || !info->path || !info->slot)
        return false;

    struct machine *m = &pm->machines[column->machine - 1];
    m->windows |= info->counter != SEEP_PERF_COUNTER_NONE;
    if (info->object == SEEP_PERF_MEMORY)
        m->memory_counters |= UINT32_C(1) << info->counter;
    if (info->object == SEEP_PERF_PROCESS || info->object == SEEP_PERF_PROCESS_V2) {
        column->group = group_of(pm, column->machine, info->object, c);
        if (!column->group)
            return false;
        struct group *g = &pm->groups[column->group - 1];
        g->counters |= UINT32_C(1) << info->counter;
        g->has_pid_column |= info->counter == SEEP_PERF_ID_PROCESS;
        column->tells_identity = info->counter == SEEP_PERF_ID_PROCESS ||
                                 info->counter == SEEP_PERF_CREATING_PROCESS_ID ||
                                 info->counter == SEEP_PERF_ELAPSED_TIME;
    }
    return true;
}

static void add_key(struct seep_buf *key, const char *part)
{
    seep_buf_adds(key, part ? part : "");
    seep_buf_addc(key, '\0');
}

struct seep_perfmon_column seep_perfmon_column(struct seep_perfmon *pm,
                                               const struct seep_perfmon_counter *counter)
{
    const struct seep_perfmon_column none = { 0 };
    if (pm->failed)
        return none;
    seep_buf_reset(&pm->key);
    add_key(&pm->key, counter->host);
    add_key(&pm->key, counter->object);
    add_key(&pm->key, counter->parent);
    add_key(&pm->key, counter->instance);
    add_key(&pm->key, counter->counter);
    seep_buf_addf(&pm->key, "%" PRIu32 ":%" PRIu32 ":%" PRIu32, counter->instance_index,
                  counter->object_index, counter->counter_index);
    uint32_t id = pm->key.failed ? 0 : seep_intern(&pm->keys, pm->key.data, pm->key.len);
    if (id && id <= pm->n_columns)
        return (struct seep_perfmon_column){ id };
    if (!id || !seep_grow(&pm->columns, &pm->column_capacity, id, sizeof *pm->columns) ||
        !seep_grow(&pm->infos, &pm->info_capacity, id, sizeof *pm->infos)) {
        (void)out_of_memory(pm);
        return none;
    }
    struct column column = { 0 };
    struct column_info info = { 0 };
    if (!column_init(pm, counter, &column, &info)) {
        (void)out_of_memory(pm);
        return none;
    }
    pm->columns[pm->n_columns] = column;
    pm->infos[pm->n_columns++] = info;
    return (struct seep_perfmon_column){ id };
}

// --- ticks ---

bool seep_perfmon_tick(struct seep_perfmon *pm, int64_t t_ns)
{
    if (pm->failed)
        return false;
    pm->tick++;
    pm->t_ns = t_ns;
    return true;
}

static void note_identity(struct seep_perfmon *pm, struct group *g, enum seep_perf_counter counter,
                          double value)
{
    switch (counter) {
    case SEEP_PERF_ID_PROCESS:
        g->pid = value;
        g->pid_tick = pm->tick;
        break;
    case SEEP_PERF_CREATING_PROCESS_ID:
        g->parent = value;
        g->parent_tick = pm->tick;
        break;
    case SEEP_PERF_ELAPSED_TIME:
        g->elapsed_s = value;
        g->elapsed_tick = pm->tick;
        break;
    default:
        break;
    }
}

void seep_perfmon_value(struct seep_perfmon *pm, struct seep_perfmon_column column, double value)
{
    if (pm->failed || column.v - 1 >= pm->n_columns || !(value - value == 0))
        return;
    struct column *c = &pm->columns[column.v - 1];
    c->value = value;
    if (c->tells_identity)
        note_identity(pm, &pm->groups[c->group - 1], pm->infos[column.v - 1].counter, value);
    if (c->tick == pm->tick)
        return;
    c->tick = pm->tick;
    c->next = 0;
    struct machine *m = &pm->machines[c->machine - 1];
    if (m->first) {
        pm->columns[m->last - 1].next = column.v;
    } else {
        m->first = column.v;
        m->next = 0;
        if (pm->first_machine)
            pm->machines[pm->last_machine - 1].next = c->machine;
        else
            pm->first_machine = c->machine;
        pm->last_machine = c->machine;
    }
    m->last = column.v;
}

// --- identity ---

// Whether a process seen `elapsed_s` after its start, with `then_s` at an earlier tick `apart_s`
// seconds before, can be the same one. The clock may have been set, by hours or otherwise, so a
// mismatch alone proves nothing; a shorter life does, and so does one that fits into the gap.
static bool same_life(double then_s, double elapsed_s, double apart_s)
{
    if (elapsed_s + ELAPSED_TOLERANCE_S < then_s)
        return false;
    double mismatch = apart_s - (elapsed_s - then_s);
    if (elapsed_s + ELAPSED_TOLERANCE_S >= apart_s || mismatch <= ELAPSED_TOLERANCE_S)
        return true;
    double hours = mismatch / SECONDS_PER_HOUR;
    return fabs(hours - round(hours)) * SECONDS_PER_HOUR <= ELAPSED_TOLERANCE_S;
}

static bool is_same_process(const struct seep_perfmon *pm, const struct group *g,
                            const struct process *p)
{
    if (p->image != (p->has_pid ? g->image : g->numbered_image))
        return false;
    if (g->parent_tick == pm->tick && p->parent_pid && g->parent > 0 &&
        (double)p->parent_pid != g->parent)
        return false;
    return g->elapsed_tick != pm->tick || !p->has_elapsed ||
           same_life(p->elapsed_s, g->elapsed_s, ((double)pm->t_ns - (double)p->seen_ns) * 1e-9);
}

static bool is_pid(double value)
{
    return value >= 0 && value <= UINT32_MAX && value == floor(value);
}

// The start of a process that has run for `elapsed_s` at `t_ns`; SEEP_NO_TIME where that is
// absurd (before 1970).
static int64_t start_of(int64_t t_ns, double elapsed_s)
{
    double start = (double)t_ns * 1e-9 - elapsed_s;
    if (!(elapsed_s >= 0 && start >= 0))
        return SEEP_NO_TIME;
    return t_ns - (int64_t)(elapsed_s * 1e9);
}

static uint32_t add_process(struct seep_perfmon *pm, const struct group *g, bool has_pid,
                            uint32_t pid)
{
    if (!seep_grow(&pm->processes, &pm->process_capacity, pm->n_processes + 1,
                   sizeof *pm->processes)) {
        (void)out_of_memory(pm);
        return 0;
    }
    struct process p = {
        .machine = g->machine,
        .image = has_pid ? g->image : g->numbered_image,
        .pid = pid,
        .has_pid = has_pid,
        .gone_ns = SEEP_NO_TIME,
    };
    if (g->parent_tick == pm->tick && is_pid(g->parent))
        p.parent_pid = (uint32_t)g->parent;
    struct seep_process fact = {
        .machine = pm->machines[g->machine - 1].id,
        .pid = pid,
        .has_pid = has_pid,
        .parent_pid = p.parent_pid,
        .start_ns = SEEP_NO_TIME,
        .end_ns = SEEP_NO_TIME,
        .image = text_of(pm, p.image),
    };
    if (g->elapsed_tick == pm->tick)
        fact.start_ns = start_of(pm->t_ns, g->elapsed_s);
    if (!seep_sink_process(pm->sink, &fact, &p.id)) {
        (void)refused(pm);
        return 0;
    }
    pm->processes[pm->n_processes++] = p;
    return (uint32_t)pm->n_processes;
}

// The place that holds the newest process of a PID.
static uint32_t *latest_of(struct seep_perfmon *pm, uint32_t machine, uint32_t pid)
{
    uint32_t key[2] = { machine, pid };
    uint32_t id = seep_intern(&pm->pids, key, sizeof key);
    size_t before = pm->latest_capacity;
    if (!id || !seep_grow(&pm->latest, &pm->latest_capacity, id, sizeof *pm->latest)) {
        (void)out_of_memory(pm);
        return NULL;
    }
    if (pm->latest_capacity > before)
        memset(pm->latest + before, 0, (pm->latest_capacity - before) * sizeof *pm->latest);
    return &pm->latest[id - 1];
}

static uint32_t resolve_by_pid(struct seep_perfmon *pm, struct group *g, uint32_t pid)
{
    uint32_t old = g->process;
    if (old) {
        const struct process *p = &pm->processes[old - 1];
        if (p->has_pid && p->pid == pid && is_same_process(pm, g, p))
            return old;
    }
    uint32_t *latest = latest_of(pm, g->machine, pid);
    if (!latest)
        return 0;
    if (*latest && is_same_process(pm, g, &pm->processes[*latest - 1]))
        return *latest;
    if (*latest) {
        struct process *p = &pm->processes[*latest - 1];
        if (p->gone_ns == SEEP_NO_TIME)
            p->gone_ns = pm->t_ns; // ended before this tick
    }
    uint32_t fresh = add_process(pm, g, true, pid);
    if (fresh)
        *latest = fresh;
    return fresh;
}

static uint32_t resolve_by_name(struct seep_perfmon *pm, struct group *g)
{
    if (g->process && is_same_process(pm, g, &pm->processes[g->process - 1]))
        return g->process;
    return add_process(pm, g, false, 0);
}

static void mark_seen(struct seep_perfmon *pm, struct group *g, uint32_t index)
{
    struct process *p = &pm->processes[index - 1];
    struct machine *m = &pm->machines[p->machine - 1];
    unsigned kind = g->object == SEEP_PERF_PROCESS_V2;
    m->n_seen += p->has_pid && p->seen_tick[0] != pm->tick && p->seen_tick[1] != pm->tick;
    p->seen_tick[kind] = pm->tick;
    p->seen_group[kind] = (uint32_t)(g - pm->groups) + 1;
    p->seen_ns = pm->t_ns;
    p->gone_ns = SEEP_NO_TIME;
    if (g->elapsed_tick == pm->tick) {
        p->elapsed_s = g->elapsed_s;
        p->has_elapsed = true;
    }
    if (p->has_pid && !p->is_alive) {
        if (!seep_grow(&m->alive, &m->alive_capacity, m->n_alive + 1, sizeof *m->alive)) {
            (void)out_of_memory(pm);
            return;
        }
        m->alive[m->n_alive++] = index;
        p->is_alive = true;
    }
}

// The process that an instance is in this tick; 0 = none that can be told.
static uint32_t resolve(struct seep_perfmon *pm, struct group *g)
{
    if (g->resolved_tick == pm->tick)
        return g->process;
    uint32_t process = 0;
    g->resolved_tick = pm->tick;
    g->was_seen = true;
    if (!g->is_process) {
        process = 0;
    } else if (g->name_pid >= 0) {
        process = resolve_by_pid(pm, g, (uint32_t)g->name_pid);
    } else if (g->pid_tick == pm->tick) {
        if (is_pid(g->pid) && g->pid > 0)
            process = resolve_by_pid(pm, g, (uint32_t)g->pid);
    } else if (g->has_pid_column) {
        process = g->process;
    } else {
        process = resolve_by_name(pm, g);
    }
    if (process) {
        const struct process *p = &pm->processes[process - 1];
        unsigned kind = g->object == SEEP_PERF_PROCESS_V2;
        // Two instances of one object cannot be the same process.
        if (p->seen_tick[kind] == pm->tick && p->seen_group[kind] != g - pm->groups + 1)
            process = 0;
        else
            mark_seen(pm, g, process);
    }
    g->process = process;
    return process;
}

// --- samples ---

// One metric of one subject comes from one counter: where a log has the same amount twice, the
// finer counter carries the metric.
static bool new_series(struct seep_perfmon *pm, const struct column *c, struct column_info *info,
                       uint32_t process, struct seep_series_id *id)
{
    struct machine *m = &pm->machines[c->machine - 1];
    struct seep_series series = {
        .subject = { .machine = m->id },
        .metric = info->metric,
        .counter = text_of(pm, info->path),
    };
    if (process) {
        struct process *p = &pm->processes[process - 1];
        uint32_t bit = UINT32_C(1) << info->metric;
        series.subject.kind = SEEP_SUBJECT_PROCESS;
        series.subject.process = p->id;
        // A log may have the same process as a Process and as a Process V2 instance.
        if (seep_perfmon_has_finer(pm->groups[c->group - 1].counters, info->counter) ||
            (p->metrics & bit) != 0)
            series.metric = SEEP_METRIC_NONE;
        else
            p->metrics |= bit;
    } else if (c->group || seep_perfmon_has_finer(m->memory_counters, info->counter)) {
        series.metric = SEEP_METRIC_NONE;
    }
    if (!series.metric)
        info->factor = 1; // counters of processes need no conversion, so this is the machine's
    return seep_sink_series(pm->sink, &series, id) || refused(pm);
}

// Points the column to the series that its value is of: the process's own one for this counter,
// also where the process was another instance before.
static bool choose_series(struct seep_perfmon *pm, struct column *c, struct column_info *info,
                          uint32_t process)
{
    if (!process) {
        if (!info->machine_series.v && !new_series(pm, c, info, 0, &info->machine_series))
            return false;
        c->series = info->machine_series;
    } else {
        const uint32_t key[2] = { process, info->slot };
        size_t known = pm->series_keys.count;
        uint32_t at = seep_intern(&pm->series_keys, key, sizeof key);
        if (!at || !seep_grow(&pm->series, &pm->series_capacity, at, sizeof *pm->series))
            return out_of_memory(pm);
        struct seep_series_id id = { at > known ? 0 : pm->series[at - 1] };
        if (!id.v && !new_series(pm, c, info, process, &id))
            return false;
        pm->series[at - 1] = id.v;
        c->series = id;
    }
    c->factor = info->factor;
    c->process = process;
    return true;
}

// Which processes of the last tick are no longer there. Believed only when the tick has processes:
// a failed collection leaves all of them blank.
static void find_gone(struct seep_perfmon *pm, struct machine *m)
{
    if (m->n_seen == 0 || m->n_seen == m->n_alive)
        return;
    for (size_t i = m->n_alive; i-- > 0;) {
        struct process *p = &pm->processes[m->alive[i] - 1];
        if (p->seen_tick[0] == pm->tick || p->seen_tick[1] == pm->tick)
            continue;
        p->gone_ns = pm->t_ns;
        p->is_alive = false;
        m->alive[i] = m->alive[--m->n_alive];
    }
}

static bool end_machine_tick(struct seep_perfmon *pm, struct machine *m)
{
    if (!announce(pm, m))
        return false;
    for (uint32_t v = m->first; v; v = pm->columns[v - 1].next) {
        struct column *c = &pm->columns[v - 1];
        uint32_t process = c->group ? resolve(pm, &pm->groups[c->group - 1]) : 0;
        if (pm->failed)
            return false;
        if ((c->process != process || !c->series.v) &&
            !choose_series(pm, c, &pm->infos[v - 1], process))
            return false;
    }
    if (!seep_sink_tick(pm->sink, m->id, pm->t_ns))
        return refused(pm);
    for (uint32_t v = m->first; v; v = pm->columns[v - 1].next) {
        const struct column *c = &pm->columns[v - 1];
        double value = c->factor < 0 ? c->value / -c->factor : c->value * c->factor;
        if (!seep_sink_sample(pm->sink, c->series, value))
            return refused(pm);
    }
    m->first = m->last = 0;
    find_gone(pm, m);
    m->n_seen = 0;
    return true;
}

bool seep_perfmon_tick_end(struct seep_perfmon *pm)
{
    for (uint32_t v = pm->first_machine; v && !pm->failed; v = pm->machines[v - 1].next)
        (void)end_machine_tick(pm, &pm->machines[v - 1]);
    pm->first_machine = pm->last_machine = 0;
    return !pm->failed;
}

bool seep_perfmon_finish(struct seep_perfmon *pm)
{
    if (pm->failed)
        return false;
    for (size_t i = 0; i < pm->n_machines; i++) {
        if (!announce(pm, &pm->machines[i]))
            return false;
    }
    for (size_t i = 0; i < pm->n_processes; i++) {
        const struct process *p = &pm->processes[i];
        if (p->has_pid && p->gone_ns != SEEP_NO_TIME &&
            !seep_sink_process_end(pm->sink, p->id, p->gone_ns))
            return refused(pm);
    }
    uint64_t n_unknown = 0, n_shared = 0;
    for (size_t i = 0; i < pm->n_groups; i++) {
        const struct group *g = &pm->groups[i];
        if (!g->is_process || !g->was_seen || g->has_pid_column || g->name_pid >= 0)
            continue;
        n_unknown++;
        n_shared += g->shares_name;
    }
    if (n_unknown &&
        !seep_sink_note(pm->sink, "identity-unknown", n_unknown, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                        "%" PRIu64 " process instances were logged without ID Process: only their "
                        "names tell them apart, and %" PRIu64
                        " numbered ones (name#1) may be different processes over time",
                        n_unknown, n_shared))
        return refused(pm);
    if (pm->n_cut_names &&
        !seep_sink_note(pm->sink, "name-cut", pm->n_cut_names, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                        "%" PRIu64 " counter paths are longer than %d bytes and were cut",
                        pm->n_cut_names, SEEP_MAX_NAME))
        return refused(pm);
    return true;
}
