#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
r"""Writes PDH-CSV and PDH-TSV logs with known content, for tests, demonstrations and benchmarks.

Shares no code with the reader. A test case comes with OUT.expect, one fact a line, what a correct
reader finds in the file:

  samples N                     cells that hold a number and have a time
  first NS, last NS             time of the first and the last row, nanoseconds since 1970, UTC
  process PID IMAGE             a process with a known PID
  processes N                   so many processes in all
  unknown IMAGE                 a process whose PID the log does not tell
  metric NAME N                 samples that have this metric
  value PID METRIC NS VALUE     one sample of a process (PID) or of the machine (-)
  loss WHAT                     a loss that has to be recorded; no other kind may be
  machine HOST                  a host
  cell I HEX                    the value of the counter \\Test(I)\\V, as a hexadecimal double

  synth.py --demo OUT.csv [--hours 24] [--interval 60]
  synth.py --case NAME OUT
  synth.py --list
  synth.py --bench OUT --processes 500 --hours 48 --interval 60
"""
import argparse
import datetime
import math
import os
import random
import sys

UTC = datetime.timezone.utc
MB = 1 << 20


def ns(when):
    """Nanoseconds since 1970 of an aware datetime, exactly."""
    d = when - datetime.datetime(1970, 1, 1, tzinfo=UTC)
    return (d.days * 86400 + d.seconds) * 10**9 + d.microseconds * 1000


class Log:
    """A log as a table; values are numbers, None (blank) or text that is written as it is."""

    def __init__(self, columns, start, interval_s=60, zone="W. Europe Standard Time", bias=-60):
        self.columns = list(columns)
        self.rows = []
        self.start = start  # UTC
        self.interval = datetime.timedelta(seconds=interval_s)
        self.zone, self.bias = zone, bias
        self.kind, self.delimiter, self.eol = "CSV", ",", "\r\n"
        self.milliseconds, self.quotes, self.blank = True, True, " "
        self.encoding = "ascii"
        self.before, self.after = "", ""

    def add(self, values, when=None):
        self.rows.append((when or self.start + len(self.rows) * self.interval, list(values)))

    def cell(self, text):
        return '"' + text.replace('"', '""') + '"' if self.quotes else text

    def number(self, value):
        if value is None:
            return self.blank
        if isinstance(value, str):
            return value
        if isinstance(value, int):
            return str(value)
        return "%.17g" % value

    def header(self):
        first = "(PDH-%s 4.0)" % self.kind
        if self.zone is not None:
            first += " (%s)(%d)" % (self.zone, self.bias)
        return self.delimiter.join(self.cell(c) for c in [first] + self.columns)

    def stamp(self, when):
        local = when - datetime.timedelta(minutes=self.bias)
        text = local.strftime("%m/%d/%Y %H:%M:%S")
        return text + ".%03d" % (local.microsecond // 1000) if self.milliseconds else text

    def lines(self):
        yield self.header()
        for when, values in self.rows:
            yield self.delimiter.join([self.cell(self.stamp(when))] +
                                      [self.cell(self.number(v)) for v in values])

    def text(self):
        return self.before + self.eol.join(self.lines()) + self.eol + self.after

    def data(self):
        return self.text().encode(self.encoding)


class Expect:
    def __init__(self):
        self.facts = []

    def __call__(self, *words):
        self.facts.append(" ".join(str(w) for w in words))
        return self

    def rows(self, log):
        self("samples", sum(1 for _, v in log.rows for x in v if isinstance(x, (int, float))))
        times = [ns(w) for w, _ in log.rows]
        return self("first", times[0])("last", times[-1])


# --- the demonstration: one day of a server, with four processes that each behave in one way ---

PROCESS_COUNTERS = ["ID Process", "Creating Process ID", "Elapsed Time", "Private Bytes",
                    "Virtual Bytes", "Working Set", "Working Set - Private", "Page File Bytes",
                    "Pool Paged Bytes", "Pool Nonpaged Bytes", "Handle Count", "Thread Count",
                    "% Processor Time"]
MEMORY_COUNTERS = ["Committed Bytes", "Commit Limit", "Available MBytes", "Pool Paged Bytes",
                   "Pool Nonpaged Bytes", "Cache Bytes", "Free System Page Table Entries",
                   "Modified Page List Bytes", "% Committed Bytes In Use", "Pages/sec"]

# name, pid, parent, base private MB, handles, threads, age in seconds at the first row, behaviour
DEMO = [
    ("Idle", 0, 0, 0, 0, 4, 900000, "steady"),
    ("System", 4, 0, 0.2, 2900, 180, 900000, "steady"),
    ("Registry", 108, 4, 9, 0, 4, 900001, "steady"),
    ("smss", 392, 4, 1, 53, 2, 899990, "steady"),
    ("csrss", 512, 500, 2, 610, 12, 899980, "steady"),
    ("csrss#1", 596, 580, 2, 280, 11, 899979, "steady"),
    ("services", 668, 588, 6, 710, 9, 899975, "steady"),
    ("lsass", 688, 588, 12, 1500, 14, 899970, "steady"),
    ("svchost", 812, 668, 14, 1100, 22, 899960, "daily"),
    ("svchost#1", 860, 668, 9, 900, 11, 899958, "steady"),
    ("svchost#2", 1004, 668, 31, 1400, 40, 899950, "daily"),
    ("OrderService", 4312, 668, 180, 820, 36, 86000, "private-leak"),
    ("ReportAgent", 5128, 668, 60, 400, 18, 85990, "handle-leak"),
    ("w3wp", 6040, 812, 220, 1900, 48, 85900, "sawtooth"),
    ("CacheNode", 7216, 668, 90, 600, 24, 30, "warm-up"),
]


def demo_process(row, minute, rng):
    """Private bytes, handles and threads of one demonstration process at one minute."""
    _, _, _, base, handles, threads, _, how = row
    private = base * MB
    jitter = rng.randrange(-8, 9) * 4096 * (1 if base > 5 else 0)
    if how == "private-leak":  # 4 MB an hour, in steps as its heap grows by segments
        private += (4 * MB * minute // 60) // 65536 * 65536
        handles += rng.randrange(0, 9)
    elif how == "handle-leak":  # 90 handles an hour; each costs a little pool
        handles += 90 * minute // 60
    elif how == "sawtooth":  # a garbage collector: a flat floor under a tooth of 37 minutes
        private += int((minute % 37) / 37 * 160 * MB)
    elif how == "warm-up":  # fills its cache in two hours, then stays
        private += int(700 * MB * (1 - math.exp(-minute / 25))) if minute < 180 else 700 * MB
    elif how == "daily":
        private += int(base * MB * 0.25 * (1 + math.sin((minute - 480) / 1440 * 2 * math.pi)))
        handles += int(40 * (1 + math.sin((minute - 480) / 1440 * 2 * math.pi)))
    private = max(0, (int(private) + jitter) // 4096 * 4096)
    return private, handles, threads + rng.randrange(0, 2)


def demo(hours, interval_s):
    step = max(1, interval_s // 60)
    host = "\\\\SRV01"
    columns = [host + "\\Memory\\" + c for c in MEMORY_COUNTERS]
    columns.append(host + "\\Paging File(_Total)\\% Usage")
    for row in DEMO + [("_Total",)]:
        columns += [host + "\\Process(%s)\\%s" % (row[0], c) for c in PROCESS_COUNTERS]
    log = Log(columns, datetime.datetime(2026, 3, 1, 23, 0, 0, 125000, tzinfo=UTC),
              interval_s=60 * step)
    rng = random.Random(20260301)
    limit = 12 * 1024 * MB
    for minute in range(0, int(hours * 60), step):
        cells, total = [], [0] * len(PROCESS_COUNTERS)
        for row in DEMO:
            private, handles, threads = demo_process(row, minute, rng)
            paged, nonpaged = 9000 + handles * 220, 4000 + handles * 130
            working = private * 3 // 4 // 4096 * 4096
            cpu = None if minute == 0 else rng.random() * 3
            values = [row[1], row[2], row[6] + minute * 60 + 0.125, private,
                      private + 2_100_000_000, working + 5 * MB, working, private, paged,
                      nonpaged, handles, threads, cpu]
            cells += values
            total = [a + (b or 0) for a, b in zip(total, values)]
        total[0] = total[1] = 0
        if minute == 0:
            total[-1] = None
        kernel = 310 * MB
        paged, nonpaged = total[8] + 120 * MB, total[9] + 140 * MB
        committed = total[3] + paged + nonpaged + kernel
        available = 8192 - (total[5] + paged + nonpaged + kernel) // MB
        memory = [committed, limit, available, paged, nonpaged, 95 * MB, 16_300_000, 21 * MB,
                  committed / limit * 100, None if minute == 0 else rng.random() * 40]
        log.add(memory + [committed / limit * 20] + cells + total)
    return log


# --- test cases ---

CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


START = datetime.datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)


def small(host="SRV01", rows=5, counters=("ID Process", "Private Bytes", "Handle Count"),
          names=("app", "svc"), pids=(1200, 1300), objects=("Process", "Memory"),
          memory=("Committed Bytes",), **keys):
    """Two processes and the machine's commit; row r holds known values."""
    h = "\\\\" + host
    columns = [h + "\\%s\\%s" % (objects[1], c) for c in memory]
    columns += [h + "\\%s(%s)\\%s" % (objects[0], n, c) for n in names for c in counters]
    log = Log(columns, START, **keys)
    for r in range(rows):
        values = [4_000_000_000 + r * 4096] * len(memory)
        for p in pids:
            values += [p, 50_000_000 + p * 1000 + r * 8192, 200 + r][:len(counters)]
        log.add(values)
    return log


def expect_small(log, rows=5, host="SRV01"):
    e = Expect().rows(log)
    e("machine", host)("process", 1200, "app.exe")("process", 1300, "svc.exe")
    e("metric", "private_bytes", 2 * rows)("metric", "handles", 2 * rows)
    e("metric", "commit_bytes", rows)
    last = ns(log.rows[-1][0])
    e("value", 1200, "private_bytes", last, 50_000_000 + 1_200_000 + (rows - 1) * 8192)
    e("value", 1300, "handles", last, 200 + rows - 1)
    e("value", "-", "commit_bytes", last, 4_000_000_000 + (rows - 1) * 4096)
    return e


@case
def logman():
    log = small()
    return log.data(), expect_small(log)


@case
def relog():
    log = small(zone="Pacific Daylight Time", bias=420)
    log.eol = "\n"
    return log.data(), expect_small(log)


@case
def typeperf():
    log = small(zone=None, bias=0)
    log.before, log.after = "\r\n", ("\r\nExiting, please wait...                         \r\n"
                                     "The command completed successfully.\r\n\r\n")
    return log.data(), expect_small(log)("loss", "time-zone-unknown")


@case
def tsv():
    log = small()
    log.kind, log.delimiter = "TSV", "\t"
    return log.data(), expect_small(log)


@case
def tsv_unquoted():
    log = small()
    log.kind, log.delimiter, log.quotes = "TSV", "\t", False
    return log.data(), expect_small(log)


@case
def esxtop():
    h = "\\\\esx1.example.org"
    log = Log([h + "\\Memory\\Memory Overcommit (1 Minute Avg)",
               h + "\\Physical Cpu Load\\Cpu Load (1 Minute Avg)",
               h + "\\Group Cpu(1:idle)\\Members",
               h + "\\Vcpu(1234:web(prod):5678:vmx-vcpu-0:web(prod))\\% Used",
               h + "\\Memory\\Machine MBytes"],
              START.replace(microsecond=0), 10, "UTC", 0)
    log.milliseconds, log.eol = False, "\n"
    for r in range(6):
        log.add(["0.00", "0.%02d" % (40 + r), 8, "%.2f" % (r * 1.5), 131037])
    e = Expect()("samples", 30)("first", ns(log.rows[0][0]))("last", ns(log.rows[-1][0]))
    return log.data(), e("machine", "esx1.example.org")


@case
def sar():
    log = small(zone="UTC", bias=0, counters=("Private Bytes",), names=(), pids=())
    log.start = START.replace(microsecond=0)
    log.rows = [(w.replace(microsecond=0), v) for w, v in log.rows]
    log.milliseconds, log.eol = False, "\n"
    return log.data(), Expect().rows(log)("machine", "SRV01")("metric", "commit_bytes", 5)


@case
def german():
    log = small(counters=("Prozesskennung", "Private Bytes", "Handleanzahl"),
                objects=("Prozess", "Arbeitsspeicher"), memory=("Zugesicherte Bytes",),
                zone="Mitteleuropäische Zeit")
    log.encoding = "cp1252"
    return log.data(), expect_small(log)


@case
def german_names():
    """Only a name with an umlaut tells the code page."""
    log = small(counters=("Prozesskennung", "Private Bytes", "Handleanzahl"),
                objects=("Prozess", "Arbeitsspeicher"),
                memory=("Zugesicherte Bytes", "Verfügbare MB"), host="MÜNCHEN01")
    log.encoding = "cp1252"
    for _, v in log.rows:
        v[1] = 2048
    e = expect_small(log, host="MÜNCHEN01")("metric", "available_bytes", 5)
    e("loss", "code-page-guessed")
    return log.data(), e("value", "-", "available_bytes", ns(log.rows[-1][0]), 2048 * MB)


@case
def german_console():
    """typeperf redirected: the console's code page."""
    log = small(counters=("Prozesskennung", "Private Bytes", "Handleanzahl"),
                objects=("Prozess", "Arbeitsspeicher"),
                memory=("Zugesicherte Bytes", "Verfügbare MB"), zone=None, bias=0)
    log.encoding, log.before = "cp850", "\r\n"
    for _, v in log.rows:
        v[1] = 2048
    e = expect_small(log)("metric", "available_bytes", 5)
    return log.data(), e("loss", "time-zone-unknown")("loss", "code-page-guessed")


@case
def russian():
    log = small(counters=("Идентификатор процесса", "Байт исключительного пользования",
                          "Счетчик дескрипторов"),
                objects=("Процесс", "Память"), memory=("Доступно МБ",))
    log.encoding = "cp1251"
    # As real logs of Russian systems have it: the zone's name and the bias are cut off.
    data = log.data().replace(b"(W. Europe Standard Time)(-60)", b"(RTZ 2 (")
    e = expect_small(log)
    e.facts = [f for f in e.facts if "commit_bytes" not in f and not f.startswith("value")
               and not f.startswith(("first", "last"))]
    first, last = (ns(log.rows[i][0]) + 3600 * 10**9 for i in (0, -1))
    e("first", first)("last", last)("metric", "available_bytes", 5)("loss", "time-zone-unknown")
    e("loss", "code-page-guessed")
    return data, e("value", 1300, "handles", last, 204)


@case
def japanese():
    log = small(zone="東京 (標準時)", bias=-540)
    log.encoding = "cp932"
    return log.data(), expect_small(log)


@case
def japanese_instance():
    """A double-byte instance name: it cannot be decoded, so it is escaped, and said so."""
    log = small(names=("日報", "svc"))
    log.encoding = "cp932"
    e = expect_small(log)("loss", "text-escaped")
    e.facts = [f for f in e.facts if "app.exe" not in f]
    return log.data(), e


@case
def utf16():
    log = small()
    data = b"\xff\xfe" + log.text().encode("utf-16-le")
    return data, expect_small(log)


@case
def utf16be():
    log = small()
    return b"\xfe\xff" + log.text().encode("utf-16-be"), expect_small(log)


@case
def utf8_bom():
    log = small()
    return b"\xef\xbb\xbf" + log.text().encode("utf-8"), expect_small(log)


@case
def blanks():
    log = small()
    log.rows[0][1][2] = None
    log.rows[1][1][3] = None
    log.blank = " "
    e = Expect().rows(log)("machine", "SRV01")
    e("process", 1200, "app.exe")("process", 1300, "svc.exe")
    return log.data(), e("metric", "private_bytes", 9)("metric", "handles", 9)


@case
def renumber():
    """svc#1 becomes svc when the first svc exits: the column svc goes on with svc#1's PID."""
    h = "\\\\SRV01"
    cols = [h + "\\Process(%s)\\%s" % (n, c) for n in ("svc", "svc#1")
            for c in ("ID Process", "Private Bytes")]
    log = Log(cols, START)
    for r in range(4):
        log.add([1000, 10 * MB + r, 2000, 90 * MB + r])
    for r in range(4, 8):
        log.add([2000, 90 * MB + r, None, None])
    e = Expect().rows(log)("machine", "SRV01")
    e("process", 1000, "svc.exe")("process", 2000, "svc.exe")("metric", "private_bytes", 12)
    last = ns(log.rows[-1][0])
    e("value", 1000, "private_bytes", ns(log.rows[3][0]), 10 * MB + 3)
    return log.data(), e("value", 2000, "private_bytes", last, 90 * MB + 7)


@case
def no_pid():
    log = small(counters=("Private Bytes",), names=("app", "svc", "svc#1"), pids=(1, 2, 3))
    for _, v in log.rows:
        v[1:] = [50_000_000, 60_000_000, 70_000_000]
    e = Expect()("machine", "SRV01")("unknown", "app.exe")("unknown", "svc.exe")
    e("samples", 20)("first", ns(log.rows[0][0]))("last", ns(log.rows[-1][0]))
    e("unknown", "svc.exe#1")("processes", 3)
    return log.data(), e("metric", "private_bytes", 15)("loss", "identity-unknown")


@case
def process_v2():
    log = small(counters=("Private Bytes",), names=("app:1200", "my:app:1300"),
                objects=("Process V2", "Memory"))
    for _, v in log.rows:
        v[1:] = [50_000_000, 60_000_000]
    e = Expect().rows(log)("machine", "SRV01")("process", 1200, "app.exe")
    return log.data(), e("process", 1300, "my:app.exe")("metric", "private_bytes", 10)


@case
def pid_reuse():
    """The same PID and name, but the elapsed time starts again: two processes."""
    h = "\\\\SRV01"
    log = Log([h + "\\Process(app)\\" + c for c in ("ID Process", "Elapsed Time", "Private Bytes")],
              START)
    for r in range(4):
        log.add([1200, 5000.5 + r * 60, 80 * MB + r])
    for r in range(4):
        log.add([1200, 10.25 + r * 60, 5 * MB + r])
    e = Expect().rows(log)("machine", "SRV01")("process", 1200, "app.exe")("processes", 2)
    return log.data(), e("metric", "private_bytes", 8)


@case
def hosts():
    a, b = small(host="SRV01"), small(host="SRV02")
    log = Log(a.columns + b.columns, START)
    for (when, x), (_, y) in zip(a.rows, b.rows):
        log.add(x + y, when)
    e = Expect().rows(log)("machine", "SRV01")("machine", "SRV02")("processes", 4)
    return log.data(), e("metric", "private_bytes", 20)("metric", "commit_bytes", 10)


@case
def specials():
    """_Total and Idle are no processes; pseudo processes and odd extensions keep their names."""
    names = ("_Total", "Idle", "System", "Registry", "Memory Compression", "setup.tmp",
             "saver.scr", "a(b)/c\\d", "x#y", "dot.net.app")
    log = small(counters=("ID Process", "Private Bytes"), names=names,
                pids=(0, 0, 4, 100, 2000, 3000, 3100, 3200, 3300, 3400))
    e = Expect().rows(log)("machine", "SRV01")
    for pid, image in ((4, "System"), (100, "Registry"), (2000, "Memory Compression"),
                       (3000, "setup.tmp"), (3100, "saver.scr"),
                       (3200, "a(b)/c\\d.exe"), (3300, "x#y.exe"), (3400, "dot.net.app.exe")):
        e("process", pid, image)
    return log.data(), e("processes", 8)("metric", "private_bytes", 40)


@case
def quotes():
    log = small(names=('ap"p', "svc"))
    e = expect_small(log)
    e.facts = [f.replace("app.exe", 'ap"p.exe') for f in e.facts]
    return log.data(), e


@case
def units():
    h = "\\\\SRV01"
    log = Log([h + "\\Memory\\Available KBytes", h + "\\Paging File(_Total)\\% Usage",
               h + "\\Paging File(\\??\\C:\\pagefile.sys)\\% Usage",
               h + "\\Memory\\Commit Limit"], START)
    for r in range(3):
        log.add([1000 + r, 12.5, 12.5, 8_000_000_000])
    e = Expect().rows(log)("machine", "SRV01")("metric", "available_bytes", 3)
    e("metric", "pagefile_usage_ratio", 3)("metric", "commit_limit_bytes", 3)
    last = ns(log.rows[-1][0])
    e("value", "-", "available_bytes", last, 1002 * 1024)
    return log.data(), e("value", "-", "pagefile_usage_ratio", last, 0.125)


@case
def no_final_newline():
    log = small()
    return log.data()[:-2], expect_small(log)


@case
def truncated():
    """The file ends inside the last cell: that cell is not believed, the rest is."""
    log = small()
    data = log.data()[:-4]
    e = Expect()("samples", 5 * 7 - 1)("loss", "truncated")("machine", "SRV01")
    return data, e("process", 1200, "app.exe")("process", 1300, "svc.exe")


@case
def nul_bytes():
    """A power cut: the end of the file is zeros."""
    log = small()
    return log.data() + bytes(4096), expect_small(log)("loss", "zero-bytes")


@case
def long_line():
    """One row of garbage, longer than any row may be."""
    log = small()
    lines = log.text().split("\r\n")
    lines.insert(3, '"03/01/2026 13:01:30.000","' + "9" * 300000 + '"')
    e = expect_small(log)
    return "\r\n".join(lines).encode(), e("loss", "bad-cell")("loss", "wrong-columns")


@case
def wrong_columns():
    """One row with a cell too few, one with two too many."""
    log = small()
    lines = log.text().split("\r\n")
    lines[2] = lines[2].rsplit(",", 1)[0]
    lines[3] = lines[3] + ',"1","2"'
    e = Expect()("samples", 5 * 7 - 1)("loss", "wrong-columns")("machine", "SRV01")
    e("process", 1200, "app.exe")("process", 1300, "svc.exe")("metric", "handles", 9)
    return "\r\n".join(lines).encode(), e


@case
def clock_back():
    """Daylight saving ends: local time jumps back an hour, as the header's bias stays."""
    log = small(rows=8)
    back = datetime.timedelta(hours=1)
    log.rows = [(w - back if i >= 5 else w, v) for i, (w, v) in enumerate(log.rows)]
    e = Expect().rows(log)("machine", "SRV01")("loss", "clock-jump")
    return log.data(), e("process", 1200, "app.exe")("process", 1300, "svc.exe")


@case
def clock_forward():
    log = small(rows=8)
    jump = datetime.timedelta(hours=1)
    log.rows = [(w + jump if i >= 5 else w, v) for i, (w, v) in enumerate(log.rows)]
    e = Expect().rows(log)("machine", "SRV01")("loss", "clock-jump")
    return log.data(), e("process", 1200, "app.exe")("process", 1300, "svc.exe")


@case
def bad_cells():
    log = small()
    log.rows[1][1][2] = "n/a"
    log.rows[2][1][2] = "-1.#IND"
    log.rows[3][1][2] = "1e999"
    e = Expect()("samples", 5 * 7 - 3)("loss", "bad-cell")("machine", "SRV01")
    return log.data(), e("process", 1200, "app.exe")("process", 1300, "svc.exe")


@case
def bad_times():
    log = small()
    lines = log.text().split("\r\n")
    lines[2] = lines[2].replace("03/01/2026", "13/45/2026")
    e = Expect()("samples", 4 * 7)("loss", "bad-record")("machine", "SRV01")
    return "\r\n".join(lines).encode(), e("process", 1200, "app.exe")("process", 1300, "svc.exe")


@case
def spreadsheet():
    """Saved again by a spreadsheet: no quotes, short times, a semicolon."""
    log = small()
    log.start = START.replace(second=0, microsecond=0)
    log.rows = [(w.replace(second=0, microsecond=0), v) for w, v in log.rows]
    log.quotes, log.delimiter = False, ";"
    data = log.text().replace("03/01/2026", "3/1/2026").replace(":00.000", "")
    return data.encode(), expect_small(log)


@case
def header_only():
    log = small(rows=0)
    return log.data(), Expect()("samples", 0)("machine", "SRV01")


@case
def appended():
    """Two logs in one file, the second with other columns."""
    a, b = small(rows=3), small(rows=2, names=("new",), pids=(1400,))
    b.rows = [(w + datetime.timedelta(minutes=10), v) for w, v in b.rows]
    e = Expect()("samples", 3 * 7 + 2 * 4)("machine", "SRV01")("processes", 3)
    return a.data() + b.data(), e("process", 1400, "new.exe")("metric", "commit_bytes", 5)


@case
def duplicate_column():
    log = small()
    log.columns.append(log.columns[2])
    log.rows = [(w, v + [1]) for w, v in log.rows]
    e = expect_small(log)("loss", "duplicate-column")
    e.facts[0] = "samples 35"
    return log.data(), e


@case
def finer_counter():
    """The same amount by several counters: one of them carries the metric, all are kept."""
    h = "\\\\SRV01"
    log = Log([h + "\\Memory\\Available MBytes", h + "\\Memory\\Available Bytes",
               h + "\\Process(app)\\Page File Bytes", h + "\\Process(app)\\Private Bytes",
               h + "\\Process(app)\\ID Process"], START)
    for r in range(3):
        log.add([100, 100 * MB + r, 7 * MB, 8 * MB + r, 1200])
    e = Expect().rows(log)("machine", "SRV01")("metric", "available_bytes", 3)
    last = ns(log.rows[-1][0])
    e("value", "-", "available_bytes", last, 100 * MB + 2)("metric", "private_bytes", 3)
    return log.data(), e("value", 1200, "private_bytes", last, 8 * MB + 2)


@case
def text_between():
    log = small()
    lines = log.text().split("\r\n")
    lines.insert(3, "Error: something else was written here")
    return "\r\n".join(lines).encode(), expect_small(log)("loss", "bad-record")


@case
def precise():
    """Values that only an exactly rounded conversion gives."""
    texts = ["88.359340674585567", "9007199254740993", "0.1", "1.7976931348623157e308",
             "4.9e-324", "2.2250738585072011e-308", "123456789012345678901234567890",
             "7.0625001143654654", "1e23", "8.5e-5", "-3.5", "+2", "0.00000000000000000001"]
    log = Log(["\\\\SRV01\\Test(%d)\\V" % i for i in range(len(texts))], START)
    log.add(texts)
    e = Expect()("samples", len(texts))("machine", "SRV01")
    for i, t in enumerate(texts):
        e("cell", i, float(t).hex())
    return log.data(), e


def bench(out, processes, hours, interval):
    """A big log, written row by row; values drift so that no two rows are equal."""
    counters = PROCESS_COUNTERS[:10]
    host = "\\\\SRV01"
    columns = [host + "\\Process(p%04d)\\%s" % (i, c) for i in range(processes) for c in counters]
    columns += [host + "\\Memory\\" + c for c in MEMORY_COUNTERS]
    log = Log(columns, START, interval)
    rng = random.Random(7)
    cells = [[str(1000 + 4 * i), "668", "", "", "", "", "", "", "", ""] for i in range(processes)]
    size = [rng.randrange(1 << 20, 1 << 29) for _ in range(processes)]
    with open(out, "wb") as f:
        f.write(log.header().encode() + b"\r\n")
        for r in range(int(hours * 3600 // interval)):
            parts = ['"%s"' % log.stamp(START + r * log.interval)]
            for i, c in enumerate(cells):
                p = size[i] = max(4096, size[i] + rng.randrange(-16, 17) * 4096)
                parts.append('"%s","%s","%.14f","%d","%d","%d","%d","%d","%d","%d"' % (
                    c[0], c[1], 5000.123 + i + r * interval + (i * 37 % 1000) / 997, p,
                    2 * p + (1 << 31), p * 3 // 4, p // 2, p, 9000 + i * 8 + r, 4000 + i * 4 + r))
            parts.append('"%d","%d","%d","%d","%d","%d","%d","%d","%.17g","%.17g"' % (
                4_000_000_000 + r * 4096, 12 << 30, 4096, 1 << 27, 1 << 26, 1 << 25, 16_300_000,
                1 << 24, 31.25 + r / 7, r / 3))
            f.write((",".join(parts) + "\r\n").encode())


def write_case(name, path):
    data, expect = CASES[name]()
    with open(path, "wb") as f:
        f.write(data)
    with open(path + ".expect", "w", encoding="utf-8") as f:
        f.write("\n".join(expect.facts) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", metavar="OUT")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--case", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--all", metavar="DIR", help="every case, into DIR; then OUT is touched")
    parser.add_argument("--seeds", metavar="DIR", help="the small cases, without .expect")
    parser.add_argument("--tsv", action="store_true", help="with --seeds: only the TSV cases")
    parser.add_argument("--bench", metavar="OUT")
    parser.add_argument("--processes", type=int, default=500)
    parser.add_argument("--interval", type=int, default=60)
    parser.add_argument("out", nargs="?")
    a = parser.parse_args()
    if a.list:
        print("\n".join(CASES))
    elif a.demo:
        with open(a.demo, "wb") as f:
            f.write(demo(a.hours, a.interval).data())
    elif a.bench:
        bench(a.bench, a.processes, a.hours, a.interval)
    elif a.all and a.out:
        os.makedirs(a.all, exist_ok=True)
        for name in CASES:
            write_case(name, os.path.join(a.all, name))
        open(a.out, "w").close()
    elif a.seeds:
        os.makedirs(a.seeds, exist_ok=True)
        for name, make in CASES.items():
            data = make()[0]
            if len(data) < 4000 and name.startswith("tsv") == a.tsv:
                with open(os.path.join(a.seeds, name), "wb") as f:
                    f.write(data)
    elif a.case and a.out and a.case in CASES:
        write_case(a.case, a.out)
    else:
        parser.error("one of --demo OUT, --case NAME OUT, --list, --bench OUT")
    return 0


if __name__ == "__main__":
    sys.exit(main())
