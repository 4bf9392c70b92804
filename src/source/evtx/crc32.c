// SPDX-License-Identifier: MIT
// CRC-32, sixteen bytes at a time with one table per byte position ("slicing-by-16", after
// Kounavis and Berry, "A Systematic Approach to Building High Performance Software-Based CRC
// Generators", 2005). Every chunk is checked, so this is most of the work on a healthy log.
#include "source/evtx/crc32.h"

void seep_evtx_crc_init(struct seep_evtx_crc *crc)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = (v >> 1) ^ (0xEDB88320u & (0u - (v & 1u)));
        crc->table[0][i] = v;
    }
    for (int k = 1; k < 16; k++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t v = crc->table[k - 1][i];
            crc->table[k][i] = (v >> 8) ^ crc->table[0][v & 0xFF];
        }
    }
}

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

// The share of four bytes whose last one is `at` positions before the end of the sixteen.
static uint32_t slice(const struct seep_evtx_crc *crc, uint32_t w, unsigned at)
{
    return crc->table[at + 3][w & 0xFF] ^ crc->table[at + 2][w >> 8 & 0xFF] ^
           crc->table[at + 1][w >> 16 & 0xFF] ^ crc->table[at][w >> 24];
}

uint32_t seep_evtx_crc32(const struct seep_evtx_crc *crc, uint32_t sum, const uint8_t *p,
                         size_t len)
{
    uint32_t v = ~sum;
    for (; len >= 16; p += 16, len -= 16) {
        uint32_t a = word(p) ^ v;
        v = slice(crc, a, 12) ^ slice(crc, word(p + 4), 8) ^ slice(crc, word(p + 8), 4) ^
            slice(crc, word(p + 12), 0);
    }
    for (; len > 0; p++, len--)
        v = (v >> 8) ^ crc->table[0][(v ^ *p) & 0xFF];
    return ~v;
}
