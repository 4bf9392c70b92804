// SPDX-License-Identifier: MIT
// The container of a PDB.
#include "symbols/msf.h"

#include "base/alloc.h"

#include <string.h>

static const char magic_7[] = "Microsoft C/C++ MSF 7.00\r\n\x1a"
                              "DS\0\0"; // and the NUL that ends it: 32 bytes
static const char magic_2[] = "Microsoft C/C++ program database 2.00\r\n\x1aJG";

enum {
    MAGIC_BYTES = 32,
    BLOCK_SIZE_AT = 32,
    N_BLOCKS_AT = 40,
    DIRECTORY_BYTES_AT = 44,
    BLOCK_MAP_AT = 52, // more than one where a block does not hold the numbers of all blocks
    MIN_BLOCK = 512,
    MAX_BLOCK = 65536, // of linkers: 4,096 by default, 32,768 with /PDBPAGESIZE
    NO_STREAM_SIZE = -1,
};

static uint64_t blocks_of(const struct seep_msf *msf, uint64_t size_bytes)
{
    return (size_bytes + msf->block_size - 1) >> msf->block_shift;
}

static struct seep_bytes block(const struct seep_msf *msf, uint32_t number)
{
    uint64_t at = (uint64_t)number * msf->block_size;
    if (number >= msf->n_blocks || at > msf->file.len)
        return (struct seep_bytes){ 0 };
    return seep_bytes_part(msf->file, (size_t)at, msf->block_size);
}

// Copies the directory, whose blocks are listed in blocks of their own.
static bool read_directory(struct seep_msf *msf, uint32_t size_bytes, struct seep_err *err)
{
    uint64_t n = blocks_of(msf, size_bytes), numbers_per_block = msf->block_size / 4;
    if (size_bytes > msf->file.len)
        return seep_fail(err, DIRECTORY_BYTES_AT, NULL,
                         "the PDB is cut off: its directory alone is longer");
    msf->directory = seep_alloc(size_bytes, 1);
    if (!msf->directory)
        return seep_fail_memory(err);
    for (uint64_t i = 0; i < n; i++) {
        size_t map_at = BLOCK_MAP_AT + 4 * (size_t)(i / numbers_per_block);
        if (map_at + 4 > MIN_BLOCK) // the head is one block
            return seep_fail(err, map_at, NULL, "the PDB's directory is too large");
        struct seep_bytes map = block(msf, seep_bytes_u32(msf->file, map_at));
        size_t at = 4 * (size_t)(i % numbers_per_block);
        struct seep_bytes from = { 0 };
        if (map.data && seep_bytes_has(map, at, 4))
            from = block(msf, seep_le32(map.data + at));
        size_t len = size_bytes - (size_t)i * msf->block_size;
        if (len > msf->block_size)
            len = msf->block_size;
        if (!from.data || from.len < len)
            return seep_fail(err, map_at, "copy or download it again",
                             "the PDB is damaged or cut off: its directory is not there");
        memcpy(msf->directory + (size_t)i * msf->block_size, from.data, len);
    }
    return true;
}

static void damaged(struct seep_msf *msf, const char *what)
{
    if (!msf->damaged)
        seep_fail(&msf->damage, SEEP_NO_OFFSET, "copy or download it again", "%s", what);
    msf->damaged = true;
}

// The streams' sizes and blocks: a count, that many sizes, then each stream's blocks.
static bool read_streams(struct seep_msf *msf, uint32_t directory_bytes, struct seep_err *err)
{
    struct seep_cursor c = seep_cursor(seep_bytes(msf->directory, directory_bytes));
    uint32_t n = seep_cursor_u32(&c);
    if (!seep_cursor_fits(&c, n, 4))
        return seep_fail(err, SEEP_NO_OFFSET, NULL, "the PDB's directory is damaged");
    msf->streams = seep_alloc(n, sizeof *msf->streams);
    if (!msf->streams)
        return seep_fail_memory(err);
    msf->n_streams = n;
    for (uint32_t i = 0; i < n; i++)
        msf->streams[i].size_bytes = seep_cursor_u32(&c);
    uint64_t left = msf->n_blocks; // that no stream has claimed
    for (uint32_t i = 0; i < n; i++) {
        struct seep_msf_stream *s = &msf->streams[i];
        if (s->size_bytes == (uint32_t)NO_STREAM_SIZE)
            s->size_bytes = 0;
        uint64_t count = blocks_of(msf, s->size_bytes);
        if (!seep_cursor_fits(&c, count, 4))
            c.failed = true;
        s->blocks = msf->directory + c.pos;
        seep_cursor_skip(&c, (size_t)count * 4);
        // Stream 0 is an old directory, whose blocks may belong to others by now.
        if (c.failed || (i && count > left)) {
            damaged(msf, "the PDB's directory is damaged: streams have more blocks than the file");
            s->size_bytes = 0;
        } else if (i) {
            left -= count;
        }
    }
    return true;
}

bool seep_msf_open(struct seep_bytes file, struct seep_msf *msf, struct seep_err *err)
{
    if (seep_bytes_match(file, 0, magic_2, sizeof magic_2 - 1))
        return seep_fail(err, 0, "link it with a linker of Visual Studio 2002 or later",
                         "a PDB of the old format 2.00 (JG), which is not supported");
    if (!seep_bytes_match(file, 0, magic_7, MAGIC_BYTES))
        return seep_fail(err, 0, NULL, "not a PDB");
    struct seep_msf made = { .file = file, .block_size = seep_bytes_u32(file, BLOCK_SIZE_AT) };
    if (made.block_size < MIN_BLOCK || made.block_size > MAX_BLOCK ||
        (made.block_size & (made.block_size - 1)))
        return seep_fail(err, BLOCK_SIZE_AT, NULL, "the PDB has blocks of %u bytes",
                         (unsigned)made.block_size);
    while (UINT32_C(1) << made.block_shift < made.block_size)
        made.block_shift++;
    made.n_blocks = seep_bytes_u32(file, N_BLOCKS_AT);
    uint64_t present = blocks_of(&made, file.len);
    if (made.n_blocks > present) {
        damaged(&made, "the PDB is cut off");
        made.n_blocks = (uint32_t)present;
    }
    uint32_t directory_bytes = seep_bytes_u32(file, DIRECTORY_BYTES_AT);
    if (!read_directory(&made, directory_bytes, err) ||
        !read_streams(&made, directory_bytes, err)) {
        seep_msf_close(&made);
        return false;
    }
    *msf = made;
    return true;
}

void seep_msf_close(struct seep_msf *msf)
{
    seep_free(msf->directory);
    seep_free(msf->streams);
    *msf = (struct seep_msf){ 0 };
}

void seep_msf_scratch_clear(struct seep_msf_scratch *scratch)
{
    seep_free(scratch->data);
    *scratch = (struct seep_msf_scratch){ 0 };
}

uint32_t seep_msf_size(const struct seep_msf *msf, uint32_t stream)
{
    return stream < msf->n_streams ? msf->streams[stream].size_bytes : 0;
}

// The bytes from `offset` on that lie in one piece, at most `len` of them.
static struct seep_bytes run(const struct seep_msf *msf, const struct seep_msf_stream *s,
                             uint32_t offset, uint32_t len)
{
    uint32_t i = offset >> msf->block_shift, within = offset & (msf->block_size - 1);
    uint64_t n = blocks_of(msf, s->size_bytes);
    uint32_t first = seep_le32(s->blocks + 4 * (size_t)i);
    struct seep_bytes piece = block(msf, first);
    piece = seep_bytes_part(piece, within, len);
    if (piece.len < msf->block_size - within)
        return piece; // it suffices, or the file ends here
    for (uint32_t next = first; piece.len < len && ++i < n;) {
        if (seep_le32(s->blocks + 4 * (size_t)i) != ++next)
            break;
        struct seep_bytes more = seep_bytes_part(block(msf, next), 0, len - piece.len);
        piece.len += more.len;
        if (more.len < msf->block_size)
            break;
    }
    return piece;
}

bool seep_msf_some(const struct seep_msf *msf, uint32_t stream, uint32_t offset, uint32_t len,
                   struct seep_msf_scratch *scratch, struct seep_bytes *out)
{
    uint32_t size = seep_msf_size(msf, stream);
    if (offset >= size || !len) {
        *out = (struct seep_bytes){ 0 };
        return true;
    }
    const struct seep_msf_stream *s = &msf->streams[stream];
    if (len > size - offset)
        len = size - offset;
    struct seep_bytes piece = run(msf, s, offset, len);
    if (piece.len == len || !piece.len) {
        *out = piece;
        return true;
    }
    // One run after the other; memory grows with what is there, not with what is claimed.
    size_t have = 0;
    while (piece.len) {
        if (!seep_grow(&scratch->data, &scratch->capacity, have + piece.len, 1))
            return false;
        memcpy(scratch->data + have, piece.data, piece.len);
        have += piece.len;
        if (have == len)
            break;
        piece = run(msf, s, offset + (uint32_t)have, len - (uint32_t)have);
    }
    *out = seep_bytes(scratch->data, have);
    return true;
}

bool seep_msf_get(const struct seep_msf *msf, uint32_t stream, uint32_t offset, uint32_t len,
                  struct seep_msf_scratch *scratch, struct seep_bytes *out)
{
    struct seep_bytes found;
    if (!seep_msf_some(msf, stream, offset, len, scratch, &found) || found.len != len)
        return false;
    *out = found;
    return true;
}
