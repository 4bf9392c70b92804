// SPDX-License-Identifier: MIT
// What the POSIX files of this layer share.
#ifndef SEEP_OS_POSIX_H
#define SEEP_OS_POSIX_H

#include <stddef.h>

// Raises this process's limit of open files towards `wanted` and returns what it is now. Children
// started with seep_os_spawn get the limit back that this process was started with, so that a
// watched program fails where it would have failed alone.
size_t seep_posix_raise_file_limit(size_t wanted);

#endif
