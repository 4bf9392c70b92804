// SPDX-License-Identifier: MIT
// Looks at a machine in a case: its pool tags, what its memory is used for, its zombies.
//
// A look is known by its machine (a zombie by its process) and time: the same file read again takes
// the place of what was read before. Looks of no known time are all kept.
#include "base/alloc.h"
#include "base/time.h"
#include "case/internal.h"

#include <stdlib.h>
#include <string.h>

static int64_t unless_unknown(uint64_t value)
{
    return value == SEEP_UNKNOWN_COUNT ? INT64_MIN : (int64_t)(value & INT64_MAX);
}

static void bind_known(sqlite3_stmt *stmt, int at, uint64_t value)
{
    case_bind_unless(stmt, at, unless_unknown(value), INT64_MIN);
}

static uint64_t known(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL
               ? SEEP_UNKNOWN_COUNT
               : (uint64_t)sqlite3_column_int64(stmt, column);
}

void case_looks_begin(struct seep_case *c)
{
    c->look = (struct case_look){ 0 };
}

void case_looks_clear(struct seep_case *c)
{
    sqlite3_finalize(c->insert_tag);
    sqlite3_finalize(c->insert_vm);
    sqlite3_finalize(c->insert_zombie);
    sqlite3_finalize(c->delete_zombie);
    c->insert_tag = c->insert_vm = c->insert_zombie = c->delete_zombie = NULL;
}

// Runs a statement with what is known of a moment bound to ?1 (a machine or process) and ?2 (the
// time), and where it has one, ?3 (the source).
static bool run_of_moment(struct seep_case *c, const char *sql, uint32_t subject, int64_t *row)
{
    sqlite3_stmt *stmt = NULL;
    if (!case_prepare(c, &stmt, sql, &c->sink.error))
        return false;
    case_bind_unless(stmt, 1, subject, 0);
    case_bind_unless(stmt, 2, c->source_tick_ns, SEEP_NO_TIME);
    if (sqlite3_bind_parameter_count(stmt) > 2)
        sqlite3_bind_int64(stmt, 3, c->source_id);
    int rc = sqlite3_step(stmt);
    if (row)
        *row = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
    if (!ok)
        (void)case_sql_fail(c, &c->sink.error, "a look cannot be stored");
    sqlite3_finalize(stmt);
    return ok;
}

// Makes the row of the look that the newest tick began, unless it is there.
static bool begin_look(struct seep_case *c, uint32_t machine)
{
    if (c->look.row && c->look.tick == c->source_tick && c->look.machine == machine)
        return case_begin(c, &c->sink.error);
    int64_t row = 0;
    if (!case_begin(c, &c->sink.error))
        return false;
    if (c->source_tick_ns != SEEP_NO_TIME &&
        (!run_of_moment(c, "SELECT id FROM pool_look WHERE machine_id IS ?1 AND time_ns=?2",
                        machine, &row) ||
         (row && (!run_of_moment(c,
                                 "DELETE FROM pool_tag WHERE look_id IN (SELECT id FROM pool_look"
                                 " WHERE machine_id IS ?1 AND time_ns=?2)",
                                 machine, NULL) ||
                  !run_of_moment(c,
                                 "UPDATE pool_look SET source_id=?3 WHERE machine_id IS ?1 AND"
                                 " time_ns=?2",
                                 machine, NULL)))))
        return false;
    if (!row) {
        if (!run_of_moment(c,
                           "INSERT INTO pool_look(machine_id,time_ns,source_id) VALUES(?1,?2,?3)",
                           machine, NULL))
            return false;
        row = sqlite3_last_insert_rowid(c->db);
    }
    c->look.row = row;
    c->look.tick = c->source_tick;
    c->look.machine = machine;
    c->look.n = 0;
    return true;
}

bool case_on_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *tag)
{
    struct seep_case *c = (struct seep_case *)sink;
    if (!begin_look(c, tag->machine.v) ||
        !case_prepare(c, &c->insert_tag, "INSERT INTO pool_tag VALUES(?,?,?,?,?,?,?,?,?,?)",
                      &sink->error))
        return false;
    sqlite3_stmt *s = c->insert_tag;
    sqlite3_bind_int64(s, 1, c->look.row);
    sqlite3_bind_int64(s, 2, ++c->look.n);
    sqlite3_bind_text(s, 3, tag->tag ? tag->tag : "", -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s, 4, tag->paged);
    bind_known(s, 5, tag->allocs);
    bind_known(s, 6, tag->frees);
    bind_known(s, 7, tag->bytes);
    sqlite3_bind_int64(s, 8, tag->wraps);
    case_bind_unless(s, 9, tag->session, SEEP_NO_SESSION);
    case_bind_text(s, 10, tag->mapped_driver);
    return case_step(c, s, "a pool tag cannot be stored");
}

bool case_on_vm(struct seep_sink *sink, const struct seep_vm *vm)
{
    struct seep_case *c = (struct seep_case *)sink;
    if (!case_begin(c, &sink->error) ||
        (c->source_tick_ns != SEEP_NO_TIME &&
         !run_of_moment(c, "DELETE FROM vm WHERE machine_id IS ?1 AND time_ns=?2", vm->machine.v,
                        NULL)))
        return false;
    for (int i = 0; i < SEEP_N_VM_ITEMS; i++) {
        if (vm->bytes[i] == SEEP_UNKNOWN_COUNT)
            continue;
        if (!case_prepare(c, &c->insert_vm, "INSERT INTO vm VALUES(NULL,?,?,?,?,?,?)",
                          &sink->error))
            return false;
        sqlite3_stmt *s = c->insert_vm;
        sqlite3_bind_int64(s, 1, c->source_id);
        case_bind_unless(s, 2, vm->machine.v, 0);
        case_bind_unless(s, 3, c->source_tick_ns, SEEP_NO_TIME);
        sqlite3_bind_int64(s, 4, c->source_tick);
        sqlite3_bind_text(s, 5, seep_vm_item_name((enum seep_vm_item)i), -1, SQLITE_STATIC);
        bind_known(s, 6, vm->bytes[i]);
        if (!case_step(c, s, "what memory is used for cannot be stored"))
            return false;
    }
    return true;
}

bool case_on_zombie(struct seep_sink *sink, const struct seep_zombie *z)
{
    struct seep_case *c = (struct seep_case *)sink;
    if (!case_begin(c, &sink->error))
        return false;
    if (c->source_tick_ns != SEEP_NO_TIME) {
        if (!case_prepare(c, &c->delete_zombie,
                          "DELETE FROM zombie WHERE process_id=?1 AND time_ns=?2", &sink->error))
            return false;
        sqlite3_bind_int64(c->delete_zombie, 1, z->process.v);
        sqlite3_bind_int64(c->delete_zombie, 2, c->source_tick_ns);
        if (!case_step(c, c->delete_zombie, "a zombie cannot be stored"))
            return false;
    }
    if (!case_prepare(c, &c->insert_zombie, "INSERT INTO zombie VALUES(?,?,?,?,?,?,?,?)",
                      &sink->error))
        return false;
    sqlite3_stmt *s = c->insert_zombie;
    sqlite3_bind_int64(s, 1, z->process.v);
    case_bind_unless(s, 2, c->source_tick_ns, SEEP_NO_TIME);
    sqlite3_bind_int64(s, 3, c->source_id);
    bind_known(s, 4, z->n_handles);
    bind_known(s, 5, z->n_found);
    bind_known(s, 6, z->n_pointers);
    bind_known(s, 7, z->n_unexplained);
    bind_known(s, 8, z->commit_bytes);
    return case_step(c, s, "a zombie cannot be stored");
}

// Loading.

struct reading {
    struct seep_case *c;
    struct seep_dataset *data;
    sqlite3_stmt *stmt;
};

static uint32_t id_up_to(sqlite3_stmt *stmt, int column, size_t n)
{
    int64_t id = sqlite3_column_int64(stmt, column);
    return id > 0 && (uint64_t)id <= n ? (uint32_t)id : 0;
}

static int64_t time_or_none(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL
               ? SEEP_NO_TIME
               : seep_time_clamp(sqlite3_column_int64(stmt, column));
}

static bool has_table(struct seep_case *c, const char *name)
{
    sqlite3_stmt *stmt = NULL;
    bool has = case_prepare(c, &stmt, "SELECT 1 FROM sqlite_master WHERE name=?", NULL);
    if (has) {
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
        has = sqlite3_step(stmt) == SQLITE_ROW;
    }
    sqlite3_finalize(stmt);
    return has;
}

// Fills one zeroed element from the statement's row. False when memory is out; `*take` false leaves
// the row out.
typedef bool read_row(struct reading *r, void *element, bool *take);

// Reads the rows of a query into an array of the arena.
static bool load_rows(struct reading *r, const char *sql, size_t size, read_row *read,
                      const void **array, size_t *count, struct seep_err *err)
{
    char *all = NULL;
    size_t n = 0, capacity = 0;
    bool ok = true;
    int rc = SQLITE_DONE;
    r->stmt = NULL;
    if (!case_prepare(r->c, &r->stmt, sql, err))
        return false;
    while (ok && (rc = sqlite3_step(r->stmt)) == SQLITE_ROW) {
        bool take = true;
        ok = seep_grow(&all, &capacity, n + 1, size);
        if (!ok)
            break;
        memset(all + n * size, 0, size);
        ok = read(r, all + n * size, &take);
        n += ok && take;
    }
    bool whole = !ok || rc == SQLITE_DONE;
    void *kept = ok ? seep_arena_alloc(&r->c->arena, n ? n : 1, size) : NULL;
    if (kept && n)
        memcpy(kept, all, n * size);
    seep_free(all);
    *array = kept;
    *count = kept ? n : 0;
    if (!whole)
        (void)case_sql_fail(r->c, err, "the case cannot be read");
    else if (!kept)
        (void)seep_fail_memory(err);
    sqlite3_finalize(r->stmt);
    return kept && whole;
}

static bool read_tag(struct reading *r, void *element, bool *take)
{
    struct seep_dataset_pool_tag *t = element;
    sqlite3_stmt *s = r->stmt;
    t->source.v = id_up_to(s, 0, r->data->n_sources);
    t->tag.machine.v = id_up_to(s, 1, r->data->n_machines);
    t->taken_ns = time_or_none(s, 2);
    t->look = (uint32_t)sqlite3_column_int64(s, 3);
    t->tag.tag = case_text(&r->c->arena, s, 4);
    t->tag.paged = sqlite3_column_int(s, 5) != 0;
    t->tag.allocs = known(s, 6);
    t->tag.frees = known(s, 7);
    t->tag.bytes = known(s, 8);
    t->tag.wraps = sqlite3_column_int(s, 9) != 0;
    t->tag.session = sqlite3_column_type(s, 10) == SQLITE_NULL
                         ? SEEP_NO_SESSION
                         : (uint32_t)sqlite3_column_int64(s, 10);
    bool has_driver = sqlite3_column_type(s, 11) != SQLITE_NULL;
    t->tag.mapped_driver = has_driver ? case_text(&r->c->arena, s, 11) : NULL;
    *take = t->tag.tag != NULL;
    return !has_driver || t->tag.mapped_driver;
}

static bool read_vm_item(struct reading *r, void *element, bool *take)
{
    // One row an item: load_vms puts them together.
    struct seep_dataset_vm *v = element;
    sqlite3_stmt *s = r->stmt;
    const char *name = (const char *)sqlite3_column_text(s, 3);
    enum seep_vm_item item = name ? seep_vm_item_named(name) : SEEP_N_VM_ITEMS;
    v->source.v = id_up_to(s, 0, r->data->n_sources);
    v->vm = seep_vm_unknown((struct seep_machine_id){ id_up_to(s, 1, r->data->n_machines) });
    v->taken_ns = time_or_none(s, 2);
    *take = item < SEEP_N_VM_ITEMS;
    if (*take)
        v->vm.bytes[item] = known(s, 4);
    return true;
}

static bool same_moment(const struct seep_dataset_vm *a, const struct seep_dataset_vm *b)
{
    return a->source.v == b->source.v && a->vm.machine.v == b->vm.machine.v &&
           a->taken_ns == b->taken_ns;
}

static bool load_vms(struct reading *r, struct seep_err *err)
{
    const void *items = NULL;
    size_t n_items = 0, n = 0;
    // The moment of an undated one is where it stands among its source's ticks.
    if (!load_rows(r,
                   "SELECT source_id,machine_id,time_ns,item,bytes FROM vm"
                   " ORDER BY machine_id,time_ns,source_id,tick,id",
                   sizeof(struct seep_dataset_vm), read_vm_item, &items, &n_items, err))
        return false;
    struct seep_dataset_vm *all =
        seep_arena_alloc(&r->c->arena, n_items ? n_items : 1, sizeof *all);
    if (!all)
        return seep_fail_memory(err);
    const struct seep_dataset_vm *from = items;
    for (size_t i = 0; i < n_items; i++) {
        bool more = n && same_moment(&all[n - 1], &from[i]);
        for (size_t k = 0; more && k < SEEP_N_VM_ITEMS; k++) // an item twice: another moment
            more = from[i].vm.bytes[k] == SEEP_UNKNOWN_COUNT ||
                   all[n - 1].vm.bytes[k] == SEEP_UNKNOWN_COUNT;
        if (!more)
            all[n++] = from[i];
        for (size_t k = 0; more && k < SEEP_N_VM_ITEMS; k++) {
            if (from[i].vm.bytes[k] != SEEP_UNKNOWN_COUNT)
                all[n - 1].vm.bytes[k] = from[i].vm.bytes[k];
        }
    }
    r->data->vms = all;
    r->data->n_vms = n;
    return true;
}

static bool read_zombie(struct reading *r, void *element, bool *take)
{
    struct seep_dataset_zombie *z = element;
    sqlite3_stmt *s = r->stmt;
    z->zombie.process.v = id_up_to(s, 0, r->data->n_processes);
    z->taken_ns = time_or_none(s, 1);
    z->source.v = id_up_to(s, 2, r->data->n_sources);
    z->zombie.n_handles = known(s, 3);
    z->zombie.n_found = known(s, 4);
    z->zombie.n_pointers = known(s, 5);
    z->zombie.n_unexplained = known(s, 6);
    z->zombie.commit_bytes = known(s, 7);
    *take = z->zombie.process.v != 0;
    return true;
}

static bool read_hold(struct reading *r, void *element, bool *take)
{
    struct seep_dataset_hold *h = element;
    h->holder.v = id_up_to(r->stmt, 0, r->data->n_processes);
    h->zombie.v = id_up_to(r->stmt, 1, r->data->n_processes);
    h->source.v = id_up_to(r->stmt, 2, r->data->n_sources);
    h->n_handles = (uint64_t)sqlite3_column_int64(r->stmt, 3);
    *take = h->holder.v && h->zombie.v;
    return true;
}

// Looks of one machine are numbered on in the order of time; the undated ones come first, as SQL
// sorts NULL.
static void number_looks(struct seep_dataset_pool_tag *tags, size_t n)
{
    uint32_t look = 0, row = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || tags[i].tag.machine.v != tags[i - 1].tag.machine.v)
            look = 0;
        if (look == 0 || tags[i].look != row)
            look++;
        row = tags[i].look;
        tags[i].look = look;
    }
}

bool case_load_looks(struct seep_case *c, struct seep_dataset *data, struct seep_err *err)
{
    struct reading r = { .c = c, .data = data };
    const void *tags = NULL, *zombies = NULL, *holds = NULL;
    if (!has_table(c, "pool_look"))
        return true;
    if (!load_rows(&r,
                   "SELECT l.source_id,l.machine_id,l.time_ns,l.id,t.tag,t.paged,t.allocs,t.frees,"
                   "t.bytes,t.wraps,t.session,t.mapped_driver FROM pool_look l JOIN pool_tag t"
                   " ON t.look_id=l.id"
                   " ORDER BY l.machine_id,l.time_ns,l.id,t.tag,t.session,t.paged,t.n",
                   sizeof(struct seep_dataset_pool_tag), read_tag, &tags, &data->n_pool_tags,
                   err) ||
        !load_vms(&r, err) ||
        !load_rows(&r,
                   "SELECT process_id,time_ns,source_id,n_handles,n_found,n_pointers,n_unexplained,"
                   "commit_bytes FROM zombie ORDER BY process_id,time_ns,rowid",
                   sizeof(struct seep_dataset_zombie), read_zombie, &zombies, &data->n_zombies,
                   err) ||
        !load_rows(&r,
                   "SELECT s.process_id,h.target_id,s.source_id,count(*) FROM handle h"
                   " JOIN snapshot s ON s.id=h.snapshot_id"
                   " WHERE h.target_id IN (SELECT process_id FROM zombie)"
                   " GROUP BY 1,2,3 ORDER BY 1,2,3",
                   sizeof(struct seep_dataset_hold), read_hold, &holds, &data->n_holds, err))
        return false;
    struct seep_dataset_pool_tag *own =
        seep_arena_alloc(&c->arena, data->n_pool_tags ? data->n_pool_tags : 1, sizeof *own);
    if (!own)
        return seep_fail_memory(err);
    if (data->n_pool_tags)
        memcpy(own, tags, data->n_pool_tags * sizeof *own);
    number_looks(own, data->n_pool_tags);
    data->pool_tags = own;
    data->zombies = zombies;
    data->holds = holds;
    return true;
}

// Pushing them into another sink.

static struct seep_machine_id machine_of(const struct case_passing *p, struct seep_machine_id old)
{
    return old.v ? p->machines[old.v - 1] : (struct seep_machine_id){ 0 };
}

struct dated {
    int64_t taken_ns;
    uint32_t source, machine;
    size_t index; // into the dataset's zombies
};

static int by_moment(const void *left, const void *right)
{
    const struct dated *a = left, *b = right;
    if (a->taken_ns != b->taken_ns)
        return a->taken_ns < b->taken_ns ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->machine != b->machine)
        return a->machine < b->machine ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static bool push_zombies(const struct case_passing *p, const struct seep_dataset *data)
{
    size_t n = data->n_zombies;
    struct dated *order = seep_alloc(n ? n : 1, sizeof *order);
    if (!order)
        return seep_fail_memory(&p->sink->error);
    for (size_t i = 0; i < n; i++) {
        const struct seep_dataset_zombie *z = &data->zombies[i];
        order[i] = (struct dated){ z->taken_ns, z->source.v,
                                   data->processes[z->zombie.process.v - 1].machine.v, i };
    }
    qsort(order, n, sizeof *order, by_moment);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const struct dated *d = &order[i];
        struct seep_zombie z = data->zombies[d->index].zombie;
        z.process = p->processes[z.process.v - 1];
        if (i == 0 || d->taken_ns != d[-1].taken_ns || d->source != d[-1].source ||
            d->machine != d[-1].machine)
            ok = seep_sink_tick(p->sink, machine_of(p, (struct seep_machine_id){ d->machine }),
                                d->taken_ns);
        ok = ok && seep_sink_zombie(p->sink, &z);
    }
    seep_free(order);
    return ok;
}

bool case_push_looks(const struct case_passing *p, const struct seep_dataset *data)
{
    for (size_t i = 0; i < data->n_pool_tags; i++) {
        const struct seep_dataset_pool_tag *t = &data->pool_tags[i];
        bool begins = i == 0 || t[-1].look != t->look || t[-1].tag.machine.v != t->tag.machine.v;
        struct seep_pool_tag tag = t->tag;
        tag.machine = machine_of(p, tag.machine);
        if ((begins && !seep_sink_tick(p->sink, tag.machine, t->taken_ns)) ||
            !seep_sink_pool_tag(p->sink, &tag))
            return false;
    }
    for (size_t i = 0; i < data->n_vms; i++) {
        struct seep_vm vm = data->vms[i].vm;
        vm.machine = machine_of(p, vm.machine);
        if (!seep_sink_tick(p->sink, vm.machine, data->vms[i].taken_ns) ||
            !seep_sink_vm(p->sink, &vm))
            return false;
    }
    return push_zombies(p, data);
}
