# SPDX-License-Identifier: MIT
"""Runs a command again and again, each time with a later allocation failing, and judges its end.

usage: walk.py PROGRAM COMMAND FOLDER...

PROGRAM comes from a build with -Dalloc_failure=true. `PROGRAM COMMAND FILE --json` is run on the
smallest and the largest file of each FOLDER, first undisturbed, then with the N-th allocation and
all later ones failing: each N up to 100, then in steps of a seventh, until eight runs in a row end
like the undisturbed one. A run must exit with a documented status, leave the sanitizers silent, and
not pass off a different answer as a complete one (status 0). Exits 77, "skipped", without a file.
"""

import os
import pathlib
import subprocess
import sys

DENSE = 100
MAX_RUNS = 400
SANITIZER_STATUS = 99
TIMEOUT_S = 60


def run(command, fail_at):
    env = dict(os.environ, ASAN_OPTIONS=f"exitcode={SANITIZER_STATUS}:detect_leaks=1:"
                                        "allow_addr2line=1",
               UBSAN_OPTIONS=f"exitcode={SANITIZER_STATUS}:halt_on_error=1")
    env.pop("SEEP_FAIL_ALLOC", None)
    if fail_at:
        env["SEEP_FAIL_ALLOC"] = str(fail_at)
    return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=TIMEOUT_S)


def complaint(result, undisturbed):
    """What is wrong with how a run ended, or None."""
    if result.returncode not in (0, 1, 2, 3):
        return f"status {result.returncode}"
    if b"Sanitizer" in result.stderr or b"runtime error" in result.stderr:
        return "a sanitizer spoke"
    if result.returncode == 0 and result.stdout != undisturbed.stdout:
        return "another answer, and status 0"
    return None


def walk(command):
    """Returns the number of runs in which an allocation failed, and the number of bad ends."""
    undisturbed = run(command, None)
    if undisturbed.returncode not in (0, 1):
        print(f"{command}: {undisturbed.stderr.decode(errors='replace')}")
        return 0, 1
    n_disturbed = n_bad = n_equal = 0
    at = 1
    for _ in range(MAX_RUNS):
        result = run(command, at)
        wrong = complaint(result, undisturbed)
        if wrong:
            n_bad += 1
            print(f"{command}, allocation {at}: {wrong}\n"
                  f"{result.stderr.decode(errors='replace')[:4000]}")
            if n_bad == 5:
                break
        same = (result.returncode, result.stdout) == (undisturbed.returncode, undisturbed.stdout)
        n_equal = n_equal + 1 if same else 0
        n_disturbed += not same
        if n_equal == 8:
            break
        at += 1 if at < DENSE else at // 7
    return n_disturbed, n_bad


def samples(program, command, folder):
    """The command lines for the smallest and the largest file that is read undisturbed: a seed may
    be damaged on purpose."""
    files = sorted((p for p in pathlib.Path(folder).glob("*") if p.is_file()),
                   key=lambda p: p.stat().st_size)
    lines = [[program, command, str(path), "--json"] for path in files]
    smallest = next((line for line in lines if run(line, None).returncode in (0, 1)), None)
    largest = next((line for line in lines[::-1] if run(line, None).returncode in (0, 1)), None)
    if smallest is None:
        return []
    return [smallest] if smallest == largest else [smallest, largest]


def main(program, command, *folders):
    lines = [line for folder in folders for line in samples(program, command, folder)]
    bad = 0
    for line in lines:
        n_disturbed, n_bad = walk(line)
        bad += n_bad
        print(f"{line[2]}: {n_disturbed} runs with a failed allocation, {n_bad} ended badly")
    if not lines:
        print("no file that this program reads: nothing to walk")
        return 77
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
