// SPDX-License-Identifier: MIT
// How long one trace takes to read, into a sink that keeps nothing.
//
// bench_etl TRACE [RUNS]: prints one line, the best run: seconds, CPU seconds, sites, bytes.
// bench_etl.py makes traces, sets this against md5sum and measures the memory.
#include "os/os.h"
#include "source/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const struct seep_source *source = seep_source_named("etl");
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    char line[SEEP_MAX_MESSAGE];
    long runs = argc > 2 ? strtol(argv[2], NULL, 10) : 3;
    if (argc < 2 || !source || runs < 1) {
        (void)fprintf(stderr, "usage: bench_etl TRACE [RUNS]\n");
        return 2;
    }
    static const struct seep_sink_ops nothing = { 0 };
    int64_t best = INT64_MAX, best_cpu = INT64_MAX;
    for (long i = 0; i < runs; i++) {
        struct seep_sink sink = { .ops = &nothing };
        uint64_t read = 0;
        if (!seep_os_map(argv[1], &map, &err))
            goto fail;
        struct seep_input input = { .path = argv[1], .view = map.view, .map = &map };
        int64_t start = seep_os_monotonic_ns(), cpu = seep_os_cpu_ns();
        if (source->read(&input, &sink, NULL, &read, &err) != SEEP_OK)
            goto fail;
        int64_t took = seep_os_monotonic_ns() - start, used = seep_os_cpu_ns() - cpu;
        best = took < best ? took : best;
        best_cpu = used < best_cpu ? used : best_cpu;
        if (i + 1 == runs)
            printf("%.6f %.6f %" PRIu64 " %" PRIu64 "\n", (double)best / 1e9,
                   (double)best_cpu / 1e9, sink.counts[SEEP_FACT_SITE], (uint64_t)map.view.len);
        seep_os_unmap(&map);
    }
    return 0;
fail:
    seep_err_line(&err, argv[1], line, sizeof line);
    (void)fprintf(stderr, "%s\n", line);
    return 1;
}
