// SPDX-License-Identifier: MIT
// The address space of a process of this machine as facts, at one moment.
//
// Neither the process nor its memory is changed. It is not stopped either, so its heaps may change
// while they are counted: what does not hang together then is a note, not a loss.
#include "source/live/space.h"

#include "base/alloc.h"
#include "base/time.h"
#include "heap/usage.h"
#include "memory/process_memory.h"
#include "os/sample.h"
#include "os/space.h"
#include "source/live/columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_NO_ACCESS = 0x01,
    PAGE_GUARD = 0x100,
    CANCEL_STEP = 4096, // regions between two looks at the cancel flag
};
// Bytes of heaps that are walked for their totals, and of memory that is read in all.
#define WALK_BYTES ((uint64_t)64 << 20)
#define MOST_BYTES ((uint64_t)128 << 20)

struct view {
    struct seep_sink *sink;
    const struct seep_control *control;
    struct seep_os_space os;
    struct seep_usage usage; // its regions and images are those of `os`
    struct seep_usage_image *images;
    struct seep_process_range *ranges;
    struct seep_process_memory memory;
    struct seep_arena arena;
    struct seep_machine_id machine;
    struct seep_process_id process;
    uint64_t heap_changes; // contradictions in heaps
};

bool seep_live_pid(const char *text, uint32_t *pid)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && value <= UINT32_MAX; i++)
        value = value * 10 + (uint64_t)(text[i] - '0');
    if (i == 0 || text[i] || value > UINT32_MAX)
        return false;
    *pid = (uint32_t)value;
    return true;
}

static const char *file_name(const char *path)
{
    const char *last = path;
    for (const char *at = path; *at; at++) {
        if (*at == '/' || *at == '\\')
            last = at + 1;
    }
    return last;
}

// --- who it is

static bool push_process(struct view *v, const struct seep_os_process *p)
{
    struct seep_process process = {
        .machine = v->machine,
        .pid = p->pid,
        .has_pid = true,
        .parent_pid = p->parent_pid,
        .start_ns = p->start_ns,
        .end_ns = SEEP_NO_TIME,
        .architecture = v->os.architecture,
        .wow64 = v->os.wow64,
        .image = p->image,
    };
    return seep_sink_process(v->sink, &process, &v->process);
}

static bool push_numbers(struct view *v, const struct seep_os_process *p,
                         const struct seep_os_process_fields *fields)
{
    for (size_t i = 0; i < LIVE_PROCESS_VALUES; i++) {
        const struct live_column *column = &live_process_columns[i];
        uint64_t number = live_number_at(p, column->value_at);
        struct seep_series_id id;
        struct seep_series series = {
            .subject = { .kind = SEEP_SUBJECT_PROCESS,
                         .machine = v->machine,
                         .process = v->process },
            .metric = column->metric,
            .counter = live_text_at(fields, column->field_at),
        };
        if (number == SEEP_OS_UNKNOWN || (column->from_first_nonzero && !number))
            continue;
        if (!seep_sink_series(v->sink, &series, &id) ||
            !seep_sink_sample(v->sink, id, (double)number))
            return false;
    }
    return true;
}

// Samples the machine for what is known of the process beside its regions.
static bool push_sample(struct view *v, uint32_t pid, struct seep_err *err)
{
    struct seep_os_sampler *sampler;
    struct seep_os_sample sample;
    struct seep_os_process_fields fields;
    struct seep_os_totals_fields totals;
    const struct seep_os_process *p = NULL;
    if (!seep_os_sampler_open(&sampler, err))
        return false;
    bool ok = seep_os_sampler_take(sampler, &sample, err);
    for (size_t i = 0; ok && i < sample.n_processes && !p; i++) {
        if (sample.processes[i].pid == pid)
            p = &sample.processes[i];
    }
    if (ok && !p)
        ok = seep_fail(err, SEEP_NO_OFFSET, NULL, "the process has just ended");
    if (ok) {
        seep_os_sampler_fields(sampler, &fields, &totals);
        ok = live_push_machine(v->sink, &sample.totals, &v->machine, NULL, err);
    }
    if (ok && !(push_process(v, p) && seep_sink_tick(v->sink, v->machine, sample.t_ns) &&
                push_numbers(v, p, &fields))) {
        *err = v->sink->error;
        ok = false;
    }
    seep_os_sampler_close(sampler);
    return ok;
}

// --- what the regions are for

static int by_base(const void *left, const void *right)
{
    const struct seep_usage_image *a = left, *b = right;
    if (a->base != b->base)
        return a->base < b->base ? -1 : 1;
    return a->size_bytes > b->size_bytes ? -1 : a->size_bytes < b->size_bytes;
}

static bool take_images(struct view *v)
{
    size_t n = 0;
    v->images = seep_alloc(v->os.n_modules + 1, sizeof *v->images);
    if (!v->images)
        return false;
    for (size_t i = 0; i < v->os.n_modules; i++) {
        const struct seep_os_module *m = &v->os.modules[i];
        v->images[i] = (struct seep_usage_image){ m->base, m->size_bytes, m->path, i };
    }
    qsort(v->images, v->os.n_modules, sizeof *v->images, by_base);
    for (size_t i = 0; i < v->os.n_modules; i++) {
        if (n == 0 || v->images[i].base != v->images[n - 1].base)
            v->images[n++] = v->images[i];
    }
    v->usage.images = v->images;
    v->usage.n_images = n;
    return true;
}

static bool take_regions(struct view *v)
{
    for (size_t i = 0; i < v->os.n_regions; i++) {
        const struct seep_os_region *r = &v->os.regions[i];
        struct seep_usage_region region;
        if (!seep_usage_region(r->base, r->size_bytes, r->allocation_base, r->state, r->type,
                               r->protect, &region))
            continue;
        region.detail = r->name;
        if (!seep_usage_add(&v->usage.regions, &region))
            return false;
    }
    (void)seep_usage_tidy(&v->usage.regions);
    return true;
}

static size_t read_process(void *ctx, uint64_t address, void *out, size_t len)
{
    return seep_os_space_read(ctx, address, out, len);
}

// The memory that can be read without disturbing the process: a touched guard page is used up.
static bool open_memory(struct view *v)
{
    size_t n = 0;
    v->ranges = seep_alloc(v->usage.regions.n + 1, sizeof *v->ranges);
    if (!v->ranges)
        return false;
    for (size_t i = 0; i < v->usage.regions.n; i++) {
        const struct seep_usage_region *r = &v->usage.regions.at[i];
        if (r->state != SEEP_STATE_COMMIT || !r->protect ||
            r->protect & (PAGE_NO_ACCESS | PAGE_GUARD))
            continue;
        if (n && v->ranges[n - 1].address + v->ranges[n - 1].size_bytes == r->base)
            v->ranges[n - 1].size_bytes += r->size_bytes;
        else
            v->ranges[n++] = (struct seep_process_range){ r->base, r->size_bytes };
    }
    return seep_process_memory_open(v->ranges, n, read_process, &v->os, v->os.pointer_bytes,
                                    MOST_BYTES, &v->memory);
}

static const char *thread_text(struct view *v, uint32_t id)
{
    char text[24];
    int len = snprintf(text, sizeof text, "thread %" PRIu32, id);
    return seep_arena_strndup(&v->arena, text, (size_t)len);
}

// What Linux says itself: its words for memory, and where the stacks of threads are.
static bool claim_named(struct view *v)
{
    bool wide = v->os.pointer_bytes == 8;
    for (size_t i = 0; i < v->os.n_regions; i++) {
        const struct seep_os_region *r = &v->os.regions[i];
        struct seep_usage_claim claim = { .detail = r->name };
        if (r->use == SEEP_OS_USE_UNKNOWN)
            continue;
        if (r->use == SEEP_OS_USE_HEAP) {
            claim.usage = wide ? SEEP_USAGE_HEAP64 : SEEP_USAGE_HEAP32;
            claim.rank = SEEP_RANK_HEAP;
        } else if (r->use == SEEP_OS_USE_STACK) {
            claim.usage = wide ? SEEP_USAGE_STACK64 : SEEP_USAGE_STACK32;
            claim.rank = SEEP_RANK_STACK;
            if (r->thread && (claim.detail = thread_text(v, r->thread)) == NULL)
                return false;
        } else {
            claim.usage = SEEP_USAGE_OTHER;
            claim.rank = SEEP_RANK_OTHER;
        }
        seep_usage_claim_range(&v->usage.regions, r->base, r->base + r->size_bytes, &claim);
    }
    seep_usage_settle(&v->usage.regions, v->images, v->usage.n_images);
    return true;
}

static bool classify(struct view *v)
{
    struct seep_usage *u = &v->usage;
    u->build = v->os.build;
    u->pointer_bytes = v->os.pointer_bytes;
    u->wow64 = v->os.wow64;
    u->arena = &v->arena;
    u->control = v->control;
    u->peb32 = v->os.peb32;
    u->peb64 = v->os.peb64;
    if (!take_images(v) || !take_regions(v))
        return false;
    if (!v->os.has_blocks)
        return claim_named(v);
    if (!open_memory(v))
        return false;
    u->memory = &v->memory.memory;
    for (size_t i = 0; i < v->os.n_threads; i++) {
        const char *detail = thread_text(v, v->os.threads[i].id);
        if (!detail)
            return false;
        seep_usage_thread(u, v->os.threads[i].teb, 0, detail);
    }
    return seep_usage_finish(u);
}

// --- what is told

static bool push_modules(struct view *v)
{
    for (size_t i = 0; i < v->usage.n_images; i++) {
        const struct seep_usage_image *image = &v->images[i];
        struct seep_module module = {
            .process = v->process,
            .base = image->base,
            .size_bytes = image->size_bytes,
            .path = image->path,
            .identity = { .name = image->path ? file_name(image->path) : NULL,
                          .size_bytes = (uint32_t)image->size_bytes },
        };
        if (!seep_sink_module(v->sink, &module))
            return false;
    }
    return true;
}

static bool push_regions(struct view *v)
{
    for (size_t i = 0; i < v->usage.regions.n; i++) {
        const struct seep_usage_region *at = &v->usage.regions.at[i];
        struct seep_region region = {
            .process = v->process,
            .base = at->base,
            .size_bytes = at->size_bytes,
            .allocation_base = at->allocation_base,
            .state = (enum seep_region_state)at->state,
            .type = (enum seep_region_type)at->type,
            .usage = (enum seep_region_usage)at->usage,
            .protect = at->protect,
            .detail = at->detail,
        };
        if (!seep_sink_region(v->sink, &region) ||
            (i % CANCEL_STEP == 0 && seep_cancelled(v->control)))
            return false;
    }
    return true;
}

static bool on_heap(void *ctx, const struct seep_heap *heap)
{
    struct view *v = ctx;
    struct seep_heap fact = *heap;
    fact.process = v->process;
    return seep_sink_heap(v->sink, &fact);
}

static bool on_loss(void *ctx, const char *what, uint64_t address, const char *text)
{
    struct view *v = ctx;
    (void)what;
    (void)address;
    (void)text;
    v->heap_changes++;
    return true;
}

static bool push_heaps(struct view *v)
{
    struct seep_heap_process process[2] = { seep_usage_heap_process(&v->usage, 4),
                                            seep_usage_heap_process(&v->usage, 8) };
    struct seep_heap_visitor visitor = { .loss = on_loss, .ctx = v };
    uint64_t unwalked;
    if (!v->sink->ops->heap || v->usage.n_heaps == 0)
        return true;
    return seep_usage_totals(&v->usage, process, WALK_BYTES, &visitor, on_heap, &unwalked) &&
           (!unwalked ||
            seep_sink_note(v->sink, "heaps-not-counted", unwalked, SEEP_UNKNOWN_COUNT,
                           SEEP_NO_OFFSET,
                           "the blocks of %" PRIu64
                           " large heaps were not counted: `seep heap` does, of a dump",
                           unwalked)) &&
           (!v->heap_changes ||
            seep_sink_note(v->sink, "heap-changing", v->heap_changes, SEEP_UNKNOWN_COUNT,
                           SEEP_NO_OFFSET,
                           "the process went on while its heaps were counted, and %" PRIu64
                           " places did not hang together: a dump holds still",
                           v->heap_changes));
}

static bool note(struct view *v, const char *what, uint64_t count, const char *text)
{
    return !count || seep_sink_note(v->sink, what, count, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                                    "%" PRIu64 " %s", count, text);
}

static bool push_notes(struct view *v)
{
    const struct seep_usage_doubts *d = &v->usage.doubts;
    bool no_heaps = v->os.has_blocks && (v->os.wow64 ? !v->usage.peb32 : !v->usage.peb64);
    return note(v, "usage-partial", v->os.n_threads_unread,
                v->os.has_blocks ? "threads may not be looked at: their stacks count as other "
                                   "private memory"
                                 : "threads run or may not be looked at: their stacks count as "
                                   "other private memory") &&
           note(v, "usage-partial", d->tebs_unread,
                "TEBs could not be read: the threads' stacks count as other private memory") &&
           note(v, "usage-partial", d->heaps_unread + d->heaps_bad,
                "heaps' lists could not be read: their further segments and large blocks count "
                "as other private memory") &&
           note(v, "heap-layout", d->heaps_foreign,
                "heaps are of no layout that seep knows (Wine's, or a program's own): only their "
                "first reservation is known") &&
           (!no_heaps ||
            seep_sink_note(v->sink, "usage-partial", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                           SEEP_NO_OFFSET,
                           "the PEB could not be read: heaps cannot be told from other private "
                           "memory")) &&
           (!seep_process_memory_exhausted(&v->memory) ||
            seep_sink_note(v->sink, "usage-partial", SEEP_UNKNOWN_COUNT, SEEP_UNKNOWN_COUNT,
                           SEEP_NO_OFFSET,
                           "not all memory that was wanted was read: numbers of heaps are a "
                           "lower bound"));
}

static enum seep_status look(struct view *v, uint32_t pid, struct seep_err *err)
{
    if (!seep_os_space_open(pid, &v->os, err))
        return SEEP_FAILED;
    if (!classify(v)) {
        (void)seep_fail_memory(err);
        return SEEP_FAILED;
    }
    if (!push_sample(v, pid, err))
        return SEEP_FAILED;
    if (push_modules(v) && push_regions(v) && push_heaps(v) && push_notes(v))
        return SEEP_OK;
    if (seep_cancelled(v->control))
        return SEEP_CANCELLED;
    *err = v->sink->error;
    return SEEP_FAILED;
}

static enum seep_status read_space(const struct seep_input *input, struct seep_sink *sink,
                                   const struct seep_control *control, uint64_t *read_bytes,
                                   struct seep_err *err)
{
    struct view v = { .sink = sink, .control = control };
    struct seep_err own = { 0 };
    uint32_t pid;
    *read_bytes = 0;
    if (!seep_live_pid(input->path, &pid)) {
        (void)seep_fail(err, SEEP_NO_OFFSET, "give a decimal number", "is no PID");
        return SEEP_FAILED;
    }
    enum seep_status status = look(&v, pid, &own);
    if (status != SEEP_OK && err)
        *err = own;
    seep_usage_clear(&v.usage);
    seep_process_memory_close(&v.memory);
    seep_free(v.ranges);
    seep_free(v.images);
    seep_arena_clear(&v.arena);
    seep_os_space_close(&v.os);
    return status;
}

const struct seep_source *seep_live_space_source(void)
{
    static struct seep_source source = {
        .about = "the address space of a process of this machine",
        .read = read_space,
    };
    source.name = seep_os_live_name();
    return &source;
}
