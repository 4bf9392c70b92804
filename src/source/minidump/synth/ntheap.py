# SPDX-License-Identifier: MIT
"""NT heaps: segments of encoded entries, uncommitted ranges, virtual blocks, the LFH front end.

What is where comes from the types in layout.py; what the numbers mean, from the real heaps of a
Windows 7 dump (encoding, checksum, the entry that holds an uncommitted range's descriptor) and from
published descriptions of the heap ("Understanding the Low Fragmentation Heap", "Windows 8 Heap
Internals") for the bitmap and the encoded offsets of the later front end.
"""

import random

from blocks import Owner
from layout import Record
from space import PAGE, RESERVE, round_up

BUSY, EXTRA, INTERNAL, VIRTUAL = 0x01, 0x02, 0x08, 0x08
ENCODE_FLAG = 0x00100000
LFH_SIGNATURE = 0xF0E0D0C0
FRONT_END_WIN7 = 0xD4000
ZONE = 0x3C0  # bytes of a zone for subsegments


class Entry:
    """One backend entry of a segment: free, the program's, or the heap's own."""

    def __init__(self, address, units, flags, unused, first=False, owner=None):
        self.address, self.units, self.flags, self.unused = address, units, flags, unused
        self.first = first  # after the header of a segment or an uncommitted range
        self.owner = owner  # 'program', 'heap', 'ucr' or None for free ones


class Segment:
    def __init__(self, allocation, address):
        self.allocation, self.address = allocation, address
        self.top = 0
        self.entries = []
        self.uncommitted = []  # (descriptor, address, size)
        self.end = allocation.base + allocation.size


class NtHeap(Owner):
    def __init__(self, space, layout, name, seed=1, reserve=0x100000, encoded=True, lfh_key=0,
                 base=None, usage=None):
        super().__init__(space, name)
        self.layout, self.encoded, self.lfh_key = layout, encoded, lfh_key
        self.usage = usage or 'Heap%d' % layout.bits
        self.unit = 16 if layout.bits == 64 else 8
        # On x64 a block reaches into the first word of the next entry.
        self.spill = 8 if layout.bits == 64 else 0
        self.random = random.Random(seed)
        self.lfh = None
        self.virtual = []  # (block, allocation)
        self.lfh_blocks = {}  # block -> (subsegment, index)
        self.entry_of = {}
        self.segments = []
        self.reserve = reserve
        self.code1 = self.random.getrandbits(32) | ENCODE_FLAG if encoded else 0
        self.code2 = self.random.getrandbits(16) if encoded else 0
        first = self.segment(reserve, base)
        self.address = first.address
        self.record = Record(space, layout, '_HEAP', self.address)

    # --- segments and entries ---------------------------------------------------------------

    def segment(self, size, base=None):
        a = self.space.allocate(size, usage=self.usage, commit=False, base=base,
                                detail='heap %s' % self.name)
        made = Segment(a, a.base)
        header = (self.layout.offset('_HEAP', 'FirstBlock') if not self.segments
                  else self.layout.sizes['_HEAP_SEGMENT'])
        made.entries.append(Entry(a.base, header // self.unit, BUSY, 1, True, 'heap'))
        made.top = a.base + header
        a.commit(0, PAGE)
        self.segments.append(made)
        return made

    def units(self, size):
        return max(2, (size + self.unit - self.spill + self.unit - 1) // self.unit)

    def room(self, segment, units):
        """Whether the units and the descriptor of what stays uncommitted still fit."""
        need = units * self.unit + self.descriptor_units() * self.unit
        return segment.top + need <= segment.end - 2 * PAGE

    def descriptor_units(self):
        return 1 + (self.layout.sizes['_HEAP_UCR_DESCRIPTOR'] + self.unit - 1) // self.unit

    def entry(self, units, flags, unused, owner):
        segment = self.segments[-1]
        if not self.room(segment, units):
            segment = self.segment(max(self.reserve, round_up(units * self.unit * 2, 0x10000)))
        first = bool(segment.uncommitted and segment.uncommitted[-1][1] +
                     segment.uncommitted[-1][2] == segment.top)
        made = Entry(segment.top, units, flags, unused, first, owner)
        segment.entries.append(made)
        segment.top += units * self.unit
        offset = made.address - segment.address
        segment.allocation.commit(offset, units * self.unit)
        return made

    def place(self, size):
        units = self.units(size)
        limit = 0xFF00 if self.layout.bits == 64 else 0xFE00
        if units > limit:
            return self.place_virtual(size)
        made = self.entry(units, BUSY, units * self.unit - size, 'program')
        self.entry_of[made.address + self.unit] = made
        return made.address + self.unit

    def release(self, block):
        if block in self.lfh_blocks:
            return  # its bit stays clear
        made = self.entry_of[block.address]
        made.flags, made.unused, made.owner = 0, 0, None

    def gap(self, size):
        """Free space between the blocks before and after."""
        self.entry(self.units(size), 0, 0, None)

    def own(self, size):
        """A busy entry of the heap itself."""
        made = self.entry(self.units(size), BUSY | INTERNAL, self.unit, 'heap')
        return made.address + self.unit

    def uncommit(self, pages):
        """A range without memory in the middle of the segment, described by the entry before it."""
        segment = self.segments[-1]
        start = self.close_run(segment)
        size = pages * PAGE
        descriptor = segment.entries[-1]
        segment.uncommitted.append((descriptor.address + self.unit, start, size))
        segment.allocation.decommit(start - segment.address, size)
        segment.top = start + size

    def close_run(self, segment):
        """Ends the committed run at a page, with the entry of a descriptor; returns its end."""
        units = self.descriptor_units()
        end = round_up(segment.top + units * self.unit, PAGE)
        free = (end - segment.top) // self.unit - units
        if free == 1:
            end += PAGE
            free += PAGE // self.unit
        if end > segment.end:
            raise ValueError('no room for a descriptor')
        if free:
            segment.entries.append(Entry(segment.top, free, 0, 0))
        segment.entries.append(Entry(end - units * self.unit, units, BUSY, 3, owner='ucr'))
        segment.allocation.commit(segment.top - segment.address, end - segment.top)
        return end

    # --- virtual blocks ---------------------------------------------------------------------

    def place_virtual(self, size):
        header = self.layout.sizes['_HEAP_VIRTUAL_ALLOC_ENTRY']
        a = self.space.allocate(round_up(size + header, PAGE), usage=self.usage,
                                detail='heap %s' % self.name)
        self.virtual.append((a, size))
        return a.base + header

    # --- the LFH front end ------------------------------------------------------------------

    def open_lfh(self):
        """The front end's own structures: a virtual block of the heap in Windows 7 (as in a real
        dump), a reservation of its own since."""
        win7 = self.layout.windows == 'win7'
        size = FRONT_END_WIN7 if win7 else 0x10000
        a = self.space.allocate(size, usage=self.usage, commit=False,
                                detail='heap %s' % self.name)
        a.commit(0, size if win7 else 0x4000)
        self.front_end = a
        self.lfh = a.base
        if win7:
            self.lfh += self.layout.sizes['_HEAP_VIRTUAL_ALLOC_ENTRY']
        self.zone = self.own(ZONE + 0x20)
        self.subsegments = []
        self.next_info = a.base + round_up(self.layout.sizes['_LFH_HEAP'], 16)

    def open_bucket(self, size, count, infos=True):
        """A subsegment of `count` blocks for requests of up to `size` bytes; returns its number."""
        if self.lfh is None:
            self.open_lfh()
        units = self.units(size)
        win7 = self.layout.windows == 'win7'
        if win7:
            first = self.layout.sizes['_HEAP_USERDATA_HEADER']
        else:
            word = 64 if self.layout.bits == 64 else 32
            bitmap = (count + word - 1) // word * (word // 8)
            first = round_up(self.layout.offset('_HEAP_USERDATA_HEADER', 'BitmapData') + bitmap,
                             self.unit)
        if (len(self.subsegments) + 1) * self.layout.sizes['_HEAP_SUBSEGMENT'] > ZONE:
            raise ValueError('a second zone of subsegments is not laid out')
        user_blocks = self.own(first + count * units * self.unit)
        zone = self.layout.offset('_LFH_BLOCK_ZONE', 'FirstSubSegment')
        address = self.zone + zone + len(self.subsegments) * self.layout.sizes['_HEAP_SUBSEGMENT']
        self.subsegments.append((address, user_blocks, units, count, first,
                                 [None] * count))
        return len(self.subsegments) - 1

    def alloc_lfh(self, bucket, size, kind=None, index=None):
        from blocks import Block
        address, user_blocks, units, count, first, slots = self.subsegments[bucket]
        if index is None:
            index = slots.index(None)
        stride = units * self.unit
        block = Block(self, user_blocks + first + index * stride + self.unit, size, kind)
        slots[index] = block
        self.blocks.append(block)
        self.lfh_blocks[block] = (bucket, index)
        block.fill(self.space, kind.vtable if kind else None)
        return block

    # --- writing it all ---------------------------------------------------------------------

    def encode(self, address, units, flags, previous, offset, unused):
        tag = (units ^ units >> 8 ^ flags) & 0xFF
        code1 = (units | flags << 16 | tag << 24) ^ self.code1
        at = address + (8 if self.layout.bits == 64 else 0)
        self.space.put('I', at, code1)
        self.space.put('H', at + 4, previous ^ self.code2)
        self.space.put('B', at + 6, offset)
        self.space.put('B', at + 7, unused)

    def finish(self):
        for segment in self.segments:
            if segment.top < segment.end:
                end = self.close_run(segment)
                if end < segment.end:
                    segment.uncommitted.append((segment.entries[-1].address + self.unit, end,
                                                segment.end - end))
        for segment in self.segments:
            self.merge_free(segment)
            self.write_segment(segment)
        self.write_header()
        self.write_lists()
        for a, size in self.virtual:
            self.write_virtual(a, size)
        if self.lfh:
            self.write_lfh()

    def merge_free(self, segment):
        merged = []
        for e in segment.entries:
            if merged and not e.flags & BUSY and not merged[-1].flags & BUSY and not e.first:
                merged[-1].units += e.units
            else:
                merged.append(e)
        segment.entries = merged

    def write_segment(self, segment):
        r = Record(self.space, self.layout, '_HEAP', segment.address)
        pages = segment.allocation.size // PAGE
        bare = sum(size for _, _, size in segment.uncommitted) // PAGE
        r.set(SegmentSignature=0xFFEEFFEE, SegmentFlags=2 if segment is self.segments[0] else 0,
              Heap=self.address, BaseAddress=segment.address, NumberOfPages=pages,
              FirstEntry=segment.address + segment.entries[0].units * self.unit,
              LastValidEntry=segment.end, NumberOfUnCommittedPages=bare,
              NumberOfUnCommittedRanges=len(segment.uncommitted))
        previous = 0
        for e in segment.entries:
            if e.first:
                previous = 0
            self.encode(e.address, e.units, e.flags, previous, 0, e.unused)
            previous = e.units
        ucr = [Record(self.space, self.layout, '_HEAP_UCR_DESCRIPTOR', d).set(Address=a, Size=n)
               for d, a, n in segment.uncommitted]
        self.space.link(r.at('UCRSegmentList'), [u.at('SegmentEntry') for u in ucr])

    def write_header(self):
        committed = sum(a.pages.count((0x1000, 4)) for a in (s.allocation for s in self.segments))
        r = self.record
        r.set(Flags=2, EncodeFlagMask=ENCODE_FLAG if self.encoded else 0, Signature=0xEEFFEEFF,
              VirtualMemoryThreshold=0xFF00 if self.layout.bits == 64 else 0xFE00,
              SegmentReserve=self.reserve, SegmentCommit=PAGE * 2,
              DeCommitFreeBlockThreshold=0x100, DeCommitTotalFreeThreshold=0x1000,
              MaximumAllocationSize=self.space.end - PAGE, AlignRound=2 * self.unit - 1,
              AlignMask=2**self.layout.bits - self.unit,
              TotalFreeSize=sum(e.units for s in self.segments for e in s.entries
                                if not e.flags & BUSY))
        at = r.at('Encoding') + (8 if self.layout.bits == 64 else 0)
        self.space.put('I', at, self.code1)
        self.space.put('H', at + 4, self.code2)
        Record(self.space, self.layout, '_HEAP_COUNTERS', r.at('Counters')).set(
            TotalMemoryReserved=sum(s.allocation.size for s in self.segments),
            TotalMemoryCommitted=committed * PAGE,
            TotalSizeInVirtualBlocks=sum(a.size for a, _ in self.virtual),
            TotalSegments=len(self.segments),
            TotalUCRs=sum(len(s.uncommitted) for s in self.segments))

    def set_index(self, index):
        self.record.set(ProcessHeapsListIndex=index)

    def write_lists(self):
        r, space = self.record, self.space
        at = self.layout.offset('_HEAP', 'SegmentListEntry')
        space.link(r.at('SegmentList'), [s.address + at for s in self.segments])
        space.link(r.at('UCRList'), [d for s in self.segments for d, _, _ in s.uncommitted])
        free = sorted((e for s in self.segments for e in s.entries if not e.flags & BUSY),
                      key=lambda e: e.units)
        space.link(r.at('FreeLists'), [e.address + self.unit for e in free])
        virtual = [a.base for a, _ in self.virtual]
        if self.lfh and self.layout.windows == 'win7':
            virtual.insert(0, self.front_end.base)
        space.link(r.at('VirtualAllocdBlocks'), virtual)

    def write_virtual(self, a, size):
        r = Record(self.space, self.layout, '_HEAP_VIRTUAL_ALLOC_ENTRY', a.base)
        r.set(CommitSize=a.size, ReserveSize=a.size)
        # The field of the previous size is not encoded here.
        self.encode(r.at('BusyBlock'), a.size - size, BUSY | EXTRA | VIRTUAL, self.code2, 0, 4)

    def write_lfh(self):
        space, layout = self.space, self.layout
        zone = Record(space, layout, '_LFH_BLOCK_ZONE', self.zone)
        self.record.set(FrontEndHeap=self.lfh, FrontEndHeapType=2)
        if layout.windows == 'win7':
            size = layout.sizes['_HEAP_SUBSEGMENT']
            zone.set(FreePointer=zone.at('FirstSubSegment') + len(self.subsegments) * size,
                     Limit=self.zone + ZONE + 0x20 - size)
            lfh = Record(space, layout, '_LFH_HEAP', self.lfh)
            lfh.set(Heap=self.address)
            space.link(lfh.at('SubSegmentZones'), [zone.at('ListEntry')])
            self.write_virtual(self.front_end, FRONT_END_WIN7 - 0x2D8)
        else:
            lfh = Record(space, layout, '_LFH_HEAP', self.lfh)
            lfh.set(Heap=self.address, NextSegmentInfoArrayAddress=self.next_info,
                    FirstUncommittedAddress=self.lfh + 0x4000,
                    ReservedAddressLimit=self.lfh + 0x10000)
            space.link(lfh.at('SubSegmentZones'), [zone.at('ListEntry')])
            zone.set(NextIndex=len(self.subsegments))
            Record(space, layout, '_HEAP_LOCAL_DATA', lfh.at('LocalData')).set(
                CrtZone=self.zone, LowFragHeap=self.lfh)
        for n in range(len(self.subsegments)):
            self.write_subsegment(n)

    def write_subsegment(self, number):
        address, user_blocks, units, count, first, slots = self.subsegments[number]
        space, layout, win7 = self.space, self.layout, self.layout.windows == 'win7'
        busy = [b is not None and b.busy for b in slots]
        free = count - sum(busy)
        r = Record(space, layout, '_HEAP_SUBSEGMENT', address)
        r.set(UserBlocks=user_blocks, AggregateExchg=free, BlockSize=units, BlockCount=count,
              SizeIndex=min(units, 128))
        head = Record(space, layout, '_HEAP_USERDATA_HEADER', user_blocks)
        head.set(SubSegment=address, SizeIndex=min(units, 128), Signature=LFH_SIGNATURE)
        stride = units * self.unit
        if not win7:
            info = Record(space, layout, '_HEAP_LOCAL_SEGMENT_INFO', self.next_info)
            self.next_info += round_up(layout.sizes['_HEAP_LOCAL_SEGMENT_INFO'], 16)
            lfh = Record(space, layout, '_LFH_HEAP', self.lfh)
            info.set(LocalData=lfh.at('LocalData'), ActiveSubsegment=address,
                     BucketIndex=min(units, 128))
            r.set(LocalInfo=info.address)
            space.put('P', lfh.at('SegmentInfoArrays') + min(units, 128) * space.word,
                      info.address)
            space.put('H', lfh.at('Buckets') + min(units, 128) * 4, units)
            space.put('B', lfh.at('Buckets') + min(units, 128) * 4 + 2, min(units, 128))
            bits = sum(1 << i for i, b in enumerate(busy) if b)
            word = space.word
            head.set(EncodedOffsets=((first | stride << 16) ^ user_blocks ^ self.lfh ^
                                     self.lfh_key) & 0xFFFFFFFF,
                     SizeOfBitMap=count, BitmapBuffer=head.at('BitmapData'))
            length = (count + 8 * word - 1) // (8 * word) * word
            space.write(head.at('BitmapData'), bits.to_bytes(length, 'little'))
        shift = 4 if layout.bits == 64 else 3
        for i, block in enumerate(slots):
            at = user_blocks + first + i * stride
            link = address if win7 else at - user_blocks << 12
            code = (link ^ self.address ^ at >> shift ^ self.lfh_key) & 0xFFFFFFFF
            body = at + (8 if layout.bits == 64 else 0)
            unused = 0x80 | (stride - block.size if busy[i] else 0)
            space.put('I', body, code)
            space.put('H', body + 4, i)
            space.put('B', body + 6, 0)
            space.put('B', body + 7, unused)

    # --- what is true -----------------------------------------------------------------------

    def truth(self):
        busy = [b for b in self.blocks if b.busy]
        entries = [e for s in self.segments for e in s.entries if e.owner != 'heap' or
                   e.address != s.address]
        own = [e for e in entries if e.owner in ('heap', 'ucr')]
        backend = [e for e in entries if e.flags & BUSY]
        free = [e for e in entries if not e.flags & BUSY]
        slots = [(s[2] * self.unit, b) for s in getattr(self, 'subsegments', []) for b in s[5]]
        idle = [size for size, b in slots if b is None or not b.busy]
        allocations = [s.allocation for s in self.segments] + [a for a, _ in self.virtual]
        front_end = [self.front_end] if self.lfh else []
        if self.layout.windows == 'win7':
            allocations += front_end
        return {
            'address': '0x%x' % self.address, 'kind': 'nt', 'bits': self.layout.bits,
            'blocks': len(busy), 'bytes': sum(b.size for b in busy),
            'backend': {
                'busy_entries': len(backend),
                'busy_entry_bytes': sum(e.units for e in backend) * self.unit,
                'own_entries': len(own), 'own_entry_bytes': sum(e.units for e in own) * self.unit,
                'free_entries': len(free),
                'free_entry_bytes': sum(e.units for e in free) * self.unit},
            'lfh': {'subsegments': len(getattr(self, 'subsegments', [])),
                    'busy': len(slots) - len(idle), 'free': len(idle),
                    'free_bytes': sum(idle)},
            'virtual_blocks': len(self.virtual),
            'virtual_bytes': sum(a.size for a, _ in self.virtual),
            'front_end_bytes': sum(a.size for a in front_end),
            'segments': len(self.segments),
            'uncommitted_ranges': sum(len(s.uncommitted) for s in self.segments),
            'committed_bytes': sum(PAGE for a in allocations for p in a.pages if p[0] != RESERVE),
            'reserved_bytes': sum(a.size for a in allocations),
        }
