// SPDX-License-Identifier: MIT
// Who is behind pool tags: the user's files, what lies beside the logs, the drivers.
#include "base/alloc.h"
#include "base/log.h"
#include "cli/cli.h"
#include "drivers/drivers.h"
#include "os/files.h"
#include "symbols/path.h"

#include <inttypes.h>
#include <string.h>

struct cli_owners {
    struct seep_drivers *drivers;
};

// Files like pooltag.txt, the most trusted first.
struct tables {
    struct seep_arena arena;
    const char **at;
    size_t n, capacity;
    bool failed;
};

static void add(struct tables *t, const char *path)
{
    const char *kept = seep_arena_strndup(&t->arena, path, strlen(path));
    for (size_t i = 0; kept && i < t->n; i++) {
        if (strcmp(t->at[i], kept) == 0)
            return;
    }
    if (kept && seep_grow(&t->at, &t->capacity, t->n + 1, sizeof *t->at))
        t->at[t->n++] = kept;
    else
        t->failed = true;
}

// localtag.txt is what somebody wrote for this very machine.
static void add_of_folder(struct tables *t, const char *folder)
{
    static const char *const names[] = { "localtag.txt", "pooltag.txt" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct seep_buf path = { 0 };
        struct seep_os_file_info info;
        if (seep_os_find_entry(folder, names[i], &path) &&
            seep_os_file_info(seep_buf_text(&path), &info) && !info.folder) {
            seep_log(SEEP_LOG_DETAIL, "%s: taken for the names of pool tags", seep_buf_text(&path));
            add(t, seep_buf_text(&path));
        }
        t->failed = t->failed || path.failed;
        seep_buf_clear(&path);
    }
}

// Where the Windows Kits put theirs; only Windows has these variables.
static void add_of_kits(struct tables *t)
{
    static const char *const variables[] = { "ProgramFiles(x86)", "ProgramFiles" };
    static const char *const machines[] = { "x64", "arm64", "x86" };
    for (size_t v = 0; v < sizeof variables / sizeof *variables; v++) {
        char *root = seep_os_environment(variables[v]);
        for (size_t m = 0; root && m < sizeof machines / sizeof *machines; m++) {
            struct seep_buf folder = { 0 };
            seep_buf_addf(&folder, "%s\\Windows Kits\\10\\Debuggers\\%s\\triage", root,
                          machines[m]);
            if (seep_os_path_is_local(seep_buf_text(&folder)))
                add_of_folder(t, seep_buf_text(&folder));
            t->failed = t->failed || folder.failed;
            seep_buf_clear(&folder);
        }
        seep_free(root);
    }
}

static void add_beside(struct tables *t, const char *file)
{
    size_t len = (size_t)(seep_symbol_base_name(file) - file);
    char *folder = len ? seep_strndup(file, len) : seep_strndup(".", 1);
    if (folder)
        add_of_folder(t, folder);
    else
        t->failed = true;
    seep_free(folder);
}

static void say(void *ctx, const char *line)
{
    static const char prefix[] = "seep: ";
    (void)ctx;
    if (strncmp(line, prefix, sizeof prefix - 1) == 0)
        line += sizeof prefix - 1;
    seep_log(SEEP_LOG_WARN, "%s", line);
}

static void say_counts(const struct cli_owners *owners)
{
    size_t n_files, n_cached;
    seep_drivers_counts(owners->drivers, &n_files, &n_cached);
    if (n_files)
        seep_log(SEEP_LOG_DETAIL, "%zu files of drivers searched for tags, %zu of them before",
                 n_files, n_cached);
}

struct cli_owners *cli_owners_open(const struct cli_args *args, struct seep_dataset *data,
                                   struct seep_err *err)
{
    struct tables tables = { .n = 0 };
    struct cli_owners *owners = seep_alloc(1, sizeof *owners);
    struct seep_control control = { .cancel = seep_os_catch_interrupt() };
    for (size_t i = 0; i < args->n_pooltags; i++)
        add(&tables, args->pooltags[i]);
    for (size_t i = 0; i < args->n_files; i++)
        add_beside(&tables, args->files[i]);
    if (cli_has(args, CLI_CASE))
        add_beside(&tables, args->text[CLI_CASE]);
    add_of_kits(&tables);
    const struct seep_drivers_options options = { .pooltags = tables.at,
                                                  .n_pooltags = tables.n,
                                                  .folders = args->drivers,
                                                  .n_folders = args->n_drivers,
                                                  .say = say };
    if (!owners || tables.failed)
        (void)seep_fail_memory(err);
    else
        owners->drivers = seep_drivers_open(&options, &control, err);
    seep_free(tables.at);
    seep_arena_clear(&tables.arena);
    if (!owners || !owners->drivers) {
        seep_free(owners);
        return NULL;
    }
    say_counts(owners);
    data->owners = seep_drivers_of;
    data->owners_ctx = owners->drivers;
    return owners;
}

void cli_owners_close(struct cli_owners *owners)
{
    if (owners)
        seep_drivers_close(owners->drivers);
    seep_free(owners);
}
