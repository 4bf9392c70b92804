// SPDX-License-Identifier: MIT
// One look at this machine as facts.
#include "source/live/machine.h"

#include "base/alloc.h"
#include "base/time.h"
#include "os/sample.h"
#include "source/live/columns.h"
#include "source/live/looks.h"

#include <inttypes.h>
#include <stdlib.h>

struct view {
    struct seep_sink *sink;
    struct seep_os_sampler *sampler;
    struct seep_os_sample sample;
    struct seep_os_process_fields process_fields;
    struct seep_os_totals_fields total_fields;
    struct seep_machine_id machine;
    struct seep_process_id *processes; // as they are in the sample
    struct seep_process_id *zombies;
};

static bool push_number(struct view *v, const struct seep_subject *subject, enum seep_metric metric,
                        const char *field, uint64_t number)
{
    const struct seep_series series = { .subject = *subject, .metric = metric, .counter = field };
    struct seep_series_id id;
    return number == SEEP_OS_UNKNOWN || !field ||
           (seep_sink_series(v->sink, &series, &id) &&
            seep_sink_sample(v->sink, id, (double)number));
}

static bool push_processes(struct view *v)
{
    for (size_t i = 0; i < v->sample.n_processes; i++) {
        const struct seep_os_process *p = &v->sample.processes[i];
        const struct seep_process process = {
            .machine = v->machine,
            .pid = p->pid,
            .has_pid = true,
            .parent_pid = p->parent_pid,
            .start_ns = p->start_ns,
            .end_ns = SEEP_NO_TIME,
            .image = p->image,
        };
        if (!p->zombie && !seep_sink_process(v->sink, &process, &v->processes[i]))
            return false;
    }
    return true;
}

static bool push_process_numbers(struct view *v)
{
    for (size_t i = 0; i < v->sample.n_processes; i++) {
        const struct seep_os_process *p = &v->sample.processes[i];
        const struct seep_subject subject = { .kind = SEEP_SUBJECT_PROCESS,
                                              .machine = v->machine,
                                              .process = v->processes[i] };
        for (size_t c = 0; !p->zombie && c < LIVE_PROCESS_VALUES; c++) {
            const struct live_column *column = &live_process_columns[c];
            uint64_t number = live_number_at(p, column->value_at);
            if (!(column->from_first_nonzero && !number) &&
                !push_number(v, &subject, column->metric,
                             live_text_at(&v->process_fields, column->field_at), number))
                return false;
        }
    }
    return true;
}

static bool push_totals(struct view *v)
{
    const struct seep_os_totals *t = &v->sample.totals;
    const struct seep_os_totals_fields *f = &v->total_fields;
    const struct seep_subject machine = { .kind = SEEP_SUBJECT_MACHINE, .machine = v->machine };
    return push_number(v, &machine, SEEP_METRIC_COMMIT_BYTES, f->commit_bytes, t->commit_bytes) &&
           push_number(v, &machine, SEEP_METRIC_COMMIT_LIMIT_BYTES, f->commit_limit_bytes,
                       t->commit_limit_bytes) &&
           push_number(v, &machine, SEEP_METRIC_AVAILABLE_BYTES, f->available_bytes,
                       t->available_bytes) &&
           push_number(v, &machine, SEEP_METRIC_PAGED_POOL_BYTES, f->paged_pool_bytes,
                       t->paged_pool_bytes) &&
           push_number(v, &machine, SEEP_METRIC_NONPAGED_POOL_BYTES, f->nonpaged_pool_bytes,
                       t->nonpaged_pool_bytes) &&
           push_number(v, &machine, SEEP_METRIC_ZOMBIES, f->zombies, t->zombies);
}

static bool push_tag_numbers(struct view *v)
{
    const struct seep_os_totals_fields *f = &v->total_fields;
    for (size_t i = 0; i < v->sample.n_tags; i++) {
        const struct seep_os_pool_tag *tag = &v->sample.tags[i];
        const struct seep_subject subject = { .kind = SEEP_SUBJECT_POOL_TAG,
                                              .machine = v->machine,
                                              .name = tag->name };
        const struct {
            const struct seep_os_pool_counts *counts;
            enum seep_metric metric;
            const char *blocks;
        } pools[] = {
            { &tag->paged, SEEP_METRIC_PAGED_POOL_BYTES, f->tag_paged_blocks },
            { &tag->nonpaged, SEEP_METRIC_NONPAGED_POOL_BYTES, f->tag_nonpaged_blocks },
        };
        for (size_t k = 0; k < sizeof pools / sizeof *pools; k++) {
            // As in a recording: what has nothing has no series.
            if (pools[k].counts->bytes &&
                (!push_number(v, &subject, pools[k].metric, f->tag_bytes, pools[k].counts->bytes) ||
                 !push_number(v, &subject, SEEP_METRIC_OUTSTANDING_COUNT, pools[k].blocks,
                              pools[k].counts->blocks)))
                return false;
        }
    }
    return true;
}

// ---- zombies

static int by_pid(const void *a, const void *b)
{
    const struct seep_os_process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

// The process of a PID in the sample; 0 where there is none.
static struct seep_process_id process_of(const struct view *v, uint32_t pid)
{
    const struct seep_os_process key = { .pid = pid };
    const struct seep_os_process *p =
        bsearch(&key, v->sample.processes, v->sample.n_processes, sizeof key, by_pid);
    return p ? v->processes[p - v->sample.processes] : (struct seep_process_id){ 0 };
}

static bool push_zombie(struct view *v, const struct seep_os_zombie *z, struct seep_process_id *id)
{
    const struct seep_process process = {
        .machine = v->machine,
        .pid = z->pid,
        .has_pid = true,
        .parent_pid = z->parent_pid,
        .start_ns = z->start_ns,
        .end_ns = z->end_ns,
        .image = *z->image ? z->image : NULL,
    };
    // How many references the kernel has of its own to a live system's objects is not told.
    struct seep_zombie zombie = {
        .n_handles = z->n_handles,
        .n_found = z->n_found,
        .n_pointers = SEEP_UNKNOWN_COUNT,
        .n_unexplained = SEEP_UNKNOWN_COUNT,
        .commit_bytes = SEEP_UNKNOWN_COUNT,
    };
    if (!seep_sink_process(v->sink, &process, id))
        return false;
    zombie.process = *id;
    return seep_sink_zombie(v->sink, &zombie);
}

static bool push_zombies(struct view *v, const struct seep_os_zombies *all)
{
    for (size_t i = 0; i < all->n; i++) {
        if (!push_zombie(v, &all->at[i], &v->zombies[i]))
            return false;
    }
    for (size_t i = 0; i < all->n_handles; i++) {
        const struct seep_os_zombie_handle *h = &all->handles[i];
        const struct seep_handle handle = {
            .holder = process_of(v, h->holder_pid),
            .value = h->value,
            .type = "Process",
            .access = h->access,
            .n_handles =
                all->at[h->zombie].n_handles == SEEP_OS_UNKNOWN ? 0 : all->at[h->zombie].n_handles,
            .target = v->zombies[h->zombie],
        };
        // A holder that has started after the sample is not known.
        if (handle.holder.v && !seep_sink_handle(v->sink, &handle))
            return false;
    }
    return !all->n_closed ||
           seep_sink_note(v->sink, "handles-not-seen", all->n_closed, SEEP_UNKNOWN_COUNT,
                          SEEP_NO_OFFSET,
                          "the handles of %" PRIu64 " processes could not be looked at: who holds "
                          "exited processes may be among them; run seep with more rights",
                          all->n_closed);
}

static bool look_for_zombies(struct view *v, struct seep_err *err)
{
    struct seep_os_zombies all;
    if (!seep_os_sampler_zombies(v->sampler, &all, err))
        return false;
    v->zombies = seep_alloc(all.n + 1, sizeof *v->zombies);
    if (!v->zombies)
        return seep_fail_memory(err);
    // The object manager counts also those that cannot be opened.
    uint64_t told = v->sample.totals.zombies, unseen = told - all.n;
    bool has_unseen = told != SEEP_OS_UNKNOWN && told > all.n;
    if (push_zombies(v, &all) &&
        (!has_unseen ||
         seep_sink_note(v->sink, "zombies-not-seen", unseen, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                        "%" PRIu64 " more process objects exist than processes could be found: "
                        "they may be of processes that are just starting or ending",
                        unseen)))
        return true;
    *err = v->sink->error;
    return false;
}

static bool push_all(struct view *v)
{
    return push_processes(v) && seep_sink_tick(v->sink, v->machine, v->sample.t_ns) &&
           push_totals(v) && push_process_numbers(v) && push_tag_numbers(v) &&
           live_push_vm(v->sink, v->machine, &v->sample) &&
           live_push_pool_tags(v->sink, v->machine, &v->sample) &&
           (!v->sample.n_unreadable ||
            seep_sink_note(v->sink, "unreadable-processes", v->sample.n_unreadable,
                           SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                           "%" PRIu64 " processes could not be looked at in full: run seep with "
                           "more rights to see them",
                           v->sample.n_unreadable)) &&
           (v->total_fields.tag_bytes ||
            seep_sink_note(v->sink, "no-pool-tags", 1, SEEP_UNKNOWN_COUNT, SEEP_NO_OFFSET,
                           "this system does not tell its pool tags to this user"));
}

static bool look(struct view *v, bool zombies, struct seep_err *err)
{
    if (!seep_os_sampler_open(&v->sampler, err) ||
        !seep_os_sampler_take(v->sampler, &v->sample, err) ||
        !live_push_machine(v->sink, &v->sample.totals, &v->machine, NULL, err))
        return false;
    seep_os_sampler_fields(v->sampler, &v->process_fields, &v->total_fields);
    v->processes = seep_alloc(v->sample.n_processes + 1, sizeof *v->processes);
    if (!v->processes)
        return seep_fail_memory(err);
    if (!push_all(v)) {
        *err = v->sink->error;
        return false;
    }
    return !zombies || look_for_zombies(v, err);
}

static enum seep_status read_machine(const struct seep_input *input, struct seep_sink *sink,
                                     const struct seep_control *control, uint64_t *read_bytes,
                                     struct seep_err *err)
{
    struct view v = { .sink = sink };
    struct seep_err own = { 0 };
    (void)control;
    *read_bytes = 0;
    bool ok = look(&v, !(input->leave_out & UINT32_C(1) << SEEP_FACT_ZOMBIE), &own);
    if (!ok && err)
        *err = own;
    seep_os_sampler_close(v.sampler);
    seep_free(v.processes);
    seep_free(v.zombies);
    return ok ? SEEP_OK : SEEP_FAILED;
}

const struct seep_source *seep_live_machine_source(void)
{
    static struct seep_source source = {
        .about = "this machine: pool tags, memory, zombies",
        .read = read_machine,
    };
    source.name = seep_os_live_name();
    return &source;
}
