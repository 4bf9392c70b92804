// SPDX-License-Identifier: MIT
// What the specimens share: programs that leak (or do not) in one known way.
//
// Each takes `--seconds N` (ends by itself, 30 by default), `--rate N` (what it leaks a second, in
// its own unit) and `--delay N` (seconds before it begins), prints "ready" when it starts and a
// line that ends in "done" when it ends. Caps keep every one of them harmless.
#ifndef SEEP_TESTS_SPECIMEN_H
#define SEEP_TESTS_SPECIMEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPECIMEN_CHUNK_BYTES = 65536, // what memory is taken and given back in
    SPECIMEN_MAX_CHUNKS = 4800,   // 300 MB
    SPECIMEN_MAX_HANDLES = 20000,
    SPECIMEN_MAX_THREADS = 200,
    SPECIMEN_MAX_ZOMBIES = 200,
    SPECIMEN_MAX_SECONDS = 3600,
};
#define SPECIMEN_MAX_RESERVED ((uint64_t)4 << 30)

struct specimen {
    const char *name;
    double seconds, rate, delay_s; // from the command line
    double started_s;
    uint32_t random;
    void *chunks[SPECIMEN_MAX_CHUNKS];
    size_t n_chunks;
};

// Reads the options; ends the program (status 2) where they are wrong. `rate` is the default.
void specimen_start(struct specimen *s, int argc, char **argv, const char *name, double rate);

// Sleeps a little. False when the time is over.
bool specimen_goes_on(struct specimen *s);

// Seconds since the delay was over; 0 before.
double specimen_active_s(const struct specimen *s);

// How much should have leaked by now: rate x time, at most `cap`.
uint64_t specimen_due(const struct specimen *s, uint64_t cap);

// Takes touched private memory, or gives it back, until there are `n` chunks of it.
void specimen_hold(struct specimen *s, size_t n);

// A number below `n`, the same sequence in every run.
uint32_t specimen_random(struct specimen *s, uint32_t n);

// Prints the completion marker and returns the exit status.
int specimen_end(const struct specimen *s);

// The system's part. What fails returns NULL or false.
void *specimen_commit(size_t size_bytes); // untouched
void specimen_release(void *memory, size_t size_bytes);
bool specimen_reserve(size_t size_bytes); // address space only, never given back
bool specimen_leak_handle(void);
bool specimen_leak_thread(void);
bool specimen_leak_zombie(void); // may start this program with the single argument "--child"
double specimen_now_s(void);
void specimen_sleep_ms(unsigned ms);

#endif
