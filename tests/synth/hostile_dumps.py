# SPDX-License-Identifier: MIT
"""Broken dumps through the program: hostile_dumps.py SEEP FOLDER [COMMAND...]

FOLDER holds the seeds of a source of dumps; commands are map, heap, facts and analyze unless others
are given. For each: no crash, no hang, little memory, at most
one line on stderr, JSON that parses, and status 3 where a line was said.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

LIMIT_S, LIMIT_KB = 20, 600 << 10  # sanitizers take several times the time and the memory
COMMANDS = ("map", "heap", "facts", "analyze")
failures = 0


def complain(what):
    global failures
    failures += 1
    print("FAILED  " + what)


def run(seep, command, path, out):
    words = [seep, *command, str(path), "--json"]
    actions = [(os.POSIX_SPAWN_OPEN, 1, f"{out}/stdout", os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                0o600),
               (os.POSIX_SPAWN_OPEN, 2, f"{out}/stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                0o600)]
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    where = f"{command[0]} {path.name}"
    status = os.waitstatus_to_exitcode(status)
    error = pathlib.Path(out, "stderr").read_bytes()
    text = pathlib.Path(out, "stdout").read_bytes()
    if status not in (0, 1, 3):
        complain(f"{where}: status {status}: {error.decode(errors='replace')[-300:]}")
    if error.count(b"\n") > 1 or (status == 3) != (error.count(b"\n") == 1):
        complain(f"{where}: status {status} with {error!r}")
    if any(c in error for c in (b"\x1b", b"\x07", b"\xc2\x9b")):
        complain(f"{where}: control characters on stderr")
    if usage.ru_utime + usage.ru_stime > LIMIT_S or usage.ru_maxrss > LIMIT_KB:
        complain(f"{where}: {usage.ru_utime + usage.ru_stime:.1f} s, {usage.ru_maxrss >> 10} MB")
    if text:
        try:
            losses = [s["losses"] for s in json.loads(text.decode("utf-8"))["sources"]]
            # An address or offset that is not known is not the largest one.
            if "0xffffffffffffffff" in json.dumps(losses) or b"0xffffffffffffffff" in error:
                complain(f"{where}: an unknown place is printed: {losses}")
        except ValueError as reason:
            complain(f"{where}: no JSON: {reason}")


def main():
    seep, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    paths = sorted(folder.glob("*.dmp"))

    with tempfile.TemporaryDirectory() as out:
        for command in [c.split() for c in sys.argv[3:] or COMMANDS]:
            if subprocess.run([seep, *command, "--help"], capture_output=True).returncode:
                complain(f"there is no command {command[0]}")
                continue
            for path in paths:
                run(seep, command, path, out)
    print(f"{len(paths)} dumps, {failures} failures")
    return 1 if failures or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
