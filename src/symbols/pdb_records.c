// SPDX-License-Identifier: MIT
// Records of a PDB: symbols, types and ids alike are a length, a kind and a body.
#include "symbols/pdb_internal.h"

#include "base/alloc.h"

#include <string.h>

enum {
    TPI_HEAD = 56,
    LF_NUMERIC = 0x8000, // from here on a number's first 16 bits are a code
};

bool seep_pdb_next_record(const struct seep_msf *msf, uint32_t stream, uint32_t *offset,
                          uint32_t end, struct seep_msf_scratch *scratch,
                          struct seep_pdb_record *record)
{
    struct seep_bytes head, body;
    if (end < 4 || *offset > end - 4 || !seep_msf_get(msf, stream, *offset, 4, scratch, &head))
        return false;
    uint32_t len = seep_le16(head.data), kind = seep_le16(head.data + 2);
    if (len < 2 || len - 2 > end - 4 - *offset)
        return false;
    if (!seep_msf_get(msf, stream, *offset + 4, len - 2, scratch, &body))
        return false;
    *offset += len + 2;
    *record = (struct seep_pdb_record){ .kind = (uint16_t)kind, .body = body };
    return true;
}

bool seep_pdb_take_record(struct seep_cursor *c, struct seep_pdb_record *record)
{
    if (seep_cursor_left(c) < 4)
        return false;
    uint32_t len = seep_cursor_u16(c);
    uint16_t kind = seep_cursor_u16(c);
    if (len < 2)
        c->failed = true;
    struct seep_bytes body = seep_cursor_take(c, len - 2);
    if (c->failed)
        return false;
    *record = (struct seep_pdb_record){ .kind = kind, .body = body };
    return true;
}

struct seep_bytes seep_pdb_name(struct seep_cursor *c, bool counted)
{
    if (counted) {
        uint8_t len = seep_cursor_u8(c);
        return seep_cursor_take(c, len);
    }
    size_t left = seep_cursor_left(c);
    const uint8_t *start = c->view.data + c->pos;
    const uint8_t *end = left ? memchr(start, '\0', left) : NULL;
    if (!end) {
        c->failed = true;
        return (struct seep_bytes){ 0 };
    }
    struct seep_bytes name = seep_cursor_take(c, (size_t)(end - start));
    seep_cursor_skip(c, 1);
    return name;
}

uint64_t seep_pdb_number(struct seep_cursor *c)
{
    uint32_t code = seep_cursor_u16(c);
    if (code < LF_NUMERIC)
        return code;
    switch (code) {
    case 0x8000: // LF_CHAR
        return (uint64_t)(int64_t)(int8_t)seep_cursor_u8(c);
    case 0x8001: // LF_SHORT
        return (uint64_t)(int64_t)(int16_t)seep_cursor_u16(c);
    case 0x8002: // LF_USHORT
        return seep_cursor_u16(c);
    case 0x8003: // LF_LONG
        return (uint64_t)(int64_t)(int32_t)seep_cursor_u32(c);
    case 0x8004: // LF_ULONG
        return seep_cursor_u32(c);
    case 0x8009: // LF_QUADWORD
    case 0x800a: // LF_UQUADWORD
        return seep_cursor_u64(c);
    default: // real and complex numbers are no sizes
        c->failed = true;
        return 0;
    }
}

bool seep_pdb_load(const struct seep_pdb *pdb, struct seep_pdb_records *records,
                   struct seep_pdb_loss *loss)
{
    if (records->loaded)
        return true;
    records->loaded = true;
    uint32_t size = seep_msf_size(&pdb->msf, records->stream);
    struct seep_msf_scratch scratch = { 0 };
    struct seep_bytes bytes;
    if (!seep_msf_get(&pdb->msf, records->stream, 0, TPI_HEAD, &scratch, &bytes)) {
        if (size)
            seep_pdb_lose(loss, "the PDB's stream %u is cut off: types are missing",
                          (unsigned)records->stream);
        seep_msf_scratch_clear(&scratch);
        return true;
    }
    uint32_t head = seep_le32(bytes.data + 4), first = seep_le32(bytes.data + 8);
    uint32_t end = seep_le32(bytes.data + 12), n = 0;
    // A record has 4 bytes at the least.
    if (head < TPI_HEAD || head > size || end < first || end - first > (size - head) / 4) {
        seep_pdb_lose(loss, "the PDB is damaged: the head of its stream %u is wrong",
                      (unsigned)records->stream);
        seep_msf_scratch_clear(&scratch);
        return true;
    }
    records->offsets = seep_alloc(end - first, sizeof *records->offsets);
    if (!records->offsets) {
        seep_msf_scratch_clear(&scratch);
        return seep_pdb_no_memory(loss);
    }
    records->first = first;
    records->end = end;
    for (uint32_t offset = head; n < end - first; n++) {
        uint32_t at = offset;
        struct seep_bytes len;
        if (size < 4 || at > size - 4 ||
            !seep_msf_get(&pdb->msf, records->stream, at, 2, &scratch, &len))
            break;
        uint32_t bytes_len = seep_le16(len.data) + UINT32_C(2);
        if (bytes_len < 4 || bytes_len > size - at)
            break;
        records->offsets[n] = at;
        offset += bytes_len;
    }
    if (n < end - first)
        seep_pdb_lose(loss, "the PDB is damaged or cut off: %u types of %u are missing",
                      (unsigned)(end - first - n), (unsigned)(end - first));
    seep_msf_scratch_clear(&scratch);
    return true;
}

bool seep_pdb_find(const struct seep_pdb *pdb, struct seep_pdb_records *records, uint32_t index,
                   struct seep_msf_scratch *scratch, struct seep_pdb_record *record)
{
    if (index < records->first || index >= records->end || !records->offsets)
        return false;
    uint32_t offset = records->offsets[index - records->first];
    return offset &&
           seep_pdb_next_record(&pdb->msf, records->stream, &offset, UINT32_MAX, scratch, record);
}
