// SPDX-License-Identifier: MIT
// What the documents of `seep pool`, `seep vm` and `seep zombies` share.
#include "report/look.h"

#include "base/time.h"
#include "report/plain.h"
#include "report/writer.h"

#include <inttypes.h>
#include <string.h>

struct seep_machine_id seep_look_machine(const uint64_t *counts, size_t n_machines,
                                         size_t *n_others)
{
    struct seep_machine_id best = { 0 };
    size_t n = 0;
    for (size_t i = 0; i <= n_machines; i++) {
        n += counts[i] > 0;
        if (counts[i] > counts[best.v])
            best.v = (uint32_t)i;
    }
    *n_others = n ? n - 1 : 0;
    return best;
}

static const struct seep_machine *machine_of(const struct seep_dataset *data,
                                             struct seep_machine_id id)
{
    return id.v && id.v <= data->n_machines ? &data->machines[id.v - 1] : NULL;
}

const char *seep_look_host(const struct seep_dataset *data, struct seep_machine_id machine)
{
    const struct seep_machine *m = machine_of(data, machine);
    return m && m->host && *m->host ? m->host : NULL;
}

bool seep_look_last(const struct seep_dataset *data, struct seep_machine_id machine,
                    struct seep_process_id process, enum seep_metric metric, double *value,
                    int64_t *t_ns)
{
    struct seep_points points = { 0 };
    struct seep_err err;
    bool found = false;
    for (size_t i = 0; data->points && i < data->n_series; i++) {
        const struct seep_dataset_series *s = &data->series[i];
        const struct seep_subject *subject = &s->series.subject;
        if (s->series.metric != metric || subject->machine.v != machine.v ||
            subject->kind != (process.v ? SEEP_SUBJECT_PROCESS : SEEP_SUBJECT_MACHINE) ||
            subject->process.v != process.v || (found && s->last_ns <= *t_ns))
            continue;
        if (!data->points(data->ctx, i, &points, &err) || points.count == 0)
            continue;
        *value = points.at[points.count - 1].value;
        *t_ns = points.at[points.count - 1].t_ns;
        found = true;
    }
    seep_points_clear(&points);
    return found;
}

bool seep_look_delta(uint64_t before, uint64_t after, double *delta)
{
    if (before == SEEP_UNKNOWN_COUNT || after == SEEP_UNKNOWN_COUNT)
        return false;
    *delta = after >= before ? (double)(after - before) : -(double)(before - after);
    return true;
}

// ---- JSON

void seep_key_count(struct seep_json *json, const char *key, uint64_t value)
{
    seep_json_key(json, key);
    if (value != SEEP_UNKNOWN_COUNT)
        seep_json_uint(json, value);
    else
        seep_json_null(json);
}

void seep_key_delta(struct seep_json *json, const char *key, uint64_t before, uint64_t after)
{
    bool known = before != SEEP_UNKNOWN_COUNT && after != SEEP_UNKNOWN_COUNT;
    uint64_t apart = after >= before ? after - before : before - after;
    seep_json_key(json, key);
    if (!known || apart > INT64_MAX)
        seep_json_null(json);
    else
        seep_json_int(json, after >= before ? (int64_t)apart : -(int64_t)apart);
}

void seep_key_text(struct seep_json *json, const char *key, const char *text)
{
    seep_json_key_string(json, key, text && *text ? text : NULL);
}

void seep_key_bool(struct seep_json *json, const char *key, bool value)
{
    seep_json_key(json, key);
    seep_json_bool(json, value);
}

void seep_key_verdict(struct seep_json *json, bool judged, enum seep_verdict verdict)
{
    seep_json_key_string(json, "verdict", judged ? seep_verdict_name(verdict) : NULL);
}

void seep_key_machine(struct seep_json *json, const struct seep_dataset *data,
                      struct seep_machine_id machine, int64_t taken_ns, size_t n_others)
{
    const struct seep_machine *m = machine_of(data, machine);
    seep_json_key(json, "machine");
    seep_json_begin_object(json);
    seep_key_text(json, "host", m ? m->host : NULL);
    seep_key_text(json, "os", m ? m->os : NULL);
    seep_key_text(json, "os_version", m ? m->os_version : NULL);
    seep_json_end_object(json);
    seep_json_key_time(json, "taken", taken_ns);
    seep_json_key_uint(json, "other_machines", n_others);
}

static bool discard(void *ctx, const char *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return true;
}

bool seep_look_json(const char *command, const struct seep_dataset *data,
                    void (*body)(const void *ctx, struct seep_json *json), const void *ctx,
                    FILE *out)
{
    struct seep_json dry = { .write = discard };
    seep_json_begin_object(&dry);
    body(ctx, &dry);
    seep_json_end_object(&dry);
    struct seep_json json = { .write = seep_report_to_file, .ctx = out, .pretty = true };
    seep_report_head_checked(&json, command, data->sources, data->n_sources, dry.n_invalid);
    seep_json_clear(&dry);
    body(ctx, &json);
    seep_json_end_object(&json);
    bool ok = seep_json_flush(&json);
    seep_json_clear(&json);
    return ok;
}

// ---- text

void seep_look_add_count(struct seep_buf *out, uint64_t value, int width)
{
    if (value == SEEP_UNKNOWN_COUNT)
        seep_buf_addf(out, " %*s", width, "?");
    else
        seep_buf_addf(out, " %*" PRIu64, width, value);
}

// Columns that a text takes: its characters.
static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void seep_look_add_cell(struct seep_buf *out, const char *text, size_t width)
{
    struct seep_buf cell = { 0 };
    seep_plain_add(&cell, text, 0);
    if (columns_of(seep_buf_text(&cell)) > width) {
        // What was escaped is plain: cutting it again escapes nothing twice.
        struct seep_buf cut = { 0 };
        seep_plain_add(&cut, seep_buf_text(&cell), width > 3 ? width - 3 : width);
        seep_buf_clear(&cell);
        cell = cut;
    }
    seep_buf_addc(out, ' ');
    seep_buf_adds(out, seep_buf_text(&cell));
    for (size_t n = columns_of(seep_buf_text(&cell)); n < width; n++)
        seep_buf_addc(out, ' ');
    out->failed = out->failed || cell.failed;
    seep_buf_clear(&cell);
}

void seep_look_add_verdict(struct seep_buf *out, enum seep_verdict verdict, bool color)
{
    static const char *const words[SEEP_N_VERDICTS] = {
        [SEEP_VERDICT_STEADY] = "STEADY",
        [SEEP_VERDICT_UNKNOWN] = "UNKNOWN",
        [SEEP_VERDICT_SUSPECT] = "SUSPECT",
        [SEEP_VERDICT_LEAKING] = "LEAKING",
    };
    static const char *const colors[SEEP_N_VERDICTS] = {
        [SEEP_VERDICT_STEADY] = "\033[32m",
        [SEEP_VERDICT_UNKNOWN] = "\033[2m",
        [SEEP_VERDICT_SUSPECT] = "\033[33m",
        [SEEP_VERDICT_LEAKING] = "\033[1;31m",
    };
    seep_buf_addf(out, "%s%-7s%s  ", color ? colors[verdict] : "", words[verdict],
                  color ? "\033[0m" : "");
}

void seep_look_add_moment(struct seep_buf *out, const struct seep_dataset *data,
                          struct seep_machine_id machine, int64_t taken_ns)
{
    const char *host = seep_look_host(data, machine);
    if (host)
        seep_plain_add(out, host, 64);
    else
        seep_buf_adds(out, "a machine without a name");
    if (taken_ns != SEEP_NO_TIME) {
        char when[SEEP_TIME_TEXT];
        seep_time_format(taken_ns, when);
        seep_buf_addf(out, ", %.19sZ", when);
    }
}

static void add_labelled(struct seep_buf *out, const char *label, const char *text)
{
    enum { INDENT = 12, WIDTH = 100 };
    struct seep_buf plain = { 0 };
    seep_plain_add(&plain, text, 0);
    seep_buf_addf(out, "  %-*s", INDENT - 2, label);
    seep_plain_wrap(out, seep_buf_text(&plain), INDENT, WIDTH);
    seep_buf_addc(out, '\n');
    out->failed = out->failed || plain.failed;
    seep_buf_clear(&plain);
}

void seep_look_add_finding(struct seep_buf *out, const struct seep_finding *f, bool color)
{
    seep_look_add_verdict(out, f->verdict, color);
    // A driver's tag whose driver nobody knows is called a tag.
    bool nameless = f->class_ == SEEP_CLASS_DRIVER && !f->driver;
    seep_buf_addf(out, "%s ", nameless ? "pool tag" : seep_class_name(f->class_));
    const char *who = f->driver ? f->driver : f->tag ? f->tag : f->name;
    seep_plain_add(out, who && *who ? who : "of the machine", 120);
    if (f->driver && f->tag) {
        seep_buf_adds(out, ", tag ");
        seep_plain_add(out, f->tag, 120);
    }
    if (f->has_pid)
        seep_buf_addf(out, " (%" PRIu32 ")", f->pid);
    if (f->rate.known) {
        char rate[SEEP_HUMAN_TEXT];
        seep_human_rate(f->rate.value, seep_metric_unit(f->metric), rate);
        seep_buf_addf(out, ": %s", rate);
    } else if (f->gist) {
        seep_buf_adds(out, ": ");
        seep_plain_add(out, f->gist, 0);
    }
    seep_buf_addc(out, '\n');
    for (size_t i = 0; i < f->n_evidence; i++)
        add_labelled(out, i ? "" : "evidence", f->evidence[i].text);
    for (size_t i = 0; i < f->n_caveats; i++)
        add_labelled(out, i ? "" : "caveat", f->caveats[i]);
    for (size_t i = 0; i < f->n_next; i++)
        add_labelled(out, i ? "" : "next", f->next[i]);
}

void seep_look_add_losses(struct seep_buf *out, const struct seep_dataset *data)
{
    bool first = true;
    for (size_t i = 0; i < data->n_sources; i++) {
        const struct seep_dataset_source *s = &data->sources[i];
        for (size_t l = 0; l < s->n_losses; l++) {
            if (first)
                seep_buf_addc(out, '\n');
            first = false;
            seep_plain_add(out, s->path, 0);
            seep_buf_adds(out, s->losses[l].harmless ? ": note: " : ": lost: ");
            seep_plain_add(out, s->losses[l].text, 0);
            seep_buf_addc(out, '\n');
        }
    }
}

void seep_look_end_line(struct seep_buf *out)
{
    while (out->len && out->data[out->len - 1] == ' ')
        out->len--;
    seep_buf_addc(out, '\n');
}

bool seep_look_write(struct seep_buf *text, FILE *out)
{
    bool ok = !text->failed && fwrite(seep_buf_text(text), 1, text->len, out) == text->len;
    seep_buf_clear(text);
    return ok;
}
