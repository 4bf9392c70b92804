// SPDX-License-Identifier: MIT
// How long one Perfmon binary log takes to read, into a sink that keeps nothing.
//
// bench_blg LOG [RUNS]: prints one line, the best run: seconds, samples, bytes. bench_blg.py makes
// logs, sets this against md5sum and measures the memory.
#include "os/os.h"
#include "source/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const struct seep_source *source = seep_source_named("blg");
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    char line[SEEP_MAX_MESSAGE];
    long runs = argc > 2 ? strtol(argv[2], NULL, 10) : 3;
    if (argc < 2 || !source || runs < 1) {
        (void)fprintf(stderr, "usage: bench_blg LOG [RUNS]\n");
        return 2;
    }
    static const struct seep_sink_ops nothing = { 0 };
    int64_t best = INT64_MAX;
    uint64_t samples = 0;
    for (long i = 0; i < runs; i++) {
        struct seep_sink sink = { .ops = &nothing };
        uint64_t read = 0;
        if (!seep_os_map(argv[1], &map, &err))
            goto fail;
        struct seep_input input = { .path = argv[1], .view = map.view, .map = &map };
        int64_t start = seep_os_monotonic_ns();
        if (source->read(&input, &sink, NULL, &read, &err) != SEEP_OK)
            goto fail;
        int64_t took = seep_os_monotonic_ns() - start;
        best = took < best ? took : best;
        samples = sink.counts[SEEP_FACT_SAMPLE];
        if (i + 1 == runs)
            printf("%.6f %" PRIu64 " %" PRIu64 "\n", (double)best / 1e9, samples,
                   (uint64_t)map.view.len);
        seep_os_unmap(&map);
    }
    return 0;
fail:
    seep_err_line(&err, argv[1], line, sizeof line);
    (void)fprintf(stderr, "%s\n", line);
    return 1;
}
