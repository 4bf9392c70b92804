// SPDX-License-Identifier: MIT
// Tags and drivers of Windows itself: seep's own table.
#ifndef SEEP_DRIVERS_INBOX_H
#define SEEP_DRIVERS_INBOX_H

#include "drivers/pooltag.h"

#include <stdbool.h>

// Puts the table into `tags`; false only when memory is out.
bool seep_inbox_read(struct seep_pooltags *tags);

// Whether Windows comes with a driver of that name (in any case; "nt" too). Who only calls a file
// so is found out by its company.
bool seep_inbox_knows(const char *name);

#endif
