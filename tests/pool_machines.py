#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judges poolmon series whose truth is known, through the whole program.

    pool_machines.py SEEP [--count 60]

The documented leak of a filter driver must be one finding, `leaking` as a series and `suspect` by
its first and last snapshot alone, with WCsc as the source and the others as its members. Machines
without a leak must have no finding of a driver: 60 of them in the tests, --count 200 by hand.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SYNTH = Path(__file__).resolve().parent / "synth" / "pool_series.py"


def write(folder, what, *options):
    subprocess.run([sys.executable, "-B", SYNTH, what, folder, *options], check=True)


def analyze(seep, *files):
    run = subprocess.run([*seep, "analyze", *files, "--json"], capture_output=True, check=False)
    if run.returncode not in (0, 1, 3):
        raise SystemExit(f"{files}: exit {run.returncode}: {run.stderr.decode()[:500]}")
    return json.loads(run.stdout)


def accused(document):
    return [f for f in document["findings"] if f["verdict"] in ("suspect", "leaking")]


def check_leak(seep, files, verdict):
    found = accused(analyze(seep, *files))
    if len(found) != 1:
        return [f"{len(found)} findings, not one: {[f['id'] for f in found]}"]
    f = found[0]
    text = " ".join(e["text"] for e in f["evidence"])
    wants = [(f["class"], "driver"), (f["verdict"], verdict), (f["subject"]["tag"], "WCsc"),
             (f["id"], "driver/WCsc")]
    wrong = [f"{is_} instead of {want}" for is_, want in wants if is_ != want]
    for tag, ratio in (("NtfC", "1.00"), ("File", "1.02"), ("IoNm", "1.00")):
        part = text.partition(f"pool tag {tag} grows in lockstep with it")[2][:60]
        if f"{ratio} for each of WCsc" not in part:
            wrong.append(f"{tag} is no member with ratio {ratio}")
    if "none freed" not in text:
        wrong.append("nothing of never freed")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seep", nargs="+")
    parser.add_argument("--count", type=int, default=60)
    args = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(1, 6):
            write(folder, "wcifs", "--seed", str(seed))
            ends = sorted(folder.glob("wcifs-*.log"))
            wrong += [f"seed {seed}: {w}" for w in
                      check_leak(args.seep, [folder / "wcifs.log"], "leaking") +
                      check_leak(args.seep, ends, "suspect")]
        write(folder, "machines", "--count", str(args.count))
        drivers = leaking = judged = 0
        for i in range(args.count):
            found = accused(analyze(args.seep, folder / f"machine-{i:03}.log"))
            drivers += sum(f["class"] == "driver" for f in found)
            leaking += sum(f["verdict"] == "leaking" for f in found)
            judged += 1
            wrong += [f"machine {i}: {f['id']}" for f in found if f["class"] == "driver"]
        print(f"{judged} machines without a leak: {drivers} findings of a driver, {leaking} "
              f"findings leaking of other classes")
    for line in wrong:
        print("wrong:", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
