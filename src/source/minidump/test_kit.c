// SPDX-License-Identifier: MIT
// A sink that keeps the facts of a dump.
#include "source/minidump/test_kit.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <string.h>

static struct kit *kit_of(struct seep_sink *sink)
{
    return (struct kit *)sink;
}

static bool full(struct seep_sink *sink)
{
    struct kit *k = kit_of(sink);
    k->n_facts++;
    if (k->fail_after && k->n_facts >= k->fail_after)
        return seep_fail(&sink->error, SEEP_NO_OFFSET, NULL, "the sink is full");
    return true;
}

static const char *dash(const char *text)
{
    return text ? text : "-";
}

static bool on_machine(struct seep_sink *s, const struct seep_machine *m,
                       struct seep_machine_id *id)
{
    id->v = 1;
    seep_buf_addf(&kit_of(s)->text,
                  "machine %s %s processors=%" PRIu32 " ram=%" PRIu64 " limit=%" PRIu64 "\n",
                  dash(m->os), dash(m->os_version), m->n_processors, m->ram_bytes,
                  m->commit_limit_bytes);
    return full(s);
}

static bool on_process(struct seep_sink *s, const struct seep_process *p,
                       struct seep_process_id *id)
{
    id->v = 1;
    seep_buf_addf(&kit_of(s)->text, "process %s pid=%d/%" PRIu32 " %s wow64=%d start=%" PRId64 "\n",
                  dash(p->image), p->has_pid, p->pid, dash(p->architecture), p->wow64,
                  p->start_ns == SEEP_NO_TIME ? -1 : p->start_ns / SEEP_NS_PER_S);
    return full(s);
}

static bool on_series(struct seep_sink *s, const struct seep_series *series,
                      struct seep_series_id *id)
{
    id->v = 1;
    seep_buf_addf(&kit_of(s)->text, "%s %s ", seep_subject_kind_name(series->subject.kind),
                  seep_metric_name(series->metric));
    return full(s);
}

static bool on_tick(struct seep_sink *s, struct seep_machine_id machine, int64_t t_ns)
{
    (void)machine;
    seep_buf_addf(&kit_of(s)->text, "tick %" PRId64 "\n", t_ns / SEEP_NS_PER_S);
    return full(s);
}

static bool on_sample(struct seep_sink *s, struct seep_series_id id, double value)
{
    (void)id;
    seep_buf_addf(&kit_of(s)->text, "%.0f\n", value);
    return full(s);
}

static bool on_module(struct seep_sink *s, const struct seep_module *m)
{
    char guid[SEEP_GUID_TEXT];
    seep_guid_text(m->identity.pdb.guid, guid);
    seep_buf_addf(&kit_of(s)->text,
                  "module 0x%" PRIx64 " 0x%" PRIx64 " %s %s %s time=%" PRIx32 " sum=%" PRIx32
                  " pdb=%s %s %" PRIu32 "%s\n",
                  m->base, m->size_bytes, dash(m->path), dash(m->version), dash(m->identity.name),
                  m->identity.timestamp, m->identity.checksum, dash(m->identity.pdb.name), guid,
                  m->identity.pdb.age, m->unloaded ? " unloaded" : "");
    return full(s);
}

static bool on_region(struct seep_sink *s, const struct seep_region *r)
{
    struct kit *k = kit_of(s);
    if (!seep_grow(&k->regions, &k->capacity, k->n_regions + 1, sizeof *k->regions))
        return seep_fail_memory(&s->error);
    k->regions[k->n_regions] = *r;
    k->regions[k->n_regions++].detail =
        r->detail ? seep_strndup(r->detail, strlen(r->detail)) : NULL;
    k->usage[r->usage][r->state] += r->size_bytes;
    k->types[r->type][r->state] += r->size_bytes;
    return full(s);
}

static bool on_handle(struct seep_sink *s, const struct seep_handle *h)
{
    seep_buf_addf(&kit_of(s)->text,
                  "handle 0x%" PRIx64 " %s %s access=%" PRIx32 " %" PRIu64 " %" PRIu64 "\n",
                  h->value, dash(h->type), dash(h->name), h->access, h->n_handles, h->n_pointers);
    return full(s);
}

static bool on_heap(struct seep_sink *s, const struct seep_heap *h)
{
    seep_buf_addf(&kit_of(s)->text, "heap 0x%" PRIx64 " %s %u", h->address,
                  seep_heap_kind_name(h->kind), h->bits);
    const uint64_t numbers[] = { h->busy_blocks, h->busy_bytes,      h->free_blocks,
                                 h->free_bytes,  h->committed_bytes, h->reserved_bytes };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i] == SEEP_UNKNOWN_BYTES)
            seep_buf_adds(&kit_of(s)->text, " -");
        else
            seep_buf_addf(&kit_of(s)->text, " %" PRIu64, numbers[i]);
    }
    seep_buf_addc(&kit_of(s)->text, '\n');
    return full(s);
}

static bool on_blocks(struct seep_sink *s, const struct seep_blocks *b)
{
    seep_buf_addf(
        &kit_of(s)->text, "blocks %s 0x%" PRIx64 " %" PRIu64 " %s %" PRIu64 " %" PRIu64 "\n",
        seep_blocks_by_name(b->by), b->heap, b->size_bytes, dash(b->type), b->blocks, b->bytes);
    return full(s);
}

static bool on_tally(struct seep_sink *s, const struct seep_tally *t)
{
    seep_buf_addf(&kit_of(s)->text, "tally %s %" PRIu32 " %s %" PRIu64 "\n", t->provider, t->id,
                  dash(t->name), t->count);
    return full(s);
}

static bool on_loss(struct seep_sink *s, const struct seep_loss *l)
{
    seep_buf_addf(&kit_of(s)->text, "%s %s %" PRIu64 " at 0x%" PRIx64 ": %s\n",
                  l->harmless ? "note" : "loss", l->what, l->count, l->offset, l->text);
    return full(s);
}

enum seep_status kit_read(struct kit *kit, const void *data, size_t len)
{
    kit->ops = (struct seep_sink_ops){
        .machine = on_machine,
        .process = on_process,
        .series = on_series,
        .tick = on_tick,
        .sample = on_sample,
        .module = on_module,
        .region = on_region,
        .handle = on_handle,
        .heap = kit->heaps ? on_heap : NULL,
        .blocks = kit->blocks ? on_blocks : NULL,
        .tally = on_tally,
        .loss = on_loss,
    };
    kit->sink.ops = &kit->ops;
    // A copy of exactly this length: what reads over its end is seen.
    char *copy = seep_alloc(len ? len : 1, 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, data, len);
    struct seep_input input = { .path = "test.dmp", .view = seep_bytes(copy, len) };
    enum seep_status status =
        seep_source_minidump.read(&input, &kit->sink, NULL, &kit->read_bytes, &kit->err);
    seep_free(copy);
    return status;
}

enum seep_status kit_read_dump(struct kit *kit, const struct build *b)
{
    return kit_read(kit, b->out.data, b->out.len);
}

void kit_clear(struct kit *kit)
{
    for (size_t i = 0; i < kit->n_regions; i++)
        seep_free((void *)(uintptr_t)kit->regions[i].detail);
    seep_free(kit->regions);
    seep_buf_clear(&kit->text);
    *kit = (struct kit){ 0 };
}

const struct seep_region *kit_region(const struct kit *kit, uint64_t base)
{
    for (size_t i = 0; i < kit->n_regions; i++) {
        if (kit->regions[i].base == base)
            return &kit->regions[i];
    }
    fail_msg("no region at 0x%" PRIx64, base);
    return NULL;
}

void kit_expect(const struct kit *kit, const char *line)
{
    if (!strstr(seep_buf_text(&kit->text), line))
        fail_msg("missing: %s\nin:\n%s", line, seep_buf_text(&kit->text));
}

void kit_expect_not(const struct kit *kit, const char *line)
{
    if (strstr(seep_buf_text(&kit->text), line))
        fail_msg("unexpected: %s\nin:\n%s", line, seep_buf_text(&kit->text));
}
