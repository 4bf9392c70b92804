#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a text file as a C string: embed.py NAME IN OUT."""
import sys

name, source, target = sys.argv[1:4]
with open(source, encoding="utf-8") as f:
    lines = f.read().splitlines()
with open(target, "w", encoding="utf-8") as f:
    f.write("// Made from a text file by embed.py.\n")
    f.write(f'#include "case/schema.h"\n\nconst char {name}[] =\n')
    for line in lines:
        escaped = line.replace("\\", "\\\\").replace('"', '\\"')
        f.write(f'    "{escaped}\\n"\n')
    f.write("    ;\n")
