// SPDX-License-Identifier: MIT
// Which events matter, and what facts they become.
#include "source/evtx/events.h"

#include "base/alloc.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// To add an event, add a row. Sources of the rows: note.md.
static const struct {
    const char *provider;
    uint32_t id;
    enum seep_evtx_kind kind;
} rows[] = {
    { "Microsoft-Windows-Resource-Exhaustion-Detector", 2004, SEEP_EVTX_EXHAUSTION },
    { "Microsoft-Windows-Resource-Exhaustion-Resolver", 1014, SEEP_EVTX_LEAK },
    { "srv", 2019, SEEP_EVTX_LEAK },
    { "srv", 2020, SEEP_EVTX_LEAK },
    { "Windows Error Reporting", 1001, SEEP_EVTX_REPORT },
    { "Application Popup", 26, SEEP_EVTX_CONTEXT },
    { "Application Popup", 333, SEEP_EVTX_CONTEXT },
    { "EventLog", 6008, SEEP_EVTX_CONTEXT },
    { "Microsoft-Windows-Kernel-General", 12, SEEP_EVTX_START },
};

// The event names under which Windows Error Reporting files Windows' own leak reports.
static const char *const leak_reports[] = { "RADAR_PRE_LEAK_32", "RADAR_PRE_LEAK_64",
                                            "RADAR_PRE_LEAK_WOW64" };

struct seep_evtx_host {
    struct seep_machine_id id;
    uint64_t ram_bytes, commit_limit_bytes;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_but_for_case(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

enum seep_evtx_kind seep_evtx_kind(const char *provider, uint32_t id)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].id == id && same_but_for_case(rows[i].provider, provider))
            return rows[i].kind;
    }
    return SEEP_EVTX_OTHER;
}

static bool no_memory(struct seep_evtx_facts *f)
{
    return seep_fail_memory(&f->sink->error);
}

// The entry of a host, made when it is new.
static struct seep_evtx_host *host_entry(struct seep_evtx_facts *f, const char *host)
{
    uint32_t id = seep_intern(&f->hosts, host, strlen(host));
    if (!id || !seep_grow(&f->host, &f->hosts_capacity, id, sizeof *f->host)) {
        (void)no_memory(f);
        return NULL;
    }
    if (id > f->n_hosts) {
        f->host[id - 1] = (struct seep_evtx_host){ 0 };
        f->n_hosts = id;
    }
    return &f->host[id - 1];
}

// Announces what is known of a machine.
static bool announce(struct seep_evtx_facts *f, const char *host, struct seep_evtx_host *h)
{
    struct seep_machine machine = { .host = host,
                                    .os = "Windows",
                                    .ram_bytes = h->ram_bytes,
                                    .commit_limit_bytes = h->commit_limit_bytes,
                                    .boot_ns = SEEP_NO_TIME };
    if (f->version[0] && strcmp(host, f->log_host) == 0)
        machine.os_version = f->version;
    return seep_sink_machine(f->sink, &machine, &h->id);
}

bool seep_evtx_facts_end(struct seep_evtx_facts *f)
{
    if (!*f->log_host)
        return true;
    struct seep_evtx_host *h = host_entry(f, f->log_host);
    return h && ((h->id.v && !f->version[0]) || announce(f, f->log_host, h));
}

// A field by its path: `format` with the number `n` in it.
static const struct seep_field *field(struct seep_evtx_facts *f, const struct seep_event *event,
                                      const char *group, const char *slot, unsigned n,
                                      const char *name)
{
    seep_buf_reset(&f->path);
    seep_buf_addf(&f->path, "MemoryExhaustionInfo/%s/", group);
    if (slot)
        seep_buf_addf(&f->path, "%s_%u/", slot, n);
    seep_buf_adds(&f->path, name);
    return f->path.failed ? NULL : seep_event_field(event, seep_buf_text(&f->path));
}

static bool number(const struct seep_field *field, double *value)
{
    return field && seep_field_number(field, value) && *value >= 0;
}

static const char *text(const struct seep_field *field)
{
    return field && field->type == SEEP_FIELD_TEXT ? field->value.text : "";
}

// One value of a series, which is announced when it is new. `subject` holds the machine or the
// process and the name.
static bool sample(struct seep_evtx_facts *f, const struct seep_subject *subject,
                   enum seep_metric metric, const char *counter, double value)
{
    seep_buf_reset(&f->key);
    seep_buf_addf(&f->key, "%d %" PRIu32 " %" PRIu32 " %d %s", (int)subject->kind,
                  subject->machine.v, subject->process.v, (int)metric,
                  subject->name ? subject->name : "");
    uint32_t known = (uint32_t)f->series.count;
    uint32_t id = f->key.failed ? 0 : seep_intern(&f->series, f->key.data, f->key.len);
    if (!id || !seep_grow(&f->series_id, &f->series_capacity, id, sizeof *f->series_id))
        return no_memory(f);
    struct seep_series_id series;
    if (id > known) {
        struct seep_series s = { .subject = *subject, .metric = metric, .counter = counter };
        f->series_id[id - 1] = 0;
        if (!seep_sink_series(f->sink, &s, &series))
            return false;
        f->series_id[id - 1] = series.v;
    }
    series.v = f->series_id[id - 1];
    return seep_sink_sample(f->sink, series, value);
}

static bool process_id(struct seep_evtx_facts *f, const struct seep_process *p,
                       struct seep_process_id *process)
{
    seep_buf_reset(&f->key);
    seep_buf_addf(&f->key, "%" PRIu32 " %" PRIu32 " %" PRId64 " %s", p->machine.v, p->pid,
                  p->start_ns, p->image);
    uint32_t known = (uint32_t)f->processes.count;
    uint32_t id = f->key.failed ? 0 : seep_intern(&f->processes, f->key.data, f->key.len);
    if (!id || !seep_grow(&f->process_id, &f->processes_capacity, id, sizeof *f->process_id))
        return no_memory(f);
    if (id > known) {
        f->process_id[id - 1] = 0;
        if (!seep_sink_process(f->sink, p, process))
            return false;
        f->process_id[id - 1] = process->v;
    }
    process->v = f->process_id[id - 1];
    return true;
}

enum { MAX_SLOTS = 64 }; // of processes and tags in one event; Windows writes 6 and 3

static const struct {
    const char *name;
    enum seep_metric metric;
    const char *counter;
} machine_samples[] = {
    { "SystemCommitLimit", SEEP_METRIC_COMMIT_LIMIT_BYTES,
      "Event 2004/SystemInfo/SystemCommitLimit" },
    { "SystemCommitCharge", SEEP_METRIC_COMMIT_BYTES, "Event 2004/SystemInfo/SystemCommitCharge" },
    { "PagedPoolUsage", SEEP_METRIC_PAGED_POOL_BYTES, "Event 2004/SystemInfo/PagedPoolUsage" },
    { "NonPagedPoolUsage", SEEP_METRIC_NONPAGED_POOL_BYTES,
      "Event 2004/SystemInfo/NonPagedPoolUsage" },
};

static bool system_samples(struct seep_evtx_facts *f, const struct seep_event *event)
{
    struct seep_subject machine = { .kind = SEEP_SUBJECT_MACHINE, .machine = event->machine };
    double value;
    for (size_t i = 0; i < sizeof machine_samples / sizeof *machine_samples; i++) {
        const char *name = machine_samples[i].name;
        if (number(field(f, event, "SystemInfo", NULL, 0, name), &value) &&
            !sample(f, &machine, machine_samples[i].metric, machine_samples[i].counter, value))
            return false;
    }
    return true;
}

static bool process_samples(struct seep_evtx_facts *f, const struct seep_event *event)
{
    double pid, value;
    for (unsigned n = 1; n <= MAX_SLOTS; n++) {
        if (!number(field(f, event, "ProcessInfo", "Process", n, "ID"), &pid))
            break;
        const char *image = text(field(f, event, "ProcessInfo", "Process", n, "Name"));
        if ((pid == 0 && !*image) || pid > UINT32_MAX)
            continue;
        const struct seep_field *created =
            field(f, event, "ProcessInfo", "Process", n, "CreationTime");
        struct seep_process process = { .machine = event->machine,
                                        .pid = (uint32_t)pid,
                                        .has_pid = true,
                                        .start_ns = SEEP_NO_TIME,
                                        .end_ns = SEEP_NO_TIME,
                                        .image = image };
        if (created && created->type == SEEP_FIELD_TIME)
            process.start_ns = created->value.time_ns;
        else
            (void)seep_time_parse(text(created), &process.start_ns);
        struct seep_subject subject = { .kind = SEEP_SUBJECT_PROCESS, .machine = event->machine };
        if (!process_id(f, &process, &subject.process))
            return false;
        if (number(field(f, event, "ProcessInfo", "Process", n, "CommitCharge"), &value) &&
            !sample(f, &subject, SEEP_METRIC_PRIVATE_BYTES, "Event 2004/ProcessInfo/CommitCharge",
                    value))
            return false;
        if (number(field(f, event, "ProcessInfo", "Process", n, "HandleCount"), &value) &&
            !sample(f, &subject, SEEP_METRIC_HANDLES, "Event 2004/ProcessInfo/HandleCount", value))
            return false;
    }
    return true;
}

static bool pool_samples(struct seep_evtx_facts *f, const struct seep_event *event,
                         const char *group, enum seep_metric metric, const char *counter)
{
    double value;
    for (unsigned n = 1; n <= MAX_SLOTS; n++) {
        if (!number(field(f, event, group, "Tag", n, "PoolUsed"), &value))
            break;
        struct seep_subject tag = { .kind = SEEP_SUBJECT_POOL_TAG,
                                    .machine = event->machine,
                                    .name = text(field(f, event, group, "Tag", n, "Name")) };
        if (*tag.name && !sample(f, &tag, metric, counter, value))
            return false;
    }
    return true;
}

static bool exhaustion(struct seep_evtx_facts *f, const char *host, struct seep_event *event)
{
    struct seep_evtx_host *h = host_entry(f, host);
    double ram = 0, limit = 0;
    if (!h)
        return false;
    (void)number(field(f, event, "SystemInfo", NULL, 0, "PhysicalMemorySize"), &ram);
    (void)number(field(f, event, "SystemInfo", NULL, 0, "SystemCommitLimit"), &limit);
    if (ram < 0x1p63 && limit < 0x1p63 &&
        (h->ram_bytes != (uint64_t)ram || h->commit_limit_bytes != (uint64_t)limit)) {
        h->ram_bytes = (uint64_t)ram;
        h->commit_limit_bytes = (uint64_t)limit;
        if (!announce(f, host, h))
            return false;
    }
    if (!h->id.v && !announce(f, host, h))
        return false;
    event->machine = h->id;
    return seep_sink_event(f->sink, event) &&
           seep_sink_tick(f->sink, event->machine, event->time_ns) && system_samples(f, event) &&
           pool_samples(f, event, "PagedPoolInfo", SEEP_METRIC_PAGED_POOL_BYTES,
                        "Event 2004/PagedPoolInfo/PoolUsed") &&
           pool_samples(f, event, "NonPagedPoolInfo", SEEP_METRIC_NONPAGED_POOL_BYTES,
                        "Event 2004/NonPagedPoolInfo/PoolUsed") &&
           process_samples(f, event);
}

// The name of an error report: the field EventName, or the third of the unnamed Data.
static const char *report_name(const struct seep_event *event)
{
    const struct seep_field *named = seep_event_field(event, "EventName");
    if (named)
        return text(named);
    unsigned n = 0;
    for (size_t i = 0; i < event->n_fields; i++) {
        if (strcmp(event->fields[i].path, "Data") == 0 && ++n == 3)
            return text(&event->fields[i]);
    }
    return "";
}

static bool is_leak_report(const struct seep_event *event)
{
    for (size_t i = 0; i < sizeof leak_reports / sizeof *leak_reports; i++) {
        if (strcmp(report_name(event), leak_reports[i]) == 0)
            return true;
    }
    return false;
}

// The start of the system tells its version; the newest one counts.
static void start(struct seep_evtx_facts *f, const struct seep_event *event)
{
    double major, minor, build;
    if (event->record_id < f->version_record ||
        !number(seep_event_field(event, "MajorVersion"), &major) ||
        !number(seep_event_field(event, "MinorVersion"), &minor) ||
        !number(seep_event_field(event, "BuildVersion"), &build))
        return;
    f->version_record = event->record_id;
    (void)snprintf(f->version, sizeof f->version, "%.0f.%.0f.%.0f", major, minor, build);
}

bool seep_evtx_event(struct seep_evtx_facts *f, enum seep_evtx_kind kind, const char *computer,
                     bool forwarded, struct seep_event *event)
{
    const char *host = forwarded || !*f->log_host ? computer : f->log_host;
    switch (kind) {
    case SEEP_EVTX_OTHER:
        return true;
    case SEEP_EVTX_EXHAUSTION:
        return exhaustion(f, host, event);
    case SEEP_EVTX_START:
        if (!forwarded)
            start(f, event);
        return true;
    case SEEP_EVTX_REPORT:
        if (!is_leak_report(event))
            return true;
        break;
    case SEEP_EVTX_LEAK:
    case SEEP_EVTX_CONTEXT:
        break;
    }
    struct seep_evtx_host *h = host_entry(f, host);
    if (!h || (!h->id.v && !announce(f, host, h)))
        return false;
    event->machine = h->id;
    return seep_sink_event(f->sink, event);
}

void seep_evtx_facts_clear(struct seep_evtx_facts *f)
{
    seep_intern_clear(&f->hosts);
    seep_intern_clear(&f->processes);
    seep_intern_clear(&f->series);
    seep_free(f->host);
    seep_free(f->process_id);
    seep_free(f->series_id);
    seep_buf_clear(&f->key);
    seep_buf_clear(&f->path);
    *f = (struct seep_evtx_facts){ 0 };
}
