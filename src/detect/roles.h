// SPDX-License-Identifier: MIT
// Who is who in a dataset: the role of a process, which it has on another machine too, and the
// series of a role.
//
// A role is an image started by an image. Hosts, PIDs, instance numbers ("svchost.exe#3") and
// whether the source writes ".exe" do not matter. Several instances at once are told apart by the
// order in which they were started; one that follows another that has ended has its place.
#ifndef SEEP_DETECT_ROLES_H
#define SEEP_DETECT_ROLES_H

#include "model/dataset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A name without what does not matter; bytes of the dataset. `text` NULL = unknown.
struct seep_role_name {
    const char *text;
    size_t len;
};

struct seep_role {
    struct seep_role_name image, parent;
    uint32_t place, n_places;  // of instances of this role on this machine at once
    int64_t first_ns, last_ns; // of its points; first > last where there is none
};

// How one machine was observed.
struct seep_observed {
    int64_t start_ns, end_ns; // start > end where it was not
    int64_t tick_ns;          // between looks of the recorder; 0 = unknown
    int64_t heartbeat_ns;     // the longest usual silence of a series
    size_t busiest;           // its series with most points + 1; 0 = none
};

struct seep_role_series {
    struct seep_role_name name; // of the image, the tag; unknown for the machine
    enum seep_subject_kind kind;
    enum seep_metric metric;
    size_t series; // index into the dataset
};

struct seep_roles {
    const struct seep_dataset *data;
    struct seep_role *of;          // of each process
    struct seep_observed *machine; // by id; 0 = what no machine was named for
    struct seep_role_series *series;
    size_t n_series;
};

// False when memory is out; `roles` may be cleared then, too. The dataset must outlive it.
bool seep_roles_find(const struct seep_dataset *data, struct seep_roles *roles);
void seep_roles_clear(struct seep_roles *roles);

// The name of a series' subject.
struct seep_role_name seep_role_name_of(const struct seep_dataset *data,
                                        const struct seep_series *series);
bool seep_role_same(struct seep_role_name a, struct seep_role_name b);

// The first series of a name, kind and metric in `roles->series`, and how many follow it.
size_t seep_roles_look_up(const struct seep_roles *roles, struct seep_role_name name,
                          enum seep_subject_kind kind, enum seep_metric metric, size_t *n);

#endif
