#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The .blg layouts of note.md, written: trace buffers, events, and every record kind."""
import datetime
import struct

PERFMON_GUID = bytes.fromhex("b33b3f933e940d499ced3cbb14c14479")
LOG_GUID = bytes(range(0x40, 0x50))
LIST, DATA, CATALOG, NAMES = 32, 34, 35, 36
OUTER, SINGLE, MULTI, BLOCK = 0x00034C42, 0x01034C42, 0x02034C42, 0x05034C42
PART = 8000
FREQUENCY = 3_579_545
TICKS = 10_000_000
EPOCH = datetime.datetime(1601, 1, 1)

# winperf.h counter types
RAW, LARGE, HEX, LARGE_HEX = 0x00010000, 0x00010100, 0x00000000, 0x00000100
COUNTER, BULK, SAMPLE_COUNTER = 0x10410400, 0x10410500, 0x00410400
TIMER, TIMER_INV = 0x20410500, 0x21410500
NS100, NS100_INV, OBJ_TIMER = 0x20510500, 0x21510500, 0x20610500
MULTI_TIMER, MULTI_TIMER_INV, MULTI_NS100, MULTI_NS100_INV = (
    0x22410500, 0x23410500, 0x22510500, 0x23510500)
QUEUE, LARGE_QUEUE, QUEUE_100NS, QUEUE_OBJ = 0x00450400, 0x00450500, 0x00550500, 0x00650500
DELTA, LARGE_DELTA = 0x00400400, 0x00400500
FRACTION, FRACTION_BASE = 0x20020400, 0x40030403
LARGE_FRACTION, LARGE_BASE = 0x20020500, 0x40030500
SAMPLE_FRACTION, SAMPLE_BASE = 0x20C20400, 0x40030401
AVERAGE_TIMER, AVERAGE_BULK, AVERAGE_BASE = 0x30020400, 0x40020500, 0x40030402
PRECISION_SYSTEM, PRECISION_100NS, PRECISION_OBJ = 0x20470500, 0x20570500, 0x20670500
ELAPSED, TEXT, NODATA = 0x30240500, 0x00000B00, 0x40000200

PROCESS, MEMORY, PAGING = 230, 4, 700
NAME = {
    2: "System", 4: "Memory", 6: "% Processor Time", 24: "Available Bytes",
    26: "Committed Bytes", 28: "Page Faults/sec", 30: "Commit Limit", 56: "Pool Paged Bytes",
    58: "Pool Nonpaged Bytes", 174: "Virtual Bytes", 180: "Working Set", 186: "Private Bytes",
    230: "Process", 236: "LogicalDisk", 238: "Processor", 408: "% Free Space", 680: "Thread Count",
    684: "Elapsed Time", 700: "Paging File", 702: "% Usage", 784: "ID Process",
    952: "Handle Count", 1406: "% Committed Bytes In Use", 1410: "Creating Process ID",
}
GERMAN = {
    2: "System", 4: "Arbeitsspeicher", 6: "Prozessorzeit (%)", 24: "Verfügbare Bytes",
    26: "Zugesicherte Bytes", 28: "Seitenfehler/s", 30: "Zusagegrenze",
    56: "Auslagerungsseiten (Bytes)",
    58: "Nicht-Auslagerungsseiten (Bytes)", 174: "Virtuelle Größe", 180: "Arbeitsseiten",
    186: "Private Bytes", 230: "Prozess", 236: "Logischer Datenträger", 238: "Prozessor",
    680: "Threadanzahl", 684: "Verstrichene Zeit", 700: "Auslagerungsdatei", 702: "Belegung (%)",
    784: "Prozesskennung", 952: "Handleanzahl", 1406: "Zugesicherte verwendete Bytes (%)",
    1410: "Kennung erstellen",
}
# (name id, type, bytes, scale)
PROCESS_COUNTERS = [
    (6, NS100, 8, 0), (174, LARGE, 8, -6), (28, COUNTER, 4, -1), (180, LARGE, 8, -5),
    (186, LARGE, 8, -5), (680, RAW, 4, 0), (684, ELAPSED, 8, -4), (784, RAW, 4, -1),
    (1410, RAW, 4, -1), (56, RAW, 4, -5), (58, RAW, 4, -5), (952, RAW, 4, 0),
]
MEMORY_COUNTERS = [
    (28, COUNTER, 4, -1), (24, LARGE, 8, -6), (26, LARGE, 8, -6), (30, LARGE, 8, -6),
    (56, LARGE, 8, -5), (58, LARGE, 8, -5), (1406, FRACTION, 4, 0), (1406, FRACTION_BASE, 4, 0),
]


def filetime(year, month, day, hour=0, minute=0, second=0):
    delta = datetime.datetime(year, month, day, hour, minute, second) - EPOCH
    return (delta.days * 86400 + delta.seconds) * TICKS


def wide(text):
    return text.encode("utf-16-le") + b"\0\0"


def pad(data, n=8):
    return data + b"\0" * (-len(data) % n)


def systemtime(t):
    d = EPOCH + datetime.timedelta(microseconds=t // 10)
    return struct.pack("<8H", d.year, d.month, d.isoweekday() % 7, d.day, d.hour, d.minute,
                       d.second, d.microsecond // 1000)


class Zone:
    """A time zone as the trace header states it: minutes west, and the two change dates."""

    def __init__(self, bias=300, standard=(11, 1), daylight=(3, 2), fixed=False):
        self.bias, self.standard, self.daylight, self.fixed = bias, standard, daylight, fixed

    def pack(self):
        def rule(month_week):
            if self.fixed:
                return bytes(16)
            month, week = month_week
            return struct.pack("<8H", 0, month, 0, week, 2, 0, 0, 0)
        name = wide("@tzres.dll,-112").ljust(64, b"\0")
        return (struct.pack("<i", self.bias) + name + rule(self.standard) + struct.pack("<i", 0) +
                name + rule(self.daylight) + struct.pack("<i", 0 if self.fixed else -60))

    @staticmethod
    def change(year, month, week, offset):
        """UTC of the week-th Sunday of the month, 02:00 in a zone `offset` minutes west."""
        days = [d for d in range(1, 32) if valid(year, month, d) and
                datetime.date(year, month, d).isoweekday() == 7]
        day = days[min(week, len(days)) - 1] if week < 5 else days[-1]
        return filetime(year, month, day, 2) + offset * 60 * TICKS

    def local(self, utc):
        minutes = self.bias
        if not self.fixed:
            year = (EPOCH + datetime.timedelta(microseconds=utc // 10)).year
            begin = self.change(year, *self.daylight, self.bias)
            end = self.change(year, *self.standard, self.bias - 60)
            if begin <= utc < end if begin < end else not end <= utc < begin:
                minutes -= 60
        return utc - minutes * 60 * TICKS


def valid(year, month, day):
    try:
        datetime.date(year, month, day)
        return True
    except ValueError:
        return False


class Trace:
    """ETL buffers of classic events, as the Perfmon log writer leaves them."""

    def __init__(self, out, start, zone, pointer=8, buffer=0x10000, mode=0x1, ring=0,
                 lost=(0, 0)):
        self.out, self.start, self.zone, self.pointer, self.size = out, start, zone, pointer, buffer
        self.mode, self.ring, self.lost = mode, ring, lost
        self.sequence, self.written, self.now = 1, 1, start
        self.offsets = []      # file offset of every event, for tests that cut there
        self.used, self.parts = 0x48, []
        out.write(b"\xff" * buffer)

    def buffer_header(self, used, kind, sequence, t, flags=0):
        head = bytearray(0x48)
        struct.pack_into("<IIIIqq", head, 0, self.size, used, used, 0, t, sequence)
        struct.pack_into("<III", head, 0x28, 0, 3, used)
        struct.pack_into("<HH", head, 0x34, flags, kind)
        return bytes(head)

    def event(self, kind, t, body, version=60, guid=PERFMON_GUID):
        size = 48 + len(body)
        if self.used + size > self.size:
            self.flush()
        head = struct.pack("<HBBBBHIIq", size, 0x14 if self.pointer == 8 else 0x0A, 0xC0, kind, 0,
                           version, 0x0B18, 0x0DFC, t) + guid + struct.pack("<II", 2, 4)
        record = pad(head + body)
        self.offsets.append(self.sequence * self.size + self.used)
        self.parts.append(record)
        self.used += len(record)

    def flush(self):
        if self.used == 0x48:
            return
        if self.ring:
            place = 1 + (self.sequence - 1) % self.ring
            self.out.seek(place * self.size)
        data = b"".join([self.buffer_header(self.used, 0, self.sequence, self.now)] + self.parts)
        self.out.write(data + b"\xff" * (self.size - len(data)))
        self.sequence += 1
        self.written += 1
        self.used, self.parts = 0x48, []

    def split(self, kind, t, body, drop=(), swap=False, count=None, part=PART):
        chunks = [body[i:i + part] for i in range(0, len(body), part)] or [b""]
        order = list(range(len(chunks)))
        if swap:
            order[1], order[2] = order[2], order[1]
        for i in order:
            if i + 1 in drop:
                continue
            total = len(chunks) if count is None else count
            self.event(kind, t, LOG_GUID + struct.pack("<II", i + 1, total) + chunks[i])

    def close(self):
        self.flush()
        p = self.pointer
        head = struct.pack("<IBBHIIqIIIIIIII", self.size, 6, 2, 0x0105, 9200, 1, self.now, 156250,
                           0, self.mode, self.written, 1, p, self.lost[0], 2791)
        head += bytes(2 * p) + self.zone.pack()
        head = pad(head)
        head += struct.pack("<qqqII", self.start - 3600 * TICKS, FREQUENCY, self.start, 2,
                            self.lost[1])
        head += wide("synth") + wide("C:\\PerfLogs\\synth.blg")
        record = struct.pack("<HBBHHIIq", 0, 1 if p == 4 else 2, 0xC0, 32 + len(head), 0, 0x0B18,
                             0x0DFC, self.start) + struct.pack("<II", 0, 0) + head
        record = pad(record)
        self.out.seek(0)
        self.out.write(self.buffer_header(0x48 + len(record), 4, 0, 0, 1) + record)


def outer(records):
    body = b"".join(records)
    return struct.pack("<II", OUTER, 8 + len(body)) + body


def inner(tag, body):
    body = pad(body)
    return struct.pack("<II", tag, 8 + len(body)) + body


def list_entry(machine, obj, counter, instance=None, index=0, parent=None, kind=0, frequency=0,
               scale=0, flags=0):
    offsets, text = [], b""
    for s in (machine, obj, instance, parent):
        offsets.append(len(text) if s is not None else 0xFFFFFFFF)
        if s is not None:
            text += wide(s)
    offsets.append(len(text))
    text += wide(counter)
    m, o, i, p, c = offsets
    fixed = struct.pack("<IIIqiIIIIII", flags, 0, kind, frequency, scale, m, o, i, p, index, c)
    size = 4 + len(fixed) + len(text)
    size += -size % 8
    return pad(struct.pack("<I", size) + fixed + text)[:size].ljust(size, b"\0")


def counter_list(entries):
    return struct.pack("<II", 0x6FF, 0x00020008) + b"".join(entries)


def raw_counter(t, first, second=0, multi=1, status=0):
    return inner(SINGLE, struct.pack("<IqIqqI4x", status, t, 0, first, second, multi))


def raw_items(t, items, status=0, count=None):
    """items: (name, first, second, multi)"""
    offset = 24 + 24 * len(items)
    table, names = b"", b""
    for name, first, second, multi in items:
        table += struct.pack("<IIqq", offset + len(names), multi, first, second)
        names += wide(name)
    size = offset + len(names)
    size += -size % 8
    head = struct.pack("<IIIIq", size, len(items) if count is None else count, status, 0, t)
    return inner(MULTI, (head + table + names).ljust(size, b"\0"))


class PerfObject:
    """A PERF_OBJECT_TYPE with its counter definitions; values are packed by position."""

    def __init__(self, number, counters, own_time=False):
        self.number, self.counters, self.own_time = number, counters, own_time
        offset, self.format = 8, "<I4x"
        self.defs = b""
        for name, kind, size, scale in counters:
            self.defs += struct.pack("<IIIIIiIIII", 40, name, 0, name + 1, 0, scale, 100, kind,
                                     size, offset)
            self.format += "Q" if size == 8 else "I4x"
            offset += 8
        self.block = struct.Struct(self.format)

    def counter_block(self, values):
        return self.block.pack(self.block.size, *values)

    def instance(self, name, values, parent=(0, 0), unique=-1):
        text = name + b"\0" if isinstance(name, bytes) else wide(name) if name else b""
        head = struct.pack("<IIIiII", 24 + len(text) + -len(text) % 8, parent[0], parent[1], unique,
                           24, len(text))
        return head + pad(text) + self.counter_block(values)

    def pack(self, t, payload, instances, n_counters=None, n_instances=None, total=None,
             code_page=0):
        definition = 64 + len(self.defs)
        head = struct.pack("<IIIIIIIIIiiI", total or definition + len(payload), definition, 64,
                           self.number, 0, self.number + 1, 0, 100,
                           len(self.counters) if n_counters is None else n_counters, 0,
                           instances if n_instances is None else n_instances, code_page)
        head += struct.pack("<QQ", t if self.own_time else 0, TICKS if self.own_time else 0)
        return head + self.defs + payload


def data_block(t, machine, objects, ticks, n_objects=None, total=None, zone=Zone()):
    name = wide(machine)
    head_size = 88 + len(name) + -len(name) % 8
    body = b"".join(objects)
    head = "PERF".encode("utf-16-le") + struct.pack(
        "<IIIIIIi", 1, 1, 1, total or head_size + len(body), head_size,
        len(objects) if n_objects is None else n_objects, 0)
    head += systemtime(zone.local(t)) + struct.pack("<4xQQQII", ticks, FREQUENCY, t, len(name), 88)
    return inner(BLOCK, (head + name).ljust(head_size, b"\0") + body)


def name_events(machine, table):
    chunk = wide("\\\\" + machine)
    for number, text in sorted(table.items()):
        pair = wide(str(number)) + wide(text)
        if len(chunk) + len(pair) > PART - 8:
            yield chunk + b"\0\0"
            chunk = wide("\\\\" + machine)
        chunk += pair
    yield chunk + b"\0\0"


def catalog(first, last, records, counters):
    return struct.pack("<qqIIII", first, last, records, counters, 32, 0x5FF)
