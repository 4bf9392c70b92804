// SPDX-License-Identifier: MIT
// From a case to its report: load, judge, keep the findings, write.
#include "base/alloc.h"
#include "base/time.h"
#include "cli/cli.h"
#include "detect/detect.h"
#include "report/report.h"

#include <math.h>
#include <string.h>

static char *evidence_json(struct seep_arena *arena, const struct seep_finding *finding)
{
    struct seep_json json = { 0 };
    seep_json_begin_array(&json);
    for (size_t i = 0; i < finding->n_evidence; i++)
        seep_json_string(&json, finding->evidence[i].text);
    seep_json_end_array(&json);
    char *text = json.buf.failed ? NULL : seep_arena_strndup(arena, json.buf.data, json.buf.len);
    seep_json_clear(&json);
    return text;
}

static bool store_findings(struct seep_case *c, const struct seep_judgement *judgement,
                           struct seep_err *err)
{
    struct seep_arena arena = { 0 };
    size_t n = judgement->n_findings;
    struct seep_case_finding *rows = seep_arena_alloc(&arena, n, sizeof *rows);
    bool ok = rows != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const struct seep_finding *f = &judgement->findings[i];
        rows[i] = (struct seep_case_finding){
            .id = f->id,
            .class_ = seep_class_name(f->class_),
            .verdict = seep_verdict_name(f->verdict),
            .subject = seep_subject_kind_name(f->subject),
            .name = f->name,
            .metric = seep_metric_name(f->metric),
            .evidence_json = evidence_json(&arena, f),
            .pid = f->pid,
            .has_pid = f->has_pid,
            .rate_per_s = f->rate.known ? f->rate.value : (double)NAN,
            .share = f->share,
            .since_ns = f->since_ns,
        };
        ok = rows[i].evidence_json != NULL;
    }
    ok = ok ? seep_case_set_findings(c, rows, n, err) : seep_fail_memory(err);
    seep_arena_clear(&arena);
    return ok;
}

bool cli_judge(const struct cli_judge *judge, enum cli_exit *exit, struct seep_err *err)
{
    const struct cli_args *args = judge->args;
    struct seep_detect_options options = {
        .since_ns = cli_has(args, CLI_SINCE) ? args->number[CLI_SINCE] : SEEP_NO_TIME,
        .until_ns = cli_has(args, CLI_UNTIL) ? args->number[CLI_UNTIL] : SEEP_NO_TIME,
    };
    struct seep_control control = { .cancel = NULL };
    struct seep_dataset data;
    struct seep_judgement judgement = { .n_findings = 0 };
    if (!seep_case_dataset(judge->c, &data, err) ||
        !seep_detect(&data, &options, &control, &judgement, err))
        return false;
    struct seep_report report = {
        .command = judge->command,
        .data = &data,
        .judgement = &judgement,
        .top = cli_has(args, CLI_TOP)
                   ? (args->number[CLI_TOP] ? (size_t)args->number[CLI_TOP] : SIZE_MAX)
                   : 0,
        .all = cli_has(args, CLI_ALL),
        .color = judge->out == stdout && cli_color(args),
        .now_ns = seep_os_now_ns(),
    };
    bool ok = seep_report_write(&report, judge->format, judge->out, err);
    if (ok && judge->store)
        ok = store_findings(judge->c, &judgement, err);
    if (judgement.verdict == SEEP_VERDICT_LEAKING && *exit == CLI_EXIT_OK)
        *exit = CLI_EXIT_LEAKING;
    seep_judgement_clear(&judgement);
    return ok;
}
