// SPDX-License-Identifier: MIT
// seep analyze: any mix of artifacts -> findings.
#include "cli/cli.h"

static enum cli_exit run(const struct cli_args *args)
{
    struct seep_err err = { 0 };
    struct seep_case *c = NULL;
    enum cli_exit status = CLI_EXIT_OK;
    const char *name = args->text[CLI_CASE];
    struct cli_judge judge = { .args = args,
                               .command = "analyze",
                               .format = cli_has(args, CLI_JSON) ? "json" : "text",
                               .store = name != NULL,
                               .out = stdout };
    if (args->n_files == 0 && !name) {
        (void)seep_fail(&err, SEEP_NO_OFFSET, "name at least one FILE, or a case with --case",
                        "nothing to analyze");
        cli_complain(&err, NULL);
        return CLI_EXIT_USAGE;
    }
    bool ok = seep_case_open(name, name ? SEEP_CASE_WRITE : SEEP_CASE_TEMPORARY, &c, &err) &&
              cli_import(c, args, args->files, args->n_files, &status, &err);
    judge.c = c;
    ok = ok && cli_judge(&judge, &status, &err);
    if (!ok) {
        if (!cli_output_failed())
            cli_complain(&err, name);
        status = CLI_EXIT_INPUT;
    }
    seep_case_close(c);
    return status;
}

const struct cli_command cli_analyze = {
    .name = "analyze",
    .group = "judge",
    .arguments = "FILE...",
    .about = "is there a leak: any mix of artifacts -> findings",
    .details =
        "Reads Perfmon logs (.blg, .csv, .tsv), event logs (.evtx), dumps of processes and of the\n"
        "kernel (.dmp), VMMap files (.csv), logs of UMDH and poolmon, cases (.seep), puts what "
        "they\n"
        "say about each machine together,\n"
        "and prints the findings, the gravest first: what kind of memory, which process or driver, "
        "how fast,\n"
        "since when, and how long it will last.\n"
        "With --case the facts are kept, and files of later days can be added to them.\n"
        "With --baseline each process is compared with the same one of a known-good run, on this\n"
        "machine or another: growth that it shows, too, at the same age is expected; growth "
        "beyond\n"
        "it is surer to be a leak.\n"
        "Pool tags are named after the drivers that use them: by pooltag.txt (--pooltag, or beside "
        "a\n"
        "FILE), a table of the tags of Windows, and the drivers below --drivers.\n",
    .examples = "  seep analyze perf.blg System.evtx Application.evtx\n"
                "  seep analyze monday.csv --case srv01.seep && seep analyze tuesday.csv --case "
                "srv01.seep\n"
                "  seep analyze new.blg --baseline last-week.blg --baseline other-host.seep\n"
                "  seep analyze srv.seep --drivers D:\\srv01\\drivers\n"
                "  seep analyze *.blg --json | jq '.findings[0].subject'\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_SYMBOLS) | CLI_BIT(CLI_CASE) | CLI_BIT(CLI_AS) |
               CLI_BIT(CLI_TOP) | CLI_BIT(CLI_ALL) | CLI_BIT(CLI_SINCE) | CLI_BIT(CLI_UNTIL) |
               CLI_BIT(CLI_BASELINE) | CLI_BIT(CLI_DRIVERS) | CLI_BIT(CLI_POOLTAG),
    .max_files = (size_t)-1,
    .run = run,
};
