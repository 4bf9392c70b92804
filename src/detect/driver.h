// SPDX-License-Identifier: MIT
// Which of several pool tags that grow together is the source, who owns it, and how it is said.
#ifndef SEEP_DETECT_DRIVER_H
#define SEEP_DETECT_DRIVER_H

#include "detect/judge.h"
#include "detect/looks.h"

#include <stdbool.h>
#include <stddef.h>

// What is known of a tag besides its curve. Strings belong to the dataset or are static.
struct seep_tag_role {
    const char *tag;
    const struct seep_tag_looks *looks; // NULL = not counted
    struct seep_tag_growth growth;      // of both pools
    double freed;                       // see seep_freed_share; NaN = unknown
    double grown;                       // blocks; NaN = unknown
    bool never_freed;                   // next to nothing of what was allocated
    const char *victim;                 // what it holds, where others' leaks show; NULL = no victim
    const struct seep_tag_owner *owner; // the likeliest, good enough to be named; NULL = nobody
    const struct seep_tag_owners *owners;
    bool log_names; // the name is the log's own: `owner` is NULL
    char name[64];  // of the driver; "" = unknown
    bool inbox;     // known to be part of Windows
};

// `tag` outlives the role. `data` NULL: nobody is asked for the owner.
void seep_tag_role_find(const struct seep_dataset *data, const struct seep_looks *looks,
                        const char *tag, struct seep_tag_role *role);

// Whether `a` is likelier to be the source of a leak that both take part in: a tag that is never
// freed before others, one of a driver that is not part of Windows before one of nobody knows whom
// before one of Windows, victims last; then the one of which least is freed. 0 = no telling.
int seep_tag_outranks(const struct seep_tag_role *a, const struct seep_tag_role *b);

// How many blocks of `other` came with one block of `source`; NaN = unknown.
double seep_tag_ratio(const struct seep_tag_role *source, const struct seep_tag_role *other);
// Whether that is one for one, in the whole time and, where there were looks between, in both
// halves of it. With two looks what may be chance with a hundred tags does not count.
bool seep_tags_are_one_to_one(const struct seep_tag_role *source,
                              const struct seep_tag_role *other);

// Makes the finding about a tag one about its driver where that is what the counts and the owner
// say, and adds what speaks for it: counts, owner, and why it is this one and not `largest`, the
// one of its members that grew most (NULL = it is itself).
void seep_driver_write(struct seep_drafts *drafts, const struct seep_dataset *data,
                       const struct seep_looks *looks, struct seep_draft *draft,
                       const struct seep_tag_role *role, const struct seep_tag_role *largest);

// The members of a source while they are found; `end` keeps them as a cluster of the finding (its
// index + 1) if there are any.
struct seep_tag_group {
    struct seep_pool_member *members;
    size_t n;
};
void seep_tag_group_add(struct seep_drafts *drafts, struct seep_tag_group *group,
                        const struct seep_tag_role *source, const struct seep_tag_role *member);
void seep_tag_group_end(struct seep_drafts *drafts, const struct seep_tag_group *group,
                        size_t draft);

// One sentence about a member, for people.
const char *seep_say_ratio(struct seep_drafts *drafts, const struct seep_tag_role *source,
                           const struct seep_tag_role *member);

#endif
