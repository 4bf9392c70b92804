# SPDX-License-Identifier: MIT
"""Where the pages of a dump lie in its file: runs, a bitmap, or ranges. Pages of nothing but zeros
are holes of the file, so that large dumps take little disk and time."""

import struct

from headers import Header
from paging import PAGE


class Store:
    """How a dump is written. `held` says which frames it holds besides those in use: bits for eight
    frames a byte, repeated over all of memory; empty for those in use alone."""

    def __init__(self, machine, kind, held=b'', signature=b'SDMP'):
        self.m, self.kind, self.held, self.signature = machine, kind, held, signature
        self.header = Header(machine, kind, with_runs=kind != 'live')
        self.spoil = []  # (offset, bytes) to be written over the file at the end

    def put_pages(self, f, frames_at):
        """Writes the pages that are not zero: (frame, offset) pairs."""
        for frame, offset in frames_at:
            data = self.m.physical.pages.get(frame)
            if data is not None:
                f.seek(offset)
                f.write(data)

    def end(self, f, size):
        f.seek(0)
        f.write(self.header.bytes(size))
        for offset, data in self.spoil:
            f.seek(offset if offset >= 0 else size + offset)
            f.write(data)
        f.truncate(size)
        return size


def write_full(store, f):
    """DumpType 1: all pages of all runs, in order."""
    at, pages = store.header.size, store.m.physical.pages
    n = 0
    for base, count in store.m.physical.runs:
        inside = sorted(p for p in pages if base <= p < base + count)
        store.put_pages(f, ((p, at + (p - base) * PAGE) for p in inside))
        at += count * PAGE
        n += count
    store.n_held = n
    return store.end(f, at)


def bits_of(store):
    """A bitmap of the frames that the dump holds, and how many bits it has."""
    physical = store.m.physical
    base, count = physical.runs[-1]
    n_bits = (base + count + 63) // 64 * 64
    bitmap = bytearray((n_bits + 7) // 8)
    if store.held:
        for base, count in physical.runs:
            first, end = (base + 7) // 8, (base + count) // 8
            n = len(store.held)
            times = (end - first) // n + 2
            skip = first % n
            bitmap[first:end] = (store.held * times)[skip:skip + end - first]
    for frame in physical.used():
        bitmap[frame >> 3] |= 1 << (frame & 7)
    for frame in physical.absent:
        bitmap[frame >> 3] &= ~(1 << (frame & 7)) & 0xFF
    return bitmap, n_bits


def ranks(bitmap, frames):
    """(frame, how many bits are set before its own), of sorted frames that are set."""
    at = n = 0
    for frame in frames:
        byte = frame >> 3
        n += int.from_bytes(bitmap[at:byte], 'little').bit_count()
        at = byte
        yield frame, n + (bitmap[byte] & (1 << (frame & 7)) - 1).bit_count()


def chosen(store):
    bitmap, _ = bits_of(store)
    return [i * 8 + j for i, byte in enumerate(bitmap) if byte for j in range(8) if byte >> j & 1]


def write_bitmap(store, f):
    """DumpType 5 and 6: a bit for each frame, the pages that are there in order."""
    start = store.header.size
    bitmap, bits = bits_of(store)
    n = int.from_bytes(bitmap, 'little').bit_count()
    first = (start + 0x38 + len(bitmap) + PAGE - 1) // PAGE * PAGE
    f.seek(start)
    f.write(store.signature + b'DUMP' + bytes(0x18) + struct.pack('<QQQ', first, n, bits))
    f.write(bitmap)
    frames = sorted(p for p in store.m.physical.pages if bitmap[p >> 3] >> (p & 7) & 1)
    store.put_pages(f, ((p, first + i * PAGE) for p, i in ranks(bitmap, frames)))
    store.n_held = n
    return store.end(f, first + n * PAGE)


def write_summary(store, f):
    """DumpType 2, as Windows wrote kernel dumps up to 7: _SUMMARY_DUMP32 and _SUMMARY_DUMP64, of
    32-bit numbers, an RTL_BITMAP and the bitmap."""
    start = store.header.size
    bitmap, bits = bits_of(store)
    n = int.from_bytes(bitmap, 'little').bit_count()
    head = b'SDMPDUMP' + bytes(16) + struct.pack('<I', bits)
    head = head.ljust(0x28 if store.m.wide else 0x20, b'\0')
    first = (start + len(head) + len(bitmap) + PAGE - 1) // PAGE * PAGE
    f.seek(start)
    f.write(head[:0xC] + struct.pack('<III', first, bits, n) + head[0x18:] + bitmap)
    frames = sorted(p for p in store.m.physical.pages if bitmap[p >> 3] >> (p & 7) & 1)
    store.put_pages(f, ((p, first + i * PAGE) for p, i in ranks(bitmap, frames)))
    store.n_held = n
    return store.end(f, first + n * PAGE)


def ranges_of(frames):
    """[frame, count] of frames that follow each other."""
    out = []
    for p in frames:
        if out and out[-1][0] + out[-1][1] == p:
            out[-1][1] += 1
        else:
            out.append([p, 1])
    return out


def write_rdmp(store, f):
    """DumpType 8, 9 (kernel, kernel and user) and 10 (complete)."""
    start = store.header.size
    frames = chosen(store)
    ranges = ranges_of(frames)
    if store.kind == 'complete':
        meta = struct.pack('<IIQ', len(ranges), 0, len(frames))
    else:
        meta = struct.pack('<QQ', 0, len(frames))
    meta += b''.join(struct.pack('<QQ', *r) for r in ranges)
    # A range of no pages ends them; what follows up to the first page counts as metadata, too.
    first = (start + 0x20 + len(meta) + 16 + PAGE - 1) // PAGE * PAGE
    meta = meta.ljust(first - start - 0x20, b'\0')
    f.seek(start)
    f.write(struct.pack('<I4s4sI', 0x40, b'RDMP', b'DUMP', 0))
    f.write(struct.pack('<QQ', len(meta), first) + meta)
    pages = store.m.physical.pages
    store.put_pages(f, ((p, first + i * PAGE) for i, p in enumerate(frames) if p in pages))
    store.n_held = len(frames)
    return store.end(f, first + len(frames) * PAGE)


WRITERS = {'full': write_full, 'kernel-old': write_summary, 'bitmap': write_bitmap,
           'live': write_bitmap, 'kernel': write_rdmp, 'kernel-user': write_rdmp,
           'complete': write_rdmp}
