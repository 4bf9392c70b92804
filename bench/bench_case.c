// SPDX-License-Identifier: MIT
// What keeping costs: a day of recording 500 processes at 60 s, and an import, each beside plain
// writes of the same points.
//
//   bench_case [FILE]      (default bench-case.seep in the current folder; removed at the end)
#include "base/time.h"
#include "case/case.h"
#include "os/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_PROCESSES = 500, N_METRICS = 8, N_SERIES = N_PROCESSES * N_METRICS, DAY_SAMPLES = 1440 };

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "bench_case: %s\n", what);
    exit(1);
}

static long file_size(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    return size;
}

static struct seep_machine_id announce(struct seep_sink *sink, struct seep_series_id *ids, int n)
{
    struct seep_machine m = { .host = "BENCH", .os = "Windows", .boot_ns = SEEP_NO_TIME };
    struct seep_machine_id mid;
    if (!seep_sink_machine(sink, &m, &mid))
        give_up("no machine");
    for (int i = 0; i < n; i++) {
        struct seep_process p = { .machine = mid,
                                  .pid = (uint32_t)(4 * (i / N_METRICS + 1)),
                                  .has_pid = true,
                                  .start_ns = i / N_METRICS * 10 * SEEP_NS_PER_S,
                                  .end_ns = SEEP_NO_TIME,
                                  .image = "svchost.exe" };
        struct seep_process_id pid;
        char counter[32];
        (void)snprintf(counter, sizeof counter, "field %d", i % N_METRICS);
        if (!seep_sink_process(sink, &p, &pid))
            give_up("no process");
        struct seep_series s = {
            .subject = { .kind = SEEP_SUBJECT_PROCESS, .machine = mid, .process = pid },
            .metric = (enum seep_metric)(1 + i % N_METRICS),
            .counter = counter
        };
        if (!seep_sink_series(sink, &s, &ids[i]))
            give_up("no series");
    }
    return mid;
}

// A day at 60 s in which `percent` of the numbers change from sample to sample. What the live
// source does (store on change, a heartbeat every 30 samples) is done here by hand, so that the
// share is known.
static void record_a_day(const char *path, int percent)
{
    struct seep_case *c = NULL;
    struct seep_sink *sink = NULL;
    struct seep_err err = { 0 };
    static struct seep_series_id ids[N_SERIES];
    static double values[N_SERIES];
    static int stored[N_SERIES];
    (void)remove(path);
    if (!seep_case_open(path, SEEP_CASE_WRITE, &c, &err) ||
        !seep_case_begin_source(c, "live", "live-windows", 0, SEEP_CASE_RECORDING, &sink, &err))
        give_up(err.what);
    struct seep_machine_id mid = announce(sink, ids, N_SERIES);
    for (int i = 0; i < N_SERIES; i++) {
        values[i] = (double)(random_next() % 50000) * 4096;
        stored[i] = -1000;
    }
    uint64_t n_points = 0;
    int64_t cpu = seep_os_cpu_ns();
    for (int t = 0; t < DAY_SAMPLES; t++) {
        if (!seep_sink_tick(sink, mid, t * 60 * SEEP_NS_PER_S))
            give_up(sink->error.what);
        for (int i = 0; i < N_SERIES; i++) {
            bool changes = (int)(random_next() % 100) < percent;
            if (changes)
                values[i] += (double)((int64_t)(random_next() % 64) - 31) * 4096;
            if (!changes && t - stored[i] < 30)
                continue;
            stored[i] = t;
            n_points++;
            if (!seep_sink_sample(sink, ids[i], values[i]))
                give_up(sink->error.what);
        }
        if (!seep_case_commit(c, &err))
            give_up(err.what);
    }
    cpu = seep_os_cpu_ns() - cpu;
    if (!seep_case_end_source(c, SEEP_OK, 0, &err))
        give_up(err.what);
    seep_case_close(c);
    double bytes = (double)file_size(path);
    printf("record  %2d %% of 4000 numbers change: %5.1f MB a day (budget 15), %.2f ms CPU a "
           "sample (budget 5), "
           "%.2f times 16-byte points\n",
           percent, bytes / 1e6, (double)cpu / 1e6 / DAY_SAMPLES,
           bytes / (16.0 * (double)n_points));
    (void)remove(path);
}

static void import(const char *path)
{
    enum { IMPORT_TICKS = 1000 };
    struct seep_case *c = NULL;
    struct seep_sink *sink = NULL;
    struct seep_err err = { 0 };
    static struct seep_series_id ids[N_SERIES];
    if (!seep_case_open(NULL, SEEP_CASE_TEMPORARY, &c, &err) ||
        !seep_case_begin_source(c, "x", "blg", 0, SEEP_CASE_IMPORT, &sink, &err))
        give_up(err.what);
    struct seep_machine_id mid = announce(sink, ids, N_SERIES);
    double n_points = (double)N_SERIES * IMPORT_TICKS;
    int64_t start = seep_os_monotonic_ns();
    for (int t = 0; t < IMPORT_TICKS; t++) {
        if (!seep_sink_tick(sink, mid, t * SEEP_NS_PER_S))
            give_up(sink->error.what);
        for (int i = 0; i < N_SERIES; i++) {
            if (!seep_sink_sample(sink, ids[i], (double)(1000000 + 4096 * (i + t))))
                give_up(sink->error.what);
        }
    }
    if (!seep_case_end_source(c, SEEP_OK, 0, &err))
        give_up(err.what);
    double store_s = (double)(seep_os_monotonic_ns() - start) / 1e9;

    struct seep_dataset data;
    struct seep_points points = { 0 };
    start = seep_os_monotonic_ns();
    if (!seep_case_dataset(c, &data, &err))
        give_up(err.what);
    for (size_t i = 0; i < data.n_series; i++) {
        if (!data.points(data.ctx, i, &points, &err) || points.count != IMPORT_TICKS)
            give_up("points are missing");
    }
    double load_s = (double)(seep_os_monotonic_ns() - start) / 1e9;
    seep_points_clear(&points);
    seep_case_close(c);

    FILE *plain = fopen(path, "wb");
    start = seep_os_monotonic_ns();
    for (int t = 0; plain && t < IMPORT_TICKS; t++) {
        for (int i = 0; i < N_SERIES; i++) {
            double row[2] = { t, 1000000 + 4096 * (i + t) };
            (void)fwrite(row, sizeof row, 1, plain);
        }
    }
    if (!plain || fclose(plain) != 0)
        give_up("no file");
    double plain_s = (double)(seep_os_monotonic_ns() - start) / 1e9;
    (void)remove(path);
    printf(
        "import  %.1f M points/s, load %.1f M points/s; plain fwrite of 16-byte points %.1f M/s: "
        "import takes %.2f times that\n",
        n_points / store_s / 1e6, n_points / load_s / 1e6, n_points / plain_s / 1e6,
        store_s / plain_s);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "bench-case.seep";
    record_a_day(path, 0);
    record_a_day(path, 5);
    record_a_day(path, 10);
    record_a_day(path, 25);
    import(path);
    return 0;
}
