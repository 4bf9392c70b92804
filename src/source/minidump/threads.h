// SPDX-License-Identifier: MIT
// The threads of a dump: their names, registers and places in the code.
#ifndef SEEP_SOURCE_MINIDUMP_THREADS_H
#define SEEP_SOURCE_MINIDUMP_THREADS_H

#include "source/minidump/reader.h"

struct dump_thread {
    struct seep_minidump_thread record;
    uint64_t teb32;     // of a WoW64 thread; 0 = unknown
    const char *name;   // NULL = none
    const char *detail; // "thread 1234 (name)"
};

// Reads the list into r->threads, which the reader frees. `teb32` is left to dump_usage.
void dump_threads_load(struct dump_reader *r);

// The registers of a thread, as its context in the dump has them. False where that is not there.
bool dump_thread_registers(const struct dump_reader *r, const struct dump_thread *thread,
                           struct seep_minidump_registers *registers);

// Those of the 32-bit code of a WoW64 thread that is in 64-bit code now. False where they are not
// known for sure: the dump does not hold them, or what is there does not fit the thread's stack.
bool dump_thread_registers32(const struct dump_reader *r, const struct dump_thread *thread,
                             struct seep_minidump_registers *registers);

// The threads for the sink, with what symbols say. False when the sink is full or the user cancels.
bool dump_push_threads(struct dump_reader *r);

#endif
