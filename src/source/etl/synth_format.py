# SPDX-License-Identifier: MIT
"""The envelope of a trace: records, buffers, their compression, the trace header."""
import hashlib
import struct
import uuid

HEADER = 0x48
MODE_SEQUENTIAL, MODE_CIRCULAR, MODE_COMPRESSED = 0x1, 0x2, 0x04000000
FLAG_LOST_EVENTS, FLAG_LOST_BUFFERS, FLAG_WIDE_CPU, FLAG_COMPRESSED = 2, 4, 0x20, 0x40
QPC, SYSTEM_TIME, CYCLES = 1, 2, 3
EPOCH = 116444736000000000  # FILETIME of 1970-01-01
START = EPOCH + 1772366400 * 10_000_000  # 2026-03-01 12:00 UTC
NS = 1_000_000_000

GROUP_GUIDS = {
    0x02: "3d6fa8d3-fe05-11d0-9dda-00c04fd7ba7c", 0x03: "3d6fa8d0-fe05-11d0-9dda-00c04fd7ba7c",
    0x05: "3d6fa8d1-fe05-11d0-9dda-00c04fd7ba7c", 0x0e: "0268a8b6-74fd-4302-9dd0-6e8f1795c0cf",
    0x10: "222962ab-6180-4b88-a825-346b75f2a24a", 0x11: "89497f50-effe-4440-8cf2-ce6b1cdcaca7",
    0x14: "2cb15d1d-5fc1-11d2-abe1-00a0c911f518", 0x18: "def2fe46-7bd6-4b80-bd94-f57fe20d0ce3",
}
IMAGE_ID = "b3e675d7-2554-4f18-830b-2762732560de"


def guid(text):
    return uuid.UUID(text).bytes_le


def guid_of(name):
    return hashlib.md5(name.encode()).digest()


def utf16(text):
    return text.encode("utf-16-le") + b"\0\0"


# ---- plain LZ77 of [MS-XCA] 2.3

def long_length(out, rest, half):
    """Writes what of a match's length its token does not hold; returns the half-used byte."""
    nibble = min(rest, 15)
    if half is None:
        half = len(out)
        out.append(nibble)
    else:
        out[half] |= nibble << 4
        half = None
    if nibble < 15:
        return half
    if rest - 15 < 255:
        out.append(rest - 15)
    else:
        out.append(255)
        whole = rest + 7
        out += struct.pack("<H", whole) if whole < 65536 else struct.pack("<HI", 0, whole)
    return half


def compress(data):
    out, seen, at, half = bytearray(4), {}, 0, None
    flags_at, flags, n_flags = 0, 0, 0
    while at < len(data):
        match = seen.get(data[at:at + 4]) if at + 4 <= len(data) else None
        length = 0
        if match is not None and at - match <= 8192:
            while at + length < len(data) and data[match + length] == data[at + length] \
                    and length < 70000:
                length += 1
        if at + 4 <= len(data):
            seen[bytes(data[at:at + 4])] = at
        flags = flags << 1 | (length >= 4)
        n_flags += 1
        if length >= 4:
            out += struct.pack("<H", (at - match - 1) << 3 | min(length - 3, 7))
            if length - 3 >= 7:
                half = long_length(out, length - 10, half)
            at += length
        else:
            out.append(data[at])
            at += 1
        if n_flags == 32:
            struct.pack_into("<I", out, flags_at, flags)
            flags_at, flags, n_flags = len(out), 0, 0
            out += bytes(4)
    struct.pack_into("<I", out, flags_at, (flags << (32 - n_flags) | (1 << (32 - n_flags)) - 1)
                     & 0xffffffff)
    return bytes(out)


# ---- records

def system_record(hook, version, pid, tid, time, payload, is_64=True, header="compact"):
    """One record with a short header: system (32 bytes), compact (24), perfinfo (16)."""
    if header == "perfinfo":
        head = struct.pack("<HBBHHQ", version, 0x11 if is_64 else 0x10, 0xC0, 16 + len(payload),
                           hook, time)
    else:
        kind = {"system": 1, "compact": 3}[header] + is_64
        size = (32 if header == "system" else 24) + len(payload)
        head = struct.pack("<HBBHHIIQ", version, kind, 0xC0, size, hook, tid, pid, time)
        if header == "system":
            head += bytes(8)
    return head + payload


def classic_record(provider, kind, version, pid, tid, time, payload, is_64=True):
    return struct.pack("<HBBBBHIIQ", 48 + len(payload), 0x14 if is_64 else 0x0a, 0xC0, kind, 0,
                       version, tid, pid, time) + provider + bytes(8) + payload


def manifest_record(provider, number, version, pid, tid, time, payload, is_64=True, opcode=0):
    return struct.pack("<HBBHHIIQ", 80 + len(payload), 0x13 if is_64 else 0x12, 0xC0, 0, 0, tid,
                       pid, time) + provider + \
        struct.pack("<HBBBBHQ", number, version, 0, 4, opcode, 0, 0) + bytes(8) + bytes(16) + \
        payload


# ---- the file

class Trace:
    """Buffers of several processors, as they are written one after another when they are full.

    Times are ns since the start of the trace; clock() gives the reading that stands for one.
    order: sequential (as written), circular (a ring that has come around), merged (one processor
    after another).
    """

    def __init__(self, is_64=True, clock=QPC, frequency=10_000_000, mhz=2400, compressed=False,
                 buffer_size=65536, n_cpus=2, order="sequential", events_lost=0, buffers_lost=0,
                 header_is_64=None, mode=0, wide_cpu=False, os=(10, 0, 19045), closed=True,
                 begin=5_000_000_000):
        self.is_64, self.clock_kind, self.frequency, self.mhz = is_64, clock, frequency, mhz
        self.compressed, self.buffer_size, self.n_cpus, self.order = \
            compressed, buffer_size, n_cpus, order
        self.events_lost, self.buffers_lost, self.mode = events_lost, buffers_lost, mode
        self.header_is_64 = is_64 if header_is_64 is None else header_is_64
        self.wide_cpu, self.os, self.closed, self.begin = wide_cpu, os, closed, begin
        self.open = [bytearray() for _ in range(n_cpus)]
        self.buffers, self.last, self.lossy = [], 0, set()

    def clock(self, t_ns):
        if self.clock_kind == SYSTEM_TIME:
            return START + t_ns // 100
        rate = self.frequency if self.clock_kind == QPC else self.mhz * 1_000_000
        return self.begin + t_ns * rate // NS

    def record(self, cpu, t_ns, record):
        record += bytes(-len(record) % 8)
        buffer = self.open[cpu]
        if len(buffer) + len(record) + HEADER > self.buffer_size:
            self.flush(cpu)
            buffer = self.open[cpu]
        buffer += record
        if t_ns > self.last:
            self.last = t_ns

    def flush(self, cpu):
        if self.open[cpu]:
            self.buffers.append((cpu, bytes(self.open[cpu])))
            self.open[cpu] = bytearray()

    def mark_lossy(self, cpu):
        """The buffer that is being filled comes after lost events."""
        self.flush(cpu)
        self.lossy.add(len(self.buffers))

    def buffer(self, sequence, cpu, records, kind=0, flags=0):
        flags |= FLAG_WIDE_CPU if self.wide_cpu else 0
        used = HEADER + len(records)
        body = records
        if self.compressed and kind != 4:
            body, flags = compress(records), flags | FLAG_COMPRESSED
            size = HEADER + len(body)
        else:
            size = self.buffer_size
            body += b"\xff" * (size - used)
        cpu_field = struct.pack("<HH", cpu, 0) if self.wide_cpu else struct.pack("<BBH", cpu, 0, 0)
        return struct.pack("<IIIIQQQ", size, used, used, 0, START + self.last // 100, sequence,
                           0) + cpu_field + struct.pack("<IIHH", 0, used, flags, kind) + \
            bytes(HEADER - 0x38) + body

    def trace_header(self, n_buffers):
        pointer = 8 if self.header_is_64 else 4
        end = START + self.last // 100 if self.closed else 0
        mode = self.mode | (MODE_CIRCULAR if self.order == "circular" else MODE_SEQUENTIAL)
        mode |= MODE_COMPRESSED if self.compressed else 0
        out = struct.pack("<IBBBBIIQIIIIIIII", self.buffer_size, self.os[0], self.os[1], 5, 0,
                          self.os[2], self.n_cpus, end, 156250, 100, mode, n_buffers, 1, pointer,
                          self.events_lost, self.mhz) + bytes(2 * pointer) + bytes(172)
        out += bytes(-len(out) % 8)
        out += struct.pack("<QQQII", START - 3600 * 10_000_000, self.frequency, START,
                           self.clock_kind, self.buffers_lost)
        return out + utf16("synthetic") + utf16("synthetic.etl")

    def to_bytes(self):
        for cpu in range(self.n_cpus):
            self.flush(cpu)
        head = system_record(0, 2, 4, 8, self.clock(0), self.trace_header(len(self.buffers) + 1),
                             is_64=self.is_64, header="system")
        out = [self.buffer(1, 0, head + bytes(-len(head) % 8), kind=4)]
        bodies = []
        for i, (cpu, records) in enumerate(self.buffers):
            flags = FLAG_LOST_EVENTS if i in self.lossy else 0
            bodies.append((cpu, self.buffer(i + 2, cpu, records, flags=flags)))
        if self.order == "circular":
            turn = len(bodies) // 3
            bodies = bodies[-turn:] + bodies[:-turn] if turn else bodies
        elif self.order == "merged":
            bodies.sort(key=lambda pair: pair[0])
        return b"".join(out + [body for _, body in bodies])
