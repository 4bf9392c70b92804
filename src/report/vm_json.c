// SPDX-License-Identifier: MIT
// The JSON document of `seep vm`.
#include "report/vm.h"

static void write_vm(struct seep_json *json, const struct seep_vm_doc *doc)
{
    seep_json_key(json, "vm");
    seep_json_begin_object(json);
    seep_vm_json(json, &doc->vm);
    seep_json_key(json, "flags");
    seep_json_begin_array(json);
    for (int i = 0; i < SEEP_N_VM_FLAGS; i++) {
        if (doc->flags & 1u << i)
            seep_json_string(json, seep_vm_flag_name((enum seep_vm_flag)i));
    }
    seep_json_end_array(json);
    seep_json_end_object(json);
}

static void write_ledger(struct seep_json *json, const struct seep_ledger *ledger)
{
    struct seep_buf notes = { 0 };
    seep_json_key(json, "ledger");
    seep_json_begin_array(json);
    for (int i = 0; i < SEEP_N_LEDGER_ITEMS; i++) {
        seep_json_begin_object(json);
        seep_json_key_string(json, "item", seep_ledger_item_name((enum seep_ledger_item)i));
        seep_json_key(json, "bytes");
        if (ledger->known[i])
            seep_json_int(json, ledger->bytes[i]);
        else
            seep_json_null(json);
        seep_key_bool(json, "estimated", ledger->estimated[i]);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_key_bool(json, "ledger_balances", ledger->balances);
    seep_ledger_say(ledger, &notes);
    seep_key_text(json, "ledger_note", seep_buf_text(&notes));
    seep_buf_clear(&notes);
}

static void write_processes(struct seep_json *json, const struct seep_vm_doc *doc)
{
    size_t top = doc->options.top ? doc->options.top : doc->n_processes;
    seep_json_key(json, "processes");
    seep_json_begin_array(json);
    for (size_t i = 0; i < doc->n_processes && i < top; i++) {
        const struct seep_process *p = doc->processes[i].process;
        seep_json_begin_object(json);
        seep_key_text(json, "image", p->image);
        seep_key_count(json, "pid", p->has_pid ? p->pid : SEEP_UNKNOWN_COUNT);
        seep_json_key_uint(json, "private_bytes", doc->processes[i].private_bytes);
        seep_json_end_object(json);
    }
    seep_json_end_array(json);
    seep_json_key_uint(json, "processes_total", doc->n_processes);
}

static void write_body(const void *ctx, struct seep_json *json)
{
    const struct seep_vm_doc *doc = ctx;
    seep_key_machine(json, doc->data, doc->machine, doc->taken_ns, doc->n_other_machines);
    size_t at = 0;
    seep_key_verdict(json, seep_vm_next_finding(doc, &at), seep_vm_doc_verdict(doc));
    seep_json_key(json, "findings");
    seep_json_begin_array(json);
    const struct seep_finding *f;
    for (at = 0; (f = seep_vm_next_finding(doc, &at));)
        seep_json_string(json, f->id);
    seep_json_end_array(json);
    write_vm(json, doc);
    write_ledger(json, &doc->ledger);
    write_processes(json, doc);
    seep_json_key(json, "unknown");
    seep_json_begin_array(json);
    for (int i = 0; i < SEEP_N_VM_ITEMS; i++) {
        if (doc->vm.bytes[i] == SEEP_UNKNOWN_COUNT)
            seep_json_string(json, seep_vm_item_name((enum seep_vm_item)i));
    }
    seep_json_end_array(json);
}

bool seep_vm_doc_json(const struct seep_vm_doc *doc, FILE *out)
{
    return seep_look_json("vm", doc->data, write_body, doc, out);
}
