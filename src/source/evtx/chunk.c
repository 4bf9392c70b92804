// SPDX-License-Identifier: MIT
// A chunk's header and the records in it.
#include "source/evtx/chunk.h"

#include "source/evtx/binxml.h"

enum {
    CHUNK_FIRST_ID = 24, // bytes in the chunk header
    CHUNK_LAST_ID = 32,
    CHUNK_FREE = 48,
    CHUNK_DATA_CRC = 52,
    CHUNK_CRC_END = 120, // the header's checksum covers [0, 120) and [128, 512)
    CHUNK_CRC = 124,
    CHUNK_TABLES = 128,
    RECORD_ALIGN = 8,
};

void seep_evtx_chunk_open(const struct seep_evtx_crc *crc, struct seep_bytes bytes,
                          struct seep_evtx_chunk *chunk)
{
    struct seep_evtx_chunk c = { .bytes = bytes, .end = bytes.len };
    c.has_header = seep_bytes_match(bytes, 0, "ElfChnk", 8);
    if (c.has_header && bytes.len >= SEEP_EVTX_CHUNK_HEADER_BYTES) {
        uint32_t sum = seep_evtx_crc32(crc, 0, bytes.data, CHUNK_CRC_END);
        sum = seep_evtx_crc32(crc, sum, bytes.data + CHUNK_TABLES,
                              SEEP_EVTX_CHUNK_HEADER_BYTES - CHUNK_TABLES);
        size_t end = seep_le32(bytes.data + CHUNK_FREE);
        c.header_sound = sum == seep_le32(bytes.data + CHUNK_CRC) &&
                         end >= SEEP_EVTX_CHUNK_HEADER_BYTES && end <= SEEP_EVTX_CHUNK_BYTES;
        c.first_id = seep_le64(bytes.data + CHUNK_FIRST_ID);
        c.last_id = seep_le64(bytes.data + CHUNK_LAST_ID);
        if (c.header_sound && end <= bytes.len) {
            c.end = end;
            c.data_checked = true;
            sum = seep_evtx_crc32(crc, 0, bytes.data + SEEP_EVTX_CHUNK_HEADER_BYTES,
                                  end - SEEP_EVTX_CHUNK_HEADER_BYTES);
            c.data_sound = sum == seep_le32(bytes.data + CHUNK_DATA_CRC);
        }
    }
    *chunk = c;
}

// Whether a whole record lies at `pos`: signature, size, and the size again at its end.
static bool record_at(const struct seep_evtx_chunk *chunk, size_t pos,
                      struct seep_evtx_record *record)
{
    const uint8_t *p = chunk->bytes.data + pos;
    size_t left = chunk->end - pos;
    if (left < SEEP_EVTX_RECORD_MIN_BYTES || seep_le32(p) != 0x2a2a)
        return false;
    size_t size = seep_le32(p + 4);
    if (size < SEEP_EVTX_RECORD_MIN_BYTES || size > left || seep_le32(p + size - 4) != size)
        return false;
    *record = (struct seep_evtx_record){
        .pos = pos, .size = size, .id = seep_le64(p + 8), .written = seep_le64(p + 16)
    };
    return true;
}

static bool all_zero(const uint8_t *p, size_t len)
{
    return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

bool seep_evtx_record_next(const struct seep_evtx_chunk *chunk, struct seep_evtx_records *walk,
                           struct seep_evtx_record *record)
{
    size_t pos = walk->pos ? walk->pos : SEEP_EVTX_CHUNK_HEADER_BYTES;
    if (pos >= chunk->end)
        return false;
    if (!chunk->header_sound) {
        if (!record_at(chunk, pos, record) || (walk->n_read && record->id != walk->last_id + 1))
            return false;
    } else if (!record_at(chunk, pos, record)) {
        // Archived logs say that the whole chunk is used and fill the rest with zeros.
        if (all_zero(chunk->bytes.data + pos, chunk->end - pos))
            return false;
        size_t from = pos;
        do
            pos += RECORD_ALIGN;
        while (pos < chunk->end && !record_at(chunk, pos, record));
        if (pos > chunk->end)
            pos = chunk->end;
        if (!walk->n_skips++)
            walk->first_skipped = from;
        walk->skipped_bytes += pos - from;
        walk->pos = pos;
        if (pos == chunk->end)
            return false;
    }
    walk->pos = record->pos + record->size;
    walk->last_id = record->id;
    walk->n_read++;
    return true;
}
