// SPDX-License-Identifier: MIT
// Reading poolmon's snapshots: seep's reader against md5sum of the same file, in one run.
//
// bench_poolmon [MIB]: writes a log of snapshots of 2,000 tags, 64 MiB by default, into the current
// folder and removes it at the end. seep is measured from opening the file to the last fact, by a
// sink that counts, with the file in the system's cache for both.
#include "os/os.h"
#include "source/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAGS = 2000, MIB = 64, ROUNDS = 5 };

static const char *const name = "bench_poolmon.tmp.log";

struct counts {
    struct seep_sink sink;
    uint64_t bytes;
};

static bool on_pool_tag(struct seep_sink *sink, const struct seep_pool_tag *tag)
{
    ((struct counts *)sink)->bytes += tag->bytes;
    return true;
}

static bool write_log(uint64_t mib, uint64_t *size, uint64_t *n_tags)
{
    FILE *file = fopen(name, "wb");
    bool ok = file != NULL;
    *size = *n_tags = 0;
    for (unsigned i = 0; ok && *size < mib << 20; i++) {
        int n = fprintf(file,
                        "2026-03-%02uT%02u:%02u:00Z\r\n"
                        " Memory:33473120K Avail:20055132K  PageFlts:     5   InRam Krnl:10444K "
                        "P:1843072K\r\n"
                        " Commit:15035764K Limit:67027552K Peak:16677444K            "
                        "Pool N:1023400K P:1955448K\r\n\r\n"
                        " Tag  Type     Allocs            Frees               Diff            Bytes"
                        "                 Per Alloc\r\n\r\n",
                        i / 288 % 28 + 1, i / 12 % 24, i % 12 * 5);
        *size += n > 0 ? (uint64_t)n : 0;
        for (unsigned k = 0; ok && k < TAGS; k++, ++*n_tags) {
            uint32_t frees = k * 977 + i * k, diff = k % 7 ? k + i % 9 : k * 30 + i;
            uint64_t each = 16 * (k % 90 + 1), bytes = diff * each;
            n = fprintf(file, " %c%c%02x %s%19u%19u%18u%15" PRIu64 "%17" PRIu64 "\r\n",
                        'A' + (int)(k % 26), 'a' + (int)(k / 26 % 26), k / 676 & 0xff,
                        k % 2 ? "Paged" : "Nonp ", frees + diff, frees, diff, bytes,
                        diff ? each : 0);
            ok = n > 0;
            *size += n > 0 ? (uint64_t)n : 0;
        }
    }
    return file && fclose(file) == 0 && ok;
}

// Wall time in ns of reading the log; -1 on failure.
static int64_t read_log(const struct seep_source *source, struct counts *counts)
{
    static const struct seep_sink_ops ops = { .pool_tag = on_pool_tag };
    struct seep_os_map map;
    struct seep_err err = { 0 };
    uint64_t read_bytes;
    *counts = (struct counts){ .sink = { .ops = &ops } };
    int64_t start_ns = seep_os_monotonic_ns();
    if (!seep_os_map(name, &map, &err)) {
        (void)fprintf(stderr, "bench_poolmon: %s: %s\n", name, err.what);
        return -1;
    }
    struct seep_input input = { .path = name, .view = map.view, .map = &map };
    enum seep_status status = source->read(&input, &counts->sink, NULL, &read_bytes, &err);
    int64_t end_ns = seep_os_monotonic_ns();
    seep_os_unmap(&map);
    return status == SEEP_OK ? end_ns - start_ns : -1;
}

// Wall time in ns of md5sum; -1 where there is none.
static int64_t sum_log(void)
{
    char command[128];
    (void)snprintf(command, sizeof command, "md5sum %s >bench_poolmon.tmp.sum", name);
    int64_t start_ns = seep_os_monotonic_ns();
    int status = system(command);
    int64_t end_ns = seep_os_monotonic_ns();
    (void)remove("bench_poolmon.tmp.sum");
    return status == 0 ? end_ns - start_ns : -1;
}

int main(int argc, char **argv)
{
    uint64_t mib = argc > 1 ? strtoull(argv[1], NULL, 10) : MIB, size, n_tags;
    const struct seep_source *source = seep_source_named("poolmon");
    struct counts counts;
    int64_t best = INT64_MAX, best_sum = INT64_MAX;
    if (!source || !write_log(mib ? mib : MIB, &size, &n_tags)) {
        (void)fprintf(stderr, "bench_poolmon: cannot write %s\n", name);
        return 1;
    }
    bool ok = true;
    for (int i = 0; ok && i < ROUNDS; i++) {
        int64_t ns = read_log(source, &counts), sum_ns = sum_log();
        ok = ns > 0 && counts.sink.counts[SEEP_FACT_POOL_TAG] == n_tags;
        best = ns < best ? ns : best;
        if (sum_ns > 0 && sum_ns < best_sum)
            best_sum = sum_ns;
    }
    (void)remove(name);
    if (!ok) {
        (void)fprintf(stderr, "bench_poolmon: the log was not read whole\n");
        return 1;
    }
    (void)printf("log      %.1f MiB, %" PRIu64 " rows\n", (double)size / (1 << 20), n_tags);
    (void)printf("seep     %.3f s, %.0f MiB/s, %.0f ns a row\n", (double)best / 1e9,
                 (double)size / (1 << 20) / ((double)best / 1e9), (double)best / (double)n_tags);
    if (best_sum < INT64_MAX)
        (void)printf("md5sum   %.3f s\nratio    %.2f (seep / md5sum)\n", (double)best_sum / 1e9,
                     (double)best / (double)best_sum);
    return 0;
}
