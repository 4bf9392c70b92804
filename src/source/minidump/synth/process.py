# SPDX-License-Identifier: MIT
"""A whole process: modules, PEB, TEBs, loader list, stacks, heaps, and the truth about them."""

import json
import random

from blocks import group, reachable
from dump import ARM64, X64, X86, Dump, Handle, Module, Thread, utf16, vm_of
from image import Image
from layout import Layout, Record
from ntheap import NtHeap
from segheap import SegmentHeap
from space import COMMIT, FREE, GUARD, IMAGE, MAPPED, PAGE, PRIVATE, READWRITE, RESERVE, \
    READONLY, Space, narrow

REAL = {  # the ntdll whose public PDB the structures come from
    'x64': {'pdb': 'ntdll.pdb', 'guid': 'CCC0E361-20F4-24BE-044D-E630C3BD80C4', 'age': 3,
            'size': 0x1F8000, 'data': (0x166000, 0xB548), 'rdata': (0x11D000, 0x48031),
            'globals': 0x16A660, 'lfh': 0x16D780},
    'x86': {'pdb': 'wntdll.pdb', 'guid': '1C96EAD8-0971-326D-3967-ED72C983E164', 'age': 3,
            'size': 0x1A4000, 'data': (0x123000, 0x5A84), 'rdata': None,
            'globals': 0x124320, 'lfh': 0x126994},
}
PROTECTIONS = {1: 'NoAccess', 2: 'ReadOnly', 4: 'ReadWrite', 8: 'WriteCopy', 0x10: 'Execute',
               0x20: 'ExecuteRead', 0x40: 'ExecuteReadWrite', 0x80: 'ExecuteWriteCopy'}


def guid_of(text):
    r = random.Random(text)
    return '%08X-%04X-%04X-%04X-%012X' % tuple(
        r.getrandbits(n) for n in (32, 16, 16, 16, 48))


class Half:
    """One pointer size of a process: its ntdll, PEB, loader list and heaps."""

    def __init__(self, process, space, machine, windows):
        self.process, self.space, self.machine = process, space, machine
        self.layout = Layout(windows, space.bits)
        self.images, self.heaps = [], []
        self.peb = space.allocate(PAGE, usage='PEB%d' % space.bits)
        self.heap_key = random.Random('heap key').getrandbits(space.bits)
        self.lfh_key = random.Random('lfh key').getrandbits(space.bits)

    def image(self, *args, **more):
        made = Image(self.space, *args, machine=self.machine, **more)
        self.images.append(made)
        return made

    def ntdll(self, base, real=False):
        """ntdll with the keys of the heaps in its .data."""
        path = 'C:\\Windows\\%s\\ntdll.dll' % (
            'SysWOW64' if self.process.wow64 and self.space.bits == 32 else 'System32')
        version = (10, 0, 19041, 844) if self.layout.windows == 'win10' else (6, 1, 7601, 24545)
        if real:
            r = REAL[self.machine]
            sections = [('.text', 0x1000, (r['rdata'] or r['data'])[0] - 0x1000, 'rx')]
            if r['rdata']:
                sections.append(('.rdata', *r['rdata'], 'r'))
            sections.append(('.data', *r['data'], 'rw'))
            made = self.image(path, base, sections, size=r['size'], pdb=r['pdb'], guid=r['guid'],
                              age=r['age'], version=version, hidden=('.text', '.rdata'))
            end = r['data'][0] + r['data'][1]
            made.allocation.absent.update(range(end // PAGE + 1, r['size'] // PAGE))
            keys, lfh = base + r['globals'], base + r['lfh']
        else:
            name = 'wntdll.pdb' if self.space.bits == 32 else 'ntdll.pdb'
            made = self.image(path, base, [('.text', 0x1000, 0x1000, 'rx'),
                                           ('.rdata', 0x2000, 0x1000, 'r'),
                                           ('.data', 0x3000, 0x1000, 'rw')],
                              pdb=name, guid=guid_of(name + self.layout.windows), version=version)
            underscore = '_' if self.space.bits == 32 else ''
            keys = made.variable(underscore + 'RtlpHpHeapGlobals', 0x40)
            lfh = made.variable(underscore + 'RtlpLFHKey', 8)
            made.function('_RtlAllocateHeap@12' if underscore else 'RtlAllocateHeap', 0x80)
        self.space.put('P', keys, self.heap_key)
        self.space.put('P', keys + self.space.word, self.lfh_key)
        self.space.put('P', lfh, self.lfh_key)
        return made

    def nt_heap(self, name, **more):
        made = NtHeap(self.space, self.layout, name, lfh_key=self.lfh_key,
                      seed='%s%d' % (name, self.space.bits), **more)
        self.heaps.append(made)
        return made

    def segment_heap(self, name):
        made = SegmentHeap(self.space, self.layout, name, self.heap_key, self.lfh_key)
        self.heaps.append(made)
        return made

    def text(self, s):
        """A UNICODE_STRING's buffer in the process' own private memory."""
        data = utf16(s) + b'\0\0'
        at = self.texts
        self.space.write(at, data)
        self.texts += len(data) + len(data) % 8
        return at, len(data) - 2

    def unicode(self, record, field, s):
        at, n = self.text(s)
        where = record.at(field)
        self.space.put('H', where, n)
        self.space.put('H', where + 2, n + 2)
        self.space.put('P', where + self.space.word, at)

    def finish(self, build):
        space, layout = self.space, self.layout
        for heap in self.heaps:
            heap.finish()
        room = space.allocate(0x4000, usage='Other', detail='loader data')
        self.texts = room.base + 0x2000
        at = room.base
        peb = Record(space, layout, '_PEB', self.peb.base)
        exe = self.images[0]
        heaps = at
        for i, heap in enumerate(self.heaps):
            space.put('P', heaps + i * space.word, heap.address)
            heap.set_index(i + 1)
        at += 0x200
        ldr = Record(space, layout, '_PEB_LDR_DATA', at).set(
            Length=layout.sizes['_PEB_LDR_DATA'], Initialized=1)
        at += 0x80
        entries = []
        for image in self.images:
            e = Record(space, layout, '_LDR_DATA_TABLE_ENTRY', at)
            at += 0x180
            e.set(DllBase=image.base, EntryPoint=image.base + 0x1000, SizeOfImage=image.size,
                  TimeDateStamp=image.timestamp)
            self.unicode(e, 'FullDllName', image.path)
            self.unicode(e, 'BaseDllName', image.path.rsplit('\\', 1)[-1])
            entries.append(e)
        for order in ('Load', 'Memory', 'Initialization'):
            space.link(ldr.at('In%sOrderModuleList' % order),
                       [e.at('In%sOrderLinks' % order) for e in entries])
        parameters = Record(space, layout, '_RTL_USER_PROCESS_PARAMETERS', at)
        self.unicode(parameters, 'ImagePathName', exe.path)
        self.unicode(parameters, 'CommandLine', '"%s" --serve' % exe.path)
        peb.set(ImageBaseAddress=exe.base, Ldr=ldr.address, ProcessParameters=parameters.address,
                ProcessHeap=self.heaps[0].address if self.heaps else 0,
                NumberOfHeaps=len(self.heaps), MaximumNumberOfHeaps=16, ProcessHeaps=heaps,
                NumberOfProcessors=8, OSMajorVersion=build[0], OSMinorVersion=build[1],
                OSBuildNumber=build[2], OSPlatformId=2)


class ThreadMaker:
    """A thread with its stack: what is pushed is a root."""

    def __init__(self, half, tid, name=None, committed=0x3000, reserve=0x40000):
        space = half.space
        bits = space.bits
        self.half, self.tid, self.name = half, tid, name
        a = space.allocate(reserve, usage='Stack%d' % bits, commit=False,
                           detail='thread %d' % tid)
        a.commit(reserve - committed, committed)
        a.commit(reserve - committed - PAGE, PAGE, READWRITE | GUARD)
        self.allocation, self.base, self.limit = a, a.base + reserve, a.base + reserve - committed
        self.sp = self.base - 0x40
        self.teb = space.allocate(0x2000 if bits == 64 else PAGE, usage='TEB%d' % bits)
        Record(space, half.layout, '_TEB', self.teb.base).set(
            StackBase=self.base, StackLimit=self.limit, Self=self.teb.base,
            ProcessId=half.process.pid, ThreadId=tid, ProcessEnvironmentBlock=half.peb.base,
            DeallocationStack=a.base)
        self.registers, self.roots = {}, []

    def push(self, value):
        self.sp -= self.half.space.word
        self.half.space.put('P', self.sp, value)

    def root(self, block, inside=0):
        self.push(block.address + inside)
        self.roots.append(block)

    def register(self, name, block):
        self.registers[name] = block.address
        self.roots.append(block)

    def below(self, block):
        """What a call that returned left behind: no root."""
        self.half.space.put('P', self.sp - 0x100, block.address)


class Process:
    def __init__(self, arch='x64', windows='win10', name='server.exe', pid=4242):
        self.arch, self.windows, self.pid, self.wow64 = arch, windows, pid, arch == 'wow64'
        self.name = name
        wide = arch in ('x64', 'arm64', 'wow64')
        first = 0x500000 if arch in ('x86',) else 0x1D500000000
        self.space = Space(64 if wide else 32, first)
        machine = {'wow64': 'x64'}.get(arch, arch)
        self.main = Half(self, self.space, machine, windows)
        self.low = Half(self, narrow(self.space), 'x86', windows) if self.wow64 else None
        self.app = self.low or self.main  # where the program itself runs
        self.threads, self.globals, self.handles, self.unloaded = [], [], [], []
        self.build = {'win10': (10, 0, 19041), 'win7': (6, 1, 7601)}[windows]

    def halves(self):
        return [h for h in (self.main, self.low) if h]

    def program(self, real_ntdll=False):
        """The program's own image and the system's."""
        x86 = self.app.space.bits == 32
        folder = 'C:\\srv\\'
        pdb = self.name.replace('.exe', '.pdb')
        self.exe = self.app.image(folder + self.name, 0x400000 if x86 else 0x7FF6A0000000,
                                  [('.text', 0x1000, 0x2000, 'rx'), ('.rdata', 0x3000, 0x2000, 'r'),
                                   ('.data', 0x5000, 0x2000, 'rw')],
                                  pdb=pdb, guid=guid_of(pdb + self.arch), version=(2, 1, 0, 7))
        if self.wow64:
            # The 64-bit loader lists the program too.
            self.main.images.append(self.exe)
        self.main.ntdll(0x77A00000 if self.main.space.bits == 32 else 0x7FFB40000000, real_ntdll)
        if self.low:
            self.low.ntdll(0x77A00000, real_ntdll)
        return self.exe

    def thread(self, tid, name=None):
        made = ThreadMaker(self.app, tid, name)
        if self.wow64:
            made.outer = ThreadMaker(self.main, tid, name)
            low, high = made.teb.base, made.outer.teb.base
            self.space.put('Q', high, low)  # NtTib.ExceptionList of the 64-bit TEB
            Record(self.space, self.main.layout, '_TEB', high).set(
                WowTebOffset=(low - high + 2**31) % 2**32 - 2**31)
            Record(self.low.space, self.low.layout, '_TEB', low).set(
                GdiBatchCount=high & 0xFFFFFFFF, WowTebOffset=0)
            # The 32-bit stack pointer lies in the WoW64 context, in the 64-bit TEB's TLS slot 1.
            self.wow_context(made)
        self.threads.append(made)
        return made

    def wow_context(self, made):
        made.outer.sp -= 0x400

    def global_pointer(self, block, name='g'):
        word = self.app.space.word
        at = self.exe.variable('?%s@@3PEAXEA' % name, word)
        self.app.space.put('P', at, block.address)
        self.globals.append(block)

    # --- output -----------------------------------------------------------------------------

    def finish(self):
        for half in self.halves():
            half.finish(self.build)
        if self.wow64:
            for t in self.threads:
                slot = t.outer.teb.base + self.main.layout.offset('_TEB', 'TlsSlots') + 8
                where = t.outer.sp + 0x20
                from dump import context
                data = context(X86, {'sp': t.sp, 'pc': self.exe.base + 0x1010, **t.registers})
                self.space.write(where, b'\0\0\x4c\x01' + data)
                self.space.put('Q', slot, where)

    def dump(self):
        d = Dump({'x86': X86, 'x64': X64, 'arm64': ARM64, 'wow64': X64}[self.arch])
        d.version, d.pid = self.build, self.pid
        d.regions = self.space.regions()
        d.ranges = list(self.space.held())
        seen = set()
        for half in reversed(self.halves()) if self.wow64 else self.halves():
            for i in half.images:
                if i.base not in seen:
                    seen.add(i.base)
                    d.modules.append(Module(i.base, i.size, i.path, i.timestamp, 0, i.pdb, i.guid,
                                            i.age, i.version))
        for t in self.threads:
            real = getattr(t, 'outer', t)
            space = self.space
            # Of a WoW64 thread the list names the 32-bit stack, beside the 64-bit context.
            d.threads.append(Thread(
                t.tid, real.teb.base, (t.limit, t.base - t.limit, space.read), real.sp,
                {'pc': self.exe.base + 0x1010, **(t.registers if real is t else {})}, t.name,
                self.exe.base + 0x1000, t.sp if real is t else t.limit))
        d.handles, d.unloaded = self.handles, self.unloaded
        d.vm = vm_of(d.regions)
        return d

    def truth(self):
        regions = self.space.regions()
        heaps = [h.truth() for half in self.halves() for h in half.heaps]
        owners = [h for half in self.halves() for h in half.heaps]
        blocks = [b for h in owners for b in h.blocks if b.busy]
        roots = self.globals + [b for t in self.threads for b in t.roots]
        reached = reachable(roots)
        lost = [b for b in blocks if b not in reached]
        commit = [r for r in regions if r.state == COMMIT]

        def type_of(b):
            return b.kind.name if b.kind else None

        def rows(key, chosen=regions):
            sums = {}
            for r in chosen:
                n, size, largest = sums.get(key(r), (0, 0, 0))
                sums[key(r)] = (n + 1, size + r.size, max(largest, r.size))
            return {k: {'regions': n, 'size_bytes': s, 'largest_bytes': m}
                    for k, (n, s, m) in sorted(sums.items())}

        return {
            'arch': self.arch, 'pid': self.pid, 'image': self.name,
            'build': self.build[2], 'regions_total': len(regions),
            'usage': rows(lambda r: r.usage),
            'type': rows(lambda r: {PRIVATE: 'Private', MAPPED: 'Mapped', IMAGE: 'Image'}.get(
                r.kind, 'Free')),
            'state': rows(lambda r: {COMMIT: 'Commit', RESERVE: 'Reserve', FREE: 'Free'}[r.state]),
            'protect': rows(lambda r: PROTECTIONS[r.protect & 0xFF] +
                            ('|Guard' if r.protect & GUARD else ''), commit),
            'split': {
                'committed_private_bytes': sum(r.size for r in commit if r.kind == PRIVATE),
                'committed_mapped_bytes': sum(r.size for r in commit if r.kind == MAPPED),
                'committed_image_bytes': sum(r.size for r in commit if r.kind == IMAGE),
                'reserved_bytes': sum(r.size for r in regions if r.state == RESERVE)},
            'heaps': heaps,
            'blocks': len(blocks), 'bytes': sum(b.size for b in blocks),
            'sizes': [{'heap': h, 'size_bytes': s, 'blocks': n, 'bytes': total}
                      for (h, s), n, total in group(
                          blocks, lambda b: ('0x%x' % b.heap.address, b.size))],
            'types': [{'name': k, 'blocks': n, 'bytes': s}
                      for k, n, s in group([b for b in blocks if b.kind], type_of)],
            'unreachable': {
                'blocks': len(lost), 'bytes': sum(b.size for b in lost),
                'groups': [{'type': k[0], 'size_bytes': k[1], 'blocks': n, 'bytes': s}
                           for k, n, s in group(lost, lambda b: (type_of(b), b.size))]},
            'handles': {str(k): n for k, n, _ in group_handles(self.handles)},
            'threads': len(self.threads),
            'modules': len({i.base for half in self.halves() for i in half.images}),
            'symbols': {i.path.rsplit('\\', 1)[-1]: {
                'base': '0x%x' % i.base, 'pdb': i.pdb, 'guid': i.guid, 'age': i.age}
                for half in self.halves() for i in half.images},
        }


def group_handles(handles):
    kinds = {}
    for h in handles:
        kinds[h.kind] = kinds.get(h.kind, 0) + 1
    return sorted((k, n, 0) for k, n in kinds.items() if k is not None)


def write_truth(path, truth):
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(truth, f, indent=1, sort_keys=True)
        f.write('\n')


__all__ = ['Process', 'Handle', 'Module', 'READONLY', 'write_truth', 'MAPPED']
