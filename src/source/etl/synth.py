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
    args = p.parse_args()
    if args.leak:
        data, truth = leak_scene(args.seconds, args.churn, args.size, int(args.every * NS / 1000),
                                 args.keys, compressed=args.compressed, n_cpus=args.cpus)
        write(args.leak, data)
        if args.truth:
            with open(args.truth, "w") as f:
                json.dump(truth, f, indent=1)
        return 0
    p.error("nothing to do")
    return 2


if __name__ == "__main__":
    sys.exit(main())
