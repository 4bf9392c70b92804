# SPDX-License-Identifier: MIT
"""Writes small PDBs of known content, for the tests of the reader: synth_pdb.py FOLDER [STAMP].

It shares nothing with the reader. Source of the format: https://llvm.org/docs/PDB/.
"""

import pathlib
import random
import struct
import sys

NO_STREAM = 0xFFFF
GUID = bytes(range(0x10, 0x20))


def u16(*values):
    return struct.pack("<%dH" % len(values), *values)


def u32(*values):
    return struct.pack("<%dI" % len(values), *(v & 0xFFFFFFFF for v in values))


def name(text, counted=False):
    data = text.encode()
    return bytes([len(data)]) + data if counted else data + b"\0"


def pad(data, to=4, fill=b"\0"):
    return data + fill * (-len(data) % to)


def record(kind, body, fill=b"\0"):
    body = pad(body + b"", 4, fill)
    # the length does not count itself: kind and body, whose sum is even by 4
    body = body if (len(body) + 4) % 4 == 0 else pad(body)
    return u16(len(body) + 2, kind) + body


def msf(streams, block=512, shuffle=1):
    """A file of these streams (None = none of that number), its blocks in random order."""
    def count(size):
        return -(-size // block)

    order = random.Random(shuffle)
    need = sum(count(len(s)) for s in streams if s)
    directory_size = 4 + 4 * len(streams) + 4 * need
    map_blocks = count(4 * count(directory_size))
    total = need + count(directory_size) + map_blocks
    # block 0 is the head; 1 and 2 of each interval of `block` blocks are maps of free blocks
    numbers = [n for n in range(3, 3 + total + total // block * 2 + 2)
               if n % block not in (1, 2)][:total]
    if shuffle:
        order.shuffle(numbers)
    blocks, at = {}, iter(numbers)

    def put(data):
        used = []
        for i in range(count(len(data))):
            n = next(at)
            blocks[n] = data[i * block:(i + 1) * block].ljust(block, b"\0")
            used.append(n)
        return used

    lists = [put(s) if s else [] for s in streams]
    directory = u32(len(streams))
    directory += u32(*(len(s) if s is not None else -1 for s in streams))
    directory += b"".join(u32(*used) for used in lists)
    map_data = u32(*put(directory))
    maps = put(map_data)
    n_blocks = max(blocks) + 1
    head = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0"
    head += u32(block, 1, n_blocks, len(directory), 0, *maps)
    blocks[0] = head.ljust(block, b"\0")
    return b"".join(blocks.get(n, bytes(block)) for n in range(n_blocks))


def named_streams(names):
    """The table of named streams; as a list it is a hash with all slots used."""
    text, pairs = b"", []
    for key, stream in names.items():
        pairs.append((len(text), stream))
        text += name(key)
    n = len(pairs)
    return (u32(len(text)) + text + u32(n, n) + u32(1, (1 << n) - 1) + u32(0)
            + b"".join(u32(*p) for p in pairs))


def info_stream(names, features=(20140508,), age=1):
    return u32(20000404, 0x5F000000, age) + GUID + named_streams(names) + u32(0) + u32(*features)


def type_stream(records, first=0x1000):
    body = b"".join(records)
    return u32(20040203, 56, first, first + len(records), len(body)) + u16(NO_STREAM,
               NO_STREAM) + u32(4, 0x3FFFF) + bytes(24) + body


def section(rva, size, text=b".text"):
    return text.ljust(8, b"\0") + u32(size, rva, size, 0x400) + bytes(12) + u32(0x60000020)


def hash_stream(offsets):
    """A hash of symbols with one record each, counted from 1."""
    body = b"".join(u32(o + 1, 1) for o in offsets)
    return u32(0xFFFFFFFF, 0xEFFE0000 + 19990810, len(body), 0) + body


def publics_stream(offsets):
    table = hash_stream(offsets)
    return u32(len(table), 4 * len(offsets), 0, 0) + u16(0, 0) + u32(0, 0) + table + u32(*offsets)


def module_info(stream, symbols, c13, obj):
    head = u32(0) + bytes(28) + u16(0, stream) + u32(symbols, 0, c13) + bytes(16)
    return pad(head + name(obj) + name(obj))


def dbi_stream(modules, debug, publics=6, globals_=5, records=7, machine=0x8664, age=1):
    body = b"".join(modules)
    head = u32(0xFFFFFFFF, 19990903, age) + u16(globals_, 0x8E00, publics, 0, records, 0)
    contributions, n = u32(0xEFFE0000 + 19970605), len(modules)
    files = u16(n, 0) + u16(*range(n)) + u16(*[0] * n)
    files = pad(files)
    parts = (contributions, u16(0, 0), files)
    head += u32(len(body), *map(len, parts), 0, 0, 2 * len(debug), 0) + u16(0, machine) + u32(0)
    assert len(head) == 64
    return head + body + b"".join(parts) + u16(*debug)


def public(text, sect, offset, kind=0x110E):
    return record(kind, u32(2, offset) + u16(sect) + name(text, kind == 0x1009))


def data(text, sect, offset, kind=0x110D):
    return record(kind, u32(0x74, offset) + u16(sect) + name(text, kind == 0x1007))


def procedure(text, sect, offset, size, kind=0x1110):
    return record(kind, u32(0, 0, 0, size, 0, size, 0, offset) + u16(sect) + b"\0"
                  + name(text, kind in (0x100A, 0x100B)))


END, INLINE_END = record(0x0006, b""), record(0x114E, b"")


def inline_site(inlinee, annotations):
    return record(0x114D, u32(0, 0, inlinee) + bytes(annotations))


def subsection(kind, body):
    return pad(u32(kind, len(body)) + body)


def lines(sect, offset, size, *blocks):
    """Blocks are (offset of the file's checksum, [(offset, line)...])."""
    body = u32(offset) + u16(sect, 0) + u32(size)
    for checksum, rows in blocks:
        body += u32(checksum, len(rows), 12 + 8 * len(rows))
        body += b"".join(u32(o, line | 1 << 31) for o, line in rows)
    return subsection(0xF2, body)


def file_names(*names):
    """The stream /names, and where each name is."""
    text, at = b"\0", {}
    for n in names:
        at[n] = len(text)
        text += name(n)
    return u32(0xEFFEEFFE, 1, len(text)) + text + u32(0), at


def checksums(*offsets):
    """The subsection, and where each file's entry is in it: 4 + 2 + 16 bytes, padded to 24."""
    body = b"".join(pad(u32(o) + bytes([16, 1]) + bytes(16)) for o in offsets)
    return subsection(0xF4, body), [24 * i for i in range(len(offsets))]


def numeric(value):
    return u16(value) if value < 0x8000 else u16(0x8004) + u32(value)


class Types:
    """Records of types, numbered as they come."""

    def __init__(self):
        self.records = []

    def add(self, leaf, body):
        body = u16(leaf) + body
        # to a multiple of 4, filled with marks that say how far it still is
        body += bytes(0xF0 + n for n in range(-(len(body) + 2) % 4, 0, -1))
        self.records.append(u16(len(body)) + body)
        return 0x1000 + len(self.records) - 1

    def fields(self, *members):
        body = b""
        for m in members:
            body += m
            body += bytes(0xF0 + n for n in range(-len(body) % 4, 0, -1))
        return self.add(0x1203, body)

    def struct(self, text, fields, size, leaf=0x1505, forward=False):
        return self.add(leaf, u16(0, 0x80 if forward else 0) + u32(fields, 0, 0) + numeric(size)
                        + name(text, leaf == 0x1005))

    def union(self, text, fields, size):
        return self.add(0x1506, u16(0, 0) + u32(fields) + numeric(size) + name(text))

    def enum(self, text, fields):
        return self.add(0x1507, u16(0, 0) + u32(0x74, fields) + name(text))

    def pointer(self, to, size=8):
        return self.add(0x1002, u32(to, 0x0C | size << 13))

    def array(self, of, size):
        return self.add(0x1503, u32(of, 0x23) + numeric(size) + name(""))

    def bits(self, of, length, position):
        return self.add(0x1205, u32(of) + bytes([length, position]))

    def modifier(self, of):
        return self.add(0x1001, u32(of) + u16(1))


def member(text, type_, offset, counted=False):
    leaf = 0x1405 if counted else 0x150D
    return u16(leaf, 3) + u32(type_) + numeric(offset) + name(text, counted)


def base(type_, offset):
    return u16(0x1400, 3) + u32(type_) + numeric(offset)


def enumerate_(text, value):
    low = u16(value) if 0 <= value < 0x8000 else u16(0x8003) + u32(value)
    return u16(0x1502, 3) + low + name(text)


def known_types():
    t = Types()
    forward = t.struct("Node", 0, 0, forward=True)
    to_node = t.pointer(forward)
    bits = t.bits(0x75, 3, 5)
    inner = t.struct("<unnamed-tag>", t.fields(member("low", 0x11, 0), member("high", 0x21, 2)), 4)
    other = t.struct("<unnamed-tag>", t.fields(member("wrong", 0x74, 0)), 4)
    union = t.union("<unnamed-tag>", t.fields(member("all", 0x75, 0), member("part", inner, 0)), 4)
    colour = t.enum("Colour", t.fields(enumerate_("Red", 1), enumerate_("Blue", -7)))
    tail = t.fields(member("tail", 0x77, 0x40), member("const_tail", t.modifier(0x41), 0x48))
    method = u16(0x1511, 3 | 4 << 2) + u32(0) + u32(8) + name("run")
    static = u16(0x150E, 3) + u32(0x74) + name("instances")
    nested = u16(0x1510, 0) + u32(colour) + name("Colour")
    node = t.fields(
        member("next", to_node, 0), method, static, nested, member("flags", bits, 8),
        member("grid", t.array(t.array(0x74, 8), 24), 12), member("", union, 36),
        member("kids", t.array(to_node, 16), 40), member("colour", colour, 56),
        member("raw", 0x603, 0x38), u16(0x1404, 0) + u32(tail))
    t.struct("Node", node, 0x50)
    base_ = t.struct("Base", t.fields(member("tag", 0x75, 4)), 16)
    t.struct("Derived", t.fields(base(base_, 8), member("own", other, 24),
                                 member("nodes", t.array(forward, 0xA0), 32)), 0xC0, leaf=0x1504)
    return t


def whole(block=512, shuffle=1):
    """Everything that the reader reads, in one file."""
    t = known_types()
    owner = t.struct("Foo", 0, 0, forward=True)
    names, at = file_names("c:\\src\\main.cpp", "c:\\src\\foo.h")
    sums, (main_file, header) = checksums(at["c:\\src\\main.cpp"], at["c:\\src\\foo.h"])
    ids = Types()
    scope = ids.add(0x1605, u32(0) + name("ns"))
    get = ids.add(0x1602, u32(owner, 0) + name("get"))
    deep = ids.add(0x1601, u32(scope, 0) + name("deep"))
    # main: 0x80 bytes; get inlined at +0x10..+0x30 and +0x40..+0x48, deep in it at +0x18..+0x20
    symbols = u32(4)
    symbols += procedure("main", 1, 0x10, 0x80)
    symbols += inline_site(get, [6, 4,           # line +2
                                 3, 0x10,        # code +0x10
                                 11, 0x2F,       # line +1, code +0xF
                                 4, 0x11,        # length 0x11: ends at 0x30, counting goes on there
                                 12, 0x08, 0x10, # from +0x40, 8 bytes long
                                 0, 0])
    symbols += inline_site(deep, [5, main_file, 12, 0x08, 0x18])
    symbols += INLINE_END + INLINE_END + END
    symbols += procedure("Foo::f", 1, 0x100, 0x20, kind=0x110F) + END
    symbols += record(0x1132, u32(0, 0, 0x10, 0, 0x800, 0x100) + u16(1, 1)) + END
    symbols += record(0x1102, u32(0, 0, 0, 0x400) + u16(1, 6) + b"\0" + name("thunk")) + END
    symbols += data("local_data", 2, 0x200, kind=0x110C)
    symbols += procedure("discarded", 0, 0, 0x10) + END
    c13 = sums
    c13 += lines(1, 0x10, 0x80, (main_file, [(0, 10), (8, 11), (0x50, 12), (0x60, 0xFEEFEE)]))
    c13 += lines(1, 0x100, 0x20, (header, [(0, 20), (0, 21)]), (main_file, [(0x10, 30)]))
    c13 += lines(1, 0x100, 0x20, (main_file, [(0, 99)]))  # folded: the first counts
    c13 += subsection(0xF6, u32(0) + u32(get, header, 5) + u32(deep, header, 50))
    linker = u32(4) + record(0x112C, u16(0, 5) + u32(0x500, 0x100) + u16(1, 1))
    shared, offsets = b"", []
    for r in (public("main", 1, 0x10), public("?f@Foo@@QEAAXXZ", 1, 0x100),
              public("stale", 1, 0x700), public("??_7Foo@@6B@", 2, 0x20),
              data("g_count", 2, 0x100)):
        offsets.append(len(shared))
        shared += r
    dbi = dbi_stream([module_info(9, len(symbols), len(c13), "main.obj"),
                      module_info(10, len(linker), 0, "* Linker *"),
                      module_info(NO_STREAM, 0, 0, "empty.obj")],
                     [NO_STREAM] * 5 + [8] + [NO_STREAM] * 5)
    streams = [b"", info_stream({"/LinkInfo": 0, "/names": 11}), type_stream(t.records), dbi,
               type_stream(ids.records), hash_stream(offsets[4:]),
               publics_stream([offsets[i] for i in (3, 0, 1)]), shared,
               section(0x1000, 0x1000) + section(0x3000, 0x800, b".rdata"), symbols + c13, linker,
               names, None]
    return msf(streams, block, shuffle)


def reordered():
    """An image whose two functions changed places after it was linked: OMAP."""
    first, second = public("first", 1, 0), public("second", 1, 0x100)
    shared = first + second
    symbols = u32(4) + procedure("first", 1, 0, 0x80) + END
    dbi = dbi_stream([module_info(9, len(symbols), 0, "a.obj")],
                     [NO_STREAM] * 3 + [10, 11, 8] + [NO_STREAM] * 4 + [12])
    streams = [b"", info_stream({}), type_stream([]), dbi, type_stream([]), hash_stream([]),
               publics_stream([0, len(first)]), shared, section(0x2000, 0x1000), symbols,
               u32(0x2000, 0x1100, 0x2100, 0x1000, 0x2200, 0),  # image -> linked
               u32(0x1000, 0x2100, 0x1100, 0x2000),             # linked -> image
               section(0x1000, 0x1000)]
    return msf(streams)


def old():
    """As Visual C++ 6 and .NET wrote them: counted names, no IPI, no machine, no hashes."""
    t = Types()
    fields = t.add(0x1203, member("x", 0x74, 0, True) + b"\xf1" + member("y", 0x75, 4, True))
    t.struct("Point", fields, 8, leaf=0x1005)
    shared = public("_main", 1, 0x40, kind=0x1009) + data("_g", 1, 0x80, kind=0x1007)
    symbols = u32(4) + procedure("main", 1, 0x40, 0x20, kind=0x100B) + END
    dbi = dbi_stream([module_info(8, len(symbols), 0, "a.obj")], [NO_STREAM] * 5 + [7],
                     publics=NO_STREAM, globals_=NO_STREAM, records=6, machine=0)
    streams = [b"", info_stream({}, features=()), type_stream(t.records), dbi, None, None, shared,
               section(0x1000, 0x1000), symbols]
    return msf(streams, 1024)


def hostile():
    """Counts, chains and references that no linker writes; each file must be read or refused."""
    t = Types()
    t.array(0x1000, 40)     # an array of itself
    t.modifier(0x1001)      # and a modifier
    t.fields(member("a", 0x1000, 0), member("b", 0x1001, 0), u16(0x1404, 0) + u32(0x1002))
    t.struct("Self", 0x1002, 8)
    t.struct("", 0x9999, 0xFFFFFFFF)
    long = t.fields(*(member("m%d" % i, 0x74, i) for i in range(2000)))
    for i in range(500):
        t.struct("S%d" % i, long, 8)
    symbols = u32(4) + procedure("p", 1, 0xFFFFFFF0, 0xFFFFFFFF)
    symbols += inline_site(0x1000, [3, 0x10, 4, 0xDF, 0xFF, 0xFF, 0xFF, 12, 0xC0])
    symbols += b"".join(inline_site(0x1000, [3, 1, 4, 8]) for _ in range(40))
    c13 = lines(1, 0xFFFFFFF0, 0xFFFFFFFF, (0xFFFFFFFF, [(0, 1), (0xFFFFFFFF, 2)]))
    c13 += u32(0xF2, 0xFFFFFFF0)
    shared = public("a", 1, 0xFFFFFFFF) + u16(0xFFFF, 0x110E)
    dbi = dbi_stream([module_info(9, len(symbols), len(c13), "x")] * 50
                     + [module_info(77, 1 << 31, 1 << 31, "y")], [NO_STREAM] * 5 + [8])
    streams = [b"", info_stream({"/names": 3}), type_stream(t.records), dbi,
               type_stream([u16(2, 0x1601)] * 3), hash_stream([0xFFFFFFF0, 3, 1, 0]),
               publics_stream([0, 1, 2, 0xFFFFFFFE]), shared, section(0xFFFFFFF0, 0xFFFFFFFF),
               symbols + c13]
    return msf(streams)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "whole.pdb": whole(),
        "in-order.pdb": whole(shuffle=0),
        "reordered.pdb": reordered(),
        "old.pdb": old(),
        "hostile.pdb": hostile(),
        "jg.pdb": b"Microsoft C/C++ program database 2.00\r\n\x1aJG\0\0" + bytes(100),
    }
    for size in (1024, 2048, 4096, 8192, 32768):
        files["whole-%d.pdb" % size] = whole(size)
    for file, content in files.items():
        (folder / file).write_bytes(content)

    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text("")


if __name__ == "__main__":
    main()
