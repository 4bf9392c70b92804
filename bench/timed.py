# SPDX-License-Identifier: MIT
"""How long a command takes and how much memory it needs."""

import os
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
