// SPDX-License-Identifier: MIT
// The JSON document of `seep heap`.
#include "report/heap.h"
#include "report/writer.h"

#include <string.h>

static size_t shown(const struct seep_heap_report *report, size_t n)
{
    return report->top && report->top < n ? report->top : n;
}

static void address(struct seep_json *json, const char *key, uint64_t value)
{
    seep_json_key(json, key);
    if (value)
        seep_json_address(json, value);
    else
        seep_json_null(json);
}

static void known(struct seep_json *json, const char *key, uint64_t value, bool is_known)
{
    seep_json_key(json, key);
    if (is_known)
        seep_json_uint(json, value);
    else
        seep_json_null(json);
}

static void write_heaps(struct seep_json *json, const struct seep_heap_summary *summary)
{
    seep_json_key(json, "heaps");
    seep_json_begin_array(json);
    for (size_t i = 0; i < summary->space->n_heaps; i++) {
        const struct seep_heap *heap = &summary->space->heaps[i];
        seep_json_begin_object(json);
        seep_heap_json(json, heap);
        known(json, "user_blocks", summary->uses[i].blocks, summary->counted);
        known(json, "user_bytes", summary->uses[i].bytes, summary->counted);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void write_counts(struct seep_json *json, const struct seep_blocks *b)
{
    seep_json_key_uint(json, "blocks", b->blocks);
    seep_json_key_uint(json, "bytes", b->bytes);
}

static void write_content(struct seep_json *json, const struct seep_heap_report *report,
                          const struct seep_blocks *b)
{
    if (report->peek)
        seep_json_key_string(json, "content", b->content);
}

static void write_sizes(struct seep_json *json, const struct seep_heap_report *report)
{
    const struct seep_heap_groups *g = &report->summary->groups[SEEP_BLOCKS_BY_SIZE];
    seep_json_key(json, "sizes");
    seep_json_begin_array(json);
    for (size_t i = 0; i < shown(report, g->n); i++) {
        seep_json_begin_object(json);
        address(json, "heap", g->at[i]->heap);
        seep_json_key_uint(json, "size_bytes", g->at[i]->size_bytes);
        write_counts(json, g->at[i]);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void write_types(struct seep_json *json, const struct seep_heap_report *report)
{
    const struct seep_heap_groups *g = &report->summary->groups[SEEP_BLOCKS_BY_TYPE];
    seep_json_key(json, "types");
    seep_json_begin_array(json);
    for (size_t i = 0; i < shown(report, g->n); i++) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "name", g->at[i]->type);
        write_counts(json, g->at[i]);
        write_content(json, report, g->at[i]);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void write_unreachable(struct seep_json *json, const struct seep_heap_report *report)
{
    const struct seep_heap_summary *s = report->summary;
    const struct seep_heap_groups *g = &s->groups[SEEP_BLOCKS_UNREACHABLE];
    seep_json_key(json, "unreachable");
    seep_json_begin_object(json);
    known(json, "blocks", g->blocks, s->unreachable_known);
    known(json, "bytes", g->bytes, s->unreachable_known);
    known(json, "heads", s->heads, s->unreachable_known);
    seep_json_key(json, "sites");
    seep_json_begin_array(json);
    for (size_t i = 0; i < shown(report, g->n); i++) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "type", g->at[i]->type);
        seep_json_key_uint(json, "size_bytes", g->at[i]->size_bytes);
        write_counts(json, g->at[i]);
        seep_json_key_uint(json, "heads", g->at[i]->heads);
        write_content(json, report, g->at[i]);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_json_end_object(json);
}

// The frames of a stack, innermost first.
static void write_frames(struct seep_json *json, const char *stack)
{
    char frame[SEEP_MAX_NAME];
    seep_json_key(json, "stack");
    if (!stack) {
        seep_json_null(json);
        return;
    }
    seep_json_begin_array(json);
    while (*stack) {
        size_t len = strcspn(stack, ";"), kept = len < sizeof frame ? len : sizeof frame - 1;
        memcpy(frame, stack, kept);
        frame[kept] = '\0';
        seep_json_string(json, frame);
        stack += len + (stack[len] == ';');
    }
    seep_json_end_array(json);
}

static void write_stacks(struct seep_json *json, const struct seep_heap_report *report)
{
    const struct seep_heap_groups *g = &report->summary->groups[SEEP_BLOCKS_BY_STACK];
    seep_json_key(json, "stacks");
    seep_json_begin_array(json);
    for (size_t i = 0; i < shown(report, g->n); i++) {
        seep_json_begin_object(json);
        address(json, "heap", g->at[i]->heap);
        write_counts(json, g->at[i]);
        write_frames(json, g->at[i]->stack);
        write_content(json, report, g->at[i]);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void write_body(struct seep_json *json, const struct seep_heap_report *report)
{
    seep_json_key(json, "process");
    seep_space_process_json(json, report->summary->space);
    write_heaps(json, report->summary);
    write_sizes(json, report);
    write_types(json, report);
    write_unreachable(json, report);
    write_stacks(json, report);
    if (report->old)
        seep_heap_delta_json(json, report);
}

static bool discard(void *ctx, const char *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return true;
}

bool seep_heap_report_json(const struct seep_heap_report *report, FILE *out)
{
    // Strings that are no UTF-8 are a loss, and losses stand in front: the first pass counts them.
    struct seep_json dry = { .write = discard };
    struct seep_json json = { .write = seep_report_to_file, .ctx = out, .pretty = true };
    seep_json_begin_object(&dry);
    write_body(&dry, report);
    seep_json_end_object(&dry);
    seep_report_head_checked(&json, "heap", report->sources, report->n_sources, dry.n_invalid);
    seep_json_clear(&dry);
    write_body(&json, report);
    seep_json_end_object(&json);
    bool ok = seep_json_flush(&json);
    seep_json_clear(&json);
    return ok;
}
