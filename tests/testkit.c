// SPDX-License-Identifier: MIT
// What the unit tests share.
#include "testkit.h"

#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool testkit_data(const char *name, char *path, size_t size)
{
    const char *root = getenv("SEEP_TEST_DATA");
    (void)snprintf(path, size, "%s/%s", root ? root : "../shared/data", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        (void)fprintf(stderr, "skipped: no %s (set SEEP_TEST_DATA)\n", path);
        return false;
    }
    fclose(file);
    return true;
}

void testkit_source_path(const char *name, char *path, size_t size)
{
    const char *root = getenv("SEEP_SOURCE_ROOT");
    (void)snprintf(path, size, "%s/%s", root ? root : ".", name);
}

void testkit_built_path(const char *name, char *path, size_t size)
{
    const char *root = getenv("SEEP_BUILD_ROOT");
    (void)snprintf(path, size, "%s/%s", root ? root : ".", name);
}

bool testkit_read_file(const char *path, struct seep_buf *out)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char room[4096];
    size_t n;
    while ((n = fread(room, 1, sizeof room, file)) > 0)
        seep_buf_add(out, room, n);
    fclose(file);
    return !out->failed;
}

struct seep_buf testkit_built_file(const char *name)
{
    char path[4096];
    struct seep_buf bytes = { 0 };
    testkit_built_path(name, path, sizeof path);
    if (!testkit_read_file(path, &bytes))
        fail_msg("no %s: run ninja", path);
    return bytes;
}

static struct testkit_sink *kit(struct seep_sink *sink)
{
    return (struct testkit_sink *)sink;
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

static void add_time(struct seep_buf *out, int64_t t_ns)
{
    char text[SEEP_TIME_TEXT] = "-";
    if (t_ns != SEEP_NO_TIME)
        seep_time_format(t_ns, text);
    seep_buf_adds(out, text);
}

static bool on_machine(struct seep_sink *sink, const struct seep_machine *m,
                       struct seep_machine_id *id)
{
    struct testkit_sink *k = kit(sink);
    id->v = ++k->n_machines;
    seep_buf_addf(&k->text, "machine %u host=%s os=%s ram=%" PRIu64 " limit=%" PRIu64 "\n", id->v,
                  or_dash(m->host), or_dash(m->os), m->ram_bytes, m->commit_limit_bytes);
    return true;
}

static bool on_process(struct seep_sink *sink, const struct seep_process *p,
                       struct seep_process_id *id)
{
    struct testkit_sink *k = kit(sink);
    id->v = ++k->n_processes;
    if (p->has_pid)
        seep_buf_addf(&k->text, "process %u pid=%u start=", id->v, p->pid);
    else
        seep_buf_addf(&k->text, "process %u pid=- start=", id->v);
    add_time(&k->text, p->start_ns);
    seep_buf_addf(&k->text, " image=%s\n", or_dash(p->image));
    return true;
}

static bool on_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    struct testkit_sink *k = kit(sink);
    seep_buf_addf(&k->text, "process-end %u ", id.v);
    add_time(&k->text, end_ns);
    seep_buf_addc(&k->text, '\n');
    return true;
}

static bool on_series(struct seep_sink *sink, const struct seep_series *s,
                      struct seep_series_id *id)
{
    struct testkit_sink *k = kit(sink);
    id->v = ++k->n_series;
    seep_buf_addf(&k->text, "series %u %s=", id->v, seep_subject_kind_name(s->subject.kind));
    if (s->subject.name)
        seep_buf_adds(&k->text, s->subject.name);
    else if (s->subject.kind == SEEP_SUBJECT_PROCESS)
        seep_buf_addf(&k->text, "%u", s->subject.process.v);
    else
        seep_buf_addf(&k->text, "%u", s->subject.machine.v);
    seep_buf_addf(&k->text, " metric=%s counter=%s\n", or_dash(seep_metric_name(s->metric)),
                  or_dash(s->counter));
    return true;
}

static bool on_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    struct testkit_sink *k = kit(sink);
    (void)machine;
    if (k->quiet_samples)
        return true;
    seep_buf_adds(&k->text, "tick ");
    add_time(&k->text, t_ns);
    seep_buf_addc(&k->text, '\n');
    return true;
}

static bool on_sample(struct seep_sink *sink, struct seep_series_id id, double value)
{
    struct testkit_sink *k = kit(sink);
    if (k->quiet_samples)
        return true;
    char text[SEEP_NUMBER_TEXT];
    (void)seep_number_format(value, text);
    seep_buf_addf(&k->text, "sample %u %s\n", id.v, text);
    return true;
}

static bool on_module(struct seep_sink *sink, const struct seep_module *m)
{
    char guid[SEEP_GUID_TEXT] = "-";
    if (seep_guid_known(m->identity.pdb.guid))
        seep_guid_text(m->identity.pdb.guid, guid);
    seep_buf_addf(&kit(sink)->text,
                  "module %u base=0x%" PRIx64 " size=%" PRIu64 " pdb=%s/%s/%u%s %s\n", m->process.v,
                  m->base, m->size_bytes, or_dash(m->identity.pdb.name), guid, m->identity.pdb.age,
                  m->unloaded ? " unloaded" : "", or_dash(m->path));
    return true;
}

static bool on_region(struct seep_sink *sink, const struct seep_region *r)
{
    char protect[SEEP_PROTECT_TEXT];
    seep_region_protect_name(r->protect, protect);
    seep_buf_addf(&kit(sink)->text,
                  "region %u base=0x%" PRIx64 " size=%" PRIu64 " of=0x%" PRIx64 " %s %s %s %s %s\n",
                  r->process.v, r->base, r->size_bytes, r->allocation_base,
                  seep_region_state_name(r->state), seep_region_type_name(r->type),
                  seep_region_usage_name(r->usage), or_dash(protect), or_dash(r->detail));
    return true;
}

static bool on_handle(struct seep_sink *sink, const struct seep_handle *h)
{
    seep_buf_addf(&kit(sink)->text,
                  "handle %u 0x%" PRIx64 " %s access=0x%x handles=%" PRIu64 " pointers=%" PRIu64
                  " target=%u %s\n",
                  h->holder.v, h->value, or_dash(h->type), h->access, h->n_handles, h->n_pointers,
                  h->target.v, or_dash(h->name));
    return true;
}

static void add_known(struct seep_buf *out, const char *name, uint64_t value)
{
    if (value == SEEP_UNKNOWN_BYTES)
        seep_buf_addf(out, " %s=-", name);
    else
        seep_buf_addf(out, " %s=%" PRIu64, name, value);
}

static bool on_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *t)
{
    struct seep_buf *out = &kit(sink)->text;
    seep_buf_addf(out, "pool-tag %u %s %s", t->machine.v, t->tag, t->paged ? "paged" : "nonpaged");
    add_known(out, "allocs", t->allocs);
    add_known(out, "frees", t->frees);
    add_known(out, "bytes", t->bytes);
    seep_buf_adds(out, t->wraps ? " wraps" : "");
    if (t->session != SEEP_NO_SESSION)
        seep_buf_addf(out, " session=%u", t->session);
    seep_buf_addf(out, " %s\n", or_dash(t->mapped_driver));
    return true;
}

static bool on_vm(struct seep_sink *sink, const struct seep_vm *vm)
{
    struct seep_buf *out = &kit(sink)->text;
    seep_buf_addf(out, "vm %u", vm->machine.v);
    for (int i = 0; i < SEEP_N_VM_ITEMS; i++) {
        if (vm->bytes[i] != SEEP_UNKNOWN_COUNT)
            add_known(out, seep_vm_item_name((enum seep_vm_item)i), vm->bytes[i]);
    }
    seep_buf_adds(out, "\n");
    return true;
}

static bool on_zombie(struct seep_sink *sink, const struct seep_zombie *z)
{
    struct seep_buf *out = &kit(sink)->text;
    seep_buf_addf(out, "zombie %u", z->process.v);
    add_known(out, "handles", z->n_handles);
    add_known(out, "found", z->n_found);
    add_known(out, "pointers", z->n_pointers);
    add_known(out, "unexplained", z->n_unexplained);
    add_known(out, "commit", z->commit_bytes);
    seep_buf_adds(out, "\n");
    return true;
}

static bool on_heap(struct seep_sink *sink, const struct seep_heap *h)
{
    struct seep_buf *out = &kit(sink)->text;
    seep_buf_addf(out, "heap %u 0x%" PRIx64 " %s %u", h->process.v, h->address,
                  seep_heap_kind_name(h->kind), h->bits);
    add_known(out, "busy", h->busy_blocks);
    add_known(out, "busy-bytes", h->busy_bytes);
    add_known(out, "free", h->free_blocks);
    add_known(out, "free-bytes", h->free_bytes);
    add_known(out, "committed", h->committed_bytes);
    add_known(out, "reserved", h->reserved_bytes);
    seep_buf_addc(out, '\n');
    return true;
}

static bool on_blocks(struct seep_sink *sink, const struct seep_blocks *b)
{
    seep_buf_addf(&kit(sink)->text,
                  "blocks %u by=%s heap=0x%" PRIx64 " size=%" PRIu64 " blocks=%" PRIu64
                  " bytes=%" PRIu64 " type=%s stack=%s content=%s\n",
                  b->process.v, seep_blocks_by_name(b->by), b->heap, b->size_bytes, b->blocks,
                  b->bytes, or_dash(b->type), or_dash(b->stack), or_dash(b->content));
    return true;
}

static bool on_stack(struct seep_sink *sink, struct seep_stack_id parent,
                     const struct seep_frame *frame, struct seep_stack_id *id)
{
    *id = seep_stacks_add(&kit(sink)->stacks, parent, frame);
    return id->v != 0;
}

static void add_unless(struct seep_buf *out, const char *name, uint64_t value, uint64_t unknown)
{
    if (value != unknown)
        seep_buf_addf(out, " %s=%" PRIu64, name, value);
}

static bool on_site(struct seep_sink *sink, const struct seep_site *s)
{
    struct seep_buf *out = &kit(sink)->text;
    const struct seep_stack_node *node = seep_stacks_node(&kit(sink)->stacks, s->stack);
    seep_buf_addf(out, "site %u %s bytes=%" PRIu64 " count=%" PRIu64, s->process.v,
                  seep_site_kind_name(s->kind), s->outstanding_bytes, s->outstanding_count);
    add_unless(out, "overhead", s->overhead_bytes, 0);
    add_unless(out, "allocs", s->allocs, 0);
    add_unless(out, "frees", s->frees, 0);
    add_unless(out, "survivors", s->survivor_count, UINT64_MAX);
    seep_buf_addf(out, " heap=0x%" PRIx64 " tag=%s name=%s stack=", s->heap, or_dash(s->tag),
                  or_dash(s->name));
    if (!node)
        seep_buf_addc(out, '-');
    for (bool first = true; node; first = false) {
        if (node->frame.text)
            seep_buf_addf(out, "%s%s", first ? "" : ";", node->frame.text);
        else
            seep_buf_addf(out, "%s0x%" PRIx64 "@0x%" PRIx64, first ? "" : ";", node->frame.address,
                          node->frame.module_base);
        node = seep_stacks_node(&kit(sink)->stacks, node->parent);
    }
    seep_buf_addc(out, '\n');
    return true;
}

static bool on_site_blocks(struct seep_sink *sink, const struct seep_site_block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        seep_buf_addf(&kit(sink)->text, "block 0x%" PRIx64 " %" PRIu64 "\n", blocks[i].address,
                      blocks[i].size_bytes);
    return true;
}

static bool on_event(struct seep_sink *sink, const struct seep_event *event)
{
    struct testkit_sink *k = kit(sink);
    struct seep_json json = { 0 };
    seep_event_fields_json(event, &json);
    seep_buf_adds(&k->text, "event ");
    add_time(&k->text, event->time_ns);
    seep_buf_addf(&k->text, " %s %u %s\n", or_dash(event->provider), event->id,
                  seep_buf_text(&json.buf));
    seep_json_clear(&json);
    return true;
}

static bool on_tally(struct seep_sink *sink, const struct seep_tally *tally)
{
    struct testkit_sink *k = kit(sink);
    seep_buf_addf(&k->text, "tally %s %u %" PRIu64 "\n", tally->provider, tally->id, tally->count);
    return true;
}

static bool on_loss(struct seep_sink *sink, const struct seep_loss *loss)
{
    struct testkit_sink *k = kit(sink);
    seep_buf_addf(&k->text, "loss %s count=", loss->what);
    if (loss->count == SEEP_UNKNOWN_COUNT)
        seep_buf_addc(&k->text, '-');
    else
        seep_buf_addf(&k->text, "%" PRIu64, loss->count);
    if (loss->bytes == SEEP_UNKNOWN_COUNT)
        seep_buf_adds(&k->text, " bytes=-");
    else
        seep_buf_addf(&k->text, " bytes=%" PRIu64, loss->bytes);
    if (loss->offset == SEEP_NO_OFFSET)
        seep_buf_adds(&k->text, " offset=-");
    else
        seep_buf_addf(&k->text, " offset=0x%" PRIx64, loss->offset);
    seep_buf_addf(&k->text, " %s\n", loss->text);
    return true;
}

static const struct seep_sink_ops remember = {
    .machine = on_machine,
    .process = on_process,
    .process_end = on_process_end,
    .series = on_series,
    .tick = on_tick,
    .sample = on_sample,
    .module = on_module,
    .region = on_region,
    .handle = on_handle,
    .pool_tag = on_pool_tag,
    .vm = on_vm,
    .zombie = on_zombie,
    .heap = on_heap,
    .blocks = on_blocks,
    .stack = on_stack,
    .site = on_site,
    .site_blocks = on_site_blocks,
    .event = on_event,
    .tally = on_tally,
    .loss = on_loss,
};

void testkit_sink_init(struct testkit_sink *sink)
{
    *sink = (struct testkit_sink){ .sink = { .ops = &remember } };
}

void testkit_sink_clear(struct testkit_sink *sink)
{
    seep_buf_clear(&sink->text);
    seep_stacks_clear(&sink->stacks);
}

enum seep_status testkit_read(const struct seep_source *source, const void *data, size_t len,
                              struct testkit_sink *sink, struct seep_err *err)
{
    struct seep_input input = { .path = "test", .view = seep_bytes(data, len) };
    uint64_t read_bytes = 0;
    enum seep_status status = source->read(&input, &sink->sink, NULL, &read_bytes, err);
    assert_true(read_bytes <= len);
    if (status == SEEP_OK && sink->sink.n_harmful_losses)
        status = SEEP_PARTIAL;
    return status;
}
