// SPDX-License-Identifier: MIT
// LZX as cabinets use it: frames of 32 KiB, each from its own piece of input, with a window that
// they share ([MS-PATCH] 2, "LZX DELTA Compression", without its deltas; [MS-CAB] for the frames).
#ifndef SEEP_SYMBOLS_LZX_H
#define SEEP_SYMBOLS_LZX_H

#include "base/bytes.h"
#include "base/err.h"

enum { SEEP_LZX_FRAME = 32768, SEEP_LZX_MIN_WINDOW = 15, SEEP_LZX_MAX_WINDOW = 21 };

struct seep_lzx;

// A decoder with a window of 2^`window_bits` bytes; NULL when memory is out.
struct seep_lzx *seep_lzx_new(unsigned window_bits);
void seep_lzx_free(struct seep_lzx *lzx);

// Decodes the next frame: `out_len` bytes, SEEP_LZX_FRAME of all but the last one. False where the
// input is not LZX; the decoder is of no more use then.
bool seep_lzx_frame(struct seep_lzx *lzx, struct seep_bytes in, uint8_t *out, size_t out_len);

#endif
