# SPDX-License-Identifier: MIT
"""Pool tags: tracker tables of the system, of each processor, their expansion, and of a session."""

import struct

from paging import PAGE

MASK32, MASK64 = 2**32 - 1, 2**64 - 1
PROTECTED = 1 << 31


class Tag:
    """What was ever allocated of a tag: (allocations, frees, bytes in use) in each pool."""

    def __init__(self, text, nonpaged=(0, 0, 0), paged=(0, 0, 0), protected=False):
        self.text, self.nonpaged, self.paged = text, nonpaged, paged
        self.key = struct.unpack('<I', text.encode().ljust(4))[0] | (PROTECTED if protected else 0)


def hashed(key, n):
    """A place in a table of n entries, the last one of which is not for tags."""
    key &= MASK32
    return ((40543 * (((key & 0xFF) << 2 ^ (key >> 8 & 0xFF)) << 2 ^ (key >> 16 & 0xFF)) << 2 ^
             key >> 24) * 7) % (n - 1)


class Trackers:
    """Writes the tables. `entries` is the size of each."""

    def __init__(self, machine, entries=0x101, expansion=0, table_twice=True, holes=()):
        self.m, self.era, self.n = machine, machine.era, entries
        self.n_expansion, self.table_twice = expansion, table_twice
        self.holes = holes  # processors that have no table
        self.layout = self.era.types['_POOL_TRACKER_TABLE']
        # 32-bit counts up to 15063; bytes are as wide as a pointer then.
        self.count_bytes = 4 if self.era.build < 16299 else 8
        self.size_bytes = self.era.pointer
        self.tags, self.session_tags = [], []

    def record(self, key, nonpaged, paged):
        t = self.layout
        out = bytearray(t[''])
        struct.pack_into('<I', out, t['Key'], key)
        count, cmask = ('<I', MASK32) if self.count_bytes == 4 else ('<Q', MASK64)
        size, smask = ('<I', MASK32) if self.size_bytes == 4 else ('<Q', MASK64)
        for pool, (allocs, frees, n) in (('NonPaged', nonpaged), ('Paged', paged)):
            struct.pack_into(count, out, t[pool + 'Allocs'], allocs & cmask)
            struct.pack_into(count, out, t[pool + 'Frees'], frees & cmask)
            struct.pack_into(size, out, t[pool + 'Bytes'], n & smask)
        if '' in t and t[''] == 0x50:  # limits that nobody set
            struct.pack_into('<Q', out, 0x38, 0)
            struct.pack_into('<Q', out, 0x48, 0)
        return bytes(out)

    def table(self, rows, n, region='nonpaged', overflow=True):
        """A table with rows (key, nonpaged, paged); its address and the rows without room."""
        size = self.layout['']
        at = self.m.alloc(region, n * size, PAGE)
        places, left = {}, []
        for row in rows:
            where, tries = hashed(row[0], n), 0
            while where in places and tries < n:
                where, tries = (where + 1) % (n - 1), tries + 1
            if where in places:
                left.append(row)
            else:
                places[where] = row
        data = bytearray(n * size)
        for where, row in places.items():
            data[where * size:(where + 1) * size] = self.record(*row)
        if overflow:
            key, = struct.unpack('<I', b'Ovfl')
            data[-size:] = self.record(key, (0, 0, 0), (0, 0, 0))
        self.m.write(at, bytes(data))
        return at, left

    def split(self, numbers, processor, n):
        """What one of n processors counted of (allocs, frees, bytes). Blocks are freed where they
        were not allocated: the first one's bytes go up, the others' below zero."""
        allocs, frees, used = numbers
        share = [allocs // n] * n
        share[0] += allocs - sum(share)
        given = [frees // n] * n
        given[-1] += frees - sum(given)
        size = used // max(1, allocs - frees) if allocs > frees else 64
        bytes_of = [(a - f) * size for a, f in zip(share, given)]
        bytes_of[0] += used - sum(bytes_of)
        return share[processor], given[processor], bytes_of[processor]

    def expanded(self):
        return self.tags[len(self.tags) - self.n_expansion:] if self.n_expansion else []

    def write(self):
        m = self.m
        n = m.processors if m.has('ExPoolTagTables') else 1
        with_table = [i for i in range(n) if i not in self.holes]
        tables = [0] * n
        expanded = self.expanded()
        normal = self.tags[:len(self.tags) - len(expanded)]
        for place, processor in enumerate(with_table):
            rows = []
            for tag in normal:
                row = (tag.key, self.split(tag.nonpaged, place, len(with_table)),
                       self.split(tag.paged, place, len(with_table)))
                if any(row[1]) or any(row[2]):
                    rows.append(row)
            tables[processor], left = self.table(rows, self.n)
            if left:
                raise ValueError('%d tags have no room' % len(left))
        first = tables[with_table[0]]
        m.ptr(m.symbol('PoolTrackTable'), first)
        m.ulong_ptr(m.symbol('PoolTrackTableSize'), self.n)
        if m.has('PoolTrackTableMask'):
            m.ulong_ptr(m.symbol('PoolTrackTableMask'), self.n - 2)
        if m.has('ExPoolTagTables'):
            shown = list(tables)
            if not self.table_twice:
                shown[with_table[0]] = 0
            m.ptr(m.symbol('ExPoolTagTables'), *shown)
        if m.has('PoolTrackTableExpansion'):
            size = self.n_expansion + 3 if expanded else 0
            at = 0
            if expanded:
                at, _ = self.table([(t.key, t.nonpaged, t.paged) for t in expanded], size,
                                   overflow=False)
            m.ptr(m.symbol('PoolTrackTableExpansion'), at)
            m.ulong_ptr(m.symbol('PoolTrackTableExpansionSize'), size)
        elif expanded:
            raise ValueError('this kernel has no expansion')
        if m.has('ExpSessionPoolTrackTable') and self.session_tags:
            at, _ = self.table([(t.key, t.nonpaged, t.paged) for t in self.session_tags], 0x21,
                               'session')
            m.ptr(m.symbol('ExpSessionPoolTrackTable'), at)
            m.ulong_ptr(m.symbol('ExpSessionPoolTrackTableSize'), 0x21)
        self.address = first

    def truth(self, tags):
        wraps = self.count_bytes == 4
        rows = []
        for tag in tags:
            for pool, (allocs, frees, used) in (('nonpaged', tag.nonpaged), ('paged', tag.paged)):
                if allocs or frees or used:
                    mask = MASK32 if wraps else MASK64
                    rows.append({'tag': tag.text, 'key': tag.key, 'pool': pool,
                                 'allocs': allocs & mask, 'frees': frees & mask,
                                 'diff': (allocs - frees) & mask, 'bytes': used, 'wraps': wraps})
        return sorted(rows, key=lambda r: (r['tag'], r['pool']))
