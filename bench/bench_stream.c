// SPDX-License-Identifier: MIT
// What judging while recording costs: CPU time and memory a look, in a short and in a long
// recording, beside a batch judgement of the same number of series.
//
// bench_stream [PROCESSES...]: 500 and 2,000 by default. Each process has eight series, as on
// Windows; every fourth process is busy and changes three of them at each look, one in a hundred
// leaks. Samples are made up, so this is the judging alone; what the sampling and the file cost is
// in bench_sample.
#include "base/alloc.h"
#include "base/time.h"
#include "detect/stream.h"
#include "os/os.h"
#include "series_gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PER_PROCESS = 8, N_BUSY = 3 };
#define T0 INT64_C(1772366400000000000)

static const enum seep_metric metrics[PER_PROCESS] = {
    SEEP_METRIC_PRIVATE_BYTES, SEEP_METRIC_HANDLES,         SEEP_METRIC_WORKING_SET_BYTES,
    SEEP_METRIC_VIRTUAL_BYTES, SEEP_METRIC_THREADS,         SEEP_METRIC_GDI_OBJECTS,
    SEEP_METRIC_USER_OBJECTS,  SEEP_METRIC_PAGED_POOL_BYTES
};

struct bench {
    struct seep_stream *stream;
    struct seep_sink *sink;
    struct seep_machine_id machine;
    struct seep_series_id (*series)[PER_PROCESS];
    struct gen_random random;
    size_t n_processes;
    uint64_t look;
    unsigned n_alarms;
};

static void on_alarm(void *ctx, const struct seep_stream_alarm *alarm)
{
    ((struct bench *)ctx)->n_alarms += alarm->raised;
}

static bool begin(struct bench *b)
{
    const struct seep_machine machine = { .host = "BENCH", .boot_ns = SEEP_NO_TIME };
    bool ok = seep_sink_machine(b->sink, &machine, &b->machine);
    for (size_t i = 0; ok && i < b->n_processes; i++) {
        struct seep_process p = { .machine = b->machine,
                                  .pid = (uint32_t)i + 4,
                                  .has_pid = true,
                                  .start_ns = T0,
                                  .end_ns = SEEP_NO_TIME,
                                  .image = "process.exe" };
        struct seep_process_id id;
        ok = seep_sink_process(b->sink, &p, &id);
        for (size_t k = 0; ok && k < PER_PROCESS; k++) {
            const struct seep_series series = {
                .subject = { SEEP_SUBJECT_PROCESS, b->machine, id, NULL }, .metric = metrics[k]
            };
            ok = seep_sink_series(b->sink, &series, &b->series[i][k]);
        }
    }
    return ok;
}

static bool look(struct bench *b)
{
    bool ok = seep_sink_tick(b->sink, b->machine, T0 + (int64_t)b->look * 10 * SEEP_NS_PER_S);
    for (size_t i = 0; ok && i < b->n_processes; i++) {
        size_t n = b->look % 180 == 0 ? PER_PROCESS : i % 4 == 0 ? N_BUSY : 0; // the heartbeat
        for (size_t k = 0; k < n; k++) {
            double leaked = i % 100 == 0 && k == 0 ? 8192.0 * (double)b->look : 0;
            double noise = i % 4 == 0 && k < N_BUSY ? gen_normal(&b->random) : 0;
            ok = ok && seep_sink_sample(b->sink, b->series[i][k],
                                        k == 1 ? 500 + (double)(int64_t)(4 * noise)
                                               : 1e8 + leaked + 65536 * noise);
        }
    }
    b->look++;
    seep_stream_look(b->stream);
    return ok;
}

// Looks until `until` of them were made; prints what each of them cost.
static bool run(struct bench *b, uint64_t until)
{
    int64_t worst_ns = 0, first_ns = seep_os_cpu_ns();
    uint64_t from = b->look;
    struct seep_stream_cost before, after;
    seep_stream_cost(b->stream, &before);
    while (b->look < until) {
        int64_t t = seep_os_cpu_ns();
        if (!look(b))
            return false;
        t = seep_os_cpu_ns() - t;
        worst_ns = t > worst_ns ? t : worst_ns;
    }
    int64_t all_ns = seep_os_cpu_ns() - first_ns;
    seep_stream_cost(b->stream, &after);
    (void)printf("%5zu processes, looks %5" PRIu64 "..%5" PRIu64
                 ": %7.3f ms CPU a look, worst %7.1f ms; %3" PRIu64
                 " judgements; %6.1f MB, %5.0f bytes a series; %u alarms\n",
                 b->n_processes, from + 1, until, (double)all_ns / 1e6 / (double)(until - from),
                 (double)worst_ns / 1e6, after.n_judgements - before.n_judgements,
                 (double)after.bytes / 1e6, (double)after.bytes / (double)after.n_series,
                 b->n_alarms);
    return true;
}

static bool measure(size_t n_processes)
{
    static const uint64_t until[] = { 100, 1000, 2000, 9000, 10000 };
    struct bench b = { .n_processes = n_processes, .random = { 1 } };
    const struct seep_stream_options options = { on_alarm, &b };
    b.series = seep_alloc(n_processes, sizeof *b.series);
    bool ok = b.series && seep_stream_open(&b.stream, NULL, &options, NULL);
    if (ok) {
        b.sink = seep_stream_sink(b.stream);
        ok = begin(&b);
    }
    for (size_t i = 0; ok && i < sizeof until / sizeof *until; i++)
        ok = run(&b, until[i]);
    ok = ok && !seep_stream_failed(b.stream);
    seep_stream_close(b.stream);
    seep_free(b.series);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    for (int i = 1; i < argc; i++)
        ok = ok && measure(strtoul(argv[i], NULL, 10));
    if (argc == 1)
        ok = measure(500) && measure(2000);
    if (!ok)
        (void)fprintf(stderr, "bench_stream: out of memory\n");
    return ok ? 0 : 1;
}
