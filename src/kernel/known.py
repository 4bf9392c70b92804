# SPDX-License-Identifier: MIT
"""Writes known.inc, the table of known kernels, from offsets and addresses of their symbols.

usage: known.py kernels.csv > known.inc

The columns of kernels.csv are members of structures and variables of ntkrnlmp.pdb, one row a PDB;
its numbers are from JPCERTCC/Windows-Symbol-Tables (BSD-3-Clause). known_versions.txt, beside this
script, gives the file versions.
"""

import csv
import os
import sys

ERA = [
    "PTT.size", "PTT.NonPagedBytes", "PTT.NonPagedAllocs", "EPROC.ActiveProcessLinks",
    "EPROC.ObjectTable", "EPROC.ImageFileName", "EPROC.ExitTime", "EPROC.CommitCharge",
    "EPROC.VadRoot", "EPROC.UniqueProcessId", "KPROC.DTB", "HT.TableCode", "HT.HandleTableList",
    "MiPartition.Vp", "Vp.TotalCommittedPages", "Vp.TotalCommitLimit", "Vp.AvailablePages",
]
VARIABLES = [
    "PoolTrackTable", "PoolTrackTableSize", "ExPoolTagTables", "MiSystemPartition",
    "PsActiveProcessHead", "PspCidTable", "ObHeaderCookie", "KdDebuggerDataBlock",
]


def versions():
    """{first digits of a GUID: (version without its last part, last part)}"""
    found = {}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known_versions.txt")
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if not words or words[0] == "#":
                continue
            for word in words[1:]:
                revision, digits = word.split(":")
                found[digits.upper()] = (words[0], int(revision))
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="ascii", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["guid"])
    version_of = versions()
    eras = {}
    for row in rows:
        eras.setdefault(tuple(row[column] for column in ERA), []).append(row)
    order = sorted(eras, key=lambda era: min(
        int(version_of[row["guid"][:8]][0].split(".")[-1])
        for row in eras[era] if row["guid"][:8] in version_of))
    print("// Made by known.py from the symbols of JPCERTCC/Windows-Symbol-Tables (BSD-3-Clause).")
    print("// ERA(build, " + ", ".join(column.split(".")[-1] for column in ERA[:6]) + ",")
    print("//     " + ", ".join(column.split(".")[-1] for column in ERA[6:13]) + ",")
    print("//     " + ", ".join(column.split(".")[-1] for column in ERA[13:]) + ")")
    builds = []
    for era in order:
        known = [version_of[row["guid"][:8]] for row in eras[era] if row["guid"][:8] in version_of]
        build = min(int(version.split(".")[-1]) for version, _ in known)
        builds.append(build)
        numbers = [number or "NONE" for number in era]
        print(f"ERA({build}, " + ", ".join(numbers[:6]) + ",")
        print("    " + ", ".join(numbers[6:]) + ")")
    print("// KERNEL(era, build, revision, high and low half of the GUID's digits, RVAs:")
    print("//     " + ", ".join(VARIABLES[:5]) + ",")
    print("//     " + ", ".join(VARIABLES[5:]) + ")")
    for row in rows:
        era = order.index(tuple(row[column] for column in ERA))
        version, revision = version_of.get(row["guid"][:8], (None, 0))
        build = int(version.split(".")[-1]) if version else 0
        guid = row["guid"]
        print(f"KERNEL({era}, {build}, {revision}, 0x{guid[:16]}, 0x{guid[16:]},")
        print("       " + ", ".join(row[name] or "0" for name in VARIABLES) + ")")


if __name__ == "__main__":
    main()
