#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write Perfmon .blg files for tests: a demo of a leaking server, and one file per test case.

    synth.py --demo OUT.blg [--style objects|counters|single] [--processes N] [--minutes M]
                            [--interval SECONDS] [--truth OUT.json]
    synth.py --case NAME OUT.blg       synth.py --all FOLDER       synth.py --list
    synth.py --seeds FOLDER

Shares no code with the reader. The layouts are those of note.md. Every number is a function of the
arguments, so a test can state what it expects; --truth writes the raw series beside the log.
"""
import argparse
import json
import os
import struct
import sys

from synth_format import *  # noqa: F403 the layouts and their constants


class Process:
    def __init__(self, name, pid, began, private=20 << 20, handles=200, threads=8, leak=0,
                 handle_leak=0, parent=4):
        self.name, self.pid, self.began, self.private = name, pid, began, private
        self.handles, self.threads, self.parent = handles, threads, parent
        self.leak, self.handle_leak = leak, handle_leak

    def values(self, sample, seconds, t):
        """In the order of PROCESS_COUNTERS."""
        private = self.private + int(self.leak * seconds) + 4096 * ((sample * 7 + self.pid) % 13)
        handles = self.handles + int(self.handle_leak * seconds) + (sample * 3 + self.pid) % 5
        cpu = int(seconds * TICKS * ((self.pid % 7) + 1) / 100)
        return [cpu, private * 3 + (64 << 20), (sample * 50 + self.pid) & 0xFFFFFFFF,
                private + (8 << 20), private, self.threads, self.began, self.pid, self.parent,
                40_000 + self.pid, 9_000 + self.pid, handles]


def fleet(n, start):
    """The demo's processes: one leaks private bytes at 1 MiB a minute, the others are steady."""
    names = ["System", "smss", "csrss", "csrss", "wininit", "services", "lsass", "svchost",
             "svchost", "svchost", "explorer", "LeakyService"]
    out = []
    for i in range(n):
        leaky = i == 11
        name = names[i] if i < len(names) else "worker%d" % (i // 4)
        out.append(Process(name, 4 if i == 0 else 300 + 4 * i, start - (3600 - i) * TICKS,
                           private=(5 + i % 40) << 20, handles=100 + 10 * (i % 50),
                           leak=(1 << 20) / 60 if leaky else 0))
    return out


COMMIT_LIMIT = 8 << 30


def memory_values(sample, seconds, committed):
    """In the order of MEMORY_COUNTERS."""
    return [(sample * 900) & 0xFFFFFFFF, (8 << 30) - committed // 2, committed, COMMIT_LIMIT,
            (120 << 20) + 4096 * (sample % 7), (80 << 20) + 4096 * (sample % 3),
            committed >> 20, COMMIT_LIMIT >> 20]


class Log:
    """One log: the trace, its counter list, and samples of a set of processes and of Memory."""

    def __init__(self, out, style="objects", machine="SRV01", start=filetime(2026, 3, 1, 12),
                 zone=None, interval=60, names=NAME, **trace):
        self.style, self.machine, self.start, self.interval = style, machine, start, interval
        self.names, self.zone = names, zone or Zone()
        self.trace = Trace(out, start, self.zone, **trace)
        self.process = PerfObject(PROCESS, PROCESS_COUNTERS, own_time=True)
        self.memory = PerfObject(MEMORY, MEMORY_COUNTERS)
        self.series, self.records = {}, 0
        self.preamble()

    def preamble(self):
        local = self.zone.local(self.start)
        host = "\\\\" + self.machine
        entries = []
        if self.style == "objects":
            for body in name_events(self.machine, self.names):
                self.trace.split(NAMES, local - 20, body)
            entries = [list_entry(host, self.names[PROCESS], "*", "*", kind=0x10, flags=0x10),
                       list_entry(host, self.names[MEMORY], "*", kind=0x10, flags=0x10)]
        else:
            for number, kind, _, scale in PROCESS_COUNTERS:
                entries.append(list_entry(host, self.names[PROCESS], self.names[number], "*",
                                          kind=kind, frequency=self.base(kind), scale=scale,
                                          flags=1))
            for number, kind, _, scale in MEMORY_COUNTERS[:-1]:
                entries.append(list_entry(host, self.names[MEMORY], self.names[number], kind=kind,
                                          frequency=self.base(kind), scale=scale))
        self.entries = entries
        self.trace.split(LIST, local - 10, counter_list(entries))

    @staticmethod
    def base(kind):
        timer = kind & 0x00300000
        return TICKS if timer in (0x00100000, 0x00200000) else FREQUENCY

    def second(self, kind, t, ticks):
        if kind in (NS100, ELAPSED):
            return t
        return ticks if kind in (COUNTER, BULK) else 0

    def sample(self, i, processes, memory=None, **split):
        """Writes the i-th sample; processes in list order, as the system would list them."""
        t = self.start + i * self.interval * TICKS
        seconds = i * self.interval
        self.trace.now = t
        ticks = FREQUENCY * (1000 + seconds)
        rows = [(p.name, p.values(i, seconds, t)) for p in processes]
        committed = (1 << 30) + sum(r[1][4] for r in rows)
        mem = memory or memory_values(i, seconds, committed)
        self.remember(t, processes, rows, mem)
        if self.style == "objects":
            total = [0] * len(PROCESS_COUNTERS)
            for _, v in rows:
                for k in (1, 3, 4, 5, 9, 10, 11):
                    total[k] += v[k]
            total[6] = t
            total[9] &= 0xFFFFFFFF
            payload = b"".join([self.process.instance(n, v) for n, v in rows] +
                               [self.process.instance("_Total", total)])
            records = [
                data_block(t, self.machine, [self.process.pack(t, payload, len(rows) + 1)], ticks),
                data_block(t, self.machine,
                           [self.memory.pack(t, self.memory.counter_block(mem), -1)], ticks)]
        else:
            local = self.zone.local(t)
            records = []
            for k, (_, kind, _, _) in enumerate(PROCESS_COUNTERS):
                second = self.second(kind, t, ticks)
                records.append(raw_items(local, [(n, v[k], second, 1) for n, v in rows]))
            for k, (_, kind, _, _) in enumerate(MEMORY_COUNTERS[:-1]):
                second = mem[k + 1] if kind == FRACTION else self.second(kind, t, ticks)
                records.append(raw_counter(local, mem[k], second))
        self.trace.split(DATA, self.zone.local(t), outer(records), **split)
        self.records += 1
        self.last = t

    def remember(self, t, processes, rows, mem):
        if self.series is None:
            return
        for p, (name, v) in zip(processes, rows):
            for k, (number, _, _, _) in enumerate(PROCESS_COUNTERS):
                key = "%s:%d/%s" % (name, p.pid, NAME[number])
                self.series.setdefault(key, []).append(v[k])
        for k, (number, _, _, _) in enumerate(MEMORY_COUNTERS[:-1]):
            self.series.setdefault("Memory/" + NAME[number], []).append(mem[k])

    def close(self, write_catalog=True):
        if write_catalog and self.records:
            body = catalog(self.zone.local(self.start), self.zone.local(self.last), self.records,
                           len(self.entries))
            self.trace.split(CATALOG, self.zone.local(self.last), body)
        self.trace.close()


def demo(out, style="objects", processes=12, minutes=60, interval=60, truth=None, **kw):
    log = Log(out, style=style, interval=interval, **kw)
    if truth is None:
        log.series = None
    group = fleet(processes, log.start)
    for i in range(minutes * 60 // interval + 1):
        log.sample(i, group)
    log.close()
    if truth:
        with open(truth, "w", encoding="utf-8") as f:
            json.dump({"host": "SRV01", "interval_s": interval, "leak": "LeakyService",
                       "series": log.series}, f, indent=1)
    return log


def real_shape():
    """Gives Process the counters that Windows has there: 28, of which 12 are those above."""
    more = [(142, NS100, 8, 0), (144, NS100, 8, 0), (172, LARGE, 8, -6), (178, LARGE, 8, -5),
            (182, LARGE, 8, -6), (184, LARGE, 8, -6), (682, RAW, 4, 0), (1478, LARGE, 8, -5)]
    more += [(number, BULK, 8, 0) for number in range(1412, 1428, 2)]
    PROCESS_COUNTERS.extend(more)
    NAME.update({number: "Counter %d" % number for number, _, _, _ in more})
    plain = Process.values

    def values(self, sample, seconds, t):
        v = plain(self, sample, seconds, t)
        return v + [v[0], v[0]] + [v[1], v[3], v[4], v[4], 8, v[3]] + [sample * 4096] * 8
    Process.values = values


# One counter of every type, as PDH_RAW_COUNTER: (type, base, [(first, second, multi)] per sample)
EVERY_TYPE = [
    ("raw", RAW, 0, [(7, 0, 1), (8, 0, 1), (9, 0, 1)]),
    ("large", LARGE, 0, [(1 << 40, 0, 1), (2 << 40, 0, 1), (3 << 40, 0, 1)]),
    ("hex", HEX, 0, [(255, 0, 1), (256, 0, 1), (257, 0, 1)]),
    ("large hex", LARGE_HEX, 0, [(1 << 33, 0, 1), (1 << 34, 0, 1), (1 << 35, 0, 1)]),
    ("counter", COUNTER, 1000, [(10, 0, 1), (30, 2000, 1), (30, 4000, 1)]),
    ("bulk", BULK, 1000, [(0, 0, 1), (5000, 2000, 1), (15000, 4000, 1)]),
    ("sample counter", SAMPLE_COUNTER, 1000, [(0, 0, 1), (4, 2000, 1), (8, 4000, 1)]),
    ("timer", TIMER, 1000, [(0, 0, 1), (500, 2000, 1), (1500, 4000, 1)]),
    ("timer inv", TIMER_INV, 1000, [(0, 0, 1), (500, 2000, 1), (1500, 4000, 1)]),
    ("100ns", NS100, TICKS, [(0, 0, 1), (25, 100, 1), (75, 200, 1)]),
    ("100ns inv", NS100_INV, TICKS, [(0, 0, 1), (25, 100, 1), (175, 200, 1)]),
    ("obj timer", OBJ_TIMER, TICKS, [(0, 0, 1), (10, 100, 1), (30, 200, 1)]),
    ("multi timer", MULTI_TIMER, 1000, [(0, 0, 4), (1, 2000, 4), (3, 4000, 4)]),
    ("multi timer inv", MULTI_TIMER_INV, 1000, [(0, 0, 4), (1, 2000, 4), (3, 4000, 4)]),
    ("multi 100ns", MULTI_NS100, TICKS, [(0, 0, 4), (100, 100, 4), (300, 200, 4)]),
    ("multi 100ns inv", MULTI_NS100_INV, TICKS, [(0, 0, 4), (100, 100, 4), (300, 200, 4)]),
    ("queue", QUEUE, 1000, [(0, 0, 1), (500, 1000, 1), (2500, 2000, 1)]),
    ("large queue", LARGE_QUEUE, 1000, [(0, 0, 1), (500, 1000, 1), (2500, 2000, 1)]),
    ("100ns queue", QUEUE_100NS, TICKS, [(0, 0, 1), (500, 1000, 1), (2500, 2000, 1)]),
    ("obj queue", QUEUE_OBJ, TICKS, [(0, 0, 1), (500, 1000, 1), (2500, 2000, 1)]),
    ("delta", DELTA, 0, [(10, 0, 1), (15, 0, 1), (12, 0, 1)]),
    ("large delta", LARGE_DELTA, 0, [(1 << 40, 0, 1), ((1 << 40) + 9, 0, 1), (2 << 40, 0, 1)]),
    ("fraction", FRACTION, 0, [(1, 4, 1), (2, 4, 1), (3, 4, 1)]),
    ("large fraction", LARGE_FRACTION, 0, [(1 << 40, 1 << 42, 1), (2, 8, 1), (0, 8, 1)]),
    ("sample fraction", SAMPLE_FRACTION, 0, [(0, 0, 1), (1, 4, 1), (1, 4, 1)]),
    ("average timer", AVERAGE_TIMER, 1000, [(0, 0, 1), (3000, 2, 1), (3000, 2, 1)]),
    ("average bulk", AVERAGE_BULK, 0, [(0, 0, 1), (3000, 2, 1), (9000, 4, 1)]),
    ("precision system", PRECISION_SYSTEM, 1000, [(0, 0, 1), (25, 100, 1), (75, 200, 1)]),
    ("precision 100ns", PRECISION_100NS, TICKS, [(0, 0, 1), (25, 100, 1), (75, 200, 1)]),
    ("precision obj", PRECISION_OBJ, TICKS, [(0, 0, 1), (25, 100, 1), (75, 200, 1)]),
    ("elapsed", ELAPSED, TICKS, [(0, TICKS, 1), (0, 2 * TICKS, 1), (0, 3 * TICKS, 1)]),
    ("text", TEXT, 0, [(1, 0, 1), (2, 0, 1), (3, 0, 1)]),
    ("undocumented", 0x00A90500, 0, [(1, 0, 1), (2, 0, 1), (3, 0, 1)]),
]


def case_types(out):
    """Every counter type as PDH_RAW_COUNTER; the values expected stand in the tests."""
    zone, start = Zone(), filetime(2026, 3, 1, 12)
    trace = Trace(out, start, zone)
    local = zone.local(start)
    trace.split(LIST, local, counter_list(
        [list_entry("\\\\SRV01", "Types", name, kind=kind, frequency=base)
         for name, kind, base, _ in EVERY_TYPE]))
    for i in range(3):
        t = local + i * TICKS
        trace.now = start + i * TICKS
        trace.split(DATA, t, outer([raw_counter(t, *rows[i]) for _, _, _, rows in EVERY_TYPE]))
    trace.close()


def case_all(out, samples=3, pointer=8):
    """Every record kind in one log: raw counter, raw items, whole block, names, list, catalog."""
    zone, start = Zone(), filetime(2026, 3, 1, 12)
    trace = Trace(out, start, zone, pointer=pointer)
    local = zone.local(start)
    host = "\\\\SRV01"
    names = {k: NAME[k] for k in (4, 6, 26, 28, 186, 230, 236, 238, 408, 784, 952, 1410)}
    for body in name_events("SRV01", names):
        trace.split(NAMES, local - 20, body)
    entries = [list_entry(host, "Memory", "Committed Bytes", kind=LARGE),
               list_entry(host, "Process", "Handle Count", "*", kind=RAW, flags=1),
               list_entry(host, "Process", "ID Process", "*", kind=RAW, flags=1),
               list_entry(host, "Process", "*", "*", kind=0x10, flags=0x10),
               list_entry(host, "Thread", "Context Switches/sec", "0", parent="app", index=2,
                          kind=COUNTER, frequency=FREQUENCY)]
    trace.split(LIST, local - 10, counter_list(entries))
    obj = PerfObject(PROCESS, [(186, LARGE, 8, 0), (784, RAW, 4, 0)], own_time=True)
    for i in range(samples):
        t, lt = start + i * TICKS, local + i * TICKS
        trace.now = t
        payload = (obj.instance("app", [(10 + i) << 20, 1000]) +
                   obj.instance("app", [(20 + i) << 20, 1004]))
        trace.split(DATA, lt, outer([
            raw_counter(lt, (1 << 30) + i),
            raw_items(lt, [("app", 10 + i, 0, 1), ("app", 20, 0, 1)]),
            raw_items(lt, [("app", 1000, 0, 1), ("app", 1004, 0, 1)]),
            data_block(t, "SRV01", [obj.pack(t, payload, 2)], FREQUENCY * i),
            raw_counter(lt, 100 * i, FREQUENCY * i)]))
    last = local + (samples - 1) * TICKS
    trace.split(CATALOG, last, catalog(local, last, samples, len(entries)))
    trace.close()


def case_all32(out):
    """The same, from a 32-bit system."""
    case_all(out, pointer=4)


def case_demo(out):
    """The demo: whole objects."""
    demo(out)


def case_counters(out):
    """The demo, as single counters and item blocks."""
    demo(out, style="counters")


def case_missing_part(out):
    """Part 2 of the block of sample 2 is missing; samples 0, 1, 3, 4 are whole."""
    log = Log(out)
    group = fleet(120, log.start)
    for i in range(5):
        log.sample(i, group, drop=(2,) if i == 2 else ())
    log.close()


def case_out_of_order(out):
    """Parts 2 and 3 of sample 2 change places: no writer is known to do that."""
    log = Log(out)
    group = fleet(200, log.start)
    for i in range(5):
        log.sample(i, group, swap=i == 2)
    log.close()


def case_circular(out):
    """Many buffers through a ring of five; the counter list is repeated, the first is gone."""
    log = Log(out, mode=0x2, ring=5, buffer=0x4000)
    group = fleet(12, log.start)
    for i in range(40):
        log.sample(i, group)
        if i % 3 == 2:
            log.preamble()
    log.close()


def case_localized(out):
    """Whole objects with German names."""
    demo(out, names=GERMAN, minutes=3)


def case_localized_counters(out):
    """Counters with German names: nothing but the names to go by."""
    demo(out, style="counters", names=GERMAN, minutes=3)


def svchosts(start):
    return [Process("svchost", 100 + 4 * k, start - (50 - k) * TICKS, private=(10 + 10 * k) << 20)
            for k in range(3)]


def case_instance_exit(out, style="objects"):
    """Three svchost; the first exits after sample 3, so svchost#1 is renumbered svchost."""
    log = Log(out, style=style)
    group = svchosts(log.start)
    for i in range(8):
        log.sample(i, group if i < 4 else group[1:])
    log.close()


def case_instance_exit_counters(out):
    """The same, as item blocks."""
    case_instance_exit(out, "counters")


def case_pid_reuse(out):
    """app (1000) ends after sample 3; another app with the same PID starts before sample 5."""
    log = Log(out)
    one = Process("app", 1000, log.start - 50 * TICKS, private=90 << 20)
    two = Process("app", 1000, log.start + 270 * TICKS, private=10 << 20)
    for i in range(10):
        log.sample(i, [one] if i < 4 else [two] if i >= 5 else [])
    log.close()


def case_lost(out):
    """41 events and 2 buffers lost, by the header."""
    demo(out, minutes=3, lost=(41, 2))


def case_dst(out):
    """Hourly over the end of daylight saving time on 2026-11-01, 06:00 UTC in the eastern US."""
    demo(out, style="counters", minutes=480, interval=3600, start=filetime(2026, 11, 1, 2))


def case_dst_rule(out):
    """The same with nothing in the log that carries UTC: the zone of the header has to do."""
    zone, start = Zone(), filetime(2026, 11, 1, 2)
    trace = Trace(out, start, zone)
    trace.split(LIST, zone.local(start), counter_list(
        [list_entry("\\\\SRV01", "Memory", "Committed Bytes", kind=LARGE)]))
    for i in range(9):
        trace.now = start + i * 3600 * TICKS
        t = zone.local(trace.now)
        trace.split(DATA, t, outer([raw_counter(t, 1000 + i)]))
    trace.close()


def case_threads(out):
    """Threads of processes that share a name, with their parents before and behind them."""
    zone, start = Zone(), filetime(2026, 3, 1, 12)
    names = {230: "Process", 232: "Thread", 784: "ID Process", 804: "ID Thread"}
    trace = Trace(out, start, zone)
    local = zone.local(start)
    for body in name_events("SRV01", names):
        trace.split(NAMES, local - 20, body)
    trace.split(LIST, local - 10, counter_list(
        [list_entry("\\\\SRV01", "Thread", "*", "*", kind=0x10, flags=0x10)]))
    process = PerfObject(230, [(784, RAW, 4, 0)])
    thread = PerfObject(232, [(804, RAW, 4, 0)])
    for i in range(2):
        t = start + i * TICKS
        trace.now = t
        processes = process.pack(t, process.instance("app", [1000]) +
                                 process.instance("app", [2000]), 2)
        threads = thread.pack(t, b"".join(
            thread.instance(n, [tid], parent=(230, p))
            for n, p, tid in (("0", 0, 1), ("1", 0, 2), ("0", 1, 3))), 3)
        objects = [processes, threads] if i == 0 else [threads, processes]
        trace.split(DATA, zone.local(t), outer([data_block(t, "SRV01", objects, 1)]))
    trace.close()


def case_code_page(out):
    """Instance names in code page 1252 and in an unknown one, and instances that are numbers."""
    zone, start = Zone(), filetime(2026, 3, 1, 12)
    trace = Trace(out, start, zone)
    local = zone.local(start)
    for body in name_events("SRV01", {2000: "Queue", 2002: "Length", 2004: "Line", 2006: "Port"}):
        trace.split(NAMES, local - 20, body)
    trace.split(LIST, local - 10, counter_list(
        [list_entry("\\\\SRV01", "Queue", "*", "*", kind=0x10, flags=0x10)]))
    queue, line = PerfObject(2000, [(2002, RAW, 4, 0)]), PerfObject(2004, [(2002, RAW, 4, 0)])
    port = PerfObject(2006, [(2002, RAW, 4, 0)])
    objects = [queue.pack(start, queue.instance(b"B\xfcro", [1]), 1, code_page=1252),
               line.pack(start, line.instance(b"\x93\xfa", [2]), 1, code_page=932),
               port.pack(start, port.instance("", [3], unique=443), 1)]
    trace.split(DATA, local, outer([data_block(start, "SRV01", objects, 1)]))
    trace.close()


def case_no_list(out):
    """A counters log whose counter list is gone: nothing can be named."""
    log = Log(out, style="counters")
    log.trace.parts, log.trace.used = [], 0x48
    group = fleet(3, log.start)
    for i in range(3):
        log.sample(i, group)
    log.close()


def case_no_names(out):
    """A whole-object log without its name table: known numbers still have names."""
    log = Log(out, names={PROCESS: "Process", MEMORY: "Memory"})
    group = fleet(3, log.start)
    for i in range(3):
        log.sample(i, group)
    log.close()


def case_unknown_kind(out):
    """An inner record of kind 7 and an event of type 77 between good ones."""
    zone, start = Zone(), filetime(2026, 3, 1, 12)
    trace = Trace(out, start, zone)
    local = zone.local(start)
    trace.split(LIST, local, counter_list(
        [list_entry("\\\\SRV01", "Memory", "Committed Bytes", kind=LARGE),
         list_entry("\\\\SRV01", "Memory", "Odd", kind=LARGE),
         list_entry("\\\\SRV01", "Memory", "Available Bytes", kind=LARGE)]))
    for i in range(3):
        t = local + i * TICKS
        trace.now = start + i * TICKS
        trace.split(DATA, t, outer([raw_counter(t, 1000 + i), inner(0x07034C42, bytes(24)),
                                    raw_counter(t, 2000 + i)]))
    trace.split(77, local, b"what is this")
    trace.close()


def case_bad_status(out):
    """Sample 1 has no value: PDH_CSTATUS_NO_INSTANCE, and an item block with a bad status."""
    zone, start = Zone(), filetime(2026, 3, 1, 12)
    trace = Trace(out, start, zone)
    local = zone.local(start)
    trace.split(LIST, local, counter_list(
        [list_entry("\\\\SRV01", "Memory", "Committed Bytes", kind=LARGE),
         list_entry("\\\\SRV01", "Process", "Handle Count", "*", kind=RAW, flags=1)]))
    for i in range(3):
        t = local + i * TICKS
        trace.now = start + i * TICKS
        status = 0x800007D1 if i == 1 else 0
        trace.split(DATA, t, outer([raw_counter(t, 1000 + i, status=status),
                                    raw_items(t, [("app", 5 + i, 0, 1)], status=status)]))
    trace.close()


def case_wrap32(out):
    """A 32-bit rate goes down at sample 2 (wrap or restart): no value there, and again after."""
    zone, start = Zone(), filetime(2026, 3, 1, 12)
    trace = Trace(out, start, zone)
    local = zone.local(start)
    trace.split(LIST, local, counter_list(
        [list_entry("\\\\SRV01", "Memory", "Page Faults/sec", kind=COUNTER, frequency=FREQUENCY)]))
    for i, n in enumerate([0xFFFFFF00, 0xFFFFFFFF, 5, 65]):
        t = local + i * TICKS
        trace.now = start + i * TICKS
        trace.split(DATA, t, outer([raw_counter(t, n, FREQUENCY * i)]))
    trace.close()


def huge(field):
    """One count of sample 1 is 2^32 - 1; samples 0 and 2 are good."""
    def make(out):
        log = Log(out)
        group = fleet(3, log.start)
        top = 0xFFFFFFFF
        for i in range(3):
            if i != 1:
                log.sample(i, group)
                continue
            t = log.start + i * log.interval * TICKS
            payload = b"".join(log.process.instance(p.name, p.values(i, 60, t)) for p in group)
            pack = {"counters": {"n_counters": top}, "instances": {"n_instances": 0x7FFFFFFF},
                    "object-length": {"total": top}}.get(field, {})
            block = {"objects": {"n_objects": top}, "block-length": {"total": top}}.get(field, {})
            record = data_block(t, "SRV01", [log.process.pack(t, payload, 3, **pack)], 1, **block)
            if field == "items":
                record = raw_items(t, [("app", 1, 0, 1)], count=top)
            if field == "record-length":
                record = struct.pack("<II", BLOCK, top) + record[8:]
            split = {"count": top} if field == "parts" else {}
            log.trace.split(DATA, log.zone.local(t), outer([record]), **split)
        log.close()
    make.__doc__ = huge.__doc__
    return make


def case_shared_names(out):
    """5,000 items whose names all lie in the same 10 kB, each beginning 2 bytes behind the last."""
    zone, start, n = Zone(), filetime(2026, 3, 1, 12), 5000
    trace = Trace(out, start, zone)
    local = zone.local(start)
    trace.split(LIST, local, counter_list(
        [list_entry("\\\\SRV01", "Process", "Handle Count", "*", kind=RAW, flags=1)]))
    first = 24 + 24 * n
    table = b"".join(struct.pack("<IIqq", first + 2 * i, 1, i, 0) for i in range(n))
    names = wide("".join(chr(0x4E00 + i) for i in range(n)))
    size = first + len(names)
    size += -size % 8
    head = struct.pack("<IIIIq", size, n, 0, 0, local)
    trace.split(DATA, local, outer([inner(MULTI, (head + table + names).ljust(size, b"\0"))]))
    trace.close()


def case_shared_parents(out):
    """5,000 threads with names of their own whose process has a name of 4 kB."""
    zone, start, n = Zone(), filetime(2026, 3, 1, 12), 5000
    trace = Trace(out, start, zone)
    for body in name_events("SRV01", {230: "Process", 232: "Thread", 784: "ID Process",
                                      804: "ID Thread"}):
        trace.split(NAMES, zone.local(start) - 20, body)
    trace.split(LIST, zone.local(start) - 10, counter_list(
        [list_entry("\\\\SRV01", "Thread", "*", "*", kind=0x10, flags=0x10)]))
    process = PerfObject(230, [(784, RAW, 4, 0)])
    thread = PerfObject(232, [(804, RAW, 4, 0)])
    processes = process.pack(start, process.instance("\u4e00" * 2000, [1000]), 1)
    threads = thread.pack(start, b"".join(
        thread.instance("%x" % i, [i], parent=(230, 0)) for i in range(n)), n)
    trace.split(DATA, zone.local(start), outer([data_block(start, "SRV01", [processes, threads],
                                                           1)]))
    trace.close()


def case_shared_counters(out):
    """200 instances of 400 counters that all lie in the same 4 bytes of blocks of 500 bytes."""
    zone, start, n = Zone(), filetime(2026, 3, 1, 12), 200
    trace = Trace(out, start, zone)
    trace.split(LIST, zone.local(start), counter_list(
        [list_entry("\\\\SRV01", "#900", "*", "*", kind=0x10, flags=0x10)]))
    thing = PerfObject(900, [])
    thing.defs = b"".join(struct.pack("<IIIIIiIIII", 40, 1000 + 2 * i, 0, 0, 0, 0, 100, RAW, 4, 4)
                          for i in range(400))
    thing.counter_block = lambda values: struct.pack("<I", 500) + bytes(496)
    body = thing.pack(start, b"".join(thing.instance("%x" % i, []) for i in range(n)), n,
                      n_counters=400)
    trace.split(DATA, zone.local(start), outer([data_block(start, "SRV01", [body], 1)]))
    trace.close()


def case_empty(out):
    """A log that was started and stopped: a header buffer and a counter list, no sample."""
    log = Log(out)
    log.close(write_catalog=False)


def truncated(out):
    """The demo, cut in the middle of a buffer."""
    demo(out)
    out.truncate(0x10000 * 2 + 0x4321)


CASES = {
    "demo": case_demo, "counters": case_counters, "types": case_types, "all": case_all,
    "all32": case_all32, "truncated": truncated, "missing-part": case_missing_part,
    "out-of-order": case_out_of_order, "circular": case_circular, "localized": case_localized,
    "localized-counters": case_localized_counters, "instance-exit": case_instance_exit,
    "instance-exit-counters": case_instance_exit_counters, "pid-reuse": case_pid_reuse,
    "lost": case_lost, "dst": case_dst, "dst-rule": case_dst_rule, "threads": case_threads,
    "code-page": case_code_page,
    "no-list": case_no_list, "no-names": case_no_names,
    "unknown-kind": case_unknown_kind, "bad-status": case_bad_status, "wrap32": case_wrap32,
    "empty": case_empty, "shared-names": case_shared_names, "shared-parents": case_shared_parents,
    "shared-counters": case_shared_counters,
}
for _field in ("counters", "instances", "object-length", "objects", "block-length", "items",
               "record-length", "parts"):
    CASES["huge-" + _field] = huge(_field)

# Seeds are small: the header, then as many bytes as the last buffer uses.
SEEDS = ["all", "all32", "types", "unknown-kind", "bad-status", "wrap32", "empty", "huge-items",
         "huge-instances", "huge-parts", "localized", "pid-reuse", "threads",
         "code-page"]


def seeds(folder):
    for name in SEEDS:
        path = os.path.join(folder, name + ".blg")
        write(path, CASES[name])
        shrink(path)


def shrink(path):
    """Rewrites the buffers to the bytes that they use, so that a fuzzer has less to look at."""
    with open(path, "rb") as f:
        data = f.read()
    out, at = b"", 0
    while at + 0x48 <= len(data):
        size, used = struct.unpack_from("<II", data, at)
        keep = used + -used % 8
        out += struct.pack("<I", keep) + data[at + 4:at + keep]
        at += size
    with open(path, "wb") as f:
        f.write(out)


def write(path, make):
    with open(path, "w+b") as f:
        make(f)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--demo", metavar="OUT")
    p.add_argument("--case", nargs=2, metavar=("NAME", "OUT"))
    p.add_argument("--seeds", metavar="FOLDER")
    p.add_argument("--list", action="store_true")
    p.add_argument("--all", metavar="FOLDER", help="every case")
    p.add_argument("--stamp", metavar="FILE", help="a file to make when all is written")
    p.add_argument("--style", choices=["objects", "counters"], default="objects")
    p.add_argument("--processes", type=int, default=12)
    p.add_argument("--minutes", type=int, default=60)
    p.add_argument("--interval", type=int, default=60)
    p.add_argument("--truth", metavar="OUT.json")
    a = p.parse_args()
    if a.demo:
        write(a.demo, lambda f: demo(f, a.style, a.processes, a.minutes, a.interval, a.truth))
    elif a.case:
        if a.case[0] not in CASES:
            sys.exit("synth.py: no case %r; --list shows them" % a.case[0])
        write(a.case[1], CASES[a.case[0]])
    elif a.seeds:
        seeds(a.seeds)
    elif a.all:
        os.makedirs(a.all, exist_ok=True)
        for name, make in CASES.items():
            write(os.path.join(a.all, name + ".blg"), make)
    elif a.list:
        for name, make in CASES.items():
            print("%-24s %s" % (name, (make.__doc__ or "").strip().split("\n")[0]))
    else:
        p.print_usage()
        return 2
    if a.stamp:
        open(a.stamp, "w", encoding="utf-8").close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
