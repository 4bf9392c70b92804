// SPDX-License-Identifier: MIT
// What the files of the case share; nobody else includes it.
#ifndef SEEP_CASE_INTERNAL_H
#define SEEP_CASE_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/intern.h"
#include "case/case.h"

#include <sqlite3.h>

// The points of one series that are not sealed yet: `"3":686,"4":690` without braces. Keys count
// from the base tick.
struct case_tail {
    struct seep_buf text;
    size_t written_len;   // how much of it stands in rows already (recording)
    uint32_t first, last; // offsets of its first and last point
    uint32_t n, n_written;
    uint32_t first_unwritten; // offset of the first point that is not in a row
    bool dirty;               // listed in `dirty`
};

// What is remembered of a process, so that the same one is found again.
struct case_process {
    uint32_t machine, boot, pid;
    bool has_pid;
    int64_t start_ns;
    uint32_t image;           // interned
    const char *architecture; // as its newest source names it; a constant, NULL = unknown
    bool wow64;
};

// Lists of the processes that may be meant by what a source says of one (process.c).
struct case_life {
    uint32_t row, next; // of a process; number of the node that was listed before it, 0 = last
};
struct case_lives {
    struct seep_intern keys;
    uint32_t *heads; // heads[key id - 1]: number of the node that was listed last
    size_t heads_capacity;
    struct case_life *nodes; // nodes[number - 1]
    size_t n_nodes, nodes_capacity;
    bool renamed; // some process was: lists by image are no longer in the order of rows
};

enum case_table {
    CASE_MODULE = 0,
    CASE_REGION,
    CASE_HANDLE,
    CASE_HEAP,
    CASE_BLOCKS,
    CASE_N_TABLES,
};

// The snapshot that the facts about a process go to.
struct case_snapshot {
    uint32_t row; // 0 = none yet
    int64_t tick; // of the source's newest tick when it began; 0 = before the first one
    int64_t n_rows[CASE_N_TABLES];
};

// The look that pool tags go to.
struct case_look {
    int64_t row; // 0 = none yet
    int64_t tick, n;
    uint32_t machine;
};

struct case_machine {
    uint32_t boot;        // of the source that is being written
    uint32_t newest_boot; // number of its newest boot in `boots`, 0 = none
};

struct case_boot {
    int64_t boot_ns;
    uint32_t row;
    uint32_t next; // the one of the same machine before it, 0 = first
};

struct seep_case {
    struct seep_sink sink; // first: the sink is the case
    sqlite3 *db;
    bool read_only;
    void *bytes;             // of a case opened from memory; freed by SQLite
    struct seep_arena arena; // of the dataset

    // writing
    sqlite3_stmt *select_version;
    int64_t data_version; // of what is remembered
    enum seep_case_writing writing;
    bool in_source, in_transaction;
    bool broken; // a batch could not be written: no other one is
    uint32_t source_id;
    sqlite3_stmt *insert_tick, *insert_chunk, *insert_series, *insert_process, *insert_event;
    sqlite3_stmt *insert_field, *insert_loss;
    struct seep_intern keys; // of machines, series and losses; ids map to rows through `rows`
    uint32_t *rows;
    size_t rows_capacity;
    struct seep_intern images;
    struct case_machine *machines; // machines[row - 1]
    size_t n_machines, machines_capacity;
    struct case_boot *boots;
    size_t n_boots, boots_capacity;
    struct case_process *processes; // processes[row - 1]
    size_t n_processes, processes_capacity;
    struct case_lives lives;
    struct case_tail *tails; // tails[series row - 1]
    size_t n_tails, tails_capacity;
    uint32_t *dirty; // series rows with points that are not in a row
    size_t n_dirty, dirty_capacity;
    int64_t next_tick, base_tick; // row ids
    int64_t source_tick;          // the newest tick of this source, 0 = none yet
    int64_t source_tick_ns;
    bool undated;                    // that tick has no time: its samples are no points of a series
    struct case_snapshot *snapshots; // by process row, the kernel's at 0
    size_t n_snapshots, snapshots_capacity;
    sqlite3_stmt *insert_snapshot, *insert_into[CASE_N_TABLES];
    struct case_look look;
    sqlite3_stmt *insert_tag, *insert_vm, *insert_zombie, *delete_zombie;
    struct seep_stacks stacks; // of the source that is being written
    int64_t stack_base;        // rows of stacks before it; -1 = not looked for yet
    sqlite3_stmt *insert_stack, *insert_site, *insert_frees;
    int64_t tail_first_chunk; // the first chunk row of the unsealed tail; 0 = none
    unsigned n_tail_commits;
    uint64_t pending_points;
    unsigned n_losses;

    // reading
    int64_t *tick_times; // tick_times[id - 1]
    size_t n_ticks;
    sqlite3_stmt *select_points;
    struct seep_dataset loaded; // by the last seep_case_dataset
};

// Sets the error from SQLite's last one.
bool case_sql_fail(struct seep_case *c, struct seep_err *err, const char *doing);

// Runs SQL that gives no rows.
bool case_exec(struct seep_case *c, const char *sql, struct seep_err *err);

// Prepares a statement into `*stmt` if it is NULL, else resets it.
bool case_prepare(struct seep_case *c, sqlite3_stmt **stmt, const char *sql, struct seep_err *err);

// Text or NULL of a column, copied into the arena.
const char *case_text(struct seep_arena *arena, sqlite3_stmt *stmt, int column);

bool case_begin(struct seep_case *c, struct seep_err *err);

// Binds a text, or NULL for NULL and "".
static inline void case_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    if (text && *text)
        sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(stmt, at);
}

static inline void case_bind_unless(sqlite3_stmt *stmt, int at, int64_t value, int64_t unknown)
{
    if (value == unknown)
        sqlite3_bind_null(stmt, at);
    else
        sqlite3_bind_int64(stmt, at, value);
}

// Runs a statement that writes a row, and resets it (store.c).
bool case_step(struct seep_case *c, sqlite3_stmt *stmt, const char *doing);

// The row that stands behind an interned key; `*row` 0 = a new key (store.c).
bool case_key_row(struct seep_case *c, const struct seep_buf *key, uint32_t *id, uint32_t *row);

// Brings an older case up to date (migrate.c), and refuses what is not a case or is newer.
bool case_migrate(struct seep_case *c, struct seep_err *err);

// Whether the tables, views and indexes are the ones of schema.sql and nothing runs by itself
// (migrate.c).
bool case_check_schema(struct seep_case *c, struct seep_err *err);

// The sink's operations (store.c).
extern const struct seep_sink_ops case_sink_ops;

// Fills the memory of what a writable case holds already (store.c).
bool case_remember(struct seep_case *c, struct seep_err *err);

// The same again, when another program has written to the case in between (store.c). Ids that were
// given out stay valid.
bool case_remember_again(struct seep_case *c, struct seep_err *err);

// Snapshots (space.c): the sink's operations, and what keeps them together.
bool case_on_module(struct seep_sink *sink, const struct seep_module *m);
bool case_on_region(struct seep_sink *sink, const struct seep_region *r);
bool case_on_handle(struct seep_sink *sink, const struct seep_handle *h);
bool case_on_heap(struct seep_sink *sink, const struct seep_heap *h);
bool case_on_blocks(struct seep_sink *sink, const struct seep_blocks *b);
void case_snapshots_begin(struct seep_case *c);              // a source begins
bool case_snapshots_tick(struct seep_case *c, int64_t t_ns); // a tick was written
bool case_remember_snapshots(struct seep_case *c, struct seep_err *err);
void case_snapshots_clear(struct seep_case *c);
const char *case_architecture(const char *name); // as a constant; NULL for names nobody knows

// Pushes the facts of snapshot row `row` into a sink; `processes[id - 1]` are the sink's ids
// (space.c). False when the case cannot be read, or the sink takes no more: `*sink_full` then.
bool case_push_snapshot(struct seep_case *c, uint32_t row, struct seep_process_id process,
                        const struct seep_process_id *processes, size_t n_processes,
                        struct seep_sink *sink, bool *sink_full, struct seep_err *err);

// Fills data->snapshots, and the architectures of `processes` (space.c).
bool case_load_snapshots(struct seep_case *c, struct seep_dataset *data,
                         struct seep_process *processes, struct seep_err *err);

// Sites (sites.c): the sink's operations, and what keeps them together.
bool case_on_stack(struct seep_sink *sink, struct seep_stack_id parent,
                   const struct seep_frame *frame, struct seep_stack_id *id);
bool case_on_site(struct seep_sink *sink, const struct seep_site *site);
bool case_on_site_frees(struct seep_sink *sink, const struct seep_site_frees *frees);
void case_sites_begin(struct seep_case *c); // a source begins
void case_sites_clear(struct seep_case *c);
// Fills data->sites with those that have a series.
bool case_load_sites(struct seep_case *c, struct seep_dataset *data, struct seep_err *err);
// Pushes every stack, site and free into a sink; as case_push_snapshot.
bool case_push_sites(struct seep_case *c, const struct seep_process_id *processes,
                     size_t n_processes, struct seep_sink *sink, bool *sink_full,
                     struct seep_err *err);

// Looks (looks.c): the sink's operations, and what keeps them together.
bool case_on_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *tag);
bool case_on_vm(struct seep_sink *sink, const struct seep_vm *vm);
bool case_on_zombie(struct seep_sink *sink, const struct seep_zombie *zombie);
void case_looks_begin(struct seep_case *c); // a source begins
void case_looks_clear(struct seep_case *c);
// Fills data->pool_tags, vms, zombies and holds.
bool case_load_looks(struct seep_case *c, struct seep_dataset *data, struct seep_err *err);
// Pushes them into a sink that knows the machines and processes by other ids.
struct case_passing {
    struct seep_sink *sink;
    const struct seep_machine_id *machines;  // machines[id - 1]
    const struct seep_process_id *processes; // processes[id - 1]
};
bool case_push_looks(const struct case_passing *passing, const struct seep_dataset *data);

// The newest process that is the same as `p`; 0 = none (process.c).
uint32_t case_process_find(const struct seep_case *c, const struct case_process *p);
// Adds a process as the one of a row; and what has become known, or has changed, of one.
bool case_process_remember(struct seep_case *c, uint32_t row, struct case_process p);
bool case_process_started(struct seep_case *c, uint32_t row, int64_t start_ns);
bool case_process_renamed(struct seep_case *c, uint32_t row, uint32_t image);
void case_processes_forget(struct seep_case *c); // all of them, keeping the memory
void case_processes_clear(struct seep_case *c);

// Points (points.c). Appends a point to the tail of a series.
bool case_tail_add(struct seep_case *c, uint32_t series, int64_t tick, double value);
// Writes what is not in rows; with `seal` replaces the rows of the tail by one row a series and
// starts a new tail.
bool case_tails_write(struct seep_case *c, bool seal, struct seep_err *err);
void case_tails_clear(struct seep_case *c);

// Reads the next `"offset":value` of a chunk's points from `*at`; false at the end, and `*bad`
// where it is malformed.
bool case_point_next(const char **at, const char *end, uint32_t *offset, double *value, bool *bad);

#endif
