# SPDX-License-Identifier: MIT
"""Holds the example logs equal to what the synthesizers write: examples.py [--write]."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROWS = (
    ("srv01.blg", "blg", []),
    ("srv01.csv", "pdh-csv", ["--interval", "300"]),
    ("System.evtx", "evtx", []),
)


def main():
    failed = 0
    for name, folder, extra in ROWS:
        target = ROOT / "examples" / name
        with tempfile.TemporaryDirectory() as scratch:
            fresh = target if "--write" in sys.argv else pathlib.Path(scratch) / name
            synth = ROOT / "src/source" / folder / "synth.py"
            subprocess.run([sys.executable, "-B", synth, "--demo", fresh, *extra], check=True,
                           stdout=subprocess.DEVNULL)
            same = fresh.read_bytes() == target.read_bytes()
        print(f"{'ok     ' if same else 'DIFFERS'} {name}")
        failed += not same
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
