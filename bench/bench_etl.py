# SPDX-License-Identifier: MIT
"""Reading a heap trace with stacks of 16 frames: time against md5sum, and memory.

bench_etl.py BENCH_ETL ETL_GEN [--megabytes 200] [--runs 5] [--folder FOLDER] [--limits]

The yardstick, in the same run: md5sum of the same file. CPU times, because other work on the
machine makes times on the wall long; and the wall's, which show what the second thread gives. The
memory: the peak of a trace, and of one ten times as long with the same live set. With --limits the
run fails where one core is slower than md5sum, or memory grows by 10 %. Best of the runs, file in
the page cache.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import timed  # noqa: E402


def bench(command, runs, cores):
    """The best (wall, CPU) seconds of some runs of bench_etl."""
    seen = [subprocess.run(["taskset", "-c", cores] + command + ["1"], check=True,
                           stdout=subprocess.PIPE).stdout.split()[:2] for _ in range(runs)]
    return min(float(w) for w, _ in seen), min(float(c) for _, c in seen)


def md5sum(path, runs):
    """The best (wall, CPU) seconds of md5sum."""
    walls, cpus = [], []
    for _ in range(runs):
        before, start = os.times(), time.monotonic()
        subprocess.run(["md5sum", path], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        walls.append(time.monotonic() - start)
        cpus.append(after.children_user + after.children_system - before.children_user -
                    before.children_system)
    return min(walls), min(cpus)


def memory(a, folder):
    """Peak MB of a trace, of one ten times as long, and the same with stacks by key."""
    peaks = []
    for keys in "", "keys":
        for megabytes in a.megabytes // 10, a.megabytes:
            path = os.path.join(folder, "memory.etl")
            subprocess.run([a.etl_gen, path, str(megabytes), "20000", "2000"] + keys.split(),
                           check=True, stdout=subprocess.DEVNULL)
            _, peak = timed.run([a.bench_etl, path, "1"])
            peaks.append(peak / 1024)
            os.unlink(path)
    return peaks


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bench_etl")
    p.add_argument("etl_gen")
    p.add_argument("--megabytes", type=int, default=200)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--folder")
    p.add_argument("--limits", action="store_true")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(dir=a.folder) as folder:
        path = os.path.join(folder, "heap.etl")
        made = subprocess.run([a.etl_gen, path, str(a.megabytes)], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()
        size = os.path.getsize(path) / 1e6
        print("trace: %.0f MB, %s" % (size, made))
        md5_wall, md5_cpu = md5sum(path, a.runs)
        one_wall, one_cpu = bench([a.bench_etl, path], a.runs, "0")
        two_wall, two_cpu = bench([a.bench_etl, path], a.runs, "0,1")
        print("md5sum: %.3f s (CPU %.3f), %.0f MB/s" % (md5_wall, md5_cpu, size / md5_cpu))
        print("one core: %.3f s (CPU %.3f), %.0f MB/s, %.2f times md5sum's speed by CPU" %
              (one_wall, one_cpu, size / one_cpu, md5_cpu / one_cpu))
        print("two threads: %.3f s (CPU %.3f), %.0f MB/s, %.2f times md5sum's speed" %
              (two_wall, two_cpu, size / two_wall, md5_wall / two_wall))
        os.unlink(path)
        peaks = memory(a, folder)
        print("memory of %d and %d MB: %.1f and %.1f MB; stacks by key: %.1f and %.1f MB" %
              (a.megabytes // 10, a.megabytes, *peaks))
        grows = max(peaks[1] / peaks[0], peaks[3] / peaks[2]) > 1.1
        if a.limits and (one_cpu > md5_cpu or grows):
            sys.exit("slower than md5sum, or memory grows with the length")
    return 0


if __name__ == "__main__":
    sys.exit(main())
