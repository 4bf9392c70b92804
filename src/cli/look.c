// SPDX-License-Identifier: MIT
// The newest look at a machine: files into a case, judged. What `seep pool`, `vm` and `zombies` do
// before they print.
#include "base/time.h"
#include "cli/cli.h"
#include "report/pool.h"

#include <string.h>

size_t cli_top(const struct cli_args *args, enum cli_option option)
{
    if (!cli_has(args, option))
        return 0;
    return args->number[option] ? (size_t)args->number[option] : SIZE_MAX;
}

static bool judge(struct cli_look *look, struct seep_err *err)
{
    const struct seep_detect_options options = { .since_ns = SEEP_NO_TIME,
                                                 .until_ns = SEEP_NO_TIME };
    struct seep_control control = { .cancel = seep_os_catch_interrupt() };
    if (!seep_case_dataset(look->c, &look->data, err))
        return false;
    look->owners = cli_owners_open(look->args, &look->data, err);
    if (!look->owners)
        return false;
    cli_blame_init(&look->blame, look->c, look->args, &look->data);
    return seep_detect(&look->data, &options, &control, &look->judgement, err) &&
           (seep_pool_name_sites(&look->data, &look->judgement) || seep_fail_memory(err));
}

bool cli_look_open(struct cli_look *look, const struct cli_args *args, uint32_t leave_out)
{
    struct seep_err err = { 0 };
    const char *name = args->text[CLI_CASE];
    *look = (struct cli_look){ .args = args, .import = *args, .status = CLI_EXIT_OK };
    // A case that stays keeps everything: nobody knows what it will be asked.
    look->import.leave_out = name ? 0 : leave_out;
    bool ok = seep_case_open(name, name ? SEEP_CASE_WRITE : SEEP_CASE_TEMPORARY, &look->c, &err);
    if (ok && (args->n_files || !name))
        ok = args->n_files ? cli_import(look->c, &look->import, args->files, args->n_files,
                                        &look->status, &err)
                           : cli_import_machine(look->c, &look->import, &look->status, &err);
    ok = ok && judge(look, &err);
    if (!ok) {
        cli_complain(&err, name);
        look->status = CLI_EXIT_INPUT;
    }
    return ok;
}

void cli_look_empty(struct cli_look *look, const char *what, const char *hint)
{
    struct seep_err err;
    const struct cli_args *args = look->args;
    const char *name = args->n_files ? args->files[args->n_files - 1] : args->text[CLI_CASE];
    const struct seep_dataset *data = &look->data;
    const struct seep_dataset_source *last =
        data->n_sources ? &data->sources[data->n_sources - 1] : NULL;
    // One line a file: why one could not be read was said. What the source itself notes of its
    // file says more than which other file would do.
    if (look->status == CLI_EXIT_OK) {
        (void)seep_fail(&err, SEEP_NO_OFFSET, last && last->n_losses ? last->losses[0].text : hint,
                        "says nothing about %s", what);
        cli_complain(&err, name ? name : "this machine");
    }
    look->status = CLI_EXIT_INPUT;
}

enum cli_exit cli_look_close(struct cli_look *look, bool written, enum seep_verdict verdict)
{
    enum cli_exit status = look->status;
    if (!written) {
        if (!cli_output_failed()) {
            struct seep_err err;
            (void)seep_fail_memory(&err);
            cli_complain(&err, NULL);
        }
        status = CLI_EXIT_INPUT;
    }
    if (status == CLI_EXIT_OK && verdict == SEEP_VERDICT_LEAKING)
        status = CLI_EXIT_LEAKING;
    seep_judgement_clear(&look->judgement);
    if (look->blame.c)
        cli_blame_clear(&look->blame);
    cli_owners_close(look->owners);
    seep_case_close(look->c);
    return status;
}
