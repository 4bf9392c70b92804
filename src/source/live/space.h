// SPDX-License-Identifier: MIT
// The address space of a process of this machine: what a dump of it would say, without the dump.
#ifndef SEEP_SOURCE_LIVE_SPACE_H
#define SEEP_SOURCE_LIVE_SPACE_H

#include "source/source.h"

// The PID in a text that is nothing but one (decimal); false for any other text.
bool seep_live_pid(const char *text, uint32_t *pid);

// The source "live-linux" or "live-windows". It reads no bytes: the path of its input is a PID. It
// never bids, and it is in no table.
const struct seep_source *seep_live_space_source(void);

#endif
