# SPDX-License-Identifier: MIT
"""Writes small images of known content, for the tests of the reader: synth_pe.py FOLDER [STAMP].

It shares nothing with the reader. Each is written as a file and as it lies in memory.
"""

import pathlib
import struct
import sys

GUID = bytes(range(0x20, 0x30))


def u16(*values):
    return struct.pack("<%dH" % len(values), *values)


def u32(*values):
    return struct.pack("<%dI" % len(values), *values)


def exports(at, functions):
    """The export directory at address `at`: functions are (name, address or a forwarder)."""
    n = len(functions)
    tables = at + 40
    text_at = tables + 10 * n
    names, texts, entries = [], b"", []
    for name, target in functions:
        names.append(text_at + len(texts))
        texts += name.encode() + b"\0"
        if isinstance(target, str):
            entries.append(text_at + len(texts))
            texts += target.encode() + b"\0"
        else:
            entries.append(target)
    head = u32(0, 0, 0, 0, 1, n, n, tables, tables + 4 * n, tables + 8 * n)
    return head + u32(*entries) + u32(*names) + u16(*range(n)) + texts


def version(at, numbers):
    """Resources at address `at` with a version and nothing else."""
    key = "VS_VERSION_INFO".encode("utf-16-le") + b"\0\0"
    fixed = u32(0xFEEF04BD, 0x10000, numbers[0] << 16 | numbers[1], numbers[2] << 16 | numbers[3])
    info = u16(92, 52, 0) + key
    info += bytes(-len(info) % 4) + fixed + bytes(36)

    def directory(entry_id, to):
        return bytes(12) + u16(0, 1) + u32(entry_id, to)

    tree = directory(16, 0x80000018) + directory(1, 0x80000030) + directory(1033, 0x48)
    return tree + u32(at + 0x58, len(info), 0, 0) + info


def coff_symbols(symbols):
    records, texts = b"", b""
    for name, section, value, type_, class_ in symbols:
        data = name.encode()
        if len(data) > 8:
            field = u32(0, 4 + len(texts))
            texts += data + b"\0"
        else:
            field = data.ljust(8, b"\0")
        records += field + u32(value) + u16(section, type_) + bytes([class_, 0])
    return records, u32(4 + len(texts)) + texts


def image(wide, with_symbols):
    """(file, memory): .text at 0x1000, .rdata at 0x2000 with all tables."""
    rdata = 0x2000
    record = b"RSDS" + GUID + u32(7) + b"C:\\build\\app.pdb\0"
    debug_at, record_at, exports_at, resources_at = (rdata + n for n in (0, 0x80, 0x100, 0x300))
    offset = 0x600  # of .rdata in the file
    debug = u32(0, 0, 0, 13, 4, 0, 0)  # of another kind
    debug += u32(0, 0, 0, 2, len(record), record_at, offset + 0x80)
    parts = {debug_at: debug, record_at: record,
             exports_at: exports(exports_at, [("Alloc", 0x1010), ("Forward", "other.Name"),
                                              ("Free", 0x1040)]),
             resources_at: version(resources_at, (10, 0, 22621, 4317))}
    section = bytearray(0x500)
    for at, data in parts.items():
        section[at - rdata:at - rdata + len(data)] = data
    directories = [(exports_at, 0x100), (0, 0), (resources_at, 0x100), (0, 0), (0, 0), (0, 0),
                   (debug_at, len(debug))] + [(0, 0)] * 9
    records, texts = coff_symbols([(".text", 1, 0, 0, 3), ("_ZN3Foo1fEv", 1, 0x80, 0x20, 2),
                                   ("short", 1, 0x90, 0x20, 3), ("g_data", 2, 0x400, 0, 2),
                                   ("absolute", 0xFFFF, 1, 0, 2)] if with_symbols else [])
    coff = b"PE\0\0" + u16(0x8664 if wide else 0x14C, 2)
    coff += u32(0x5F5E1000, 0xB00 if with_symbols else 0, len(records) // 18)
    coff += u16(240 if wide else 224, 0x22)
    optional = u16(0x20B if wide else 0x10B) + bytes(22)
    optional += struct.pack("<Q", 0x140000000) if wide else u32(0, 0x400000)
    optional += bytes(56 - len(optional)) + u32(0x3000, 0x400, 0xABCDEF)
    optional = optional.ljust(108 if wide else 92, b"\0") + u32(16)
    optional += b"".join(u32(*d) for d in directories)
    assert len(optional) == (240 if wide else 224)
    sections = b".text".ljust(8, b"\0") + u32(0x200, 0x1000, 0x200, 0x400) + bytes(16)
    sections += b".rdata".ljust(8, b"\0") + u32(0x500, 0x2000, 0x500, offset) + bytes(16)
    head = b"MZ" + bytes(58) + u32(0x80) + bytes(0x40) + coff + optional + sections
    head = head.ljust(0x400, b"\0")
    file = head + b"\xCC" * 0x200 + bytes(section) + records + texts
    memory = head.ljust(0x1000, b"\0") + b"\xCC" * 0x200 + bytes(0xE00) + bytes(section)
    return file, memory.ljust(0x3000, b"\0")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, wide in (("wide", True), ("narrow", False)):
        file, memory = image(wide, with_symbols=wide)
        (folder / (name + ".exe")).write_bytes(file)
        (folder / (name + ".mapped")).write_bytes(memory)

    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text("")


if __name__ == "__main__":
    main()
