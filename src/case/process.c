// SPDX-License-Identifier: MIT
// Which process of a case is meant: sources know a process by its PID and start, by its PID and
// image, or by its image alone.
//
// A process is listed under where its start lies, or that it is unknown, and under its image. A
// list holds whoever may be meant, never too few; same_process() decides. So nothing is taken out
// of a list when a start becomes known or a name changes, and a PID with many lives costs no more
// than one with few.
#include "case/internal.h"

#include "base/alloc.h"
#include "base/time.h"

#include <string.h>

// Starts of a process that differ by less are the same: Perfmon's Elapsed Time and an event's
// creation time round differently.
#define START_TOLERANCE_NS (2 * SEEP_NS_PER_S)
// A start that is computed from the uptime moves by less from one recording to the next: a tick of
// the system's clock.
#define SAME_START_NS (SEEP_NS_PER_S / 100)
// Starts of a list; whoever is looked for lies in one of two of them.
#define STRETCH_NS (2 * START_TOLERANCE_NS)

enum list_kind { BY_START = 0, BY_UNKNOWN_START, BY_IMAGE };

static bool same_process(const struct case_process *old, const struct case_process *new)
{
    if (old->start_ns != SEEP_NO_TIME && new->start_ns != SEEP_NO_TIME) {
        // A program of another name that took the PID over is another process, however soon; one
        // that runs another program (exec) keeps its start.
        uint64_t apart = old->start_ns > new->start_ns
                             ? (uint64_t)old->start_ns - (uint64_t) new->start_ns
                             : (uint64_t) new->start_ns - (uint64_t)old->start_ns;
        return apart <= SAME_START_NS || (apart <= START_TOLERANCE_NS && old->image == new->image);
    }
    return old->image == new->image && (old->boot == new->boot || !old->boot || !new->boot);
}

// Without a PID the image stands for it.
struct list_key {
    int64_t stretch;
    uint32_t machine, pid, has_pid, image, kind, zero;
};

static struct list_key key_of(const struct case_process *p, enum list_kind kind, int64_t stretch)
{
    return (struct list_key){ .stretch = stretch,
                              .machine = p->machine,
                              .pid = p->has_pid ? p->pid : p->image,
                              .has_pid = p->has_pid,
                              .image = kind == BY_START ? 0 : p->image,
                              .kind = (uint32_t)kind };
}

// The start of the list that a start, moved by `by_ns`, falls into.
static int64_t stretch_of(int64_t start_ns, int64_t by_ns)
{
    if (by_ns > 0)
        start_ns = start_ns > INT64_MAX - by_ns ? INT64_MAX : start_ns + by_ns;
    else
        start_ns = start_ns < INT64_MIN - by_ns ? INT64_MIN : start_ns + by_ns;
    return start_ns / STRETCH_NS - (start_ns % STRETCH_NS < 0);
}

static bool add_to_list(struct seep_case *c, const struct list_key *key, uint32_t row)
{
    struct case_lives *lives = &c->lives;
    uint32_t id = seep_intern(&lives->keys, key, sizeof *key);
    size_t had = lives->heads_capacity;
    if (!id || !seep_grow(&lives->heads, &lives->heads_capacity, id, sizeof *lives->heads) ||
        !seep_grow(&lives->nodes, &lives->nodes_capacity, lives->n_nodes + 1, sizeof *lives->nodes))
        return seep_fail_memory(&c->sink.error);
    if (lives->heads_capacity > had)
        memset(lives->heads + had, 0, (lives->heads_capacity - had) * sizeof *lives->heads);
    lives->nodes[lives->n_nodes++] = (struct case_life){ row, lives->heads[id - 1] };
    lives->heads[id - 1] = (uint32_t)lives->n_nodes;
    return true;
}

static bool list_by_start(struct seep_case *c, uint32_t row)
{
    const struct case_process *p = &c->processes[row - 1];
    bool known = p->start_ns != SEEP_NO_TIME;
    struct list_key key =
        key_of(p, known ? BY_START : BY_UNKNOWN_START, known ? stretch_of(p->start_ns, 0) : 0);
    return add_to_list(c, &key, row);
}

static bool list_by_image(struct seep_case *c, uint32_t row)
{
    struct list_key key = key_of(&c->processes[row - 1], BY_IMAGE, 0);
    return add_to_list(c, &key, row);
}

// The newest process of a list that is the same, if it is newer than `found`. What was added later
// comes first in a list, as long as `in_order`.
static uint32_t newest(const struct seep_case *c, const struct list_key *key,
                       const struct case_process *p, bool in_order, uint32_t found)
{
    const struct case_lives *lives = &c->lives;
    uint32_t id = seep_intern_find(&lives->keys, key, sizeof *key);
    for (uint32_t at = id ? lives->heads[id - 1] : 0; at; at = lives->nodes[at - 1].next) {
        uint32_t row = lives->nodes[at - 1].row;
        if (row > found && same_process(&c->processes[row - 1], p)) {
            found = row;
            if (in_order)
                break;
        }
    }
    return found;
}

uint32_t case_process_find(const struct seep_case *c, const struct case_process *p)
{
    if (p->start_ns == SEEP_NO_TIME) {
        struct list_key image = key_of(p, BY_IMAGE, 0);
        return newest(c, &image, p, !c->lives.renamed, 0);
    }
    int64_t first = stretch_of(p->start_ns, -START_TOLERANCE_NS);
    int64_t last = stretch_of(p->start_ns, START_TOLERANCE_NS);
    struct list_key key = key_of(p, BY_UNKNOWN_START, 0);
    uint32_t found = newest(c, &key, p, false, 0);
    for (int64_t stretch = first; stretch <= last; stretch++) {
        key = key_of(p, BY_START, stretch);
        found = newest(c, &key, p, false, found);
    }
    return found;
}

bool case_process_remember(struct seep_case *c, uint32_t row, struct case_process p)
{
    if (!seep_grow(&c->processes, &c->processes_capacity, row, sizeof *c->processes))
        return seep_fail_memory(&c->sink.error);
    c->processes[row - 1] = p;
    if (row > c->n_processes)
        c->n_processes = row;
    return list_by_start(c, row) && list_by_image(c, row);
}

bool case_process_started(struct seep_case *c, uint32_t row, int64_t start_ns)
{
    c->processes[row - 1].start_ns = start_ns;
    return list_by_start(c, row);
}

bool case_process_renamed(struct seep_case *c, uint32_t row, uint32_t image)
{
    struct case_process *p = &c->processes[row - 1];
    p->image = image;
    c->lives.renamed = true;
    return list_by_image(c, row);
}

void case_processes_forget(struct seep_case *c)
{
    seep_intern_clear(&c->lives.keys);
    if (c->lives.heads_capacity)
        memset(c->lives.heads, 0, c->lives.heads_capacity * sizeof *c->lives.heads);
    c->n_processes = c->lives.n_nodes = 0;
    c->lives.renamed = false;
}

void case_processes_clear(struct seep_case *c)
{
    seep_intern_clear(&c->lives.keys);
    seep_free(c->lives.heads);
    seep_free(c->lives.nodes);
    seep_free(c->processes);
}
