// SPDX-License-Identifier: MIT
// Writes the seeds of fuzz_kernel_objects: a small kernel of each of some eras, each with tags,
// processes alive and dead, and handles.
//
//     seed_kernel_objects ERA.kernel...
#include "kernel/test_build.h"

#include <stdio.h>
#include <string.h>

enum { POOL = 256 << 10, RUN = 250, GAP = 8 };

#define EXITED UINT64_C(133900000000000000)

static void put(FILE *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        (void)fputc((int)(value >> (8 * i) & 0xff), out);
}

static void put_offsets(FILE *out, const void *first, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof(uint32_t); i++) {
        uint32_t offset;
        memcpy(&offset, (const uint8_t *)first + i * sizeof offset, sizeof offset);
        put(out, offset, 2); // unknown ones are all ones
    }
}

// What is not zero in a range, in runs.
static void put_range(FILE *out, const struct kit_range *range, uint8_t number)
{
    for (size_t i = 0; i < range->len; i++) {
        if (!range->bytes[i])
            continue;
        size_t end = i + 1, zeros = 0;
        for (size_t at = i + 1; at < range->len && at - i < RUN && zeros < GAP; at++) {
            zeros = range->bytes[at] ? 0 : zeros + 1;
            if (!zeros)
                end = at + 1;
        }
        put(out, number, 1);
        put(out, i, 4);
        put(out, end - i, 1);
        (void)fwrite(range->bytes + i, 1, end - i, out);
        i = end - 1;
    }
}

static void build(struct kit_kernel *k, const struct kit_era *era)
{
    kit_kernel_init(k, era, POOL);
    uint64_t a = kit_trackers(k, 8), b = kit_trackers(k, 8), e = kit_trackers(k, 2);
    kit_track(k, a, 1, &(struct kit_tracked){ "Leak", 1000, 0, 64000, 5, 0, 80 });
    kit_track(k, b, 1, &(struct kit_tracked){ "Leak", 0, 400, -25600, 0, 2, -32 });
    kit_track(k, e, 1, &(struct kit_tracked){ "Expn", 2, 1, 16, 0, 0, 0 });
    kit_set_pool_table(k, a, 8);
    kit_set_processor_table(k, 0, a);
    kit_set_processor_table(k, 1, b);
    kit_pointer(k, k->kernel.symbols.pool_track_table_expansion, e);
    kit_pointer(k, k->kernel.symbols.pool_track_table_expansion_size, 2);
    uint64_t ids = kit_ids(k, 0, 0x100), service = kit_process(k, 4, "service.exe", 0);
    uint64_t dead = kit_process(k, 8, "dead.exe", EXITED), held = kit_process(k, 12, "x", EXITED);
    uint64_t thread = kit_thread(k, dead), table = kit_table(k, service, 1, 600, true);
    kit_thread(k, service);
    kit_entry(k, ids, 8, dead, 0, 0);
    kit_open(k, table, 4, dead, 0x1fffff, 3);
    kit_open(k, table, 8, thread, 0x40, 0);
    kit_open(k, table, 0x18, kit_file(k), 1, 0);
    kit_reference(k, held, 2);
    if (era->partition)
        kit_pointer(k, k->kernel.symbols.system_partition + era->layout.partition.committed,
                    363348);
    else
        kit_pointer(k, k->kernel.symbols.committed_pages, 363348);
}

static void write_seed(FILE *out, const struct kit_kernel *k)
{
    const struct seep_kernel_layout *l = &k->era->layout;
    put(out, l->pointer_bytes, 1);
    put(out, (l->refcounts_in_entries ? 1 : 0) | (l->type_index_encoded ? 2 : 0), 1);
    put(out, k->era->build, 4);
    put_offsets(out, &l->tracker, sizeof l->tracker);
    put_offsets(out, &l->process, sizeof l->process);
    put_offsets(out, &l->thread, sizeof l->thread);
    put_offsets(out, &l->handle_table, sizeof l->handle_table);
    put_offsets(out, &l->object_header, sizeof l->object_header);
    put_offsets(out, &l->partition, sizeof l->partition);
    for (size_t i = 0; i < sizeof k->kernel.symbols / sizeof(uint64_t); i++) {
        uint64_t address;
        memcpy(&address, (const uint8_t *)&k->kernel.symbols + i * sizeof address, sizeof address);
        put(out, address, 8);
    }
    put(out, k->m.n, 1);
    for (size_t i = 0; i < k->m.n; i++) {
        put(out, k->m.ranges[i].address, 8);
        put(out, k->m.ranges[i].len, 4);
    }
    for (size_t i = 0; i < k->m.n; i++)
        put_range(out, &k->m.ranges[i], (uint8_t)i);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = strrchr(argv[i], '/');
        char era[32];
        (void)snprintf(era, sizeof era, "%s", name ? name + 1 : argv[i]);
        char *end = strstr(era, ".kernel");
        if (end)
            *end = '\0';
        struct kit_kernel k;
        build(&k, kit_era_named(era));
        FILE *out = fopen(argv[i], "wb");
        if (!out)
            return 1;
        write_seed(out, &k);
        kit_kernel_clear(&k);
        if (fclose(out) != 0)
            return 1;
    }
    return 0;
}
