# SPDX-License-Identifier: MIT
"""Writes what operating-characteristic measured into the documents.

usage: document.py PROGRAM ROOT [ARGUMENT...]; arguments go to the program. All tables become
docs/operating-characteristic.md, below its introduction; the few that matter most replace what lies
between the two marks in docs/detection.md.
"""

import os
import pathlib
import platform
import subprocess
import sys

BEGIN = "<!-- operating-characteristic: begin -->\n"
END = "<!-- operating-characteristic: end -->\n"
# Beginnings of the titles of the tables that docs/detection.md has.
DIGEST = ["bars, ", "families, all observations: ", "families, by observation", "families, leaks:",
          "families, what is no leak", "other shapes, all observations: ",
          "other shapes, leaks:", "other shapes, what is no leak",
          "whole machines", "time to detection, 1 d", "time to exhaustion", "real machines"]


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def tables(text):
    """(title, lines) of each table; what stands outside one belongs to a table without title."""
    found = []
    for line in text.splitlines():
        if line.startswith("**") and line.endswith("**"):
            found.append((line.strip("*"), []))
        elif found and line.startswith("|"):
            found[-1][1].append(line)
        elif line.strip():
            found.append(("", [line]))
    return found


def as_text(some):
    return "\n".join((f"**{title}**\n\n" if title else "") + "\n".join(lines) + "\n"
                     for title, lines in some)


def main():
    program, root, *arguments = sys.argv[1:]
    root = pathlib.Path(root)
    run = subprocess.run([program, "--markdown", *arguments], capture_output=True, text=True,
                         check=True, env=dict(os.environ))
    all_tables = tables(run.stdout)
    how = (f"`operating-characteristic {' '.join(['--markdown', *arguments])}` on one core of "
           f"{processor()}.\n\n")
    whole = root / "docs/operating-characteristic.md"
    whole.write_text(whole.read_text().split(BEGIN)[0] + BEGIN + how + as_text(all_tables) + END)
    digest = [t for t in all_tables if any(t[0].startswith(d) for d in DIGEST)]
    path = root / "docs/detection.md"
    before, rest = path.read_text().split(BEGIN)
    path.write_text(before + BEGIN + how + as_text(digest) + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
