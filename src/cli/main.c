// SPDX-License-Identifier: MIT
// The program: finds the command, reads its options, runs it.
#include "base/log.h"
#include "cli/cli.h"
#include "os/os.h"

#include <stdlib.h>
#include <string.h>

const struct cli_command *const cli_commands[] = { &cli_analyze, &cli_report, &cli_record, &cli_map,
                                                   &cli_stacks,  &cli_heap,   &cli_pool,   &cli_vm,
                                                   &cli_zombies, &cli_facts,  &cli_sources };
const size_t cli_n_commands = sizeof cli_commands / sizeof *cli_commands;

void cli_complain(const struct seep_err *err, const char *file)
{
    char line[2 * SEEP_MAX_MESSAGE];
    seep_err_line(err, file, line, sizeof line);
    (void)fprintf(stderr, "%s\n", line);
}

bool cli_color(const struct cli_args *args)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    return !cli_has(args, CLI_NO_COLOR) && !(no_color && *no_color) &&
           !(term && strcmp(term, "dumb") == 0) && seep_os_is_terminal(1);
}

bool cli_output_failed(void)
{
    return ferror(stdout) != 0;
}

bool cli_flush_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    struct seep_err err;
    (void)seep_fail(&err, SEEP_NO_OFFSET, "is the disk full, or the pipe closed?",
                    "cannot be written");
    cli_complain(&err, "standard output");
    return false;
}

static enum cli_exit usage(const struct seep_err *err)
{
    cli_complain(err, NULL);
    return CLI_EXIT_USAGE;
}

static const struct cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < cli_n_commands; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    }
    return NULL;
}

static enum cli_exit finish(enum cli_exit status)
{
    return cli_flush_output() ? status : CLI_EXIT_INPUT;
}

static enum cli_exit run_command(const struct cli_command *command, int argc, char **argv)
{
    struct cli_args args;
    struct seep_err err = { 0 };
    enum cli_exit status;
    if (!cli_parse(argc, argv, command->options | CLI_COMMON, command->takes_command, &args,
                   &err)) {
        status = usage(&err);
    } else if (cli_has(&args, CLI_HELP)) {
        cli_help_command(command, stdout);
        status = finish(CLI_EXIT_OK);
    } else if (args.n_files < command->min_files || args.n_files > command->max_files) {
        (void)seep_fail(&err, SEEP_NO_OFFSET, NULL, "usage: seep %s %s; more: seep %s --help",
                        command->name, command->arguments, command->name);
        status = usage(&err);
    } else if (cli_has(&args, CLI_SINCE) && cli_has(&args, CLI_UNTIL) &&
               args.number[CLI_SINCE] > args.number[CLI_UNTIL]) {
        (void)seep_fail(&err, SEEP_NO_OFFSET, "give the earlier time to --since",
                        "--since is later than --until");
        status = usage(&err);
    } else {
        if (cli_has(&args, CLI_QUIET))
            seep_log_set_level(SEEP_LOG_QUIET);
        else if (cli_has(&args, CLI_VERBOSE))
            seep_log_set_level(SEEP_LOG_DETAIL);
        args.takes_pids = command->takes_pids;
        status = finish(command->run(&args));
    }
    cli_args_clear(&args);
    return status;
}

static enum cli_exit run(int argc, char **argv)
{
    struct seep_err err = { 0 };
    const char *first = argc > 1 ? argv[1] : "";
    if (argc < 2) {
        cli_help_overview(stderr);
        return CLI_EXIT_USAGE;
    }
    if (strcmp(first, "--version") == 0) {
        printf("seep %s\n", SEEP_VERSION);
        return finish(CLI_EXIT_OK);
    }
    bool help = strcmp(first, "help") == 0;
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || (help && argc == 2)) {
        cli_help_overview(stdout);
        return finish(CLI_EXIT_OK);
    }
    if (strcmp(first, "--generate") == 0 && argc == 3) {
        if (cli_help_generate(argv[2], stdout))
            return finish(CLI_EXIT_OK);
        (void)seep_fail(&err, SEEP_NO_OFFSET, "man bash zsh fish",
                        "nothing can be made for '%.40s'", argv[2]);
        return usage(&err);
    }
    const struct cli_command *command = find_command(help ? argv[2] : first);
    if (!command) {
        (void)seep_fail(&err, SEEP_NO_OFFSET, "seep --help lists the commands",
                        "there is no command '%.40s'", help ? argv[2] : first);
        return usage(&err);
    }
    if (help) {
        cli_help_command(command, stdout);
        return finish(CLI_EXIT_OK);
    }
    return run_command(command, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    seep_os_console_init();
    int n;
    char **words;
    if (!seep_os_arguments(argc, argv, &n, &words))
        return CLI_EXIT_INPUT;
    return (int)run(n, words);
}
