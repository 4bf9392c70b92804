// SPDX-License-Identifier: MIT
// All records of a trace in the order of time.
//
// Each processor writes buffers of its own, and merged or circular traces hold buffers in any
// order. So every buffer is a stream of its own that is opened when its first record's turn has
// come, and only the open ones are held (decompressed, where they are compressed): about one a
// processor. Within a buffer records keep their order.
#ifndef SEEP_NT_ETL_MERGE_H
#define SEEP_NT_ETL_MERGE_H

#include "base/err.h"
#include "nt/etl_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seep_etl_merge;

// What a trace does not hold, or does not give.
struct seep_etl_lack {
    uint64_t bad_buffers, bad_bytes, first_bad_offset; // no buffer can be there
    uint64_t bad_records, first_bad_record_offset;     // the rest of those buffers is skipped
    uint64_t short_buffers, first_short_offset;        // do not decompress to what they promise
    uint64_t lossy_buffers;                            // flagged: events were lost before them
    uint64_t cut_bytes;                                // of the last buffer, behind the file's end
    uint64_t early_records; // older than what came before, by more than a
                            // second
};

struct seep_etl_item {
    struct seep_etl_record record; // valid until the next call
    uint64_t offset;               // of the buffer in the file
    uint16_t cpu;
};

// Looks at every buffer's header. NULL with `err` when the file is no trace or memory is out.
// `release` (NULL = not wanted) is called with `ctx` every 32 MB: what was read until then can go.
struct seep_etl_merge *seep_etl_merge_open(struct seep_bytes file, void (*release)(void *ctx),
                                           void *ctx, struct seep_err *err);
void seep_etl_merge_close(struct seep_etl_merge *merge);

const struct seep_etl_trace *seep_etl_merge_trace(const struct seep_etl_merge *merge);
// The next record; SEEP_ETL_END after the last. SEEP_ETL_BAD only when memory is out.
enum seep_etl_next seep_etl_merge_next(struct seep_etl_merge *merge, struct seep_etl_item *item);

// How far in the file reading has come: bytes of buffers that were opened.
uint64_t seep_etl_merge_done(const struct seep_etl_merge *merge);

const struct seep_etl_lack *seep_etl_merge_lack(const struct seep_etl_merge *merge);

// What turns readings of a trace's clock into times.
struct seep_etl_clock {
    uint32_t kind;    // as seep_etl_trace.clock
    uint64_t start;   // the reading at `start_ns`
    int64_t start_ns; // UTC since 1970; SEEP_NO_TIME = unknown
    uint64_t frequency;
    uint64_t tick_ns; // of a frequency that divides a second; 0 = it does not
};
struct seep_etl_clock seep_etl_merge_clock(const struct seep_etl_merge *merge);

// UTC in ns since 1970 of a reading, SEEP_NO_TIME where it has no sense.
int64_t seep_etl_clock_ns(const struct seep_etl_clock *clock, uint64_t reading);

#endif
