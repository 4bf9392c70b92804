// SPDX-License-Identifier: MIT
// Prints the documents of the cases made by hand, for the check against the schema.
//
//   report_samples analyze CASE     the JSON document of a case
//   report_samples pool|vm|zombies CASE [text]   the document of a look made by hand
//   report_samples lines KIND       facts as NDJSON
//   report_samples facts            the document of the facts
//   report_samples broken           a document that the schema must refuse
#include "base/time.h"
#include "look_kit.h"
#include "report/pool.h"
#include "report/vm.h"
#include "report/zombies.h"
#include "report_kit.h"

#include <string.h>

static int print_case(const char *name)
{
    const struct report_case *found = report_case_find(name);
    struct seep_err err;
    if (!found)
        return 2;
    struct seep_report report = { .command = "analyze",
                                  .data = &found->data,
                                  .judgement = &found->judgement,
                                  .all = true,
                                  .now_ns = SEEP_NO_TIME };
    return seep_report_write(&report, "json", stdout, &err) ? 0 : 4;
}

static int print_lines(const char *name)
{
    int kind = 0;
    while (kind < SEEP_N_FACT_KINDS && strcmp(seep_fact_kind_name((enum seep_fact_kind)kind), name))
        kind++;
    struct seep_facts_printer *printer =
        seep_facts_printer_open(stdout, (enum seep_fact_kind)kind, false);
    bool ok = printer && report_case_facts(seep_facts_printer_sink(printer));
    return seep_facts_printer_close(printer) && ok ? 0 : 4;
}

static int print_facts(void)
{
    const struct report_case *full = report_case_find("full");
    struct seep_facts_printer *printer = seep_facts_printer_open(stdout, SEEP_N_FACT_KINDS, true);
    struct seep_json json = { .write = seep_report_to_file, .ctx = stdout };
    bool ok = printer && report_case_facts(seep_facts_printer_sink(printer));
    if (ok) {
        seep_report_head(&json, "facts", full->data.sources, full->data.n_sources);
        seep_json_key(&json, "counts");
        seep_json_begin_object(&json);
        seep_json_key_uint(&json, "sample", 5);
        seep_json_end_object(&json);
        seep_json_key(&json, "events");
        seep_facts_printer_tallies(printer, &json);
        seep_json_end_object(&json);
        ok = seep_json_flush(&json);
    }
    seep_json_clear(&json);
    return seep_facts_printer_close(printer) && ok ? 0 : 4;
}

static int print_broken(void)
{
    struct seep_json json = { .write = seep_report_to_file, .ctx = stdout };
    seep_report_head(&json, "analyze", NULL, 0);
    seep_json_key_string(&json, "verdict", "leaking");
    seep_json_end_object(&json);
    bool ok = seep_json_flush(&json);
    seep_json_clear(&json);
    return ok ? 0 : 4;
}

static int print_pool(const struct look_case *c, bool text)
{
    const struct seep_pool_options options = { .pool = -1 };
    struct seep_pool pool;
    if (!seep_pool_make(&c->data, &c->judgement, &options, &pool))
        return 4;
    bool ok = text ? seep_pool_text(&pool, stdout) : seep_pool_json(&pool, stdout);
    seep_pool_clear(&pool);
    return ok ? 0 : 4;
}

static int print_vm(const struct look_case *c, bool text)
{
    const struct seep_vm_options options = { .top = 0 };
    struct seep_vm_doc vm;
    if (!seep_vm_doc_make(&c->data, &c->judgement, &options, &vm))
        return 4;
    bool ok = text ? seep_vm_doc_text(&vm, stdout) : seep_vm_doc_json(&vm, stdout);
    seep_vm_doc_clear(&vm);
    return ok ? 0 : 4;
}

static int print_zombies(const struct look_case *c, bool text)
{
    const struct seep_zombies_options options = { .pids = true };
    struct seep_zombies zombies;
    if (!seep_zombies_make(&c->data, &c->judgement, &options, &zombies))
        return 4;
    bool ok = text ? seep_zombies_text(&zombies, stdout) : seep_zombies_json(&zombies, stdout);
    seep_zombies_clear(&zombies);
    return ok ? 0 : 4;
}

static int print_look(const char *command, const char *name, bool text)
{
    const struct look_case *c = look_case_find(name);
    if (c && strcmp(command, "pool") == 0)
        return print_pool(c, text);
    if (c && strcmp(command, "vm") == 0)
        return print_vm(c, text);
    return c && strcmp(command, "zombies") == 0 ? print_zombies(c, text) : 2;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "analyze") == 0)
        return print_case(argv[2]);
    if (argc == 3 && strcmp(argv[1], "lines") == 0)
        return print_lines(argv[2]);
    if (argc == 2 && strcmp(argv[1], "facts") == 0)
        return print_facts();
    if (argc == 2 && strcmp(argv[1], "broken") == 0)
        return print_broken();
    return argc >= 3 ? print_look(argv[1], argv[2], argc == 4) : 2;
}
