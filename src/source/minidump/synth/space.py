# SPDX-License-Identifier: MIT
"""An address space as Windows keeps it: allocations, their pages, and the free space between.

The names and numbers are those of VirtualAlloc and VirtualQuery (MEMORY_BASIC_INFORMATION).
"""

import bisect
import struct

PAGE = 0x1000
GRANULE = 0x10000
COMMIT, RESERVE, FREE = 0x1000, 0x2000, 0x10000
PRIVATE, MAPPED, IMAGE = 0x20000, 0x40000, 0x1000000
NOACCESS, READONLY, READWRITE, WRITECOPY = 1, 2, 4, 8
EXECUTE_READ, GUARD = 0x20, 0x100


def round_up(value, unit):
    return (value + unit - 1) // unit * unit


class Allocation:
    """What one VirtualAlloc or one mapping made: pages with a state and a protection each.

    `usage` is what the pages are for, in WinDbg's words: the truth that a test compares with."""

    def __init__(self, base, size, kind, protect, usage, detail=None):
        self.base, self.size, self.kind, self.protect = base, size, kind, protect
        self.usage, self.detail = usage, detail
        self.pages = [(RESERVE, 0)] * (size // PAGE)
        self.usages = {}  # page index -> another usage than the allocation's
        self.data = bytearray()
        self.absent = set()  # committed pages that a dump leaves out

    def commit(self, offset, size, protect=None):
        for page in range(offset // PAGE, round_up(offset + size, PAGE) // PAGE):
            self.pages[page] = (COMMIT, protect or self.protect)
        return self

    def decommit(self, offset, size):
        for page in range(offset // PAGE, (offset + size) // PAGE):
            self.pages[page] = (RESERVE, 0)

    def write(self, offset, data):
        if offset + len(data) > self.size:
            raise ValueError('a write beyond the allocation')
        if offset + len(data) > len(self.data):
            self.data += bytes(round_up(offset + len(data), PAGE) - len(self.data))
        self.data[offset:offset + len(data)] = data

    def read(self, offset, n):
        return bytes(self.data[offset:offset + n]).ljust(n, b'\0')

    def runs(self, key):
        """(first page, count, key) of pages next to each other that have the same key."""
        first = 0
        for page in range(1, len(self.pages) + 1):
            if page == len(self.pages) or key(page) != key(first):
                yield first, page - first, key(first)
                first = page


class Region:
    def __init__(self, base, size, state, kind=0, protect=0, owner=None, usage='Free'):
        self.base, self.size, self.state, self.kind = base, size, state, kind
        self.protect, self.owner, self.usage = protect, owner, usage


class Space:
    def __init__(self, bits, first=0x10000, end=None):
        self.bits = bits
        self.pointer = 'Q' if bits == 64 else 'I'
        self.word = bits // 8
        self.end = end or (0x7FFFFFFF0000 if bits == 64 else 0x7FFF0000)
        self.next = first
        self.allocations = []  # in order of address
        self.bases = []

    def allocate(self, size, kind=PRIVATE, protect=READWRITE, usage='<unknown>', base=None,
                 commit=True, detail=None, align=GRANULE):
        size = round_up(size, PAGE)
        if base is None:
            base = round_up(self.next, align)
            self.next = base + round_up(size, GRANULE)
        made = Allocation(base, size, kind, protect, usage, detail)
        at = bisect.bisect(self.bases, base)
        before = self.allocations[at - 1] if at else None
        after = self.allocations[at] if at < len(self.allocations) else None
        if before and before.base + before.size > base or after and base + size > after.base:
            raise ValueError('allocations overlap at %#x' % base)
        self.bases.insert(at, base)
        self.allocations.insert(at, made)
        return made.commit(0, size) if commit else made

    def find(self, address):
        at = bisect.bisect(self.bases, address) - 1
        if at < 0 or address >= self.bases[at] + self.allocations[at].size:
            raise ValueError('nothing at %#x' % address)
        return self.allocations[at]

    def write(self, address, data):
        where = self.find(address)
        where.write(address - where.base, data)

    def read(self, address, n):
        where = self.find(address)
        return where.read(address - where.base, n)

    def put(self, fmt, address, value):
        fmt = self.pointer if fmt == 'P' else fmt
        self.write(address, struct.pack('<' + fmt, value))

    def get(self, fmt, address):
        fmt = self.pointer if fmt == 'P' else fmt
        return struct.unpack('<' + fmt, self.read(address, struct.calcsize('<' + fmt)))[0]

    def link(self, head, entries):
        """A doubly linked list (LIST_ENTRY) with its head and its entries, by address."""
        ring = [head, *entries]
        for i, entry in enumerate(ring):
            self.put('P', entry, ring[(i + 1) % len(ring)])
            self.put('P', entry + self.word, ring[i - 1])

    def regions(self):
        """All regions as VirtualQuery would give them, from address 0 to the end."""
        out = []
        at = 0
        for a in self.allocations:
            if a.base > at:
                out.append(Region(at, a.base - at, FREE, 0, NOACCESS))
            for first, n, ((state, protect), usage) in a.runs(
                    lambda p, a=a: (a.pages[p], a.usages.get(p, a.usage))):
                out.append(Region(a.base + first * PAGE, n * PAGE, state, a.kind, protect, a,
                                  usage))
            at = a.base + a.size
        if at < self.end:
            out.append(Region(at, self.end - at, FREE, 0, NOACCESS))
        return out

    def held(self):
        """(address, bytes) of the committed memory that a full dump holds: pages that can be
        read (a guard page cannot)."""
        for a in self.allocations:
            def there(p, a=a):
                state, protect = a.pages[p]
                return (state == COMMIT and not protect & GUARD and protect != NOACCESS
                        and p not in a.absent)
            for first, n, held in a.runs(there):
                if held:
                    yield a.base + first * PAGE, a.read(first * PAGE, n * PAGE)


def narrow(space, first=0x500000):
    """The same space as 32-bit code in it sees it: pointers of four bytes, addresses below 4 GB."""
    low = Space(32, first)
    low.allocations, low.bases = space.allocations, space.bases
    return low
