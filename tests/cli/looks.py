# SPDX-License-Identifier: MIT
"""Makes what the tests of `seep pool`, `vm` and `zombies` look at.

    looks.py snapshot FILE HOURS    a table as PoolMon writes it, HOURS after noon
    looks.py zombies CASE           dead processes and their holders, into a case
    looks.py vm CASE                numbers of memory, into a case
"""
import datetime
import os
import sqlite3
import sys

NOON = int(datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc).timestamp())
KB = 1024
GB = KB ** 3

# tag, type, allocations, frees, bytes of a block, and how many of the first two come in an hour
TAGS = [
    ("Leak", "Nonp", 1000, 0, 4096, 20000, 0, "[notmyfault.sys]"),
    ("Evnt", "Nonp", 5000, 3990, 128, 20000, 0, "[nt!ke - Event objects]"),
    ("MmSt", "Paged", 90000, 30000, 4096, 500, 500, "[nt!mm - Mm section object prototype ptes]"),
    ("Toke", "Paged", 7000, 6000, 1500, 80, 80, "[nt!se - Token objects]"),
]


def snapshot(path, hours):
    hours = int(hours)
    rows = [" Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc"
            "  Mapped_Driver", ""]
    for tag, pool, allocs, frees, size, allocs_h, frees_h, driver in TAGS + [
            (f"T{n:03d}", "Nonp", 10 + n, 5, 64, 0, 0, "") for n in range(30)]:
        allocs += allocs_h * hours
        frees += frees_h * hours
        used = allocs - frees
        rows.append(f" {tag:4} {pool:5} {allocs:12} {frees:12} {used:8} {used * size:12} "
                    f"{size:8}  {driver}".rstrip())
    with open(path, "w", encoding="ascii", newline="\r\n") as file:
        file.write("\n".join(rows) + "\n")
    os.utime(path, (NOON + 3600 * hours,) * 2)


def zombies(path):
    db = sqlite3.connect(path)
    now = (NOON + 60) * 10 ** 9
    source, machine = db.execute("SELECT max(source.id), max(machine.id) FROM source, machine"
                                 ).fetchone()

    def process(pid, image, end):
        return db.execute(
            "INSERT INTO process(machine_id,pid,start_ns,end_ns,image) VALUES(?,?,?,?,?)",
            (machine, pid, now - 10 ** 12 + pid, end, image)).lastrowid

    holders = [process(1234, "svc.exe", None), process(888, "a\x1bb.exe", None)]
    snapshots = [db.execute("INSERT INTO snapshot(source_id,process_id,time_ns,wow64)"
                            " VALUES(?,?,?,0)", (source, holder, now)).lastrowid
                 for holder in holders]
    for n in range(1300):
        dead = process(50000 + 4 * n, "cl.exe" if n % 2 else "link.exe", now - 5 * 10 ** 11)
        held = n < 1000
        db.execute("INSERT INTO zombie VALUES(?,?,?,?,?,?,?,?)",
                   (dead, now, source, int(held), int(held), 2, int(not held), None))
        if held:
            db.execute("INSERT INTO handle(snapshot_id,n,value,type,access,target_id)"
                       " VALUES(?,?,?,'Process',0,?)",
                       (snapshots[n >= 990], n, 4 * n + 4, dead))
    db.commit()


def vm(path):
    db = sqlite3.connect(path)
    now = (NOON + 3600 * 1000) * 10 ** 9
    source, machine = db.execute("SELECT max(source.id), max(machine.id) FROM source, machine"
                                 ).fetchone()
    for item, size in {"physical": 16 * GB, "available": GB // 2, "committed": 20 * GB,
                       "commit-limit": 24 * GB, "commit-peak": 21 * GB, "paged-pool": 2 * GB,
                       "nonpaged-pool": 11 * GB, "nonpaged-pool-limit": 12 * GB,
                       "process-private": 6 * GB, "zombies": 100 * KB}.items():
        db.execute("INSERT INTO vm(source_id,machine_id,time_ns,tick,item,bytes)"
                   " VALUES(?,?,?,0,?,?)", (source, machine, now, item, size))
    db.commit()


if __name__ == "__main__":
    {"snapshot": snapshot, "zombies": zombies, "vm": vm}[sys.argv[1]](*sys.argv[2:])
