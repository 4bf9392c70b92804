# SPDX-License-Identifier: MIT
"""Writes cabinets of known content for the tests: usage: synth_cab.py FOLDER.

NAME.cab holds a file whose bytes are those of NAME.bin. Written after [MS-CAB] and [MS-MCI]; shares
nothing with the reader. The build runs it, and a test has cabextract read the same files."""

import pathlib
import struct
import sys
import zlib

import synth_lzx as lzx

BLOCK = 32768
RESERVE = 4


def checksum(data, seed=0):
    words = len(data) // 4
    for (word,) in struct.iter_unpack("<I", data[:words * 4]):
        seed ^= word
    rest = 0
    for byte in data[words * 4:]:
        rest = rest << 8 | byte
    return seed ^ rest


def data_block(packed, size, reserve=b""):
    sizes = struct.pack("<HH", len(packed), size)
    total = checksum(sizes, checksum(packed)) if not reserve else 0
    return struct.pack("<I", total) + sizes + reserve + packed


def cabinet(name, size, blocks, method, reserve=b"", extra_files=()):
    """One folder; `blocks` are (packed, size); the file stands after what `extra_files` hold."""
    flags, head_reserve = 0, b""
    if reserve:
        flags = RESERVE
        head_reserve = struct.pack("<HBB", 8, len(reserve), len(reserve)) + b"RESERVED"
    files = [(name, size, sum(n for _, n in extra_files)), *((f, n, 0) for f, n in extra_files)]
    entries = b"".join(struct.pack("<IIHHHH", n, start, 0, 0x5a21, 0, 0x20) + file.encode() + b"\0"
                       for file, n, start in files)
    folder = 36 + len(head_reserve)
    files_at = folder + 8 + len(reserve)
    data_at = files_at + len(entries)
    body = b"".join(data_block(packed, n, reserve) for packed, n in blocks)
    header = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, data_at + len(body), 0, files_at, 0, 3, 1,
                         1, len(files), flags, 1, 0)
    return (header + head_reserve + struct.pack("<IHH", data_at, len(blocks), method) + reserve
            + entries + body)


def cut(data):
    return [data[i:i + BLOCK] for i in range(0, len(data), BLOCK)]


def mszip(data):
    blocks, before = [], b""
    for piece in cut(data):
        packer = (zlib.compressobj(9, zlib.DEFLATED, -15, zdict=before) if before
                  else zlib.compressobj(9, zlib.DEFLATED, -15))
        blocks.append((b"CK" + packer.compress(piece) + packer.flush(), len(piece)))
        before = (before + piece)[-BLOCK:]
    return blocks


def lzx_blocks(data, window_bits, kinds, translation_size=0):
    frames = lzx.Encoder(data, window_bits, kinds, translation_size).encode()
    return [(frame, len(piece)) for frame, piece in zip(frames, cut(data), strict=True)]


class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        return (self.state >> 33) % n


def sample(size, seed):
    """Bytes like those of a PDB: words that repeat near and far, numbers that count, noise, runs,
    CALL instructions."""
    random, out = Random(seed), bytearray()
    words = [bytes(97 + random.below(26) for _ in range(3 + random.below(20))) for _ in range(300)]
    while len(out) < size:
        what = random.below(100)
        if what < 60:
            out += words[random.below(len(words))] + b"\0"
        elif what < 75:
            out += (0x140000000 + len(out)).to_bytes(8, "little")
        elif what < 83 and len(out) > 600:
            at = random.below(len(out) - 600)
            out += out[at:at + 2 + random.below(580)]
        elif what < 90:
            out += bytes([random.below(256)]) * random.below(400)
        elif what < 95:
            out += b"\xe8" + (random.below(90000) - 45000).to_bytes(4, "little", signed=True)
        else:
            out += bytes(random.below(256) for _ in range(random.below(60)))
    return bytes(out[:size])


V, A, U = lzx.VERBATIM, lzx.ALIGNED, lzx.UNCOMPRESSED
# name: window, kinds of block with their sizes, bytes, size for CALL targets
LZX = {
    "lzx-verbatim": (15, [(V, 50000)], 150000, 0),
    "lzx-aligned": (16, [(A, 70001)], 150001, 0),
    "lzx-stored": (15, [(U, 32768)], 65536, 0),
    "lzx-mixed": (17, [(V, 30000), (U, 4097), (A, 20001), (U, 40001), (U, 2)], 200003, 0),
    "lzx-calls": (18, [(V, 40000), (A, 9000), (U, 3001)], 120000, 120000),
    "lzx-large": (21, [(A, 500000), (V, 100000)], 400000, 0),
    "lzx-tiny": (15, [(V, 9)], 9, 0),
    "lzx-one-letter": (15, [(V, 70000)], 70000, 0),
}


def cabinets():
    """name -> (cabinet, content)"""
    made = {}
    for number, (name, (bits, kinds, size, calls)) in enumerate(LZX.items()):
        data = b"x" * size if name == "lzx-one-letter" else sample(size, number + 7)
        blocks = lzx_blocks(data, bits, kinds, calls)
        made[name] = cabinet("sample.pdb", len(data), blocks, 3 | bits << 8), data
    data = sample(100001, 1)
    made["mszip"] = cabinet("sample.pdb", len(data), mszip(data), 1), data
    made["stored"] = cabinet("sample.pdb", len(data), [(p, len(p)) for p in cut(data)], 0), data
    made["reserve"] = (cabinet("sample.pdb", len(data), mszip(data), 1, b"1234"), data)
    # The second of two files comes first in the list, and starts within a block.
    made["second"] = (cabinet("sample.pdb", len(data) - 40000, mszip(data), 1,
                              extra_files=[("first.txt", 40000)]), data[40000:])
    return made


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (cab, content) in cabinets().items():
        (folder / f"{name}.cab").write_bytes(cab)
        (folder / f"{name}.bin").write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1])
