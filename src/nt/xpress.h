// SPDX-License-Identifier: MIT
// Plain LZ77 of [MS-XCA] section 2.4 (XPRESS without Huffman coding), as compressed trace buffers
// hold it.
#ifndef SEEP_NT_XPRESS_H
#define SEEP_NT_XPRESS_H

#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

// Decompresses into `out`, which holds `len` bytes; returns how many were made. Fewer than `len`
// when the input ends, or contradicts itself: what was made until then is good.
size_t seep_xpress_decompress(struct seep_bytes packed, uint8_t *out, size_t len);

#endif
