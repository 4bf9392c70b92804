// SPDX-License-Identifier: MIT
// What a machine's commit does not add up to, and pools that are near their limits.
#include "detect/judge.h"
#include "detect/ledger.h"

#include "base/time.h"

#include <math.h>

struct memory {
    struct seep_drafts *drafts;
    const struct seep_dataset *data;
    const struct seep_dataset_vm *at;
};

static const char *amount(const struct memory *m, double bytes)
{
    return seep_say_amount(m->drafts, SEEP_METRIC_COMMIT_BYTES, bytes);
}

static struct seep_draft *add_draft(const struct memory *m, enum seep_class class_,
                                    enum seep_metric metric, enum seep_verdict verdict)
{
    struct seep_draft *draft = seep_draft_add(m->drafts);
    if (!draft)
        return NULL;
    struct seep_finding *f = &draft->finding;
    struct seep_machine_id machine = m->at->vm.machine;
    f->class_ = class_;
    f->metric = metric;
    f->verdict = verdict;
    f->subject = SEEP_SUBJECT_MACHINE;
    f->machine = machine;
    if (machine.v && machine.v <= m->data->n_machines && m->data->machines[machine.v - 1].host)
        f->name = seep_say(m->drafts, "%s", m->data->machines[machine.v - 1].host);
    return draft;
}

static size_t count_zombies(const struct memory *m)
{
    size_t n = 0;
    uint32_t before = 0;
    for (size_t i = 0; i < m->data->n_zombies; i++) {
        uint32_t id = m->data->zombies[i].zombie.process.v;
        if (id == 0 || id > m->data->n_processes || id == before)
            continue;
        before = id;
        n += m->data->processes[id - 1].machine.v == m->at->vm.machine.v;
    }
    return n;
}

static bool judge_ledger(const struct memory *m)
{
    struct seep_ledger ledger;
    struct seep_buf text = { 0 };
    uint32_t machine = m->at->vm.machine.v;
    seep_ledger_make(&m->at->vm, machine ? &m->data->machines[machine - 1] : NULL, count_zombies(m),
                     &ledger);
    // Where the large items are not known, what is left is no hole.
    if (!ledger.balances || !ledger.known[SEEP_LEDGER_PROCESS_PRIVATE] ||
        !ledger.known[SEEP_LEDGER_PAGED_POOL] || !ledger.known[SEEP_LEDGER_NONPAGED_POOL])
        return true;
    double hole = (double)ledger.bytes[SEEP_LEDGER_UNATTRIBUTED];
    struct seep_sign sign = { .kind = SEEP_SIGN_UNATTRIBUTED,
                              .bytes = hole,
                              .share = hole / fmax((double)ledger.committed, 1) };
    enum seep_verdict verdict = seep_verdict_of_sign(&sign);
    if (verdict < SEEP_VERDICT_SUSPECT)
        return true;
    struct seep_draft *draft =
        add_draft(m, SEEP_CLASS_COMMIT_UNATTRIBUTED, SEEP_METRIC_COMMIT_BYTES, verdict);
    if (!draft)
        return false;
    draft->finding.last = (double)ledger.committed;
    draft->finding.gist =
        seep_say(m->drafts, "%s of %s committed is nobody's: neither processes' nor pools'",
                 amount(m, hole), amount(m, (double)ledger.committed));
    for (size_t i = 0; i < SEEP_LEDGER_UNATTRIBUTED; i++) {
        if (ledger.known[i])
            seep_buf_addf(&text, "%s%s %s", text.len ? ", " : "",
                          seep_ledger_item_name((enum seep_ledger_item)i),
                          amount(m, (double)ledger.bytes[i]));
    }
    seep_draft_evidence(m->drafts, draft,
                        seep_say(m->drafts, "the ledger: %s, unattributed %s", seep_buf_text(&text),
                                 amount(m, hole)),
                        m->at->source, SEEP_NO_OFFSET, m->at->taken_ns);
    seep_buf_reset(&text);
    seep_ledger_say(&ledger, &text);
    if (text.len)
        seep_draft_caveat(m->drafts, draft, seep_say(m->drafts, "%s", seep_buf_text(&text)));
    bool ok = !text.failed;
    seep_buf_clear(&text);
    seep_draft_caveat(m->drafts, draft, "one moment cannot show growth");
    seep_finding_next(m->drafts, draft);
    return ok;
}

// The accused tag or driver that a pool is full of, else NULL.
static struct seep_draft *behind(const struct memory *m, enum seep_metric metric)
{
    for (size_t i = 0; i < m->drafts->count; i++) {
        struct seep_draft *d = &m->drafts->at[i];
        const struct seep_finding *f = &d->finding;
        if (!d->dropped && f->verdict >= SEEP_VERDICT_SUSPECT && f->metric == metric &&
            f->machine.v == m->at->vm.machine.v &&
            (f->subject == SEEP_SUBJECT_POOL_TAG || f->subject == SEEP_SUBJECT_DRIVER))
            return d;
    }
    return NULL;
}

static bool judge_pool(const struct memory *m, bool paged)
{
    enum seep_metric metric =
        paged ? SEEP_METRIC_PAGED_POOL_BYTES : SEEP_METRIC_NONPAGED_POOL_BYTES;
    const uint64_t *b = m->at->vm.bytes;
    double used = (double)b[paged ? SEEP_VM_PAGED_POOL : SEEP_VM_NONPAGED_POOL];
    double limit = (double)b[paged ? SEEP_VM_PAGED_POOL_LIMIT : SEEP_VM_NONPAGED_POOL_LIMIT];
    struct seep_sign sign = { .kind = SEEP_SIGN_POOL_FULL, .bytes = used, .share = used / limit };
    const char *text =
        seep_say(m->drafts, "the %s is at %s, %.0f %% of its limit of %s",
                 seep_metric_words(metric), amount(m, used), used / limit * 100, amount(m, limit));
    struct seep_draft *draft = behind(m, metric);
    bool own = !draft;
    if (own)
        draft = add_draft(m, paged ? SEEP_CLASS_PAGED_POOL : SEEP_CLASS_NONPAGED_POOL, metric,
                          seep_verdict_of_sign(&sign));
    if (!draft)
        return false;
    seep_draft_evidence(m->drafts, draft, text, m->at->source, SEEP_NO_OFFSET, m->at->taken_ns);
    if (!own)
        return true;
    draft->finding.gist = text;
    draft->finding.last = used;
    seep_draft_caveat(m->drafts, draft, "one moment cannot show growth");
    seep_finding_next(m->drafts, draft);
    return true;
}

static bool in_time(const struct seep_detect_options *o, int64_t t_ns)
{
    return !o || t_ns == SEEP_NO_TIME ||
           ((o->since_ns == SEEP_NO_TIME || t_ns >= o->since_ns) &&
            (o->until_ns == SEEP_NO_TIME || t_ns <= o->until_ns));
}

bool seep_memory_judge(struct seep_drafts *drafts, const struct seep_dataset *data,
                       const struct seep_detect_options *options)
{
    bool ok = true;
    for (size_t i = 0; ok && i < data->n_vms; i++) {
        struct memory m = { drafts, data, NULL };
        uint32_t machine = data->vms[i].vm.machine.v;
        for (; i < data->n_vms && data->vms[i].vm.machine.v == machine; i++) {
            if (in_time(options, data->vms[i].taken_ns))
                m.at = &data->vms[i]; // the newest
        }
        i--;
        if (!m.at)
            continue;
        unsigned flags = seep_vm_flags(&m.at->vm);
        ok = judge_ledger(&m);
        if (ok && flags & 1u << SEEP_VM_PAGED_POOL_NEAR_LIMIT)
            ok = judge_pool(&m, true);
        if (ok && flags & 1u << SEEP_VM_NONPAGED_POOL_NEAR_LIMIT)
            ok = judge_pool(&m, false);
    }
    return ok;
}
