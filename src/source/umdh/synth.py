#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes logs and comparisons of UMDH of known content, and beside each what a reader must find.

    synth.py --all FOLDER STAMP
    synth.py --big FILE MIB [SEED]

A moment of a process is a list of blocks [heap, address, bytes, overhead, trace]; the log's lines,
the comparison of two moments and the sums that a reader must come to follow from it.
"""
import random
import sys
from collections import OrderedDict
from pathlib import Path

MODULES = [(0x400000, 0x39000, r"C:\app\app.exe"),
           (0x77610000, 0x180000, r"C:\Windows\SysWOW64\ntdll.dll"),
           (0x10000000, 0x50000, r"C:\app\helper.dll")]
WIDE = [(0x7ff6a0000000, 0x39000, r"C:\app\app.exe"),
        (0x7ffe82340000, 0x1f0000, r"C:\Windows\System32\ntdll.dll")]
# Innermost first; the last frame of the second one lies in no module.
STACKS = {0x1B10F4: [0x7768DD4D, 0x401000, 0x10000010],
          0x1B1148: [0x7768DD4D, 0x402222, 0x5000],
          0x7E5CE0: [0x7768DD4D, 0x403333]}
WIDE_STACKS = {0xEDD4EEA6: [0x7FFE82352933, 0x7FF6A0001234], 0x9933FD81: [0x7FFE82352933]}
NAMES = {0x7768DD4D: "ntdll!RtlAllocateHeap+00000274",
         0x401000: r"app!Cache::add+0000002D (c:\app\cache.cpp, 88)",
         0x10000010: "helper!start+00000010", 0x402222: "app!main+00000022", 0x5000: "0x5000",
         0x403333: "app!Leak::grow+00000333"}
FIRST = [[0x3D0000, 0x3D07E0, 0x18, 0x18, 0], [0x3D0000, 0x3D0810, 0x1072, 0x1E, 0],
         [0x3D0000, 0x3D3780, 0x21C, 0x1C, 0x1B10F4], [0x3D0000, 0x3D39B8, 0x42, 0x1E, 0x1B1148],
         [0x3D0000, 0x3D4000, 0x10, 0x18, 0x1B10F4], [0x610000, 0x611000, 0x100, 0x20, 0x7E5CE0]]
# 1B1148 is freed, 1B10F4 moves to another heap with one block more, 7E5CE0 grows.
SECOND = [b for b in FIRST if b[4] != 0x1B1148]
SECOND += [[0x610000, 0x612000 + 0x100 * i, 0xF0, 0x18, 0x7E5CE0] for i in range(5)]
SECOND += [[0x610000, 0x620000, 0x28, 0x18, 0x1B10F4]]
# One block of 7E5CE0 is freed, another has a new size at the same place.
THIRD = [b for b in SECOND if b[1] not in (0x611000, 0x612000)]
THIRD += [[0x610000, 0x611000, 0x108, 0x18, 0x7E5CE0]]
LETTERLESS = [[0x300000, 0x300000 + 0x100 * i, 10 + 10 * (i % 4), size, 0x1B10F4]
              for i, size in enumerate((6, 20, 10, 16, 6, 20))]
GERMAN = {"Logtime": "Protokollzeit", "Machine": "Computer", "PID": "Prozess",
          "Loaded modules": "Geladene Module", "Base Size Module": "Basis Groesse Modul",
          "Start of data for heap": "Anfang der Daten des Heaps",
          "End of data for heap": "Ende der Daten des Heaps", "OS version": "Betriebssystem"}


def log(blocks, stacks=None, modules=None, time="2010-07-23 12:26", number="%X", alias=()):
    stacks = STACKS if stacks is None else stacks
    out = ["// ", f"// UMDH: version 6.1.7015.0: Logtime {time} - Machine=SRV01 - PID=42", "// ",
           "", "// OS version 6.1 ", "// Umdh OS version 6.1", "// Loaded modules: ",
           "//     Base Size Module"]
    out += ["//            %8X %8X %s" % m for m in (MODULES if modules is None else modules)]
    out += ["//", "// Process modules enumerated.", "DBGHELP: ntdll - public symbols  ",
            r"         D:\Symbols\wntdll.pdb\ACE318E6A2F44F23A6CC5628F10A7DDC2\wntdll.pdb", ""]
    dumped = set()
    for heap in OrderedDict((b[0], 0) for b in blocks):
        out += [f"*- - - - - Start of data for heap @ {heap:X} - - - - -", "",
                "REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID",
                "     STACK if not already dumped.", "",
                f"*- - - - - Heap {heap:X} Hogs - - - - -", ""]
        for _, address, size, overhead, trace in [b for b in blocks if b[0] == heap]:
            out.append(f"{number % size} bytes + {number % overhead} at {address:X} "
                       f"by BackTrace{trace:X}")
            if trace in stacks and trace not in dumped:
                dumped.add(trace)
                out += [f"\t{a:X}" for a in stacks[trace]] + [""]
                if trace in alias:
                    out += ["Alias of the trace:", "\t1234567", "\t7654321"]
                out += [""]
        out += ["", f"*- - - - - End of data for heap @ {heap:X} - - - - -", ""]
    return "\r\n".join(out) + "\r\n"


def sums(blocks):
    """trace -> [bytes, overhead, count, heap or 0, blocks by address], as they are first seen."""
    found = OrderedDict()
    for heap, address, size, overhead, trace in blocks:
        s = found.setdefault(trace, [0, 0, 0, heap, []])
        s[0] += size
        s[1] += overhead
        s[2] += 1
        s[3] = heap if s[3] == heap else 0
        s[4].append((address, size))
    return found


def module_of(address, modules):
    return next((base for base, size, _ in modules if base <= address < base + size), 0)


def site_lines(blocks, process=1, stacks=None, modules=None, listed=True):
    stacks = STACKS if stacks is None else stacks
    modules = MODULES if modules is None else modules
    for trace, (size, overhead, count, heap, where) in sums(blocks).items():
        frames = ["0x%x@0x%x" % (a, module_of(a, modules)) for a in stacks.get(trace, [])]
        stack = ";".join(frames) or "-"
        yield (f"site {process} heap bytes={size} count={count} overhead={overhead} "
               f"heap=0x{heap:x} tag=BackTrace{trace:X} name=heap BackTrace{trace:X} stack={stack}")
        if listed:
            yield from (f"block 0x{a:x} {n}" for a, n in sorted(where))


def comparison(old, new, number="%x", counts=True, total=True):
    a, b = sums(old), sums(new)
    rows, requested, extra = [], 0, 0
    for trace in list(b) + [t for t in a if t not in b]:
        x, y = a.get(trace, [0, 0, 0]), b.get(trace, [0, 0, 0])
        requested += y[0] - x[0]
        extra += y[1] - x[1]
        if x[:3] != y[:3]:
            rows.append((y[0] - x[0], trace, x, y))
    out = ["// Debug library initialized ...", "DBGHELP: app - private symbols & lines ",
           r"         C:\app\app.pdb", "// Each log entry has the following syntax:",
           "// + BYTES_DELTA (NEW_BYTES - OLD_BYTES) NEW_COUNT allocs BackTrace TRACEID ",
           "//         (can be used to search the original UMDH logs).", "", ""]
    for delta, trace, x, y in sorted(rows, key=lambda r: -r[0]):
        n = [number % v for v in (abs(delta), y[0], x[0], y[2], abs(y[2] - x[2]), x[2])]
        out.append("%s %7s ( %5s - %5s) %6s allocs\tBackTrace%X"
                   % ("+" if delta >= 0 else "-", n[0], n[1], n[2], n[3], trace))
        if counts:
            out.append("%s %7s ( %5s - %5s)\tBackTrace%X\tallocations"
                       % ("+" if y[2] >= x[2] else "-", n[4], n[3], n[5], trace))
        out += [""] + ["\t" + NAMES[f] for f in STACKS.get(trace, [])] + [""]
    if total:
        sign = "increase" if requested >= 0 else "decrease"
        n = [number % abs(v) for v in (requested, extra, requested + extra)]
        out += ["", f"Total {sign} == {n[0]:>6} requested + {n[1]:>6} overhead = {n[2]:>6}"]
    return "\r\n".join(out) + "\r\n"


def compared_lines(old, new, counts=True):
    """Sites of the older moment, then of the newer one."""
    a, b = sums(old), sums(new)
    for process, now in ((1, a), (2, b)):
        yield f"process {process} pid=- start=- image=app"
        for trace in list(b) + [t for t in a if t not in b]:
            x, y, s = (m.get(trace, [0, 0, 0]) for m in (a, b, now))
            if x[:3] == y[:3] or (process == 1 and not x[0]):
                continue
            stack = ";".join(NAMES[f] for f in STACKS.get(trace, [])) or "-"
            count = s[2] if counts or process == 2 else 0
            # A frame of which the tool knew no name is an address.
            stack = stack.replace("0x5000", "0x5000@0x0")
            yield (f"site {process} heap bytes={s[0]} count={count} heap=0x0 "
                   f"tag=BackTrace{trace:X} name=heap BackTrace{trace:X} stack={stack}")


OLD_FORM = """// UMDH: Logtime 2003-05-01 09:05 - Machine=OLD - PID=1204
00005320 bytes in 0x14 allocations (@ 0x00000428) by: BackTrace00B53
ntdll!RtlDebugAllocateHeap+0x000000FD
ntdll!RtlAllocateHeap+0x00000808
MyApp!main+0x0000002C [d:\\src\\main.cpp @ 12]

00000040 bytes in 0x2 allocations (@ 0x00000020 + 0x00000018) by: BackTrace00B54
ntdll!RtlAllocateHeap+0x00000808
MyApp!operator new[]+0x0000000E

"""
OLD_LINES = [
    "machine 1 host=OLD os=Windows ram=0 limit=0", "tick 2003-05-01T09:05:00.000000000Z",
    "process 1 pid=1204 start=- image=-",
    "site 1 heap bytes=21280 count=20 heap=0x0 tag=BackTrace00B53 name=heap BackTrace00B53 "
    "stack=ntdll!RtlDebugAllocateHeap+0x000000FD;ntdll!RtlAllocateHeap+0x00000808;"
    "MyApp!main+0x0000002C [d:\\src\\main.cpp @ 12]",
    "site 1 heap bytes=64 count=2 overhead=48 heap=0x0 tag=BackTrace00B54 name=heap BackTrace00B54 "
    "stack=ntdll!RtlAllocateHeap+0x00000808;MyApp!operator new[]+0x0000000E"]
DOCUMENTED = "+ 5320 ( f110 - 9df0) 3a allocs BackTrace00B53 \r\nTotal increase == 5320\r\n"
DOCUMENTED_LINES = ["site 1 heap bytes=40432 count=0 heap=0x0 tag=BackTrace00B53",
                    "site 2 heap bytes=61712 count=58 heap=0x0",
                    "loss old-count-unknown count=1"]
HEAD = ["machine 1 host=SRV01 os=Windows ram=0 limit=0", "tick 2010-07-23T12:26:00.000000000Z",
        "process 1 pid=42 start=- image=app.exe",
        "module 1 base=0x400000 size=233472 pdb=-/-/0 C:\\app\\app.exe",
        "loss no-trace count=2 bytes=4234", "loss time-zone-unknown count=1"]


def german(text):
    for word, other in GERMAN.items():
        text = text.replace(word, other)
    return text


def write(folder, name, data, lines):
    data = data if isinstance(data, bytes) else data.encode("latin-1")
    (folder / (name + ".txt")).write_bytes(data)
    (folder / (name + ".want")).write_text("\n".join(lines) + "\n")


def whole_cases(folder):
    first, good = log(FIRST), HEAD + list(site_lines(FIRST))
    write(folder, "log", first, good)
    for name, blocks, time in (("second", SECOND, "12:36"), ("third", THIRD, "12:56")):
        write(folder, name, log(blocks, time="2010-07-23 " + time), list(site_lines(blocks)))
    write(folder, "lf", first.replace("\r\n", "\n"), good)
    write(folder, "utf16le", b"\xff\xfe" + first.encode("utf-16-le"), good)
    write(folder, "utf16be", b"\xfe\xff" + first.encode("utf-16-be"), good)
    write(folder, "utf16-no-mark", first.encode("utf-16-le"), good)
    write(folder, "mark", b"\xef\xbb\xbf" + first.encode(), good)
    write(folder, "german", german(first), good)
    write(folder, "decimal", log(FIRST, number="%d"), good)
    # No letter in any number: only the multiple of 8 tells.
    write(folder, "no-letters", log(LETTERLESS, number="%d"), list(site_lines(LETTERLESS)))
    write(folder, "alias", log(FIRST, alias=(0x1B1148,)), good + ["loss alias-stack count=1"])
    rows = first[first.index("18 bytes"):first.index("*- - - - - End")]
    write(folder, "no-head", rows, [
        "process 1 pid=- start=- image=-", "tick -",
        "site 1 heap bytes=4234 count=2 overhead=54 heap=0x0 tag=BackTrace0"])
    write(folder, "code-page", first.replace(r"C:\app\helper", "C:\\app\\h\xfclper"), [
        "module 1 base=0x10000000 size=327680 pdb=-/-/0 C:\\app\\h\\xFClper.dll",
        "loss text-escaped count=1"])
    wide = [[0x206EDD00000, 0x206EDDA8BA0 + 0x100 * i, 0x30, 0x30, 0xEDD4EEA6] for i in range(3)]
    wide += [[0x206EDD00000, 0x206EDDB0000, 0x25D38, 0x38, 0x9933FD81]]
    write(folder, "wide", log(wide, WIDE_STACKS, WIDE),
          list(site_lines(wide, 1, WIDE_STACKS, WIDE)))
    second = log(SECOND, time="2010-07-23 12:36")
    write(folder, "several", first + second + comparison(FIRST, SECOND),
          HEAD[:4] + list(site_lines(FIRST)) + ["tick 2010-07-23T12:36:00.000000000Z"]
          + list(site_lines(SECOND, 2)) + ["loss no-trace count=4 bytes=8468", "process 4 "])
    write(folder, "no-stacks", log(FIRST, stacks={}),
          list(site_lines(FIRST, stacks={})) + ["loss no-frames count=3"])
    write(folder, "nothing", log([]) + "*- Start of data for heap @ 3D0000 -\r\n"
          "*- End of data for heap @ 3D0000 -\r\n", ["loss no-allocations count=1"])
    write(folder, "old-form", OLD_FORM, OLD_LINES)


def compared_cases(folder):
    both = comparison(FIRST, SECOND)
    write(folder, "compared", both, list(compared_lines(FIRST, SECOND)))
    write(folder, "compared-back", comparison(SECOND, FIRST), list(compared_lines(SECOND, FIRST)))
    # Every row of this one adds up in both bases: only the sum of all rows tells.
    write(folder, "compared-decimal", comparison(FIRST, SECOND, "%d"),
          list(compared_lines(FIRST, SECOND)))
    write(folder, "compared-utf16", b"\xff\xfe" + both.encode("utf-16-le"),
          list(compared_lines(FIRST, SECOND)))
    write(folder, "compared-no-counts", comparison(FIRST, SECOND, counts=False),
          list(compared_lines(FIRST, SECOND, False)) + ["loss old-count-unknown count="])
    alone = [line.replace("site 2", "site 1").replace("process 2", "process 1")
             for line in compared_lines([], FIRST) if " 2 " in line]
    write(folder, "compared-with-nothing", comparison([], FIRST), alone)
    write(folder, "documented", DOCUMENTED, DOCUMENTED_LINES)


def broken_cases(folder):
    first, both = log(FIRST), comparison(FIRST, SECOND)
    write(folder, "cut", first[:first.index("bytes + 20 at 611000")],
          list(site_lines(FIRST[:5])) + ["loss truncated count=2"])
    write(folder, "cut-head", first[:first.index("*- -")], HEAD[:4] + ["loss truncated count=1"])
    write(folder, "bad-row", first.replace("at 3D4000 by", "at 3D4000 bx"), [
        "site 1 heap bytes=540 count=1 overhead=28 heap=0x3d0000 tag=BackTrace1B10F4",
        "loss bad-record count=1"])
    # The frames of a row that cannot be read belong to no other row.
    orphan = [b for b in FIRST if b[4] != 0x1B1148]
    write(folder, "orphan", first.replace("by BackTrace1B1148", "by BackTrake1B1148"),
          list(site_lines(orphan)) + ["loss bad-record count=1"])
    huge = first.replace("21C bytes", "FFFFFFFFFFFFFFFF bytes")
    write(folder, "huge", huge.replace("42 bytes", "1FFFFFFFFFFFFFFFF bytes"), [
        f"site 1 heap bytes={2 ** 63 - 1} count=2 overhead=52 heap=0x3d0000 tag=BackTrace1B10F4",
        "loss bad-record count=1", "loss huge-size count=2"])
    end = "*- - - - - End of data for heap @ 3D0000"
    write(folder, "zeros", first.replace(end, "\0" * 64 + end),
          list(site_lines(FIRST)) + ["loss zero-bytes count=1 bytes=64"])
    long = {**STACKS, 0x7E5CE0: [0x401000 + i for i in range(1500)]}
    write(folder, "long-stack", log(FIRST, stacks=long), ["loss long-stack count=476"])
    row = both[both.index("+      28"):]
    write(folder, "row-missing", both.replace(row[:row.index("\r\n") + 2], ""),
          ["loss totals count=1"])
    write(folder, "no-total", comparison(FIRST, SECOND, total=False),
          list(compared_lines(FIRST, SECOND)) + ["loss truncated count=1"])
    write(folder, "bad-sum", both.replace("5b0 -   100)", "5b0 -   101)"),
          ["loss bad-sum count=1"])


def big(path, mib, seed):
    """A log of about `mib` MiB: heaps of 100,000 blocks, 5,000 traces of 16 frames."""
    rng = random.Random(seed)
    stacks = {0x100000 + 0x54 * i:
              [0x7FFE82340000 + rng.randrange(0x1f0000) for _ in range(15)] + [0x7FF6A0000000 + i]
              for i in range(5000)}
    traces, written = list(stacks), 0
    with open(path, "w", newline="") as out:
        heap = 0x206ED000000
        text = log([], modules=WIDE)
        dumped = set()
        while written < mib << 20:
            lines = [f"*- - - - - Start of data for heap @ {heap:X} - - - - -", ""]
            for i in range(100000):
                trace = rng.choice(traces)
                lines.append(f"{rng.randrange(1, 4096):X} bytes + {rng.randrange(8, 64):X} "
                             f"at {heap + i * 4096:X} by BackTrace{trace:X}")
                if trace not in dumped:
                    dumped.add(trace)
                    lines += [f"\t{a:X}" for a in stacks[trace]] + ["", ""]
            lines += ["", f"*- - - - - End of data for heap @ {heap:X} - - - - -", ""]
            text += "\r\n".join(lines) + "\r\n"
            out.write(text)
            written += len(text)
            text = ""
            heap += 0x40000000


def main():
    if sys.argv[1] == "--big":
        big(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
        return
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    whole_cases(folder)
    compared_cases(folder)
    broken_cases(folder)
    Path(sys.argv[3]).write_text("")


if __name__ == "__main__":
    main()
