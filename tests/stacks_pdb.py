#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the PDB of an image of the trace synthesizer.

    stacks_pdb.py IMAGE OUT.pdb [--wrong] NAME=RVA:SIZE:LINE...

The functions are in c:\\src\\app.cpp; LINE is that of the whole function. --wrong: another build.
"""
import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "src/symbols"))
import synth_pdb as pdb  # noqa: E402


def main():
    words = [w for w in sys.argv[1:] if w != "--wrong"]
    pdb.GUID = hashlib.md5(words[0].encode() + b"!" * ("--wrong" in sys.argv)).digest()
    source = "c:\\src\\app.cpp"
    names, at = pdb.file_names(source)
    c13, (file,) = pdb.checksums(at[source])
    symbols = pdb.u32(4)
    for word in words[2:]:
        name, _, place = word.rpartition("=")
        rva, size, line = (int(n, 0) for n in place.split(":"))
        symbols += pdb.procedure(name, 1, rva - 0x100, size) + pdb.END
        c13 += pdb.lines(1, rva - 0x100, size, (file, [(0, line)]))
    dbi = pdb.dbi_stream([pdb.module_info(9, len(symbols), len(c13), "app.obj")],
                         [pdb.NO_STREAM] * 5 + [8] + [pdb.NO_STREAM] * 5)
    streams = [b"", pdb.info_stream({"/names": 10}), pdb.type_stream([]), dbi, pdb.type_stream([]),
               pdb.hash_stream([]), pdb.publics_stream([]), b"", pdb.section(0x100, 0x8000),
               symbols + c13, names]
    pathlib.Path(words[1]).write_bytes(pdb.msf(streams))
    return 0


if __name__ == "__main__":
    sys.exit(main())
