# SPDX-License-Identifier: MIT
"""Writes the files that the tests of this folder read: usage: synth_cases.py FOLDER STAMP."""

import pathlib
import sys

import synth_cab
import synth_isf


def main(folder, stamp):
    folder = pathlib.Path(folder)
    synth_cab.main(folder / "cabinets")
    tables = folder / "isf"
    tables.mkdir(exist_ok=True)
    for name, data in synth_isf.files().items():
        (tables / name).write_bytes(data)
    pathlib.Path(stamp).touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
