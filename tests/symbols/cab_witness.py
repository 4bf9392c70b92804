# SPDX-License-Identifier: MIT
"""Has cabextract unpack the cabinets that the tests read: it and seep must agree on them.

usage: cab_witness.py FOLDER. Exits 77, "skipped", without cabextract."""

import pathlib
import shutil
import subprocess
import sys


def main(folder):
    tool = shutil.which("cabextract")
    if not tool:
        print("no cabextract here: scripts/setup --witness installs it")
        return 77
    cabinets = sorted(pathlib.Path(folder).glob("*.cab"))
    wrong = []
    for cabinet in cabinets:
        result = subprocess.run([tool, "-q", "-p", "-F", "sample.pdb", cabinet],
                                capture_output=True, stdin=subprocess.DEVNULL)
        if result.stdout != cabinet.with_suffix(".bin").read_bytes():
            wrong.append(cabinet.name)
    print(f"{len(cabinets)} cabinets, {len(wrong)} read otherwise: {' '.join(wrong)}")
    return 1 if wrong or not cabinets else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
