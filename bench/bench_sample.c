// SPDX-License-Identifier: MIT
// What a sample of the live machine costs: CPU time with many sleeping processes.
//
// bench_sample [PROCESSES [SAMPLES]]: 500 and 100 by default. The yardstick, where there is /proc,
// is what a simple program does: open, read and close stat, statm and status of each process.
#include "base/alloc.h"
#include "case/case.h"
#include "detect/stream.h"
#include "model/sink.h"
#include "os/os.h"
#include "os/sample.h"
#include "source/live/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_PROCESSES = 500, N_SAMPLES = 100, MAX_PROCESSES = 20000, BUDGET_MS = 5 };
#define CASE_NAME "bench_sample.seep" // in the current folder, removed at the end

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

// What is measured: the sampler alone, and as `seep record` uses it, down to the file.
struct bench {
    struct seep_os_sampler *sampler;
    struct seep_case *c;
    struct seep_sink *sink;
    struct seep_stream *stream;
    struct seep_live *live;
    struct seep_os_sample sample;
    int64_t sampler_ns, record_ns, judge_ns, simple_ns;
};

static bool start(struct bench *b, struct seep_err *err)
{
    const struct seep_live_options options = { .heartbeat_ns = INT64_C(600000000000) };
    (void)remove(CASE_NAME);
    // The first samples open files and announce everything: they are not measured.
    return seep_os_sampler_open(&b->sampler, err) &&
           seep_os_sampler_take(b->sampler, &b->sample, err) &&
           seep_case_open(CASE_NAME, SEEP_CASE_WRITE, &b->c, err) &&
           seep_case_begin_source(b->c, "live", seep_os_live_name(), 0, SEEP_CASE_RECORDING,
                                  &b->sink, err) &&
           seep_stream_open(&b->stream, b->sink, NULL, err) &&
           seep_live_open(&b->live, &options, seep_stream_sink(b->stream), err) &&
           seep_live_take(b->live, err) && seep_case_commit(b->c, err);
}

static bool measure_once(struct bench *b, struct seep_err *err)
{
    int64_t t0 = seep_os_cpu_ns();
    if (!seep_os_sampler_take(b->sampler, &b->sample, err))
        return false;
    int64_t t1 = seep_os_cpu_ns();
    if (!seep_live_take(b->live, err) || !seep_case_commit(b->c, err))
        return false;
    int64_t t2 = seep_os_cpu_ns();
    seep_stream_look(b->stream);
    int64_t t3 = seep_os_cpu_ns();
    b->sampler_ns += t1 - t0;
    b->record_ns += t3 - t1;
    b->judge_ns += t3 - t2;
    b->simple_ns += yardstick_ns(&b->sample);
    return true;
}

static int tell(const struct bench *b, size_t n_samples, uint64_t n_points)
{
    double record_ms = ms(b->record_ns, n_samples);
    double for_500_ms = record_ms * N_PROCESSES / (double)b->sample.n_processes;
    (void)printf("processes %zu, tags %zu, points a sample %.1f\n", b->sample.n_processes,
                 b->sample.n_tags, (double)n_points / (double)n_samples);
    (void)printf("sampler   %.3f ms CPU a sample\n", ms(b->sampler_ns, n_samples));
    (void)printf("record    %.3f ms CPU a sample with storage and judging (%.3f ms for 500 "
                 "processes), %.3f ms of it to judge\n",
                 record_ms, for_500_ms, ms(b->judge_ns, n_samples));
    if (b->simple_ns)
        (void)printf("yardstick %.3f ms CPU: open, read, close stat, statm, status\n"
                     "ratio     %.2f (record / yardstick)\n",
                     ms(b->simple_ns, n_samples), (double)b->record_ns / (double)b->simple_ns);
    bool within = for_500_ms <= BUDGET_MS;
    (void)printf("budget    %d ms: %s\n", BUDGET_MS, within ? "kept" : "EXCEEDED");
    return within ? 0 : 1;
}

static int measure(size_t n_samples)
{
    struct bench b = { 0 };
    struct seep_err err = { 0 };
    bool ok = start(&b, &err);
    uint64_t first = ok ? b.sink->counts[SEEP_FACT_SAMPLE] : 0;
    for (size_t i = 0; ok && i < n_samples; i++)
        ok = measure_once(&b, &err);
    int status = 1;
    if (ok)
        status = tell(&b, n_samples, b.sink->counts[SEEP_FACT_SAMPLE] - first);
    else
        (void)fprintf(stderr, "bench_sample: %s\n", err.what);
    seep_live_close(b.live);
    seep_stream_close(b.stream);
    seep_case_close(b.c);
    seep_os_sampler_close(b.sampler);
    (void)remove(CASE_NAME);
    return status;
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
    char *const child_argv[] = { argv[0], (char *)"--sleep", (char *)"30", NULL };
    for (size_t i = 0; children && i < n; i++) {
        if (!seep_os_spawn(child_argv, &children[i], &err)) {
            (void)fprintf(stderr, "bench_sample: %s\n", err.what);
            return 1;
        }
    }
    // Their start is over before anything is measured.
    seep_os_sleep_until(seep_os_monotonic_ns() + 2000000000, NULL);
    int status = children ? measure(n_samples) : 1;
    for (size_t i = 0; children && i < n; i++)
        seep_os_child_release(&children[i]);
    seep_free(children);
    return status;
}
