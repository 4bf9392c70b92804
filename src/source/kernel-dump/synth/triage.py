# SPDX-License-Identifier: MIT
"""Triage dumps (DumpType 4): no pages, but copies of a few structures, the list of drivers, and
blocks of virtual memory."""

import struct


class Parts:
    """The file behind the header: parts at offsets that grow."""

    def __init__(self, start):
        self.start, self.data = start, bytearray()

    def add(self, data, align=8):
        while len(self.data) % align:
            self.data.append(0)
        at = self.start + len(self.data)
        self.data += data
        return at


def memory_record(vm, recorded):
    """What a record of memory says; all zeros where nothing was recorded."""
    out = bytearray(0x50)
    struct.pack_into('<II', out, 0, 1, 0x50)
    if recorded:
        struct.pack_into('<7Q', out, 0x18, 1, vm['nonpaged_pool'], 1 << 24, vm['paged_pool'],
                         vm['committed'], vm['commit_peak'], vm['commit_limit_maximum'])
    return bytes(out)


def driver_entry(m, module, name_at, wide):
    """One entry of the list: where its name is, and the start of its loader entry."""
    out = bytearray(0x90 if wide else 0x58)
    struct.pack_into('<I', out, 0, name_at)
    base = 8 if wide else 4
    t = m.era.types['_KLDR_DATA_TABLE_ENTRY']
    word = '<Q' if wide else '<I'
    struct.pack_into(word, out, base + t['DllBase'], module['base'])
    struct.pack_into('<I', out, base + t['SizeOfImage'], module['size'])
    struct.pack_into('<I', out, base + t['CheckSum'], module['checksum'])
    struct.pack_into('<I', out, base + (0x80 if wide else 0x44), module['timestamp'])
    return bytes(out)


def blocks_of(store):
    """(address, bytes) of the memory that the dump holds."""
    m, world = store.m, store.world
    ranges = [(m.base, 0x1000), (m.symbol('PsActiveProcessHead'), 0x100),
              (m.symbol('PsLoadedModuleList'), 16), (m.symbol('KdDebuggerDataBlock'), 0x340)]
    if store.with_pdb:
        ranges.append((m.base + 0x1000, 0x200))
    if m.era.has_partition:
        vp = m.symbol('MiSystemPartition') + m.era.offset('_MI_PARTITION', 'Vp')
        # As in a real one: not all of it.
        ranges += [(m.symbol('MiSystemPartition'), 0x100), (vp - 0x38, 0x100), (vp + 0x158, 0x100)]
    ranges += [(module['entry'], 0xA0) for module in m.modules]
    ranges += [(p.body, m.era.size('_EPROCESS')) for p in world.alive[:2]]
    return [(at, m.space.read(at, n)) for at, n in sorted(ranges)]


def write_triage(store, f):
    m, world, era = store.m, store.world, store.m.era
    start = store.header.size
    parts = Parts(start + 0x80)
    head = [0] * 32
    head[3], head[4] = (0x348, 0xF00) if m.wide else (0x320, 0x7D0)
    head[5] = parts.add(memory_record(world.vm, store.recorded))
    name = 'oldfltr.sys'.encode('utf-16-le')
    head[6] = parts.add(struct.pack('<QHHI', 1, len(name), len(name), 0) + bytes(8) +
                        name.ljust(24, b'\0') + struct.pack('<QQ', m.base - 0x40000,
                                                            m.base - 0x30000))
    process = world.service
    head[7] = parts.add(bytes(0x200))  # of the processor's control block
    head[8] = parts.add(m.space.read(process.body, era.size('_EPROCESS')))
    head[9] = parts.add(m.space.read(process.threads[0].body, era.size('_ETHREAD')))
    head[11] = 0x200
    head[10] = parts.add(bytes(head[11]))
    head[17] = 0xFFFFFFFF
    head[28] = parts.add(m.kdbg_bytes())
    head[29] = len(m.kdbg_bytes())
    strings, places = bytearray(), []
    for module in m.modules:
        places.append(len(strings))
        text = module['path']
        strings += struct.pack('<I', len(text)) + text.encode('utf-16-le') + b'\0\0'
        strings += bytes(-len(strings) % 4)
    size = 0x90 if m.wide else 0x58
    head[13] = len(m.modules)
    head[12] = parts.add(bytes(size * head[13]))
    head[14], head[15] = parts.add(strings), len(strings)
    for i, module in enumerate(m.modules):
        at = head[12] - parts.start + i * size
        parts.data[at:at + size] = driver_entry(m, module, head[14] + places[i], m.wide)
    blocks = blocks_of(store)
    head[31] = len(blocks)
    table = parts.add(bytes(16 * len(blocks)))
    head[30] = table
    for i, (address, data) in enumerate(blocks):
        at = parts.add(data, 1)
        struct.pack_into('<QII', parts.data, table - parts.start + 16 * i, address, at, len(data))
    head[2] = parts.add(b'TRGE', 4)
    head[1] = head[2] + 4
    f.seek(start)
    f.write(struct.pack('<32I', *head) + parts.data)
    store.n_held = 0
    store.header.values['bugcheck'] = 0x1A
    return store.end(f, head[1])


def truth(store, full):
    """What of the truth a triage dump can tell."""
    recorded, partition = store.recorded, store.m.era.has_partition
    vm = full['vm']
    process = store.world.service
    keep = {k: v for k, v in full.items() if k not in (
        'pool', 'session_pool', 'expanded_tags', 'processes', 'zombies', 'page_states', 'runs')}
    keep['memory_record'] = {
        'nonpaged': vm['nonpaged_pool'], 'paged': vm['paged_pool'],
        'committed': vm['committed'], 'peak_committed': vm['commit_peak'],
        'commit_limit_maximum': vm['commit_limit_maximum']} if recorded else None
    keep['vm'] = {k: vm[k] for k in ('physical', 'available', 'committed')} if partition else {}
    keep['process'] = {'address': process.body, 'pid': process.pid, 'image': process.image}
    keep['blocks'] = len(blocks_of(store))
    return keep
