#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes series of poolmon snapshots whose truth is known.

    pool_series.py wcifs FOLDER [--format poolmon|tsv] [--snapshots N] [--seed S]
    pool_series.py machines FOLDER [--count 200] [--format ...] [--snapshots N] [--seed S]
    pool_series.py --all FOLDER STAMP

`wcifs` is the documented leak of a filter driver: within 4.91 days WCsc is allocated 503,677 times
and never freed, and drags NtfC (503,712), File (514,826) and IoNm (504,435) along, among 400 tags
that stand still or churn. It writes wcifs.log (all snapshots in one file, a line with the time
before each), wcifs-20260302-080000.log and wcifs-20260307-055024.log (the first and the last one
alone, the time in the name) and wcifs.json, the truth.

`machines` are machines without a leak, machine-000.log and so on, each with its truth.

The truth is {"leak": null or {"source", "pool", "members": {tag: growth}}, "seed", "snapshots",
"start", "end" (ns since 1970, UTC), "tags": [{"tag", "pool", "family", "wraps", "first", "last"
(allocs, frees and bytes, as the counters show them)}]}. With --format tsv a snapshot's rows are
`t_ns TAB tag TAB pool TAB allocs TAB frees TAB bytes` instead, for those who do not want to read
poolmon's columns.

Families: static, boot (never freed, a handful of blocks, a step now and then), churn, cache (fills
up, exponentially or at a constant rate, then evicts), group (several caches that fill together),
sawtooth, rhythm (a day's), burst (allocated at once, released later), leak, victim.
"""
import argparse
import json
import math
import random
import string
from datetime import datetime, timezone
from pathlib import Path

NS = 1_000_000_000
DAY_S = 86400.0
WRAP = 1 << 32
START_NS = int(datetime(2026, 3, 2, 8, tzinfo=timezone.utc).timestamp()) * NS
LEAK_S = round(4.91 * DAY_S)
# tag, pool, bytes each, growth of what is outstanding, outstanding before, churn each second
LEAK = [
    ("WCsc", "Paged", 208, 503_677, 1_912, 0.0),
    ("NtfC", "Nonp", 144, 503_712, 161_204, 3.1),
    ("File", "Nonp", 400, 514_826, 143_377, 41.0),
    ("IoNm", "Paged", 152, 504_435, 140_020, 38.5),
]
KNOWN = ["Thre", "Proc", "Toke", "MmSt", "CM25", "Ntff", "NtfF", "AfdB", "Even", "Wait", "Irp ",
         "ALPC", "Key ", "Se  ", "Pool", "VadS", "Vad ", "MmCa", "CcSc", "FMfn", "Ntf0", "EtwB",
         "Gh05", "Ussm", "TcpE", "NDnd", "Strg", "UsbC", "HidC", "D3Dd", "Mdl ", "ObNm", "SeTd"]
DRIVERS = ["nt!ps - Process objects", "ntfs.sys - General", "afd.sys", "tcpip.sys  - TCP endpoint",
           "dxgkrnl.sys - Video memory", "win32k.sys", "nt!cm - registry"]


class Tag:
    """One tag in one pool: what is outstanding at each snapshot, and how much churns between."""

    def __init__(self, name, pool, family, each, outstanding, churned, frees=0, wraps=False,
                 before=0):
        self.name, self.pool, self.family, self.wraps = name, pool, family, wraps
        self.rows = []
        allocs = frees + outstanding[0] + before
        frees += before
        last = outstanding[0]
        for i, now in enumerate(outstanding):
            if i:
                allocs += churned[i] + max(now - last, 0)
                frees += churned[i] + max(last - now, 0)
            last = now
            limit = WRAP if wraps else 1 << 63
            self.rows.append((allocs % limit, frees % limit, now * each))


def counts(values):
    return [max(0, round(v)) for v in values]


def hours_of_work(t_s):
    """How much goes on at a time of the week, 0.15 at night to 1."""
    hour = (t_s / 3600.0 + 8) % 24
    busy = 0.15 + 0.85 * math.exp(-((hour - 13.0) / 4.5) ** 2)
    return busy * (0.35 if (t_s // DAY_S) % 7 in (5, 6) else 1.0)


def shape_static(r, t, n):
    return [n] * len(t)


def shape_boot(r, t, n):
    n = max(1, n % 60)
    out = []
    for _ in t:
        n += r.random() < 0.01
        out.append(n)
    return out


def shape_churn(r, t, n):
    level, out, slow = float(n), [], 0.0
    for _ in t:
        slow = 0.9 * slow + r.gauss(0, 0.01)
        out.append(level * (1 + slow + r.gauss(0, 0.02)) + r.random())
    return out


def shape_cache(r, t, n):
    span = t[-1] - t[0] or 1.0
    first = n * r.uniform(0.05, 0.4)
    if r.random() < 0.5:
        tau = span * r.uniform(0.03, 0.3)
        out = [n + (first - n) * math.exp(-(x - t[0]) / tau) for x in t]
    else:
        full = span * r.uniform(0.15, 0.6)
        out = [min(n, first + (n - first) * (x - t[0]) / full) for x in t]
    return [v * (1 + r.gauss(0, 0.002)) if v > 0.97 * n else v for v in out]


def shape_sawtooth(r, t, n):
    span = t[-1] - t[0] or 1.0
    period = span * r.uniform(0.06, 0.25)
    phase, low = r.random(), n * r.uniform(0.2, 0.6)
    return [low + (n - low) * ((((x - t[0]) / period) + phase) % 1.0) for x in t]


def shape_rhythm(r, t, n):
    return [n * (0.6 + 0.4 * hours_of_work(x) + r.gauss(0, 0.01)) for x in t]


def shape_burst(r, t, n):
    span = t[-1] - t[0] or 1.0
    at = t[0] + span * r.uniform(0.1, 0.5)
    end = at + span * r.uniform(0.1, 0.35)
    high = n * r.uniform(2, 8)
    return [n + (high if at <= x < end else 0) for x in t]


SHAPES = {"static": shape_static, "boot": shape_boot, "churn": shape_churn, "cache": shape_cache,
          "sawtooth": shape_sawtooth, "rhythm": shape_rhythm, "burst": shape_burst}


def names(r, taken):
    letters = string.ascii_letters + string.digits
    while True:
        name = r.choice(KNOWN) if r.random() < 0.3 else "".join(r.choice(letters) for _ in range(4))
        if name not in taken:
            taken.add(name)
            return name


def churn_of(r, t, rate):
    out = [0]
    for a, b in zip(t, t[1:]):
        out.append(max(0, round(rate * (b - a) * hours_of_work(a) * r.uniform(0.7, 1.3))))
    return out


def ordinary(r, name, family, t):
    n = round(10 ** r.uniform(0.8, 5.3))
    pool = r.choice(["Paged", "Nonp"])
    each = 16 * r.randrange(1, 120)
    rate = 0.0 if family in ("static", "boot") else 10 ** r.uniform(-2, 2.2)
    out = counts(SHAPES[family](r, t, n))
    wraps = True
    before = 0
    if rate:
        before = round(10 ** r.uniform(3, 9))
        # So that some of them begin again at 0 within the series.
        if r.random() < 0.08:
            before = WRAP - round(rate * (t[-1] - t[0]) * r.uniform(0.05, 0.5)) - 1
    return Tag(name, pool, family, each, out, churn_of(r, t, rate), 0, wraps, before)


def group(r, taken, t):
    """Caches that fill up in step, as those of a file system do after a start."""
    full = 10 ** r.uniform(3.5, 5.3)
    out = shape_cache(r, t, full)
    members = []
    for _ in range(r.randrange(2, 5)):
        ratio = r.choice([1.0, 1.0, 1.02, 0.98, 0.5, 2.0])
        own = [v * ratio * (1 + r.gauss(0, 0.001)) for v in out]
        members.append(Tag(names(r, taken), r.choice(["Paged", "Nonp"]), "group",
                           16 * r.randrange(2, 40), counts(own),
                           churn_of(r, t, 10 ** r.uniform(-1, 1.5)), 0, True,
                           round(10 ** r.uniform(3, 6))))
    return members


def times(r, n, span_s, jitter):
    """Moments in seconds from the start; a few snapshots are missing."""
    step = span_s / (n - 1)
    at = [i * step + (r.uniform(-jitter, jitter) * step if 0 < i < n - 1 else 0) for i in range(n)]
    keep = [0 < i < n - 1 and r.random() < 0.02 for i in range(n)]
    return [float(round(x)) for x, gone in zip(at, keep) if not gone]


def wcifs(seed, n):
    r = random.Random(seed)
    t = times(r, n, LEAK_S, 0.1)
    taken = {row[0] for row in LEAK}
    tags = []
    for i in range(400):
        family = ["static", "churn", "churn", "boot", "rhythm"][i % 5]
        tags.append(ordinary(r, names(r, taken), family, t))
    work = [0.0]
    for a, b in zip(t, t[1:]):
        work.append(work[-1] + (b - a) * hours_of_work(a) * r.uniform(0.8, 1.2))
    for name, pool, each, growth, first, rate in LEAK:
        noise = 0 if name == "WCsc" else first * 0.002
        out = [first + growth * w / work[-1] + (r.gauss(0, noise) if 0 < i < len(t) - 1 else 0)
               for i, w in enumerate(work)]
        if name == "WCsc":
            out = [round(x) for x in out]
        tags.append(Tag(name, pool, "leak" if name == "WCsc" else "victim", each, counts(out),
                        churn_of(r, t, rate), 0, True, 0 if name == "WCsc" else 90_000))
    leak = {"source": "WCsc", "pool": "paged", "members": {row[0]: row[3] for row in LEAK}}
    return t, tags, leak


def machine(seed, n):
    r = random.Random(seed * 7919 + 17)
    if n is None:
        n = r.randrange(24, 72)
    span = r.choice([2, 6, 12, 24, 48, 120, 168]) * 3600.0
    t = times(r, n, span, r.choice([0.0, 0.05, 0.3]))
    taken, tags = set(), []
    for _ in range(r.randrange(40, 90)):
        family = r.choices(list(SHAPES), weights=[6, 3, 6, 3, 2, 3, 1])[0]
        # Of a morning alone nobody can say that the evening takes it back.
        if family == "rhythm" and span < 2 * DAY_S:
            family = "churn"
        tags.append(ordinary(r, names(r, taken), family, t))
    for _ in range(r.randrange(0, 3)):
        tags += group(r, taken, t)
    return t, tags, None


def snapshot(tags, i, t_ns, mapped):
    used = {pool: sum(tag.rows[i][2] for tag in tags if tag.pool == pool)
            for pool in ("Paged", "Nonp")}
    nonpaged, paged = (used[p] // 1024 + 210_000 for p in ("Nonp", "Paged"))
    commit = 9_035_764 + nonpaged + paged
    lines = [
        datetime.fromtimestamp(t_ns // NS, timezone.utc).isoformat(),
        f" Memory:33473120K Avail:{max(1000, 24_055_132 - nonpaged - paged // 2)}K  PageFlts:"
        f"{5 + i:6}   InRam Krnl:10444K P:{paged // 2}K",
        f" Commit:{commit}K Limit:67027552K Peak:{commit + 64}K            "
        f"Pool N:{nonpaged}K P:{paged}K",
        "",
        " Tag  Type     Allocs            Frees               Diff            Bytes"
        "                 Per Alloc" + ("       Mapped_Driver" if mapped else ""),
        "",
    ]
    for k, tag in enumerate(sorted(tags, key=lambda x: -x.rows[i][2])):
        allocs, frees, size = tag.rows[i]
        diff = (allocs - frees) % WRAP if tag.wraps else allocs - frees
        each = size // diff if diff else 0
        driver = ""
        if mapped:
            known = sum(tag.name.encode()) % (2 * len(DRIVERS))
            driver = "        " + (f"[{DRIVERS[known]}]" if known < len(DRIVERS)
                                   else "Unknown Driver")
        lines.append(f" {tag.name:4} {tag.pool:5}{allocs:19}{frees:19}{diff:18}{size:15}{each:17}"
                     + driver)
    return "\r\n".join(lines) + "\r\n\r\n"


def tsv(tags, i, t_ns):
    pools = {"Paged": "paged", "Nonp": "nonpaged"}
    return "".join(f"{t_ns}\t{tag.name}\t{pools[tag.pool]}\t" + "\t".join(map(str, tag.rows[i]))
                   + "\n" for tag in tags)


def write(folder, name, t, tags, leak, seed, form, ends=False):
    moments = [START_NS + int(x) * NS for x in t]
    mapped = leak is None and seed % 3 == 1
    with open(folder / f"{name}.{'log' if form == 'poolmon' else 'tsv'}", "w", newline="",
              encoding="ascii") as out:
        for i, t_ns in enumerate(moments):
            out.write(snapshot(tags, i, t_ns, mapped) if form == "poolmon" else tsv(tags, i, t_ns))
    for i in (0, len(t) - 1) if ends and form == "poolmon" else ():
        stamp = datetime.fromtimestamp(moments[i] // NS, timezone.utc).strftime("%Y%m%d-%H%M%S")
        text = snapshot(tags, i, moments[i], mapped).split("\r\n", 1)[1]
        (folder / f"{name}-{stamp}.log").write_bytes(text.encode("ascii"))
    truth = {"name": name, "seed": seed, "snapshots": len(t), "start": moments[0],
             "end": moments[-1], "leak": leak,
             "tags": [{"tag": tag.name.rstrip(), "pool": "paged" if tag.pool == "Paged" else
                       "nonpaged", "family": tag.family, "wraps": tag.wraps, "first": tag.rows[0],
                       "last": tag.rows[-1]} for tag in tags]}
    (folder / f"{name}.json").write_text(json.dumps(truth) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", choices=["wcifs", "machines"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("stamp", nargs="?", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--format", choices=["poolmon", "tsv"], default="poolmon")
    parser.add_argument("--snapshots", type=int)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if args.all or args.what == "wcifs":
        t, tags, leak = wcifs(args.seed, args.snapshots or 60)
        write(args.folder, "wcifs", t, tags, leak, args.seed, args.format, ends=True)
    if args.all or args.what == "machines":
        for i in range(args.count):
            t, tags, leak = machine(args.seed + i, args.snapshots)
            write(args.folder, f"machine-{i:03}", t, tags, leak, args.seed + i, args.format)
    if args.stamp:
        args.stamp.write_text("")


if __name__ == "__main__":
    main()
