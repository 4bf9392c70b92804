// SPDX-License-Identifier: MIT
// `seep zombies` for a person: who holds dead processes, first of all.
#include "report/plain.h"
#include "report/zombies.h"

#include <inttypes.h>
#include <string.h>

enum { DEFAULT_TOP = 20, SHOWN_IMAGES = 3, IMAGE_WIDTH = 24, WIDTH = 100 };

struct text {
    const struct seep_zombies *doc;
    struct seep_buf out;
    size_t top;
};

static void add_process(struct text *t, const struct seep_process *p)
{
    seep_plain_add(&t->out, p->image && *p->image ? p->image : "a process", 64);
    if (p->has_pid)
        seep_buf_addf(&t->out, " (%" PRIu32 ")", p->pid);
}

static const char *are(uint64_t n)
{
    return n == 1 ? "is" : "are";
}

static void add_answer(struct text *t)
{
    const struct seep_zombies *doc = t->doc;
    if (doc->worst)
        seep_look_add_verdict(&t->out, doc->worst->verdict, doc->options.color);
    if (!doc->n) {
        seep_buf_adds(&t->out, "no dead process is still referenced\n");
        return;
    }
    if (doc->n_holders) {
        const struct seep_zombies_group *g = &doc->holders[0];
        seep_buf_addf(&t->out, "%zu of %" PRIu64 " dead processes %s held by ", g->n, doc->n,
                      are(g->n));
        add_process(t, g->process);
    } else {
        seep_buf_addf(&t->out, "%" PRIu64 " dead process%s %s still referenced", doc->n,
                      doc->n == 1 ? "" : "es", are(doc->n));
    }
    if (doc->n_unheld == SEEP_UNKNOWN_COUNT)
        seep_buf_adds(&t->out, "; by whom is not known here");
    else if (doc->n_unheld)
        seep_buf_addf(&t->out, "; %" PRIu64 " by no handle: a driver", doc->n_unheld);
    seep_buf_addc(&t->out, '\n');
}

static void add_head(struct text *t)
{
    const struct seep_zombies *doc = t->doc;
    char text[SEEP_HUMAN_TEXT];
    seep_buf_addc(&t->out, '\n');
    seep_look_add_moment(&t->out, doc->data, doc->machine, doc->taken_ns);
    if (doc->n_other_machines)
        seep_buf_addf(&t->out, "; %zu more machines are not shown", doc->n_other_machines);
    seep_buf_addc(&t->out, '\n');
    if (!doc->n || doc->commit_bytes == SEEP_UNKNOWN_COUNT)
        return;
    seep_human_bytes((double)doc->commit_bytes, text);
    if (doc->commit_bytes == doc->charged_bytes) {
        seep_buf_addf(&t->out, "they hold %s of commit, as the kernel charges them\n", text);
        return;
    }
    seep_buf_addf(&t->out,
                  "they hold about %s of commit, by 79 KB for each, 12 KB of it pool, as measured "
                  "in public",
                  text);
    if (doc->charged_bytes != SEEP_UNKNOWN_COUNT) {
        seep_human_bytes((double)doc->charged_bytes, text);
        seep_buf_addf(&t->out, "; the kernel still charges %s to them", text);
    }
    seep_buf_addc(&t->out, '\n');
}

static void add_images(struct text *t, const struct seep_zombies_group *g)
{
    for (size_t i = 0; i < g->n_images && i < SHOWN_IMAGES; i++) {
        seep_buf_adds(&t->out, i ? ", " : " ");
        seep_plain_add(&t->out, *g->images[i].image ? g->images[i].image : "?", IMAGE_WIDTH);
        seep_buf_addf(&t->out, " %" PRIu64, g->images[i].n);
    }
    if (g->n_images > SHOWN_IMAGES)
        seep_buf_addf(&t->out, ", %zu more image%s", g->n_images - SHOWN_IMAGES,
                      g->n_images - SHOWN_IMAGES == 1 ? "" : "s");
    seep_look_end_line(&t->out);
    if (!t->doc->options.pids || !g->n_pids)
        return;
    struct seep_buf pids = { 0 };
    for (size_t i = 0; i < g->n_pids; i++)
        seep_buf_addf(&pids, "%s%" PRIu32, i ? " " : "", g->pids[i]);
    seep_buf_adds(&t->out, "       PIDs ");
    seep_plain_wrap(&t->out, seep_buf_text(&pids), 12, WIDTH);
    seep_buf_addc(&t->out, '\n');
    t->out.failed = t->out.failed || pids.failed;
    seep_buf_clear(&pids);
}

static void add_holders(struct text *t)
{
    const struct seep_zombies *doc = t->doc;
    if (!doc->n_holders && !doc->unheld.n)
        return;
    seep_buf_addf(&t->out, "\n%8s %-*s %9s %9s  %s\n", "PID", IMAGE_WIDTH, "Holder", "Handles",
                  "Zombies", "Images that are held");
    for (size_t i = 0; i < doc->n_holders && i < t->top; i++) {
        const struct seep_zombies_group *g = &doc->holders[i];
        if (g->process->has_pid)
            seep_buf_addf(&t->out, "%8" PRIu32, g->process->pid);
        else
            seep_buf_addf(&t->out, "%8s", "?");
        seep_look_add_cell(&t->out, g->process->image ? g->process->image : "?", IMAGE_WIDTH);
        seep_look_add_count(&t->out, g->n_handles, 9);
        seep_buf_addf(&t->out, " %9zu ", g->n);
        add_images(t, g);
    }
    if (doc->n_holders > t->top)
        seep_buf_addf(&t->out, "%zu more holders: --top 0 shows all\n", doc->n_holders - t->top);
    if (doc->unheld.n) {
        seep_buf_addf(&t->out, "%8s", "-");
        seep_look_add_cell(&t->out, "no handle: a driver", IMAGE_WIDTH);
        seep_buf_addf(&t->out, " %9s %9zu ", "0", doc->unheld.n);
        add_images(t, &doc->unheld);
    }
    if (doc->n_elsewhere)
        seep_buf_addf(&t->out, "%" PRIu64 " more have handles that were not found\n",
                      doc->n_elsewhere);
}

static void add_hints(struct text *t)
{
    const struct seep_zombies *doc = t->doc;
    bool high = doc->pid_high != SEEP_UNKNOWN_COUNT && doc->pid_high > SEEP_ZOMBIES_HIGH_PID;
    if (high || doc->n_busy)
        seep_buf_addc(&t->out, '\n');
    if (high)
        seep_buf_addf(&t->out,
                      "hint: PIDs go up to %" PRIu64 "; above %d so many are, or were, in use\n",
                      doc->pid_high, SEEP_ZOMBIES_HIGH_PID);
    for (size_t i = 0; i < doc->n_busy && i < t->top; i++) {
        seep_buf_adds(&t->out, "hint: ");
        add_process(t, doc->busy[i].process);
        seep_buf_addf(&t->out, " has %" PRIu64 " handles\n", doc->busy[i].n_handles);
    }
}

bool seep_zombies_text(const struct seep_zombies *zombies, FILE *out)
{
    struct text t = { .doc = zombies,
                      .top = zombies->options.top ? zombies->options.top : DEFAULT_TOP };
    add_answer(&t);
    add_head(&t);
    add_holders(&t);
    add_hints(&t);
    if (zombies->worst) {
        seep_buf_addc(&t.out, '\n');
        seep_look_add_finding(&t.out, zombies->worst, zombies->options.color);
    }
    seep_look_add_losses(&t.out, zombies->data);
    return seep_look_write(&t.out, out);
}
