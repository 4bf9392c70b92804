// SPDX-License-Identifier: MIT
// The virtual memory of a kernel dump, through its page tables or, of a triage dump, its blocks.
#include "memory/kernel_memory.h"

#include "base/alloc.h"
#include "memory/kernel_paging.h"
#include "memory/kernel_physical.h"
#include "memory/kernel_triage.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    MACHINE_X86 = 0x14c,
    MACHINE_X64 = 0x8664,
    MACHINE_ARM64 = 0xaa64,
};

static void count(uint64_t *n)
{
    if (n)
        ++*n;
}

static struct seep_bytes span(const struct seep_memory *memory, uint64_t address)
{
    const struct seep_kernel_memory *m = (const struct seep_kernel_memory *)memory;
    struct seep_bytes view = { 0 };
    if (!seep_page_address(m, address, &address))
        return view;
    switch (seep_page_view(m, address, &view)) {
    case SEEP_PAGE_HELD:
        return seep_bytes_part(view, address & (SEEP_PAGE_BYTES - 1), SIZE_MAX);
    case SEEP_PAGE_ABSENT:
        count(m->n_absent);
        break;
    case SEEP_PAGE_PAGED_OUT:
        count(m->n_paged_out);
        break;
    case SEEP_PAGE_NONE:
        break;
    }
    return view;
}

static bool next(const struct seep_memory *memory, uint64_t address, uint64_t *held)
{
    return seep_page_next((const struct seep_kernel_memory *)memory, address, held);
}

bool seep_kernel_memory_open(const struct seep_physical *physical,
                             const struct seep_kernel_dump_header *header, enum seep_paging paging,
                             uint64_t directory_table, struct seep_kernel_memory *m,
                             struct seep_err *err)
{
    struct seep_kernel_memory memory = {
        .memory = { .span = span, .next = next, .pointer_bytes = header->wide ? 8 : 4 },
        .physical = physical,
        .paging = paging,
        .directory_table = directory_table,
    };
    if (!seep_page_top_held(&memory))
        return seep_fail(err, SEEP_NO_OFFSET, NULL,
                         "the dump does not hold the page directory at 0x%" PRIx64,
                         directory_table);
    memory.cache = seep_page_cache_new();
    if (!memory.cache)
        return seep_fail_memory(err);
    *m = memory;
    return true;
}

bool seep_kernel_memory_translate(const struct seep_kernel_memory *m, uint64_t address,
                                  uint64_t *physical_address)
{
    uint64_t frame, native;
    if (!m->physical || !seep_page_address(m, address, &native) ||
        seep_page_frame(m, native, &frame) != SEEP_PAGE_HELD)
        return false;
    *physical_address = frame * SEEP_PAGE_BYTES + (native & (SEEP_PAGE_BYTES - 1));
    return true;
}

// Whether the list of loaded modules starts with an entry that points back to it.
static bool finds_list(const struct seep_physical *physical,
                       const struct seep_kernel_dump_header *header, enum seep_paging paging)
{
    struct seep_kernel_memory m;
    uint64_t first, back = 0;
    if (!header->loaded_modules ||
        !seep_kernel_memory_open(physical, header, paging, header->directory_table, &m, NULL))
        return false;
    bool found = seep_memory_u64(&m.memory, header->loaded_modules, &first) &&
                 first <= UINT64_MAX - 8 && seep_memory_u64(&m.memory, first + 8, &back) &&
                 back == header->loaded_modules;
    seep_kernel_memory_close(&m);
    return found;
}

static bool reads_list(const struct seep_physical *physical,
                       const struct seep_kernel_dump_header *header, enum seep_paging paging)
{
    struct seep_kernel_memory m;
    uint64_t first;
    if (!header->loaded_modules ||
        !seep_kernel_memory_open(physical, header, paging, header->directory_table, &m, NULL))
        return false;
    bool found = seep_memory_u64(&m.memory, header->loaded_modules, &first);
    seep_kernel_memory_close(&m);
    return found;
}

enum seep_paging seep_kernel_paging(const struct seep_physical *physical,
                                    const struct seep_kernel_dump_header *header)
{
    if (header->machine == MACHINE_ARM64)
        return SEEP_PAGING_ARM64;
    if (!header->wide)
        return header->pae ? SEEP_PAGING_X86_PAE : SEEP_PAGING_X86;
    if (finds_list(physical, header, SEEP_PAGING_X64))
        return SEEP_PAGING_X64;
    if (finds_list(physical, header, SEEP_PAGING_X64_LA57))
        return SEEP_PAGING_X64_LA57;
    return !reads_list(physical, header, SEEP_PAGING_X64) &&
                   reads_list(physical, header, SEEP_PAGING_X64_LA57)
               ? SEEP_PAGING_X64_LA57
               : SEEP_PAGING_X64;
}

void seep_kernel_memory_close(struct seep_kernel_memory *m)
{
    seep_page_cache_free(m->cache);
    seep_triage_blocks_free(m->blocks);
    m->cache = NULL;
    m->blocks = NULL;
}
