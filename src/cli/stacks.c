// SPDX-License-Identifier: MIT
// seep stacks: which call stacks hold the memory, or took it between two files.
#include "report/stacks.h"
#include "base/alloc.h"
#include "cli/cli.h"
#include "model/profile.h"

#include <string.h>

struct look {
    const struct cli_args *args;
    struct seep_profile profile;
    struct seep_dataset_source *sources; // those that were read
    struct cli_losses *losses;           // the same indexes
    size_t n;
    struct cli_names names;
    enum cli_exit status;
};

// Reads a file into the profile. False when what was read so far is all that there will be.
static bool read_one(struct look *look, const char *path, struct seep_err *err)
{
    const struct cli_args *args = look->args;
    struct seep_err own = { 0 };
    struct cli_file file;
    uint64_t read_bytes = 0, before[SEEP_N_FACT_KINDS];
    if (!cli_file_open(path, args->text[CLI_AS], &file, &own)) {
        cli_complain(&own, path);
        look->status = CLI_EXIT_INPUT;
        return false;
    }
    file.symbols = look->names.symbols;
    memcpy(before, look->profile.sink.counts, sizeof before);
    if (!seep_profile_begin(&look->profile)) {
        *err = look->profile.sink.error;
        cli_file_close(&file);
        return false;
    }
    struct cli_losses *losses = &look->losses[look->n];
    enum seep_status how = cli_file_read(&file, &look->profile.sink, cli_has(args, CLI_QUIET),
                                         losses, &read_bytes, &own);
    struct seep_dataset_source *source = &look->sources[look->n++];
    *source = (struct seep_dataset_source){ .path = path,
                                            .format = file.source->name,
                                            .size_bytes = file.map.view.len,
                                            .read_bytes = read_bytes,
                                            .losses = losses->at,
                                            .n_losses = losses->n };
    for (int i = 0; i < SEEP_N_FACT_KINDS; i++)
        source->facts[i] = look->profile.sink.counts[i] - before[i];
    cli_file_close(&file);
    if (how == SEEP_OK)
        return true;
    look->status = CLI_EXIT_INPUT;
    cli_complain(&own, path);
    // A difference with a file of which nothing is known is none.
    return how == SEEP_PARTIAL;
}

static int kind_of(const char *name)
{
    for (int i = 0; name && i < SEEP_N_SITE_KINDS; i++) {
        if (strcmp(name, seep_site_kind_name((enum seep_site_kind)i)) == 0)
            return i;
    }
    return -1;
}

static const char *format_of(const struct cli_args *args)
{
    static const struct {
        const char *ending, *format;
    } endings[] = { { ".speedscope.json", "speedscope" },
                    { ".json", "json" },
                    { ".pb.gz", "pprof" },
                    { ".pprof", "pprof" },
                    { ".folded", "folded" } };
    const char *output = args->text[CLI_OUTPUT];
    size_t len = output ? strlen(output) : 0;
    if (cli_has(args, CLI_STACKS_FORMAT))
        return args->text[CLI_STACKS_FORMAT];
    if (cli_has(args, CLI_JSON))
        return "json";
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i].ending);
        if (len > n && strcmp(output + len - n, endings[i].ending) == 0)
            return endings[i].format;
    }
    return "text";
}

static bool write_report(struct look *look, struct seep_err *err)
{
    const struct cli_args *args = look->args;
    bool all = cli_has(args, CLI_TOP) && !args->number[CLI_TOP];
    const char *by = args->text[CLI_BY], *format = format_of(args);
    const char *output = args->text[CLI_OUTPUT];
    struct seep_stacks_options options = {
        .process = args->text[CLI_WHOSE],
        .kind = kind_of(args->text[CLI_SITE_KIND]),
        .tag = args->text[CLI_TAG],
        .by_count = by && strcmp(by, "count") == 0,
        .blame = cli_has(args, CLI_BLAME),
        .tree = args->text[CLI_TREE],
        .top = all ? SIZE_MAX : (cli_has(args, CLI_TOP) ? (size_t)args->number[CLI_TOP] : 0),
        .color = !output && cli_color(args),
    };
    struct seep_stacks_namer namer = { cli_name_address, &look->names };
    struct seep_stacks_doc doc;
    if (!seep_stacks_make(&look->profile, look->sources, look->n, &options, &namer, &doc))
        return seep_fail_memory(err);
    bool ok = seep_stacks_judge(&doc, err);
    FILE *out = output && ok ? seep_os_create(output, err) : stdout;
    if (ok && !out) {
        cli_complain(err, output);
        look->status = CLI_EXIT_INPUT;
        seep_stacks_doc_clear(&doc);
        return true;
    }
    ok = ok && seep_stacks_write(&doc, format, out);
    if (output && out && out != stdout && fclose(out) != 0)
        ok = false;
    if (!ok && !err->what[0])
        (void)seep_fail(err, SEEP_NO_OFFSET, "is the disk full, or memory out?",
                        "the stacks could not be written");
    if (ok && doc.missing) {
        struct seep_err own;
        (void)seep_fail(&own, SEEP_NO_OFFSET, "see `seep facts --kind process`",
                        "holds nothing about process '%.100s'", options.process);
        cli_complain(&own, args->files[args->n_files - 1]);
        look->status = CLI_EXIT_INPUT;
    }
    if (ok && look->status == CLI_EXIT_OK && doc.verdict == SEEP_VERDICT_LEAKING)
        look->status = CLI_EXIT_LEAKING;
    seep_stacks_doc_clear(&doc);
    return ok;
}

static enum cli_exit run(const struct cli_args *args)
{
    struct look look = { .args = args, .status = CLI_EXIT_OK };
    struct seep_err err = { 0 };
    seep_profile_init(&look.profile);
    look.sources = seep_alloc(args->n_files, sizeof *look.sources);
    look.losses = seep_alloc(args->n_files, sizeof *look.losses);
    look.names.symbols = look.sources && look.losses ? cli_symbols_open(args, &err) : NULL;
    bool ok = look.names.symbols != NULL, read = true;
    if (!ok && !err.what[0])
        (void)seep_fail_memory(&err);
    for (size_t i = 0; ok && read && i < args->n_files; i++)
        read = read_one(&look, args->files[i], &err);
    ok = ok && !err.what[0];
    // What could not be opened was said; the numbers of the others would be taken for the answer.
    if (ok && read) {
        ok = seep_profile_finish(&look.profile);
        if (!ok)
            err = look.profile.sink.error;
        ok = ok && write_report(&look, &err);
    }
    if (!ok) {
        if (!cli_output_failed())
            cli_complain(&err, args->text[CLI_OUTPUT]);
        look.status = CLI_EXIT_INPUT;
    }
    for (size_t i = 0; i < look.n; i++)
        cli_losses_clear(&look.losses[i]);
    seep_profile_clear(&look.profile);
    seep_symbols_close(look.names.symbols);
    seep_intern_clear(&look.names.strings);
    seep_free(look.losses);
    seep_free(look.sources);
    return look.status;
}

const struct cli_command cli_stacks = {
    .name = "stacks",
    .group = "look",
    .arguments = "FILE...",
    .about = "which call stacks hold the memory, and which grow",
    .details =
        "From a trace (.etl) or a log of UMDH: what each call stack allocated and did not free, "
        "of\n"
        "heaps, virtual memory, kernel pool, handles and references to kernel objects. With two "
        "files\n"
        "what grew from the first to the second, with three or more what is there in every one of\n"
        "them. --blame leaves out what only passes an allocation on and so begins each stack with\n"
        "the first frame that is the application's own; '>' marks it otherwise. Names come from\n"
        "symbols that match by GUID and age, else a frame is a module and an offset.\n"
        "With -o the ending of the name says the format (.json, .speedscope.json, .pb.gz, .pprof,\n"
        ".folded, else text). folded is for flame graphs, pprof for `go tool pprof`, speedscope "
        "for\n"
        "https://www.speedscope.app.\n",
    .examples = "  seep stacks heap.etl --blame\n"
                "  seep stacks monday.etl tuesday.etl --process app.exe\n"
                "  seep stacks 1.txt 2.txt 3.txt --by count\n"
                "  seep stacks heap.etl --tree callers --kind virtual\n"
                "  seep stacks pool.etl --kind pool --tag Leak\n"
                "  seep stacks heap.etl -o heap.pb.gz\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_STACKS_FORMAT) | CLI_BIT(CLI_OUTPUT) |
               CLI_BIT(CLI_AS) | CLI_BIT(CLI_TOP) | CLI_BIT(CLI_BY) | CLI_BIT(CLI_WHOSE) |
               CLI_BIT(CLI_SITE_KIND) | CLI_BIT(CLI_TAG) | CLI_BIT(CLI_TREE) | CLI_BIT(CLI_BLAME) |
               CLI_BIT(CLI_SYMBOLS),
    .min_files = 1,
    .max_files = (size_t)-1,
    .run = run,
};
