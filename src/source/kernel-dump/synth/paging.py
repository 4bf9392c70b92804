# SPDX-License-Identifier: MIT
"""Page tables: x64 with four and five levels, x86 with and without PAE, ARM64 (4 KB granule).

Sources: Intel SDM volume 3, chapter 4; Arm ARM, D8 (VMSAv8-64); what Windows keeps in entries that
are not valid: MMPTE_TRANSITION, MMPTE_PROTOTYPE and MMPTE_SOFTWARE of the kernel's public types.
"""

import struct

from physical import PAGE

# Bits of an entry that is not valid, in all modes.
NOT_SWIZZLED, PROTOTYPE, TRANSITION = 1 << 4, 1 << 10, 1 << 11
PROTECTION = 4 << 5  # read and write


class Mode:
    """How one kind of paging looks: (shift, index bits) of each level, the root first."""

    def __init__(self, name, levels, entry, large_level, bits, valid, table, large):
        self.name, self.levels, self.entry = name, levels, entry
        self.large_level = large_level  # which level's entries may map a large page
        self.bits = bits                # of a virtual address
        self.valid, self.table, self.large = valid, table, large
        self.format = '<Q' if entry == 8 else '<I'
        self.arm = name == 'arm64'
        self.kernel_half = (1 << self.levels[0][1]) // 2

    def large_frames(self):
        return 1 << (self.levels[self.large_level][0] - 12)


FOUR = [(39, 9), (30, 9), (21, 9), (12, 9)]
# Kernel entries: valid, write, accessed, dirty, global. ARM64: valid, page, accessed, inner shared.
MODES = {
    'x64': Mode('x64', FOUR, 8, 2, 48, 0x163, 0x63, 0x1E3),
    'x64-la57': Mode('x64-la57', [(48, 9)] + FOUR, 8, 3, 57, 0x163, 0x63, 0x1E3),
    'x86-pae': Mode('x86-pae', [(30, 2), (21, 9), (12, 9)], 8, 1, 32, 0x163, 0x63, 0x1E3),
    'x86': Mode('x86', [(22, 10), (12, 10)], 4, 0, 32, 0x163, 0x63, 0x1E3),
    'arm64': Mode('arm64', FOUR, 8, 2, 48, 0x0060000000000F03, 0x0060000000000F03,
                  0x0060000000000F01),
}


class AddressSpace:
    """The page tables of one address space, and its virtual memory."""

    def __init__(self, physical, mode, invalid_mask=0):
        self.physical, self.mode = physical, MODES[mode]
        self.invalid_mask = invalid_mask
        self.root = physical.take()
        # The four entries of PAE need not be at the start of a page, and are not on Windows.
        self.root_offset = 0x2E0 if mode == 'x86-pae' else 0
        physical.page(self.root)
        self.self_index = None
        self.tables = {}  # (level, prefix) -> frame of that table
        self.frames = {}  # virtual page number -> frame
        self.state = {}   # virtual page number -> what its entry is, if not plainly valid

    # --- tables -------------------------------------------------------------------------------

    def index(self, address, level):
        shift, bits = self.mode.levels[level]
        return (address >> shift) & ((1 << bits) - 1)

    def slot(self, frame, index):
        at = index * self.mode.entry
        return self.physical.page(frame), at + (self.root_offset if frame == self.root else 0)

    def set_entry(self, frame, index, value):
        data, at = self.slot(frame, index)
        struct.pack_into(self.mode.format, data, at, value)

    def get_entry(self, frame, index):
        data, at = self.slot(frame, index)
        return struct.unpack_from(self.mode.format, data, at)[0]

    def table(self, address, level):
        """The frame of the table of a level that is in charge of an address."""
        if level == 0:
            return self.root
        shift = self.mode.levels[level - 1][0]
        key = (level, address >> shift)
        frame = self.tables.get(key)
        if frame is None:
            above = self.table(address, level - 1)
            frame = self.physical.take()
            self.physical.page(frame)
            bits = self.mode.table
            if self.mode.name == 'x86-pae' and level == 1:
                bits = 1  # entries of the pointer table have no other bits
            self.set_entry(above, self.index(address, level - 1), frame << 12 | bits)
            self.tables[key] = frame
        return frame

    def self_map(self, index):
        """The entry of the root that maps the tables themselves."""
        if self.mode.name == 'x86-pae':
            return  # four entries of the second level, not one of the root
        self.set_entry(self.root, index, self.root << 12 | self.mode.table)
        self.self_index = index

    # --- pages --------------------------------------------------------------------------------

    def map(self, address, frame=None):
        """Maps one page; the frame."""
        if frame is None:
            frame = self.physical.take()
            self.physical.use(frame)
        last = len(self.mode.levels) - 1
        self.set_entry(self.table(address, last), self.index(address, last),
                       frame << 12 | self.mode.valid)
        self.frames[address >> 12] = frame
        return frame

    def map_large(self, address, frame):
        """Maps one large page onto frames that follow each other."""
        level = self.mode.large_level
        n = self.mode.large_frames()
        if address >> 12 & (n - 1) or frame & (n - 1):
            raise ValueError('a large page must be aligned')
        self.set_entry(self.table(address, level), self.index(address, level),
                       frame << 12 | self.mode.large)
        for i in range(n):
            self.frames[(address >> 12) + i] = frame + i

    def entry_of(self, address):
        """(frame of the page table, index) of an address."""
        last = len(self.mode.levels) - 1
        return self.table(address, last), self.index(address, last)

    def set_invalid(self, address, value):
        frame, index = self.entry_of(address)
        self.set_entry(frame, index, value)

    def swizzled(self, value):
        """An entry that is not valid as Windows keeps it since 2018: with bits set that no address
        of memory has (against the L1 terminal fault), or, where the entry needs those, bit 4."""
        if not self.invalid_mask:
            return value
        return value | (NOT_SWIZZLED if value & self.invalid_mask else self.invalid_mask)

    def transition_value(self, frame):
        return self.swizzled(frame << 12 | TRANSITION | PROTECTION)

    def make_transition(self, address):
        """The page stays in memory; its entry says transition."""
        self.set_invalid(address, self.transition_value(self.frames[address >> 12]))
        self.state[address >> 12] = 'transition'

    def paged_out_value(self, slot):
        if self.mode.entry == 4:
            return slot << 12 | PROTECTION | 2  # PageFileHigh, page file 1
        return self.swizzled(slot << 32 | 1 << 12 | PROTECTION)

    def make_paged_out(self, address, slot=0x1234):
        """The page is in a page file; its frame holds something else."""
        self.set_invalid(address, self.paged_out_value(slot))
        frame = self.frames.pop(address >> 12)
        self.physical.pages.pop(frame, None)
        self.physical.zero.discard(frame)
        self.state[address >> 12] = 'paged out'

    def make_prototype(self, address, prototype, how='valid'):
        """The entry points to a prototype entry (in kernel memory, written here), which is valid,
        in transition, or in a page file."""
        frame = self.frames[address >> 12]
        if how == 'valid':
            value = frame << 12 | self.mode.valid
        elif how == 'transition':
            value = self.transition_value(frame)
        else:
            value = self.paged_out_value(0x777)
        self.write(prototype, struct.pack(self.mode.format, value))
        if self.mode.entry == 8:
            entry = self.swizzled((prototype & 0xFFFFFFFFFFFF) << 16 | PROTOTYPE | PROTECTION)
            if self.mode.name == 'x86-pae':
                entry = (prototype & 0xFFFFFFFF) << 32 | PROTOTYPE | PROTECTION
        else:
            # ProtoAddressLow and ProtoAddressHigh, in units of 4 bytes from the paged pool's base.
            raise ValueError('prototype entries of two-level paging need the base of the pool')
        self.set_invalid(address, entry)
        self.state[address >> 12] = 'prototype ' + how
        if how == 'paged out':
            self.frames.pop(address >> 12)
            self.physical.pages.pop(frame, None)
            self.physical.zero.discard(frame)

    # --- memory -------------------------------------------------------------------------------

    def write(self, address, data):
        """Writes bytes; pages that are not mapped yet become so."""
        at, n = 0, len(data)
        while at < n:
            here = address + at
            offset = here & (PAGE - 1)
            part = min(n - at, PAGE - offset)
            frame = self.frames.get(here >> 12)
            if frame is None:
                frame = self.map(here)
            self.physical.page(frame)[offset:offset + part] = data[at:at + part]
            at += part

    def read(self, address, n):
        out = bytearray()
        while n:
            offset = address & (PAGE - 1)
            part = min(n, PAGE - offset)
            frame = self.frames.get(address >> 12)
            page = self.physical.pages.get(frame)
            out += page[offset:offset + part] if page else bytes(part)
            address += part
            n -= part
        return bytes(out)

    def share_kernel(self, other):
        """Makes a frame the root of another address space with the same kernel half; its directory
        table."""
        at = self.root_offset + self.mode.kernel_half * self.mode.entry
        end = self.root_offset + 2 * self.mode.kernel_half * self.mode.entry
        self.physical.page(other)[at:end] = self.physical.page(self.root)[at:end]
        if self.self_index is not None:
            self.set_entry(other, self.self_index, other << 12 | self.mode.table)
        return other << 12 | self.root_offset

    def directory_table(self):
        return self.root << 12 | self.root_offset


__all__ = ['AddressSpace', 'MODES', 'PAGE']
