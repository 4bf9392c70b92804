// SPDX-License-Identifier: MIT
// Folders and new files: what a store of symbols and a cache need of the system.
//
// Paths are UTF-8. Part of the contract of os.h: files_posix.c, files_win32.c.
#ifndef SEEP_OS_FILES_H
#define SEEP_OS_FILES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct seep_os_file_info {
    uint64_t size_bytes;
    int64_t modified_ns; // since 1970, UTC
    bool folder;
    bool readable; // of a folder: it can be searched by this user
};

// What lies at a path; false and `*info` untouched where nothing does, or it cannot be known.
bool seep_os_file_info(const char *path, struct seep_os_file_info *info);

// Whether the path itself is a link to elsewhere (a symbolic link, a mount point): who goes down a
// tree of folders does not follow such a folder.
bool seep_os_is_link(const char *path);

// Makes the folder and those above it that are missing. One that is there already is no error.
bool seep_os_make_folder(const char *path, struct seep_err *err);

// Finds the entry of `folder` whose name is `name` and puts its path into `*path`. On systems that
// tell ASCII letters of either case apart, an entry that differs only in that is found too, where
// there is none of exactly that name: stores are copied from Windows. False where there is none.
bool seep_os_find_entry(const char *folder, const char *name, struct seep_buf *path);

// Gives `take` the name of each entry of the folder, in no order; `take` returns false to stop.
// False where the folder cannot be read.
bool seep_os_each_entry(const char *folder, bool (*take)(void *ctx, const char *name), void *ctx,
                        struct seep_err *err);

// A file that appears under its name only when it is whole: written beside it under another name,
// then renamed, which replaces what was there. Zeroed = none.
struct seep_os_new_file {
    FILE *file;
    char *path, *temporary;
};

bool seep_os_new_file_begin(const char *path, struct seep_os_new_file *file, struct seep_err *err);
// Ends writing. False where not all of it arrived on disk; nothing is left behind then.
bool seep_os_new_file_keep(struct seep_os_new_file *file, struct seep_err *err);
// Lets go of a file that was begun, not kept; harmless on a zeroed or a kept one.
void seep_os_new_file_drop(struct seep_os_new_file *file);

// Takes a file away, if it is there.
void seep_os_remove(const char *path);

// The folder for what this user's programs may lose, with "seep" at its end: $XDG_CACHE_HOME or
// ~/.cache, %LOCALAPPDATA%. It need not exist. False where the system names none.
bool seep_os_cache_folder(struct seep_buf *path);

// A variable of the environment as UTF-8, NULL where it is not set or empty. The caller frees it.
char *seep_os_environment(const char *name);

// Whether the path is one of this system that starts at a root on this machine ("/srv/x",
// "C:\\x"): neither relative nor on a named server.
bool seep_os_path_is_local(const char *path);

#endif
