// SPDX-License-Identifier: MIT
// Snapshots in a case: the modules, regions, handles, heaps and blocks of a process at one moment.
//
// A snapshot is known by its process and time: the same dump read again takes the place of what
// was read before. Snapshots of no known time are all kept.
#include "base/alloc.h"
#include "base/time.h"
#include "case/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const inserts[] = {
    [CASE_MODULE] = "INSERT INTO module VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [CASE_REGION] = "INSERT INTO region VALUES(?,?,?,?,?,?,?,?,?,?)",
    [CASE_HANDLE] = "INSERT INTO handle VALUES(?,?,?,?,?,?,?,?,?)",
    [CASE_HEAP] = "INSERT INTO heap VALUES(?,?,?,?,?,?,?,?,?,?,?)",
    [CASE_BLOCKS] = "INSERT INTO blocks VALUES(?,?,?,?,?,?,?,?,?,?,?)",
};

static const char *const deletes[] = {
    "DELETE FROM module WHERE snapshot_id=?", "DELETE FROM region WHERE snapshot_id=?",
    "DELETE FROM handle WHERE snapshot_id=?", "DELETE FROM heap WHERE snapshot_id=?",
    "DELETE FROM blocks WHERE snapshot_id=?",
};

const char *case_architecture(const char *name)
{
    static const char *const names[] = { "x86", "x64", "arm", "arm64", "ia64" };
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return names[i];
    }
    return NULL;
}

void case_snapshots_begin(struct seep_case *c)
{
    c->source_tick = 0;
    c->source_tick_ns = SEEP_NO_TIME;
    if (c->n_snapshots)
        memset(c->snapshots, 0, c->n_snapshots * sizeof *c->snapshots);
}

// Runs a statement with two integers; INT64_MIN = NULL.
static bool run(struct seep_case *c, const char *sql, int64_t first, int64_t second)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, sql, &c->sink.error))
        return false;
    case_bind_unless(stmt, 1, first, INT64_MIN);
    if (sqlite3_bind_parameter_count(stmt) > 1)
        case_bind_unless(stmt, 2, second, INT64_MIN);
    bool ok = case_step(c, stmt, "a snapshot cannot be stored");
    sqlite3_finalize(stmt);
    return ok;
}

bool case_snapshots_tick(struct seep_case *c, int64_t t_ns)
{
    bool first = c->source_tick == 0;
    c->source_tick++;
    c->source_tick_ns = t_ns;
    if (!first)
        return true;
    // What came before the first tick of a source is of its time.
    bool any = false;
    for (size_t i = 0; i < c->n_snapshots; i++) {
        c->snapshots[i].tick = 1;
        any = any || c->snapshots[i].row;
    }
    return !any || run(c, "UPDATE snapshot SET time_ns=?2 WHERE source_id=?1 AND time_ns IS NULL",
                       c->source_id, t_ns);
}

// The row of the snapshot of a process and time that was stored before, 0 = none; `*slot` is where
// its number is to be remembered.
static bool find_snapshot(struct seep_case *c, uint32_t process, int64_t t_ns, uint32_t *slot,
                          uint32_t *row)
{
    struct seep_buf key = { 0 };
    seep_buf_addf(&key, "n%" PRIu32 "/%" PRId64, process, t_ns);
    bool ok = case_key_row(c, &key, slot, row);
    seep_buf_clear(&key);
    return ok;
}

static bool insert_snapshot(struct seep_case *c, uint32_t process, uint32_t *row)
{
    if (!case_prepare(c, &c->insert_snapshot, "INSERT INTO snapshot VALUES(NULL,?,?,?,?,?)",
                      &c->sink.error))
        return false;
    const struct case_process *p =
        process && process <= c->n_processes ? &c->processes[process - 1] : NULL;
    sqlite3_stmt *s = c->insert_snapshot;
    sqlite3_bind_int64(s, 1, c->source_id);
    case_bind_unless(s, 2, process, 0);
    case_bind_unless(s, 3, c->source_tick_ns, SEEP_NO_TIME);
    case_bind_text(s, 4, p ? p->architecture : NULL);
    sqlite3_bind_int64(s, 5, p ? p->wow64 : 0);
    if (!case_step(c, s, "a snapshot cannot be stored"))
        return false;
    *row = (uint32_t)sqlite3_last_insert_rowid(c->db);
    return true;
}

// Empties a snapshot that is read once more, and makes it one of this source.
static bool replace_snapshot(struct seep_case *c, uint32_t row)
{
    for (size_t i = 0; i < sizeof deletes / sizeof *deletes; i++) {
        if (!run(c, deletes[i], row, 0))
            return false;
    }
    return run(c, "UPDATE snapshot SET source_id=?2 WHERE id=?1", row, c->source_id);
}

// The snapshot that a fact about a process belongs to, begun where there is none yet.
static struct case_snapshot *snapshot_for(struct seep_case *c, uint32_t process)
{
    size_t had = c->snapshots_capacity;
    if (process > c->n_processes)
        process = 0;
    if (!seep_grow(&c->snapshots, &c->snapshots_capacity, (size_t)process + 1,
                   sizeof *c->snapshots)) {
        (void)seep_fail_memory(&c->sink.error);
        return NULL;
    }
    if (c->snapshots_capacity > had)
        memset(c->snapshots + had, 0, (c->snapshots_capacity - had) * sizeof *c->snapshots);
    c->n_snapshots = c->snapshots_capacity;
    struct case_snapshot *s = &c->snapshots[process];
    if (s->row && s->tick == c->source_tick)
        return case_begin(c, &c->sink.error) ? s : NULL;
    uint32_t row = 0, slot = 0;
    bool dated = c->source_tick_ns != SEEP_NO_TIME;
    if (!case_begin(c, &c->sink.error) ||
        (dated && !find_snapshot(c, process, c->source_tick_ns, &slot, &row)) ||
        !(row ? replace_snapshot(c, row) : insert_snapshot(c, process, &row)))
        return NULL;
    if (dated)
        c->rows[slot - 1] = row;
    *s = (struct case_snapshot){ .row = row, .tick = c->source_tick };
    return s;
}

// The statement that stores a fact, with its snapshot and number bound.
static sqlite3_stmt *begin_row(struct seep_sink *sink, enum case_table table,
                               struct seep_process_id process)
{
    struct seep_case *c = (struct seep_case *)sink;
    struct case_snapshot *s = snapshot_for(c, process.v);
    if (!s || !case_prepare(c, &c->insert_into[table], inserts[table], &sink->error))
        return NULL;
    sqlite3_bind_int64(c->insert_into[table], 1, s->row);
    sqlite3_bind_int64(c->insert_into[table], 2, s->n_rows[table]++);
    return c->insert_into[table];
}

static bool end_row(struct seep_sink *sink, sqlite3_stmt *stmt)
{
    return case_step((struct seep_case *)sink, stmt, "a snapshot cannot be stored");
}

bool case_on_module(struct seep_sink *sink, const struct seep_module *m)
{
    sqlite3_stmt *s = begin_row(sink, CASE_MODULE, m->process);
    if (!s)
        return false;
    char guid[SEEP_GUID_TEXT] = "";
    bool has_guid = seep_guid_known(m->identity.pdb.guid);
    if (has_guid)
        seep_guid_text(m->identity.pdb.guid, guid);
    sqlite3_bind_int64(s, 3, (int64_t)m->base);
    sqlite3_bind_int64(s, 4, (int64_t)m->size_bytes);
    case_bind_text(s, 5, m->path);
    case_bind_text(s, 6, m->version);
    case_bind_text(s, 7, m->identity.name);
    case_bind_unless(s, 8, m->identity.timestamp, 0);
    case_bind_unless(s, 9, m->identity.size_bytes, 0);
    case_bind_unless(s, 10, m->identity.checksum, 0);
    case_bind_text(s, 11, m->identity.pdb.name);
    case_bind_text(s, 12, guid);
    case_bind_unless(s, 13, has_guid ? (int64_t)m->identity.pdb.age : -1, -1);
    sqlite3_bind_int64(s, 14, m->unloaded);
    return end_row(sink, s);
}

bool case_on_region(struct seep_sink *sink, const struct seep_region *r)
{
    sqlite3_stmt *s = begin_row(sink, CASE_REGION, r->process);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 3, (int64_t)r->base);
    sqlite3_bind_int64(s, 4, (int64_t)r->size_bytes);
    case_bind_unless(s, 5, (int64_t)r->allocation_base, 0);
    case_bind_text(s, 6, r->state ? seep_region_state_name(r->state) : NULL);
    case_bind_text(s, 7, r->type ? seep_region_type_name(r->type) : NULL);
    case_bind_text(s, 8, r->usage ? seep_region_usage_name(r->usage) : NULL);
    case_bind_unless(s, 9, r->protect, 0);
    case_bind_text(s, 10, r->detail);
    return end_row(sink, s);
}

bool case_on_handle(struct seep_sink *sink, const struct seep_handle *h)
{
    sqlite3_stmt *s = begin_row(sink, CASE_HANDLE, h->holder);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 3, (int64_t)h->value);
    case_bind_text(s, 4, h->type);
    case_bind_text(s, 5, h->name);
    sqlite3_bind_int64(s, 6, h->access);
    case_bind_unless(s, 7, (int64_t)h->n_handles, 0);
    case_bind_unless(s, 8, (int64_t)h->n_pointers, 0);
    case_bind_unless(s, 9, h->target.v, 0);
    return end_row(sink, s);
}

bool case_on_heap(struct seep_sink *sink, const struct seep_heap *h)
{
    sqlite3_stmt *s = begin_row(sink, CASE_HEAP, h->process);
    if (!s)
        return false;
    const uint64_t numbers[] = { h->busy_blocks, h->busy_bytes,      h->free_blocks,
                                 h->free_bytes,  h->committed_bytes, h->reserved_bytes };
    sqlite3_bind_int64(s, 3, (int64_t)h->address);
    sqlite3_bind_text(s, 4, seep_heap_kind_name(h->kind), -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 5, h->bits);
    for (int i = 0; i < 6; i++)
        case_bind_unless(s, 6 + i, (int64_t)numbers[i], (int64_t)SEEP_UNKNOWN_BYTES);
    return end_row(sink, s);
}

bool case_on_blocks(struct seep_sink *sink, const struct seep_blocks *b)
{
    sqlite3_stmt *s = begin_row(sink, CASE_BLOCKS, b->process);
    if (!s)
        return false;
    sqlite3_bind_text(s, 3, seep_blocks_by_name(b->by), -1, SQLITE_STATIC);
    case_bind_unless(s, 4, (int64_t)b->heap, 0);
    case_bind_unless(s, 5, (int64_t)b->size_bytes, 0);
    case_bind_text(s, 6, b->type);
    case_bind_text(s, 7, b->stack);
    sqlite3_bind_int64(s, 8, (int64_t)b->blocks);
    sqlite3_bind_int64(s, 9, (int64_t)b->bytes);
    sqlite3_bind_int64(s, 10, (int64_t)b->heads);
    case_bind_text(s, 11, b->content);
    return end_row(sink, s);
}

bool case_remember_snapshots(struct seep_case *c, struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, "SELECT id,process_id,time_ns FROM snapshot ORDER BY id", err))
        return false;
    bool ok = true, ordered = true;
    int64_t n = 0;
    while (ok && ordered && sqlite3_step(stmt) == SQLITE_ROW) {
        uint32_t slot, row;
        ordered = sqlite3_column_int64(stmt, 0) == ++n && n < UINT32_MAX;
        if (!ordered || sqlite3_column_type(stmt, 2) == SQLITE_NULL)
            continue;
        ok = find_snapshot(c, (uint32_t)sqlite3_column_int64(stmt, 1),
                           sqlite3_column_int64(stmt, 2), &slot, &row);
        if (ok)
            c->rows[slot - 1] = (uint32_t)n;
    }
    sqlite3_finalize(stmt);
    if (!ordered)
        return seep_fail(err, SEEP_NO_OFFSET, "ask for the case as seep wrote it",
                         "is a case whose snapshots are not in order");
    return ok || seep_fail_memory(err);
}

void case_snapshots_clear(struct seep_case *c)
{
    sqlite3_finalize(c->insert_snapshot);
    for (size_t i = 0; i < CASE_N_TABLES; i++)
        sqlite3_finalize(c->insert_into[i]);
    seep_free(c->snapshots);
    c->snapshots = NULL;
    c->n_snapshots = c->snapshots_capacity = 0;
}

// Reading.

// Whether the case is new enough to have snapshots: an older one that is only read stays as it is.
static bool has_snapshots(struct seep_case *c)
{
    sqlite3_stmt *stmt = NULL;
    bool has = case_prepare(c, &stmt, "SELECT 1 FROM sqlite_master WHERE name='snapshot'", NULL) &&
               sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return has;
}

bool case_load_snapshots(struct seep_case *c, struct seep_dataset *data,
                         struct seep_process *processes, struct seep_err *err)
{
    sqlite3_stmt *stmt = NULL;
    struct seep_dataset_snapshot *all = NULL, *kept;
    size_t n = 0, capacity = 0;
    bool ok = true, ordered = true;
    int rc = SQLITE_DONE;
    if (!has_snapshots(c))
        return true;
    if (!case_prepare(c, &stmt,
                      "SELECT id,source_id,process_id,time_ns,architecture,wow64 FROM snapshot"
                      " ORDER BY id",
                      err))
        return false;
    while (ok && ordered && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        int64_t source = sqlite3_column_int64(stmt, 1), process = sqlite3_column_int64(stmt, 2);
        ok = seep_grow(&all, &capacity, n + 1, sizeof *all);
        if (!ok)
            break;
        ordered = sqlite3_column_int64(stmt, 0) == (int64_t)++n && n < UINT32_MAX;
        all[n - 1] = (struct seep_dataset_snapshot){ .taken_ns = SEEP_NO_TIME };
        if (source > 0 && (uint64_t)source <= data->n_sources)
            all[n - 1].source.v = (uint32_t)source;
        if (sqlite3_column_type(stmt, 3) != SQLITE_NULL)
            all[n - 1].taken_ns = seep_time_clamp(sqlite3_column_int64(stmt, 3));
        if (process <= 0 || (uint64_t)process > data->n_processes)
            continue;
        all[n - 1].process.v = (uint32_t)process;
        const char *architecture = case_architecture((const char *)sqlite3_column_text(stmt, 4));
        if (architecture) {
            processes[process - 1].architecture = architecture;
            processes[process - 1].wow64 = sqlite3_column_int(stmt, 5) != 0;
        }
    }
    if (ok && ordered && rc != SQLITE_DONE) {
        sqlite3_finalize(stmt);
        seep_free(all);
        return case_sql_fail(c, err, "the case cannot be read");
    }
    sqlite3_finalize(stmt);
    kept = ok ? seep_arena_alloc(&c->arena, n ? n : 1, sizeof *kept) : NULL;
    if (kept && n)
        memcpy(kept, all, n * sizeof *kept);
    seep_free(all);
    data->snapshots = kept;
    data->n_snapshots = n;
    if (!ordered)
        return seep_fail(err, SEEP_NO_OFFSET, "ask for the case as seep wrote it",
                         "is a case whose table 'snapshot' is not in order");
    return kept || seep_fail_memory(err);
}

// What a row is turned into a fact with. Strings live until the next row.
struct reading {
    sqlite3_stmt *stmt;
    struct seep_process_id process;
    const struct seep_process_id *processes;
    size_t n_processes;
};

static const char *text(const struct reading *r, int column)
{
    return (const char *)sqlite3_column_text(r->stmt, column);
}

static uint64_t number(const struct reading *r, int column)
{
    return (uint64_t)sqlite3_column_int64(r->stmt, column);
}

static uint64_t number_or(const struct reading *r, int column, uint64_t unknown)
{
    return sqlite3_column_type(r->stmt, column) == SQLITE_NULL ? unknown : number(r, column);
}

static bool equal(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool push_module(const struct reading *r, struct seep_sink *sink)
{
    struct seep_module m = { .process = r->process,
                             .base = number(r, 0),
                             .size_bytes = number(r, 1),
                             .path = text(r, 2),
                             .version = text(r, 3),
                             .identity = { .name = text(r, 4),
                                           .timestamp = (uint32_t)number(r, 5),
                                           .size_bytes = (uint32_t)number(r, 6),
                                           .checksum = (uint32_t)number(r, 7),
                                           .pdb = { .name = text(r, 8),
                                                    .age = (uint32_t)number(r, 10) } },
                             .unloaded = number(r, 11) != 0 };
    const char *guid = text(r, 9);
    if (guid)
        (void)seep_guid_parse(guid, m.identity.pdb.guid);
    return seep_sink_module(sink, &m);
}

static bool push_region(const struct reading *r, struct seep_sink *sink)
{
    struct seep_region region = { .process = r->process,
                                  .base = number(r, 0),
                                  .size_bytes = number(r, 1),
                                  .allocation_base = number(r, 2),
                                  .protect = (uint32_t)number(r, 6),
                                  .detail = text(r, 7) };
    for (int i = 1; i < SEEP_N_REGION_STATES; i++) {
        if (equal(text(r, 3), seep_region_state_name((enum seep_region_state)i)))
            region.state = (enum seep_region_state)i;
    }
    for (int i = 1; i < SEEP_N_REGION_TYPES; i++) {
        if (equal(text(r, 4), seep_region_type_name((enum seep_region_type)i)))
            region.type = (enum seep_region_type)i;
    }
    for (int i = 1; i < SEEP_N_REGION_USAGES; i++) {
        if (equal(text(r, 5), seep_region_usage_name((enum seep_region_usage)i)))
            region.usage = (enum seep_region_usage)i;
    }
    return seep_sink_region(sink, &region);
}

static bool push_handle(const struct reading *r, struct seep_sink *sink)
{
    uint64_t target = number(r, 6);
    struct seep_handle h = { .holder = r->process,
                             .value = number(r, 0),
                             .type = text(r, 1),
                             .name = text(r, 2),
                             .access = (uint32_t)number(r, 3),
                             .n_handles = number(r, 4),
                             .n_pointers = number(r, 5) };
    if (target > 0 && target <= r->n_processes)
        h.target = r->processes[target - 1];
    return seep_sink_handle(sink, &h);
}

static bool push_heap(const struct reading *r, struct seep_sink *sink)
{
    struct seep_heap h = { .process = r->process,
                           .address = number(r, 0),
                           .kind = equal(text(r, 1), seep_heap_kind_name(SEEP_HEAP_SEGMENT))
                                       ? SEEP_HEAP_SEGMENT
                                       : SEEP_HEAP_NT,
                           .bits = number(r, 2) == 32 ? 32 : 64,
                           .busy_blocks = number_or(r, 3, SEEP_UNKNOWN_BYTES),
                           .busy_bytes = number_or(r, 4, SEEP_UNKNOWN_BYTES),
                           .free_blocks = number_or(r, 5, SEEP_UNKNOWN_BYTES),
                           .free_bytes = number_or(r, 6, SEEP_UNKNOWN_BYTES),
                           .committed_bytes = number_or(r, 7, SEEP_UNKNOWN_BYTES),
                           .reserved_bytes = number_or(r, 8, SEEP_UNKNOWN_BYTES) };
    return seep_sink_heap(sink, &h);
}

static bool push_blocks(const struct reading *r, struct seep_sink *sink)
{
    struct seep_blocks b = { .process = r->process,
                             .heap = number(r, 1),
                             .size_bytes = number(r, 2),
                             .type = text(r, 3),
                             .stack = text(r, 4),
                             .blocks = number(r, 5),
                             .bytes = number(r, 6),
                             .heads = number(r, 7),
                             .content = text(r, 8) };
    for (int i = 0; i < SEEP_N_BLOCKS_BY; i++) {
        if (equal(text(r, 0), seep_blocks_by_name((enum seep_blocks_by)i)))
            b.by = (enum seep_blocks_by)i;
    }
    return seep_sink_blocks(sink, &b);
}

static const struct {
    const char *sql;
    bool (*push)(const struct reading *, struct seep_sink *);
} tables[] = {
    { "SELECT base,size_bytes,path,version,name,timestamp,image_size_bytes,checksum,pdb_name,"
      "pdb_guid,pdb_age,unloaded FROM module WHERE snapshot_id=? ORDER BY n",
      push_module },
    { "SELECT base,size_bytes,allocation_base,state,type,usage,protect,detail FROM region"
      " WHERE snapshot_id=? ORDER BY n",
      push_region },
    { "SELECT value,type,name,access,n_handles,n_pointers,target_id FROM handle"
      " WHERE snapshot_id=? ORDER BY n",
      push_handle },
    { "SELECT address,kind,bits,busy_blocks,busy_bytes,free_blocks,free_bytes,committed_bytes,"
      "reserved_bytes FROM heap WHERE snapshot_id=? ORDER BY n",
      push_heap },
    { "SELECT grouped_by,heap,size_bytes,type,stack,blocks,bytes,heads,content FROM blocks"
      " WHERE snapshot_id=? ORDER BY n",
      push_blocks },
};

bool case_push_snapshot(struct seep_case *c, uint32_t row, struct seep_process_id process,
                        const struct seep_process_id *processes, size_t n_processes,
                        struct seep_sink *sink, bool *sink_full, struct seep_err *err)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct reading r = { .process = process,
                             .processes = processes,
                             .n_processes = n_processes };
        int rc = SQLITE_DONE;
        if (!case_prepare(c, &r.stmt, tables[i].sql, err))
            return false;
        sqlite3_bind_int64(r.stmt, 1, row);
        while (!*sink_full && (rc = sqlite3_step(r.stmt)) == SQLITE_ROW)
            *sink_full = !tables[i].push(&r, sink);
        bool ok =
            *sink_full || rc == SQLITE_DONE || case_sql_fail(c, err, "the case cannot be read");
        sqlite3_finalize(r.stmt);
        if (*sink_full || !ok)
            return false;
    }
    return true;
}
