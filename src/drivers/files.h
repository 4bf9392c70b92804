// SPDX-License-Identifier: MIT
// The files of drivers below some folders: what each of them shows, from the file or from what an
// earlier run found in it.
#ifndef SEEP_DRIVERS_FILES_H
#define SEEP_DRIVERS_FILES_H

#include "drivers/drivers.h"
#include "drivers/scan.h"

struct seep_driver_file {
    char *path;       // owned
    const char *name; // the last part of `path`
    uint64_t size_bytes;
    int64_t modified_ns;
    uint32_t timestamp, image_bytes, checksum; // of its header
    uint64_t image_base;
    char version[SEEP_PE_VERSION]; // "" = unknown, as the next two
    char company[128], signer[128];
    struct seep_scan scan;
    bool read, cached;
    char *complaint; // owned; NULL, or why it could not be read
};

struct seep_driver_files {
    struct seep_driver_file *at; // by path
    size_t n, capacity;
    size_t n_cached;
};

// Finds the files in the folders and all below them (a link to a folder is not followed), and reads
// each. False with `err` when a folder cannot be listed, memory is out, or the user cancels.
bool seep_driver_files_read(struct seep_driver_files *files,
                            const struct seep_drivers_options *options,
                            const struct seep_control *control, struct seep_err *err);
void seep_driver_files_clear(struct seep_driver_files *files);

// What earlier runs found, by the identity of files: name, size, time of change, and what the
// header says. Zeroed = none.
struct seep_driver_cache {
    struct seep_os_map *map;
    struct seep_bytes records;
    uint32_t *slots; // open addressing by identity; 0 = free, otherwise 1 + offset of a record
    size_t n_slots;
};

// A cache that is not there, of another version or damaged is an empty one. False only when memory
// is out.
bool seep_driver_cache_open(struct seep_driver_cache *cache, const char *path);
// Fills what was found in the file whose identity is in `*file`; false where nothing is known.
bool seep_driver_cache_find(const struct seep_driver_cache *cache, struct seep_driver_file *file);
// Writes what is known of `files`, and what `cache` has besides, and closes it; failing is
// harmless.
void seep_driver_cache_keep(struct seep_driver_cache *cache, const char *path,
                            const struct seep_driver_files *files);
void seep_driver_cache_close(struct seep_driver_cache *cache);

#endif
