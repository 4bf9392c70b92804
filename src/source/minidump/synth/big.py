# SPDX-License-Identifier: MIT
"""Dumps of the sizes that leaks end in: 100,000 regions and 100 GB, a heap of 10 million blocks."""

import struct

from blocks import point
from cases import base, small
from dump import Later, vm_of
from space import COMMIT, FREE, PRIVATE, READWRITE, RESERVE, Allocation, Region

FIRST = 0x30000000000  # above the heaps and below the images of the processes of cases.py


def owner_of(address, size, usage):
    """An allocation without the list of its pages, which nobody asks for here."""
    made = Allocation.__new__(Allocation)
    made.base, made.size, made.protect, made.usage = address, size, READWRITE, usage
    return made


def grow(dump, pieces):
    """Adds (base, committed, reserved, memory, usage) in the free region that they lie in."""
    if not pieces:
        return
    i = next(i for i, r in enumerate(dump.regions) if r.base <= pieces[0][0] < r.base + r.size)
    hole = dump.regions[i]
    at, end = hole.base, hole.base + hole.size
    new, ranges = [], []
    for where, committed, reserved, memory, usage in pieces:
        if where > at:
            new.append(Region(at, where - at, FREE, 0, 1))
        owner = owner_of(where, committed + reserved, usage)
        new.append(Region(where, committed, COMMIT, PRIVATE, READWRITE, owner, usage))
        if reserved:
            new.append(Region(where + committed, reserved, RESERVE, PRIVATE, 0, owner, usage))
        ranges.append((where, memory))
        at = where + committed + reserved
    new.append(Region(at, end - at, FREE, 0, 1))
    dump.regions[i:i + 1] = new
    j = sum(1 for address, _ in dump.ranges if address < pieces[0][0])
    dump.ranges[j:j] = ranges
    dump.vm = vm_of(dump.regions)


def regions(n=100000, size=0x100000):
    """A full dump of a process with `n` private allocations of `size` bytes each, all zeros: the
    file is sparse."""
    dump = small().dump()
    grow(dump, [(FIRST + i * size, size, 0, Later(size), '<unknown>') for i in range(n)])
    return dump, {'regions_total': len(dump.regions), 'added_bytes': n * size}


class Moved(Later):
    """A segment like the template, `delta` bytes further: every pointer into the template moves
    with it. One number with all bytes of the segment, plus delta in each place of a pointer: no
    sum overflows into the next place, and the addition runs at the speed of memory."""

    def __init__(self, template, delta, patches):
        super().__init__(template.size)
        self.template, self.delta, self.patches = template, delta, patches

    def write(self, f):
        t = self.template
        out = bytearray((t.number + self.delta * t.places).to_bytes(t.size, 'little'))
        for offset, value in self.patches.items():
            struct.pack_into('<Q', out, offset, value)
        f.write(out)


class Template:
    def __init__(self, address, reserved, data):
        self.address, self.size = address, len(data)
        self.number = int.from_bytes(data, 'little')
        words = struct.unpack('<%dQ' % (len(data) // 8), data)
        self.places = int.from_bytes(struct.pack('<%dQ' % len(words), *(
            1 if address <= w <= address + reserved else 0 for w in words)), 'little')


SIZES = (24, 40, 72, 264, 88, 520, 136, 1032, 328, 1416)


def fill_segment(heap, kinds, n_segments):
    """Blocks of mixed sizes until the heap has so many segments; each kept one points to the
    next, one in ten is lost. Returns the kept ones by segment."""
    kept, i = {}, 0
    while len(heap.segments) <= n_segments:
        size = SIZES[i * 7 % len(SIZES)]
        block = heap.alloc(size, kinds[i % len(kinds)] if i % 3 else None)
        at = len(heap.segments) - 1
        if i % 10 != 9:
            before = kept.setdefault(at, [])
            if before:
                point(before[-1], 8, block)
            before.append(block)
        i += 1
    return kept


def heap(n_segments, reserve=0xFD0000):
    """One NT heap of `n_segments` segments of 16 MB with about 42,000 blocks each, as a Windows 10
    x64 heap of that size has them. A tenth of the blocks is unreachable."""
    process = base(threads=1)
    made = process.app.nt_heap('main', reserve=reserve)
    kinds = [process.exe.cpp_class(name, 24) for name in ('Session', 'Buffer@net', 'Node')]
    kept = fill_segment(made, kinds, 2)
    process.threads[0].root(kept[0][0])
    point(kept[0][-1], 8, kept[1][0])
    process.finish()
    process_blocks = [b for b in made.blocks if b.address >= made.segments[1].address and
                      b.address < made.segments[1].end]
    dump, truth = process.dump(), process.truth()
    pattern = made.segments[1]
    owner = process.space.find(pattern.address)
    committed = sum(1 for p in owner.pages if p[0] == COMMIT) * 0x1000
    template = Template(pattern.address, owner.size, owner.read(0, committed))
    extra = range(n_segments - 3) if n_segments > 3 else range(0)
    step = reserve + 0x10000
    bases = [FIRST + k * step for k in extra]
    patches = link_all(process, made, pattern, bases)
    last = kept[1][-1].address + 8 - pattern.address
    first = kept[1][0].address - pattern.address
    for k, where in enumerate(bases):
        # Each segment's chain goes on in the next.
        patches[k][last] = bases[k + 1] + first if k + 1 < len(bases) else 0
    if bases:
        patch_dump(dump, kept[1][-1].address + 8, bases[0] + first)
    grow(dump, [(where, committed, reserve - committed,
                 Moved(template, where - pattern.address, patches[k]), 'Heap64')
                for k, where in enumerate(bases)])
    for address, value in patches[-1].items():
        patch_dump(dump, address, value)
    linked = set(kept[1])
    lost = [b for b in process_blocks if b not in linked]
    n = len(bases)
    truth = {'blocks': truth['blocks'] + n * len(process_blocks),
             'bytes': truth['bytes'] + n * sum(b.size for b in process_blocks),
             'unreachable': {
                 'blocks': truth['unreachable']['blocks'] + n * len(lost),
                 'bytes': truth['unreachable']['bytes'] + n * sum(b.size for b in lost)},
             'segments': len(made.segments) + n, 'regions_total': len(dump.regions)}
    return dump, truth


def link_all(process, made, pattern, bases):
    """The heap's lists of segments, uncommitted ranges and free entries with the added segments
    in them: what to patch in each of those, and, last, in the rest (by address)."""
    offset = made.layout.offset('_HEAP', 'SegmentListEntry')
    descriptors = [d for d, _, _ in pattern.uncommitted]
    free = [e.address + made.unit for e in pattern.entries if not e.flags & 1]
    lists = [('SegmentList', [s.address + offset for s in made.segments],
              [pattern.address + offset]),
             ('UCRList', [d for s in made.segments for d, _, _ in s.uncommitted], descriptors),
             ('FreeLists', [e.address + made.unit for s in made.segments for e in s.entries
                            if not e.flags & 1], free)]
    patches = [{} for _ in bases] + [{}]

    def store(address, value):
        for k, where in enumerate(bases):
            if where <= address < where + pattern.allocation.size:
                patches[k][address - where] = value
                return
        patches[-1][address] = value

    for head, own, of_pattern in lists:
        ring = [made.record.at(head), *own]
        ring += [where + e - pattern.address for where in bases for e in of_pattern]
        for i, entry in enumerate(ring):
            store(entry, ring[(i + 1) % len(ring)])
            store(entry + 8, ring[i - 1])
    return patches


def patch_dump(dump, address, value):
    for i, (start, data) in enumerate(dump.ranges):
        if start <= address < start + len(data):
            data = bytearray(data)
            struct.pack_into('<Q', data, address - start, value)
            dump.ranges[i] = (start, data)
            return
    raise ValueError('no memory at %#x' % address)
