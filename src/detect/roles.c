// SPDX-License-Identifier: MIT
// Who is who in a dataset.
#include "detect/roles.h"

#include "base/alloc.h"
#include "base/time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Instances at once that are told apart; of more, each may be any.
enum { MAX_PLACES = 64 };

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static int order_names(struct seep_role_name a, struct seep_role_name b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    if (!a.text || !b.text)
        return (a.text != NULL) - (b.text != NULL);
    for (size_t i = 0; i < n; i++) {
        if (lower(a.text[i]) != lower(b.text[i]))
            return lower(a.text[i]) < lower(b.text[i]) ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool seep_role_same(struct seep_role_name a, struct seep_role_name b)
{
    return order_names(a, b) == 0;
}

// "svchost.exe#3" and "svchost#3" are "svchost", number 3.
static struct seep_role_name name_of_image(const char *image, uint32_t *number)
{
    struct seep_role_name name = { image && *image ? image : NULL, image ? strlen(image) : 0 };
    size_t digits = 0;
    uint32_t value = 0, scale = 1;
    while (digits < name.len && digits < 9 && image[name.len - 1 - digits] >= '0' &&
           image[name.len - 1 - digits] <= '9') {
        value += scale * (uint32_t)(image[name.len - 1 - digits++] - '0');
        scale *= 10;
    }
    *number = 0;
    if (digits && name.len > digits + 1 && image[name.len - 1 - digits] == '#') {
        name.len -= digits + 1;
        *number = value;
    }
    if (name.len > 4 && order_names((struct seep_role_name){ image + name.len - 4, 4 },
                                    (struct seep_role_name){ ".exe", 4 }) == 0)
        name.len -= 4;
    return name;
}

struct seep_role_name seep_role_name_of(const struct seep_dataset *data,
                                        const struct seep_series *series)
{
    const struct seep_subject *s = &series->subject;
    uint32_t number;
    if (s->kind == SEEP_SUBJECT_PROCESS)
        return s->process.v && s->process.v <= data->n_processes
                   ? name_of_image(data->processes[s->process.v - 1].image, &number)
                   : (struct seep_role_name){ NULL, 0 };
    return (struct seep_role_name){ s->name, s->name ? strlen(s->name) : 0 };
}

static void observe(struct seep_roles *roles)
{
    const struct seep_dataset *data = roles->data;
    for (size_t m = 0; m <= data->n_machines; m++)
        roles->machine[m] = (struct seep_observed){ .start_ns = INT64_MAX, .end_ns = INT64_MIN };
    for (size_t i = 0; i < data->n_processes; i++)
        roles->of[i] = (struct seep_role){ .first_ns = INT64_MAX, .last_ns = INT64_MIN };
    for (size_t i = 0; i < data->n_series; i++) {
        const struct seep_dataset_series *s = &data->series[i];
        uint32_t m = s->series.subject.machine.v, p = s->series.subject.process.v;
        if (s->n_points == 0 || m > data->n_machines)
            continue;
        struct seep_observed *o = &roles->machine[m];
        o->start_ns = s->first_ns < o->start_ns ? s->first_ns : o->start_ns;
        o->end_ns = s->last_ns > o->end_ns ? s->last_ns : o->end_ns;
        if (p && p <= data->n_processes) {
            struct seep_role *role = &roles->of[p - 1];
            role->first_ns = s->first_ns < role->first_ns ? s->first_ns : role->first_ns;
            role->last_ns = s->last_ns > role->last_ns ? s->last_ns : role->last_ns;
        }
        double apart = s->n_points < 3
                           ? 0
                           : ((double)s->last_ns - (double)s->first_ns) / (double)(s->n_points - 1);
        if (!(apart >= 1) || apart > 9e18)
            continue;
        if (!o->tick_ns || apart < (double)o->tick_ns)
            o->tick_ns = (int64_t)apart;
        if (apart > (double)o->heartbeat_ns)
            o->heartbeat_ns = (int64_t)apart;
        if (!o->busiest || s->n_points > data->series[o->busiest - 1].n_points)
            o->busiest = i + 1;
    }
    for (size_t m = 0; m <= data->n_machines; m++) {
        struct seep_observed *o = &roles->machine[m];
        double quarter = ((double)o->end_ns - (double)o->start_ns) / 4;
        if ((double)o->heartbeat_ns > quarter)
            o->heartbeat_ns = quarter > 0 ? (int64_t)quarter : 0;
    }
}

// One process while parents and places are being found.
struct instance {
    const struct seep_process *process;
    struct seep_role *role;
    int64_t begin_ns;
    uint32_t number;
};

static int order_times(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_pid(const void *a, const void *b)
{
    const struct instance *x = a, *y = b;
    if (x->process->machine.v != y->process->machine.v)
        return x->process->machine.v < y->process->machine.v ? -1 : 1;
    if (x->process->pid != y->process->pid)
        return x->process->pid < y->process->pid ? -1 : 1;
    int order = order_times(x->begin_ns, y->begin_ns);
    return order ? order : (x->process > y->process) - (x->process < y->process);
}

static int by_role(const void *a, const void *b)
{
    const struct instance *x = a, *y = b;
    if (x->process->machine.v != y->process->machine.v)
        return x->process->machine.v < y->process->machine.v ? -1 : 1;
    int order = order_names(x->role->image, y->role->image);
    order = order ? order : order_names(x->role->parent, y->role->parent);
    order = order ? order : order_times(x->begin_ns, y->begin_ns);
    if (order)
        return order;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return by_pid(a, b);
}

// The image of the process that had the parent's PID when the child was started.
static struct seep_role_name parent_of(const struct instance *by, size_t n,
                                       const struct instance *child)
{
    uint32_t machine = child->process->machine.v, pid = child->process->parent_pid;
    int64_t born_ns = child->process->start_ns;
    born_ns = born_ns != SEEP_NO_TIME ? born_ns : INT64_MAX;
    size_t low = 0, high = n;
    while (low < high) { // the first that is behind what is looked for
        size_t middle = low + (high - low) / 2;
        const struct instance *i = &by[middle];
        bool behind = i->process->machine.v != machine ? i->process->machine.v > machine
                      : i->process->pid != pid         ? i->process->pid > pid
                                                       : i->begin_ns > born_ns;
        if (behind)
            high = middle;
        else
            low = middle + 1;
    }
    const struct instance *found = low ? &by[low - 1] : NULL;
    if (!pid || !found || found->process->machine.v != machine || found->process->pid != pid ||
        !found->process->has_pid || found->process == child->process)
        return (struct seep_role_name){ NULL, 0 };
    return found->role->image;
}

// Gives the instances of one role, in the order of their starts, their places.
static void give_places(struct instance *of, size_t n)
{
    int64_t until[MAX_PLACES];
    uint32_t n_places = 0;
    for (size_t i = 0; i < n; i++) {
        const struct instance *p = &of[i];
        int64_t end = p->process->end_ns != SEEP_NO_TIME ? p->process->end_ns : p->role->last_ns;
        uint32_t place = 0;
        while (place < n_places && place < MAX_PLACES && until[place] > p->begin_ns)
            place++;
        if (place < MAX_PLACES)
            until[place] = end;
        if (place == n_places)
            n_places++;
        p->role->place = place;
    }
    for (size_t i = 0; i < n; i++)
        of[i].role->n_places = n_places;
}

static bool find_places(struct seep_roles *roles)
{
    const struct seep_dataset *data = roles->data;
    size_t n = data->n_processes;
    struct instance *of = seep_alloc(n + 1, sizeof *of);
    if (!of)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct seep_process *p = &data->processes[i];
        // Who was there from an unknown time on can be anyone's parent.
        of[i] = (struct instance){ .process = p, .role = &roles->of[i], .begin_ns = INT64_MIN };
        roles->of[i].image = name_of_image(p->image, &of[i].number);
        if (p->start_ns != SEEP_NO_TIME)
            of[i].begin_ns = p->start_ns;
    }
    qsort(of, n, sizeof *of, by_pid);
    for (size_t i = 0; i < n; i++)
        of[i].role->parent = parent_of(of, n, &of[i]);
    for (size_t i = 0; i < n; i++) {
        if (of[i].process->start_ns == SEEP_NO_TIME)
            of[i].begin_ns = of[i].role->first_ns;
    }
    qsort(of, n, sizeof *of, by_role);
    for (size_t i = 0; i < n;) {
        size_t same = i + 1;
        while (same < n && of[same].process->machine.v == of[i].process->machine.v &&
               seep_role_same(of[same].role->image, of[i].role->image) &&
               seep_role_same(of[same].role->parent, of[i].role->parent))
            same++;
        give_places(&of[i], same - i);
        i = same;
    }
    seep_free(of);
    return true;
}

static int order_series(const struct seep_role_series *a, struct seep_role_name name,
                        enum seep_subject_kind kind, enum seep_metric metric)
{
    if (a->kind != kind)
        return a->kind < kind ? -1 : 1;
    if (a->metric != metric)
        return a->metric < metric ? -1 : 1;
    return order_names(a->name, name);
}

static int by_series(const void *a, const void *b)
{
    const struct seep_role_series *x = a, *y = b;
    int order = order_series(x, y->name, y->kind, y->metric);
    return order ? order : (x->series > y->series) - (x->series < y->series);
}

bool seep_roles_find(const struct seep_dataset *data, struct seep_roles *roles)
{
    *roles = (struct seep_roles){ .data = data };
    roles->of = seep_alloc(data->n_processes + 1, sizeof *roles->of);
    roles->machine = seep_alloc(data->n_machines + 1, sizeof *roles->machine);
    roles->series = seep_alloc(data->n_series + 1, sizeof *roles->series);
    if (!roles->of || !roles->machine || !roles->series)
        return false;
    observe(roles);
    if (!find_places(roles))
        return false;
    for (size_t i = 0; i < data->n_series; i++) {
        const struct seep_series *s = &data->series[i].series;
        if (data->series[i].n_points && s->subject.machine.v <= data->n_machines)
            roles->series[roles->n_series++] =
                (struct seep_role_series){ seep_role_name_of(data, s), s->subject.kind, s->metric,
                                           i };
    }
    qsort(roles->series, roles->n_series, sizeof *roles->series, by_series);
    return true;
}

void seep_roles_clear(struct seep_roles *roles)
{
    seep_free(roles->of);
    seep_free(roles->machine);
    seep_free(roles->series);
    *roles = (struct seep_roles){ .data = NULL };
}

size_t seep_roles_look_up(const struct seep_roles *roles, struct seep_role_name name,
                          enum seep_subject_kind kind, enum seep_metric metric, size_t *n)
{
    size_t low = 0, high = roles->n_series;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order_series(&roles->series[middle], name, kind, metric) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < roles->n_series && order_series(&roles->series[end], name, kind, metric) == 0)
        end++;
    *n = end - low;
    return low;
}
