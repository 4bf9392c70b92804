// SPDX-License-Identifier: MIT
// The JSON document of `seep map`.
#include "base/alloc.h"
#include "base/time.h"
#include "report/map.h"
#include "report/writer.h"

#include <stdlib.h>
#include <string.h>

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static void key_known(struct seep_json *json, const char *key, uint64_t value)
{
    seep_json_key(json, key);
    if (value != SEEP_UNKNOWN_BYTES)
        seep_json_uint(json, value);
    else
        seep_json_null(json);
}

static void key_address(struct seep_json *json, const char *key, uint64_t value)
{
    seep_json_key(json, key);
    seep_json_address(json, value);
}

static void key_percent(struct seep_json *json, const char *key, uint64_t part, uint64_t whole)
{
    seep_json_key(json, key);
    if (part == SEEP_UNKNOWN_BYTES || whole == SEEP_UNKNOWN_BYTES || whole == 0)
        seep_json_null(json);
    else
        seep_json_number(json, 100.0 * (double)part / (double)whole);
}

static void key_delta(struct seep_json *json, const char *key, uint64_t old, uint64_t new_)
{
    bool known;
    int64_t delta = seep_map_delta(old, new_, &known);
    seep_json_key(json, key);
    if (known)
        seep_json_int(json, delta);
    else
        seep_json_null(json);
}

void seep_region_json(struct seep_json *json, const struct seep_region *r)
{
    char protect[SEEP_PROTECT_TEXT];
    seep_region_protect_name(r->protect, protect);
    key_address(json, "base", r->base);
    seep_json_key_uint(json, "size_bytes", r->size_bytes);
    seep_json_key(json, "allocation_base");
    if (r->allocation_base)
        seep_json_address(json, r->allocation_base);
    else
        seep_json_null(json);
    seep_json_key_string(json, "state", r->state ? seep_region_state_name(r->state) : NULL);
    seep_json_key_string(json, "type", r->type ? seep_region_type_name(r->type) : NULL);
    seep_json_key_string(json, "protect", or_null(protect));
    seep_json_key_string(json, "usage", seep_region_usage_name(r->usage));
    seep_json_key_string(json, "detail", or_null(r->detail));
}

void seep_heap_json(struct seep_json *json, const struct seep_heap *h)
{
    seep_json_key_string(json, "kind", seep_heap_kind_name(h->kind));
    seep_heap_numbers_json(json, h);
}

void seep_heap_numbers_json(struct seep_json *json, const struct seep_heap *h)
{
    key_address(json, "address", h->address);
    seep_json_key_uint(json, "bits", h->bits);
    key_known(json, "busy_blocks", h->busy_blocks);
    key_known(json, "busy_bytes", h->busy_bytes);
    key_known(json, "free_blocks", h->free_blocks);
    key_known(json, "free_bytes", h->free_bytes);
    key_known(json, "committed_bytes", h->committed_bytes);
    key_known(json, "reserved_bytes", h->reserved_bytes);
}

void seep_space_process_json(struct seep_json *json, const struct seep_space *space)
{
    const struct seep_process *p = &space->process;
    seep_json_begin_object(json);
    seep_json_key_string(json, "image", or_null(p->image));
    seep_json_key(json, "pid");
    if (p->has_pid)
        seep_json_uint(json, p->pid);
    else
        seep_json_null(json);
    seep_json_key_string(json, "architecture", or_null(p->architecture));
    seep_json_key(json, "wow64");
    if (p->architecture)
        seep_json_bool(json, p->wow64);
    else
        seep_json_null(json);
    seep_json_key_time(json, "start", p->start_ns);
    seep_json_key_time(json, "taken", space->taken_ns);
    seep_json_key_string(json, "host", or_null(space->machine.host));
    seep_json_end_object(json);
}

static void write_row(struct seep_json *json, const struct seep_map_report *report,
                      const char *kind, const char *name, const struct seep_map_row *row,
                      const struct seep_map_row *old)
{
    const struct seep_map *map = report->map;
    bool is_free = strcmp(name, "Free") == 0;
    seep_json_begin_object(json);
    seep_json_key_string(json, kind, name);
    key_known(json, "regions", row->regions);
    key_known(json, "size_bytes", row->size_bytes);
    key_known(json, "largest_bytes", row->largest_bytes);
    seep_json_key(json, "largest_base");
    if (row->regions && row->regions != SEEP_UNKNOWN_BYTES)
        seep_json_address(json, row->largest_base);
    else
        seep_json_null(json);
    key_percent(json, "percent_of_busy", is_free ? SEEP_UNKNOWN_BYTES : row->size_bytes,
                map->busy_bytes);
    key_percent(json, "percent_of_total", row->size_bytes, map->total_bytes);
    if (old) {
        seep_json_key(json, "delta");
        seep_json_begin_object(json);
        key_delta(json, "regions", old->regions, row->regions);
        key_delta(json, "size_bytes", old->size_bytes, row->size_bytes);
        seep_json_end_object(json);
    }
    seep_json_end_object(json);
}

// The rows of an enumeration: those that have regions, now or before, and those that cannot be
// known.
#define ROWS(member, N, name_of, first)                                                            \
    seep_json_key(json, #member);                                                                  \
    seep_json_begin_array(json);                                                                   \
    for (int i = (first); i < (N); i++) {                                                          \
        const struct seep_map_row *was = report->old ? &report->old->member[i] : NULL;             \
        if (report->map->member[i].regions || (was && was->regions))                               \
            write_row(json, report, #member, name_of, &report->map->member[i], was);               \
    }                                                                                              \
    seep_json_end_array(json)

static const struct seep_map_row *protect_of(const struct seep_map *map, uint32_t protect)
{
    static const struct seep_map_row none;
    for (size_t i = 0; map && i < map->n_protect; i++) {
        if (map->protect[i].protect == protect)
            return &map->protect[i].row;
    }
    return map ? &none : NULL;
}

static void write_rows(struct seep_json *json, const struct seep_map_report *report)
{
    ROWS(usage, SEEP_N_REGION_USAGES, seep_region_usage_name((enum seep_region_usage)i), 0);
    ROWS(type, SEEP_N_REGION_TYPES, seep_region_type_name((enum seep_region_type)i), 0);
    ROWS(state, SEEP_N_REGION_STATES, seep_region_state_name((enum seep_region_state)i), 0);
    seep_json_key(json, "protect");
    seep_json_begin_array(json);
    char name[SEEP_PROTECT_TEXT];
    for (size_t i = 0; i < report->map->n_protect; i++) {
        const struct seep_map_protect *p = &report->map->protect[i];
        seep_region_protect_name(p->protect, name);
        write_row(json, report, "protect", name, &p->row, protect_of(report->old, p->protect));
    }
    static const struct seep_map_row gone;
    for (size_t i = 0; report->old && i < report->old->n_protect; i++) {
        const struct seep_map_protect *p = &report->old->protect[i];
        seep_region_protect_name(p->protect, name);
        if (protect_of(report->map, p->protect)->regions == 0)
            write_row(json, report, "protect", name, &gone, &p->row);
    }
    seep_json_end_array(json);
}

static void write_split(struct seep_json *json, const struct seep_map_report *report)
{
    const struct seep_map_split *s = &report->map->split;
    seep_json_key(json, "split");
    seep_json_begin_object(json);
    key_known(json, "committed_private_bytes", s->private_bytes);
    key_known(json, "committed_mapped_bytes", s->mapped_bytes);
    key_known(json, "committed_image_bytes", s->image_bytes);
    key_known(json, "reserved_bytes", s->reserved_bytes);
    if (report->old) {
        const struct seep_map_split *was = &report->old->split;
        seep_json_key(json, "delta");
        seep_json_begin_object(json);
        key_delta(json, "committed_private_bytes", was->private_bytes, s->private_bytes);
        key_delta(json, "committed_mapped_bytes", was->mapped_bytes, s->mapped_bytes);
        key_delta(json, "committed_image_bytes", was->image_bytes, s->image_bytes);
        key_delta(json, "reserved_bytes", was->reserved_bytes, s->reserved_bytes);
        seep_json_end_object(json);
    }
    seep_json_end_object(json);
}

// The heap of the same address and bits, NULL where there is none. Heaps are sorted by address.
static const struct seep_heap *heap_at(const struct seep_space *space, const struct seep_heap *like)
{
    size_t low = 0, high = space->n_heaps;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (space->heaps[middle].address < like->address)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < space->n_heaps && space->heaps[low].address == like->address; low++) {
        if (space->heaps[low].bits == like->bits)
            return &space->heaps[low];
    }
    return NULL;
}

static void write_heap(struct seep_json *json, const struct seep_map_report *report,
                       const struct seep_heap *h)
{
    static const struct seep_heap none;
    seep_json_begin_object(json);
    seep_heap_json(json, h);
    if (report->old) {
        const struct seep_heap *was = heap_at(report->old->space, h);
        seep_json_key(json, "is_new");
        seep_json_bool(json, !was);
        was = was ? was : &none;
        seep_json_key(json, "delta");
        seep_json_begin_object(json);
        key_delta(json, "busy_blocks", was->busy_blocks, h->busy_blocks);
        key_delta(json, "busy_bytes", was->busy_bytes, h->busy_bytes);
        key_delta(json, "free_blocks", was->free_blocks, h->free_blocks);
        key_delta(json, "free_bytes", was->free_bytes, h->free_bytes);
        key_delta(json, "committed_bytes", was->committed_bytes, h->committed_bytes);
        key_delta(json, "reserved_bytes", was->reserved_bytes, h->reserved_bytes);
        seep_json_end_object(json);
    }
    seep_json_end_object(json);
}

static void write_heaps(struct seep_json *json, const struct seep_map_report *report)
{
    const struct seep_space *s = report->map->space;
    size_t n = report->top && report->top < s->n_heaps ? report->top : s->n_heaps;
    seep_json_key(json, "heaps");
    seep_json_begin_array(json);
    for (size_t i = 0; i < n; i++)
        write_heap(json, report, &s->heaps[i]);
    seep_json_end_array(json);
}

static void write_counters(struct seep_json *json, const struct seep_map_report *report)
{
    const struct seep_map *map = report->map;
    const double *counters = map->space->counters;
    double private_bytes = counters[SEEP_METRIC_PRIVATE_BYTES];
    seep_json_key(json, "counters");
    seep_json_begin_object(json);
    for (int i = 1; i < SEEP_N_METRICS; i++) {
        if (counters[i] == counters[i])
            seep_json_key_number(json, seep_metric_name((enum seep_metric)i), counters[i]);
    }
    seep_json_end_object(json);
    // What the system counts as private, against the regions that are.
    seep_json_key(json, "private_check");
    if (!(private_bytes >= 0) || map->split.private_bytes == SEEP_UNKNOWN_BYTES) {
        seep_json_null(json);
        return;
    }
    seep_json_begin_object(json);
    seep_json_key_number(json, "counted_bytes", private_bytes);
    seep_json_key_uint(json, "regions_bytes", map->split.private_bytes);
    seep_json_key_number(json, "difference_bytes",
                         private_bytes - (double)map->split.private_bytes);
    seep_json_end_object(json);
}

static int by_size(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b);
}

size_t seep_map_cut(const struct seep_space *space, size_t top, uint64_t *least_bytes,
                    size_t *n_of_least)
{
    size_t n = 0;
    uint64_t *sizes = seep_alloc(space->n_regions + 1, sizeof *sizes);
    *least_bytes = 0;
    *n_of_least = SIZE_MAX;
    if (!sizes)
        return 0;
    for (size_t i = 0; i < space->n_regions; i++) {
        if (space->regions[i].state != SEEP_STATE_FREE)
            sizes[n++] = space->regions[i].size_bytes;
    }
    if (top && n > top) {
        qsort(sizes, n, sizeof *sizes, by_size);
        *least_bytes = sizes[top - 1];
        for (*n_of_least = 1; *n_of_least < top && sizes[top - 1 - *n_of_least] == *least_bytes;)
            ++*n_of_least;
    }
    seep_free(sizes);
    return n;
}

bool seep_map_shows(const struct seep_region *r, size_t top, uint64_t least_bytes,
                    size_t *n_of_least)
{
    if (top == 0)
        return true;
    if (r->state == SEEP_STATE_FREE || r->size_bytes < least_bytes)
        return false;
    if (r->size_bytes == least_bytes && *n_of_least != SIZE_MAX) {
        if (*n_of_least == 0)
            return false;
        --*n_of_least;
    }
    return true;
}

static void write_regions(struct seep_json *json, const struct seep_map_report *report)
{
    const struct seep_space *s = report->map->space;
    uint64_t least;
    size_t n_of_least;
    (void)seep_map_cut(s, report->top, &least, &n_of_least);
    seep_json_key(json, "regions");
    seep_json_begin_array(json);
    for (size_t i = 0; i < s->n_regions; i++) {
        if (!seep_map_shows(&s->regions[i], report->top, least, &n_of_least))
            continue;
        seep_json_begin_object(json);
        seep_region_json(json, &s->regions[i]);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

// Where a thread is in the code.
static void write_instruction(struct seep_json *json, const struct seep_thread *t)
{
    seep_json_key(json, "instruction");
    if (!t->has_instruction) {
        seep_json_null(json);
        return;
    }
    seep_json_begin_object(json);
    key_address(json, "address", t->instruction);
    seep_json_key_string(json, "module", or_null(t->module));
    seep_json_key_string(json, "function", or_null(t->function));
    seep_json_key(json, "offset");
    if (t->module || t->function)
        seep_json_uint(json, t->offset);
    else
        seep_json_null(json);
    seep_json_key_string(json, "file", or_null(t->file));
    seep_json_key(json, "line");
    if (t->line)
        seep_json_uint(json, t->line);
    else
        seep_json_null(json);
    seep_json_end_object(json);
}

static void write_threads(struct seep_json *json, const struct seep_space *space)
{
    seep_json_key(json, "threads");
    if (!space->n_threads) {
        seep_json_null(json); // there is no process without one
        return;
    }
    seep_json_begin_array(json);
    for (size_t i = 0; i < space->n_threads; i++) {
        const struct seep_thread *t = &space->threads[i];
        seep_json_begin_object(json);
        seep_json_key_uint(json, "id", t->id);
        seep_json_key_string(json, "name", or_null(t->name));
        seep_json_key(json, "exception");
        if (t->crashed)
            seep_json_address(json, t->exception);
        else
            seep_json_null(json);
        write_instruction(json, t);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void write_change(struct seep_json *json, const struct seep_map_change *c)
{
    seep_json_begin_object(json);
    key_address(json, "allocation_base", c->base);
    seep_json_key_string(json, "usage", seep_region_usage_name(c->usage));
    seep_json_key_string(json, "type", c->type ? seep_region_type_name(c->type) : NULL);
    seep_json_key_string(json, "detail", or_null(c->detail));
    seep_json_key_uint(json, "old_committed_bytes", c->old_committed_bytes);
    seep_json_key_uint(json, "committed_bytes", c->committed_bytes);
    key_delta(json, "delta_committed_bytes", c->old_committed_bytes, c->committed_bytes);
    seep_json_key_uint(json, "old_size_bytes", c->old_size_bytes);
    seep_json_key_uint(json, "size_bytes", c->size_bytes);
    key_delta(json, "delta_size_bytes", c->old_size_bytes, c->size_bytes);
    seep_json_end_object(json);
}

static void write_delta(struct seep_json *json, const struct seep_map_report *report)
{
    const struct seep_space *old = report->old->space, *now = report->map->space;
    seep_json_key(json, "delta");
    seep_json_begin_object(json);
    seep_json_key(json, "old_process");
    seep_space_process_json(json, old);
    seep_json_key(json, "duration_s");
    if (old->taken_ns == SEEP_NO_TIME || now->taken_ns == SEEP_NO_TIME)
        seep_json_null(json);
    else
        seep_json_number(json, ((double)now->taken_ns - (double)old->taken_ns) / 1e9);
    seep_json_key(json, "regions_total");
    seep_json_int(json, (int64_t)now->n_regions - (int64_t)old->n_regions);
    seep_json_key(json, "counters");
    seep_json_begin_object(json);
    for (int i = 1; i < SEEP_N_METRICS; i++) {
        double difference = now->counters[i] - old->counters[i];
        if (difference == difference)
            seep_json_key_number(json, seep_metric_name((enum seep_metric)i), difference);
    }
    seep_json_end_object(json);
    seep_json_key(json, "heaps_gone");
    seep_json_begin_array(json);
    for (size_t i = 0; i < old->n_heaps; i++) {
        if (heap_at(now, &old->heaps[i]))
            continue;
        seep_json_begin_object(json);
        seep_heap_json(json, &old->heaps[i]);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_json_key(json, "reservations");
    seep_json_begin_array(json);
    size_t n = report->changes->n;
    for (size_t i = 0; i < n && (report->top == 0 || i < report->top); i++)
        write_change(json, &report->changes->at[i]);
    seep_json_end_array(json);
    seep_json_end_object(json);
}

static void write_body(struct seep_json *json, const struct seep_map_report *report)
{
    const struct seep_map *map = report->map;
    seep_json_key(json, "process");
    seep_space_process_json(json, map->space);
    write_rows(json, report);
    write_split(json, report);
    write_heaps(json, report);
    key_known(json, "regions_total",
              map->space->n_regions ? map->space->n_regions : SEEP_UNKNOWN_BYTES);
    write_counters(json, report);
    write_threads(json, map->space);
    seep_json_key(json, "unknown");
    seep_json_begin_array(json);
    for (size_t i = 0; i < map->n_unknown; i++) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "what", map->unknown[i].what);
        seep_json_key_string(json, "why", map->unknown[i].why);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    if (report->regions)
        write_regions(json, report);
    if (report->old)
        write_delta(json, report);
}

static bool discard(void *ctx, const char *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return true;
}

bool seep_map_json(const struct seep_map_report *report, FILE *out)
{
    // Strings that are no UTF-8 are a loss, and losses stand in front: the first pass counts them.
    struct seep_json dry = { .write = discard };
    seep_json_begin_object(&dry);
    write_body(&dry, report);
    seep_json_end_object(&dry);
    struct seep_json json = { .write = seep_report_to_file, .ctx = out, .pretty = true };
    seep_report_head_checked(&json, "map", report->sources, report->n_sources, dry.n_invalid);
    seep_json_clear(&dry);
    write_body(&json, report);
    seep_json_end_object(&json);
    bool ok = seep_json_flush(&json);
    seep_json_clear(&json);
    return ok;
}
