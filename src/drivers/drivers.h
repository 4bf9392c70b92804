// SPDX-License-Identifier: MIT
// Who is behind a pool tag: the user's pooltag.txt, a table of the tags of Windows itself, and the
// files of the drivers, scanned for the tag.
#ifndef SEEP_DRIVERS_DRIVERS_H
#define SEEP_DRIVERS_DRIVERS_H

#include "base/err.h"
#include "model/control.h"
#include "model/pool.h"

#include <stdbool.h>
#include <stddef.h>

struct seep_drivers;

struct seep_drivers_options {
    const char *const *pooltags; // files like pooltag.txt, the most trusted first
    size_t n_pooltags;
    const char *const *folders; // of drivers (.sys), looked through with all below
    size_t n_folders;
    const char *cache_path; // what earlier scans found, by file identity; NULL = the user's own,
                            // "" = none
    // NULL, or called with one line about a file that could not be read.
    void (*say)(void *ctx, const char *line);
    void *ctx;
};

// Reads and scans; NULL with `err` when memory is out, a named file or folder cannot be read at
// all, or the user cancels. A file in a folder that is broken is said and left out.
struct seep_drivers *seep_drivers_open(const struct seep_drivers_options *options,
                                       const struct seep_control *control, struct seep_err *err);
void seep_drivers_close(struct seep_drivers *drivers);

// Who is behind a tag (text as seep_pool_tag_text makes it), the likeliest first; NULL when nobody
// is known and there is no description. Valid until seep_drivers_close. `ctx` is the struct
// seep_drivers: it fits struct seep_dataset's `owners`.
const struct seep_tag_owners *seep_drivers_of(void *drivers, const char *tag);

// How many files were scanned, and how many of them were known from an earlier scan.
void seep_drivers_counts(const struct seep_drivers *drivers, size_t *n_files, size_t *n_cached);

#endif
