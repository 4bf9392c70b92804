// SPDX-License-Identifier: MIT
// seep report: the findings of a case, again.
#include "cli/cli.h"

#include <string.h>

static const char *format_of(const struct cli_args *args)
{
    const char *output = args->text[CLI_OUTPUT];
    size_t len = output ? strlen(output) : 0;
    if (cli_has(args, CLI_FORMAT))
        return args->text[CLI_FORMAT];
    if (cli_has(args, CLI_JSON) || (len > 5 && strcmp(output + len - 5, ".json") == 0))
        return "json";
    return "text";
}

static enum cli_exit run(const struct cli_args *args)
{
    struct seep_err err = { 0 };
    struct seep_case *c = NULL;
    enum cli_exit status = CLI_EXIT_OK;
    const char *output = args->text[CLI_OUTPUT], *blamed = args->files[0];
    FILE *out = stdout;
    // A folder, a pipe or a missing file is told in the words of every other command.
    struct seep_os_map map = { 0 };
    bool ok = seep_os_map(args->files[0], &map, &err);
    seep_os_unmap(&map);
    ok = ok && seep_case_open(args->files[0], SEEP_CASE_READ, &c, &err);
    if (ok && output) {
        out = seep_os_create(output, &err);
        ok = out != NULL;
        blamed = ok ? blamed : output;
    }
    struct cli_judge judge = {
        .c = c, .args = args, .command = "report", .format = format_of(args), .out = out
    };
    ok = ok && cli_judge(&judge, &status, &err);
    if (output && out && fclose(out) != 0 && ok) {
        ok = seep_fail(&err, SEEP_NO_OFFSET, "is the disk full?", "cannot be written");
        blamed = output;
    }
    if (!ok) {
        if (output || !cli_output_failed())
            cli_complain(&err, blamed);
        status = CLI_EXIT_INPUT;
    }
    seep_case_close(c);
    return status;
}

const struct cli_command cli_report = {
    .name = "report",
    .group = "judge",
    .arguments = "CASE",
    .about = "the findings of a case, as text or JSON",
    .details =
        "Judges a case that `seep record` or `seep analyze --case` made, and writes its report. "
        "The case\n"
        "is not changed. With -o the ending of the name says the format (.json, else text).\n",
    .examples = "  seep report srv01.seep\n"
                "  seep report srv01.seep -o srv01.json\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_FORMAT) | CLI_BIT(CLI_OUTPUT) | CLI_BIT(CLI_TOP) |
               CLI_BIT(CLI_ALL) | CLI_BIT(CLI_SINCE) | CLI_BIT(CLI_UNTIL) | CLI_BIT(CLI_BASELINE) |
               CLI_BIT(CLI_DRIVERS) | CLI_BIT(CLI_POOLTAG),
    .min_files = 1,
    .max_files = 1,
    .run = run,
};
