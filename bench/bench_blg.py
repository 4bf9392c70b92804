# SPDX-License-Identifier: MIT
"""Perfmon binary logs: time against md5sum of the same file, and memory for a log 10 times longer.

bench_blg.py BENCH_BLG [--processes 500] [--minutes 1440] [--style objects|counters|real]

The yardstick runs in the same run, on the same file, best of three, file in the page cache. `real`
is whole objects with the 28 counters of a real Process object instead of 12.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "src", "source", "blg"))
sys.dont_write_bytecode = True
import synth  # noqa: E402


def best(command, runs=3):
    times = []
    for _ in range(runs):
        start = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - start)
    return min(times)


def peak_kib(command):
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit("bench_blg.py: %s failed" % command[0])
    return usage.ru_maxrss


def make(path, style, processes, minutes):
    if style == "real":
        synth.real_shape()
        style = "objects"
    synth.write(path, lambda f: synth.demo(f, style, processes, minutes))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("bench")
    p.add_argument("--processes", type=int, default=500)
    p.add_argument("--minutes", type=int, default=1440)
    p.add_argument("--style", choices=["objects", "counters", "real"], default="objects")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        short, long = os.path.join(folder, "short.blg"), os.path.join(folder, "long.blg")
        make(long, a.style, a.processes, a.minutes)
        make(short, a.style, a.processes, a.minutes // 10)
        yardstick = best(["md5sum", long])
        line = subprocess.run([a.bench, long, "3"], check=True, capture_output=True, text=True)
        seconds, samples, size = line.stdout.split()
        seconds = float(seconds)
        print("%s: %s bytes, %s samples: %.3f s, md5sum %.3f s, ratio %.2f (%.1f ns a sample)" %
              (a.style, size, samples, seconds, yardstick, seconds / yardstick,
               seconds / int(samples) * 1e9))
        one, ten = peak_kib([a.bench, short, "1"]), peak_kib([a.bench, long, "1"])
        print("peak memory: %d KiB, 10 times longer: %d KiB" % (one, ten))
    return 0


if __name__ == "__main__":
    sys.exit(main())
