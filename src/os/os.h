// SPDX-License-Identifier: MIT
// The one contract with the operating system: files, clocks, the console. Sampling processes is in
// os/sample.h.
//
// Paths are UTF-8 on every system. One file implements this for each: os_posix.c, os_win32.c.
#ifndef SEEP_OS_OS_H
#define SEEP_OS_OS_H

#include "base/bytes.h"
#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// A file mapped for reading. Zeroed = nothing is mapped.
struct seep_os_map {
    struct seep_bytes view;
    int64_t modified_ns; // when the file was last written, in ns since 1970 (UTC)
    void *handle;        // for the implementation
};

// Maps a regular file. An empty file gives an empty view. Directories, pipes and devices are
// refused at once.
bool seep_os_map(const char *path, struct seep_os_map *map, struct seep_err *err);
void seep_os_unmap(struct seep_os_map *map);

// Lets the system take back the memory of the bytes before `offset`: the caller will not soon read
// them again (they stay readable). So a reader that goes through a file once needs no more memory
// for a longer file.
void seep_os_map_done(const struct seep_os_map *map, size_t offset);

// Says that the bytes from `offset` on will be read here and there: the system then does not read
// ahead, which is most of what a few looks into a large file cost. `scattered` false takes it back.
void seep_os_map_scattered(const struct seep_os_map *map, size_t offset, bool scattered);

// Lets the system take back the memory of everything read so far, wherever; it stays readable.
void seep_os_map_release(const struct seep_os_map *map);

// Wall clock in ns since 1970 (UTC) and a monotonic clock in ns since some start.
int64_t seep_os_now_ns(void);
int64_t seep_os_monotonic_ns(void);

// CPU time that this process has used, in ns (user and kernel).
int64_t seep_os_cpu_ns(void);

// Sleeps until the monotonic clock shows `until_ns` or `*wake` becomes nonzero (NULL = never);
// looks at least ten times a second.
void seep_os_sleep_until(int64_t until_ns, const volatile sig_atomic_t *wake);

// Makes Ctrl-C (and on POSIX SIGTERM and SIGHUP) set the flag instead of ending the process; a
// second Ctrl-C ends it.
volatile sig_atomic_t *seep_os_catch_interrupt(void);

// Whether a stream (1 = stdout, 2 = stderr) is a terminal.
bool seep_os_is_terminal(int stream);

// Prepares the console and the standard streams: UTF-8 output, no newline translation.
void seep_os_console_init(void);

// The arguments of the process as UTF-8. On POSIX these are `argc` and `argv` themselves.
bool seep_os_arguments(int argc, char **argv, int *utf8_argc, char ***utf8_argv);

// Gives `take` each file that an argument means; it returns false to stop, and so does this
// function then. On Windows, whose shells leave `*` and `?` to the program, these are the files
// that match the last part of the path; where none does, and on POSIX, it is `argument` itself.
bool seep_os_each_file(const char *argument, bool (*take)(void *ctx, const char *path), void *ctx);

// Opens a file for writing, replacing what was there; NULL with the error set.
FILE *seep_os_create(const char *path, struct seep_err *err);

// Whether two paths name one and the same file; false when one of them is not there.
bool seep_os_same_file(const char *a, const char *b);

// A child process that `seep record -- CMD` watches. Zero it; `output_to_stderr` may be set before
// the start.
struct seep_os_child {
    bool output_to_stderr; // its standard output goes where standard error goes
    uint32_t pid;
    void *handle;
};

// Starts `argv` (NULL-terminated) with this process's standard streams. What this process has
// printed so far is flushed first.
bool seep_os_spawn(char *const *argv, struct seep_os_child *child, struct seep_err *err);

// Whether the child has ended; its exit status then (128 + signal on POSIX).
bool seep_os_child_ended(struct seep_os_child *child, int *status);

// Lets go of the child without ending it.
void seep_os_child_release(struct seep_os_child *child);

#endif
