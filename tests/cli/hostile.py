#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What hostile input may cost, and what is said when the world is against seep: hostile.py SEEP."""
import json
import os
import pathlib
import resource
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "src/source/etl"))
from synth_format import FLAG_COMPRESSED, HEADER, START, Trace, system_record  # noqa: E402

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


class Events(Trace):
    def put(self, t, hook, pid, form, *values, version=2, tail=b""):
        self.record(0, t, system_record(hook, version, pid, 8, self.clock(t),
                                        struct.pack(form, *values) + tail))

    def heap_alloc(self, t, heap, address):
        self.put(t, 0x1021, 100, "<QQQ", heap, 16, address)


def unmix(y):
    """The address that the hash of live blocks, without a seed, gives `y` for."""
    inverse = pow(0xD6E8FEB86659FD93, -1, 1 << 64)
    for _ in range(2):
        y = (y ^ y >> 32) * inverse % (1 << 64)
    return y ^ y >> 32


def traces():
    """name -> trace whose events each cost much: the space, the list, the buffer they ask for."""
    heaps, processes, flood, ends = (Events(n_cpus=1) for _ in range(4))
    for i in range(100000):
        heaps.heap_alloc(0, 0x10000 + i * 16, 0x1000)
        processes.put(0, 0x0262, 4, "<QQII", 0x10000, 0x1000, 1000 + i, 0x1000)
    for i in range(200000):
        flood.heap_alloc(0, 0x10000, unmix(i << 24 | 5))
    for i in range(60000):
        ends.heap_alloc(i, 0x10000 + i * 16, 0x1000)
    for i in range(60000):
        ends.put(60000 + i, 0x0302, 100, "<QIIIII", 1, 100, 4, 0, 0, 0, version=1, tail=b"a\0")
    kernel = 0xffff800000000000  # a half of 1,024 frames there under 40,000 halves of one
    deep = Events(n_cpus=1)
    for i in range(40000):
        deep.heap_alloc(i * 1000, 0x10000, 0x1000 + 16 * i)
        deep.put(i * 1000 + 1, 0x1825, 100, "<QIIQ", deep.clock(i * 1000), 100, 8, kernel)
        deep.put(i * 1000 + 2, 0x1820, 100, "<QIIQ", deep.clock(i * 1000), 100, 8, 0x400000 + i)
    deep.put(40000000, 0x1824, 0, "<1025Q", kernel, *range(kernel, kernel + 1024))
    bomb = Events(n_cpus=1, compressed=True)
    bomb.heap_alloc(0, 1, 1)
    promised = 16 << 20  # one record, then zeros: 24 literals and a match
    packed = struct.pack("<I", 0xff) + system_record(0x1021, 2, 4, 8, bomb.clock(0), b"") + \
        struct.pack("<HBBHI", 7, 15, 255, 0, promised)
    buffer = struct.pack("<IIIIQQQIIIHH", HEADER + len(packed), promised, promised, 0, START, 2, 0,
                         0, 0, promised, FLAG_COMPRESSED, 0).ljust(HEADER, b"\0") + packed
    return {"heaps.etl": heaps.to_bytes(), "processes.etl": processes.to_bytes(),
            "flood.etl": flood.to_bytes(), "ends.etl": ends.to_bytes(),
            "deep.etl": deep.to_bytes(), "bomb.etl": bomb.to_bytes() + buffer * 30000}


def costs():
    n = 22000
    write("slots.csv", [rf"\\H\Process(p{i})\c{i}" for i in range(n)], [when(0) + ",1" * n])
    n = 20000
    write("hosts.csv", [rf"\\h{i}\M\c" for i in range(n)], [when(0) + ",1" * n])
    head = HEAD + "".join(rf',"\\H\Process(q)\x{i}"' for i in range(16000))
    again = HEAD + r',"\\H\Process(p)\Private Bytes","\\H\Process(p)\ID Process"'
    rows = [f"{when(0)},7,{i + 4}" for i in range(16000)]
    pathlib.Path("pids.csv").write_text("\n".join([head, again, *rows]) + "\n")
    for name, data in traces().items():
        pathlib.Path(name).write_bytes(data)
    for name in ("slots.csv", "hosts.csv", "pids.csv", "heaps.etl", "processes.etl", "flood.etl",
                 "ends.etl", "bomb.etl", "deep.etl"):
        args = ["stacks", name] if name == "deep.etl" else ["analyze", name, "--json"]
        pid = os.posix_spawn(SEEP, [SEEP, *args], os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, "out.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
        used = os.wait4(pid, 0)[2]
        spent = used.ru_utime + used.ru_stime
        check(used.ru_maxrss < LIMIT_KB and spent < LIMIT_S,
              f"{name}: {used.ru_maxrss >> 10} MB, {spent:.1f} s")
        if "--json" in args:
            json.loads(pathlib.Path("out.json").read_text())


def one_name_of_many():
    # 60,000 modules whose PDB is the same 4 KB of the file, under as many names.
    n, name = 60000, b"x" * 4200
    modules = 32 + 12 + 4
    record = modules + 108 * n
    entries = b"".join(struct.pack("<QIIII", 0x10000 * (i + 1), 0x1000, 0, 0, 0) + bytes(52) +
                       struct.pack("<II", 24 + len(name) - i % 4000, record) + bytes(24)
                       for i in range(n))
    pathlib.Path("name.dmp").write_bytes(
        struct.pack("<4sIIIIIQ", b"MDMP", 0xa793, 1, 32, 0, 0, 2) +
        struct.pack("<III", 4, 4 + 108 * n, 44) + struct.pack("<I", n) + entries + b"RSDS" +
        bytes(range(20)) + name)
    done = run("facts", "name.dmp", "--json", "--kind", "module")
    size = os.stat("name.dmp").st_size
    check(len(done.stdout) < 10 * size and done.returncode == 3 and
          b"more names than it has room" in done.stdout + done.stderr,
          f"name.dmp: {size >> 20} MB give {len(done.stdout) >> 20} MB, exit {done.returncode}")


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
        for test in (costs, one_name_of_many, one_line_when_full, no_hang_on_a_pipe,
                     output_of_the_child, a_case_into_itself, full_disk, names_stay_names):
            test()
        os.chdir("/")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
