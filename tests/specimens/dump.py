# SPDX-License-Identifier: MIT
"""A Windows program that loses C++ objects, dumped in full by dbghelp under Wine, read by seep.

dump.py --seep "EXE" --specimen EXE --runner WRAPPER [--nm NM]

What the program did is counted in the dump by this script itself: each object begins with the
address of its class's vtable, which nm tells. Wine's heap is not Windows' heap, so what seep has to
do with it is to say so; everything else of the dump it must get right.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import struct
import subprocess
import sys
import tempfile

KEPT, LISTENERS, LOST = 10, 3, 400
MADE = {"_ZTV7Session": KEPT + LOST, "_ZTVN3net6BufferE": LOST, "_ZTVN3net8ListenerE": LISTENERS}
# The same address stands a few times more in what the compiler made: the constructors' own copies
# in saved registers and on the stack.
STRAY = 16
failures = 0


def check(good, what):
    global failures
    print(("ok      " if good else "FAILED  ") + what)
    failures += not good


def objects(nm, specimen, dump):
    """How often the address of each class's vtable stands in the memory of the dump."""
    names = subprocess.run([nm, specimen], check=True, capture_output=True, text=True).stdout
    for name, made in MADE.items():
        address = int(re.search(rf"^(\w+) R {name}$", names, re.MULTILINE)[1], 16)
        # Before what objects point to: the offset to the top and the type's description.
        n = dump.count(struct.pack("<Q", address + 16))
        check(made <= n <= made + STRAY, f"{name}: {n} in the dump, {made} made")


def run(seep, *arguments):
    done = subprocess.run([*seep, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=120)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def usage_of(document):
    return {u["usage"]: u for u in document["usage"]}


def map_of(seep, specimen):
    status, out, err = run(seep, "map", "out.dmp", "--json")
    check(status == 0, f"seep map: status {status} {err}")
    d = json.loads(out)
    process = d["process"]
    check(process["image"] == os.path.basename(specimen) and process["pid"] and
          process["architecture"] == "x64" and process["wow64"] is False, f"process {process}")
    u = usage_of(d)
    size = os.path.getsize("out.dmp")
    busy = sum(v["size_bytes"] or 0 for name, v in u.items() if name != "Free")
    check(u["Image"]["size_bytes"] > 1 << 20 and u["Image"]["regions"] >= 4, "images")
    check(u["Stack64"]["size_bytes"] > 0 and u["TEB64"]["size_bytes"] > 0, "stack and TEB")
    check(0.9 * size < busy <= size, f"{busy} bytes mapped, the dump has {size}")
    # MiniDumpWriteDump of Wine 8 writes no MemoryInfoList: what follows from that is said.
    what = {loss["what"] for loss in d["sources"][0]["losses"]}
    check("regions-partial" in what, f"losses {sorted(what)}")
    check(d["heaps"] == [] and "heap-layout" in what, "Wine's heap is not taken for Windows'")
    check(u.get("Free", {}).get("size_bytes") is None, "free memory is unknown, not 0")


def heap_of(seep):
    status, out, err = run(seep, "heap", "out.dmp", "--json")
    check(status in (0, 3) and err.count("\n") <= 1, f"seep heap: status {status} {err}")
    d = json.loads(out)
    check(d["heaps"] == [] and not d["types"], "no block is invented")
    losses = [loss["text"] for loss in d["sources"][0]["losses"]]
    check(any("Wine" in text for text in losses), f"what is said of the heap: {losses}")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seep", type=shlex.split, required=True)
    p.add_argument("--specimen", required=True)
    p.add_argument("--runner", type=shlex.split, required=True)
    p.add_argument("--nm", default="x86_64-w64-mingw32-nm")
    a = p.parse_args()
    specimen = os.path.abspath(a.specimen)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        done = subprocess.run([*a.runner, specimen, "out.dmp"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        check(done.stdout.strip().endswith("done"), f"the specimen: {done.stdout}{done.stderr}")
        if not failures:
            objects(a.nm, specimen, pathlib.Path("out.dmp").read_bytes())
            map_of(a.seep, specimen)
            heap_of(a.seep)
        os.chdir("/")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
