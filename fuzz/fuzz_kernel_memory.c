// SPDX-License-Identifier: MIT
// A fuzz target for kernel dumps: header, triage records, the index of pages and page tables. The
// bytes are the file.
#include "memory/kernel_physical.h"

#include <stdlib.h>

enum { MAX_STEPS = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What is held can be read, and lies in the file.
static void read_all(const struct seep_kernel_memory *m, struct seep_bytes file, uint64_t from)
{
    uint64_t at = from, held;
    for (int i = 0; i < MAX_STEPS && m->memory.next(&m->memory, at, &held); i++) {
        struct seep_bytes span = m->memory.span(&m->memory, held);
        uint64_t physical;
        if (held < at || !span.len || span.data < file.data ||
            span.len > file.len - (size_t)(span.data - file.data))
            abort();
        if (m->physical && (!seep_kernel_memory_translate(m, held, &physical) ||
                            (physical ^ held) % SEEP_PAGE_BYTES))
            abort();
        if (span.len > UINT64_MAX - held)
            return;
        at = held + span.len;
    }
}

static void read_pages(const struct seep_physical *physical, struct seep_bytes file,
                       const struct seep_kernel_dump_header *header)
{
    uint64_t pfn = 0, held, n = 0;
    if (seep_physical_n_pages(physical) > file.len / SEEP_PAGE_BYTES)
        abort();
    for (; n < MAX_STEPS && seep_physical_next(physical, pfn, &held); n++) {
        struct seep_bytes page = seep_physical_page(physical, held);
        if (held < pfn || page.len != SEEP_PAGE_BYTES || page.data < file.data ||
            page.len > file.len - (size_t)(page.data - file.data))
            abort();
        pfn = held + 1;
    }
    if (n < MAX_STEPS && n != seep_physical_n_pages(physical))
        abort();
    enum seep_paging own = seep_kernel_paging(physical, header);
    for (int paging = SEEP_PAGING_X86; paging <= SEEP_PAGING_ARM64; paging++) {
        struct seep_kernel_memory m;
        uint64_t n_absent = 0, n_paged_out = 0;
        if ((own != SEEP_PAGING_X86 && own != SEEP_PAGING_X86_PAE) != (paging >= SEEP_PAGING_X64) ||
            !seep_kernel_memory_open(physical, header, (enum seep_paging)paging,
                                     header->directory_table, &m, NULL))
            continue;
        m.n_absent = &n_absent;
        m.n_paged_out = &n_paged_out;
        read_all(&m, file, 0);
        m.invalid_pte_mask = header->bugcheck_parameters[0];
        read_all(&m, file, header->loaded_modules);
        read_all(&m, file, UINT64_C(0xffff800000000000));
        seep_kernel_memory_close(&m);
    }
}

static void read_triage(struct seep_bytes file, const struct seep_kernel_dump_header *header)
{
    struct seep_triage triage;
    struct seep_triage_memory memory;
    struct seep_triage_driver driver;
    struct seep_debugger_data data;
    struct seep_kernel_memory m;
    if (!seep_triage_read(file, header, &triage, NULL))
        return;
    (void)seep_triage_memory_read(file, &triage, &memory);
    (void)seep_debugger_data_read(
        seep_bytes_part(file, triage.debugger_data_offset, triage.debugger_data_bytes), &data);
    for (uint32_t i = 0; i < MAX_STEPS; i++) {
        if (seep_triage_driver(file, header, &triage, i, &driver) &&
            driver.name.len > file.len - (size_t)(driver.name.data - file.data))
            abort();
    }
    if (seep_triage_memory_open(file, header, &triage, &m, NULL)) {
        read_all(&m, file, 0);
        seep_kernel_memory_close(&m);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seep_bytes file = seep_bytes(data, size);
    struct seep_kernel_dump_header header;
    struct seep_err err = { 0 };
    if (!seep_kernel_dump_read(file, &header, &err)) {
        if (!err.what[0])
            abort(); // what fails says why
        return 0;
    }
    struct seep_physical *physical = seep_physical_open(file, &header, &err);
    if (!physical && !err.what[0])
        abort();
    if (physical)
        read_pages(physical, file, &header);
    seep_physical_close(physical);
    read_triage(file, &header);
    return 0;
}
