// SPDX-License-Identifier: MIT
// What one moment of a process says: where its memory is, and what in it looks like a leak.
//
// One moment cannot show growth, so nothing here is more than a suspicion; verdict.c holds the
// thresholds. Two snapshots of one process show growth, but no course.
#include "detect/judge.h"

#include "base/alloc.h"
#include "base/time.h"
#include "model/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Reservations of one size.
struct alike {
    uint64_t size_bytes, count;
    double committed, reserved; // bytes of them all; what is not committed
};

// What is kept of a snapshot once its facts are gone. Strings are in the arena of the drafts.
struct shot {
    int64_t taken_ns;
    struct seep_source_id source;
    size_t n_regions;
    bool has_types, bits32, has_free, has_heap;
    double private_, heap, stack, other; // committed: private, and of it
    double mapped, image;                // committed
    double reserved, busy, largest_free;
    struct alike private_alike, reserved_alike; // most bytes of one size; neither heap nor stack
    double heap_busy, heap_blocks;              // of the heaps that could be walked; NaN = of none
    uint64_t size_bytes;                        // of the blocks that take most
    double size_blocks, size_total;
    const char *type;
    double type_blocks, type_total;
    double unreachable_blocks, unreachable_total; // NaN = not asked for
    const char *unreachable_type;
    uint64_t unreachable_size;
    double unreachable_most;
    double handles, threads; // NaN = unknown
    const char *handle_type;
    double handles_of_type;
};

struct reservation {
    uint64_t base, size_bytes, committed_bytes;
};

static int by_base(const void *left, const void *right)
{
    const struct reservation *a = left, *b = right;
    return (a->base > b->base) - (a->base < b->base);
}

static int by_size(const void *left, const void *right)
{
    const struct reservation *a = left, *b = right;
    return (a->size_bytes > b->size_bytes) - (a->size_bytes < b->size_bytes);
}

// Finds the size of which most is committed, and most only reserved. Sorts the array.
static void find_alike(struct reservation *at, size_t n, struct shot *shot)
{
    size_t kept = 0;
    if (n)
        qsort(at, n, sizeof *at, by_base);
    for (size_t i = 0; i < n; i++) {
        if (kept && at[kept - 1].base == at[i].base) {
            at[kept - 1].size_bytes += at[i].size_bytes;
            at[kept - 1].committed_bytes += at[i].committed_bytes;
        } else {
            at[kept++] = at[i];
        }
    }
    if (kept)
        qsort(at, kept, sizeof *at, by_size);
    for (size_t i = 0; i < kept;) {
        struct alike a = { .size_bytes = at[i].size_bytes };
        for (; i < kept && at[i].size_bytes == a.size_bytes; i++) {
            a.count++;
            a.committed += (double)at[i].committed_bytes;
            a.reserved += (double)(at[i].size_bytes - at[i].committed_bytes);
        }
        if (a.committed > shot->private_alike.committed)
            shot->private_alike = a;
        if (a.reserved > shot->reserved_alike.reserved)
            shot->reserved_alike = a;
    }
}

static bool is_heap(const struct seep_region *r)
{
    return r->usage == SEEP_USAGE_HEAP32 || r->usage == SEEP_USAGE_HEAP64;
}

static bool is_stack(const struct seep_region *r)
{
    return r->usage == SEEP_USAGE_STACK32 || r->usage == SEEP_USAGE_STACK64;
}

static void add_region(struct shot *shot, const struct seep_region *r)
{
    double size = (double)r->size_bytes;
    shot->has_types = shot->has_types || r->type == SEEP_TYPE_PRIVATE;
    shot->has_heap = shot->has_heap || is_heap(r);
    if (r->state == SEEP_STATE_FREE) {
        shot->has_free = true;
        shot->largest_free = fmax(shot->largest_free, size);
        return;
    }
    shot->busy += size;
    if (r->state == SEEP_STATE_RESERVE)
        shot->reserved += size;
    if (r->state != SEEP_STATE_COMMIT)
        return;
    if (r->type == SEEP_TYPE_MAPPED)
        shot->mapped += size;
    if (r->type == SEEP_TYPE_IMAGE)
        shot->image += size;
    if (r->type != SEEP_TYPE_PRIVATE)
        return;
    shot->private_ += size;
    if (is_heap(r))
        shot->heap += size;
    else if (is_stack(r))
        shot->stack += size;
    else
        shot->other += size;
}

static bool sum_regions(const struct seep_space *space, struct shot *shot)
{
    struct reservation *all = seep_alloc(space->n_regions + 1, sizeof *all);
    size_t n = 0;
    if (!all)
        return false;
    shot->n_regions = space->n_regions;
    for (size_t i = 0; i < space->n_regions; i++) {
        const struct seep_region *r = &space->regions[i];
        add_region(shot, r);
        if (r->type != SEEP_TYPE_PRIVATE || r->state == SEEP_STATE_FREE || is_heap(r) ||
            is_stack(r))
            continue;
        all[n++] =
            (struct reservation){ r->allocation_base ? r->allocation_base : r->base, r->size_bytes,
                                  r->state == SEEP_STATE_COMMIT ? r->size_bytes : 0 };
    }
    find_alike(all, n, shot);
    seep_free(all);
    return true;
}

static const char *keep(struct seep_drafts *drafts, const char *text)
{
    return text ? seep_say(drafts, "%.200s", text) : NULL;
}

static void sum_blocks(struct seep_drafts *drafts, const struct seep_space *space,
                       struct shot *shot)
{
    const char *type = NULL, *unreachable_type = NULL;
    for (size_t i = 0; i < space->n_heaps; i++) {
        const struct seep_heap *h = &space->heaps[i];
        if (h->busy_bytes == SEEP_UNKNOWN_BYTES || h->busy_blocks == SEEP_UNKNOWN_BYTES)
            continue;
        shot->heap_busy = (double)h->busy_bytes + (isnan(shot->heap_busy) ? 0 : shot->heap_busy);
        shot->heap_blocks += (double)h->busy_blocks;
    }
    for (size_t i = 0; i < space->n_blocks; i++) {
        const struct seep_blocks *b = &space->blocks[i];
        double bytes = (double)b->bytes, blocks = (double)b->blocks;
        if (b->by == SEEP_BLOCKS_BY_SIZE && bytes > shot->size_total) {
            shot->size_total = bytes;
            shot->size_blocks = blocks;
            shot->size_bytes = b->size_bytes;
        } else if (b->by == SEEP_BLOCKS_BY_TYPE && b->type && bytes > shot->type_total) {
            shot->type_total = bytes;
            shot->type_blocks = blocks;
            type = b->type;
        } else if (b->by == SEEP_BLOCKS_UNREACHABLE) {
            shot->unreachable_total =
                bytes + (isnan(shot->unreachable_total) ? 0 : shot->unreachable_total);
            shot->unreachable_blocks += blocks;
            if (bytes > shot->unreachable_most) {
                shot->unreachable_most = bytes;
                shot->unreachable_size = b->size_bytes;
                unreachable_type = b->type;
            }
        }
    }
    shot->type = keep(drafts, type);
    shot->unreachable_type = keep(drafts, unreachable_type);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool sum_handles(struct seep_drafts *drafts, const struct seep_space *space,
                        struct shot *shot)
{
    shot->handles = space->counters[SEEP_METRIC_HANDLES];
    if (space->n_handles == 0)
        return true;
    const char **types = seep_alloc(space->n_handles, sizeof(char *));
    const char *most = NULL;
    if (!types)
        return false;
    for (size_t i = 0; i < space->n_handles; i++)
        types[i] = space->handles[i].type ? space->handles[i].type : "";
    qsort(types, space->n_handles, sizeof(char *), by_text);
    for (size_t i = 0, n; i < space->n_handles; i += n) {
        for (n = 1; i + n < space->n_handles && strcmp(types[i], types[i + n]) == 0;)
            n++;
        if ((double)n > shot->handles_of_type) {
            shot->handles_of_type = (double)n;
            most = types[i];
        }
    }
    shot->handle_type = most && *most ? keep(drafts, most) : NULL;
    shot->handles = (double)space->n_handles;
    seep_free(types);
    return true;
}

// A thread has one stack, and under WoW64 one of each kind.
static void count_threads(const struct seep_space *space, struct shot *shot)
{
    shot->threads = space->counters[SEEP_METRIC_THREADS];
    if (!isnan(shot->threads))
        return;
    double of[2] = { 0, 0 };
    uint64_t before = 0;
    for (size_t i = 0; i < space->n_regions; i++) {
        const struct seep_region *r = &space->regions[i];
        if (!is_stack(r) || (r->allocation_base && r->allocation_base == before))
            continue;
        before = r->allocation_base;
        of[r->usage == SEEP_USAGE_STACK64]++;
    }
    if (of[0] + of[1] > 0)
        shot->threads = fmax(of[0], of[1]);
}

static bool take_shot(struct seep_drafts *drafts, const struct seep_dataset *data, size_t index,
                      struct shot *shot, struct seep_err *err)
{
    struct seep_spaces spaces;
    if (!data->space(data->ctx, index, &spaces, err))
        return false;
    *shot = (struct shot){ .taken_ns = data->snapshots[index].taken_ns,
                           .source = data->snapshots[index].source,
                           .heap_busy = NAN,
                           .unreachable_total = NAN,
                           .handles = NAN,
                           .threads = NAN };
    bool ok = true;
    if (spaces.n) {
        const struct seep_space *s = &spaces.at[0];
        const char *architecture = s->process.architecture;
        shot->bits32 = s->process.wow64 || (architecture && strcmp(architecture, "x86") == 0);
        ok = sum_regions(s, shot) && sum_handles(drafts, s, shot);
        sum_blocks(drafts, s, shot);
        count_threads(s, shot);
    }
    seep_spaces_clear(&spaces);
    return ok || seep_fail_memory(err);
}

// Writing.

struct writing {
    struct seep_drafts *drafts;
    const struct seep_dataset *data;
    const struct seep_process *process;
    const struct shot *now, *before; // NULL = there is no earlier one
    bool suspicious;                 // a sign of a leak was found
    bool grew;                       // private memory, since the earlier one
};

static const char *bytes(struct writing *w, double value)
{
    return seep_say_amount(w->drafts, SEEP_METRIC_PRIVATE_BYTES, value);
}

static bool is_about(const struct writing *w, const struct seep_finding *f, enum seep_class class_)
{
    const struct seep_process *p = w->process;
    return f->class_ == class_ && f->subject == SEEP_SUBJECT_PROCESS &&
           f->machine.v == p->machine.v && f->has_pid == p->has_pid && f->pid == p->pid &&
           f->start_ns == p->start_ns && f->name && p->image && strcmp(f->name, p->image) == 0;
}

// The finding about this process and class: the one of its series where that says something.
static struct seep_draft *draft_for(struct writing *w, enum seep_class class_,
                                    enum seep_metric metric, enum seep_verdict verdict)
{
    for (size_t i = 0; i < w->drafts->count; i++) {
        struct seep_draft *d = &w->drafts->at[i];
        if (d->dropped || !is_about(w, &d->finding, class_))
            continue;
        if (d->finding.verdict >= verdict || d->finding.verdict == SEEP_VERDICT_STEADY) {
            if (verdict >= SEEP_VERDICT_SUSPECT && d->finding.verdict < verdict)
                d->finding.verdict = verdict; // it does not grow now, but what is there is odd
            return d;
        }
        d->dropped = true;
    }
    struct seep_draft *draft = seep_draft_add(w->drafts);
    if (!draft)
        return NULL;
    const struct seep_process *p = w->process;
    struct seep_finding *f = &draft->finding;
    f->class_ = class_;
    f->verdict = verdict;
    f->subject = SEEP_SUBJECT_PROCESS;
    f->name = p->image ? keep(w->drafts, p->image) : NULL;
    f->pid = p->pid;
    f->has_pid = p->has_pid;
    f->start_ns = p->start_ns;
    f->machine = p->machine;
    f->metric = metric;
    draft->ended = true; // what a file tells of is no longer there to be watched
    return draft;
}

static void say(struct writing *w, struct seep_draft *draft, const char *text)
{
    if (draft)
        seep_draft_evidence(w->drafts, draft, text, w->now->source, SEEP_NO_OFFSET,
                            w->now->taken_ns);
}

static const char *path_of(const struct writing *w, const struct shot *shot)
{
    uint32_t id = shot->source.v;
    const char *path = id && id <= w->data->n_sources ? w->data->sources[id - 1].path : NULL;
    return path && *path ? path : "FILE";
}

// Whether the snapshot is of a process that was looked at while it ran.
static bool is_live(const struct writing *w)
{
    uint32_t id = w->now->source.v;
    const char *format = id && id <= w->data->n_sources ? w->data->sources[id - 1].format : NULL;
    return format && strncmp(format, "live-", 5) == 0;
}

static const char *quoted(struct writing *w, const char *path)
{
    return strchr(path, ' ') ? seep_say(w->drafts, "\"%s\"", path) : path;
}

// What one moment cannot say, and the command that would.
static void say_one_moment(struct writing *w, struct seep_draft *draft, bool heap)
{
    if (!draft)
        return;
    const char *path = quoted(w, path_of(w, w->now));
    if (w->before && w->grew)
        seep_draft_caveat(w->drafts, draft,
                          "two moments show growth, not its course: a cache that fills looks the "
                          "same");
    else if (w->before)
        seep_draft_caveat(w->drafts, draft,
                          "nothing grew between two moments: that is no proof, a leak may rest");
    else
        seep_draft_caveat(w->drafts, draft, "one moment cannot show growth");
    const char *old = w->before ? quoted(w, path_of(w, w->before)) : path;
    bool walked = heap && !isnan(w->now->heap_busy);
    if (strcmp(old, path) != 0) {
        // What grew between the two, down to the type and the reservation.
        if (walked && !isnan(w->before->heap_busy))
            seep_draft_next(w->drafts, draft, seep_say(w->drafts, "seep heap %s %s", old, path));
        seep_draft_next(w->drafts, draft, seep_say(w->drafts, "seep map %s %s", old, path));
        return;
    }
    if (walked)
        seep_draft_next(w->drafts, draft, seep_say(w->drafts, "seep heap %s", path));
    if (is_live(w) && w->process->has_pid)
        seep_draft_next(w->drafts, draft,
                        seep_say(w->drafts, "seep map CASE.seep %u", (unsigned)w->process->pid));
    else
        seep_draft_next(w->drafts, draft, seep_say(w->drafts, "seep map %s LATER.dmp", path));
}

static struct seep_draft *accuse(struct writing *w, enum seep_class class_, enum seep_metric metric,
                                 const struct seep_sign *sign, const char *text)
{
    enum seep_verdict verdict = seep_verdict_of_sign(sign);
    if (verdict < SEEP_VERDICT_SUSPECT)
        return NULL;
    struct seep_draft *draft = draft_for(w, class_, metric, verdict);
    w->suspicious = true;
    say(w, draft, text);
    if (draft && !draft->finding.gist && draft->n_evidence == 1)
        draft->finding.gist = text;
    return draft;
}

static void last_value(struct seep_draft *draft, double first, double last)
{
    if (draft && isnan(draft->finding.last)) {
        draft->finding.first = first;
        draft->finding.last = last;
    }
}

static void judge_heap(struct writing *w)
{
    const struct shot *s = w->now;
    struct seep_draft *draft = NULL, *one;
    if (isnan(s->heap_busy) || !(s->heap_busy > 0))
        return;
    struct seep_sign sign = { .kind = SEEP_SIGN_UNREACHABLE,
                              .bytes = s->unreachable_total,
                              .count = s->unreachable_blocks,
                              .share = s->unreachable_total / s->heap_busy };
    const char *of = s->unreachable_type
                         ? seep_say(w->drafts, ", most of them %s", s->unreachable_type)
                         : seep_say(w->drafts, ", most of them of %llu bytes",
                                    (unsigned long long)s->unreachable_size);
    one = accuse(w, SEEP_CLASS_HEAP, SEEP_METRIC_PRIVATE_BYTES, &sign,
                 seep_say(w->drafts, "nothing points to %.0f blocks of %s, %.0f %% of the heap%s",
                          s->unreachable_blocks, bytes(w, s->unreachable_total), sign.share * 100,
                          of));
    draft = one ? one : draft;
    sign = (struct seep_sign){ .kind = SEEP_SIGN_DOMINANT,
                               .bytes = s->type_total,
                               .count = s->type_blocks,
                               .share = s->type_total / s->heap_busy };
    one = accuse(w, SEEP_CLASS_HEAP, SEEP_METRIC_PRIVATE_BYTES, &sign,
                 seep_say(w->drafts, "%.0f objects of %s take %s, %.0f %% of the heap",
                          s->type_blocks, s->type ? s->type : "one type", bytes(w, s->type_total),
                          sign.share * 100));
    draft = one ? one : draft;
    sign = (struct seep_sign){ .kind = SEEP_SIGN_DOMINANT,
                               .bytes = s->size_total,
                               .count = s->size_blocks,
                               .share = s->size_total / s->heap_busy };
    one = accuse(w, SEEP_CLASS_HEAP, SEEP_METRIC_PRIVATE_BYTES, &sign,
                 seep_say(w->drafts, "%.0f blocks of %llu bytes take %s, %.0f %% of the heap",
                          s->size_blocks, (unsigned long long)s->size_bytes,
                          bytes(w, s->size_total), sign.share * 100));
    draft = one ? one : draft;
    last_value(draft, w->before ? w->before->heap_busy : (double)NAN, s->heap_busy);
    say_one_moment(w, draft, true);
}

static void judge_regions(struct writing *w)
{
    const struct shot *s = w->now;
    const struct alike *a = &s->private_alike;
    struct seep_sign sign = { .kind = SEEP_SIGN_ALIKE,
                              .bytes = a->committed,
                              .count = (double)a->count,
                              .share = s->private_ > 0 ? a->committed / s->private_ : 0 };
    struct seep_draft *draft =
        accuse(w, SEEP_CLASS_PRIVATE_DATA, SEEP_METRIC_PRIVATE_BYTES, &sign,
               seep_say(w->drafts,
                        "%.0f allocations of %s outside of heaps and stacks have %s committed, "
                        "%.0f %% of the private memory",
                        sign.count, bytes(w, (double)a->size_bytes), bytes(w, a->committed),
                        sign.share * 100));
    last_value(draft, w->before ? w->before->private_ : (double)NAN, s->private_);
    say_one_moment(w, draft, false);
    a = &s->reserved_alike;
    sign = (struct seep_sign){ .kind = SEEP_SIGN_RESERVED_ALIKE,
                               .bytes = a->reserved,
                               .count = (double)a->count,
                               .share = s->reserved > 0 ? a->reserved / s->reserved : 0 };
    draft = accuse(w, SEEP_CLASS_ADDRESS_SPACE, SEEP_METRIC_VIRTUAL_BYTES, &sign,
                   seep_say(w->drafts, "%.0f reservations of %s have %s reserved and not committed",
                            sign.count, bytes(w, (double)a->size_bytes), bytes(w, a->reserved)));
    last_value(draft, w->before ? w->before->busy : (double)NAN, s->busy);
    say_one_moment(w, draft, false);
    if (!s->bits32 || !s->has_free)
        return;
    sign = (struct seep_sign){ .kind = SEEP_SIGN_LITTLE_FREE, .bytes = s->largest_free };
    draft = accuse(w, SEEP_CLASS_ADDRESS_SPACE, SEEP_METRIC_VIRTUAL_BYTES, &sign,
                   seep_say(w->drafts,
                            "the largest free range of this 32-bit process is %s: larger "
                            "allocations fail",
                            bytes(w, s->largest_free)));
    last_value(draft, w->before ? w->before->busy : (double)NAN, s->busy);
    say_one_moment(w, draft, false);
}

static void judge_counts(struct writing *w)
{
    const struct shot *s = w->now;
    struct seep_sign sign = { .kind = SEEP_SIGN_HANDLES,
                              .count = s->handles,
                              .share = s->handles > 0 ? s->handles_of_type / s->handles : 0 };
    const char *most = s->handle_type ? seep_say(w->drafts, ", %.0f of them of the type %s",
                                                 s->handles_of_type, s->handle_type)
                                      : "";
    struct seep_draft *draft = accuse(w, SEEP_CLASS_HANDLES, SEEP_METRIC_HANDLES, &sign,
                                      seep_say(w->drafts, "%.0f handles%s", s->handles, most));
    last_value(draft, w->before ? w->before->handles : (double)NAN, s->handles);
    say_one_moment(w, draft, false);
    sign =
        (struct seep_sign){ .kind = SEEP_SIGN_THREADS, .count = s->threads, .bits32 = s->bits32 };
    draft = accuse(w, SEEP_CLASS_THREADS, SEEP_METRIC_THREADS, &sign,
                   seep_say(w->drafts, "%.0f threads", s->threads));
    last_value(draft, w->before ? w->before->threads : (double)NAN, s->threads);
    say_one_moment(w, draft, false);
}

// What is committed, by kind: the answer to "heap, VirtualAlloc, mapped files, images or stacks?"
static const char *split(struct writing *w)
{
    const struct shot *s = w->now;
    const char *parts = s->has_heap
                            ? seep_say(w->drafts, "heaps %s, stacks %s, other allocations %s",
                                       bytes(w, s->heap), bytes(w, s->stack), bytes(w, s->other))
                            : seep_say(w->drafts, "stacks %s, heaps and other allocations %s",
                                       bytes(w, s->stack), bytes(w, s->other));
    return seep_say(w->drafts,
                    "committed: %s private (%s), %s of images, %s mapped; %s only reserved",
                    bytes(w, s->private_), parts, bytes(w, s->image), bytes(w, s->mapped),
                    bytes(w, s->reserved));
}

static const char *difference(struct writing *w, double old, double now)
{
    return seep_say(w->drafts, "%s%s", now > old ? "+" : "", bytes(w, now - old));
}

// What most of the private memory is, or of what grew of it.
struct most {
    enum seep_class class_;
    const char *what;
    double bytes;
};

static struct most most_of(struct writing *w, double of)
{
    const struct shot *s = w->now, *old = w->grew ? w->before : NULL;
    double heap = s->heap - (old ? old->heap : 0), stack = s->stack - (old ? old->stack : 0);
    if (heap > of / 2)
        return (struct most){ SEEP_CLASS_HEAP, "heaps", heap };
    if (stack > of / 2)
        return (struct most){ SEEP_CLASS_THREADS,
                              isnan(s->threads)
                                  ? "stacks"
                                  : seep_say(w->drafts, "stacks of %.0f threads", s->threads),
                              stack };
    double other = s->other - (old ? old->other : 0);
    return (struct most){ SEEP_CLASS_PRIVATE_DATA,
                          s->has_heap ? "allocations outside of heaps and stacks"
                                      : "heaps or other allocations, which cannot be told apart",
                          other };
}

static bool is_dated(const struct writing *w)
{
    return w->now->taken_ns != SEEP_NO_TIME && w->before->taken_ns != SEEP_NO_TIME;
}

static double passed_s(const struct writing *w)
{
    return ((double)w->now->taken_ns - (double)w->before->taken_ns) / 1e9;
}

// The first line: how much there is, how much more than before, and what most of it is.
static const char *gist(struct writing *w, const struct most *most, double of)
{
    const struct shot *s = w->now;
    const char *amount = seep_say(w->drafts, "%s private", bytes(w, s->private_));
    if (w->grew)
        amount = seep_say(w->drafts, "%s, %s %s%s", amount,
                          difference(w, w->before->private_, s->private_),
                          is_dated(w) ? "in " : "since the snapshot before",
                          is_dated(w) ? seep_say_seconds(w->drafts, passed_s(w)) : "");
    // Of several kinds none may have half.
    if (!(most->bytes > of / 2))
        return amount;
    return seep_say(w->drafts, "%s, most of it %s (%s)", amount, most->what,
                    w->grew ? difference(w, 0, most->bytes) : bytes(w, most->bytes));
}

static void say_difference(struct writing *w, struct seep_draft *draft)
{
    const struct shot *s = w->now, *old = w->before;
    bool dated = is_dated(w);
    say(w, draft,
        seep_say(w->drafts,
                 "%s%s since the snapshot before: private %s (heaps %s, stacks %s, other "
                 "allocations %s), images %s, mapped %s, reserved %s",
                 dated ? "in " : "", dated ? seep_say_seconds(w->drafts, passed_s(w)) : "",
                 difference(w, old->private_, s->private_), difference(w, old->heap, s->heap),
                 difference(w, old->stack, s->stack), difference(w, old->other, s->other),
                 difference(w, old->image, s->image), difference(w, old->mapped, s->mapped),
                 difference(w, old->reserved, s->reserved)));
}

// A dump without a list of regions says nothing about how much memory the process had.
static void write_unlisted(struct writing *w)
{
    struct seep_draft *draft =
        draft_for(w, SEEP_CLASS_PRIVATE_DATA, SEEP_METRIC_PRIVATE_BYTES, SEEP_VERDICT_UNKNOWN);
    if (!draft || draft->finding.verdict != SEEP_VERDICT_UNKNOWN || draft->n_evidence)
        return;
    const char *text = "the file does not list the memory of the process";
    say(w, draft, text);
    draft->finding.gist = text;
    seep_draft_caveat(w->drafts, draft, "how much it has, and of which kind, cannot be told");
    seep_draft_next(
        w->drafts, draft,
        seep_say(w->drafts, "procdump -ma %s", w->process->image ? w->process->image : "PID"));
}

// The finding that says where the memory is; its class is where most of it is, or of what grew.
static void write_split(struct writing *w)
{
    const struct shot *s = w->now, *old = w->before;
    if (!s->has_types) {
        write_unlisted(w);
        return;
    }
    double of = s->private_;
    struct seep_sign sign = { .kind = SEEP_SIGN_GROWN };
    if (old && old->has_types) {
        sign.bytes = s->private_ - old->private_;
        sign.share = old->private_ > 0 ? sign.bytes / old->private_ : 1;
        if (w->grew)
            of = sign.bytes;
    }
    struct most most = most_of(w, of);
    enum seep_verdict verdict = seep_verdict_of_sign(&sign);
    if (verdict < SEEP_VERDICT_SUSPECT)
        verdict = SEEP_VERDICT_UNKNOWN;
    struct seep_draft *draft = draft_for(w, most.class_, SEEP_METRIC_PRIVATE_BYTES, verdict);
    if (!draft)
        return;
    bool own = isnan(draft->finding.last);
    if (own)
        draft->finding.gist = gist(w, &most, of);
    say(w, draft, split(w));
    if (old && old->has_types) {
        say_difference(w, draft);
        if (!isnan(s->heap_busy) && !isnan(old->heap_busy))
            say(w, draft,
                seep_say(w->drafts, "blocks of heaps in use: %+.0f, %s",
                         s->heap_blocks - old->heap_blocks,
                         difference(w, old->heap_busy, s->heap_busy)));
        if (own)
            draft->finding.since_ns = old->taken_ns;
    }
    last_value(draft, old && old->has_types ? old->private_ : (double)NAN, s->private_);
    if (own && draft->n_caveats == 0)
        say_one_moment(w, draft, most.class_ == SEEP_CLASS_HEAP);
}

static bool in_time(const struct seep_detect_options *options, int64_t t_ns)
{
    return !options || t_ns == SEEP_NO_TIME ||
           ((options->since_ns == SEEP_NO_TIME || t_ns >= options->since_ns) &&
            (options->until_ns == SEEP_NO_TIME || t_ns <= options->until_ns));
}

// The newest snapshot of each process and the one before it, as index + 1.
struct pair {
    size_t now, before;
};

// Whether nothing was read but files of one moment each.
static bool only_snapshots(const struct seep_dataset *data)
{
    for (size_t i = 0; i < data->n_sources; i++) {
        const char *format = data->sources[i].format;
        if (!format || (strcmp(format, "minidump") != 0 && strcmp(format, "vmmap-csv") != 0))
            return false;
    }
    return true;
}

static bool judge_pair(struct seep_drafts *drafts, const struct seep_dataset *data,
                       const struct pair *pair, uint32_t process, struct seep_err *err)
{
    struct shot now, before;
    if (!take_shot(drafts, data, pair->now - 1, &now, err) ||
        (pair->before && !take_shot(drafts, data, pair->before - 1, &before, err)))
        return false;
    struct writing w = { .drafts = drafts,
                         .data = data,
                         .process = &data->processes[process - 1],
                         .now = &now,
                         .before = pair->before ? &before : NULL };
    w.grew = w.before && before.has_types && now.private_ > before.private_;
    // A sample or two of its series, or of its machine's, say less than the snapshot.
    bool alone = only_snapshots(data);
    for (size_t i = 0; i < drafts->count; i++) {
        struct seep_draft *d = &drafts->at[i];
        bool of_machine = alone && d->finding.subject == SEEP_SUBJECT_MACHINE &&
                          d->finding.machine.v == w.process->machine.v;
        if (d->finding.verdict == SEEP_VERDICT_UNKNOWN &&
            (of_machine || is_about(&w, &d->finding, d->finding.class_)))
            d->dropped = true;
    }
    judge_heap(&w);
    judge_regions(&w);
    judge_counts(&w);
    write_split(&w);
    return !drafts->failed || seep_fail_memory(err);
}

// Traces and logs of allocations name the modules of processes, so that stacks have names: nobody
// expects the memory of a process in them.
static bool tells_stacks(const struct seep_dataset *data, struct seep_source_id id)
{
    if (id.v == 0 || id.v > data->n_sources)
        return false;
    const struct seep_dataset_source *s = &data->sources[id.v - 1];
    return s->facts[SEEP_FACT_REGION] == 0 &&
           (s->facts[SEEP_FACT_SITE] || (s->format && strcmp(s->format, "etl") == 0));
}

bool seep_snapshots_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                          const struct seep_detect_options *options, struct seep_err *err)
{
    if (data->n_snapshots == 0 || !data->space)
        return true;
    struct pair *pairs = seep_alloc(data->n_processes + 1, sizeof *pairs);
    if (!pairs)
        return seep_fail_memory(err);
    for (size_t i = 0; i < data->n_snapshots; i++) {
        const struct seep_dataset_snapshot *s = &data->snapshots[i];
        if (s->process.v == 0 || s->process.v > data->n_processes ||
            !in_time(options, s->taken_ns) || tells_stacks(data, s->source))
            continue;
        struct pair *p = &pairs[s->process.v - 1];
        if (!p->now || s->taken_ns >= data->snapshots[p->now - 1].taken_ns)
            *p = (struct pair){ i + 1, p->now };
        else if (!p->before || s->taken_ns >= data->snapshots[p->before - 1].taken_ns)
            p->before = i + 1;
    }
    bool ok = true;
    for (uint32_t p = 1; ok && p <= data->n_processes; p++)
        ok = !pairs[p - 1].now || judge_pair(drafts, data, &pairs[p - 1], p, err);
    seep_free(pairs);
    return ok;
}
