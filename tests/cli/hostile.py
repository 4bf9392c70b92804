#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What hostile input may cost, and what is said when the world is against seep: hostile.py SEEP."""
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

SEEP = sys.argv[1]
HEAD = '"(PDH-CSV 4.0) (UTC)(0)"'
# Sanitizers take several times the time and the memory of the program proper.
LIMIT_KB, LIMIT_S = 600 << 10, 20
failures = []


def check(good, what):
    print("ok     " if good else "FAILED ", what)
    if not good:
        failures.append(what)


def run(*args, **options):
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "timeout": 60, **options}
    return subprocess.run([SEEP, *args], stderr=subprocess.PIPE, **options)


def when(i):
    day, hour, minute = 1 + i // 86400 % 28, i // 3600 % 24, i // 60 % 60
    return f'"03/{day:02}/2026 {hour:02}:{minute:02}:{i % 60:02}.000"'


def write(name, columns, rows):
    head = HEAD + "".join(f',"{c}"' for c in columns)
    pathlib.Path(name).write_text("\n".join([head, *rows]) + "\n")


def costs():
    n = 22000
    write("slots.csv", [rf"\\H\Process(p{i})\c{i}" for i in range(n)], [when(0) + ",1" * n])
    n = 20000
    write("hosts.csv", [rf"\\h{i}\M\c" for i in range(n)], [when(0) + ",1" * n])
    head = HEAD + "".join(rf',"\\H\Process(q)\x{i}"' for i in range(16000))
    again = HEAD + r',"\\H\Process(p)\Private Bytes","\\H\Process(p)\ID Process"'
    rows = [f"{when(0)},7,{i + 4}" for i in range(16000)]
    pathlib.Path("pids.csv").write_text("\n".join([head, again, *rows]) + "\n")
    for name in ("slots.csv", "hosts.csv", "pids.csv"):
        pid = os.posix_spawn(SEEP, [SEEP, "analyze", name, "--json"], os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, "out.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
        used = os.wait4(pid, 0)[2]
        spent = used.ru_utime + used.ru_stime
        check(used.ru_maxrss < LIMIT_KB and spent < LIMIT_S,
              f"{name}: {used.ru_maxrss >> 10} MB, {spent:.1f} s")
        json.loads(pathlib.Path("out.json").read_text())


def one_line_when_full():
    for args in (["analyze", "ok.csv"], ["analyze", "ok.csv", "--json"], ["facts", "ok.csv"],
                 ["facts", "ok.csv", "--json"], ["facts", "ok.csv", "--kind", "sample"],
                 ["sources", "--json"], ["sources", "ok.csv"]):
        with open("/dev/full", "wb") as full:
            done = run(*args, stdout=full)
        check(done.returncode == 3 and done.stderr.count(b"\n") == 1,
              f"{' '.join(args)} > /dev/full: {done.stderr}")


def no_hang_on_a_pipe():
    os.mkfifo("fifo")
    for args in (["facts", "fifo"], ["report", "fifo"], ["sources", "fifo"]):
        done = run(*args, timeout=20)
        check(done.returncode == 3 and b"not a regular file" in done.stderr, " ".join(args))


def output_of_the_child():
    done = run("record", "--json", "-i", "100ms", "--", "sh", "-c", "echo from the child")
    document = json.loads(done.stdout)
    check(document["command"] == "record" and b"from the child" in done.stderr,
          "record --json -- CMD")
    done = run("record", "-i", "100ms", "--", "sh", "-c", "echo from the child")
    check(b"from the child" in done.stdout and done.stderr == b"", "record -- CMD")


def a_case_into_itself():
    run("analyze", "ok.csv", "--case", "x.seep")
    before = json.loads(run("analyze", "--case", "x.seep", "--json").stdout)
    os.link("x.seep", "y.seep")
    done = run("analyze", "y.seep", "--case", "x.seep", "--json")
    check(json.loads(done.stdout)["sources"] == before["sources"] and
          b"the case itself" in done.stderr, "analyze x --case x")


def full_disk():
    # A limit on the size of files is the full disk of whoever may not mount one.
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
    done = run("record", "-i", "20ms", "-d", "30s", "-o", "full.seep", preexec_fn=limit)
    check(done.returncode == 3 and done.stderr.count(b"\n") == 1 and
          b"read      live" in done.stdout, f"record to a full disk: {done.stderr}")
    done = run("report", "full.seep", "--json")
    check(done.returncode in (0, 1) and
          json.loads(done.stdout)["sources"][0]["facts"]["sample"] > 0,
          f"report of a recording that filled the disk: {done.stderr}")


def names_stay_names():
    for name in (b"\xc2\x9b2J.csv", b"\x9b2J.csv", b"a\x1b[2J\n.csv"):
        for args in (["facts"], ["sources"]):
            done = run(*args, name)
            check(done.returncode == 3 and done.stderr.count(b"\n") == 1 and
                  not any(x in done.stderr for x in (b"\xc2\x9b", b"\x9b", b"\x1b")),
                  f"{args[0]} {name}: {done.stderr}")
        os.link("ok.csv", name)
        for args in (["facts"], ["sources"], ["analyze"]):
            done = run(*args, name)
            check(not any(x in done.stdout for x in (b"\xc2\x9b", b"\x9b2J", b"\x1b")),
                  f"{args[0]} {name}")
        json.loads(run("analyze", name, "--json").stdout.decode("utf-8"))


def main():
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        write("ok.csv", [r"\\H\Process(a)\Private Bytes", r"\\H\Memory\Committed Bytes"],
              [f"{when(i * 10)},{100 + i},{200 + i}" for i in range(5)])
        for test in (costs, one_line_when_full, no_hang_on_a_pipe, output_of_the_child,
                     a_case_into_itself, full_disk, names_stay_names):
            test()
        os.chdir("/")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
