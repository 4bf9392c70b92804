// SPDX-License-Identifier: MIT
// What the unit tests share: cmocka, where the real files are, and a sink that remembers.
#ifndef SEEP_TESTS_TESTKIT_H
#define SEEP_TESTS_TESTKIT_H

// cmocka.h needs what these define
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "model/sink.h"
#include "source/source.h"

#include <stdbool.h>

// The path of a real test file ("blg/PAL-SampleLog.blg") in `path`, or false (with a line on
// stderr) when it is not there: the test calls skip() then.
bool testkit_data(const char *name, char *path, size_t size);

// A path below the source tree ("src/source/blg/seeds/one.blg").
void testkit_source_path(const char *name, char *path, size_t size);

// A path below the build folder ("blg-cases/one.blg"): what the build wrote for the tests.
void testkit_built_path(const char *name, char *path, size_t size);

// Reads a whole file into `out`; false when it is not there.
bool testkit_read_file(const char *path, struct seep_buf *out);

// The bytes of a file that the build wrote; fails the test when it is not there. The caller clears
// them.
struct seep_buf testkit_built_file(const char *name);

// Every fact as one line of text in `text`, so that a test can look for what it expects:
//
//   machine 1 host=SRV01 os=Windows ram=0 limit=0
//   process 1 pid=1948 start=- image=explorer.exe
//   series 1 process=1 metric=handles counter=\Process(explorer)\Handle Count
//   tick 2026-03-01T12:00:00.000000000Z
//   sample 1 686
//   module 1 base=0x1000 size=4096 pdb=app.pdb/GUID/1 C:\app.exe   ("unloaded" before the path)
//   region 1 base=0x1000 size=4096 of=0x1000 Commit Private Heap64 ReadWrite heap 0x1000
//   handle 1 0x44 Event access=0x1f0003 handles=1 pointers=2 target=0 NAME
//   pool-tag 1 Leak nonpaged allocs=10 frees=0 bytes=640 wraps session=2 nt!ps - Process objects
//   vm 1 physical=8589934592 committed=- ...   (only what is known)
//   zombie 2 handles=1 found=1 pointers=3 unexplained=0 commit=-
//   heap 1 0x1000 nt 64 busy=1 busy-bytes=24 free=0 free-bytes=0 committed=4096 reserved=-
//   blocks 1 by=size heap=0x1000 size=24 blocks=1 bytes=24 type=- stack=- content=-
//   site 1 heap bytes=48 count=2 overhead=48 heap=0x3d0000 tag=BackTrace1 name=N
//   stack=0x1010@0x1000;f+1 block 0x3d07e0 24 event 2026-03-01T12:00:00.000000000Z PROVIDER 2004
//   {"fields":...} loss truncated count=1 bytes=- offset=0x12 text
//
// The subject of a series is one of machine=, process= and pool-tag=NAME.
struct testkit_sink {
    struct seep_sink sink;
    struct seep_buf text;
    struct seep_stacks stacks;
    uint32_t n_machines, n_processes, n_series;
    bool quiet_samples; // do not write ticks and samples
};

void testkit_sink_init(struct testkit_sink *sink);
void testkit_sink_clear(struct testkit_sink *sink);

// Runs one source over bytes in memory.
enum seep_status testkit_read(const struct seep_source *source, const void *data, size_t len,
                              struct testkit_sink *sink, struct seep_err *err);

#endif
