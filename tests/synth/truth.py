# SPDX-License-Identifier: MIT
"""Compares what seep says of the synthesizer's dumps with what is true of them.

truth.py [--only map|heap] [--wrapper W] SEEP FOLDER [CASE...]

FOLDER holds CASE.dmp and CASE.json, as the synthesizer of the minidump source writes them. Every
number is compared for equality: regions, bytes by usage, type, state and protection, each heap,
blocks by size and type, unreachable blocks.
"""
import argparse
import json
import pathlib
import shlex
import subprocess
import sys

# Dumps without the memory or the regions that the whole truth is about.
PARTIAL = {"crashpad", "regions-only", "no-regions", "wine"}
failures = 0


def check(where, what, got, want):
    global failures
    if got != want:
        failures += 1
        print(f"FAILED  {where}: {what}: {got}, not {want}")


def document(seep, command, path):
    done = subprocess.run([*seep, command, str(path), "--json"], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command} {path.name}: status {done.returncode}\n"
                         f"{done.stderr.decode(errors='replace')}")
    return json.loads(done.stdout)


def table(rows, name, *keys):
    return {r[name]: tuple(r[k] for k in keys) for r in rows if any(r[k] for k in keys)}


def true_table(rows, *keys):
    return {name: tuple(r[k] for k in keys) for name, r in rows.items()}


def nt_totals(h):
    """A heap's totals as `!heap -a` adds them up: whole entries, virtual blocks with them."""
    b = h["backend"]
    return (b["busy_entries"] + h["virtual_blocks"], b["busy_entry_bytes"] + h["virtual_bytes"],
            b["free_entries"], b["free_entry_bytes"], h["committed_bytes"], h["reserved_bytes"])


def check_heaps(name, got, truth):
    want = {h["address"]: h for h in truth["heaps"]}
    check(name, "heaps", sorted(h["address"] for h in got), sorted(want))
    for h in got:
        true = want.get(h["address"])
        if not true:
            continue
        where = f"{name} {h['address']}"
        check(where, "kind", (h["kind"], h["bits"]), (true["kind"], true["bits"]))
        if true["kind"] == "nt":
            keys = ("busy_blocks", "busy_bytes", "free_blocks", "free_bytes", "committed_bytes",
                    "reserved_bytes")
            check(where, "totals", tuple(h[k] for k in keys), nt_totals(true))
        else:
            check(where, "busy blocks", h["busy_blocks"], true["blocks"])
            check(where, "committed", h["committed_bytes"], true["committed_bytes"])
            check(where, "reserved", h["reserved_bytes"], true["reserved_bytes"])


def check_map(name, d, truth):
    for what, keys in (("usage", ("regions", "size_bytes", "largest_bytes")),
                       ("type", ("regions", "size_bytes")), ("state", ("regions", "size_bytes")),
                       ("protect", ("regions", "size_bytes"))):
        check(name, what, table(d[what], what, *keys), true_table(truth[what], *keys))
    check(name, "split", {k: d["split"][k] for k in truth["split"]}, truth["split"])
    check(name, "regions", d["regions_total"], truth["regions_total"])
    check(name, "process", (d["process"]["image"], d["process"]["pid"], d["process"]["wow64"]),
          (truth["image"], truth["pid"], truth["arch"] == "wow64"))


def plain(name):
    """`Session::`vftable'' and `class Session' are the same type."""
    if name is None:
        return None
    for part in ("class ", "struct "):
        name = name.removeprefix(part)
    return name.removesuffix("::`vftable'")


def check_census(name, d, truth):
    true = {(s["heap"], s["size_bytes"]): (s["blocks"], s["bytes"]) for s in truth["sizes"]}
    got = {(s["heap"], s["size_bytes"]): (s["blocks"], s["bytes"]) for s in d["sizes"]}
    check(name, "sizes", got, true)
    types = {plain(t["name"]): (t["blocks"], t["bytes"]) for t in d["types"] if t["name"]}
    # A class without RTTI has a name only where there are symbols.
    want = {t["name"]: (t["blocks"], t["bytes"]) for t in truth["types"]}
    if "Listener" not in types:
        want.pop("Listener", None)
        types = {k: v for k, v in types.items() if k in want}
    check(name, "types", types, want)
    lost = truth["unreachable"]
    check(name, "unreachable", (d["unreachable"]["blocks"], d["unreachable"]["bytes"]),
          (lost["blocks"], lost["bytes"]))


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", choices=["map", "heap"])
    p.add_argument("--wrapper", type=shlex.split, default=[])
    p.add_argument("seep")
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("cases", nargs="*")
    a = p.parse_args()
    names = a.cases or sorted(f.stem for f in a.folder.glob("*.json"))
    n = 0
    for name in names:
        if name in PARTIAL:
            continue
        path = a.folder / f"{name}.dmp"
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        before = failures
        seep = [*a.wrapper, a.seep]
        if a.only != "heap":
            d = document(seep, "map", path)
            check_map(name, d, truth)
            check_heaps(name, d["heaps"], truth)
        if a.only != "map":
            d = document(seep, "heap", path)
            check_heaps(name, d["heaps"], truth)
            check_census(name, d, truth)
        n += 1
        print(("ok      " if failures == before else "FAILED  ") + name)
    return 1 if failures or not n else 0


if __name__ == "__main__":
    sys.exit(main())
