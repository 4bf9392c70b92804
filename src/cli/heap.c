// SPDX-License-Identifier: MIT
// seep heap: what the heaps of a process hold, and which blocks nothing points to.
#include "report/heap.h"
#include "cli/cli.h"
#include "model/space.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_SIDES = 2 };

// One file.
struct side {
    struct seep_spaces spaces;
    const struct seep_space *space; // the one that is shown
    struct cli_losses losses;
    struct seep_heap_summary summary;
};

struct look {
    const struct cli_args *args;
    struct seep_symbols *symbols;
    struct side sides[MAX_SIDES];
    struct seep_dataset_source sources[MAX_SIDES];
    enum cli_exit status;
};

static bool wanted(const struct look *look, const struct seep_process *p)
{
    return !cli_has(look->args, CLI_PROCESS) ||
           (p->has_pid && (int64_t)p->pid == look->args->number[CLI_PROCESS]);
}

// Takes the newest snapshot that is asked for.
static bool choose(struct look *look, struct side *side, struct seep_err *err)
{
    const struct seep_space *best = NULL;
    for (size_t i = 0; i < side->spaces.n; i++) {
        const struct seep_space *s = &side->spaces.at[i];
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
    side->space = best;
    if (best)
        return true;
    look->status = CLI_EXIT_INPUT;
    return seep_fail(err, SEEP_NO_OFFSET, "name a dump of a process",
                     "says nothing about the heaps of a process");
}

// Reads the file. False when it cannot be used: that was said.
static bool read_side(struct look *look, size_t n, const char *path)
{
    struct seep_err err = { 0 };
    struct cli_file file;
    struct side *side = &look->sides[n];
    uint64_t read_bytes = 0;
    if (!cli_file_open(path, look->args->text[CLI_AS], &file, &err)) {
        cli_complain(&err, path);
        look->status = CLI_EXIT_INPUT;
        return false;
    }
    file.peek = cli_has(look->args, CLI_PEEK);
    file.symbols = look->symbols;
    seep_spaces_init(&side->spaces);
    enum seep_status how = cli_file_read(&file, &side->spaces.sink, cli_has(look->args, CLI_QUIET),
                                         &side->losses, &read_bytes, &err);
    seep_spaces_finish(&side->spaces);
    look->sources[n] = (struct seep_dataset_source){ .path = path,
                                                     .format = file.source->name,
                                                     .size_bytes = file.map.view.len,
                                                     .read_bytes = read_bytes,
                                                     .losses = side->losses.at,
                                                     .n_losses = side->losses.n };
    memcpy(look->sources[n].facts, side->spaces.sink.counts, sizeof side->spaces.sink.counts);
    cli_file_close(&file);
    if (how != SEEP_OK) {
        cli_complain(&err, path);
        look->status = CLI_EXIT_INPUT;
    }
    if (how == SEEP_FAILED || how == SEEP_CANCELLED)
        return false;
    enum cli_exit before = look->status;
    err = (struct seep_err){ 0 };
    if (choose(look, side, &err))
        return true;
    // One line a file: what was lost says why nothing was found.
    if (before == CLI_EXIT_OK || look->status == CLI_EXIT_USAGE)
        cli_complain(&err, path);
    return false;
}

static bool write_report(struct look *look)
{
    const struct cli_args *args = look->args;
    bool json = cli_has(args, CLI_JSON), all = cli_has(args, CLI_TOP) && !args->number[CLI_TOP];
    struct seep_heap_changes changes[SEEP_N_BLOCKS_BY] = { { NULL, 0 } };
    struct side *old = args->n_files > 1 ? &look->sides[0] : NULL;
    struct side *now = &look->sides[args->n_files - 1];
    struct seep_heap_report report = {
        .sources = look->sources,
        .n_sources = args->n_files,
        .summary = &now->summary,
        .old = old ? &old->summary : NULL,
        .changes = changes,
        .peek = cli_has(args, CLI_PEEK),
        .top = all ? (json ? 0 : SIZE_MAX)
                   : (cli_has(args, CLI_TOP) ? (size_t)args->number[CLI_TOP] : 0),
    };
    bool ok = true;
    for (size_t i = 0; ok && i < args->n_files; i++) {
        struct side *side = &look->sides[i];
        ok = seep_heap_summary_make(side->space, side->losses.at, side->losses.n, &side->summary);
    }
    for (int by = 0; ok && old && by < SEEP_N_BLOCKS_BY; by++)
        ok = seep_heap_compare(&old->summary, &now->summary, (enum seep_blocks_by)by, &changes[by]);
    ok = ok &&
         (json ? seep_heap_report_json(&report, stdout) : seep_heap_report_text(&report, stdout));
    for (int by = 0; by < SEEP_N_BLOCKS_BY; by++)
        seep_heap_changes_clear(&changes[by]);
    return ok;
}

static enum cli_exit run(const struct cli_args *args)
{
    struct look look = { .args = args, .status = CLI_EXIT_OK };
    struct seep_err err = { 0 };
    look.symbols = cli_symbols_open(args, &err);
    bool ok = look.symbols != NULL;
    if (!ok) {
        cli_complain(&err, NULL);
        look.status = CLI_EXIT_INPUT;
    }
    for (size_t i = 0; ok && i < args->n_files; i++)
        ok = read_side(&look, i, args->files[i]);
    if (ok && !write_report(&look)) {
        if (!cli_output_failed()) {
            (void)seep_fail_memory(&err);
            cli_complain(&err, NULL);
        }
        look.status = CLI_EXIT_INPUT;
    }
    for (size_t i = 0; i < MAX_SIDES; i++) {
        seep_heap_summary_clear(&look.sides[i].summary);
        seep_spaces_clear(&look.sides[i].spaces);
        cli_losses_clear(&look.sides[i].losses);
    }
    seep_symbols_close(look.symbols);
    return look.status;
}

const struct cli_command cli_heap = {
    .name = "heap",
    .group = "look",
    .arguments = "[OLD] DUMP",
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
        "With two dumps, OLD and DUMP, it says first what grew from one to the other, by type and "
        "by "
        "size.\n"
        "--peek shows what a block of each group begins with: it may be a secret.\n",
    .examples = "  seep heap app.dmp\n"
                "  seep heap monday.dmp tuesday.dmp\n"
                "  seep heap app.dmp --peek --top 5\n"
                "  seep heap app.dmp --json | jq .unreachable\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_AS) | CLI_BIT(CLI_TOP) | CLI_BIT(CLI_PROCESS) |
               CLI_BIT(CLI_PEEK) | CLI_BIT(CLI_SYMBOLS),
    .min_files = 1,
    .max_files = MAX_SIDES,
    .run = run,
};
