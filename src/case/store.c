// SPDX-License-Identifier: MIT
// Writing facts: the sink of a case.
//
// Ids that the sink hands out are row ids. What was written before (by an earlier source or an
// earlier run) is found again through keys in memory, so that several files of one machine become
// one machine with one set of processes and series.
#include "case/internal.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    BATCH_POINTS = 1 << 20, // an import commits after as many points: about 10 MB of text
    SEAL_COMMITS = 128,     // a recording joins its short rows after as many commits
};

// Boot times that differ by less are the same boot: they are computed from an uptime and drift with
// the clock.
#define BOOT_TOLERANCE_NS (120 * SEEP_NS_PER_S)

static struct seep_case *case_of(struct seep_sink *sink)
{
    return (struct seep_case *)sink;
}

bool case_step(struct seep_case *c, sqlite3_stmt *stmt, const char *doing)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE || rc == SQLITE_ROW) {
        sqlite3_reset(stmt);
        return true;
    }
    (void)case_sql_fail(c, &c->sink.error, doing);
    sqlite3_reset(stmt);
    return false;
}

// Runs a statement once with up to six integers (INT64_MIN = NULL).
static bool run(struct seep_case *c, const char *sql, const int64_t *values, int n)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, sql, &c->sink.error))
        return false;
    for (int i = 0; i < n; i++)
        case_bind_unless(stmt, i + 1, values[i], INT64_MIN);
    bool ok = case_step(c, stmt, "the case cannot be written");
    sqlite3_finalize(stmt);
    return ok;
}

bool case_key_row(struct seep_case *c, const struct seep_buf *key, uint32_t *id, uint32_t *row)
{
    *id = key->failed ? 0 : seep_intern(&c->keys, key->data, key->len);
    size_t had = c->rows_capacity;
    if (!*id || !seep_grow(&c->rows, &c->rows_capacity, *id, sizeof *c->rows))
        return seep_fail_memory(&c->sink.error);
    if (c->rows_capacity > had)
        memset(c->rows + had, 0, (c->rows_capacity - had) * sizeof *c->rows);
    *row = c->rows[*id - 1];
    return true;
}

// The row that is known by a name in small letters; `*row` 0 = none yet.
static bool named_row(struct seep_case *c, char kind, const char *name, size_t len, uint32_t **row)
{
    struct seep_buf key = { 0 };
    uint32_t id, old;
    seep_buf_addc(&key, kind);
    for (size_t i = 0; i < len; i++)
        seep_buf_addc(&key, name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i]);
    bool ok = case_key_row(c, &key, &id, &old);
    seep_buf_clear(&key);
    if (ok)
        *row = &c->rows[id - 1];
    return ok;
}

// Event logs of a domain say "dc1.example.com" where Perfmon says "DC1": a name without a dot is
// the same as the first label of one with. `*row` 0 = a new machine.
static bool find_machine(struct seep_case *c, const char *host, uint32_t *row)
{
    const char *name = host ? host : "";
    size_t len = strlen(name), label = strcspn(name, ".");
    uint32_t *whole, *part, found;
    if (!named_row(c, 'h', name, len, &whole))
        return false;
    found = *whole;
    if (label) {
        if (!named_row(c, label < len ? 'h' : 'd', name, label, &part))
            return false;
        if (*part && (!found || *part < found))
            found = *part;
    }
    // Facts that do not name their machine belong to the only one there is.
    *row = found || len || c->n_machines != 1 ? found : 1;
    return true;
}

static bool remember_machine(struct seep_case *c, const char *host)
{
    const char *name = host ? host : "";
    size_t len = strlen(name), label = strcspn(name, ".");
    uint32_t *row, number = (uint32_t)c->n_machines + 1;
    if (!seep_grow(&c->machines, &c->machines_capacity, number, sizeof *c->machines))
        return seep_fail_memory(&c->sink.error);
    if (!named_row(c, 'h', name, len, &row))
        return false;
    *row = *row ? *row : number;
    if (label && label < len) {
        if (!named_row(c, 'd', name, label, &row)) // with a domain
            return false;
        *row = *row ? *row : number;
    }
    c->machines[c->n_machines++] = (struct case_machine){ .boot = 0 };
    return true;
}

static bool remember_boot(struct seep_case *c, uint32_t row, uint32_t machine, int64_t boot_ns)
{
    if (machine == 0 || machine > c->n_machines)
        return true;
    if (!seep_grow(&c->boots, &c->boots_capacity, c->n_boots + 1, sizeof *c->boots))
        return seep_fail_memory(&c->sink.error);
    struct case_machine *m = &c->machines[machine - 1];
    c->boots[c->n_boots++] = (struct case_boot){ boot_ns, row, m->newest_boot };
    m->newest_boot = (uint32_t)c->n_boots;
    return true;
}

// The boot of a machine that started at about `boot_ns`; 0 where the time is unknown.
static bool find_boot(struct seep_case *c, uint32_t machine, int64_t boot_ns, uint32_t *boot)
{
    *boot = 0;
    if (boot_ns == SEEP_NO_TIME)
        return true;
    for (uint32_t at = c->machines[machine - 1].newest_boot; at; at = c->boots[at - 1].next) {
        double apart = (double)c->boots[at - 1].boot_ns - (double)boot_ns;
        if (fabs(apart) <= (double)BOOT_TOLERANCE_NS) {
            *boot = c->boots[at - 1].row;
            return true;
        }
    }
    const int64_t values[] = { machine, boot_ns };
    if (!run(c, "INSERT INTO boot(machine_id,boot_ns) VALUES(?,?)", values, 2))
        return false;
    *boot = (uint32_t)sqlite3_last_insert_rowid(c->db);
    return remember_boot(c, *boot, machine, boot_ns);
}

static bool on_machine(struct seep_sink *sink, const struct seep_machine *m,
                       struct seep_machine_id *id)
{
    struct seep_case *c = case_of(sink);
    uint32_t row;
    sqlite3_stmt *stmt = NULL;
    if (!find_machine(c, m->host, &row) || !case_begin(c, &c->sink.error))
        return false;
    bool is_new = row == 0;
    if (is_new) {
        if (!remember_machine(c, m->host))
            return false;
        row = (uint32_t)c->n_machines;
    }
    // What is known stays; what is new fills the gaps. The commit limit and RAM may change: the
    // newer number counts.
    if (!case_prepare(
            c, &stmt,
            "INSERT INTO machine VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(id) DO UPDATE SET"
            " host=ifnull(host,excluded.host), os=ifnull(os,excluded.os),"
            " os_version=ifnull(excluded.os_version,os_version),"
            " ram_bytes=ifnull(excluded.ram_bytes,ram_bytes),"
            " commit_limit_bytes=ifnull(excluded.commit_limit_bytes,commit_limit_bytes),"
            " page_size_bytes=ifnull(page_size_bytes,excluded.page_size_bytes),"
            " n_processors=ifnull(n_processors,excluded.n_processors)",
            &c->sink.error))
        return false;
    sqlite3_bind_int64(stmt, 1, row);
    case_bind_text(stmt, 2, m->host);
    case_bind_text(stmt, 3, m->os);
    case_bind_text(stmt, 4, m->os_version);
    case_bind_unless(stmt, 5, (int64_t)m->ram_bytes, 0);
    case_bind_unless(stmt, 6, (int64_t)m->commit_limit_bytes, 0);
    case_bind_unless(stmt, 7, m->page_size_bytes, 0);
    case_bind_unless(stmt, 8, m->n_processors, 0);
    bool ok = case_step(c, stmt, "a machine cannot be stored");
    sqlite3_finalize(stmt);
    if (!ok || !find_boot(c, row, m->boot_ns, &c->machines[row - 1].boot))
        return false;
    id->v = row;
    return true;
}

// Names of images differ in their letters from one source to the other.
static uint32_t intern_image(struct seep_case *c, const char *image)
{
    struct seep_buf name = { 0 };
    for (; image && *image; image++)
        seep_buf_addc(&name, *image >= 'A' && *image <= 'Z' ? (char)(*image + 32) : *image);
    uint32_t id = name.failed ? 0 : seep_intern(&c->images, seep_buf_text(&name), name.len);
    seep_buf_clear(&name);
    return id;
}

// The same process under another name: it has called exec.
static bool rename_process(struct seep_case *c, uint32_t row, const char *image)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, "UPDATE process SET image=?2 WHERE id=?1", &c->sink.error))
        return false;
    sqlite3_bind_int64(stmt, 1, row);
    case_bind_text(stmt, 2, image);
    bool ok = case_step(c, stmt, "a process cannot be stored");
    sqlite3_finalize(stmt);
    return ok;
}

static bool on_process(struct seep_sink *sink, const struct seep_process *p,
                       struct seep_process_id *id)
{
    struct seep_case *c = case_of(sink);
    if (!case_begin(c, &c->sink.error))
        return false;
    struct case_process new = { .machine = p->machine.v,
                                .boot = p->machine.v && p->machine.v <= c->n_machines
                                            ? c->machines[p->machine.v - 1].boot
                                            : 0,
                                .pid = p->pid,
                                .has_pid = p->has_pid,
                                .start_ns = p->start_ns,
                                .image = intern_image(c, p->image),
                                .architecture = case_architecture(p->architecture),
                                .wow64 = p->wow64 };
    bool has_image = p->image && p->image[0];
    if (!new.image)
        return seep_fail_memory(&c->sink.error);
    uint32_t row = case_process_find(c, &new);
    if (row) {
        if (new.architecture) {
            c->processes[row - 1].architecture = new.architecture;
            c->processes[row - 1].wow64 = new.wow64;
        }
        struct case_process old = c->processes[row - 1];
        if (old.start_ns == SEEP_NO_TIME && new.start_ns != SEEP_NO_TIME) {
            const int64_t values[] = { row, new.start_ns };
            if (!case_process_started(c, row, new.start_ns) ||
                !run(c, "UPDATE process SET start_ns=?2 WHERE id=?1", values, 2))
                return false;
        } else if (old.start_ns == new.start_ns && old.image != new.image &&has_image) {
            if (!case_process_renamed(c, row, new.image) || !rename_process(c, row, p->image))
                return false;
        }
        id->v = row;
        return true;
    }
    if (!case_prepare(c, &c->insert_process, "INSERT INTO process VALUES(NULL,?,?,?,?,?,?,?)",
                      &c->sink.error))
        return false;
    sqlite3_stmt *s = c->insert_process;
    sqlite3_bind_int64(s, 1, new.machine);
    case_bind_unless(s, 2, new.boot, 0);
    case_bind_unless(s, 3, new.has_pid ? (int64_t) new.pid : -1, -1);
    case_bind_unless(s, 4, p->parent_pid, 0);
    case_bind_unless(s, 5, p->start_ns, SEEP_NO_TIME);
    case_bind_unless(s, 6, p->end_ns, SEEP_NO_TIME);
    case_bind_text(s, 7, p->image);
    if (!case_step(c, s, "a process cannot be stored"))
        return false;
    row = (uint32_t)sqlite3_last_insert_rowid(c->db);
    if (!case_process_remember(c, row, new))
        return false;
    id->v = row;
    return true;
}

static bool on_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    struct seep_case *c = case_of(sink);
    const int64_t values[] = { id.v, end_ns };
    return case_begin(c, &c->sink.error) &&
           run(c, "UPDATE process SET end_ns=?2 WHERE id=?1", values, 2);
}

static void add_series_key(struct seep_buf *key, uint32_t machine, const char *kind,
                           uint32_t process, const char *name, const char *metric,
                           const char *counter)
{
    // Unit separators cannot be in a name that a tool shows; if one is, two series become one key
    // only if all else is equal.
    seep_buf_addf(key, "s%" PRIu32 "\x1f%s\x1f%" PRIu32 "\x1f", machine, kind, process);
    seep_buf_adds(key, name ? name : "");
    seep_buf_addc(key, 0x1f);
    seep_buf_adds(key, metric ? metric : "");
    seep_buf_addc(key, 0x1f);
    seep_buf_adds(key, counter ? counter : "");
}

static bool on_series(struct seep_sink *sink, const struct seep_series *s,
                      struct seep_series_id *id)
{
    struct seep_case *c = case_of(sink);
    const char *kind = seep_subject_kind_name(s->subject.kind);
    const char *metric = seep_metric_name(s->metric);
    struct seep_buf key = { 0 };
    uint32_t key_id, row;
    add_series_key(&key, s->subject.machine.v, kind, s->subject.process.v, s->subject.name, metric,
                   s->counter);
    bool ok = case_key_row(c, &key, &key_id, &row);
    seep_buf_clear(&key);
    if (!ok || !case_begin(c, &c->sink.error))
        return false;
    if (!row) {
        if (!case_prepare(c, &c->insert_series, "INSERT INTO series VALUES(NULL,?,?,?,?,?,?,?)",
                          &c->sink.error))
            return false;
        sqlite3_stmt *stmt = c->insert_series;
        sqlite3_bind_int64(stmt, 1, c->source_id);
        sqlite3_bind_int64(stmt, 2, s->subject.machine.v);
        case_bind_text(stmt, 3, kind);
        case_bind_unless(stmt, 4, s->subject.process.v, 0);
        case_bind_text(stmt, 5, s->subject.name);
        case_bind_text(stmt, 6, metric);
        case_bind_text(stmt, 7, s->counter);
        if (!case_step(c, stmt, "a series cannot be stored"))
            return false;
        row = (uint32_t)sqlite3_last_insert_rowid(c->db);
        c->rows[key_id - 1] = row;
    }
    id->v = row;
    return true;
}

static bool on_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    struct seep_case *c = case_of(sink);
    c->undated = t_ns == SEEP_NO_TIME;
    if (c->undated)
        return case_snapshots_tick(c, t_ns);
    if (c->writing == SEEP_CASE_IMPORT && c->pending_points >= BATCH_POINTS &&
        !seep_case_commit(c, &c->sink.error))
        return false;
    if (!case_begin(c, &c->sink.error) ||
        !case_prepare(c, &c->insert_tick, "INSERT INTO tick VALUES(?,?,?,?)", &c->sink.error))
        return false;
    sqlite3_bind_int64(c->insert_tick, 1, c->next_tick);
    sqlite3_bind_int64(c->insert_tick, 2, c->source_id);
    sqlite3_bind_int64(c->insert_tick, 3, machine.v);
    sqlite3_bind_int64(c->insert_tick, 4, t_ns);
    if (!case_step(c, c->insert_tick, "a tick cannot be stored"))
        return false;
    c->next_tick++;
    return case_snapshots_tick(c, t_ns);
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id series, double value)
{
    struct seep_case *c = case_of(sink);
    if (c->undated)
        return true;
    if (c->next_tick == c->base_tick)
        return seep_fail(&c->sink.error, SEEP_NO_OFFSET, NULL, "a sample came before its tick");
    return case_tail_add(c, series.v, c->next_tick - 1, value);
}

static const char *const field_types[] = { "null", "text", "uint", "int",
                                           "real", "bool", "hex",  "time" };

static bool insert_field(struct seep_case *c, int64_t event, size_t n, const struct seep_field *f)
{
    if (!case_prepare(c, &c->insert_field, "INSERT INTO field VALUES(?,?,?,?,?)", &c->sink.error))
        return false;
    sqlite3_stmt *s = c->insert_field;
    sqlite3_bind_int64(s, 1, event);
    sqlite3_bind_int64(s, 2, (int64_t)n);
    sqlite3_bind_text(s, 3, f->path, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 4, field_types[f->type], -1, SQLITE_STATIC);
    switch (f->type) {
    case SEEP_FIELD_NULL:
        sqlite3_bind_null(s, 5);
        break;
    case SEEP_FIELD_TEXT:
        sqlite3_bind_text(s, 5, f->value.text, -1, SQLITE_TRANSIENT);
        break;
    case SEEP_FIELD_REAL:
        sqlite3_bind_double(s, 5, f->value.real);
        break;
    case SEEP_FIELD_TIME:
        sqlite3_bind_int64(s, 5, f->value.time_ns);
        break;
    case SEEP_FIELD_UINT:
    case SEEP_FIELD_INT:
    case SEEP_FIELD_BOOL:
    case SEEP_FIELD_HEX:
        sqlite3_bind_int64(s, 5, f->value.sint);
        break;
    }
    return case_step(c, s, "an event cannot be stored");
}

// The key of an event: the same record may come again, from a newer copy of the same log. `*had`
// tells whether it was there.
static bool note_event(struct seep_case *c, uint32_t machine, int64_t time_ns, const char *provider,
                       uint32_t event_id, uint64_t record_id, bool *had)
{
    struct seep_buf key = { 0 };
    uint32_t id, row;
    seep_buf_addf(&key, "e%" PRIu32 "/%" PRId64 "/%" PRIu32 "/%" PRIu64 "/", machine, time_ns,
                  event_id, record_id);
    seep_buf_adds(&key, provider ? provider : "");
    bool ok = case_key_row(c, &key, &id, &row);
    seep_buf_clear(&key);
    if (!ok)
        return false;
    *had = row != 0;
    c->rows[id - 1] = 1;
    return true;
}

static bool on_event(struct seep_sink *sink, const struct seep_event *e)
{
    struct seep_case *c = case_of(sink);
    bool had;
    if (!note_event(c, e->machine.v, e->time_ns, e->provider, e->id, e->record_id, &had))
        return false;
    if (had)
        return true;
    if (!case_begin(c, &c->sink.error) ||
        !case_prepare(c, &c->insert_event, "INSERT INTO event VALUES(NULL,?,?,?,?,?,?,?,?,?)",
                      &c->sink.error))
        return false;
    sqlite3_stmt *s = c->insert_event;
    sqlite3_bind_int64(s, 1, c->source_id);
    sqlite3_bind_int64(s, 2, e->machine.v);
    sqlite3_bind_int64(s, 3, e->time_ns);
    sqlite3_bind_text(s, 4, e->provider ? e->provider : "", -1, SQLITE_TRANSIENT);
    case_bind_text(s, 5, e->channel);
    sqlite3_bind_int64(s, 6, e->id);
    sqlite3_bind_int64(s, 7, e->version);
    case_bind_unless(s, 8, (int64_t)e->record_id, 0);
    case_bind_unless(s, 9, (int64_t)e->offset, (int64_t)SEEP_NO_OFFSET);
    if (!case_step(c, s, "an event cannot be stored"))
        return false;
    int64_t row = sqlite3_last_insert_rowid(c->db);
    for (size_t i = 0; i < e->n_fields; i++) {
        if (!insert_field(c, row, i, &e->fields[i]))
            return false;
    }
    return true;
}

static bool on_loss(struct seep_sink *sink, const struct seep_loss *l)
{
    struct seep_case *c = case_of(sink);
    struct seep_buf key = { 0 };
    uint32_t id, row;
    if (!case_begin(c, &c->sink.error))
        return false;
    seep_buf_addf(&key, "l%" PRIu32 "/", c->source_id);
    seep_buf_adds(&key, l->what);
    bool ok = case_key_row(c, &key, &id, &row);
    seep_buf_clear(&key);
    if (!ok)
        return false;
    if (++c->n_losses > SEEP_MAX_LOSSES && row) {
        // The last row of each kind of loss takes the rest.
        const int64_t values[] = { row, l->count == SEEP_UNKNOWN_COUNT
                                            ? 1
                                            : (int64_t)(l->count & INT64_MAX) };
        return run(c, "UPDATE loss SET count=ifnull(count,1)+?2 WHERE id=?1", values, 2);
    }
    if (!case_begin(c, &c->sink.error) ||
        !case_prepare(c, &c->insert_loss, "INSERT INTO loss VALUES(NULL,?,?,?,?,?,?,?)",
                      &c->sink.error))
        return false;
    sqlite3_stmt *s = c->insert_loss;
    sqlite3_bind_int64(s, 1, c->source_id);
    sqlite3_bind_text(s, 2, l->what, -1, SQLITE_TRANSIENT);
    case_bind_unless(s, 3, (int64_t)l->count, -1);
    case_bind_unless(s, 4, (int64_t)l->bytes, -1);
    case_bind_unless(s, 5, (int64_t)l->offset, -1);
    sqlite3_bind_text(s, 6, l->text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s, 7, l->harmless);
    if (!case_step(c, s, "a loss cannot be stored"))
        return false;
    c->rows[id - 1] = (uint32_t)sqlite3_last_insert_rowid(c->db);
    return true;
}

const struct seep_sink_ops case_sink_ops = {
    .machine = on_machine,
    .process = on_process,
    .process_end = on_process_end,
    .series = on_series,
    .tick = on_tick,
    .sample = on_sample,
    .module = case_on_module,
    .region = case_on_region,
    .handle = case_on_handle,
    .pool_tag = case_on_pool_tag,
    .vm = case_on_vm,
    .zombie = case_on_zombie,
    .heap = case_on_heap,
    .blocks = case_on_blocks,
    .stack = case_on_stack,
    .site = case_on_site,
    .site_frees = case_on_site_frees,
    .event = on_event,
    .loss = on_loss,
};

static const char *const statuses[] = { "ok", "partial", "failed", "cancelled" };

bool seep_case_begin_source(struct seep_case *c, const char *path, const char *format,
                            uint64_t size_bytes, enum seep_case_writing writing,
                            struct seep_sink **sink, struct seep_err *err)
{
    if (writing == SEEP_CASE_RECORDING && !case_exec(c, "PRAGMA synchronous=FULL", err))
        return false;
    sqlite3_stmt *stmt = NULL;
    if (!case_begin(c, err) ||
        !case_prepare(c, &stmt, "INSERT INTO source VALUES(NULL,?,?,?,0,'reading','{}')", err))
        return false;
    sqlite3_bind_text(stmt, 1, path, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 2, format, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(stmt, 3, (int64_t)size_bytes);
    int rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE)
        return case_sql_fail(c, err, "the case cannot be written");
    c->source_id = (uint32_t)sqlite3_last_insert_rowid(c->db);
    c->in_source = true;
    c->writing = writing;
    c->n_losses = 0;
    c->sink = (struct seep_sink){ .ops = &case_sink_ops };
    for (size_t i = 0; i < c->n_machines; i++)
        c->machines[i].boot = 0;
    case_snapshots_begin(c);
    case_looks_begin(c);
    case_sites_begin(c);
    *sink = &c->sink;
    return true;
}

// Says in the source's row how its reading stands.
static bool update_source(struct seep_case *c, const char *status, uint64_t read_bytes,
                          struct seep_err *err)
{
    struct seep_json json = { 0 };
    seep_json_begin_object(&json);
    for (int i = 0; i < SEEP_N_FACT_KINDS; i++) {
        if (c->sink.counts[i])
            seep_json_key_uint(&json, seep_fact_kind_name((enum seep_fact_kind)i),
                               c->sink.counts[i]);
    }
    seep_json_end_object(&json);
    sqlite3_stmt *stmt = NULL;
    bool ok = case_prepare(c, &stmt,
                           "UPDATE source SET read_bytes=?2,status=?3,facts=?4 WHERE id=?1", err);
    if (ok) {
        sqlite3_bind_int64(stmt, 1, c->source_id);
        sqlite3_bind_int64(stmt, 2, (int64_t)read_bytes);
        sqlite3_bind_text(stmt, 3, status, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 4, seep_buf_text(&json.buf), -1, SQLITE_TRANSIENT);
        ok = sqlite3_step(stmt) == SQLITE_DONE ||
             case_sql_fail(c, err, "the case cannot be written");
    }
    sqlite3_finalize(stmt);
    seep_json_clear(&json);
    return ok;
}

bool seep_case_commit(struct seep_case *c, struct seep_err *err)
{
    if (!c->in_transaction)
        return true;
    bool seal = c->writing == SEEP_CASE_IMPORT || ++c->n_tail_commits >= SEAL_COMMITS;
    if (!case_tails_write(c, seal, err) || !update_source(c, "reading", 0, err) ||
        !case_exec(c, "COMMIT", err))
        return false;
    c->in_transaction = false;
    return true;
}

bool seep_case_end_source(struct seep_case *c, enum seep_status status, uint64_t read_bytes,
                          struct seep_err *err)
{
    bool ok = case_begin(c, err) && case_tails_write(c, true, err) &&
              update_source(c, statuses[status], read_bytes, err) && case_exec(c, "COMMIT", err);
    if (ok)
        c->in_transaction = c->in_source = false;
    return ok;
}

static bool remember_processes(struct seep_case *c, struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt,
                      "SELECT id,machine_id,boot_id,pid,start_ns,image FROM process ORDER BY id",
                      err))
        return false;
    bool ok = true;
    while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
        struct case_process p = {
            .machine = (uint32_t)sqlite3_column_int64(stmt, 1),
            .boot = (uint32_t)sqlite3_column_int64(stmt, 2),
            .pid = (uint32_t)sqlite3_column_int64(stmt, 3),
            .has_pid = sqlite3_column_type(stmt, 3) != SQLITE_NULL,
            .start_ns = sqlite3_column_type(stmt, 4) == SQLITE_NULL ? SEEP_NO_TIME
                                                                    : sqlite3_column_int64(stmt, 4),
            .image = intern_image(c, (const char *)sqlite3_column_text(stmt, 5)),
        };
        int64_t row = sqlite3_column_int64(stmt, 0);
        // Rows are numbered without gaps, so a number beyond their count is not ours.
        ok = p.image && row == (int64_t)c->n_processes + 1 &&
             case_process_remember(c, (uint32_t)row, p);
    }
    sqlite3_finalize(stmt);
    return ok || seep_fail(err, SEEP_NO_OFFSET, "ask for the case as seep wrote it",
                           "is a case whose processes are not in order");
}

static bool remember_series(struct seep_case *c, struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(
            c, &stmt,
            "SELECT id,machine_id,subject,process_id,name,metric,counter FROM series ORDER BY id",
            err))
        return false;
    bool ok = true;
    int64_t n = 0;
    while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
        struct seep_buf key = { 0 };
        uint32_t id, row;
        const char *kind = (const char *)sqlite3_column_text(stmt, 2);
        add_series_key(
            &key, (uint32_t)sqlite3_column_int64(stmt, 1), kind ? kind : "",
            (uint32_t)sqlite3_column_int64(stmt, 3), (const char *)sqlite3_column_text(stmt, 4),
            (const char *)sqlite3_column_text(stmt, 5), (const char *)sqlite3_column_text(stmt, 6));
        ok = sqlite3_column_int64(stmt, 0) == ++n && n <= UINT32_MAX &&
             case_key_row(c, &key, &id, &row);
        if (ok)
            c->rows[id - 1] = (uint32_t)n;
        seep_buf_clear(&key);
    }
    sqlite3_finalize(stmt);
    return ok || seep_fail(err, SEEP_NO_OFFSET, "ask for the case as seep wrote it",
                           "is a case whose series are not in order");
}

bool case_remember_again(struct seep_case *c, struct seep_err *err)
{
    size_t n = c->n_machines;
    struct case_machine *before = seep_alloc(n, sizeof *before);
    if (!before)
        return seep_fail_memory(err);
    if (n)
        memcpy(before, c->machines, n * sizeof *before);
    // All points are in rows: a batch ended before this one. The rows of the tail stay as they are,
    // because those of others may lie between them.
    case_tails_clear(c);
    c->tail_first_chunk = 0;
    c->n_tail_commits = 0;
    seep_intern_clear(&c->keys);
    seep_intern_clear(&c->images);
    if (c->rows_capacity)
        memset(c->rows, 0, c->rows_capacity * sizeof *c->rows);
    case_processes_forget(c);
    c->n_machines = c->n_boots = 0;
    bool ok = case_remember(c, err);
    for (size_t i = 0; ok && i < n && i < c->n_machines; i++)
        c->machines[i].boot = before[i].boot;
    seep_free(before);
    return ok;
}

static bool remember_events(struct seep_case *c, struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, "SELECT machine_id,time_ns,provider,event_id,record_id FROM event",
                      err))
        return false;
    bool ok = true, had;
    while (ok && sqlite3_step(stmt) == SQLITE_ROW)
        ok = note_event(c, (uint32_t)sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                        (const char *)sqlite3_column_text(stmt, 2),
                        (uint32_t)sqlite3_column_int64(stmt, 3),
                        (uint64_t)sqlite3_column_int64(stmt, 4), &had);
    sqlite3_finalize(stmt);
    return ok || seep_fail_memory(err);
}

bool case_remember(struct seep_case *c, struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, "SELECT host FROM machine ORDER BY id", err))
        return false;
    bool ok = true;
    while (ok && sqlite3_step(stmt) == SQLITE_ROW)
        ok = remember_machine(c, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    stmt = NULL;
    if (!ok || !case_prepare(c, &stmt, "SELECT id,machine_id,boot_ns FROM boot ORDER BY id", err))
        return false;
    while (ok && sqlite3_step(stmt) == SQLITE_ROW)
        ok = remember_boot(c, (uint32_t)sqlite3_column_int64(stmt, 0),
                           (uint32_t)sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2));
    sqlite3_finalize(stmt);
    stmt = NULL;
    if (!ok || !case_prepare(c, &stmt, "SELECT ifnull(max(id),0)+1 FROM tick", err))
        return false;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        c->next_tick = c->base_tick = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return remember_processes(c, err) && remember_series(c, err) && remember_events(c, err) &&
           case_remember_snapshots(c, err);
}
