// SPDX-License-Identifier: MIT
// The facts of a dump, kind by kind. Each returns false when the sink is full or the user cancels.
#ifndef SEEP_SOURCE_MINIDUMP_FACTS_H
#define SEEP_SOURCE_MINIDUMP_FACTS_H

#include "source/minidump/reader.h"

// Samples of the process and (where `memory` is not NULL) of the machine at the dump's time.
bool dump_push_counters(struct dump_reader *r, const struct seep_minidump_system_memory *memory);
bool dump_push_modules(struct dump_reader *r);
bool dump_push_regions(struct dump_reader *r);
bool dump_push_handles(struct dump_reader *r);

#endif
