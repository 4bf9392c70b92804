// SPDX-License-Identifier: MIT
// What grew in the heaps of a process from one snapshot to another.
#include "report/heap.h"

#include "base/time.h"
#include "report/plain.h"
#include "report/writer.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_TYPE = 100 };

static int64_t more(uint64_t old, uint64_t now)
{
    return (int64_t)(now - old);
}

// --- JSON ---

static void difference(struct seep_json *json, const char *key, uint64_t old, uint64_t now,
                       bool known)
{
    seep_json_key(json, key);
    if (known)
        seep_json_int(json, more(old, now));
    else
        seep_json_null(json);
}

static void write_change(struct seep_json *json, enum seep_blocks_by by,
                         const struct seep_heap_change *c)
{
    seep_json_begin_object(json);
    if (by == SEEP_BLOCKS_BY_TYPE)
        seep_json_key_string(json, "name", c->type);
    if (by == SEEP_BLOCKS_UNREACHABLE)
        seep_json_key_string(json, "type", c->type);
    if (by != SEEP_BLOCKS_BY_TYPE)
        seep_json_key_uint(json, "size_bytes", c->size_bytes);
    seep_json_key_uint(json, "old_blocks", c->old_blocks);
    seep_json_key_uint(json, "blocks", c->blocks);
    difference(json, "delta_blocks", c->old_blocks, c->blocks, true);
    seep_json_key_uint(json, "old_bytes", c->old_bytes);
    seep_json_key_uint(json, "bytes", c->bytes);
    difference(json, "delta_bytes", c->old_bytes, c->bytes, true);
    seep_json_end_object(json);
}

static void write_changes(struct seep_json *json, const char *key, enum seep_blocks_by by,
                          const struct seep_heap_report *report)
{
    const struct seep_heap_changes *changes = &report->changes[by];
    seep_json_key(json, key);
    seep_json_begin_array(json);
    for (size_t i = 0; i < changes->n && (!report->top || i < report->top); i++)
        write_change(json, by, &changes->at[i]);
    seep_json_end_array(json);
}

void seep_heap_delta_json(struct seep_json *json, const struct seep_heap_report *report)
{
    const struct seep_heap_summary *old = report->old, *now = report->summary;
    const struct seep_heap_groups *was = old->groups, *is = now->groups;
    bool counted = old->counted && now->counted;
    bool known = old->unreachable_known && now->unreachable_known;
    seep_json_key(json, "delta");
    seep_json_begin_object(json);
    seep_json_key(json, "old_process");
    seep_space_process_json(json, old->space);
    seep_json_key(json, "duration_s");
    if (old->space->taken_ns == SEEP_NO_TIME || now->space->taken_ns == SEEP_NO_TIME)
        seep_json_null(json);
    else
        seep_json_number(json, ((double)now->space->taken_ns - (double)old->space->taken_ns) / 1e9);
    difference(json, "blocks", was[SEEP_BLOCKS_BY_SIZE].blocks, is[SEEP_BLOCKS_BY_SIZE].blocks,
               counted);
    difference(json, "bytes", was[SEEP_BLOCKS_BY_SIZE].bytes, is[SEEP_BLOCKS_BY_SIZE].bytes,
               counted);
    write_changes(json, "types", SEEP_BLOCKS_BY_TYPE, report);
    write_changes(json, "sizes", SEEP_BLOCKS_BY_SIZE, report);
    seep_json_key(json, "unreachable");
    seep_json_begin_object(json);
    difference(json, "blocks", was[SEEP_BLOCKS_UNREACHABLE].blocks,
               is[SEEP_BLOCKS_UNREACHABLE].blocks, known);
    difference(json, "bytes", was[SEEP_BLOCKS_UNREACHABLE].bytes, is[SEEP_BLOCKS_UNREACHABLE].bytes,
               known);
    write_changes(json, "sites", SEEP_BLOCKS_UNREACHABLE, report);
    seep_json_end_object(json);
    seep_json_end_object(json);
}

// --- text ---

static void add_bytes(struct seep_buf *out, int64_t bytes, int width)
{
    char size[SEEP_HUMAN_TEXT], with_sign[SEEP_HUMAN_TEXT + 1];
    seep_human_bytes((double)bytes, size);
    (void)snprintf(with_sign, sizeof with_sign, "%s%s", bytes > 0 ? "+" : "", size);
    seep_buf_addf(out, "%*s", width, with_sign);
}

static void add_what(struct seep_buf *out, enum seep_blocks_by by, const struct seep_heap_change *c)
{
    if (by != SEEP_BLOCKS_BY_TYPE)
        seep_buf_addf(out, "of %" PRIu64 " bytes", c->size_bytes);
    if (by != SEEP_BLOCKS_BY_TYPE && c->type)
        seep_buf_adds(out, ", ");
    if (c->type)
        seep_plain_add(out, c->type, MAX_TYPE);
}

static void add_times(struct seep_buf *out, const struct seep_heap_report *report)
{
    const struct seep_space *old = report->old->space, *now = report->summary->space;
    char text[SEEP_HUMAN_TEXT];
    if (old->taken_ns == SEEP_NO_TIME || now->taken_ns == SEEP_NO_TIME ||
        old->taken_ns == now->taken_ns)
        return;
    double seconds = ((double)now->taken_ns - (double)old->taken_ns) / 1e9;
    seep_human_duration(seconds < 0 ? -seconds : seconds, text);
    seep_buf_addf(out, seconds < 0 ? ", although the first is %s later" : " in %s", text);
}

// The line in which the answer stands: a type where one explains most of it, else a size.
static void add_answer(struct seep_buf *out, const struct seep_heap_report *report)
{
    enum seep_blocks_by by = SEEP_BLOCKS_BY_TYPE;
    const struct seep_process *p = &report->summary->space->process;
    const struct seep_heap_groups *was = &report->old->groups[SEEP_BLOCKS_BY_SIZE];
    const struct seep_heap_groups *is = &report->summary->groups[SEEP_BLOCKS_BY_SIZE];
    int64_t bytes = more(was->bytes, is->bytes), blocks = more(was->blocks, is->blocks);
    seep_plain_add(out, p->image ? p->image : "the process", MAX_TYPE);
    if (p->has_pid)
        seep_buf_addf(out, " (%" PRIu32 ")", p->pid);
    if (!report->old->counted || !report->summary->counted) {
        seep_buf_addf(out, ": %s file has no blocks of heaps to count\n",
                      report->old->counted ? "the second" : "the first");
        return;
    }
    if (bytes <= 0) {
        seep_buf_adds(out, ": its heaps did not grow: ");
        add_bytes(out, bytes, 0);
        seep_buf_addf(out, ", %s%" PRId64 " blocks", blocks > 0 ? "+" : "", blocks);
        add_times(out, report);
        seep_buf_addc(out, '\n');
        return;
    }
    seep_buf_adds(out, ": its heaps grew by ");
    char size[SEEP_HUMAN_TEXT];
    seep_human_bytes((double)bytes, size);
    seep_buf_addf(out, "%s, %s%" PRId64 " blocks", size, blocks > 0 ? "+" : "", blocks);
    add_times(out, report);
    const struct seep_heap_changes *changes = &report->changes[by];
    if (!changes->n || more(changes->at[0].old_bytes, changes->at[0].bytes) * 2 < bytes)
        changes = &report->changes[by = SEEP_BLOCKS_BY_SIZE];
    const struct seep_heap_change *first = &changes->at[0]; // what grew is in some size
    int64_t most = more(first->old_bytes, first->bytes);
    seep_buf_adds(out, most * 2 >= bytes ? "; most of it " : "; more than any other ");
    if (by == SEEP_BLOCKS_BY_SIZE)
        seep_buf_adds(out, "blocks ");
    add_what(out, by, first);
    seep_buf_adds(out, " (");
    add_bytes(out, most, 0);
    seep_buf_addf(out, ", %+" PRId64 " blocks)\n", more(first->old_blocks, first->blocks));
}

static void add_changes(struct seep_buf *out, enum seep_blocks_by by, const char *title,
                        const struct seep_heap_changes *changes, size_t top)
{
    if (!changes->n)
        return;
    seep_buf_addf(out, "\n%s\n%11s %11s %10s\n", title, "bytes", "blocks", "now");
    for (size_t i = 0; i < changes->n && i < top; i++) {
        const struct seep_heap_change *c = &changes->at[i];
        add_bytes(out, more(c->old_bytes, c->bytes), 11);
        seep_buf_addf(out, " %+11" PRId64 " %10" PRIu64 "  ", more(c->old_blocks, c->blocks),
                      c->blocks);
        add_what(out, by, c);
        seep_buf_addc(out, '\n');
    }
    if (changes->n > top)
        seep_buf_addf(out, "and %zu more: --top 0 shows all\n", changes->n - top);
}

void seep_heap_delta_text(struct seep_buf *out, const struct seep_heap_report *report, size_t top)
{
    const struct seep_heap_changes *c = report->changes;
    add_answer(out, report);
    add_changes(out, SEEP_BLOCKS_BY_TYPE, "What changed, by type:", &c[SEEP_BLOCKS_BY_TYPE], top);
    add_changes(out, SEEP_BLOCKS_BY_SIZE, "What changed, by size:", &c[SEEP_BLOCKS_BY_SIZE], top);
    if (report->old->unreachable_known && report->summary->unreachable_known)
        add_changes(out, SEEP_BLOCKS_UNREACHABLE,
                    "What changed of that to which nothing points, by type and size:",
                    &c[SEEP_BLOCKS_UNREACHABLE], top);
    seep_buf_adds(out, "\nNow:\n");
}
