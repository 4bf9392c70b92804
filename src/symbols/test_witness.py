# SPDX-License-Identifier: MIT
"""Compares names, lines and inlined calls with another debug format: test_witness.py SYMBOLIZE.

clang compiles the program below twice: with CodeView, of which lld makes a PDB, and with DWARF,
which llvm-symbolizer reads. Every byte of the procedures is asked of both. (llvm-symbolizer 14
reads PDBs too, but gives an inlined call's lines right at the first byte of a range only.)
Exit status 77 (skipped) where one of the tools is not there.
"""

import glob
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = """
static volatile int sink;
static inline __attribute__((always_inline)) int deep(int x)
{
    sink = x;
    return x * 3;
}
static inline __attribute__((always_inline)) int middle(int x)
{
    int y = deep(x + 1);
    sink = y;
    return deep(y) - 1;
}
struct node { struct node *next; int values[7]; unsigned flag : 3; };
struct node nodes[4];
__attribute__((noinline)) int outer(int x)
{
    sink = 1;
    if (x > 7)
        sink = middle(x);
    for (int i = 0; i < x; i++)
        sink += deep(i);
    return sink;
}
__attribute__((noinline)) static int other(struct node *n)
{
    return n->values[sink & 3] + (int)n->flag;
}
int main(int argc, char **argv)
{
    (void)argv;
    return outer(argc) + middle(argc) + other(&nodes[argc & 3]);
}
"""


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True,
                          errors="replace").stdout


def build(folder):
    libraries = sorted(glob.glob("/usr/lib/gcc/x86_64-w64-mingw32/*-win32"))
    tools = ("clang", "ld.lld", "x86_64-w64-mingw32-gcc", "llvm-symbolizer",
             "llvm-pdbutil")
    missing = [t for t in tools if not shutil.which(t)]
    if missing or not libraries:
        print("skipped: needs", ", ".join(missing) or "mingw-w64")
        sys.exit(77)
    source, pdb, image = folder / "t.c", folder / "t.pdb", folder / "dwarf.exe"
    source.write_text(SOURCE)
    common = ("clang", "--target=x86_64-w64-mingw32", "-O1", "-fuse-ld=lld", "-L" + libraries[-1],
              str(source))
    run(*common, "-g", "-gcodeview", "-Wl,--pdb=" + str(pdb), "-o", str(folder / "codeview.exe"))
    run(*common, "-gdwarf-4", "-o", str(image))
    return image, pdb


def frames(block):
    """The frames of one address, as (function, file, line)."""
    lines = block.strip().split("\n")
    places = [re.match(r"(.*?):(\d+)", p).groups() for p in lines[1::2]]
    return [(f, *p) for f, p in zip(lines[::2], places)]


def main():
    with tempfile.TemporaryDirectory() as scratch:
        image, pdb = build(pathlib.Path(scratch))
        dump = run("llvm-pdbutil", "dump", "-symbols", "-section-headers", str(pdb))
        sections = re.findall(r"([0-9A-F]+) virtual address", dump)
        asked, firsts = [], []
        for section, offset, size in re.findall(
                r"S_[GL]PROC32(?:_ID)? \[.*?\] `(?:outer|other|main)`\n.*?"
                r"addr = (\d+):(\d+), code size = (\d+)", dump):
            start = int(sections[int(section) - 1], 16) + int(offset)
            asked += range(start, start + int(size))
            firsts.append(start)
        text = "".join("0x%x\n" % a for a in asked)
        ours, theirs = ([frames(b) for b in run(*command, text=text).strip().split("\n\n")]
                        for command in ((sys.argv[1], str(pdb)),
                                        ("llvm-symbolizer", "--relative-address",
                                         "--obj=" + str(image))))
        assert len(ours) == len(theirs) == len(asked), (len(ours), len(theirs), len(asked))
        # The formats differ in two things: what DWARF knows to be of no line has that of the code
        # before it in CodeView; and a procedure's opening line has code (that sets up its frame)
        # in DWARF only.
        both, opening = [], None
        for a, o, t in zip(asked, ours, theirs):
            opening = t if a in firsts else opening if t == opening else None
            if t != opening and all(line != "0" for _, _, line in t):
                both.append((hex(a), o, t))
        wrong = [b for b in both if b[1] != b[2]]
        deepest = max(map(len, ours))
        print("%d addresses, %d of a line, %d differ, up to %d inlined"
              % (len(asked), len(both), len(wrong), deepest - 1))
        for line in wrong[:10]:
            print(line)
        sys.exit(bool(wrong) or deepest < 3 or len(both) < 150 or len(firsts) != 3)


if __name__ == "__main__":
    main()
