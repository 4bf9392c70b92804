// SPDX-License-Identifier: MIT
// Everything that is said about commands and options, made from their rows: help, man page,
// completions.
#include "cli/cli.h"

#include <string.h>

static const struct {
    const char *name, *about;
} groups[] = {
    { "judge", "from files to a verdict" },
    { "watch", "a live machine" },
    { "look", "into one process, dump, trace or log" },
    { "plumbing", "what is read, and what it says" },
};

static void option_head(const struct cli_option_row *row, char *text, size_t size)
{
    if (row->letter)
        (void)snprintf(text, size, "-%c, --%s%s%s", row->letter, row->name, row->value ? " " : "",
                       row->value ? row->value : "");
    else
        (void)snprintf(text, size, "    --%s%s%s", row->name, row->value ? " " : "",
                       row->value ? row->value : "");
}

static void option_help(uint64_t options, FILE *out)
{
    for (int i = 0; i < CLI_N_OPTIONS; i++) {
        const struct cli_option_row *row = &cli_options[i];
        if (!(options & CLI_BIT(i)))
            continue;
        char head[64];
        option_head(row, head, sizeof head);
        fprintf(out, "  %-26s %s\n", head, row->help);
        if (row->choices)
            fprintf(out, "  %-26s   %s\n", "", row->choices);
    }
}

void cli_help_overview(FILE *out)
{
    fprintf(
        out,
        "seep %s: finds memory leaks on Windows, live and from the files that it leaves behind\n\n"
        "usage: seep COMMAND [OPTION...] [ARGUMENT...]\n",
        SEEP_VERSION);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        fprintf(out, "\n%s: %s\n", groups[g].name, groups[g].about);
        for (size_t i = 0; i < cli_n_commands; i++) {
            const struct cli_command *c = cli_commands[i];
            char head[64];
            if (strcmp(c->group, groups[g].name) != 0)
                continue;
            (void)snprintf(head, sizeof head, "seep %s %s", c->name, c->arguments);
            fprintf(out, "  %-32s %s\n", head, c->about);
        }
    }
    fprintf(out,
            "\nExamples:\n"
            "  seep analyze perf.blg System.evtx      is there a leak, who, since when, how long\n"
            "  seep record -i 10s -d 1h -o srv.seep   watch this machine for an hour\n"
            "  seep report srv.seep --json            the same verdict, for a program\n\n"
            "Exit status: 0 nothing leaks, 1 something leaks, 2 wrong usage, 3 an input could not\n"
            "be read (or only in part).\n"
            "More: seep COMMAND --help, man seep\n");
}

void cli_help_command(const struct cli_command *c, FILE *out)
{
    fprintf(out, "seep %s: %s\n\nusage: seep %s [OPTION...] %s\n\n%s\nOptions:\n", c->name,
            c->about, c->name, c->arguments, c->details);
    option_help(c->options | CLI_COMMON, out);
    fprintf(out, "\nExamples:\n%s", c->examples);
}

// Text for roff: hyphens are minus signs, backslashes and leading dots are escaped.
static void roff(const char *text, FILE *out)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
        start = *text == '\n';
    }
}

static void man_options(uint64_t options, FILE *out)
{
    for (int i = 0; i < CLI_N_OPTIONS; i++) {
        const struct cli_option_row *row = &cli_options[i];
        if (!(options & CLI_BIT(i)))
            continue;
        fputs(".TP\n", out);
        if (row->letter)
            fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
        fputs("\\fB\\-\\-", out);
        roff(row->name, out);
        fprintf(out, "\\fR%s%s%s\n", row->value ? " \\fI" : "", row->value ? row->value : "",
                row->value ? "\\fR" : "");
        roff(row->help, out);
        if (row->choices) {
            fputs(" (", out);
            roff(row->choices, out);
            fputs(")", out);
        }
        fputc('\n', out);
    }
}

static void man(FILE *out)
{
    fprintf(
        out,
        ".TH SEEP 1 \"\" \"seep %s\" \"User Commands\"\n.SH NAME\nseep \\- find memory leaks on "
        "Windows, live and from files\n.SH SYNOPSIS\n",
        SEEP_VERSION);
    for (size_t i = 0; i < cli_n_commands; i++) {
        fprintf(out, "%s.B seep %s\n[\\fIOPTION\\fR...] ", i ? ".br\n" : "", cli_commands[i]->name);
        roff(cli_commands[i]->arguments, out);
        fputc('\n', out);
    }
    fputs(
        ".SH DESCRIPTION\nseep reads what Windows machines leave behind (Perfmon logs, event logs, "
        "its own\n"
        "recordings), or watches a live machine, and says whether there is a leak, what kind, "
        "which\n"
        "process, since when, how fast, and how long until a limit is reached, with its evidence.\n"
        "What a source could not give is said as a loss.\n",
        out);
    for (size_t i = 0; i < cli_n_commands; i++) {
        const struct cli_command *c = cli_commands[i];
        fprintf(out, ".SH SEEP %s\n", c->name);
        roff(c->details, out);
        man_options(c->options, out);
        fputs(".PP\nExamples:\n.nf\n", out);
        roff(c->examples, out);
        fputs(".fi\n", out);
    }
    fputs(".SH COMMON OPTIONS\n", out);
    man_options(CLI_COMMON, out);
    fputs(".SH EXIT STATUS\n.TP\n.B 0\nnothing leaks\n.TP\n.B 1\nat least one finding is "
          "leaking\n.TP\n.B 2\n"
          "wrong usage\n.TP\n.B 3\nan input could not be read, or only in part; what could be read "
          "is "
          "still reported\n.SH ENVIRONMENT\n.TP\n.B NO_COLOR, TERM=dumb\nno colours\n",
          out);
}

static void option_words(uint64_t options, FILE *out)
{
    for (int i = 0; i < CLI_N_OPTIONS; i++) {
        if (options & CLI_BIT(i))
            fprintf(out, " --%s", cli_options[i].name);
    }
}

static void bash(FILE *out)
{
    fputs("# bash completion for seep\n_seep() {\n    local cur=${COMP_WORDS[COMP_CWORD]} "
          "prev=${COMP_WORDS[COMP_CWORD-1]}\n    COMPREPLY=()\n    case $prev in\n",
          out);
    for (int i = 0; i < CLI_N_OPTIONS; i++) {
        const struct cli_option_row *row = &cli_options[i];
        if (row->choices)
            fprintf(out, "    --%s) COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); return ;;\n",
                    row->name, row->choices);
    }
    fputs("    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"",
          out);
    for (size_t i = 0; i < cli_n_commands; i++)
        fprintf(out, "%s ", cli_commands[i]->name);
    fputs("--help --version\" -- \"$cur\"))\n        return\n    fi\n    local words=\n"
          "    case ${COMP_WORDS[1]} in\n",
          out);
    for (size_t i = 0; i < cli_n_commands; i++) {
        fprintf(out, "    %s) words=\"", cli_commands[i]->name);
        option_words(cli_commands[i]->options | CLI_COMMON, out);
        fputs("\" ;;\n", out);
    }
    fputs("    esac\n    if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W \"$words\" -- "
          "\"$cur\"))\n"
          "    else\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\n"
          "complete -o filenames -F _seep seep\n",
          out);
}

// A text inside single quotes of a shell: without quotes and brackets, which zsh and fish read.
static void plain(const char *text, FILE *out)
{
    for (; *text; text++)
        fputc(strchr("'[]:", *text) ? ' ' : *text, out);
}

static void zsh(FILE *out)
{
    fputs("#compdef seep\n# zsh completion for seep\nlocal -a commands=(\n", out);
    for (size_t i = 0; i < cli_n_commands; i++) {
        fprintf(out, "    '%s:", cli_commands[i]->name);
        plain(cli_commands[i]->about, out);
        fputs("'\n", out);
    }
    fputs(")\nif (( CURRENT == 2 )); then\n    _describe command commands\n    return\nfi\ncase "
          "$words[2] in\n",
          out);
    for (size_t i = 0; i < cli_n_commands; i++) {
        fprintf(out, "%s)\n    _arguments", cli_commands[i]->name);
        for (int o = 0; o < CLI_N_OPTIONS; o++) {
            const struct cli_option_row *row = &cli_options[o];
            if (!((cli_commands[i]->options | CLI_COMMON) & CLI_BIT(o)))
                continue;
            fprintf(out, " \\\n        '%s--%s[",
                    row->type == CLI_FILES || row->type == CLI_PATHS ? "*" : "", row->name);
            plain(row->help, out);
            fputc(']', out);
            if (row->choices)
                fprintf(out, ":%s:(%s)", row->value, row->choices);
            else if (row->type == CLI_FILE || row->type == CLI_FILES || row->type == CLI_PATHS)
                fprintf(out, ":%s:_files", row->value);
            else if (row->value)
                fprintf(out, ":%s: ", row->value);
            fputc('\'', out);
        }
        fputs(" \\\n        '*:file:_files' ;;\n", out);
    }
    fputs("esac\n", out);
}

static void fish(FILE *out)
{
    fputs("# fish completion for seep\n", out);
    for (size_t i = 0; i < cli_n_commands; i++) {
        const struct cli_command *c = cli_commands[i];
        fprintf(out, "complete -c seep -n __fish_use_subcommand -f -a %s -d '", c->name);
        plain(c->about, out);
        fputs("'\n", out);
        for (int o = 0; o < CLI_N_OPTIONS; o++) {
            const struct cli_option_row *row = &cli_options[o];
            if (!((c->options | CLI_COMMON) & CLI_BIT(o)))
                continue;
            fprintf(out, "complete -c seep -n '__fish_seen_subcommand_from %s' -l %s", c->name,
                    row->name);
            if (row->letter)
                fprintf(out, " -s %c", row->letter);
            if (row->choices)
                fprintf(out, " -x -a '%s'", row->choices);
            else if (row->value)
                fputs(row->type == CLI_FILE || row->type == CLI_FILES || row->type == CLI_PATHS
                          ? " -r"
                          : " -x",
                      out);
            fputs(" -d '", out);
            plain(row->help, out);
            fputs("'\n", out);
        }
    }
}

bool cli_help_generate(const char *what, FILE *out)
{
    static const struct {
        const char *name;
        void (*write)(FILE *);
    } rows[] = { { "man", man }, { "bash", bash }, { "zsh", zsh }, { "fish", fish } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].name, what) == 0) {
            rows[i].write(out);
            return true;
        }
    }
    return false;
}
