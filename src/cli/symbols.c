// SPDX-License-Identifier: MIT
// Where names come from: the options and the environment make a session of symbols.
#include "base/alloc.h"
#include "base/log.h"
#include "cli/cli.h"
#include "os/files.h"
#include "symbols/path.h"
#include "symbols/readable.h"

#include <string.h>

static void say(void *ctx, const char *line)
{
    (void)ctx;
    seep_log(SEEP_LOG_WARN, "%s", line);
}

// The line "fetching NAME 34 %" that is written over again on a terminal.
static void show_progress(void *ctx, const char *name, uint64_t done, uint64_t total)
{
    enum { EVERY_NS = 200000000 };
    static int64_t last_ns;
    int64_t now = seep_os_monotonic_ns();
    (void)ctx;
    if (now - last_ns < EVERY_NS && done != total)
        return;
    last_ns = now;
    char shown[41];
    (void)snprintf(shown, sizeof shown, "%s", name);
    seep_err_plain(shown);
    if (done == total)
        (void)fprintf(stderr, "\r%72s\r", "");
    else if (total)
        (void)fprintf(stderr, "\rfetching %-40s %3.0f %%", shown,
                      100.0 * (double)done / (double)total);
    else
        (void)fprintf(stderr, "\rfetching %-40s %6.1f MB", shown, (double)done / 1e6);
    (void)fflush(stderr);
}

// What a path is worth searching with a name for the complaint: one in the environment is for every
// program of the user, so it stops none.
static bool usable(const char *variable, const char *path)
{
    struct seep_symbol_path scratch = { 0 };
    struct seep_err err = { 0 };
    bool ok = seep_symbol_path_add(&scratch, path, &err);
    seep_symbol_path_clear(&scratch);
    if (!ok)
        seep_log(SEEP_LOG_WARN, "%s is not used: %s", variable, err.what);
    return ok;
}

// The folders of the files, for PDBs that lie beside a dump.
static const char **folders_of(const struct cli_args *args, struct seep_arena *arena)
{
    const char **folders = seep_arena_alloc(arena, args->n_files + 1, sizeof *folders);
    for (size_t i = 0; folders && i < args->n_files; i++) {
        const char *file = args->files[i];
        size_t len = (size_t)(seep_symbol_base_name(file) - file);
        folders[i] = len ? seep_arena_strndup(arena, file, len) : ".";
        if (!folders[i])
            return NULL;
    }
    return folders;
}

// The folders, each once.
static size_t without_repeats(const char **folders, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < kept && strcmp(folders[k], folders[i]) != 0)
            k++;
        if (k == kept)
            folders[kept++] = folders[i];
    }
    return kept;
}

struct seep_symbols *cli_symbols_open(const struct cli_args *args, struct seep_err *err)
{
    static const char *const variables[] = { "_NT_ALT_SYMBOL_PATH", "_NT_SYMBOL_PATH" };
    enum { N_VARIABLES = sizeof variables / sizeof *variables };
    char *values[N_VARIABLES] = { NULL };
    struct seep_arena arena = { 0 };
    struct seep_symbols *symbols = NULL;
    const char **paths = seep_arena_alloc(&arena, args->n_symbols + N_VARIABLES, sizeof *paths);
    const char **folders = folders_of(args, &arena);
    size_t n_paths = 0;
    for (size_t i = 0; paths && i < args->n_symbols; i++)
        paths[n_paths++] = args->symbols[i];
    for (size_t i = 0; paths && i < N_VARIABLES; i++) {
        values[i] = seep_os_environment(variables[i]);
        if (values[i] && usable(variables[i], values[i]))
            paths[n_paths++] = values[i];
    }
    if (paths && folders) {
        bool terminal = !cli_has(args, CLI_QUIET) && seep_os_is_terminal(2);
        const struct seep_symbols_options options = {
            .paths = paths,
            .n_paths = n_paths,
            .folders = folders,
            .n_folders = without_repeats(folders, args->n_files),
            .cancel = seep_os_catch_interrupt(),
            .say = say,
            .progress = terminal ? show_progress : NULL,
        };
        symbols = seep_symbols_open(&options, err);
    } else {
        (void)seep_fail_memory(err);
    }
    for (size_t i = 0; i < N_VARIABLES; i++)
        seep_free(values[i]);
    seep_arena_clear(&arena);
    return symbols;
}

static const char *keep(struct cli_names *names, const char *text, size_t len)
{
    uint32_t id = len ? seep_intern(&names->strings, text, len) : 0;
    return id ? seep_intern_text(&names->strings, id) : NULL;
}

static void set_frame(struct cli_names *names, const char *function, const char *file,
                      uint32_t line, struct seep_stacks_frame *frame)
{
    struct seep_buf readable = { 0 };
    (void)seep_symbol_readable(function, &readable);
    *frame = (struct seep_stacks_frame){
        .function = keep(names, seep_buf_text(&readable), readable.len),
        .file = file ? keep(names, file, strlen(file)) : NULL,
        .line = line,
    };
    seep_buf_clear(&readable);
}

size_t cli_name_address(void *ctx, const struct seep_module *module, uint64_t address,
                        struct seep_stacks_frame *frames, size_t max)
{
    struct cli_names *names = ctx;
    const struct seep_symbol_file *file;
    struct seep_symbol symbol;
    // A return address may be behind the end of the function that called: the call is before it.
    if (!names->symbols || address <= module->base || address - module->base > UINT32_MAX ||
        !(file = seep_symbols_for(names->symbols, &module->identity, NULL)) ||
        !seep_symbol_table_at(file->table, (uint32_t)(address - module->base - 1), &symbol))
        return 0;
    // Between two exports there may be any number of functions without a name.
    if (symbol.kind == SEEP_SYMBOL_EXPORT)
        return 0;
    size_t n = 0;
    for (uint32_t i = 0; i < symbol.n_inlined && n + 1 < max; i++, n++)
        set_frame(names, symbol.inlined[i].function, symbol.inlined[i].file, symbol.inlined[i].line,
                  &frames[n]);
    set_frame(names, symbol.function, symbol.file, symbol.line, &frames[n]);
    frames[n].offset = (uint64_t)symbol.offset + 1;
    frames[n].has_offset = true;
    return n + 1;
}
