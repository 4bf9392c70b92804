// SPDX-License-Identifier: MIT
// seep map: the address space of one process at one moment, and what grew between two.
#include "report/map.h"
#include "base/alloc.h"
#include "base/time.h"
#include "cli/cli.h"
#include "model/space.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SIDES = 2 };

// One file, or what a case keeps of it.
struct side {
    struct seep_spaces spaces;
    const struct seep_space *space; // the one that is shown
    struct seep_map map;
    struct cli_losses losses;
};

struct look {
    const struct cli_args *args;
    struct side sides[MAX_SIDES];
    size_t n;
    struct seep_symbols *symbols; // NULL = nobody asked for names
    struct seep_dataset_source sources[MAX_SIDES];
    struct seep_case *c; // with --case
    enum cli_exit status;
};

static bool wanted(const struct look *look, const struct seep_process *p)
{
    return !cli_has(look->args, CLI_PROCESS) ||
           (p->has_pid && (int64_t)p->pid == look->args->number[CLI_PROCESS]);
}

static bool same_process(const struct seep_process *a, const struct seep_process *b)
{
    return a->has_pid == b->has_pid && a->pid == b->pid && a->start_ns == b->start_ns &&
           strcmp(a->image ? a->image : "", b->image ? b->image : "") == 0;
}

// Says which processes there are to choose from.
static bool say_several(const struct side *side, struct seep_err *err)
{
    struct seep_buf list = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < side->spaces.n; i++) {
        const struct seep_process *p = &side->spaces.at[i].process;
        bool new_one = i == 0 || !same_process(p, &side->spaces.at[i - 1].process);
        n += new_one;
        if (new_one && n <= 5)
            seep_buf_addf(&list, "%s%" PRIu32 " %.40s", n > 1 ? ", " : "", p->pid,
                          p->image ? p->image : "?");
    }
    (void)seep_fail(err, SEEP_NO_OFFSET, "choose one with --process PID",
                    "holds the address spaces of several processes (%s%s)", seep_buf_text(&list),
                    n > 5 ? ", ..." : "");
    seep_buf_clear(&list);
    return false;
}

// Takes the newest snapshot of the process that is asked for; there must be no other process.
static bool choose(struct look *look, struct side *side, struct seep_err *err)
{
    const struct seep_space *best = NULL;
    for (size_t i = 0; i < side->spaces.n; i++) {
        const struct seep_space *s = &side->spaces.at[i];
        if (!wanted(look, &s->process))
            continue;
        if (best && !same_process(&best->process, &s->process)) {
            look->status = CLI_EXIT_USAGE;
            return say_several(side, err);
        }
        if (!best || s->taken_ns >= best->taken_ns)
            best = s;
    }
    side->space = best;
    if (best)
        return true;
    look->status = CLI_EXIT_INPUT;
    if (side->spaces.n)
        return seep_fail(err, SEEP_NO_OFFSET,
                         "leave --process out, or see `seep facts --kind process`",
                         "holds nothing about process %" PRId64, look->args->number[CLI_PROCESS]);
    return seep_fail(err, SEEP_NO_OFFSET, "name a dump of a process, or a CSV file of VMMap",
                     "says nothing about the address space of a process");
}

// Reads a file into memory. False when it cannot be used at all: that was said.
static bool read_side(struct look *look, const char *path, struct side *side)
{
    struct seep_err err = { 0 };
    struct cli_file file;
    uint64_t read_bytes = 0;
    if (!cli_file_or_process_open(path, look->args->text[CLI_AS], &file, &err)) {
        cli_complain(&err, path);
        look->status = CLI_EXIT_INPUT;
        return false;
    }
    file.brief = true;
    file.symbols = look->symbols;
    seep_spaces_init(&side->spaces);
    seep_spaces_without_blocks(&side->spaces);
    enum seep_status how = cli_file_read(&file, &side->spaces.sink, cli_has(look->args, CLI_QUIET),
                                         &side->losses, &read_bytes, &err);
    seep_spaces_finish(&side->spaces);
    struct seep_dataset_source *source = &look->sources[look->n++];
    *source = (struct seep_dataset_source){ .path = path,
                                            .format = file.source->name,
                                            .size_bytes = file.map.view.len,
                                            .read_bytes = read_bytes,
                                            .losses = side->losses.at,
                                            .n_losses = side->losses.n };
    memcpy(source->facts, side->spaces.sink.counts, sizeof side->spaces.sink.counts);
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

// Loads what the case has of a source (0: of any). False when it cannot be used: that was said.
static bool load_side(struct look *look, const struct seep_dataset *data, uint32_t source,
                      const char *path, struct side *side)
{
    struct seep_err err = { 0 };
    const struct seep_dataset_snapshot *best = NULL;
    bool several = false;
    for (size_t i = 0; i < data->n_snapshots; i++) {
        const struct seep_dataset_snapshot *s = &data->snapshots[i];
        if (!s->process.v || (source && s->source.v != source) ||
            !wanted(look, &data->processes[s->process.v - 1]))
            continue;
        several = several || (best && best->process.v != s->process.v);
        if (!best || s->taken_ns >= best->taken_ns)
            best = s;
    }
    bool ok = true;
    if (several)
        ok = seep_fail(&err, SEEP_NO_OFFSET, "choose one with --process PID",
                       "holds the address spaces of several processes");
    else if (!best)
        ok = seep_fail(&err, SEEP_NO_OFFSET, "name a dump of a process, or a CSV file of VMMap",
                       "says nothing about the address space of a process");
    else
        ok = data->space(data->ctx, (size_t)(best - data->snapshots), &side->spaces, &err);
    if (ok && side->spaces.n == 0) {
        seep_spaces_clear(&side->spaces);
        ok = seep_fail(&err, SEEP_NO_OFFSET, "name a dump of a process, or a CSV file of VMMap",
                       "says nothing about the address space of a process");
    }
    if (!ok) {
        cli_complain(&err, path);
        look->status = several ? CLI_EXIT_USAGE : CLI_EXIT_INPUT;
        return false;
    }
    side->space = &side->spaces.at[0];
    return true;
}

// Puts the files into the case, and takes from there what they gave.
static bool look_through_case(struct look *look)
{
    const struct cli_args *args = look->args;
    struct seep_err err = { 0 };
    struct seep_dataset data;
    bool ok = seep_case_open(args->text[CLI_CASE], SEEP_CASE_WRITE, &look->c, &err);
    size_t n = args->n_files ? args->n_files : 1;
    for (size_t i = 0; ok && i < n; i++) {
        const char *path = args->n_files ? args->files[i] : args->text[CLI_CASE];
        size_t before = 0;
        ok = seep_case_dataset(look->c, &data, &err);
        before = ok ? data.n_sources : 0;
        ok = ok &&
             (!args->n_files ||
              cli_import(look->c, args, &args->files[i], 1, &look->status, &err)) &&
             seep_case_dataset(look->c, &data, &err);
        if (!ok)
            break;
        if (args->n_files && data.n_sources == before)
            return false; // it could not be opened, which was said
        uint32_t source = args->n_files ? (uint32_t)data.n_sources : 0;
        if (!load_side(look, &data, source, path, &look->sides[i]))
            return false;
    }
    if (!ok) {
        cli_complain(&err, args->text[CLI_CASE]);
        look->status = CLI_EXIT_INPUT;
    }
    look->n = n;
    return ok;
}

// Names cost a look into PDBs, and maybe a download: only who asks for them waits for them.
static bool wants_names(const struct cli_args *args)
{
    return cli_has(args, CLI_SYMBOLS) || cli_has(args, CLI_VERBOSE);
}

static bool write_report(struct look *look, const struct seep_dataset_source *sources,
                         size_t n_sources)
{
    const struct cli_args *args = look->args;
    struct side *old = look->n > 1 ? &look->sides[0] : NULL, *now = &look->sides[look->n - 1];
    struct seep_map_changes changes = { .n = 0 };
    seep_map_make(now->space, &now->map);
    if (old)
        seep_map_make(old->space, &old->map);
    if (old && !seep_map_compare(old->space, now->space, &changes))
        return false;
    bool json = cli_has(args, CLI_JSON), all = cli_has(args, CLI_TOP) && !args->number[CLI_TOP];
    struct seep_map_report report = {
        .sources = sources,
        .n_sources = n_sources,
        .map = &now->map,
        .old = old ? &old->map : NULL,
        .changes = &changes,
        .regions = cli_has(args, CLI_REGIONS),
        .threads = wants_names(args),
        .top = all ? (json ? 0 : SIZE_MAX)
                   : (cli_has(args, CLI_TOP) ? (size_t)args->number[CLI_TOP] : 0),
    };
    bool ok = json ? seep_map_json(&report, stdout) : seep_map_text(&report, stdout);
    seep_map_changes_clear(&changes);
    return ok;
}

static enum cli_exit run(const struct cli_args *args)
{
    struct look look = { .args = args, .status = CLI_EXIT_OK };
    struct seep_dataset data = { .n_sources = 0 };
    struct seep_err err = { 0 };
    bool ok = true;
    if (args->n_files == 0 && !cli_has(args, CLI_CASE)) {
        (void)seep_fail(&err, SEEP_NO_OFFSET, "name a PID or a dump, or a case with --case",
                        "nothing to map");
        cli_complain(&err, NULL);
        return CLI_EXIT_USAGE;
    }
    if (cli_has(args, CLI_CASE))
        ok = look_through_case(&look) && seep_case_dataset(look.c, &data, &err);
    else if (wants_names(args))
        ok = (look.symbols = cli_symbols_open(args, &err)) != NULL;
    if (!ok && err.what[0]) {
        cli_complain(&err, args->text[CLI_CASE]);
        look.status = CLI_EXIT_INPUT;
    }
    for (size_t i = 0; ok && !look.c && i < args->n_files; i++)
        ok = read_side(&look, args->files[i], &look.sides[i]);
    if (ok && !write_report(&look, look.c ? data.sources : look.sources,
                            look.c ? data.n_sources : look.n)) {
        if (!cli_output_failed()) {
            (void)seep_fail_memory(&err);
            cli_complain(&err, NULL);
        }
        look.status = CLI_EXIT_INPUT;
    }
    for (size_t i = 0; i < MAX_SIDES; i++) {
        seep_spaces_clear(&look.sides[i].spaces);
        cli_losses_clear(&look.sides[i].losses);
    }
    seep_symbols_close(look.symbols);
    seep_case_close(look.c);
    return look.status;
}

const struct cli_command cli_map = {
    .name = "map",
    .group = "look",
    .arguments = "[OLD] PID|FILE",
    .about = "the address space of a process by usage, type, state and protection",
    .details =
        "Sums up the memory regions of a process as WinDbg's !address -summary does: of a process\n"
        "of this machine by its PID (a file of that name wins), from a dump (.dmp), a CSV file of\n"
        "VMMap or a case: what each kind of memory takes, how much of it is committed, the "
        "largest\n"
        "regions, the heaps. What cannot be told is said, and is null in JSON. With OLD it shows\n"
        "what grew since, down to the reservation. With --case what was read is kept there; "
        "without\n"
        "a PID or FILE the newest snapshot of the case is shown. A process is neither changed nor\n"
        "stopped; that of another user needs an administrator, or root.\n"
        "With --symbols, or -v, the threads of a dump are listed, too, each with the function that "
        "it\n"
        "was in; of the one that crashed, where it did. A PDB that is not of the same build is "
        "not\n"
        "used. JSON has the threads always, with functions where --symbols or -v is given.\n",
    .examples = "  seep map app.dmp\n"
                "  seep map 4711 --case now.seep      a process that runs; later:\n"
                "  seep map now.seep 4711             what grew since\n"
                "  seep map monday.dmp tuesday.dmp\n"
                "  seep map app.dmp --regions --top 0\n"
                "  seep map app.dmp --symbols "
                "'srv*C:\\symbols*https://msdl.microsoft.com/download/symbols'\n"
                "  seep map vmmap.csv --json | jq '.usage[] | select(.usage == \"Heap64\")'\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_CASE) | CLI_BIT(CLI_AS) | CLI_BIT(CLI_TOP) |
               CLI_BIT(CLI_PROCESS) | CLI_BIT(CLI_REGIONS) | CLI_BIT(CLI_SYMBOLS),
    .max_files = MAX_SIDES,
    .takes_pids = true,
    .run = run,
};
