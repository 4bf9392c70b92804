// SPDX-License-Identifier: MIT
// `seep map` for a person: the sections and columns of WinDbg's !address -summary, in its words.
#include "base/alloc.h"
#include "base/time.h"
#include "report/map.h"
#include "report/plain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TOP = 20 };

struct text {
    const struct seep_map_report *report;
    struct seep_buf out;
    bool wide; // addresses need more than 32 bits
    size_t top;
};

// A row as it is sorted: WinDbg shows the largest first, and Free before all.
struct line {
    const char *name;
    const struct seep_map_row *row, *old;
    bool is_free;
};

static bool known(uint64_t value)
{
    return value != SEEP_UNKNOWN_BYTES;
}

// "7ff6`a0001000" as WinDbg writes it, or eight digits for 32-bit processes.
static void add_hex(struct text *t, uint64_t value)
{
    if (t->wide || value > UINT32_MAX)
        seep_buf_addf(&t->out, "%8" PRIx32 "`%08" PRIx32, (uint32_t)(value >> 32), (uint32_t)value);
    else
        seep_buf_addf(&t->out, "         %8" PRIx32, (uint32_t)value);
}

// "( 419.703 MB)"
static void add_size(struct text *t, uint64_t bytes)
{
    static const char *const units[] = { " B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    seep_buf_addf(&t->out, " (%8.3f %s)", value, units[unit]);
}

static void add_percent(struct text *t, uint64_t part, uint64_t whole)
{
    if (!known(part) || !known(whole) || whole == 0)
        seep_buf_addf(&t->out, "%9s", "");
    else
        seep_buf_addf(&t->out, "%8.2f%%", 100.0 * (double)part / (double)whole);
}

static void add_delta(struct text *t, uint64_t old, uint64_t new_)
{
    bool is_known;
    char size[SEEP_HUMAN_TEXT];
    int64_t delta = seep_map_delta(old, new_, &is_known);
    seep_human_bytes((double)delta, size);
    if (is_known)
        seep_buf_addf(&t->out, " %s%s", delta > 0 ? "+" : "", size);
    else
        seep_buf_adds(&t->out, " ?");
}

static int by_size(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    if (a->is_free != b->is_free)
        return a->is_free ? -1 : 1;
    // What is not known sorts last.
    uint64_t x = a->row->size_bytes + 1, y = b->row->size_bytes + 1;
    if (x != y)
        return x > y ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void add_line(struct text *t, const struct line *line)
{
    const struct seep_map *map = t->report->map;
    seep_buf_addf(&t->out, "%-36s", line->name);
    if (!known(line->row->regions)) {
        seep_buf_addf(&t->out, "%6s %17s", "?", "unknown");
    } else {
        seep_buf_addf(&t->out, "%6" PRIu64 " ", line->row->regions);
        add_hex(t, line->row->size_bytes);
        add_size(t, line->row->size_bytes);
        add_percent(t, line->is_free ? SEEP_UNKNOWN_BYTES : line->row->size_bytes, map->busy_bytes);
        add_percent(t, line->row->size_bytes, map->total_bytes);
        if (line->old && line->old->size_bytes != line->row->size_bytes)
            add_delta(t, line->old->size_bytes, line->row->size_bytes);
    }
    while (t->out.len && t->out.data[t->out.len - 1] == ' ')
        t->out.len--;
    seep_buf_addc(&t->out, '\n');
}

static void add_lines(struct text *t, const char *title, struct line *lines, size_t n)
{
    if (n == 0)
        return;
    seep_buf_addf(&t->out,
                  "\n--- %s RgnCount ----------- Total Size -------- %%ofBusy %%ofTotal%s\n", title,
                  t->report->old ? "  Change" : "");
    qsort(lines, n, sizeof *lines, by_size);
    for (size_t i = 0; i < n; i++)
        add_line(t, &lines[i]);
}

static void add_usages(struct text *t)
{
    struct line lines[SEEP_N_REGION_USAGES];
    const struct seep_map *map = t->report->map, *old = t->report->old;
    size_t n = 0;
    for (int i = 0; i < SEEP_N_REGION_USAGES; i++) {
        if (map->usage[i].regions || (old && old->usage[i].regions))
            lines[n++] =
                (struct line){ seep_region_usage_name((enum seep_region_usage)i), &map->usage[i],
                               old ? &old->usage[i] : NULL, i == SEEP_USAGE_FREE };
    }
    add_lines(t, "Usage Summary ----------------", lines, n);
}

static void add_types(struct text *t)
{
    static const char *const names[SEEP_N_REGION_TYPES] = {
        "<unknown>", "MEM_PRIVATE", "MEM_MAPPED", "MEM_IMAGE", "",
    };
    struct line lines[SEEP_N_REGION_TYPES];
    const struct seep_map *map = t->report->map, *old = t->report->old;
    size_t n = 0;
    for (int i = 0; i < SEEP_N_REGION_TYPES; i++) {
        if (i != SEEP_TYPE_FREE && (map->type[i].regions || (old && old->type[i].regions)))
            lines[n++] =
                (struct line){ names[i], &map->type[i], old ? &old->type[i] : NULL, false };
    }
    add_lines(t, "Type Summary (for busy) ------", lines, n);
}

static void add_states(struct text *t)
{
    static const char *const names[SEEP_N_REGION_STATES] = {
        "<unknown>",
        "MEM_COMMIT",
        "MEM_RESERVE",
        "MEM_FREE",
    };
    struct line lines[SEEP_N_REGION_STATES];
    const struct seep_map *map = t->report->map, *old = t->report->old;
    size_t n = 0;
    for (int i = 0; i < SEEP_N_REGION_STATES; i++) {
        if (map->state[i].regions || (old && old->state[i].regions))
            lines[n++] = (struct line){ names[i], &map->state[i], old ? &old->state[i] : NULL,
                                        i == SEEP_STATE_FREE };
    }
    add_lines(t, "State Summary ----------------", lines, n);
}

// "ExecuteRead|Guard" in WinDbg's words: "PAGE_EXECUTE_READ|PAGE_GUARD".
static void page_name(uint32_t protect, char *name, size_t size)
{
    char ours[SEEP_PROTECT_TEXT];
    struct seep_buf theirs = { 0 };
    seep_region_protect_name(protect, ours);
    for (const char *at = ours; *at; at++) {
        bool start = at == ours || at[-1] == '|';
        bool number = at[0] == '0' && at[1] == 'x';
        if (start && number) {
            seep_buf_adds(&theirs, at);
            break;
        }
        if (start)
            seep_buf_adds(&theirs, "PAGE_");
        // One word to Windows: READONLY, READWRITE, WRITECOPY, NOACCESS, …
        if (!start && strncmp(at - 1, "eRead", 5) == 0)
            seep_buf_addc(&theirs, '_');
        else if (!start && strncmp(at - 1, "eWriteCopy", 10) == 0)
            seep_buf_addc(&theirs, '_');
        seep_buf_addc(&theirs, *at >= 'a' && *at <= 'z' ? (char)(*at - 32) : *at);
    }
    (void)snprintf(name, size, "%s", seep_buf_text(&theirs));
    seep_buf_clear(&theirs);
}

static void add_protections(struct text *t)
{
    enum { NAME = 160 };
    const struct seep_map *map = t->report->map, *old = t->report->old;
    static const struct seep_map_row none;
    struct line *lines = seep_alloc(map->n_protect + 1, sizeof *lines);
    char(*names)[NAME] = seep_alloc(map->n_protect + 1, sizeof *names);
    if (lines && names) {
        for (size_t i = 0; i < map->n_protect; i++) {
            const struct seep_map_row *was = old ? &none : NULL;
            for (size_t k = 0; old && k < old->n_protect; k++) {
                if (old->protect[k].protect == map->protect[i].protect)
                    was = &old->protect[k].row;
            }
            page_name(map->protect[i].protect, names[i], NAME);
            lines[i] = (struct line){ names[i], &map->protect[i].row, was, false };
        }
        add_lines(t, "Protect Summary (for commit) -", lines, map->n_protect);
    } else {
        t->out.failed = true;
    }
    seep_free(names);
    seep_free(lines);
}

static void add_largest(struct text *t)
{
    const struct seep_map *map = t->report->map;
    struct line lines[SEEP_N_REGION_USAGES];
    size_t n = 0;
    for (int i = 0; i < SEEP_N_REGION_USAGES; i++) {
        if (map->usage[i].regions && known(map->usage[i].regions))
            lines[n++] = (struct line){ seep_region_usage_name((enum seep_region_usage)i),
                                        &map->usage[i], NULL, i == SEEP_USAGE_FREE };
    }
    seep_buf_adds(&t->out, "\n--- Largest Region by Usage ----------- Base Address -------- "
                           "Region Size ----------\n");
    if (n)
        qsort(lines, n, sizeof *lines, by_size);
    for (size_t i = 0; i < n; i++) {
        seep_buf_addf(&t->out, "%-36s", lines[i].name);
        add_hex(t, lines[i].row->largest_base);
        seep_buf_addc(&t->out, ' ');
        add_hex(t, lines[i].row->largest_bytes);
        add_size(t, lines[i].row->largest_bytes);
        seep_buf_addc(&t->out, '\n');
    }
}

static void add_number(struct text *t, const char *what, uint64_t bytes, bool has_old, uint64_t old)
{
    char size[SEEP_HUMAN_TEXT] = "unknown";
    if (known(bytes))
        seep_human_bytes((double)bytes, size);
    seep_buf_addf(&t->out, "%-36s%12s", what, size);
    if (known(bytes))
        seep_buf_addf(&t->out, " (%" PRIu64 ")", bytes);
    if (has_old && old != bytes)
        add_delta(t, old, bytes);
    seep_buf_addc(&t->out, '\n');
}

static void add_split(struct text *t)
{
    const struct seep_map *map = t->report->map, *old = t->report->old;
    const struct seep_map_split none = { 0 }, *was = old ? &old->split : &none;
    double counted = map->space->counters[SEEP_METRIC_PRIVATE_BYTES];
    seep_buf_adds(&t->out, "\n--- Committed and reserved\n");
    add_number(t, "Committed private", map->split.private_bytes, old, was->private_bytes);
    add_number(t, "Committed mapped", map->split.mapped_bytes, old, was->mapped_bytes);
    add_number(t, "Committed image", map->split.image_bytes, old, was->image_bytes);
    add_number(t, "Reserved", map->split.reserved_bytes, old, was->reserved_bytes);
    if (!(counted >= 0))
        return;
    char size[SEEP_HUMAN_TEXT], difference[SEEP_HUMAN_TEXT];
    seep_human_bytes(counted, size);
    seep_buf_addf(&t->out, "%-36s%12s", "Private bytes by the system's count", size);
    if (known(map->split.private_bytes)) {
        double apart = counted - (double)map->split.private_bytes;
        seep_human_bytes(apart, difference);
        seep_buf_addf(&t->out, ": %s%s beside the private regions", apart > 0 ? "+" : "",
                      difference);
        bool resident = map->space->machine.os && strcmp(map->space->machine.os, "Linux") == 0;
        // What is less has a reason only where the system counts the pages that are there.
        if (apart < 0 && resident)
            seep_buf_adds(&t->out, " (pages that were never written to)");
        if (apart > 0)
            seep_buf_adds(&t->out,
                          " (pages of images and files that were written to, page tables)");
    }
    seep_buf_addc(&t->out, '\n');
}

static int by_busy(const void *left, const void *right)
{
    const struct seep_heap *a = *(const struct seep_heap *const *)left;
    const struct seep_heap *b = *(const struct seep_heap *const *)right;
    uint64_t x = a->busy_bytes + 1, y = b->busy_bytes + 1; // unknown is 0 then
    if (x != y)
        return x > y ? -1 : 1;
    x = a->committed_bytes + 1;
    y = b->committed_bytes + 1;
    if (x != y)
        return x > y ? -1 : 1;
    return (a->address > b->address) - (a->address < b->address);
}

static void add_count(struct text *t, uint64_t value, int width)
{
    if (known(value))
        seep_buf_addf(&t->out, " %*" PRIu64, width, value);
    else
        seep_buf_addf(&t->out, " %*s", width, "?");
}

static const struct seep_heap *same_heap(const struct seep_space *space, const struct seep_heap *h)
{
    size_t low = 0, high = space->n_heaps;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (space->heaps[middle].address < h->address)
            low = middle + 1;
        else
            high = middle;
    }
    bool is = low < space->n_heaps && space->heaps[low].address == h->address;
    return is ? &space->heaps[low] : NULL;
}

static void add_heap(struct text *t, const struct seep_heap *h)
{
    add_hex(t, h->address);
    seep_buf_addf(&t->out, " %-7s %4u", seep_heap_kind_name(h->kind), h->bits);
    add_count(t, h->busy_blocks, 11);
    add_count(t, h->busy_bytes, 14);
    add_count(t, h->free_blocks, 11);
    add_count(t, h->free_bytes, 14);
    add_count(t, h->committed_bytes, 14);
    add_count(t, h->reserved_bytes, 14);
    if (t->report->old) {
        const struct seep_heap *was = same_heap(t->report->old->space, h);
        if (!was)
            seep_buf_adds(&t->out, " new");
        else if (was->busy_bytes != h->busy_bytes)
            add_delta(t, was->busy_bytes, h->busy_bytes);
    }
    seep_buf_addc(&t->out, '\n');
}

static void add_heaps(struct text *t)
{
    const struct seep_space *s = t->report->map->space;
    if (s->n_heaps == 0)
        return;
    const struct seep_heap **order = seep_alloc(s->n_heaps, sizeof(struct seep_heap *));
    if (!order) {
        t->out.failed = true;
        return;
    }
    for (size_t i = 0; i < s->n_heaps; i++)
        order[i] = &s->heaps[i];
    qsort(order, s->n_heaps, sizeof(struct seep_heap *), by_busy);
    seep_buf_addf(&t->out,
                  "\n--- Heaps ------- Kind    Bits BusyBlocks      BusyBytes  FreeBlocks      "
                  "FreeBytes      Committed       Reserved%s\n",
                  t->report->old ? "  Change" : "");
    for (size_t i = 0; i < s->n_heaps && i < t->top; i++)
        add_heap(t, order[i]);
    if (s->n_heaps > t->top)
        seep_buf_addf(&t->out, "%zu more heaps: --top 0 shows all\n", s->n_heaps - t->top);
    seep_free(order);
}

static void add_regions(struct text *t)
{
    const struct seep_space *s = t->report->map->space;
    size_t top = t->top == SIZE_MAX ? 0 : t->top, n_of_least, n;
    uint64_t least;
    n = seep_map_cut(s, top, &least, &n_of_least);
    seep_buf_adds(&t->out, "\n--- Regions ---------- Size ---------- Type    State   Protect"
                           "                Usage\n");
    for (size_t i = 0; i < s->n_regions; i++) {
        const struct seep_region *r = &s->regions[i];
        char protect[SEEP_PROTECT_TEXT];
        if (!seep_map_shows(r, top, least, &n_of_least))
            continue;
        seep_region_protect_name(r->protect, protect);
        add_hex(t, r->base);
        seep_buf_addc(&t->out, ' ');
        add_hex(t, r->size_bytes);
        seep_buf_addf(&t->out, " %-7s %-7s %-22s %s", r->type ? seep_region_type_name(r->type) : "",
                      r->state ? seep_region_state_name(r->state) : "", protect,
                      seep_region_usage_name(r->usage));
        if (r->detail) {
            seep_buf_adds(&t->out, " [");
            seep_plain_add(&t->out, r->detail, 120);
            seep_buf_addc(&t->out, ']');
        }
        seep_buf_addc(&t->out, '\n');
    }
    if (top && n > top)
        seep_buf_addf(&t->out, "the %zu largest; %zu more: --top 0 shows all\n", top, n - top);
}

// "app.exe!Cache::add+0x12 [cache.cpp:88]", as far as it is known.
static void add_place(struct text *t, const struct seep_thread *thread)
{
    if (thread->module || thread->function)
        seep_buf_addc(&t->out, ' ');
    if (thread->module)
        seep_plain_add(&t->out, thread->module, 60);
    if (thread->function) {
        seep_buf_addc(&t->out, '!');
        seep_plain_add(&t->out, thread->function, 120);
    }
    if (thread->module || thread->function)
        seep_buf_addf(&t->out, "+0x%" PRIx64, thread->offset);
    if (thread->file) {
        seep_buf_adds(&t->out, " [");
        seep_plain_add(&t->out, thread->file, 120);
        seep_buf_addf(&t->out, ":%" PRIu32 "]", thread->line);
    }
}

static void add_threads(struct text *t)
{
    const struct seep_space *s = t->report->map->space;
    if (!s->n_threads)
        return;
    seep_buf_adds(&t->out, "\n--- Threads --- Instruction ---- Function\n");
    for (size_t i = 0; i < s->n_threads && i < t->top; i++) {
        const struct seep_thread *thread = &s->threads[i];
        seep_buf_addf(&t->out, "%10" PRIu32 " ", thread->id);
        if (thread->has_instruction)
            add_hex(t, thread->instruction);
        else
            seep_buf_addf(&t->out, "%17s", "?");
        add_place(t, thread);
        if (thread->name) {
            seep_buf_adds(&t->out, " (");
            seep_plain_add(&t->out, thread->name, 60);
            seep_buf_addc(&t->out, ')');
        }
        if (thread->crashed)
            seep_buf_addf(&t->out, " exception 0x%" PRIx32, thread->exception);
        seep_buf_addc(&t->out, '\n');
    }
    if (s->n_threads > t->top)
        seep_buf_addf(&t->out, "%zu more threads: --top 0 shows all\n", s->n_threads - t->top);
}

static void add_changes(struct text *t)
{
    const struct seep_map_changes *changes = t->report->changes;
    seep_buf_adds(&t->out,
                  "\n--- What changed ------ Committed (by) ------- Size (by) ------------ "
                  "Type    Usage\n");
    if (changes->n == 0)
        seep_buf_adds(&t->out, "nothing\n");
    for (size_t i = 0; i < changes->n && i < t->top; i++) {
        const struct seep_map_change *c = &changes->at[i];
        char size[SEEP_HUMAN_TEXT], by[SEEP_HUMAN_TEXT];
        int64_t grown = (int64_t)(c->committed_bytes - c->old_committed_bytes);
        add_hex(t, c->base);
        seep_human_bytes((double)c->committed_bytes, size);
        seep_human_bytes((double)grown, by);
        seep_buf_addf(&t->out, " %10s %s%-10s", size, grown > 0 ? "+" : grown < 0 ? "" : " ", by);
        grown = (int64_t)(c->size_bytes - c->old_size_bytes);
        seep_human_bytes((double)c->size_bytes, size);
        seep_human_bytes((double)grown, by);
        seep_buf_addf(&t->out, " %10s %s%-10s %-7s %s", size,
                      grown > 0   ? "+"
                      : grown < 0 ? ""
                                  : " ",
                      by, c->type ? seep_region_type_name(c->type) : "",
                      seep_region_usage_name(c->usage));
        if (c->detail) {
            seep_buf_adds(&t->out, " [");
            seep_plain_add(&t->out, c->detail, 120);
            seep_buf_addc(&t->out, ']');
        }
        seep_buf_addc(&t->out, '\n');
    }
    if (changes->n > t->top)
        seep_buf_addf(&t->out, "%zu more reservations changed: --top 0 shows all\n",
                      changes->n - t->top);
}

static void add_process(struct text *t, const struct seep_space *s)
{
    const struct seep_process *p = &s->process;
    seep_plain_add(&t->out, p->image && *p->image ? p->image : "a process", 120);
    if (p->has_pid)
        seep_buf_addf(&t->out, " (%" PRIu32 ")", p->pid);
    if (p->architecture) {
        seep_buf_adds(&t->out, ", ");
        seep_plain_add(&t->out, p->architecture, 20);
        if (p->wow64)
            seep_buf_adds(&t->out, " under WoW64");
    }
    if (s->taken_ns != SEEP_NO_TIME) {
        char when[SEEP_TIME_TEXT];
        seep_time_format(s->taken_ns, when);
        seep_buf_addf(&t->out, ", %.19sZ", when);
    }
    if (s->n_regions)
        seep_buf_addf(&t->out, ": %zu regions", s->n_regions);
}

static void add_head(struct text *t)
{
    const struct seep_map *map = t->report->map, *old = t->report->old;
    add_process(t, map->space);
    seep_buf_addc(&t->out, '\n');
    if (old) {
        seep_buf_adds(&t->out, "compared with ");
        add_process(t, old->space);
        if (old->space->taken_ns != SEEP_NO_TIME && map->space->taken_ns != SEEP_NO_TIME) {
            char text[SEEP_HUMAN_TEXT];
            seep_human_duration(((double)map->space->taken_ns - (double)old->space->taken_ns) / 1e9,
                                text);
            seep_buf_addf(&t->out, ", %s before", text);
        }
        seep_buf_addc(&t->out, '\n');
    }
}

static void add_losses(struct text *t)
{
    const struct seep_map *map = t->report->map;
    if (map->n_unknown)
        seep_buf_addc(&t->out, '\n');
    for (size_t i = 0; i < map->n_unknown; i++)
        seep_buf_addf(&t->out, "unknown: %s: %s\n", map->unknown[i].what, map->unknown[i].why);
    for (size_t i = 0; i < t->report->n_sources; i++) {
        const struct seep_dataset_source *s = &t->report->sources[i];
        for (size_t l = 0; l < s->n_losses; l++) {
            seep_plain_add(&t->out, s->path, 0);
            seep_buf_adds(&t->out, s->losses[l].harmless ? ": note: " : ": lost: ");
            seep_plain_add(&t->out, s->losses[l].text, 0);
            seep_buf_addc(&t->out, '\n');
        }
    }
}

bool seep_map_text(const struct seep_map_report *report, FILE *out)
{
    const struct seep_space *s = report->map->space;
    struct text t = { .report = report, .top = report->top ? report->top : DEFAULT_TOP };
    for (size_t i = 0; i < s->n_regions; i++)
        t.wide = t.wide || s->regions[i].base + (s->regions[i].size_bytes - 1) > UINT32_MAX;
    add_head(&t);
    if (s->n_regions) {
        add_usages(&t);
        add_types(&t);
        add_states(&t);
        add_protections(&t);
        add_largest(&t);
    }
    add_split(&t);
    add_heaps(&t);
    if (report->threads)
        add_threads(&t);
    if (report->regions)
        add_regions(&t);
    if (report->old)
        add_changes(&t);
    add_losses(&t);
    bool ok = !t.out.failed && fwrite(seep_buf_text(&t.out), 1, t.out.len, out) == t.out.len;
    seep_buf_clear(&t.out);
    return ok;
}
