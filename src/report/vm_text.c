// SPDX-License-Identifier: MIT
// `seep vm` for a person: the lines of WinDbg's !vm, the ledger of commit, the largest processes.
#include "report/plain.h"
#include "report/vm.h"

#include <inttypes.h>
#include <string.h>

enum { DEFAULT_TOP = 20, IMAGE_WIDTH = 32 };

struct text {
    const struct seep_vm_doc *doc;
    struct seep_buf out;
    size_t top;
};

static bool known(uint64_t bytes)
{
    return bytes != SEEP_UNKNOWN_COUNT;
}

static void add_bytes(struct text *t, uint64_t bytes)
{
    char text[SEEP_HUMAN_TEXT] = "?";
    if (known(bytes))
        seep_human_bytes((double)bytes, text);
    seep_buf_adds(&t->out, text);
}

static void add_percent(struct text *t, uint64_t part, uint64_t whole, bool in_brackets)
{
    if (known(part) && known(whole) && whole)
        seep_buf_addf(&t->out, "%s%.0f %%%s", in_brackets ? " (" : " ",
                      100 * (double)part / (double)whole, in_brackets ? ")" : "");
}

static void add_answer(struct text *t)
{
    const struct seep_vm_doc *doc = t->doc;
    const uint64_t *bytes = doc->vm.bytes;
    for (int i = 0, n = 0; i < SEEP_N_VM_FLAGS; i++) {
        if (!(doc->flags & 1u << i))
            continue;
        seep_buf_adds(&t->out, n++ ? ", " : "NEAR A LIMIT  ");
        for (const char *c = seep_vm_flag_name((enum seep_vm_flag)i); *c; c++)
            seep_buf_addc(&t->out, *c == '-' ? ' ' : *c);
    }
    if (doc->flags)
        seep_buf_adds(&t->out, "; ");
    seep_buf_adds(&t->out, "committed ");
    add_bytes(t, bytes[SEEP_VM_COMMITTED]);
    if (known(bytes[SEEP_VM_COMMIT_LIMIT])) {
        seep_buf_adds(&t->out, " of ");
        add_bytes(t, bytes[SEEP_VM_COMMIT_LIMIT]);
        add_percent(t, bytes[SEEP_VM_COMMITTED], bytes[SEEP_VM_COMMIT_LIMIT], true);
    }
    // Flags compare with what the page files may grow to, where that is known.
    if (known(bytes[SEEP_VM_COMMIT_LIMIT_MAXIMUM]) &&
        bytes[SEEP_VM_COMMIT_LIMIT_MAXIMUM] != bytes[SEEP_VM_COMMIT_LIMIT]) {
        seep_buf_adds(&t->out, ", at most ");
        add_bytes(t, bytes[SEEP_VM_COMMIT_LIMIT_MAXIMUM]);
        seep_buf_adds(&t->out, " when the page files grow");
        add_percent(t, bytes[SEEP_VM_COMMITTED], bytes[SEEP_VM_COMMIT_LIMIT_MAXIMUM], true);
    }
    if (!doc->flags)
        seep_buf_adds(&t->out, "; nothing that is known is near a limit");
    seep_buf_adds(&t->out, "\n\n");
    seep_look_add_moment(&t->out, doc->data, doc->machine, doc->taken_ns);
    if (doc->n_other_machines)
        seep_buf_addf(&t->out, "; %zu more machines are not shown", doc->n_other_machines);
    seep_buf_addc(&t->out, '\n');
}

static void add_line(struct text *t, const char *label, enum seep_vm_item item, int of)
{
    const struct seep_vm_doc *doc = t->doc;
    uint64_t bytes = doc->vm.bytes[item];
    seep_buf_addf(&t->out, "%26s:", label);
    if (!known(bytes)) {
        seep_buf_adds(&t->out, "     not recorded\n");
        return;
    }
    seep_buf_addf(&t->out, " %11" PRIu64 " (%12" PRIu64 " Kb)", bytes / doc->page_bytes,
                  bytes / 1024);
    char text[SEEP_HUMAN_TEXT];
    seep_human_bytes((double)bytes, text);
    seep_buf_addf(&t->out, " %9s", text);
    if (of >= 0)
        add_percent(t, bytes, doc->vm.bytes[of], false);
    seep_buf_addc(&t->out, '\n');
}

static void add_lines(struct text *t)
{
    seep_buf_adds(&t->out, "\n*** Virtual Memory Usage ***\n");
    add_line(t, "Physical Memory", SEEP_VM_PHYSICAL, -1);
    add_line(t, "Available Pages", SEEP_VM_AVAILABLE, SEEP_VM_PHYSICAL);
    add_line(t, "ResAvail Pages", SEEP_VM_RESIDENT_AVAILABLE, SEEP_VM_PHYSICAL);
    add_line(t, "NonPagedPool Usage", SEEP_VM_NONPAGED_POOL, SEEP_VM_NONPAGED_POOL_LIMIT);
    add_line(t, "NonPagedPool Max", SEEP_VM_NONPAGED_POOL_LIMIT, -1);
    add_line(t, "PagedPool Usage", SEEP_VM_PAGED_POOL, SEEP_VM_PAGED_POOL_LIMIT);
    add_line(t, "PagedPool Maximum", SEEP_VM_PAGED_POOL_LIMIT, -1);
    add_line(t, "Committed pages", SEEP_VM_COMMITTED, SEEP_VM_COMMIT_LIMIT);
    add_line(t, "Commit limit", SEEP_VM_COMMIT_LIMIT, -1);
    add_line(t, "Commit limit, grown", SEEP_VM_COMMIT_LIMIT_MAXIMUM, -1);
    add_line(t, "Peak commitment", SEEP_VM_COMMIT_PEAK, SEEP_VM_COMMIT_LIMIT);
}

static void add_ledger(struct text *t)
{
    const struct seep_vm_doc *doc = t->doc;
    const struct seep_ledger *ledger = &doc->ledger;
    struct seep_buf notes = { 0 };
    seep_buf_adds(&t->out, "\n--- Where the commit went ---\n");
    for (int i = 0; i < SEEP_N_LEDGER_ITEMS; i++) {
        char text[SEEP_HUMAN_TEXT];
        seep_buf_addf(&t->out, "%26s ", seep_ledger_item_name((enum seep_ledger_item)i));
        if (!ledger->known[i]) {
            seep_buf_addf(&t->out, "%18s\n", ledger->uncharged[i] ? "not charged" : "unknown");
            continue;
        }
        seep_human_bytes((double)ledger->bytes[i], text);
        seep_buf_addf(&t->out, "%18" PRId64 " %9s", ledger->bytes[i], text);
        if (known(ledger->committed) && ledger->committed)
            seep_buf_addf(&t->out, " %5.1f %%",
                          100 * (double)ledger->bytes[i] / (double)ledger->committed);
        seep_buf_adds(&t->out, ledger->estimated[i] ? ", an estimate\n" : "\n");
    }
    seep_buf_addf(&t->out, "%26s ", "committed");
    if (known(ledger->committed))
        seep_buf_addf(&t->out, "%18" PRIu64 "\n", ledger->committed);
    else
        seep_buf_addf(&t->out, "%18s\n", "unknown");
    seep_ledger_say(ledger, &notes);
    if (notes.len) {
        seep_plain_wrap(&t->out, seep_buf_text(&notes), 0, 100);
        seep_buf_addc(&t->out, '\n');
    }
    t->out.failed = t->out.failed || notes.failed;
    seep_buf_clear(&notes);
}

static void add_processes(struct text *t)
{
    const struct seep_vm_doc *doc = t->doc;
    if (!doc->n_processes)
        return;
    seep_buf_adds(&t->out, "\n--- Processes by private bytes ---\n");
    for (size_t i = 0; i < doc->n_processes && i < t->top; i++) {
        const struct seep_process *p = doc->processes[i].process;
        char text[SEEP_HUMAN_TEXT];
        seep_human_bytes((double)doc->processes[i].private_bytes, text);
        seep_buf_addf(&t->out, "%18" PRIu64 " %9s ", doc->processes[i].private_bytes, text);
        seep_plain_add(&t->out, p->image && *p->image ? p->image : "?", IMAGE_WIDTH);
        if (p->has_pid)
            seep_buf_addf(&t->out, " (%" PRIu32 ")", p->pid);
        seep_buf_addc(&t->out, '\n');
    }
    if (doc->n_processes > t->top)
        seep_buf_addf(&t->out, "%zu more processes: --top 0 shows all\n",
                      doc->n_processes - t->top);
}

static void add_unknown(struct text *t)
{
    size_t n = 0;
    for (int i = 0; i < SEEP_N_VM_ITEMS; i++) {
        if (known(t->doc->vm.bytes[i]))
            continue;
        seep_buf_addf(&t->out, "%s%s",
                      n++ ? ", " : "\nunknown: ", seep_vm_item_name((enum seep_vm_item)i));
    }
    if (n)
        seep_buf_addc(&t->out, '\n');
}

static void add_findings(struct text *t)
{
    const struct seep_finding *f;
    for (size_t at = 0; (f = seep_vm_next_finding(t->doc, &at));) {
        seep_buf_addc(&t->out, '\n');
        seep_look_add_finding(&t->out, f, t->doc->options.color);
    }
}

bool seep_vm_doc_text(const struct seep_vm_doc *doc, FILE *out)
{
    struct text t = { .doc = doc, .top = doc->options.top ? doc->options.top : DEFAULT_TOP };
    add_answer(&t);
    add_lines(&t);
    add_ledger(&t);
    add_processes(&t);
    add_unknown(&t);
    add_findings(&t);
    seep_look_add_losses(&t.out, doc->data);
    return seep_look_write(&t.out, out);
}
