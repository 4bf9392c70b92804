// SPDX-License-Identifier: MIT
// seep heap: what the heaps of a process hold, and which blocks nothing points to.
#include "report/heap.h"
#include "cli/cli.h"
#include "model/space.h"

#include <inttypes.h>
#include <string.h>

struct look {
    const struct cli_args *args;
    struct seep_spaces spaces;
    const struct seep_space *space; // the one that is shown
    struct cli_losses losses;
    struct seep_dataset_source source;
    enum cli_exit status;
};

static bool wanted(const struct look *look, const struct seep_process *p)
{
    return !cli_has(look->args, CLI_PROCESS) ||
           (p->has_pid && (int64_t)p->pid == look->args->number[CLI_PROCESS]);
}

// Takes the newest snapshot that is asked for.
static bool choose(struct look *look, struct seep_err *err)
{
    const struct seep_space *best = NULL;
    for (size_t i = 0; i < look->spaces.n; i++) {
        const struct seep_space *s = &look->spaces.at[i];
        if (!wanted(look, &s->process))
            continue;
        if (best &&
            (best->process.has_pid != s->process.has_pid || best->process.pid != s->process.pid)) {
            look->status = CLI_EXIT_USAGE;
            return seep_fail(err, SEEP_NO_OFFSET, "choose one with --process PID",
                             "holds the heaps of several processes");
        }
        if (!best || s->taken_ns >= best->taken_ns)
            best = s;
    }
    look->space = best;
    if (best)
        return true;
    look->status = CLI_EXIT_INPUT;
    return seep_fail(err, SEEP_NO_OFFSET, "name a dump of a process",
                     "says nothing about the heaps of a process");
}

// Reads the file. False when it cannot be used: that was said.
static bool read_file(struct look *look, const char *path)
{
    struct seep_err err = { 0 };
    struct cli_file file;
    uint64_t read_bytes = 0;
    if (!cli_file_open(path, look->args->text[CLI_AS], &file, &err)) {
        cli_complain(&err, path);
        look->status = CLI_EXIT_INPUT;
        return false;
    }
    file.peek = cli_has(look->args, CLI_PEEK);
    file.symbols = cli_symbols_open(look->args, &err);
    if (!file.symbols) {
        cli_complain(&err, NULL);
        cli_file_close(&file);
        look->status = CLI_EXIT_INPUT;
        return false;
    }
    seep_spaces_init(&look->spaces);
    enum seep_status how = cli_file_read(&file, &look->spaces.sink, cli_has(look->args, CLI_QUIET),
                                         &look->losses, &read_bytes, &err);
    seep_spaces_finish(&look->spaces);
    look->source = (struct seep_dataset_source){ .path = path,
                                                 .format = file.source->name,
                                                 .size_bytes = file.map.view.len,
                                                 .read_bytes = read_bytes,
                                                 .losses = look->losses.at,
                                                 .n_losses = look->losses.n };
    memcpy(look->source.facts, look->spaces.sink.counts, sizeof look->spaces.sink.counts);
    seep_symbols_close(file.symbols);
    cli_file_close(&file);
    if (how != SEEP_OK) {
        cli_complain(&err, path);
        look->status = CLI_EXIT_INPUT;
    }
    if (how == SEEP_FAILED || how == SEEP_CANCELLED)
        return false;
    enum cli_exit before = look->status;
    err = (struct seep_err){ 0 };
    if (choose(look, &err))
        return true;
    // One line a file: what was lost says why nothing was found.
    if (before == CLI_EXIT_OK || look->status == CLI_EXIT_USAGE)
        cli_complain(&err, path);
    return false;
}

static bool write_report(const struct look *look)
{
    const struct cli_args *args = look->args;
    bool json = cli_has(args, CLI_JSON), all = cli_has(args, CLI_TOP) && !args->number[CLI_TOP];
    struct seep_heap_summary summary;
    struct seep_heap_report report = {
        .sources = &look->source,
        .n_sources = 1,
        .summary = &summary,
        .peek = cli_has(args, CLI_PEEK),
        .top = all ? (json ? 0 : SIZE_MAX)
                   : (cli_has(args, CLI_TOP) ? (size_t)args->number[CLI_TOP] : 0),
    };
    bool ok =
        seep_heap_summary_make(look->space, look->losses.at, look->losses.n, &summary) &&
        (json ? seep_heap_report_json(&report, stdout) : seep_heap_report_text(&report, stdout));
    seep_heap_summary_clear(&summary);
    return ok;
}

static enum cli_exit run(const struct cli_args *args)
{
    struct look look = { .args = args, .status = CLI_EXIT_OK };
    if (read_file(&look, args->files[0]) && !write_report(&look)) {
        struct seep_err err;
        if (!cli_output_failed()) {
            (void)seep_fail_memory(&err);
            cli_complain(&err, NULL);
        }
        look.status = CLI_EXIT_INPUT;
    }
    seep_spaces_clear(&look.spaces);
    cli_losses_clear(&look.losses);
    return look.status;
}

const struct cli_command cli_heap = {
    .name = "heap",
    .group = "look",
    .arguments = "DUMP",
    .about = "heap blocks of a process by size and type, and those that nothing points to",
    .details =
        "Walks the heaps of a process dump with full memory, NT heaps and segment heaps: how many\n"
        "blocks of which size there are, of which C++ class (by the vtable that a block begins "
        "with),\n"
        "and which ones no stack, no register, no global and no other block in use points to: "
        "those\n"
        "leaked. The search is conservative: a number that looks like a pointer keeps a block, so "
        "there\n"
        "may be more leaked blocks than it says. \"held by leaked blocks\" parts what hangs on a "
        "leaked\n"
        "object from the object itself. Where gflags +ust was on, the stacks that allocated are "
        "shown.\n"
        "--peek shows what a block of each group begins with: it may be a secret.\n",
    .examples = "  seep heap app.dmp\n"
                "  seep heap app.dmp --peek --top 5\n"
                "  seep heap app.dmp --json | jq .unreachable\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_AS) | CLI_BIT(CLI_TOP) | CLI_BIT(CLI_PROCESS) |
               CLI_BIT(CLI_PEEK) | CLI_BIT(CLI_SYMBOLS),
    .min_files = 1,
    .max_files = 1,
    .run = run,
};
