// SPDX-License-Identifier: MIT
// What the tests of the source "minidump" share: dumps of known content, and a sink that keeps the
// facts.
#ifndef SEEP_SOURCE_MINIDUMP_TEST_KIT_H
#define SEEP_SOURCE_MINIDUMP_TEST_KIT_H

#include "testkit.h"

#include "source/minidump/test_build.h"

extern const struct seep_source seep_source_minidump;

enum { KIT_FACTS = 64 };

struct kit {
    struct seep_sink sink; // first
    struct seep_sink_ops ops;
    struct seep_buf text; // everything, a line each
    struct seep_region *regions;
    size_t n_regions, capacity;
    uint64_t usage[SEEP_N_REGION_USAGES][SEEP_N_REGION_STATES]; // bytes
    uint64_t types[SEEP_N_REGION_TYPES][SEEP_N_REGION_STATES];
    bool heaps, blocks;  // wanted
    uint64_t fail_after; // facts until the sink is full; 0 = never
    uint64_t n_facts;
    struct seep_err err;
    uint64_t read_bytes;
};

// Reads bytes; the caller clears the kit.
enum seep_status kit_read(struct kit *kit, const void *data, size_t len);
enum seep_status kit_read_dump(struct kit *kit, const struct build *b);
void kit_clear(struct kit *kit);

// The region that starts at `base`; fails the test where there is none.
const struct seep_region *kit_region(const struct kit *kit, uint64_t base);
void kit_expect(const struct kit *kit, const char *line); // the text has it
void kit_expect_not(const struct kit *kit, const char *line);

// --- dumps of known content; the caller frees them ---

// x64, Windows 10 19041: two modules, an unloaded one, two threads, an NT heap of two segments with
// a virtual block, mapped memory, handles, counters. `memory` false leaves the memory out.
struct build *sample_x64(bool memory, bool unaligned);
// A WoW64 process on Windows 7 with a heap of each kind.
struct build *sample_wow64(void);
// x64 with a segment heap: two segments and three large blocks, its tree encoded or not.
struct build *sample_segment_heap(bool encoded);
// x86 without a list of regions, written by a thrifty writer: modules, stacks, no TEBs.
struct build *sample_thin_x86(void);
// Lists that do not end, regions that overlap, counts beyond everything.
struct build *sample_hostile(unsigned which);
enum { SAMPLES_HOSTILE = 6 };

#endif
