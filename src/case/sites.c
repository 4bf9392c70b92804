// SPDX-License-Identifier: MIT
// Allocation sites in a case, their stacks, and what freed memory.
//
// Ids of stacks are rows. Equal nodes of one source are one row; those of two sources are not
// looked for.
#include "base/alloc.h"
#include "base/time.h"
#include "case/internal.h"

#include <string.h>

void case_sites_begin(struct seep_case *c)
{
    seep_stacks_clear(&c->stacks);
    c->stack_base = -1;
}

void case_sites_clear(struct seep_case *c)
{
    seep_stacks_clear(&c->stacks);
    sqlite3_finalize(c->insert_stack);
    sqlite3_finalize(c->insert_site);
    sqlite3_finalize(c->insert_frees);
    c->insert_stack = c->insert_site = c->insert_frees = NULL;
}

static bool find_base(struct seep_case *c)
{
    sqlite3_stmt *stmt = NULL;
    if (c->stack_base >= 0)
        return true;
    if (!case_prepare(c, &stmt, "SELECT max(id) FROM stack", &c->sink.error))
        return false;
    bool ok = sqlite3_step(stmt) == SQLITE_ROW;
    if (ok)
        c->stack_base = sqlite3_column_int64(stmt, 0);
    else
        (void)case_sql_fail(c, &c->sink.error, "the case cannot be read");
    sqlite3_finalize(stmt);
    if (ok && (c->stack_base < 0 || c->stack_base > UINT32_MAX / 2))
        ok = seep_fail(&c->sink.error, SEEP_NO_OFFSET, "begin another case",
                       "is a case with too many stacks");
    return ok;
}

// The node of this source's tree that a row stands for; 0 for rows of others.
static struct seep_stack_id node_of(const struct seep_case *c, struct seep_stack_id row)
{
    return (struct seep_stack_id){ row.v > c->stack_base ? row.v - (uint32_t)c->stack_base : 0 };
}

bool case_on_stack(struct seep_sink *sink, struct seep_stack_id parent,
                   const struct seep_frame *frame, struct seep_stack_id *id)
{
    struct seep_case *c = (struct seep_case *)sink;
    if (!find_base(c))
        return false;
    struct seep_stack_id above = node_of(c, parent);
    if (!seep_stacks_node(&c->stacks, above))
        above.v = 0;
    size_t known = c->stacks.count;
    struct seep_stack_id node = seep_stacks_add(&c->stacks, above, frame);
    if (!node.v || node.v >= UINT32_MAX - c->stack_base)
        return seep_fail_memory(&sink->error);
    id->v = node.v + (uint32_t)c->stack_base;
    if (node.v <= known)
        return true;
    if (!case_begin(c, &sink->error) ||
        !case_prepare(c, &c->insert_stack, "INSERT INTO stack VALUES(?,?,?,?,?)", &sink->error))
        return false;
    sqlite3_stmt *s = c->insert_stack;
    sqlite3_bind_int64(s, 1, id->v);
    case_bind_unless(s, 2, above.v ? (int64_t)above.v + c->stack_base : 0, 0);
    case_bind_unless(s, 3, (int64_t)frame->address, 0);
    case_bind_unless(s, 4, (int64_t)frame->module_base, 0);
    case_bind_text(s, 5, frame->text);
    return case_step(c, s, "a stack cannot be stored");
}

static void bind_stack(const struct seep_case *c, sqlite3_stmt *s, int at,
                       struct seep_stack_id stack)
{
    bool ours = seep_stacks_node(&c->stacks, node_of(c, stack)) != NULL;
    case_bind_unless(s, at, ours ? stack.v : 0, 0);
}

bool case_on_site(struct seep_sink *sink, const struct seep_site *site)
{
    struct seep_case *c = (struct seep_case *)sink;
    if (!find_base(c) || !case_begin(c, &sink->error) ||
        !case_prepare(c, &c->insert_site,
                      "INSERT INTO site VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                      &sink->error))
        return false;
    sqlite3_stmt *s = c->insert_site;
    sqlite3_bind_int64(s, 1, c->source_id);
    case_bind_unless(s, 2, site->process.v <= c->n_processes ? site->process.v : 0, 0);
    sqlite3_bind_text(s, 3, seep_site_kind_name(site->kind), -1, SQLITE_STATIC);
    case_bind_text(s, 4, site->name);
    case_bind_unless(s, 5, (int64_t)site->heap, 0);
    case_bind_text(s, 6, site->tag);
    sqlite3_bind_int64(s, 7, site->paged);
    bind_stack(c, s, 8, site->stack);
    const uint64_t numbers[] = { site->allocs,
                                 site->frees,
                                 site->alloc_bytes,
                                 site->outstanding_count,
                                 site->outstanding_bytes,
                                 site->survivor_count,
                                 site->survivor_bytes };
    for (int i = 0; i < 7; i++)
        case_bind_unless(s, 9 + i, (int64_t)numbers[i], -1);
    case_bind_unless(s, 16, (int64_t)site->overhead_bytes, 0);
    sqlite3_bind_int64(s, 17, (int64_t)site->dead_count);
    case_bind_unless(s, 18, site->oldest_ns, SEEP_NO_TIME);
    return case_step(c, s, "an allocation site cannot be stored");
}

bool case_on_site_frees(struct seep_sink *sink, const struct seep_site_frees *frees)
{
    struct seep_case *c = (struct seep_case *)sink;
    if (!find_base(c) || !case_begin(c, &sink->error) ||
        !case_prepare(c, &c->insert_frees, "INSERT INTO site_frees VALUES(NULL,?,?,?,?,?,?,?,?)",
                      &sink->error))
        return false;
    sqlite3_stmt *s = c->insert_frees;
    sqlite3_bind_int64(s, 1, c->source_id);
    case_bind_unless(s, 2, frees->process.v <= c->n_processes ? frees->process.v : 0, 0);
    sqlite3_bind_text(s, 3, seep_site_kind_name(frees->kind), -1, SQLITE_STATIC);
    bind_stack(c, s, 4, frees->stack);
    sqlite3_bind_int64(s, 5, (int64_t)frees->frees);
    case_bind_unless(s, 6, (int64_t)frees->bytes, 0);
    sqlite3_bind_int64(s, 7, frees->unmatched);
    sqlite3_bind_int64(s, 8, frees->decommit);
    return case_step(c, s, "what freed memory cannot be stored");
}

// ---- reading

// Whether the case is new enough to have sites: an older one that is only read stays as it is.
static bool has_sites(struct seep_case *c)
{
    sqlite3_stmt *stmt = NULL;
    bool has = case_prepare(c, &stmt,
                            "SELECT 1 FROM sqlite_master WHERE name='site_frees' AND type='table'",
                            NULL) &&
               sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return has;
}

static uint64_t number_or(sqlite3_stmt *s, int column, uint64_t unknown)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL
               ? unknown
               : (uint64_t)sqlite3_column_int64(s, column);
}

static uint32_t id_up_to(sqlite3_stmt *s, int column, size_t n)
{
    int64_t id = sqlite3_column_int64(s, column);
    return id > 0 && (uint64_t)id <= n ? (uint32_t)id : 0;
}

static enum seep_site_kind kind_of(const char *name)
{
    int kind = 0;
    while (name && kind < SEEP_N_SITE_KINDS &&
           strcmp(name, seep_site_kind_name((enum seep_site_kind)kind)) != 0)
        kind++;
    return kind < SEEP_N_SITE_KINDS && name ? (enum seep_site_kind)kind : SEEP_SITE_HEAP;
}

static const char sites_sql[] =
    "SELECT source_id,process_id,kind,name,heap,tag,paged,stack_id,allocs,frees,alloc_bytes,"
    "outstanding_count,outstanding_bytes,survivor_count,survivor_bytes,overhead_bytes,dead_count,"
    "oldest_ns"
    " FROM site ORDER BY id";

// A row of the statement above. Strings live until the next row; the stack is a row of the case.
static struct seep_site read_site(sqlite3_stmt *s, size_t n_processes)
{
    struct seep_site site = {
        .process = { id_up_to(s, 1, n_processes) },
        .kind = kind_of((const char *)sqlite3_column_text(s, 2)),
        .name = (const char *)sqlite3_column_text(s, 3),
        .heap = number_or(s, 4, 0),
        .tag = (const char *)sqlite3_column_text(s, 5),
        .paged = sqlite3_column_int(s, 6) != 0,
        .stack = { id_up_to(s, 7, UINT32_MAX) },
        .allocs = number_or(s, 8, 0),
        .frees = number_or(s, 9, 0),
        .alloc_bytes = number_or(s, 10, 0),
        .outstanding_count = number_or(s, 11, 0),
        .outstanding_bytes = number_or(s, 12, 0),
        .survivor_count = number_or(s, 13, UINT64_MAX),
        .survivor_bytes = number_or(s, 14, UINT64_MAX),
        .overhead_bytes = number_or(s, 15, 0),
        .dead_count = number_or(s, 16, 0),
        .oldest_ns = sqlite3_column_type(s, 17) == SQLITE_NULL
                         ? SEEP_NO_TIME
                         : seep_time_clamp(sqlite3_column_int64(s, 17)),
    };
    return site;
}

bool case_load_sites(struct seep_case *c, struct seep_dataset *data, struct seep_err *err)
{
    sqlite3_stmt *s = NULL;
    struct seep_dataset_site *all = NULL, *kept;
    size_t n = 0, capacity = 0, row = 0;
    bool ok = true;
    int rc = SQLITE_DONE;
    if (!has_sites(c))
        return true;
    if (!case_prepare(c, &s, sites_sql, err))
        return false;
    for (; ok && (rc = sqlite3_step(s)) == SQLITE_ROW; row++) {
        struct seep_site site = read_site(s, data->n_processes);
        if (!site.name)
            continue; // it has no series
        site.name = case_text(&c->arena, s, 3);
        site.tag = site.tag ? case_text(&c->arena, s, 5) : NULL;
        ok = site.name && seep_grow(&all, &capacity, n + 1, sizeof *all);
        if (ok)
            all[n++] = (struct seep_dataset_site){ .site = site,
                                                   .source = { id_up_to(s, 0, data->n_sources) },
                                                   .row = row };
    }
    bool read = !ok || rc == SQLITE_DONE;
    kept = ok ? seep_arena_alloc(&c->arena, n ? n : 1, sizeof *kept) : NULL;
    if (kept && n)
        memcpy(kept, all, n * sizeof *kept);
    seep_free(all);
    data->sites = kept;
    data->n_sites = kept ? n : 0;
    if (!read)
        (void)case_sql_fail(c, err, "the case cannot be read");
    else if (!kept)
        (void)seep_fail_memory(err);
    sqlite3_finalize(s);
    return kept && read;
}

struct pushing {
    struct seep_case *c;
    struct seep_sink *sink;
    const struct seep_process_id *processes; // by row - 1
    size_t n_processes;
    struct seep_stack_id *stacks; // by row - 1
    size_t n_stacks, capacity;
    bool full;
};

static bool push_stack(struct pushing *p, sqlite3_stmt *s)
{
    int64_t row = sqlite3_column_int64(s, 0), parent = sqlite3_column_int64(s, 1);
    // Rows count up from 1, parents come before their children: others are damaged.
    if (row != (int64_t)p->n_stacks + 1 || parent < 0 || parent >= row)
        return false;
    if (!seep_grow(&p->stacks, &p->capacity, p->n_stacks + 1, sizeof *p->stacks)) {
        p->full = true;
        return seep_fail_memory(&p->sink->error);
    }
    struct seep_frame frame = { .address = number_or(s, 2, 0),
                                .module_base = number_or(s, 3, 0),
                                .text = (const char *)sqlite3_column_text(s, 4) };
    struct seep_stack_id above = { 0 };
    if (parent)
        above = p->stacks[parent - 1];
    p->full = !seep_sink_stack(p->sink, above, &frame, &p->stacks[p->n_stacks++]);
    return !p->full;
}

static struct seep_stack_id stack_of(const struct pushing *p, struct seep_stack_id row)
{
    if (!row.v || row.v > p->n_stacks)
        return (struct seep_stack_id){ 0 };
    return p->stacks[row.v - 1];
}

static struct seep_process_id process_of(const struct pushing *p, struct seep_process_id row)
{
    return row.v ? p->processes[row.v - 1] : row;
}

static bool push_site(struct pushing *p, sqlite3_stmt *s)
{
    struct seep_site site = read_site(s, p->n_processes);
    site.process = process_of(p, site.process);
    site.stack = stack_of(p, site.stack);
    p->full = !seep_sink_site(p->sink, &site);
    return !p->full;
}

static bool push_frees(struct pushing *p, sqlite3_stmt *s)
{
    struct seep_process_id process = { id_up_to(s, 0, p->n_processes) };
    struct seep_stack_id stack = { id_up_to(s, 2, UINT32_MAX) };
    struct seep_site_frees frees = {
        .process = process_of(p, process),
        .kind = kind_of((const char *)sqlite3_column_text(s, 1)),
        .stack = stack_of(p, stack),
        .frees = number_or(s, 3, 0),
        .bytes = number_or(s, 4, 0),
        .unmatched = sqlite3_column_int(s, 5) != 0,
        .decommit = sqlite3_column_int(s, 6) != 0,
    };
    p->full = !seep_sink_site_frees(p->sink, &frees);
    return !p->full;
}

bool case_push_sites(struct seep_case *c, const struct seep_process_id *processes,
                     size_t n_processes, struct seep_sink *sink, bool *sink_full,
                     struct seep_err *err)
{
    static const struct {
        const char *sql;
        bool (*push)(struct pushing *p, sqlite3_stmt *s);
    } tables[] = {
        { "SELECT id,parent_id,address,module_base,text FROM stack ORDER BY id", push_stack },
        { sites_sql, push_site },
        { "SELECT process_id,kind,stack_id,frees,bytes,unmatched,decommit FROM site_frees"
          " ORDER BY id",
          push_frees },
    };
    struct pushing p = { .c = c, .sink = sink, .processes = processes, .n_processes = n_processes };
    bool ok = true;
    for (size_t i = 0; ok && i < 3 && has_sites(c); i++) {
        sqlite3_stmt *s = NULL;
        int rc = SQLITE_DONE;
        ok = case_prepare(c, &s, tables[i].sql, err);
        while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW)
            ok = tables[i].push(&p, s);
        if (ok && rc != SQLITE_DONE)
            ok = case_sql_fail(c, err, "the case cannot be read");
        sqlite3_finalize(s);
    }
    *sink_full = p.full;
    seep_free(p.stacks);
    return ok;
}
