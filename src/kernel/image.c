// SPDX-License-Identifier: MIT
// The image of the kernel in memory.
#include "kernel/identify.h"

enum {
    PAGE = 4096,
    // Kernels have at most 17 MB; what reaches farther down would be another image.
    SEARCH_BYTES = 64 << 20,
};

struct image {
    const struct seep_memory *memory;
    uint64_t base;
};

static size_t read_image(const struct seep_pe_reader *reader, uint64_t at, void *out, size_t len)
{
    const struct image *image = reader->ctx;
    if (at > UINT64_MAX - image->base)
        return 0;
    return seep_memory_read(image->memory, image->base + at, out, len);
}

bool seep_kernel_image_at(const struct seep_memory *memory, uint64_t base, struct seep_pe *pe)
{
    struct image image = { .memory = memory, .base = base };
    struct seep_pe_reader reader = { .read = read_image, .ctx = &image, .mapped = true };
    uint16_t magic;
    return seep_memory_u16(memory, base, &magic) && magic == 0x5a4d &&
           seep_pe_read(&reader, pe, NULL);
}

uint64_t seep_kernel_image_around(const struct seep_memory *memory, uint64_t address)
{
    struct seep_pe pe;
    uint64_t page = address & ~(uint64_t)(PAGE - 1);
    for (uint64_t done = 0; done < SEARCH_BYTES && page >= PAGE; done += PAGE, page -= PAGE) {
        if (seep_kernel_image_at(memory, page, &pe) && address - page < pe.size_bytes)
            return page;
    }
    return 0;
}
