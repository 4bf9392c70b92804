// SPDX-License-Identifier: MIT
// seep sources: what seep reads, and what it takes a file for.
#include "cli/cli.h"
#include "report/plain.h"
#include "report/report.h"

static void list_json(struct seep_json *json)
{
    seep_json_key(json, "formats");
    seep_json_begin_array(json);
    for (size_t i = 0; i < seep_n_sources; i++) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "name", seep_sources[i]->name);
        seep_json_key_string(json, "about", seep_sources[i]->about);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void bids_json(struct seep_json *json, struct seep_bytes view,
                      const struct seep_source *chosen)
{
    seep_json_key(json, "bids");
    seep_json_begin_array(json);
    for (size_t i = 0; i < seep_n_sources; i++) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "name", seep_sources[i]->name);
        seep_json_key_uint(json, "bid", seep_sources[i]->bid(view));
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_json_key_string(json, "chosen", chosen ? chosen->name : NULL);
}

static bool write_json(const char *path, struct seep_bytes view, const struct seep_source *chosen)
{
    struct seep_dataset_source source = { .path = path, .size_bytes = view.len };
    source.format = chosen ? chosen->name : NULL;
    struct seep_json json = { .write = seep_report_to_file, .ctx = stdout, .pretty = true };
    // A file that no source reads is not listed: a format is never null.
    seep_report_head(&json, "sources", &source, chosen ? 1 : 0);
    list_json(&json);
    if (path)
        bids_json(&json, view, chosen);
    seep_json_end_object(&json);
    bool ok = seep_json_flush(&json);
    seep_json_clear(&json);
    return ok;
}

static void write_text(const char *path, struct seep_bytes view, const struct seep_source *chosen)
{
    if (!path) {
        for (size_t i = 0; i < seep_n_sources; i++)
            printf("%-10s %s\n", seep_sources[i]->name, seep_sources[i]->about);
        return;
    }
    struct seep_buf plain = { 0 };
    seep_plain_add(&plain, path, 0);
    printf("%s: %s\n", seep_buf_text(&plain), chosen ? chosen->about : "no source reads it");
    seep_buf_clear(&plain);
    for (size_t i = 0; i < seep_n_sources; i++)
        printf("  %-10s bids %u\n", seep_sources[i]->name, seep_sources[i]->bid(view));
}

static enum cli_exit run(const struct cli_args *args)
{
    const char *path = args->n_files ? args->files[0] : NULL;
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    const struct seep_source *chosen = NULL;
    if (path) {
        if (!seep_os_map(path, &map, &err)) {
            cli_complain(&err, path);
            return CLI_EXIT_INPUT;
        }
        chosen = seep_source_choose(map.view, &err);
    }
    bool written = true;
    if (cli_has(args, CLI_JSON))
        written = write_json(path, map.view, chosen);
    else
        write_text(path, map.view, chosen);
    seep_os_unmap(&map);
    if (!written)
        (void)seep_fail(&err, SEEP_NO_OFFSET, "is the disk full, or memory out?",
                        "the formats could not be written");
    else if (!path || chosen)
        return CLI_EXIT_OK;
    if (written || !cli_output_failed())
        cli_complain(&err, path);
    return CLI_EXIT_INPUT;
}

const struct cli_command cli_sources = {
    .name = "sources",
    .group = "plumbing",
    .arguments = "[FILE]",
    .about = "the formats that seep reads; with FILE, what it takes it for",
    .details = "Each source bids for a file: the number of bits of it that had to match. The "
               "highest bid reads\n"
               "it; two equal ones are the error \"ambiguous\", which --as of the other commands "
               "settles.\n",
    .examples = "  seep sources\n"
                "  seep sources unknown.log\n",
    .options = CLI_BIT(CLI_JSON),
    .max_files = 1,
    .run = run,
};
