# SPDX-License-Identifier: MIT
"""Reading a large log of UMDH: time and memory, beside md5sum of the same file.

bench_umdh.py SEEP [--mib 100] [--folder FOLDER] [--limits]

`facts` keeps the sums of each trace, `stacks` lists the blocks, too. With --limits the run fails
where reading takes twice as long as md5sum, or a log twice as long takes a tenth more memory. Best
of five, file in the page cache.
"""
import argparse
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import timed  # noqa: E402

SYNTH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../src/source/umdh/synth.py")


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("seep")
    p.add_argument("--mib", type=int, default=100)
    p.add_argument("--folder")
    p.add_argument("--limits", action="store_true")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(dir=a.folder) as folder:
        peaks = []
        for mib in (a.mib, 2 * a.mib):
            path = os.path.join(folder, "log.txt")
            subprocess.run([sys.executable, "-B", SYNTH, "--big", path, str(mib)], check=True)
            yardstick, _ = timed.best(["md5sum", path], 5)
            seconds, peak = timed.best([a.seep, "facts", path], 5)
            listed, listed_peak = timed.best([a.seep, "stacks", path], 5)
            peaks.append(peak)
            print("%.0f MB: facts %.3f s, %.1f MB; stacks %.3f s, %.1f MB; md5sum %.3f s: "
                  "ratios %.2f and %.2f" %
                  (os.path.getsize(path) / 1e6, seconds, peak / 1024, listed, listed_peak / 1024,
                   yardstick, seconds / yardstick, listed / yardstick))
            if a.limits and seconds > 2 * yardstick:
                sys.exit("slower than half of md5sum's speed")
        if a.limits and peaks[1] > 1.1 * peaks[0]:
            sys.exit("memory grows with the log")
    return 0


if __name__ == "__main__":
    sys.exit(main())
