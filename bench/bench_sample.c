// SPDX-License-Identifier: MIT
// What a sample of the live machine costs: CPU time with many sleeping processes.
//
// bench_sample [PROCESSES [SAMPLES]]: 500 and 100 by default. The yardstick, where there is /proc,
// is what a simple program does: open, read and close stat, statm and status of each process and
// list its file descriptors' folder.
#include "base/alloc.h"
#include "model/sink.h"
#include "os/os.h"
#include "os/sample.h"
#include "source/live/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_PROCESSES = 500, N_SAMPLES = 100, MAX_PROCESSES = 20000, BUDGET_MS = 5 };

static uint64_t n_points;

static bool count_point(struct seep_sink *sink, struct seep_series_id series, double value)
{
    (void)sink;
    (void)series;
    (void)value;
    n_points++;
    return true;
}

static bool read_whole(const char *path)
{
    char room[4096];
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    while (fread(room, 1, sizeof room, file) == sizeof room)
        ;
    fclose(file);
    return true;
}

// CPU time in ns of reading the processes of one sample in the simple way; 0 without /proc.
static int64_t yardstick_ns(const struct seep_os_sample *sample)
{
    static const char *const names[] = { "stat", "statm", "status" };
    int64_t start_ns = seep_os_cpu_ns();
    for (size_t i = 0; i < sample->n_processes; i++) {
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            char path[64];
            (void)snprintf(path, sizeof path, "/proc/%" PRIu32 "/%s", sample->processes[i].pid,
                           names[k]);
            if (!read_whole(path) && i == 0)
                return 0;
        }
    }
    return seep_os_cpu_ns() - start_ns;
}

static double ms(int64_t ns, size_t n)
{
    return (double)ns / 1e6 / (double)n;
}

static int measure(size_t n_samples)
{
    static const struct seep_sink_ops ops = { .sample = count_point };
    const struct seep_live_options options = { .heartbeat_ns = INT64_C(600000000000) };
    struct seep_sink sink = { .ops = &ops };
    struct seep_err err = { 0 };
    struct seep_os_sampler *sampler;
    struct seep_os_sample sample;
    struct seep_live *live;
    if (!seep_os_sampler_open(&sampler, &err) || !seep_os_sampler_take(sampler, &sample, &err) ||
        !seep_live_open(&live, &options, &sink, &err) || !seep_live_take(live, &err)) {
        (void)fprintf(stderr, "bench_sample: %s\n", err.what);
        return 1;
    }
    int64_t simple_ns = 0, sampler_ns = 0, live_ns = 0;
    n_points = 0;
    for (size_t i = 0; i < n_samples; i++) {
        int64_t t0 = seep_os_cpu_ns();
        bool ok = seep_os_sampler_take(sampler, &sample, &err);
        int64_t t1 = seep_os_cpu_ns();
        ok = ok && seep_live_take(live, &err);
        int64_t t2 = seep_os_cpu_ns();
        if (!ok) {
            (void)fprintf(stderr, "bench_sample: %s\n", err.what);
            return 1;
        }
        sampler_ns += t1 - t0;
        live_ns += t2 - t1;
        simple_ns += yardstick_ns(&sample);
    }
    double live_ms = ms(live_ns, n_samples);
    (void)printf("processes %zu, tags %zu, points a sample %.1f\n", sample.n_processes,
                 sample.n_tags, (double)n_points / (double)n_samples);
    (void)printf("sampler   %.3f ms CPU a sample\n", ms(sampler_ns, n_samples));
    (void)printf("live      %.3f ms CPU a sample, sampler included (%.3f ms for 500 processes)\n",
                 live_ms, live_ms * N_PROCESSES / (double)sample.n_processes);
    if (simple_ns)
        (void)printf("yardstick %.3f ms CPU: open, read, close stat, statm, status\n"
                     "ratio     %.2f (live / yardstick)\n",
                     ms(simple_ns, n_samples), (double)live_ns / (double)simple_ns);
    bool within = live_ms * N_PROCESSES / (double)sample.n_processes <= BUDGET_MS;
    (void)printf("budget    %d ms: %s\n", BUDGET_MS, within ? "kept" : "EXCEEDED");
    seep_live_close(live);
    seep_os_sampler_close(sampler);
    return within ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (!seep_os_arguments(argc, argv, &argc, &argv))
        return 1;
    if (argc == 3 && strcmp(argv[1], "--sleep") == 0) {
        int64_t seconds = strtol(argv[2], NULL, 10);
        seep_os_sleep_until(seep_os_monotonic_ns() + seconds * 1000000000, NULL);
        return 0;
    }
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : N_PROCESSES;
    size_t n_samples = argc > 2 ? strtoul(argv[2], NULL, 10) : N_SAMPLES;
    if (n > MAX_PROCESSES || !n_samples) {
        (void)fprintf(stderr, "usage: bench_sample [PROCESSES [SAMPLES]]\n");
        return 2;
    }
    struct seep_os_child *children = seep_alloc(n ? n : 1, sizeof *children);
    struct seep_err err = { 0 };
    char *const child_argv[] = { argv[0], (char *)"--sleep", (char *)"20", NULL };
    for (size_t i = 0; children && i < n; i++) {
        if (!seep_os_spawn(child_argv, &children[i], &err)) {
            (void)fprintf(stderr, "bench_sample: %s\n", err.what);
            return 1;
        }
    }
    int status = children ? measure(n_samples) : 1;
    for (size_t i = 0; children && i < n; i++)
        seep_os_child_release(&children[i]);
    seep_free(children);
    return status;
}
