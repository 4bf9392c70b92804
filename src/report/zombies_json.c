// SPDX-License-Identifier: MIT
// The JSON document of `seep zombies`.
#include "report/zombies.h"

static void write_images(struct seep_json *json, const struct seep_zombies_group *g)
{
    seep_json_key(json, "images");
    seep_json_begin_object(json);
    for (size_t i = 0; i < g->n_images; i++)
        seep_json_key_uint(json, *g->images[i].image ? g->images[i].image : "<unknown>",
                           g->images[i].n);
    seep_json_end_object(json);
    seep_json_key(json, "pids");
    seep_json_begin_array(json);
    for (size_t i = 0; i < g->n_pids; i++)
        seep_json_uint(json, g->pids[i]);
    seep_json_end_array(json);
}

static void write_process(struct seep_json *json, const struct seep_process *p)
{
    seep_key_count(json, "pid", p->has_pid ? p->pid : SEEP_UNKNOWN_COUNT);
    seep_key_text(json, "image", p->image);
}

static void write_hints(struct seep_json *json, const struct seep_zombies *doc)
{
    seep_json_key(json, "hints");
    seep_json_begin_array(json);
    if (doc->pid_high != SEEP_UNKNOWN_COUNT && doc->pid_high > SEEP_ZOMBIES_HIGH_PID) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "hint", "high-pid");
        seep_json_key_uint(json, "pid", doc->pid_high);
        seep_json_key_string(json, "image", NULL);
        seep_json_key_string(json, "handles", NULL);
        seep_json_end_object(json);
    }
    for (size_t i = 0; i < doc->n_busy; i++) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "hint", "many-handles");
        write_process(json, doc->busy[i].process);
        seep_json_key_uint(json, "handles", doc->busy[i].n_handles);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
}

static void write_body(const void *ctx, struct seep_json *json)
{
    static const char *const suspects[] = { NULL, "process", "driver" };
    const struct seep_zombies *doc = ctx;
    size_t top = doc->options.top ? doc->options.top : doc->n_holders;
    seep_key_machine(json, doc->data, doc->machine, doc->taken_ns, doc->n_other_machines);
    seep_key_verdict(json, doc->worst, doc->worst ? doc->worst->verdict : SEEP_VERDICT_UNKNOWN);
    seep_key_count(json, "zombies", doc->known ? doc->n : SEEP_UNKNOWN_COUNT);
    seep_key_count(json, "commit_estimate_bytes",
                   doc->known ? doc->commit_bytes : SEEP_UNKNOWN_COUNT);
    seep_json_key_string(json, "commit_estimate_from",
                         !doc->known || !doc->n                    ? NULL
                         : doc->commit_bytes == doc->charged_bytes ? "kernel"
                                                                   : "number");
    seep_key_count(json, "commit_charged_bytes",
                   doc->known && doc->n ? doc->charged_bytes : SEEP_UNKNOWN_COUNT);
    seep_key_count(json, "pid_high", doc->pid_high);
    seep_json_key(json, "holders");
    seep_json_begin_array(json);
    for (size_t i = 0; i < doc->n_holders && i < top; i++) {
        const struct seep_zombies_group *g = &doc->holders[i];
        seep_json_begin_object(json);
        write_process(json, g->process);
        seep_json_key_uint(json, "handles", g->n_handles);
        seep_key_count(json, "handles_in_all", g->n_handles_in_all);
        seep_json_key_uint(json, "zombies", g->n);
        write_images(json, g);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_json_key_uint(json, "holders_total", doc->n_holders);
    seep_key_count(json, "unheld", doc->known ? doc->n_unheld : SEEP_UNKNOWN_COUNT);
    seep_json_key(json, "unheld_processes");
    seep_json_begin_object(json);
    write_images(json, &doc->unheld);
    seep_json_end_object(json);
    seep_json_key_uint(json, "handles_not_found", doc->n_elsewhere);
    seep_json_key_string(json, "suspect", suspects[doc->suspect]);
    write_hints(json, doc);
}

bool seep_zombies_json(const struct seep_zombies *zombies, FILE *out)
{
    return seep_look_json("zombies", zombies->data, write_body, zombies, out);
}
