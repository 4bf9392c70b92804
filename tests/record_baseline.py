#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""seep record beside a known-good run: record_baseline.py SEEP

A program takes memory at an even rate for its first ten seconds and then rests. While it takes, it
looks as a leak does; beside a recording that shows how it rests, it does not. One that goes on
for longer does.
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = """
import sys, time
kept, start, until, end = [], time.monotonic(), float(sys.argv[1]), float(sys.argv[2])
gone = 0
while gone < end:
    gone = time.monotonic() - start
    if gone < until:
        kept.append(b"x" * 262144)
        time.sleep(max(0.05 * len(kept) - gone, 0.001))
    else:
        time.sleep(0.05)
"""


def record(seep, seconds, *options, takes_for=10):
    # It ends by itself: seep lets the program run when the recording is over.
    command = [seep, "record", "-i", "500ms", "-d", f"{seconds}s", "--json", "--all", *options,
               "--", sys.executable, "-c", PROGRAM, str(takes_for), str(seconds + 1)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=seconds + 60, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{command}\nended with {done.returncode}: {done.stderr}")
    return done.returncode, json.loads(done.stdout), done.stderr


def expect(what, condition, shown):
    if not condition:
        sys.exit(f"not as expected: {what}: {shown}")


def private_bytes(document):
    return next(f for f in document["findings"]
                if f["metric"] == "private_bytes" and f["subject"]["kind"] == "process")


def main():
    seep = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        good = os.path.join(folder, "good.seep")
        # Each recording watches its own program: two at a time, most of it is waiting.
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            alone = pool.submit(record, seep, 10, "--until-leaking")
            record(seep, 24, "-o", good)
            status, document, told = alone.result()
            expect("alone it is told to leak", status == 1 and "LEAKING" in told, (status, told))

            beside = pool.submit(record, seep, 10, "--until-leaking", "--baseline", good)
            goes_on = record(seep, 25, "--until-leaking", "--baseline", good, takes_for=60)
            status, document, told = beside.result()
        finding = private_bytes(document)
        expect("beside the run it does not leak", status == 0, (status, document["findings"]))
        expect("nothing is told on the way", "LEAKING" not in told, told)
        expect("the document names the run", document["baseline"][0]["path"] == good, document)
        expect("the run explains it", finding["baseline"]["explained"] > 0.7, finding)
        expect("one is expected", document["findings_expected"] >= 1, document)

        status, document, told = goes_on
        finding = private_bytes(document)
        expect("who goes on leaks", status == 1 and "LEAKING" in told, (status, told, finding))
        observed = document["observed"]
        expect("it stopped there", observed["end"] > observed["start"], observed)

        # Told at once, and nothing is recorded.
        missing = os.path.join(folder, "missing.seep")
        done = subprocess.run([seep, "record", "-d", "1h", "--baseline", missing], timeout=30,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        expect("a run that is not there", done.returncode == 3 and missing in done.stderr
               and not done.stdout, (done.returncode, done.stderr))
    print("a recording was judged beside another")
    return 0


if __name__ == "__main__":
    sys.exit(main())
