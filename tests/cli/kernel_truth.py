# SPDX-License-Identifier: MIT
"""Compares what `seep pool`, `vm` and `zombies` say of synthetic kernel dumps with what is true of
them: kernel_truth.py SEEP FOLDER NAME...

FOLDER has NAME.dmp and NAME.json, as the synthesizer writes them, of kernels that seep knows.
"""
import collections
import json
import subprocess
import sys

PAGE = 4096


def document(seep, command, path):
    run = subprocess.run([seep, command, path, "--json"], capture_output=True, text=True,
                         check=False)
    # 1: a finding leaks; 3: some page is not in the dump.
    if run.returncode not in (0, 1, 3):
        raise SystemExit(f"{command} {path}: exit {run.returncode}: {run.stderr}")
    return json.loads(run.stdout)


def pools(seep, path, truth):
    found = {(t["tag"], t["pool"]): t for t in document(seep, "pool", path)["tags"]
             if t["session"] is None}
    for tag in truth["pool"]:
        t = found.get((tag["tag"], tag["pool"]))
        wanted = [tag[key] for key in ("allocs", "frees", "diff", "bytes")]
        yield tag["tag"], t and [t[key] for key in ("allocs", "frees", "diff", "bytes")], wanted
    totals = collections.Counter()
    for tag in truth["pool"]:
        totals[tag["pool"]] += tag["bytes"]
    for pool, size in totals.items():
        yield f"sum of {pool}", sum(t["bytes"] for t in found.values() if t["pool"] == pool), size


def memory(seep, path, truth):
    d = document(seep, "vm", path)
    for item in ("physical", "available", "committed", "commit_limit"):
        yield item, d["vm"][f"{item}_bytes"], truth["vm"][item] * PAGE
    parts = sum(part["bytes"] or 0 for part in d["ledger"])
    yield "ledger", parts, truth["vm"]["committed"] * PAGE
    alive = sum(p["commit_pages"] for p in truth["processes"]) * PAGE
    shown = sum(p["private_bytes"] for p in d["processes"])
    yield "processes", shown <= alive and shown > 0, True


def dead(seep, path, truth):
    d = document(seep, "zombies", path)
    yield "zombies", d["zombies"], len(truth["zombies"])
    handles, held = collections.Counter(), collections.Counter()
    for zombie in truth["zombies"]:
        for pid in {h["pid"] for h in zombie["holders"]}:
            held[pid] += 1
        for holder in zombie["holders"]:
            handles[holder["pid"]] += holder["handles"]
    yield "held", {h["pid"]: h["zombies"] for h in d["holders"]}, dict(held)
    yield "handles", {h["pid"]: h["handles"] for h in d["holders"]}, dict(handles)
    unheld = sorted(z["pid"] for z in truth["zombies"] if not z["holders"])
    yield "unheld", d["unheld"], len(unheld)
    yield "PIDs unheld", d["unheld_processes"]["pids"], unheld
    yield "commit", d["commit_charged_bytes"], sum(z["commit_pages"]
                                                   for z in truth["zombies"]) * PAGE


def main(seep, folder, *names):
    bad = 0
    for name in names:
        path = f"{folder}/{name}.dmp"
        with open(f"{folder}/{name}.json", encoding="utf-8") as file:
            truth = json.load(file)
        for check in (pools, memory, dead):
            for what, found, wanted in check(seep, path, truth):
                if found != wanted:
                    bad += 1
                    print(f"{name}: {what}: {found!r}, not {wanted!r}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
