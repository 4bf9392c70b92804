// SPDX-License-Identifier: MIT
// The container of trace logs (.etl, .blg): buffers, record headers, the trace header, its zone.
//
// A log is a sequence of buffers; a buffer is a 0x48-byte header and records that are aligned to 8
// bytes. Nothing here follows the meaning of an event. Layouts: TRACE_LOGFILE_HEADER,
// EVENT_TRACE_HEADER and EVENT_HEADER as documented in evntrace.h and evntcons.h; the buffer header
// and the short record headers as observed in real logs.
#ifndef SEEP_NT_ETL_BUFFER_H
#define SEEP_NT_ETL_BUFFER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEEP_ETL_BUFFER_HEADER = 0x48, // bytes
    SEEP_ETL_BUFFER_TYPE_HEADER = 4,
    SEEP_ETL_FLAG_LOST = 2 | 4,     // events were lost before this buffer
    SEEP_ETL_FLAG_WIDE_CPU = 0x20,  // the processor number has 16 bits
    SEEP_ETL_FLAG_COMPRESSED = 0x40 // the records are compressed (MS-XCA LZ77)
};

// Bits of TRACE_LOGFILE_HEADER.LogFileMode.
#define SEEP_ETL_MODE_CIRCULAR 0x00000002u
#define SEEP_ETL_MODE_COMPRESSED 0x04000000u

struct seep_etl_buffer {
    uint64_t offset;     // in the file
    uint32_t size_bytes; // on disk, header included: the next buffer starts behind it
    uint32_t used_bytes; // header and records (of a compressed buffer: after decompression)
    uint64_t time;       // FILETIME (UTC) at which the buffer was written, or clock ticks
    uint64_t sequence;
    uint16_t cpu, flags, type;
    bool cut;                  // the file ends inside the used bytes
    struct seep_bytes records; // what is present of the records, as it lies on disk
};

// Reads the header of the buffer at `offset`. False where no buffer can be: the header does not fit
// or its sizes contradict each other.
bool seep_etl_buffer_at(struct seep_bytes file, uint64_t offset, struct seep_etl_buffer *buffer);

enum seep_etl_kind {
    SEEP_ETL_SYSTEM,   // `hook` = group << 8 | type; system, compact and perfinfo headers
    SEEP_ETL_CLASSIC,  // `guid`, `type`, `level`, `version`
    SEEP_ETL_MANIFEST, // EVENT_HEADER: the payload starts at the header, not behind it
    SEEP_ETL_OTHER,    // a header type that is not known: only its size is
};

struct seep_etl_record {
    enum seep_etl_kind kind;
    uint8_t header_type;
    bool is_64;          // written by a 64-bit system
    size_t offset;       // from the first record of the buffer
    uint16_t size_bytes; // header and payload
    uint16_t hook;
    const uint8_t *guid; // 16 bytes, NULL where the header has none
    uint8_t type, level;
    uint16_t version;
    uint32_t tid, pid; // 0 where the header has none
    uint64_t time;     // in the clock of the trace
    struct seep_bytes payload;
};

enum seep_etl_next {
    SEEP_ETL_RECORD,
    SEEP_ETL_END,
    SEEP_ETL_BAD, // a record does not fit; what follows in this buffer cannot be found
};

// Reads the record at the cursor (over `records` of a buffer) and moves behind it; `record` is
// untouched unless the result is SEEP_ETL_RECORD.
enum seep_etl_next seep_etl_record_next(struct seep_cursor *records,
                                        struct seep_etl_record *record);

// A date of the daylight rule: SYSTEMTIME with the week (1..5, 5 = last) as its day, or an absolute
// date when year is not 0; month 0 = no rule.
struct seep_etl_rule {
    uint16_t year, month, weekday, day, hour, minute, second;
};

// TIME_ZONE_INFORMATION without its names; biases are minutes to add to local time to get UTC.
struct seep_etl_zone {
    int32_t bias, standard_bias, daylight_bias;
    struct seep_etl_rule standard, daylight;
};

// UTC of a local time, both in 100 ns. Where the clock was put back the hour happens twice: the
// earlier one is taken unless it is not after `previous` (UTC of the time before in the log, 0 =
// none).
uint64_t seep_etl_zone_utc(const struct seep_etl_zone *zone, uint64_t local, uint64_t previous);

// TRACE_LOGFILE_HEADER.
struct seep_etl_trace {
    uint32_t buffer_size_bytes;
    uint8_t os_major, os_minor;
    uint32_t os_build;
    uint32_t n_processors;
    uint64_t start_time, end_time, boot_time; // FILETIME, UTC; end 0 = not closed
    uint32_t mode, n_buffers, n_start_buffers;
    uint32_t pointer_size; // 4 or 8: of this header; events may differ
    uint32_t events_lost, buffers_lost;
    uint64_t frequency;     // of the performance counter, per second
    uint32_t processor_mhz; // of the cycle counter
    uint32_t clock;         // 1 performance counter, 2 system time, 3 processor cycles
    struct seep_etl_zone zone;
};

// Reads the payload of the first event of a log (hook 0). False when it is no trace header.
bool seep_etl_trace_read(struct seep_bytes payload, struct seep_etl_trace *trace);

// Reads the first buffer and the trace header in it.
bool seep_etl_open(struct seep_bytes file, struct seep_etl_buffer *first,
                   struct seep_etl_trace *trace);

#endif
