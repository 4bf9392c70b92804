// SPDX-License-Identifier: MIT
// What one look at a machine tells beside its series: the counts of every pool tag, and what its
// memory is used for.
#ifndef SEEP_SOURCE_LIVE_LOOKS_H
#define SEEP_SOURCE_LIVE_LOOKS_H

#include "model/sink.h"
#include "os/sample.h"

// Of the newest tick. On Linux a tag is a slab cache, whose allocations nobody counts.
bool live_push_pool_tags(struct seep_sink *sink, struct seep_machine_id machine,
                         const struct seep_os_sample *sample);
bool live_push_vm(struct seep_sink *sink, struct seep_machine_id machine,
                  const struct seep_os_sample *sample);

#endif
