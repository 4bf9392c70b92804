// SPDX-License-Identifier: MIT
// Memory of a kernel dump: physical pages by their number, and through page tables the virtual
// memory of the kernel and of each process. Of a triage dump: the blocks that it holds.
//
// The file is mapped; what is built is an index of at most a few MB (a rank for every so many bits
// of a bitmap), never a table of all pages. Nothing is copied: spans are views of the file.
#ifndef SEEP_MEMORY_KERNEL_MEMORY_H
#define SEEP_MEMORY_KERNEL_MEMORY_H

#include "base/err.h"
#include "memory/memory.h"
#include "nt/kernel_dump.h"

#include <stdbool.h>
#include <stdint.h>

enum { SEEP_PAGE_BYTES = 4096 };

struct seep_physical; // an index of the pages in a dump

// Builds the index of a dump of any kind. What its own counts promise and the file does not hold is
// missing pages, counted by seep_physical_missing. The bytes stay the caller's. NULL with `err`
// where memory is out or the kind has no pages that can be found.
struct seep_physical *seep_physical_open(struct seep_bytes file,
                                         const struct seep_kernel_dump_header *header,
                                         struct seep_err *err);
void seep_physical_close(struct seep_physical *physical);

// The page of a frame number; an empty view where it is not held. O(log runs) or O(1).
struct seep_bytes seep_physical_page(const struct seep_physical *physical, uint64_t pfn);

uint64_t seep_physical_n_pages(const struct seep_physical *physical); // held
// Promised, beyond the file; of a list of pages that is itself cut off at least 1.
uint64_t seep_physical_missing(const struct seep_physical *physical);

// How virtual addresses become physical ones.
enum seep_paging {
    SEEP_PAGING_X86,      // two levels
    SEEP_PAGING_X86_PAE,  // three
    SEEP_PAGING_X64,      // four
    SEEP_PAGING_X64_LA57, // five
    SEEP_PAGING_ARM64,    // 4 KiB granule, four levels, 48 bits
};

// How Windows changed page table entries that are not valid since Windows 10 1709 or so: the
// value of nt!MiState...InvalidPteMask, taken out of transition entries. 0 = not at all.
struct seep_kernel_memory {
    struct seep_memory memory;            // first; give &m.memory to readers
    const struct seep_physical *physical; // NULL of a triage dump
    enum seep_paging paging;
    uint64_t directory_table;            // physical address
    uint64_t directory_table_user;       // of ARM64, whose lower half has its own; 0 = the same
    uint64_t invalid_pte_mask;           // may be set after opening, once the kernel is known
    struct seep_physical_blocks *blocks; // of a triage dump; NULL = none
    // Tables that were looked at, so that they are found faster: written by reads through a const
    // pointer, so only one thread at a time may read; two of the same dump are no trouble. A copy
    // of this structure shares it; one with another directory empties it. NULL = none.
    struct seep_page_cache *cache;
    // Of all reads so far: pages that page tables name but that the dump does not hold, and pages
    // that were in a page file.
    uint64_t *n_absent, *n_paged_out; // where to count; NULL = nowhere
};

// The kernel's own address space. The caller keeps `physical` as long as `m`, and calls
// seep_kernel_memory_close.
bool seep_kernel_memory_open(const struct seep_physical *physical,
                             const struct seep_kernel_dump_header *header, enum seep_paging paging,
                             uint64_t directory_table, struct seep_kernel_memory *m,
                             struct seep_err *err);

// The paging that the dump's header and, of 64-bit x86, the page tables themselves say: five levels
// where only so the given address (the loaded module list) can be read.
enum seep_paging seep_kernel_paging(const struct seep_physical *physical,
                                    const struct seep_kernel_dump_header *header);

// The blocks of a triage dump, with the kernel's data they hold.
bool seep_triage_memory_open(struct seep_bytes file, const struct seep_kernel_dump_header *header,
                             const struct seep_triage *triage, struct seep_kernel_memory *m,
                             struct seep_err *err);
void seep_kernel_memory_close(struct seep_kernel_memory *m);

// Bytes that a triage dump's blocks promise and the file does not hold.
uint64_t seep_triage_memory_missing(const struct seep_kernel_memory *m);

// What to put into invalid_pte_mask where the kernel's own value is not known: from entries in
// transition whose frame makes sense only without it. 0 = nothing, or it cannot be told. x64 only;
// looks into some thousand page tables at most.
uint64_t seep_kernel_infer_mask(const struct seep_kernel_memory *m);

// Where a virtual address lies in physical memory; false where no page is mapped or held.
bool seep_kernel_memory_translate(const struct seep_kernel_memory *m, uint64_t address,
                                  uint64_t *physical_address);

#endif
