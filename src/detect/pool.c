// SPDX-License-Identifier: MIT
// What a judgement says of one pool tag.
#include "detect/pool.h"

#include <string.h>

static bool is_of(const struct seep_finding *f, const char *tag, bool paged)
{
    enum seep_class other = paged ? SEEP_CLASS_NONPAGED_POOL : SEEP_CLASS_PAGED_POOL;
    return (f->subject == SEEP_SUBJECT_POOL_TAG || f->subject == SEEP_SUBJECT_DRIVER) && f->tag &&
           f->class_ != other && strcmp(f->tag, tag) == 0;
}

bool seep_pool_judge(const struct seep_judgement *judgement, struct seep_machine_id machine,
                     const char *tag, bool paged, enum seep_verdict *verdict)
{
    bool known = false;
    for (size_t i = 0; i < judgement->n_clusters; i++) {
        const struct seep_pool_cluster *c = &judgement->clusters[i];
        for (size_t k = 0; c->machine.v == machine.v && k < c->n_members; k++) {
            if (strcmp(c->members[k].tag, tag) == 0) {
                *verdict = c->verdict;
                return true;
            }
        }
    }
    for (size_t i = 0; i < judgement->n_findings; i++) {
        const struct seep_finding *f = &judgement->findings[i];
        if (f->machine.v != machine.v || !is_of(f, tag, paged) || (known && f->verdict <= *verdict))
            continue;
        *verdict = f->verdict;
        known = true;
    }
    return known;
}
