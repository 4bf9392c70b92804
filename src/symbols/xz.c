// SPDX-License-Identifier: MIT
// .xz through liblzma.
#include "symbols/expand.h"

#include "base/alloc.h"

#include <lzma.h>

bool seep_xz_is(struct seep_bytes file)
{
    return seep_bytes_match(file, 0,
                            "\xfd"
                            "7zXZ\0",
                            6);
}

static void *allocate(void *opaque, size_t n, size_t size)
{
    (void)opaque;
    return seep_alloc(n, size);
}

static void release(void *opaque, void *memory)
{
    (void)opaque;
    seep_free(memory);
}

static bool fail(lzma_ret code, uint64_t offset, struct seep_err *err)
{
    switch (code) {
    case LZMA_MEM_ERROR:
        return seep_fail_memory(err);
    case LZMA_MEMLIMIT_ERROR:
        return seep_fail(err, offset, "compress it again with a lower level",
                         "the .xz file needs more than 128 MiB of memory");
    case LZMA_OPTIONS_ERROR:
        return seep_fail(err, offset, NULL, "the .xz file uses what this program cannot unpack");
    case LZMA_BUF_ERROR:
        return seep_fail(err, offset, "get the file again", "the .xz file is cut off");
    default:
        return seep_fail(err, offset, "get the file again", "the .xz file is damaged");
    }
}

bool seep_xz_expand(struct seep_bytes file, const struct seep_expand *to, struct seep_err *err)
{
    enum { PIECE = 65536 };
    static const uint64_t max_memory = (uint64_t)128 << 20; // xz -9 needs 65 MiB
    const lzma_allocator allocator = { .alloc = allocate, .free = release };
    const uint64_t limit = seep_expand_limit(file.len);
    lzma_stream stream = LZMA_STREAM_INIT;
    stream.allocator = &allocator;
    uint8_t *piece = seep_alloc(PIECE, 1);
    if (!piece)
        return seep_fail_memory(err);
    lzma_ret code = lzma_stream_decoder(&stream, max_memory, LZMA_CONCATENATED);
    bool ok = code == LZMA_OK;
    stream.next_in = file.data;
    stream.avail_in = file.len;
    while (ok && code != LZMA_STREAM_END) {
        stream.next_out = piece;
        stream.avail_out = PIECE;
        code = lzma_code(&stream, LZMA_FINISH);
        ok = code == LZMA_OK || code == LZMA_STREAM_END;
        if (ok && stream.total_out > limit) {
            (void)seep_fail(err, stream.total_in, NULL,
                            "the .xz file expands to more than %d times its size",
                            SEEP_MAX_EXPANSION);
            goto out;
        }
        if (ok && !to->take(to->ctx, piece, PIECE - stream.avail_out))
            goto out;
    }
    if (!ok)
        (void)fail(code, stream.total_in, err);
    lzma_end(&stream);
    seep_free(piece);
    return ok;
out:
    lzma_end(&stream);
    seep_free(piece);
    return false;
}
