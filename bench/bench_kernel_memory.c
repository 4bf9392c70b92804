// SPDX-License-Identifier: MIT
// Reads through the page tables of a kernel dump, against memcpy of the same pages in the same
// order; and the time to index a bitmap.
//
// bench_kernel_memory [MB]: of memory, by default 128, mapped in shuffled order. Budget: reading
// pages by virtual address takes at most three times as long as memcpy of them, and numbers of a
// list at most twice as long as through an array of pages, once the dump is in memory.
#include "memory/test_dump_kit.h"
#include "os/os.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 7, NUMBERS = 1 << 20, FIRST = 0x1000 };

static const double page_budget = 3, number_budget = 2;
static const uint64_t base = UINT64_C(0xffff800000000000);

struct bench {
    const struct seep_kernel_memory *m;
    const uint8_t **pages; // by virtual page
    uint64_t *order;       // of frames
    size_t n;
    uint64_t sum;
    uint8_t out[KIT_PAGE];
};

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void copy_pages(struct bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        memcpy(b->out, b->pages[i], KIT_PAGE);
        b->sum += b->out[i % KIT_PAGE];
    }
}

static void read_pages(struct bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (seep_memory_read(&b->m->memory, base + i * KIT_PAGE, b->out, KIT_PAGE) != KIT_PAGE)
            abort();
        b->sum += b->out[i % KIT_PAGE];
    }
}

static void walk_pages(struct bench *b)
{
    uint64_t at = base, n = 0;
    while (b->m->memory.next(&b->m->memory, at, &at)) {
        size_t len = b->m->memory.span(&b->m->memory, at).len;
        n += len / KIT_PAGE;
        at += len;
    }
    if (n != b->n)
        abort();
}

static void translate(struct bench *b)
{
    uint64_t state = 88172645463325252u, physical;
    for (size_t i = 0; i < NUMBERS; i++) {
        if (!seep_kernel_memory_translate(b->m, base + random_next(&state) % b->n * KIT_PAGE,
                                          &physical))
            abort();
        b->sum += physical;
    }
}

static void read_numbers(struct bench *b)
{
    uint64_t state = 88172645463325252u, value;
    for (size_t i = 0; i < NUMBERS; i++) {
        if (!seep_memory_u64(&b->m->memory,
                             base + random_next(&state) % (b->n * KIT_PAGE - 8) / 8 * 8, &value))
            abort();
        state += value & 1;
        b->sum += value;
    }
}

static void direct_numbers(struct bench *b)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t at = random_next(&state) % (b->n * KIT_PAGE - 8) / 8 * 8;
        uint64_t value = seep_le64(b->pages[at / KIT_PAGE] + at % KIT_PAGE);
        state += value & 1; // where the next one is depends on this one, as in a list
        b->sum += value;
    }
}

// Numbers of one structure, as most are.
static void read_fields(struct bench *b)
{
    uint64_t value;
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t at = base + i / 32 % b->n * KIT_PAGE + i % 32 * 16;
        if (!seep_memory_u64(&b->m->memory, at, &value))
            abort();
        b->sum += value;
    }
}

// The best of some rounds for each of two, in turns, so that a busy machine is fair to both.
static void best_s(void (*one)(struct bench *), void (*other)(struct bench *), struct bench *b,
                   double s[2])
{
    s[0] = s[1] = 1e9;
    for (int i = 0; i < 2 * ROUNDS; i++) {
        int64_t start_ns = seep_os_monotonic_ns();
        (i % 2 ? other : one)(b);
        double took = (double)(seep_os_monotonic_ns() - start_ns) / 1e9;
        s[i % 2] = took < s[i % 2] ? took : s[i % 2];
    }
}

static int bench_kind(const struct kit *kit, enum seep_kernel_dump_kind kind, struct bench *b)
{
    size_t len;
    uint8_t *file = kit_write(kit, kind, &len);
    struct seep_kernel_dump_header header;
    struct seep_kernel_memory m;
    struct seep_err err = { 0 };
    struct seep_physical *physical = NULL;
    if (seep_kernel_dump_read(seep_bytes(file, len), &header, &err))
        physical = seep_physical_open(seep_bytes(file, len), &header, &err);
    if (!physical ||
        !seep_kernel_memory_open(physical, &header, SEEP_PAGING_X64, kit->root, &m, &err)) {
        (void)fprintf(stderr, "bench_kernel_memory: %s\n", err.what);
        return 1;
    }
    b->m = &m;
    for (size_t i = 0; i < b->n; i++)
        b->pages[i] = seep_physical_page(physical, b->order[i]).data;
    double page[2], number[2], other[2], walk[2], mb = (double)b->n * KIT_PAGE / 1e6;
    best_s(copy_pages, read_pages, b, page);
    best_s(direct_numbers, read_numbers, b, number);
    best_s(translate, read_fields, b, other);
    best_s(walk_pages, walk_pages, b, walk);
    double pages = page[1] / page[0], numbers = number[1] / number[0];
    const char *name = seep_kernel_dump_kind_name(kind);
    (void)printf("%-7s pages: memcpy %6.0f MB/s, read %6.0f MB/s: %.2f times as long (budget %g)\n",
                 name, mb / page[0], mb / page[1], pages, page_budget);
    (void)printf("%-7s numbers of a list: direct %5.1f M/s, read %5.1f M/s: %.2f times as long "
                 "(budget %g)\n",
                 name, NUMBERS / number[0] / 1e6, NUMBERS / number[1] / 1e6, numbers,
                 number_budget);
    (void)printf(
        "%-7s %.1f M translations/s, %.1f M numbers/s in structures, %.1f M pages/s walked\n", name,
        NUMBERS / other[0] / 1e6, NUMBERS / other[1] / 1e6, (double)b->n / walk[0] / 1e6);
    seep_kernel_memory_close(&m);
    seep_physical_close(physical);
    free(file);
    return pages > page_budget || numbers > number_budget;
}

// The bitmap of 1 TB of memory, of which every other 2 MB are there, without its pages.
static void bench_index(void)
{
    uint64_t bits = UINT64_C(1) << 28;
    size_t len = 0x2038 + (size_t)bits / 8;
    uint8_t *file = kit_header(true, SEEP_KERNEL_DUMP_BITMAP, 0x8664, len);
    struct seep_kernel_dump_header header;
    kit_text(file + 0x2000, "SDMPDUMP");
    kit_put64(file + 0x2020, len);
    kit_put64(file + 0x2028, bits / 2);
    kit_put64(file + 0x2030, bits);
    for (size_t i = 0; i < bits / 8; i += 128)
        memset(file + 0x2038 + i, 0xff, 64);
    if (seep_kernel_dump_read(seep_bytes(file, len), &header, NULL)) {
        int64_t start_ns = seep_os_monotonic_ns();
        struct seep_physical *p = seep_physical_open(seep_bytes(file, len), &header, NULL);
        int64_t ns = seep_os_monotonic_ns() - start_ns;
        start_ns = seep_os_monotonic_ns();
        uint64_t sum = 0;
        for (size_t i = 0; i < len; i += 64)
            sum += file[i];
        int64_t touch_ns = seep_os_monotonic_ns() - start_ns;
        (void)printf(
            "index of 1 TB's bitmap: %.1f ms (touching its bytes: %.1f ms), sum %" PRIu64 "\n",
            (double)ns / 1e6, (double)touch_ns / 1e6, sum + (p ? seep_physical_missing(p) : 0));
        seep_physical_close(p);
    }
    free(file);
}

int main(int argc, char **argv)
{
    unsigned long mb = argc > 1 ? strtoul(argv[1], NULL, 10) : 128;
    struct bench b = { .n = (mb ? mb : 1) * 256 };
    struct kit kit;
    uint64_t state = 4101842887655102017u;
    size_t tables = b.n / 512 + 8;
    b.pages = calloc(b.n, sizeof *b.pages);
    b.order = calloc(b.n, sizeof *b.order);
    if (!b.pages || !b.order) {
        free(b.pages);
        free(b.order);
        return 1;
    }
    kit_init(&kit, SEEP_PAGING_X64, FIRST, b.n + tables, FIRST);
    for (size_t i = 0; i < b.n; i++)
        b.order[i] = FIRST + tables + i;
    for (size_t i = b.n - 1; i > 0; i--) {
        size_t j = (size_t)(random_next(&state) % (i + 1));
        uint64_t frame = b.order[i];
        b.order[i] = b.order[j];
        b.order[j] = frame;
    }
    for (size_t i = 0; i < b.n; i++) {
        kit_fill(&kit, b.order[i]);
        kit_map(&kit, base + i * KIT_PAGE, b.order[i], 12);
    }
    int over = bench_kind(&kit, SEEP_KERNEL_DUMP_FULL, &b);
    over |= bench_kind(&kit, SEEP_KERNEL_DUMP_BITMAP, &b);
    kit_clear(&kit);
    bench_index();
    (void)printf("(sum %" PRIu64 ")\n", b.sum);
    free(b.pages);
    free(b.order);
    return over;
}
