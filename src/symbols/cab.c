// SPDX-License-Identifier: MIT
// Cabinets: header, folders, files, and the data blocks of one folder ([MS-CAB]; MSZIP: [MS-MCI]).
#include "symbols/expand.h"

#include "base/alloc.h"
#include "symbols/lzx.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

enum {
    HEADER_SIZE = 36,
    FOLDER_SIZE = 8,
    FILE_SIZE = 16,
    BLOCK_SIZE = 8,
    FLAG_PREVIOUS = 1,
    FLAG_NEXT = 2,
    FLAG_RESERVE = 4,
    MAX_BLOCK = 32768, // bytes that a data block expands to
};

enum method { METHOD_STORED = 0, METHOD_MSZIP = 1, METHOD_LZX = 3 };

struct cabinet {
    struct seep_bytes file;
    uint16_t n_folders, n_files;
    uint32_t files_offset;
    uint8_t folder_reserve, block_reserve;
    size_t folders_offset;
    // of the folder and the file that are read
    uint32_t blocks_offset, file_size, file_start;
    uint16_t n_blocks, compression;
};

struct decoder {
    enum method method;
    struct seep_lzx *lzx;
    z_stream zlib;
    bool zlib_open;
    uint8_t *block;   // what the block expands to
    uint8_t *history; // of MSZIP: the last bytes before it
    size_t history_len;
};

bool seep_cab_is(struct seep_bytes file)
{
    return seep_bytes_match(file, 0, "MSCF\0\0\0\0", 8);
}

static void skip_text(struct seep_cursor *c)
{
    while (!c->failed && seep_cursor_u8(c))
        continue;
}

static bool read_header(struct cabinet *cab, struct seep_err *err)
{
    struct seep_cursor c = seep_cursor(cab->file);
    if (!seep_cab_is(cab->file))
        return seep_fail(err, 0, NULL, "is not a cabinet");
    seep_cursor_skip(&c, 16);
    cab->files_offset = seep_cursor_u32(&c);
    seep_cursor_skip(&c, 6);
    cab->n_folders = seep_cursor_u16(&c);
    cab->n_files = seep_cursor_u16(&c);
    uint16_t flags = seep_cursor_u16(&c);
    seep_cursor_skip(&c, 4);
    if (flags & FLAG_RESERVE) {
        uint16_t header_reserve = seep_cursor_u16(&c);
        cab->folder_reserve = seep_cursor_u8(&c);
        cab->block_reserve = seep_cursor_u8(&c);
        seep_cursor_skip(&c, header_reserve);
    }
    for (int i = 0; i < 2; i++) {
        if (flags & (i ? FLAG_NEXT : FLAG_PREVIOUS)) {
            skip_text(&c);
            skip_text(&c);
        }
    }
    if (c.failed)
        return seep_fail(err, 0, "get the file again", "the cabinet is cut off");
    cab->folders_offset = c.pos;
    return true;
}

// The first file, and the folder that holds it.
static bool read_file(struct cabinet *cab, struct seep_err *err)
{
    struct seep_cursor c = seep_cursor(cab->file);
    if (!cab->n_files)
        return seep_fail(err, 28, NULL, "the cabinet has no files");
    seep_cursor_seek(&c, cab->files_offset);
    cab->file_size = seep_cursor_u32(&c);
    cab->file_start = seep_cursor_u32(&c);
    uint16_t folder = seep_cursor_u16(&c);
    seep_cursor_skip(&c, FILE_SIZE - 10);
    if (c.failed)
        return seep_fail(err, cab->files_offset, "get the file again", "the cabinet is cut off");
    if (folder >= 0xfffd)
        return seep_fail(err, cab->files_offset, NULL,
                         "the file in the cabinet goes on in another cabinet");
    if (folder >= cab->n_folders)
        return seep_fail(err, cab->files_offset, NULL, "the cabinet is damaged: no such folder");
    seep_cursor_seek(&c, cab->folders_offset);
    seep_cursor_skip(&c, (size_t)folder * (FOLDER_SIZE + (size_t)cab->folder_reserve));
    cab->blocks_offset = seep_cursor_u32(&c);
    cab->n_blocks = seep_cursor_u16(&c);
    cab->compression = seep_cursor_u16(&c);
    if (c.failed)
        return seep_fail(err, cab->folders_offset, "get the file again", "the cabinet is cut off");
    uint64_t room = (uint64_t)cab->n_blocks * MAX_BLOCK, limit = seep_expand_limit(cab->file.len);
    if (cab->file_start > room || cab->file_size > room - cab->file_start)
        return seep_fail(err, cab->files_offset, NULL,
                         "the cabinet is damaged: its file is larger than its data");
    if (cab->file_size > limit || cab->file_start > limit)
        return seep_fail(err, cab->files_offset, NULL,
                         "the cabinet expands to more than %d times its size", SEEP_MAX_EXPANSION);
    return true;
}

static void *zlib_alloc(void *opaque, unsigned n, unsigned size)
{
    (void)opaque;
    return seep_alloc(n, size);
}

static void zlib_free(void *opaque, void *memory)
{
    (void)opaque;
    seep_free(memory);
}

static bool open_decoder(struct decoder *d, uint16_t compression, struct seep_err *err)
{
    d->block = seep_alloc(MAX_BLOCK, 1);
    bool ok = d->block != NULL;
    switch (compression & 15) {
    case METHOD_STORED:
        d->method = METHOD_STORED;
        break;
    case METHOD_MSZIP:
        d->method = METHOD_MSZIP;
        d->zlib = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free };
        d->history = ok ? seep_alloc(MAX_BLOCK, 1) : NULL;
        d->zlib_open = d->history && inflateInit2(&d->zlib, -MAX_WBITS) == Z_OK;
        ok = ok && d->zlib_open;
        break;
    case METHOD_LZX: {
        unsigned window_bits = compression >> 8 & 31;
        d->method = METHOD_LZX;
        if (window_bits < SEEP_LZX_MIN_WINDOW || window_bits > SEEP_LZX_MAX_WINDOW)
            return seep_fail(err, SEEP_NO_OFFSET, NULL,
                             "the cabinet is damaged: LZX has no window of 2^%u", window_bits);
        d->lzx = ok ? seep_lzx_new(window_bits) : NULL;
        ok = d->lzx != NULL;
        break;
    }
    default:
        return seep_fail(err, SEEP_NO_OFFSET, "unpack it with another program",
                         "the cabinet is compressed in a way that seep does not know (%u)",
                         compression);
    }
    return ok || seep_fail_memory(err);
}

static void close_decoder(struct decoder *d)
{
    if (d->zlib_open)
        (void)inflateEnd(&d->zlib);
    seep_lzx_free(d->lzx);
    seep_free(d->block);
    seep_free(d->history);
}

// One MSZIP block: "CK", then deflate with what came before as its dictionary.
static bool inflate_block(struct decoder *d, struct seep_bytes in, size_t out_len)
{
    if (!seep_bytes_match(in, 0, "CK", 2) || inflateReset(&d->zlib) != Z_OK)
        return false;
    if (d->history_len &&
        inflateSetDictionary(&d->zlib, d->history, (unsigned)d->history_len) != Z_OK)
        return false;
    d->zlib.next_in = (Bytef *)(uintptr_t)(in.data + 2);
    d->zlib.avail_in = (unsigned)(in.len - 2);
    d->zlib.next_out = d->block;
    d->zlib.avail_out = (unsigned)out_len;
    int code = inflate(&d->zlib, Z_FINISH);
    if (code != Z_STREAM_END || d->zlib.avail_out)
        return false;
    size_t kept = MAX_BLOCK - out_len;
    if (kept > d->history_len)
        kept = d->history_len;
    memmove(d->history, d->history + d->history_len - kept, kept);
    memcpy(d->history + kept, d->block, out_len);
    d->history_len = kept + out_len;
    return true;
}

static bool expand_block(struct decoder *d, struct seep_bytes in, size_t out_len)
{
    switch (d->method) {
    case METHOD_STORED:
        if (in.len != out_len)
            return false;
        memcpy(d->block, in.data, out_len);
        return true;
    case METHOD_MSZIP:
        return inflate_block(d, in, out_len);
    case METHOD_LZX:
        return seep_lzx_frame(d->lzx, in, d->block, out_len);
    }
    return false;
}

// [MS-CAB] 3.1: the words of the bytes, xored; what is left over makes a word from its last byte
// up.
static uint32_t checksum(struct seep_bytes data, uint32_t seed)
{
    size_t at = 0;
    for (; data.len - at >= 4; at += 4)
        seed ^= seep_le32(data.data + at);
    uint32_t rest = 0;
    for (; at < data.len; at++)
        rest = rest << 8 | data.data[at];
    return seed ^ rest;
}

static bool read_blocks(const struct cabinet *cab, struct decoder *d, const struct seep_expand *to,
                        struct seep_err *err)
{
    struct seep_cursor c = seep_cursor(cab->file);
    uint32_t skip = cab->file_start, left = cab->file_size;
    seep_cursor_seek(&c, cab->blocks_offset);
    for (unsigned i = 0; i < cab->n_blocks && left; i++) {
        size_t start = c.pos;
        uint32_t sum = seep_cursor_u32(&c);
        struct seep_bytes sizes = seep_cursor_take(&c, 4);
        uint16_t in_len = sizes.len ? seep_le16(sizes.data) : 0;
        uint16_t out_len = sizes.len ? seep_le16(sizes.data + 2) : 0;
        seep_cursor_skip(&c, cab->block_reserve);
        struct seep_bytes in = seep_cursor_take(&c, in_len);
        if (c.failed)
            return seep_fail(err, start, "get the file again", "the cabinet is cut off");
        if (out_len > MAX_BLOCK || !out_len)
            return seep_fail(err, start, NULL, "the cabinet is damaged: a block of %u bytes",
                             out_len);
        if (sum && !cab->block_reserve && checksum(sizes, checksum(in, 0)) != sum)
            return seep_fail(err, start, "get the file again",
                             "the cabinet is damaged: a checksum is wrong");
        if (!expand_block(d, in, out_len))
            return seep_fail(err, start, "get the file again",
                             "the cabinet is damaged: a block does not unpack");
        uint32_t from = skip < out_len ? skip : out_len;
        skip -= from;
        uint32_t len = out_len - from < left ? out_len - from : left;
        left -= len;
        if (len && !to->take(to->ctx, d->block + from, len))
            return false;
    }
    return !left || seep_fail(err, cab->blocks_offset, "get the file again",
                              "the cabinet lacks %" PRIu32 " bytes of its file", left);
}

bool seep_cab_expand(struct seep_bytes cabinet, const struct seep_expand *to, struct seep_err *err)
{
    struct cabinet cab = { .file = cabinet };
    struct decoder decoder = { 0 };
    bool ok = read_header(&cab, err) && read_file(&cab, err) &&
              open_decoder(&decoder, cab.compression, err) && read_blocks(&cab, &decoder, to, err);
    close_decoder(&decoder);
    return ok;
}
