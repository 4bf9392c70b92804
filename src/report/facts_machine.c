// SPDX-License-Identifier: MIT
// The keys of facts about a machine at one moment: pool tags, memory, zombies.
#include "report/report.h"

#include <stdio.h>

static void key_known(struct seep_json *json, const char *key, uint64_t value)
{
    if (value != SEEP_UNKNOWN_COUNT) {
        seep_json_key_uint(json, key, value);
        return;
    }
    seep_json_key(json, key);
    seep_json_null(json);
}

void seep_pool_tag_json(struct seep_json *json, const struct seep_pool_tag *tag)
{
    const char *driver = tag->mapped_driver;
    seep_json_key_string(json, "tag", tag->tag);
    seep_json_key_string(json, "pool", tag->paged ? "paged" : "nonpaged");
    key_known(json, "allocs", tag->allocs);
    key_known(json, "frees", tag->frees);
    key_known(json, "diff", seep_pool_tag_diff(tag));
    key_known(json, "bytes", tag->bytes);
    key_known(json, "session", tag->session == SEEP_NO_SESSION ? SEEP_UNKNOWN_COUNT : tag->session);
    seep_json_key_string(json, "mapped_driver", driver && *driver ? driver : NULL);
}

void seep_vm_json(struct seep_json *json, const struct seep_vm *vm)
{
    for (int i = 0; i < SEEP_N_VM_ITEMS; i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "%s_bytes", seep_vm_item_name((enum seep_vm_item)i));
        for (char *c = key; *c; c++)
            *c = *c == '-' ? '_' : *c;
        key_known(json, key, vm->bytes[i]);
    }
}

void seep_zombie_json(struct seep_json *json, const struct seep_zombie *zombie)
{
    key_known(json, "handles", zombie->n_handles);
    key_known(json, "handles_found", zombie->n_found);
    key_known(json, "pointers", zombie->n_pointers);
    key_known(json, "unexplained", zombie->n_unexplained);
    key_known(json, "commit_bytes", zombie->commit_bytes);
}
