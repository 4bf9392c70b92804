// SPDX-License-Identifier: MIT
// The container of a PDB (MSF 7.0): a file of blocks, and streams that are lists of blocks.
//
// Streams are read where they lie; only a piece that is spread over blocks which are no neighbours
// is copied. All streams together hold no more blocks than the file has: what a hostile directory
// claims beyond that is not there.
// Source of the format: https://llvm.org/docs/PDB/MsfFile.html.
#ifndef SEEP_SYMBOLS_MSF_H
#define SEEP_SYMBOLS_MSF_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEP_MSF_NO_STREAM = 0xffff };

struct seep_msf_stream {
    uint32_t size_bytes;
    const uint8_t *blocks; // numbers of 32 bits; as many as the size needs
};

struct seep_msf {
    struct seep_bytes file;
    uint32_t block_size, n_blocks;
    unsigned block_shift; // the block size is 1 << block_shift
    uint8_t *directory;   // owned
    struct seep_msf_stream *streams;
    uint32_t n_streams;
    bool damaged; // a part of the directory was not believed; `damage` says which
    struct seep_err damage;
};

// Storage for pieces that must be copied; zeroed at first, to be freed with seep_msf_scratch_clear.
struct seep_msf_scratch {
    uint8_t *data;
    size_t capacity;
};

bool seep_msf_open(struct seep_bytes file, struct seep_msf *msf, struct seep_err *err);
void seep_msf_close(struct seep_msf *msf);
void seep_msf_scratch_clear(struct seep_msf_scratch *scratch);

// Bytes of a stream; 0 where there is none of that number.
uint32_t seep_msf_size(const struct seep_msf *msf, uint32_t stream);

// `len` bytes of a stream from `offset` on: in place, or copied to `scratch` until its next use.
// False where they are not all there, or memory is out (`*out` is untouched).
bool seep_msf_get(const struct seep_msf *msf, uint32_t stream, uint32_t offset, uint32_t len,
                  struct seep_msf_scratch *scratch, struct seep_bytes *out);

// As much of that as there is from `offset` on, at most `len` bytes; empty where nothing is. False
// only when memory is out.
bool seep_msf_some(const struct seep_msf *msf, uint32_t stream, uint32_t offset, uint32_t len,
                   struct seep_msf_scratch *scratch, struct seep_bytes *out);

#endif
