// SPDX-License-Identifier: MIT
// What the specimens share on every system.
#include "specimen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 20 };

static void usage(const char *name)
{
    (void)fprintf(stderr, "usage: %s [--seconds N] [--rate N] [--delay N]\n", name);
    exit(2);
}

void specimen_start(struct specimen *s, int argc, char **argv, const char *name, double rate)
{
    *s = (struct specimen){ .name = name, .seconds = 30, .rate = rate, .random = 2463534242 };
    if (argc == 2 && strcmp(argv[1], "--child") == 0)
        exit(0);
    for (int i = 1; i < argc; i += 2) {
        char *end = NULL;
        double number = i + 1 < argc ? strtod(argv[i + 1], &end) : -1;
        if (!end || *end || !(number >= 0))
            usage(name);
        if (strcmp(argv[i], "--seconds") == 0)
            s->seconds = number < SPECIMEN_MAX_SECONDS ? number : SPECIMEN_MAX_SECONDS;
        else if (strcmp(argv[i], "--rate") == 0)
            s->rate = number;
        else if (strcmp(argv[i], "--delay") == 0)
            s->delay_s = number;
        else
            usage(name);
    }
    s->started_s = specimen_now_s();
    (void)puts("ready");
    (void)fflush(stdout);
}

bool specimen_goes_on(struct specimen *s)
{
    specimen_sleep_ms(STEP_MS);
    return specimen_now_s() - s->started_s < s->seconds;
}

double specimen_active_s(const struct specimen *s)
{
    double active = specimen_now_s() - s->started_s - s->delay_s;
    return active > 0 ? active : 0;
}

uint64_t specimen_due(const struct specimen *s, uint64_t cap)
{
    double due = s->rate * specimen_active_s(s);
    return due < (double)cap ? (uint64_t)due : cap;
}

void specimen_hold(struct specimen *s, size_t n)
{
    if (n > SPECIMEN_MAX_CHUNKS)
        n = SPECIMEN_MAX_CHUNKS;
    while (s->n_chunks > n)
        specimen_release(s->chunks[--s->n_chunks], SPECIMEN_CHUNK_BYTES);
    while (s->n_chunks < n) {
        void *chunk = specimen_commit(SPECIMEN_CHUNK_BYTES);
        if (!chunk)
            return;
        memset(chunk, 0x5e, SPECIMEN_CHUNK_BYTES);
        s->chunks[s->n_chunks++] = chunk;
    }
}

uint32_t specimen_random(struct specimen *s, uint32_t n)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random % n;
}

int specimen_end(const struct specimen *s)
{
    (void)printf("%s: done\n", s->name);
    return fflush(stdout) == 0 ? 0 : 1;
}
