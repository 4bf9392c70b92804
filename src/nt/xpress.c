// SPDX-License-Identifier: MIT
// The decoder of [MS-XCA] 2.4.4: 32 flags, each a literal byte or a match of 16 bits and more.
#include "nt/xpress.h"

#include <stdbool.h>
#include <string.h>

struct decoder {
    const uint8_t *in, *in_end;
    const uint8_t *shared; // the byte whose high nibble the next long match takes; NULL = none
};

// The length of a match whose token has length bits 7: a nibble, a byte, two bytes or four follow.
// 0 where the input ends or contradicts itself.
static size_t long_length(struct decoder *d)
{
    size_t length;
    if (!d->shared) {
        if (d->in == d->in_end)
            return 0;
        d->shared = d->in;
        length = *d->in++ & 15u;
    } else {
        length = *d->shared >> 4;
        d->shared = NULL;
    }
    if (length < 15)
        return length + 7 + 3;
    if (d->in == d->in_end)
        return 0;
    length = *d->in++;
    if (length < 255)
        return length + 15 + 7 + 3;
    if (d->in_end - d->in < 2)
        return 0;
    length = seep_le16(d->in);
    d->in += 2;
    if (length == 0) {
        if (d->in_end - d->in < 4)
            return 0;
        length = seep_le32(d->in);
        d->in += 4;
    }
    return length < 15 + 7 ? 0 : length + 3;
}

// Copies a match; the source may overlap what is being written, byte after byte.
static void copy_match(uint8_t *to, size_t distance, size_t length)
{
    const uint8_t *from = to - distance;
    if (distance >= length) {
        memcpy(to, from, length);
        return;
    }
    for (size_t i = 0; i < length; i++)
        to[i] = from[i];
}

size_t seep_xpress_decompress(struct seep_bytes packed, uint8_t *out, size_t len)
{
    struct decoder d = { .in = packed.data, .in_end = packed.data + packed.len };
    size_t made = 0;
    uint32_t flags = 0;
    unsigned n_flags = 0;
    while (made < len) {
        if (n_flags == 0) {
            if (d.in_end - d.in < 4)
                break;
            flags = seep_le32(d.in);
            d.in += 4;
            n_flags = 32;
        }
        n_flags--;
        if (!(flags >> n_flags & 1)) {
            if (d.in == d.in_end)
                break;
            out[made++] = *d.in++;
            continue;
        }
        if (d.in_end - d.in < 2)
            break;
        unsigned token = seep_le16(d.in);
        d.in += 2;
        size_t distance = (token >> 3) + 1u;
        size_t length = (token & 7) < 7 ? (token & 7) + 3u : long_length(&d);
        if (length == 0 || distance > made)
            break;
        if (length > len - made)
            length = len - made;
        copy_match(out + made, distance, length);
        made += length;
    }
    return made;
}
