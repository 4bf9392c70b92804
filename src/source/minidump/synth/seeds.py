# SPDX-License-Identifier: MIT
"""The fuzz corpus: every variant in a few KB, and every way of being broken that somebody thought
of. The memory of a seed is what is not zero in its pages."""

import io
import os
import struct

import cases
from cases import small
from dump import (HANDLES, MEMORY, MEMORY64, MISC, MODULES, REGIONS, SYSTEM, THREAD_INFO,
                  THREAD_NAMES, THREADS, UNLOADED, VM_COUNTERS, Module)
from layout import Record
from space import narrow  # noqa: F401  (a seed of WoW64 needs it through cases)

GAP = 0x300  # zeros that are worth leaving out


def pieces(address, data):
    """The parts of a range that are not zeros, as (address, bytes)."""
    at = 0
    zeros = bytes(GAP)
    while at < len(data):
        if data[at:at + 16] == bytes(16):
            at += 16
            continue
        end = data.find(zeros, at)
        end = len(data) if end < 0 else (end + 15) // 16 * 16
        yield address + at, data[at:end]
        at = end


def thin(dump):
    dump.ranges = [p for a, d in dump.ranges for p in pieces(a, bytes(d))]
    return dump


def raw(dump):
    f = io.BytesIO()
    dump.write(f)
    return f.getvalue()


def made(change=None, after=None, **more):
    """A small process; `change` spoils the process, `after` the dump."""
    process = small(**more)
    if change:
        change(process)
    dump = thin(process.dump())
    if after:
        after(dump)
    return raw(dump)


# --- good ones ------------------------------------------------------------------------------------


def lfh(windows='win10', arch='x64'):
    process = cases.base(arch, windows, threads=1)
    heap = process.app.nt_heap('main', reserve=0x10000)
    bucket = heap.open_bucket(48, 10)
    for i in (0, 3, 4):
        process.threads[0].root(heap.alloc_lfh(bucket, 40 + i, index=i))
    heap.alloc(0x110000)
    process.finish()
    return raw(thin(process.dump()))


def segment():
    process = cases.base(threads=1)
    heap = process.app.segment_heap('main')
    kind = process.exe.cpp_class('Session', 72)
    process.threads[0].root(heap.alloc(72, kind))
    heap.alloc(100)
    heap.free(heap.alloc(40))
    bucket = heap.open_bucket(24, 10)
    for i in (0, 2):
        heap.alloc_lfh(bucket, 20, index=i)
    heap.alloc(0x20001)
    heap.alloc(0x800000)
    process.finish()
    return process


def variant(name):
    dump, _ = cases.CASES[name]()
    return raw(thin(dump))


GOOD = {
    'nt-x64': lambda: made(),
    'nt-x86': lambda: made(arch='x86'),
    'nt-wow64': lambda: made(arch='wow64'),
    'nt-win7': lambda: made(windows='win7'),
    'nt-win7-x86': lambda: made(arch='x86', windows='win7'),
    'lfh-x64': lfh,
    'lfh-x86': lambda: lfh(arch='x86'),
    'lfh-win7': lambda: lfh('win7'),
    'segment': lambda: raw(thin(segment().dump())),
    'arm64': lambda: variant('arm64'),
    'wine': lambda: variant('wine'),
    'crashpad': lambda: variant('crashpad'),
    'wide-entries': lambda: variant('wide-entries'),
    'unaligned': lambda: variant('unaligned'),
    'regions-only': lambda: variant('regions-only'),
    'no-regions': lambda: variant('no-regions'),
    'bare': lambda: variant('bare'),
    'no-streams': lambda: variant('no-streams'),
}


# --- broken streams -------------------------------------------------------------------------------


def streams_of(data):
    n, at = struct.unpack_from('<II', data, 8)
    return {struct.unpack_from('<I', data, at + 12 * i)[0]: at + 12 * i for i in range(n)}


def patched(fmt, where, value):
    """A dump with one number changed: `where` is (stream, offset in it), 'header' or 'entry'."""
    data = bytearray(made())
    stream, offset = where
    if stream is None:
        struct.pack_into('<' + fmt, data, offset, value)
    elif offset < 0:
        struct.pack_into('<' + fmt, data, streams_of(data)[stream] + 12 + offset, value)
    else:
        rva, = struct.unpack_from('<I', data, streams_of(data)[stream] + 8)
        struct.pack_into('<' + fmt, data, rva + offset, value)
    return bytes(data)


def overlapping(dump):
    for r in dump.regions[2:6]:
        r.size *= 3


def empty_regions(dump):
    for r in dump.regions[3:8]:
        r.size = 0


def wrapping(dump):
    dump.regions[4].base, dump.regions[4].size = 2**64 - 0x1000, 0x2000


def twice(dump):
    dump.ranges += dump.ranges[:3]


def hostile_names(dump):
    dump.modules[0].path = 'C:\\evil"\n\x1b[31m\ud800\u202e.exe'
    dump.threads[0].name = '\x1b]0;title\x07' + 'x' * 300
    dump.handles[0].kind = 'Ev\0ent'
    dump.handles[0].name = '\\' * 200
    dump.unloaded = [Module(2**64 - 1, 2**32 - 1, '')]


def many_modules(dump):
    m = dump.modules[0]
    dump.modules = [Module(m.base + i, m.size, m.path) for i in range(64)]


STREAMS = {
    'no-magic': lambda: patched('I', (None, 0), 0x504D444E),
    'version': lambda: patched('H', (None, 4), 0),
    'directory-beyond': lambda: patched('I', (None, 12), 0x7FFFFFFF),
    'directory-itself': lambda: patched('I', (None, 12), 0),
    'streams-many': lambda: patched('I', (None, 8), 0xFFFFFFFF),
    'stream-beyond': lambda: patched('I', (REGIONS, -4), 0xFFFFFFF0),
    'stream-size': lambda: patched('I', (MODULES, -8), 0xFFFFFFFF),
    'threads-many': lambda: patched('I', (THREADS, 0), 0xFFFFFFFF),
    'thread-context': lambda: patched('I', (THREADS, 4 + 44), 0xFFFFFFF0),
    'thread-stack': lambda: patched('Q', (THREADS, 4 + 24), 2**64 - 8),
    'thread-teb': lambda: patched('Q', (THREADS, 4 + 16), 2**64 - 0x30),
    'modules-many': lambda: patched('I', (MODULES, 0), 0x10000000),
    'module-name': lambda: patched('I', (MODULES, 4 + 20), 0xFFFFFFFE),
    'module-cv': lambda: patched('I', (MODULES, 4 + 76), 0xFFFFFFFF),
    'module-cv-rva': lambda: patched('I', (MODULES, 4 + 80), 0xFFFFFFF0),
    'memory-many': lambda: patched('Q', (MEMORY64, 0), 2**60),
    'memory-base': lambda: patched('Q', (MEMORY64, 8), 2**64 - 1),
    'memory-size': lambda: patched('Q', (MEMORY64, 24), 2**64 - 1),
    'regions-many': lambda: patched('Q', (REGIONS, 8), 2**58),
    'regions-entry-zero': lambda: patched('I', (REGIONS, 4), 0),
    'regions-entry-small': lambda: patched('I', (REGIONS, 4), 17),
    'regions-header': lambda: patched('I', (REGIONS, 0), 0xFFFFFFFF),
    'handles-many': lambda: patched('I', (HANDLES, 8), 0xFFFFFFFF),
    'handles-entry': lambda: patched('I', (HANDLES, 4), 3),
    'handle-name': lambda: patched('I', (HANDLES, 16 + 12), 0xFFFFFFFD),
    'info-entry': lambda: patched('I', (THREAD_INFO, 4), 0),
    'names-many': lambda: patched('I', (THREAD_NAMES, 0), 0xFFFFFFFF),
    'name-rva': lambda: patched('Q', (THREAD_NAMES, 8), 2**63),
    'misc-size': lambda: patched('I', (MISC, 0), 0xFFFFFFFF),
    'vm-revision': lambda: patched('H', (VM_COUNTERS, 0), 99),
    'system-arch': lambda: patched('H', (SYSTEM, 0), 0x8003),
    'platform-linux': lambda: patched('I', (SYSTEM, 20), 0x8201),
    'platform-mac': lambda: patched('I', (SYSTEM, 20), 0x8101),
    'regions-overlap': lambda: made(after=overlapping),
    'regions-empty': lambda: made(after=empty_regions),
    'regions-wrap': lambda: made(after=wrapping),
    'ranges-twice': lambda: made(after=twice),
    'names-hostile': lambda: made(after=hostile_names),
    'modules-overlap': lambda: made(after=many_modules),
    'cut-header': lambda: made()[:24],
    'cut-directory': lambda: made()[:60],
    'cut-streams': lambda: made()[:700],
    'cut-memory': lambda: made()[:-900],
}


# --- broken heaps ---------------------------------------------------------------------------------


def spoil(field, value, name='_HEAP'):
    """A change of one field of the first heap's header."""
    def change(process):
        heap = process.app.heaps[0]
        at = value(heap) if callable(value) else value
        Record(process.app.space, heap.layout, name, heap.address).set(**{field: at})
    return change


def write(place, fmt, value):
    """Writes a number where `place(process)` says."""
    def change(process):
        process.app.space.put(fmt, place(process), value(process) if callable(value) else value)
    return change


def first_entry(process):
    heap = process.app.heaps[0]
    return heap.segments[0].entries[1].address + (8 if heap.layout.bits == 64 else 0)


def list_head(field):
    return lambda process: process.app.heaps[0].record.at(field)


def peb(field):
    def place(process):
        half = process.app
        return Record(half.space, half.layout, '_PEB', half.peb.base).at(field)
    return place


def segment_made(change):
    process = segment()
    change(process)
    return raw(thin(process.dump()))


def vs(process):
    return process.app.heaps[0].vs[0].address


def chunk(n):
    return lambda process: process.app.heaps[0].vs[0].chunks[n][0]


def lfh_sub(offset):
    return lambda process: (next(iter(process.app.heaps[0].buckets.values()))[0]['address'] +
                            offset)


def tree_loop(process):
    heap = process.app.heaps[0]
    root = process.space.get('Q', heap.record.at('LargeAllocMetadata'))
    process.space.put('Q', root, root)
    process.space.put('Q', root + 8, root)


HEAPS = {
    'entry-checksum': lambda: made(write(first_entry, 'I', 0x12345678)),
    'entry-zero': lambda: made(lambda p: p.app.heaps[0].encode(
        p.app.heaps[0].segments[0].entries[1].address, 0, 1, 0, 0, 16)),
    'entry-huge': lambda: made(lambda p: p.app.heaps[0].encode(
        p.app.heaps[0].segments[0].entries[1].address, 0xFFFF, 1, 0, 0, 16)),
    'segments-loop': lambda: made(lambda p: write(
        list_head('SegmentList'), 'P', list_head('SegmentListEntry')(p))(p)),
    'segments-self': lambda: made(lambda p: write(
        list_head('SegmentListEntry'), 'P', list_head('SegmentListEntry')(p))(p)),
    'segments-away': lambda: made(write(list_head('SegmentList'), 'P', 0xDEAD0000)),
    'segment-pages': lambda: made(spoil('NumberOfPages', 0xFFFFFFFF)),
    'first-entry': lambda: made(spoil('FirstEntry', lambda h: h.address - 16)),
    'last-entry': lambda: made(spoil('LastValidEntry', 2**64 - 1)),
    'ucr-away': lambda: made(write(list_head('UCRSegmentList'), 'P', 1)),
    'virtual-self': lambda: made(lambda p: write(
        list_head('VirtualAllocdBlocks'), 'P', p.app.heaps[0].address)(p)),
    'signature': lambda: made(spoil('Signature', 0)),
    'heap-of-another': lambda: made(spoil('Heap', 0x10000)),
    'front-end-away': lambda: made(lambda p: (spoil('FrontEndHeap', 0xBAD0000)(p),
                                              spoil('FrontEndHeapType', 2)(p))),
    'heaps-many': lambda: made(write(peb('NumberOfHeaps'), 'I', 0xFFFFFFFF)),
    'heaps-away': lambda: made(write(peb('ProcessHeaps'), 'P', 2**64 - 16)),
    'heaps-same': lambda: made(lambda p: [p.space.put(
        'P', p.space.get('P', peb('ProcessHeaps')(p)) + 8 * i, p.app.heaps[0].address)
        for i in range(16)] and write(peb('NumberOfHeaps'), 'I', 16)(p)),
    'heap-unaligned': lambda: made(lambda p: p.space.put(
        'P', p.space.get('P', peb('ProcessHeaps')(p)), p.app.heaps[0].address + 3)),
    'vs-signature': lambda: segment_made(lambda p: p.space.put('H', vs(p) + 0x22, 0)),
    'vs-chunk': lambda: segment_made(lambda p: p.space.put('Q', chunk(1)(p), 0)),
    'vs-chunk-zero': lambda: segment_made(lambda p: p.space.put(
        'Q', chunk(1)(p), chunk(1)(p) ^ p.app.heap_key)),
    'vs-list-loop': lambda: segment_made(lambda p: p.space.put('Q', vs(p), vs(p))),
    'lfh-count': lambda: segment_made(write(lfh_sub(0x22), 'H', 0xFFFF)),
    'lfh-offsets': lambda: segment_made(write(lfh_sub(0x28), 'I', 0)),
    'lfh-list-loop': lambda: segment_made(lambda p: write(lfh_sub(0), 'Q', lfh_sub(0)(p))(p)),
    'range-zero': lambda: segment_made(lambda p: p.space.put(
        'B', p.app.heaps[0].segments[0].address + 0x40 + 0x1F, 0)),
    'range-many': lambda: segment_made(lambda p: p.space.put(
        'B', p.app.heaps[0].segments[0].address + 0x40 + 0x1F, 255)),
    'segment-loop': lambda: segment_made(lambda p: p.space.put(
        'Q', p.app.heaps[0].segments[0].address, p.app.heaps[0].segments[0].address)),
    'large-loop': lambda: segment_made(tree_loop),
    'segment-shift': lambda: segment_made(lambda p: p.space.put(
        'B', p.app.heaps[0].record.at('SegContexts') + 8, 255)),
}

BROKEN = {**STREAMS, **HEAPS}


def write_all(folder):
    os.makedirs(folder, exist_ok=True)
    for kind, table in (('', GOOD), ('bad-', BROKEN)):
        for name, make in table.items():
            with open(os.path.join(folder, kind + name + '.dmp'), 'wb') as f:
                f.write(make())


__all__ = ['GOOD', 'BROKEN', 'write_all', 'MEMORY', 'UNLOADED']
