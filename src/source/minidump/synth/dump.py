# SPDX-License-Identifier: MIT
"""Writes user minidumps: streams from facts, placed as the caller says.

Written from the description of the format in Microsoft's documentation (minidumpapiset.h:
MINIDUMP_HEADER and the streams' own pages), not from the reader.
"""

import struct
import uuid

from build import Bytes, Label
from space import FREE, PAGE

X86, ARM, X64, ARM64 = 0, 5, 9, 12
(THREADS, MODULES, MEMORY, EXCEPTION, SYSTEM, MEMORY64, COMMENT_A, HANDLES, UNLOADED, MISC,
 REGIONS, THREAD_INFO, TOKENS, VM_COUNTERS, THREAD_NAMES) = (
    3, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 19, 22, 24)
MISC_SIZES = {1: 24, 2: 44, 3: 232, 4: 832, 5: 1364}


def utf16(s):
    return s.encode('utf-16-le', 'surrogatepass')


class Later:
    """Memory of `size` bytes that is made when it is written; by itself a hole in the file."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def write(self, f):
        f.seek(self.size, 1)


class Thread:
    def __init__(self, tid, teb, stack, sp, registers=None, name=None, start=0, stack_at=None):
        self.tid, self.teb, self.stack, self.sp = tid, teb, stack, sp  # stack: (address, size)
        self.stack_at = sp if stack_at is None else stack_at  # where the dumped part begins
        self.registers = registers or {}
        self.name, self.start = name, start


class Module:
    def __init__(self, base, size, path, timestamp=0, checksum=0, pdb=None, guid=None, age=1,
                 version=None):
        self.__dict__.update(locals())
        del self.__dict__['self']

    def codeview(self):
        if self.guid is None:
            return b''
        return (b'RSDS' + uuid.UUID(self.guid).bytes_le + struct.pack('<I', self.age) +
                self.pdb.encode() + b'\0')


class Handle:
    def __init__(self, value, kind, name=None, access=0x1F0003, handles=2, pointers=0x7FFE):
        self.__dict__.update(locals())
        del self.__dict__['self']


# Register -> (offset, format) in the CONTEXT of each processor (winnt.h).
CONTEXTS = {
    X64: (0x4D0, 0x30, 0x10000B, {
        'rax': 0x78, 'rcx': 0x80, 'rdx': 0x88, 'rbx': 0x90, 'sp': 0x98, 'rbp': 0xA0, 'rsi': 0xA8,
        'rdi': 0xB0, 'r8': 0xB8, 'r9': 0xC0, 'r10': 0xC8, 'r11': 0xD0, 'r12': 0xD8, 'r13': 0xE0,
        'r14': 0xE8, 'r15': 0xF0, 'pc': 0xF8}, '<Q'),
    X86: (0x2CC, 0, 0x10007, {
        'edi': 0x9C, 'esi': 0xA0, 'ebx': 0xA4, 'edx': 0xA8, 'ecx': 0xAC, 'eax': 0xB0, 'ebp': 0xB4,
        'pc': 0xB8, 'sp': 0xC4}, '<I'),
    ARM64: (0x390, 0, 0x400007, dict(
        {'x%d' % i: 8 + 8 * i for i in range(29)}, fp=0xF0, lr=0xF8, sp=0x100, pc=0x108), '<Q'),
}


def context(arch, registers):
    size, flags_at, flags, where, fmt = CONTEXTS[arch]
    out = bytearray(size)
    struct.pack_into('<I', out, flags_at, flags)
    for name, value in registers.items():
        struct.pack_into(fmt, out, where[name], value)
    return bytes(out)


class Dump:
    """A minidump to be. Everything is an attribute; streams() gives what is written by default.

    padding: bytes put before each block, so that RVAs are unaligned (1) or aligned (0 with 4).
    entry_extra: bytes added to each entry of the lists that state their entry's size.
    handle_version: 1 or 2; misc_version: 1..5; vm_version: 1 or 2.
    """

    def __init__(self, arch=X64):
        self.arch = arch
        self.version = (10, 0, 19041)
        self.pid = 4242
        self.times = (0x6912F0AC, 12, 3)  # start, user, kernel
        self.timestamp = 0x6912F1B4
        self.flags = 0x2 | 0x4 | 0x800 | 0x1000
        self.threads, self.modules, self.unloaded, self.handles = [], [], [], []
        self.unloaded_size = 24
        self.regions = None  # [space.Region]
        self.ranges = []  # [(address, bytes)]: with memory64, a full dump's memory
        self.memory64 = True
        self.vm = None
        self.csd = ''
        self.padding, self.align, self.entry_extra = 0, 4, 0
        self.handle_version, self.misc_version, self.vm_version = 1, 3, 1
        self.code_view = True
        self.unused_streams = 0
        self.stack_memory = True
        self.extra_streams = []  # [(type, bytes)]
        self.exception = None  # (thread, code, registers)
        self.omit = set()
        self.order = None

    # --- pieces -----------------------------------------------------------------------------

    def block(self, b, data):
        """Data somewhere behind; its RVA."""
        b.align(self.align).zeros(self.padding)
        at = Label(len(b))
        b.raw(data)
        return at

    def string(self, b, s):
        data = utf16(s)
        return self.block(b, struct.pack('<I', len(data)) + data + b'\0\0')

    def streams(self):
        made = [(SYSTEM, self.system), (MISC, self.misc), (THREADS, self.thread_list),
                (MODULES, self.module_list)]
        if self.unloaded:
            made.append((UNLOADED, self.unloaded_list))
        if self.regions is not None:
            made.append((REGIONS, self.region_list))
        made.append((THREAD_INFO, self.thread_info))
        if any(t.name for t in self.threads):
            made.append((THREAD_NAMES, self.thread_names))
        if self.handles:
            made.append((HANDLES, self.handle_data))
        if self.vm:
            made.append((VM_COUNTERS, self.vm_counters))
        if self.exception:
            made.append((EXCEPTION, self.exception_stream))
        made += [(kind, lambda b, data=data: b.raw(data)) for kind, data in self.extra_streams]
        # The memory comes last: its bytes follow everything else.
        if self.memory64:
            made.append((MEMORY64, self.memory64_list))
        elif self.ranges:
            made.append((MEMORY, self.memory_list))
        made = [m for m in made if m[0] not in self.omit]
        if self.order:
            made.sort(key=lambda m: self.order.index(m[0]))
        return made

    def bytes(self):
        """The dump up to, and without, the memory of a full dump's ranges: see write()."""
        b = Bytes()
        made = self.streams()
        directory = Label()
        b.raw(b'MDMP').u32(0x0000A793 | 0x61B1 << 16, len(made) + self.unused_streams, directory, 0,
                           self.timestamp).u64(self.flags)
        b.align(self.align).zeros(self.padding).here(directory)
        places = []
        for kind, _ in made:
            size, rva = Label(), Label()
            places.append((size, rva))
            b.u32(kind, size, rva)
        b.zeros(12 * self.unused_streams)
        self.later = []
        for (_, write), (size, rva) in zip(made, places):
            b.align(self.align).zeros(self.padding).here(rva)
            start = len(b)
            write(b)
            size.value = len(b) - start
            later, self.later = self.later, []
            for task in later:
                task(b)
        self.memory_base = None
        if self.memory64 and MEMORY64 not in self.omit:
            b.align(self.align).zeros(self.padding).here(self.base_rva)
        return b.bytes()

    def write(self, f):
        f.write(self.bytes())
        if self.memory64 and MEMORY64 not in self.omit:
            for _, data in self.ranges:
                if isinstance(data, Later):
                    data.write(f)
                else:
                    self.write_sparse(f, data)
            f.truncate()

    @staticmethod
    def write_sparse(f, data):
        """Pages of zeros are left out: the file system keeps the hole."""
        for at in range(0, len(data), PAGE):
            page = data[at:at + PAGE]
            if any(page):
                f.write(page)
            else:
                f.seek(len(page), 1)

    # --- streams ----------------------------------------------------------------------------

    def system(self, b):
        csd = Label()
        b.u16(self.arch, 6, 0x9E0A).u8(8, 1)
        b.u32(*self.version, 2, csd).u16(0x100, 0)
        if self.arch == X86:
            b.raw(b'GenuineIntel').u32(0x906EA, 0xBFEBFBFF, 0)
        else:
            b.u64(0x1FABFBFF, 0).zeros(8)
        self.later.append(lambda b: csd.__setattr__('value', self.string(b, self.csd).value))

    def misc(self, b):
        size = MISC_SIZES[self.misc_version]
        start = len(b)
        b.u32(size, 3 if self.misc_version == 1 else 7, self.pid, *self.times)
        if self.misc_version > 1:
            b.u32(3600, 2400, 3600, 2, 2)
        b.zeros(size - (len(b) - start))

    def thread_list(self, b):
        b.u32(len(self.threads))
        for t in self.threads:
            size, rva, registers = Label(0), Label(0), Label()
            b.u32(t.tid, 0, 32, 0).u64(t.teb, t.stack_at).u32(size, rva)
            b.u32(CONTEXTS[self.arch][0], registers)

            def context_of(b, t=t, registers=registers):
                values = {'sp': t.sp, **t.registers}
                registers.value = self.block(b, context(self.arch, values)).value
            self.later.append(context_of)
            end = t.stack[0] + t.stack[1]
            size.value = end - t.stack_at if self.memory64 or not self.stack_memory else 0
            if not self.memory64 and self.stack_memory:
                def stack_of(b, t=t, size=size, rva=rva, end=end):
                    data = t.stack[2](t.stack_at, end - t.stack_at)
                    size.value = len(data)
                    rva.value = self.block(b, data).value
                self.later.append(stack_of)

    def exception_stream(self, b):
        tid, code, values = self.exception
        registers = Label()
        b.u32(tid, 0, code, 0).u64(0, values['pc']).u32(0, 0).zeros(15 * 8)
        b.u32(CONTEXTS[self.arch][0], registers)
        self.later.append(lambda b: setattr(
            registers, 'value', self.block(b, context(self.arch, values)).value))

    def thread_info(self, b):
        b.u32(12, 64 + self.entry_extra, len(self.threads))
        for t in self.threads:
            b.u32(t.tid, 0, 0, 259).u64(0x1DC3F00AA000000, 0, 156250, 312500, t.start, 0xFF)
            b.zeros(self.entry_extra)

    def thread_names(self, b):
        named = [t for t in self.threads if t.name]
        b.u32(len(named))
        for t in named:
            rva = Label()
            b.u32(t.tid).u64(rva)
            self.later.append(lambda b, t=t, rva=rva: rva.__setattr__(
                'value', self.string(b, t.name).value))

    def module_list(self, b):
        b.u32(len(self.modules))
        for m in self.modules:
            name, size, rva = Label(), Label(0), Label(0)
            b.u64(m.base).u32(m.size, m.checksum, m.timestamp, name)
            if m.version:
                v = m.version
                b.u32(0xFEEF04BD, 0x10000, v[0] << 16 | v[1], v[2] << 16 | v[3],
                      v[0] << 16 | v[1], v[2] << 16 | v[3], 0x3F, 0, 0x40004, 2, 0, 0, 0)
            else:
                b.zeros(52)
            b.u32(size, rva, 0, 0).u64(0, 0)

            def more(b, m=m, name=name, size=size, rva=rva):
                name.value = self.string(b, m.path).value
                if self.code_view and m.guid:
                    size.value = len(m.codeview())
                    rva.value = self.block(b, m.codeview()).value
            self.later.append(more)

    def unloaded_list(self, b):
        b.u32(12, self.unloaded_size + self.entry_extra, len(self.unloaded))
        for m in self.unloaded:
            name = Label()
            b.u64(m.base).u32(m.size, m.checksum, m.timestamp, name)
            b.zeros(self.unloaded_size - 24 + self.entry_extra)
            self.later.append(lambda b, m=m, name=name: name.__setattr__(
                'value', self.string(b, m.path).value))

    def region_list(self, b):
        b.u32(16, 48 + self.entry_extra).u64(len(self.regions))
        for r in self.regions:
            owner = r.owner
            b.u64(r.base, owner.base if owner else 0)
            b.u32(owner.protect if owner else 0, 0).u64(r.size)
            b.u32(r.state, r.protect, 0 if r.state == FREE else r.kind, 0)
            b.zeros(self.entry_extra)

    def handle_data(self, b):
        size = 32 if self.handle_version == 1 else 40
        b.u32(16, size + self.entry_extra, len(self.handles), 0)
        for h in self.handles:
            kind, name = Label(0), Label(0)
            b.u64(h.value).u32(kind, name, 0, h.access, h.handles, h.pointers)
            if self.handle_version > 1:
                b.u32(0, 0)
            b.zeros(self.entry_extra)

            def names(b, h=h, kind=kind, name=name):
                if h.kind is not None:
                    kind.value = self.string(b, h.kind).value
                if h.name is not None:
                    name.value = self.string(b, h.name).value
            self.later.append(names)

    def vm_counters(self, b):
        v = self.vm
        b.u16(self.vm_version, 0 if self.vm_version == 1 else 3)
        b.u32(v.get('faults', 9000))
        b.u64(v['peak_working_set'], v['working_set'], 300000, 280000, 40000, 30000,
              v['pagefile'], v['peak_pagefile'])
        if self.vm_version == 2:
            b.u64(v['peak_virtual'], v['virtual'])
        b.u64(v['private'])
        if self.vm_version == 2:
            b.u64(v['private'] // 2, 0, 0, 0, 0, 0, 0)

    def memory64_list(self, b):
        self.base_rva = Label()
        b.u64(len(self.ranges), self.base_rva)
        for address, data in self.ranges:
            b.u64(address, len(data))

    def memory_list(self, b):
        b.u32(len(self.ranges))
        for address, data in self.ranges:
            rva = Label()
            b.u64(address).u32(len(data), rva)
            self.later.append(lambda b, data=data, rva=rva: rva.__setattr__(
                'value', self.block(b, data).value))


def vm_of(regions):
    """The counters that a process with these regions has: PrivateUsage is its private commit."""
    busy = [r for r in regions if r.state != FREE]
    private = sum(r.size for r in busy if r.state == 0x1000 and r.kind == 0x20000)
    virtual = sum(r.size for r in busy)
    return {'private': private, 'pagefile': private, 'peak_pagefile': private + 16 * PAGE,
            'working_set': private + 64 * PAGE, 'peak_working_set': private + 128 * PAGE,
            'virtual': virtual, 'peak_virtual': virtual + 16 * PAGE}
