// SPDX-License-Identifier: MIT
// The fact *machine*: whose memory this is about.
//
// Two facts are of the same machine when their hosts are equal but for case; a field that one
// leaves unknown is filled from the other. Boots are kept apart by `boot_ns`.
#ifndef SEEP_MODEL_MACHINE_H
#define SEEP_MODEL_MACHINE_H

#include <stdint.h>

struct seep_machine {
    const char *host;            // NULL or "" = unknown; without leading backslashes
    const char *os;              // "Windows", "Linux"; NULL = unknown
    const char *os_version;      // "10.0.20348", "6.1.0-18-amd64"; NULL = unknown
    uint64_t ram_bytes;          // 0 = unknown
    uint64_t commit_limit_bytes; // 0 = unknown
    uint32_t page_size_bytes;    // 0 = unknown
    uint32_t n_processors;       // 0 = unknown
    int64_t boot_ns;             // SEEP_NO_TIME = unknown
};

#endif
