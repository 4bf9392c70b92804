// SPDX-License-Identifier: MIT
// A kernel of 500 processes with 200,000 handles, 5,000 exited processes held by a service and 300
// by a driver, 30 processors: how long pool tags and exited processes take, beside one plain read
// of each entry, header and process that nobody can do without, in the same run.
//
// bench_kernel_objects [PROCESSES [HANDLES-OF-EACH [ZOMBIES]]]
// Budgets: pool tags under 1 s, exited processes under 5 s (page tables, which the yardstick has as
// little as the readers here, are measured by the bench of dumps).
#include "kernel/test_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BY_DRIVER = 300, FILES = 20000, PROCESSORS = 30, TRACKERS = 4096, ROUNDS = 5 };

#define EXITED UINT64_C(133900000000000000)

static const double budget_pool_s = 1, budget_zombies_s = 5;

struct scene {
    struct kit_kernel k;
    uint64_t n_processes, n_handles, n_zombies;
    uint64_t *processes, *tables, *dead;
    uint32_t next_pid;
};

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t add_process(struct scene *s, uint64_t ids, const char *image, uint64_t exited)
{
    s->next_pid += s->next_pid % 1024 == 1020 ? 8 : 4; // no id starts a page of entries
    uint64_t p = kit_process(&s->k, s->next_pid, image, exited);
    kit_entry(&s->k, ids, s->next_pid, p, 0, 0);
    return p;
}

// The handle after `handle`, over what starts a page.
static uint64_t after(uint64_t handle)
{
    return (handle + 4) % 1024 ? handle + 4 : handle + 8;
}

static void build(struct scene *s)
{
    uint64_t n_all = s->n_processes + s->n_zombies + BY_DRIVER;
    size_t pool = (size_t)(n_all * 0xb00 + s->n_processes * s->n_handles * 24 + FILES * 0x110 +
                           s->n_processes * 16384 + (size_t)PROCESSORS * TRACKERS * 0x38 +
                           s->n_zombies * 24 + (8 << 20));
    kit_kernel_init(&s->k, kit_era_named("19041"), pool);
    uint64_t ids = kit_ids(&s->k, 1, n_all * 4 + n_all / 32 + 4096), files[FILES];
    s->processes = calloc(s->n_processes, sizeof *s->processes);
    s->tables = calloc(s->n_processes, sizeof *s->tables);
    s->dead = calloc(s->n_zombies + BY_DRIVER, sizeof *s->dead);
    if (!s->processes || !s->tables || !s->dead)
        abort();
    for (size_t i = 0; i < FILES; i++)
        files[i] = kit_file(&s->k);
    for (uint64_t i = 0; i < s->n_processes; i++) {
        s->processes[i] = add_process(s, ids, "some.exe", 0);
        kit_thread(&s->k, s->processes[i]);
        uint64_t n = s->n_handles + (i == 1 ? s->n_zombies : 0), handle = 4;
        s->tables[i] = kit_table(&s->k, s->processes[i], 1, n + n / 128 + 16, true);
        for (uint64_t h = 0; h < s->n_handles; h++, handle = after(handle))
            kit_open(&s->k, s->tables[i], handle, files[(i * 7919 + h * 31) % FILES], 1, 0);
        for (uint64_t z = 0; i == 1 && z < s->n_zombies; z++, handle = after(handle)) {
            s->dead[z] = add_process(s, ids, "cl.exe", EXITED);
            kit_open(&s->k, s->tables[i], handle, s->dead[z], 0x1fffff, 3);
        }
    }
    for (uint64_t z = 0; z < BY_DRIVER; z++) {
        s->dead[s->n_zombies + z] = add_process(s, ids, "git.exe", EXITED);
        kit_reference(&s->k, s->dead[s->n_zombies + z], 1);
    }
    for (unsigned cpu = 0; cpu < PROCESSORS; cpu++) {
        uint64_t table = kit_trackers(&s->k, TRACKERS);
        for (uint64_t i = 0; i < TRACKERS; i += 2) {
            char tag[5];
            (void)snprintf(tag, sizeof tag, "%04x", (unsigned)i & 0xffff);
            kit_track(&s->k, table, i, &(struct kit_tracked){ tag, 10, 2, 800, 3, 1, 64 });
        }
        kit_set_processor_table(&s->k, cpu, table);
        if (cpu == 0)
            kit_set_pool_table(&s->k, table, TRACKERS);
    }
}

static volatile uint64_t kept; // so that what is read is read

// Every entry of every table, the header it points to, every process: read once, nothing kept.
static double plain_handles(struct scene *s)
{
    const struct seep_memory *m = s->k.kernel.memory;
    uint64_t keep = 0;
    double t = now_s();
    for (uint64_t i = 0; i < s->n_processes; i++) {
        uint64_t n = s->n_handles + (i == 1 ? s->n_zombies : 0), handle = 4, at = 0, low, value;
        for (uint64_t h = 0; h < n; h++, handle = after(handle)) {
            at = h == 0 || handle % 1024 == 4 ? kit_entry_address(&s->k, s->tables[i], handle)
                                              : at + 16;
            if (!seep_memory_u64(m, at, &low) ||
                !seep_memory_u64(m, low >> 20 << 4 | UINT64_C(0xffff) << 48, &value))
                abort();
            keep += value;
        }
        if (!seep_memory_u64(m, s->processes[i], &value))
            abort();
        keep += value;
    }
    for (uint64_t z = 0; z < s->n_zombies + BY_DRIVER; z++) {
        uint64_t value = 0;
        if (!seep_memory_u64(m, s->dead[z], &value))
            abort();
        keep += value;
    }
    kept = keep;
    return now_s() - t;
}

static double plain_pool(struct scene *s)
{
    uint64_t keep = 0;
    double t = now_s();
    for (unsigned cpu = 0; cpu < PROCESSORS; cpu++) {
        uint64_t table = 0, value;
        if (!seep_memory_u64(s->k.kernel.memory, s->k.kernel.symbols.pool_tag_tables + cpu * 8,
                             &table))
            abort();
        for (uint64_t i = 0; i < TRACKERS * 7; i++) {
            if (!seep_memory_u64(s->k.kernel.memory, table + i * 8, &value))
                abort();
            keep += value;
        }
    }
    kept = keep;
    return now_s() - t;
}

static bool on_tag(void *ctx, const struct seep_kernel_tag *tag)
{
    (void)tag;
    ++*(uint64_t *)ctx;
    return true;
}

static double read_pool(struct scene *s, uint64_t *n)
{
    struct seep_kernel_gaps gaps = { 0 };
    double t = now_s();
    *n = 0;
    if (!seep_kernel_each_tag(&s->k.kernel, on_tag, n, &gaps, NULL) || gaps.n_bad)
        abort();
    return now_s() - t;
}

static double read_zombies(struct scene *s, uint64_t *n_held, uint64_t *n_driver)
{
    struct seep_kernel_zombies z = { 0 };
    struct seep_kernel_gaps gaps = { 0 };
    double t = now_s();
    if (!seep_kernel_read_zombies(&s->k.kernel, &z, &gaps, NULL) || gaps.n_bad)
        abort();
    t = now_s() - t;
    *n_held = z.n_holds;
    *n_driver = 0;
    for (size_t i = 0; i < z.processes.n; i++)
        *n_driver += seep_kernel_is_zombie(&z.processes.at[i]) && z.held[i].n_unexplained > 0;
    seep_kernel_zombies_clear(&z);
    return t;
}

int main(int argc, char **argv)
{
    struct scene s = { .n_processes = 500, .n_handles = 400, .n_zombies = 5000 };
    if (argc > 1)
        s.n_processes = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        s.n_handles = strtoull(argv[2], NULL, 10);
    if (argc > 3)
        s.n_zombies = strtoull(argv[3], NULL, 10);
    if (s.n_processes < 2)
        return 2;
    build(&s);
    double pool = 1e9, pool_plain = 1e9, zombies = 1e9, plain = 1e9;
    uint64_t n_tags = 0, n_held = 0, n_driver = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double t = plain_pool(&s);
        pool_plain = t < pool_plain ? t : pool_plain;
        t = read_pool(&s, &n_tags);
        pool = t < pool ? t : pool;
        t = plain_handles(&s);
        plain = t < plain ? t : plain;
        t = read_zombies(&s, &n_held, &n_driver);
        zombies = t < zombies ? t : zombies;
    }
    (void)printf("%d processors x %d trackers: %" PRIu64 " tags and pools\n", PROCESSORS, TRACKERS,
                 n_tags);
    (void)printf("  pool tags         %8.2f ms, %.2f times a plain read (%.2f ms), budget %.0f s\n",
                 pool * 1e3, pool / pool_plain, pool_plain * 1e3, budget_pool_s);
    (void)printf("%" PRIu64 " processes, %" PRIu64 " handles, %" PRIu64 " exited: %" PRIu64
                 " held by handles, %" PRIu64 " by the kernel\n",
                 s.n_processes, s.n_processes * s.n_handles + s.n_zombies, s.n_zombies + BY_DRIVER,
                 n_held, n_driver);
    (void)printf("  exited processes  %8.2f ms, %.2f times a plain read (%.2f ms), budget %.0f s\n",
                 zombies * 1e3, zombies / plain, plain * 1e3, budget_zombies_s);
    bool right = n_held == s.n_zombies && n_driver == BY_DRIVER;
    kit_kernel_clear(&s.k);
    free(s.processes);
    free(s.tables);
    free(s.dead);
    return right && pool < budget_pool_s && zombies < budget_zombies_s ? 0 : 1;
}
