// SPDX-License-Identifier: MIT
// One look at this machine: pool tags, what its memory is used for, and the processes that have
// exited and are still held.
#ifndef SEEP_SOURCE_LIVE_MACHINE_H
#define SEEP_SOURCE_LIVE_MACHINE_H

#include "source/source.h"

// The source "live-linux" or "live-windows". It reads no bytes, and the path of its input is for
// messages only. It never bids, and it is in no table. Zombies are looked for unless
// `input->leave_out` says that nobody wants them; on Windows that is what takes its time.
const struct seep_source *seep_live_machine_source(void);

#endif
