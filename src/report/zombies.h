// SPDX-License-Identifier: MIT
// Processes that have exited and are still referenced, at the newest moment that shows any, and who
// holds them: what `seep zombies` prints.
#ifndef SEEP_REPORT_ZOMBIES_H
#define SEEP_REPORT_ZOMBIES_H

#include "base/arena.h"
#include "report/look.h"

enum {
    SEEP_ZOMBIES_HIGH_PID = 50000,     // PIDs are reused from the lowest: so many were in use
    SEEP_ZOMBIES_MANY_HANDLES = 10000, // of one process
};

struct seep_zombies_image {
    const char *image; // "" = unknown
    uint64_t n;
};

// Exited processes that one process (or none: those that no handle explains) holds.
struct seep_zombies_group {
    const struct seep_process *process; // NULL = none
    uint64_t n_handles;                 // to them
    uint64_t n_handles_in_all;          // SEEP_UNKNOWN_COUNT = unknown
    size_t n;
    const struct seep_zombies_image *images; // most first
    size_t n_images;
    const uint32_t *pids; // ascending; of those that have one
    size_t n_pids;
};

struct seep_zombies_busy { // a process with many handles
    const struct seep_process *process;
    uint64_t n_handles;
};

enum seep_zombies_suspect {
    SEEP_ZOMBIES_NOBODY = 0,
    SEEP_ZOMBIES_PROCESS,
    SEEP_ZOMBIES_DRIVER,
};

struct seep_zombies_options {
    size_t top; // holders shown; 0 = the writer's default (text: 20, JSON: all)
    bool pids;  // the text lists them (the JSON does always)
    bool color;
};

struct seep_zombies {
    const struct seep_dataset *data;
    const struct seep_judgement *judgement; // NULL = nothing was judged
    struct seep_zombies_options options;
    struct seep_arena arena;
    bool known; // the dataset says which processes are zombies, or that none is
    struct seep_machine_id machine;
    size_t n_other_machines;
    int64_t taken_ns;
    uint64_t n;                         // zombies
    struct seep_zombies_group *holders; // most zombies first
    size_t n_holders;
    struct seep_zombies_group unheld;     // no handle explains them
    uint64_t n_unheld;                    // SEEP_UNKNOWN_COUNT = the handle tables are not known
    uint64_t n_elsewhere;                 // the object counts handles that were not found
    uint64_t commit_bytes;                // an estimate by their number, or what is charged, if
                                          // that is more
    uint64_t charged_bytes;               // what the kernel still charges to them;
                                          // SEEP_UNKNOWN_COUNT = unknown
    uint64_t pid_high;                    // of all processes; SEEP_UNKNOWN_COUNT = unknown
    const struct seep_zombies_busy *busy; // most handles first
    size_t n_busy;
    enum seep_zombies_suspect suspect; // who holds most of them
    const struct seep_finding *worst;  // the gravest about zombies; NULL = none
};

// Makes the document; everything given outlives it. The caller clears it. False when memory is out.
bool seep_zombies_make(const struct seep_dataset *data, const struct seep_judgement *judgement,
                       const struct seep_zombies_options *options, struct seep_zombies *zombies);
void seep_zombies_clear(struct seep_zombies *zombies);

// Write the document of `seep zombies` (docs/schema/zombies.schema.json). False when the output
// failed or memory is out.
bool seep_zombies_json(const struct seep_zombies *zombies, FILE *out);
bool seep_zombies_text(const struct seep_zombies *zombies, FILE *out);

#endif
