// SPDX-License-Identifier: MIT
// A chunk's header and the records in it.
#ifndef SEEP_SOURCE_EVTX_CHUNK_H
#define SEEP_SOURCE_EVTX_CHUNK_H

#include "base/bytes.h"
#include "source/evtx/crc32.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEP_EVTX_RECORD_HEADER_BYTES = 24, SEEP_EVTX_RECORD_MIN_BYTES = 28 };

struct seep_evtx_chunk {
    struct seep_bytes bytes; // at most 64 KiB; shorter where the file is cut off
    uint64_t first_id, last_id;
    size_t end;        // where its records end
    bool has_header;   // the signature is there
    bool header_sound; // and the header's checksum is right: then `end` and the ids are believed
    bool data_checked; // the records' checksum could be computed
    bool data_sound;   // and is right
};

// What lies in a chunk's place (at least a header's length of it).
void seep_evtx_chunk_open(const struct seep_evtx_crc *crc, struct seep_bytes bytes,
                          struct seep_evtx_chunk *chunk);

struct seep_evtx_record {
    size_t pos, size; // of the whole record, in the chunk
    uint64_t id;
    uint64_t written; // FILETIME
};

// Walks the records. Zero it; `skipped` and `first_skipped` count what was no record.
struct seep_evtx_records {
    size_t pos;
    uint64_t last_id, n_read;
    size_t skipped_bytes, first_skipped;
    uint64_t n_skips;
};

// The next record; false at the end. Where the header is sound, records are found again behind
// damage; where it is not, the free space of the chunk is unknown and old records may lie in it, so
// the walk ends with the first record that does not follow on its forerunner.
bool seep_evtx_record_next(const struct seep_evtx_chunk *chunk, struct seep_evtx_records *walk,
                           struct seep_evtx_record *record);

#endif
