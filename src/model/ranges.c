// SPDX-License-Identifier: MIT
// Sorted runs of ranges; see the header.
#include "model/ranges.h"

#include "base/alloc.h"

#include <string.h>

enum { RUN = 256 };

// A run grows up to RUN: a trace may speak of a process with one range in each of its events.
struct seep_range_run {
    size_t count, capacity;
    struct seep_range *at;
};

struct place {
    size_t run, index;
};

static struct seep_range *range_at(const struct seep_ranges *ranges, struct place place)
{
    if (place.run >= ranges->n_runs || place.index >= ranges->runs[place.run]->count)
        return NULL;
    return &ranges->runs[place.run]->at[place.index];
}

// The place of the first range that ends above `address`; that behind the last where there is none.
static struct place find(const struct seep_ranges *ranges, uint64_t address)
{
    size_t low = 0, high = ranges->n_runs;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct seep_range_run *run = ranges->runs[middle];
        if (run->at[run->count - 1].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    struct place place = { low, 0 };
    if (low == ranges->n_runs)
        return place;
    const struct seep_range_run *run = ranges->runs[low];
    size_t first = 0, last = run->count;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (run->at[middle].end > address)
            last = middle;
        else
            first = middle + 1;
    }
    place.index = first;
    return place;
}

static struct place next(const struct seep_ranges *ranges, struct place place)
{
    if (++place.index >= ranges->runs[place.run]->count)
        place = (struct place){ place.run + 1, 0 };
    return place;
}

static bool insert_run(struct seep_ranges *ranges, size_t at)
{
    if (!seep_grow(&ranges->runs, &ranges->capacity, ranges->n_runs + 1, sizeof *ranges->runs))
        return false;
    struct seep_range_run *run = seep_alloc(1, sizeof *run);
    if (!run)
        return false;
    memmove(ranges->runs + at + 1, ranges->runs + at, (ranges->n_runs - at) * sizeof *ranges->runs);
    ranges->runs[at] = run;
    ranges->n_runs++;
    return true;
}

static void drop_run(struct seep_ranges *ranges, size_t at)
{
    seep_free(ranges->runs[at]->at);
    seep_free(ranges->runs[at]);
    ranges->n_runs--;
    memmove(ranges->runs + at, ranges->runs + at + 1, (ranges->n_runs - at) * sizeof *ranges->runs);
}

// Makes room in the run of `place`, which is full: its upper half moves into a new run behind it.
static bool split(struct seep_ranges *ranges, struct place *place)
{
    if (!insert_run(ranges, place->run + 1))
        return false;
    struct seep_range_run *run = ranges->runs[place->run], *behind = ranges->runs[place->run + 1];
    if (!seep_grow(&behind->at, &behind->capacity, RUN / 2, sizeof *behind->at)) {
        drop_run(ranges, place->run + 1);
        return false;
    }
    behind->count = RUN / 2;
    run->count = RUN - RUN / 2;
    memcpy(behind->at, run->at + run->count, behind->count * sizeof *run->at);
    if (place->index > run->count)
        *place = (struct place){ place->run + 1, place->index - run->count };
    return true;
}

// Puts a range before the one at `*place`, which then is the new range's place.
static bool insert(struct seep_ranges *ranges, struct place *place, const struct seep_range *range)
{
    if (place->run == ranges->n_runs) {
        // Behind the last one: into the last run, or a first one.
        if (ranges->n_runs == 0 && !insert_run(ranges, 0))
            return false;
        *place = (struct place){ ranges->n_runs - 1, ranges->runs[ranges->n_runs - 1]->count };
    }
    if (ranges->runs[place->run]->count == RUN && !split(ranges, place))
        return false;
    struct seep_range_run *run = ranges->runs[place->run];
    if (!seep_grow(&run->at, &run->capacity, run->count + 1, sizeof *run->at)) {
        if (run->count == 0)
            drop_run(ranges, place->run); // a run is never empty
        return false;
    }
    memmove(run->at + place->index + 1, run->at + place->index,
            (run->count - place->index) * sizeof *run->at);
    run->at[place->index] = *range;
    run->count++;
    return true;
}

// Takes out the range at `place`; returns the place of the one behind it. Runs that have become
// small are joined, so that memory follows what is live.
static struct place erase(struct seep_ranges *ranges, struct place place)
{
    struct seep_range_run *run = ranges->runs[place.run];
    run->count--;
    memmove(run->at + place.index, run->at + place.index + 1,
            (run->count - place.index) * sizeof *run->at);
    if (run->count == 0) {
        drop_run(ranges, place.run);
        return (struct place){ place.run, 0 };
    }
    if (place.run + 1 < ranges->n_runs) {
        struct seep_range_run *behind = ranges->runs[place.run + 1];
        if (run->count + behind->count <= RUN / 2 &&
            seep_grow(&run->at, &run->capacity, run->count + behind->count, sizeof *run->at)) {
            memcpy(run->at + run->count, behind->at, behind->count * sizeof *run->at);
            run->count += behind->count;
            drop_run(ranges, place.run + 1);
        }
    }
    return place.index == run->count ? (struct place){ place.run + 1, 0 } : place;
}

static void tell(const struct seep_range_change *change, uint32_t site, uint64_t bytes, bool came,
                 int64_t pieces)
{
    int64_t signed_bytes = (int64_t)(bytes > INT64_MAX ? INT64_MAX : bytes);
    change->changed(change->ctx, site, came ? signed_bytes : -signed_bytes, pieces);
}

// Whether more ranges than one call may look at begin below `end`.
static bool spans_too_many(const struct seep_ranges *ranges, struct place place, uint64_t end)
{
    size_t n = 0;
    for (const struct seep_range *range; (range = range_at(ranges, place)) != NULL;) {
        if (range->base >= end)
            return false;
        if (++n > SEEP_RANGES_SPAN)
            return true;
        place = next(ranges, place);
    }
    return false;
}

bool seep_ranges_add(struct seep_ranges *ranges, uint64_t base, uint64_t end, uint32_t site,
                     int64_t t_ns, const struct seep_range_change *change)
{
    struct place place = find(ranges, base);
    if (spans_too_many(ranges, place, end)) {
        uint64_t gone;
        if (!seep_ranges_remove(ranges, base, end, change, &gone))
            return false;
        place = find(ranges, base);
    }
    while (base < end) {
        const struct seep_range *there = range_at(ranges, place);
        if (there && there->base <= base) {
            base = there->end;
            place = next(ranges, place);
            continue;
        }
        uint64_t stop = there && there->base < end ? there->base : end;
        struct seep_range piece = { base, stop, t_ns, site };
        if (!insert(ranges, &place, &piece))
            return false;
        tell(change, site, stop - base, true, 1);
        base = stop;
        place = next(ranges, place);
    }
    return true;
}

bool seep_ranges_remove(struct seep_ranges *ranges, uint64_t base, uint64_t end,
                        const struct seep_range_change *change, uint64_t *bytes)
{
    uint64_t gone = 0;
    struct place place = find(ranges, base);
    for (struct seep_range *range; (range = range_at(ranges, place)) != NULL;) {
        if (range->base >= end)
            break;
        uint64_t from = range->base > base ? range->base : base;
        uint64_t to = range->end < end ? range->end : end;
        uint32_t site = range->site;
        if (from > range->base && to < range->end) {
            struct seep_range low = *range;
            low.end = from;
            range->base = to;
            if (!insert(ranges, &place, &low)) {
                range->base = low.base;
                return false;
            }
            tell(change, site, to - from, false, 1);
            gone += to - from;
            break;
        }
        gone += to - from;
        if (from == range->base && to == range->end) {
            place = erase(ranges, place);
            tell(change, site, to - from, false, -1);
            continue;
        }
        if (from > range->base)
            range->end = from;
        else
            range->base = to;
        tell(change, site, to - from, false, 0);
        place = next(ranges, place);
    }
    *bytes = gone;
    return true;
}

const struct seep_range *seep_ranges_at(const struct seep_ranges *ranges, uint64_t address)
{
    return range_at(ranges, find(ranges, address));
}

void seep_ranges_renumber(struct seep_ranges *ranges, const uint32_t *map)
{
    for (size_t i = 0; i < ranges->n_runs; i++) {
        struct seep_range_run *run = ranges->runs[i];
        for (size_t k = 0; k < run->count; k++)
            run->at[k].site = map[run->at[k].site];
    }
}

void seep_ranges_clear(struct seep_ranges *ranges)
{
    for (size_t i = 0; i < ranges->n_runs; i++) {
        seep_free(ranges->runs[i]->at);
        seep_free(ranges->runs[i]);
    }
    seep_free(ranges->runs);
    *ranges = (struct seep_ranges){ 0 };
}
