// SPDX-License-Identifier: MIT
// Page tables of every kind, as the processor reads them and as Windows does where an entry is not
// valid.
#ifndef SEEP_MEMORY_KERNEL_PAGING_H
#define SEEP_MEMORY_KERNEL_PAGING_H

#include "memory/kernel_memory.h"

enum seep_page_state {
    SEEP_PAGE_NONE,      // nothing is mapped, or memory that was never touched
    SEEP_PAGE_HELD,      // where it lies is known, and the dump holds it
    SEEP_PAGE_ABSENT,    // it was in memory or in a file, and the dump does not hold it
    SEEP_PAGE_PAGED_OUT, // it was in a page file
};

// Page tables that were looked at: where they are in the file, and which of them lead nowhere. It
// belongs to one address space and one thread.
struct seep_page_cache;

struct seep_page_cache *seep_page_cache_new(void);
void seep_page_cache_free(struct seep_page_cache *cache);

// The native form of an address; false where the paging has no such address.
bool seep_page_address(const struct seep_kernel_memory *m, uint64_t address, uint64_t *native);

// A whole address space's top table is held.
bool seep_page_top_held(const struct seep_kernel_memory *m);

// The bytes of the page at `address` (native), and of those behind it that lie side by side in the
// file, a few at most; set only where the page is held.
enum seep_page_state seep_page_view(const struct seep_kernel_memory *m, uint64_t address,
                                    struct seep_bytes *view);

// The frame of the page at `address` (native); set only where the page is held.
enum seep_page_state seep_page_frame(const struct seep_kernel_memory *m, uint64_t address,
                                     uint64_t *frame);

// The lowest address at or above `address` whose page is held; false where there is none. Takes
// time in proportion to the tables that are passed over, each once for all calls.
bool seep_page_next(const struct seep_kernel_memory *m, uint64_t address, uint64_t *held);

#endif
