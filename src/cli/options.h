// SPDX-License-Identifier: MIT
// Options, stated once: the parser, `--help`, the man page and the shell completions are made from
// these rows.
#ifndef SEEP_CLI_OPTIONS_H
#define SEEP_CLI_OPTIONS_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_option {
    CLI_JSON = 0,
    CLI_CASE,
    CLI_AS,
    CLI_TOP,
    CLI_ALL,
    CLI_SINCE,
    CLI_UNTIL,
    CLI_BASELINE,
    CLI_KIND,
    CLI_EVENTS,
    CLI_INTERVAL,
    CLI_DURATION,
    CLI_OUTPUT,
    CLI_SYMBOLS,
    CLI_FORMAT,
    CLI_PID,
    CLI_NAME,
    CLI_PROCESS,
    CLI_REGIONS,
    CLI_PEEK,
    CLI_BY,
    CLI_BLAME,
    CLI_TREE,
    CLI_SITE_KIND,     // --kind of `seep stacks`
    CLI_STACKS_FORMAT, // its --format
    CLI_WHOSE,         // its --process: a name, too
    CLI_UNTIL_LEAKING,
    CLI_SORT,
    CLI_POOL,
    CLI_TAG,
    CLI_DRIVERS,
    CLI_POOLTAG,
    CLI_STACKS,
    CLI_PIDS_TOO,
    CLI_QUIET,
    CLI_VERBOSE,
    CLI_NO_COLOR,
    CLI_HELP,
    CLI_VERSION,
    CLI_N_OPTIONS,
};

enum cli_option_type {
    CLI_FLAG = 0,
    CLI_TEXT,
    CLI_FILE,      // a text that shells complete with file names
    CLI_FILES,     // the same; may be given several times
    CLI_PATHS,     // symbol paths; may be given several times
    CLI_COUNT,     // a whole number
    CLI_PIDS,      // whole numbers parted by commas; may be given several times
    CLI_TIME_SPAN, // "500ms", "10" or "10s", "5m", "1h", "2d"; kept in ns
    CLI_MOMENT,    // RFC 3339; kept in ns since 1970
};

struct cli_option_row {
    char letter; // 0 = none
    const char *name;
    enum cli_option_type type;
    const char *value; // the word for the value in the help; NULL for flags
    const char *help;
    const char *choices; // words parted by blanks, for completions and the error; NULL = free
};

extern const struct cli_option_row cli_options[CLI_N_OPTIONS];

// Sets of options.
#define CLI_BIT(option) (UINT64_C(1) << (option))
#define CLI_COMMON                                                                                 \
    (CLI_BIT(CLI_QUIET) | CLI_BIT(CLI_VERBOSE) | CLI_BIT(CLI_NO_COLOR) | CLI_BIT(CLI_HELP))

struct cli_args {
    uint64_t set; // CLI_BIT of each option given
    const char *text[CLI_N_OPTIONS];
    int64_t number[CLI_N_OPTIONS]; // counts, spans and moments
    uint32_t *pids;
    size_t n_pids, pids_capacity;
    const char **baselines; // the values of --baseline
    size_t n_baselines, baselines_capacity;
    const char **symbols; // the values of --symbols
    size_t n_symbols, symbols_capacity;
    const char **drivers; // the values of --drivers
    size_t n_drivers, drivers_capacity;
    const char **pooltags; // the values of --pooltag
    size_t n_pooltags, pooltags_capacity;
    const char **files; // the arguments that are no options, patterns resolved
    size_t n_files, files_capacity;
    struct seep_arena names; // of the files
    bool takes_pids;         // as the row of the command says
    uint32_t leave_out;      // kinds of fact that need not be looked for: as in seep_input
    char **command;          // what follows `--`, NULL-terminated; NULL = nothing did
};

static inline bool cli_has(const struct cli_args *args, enum cli_option option)
{
    return args->set & CLI_BIT(option);
}

// Reads `argv[0..argc)`, which follow the name of the command. `allowed` is the set of its options;
// `takes_command` says whether `--` starts a command line. `args` is zeroed first; the caller
// clears it whatever the result.
bool cli_parse(int argc, char **argv, uint64_t allowed, bool takes_command, struct cli_args *args,
               struct seep_err *err);

void cli_args_clear(struct cli_args *args);

// "500ms", "10", "10s", "5m", "1h", "2d" to ns; false when it is something else or not positive.
bool cli_parse_span(const char *text, int64_t *ns);

#endif
