// SPDX-License-Identifier: MIT
// The walk over the document: what is fed to a writer, and in which order.
#include "report/report.h"

#include "base/alloc.h"
#include "report/writer.h"

#include <string.h>

// A new writer is a line here and a declaration in writer.h: docs/HOWTO.md.
static const struct seep_writer_ops *const writers[] = {
    &seep_writer_text,
    &seep_writer_json,
};

bool seep_report_to_file(void *ctx, const char *data, size_t len)
{
    FILE *file = ctx;
    return fwrite(data, 1, len, file) == len;
}

const struct seep_machine *seep_report_machine(const struct seep_report *report,
                                               struct seep_machine_id id)
{
    const struct seep_dataset *data = report->data;
    return id.v && id.v <= data->n_machines ? &data->machines[id.v - 1] : NULL;
}

// The machine that most series are about; the first of equals, NULL when there is none.
static bool main_machine(const struct seep_dataset *data, const struct seep_machine **machine)
{
    *machine = NULL;
    if (data->n_machines == 0)
        return true;
    size_t *counts = seep_alloc(data->n_machines, sizeof *counts);
    if (!counts)
        return false;
    for (size_t i = 0; i < data->n_series; i++) {
        uint32_t id = data->series[i].series.subject.machine.v;
        if (id && id <= data->n_machines)
            counts[id - 1]++;
    }
    size_t best = 0;
    for (size_t i = 1; i < data->n_machines; i++) {
        if (counts[i] > counts[best])
            best = i;
    }
    *machine = &data->machines[best];
    seep_free(counts);
    return true;
}

static void walk_findings(const struct seep_writer_ops *ops, struct seep_writer *writer)
{
    const struct seep_report *report = writer->report;
    const struct seep_judgement *judgement = report->judgement;
    size_t top = report->top ? report->top : ops->default_top;
    size_t left_out[SEEP_N_VERDICTS] = { 0 };
    size_t rank = 0;
    for (size_t i = 0; i < judgement->n_findings; i++) {
        const struct seep_finding *finding = &judgement->findings[i];
        if (finding->verdict == SEEP_VERDICT_STEADY && !report->all)
            continue;
        if (top && rank == top)
            left_out[finding->verdict]++;
        else
            ops->finding(writer, finding, rank++);
    }
    if (ops->left_out)
        ops->left_out(writer, left_out);
}

static void walk(const struct seep_writer_ops *ops, struct seep_writer *writer,
                 const struct seep_machine *machine)
{
    const struct seep_dataset *data = writer->report->data;
    if (ops->begin)
        ops->begin(writer);
    for (size_t i = 0; i < data->n_sources; i++)
        ops->source(writer, &data->sources[i]);
    if (ops->machine)
        ops->machine(writer, machine);
    if (ops->observed)
        ops->observed(writer);
    walk_findings(ops, writer);
    for (size_t i = 0; i < data->n_events && ops->event; i++) {
        struct seep_source_id none = { 0 };
        ops->event(writer, &data->events[i], data->event_sources ? data->event_sources[i] : none);
    }
}

bool seep_report_write(const struct seep_report *report, const char *format, FILE *out,
                       struct seep_err *err)
{
    const struct seep_writer_ops *ops = NULL;
    for (size_t i = 0; i < sizeof writers / sizeof *writers && !ops; i++) {
        if (strcmp(writers[i]->name, format) == 0)
            ops = writers[i];
    }
    if (!ops)
        return seep_fail(err, SEEP_NO_OFFSET, "write it as text or json",
                         "no report format is called \"%.100s\"", format);
    struct seep_writer writer = { .report = report, .out = out };
    const struct seep_machine *machine;
    writer.state = seep_alloc(1, ops->state_size);
    if (!writer.state || !main_machine(report->data, &machine)) {
        seep_free(writer.state);
        return seep_fail_memory(err);
    }
    bool ok = true;
    for (int pass = ops->two_passes ? 0 : 1; pass < 2 && ok; pass++) {
        writer.dry = pass == 0;
        walk(ops, &writer, machine);
        ok = ops->end(&writer);
    }
    seep_free(writer.state);
    if (!ok && !ferror(out))
        return seep_fail_memory(err);
    if (fflush(out) != 0 || ferror(out))
        return seep_fail(err, SEEP_NO_OFFSET, "look for a full disk or a closed pipe",
                         "the report could not be written");
    return true;
}
