# SPDX-License-Identifier: MIT
"""Small dumps for the fuzz corpus, good ones and every way of being broken that somebody thought
of: of the header, the places of pages, page tables, and what lies in memory."""

import os
import struct

import stores
import triage
from worlds import World

MINI = {'size': 0x150000, 'compact': True, 'processes': 5, 'zombies': 2, 'driver_zombies': 1,
        'thread_zombies': 1, 'unlisted_zombies': 1, 'handles': 8, 'tags': 10,
        'table_entries': 0x21, 'processors': 1, 'drivers': 2}


class Made:
    """A small dump: `change` spoils the world, `patches` the file, `cut` ends it."""

    def __init__(self, kind='bitmap', change=None, patches=(), cut=None, **parameters):
        self.kind, self.change, self.patches, self.cut = kind, change, patches, cut
        self.parameters = parameters

    def write(self, path):
        signature = self.parameters.pop('signature', b'SDMP')
        world = World(**{**MINI, **self.parameters})
        if self.change:
            self.change(world)
        world.m.physical.trim()
        store = stores.Store(world.m, self.kind, b'', signature)
        store.world, store.recorded, store.with_pdb = world, True, True
        store.spoil = [(at, struct.pack(fmt, *values)) for at, fmt, *values in self.patches]
        with open(path, 'wb') as f:
            writer = triage.write_triage if self.kind == 'triage' else stores.WRITERS[self.kind]
            size = writer(store, f)
            if self.cut is not None:
                f.truncate(self.cut if self.cut >= 0 else size + self.cut)


def at(name, fmt, *values, plus=0):
    """Writes numbers where a variable of the kernel is."""
    def change(w):
        w.m.write(w.m.symbol(name) + plus, struct.pack('<' + fmt, *values))
    return change


def here(place, fmt, *values):
    """Writes numbers at an address, values may be functions of the world."""
    def change(w):
        shown = [v(w) if callable(v) else v for v in values]
        w.m.write(place(w), struct.pack('<' + fmt, *shown))
    return change


def process(n, member):
    return lambda w: w.objects.processes[n].body + w.era.offset('_EPROCESS', member)


def dead(n, member):
    def place(w):
        p = [p for p in w.objects.processes if p.exited][n]
        return p.body + w.era.offset('_EPROCESS', member)
    return place


def header_of(n, member):
    def place(w):
        p = [p for p in w.objects.processes if p.exited][n]
        return p.header + w.era.offset('_OBJECT_HEADER', member)
    return place


def module(n, plus):
    return lambda w: w.m.modules[n]['entry'] + plus


def image(n, plus):
    return lambda w: w.m.modules[n]['base'] + plus


def handles(member):
    return lambda w: w.service.handle_table + w.era.offset('_HANDLE_TABLE', member)


def cids(w):
    return struct.unpack('<Q', w.m.space.read(w.m.symbol('PspCidTable'), 8))[0] + 8


def table_of_itself(levels):
    """A table of pointers, each of which points to the table."""
    def change(w):
        table = w.m.alloc('tables', 4096, 4096)
        w.m.ptr(table, *[table] * 512)
        w.m.ptr(handles('TableCode')(w), table | levels)
        w.m.u32(handles('NextHandleNeedingPool')(w), 0xFFFFFFFC)
        w.m.ptr(cids(w), table | levels)
    return change


def every_table(w):
    """A pointer for each of 1,280 processors, each to another place of the same table."""
    first, = struct.unpack('<Q', w.m.space.read(w.m.symbol('PoolTrackTable'), 8))
    w.m.ptr(w.m.symbol('ExPoolTagTables'), *[first + 8 * i for i in range(1280)])
    w.m.u64(w.m.symbol('PoolTrackTableSize'), 2**40)


def root_entries(value):
    """All entries of the root say the same."""
    def change(w):
        space = w.m.space
        for i in range(512):
            space.set_entry(space.root, i, value(space) if callable(value) else value)
    return change


def last_entry(value):
    """The page table entry of the list of processes."""
    def change(w):
        w.m.space.set_invalid(w.m.symbol('PsActiveProcessHead') & ~0xFFF, value)
    return change


def names(w):
    """Names with control characters, and without an end."""
    evil = 'a\x1b]0;x\x07\n\u202e"\\<b>'.encode('utf-16-le')
    t = w.era.types['_KLDR_DATA_TABLE_ENTRY']
    buffer = w.m.alloc('nonpaged', 64)
    w.m.write(buffer, evil)
    entry = w.m.modules[1]['entry']
    for member in ('FullDllName', 'BaseDllName'):
        w.m.write(entry + t[member], struct.pack('<HHIQ', len(evil), len(evil), 0, buffer))
    for p in w.objects.processes[2:5]:
        w.m.write(p.body + w.era.offset('_EPROCESS', 'ImageFileName'),
                  b'\x1b[2J\n\x9b"\\%s%n\xff\xfe!!')
    first, = struct.unpack('<Q', w.m.space.read(w.m.symbol('PoolTrackTable'), 8))
    for i in range(8):
        w.m.write(first + i * 0x38, struct.pack('<IIQQQQQQ', 0x0A1B0D00 + i, 0, 1, 2, 3, 4, 5, 6))


def chain_of_processes(w):
    """Links that lead through memory in steps of eight bytes."""
    links = w.era.offset('_EPROCESS', 'ActiveProcessLinks')
    start = w.m.alloc('session', 4096, 4096)
    for i in range(0, 4000, 8):
        w.m.u64(start + i, start + i + 8)
    w.m.u64(w.objects.processes[1].body + links, start)


def negative_tags(w):
    first, = struct.unpack('<Q', w.m.space.read(w.m.symbol('PoolTrackTable'), 8))
    for i in range(0x20):
        w.m.write(first + i * 0x38, struct.pack('<4sIQQQQQQ', b'N%03d' % i, 0, 2**64 - 1, 5, 2**63,
                                                2**63, 2**64 - 1, 7))


B = 0x2000  # where the second header starts
GOOD = {
    'bitmap': Made(), 'full': Made('full'), 'live': Made('live'), 'kernel': Made('kernel'),
    'kernel-user': Made('kernel-user'), 'summary': Made('kernel-old', era='7601'),
    'complete': Made('complete'), 'triage': Made('triage'),
    'fdmp': Made(signature=b'FDMP'), 'la57': Made(paging='x64-la57'),
    'x86-pae': Made('full', era='x86-7601'), 'x86': Made('full', era='x86-7601', paging='x86'),
    'x86-19041': Made(era='x86-19041'), 'arm64': Made(era='arm64'), 'win7': Made(era='7601'),
    'win8': Made(era='9600'), 'win10-1607': Made(era='14393'), 'win10-1809': Made(era='17763'),
    'win10-1903': Made(era='18362'), 'server-2022': Made(era='20348'),
    'unknown': Made(era='unknown'), 'large-pages': Made(large_kernel=True, size=8 << 20),
    'encoded': Made(kdbg='encoded'), 'swizzled': Made(invalid_mask=1 << 45),
    'triage-arm64': Made('triage', era='arm64'),
}

FILES = {
    'empty': Made(cut=0), 'cut-magic': Made(cut=6), 'cut-header': Made(cut=0x80),
    'cut-header-end': Made(cut=0x1FFF), 'cut-bitmap-header': Made(cut=0x2030),
    'cut-bitmap': Made(cut=0x2040), 'cut-pages': Made(cut=-0x8001),
    'cut-full': Made('full', cut=-0x10001), 'cut-full-header': Made('full', cut=0x2000),
    'cut-kernel': Made('kernel', cut=0x2028), 'cut-complete': Made('complete', cut=0x2034),
    'cut-triage': Made('triage', cut=0x2070), 'cut-triage-drivers': Made('triage', cut=0x4000),
    'cut-x86': Made('full', era='x86-7601', cut=0x1000),
    'kind-zero': Made(patches=[(0xF98, '<I', 0)]), 'kind-header': Made(patches=[(0xF98, '<I', 3)]),
    'kind-99': Made(patches=[(0xF98, '<I', 99)]),
    'kind-page': Made(patches=[(0xF98, '4s', b'PAGE')]),
    'kind-of-another': Made(patches=[(0xF98, '<I', 8)]),
    'kind-summary': Made('full', patches=[(0xF98, '<I', 2)]),
    'summary-first': Made('kernel-old', patches=[(B + 0xC, '<I', 0xFFFFFFFF)]),
    'summary-bits': Made('kernel-old', patches=[(B + 0x10, '<III', *[0xFFFFFFFF] * 3)]),
    'summary-odd': Made('kernel-old', patches=[(B + 0x18, '<I', 5)]),
    'magic-second': Made(patches=[(4, '4s', b'DUMX')]),
    'machine': Made(patches=[(0x30, '<I', 0x1234)]),
    'machine-x86-in-64': Made(patches=[(0x30, '<I', 0x14C)]),
    'processors': Made(patches=[(0x34, '<I', 0xFFFFFFFF)]),
    'table-zero': Made(patches=[(0x10, '<Q', 0)]),
    'table-away': Made(patches=[(0x10, '<Q', 0x0000FFFFFFFFF000)]),
    'table-odd': Made(patches=[(0x10, '<Q', 0x1FFF)]),
    'table-unset': Made(patches=[(0x10, '8s', b'PAGEPAGE')]),
    'lists-unset': Made(patches=[(0x20, '16s', b'PAGE' * 4), (0x80, '8s', b'PAGEPAGE')]),
    'lists-low': Made(patches=[(0x20, '<QQ', 0x1000, 0x2000)]),
    'lists-end': Made(patches=[(0x20, '<QQ', 2**64 - 8, 2**64 - 9)]),
    'time': Made(patches=[(0xFA8, '<Q', 2**64 - 1), (0x1030, '<Q', 2**63)]),
    'runs-many': Made('full', patches=[(0x88, '<I', 0xFFFFFFFF)]),
    'runs-none': Made('full', patches=[(0x88, '<I', 0)]),
    'runs-unset': Made('full', patches=[(0x88, '4s', b'PAGE')]),
    'run-huge': Made('full', patches=[(0xA0, '<Q', 2**60)]),
    'run-wraps': Made('full', patches=[(0x98, '<QQ', 2**64 - 4, 8)]),
    'run-shift': Made('full', patches=[(0x98, '<QQ', 2**52, 2**52)]),
    'runs-overlap': Made('full', patches=[(0xA8, '<QQ', 1, 0x300)]),
    'runs-unsorted': Made('full', patches=[(0x98, '<QQQQ', 0x100, 0x9E, 1, 0x80)]),
    'runs-many-x86': Made('full', era='x86-7601', patches=[(0x64, '<I', 0x7FFFFFFF)]),
    'run-huge-x86': Made('full', era='x86-7601', patches=[(0x70, '<I', 0xFFFFFFFF)]),
    'bitmap-signature': Made(patches=[(B, '4s', b'XDMP')]),
    'bitmap-bits': Made(patches=[(B + 0x30, '<Q', 2**64 - 1)]),
    'bitmap-bits-2': Made(patches=[(B + 0x30, '<Q', 2**40)]),
    'bitmap-none': Made(patches=[(B + 0x30, '<Q', 0)]),
    'bitmap-odd': Made(patches=[(B + 0x30, '<Q', 0x1F5)]),
    'bitmap-present': Made(patches=[(B + 0x28, '<Q', 2**64 - 1)]),
    'bitmap-all': Made(patches=[(B + 0x38, '48s', b'\xFF' * 48)]),
    'bitmap-first-zero': Made(patches=[(B + 0x20, '<Q', 0)]),
    'bitmap-first-away': Made(patches=[(B + 0x20, '<Q', 2**64 - 0x1000)]),
    'bitmap-first-odd': Made(patches=[(B + 0x20, '<Q', 0x2039)]),
    'ranges-magic': Made('kernel', patches=[(B, '<I', 0x41)]),
    'ranges-size': Made('kernel', patches=[(B + 0x10, '<Q', 2**64 - 1)]),
    'ranges-size-odd': Made('kernel', patches=[(B + 0x10, '<Q', 0x47)]),
    'ranges-size-zero': Made('kernel', patches=[(B + 0x10, '<Q', 0)]),
    'ranges-first': Made('kernel', patches=[(B + 0x18, '<Q', 2**63)]),
    'ranges-first-low': Made('kernel', patches=[(B + 0x18, '<Q', 8)]),
    'range-huge': Made('kernel', patches=[(B + 0x30, '<QQ', 2**52, 2**63)]),
    'range-wraps': Made('kernel', patches=[(B + 0x30, '<QQ', 2**64 - 1, 2**64 - 1)]),
    'ranges-overlap': Made('kernel', patches=[(B + 0x30, '<QQQQ', 1, 0x80, 1, 0x80)]),
    'ranges-many': Made('complete', patches=[(B + 0x20, '<I', 0xFFFFFFFF)]),
    'ranges-few': Made('complete', patches=[(B + 0x20, '<I', 1)]),
    'ranges-pages': Made('complete', patches=[(B + 0x28, '<Q', 2**63)]),
    'triage-size': Made('triage', patches=[(B + 4, '<I', 0xFFFFFFFF)]),
    'triage-offsets': Made('triage', patches=[(B + 8 + 4 * i, '<I', 0xFFFFFFF0)
                                              for i in range(30)]),
    'triage-zeros': Made('triage', patches=[(B, '128s', bytes(128))]),
    'triage-drivers': Made('triage', patches=[(B + 0x34, '<I', 0xFFFFFFFF)]),
    'triage-drivers-away': Made('triage', patches=[(B + 0x30, '<I', 0xFFFFFF00)]),
    'triage-blocks': Made('triage', patches=[(B + 0x7C, '<I', 0xFFFFFFFF)]),
    'triage-blocks-away': Made('triage', patches=[(B + 0x78, '<I', 0x10)]),
    'triage-kdbg': Made('triage', patches=[(B + 0x70, '<II', 0x100, 0xFFFFFFFF)]),
    'triage-kdbg-short': Made('triage', patches=[(B + 0x74, '<I', 0x20)]),
    'triage-record': Made('triage', patches=[(0x2084, '<I', 8)]),
    'triage-record-huge': Made('triage', patches=[(0x2098, '<7Q', *[2**64 - 1] * 7)]),
    'triage-record-away': Made('triage', patches=[(B + 0x14, '<I', 0x7FFFFFFF)]),
}

TABLES = {
    'root-itself': Made(change=root_entries(lambda s: s.root << 12 | 0x63)),
    'root-away': Made(change=root_entries(0x000FFFFFFFFFF063)),
    'root-large': Made(change=root_entries(0x00000000000000E3)),
    'entry-away': Made(change=last_entry(0x000FFFFFFFFFF063)),
    'entry-prototype-itself': Made(change=last_entry(0xFFFFFFFF0000 << 16 | 0x400)),
    'entry-prototype-low': Made(change=last_entry(0x1000 << 16 | 0x400)),
    'entry-transition-away': Made(change=last_entry(0x000FFFFFFFFFF800 | 0x800)),
    'entry-page-file': Made(change=last_entry(0x1234 << 32 | 0x1080)),
    'entry-zero': Made(change=last_entry(0)),
}

MEMORY = {
    'kernel-no-pe': Made(change=here(image(0, 0), '2s', b'ZM')),
    'kernel-pe-away': Made(change=here(image(0, 0x3C), 'I', 0xFFFFFFFF)),
    'kernel-debug-size': Made(change=here(image(0, 0x80 + 24 + 112 + 6 * 8 + 4), 'I', 0xFFFFFFFF)),
    'kernel-debug-away': Made(change=here(image(0, 0x80 + 24 + 112 + 6 * 8), 'I', 0xFFFFFFF0)),
    'kernel-pdb-size': Made(change=here(image(0, 0x1010), 'I', 0xFFFFFFFF)),
    'kernel-pdb-short': Made(change=here(image(0, 0x1010), 'I', 5)),
    'kernel-pdb-name': Made(change=here(image(0, 0x1058), '64s', b'A\x1b[31m\n' * 10)),
    'kernel-guid': Made(change=here(image(0, 0x1044), '16s', b'\x55' * 16)),
    'kdbg-size': Made(change=at('KdDebuggerDataBlock', 'I', 0xFFFFFFFF, plus=0x14)),
    'kdbg-size-small': Made(change=at('KdDebuggerDataBlock', 'I', 0x20, plus=0x14)),
    'kdbg-tag': Made(change=at('KdDebuggerDataBlock', '4s', b'kdbg', plus=0x10)),
    'kdbg-pointers': Made(change=at('KdDebuggerDataBlock', '80Q', *range(80), plus=0x18)),
    'kdbg-base': Made(change=at('KdDebuggerDataBlock', 'Q', 2**64 - 0x1000, plus=0x18)),
    'modules-self': Made(change=here(module(1, 0), 'Q', module(1, 0))),
    'modules-ring': Made(change=here(module(2, 0), 'Q', module(1, 0))),
    'modules-away': Made(change=here(module(1, 0), 'Q', 0xFFFFC00012345678)),
    'modules-zero': Made(change=at('PsLoadedModuleList', 'QQ', 0, 0)),
    'modules-low': Made(change=here(module(1, 0), 'Q', 0x10)),
    'module-size': Made(change=here(module(1, 0x40), 'I', 0xFFFFFFFF)),
    'module-base': Made(change=here(module(1, 0x30), 'Q', 2**64 - 1)),
    'module-name-long': Made(change=here(module(1, 0x58), 'H', 0xFFFF)),
    'module-name-odd': Made(change=here(module(1, 0x58), 'H', 7)),
    'module-name-away': Made(change=here(module(1, 0x60), 'Q', 0x1234)),
    'names': Made(change=names),
    'processes-self': Made(change=here(process(1, 'ActiveProcessLinks'), 'Q',
                                       process(1, 'ActiveProcessLinks'))),
    'processes-ring': Made(change=here(process(4, 'ActiveProcessLinks'), 'Q',
                                       process(2, 'ActiveProcessLinks'))),
    'processes-away': Made(change=here(process(1, 'ActiveProcessLinks'), 'Q', 0xFFFFC00000000000)),
    'processes-chain': Made(change=chain_of_processes),
    'processes-zero': Made(change=at('PsActiveProcessHead', 'QQ', 0, 0)),
    'process-table-away': Made(change=here(process(3, 'ObjectTable'), 'Q', 0xFFFFC00012340000)),
    'process-table-low': Made(change=here(process(3, 'ObjectTable'), 'Q', 1)),
    'process-table-same': Made(change=here(process(1, 'ObjectTable'), 'Q',
                                           lambda w: w.service.handle_table)),
    'process-times': Made(change=here(dead(0, 'ExitTime'), 'Q', 2**63 + 5)),
    'process-commit': Made(change=here(dead(0, 'CommitCharge'), 'Q', 2**64 - 1)),
    'process-pid': Made(change=here(dead(0, 'UniqueProcessId'), 'Q', 2**63)),
    'process-threads': Made(change=here(process(3, 'ThreadListHead'), 'Q',
                                        process(3, 'UniqueProcessId'))),
    'zombie-pointers': Made(change=here(header_of(0, 'PointerCount'), 'Q', 2**63)),
    'zombie-pointers-few': Made(change=here(header_of(0, 'PointerCount'), 'Q', 1)),
    'zombie-handles': Made(change=here(header_of(0, 'HandleCount'), 'Q', 2**64 - 5)),
    'zombie-type': Made(change=here(header_of(0, 'TypeIndex'), 'B', 0x5A)),
    'handles-levels': Made(change=here(handles('TableCode'), 'B', 3)),
    'handles-itself': Made(change=table_of_itself(2)),
    'handles-itself-1': Made(change=table_of_itself(1)),
    'handles-zero': Made(change=here(handles('TableCode'), 'Q', 0)),
    'handles-away': Made(change=here(handles('TableCode'), 'Q', 0xFFFFC00012340001)),
    'handles-low': Made(change=here(handles('TableCode'), 'Q', 0x2002)),
    'handles-wrap': Made(change=here(handles('TableCode'), 'Q', 2**64 - 0x800)),
    'handles-count': Made(change=here(handles('NextHandleNeedingPool'), 'I', 0xFFFFFFFF)),
    'handles-list-self': Made(change=here(handles('HandleTableList'), 'Q',
                                          handles('HandleTableList'))),
    'handles-objects': Made(change=lambda w: w.m.write(
        w.service.pages[0] + 16, struct.pack('<QQ', 0x123456789ABC0001 | 1, 0x1FFFFF) * 255)),
    'handles-to-itself': Made(change=lambda w: w.m.write(w.service.pages[0] + 16, struct.pack(
        '<QQ', 1 | (w.service.pages[0] >> 4 & (1 << 44) - 1) << 20, 1) * 255)),
    'cids-away': Made(change=at('PspCidTable', 'Q', 0xFFFFC00012340000)),
    'cids-itself': Made(change=here(cids, 'Q', lambda w: cids(w) - 8)),
    'tags-away': Made(change=at('PoolTrackTable', 'Q', 0xFFFFC00012340000)),
    'tags-low': Made(change=at('PoolTrackTable', 'Q', 0x10)),
    'tags-many': Made(change=at('PoolTrackTableSize', 'Q', 2**63)),
    'tags-many-2': Made(change=at('PoolTrackTableSize', 'Q', 2**24)),
    'tags-none': Made(change=at('PoolTrackTableSize', 'Q', 0)),
    'tags-every-processor': Made(change=every_table),
    'tags-tables-away': Made(change=at('ExPoolTagTables', '64Q',
                                       *[0xFFFFC00000000000 + i * 4096 for i in range(64)])),
    'tags-negative': Made(change=negative_tags),
    'vm-huge': Made(change=lambda w: w.m.write(
        w.m.symbol('MiSystemPartition') + 6912, struct.pack('<144Q', *[2**63 + 7] * 144))),
    'vm-zero': Made(change=lambda w: w.m.write(
        w.m.symbol('MiSystemPartition') + 6912, bytes(1152))),
}

for made in FILES.values():
    if made.cut is None and made.kind != 'triage':
        made.cut = 0x8000  # whatever counts promise, few of the pages are there

BROKEN = {**FILES, **TABLES, **MEMORY}


def write_all(folder):
    os.makedirs(folder, exist_ok=True)
    for before, table in (('', GOOD), ('bad-', BROKEN)):
        for name, made in table.items():
            made.write(os.path.join(folder, before + name + '.dmp'))
