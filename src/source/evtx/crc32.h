// SPDX-License-Identifier: MIT
// CRC-32 as the event log uses it (RFC 1952: polynomial 0xEDB88320 reflected, all ones in and out).
#ifndef SEEP_SOURCE_EVTX_CRC32_H
#define SEEP_SOURCE_EVTX_CRC32_H

#include <stddef.h>
#include <stdint.h>

// The tables for sixteen bytes at a time (16 KiB). The caller owns them and fills them once.
struct seep_evtx_crc {
    uint32_t table[16][256];
};

void seep_evtx_crc_init(struct seep_evtx_crc *crc);

// Continues `sum` (0 at the start) over `len` bytes.
uint32_t seep_evtx_crc32(const struct seep_evtx_crc *crc, uint32_t sum, const uint8_t *p,
                         size_t len);

#endif
