# SPDX-License-Identifier: MIT
"""The logs that the tests use: the demonstration log, one log per test case, the fuzz seeds."""

import os
import random
import struct
import sys
import zlib

import synth as s
from synth import (CharRef, CData, Direct, El, Entity, Event, Instance, Log, PI, Sub, Tpl, Value,
                   ansi, array, binary, boolean, f32, f64, filetime, ft, guid, hex32, hex64, i8,
                   i16, i32, i64, sid, size_t, systemtime, text, texts, u8, u16, u32, u64)

DETECTOR = 'Microsoft-Windows-Resource-Exhaustion-Detector'
RESOLVER = 'Microsoft-Windows-Resource-Exhaustion-Resolver'
DETECTOR_GUID = '9988748e-c2e8-4054-85f6-0c3e1cad2470'
RESOLVER_GUID = '91f5fb12-fdea-4095-85d5-614b495cd9de'

SECOND = 10_000_000
MINUTE = 60 * SECOND


def exhaustion(time, system, paged, nonpaged, processes, when=None, **more):
    """Event 2004. system: the 8 numbers of SystemInfo in the order of the event; pools: 3 x
    (tag, bytes); processes: up to 6 x (image, pid, FILETIME, commit, handles, version, type)."""
    names = ('SystemCommitLimit', 'SystemCommitCharge', 'ProcessCommitCharge', 'PagedPoolUsage',
             'PhysicalMemorySize', 'PhysicalMemoryUsage', 'NonPagedPoolUsage')
    sysinfo = [(n, u64(v)) for n, v in zip(names, system)] + [('Processes', u32(system[7]))]

    def pool(tags):
        tags = list(tags) + [('', 0)] * (3 - len(tags))
        return [('Tag_%d' % (i + 1), [('Name', text(t)), ('PoolUsed', u64(b))])
                for i, (t, b) in enumerate(tags)]

    slots = list(processes) + [('', 0, 0, 0, 0, '0.0.0.0', 0)] * (6 - len(processes))
    info = [('Process_%d' % (i + 1),
             [('Name', text(p[0])), ('ID', u32(p[1])), ('CreationTime', filetime(p[2])),
              ('CommitCharge', u64(p[3])), ('HandleCount', u32(p[4])), ('Version', text(p[5])),
              ('TypeInfo', u32(p[6]))]) for i, p in enumerate(slots)]
    tree = ('MemoryExhaustionInfo', {'xmlns': s.NS_RADAR},
            [('SystemInfo', sysinfo), ('PagedPoolInfo', pool(paged)),
             ('NonPagedPoolInfo', pool(nonpaged)), ('ProcessInfo', info),
             ('ExhaustionEventInfo', [('Time', filetime(when if when is not None else time))])])
    args = dict(time=time, guid=DETECTOR_GUID, level=3, task=3, opcode=33,
                keywords=0x8000000020000000, pid=6500, tid=6412, user='S-1-5-18',
                activity='9eaa533d-165d-47bb-b253-309a7a2cd547', user_data=tree)
    args.update(more)
    return Event(DETECTOR, 2004, **args)


# The numbers of a published decode of a real event 2004 (Windows 10, August 2024).
REAL_TIME = ft('2024-08-03T06:50:04.072688')


def exhaustion_real(**more):
    return exhaustion(
        REAL_TIME,
        (47906598912, 47858802688, 3422089216, 240447488, 17159340032, 3671191552, 248324096, 142),
        [('MmSt', 34301200), ('Ntff', 25314432), ('FMfn', 23435776)],
        [('EtwB', 127418624), ('FMsc', 10174592), ('File', 7281872)],
        [('rustc.exe', 11372, ft('2024-08-03T06:49:52.779537'), 1446383616, 406, '0.0.0.0', 201),
         ('MsMpEng.exe', 4036, ft('2024-08-03T06:49:02.860027'), 325812224, 997, '0.0.0.0', 66),
         ('msedge.exe', 4276, ft('2024-08-03T06:49:34.094588'), 109355008, 580, '127.0.2651.86',
          211),
         ('cargo.exe', 11212, ft('2024-08-03T06:49:32.391991'), 107757568, 159, '0.0.0.0', 152)],
        when=ft('2024-08-03T06:50:03.060374'), computer='DESKTOP-9FSUKAJ', **more)


def pool_empty(time, event_id, **more):
    return Event('srv', event_id, time=time, qualifiers=0xC000, level=2,
                 data=texts(['\\Device\\LanmanServer']), binary_data=bytes(40), **more)


def radar(time, name='RADAR_PRE_LEAK_64', image='leaky.exe', version='1.2.3.4', **more):
    return Event('Windows Error Reporting', 1001, time=time, qualifiers=0, channel='Application',
                 data=texts(['1558037469283901116', '5', name, 'Not available', '0', image, version,
                             '10.0.19044.2.0.0'] + [''] * 7 +
                            ['\n\\\\?\\C:\\Temp\\RDR1.tmp\\empty.txt', '', '', '0',
                             '83c81b46-0064-4efa-afd2-50bd79da481a', '268435456',
                             '3841512806c093cde59f42d2cf6a5ebc', '0']), **more)


def resolver(time, **more):
    tree = ('DroppedLeakDiagnosisEventInfo',
            {'xmlns': 'http://www.microsoft.com/Windows/Resource/Exhaustion/Resolver/Events'},
            [('ProcessImageName', text('leaky.exe')), ('ProcessId', u32(4712)),
             ('ProcessCreationTime', filetime(ft('2026-03-01T08:00:01.5'))),
             ('DropReasonCode', u32(3))])
    return Event(RESOLVER, 1014, time=time, guid=RESOLVER_GUID,
                 channel=RESOLVER + '/Operational', user_data=tree, **more)


def popup(time, event_id=26, **more):
    data = [] if event_id == 333 else ['Windows - Virtual Memory Minimum Too Low',
                                       'Your system is low on virtual memory.']
    return Event('Application Popup', event_id, time=time, qualifiers=0x4000,
                 data=texts(data), **more)


def unexpected(time, **more):
    return Event('EventLog', 6008, time=time, qualifiers=0x8000, level=2,
                 data=texts(['11:02:03', '3/1/2026', '', '', '12345']),
                 binary_data=bytes(range(24)), **more)


# Events that carry an interesting number under another provider.
def traps(time):
    return [
        Event('Microsoft-Windows-Setup', 2004, time=time,
              guid='75ebc33e-997f-49cf-b49f-ecc50184b75d', channel='System',
              data=[('PackageIdentifier', text('KB5034441')),
                    ('InitialPackageState', text('5112'))]),
        Event('Microsoft-Windows-Kernel-Boot', 26, time=time,
              guid='15ca44ff-4d7a-4baa-bba5-0998955e531e', data=[('LoadOptions', text(''))]),
        Event('Microsoft-Windows-Resource-Exhaustion-Detector', 1001, time=time,
              guid=DETECTOR_GUID, channel=DETECTOR + '/Operational',
              user_data=('Empty', {}, [('Reason', u32(0))])),
        Event('BugCheck', 1001, time=time, qualifiers=0x4000,
              data=[('param1', text('0x000000ef')), ('param2', text('RADAR_PRE_LEAK_64'))]),
        Event('srvnet', 2019, time=time, qualifiers=0xC000, data=texts(['x'])),
    ]


def noise(rng, time):
    """One ordinary event of a System log."""
    scm_guid = '555908d1-a6d7-4695-8e1e-26931d2012f4'
    services = ['Windows Update', 'Background Intelligent Transfer Service', 'WMI Performance '
                'Adapter', 'Software Protection', 'Windows Modules Installer', 'Print Spooler']
    pick = rng.randrange(6)
    if pick < 2:
        name = rng.choice(services)
        return Event('Service Control Manager', 7036, time=time, qualifiers=0x4000, guid=scm_guid,
                     data=[('param1', text(name)), ('param2', text(rng.choice(['running',
                                                                              'stopped'])))],
                     binary_data=name.encode('utf-16-le'), pid=700, tid=rng.randrange(800, 9000, 4))
    if pick == 2:
        return Event('Microsoft-Windows-Kernel-General', 16, time=time,
                     guid='a68ca8b7-004f-d7b6-a698-07e2de0f1f5d', version=0,
                     data=[('HiveNameLength', u16(42)), ('HiveName', text('\\??\\C:\\x.hve')),
                           ('KeysUpdated', u32(rng.randrange(999))),
                           ('DirtyPages', u32(rng.randrange(99)))])
    if pick == 3:
        return Event('Microsoft-Windows-Time-Service', 37, time=time, pid=1200,
                     guid='06edcfeb-0fd1-4e53-acca-a6f8bbf81bcb', user='S-1-5-19',
                     data=[('TimeSource', text('time.windows.com,0x9'))])
    if pick == 4:
        return Event('EventLog', 6013, time=time, qualifiers=0x8000,
                     data=texts(['', '', '', '', str(rng.randrange(10 ** 6)), '60',
                                 '0 Coordinated Universal Time']), binary_data=bytes(32))
    return Event('Microsoft-Windows-DistributedCOM', 10016, time=time, qualifiers=0, level=3,
                 guid='1b562e86-b7aa-4131-badc-b6f3a001407e', user='S-1-5-18',
                 data=[('param1', text('application-specific')), ('param2', text('Local')),
                       ('param4', text('{2593F8B9-4EAF-457C-B68A-50F6B8EA6B54}')),
                       ('param8', text('LocalHost (Using LRPC)'))])


DEMO_START = ft('2026-03-01T08:00:00')


def demo():
    """A day of a server on which ReportService.exe leaks until commit and pool are gone."""
    rng = random.Random(20260301)
    log = Log()
    gib = 1 << 30
    start = DEMO_START
    limit = 24 * gib
    leaker_start = ft('2026-03-01T08:03:11.25')

    def row(at, commit, leak, handles, paged, nonpaged):
        return exhaustion(
            at, (limit, commit, commit - 3 * gib, paged, 16 * gib, 15 * gib, nonpaged, 131),
            [('MmSt', 80 << 20), ('Toke', paged // 6), ('CM25', 60 << 20)],
            [('Leak', nonpaged // 2), ('EtwB', 90 << 20), ('File', 40 << 20)],
            [('ReportService.exe', 4712, leaker_start, leak, handles, '4.2.0.17', 201),
             ('sqlservr.exe', 2816, start - 9 * 3600 * SECOND, 3 * gib, 2210, '15.0.2000.5', 66),
             ('MsMpEng.exe', 3044, start - 9 * 3600 * SECOND, 412 << 20, 880, '0.0.0.0', 66)])

    special = {
        30: [*traps(start + 30 * MINUTE)],
        240: [row(start + 240 * MINUTE, 23 * gib, 12 * gib, 9100, 700 << 20, 500 << 20)],
        270: [row(start + 270 * MINUTE, 23 * gib + gib // 2, 12 * gib + gib // 2, 9480, 720 << 20,
                  520 << 20)],
        300: [row(start + 300 * MINUTE, 24 * gib - gib // 16, 13 * gib - gib // 16, 9860, 741 << 20,
                  540 << 20), popup(start + 301 * MINUTE)],
        310: [pool_empty(start + 310 * MINUTE, 2019)],
        312: [pool_empty(start + 312 * MINUTE, 2020), popup(start + 313 * MINUTE, 333)],
        320: [unexpected(start + 320 * MINUTE)],
    }
    for minute in range(360):
        for _ in range(rng.randrange(1, 4)):
            log.add(noise(rng, start + minute * MINUTE + rng.randrange(30 * SECOND)))
        for ev in special.get(minute, []):
            log.add(ev)
    return log.bytes(empty_chunks=1)


# --- the cases ------------------------------------------------------------------------------------

T0 = ft('2026-03-01T12:00:00.1234567')


def _small(n=12, first=1):
    rng = random.Random(7)
    log = Log(first_record=first)
    for i in range(n):
        log.add(noise(rng, T0 + i * SECOND))
    return log


def _with(*events, first=1):
    log = _small(3, first)
    for ev in events:
        log.add(ev)
    for ev in [noise(random.Random(8), T0 + MINUTE)]:
        log.add(ev)
    return log


def case_plain():
    return _small().bytes()


def case_empty():
    return Log().bytes()


def case_no_chunks():
    return Log().bytes()[:s.FILE_HEADER]


def case_event_2004():
    return _with(exhaustion_real(), first=1716).bytes()


def case_event_2004_inline():
    log = Log()
    for _ in range(3):
        log.add(exhaustion_real(inline=True))
    return log.bytes()


def case_back_reference():
    log = Log()
    for i in range(5):
        log.add(exhaustion_real())
    return log.bytes()


def case_pool():
    return _with(pool_empty(T0, 2019), pool_empty(T0 + SECOND, 2020)).bytes()


def case_radar():
    return _with(radar(T0), radar(T0, 'RADAR_PRE_LEAK_WOW64', 'old.exe'), radar(T0, 'APPCRASH'),
                 radar(T0, 'RADAR_PRE_LEAK_32', 'x.exe')).bytes()


def case_radar_named():
    """As newer systems write it: the same values, but named."""
    ev = radar(T0)
    ev.data = [('Bucket', text('1')), ('BucketType', text('5')),
               ('EventName', text('RADAR_PRE_LEAK_64')), ('P1', text('leaky.exe')),
               ('P2', text('1.2.3.4'))]
    other = radar(T0)
    other.data = [('Bucket', text('1')), ('EventName', text('APPCRASH')),
                  ('P1', text('RADAR_PRE_LEAK_64'))]
    return _with(ev, other).bytes()


def case_renamed():
    """A computer that changed its name: the events are all of one machine."""
    log = Log()
    log.add(pool_empty(T0, 2019, computer='OLDNAME'))
    log.add(Event('Microsoft-Windows-Kernel-General', 12, time=T0, computer='SRV01',
                  guid='a68ca8b7-004f-d7b6-a698-07e2de0f1f5d',
                  data=[('MajorVersion', u32(10)), ('MinorVersion', u32(0)),
                        ('BuildVersion', u32(20348)), ('StartTime', filetime(T0))]))
    return log.bytes()


def case_forwarded():
    """Events of two computers in a collector's log: they keep their own record numbers."""
    log = Log()
    for i, host in enumerate(['A', 'B']):
        ev = pool_empty(T0, 2019, computer=host)
        inst = Log.event_instance(ev, 5000 + i)
        log.add(Event('x', 1, time=T0, payload=lambda c, _, inst=inst: c.instance(inst)))
    return log.bytes()


def case_resolver():
    return _with(resolver(T0)).bytes()


def case_context():
    return _with(popup(T0), popup(T0, 333), unexpected(T0)).bytes()


def case_traps():
    return _with(*traps(T0)).bytes()


def case_dirty():
    """A log that was not closed: flags say dirty, the file header knows one chunk of three."""
    log = _small(500)
    log.add(exhaustion_real())
    log.flags = 1
    return log.bytes(empty_chunks=2, header_chunks=1)


def case_full():
    log = _small(60)
    log.flags = 2
    return log.bytes()


def case_truncated():
    log = _small(12)
    log.add(exhaustion_real())
    used = len(log.chunks[0].buf)
    return log.bytes()[:s.FILE_HEADER + used - 100]


def case_many_chunks():
    log = _small(1500)
    log.add(exhaustion_real())
    return log.bytes(empty_chunks=3)


def _slack():
    """Old records as they lie behind the free space offset: an event 2004 that is not there."""
    log = Log()
    for _ in range(9):
        log.add(exhaustion_real())
    return bytes(log.chunks[0].buf[s.CHUNK_HEADER:])


def case_slack():
    log = _small(12)
    log.slack = {0: _slack()}
    return log.bytes()


def case_data_crc():
    out = bytearray(_with(exhaustion_real()).bytes())
    out[s.FILE_HEADER + 52] ^= 0xFF
    struct.pack_into('<I', out, s.FILE_HEADER + 124, s.chunk_header_crc(out[s.FILE_HEADER:]))
    return bytes(out)


def case_chunk_header_crc():
    """The header cannot be believed, so old records behind the last one must not be read."""
    log = _small(3)
    log.add(exhaustion_real())
    log.slack = {0: _slack()}
    out = bytearray(log.bytes())
    out[s.FILE_HEADER + 124] ^= 0xFF
    return bytes(out)


def case_file_header_crc():
    out = bytearray(_with(exhaustion_real()).bytes())
    out[124] ^= 0xFF
    return bytes(out)


def case_chunk_signature():
    """The first of two chunks has lost its header; its records are whole."""
    log = _small(400)
    out = bytearray(log.bytes())
    out[s.FILE_HEADER:s.FILE_HEADER + 8] = bytes(8)
    return bytes(out)


def case_record_size():
    """The third record's size is wrong: what follows is found again by its signature."""
    log = _small(12)
    out = bytearray(log.bytes())
    at = s.FILE_HEADER + s.CHUNK_HEADER
    for _ in range(2):
        at += struct.unpack_from('<I', out, at + 4)[0]
    struct.pack_into('<I', out, at + 4, 0x7FFFFFF0)
    return _resum(out)


def _resum(out, chunks=1):
    """Puts the checksums right again after a deliberate change."""
    for i in range(chunks):
        at = s.FILE_HEADER + i * s.CHUNK
        free = struct.unpack_from('<I', out, at + 48)[0]
        struct.pack_into('<I', out, at + 52, zlib.crc32(out[at + s.CHUNK_HEADER:at + free]))
        struct.pack_into('<I', out, at + 124, s.chunk_header_crc(out[at:at + s.CHUNK]))
    return bytes(out)


def case_unknown_template():
    """A record whose template offset leads nowhere, between sound ones."""
    def payload(c, record_id):
        c.put(b'\x0c\x01\xde\xad\xbe\xef' + struct.pack('<I', 0xFF00))
        c.put(struct.pack('<I', 0))

    return _with(Event('x', 1, time=T0, payload=payload), exhaustion_real()).bytes()


def case_huge_counts():
    """Counts and sizes that promise more than there is, each in its own record."""
    def values(c, record_id):
        c.put(b'\x0c\x01' + bytes(4) + struct.pack('<I', len(c.buf) + 8))
        c.put(bytes(4) + bytes(16) + struct.pack('<I', 5) + b'\x0f\x01\x01\x00\x00')
        c.put(struct.pack('<I', 0xFFFFFFFF))

    def body(c, record_id):
        c.put(b'\x0c\x01' + bytes(4) + struct.pack('<I', len(c.buf) + 8))
        c.put(bytes(4) + bytes(16) + struct.pack('<I', 0xFFFFFFF0) + b'\x0f\x01\x01\x00\x00')
        c.put(struct.pack('<I', 0))

    def name(c, record_id):
        at = len(c.buf) + 11
        c.put(b'\x01\xff\xff' + struct.pack('<II', 40, at) + struct.pack('<IHH', 0, 0, 0xFFFF))
        c.put(b'\x03')

    return _with(Event('x', 1, payload=values), Event('x', 1, payload=body),
                 Event('x', 1, payload=name), exhaustion_real()).bytes()


def case_self_template():
    """A template whose body refers to itself, and one that is its own embedded value."""
    def payload(c, record_id):
        at = len(c.buf) + 10
        c.put(b'\x0c\x01' + bytes(4) + struct.pack('<I', at))
        c.put(bytes(4) + bytes(16) + struct.pack('<I', 19) + b'\x0f\x01\x01\x00')
        c.put(b'\x0c\x01' + bytes(4) + struct.pack('<I', at) + struct.pack('<I', 0) + b'\x00')
        c.put(struct.pack('<I', 0))

    return _with(Event('x', 1, payload=payload), exhaustion_real()).bytes()


def case_nested(depth=40):
    """The body of the event stands in depth templates, one within the other."""
    ev = exhaustion_real()
    inst = Log.event_instance(ev, 4)
    inner = inst.values[-1]
    for i in range(depth):
        inner = Instance(Tpl(El('Wrap%d' % i, kids=[Sub(0, 0x21)])), [inner])
    inst.values[-1] = inner

    def payload(c, record_id):
        c.instance(inst)

    return _with(Event('x', 1, time=T0, payload=payload)).bytes()


def case_deep():
    """Elements within elements, far deeper than any event is."""
    root = El('Leaf', kids=[Sub(0, 0x01)])
    for i in range(900):
        root = El('D', kids=[root])
    ev = exhaustion_real()
    inst = Log.event_instance(ev, 4)
    inst.values[-1] = Instance(Tpl(El('UserData', kids=[root])), [text('x')])

    def payload(c, record_id):
        c.instance(inst)

    return _with(Event('x', 1, time=T0, payload=payload)).bytes()


def case_types():
    """Every substitution type, in an event that is decoded whole."""
    data = [('Text', text('\u00e4\u20ac\U0001F600"<&')), ('Ansi', ansi(b'caf\xe9')),
            ('I8', i8(-1)), ('U8', u8(200)), ('I16', i16(-300)), ('U16', u16(65000)),
            ('I32', i32(-70000)), ('U32', u32(4000000000)), ('I64', i64(-5 * 10 ** 15)),
            ('U64', u64(2 ** 64 - 1)), ('F32', f32(1.5)), ('F64', f64(-0.1)),
            ('True', boolean(True)), ('False', boolean(False)), ('Binary', binary(b'\x00\xff\x10')),
            ('Guid', guid('00112233-4455-6677-8899-aabbccddeeff')), ('Size', size_t(0x1234567890)),
            ('FileTime', filetime(T0)), ('SystemTime', systemtime(2026, 3, 0, 1, 12, 34, 56, 789)),
            ('Sid', sid('S-1-5-21-1004336348-1177238915-682003330-512')),
            ('Hex32', hex32(0xC0000005)), ('Hex64', hex64(0xFFFFF80000000000)),
            ('Texts', texts(['one', '', 'three'])), ('U16s', array(u16, [1, 2, 65535])),
            ('I64s', array(i64, [-1, 0, 1])), ('Guids', array(guid, [
                '00112233-4455-6677-8899-aabbccddeeff', 'ffffffff-0000-0000-0000-000000000001'])),
            ('Times', array(filetime, [T0, T0 + SECOND])), ('Hexes', array(hex32, [1, 255]))]
    return _with(Event('srv', 2019, time=T0, guid=None, data=data, style='manifest')).bytes()


def case_odd_values():
    """Values whose length does not fit their type, and a type that nobody knows."""
    data = [('Short', Value(0x0A, b'\x01\x02\x03')), ('Odd', Value(0x01, b'a\0b')),
            ('Unknown', Value(0x42, b'\x01\x02')), ('EmptyInt', Value(0x08, b'')),
            ('Guid', Value(0x0F, bytes(5))), ('Sid', Value(0x13, b'\x01\x09' + bytes(6))),
            ('Times', Value(0x91, bytes(11))), ('Null', s.NULL),
            ('Bools', array(boolean, [True, False])), ('Good', u32(5))]
    return _with(Event('srv', 2019, time=T0, data=data, style='manifest')).bytes()


def case_tokens():
    """Entities, character references, CDATA, processing instructions, mixed text."""
    root = El('EventData', kids=[
        El('Data', [('Name', ['A', Entity('amp'), 'B'])],
           ['x', Entity('lt'), 'y', CharRef(0x41), CData('<raw>'), PI('pi', 'ignored'), 'z']),
        El('Data', [('Name', 'Mixed')], ['n=', Sub(0, 0x08), ' of ', Sub(1, 0x01)]),
        El('Data', [('Name', 'Optional')], [Sub(2, 0x01)], dep=2),
        El('Data', [('Name', 'Beyond')], [Sub(99, 0x01)]),
        El('Binary', kids=[Sub(3, 0x0E)], dep=3)])
    ev = pool_empty(T0, 2019)
    inst = Log.event_instance(ev, 4)
    inst.values[-1] = Instance(Tpl(root), [u32(3), text('seven'), s.NULL, binary(b'\x01')], True)

    def payload(c, record_id):
        c.instance(inst)

    return _with(Event('x', 1, time=T0, payload=payload)).bytes()


def case_direct():
    """EventData as elements directly in the value, without a template of its own."""
    root = El('EventData', kids=[El('Data', [('Name', 'A')], ['1']), El('Data', kids=['2']),
                                 El('Data', kids=['3'])])
    return _direct(Direct(root), Direct(root, fragment=False, dep=False))


def case_direct_crate():
    """The same with a fragment header and no dependency identifiers."""
    return _direct(Direct(El('EventData', kids=[El('Data', kids=['4'])]), dep=False))


def _direct(*bodies):
    events = []
    for i, body in enumerate(bodies):
        inst = Log.event_instance(pool_empty(T0, 2020), 4 + i)
        inst.values[-1] = body
        events.append(Event('x', 1, time=T0, payload=lambda c, _, inst=inst: c.instance(inst)))
    return _with(*events).bytes()


def case_no_template():
    """A whole event without any template: elements with text only, directly in the record."""
    system = El('System', kids=[
        El('Provider', [('Name', 'srv')]), El('EventID', [('Qualifiers', '49152')], ['2020']),
        El('Level', kids=['2']), El('Channel', kids=['System']), El('Computer', kids=['SRV09'])])
    root = El('Event', [('xmlns', s.NS_EVENT)],
              [system, El('EventData', kids=[El('Data', kids=['only'])])])
    return _with(Event('x', 1, time=T0, payload=lambda c, i: c.element(root, True))).bytes()


def case_unnamed():
    """Unnamed Data one by one, beside named ones."""
    return _with(Event('srv', 2020, time=T0, qualifiers=0xC000, data=[
        text('first'), ('Named', u32(5)), u64(7), texts(['p', 'q'])])).bytes()


def case_hostile_names():
    """Process names and tags that are no names."""
    ev = exhaustion(T0, (1 << 35, 1 << 34, 1 << 33, 1, 1 << 34, 1, 1, 1),
                    [('A\x01"\u20ac', 5), ('', 0)], [('toolongtag', 6)],
                    [('evil"\n\x1b[31m\ud800.exe', 99, T0, 4096, 3, '', 0), ('', 77, T0, 8192, 1,
                                                                         '', 0)])
    return _with(ev).bytes()


def case_demo():
    return demo()


CASES = {k[5:].replace('_', '-'): v for k, v in list(globals().items()) if k.startswith('case_')}

# Small ones that together reach every part of the reader; whole chunks only where it matters.
SEEDS = ['event-2004', 'radar', 'resolver', 'types', 'odd-values', 'tokens', 'direct',
         'direct-crate', 'no-template', 'unnamed', 'huge-counts',
         'self-template', 'nested', 'unknown-template', 'record-size', 'slack']


def seed(name):
    out = CASES[name]()
    if name == 'slack':
        return out
    free = struct.unpack_from('<I', out, s.FILE_HEADER + 48)[0]
    return out[:s.FILE_HEADER + free]


def main(argv):
    usage = 'usage: synth.py --demo OUT | --case NAME OUT | --all FOLDER | --seeds FOLDER | --list'
    args = argv[1:]
    sys.setrecursionlimit(20000)  # case_deep
    if args == ['--list']:
        print('\n'.join(sorted(CASES)))
        return 0
    if len(args) == 2 and args[0] == '--demo':
        files = {args[1]: demo()}
    elif len(args) == 3 and args[0] == '--case' and args[1] in CASES:
        files = {args[2]: CASES[args[1]]()}
    elif len(args) == 2 and args[0] == '--all':
        files = {os.path.join(args[1], n + '.evtx'): c() for n, c in CASES.items()}
    elif len(args) == 2 and args[0] == '--seeds':
        files = {os.path.join(args[1], n + '.evtx'): seed(n) for n in SEEDS}
    else:
        print(usage, file=sys.stderr)
        return 2
    for path, out in files.items():
        with open(path, 'wb') as f:
            f.write(out)
    return 0
