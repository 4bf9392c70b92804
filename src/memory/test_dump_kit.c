// SPDX-License-Identifier: MIT
#include "memory/test_dump_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        abort();
    return memory;
}

void kit_put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

void kit_put64(uint8_t *at, uint64_t value)
{
    kit_put32(at, (uint32_t)value);
    kit_put32(at + 4, (uint32_t)(value >> 32));
}

void kit_text(uint8_t *at, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        at[i] = (uint8_t)text[i];
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static bool is_wide(const struct kit *kit)
{
    return kit->paging != SEEP_PAGING_X86 && kit->paging != SEEP_PAGING_X86_PAE;
}

static unsigned entry_bytes(const struct kit *kit)
{
    return kit->paging == SEEP_PAGING_X86 ? 4 : 8;
}

void kit_init(struct kit *kit, enum seep_paging paging, uint64_t first, uint64_t n, uint64_t tables)
{
    *kit = (struct kit){
        .ram = need((size_t)n, KIT_PAGE),
        .held = need((size_t)n, sizeof(bool)),
        .n_frames = n,
        .first_frame = first,
        .next_table = tables,
        .paging = paging,
        .machine = paging == SEEP_PAGING_ARM64 ? 0xaa64 : 0x8664,
        .build = 19041,
    };
    if (!is_wide(kit))
        kit->machine = 0x14c;
    (void)kit_frame(kit, kit->next_table);
    kit->root = kit->next_table++ * KIT_PAGE;
    if (paging == SEEP_PAGING_X86_PAE)
        kit->root += 0x2e0; // any 32 bytes of the page
}

void kit_clear(struct kit *kit)
{
    free(kit->ram);
    free(kit->held);
}

uint8_t *kit_frame(struct kit *kit, uint64_t frame)
{
    uint64_t index = frame - kit->first_frame;
    if (index >= kit->n_frames) {
        (void)fprintf(stderr, "frame %llx is not there\n", (unsigned long long)frame);
        abort();
    }
    kit->held[index] = true;
    return kit->ram + index * KIT_PAGE;
}

uint8_t kit_byte(uint64_t frame, unsigned offset)
{
    return (uint8_t)(frame * 37 + offset * 5 + offset / 256);
}

void kit_fill(struct kit *kit, uint64_t frame)
{
    uint8_t *bytes = kit_frame(kit, frame);
    for (unsigned i = 0; i < KIT_PAGE; i++)
        bytes[i] = kit_byte(frame, i);
}

// The shift of the entries of a table, by its depth; the last one's is 12.
static unsigned shift_at(enum seep_paging paging, unsigned level)
{
    static const uint8_t x86[] = { 22, 12 }, pae[] = { 30, 21, 12 };
    static const uint8_t la57[] = { 48, 39, 30, 21, 12 };
    if (paging == SEEP_PAGING_X86)
        return x86[level % 2];
    if (paging == SEEP_PAGING_X86_PAE)
        return pae[level % 3];
    return la57[paging == SEEP_PAGING_X64_LA57 ? level % 5 : 1 + level % 4];
}

void kit_entry(struct kit *kit, uint64_t address, unsigned shift, uint64_t value)
{
    unsigned bytes = entry_bytes(kit), per_table = KIT_PAGE / bytes;
    uint64_t table = kit->root;
    for (unsigned level = 0; level < 5; level++) {
        unsigned own = shift_at(kit->paging, level);
        uint64_t index = address >> own;
        index %= own == 30 && kit->paging == SEEP_PAGING_X86_PAE ? 4 : per_table;
        uint8_t *at = kit_frame(kit, table / KIT_PAGE) + table % KIT_PAGE + index * bytes;
        if (own == shift) {
            bytes == 8 ? kit_put64(at, value) : kit_put32(at, (uint32_t)value);
            return;
        }
        if (!get(at, bytes)) {
            uint64_t entry =
                kit->next_table * KIT_PAGE + (kit->paging == SEEP_PAGING_ARM64 ? 3 : 1);
            (void)kit_frame(kit, kit->next_table++);
            bytes == 8 ? kit_put64(at, entry) : kit_put32(at, (uint32_t)entry);
        }
        table = get(at, bytes) & UINT64_C(0xffffffffff000);
    }
}

uint64_t kit_valid(const struct kit *kit, uint64_t frame, unsigned shift)
{
    if (kit->paging == SEEP_PAGING_ARM64)
        return frame << 12 | (shift > 12 ? 0x701 : 0x703);
    if (shift == 12)
        return frame << 12 | 0x63;
    // PAT of a large page is bit 12: no part of the address.
    uint64_t entry = frame << 12 | 0x10e3;
    if (kit->paging == SEEP_PAGING_X86)
        entry = (frame << 12 & 0xffc00000) | (frame >> 20) << 13 | 0xe3;
    return entry;
}

void kit_map(struct kit *kit, uint64_t address, uint64_t frame, unsigned shift)
{
    kit_entry(kit, address, shift, kit_valid(kit, frame, shift));
}

static void put_pointer(uint8_t *at, bool wide, uint64_t value)
{
    wide ? kit_put64(at, value) : kit_put32(at, (uint32_t)value);
}

uint8_t *kit_header(bool wide, enum seep_kernel_dump_kind kind, uint32_t machine, size_t len)
{
    uint8_t *file = need(len, 1);
    size_t size = wide ? 0x2000 : 0x1000;
    for (size_t i = 0; i + 4 <= size; i += 4)
        kit_text(file + i, "PAGE");
    kit_text(file + 4, wide ? "DU64" : "DUMP");
    kit_put32(file + 8, 15);
    kit_put32(file + (wide ? 0x30 : 0x20), machine);
    kit_put32(file + (wide ? 0xf98 : 0xf88), kind);
    return file;
}

static void fill_header(const struct kit *kit, uint8_t *file)
{
    bool wide = is_wide(kit);
    kit_put32(file + 12, kit->build);
    put_pointer(file + 0x10, wide, kit->root);
    put_pointer(file + (wide ? 0x20 : 0x18), wide, kit->loaded_modules);
    put_pointer(file + (wide ? 0x80 : 0x60), wide, kit->debugger_data);
    kit_put32(file + (wide ? 0x34 : 0x24), 2);
    if (!wide)
        file[0x5c] = kit->paging == SEEP_PAGING_X86_PAE;
}

// Runs of held frames: calls with each one's first index and length.
static size_t each_run(const struct kit *kit, void (*take)(void *, uint64_t, uint64_t), void *ctx)
{
    size_t n = 0;
    for (uint64_t i = 0; i < kit->n_frames;) {
        uint64_t end = i;
        while (end < kit->n_frames && kit->held[end])
            end++;
        if (end > i) {
            n++;
            if (take)
                take(ctx, i, end - i);
        }
        i = end > i ? end : i + 1;
    }
    return n;
}

struct runs {
    const struct kit *kit;
    uint8_t *at;
    unsigned width;
};

static void put_run(void *ctx, uint64_t first, uint64_t n)
{
    struct runs *runs = ctx;
    put_pointer(runs->at, runs->width == 8, runs->kit->first_frame + first);
    put_pointer(runs->at + runs->width, runs->width == 8, n);
    runs->at += 2 * runs->width;
}

static uint64_t n_held(const struct kit *kit)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < kit->n_frames; i++)
        n += kit->held[i];
    return n;
}

static void put_bitmap(const struct kit *kit, uint8_t *bits)
{
    for (uint64_t i = 0; i < kit->n_frames; i++) {
        uint64_t frame = kit->first_frame + i;
        if (kit->held[i])
            bits[frame / 8] = (uint8_t)(bits[frame / 8] | 1 << frame % 8);
    }
}

uint8_t *kit_write(const struct kit *kit, enum seep_kernel_dump_kind kind, size_t *len)
{
    bool wide = is_wide(kit);
    size_t base = wide ? 0x2000 : 0x1000, pages = base;
    uint64_t bits = kit->first_frame + kit->n_frames, held = n_held(kit);
    size_t n_runs = each_run(kit, NULL, NULL);
    if (kind == SEEP_KERNEL_DUMP_BITMAP || kind == SEEP_KERNEL_DUMP_LIVE ||
        kind == SEEP_KERNEL_DUMP_SUMMARY)
        pages = (base + 0x38 + (size_t)bits / 8 + 1 + 4095) / 4096 * 4096;
    else if (kind != SEEP_KERNEL_DUMP_FULL)
        pages = base + 0x40 + (n_runs + 3) * 16; // with an end mark, and unused room
    *len = pages + (size_t)held * KIT_PAGE;
    uint8_t *file = kit_header(wide, kind, kit->machine, *len), *at = file + pages;
    fill_header(kit, file);
    uint8_t *second = file + base;
    struct runs runs = { .kit = kit };
    switch (kind) {
    case SEEP_KERNEL_DUMP_FULL:
        runs.width = wide ? 8 : 4;
        runs.at = file + (wide ? 0x98 : 0x6c);
        kit_put32(file + (wide ? 0x88 : 0x64), (uint32_t)n_runs);
        put_pointer(file + (wide ? 0x90 : 0x68), wide, held);
        (void)each_run(kit, put_run, &runs);
        break;
    case SEEP_KERNEL_DUMP_SUMMARY:
        kit_text(second, "SDMPDUMP");
        kit_put32(second + 0xc, (uint32_t)pages);
        kit_put32(second + 0x10, (uint32_t)bits);
        kit_put32(second + 0x14, (uint32_t)held);
        kit_put32(second + 0x18, (uint32_t)bits);
        put_bitmap(kit, second + (wide ? 0x28 : 0x20));
        break;
    case SEEP_KERNEL_DUMP_BITMAP:
    case SEEP_KERNEL_DUMP_LIVE:
        kit_text(second, kind == SEEP_KERNEL_DUMP_LIVE ? "FDMPDUMP" : "SDMPDUMP");
        kit_put64(second + 0x20, pages);
        kit_put64(second + 0x28, held);
        kit_put64(second + 0x30, bits);
        put_bitmap(kit, second + 0x38);
        break;
    default:
        kit_put32(second, 0x40);
        kit_text(second + 4, "RDMPDUMP");
        kit_put64(second + 0x10, pages - base - 0x20);
        kit_put64(second + 0x18, pages);
        if (kind == SEEP_KERNEL_DUMP_COMPLETE) {
            kit_put32(second + 0x20, (uint32_t)n_runs);
            kit_put64(second + 0x28, held);
            // What follows the last range is no range: only the total says so.
            memset(second + 0x30, 0xee, pages - base - 0x30);
        }
        runs.width = 8;
        runs.at = second + 0x30;
        (void)each_run(kit, put_run, &runs);
        break;
    }
    for (uint64_t i = 0; i < kit->n_frames; i++) {
        if (kit->held[i]) {
            memcpy(at, kit->ram + i * KIT_PAGE, KIT_PAGE);
            at += KIT_PAGE;
        }
    }
    return file;
}
