// SPDX-License-Identifier: MIT
// Builds a small kernel in memory for tests and benchmarks: pool tracker tables, processes, threads
// and handle tables as each era of Windows lays them out. Shares nothing with the readers but the
// layout, which says where members are.
#ifndef SEEP_KERNEL_TEST_BUILD_H
#define SEEP_KERNEL_TEST_BUILD_H

#include "heap/test_kit.h"
#include "kernel/kernel.h"

// How an entry of a handle table looks.
enum kit_entries { KIT_ENTRIES_PLAIN, KIT_ENTRIES_COUNTED };

struct kit_era {
    const char *name;
    uint32_t build;
    unsigned pointer; // bytes
    enum kit_entries entries;
    bool partition, encoded_types;
    struct seep_kernel_layout layout;
};

enum { KIT_N_ERAS = 8 };
const struct kit_era *kit_era(size_t i);
const struct kit_era *kit_era_named(const char *name);

// Index of types in headers.
enum { KIT_TYPE_PROCESS = 7, KIT_TYPE_THREAD = 8, KIT_TYPE_FILE = 37 };
enum { KIT_MAX_PREPAID = 0x7fff, KIT_COOKIE = 0xa7 };

struct kit_kernel {
    struct kit_memory m;
    struct seep_memory paged; // the same, in pieces of a page
    struct seep_kernel kernel;
    const struct kit_era *era;
    uint64_t image, pool, pool_end, next; // addresses: variables, everything else
};

// `pool_bytes` of memory for whatever is built.
void kit_kernel_init(struct kit_kernel *k, const struct kit_era *era, size_t pool_bytes);
void kit_kernel_clear(struct kit_kernel *k);

uint64_t kit_alloc(struct kit_kernel *k, size_t len, size_t align);
void kit_pointer(struct kit_kernel *k, uint64_t address, uint64_t value);
uint64_t kit_number(struct kit_kernel *k, uint64_t address, unsigned bytes);

// A tracker table of `n` entries; entry `i` of it. Counts may be negative.
uint64_t kit_trackers(struct kit_kernel *k, uint64_t n);
struct kit_tracked {
    const char *tag; // four characters
    int64_t nonpaged_allocs, nonpaged_frees, nonpaged_bytes;
    int64_t paged_allocs, paged_frees, paged_bytes;
};
void kit_track(struct kit_kernel *k, uint64_t table, uint64_t i, const struct kit_tracked *t);

// Points a variable of the kernel, and its size, to a table.
void kit_set_pool_table(struct kit_kernel *k, uint64_t table, uint64_t n);
void kit_set_processor_table(struct kit_kernel *k, unsigned processor, uint64_t table);

// A process at the end of the list of active ones; `exited` is a FILETIME, 0 = it runs.
uint64_t kit_process(struct kit_kernel *k, uint32_t pid, const char *image, uint64_t exited);
void kit_unlink(struct kit_kernel *k, uint64_t process);

// A thread of a process, in its list, with the reference that it holds.
uint64_t kit_thread(struct kit_kernel *k, uint64_t process);
uint64_t kit_file(struct kit_kernel *k); // an object of another type

// References of nobody's.
void kit_reference(struct kit_kernel *k, uint64_t object, int64_t n);
uint64_t kit_header(const struct kit_kernel *k, uint64_t object);

// A handle table of `levels` (0..2) with room for at least `n` handles, charged to a process (0 =
// none); `listed` in the list of handle tables. The process's ObjectTable is set.
uint64_t kit_table(struct kit_kernel *k, uint64_t process, unsigned levels, uint64_t n,
                   bool listed);

// Opens a handle: its entry, and the counts of the object. `used` of what it has in advance is
// gone.
void kit_open(struct kit_kernel *k, uint64_t table, uint64_t handle, uint64_t object,
              uint32_t access, uint32_t used);

// An entry that says what is given, and changes no counts; `target` is what it points to.
void kit_entry(struct kit_kernel *k, uint64_t table, uint64_t handle, uint64_t target,
               uint32_t access, uint32_t prepaid);
uint64_t kit_entry_address(struct kit_kernel *k, uint64_t table, uint64_t handle);

// What a handle has in advance when it is made.
uint32_t kit_prepaid(const struct kit_kernel *k);

// The table of process and thread ids, with room for ids below `most`.
uint64_t kit_ids(struct kit_kernel *k, unsigned levels, uint64_t most);

#endif
