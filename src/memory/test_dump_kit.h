// SPDX-License-Identifier: MIT
// Builds small kernel dumps for tests: physical memory by frames, page tables in it, and files of
// every kind around it. It shares nothing with the reader but the names of kinds and pagings.
#ifndef SEEP_MEMORY_TEST_DUMP_KIT_H
#define SEEP_MEMORY_TEST_DUMP_KIT_H

#include "memory/kernel_memory.h"

enum { KIT_PAGE = 4096 };

struct kit {
    uint8_t *ram;
    bool *held; // which frames the dump will have
    uint64_t n_frames, first_frame;
    uint64_t next_table; // frame that the next page table gets
    enum seep_paging paging;
    uint64_t root; // physical address of the top table
    // Fields of the header.
    uint32_t machine, build;
    uint64_t loaded_modules, debugger_data;
};

// Frames first..first + n - 1 exist; none is held. Page tables are taken from `tables` on.
void kit_init(struct kit *kit, enum seep_paging paging, uint64_t first, uint64_t n,
              uint64_t tables);
void kit_clear(struct kit *kit);

// The bytes of a frame, which the dump will hold.
uint8_t *kit_frame(struct kit *kit, uint64_t frame);

// Fills a held frame with bytes that tell frame and offset; kit_byte is each one.
void kit_fill(struct kit *kit, uint64_t frame);
uint8_t kit_byte(uint64_t frame, unsigned offset);

void kit_put32(uint8_t *at, uint32_t value);
void kit_put64(uint8_t *at, uint64_t value);
void kit_text(uint8_t *at, const char *text); // without its NUL

// Sets the entry that maps `address` with pages of `shift` bits (12 and what the paging has), and
// makes the tables above it.
void kit_entry(struct kit *kit, uint64_t address, unsigned shift, uint64_t value);

// The value of a valid entry.
uint64_t kit_valid(const struct kit *kit, uint64_t frame, unsigned shift);

// kit_entry with kit_valid.
void kit_map(struct kit *kit, uint64_t address, uint64_t frame, unsigned shift);

// The dump as a file of `*len` bytes: the caller frees it. SUMMARY is the bitmap of old systems.
uint8_t *kit_write(const struct kit *kit, enum seep_kernel_dump_kind kind, size_t *len);

// Only a header, every other field unset, as a file of `len` bytes.
uint8_t *kit_header(bool wide, enum seep_kernel_dump_kind kind, uint32_t machine, size_t len);

#endif
