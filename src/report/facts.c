// SPDX-License-Identifier: MIT
// Facts as NDJSON, as they pass: what `seep facts --kind` prints.
//
// A log has millions of samples in few series. What is constant in the lines of a series is made
// once, the time once a tick; a sample is two copies and a number.
#include "base/alloc.h"
#include "base/arena.h"
#include "base/intern.h"
#include "base/time.h"
#include "report/plain.h"
#include "report/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_BYTES = 1 << 17, TICK_TEXT = SEEP_TIME_TEXT + 16 };

struct prefix {
    const char *text; // {"kind":"sample", … "time":
    size_t len;
};

struct seep_facts_printer {
    struct seep_sink sink; // first: the operations get it
    struct seep_sink_ops ops;
    FILE *file;
    char *out;
    size_t len, capacity;
    bool failed;
    struct seep_json json; // a line in the making
    struct seep_arena arena;

    const char **hosts; // by machine id - 1; NULL = unknown
    size_t n_machines, machines_capacity;
    struct seep_process *processes; // by process id - 1
    size_t n_processes, processes_capacity;
    struct prefix *prefixes; // by series id - 1
    size_t n_series, series_capacity;
    char tick[TICK_TEXT]; // "2026-…Z","value":
    size_t tick_len;
    int64_t tick_ns; // of facts that are of a moment

    struct seep_stacks stacks; // of which equal nodes are one line
    bool print_stacks;
    struct seep_intern keys; // of the tallies
    struct seep_tally *tallies;
    size_t n_tallies, tallies_capacity;
    bool print_processes;
};

static struct seep_facts_printer *printer_of(struct seep_sink *sink)
{
    return (struct seep_facts_printer *)sink;
}

static bool drain(struct seep_facts_printer *printer)
{
    if (!printer->failed && printer->len &&
        fwrite(printer->out, 1, printer->len, printer->file) != printer->len) {
        printer->failed = true;
        (void)seep_fail(&printer->sink.error, SEEP_NO_OFFSET,
                        "look for a full disk or a closed pipe", "the facts could not be written");
    }
    printer->len = 0;
    return !printer->failed;
}

// Makes room for `len` bytes behind what is there.
static bool reserve(struct seep_facts_printer *printer, size_t len)
{
    if (len <= printer->capacity - printer->len)
        return true;
    if (!drain(printer))
        return false;
    if (seep_grow(&printer->out, &printer->capacity, len, 1))
        return true;
    printer->failed = true;
    return seep_fail_memory(&printer->sink.error);
}

// Moves the finished line out of `json`.
static bool put_line(struct seep_facts_printer *printer)
{
    struct seep_buf *line = &printer->json.buf;
    bool made = seep_json_flush(&printer->json);
    if (!made) {
        printer->failed = true;
        (void)seep_fail_memory(&printer->sink.error);
    } else if (reserve(printer, line->len)) {
        memcpy(printer->out + printer->len, line->data, line->len);
        printer->len += line->len;
    }
    seep_buf_reset(line);
    return !printer->failed;
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static const char *keep(struct seep_facts_printer *printer, const char *text)
{
    return text ? seep_arena_strndup(&printer->arena, text, strlen(text)) : NULL;
}

static void key_null(struct seep_json *json, const char *key)
{
    seep_json_key(json, key);
    seep_json_null(json);
}

static void key_known(struct seep_json *json, const char *key, uint64_t value, uint64_t unknown)
{
    if (value != unknown)
        seep_json_key_uint(json, key, value);
    else
        key_null(json, key);
}

static void key_offset(struct seep_json *json, uint64_t offset)
{
    seep_json_key(json, "offset");
    if (offset != SEEP_NO_OFFSET)
        seep_json_address(json, offset);
    else
        seep_json_null(json);
}

static struct seep_json *begin_line(struct seep_facts_printer *printer, enum seep_fact_kind kind)
{
    struct seep_json *json = &printer->json;
    seep_json_begin_object(json);
    seep_json_key_string(json, "kind", seep_fact_kind_name(kind));
    return json;
}

static const char *host_of(const struct seep_facts_printer *printer, struct seep_machine_id id)
{
    return id.v && id.v <= printer->n_machines ? printer->hosts[id.v - 1] : NULL;
}

static bool remember_machine(struct seep_facts_printer *printer, const struct seep_machine *machine,
                             struct seep_machine_id *id)
{
    const char *host = or_null(machine->host);
    const char *copy = keep(printer, host);
    if ((host && !copy) || !seep_grow(&printer->hosts, &printer->machines_capacity,
                                      printer->n_machines + 1, sizeof *printer->hosts))
        return seep_fail_memory(&printer->sink.error);
    printer->hosts[printer->n_machines++] = copy;
    id->v = (uint32_t)printer->n_machines;
    return true;
}

static bool note_machine(struct seep_sink *sink, const struct seep_machine *machine,
                         struct seep_machine_id *id)
{
    return remember_machine(printer_of(sink), machine, id);
}

static bool print_machine(struct seep_sink *sink, const struct seep_machine *machine,
                          struct seep_machine_id *id)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_MACHINE);
    seep_json_key_string(json, "host", or_null(machine->host));
    seep_json_key_string(json, "os", or_null(machine->os));
    seep_json_key_string(json, "os_version", or_null(machine->os_version));
    key_known(json, "ram_bytes", machine->ram_bytes, 0);
    key_known(json, "commit_limit_bytes", machine->commit_limit_bytes, 0);
    key_known(json, "page_size_bytes", machine->page_size_bytes, 0);
    key_known(json, "n_processors", machine->n_processors, 0);
    seep_json_key_time(json, "boot", machine->boot_ns);
    seep_json_end_object(json);
    return put_line(printer) && remember_machine(printer, machine, id);
}

static bool note_process(struct seep_sink *sink, const struct seep_process *process,
                         struct seep_process_id *id)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_process copy = *process;
    copy.image = keep(printer, process->image);
    copy.architecture = keep(printer, process->architecture);
    if ((process->image && !copy.image) || (process->architecture && !copy.architecture) ||
        !seep_grow(&printer->processes, &printer->processes_capacity, printer->n_processes + 1,
                   sizeof copy))
        return seep_fail_memory(&sink->error);
    printer->processes[printer->n_processes++] = copy;
    id->v = (uint32_t)printer->n_processes;
    return true;
}

static bool note_process_end(struct seep_sink *sink, struct seep_process_id id, int64_t end_ns)
{
    struct seep_facts_printer *printer = printer_of(sink);
    if (id.v && id.v <= printer->n_processes)
        printer->processes[id.v - 1].end_ns = end_ns;
    return true;
}

// One line a process, when everything is known about it: at the end.
static bool print_process(struct seep_facts_printer *printer, const struct seep_process *process)
{
    struct seep_json *json = begin_line(printer, SEEP_FACT_PROCESS);
    if (process->has_pid)
        seep_json_key_uint(json, "pid", process->pid);
    else
        key_null(json, "pid");
    key_known(json, "parent_pid", process->parent_pid, 0);
    seep_json_key_time(json, "start", process->start_ns);
    seep_json_key_time(json, "end", process->end_ns);
    seep_json_key_string(json, "image", or_null(process->image));
    seep_json_key_string(json, "architecture", or_null(process->architecture));
    seep_json_key(json, "wow64");
    if (process->architecture)
        seep_json_bool(json, process->wow64);
    else
        seep_json_null(json);
    seep_json_key_string(json, "host", host_of(printer, process->machine));
    seep_json_end_object(json);
    return put_line(printer);
}

static void subject_json(const struct seep_facts_printer *printer, struct seep_json *json,
                         const struct seep_subject *subject)
{
    const struct seep_process *process = NULL;
    if (subject->process.v && subject->process.v <= printer->n_processes)
        process = &printer->processes[subject->process.v - 1];
    const char *host = host_of(printer, subject->machine);
    const char *name = or_null(subject->name);
    bool is_tag = subject->kind == SEEP_SUBJECT_POOL_TAG;
    bool is_driver = subject->kind == SEEP_SUBJECT_DRIVER;
    if (subject->kind == SEEP_SUBJECT_PROCESS && process)
        name = or_null(process->image);
    else if (subject->kind == SEEP_SUBJECT_MACHINE)
        name = host;
    seep_json_begin_object(json);
    seep_json_key_string(json, "kind", seep_subject_kind_name(subject->kind));
    seep_json_key_string(json, "name", name);
    if (process && process->has_pid)
        seep_json_key_uint(json, "pid", process->pid);
    else
        key_null(json, "pid");
    seep_json_key_time(json, "start", process ? process->start_ns : SEEP_NO_TIME);
    seep_json_key_string(json, "tag", is_tag ? name : NULL);
    seep_json_key_string(json, "driver", is_driver ? name : NULL);
    seep_json_key_string(json, "host", host);
    seep_json_end_object(json);
}

static bool note_series(struct seep_sink *sink, const struct seep_series *series,
                        struct seep_series_id *id)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json json = { 0 };
    seep_json_begin_object(&json);
    seep_json_key_string(&json, "kind", seep_fact_kind_name(SEEP_FACT_SAMPLE));
    seep_json_key(&json, "subject");
    subject_json(printer, &json, &series->subject);
    seep_json_key_string(&json, "metric", seep_metric_name(series->metric));
    seep_json_key_string(&json, "counter", or_null(series->counter));
    seep_json_key(&json, "time");
    struct prefix prefix = { .len = json.buf.len };
    if (!json.failed && !json.buf.failed)
        prefix.text = seep_arena_strndup(&printer->arena, json.buf.data, json.buf.len);
    seep_json_clear(&json);
    if (!prefix.text || !seep_grow(&printer->prefixes, &printer->series_capacity,
                                   printer->n_series + 1, sizeof prefix))
        return seep_fail_memory(&sink->error);
    printer->prefixes[printer->n_series++] = prefix;
    id->v = (uint32_t)printer->n_series;
    return true;
}

static bool note_tick(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    struct seep_facts_printer *printer = printer_of(sink);
    char time[SEEP_TIME_TEXT];
    int len;
    (void)machine;
    if (t_ns == SEEP_NO_TIME) {
        len = snprintf(printer->tick, TICK_TEXT, "null,\"value\":");
    } else {
        seep_time_format(t_ns, time);
        len = snprintf(printer->tick, TICK_TEXT, "\"%s\",\"value\":", time);
    }
    printer->tick_len = (size_t)len;
    return true;
}

static bool print_sample(struct seep_sink *sink, struct seep_series_id id, double value)
{
    struct seep_facts_printer *printer = printer_of(sink);
    if (id.v == 0 || id.v > printer->n_series)
        return true;
    const struct prefix *prefix = &printer->prefixes[id.v - 1];
    if (!reserve(printer, prefix->len + printer->tick_len + SEEP_NUMBER_TEXT + 2))
        return false;
    char *p = printer->out + printer->len;
    memcpy(p, prefix->text, prefix->len);
    p += prefix->len;
    memcpy(p, printer->tick, printer->tick_len);
    p += printer->tick_len;
    p += seep_number_format(value, p);
    *p++ = '}';
    *p++ = '\n';
    printer->len = (size_t)(p - printer->out);
    return true;
}

static bool print_event(struct seep_sink *sink, const struct seep_event *event)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_EVENT);
    seep_json_key_time(json, "time", event->time_ns);
    seep_json_key_string(json, "provider", or_null(event->provider));
    seep_json_key_uint(json, "id", event->id);
    seep_json_key_uint(json, "version", event->version);
    seep_json_key_string(json, "channel", or_null(event->channel));
    key_known(json, "record_id", event->record_id, 0);
    seep_json_key_string(json, "host", host_of(printer, event->machine));
    key_offset(json, event->offset);
    seep_json_key(json, "fields");
    seep_event_fields_json(event, json);
    seep_json_end_object(json);
    return put_line(printer);
}

// The keys that say whose fact it is.
static void key_owner(const struct seep_facts_printer *printer, struct seep_json *json,
                      struct seep_process_id id)
{
    const struct seep_process *p = NULL;
    if (id.v && id.v <= printer->n_processes)
        p = &printer->processes[id.v - 1];
    seep_json_key(json, "process");
    if (!p) {
        seep_json_null(json);
        return;
    }
    seep_json_begin_object(json);
    seep_json_key_string(json, "image", or_null(p->image));
    if (p->has_pid)
        seep_json_key_uint(json, "pid", p->pid);
    else
        key_null(json, "pid");
    seep_json_end_object(json);
}

static void key_address(struct seep_json *json, const char *key, uint64_t address)
{
    seep_json_key(json, key);
    seep_json_address(json, address);
}

static void key_address_known(struct seep_json *json, const char *key, uint64_t address)
{
    if (address)
        key_address(json, key, address);
    else
        key_null(json, key);
}

static bool print_module(struct seep_sink *sink, const struct seep_module *m)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_MODULE);
    char guid[SEEP_GUID_TEXT];
    key_owner(printer, json, m->process);
    key_address(json, "base", m->base);
    seep_json_key_uint(json, "size_bytes", m->size_bytes);
    seep_json_key_string(json, "path", or_null(m->path));
    seep_json_key_string(json, "version", or_null(m->version));
    key_known(json, "timestamp", m->identity.timestamp, 0);
    key_known(json, "checksum", m->identity.checksum, 0);
    seep_json_key(json, "pdb");
    if (seep_guid_known(m->identity.pdb.guid)) {
        seep_guid_text(m->identity.pdb.guid, guid);
        seep_json_begin_object(json);
        seep_json_key_string(json, "name", or_null(m->identity.pdb.name));
        seep_json_key_string(json, "guid", guid);
        seep_json_key_uint(json, "age", m->identity.pdb.age);
        seep_json_end_object(json);
    } else {
        seep_json_null(json);
    }
    seep_json_key(json, "unloaded");
    seep_json_bool(json, m->unloaded);
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_region(struct seep_sink *sink, const struct seep_region *r)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_REGION);
    key_owner(printer, json, r->process);
    seep_region_json(json, r);
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_handle(struct seep_sink *sink, const struct seep_handle *h)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_HANDLE);
    const struct seep_process *target = NULL;
    if (h->target.v && h->target.v <= printer->n_processes)
        target = &printer->processes[h->target.v - 1];
    key_owner(printer, json, h->holder);
    key_address(json, "value", h->value);
    seep_json_key_string(json, "type", or_null(h->type));
    seep_json_key_string(json, "name", or_null(h->name));
    key_address(json, "access", h->access);
    key_known(json, "handles", h->n_handles, 0);
    key_known(json, "pointers", h->n_pointers, 0);
    key_known(json, "target_pid", target && target->has_pid ? target->pid : UINT64_MAX, UINT64_MAX);
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *t)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_POOL_TAG);
    seep_json_key_string(json, "host", host_of(printer, t->machine));
    seep_json_key_time(json, "time", printer->tick_ns);
    seep_pool_tag_json(json, t);
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_vm(struct seep_sink *sink, const struct seep_vm *vm)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_VM);
    seep_json_key_string(json, "host", host_of(printer, vm->machine));
    seep_json_key_time(json, "time", printer->tick_ns);
    seep_vm_json(json, vm);
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_zombie(struct seep_sink *sink, const struct seep_zombie *z)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_ZOMBIE);
    key_owner(printer, json, z->process);
    seep_json_key_time(json, "time", printer->tick_ns);
    seep_zombie_json(json, z);
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_heap(struct seep_sink *sink, const struct seep_heap *h)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_HEAP);
    key_owner(printer, json, h->process);
    // "kind" is the fact's here.
    seep_json_key_string(json, "heap_kind", seep_heap_kind_name(h->kind));
    seep_heap_numbers_json(json, h);
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_blocks(struct seep_sink *sink, const struct seep_blocks *b)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_BLOCKS);
    key_owner(printer, json, b->process);
    seep_json_key_string(json, "by", seep_blocks_by_name(b->by));
    key_address_known(json, "heap", b->heap);
    key_known(json, "size_bytes", b->size_bytes, 0);
    seep_json_key_string(json, "type", or_null(b->type));
    seep_json_key_string(json, "stack", or_null(b->stack));
    seep_json_key_uint(json, "blocks", b->blocks);
    seep_json_key_uint(json, "bytes", b->bytes);
    key_known(json, "heads", b->heads, b->by == SEEP_BLOCKS_UNREACHABLE ? UINT64_MAX : b->heads);
    seep_json_key_string(json, "content", or_null(b->content));
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_stack(struct seep_sink *sink, struct seep_stack_id parent,
                        const struct seep_frame *frame, struct seep_stack_id *id)
{
    struct seep_facts_printer *printer = printer_of(sink);
    size_t known = printer->stacks.count;
    *id = seep_stacks_add(&printer->stacks, parent, frame);
    if (!id->v)
        return seep_fail_memory(&sink->error);
    if (id->v <= known || !printer->print_stacks)
        return true;
    struct seep_json *json = begin_line(printer, SEEP_FACT_STACK);
    seep_json_key_uint(json, "id", id->v);
    key_known(json, "parent", parent.v, 0);
    key_address_known(json, "address", frame->address);
    key_address_known(json, "module_base", frame->module_base);
    seep_json_key_string(json, "text", or_null(frame->text));
    seep_json_end_object(json);
    return put_line(printer);
}

static bool print_site(struct seep_sink *sink, const struct seep_site *s)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_SITE);
    key_owner(printer, json, s->process);
    // "kind" is the fact's here.
    seep_json_key_string(json, "site_kind", seep_site_kind_name(s->kind));
    seep_json_key_string(json, "name", or_null(s->name));
    key_address_known(json, "heap", s->heap);
    seep_json_key_string(json, "tag", or_null(s->tag));
    seep_json_key_string(json, "pool",
                         s->kind == SEEP_SITE_POOL ? (s->paged ? "paged" : "nonpaged") : NULL);
    key_known(json, "stack", s->stack.v, 0);
    seep_json_key_uint(json, "allocs", s->allocs);
    seep_json_key_uint(json, "frees", s->frees);
    seep_json_key_uint(json, "alloc_bytes", s->alloc_bytes);
    seep_json_key_uint(json, "outstanding_count", s->outstanding_count);
    seep_json_key_uint(json, "outstanding_bytes", s->outstanding_bytes);
    key_known(json, "survivor_count", s->survivor_count, UINT64_MAX);
    key_known(json, "survivor_bytes", s->survivor_bytes, UINT64_MAX);
    key_known(json, "overhead_bytes", s->overhead_bytes, 0);
    seep_json_key_uint(json, "dead_count", s->dead_count);
    seep_json_key_time(json, "oldest", s->oldest_ns);
    seep_json_end_object(json);
    return put_line(printer);
}

// A source looks for blocks only where they are wanted: to be counted they are.
static bool note_moment(struct seep_sink *sink, struct seep_machine_id machine, int64_t t_ns)
{
    (void)machine;
    printer_of(sink)->tick_ns = t_ns;
    return true;
}

// What is only counted is wanted all the same.
static bool count_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *tag)
{
    (void)sink;
    (void)tag;
    return true;
}

static bool count_zombie(struct seep_sink *sink, const struct seep_zombie *zombie)
{
    (void)sink;
    (void)zombie;
    return true;
}

static bool count_heap(struct seep_sink *sink, const struct seep_heap *heap)
{
    (void)sink;
    (void)heap;
    return true;
}

static bool count_blocks(struct seep_sink *sink, const struct seep_blocks *blocks)
{
    (void)sink;
    (void)blocks;
    return true;
}

static bool print_loss(struct seep_sink *sink, const struct seep_loss *loss)
{
    struct seep_facts_printer *printer = printer_of(sink);
    struct seep_json *json = begin_line(printer, SEEP_FACT_LOSS);
    seep_json_key_string(json, "what", loss->what);
    key_known(json, "count", loss->count, SEEP_UNKNOWN_COUNT);
    key_known(json, "bytes", loss->bytes, SEEP_UNKNOWN_COUNT);
    key_offset(json, loss->offset);
    seep_json_key_string(json, "text", loss->text);
    seep_json_key(json, "harmless");
    seep_json_bool(json, loss->harmless);
    seep_json_end_object(json);
    return put_line(printer);
}

static bool add_tally(struct seep_facts_printer *printer, uint32_t id,
                      const struct seep_tally *tally)
{
    if (id <= printer->n_tallies) {
        printer->tallies[id - 1].count += tally->count;
        return true;
    }
    struct seep_tally copy = *tally;
    copy.provider = keep(printer, tally->provider);
    copy.name = keep(printer, tally->name);
    if ((tally->provider && !copy.provider) || (tally->name && !copy.name) ||
        !seep_grow(&printer->tallies, &printer->tallies_capacity, printer->n_tallies + 1,
                   sizeof copy))
        return seep_fail_memory(&printer->sink.error);
    printer->tallies[printer->n_tallies++] = copy;
    return true;
}

static bool note_tally(struct seep_sink *sink, const struct seep_tally *tally)
{
    struct seep_facts_printer *printer = printer_of(sink);
    const char *name = tally->name ? tally->name : "";
    struct seep_buf key = { 0 };
    seep_buf_add(&key, &tally->id, sizeof tally->id);
    seep_buf_add(&key, &tally->version, sizeof tally->version);
    seep_buf_adds(&key, tally->provider ? tally->provider : "");
    seep_buf_addc(&key, '\0');
    seep_buf_adds(&key, name);
    uint32_t id = key.failed ? 0 : seep_intern(&printer->keys, key.data, key.len);
    seep_buf_clear(&key);
    if (id == 0)
        return seep_fail_memory(&sink->error);
    return add_tally(printer, id, tally);
}

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int by_count(const void *left, const void *right)
{
    const struct seep_tally *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    int order = compare_text(a->provider, b->provider);
    if (order == 0)
        order = compare_text(a->name, b->name);
    if (order == 0 && a->id != b->id)
        order = a->id < b->id ? -1 : 1;
    if (order == 0 && a->version != b->version)
        order = a->version < b->version ? -1 : 1;
    return order;
}

// The tallies by count, NULL when memory is out; the caller frees them.
static struct seep_tally *sorted_tallies(const struct seep_facts_printer *printer)
{
    size_t n = printer->n_tallies;
    struct seep_tally *sorted = seep_alloc(n ? n : 1, sizeof *sorted);
    if (sorted && n) {
        memcpy(sorted, printer->tallies, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_count);
    }
    return sorted;
}

bool seep_facts_printer_tallies_text(const struct seep_facts_printer *printer, struct seep_buf *out)
{
    struct seep_tally *sorted = sorted_tallies(printer);
    if (!sorted)
        return false;
    for (size_t i = 0; i < printer->n_tallies; i++) {
        const struct seep_tally *t = &sorted[i];
        seep_buf_addf(out, "%10" PRIu64 "  ", t->count);
        seep_plain_add(out, t->provider ? t->provider : "?", 0);
        seep_buf_addf(out, " %" PRIu32, t->id);
        if (t->version)
            seep_buf_addf(out, " v%" PRIu32, t->version);
        if (t->name) {
            seep_buf_addc(out, ' ');
            seep_plain_add(out, t->name, 0);
        }
        seep_buf_addc(out, '\n');
    }
    seep_free(sorted);
    return !out->failed;
}

void seep_facts_printer_tallies(const struct seep_facts_printer *printer, struct seep_json *json)
{
    size_t n = printer->n_tallies;
    struct seep_tally *sorted = sorted_tallies(printer);
    if (!sorted) {
        json->failed = true;
        return;
    }
    seep_json_begin_array(json);
    for (size_t i = 0; i < n; i++) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "provider", or_null(sorted[i].provider));
        seep_json_key_string(json, "name", or_null(sorted[i].name));
        seep_json_key_uint(json, "id", sorted[i].id);
        seep_json_key_uint(json, "version", sorted[i].version);
        seep_json_key_uint(json, "count", sorted[i].count);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_free(sorted);
}

struct seep_facts_printer *seep_facts_printer_open(FILE *out, enum seep_fact_kind kind,
                                                   bool tallies)
{
    struct seep_facts_printer *printer = seep_alloc(1, sizeof *printer);
    if (!printer)
        return NULL;
    printer->file = out;
    printer->capacity = OUT_BYTES;
    printer->out = seep_alloc(OUT_BYTES, 1);
    if (!printer->out) {
        seep_free(printer);
        return NULL;
    }
    printer->sink.ops = &printer->ops;
    printer->print_processes = kind == SEEP_FACT_PROCESS;
    printer->ops.machine = kind == SEEP_FACT_MACHINE ? print_machine : note_machine;
    bool of_process = kind == SEEP_FACT_MODULE || kind == SEEP_FACT_REGION ||
                      kind == SEEP_FACT_HANDLE || kind == SEEP_FACT_HEAP ||
                      kind == SEEP_FACT_BLOCKS || kind == SEEP_FACT_SITE ||
                      kind == SEEP_FACT_ZOMBIE;
    if (kind == SEEP_FACT_PROCESS || kind == SEEP_FACT_SAMPLE || of_process) {
        printer->ops.process = note_process;
        printer->ops.process_end = note_process_end;
    }
    if (kind == SEEP_FACT_SAMPLE) {
        printer->ops.series = note_series;
        printer->ops.tick = note_tick;
        printer->ops.sample = print_sample;
        (void)note_tick(&printer->sink, (struct seep_machine_id){ 0 }, SEEP_NO_TIME);
    }
    if (kind == SEEP_FACT_POOL_TAG || kind == SEEP_FACT_VM || kind == SEEP_FACT_ZOMBIE) {
        printer->ops.tick = note_moment;
        printer->tick_ns = SEEP_NO_TIME;
    }
    printer->ops.pool_tag = kind == SEEP_FACT_POOL_TAG ? print_pool_tag : NULL;
    printer->ops.vm = kind == SEEP_FACT_VM ? print_vm : NULL;
    printer->ops.zombie = kind == SEEP_FACT_ZOMBIE ? print_zombie : NULL;
    printer->ops.module = kind == SEEP_FACT_MODULE ? print_module : NULL;
    printer->ops.region = kind == SEEP_FACT_REGION ? print_region : NULL;
    printer->ops.handle = kind == SEEP_FACT_HANDLE ? print_handle : NULL;
    printer->ops.heap = kind == SEEP_FACT_HEAP ? print_heap : NULL;
    printer->ops.blocks = kind == SEEP_FACT_BLOCKS ? print_blocks : NULL;
    printer->print_stacks = kind == SEEP_FACT_STACK;
    if (kind == SEEP_FACT_STACK || kind == SEEP_FACT_SITE)
        printer->ops.stack = print_stack;
    printer->ops.site = kind == SEEP_FACT_SITE ? print_site : NULL;
    if (kind == SEEP_N_FACT_KINDS) {
        printer->ops.heap = count_heap;
        printer->ops.pool_tag = count_pool_tag;
        printer->ops.zombie = count_zombie;
        printer->ops.blocks = count_blocks;
    }
    if (kind == SEEP_FACT_EVENT)
        printer->ops.event = print_event;
    if (kind == SEEP_FACT_LOSS)
        printer->ops.loss = print_loss;
    if (tallies)
        printer->ops.tally = note_tally;
    return printer;
}

struct seep_sink *seep_facts_printer_sink(struct seep_facts_printer *printer)
{
    return &printer->sink;
}

bool seep_facts_printer_close(struct seep_facts_printer *printer)
{
    if (!printer)
        return true;
    for (size_t i = 0; i < printer->n_processes && printer->print_processes; i++) {
        if (!print_process(printer, &printer->processes[i]))
            break;
    }
    bool ok = drain(printer) && fflush(printer->file) == 0 && !ferror(printer->file);
    seep_json_clear(&printer->json);
    seep_arena_clear(&printer->arena);
    seep_intern_clear(&printer->keys);
    seep_stacks_clear(&printer->stacks);
    seep_free(printer->hosts);
    seep_free(printer->processes);
    seep_free(printer->prefixes);
    seep_free(printer->tallies);
    seep_free(printer->out);
    seep_free(printer);
    return ok;
}
