// SPDX-License-Identifier: MIT
// How fast a PDH-CSV log is read, against md5sum of the same file in the same run, and how much
// memory that takes.
//
// usage: bench_pdh_csv FILE [RUNS]; the file comes from src/source/pdh-csv/synth.py --bench. Prints
// the best of RUNS (default 5) of each, their ratio and the peak resident memory of the reader.
#include "os/os.h"
#include "source/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double seconds_of(int64_t since_ns)
{
    return (double)(seep_os_monotonic_ns() - since_ns) * 1e-9;
}

// Returns the time in seconds, below 0 on failure.
static double run_md5sum(const char *path)
{
    char command[4096];
    if (strchr(path, '\''))
        return -1;
    (void)snprintf(command, sizeof command, "md5sum '%s' > /dev/null", path);
    int64_t start = seep_os_monotonic_ns();
    return system(command) == 0 ? seconds_of(start) : -1;
}

static double run_reader(const char *path, uint64_t *n_samples, uint64_t *size)
{
    static const struct seep_sink_ops nothing = { 0 };
    struct seep_sink sink = { .ops = &nothing };
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    int64_t start = seep_os_monotonic_ns();
    if (!seep_os_map(path, &map, &err))
        return -1;
    struct seep_input input = { .path = path, .view = map.view, .map = &map };
    const struct seep_source *source = seep_source_named("pdh-csv");
    enum seep_status status = source->read(&input, &sink, NULL, &read_bytes, &err);
    *n_samples = sink.counts[SEEP_FACT_SAMPLE];
    *size = read_bytes;
    seep_os_unmap(&map);
    return status == SEEP_OK ? seconds_of(start) : -1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_pdh_csv FILE [RUNS]\n");
        return 2;
    }
    long runs = argc > 2 ? strtol(argv[2], NULL, 10) : 5;
    double md5 = 1e9, reader = 1e9;
    uint64_t n_samples = 0, size = 0;
    for (long i = 0; i < runs; i++) {
        double m = run_md5sum(argv[1]), r = run_reader(argv[1], &n_samples, &size);
        if (m < 0 || r < 0) {
            (void)fprintf(stderr, "bench_pdh_csv: %s could not be read\n", argv[1]);
            return 1;
        }
        md5 = m < md5 ? m : md5;
        reader = r < reader ? r : reader;
    }
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("%" PRIu64 " bytes, %" PRIu64 " samples\n", size, n_samples);
    printf("md5sum  %8.3f s  %8.1f MB/s\n", md5, (double)size / md5 * 1e-6);
    printf("pdh-csv %8.3f s  %8.1f MB/s  %5.1f ns a sample\n", reader, (double)size / reader * 1e-6,
           reader / (double)n_samples * 1e9);
    printf("ratio   %8.2f (time of pdh-csv / md5sum)\n", reader / md5);
    printf("memory  %8.1f MB peak\n", (double)usage.ru_maxrss / 1024);
    return 0;
}
