#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write traces (.etl) for tests: a leak among caches, pools and churn, and one file per test case.

    synth.py --leak OUT.etl [--truth OUT.json] [--seconds N] [--churn PER_SECOND] [--size BYTES]
                            [--every MILLISECONDS] [--keys] [--compressed] [--cpus N]
    synth.py --case NAME OUT.etl       synth.py --all FOLDER [--stamp FILE]       synth.py --list
    synth.py --seeds FOLDER

Shares no code with the reader. The layouts are those of note.md. Every number is a function of the
arguments, so a test can state what it expects; --truth writes what was planted beside the trace.
"""
import argparse
import json
import os
import sys

from synth_cases import CASES, seeds
from synth_format import NS
from synth_leak import leak_scene


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--leak", metavar="OUT")
    p.add_argument("--truth", metavar="OUT")
    p.add_argument("--seconds", type=int, default=600)
    p.add_argument("--churn", type=float, default=20)
    p.add_argument("--size", type=int, default=512)
    p.add_argument("--every", type=float, default=250)
    p.add_argument("--keys", action="store_true")
    p.add_argument("--compressed", action="store_true")
    p.add_argument("--cpus", type=int, default=2)
    p.add_argument("--case", nargs=2, metavar=("NAME", "OUT"))
    p.add_argument("--all", metavar="FOLDER")
    p.add_argument("--stamp")
    p.add_argument("--seeds", metavar="FOLDER")
    p.add_argument("--list", action="store_true")
    args = p.parse_args()
    if args.list:
        print("\n".join(CASES))
    elif args.case:
        write(args.case[1], CASES[args.case[0]]().to_bytes())
    elif args.all:
        os.makedirs(args.all, exist_ok=True)
        for name, case in CASES.items():
            write(os.path.join(args.all, name + ".etl"), case().to_bytes())
        data, truth = leak_scene(120, 5, every_ns=NS // 10)
        write(os.path.join(args.all, "leak.etl"), data)
        with open(os.path.join(args.all, "leak.json"), "w") as f:
            json.dump(truth, f, indent=1)
    elif args.seeds:
        os.makedirs(args.seeds, exist_ok=True)
        for name, data in seeds().items():
            write(os.path.join(args.seeds, name + ".etl"), data)
    elif args.leak:
        data, truth = leak_scene(args.seconds, args.churn, args.size, int(args.every * NS / 1000),
                                 args.keys, compressed=args.compressed, n_cpus=args.cpus)
        write(args.leak, data)
        if args.truth:
            with open(args.truth, "w") as f:
                json.dump(truth, f, indent=1)
    else:
        p.error("nothing to do")
    if args.stamp:
        write(args.stamp, b"")
    return 0


if __name__ == "__main__":
    sys.exit(main())
