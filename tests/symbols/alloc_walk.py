# SPDX-License-Identifier: MIT
"""Looks for symbols again and again, each time with a later allocation failing.

usage: alloc_walk.py PROBE SOURCE-ROOT, where PROBE comes from a build with -Dalloc_failure=true. It
must end with a documented status and leave the sanitizers silent, whatever is found."""

import os
import pathlib
import subprocess
import sys
import tempfile

import tiny_pdb

GUID = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"
STEPS = [*range(1, 160), *range(160, 4000, 131)]


def main(probe, root):
    sys.path.insert(0, str(pathlib.Path(root) / "src/symbols"))
    import synth_cab
    import synth_isf
    bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        pdb = tiny_pdb.make(GUID, 10, [("main", 0x10), ("helper", 0x40)])
        packed = synth_cab.cabinet("app.pdb", len(pdb), synth_cab.mszip(pdb), 1)
        files = {"dir/app.pdb": pdb, "packed/app.pd_": packed,
                 **{f"isf/{name}": data for name, data in synth_isf.files().items()}}
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        runs = [[f"cache*{folder}/keep;{folder}/dir", "app.pdb", GUID, "10"],
                [f"srv*{folder}/unpacked*{folder}/none;{folder}/packed", "app.pdb", GUID, "10"],
                [f"{folder}/isf", "synth.pdb", synth_isf.GUID, "3"]]
        for number, run in enumerate(runs):
            for step in STEPS:
                env = dict(os.environ, SEEP_FAIL_ALLOC=str(step),
                           ASAN_OPTIONS="exitcode=99:detect_leaks=1:allow_addr2line=1",
                           UBSAN_OPTIONS="exitcode=99:halt_on_error=1")
                # Of three runs two find what the one before left in the cache.
                command = [probe, "--cache", f"{folder}/cache{step % 3}", "--symbol", "helper",
                           "--struct", "_OUTER", *run]
                result = subprocess.run(command, env=env, stdin=subprocess.DEVNULL,
                                        capture_output=True, timeout=60)
                if result.returncode not in (0, 1):
                    bad += 1
                    print(f"run {number}, allocation {step}: status {result.returncode}\n"
                          f"{result.stderr.decode(errors='replace')[:2000]}")
    print(f"{len(runs) * len(STEPS)} runs, {bad} ended badly")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main(*sys.argv[1:]))
