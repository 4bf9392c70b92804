// SPDX-License-Identifier: MIT
// A case as a source: its facts pass through the same door as those of any file. So cases are
// merged, too.
#include "case/internal.h"

#include "base/alloc.h"
#include "base/time.h"

#include <stdlib.h>

// One sample of a batch, on its way from rows of series to rows of moments.
struct entry {
    int64_t tick;
    uint32_t series;
    double value;
};

struct moment {
    int64_t taken_ns;
    size_t index; // into the dataset's snapshots
};

struct copy {
    struct seep_case *c;
    struct seep_sink *sink;
    const struct seep_control *control;
    struct seep_dataset data;
    struct seep_machine_id *machines;
    struct seep_process_id *processes;
    struct seep_series_id *series; // 0 = not announced yet
    struct entry *entries;
    size_t n_entries, capacity;
    uint64_t n_damaged;       // chunks
    uint64_t n_torn;          // snapshots
    struct moment *snapshots; // of the data by time, those of no known time first
    size_t n_pushed;          // of them
    struct seep_err *err;
};

static bool copy_machines(struct copy *k)
{
    for (size_t i = 0; i < k->data.n_machines; i++) {
        if (!seep_sink_machine(k->sink, &k->data.machines[i], &k->machines[i]))
            return false;
    }
    return true;
}

static struct seep_machine_id machine_of(const struct copy *k, struct seep_machine_id old)
{
    return old.v ? k->machines[old.v - 1] : (struct seep_machine_id){ 0 };
}

static bool copy_processes(struct copy *k)
{
    for (size_t i = 0; i < k->data.n_processes; i++) {
        struct seep_process p = k->data.processes[i];
        p.machine = machine_of(k, p.machine);
        if (!seep_sink_process(k->sink, &p, &k->processes[i]))
            return false;
        if (p.end_ns != SEEP_NO_TIME && !seep_sink_process_end(k->sink, k->processes[i], p.end_ns))
            return false;
    }
    return true;
}

static bool announce(struct copy *k, uint32_t id)
{
    if (k->series[id - 1].v)
        return true;
    struct seep_series s = k->data.series[id - 1].series;
    s.subject.machine = machine_of(k, s.subject.machine);
    if (s.subject.process.v)
        s.subject.process = k->processes[s.subject.process.v - 1];
    return seep_sink_series(k->sink, &s, &k->series[id - 1]);
}

static int by_tick(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->tick != y->tick)
        return x->tick > y->tick ? 1 : -1;
    return (x->series > y->series) - (x->series < y->series);
}

static bool push_snapshot(struct copy *k, size_t index)
{
    const struct seep_dataset_snapshot *s = &k->data.snapshots[index];
    struct seep_process_id process = { 0 };
    bool full = false;
    if (s->process.v)
        process = k->processes[s->process.v - 1];
    if (case_push_snapshot(k->c, (uint32_t)index + 1, process, k->processes, k->data.n_processes,
                           k->sink, &full, k->err))
        return true;
    if (full)
        return false;
    k->n_torn++; // what can be read is read
    return true;
}

// The snapshots of a moment follow its tick; those of no known time come before the first one.
// `until_ns`: the last moment that is wanted, `has_tick` whether it was opened just now.
static bool push_snapshots(struct copy *k, int64_t until_ns, bool has_tick)
{
    for (; k->n_pushed < k->data.n_snapshots; k->n_pushed++) {
        size_t index = k->snapshots[k->n_pushed].index;
        const struct seep_dataset_snapshot *s = &k->data.snapshots[index];
        bool dated = s->taken_ns != SEEP_NO_TIME;
        if (dated && (s->taken_ns > until_ns || (!has_tick && s->taken_ns == until_ns)))
            return true;
        struct seep_machine_id machine = { 0 };
        if (s->process.v)
            machine = machine_of(k, k->data.processes[s->process.v - 1].machine);
        if ((!dated || !has_tick || s->taken_ns != until_ns) &&
            !seep_sink_tick(k->sink, machine, s->taken_ns))
            return false;
        if (!push_snapshot(k, index))
            return false;
    }
    return true;
}

static bool push_batch(struct copy *k, const uint32_t *tick_machines)
{
    if (k->n_entries)
        qsort(k->entries, k->n_entries, sizeof *k->entries, by_tick);
    for (size_t i = 0; i < k->n_entries; i++) {
        const struct entry *e = &k->entries[i];
        if (!announce(k, e->series))
            return false;
        if (i == 0 || e->tick != k->entries[i - 1].tick) {
            struct seep_machine_id machine =
                machine_of(k, (struct seep_machine_id){ tick_machines[e->tick - 1] });
            int64_t t_ns = k->c->tick_times[e->tick - 1];
            if (!push_snapshots(k, t_ns, false) || !seep_sink_tick(k->sink, machine, t_ns) ||
                !push_snapshots(k, t_ns, true))
                return false;
        }
        if (!seep_sink_sample(k->sink, k->series[e->series - 1], e->value))
            return false;
    }
    k->n_entries = 0;
    return true;
}

// Takes the points of one row apart; a damaged row gives what it has up to the damage.
static bool take_chunk(struct copy *k, sqlite3_stmt *stmt)
{
    int64_t base = sqlite3_column_int64(stmt, 0);
    int64_t series = sqlite3_column_int64(stmt, 1);
    const char *at = (const char *)sqlite3_column_text(stmt, 2);
    const char *end = at ? at + sqlite3_column_bytes(stmt, 2) : NULL;
    uint32_t offset;
    double value;
    bool bad = !at || series <= 0 || (uint64_t)series > k->data.n_series || base <= 0;
    while (!bad && case_point_next(&at, end, &offset, &value, &bad)) {
        if ((uint64_t)base > k->c->n_ticks || offset >= k->c->n_ticks - (uint64_t)base + 1) {
            bad = true;
            break;
        }
        if (!seep_grow(&k->entries, &k->capacity, k->n_entries + 1, sizeof *k->entries))
            return seep_fail_memory(&k->sink->error);
        k->entries[k->n_entries++] = (struct entry){ base + offset, (uint32_t)series, value };
    }
    k->n_damaged += bad;
    return true;
}

static bool load_tick_machines(struct copy *k, uint32_t **machines, struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    *machines = seep_alloc(k->c->n_ticks, sizeof **machines);
    if (!*machines)
        return seep_fail_memory(err);
    if (!case_prepare(k->c, &stmt, "SELECT machine_id FROM tick ORDER BY id", err))
        return false;
    for (size_t i = 0; i < k->c->n_ticks && sqlite3_step(stmt) == SQLITE_ROW; i++) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        (*machines)[i] = id > 0 && (uint64_t)id <= k->data.n_machines ? (uint32_t)id : 0;
    }
    sqlite3_finalize(stmt);
    return true;
}

static enum seep_status copy_samples(struct copy *k, struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    uint32_t *tick_machines = NULL;
    enum seep_status status = SEEP_OK;
    if (!load_tick_machines(k, &tick_machines, err) ||
        !case_prepare(k->c, &stmt, "SELECT tick_id,series_id,points FROM chunk ORDER BY id", err))
        status = SEEP_FAILED;
    int64_t batch = 0;
    int rc = SQLITE_DONE;
    while (status == SEEP_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        int64_t base = sqlite3_column_int64(stmt, 0);
        if (base != batch) {
            if (!push_batch(k, tick_machines))
                status = SEEP_FAILED;
            else if (seep_cancelled(k->control))
                status = SEEP_CANCELLED;
            batch = base;
            seep_progress(k->control, base > 0 ? (uint64_t)base : 0, k->c->n_ticks);
        }
        if (status == SEEP_OK && !take_chunk(k, stmt))
            status = SEEP_FAILED;
    }
    if (status == SEEP_OK &&
        (!push_batch(k, tick_machines) || !push_snapshots(k, INT64_MAX, false)))
        status = SEEP_FAILED;
    if (status == SEEP_OK && rc != SQLITE_DONE) {
        status = SEEP_PARTIAL;
        if (!seep_sink_lose(k->sink, "damaged", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                            "the case is damaged: %s", sqlite3_errmsg(k->c->db)))
            status = SEEP_FAILED;
    }
    sqlite3_finalize(stmt);
    seep_free(tick_machines);
    return status;
}

static bool copy_rest(struct copy *k)
{
    for (size_t i = 0; i < k->data.n_events; i++) {
        struct seep_event e = k->data.events[i];
        e.machine = machine_of(k, e.machine);
        if (!seep_sink_event(k->sink, &e))
            return false;
    }
    for (size_t i = 0; i < k->data.n_sources; i++) {
        for (size_t l = 0; l < k->data.sources[i].n_losses; l++) {
            // What the original reading lost is known to be lost; reading the case loses nothing
            // more.
            struct seep_loss loss = k->data.sources[i].losses[l];
            loss.harmless = true;
            if (!seep_sink_loss(k->sink, &loss))
                return false;
        }
    }
    if (k->n_torn &&
        !seep_sink_lose(k->sink, "damaged-snapshot", k->n_torn, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                        "snapshots and stacks that could not be read whole"))
        return false;
    return k->n_damaged == 0 ||
           seep_sink_lose(k->sink, "bad-record", k->n_damaged, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                          "rows of points that are damaged");
}

static bool copy_looks(struct copy *k)
{
    const struct case_passing passing = { k->sink, k->machines, k->processes };
    return case_push_looks(&passing, &k->data);
}

// After the samples: series of sites are announced by then, or will not be.
static bool copy_sites(struct copy *k)
{
    bool full = false;
    if (case_push_sites(k->c, k->processes, k->data.n_processes, k->sink, &full, k->err))
        return true;
    if (full)
        return false;
    k->n_torn++; // what can be read is read
    return true;
}

static int by_moment(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->taken_ns != y->taken_ns)
        return x->taken_ns < y->taken_ns ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool sort_snapshots(struct copy *k)
{
    size_t n = k->data.n_snapshots;
    k->snapshots = seep_alloc(n, sizeof *k->snapshots);
    for (size_t i = 0; k->snapshots && i < n; i++)
        k->snapshots[i] = (struct moment){ k->data.snapshots[i].taken_ns, i };
    if (k->snapshots && n)
        qsort(k->snapshots, n, sizeof *k->snapshots, by_moment);
    return k->snapshots != NULL;
}

enum seep_status seep_case_copy(struct seep_case *c, struct seep_sink *sink,
                                const struct seep_control *control, struct seep_err *err)
{
    struct copy k = { .c = c, .sink = sink, .control = control, .err = err };
    enum seep_status status = SEEP_FAILED;
    if (!seep_case_dataset(c, &k.data, err))
        return SEEP_FAILED;
    k.machines = seep_alloc(k.data.n_machines, sizeof *k.machines);
    k.processes = seep_alloc(k.data.n_processes, sizeof *k.processes);
    k.series = seep_alloc(k.data.n_series, sizeof *k.series);
    if (!sort_snapshots(&k) || !k.machines || !k.processes || !k.series)
        (void)seep_fail_memory(err);
    else if (copy_machines(&k) && copy_processes(&k)) {
        status = copy_samples(&k, err);
        if (status != SEEP_FAILED && (!copy_looks(&k) || !copy_sites(&k) || !copy_rest(&k)))
            status = SEEP_FAILED;
    }
    if (status == SEEP_FAILED && err && !err->what[0])
        *err = sink->error;
    if (status == SEEP_OK && (k.n_damaged || k.n_torn))
        status = SEEP_PARTIAL;
    seep_free(k.machines);
    seep_free(k.processes);
    seep_free(k.series);
    seep_free(k.entries);
    seep_free(k.snapshots);
    return status;
}

bool seep_case_push_sites(struct seep_case *c, struct seep_sink *sink, struct seep_err *err)
{
    struct copy k = { .c = c, .sink = sink, .err = err, .data = c->loaded };
    k.machines = seep_alloc(k.data.n_machines, sizeof *k.machines);
    k.processes = seep_alloc(k.data.n_processes, sizeof *k.processes);
    bool ok = sort_snapshots(&k) && k.machines && k.processes;
    if (!ok)
        (void)seep_fail_memory(err);
    ok = ok && copy_machines(&k) && copy_processes(&k) && push_snapshots(&k, INT64_MAX, false) &&
         copy_sites(&k);
    if (!ok && err && !err->what[0])
        *err = sink->error;
    seep_free(k.machines);
    seep_free(k.processes);
    seep_free(k.snapshots);
    return ok;
}
