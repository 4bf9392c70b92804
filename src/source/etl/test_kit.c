// SPDX-License-Identifier: MIT
// The sink of the tests of the trace source; see the header.
#include "source/etl/test_kit.h"

#include "base/alloc.h"
#include "base/time.h"
#include "model/stack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct etl_kit *kit_of(struct seep_sink *sink)
{
    return (struct etl_kit *)(void *)sink;
}

static const char *copy(struct etl_kit *kit, const char *text)
{
    return text ? seep_arena_strndup(&kit->arena, text, strlen(text)) : NULL;
}

static uint32_t pid_of(const struct etl_kit *kit, struct seep_process_id id)
{
    return id.v ? kit->processes[id.v - 1].pid : 0;
}

static bool on_process(struct seep_sink *sink, const struct seep_process *process,
                       struct seep_process_id *id)
{
    struct etl_kit *kit = kit_of(sink);
    assert_true(seep_grow(&kit->processes, &kit->processes_capacity, kit->n_processes + 1,
                          sizeof *kit->processes));
    kit->processes[kit->n_processes] = *process;
    kit->processes[kit->n_processes].image = copy(kit, process->image);
    id->v = (uint32_t)++kit->n_processes;
    return true;
}

static bool on_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    kit_of(sink)->processes[id.v - 1].end_ns = end_ns;
    return true;
}

static bool on_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    (void)machine;
    assert_true(t_ns > kit_of(sink)->last_tick_ns);
    kit_of(sink)->last_tick_ns = t_ns;
    kit_of(sink)->last_sum = 0;
    return true;
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id series, double value)
{
    (void)series;
    kit_of(sink)->n_samples++;
    kit_of(sink)->last_sum += value;
    return true;
}

static bool on_module(struct seep_sink *sink, const struct seep_module *module)
{
    struct etl_kit *kit = kit_of(sink);
    assert_true(
        seep_grow(&kit->modules, &kit->modules_capacity, kit->n_modules + 1, sizeof *kit->modules));
    struct seep_module *m = &kit->modules[kit->n_modules++];
    *m = *module;
    m->identity.name = copy(kit, module->identity.name);
    seep_buf_addf(&kit->text, "module %u 0x%" PRIx64 " %s pdb=%s%s\n", pid_of(kit, m->process),
                  m->base, m->identity.name,
                  module->identity.pdb.name ? module->identity.pdb.name : "-",
                  m->unloaded ? " unloaded" : "");
    return true;
}

static bool on_stack(struct seep_sink *sink, struct seep_stack_id parent,
                     const struct seep_frame *frame, struct seep_stack_id *id)
{
    *id = seep_stacks_add(&kit_of(sink)->stacks, parent, frame);
    return id->v != 0;
}

static void add_stack(const struct etl_kit *kit, struct seep_buf *out,
                      struct seep_process_id process, struct seep_stack_id id)
{
    const struct seep_stack_node *node;
    if (!id.v)
        seep_buf_adds(out, " -");
    for (const char *gap = " "; (node = seep_stacks_node(&kit->stacks, id)) != NULL;
         id = node->parent, gap = "<") {
        const struct seep_frame *f = &node->frame;
        const char *name = NULL;
        for (size_t i = 0; f->module_base && i < kit->n_modules; i++) {
            const struct seep_module *m = &kit->modules[i];
            if (m->base == f->module_base && (m->process.v == process.v || !m->process.v))
                name = m->identity.name;
        }
        if (f->text)
            seep_buf_addf(out, "%s[%s]", gap, f->text);
        else if (name)
            seep_buf_addf(out, "%s%s+0x%" PRIx64, gap, name, f->address - f->module_base);
        else
            seep_buf_addf(out, "%s0x%" PRIx64, gap, f->address);
    }
}

static void add_line(struct etl_kit *kit, struct seep_buf *line)
{
    assert_true(seep_grow(&kit->lines, &kit->lines_capacity, kit->n_lines + 1, sizeof *kit->lines));
    kit->lines[kit->n_lines++] = seep_strndup(seep_buf_text(line), line->len);
    seep_buf_clear(line);
}

static bool on_site(struct seep_sink *sink, const struct seep_site *s)
{
    struct etl_kit *kit = kit_of(sink);
    struct seep_buf line = { 0 };
    seep_buf_addf(&line, "site %s %u heap=0x%" PRIx64 " tag=%s%s live=%" PRIu64 "/%" PRIu64,
                  seep_site_kind_name(s->kind), pid_of(kit, s->process), s->heap,
                  s->tag ? s->tag : "-", s->paged ? " paged" : "", s->outstanding_count,
                  s->outstanding_bytes);
    seep_buf_addf(&line, " all=%" PRIu64 "/%" PRIu64 " frees=%" PRIu64 " dead=%" PRIu64, s->allocs,
                  s->alloc_bytes, s->frees, s->dead_count);
    add_stack(kit, &line, s->process, s->stack);
    add_line(kit, &line);
    return true;
}

static bool on_site_frees(struct seep_sink *sink, const struct seep_site_frees *f)
{
    struct etl_kit *kit = kit_of(sink);
    struct seep_buf line = { 0 };
    seep_buf_addf(&line, "frees %s %u n=%" PRIu64 " bytes=%" PRIu64 "%s%s",
                  seep_site_kind_name(f->kind), pid_of(kit, f->process), f->frees, f->bytes,
                  f->unmatched ? " unmatched" : "", f->decommit ? " decommit" : "");
    add_stack(kit, &line, f->process, f->stack);
    add_line(kit, &line);
    return true;
}

static bool on_series(struct seep_sink *sink, const struct seep_series *series,
                      struct seep_series_id *id)
{
    (void)series;
    id->v = (uint32_t)++kit_of(sink)->n_series;
    return true;
}

static bool on_tally(struct seep_sink *sink, const struct seep_tally *t)
{
    seep_buf_addf(&kit_of(sink)->text, "tally %s %u v%u n=%" PRIu64 " %s\n", t->provider, t->id,
                  t->version, t->count, t->name ? t->name : "-");
    return true;
}

static bool on_loss(struct seep_sink *sink, const struct seep_loss *loss)
{
    struct seep_buf *text = &kit_of(sink)->text;
    seep_buf_addf(text, "loss %s", loss->what);
    if (loss->count != SEEP_UNKNOWN_COUNT)
        seep_buf_addf(text, " %" PRIu64, loss->count);
    seep_buf_addc(text, '\n');
    return true;
}

static const struct seep_sink_ops ops = { .process = on_process,
                                          .process_end = on_process_end,
                                          .series = on_series,
                                          .tick = on_tick,
                                          .sample = on_sample,
                                          .module = on_module,
                                          .stack = on_stack,
                                          .site = on_site,
                                          .site_frees = on_site_frees,
                                          .tally = on_tally,
                                          .loss = on_loss };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_moment(struct seep_buf *out, const char *what, int64_t t_ns)
{
    if (t_ns == SEEP_NO_TIME)
        seep_buf_addf(out, " %s=-", what);
    else // ms since 2026-03-01 12:00 UTC, when the synthesizer's traces begin
        seep_buf_addf(out, " %s=%" PRId64, what, (t_ns - INT64_C(1772366400000000000)) / 1000000);
}

void etl_kit_read(struct etl_kit *kit, const void *data, size_t len, enum etl_threads threads)
{
    struct seep_input input = { .path = "test", .view = seep_bytes(data, len) };
    uint64_t read_bytes = 0;
    *kit = (struct etl_kit){ .sink = { .ops = &ops }, .last_tick_ns = INT64_MIN };
    kit->status = etl_read(&input, &kit->sink, NULL, threads, &read_bytes, &kit->err);
    assert_true(read_bytes <= len);
    for (size_t i = 0; i < kit->n_processes; i++) {
        const struct seep_process *p = &kit->processes[i];
        seep_buf_addf(&kit->text, "process %u %s", p->pid, p->image ? p->image : "-");
        add_moment(&kit->text, "start", p->start_ns);
        add_moment(&kit->text, "end", p->end_ns);
        seep_buf_addc(&kit->text, '\n');
    }
    if (kit->n_lines)
        qsort(kit->lines, kit->n_lines, sizeof *kit->lines, by_text);
    for (size_t i = 0; i < kit->n_lines; i++)
        seep_buf_addf(&kit->text, "%s\n", kit->lines[i]);
}

struct seep_buf etl_kit_bytes(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "etl-cases/%s.etl", name);
    return testkit_built_file(path);
}

void etl_kit_case(struct etl_kit *kit, const char *name)
{
    struct seep_buf bytes = etl_kit_bytes(name);
    etl_kit_read(kit, bytes.data, bytes.len, ETL_AS_FITS);
    assert_int_equal(kit->status, SEEP_OK);
    seep_buf_clear(&bytes);
}

void etl_kit_clear(struct etl_kit *kit)
{
    for (size_t i = 0; i < kit->n_lines; i++)
        seep_free(kit->lines[i]);
    seep_free(kit->lines);
    seep_free(kit->processes);
    seep_free(kit->modules);
    seep_stacks_clear(&kit->stacks);
    seep_arena_clear(&kit->arena);
    seep_buf_clear(&kit->text);
}

void etl_kit_has(const struct etl_kit *kit, const char *line)
{
    const char *text = kit->text.data ? kit->text.data : "";
    size_t len = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at++) {
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return;
    }
    (void)fprintf(stderr, "not there: %s\nin:\n%s", line, text);
    fail();
}

void etl_kit_lacks(const struct etl_kit *kit, const char *text)
{
    const char *all = kit->text.data ? kit->text.data : "";
    if (!strstr(all, text))
        return;
    (void)fprintf(stderr, "there: %s\nin:\n%s", text, all);
    fail();
}
