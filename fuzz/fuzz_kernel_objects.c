// SPDX-License-Identifier: MIT
// A fuzz target for the readers of a kernel's structures: pool tags, memory, processes, handles,
// exited processes. The bytes are a layout, the addresses of variables, and memory.
//
// Format: u8 bytes of a pointer (4, else 8); u8 flags (1 = references in entries of handles, 2 =
// encoded types, 4 = five levels of page tables); u32 build; the numbers of struct
// seep_kernel_layout in their order, u16 each (0xffff = unknown); the addresses of struct
// seep_kernel_symbols in theirs, u64 each; u8 n, n ranges of zeros: u64 address, u32 bytes; then
// until the end what lies in them: u8 range, u32 offset, u8 n, n bytes.
#include "base/alloc.h"
#include "kernel/kernel.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RANGES = 16, MAX_MEMORY = 4 << 20, PAGE = 4096 };

struct ranges {
    struct seep_memory memory; // first
    struct {
        uint64_t address;
        uint8_t *bytes;
        size_t len;
    } at[MAX_RANGES];
    size_t n, total;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Pieces end with their page, as those of page tables do.
static struct seep_bytes span(const struct seep_memory *memory, uint64_t address)
{
    const struct ranges *r = (const struct ranges *)memory;
    for (size_t i = 0; i < r->n; i++) {
        uint64_t offset = address - r->at[i].address;
        if (offset < r->at[i].len) {
            size_t left = r->at[i].len - (size_t)offset, page = PAGE - (size_t)(address % PAGE);
            return seep_bytes(r->at[i].bytes + offset, left < page ? left : page);
        }
    }
    return (struct seep_bytes){ 0 };
}

static bool next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    const struct ranges *r = (const struct ranges *)memory;
    bool found = false;
    for (size_t i = 0; i < r->n; i++) {
        uint64_t start = r->at[i].address;
        if (address - start < r->at[i].len)
            start = address;
        if (start >= address && r->at[i].len && (!found || start < *held)) {
            *held = start;
            found = true;
        }
    }
    return found;
}

static void read_ranges(struct seep_cursor *c, struct ranges *r)
{
    size_t n = seep_cursor_u8(c);
    for (size_t i = 0; i < n && r->n < MAX_RANGES && !c->failed; i++) {
        uint64_t address = seep_cursor_u64(c);
        uint32_t len = seep_cursor_u32(c);
        if (!len || len > MAX_MEMORY - r->total || len > UINT64_MAX - address)
            continue;
        uint8_t *bytes = seep_alloc(len, 1);
        if (!bytes)
            return;
        r->at[r->n].address = address;
        r->at[r->n].bytes = bytes;
        r->at[r->n++].len = len;
        r->total += len;
    }
    while (seep_cursor_left(c) >= 6) {
        size_t range = seep_cursor_u8(c), offset = seep_cursor_u32(c), len = seep_cursor_u8(c);
        struct seep_bytes bytes = seep_cursor_take(c, len);
        if (!bytes.len || range >= r->n || offset > r->at[range].len ||
            bytes.len > r->at[range].len - offset)
            continue;
        memcpy(r->at[range].bytes + offset, bytes.data, bytes.len);
    }
}

static uint32_t offset(struct seep_cursor *c)
{
    uint32_t value = seep_cursor_u16(c);
    return value == UINT16_MAX ? SEEP_KERNEL_NO_OFFSET : value;
}

static void read_offsets(struct seep_cursor *c, uint32_t *first, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof *first; i++)
        first[i] = offset(c);
}

static void read_kernel(struct seep_cursor *c, struct seep_kernel *kernel)
{
    struct seep_kernel_layout *l = &kernel->layout;
    l->pointer_bytes = seep_cursor_u8(c) == 4 ? 4 : 8;
    unsigned flags = seep_cursor_u8(c);
    l->refcounts_in_entries = flags & 1;
    l->type_index_encoded = flags & 2;
    if (flags & 4)
        memcpy(kernel->pdb_name, "ntkrla57.pdb", 13);
    kernel->build = seep_cursor_u32(c);
    // Of the tracker eight offsets and two widths, of all others offsets only.
    read_offsets(c, &l->tracker.size, 8 * sizeof(uint32_t));
    l->tracker.count_bytes = seep_cursor_u16(c);
    l->tracker.size_bytes = seep_cursor_u16(c);
    read_offsets(c, (uint32_t *)&l->process, sizeof l->process);
    read_offsets(c, (uint32_t *)&l->thread, sizeof l->thread);
    read_offsets(c, (uint32_t *)&l->handle_table, sizeof l->handle_table);
    read_offsets(c, (uint32_t *)&l->object_header, sizeof l->object_header);
    read_offsets(c, (uint32_t *)&l->partition, sizeof l->partition);
    uint64_t *symbols = (uint64_t *)&kernel->symbols;
    for (size_t i = 0; i < sizeof kernel->symbols / sizeof *symbols; i++)
        symbols[i] = seep_cursor_u64(c);
}

static bool on_tag(void *ctx, const struct seep_kernel_tag *tag)
{
    if (!tag->key || tag->key >> 31 || ++*(uint64_t *)ctx > MAX_MEMORY)
        abort();
    return true;
}

static void check_zombies(const struct seep_kernel_zombies *z)
{
    for (size_t i = 0; i < z->processes.n; i++) {
        if (i && z->processes.at[i - 1].address >= z->processes.at[i].address)
            abort(); // ascending, each once
        if (z->held[i].n_found != UINT64_MAX && !seep_kernel_is_zombie(&z->processes.at[i]))
            abort();
    }
    for (size_t i = 0; i < z->n_holds; i++) {
        const struct seep_kernel_hold *h = &z->holds[i];
        if (h->holder >= z->processes.n || h->target >= z->processes.n || !h->n_handles ||
            !seep_kernel_is_zombie(&z->processes.at[h->target]))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seep_cursor c = seep_cursor(seep_bytes(data, size));
    struct ranges r = { .memory = { .span = span, .next = next } };
    struct seep_kernel kernel = { .memory = &r.memory };
    read_kernel(&c, &kernel);
    read_ranges(&c, &r);
    r.memory.pointer_bytes = (uint8_t)kernel.layout.pointer_bytes;
    struct seep_kernel_gaps gaps = { 0 };
    struct seep_err err = { 0 };
    struct seep_kernel_vm vm;
    struct seep_kernel_processes processes = { 0 };
    struct seep_kernel_zombies zombies = { 0 };
    uint64_t n_tags = 0;
    if (!seep_kernel_each_tag(&kernel, on_tag, &n_tags, &gaps, &err) && !err.what[0])
        abort(); // what fails says why
    (void)seep_kernel_read_vm(&kernel, &vm, &gaps);
    err.what[0] = '\0';
    if (!seep_kernel_read_processes(&kernel, &processes, &gaps, &err) && !err.what[0])
        abort();
    seep_kernel_processes_clear(&processes);
    if (seep_kernel_read_zombies(&kernel, &zombies, &gaps, &err))
        check_zombies(&zombies);
    seep_kernel_zombies_clear(&zombies);
    for (size_t i = 0; i < r.n; i++)
        seep_free(r.at[i].bytes);
    return 0;
}
