# SPDX-License-Identifier: MIT
"""`seep map` of a full dump of 100 GB with 100,000 regions: time and memory.

bench_map.py SEEP [--regions 100000] [--folder FOLDER] [--limits]

The dump is sparse: it costs a few MB of disk. The yardstick, in the same run: md5sum of the part of
the file before the memory, which is all that has to be read. With --limits the run fails beyond
0.1 s or 50 MB. Best of five, file in the page cache.
"""
import argparse
import os
import sys
import tempfile

sys.dont_write_bytecode = True
import timed  # noqa: E402

SYNTH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../src/source/minidump/synth")


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("seep")
    p.add_argument("--regions", type=int, default=100000)
    p.add_argument("--folder")
    p.add_argument("--limits", action="store_true")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(dir=a.folder) as folder:
        path, head = os.path.join(folder, "large.dmp"), os.path.join(folder, "head")
        truth = timed.apart(SYNTH, "--big-regions", a.regions, path)
        with open(path, "rb") as f, open(head, "wb") as g:
            g.write(f.read(truth["memory_at"]))
        size, used = os.stat(path).st_size, os.stat(path).st_blocks * 512
        print("dump: %.1f GB (%.1f MB on disk), %d regions, %.1f MB before the memory" %
              (size / 1e9, used / 1e6, truth["regions_total"], os.path.getsize(head) / 1e6))
        seconds, peak = timed.best([a.seep, "map", path], 5, (0, 1))
        yardstick, _ = timed.best(["md5sum", head], 5)
        print("seep map: %.3f s, %.1f MB; md5sum of what is read: %.3f s, ratio %.1f" %
              (seconds, peak / 1024, yardstick, seconds / yardstick))
        if a.limits and (seconds > 0.1 or peak > 50 << 10):
            sys.exit("beyond 0.1 s or 50 MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
