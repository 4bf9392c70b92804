# SPDX-License-Identifier: MIT
"""A PDB with public symbols and nothing else (https://llvm.org/docs/PDB/), for tests of finding."""

import struct
import uuid

BLOCK = 512


def symbol(name, section, offset):
    body = struct.pack("<HIIH", 0x110e, 2, offset, section) + name.encode() + b"\0"
    body += b"\0" * (-(len(body) + 2) % 4)
    return struct.pack("<H", len(body)) + body


def section_header(rva, size):
    return struct.pack("<8sIIIIIIHHI", b".text", size, rva, size, 512, 0, 0, 0, 0, 0x60000020)


def make(guid, age, symbols, info_age=None):
    """`guid`: text; `age`: of the image; `symbols`: (name, offset in the section at 0x1000)."""
    info = struct.pack("<III", 20000404, 1, age if info_age is None else info_age)
    info += uuid.UUID(guid).bytes_le + struct.pack("<IIIIII", 0, 0, 1, 0, 0, 0)
    types = struct.pack("<IIIIIHHIIiIiIiI", 20040203, 56, 0x1000, 0x1000, 0, 0xffff, 0xffff, 4,
                        0x3ffff, 0, 0, 0, 0, 0, 0)
    records = b"".join(symbol(name, 1, offset) for name, offset in symbols)
    debug = struct.pack("<11H", *[0xffff] * 5, 5, *[0xffff] * 5)
    dbi = struct.pack("<iIIHHHHHHiiiiiIiiHHI", -1, 19990903, age, 0xffff, 0x8e00, 0xffff, 0, 4, 0,
                      0, 0, 0, 0, 0, 0, len(debug), 0, 0, 0x8664, 0) + debug
    return msf([b"", info, types, dbi, records, section_header(0x1000, 0x4000)])


def msf(streams):
    blocks = [None, b"\xff" * BLOCK, b"\xff" * BLOCK]  # superblock, two free block maps
    places = []
    for data in streams:
        place = []
        for i in range(0, len(data), BLOCK):
            place.append(len(blocks))
            blocks.append(data[i:i + BLOCK].ljust(BLOCK, b"\0"))
        places.append(place)
    directory = struct.pack("<I", len(streams))
    directory += b"".join(struct.pack("<I", len(data)) for data in streams)
    directory += b"".join(struct.pack("<I", block) for place in places for block in place)
    at = []
    for i in range(0, len(directory), BLOCK):
        at.append(len(blocks))
        blocks.append(directory[i:i + BLOCK].ljust(BLOCK, b"\0"))
    assert len(at) * 4 <= BLOCK
    map_block = len(blocks)
    blocks.append(b"".join(struct.pack("<I", block) for block in at).ljust(BLOCK, b"\0"))
    blocks[0] = (b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0" + struct.pack(
        "<IIIIII", BLOCK, 1, len(blocks), len(directory), 0, map_block)).ljust(BLOCK, b"\0")
    return b"".join(blocks)
