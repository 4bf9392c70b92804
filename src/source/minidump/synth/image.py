# SPDX-License-Identifier: MIT
"""Images as the loader maps them: PE headers, sections, the debug directory, C++ vtables."""

import struct
import uuid

from build import Bytes
from space import EXECUTE_READ, IMAGE, PAGE, READONLY, READWRITE, WRITECOPY, round_up

MACHINES = {'x86': 0x14C, 'x64': 0x8664, 'arm64': 0xAA64}


class CppClass:
    """A class with a vtable: its name, where the vtable is, and the size of an object."""

    def __init__(self, decorated, size, vtable):
        self.decorated, self.size, self.vtable = decorated, size, vtable
        self.name = '::'.join(reversed(decorated.split('@')))

    def __repr__(self):
        return 'class ' + self.name


class Image:
    """A module mapped at `base` with sections [(name, rva, size, 'rx' | 'r' | 'rw')]."""

    def __init__(self, space, path, base, sections, machine='x64', pdb=None, guid=None, age=1,
                 timestamp=0x60000000, size=None, version=None, hidden=()):
        self.space, self.path, self.base, self.machine = space, path, base, machine
        self.pdb, self.guid, self.age, self.timestamp = pdb, guid, age, timestamp
        self.version = version
        self.sections = sections
        self.size = size or round_up(max(rva + n for _, rva, n, _ in sections), PAGE)
        self.allocation = space.allocate(self.size, kind=IMAGE, protect=WRITECOPY, usage='Image',
                                         base=base, commit=False, detail=path)
        self.allocation.commit(0, PAGE, READONLY)
        for _, rva, n, access in sections:
            self.allocation.commit(rva, n, {'rx': EXECUTE_READ, 'r': READONLY,
                                            'rw': READWRITE}[access])
        for page in range(self.size // PAGE):
            if self.allocation.pages[page][0] != 0x1000:
                self.allocation.commit(page * PAGE, PAGE, READONLY)
            if any(rva <= page * PAGE < rva + round_up(n, PAGE) for name, rva, n, _ in sections
                   if name in hidden):
                self.allocation.absent.add(page)
        self.symbols = []  # (rva, decorated name, is a function)
        self.cursors = {name: rva for name, rva, _, _ in sections}
        self.space.write(base, self.headers())

    def take(self, section, size, align=16):
        """`size` bytes of a section; their RVA."""
        at = round_up(self.cursors[section], align)
        self.cursors[section] = at + size
        _, rva, n, _ = next(s for s in self.sections if s[0] == section)
        if at + size > rva + n:
            raise ValueError('no room in %s of %s' % (section, self.path))
        return at

    def headers(self):
        wide = self.machine != 'x86'
        b = Bytes()
        b.raw(b'MZ').zeros(58).u32(0x80).zeros(64)
        b.raw(b'PE\0\0').u16(MACHINES[self.machine], len(self.sections)).u32(self.timestamp, 0, 0)
        b.u16(0xF0 if wide else 0xE0, 0x22 if wide else 0x102)
        b.u16(0x20B if wide else 0x10B).u8(14, 0).u32(0, 0, 0, 0x1000, 0x1000)
        if wide:
            b.u64(self.base)
        else:
            b.u32(0x3000, self.base)
        b.u32(0x1000, 0x200).u16(6, 0, 0, 0, 6, 0).u32(0, self.size, 0x400, 0).u16(3, 0x8160)
        for _ in range(4):
            b.number('Q' if wide else 'I', 0x100000)
        b.u32(0, 16)
        debug = self.debug_directory()
        for i in range(16):
            b.u32(*(debug if i == 6 else (0, 0)))
        for name, rva, n, access in self.sections:
            flags = {'rx': 0x60000020, 'r': 0x40000040, 'rw': 0xC0000040}[access]
            b.raw(name.encode().ljust(8, b'\0')).u32(n, rva, round_up(n, 0x200), rva, 0, 0, 0,
                                                     flags)
        return b.bytes()

    def debug_directory(self):
        names = [s[0] for s in self.sections]
        where = '.rdata' if '.rdata' in names else '.data'
        if self.guid is None:
            return 0, 0
        record = (b'RSDS' + uuid.UUID(self.guid).bytes_le + struct.pack('<I', self.age) +
                  self.pdb.encode() + b'\0')
        entry, text = self.take(where, 28), self.take(where, len(record))
        self.space.write(self.base + entry, struct.pack(
            '<IIHHIIII', 0, self.timestamp, 0, 0, 2, len(record), text, text))
        self.space.write(self.base + text, record)
        return entry, 28

    def function(self, name, size=0x40):
        """A function in .text; its address."""
        rva = self.take('.text', size)
        self.space.write(self.base + rva, b'\xC3' + b'\xCC' * (size - 1))
        self.symbols.append((rva, name, True))
        return self.base + rva

    def variable(self, name, size=8, section='.data'):
        rva = self.take(section, size, 8)
        self.symbols.append((rva, name, False))
        return self.base + rva

    def cpp_class(self, name, size, methods=3, rtti=True, public=True):
        """A class as MSVC lays it out: the vtable in .rdata, before it the pointer to its complete
        object locator, the type descriptor in .data."""
        word, space = self.space.word, self.space
        code = [self.function('?m%d@%s@@UEAAXXZ' % (i, name)) for i in range(methods)]
        rva = self.take('.rdata', word * (methods + 1), word * 2)
        vtable = self.base + rva + word
        if rtti:
            text = ('.?AV%s@@' % name).encode() + b'\0'
            descriptor = self.take('.data', 2 * word + len(text))
            space.write(self.base + descriptor + 2 * word, text)
            bases = self.take('.rdata', 4)
            hierarchy = self.take('.rdata', 16)
            base_class = self.take('.rdata', 28)
            locator = self.take('.rdata', 24)
            shown = (lambda r: r) if word == 8 else (lambda r: r + self.base)
            space.write(self.base + base_class, struct.pack(
                '<IIiiIII', shown(descriptor), 0, 0, -1, 0, 0x40, shown(hierarchy)))
            space.write(self.base + bases, struct.pack('<I', shown(base_class)))
            space.write(self.base + hierarchy, struct.pack('<IIII', 0, 0, 1, shown(bases)))
            space.write(self.base + locator, struct.pack(
                '<IIIIII', 1 if word == 8 else 0, 0, 0, shown(descriptor), shown(hierarchy),
                locator if word == 8 else 0))
            space.put('P', self.base + rva, self.base + locator)
            self.symbols.append((locator, '??_R4%s@@6B@' % name, False))
            self.symbols.append((descriptor, '??_R0?AV%s@@@8' % name, False))
        for i, address in enumerate(code):
            space.put('P', vtable + i * word, address)
        if public:
            self.symbols.append((rva + word, '??_7%s@@6B@' % name, False))
        return CppClass(name, size, vtable)
