# SPDX-License-Identifier: MIT
"""The dumps that tests use. Each case is a function that returns (Dump, truth or None)."""

from blocks import point
from dump import MEMORY64, MISC, REGIONS, SYSTEM, THREAD_INFO, Dump, Handle, Module
from process import Process
from space import EXECUTE_READ, MAPPED, READONLY, RESERVE

HANDLES = [('Event', None, 9), ('File', '\\Device\\HarddiskVolume3\\srv\\data.log', 4),
           ('Key', '\\REGISTRY\\MACHINE\\SOFTWARE\\Seep', 2), ('Thread', None, 3),
           ('Semaphore', None, 5), ('IoCompletion', None, 1)]


def add_handles(process):
    value = 4
    for kind, name, n in HANDLES:
        for _ in range(n):
            process.handles.append(Handle(value, kind, name))
            value += 4


def add_memory(process):
    """Private memory of nobody in particular, mapped files, a reservation."""
    space = process.space
    own = space.allocate(0x5000)
    space.write(own.base, b'\xEE' * 64)
    space.allocate(0x30000, commit=False).commit(0x10000, 0x2000)
    space.allocate(0x8000, kind=MAPPED, protect=READONLY, usage='MappedFile',
                   detail='C:\\Windows\\System32\\locale.nls')
    space.allocate(0x100000, commit=False)
    space.allocate(0x1000, protect=EXECUTE_READ)


def server(process, heap, alloc=None):
    """The blocks of a server that loses its sessions: known in every number.

    Reached: 3 Listener, 10 Session by a chain from a global, 4 Buffer from the stack, 1 from a
    register. Lost: 40 Session with a Buffer each, a ring of 5 Node, 7 blocks without a type."""
    exe = process.exe
    session = exe.cpp_class('Session', 72)
    buffer = exe.cpp_class('Buffer@net', 264)
    listener = exe.cpp_class('Listener', 120, rtti=False)
    node = exe.cpp_class('Node', 32)
    word = process.app.space.word
    make = alloc or (lambda kind, size=None: heap.alloc(size or kind.size, kind))
    thread = process.threads[0]
    for i in range(3):
        process.global_pointer(make(listener), 'listener%d' % i)
    previous = make(session)
    process.global_pointer(previous, 'sessions')
    for _ in range(9):
        following = make(session)
        point(previous, word, following)
        previous = following
    for _ in range(4):
        thread.root(make(buffer))
    thread.register('rbx' if word == 8 else 'ebx', make(buffer))
    for _ in range(40):
        point(make(session), 2 * word, make(buffer))
    ring = [make(node) for _ in range(5)]
    for i, n in enumerate(ring):
        point(n, word, ring[(i + 1) % 5])
    for i in range(7):
        make(None, 100 + 8 * i)
    if not process.wow64:
        thread.below(ring[0])


def base(arch='x64', windows='win10', real=False, threads=2):
    process = Process(arch, windows)
    process.program(real)
    for i in range(threads):
        process.thread(0x1000 + 4 * i, ['main', 'worker', None][i % 3])
    return process


def done(process):
    add_handles(process)
    add_memory(process)
    process.unloaded.append(Module(0x7FFB30000000 if process.main.space.bits == 64 else 0x6F000000,
                                   0x12000, 'old.dll', 0x5F000000))
    process.finish()
    return process.dump(), process.truth()


def nt(arch='x64', windows='win10', lfh=False, encoded=True, real=False):
    """The server on an NT heap, beside a second heap with everything else that a heap can have."""
    process = base(arch, windows, real)
    half = process.app
    heap = half.nt_heap('main', encoded=encoded)
    if lfh:
        slots = {}

        def make(kind, size=None):
            size = size or kind.size
            key = (size + 15) // 16 * 16
            if key not in slots or not any(b is None for b in heap.subsegments[slots[key]][5]):
                slots[key] = heap.open_bucket(key, 30)
            return heap.alloc_lfh(slots[key], size, kind)
        server(process, heap, make)
    else:
        server(process, heap)
    thread = process.threads[1]
    other = half.nt_heap('other', reserve=0x40000)
    kept = [other.alloc(n) for n in (1, 8, 16, 17, 24, 40, 4000, 5000, 0x3000)]
    for b in kept:
        thread.root(b)
    gone = [other.alloc(64) for _ in range(6)]
    for b in gone[::2]:
        other.free(b)
    for b in gone[1::2]:
        thread.root(b)
    other.gap(0x800)
    other.uncommit(3)
    thread.root(other.alloc(512))
    for _ in range(9):  # into a second segment
        thread.root(other.alloc(0x7F00))
    thread.root(other.alloc(0x110000))
    other.alloc(0x104321)  # a lost virtual block
    if lfh:
        bucket = other.open_bucket(48, 20)
        for i in range(0, 20, 2):
            thread.root(other.alloc_lfh(bucket, 33 + i // 2, index=i))
        other.free(other.alloc_lfh(bucket, 48, index=1))
    if process.wow64:
        process.main.nt_heap('native').alloc(200)
    return done(process)


def case_nt_x64():
    return nt()


def case_nt_x64_lfh():
    return nt(lfh=True)


def case_nt_x64_real():
    """With the identity of the real ntdll, whose public PDB has the types and the keys."""
    return nt(lfh=True, real=True)


def case_nt_x86():
    return nt('x86')


def case_nt_x86_lfh():
    return nt('x86', lfh=True)


def case_nt_x64_win7():
    return nt(windows='win7', lfh=True)


def case_nt_x86_win7():
    return nt('x86', windows='win7', lfh=True)


def case_nt_wow64():
    return nt('wow64', lfh=True)


def case_wow64_dead_stack():
    """A pointer below the 32-bit stack pointer, which lies in the WoW64 context: no root."""
    process = base('wow64', 'win7')
    heap = process.app.nt_heap('main')
    kind = process.exe.cpp_class('Session', 72)
    process.threads[0].root(heap.alloc(72, kind))
    process.threads[0].below(heap.alloc(72, kind))
    process.main.nt_heap('native').alloc(200)
    return done(process)


def case_nt_plain():
    """Entries that are not encoded, as under a debugger's heap flags."""
    return nt(encoded=False)


def segment(real=False):
    process = base(real=real)
    half = process.app
    heap = half.segment_heap('main')
    slots = {}

    def make(kind, size=None):
        size = size or kind.size
        if size < 90:  # the small ones from the LFH, the others from variable size chunks
            key = (size + 15) // 16
            if key not in slots or not any(
                    b is None for b in heap.buckets[key][slots[key][1]]['slots']):
                slots[key] = heap.open_bucket(size, 26)
            return heap.alloc_lfh(slots[key], size, kind)
        return heap.alloc(size, kind)
    server(process, heap, make)
    thread = process.threads[1]
    for n in (1, 15, 16, 17, 500, 4095, 0x1F000):
        thread.root(heap.alloc(n))
    heap.free(heap.alloc(3000))
    heap.gap(0x6000, bare=True)
    thread.root(heap.alloc(640))
    thread.root(heap.alloc(0x20001))
    heap.alloc(0x40000)  # a lost page range
    for _ in range(3):
        thread.root(heap.alloc(0x7E000))  # into a second segment
    thread.root(heap.alloc(0x900123))
    heap.alloc(0x800000)  # a lost large block
    return done(process)


def case_segment():
    return segment()


def case_segment_real():
    return segment(real=True)


def small(arch='x64', windows='win10', segment_heap=False):
    """A process of a few pages: the shape of a seed."""
    process = base(arch, windows, threads=1)
    if segment_heap:
        heap = process.app.segment_heap('main')
    else:
        heap = process.app.nt_heap('main', reserve=0x10000)
    kind = process.exe.cpp_class('Session', 72)
    process.threads[0].root(heap.alloc(72, kind))
    heap.alloc(72, kind)
    heap.free(heap.alloc(40))
    heap.alloc(24)
    process.handles.append(Handle(4, 'Event', 'Global\\ready'))
    process.finish()
    return process


def small_dump(**more):
    process = small(**more)
    return process.dump(), process.truth()


def leak_objects(segment_heap=False):
    """What tests/specimens/leak_objects.cpp does, as it would lie on Windows: 10 Session kept in a
    chain and 3 net::Listener from globals, 400 Session lost with a net::Buffer each."""
    process = base(threads=1)
    process.threads[0].push(process.exe.base + 0x1234)
    exe = process.exe
    session, buffer, listener = (exe.cpp_class(*c) for c in (
        ('Session', 72), ('Buffer@net', 256), ('Listener@net', 112)))
    heap = (process.app.segment_heap if segment_heap else process.app.nt_heap)('main')
    made, buckets = {}, {}

    def make(kind):
        # The 17th request of a size is the first that the front end serves.
        n = made[kind] = made.get(kind, 0) + 1
        if n < 17:
            return heap.alloc(kind.size, kind)
        if kind not in buckets or (n - 17) % 60 == 0:
            buckets[kind] = heap.open_bucket(kind.size, 60)
        return heap.alloc_lfh(buckets[kind], kind.size, kind)

    for i in range(3):
        process.global_pointer(make(listener), 'listener%d' % i)
    chain = [make(session) for _ in range(10)]
    process.global_pointer(chain[-1], 'sessions')
    for older, newer in zip(chain, chain[1:]):
        point(newer, 8, older)
    for _ in range(400):
        point(make(session), 16, make(buffer))
    process.finish()
    return process.dump(), process.truth()


def case_leak_objects():
    return leak_objects()


def case_leak_objects_segment():
    return leak_objects(True)


def case_small():
    return small_dump()


def case_arm64():
    """An ARM64 process: its structures are those of x64, its contexts are not."""
    process = base('arm64')
    heap = process.app.nt_heap('main')
    kind = process.exe.cpp_class('Session', 72)
    process.threads[0].root(heap.alloc(72, kind))
    process.threads[0].register('x19', heap.alloc(72, kind))
    for _ in range(3):
        heap.alloc(72, kind)
    return done(process)


def case_wine():
    """As Wine's MiniDumpWriteDump writes: five streams, RVAs unaligned, no CodeView records."""
    dump, truth = small_dump()
    dump.padding, dump.align, dump.code_view, dump.misc_version = 1, 1, False, 1
    dump.regions, dump.handles, dump.vm = None, [], None
    dump.threads[0].name = None
    dump.omit = {REGIONS, THREAD_INFO}
    return dump, truth


def case_crashpad():
    """As crashpad writes: stacks in a MemoryList, regions and handles, no full memory."""
    process = base(threads=3)
    heap = process.app.nt_heap('main')
    server(process, heap)
    dump, truth = done(process)
    dump.memory64 = False
    dump.flags = 0
    dump.ranges = [(t.base, process.space.read(t.base, 0x2000))
                   for t in (x.teb for x in process.threads)]
    dump.ranges += [(process.main.peb.base, process.space.read(process.main.peb.base, 0x1000))]
    dump.ranges += [(x.sp, process.space.read(x.sp, x.base - x.sp)) for x in process.threads]
    dump.misc_version, dump.unused_streams = 4, 4
    dump.extra_streams = [(0x43500001, bytes(52))]
    return dump, truth


def case_wide_entries():
    """Entries larger than the documented ones: whoever reads goes by the stated size."""
    dump, truth = small_dump()
    dump.entry_extra, dump.handle_version, dump.vm_version, dump.misc_version = 8, 2, 2, 5
    return dump, truth


def case_unaligned():
    dump, truth = small_dump()
    dump.padding, dump.align = 3, 1
    return dump, truth


def case_memory_first():
    """The order of the streams means nothing."""
    dump, truth = small_dump()
    kinds = [k for k, _ in dump.streams()]
    dump.order = list(reversed(kinds))
    dump.order.remove(MEMORY64)
    dump.order.append(MEMORY64)
    return dump, truth


def case_no_regions():
    """Memory without a MemoryInfoList: only what is held is known."""
    dump, truth = small_dump()
    dump.regions = None
    return dump, truth


def case_regions_only():
    """Regions without any memory: the split by usage cannot be known."""
    dump, truth = small_dump()
    dump.memory64, dump.ranges, dump.stack_memory = False, [], False
    return dump, truth


def case_bare():
    """The least that is a dump: the system's stream alone."""
    dump, _ = small_dump()
    dump.omit = {k for k, _ in dump.streams()} - {SYSTEM, MISC}
    return dump, None


def case_no_streams():
    dump = Dump()
    dump.omit = {k for k, _ in dump.streams()}
    return dump, None


def case_interior():
    """Blocks that only a pointer into their middle keeps."""
    process = base()
    heap = process.app.nt_heap('main')
    kind = process.exe.cpp_class('Session', 72)
    first = heap.alloc(72, kind)
    process.threads[0].root(first, inside=16)
    point(first, 24, heap.alloc(72, kind), inside=8)
    heap.alloc(72, kind)
    return done(process)


# The identity of the PDB that src/symbols/synth_pdb.py writes, of which synth_pdb.py and the test
# know the functions: main at 0x1010, Foo::f at 0x1100.
OWN_PDB = ('server.pdb', '13121110-1514-1716-1819-1a1b1c1d1e1f', 1)


def case_crashed():
    """A crash in Foo::f; the other thread is in main. The crashed one's own registers are those of
    the writer of the dump."""
    process = base()
    heap = process.app.nt_heap('main', reserve=0x10000)
    process.threads[0].root(heap.alloc(100))
    process.exe.pdb, process.exe.guid, process.exe.age = OWN_PDB
    dump, truth = done(process)
    code = process.exe.base
    dump.threads[0].registers['pc'] = process.main.images[1].base + 0x1000
    dump.threads[1].registers['pc'] = code + 0x1018
    dump.exception = (dump.threads[0].tid, 0xC0000005, {'pc': code + 0x1104, 'sp': 0})
    return dump, truth


def case_early():
    """The server before it has lost much: what `grown` is compared with."""
    process = base()
    server(process, process.app.nt_heap('main'))
    return done(process)


def case_grown():
    """The server later: 120 more sessions, another mapped file, 6 threads. For `map OLD NEW`."""
    process = base(threads=8)
    heap = process.app.nt_heap('main')
    server(process, heap)
    kind = process.exe.cpp_class('Session@later', 72)
    for _ in range(5000):
        heap.alloc(kind.size, kind)
    process.space.allocate(0x40000, kind=MAPPED, protect=READONLY, usage='MappedFile')
    process.space.allocate(0x200000, kind=MAPPED, commit=False, usage='MappedFile')
    dump, truth = done(process)
    dump.timestamp += 600
    return dump, truth


CASES = {k[5:].replace('_', '-'): v for k, v in list(globals().items()) if k.startswith('case_')}

__all__ = ['CASES', 'RESERVE']
