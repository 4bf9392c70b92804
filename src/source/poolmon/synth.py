#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes screens and snapshots of poolmon of known content, and beside each what a reader must
find.

    synth.py --all FOLDER STAMP
    synth.py --seeds FOLDER
    synth.py --big FILE MIB

A snapshot is a head and a list of rows (tag, pool, allocs, frees, bytes, what /g says); how a
version prints it is a layout. Beside NAME.log stands NAME.want: every line about tags, moments and
losses that the tests' sink must have, and no other of these kinds.
"""
import sys
from pathlib import Path

WRAP = 1 << 32
ROWS = [("Thre", "Nonp", 180351, 176602, 13179648, "nt!ps - Thread objects"),
        ("ConT", "Nonp", 3097, 2409, 42770532, None),
        ("Io  ", "Nonp", 1021112, 1020985, 91912, "nt!io       - general IO allocations"),
        ("ObSt", "Nonp", 2791258, 2791258, 0, None),
        ("Key ", "Paged", 954821, 953979, 87528, "nt!cm - Key objects"),
        ("Gh05", "Paged", 5, 4294967290, 704, "win32k.sys")]
ODD = [("Dh 1", "Paged", 24, 22, 64, None), (" ab ", "Nonp", 3, 1, 128, None),
       ("Nonp", "Paged", 9, 4, 80, None), ("a,(b", "Nonp", 7, 6, 16, None),
       ("x\x01\x02y", "Nonp", 2, 1, 48, None), ("12 3", "Paged", 4, 3, 32, None)]
HEAD = {"memory": 8387812, "avail": 5120044, "commit": 3035764, "limit": 9027552,
        "peak": 4077445, "n": 123400, "p": 195544}
KIB = {"memory": "physical", "avail": "available", "commit": "committed", "limit": "commit-limit",
       "peak": "commit-peak", "p": "paged-pool", "n": "nonpaged-pool"}


def each(row):
    diff = (row[2] - row[3]) % WRAP if max(row[2:4]) < WRAP else row[2] - row[3]
    return row[4] // diff if diff else 0


def diff_of(row):
    return (row[2] - row[3]) % WRAP if max(row[2:4]) < WRAP else row[2] - row[3]


def mapped(row, cut=None):
    text = f"[{row[5]}]" if row[5] else "Unknown Driver"
    return text[:cut]


def modern(row, driver):
    """What poolmon -n of Windows 10 writes."""
    return (f" {row[0]:4} {row[1]:5}{row[2]:19}{row[3]:19}{diff_of(row):18}{row[4]:15}"
            f"{each(row):17}" + ("        " + mapped(row) if driver else ""))


def screen(row, driver, changes=(3, 1, -128)):
    """A screen of earlier versions, with what changed in parentheses."""
    a, f, b = changes
    return (f" {row[0]:4} {row[1]:5} {row[2]:9} ({a:4}) {row[3]:9} ({f:4}) {diff_of(row):8} "
            f"{row[4]:7} ({b:6}) {each(row):6}" + (" " + mapped(row) if driver else ""))


def touching(row, driver):
    return (f" {row[0]:4} {row[1]:5} {row[2]}({3:4}){row[3]}({1:4}){diff_of(row)} "
            f"{row[4]}({-1234567}){each(row):6}")


def signed(row, driver):
    diff = diff_of(row)
    shown = diff - WRAP if diff >= WRAP // 2 else diff
    return f" {row[0]:4} {row[1]:5}{row[2]:19}{row[3]:19}{shown:18}{row[4]:15}{each(row):17}"


def pasted(row, driver):
    """As a page or a mail has it: without the margin, with tabs or more blanks."""
    return (f"{row[0]}\t{row[1]} \t{row[2]}({0:2})\t{row[3]}({0:2}) {diff_of(row)}\t"
            f"{row[4]}({0:2}) {each(row)}")


def head(h, layout):
    if layout is modern:
        yield (f" Memory:{h['memory']}K Avail:{h['avail']}K  PageFlts:     5   "
               "InRam Krnl:10444K P:9K")
        yield (f" Commit:{h['commit']}K Limit:{h['limit']}K Peak:{h['peak']}K            "
               f"Pool N:{h['n']}K P:{h['p']}K")
        return
    yield f" Memory: {h['memory']}K Avail: {h['avail']}K  PageFlts:   344   InRam Krnl: 1828K P:9K"
    yield (f" Commit: {h['commit']}K Limit:{h['limit']}K Peak: {h['peak']}K            "
           f"Pool N:{h['n']:5}K P:{h['p']:5}K")


def snapshot(rows, layout=modern, driver=False, h=HEAD, title=None, columns=True):
    lines = list(head(h, layout)) if h else []
    if title:
        lines.append(f" {title} pool information")
    if columns:
        lines += ["" if layout is modern else None,
                  " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc"
                  + ("  Mapped_Driver" if driver else ""), ""]
    return [x for x in lines if x is not None] + [layout(r, driver) for r in rows]


def shown(tag):
    return "".join(c if " " <= c < "\x7f" else "." for c in tag).rstrip()


def want(rows, moment="-", driver=False, h=HEAD, session="", wide=False):
    """The lines of one snapshot, in their order."""
    out = [f"tick {moment}"]
    if h:
        out.append("vm 1" + "".join(f" {KIB[k]}={h[k] * 1024}"
                                    for k in ("memory", "avail", "commit", "limit", "peak", "p",
                                              "n") if k in h))
    for r in rows:
        name = " ".join((r[5] or "").split()) if driver and r[5] else "-"
        out.append(f"pool-tag 1 {shown(r[0])} {'paged' if r[1] == 'Paged' else 'nonpaged'} "
                   f"allocs={r[2]} frees={r[3]} bytes={r[4]}{'' if wide else ' wraps'}{session} "
                   f"{name}")
    return out


NO_TIME = "loss time-unknown count={} bytes=- offset=- "
ZONE = "loss time-zone-unknown count={} bytes=- offset=- "


def text(lines, end="\r\n"):
    return end.join(lines + [""])


class Cases:
    def __init__(self):
        self.files = {}

    def add(self, name, data, lines):
        self.files[name] = (data.encode("latin-1") if isinstance(data, str) else data, lines)


def layouts(c):
    one = want(ROWS) + [NO_TIME.format(1)]
    c.add("modern", text(snapshot(ROWS)), one)
    c.add("lf", text(snapshot(ROWS), "\n"), one)
    c.add("cr-cr-lf", text(snapshot(ROWS), "\r\r\n"), one)
    c.add("screen", text(snapshot(ROWS, screen, title="System")), one)
    c.add("signed", text(snapshot(ROWS, signed)), one)
    c.add("touching", text(snapshot(ROWS, touching)), one)
    c.add("pasted", text(snapshot(ROWS, pasted)), one)
    c.add("unended", text(snapshot(ROWS))[:-2], one)
    mapped_rows = want(ROWS, driver=True) + [NO_TIME.format(1)]
    c.add("mapped", text(snapshot(ROWS, driver=True)), mapped_rows)
    c.add("mapped-screen", text(snapshot(ROWS, screen, driver=True)), mapped_rows)
    groups = [("IpEQ", "Nonp", 1, 0, 1808, "ipsec][ipsec.sys    -  event queue"),
              ("HidC", "Nonp", 17375, 17256, 19808, "hidclass.sys - HID Class d")]
    lines = snapshot(groups, screen, driver=True)
    lines[-1] = lines[-1].rstrip("]") + " "
    c.add("brackets", text(lines), [
        *want([groups[0][:5] + ("ipsec.sys - event queue",), groups[1]], driver=True),
        NO_TIME.format(1)])
    c.add("odd-tags", text(snapshot(ODD)), want(ODD) + [NO_TIME.format(1)])
    c.add("rows-only", text(snapshot(ROWS, h=None, columns=False)),
          want(ROWS, h=None) + [NO_TIME.format(1)])
    wide = [("Big ", "Nonp", 5 * WRAP, 4 * WRAP - 7, 1 << 45, None)]
    c.add("wide-counts", text(snapshot(wide + ROWS[:1])),
          want(wide + ROWS[:1], wide=True) + [NO_TIME.format(1)])
    c.add("heads-only", text(snapshot([], screen, title="All sessions")),
          want([]) + [NO_TIME.format(1)])


def encodings(c):
    one = want(ROWS + ODD, driver=True) + [NO_TIME.format(1)]
    plain = text(snapshot(ROWS + ODD, driver=True))
    c.add("utf16le", b"\xff\xfe" + plain.encode("utf-16-le"), one)
    c.add("utf16be", b"\xfe\xff" + plain.encode("utf-16-be"), one)
    c.add("utf16-no-mark", plain.encode("utf-16-le"), one)
    c.add("utf8-mark", b"\xef\xbb\xbf" + plain.encode(), one)
    foreign = [("a\xe9\xdf1", "Nonp", 7, 5, 32, None)]
    lines = want([("a..1", "Nonp", 7, 5, 32, None)]) + [NO_TIME.format(1)]
    c.add("code-page", text(snapshot(foreign)), lines)
    c.add("utf8-tag", text(snapshot(foreign)).encode("utf-8"), lines)
    c.add("utf16-tag", b"\xff\xfe" + text(snapshot(foreign)).encode("utf-16-le"), lines)
    marked = [("abc" + chr(ord("d") | 0x80), "Nonp", 7, 5, 32, None)]
    c.add("protected", text(snapshot(marked)),
          want([("abcd", "Nonp", 7, 5, 32, None)]) + [NO_TIME.format(1)])
    same = [("q\x01\x01\x01", "Nonp", 7, 5, 32, None), ("q\x02\x01\x01", "Nonp", 70, 50, 320, None)]
    c.add("merged-tags", text(snapshot(same)),
          want([("q...", "Nonp", 77, 55, 352, None)])
          + [NO_TIME.format(1), "loss tags-merged count=1 bytes=- offset=0x"])


def later(rows, n):
    return [(r[0], r[1], (r[2] + 40 * n) % WRAP, (r[3] + 10 * n) % WRAP, r[4] + 480 * n, r[5])
            for r in rows]


def dated(c, name, dates, moments, notes, between="", base=ROWS):
    lines, wanted = [], []
    for i, (date, moment) in enumerate(zip(dates, moments)):
        rows = later(base, i)
        lines += [*date.split("\n"), *snapshot(rows), between]
        wanted += want(rows, moment)
    c.add(name, text(lines), wanted + notes)


def times(c):
    at = ["2026-03-01T12:00:00.000000000Z", "2026-03-01T12:05:00.000000000Z",
          "2026-03-13T01:10:09.120000000Z"]
    zone = [ZONE.format(3)]
    dated(c, "iso", ["2026-03-01T12:00:00", "2026-03-01 12:05:00", "2026-03-13T01:10:09.12"],
          at, zone)
    dated(c, "iso-zone", ["2026-03-01T13:00:00.0000000+01:00", "2026-03-01T12:05:00Z",
                          "2026-03-12T20:10:09.1200000-05:00"], at, [])
    dated(c, "german", ["01.03.2026 12:00:00,00", "So 01.03.2026 12:05", "13.03.2026  1:10:09,12"],
          at, zone)
    dated(c, "american", ["Sun 03/01/2026 12:00:00.00", "Sun 03/01/2026 12:05 PM",
                          "Fri 03/13/2026  1:10:09.12"], at, zone)
    # Only the last one shows the order of day and month.
    dated(c, "learned", ["03/01/2026 12:00:00.00", "03/01/2026 12:05:00.00",
                         "03/13/2026  1:10:09.12"], at, zone)
    dated(c, "day-first", ["01/03/2026 12:00:00", "01/03/2026 12:05:00", "13/03/2026 01:10:09,12"],
          at, zone)
    dated(c, "two-lines",
          ["Sun 03/01/2026 \n12:00 PM", "Sun 03/01/2026 \n12:05 PM",
           "The current date is: Fri 03/13/2026 \nThe current time is:  1:10:09.12"], at, zone)
    dated(c, "words", ["Sunday, March 1, 2026 12:00:00 PM", "1 March 2026 12:05:00",
                       "13-Mar-2026 01:10:09.12"], at, zone)
    dated(c, "clue", ["2026.03.01-12:00:00 W. Europe Standard Time (local time of the PC)",
                      "2026.03.01-12:05:00 W. Europe Standard Time", "2026/03/13  1:10:09.12"],
          at, zone)
    dated(c, "prompts", ["C:\\>date /t & time /t\n2026-03-01 \n12:00 ", "C:\\>\n2026-03-01 12:05",
                         "x64 run 2 of 7\n2026-03-13 01:10:09.12"], at,
          zone + ["loss other-text count=3 bytes="])
    dated(c, "ambiguous", ["03/01/2026 12:00:00", "03/02/2026 12:05:00"], ["-", "-"],
          [NO_TIME.format(2), "loss date-ambiguous count=2 bytes=- offset=- "])
    dated(c, "no-hour", ["2026-03-01", "2026-03-02"], ["-", "-"], [NO_TIME.format(2)])
    dated(c, "impossible", ["2026-02-30 12:00", "2026-03-01 25:00"], ["-", "-"],
          [NO_TIME.format(2)])
    dated(c, "backwards", ["2026-03-01T12:05:00Z", "2026-03-01T12:00:00Z"], [at[1], at[0]],
          ["loss clock-jump count=1 bytes=- offset=- "])
    dated(c, "appended", ["", "", ""], ["-", "-", "-"], [NO_TIME.format(3)])
    # From one snapshot to the next the counts of Gh05 begin again at 2^32.
    near = [("Gh05", "Nonp", WRAP - 20, WRAP - 25, 320, None)]
    dated(c, "wraps", ["2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z"], at[:2], [], base=near)


def sessions(c):
    gdi = [("GTmp", "Paged", 89079, 89078, 16, None), ("Gbaf", "Paged", 9829, 9801, 19712, None)]
    lines = ["2026-03-01T12:00:00Z", *snapshot(ROWS, screen, title="System"), "",
             "2026-03-01T12:05:00Z", *snapshot(gdi, screen, title="Session 2"), "",
             "2026-03-01T12:10:00Z", *snapshot(gdi, screen, title="All sessions")]
    c.add("sessions", text(lines),
          want(ROWS, "2026-03-01T12:00:00.000000000Z")
          + want(gdi, "2026-03-01T12:05:00.000000000Z", session=" session=2")
          + want(gdi, "2026-03-01T12:10:00.000000000Z", session=f" session={WRAP - 2}"))


def csv(c):
    rows = [("Thre", "Nonp", 180351, 176602, 13179648, "nt!ps,Thread objects"),
            ("a,b", "Paged", 7, 6, 3 * WRAP + 4096, ","),
            ("Gh05", "Paged", 5, WRAP - 6, 704, "win32k.sys,Bitmaps, and more")]
    out = "Tag,Type,Allocs,Frees,Diff,Bytes,KBytes,B / Alloc,Source,Source Description,\n"
    for r in rows:
        kind = "Paged" if r[1] == "Paged" else "Non Paged"
        out += (f"{r[0]},{kind},{r[2]},{r[3]},{diff_of(r)},{r[4] % WRAP},{(r[4] + 512) >> 10} KB,"
                f"{each(r) % WRAP},{r[5]},\n")
    rows[1] = rows[1][:5] + (None,)
    lines = want(rows, h=None, driver=True) + [NO_TIME.format(1)]
    c.add("poolmonx", out.encode("utf-16-le"), lines)
    c.add("poolmonx-bytes", out, lines)


def broken(c):
    good = text(snapshot(ROWS))
    bad_row = good.replace("176602", "17x602")
    c.add("bad-row", bad_row,
          want(ROWS[1:]) + [NO_TIME.format(1), "loss bad-record count=1 bytes="])
    c.add("bad-diff", good.replace("               127", "               126"),
          want(ROWS[:2] + ROWS[3:]) + [NO_TIME.format(1), "loss bad-record count=1 bytes="])
    c.add("huge", good.replace("42770532", "99999999999999999999"),
          want(ROWS[:1] + ROWS[2:]) + [NO_TIME.format(1), "loss bad-record count=1 bytes="])
    # What is left of the last row's last number is another number.
    c.add("cut", text(snapshot(ROWS[:2]))[:-3],
          want(ROWS[:1]) + [NO_TIME.format(1), "loss truncated count=1 bytes="])
    c.add("cut-in-row", good[:-30],
          want(ROWS[:5]) + [NO_TIME.format(1), "loss truncated count=1 bytes="])
    wrapped = [line[k:k + 80] for line in snapshot(ROWS) for k in (range(0, len(line), 80) or [0])]
    c.add("narrow-console", text(wrapped),
          want([], h={k: v for k, v in HEAD.items() if k != "p"})
          + [NO_TIME.format(1), "loss bad-record count=6 bytes=", "loss other-text count=7 bytes="])
    zeros = text(snapshot(ROWS)).encode() + b"\0" * 300
    c.add("zeros", zeros, want(ROWS) + [NO_TIME.format(1), "loss zero-bytes count=1 bytes=300"])
    c.add("repeated", text(snapshot(ROWS) + snapshot(ROWS[:2], h=None, columns=False)),
          want(ROWS) + [NO_TIME.format(1), "loss repeated-rows count=2 bytes=- offset=0x"])
    localised = good.replace("Memory:", "Arbeitsspeicher: ").replace("Commit:", "Zugesichert: ")
    c.add("localised", localised.replace("K Avail:", "K Verf.: "),
          want(ROWS, h=None) + [NO_TIME.format(1), "loss bad-record count=2 bytes="])


def cases():
    c = Cases()
    for part in (layouts, encodings, times, sessions, csv, broken):
        part(c)
    return c.files


SEEDS = ["modern", "screen", "touching", "pasted", "brackets", "odd-tags", "utf16le", "utf16be",
         "protected", "merged-tags", "german", "american", "learned", "two-lines", "words",
         "iso-zone", "ambiguous", "sessions", "poolmonx", "bad-row", "huge", "cut", "zeros",
         "narrow-console", "wraps", "heads-only"]


def big(path, mib):
    size, i = 0, 0
    base = [(f"{k:04X}", "Paged" if k % 2 else "Nonp", 1000 + k, k, 64 * (k + 1), None)
            for k in range(2000)]
    with open(path, "w", encoding="ascii", newline="") as out:
        while size < mib << 20:
            day, rest = divmod(i * 300, 86400)
            part = text([f"2026-03-{day % 28 + 1:02}T{rest // 3600:02}:{rest // 60 % 60:02}:00Z",
                         *snapshot(later(base, i)), ""])
            out.write(part)
            size += len(part)
            i += 1


def main():
    if sys.argv[1] == "--big":
        big(sys.argv[2], int(sys.argv[3]))
        return
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (data, lines) in cases().items():
        if sys.argv[1] == "--seeds" and name not in SEEDS:
            continue
        (folder / (name + ".log")).write_bytes(data)
        if sys.argv[1] == "--all":
            (folder / (name + ".want")).write_text("\n".join(lines) + "\n")
    if sys.argv[1] == "--all":
        (folder / "names.txt").write_text("\n".join(cases()) + "\n")
        Path(sys.argv[3]).write_text("")


if __name__ == "__main__":
    main()
