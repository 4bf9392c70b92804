// SPDX-License-Identifier: MIT
// seep facts: what a source puts into a case.
#include "base/alloc.h"
#include "cli/cli.h"
#include "report/plain.h"
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

// What is kept of each file for the head of the document.
struct summary {
    struct seep_dataset_source *sources; // those that were read
    struct cli_losses *losses;           // the same indexes
    size_t n;
    struct seep_symbols *symbols;
    bool brief; // blocks of heaps are not counted: whoever only wants to know what there is waits
                // seconds for a dump of gigabytes
};

// Whether there may be groups of blocks that nobody looked for.
static bool blocks_unknown(const struct summary *summary, const uint64_t *counts)
{
    return summary->brief && counts[SEEP_FACT_HEAP] && !counts[SEEP_FACT_BLOCKS];
}

static bool read_one(const struct cli_args *args, const char *path, struct seep_sink *sink,
                     struct summary *summary, enum cli_exit *status)
{
    struct seep_err err = { 0 };
    struct cli_file file;
    uint64_t read_bytes = 0, before[SEEP_N_FACT_KINDS];
    if (!cli_file_open(path, args->text[CLI_AS], &file, &err)) {
        cli_complain(&err, path);
        *status = CLI_EXIT_INPUT;
        return true;
    }
    file.symbols = summary->symbols;
    file.brief = summary->brief;
    memcpy(before, sink->counts, sizeof before);
    struct cli_losses *losses = &summary->losses[summary->n];
    enum seep_status how =
        cli_file_read(&file, sink, cli_has(args, CLI_QUIET), losses, &read_bytes, &err);
    struct seep_dataset_source *source = &summary->sources[summary->n++];
    *source = (struct seep_dataset_source){ .path = path,
                                            .format = file.source->name,
                                            .size_bytes = file.map.view.len,
                                            .read_bytes = read_bytes,
                                            .losses = losses->at,
                                            .n_losses = losses->n };
    for (int i = 0; i < SEEP_N_FACT_KINDS; i++)
        source->facts[i] = sink->counts[i] - before[i];
    cli_file_close(&file);
    if (how == SEEP_OK)
        return true;
    cli_complain(&err, path);
    *status = CLI_EXIT_INPUT;
    return how != SEEP_CANCELLED;
}

static bool write_json(const struct summary *summary, const struct seep_sink *sink,
                       const struct seep_facts_printer *events)
{
    struct seep_json json = { .write = seep_report_to_file, .ctx = stdout, .pretty = true };
    seep_report_head(&json, "facts", summary->sources, summary->n);
    if (events) {
        seep_json_key(&json, "events");
        seep_facts_printer_tallies(events, &json);
    }
    seep_json_key(&json, "counts");
    seep_json_begin_object(&json);
    for (int i = 0; i < SEEP_N_FACT_KINDS; i++) {
        seep_json_key(&json, seep_fact_kind_name((enum seep_fact_kind)i));
        if (i == SEEP_FACT_BLOCKS && blocks_unknown(summary, sink->counts))
            seep_json_null(&json);
        else
            seep_json_uint(&json, sink->counts[i]);
    }
    seep_json_end_object(&json);
    seep_json_end_object(&json);
    bool ok = seep_json_flush(&json);
    seep_json_clear(&json);
    return ok;
}

// Texts of losses may quote the file.
static void print_loss(const struct seep_loss *loss)
{
    struct seep_buf line = { 0 };
    seep_plain_add(&line, loss->what, 0);
    seep_buf_adds(&line, ": ");
    seep_plain_add(&line, loss->text, 0);
    printf("  %s: %s\n", loss->harmless ? "note" : "lost", seep_buf_text(&line));
    seep_buf_clear(&line);
}

static void write_text(const struct summary *summary)
{
    for (size_t i = 0; i < summary->n; i++) {
        const struct seep_dataset_source *s = &summary->sources[i];
        char size[SEEP_HUMAN_TEXT];
        seep_human_bytes((double)s->size_bytes, size);
        struct seep_buf path = { 0 };
        seep_plain_add(&path, s->path, 0);
        printf("%s: %s, %s\n", seep_buf_text(&path), s->format, size);
        seep_buf_clear(&path);
        for (int k = 0; k < SEEP_N_FACT_KINDS; k++) {
            if (s->facts[k])
                printf("  %-8s %10" PRIu64 "\n", seep_fact_kind_name((enum seep_fact_kind)k),
                       s->facts[k]);
        }
        if (blocks_unknown(summary, s->facts))
            printf("  %-8s %10s (see --kind blocks, or seep heap)\n",
                   seep_fact_kind_name(SEEP_FACT_BLOCKS), "?");
        for (size_t l = 0; l < s->n_losses; l++)
            print_loss(&s->losses[l]);
    }
}

static bool write_events(const struct seep_facts_printer *printer)
{
    struct seep_buf text = { 0 };
    bool ok = seep_facts_printer_tallies_text(printer, &text) &&
              fwrite(seep_buf_text(&text), 1, text.len, stdout) == text.len;
    seep_buf_clear(&text);
    return ok;
}

static enum seep_fact_kind kind_of(const char *name)
{
    int kind = 0;
    while (kind < SEEP_N_FACT_KINDS &&
           strcmp(name, seep_fact_kind_name((enum seep_fact_kind)kind)) != 0)
        kind++;
    return (enum seep_fact_kind)kind;
}

static enum cli_exit run(const struct cli_args *args)
{
    enum cli_exit status = CLI_EXIT_OK;
    bool events = cli_has(args, CLI_EVENTS), lines = cli_has(args, CLI_KIND);
    enum seep_fact_kind kind = lines ? kind_of(args->text[CLI_KIND]) : SEEP_N_FACT_KINDS;
    struct summary summary = { .sources = seep_alloc(args->n_files, sizeof *summary.sources),
                               .losses = seep_alloc(args->n_files, sizeof *summary.losses),
                               .brief = !lines };
    struct seep_facts_printer *printer = seep_facts_printer_open(stdout, kind, events);
    struct seep_err err = { 0 };
    bool ok = summary.sources && summary.losses && printer;
    if (!ok)
        (void)seep_fail_memory(&err);
    summary.symbols = ok ? cli_symbols_open(args, &err) : NULL;
    ok = summary.symbols != NULL;
    if (!ok) {
        cli_complain(&err, NULL);
        status = CLI_EXIT_INPUT;
    }
    struct seep_sink *sink = ok ? seep_facts_printer_sink(printer) : NULL;
    for (size_t i = 0; ok && i < args->n_files; i++)
        ok = read_one(args, args->files[i], sink, &summary, &status);
    if (sink && !lines) {
        if (cli_has(args, CLI_JSON))
            ok = write_json(&summary, sink, events ? printer : NULL);
        else if (!events)
            write_text(&summary);
        else
            ok = write_events(printer);
    }
    if (printer && !seep_facts_printer_close(printer))
        ok = false;
    if (!ok && status == CLI_EXIT_OK && !cli_output_failed()) {
        (void)seep_fail(&err, SEEP_NO_OFFSET, "is the disk full, or memory out?",
                        "the facts could not be written");
        cli_complain(&err, NULL);
        status = CLI_EXIT_INPUT;
    }
    for (size_t i = 0; i < summary.n; i++)
        cli_losses_clear(&summary.losses[i]);
    seep_symbols_close(summary.symbols);
    seep_free(summary.losses);
    seep_free(summary.sources);
    return status;
}

const struct cli_command cli_facts = {
    .name = "facts",
    .group = "plumbing",
    .arguments = "FILE...",
    .about = "what a source puts into a case",
    .details = "Counts the facts that seep takes from each file, with the losses. --kind prints "
               "the facts of one\n"
               "kind as NDJSON (one JSON object a line), --events counts the file's events by "
               "provider and id.\n",
    .examples = "  seep facts perf.blg\n"
                "  seep facts perf.blg --kind sample | grep explorer\n"
                "  seep facts System.evtx --events\n",
    .options = CLI_BIT(CLI_JSON) | CLI_BIT(CLI_SYMBOLS) | CLI_BIT(CLI_KIND) | CLI_BIT(CLI_EVENTS) |
               CLI_BIT(CLI_AS),
    .min_files = 1,
    .max_files = (size_t)-1,
    .run = run,
};
