# SPDX-License-Identifier: MIT
"""How long a command takes and how much memory it needs.

The kernel counts the memory of whoever starts a program as the program's own first: a benchmark
that makes large files does so in another process (`apart`), and stays small itself.
"""

import json
import os
import subprocess
import sys
import time


def run(command, good=(0,)):
    """(seconds, peak KiB) of one run; its output goes nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    start = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ,
                          file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    os.close(null)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) not in good:
        sys.exit("%s: failed" % " ".join(command))
    return seconds, usage.ru_maxrss


def best(command, runs=3, good=(0,)):
    """The shortest time and the largest peak of some runs."""
    seen = [run(command, good) for _ in range(runs)]
    return min(s for s, _ in seen), max(k for _, k in seen)


def apart(script, *arguments):
    """Runs a Python script in a process of its own; what it prints, as JSON."""
    done = subprocess.run([sys.executable, "-B", script, *map(str, arguments)], check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)
