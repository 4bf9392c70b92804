# SPDX-License-Identifier: MIT
"""`seep heap` of a dump with one large NT heap: time, memory, and whether the numbers are right.

bench_heap.py SEEP [--mb 100] [--folder FOLDER] [--keep FILE]

100 MB by default; --mb 4000 is a heap of 10 million blocks and needs as much disk. The yardstick,
in the same run: md5sum of the same file.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import timed  # noqa: E402

SYNTH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../src/source/minidump/synth")
SEGMENT = 0xFD0000


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("seep")
    p.add_argument("--mb", type=int, default=100)
    p.add_argument("--folder")
    p.add_argument("--keep")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(dir=a.folder) as folder:
        if shutil.disk_usage(folder).free < a.mb * 1_100_000:
            sys.exit("not enough disk in " + folder)
        path = a.keep or os.path.join(folder, "heap.dmp")
        start = time.monotonic()
        truth = timed.apart(SYNTH, "--big-heap", max(4, a.mb * 1_000_000 // SEGMENT), path)
        print("dump: %.1f MB, %d blocks, %d segments, made in %.1f s" %
              (os.path.getsize(path) / 1e6, truth["blocks"], truth["segments"],
               time.monotonic() - start))
        runs = 3 if a.mb < 1000 else 1
        yardstick, _ = timed.best(["md5sum", path], runs)
        seconds, peak = timed.best([a.seep, "heap", path], runs, (0, 1))
        print("seep heap: %.2f s, %.1f MB; md5sum: %.2f s, ratio %.2f (%.0f ns a block)" %
              (seconds, peak / 1024, yardstick, seconds / yardstick,
               seconds / truth["blocks"] * 1e9))
        done = subprocess.run([a.seep, "heap", path, "--json"], capture_output=True)
        document = json.loads(done.stdout)
        lost = document["unreachable"]
        print("unreachable: %d blocks, %d bytes (true: %d, %d)" % (
            lost["blocks"], lost["bytes"], truth["unreachable"]["blocks"],
            truth["unreachable"]["bytes"]))
        if (lost["blocks"], lost["bytes"]) != (truth["unreachable"]["blocks"],
                                               truth["unreachable"]["bytes"]):
            sys.exit("the numbers are wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
