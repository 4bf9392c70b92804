// SPDX-License-Identifier: MIT
// What the kernel counts of each pool tag: _POOL_TRACKER_TABLE entries of PoolTrackTable, of its
// expansion, of each processor's table (ExPoolTagTables) and of a session's own.
//
// A block is counted where it is allocated and where it is freed, and these may be two processors:
// the numbers of one table mean nothing, and may be negative. All are added modulo their width and
// judged when everything is there. Layouts: _POOL_TRACKER_TABLE of the public symbols of each
// build; the tables' names from there, too.
#include "kernel/walk.h"

#include "base/alloc.h"

#include <inttypes.h>

enum {
    MAX_ENTRY_BYTES = 256,
    NAME_MASK = 0x7fffffff,
    GROUP = 64, // processors of a group: behind as many zeros there are no more
};

// A session's table shows in the address space of its processes only, and does not say whose it is.
enum { SESSION_ID_OFFSET = 8 }; // _MM_SESSION_SPACE.SessionId, of all builds

struct sum {
    uint32_t key, session;
    uint64_t allocs[2], frees[2], bytes[2]; // nonpaged, paged
};

struct table {
    uint64_t address, n;
    uint32_t session;
};

struct reader {
    const struct seep_kernel *kernel;
    struct seep_kernel_gaps *gaps;
    struct seep_kernel_map index; // (session, key) -> sum
    struct sum *sums;
    size_t n_sums, sums_capacity;
    struct table *tables;
    size_t n_tables, tables_capacity;
    uint64_t left; // entries that may still be read
    bool any, full;
};

static bool layout_is_known(const struct seep_kernel_layout *layout)
{
    const uint32_t offsets[] = { layout->tracker.key,
                                 layout->tracker.nonpaged_bytes,
                                 layout->tracker.nonpaged_allocs,
                                 layout->tracker.nonpaged_frees,
                                 layout->tracker.paged_bytes,
                                 layout->tracker.paged_allocs,
                                 layout->tracker.paged_frees };
    if (layout->tracker.size < 8 || layout->tracker.size > MAX_ENTRY_BYTES ||
        (layout->tracker.count_bytes != 4 && layout->tracker.count_bytes != 8) ||
        (layout->tracker.size_bytes != 4 && layout->tracker.size_bytes != 8))
        return false;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        if (offsets[i] > layout->tracker.size - 4)
            return false;
    }
    // The widest members that the offsets allow: none reaches beyond the entry.
    uint32_t size = layout->tracker.size, count = layout->tracker.count_bytes;
    uint32_t bytes = layout->tracker.size_bytes;
    return layout->tracker.nonpaged_bytes <= size - bytes &&
           layout->tracker.paged_bytes <= size - bytes &&
           layout->tracker.nonpaged_allocs <= size - count &&
           layout->tracker.nonpaged_frees <= size - count &&
           layout->tracker.paged_allocs <= size - count &&
           layout->tracker.paged_frees <= size - count;
}

static uint64_t number(const uint8_t *entry, uint32_t offset, unsigned bytes)
{
    return bytes == 8 ? seep_le64(entry + offset) : seep_le32(entry + offset);
}

static bool add_entry(struct reader *r, const uint8_t *entry, uint32_t session)
{
    const struct seep_kernel_layout *layout = &r->kernel->layout;
    unsigned count = layout->tracker.count_bytes, bytes = layout->tracker.size_bytes;
    uint32_t key = seep_le32(entry + layout->tracker.key) & NAME_MASK;
    if (!key)
        return true;
    uint64_t id = (uint64_t)session << 32 | key;
    uint32_t at = seep_kernel_map_find(&r->index, id);
    if (at == UINT32_MAX) {
        if (r->n_sums >= SEEP_KERNEL_MAX_TAGS) {
            r->full = true;
            return true;
        }
        at = (uint32_t)r->n_sums;
        if (!seep_grow(&r->sums, &r->sums_capacity, r->n_sums + 1, sizeof *r->sums) ||
            !seep_kernel_map_add(&r->index, id, at))
            return false;
        r->sums[r->n_sums++] = (struct sum){ .key = key, .session = session };
    }
    struct sum *sum = &r->sums[at];
    sum->allocs[0] += number(entry, layout->tracker.nonpaged_allocs, count);
    sum->frees[0] += number(entry, layout->tracker.nonpaged_frees, count);
    sum->bytes[0] += number(entry, layout->tracker.nonpaged_bytes, bytes);
    sum->allocs[1] += number(entry, layout->tracker.paged_allocs, count);
    sum->frees[1] += number(entry, layout->tracker.paged_frees, count);
    sum->bytes[1] += number(entry, layout->tracker.paged_bytes, bytes);
    return true;
}

// The entries that lie whole in one piece of memory.
static bool add_piece(struct reader *r, struct seep_bytes piece, uint64_t *n, uint32_t session)
{
    size_t size = r->kernel->layout.tracker.size;
    uint64_t here = piece.len / size;
    if (here > *n)
        here = *n;
    for (uint64_t i = 0; i < here; i++) {
        if (!add_entry(r, piece.data + (size_t)i * size, session))
            return false;
    }
    *n = here;
    return true;
}

// The first entry that begins where memory is held again after `missing`, which is not; `n` where
// none does.
static uint64_t next_held(const struct reader *r, const struct table *table, uint64_t missing)
{
    uint64_t size = r->kernel->layout.tracker.size, held;
    if (!r->kernel->memory->next(r->kernel->memory, missing, &held) || held <= missing)
        return table->n;
    uint64_t i = (held - table->address) / size + ((held - table->address) % size != 0);
    return i < table->n ? i : table->n;
}

// Reads what is held of a table: what is missing in its middle is one gap for each hole.
static bool read_table(struct reader *r, const struct table *table)
{
    const struct seep_memory *memory = r->kernel->memory;
    uint64_t size = r->kernel->layout.tracker.size, i = 0;
    while (i < table->n) {
        uint64_t at = table->address + i * size, n = table->n - i;
        struct seep_bytes piece = memory->span(memory, at);
        if (!add_piece(r, piece, &n, table->session))
            return false;
        r->any |= n != 0;
        i += n;
        if (n)
            continue;
        // It lies across the pieces of memory, or is not there.
        uint8_t entry[MAX_ENTRY_BYTES];
        size_t got = seep_memory_read(memory, at, entry, (size_t)size);
        if (got < size) {
            if (table->session == SEEP_KERNEL_SYSTEM_SESSION)
                seep_kernel_gap_unreadable(r->gaps, at);
            else
                r->gaps->session_missing = true;
            i = next_held(r, table, at + got);
            continue;
        }
        if (!add_entry(r, entry, table->session))
            return false;
        r->any = true;
        i++;
    }
    return true;
}

// Takes note of a table: the same one twice is one.
static bool note_table(struct reader *r, uint64_t address, uint64_t n, uint32_t session)
{
    uint64_t size = r->kernel->layout.tracker.size;
    if (!address || !n)
        return true;
    for (size_t i = 0; i < r->n_tables; i++) {
        if (r->tables[i].address == address)
            return true;
    }
    if (!seep_kernel_plausible(r->kernel, address)) {
        seep_kernel_gap_bad(r->gaps, address);
        return true;
    }
    uint64_t most = (UINT64_MAX - address) / size;
    if (most > SEEP_KERNEL_MAX_TRACKERS)
        most = SEEP_KERNEL_MAX_TRACKERS;
    if (most > r->left)
        most = r->left;
    if (n > most) {
        seep_kernel_gap_bad(r->gaps, address);
        n = most;
    }
    r->left -= n;
    if (!seep_grow(&r->tables, &r->tables_capacity, r->n_tables + 1, sizeof *r->tables))
        return false;
    r->tables[r->n_tables++] = (struct table){ address, n, session };
    return true;
}

// The end of ExPoolTagTables: the nearest variable behind it, as far as they are known. 0 = none.
static uint64_t end_of_tag_tables(const struct seep_kernel_symbols *s)
{
    const uint64_t others[] = { s->pool_tag_tables_end,
                                s->pool_track_table,
                                s->pool_track_table_size,
                                s->pool_track_table_expansion,
                                s->pool_track_table_expansion_size,
                                s->session_pool_track_table,
                                s->session_pool_track_table_size,
                                s->system_partition,
                                s->active_processes,
                                s->cid_table,
                                s->handle_table_list,
                                s->loaded_modules,
                                s->object_header_cookie,
                                s->debugger_data,
                                s->type_index_table };
    uint64_t end = 0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i] > s->pool_tag_tables && (!end || others[i] < end))
            end = others[i];
    }
    return end;
}

// The processors' tables. Zero stands where there is no processor; the array's end is known only as
// far as variables behind it are, and what follows zeros and is no pointer is not of the array.
static bool note_processors(struct reader *r, uint64_t n)
{
    const struct seep_kernel_symbols *s = &r->kernel->symbols;
    uint64_t bytes = seep_kernel_pointer_bytes(r->kernel), end = end_of_tag_tables(s);
    uint64_t count = end ? (end - s->pool_tag_tables) / bytes : SEEP_KERNEL_MAX_PROCESSORS;
    uint64_t zeros = 0;
    if (count > SEEP_KERNEL_MAX_PROCESSORS) {
        count = SEEP_KERNEL_MAX_PROCESSORS;
        end = 0;
    }
    for (uint64_t i = 0; s->pool_tag_tables && i < count; i++) {
        uint64_t at = s->pool_tag_tables + i * bytes, table;
        if (at < s->pool_tag_tables || !seep_kernel_pointer(r->kernel, at, &table)) {
            if (zeros < GROUP)
                seep_kernel_gap_unreadable(r->gaps, at);
            break;
        }
        if (!table && !end)
            break;
        if (zeros && table && !seep_kernel_plausible(r->kernel, table))
            break;
        if (!note_table(r, table, n, SEEP_KERNEL_SYSTEM_SESSION))
            return false;
        zeros = table ? 0 : zeros + 1;
    }
    return true;
}

// The only session that any process is in; SEEP_KERNEL_SESSION_UNKNOWN where there are several.
static uint32_t only_session(const struct seep_kernel *kernel)
{
    struct seep_kernel_processes processes = { 0 };
    struct seep_kernel_gaps ignored = { 0 };
    uint32_t session = SEEP_KERNEL_SESSION_UNKNOWN;
    if (!seep_kernel_read_processes(kernel, &processes, &ignored, NULL))
        return session;
    for (size_t i = 0; i < processes.n; i++) {
        if (processes.at[i].session == UINT32_MAX)
            continue;
        if (session != SEEP_KERNEL_SESSION_UNKNOWN && session != processes.at[i].session) {
            session = SEEP_KERNEL_SESSION_UNKNOWN;
            break;
        }
        session = processes.at[i].session;
    }
    seep_kernel_processes_clear(&processes);
    return session;
}

static bool note_session(struct reader *r)
{
    const struct seep_kernel_symbols *s = &r->kernel->symbols;
    uint64_t table, n;
    if (!seep_kernel_pointer(r->kernel, s->session_pool_track_table, &table) || !table ||
        !seep_kernel_pointer(r->kernel, s->session_pool_track_table_size, &n) || !n)
        return true;
    return note_table(r, table, n, only_session(r->kernel));
}

// PoolTrackTable and its size, and the same of others; `*n` stays 0 where they are not readable.
static bool note_pointed(struct reader *r, uint64_t pointer, uint64_t size, uint64_t *n)
{
    uint64_t table, count;
    if (!pointer || !size)
        return true;
    if (!seep_kernel_pointer(r->kernel, pointer, &table)) {
        seep_kernel_gap_unreadable(r->gaps, pointer);
        return true;
    }
    if (!seep_kernel_pointer(r->kernel, size, &count)) {
        seep_kernel_gap_unreadable(r->gaps, size);
        return true;
    }
    *n = count;
    return note_table(r, table, count, SEEP_KERNEL_SYSTEM_SESSION);
}

static bool give(const struct reader *r, bool (*take)(void *ctx, const struct seep_kernel_tag *),
                 void *ctx)
{
    const struct seep_kernel_layout *layout = &r->kernel->layout;
    uint64_t counts = layout->tracker.count_bytes == 8 ? UINT64_MAX : UINT32_MAX;
    uint64_t sizes = layout->tracker.size_bytes == 8 ? UINT64_MAX : UINT32_MAX;
    for (size_t i = 0; i < r->n_sums; i++) {
        for (int paged = 0; paged < 2; paged++) {
            const struct sum *sum = &r->sums[i];
            struct seep_kernel_tag tag = { .key = sum->key,
                                           .paged = paged,
                                           .allocs = sum->allocs[paged] & counts,
                                           .frees = sum->frees[paged] & counts,
                                           .bytes = sum->bytes[paged] & sizes,
                                           .wraps = layout->tracker.count_bytes == 4,
                                           .session = sum->session };
            if (!tag.allocs && !tag.frees && !tag.bytes)
                continue;
            // Of all tables together, less than nothing makes no sense: one was read too late, or
            // is missing.
            bool negative = tag.bytes > sizes / 2;
            negative |= !tag.wraps && (tag.allocs > counts / 2 || tag.frees > counts / 2);
            if (negative) {
                seep_kernel_gap_bad(r->gaps, 0);
                if (tag.bytes > sizes / 2)
                    tag.bytes = UINT64_MAX;
                if (!tag.wraps && tag.allocs > counts / 2)
                    tag.allocs = UINT64_MAX;
                if (!tag.wraps && tag.frees > counts / 2)
                    tag.frees = UINT64_MAX;
            }
            if (!take(ctx, &tag))
                return false;
        }
    }
    return true;
}

static bool read_all(struct reader *r, struct seep_err *err)
{
    const struct seep_kernel_symbols *s = &r->kernel->symbols;
    uint64_t n = 0, n_expansion = 0;
    if (!note_pointed(r, s->pool_track_table, s->pool_track_table_size, &n) ||
        !note_pointed(r, s->pool_track_table_expansion, s->pool_track_table_expansion_size,
                      &n_expansion) ||
        !note_session(r) || !note_processors(r, n))
        return seep_fail_memory(err);
    for (size_t i = 0; i < r->n_tables; i++) {
        if (!read_table(r, &r->tables[i]))
            return seep_fail_memory(err);
    }
    if (r->full)
        seep_kernel_gap_bad(r->gaps, r->tables[0].address);
    if (!r->any)
        return seep_fail(err, SEEP_NO_OFFSET, NULL,
                         "no pool tracker table could be read: PoolTrackTable at 0x%" PRIx64
                         ", %" PRIu64 " entries",
                         r->n_tables ? r->tables[0].address : s->pool_track_table, n);
    return true;
}

bool seep_kernel_each_tag(const struct seep_kernel *kernel,
                          bool (*take)(void *ctx, const struct seep_kernel_tag *), void *ctx,
                          struct seep_kernel_gaps *gaps, struct seep_err *err)
{
    struct reader r = { .kernel = kernel, .gaps = gaps, .left = SEEP_KERNEL_MAX_ALL_TRACKERS };
    if (!layout_is_known(&kernel->layout) || !kernel->symbols.pool_track_table ||
        !kernel->symbols.pool_track_table_size)
        return seep_fail(err, SEEP_NO_OFFSET, "give its PDB or ISF with --symbols",
                         "where this kernel keeps its pool tracker tables is not known");
    bool ok = read_all(&r, err) && give(&r, take, ctx);
    seep_free(r.sums);
    seep_free(r.tables);
    seep_kernel_map_clear(&r.index);
    return ok;
}
