// SPDX-License-Identifier: MIT
// Writes minidumps for the tests. It knows the format by itself and shares nothing with the reader.
//
// A place that is not known yet is a label; references to it are patched when it is placed.
#ifndef SEEP_SOURCE_MINIDUMP_TEST_BUILD_H
#define SEEP_SOURCE_MINIDUMP_TEST_BUILD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUILD_LABELS = 512, BUILD_STREAMS = 24, BUILD_PAGES = 64, BUILD_PAGE = 0x1000 };

typedef unsigned build_label;

struct build {
    struct seep_buf out;
    uint32_t at[BUILD_LABELS]; // 0 = not placed
    struct {
        size_t where;
        build_label label;
    } uses[BUILD_LABELS];
    size_t n_labels, n_uses;
    struct {
        uint32_t type, size, rva;
    } streams[BUILD_STREAMS];
    size_t n_streams;
    struct {
        uint64_t address;
        uint8_t bytes[BUILD_PAGE];
    } pages[BUILD_PAGES]; // of the dumped process, in the order of first use
    size_t n_pages;
    bool unaligned; // strings and streams start at odd offsets
    unsigned pointer_bytes;
};

// An empty dump; `*b` is allocated by build_new and freed by build_free.
struct build *build_new(unsigned pointer_bytes);
void build_free(struct build *b);

void build_u8(struct build *b, uint8_t value);
void build_u16(struct build *b, uint16_t value);
void build_u32(struct build *b, uint32_t value);
void build_u64(struct build *b, uint64_t value);
void build_zero(struct build *b, size_t n);

build_label build_new_label(struct build *b);
void build_place(struct build *b, build_label label);        // here
void build_ref(struct build *b, build_label label);          // u32 RVA of it
build_label build_string(struct build *b, const char *text); // a MINIDUMP_STRING, placed

void build_begin(struct build *b, uint32_t type);
void build_end(struct build *b);

// SystemInfo of a Windows; MiscInfo with PID and start.
void build_system(struct build *b, uint16_t architecture, uint32_t major, uint32_t minor,
                  uint32_t build_number, uint32_t platform);
void build_misc(struct build *b, uint32_t pid, uint32_t start_s);

// The memory of the process: numbers at addresses; the pages come to be as they are touched.
void build_poke(struct build *b, uint64_t address, unsigned bytes, uint64_t value);
void build_poke_pointer(struct build *b, uint64_t address, uint64_t value);
void build_page(struct build *b, uint64_t address);

// One entry of a MemoryInfoList that is being written (its header: build_regions_begin).
void build_regions_begin(struct build *b, uint64_t count);
void build_region(struct build *b, uint64_t base, uint64_t size, uint64_t allocation_base,
                  uint32_t state, uint32_t type, uint32_t protect);

void build_thread(struct build *b, uint32_t id, uint64_t teb, uint64_t stack, uint32_t stack_bytes,
                  uint32_t stack_rva);

// The pages as the Memory64List, then header and directory. The bytes belong to `b`.
void build_finish(struct build *b, uint32_t time_s, bool with_memory);

#endif
