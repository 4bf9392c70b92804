// SPDX-License-Identifier: MIT
// The rows of all options, and the parser that reads them.
#include "cli/options.h"

#include "base/alloc.h"
#include "base/time.h"
#include "os/os.h"
#include "source/source.h"
#include "symbols/path.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_option_row cli_options[] = {
    [CLI_JSON] = { 0, "json", CLI_FLAG, NULL, "print one JSON document instead of text", NULL },
    [CLI_CASE] = { 0, "case", CLI_FILE, "NAME.seep",
                   "keep the facts in this case; it is made, or added to", NULL },
    [CLI_AS] = { 0, "as", CLI_TEXT, "FORMAT",
                 "read every FILE as this format, whatever it looks like", seep_source_names },
    [CLI_TOP] = { 0, "top", CLI_COUNT, "N", "show the first N of each list (text: 20; 0 = all)",
                  NULL },
    [CLI_ALL] = { 0, "all", CLI_FLAG, NULL, "show what is steady, too", NULL },
    [CLI_SINCE] = { 0, "since", CLI_MOMENT, "TIME",
                    "judge only what came at TIME or later (UTC, 2026-03-01T12:00:00)", NULL },
    [CLI_UNTIL] = { 0, "until", CLI_MOMENT, "TIME", "judge only what came at TIME or earlier",
                    NULL },
    [CLI_BASELINE] = { 0, "baseline", CLI_FILES, "FILE",
                       "compare with this known-good run; may be given several times", NULL },
    [CLI_KIND] = { 0, "kind", CLI_TEXT, "KIND",
                   "print the facts of one kind, one JSON object a line",
                   "machine process sample module stack site region pool-tag handle heap blocks "
                   "vm zombie event loss" },
    [CLI_EVENTS] = { 0, "events", CLI_FLAG, NULL, "count the events of the file by provider and id",
                     NULL },
    [CLI_INTERVAL] = { 'i', "interval", CLI_TIME_SPAN, "TIME",
                       "time between samples: 500ms, 10s, 1m (default 10s)", NULL },
    [CLI_DURATION] = { 'd', "duration", CLI_TIME_SPAN, "TIME",
                       "stop after TIME: 30s, 10m, 8h, 2d (default: until Ctrl-C)", NULL },
    [CLI_SYMBOLS] = { 0, "symbols", CLI_PATHS, "PATH",
                      "find symbols along PATH (as _NT_SYMBOL_PATH: folders, "
                      "srv*STORE*URL; may be given several times)",
                      NULL },
    [CLI_OUTPUT] = { 'o', "output", CLI_FILE, "FILE", "write to FILE", NULL },
    [CLI_FORMAT] = { 0, "format", CLI_TEXT, "FORMAT", "how to write it (default text)",
                     "text json" },
    [CLI_PID] = { 0, "pid", CLI_PIDS, "PID[,PID]",
                  "watch only these processes and the machine's totals", NULL },
    [CLI_NAME] = { 0, "name", CLI_TEXT, "NAME",
                   "watch only processes with NAME in their image name, and the totals", NULL },
    [CLI_PROCESS] = { 0, "process", CLI_COUNT, "PID",
                      "of the processes that the file is about, take this one", NULL },
    [CLI_REGIONS] = { 0, "regions", CLI_FLAG, NULL, "list the regions, too", NULL },
    [CLI_PEEK] = { 0, "peek", CLI_FLAG, NULL,
                   "show the first bytes of one block of each group: they may be secrets", NULL },
    [CLI_BY] = { 0, "by", CLI_TEXT, "WHAT", "order by bytes or by count (default bytes)",
                 "bytes count" },
    [CLI_BLAME] = { 0, "blame", CLI_FLAG, NULL,
                    "leave out frames of allocators, runtimes and the system", NULL },
    [CLI_TREE] = { 0, "tree", CLI_TEXT, "WHICH",
                   "show one tree of all stacks: from what allocates to its callers, or down to "
                   "the callees",
                   "callers callees" },
    [CLI_SITE_KIND] = { 0, "kind", CLI_TEXT, "KIND", "only what is allocated in this way",
                        "heap virtual pool handle reference" },
    [CLI_STACKS_FORMAT] = { 0, "format", CLI_TEXT, "FORMAT", "how to write it (default text)",
                            "text json folded pprof speedscope" },
    [CLI_WHOSE] = { 0, "process", CLI_TEXT, "NAME|PID",
                    "only of processes with this image name or PID", NULL },
    [CLI_UNTIL_LEAKING] = { 0, "until-leaking", CLI_FLAG, NULL,
                            "stop as soon as something is leaking", NULL },
    [CLI_SORT] = { 0, "sort", CLI_TEXT, "WHAT", "order by WHAT, the most first (default bytes)",
                   "bytes diff allocs frees per-alloc tag delta" },
    [CLI_POOL] = { 0, "pool", CLI_TEXT, "POOL", "only tags in this pool", "paged nonpaged" },
    [CLI_TAG] = { 0, "tag", CLI_TEXT, "TAG", "only this tag; * and ? stand for characters", NULL },
    [CLI_DRIVERS] = { 0, "drivers", CLI_FILES, "DIR",
                      "look for tags in the drivers (.sys) below DIR; may be given several times",
                      NULL },
    [CLI_POOLTAG] = { 0, "pooltag", CLI_FILES, "FILE",
                      "take who uses which tag from this pooltag.txt; may be given several times",
                      NULL },
    [CLI_STACKS] = { 0, "stacks", CLI_COUNT, "N",
                     "show the first N call stacks of a tag (text: 3; 0 = all)", NULL },
    [CLI_PIDS_TOO] = { 0, "pids", CLI_FLAG, NULL, "list the PIDs of the dead processes, too",
                       NULL },
    [CLI_QUIET] = { 'q', "quiet", CLI_FLAG, NULL, "no progress and no warnings", NULL },
    [CLI_VERBOSE] = { 'v', "verbose", CLI_FLAG, NULL, "say what is being done", NULL },
    [CLI_NO_COLOR] = { 0, "no-color", CLI_FLAG, NULL, "no colours (also NO_COLOR, TERM=dumb)",
                       NULL },
    [CLI_HELP] = { 'h', "help", CLI_FLAG, NULL, "show this help", NULL },
    [CLI_VERSION] = { 0, "version", CLI_FLAG, NULL, "show the version", NULL },
};
static_assert(sizeof cli_options / sizeof *cli_options == CLI_N_OPTIONS, "a row for every option");
static_assert(CLI_N_OPTIONS <= 64, "a bit for every option");

bool cli_parse_span(const char *text, int64_t *ns)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = { { "ms", 1e-3 }, { "", 1 },     { "s", 1 },    { "m", 60 },
                  { "min", 60 },  { "h", 3600 }, { "d", 86400 } };
    char *end;
    double value = strtod(text, &end);
    if (end == text || !(value > 0) || value > 1e9)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        double seconds = value * units[i].seconds;
        if (strcmp(end, units[i].unit) == 0 && seconds >= 1e-3 && seconds < 4e9) {
            *ns = (int64_t)(seconds * 1e9);
            return true;
        }
    }
    return false;
}

static bool parse_count(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < 0)
        return false;
    *value = number;
    return true;
}

static bool add_pids(struct cli_args *args, const char *text)
{
    while (*text) {
        char *end;
        errno = 0;
        unsigned long long pid = strtoull(text, &end, 10);
        if (end == text || errno || pid > UINT32_MAX || (*end && *end != ',') || text[0] == '-')
            return false;
        if (!seep_grow(&args->pids, &args->pids_capacity, args->n_pids + 1, sizeof *args->pids))
            return false;
        args->pids[args->n_pids++] = (uint32_t)pid;
        text = *end ? end + 1 : end;
    }
    return args->n_pids > 0;
}

static bool add_text(const char ***texts, size_t *n, size_t *capacity, const char *text)
{
    if (!seep_grow(texts, capacity, *n + 1, sizeof **texts))
        return false;
    (*texts)[(*n)++] = text;
    return true;
}

static bool add_name(struct cli_args *args, enum cli_option option, const char *text)
{
    if (option == CLI_DRIVERS)
        return add_text(&args->drivers, &args->n_drivers, &args->drivers_capacity, text);
    if (option == CLI_POOLTAG)
        return add_text(&args->pooltags, &args->n_pooltags, &args->pooltags_capacity, text);
    return add_text(&args->baselines, &args->n_baselines, &args->baselines_capacity, text);
}

static bool add_symbols(struct cli_args *args, const char *text, struct seep_err *err)
{
    struct seep_symbol_path path = { 0 };
    bool ok = seep_symbol_path_add(&path, text, err);
    seep_symbol_path_clear(&path);
    if (!ok)
        return false;
    if (!add_text(&args->symbols, &args->n_symbols, &args->symbols_capacity, text))
        return seep_fail_memory(err);
    return true;
}

static bool is_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = choices; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, word, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
            return len > 0;
    }
    return false;
}

static bool set_value(struct cli_args *args, enum cli_option option, const char *text,
                      struct seep_err *err)
{
    const struct cli_option_row *row = &cli_options[option];
    bool ok = true;
    switch (row->type) {
    case CLI_FLAG:
        break;
    case CLI_TEXT:
    case CLI_FILE:
        ok = *text && (!row->choices || is_choice(row->choices, text));
        break;
    case CLI_FILES:
        ok = *text && add_name(args, option, text);
        break;
    case CLI_PATHS:
        if (*text && !add_symbols(args, text, err))
            return false;
        ok = *text != '\0';
        break;
    case CLI_COUNT:
        ok = parse_count(text, &args->number[option]);
        break;
    case CLI_PIDS:
        ok = add_pids(args, text);
        break;
    case CLI_TIME_SPAN:
        ok = cli_parse_span(text, &args->number[option]);
        break;
    case CLI_MOMENT:
        ok = seep_time_parse(text, &args->number[option]);
        break;
    }
    if (!ok)
        return seep_fail(err, SEEP_NO_OFFSET, row->choices ? row->choices : row->help,
                         "'%s' is no value for --%s", text, row->name);
    args->text[option] = text;
    args->set |= CLI_BIT(option);
    return true;
}

// How many single-letter changes lie between two words, up to `limit`.
static unsigned distance(const char *a, const char *b)
{
    enum { MAX = 24 };
    unsigned row[MAX + 1];
    size_t n = strlen(b);
    if (n > MAX || strlen(a) > MAX)
        return MAX;
    for (unsigned i = 0; i <= n; i++)
        row[i] = i;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned k = 1; k <= n; k++) {
            unsigned changed = diagonal + (a[i - 1] != b[k - 1]);
            diagonal = row[k];
            unsigned best = row[k] < row[k - 1] ? row[k] + 1 : row[k - 1] + 1;
            row[k] = best < changed ? best : changed;
        }
    }
    return row[n];
}

static bool unknown(const char *word, size_t len, uint64_t allowed, struct seep_err *err)
{
    char name[32] = "", hint[64] = "see --help";
    unsigned best = 3;
    if (len < sizeof name)
        memcpy(name, word, len);
    for (int i = 0; i < CLI_N_OPTIONS; i++) {
        if (!(allowed & CLI_BIT(i)) || distance(name, cli_options[i].name) >= best)
            continue;
        best = distance(name, cli_options[i].name);
        (void)snprintf(hint, sizeof hint, "did you mean --%s?", cli_options[i].name);
    }
    return seep_fail(err, SEEP_NO_OFFSET, hint, "there is no option --%.*s here", (int)len, word);
}

static int find_long(const char *name, size_t len, uint64_t allowed)
{
    for (int i = 0; i < CLI_N_OPTIONS; i++) {
        if ((allowed & CLI_BIT(i)) && strlen(cli_options[i].name) == len &&
            strncmp(cli_options[i].name, name, len) == 0)
            return i;
    }
    return -1;
}

static int find_letter(char letter, uint64_t allowed)
{
    for (int i = 0; i < CLI_N_OPTIONS; i++) {
        if ((allowed & CLI_BIT(i)) && cli_options[i].letter == letter)
            return i;
    }
    return -1;
}

static bool take_value(struct cli_args *args, int option, const char *joined, int argc, char **argv,
                       int *at, struct seep_err *err)
{
    if (cli_options[option].type == CLI_FLAG) {
        if (joined)
            return seep_fail(err, SEEP_NO_OFFSET, NULL, "--%s takes no value",
                             cli_options[option].name);
        return set_value(args, (enum cli_option)option, "", err);
    }
    if (!joined) {
        if (*at + 1 >= argc)
            return seep_fail(err, SEEP_NO_OFFSET, cli_options[option].help, "--%s wants %s",
                             cli_options[option].name, cli_options[option].value);
        joined = argv[++*at];
    }
    return set_value(args, (enum cli_option)option, joined, err);
}

static bool take_letters(struct cli_args *args, const char *letters, uint64_t allowed, int argc,
                         char **argv, int *at, struct seep_err *err)
{
    for (; *letters; letters++) {
        int option = find_letter(*letters, allowed);
        if (option < 0)
            return seep_fail(err, SEEP_NO_OFFSET, "see --help", "there is no option -%c here",
                             *letters);
        if (cli_options[option].type != CLI_FLAG)
            return take_value(args, option, letters[1] ? letters + 1 : NULL, argc, argv, at, err);
        if (!set_value(args, (enum cli_option)option, "", err))
            return false;
    }
    return true;
}

static bool add_file(void *ctx, const char *path)
{
    struct cli_args *args = ctx;
    const char *kept = seep_arena_strndup(&args->names, path, strlen(path));
    if (!kept ||
        !seep_grow(&args->files, &args->files_capacity, args->n_files + 1, sizeof *args->files))
        return false;
    args->files[args->n_files++] = kept;
    return true;
}

bool cli_parse(int argc, char **argv, uint64_t allowed, bool takes_command, struct cli_args *args,
               struct seep_err *err)
{
    *args = (struct cli_args){ 0 };
    bool only_files = false;
    for (int i = 0; i < argc; i++) {
        char *word = argv[i];
        if (!only_files && strcmp(word, "--") == 0) {
            if (takes_command && i + 1 < argc) {
                args->command = argv + i + 1;
                return true;
            }
            only_files = true;
        } else if (!only_files && strncmp(word, "--", 2) == 0) {
            size_t len = strcspn(word + 2, "=");
            int option = find_long(word + 2, len, allowed);
            if (option < 0)
                return unknown(word + 2, len, allowed, err);
            const char *joined = word[2 + len] ? word + 2 + len + 1 : NULL;
            if (!take_value(args, option, joined, argc, argv, &i, err))
                return false;
        } else if (!only_files && word[0] == '-' && word[1]) {
            if (!take_letters(args, word + 1, allowed, argc, argv, &i, err))
                return false;
        } else {
            if (!seep_os_each_file(word, add_file, args))
                return seep_fail_memory(err);
        }
    }
    return true;
}

void cli_args_clear(struct cli_args *args)
{
    seep_free(args->files);
    seep_arena_clear(&args->names);
    seep_free(args->pids);
    seep_free(args->baselines);
    seep_free(args->symbols);
    seep_free(args->drivers);
    seep_free(args->pooltags);
    *args = (struct cli_args){ 0 };
}
