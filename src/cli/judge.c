// SPDX-License-Identifier: MIT
// From a case to its report: load, judge, keep the findings, write.
#include "base/alloc.h"
#include "base/time.h"
#include "cli/cli.h"
#include "detect/detect.h"
#include "report/pool.h"
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

// Known-good runs: a case each, so that one file is one run.
struct known_good {
    struct seep_case *c; // NULL for a file that could not be opened
    const char *path;
    struct seep_dataset data;
    struct seep_dataset_source source;
    struct seep_loss loss;
    struct seep_err err;
};

struct cli_baselines {
    struct known_good *at;
    const struct seep_dataset **data;
    size_t n;
};

void cli_baselines_close(struct cli_baselines *b)
{
    if (!b)
        return;
    for (size_t i = 0; b->at && i < b->n; i++)
        seep_case_close(b->at[i].c);
    seep_free(b->at);
    seep_free(b->data);
    seep_free(b);
}

bool cli_baselines_usable(const struct cli_baselines *b)
{
    bool usable = b->n > 0;
    for (size_t i = 0; i < b->n; i++)
        usable = usable && b->at[i].c;
    return usable;
}

static bool import_baseline(struct known_good *run, const struct cli_args *args,
                            enum cli_exit *exit, struct seep_err *err)
{
    struct cli_args own = { .set = args->set }; // --as is for the FILEs
    struct cli_file file;
    if (!cli_file_open(run->path, NULL, &file, &run->err)) {
        cli_complain(&run->err, run->path);
        *exit = CLI_EXIT_INPUT;
        run->loss = (struct seep_loss){ .what = "unreadable",
                                        .count = 1,
                                        .bytes = SEEP_UNKNOWN_COUNT,
                                        .offset = run->err.offset,
                                        .text = run->err.what };
        run->source =
            (struct seep_dataset_source){ .path = run->path, .losses = &run->loss, .n_losses = 1 };
        run->data = (struct seep_dataset){ .sources = &run->source, .n_sources = 1 };
        return true;
    }
    cli_file_close(&file);
    return seep_case_open(NULL, SEEP_CASE_TEMPORARY, &run->c, err) &&
           cli_import(run->c, &own, &run->path, 1, exit, err) &&
           seep_case_dataset(run->c, &run->data, err);
}

bool cli_baselines_open(struct cli_baselines **baselines, const struct cli_args *args,
                        enum cli_exit *exit, struct seep_err *err)
{
    size_t n = args->n_baselines;
    struct cli_baselines *b = seep_alloc(1, sizeof *b);
    if (!b)
        return seep_fail_memory(err);
    b->at = seep_alloc(n + 1, sizeof *b->at);
    b->data = seep_alloc(n + 1, sizeof *b->data);
    bool ok = b->at && b->data;
    if (!ok)
        (void)seep_fail_memory(err);
    for (size_t i = 0; ok && i < n; i++) {
        struct known_good *run = &b->at[b->n++];
        b->data[i] = &run->data;
        run->path = args->baselines[i];
        ok = import_baseline(run, args, exit, err);
    }
    if (ok)
        *baselines = b;
    else
        cli_baselines_close(b);
    return ok;
}

bool cli_judge_now(struct seep_case *c, const struct cli_baselines *baselines,
                   struct seep_judgement *judgement, struct seep_err *err)
{
    const struct seep_detect_options options = { .since_ns = SEEP_NO_TIME,
                                                 .until_ns = SEEP_NO_TIME,
                                                 .baselines = baselines->data,
                                                 .n_baselines = baselines->n };
    struct seep_dataset data;
    return seep_case_dataset(c, &data, err) && seep_detect(&data, &options, NULL, judgement, err);
}

bool cli_judge(const struct cli_judge *judge, enum cli_exit *exit, struct seep_err *err)
{
    const struct cli_args *args = judge->args;
    struct cli_baselines *own = NULL;
    struct seep_detect_options options = {
        .since_ns = cli_has(args, CLI_SINCE) ? args->number[CLI_SINCE] : SEEP_NO_TIME,
        .until_ns = cli_has(args, CLI_UNTIL) ? args->number[CLI_UNTIL] : SEEP_NO_TIME,
    };
    struct seep_control control = { .cancel = NULL };
    struct seep_dataset data;
    struct seep_judgement judgement = { .n_findings = 0 };
    struct cli_blame blame = { .c = NULL };
    if (!judge->baselines && !cli_baselines_open(&own, args, exit, err))
        return false;
    const struct cli_baselines *baselines = own ? own : judge->baselines;
    if (!baselines)
        return seep_fail_memory(err);
    options.baselines = baselines->data;
    options.n_baselines = baselines->n;
    struct cli_owners *owners = NULL;
    bool judged = seep_case_dataset(judge->c, &data, err) &&
                  (owners = cli_owners_open(args, &data, err)) != NULL;
    if (judged) {
        cli_blame_init(&blame, judge->c, args, &data);
        judged = seep_detect(&data, &options, &control, &judgement, err);
        if (judged && !seep_pool_name_sites(&data, &judgement)) {
            seep_judgement_clear(&judgement);
            judged = seep_fail_memory(err);
        }
    }
    if (blame.c)
        cli_blame_clear(&blame);
    cli_owners_close(owners);
    if (!judged) {
        cli_baselines_close(own);
        return false;
    }
    struct seep_report report = {
        .command = judge->command,
        .data = &data,
        .judgement = &judgement,
        .baselines = baselines->data,
        .n_baselines = baselines->n,
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
    cli_baselines_close(own);
    return ok;
}
