#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes VMMap CSV files of known content, and beside each what a reader must find in it.

    synth.py --all FOLDER STAMP

A layout is a list of reservations (type, details, sub-blocks of pages); the rows, the sizes in KiB
and the summary follow from it, as VMMap makes them.
"""
import re
import sys
from pathlib import Path

K = 1024
TYPES = ["Image", "Mapped File", "Shareable", "Heap", "Managed Heap", "Stack", "Private Data"]
ROW_TYPE = {"Image": "Image (ASLR)", "Heap": "Heap (Private Data)", "Stack": "Thread Stack"}
PRIVATE = {"Heap", "Managed Heap", "Stack", "Private Data"}
PAGE = {"Read": 0x02, "Read/Write": 0x04, "Execute/Read": 0x20, "Copy on write": 0x08,
        "Read/Write/Guard": 0x104, "No access": 0x01, "Execute/Copy on Write": 0x80,
        "Read/Write/WriteCombine": 0x404, "Reserved": 0}
OURS = {0x02: "ReadOnly", 0x04: "ReadWrite", 0x20: "ExecuteRead", 0x08: "WriteCopy",
        0x104: "ReadWrite|Guard", 0x01: "NoAccess", 0x80: "ExecuteWriteCopy",
        0x404: "ReadWrite|WriteCombine"}

# [type, base, details, [(bytes, protection, private bytes or None, details or None)]]
SMALL = [
    ["Shareable", 0x110000, "", [(0x10000, "Read/Write", 0, None)]],
    ["Heap", 0x120000, "Heap ID: 1 [LOW FRAGMENTATION]",
     [(0xa000, "Read/Write", None, None), (0x11000, "Reserved", None, None)]],
    ["Stack", 0x160000, "64-bit thread stack",
     [(0x38000, "Reserved", None, ""), (0x3000, "Read/Write/Guard", None, ""),
      (0x5000, "Read/Write", None, "")]],
    ["Stack", 0x1a0000, "Thread ID: 34888",
     [(0xfd000, "Reserved", None, None), (0x1000, "Read/Write/Guard", None, None),
      (0x2000, "Read/Write", None, None)]],
    ["Private Data", 0x400000, "Thread Environment Block ID: 34888",
     [(0x18000, "Reserved", None, None), (0xc000, "Read/Write", None, None)]],
    ["Image", 0x1000000, "C:\\Windows\\SysWOW64\\ntdll.dll",
     [(0x1000, "Read", 0, "Header"), (0x7f000, "Execute/Read", 0x1000, ".text"),
      (0x3000, "Copy on write", 0, ".data"), (0x1000, "Read/Write", 0x1000, ".data")]],
    # Generations of the garbage collector begin within a page; their sizes are cut to KiB.
    ["Managed Heap", 0x30b0000, "GC",
     [(0x1000, "Read/Write", None, ""), (0x5f34, "Read/Write", None, "Gen2"),
      (0x6000 - 0xf34, "Read/Write", None, "Large Object Heap"), (0x4000, "Reserved", None, "")]],
    ["Mapped File", 0x7000000, 'C:\\odd ""name"", with a comma',
     [(0x4000, "Read", 0, None)]],
    ["Private Data", 0xfffe0000, "", [(0x10000, "Reserved", None, None)]],
]
WIDE = [
    ["Heap", 0x1f0a0000000, "Heap ID: 1", [(0x10000, "Read/Write", None, None)]],
    ["Stack", 0x7ff5a0000000, "Thread ID: 1", [(0xfc000, "Reserved", None, None),
                                               (0x4000, "Read/Write", None, None)]],
    ["Image", 0x7ff6a0000000, "C:\\app.exe", [(0x1000, "Read", 0, None)]],
]


def kib(n):
    return f"{n // K:,}" if n // K else ""


def private_of(kind, size, protection, private):
    if protection == "Reserved":
        return 0
    if private is not None:
        return private
    return size if kind in PRIVATE else 0


def quoted(cells, is_row):
    """Headers end with a comma, rows do not."""
    return "".join('"%s",' % c for c in cells)[:-1 if is_row else None]


def rows(layout, digits, subs=True, columns="full"):
    for kind, base, details, blocks in layout:
        size = sum(b[0] for b in blocks)
        committed = sum(b[0] for b in blocks if b[1] != "Reserved")
        private = sum(private_of(kind, *b[:3]) for b in blocks)
        # VMMap shows less of Private in the row of an image than in its sub-blocks.
        shown = 0 if kind == "Image" else private
        name = ROW_TYPE.get(kind, kind)
        protection = next((b[1] for b in blocks if b[1] != "Reserved"), "Reserved")
        yield cells_of(base, digits, "", name, size, committed, shown, str(len(blocks)), protection,
                       details, columns)
        at = base
        for b in blocks if subs else []:
            c = 0 if b[1] == "Reserved" else b[0]
            yield cells_of(at, digits, "  ", name, b[0], c, private_of(kind, *b[:3]), "", b[1],
                           details if b[3] is None else b[3], columns)
            at += b[0]


def cells_of(base, digits, indent, name, size, committed, private, blocks, protection, details,
             columns):
    head = [f"{indent}{base:0{digits}X}", name, kib(size), kib(committed), kib(private)]
    if columns == "old":
        return head + [blocks, protection, details]
    return head + ["4", "", "", "", "", blocks, protection, details]


def summary(layout, free):
    sizes = {t: [0, 0, 0, 0] for t in TYPES}
    for kind, _, _, blocks in layout:
        s = sizes[kind]
        for b in blocks:
            s[0] += b[0]
            s[1] += b[0] if b[1] != "Reserved" else 0
            s[2] += private_of(kind, *b[:3])
            s[3] += 1
    table = 512 * K
    total = [sum(s[i] for s in sizes.values()) + table for i in range(3)]
    yield ["Total", kib(total[0]), kib(total[1]), kib(total[2]), "300", "200", "100", "90", "",
           str(sum(s[3] for s in sizes.values())), ""]
    for t in TYPES:
        s = sizes[t]
        yield [t, kib(s[0]), kib(s[1]), kib(s[2]), "4", "", "", "", "", str(s[3]), "64"]
    yield ["Page Table", kib(table), kib(table), kib(table), "", "", "", "", "", "", ""]
    yield ["Unusable", "0", "", "", "", "", "", "", "", "", ""]
    yield ["Free", kib(free), "", "", "", "", "", "", "", "9", "64"]


def free_of(layout, end):
    """What lies between the reservations and before `end`."""
    at, gaps = 0, []
    for _, base, _, blocks in layout:
        if base > at:
            gaps.append((at, base - at))
        at = base + sum(b[0] for b in blocks)
    if end > at:
        gaps.append((at, end - at))
    return gaps


WORDS = {
    "process": "Process:", "pid": "PID:",
    "summary": ["Type", "Size", "Committed", "Private", "Total WS", "Private WS", "Shareable WS",
                "Shared WS", "Locked WS", "Blocks", "Largest"],
    "regions": ["Address", "Type", "Size", "Committed", "Private", "Total WS", "Private WS",
                "Shareable WS", "Shared WS", "Locked WS", "Blocks", "Protection", "Details"],
}
GERMAN = {
    "process": "Prozess:", "pid": "PID:",
    "summary": ["Typ", "Groesse", "Zugesichert", "Privat", "WS gesamt", "Privates WS",
                "Freigebbares WS", "Freigegebenes WS", "Gesperrtes WS", "Bloecke", "Groesster"],
    "regions": ["Adresse", "Typ", "Groesse", "Zugesichert", "Privat", "WS gesamt", "Privates WS",
                "Freigebbares WS", "Freigegebenes WS", "Gesperrtes WS", "Bloecke", "Schutz",
                "Details"],
}


def text(layout, end, words=None, line_end="\r\r\n", subs=True, columns="full", digits=8):
    words = words or WORDS
    free = sum(size for _, size in free_of(layout, end))
    out = ['"%s","app.exe"' % words["process"], '"%s","42"' % words["pid"], "",
           quoted(words["summary"], False)]
    out += [quoted(r, True) for r in summary(layout, free)]
    heads = words["regions"]
    if columns == "old":
        heads = heads[:5] + heads[10:]
    out += ["", quoted(heads, False)]
    out += [quoted(r, True) for r in rows(layout, digits, subs, columns)]
    return line_end.join(out + ["", ""])


def usage(kind, details, is64):
    bits = "64" if is64 or "64-bit" in details else "32"
    if kind == "Image":
        return "Image"
    if kind == "Mapped File":
        return "MappedFile"
    if kind in ("Heap", "Stack"):
        return kind + bits
    if "Environment Block" in details:
        return "TEB" + bits
    return "<unknown>"


def expected(layout, end, is64=False):
    """The lines of the tests' sink for the regions."""
    lines = []
    for base, size in free_of(layout, end):
        lines.append(f"region 1 base=0x{base:x} size={size} of=0x0 Free Free Free - -")
    for kind, base, details, blocks in layout:
        at = base
        backing = ("Private" if kind in PRIVATE else "Image" if kind == "Image" else "Mapped")
        for size, protection, _, own in blocks:
            state = "Reserve" if protection == "Reserved" else "Commit"
            said = own or details
            if kind == "Managed Heap":
                said = "managed heap" + (": " + said if said else "")
            page = OURS.get(PAGE[protection], "-")
            lines.append(f"region 1 base=0x{at:x} size={size} of=0x{base:x} {state} {backing} "
                         f"{usage(kind, details, is64)} {page} {said or '-'}".replace('""', '"'))
            at += size
    return lines


def write(folder, name, data, lines):
    (folder / (name + ".csv")).write_bytes(data if isinstance(data, bytes) else data.encode())
    (folder / (name + ".txt")).write_text("\n".join(lines) + "\n")


def all_cases(folder):
    end = 0xffff0000
    small = text(SMALL, end)
    good = expected(SMALL, end)
    write(folder, "small", small, good + ["process 1 pid=42 start=- image=app.exe",
                                          "sample 2 307200"])
    write(folder, "crlf", small.replace("\r\r\n", "\r\n"), good)
    write(folder, "lf", small.replace("\r\r\n", "\n"), good)
    write(folder, "mark", b"\xef\xbb\xbf" + small.encode(), good)
    write(folder, "wide", text(WIDE, 0x7fffffff0000, digits=16),
          expected(WIDE, 0x7fffffff0000, True))
    write(folder, "separators", re.sub(r"(\d),(\d{3})", r"\1.\2", small), good)
    german = text(SMALL, end, GERMAN)
    at = german.index('"Adresse"')
    write(folder, "german", german, good + [
        f"loss other-columns count=1 bytes=- offset=0x{at:x} the columns have other names than in "
        "the version that seep knows: they are read by position"])
    write(folder, "old-columns", text(SMALL, end, columns="old"), good)
    write(folder, "no-sub-blocks", text(SMALL, end, subs=False), [
        "region 1 base=0x110000 size=65536 of=0x110000 Commit Mapped <unknown> ReadWrite -",
        "region 1 base=0x120000 size=40960 of=0x120000 Commit Private Heap32 ReadWrite Heap ID: 1 "
        "[LOW FRAGMENTATION]",
        "region 1 base=0x12a000 size=69632 of=0x120000 Reserve Private Heap32 - Heap ID: 1 "
        "[LOW FRAGMENTATION]",
        "loss no-sub-blocks count=5 bytes=- offset=- rows without sub-blocks: which of their pages "
        "are committed is guessed"])
    lines = small.split("\r\r\n")
    missing = [l for l in lines if not l.startswith('"00120000"') and "00120000" not in l
               and "0012A000" not in l]
    write(folder, "row-missing", "\r\r\n".join(missing), [
        f"loss totals count=1 bytes={0x1b000} offset=- types of memory whose rows do not add up to "
        "the summary: rows are missing or were changed"])
    cut = small[:-400]
    write(folder, "truncated", cut, ["loss bad-record count=1 bytes=- offset="])
    write(folder, "no-regions", small[:small.index('"Address"')],
          ["loss truncated count=1 bytes=-"])
    write(folder, "bad-rows", small.replace('"00110000","Shareable","64"',
                                            '"0011ZZ00","Shareable","64"')
          .replace('"07000000","Mapped File","16"',
                   '"07000000","Mapped File","99,999,999,999,999,999,999"'),
          ["loss bad-record count=4 bytes=- offset="])
    write(folder, "types", small.replace('"Mapped File"', '"Enclave"'),
          ["loss unknown-type count=2 bytes=- offset=- rows with a type of memory that seep does "
           "not know"])
    write(folder, "huge-address", small.replace('"FFFE0000"', '"FFFFFFFFFFFFFFFF"'),
          ["loss bad-record count=2"])


def main():
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    all_cases(folder)
    Path(sys.argv[3]).write_text("")


if __name__ == "__main__":
    main()
