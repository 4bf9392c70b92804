# SPDX-License-Identifier: MIT
"""Compares the lengths of x64 instructions with objdump's: test_witness.py X86_LENGTHS PROGRAM.

The program may be any for x64; seep itself does. What objdump prints as a prefix of its own line,
or does not know, is left out.
"""

import re
import shutil
import subprocess
import sys

MAX = 200_000
PREFIX = re.compile(r"(data16|addr32|rex\S*|lock|rep\S*|[cdefgs]s|bnd|notrack|fwait|\.byte)\b")


def main():
    lengths, program = sys.argv[1:]
    if not shutil.which("objdump"):
        print("no objdump: not compared")
        sys.exit(77)
    head = subprocess.run(["objdump", "-h", program], capture_output=True, text=True, check=True)
    section = re.search(r" \.text +\S+ +([0-9a-f]+) +\S+ +([0-9a-f]+)", head.stdout)
    if "x86-64" not in head.stdout or not section:
        print("not a program for x64: not compared")
        sys.exit(77)
    address, offset = (int(x, 16) for x in section.groups())
    lines = []
    with subprocess.Popen(["objdump", "-d", "-j", ".text", "--insn-width=16", program],
                          stdout=subprocess.PIPE, text=True) as dump:
        for line in dump.stdout:
            m = re.match(r" *([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *(.*)", line)
            if not m or "(bad)" in m[3] or PREFIX.match(m[3]):
                continue
            lines.append("%x %d" % (int(m[1], 16) - address + offset, len(m[2].split())))
            if len(lines) == MAX:
                dump.kill()
                break
    done = subprocess.run([lengths, program], input="\n".join(lines), capture_output=True,
                          text=True, check=False)
    print("\n".join(done.stdout.split("\n")[-20:]))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
