#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes small cases with Python's own SQLite and schema.sql, for tests: synth.py OUT_DIR.

Pages of 512 bytes keep the files small. Nothing here is shared with the C code but the schema,
which is the contract.
"""
import json
import os
import sqlite3
import sys

NS = 10**9
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../case/schema.sql")


def insert(db, table, *row):
    db.execute(f"INSERT INTO {table} VALUES({','.join('?' * len(row))})", row)


def value(series, i):
    return 1000000 * series + 65536 * i + (0.5 if i % 7 == 3 else 0)


def fill(db, points):
    insert(db, "source", 1, "live", "live-windows", 0, 0, "ok", '{"sample":40}')
    insert(db, "loss", 1, 1, "unreadable-processes", 2, None, None, "two were protected", 1)
    insert(db, "machine", 1, "SRV01", "Windows", "10.0.20348", 8 << 30, 9 << 30, 4096, 4)
    insert(db, "boot", 1, 1, 1700000000 * NS)
    insert(db, "process", 1, 1, 1, 1948, 4, 1700000100 * NS, None, "app.exe")
    insert(db, "series", 1, 1, 1, "process", 1, None, "private_bytes", "PagefileUsage")
    insert(db, "series", 2, 1, 1, "machine", None, None, "commit_bytes", "CommittedPages")
    insert(db, "series", 3, 1, 1, "pool-tag", None, "Leak", "nonpaged_pool_bytes", "NonPagedUsed")
    for i in range(20):
        insert(db, "tick", i + 1, 1, 1, (1700001000 + 60 * i) * NS)
    for series in (1, 2, 3):
        text = points or json.dumps({str(i): value(series, i) for i in range(20)})
        insert(db, "chunk", series, series, 1, 1, 20, 20, text.replace(" ", ""))
    insert(db, "event", 1, 1, 1, 1700001500 * NS, "srv", "System", 2019, 0, 77, 4096)
    fields = (("Data", "text", "\\Device"), ("Data", "null", None), ("X/Y", "uint", 7),
              ("X/Z", "real", 0.5), ("T", "time", 1700001500 * NS))
    for n, field in enumerate(fields):
        insert(db, "field", 1, n, *field)


def make(path, points=None, extra=""):
    if os.path.exists(path):
        os.remove(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size=512")
    with open(SCHEMA, encoding="utf-8") as f:
        db.executescript(f.read())
    db.executescript(f"PRAGMA application_id={0x73656570}; PRAGMA user_version=2")
    fill(db, points)
    if extra:
        db.executescript(extra)
    db.commit()
    db.close()


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    make(os.path.join(out, "small.seep"))
    make(os.path.join(out, "bad-points.seep"), points='{"0":1,"1":2e3,"2":')
    make(os.path.join(out, "trigger.seep"),
         extra="CREATE TRIGGER t AFTER INSERT ON loss BEGIN DELETE FROM source; END;")
    make(os.path.join(out, "gaps.seep"), extra="UPDATE tick SET id=id+1000000 WHERE id>10;")


if __name__ == "__main__":
    main()
