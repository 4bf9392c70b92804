// SPDX-License-Identifier: MIT
// The document as JSON: docs/schema/analyze.schema.json says the same.
#include "base/json.h"

#include "base/time.h"
#include "report/writer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { SCHEMA_VERSION = 1 };

struct json_state {
    struct seep_json json;
    uint64_t n_invalid; // strings of the first pass that were not UTF-8
};

static struct json_state *state_of(struct seep_writer *writer)
{
    return writer->state;
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static void key_null(struct seep_json *json, const char *key)
{
    seep_json_key(json, key);
    seep_json_null(json);
}

// Zero is how the facts say "unknown" here.
static void key_known(struct seep_json *json, const char *key, uint64_t value)
{
    if (value)
        seep_json_key_uint(json, key, value);
    else
        key_null(json, key);
}

static void key_count(struct seep_json *json, const char *key, uint64_t value)
{
    if (value != SEEP_UNKNOWN_COUNT)
        seep_json_key_uint(json, key, value);
    else
        key_null(json, key);
}

static void key_offset(struct seep_json *json, const char *key, uint64_t offset)
{
    seep_json_key(json, key);
    if (offset != SEEP_NO_OFFSET)
        seep_json_address(json, offset);
    else
        seep_json_null(json);
}

static void key_source(struct seep_json *json, struct seep_source_id source)
{
    if (source.v)
        seep_json_key_uint(json, "source", source.v - 1);
    else
        key_null(json, "source");
}

// A value of a metric: bytes and counts are integers, whatever arithmetic they come from.
static void key_value(struct seep_json *json, const char *key, enum seep_metric metric,
                      double value)
{
    const char *unit = seep_metric_unit(metric);
    bool whole = unit && strcmp(unit, "ratio") != 0;
    seep_json_key_number(json, key, whole ? round(value) : value);
}

static void loss_json(struct seep_json *json, const struct seep_loss *loss)
{
    seep_json_begin_object(json);
    seep_json_key_string(json, "what", loss->what);
    key_count(json, "count", loss->count);
    key_count(json, "bytes", loss->bytes);
    key_offset(json, "offset", loss->offset);
    seep_json_key_string(json, "text", loss->text);
    seep_json_key(json, "harmless");
    seep_json_bool(json, loss->harmless);
    seep_json_end_object(json);
}

static bool is_live(const char *format)
{
    return format && strncmp(format, "live-", 5) == 0;
}

static void source_json(struct seep_json *json, const struct seep_dataset_source *source,
                        uint64_t n_invalid)
{
    seep_json_begin_object(json);
    seep_json_key_string(json, "path", source->path);
    seep_json_key_string(json, "format", source->format);
    // A running system has no size; an empty file has the size 0.
    if (is_live(source->format)) {
        key_known(json, "size_bytes", source->size_bytes);
        key_known(json, "read_bytes", source->read_bytes);
    } else {
        seep_json_key_uint(json, "size_bytes", source->size_bytes);
        seep_json_key_uint(json, "read_bytes", source->read_bytes);
    }
    seep_json_key(json, "facts");
    seep_json_begin_object(json);
    for (int kind = 0; kind < SEEP_N_FACT_KINDS; kind++) {
        if (source->facts[kind])
            seep_json_key_uint(json, seep_fact_kind_name((enum seep_fact_kind)kind),
                               source->facts[kind]);
    }
    seep_json_end_object(json);
    seep_json_key(json, "losses");
    seep_json_begin_array(json);
    for (size_t i = 0; i < source->n_losses; i++)
        loss_json(json, &source->losses[i]);
    if (n_invalid) {
        struct seep_loss loss = { .what = "bad-text",
                                  .count = n_invalid,
                                  .bytes = SEEP_UNKNOWN_COUNT,
                                  .offset = SEEP_NO_OFFSET,
                                  .text = "strings of this document were not UTF-8; their bytes "
                                          "stand as \\xHH" };
        loss_json(json, &loss);
    }
    seep_json_end_array(json);
    seep_json_end_object(json);
}

void seep_report_head_checked(struct seep_json *json, const char *command,
                              const struct seep_dataset_source *sources, size_t n_sources,
                              uint64_t n_invalid)
{
    seep_json_begin_object(json);
    seep_json_key_uint(json, "schema_version", SCHEMA_VERSION);
    seep_json_key(json, "tool");
    seep_json_begin_object(json);
    seep_json_key_string(json, "name", "seep");
    seep_json_key_string(json, "version", SEEP_VERSION);
    seep_json_end_object(json);
    seep_json_key_string(json, "command", command);
    seep_json_key(json, "sources");
    seep_json_begin_array(json);
    for (size_t i = 0; i < n_sources; i++)
        source_json(json, &sources[i], i == 0 ? n_invalid : 0);
    seep_json_end_array(json);
}

void seep_report_head(struct seep_json *json, const char *command,
                      const struct seep_dataset_source *sources, size_t n_sources)
{
    seep_report_head_checked(json, command, sources, n_sources, 0);
}

static bool discard(void *ctx, const char *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return true;
}

// The sources stand in the head, so they are written from here and not from `source`.
static void on_begin(struct seep_writer *writer)
{
    struct json_state *state = state_of(writer);
    const struct seep_report *report = writer->report;
    state->json = (struct seep_json){ .write = writer->dry ? discard : seep_report_to_file,
                                      .ctx = writer->out,
                                      .pretty = true };
    seep_report_head_checked(&state->json, report->command, report->data->sources,
                             report->data->n_sources, state->n_invalid);
}

static void on_source(struct seep_writer *writer, const struct seep_dataset_source *source)
{
    (void)writer;
    (void)source;
}

static void machine_json(struct seep_json *json, const struct seep_machine *machine)
{
    const struct seep_machine unknown = { .boot_ns = SEEP_NO_TIME };
    const struct seep_machine *m = machine ? machine : &unknown;
    seep_json_begin_object(json);
    seep_json_key_string(json, "host", or_null(m->host));
    seep_json_key_string(json, "os", or_null(m->os));
    seep_json_key_string(json, "os_version", or_null(m->os_version));
    key_known(json, "ram_bytes", m->ram_bytes);
    key_known(json, "commit_limit_bytes", m->commit_limit_bytes);
    key_known(json, "page_size_bytes", m->page_size_bytes);
    key_known(json, "n_processors", m->n_processors);
    seep_json_key_time(json, "boot", m->boot_ns);
    seep_json_end_object(json);
}

static void on_machine(struct seep_writer *writer, const struct seep_machine *machine)
{
    struct seep_json *json = &state_of(writer)->json;
    const struct seep_dataset *data = writer->report->data;
    seep_json_key(json, "machine");
    machine_json(json, machine);
    if (data->n_machines < 2)
        return;
    seep_json_key(json, "machines");
    seep_json_begin_array(json);
    for (size_t i = 0; i < data->n_machines; i++)
        machine_json(json, &data->machines[i]);
    seep_json_end_array(json);
}

// The sources of the known-good runs.
static void baselines_json(struct seep_writer *writer)
{
    struct seep_json *json = &state_of(writer)->json;
    const struct seep_report *report = writer->report;
    if (report->n_baselines == 0)
        return;
    seep_json_key(json, "baseline");
    seep_json_begin_array(json);
    for (size_t i = 0; i < report->n_baselines; i++) {
        const struct seep_dataset *data = report->baselines[i];
        for (size_t k = 0; k < data->n_sources; k++)
            source_json(json, &data->sources[k], 0);
    }
    seep_json_end_array(json);
    seep_json_key_uint(json, "findings_expected", report->judgement->n_expected);
}

static void on_observed(struct seep_writer *writer)
{
    struct seep_json *json = &state_of(writer)->json;
    const struct seep_judgement *judgement = writer->report->judgement;
    bool known = judgement->start_ns != SEEP_NO_TIME && judgement->end_ns != SEEP_NO_TIME;
    double duration_s = NAN;
    if (known)
        duration_s = ((double)judgement->end_ns - (double)judgement->start_ns) / 1e9;
    seep_json_key(json, "observed");
    seep_json_begin_object(json);
    seep_json_key_time(json, "start", judgement->start_ns);
    seep_json_key_time(json, "end", judgement->end_ns);
    seep_json_key_number(json, "duration_s", duration_s);
    seep_json_key_uint(json, "series", judgement->n_series);
    seep_json_end_object(json);
    seep_json_key_string(json, "verdict", seep_verdict_name(judgement->verdict));
    baselines_json(writer);
    seep_json_key(json, "findings");
    seep_json_begin_array(json);
}

static void subject_json(struct seep_writer *writer, const struct seep_finding *finding)
{
    struct seep_json *json = &state_of(writer)->json;
    const struct seep_machine *machine = seep_report_machine(writer->report, finding->machine);
    seep_json_key(json, "subject");
    seep_json_begin_object(json);
    seep_json_key_string(json, "kind", seep_subject_kind_name(finding->subject));
    seep_json_key_string(json, "name", or_null(finding->name));
    if (finding->has_pid)
        seep_json_key_uint(json, "pid", finding->pid);
    else
        key_null(json, "pid");
    seep_json_key_time(json, "start", finding->start_ns);
    seep_json_key_string(json, "tag", or_null(finding->tag));
    seep_json_key_string(json, "driver", or_null(finding->driver));
    if (finding->subject == SEEP_SUBJECT_SITE)
        seep_json_key_string(json, "process", or_null(finding->process));
    seep_json_key_string(json, "host", machine ? or_null(machine->host) : NULL);
    seep_json_end_object(json);
}

static void rate_json(struct seep_json *json, const char *key, enum seep_metric metric,
                      const struct seep_rate *rate)
{
    const char *unit = seep_metric_unit(metric);
    char per_second[SEEP_HUMAN_TEXT];
    (void)snprintf(per_second, sizeof per_second, "%s/s", unit ? unit : "count");
    seep_json_key(json, key);
    if (!rate->known) {
        seep_json_null(json);
        return;
    }
    seep_json_begin_object(json);
    seep_json_key_number(json, "value", rate->value);
    seep_json_key_number(json, "low", rate->low);
    seep_json_key_number(json, "high", rate->high);
    seep_json_key_string(json, "unit", per_second);
    seep_json_end_object(json);
}

static void exhaustion_json(struct seep_json *json, const struct seep_finding *finding)
{
    const struct seep_exhaustion *exhaustion = &finding->exhaustion;
    seep_json_key(json, "exhaustion");
    if (!exhaustion->limit) {
        seep_json_null(json);
        return;
    }
    seep_json_begin_object(json);
    seep_json_key_string(json, "limit", exhaustion->limit);
    key_value(json, "limit_value", finding->metric, exhaustion->limit_value);
    seep_json_key_time(json, "at", exhaustion->at_ns);
    seep_json_key_time(json, "low", exhaustion->low_ns);
    seep_json_key_time(json, "high", exhaustion->high_ns);
    seep_json_end_object(json);
}

static void evidence_json(struct seep_json *json, const struct seep_finding *finding)
{
    seep_json_key(json, "evidence");
    seep_json_begin_array(json);
    for (size_t i = 0; i < finding->n_evidence; i++) {
        const struct seep_evidence *evidence = &finding->evidence[i];
        seep_json_begin_object(json);
        seep_json_key_string(json, "text", evidence->text);
        key_source(json, evidence->source);
        key_offset(json, "offset", evidence->offset);
        seep_json_key_time(json, "time", evidence->time_ns);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void strings_json(struct seep_json *json, const char *key, const char *const *texts,
                         size_t n)
{
    seep_json_key(json, key);
    seep_json_begin_array(json);
    for (size_t i = 0; i < n; i++)
        seep_json_string(json, texts[i]);
    seep_json_end_array(json);
}

// What known-good runs show of it.
static void beside_json(struct seep_json *json, const struct seep_finding *finding)
{
    const struct seep_beside *beside = &finding->baseline;
    seep_json_key(json, "baseline");
    if (!beside->known) {
        seep_json_null(json);
        return;
    }
    seep_json_begin_object(json);
    seep_json_key_string(json, "path", or_null(beside->path));
    seep_json_key_string(json, "host", or_null(beside->host));
    seep_json_key_string(json, "name", or_null(beside->name));
    if (beside->has_pid)
        seep_json_key_uint(json, "pid", beside->pid);
    else
        key_null(json, "pid");
    seep_json_key_string(json, "aligned_by", seep_alignment_name(beside->aligned));
    seep_json_key_number(json, "covered", beside->covered);
    key_value(json, "growth", finding->metric, beside->growth);
    key_value(json, "own_growth", finding->metric, beside->own_growth);
    rate_json(json, "rate", finding->metric, &beside->rate);
    rate_json(json, "excess", finding->metric, &beside->excess);
    seep_json_key_number(json, "explained", beside->explained);
    seep_json_key_number(json, "q", beside->q);
    seep_json_key(json, "leaks");
    seep_json_bool(json, beside->leaks);
    seep_json_end_object(json);
}

static void on_finding(struct seep_writer *writer, const struct seep_finding *finding, size_t rank)
{
    struct seep_json *json = &state_of(writer)->json;
    (void)rank;
    seep_json_begin_object(json);
    seep_json_key_string(json, "id", finding->id);
    seep_json_key_string(json, "class", seep_class_name(finding->class_));
    seep_json_key_string(json, "verdict", seep_verdict_name(finding->verdict));
    subject_json(writer, finding);
    seep_json_key_string(json, "metric", seep_metric_name(finding->metric));
    rate_json(json, "rate", finding->metric, &finding->rate);
    seep_json_key_time(json, "since", finding->since_ns);
    key_value(json, "first", finding->metric, finding->first);
    key_value(json, "last", finding->metric, finding->last);
    exhaustion_json(json, finding);
    seep_json_key_number(json, "share", finding->share);
    seep_json_key_number(json, "q", finding->q);
    beside_json(json, finding);
    evidence_json(json, finding);
    strings_json(json, "caveats", finding->caveats, finding->n_caveats);
    strings_json(json, "next", finding->next, finding->n_next);
    seep_json_end_object(json);
}

static void on_left_out(struct seep_writer *writer, const size_t counts[SEEP_N_VERDICTS])
{
    struct seep_json *json = &state_of(writer)->json;
    uint64_t n = 0;
    for (int i = 0; i < SEEP_N_VERDICTS; i++)
        n += counts[i];
    seep_json_end_array(json);
    seep_json_key_uint(json, "findings_left_out", n);
    seep_json_key(json, "events");
    seep_json_begin_array(json);
}

static void on_event(struct seep_writer *writer, const struct seep_event *event,
                     struct seep_source_id source)
{
    struct seep_json *json = &state_of(writer)->json;
    const struct seep_machine *machine = seep_report_machine(writer->report, event->machine);
    seep_json_begin_object(json);
    seep_json_key_time(json, "time", event->time_ns);
    seep_json_key_string(json, "provider", or_null(event->provider));
    seep_json_key_uint(json, "id", event->id);
    seep_json_key_string(json, "channel", or_null(event->channel));
    key_known(json, "record_id", event->record_id);
    seep_json_key_string(json, "host", machine ? or_null(machine->host) : NULL);
    key_source(json, source);
    seep_json_key(json, "fields");
    seep_event_fields_json(event, json);
    seep_json_end_object(json);
}

static bool on_end(struct seep_writer *writer)
{
    struct json_state *state = state_of(writer);
    seep_json_end_array(&state->json);
    seep_json_end_object(&state->json);
    bool ok = seep_json_flush(&state->json);
    state->n_invalid = state->json.n_invalid;
    seep_json_clear(&state->json);
    return ok;
}

const struct seep_writer_ops seep_writer_json = {
    .name = "json",
    .state_size = sizeof(struct json_state),
    .two_passes = true, // the head names the loss that only the whole document shows
    .begin = on_begin,
    .source = on_source,
    .machine = on_machine,
    .observed = on_observed,
    .finding = on_finding,
    .left_out = on_left_out,
    .event = on_event,
    .end = on_end,
};
