# SPDX-License-Identifier: MIT
"""Scanning a folder of drivers (bench/scan_drivers) against md5sum of the same files.

bench_drivers.py SCAN_DRIVERS [--count 1000] [--keep FOLDER]

Makes drivers of 50 to 500 KB: code of the instructions that compilers emit most, functions with
unwind data, texts, tables, imports, and three tags each in calls at random places. Both run on the
same files in the same run, best of three, files in the page cache; then the scan again from its
cache. What was found is compared with what was put in. Budget: 4 times md5sum, which is a second
or two for 1,000 drivers on one core; from the cache a tenth of md5sum.
"""
import argparse
import pathlib
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "src/drivers"))
import synth_sys  # noqa: E402
import timed  # noqa: E402

BUDGET, CACHE_BUDGET = 4, 0.1
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
WORDS = ["Device", "%s: failed with %x\n", "Registry", "Parameters", "status", "ObReference", "irp"]


def instructions(some, count):
    """Code as compilers make it, roughly: moves, addresses, compares, short jumps, calls within."""
    out = []
    for _ in range(count):
        kind = some.random()
        reg, rm = some.randrange(8), some.randrange(8)
        modrm = bytes([0xC0 | reg << 3 | rm])
        at_stack = bytes([0x44 | reg << 3, 0x24, some.randrange(0, 128, 8)])
        if kind < 0.25:
            out.append(b"\x48\x8B" + modrm)
        elif kind < 0.40:
            out.append(b"\x48\x8B" + at_stack)
        elif kind < 0.50:
            out.append(b"\x48\x89" + at_stack)
        elif kind < 0.58:
            out.append(b"\x48\x8D\x0D" + synth_sys.u32(some.randrange(0x10000)))
        elif kind < 0.66:
            out.append(b"\x85" + modrm + bytes([0x74 + some.randrange(2), some.randrange(4, 60)]))
        elif kind < 0.72:
            out.append(b"\xE8" + synth_sys.u32(some.randrange(-0x8000, 0x8000)))
        elif kind < 0.78:
            out.append(bytes([0xB8 + reg]) + synth_sys.u32(some.randrange(1 << some.randrange(32))))
        elif kind < 0.84:
            out.append(b"\x0F\xB6" + modrm)
        elif kind < 0.90:
            out.append(b"\x83" + bytes([0xF8 | rm, some.randrange(128)]))
        elif kind < 0.95:
            out.append(b"\xF3\x0F\x6F" + at_stack)
        else:
            out.append(b"\xC7" + bytes([0x44, 0x24, 0x20]) + synth_sys.u32(some.randrange(4096)))
    return out


def driver(some, pool, tags):
    """The file of one driver with these tags in it."""
    d = synth_sys.Driver("x64", ["ExAllocatePoolWithTag", "ExFreePoolWithTag", "ExAllocatePool2",
                                 "IoCreateDevice", "KeWaitForSingleObject"])
    size = some.randrange(50_000, 500_000)
    texts = " ".join(some.choices(WORDS, k=size // 60)).encode().replace(b" ", b"\0")
    places = [some.randrange(1, 40) for _ in tags]
    number, code_bytes = 0, size * 6 // 10
    # Sections follow each other; the code is as long as it is.
    d.rdata.rva = synth_sys.RDATA
    functions = []
    while sum(map(len, functions)) < code_bytes:
        start = some.randrange(len(pool) - 400)
        body = b"\x48\x83\xEC\x58" + b"".join(pool[start:start + some.randrange(20, 300)])
        functions.append(body + b"\x48\x83\xC4\x58\xC3")
    moved = (sum(len(f) + 48 for f in functions) + 0x4000) & ~0xFFF
    for section in (d.rdata, d.data):
        section.rva += moved
    d.slots = {name: slot + moved for name, slot in d.slots.items()}
    relocate_imports(d, moved)
    for body in functions:
        number += 1
        d.begin()
        for tag, place in zip(tags, places):
            if place == number:
                d.code(b"\x48\x83\xEC\x28\x41\xB8" + synth_sys.u32(synth_sys.tag(tag)))
                d.slot(b"\xFF\x15", "ExAllocatePoolWithTag")
                d.code(b"\x48\x83\xC4\x28")
        d.end(body)
    d.rdata.put(texts)
    d.data.put(bytes(size - code_bytes - len(texts) if size > code_bytes + len(texts) else 0))
    return d.file()


def relocate_imports(d, moved):
    """The import directory was written for where .rdata was at first."""
    at, size = d.directories[1]
    d.directories[1] = (at + moved, size)
    data, rva = d.rdata.data, synth_sys.RDATA
    entry = at - rva
    fields = [int.from_bytes(data[entry + i:entry + i + 4], "little") for i in (0, 12, 16)]
    for table in (fields[0], fields[2]):
        place = table - rva
        while True:
            value = int.from_bytes(data[place:place + 8], "little")
            if not value:
                break
            if value < 1 << 63:
                data[place:place + 8] = (value + moved).to_bytes(8, "little")
            place += 8
    for i, value in zip((0, 12, 16), fields):
        data[entry + i:entry + i + 4] = (value + moved).to_bytes(4, "little")


def make(folder, count):
    some = random.Random(7)
    pool = instructions(some, 60_000)
    truth, total = {}, 0
    for i in range(count):
        tags = ["".join(some.choices(CHARACTERS, k=4)) for _ in range(3)]
        data = driver(some, pool, tags)
        name = "drv%04d.sys" % i
        (folder / name).write_bytes(data)
        total += len(data)
        truth[name] = set(tags)
    return truth, total


def found(scan, folder):
    """file -> tags that are operands of a call."""
    out = subprocess.run([scan, "--all", folder], capture_output=True, text=True, check=True).stdout
    seen, current = {}, None
    for line in out.split("\n"):
        if re.match(r"\S.*\.sys version=", line):
            current = seen.setdefault(pathlib.Path(line.split(" version=")[0]).name, set())
        elif current is not None and re.match(r"  .{4} call ", line):
            current.add(line[2:6])
    return seen


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("scan_drivers")
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--keep", type=pathlib.Path)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or pathlib.Path(scratch) / "drivers"
        folder.mkdir(parents=True, exist_ok=True)
        truth, total = make(folder, args.count)
        files = sorted(map(str, folder.glob("*.sys")))
        cache = pathlib.Path(scratch) / "cache"
        theirs, _ = timed.best(["md5sum", *files])
        ours, peak = timed.best([args.scan_drivers, str(folder)])
        timed.run([args.scan_drivers, "--cache", str(cache), str(folder)])
        again, _ = timed.best([args.scan_drivers, "--cache", str(cache), str(folder)])
        seen = found(args.scan_drivers, str(folder))
        size = cache.stat().st_size
    hit = sum(len(tags & seen.get(name, set())) for name, tags in truth.items())
    wrong = sum(len(seen.get(name, set()) - tags) for name, tags in truth.items())
    print("%d drivers, %.0f MB" % (len(truth), total / 1e6))
    print("md5sum          %8.1f ms" % (theirs * 1e3))
    met = ours <= BUDGET * theirs and again <= CACHE_BUDGET * theirs
    print("scan            %8.1f ms  %.2f times md5sum, %.0f MB/s, peak %.0f MB"
          % (ours * 1e3, ours / theirs, total / 1e6 / ours, peak / 1024))
    print("from the cache  %8.1f ms  %.3f times md5sum; cache %.0f KB"
          % (again * 1e3, again / theirs, size / 1e3))
    print("budget %d and %.1f times md5sum: %s"
          % (BUDGET, CACHE_BUDGET, "met" if met else "MISSED"))
    print("%d of %d tags found as operands of a call, %d others" % (hit, 3 * len(truth), wrong))
    sys.exit(not met or hit != 3 * len(truth))


if __name__ == "__main__":
    main()
