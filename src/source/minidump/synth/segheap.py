# SPDX-License-Identifier: MIT
"""Segment heaps (x64): variable size chunks, LFH subsegments, backend page ranges, large blocks.

What is where comes from the types in layout.py. The encodings are published ones: M. V. Yason,
"Windows 10 Segment Heap Internals" (signatures, unused bytes, block bitmap), C. Bayet and
P. Fariello, "Scoop the Windows 10 pool!" (keys of the segment's signature and of the chunks), and
the source of radare2 (LGPL: facts) for ntdll's own of builds 18362 to 19045. The papers were not
opened for this, and no real segment heap was at hand: reader and writer agree, which does not show
that Windows does.
"""

from blocks import Block, Owner
from layout import Record
from space import PAGE, RESERVE, round_up

MAGIC = 0xA2E64EADA2E64EAD
VS_MAGIC = 0x2BED
# _HEAP_PAGE_RANGE_DESCRIPTOR.RangeFlags: allocated, first of its range, and whose it is.
ALLOCATED, FIRST, KIND_LFH, KIND_VS = 1, 2, 8, 12
SEGMENT, UNITS = 0x100000, 256
MASK64 = 2**64 - 1


class PageSegment:
    def __init__(self, allocation):
        self.allocation, self.address = allocation, allocation.base
        self.next = 2  # the first unit that is not in use
        self.ranges = []  # (first unit, units, flags, unused bytes)


class Vs:
    """A subsegment of chunks."""

    def __init__(self, address, pages, first):
        self.address, self.pages, self.top = address, pages, first
        self.end = address + pages * PAGE - PAGE  # the last page is a guard
        self.chunks = []  # [address, units, allocated, unused]
        self.bare = []


class SegmentHeap(Owner):
    def __init__(self, space, layout, name, heap_key, lfh_key, usage='Heap64'):
        super().__init__(space, name)
        self.layout, self.heap_key, self.lfh_key, self.usage = layout, heap_key, lfh_key, usage
        a = space.allocate(0x10000, usage=usage, commit=False, detail='heap %s' % name)
        a.commit(0, 0x4000)
        self.allocation, self.address = a, a.base
        self.extra = a.base + 0x1000  # buckets and slots follow the heap's own structure
        self.record = Record(space, layout, '_SEGMENT_HEAP', a.base)
        self.segments, self.vs, self.buckets, self.large = [], [], {}, []
        self.chunk_of, self.lfh_of = {}, {}
        self.backend_blocks = {}

    # --- page ranges ------------------------------------------------------------------------

    def pages(self, n, flags, unused=0):
        if not self.segments or self.segments[-1].next + n > UNITS:
            a = self.space.allocate(SEGMENT, usage=self.usage, commit=False, align=SEGMENT,
                                    detail='heap %s' % self.name)
            a.commit(0, 2 * PAGE)
            self.segments.append(PageSegment(a))
        s = self.segments[-1]
        first = s.next
        s.next += n
        s.ranges.append((first, n, flags, unused))
        s.allocation.commit(first * PAGE, n * PAGE)
        return s.address + first * PAGE

    def place(self, size):
        if size > 0x7F0000:
            return self.place_large(size)
        if size > 0x7F000:
            raise ValueError('the context of 16 MB segments is not laid out')
        if size > 0x20000:
            n = (size + PAGE - 1) // PAGE
            address = self.pages(n, ALLOCATED | FIRST, n * PAGE - size)
            self.backend_blocks[address] = n
            return address
        return self.place_vs(size)

    def release(self, block):
        if block in self.lfh_of:
            return
        if block.address in self.chunk_of:
            self.chunk_of[block.address][2] = False
            return
        raise ValueError('this kind of block cannot be freed here')

    # --- variable size ----------------------------------------------------------------------

    def place_vs(self, size):
        units = 1 + (size + 15) // 16
        if not self.vs or self.vs[-1].top + units * 16 > self.vs[-1].end:
            n = max(17, (units * 16 + 0x30 + PAGE - 1) // PAGE + 1)
            address = self.pages(n, ALLOCATED | FIRST | KIND_VS, PAGE)
            where = self.space.find(address)
            where.decommit(address - where.base + (n - 1) * PAGE, PAGE)
            self.vs.append(Vs(address, n, address + 0x30))
        v = self.vs[-1]
        chunk = [v.top, units, True, (units - 1) * 16 - size]
        v.chunks.append(chunk)
        v.top += units * 16
        self.chunk_of[chunk[0] + 16] = chunk
        return chunk[0] + 16

    def gap(self, size, bare=False):
        """Free space; `bare` takes the memory away from the pages that it covers whole."""
        address = self.place_vs(size)
        chunk = self.chunk_of[address]
        chunk[2] = False
        if bare:
            first, last = round_up(chunk[0] + 0x30, PAGE), (chunk[0] + chunk[1] * 16) // PAGE * PAGE
            where = self.space.find(first)
            where.decommit(first - where.base, last - first)
            self.vs[-1].bare += range((first - self.vs[-1].address) // PAGE,
                                      (last - self.vs[-1].address) // PAGE)

    def write_vs(self, v):
        rest = (v.end - v.top) // 16
        if rest:
            v.chunks.append([v.top, rest, False, 0])
        merged = []
        for chunk in v.chunks:
            if merged and not chunk[2] and not merged[-1][2]:
                merged[-1][1] += chunk[1]
            else:
                merged.append(chunk)
        v.chunks = merged
        size = (v.end - v.address - 0x30) // 16
        full = 0 if v.bare else 0x8000
        bitmap = sum(1 << p for p in range(min(v.pages - 1, 64)) if p not in v.bare)
        Record(self.space, self.layout, '_HEAP_VS_SUBSEGMENT', v.address).set(
            CommitBitmap=bitmap, Size=size, Signature=(size ^ VS_MAGIC) & 0x7FFF | full)
        previous = 0
        for address, units, allocated, unused in v.chunks:
            sizes = units << 16 | previous << 32 | (1 << 48 if allocated else 0)
            self.space.put('Q', address, (sizes ^ address ^ self.heap_key) & MASK64)
            page = (address - v.address) // PAGE
            if allocated:
                low = (page ^ address ^ self.heap_key) & 0xFF
                self.space.put('Q', address + 8, low | (0x100 if unused else 0))
                if unused:
                    value = 0x8000 if unused == 1 else unused
                    end = address + units * 16
                    if unused == 1:
                        self.space.put('B', end - 1, value >> 8)
                    else:
                        self.space.put('H', end - 2, value)
            previous = units

    # --- low fragmentation ------------------------------------------------------------------

    def open_bucket(self, size, count):
        """An LFH subsegment of at least `count` blocks (as many as its pages hold) for requests of
        up to `size` bytes; returns its number."""
        block = round_up(max(size, 1), 16)

        def offset(count):
            return round_up(0x30 + (2 * count + 63) // 64 * 8, 16)
        n = max(1, (offset(count) + block * count + PAGE - 1) // PAGE)
        while offset(count + 1) + block * (count + 1) <= n * PAGE:
            count += 1
        address = self.pages(n, ALLOCATED | FIRST | KIND_LFH)
        self.buckets.setdefault(block // 16, []).append(
            {'address': address, 'size': block, 'count': count, 'first': offset(count),
             'slots': [None] * count})
        return block // 16, len(self.buckets[block // 16]) - 1

    def alloc_lfh(self, bucket, size, kind=None, index=None):
        sub = self.buckets[bucket[0]][bucket[1]]
        if index is None:
            index = sub['slots'].index(None)
        block = Block(self, sub['address'] + sub['first'] + index * sub['size'], size, kind)
        sub['slots'][index] = block
        self.blocks.append(block)
        self.lfh_of[block] = bucket
        block.fill(self.space, kind.vtable if kind else None)
        return block

    def write_bucket(self, index, subs):
        bucket = self.extra
        arrays = bucket + 0x70
        slot = arrays + 0x10
        self.extra = slot + 0x40
        space, layout = self.space, self.layout
        Record(space, layout, '_HEAP_LFH_BUCKET', bucket).set(
            TotalBlockCount=sum(s['count'] for s in subs), TotalSubsegmentCount=len(subs),
            AffinitySlots=arrays)
        space.put('Q', arrays, slot)
        for address in (bucket, slot):
            r = Record(space, layout, '_HEAP_LFH_SUBSEGMENT_OWNER', address)
            r.set(IsBucket=address == bucket, BucketIndex=index, SlotCount=address == bucket)
            for field in ('AvailableSubsegmentList', 'FullSubsegmentList'):
                space.link(r.at(field), [])
        lists = {False: [], True: []}
        for s in subs:
            busy = [b is not None and b.busy for b in s['slots']]
            lists[all(busy)].append(s['address'])
            self.write_subsegment(s, busy, slot)
        owner = Record(space, layout, '_HEAP_LFH_SUBSEGMENT_OWNER', slot)
        owner.set(AvailableSubsegmentCount=len(lists[False]))
        space.link(owner.at('AvailableSubsegmentList'), lists[False])
        space.link(owner.at('FullSubsegmentList'), lists[True])
        lfh = Record(space, layout, '_HEAP_LFH_CONTEXT', self.record.at('LfhContext'))
        space.put('Q', lfh.at('Buckets') + index * 8, bucket)

    def write_subsegment(self, s, busy, slot):
        space, address = self.space, s['address']
        r = Record(space, self.layout, '_HEAP_LFH_SUBSEGMENT', address)
        key = (self.lfh_key ^ address >> 12) & 0xFFFFFFFF
        r.set(Owner=slot, FreeCount=s['count'] - sum(busy), BlockCount=s['count'],
              Location=all(busy), BlockOffsets=(s['size'] | s['first'] << 16) ^ key,
              CommitUnitShift=12)
        bits = 0
        for i, b in enumerate(s['slots']):
            if not busy[i]:
                continue
            bits |= 1 << 2 * i
            unused = s['size'] - b.size
            end = address + s['first'] + (i + 1) * s['size']
            if unused:
                bits |= 2 << 2 * i
                if unused == 1:
                    space.put('B', end - 1, 0x80)
                else:
                    space.put('H', end - 2, unused)
        space.write(r.at('BlockBitmap'), bits.to_bytes((2 * s['count'] + 63) // 64 * 8, 'little'))

    # --- large ------------------------------------------------------------------------------

    def place_large(self, size):
        n = (size + PAGE - 1) // PAGE
        a = self.space.allocate((n + 1) * PAGE, usage=self.usage, commit=False,
                                detail='heap %s' % self.name)
        a.commit(0, n * PAGE)
        self.large.append((a, n, size))
        return a.base

    def write_large(self):
        """The tree of large blocks: a chain to the right, which is a tree too. Its nodes are in
        a heap of their own."""
        if not self.large:
            return
        where = self.space.allocate(PAGE, usage=self.usage, detail='heap metadata').base
        nodes = sorted(self.large, key=lambda x: x[0].base)
        middle = len(nodes) // 2

        def node(i):
            return where + 0x40 * i if i is not None else 0

        def write(i, left, right, parent):
            a, n, size = nodes[i]
            Record(self.space, self.layout, '_HEAP_LARGE_ALLOC_DATA', node(i)).set(
                Left=node(left), Right=node(right), ParentValue=node(parent),
                VirtualAddress=a.base | n * PAGE - size, AllocatedPages=n << 12)

        # The middle is the root; below and above it each is the child of its neighbour.
        for i in range(len(nodes)):
            left = i - 1 if 0 < i <= middle else None
            right = i + 1 if middle <= i < len(nodes) - 1 else None
            parent = i + 1 if i < middle else i - 1 if i > middle else None
            write(i, left, right, parent)
        self.record.set(LargeAllocMetadata=node(middle),
                        LargeReservedPages=sum(n + 1 for _, n, _ in nodes),
                        LargeCommittedPages=sum(n for _, n, _ in nodes))

    # --- all --------------------------------------------------------------------------------

    def finish(self):
        space, layout, r = self.space, self.layout, self.record
        r.set(Signature=0xDDEEDDEE, AllocatedBase=self.address + 0x3000,
              UncommittedBase=self.address + 0x4000, ReservedLimit=self.address + 0x10000)
        for v in self.vs:
            self.write_vs(v)
        vs = Record(space, layout, '_HEAP_VS_CONTEXT', r.at('VsContext'))
        vs.set(BackendCtx=r.at('SegContexts'),
               TotalCommittedUnits=sum(c[1] for v in self.vs for c in v.chunks),
               FreeCommittedUnits=sum(c[1] for v in self.vs for c in v.chunks if not c[2]))
        space.link(vs.at('SubsegmentList'), [v.address for v in self.vs])
        lfh = Record(space, layout, '_HEAP_LFH_CONTEXT', r.at('LfhContext'))
        lfh.set(BackendCtx=r.at('SegContexts'))
        for i in range(129):
            space.put('Q', lfh.at('Buckets') + 8 * i, 1 | i << 16)  # not activated
        for index, subs in sorted(self.buckets.items()):
            self.write_bucket(index, subs)
        for i, (mask, shift, first) in enumerate(((SEGMENT - 1, 12, 2), (0xFFFFFF, 16, 1))):
            context = Record(space, layout, '_HEAP_SEG_CONTEXT', r.at('SegContexts') + 0xC0 * i)
            context.set(SegmentMask=~mask & MASK64, UnitShift=shift, PagesPerUnitShift=shift - 12,
                        FirstDescriptorIndex=first, Heap=self.address,
                        MaxAllocationSize=0x7F000 if i == 0 else 0x7F0000,
                        VsContext=vs.address, LfhContext=lfh.address,
                        SegmentCount=0 if i else len(self.segments))
            space.link(context.at('SegmentListHead'),
                       [] if i else [s.address for s in self.segments])
        for s in self.segments:
            self.write_segment(s)
        self.write_large()
        # Large blocks have counters of their own.
        large = sum(n for _, n, _ in self.large)
        r.set(TotalReservedPages=sum(a.size for a in self.allocations()) // PAGE - large,
              TotalCommittedPages=self.committed() // PAGE - large)

    def set_index(self, index):
        self.record.set(ProcessHeapListIndex=index)

    def write_segment(self, s):
        space, layout = self.space, self.layout
        contexts = self.record.at('SegContexts')
        Record(space, layout, '_HEAP_PAGE_SEGMENT', s.address).set(
            Signature=s.address ^ contexts ^ self.heap_key ^ MAGIC)
        ranges = list(s.ranges)
        if s.next < UNITS:
            ranges.append((s.next, UNITS - s.next, FIRST, 0))
        for first, n, flags, unused in ranges:
            for i in range(n):
                d = Record(space, layout, '_HEAP_PAGE_RANGE_DESCRIPTOR',
                           s.address + 0x20 * (first + i))
                if i == 0:
                    d.set(RangeFlags=flags, UnusedBytes=unused, UnitSize=n & 0xFF)
                else:
                    d.set(RangeFlags=flags & ~FIRST, UnitSize=i)
                if flags & ALLOCATED:
                    d.set(TreeSignature=0xCCDDCCDD, CommittedPageCount=1)

    def allocations(self):
        return ([self.allocation] + [s.allocation for s in self.segments] +
                [a for a, _, _ in self.large])

    def committed(self):
        return sum(PAGE for a in self.allocations() for p in a.pages if p[0] != RESERVE)

    def truth(self):
        busy = [b for b in self.blocks if b.busy]
        free = [c for v in self.vs for c in v.chunks if not c[2]]
        idle = [s['size'] for subs in self.buckets.values() for s in subs for b in s['slots']
                if b is None or not b.busy]
        return {
            'address': '0x%x' % self.address, 'kind': 'segment', 'bits': 64,
            'blocks': len(busy), 'bytes': sum(b.size for b in busy),
            'vs': {'subsegments': len(self.vs),
                   'busy': sum(c[2] for v in self.vs for c in v.chunks),
                   'free': len(free), 'free_bytes': sum(c[1] * 16 for c in free)},
            'lfh': {'subsegments': sum(len(s) for s in self.buckets.values()),
                    'busy': len(self.lfh_of) - sum(not b.busy for b in self.lfh_of),
                    'free': len(idle), 'free_bytes': sum(idle)},
            'backend_blocks': len(self.backend_blocks), 'large_blocks': len(self.large),
            'segments': len(self.segments), 'committed_bytes': self.committed(),
            # without the guard page behind each large block
            'reserved_bytes': sum(a.size for a in self.allocations()) - PAGE * len(self.large),
        }
