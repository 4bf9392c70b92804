#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes small cases with Python's own SQLite and schema.sql, for tests: synth.py OUT_DIR.

Pages of 512 bytes keep the files small. Nothing here is shared with the C code but the schema, which is the contract.
"""
import json
import os
import sqlite3
import sys

NS = 10**9
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../case/schema.sql")


def make(path, journal="DELETE", points=None, extra=""):
    if os.path.exists(path):
        os.remove(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size=512")
    db.execute(f"PRAGMA journal_mode={journal}")
    with open(SCHEMA, encoding="utf-8") as f:
        db.executescript(f.read())
    db.executescript(f"PRAGMA application_id={0x73656570}; PRAGMA user_version=2")
    db.execute("INSERT INTO source VALUES(1,'live','live-windows',0,0,'ok','{\"sample\":40}')")
    db.execute("INSERT INTO loss VALUES(1,1,'unreadable-processes',2,NULL,NULL,'two were protected',1)")
    db.execute("INSERT INTO machine VALUES(1,'SRV01','Windows','10.0.20348',8589934592,9663676416,4096,4)")
    db.execute("INSERT INTO boot VALUES(1,1,?)", (1700000000 * NS,))
    db.execute("INSERT INTO process VALUES(1,1,1,1948,4,?,NULL,'app.exe')", (1700000100 * NS,))
    for row in ((1, "process", 1, None, "private_bytes", "PagefileUsage"), (2, "machine", None, None, "commit_bytes", "c"),
                (3, "pool-tag", None, "Leak", "nonpaged_pool_bytes", "p")):
        db.execute("INSERT INTO series VALUES(?,1,1,?,?,?,?,?)", row)
    for i in range(20):
        db.execute("INSERT INTO tick VALUES(?,1,1,?)", (i + 1, (1700001000 + 60 * i) * NS))
    for series in (1, 2, 3):
        text = points or json.dumps({str(i): 1000000 * series + 65536 * i + (0.5 if i % 7 == 3 else 0)
                                     for i in range(20)}, separators=(",", ":"))
        db.execute("INSERT INTO chunk(series_id,tick_id,first_tick_id,last_tick_id,n_points,points) VALUES(?,1,1,20,20,?)",
                   (series, text))
    db.execute("INSERT INTO event VALUES(1,1,1,?,'srv','System',2019,0,77,4096)", (1700001500 * NS,))
    for n, (field, kind, value) in enumerate((("Data", "text", "\\Device"), ("Data", "null", None), ("X/Y", "uint", 7),
                                              ("X/Z", "real", 0.5), ("T", "time", 1700001500 * NS))):
        db.execute("INSERT INTO field VALUES(1,?,?,?,?)", (n, field, kind, value))
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
