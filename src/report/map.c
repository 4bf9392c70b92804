// SPDX-License-Identifier: MIT
// Summing up a space by usage, type, state and protection; what changed between two.
#include "report/map.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void add(struct seep_map_row *row, const struct seep_region *r)
{
    row->regions++;
    row->size_bytes += r->size_bytes;
    if (r->size_bytes > row->largest_bytes || row->regions == 1) {
        row->largest_bytes = r->size_bytes;
        row->largest_base = r->base;
    }
}

// The row of a protection. Windows has some thirty; a hostile file may have as many as it likes,
// and the last row takes what finds no place.
static struct seep_map_row *protect_row(struct seep_map *map, uint32_t protect)
{
    for (size_t i = 0; i < map->n_protect; i++) {
        if (map->protect[i].protect == protect)
            return &map->protect[i].row;
    }
    if (map->n_protect == SEEP_MAP_PROTECTIONS)
        return &map->protect[SEEP_MAP_PROTECTIONS - 1].row;
    map->protect[map->n_protect].protect = protect;
    return &map->protect[map->n_protect++].row;
}

static int by_size(const void *left, const void *right)
{
    const struct seep_map_protect *a = left, *b = right;
    if (a->row.size_bytes != b->row.size_bytes)
        return a->row.size_bytes > b->row.size_bytes ? -1 : 1;
    return (a->protect > b->protect) - (a->protect < b->protect);
}

static void forget(struct seep_map_row *row)
{
    *row = (struct seep_map_row){ SEEP_UNKNOWN_BYTES, SEEP_UNKNOWN_BYTES, SEEP_UNKNOWN_BYTES, 0 };
}

static void say_unknown(struct seep_map *map, const char *what, const char *why)
{
    map->unknown[map->n_unknown++] = (struct seep_map_unknown){ what, why };
}

static bool has(const struct seep_map *map, enum seep_region_usage usage)
{
    return map->usage[usage].regions > 0;
}

// Every process has a heap, a stack, a TEB and a PEB, of its bits at least. Where no region is one,
// the snapshot does not tell which it is, and its bytes are among those of "<unknown>".
static void doubt_usages(struct seep_map *map)
{
    // Only Windows has these, and says of each what it is.
    if (map->space->machine.os && strcmp(map->space->machine.os, "Windows") != 0)
        return;
    static const char *const stack = "the threads' TEBs are not in the file";
    static const char *const heap = "the memory of the PEB and the heaps is not in the file";
    static const char *const block = "the file does not say where it is";
    static const struct {
        enum seep_region_usage usage;
        bool bits64;
        const char *const *why;
    } rows[] = {
        { SEEP_USAGE_STACK32, false, &stack }, { SEEP_USAGE_STACK64, true, &stack },
        { SEEP_USAGE_HEAP32, false, &heap },   { SEEP_USAGE_HEAP64, true, &heap },
        { SEEP_USAGE_TEB32, false, &block },   { SEEP_USAGE_TEB64, true, &block },
        { SEEP_USAGE_PEB32, false, &block },   { SEEP_USAGE_PEB64, true, &block },
    };
    const struct seep_space *s = map->space;
    bool is32 = s->process.architecture && strcmp(s->process.architecture, "x86") == 0;
    // WoW64: named by either architecture, the process has the regions of both.
    bool has32 = is32 || s->process.wow64, has64 = !is32 || s->process.wow64;
    // A tool that looks at a 32-bit process with 32-bit eyes does not see the other half.
    bool sees64 = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        sees64 = sees64 || (rows[i].bits64 && has(map, rows[i].usage));
    if (is32 && !sees64)
        has64 = false;
    // The PEB and the TEBs, of both bits, lie side by side: one run of pages may hold them all.
    bool blocks = has(map, SEEP_USAGE_TEB32) || has(map, SEEP_USAGE_TEB64) ||
                  has(map, SEEP_USAGE_PEB32) || has(map, SEEP_USAGE_PEB64);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (has(map, rows[i].usage) || !(rows[i].bits64 ? has64 : has32) ||
            (blocks && rows[i].why == &block))
            continue;
        forget(&map->usage[rows[i].usage]);
        say_unknown(map, seep_region_usage_name(rows[i].usage), *rows[i].why);
    }
}

static void doubt(struct seep_map *map)
{
    if (map->space->n_regions == 0) {
        for (int i = 0; i < SEEP_N_REGION_USAGES; i++)
            forget(&map->usage[i]);
        for (int i = 0; i < SEEP_N_REGION_TYPES; i++)
            forget(&map->type[i]);
        for (int i = 0; i < SEEP_N_REGION_STATES; i++)
            forget(&map->state[i]);
        map->split = (struct seep_map_split){ SEEP_UNKNOWN_BYTES, SEEP_UNKNOWN_BYTES,
                                              SEEP_UNKNOWN_BYTES, SEEP_UNKNOWN_BYTES };
        map->busy_bytes = map->total_bytes = SEEP_UNKNOWN_BYTES;
        say_unknown(map, "regions", "the file has no list of memory regions");
        return;
    }
    doubt_usages(map);
    bool listed = map->state[SEEP_STATE_FREE].regions || map->state[SEEP_STATE_RESERVE].regions;
    if (map->type[SEEP_TYPE_UNKNOWN].regions && !map->type[SEEP_TYPE_PRIVATE].regions) {
        forget(&map->type[SEEP_TYPE_PRIVATE]);
        forget(&map->type[SEEP_TYPE_MAPPED]);
        map->split.private_bytes = map->split.mapped_bytes = SEEP_UNKNOWN_BYTES;
        say_unknown(map, "type", "the file does not tell private from mapped regions");
    }
    if (!listed) {
        // What is known are modules and the memory in the file, not what the system said of it.
        forget(&map->state[SEEP_STATE_RESERVE]);
        map->split.reserved_bytes = map->split.image_bytes = SEEP_UNKNOWN_BYTES;
        say_unknown(map, "state",
                    "the file does not tell what is committed and what only reserved");
    }
    if (!map->state[SEEP_STATE_FREE].regions) {
        forget(&map->state[SEEP_STATE_FREE]);
        forget(&map->type[SEEP_TYPE_FREE]);
        forget(&map->usage[SEEP_USAGE_FREE]);
        map->total_bytes = SEEP_UNKNOWN_BYTES;
        say_unknown(map, "Free", "the file does not list what is free");
    }
}

void seep_map_make(const struct seep_space *space, struct seep_map *map)
{
    memset(map, 0, sizeof *map);
    map->space = space;
    for (size_t i = 0; i < space->n_regions; i++) {
        const struct seep_region *r = &space->regions[i];
        bool is_free = r->state == SEEP_STATE_FREE;
        add(&map->usage[is_free ? SEEP_USAGE_FREE : r->usage], r);
        add(&map->type[is_free ? SEEP_TYPE_FREE : r->type], r);
        add(&map->state[r->state], r);
        map->total_bytes += r->size_bytes;
        map->busy_bytes += is_free ? 0 : r->size_bytes;
        if (r->state == SEEP_STATE_RESERVE)
            map->split.reserved_bytes += r->size_bytes;
        if (r->state != SEEP_STATE_COMMIT)
            continue;
        if (r->protect)
            add(protect_row(map, r->protect), r);
        if (r->type == SEEP_TYPE_PRIVATE)
            map->split.private_bytes += r->size_bytes;
        else if (r->type == SEEP_TYPE_MAPPED)
            map->split.mapped_bytes += r->size_bytes;
        else if (r->type == SEEP_TYPE_IMAGE)
            map->split.image_bytes += r->size_bytes;
    }
    if (map->n_protect)
        qsort(map->protect, map->n_protect, sizeof *map->protect, by_size);
    doubt(map);
}

int64_t seep_map_delta(uint64_t old, uint64_t new_, bool *known)
{
    *known = old != SEEP_UNKNOWN_BYTES && new_ != SEEP_UNKNOWN_BYTES;
    return *known ? (int64_t)(new_ - old) : 0;
}

// Adds the regions of a space to the list, a change each: as what is new, or as what was.
static void put_regions(const struct seep_space *space, bool old, struct seep_map_change *at,
                        size_t *n)
{
    for (size_t i = 0; i < space->n_regions; i++) {
        const struct seep_region *r = &space->regions[i];
        if (r->state == SEEP_STATE_FREE)
            continue;
        struct seep_map_change c = { .base = r->allocation_base ? r->allocation_base : r->base,
                                     .usage = r->usage,
                                     .type = r->type,
                                     .detail = r->detail };
        uint64_t committed = r->state == SEEP_STATE_COMMIT ? r->size_bytes : 0;
        if (old) {
            c.old_size_bytes = r->size_bytes;
            c.old_committed_bytes = committed;
        } else {
            c.size_bytes = r->size_bytes;
            c.committed_bytes = committed;
        }
        at[(*n)++] = c;
    }
}

static int by_base(const void *left, const void *right)
{
    const struct seep_map_change *a = left, *b = right;
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    // What is there now says what it is.
    if ((a->size_bytes > 0) != (b->size_bytes > 0))
        return a->size_bytes ? -1 : 1;
    return (a->committed_bytes < b->committed_bytes) - (a->committed_bytes > b->committed_bytes);
}

static int64_t grown(uint64_t old, uint64_t new_)
{
    return (int64_t)(new_ - old);
}

static int by_growth(const void *left, const void *right)
{
    const struct seep_map_change *a = left, *b = right;
    int64_t x = grown(a->old_committed_bytes, a->committed_bytes);
    int64_t y = grown(b->old_committed_bytes, b->committed_bytes);
    if (x != y)
        return x > y ? -1 : 1;
    x = grown(a->old_size_bytes, a->size_bytes);
    y = grown(b->old_size_bytes, b->size_bytes);
    if (x != y)
        return x > y ? -1 : 1;
    return (a->base > b->base) - (a->base < b->base);
}

bool seep_map_compare(const struct seep_space *old, const struct seep_space *new_,
                      struct seep_map_changes *changes)
{
    size_t n = 0, kept = 0;
    struct seep_map_change *at = seep_alloc(old->n_regions + new_->n_regions + 1, sizeof *at);
    if (!at)
        return false;
    put_regions(old, true, at, &n);
    put_regions(new_, false, at, &n);
    qsort(at, n, sizeof *at, by_base);
    for (size_t i = 0; i < n;) {
        struct seep_map_change c = at[i];
        size_t same = i + 1;
        for (; same < n && at[same].base == c.base; same++) {
            c.size_bytes += at[same].size_bytes;
            c.committed_bytes += at[same].committed_bytes;
            c.old_size_bytes += at[same].old_size_bytes;
            c.old_committed_bytes += at[same].old_committed_bytes;
            if (!c.detail)
                c.detail = at[same].detail;
            if (c.usage == SEEP_USAGE_UNKNOWN)
                c.usage = at[same].usage;
        }
        i = same;
        if (c.size_bytes != c.old_size_bytes || c.committed_bytes != c.old_committed_bytes)
            at[kept++] = c;
    }
    if (kept)
        qsort(at, kept, sizeof *at, by_growth);
    *changes = (struct seep_map_changes){ at, kept };
    return true;
}

void seep_map_changes_clear(struct seep_map_changes *changes)
{
    seep_free(changes->at);
    *changes = (struct seep_map_changes){ .n = 0 };
}
