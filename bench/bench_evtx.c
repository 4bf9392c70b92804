// SPDX-License-Identifier: MIT
// Reading an event log: seep's reader against evtxexport and md5sum on the same file, in one run.
//
// bench_evtx [FILE [COPIES]]: FILE is a real System log, by default System-plaso.evtx of
// SEEP_TEST_DATA; its used chunks are repeated COPIES times (16) in a temporary file, so that the
// start of a program does not count. seep is measured from opening the file to the last fact.
// Budgets: at least 20 times as fast as evtxexport, and no slower than md5sum.
#include "base/alloc.h"
#include "base/bytes.h"
#include "os/os.h"
#include "source/evtx/crc32.h"
#include "source/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 0x1000, CHUNK = 0x10000, COPIES = 16, ROUNDS = 5 };

static const double budget_evtxexport = 20, budget_md5sum = 1;
static const char *const big = "bench_evtx.tmp.evtx";

static uint64_t n_records;

static bool on_tally(struct seep_sink *sink, const struct seep_tally *tally)
{
    (void)sink;
    n_records += tally->count;
    return true;
}

static bool write_big(const char *path, unsigned copies, uint64_t *size)
{
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    if (!seep_os_map(path, &map, &err)) {
        (void)fprintf(stderr, "bench_evtx: %s: %s\n", path, err.what);
        return false;
    }
    FILE *file = map.view.len > HEADER ? fopen(big, "wb") : NULL;
    if (!file) {
        (void)fprintf(stderr, "bench_evtx: cannot write %s\n", big);
        seep_os_unmap(&map);
        return false;
    }
    uint8_t header[HEADER];
    static struct seep_evtx_crc crc;
    unsigned n = 0;
    memcpy(header, map.view.data, HEADER);
    bool ok = fwrite(header, 1, HEADER, file) == HEADER;
    for (unsigned i = 0; i < copies; i++) {
        for (size_t at = HEADER; seep_bytes_has(map.view, at, CHUNK); at += CHUNK) {
            if (!seep_bytes_match(map.view, at, "ElfChnk", 8))
                continue;
            ok = ok && fwrite(map.view.data + at, 1, CHUNK, file) == CHUNK;
            n++;
        }
    }
    seep_evtx_crc_init(&crc);
    header[16] = (uint8_t)(n - 1); // the last chunk
    header[17] = (uint8_t)((n - 1) >> 8);
    header[42] = (uint8_t)n; // the number of chunks
    header[43] = (uint8_t)(n >> 8);
    uint32_t sum = seep_evtx_crc32(&crc, 0, header, 120);
    for (int i = 0; i < 4; i++)
        header[124 + i] = (uint8_t)(sum >> 8 * i);
    ok = ok && fseek(file, 0, SEEK_SET) == 0 && fwrite(header, 1, HEADER, file) == HEADER;
    ok = fclose(file) == 0 && ok;
    seep_os_unmap(&map);
    *size = HEADER + (uint64_t)n * CHUNK;
    return ok && n;
}

static int64_t read_big(const struct seep_source *source)
{
    static const struct seep_sink_ops ops = { .tally = on_tally };
    struct seep_sink sink = { .ops = &ops };
    struct seep_os_map map = { 0 };
    struct seep_err err = { 0 };
    uint64_t read_bytes = 0;
    n_records = 0;
    int64_t start_ns = seep_os_monotonic_ns();
    if (!seep_os_map(big, &map, &err))
        return 0;
    struct seep_input input = { .path = big, .view = map.view, .map = &map };
    enum seep_status status = source->read(&input, &sink, NULL, &read_bytes, &err);
    seep_os_unmap(&map);
    int64_t ns = seep_os_monotonic_ns() - start_ns;
    return status == SEEP_FAILED ? 0 : ns;
}

// The wall time of a command; 0 where it fails.
static int64_t run_ns(const char *command)
{
    char line[256];
    (void)snprintf(line, sizeof line, "%s %s >bench_evtx.tmp.out 2>&1", command, big);
    int64_t start_ns = seep_os_monotonic_ns();
    int status = system(line);
    int64_t ns = seep_os_monotonic_ns() - start_ns;
    return status == 0 ? ns : 0;
}

static void keep_best(int64_t *best, int64_t ns)
{
    if (ns && (!*best || ns < *best))
        *best = ns;
}

static bool report(const char *name, int64_t ns, uint64_t size, int64_t seep_ns, double budget)
{
    if (!ns) {
        (void)printf("%-10s not there\n", name);
        return true;
    }
    double ratio = (double)ns / (double)seep_ns;
    (void)printf("%-10s %9.2f ms %8.1f MB/s", name, (double)ns / 1e6,
                 (double)size * 1e3 / (double)ns);
    if (budget > 0)
        (void)printf("   seep is %.1f times as fast, budget %.0f: %s", ratio, budget,
                     ratio >= budget ? "kept" : "EXCEEDED");
    (void)printf("\n");
    return budget <= 0 || ratio >= budget;
}

int main(int argc, char **argv)
{
    char path[4096];
    uint64_t size = 0;
    const char *data = getenv("SEEP_TEST_DATA");
    (void)snprintf(path, sizeof path, "%s/evtx/System-plaso.evtx", data ? data : "../shared/data");
    const struct seep_source *source = seep_source_named("evtx");
    unsigned long copies = argc > 2 ? strtoul(argv[2], NULL, 10) : COPIES;
    if (!source || copies == 0 || copies > 1000)
        return 2;
    if (!write_big(argc > 1 ? argv[1] : path, (unsigned)copies, &size))
        return 2;
    int64_t seep_ns = 0, md5_ns = 0, export_ns = 0;
    for (int i = 0; i < ROUNDS; i++) {
        keep_best(&md5_ns, run_ns("md5sum"));
        keep_best(&seep_ns, read_big(source));
    }
    keep_best(&export_ns, run_ns("evtxexport"));
    bool ok = seep_ns != 0;
    if (ok) {
        (void)printf("%" PRIu64 " bytes, %" PRIu64 " records\n", size, n_records);
        (void)report("seep", seep_ns, size, seep_ns, 0);
        ok = report("md5sum", md5_ns, size, seep_ns, budget_md5sum);
        ok = report("evtxexport", export_ns, size, seep_ns, budget_evtxexport) && ok;
    }
    (void)remove(big);
    (void)remove("bench_evtx.tmp.out");
    return ok ? 0 : 1;
}
