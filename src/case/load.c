// SPDX-License-Identifier: MIT
// Reading a case: the dataset that is judged and reported, one series of points at a time.
#include "case/internal.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Rows of a table are read one after another; each of them must have the next number, because ids
// are used as indexes.
struct rows {
    struct seep_case *c;
    sqlite3_stmt *stmt;
    int64_t n; // rows so far
};

static bool rows_open(struct rows *rows, struct seep_case *c, const char *sql, struct seep_err *err)
{
    *rows = (struct rows){ .c = c };
    return case_prepare(c, &rows->stmt, sql, err);
}

static bool rows_next(struct rows *rows)
{
    if (sqlite3_step(rows->stmt) != SQLITE_ROW)
        return false;
    rows->n++;
    return true;
}

static bool rows_close(struct rows *rows, struct seep_err *err)
{
    int rc = sqlite3_reset(rows->stmt);
    sqlite3_finalize(rows->stmt);
    return rc == SQLITE_OK || case_sql_fail(rows->c, err, "the case cannot be read");
}

static bool is_next_id(const struct rows *rows)
{
    return sqlite3_column_int64(rows->stmt, 0) == rows->n && rows->n < UINT32_MAX;
}

static bool out_of_order(struct seep_err *err, const char *table)
{
    return seep_fail(err, SEEP_NO_OFFSET, "ask for the case as seep wrote it",
                     "is a case whose table '%s' is not in order", table);
}

static uint64_t number_or(sqlite3_stmt *stmt, int column, uint64_t unknown)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL
               ? unknown
               : (uint64_t)sqlite3_column_int64(stmt, column);
}

static int64_t time_or_none(sqlite3_stmt *stmt, int column)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return SEEP_NO_TIME;
    return seep_time_clamp(sqlite3_column_int64(stmt, column));
}

static uint32_t id_up_to(sqlite3_stmt *stmt, int column, size_t n)
{
    int64_t id = sqlite3_column_int64(stmt, column);
    return id > 0 && (uint64_t)id <= n ? (uint32_t)id : 0;
}

// `{"sample":12,"process":3}` into counts by kind.
static void read_facts(const char *json, uint64_t facts[16])
{
    for (int i = 0; json && i < SEEP_N_FACT_KINDS; i++) {
        struct seep_buf key = { 0 };
        seep_buf_addf(&key, "\"%s\":", seep_fact_kind_name((enum seep_fact_kind)i));
        const char *at = strstr(json, seep_buf_text(&key));
        if (at)
            facts[i] = strtoull(at + key.len, NULL, 10);
        seep_buf_clear(&key);
    }
}

// Adds a zeroed element to an array whose address is `*array`; NULL when memory is out.
#define ADD(array, capacity, n)                                                                    \
    (seep_grow(&(array), &(capacity), (n) + 1, sizeof *(array))                                    \
         ? (memset(&(array)[n], 0, sizeof *(array)), &(array)[(n)++])                              \
         : NULL)

// Moves a grown array into the arena, so that the dataset has one owner.
static const void *keep(struct seep_arena *arena, void *array, size_t n, size_t size, bool *ok)
{
    void *copy = seep_arena_alloc(arena, n ? n : 1, size);
    if (copy && n)
        memcpy(copy, array, n * size);
    seep_free(array);
    *ok = *ok && copy;
    return copy;
}

// Reads the losses of all sources in one pass: `sources` point into one array.
static bool load_losses(struct seep_case *c, struct seep_dataset_source *sources, size_t n_sources,
                        struct seep_err *err)
{
    struct rows rows;
    if (!rows_open(&rows, c,
                   "SELECT source_id,what,count,bytes,offset,text,harmless FROM loss"
                   " ORDER BY source_id,id",
                   err))
        return false;
    struct seep_loss *losses = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true;
    while (ok && rows_next(&rows)) {
        uint32_t source = id_up_to(rows.stmt, 0, n_sources);
        if (!source)
            continue;
        struct seep_loss *loss = ADD(losses, capacity, n);
        ok = loss != NULL;
        if (!ok)
            break;
        loss->what = case_text(&c->arena, rows.stmt, 1);
        loss->count = number_or(rows.stmt, 2, SEEP_UNKNOWN_COUNT);
        loss->bytes = number_or(rows.stmt, 3, SEEP_UNKNOWN_COUNT);
        loss->offset = number_or(rows.stmt, 4, SEEP_NO_OFFSET);
        loss->text = case_text(&c->arena, rows.stmt, 5);
        loss->harmless = sqlite3_column_int(rows.stmt, 6) != 0;
        sources[source - 1].n_losses++;
        ok = loss->what && loss->text;
    }
    const struct seep_loss *all = keep(&c->arena, losses, n, sizeof *losses, &ok);
    for (size_t i = 0; ok && i < n_sources; i++) {
        sources[i].losses = all;
        all += sources[i].n_losses;
    }
    if (!rows_close(&rows, err))
        return false;
    return ok || seep_fail_memory(err);
}

static bool load_sources(struct seep_case *c, struct seep_dataset *data, struct seep_err *err)
{
    struct rows rows;
    if (!rows_open(&rows, c,
                   "SELECT id,path,format,size_bytes,read_bytes,facts FROM source ORDER BY id",
                   err))
        return false;
    struct seep_dataset_source *sources = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true, ordered = true;
    while (ok && ordered && rows_next(&rows)) {
        struct seep_dataset_source *s = ADD(sources, capacity, n);
        ordered = is_next_id(&rows);
        ok = s && (s->path = case_text(&c->arena, rows.stmt, 1)) != NULL &&
             (s->format = case_text(&c->arena, rows.stmt, 2)) != NULL;
        if (!ok)
            break;
        s->size_bytes = (uint64_t)sqlite3_column_int64(rows.stmt, 3);
        s->read_bytes = (uint64_t)sqlite3_column_int64(rows.stmt, 4);
        read_facts((const char *)sqlite3_column_text(rows.stmt, 5), s->facts);
    }
    struct seep_dataset_source *kept =
        (struct seep_dataset_source *)(uintptr_t)keep(&c->arena, sources, n, sizeof *sources, &ok);
    data->sources = kept;
    data->n_sources = n;
    if (!rows_close(&rows, err))
        return false;
    if (!ordered)
        return out_of_order(err, "source");
    return ok ? load_losses(c, kept, n, err) : seep_fail_memory(err);
}

static bool load_machines(struct seep_case *c, struct seep_dataset *data, struct seep_err *err)
{
    struct rows rows;
    if (!rows_open(
            &rows, c,
            "SELECT id,host,os,os_version,ram_bytes,commit_limit_bytes,page_size_bytes,"
            "n_processors,newest FROM machine LEFT JOIN (SELECT machine_id,max(boot_ns) AS newest"
            " FROM boot GROUP BY machine_id) ON machine_id=id ORDER BY id",
            err))
        return false;
    struct seep_machine *machines = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true, ordered = true;
    while (ok && ordered && rows_next(&rows)) {
        struct seep_machine *m = ADD(machines, capacity, n);
        ordered = is_next_id(&rows);
        ok = m != NULL;
        if (!ok)
            break;
        m->host = case_text(&c->arena, rows.stmt, 1);
        m->os = case_text(&c->arena, rows.stmt, 2);
        m->os_version = case_text(&c->arena, rows.stmt, 3);
        m->ram_bytes = (uint64_t)sqlite3_column_int64(rows.stmt, 4);
        m->commit_limit_bytes = (uint64_t)sqlite3_column_int64(rows.stmt, 5);
        m->page_size_bytes = (uint32_t)sqlite3_column_int64(rows.stmt, 6);
        m->n_processors = (uint32_t)sqlite3_column_int64(rows.stmt, 7);
        m->boot_ns = time_or_none(rows.stmt, 8);
    }
    data->machines = keep(&c->arena, machines, n, sizeof *machines, &ok);
    data->n_machines = n;
    if (!rows_close(&rows, err))
        return false;
    if (!ordered)
        return out_of_order(err, "machine");
    return ok || seep_fail_memory(err);
}

static bool load_processes(struct seep_case *c, struct seep_dataset *data, struct seep_err *err)
{
    struct rows rows;
    if (!rows_open(&rows, c,
                   "SELECT id,machine_id,pid,parent_pid,start_ns,end_ns,image FROM process"
                   " ORDER BY id",
                   err))
        return false;
    struct seep_process *processes = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true, ordered = true;
    while (ok && ordered && rows_next(&rows)) {
        struct seep_process *p = ADD(processes, capacity, n);
        ordered = is_next_id(&rows);
        ok = p != NULL;
        if (!ok)
            break;
        p->machine.v = id_up_to(rows.stmt, 1, data->n_machines);
        p->pid = (uint32_t)sqlite3_column_int64(rows.stmt, 2);
        p->has_pid = sqlite3_column_type(rows.stmt, 2) != SQLITE_NULL;
        p->parent_pid = (uint32_t)sqlite3_column_int64(rows.stmt, 3);
        p->start_ns = time_or_none(rows.stmt, 4);
        p->end_ns = time_or_none(rows.stmt, 5);
        p->image = case_text(&c->arena, rows.stmt, 6);
    }
    struct seep_process *kept =
        (struct seep_process *)(uintptr_t)keep(&c->arena, processes, n, sizeof *processes, &ok);
    data->processes = kept;
    data->n_processes = n;
    if (!rows_close(&rows, err))
        return false;
    if (!ordered)
        return out_of_order(err, "process");
    return ok ? case_load_snapshots(c, data, kept, err) : seep_fail_memory(err);
}

static enum seep_subject_kind subject_kind(const char *name)
{
    for (int i = 0; name && i < SEEP_N_SUBJECT_KINDS; i++) {
        if (strcmp(name, seep_subject_kind_name((enum seep_subject_kind)i)) == 0)
            return (enum seep_subject_kind)i;
    }
    return SEEP_SUBJECT_MACHINE;
}

static int64_t tick_time(const struct seep_case *c, int64_t id)
{
    return id > 0 && (uint64_t)id <= c->n_ticks ? c->tick_times[id - 1] : SEEP_NO_TIME;
}

static bool load_series(struct seep_case *c, struct seep_dataset *data, struct seep_err *err)
{
    struct rows rows;
    if (!rows_open(&rows, c,
                   "SELECT id,source_id,machine_id,subject,process_id,name,metric,counter,"
                   "n_points,first,last FROM series LEFT JOIN (SELECT series_id,"
                   "sum(n_points) AS n_points,min(min(f.time_ns,l.time_ns)) AS first,"
                   "max(max(f.time_ns,l.time_ns)) AS last FROM chunk"
                   " JOIN tick f ON f.id=first_tick_id JOIN tick l ON l.id=last_tick_id"
                   " GROUP BY series_id) ON series_id=series.id ORDER BY series.id",
                   err))
        return false;
    struct seep_dataset_series *series = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true, ordered = true;
    while (ok && ordered && rows_next(&rows)) {
        struct seep_dataset_series *s = ADD(series, capacity, n);
        ordered = is_next_id(&rows);
        ok = s != NULL;
        if (!ok)
            break;
        struct seep_subject *subject = &s->series.subject;
        s->source.v = id_up_to(rows.stmt, 1, data->n_sources);
        subject->machine.v = id_up_to(rows.stmt, 2, data->n_machines);
        subject->kind = subject_kind((const char *)sqlite3_column_text(rows.stmt, 3));
        subject->process.v = id_up_to(rows.stmt, 4, data->n_processes);
        subject->name = case_text(&c->arena, rows.stmt, 5);
        const char *metric = (const char *)sqlite3_column_text(rows.stmt, 6);
        s->series.metric = metric ? seep_metric_from_name(metric) : SEEP_METRIC_NONE;
        s->series.counter = case_text(&c->arena, rows.stmt, 7);
        s->n_points = (uint64_t)sqlite3_column_int64(rows.stmt, 8);
        // Sources come in any order of time: the oldest tick need not be the first.
        s->first_ns = time_or_none(rows.stmt, 9);
        s->last_ns = time_or_none(rows.stmt, 10);
        // Rows of points that name no tick say nothing.
        if (s->first_ns == SEEP_NO_TIME || s->last_ns == SEEP_NO_TIME)
            s->n_points = 0;
    }
    data->series = keep(&c->arena, series, n, sizeof *series, &ok);
    data->n_series = n;
    if (!rows_close(&rows, err))
        return false;
    if (!ordered)
        return out_of_order(err, "series");
    return ok || seep_fail_memory(err);
}

static bool load_ticks(struct seep_case *c, struct seep_err *err)
{
    struct rows rows;
    if (!rows_open(&rows, c, "SELECT id,time_ns FROM tick ORDER BY id", err))
        return false;
    size_t capacity = c->n_ticks;
    bool ok = true, ordered = true;
    c->n_ticks = 0;
    while (ok && ordered && rows_next(&rows)) {
        ordered = is_next_id(&rows);
        ok = seep_grow(&c->tick_times, &capacity, c->n_ticks + 1, sizeof *c->tick_times);
        if (ok)
            c->tick_times[c->n_ticks++] = time_or_none(rows.stmt, 1);
    }
    if (!rows_close(&rows, err))
        return false;
    if (!ordered)
        return out_of_order(err, "tick");
    return ok || seep_fail_memory(err);
}

static enum seep_field_type field_type(const char *name)
{
    static const char *const names[] = { "null", "text", "uint", "int",
                                         "real", "bool", "hex",  "time" };
    for (int i = 0; name && i < 8; i++) {
        if (strcmp(names[i], name) == 0)
            return (enum seep_field_type)i;
    }
    return SEEP_FIELD_NULL;
}

static bool load_fields(struct seep_case *c, int64_t row, struct seep_event *event,
                        struct seep_err *err)
{
    struct rows rows;
    if (!rows_open(&rows, c, "SELECT path,type,value FROM field WHERE event_row=? ORDER BY n", err))
        return false;
    sqlite3_bind_int64(rows.stmt, 1, row);
    struct seep_field *fields = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true;
    while (ok && rows_next(&rows)) {
        struct seep_field *f = ADD(fields, capacity, n);
        ok = f && (f->path = case_text(&c->arena, rows.stmt, 0)) != NULL;
        if (!ok)
            break;
        f->type = field_type((const char *)sqlite3_column_text(rows.stmt, 1));
        if (f->type == SEEP_FIELD_TEXT) {
            f->value.text = case_text(&c->arena, rows.stmt, 2);
            if (!f->value.text)
                f->type = SEEP_FIELD_NULL;
        } else if (f->type == SEEP_FIELD_REAL) {
            f->value.real = sqlite3_column_double(rows.stmt, 2);
        } else {
            f->value.sint = sqlite3_column_int64(rows.stmt, 2);
            if (f->type == SEEP_FIELD_TIME)
                f->value.time_ns = seep_time_clamp(f->value.sint);
        }
    }
    event->fields = keep(&c->arena, fields, n, sizeof *fields, &ok);
    event->n_fields = n;
    if (!rows_close(&rows, err))
        return false;
    return ok || seep_fail_memory(err);
}

static bool load_events(struct seep_case *c, struct seep_dataset *data, struct seep_err *err)
{
    struct rows rows;
    if (!rows_open(&rows, c,
                   "SELECT id,source_id,machine_id,time_ns,provider,channel,event_id,version,"
                   "record_id,offset FROM event ORDER BY time_ns,id",
                   err))
        return false;
    struct seep_event *events = NULL;
    struct seep_source_id *sources = NULL;
    size_t n = 0, capacity = 0, n_sources = 0, sources_capacity = 0;
    bool ok = true, fields_ok = true;
    while (ok && fields_ok && rows_next(&rows)) {
        struct seep_event *e = ADD(events, capacity, n);
        struct seep_source_id *source = e ? ADD(sources, sources_capacity, n_sources) : NULL;
        ok = source && (e->provider = case_text(&c->arena, rows.stmt, 4)) != NULL;
        if (!ok)
            break;
        source->v = id_up_to(rows.stmt, 1, data->n_sources);
        e->machine.v = id_up_to(rows.stmt, 2, data->n_machines);
        e->time_ns = time_or_none(rows.stmt, 3);
        e->channel = case_text(&c->arena, rows.stmt, 5);
        e->id = (uint32_t)sqlite3_column_int64(rows.stmt, 6);
        e->version = (uint32_t)sqlite3_column_int64(rows.stmt, 7);
        e->record_id = (uint64_t)sqlite3_column_int64(rows.stmt, 8);
        e->offset = number_or(rows.stmt, 9, SEEP_NO_OFFSET);
        fields_ok = load_fields(c, sqlite3_column_int64(rows.stmt, 0), e, err);
    }
    data->events = keep(&c->arena, events, n, sizeof *events, &ok);
    data->event_sources = keep(&c->arena, sources, n_sources, sizeof *sources, &ok);
    data->n_events = n;
    if (!rows_close(&rows, fields_ok ? err : NULL) || !fields_ok)
        return false;
    return ok || seep_fail_memory(err);
}

struct placed {
    struct seep_point point;
    size_t at;
};

// qsort() of some C libraries does not keep the order of equals.
static int by_time(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->point.t_ns != y->point.t_ns)
        return x->point.t_ns < y->point.t_ns ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

// Sorts where needed and keeps the last value that was written of each moment. False when memory is
// out.
static bool order_points(struct seep_points *points)
{
    bool sorted = true;
    for (size_t i = 1; i < points->count && sorted; i++)
        sorted = points->at[i - 1].t_ns < points->at[i].t_ns;
    if (sorted)
        return true;
    struct placed *order = seep_alloc(points->count, sizeof *order);
    if (!order)
        return false;
    for (size_t i = 0; i < points->count; i++)
        order[i] = (struct placed){ points->at[i], i };
    qsort(order, points->count, sizeof *order, by_time);
    size_t n = 0;
    for (size_t i = 0; i < points->count; i++) {
        if (n && points->at[n - 1].t_ns == order[i].point.t_ns)
            n--;
        points->at[n++] = order[i].point;
    }
    points->count = n;
    seep_free(order);
    return true;
}

static bool load_points(void *ctx, size_t index, struct seep_points *points, struct seep_err *err)
{
    struct seep_case *c = ctx;
    points->count = 0;
    if (!case_prepare(c, &c->select_points,
                      "SELECT tick_id,points FROM chunk WHERE series_id=? ORDER BY tick_id,id",
                      err))
        return false;
    sqlite3_bind_int64(c->select_points, 1, (int64_t)index + 1);
    bool ok = true;
    int rc = SQLITE_DONE;
    while (ok && (rc = sqlite3_step(c->select_points)) == SQLITE_ROW) {
        int64_t base = sqlite3_column_int64(c->select_points, 0);
        const char *at = (const char *)sqlite3_column_text(c->select_points, 1);
        const char *end = at ? at + sqlite3_column_bytes(c->select_points, 1) : NULL;
        uint32_t offset;
        double value;
        bool bad = false;
        while (ok && at && case_point_next(&at, end, &offset, &value, &bad)) {
            bool has_tick = base > 0 && (uint64_t)base <= c->n_ticks;
            int64_t t_ns = has_tick ? tick_time(c, base + offset) : SEEP_NO_TIME;
            if (t_ns != SEEP_NO_TIME)
                ok = seep_points_add(points, t_ns, value);
        }
        if (bad)
            ok = seep_fail(err, SEEP_NO_OFFSET, "ask for the case as seep wrote it",
                           "is a case with damaged points (series %u)", (unsigned)index + 1);
        else if (!ok)
            (void)seep_fail_memory(err);
    }
    if (ok && rc != SQLITE_DONE)
        ok = case_sql_fail(c, err, "the points cannot be read");
    sqlite3_reset(c->select_points);
    return ok && (order_points(points) || seep_fail_memory(err));
}

// The value of a series at one moment; NaN where it has none there.
static bool value_at(struct seep_case *c, const struct seep_dataset_series *s, size_t index,
                     int64_t t_ns, double *value, struct seep_err *err)
{
    struct seep_points points = { 0 };
    *value = (double)NAN;
    if (s->n_points == 0 || t_ns == SEEP_NO_TIME)
        return true;
    bool ok = load_points(c, index, &points, err);
    for (size_t i = 0; i < points.count; i++) {
        if (points.at[i].t_ns == t_ns)
            *value = points.at[i].value;
    }
    seep_points_clear(&points);
    return ok;
}

static bool load_space(void *ctx, size_t index, struct seep_spaces *spaces, struct seep_err *err)
{
    struct seep_case *c = ctx;
    const struct seep_dataset *data = &c->loaded;
    const struct seep_dataset_snapshot *snapshot = &data->snapshots[index];
    struct seep_process_id *ids = seep_alloc(data->n_processes + 1, sizeof *ids);
    if (!ids)
        return seep_fail_memory(err);
    // Announced in their order, everything has the id that it has in the dataset.
    seep_spaces_init(spaces);
    bool full = false, ok = true;
    for (size_t i = 0; ok && i < data->n_machines; i++)
        ok = seep_sink_machine(&spaces->sink, &data->machines[i], NULL);
    for (size_t i = 0; ok && i < data->n_processes; i++)
        ok = seep_sink_process(&spaces->sink, &data->processes[i], &ids[i]);
    if (ok && snapshot->taken_ns != SEEP_NO_TIME)
        ok = seep_sink_tick(&spaces->sink, (struct seep_machine_id){ 0 }, snapshot->taken_ns);
    if (!ok)
        *err = spaces->sink.error;
    ok = ok && case_push_snapshot(c, (uint32_t)index + 1, snapshot->process, ids, data->n_processes,
                                  &spaces->sink, &full, err);
    if (full)
        *err = spaces->sink.error;
    for (size_t i = 0; ok && i < data->n_series && spaces->n; i++) {
        const struct seep_dataset_series *s = &data->series[i];
        if (s->series.subject.kind == SEEP_SUBJECT_PROCESS &&
            s->series.subject.process.v == snapshot->process.v && s->series.metric)
            ok = value_at(c, s, i, snapshot->taken_ns, &spaces->at[0].counters[s->series.metric],
                          err);
    }
    seep_free(ids);
    if (!ok)
        seep_spaces_clear(spaces);
    else
        seep_spaces_finish(spaces);
    return ok;
}

// Takes one view of the case, so that a recording that goes on does not change what is read.
static bool begin_view(struct seep_case *c, struct seep_err *err)
{
    if (!c->read_only)
        return true;
    if (!sqlite3_get_autocommit(c->db))
        (void)sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
    return case_exec(c, "BEGIN", err);
}

bool seep_case_dataset(struct seep_case *c, struct seep_dataset *data, struct seep_err *err)
{
    struct seep_dataset loaded = { .points = load_points, .space = load_space, .ctx = c };
    seep_arena_clear(&c->arena);
    if (!begin_view(c, err) || !load_ticks(c, err) || !load_sources(c, &loaded, err) ||
        !load_machines(c, &loaded, err) || !load_processes(c, &loaded, err) ||
        !load_series(c, &loaded, err) || !load_events(c, &loaded, err) ||
        !case_load_sites(c, &loaded, err) || !case_load_looks(c, &loaded, err))
        return false;
    *data = c->loaded = loaded;
    return true;
}
