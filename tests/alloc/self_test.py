# SPDX-License-Identifier: MIT
"""Proves that walk.py sees a bad end, with scripts in the place of seep."""

import contextlib
import io
import pathlib
import sys
import tempfile

import walk

# Makes ten allocations; `bad` says what happens when the seventh or an earlier one fails.
PROGRAM = """#!{python}
import os, sys
fail_at = int(os.environ.get("SEEP_FAIL_ALLOC", "0"))
if not 1 <= fail_at <= 10:
    print("the answer")
    sys.exit(1)
if fail_at <= 7:
    {bad}
print("what was read")
print("seep: FILE: out of memory", file=sys.stderr)
sys.exit(3)
"""

CASES = [
    ("pass", 0),
    ("os.kill(os.getpid(), 11)", 1),
    ("sys.exit(99)", 1),
    ("print('half'); sys.exit(0)", 1),
    ("print('ERROR: AddressSanitizer', file=sys.stderr)", 1),
]


def main():
    failures = 0
    for bad, expected in CASES:
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "program")
            program.write_text(PROGRAM.format(python=sys.executable, bad=bad))
            program.chmod(0o755)
            seeds = pathlib.Path(folder, "seeds")
            seeds.mkdir()
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                empty = walk.main(str(program), "facts", str(seeds))
                (seeds / "one").write_bytes(b"1")
                status = walk.main(str(program), "facts", str(seeds))
        if status != expected or empty != 77:
            failures += 1
            print(f"{bad!r}: status {status}, expected {expected}\n{output.getvalue()}")
    print(f"{len(CASES)} programs, {failures} judged wrongly")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
