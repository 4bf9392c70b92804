# SPDX-License-Identifier: MIT
"""A machine: physical memory, the kernel's address space with its regions, the kernel's image with
its variables, the loaded modules, and the debugger's data block."""

import struct
import uuid

from paging import AddressSpace, MODES, PAGE
from physical import Physical

MASK64 = 2**64 - 1
FILETIME_DAY = 864_000_000_000
BOOT_TIME = 134_063_136_000_000_000  # 2025-11-01 00:00 UTC, as FILETIME
MACHINES = {'x86': 0x14C, 'x64': 0x8664, 'arm64': 0xAA64}

# Where each region begins, by pointer size: no two grow into each other.
REGIONS = {
    8: {'kernel': 0xFFFFF80312200000, 'nonpaged': 0xFFFFA50BD1C00000, 'paged': 0xFFFFD3040A000000,
        'tables': 0xFFFFBB8E00001000, 'drivers': 0xFFFFF80615400000,
        'session': 0xFFFFFF8A40000000, 'prototype': 0xFFFFD30900000000,
        'pfn': 0xFFFF9F8000000000},
    4: {'kernel': 0x82800000, 'nonpaged': 0x85000000, 'paged': 0x8A000000, 'tables': 0x98000000,
        'drivers': 0x90000000, 'session': 0xA0000000, 'prototype': 0x9C000000, 'pfn': 0x84000000},
}


# ... and in a small world, by what is added to the start of the non-paged pool: one page table for
# all but the kernel.
COMPACT = {'nonpaged': 0, 'paged': 0x40000, 'tables': 0x80000, 'session': 0xC0000,
           'prototype': 0xC8000, 'drivers': 0x100000}


def round_up(n, to):
    return (n + to - 1) // to * to


class Machine:
    """`paging` is a key of paging.MODES; `large_kernel` maps the kernel's data with large pages."""

    def __init__(self, era, size, paging=None, large_kernel=False, invalid_mask=0, processors=2,
                 kdbg='clear', compact=False):
        self.era, self.processors, self.kdbg = era, processors, kdbg
        self.physical = Physical(size)
        self.paging = paging or {'x64': 'x64', 'x86': 'x86-pae', 'arm64': 'arm64'}[era.arch]
        large = MODES[self.paging].large_frames() << 12
        first = min(era.rva.values()) // large * large
        n = -(-(max(era.rva.values()) + 0x6000 - first) // large) if large_kernel else 0
        frames = self.physical.take_large(n * (large >> 12), large >> 12)
        self.space = AddressSpace(self.physical, self.paging, invalid_mask)
        self.wide = era.pointer == 8
        self.next = dict(REGIONS[era.pointer])
        if compact:
            self.next.update({name: self.next['nonpaged'] + n for name, n in COMPACT.items()})
        self.start = dict(self.next)
        self.base = self.next['kernel']
        for i in range(n):
            self.space.map_large(self.base + first + i * large, frames + i * (large >> 12))
        self.large_pages = n
        self.space.self_map({'x64-la57': 0x1DB}.get(self.paging,
                                                    0x300 if self.paging == 'x86' else 0x1ED))
        for name, address in self.next.items():
            if name != 'pfn':
                self.space.table(address, 1)  # so that every root can have a copy of all of it
        self.boot, self.time = BOOT_TIME, BOOT_TIME + 19 * FILETIME_DAY + 12_345_678_901
        self.modules, self.compact = [], compact
        self.kernel_image()

    # --- memory -------------------------------------------------------------------------------

    def alloc(self, region, size, align=16):
        """Room in a region; its address."""
        at = round_up(self.next[region], align)
        self.next[region] = at + size
        return at

    def write(self, address, data):
        self.space.write(address, data)

    def u8(self, address, value):
        self.space.write(address, bytes([value & 0xFF]))

    def u16(self, address, value):
        self.space.write(address, struct.pack('<H', value))

    def u32(self, address, value):
        self.space.write(address, struct.pack('<I', value & 0xFFFFFFFF))

    def u64(self, address, value):
        self.space.write(address, struct.pack('<Q', value & MASK64))

    def ptr(self, address, *values):
        fmt = '<%d%s' % (len(values), 'Q' if self.wide else 'I')
        mask = MASK64 if self.wide else 0xFFFFFFFF
        self.space.write(address, struct.pack(fmt, *(v & mask for v in values)))

    def ulong_ptr(self, address, value):
        self.ptr(address, value)

    def symbol(self, name):
        return self.base + self.era.rva[name]

    def has(self, name):
        return name in self.era.rva

    def unicode_string(self, at, text, region='paged'):
        """A UNICODE_STRING at an address, its characters in a region."""
        data = text.encode('utf-16-le')
        where = self.alloc(region, len(data) + 2, 2)
        self.write(where, data + b'\0\0')
        self.write(at, struct.pack('<HH', len(data), len(data) + 2))
        self.ptr(at + self.era.pointer, where)

    def list_of(self, head, links):
        """A doubly linked list: head, then the links."""
        ring = [head] + links
        for i, at in enumerate(ring):
            self.ptr(at, ring[(i + 1) % len(ring)], ring[i - 1])

    # --- images -------------------------------------------------------------------------------

    def pe(self, base, size, timestamp, checksum, pdb, guid, age, rdata=0x1000, sections=None):
        """The headers of an image at `base` and its debug directory."""
        record = b''
        if guid is not None:
            record = b'RSDS' + uuid.UUID(guid).bytes_le + struct.pack('<I', age)
            record += pdb.encode() + b'\0'
        sections = sections or [('.rdata', rdata, 0x1000, 0x48000040)]
        wide = self.wide
        out = bytearray(b'MZ'.ljust(0x3C, b'\0') + struct.pack('<I', 0x80))
        out += bytes(0x80 - len(out)) + b'PE\0\0'
        out += struct.pack('<HHIIIHH', MACHINES[self.era.arch], len(sections), timestamp, 0, 0,
                           0xF0 if wide else 0xE0, 0x22 if wide else 0x102)
        out += struct.pack('<HBBIIIII', 0x20B if wide else 0x10B, 14, 20, 0x1000, 0x1000, 0,
                           0x1000, 0x1000)
        out += struct.pack('<Q', base) if wide else struct.pack('<II', 0x2000, base)
        out += struct.pack('<IIHHHHHHIIIIHH', 0x1000, 0x200, 10, 0, 10, 0, 10, 0, 0, size, 0x400,
                           checksum, 1, 0x4160)
        out += struct.pack('<4Q' if wide else '<4I', 0x40000, 0x1000, 0x100000, 0x1000)
        out += struct.pack('<II', 0, 16)
        for i in range(16):
            out += struct.pack('<II', *((rdata, 28) if i == 6 and record else (0, 0)))
        for name, rva, n, flags in sections:
            out += struct.pack('<8sIIIIIIHHI', name.encode(), n, rva, round_up(n, 0x200), rva, 0,
                               0, 0, 0, flags)
        self.write(base, bytes(out))
        if record:
            self.write(base + rdata, struct.pack('<IIHHIIII', 0, timestamp, 0, 0, 2, len(record),
                                                 rdata + 0x40, rdata + 0x40) + bytes(36) + record)

    def kernel_image(self):
        era = self.era
        data = min(era.rva.values()) & ~0xFFF
        self.pe(self.base, era.size_of_image, era.timestamp, era.checksum, era.pdb, era.guid,
                era.age, sections=[('.rdata', 0x1000, 0x20000, 0x48000040),
                                   ('.text', 0x200000, 0x20000, 0x68000020),
                                   ('ALMOSTRO', data, era.size_of_image - data, 0xC8000040)])
        if not self.compact:
            self.versions()
        self.modules.append({'name': 'ntoskrnl.exe', 'path': '\\SystemRoot\\system32\\ntoskrnl.exe',
                             'base': self.base, 'size': era.size_of_image,
                             'timestamp': era.timestamp, 'checksum': era.checksum,
                             'pdb': era.pdb, 'guid': era.guid, 'age': era.age})

    def versions(self):
        era = self.era
        if self.has('NtBuildLab'):
            self.write(self.symbol('NtBuildLab'), b'%d.1.synthetic.%s\0' %
                       (era.build, {'x64': b'amd64fre', 'x86': b'x86fre',
                                    'arm64': b'arm64fre'}[era.arch]))
        if self.has('NtBuildNumber'):
            self.u32(self.symbol('NtBuildNumber'), 0xF0000000 | era.build)
        if self.has('KeNumberProcessors'):
            self.u32(self.symbol('KeNumberProcessors'), self.processors)
        if self.has('KdVersionBlock'):
            at = self.symbol('KdVersionBlock')
            self.write(at, struct.pack('<HHBBHH', 15, era.build, 6, 0x3C if self.wide else 0, 0x47,
                                       MACHINES[era.arch]))
            self.u64(at + 0x10, self.base)
            self.u64(at + 0x18, self.symbol('PsLoadedModuleList'))

    def driver(self, name, size=0x20000, timestamp=0x5F000000, guid=None, pdb=None,
               folder='\\SystemRoot\\System32\\drivers\\'):
        """A loaded driver; its record of the truth."""
        n = len(self.modules)
        base = self.alloc('drivers', round_up(size, 0x10000), 0x10000)
        pdb = pdb or name.rsplit('.', 1)[0] + '.pdb'
        guid = guid or '%032X' % (0x1D0F2C5BA4E94E3C9B7A000000000000 + n)
        # A linker may put the debug directory into the headers' page.
        self.pe(base, size, timestamp + n, 0x1000 * n + 1, pdb, guid, 1,
                0x800 if self.compact or n % 3 == 2 else 0x1000)
        module = {'name': name, 'path': folder + name, 'base': base, 'size': size,
                  'timestamp': timestamp + n, 'checksum': 0x1000 * n + 1, 'pdb': pdb,
                  'guid': guid, 'age': 1}
        self.modules.append(module)
        return module

    def module_list(self):
        t = self.era.types['_KLDR_DATA_TABLE_ENTRY']
        entries = []
        for m in self.modules:
            at = self.alloc('nonpaged', t[''] + 0x10, 16)
            entries.append(at)
            m['entry'] = at
            self.ptr(at + t['DllBase'], m['base'])
            self.ptr(at + t['EntryPoint'], m['base'] + 0x1000)
            self.u32(at + t['SizeOfImage'], m['size'])
            self.unicode_string(at + t['FullDllName'], m['path'])
            self.unicode_string(at + t['BaseDllName'], m['name'], 'nonpaged')
            self.u32(at + t['CheckSum'], m['checksum'])
            if 'TimeDateStamp' in t:
                self.u32(at + t['TimeDateStamp'], m['timestamp'])
        self.list_of(self.symbol('PsLoadedModuleList'), entries)

    # --- the debugger's block -------------------------------------------------------------------

    def kdbg_bytes(self):
        """KDDEBUGGER_DATA64 in clear; pointers of 32-bit systems are extended by their sign."""
        era = self.era
        size = {True: 0x380, False: 0x340}[era.build >= 15063]
        if era.build >= 9600 and era.build < 15063:
            size = 0x360
        block = bytearray(size)

        def put(offset, value):
            if not self.wide and value >> 31 == 1:
                value |= 0xFFFFFFFF00000000
            struct.pack_into('<Q', block, offset, value)

        head = self.base + min(era.rva.values()) + 0x770
        put(0, head)
        put(8, head)
        struct.pack_into('<4sI', block, 0x10, b'KDBG', size)
        put(0x18, self.base)
        for offset, rva in era.kdbg_rvas.items():
            put(offset, self.base + rva)
        for offset, name in ((0x48, 'PsLoadedModuleList'), (0x50, 'PsActiveProcessHead'),
                             (0x58, 'PspCidTable'), (0x1B8, 'PoolTrackTable')):
            put(offset, self.symbol(name))
        put(0x138, PAGE)
        return bytes(block)

    def write_kdbg(self):
        at = self.symbol('KdDebuggerDataBlock')
        block = self.kdbg_bytes()
        if self.kdbg == 'encoded':
            never, always = 0x9D3C5A17F00EBA4B, 0x51A2E7C4083BD96F
            where = self.symbol('KdpDataBlockEncoded')
            self.u64(self.symbol('KiWaitNever'), never)
            self.u64(self.symbol('KiWaitAlways'), always)
            self.u8(where, 1)
            out = bytearray()
            turn = never & 63  # the low byte, as the processor's rotation takes it
            for value in struct.unpack('<%dQ' % (len(block) // 8), block):
                swapped = int.from_bytes((value ^ always).to_bytes(8, 'little'), 'big') ^ where
                out += struct.pack('<Q', (swapped >> turn | swapped << (64 - turn) & MASK64)
                                   ^ never)
            block = bytes(out)
        if self.kdbg != 'absent':
            self.write(at, block)
        return at
