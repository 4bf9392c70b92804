# SPDX-License-Identifier: MIT
"""`seep pool`, `vm`, `zombies` and `analyze` of large kernel dumps: time, memory, and whether what
they say is what is true.

bench_kernel.py SEEP [--size 8G] [--zombies 5000] [--driver-zombies 300] [--folder FOLDER]

Two dumps of the same machine, a full and a bitmap one: a service holds thousands of exited
processes, a driver some hundreds, and another leaks nonpaged pool. Pages of zeros are holes, so
that 8 GB need 25 MB of disk. The yardstick, in the same run: md5sum of all pages that are not
zeros, which is more than has to be read.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import timed  # noqa: E402

SYNTH = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "../src/source/kernel-dump/synth")
# Seconds that a dump of 8 GB may take; memory in MB.
LIMITS = {"pool": 1.0, "vm": 1.0, "zombies": 5.0, "analyze": 5.0}
PEAK = 100
PAGE = 4096


def digest(path):
    """Reads what a file has on disk; prints how many bytes that were."""
    total, md5 = 0, hashlib.md5()
    with open(path, "rb") as f:
        size = os.fstat(f.fileno()).st_size
        at = 0
        while at < size:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(f.fileno(), at, os.SEEK_HOLE)
            while at < end:
                data = os.pread(f.fileno(), min(1 << 20, end - at), at)
                md5.update(data)
                total += len(data)
                at += len(data)
    print(total, md5.hexdigest())


def said(seep, command, path):
    done = subprocess.run([seep, command, path, "--json"], capture_output=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"seep {command}: exit {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)


class Checks:
    def __init__(self):
        self.bad = []

    def equal(self, what, found, wanted):
        if found != wanted:
            self.bad.append(f"{what}: {found!r}, true is {wanted!r}")


def check(seep, path, truth, c):
    tags = {(t["tag"], t["pool"]): t for t in said(seep, "pool", path)["tags"]}
    c.equal("tags", len(tags), len(truth["pool"]))
    for row in truth["pool"]:
        tag = tags.get((row["tag"].rstrip(), row["pool"]), {})
        c.equal(row["tag"], [tag.get(k) for k in ("allocs", "frees", "bytes")],
                [row["allocs"], row["frees"], row["bytes"]])
    vm = said(seep, "vm", path)["vm"]
    for name in ("physical", "available", "committed", "commit_limit", "commit_peak", "shared"):
        c.equal(name, vm[name + "_bytes"], truth["vm"][name] * PAGE)
    zombies = said(seep, "zombies", path)
    c.equal("zombies", zombies["zombies"], len(truth["zombies"]))
    wanted = {}
    for zombie in truth["zombies"]:
        for holder in zombie["holders"]:
            row = wanted.setdefault(holder["pid"], [0, set()])
            row[0] += holder["handles"]
            row[1].add(zombie["pid"])
    found = {h["pid"]: (h["handles"], h["zombies"]) for h in zombies["holders"]
             if h["pid"] is not None}
    c.equal("holders", found, {pid: (n, len(held)) for pid, (n, held) in wanted.items()})
    alone = sum(1 for z in truth["zombies"] if z["driver_references"] and not z["n_found"])
    found = said(seep, "analyze", path)["findings"]
    blamed = [(f["class"], f["subject"]["kind"], f["subject"]["tag"] or f["subject"]["name"],
               [e["text"] for e in f["evidence"]]) for f in found if f["verdict"] != "unknown"]
    for name in (("driver", "pool-tag", truth["leaking"]),
                 ("process-zombies", "process", truth["service"])):
        c.equal(f"analyze: {name}", name in [b[:3] for b in blamed], True)
    c.equal("analyze: the driver's", f"{alone} scan.exe" in [
        text for b in blamed if b[:2] == ("process-zombies", "driver") for text in b[3]], True)


def measure(a, kind, folder):
    path = os.path.join(folder, kind + ".dmp")
    start = time.monotonic()
    subprocess.run([sys.executable, "-B", SYNTH, "leak", "--kind", kind, "--size", a.size,
                    "--set", f"zombies={a.zombies}", "--set",
                    f"driver_zombies={a.driver_zombies}", "-o", path], check=True)
    made = time.monotonic() - start
    size, disk = os.path.getsize(path), os.stat(path).st_blocks * 512
    yardstick, _ = timed.best([sys.executable, "-B", os.path.abspath(__file__), "--digest", path])
    print(f"{kind}: {size / 1e9:.2f} GB, {disk / 1e6:.1f} MB of it not zeros, made in {made:.1f} s;"
          f" md5sum of that: {yardstick:.2f} s")
    slow = []
    for command, limit in LIMITS.items():
        seconds, peak = timed.best([a.seep, command, path], good=(0, 1))
        print(f"  seep {command:8} {seconds:.2f} s, {peak / 1024:5.1f} MB; "
              f"ratio {seconds / yardstick:.2f}")
        if seconds > limit * a.slack or peak > PEAK * 1024 * a.slack:
            slow.append(f"{kind} {command}: {seconds:.2f} s, {peak >> 10} MB")
    with open(path[:-4] + ".json", encoding="utf-8") as f:
        truth = json.load(f)
    c = Checks()
    check(a.seep, path, truth, c)
    for line in c.bad[:10]:
        print("  wrong: " + line)
    os.unlink(path)
    return c.bad, slow


def main():
    if sys.argv[1:2] == ["--digest"]:
        digest(sys.argv[2])
        return 0
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("seep")
    p.add_argument("--size", default="8G")
    p.add_argument("--zombies", type=int, default=5000)
    p.add_argument("--driver-zombies", type=int, default=300)
    p.add_argument("--slack", type=float, default=1, help="times the limits, for slow machines")
    p.add_argument("--folder")
    a = p.parse_args()
    bad, slow = [], []
    with tempfile.TemporaryDirectory(dir=a.folder) as folder:
        if shutil.disk_usage(folder).free < 200_000_000:
            sys.exit("not enough disk in " + folder)
        for kind in ("full", "bitmap"):
            wrong, late = measure(a, kind, folder)
            bad += wrong
            slow += late
    for line in slow:
        print("over the limit: " + line)
    if bad:
        sys.exit(f"{len(bad)} numbers are wrong")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
