#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes Windows XML event logs (.evtx) from events given as Python data.

Nothing here is shared with the reader: this file is written from the public description of the
format (see note.md), so that a test fails when either side has understood it wrongly.

    log = Log()
    log.add(Event('srv', 2019, qualifiers=0xC000, level=2, data=[text('LanmanServer')]))
    open('System.evtx', 'wb').write(log.bytes())

or on the command line: `synth.py --demo OUT.evtx`, `synth.py --case NAME OUT.evtx`,
`synth.py --list`, `synth.py --seeds FOLDER`.
"""

import struct
import sys
import uuid
import zlib

CHUNK = 0x10000
CHUNK_HEADER = 0x200
FILE_HEADER = 0x1000
NS_EVENT = 'http://schemas.microsoft.com/win/2004/08/events/event'
NS_RADAR = 'http://www.microsoft.com/Windows/Resource/Exhaustion/Detector/Events'

# --- typed values -----------------------------------------------------------------------------


class Value:
    """A substitution value: its BinXML type and its bytes."""

    def __init__(self, kind, raw):
        self.kind, self.raw = kind, raw


def _int(kind, fmt):
    return lambda v: Value(kind, struct.pack(fmt, v))


NULL = Value(0x00, b'')
i8, u8 = _int(0x03, '<b'), _int(0x04, '<B')
i16, u16 = _int(0x05, '<h'), _int(0x06, '<H')
i32, u32 = _int(0x07, '<i'), _int(0x08, '<I')
i64, u64 = _int(0x09, '<q'), _int(0x0A, '<Q')
f32, f64 = _int(0x0B, '<f'), _int(0x0C, '<d')
hex32, hex64 = _int(0x14, '<I'), _int(0x15, '<Q')
filetime = _int(0x11, '<Q')


def text(s):
    return Value(0x01, s.encode('utf-16-le', 'surrogatepass'))


def ansi(b):
    return Value(0x02, b)


def boolean(v):
    return Value(0x0D, struct.pack('<I', 1 if v else 0))


def binary(b):
    return Value(0x0E, b)


def guid(s):
    return Value(0x0F, uuid.UUID(s).bytes_le)


def systemtime(y, mo, wd, d, h, mi, s, ms):
    return Value(0x12, struct.pack('<8H', y, mo, wd, d, h, mi, s, ms))


def sid(s):
    part = [int(x) for x in s.split('-')[1:]]
    return Value(0x13, bytes([part[0], len(part) - 2]) + part[1].to_bytes(6, 'big') +
                 b''.join(struct.pack('<I', x) for x in part[2:]))


def texts(items):
    """An array of strings: each one ends with a NUL."""
    return Value(0x81, b''.join(s.encode('utf-16-le') + b'\0\0' for s in items))


def array(make, items):
    values = [make(x) for x in items]
    return Value(0x80 | values[0].kind, b''.join(v.raw for v in values))


def size_t(v):
    """A size: the template says SizeT, the value itself is a 64-bit hexadecimal integer."""
    value = hex64(v)
    value.declared = 0x10
    return value


def ft(iso):
    """FILETIME from 'YYYY-MM-DDTHH:MM:SS[.fraction]' (UTC), exact to 100 ns."""
    import datetime
    whole, _, frac = iso.rstrip('Z').partition('.')
    t = datetime.datetime.strptime(whole, '%Y-%m-%dT%H:%M:%S')
    s = (t - datetime.datetime(1601, 1, 1))
    return (s.days * 86400 + s.seconds) * 10_000_000 + int((frac + '0000000')[:7])


# --- trees --------------------------------------------------------------------------------------


class El:
    """An element of a template. Attribute and content items: str, Sub, Raw, El."""

    def __init__(self, name, attrs=(), kids=(), dep=0xFFFF):
        self.name, self.attrs, self.kids, self.dep = name, list(attrs), list(kids), dep


class Sub:
    def __init__(self, index, kind, optional=True):
        self.index, self.kind, self.optional = index, kind, optional


class Entity:
    def __init__(self, name):
        self.name = name


class CharRef:
    def __init__(self, code):
        self.code = code


class CData:
    def __init__(self, s):
        self.text = s


class PI:
    def __init__(self, target, s):
        self.target, self.text = target, s


class Tpl:
    """A template: a stable identity, a root element."""

    def __init__(self, root):
        self.root = root
        self.key = _describe(root)
        self.guid = uuid.uuid5(uuid.NAMESPACE_URL, self.key).bytes_le


class Instance:
    """A template with its values; as a value it is embedded BinXML (type 0x21)."""

    def __init__(self, tpl, values, fragment=False, inline=False):
        self.tpl, self.values, self.fragment, self.inline = tpl, values, fragment, inline


class Direct:
    """An element as embedded BinXML, without a template.

    A bare element has no dependency identifiers; behind a fragment header it has them for one
    public reader (libevtx) and not for another (the evtx crate), so both can be written."""

    def __init__(self, root, fragment=True, dep=True):
        self.root, self.fragment, self.dep = root, fragment, dep


def _describe(item):
    if isinstance(item, El):
        return '<%s %d %s|%s>' % (item.name, item.dep,
                                  ','.join('%s=%s' % (n, _describe(v)) for n, v in item.attrs),
                                  ','.join(_describe(k) for k in item.kids))
    if isinstance(item, list):
        return ''.join(_describe(x) for x in item)
    return type(item).__name__ + repr(item if isinstance(item, str) else sorted(vars(item).items()))


class Event:
    """One record.

    data: a list of values (unnamed Data) or (name, value) pairs, or one texts() array.
    user_data: ('Root', {attributes}, [children]) with a child ('Name', value) or
    ('Name', [children]).
    style: 'manifest' (provider and channel are values) or 'classic' (text in the template).
    """

    def __init__(self, provider, event_id, time=0, guid=None, version=0, level=4, task=0, opcode=0,
                 keywords=0x8000000000000000, qualifiers=None, activity=None, pid=4, tid=8,
                 channel='System', computer='SRV01', user=None, data=None, user_data=None,
                 binary_data=None, style=None, inline=False, record_id=None, payload=None):
        self.__dict__.update(locals())
        del self.__dict__['self']
        if style is None:
            self.style = 'classic' if qualifiers is not None else 'manifest'


def _system_template(ev):
    """The System part as Windows 10 writes it: values by index, elements that depend on them."""
    manifest = ev.style == 'manifest'
    body = 17 if manifest else 19
    related = 13 if manifest else 18
    if manifest:
        provider = [('Name', Sub(14, 0x01)), ('Guid', Sub(15, 0x0F))]
    elif ev.style == 'classic-source':
        provider = [('Name', ev.provider), ('EventSourceName', ev.provider)]
    else:
        provider = [('Name', ev.provider)]
    system = El('System', kids=[
        El('Provider', provider),
        El('EventID', [('Qualifiers', Sub(4, 0x06))], [Sub(3, 0x06)], dep=3),
        El('Version', kids=[Sub(11, 0x04)], dep=11),
        El('Level', kids=[Sub(0, 0x04)], dep=0),
        El('Task', kids=[Sub(2, 0x06)], dep=2),
        El('Opcode', kids=[Sub(1, 0x04)], dep=1),
        El('Keywords', kids=[Sub(5, 0x15)], dep=5),
        El('TimeCreated', [('SystemTime', Sub(6, 0x11))]),
        El('EventRecordID', kids=[Sub(10, 0x0A)], dep=10),
        El('Correlation', [('ActivityID', Sub(7, 0x0F)),
                           ('RelatedActivityID', Sub(related, 0x0F))]),
        El('Execution', [('ProcessID', Sub(8, 0x08)), ('ThreadID', Sub(9, 0x08))]),
        El('Channel', kids=[Sub(16, 0x01)], dep=16) if manifest
        else El('Channel', kids=[ev.channel]),
        El('Computer', kids=[ev.computer]),
        El('Security', [('UserID', Sub(12, 0x13))]),
    ])
    return Tpl(El('Event', [('xmlns', NS_EVENT)], [system, Sub(body, 0x21)], dep=body))


def _declared(v):
    return getattr(v, 'declared', v.kind if isinstance(v, Value) else 0x21)


def _event_data(ev):
    """EventData from ev.data: named, unnamed, or one array of strings."""
    values, kids = [], []
    if isinstance(ev.data, Value):
        values.append(ev.data)
        kids.append(El('Data', kids=[Sub(0, ev.data.kind)], dep=0))
    else:
        for i, item in enumerate(ev.data):
            name, v = item if isinstance(item, tuple) else (None, item)
            attrs = [('Name', name)] if name is not None else []
            kids.append(El('Data', attrs, [Sub(i, _declared(v), optional=False)]))
            values.append(v)
    if ev.binary_data is not None:
        kids.append(El('Binary', kids=[Sub(len(values), 0x0E)], dep=len(values)))
        values.append(binary(ev.binary_data))
    return Instance(Tpl(El('EventData', kids=kids)), values, fragment=ev.style != 'manifest',
                    inline=ev.inline)


def _user_data(ev):
    values = []

    def build(name, attrs, content):
        if isinstance(content, list):
            return El(name, attrs, [build(c[0], [], c[1]) for c in content])
        values.append(content)
        return El(name, attrs, [Sub(len(values) - 1, _declared(content), optional=False)])

    name, attrs, kids = ev.user_data
    root = build(name, list(attrs.items()), kids)
    return Instance(Tpl(El('UserData', kids=[root])), values, inline=ev.inline)


# --- bytes --------------------------------------------------------------------------------------


class Full(Exception):
    pass


class ChunkBuilder:
    """One chunk: records are appended; names and templates are stored once and referred to."""

    def __init__(self):
        self.buf = bytearray(CHUNK_HEADER)
        self.names, self.templates = {}, {}
        self.first = self.last = self.last_offset = None
        self.records = 0

    def put(self, b):
        if len(self.buf) + len(b) > CHUNK:
            raise Full()
        self.buf += b

    def patch32(self, at, v):
        struct.pack_into('<I', self.buf, at, v)

    def name(self, s):
        """A name reference; the name itself follows when the chunk does not have it yet."""
        if s in self.names:
            self.put(struct.pack('<I', self.names[s]))
            return
        h = 0
        for u in struct.unpack('<%dH' % len(s), s.encode('utf-16-le')):
            h = (h * 65599 + u) & 0xFFFFFFFF
        at = len(self.buf) + 4
        bucket = 128 + 4 * ((h & 0xFFFF) % 64)
        chain = struct.unpack_from('<I', self.buf, bucket)[0]
        self.put(struct.pack('<IIHH', at, chain, h & 0xFFFF, len(s)))
        self.put(s.encode('utf-16-le') + b'\0\0')
        self.patch32(bucket, at)
        self.names[s] = at

    def item(self, v, more, dep):
        flag = 0x40 if more else 0
        if isinstance(v, str):
            raw = v.encode('utf-16-le')
            self.put(struct.pack('<BBH', 0x05 | flag, 1, len(raw) // 2) + raw)
        elif isinstance(v, Sub):
            self.put(struct.pack('<BHB', 0x0E if v.optional else 0x0D, v.index, v.kind))
        elif isinstance(v, Entity):
            self.put(bytes([0x09 | flag]))
            self.name(v.name)
        elif isinstance(v, CharRef):
            self.put(struct.pack('<BH', 0x08 | flag, v.code))
        elif isinstance(v, CData):
            raw = v.text.encode('utf-16-le')
            self.put(struct.pack('<BH', 0x07 | flag, len(raw) // 2) + raw)
        elif isinstance(v, PI):
            self.put(b'\x0a')
            self.name(v.target)
            raw = v.text.encode('utf-16-le')
            self.put(struct.pack('<BH', 0x0B, len(raw) // 2) + raw)
        elif isinstance(v, El):
            self.element(v, dep)
        else:
            raise TypeError(v)

    def element(self, el, dep):
        """dep: elements in templates have a dependency identifier, directly embedded ones not."""
        self.put(bytes([0x41 if el.attrs else 0x01]))
        if dep:
            self.put(struct.pack('<H', el.dep))
        size_at = len(self.buf)
        self.put(bytes(4))
        self.name(el.name)
        if el.attrs:
            list_at = len(self.buf)
            self.put(bytes(4))
            for i, (name, v) in enumerate(el.attrs):
                self.put(bytes([0x06 if i == len(el.attrs) - 1 else 0x46]))
                self.name(name)
                for item in v if isinstance(v, list) else [v]:
                    self.item(item, False, dep)
            self.patch32(list_at, len(self.buf) - list_at - 4)
        if el.kids:
            self.put(b'\x02')
            for i, kid in enumerate(el.kids):
                self.item(kid, i != len(el.kids) - 1, dep)
            self.put(b'\x04')
        else:
            self.put(b'\x03')
        self.patch32(size_at, len(self.buf) - size_at - 4)

    def instance(self, inst):
        tpl = inst.tpl
        self.put(b'\x0c\x01' + tpl.guid[:4])
        if tpl.key in self.templates and not inst.inline:
            self.put(struct.pack('<I', self.templates[tpl.key]))
        else:
            at = len(self.buf) + 4
            bucket = 384 + 4 * (tpl.guid[0] % 32)
            chain = struct.unpack_from('<I', self.buf, bucket)[0]
            self.put(struct.pack('<II', at, chain) + tpl.guid)
            size_at = len(self.buf)
            self.put(bytes(4) + b'\x0f\x01\x01\x00')
            self.element(tpl.root, True)
            self.put(b'\x00')
            self.patch32(size_at, len(self.buf) - size_at - 4)
            if tpl.key not in self.templates:
                self.templates[tpl.key] = at
                self.patch32(bucket, at)
        count_at = len(self.buf)
        self.put(bytes(4) + bytes(4 * len(inst.values)))
        self.patch32(count_at, len(inst.values))
        for i, v in enumerate(inst.values):
            start = len(self.buf)
            if isinstance(v, Value):
                self.put(v.raw)
                kind = v.kind
            else:
                self.embedded(v)
                kind = 0x21
            struct.pack_into('<HBB', self.buf, count_at + 4 + 4 * i,
                             len(self.buf) - start, kind, 0)

    def embedded(self, v):
        if v.fragment:
            self.put(b'\x0f\x01\x01\x00')
        if isinstance(v, Instance):
            self.instance(v)
        else:
            self.element(v.root, v.dep)
        if v.fragment or isinstance(v, Instance):
            self.put(b'\x00')

    def record(self, record_id, time, write_payload):
        saved = bytes(self.buf), dict(self.names), dict(self.templates)
        try:
            start = len(self.buf)
            self.put(b'**\0\0' + struct.pack('<IQQ', 0, record_id, time))
            write_payload(self)
            self.put(bytes(-(len(self.buf) + 4) % 8))
            size = len(self.buf) + 4 - start
            self.put(struct.pack('<I', size))
            self.patch32(start + 4, size)
        except Full:
            self.buf, self.names, self.templates = bytearray(saved[0]), saved[1], saved[2]
            raise
        self.last_offset, self.last = start, record_id
        self.first = record_id if self.first is None else self.first
        self.records += 1

    def finish(self, slack=b''):
        """The chunk's 64 KiB; slack fills what is free, and is no part of the checksum."""
        free = len(self.buf)
        out = bytearray(CHUNK)
        out[:free] = self.buf
        room = CHUNK - free
        out[free:free + min(room, len(slack))] = slack[:room]
        first, last = self.first or 0, self.last or 0
        struct.pack_into('<8sQQQQIIII', out, 0, b'ElfChnk\0', first, last, first, last, 128,
                         self.last_offset or 0, free, zlib.crc32(out[CHUNK_HEADER:free]))
        struct.pack_into('<I', out, 120, 1)
        struct.pack_into('<I', out, 124, chunk_header_crc(out))
        return out


def chunk_header_crc(chunk):
    return zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120]))


class Log:
    """A log; events go to chunks in order, a new chunk when one is full."""

    def __init__(self, first_record=1):
        self.chunks = [ChunkBuilder()]
        self.next = first_record
        self.flags = 0
        self.slack = {}

    def add(self, ev):
        record_id = self.next if ev.record_id is None else ev.record_id
        self.next = record_id + 1

        def payload(c):
            c.put(b'\x0f\x01\x01\x00')
            if ev.payload is not None:
                ev.payload(c, record_id)
            else:
                c.instance(self.event_instance(ev, record_id))
            c.put(b'\x00')

        try:
            self.chunks[-1].record(record_id, ev.time, payload)
        except Full:
            self.chunks.append(ChunkBuilder())
            self.chunks[-1].record(record_id, ev.time, payload)

    @staticmethod
    def event_instance(ev, record_id):
        manifest = ev.style == 'manifest'
        if ev.user_data is not None:
            body = _user_data(ev)
        elif ev.data is not None:
            body = _event_data(ev)
        else:
            body = NULL
        v = [u8(ev.level), u8(ev.opcode), u16(ev.task), u16(ev.event_id),
             NULL if ev.qualifiers is None else u16(ev.qualifiers), hex64(ev.keywords),
             filetime(ev.time), NULL if ev.activity is None else guid(ev.activity), u32(ev.pid),
             u32(ev.tid), u64(record_id), u8(ev.version), NULL if ev.user is None else sid(ev.user)]
        if manifest:
            v += [NULL, text(ev.provider), NULL if ev.guid is None else guid(ev.guid),
                  text(ev.channel), body]
        else:
            v += [NULL] * 6 + [body]
        return Instance(_system_template(ev), v, inline=ev.inline)

    def bytes(self, empty_chunks=0, header_chunks=None):
        n = len(self.chunks) if header_chunks is None else header_chunks
        head = bytearray(FILE_HEADER)
        struct.pack_into('<8sQQQIHHHH', head, 0, b'ElfFile\0', 0, max(n, 1) - 1, self.next, 128, 1,
                         3, FILE_HEADER, n)
        struct.pack_into('<I', head, 120, self.flags)
        struct.pack_into('<I', head, 124, zlib.crc32(head[:120]))
        parts = [c.finish(self.slack.get(i, b'')) for i, c in enumerate(self.chunks)]
        return bytes(head) + b''.join(parts) + bytes(CHUNK * empty_chunks)


def main(argv):
    import os
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import synth_cases
    return synth_cases.main(argv)


if __name__ == '__main__':
    sys.exit(main(sys.argv))
